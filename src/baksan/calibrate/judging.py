"""Do intervals and errors hold what they promise? Coverage and pulls, also in bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.calibrate.checks import column, counted
from baksan.metrics import bin_numbers

Array = NDArray[Any]

__all__ = ["Coverage", "Pulls", "coverage", "pulls"]


@dataclass(frozen=True, eq=False)
class Coverage:
    """The share of answers within their intervals, one entry a bin, (bins,) each.

    `low` and `high` are the 68.27 % interval of the share by Wilson's formula, of the `effective`
    number of events; NaN in an empty bin. `outside` counts the events that are in no bin.
    """

    low_edge: Array
    high_edge: Array
    share: Array
    low: Array
    high: Array
    events: Array
    effective: Array
    width: Array
    outside: int = 0

    def rows(self) -> list[dict[str, float | int | None]]:
        """One dictionary a bin, for a table or a file; None where a value is unknown."""
        return _rows(self)


@dataclass(frozen=True, eq=False)
class Pulls:
    """z = (y − value) / spread of each event, (n,); mean and width with errors, one entry a bin.

    Honest errors have a mean of 0 and a width of 1.
    """

    z: Array
    low_edge: Array
    high_edge: Array
    mean: Array
    mean_error: Array
    width: Array
    width_error: Array
    events: Array
    outside: int = 0

    def rows(self) -> list[dict[str, float | int | None]]:
        """One dictionary a bin, for a table or a file; None where a value is unknown."""
        return _rows(self)


def coverage(
    low: ArrayLike,
    high: ArrayLike,
    y: ArrayLike,
    weight: ArrayLike | None = None,
    by: ArrayLike | None = None,
    edges: ArrayLike | None = None,
) -> Coverage:
    """p = Σ w [low ≤ y ≤ high] / Σ w in each bin, with its binomial error.

    The error is Wilson's (J. Am. Stat. Assoc. 22 (1927) 209) for one standard deviation,
    (p + 1/2n ± √(p(1 − p)/n + 1/4n²)) / (1 + 1/n) with n = (Σw)²/Σw², which stays within 0 … 1 and
    is no less than it should be where all events are covered.

    Parameters
    ----------
    low, high, y : (n,)
        Intervals, infinite ends allowed, and answers.
    weight : (n,), optional
    by : (n,), optional
        The variable of the bins.
    edges : (m + 1,), optional
        A value on an edge belongs to the bin above, on the last to the last bin. One bin of all
        events if left out.

    Raises
    ------
    ValueError
        NaN, ends in the wrong order, negative weights, edges without `by` or the reverse.

    Examples
    --------
    >>> found = coverage([0, 0, 0, 0], [1, 1, 1, 1], [0.5, 0.2, 1.0, 3.0])
    >>> found.share.tolist(), found.low.round(3).tolist(), found.high.round(3).tolist()
    ([0.75], [0.5], [0.9])
    """
    answer = column(y, "y")
    n = len(answer)
    lower, upper = (_end(v, name, n) for v, name in ((low, "low"), (high, "high")))
    if (crossed := lower > upper).any():
        row = int(crossed.argmax())
        raise ValueError(
            f"low must be at or below high; in row {row} they are {lower[row]:g} and"
            f" {upper[row]:g}. Swap the two."
        )
    w, inside = counted(weight, n), (lower <= answer) & (answer <= upper)
    which, ends = _binned(by, edges, n)
    parts = [_share(inside[which == b], w[which == b], (upper - lower)[which == b])
             for b in range(len(ends) - 1)]  # fmt: skip
    share, least, most, events, effective, width = map(np.array, zip(*parts, strict=True))
    outside = int((which < 0).sum())
    return Coverage(
        ends[:-1], ends[1:], share, least, most, events, effective, width, outside
    )  # fmt: skip


def pulls(
    value: ArrayLike,
    spread: ArrayLike,
    y: ArrayLike,
    weight: ArrayLike | None = None,
    by: ArrayLike | None = None,
    edges: ArrayLike | None = None,
) -> Pulls:
    """z = (y − value)/spread, its mean ⟨z⟩ and width √⟨(z − ⟨z⟩)²⟩ in each bin.

    Errors from the events themselves: σ(mean)² = Σ w²(z − ⟨z⟩)²/(Σw)²; σ(width) = σ(width²)/(2
    width), of which the first is σ² of the mean of (z − ⟨z⟩)². No Gaussian is supposed; for one the
    second is width/√(2n).

    Parameters
    ----------
    value, spread, y : (n,)
        Predictions, their standard errors (above 0), answers.
    weight, by, edges
        As in `coverage`.

    Raises
    ------
    ValueError
        NaN, a spread of 0 or less, negative weights, edges without `by` or the reverse.

    Examples
    --------
    >>> found = pulls([0.0, 0.0], [2.0, 2.0], [1.0, 3.0])
    >>> found.z.tolist(), found.mean.tolist(), found.width.tolist()
    ([0.5, 1.5], [1.0], [0.5])
    """
    answer = column(y, "y")
    n = len(answer)
    a, s = column(value, "value", n), column(spread, "spread", n)
    if n and s.min() <= 0:
        raise ValueError(
            f"pulls need a spread above 0; {s.min():g} stands in row {s.argmin()}."
            " Leave that event out, or find out why the model is that sure."
        )
    w, z = counted(weight, n), (answer - a) / s
    which, ends = _binned(by, edges, n)
    parts = [_moments(z[which == b], w[which == b]) for b in range(len(ends) - 1)]
    mean, mean_error, width, width_error, events = map(np.array, zip(*parts, strict=True))
    outside = int((which < 0).sum())
    return Pulls(
        z, ends[:-1], ends[1:], mean, mean_error, width, width_error, events, outside
    )  # fmt: skip


def _end(values: ArrayLike, what: str, rows: int) -> Array:
    """Ends of intervals, (n,) float; infinite ones are allowed. Raises ValueError."""
    given = np.asarray(values, dtype=float)
    column(np.where(np.isinf(given), 0.0, given), what, rows)
    return given


def _binned(by: ArrayLike | None, edges: ArrayLike | None, rows: int) -> tuple[Array, Array]:
    """The bin of each event, (n,) int, −1 for none, and the edges (m + 1,)."""
    if (by is None) != (edges is None):
        raise ValueError(
            "bins need the values of a variable and its edges;"
            f" {'edges' if by is None else 'values'} came alone. Give by= and edges=."
        )
    if by is None or edges is None:
        return np.zeros(rows, dtype=int), np.array([-np.inf, np.inf])
    return bin_numbers(column(by, "by", rows), edges), np.asarray(edges, dtype=float)


def _share(inside: Array, w: Array, width: Array) -> tuple[float, ...]:
    """Share, its lower and upper end, rows, effective events and median width of one bin."""
    if not (total := w.sum()) > 0:
        return np.nan, np.nan, np.nan, len(w), 0.0, np.nan
    p, n = float(w @ inside / total), float(total**2 / (w @ w))
    middle, half = p + 0.5 / n, np.sqrt(max(p * (1 - p), 0.0) / n + 0.25 / n**2)
    ends = (middle - half) / (1 + 1 / n), (middle + half) / (1 + 1 / n)
    return p, ends[0], ends[1], len(w), n, float(np.median(width[w > 0]))


def _moments(z: Array, w: Array) -> tuple[float, ...]:
    """Mean and width with their errors, and the rows, of one bin."""
    if not (total := w.sum()) > 0:
        return np.nan, np.nan, np.nan, np.nan, len(w)
    mean = w @ z / total
    square = (z - mean) ** 2
    width = np.sqrt(w @ square / total)
    mean_error = np.sqrt(w**2 @ square) / total
    square_error = np.sqrt(w**2 @ (square - width**2) ** 2) / total
    return mean, mean_error, width, square_error / (2 * width) if width > 0 else np.nan, len(w)


def _rows(bins: Coverage | Pulls) -> list[dict[str, float | int | None]]:
    named = {k: v for k, v in vars(bins).items() if k not in ("z", "outside")}
    return [
        {k: (int(v[b]) if k == "events" else float(v[b]) if np.isfinite(v[b]) else None)
         for k, v in named.items()}
        for b in range(len(bins.low_edge))
    ]  # fmt: skip
