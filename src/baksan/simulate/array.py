"""Showers on an array of detectors: signals and times of the stations, and the truth beside them.

A parametric toy [D] from published parts, not a full simulation: no particle is followed. Signals
follow from the lateral distribution and the energy scale of the experiment, shared between muons
and the rest, by the depth of the maximum and the number of muons of each shower; particles are
counted one by one; times follow from Linsley's front. `docs/simulate.md` has every formula with
its source. Absolute exposures, limits or energy scales must not be taken from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from baksan.compiled import compiled
from baksan.physics import (
    atmosphere,
    depth_of_maximum,
    directions,
    energy,
    front,
    lateral,
    response,
)  # fmt: skip
from baksan.physics.checks import inside
from baksan.simulate import kernels_random
from baksan.simulate.counter import check_count
from baksan.simulate.kernels_array import (
    DEAD,
    HIT,
    SATURATED,
    SILENT,
    Counter,
    Expected,
    Stations,
    respond,
)  # fmt: skip
from baksan.simulate.layouts import Layout, auger, table, telescope_array
from baksan.simulate.showers import Primaries, Showers, thrown
from baksan.table import Column, Table

Array = NDArray[Any]
Way = Literal["compiled", "python"]

__all__ = [
    "DEAD", "HIT", "SATURATED", "SILENT", "ArrayEvents", "Layout", "Primaries", "Showers", "auger",
    "blocks", "events", "table", "telescope_array",
]  # fmt: skip

_AIR = atmosphere.US_STANDARD
_ORIGIN = 0.5  # the front is a sphere around the depth 0.5 X_max [V, as in airshower]


@dataclass(frozen=True, eq=False)
class ArrayEvents:
    """What n showers left in S stations.

    Parameters
    ----------
    layout : Layout
    showers : Showers
        The truth.
    core : (n, 2)
        Truth: where the axis meets the ground, in m.
    upper, lower : (n, S) float32
        Signal of both layers in VEM; in tanks of water both are the one signal.
    time : (n, S) float32
        When a station was hit, in ns; 0 where it was not.
    status : (n, S) uint8
        SILENT, HIT, HIT | SATURATED or DEAD.
    noise : (n, S) bool
        Truth: the hit was a background muon.
    triggered : (n,) bool
    """

    layout: Layout
    showers: Showers
    core: Array
    upper: Array
    lower: Array
    time: Array
    status: Array
    noise: Array
    triggered: Array

    def __len__(self) -> int:
        return len(self.triggered)

    @property
    def hit(self) -> Array:
        """(n, S) bool: which stations have a signal and a time."""
        return (self.status & HIT) > 0

    @property
    def signal(self) -> Array:
        """(n, S) in VEM: the mean of both layers."""
        return (self.upper + self.lower) / 2

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
        }
        columns = {name: Column(*parts, role="truth") for name, parts in held.items()}
        number = Column(s.event, "", "number of the event in the simulation", role="detail")
        return Table({"event": number, **columns}, f"simulate.array, {self.layout.name}")

    def stations(self) -> Table:
        """Signals, times and status of the stations, each a vector (S,); truth: which are noise."""
        held = {
            "signal_upper": (self.upper, "VEM", "signals of the upper layers"),
            "signal_lower": (self.lower, "VEM", "signals of the lower layers"),
            "time": (self.time, "ns", "when stations were hit"),
            "status": (self.status, "", "0 silent, 1 hit, 3 saturated, 4 dead"),
        }
        where = tuple(map(tuple, self.layout.position.tolist()))
        columns = {n: Column(*parts, role="detail", places=where) for n, parts in held.items()}
        noise = Column(self.noise, "", "hits that are background muons", role="truth", places=where)
        return Table({**columns, "noise": noise}, f"simulate.array, {self.layout.name}")

    def take(self, index: Array) -> ArrayEvents:
        """These events alone: `found.take(found.triggered)`."""
        held = {f.name: getattr(self, f.name) for f in fields(self)}
        parts = {k: v if k == "layout" else _taken(v, index) for k, v in held.items()}
        return ArrayEvents(**parts)


def _taken(held: Any, index: Array) -> Any:
    return held.take(index) if isinstance(held, Showers) else held[index]


def events(
    n: int,
    layout: Layout,
    primaries: Primaries | None = None,
    seed: int = 0,
    *,
    start: int = 0,
    way: Way = "compiled",
) -> ArrayEvents:
    """The events start … start + n − 1 of the seed on this array, triggered or not.

    Event i depends on (seed, i) alone. Signals and fronts [D] of

        S(r) = S_ref(E, θ) f(r) · ((1 − f_μ) G(ΔX)/G(⟨ΔX⟩_p) + f_μ R_μ) · factor
        t = −L/c + T_D(r, ρ, a) + T_S N(0, 1) + jitter,   a = a(θ) D(⟨X_max⟩_p)/D(X_max)

    Parameters
    ----------
    n, seed, start : int
    layout : Layout
        `telescope_array()`, `auger()`, `table(positions)`.
    primaries : Primaries, optional
    way : str
        'compiled', or 'python' for a debugger.

    Raises
    ------
    ValueError
        Counts that are negative or not whole; energies or zenith angles that the formulas of this
        detector do not reach.
    TypeError
        `layout` is no Layout.

    Examples
    --------
    >>> found = events(100, telescope_array(), Primaries({"p": 1}, log_energy=(19, 19)), seed=1)
    >>> found.signal.shape, int(found.triggered.sum())
    ((100, 81), 100)
    """
    if not isinstance(layout, Layout):
        raise TypeError(
            f"layout must be an array, such as telescope_array() or table(positions); {layout!r}"
            " came. Give one."
        )
    primaries = primaries or Primaries()
    _check_reach(primaries, layout.detector.kind)
    showers = thrown(n, primaries, seed, start)
    core = layout.cores(showers.core)
    stations = stations_of(layout)
    shape = n, len(layout)
    upper, lower, time = (np.zeros(shape, dtype=np.float32) for _ in range(3))
    status, noise = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=bool)
    triggered = np.zeros(n, dtype=bool)
    run = compiled(respond, fast=False) if way == "compiled" else respond
    expected = expectations(showers, core, layout, primaries.model)
    with np.errstate(over="ignore"):  # the words of Philox wrap around in plain Python
        run(
            expected, stations, kernels_random.stream(seed), upper, lower, time, status, noise,
            triggered,
        )  # fmt: skip
    return ArrayEvents(layout, showers, core, upper, lower, time, status, noise, triggered)


def blocks(
    n: int, layout: Layout, primaries: Primaries | None = None, seed: int = 0, rows: int = 4096
) -> Iterator[ArrayEvents]:
    """The events 0 … n − 1, at most `rows` at a time: the same bits as `events(n, …)`.

    Raises ValueError as `events`, and for rows < 1.
    """
    check_count(n, "n, the number of events,", 0)
    check_count(rows, "rows, the size of a block,", 1)
    for first in range(0, n, rows):
        yield events(min(rows, n - first), layout, primaries, seed, start=first)


def expectations(showers: Showers, core: Array, layout: Layout, model: str) -> Expected:
    """What the signals of each shower follow from."""
    theta, lg = showers.zenith, showers.log_energy
    ground = _AIR.slant_depth(layout.height, theta)
    mean = depth_of_maximum.x_max_mean(lg, 1.0, model)
    beyond, usual = ground - showers.x_max, ground - mean
    ratio = np.maximum(beyond + 300, 1.0) / np.maximum(usual + 300, 1.0)
    log_signal, slope = _scale(lg, theta, layout.detector.kind)
    base = response.SHARES[layout.detector.kind][0]
    return Expected(
        showers.event,
        core,
        directions.unit_vector(theta, showers.azimuth),
        log_signal + np.log(showers.factor),
        slope,
        base + 0.5 * (1 / np.cos(theta) - 1),
        showers.muons,
        np.log(ratio),
        beyond - usual,
        front.linsley_curvature(theta) * _origin(mean, theta, layout)
        / _origin(showers.x_max, theta, layout),
    )  # fmt: skip


_REACH = {"scintillator": 62.0, "water": 60.0}  # degrees


def _check_reach(primaries: Primaries, kind: str) -> None:
    """Raises ValueError where the formulas of such detectors do not hold."""
    hint = "Throw such showers at another array, simulate.kascade."
    inside(primaries.log_energy, 17.0, 20.5, f"lg(E/eV) on {kind} detectors", "", hint)
    inside(
        np.rad2deg(primaries.zenith), 0.0, _REACH[kind] + 1e-9,
        f"the zenith angle on {kind} detectors", "degrees", "Take a lower highest angle.",
    )  # fmt: skip


def _scale(lg: Array, theta: Array, kind: str) -> tuple[Array, Array]:
    """ln of the signal at the reference distance less the shape there, and the shape's slope."""
    E = 10.0**lg
    if kind == "water":
        slope = lateral.auger_slopes(theta)[0]
        return np.log(energy.auger_s1000(E, theta)), slope
    slope = lateral.scintillator_slope(theta)
    return np.log(energy.ta_s800(E, theta)) - lateral.log_scintillators(800.0, slope), slope


def _origin(x_max: Array, theta: Array, layout: Layout) -> Array:
    """How far up the axis the front seems to come from, in m."""
    return _AIR.distance(_ORIGIN * x_max, theta, layout.height)


def stations_of(layout: Layout) -> Stations:
    detector = {f.name: getattr(layout.detector, f.name) for f in fields(layout.detector)}
    kind = detector.pop("kind")
    counter = Counter(kind == "water", **detector)
    return Stations(layout.position, layout.neighbours, response.SHARES[kind][1], counter)
