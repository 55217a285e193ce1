"""Losses of several numbers an event that are one thing: a place, a direction."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.losses.base import Loss, length

Array = NDArray[Any]

__all__ = ["distance", "von_mises_fisher"]


def _distance(p: Array, t: Array) -> Array:
    return length(p - t)


def _distance_slope(p: Array, t: Array) -> Array:
    return np.asarray((p - t) / length(p - t)[:, None])


def _distance_bend(p: Array, t: Array) -> Array:
    return np.asarray(1.0 / length(p - t)[:, None] + 0.0 * p)


def _log_sinh_over(k: Array) -> Array:
    """ln(sinh κ/κ); a series where the quotient of small numbers would lose all digits."""
    large = np.maximum(k, 0.1)
    far = large + np.log1p(-np.exp(-2.0 * large)) - np.log(2.0 * large)
    square = k * k
    return np.asarray(np.where(k > 0.1, far, square / 6.0 - square * square / 180.0))


def _langevin_over(k: Array) -> Array:
    """(coth κ − 1/κ)/κ, 1/3 at 0."""
    large = np.maximum(k, 0.1)
    far = (1.0 / np.tanh(large) - 1.0 / large) / large
    square = k * k
    return np.asarray(np.where(k > 0.1, far, 1.0 / 3.0 - square / 45.0 + 2.0 / 945.0 * square**2))


def _von_mises_fisher(p: Array, t: Array) -> Array:
    return np.asarray(_log_sinh_over(length(p)) - (p * t).sum(axis=1) + math.log(4.0 * math.pi))


def _von_mises_fisher_slope(p: Array, t: Array) -> Array:
    return np.asarray(_langevin_over(length(p))[:, None] * p - t)


def _geometric_median(t: Array, w: Array) -> Array:
    """argmin_c Σ w |t − c|, by E. Weiszfeld's iteration from the mean, to rounding."""
    found = np.average(t, axis=0, weights=w)
    for _ in range(1000):
        pull = w / np.maximum(length(t - found), 1e-12 * (np.abs(t).max() + 1e-300))
        before, found = found, pull @ t / pull.sum()
        if np.abs(found - before).max() <= 1e-12 * (np.abs(found).max() + 1e-300):
            break
    return np.asarray(found)


def _mean_direction(t: Array, w: Array) -> Array:
    """κ m, m along Σ w t and coth κ − 1/κ = |Σ w t|/Σ w, by bisection to rounding."""
    mean = w @ t / w.sum()
    length = float(np.sqrt(mean @ mean))
    low, high = 0.0, 1e12
    while low < (middle := 0.5 * (low + high)) < high:
        if float(_langevin_over(np.array([middle]))[0]) * middle < length:
            low = middle
        else:
            high = middle
    return np.asarray(mean / max(length, 1e-300) * 0.5 * (low + high))


def _told_direction(p: Array) -> dict[str, Array]:
    kappa = length(p)
    return {"value": p / kappa[:, None], "spread": np.rad2deg(1.0 / np.sqrt(kappa))}


distance = Loss(
    "distance", _distance, _distance_slope, _distance_bend, "regression", joint=True,
    constant=_geometric_median, degree=1, follows=(1.0,),
)  # fmt: skip
"""|p − y| of several numbers an event, such as the place of a core: its best constant is the
geometric median, which outliers do not move far.
"""
von_mises_fisher = Loss(
    "von_mises_fisher", _von_mises_fisher, _von_mises_fisher_slope, 1.0 / 3.0, "regression",
    joint=True, components=3, constant=_mean_direction, natural=lambda t, w: np.ones(t.shape[1]),
    told=_told_direction,
)  # fmt: skip
"""ln(4π sinh κ/κ) − p·y of p = κ m, m the predicted direction, y the true one, both of length 1.

Minus the logarithm of von Mises's and Fisher's density on the sphere (R. Fisher, Proc. R. Soc. A
217 (1953) 295), convex in p; for small angles m is normal with σ = 1/√κ rad on each axis, which is
told as the spread, in degrees.
"""
