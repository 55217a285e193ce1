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
    numbers,
    plain,
    row_of,
    series,
)

Array = NDArray[Any]
History = Mapping[str, ArrayLike]
Lines = Mapping[str, tuple[Array, Array]]

__all__ = [
    "drawn_lines", "full_batch", "loss_against_iteration", "loss_against_rate", "loss_over_weight",
    "off_scale", "samples_per_step", "small_and_big_steps",
]  # fmt: skip

_AXIS = {"step": "iterations (steps)", "seen": "samples seen", "epoch": "epochs"}
_KINDS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "loss": ("Q on the training sample", {"zorder": 4}),
    "loss_progressive": ("progressive: before each step", {"linewidth": 0.7, "alpha": 0.35}),
    "validation": ("validation", {"linestyle": (0, (4, 2)), "linewidth": 1, "zorder": 3}),
}


def loss_against_iteration(
    histories: Mapping[str, History],
    optimum: float | None = None,
    title: str = "",
    against: Literal["step", "seen", "epoch"] = "step",
    styles: Mapping[str, Series] | None = None,
    narrow: bool = False,
) -> Figure:
    """Q against iteration for one or several descents, and their distance to the exact minimum.

    Q of a full-batch descent is that which the step found; it is drawn at the step before, where
    the validation loss speaks of the same model.

    Parameters
    ----------
    histories : {name: {step, seen, epoch, loss, loss_progressive, validation}}
        Columns of one length each; missing columns and values are left out of the picture.
    optimum : float, optional
        Q*, the exact minimum of the training loss; with it a second panel shows Q − Q*.
    title : str
    against : 'step', 'seen' (samples seen) or 'epoch'
        The horizontal axis; logarithmic, so that what belongs to 0 is not shown.
    styles : {name: Series}, optional
        Colours; `series(histories)` if left out.
    narrow : bool
        Half the width, the second panel below the first.

    Raises
    ------
    ValueError
        No history has a row with a loss.
    """
    drawn = {name: lines for name, h in histories.items() if (lines := drawn_lines(h, against))}
    if not drawn:
        raise ValueError(
            f"a picture of the loss needs a history with {against!r} above 0 and a loss;"
            f" there is none in {', '.join(histories) or 'an empty mapping'}."
            " Train by descent, two steps or more."
        )
    styles = styles or series(drawn)
    panels = 1 if optimum is None else 2
    figure, axes = row_of(panels, 3.3, FULL if panels == 2 else 0.72 * FULL, narrow)
    for name, lines in drawn.items():
        for column, (x, y) in lines.items():
            _line(axes[0], x, y, styles[name], **_KINDS[column][1])
    if optimum is not None:
        axes[0].axhline(optimum, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
        _distances(axes[1], drawn, optimum, styles)
        dress(axes[1], x=_AXIS[against], y="distance to the exact minimum, Q − Q*")
        _log_axes(axes[1], _top([numbers(histories[n].get("loss")) - optimum for n in drawn]))
    dress(axes[0], x=_AXIS[against], y="loss Q", title=title)
    _frame(axes[0], drawn)
    _log_axes(axes[0], _top([numbers(histories[n].get("loss")) for n in drawn]))
    columns = 3 if panels == 2 and not narrow else 2
    legend(figure, _legend_entries(drawn, styles, optimum), columns=columns)
    return figure


def loss_against_rate(
    rates: ArrayLike, losses: ArrayLike, means: ArrayLike, found: float, title: str = ""
) -> Figure:
    """What batches cost while the rate rose from step to step, and the rate that was found.

    Parameters
    ----------
    rates, losses, means : (m,)
        The rate of each step, what its batch cost, and the running mean of that.
    found : float
        Marked by a line; one outside of the rates is left out.

    Raises
    ------
    ValueError
        Fewer than two steps.
    """
    rate, loss, mean = numbers(rates), numbers(losses), numbers(means)
    if len(rate) < 2:
        raise ValueError("a picture of the loss against the rate needs two steps; there are fewer.")
    figure, (ax,) = row_of(1, 3.3, 0.72 * FULL, False)
    ax.plot(rate, loss, color=COLOURS[0], linewidth=0.7, alpha=0.35, label="a batch")
    ax.plot(rate, mean, color=COLOURS[0], label="running mean")
    lowest = int(np.argmin(mean))
    ax.plot(rate[lowest], mean[lowest], "o", color=COLOURS[0], label="lowest")
    if rate[0] <= found <= rate[-1]:
        ax.axvline(found, color=INK, linewidth=0.8, linestyle=(0, (4, 2)))
        ax.annotate(
            f"{found:.2g}", (found, 1), (3, -9), xycoords=("data", "axes fraction"),
            textcoords="offset points", color=INK,
        )  # fmt: skip
    dress(ax, x="rate", y="loss Q", title=title)
    height = max(mean[0], mean[: lowest + 1].max()) - mean[lowest] or abs(mean[lowest]) or 1.0
    ax.set_ylim(mean[lowest] - 0.15 * height, mean[lowest] + 1.6 * height)
    log_axis(ax, "x")
    legend(figure, ax.get_legend_handles_labels()[0], columns=3)
    return figure


def drawn_lines(history: History, against: str = "step") -> dict[str, tuple[Array, Array]]:
    """(x, y) of each column that a logarithmic axis can show; none without Q or progressive loss.

    Full batches: Q belongs to the step before, and the progressive loss is the same curve.
    """
    x, full = numbers(history.get(against)), full_batch(history)
    found = {}
    for column in _KINDS:
        y = numbers(history.get(column))
        if len(y) != len(x) or (full and column == "loss_progressive"):
            continue
        at = _step_before(x, numbers(history.get("step"))) if full and column == "loss" else x
        good = np.isfinite(y) & (at > 0)
        if good.any():
            found[column] = (at[good], y[good])
    return found if {"loss", "loss_progressive"} & set(found) else {}


def full_batch(history: History) -> bool:
    """Whether each step of a descent was an epoch; an exact solution tells no progressive loss."""
    step, epoch, before = (numbers(history.get(c)) for c in ("step", "epoch", "loss_progressive"))
    return len(step) > 0 and np.array_equal(step, epoch) and bool(np.isfinite(before).any())


def _step_before(x: Array, step: Array) -> Array:
    return np.asarray(x * np.maximum(step - 1, 0) / np.maximum(step, 1))


def samples_per_step(histories: Mapping[str, History]) -> float | None:
    """How many samples each step of all these runs sees; None where they differ or do not tell."""
    found: set[float] = set()
    for history in histories.values():
        step, seen = numbers(history.get("step")), numbers(history.get("seen"))
        if len(step) != len(seen) or not (step > 0).any():
            return None
        found |= set((seen[step > 0] / step[step > 0]).tolist())
    return found.pop() if len(found) == 1 else None


def _line(ax: Axes, x: Array, y: Array, style: Series, **look: Any) -> None:
    settings = {"color": style.colour, "linestyle": style.dash, **look}
    if len(x) == 1:
        settings |= {"marker": style.marker}
    ax.plot(x, y, **settings)


def _distances(
    ax: Axes, drawn: Mapping[str, Lines], optimum: float, styles: Mapping[str, Series]
) -> None:
    for name, lines in drawn.items():
        if "loss" in lines:
            x, gap = lines["loss"][0], lines["loss"][1] - optimum
            if (gap > 0).any():
                _line(ax, x[gap > 0], gap[gap > 0], styles[name])


def _frame(ax: Axes, drawn: Mapping[str, Lines]) -> None:
    """The panel is as high as Q and the validation loss need; single batches may leave it."""
    held = [lines[c][1] for lines in drawn.values() for c in ("loss", "validation") if c in lines]
    values = np.concatenate(held) if held else np.empty(0)
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
    drawn: Mapping[str, Lines], styles: Mapping[str, Series], optimum: float | None
) -> list[Line2D]:
    entries = [
        Line2D([], [], color=styles[n].colour, linestyle=styles[n].dash, label=plain(n))
        for n in drawn
    ]
    kinds = [_KINDS[c] for c in _KINDS if any(c in lines for lines in drawn.values())]
    if len(kinds) > 1:
        entries += [Line2D([], [], color=MUTED, label=text, **look) for text, look in kinds]
    if optimum is not None:
        entries.append(Line2D([], [], color=INK, linewidth=0.8, linestyle=(0, (1, 2)),
                              label=f"exact minimum Q* = {optimum:.6g}"))  # fmt: skip
    return entries


