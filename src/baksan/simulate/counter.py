"""Random numbers by event number: what event i is made of depends on (seed, i) alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["check_count", "uniforms"]


def uniforms(n: int, draws: int, seed: int, start: int = 0) -> NDArray[Any]:
    """The uniform numbers of the events start … start + n − 1, (n, draws) in (0, 1).

    Philox is a function of a counter (Salmon et al., SC '11 (2011), art. 16), and one counter gives
    four numbers: event i begins at the counter i × draws/4, whoever asks, in blocks of any size.

    Parameters
    ----------
    n, draws, seed, start : int
        `draws` is how many numbers one event may use, a multiple of four.

    Examples
    --------
    >>> bool((uniforms(5, 8, seed=1)[3] == uniforms(1, 8, seed=1, start=3)[0]).all())
    True
    """
    generator = np.random.Generator(np.random.Philox(seed).advance(start * draws // 4))
    return np.maximum(generator.random((n, draws)), 2.0**-54)


def check_count(value: int, what: str, lowest: int) -> None:
    """Raise ValueError unless the value is a whole number ≥ lowest."""
    if not isinstance(value, int | np.integer) or value < lowest:
        raise ValueError(
            f"{what} must be a whole number of at least {lowest}; it is {value!r}. Give one."
        )
