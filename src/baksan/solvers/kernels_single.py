"""Steps on single events, in the part of Python that Numba compiles.

A step needs the weights that the one before it leaves: prediction, slope and update wait for one
another, and the machine for them. So four events are predicted at once from the weights before
them, and each prediction is corrected by the steps that came between,

    ⟨w_m, z_m⟩ = ⟨w_0, z_m⟩ − Σ_{l<m} q_l ⟨z_l, z_m⟩        q_l = rate_l · weight_l · slope_l

(with a penalty L2, w and the earlier q shrink on the way). The iterates are those of single steps,
to rounding. The rows 4k … 4k + 3 go together, wherever a call begins: only where it begins or ends
within a four, its steps are taken one by one, and round differently.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from baksan.solvers.kernels_cost import LOGISTIC, SQUARED, event
from baksan.solvers.kernels_memory import prefetch
from baksan.solvers.rows import TOGETHER

Array = NDArray[Any]

__all__ = ["singles"]

_SOON = 16_384  # bytes ahead from which the memory is asked for rows
_NARROW = 128  # bytes of a row up to which it need not be asked


@register_jitable(inline="always")
def singles(
    x: Array, t: Array, weight: Array, centre: Array, inverse: Array, first: int, rates: Array,
    code: int, setting: float, l2: float, averaged: bool, step: int, w: Array, velocity: Array,
    average: Array, cost: float, mass: float,
) -> Any:  # fmt: skip
    """As `descend`, for single events, one output and no momentum, L1 or projection."""
    many, s, loss = len(rates), 0, np.nan
    while s < many:
        if (first + s) % TOGETHER == 0 and s + TOGETHER <= many:
            end = s + (many - s) // TOGETHER * TOGETHER
            cost, mass, loss = _fours(
                x, t[0], weight, centre, inverse, first, rates, s, end, code, setting, l2, averaged,
                step, w, velocity, average, cost, mass,
            )  # fmt: skip
            s = end
        else:
            cost, mass, loss = _one(
                x, t[0], weight, centre, inverse, first, rates, s, code, setting, l2, averaged,
                step, w, velocity, average, cost, mass,
            )  # fmt: skip
            s += 1
    norm = 0.0
    for j in range(len(velocity)):  # the gradient until now
        norm += velocity[j] * velocity[j]
        velocity[j] *= -rates[many - 1]
    norm = np.sqrt(norm)
    return cost, mass, loss, norm, rates[many - 1] * norm


@register_jitable(inline="always")
def _one(
    x: Array, t: Array, weight: Array, centre: Array, inverse: Array, first: int, rates: Array,
    s: int, code: int, setting: float, l2: float, averaged: bool, step: int, w: Array,
    velocity: Array, average: Array, cost: float, mass: float,
) -> Any:  # fmt: skip
    """Step s. Gives cost and mass grown by its event's, and the cost of that; velocity becomes the
    gradient.
    """
    i, d = first + s, len(centre)
    p = 0.0
    for j in range(d):
        p += w[j + 1] * ((x[i, j] - centre[j]) * inverse[j])
    charge, slope = event(code, p + w[0], t[i], setting)
    load = weight[i] if len(weight) else 1.0
    pull = load * slope
    velocity[0] = pull
    w[0] -= rates[s] * pull
    for j in range(d):
        velocity[j + 1] = pull * ((x[i, j] - centre[j]) * inverse[j]) + l2 * w[j + 1]
        w[j + 1] -= rates[s] * velocity[j + 1]
    if averaged:
        share = 4.0 / (step + s + 4.0)
        for j in range(d + 1):
            average[j] += share * (w[j] - average[j])
    return cost + load * charge, mass + load, charge if load != 0.0 else 0.0


@register_jitable(inline="always")
def _fours(
    x: Array, t: Array, weight: Array, centre: Array, inverse: Array, first: int, rates: Array,
    s: int, end: int, code: int, setting: float, l2: float, averaged: bool, step: int, w: Array,
    velocity: Array, average: Array, cost: float, mass: float,
) -> Any:  # fmt: skip
    """Steps s … end − 1. Gives cost and mass grown by their events', and the cost of the last;
    velocity becomes the last gradient.

    One loop takes the last four steps' updates and makes the next four's predictions.
    """
    d, b = len(centre), first + s
    wide, soon = d * x.itemsize > _NARROW, _SOON // (d * x.itemsize + 1) + TOGETHER
    load, costs = _of_four(weight, b), (0.0, 0.0, 0.0, 0.0)
    pull, rate, k = (0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0), (1.0, 1.0, 1.0, 1.0)
    q = pull
    while True:
        i = min(first + s, first + end - TOGETHER)
        if wide:
            prefetch(x, i + soon, TOGETHER)
        if s == end:
            _last(x, centre, inverse, b, k, q, pull[3], l2, w, velocity)
        k3, k2, k1, k0 = k[3], k[3] * k[2], k[3] * k[2] * k[1], k[3] * k[2] * k[1] * k[0]
        q0, q1, q2, q3 = k1 * q[0], k2 * q[1], k3 * q[2], q[3]
        p0 = p1 = p2 = p3 = g01 = g02 = g03 = g12 = g13 = g23 = 0.0
        for j in range(d):
            c, f = centre[j], inverse[j]
            v = k0 * w[j + 1] - q0 * ((x[b, j] - c) * f) - q1 * ((x[b + 1, j] - c) * f)
            v = v - q2 * ((x[b + 2, j] - c) * f) - q3 * ((x[b + 3, j] - c) * f)
            w[j + 1] = v
            z0, z1 = (x[i, j] - c) * f, (x[i + 1, j] - c) * f
            z2, z3 = (x[i + 2, j] - c) * f, (x[i + 3, j] - c) * f
            p0, p1, p2, p3 = p0 + v * z0, p1 + v * z1, p2 + v * z2, p3 + v * z3
            g01, g02, g03 = g01 + z0 * z1, g02 + z0 * z2, g03 + z0 * z3
            g12, g13, g23 = g12 + z1 * z2, g13 + z1 * z3, g23 + z2 * z3
        if s == end:
            break
        load, targets = _of_four(weight, i), (t[i], t[i + 1], t[i + 2], t[i + 3])
        rate = (rates[s], rates[s + 1], rates[s + 2], rates[s + 3])
        k = (1.0 - rate[0] * l2, 1.0 - rate[1] * l2, 1.0 - rate[2] * l2, 1.0 - rate[3] * l2)
        p, g = (p0, p1, p2, p3), (g01, g02, g03, g12, g13, g23)
        if code == SQUARED:  # each call is compiled for its code, without choices inside
            pull, costs = _chain(SQUARED, setting, w[0], p, g, k, targets, rate, load)
        elif code == LOGISTIC:
            pull, costs = _chain(LOGISTIC, setting, w[0], p, g, k, targets, rate, load)
        else:
            pull, costs = _chain(code, setting, w[0], p, g, k, targets, rate, load)
        q = (rate[0] * pull[0], rate[1] * pull[1], rate[2] * pull[2], rate[3] * pull[3])
        cost += load[0] * costs[0] + load[1] * costs[1] + load[2] * costs[2] + load[3] * costs[3]
        mass += load[0] + load[1] + load[2] + load[3]
        if averaged:
            _average(x, centre, inverse, i, k, q, step + s, w, average)
        w[0] -= q[0] + q[1] + q[2] + q[3]
        s, b = s + TOGETHER, i
    return cost, mass, costs[3] if load[3] != 0.0 else 0.0


@register_jitable
def _of_four(weight: Array, i: int) -> Any:
    """The weights of the events i … i + 3."""
    return (
        weight[i] if len(weight) else 1.0, weight[i + 1] if len(weight) else 1.0,
        weight[i + 2] if len(weight) else 1.0, weight[i + 3] if len(weight) else 1.0,
    )  # fmt: skip


@register_jitable(inline="always")
def _chain(
    code: int, setting: float, bias: float, p: Any, g: Any, k: Any, t: Any, rate: Any, load: Any
) -> Any:
    """Weight · slope and cost of four events, from the predictions p before their steps, the
    products g of the events (01, 02, 03, 12, 13, 23) and what the penalty keeps, k.
    """
    c0, slope = event(code, bias + p[0], t[0], setting)
    s0 = load[0] * slope
    q0 = rate[0] * s0
    c1, slope = event(code, bias + k[0] * p[1] - q0 * (g[0] + 1.0), t[1], setting)
    s1 = load[1] * slope
    q1 = rate[1] * s1
    p2 = k[1] * (k[0] * p[2] - q0 * g[1]) - q0
    c2, slope = event(code, bias + p2 - q1 * (g[3] + 1.0), t[2], setting)
    s2 = load[2] * slope
    q2 = rate[2] * s2
    p3 = k[2] * (k[1] * (k[0] * p[3] - q0 * g[2]) - q1 * g[4]) - q0 - q1
    c3, slope = event(code, bias + p3 - q2 * (g[5] + 1.0), t[3], setting)
    return (s0, s1, s2, load[3] * slope), (c0, c1, c2, c3)


@register_jitable
def _average(
    x: Array, centre: Array, inverse: Array, i: int, kept: Any, pulls: Any, step: int, w: Array,
    average: Array,
) -> None:  # fmt: skip
    """The average of the iterates with weight growing as t³, over four steps from w on."""
    for j in range(len(w)):
        at, mean = w[j], average[j]
        for m in range(TOGETHER):
            z = (x[i + m, j - 1] - centre[j - 1]) * inverse[j - 1] if j > 0 else 1.0
            at = (kept[m] if j > 0 else 1.0) * at - pulls[m] * z
            mean += 4.0 / (step + m + 4.0) * (at - mean)
        average[j] = mean


@register_jitable
def _last(
    x: Array, centre: Array, inverse: Array, i: int, kept: Any, q: Any, pull: float, l2: float,
    w: Array, velocity: Array,
) -> None:  # fmt: skip
    """velocity becomes the gradient of the last of four steps from the weights w on."""
    velocity[0] = pull
    for j in range(len(centre)):
        at, c, f = w[j + 1], centre[j], inverse[j]
        for m in range(TOGETHER - 1):
            at = kept[m] * at - q[m] * ((x[i + m, j] - c) * f)
        velocity[j + 1] = pull * ((x[i + TOGETHER - 1, j] - c) * f) + l2 * at
