"""Directions and places: within which angle or distance of the answer events lie."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from baksan.report.plots.style import (
    HALF,
    MUTED,
    Series,
    dress,
    legend,
    new_figure,
    numbers,
    plain,
    series,
)

__all__ = ["misses"]

_SHARES = (0.5, 0.6827, 0.95)
_REACH = 2.0


def misses(
    held: Mapping[str, Mapping[str, ArrayLike]],
    x: str,
    styles: Mapping[str, Series] | None = None,
    title: str = "",
) -> Figure:
    """The share of events that are missed by less than x, one line a method.

    It reaches to twice the 95 % point of the worst method at most.

    Parameters
    ----------
    held : {name: {miss, share}}
        Rising, (n,) each.
    x : str
        What is missed, with its unit.

    Raises
    ------
    ValueError
        There are no predictions.
    """
    if not held:
        raise ValueError("a picture of misses needs predictions; there are none.")
    styles = styles or series(held)
    figure, (ax,) = new_figure(HALF, 2.75 + 0.17 * -(-len(held) // 2))
    ends = []
    for name, h in held.items():
        off, share = numbers(h["miss"]), numbers(h["share"])
        ends.append(min(_REACH * float(np.interp(0.95, share, off)), float(off[-1])))
        ax.step(np.append(0.0, off), np.append(0.0, share), where="post",
                color=styles[name].colour, linewidth=1.1)  # fmt: skip
    for level in _SHARES:
        ax.axhline(level, color=MUTED, linewidth=0.7, linestyle=(0, (1, 2)))
    ax.set(xlim=(0, max(ends)), ylim=(0, 1))
    dress(ax, x=x, y="share of events within it", title=title)
    handles = [Line2D([], [], color=styles[n].colour, lw=1.1, label=plain(n)) for n in held]
    legend(figure, handles, columns=2)
    return figure
