"""How sure are we: coverage of intervals and pulls, also in bins; purity where shares change.

What probabilities promise is drawn by `classification.calibration`, before and after as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter
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
Bins = Mapping[str, ArrayLike]

__all__ = ["coverage", "pulls", "purity"]

_REACH = 5.0
"""A histogram of pulls reaches to so many standard errors on either side."""
_APART = 0.08


# Coverage -----------------------------------------------------------------------------------------


def coverage(
    curves: Mapping[str, Bins],
    promised: float | Mapping[str, float],
    x: str = "",
    unit: str = "",
    styles: Mapping[str, Series] | None = None,
    title: str = "",
) -> Figure:
    """The share of answers within their intervals in bins of a quantity, over what was promised.

    Parameters
    ----------
    curves : {name: {low_edge, high_edge, share, low, high, width}}
        One entry a bin, (bins,) each, NaN or None in an empty one; `low` and `high` (68 % of the
        share) may be missing, and `width`, that of the intervals, which is drawn below: any
        coverage can be had by intervals that are wide enough.
    promised : float or {name: float}
        The coverage of all curves, or of each.
    x, unit : str
        The label of the quantity with its unit; the unit of the answer.

    Raises
    ------
    ValueError
        There is no finite share, or a bin without end.
    """
    if not any(np.isfinite(numbers(c["share"])).any() for c in curves.values()):
        raise ValueError("a picture of coverage needs a bin with events; there is none.")
    ends = [numbers(c[side]) for c in curves.values() for side in ("low_edge", "high_edge")]
    if not np.isfinite(np.concatenate(ends)).all():
        raise ValueError("a picture of coverage needs bins of a quantity; give `by` and `edges`.")
    styles = styles or series(curves)
    wide = [n for n, c in curves.items() if c.get("width") is not None]
    figure, axes = new_figure(HALF, 3.7 if wide else 2.75, 2 if wide else 1, 1, sharex=True,
                              height_ratios=(2, 1) if wide else (1,))  # fmt: skip
    for k, (name, curve) in enumerate(curves.items()):
        place = 0.5 + _APART * (k - (len(curves) - 1) / 2)
        _bins(axes[0], curve, ("share", "low", "high"), styles[name], place)
        if name in wide:
            _bins(axes[1], curve, ("width",), styles[name], place)
    _promises(axes[0], curves, promised, styles)
    axes[0].yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.3g} %"))
    dress(axes[0], x="" if wide else x, y="coverage")
    if wide:
        axes[1].set_ylim(bottom=0)
        dress(axes[1], x=x, y=f"width [{unit}]" if unit else "width")
    _named(figure, curves, styles, title)
    return figure


def _promises(
    ax: Axes,
    curves: Mapping[str, Bins],
    promised: float | Mapping[str, float],
    styles: Mapping[str, Series],
) -> None:
    """A line at each promise: in the curve's colour, or in one colour for all."""
    each = promised if isinstance(promised, Mapping) else {n: promised for n in curves}
    common = len(set(each.values())) == 1
    for name, level in list(each.items())[: 1 if common else None]:
        colour = MUTED if common else styles[name].colour
        ax.axhline(level, color=colour, linewidth=0.9, linestyle=(0, (4, 2)), zorder=0)
    low, high = ax.get_ylim()
    ax.set_ylim(max(low - 0.02, -0.02), min(high + 0.02, 1.02))


def _bins(ax: Axes, curve: Bins, names: tuple[str, ...], look: Series, place: float) -> None:
    """Points within their bins, a little apart between curves, with errors where there are any."""
    value = numbers(curve[names[0]])
    left, right = (numbers(curve[c]) for c in ("low_edge", "high_edge"))
    errors = None
    if len(names) == 3 and curve.get(names[1]) is not None:
        low, high = (numbers(curve[c]) for c in names[1:])
        errors = np.maximum(np.nan_to_num(np.stack([value - low, high - value])), 0)
    ax.errorbar(left + place * (right - left), value, errors, fmt=look.marker, linestyle="-",
                lw=0.7, ms=3.2, color=look.colour, elinewidth=0.8)  # fmt: skip
    ax.set_xlim(left.min(), right.max())


def _named(
    owner: Figure | Axes,
    curves: Mapping[str, Any],
    styles: Mapping[str, Series],
    title: str = "",
) -> None:
    handles = [
        Line2D(
            [], [], color=styles[n].colour, marker=styles[n].marker, lw=0.7, ms=3.2, label=plain(n)
        )
        for n in curves
    ]
    legend(owner, handles, columns=3 if len(curves) > 2 else 2, title=title)


# Pulls --------------------------------------------------------------------------------------------


