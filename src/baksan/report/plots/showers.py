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
    PAPER,
    dress,
    heading,
    legend,
    log_axis,
    row_of,
)  # fmt: skip

Array = NDArray[Any]

__all__ = ["event_display"]

_SMALLEST, _LARGEST = 14.0, 330.0  # points² of circles
_SHORTEST = 0.1  # of half the picture: an arrow that can be seen


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
    fit : {core, direction, true_core, r, signal, delay, result} and maybe {reference, muons}
        Core (2,) in m and unit vector (3,) to the source; the true core or None; the fitted curves
        at distances r (m, ns); the result in words; the distance at which it is read off in m.
        Of detectors under a shield their {r, density, error, curve}, the curve at the fit's r.

    Raises
    ------
    ValueError
        No station was hit.
    """
    s = {name: np.asarray(values, dtype=float) for name, values in stations.items()}
    hit = np.isfinite(s["signal"]) & (s["signal"] > 0)
    if not hit.any():
        raise ValueError("an event display needs a station that was hit; there is none.")
    figure, (above, lateral, front) = row_of(3, 2.9, FULL, narrow, width_ratios=(1.25, 1, 1))
    heading(figure, title)
    used = hit & (s["used"] > 0)
    length = _Length(float(np.ptp(np.stack([s["x"], s["y"]]), axis=1).max()))
    _from_above(figure, above, s, hit, fit, length)
    _lateral(lateral, s, used, fit, unit, length)
    _front(front, s, used, fit, length)
    return figure


class _Length:
    """Kilometres for large arrays, metres for small ones."""

    def __init__(self, extent: float) -> None:
        self.unit, self.metres = ("km", 1000.0) if extent > 1000.0 else ("m", 1.0)

    def of(self, values: ArrayLike) -> Array:
        return np.asarray(values, dtype=float) / self.metres


def _from_above(
    figure: Figure, ax: Axes, s: dict[str, Array], hit: Array, fit: Mapping[str, Any],
    length: _Length,
) -> None:  # fmt: skip
    x, y = length.of(s["x"]), length.of(s["y"])
    mine = hit & (s["used"] > 0)
    first = np.nanmin(s["time"][mine]) if mine.any() else np.nanmin(s["time"][hit])
    last = float(np.nanmax(s["time"][mine]) - first) if mine.any() else 0.0
    name, factor = ("µs", 1000.0) if last > 2000.0 else ("ns", 1.0)
    time = (s["time"] - first) / factor
    scale = Normalize(0, max(last / factor, 0.1))
    size = _sizes(s["signal"], hit)
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
    near = mine if mine.any() else hit
    centre = [(v[near].max() + v[near].min()) / 2 for v in (x, y)]
    spacing = np.sqrt(np.ptp(x) * np.ptp(y) / len(x))
    half = max(np.ptp(x[near]), np.ptp(y[near])) / 2 + max(0.8 * spacing, 0.05 * np.ptp(x))
    _axis(ax, fit, half, length)
    ax.set(xlim=(centre[0] - half, centre[0] + half), ylim=(centre[1] - half, centre[1] + half))
    ax.set_aspect("equal", adjustable="box")
    dress(ax, x=f"east [{length.unit}]", y=f"north [{length.unit}]", title="Stations from above")
    bar = figure.colorbar(ScalarMappable(scale, "viridis"), ax=ax, shrink=0.8, pad=0.02, aspect=22)
    bar.set_label(f"arrival [{name}]", fontsize=7.5, color=INK)
    bar.ax.tick_params(labelsize=7, color=MUTED, labelcolor=INK, width=0.5, length=2)
    bar.outline.set_visible(False)


def _sizes(signal: Array, hit: Array) -> Array:
    """Areas of circles, which follow the logarithm of the signal; smaller if they are many."""
    span = np.log10(np.maximum(signal, 0.05))
    low, high = np.nanmin(span[hit]), max(np.nanmax(span[hit]), np.nanmin(span[hit]) + 0.5)
    many = min(1.0, 40 / hit.sum())
    return np.asarray(
        many * (_SMALLEST + (_LARGEST - _SMALLEST) * ((span - low) / (high - low)) ** 1.5)
    )


def _axis(ax: Axes, fit: Mapping[str, Any], half: float, length: _Length) -> None:
    """Where the axis came down, and from where."""
    x, y = length.of(fit["core"])[:2]
    east, north = half * np.asarray(fit["direction"], dtype=float)[:2]
    if np.hypot(east, north) > _SHORTEST * half:
        ax.annotate(
            "", (x + east, y + north), (x, y), annotation_clip=False,
            arrowprops={"arrowstyle": "-|>", "color": COLOURS[1], "lw": 1.3, "shrinkA": 5,
                        "shrinkB": 0, "clip_path": ax.patch, "clip_on": True},
        )  # fmt: skip
    _mark(ax, (x, y), "+", 9, COLOURS[1])
    if fit.get("true_core") is not None:
        x, y = length.of(fit["true_core"])[:2]
        _mark(ax, (x, y), "x", 6, COLOURS[5])


def _mark(ax: Axes, place: tuple[float, float], marker: str, size: float, colour: str) -> None:
    """A cross that is seen on any ground."""
    for width, shade in ((3.2, PAPER), (1.5, colour)):
        ax.plot(*place, marker=marker, color=shade, ms=size, mew=width, linestyle="", zorder=5)


def _lateral(
    ax: Axes, s: dict[str, Array], used: Array, fit: Mapping[str, Any], unit: str, length: _Length
) -> None:
    r, signal = length.of(s["distance"]), s["signal"]
    error = np.minimum(s["signal_error"][used], 0.9 * signal[used])
    ax.errorbar(
        r[used], signal[used], [error, s["signal_error"][used]], fmt="o", ms=3.2, lw=0,
        elinewidth=0.8, color=COLOURS[0],
    )  # fmt: skip
    full = used & (s["status"] == 3)
    ax.plot(r[full], signal[full], "^", ms=5, color=COLOURS[5])
    nearest, far = float(r[used].min()), float(r[used].max())
    silent = (s["status"] == 0) & (r < 1.15 * far)
    curve, expected = length.of(fit["r"]), np.asarray(fit["signal"], dtype=float)
    shown = (curve >= 0.7 * nearest) & (curve <= 1.25 * far)
    ax.plot(curve[shown], expected[shown], color=COLOURS[1], zorder=3)
    lowest, highest = float(signal[used].min()), float(signal[used].max())
    if "muons" in fit:
        lowest = min(lowest, _under_shield(ax, fit, shown, length))
    floor = min(float(expected[shown].min()), lowest) / 2
    ax.plot(r[silent], np.full(silent.sum(), floor * 1.25), "v", ms=3.5, color=MUTED)
    if "reference" in fit:
        ax.axvline(float(length.of(fit["reference"])), color=MUTED, lw=0.7, linestyle=(0, (2, 2)))
    ax.set_ylim(floor, 6 * highest)
    log_axis(ax, "x")
    log_axis(ax, "y")
    dress(
        ax, x=f"distance from the axis [{length.unit}]", y=f"signal [{unit}]", title=fit["result"]
    )
    legend(ax, _meanings(fit, bool(silent.any()), bool(full.any())), loc="upper right")


def _under_shield(ax: Axes, fit: Mapping[str, Any], shown: Array, length: _Length) -> float:
    """Detectors for muons alone; returns the least density."""
    muons = fit["muons"]
    density, error = (np.asarray(muons[k], dtype=float) for k in ("density", "error"))
    ax.errorbar(
        length.of(muons["r"]), density, [np.minimum(error, 0.9 * density), error], fmt="s", ms=3.0,
        lw=0, elinewidth=0.8, color=COLOURS[2],
    )  # fmt: skip
    ax.plot(length.of(fit["r"])[shown], np.asarray(muons["curve"])[shown], color=COLOURS[2], lw=1.0)
    return float(np.min(density, initial=np.inf))


def _meanings(fit: Mapping[str, Any], silent: bool, full: bool) -> list[Line2D]:
    def dots(colour: str, marker: str, ms: float, label: str) -> Line2D:
        return Line2D([], [], color=colour, marker=marker, ms=ms, lw=0, label=label)

    handles = [
        dots(COLOURS[0], "o", 3.2, "stations"),
        Line2D([], [], color=COLOURS[1], label="fit"),
    ]
    if "muons" in fit:
        handles.append(
            Line2D([], [], color=COLOURS[2], marker="s", ms=3.0, lw=1.0, label="muons, in rings")
        )
    if silent:
        handles.append(dots(MUTED, "v", 3.5, "silent"))
    if full:
        handles.append(dots(COLOURS[5], "^", 5, "saturated"))
    return handles


def _front(
    ax: Axes, s: dict[str, Array], used: Array, fit: Mapping[str, Any], length: _Length
) -> None:
    curve, r = length.of(fit["r"]), length.of(s["distance"])
    far = 1.1 * float(r[used].max())
    shown = curve <= far
    late = float(np.nanmax(s["delay"][used]))
    name, factor = ("µs", 1000.0) if late > 1000.0 else ("ns", 1.0)
    ax.axhline(0, color=MUTED, lw=0.7, linestyle=(0, (1, 2)))
    ax.errorbar(
        r[used], s["delay"][used] / factor, s["delay_error"][used] / factor, fmt="o",
        ms=3.2, lw=0, elinewidth=0.8, color=COLOURS[0],
    )  # fmt: skip
    ax.plot(
        curve[shown], np.asarray(fit["delay"], dtype=float)[shown] / factor, color=COLOURS[1],
        zorder=3,
    )  # fmt: skip
    ax.set_xlim(0, far)
    dress(
        ax, x=f"distance from the axis [{length.unit}]", y=f"behind the plane [{name}]",
        title="Front",
    )  # fmt: skip
