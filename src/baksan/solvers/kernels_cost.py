"""What one event costs: value and slope of each loss, in the part of Python that Numba compiles.

The formulas are those of `baksan.losses`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from baksan import losses

Array = NDArray[Any]

__all__ = ["CODES", "LOGISTIC", "SOFTMAX", "SQUARED", "charge", "event"]

_IN_KERNEL = (
    losses.squared, losses.absolute, losses.huber(), losses.quantile(0.5), losses.margin,
    losses.perceptron, losses.hinge, losses.squared_hinge, losses.logistic, losses.exponential,
    losses.softmax,
)  # fmt: skip
CODES = {loss.cost: code for code, loss in enumerate(_IN_KERNEL)}
"""The number by which the kernel knows a loss, by its cost formula."""

SQUARED, _ABSOLUTE, _HUBER, _QUANTILE, _MARGIN, _PERCEPTRON, _HINGE, _SQUARED_HINGE, LOGISTIC, \
    _EXPONENTIAL, SOFTMAX = range(len(_IN_KERNEL))  # fmt: skip

for _loss in _IN_KERNEL[:-1]:
    register_jitable(_loss.cost)
    register_jitable(_loss.slope_of)

_squared, _squared_slope = losses.squared.cost, losses.squared.slope_of
_absolute, _absolute_slope = losses.absolute.cost, losses.absolute.slope_of
_huber, _huber_slope = losses.huber().cost, losses.huber().slope_of
_quantile, _quantile_slope = losses.quantile(0.5).cost, losses.quantile(0.5).slope_of
_margin, _margin_slope = losses.margin.cost, losses.margin.slope_of
_perceptron, _perceptron_slope = losses.perceptron.cost, losses.perceptron.slope_of
_hinge, _hinge_slope = losses.hinge.cost, losses.hinge.slope_of
_squared_hinge, _squared_hinge_slope = losses.squared_hinge.cost, losses.squared_hinge.slope_of
_exponential, _exponential_slope = losses.exponential.cost, losses.exponential.slope_of


@register_jitable
def _exp(x: float) -> Any:
    """exp(x) for x ≤ 0, to |x|·1e-16, in arithmetic alone, so that vector units take it.

    x = n ln 2 + r with |r| ≤ ½ ln 2; e^r by its Taylor series to r¹¹, in pairs that do not wait for
    one another (Estrin); 2ⁿ by its exponent bits.
    """
    x = max(x, -708.0)
    n = np.floor(x * 1.4426950408889634 + 0.5)
    r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    s = r * r
    q = s * s
    low = (1.0 + r) + s * (1.0 / 2.0 + r * (1.0 / 6.0))
    middle = (1.0 / 24.0 + r * (1.0 / 120.0)) + s * (1.0 / 720.0 + r * (1.0 / 5040.0))
    top = (1.0 / 40320.0 + r * (1.0 / 362880.0)) + s * (1.0 / 3628800.0 + r * (1.0 / 39916800.0))
    e = low + q * (middle + q * top)
    return e * np.int64((np.int64(n) + 1023) << 52).view(np.float64)


@register_jitable
def _log1p(e: float) -> Any:
    """ln(1 + e) for 0 ≤ e ≤ 1, to rounding: 2 artanh s = 2 Σ s^(2k+1)/(2k + 1), s = e/(2 + e)."""
    s = e / (2.0 + e)
    u = s * s
    a = 1.0 / 27.0 + u * (1.0 / 29.0 + u * (1.0 / 31.0 + u * (1.0 / 33.0)))
    a = 1.0 / 19.0 + u * (1.0 / 21.0 + u * (1.0 / 23.0 + u * (1.0 / 25.0 + u * a)))
    a = 1.0 / 11.0 + u * (1.0 / 13.0 + u * (1.0 / 15.0 + u * (1.0 / 17.0 + u * a)))
    a = 1.0 / 3.0 + u * (1.0 / 5.0 + u * (1.0 / 7.0 + u * (1.0 / 9.0 + u * a)))
    return 2.0 * s * (1.0 + u * a)


@register_jitable
def _cost(code: int, p: float, t: float, setting: float) -> Any:
    if code == _ABSOLUTE:
        return _absolute(p, t)
    if code == _HUBER:
        return _huber(p, t, setting)
    if code == _QUANTILE:
        return _quantile(p, t, setting)
    if code == _MARGIN:
        return _margin(p, t)
    if code == _PERCEPTRON:
        return _perceptron(p, t)
    if code == _HINGE:
        return _hinge(p, t)
    if code == _SQUARED_HINGE:
        return _squared_hinge(p, t)
    return _exponential(p, t)


@register_jitable
def _slope(code: int, p: float, t: float, setting: float) -> Any:
    if code == _ABSOLUTE:
        return _absolute_slope(p, t)
    if code == _HUBER:
        return _huber_slope(p, t, setting)
    if code == _QUANTILE:
        return _quantile_slope(p, t, setting)
    if code == _MARGIN:
        return _margin_slope(p, t)
    if code == _PERCEPTRON:
        return _perceptron_slope(p, t)
    if code == _HINGE:
        return _hinge_slope(p, t)
    if code == _SQUARED_HINGE:
        return _squared_hinge_slope(p, t)
    return _exponential_slope(p, t)


@register_jitable
def _logistic(p: Array, t: Array, slope: Array, cost: Array, m: int) -> None:
    """Slopes of m outputs by the logistic loss, its costs added; one exponential for both."""
    for r in range(m):
        margin = t[r] * p[r]
        e = _exp(-abs(margin))
        slope[r] = -t[r] * (1.0 if margin < 0.0 else e) / (1.0 + e)
        cost[r] += _log1p(e) + max(-margin, 0.0)


@register_jitable
def _squares(p: Array, t: Array, slope: Array, cost: Array, m: int) -> None:
    """Slopes of m outputs by the squared loss, its costs added."""
    for r in range(m):
        slope[r] = _squared_slope(p[r], t[r])
        cost[r] += _squared(p[r], t[r])


@register_jitable
def _softmax(
    p: Array, t: Array, first: int, m: int, slope: Array, cost: Array, total: Array
) -> Any:
    """Cost of m events and slope softmax(p) − [t > 0]; p and slope (K, m), cost and total (m,)."""
    for r in range(m):
        cost[r] = p[0, r]
        total[r] = 0.0
    for k in range(1, len(p)):
        for r in range(m):
            cost[r] = max(cost[r], p[k, r])
    for k in range(len(p)):
        for r in range(m):
            slope[k, r] = _exp(p[k, r] - cost[r])
            total[r] += slope[k, r]
    for r in range(m):
        cost[r] += np.log(total[r])
    for k in range(len(p)):
        for r in range(m):
            own = 1.0 if t[k, first + r] > 0.0 else 0.0
            slope[k, r] = slope[k, r] / total[r] - own
            cost[r] -= own * p[k, r]


@register_jitable
def charge(
    code: int, setting: float, t: Array, first: int, m: int, p: Array, slope: Array, cost: Array,
    total: Array,
) -> None:  # fmt: skip
    """Costs (m,) and slopes (k, m) of the rows first … first + m − 1 at the predictions p."""
    if code == SOFTMAX:
        _softmax(p, t, first, m, slope, cost, total)
        return
    for r in range(m):
        cost[r] = 0.0
    for k in range(len(p)):
        if code == SQUARED:  # these two have loops of their own, made of vector instructions
            _squares(p[k], t[k, first : first + m], slope[k], cost, m)
        elif code == LOGISTIC:
            _logistic(p[k], t[k, first : first + m], slope[k], cost, m)
        else:
            for r in range(m):
                slope[k, r] = _slope(code, p[k, r], t[k, first + r], setting)
                cost[r] += _cost(code, p[k, r], t[k, first + r], setting)


@register_jitable
def event(code: int, p: float, t: float, setting: float) -> Any:
    """Cost and slope of one event with one output at its prediction p; not for softmax."""
    if code == SQUARED:
        return _squared(p, t), _squared_slope(p, t)
    if code == LOGISTIC:
        margin = t * p
        e = _exp(-abs(margin))
        return _log1p(e) + max(-margin, 0.0), -t * (1.0 if margin < 0.0 else e) / (1.0 + e)
    return _cost(code, p, t, setting), _slope(code, p, t, setting)
