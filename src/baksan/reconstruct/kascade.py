"""The reconstruction of an array like KASCADE: direction, core, N_e, age, N_μ^tr and energy.

As the experiment did it: directions from times; the lateral distribution of the electrons, with the
muons among them taken off; muons by their own detectors between 40 and 200 m, where no electrons
come through the shield; energy from both numbers. The form of the fit is this project's [D].
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.compiled import compiled
from baksan.physics import directions, energy, front, lateral
from baksan.reconstruct.kernels_kascade import (
    NEAREST,
    PARAMETERS,
    SCALE,
    UNSETTLED,
    Detectors,
    fit,
)  # fmt: skip
from baksan.table import Column, Table

Array = NDArray[Any]
Way = Literal["compiled", "python"]

__all__ = [
    "FEW", "FLAGS", "NO_MUONS", "OUTSIDE", "STEEP", "UNSETTLED", "KascadeReconstruction",
    "reconstructed", "time_error",
]  # fmt: skip

FEW, STEEP, OUTSIDE, NO_MUONS = 1, 4, 8, 16
FLAGS = {
    FEW: ("few", "fewer than twelve stations hit; no fit"),
    UNSETTLED: ("unsettled", "the fit did not converge"),
    STEEP: ("steep", "the axis is beyond 60°, where the formulas end"),
    OUTSIDE: ("outside", "the core lies outside of the array"),
    NO_MUONS: ("no muons", "no muon counted between 40 and 200 m, and so no energy"),
}
"""The name of each flag, and what it says."""
_HIT, _DEAD = 1, 4
_FEWEST = 12
_STEEPEST = np.deg2rad(60.0)
_RING = 40.0, 200.0
_CLOCK = 2.0  # ns [D]
_THICKNESS, _POWER = 15.0, 1.5  # ns at 100 m, of one particle [D]
_ROUNDS = 3
_ROWS = 1024  # events at a time: what stations and events need in memory


class _Array(Protocol):
    @property
    def position(self) -> Array: ...
    @property
    def electron_area(self) -> Array: ...
    @property
    def muon_area(self) -> Array: ...
    @property
    def sigma(self) -> float: ...


class Deposits(Protocol):
    """What is reconstructed: deposits in particles, times in ns and status, (n, S) each."""

    @property
    def array(self) -> _Array: ...
    @property
    def electrons(self) -> Array: ...
    @property
    def muons(self) -> Array: ...
    @property
    def time(self) -> Array: ...
    @property
    def status(self) -> Array: ...


@dataclass(frozen=True, eq=False)
class KascadeReconstruction:
    """What the rules say of n events; NaN where there are too few stations.

    Parameters
    ----------
    flag : (n,) uint8
        0, or a sum of FEW, UNSETTLED, STEEP, OUTSIDE and NO_MUONS, as `FLAGS` explains them.
    core : (n, 2)
        In m.
    zenith, azimuth : (n,)
        To the source, in rad.
    start : (n,)
        When the axis reaches the ground, in ns.
    thickness : (n,)
        κ of the front, in ns.
    electrons, age : (n,)
        N_e and s.
    muons : (n,)
        N_μ^tr, between 40 and 200 m; 0 where none was counted.
    energy : (n,)
        In eV, by `physics.energy.kascade_energy`.
    errors : mapping of str to (n,)
        Of core (m), direction (rad, of each of two axes), age, and lg N_e and lg N_μ^tr; by the
        counting of particles and the clocks alone.
    chi2 : (n,)
        Deviance of the fit of the electrons per degree of freedom.
    stations : (n,) int
        How many electron detectors were hit.
    counted : (n,)
        Deposits in the muon detectors between 40 and 200 m.
    """

    flag: Array
    core: Array
    zenith: Array
    azimuth: Array
    start: Array
    thickness: Array
    electrons: Array
    age: Array
    muons: Array
    energy: Array
    errors: dict[str, Array]
    chi2: Array
    stations: Array
    counted: Array

    def __len__(self) -> int:
        return len(self.flag)

    @property
    def direction(self) -> Array:
        """Unit vectors (n, 3) to the source."""
        return directions.unit_vector(np.nan_to_num(self.zenith), np.nan_to_num(self.azimuth))

    def curves(self, event: int, r: Array, area: float) -> tuple[Array, Array, Array]:
        """Electrons and muons per m² of the fit at distances r (m), and how much later (ns) than
        the plane the first particle comes to a detector of `area` (m²).
        """
        electrons = lateral.kascade_electrons(r, self.electrons[event], self.age[event])
        counted = float(np.nan_to_num(self.muons[event]))
        muons = _muon_density(r, counted, self.zenith[event])
        particles = (electrons + muons) * area * np.cos(self.zenith[event])
        return electrons, muons, self.thickness[event] * _lateness(r, particles)

    def table(self) -> Table:
        """The observables as columns; what is no feature of a shower as details."""
        features = {
            "zenith": (np.rad2deg(self.zenith), "deg", "zenith angle of the axis"),
            "log_ne": (_log10(self.electrons), "", "lg of the number of electrons"),
            "log_nmu": (_log10(self.muons), "", "lg of the number of muons in 40 to 200 m"),
            "age": (self.age, "", "age of the lateral distribution of the electrons"),
            "log_energy_standard": (_log10(self.energy), "", "lg(E/eV) by rules"),
            "chi2": (self.chi2, "", "deviance of the electrons per degree of freedom"),
            "stations": (self.stations.astype(float), "", "electron detectors that were hit"),
            "muons_counted": (self.counted, "", "deposits under the shield in 40 to 200 m"),
        }
        details = {
            "azimuth": (np.rad2deg(self.azimuth), "deg", "azimuth of the axis, east to north"),
            "core_x": (self.core[:, 0], "m", "where the axis meets the ground, east"),
            "core_y": (self.core[:, 1], "m", "where the axis meets the ground, north"),
            "start": (self.start, "ns", "when it does"),
            "flag": (self.flag, "", "0 good; 1 few, 2 unsettled, 4 steep, 8 outside, 16 no muons"),
        }
        columns = {k: Column(*v) for k, v in features.items()}
        columns |= {k: Column(*v, role="detail") for k, v in details.items()}
        return Table(columns, "reconstruct.kascade")


def reconstructed(found: Deposits, way: Way = "compiled") -> KascadeReconstruction:
    """Direction, core, N_e, age, N_μ^tr and energy of each event.

        t = t₀ − L/c + κ q,  q = (r/100 m)^1.5/n,  σ_t² = (2 ns)² + (15 ns q)²
        N_μ^tr = Σ M / Σ f A  over muon detectors within 40 … 200 m,  ρ_μ = N_μ^tr f(r)

    with the electrons fitted as `kernels_kascade` says, ρ_μ taken off; three rounds, as each needs
    the others. The front is thought to pass as n particles that follow it exponentially [D]. Ages
    are known to be 1.05 ± 0.2 beforehand [D]: below N_e = 10⁴, where few stations are hit, lg N_e
    comes out up to 0.1 too low.

    Parameters
    ----------
    found : Deposits
        For example `simulate.kascade.events(…)`; no event is left out.
    way : str
        'compiled', or 'python' for a debugger.

    Raises
    ------
    ValueError
        Deposits of another shape than the array, negative or not finite.

    Examples
    --------
    >>> from baksan.simulate.kascade import Primaries, events
    >>> result = reconstructed(events(200, Primaries(log_energy=(16, 16), zenith=(0, 0.5)), seed=1))
    >>> int((result.flag == 0).sum()), 0.9e16 < float(np.median(result.energy)) < 1.1e16
    (200, True)
    """
    _check(found)
    n = len(found.status)
    parts = [
        _rows(found, slice(first, min(first + _ROWS, n)), way)
        for first in range(0, max(n, 1), _ROWS)
    ]
    held = {f.name: [getattr(part, f.name) for part in parts] for f in fields(parts[0])}
    errors = held.pop("errors")
    together = {name: np.concatenate([e[name] for e in errors]) for name in errors[0]}
    return KascadeReconstruction(
        errors=together, **{name: np.concatenate(values) for name, values in held.items()}
    )


def _rows(found: Deposits, rows: slice, way: Way) -> KascadeReconstruction:
    """The reconstruction of some of the events."""
    array = found.array
    electrons, muons, time = (
        np.asarray(part[rows], dtype=float) for part in (found.electrons, found.muons, found.time)
    )
    status = np.asarray(found.status[rows])
    hit, alive = (status & _HIT) > 0, (status & _DEAD) == 0
    position, n = np.asarray(array.position, dtype=float)[:, :2], len(status)
    detectors = Detectors(position, np.asarray(array.electron_area, dtype=float), array.sigma)
    flag = np.where(hit.sum(axis=1) < _FEWEST, FEW, 0).astype(np.uint8)
    p = _begin(electrons, position, detectors.area)
    covariance, merit = np.full((n, PARAMETERS, PARAMETERS), np.nan), np.zeros((n, 2))
    below, truncated = np.zeros_like(electrons), np.full(n, 1e3)
    run = compiled(fit, fast=False) if way == "compiled" else fit
    for _ in range(_ROUNDS):
        plane, error = _plane(position, time, electrons, hit, p)
        axis, zenith = _axis(plane)
        run(detectors, electrons, status, axis, below, p, covariance, merit, flag)
        r = _distances(position, p, axis)
        truncated, counted, expected = _muons(array, muons, alive, r, zenith, truncated)
        below = _muon_density(r, truncated[:, None], zenith[:, None])
    return _result(
        flag, p, covariance, merit, plane, error, hit.sum(axis=1), truncated, counted, expected
    )


def time_error(r: Array, deposit: Array) -> Array:
    """σ_t in ns of a time at distances r (m), of so many particles."""
    return np.hypot(_CLOCK, _THICKNESS * _lateness(r, deposit))


def _lateness(r: Array, particles: Array) -> Array:
    """How the first of them lags behind the front, in units of κ."""
    return np.asarray((r / 100) ** _POWER / np.maximum(particles, 1.0))


def _begin(deposit: Array, position: Array, area: Array) -> Array:
    """Core: the centre, weighted by S²; a usual age, and ln ρ(40 m) by the sum of the deposits."""
    weight = deposit**2 + 1e-12
    p = np.zeros((len(deposit), PARAMETERS))
    p[:, :2] = weight @ position / weight.sum(axis=1, keepdims=True)
    p[:, 3] = 1.0
    r = np.maximum(np.linalg.norm(position - p[:, None, :2], axis=-1), 5.0)
    log_shape = lateral.log_kascade_electrons(r, 1.0) - lateral.log_kascade_electrons(SCALE, 1.0)
    p[:, 2] = np.log((deposit.sum(axis=1) + 1e-3) / (np.exp(log_shape) @ area))
    return p


def _plane(
    position: Array, time: Array, deposit: Array, hit: Array, p: Array
) -> tuple[Array, Array]:
    """n_x, n_y, t₀ and κ of each event (n, 4) by least squares, and their covariance.

    κ = 15 ± 15 ns is known beforehand.
    """
    xy = position - p[:, None, :2]
    r = np.hypot(xy[..., 0], xy[..., 1])
    late, weight = _lateness(r, deposit), hit / time_error(r, deposit) ** 2
    slopes = np.stack(
        [-xy[..., 0] / front.LIGHT, -xy[..., 1] / front.LIGHT, np.ones_like(late), late], axis=-1
    )
    h = np.swapaxes(slopes * weight[..., None], 1, 2) @ slopes + np.diag([1e-6, 1e-6, 1e-6, 0.0])
    g = np.einsum("nsa,ns->na", slopes, weight * time)
    h[:, 3, 3] += 1 / _THICKNESS**2
    g[:, 3] += 1 / _THICKNESS
    covariance = np.linalg.inv(h)
    return np.einsum("nab,nb->na", covariance, g), covariance


def _axis(plane: Array) -> tuple[Array, Array]:
    """Unit vectors (n, 3) and zenith angles of them, at most 60°."""
    sin = np.hypot(plane[:, 0], plane[:, 1])
    zenith = np.arcsin(np.minimum(sin, np.sin(_STEEPEST)))
    return directions.unit_vector(zenith, np.arctan2(plane[:, 1], plane[:, 0])), zenith


def _distances(position: Array, p: Array, axis: Array) -> Array:
    xy = position - p[:, None, :2]
    along = np.einsum("nsa,na->ns", xy, axis[:, :2])
    return np.asarray(np.sqrt(np.maximum((xy**2).sum(axis=-1) - along**2, NEAREST**2)))


def _muon_density(r: Array, truncated: ArrayLike, zenith: ArrayLike) -> Array:
    """Per m²; the shape of the least N_μ^tr, 100, also below."""
    shaped = np.clip(truncated, 1e2, 1e7)
    return lateral.kascade_muons(r, shaped, zenith) * np.minimum(np.divide(truncated, 1e2), 1.0)


def _muons(
    array: _Array, deposit: Array, alive: Array, r: Array, zenith: Array, truncated: Array
) -> tuple[Array, Array, Array]:
    """N_μ^tr; the deposits between 40 and 200 m; and what a muon of N_μ^tr leaves there."""
    ring = alive & (r >= _RING[0]) & (r <= _RING[1])
    shaped = np.clip(truncated, 1e2, 1e7)[:, None]
    one = lateral.kascade_muons(r, shaped, zenith[:, None]) / shaped
    counted = (deposit * ring).sum(axis=1)
    expected = (one * ring) @ np.asarray(array.muon_area, dtype=float)
    return counted / np.maximum(expected, 1e-12), counted, expected


def _result(
    flag: Array, p: Array, covariance: Array, merit: Array, plane: Array, error: Array,
    stations: Array, truncated: Array, counted: Array, expected: Array,
) -> KascadeReconstruction:  # fmt: skip
    few = flag & FEW > 0
    sin = np.hypot(plane[:, 0], plane[:, 1])
    flag = flag | np.where(~few & (sin > np.sin(_STEEPEST)), STEEP, 0).astype(np.uint8)
    flag |= np.where(~few & (np.abs(p[:, :2]).max(axis=1) > 104.0), OUTSIDE, 0).astype(np.uint8)
    flag |= np.where(~few & (counted == 0), NO_MUONS, 0).astype(np.uint8)
    p, plane = np.where(few[:, None], np.nan, p), np.where(few[:, None], np.nan, plane)
    muons = np.where(few | (expected <= 0), np.nan, truncated)
    zenith = np.arcsin(np.minimum(np.hypot(plane[:, 0], plane[:, 1]), 1.0))
    size = _size(p[:, 2], p[:, 3])
    return KascadeReconstruction(
        flag, p[:, :2], zenith, np.arctan2(plane[:, 1], plane[:, 0]) % (2 * np.pi), plane[:, 2],
        plane[:, 3], size, p[:, 3], muons, _energy(size, muons, zenith),
        _errors(p, covariance, plane, error, counted),
        np.where(few, np.nan, merit[:, 0] / np.maximum(merit[:, 1], 1)), stations,
        np.where(few, np.nan, counted),
    )  # fmt: skip


def _size(log_density: Array, age: Array) -> Array:
    """N_e of ln ρ(40 m) and s."""
    known = np.isfinite(age)
    s = np.where(known, age, 1.0)
    shape = np.exp(lateral.log_kascade_electrons(SCALE, s))
    return np.asarray(np.exp(log_density) / (lateral.kascade_electron_norm(s) * shape))


def _energy(electrons: Array, muons: Array, zenith: Array) -> Array:
    """In eV; NaN where there is no fit, or one out of the formula's range."""
    good = (electrons >= 1e2) & (electrons <= 1e9) & (muons >= 1) & (muons <= 1e8)
    good &= zenith <= _STEEPEST
    found = np.full(len(electrons), np.nan)
    found[good] = energy.kascade_energy(electrons[good], muons[good], zenith[good])
    return found