# Small steps, big steps ---------------------------------------------------------------------------


def small_and_big_steps(
    runs: Sequence[Mapping[str, Any]],
    limit: float | None = None,
    title: str = "",
    narrow: bool = False,
) -> Figure:
    """Loss against step for several rates, and the loss reached against the rate.

    Parameters
    ----------
    runs : [{label, rate, step or seen, loss}]
        One descent for each rate, from far too small to diverging.
    limit : float, optional
        The stability limit 2/L of gradient descent; runs above it are drawn in the warm colour.
    title : str
    narrow : bool
        Half the width, the second panel below the first.

    Raises
    ------
    ValueError
        No run has a finite loss.
    """
    runs = sorted((r for r in runs if np.isfinite(numbers(r.get("loss"))).any()), key=_rate)
    if not runs:
        raise ValueError("a picture of steps needs a run with a finite loss; there is none.")
    figure, (left, right) = row_of(2, 3.3, FULL, narrow)
    looks = _rate_looks([_rate(r) for r in runs], limit)
    for run, look in zip(runs, looks, strict=True):
        x, y = _abscissa(run), numbers(run["loss"])
        left.plot(x[x > 0], y[x > 0], **look)
    by = "step" if any(len(numbers(r.get("step"))) for r in runs) else "seen"
    dress(left, x=_AXIS[by], y="loss Q", title=title)
    _log_axes(left, _top([numbers(r["loss"]) for r in runs]))
    labels = [str(r.get("label") or f"rate {_rate(r):.3g}") for r in runs]
    handles = [Line2D([], [], label=plain(t), **k) for t, k in zip(labels, looks, strict=True)]
    legend(figure, handles, columns=min(3 if narrow else 5, len(handles)))
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
            depth = k / max(len(stable) - 1, 1)
            looks.append({"color": COLOURS[0], "alpha": 0.7 + 0.3 * depth,
                          "linewidth": 0.9 + 1.1 * depth})  # fmt: skip
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
    shown, reached = _reached(runs)
    ax.margins(0.08)
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


