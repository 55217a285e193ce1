"""The descent of a linear model as one loop, in the part of Python that Numba compiles.

The same function runs as plain Python, line by line, in a debugger too (`way="python"`), and as
machine code (`way="compiled"`). The losses' formulas are those of `baksan.losses`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from baksan import losses

Array = NDArray[Any]

__all__ = ["CODES", "descend"]

_IN_KERNEL = (
    losses.squared, losses.absolute, losses.huber(), losses.quantile(0.5), losses.margin,
    losses.perceptron, losses.hinge, losses.squared_hinge, losses.logistic, losses.exponential,
    losses.softmax,
)  # fmt: skip
CODES = {loss.cost: code for code, loss in enumerate(_IN_KERNEL)}
"""The number by which the kernel knows a loss, by its cost formula."""

_SQUARED, _ABSOLUTE, _HUBER, _QUANTILE, _MARGIN, _PERCEPTRON, _HINGE, _SQUARED_HINGE, _LOGISTIC, \
    _EXPONENTIAL, _SOFTMAX = range(len(_IN_KERNEL))  # fmt: skip

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
_logistic, _logistic_slope = losses.logistic.cost, losses.logistic.slope_of
_exponential, _exponential_slope = losses.exponential.cost, losses.exponential.slope_of


@register_jitable
def _cost(code: int, p: float, t: float, setting: float) -> Any:
    if code == _SQUARED:
        return _squared(p, t)
    if code == _LOGISTIC:
        return _logistic(p, t)
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
    if code == _SQUARED:
        return _squared_slope(p, t)
    if code == _LOGISTIC:
        return _logistic_slope(p, t)
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
def _softmax(p: Array, t: Array, slope: Array) -> float:
    """The cost of one event; slope becomes softmax(p) − [t > 0]."""
    top = p[0]
    for k in range(1, len(p)):
        top = max(top, p[k])
    total, own = 0.0, 0.0
    for k in range(len(p)):
        slope[k] = np.exp(p[k] - top)
        total += slope[k]
        if t[k] > 0.0:
            own = p[k]
    for k in range(len(p)):
        slope[k] /= total
        if t[k] > 0.0:
            slope[k] -= 1.0
    return float(np.log(total) + top - own)


@register_jitable
def _pull(
    z: Array, t: Array, weight: Array, rows: Array, code: int, setting: float, w: Array,
    g: Array, p: Array, slope: Array,
) -> tuple[float, float]:  # fmt: skip
    """g becomes Σ_rows weight_i slope_i z_i at the parameters w; gives Σ weight·cost, Σ weight."""
    outputs, width = w.shape
    g[:] = 0.0
    cost, mass = 0.0, 0.0
    for i in rows:
        event = 0.0
        for k in range(outputs):
            p[k] = 0.0
            for j in range(width):
                p[k] += w[k, j] * z[i, j]
        if code == _SOFTMAX:
            event = _softmax(p, t[i], slope)
        else:
            for k in range(outputs):
                event += _cost(code, p[k], t[i, k], setting)
                slope[k] = _slope(code, p[k], t[i, k], setting)
        cost += weight[i] * event
        mass += weight[i]
        for k in range(outputs):
            pull = weight[i] * slope[k]
            for j in range(width):
                g[k, j] += pull * z[i, j]
    return cost, mass


@register_jitable
def _move(
    w: Array, velocity: Array, g: Array, rate: float, momentum: float, l1: float, projected: bool,
) -> float:  # fmt: skip
    """One step against the gradient g, in place; gives |w_t − w_(t−1)|. g is overwritten."""
    outputs, width = w.shape
    norm = 0.0
    for k in range(outputs):
        for j in range(width):
            velocity[k, j] = momentum * velocity[k, j] - rate * g[k, j]
            moved = w[k, j] + velocity[k, j]
            if j > 0 and l1 > 0.0:
                moved = np.sign(moved) * max(abs(moved) - rate * l1, 0.0)
            g[k, j] = moved
            norm += moved * moved
    shrink = 1.0 / np.sqrt(norm) if projected and norm > 1.0 else 1.0
    moves = 0.0
    for k in range(outputs):
        for j in range(width):
            moves += (g[k, j] * shrink - w[k, j]) ** 2
            if l1 > 0.0 or projected:
                velocity[k, j] = g[k, j] * shrink - w[k, j]
            w[k, j] = g[k, j] * shrink
    return float(np.sqrt(moves))


def descend(
    z: Array, t: Array, weight: Array, order: Array, batch: int, rates: Array, code: int,
    setting: float, momentum: float, nesterov: bool, l2: float, l1: float, projected: bool,
    first_step: int, tolerance: float, gradient_tolerance: float, w: Array, velocity: Array,
    average: Array, cost: float, mass: float,
) -> tuple[int, float, float, float, float, float]:  # fmt: skip
    """len(rates) steps over `order`, or fewer where the change or the gradient gets small enough.

    z (n, d + 1) design, t (n, k) targets, weight (n,) with mean 1; w, velocity, average (k, d + 1)
    are changed in place. Gives (steps taken, cost, mass, loss, |gradient|, |change|).
    """
    g, look = np.empty_like(w), np.empty_like(w)
    p, slope = np.empty(len(w)), np.empty(len(w))
    loss, gradient, change, taken = np.nan, np.nan, np.nan, 0
    for step in range(len(rates)):
        rows = order[step * batch : (step + 1) * batch]
        look[:] = w + momentum * velocity if nesterov else w
        spent, size = _pull(z, t, weight, rows, code, setting, look, g, p, slope)
        cost, mass = cost + spent, mass + size
        loss = spent / size if size > 0.0 else 0.0
        g /= len(rows)
        g[:, 1:] += l2 * look[:, 1:]
        gradient = np.sqrt((g * g).sum())
        change = _move(w, velocity, g, rates[step], momentum, l1, projected)
        average += 4.0 / (first_step + step + 4.0) * (w - average)
        taken = step + 1
        if change < tolerance or gradient < gradient_tolerance:
            break
    return taken, cost, mass, loss, gradient, change
