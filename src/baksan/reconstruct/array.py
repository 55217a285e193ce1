"""The standard reconstruction of an array: direction, core, energy and observables, by rules.

As the experiments do it: a front and a lateral distribution are fitted to times and signals of the
stations, together; the signal at a reference distance and the zenith angle give the energy. The
form of the fit, its errors and weights are those of the reconstruction code of Telescope Array
[V]; which hits are the shower's is decided by likelihood [D].
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, KDTree, QhullError

from baksan.compiled import compiled
from baksan.physics import directions, energy, front, lateral
from baksan.reconstruct.kernels_array import FEW, PARAMETERS, STEEP, UNSETTLED, Settings, fit
from baksan.table import Column, Table

Array = NDArray[Any]
Way = Literal["compiled", "python"]

__all__ = [
    "EDGE", "FEW", "FLAGS", "LOOSE", "STEEP", "UNSETTLED", "Reconstruction", "standard",
]  # fmt: skip

EDGE, LOOSE = 8, 16
FLAGS = {
    FEW: ("few", "fewer than three stations agree; no fit"),
    UNSETTLED: ("unsettled", "the fit did not converge"),
    STEEP: ("steep", "the axis is at 62°, where the formulas end"),
    EDGE: ("edge", "the loudest station stands at the edge of the array: the axis may lie outside"),
    LOOSE: ("loose", "an error above 10° or 1 km, or χ² per degree of freedom above 10"),
}
"""The name of each flag, and what it says."""
_FARTHEST, _WIDEST, _WORST = 1000.0, 10.0, 10.0  # m and degrees of errors, χ² per degree of freedom
_SILENT_WITHIN = 3.5  # spacings: how far from the core silent stations count [V]
_QUIET = 1e-9  # background hits per ns, where a detector has none
_UNIT = 1000.0  # m: r₀ of S_b
_HIT, _SATURATED = 1, 2
_REFERENCE = {"scintillator": 800.0, "water": 1000.0}


class _Detector(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def area(self) -> float: ...
    @property
    def trigger(self) -> float: ...
    @property
    def noise(self) -> float: ...
    @property
    def read_out(self) -> float: ...


class _Layout(Protocol):
    @property
    def position(self) -> Array: ...
    @property
    def detector(self) -> _Detector: ...


class Signals(Protocol):
    """What is reconstructed: signals in VEM, times in ns and status of stations, (n, S) each."""

    @property
    def layout(self) -> _Layout: ...
    @property
    def upper(self) -> Array: ...
    @property
    def lower(self) -> Array: ...
    @property
    def time(self) -> Array: ...
    @property
    def status(self) -> Array: ...


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """What the rules say of n events; NaN where there are too few stations.

    Parameters
    ----------
    kind : str
        The detectors: they tell what the reference distance is.
    flag : (n,) uint8
        0, or a sum of FEW, UNSETTLED, STEEP, EDGE and LOOSE, as `FLAGS` explains them.
    core : (n, 2)
        In m.
    zenith, azimuth : (n,)
        To the source, in rad.
    start : (n,)
        When the axis reaches the ground, in ns.
    reference : (n,)
        S800 in VEM/m², or S1000 in VEM.
    curvature : (n,)
        Linsley's a; not free with fewer than five stations.
    energy : (n,)
        In eV, on the scale of the experiment's simulations of hadrons.
    errors : mapping of str to (n,)
        Of core (m), direction (rad, of each of two axes), ln S_ref and ln a, by the curvature of
        χ² alone.
    chi2 : (n,)
        χ² per degree of freedom; 0 where there are none.
    used : (n, S) bool
        Hits that belong to the shower.
    stations, excluded : (n,) int
        How many hits were used, and how many not.
    sums : mapping of str to (n,)
        ln S_3 and ln S_4.5 with S_b = Σ S_i (r_i/km)^b, ln Σ S_i, and of two layers the asymmetry
        Σ|U − L|/Σ(U + L).
    """

    kind: str
    flag: Array
    core: Array
    zenith: Array
    azimuth: Array
    start: Array
    reference: Array
    curvature: Array
    energy: Array
    errors: dict[str, Array]
    chi2: Array
    used: Array
    stations: Array
    excluded: Array
    sums: dict[str, Array]

    def __len__(self) -> int:
        return len(self.flag)

    @property
    def direction(self) -> Array:
        """Unit vectors (n, 3) to the source."""
        return directions.unit_vector(np.nan_to_num(self.zenith), np.nan_to_num(self.azimuth))

    def curves(self, event: int, r: Array) -> tuple[Array, Array]:
        """Signal (VEM/m², tanks VEM) and delay behind the plane (ns) of the fit, at distances r."""
        theta = self.zenith[event]
        shape = lateral.auger if self.kind == "water" else lateral.telescope_array
        signal = self.reference[event] * shape(r, theta)
        density = signal / (front.COUNTER if self.kind == "water" else 1.0)
        return signal, front.linsley_delay(r, density, self.curvature[event])

    def table(self) -> Table:
        """The observables as columns; what is no feature of a shower as details."""
        unit, name = ("VEM", "s1000") if self.kind == "water" else ("VEM/m2", "s800")
        with np.errstate(divide="ignore"):
            features = {
                "zenith": (np.rad2deg(self.zenith), "deg", "zenith angle of the axis"),
                f"log_{name}": (np.log10(self.reference), "", f"lg of the signal there, {unit}"),
                "log_energy_standard": (np.log10(self.energy), "", "lg(E/eV) by rules"),
                "curvature": (self.curvature, "", "Linsley's a of the front"),
                "chi2": (self.chi2, "", "χ² of the fit per degree of freedom"),
                "stations": (self.stations.astype(float), "", "hits of the shower"),
                "excluded": (self.excluded.astype(float), "", "hits that are not the shower's"),
            }
        features |= {k: (v, "", _SUMS[k]) for k, v in self.sums.items()}
        details = {
            "azimuth": (np.rad2deg(self.azimuth), "deg", "azimuth of the axis, east to north"),
            "core_x": (self.core[:, 0], "m", "where the axis meets the ground, east"),
            "core_y": (self.core[:, 1], "m", "where the axis meets the ground, north"),
            "start": (self.start, "ns", "when it does"),
            "core_error": (self.errors["core"], "m", "error of the core, each axis"),
            "direction_error": (
                np.rad2deg(self.errors["direction"]), "deg", "error of the axis, each of two",
            ),
            "flag": (
                self.flag, "", "0 if the fit is good; 1 few, 2 unsettled, 4 steep, 8 edge, 16 loose"
            ),
        }  # fmt: skip
        columns = {k: Column(*v) for k, v in features.items()}
        columns |= {k: Column(*v, role="detail") for k, v in details.items()}
        return Table(columns, "reconstruct.array")


_SUMS = {
    "log_s3": "ln Σ S (r/km)^3",
    "log_s45": "ln Σ S (r/km)^4.5",
    "log_sum": "ln Σ S",
    "asymmetry": "Σ|upper − lower| / Σ(upper + lower)",
}


def standard(found: Signals, way: Way = "compiled") -> Reconstruction:
    """Direction, core, S_ref, curvature and energy of each event, and what the stations sum up to.

        χ² = Σ (t − t₀ + L/c − T_D)²/σ_t² + Σ (S − S_fit)²/σ_S² + counted and silent stations

    with T_D and σ_t of `front.linsley_delay` and the lateral distribution of the experiment. The
    first fit takes clear hits only (above the trigger's threshold), the next ones those that are
    rather the shower's than background; each takes its errors from the one before.

    Parameters
    ----------
    found : Signals
        For example `simulate.array.events(…)`; no event is left out.
    way : str
        'compiled', or 'python' for a debugger.

    Raises
    ------
    ValueError
        Signals of another shape than the array, or that are not finite.

    Examples
    --------
    >>> from baksan.simulate.array import Primaries, events, telescope_array
    >>> showers = Primaries({"p": 1}, log_energy=(19, 19))
    >>> result = standard(events(200, telescope_array(), showers, seed=1))
    >>> int((result.flag == 0).sum()), 0.7e19 < float(np.median(result.energy)) < 1.3e19
    (200, True)
    """
    detector = found.layout.detector
    signal = _checked(found)
    settings = _settings(found.layout)
    n, stations = signal.shape
    p, covariance = np.zeros((n, PARAMETERS)), np.zeros((n, PARAMETERS, PARAMETERS))
    merit, use = np.zeros((n, 2)), np.zeros((n, stations), dtype=bool)
    flag = np.zeros(n, dtype=np.uint8)
    run = compiled(fit, fast=False) if way == "compiled" else fit
    time = np.asarray(found.time, dtype=float)
    run(settings, signal, time, found.status, p, covariance, merit, use, flag)
    p[flag & FEW > 0] = np.nan
    zenith, azimuth = _angles(p[:, 2], p[:, 3])
    reference = np.exp(p[:, 5])
    errors, fitted = _errors(p, covariance), flag & FEW == 0
    chi2 = np.where(fitted, merit[:, 0] / np.maximum(merit[:, 1], 1), np.nan)
    chi2[fitted & (merit[:, 1] <= 0)] = 0.0
    flag[fitted & _at_the_edge(found.layout.position, signal, use)] |= EDGE
    flag[fitted & _loose(errors, chi2)] |= LOOSE
    hits = (np.asarray(found.status) & _HIT) > 0
    return Reconstruction(
        detector.kind, flag, p[:, :2], zenith, azimuth, p[:, 4], reference, np.exp(p[:, 6]),
        _energy(reference, zenith, detector.kind), errors, chi2, use, use.sum(axis=1),
        (hits & ~use).sum(axis=1), _sums(found, signal, p, use),
    )  # fmt: skip


def _at_the_edge(position: Array, signal: Array, use: Array) -> Array:
    """Whether the loudest station that was used stands on the convex hull of all."""
    flat = np.asarray(position, dtype=float)[:, :2]
    edge = np.ones(len(flat), dtype=bool)
    with suppress(QhullError):  # stations in a line are all at its edge
        sides = ConvexHull(flat).equations
        edge = (flat @ sides[:, :2].T + sides[:, 2]).max(axis=1) > -1.0
    return np.asarray(edge[np.where(use, signal, -1.0).argmax(axis=1)])


def _loose(errors: dict[str, Array], chi2: Array) -> Array:
    """Whether errors are large or unknown, or χ² is."""
    near = errors["core"] <= _FARTHEST
    sharp = errors["direction"] <= np.deg2rad(_WIDEST)
    return np.asarray(~(near & sharp & (chi2 <= _WORST)))


def _checked(found: Signals) -> Array:
    """Mean signals of the layers (n, S) in double precision."""
    upper, lower = (np.asarray(layer, dtype=float) for layer in (found.upper, found.lower))
    shape = (len(found.status), len(found.layout.position))
    for name, values in (("upper", upper), ("lower", lower), ("time", np.asarray(found.time))):
        if values.shape != shape:
            raise ValueError(
                f"{name} must hold one number for each event and station, {shape}; it has shape"
                f" {values.shape}. Give the signals of this array."
            )
        if not np.isfinite(values).all():
            event, station = np.argwhere(~np.isfinite(values))[0]
            raise ValueError(
                f"{name} must be finite; event {event}, station {station} is not. Give 0 and the"
                " status SILENT where there is no signal."
            )
    return np.asarray((upper + lower) / 2)


def _settings(layout: _Layout) -> Settings:
    detector, position = layout.detector, np.asarray(layout.position, dtype=float)
    spacing = float(np.median(KDTree(position).query(position, k=2)[0][:, 1]))
    background = detector.noise / (2 * detector.read_out)
    return Settings(
        position, _REFERENCE[detector.kind], detector.area, _SILENT_WITHIN * spacing,
        detector.trigger, max(background, _QUIET), detector.kind == "water",
    )  # fmt: skip


def _angles(u: Array, v: Array) -> tuple[Array, Array]:
    return np.arcsin(np.minimum(np.hypot(u, v), 1.0)), np.arctan2(v, u) % (2 * np.pi)


def _energy(reference: Array, zenith: Array, kind: str) -> Array:
    """In eV; NaN where there is no fit, or one out of the formula's range."""
    water = kind == "water"
    formula, steepest = (energy.auger_energy, 60.0) if water else (energy.ta_energy, 62.0)
    good = (reference >= 1e-3) & (reference <= 1e5) & (zenith <= np.deg2rad(steepest))
    found = np.full(len(reference), np.nan)
    found[good] = formula(reference[good], zenith[good])
    return found


def _errors(p: Array, covariance: Array) -> dict[str, Array]:
    """From the covariance of the parameters; the direction's as the mean of its two axes."""
    with np.errstate(invalid="ignore"):
        cos = 1 - p[:, 2] ** 2 - p[:, 3] ** 2
        plane = covariance[:, 2, 2] + covariance[:, 3, 3]
        along = np.einsum("ni,nij,nj->n", p[:, 2:4], covariance[:, 2:4, 2:4], p[:, 2:4])
        return {
            "core": np.sqrt((covariance[:, 0, 0] + covariance[:, 1, 1]) / 2),
            "direction": np.sqrt((plane + along / cos) / 2),
            "log_reference": np.sqrt(covariance[:, 5, 5]),
            "log_curvature": np.sqrt(covariance[:, 6, 6]),
        }


def _sums(found: Signals, signal: Array, p: Array, use: Array) -> dict[str, Array]:
    """What the stations sum up to, in units of S_ref's."""
    per = signal if found.layout.detector.kind == "water" else signal / found.layout.detector.area
    n = directions.unit_vector(*_angles(np.nan_to_num(p[:, 2]), np.nan_to_num(p[:, 3])))
    core = np.column_stack([np.nan_to_num(p[:, :2]), np.zeros(len(p))])
    r, _ = directions.from_axis(found.layout.position[None], core[:, None], n[:, None])
    clean = use & ((np.asarray(found.status) & _SATURATED) == 0)
    upper, lower = np.asarray(found.upper), np.asarray(found.lower)
    both = ((upper + lower) * use).sum(axis=1, dtype=float)
    apart = (np.abs(upper - lower) * use).sum(axis=1, dtype=float)

    def log(values: Array) -> Array:
        return np.log(np.where(values > 0, values, np.nan))

    sums = {
        "log_s3": log((clean * per * (r / _UNIT) ** 3).sum(axis=1)),
        "log_s45": log((clean * per * (r / _UNIT) ** 4.5).sum(axis=1)),
        "log_sum": log((use * per).sum(axis=1)),
    }
    if found.layout.detector.kind != "water":
        sums["asymmetry"] = apart / np.where(both > 0, both, np.nan)
    return sums
