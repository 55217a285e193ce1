"""Showers to look at: what `report.plots.event_display` takes, made again from the settings."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.physics import directions, front, response
from baksan.produce import PART, Production, showers_of
from baksan.reconstruct.array import Reconstruction, standard
from baksan.reconstruct.kascade import KascadeReconstruction, reconstructed, time_error
from baksan.simulate.array import ArrayEvents
from baksan.simulate.kascade import DEAD, Kascade, KascadeEvents
from baksan.table import Table

Array = NDArray[Any]
Shown = dict[str, Any]

__all__ = ["display", "display_of", "worth_showing"]

_PLACES = 0.1, 0.6, 0.97  # of the good events in the order of their stations
_RINGS = np.geomspace(40.0, 200.0, 8)  # m, in which muons are averaged


def worth_showing(table: Table) -> list[int]:
    """Numbers of a few good events, from few stations to many."""
    good = np.flatnonzero(table["flag"] == 0)
    if not len(good):
        return []
    order = good[np.argsort(table["stations"][good], kind="stable")]
    places = np.unique((np.array(_PLACES) * (len(order) - 1)).astype(int))
    return [int(number) for number in table["event"][order[places]]]


def display(production: Production, number: int) -> Shown:
    """What `plots.event_display` takes of one event, with its title and unit."""
    part, place = divmod(number, PART)
    return display_of(showers_of(production, part), place, f"Event {number}")


def display_of(found: ArrayEvents | KascadeEvents, place: int = 0, name: str = "") -> Shown:
    """The same of one of some events, reconstructed by rules: `plots.event_display(**shown)`.

    Raises IndexError where there is no such event.
    """
    found = found.take(np.array([place]))
    result: Reconstruction | KascadeReconstruction
    if isinstance(found, ArrayEvents):
        result = standard(found)
        shown = _of_signals(found, result)
    else:
        result = reconstructed(found)
        shown = _of_counters(found, result)
    s = found.showers
    rules = f"{_where(np.log10(result.energy[0]), result.zenith[0])}, {result.stations[0]} stations"
    truth = f"{s.primary[0]}, {_where(s.log_energy[0], s.zenith[0])}"
    shown["fit"] |= {
        "core": result.core[0], "direction": result.direction[0], "true_core": found.core[0],
    }  # fmt: skip
    return {"title": f"{name or f'Event {s.event[0]}'}: {rules}; thrown as {truth}", **shown}


def _where(log_energy: float, zenith: float) -> str:
    energy = f"lg E {log_energy:.2f}, " if np.isfinite(log_energy) else ""
    return f"{energy}θ {np.rad2deg(zenith):.0f}°"


def _distances(position: Array, result: Any) -> tuple[Array, Array, Array]:
    """Of the stations: from the axis and along it, in m; and distances for curves."""
    core = np.array([*result.core[0], 0.0])
    r, along = directions.from_axis(position, core, result.direction[0])
    near = max(0.5 * float(r.min()), 1.0)
    return r, along, np.geomspace(near, 1.5 * float(r.max()), 300)


def _stations(
    position: Array, r: Array, signal: Array, error: Array, delay: Array, delay_error: Array,
    time: Array, used: Array, hit: Array, status: Array,
) -> Shown:  # fmt: skip
    def of_hits(values: Array) -> Array:
        return np.where(hit, values, np.nan)

    return {
        "x": position[:, 0], "y": position[:, 1], "signal": of_hits(signal), "time": of_hits(time),
        "used": used, "status": status, "distance": r, "delay": of_hits(delay),
        "signal_error": error, "delay_error": delay_error,
    }  # fmt: skip


# Arrays of one kind of station --------------------------------------------------------------------


def _of_signals(found: ArrayEvents, result: Reconstruction) -> Shown:
    layout, water = found.layout, result.kind == "water"
    r, along, curve = _distances(layout.position, result)
    signal = found.signal[0] / (1.0 if water else layout.detector.area)
    time, hit = found.time[0].astype(float), found.hit[0]
    fitted, delay = result.curves(0, curve)
    name, at, unit = ("S1000", 1000.0, "VEM") if water else ("S800", 800.0, "VEM/m²")
    fit: Shown = {"r": curve, "signal": fitted, "delay": delay, "result": "Lateral distribution"}
    if at < curve[-1]:  # beyond the stations it is a guess
        fit |= {"reference": at, "result": f"{name} = {result.reference[0]:.3g} {unit}"}
    return {
        "unit": unit,
        "stations": _stations(
            layout.position, r, signal, _signal_error(signal, result),
            time - result.start[0] + along / front.LIGHT, _time_error(r, result), time,
            result.used[0], hit, found.status[0],
        ),
        "fit": fit,
    }  # fmt: skip


def _signal_error(signal: Array, result: Reconstruction) -> Array:
    if result.kind == "water":
        return np.asarray((0.32 + 0.42 / np.cos(result.zenith[0])) * np.sqrt(signal))
    return response.signal_error(signal)


def _time_error(r: Array, result: Reconstruction) -> Array:
    expected, _ = result.curves(0, np.maximum(r, 30.0))
    density = expected / (front.COUNTER if result.kind == "water" else 1.0)
    thickness = 1.3 * front.linsley_thickness(np.maximum(r, 150.0), density, result.curvature[0])
    return np.hypot(30.0, thickness)


# KASCADE ------------------------------------------------------------------------------------------


def _of_counters(found: KascadeEvents, result: KascadeReconstruction) -> Shown:
    """Particles per m² in the electron detectors; muons under the shield as means in rings."""
    array = found.array
    there = array.electron_area > 0
    area, position = array.electron_area[there], array.position[there]
    r, along, curve = _distances(position, result)
    deposit, time = (v[0, there].astype(float) for v in (found.electrons, found.time))
    hit, outer = found.hit[0, there], float(area.min())
    electrons, muons, delay = result.curves(0, curve, outer)
    return {
        "unit": "particles/m²",
        "stations": _stations(
            position, r, deposit / area, np.sqrt(deposit * (1 + array.sigma**2)) / area,
            time - result.start[0] + along / front.LIGHT,
            time_error(r, deposit), time, hit, hit, found.status[0, there],
        ),
        "fit": {
            "r": curve, "signal": electrons + muons, "delay": delay,
            "muons": _in_rings(found, array, result) | {"curve": muons},
            "result": f"lg Nₑ {np.log10(result.electrons[0]):.2f},"
            f" lg N_μ {np.log10(result.muons[0]):.2f}",
        },
    }  # fmt: skip


def _in_rings(found: KascadeEvents, array: Kascade, result: KascadeReconstruction) -> Shown:
    alive = (array.muon_area > 0) & (found.status[0] != DEAD)
    core = np.array([*result.core[0], 0.0])
    r, _ = directions.from_axis(array.position, core, result.direction[0])
    rings = [alive & (r >= low) & (r < high) for low, high in pairwise(_RINGS)]
    deposits = np.array([found.muons[0, ring].sum() for ring in rings], dtype=float)
    areas = np.array([array.muon_area[ring].sum() for ring in rings])
    seen = (areas > 0) & (deposits > 0)
    return {
        "r": np.sqrt(_RINGS[:-1] * _RINGS[1:])[seen],
        "density": deposits[seen] / areas[seen],
        "error": np.sqrt(deposits[seen] * (1 + array.sigma**2)) / areas[seen],
    }
