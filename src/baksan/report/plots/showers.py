"""One shower on an array: the stations from above, its lateral distribution, its front."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from baksan.report.plots.style import (
    COLOURS,
    FULL,
    INK,
    MUTED,
    dress,
    heading,
    legend,
    log_axis,
    row_of,
)  # fmt: skip

Array = NDArray[Any]

__all__ = ["event_display"]

_MARGIN = 900.0  # m around the hit stations
_SMALLEST, _LARGEST = 14.0, 330.0  # points² of circles


def event_display(
    stations: Mapping[str, ArrayLike],
    fit: Mapping[str, Any],
    title: str = "",
    unit: str = "VEM/m²",
    narrow: bool = False,
) -> Figure:
    """The stations by size and colour of time, the axis, the lateral fit, the front.

    Parameters
    ----------
    stations : {x, y, signal, time, used, status, distance, delay, signal_error, delay_error}
        Of S stations: places in m; signals (in `unit`) and times in ns of those that were hit, NaN
        elsewhere; which hits belong to the shower; status (0 silent, 1 hit, 3 saturated, 4 dead);
        distance from the axis in m; delay behind the plane front in ns.
    fit : {core, direction, true_core, r, signal, delay, reference, name}
        Core (2,) in m and unit vector (3,) to the source; the true core or None; the fitted curves
        at distances r (m, ns); where the signal is read off in m, and what it is called there.

    Raises
    ------
    ValueError
        No station was hit.
    """
    s = {name: np.asarray(values, dtype=float) for name, values in stations.items()}
    hit = np.isfinite(s["signal"]) & (s["signal"] > 0)
    if not hit.any():
        raise ValueError("an event display needs a station that was hit; there is none.")
    figure, (above, lateral, front) = row_of(
        3, 2.9, FULL, narrow, width_ratios=(1.25, 1, 1)
    )  # fmt: skip
    heading(figure, title)
    _from_above(figure, above, s, hit, fit)
    used = hit & (s["used"] > 0)
    _lateral(lateral, s, used, fit, unit)
    _front(front, s, used, fit)
    return figure


def _from_above(
    figure: Figure, ax: Axes, s: dict[str, Array], hit: Array, fit: Mapping[str, Any]
) -> None:
    x, y = s["x"] / 1000, s["y"] / 1000
    mine = hit & (s["used"] > 0)
    first = np.nanmin(s["time"][mine]) if mine.any() else np.nanmin(s["time"][hit])
    time = (s["time"] - first) / 1000
    scale = Normalize(0, max(float(np.nanmax(time[mine])), 0.1) if mine.any() else 1.0)
    span = np.log10(np.maximum(s["signal"], 0.05))
    low, high = np.nanmin(span[hit]), max(np.nanmax(span[hit]), np.nanmin(span[hit]) + 0.5)
    size = _SMALLEST + (_LARGEST - _SMALLEST) * ((span - low) / (high - low)) ** 1.5
    silent, dead, other = s["status"] == 0, s["status"] == 4, hit & ~mine
    ax.scatter(x[silent], y[silent], s=6, facecolors="none", edgecolors=MUTED, linewidths=0.5)
    ax.scatter(x[dead], y[dead], s=10, marker="x", color=MUTED, linewidths=0.7)
    ax.scatter(x[other], y[other], s=14, facecolors="none", edgecolors=INK, linewidths=0.8)
    ax.scatter(
        x[mine], y[mine], s=size[mine], c=time[mine], cmap="viridis", norm=scale,
        edgecolors=INK, linewidths=0.5,
    )  # fmt: skip
    full = mine & (s["status"] == 3)
    ax.scatter(
        x[full], y[full], s=size[full] * 1.7, facecolors="none", edgecolors=COLOURS[5],
        linewidths=1.0,
    )  # fmt: skip
    _axis(ax, fit)
    near = mine if mine.any() else hit
    centre = [(v[near].max() + v[near].min()) / 2 for v in (x, y)]
    half = max(np.ptp(x[near]), np.ptp(y[near])) / 2 + _MARGIN / 1000
    ax.set(xlim=(centre[0] - half, centre[0] + half), ylim=(centre[1] - half, centre[1] + half))
    ax.set_aspect("equal", adjustable="box")
    dress(ax, x="east [km]", y="north [km]")
    bar = figure.colorbar(ScalarMappable(scale, "viridis"), ax=ax, shrink=0.8, pad=0.02, aspect=22)
    bar.set_label("arrival [µs]", fontsize=7.5, color=INK)
    bar.ax.tick_params(labelsize=7, color=MUTED, labelcolor=INK, width=0.5, length=2)
    bar.outline.set_visible(False)


def _axis(ax: Axes, fit: Mapping[str, Any]) -> None:
    """Where the axis came down, and from where."""
    x, y = np.asarray(fit["core"], dtype=float)[:2] / 1000
    n = np.asarray(fit["direction"], dtype=float)
    ax.annotate(
        "", (x, y), (x + 3 * n[0], y + 3 * n[1]), annotation_clip=False,
        arrowprops={"arrowstyle": "-|>", "color": COLOURS[1], "lw": 1.3, "shrinkA": 0, "shrinkB": 0,
                    "clip_path": ax.patch, "clip_on": True},
    )  # fmt: skip
    ax.plot(x, y, marker="+", color=COLOURS[1], ms=9, mew=1.6, linestyle="")
    if fit.get("true_core") is not None:
        true = np.asarray(fit["true_core"], dtype=float)[:2] / 1000
        ax.plot(*true, marker="x", color=COLOURS[5], ms=6, mew=1.3, linestyle="")


def _lateral(ax: Axes, s: dict[str, Array], used: Array, fit: Mapping[str, Any], unit: str) -> None:
    r, signal = s["distance"] / 1000, s["signal"]
    error = np.minimum(s["signal_error"][used], 0.9 * signal[used])
    ax.errorbar(
        r[used], signal[used], [error, s["signal_error"][used]], fmt="o", ms=3.2, lw=0,
        elinewidth=0.8, color=COLOURS[0],
    )  # fmt: skip
    full = used & (s["status"] == 3)
    ax.plot(r[full], signal[full], "^", ms=5, color=COLOURS[5])
    far = float(r[used].max())
    silent = (s["status"] == 0) & (r < 1.15 * far)
    curve = np.asarray(fit["r"], dtype=float) / 1000
    nearest = min(float(r[used].min()), float(fit["reference"]) / 1000)
    shown = (curve >= 0.7 * nearest) & (curve <= 1.25 * far)
    expected = np.asarray(fit["signal"], dtype=float)
    ax.plot(curve[shown], expected[shown], color=COLOURS[1])
    floor = min(float(expected[shown].min()), float(signal[used].min())) / 2
    ax.plot(r[silent], np.full(silent.sum(), floor * 1.25), "v", ms=3.5, color=MUTED)
    at = float(fit["reference"]) / 1000
    value = float(np.interp(at, curve, expected))
    ax.plot([at, at], [floor, value], color=MUTED, lw=0.7, linestyle=(0, (2, 2)))
    ax.annotate(
        f"{fit['name']} = {value:.3g}", (at, value), (6, 6), textcoords="offset points",
        fontsize=7.5, color=INK,
    )  # fmt: skip
    ax.set_ylim(floor, 2.5 * max(float(signal[used].max()), value))
    log_axis(ax, "x")
    log_axis(ax, "y")
    dress(ax, x="distance from the axis [km]", y=f"signal [{unit}]")
    handles = [
        Line2D([], [], color=COLOURS[0], marker="o", ms=3.2, lw=0, label="stations"),
        Line2D([], [], color=COLOURS[1], label="fit"),
    ]
    if silent.any():
        handles.append(Line2D([], [], color=MUTED, marker="v", ms=3.5, lw=0, label="silent"))
    if full.any():
        handles.append(Line2D([], [], color=COLOURS[5], marker="^", ms=5, lw=0, label="saturated"))
    legend(ax, handles, loc="lower left")


def _front(ax: Axes, s: dict[str, Array], used: Array, fit: Mapping[str, Any]) -> None:
    curve, r = np.asarray(fit["r"], dtype=float) / 1000, s["distance"] / 1000
    far = 1.1 * float(r[used].max())
    shown = curve <= far
    delay = np.asarray(fit["delay"], dtype=float) / 1000
    ax.axhline(0, color=MUTED, lw=0.7, linestyle=(0, (1, 2)))
    ax.errorbar(
        r[used], s["delay"][used] / 1000, s["delay_error"][used] / 1000, fmt="o",
        ms=3.2, lw=0, elinewidth=0.8, color=COLOURS[0],
    )  # fmt: skip
    ax.plot(curve[shown], delay[shown], color=COLOURS[1])
    ax.set_xlim(0, far)
    dress(ax, x="distance from the axis [km]", y="behind the plane front [µs]")
