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
    log_axis,
    new_figure,
    numbers,
    plain,
    row_of,
    series,
    signed,
)

Array = NDArray[Any]

__all__ = ["merit_in_bins", "residual_shapes", "residuals"]

_LEVELS = (0.15865, 0.5, 0.84135)
_HEADROOM = 0.16
_EDGES = "low_edge", "high_edge"
_CORE = 5.0
"""A histogram of residuals reaches to so many resolutions on either side of the bias."""


def residuals(
    value: ArrayLike,
    answer: ArrayLike,
    weight: ArrayLike | None = None,
    unit: str = "",
    name: str = "answer",
    title: str = "",
    colour: str = COLOURS[0],
    bias: str | None = None,
    resolution: str | None = None,
    narrow: bool = False,
) -> Figure:
    """Prediction − answer: its histogram, and its median and 68 % band along the answer.

    The histogram reaches five resolutions from the bias; what lies beyond is in its end bins. The
    axis of the answer is logarithmic where answers are positive and span more than a decade.

    Parameters
    ----------
    value, answer : (n,)
    weight : (n,), optional
    unit, name : str
        Of the answer, for the axes.
    bias, resolution : str, optional
        What the legend says of them; found from these events if left out.
    narrow : bool
        Half the width, the second panel below the first.

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
    figure, (left, right) = row_of(2, 2.9, FULL, narrow, width_ratios=(1, 1.35))
    bracket = f" [{unit}]" if unit else ""
    delta = a - y
    low, middle, high = _quantiles(delta, w)
    tail = f" {unit}" if unit else ""
    _histogram(left, delta, w, colour, (low, middle, high))
    legend(left, [
        Line2D([], [], color=INK, lw=1, label=f"bias {_with_sign(bias) or signed(middle)}{tail}"),
        Patch(facecolor=MUTED, alpha=0.3,
              label=f"resolution {resolution or f'{(high - low) / 2:.3g}'}{tail}"),
    ], loc="upper left")  # fmt: skip
    counted = "events" if weight is None else "Σw of the events drawn"
    dress(left, x=f"prediction − {name}{bracket}", y=counted, title=title)
    _profile(right, y, delta, w, colour)
    dress(right, x=f"{name}{bracket}", y=f"prediction − {name}{bracket}")
    return figure


def _quantiles(values: Array, w: Array) -> Array:
    """Weighted 16 %, 50 % and 84 % points, (3,).

    Negative weights let the sum meet a level several times: the mean of the first and the last.
    """
    order = np.argsort(values)
    reached = (np.cumsum(w[order]) - 0.5 * w[order]) / w.sum()
    first, last = np.maximum.accumulate(reached), np.minimum.accumulate(reached[::-1])[::-1]
    points = [np.interp(_LEVELS, most, values[order]) for most in (first, last)]
    return np.asarray(np.mean(points, axis=0))


def _with_sign(text: str | None) -> str | None:
    return text if not text or text[0] in "−+" else f"+{text}"


def _core(delta: Array, low: float, middle: float, high: float) -> tuple[float, float]:
    """All residuals, or those near the bias where a few lie far out."""
    reach = _CORE * (high - low) / 2
    first, last = max(delta.min(), middle - reach), min(delta.max(), middle + reach)
    return (first, last) if last > first else (middle - 0.5, middle + 0.5)


def _histogram(
    ax: Axes, delta: Array, w: Array, colour: str, central: tuple[float, float, float]
) -> None:
    low, middle, high = central
    edges = np.linspace(*_core(delta, low, middle, high), 51)
    counts, _ = np.histogram(np.clip(delta, edges[0], edges[-1]), edges, weights=w)
    ax.stairs(counts, edges, fill=True, color=colour, alpha=0.25, linewidth=0)
    ax.stairs(counts, edges, color=colour, linewidth=1)
    ax.axvspan(low, high, ymax=0.75, color=MUTED, alpha=0.15, linewidth=0)
    ax.axvline(middle, ymax=0.75, color=INK, linewidth=1)
    ax.axvline(0, ymax=0.75, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    ax.set(xlim=(edges[0], edges[-1]), ylim=(0, counts.max() * 1.4))


def _profile(ax: Axes, y: Array, delta: Array, w: Array, colour: str) -> None:
    """Median and 68 % band in bins of equal numbers of events, over the density of events."""
    edges = np.unique(np.quantile(y, np.linspace(0, 1, min(16, 2 + len(y) // 25))))
    which = np.clip(np.searchsorted(edges, y, side="right") - 1, 0, max(len(edges) - 2, 0))
    rows = [
        (float(np.average(y[which == b], weights=np.abs(w[which == b]))),
         *_quantiles(delta[which == b], w[which == b]))
        for b in range(max(len(edges) - 1, 1)) if w[which == b].sum() > 0
    ]  # fmt: skip
    x, lower, middle, upper = np.array(rows).T
    room = 0.25 * (upper.max() - lower.min()) or 0.5
    low, high = float(lower.min() - room), float(upper.max() + room)
    logarithmic = y.min() > 0 and y.max() > 10 * y.min()
    if edges[-1] > edges[0]:
        across = (np.geomspace if logarithmic else np.linspace)(edges[0], edges[-1], 91)
        _density(ax, y, delta, w, across, np.linspace(low, high, 61), colour)
    ax.axhline(0, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    for edge in (lower, upper):
        ax.plot(x, edge, color=INK, lw=0.8, linestyle=(0, (4, 2)))
    ax.plot(x, middle, "o-", color=INK, ms=3, lw=1.1)
    if edges[-1] > edges[0]:
        ax.set_xlim(edges[0], edges[-1])
    if logarithmic:
        log_axis(ax, "x")
    ax.set_ylim(low, high + _HEADROOM * (high - low))
    legend(ax, [
        Line2D([], [], color=INK, marker="o", ms=3, lw=1.1, label="median"),
        Line2D([], [], color=INK, lw=0.8, linestyle=(0, (4, 2)), label="central 68 %"),
        Patch(facecolor=colour, alpha=0.5, label="events"),
    ], columns=3, loc="upper left")  # fmt: skip


def _density(
    ax: Axes, y: Array, delta: Array, w: Array, across: Array, along: Array, colour: str
) -> None:
    """The events themselves as shades of one colour, an image of 90 × 60 pixels.

    The full shade is what the fullest twentieth of the pixels holds: one heavy event among the
    weights must not leave the others without colour; and no event is without.
    """
    counts, _, _ = np.histogram2d(y, delta, bins=(across, along), weights=w)
    held = counts[counts > 0]
    full = np.quantile(held, 0.95) if len(held) else 1.0
    image = np.zeros((counts.shape[1], counts.shape[0], 4))
    image[...] = to_rgba(colour)
    image[..., 3] = np.where(counts > 0, 0.3 + 0.5 * np.sqrt(np.clip(counts / full, 0, 1)), 0).T
    # In shares of the axes, which `_profile` fits to these bins: an image is never logarithmic.
    ax.imshow(image, extent=(0, 1, 0, 1 / (1 + _HEADROOM)), transform=ax.transAxes,
              origin="lower", aspect="auto", zorder=0, interpolation="nearest")  # fmt: skip


def residual_shapes(
    held: Mapping[str, Mapping[str, ArrayLike | None]],
    unit: str = "",
    name: str = "answer",
    title: str = "",
    styles: Mapping[str, Series] | None = None,
) -> Figure:
    """Histograms of prediction − answer on each other, each of area 1, in common bins.

    They reach five resolutions from the biases; what lies beyond is in the end bins.

    Parameters
    ----------
    held : {name: {value, answer, weight}}
        (n,) each; `weight` may be missing or None.
    unit, name : str
        Of the answer, for the axis.

    Raises
    ------
    ValueError
        There are no predictions.
    """
    if not held:
        raise ValueError("a picture of residuals needs predictions and answers; there are none.")
    styles = styles or series(held)
    figure, (ax,) = new_figure(HALF, 2.75)
    parts = {}
    for key, h in held.items():
        delta = numbers(h["value"]) - numbers(h["answer"])
        w = np.ones(len(delta)) if h.get("weight") is None else numbers(h["weight"])
        parts[key] = delta, w
    ends = np.array([_core(delta, *_quantiles(delta, w)) for delta, w in parts.values()])
    edges = np.linspace(ends[:, 0].min(), ends[:, 1].max(), 51)
    for key, (delta, w) in parts.items():
        inside = np.clip(delta, edges[0], edges[-1])
        density, _ = np.histogram(inside, edges, weights=w, density=True)
        ax.stairs(density, edges, color=styles[key].colour, linewidth=1.1)
    ax.axvline(0, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(bottom=0)
    tail = f" [{unit}]" if unit else ""
    dress(ax, x=f"prediction − {name}{tail}", y="density", title=title)
    handles = [Line2D([], [], color=styles[key].colour, lw=1.1, label=plain(key)) for key in held]
    legend(figure, handles, columns=2)
    return figure


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
    figure, (ax,) = new_figure(HALF, 2.5 + 0.17 * -(-len(curves) // 2))
    edges = np.concatenate([numbers(c[e]) for c in curves.values() for e in _EDGES])
    for k, (name, curve) in enumerate(curves.items()):
        left, right, value = (numbers(curve[c]) for c in (*_EDGES, "value"))
        # Points of different methods stand a little apart, so that their errors can be told.
        apart = np.minimum(0.08 * (right - left), 0.012 * np.ptp(edges))
        middle, look = (left + right) / 2 + apart * (k - (len(curves) - 1) / 2), styles[name]
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
    legend(figure, handles, columns=2)
    return figure