def _reached(runs: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
    """The loss at the end of each run: as drawn, at most ten times the start, and as it is."""
    top = 10 * abs(max(numbers(r["loss"])[0] for r in runs))
    reached = np.array([numbers(r["loss"])[-1] for r in runs])
    return np.where(np.isfinite(reached), np.minimum(reached, top), top), reached


def off_scale(runs: Sequence[Mapping[str, Any]]) -> int:
    """How many runs end above the scale; `small_and_big_steps` gives them triangles."""
    shown, reached = _reached(runs)
    return int((shown != reached).sum())


def loss_over_weight(
    weight: ArrayLike,
    loss: ArrayLike,
    paths: Sequence[Mapping[str, Any]],
    label: str = "weight w",
    title: str = "",
    narrow: bool = False,
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
    narrow : bool
        Half the width, the panels one below the other.
    """
    figure, axes = row_of(max(len(paths), 1), 2.6, FULL, narrow, sharex=True, sharey=True)
    w, q = numbers(weight), numbers(loss)
    for ax, path, colour in zip(axes, paths, COLOURS, strict=False):
        ax.plot(w, q, color=MUTED, linewidth=1)
        ax.plot(numbers(path["weight"]), numbers(path["loss"]), "o-", color=colour, ms=3, lw=0.9)
        ax.plot(numbers(path["weight"])[:1], numbers(path["loss"])[:1], "o", color=INK, ms=4.5)
        dress(ax, x="" if narrow and ax is not axes[-1] else label, title=str(path["label"]))
    spread = 0.05 * (q.max() - q.min())
    axes[0].set(xlim=(w.min(), w.max()), ylim=(q.min() - spread, q.max() + spread))
    for ax in axes if narrow else axes[:1]:
        dress(ax, y="loss Q")
    heading(figure, title)
    return figure
