"""Residuals, and figures of merit in bins of another quantity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import ArrayLike, NDArray

from baksan.report.plots.style import (
    COLOURS,
    FULL,
    HALF,
    INK,
    MUTED,
    Series,
    dress,
    legend,
    new_figure,
    numbers,
    plain,
    series,
)

Array = NDArray[Any]

__all__ = ["merit_in_bins", "residuals"]

_LEVELS = (0.15865, 0.5, 0.84135)


def residuals(
    value: ArrayLike,
    answer: ArrayLike,
    weight: ArrayLike | None = None,
    unit: str = "",
    name: str = "answer",
    title: str = "",
    colour: str = COLOURS[0],
) -> Figure:
    """Prediction − answer: its histogram, and its median and 68 % band along the answer.

    Parameters
    ----------
    value, answer : (n,)
    weight : (n,), optional
    unit, name : str
        Of the answer, for the axes.

    Raises
    ------
    ValueError
        No event has both a prediction and an answer.
    """
    a, y = numbers(value).ravel(), numbers(answer).ravel()
    w = np.ones(len(a)) if weight is None else numbers(weight)
    good = np.isfinite(a) & np.isfinite(y)
    a, y, w = a[good], y[good], w[good]
    if not len(a):
        raise ValueError("a picture of residuals needs predictions and answers; there are none.")
    figure, (left, right) = new_figure(FULL, 2.9, 1, 2, width_ratios=(1, 1.35))
    bracket = f" [{unit}]" if unit else ""
    delta = a - y
    _histogram(left, delta, w, colour, unit)
    dress(left, x=f"prediction − {name}{bracket}", y="events", title=title)
    _profile(right, y, delta, w, colour)
    dress(right, x=f"{name}{bracket}", y=f"prediction − {name}{bracket}")
    return figure


def _quantiles(values: Array, w: Array) -> Array:
    """Weighted 16 %, 50 % and 84 % points, (3,)."""
    order = np.argsort(values)
    reached = (np.cumsum(w[order]) - 0.5 * w[order]) / w.sum()
    return np.interp(_LEVELS, reached, values[order])


def _range(delta: Array) -> tuple[float, float]:
    low, high = np.quantile(delta, [0.002, 0.998])
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)


def _histogram(ax: Axes, delta: Array, w: Array, colour: str, unit: str) -> None:
    edges = np.linspace(*_range(delta), 51)
    counts, _ = np.histogram(np.clip(delta, edges[0], edges[-1]), edges, weights=w)
    ax.stairs(counts, edges, fill=True, color=colour, alpha=0.25, linewidth=0)
    ax.stairs(counts, edges, color=colour, linewidth=1)
    low, middle, high = _quantiles(delta, w)
    ax.axvspan(low, high, ymax=0.75, color=MUTED, alpha=0.15, linewidth=0)
    ax.axvline(middle, ymax=0.75, color=INK, linewidth=1)
    ax.axvline(0, ymax=0.75, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    ax.set(xlim=(edges[0], edges[-1]), ylim=(0, counts.max() * 1.4))
    tail = f" {unit}" if unit else ""
    legend(ax, [
        Line2D([], [], color=INK, lw=1, label=f"median {middle:+.3g}{tail}"),
        Patch(facecolor=MUTED, alpha=0.3, label=f"central 68 %: ±{(high - low) / 2:.3g}{tail}"),
    ], loc="upper left")  # fmt: skip


def _profile(ax: Axes, y: Array, delta: Array, w: Array, colour: str) -> None:
    """Median and 68 % band in bins of equal numbers of events, over the density of events."""
    low, high = _range(delta)
    edges = np.unique(np.quantile(y, np.linspace(0, 1, min(16, 2 + len(y) // 25))))
    if edges[-1] > edges[0]:
        _density(ax, y, delta, w, (float(edges[0]), float(edges[-1])), (low, high), colour)
    which = np.clip(np.searchsorted(edges, y, side="right") - 1, 0, max(len(edges) - 2, 0))
    rows = [
        (float(np.average(y[which == b], weights=w[which == b])),
         *_quantiles(delta[which == b], w[which == b]))
        for b in range(max(len(edges) - 1, 1)) if w[which == b].sum() > 0
    ]  # fmt: skip
    x, lower, middle, upper = np.array(rows).T
    ax.axhline(0, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    for edge in (lower, upper):
        ax.plot(x, edge, color=INK, lw=0.8, linestyle=(0, (4, 2)))
    ax.plot(x, middle, "o-", color=INK, ms=3, lw=1.1)
    ax.set_ylim(low, high + 0.16 * (high - low))
    legend(ax, [
        Line2D([], [], color=INK, marker="o", ms=3, lw=1.1, label="median"),
        Line2D([], [], color=INK, lw=0.8, linestyle=(0, (4, 2)), label="central 68 %"),
        Patch(facecolor=colour, alpha=0.5, label="events"),
    ], columns=3, loc="upper left")  # fmt: skip


def _density(
    ax: Axes, y: Array, delta: Array, w: Array, across: tuple[float, float],
    along: tuple[float, float], colour: str,
) -> None:  # fmt: skip
    """The events themselves as shades of one colour, an image of 90 × 60 pixels."""
    counts, _, _ = np.histogram2d(y, delta, bins=(90, 60), range=(across, along), weights=w)
    image = np.zeros((60, 90, 4))
    image[...] = to_rgba(colour)
    image[..., 3] = 0.75 * np.sqrt(counts.T / max(counts.max(), 1e-300))
    ax.imshow(image, extent=(*across, *along), origin="lower", aspect="auto", zorder=0,
              interpolation="nearest")  # fmt: skip


def merit_in_bins(
    curves: Mapping[str, Mapping[str, ArrayLike]],
    x: str,
    y: str,
    styles: Mapping[str, Series] | None = None,
    title: str = "",
) -> Figure:
    """A figure of merit in bins of a quantity, with errors, for one or several methods.

    Parameters
    ----------
    curves : {name: {low_edge, high_edge, value, low, high}}
        One entry a bin; `low` and `high` (68 %) may be missing or None.
    x, y : str
        Axis labels with units.

    Raises
    ------
    ValueError
        There is no finite value.
    """
    if not any(np.isfinite(numbers(c["value"])).any() for c in curves.values()):
        raise ValueError(f"a picture of {y} in bins of {x} needs a finite value; there is none.")
    styles = styles or series(curves)
    figure, axes = new_figure(HALF, 2.75)
    ax = axes[0]
    for k, (name, curve) in enumerate(curves.items()):
        left, right, value = (numbers(curve[c]) for c in ("low_edge", "high_edge", "value"))
        # Points of different methods stand a little apart, so that their errors can be told.
        place = 0.5 + 0.08 * (k - (len(curves) - 1) / 2)
        middle, look = left + place * (right - left), styles[name]
        errors = None
        if len(low := numbers(curve.get("low"))) == len(value):
            pair = np.stack([value - low, numbers(curve["high"]) - value])
            errors = np.maximum(np.nan_to_num(pair), 0)
        ax.errorbar(middle, value, errors, fmt=look.marker, linestyle="-", lw=0.7, ms=3.2,
                    color=look.colour, elinewidth=0.8)  # fmt: skip
    dress(ax, x=x, y=y, title=title)
    handles = [
        Line2D(
            [], [], color=styles[n].colour, marker=styles[n].marker, lw=0.7, ms=3.2, label=plain(n)
        )
        for n in curves
    ]
    legend(ax, handles, loc="best")
    return figure
