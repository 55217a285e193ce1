"""Particles at the ground, as CORSIKA gives them, in the stations of an array.

What each particle leaves in a station is simple [D], d the depth of a layer and E₁ what a vertical
muon leaves in it (1 VEM), T the kinetic energy, θ its own zenith angle:

    charged                    min(T/E₁, z²/cos θ), in the lower layer with what is left of T
    electrons in water         T/E₁
    photons                    with the chance 1 − exp(−7 d/(9 X₀ cos θ)) a pair of T = E − 2 mₑ:
                               two electrons that cross what is left of the layer
    neutrons, neutrinos, …     nothing

each times a factor of mean 1 and spread σ (`Detector.muon_sigma`). Stations stand at the level of
the particles, whatever the height of the layout.

Few particles hit a station. Those within a radius R around it are taken, with the mean number
w A/(π R²) for a particle of weight w, and Poisson's law says how many of each come: never a part of
one. For showers without thinning R is the station itself and each particle counts once; of thinned
showers R is 0.1 r, r the distance from the axis, after P. Billoir, Astropart. Phys. 30 (2008) 270
[M]. What lies within R is moved to the station along the plane front.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.physics import directions, front
from baksan.physics.checks import inside
from baksan.simulate.array import ArrayEvents, stations_of
from baksan.simulate.counter import check_count
from baksan.simulate.kernels_array import DEAD, HIT, SATURATED, three_adjacent
from baksan.simulate.layouts import Detector, Layout
from baksan.simulate.showers import Showers
from baksan.table import Table

Array = NDArray[Any]

__all__ = ["stations_from_particles"]

_WIDE = 0.1  # of the distance from the axis: where thinned particles are taken from
_MANY = 1000  # hits by one thinned particle that are followed each for itself
_FLATTEST = 0.1  # cos θ: a slab ends somewhere
_STEEPEST = np.deg2rad(85.0)  # of showers
_ELECTRON, _PAIR = 0.511e-3, 1.022e-3  # GeV
_MUONS, _ELECTRONS, _PHOTON = (5, 6), (2, 3), 1
_MASSES = {
    **dict.fromkeys(_ELECTRONS, _ELECTRON), **dict.fromkeys(_MUONS, 0.10566),
    8: 0.13957, 9: 0.13957, 11: 0.49368, 12: 0.49368, 14: 0.93827, 15: 0.93827, 19: 1.18937,
    21: 1.19745, 23: 1.32171, 24: 1.67245, 27: 1.18937, 29: 1.19745, 31: 1.32171, 32: 1.67245,
}  # fmt: skip
"""GeV of what has a charge, by CORSIKA's codes; of nuclei, 100 A + Z, it is A times the next."""
_NUCLEON, _FIRST_NUCLEUS = 0.9315, 200
_NEEDED = "event", "code", "x", "y", "px", "py", "pz", "time", "weight"


class _Layer(NamedTuple):
    """Depth and radiation length in g/cm²; what a vertical muon leaves in it, in GeV."""

    depth: float
    length: float
    muon: float


# 1.2 cm of 1.032 g/cm³ and 1.2 m of water; 1.956 and 1.992 MeV cm²/g at least [C, PDG's numbers M].
_LAYERS = {"scintillator": _Layer(1.24, 43.9, 2.42e-3), "water": _Layer(120.0, 36.08, 0.239)}