def pulls(
    z: ArrayLike,
    weight: ArrayLike | None = None,
    bins: Bins | None = None,
    x: str = "",
    title: str = "",
    colour: str = COLOURS[0],
    mean: str | None = None,
    width: str | None = None,
    narrow: bool = False,
) -> Figure:
    """Pulls (y − prediction) / spread: their histogram over a Gaussian of width 1, and their mean
    and width in bins of a quantity.

    The histogram reaches to five standard errors; what lies beyond is in its end bins.

    Parameters
    ----------
    z : (n,)
    weight : (n,), optional
    bins : {low_edge, high_edge, mean, mean_error, width, width_error}, optional
        One entry a bin, (bins,) each; without them there is the histogram alone.
    x : str
        The label of the quantity with its unit.
    mean, width : str, optional
        What the legend says of them; found from these pulls if left out.
    narrow : bool
        Half the width, the second panel below the first.

    Raises
    ------
    ValueError
        There is no finite pull.
    """
    values = numbers(z).ravel()
    w = np.ones(len(values)) if weight is None else numbers(weight)
    good = np.isfinite(values)
    values, w = values[good], w[good]
    if not len(values):
        raise ValueError("a picture of pulls needs pulls; there are none.")
    if bins is None:
        figure, axes = new_figure(HALF, 2.75)
    else:
        figure, axes = row_of(2, 2.9, FULL, narrow, width_ratios=(1, 1.35))
        _moments(axes[1], bins, x)
    middle = float(np.average(values, weights=w))
    sigma = float(np.sqrt(np.average((values - middle) ** 2, weights=w)))
    _histogram(axes[0], values, w, colour)
    legend(axes[0], [
        Patch(facecolor=colour, alpha=0.5, label=f"mean {mean or signed(middle)}\n"
              f"width {width or f'{sigma:.3g}'}"),
        Line2D([], [], color=INK, lw=1, linestyle=(0, (4, 2)), label="mean 0, width 1"),
    ], columns=2)  # fmt: skip
    dress(axes[0], x="pull: (true − predicted) / spread", y="density", title=title)
    return figure


def _histogram(ax: Axes, z: Array, w: Array, colour: str) -> None:
    edges = np.linspace(-_REACH, _REACH, 51)
    density, _ = np.histogram(np.clip(z, -_REACH, _REACH), edges, weights=w, density=True)
    ax.stairs(density, edges, fill=True, color=colour, alpha=0.25, linewidth=0)
    ax.stairs(density, edges, color=colour, linewidth=1)
    grid = np.linspace(-_REACH, _REACH, 201)
    ax.plot(grid, np.exp(-0.5 * grid**2) / np.sqrt(2 * np.pi), color=INK, lw=1,
            linestyle=(0, (4, 2)))  # fmt: skip
    ax.set(xlim=(-_REACH, _REACH), ylim=(0, 1.35 * max(float(density.max()), 0.4)))


def _moments(ax: Axes, bins: Bins, x: str) -> None:
    looks = {"mean": Series(COLOURS[1], "s"), "width": Series(COLOURS[0], "o")}
    for level in (0, 1):
        ax.axhline(level, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    for name, look in looks.items():
        value, error = numbers(bins[name]), numbers(bins[f"{name}_error"])
        ends = {"value": value, "low": value - error, "high": value + error}
        edges = {c: bins[c] for c in ("low_edge", "high_edge")}
        _bins(ax, {**edges, **ends}, ("value", "low", "high"), look, 0.5)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.16 * (high - low))
    dress(ax, x=x, y="mean, width of the pulls")
    _named(ax, looks, looks)


# Other class shares -------------------------------------------------------------------------------


def purity(
    signal: ArrayLike,
    background: ArrayLike,
    priors: Mapping[str, tuple[float, float]],
    marks: Mapping[str, float] | None = None,
    title: str = "",
) -> Figure:
    """Purity against signal efficiency along a ROC curve, at several shares of the classes.

    Parameters
    ----------
    signal, background : (m,)
        Efficiencies ε_s, ε_b of the cuts; those without signal or background are left out.
    priors : {name: (background, signal)}
        Shares or ratios.
    marks : {name: ε_s}, optional
        A point on the curve of that prior, the best cut there.

    Raises
    ------
    ValueError
        No cut passes both signal and background.
    """
    s, b = numbers(signal), numbers(background)
    some = (s > 0) & (b > 0)
    if not some.any():
        raise ValueError("a picture of purity needs cuts that signal and background pass; none do.")
    s, b = s[some], b[some]
    styles = series(priors)
    figure, (ax,) = new_figure(HALF, 2.9)
    for name, (of_b, of_s) in priors.items():
        pure, look = of_s * s / (of_s * s + of_b * b), styles[name]
        ax.plot(s, pure, color=look.colour, lw=1.2, linestyle=look.dash)
        if marks and name in marks:
            at = int(np.abs(s - marks[name]).argmin())
            ax.plot(s[at], pure[at], look.marker, ms=5, color=look.colour)
    ax.set_xlim(0, 1.02)
    log_axis(ax, "y", 1.0)
    dress(ax, x="signal efficiency", y="purity", title=title)
    handles = [
        Line2D([], [], color=styles[n].colour, lw=1.2, ms=5, label=plain(n),
               marker=styles[n].marker if marks and n in marks else "")
        for n in priors
    ]  # fmt: skip
    legend(figure, handles, columns=3)
    return figure
