"""Which settings were tried and what they brought; what more events would bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from baksan.report.plots.style import (
    COLOURS,
    FULL,
    HALF,
    INK,
    MUTED,
    dress,
    legend,
    log_axis,
    new_figure,
    numbers,
    plain,
    series,
    short,
)

Array = NDArray[Any]

__all__ = ["learning", "search"]


def search(
    trials: Mapping[str, Sequence[Any]],
    settings: Mapping[str, bool],
    importance: Mapping[str, float],
    metric: str,
    better: Literal["higher", "lower", "zero"],
    title: str = "",
    narrow: bool = False,
) -> Figure:
    """The figure of merit against the trial, what settings explain of it, and against each setting.

    Parameters
    ----------
    trials : mapping
        Columns number, state ('complete', 'pruned', 'failed'), value, and one for each setting.
    settings : mapping of str to bool
        The settings, and whether their axis is logarithmic.
    importance : mapping of str to float
        The share of the variance that each setting explains; empty if it is not known.
    metric : str
        What the figure is called.
    better : 'higher', 'lower' or 'zero'
    title : str
    narrow : bool
        Half the width, panels one below the other.

    Raises
    ------
    ValueError
        No trial has a value.
    """
    number, value = numbers(trials["number"]), numbers(trials["value"])
    state = np.array(trials["state"])
    whole = np.isfinite(value)
    if not whole.any():
        raise ValueError("a picture of a search needs a complete trial; there is none.")
    columns = 1 if narrow else 3
    panels = 1 + bool(importance) + len(settings)
    rows = -(-panels // columns)
    figure, axes = new_figure(HALF if narrow else FULL, 0.5 + 1.75 * rows, rows, columns)
    window = _window(value[whole], better)
    told = _history(axes[0], number, value, state, better, window)
    dress(axes[0], x="trial", y=metric)
    if importance:
        _shares(axes[1], settings, importance)
    worth = {"higher": value, "lower": -value, "zero": -np.abs(value)}[better]
    best = int(np.nanargmax(worth))
    slices = axes[1 + bool(importance) : panels]
    for ax, (name, log) in zip(slices, settings.items(), strict=True):
        _slice(ax, list(trials[name]), value, number, best, window)
        ax.set_ylim(*window)
        dress(ax, x=short(name, 28), y=metric)
        if log:
            x = numbers(trials[name])
            room = max(1.05, (x.max() / x.min()) ** 0.06)
            ax.set_xlim(x.min() / room, x.max() * room)
            log_axis(ax, "x")
    for ax in axes[panels:]:
        ax.remove()
    legend(figure, told, columns=2 if narrow else 5, title=title)
    return figure


def _window(values: Array, better: str) -> tuple[float, float]:
    """What the axis shows: twice the span of the better three quarters of the values, at most.

    A few settings that are very bad must not press the others flat.
    """
    low, high = float(values.min()), float(values.max())
    if better == "higher":
        low = max(low, high - 2 * (high - float(np.quantile(values, 0.25))))
    elif better == "lower":
        high = min(high, low + 2 * (float(np.quantile(values, 0.75)) - low))
    margin = 0.1 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def _history(
    ax: Axes,
    number: Array,
    value: Array,
    state: Array,
    better: str,
    window: tuple[float, float],
) -> list[Line2D]:
    """Values in the order of the trials, with the best so far; trials without one at the edge.

    Gives the entries of the legend.
    """
    whole, edge = np.isfinite(value), 0.03 * (window[1] - window[0])
    outside = whole & ((value < window[0]) | (value > window[1]))
    known: dict[str, tuple[Array, dict[str, Any]]] = {
        "complete": (whole & ~outside, {"marker": "o", "color": COLOURS[0]}),
        "complete, beyond the axis": (outside, {"marker": "D", "color": COLOURS[0], "mfc": "none"}),
        "stopped early": (state == "pruned", {"marker": "v", "color": MUTED}),
        "failed": (state == "failed", {"marker": "x", "color": COLOURS[1]}),
    }
    told, worst = [], window[better == "lower"]
    for label, (these, look) in known.items():
        if these.any():
            at = np.clip(
                np.where(np.isfinite(value[these]), value[these], worst),
                window[0] + edge, window[1] - edge,
            )  # fmt: skip
            ax.plot(number[these] + 1, at, linestyle="", ms=3.5, **look)
            told.append(Line2D([], [], linestyle="", ms=3.5, label=label, **look))
    best, end = _so_far(value[whole], better), number.max() + 1
    ax.step([*(number[whole] + 1), end], [*best, best[-1]], where="post", color=INK, linewidth=1)
    ax.set_ylim(*window)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return [*told, Line2D([], [], color=INK, linewidth=1, label="best so far")]


def _so_far(values: Array, better: str) -> Array:
    """The best value up to each."""
    if better == "zero":
        places = [int(np.argmin(np.abs(values[: k + 1]))) for k in range(len(values))]
        return np.asarray(values[places])
    top = np.maximum if better == "higher" else np.minimum
    return np.asarray(top.accumulate(values))


def _shares(ax: Axes, settings: Mapping[str, bool], importance: Mapping[str, float]) -> None:
    """Bars, the longest on top."""
    names = sorted(settings, key=lambda name: importance.get(name, 0.0))
    share = [100 * importance.get(name, 0.0) for name in names]
    ax.barh(range(len(names)), share, color=COLOURS[0], height=0.6)
    ax.set_yticks(range(len(names)), [plain(short(name, 18)) for name in names])
    ax.set_xlim(0, max([*share, 1.0]) * 1.08)
    dress(ax, x="explains, % of the variance")
    ax.tick_params(axis="y", length=0, labelsize=7)


def _slice(
    ax: Axes,
    chosen: list[Any],
    value: Array,
    number: Array,
    best: int,
    window: tuple[float, float],
) -> None:
    """The values against one setting, late trials darker; the best has a ring."""
    names = sorted({str(v) for v in chosen}) if isinstance(chosen[0], str | bool) else []
    x = np.array([names.index(str(v)) for v in chosen]) if names else numbers(chosen)
    shown = np.isfinite(value) & (value >= window[0]) & (value <= window[1])
    depth = 0.35 + 0.65 * number[shown] / max(number.max(), 1)
    ax.scatter(x[shown], value[shown], s=11, color=COLOURS[0], alpha=depth, linewidth=0)
    ax.plot(x[best], value[best], "o", ms=7, mfc="none", mec=COLOURS[1], mew=1.2)
    if names:
        ax.set_xticks(range(len(names)), [plain(short(name, 14)) for name in names])
        ax.set_xlim(-0.5, len(names) - 0.5)


# Learning curves ----------------------------------------------------------------------------------


def learning(
    curves: Mapping[str, Mapping[str, Any]],
    metric: str,
    unit: str = "",
    title: str = "",
    narrow: bool = False,
) -> Figure:
    """The figure of merit on training and test events against the number of training events.

    Parameters
    ----------
    curves : {name: {n, test, test_error, train, train_error, law, gain}}
        Lists over the sizes; `law` a function of n or None; `gain` what twice as many events would
        bring and its error, or None. The laws are drawn on to twice the largest size.
    metric, unit : str
    title : str
    narrow : bool
        Half the width.

    Raises
    ------
    ValueError
        No curve.
    """
    if not curves:
        raise ValueError("a picture of learning needs a curve; there is none.")
    figure, (ax,) = new_figure(HALF if narrow else 0.75 * FULL, 3.2)
    styles = series(curves)
    for name, curve in curves.items():
        style, n = styles[name], numbers(curve["n"])
        look: dict[str, Any] = {"color": style.colour, "marker": style.marker, "ms": 4}
        ax.errorbar(n, curve["test"], curve["test_error"], linestyle="", capsize=2, **look)
        ax.plot(n, curve["train"], color=style.colour, linewidth=0.9, linestyle=(0, (1, 1.5)))
        _law(ax, curve["law"], n, style.colour)
    named: dict[str, dict[str, Any]] = {
        n: {"color": styles[n].colour, "marker": styles[n].marker, "ms": 4} for n in curves
    }
    handles = [Line2D([], [], linestyle="", label=plain(n), **look) for n, look in named.items()]
    dotted: dict[str, Any] = {"linewidth": 0.9, "linestyle": (0, (1, 1.5))}
    handles += [
        Line2D([], [], color=MUTED, label="training events", **dotted),
        Line2D([], [], color=MUTED, label="a + b n⁻ᶜ"),
    ]
    dress(ax, x="training events", y=f"{metric} [{unit}]" if unit else metric)
    log_axis(ax, "x")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
    legend(figure, handles, columns=2 if narrow else 4, title=title)
    return figure


def _law(ax: Axes, law: Callable[[Any], Any] | None, n: Array, colour: str) -> None:
    """Through the sizes as a line, beyond them dashed to a hollow point at twice the last."""
    if law is None:
        return
    inside, beyond = np.geomspace(n[0], n[-1], 80), np.geomspace(n[-1], 2 * n[-1], 20)
    ax.plot(inside, law(inside), color=colour, linewidth=1.4)
    ax.plot(beyond, law(beyond), color=colour, linewidth=1.2, linestyle=(0, (4, 2)))
    ax.plot(beyond[-1:], law(beyond[-1:]), "o", ms=4.5, mfc="none", mec=colour)
