"""Pictures of a notebook in one line each, in the style of the reports.

    from baksan import sketch

What to use when
----------------
`lines`    curves over x, with error bars
`bars`     one number a name, written beside its bar
`images`   small pictures in rows: digits, or the weights of their pixels
`panels`   empty axes for a drawing of your own, and `finish` to end it
`COLOURS`  the colours of the house; `INK` is that of text, `MUTED` of what stands back

They draw what they are given and compute nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from baksan.report.plots.style import (
    COLOURS,
    FULL,
    INK,
    MUTED,
    dress,
    heading,
    legend,
    log_axis,
    new_figure,
    series,
)

__all__ = ["AGAINST_FOR", "COLOURS", "INK", "MUTED", "bars", "finish", "images", "lines", "panels"]

_ONE = 0.72 * FULL
_MARKED = 60
AGAINST_FOR = LinearSegmentedColormap.from_list("against_for", [COLOURS[1], "#ffffff", COLOURS[0]])
"""From orange (against, negative) over white to blue (for, positive)."""


def panels(columns: int = 1, height: float = 2.8, **settings: Any) -> tuple[Figure, list[Axes]]:
    """A Figure and its empty axes, row by row.

    Parameters
    ----------
    columns : int
        Side by side.
    height : float
        In inches.
    **settings
        Of `matplotlib.figure.Figure.subplots`: rows (`nrows`), `sharex`, `height_ratios` …
    """
    rows = settings.pop("nrows", 1)
    return new_figure(_ONE if columns == 1 else FULL, height, rows, columns, **settings)


def finish(
    ax: Axes, x: str = "", y: str = "", title: str = "", *, log: str = "", columns: int = 0
) -> None:
    """Labels, logarithmic axes, and a legend of all that has a label.

    Parameters
    ----------
    ax : Axes
        When everything is drawn.
    x, y, title : str
        Labels with their units.
    log : str
        Which axes are logarithmic: "x", "y" or "xy".
    columns : int
        Columns of a legend above the axes; 0 puts one inside, where there is most room.
    """
    for which in log:
        log_axis(ax, which)
    dress(ax, x, y, title)
    if handles := ax.get_legend_handles_labels()[0]:
        owner = ax.get_figure() if columns else ax
        assert isinstance(owner, Axes | Figure)
        legend(owner, handles, columns=max(columns, 1), loc="best")


def lines(
    x: ArrayLike,
    curves: Mapping[str, ArrayLike],
    xlabel: str = "",
    ylabel: str = "",
    *,
    errors: Mapping[str, ArrayLike] | None = None,
    log: str = "",
    columns: int = 3,
) -> Figure:
    """One curve a name over the same x, (n,); with markers where there are at most 60 points.

    Parameters
    ----------
    x : (n,)
    curves : {name: (n,), or a number}
        A number is drawn as a level line.
    xlabel, ylabel : str
        With units.
    errors : {name: (n,) or (2, n)}, optional
        Lengths of the error bars, or below and above.
    log, columns
        As in `finish`.

    Examples
    --------
    >>> figure = lines([1, 10, 100], {"line": [0.7, 0.8, 0.9], "guessing": 0.5}, "events", log="x")
    >>> len(figure.axes[0].lines)
    2
    """
    figure, (ax,) = panels()
    for name, look in series(curves).items():
        if not np.ndim(curves[name]):
            ax.axhline(float(curves[name]), color=look.colour, label=name)  # type: ignore[arg-type]
            continue
        marker = look.marker if np.size(x) <= _MARKED else ""
        ax.plot(x, curves[name], f"{marker}-", ms=4, color=look.colour, label=name)
        if errors and name in errors:
            ax.errorbar(
                x, curves[name], errors[name], fmt="none", ecolor=look.colour, elinewidth=0.9
            )
    finish(ax, xlabel, ylabel, log=log, columns=columns)
    return figure


def bars(
    values: Mapping[str, float], xlabel: str = "", *, log: bool = False, title: str = ""
) -> Figure:
    """One horizontal bar a name, the first on top, with its number at the end.

    Parameters
    ----------
    values : {name: number}
        Not negative; with `log` positive.
    xlabel, title : str
        With the unit.
    log : bool
        A logarithmic axis, from half a decade below the smallest.

    Examples
    --------
    >>> (ax,) = bars({"loop": 500.0, "compiled": 3.0}, "time [ns]", log=True).axes
    >>> [text.get_text() for text in ax.texts]
    ['500', '3']
    """
    numbers = np.array(list(values.values()), dtype=float)
    figure, (ax,) = panels(height=0.6 + 0.24 * len(numbers))
    foot = numbers.min() / 3.0 if log else 0.0
    drawn = ax.barh(list(values), numbers - foot, left=foot, height=0.6, color=COLOURS[0])
    ax.bar_label(drawn, [_digits(v) for v in numbers], padding=3, fontsize=7.5, color=INK)
    ax.invert_yaxis()
    ax.set_xlim(foot, numbers.max() * (numbers.max() / foot) ** 0.1 if log else None)
    ax.margins(x=0.1)
    finish(ax, xlabel, title=title, log="x" if log else "")
    return figure


def _digits(value: float) -> str:
    """Three digits, never as a power of ten: 0.0123, 44,500."""
    return f"{float(f'{value:.3g}'):,.10g}"


def images(
    pictures: Sequence[ArrayLike],
    titles: Sequence[str] = (),
    *,
    columns: int = 10,
    signed: bool = False,
    title: str = "",
) -> Figure:
    """Small pictures in rows.

    Parameters
    ----------
    pictures : sequence of (h, w)
        Grey from 0 (paper) to 1 (ink); with `signed` any numbers, on one scale for all: positive
        blue, negative orange, 0 white.
    titles : sequence of str, optional
        One above each.
    columns : int
        How many stand side by side.
    title : str
        Above all.
    """
    h, w = np.shape(pictures[0])
    rows = -(-len(pictures) // columns)
    figure, axes = new_figure(FULL, 0.2 + rows * (0.3 + FULL / columns * h / w), rows, columns)
    limit = float(np.quantile(np.abs(np.stack([np.asarray(p) for p in pictures])), 0.99))
    shade: dict[str, Any] = {"cmap": "Greys", "vmin": 0, "vmax": 1}
    if signed:
        shade = {"cmap": AGAINST_FOR, "vmin": -limit, "vmax": limit}
    for ax in axes:
        ax.set_axis_off()
    for k, (ax, picture) in enumerate(zip(axes, pictures, strict=False)):
        ax.imshow(np.asarray(picture), **shade)
        if titles:
            ax.set_title(titles[k], loc="left", fontsize=8, color=INK)
    heading(figure, title)
    return figure
