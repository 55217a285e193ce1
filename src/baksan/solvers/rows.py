"""What kernels are handed of events: arrays of few kinds, so that each kernel is compiled once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.losses import Loss
from baksan.samples import Samples

Array = NDArray[Any]

__all__ = ["TOGETHER", "Rows", "kernel", "kernel_array", "parts_of", "setting_of"]

TOGETHER = 4
"""Steps on single events that a kernel takes at once: those whose place in the epoch begins a
multiple of it."""
_PARTS = 64
_LEAST = 8_192


@dataclass(frozen=True, eq=False)
class Rows:
    """x (n, d) float64 or float32, targets t (k, n), weight (n,) or (0,) where each is 1."""

    x: Array
    t: Array
    weight: Array

    @classmethod
    def of(
        cls,
        block: Samples,
        loss: Loss,
        outputs: int,
        mean_weight: float = 1.0,
        *,
        columns: bool = False,
    ) -> Rows:
        """Of a block of events, its weights divided by `mean_weight`.

        With `columns`, x may lie in memory by columns if it comes so.
        """
        weight = np.empty(0) if block.weight is None else block.weight / mean_weight
        return cls(
            kernel_array(block.x, columns=columns),
            kernel_array(targets(block, loss, outputs).T, np.float64),
            kernel_array(weight, np.float64),
        )

    def __len__(self) -> int:
        return len(self.x)

    def picked(self, index: Array, x: Array) -> Rows:
        """The rows of these numbers, whose features are x."""
        weight = self.weight.take(index) if len(self.weight) else self.weight
        return Rows(kernel_array(x), kernel_array(self.t.take(index, 1)), kernel_array(weight))


def targets(block: Samples, loss: Loss, outputs: int) -> Array:
    """What each output is compared with, (n, k). Raises ValueError for another number of them."""
    t = loss.targets(block.answers, outputs).reshape(len(block), -1)
    if t.shape[1] != outputs:
        raise ValueError(
            f"the model has {outputs} outputs, the answers have {t.shape[1]}; fit a new model."
        )
    return t


def kernel_array(values: Array, dtype: Any = None, *, columns: bool = False) -> Array:
    """The values by rows in memory (or by columns), read-only as Samples' arrays are."""
    by_columns = columns and values.flags.f_contiguous and not values.flags.c_contiguous
    array = values if by_columns else np.ascontiguousarray(values, dtype)
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def setting_of(loss: Loss) -> float:
    """The one number that a kernel's formula is given beside p and t."""
    return loss.setting if isinstance(loss.setting, float) else 0.0


def kernel(function: Callable[..., Any], way: str) -> Callable[..., Any]:
    """The kernel as machine code, or as it stands for the way 'python'."""
    if way == "python":
        return function
    from baksan.compiled import compiled

    return compiled(function)


def parts_of(n: int, multiple: int = 1) -> list[tuple[int, int]]:
    """(first, last) of at most 64 parts of n rows: their number does not depend on the threads, so
    sums over parts have the same bits on any number of them.
    """
    size = max(-(-n // _PARTS), _LEAST)
    size = -(-size // multiple) * multiple
    return [(start, min(start + size, n)) for start in range(0, n, size)]
