"""Showers around the knee on an array like KASCADE: electrons and muons, each counted for itself.

A parametric toy [D] from published parts, not a full simulation. Numbers of electrons and muons
follow from energy and mass by a recipe for which KASCADE's energy estimator is unbiased, and
scatter with the depth of the maximum; lateral distributions are KASCADE's; particles are counted
one by one. No photons, no electrons below the muon detectors' shield, no accidental hits.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from baksan.compiled import compiled
from baksan.physics import (
    OutsideRange,
    atmosphere,
    depth_of_maximum,
    directions,
    energy,
    front,
    lateral,
    longitudinal,
    muons,
)  # fmt: skip
from baksan.physics.checks import inside
from baksan.simulate import kernels_random
from baksan.simulate.counter import check_count
from baksan.simulate.kernels_array import DEAD, HIT, SATURATED, SILENT
from baksan.simulate.kernels_kascade import Densities, Detectors, respond
from baksan.simulate.showers import Primaries, Showers, thrown
from baksan.table import Column, Table

Array = NDArray[Any]
Way = Literal["compiled", "python"]

__all__ = [
    "AROUND_THE_KNEE", "DEAD", "HIT", "SATURATED", "SILENT", "Kascade", "KascadeEvents",
    "Primaries", "blocks", "events",
]  # fmt: skip

AROUND_THE_KNEE = Primaries(
    log_energy=(15.0, 17.0), index=2.7, zenith=(0.0, float(np.deg2rad(40.0))), spread=0.08
)
"""What is thrown if nothing is said. Together with the counting, 8 % on all signals give the 0.04
in lg N_e with which KASCADE reconstructed large showers [M]."""
_SIDE, _SPACING, _CLUSTER = 16, 13.0, 4
_STEEPEST = 50.0  # degrees: beyond, ages leave the range of the lateral distribution


@dataclass(frozen=True)
class Kascade:
    """16 × 16 stations 13 m apart, 110 m above sea level.

    Four clusters in the middle (8 × 8 stations) have 3.14 m² of electron detectors each and no
    muon detectors, and the four stations in the very middle stand empty; the 192 outer ones have
    1.57 m², and 3.24 m² of muon detectors: 490 and 622 m² in all [M].

    Parameters
    ----------
    sigma : float
        Spread of one particle's deposit, relative [D].
    threshold : float
        Deposit from which a detector says something, in particles [D].
    full : float
        In particles per m²; what is above is cut off, and flagged [M].
    dead : float
        Chance of a station not to work [D].
    jitter : float
        σ of the clock in ns [M].
    trigger : int
        How many stations must be hit, of the 16 of one cluster [M].
    radius : float
        Axes meet the ground so near to the middle, in m [M].

    Raises
    ------
    ValueError
        Numbers outside of what makes sense.
    """

    sigma: float = 0.4
    threshold: float = 0.4
    full: float = 1600.0
    dead: float = 0.01
    jitter: float = 2.0
    trigger: int = 10
    radius: float = 91.0

    def __post_init__(self) -> None:
        inside(self.sigma, 0.01, 2.0, "the spread of a deposit")
        inside(self.threshold, 1e-3, 100.0, "the threshold", "particles")
        inside(self.full, 1.0, 1e12, "the largest density", "per m2")
        inside(self.dead, 0.0, 1.0, "the chance of a station to be dead")
        inside(self.jitter, 0.0, 1e3, "the jitter", "ns")
        inside(self.radius, 0.0, 95.0, "the radius of the cores", "m", "Stay within the array.")
        check_count(self.trigger, "trigger, the hits in a cluster,", 1)

    @property
    def position(self) -> Array:
        """East, north and up in m, (256, 3), from the middle; station (i, j) is i × 16 + j."""
        axis = (np.arange(_SIDE) - (_SIDE - 1) / 2) * _SPACING
        east, north = np.meshgrid(axis, axis)
        return np.column_stack([east.ravel(), north.ravel(), np.zeros(east.size)])

    @property
    def electron_area(self) -> Array:
        """In m², (256,); 0 where the array has no station."""
        out = np.abs(self.position[:, :2]).max(axis=1)
        return np.where(out < _SPACING, 0.0, np.where(out < _CLUSTER * _SPACING, 3.14, 1.57))

    @property
    def muon_area(self) -> Array:
        """In m², (256,)."""
        out = np.abs(self.position[:, :2]).max(axis=1)
        return np.where(out < _CLUSTER * _SPACING, 0.0, 3.24)

    @property
    def height(self) -> float:
        """Above sea level, in m."""
        return atmosphere.SITES["kascade"].height

    @property
    def field(self) -> float:
        """The area over which axes are thrown, in m²."""
        return float(np.pi * self.radius**2)

    def cores(self, u: Array) -> Array:
        """Where axes meet the ground, (n, 2) in m, from uniform numbers (n, 2)."""
        r, phi = self.radius * np.sqrt(u[:, 0]), 2 * np.pi * u[:, 1]
        return np.column_stack([r * np.cos(phi), r * np.sin(phi)])

    def _detectors(self) -> Detectors:
        row, column = np.divmod(np.arange(_SIDE**2), _SIDE)
        clusters = _SIDE // _CLUSTER
        return Detectors(
            self.position, self.electron_area, self.muon_area,
            row // _CLUSTER * clusters + column // _CLUSTER, clusters**2, self.sigma,
            self.threshold, self.full, self.dead, self.jitter, int(self.trigger),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class KascadeEvents:
    """What n showers left in 256 stations.

    Parameters
    ----------
    array : Kascade
    showers : Showers
        The truth. X_max is the continuation to below 10¹⁷ eV of fits from there on.
    core : (n, 2)
        Truth: where the axis meets the ground, in m.
    log_ne, log_nmu, age : (n,)
        Truth: lg N_e, lg N_μ^tr and s of the electrons.
    electrons, muons : (n, 256) float32
        Deposits in the electron detectors (muons leave theirs there, too) and under the shield,
        in units of the mean of a vertical particle; cut off at the array's `full`.
    time : (n, 256) float32
        Of the first particle in the electron detectors, in ns; 0 where there was none.
    status : (n, 256) uint8
        Of the electron detectors: SILENT, HIT, HIT | SATURATED; DEAD of the whole station.
    triggered : (n,) bool
    """

    array: Kascade
    showers: Showers
    core: Array
    log_ne: Array
    log_nmu: Array
    age: Array
    electrons: Array
    muons: Array
    time: Array
    status: Array
    triggered: Array

    def __len__(self) -> int:
        return len(self.triggered)

    @property
    def hit(self) -> Array:
        """(n, 256) bool: which electron detectors have a deposit and a time."""
        return (self.status & HIT) > 0

    def truth(self) -> Table:
        """What only the simulation knows, and the number of each event."""
        s = self.showers
        held = {
            "primary": (s.primary, "", "what made the shower"),
            "log_energy": (s.log_energy, "", "lg(E/eV) of the primary"),
            "x_max": (s.x_max, "g/cm2", "depth of the maximum"),
            "muons": (s.muons, "", "muons in units of those of a mean proton shower"),
            "true_zenith": (np.rad2deg(s.zenith), "deg", "zenith angle of the axis"),
            "true_azimuth": (np.rad2deg(s.azimuth), "deg", "azimuth of the axis"),
            "true_core_x": (self.core[:, 0], "m", "where the axis meets the ground, east"),
            "true_core_y": (self.core[:, 1], "m", "where the axis meets the ground, north"),
            "true_log_ne": (self.log_ne, "", "lg of the number of electrons"),
            "true_log_nmu": (self.log_nmu, "", "lg of the number of muons in 40 to 200 m"),
            "true_age": (self.age, "", "age of the lateral distribution of the electrons"),
        }
        columns = {name: Column(*parts, role="truth") for name, parts in held.items()}
        number = Column(s.event, "", "number of the event in the simulation", role="detail")
        return Table({"event": number, **columns}, "simulate.kascade")

    def stations(self) -> Table:
        """Deposits, times and status of the stations, each a vector (256,)."""
        held = {
            "electrons": (self.electrons, "", "deposits in the electron detectors, in particles"),
            "muon_deposits": (self.muons, "", "deposits under the shield, in particles"),
            "time": (self.time, "ns", "when the electron detectors were hit"),
            "status": (self.status, "", "0 silent, 1 hit, 3 saturated, 4 dead"),
        }
        return Table({k: Column(*v, role="detail") for k, v in held.items()}, "simulate.kascade")

    def take(self, index: Array) -> KascadeEvents:
        """These events alone: `found.take(found.triggered)`."""
        held = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "array"}
        parts = {k: v.take(index) if k == "showers" else v[index] for k, v in held.items()}
        return KascadeEvents(self.array, **parts)


def events(
    n: int,
    primaries: Primaries | None = None,
    seed: int = 0,
    *,
    start: int = 0,
    array: Kascade | None = None,
    way: Way = "compiled",
) -> KascadeEvents:
    """The events start … start + n − 1 of the seed on the array, triggered or not.

    Event i depends on (seed, i) alone. Of A and E the mean lg N_e and lg N_μ^tr follow
    (`energy.kascade_sizes`), around which they scatter together [D]:

        lg N_e = ⟨lg N_e⟩ + σ_e z,  lg N_μ = ⟨lg N_μ⟩ + σ_μ (0.6 z + 0.8 z′) + lg k_μ
        z = (X_max − ⟨X_max⟩)/σ(X_max),  s = 0.94 − 0.2 (lg N_e − ⟨lg N_e⟩_p(E, θ = 0))

    Photons have 1.3 and 0.06 times the electrons and muons of a proton. Each e/γ detector counts
    Poisson((ρ_e + ρ_μ) A cos θ) particles of mean deposit sec θ; the first comes after the front
    by an exponential number with the median of `front.small_array_delay`.

    Parameters
    ----------
    n, seed, start : int
    primaries : Primaries, optional
        lg E within 15 … 17, zenith within 50°; by default `AROUND_THE_KNEE`.
    array : Kascade, optional
    way : str
        'compiled', or 'python' for a debugger.

    Raises
    ------
    ValueError
        Counts that are negative or not whole; energies or zenith angles out of range.

    Examples
    --------
    >>> found = events(100, Primaries({"p": 1}, log_energy=(16, 16), zenith=(0, 0.5)), seed=1)
    >>> found.electrons.shape, int(found.triggered.sum())
    ((100, 256), 100)
    """
    primaries, array = primaries or AROUND_THE_KNEE, array or Kascade()
    inside(primaries.log_energy, 15.0, 17.0, "lg(E/eV) on KASCADE", "", "Throw 15 to 17.")
    inside(
        np.rad2deg(primaries.zenith), 0.0, _STEEPEST, "the zenith angle on KASCADE", "degrees",
        "Throw less inclined showers.",
    )  # fmt: skip
    with warnings.catch_warnings():  # only how far X_max lies from its mean is used
        warnings.simplefilter("ignore", OutsideRange)
        showers = thrown(n, primaries, seed, start)
        log_ne, log_nmu, usual = _sizes(showers, primaries)
    showers = replace(showers, muons=10 ** (log_nmu - usual.muons))
    age = np.clip(0.94 - 0.2 * (log_ne - usual.electrons), 0.6, 1.4)
    core = array.cores(showers.core)
    shape = n, _SIDE**2
    electrons, counted, time = (np.zeros(shape, dtype=np.float32) for _ in range(3))
    status, triggered = np.zeros(shape, dtype=np.uint8), np.zeros(n, dtype=bool)
    run = compiled(respond, fast=False) if way == "compiled" else respond
    with np.errstate(over="ignore"):  # the words of Philox wrap around in plain Python
        run(
            _densities(showers, core, log_ne, log_nmu, age), array._detectors(),
            kernels_random.stream(seed), electrons, counted, time, status, triggered,
        )  # fmt: skip
    return KascadeEvents(
        array, showers, core, log_ne, log_nmu, age, electrons, counted, time, status, triggered
    )


def blocks(
    n: int, primaries: Primaries | None = None, seed: int = 0, rows: int = 4096,
    *, array: Kascade | None = None,
) -> Iterator[KascadeEvents]:  # fmt: skip
    """The events 0 … n − 1, at most `rows` at a time: the same bits as `events(n, …)`.

    Raises ValueError as `events`, and for rows < 1.
    """
    check_count(n, "n, the number of events,", 0)
    check_count(rows, "rows, the size of a block,", 1)
    for first in range(0, n, rows):
        yield events(min(rows, n - first), primaries, seed, start=first, array=array)


# Numbers of particles -----------------------------------------------------------------------------

_HEAVIEST = np.log10(56.0)
_MASSES, _ELECTRON_SPREAD = np.log10([1, 4, 14, 28, 56]), (0.20, 0.15, 0.11, 0.10, 0.08)
"""σ of lg N_e at 1 PeV, 0.7 times that a decade later [M/D]."""
_PHOTON_SIZES = np.log10([1.3, 0.06])
_TOGETHER = 0.6  # correlation of lg N_e and lg N_μ [D]
_PAIR = 9 / 7 * longitudinal.RADIATION_LENGTH


def _sizes(showers: Showers, primaries: Primaries) -> tuple[Array, Array, energy.KascadeSizes]:
    """lg N_e and lg N_μ^tr of each shower, and both of a mean proton shower.

    The proton's electrons are those of a vertical shower: what is left of them is the age.
    """
    lg, photon = showers.log_energy, showers.mass == 0
    A = np.maximum(showers.mass, 1)
    mean = energy.kascade_sizes(10.0**lg, A, showers.zenith)
    z, other = _depths(showers, primaries.model), _scatter(showers, primaries.muon_factor)
    lg_a = np.log10(A)
    spread = np.interp(lg_a, _MASSES, _ELECTRON_SPREAD) * 0.7 ** (lg - 15.0)
    muon_spread = 0.09 - 0.05 * lg_a / _HEAVIEST
    turned = _TOGETHER * z + np.sqrt(1 - _TOGETHER**2) * other
    log_ne = mean.electrons + spread * z + photon * _PHOTON_SIZES[0]
    log_nmu = mean.muons + muon_spread * turned + photon * _PHOTON_SIZES[1]
    vertical = energy.kascade_sizes(10.0**lg, 1.0, 0.0).electrons
    usual = energy.kascade_sizes(10.0**lg, 1.0, showers.zenith).muons
    return (
        log_ne,
        log_nmu + np.log10(primaries.muon_factor),
        energy.KascadeSizes(vertical, usual),
    )


def _depths(showers: Showers, model: str) -> Array:
    """How many spreads X_max lies below its mean."""
    lg, A = showers.log_energy, np.maximum(showers.mass, 1)
    mean = depth_of_maximum.x_max_mean(lg, A, model)
    spread = depth_of_maximum.x_max_spread(lg, A, model)
    photon = showers.mass == 0
    mean = np.where(photon, longitudinal.greisen_maximum(10.0**lg), mean)
    return np.asarray((showers.x_max - mean) / np.where(photon, _PAIR, spread))


def _scatter(showers: Showers, factor: float) -> Array:
    """The normal numbers that the showers' R_μ were made of."""
    A = np.maximum(showers.mass, 1)
    mean = factor * muons.muon_excess(A) * np.where(showers.mass == 0, muons.PHOTON_MUONS, 1.0)
    variance = np.log1p(muons.muon_spread(A) ** 2)
    return np.asarray((np.log(showers.muons / mean) + variance / 2) / np.sqrt(variance))


