"""The sections of the page of a production: showers to look at, trigger, resolutions, settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from baksan.report import plots
from baksan.report.blocks import (
    Cell,
    Definitions,
    Gallery,
    Notes,
    Picture,
    Section,
    Table,
    number,
)  # fmt: skip
from baksan.report.contents import Contents

__all__ = ["facts", "sections"]

_AXES = {"log_energy": "lg(E/eV)", "zenith": "zenith angle [deg]"}
_UNITS = {"log_energy": "", "zenith": "°"}
_FIGURES = {
    "bias": ("bias of the energy", "median of E/E_true − 1"),
    "resolution": ("resolution of the energy", "half the central 68 % of E/E_true − 1"),
    "angle": ("ψ68 [deg]", "the angle to the true direction within which 68 % lie"),
    "core": ("core 68 % [m]", "the distance to the true core within which 68 % lie"),
}


def facts(contents: Contents) -> list[Cell]:
    """The numbers in the head of the page."""
    kept, thrown = contents["kept"], contents["thrown"]
    return [
        Cell(number(thrown), "showers thrown"),
        Cell(number(kept), "triggered"),
        Cell(f"{100 * contents['good'] / max(kept, 1):.1f} %", "of these with a good fit"),
    ]


def sections(contents: Contents) -> list[Section]:
    """All sections that have something to show, in the order of the page."""
    made = (_displays(contents), _trigger(contents), _resolutions(contents), _settings(contents))
    return [section for section in made if section.blocks]


_HOW_TO_LOOK = (
    "From above: area by signal, colour by arrival. Open rings are hits that are not the shower's,"
    " red rings saturated stations, small grey crosses dead ones. The arrow points to where the"
    " shower came from; + is where the fitted axis came down, the red × where it truly did."
)


def _displays(contents: Contents) -> Section:
    shown = [
        Picture(
            _display(one, narrow=False), f"Event display. {one['title']}.", f"{one['title']}.",
            small=_display(one, narrow=True),
        )
        for one in contents["displays"]
    ]  # fmt: skip
    return Section("events", "Showers on the ground", shown, _HOW_TO_LOOK)


def _display(one: Mapping[str, Any], narrow: bool) -> Any:
    return plots.event_display(one["stations"], one["fit"], unit=one["unit"], narrow=narrow)


def _trigger(contents: Contents) -> Section:
    held = contents["efficiency"]
    styles = plots.series(held["by"])
    efficiency = plots.merit_in_bins(held["by"], "lg(E/eV)", "trigger efficiency", styles)
    area = {
        name: bins | {k: np.asarray(bins[k]) * held["area"] for k in ("value", "low", "high")}
        for name, bins in held["by"].items()
    }
    pictures = [
        Picture(efficiency, "Trigger efficiency against lg E.", ""),
        Picture(
            plots.merit_in_bins(area, "lg(E/eV)", "effective area of the field [km²]", styles),
            "Effective area against lg E.", "",
        ),
    ]  # fmt: skip
    caption = (
        "Share of the thrown showers that trigger, with exact binomial 68 % intervals; times the"
        f" area over which axes fall, {held['area']:.3g} km², it is the effective area."
        f" {_bins_of(held['by'].values())}"
    )
    return Section("trigger", "What triggers", [Gallery(pictures, caption)])


def _bins_of(curves: Iterable[Mapping[str, Any]], unit: str = "") -> str:
    """How wide the bins are, and how many showers of one primary they hold."""
    curves = list(curves)
    edges = curves[0]
    width = float(edges["high_edge"][0] - edges["low_edge"][0])
    counts = np.concatenate([np.asarray(c["count"], dtype=int) for c in curves])
    low, high = (number(int(n)) for n in (counts.min(), counts.max()))
    held = f"{low} to {high}" if low != high else low
    return f"Bins of {width:.2g}{unit}, with {held} showers of a primary in each."


def _resolutions(contents: Contents) -> Section:
    blocks: list[Gallery | Table] = []
    styles = plots.series(contents["efficiency"]["by"])
    for variable, held in contents["resolution"].items():
        pictures = [
            Picture(
                plots.merit_in_bins(held[name], _AXES[variable], y, styles),
                f"{y} against {_AXES[variable]}.", "",
            )
            for name, (y, _) in _FIGURES.items()
            if any(np.isfinite(bins["value"]).any() for bins in held[name].values())
        ]  # fmt: skip
        if pictures:
            meaning = "; ".join(f"{y}: {what}" for y, what in _FIGURES.values())
            caption = f"The standard reconstruction in bins of true {_AXES[variable]}. {meaning}."
            errors = "Errors: central 68 % of 200 bootstraps."
            told = f"{caption} {errors} {_bins_of(held['bias'].values(), _UNITS[variable])}"
            blocks.append(Gallery(pictures, told))
    blocks.append(_flags(contents))
    return Section("resolution", "How well the rules do", blocks)


def _flags(contents: Contents) -> Table:
    kept = max(contents["kept"], 1)
    rows = [
        [Cell(name), Cell(what), Cell(number(n), is_number=True),
         Cell(f"{100 * n / kept:.2g} %", is_number=True)]
        for name, what, n in contents["flags"]
    ]  # fmt: skip
    head = [Cell("flag"), Cell("what it says"), Cell("showers", is_number=True),
            Cell("share", is_number=True)]  # fmt: skip
    caption = "Flags of the reconstruction. A shower may have several, and is never left out."
    return Table(caption, head, rows)


def _settings(contents: Contents) -> Section:
    note = (
        "A parametric toy, not a full simulation: no absolute exposure, limit or energy scale may"
        " be taken from it."
    )
    return Section(
        "settings", "How it was made",
        [Definitions(contents["settings"], wide=False), Notes([note])],
    )  # fmt: skip
