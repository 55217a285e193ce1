"""What a production holds: efficiency, effective area, resolutions, flags, showers to look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.metrics.bins import efficiency_in_bins, half_width, in_bins, median, psi68
from baksan.physics import directions
from baksan.produce import KASCADE, Production, open_production, thrown_in
from baksan.produce.display import display, worth_showing
from baksan.reconstruct import array, kascade
from baksan.simulate.showers import SPECIES
from baksan.table import Table

Array = NDArray[Any]
Contents = dict[str, Any]

__all__ = ["account", "page_of"]

_BINS = 10  # at most, of lg E and of the zenith angle
_FEWEST = 200  # events of a bin, on average
_LIKE = {
    "telescope-array": "an array like the Telescope Array's", "auger": "an array like Auger's",
    KASCADE: "an array like KASCADE",
}  # fmt: skip


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
        "title": f"{_counted(production.events, 'shower')} on {_name(production)}",
        "name": Path(path).name,
        "thrown": production.events,
        "kept": len(table),
        "good": int(np.sum(table["flag"] == 0)),
        "flags": _flags(production, table["flag"].astype(int)),
        "settings": _settings(production),
        "efficiency": _efficiency(production, table),
        "resolution": {
            "log_energy": _resolutions(table, table["log_energy"]),
            "zenith": _resolutions(table, table["true_zenith"]),
        },
        "displays": [display(production, number) for number in worth_showing(table)],
    }


def _name(production: Production) -> str:
    if isinstance(production.layout, str):
        return _LIKE[production.layout]
    return f"an array of {_counted(len(production.layout), 'station')}"


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _flags(production: Production, flag: Array) -> list[tuple[str, str, int]]:
    """The name of each flag, what it says, and how many events have it."""
    meanings = (kascade if production.layout == KASCADE else array).FLAGS
    return [(name, what, int(np.sum(flag & bit > 0))) for bit, (name, what) in meanings.items()]


def _settings(production: Production) -> list[tuple[str, str]]:
    p = production.primaries
    low, high = p.log_energy
    shares = p.shares
    if not isinstance(shares, str):
        shares = ", ".join(f"{name} {share:g}" for name, share in shares.items())
    spectrum = "flat in lg E" if p.index == 1 else _law(p.index)
    return [
        ("primaries", shares),
        ("lg(E/eV)", f"{low:g} … {high:g}, {spectrum}"),
        ("zenith angle", "{:.3g}° … {:.3g}°".format(*np.rad2deg(p.zenith))),
        ("hadronic model", f"{p.model}, muons × {p.muon_factor:g}"),
        ("spread of signals", f"{p.spread:g}, from shower to shower"),
        ("array", _stations(production)),
        ("weights", "none" if production.weights is None else f"to {_law(production.weights)}"),
        ("seed", str(production.seed)),
    ]  # fmt: skip


def _law(spectrum: float | str) -> str:
    return spectrum if isinstance(spectrum, str) else f"dN/dE ∝ E^−{spectrum:g}"


def _stations(production: Production) -> str:
    """The array, how many stations it has, and what differs from the usual detectors."""
    count = len(production.array.position)
    named = isinstance(production.layout, str)
    told = [f"{_name(production)}, {_counted(count, 'station')}" if named else _name(production)]
    return "; ".join([*told, *(f"{k} {v:g}" for k, v in production.detector.items())])


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