def stations_from_particles(
    particles: Table,
    layout: Layout,
    core: ArrayLike = (0.0, 0.0),
    *,
    showers: Table,
    seed: int = 0,
    radius: float | None = None,
    level: int = 1,
) -> ArrayEvents:
    """What particles at the ground leave in the stations of an array.

    Event by event it depends on (seed, run, event) and the particles, not on their order. Times are
    in ns, 0 is when the plane that leads all particles reaches the core.

    Parameters
    ----------
    particles : Table
        event, code (CORSIKA's), x, y (m from the axis, east and north), px, py, pz (GeV, up),
        time (ns), weight; maybe run and level: `read("DAT000001#particles")`, or arrays by name in
        a Table.
    layout : Layout
        `layouts.table(positions)` and so on.
    core : (2,) or (n, 2)
        Where the axes meet the ground of the array, in m.
    showers : Table
        Of the n showers event, primary, log_energy, zenith and azimuth (deg), maybe run and x_max:
        `read("DAT000001")`.
    seed : int
    radius : float, optional
        R in m for all stations, at least that of their area.
    level : int
        The observation level.

    Returns
    -------
    ArrayEvents
        As of `simulate.array.events`, for `reconstruct.array.standard`; muons (R_μ) are not known.

    Raises
    ------
    KeyError
        A column is missing.
    ValueError
        No shower, one that occurs twice or beyond 85°; particles of none of the showers; numbers
        that are not finite; a core of another shape, a radius below that of a station.
    TypeError
        `layout` is no Layout.

    Examples
    --------
    >>> from baksan.simulate.layouts import table
    >>> muon = {"event": [1], "code": [5], "x": [0.3], "y": [0.0], "px": [0.0], "py": [0.0],
    ...         "pz": [-10.0], "time": [7.0], "weight": [1.0]}
    >>> shower = {"event": [1], "primary": ["p"], "log_energy": [14.0], "zenith": [0.0],
    ...           "azimuth": [0.0]}
    >>> stations = table([[0, 0], [30, 0], [0, 30]]).with_detector(dead=0, noise=0, muon_sigma=0.01)
    >>> found = stations_from_particles(Table(muon), stations, showers=Table(shower))
    >>> found.signal.round(1).tolist()
    [[1.0, 0.0, 0.0]]
    """
    if not isinstance(layout, Layout):
        raise TypeError(
            f"layout must be an array, such as telescope_array() or table(positions); {layout!r}"
            " came. Give one."
        )
    check_count(seed, "seed", 0)
    thrown = _thrown(showers)
    n, shape = len(thrown), (len(thrown), len(layout))
    cores = _cores(core, n)
    _check_radius(radius, layout.detector)
    upper, lower, time = (np.zeros(shape, dtype=np.float32) for _ in range(3))
    status, noise = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=bool)
    triggered = np.zeros(n, dtype=bool)
    runs, stations = _runs(showers), stations_of(layout)
    for k, some in enumerate(_of_showers(particles, showers, level)):
        axis = directions.unit_vector(thrown.zenith[k], thrown.azimuth[k])
        random = _random(seed, int(runs[k]), int(thrown.event[k]))
        luck = _Luck.drawn(random, layout.detector, len(layout))
        found = _left(some, layout, np.append(cores[k], 0.0), axis, radius, random)
        _told(found, luck, layout.detector, upper[k], lower[k], time[k], status[k], noise[k])
        triggered[k] = three_adjacent(stations, upper[k], lower[k], time[k], status[k])
    return ArrayEvents(layout, thrown, cores, upper, lower, time, status, noise, triggered)


# What comes in ------------------------------------------------------------------------------------


def _thrown(showers: Table) -> Showers:
    """The truth, as far as it is known: x_max perhaps, the number of muons in no case."""
    if not len(showers):
        raise ValueError(f"{showers.source}: showers are needed; there is none. Give one.")
    zenith = inside(
        np.deg2rad(showers["zenith"].astype(float)), 0.0, _STEEPEST,
        "the zenith angle", "rad", "Leave flatter showers out.",
    )  # fmt: skip
    names, kind = np.unique(showers["primary"], return_inverse=True)
    n, unknown = len(showers), np.full(len(showers), np.nan)
    return Showers(
        np.asarray(showers["event"]),
        tuple(map(str, names)),
        kind,
        np.asarray(showers["log_energy"], dtype=float),
        zenith,
        np.deg2rad(showers["azimuth"].astype(float)),
        np.full((n, 2), np.nan),
        np.asarray(showers["x_max"], dtype=float) if "x_max" in showers.names else unknown,
        unknown,
        np.ones(n),
    )


def _runs(table: Table) -> Array:
    return np.asarray(table["run"]) if "run" in table.names else np.zeros(len(table), dtype=int)


def _cores(core: ArrayLike, n: int) -> Array:
    given = np.asarray(core, dtype=float)
    if given.shape not in ((2,), (n, 2)) or not np.isfinite(given).all():
        raise ValueError(
            f"a core is needed, (east, north) in m, or one for each of {n} showers; {core!r} came."
            " Give such numbers."
        )
    return np.broadcast_to(given, (n, 2)).copy()