def _errors(
    p: Array, covariance: Array, plane: Array, error: Array, counted: Array
) -> dict[str, Array]:
    """From the covariance of the parameters; the direction's as the mean of its two axes."""
    small = 1e-4  # of s: for the slope of ln N_e at the same density
    turned = np.log(_size(p[:, 2], p[:, 3] + small) / _size(p[:, 2], p[:, 3] - small)) / (2 * small)
    size = covariance[:, 2, 2] + 2 * turned * covariance[:, 2, 3] + turned**2 * covariance[:, 3, 3]
    cos = 1 - plane[:, 0] ** 2 - plane[:, 1] ** 2
    along = np.einsum("na,nab,nb->n", plane[:, :2], error[:, :2, :2], plane[:, :2])
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "core": np.sqrt((covariance[:, 0, 0] + covariance[:, 1, 1]) / 2),
            "direction": np.sqrt((error[:, 0, 0] + error[:, 1, 1] + along / cos) / 2),
            "age": np.sqrt(covariance[:, 3, 3]),
            "log_electrons": np.sqrt(size) / np.log(10),
            "log_muons": 1 / np.sqrt(counted) / np.log(10),
        }


def _log10(values: Array) -> Array:
    """NaN of 0."""
    return np.log10(np.where(values > 0, values, np.nan))


def _check(found: Deposits) -> None:
    shape = (len(found.status), len(found.array.position))
    for name in ("electrons", "muons", "time", "status"):
        values = np.asarray(getattr(found, name))
        if values.shape != shape:
            raise ValueError(
                f"{name} must hold one number for each event and station, {shape}; it has shape"
                f" {values.shape}. Give the deposits of this array."
            )
        wrong = ~np.isfinite(values) if name == "time" else ~((values >= 0) & np.isfinite(values))
        if wrong.any():
            event, station = np.argwhere(wrong)[0]
            raise ValueError(
                f"{name} must be finite, and deposits not negative; event {event}, station"
                f" {station} has {values[event, station]}. Give 0 and the status SILENT where"
                " there is nothing."
            )
