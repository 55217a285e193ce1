"""Losses of one number an event: t = y."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.losses.base import Loss, deviations, weighted_mean

Array = NDArray[Any]

__all__ = ["absolute", "gaussian", "huber", "quantile", "squared"]


def _squared(p: Any, t: Any) -> Any:
    return (p - t) * (p - t)


def _squared_slope(p: Any, t: Any) -> Any:
    return 2.0 * (p - t)


def _absolute(p: Any, t: Any) -> Any:
    return np.abs(p - t)


def _absolute_slope(p: Any, t: Any) -> Any:
    return np.sign(p - t)


def _huber(p: Any, t: Any, delta: Any) -> Any:
    far = np.abs(p - t)
    near = np.minimum(far, delta)
    return near * (2.0 * far - near)


def _huber_slope(p: Any, t: Any, delta: Any) -> Any:
    return 2.0 * np.minimum(np.maximum(p - t, -delta), delta)


def _quantile(p: Any, t: Any, level: Any) -> Any:
    return np.maximum(level * (t - p), (level - 1.0) * (t - p))


def _quantile_slope(p: Any, t: Any, level: Any) -> Any:
    return 0.5 * (1.0 + np.sign(p - t)) - level


def _quantiles(p: Array, t: Array, levels: Any) -> Array:
    return np.asarray(_quantile(p, t, np.asarray(levels, dtype=p.dtype)).sum(axis=1))


def _quantiles_slope(p: Array, t: Array, levels: Any) -> Array:
    return np.asarray(_quantile_slope(p, t, np.asarray(levels, dtype=p.dtype)))


def _log_spread(p: Array) -> Array:
    # Within these bounds neither 1/σ² nor ((y − m)/σ)² overflows. Beyond, the slope is that at the
    # bound, so that s = ln σ finds its way back.
    most = 0.25 * np.log(np.finfo(p.dtype).max)
    return np.asarray(np.clip(p[:, 1], -most, most))


def _gaussian(p: Array, t: Array) -> Array:
    s = _log_spread(p)
    z = (t[:, 0] - p[:, 0]) * np.exp(-s)
    return np.asarray(0.5 * z * z + s + 0.5 * math.log(2.0 * math.pi))


def _gaussian_slope(p: Array, t: Array) -> Array:
    inverse = np.exp(-_log_spread(p))
    z = (t[:, 0] - p[:, 0]) * inverse
    return np.stack([-z * inverse, 1.0 - z * z], axis=1)


def _gaussian_bend(p: Array, t: Array) -> Array:
    # The eigenvalues of ((a, b), (b, c)) with b² = 2ac, as here, are at most (½ + √½)(a + c).
    inverse, off = np.exp(-_log_spread(p)), t - p[:, :1]
    return np.asarray(1.2072 * (1.0 + 2.0 * off * off) * (inverse * inverse)[:, None])


def _told_quantiles(p: Array, levels: tuple[float, ...]) -> dict[str, Array]:
    rising = np.sort(p, axis=1)
    middle = np.array([np.interp(0.5, levels, column) for column in np.eye(len(levels))])
    return {"value": rising @ middle, "quantiles": rising, "levels": np.array(levels)}


def _weighted_quantile(t: Array, w: Array, level: float) -> float:
    order = np.argsort(t)
    total = np.cumsum(w[order])
    return float(t[order][np.searchsorted(total, level * total[-1])])


def _huber_constant(t: Array, w: Array, delta: float) -> float:
    """The zero of the rising function Σ w slope(c, t), by bisection to rounding."""
    low, high = float(t.min()), float(t.max())
    while low < (middle := 0.5 * (low + high)) < high:
        if w @ _huber_slope(middle, t, delta) > 0:
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)


squared = Loss(
    "squared",
    _squared,
    _squared_slope,
    2.0,
    "regression",
    constant=weighted_mean,
    degree=2,
    follows=(1.0,),
)
absolute = Loss(
    "absolute", _absolute, _absolute_slope, 0.0, "regression",
    constant=lambda t, w: _weighted_quantile(t, w, 0.5), degree=1, follows=(1.0,),
)  # fmt: skip
gaussian = Loss(
    "gaussian", _gaussian, _gaussian_slope, _gaussian_bend, "regression",
    joint=True, least_outputs=2, follows=(1.0, 0.0),
    constant=lambda t, w: np.array([weighted_mean(t[:, 0], w), math.log(deviations(t, w)[0])]),
    natural=lambda t, w: np.array([deviations(t, w)[0], 1.0]),
    told=lambda p: {"value": p[:, 0], "spread": np.exp(_log_spread(p))},
)  # fmt: skip
"""½ ((y − m)/σ)² + ln σ + ½ ln 2π of the outputs p = (m, ln σ), for one answer an event.

Minus the logarithm of the normal density: its minimiser is the mean and the standard deviation of
y given x (Nix and Weigend, IEEE ICNN 1994). It is not convex.
"""


def huber(delta: float = 1.0) -> Loss:
    """(p − y)² within |p − y| ≤ δ, δ(2|p − y| − δ) outside: squared near, absolute far.

    Huber, Ann. Math. Stat. 35 (1964) 73, times two. δ > 0 in the units of y.
    """
    if not 0 < delta < math.inf:
        raise ValueError(f"huber needs a positive width delta; it is {delta}.")
    return Loss(
        "huber", _huber, _huber_slope, 2.0, "regression", setting=float(delta),
        constant=lambda t, w: _huber_constant(t, w, delta), degree=2, follows=(1.0,),
    )  # fmt: skip


def quantile(*levels: float) -> Loss:
    """max(τ(y − p), (τ − 1)(y − p)): its minimiser is the τ quantile of y given x.

    Koenker and Bassett, Econometrica 46 (1978) 33. 0 < τ < 1; slope ½ − τ where p = y.

    Of several rising levels it is the sum of their costs, an output each, for one answer an event.
    They are read in order of size, so that they never cross (Chernozhukov, Fernández-Val, Galichon,
    Econometrica 78 (2010) 1093); the value is the quantile at ½, interpolated where it is no level.
    """
    for level in levels:
        if not isinstance(level, Real) or not 0 < level < 1:
            raise ValueError(
                f"quantile needs levels between 0 and 1, as in quantile(0.1, 0.9); {level!r} came."
            )
    if not levels or list(levels) != sorted(set(levels)):
        raise ValueError(f"quantile needs rising levels, such as 0.16, 0.5, 0.84; {levels} came.")
    if len(levels) == 1:
        return Loss(
            "quantile", _quantile, _quantile_slope, 0.0, "regression", setting=float(levels[0]),
            constant=lambda t, w: _weighted_quantile(t, w, levels[0]), degree=1, follows=(1.0,),
        )  # fmt: skip
    return Loss(
        "quantile", _quantiles, _quantiles_slope, 0.0, "regression",
        setting=tuple(float(level) for level in levels), joint=True, least_outputs=len(levels),
        constant=lambda t, w: np.array([_weighted_quantile(t[:, 0], w, q) for q in levels]),
        degree=1, follows=(1.0,), told=lambda p: _told_quantiles(p, levels),
    )  # fmt: skip
