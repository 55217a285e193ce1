"""The fit of a lateral distribution of electrons, as a loop over events that Numba compiles.

The same function runs as plain Python, line by line. Four parameters are found by Levenberg's and
Marquardt's method with slopes written out by hand:

    core x, y (m);  ln ρ(40 m);  age s
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from baksan.physics import lateral
from baksan.reconstruct.kernels_array import solve

Array = NDArray[Any]

__all__ = ["NEAREST", "PARAMETERS", "SCALE", "UNSETTLED", "Detectors", "fit"]

PARAMETERS = 4
SCALE = 40.0
"""The distance at which the density is a parameter, in m: there it hardly depends on the age."""
NEAREST = 1.0
"""Nearer to the axis the density stays as here, in m."""
UNSETTLED = 2
_SATURATED, _DEAD = 2, 4
_OUTERMOST = 150.0  # m from the middle of the stations: where a core may be looked for
_YOUNGEST, _OLDEST = 0.55, 1.45
_USUAL, _UNSURE = 1.05, 0.2  # what is known of ages beforehand: matters below N_e of 20,000 [D]
_STEPS, _SETTLED = 40, 1e-3

_log_electrons = register_jitable(lateral.log_kascade_electrons)


class Detectors(NamedTuple):
    """Places (S, 2) in m; areas in m² (S,), 0 where there is none; the spread of one particle's
    deposit.
    """

    position: Array
    area: Array
    sigma: float


def fit(
    detectors: Detectors, deposit: Array, status: Array, axis: Array, muons: Array, found: Array,
    covariance: Array, merit: Array, flag: Array,
) -> None:  # fmt: skip
    """Fit each event that has no flag yet, from where `found` (n, 4) stands.

    Of deposits in particles and status (n, S), axes (n, 3) to the source and muons per m² (n, S)
    it makes: parameters, their covariance (n, 4, 4); deviance, degrees of freedom (n, 2); flags.
    """
    g, h = np.zeros(PARAMETERS), np.zeros((PARAMETERS, PARAMETERS))
    work, step = np.zeros((PARAMETERS, PARAMETERS)), np.zeros(PARAMETERS)
    slope, trial = np.zeros(PARAMETERS), np.zeros(PARAMETERS)
    for k in range(len(deposit)):
        if flag[k] != 0 and flag[k] != UNSETTLED:
            continue
        data = (detectors, deposit[k], status[k], axis[k], muons[k])
        settled = _descend(data, found[k], g, h, slope, work, trial, step)
        flag[k] = 0 if settled else UNSETTLED
        merit[k, 0] = _cost(data, found[k], g, h, slope)
        merit[k, 1] = -PARAMETERS
        for i in range(len(status[k])):
            merit[k, 1] += not status[k, i] & _DEAD and detectors.area[i] > 0.0
        covariance[k] = np.nan
        for j in range(PARAMETERS):
            g[:] = 0.0
            g[j] = 1.0
            if solve(h, g, 0.0, PARAMETERS, work, step):
                covariance[k, j] = step


@register_jitable
def _expect(detectors: Detectors, axis: Array, p: Array, i: int, slope: Array) -> Any:
    """Electrons per m² at station i, and the slopes of its ln by the parameters."""
    x, y = detectors.position[i, 0] - p[0], detectors.position[i, 1] - p[1]
    along = axis[0] * x + axis[1] * y
    square = x * x + y * y - along * along
    r = math.sqrt(max(square, NEAREST * NEAREST))
    by_r = ((p[3] - 1.5) + (p[3] - 3.6) * r / (SCALE + r)) / (r * r)
    if square <= NEAREST * NEAREST:
        by_r = 0.0
    slope[0], slope[1] = by_r * (along * axis[0] - x), by_r * (along * axis[1] - y)
    slope[2] = 1.0
    slope[3] = math.log(r / SCALE * 0.5 * (1.0 + r / SCALE))
    return math.exp(p[2] + _log_electrons(r, p[3]) - _log_electrons(SCALE, p[3]))


@register_jitable
def _cost(data: Any, p: Array, g: Array, h: Array, slope: Array) -> Any:
    """Deviance, half its gradient (4,), and half its expected curvature (4, 4).

        Σ 2 (S ln(S/μ) − (S − μ))/φ + (s − 1.05)²/0.2²,  μ = (ρ_e + ρ_μ) A,  φ = (1 + σ²) sec θ

    Of deposits of particles that are counted, each with a spread σ: their variance is φ μ. A
    saturated station says only that its deposit was larger.
    """
    detectors, deposit, status, axis, muons = data
    g[:] = 0.0
    h[:] = 0.0
    cost = 0.0
    for i in range(len(deposit)):
        area = detectors.area[i]
        if status[i] & _DEAD or area == 0.0:
            continue
        electrons = _expect(detectors, axis, p, i, slope) * area
        mean, found = electrons + muons[i] * area, deposit[i]
        if status[i] & _SATURATED and mean > found:
            continue
        cost += 2.0 * (mean - found)
        if found > 0.0:
            cost += 2.0 * found * math.log(found / mean)
        share = electrons / mean
        for a in range(PARAMETERS):
            g[a] += share * (mean - found) * slope[a]
            for b in range(a + 1):
                h[a, b] += share * electrons * slope[a] * slope[b]
    spread = axis[2] / (1.0 + detectors.sigma * detectors.sigma)
    for a in range(PARAMETERS):
        g[a] *= spread
        for b in range(a + 1):
            h[a, b] *= spread
    older = (p[3] - _USUAL) / _UNSURE
    g[3] += older / _UNSURE
    h[3, 3] += 1.0 / (_UNSURE * _UNSURE)
    return cost * spread + older * older


@register_jitable
def _descend(
    data: Any, p: Array, g: Array, h: Array, slope: Array, work: Array, trial: Array, step: Array
) -> bool:
    """Levenberg–Marquardt; True once a step changes the deviance by less than 10⁻³."""
    damping = 1e-3
    cost = _cost(data, p, g, h, slope)
    for _ in range(_STEPS):
        if not solve(h, g, damping, PARAMETERS, work, step):
            damping *= 10.0
            continue
        for a in range(PARAMETERS):
            trial[a] = p[a] - step[a]
        for a in range(2):
            trial[a] = min(max(trial[a], p[a] - SCALE), p[a] + SCALE)
            trial[a] = min(max(trial[a], -_OUTERMOST), _OUTERMOST)
        trial[2] = min(max(trial[2], p[2] - 2.0), p[2] + 2.0)
        trial[3] = min(max(trial[3], _YOUNGEST), _OLDEST)
        found = _cost(data, trial, g, h, slope)
        if found <= cost:
            settled = cost - found < _SETTLED
            cost = found
            p[:] = trial
            if settled:
                return True
            damping = max(0.2 * damping, 1e-9)
        else:
            if found - cost < _SETTLED:
                return True
            damping *= 4.0
            _cost(data, p, g, h, slope)
    return False
