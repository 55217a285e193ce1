"""What a production holds: efficiency, effective area, resolutions, and showers to look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.metrics.bins import efficiency_in_bins, half_width, in_bins, median, psi68
from baksan.physics import directions, front, response
from baksan.produce import KASCADE, PART, Production, open_production, showers_of, thrown_in
from baksan.reconstruct.array import standard
from baksan.simulate.array import ArrayEvents
from baksan.simulate.kascade import Kascade
from baksan.simulate.showers import SPECIES
from baksan.table import Table

Array = NDArray[Any]
Contents = dict[str, Any]

__all__ = ["account", "display", "page_of"]

_BINS = 10  # at most, of lg E and of the zenith angle
_FEWEST = 200  # events of a bin, on average
_SHOWN = 3


def page_of(path: Path | str) -> str:
    """The page of a production as one offline HTML file. Raises ValueError as `account`."""
    from baksan.report import page

    return page.showers(account(path))


def account(path: Path | str) -> Contents:
    """What `baksan.report.page.showers` takes.

    What was thrown and did not trigger is thrown again, by the settings in the file.

    Raises
    ------
    ValueError
        The file is no production.
    """
    from baksan.data import read

    production = open_production(path)
    if production is None:
        raise ValueError(
            f"{path} must be a file of baksan simulate array; it does not tell how it was made."
            " Name a run folder, or simulate one."
        )
    table = read(path)
    return {
        "title": f"{production.events:,} showers on {_name(production)}",
        "name": Path(path).name,
        "thrown": production.events,
        "kept": len(table),
        "good": int(np.sum(table["flag"] == 0)),
        "settings": _settings(production),
        "efficiency": _efficiency(production, table),
        "resolution": {
            "log_energy": _resolutions(table, table["log_energy"]),
            "zenith": _resolutions(table, table["true_zenith"]),
        },
        "displays": [display(production, int(number)) for number in _shown(production, table)],
    }


def _name(production: Production) -> str:
    layout = production.array
    if isinstance(layout, Kascade):
        return KASCADE
    return f"an array of {len(layout)} stations" if layout.name == "table" else layout.name


def _settings(production: Production) -> list[tuple[str, str]]:
    p = production.primaries
    low, high = p.log_energy
    shares, spectrum = p.shares, p.index
    if not isinstance(shares, str):
        shares = ", ".join(f"{name} {share:g}" for name, share in shares.items())
    if not isinstance(spectrum, str):
        spectrum = "flat in lg E" if spectrum == 1 else f"dN/dE ∝ E^−{spectrum:g}"
    return [
        ("primaries", shares),
        ("lg(E/eV)", f"{low:g} … {high:g}, {spectrum}"),
        ("zenith angle", "{:.3g}° … {:.3g}°".format(*np.rad2deg(p.zenith))),
        ("hadronic model", f"{p.model}, muons × {p.muon_factor:g}"),
        ("spread of signals", f"{p.spread:g}, from shower to shower"),
        ("array", f"{_name(production)}, {len(production.array.position)} stations"),
        ("seed", str(production.seed)),
    ]  # fmt: skip


def _edges(values: Array, events: int) -> Array:
    low, high = float(np.min(values)), float(np.max(values))
    if low == high:
        return np.array([low - 0.05, high + 0.05])
    return np.linspace(low, high, int(np.clip(events // _FEWEST, 1, _BINS)) + 1)


def _efficiency(production: Production, table: Table) -> Contents:
    """Of the trigger, by primary; effective area is the field's times that."""
    every = thrown_in(production)
    triggered = np.zeros(len(every), dtype=bool)
    triggered[table["event"].astype(int)] = True
    edges = _edges(every.log_energy, len(every) // len(every.names))
    found: Contents = {"area": production.array.field / 1e6, "by": {}}
    for name in every.names:
        mine = every.primary == name
        found["by"][name] = efficiency_in_bins(triggered[mine], every.log_energy[mine], edges)
    return found


def _resolutions(table: Table, variable: Array) -> Contents:
    """Bias and resolution of the energy, angular and core resolution, by primary."""
    number = {name: table[name].astype(float) for name in table.names if name != "primary"}
    deviation = 10.0 ** (number["log_energy_standard"] - number["log_energy"]) - 1
    found = directions.unit_vector(*(_rad(table, name) for name in ("zenith", "azimuth")))
    true = directions.unit_vector(*(_rad(table, f"true_{name}") for name in ("zenith", "azimuth")))
    lost = np.isnan(number["zenith"])
    angle = np.where(lost, np.nan, np.rad2deg(directions.angle_between(found, true)))
    core = np.hypot(
        number["core_x"] - number["true_core_x"], number["core_y"] - number["true_core_y"]
    )
    names = [name for name in SPECIES if (table["primary"] == name).any()]
    edges = _edges(variable, len(table) // len(names))

    def by_primary(values: Array, figure: Callable[[Array], Array]) -> Contents:
        mine = {name: table["primary"] == name for name in names}
        return {n: in_bins(values[m], variable[m], edges, figure) for n, m in mine.items()}

    return {
        "bias": by_primary(deviation, median),
        "resolution": by_primary(deviation, half_width),
        "angle": by_primary(angle, psi68),
        "core": by_primary(core, psi68),
    }


def _rad(table: Table, name: str) -> Array:
    return np.asarray(np.nan_to_num(np.deg2rad(table[name].astype(float))))


def _shown(production: Production, table: Table) -> Array:
    """Numbers of a few good events, from few stations to many; none of KASCADE."""
    if production.layout == KASCADE:
        return np.empty(0)
    good = np.flatnonzero(table["flag"] == 0)
    order = good[np.argsort(table["stations"][good], kind="stable")]
    if not len(order):
        return np.empty(0)
    places = np.unique((np.array([0.1, 0.6, 0.97])[:_SHOWN] * (len(order) - 1)).astype(int))
    return np.asarray(table["event"][order[places]])


def display(production: Production, number: int) -> Contents:
    """What `plots.event_display` takes of one event, made again from the settings.

    Raises ValueError for an array like KASCADE, whose two kinds of detectors it does not show.
    """
    part, place = divmod(number, PART)
    every = showers_of(production, part)
    if not isinstance(every, ArrayEvents):
        raise ValueError(f"an event display needs an array of one kind; this is {KASCADE}.")
    found = every.take(np.array([place]))
    result = standard(found)
    lg, theta = np.log10(result.energy[0]), np.rad2deg(result.zenith[0])
    truth = f"{found.showers.primary[0]}, lg E {found.showers.log_energy[0]:.2f}"
    water = result.kind == "water"
    r = np.geomspace(50.0, 6000.0, 200)
    signal, delay = result.curves(0, r)
    return {
        "title": f"Event {number}: lg E {lg:.2f}, θ {theta:.0f}°, {result.stations[0]} stations"
        f" ({truth})",
        "stations": _stations(found, result),
        "unit": "VEM" if water else "VEM/m²",
        "fit": {
            "core": result.core[0], "direction": result.direction[0], "true_core": found.core[0],
            "r": r, "signal": signal, "delay": delay, "reference": 1000.0 if water else 800.0,
            "name": "S1000" if water else "S800",
        },
    }  # fmt: skip


def _stations(found: ArrayEvents, result: Any) -> Contents:
    layout, hit = found.layout, found.hit[0]
    core = np.array([*result.core[0], 0.0])
    r, along = directions.from_axis(layout.position, core, result.direction[0])
    area = 1.0 if result.kind == "water" else layout.detector.area
    signal = found.signal[0].astype(float) / area
    expected, _ = result.curves(0, np.maximum(r, 30.0))
    density = expected / (front.COUNTER if result.kind == "water" else 1.0)
    thickness = 1.3 * front.linsley_thickness(np.maximum(r, 150.0), density, result.curvature[0])
    time = found.time[0].astype(float)
    if result.kind == "water":
        error = (0.32 + 0.42 / np.cos(result.zenith[0])) * np.sqrt(signal)
    else:
        error = response.signal_error(signal)

    def of_hits(values: Array) -> Array:
        return np.where(hit, values, np.nan)

    return {
        "x": layout.position[:, 0], "y": layout.position[:, 1], "signal": of_hits(signal),
        "time": of_hits(time), "used": result.used[0], "status": found.status[0], "distance": r,
        "delay": of_hits(time - result.start[0] + along / front.LIGHT),
        "signal_error": error, "delay_error": np.hypot(30.0, thickness),
    }  # fmt: skip
