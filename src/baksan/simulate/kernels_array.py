"""What the stations of an array make of showers, as a loop that Numba compiles.

The same function runs as plain Python, line by line. What a station does in an event depends on
seed, event and station alone: each has a stream of random numbers of its own.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from baksan.physics import front, lateral, response
from baksan.simulate import kernels_random as random

Array = NDArray[Any]

__all__ = [
    "DEAD", "HIT", "SATURATED", "SILENT", "Expected", "Stations", "counted", "expected", "layer",
    "respond",
]  # fmt: skip

SILENT, HIT, SATURATED, DEAD = 0, 1, 2, 4
"""What a station says of itself; saturated ones are hit, too."""
NEAREST = 30.0
"""Where the lateral distribution and the front end: nearer to the axis they stay as here, in m."""
_DELAY, _THICKNESS = front.LINSLEY["tight"][0], 0.45  # k_D [V]; k_S of the simulation [D]
_LARGEST = math.log(5.0)
_FEW = 10.0  # particles expected, up to which they are dealt out one by one

_water = register_jitable(lateral.log_water)
_scintillators = register_jitable(lateral.log_scintillators)
_share = register_jitable(response.share_of_muons)
_growth = register_jitable(response.log_growth)
_linsley = register_jitable(front.linsley)


class Expected(NamedTuple):
    """Of each event, (n,) where nothing else is said: what the signals follow from.

    core (n, 2) in m, axis (n, 3) to the source; ln of the signal at the axis' reference distance
    less the shape there; slope of the lateral distribution; share of muons at the reference
    distance; R_μ; ln and difference of the depths behind the maximum; curvature of the front.
    """

    event: Array
    core: Array
    axis: Array
    log_signal: Array
    slope: Array
    share: Array
    muons: Array
    log_ratio: Array
    later: Array
    curvature: Array


class Stations(NamedTuple):
    """Places (S, 3) and neighbours (S, 8); the numbers of `layouts.Detector`; the distance in m at
    which the share of muons is given; tanks of water or scintillators.
    """

    position: Array
    neighbours: Array
    water: bool
    reference: float
    area: float
    muon_sigma: float
    hit: float
    both: float
    read: float
    trigger: float
    window: float
    full: float
    dead: float
    noise: float
    jitter: float
    read_out: float


def respond(
    showers: Expected, stations: Stations, s: Array, upper: Array, lower: Array, time: Array,
    status: Array, noise: Array, triggered: Array,
) -> None:  # fmt: skip
    """Signals of both layers in VEM and times in ns (n, S); triggers (n,).

    Times count from when the shower's axis reaches the ground.
    """
    count = np.zeros(4, dtype=np.int64)
    for k in range(len(showers.event)):
        for i in range(len(stations.position)):
            random.at(s, showers.event[k], i)
            _station(showers, stations, k, i, s, count, upper, lower, time, status, noise)
        triggered[k] = _trigger(stations, upper[k], lower[k], time[k], status[k])


@register_jitable
def expected(showers: Expected, stations: Stations, k: int, i: int) -> Any:
    """r, L in m; muonic and electromagnetic signal in VEM/m² (tanks: VEM), at station i of event k.

    S_em = (1 − f_μ) S G/G_ref,  S_μ = f_μ S R_μ  [D]
    """
    x = stations.position[i, 0] - showers.core[k, 0]
    y = stations.position[i, 1] - showers.core[k, 1]
    z = stations.position[i, 2]
    nx, ny, nz = showers.axis[k, 0], showers.axis[k, 1], showers.axis[k, 2]
    along = nx * x + ny * y + nz * z
    r = math.sqrt((x - along * nx) ** 2 + (y - along * ny) ** 2 + (z - along * nz) ** 2)
    r = max(r, NEAREST)
    if stations.water:
        shape = _water(r, showers.slope[k], 0.0)
    else:
        shape = _scintillators(r, showers.slope[k])
    signal = math.exp(showers.log_signal[k] + shape)
    share = _share(r / stations.reference, showers.share[k])
    growth = math.exp(min(_growth(r, showers.log_ratio[k], showers.later[k]), _LARGEST))
    return r, along, share * signal * showers.muons[k], (1.0 - share) * signal * growth


@register_jitable
def _station(
    showers: Expected, stations: Stations, k: int, i: int, s: Array, count: Array, upper: Array,
    lower: Array, time: Array, status: Array, noise: Array,
) -> None:  # fmt: skip
    luck = random.uniform(s)
    if luck < stations.dead:
        status[k, i] = DEAD
        return
    r, along, muonic, electromagnetic = expected(showers, stations, k, i)
    up, low = 0.0, 0.0
    if counted(stations, muonic, electromagnetic, s, count) > 0:
        up, low = _signals(stations, count, s)
    if 0.5 * (up + low) >= stations.read:
        density = muonic + electromagnetic
        if stations.water:
            density /= front.COUNTER
        thickness = _THICKNESS * _linsley(r, density, showers.curvature[k], -0.3)
        delay = _DELAY * _linsley(r, density, showers.curvature[k], -0.5)
        spread = math.sqrt(thickness * thickness + stations.jitter * stations.jitter)
        time[k, i] = delay - along / front.LIGHT + spread * random.normal(s)
    elif luck > 1.0 - stations.noise:  # a background muon, where the shower left nothing
        count[:] = 0
        count[0] = 1
        up, low = _signals(stations, count, s)
        time[k, i] = stations.read_out * (2.0 * random.uniform(s) - 1.0)
        noise[k, i] = True
    else:
        return
    status[k, i] = HIT | SATURATED if max(up, low) > stations.full else HIT
    upper[k, i], lower[k, i] = min(up, stations.full), min(low, stations.full)


@register_jitable
def counted(
    stations: Stations, muonic: float, electromagnetic: float, s: Array, count: Array
) -> int:
    """How many muons, hits in both layers, in the upper, in the lower alone (4,); their sum.

    Few are drawn together and dealt out one by one, so that a silent station costs two numbers.
    """
    scale = 1.0 if stations.water else stations.area
    muons = muonic * scale
    hits = electromagnetic * scale / (stations.hit * (0.5 + 0.5 * stations.both))
    through, one = hits * stations.both, 0.5 * hits * (1.0 - stations.both)
    total = muons + through + 2.0 * one
    count[:] = 0
    if total >= _FEW:
        count[0], count[1] = random.poisson(s, muons), random.poisson(s, through)
        count[2], count[3] = random.poisson(s, one), random.poisson(s, one)
        return int(count.sum())
    n = random.poisson(s, total)
    for _ in range(n):
        place = total * random.uniform(s)
        if place < muons:
            count[0] += 1
        elif place < muons + through:
            count[1] += 1
        elif place < muons + through + one:
            count[2] += 1
        else:
            count[3] += 1
    return n


@register_jitable
def layer(stations: Stations, muons: int, hits: int, s: Array) -> Any:
    """What one layer shows of them in VEM: muons about 1 each, hits `hit` each on average."""
    variance = stations.muon_sigma * stations.muon_sigma
    of_muons = variance * random.gamma(s, muons / variance) if muons > 0 else 0.0
    of_hits = stations.hit * random.exponentials(s, hits) if hits > 0 else 0.0
    return of_muons, of_hits


@register_jitable
def _signals(stations: Stations, count: Array, s: Array) -> Any:
    """Signals of both layers. Muons cross both; hits leave a signal in both, or in one of them."""
    muons, hits = layer(stations, count[0], count[1] + count[2], s)
    if stations.water:
        return muons + hits, muons + hits
    below, lower = layer(stations, count[0], count[1] + count[3], s)
    return muons + hits, below + lower


@register_jitable
def _trigger(stations: Stations, upper: Array, lower: Array, time: Array, status: Array) -> bool:
    """Three adjacent stations above the threshold: one with two neighbours, within the window."""
    for i in range(len(status)):
        if status[i] & HIT and 0.5 * (upper[i] + lower[i]) >= stations.trigger:
            found = 0
            for j in stations.neighbours[i]:
                if (
                    j >= 0
                    and status[j] & HIT
                    and 0.5 * (upper[j] + lower[j]) >= stations.trigger
                    and abs(time[i] - time[j]) <= stations.window
                ):
                    found += 1
            if found >= 2:
                return True
    return False
