"""What a penalty does to the weights, strength by strength, and which strength to take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    dress,
    legend,
    log_axis,
    numbers,
    plain,
    row_of,
)

Array = NDArray[Any]

__all__ = ["weights_against_strength"]


def weights_against_strength(
    strengths: ArrayLike,
    weights: ArrayLike,
    names: Sequence[str],
    score: ArrayLike,
    title: str = "",
    narrow: bool = False,
) -> Figure:
    """Weights of standardised features against the strength λ, and a score that is least somewhere.

    Parameters
    ----------
    strengths : (m,)
        Those that are 0 have no place on the logarithmic axis.
    weights : (m, d)
        The weights that are largest on the whole have colours, the others are grey.
    names : (d,)
    score : (m,)
        Such as that of generalised cross-validation; a dotted line stands at the least.
    title : str
    narrow : bool
        Half the width, the second panel below the first.

    Raises
    ------
    ValueError
        No strength is positive, or none has a finite score.
    """
    x, table, y = numbers(strengths), np.asarray(weights, dtype=float), numbers(score)
    shown = (x > 0) & np.isfinite(y)
    if not shown.any():
        raise ValueError("a picture of a path needs a positive strength with a score; none is.")
    order = np.argsort(x[shown])
    x, table, y = x[shown][order], table[shown][order], y[shown][order]
    figure, (left, right) = row_of(2, 3.3, FULL, narrow)
    first = np.argsort(-np.abs(table).max(axis=0))[: len(COLOURS)]
    left.plot(x, np.delete(table, first, axis=1), color=MUTED, linewidth=0.6)
    for j, colour in zip(first, COLOURS, strict=False):
        left.plot(x, table[:, j], color=colour)
    right.plot(x, y, color=COLOURS[0])
    dress(left, x="strength λ", y="weight × standard deviation", title=title)
    dress(right, x="strength λ", y="score")
    for ax in (left, right):
        log_axis(ax, "x")
        _mark(ax, float(x[y.argmin()]))
    looks = zip(first, COLOURS, strict=False)
    entries = [Line2D([], [], color=colour, label=plain(names[j])) for j, colour in looks]
    legend(figure, entries, columns=min(3 if narrow else 7, len(entries)))
    return figure


def _mark(ax: Axes, strength: float) -> None:
    ax.axvline(strength, color=INK, linewidth=0.8, linestyle=(0, (1, 2)))
