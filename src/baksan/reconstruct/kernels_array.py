"""The joint fit of a front and a lateral distribution, as a loop over events that Numba compiles.

The same function runs as plain Python, line by line. Seven parameters are found by Levenberg's and
Marquardt's method with slopes written out by hand:

    core x, y (m);  n_x, n_y of the direction;  t₀ (ns);  ln S_ref;  ln a
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from baksan.physics import front, lateral

Array = NDArray[Any]

__all__ = ["FEW", "PARAMETERS", "STEEP", "UNSETTLED", "Settings", "fit"]

PARAMETERS = 7
FEW, UNSETTLED, STEEP = 1, 2, 4
"""Flags: fewer than three stations agree; the fit did not settle; the axis came to its limit."""
_HIT, _SATURATED, _DEAD = 1, 2, 4
_DELAY = front.LINSLEY["tight"][0]
_THICKNESS = 1.3 * front.LINSLEY["tight"][1]  # [V]
_CLOCK = 30.0  # ns [V]
_NEAREST, _NEAREST_THICKNESS = 30.0, 150.0  # m [D, V]
_SMALL = 4.0  # VEM/m²: below, signals are counted, not measured [V]
_COUNTED, _NOTHING = 0.4, 0.25  # weights of counted and of silent stations [V]
_LATEST = 2000.0  # ns: how far behind light from the hottest station a hit of the first fit may be
_ROUNDS = 5
_STEEPEST = math.sin(math.radians(62.0)) ** 2
_STEPS, _SETTLED = 60, 1e-4
_WITH_CURVATURE = 5  # stations from which on a is fitted [V]

_water = register_jitable(lateral.log_water)
_scintillators = register_jitable(lateral.log_scintillators)
_linsley = register_jitable(front.linsley)


class Settings(NamedTuple):
    """Places (S, 3) in m; distance of the reference in m; area in m²; how far silent stations
    count, in m; the signal of clear hits in VEM; background hits per ns; water or scintillators.
    """

    position: Array
    reference: float
    area: float
    reach: float
    clear: float
    background: float
    water: bool


def fit(
    settings: Settings, signal: Array, time: Array, status: Array, found: Array, spread: Array,
    merit: Array, use: Array, flag: Array,
) -> None:  # fmt: skip
    """Fit each of n events.

    Of signals (VEM), times (ns) and status (n, S) it makes: parameters and their covariance
    (n, 7), (n, 7, 7); χ², degrees of freedom (n, 2); which hits were used (n, S); flags (n,).
    """
    g, h = np.zeros(PARAMETERS), np.zeros((PARAMETERS, PARAMETERS))
    slopes, error = np.zeros((2, PARAMETERS)), np.ones((2, len(settings.position)))
    work = np.zeros((PARAMETERS, PARAMETERS))
    trial, step = np.zeros(PARAMETERS), np.zeros(PARAMETERS)
    for k in range(len(signal)):
        hits = _candidates(settings, signal[k], time[k], status[k], use[k])
        if hits < 3:
            flag[k] = FEW
            continue
        p = found[k]
        _begin(settings, signal[k], time[k], use[k], p)
        settled, free = False, PARAMETERS
        for turn in range(_ROUNDS):
            free = PARAMETERS if turn > 0 and hits >= _WITH_CURVATURE else PARAMETERS - 1
            _errors(settings, signal[k], p, error)
            settled = _descend(
                settings, signal[k], time[k], status[k], use[k], error, p, free, g, h, slopes,
                work, trial, step,
            )  # fmt: skip
            hits, changed = _chosen(
                settings, signal[k], time[k], status[k], use[k], error, p, slopes, hits
            )
            if turn > 1 and not changed:
                break
        merit[k, 0] = _cost(settings, signal[k], time[k], status[k], use[k], error, p, g, h, slopes)
        merit[k, 1] = 2 * hits - free
        _inverse(h, free, work, spread[k])
        flag[k] = 0 if settled else UNSETTLED
        if p[2] * p[2] + p[3] * p[3] > 0.999 * _STEEPEST:
            flag[k] |= STEEP


@register_jitable
def _candidates(settings: Settings, signal: Array, time: Array, status: Array, use: Array) -> int:
    """Marks hits to begin with, and counts them: clear ones, or all if these are fewer than three.

    Light from the hottest station's place must be able to explain them.
    """
    hottest = -1
    for i in range(len(signal)):
        if status[i] & _HIT and (hottest < 0 or signal[i] > signal[hottest]):
            hottest = i
    for least in (settings.clear, 0.0):
        count = 0
        for i in range(len(signal)):
            use[i] = (
                (status[i] & _HIT) > 0
                and signal[i] >= least
                and abs(time[i] - time[hottest]) <= _light(settings, i, hottest) + _LATEST
            )
            count += use[i]
        if count >= 3:
            break
    return count


@register_jitable
def _light(settings: Settings, i: int, j: int) -> float:
    """How long light takes between two stations."""
    east = settings.position[i, 0] - settings.position[j, 0]
    north = settings.position[i, 1] - settings.position[j, 1]
    return math.sqrt(east * east + north * north) / front.LIGHT


@register_jitable
def _begin(settings: Settings, signal: Array, time: Array, use: Array, p: Array) -> None:
    """Core: the centre, weighted by √S; direction and t₀: a plane; S_ref by the sum of signals."""
    weight, x, y, t = 0.0, 0.0, 0.0, 0.0
    for i in range(len(signal)):
        if use[i]:
            w = math.sqrt(signal[i])
            weight += w
            x += w * settings.position[i, 0]
            y += w * settings.position[i, 1]
            t += w * time[i]
    x, y, t = x / weight, y / weight, t / weight
    xx, xy, yy, xt, yt = 1e-3, 0.0, 1e-3, 0.0, 0.0
    for i in range(len(signal)):
        if use[i]:
            w = math.sqrt(signal[i])
            dx, dy = settings.position[i, 0] - x, settings.position[i, 1] - y
            xx, xy, yy = xx + w * dx * dx, xy + w * dx * dy, yy + w * dy * dy
            xt, yt = xt + w * dx * (time[i] - t), yt + w * dy * (time[i] - t)
    det = xx * yy - xy * xy
    u, v = 0.0, 0.0
    if det > 1e-6 * xx * yy:
        u = -front.LIGHT * (yy * xt - xy * yt) / det
        v = -front.LIGHT * (xx * yt - xy * xt) / det
    steep = u * u + v * v
    if steep > 0.9 * _STEEPEST:
        u, v = u * math.sqrt(0.8 * _STEEPEST / steep), v * math.sqrt(0.8 * _STEEPEST / steep)
    p[0], p[1], p[2], p[3], p[4] = x, y, u, v, t - 300.0
    p[5], p[6] = 0.0, _usual(u, v)
    p[5] = _height(settings, signal, use, p)


@register_jitable
def _usual(u: float, v: float) -> float:
    """ln a(θ), a straight line through the values at 0° and 60°, near enough to start from."""
    theta = math.asin(math.sqrt(min(u * u + v * v, 0.8)))
    return 1.28 - 0.9 * theta * theta


@register_jitable
def _height(settings: Settings, signal: Array, use: Array, p: Array) -> float:
    """ln S_ref that gives the sum of the signals."""
    measured, unit = 0.0, 0.0
    for i in range(len(signal)):
        if use[i]:
            r, _ = _place(settings, p, i)
            measured += math.sqrt(signal[i] / _unit(settings))
            unit += math.sqrt(math.exp(_log_shape(settings, p, max(r, 200.0))))
    return 2.0 * math.log(measured / unit)


@register_jitable
def _unit(settings: Settings) -> float:
    """Signals are given per station: scintillators are fitted per m², tanks as they are."""
    return 1.0 if settings.water else settings.area


@register_jitable
def _place(settings: Settings, p: Array, i: int) -> Any:
    """Distance from the axis, and along it."""
    x, y = settings.position[i, 0] - p[0], settings.position[i, 1] - p[1]
    z = settings.position[i, 2]
    n = math.sqrt(1.0 - p[2] * p[2] - p[3] * p[3])
    along = p[2] * x + p[3] * y + n * z
    square = x * x + y * y + z * z - along * along
    return math.sqrt(max(square, _NEAREST * _NEAREST)), along


@register_jitable
def _slope(settings: Settings, p: Array) -> float:
    """η of scintillators, β of tanks, at this zenith angle."""
    secant = 1.0 / math.sqrt(1.0 - p[2] * p[2] - p[3] * p[3])
    return 0.9 * secant - 3.3 if settings.water else 3.97 - 1.79 * (secant - 1.0)


@register_jitable
def _log_shape(settings: Settings, p: Array, r: float) -> Any:
    """ln f(r)/f(r_ref)."""
    slope = _slope(settings, p)
    if settings.water:
        return _water(r, slope, 0.0)
    return _scintillators(r, slope) - _scintillators(settings.reference, slope)


@register_jitable
def _log_shape_slopes(settings: Settings, r: float, slope: float) -> Any:
    """Of ln f(r)/f(r_ref): d/dr, and d/d(slope)."""
    if settings.water:
        return slope / r + slope / (r + 700.0), math.log(r / 1000.0 * (r + 700.0) / 1700.0)
    near = -1.2 / r - (slope - 1.2) / (91.6 + r) - 1.2 * r / (1e6 + r * r)
    return near, -math.log((91.6 + r) / (91.6 + settings.reference))


@register_jitable
def _expect(settings: Settings, p: Array, i: int, slopes: Array) -> Any:
    """ln S and t expected at station i, and their slopes by the parameters (2, 7)."""
    u, v = p[2], p[3]
    n = math.sqrt(1.0 - u * u - v * v)
    x, y = settings.position[i, 0] - p[0], settings.position[i, 1] - p[1]
    z = settings.position[i, 2]
    r, along = _place(settings, p, i)
    log_signal = p[5] + _log_shape(settings, p, r)
    by_r, by_slope = _log_shape_slopes(settings, r, _slope(settings, p))
    turn = (0.9 if settings.water else -1.79) / n**3  # of the slope, by n_x²/2 and n_y²/2
    along_u, along_v = x - u / n * z, y - v / n * z
    outside = r > _NEAREST
    r_x, r_y = (along * u - x) / r * outside, (along * v - y) / r * outside
    r_u, r_v = -along * along_u / r * outside, -along * along_v / r * outside
    density = math.exp(log_signal) / _counter(settings)
    curvature = math.exp(p[6])
    delay = _DELAY * _linsley(r, density, curvature, -0.5)
    s, t = slopes[0], slopes[1]
    s[0], s[1] = by_r * r_x, by_r * r_y
    s[2], s[3] = by_r * r_u + by_slope * turn * u, by_r * r_v + by_slope * turn * v
    s[4], s[5], s[6] = 0.0, 1.0, 0.0
    later = delay * 1.5 / (30.0 + r)  # of the delay, by r, at the same density
    t[0] = u / front.LIGHT + later * r_x - 0.5 * delay * s[0]
    t[1] = v / front.LIGHT + later * r_y - 0.5 * delay * s[1]
    t[2] = -along_u / front.LIGHT + later * r_u - 0.5 * delay * s[2]
    t[3] = -along_v / front.LIGHT + later * r_v - 0.5 * delay * s[3]
    t[4], t[5], t[6] = 1.0, -0.5 * delay, delay
    return log_signal, p[4] - along / front.LIGHT + delay


@register_jitable
def _errors(settings: Settings, signal: Array, p: Array, error: Array) -> None:
    """σ_t and σ_S of each station (2, S), by what is expected and what was measured there.

    σ_t² = 30² + (1.3 · 0.29 a (1 + r/30)^1.5 ρ^−0.3)²,    r at least 150 m
    σ_S² = 2 S/A + (0.15 S)² of scintillators,  (0.32 + 0.42 sec θ)² S of tanks
    """
    secant = 1.0 / math.sqrt(1.0 - p[2] * p[2] - p[3] * p[3])
    for i in range(len(signal)):
        r, _ = _place(settings, p, i)
        density = math.exp(p[5] + _log_shape(settings, p, r)) / _counter(settings)
        thickness = _THICKNESS * _linsley(max(r, _NEAREST_THICKNESS), density, math.exp(p[6]), -0.3)
        error[0, i] = math.sqrt(_CLOCK * _CLOCK + thickness * thickness)
        S = signal[i] / _unit(settings)
        if settings.water:
            error[1, i] = (0.32 + 0.42 * secant) * math.sqrt(S)
        else:
            error[1, i] = math.sqrt(2.0 * S / settings.area + (0.15 * S) ** 2)


@register_jitable
def _counter(settings: Settings) -> float:
    """By what a signal is divided to be a density for the front."""
    return front.COUNTER if settings.water else 1.0


@register_jitable
def _cost(
    settings: Settings, signal: Array, time: Array, status: Array, use: Array, error: Array,
    p: Array, g: Array, h: Array, slopes: Array,
) -> float:  # fmt: skip
    """χ², half its gradient (7,), and half its expected curvature (7, 7), of given errors.

    Σ ((t − t_fit)/σ_t)² + Σ_{S > 4} ((S − S_fit)/σ_S)²
    + 0.4 Σ_{S ≤ 4} 2 (n ln(n/n̄) − (n − n̄)) + 0.25 Σ_silent 2 n̄,    n = S A
    """
    g[:] = 0.0
    h[:] = 0.0
    cost = 0.0
    for i in range(len(signal)):
        if use[i]:
            log_s, t = _expect(settings, p, i, slopes)
            sigma = error[0, i]
            off = (t - time[i]) / sigma
            _add(g, h, slopes[1], off / sigma, 1.0 / (sigma * sigma))
            cost += off * off
            cost += _signal_cost(settings, signal[i], status[i], error[1, i], log_s, g, h, slopes)
        elif status[i] == 0 and _place(settings, p, i)[0] < settings.reach:
            log_s, _ = _expect(settings, p, i, slopes)
            n = math.exp(log_s) * _area(settings)
            cost += _NOTHING * 2.0 * n
            _add(g, h, slopes[0], _NOTHING * n, _NOTHING * n)
    return cost


@register_jitable
def _signal_cost(
    settings: Settings, signal: float, status: int, sigma: float, log_s: float, g: Array, h: Array,
    slopes: Array,
) -> float:  # fmt: skip
    """What the signal of one station adds; a saturated one says only that it was larger."""
    fitted, measured = math.exp(log_s), signal / _unit(settings)
    if status & _SATURATED and fitted > measured:
        return 0.0
    if measured > _SMALL:
        off = (fitted - measured) / sigma
        _add(g, h, slopes[0], off * fitted / sigma, (fitted / sigma) ** 2)
        return off * off
    n, mean = max(measured * _area(settings), 1e-3), fitted * _area(settings)
    _add(g, h, slopes[0], _COUNTED * (mean - n), _COUNTED * mean)
    return _COUNTED * 2.0 * (n * math.log(n / mean) - (n - mean))


@register_jitable
def _area(settings: Settings) -> float:
    """From fitted signals to particles that were counted."""
    return 1.0 if settings.water else settings.area


@register_jitable
def _add(g: Array, h: Array, slope: Array, first: float, second: float) -> None:
    for i in range(PARAMETERS):
        g[i] += first * slope[i]
        for j in range(i + 1):
            h[i, j] += second * slope[i] * slope[j]


@register_jitable
def _descend(
    settings: Settings, signal: Array, time: Array, status: Array, use: Array, error: Array,
    p: Array, free: int, g: Array, h: Array, slopes: Array, work: Array, trial: Array, step: Array,
) -> bool:  # fmt: skip
    """Levenberg–Marquardt; True once a step changes χ² by less than 10⁻⁴."""
    damping = 1e-2
    cost = _cost(settings, signal, time, status, use, error, p, g, h, slopes)
    for _ in range(_STEPS):
        if not solve(h, g, damping, free, work, step):
            damping *= 10.0
            continue
        gain = 0.0
        for i in range(PARAMETERS):
            trial[i] = p[i] - step[i] if i < free else p[i]
            if i < free:
                gain += step[i] * (g[i] + damping * h[i, i] * step[i])
        if not trial[2] * trial[2] + trial[3] * trial[3] < _STEEPEST:
            shrink = math.sqrt(0.9995 * _STEEPEST / (trial[2] * trial[2] + trial[3] * trial[3]))
            trial[2], trial[3] = trial[2] * shrink, trial[3] * shrink
        trial[6] = min(max(trial[6], -3.0), 3.0)
        trial[5] = min(max(trial[5], p[5] - 2.0), p[5] + 2.0)
        found = _cost(settings, signal, time, status, use, error, trial, g, h, slopes)
        if found < cost:
            settled = cost - found < _SETTLED
            cost = found
            p[:] = trial
            damping = max(0.2 * damping, 1e-7)
            if settled:
                return True
        else:
            if gain < _SETTLED or damping > 1e8:
                return damping < 1e8 or gain < _SETTLED
            damping *= 4.0
            _cost(settings, signal, time, status, use, error, p, g, h, slopes)
    return False


@register_jitable
def _factor(h: Array, damping: float, free: int, work: Array) -> bool:
    """Cholesky's factor of H + damping · diag H; False where there is none."""
    for i in range(free):
        for j in range(i + 1):
            total = h[i, j]
            if i == j:
                total = total * (1.0 + damping) + 1e-12
            for m in range(j):
                total -= work[i, m] * work[j, m]
            if i == j:
                if not total > 0.0:
                    return False
                work[i, i] = math.sqrt(total)
            else:
                work[i, j] = total / work[j, j]
    return True


