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
    "DEAD", "HIT", "SATURATED", "SILENT", "Counter", "Expected", "Stations", "counted", "expected",
    "layer", "respond", "three_adjacent",
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


class Counter(NamedTuple):
    """What a station is: a tank of water or not, and the numbers of `layouts.Detector`."""

    water: bool
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


class Stations(NamedTuple):
    """Places (S, 3) and neighbours (S, 8); the distance in m at which the share of muons is given;
    what each of them is.

    Functions that are called for each station take `Counter` alone: what arrays there are in an
    argument costs more time than a silent station does.
    """

    position: Array
    neighbours: Array
    reference: float
    counter: Counter


def respond(
    showers: Expected, stations: Stations, s: Array, upper: Array, lower: Array, time: Array,
    status: Array, noise: Array, triggered: Array,
) -> None:  # fmt: skip
    """Signals of both layers in VEM and times in ns (n, S); triggers (n,).

    Times count from when the shower's axis reaches the ground.
    """
    counter, count = stations.counter, np.zeros(4, dtype=np.int64)
    words = np.empty((4, len(stations.position)), dtype=np.uint32)
    for k in range(len(showers.event)):
        event, curvature = showers.event[k], showers.curvature[k]
        random.ahead(s, event, words)
        for i in range(len(stations.position)):
            luck = random.unit(words[0, i])
            if luck < counter.dead:
                status[k, i] = DEAD
                continue
            r, along, muonic, electromagnetic = expected(showers, stations, k, i)
            expects = _particles(counter, muonic, electromagnetic)[3]
            quiet = luck <= 1.0 - counter.noise
            empty = random.unit(words[1, i]) <= 1.0 - expects  # most: what `counted` would find
            if empty and quiet:
                continue
            random.at_prepared(s, event, i, words, 2 if empty else 1)
            up, when = -1.0, 0.0
            if not empty:
                up, low, late = _shower(counter, r, muonic, electromagnetic, curvature, s, count)
                when = late - along / front.LIGHT
            if up < 0.0 and not quiet:
                up, low, when = _background(counter, s, count)
                noise[k, i] = True
            if up >= 0.0 and abs(when) <= counter.read_out:
                full = max(up, low) > counter.full
                status[k, i] = HIT | SATURATED if full else HIT
                upper[k, i], lower[k, i] = min(up, counter.full), min(low, counter.full)
                time[k, i] = when
        triggered[k] = three_adjacent(stations, upper[k], lower[k], time[k], status[k])


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
    if stations.counter.water:
        shape = _water(r, showers.slope[k], 0.0)
    else:
        shape = _scintillators(r, showers.slope[k])
    signal = math.exp(showers.log_signal[k] + shape)
    share = _share(r / stations.reference, showers.share[k])
    growth = math.exp(min(_growth(r, showers.log_ratio[k], showers.later[k]), _LARGEST))
    return r, along, share * signal * showers.muons[k], (1.0 - share) * signal * growth


@register_jitable
def _shower(
    counter: Counter, r: float, muonic: float, electromagnetic: float, curvature: float, s: Array,
    count: Array,
) -> Any:  # fmt: skip
    """Signals of both layers and the delay behind a plane front; (−1, −1, 0) if it stays silent."""
    if counted(counter, muonic, electromagnetic, s, count) == 0:
        return -1.0, -1.0, 0.0
    up, low = _signals(counter, count, s)
    if 0.5 * (up + low) < counter.read:
        return -1.0, -1.0, 0.0
    density = muonic + electromagnetic
    if counter.water:
        density /= front.COUNTER
    thickness = _THICKNESS * _linsley(r, density, curvature, -0.3)
    delay = _DELAY * _linsley(r, density, curvature, -0.5)
    spread = math.sqrt(thickness * thickness + counter.jitter * counter.jitter)
    return up, low, delay + spread * random.normal(s)


@register_jitable
def _background(counter: Counter, s: Array, count: Array) -> Any:
    """A muon that is not of the shower: signals of both layers, and its time."""
    count[:] = 0
    count[0] = 1
    up, low = _signals(counter, count, s)
    return up, low, counter.read_out * (2.0 * random.uniform(s) - 1.0)


@register_jitable
def _particles(counter: Counter, muonic: float, electromagnetic: float) -> Any:
    """Muons, hits in both layers, hits in each layer alone, and all together, expected."""
    scale = 1.0 if counter.water else counter.area
    muons = muonic * scale
    hits = electromagnetic * scale / (counter.hit * (0.5 + 0.5 * counter.both))
    through, one = hits * counter.both, 0.5 * hits * (1.0 - counter.both)
    return muons, through, one, muons + through + 2.0 * one


@register_jitable
def counted(counter: Counter, muonic: float, electromagnetic: float, s: Array, count: Array) -> int:
    """How many muons, hits in both layers, in the upper, in the lower alone (4,); their sum.

    Few are drawn together and dealt out one by one, so that a silent station costs two numbers.
    """
    muons, through, one, total = _particles(counter, muonic, electromagnetic)
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
def layer(counter: Counter, muons: int, hits: int, s: Array) -> Any:
    """What one layer shows of them in VEM: muons about 1 each, hits `hit` each on average."""
    variance = counter.muon_sigma * counter.muon_sigma
    of_muons = variance * random.gamma(s, muons / variance) if muons > 0 else 0.0
    of_hits = counter.hit * random.exponentials(s, hits) if hits > 0 else 0.0
    return of_muons, of_hits


@register_jitable
def _signals(counter: Counter, count: Array, s: Array) -> Any:
    """Signals of both layers. Muons cross both; hits leave a signal in both, or in one of them."""
    muons, hits = layer(counter, count[0], count[1] + count[2], s)
    if counter.water:
        return muons + hits, muons + hits
    below, lower = layer(counter, count[0], count[1] + count[3], s)
    return muons + hits, below + lower


@register_jitable
def three_adjacent(
    stations: Stations, upper: Array, lower: Array, time: Array, status: Array
) -> bool:
    """Three adjacent stations above the threshold: one with two neighbours, within the window."""
    for i in range(len(status)):
        if status[i] & HIT and 0.5 * (upper[i] + lower[i]) >= stations.counter.trigger:
            found = 0
            for j in stations.neighbours[i]:
                if (
                    j >= 0
                    and status[j] & HIT
                    and 0.5 * (upper[j] + lower[j]) >= stations.counter.trigger
                    and abs(time[i] - time[j]) <= stations.counter.window
                ):
                    found += 1
            if found >= 2:
                return True
    return False