def _own_radius(detector: Detector) -> float:
    return float(np.sqrt(detector.area / np.pi))


def _check_radius(radius: float | None, detector: Detector) -> None:
    if radius is not None:
        low = _own_radius(detector)
        inside(radius, low, 1e6, "the radius", "m", "A station must lie within it.")


def _of_showers(particles: Table, showers: Table, level: int) -> list[dict[str, Array]]:
    """The particles of each shower, in an order that is theirs."""
    held = {name: np.asarray(particles[name], dtype=float) for name in _NEEDED}
    _check_finite(held, particles.source)
    which = _which(particles, showers)
    if "level" in particles.names:
        which = np.where(particles["level"] == level, which, -1)
    order = np.lexsort([held[name] for name in (*_NEEDED[::-1], "x")] + [which])
    ends = np.searchsorted(which[order], np.arange(len(showers) + 1))
    return [{name: values[order[a:b]] for name, values in held.items()} for a, b in pairwise(ends)]


def _check_finite(held: dict[str, Array], source: str) -> None:
    for name, values in held.items():
        if not (good := np.isfinite(values)).all():
            raise ValueError(
                f"{source}: particles need finite numbers; {name!r} has another one in row"
                f" {int(np.argmin(good)) + 1:,}. Leave such rows out."
            )


def _which(particles: Table, showers: Table) -> Array:
    """Which of the showers each particle belongs to, by event and, if both know it, run."""
    names = ["run", "event"] if "run" in particles.names and "run" in showers.names else ["event"]
    n, key = len(showers), np.zeros(len(showers) + len(particles), dtype=np.int64)
    for name in names:
        values, each = np.unique(
            np.concatenate([showers[name], particles[name]]), return_inverse=True
        )
        key = key * len(values) + each
    theirs, ours = key[:n], key[n:]
    order = np.argsort(theirs, kind="stable")
    if (np.diff(theirs[order]) == 0).any():
        raise ValueError(
            f"{showers.source}: each shower needs a number of its own (run and event); some occur"
            " twice. Give the runs one by one."
        )
    which = order[np.minimum(np.searchsorted(theirs, ours, sorter=order), n - 1)]
    if (strange := theirs[which] != ours).any():
        raise ValueError(
            f"{particles.source}: particles of the showers are needed; some belong to event"
            f" {particles['event'][np.argmax(strange)]}, which is none of them. Give the showers of"
            " the same file."
        )
    return np.asarray(which)


# What stations see --------------------------------------------------------------------------------


def _random(seed: int, run: int, event: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, run, event])))


class _Luck(NamedTuple):
    """What a station draws in each event, whatever hits it: (S,), background (2, S)."""

    dead: Array
    noise: Array
    jitter: Array
    when: Array
    background: Array

    @classmethod
    def drawn(cls, random: np.random.Generator, detector: Detector, count: int) -> _Luck:
        return cls(
            random.random(count) < detector.dead,
            random.random(count) < detector.noise,
            detector.jitter * random.standard_normal(count),
            detector.read_out * random.uniform(-1.0, 1.0, count),
            _spread(random, detector, (2, count)),
        )


def _spread(random: np.random.Generator, detector: Detector, shape: tuple[int, ...]) -> Array:
    """Factors of mean 1."""
    variance = detector.muon_sigma**2
    return np.asarray(random.gamma(1 / variance, variance, shape))


