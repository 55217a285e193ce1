"""How the loss comes down: iteration by iteration, for small and for big steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from baksan.report.plots.style import (
    COLOURS,
    FULL,
    INK,
    MUTED,
    Series,
    dress,
    heading,
    legend,
    log_axis,
    new_figure,
    numbers,
    plain,
    series,
)

Array = NDArray[Any]
History = Mapping[str, ArrayLike]

__all__ = ["has_points", "loss_against_iteration", "loss_over_weight", "small_and_big_steps"]

_AXIS = {"step": "iterations (steps)", "seen": "samples seen", "epoch": "epochs"}


def loss_against_iteration(
    histories: Mapping[str, History],
    optimum: float | None = None,
    title: str = "",
    against: Literal["step", "seen", "epoch"] = "step",
    styles: Mapping[str, Series] | None = None,
) -> Figure:
    """Q against iteration for one or several descents, and their distance to the exact minimum.

    Parameters
    ----------
    histories : {name: {step, seen, epoch, loss, loss_progressive, validation}}
        Columns of one length each; missing columns and values are left out of the picture.
    optimum : float, optional
        Q*, the exact minimum of the training loss; with it a second panel shows Q − Q*.
    title : str
    against : 'step', 'seen' (samples seen) or 'epoch'
        The horizontal axis; logarithmic, so that a row at 0 is not shown.
    styles : {name: Series}, optional
        Colours; `series(histories)` if left out.

    Raises
    ------
    ValueError
        No history has a row with a loss.
    """
    drawn = {name: h for name, h in histories.items() if has_points(h, against)}
    if not drawn:
        raise ValueError(
            f"a picture of the loss needs a history with {against!r} above 0 and a loss;"
            f" there is none in {', '.join(histories) or 'an empty mapping'}. Train by descent."
        )
    styles = styles or series(drawn)
    panels = 1 if optimum is None else 2
    width = FULL if panels == 2 else 0.72 * FULL
    figure, axes = new_figure(width, 3.3, 1, panels)
    for name, history in drawn.items():
        _descent(axes[0], history, against, styles[name])
    if optimum is not None:
        axes[0].axhline(optimum, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
        _distances(axes[1], drawn, optimum, against, styles)
    dress(axes[0], x=_AXIS[against], y="loss Q", title=title)
    _frame(axes[0], drawn)
    _log_axes(axes[0], _top([numbers(h.get("loss")) for h in drawn.values()]))
    columns = 3 if panels == 2 else 2
    legend(figure, _legend_entries(drawn, styles, optimum), columns=columns)
    return figure


def has_points(history: History, against: str = "step") -> bool:
    """Whether a history has a row that a logarithmic axis can show."""
    x = numbers(history.get(against))
    columns = [numbers(history.get(c)) for c in ("loss", "loss_progressive")]
    return any(len(x) == len(y) and bool(np.any(np.isfinite(y) & (x > 0))) for y in columns)


def _descent(ax: Axes, history: History, against: str, style: Series) -> None:
    """Three lines of one run: progressive (faint), Q (full), validation (dashed)."""
    faint = {"linewidth": 0.7, "alpha": 0.25, "zorder": 2}
    _line(ax, history, against, "loss_progressive", style, **faint)
    _line(ax, history, against, "loss", style, zorder=4)
    _line(ax, history, against, "validation", style, linestyle=(0, (4, 2)), linewidth=1, zorder=3)


def _line(
    ax: Axes, history: History, against: str, column: str, style: Series, **look: Any
) -> None:
    x, y = numbers(history.get(against)), numbers(history.get(column))
    if len(x) != len(y):
        return
    good = np.isfinite(y) & (x > 0)
    if good.any():
        settings = {"color": style.colour, "linestyle": style.dash, **look}
        if good.sum() == 1:
            settings |= {"marker": style.marker}
        ax.plot(x[good], y[good], **settings)


def _distances(
    ax: Axes,
    histories: Mapping[str, History],
    optimum: float,
    against: str,
    styles: Mapping[str, Series],
) -> None:
    for name, history in histories.items():
        x, y = numbers(history.get(against)), numbers(history.get("loss"))
        if len(x) != len(y):
            continue
        gap = y - optimum
        good = np.isfinite(gap) & (gap > 0) & (x > 0)
        style = styles[name]
        ax.plot(x[good], gap[good], color=style.colour, linestyle=style.dash)
    dress(ax, x=_AXIS[against], y="distance to the exact minimum, Q − Q*")
    _log_axes(ax, _top([numbers(h.get("loss")) - optimum for h in histories.values()]))


def _frame(ax: Axes, histories: Mapping[str, History]) -> None:
    """The panel is as high as Q and the validation loss need; single batches may leave it."""
    held = [numbers(h.get(c)) for h in histories.values() for c in ("loss", "validation")]
    values = np.concatenate([v[np.isfinite(v)] for v in held]) if held else np.empty(0)
    if len(values) and values.min() < values.max():
        room = 0.08 * (values.max() - values.min())
        ax.set_ylim(values.min() - min(room, 0.5 * abs(values.min())), values.max() + room)


def _top(losses: Sequence[Array]) -> float:
    """A run that explodes must not press the others flat: 30 times the highest start is enough."""
    starts = [abs(float(y[np.isfinite(y)][0])) for y in losses if np.isfinite(y).any()]
    return 30 * max(starts, default=0.0) or np.inf


def _log_axes(ax: Axes, top: float = np.inf) -> None:
    """Logarithmic axes, y where the drawn values are positive (the margin loss is not)."""
    if not ax.lines:
        return
    log_axis(ax, "x")
    if all((np.asarray(line.get_ydata(), dtype=float) > 0).all() for line in ax.lines):
        log_axis(ax, "y", top)
    elif ax.get_ylim()[1] > top:
        ax.set_ylim(top=top)


def _legend_entries(
    histories: Mapping[str, History], styles: Mapping[str, Series], optimum: float | None
) -> list[Line2D]:
    entries = [
        Line2D([], [], color=styles[n].colour, linestyle=styles[n].dash, label=plain(n))
        for n in histories
    ]
    held = {c for h in histories.values() for c, v in h.items() if np.isfinite(numbers(v)).any()}
    keys: dict[str, tuple[str, dict[str, Any]]] = {
        "loss": ("Q on the training sample", {"linestyle": "-"}),
        "loss_progressive": ("progressive: before each step", {"linewidth": 0.8, "alpha": 0.5}),
        "validation": ("validation", {"linestyle": (0, (4, 2)), "linewidth": 1}),
    }
    kinds = [keys[c] for c in keys if c in held]
    if len(kinds) > 1:
        entries += [Line2D([], [], color=MUTED, label=text, **look) for text, look in kinds]
    if optimum is not None:
        entries.append(Line2D([], [], color=INK, linewidth=0.8, linestyle=(0, (1, 2)),
                              label=f"exact minimum Q* = {optimum:.6g}"))  # fmt: skip
    return entries


# Small steps, big steps ---------------------------------------------------------------------------


def small_and_big_steps(
    runs: Sequence[Mapping[str, Any]], limit: float | None = None, title: str = ""
) -> Figure:
    """Loss against step for several rates, and the loss reached against the rate.

    Parameters
    ----------
    runs : [{label, rate, step or seen, loss}]
        One descent for each rate, from far too small to diverging.
    limit : float, optional
        The stability limit 2/L of gradient descent; runs above it are drawn in the warm colour.
    title : str

    Raises
    ------
    ValueError
        No run has a finite loss.
    """
    runs = sorted((r for r in runs if np.isfinite(numbers(r.get("loss"))).any()), key=_rate)
    if not runs:
        raise ValueError("a picture of steps needs a run with a finite loss; there is none.")
    figure, (left, right) = new_figure(FULL, 3.3, 1, 2)
    looks = _rate_looks([_rate(r) for r in runs], limit)
    for run, look in zip(runs, looks, strict=True):
        x, y = _abscissa(run), numbers(run["loss"])
        left.plot(x[x > 0], y[x > 0], **look)
    by = "step" if any(len(numbers(r.get("step"))) for r in runs) else "seen"
    dress(left, x=_AXIS[by], y="loss Q", title=title)
    _log_axes(left, _top([numbers(r["loss"]) for r in runs]))
    labels = [str(r.get("label") or f"rate {_rate(r):.3g}") for r in runs]
    handles = [Line2D([], [], label=plain(t), **k) for t, k in zip(labels, looks, strict=True)]
    legend(figure, handles, columns=min(5, len(handles)))
    _valley(right, runs, looks, limit)
    return figure


def _rate(run: Mapping[str, Any]) -> float:
    return float(run["rate"])


def _abscissa(run: Mapping[str, Any]) -> Array:
    x = numbers(run.get("step"))
    return x if len(x) else numbers(run.get("seen"))


def _rate_looks(rates: Sequence[float], limit: float | None) -> list[dict[str, Any]]:
    """Stable rates in one colour, darker as they grow; unstable ones in another, dashed."""
    stable = [r for r in rates if limit is None or r < limit]
    looks: list[dict[str, Any]] = []
    for k, rate in enumerate(rates):
        if rate in stable:
            depth = 0.3 + 0.7 * k / max(len(stable) - 1, 1)
            looks.append({"color": COLOURS[0], "alpha": depth, "linewidth": 0.9 + 0.7 * depth})
        else:
            looks.append({"color": COLOURS[1], "linestyle": (0, (4, 1.5)), "linewidth": 1.2})
    return looks


def _valley(
    ax: Axes,
    runs: Sequence[Mapping[str, Any]],
    looks: Sequence[dict[str, Any]],
    limit: float | None,
) -> None:
    """The loss at the end of each run against its rate."""
    rates = np.array([_rate(r) for r in runs])
    start = max(numbers(r["loss"])[0] for r in runs)
    reached = np.array([numbers(r["loss"])[-1] for r in runs])
    shown = np.where(np.isfinite(reached), np.minimum(reached, 10 * abs(start)), 10 * abs(start))
    ax.plot(rates, shown, color=MUTED, linewidth=0.7, zorder=1)
    for rate, value, true, look in zip(rates, shown, reached, looks, strict=True):
        marker = "o" if value == true else "^"
        ax.plot([rate], [value], marker, color=look["color"], alpha=look.get("alpha", 1), ms=5)
    dress(ax, x="rate (step size)", y="loss Q at the end")
    _log_axes(ax)
    if limit is not None:
        ax.axvline(limit, color=INK, linewidth=0.8, linestyle=(0, (1, 2)))
        ax.annotate(
            "2/L", (limit, 1), xycoords=("data", "axes fraction"), xytext=(-3, -2), ha="right",
            va="top", textcoords="offset points", fontsize=8, color=INK,
        )  # fmt: skip


def loss_over_weight(
    weight: ArrayLike,
    loss: ArrayLike,
    paths: Sequence[Mapping[str, Any]],
    label: str = "weight w",
    title: str = "",
) -> Figure:
    """The parabola Q(w) of one weight with the path that each descent walks on it.

    Parameters
    ----------
    weight, loss : (m,)
        The curve.
    paths : [{label, weight, loss}]
        The steps of each descent, in order; three or four paths read best.
    label : str
        What the weight is, with its unit.
    """
    figure, axes = new_figure(FULL, 2.6, 1, max(len(paths), 1), sharex=True, sharey=True)
    w, q = numbers(weight), numbers(loss)
    for ax, path, colour in zip(axes, paths, COLOURS, strict=False):
        ax.plot(w, q, color=MUTED, linewidth=1)
        ax.plot(numbers(path["weight"]), numbers(path["loss"]), "o-", color=colour, ms=3, lw=0.9)
        ax.plot(numbers(path["weight"])[:1], numbers(path["loss"])[:1], "o", color=INK, ms=4.5)
        dress(ax, x=label, title=str(path.get("label", "")))
    spread = 0.05 * (q.max() - q.min())
    axes[0].set(xlim=(w.min(), w.max()), ylim=(q.min() - spread, q.max() + spread))
    dress(axes[0], y="loss Q")
    heading(figure, title)
    return figure
