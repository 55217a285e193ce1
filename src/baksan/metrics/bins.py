"""Figures of merit in bins of another quantity, with errors: resolutions and efficiencies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta

from baksan.metrics.regression import bin_numbers

Array = NDArray[Any]
Bins = dict[str, Array]

__all__ = [
    "CENTRAL_SHARE", "clopper_pearson", "efficiency_in_bins", "half_width", "in_bins", "median",
    "psi68",
]  # fmt: skip

CENTRAL_SHARE = 0.6827
"""What one standard deviation to both sides holds of a normal distribution."""
_FEWEST = 10
_INSIDE = (0.5 - CENTRAL_SHARE / 2, 0.5 + CENTRAL_SHARE / 2)


def median(values: Array) -> Array:
    """Bias: the median along the last axis."""
    return np.asarray(np.median(values, axis=-1))


def half_width(values: Array) -> Array:
    """Resolution: half of what the central 68.27 % span, along the last axis."""
    low, high = np.quantile(values, _INSIDE, axis=-1)
    return np.asarray((high - low) / 2)


def psi68(values: Array) -> Array:
    """The angle within which 68.27 % lie, along the last axis; 1.515 σ of two normal axes."""
    return np.asarray(np.quantile(values, CENTRAL_SHARE, axis=-1))


def in_bins(
    values: ArrayLike,
    variable: ArrayLike,
    edges: ArrayLike,
    figure: Callable[[Array], Array],
    replicas: int = 200,
    seed: int = 0,
) -> Bins:
    """A figure of merit of the values in each bin of a variable, with its bootstrap error.

    Parameters
    ----------
    values, variable : (n,)
        Events in which one of them is missing are left out.
    edges : (b + 1,)
        The upper edge of the last bin belongs to it.
    figure : callable
        `median`, `half_width`, `psi68`, or another function along the last axis.

    Returns
    -------
    dict of (b,) arrays
        low_edge, high_edge, count, value; low and high, the central 68 % of the replicas. NaN in
        bins of fewer than ten events.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> found = in_bins(rng.normal(0, 2, 10_000), np.zeros(10_000), [-1, 1], half_width)
    >>> round(float(found["value"][0]), 1)
    2.0
    """
    v, at = np.asarray(values, dtype=float), np.asarray(variable, dtype=float)
    if v.shape != at.shape or v.ndim != 1:
        raise ValueError(
            f"bins need a value and a variable for each event; they have shapes {v.shape} and"
            f" {at.shape}."
        )
    known = np.isfinite(v) & np.isfinite(at)
    v, at = v[known], at[known]
    edge = np.asarray(edges, dtype=float)
    which, rng = bin_numbers(at, edge), np.random.default_rng(seed)
    found = [_one(v[which == b], figure, replicas, rng) for b in range(len(edge) - 1)]
    count, value, low, high = np.array(found, dtype=float).reshape(-1, 4).T
    return {
        "low_edge": edge[:-1], "high_edge": edge[1:], "count": count, "value": value,
        "low": low, "high": high,
    }  # fmt: skip


def clopper_pearson(
    passed: ArrayLike, events: ArrayLike, level: float = CENTRAL_SHARE
) -> tuple[Array, Array]:
    """The central interval of k/n: quantiles of Beta(k, n − k + 1) and Beta(k + 1, n − k).

    C. Clopper and E. Pearson, Biometrika 26 (1934) 404. Effective numbers of weighted events need
    not be whole; NaN where there are no events.

    Examples
    --------
    >>> low, high = clopper_pearson(2, 3)
    >>> float(low.round(3)), float(high.round(3))
    (0.252, 0.944)
    """
    k, n = np.asarray(passed, dtype=float), np.asarray(events, dtype=float)
    tail = (1 - level) / 2
    low = np.where(k > 0, beta.ppf(tail, np.maximum(k, 1e-300), n - k + 1), 0.0)
    high = np.where(k < n, beta.ppf(1 - tail, k + 1, np.where(k < n, n - k, 1.0)), 1.0)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def efficiency_in_bins(passed: ArrayLike, variable: ArrayLike, edges: ArrayLike) -> Bins:
    """k/n in each bin, with the exact central 68.27 % interval of Clopper and Pearson.

    C. Clopper and E. Pearson, Biometrika 26 (1934) 404. Returns as `in_bins`, with `passed` beside
    `count`; NaN in empty bins.

    Examples
    --------
    >>> found = efficiency_in_bins([True, True, False], [0.1, 0.2, 0.3], [0, 1])
    >>> {k: round(float(found[k][0]), 3) for k in ("low", "value", "high")}
    {'low': 0.252, 'value': 0.667, 'high': 0.944}
    """
    k, at = np.asarray(passed, dtype=bool), np.asarray(variable, dtype=float)
    edge = np.asarray(edges, dtype=float)
    which = bin_numbers(at, edge)
    n = np.array([np.sum(which == b) for b in range(len(edge) - 1)], dtype=float)
    kept = np.array([np.sum(k[which == b]) for b in range(len(edge) - 1)], dtype=float)
    low, high = clopper_pearson(kept, n)
    return {
        "low_edge": edge[:-1], "high_edge": edge[1:], "count": n, "passed": kept,
        "value": np.where(n > 0, kept / np.maximum(n, 1), np.nan), "low": low, "high": high,
    }  # fmt: skip


def _one(
    values: Array, figure: Callable[[Array], Array], replicas: int, rng: np.random.Generator
) -> tuple[int, float, float, float]:
    n = len(values)
    if n < _FEWEST:
        return n, np.nan, np.nan, np.nan
    drawn = [float(figure(values[rng.integers(0, n, n)])) for _ in range(replicas)]
    low, high = np.quantile(drawn, _INSIDE)
    return n, float(figure(values)), float(low), float(high)