def _densities(
    showers: Showers, core: Array, log_ne: Array, log_nmu: Array, age: Array
) -> Densities:
    """What the densities of each shower follow from."""
    muon_age = lateral.kascade_muon_age(np.clip(10**log_nmu, 1e2, 1e7), showers.zenith)
    delay, power = _delays(showers)
    log_factor = np.log(showers.factor)
    return Densities(
        showers.event, core, directions.unit_vector(showers.zenith, showers.azimuth),
        np.log(10) * log_ne + np.log(lateral.kascade_electron_norm(age)) + log_factor, age,
        np.log(10) * log_nmu + np.log(lateral.kascade_muon_norm(muon_age)) + log_factor, muon_age,
        delay, power,
    )  # fmt: skip


def _delays(showers: Showers) -> tuple[Array, Array]:
    """a and b of a r^b; between protons and iron ln a and b follow lg A [D]."""
    weight = np.log10(np.maximum(showers.mass, 1)) / _HEAVIEST
    one, far = (
        np.exp(
            (1 - weight) * np.log(front.small_array_delay(r, showers.log_energy, "p"))
            + weight * np.log(front.small_array_delay(r, showers.log_energy, "Fe"))
        )
        for r in (1.0, 100.0)
    )
    photon = showers.mass == 0
    one[photon], far[photon] = (
        front.small_array_delay(r, showers.log_energy[photon], "gamma") for r in (1.0, 100.0)
    )
    return one, np.log(far / one) / np.log(100.0)
