"""The features: which matter, how much each weighs, how they spread and hang together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from baksan.report.plots.classification import MOST_CLASSES, class_styles
from baksan.report.plots.style import (
    COLOURS,
    FULL,
    HALF,
    INK,
    MUTED,
    RULE,
    Series,
    dress,
    heading,
    legend,
    new_figure,
    plain,
    series,
    short,
)

Array = NDArray[Any]
Rows = Sequence[Mapping[str, Any]]

__all__ = [
    "MOST_CORRELATED", "MOST_FEATURES", "MOST_INPUTS", "correlations", "importance", "inputs",
    "weights",
]  # fmt: skip

MOST_FEATURES = 20
MOST_INPUTS = 24
MOST_CORRELATED = 16


def importance(
    rows: Mapping[str, Rows],
    metric: str = "",
    styles: Mapping[str, Series] | None = None,
    title: str = "",
    better: str = "higher",
    narrow: bool = False,
) -> Figure:
    """What is lost when one feature is shuffled: a point with its error for each method.

    Parameters
    ----------
    rows : {method: [{feature, mean, error}]}
        Features in order of their largest mean; the 20 foremost are shown, and said to be.
    metric : str
        What falls, or rises where a lower one is better; the label of the axis.
    better : 'higher' or 'lower'
        Of the metric.
    narrow : bool
        Half the width, for a narrow screen.

    Raises
    ------
    ValueError
        There is no row.
    """
    table = {m: {r["feature"]: (r.get("mean"), r.get("error")) for r in v} for m, v in rows.items()}
    names = list(dict.fromkeys(f for held in table.values() for f in held))
    if not names:
        raise ValueError("a picture of importance needs a feature; there is none.")
    top = {f: np.nanmax([_value(h.get(f, (None,))[0]) for h in table.values()]) for f in names}
    shown = sorted(names, key=lambda f: -np.nan_to_num(top[f], nan=-np.inf))[:MOST_FEATURES]
    look = styles or series(rows)
    worse = "rise" if better == "lower" else "loss"
    label = f"{worse} of {metric} when shuffled" if metric else "importance"
    over = _shown_of(title, "the {} most important", shown, names)
    return _dots(shown, table, look, label, over, narrow)


def weights(
    rows: Mapping[str, Rows],
    styles: Mapping[str, Series] | None = None,
    title: str = "",
    narrow: bool = False,
) -> Figure:
    """Weights per standard deviation of their feature, with errors, for each linear method.

    Parameters
    ----------
    rows : {method: [{feature, weight, error, standardised}]}
        The error of a standardised weight is scaled from that of the weight. The 20 largest are
        shown, and said to be.
    narrow : bool
        Half the width, for a narrow screen.

    Raises
    ------
    ValueError
        There is no row.
    """
    table = {m: {r["feature"]: _standardised(r) for r in v} for m, v in rows.items()}
    names = list(dict.fromkeys(f for held in table.values() for f in held))
    if not names:
        raise ValueError("a picture of weights needs a feature; there is none.")
    size = {f: np.nanmax([abs(_value(h.get(f, (None,))[0])) for h in table.values()])
            for f in names}  # fmt: skip
    shown = sorted(names, key=lambda f: -np.nan_to_num(size[f], nan=-1.0))[:MOST_FEATURES]
    look = styles or series(rows)
    label = "weight × standard deviation" + ("" if narrow else " of the feature")
    over = _shown_of(title, "the {} largest", shown, names)
    return _dots(shown, table, look, label, over, narrow)


def _value(entry: Any) -> float:
    return float("nan") if entry is None else float(entry)


def _standardised(row: Mapping[str, Any]) -> tuple[float, float]:
    value, weight = _value(row.get("standardised")), _value(row.get("weight"))
    scale = abs(value / weight) if weight else float("nan")
    return value, _value(row.get("error")) * scale


def _shown_of(title: str, which: str, shown: Sequence[str], names: Sequence[str]) -> str:
    if len(shown) == len(names):
        return title
    note = f"{which.format(len(shown))} of {len(names)} features"
    return f"{title}: {note}" if title else note


def _dots(
    names: Sequence[str],
    table: Mapping[str, Mapping[str, tuple[Any, Any]]],
    styles: Mapping[str, Series],
    label: str,
    title: str,
    narrow: bool,
) -> Figure:
    """One line a feature, one point with error a method, the foremost feature on top."""
    methods = len(table)
    line = max(0.2, 0.075 * methods)
    width = HALF if narrow else 0.72 * FULL
    figure, axes = new_figure(width, 1.0 + line * len(names) + 0.1 * methods)
    ax = axes[0]
    ax.axvline(0, color=MUTED, linewidth=0.7)
    for k in range(0, len(names), 2):
        ax.axhspan(k - 0.5, k + 0.5, color=RULE, alpha=0.35, linewidth=0, zorder=0)
    for m, (method, held) in enumerate(table.items()):
        place = (m - (methods - 1) / 2) * min(0.18, 0.8 / methods)
        value = np.array([_value(held.get(f, (None, None))[0]) for f in names])
        error = np.array([_value(held.get(f, (None, None))[1]) for f in names])
        look = styles[method]
        ax.errorbar(value, np.arange(len(names)) + place, xerr=np.nan_to_num(error),
                    fmt=look.marker, ms=3.4, color=look.colour, elinewidth=0.9)  # fmt: skip
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_yticks(np.arange(len(names)), [plain(short(n, 16 if narrow else 28)) for n in names])
    dress(ax, x=label, title=title)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    if methods > 1:
        handles = [
            Line2D(
                [],
                [],
                color=styles[n].colour,
                marker=styles[n].marker,
                lw=0.8,
                ms=3.4,
                label=plain(n),
            )
            for n in table
        ]
        legend(figure, handles, columns=min(methods, 2 if narrow else 4))
    return figure


# Inputs -------------------------------------------------------------------------------------------


def inputs(
    x: ArrayLike,
    features: Sequence[str],
    y: ArrayLike | None = None,
    class_names: Sequence[str] = (),
    weight: ArrayLike | None = None,
    title: str = "",
    narrow: bool = False,
) -> Figure:
    """How each feature spreads, for each class: small histograms of equal area.

    Parameters
    ----------
    x : (n, d)
    features : d labels, with units
        The first 24 are shown, and said to be; likewise the first 12 classes.
    y : (n,) class indices, optional
    weight : (n,), optional
    narrow : bool
        Half the width, two panels a row.

    Raises
    ------
    ValueError
        No event, or labels that do not fit the columns.
    """
    data = _matrix(x, features)
    shown = list(features)[:MOST_INPUTS]
    columns = min(2 if narrow else 4, len(shown))
    rows = -(-len(shown) // columns)
    figure, axes = new_figure(HALF if narrow else FULL, 0.55 + 1.28 * rows, rows, columns)
    parts = list(_by_class(data, y, class_names, weight))[:MOST_CLASSES]
    for j, ax in enumerate(axes):
        if j >= len(shown):
            ax.set_visible(False)
            continue
        _input_panel(ax, j, parts, data[:, j])
        dress(ax)
        ax.set_xlabel(plain(short(shown[j], 30)), fontsize=7.5, color=INK)
    title = _shown_of(title, "the first {}", shown, features)
    if len(parts) > 1:
        handles = [Patch(facecolor=c, alpha=0.6, label=plain(name)) for name, c, _, _ in parts]
        legend(figure, handles, columns=min(3 if narrow else 6, len(handles)), title=title)
    else:
        heading(figure, title)
    return figure


def _matrix(x: ArrayLike, features: Sequence[str]) -> Array:
    data = np.asarray(x, dtype=float)
    if data.ndim != 2 or data.shape[1] != len(features) or not data.size:
        raise ValueError(
            f"inputs need events and one label a column; x has shape {data.shape} and there are"
            f" {len(features)} labels."
        )
    return data


def _by_class(
    x: Array, y: ArrayLike | None, class_names: Sequence[str], weight: ArrayLike | None
) -> Iterator[tuple[str, str, Array, Array]]:
    """(name, colour, rows of x, weights) of each class that occurs; of all where none is named."""
    w = np.ones(len(x)) if weight is None else np.asarray(weight, dtype=float)
    if y is None or not class_names:
        yield "all events", COLOURS[0], x, w
        return
    labels = np.asarray(y)
    for k, (name, look) in enumerate((n, class_styles(class_names)[n]) for n in class_names):
        if (mine := labels == k).any():
            yield name, look.colour, x[mine], w[mine]


def _input_panel(
    ax: Axes, j: int, parts: Sequence[tuple[str, str, Array, Array]], column: Array
) -> None:
    finite = column[np.isfinite(column)]
    low, high = np.quantile(finite, [0.002, 0.998]) if len(finite) else (0.0, 1.0)
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, 31)
    for _, colour, x, w in parts:
        good = np.isfinite(x[:, j])
        counts, _ = np.histogram(np.clip(x[good, j], low, high), edges, weights=w[good])
        density = counts / max(counts.sum(), 1e-300)
        if len(parts) <= 3:
            ax.stairs(density, edges, fill=True, color=colour, alpha=0.18, linewidth=0)
        ax.stairs(density, edges, color=colour, linewidth=0.9)
    ax.set(xlim=(low, high))
    ax.set_ylim(bottom=0)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(4))


# Correlations -------------------------------------------------------------------------------------


def correlations(
    x: ArrayLike,
    features: Sequence[str],
    y: ArrayLike | None = None,
    class_names: Sequence[str] = (),
    weight: ArrayLike | None = None,
    narrow: bool = False,
) -> Figure:
    """Pearson's correlation of the features, one matrix a class, in percent.

    Parameters
    ----------
    x : (n, d)
    features : d names
        The first 16 are shown, and said to be; at most six classes.
    narrow : bool
        Half the width, one matrix a row.

    Raises
    ------
    ValueError
        No event, or names that do not fit the columns.
    """
    data = _matrix(x, features)
    shown = list(features)[:MOST_CORRELATED]
    parts = [p for p in _by_class(data, y, class_names, weight) if len(p[2]) > 1][:6]
    columns = 1 if narrow else min(len(parts), 2)
    rows = -(-len(parts) // max(columns, 1))
    side = min(3.4, 1.3 + 0.19 * len(shown))
    width = HALF if narrow else side * columns + 0.3
    figure, axes = new_figure(width, (side + 0.15) * rows, rows, max(columns, 1))
    for ax, (name, _, part, w) in zip(axes, parts, strict=False):
        _correlation_panel(ax, pearson(part[:, : len(shown)], w), shown)
        dress(ax, title=_shown_of(name, "the first {}", shown, features))
        _bare(ax)
    for ax in axes[len(parts) :]:
        ax.set_visible(False)
    return figure


def pearson(x: Array, w: Array) -> Array:
    """Weighted correlation matrix (d, d); 0 where a feature does not vary."""
    good = np.isfinite(x).all(axis=1)
    centred = x[good] - np.average(x[good], axis=0, weights=w[good])
    covariance = centred.T @ (centred * w[good, None])
    spread = np.sqrt(np.diag(covariance))
    scale = np.outer(spread, spread)
    return np.asarray(np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0))


def _correlation_panel(ax: Axes, r: Array, names: Sequence[str]) -> None:
    d = len(names)
    size = 7.0 if d <= 6 else 5.5 if d <= 11 else 4.2
    for i in range(d):
        for j in range(d):
            colour = COLOURS[0] if r[i, j] >= 0 else COLOURS[1]
            ax.add_patch(Rectangle((j, i), 0.96, 0.96, color=colour, linewidth=0,
                                   alpha=0.04 + 0.5 * abs(r[i, j])))  # fmt: skip
            text = f"{round(100 * r[i, j])}".replace("-", "−")
            ax.text(j + 0.48, i + 0.48, text, ha="center", va="center", fontsize=size, color=INK)
    ax.set(xlim=(0, d), ylim=(d, 0), aspect="equal")
    middle = np.arange(d) + 0.48
    ax.set_xticks(middle, [plain(short(n, 14)) for n in names], rotation=45, ha="right")
    ax.set_yticks(middle, [plain(short(n, 14)) for n in names])


def _bare(ax: Axes) -> None:
    ax.tick_params(length=0, labelsize=6.5)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
