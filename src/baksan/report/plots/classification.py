"""Scores, ROC, calibration and confusion: how well classes are told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from baksan.report.plots.style import (
    COLOURS,
    FULL,
    HALF,
    INK,
    MUTED,
    Series,
    coinciding,
    dress,
    legend,
    log_axis,
    new_figure,
    numbers,
    plain,
    series,
    short,
    taking_turns,
)

Array = NDArray[Any]
Part = Mapping[str, Any]

__all__ = [
    "MOST_CLASSES", "calibration", "class_styles", "confusion", "roc", "same_calibration",
    "same_roc", "scores",
]  # fmt: skip

MOST_CLASSES = 12
_BINS = 40
_FEW_SCORES = 1000
_LINE_WIDTH = 0.006
"""Of the height of a picture: curves that are nearer than this lie on each other."""


def class_styles(class_names: Sequence[str]) -> dict[str, Series]:
    """Colours of the classes; of two, the background is warm and the signal blue, as in TMVA."""
    names = list(class_names)
    return series(names[::-1] if len(names) == 2 else names)


# Scores, train over test --------------------------------------------------------------------------


def scores(
    train: Part,
    test: Part,
    class_names: Sequence[str],
    p_values: Sequence[float | None] = (),
    title: str = "",
    compared: Sequence[Sequence[int]] = (),
    narrow: bool = False,
) -> Figure:
    """The score of each class: test as a histogram, train as points with errors.

    Parameters
    ----------
    train, test : {score (n,) or (n, K), y (n,), weight (n,) or None}
        With K ≥ 3 classes there is one panel a class: its own score for its events and the rest;
        at most the first 12 classes are shown.
    class_names : sequence of str
    p_values : (K,), optional
        For each class p of the Kolmogorov-Smirnov test of train against test; printed.
    compared : (K, 2), optional
        How many events of the class that test compared, in train and in test; printed.
    narrow : bool
        Half the width, two panels a row, for K ≥ 3.

    Raises
    ------
    ValueError
        No test event.
    """
    s = np.asarray(test["score"], dtype=float)
    if not len(s):
        raise ValueError("a picture of scores needs test events; there are none.")
    events = [*compared, *[()] * len(p_values)]
    said = [_p_value(p, n) for p, n in zip(p_values, events, strict=False)]
    said += [""] * len(class_names)
    if s.ndim == 1:
        figure, (ax,) = new_figure(HALF, 2.75)
        styles = class_styles(class_names)
        colours = [styles[name].colour for name in class_names]
        _score_panel(ax, train, test, colours, title)
        labels = [
            f"{short(c, 14 if compared else 22)}, {p}" if p else c
            for c, p in zip(class_names, said, strict=False)
        ]
        ax.set_ylim(0, 1.45 * ax.get_ylim()[1])
        legend(ax, _score_handles(labels, colours), columns=2)
        return figure
    shown = list(class_names)[:MOST_CLASSES]
    columns = min(len(shown), 2 if narrow else 3)
    rows = -(-len(shown) // columns)
    figure, axes = new_figure(HALF if narrow else FULL, 0.6 + 1.9 * rows, rows, columns)
    colours = [COLOURS[1], COLOURS[0]]
    for k, (ax, name) in enumerate(zip(axes, shown, strict=False)):
        one, two = (_one_against_rest(part, k) for part in (train, test))
        _score_panel(ax, one, two, colours, short(name, 20))
        if said[k]:
            ax.set_ylim(0, 1.2 * ax.get_ylim()[1])
            ax.text(0.99, 0.99, said[k], ha="right", va="top", fontsize=6.5, color=INK,
                    transform=ax.transAxes)  # fmt: skip
    for ax in axes[len(shown) :]:
        ax.set_visible(False)
    handles = _score_handles(["all others", "the class"], colours)
    legend(figure, handles, columns=2 if narrow else 4, title=title)
    return figure


def _one_against_rest(part: Part, k: int) -> dict[str, Any]:
    y = (np.asarray(part["y"]) == k).astype(int)
    return {"score": np.asarray(part["score"])[:, k], "y": y, "weight": part.get("weight")}


def _score_panel(ax: Axes, train: Part, test: Part, colours: Sequence[str], title: str) -> None:
    edges = _score_edges(*(np.asarray(part["score"], dtype=float) for part in (test, train)))
    for k, colour in enumerate(colours):
        _, density, _ = _density(test, k, edges)
        ax.stairs(density, edges, fill=True, color=colour, alpha=0.22, linewidth=0)
        ax.stairs(density, edges, color=colour, linewidth=1)
        middle, density, error = _density(train, k, edges)
        seen = density > 0
        ax.errorbar(middle[seen], density[seen], error[seen], fmt="o", ms=2.2, color=colour,
                    elinewidth=0.7)  # fmt: skip
    ax.set(xlim=(edges[0], edges[-1]))
    ax.set_ylim(bottom=0)
    dress(ax, x="score", y="density", title=title)


def _score_handles(labels: Sequence[str], colours: Sequence[str]) -> list[Any]:
    return [
        *(Patch(facecolor=colour, alpha=0.6, label=plain(text))
          for text, colour in zip(labels, colours, strict=True)),
        Patch(facecolor=MUTED, alpha=0.35, label="test"),
        Line2D([], [], marker="o", ms=2.5, color=MUTED, linewidth=0.8, label="train"),
    ]  # fmt: skip


def _p_value(p: float | None, compared: Sequence[int] = ()) -> str:
    if p is None or not np.isfinite(p):
        return ""
    events = f" ({compared[0]:,} / {compared[1]:,})" if compared else ""
    return (f"KS p = {p:.2g}" if p >= 0.001 else "KS p < 0.001") + events


def _score_edges(test: Array, train: Array) -> Array:
    """Bins over all but the outermost thousandth; what lies beyond goes into the end bins.

    Where scores are whole multiples of one step, as numbers of cuts or shares of trees are, each
    bin holds the same number of them; where there are only a few others, each has its own bin.
    """
    low, high = np.quantile(test, [0.001, 0.999])
    values = np.unique(np.concatenate([test, train]))
    if not 1 < len(values) <= _FEW_SCORES or not high > low:
        low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
        return np.linspace(low, high, _BINS + 1)
    reach = values[-1] - values[0]
    step = reach / round(reach / np.diff(values).min())
    places = (values - values[0]) / step
    if np.abs(places - np.round(places)).max() < 0.02:
        first, last = (round((end - values[0]) / step) for end in (low, high))
        each = -(-(last - first + 1) // _BINS)
        bins = -(-(last - first + 1) // each)
        return np.asarray(values[0] + step * (first - 0.5 + each * np.arange(bins + 1)))
    if len(values) <= _BINS:
        middle = 0.5 * (values[1:] + values[:-1])
        return np.array([2 * values[0] - middle[0], *middle, 2 * values[-1] - middle[-1]])
    return np.linspace(low, high, _BINS + 1)


def _density(part: Part, k: int, edges: Array) -> tuple[Array, Array, Array]:
    """Bin centres, density of class k and its error √Σw² / (Σw · width), (bins,) each."""
    score, y = np.asarray(part["score"], dtype=float), np.asarray(part["y"])
    weight = part.get("weight")
    w = np.ones(len(score)) if weight is None else np.asarray(weight, dtype=float)
    s = np.clip(score[y == k], edges[0], edges[-1])
    w = w[y == k]
    middle, area = 0.5 * (edges[1:] + edges[:-1]), max(w.sum(), 1e-300) * np.diff(edges)
    height = np.histogram(s, edges, weights=w)[0] / area
    error = np.sqrt(np.histogram(s, edges, weights=w * w)[0]) / area
    return middle, height, error


# ROC ----------------------------------------------------------------------------------------------


def roc(
    curves: Mapping[str, Mapping[str, ArrayLike]],
    styles: Mapping[str, Series] | None = None,
    title: str = "",
    narrow: bool = False,
) -> Figure:
    """Signal efficiency against background efficiency, the latter logarithmic.

    Parameters
    ----------
    curves : {name: {background, signal, low, high}}
        Efficiencies (m,) each; `low` and `high` (68 % of the signal efficiency) may be missing.
        Points without background left are not shown.
    narrow : bool
        Half the width, for one panel of several.

    Raises
    ------
    ValueError
        There is no curve.
    """
    if not curves:
        raise ValueError("a ROC picture needs a curve; there is none. Give scores of two classes.")
    styles = styles or series(curves)
    looks = taking_turns(styles, same_roc(curves))
    figure, axes = new_figure(HALF if narrow else 0.72 * FULL, 2.9 if narrow else 3.7)
    ax = axes[0]
    smallest = []
    for name, curve in curves.items():
        background, signal = numbers(curve["background"]), numbers(curve["signal"])
        good = (background > 0) & np.isfinite(signal)
        smallest.append(background[good].min(initial=1.0))
        look = looks[name]
        ax.plot(background[good], signal[good], color=look.colour, linestyle=look.dash,
                dash_capstyle="butt")  # fmt: skip
        if len(numbers(curve.get("low"))) == len(background):
            low, high = numbers(curve["low"]), numbers(curve["high"])
            ax.fill_between(background[good], low[good], high[good], color=look.colour,
                            alpha=0.18, linewidth=0)  # fmt: skip
    floor = max(min(smallest), 1e-5)
    guess = np.geomspace(floor, 1, 100)
    chance: Any = {"color": MUTED, "linewidth": 0.8, "linestyle": (0, (1, 2))}
    ax.plot(guess, guess, **chance)
    ax.set(xlim=(floor, 1), ylim=(0, 1.005))
    log_axis(ax, "x")
    dress(ax, x="background efficiency", y="signal efficiency", title=title)
    handles = [
        Line2D([], [], color=styles[n].colour, linestyle=styles[n].dash, label=plain(n))
        for n in curves
    ]
    handles.append(Line2D([], [], **chance, label="guessing"))
    legend(figure, handles, columns=2 if narrow else 4)
    return figure


def same_roc(curves: Mapping[str, Mapping[str, ArrayLike]]) -> list[list[str]]:
    """The names in groups: the curves of a group lie on each other; `roc` lets them take turns."""
    points = {n: np.stack([numbers(c["background"]), numbers(c["signal"])])
              for n, c in curves.items()}  # fmt: skip
    return coinciding(points, _LINE_WIDTH)


# Calibration --------------------------------------------------------------------------------------


def calibration(
    curves: Mapping[str, Mapping[str, ArrayLike]],
    styles: Mapping[str, Series] | None = None,
    title: str = "",
    events: str = "events",
    narrow: bool = False,
) -> Figure:
    """What the probabilities promise against what happens, with bin errors and bin counts.

    Parameters
    ----------
    curves : {name: {predicted, observed, low, high, weight}}
        One entry a bin, (bins,) each; `low`, `high` (68 % of observed) and `weight` (events behind
        it) may be missing.
    events : str
        What `weight` counts: events, or Σw.
    narrow : bool
        Half the width, for a narrow screen.

    Raises
    ------
    ValueError
        There is no curve.
    """
    if not curves:
        raise ValueError("a calibration picture needs probabilities; no method gives them.")
    styles = styles or series(curves)
    groups = same_calibration(curves)
    looks = taking_turns(styles, groups)
    # Of points on each other the last is full, the others are hollow and larger.
    below = {n: len(g) - 1 - k for g in groups for k, n in enumerate(g)}
    figure, (top, bottom) = new_figure(
        HALF if narrow else 0.72 * FULL, 4.3, 2, 1, sharex=True,
        gridspec_kw={"height_ratios": (4, 1)},
    )  # fmt: skip
    top.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    for name, curve in curves.items():
        look = looks[name]
        p, observed = numbers(curve["predicted"]), numbers(curve["observed"])
        errors = None
        if len(numbers(curve.get("low"))) == len(p):
            low, high = numbers(curve["low"]), numbers(curve["high"])
            errors = np.maximum(np.stack([observed - low, high - observed]), 0)
        point: Any = {"ms": 3.5 + 2.4 * below[name], "color": look.colour,
                      "mfc": "none" if below[name] else look.colour, "mew": 0.9}  # fmt: skip
        top.errorbar(p, observed, errors, fmt=look.marker, linestyle=look.dash, lw=0.8,
                     elinewidth=0.8, **point)  # fmt: skip
        if len(counts := numbers(curve.get("weight"))) == len(p):
            bottom.plot(p, counts, marker=look.marker, linestyle="none", **point)
    top.set(xlim=(-0.01, 1.01), ylim=(-0.02, 1.02))
    dress(top, y="observed share", title=title)
    dress(bottom, x="predicted probability", y=events)
    bottom.set_ylim(0, 1.3 * bottom.get_ylim()[1])
    bottom.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    handles = [
        Line2D(
            [], [], color=styles[n].colour, marker=styles[n].marker, lw=0.8, ms=3.5, label=plain(n)
        )
        for n in curves
    ]
    legend(top, handles, loc="upper left")
    return figure


def same_calibration(curves: Mapping[str, Mapping[str, ArrayLike]]) -> list[list[str]]:
    """The names in groups: the points of a group lie on each other."""
    points = {n: np.stack([numbers(c["predicted"]), numbers(c["observed"])])
              for n, c in curves.items()}  # fmt: skip
    return coinciding(points, 2 * _LINE_WIDTH)


# Confusion ----------------------------------------------------------------------------------------


def confusion(counts: ArrayLike, class_names: Sequence[str], title: str = "") -> Figure:
    """The confusion matrix: rows are true classes; each cell has its count and share of the row.

    Parameters
    ----------
    counts : (K, K)
        counts[i, j] events of class i were put into class j. Above 12 classes the cells carry no
        text, only their shade.

    Raises
    ------
    ValueError
        The matrix does not fit the names.
    """
    matrix = np.asarray(counts, dtype=float)
    k = len(class_names)
    if matrix.shape != (k, k) or not k:
        raise ValueError(f"{k} classes need counts of shape ({k}, {k}); they are {matrix.shape}.")
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1e-300)
    wide = k > 5
    figure, axes = new_figure(FULL if wide else HALF, 5.4 if wide else 1.2 + 0.5 * k)
    ax = axes[0]
    size = 8.0 if k <= 3 else 7.0 if k <= 8 else 6.0
    for i in range(k):
        for j in range(k):
            colour = COLOURS[0] if i == j else COLOURS[1]
            shade = {"color": colour, "alpha": 0.05 + 0.45 * share[i, j], "linewidth": 0}
            ax.add_patch(Rectangle((j, i), 0.97, 0.97, **shade))
            if k <= MOST_CLASSES:
                text = f"{_count(matrix[i, j])}\n{_percent(share[i, j])}"
                ax.text(j + 0.49, i + 0.49, text, ha="center", va="center", fontsize=size,
                        color=INK, linespacing=1.25)  # fmt: skip
    ax.set(xlim=(0, k), ylim=(k, 0))
    middle = np.arange(k) + 0.49
    labels = [plain(short(n, 13)) for n in class_names]
    turned = sum(map(len, labels)) > (90 if wide else 34)
    ax.set_xticks(middle, labels, rotation=40 if turned else 0, ha="right" if turned else "center")
    ax.set_yticks(middle, labels)
    dress(ax, x="predicted class", y="true class", title=title)
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    return figure


def _count(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if 0 < share < 0.9995 else f"{100 * share:.0f} %"
