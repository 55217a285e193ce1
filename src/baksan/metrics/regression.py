"""Figures of merit for numbers: bias, resolution, RMSE, MAE, R².

r = a − y, prediction minus answer, in the answer's unit; or relative, x = a/y − 1. The weights (n,)
may be of either sign and sum to more than 0; None is 1 for every event. All raise ValueError where
lengths differ or a value is NaN, and where negative weights leave a mean square below 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.metrics.checks import numbers, weights

Array = NDArray[Any]

__all__ = [
    "CENTRAL", "Residuals", "bias", "bin_numbers", "mae", "quantiles", "r2", "relative_errors",
    "resolution", "rmse",
]  # fmt: skip

CENTRAL = (0.5 - 0.6827 / 2, 0.5, 0.5 + 0.6827 / 2)
# Sums of weights are rounded: a level met within this share of the total counts as met.
_ROUNDING = 1e-12


class Residuals:
    """Numbers sorted once; their quantiles for any weights."""

    def __init__(self, values: Array) -> None:
        self._order = np.argsort(values, kind="stable")
        self._ranked = values[self._order]
        self._ends = np.append(self._ranked[1:] != self._ranked[:-1], True)[: len(values)]

    def quantiles(self, weight: Array, levels: ArrayLike = CENTRAL) -> Array:
        """The value that a share `level` of the weight lies below, of the shape of levels.

        Where the running sum meets a level exactly, the mean of the values on both sides, as in
        the median of an even number (Hyndman and Fan, Am. Stat. 50 (1996) 361, definition 2).
        With negative weights the running sum may meet a level several times: the mean of the values
        where it does first and last, so that neither end of the values is favoured. NaN where the
        weights sum to 0 or less.
        """
        ranked, ordered = self._ranked, weight[self._order]
        below = np.cumsum(ordered)
        level = np.asarray(levels, dtype=float) * below[-1]
        if not below[-1] > 0:
            return np.full(level.shape, np.nan)
        slack = _ROUNDING * below[-1]
        upper = lower = below
        if ordered.min() < 0:
            below, ranked = below[self._ends], ranked[self._ends]
            upper, lower = np.maximum.accumulate(below), np.minimum.accumulate(below[::-1])[::-1]
        i = np.searchsorted(upper, level - slack, side="left")
        j = np.searchsorted(lower, level + slack, side="right")
        last = len(below) - 1
        return np.asarray(0.5 * (ranked[np.minimum(i, last)] + ranked[np.minimum(j, last)]))


def quantiles(values: ArrayLike, levels: ArrayLike, weight: ArrayLike | None = None) -> Array:
    """Weighted quantiles as defined in `Residuals.quantiles`; levels strictly within 0 … 1.

    Examples
    --------
    >>> quantiles([4.0, 1.0, 3.0, 2.0], [0.5, 0.9]).tolist()
    [2.5, 4.0]
    """
    v = numbers(values, "values")
    level = numbers(levels, "levels")
    if np.any((level <= 0) | (level >= 1)):
        raise ValueError(
            f"levels must lie between 0 and 1; they run from {level.min():g} to {level.max():g}."
            " The ends are the smallest and largest value."
        )
    return Residuals(v).quantiles(weights(weight, len(v)), level)


def bias(
    prediction: ArrayLike,
    answer: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    relative: bool = False,
) -> float:
    """The median of a − y, or of a/y − 1. Its sign says too high (+) or too low (−).

    Examples
    --------
    >>> bias([1.5, 2.0, 4.0], [1.0, 2.0, 3.2], relative=True)
    0.25
    """
    r, w = _residuals(prediction, answer, weight, relative)
    return float(Residuals(r).quantiles(w)[1])


def resolution(
    prediction: ArrayLike,
    answer: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    relative: bool = False,
) -> float:
    """Half the central 68.27 % of a − y or a/y − 1: ½ [q(84.13 %) − q(15.87 %)]; bias left out.

    For a Gaussian this is σ. The convention of pyirf's energy resolution.
    """
    r, w = _residuals(prediction, answer, weight, relative)
    low, _, high = Residuals(r).quantiles(w)
    return float(0.5 * (high - low))


def rmse(prediction: ArrayLike, answer: ArrayLike, weight: ArrayLike | None = None) -> float:
    """√(Σ w (a − y)² / Σ w)."""
    r, w = _residuals(prediction, answer, weight, False)
    if (square := float(np.average(r**2, weights=w))) < 0:
        raise ValueError(
            f"an RMSE needs a mean square of 0 or more; negative weights make it {square:g}. Take"
            " more events, or the resolution."
        )
    return math.sqrt(square)


def mae(prediction: ArrayLike, answer: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Σ w |a − y| / Σ w."""
    r, w = _residuals(prediction, answer, weight, False)
    return float(np.average(np.abs(r), weights=w))


def r2(prediction: ArrayLike, answer: ArrayLike, weight: ArrayLike | None = None) -> float:
    """R² = 1 − Σ w (a − y)² / Σ w (y − ⟨y⟩)². Raises ValueError where all answers are equal."""
    r, w = _residuals(prediction, answer, weight, False)
    y = np.asarray(answer, dtype=float)
    if np.ptp(y[w != 0]) == 0:
        raise ValueError(f"R² needs answers that vary; all are {y[0]:g}. Use the RMSE instead.")
    if (spread := w @ (y - np.average(y, weights=w)) ** 2) <= 0:
        raise ValueError(
            "R² needs answers of positive variance; negative weights leave none. Take more events."
        )
    return float(1 - w @ r**2 / spread)


def relative_errors(prediction: Array, answer: Array) -> Array:
    """Relative errors x = a/y − 1, (n,). Raises ValueError where an answer is 0 or negative."""
    if np.any(answer <= 0):
        row = int(np.argmax(answer <= 0))
        raise ValueError(
            f"a relative error needs answers above 0; {answer[row]:g} stands in row {row}."
            " Take the plain difference."
        )
    return np.asarray(prediction / answer - 1)


def bin_numbers(values: ArrayLike, edges: ArrayLike) -> Array:
    """The bin 0 … m−1 of each value, −1 outside, (n,) int; edges (m + 1,) rise.

    A value on an edge belongs to the bin above it, on the last edge to the last bin.

    Examples
    --------
    >>> bin_numbers([-1, 0, 0.5, 1, 2], [0, 1, 2]).tolist()
    [-1, 0, 0, 1, 1]
    """
    v, e = numbers(values, "values of the binning variable"), numbers(edges, "edges")
    if e.ndim != 1 or len(e) < 2 or np.any(np.diff(e) <= 0):
        raise ValueError(f"edges must rise and be two or more; they are {e.tolist()}. Sort them.")
    inside = (v >= e[0]) & (v <= e[-1])
    return np.where(inside, np.minimum(np.searchsorted(e, v, side="right") - 1, len(e) - 2), -1)


def _residuals(
    prediction: ArrayLike, answer: ArrayLike, weight: ArrayLike | None, relative: bool
) -> tuple[Array, Array]:
    a = numbers(prediction, "prediction").astype(float)
    y = numbers(answer, "answer", len(a)).astype(float)
    if a.ndim != 1 or y.ndim != 1:
        raise ValueError(
            f"figures are of one answer at a time; the shapes are {a.shape} and {y.shape}."
            " Give one column of each."
        )
    return relative_errors(a, y) if relative else a - y, weights(weight, len(a))
