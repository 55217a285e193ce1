"""What digitisers write down of the particles in a station, as a loop that Numba compiles.

The same function runs as plain Python, line by line. The particles are those that made the signals
of `kernels_array`: the station's stream of random numbers is played again, up to the signals.
Where each particle lies in time comes from a stream of its own.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from baksan.physics import front
from baksan.simulate import kernels_random as random
from baksan.simulate.kernels_array import Counter, Expected, Stations, counted, expected
from baksan.simulate.kernels_array import layer as layer_of

Array = NDArray[Any]

__all__ = ["BEFORE", "BINS", "MOST", "WIDTH", "Pulses", "record"]

BINS, WIDTH = 128, 20.0
"""Bins of a record, and how long one is in ns [V]."""
BEFORE = 10
"""Bins that are written down before the first particle [D]."""
MOST = 500
"""Particles of a station that are followed one by one."""
_SPREAD = 0.7  # σ of ln t [V as code]

_medians = register_jitable(front.medians)


class Pulses(NamedTuple):
    """ΔX from X_max to the ground (n,) in g/cm²; rise and decay of a pulse in ns; σ of the pedestal
    in VEM per bin.
    """

    beyond: Array
    rise: float
    decay: float
    pedestal: float


def record(
    showers: Expected, stations: Stations, pulses: Pulses, event: Array, station: Array,
    noise: Array, signal: Array, s: Array, trace: Array, start: Array, missing: Array,
    again: Array, muons: Array,
) -> None:  # fmt: skip
    """Records (hits, 2, 128) in VEM per bin of the hits of these events and stations (hits,).

    Of recorded signals (hits, 2) in VEM and what is background (hits,) it makes: records; when the
    first bin begins, in ns before the first particle; what lies outside of the record (hits, 2);
    the signals as they were played again (hits, 2); and how many muons there were.
    """
    work, total = np.zeros((4, 3, BINS)), np.zeros(4)
    drawn, count = np.zeros(4), np.zeros(4, dtype=np.int64)
    late = np.zeros(MOST + 4)
    for h in range(len(event)):
        k, i = event[h], station[h]
        random.at(s, showers.event[k], i)
        random.uniform(s)
        r, _, muonic, electromagnetic = expected(showers, stations, k, i)
        if counted(stations.counter, muonic, electromagnetic, s, count) > 0:
            _play(stations.counter, count, s, drawn)
        if noise[h]:
            count[:] = 0
            count[0] = 1
            _play(stations.counter, count, s, drawn)
        muons[h] = count[0]
        again[h, 0], again[h, 1] = drawn[0] + drawn[2], drawn[1] + drawn[3]
        random.at(s, showers.event[k], len(stations.position) + i)
        phase = random.uniform(s) * WIDTH
        start[h] = -BEFORE * WIDTH - phase
        kept = _delays(pulses, k, r, count, late, s)
        work[:] = 0.0
        total[:] = 0.0
        _place(stations.counter, pulses, count, kept, late, phase + BEFORE * WIDTH, work, total, s)
        for layer in range(2):
            made = again[h, layer]
            scale = signal[h, layer] / made if made > 0.0 else 0.0
            for part in (layer, 2 + layer):
                if total[part] > 0.0:
                    _spread(pulses, work[part], drawn[part] / total[part] * scale, trace[h, layer])
            missing[h, layer] = signal[h, layer] - trace[h, layer].sum()
            if stations.counter.water and layer == 1:
                trace[h, 1] = trace[h, 0]
                missing[h, 1] = missing[h, 0]
            else:
                for b in range(BINS):
                    trace[h, layer, b] += pulses.pedestal * random.normal(s)


@register_jitable
def _play(counter: Counter, count: Array, s: Array, drawn: Array) -> None:
    """As `kernels_array` draws signals: of muons up, low, of hits up, low (4,) in VEM."""
    drawn[0], drawn[2] = layer_of(counter, count[0], count[1] + count[2], s)
    drawn[1], drawn[3] = drawn[0], drawn[2]
    if not counter.water:
        drawn[1], drawn[3] = layer_of(counter, count[0], count[1] + count[3], s)


@register_jitable
def _delays(pulses: Pulses, k: int, r: float, count: Array, late: Array, s: Array) -> float:
    """When each particle comes, in ns after the first; by how much their number was reduced."""
    muon, other, later = _medians(r, pulses.beyond[k])
    kept: float = min(1.0, MOST / max(1, count.sum()))
    n, first = 0, math.inf
    for kind in range(4):
        for _ in range(_kept(count[kind], kept)):
            if kind == 0:
                late[n] = muon * math.exp(_SPREAD * random.normal(s))
            else:
                late[n] = other * math.exp(_SPREAD * random.normal(s)) + later
            first = min(first, late[n])
            n += 1
    for j in range(n):
        late[j] -= first
    return kept


@register_jitable
def _kept(count: int, kept: float) -> int:
    return math.ceil(count * kept - 1e-9)


@register_jitable
def _place(
    counter: Counter, pulses: Pulses, count: Array, kept: float, late: Array, first: float,
    work: Array, total: Array, s: Array,
) -> None:  # fmt: skip
    """Puts each particle where it belongs, with a size that is scaled later.

    The sizes of particles of one kind, in units of their sum, do not depend on that sum (as of all
    gamma distributions): so they may be drawn after it.
    """
    n = 0
    variance = counter.muon_sigma * counter.muon_sigma
    for kind in range(4):
        m = _kept(count[kind], kept)
        shape = count[kind] / max(1, m) / (variance if kind == 0 else 1.0)
        for _ in range(m):
            t = first + late[n]
            n += 1
            for layer in range(2):
                if kind < 2 or kind == 2 + layer:
                    part = layer if kind == 0 else 2 + layer
                    size = _size(shape, s)
                    total[part] += size
                    _begin(pulses, work[part], t, size)


@register_jitable
def _size(shape: float, s: Array) -> float:
    return random.exponentials(s, 1) if shape == 1.0 else random.gamma(s, shape)


@register_jitable
def _begin(pulses: Pulses, work: Array, t: float, size: float) -> None:
    """What a pulse leaves in its first bin, and of both its exponentials after that."""
    b = int(t / WIDTH)
    if b < BINS:
        rest = (b + 1) * WIDTH - t
        slow, fast = math.exp(-rest / pulses.decay), math.exp(-rest / pulses.rise)
        gone = (pulses.decay * slow - pulses.rise * fast) / (pulses.decay - pulses.rise)
        work[0, b] += size * (1.0 - gone)
        work[1, b] += size * slow
        work[2, b] += size * fast


@register_jitable
def _spread(pulses: Pulses, work: Array, scale: float, trace: Array) -> None:
    """The pulses after their first bins: two exponentials that fall from bin to bin."""
    slow, fast = 0.0, 0.0
    less_slow, less_fast = math.exp(-WIDTH / pulses.decay), math.exp(-WIDTH / pulses.rise)
    norm = 1.0 / (pulses.decay - pulses.rise)
    for b in range(BINS):
        here = pulses.decay * slow * (1.0 - less_slow) - pulses.rise * fast * (1.0 - less_fast)
        trace[b] += scale * (work[0, b] + here * norm)
        slow = slow * less_slow + work[1, b]
        fast = fast * less_fast + work[2, b]