def _left(
    some: dict[str, Array], layout: Layout, core: Array, axis: Array, radius: float | None,
    random: np.random.Generator,
) -> Array:  # fmt: skip
    """Signals of both layers in VEM and the time without jitter, (3, S); time NaN where none is."""
    found = np.zeros((3, len(layout)))
    found[2] = np.nan
    if not len(some["x"]):
        return found
    place = layout.position - core
    own, thinned = _own_radius(layout.detector), bool((some["weight"] != 1).any())
    distance, along = directions.from_axis(layout.position, core, axis)
    # The foot of each station, down the axis to the level of the particles.
    foot = place[:, :2] - place[:, 2:] * axis[:2] / axis[2]
    delay = some["time"] + (some["x"] * axis[0] + some["y"] * axis[1]) / front.LIGHT
    delay -= delay.min()
    wide = np.maximum(own, _WIDE * distance) if thinned else np.full(len(layout), own)
    wide = wide if radius is None else np.full(len(layout), float(radius))
    for i, (x, y) in enumerate(foot):
        first, end = np.searchsorted(some["x"], [x - wide[i], x + wide[i]], side="left")
        near = first + np.flatnonzero(
            np.hypot(some["x"][first:end] - x, some["y"][first:end] - y) < wide[i]
        )
        mean = some["weight"][near] * (own / wide[i]) ** 2
        count = np.where(mean == 1.0, 1, random.poisson(mean))
        held = np.minimum(count, _MANY)
        hits, alike = np.repeat(near, held), np.repeat(count / np.maximum(held, 1), held)
        up, low = _signals({n: v[hits] for n, v in some.items()}, layout.detector, random) * alike
        seen = up + low > 0
        if seen.any():
            found[:, i] = up.sum(), low.sum(), delay[hits[seen]].min() - along[i] / front.LIGHT
    return found


def _signals(hits: dict[str, Array], detector: Detector, random: np.random.Generator) -> Array:
    """Of each particle that hits a station: what it leaves in both layers in VEM, (2, n)."""
    layer = _LAYERS[detector.kind]
    code = hits["code"].astype(np.int64)
    p = np.sqrt(hits["px"] ** 2 + hits["py"] ** 2 + hits["pz"] ** 2)
    cos = np.maximum(np.abs(hits["pz"]) / np.maximum(p, 1e-12), _FLATTEST)
    T, most = _charged(code, p)
    up_luck, low_luck = random.random((2, len(code)))
    chance = -np.expm1(-7 / 9 * layer.depth / (layer.length * cos))
    light = (code == _PHOTON) & (p > _PAIR)
    at_once, later = light & (up_luck < chance), light & (low_luck < chance)
    pair = at_once | later if detector.kind == "scintillator" else at_once
    T = np.where(pair, (p - _PAIR), T) / layer.muon
    factors = _spread(random, detector, (2, len(code)))
    if detector.kind == "water":
        gentle = np.isin(code, _ELECTRONS) | pair
        up = np.where(gentle, T, np.minimum(T, most / cos)) * factors[0]
        return np.stack([up, up])
    # A pair is born where its luck says, and crosses what is left of that layer.
    path = np.where(at_once, 2 * (1 - up_luck / chance), most) / cos
    up = np.minimum(T, path)
    path = np.where(at_once, 2.0, np.where(later, 2 * (1 - low_luck / chance), most)) / cos
    low = np.minimum(T - up, path)
    return np.stack([up, low]) * factors


def _charged(code: Array, p: Array) -> tuple[Array, Array]:
    """T in GeV and z²; both 0 for what has no charge."""
    kinds, which = np.unique(code, return_inverse=True)
    nucleus = kinds >= _FIRST_NUCLEUS
    mass = np.array([_MASSES.get(int(c), 0.0) for c in kinds])
    mass = np.where(nucleus, _NUCLEON * (kinds // 100), mass)[which]
    charge = np.where(nucleus, (kinds % 100).astype(float), 1.0)[which]
    T = np.sqrt(p**2 + mass**2) - mass
    return np.where(mass > 0, T, 0.0), np.where(mass > 0, charge**2, 0.0)


def _told(
    found: Array, luck: _Luck, detector: Detector, upper: Array, lower: Array, time: Array,
    status: Array, noise: Array,
) -> None:  # fmt: skip
    """What the stations of one event tell, (S,) each: as `kernels_array.respond` has it."""
    signals, when = found[:2].copy(), found[2] + luck.jitter
    read = np.isfinite(when) & (signals.mean(axis=0) >= detector.read)
    noise[:] = luck.noise & ~read & ~luck.dead
    signals[:, noise] = luck.background[:, noise]
    when[noise] = luck.when[noise]
    hit = (read | noise) & ~luck.dead & (np.abs(when) <= detector.read_out)
    status[hit] = HIT
    status[hit & (signals.max(axis=0) > detector.full)] = HIT | SATURATED
    status[luck.dead] = DEAD
    cut = np.minimum(signals, detector.full)
    upper[hit], lower[hit], time[hit] = cut[0, hit], cut[1, hit], when[hit]
