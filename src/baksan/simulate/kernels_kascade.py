"""What the stations of a KASCADE-like array make of showers, as a loop that Numba compiles.

The same function runs as plain Python, line by line. What a station does in an event depends on
seed, event and station alone: each has a stream of random numbers of its own.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba.extending import register_jitable
from numpy.typing import NDArray

from baksan.physics import front, lateral
from baksan.simulate import kernels_random as random
from baksan.simulate.kernels_array import DEAD, HIT, SATURATED

Array = NDArray[Any]

__all__ = ["NEAREST", "Densities", "Detectors", "densities", "respond"]

NEAREST = 1.0
"""Nearer to the axis densities stay as here, in m."""
_HALF = math.log(2.0)

_electrons = register_jitable(lateral.log_kascade_electrons)
_muons = register_jitable(lateral.log_kascade_muons)


class Densities(NamedTuple):
    """Of each event, (n,) where nothing else is said: what the stations' densities follow from.

    core (n, 2) in m, axis (n, 3) to the source; ln of what the shapes of electrons and muons are
    multiplied by, in 1/m², and their ages; a in ns and b of the median delay a (r/m)^b.
    """

    event: Array
    core: Array
    axis: Array
    log_electrons: Array
    age: Array
    log_muons: Array
    muon_age: Array
    delay: Array
    power: Array


class Detectors(NamedTuple):
    """Places (S, 3); areas in m² (S,), 0 where there is no such detector; the cluster of each
    station (S,), how many there are; and the numbers of `kascade.Kascade`.
    """

    position: Array
    electron_area: Array
    muon_area: Array
    cluster: Array
    clusters: int
    sigma: float
    threshold: float
    full: float
    dead: float
    jitter: float
    trigger: int


def respond(
    showers: Densities, detectors: Detectors, s: Array, electrons: Array, muons: Array, time: Array,
    status: Array, triggered: Array,
) -> None:  # fmt: skip
    """Deposits in particles and times in ns (n, S), triggers (n,).

    Times count from when the shower's axis reaches the ground.
    """
    for k in range(len(showers.event)):
        for i in range(len(detectors.position)):
            random.at(s, showers.event[k], i)
            _station(showers, detectors, k, i, s, electrons, muons, time, status)
        triggered[k] = _trigger(detectors, status[k])


@register_jitable
def densities(showers: Densities, detectors: Detectors, k: int, i: int) -> Any:
    """r, L in m; electrons and muons per m² across the axis, at station i of event k."""
    x = detectors.position[i, 0] - showers.core[k, 0]
    y = detectors.position[i, 1] - showers.core[k, 1]
    z = detectors.position[i, 2]
    nx, ny, nz = showers.axis[k, 0], showers.axis[k, 1], showers.axis[k, 2]
    along = nx * x + ny * y + nz * z
    r = math.sqrt((x - along * nx) ** 2 + (y - along * ny) ** 2 + (z - along * nz) ** 2)
    r = max(r, NEAREST)
    log_e = showers.log_electrons[k] + _electrons(r, showers.age[k])
    log_mu = showers.log_muons[k] + _muons(r, showers.muon_age[k])
    return r, along, math.exp(log_e), math.exp(log_mu)


@register_jitable
def _station(
    showers: Densities, detectors: Detectors, k: int, i: int, s: Array, electrons: Array,
    muons: Array, time: Array, status: Array,
) -> None:  # fmt: skip
    area = detectors.electron_area[i]
    if random.uniform(s) < detectors.dead or area == 0.0:
        status[k, i] = DEAD
        return
    r, along, electron, muon = densities(showers, detectors, k, i)
    cos = showers.axis[k, 2]
    count = random.poisson(s, (electron + muon) * area * cos)
    deposit = _deposit(detectors, count, cos, s)
    if deposit >= detectors.threshold:
        # The first of n that come exponentially: an exponential number again, n times as short.
        late = -math.log(random.uniform(s)) / (count * _HALF)
        time[k, i] = (
            showers.delay[k] * r ** showers.power[k] * late - along / front.LIGHT
            + detectors.jitter * random.normal(s)
        )  # fmt: skip
        full = detectors.full * area
        status[k, i] = HIT | SATURATED if deposit > full else HIT
        electrons[k, i] = min(deposit, full)
    if detectors.muon_area[i] > 0.0:
        count = random.poisson(s, muon * detectors.muon_area[i] * cos)
        deposit = _deposit(detectors, count, cos, s)
        if deposit >= detectors.threshold:
            muons[k, i] = min(deposit, detectors.full * detectors.muon_area[i])


@register_jitable
def _deposit(detectors: Detectors, count: int, cos: float, s: Array) -> float:
    """What particles leave that cross at this angle: inclined ones have a longer way."""
    variance = detectors.sigma * detectors.sigma
    return variance * random.gamma(s, count / variance) / cos


@register_jitable
def _trigger(detectors: Detectors, status: Array) -> bool:
    """So many stations of one cluster hit."""
    for c in range(detectors.clusters):
        hits = 0
        for i in range(len(status)):
            if detectors.cluster[i] == c and status[i] & HIT:
                hits += 1
        if hits >= detectors.trigger:
            return True
    return False
