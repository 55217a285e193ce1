"""Efficiencies as a referee wants them: with the exact interval, and with the counts left."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.metrics.bins import clopper_pearson
from baksan.metrics.checks import numbers, weights
from baksan.results.weights import effective_number

Array = NDArray[Any]

__all__ = ["LIMIT", "Share", "share"]

LIMIT = 0.95
"""The level of confidence of limits where nothing, or everything, passes."""


class Share(NamedTuple):
    """An efficiency, its central 68.27 % interval, and the rows left and looked at.

    `limit` is the upper limit at 95 % where no event passes, else NaN. Its text never says 0.
    """

    value: float
    low: float
    high: float
    left: int
    events: int
    limit: float

    def __str__(self) -> str:
        if not self.left:
            return (
                f"no event of {self.events:,} passes: below {self.limit:.1e} at {LIMIT * 100:g} %"
            )
        return (
            f"{self.value:.3g} ({self.low:.3g} … {self.high:.3g}), {self.left:,} of {self.events:,}"
        )


def share(passed: ArrayLike, weight: ArrayLike | None = None) -> Share:
    """ε = Σ w [passed]/Σ w, with the interval of Clopper and Pearson.

    With weights the interval is that of ε n_eff of n_eff = (Σw)²/Σw² events [D: exact for equal
    weights]. Where nothing passes the limit at 95 % is 1 − 0.05^(1/n_eff) ≈ 3/n_eff.

    Parameters
    ----------
    passed : (n,) bool
    weight : (n,), optional
        0 or more.

    Raises
    ------
    ValueError
        No events, weights that sum to 0.

    Examples
    --------
    >>> print(share(np.zeros(3000, bool)))
    no event of 3,000 passes: below 1.0e-03 at 95 %
    """
    k = numbers(passed, "passed").astype(bool)
    w = weights(weight, len(k))
    n, value = effective_number(w), float(w[k].sum() / w.sum())
    low, high = clopper_pearson(min(value * n, n), n)
    limit = float("nan") if value > 0 else float(1 - (1 - LIMIT) ** (1 / n))
    return Share(
        value, float(low), float(high), int(np.sum(k & (w > 0))), int(np.sum(w > 0)), limit
    )