@register_jitable
def solve(h: Array, g: Array, damping: float, free: int, work: Array, step: Array) -> bool:
    if not _factor(h, damping, free, work):
        return False
    for i in range(free):
        total = g[i]
        for m in range(i):
            total -= work[i, m] * step[m]
        step[i] = total / work[i, i]
    for i in range(free - 1, -1, -1):
        total = step[i]
        for m in range(i + 1, free):
            total -= work[m, i] * step[m]
        step[i] = total / work[i, i]
    return True


@register_jitable
def _inverse(h: Array, free: int, work: Array, out: Array) -> None:
    """The covariance H⁻¹ of the free parameters; NaN where H has none."""
    out[:] = np.nan
    if not _factor(h, 0.0, free, work):
        return
    unit, column = np.zeros(PARAMETERS), np.zeros(PARAMETERS)
    for j in range(free):
        unit[:] = 0.0
        unit[j] = 1.0
        solve(h, unit, 0.0, free, work, column)
        for i in range(free):
            out[i, j] = column[i]


@register_jitable
def _chosen(
    settings: Settings, signal: Array, time: Array, status: Array, use: Array, error: Array,
    p: Array, slopes: Array, hits: int,
) -> Any:  # fmt: skip
    """Uses the hits that are rather the shower's than background; how many, and if others.

    (1 − e^−n̄) exp(−½ (t − t_fit)²/σ_t²)/(√2π σ_t)  >  background hits per ns
    """
    changed = False
    for i in range(len(signal)):
        if (status[i] & _HIT) > 0:
            log_s, t = _expect(settings, p, i, slopes)
            n, sigma = math.exp(log_s) * _area(settings), error[0, i]
            off = (time[i] - t) / sigma
            rate = (1.0 - math.exp(-n)) * math.exp(-0.5 * off * off) / (2.5066 * sigma)
            mine = rate > settings.background
            if mine != use[i] and (mine or hits > 3):
                use[i], changed = mine, True
                hits += 1 if mine else -1
    return hits, changed
