"""One style for every picture: colours, sizes, axes, and the way into an HTML page.

Figures have a white ground and can be saved as they are. `svg` makes inline SVG of one and names
its colours as CSS variables, so that a page can show the same figure light, dark and printed.

The seven colours were chosen so that any two differ by more than 15 in CIELAB for normal sight and
(the seventh apart) for red-blind and green-blind sight as simulated by Machado, Oliveira and
Fernandes, IEEE Trans. Vis. Comput. Graph. 15 (2009) 1291; each has a contrast of at least 3 to 1
on its ground. Markers differ too, and dashes from the eighth method on.
"""

from __future__ import annotations

import html
import io
import math
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]

__all__ = [
    "COLOURS", "DARK", "FULL", "HALF", "INK", "MUTED", "PAPER", "RULE", "Series", "coinciding",
    "dress", "heading", "legend", "log_axis", "new_figure", "numbers", "plain", "power",
    "row_of", "series", "short", "signed", "superscript", "svg", "taking_turns",
]  # fmt: skip

INK, MUTED, RULE, PAPER = "#20252b", "#667080", "#dde1e6", "#ffffff"
COLOURS = ("#1d5c9e", "#d5702a", "#3f9a88", "#5c3a1e", "#b07ac8", "#8a2450", "#86903a")
DARK: Mapping[str, str] = {
    INK: "#e4e7eb", MUTED: "#98a2b0", RULE: "#333a44", PAPER: "#15181d",
    **dict(zip(COLOURS, ("#4796ea", "#e2895a", "#7fe8d0", "#ffd27a", "#cdb8f7", "#cf6fa6",
                         "#b9c46a"), strict=True)),
}  # fmt: skip
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))

HALF, FULL = 3.55, 7.3
_TEXT: dict[Any, Any] = {
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 8.0,
    "text.color": INK, "axes.unicode_minus": True, "axes.labelcolor": INK,
    "figure.facecolor": PAPER, "axes.facecolor": "none", "savefig.facecolor": PAPER,
    "lines.linewidth": 1.4, "lines.markersize": 3.5, "lines.solid_capstyle": "round",
}  # fmt: skip


@dataclass(frozen=True)
class Series:
    """How one method, class or run is drawn, the same in every picture."""

    colour: str
    marker: str = "o"
    dash: Any = "-"


def series(names: Iterable[str]) -> dict[str, Series]:
    """A colour, a marker and a dash for each name, in order.

    Examples
    --------
    >>> series(["linear", "forest"])["forest"].colour
    '#d5702a'
    """
    n = len(COLOURS)
    return {
        name: Series(COLOURS[k % n], _MARKERS[k % n], _DASHES[k // n % len(_DASHES)])
        for k, name in enumerate(names)
    }


def coinciding(curves: Mapping[str, Array], within: float) -> list[list[str]]:
    """The names in groups: of one group are those that differ by less than `within` in nine of
    ten points.

    Examples
    --------
    >>> coinciding({"a": np.array([1.0]), "b": np.array([2.0]), "c": np.array([1.01])}, 0.1)
    [['a', 'c'], ['b']]
    """
    groups: list[list[str]] = []
    for name, points in curves.items():
        for group in groups:
            first = curves[group[0]]
            if first.shape == points.shape:
                apart = np.abs(first - points)
                if (apart < within).sum() >= 0.9 * np.isfinite(apart).sum():
                    group.append(name)
                    break
        else:
            groups.append([name])
    return groups


def taking_turns(
    styles: Mapping[str, Series], groups: Sequence[Sequence[str]]
) -> dict[str, Series]:
    """Lines that coincide get dashes that take turns, so that the colour of each is seen."""
    dash = 4.0
    return {
        name: replace(styles[name], dash=(k * dash, (dash, (len(group) - 1) * dash)))
        if len(group) > 1
        else styles[name]
        for group in groups
        for k, name in enumerate(group)
    }


def new_figure(
    width: float, height: float, rows: int = 1, columns: int = 1, **settings: Any
) -> tuple[Figure, list[Axes]]:
    """A Figure of so many inches and its axes, row by row, dressed."""
    with mpl.rc_context(_TEXT):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **settings).ravel().tolist()
        figure.get_layout_engine().set(w_pad=0.04, h_pad=0.04, wspace=0.04, hspace=0.04)  # type: ignore[union-attr, call-arg]
    for ax in axes:
        dress(ax)
    return figure, axes


def row_of(
    panels: int, height: float, width: float = FULL, narrow: bool = False, **settings: Any
) -> tuple[Figure, list[Axes]]:
    """Panels side by side; narrow: one below the other in half the width, for a narrow screen."""
    if not narrow:
        return new_figure(width, height, 1, panels, **settings)
    settings.pop("width_ratios", None)
    return new_figure(HALF, 0.4 + 0.8 * height * panels, panels, 1, **settings)


def dress(ax: Axes, x: str = "", y: str = "", title: str = "") -> None:
    """Thin axes on two sides, small ticks, quiet labels."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set(color=MUTED, linewidth=0.6)
    ax.tick_params(
        which="both", color=MUTED, labelcolor=INK, labelsize=7.5, width=0.6, length=3, pad=2.5
    )
    ax.tick_params(which="minor", length=1.5)
    if x:
        ax.set_xlabel(plain(x), color=INK, fontsize=8)
    if y:
        ax.set_ylabel(plain(y), color=INK, fontsize=8)
    if title:
        ax.set_title(plain(title), loc="left", color=INK, fontsize=8.5, fontweight="bold", pad=5)


def heading(figure: Figure, title: str) -> None:
    """A title above all panels; nothing if it is empty."""
    if title:
        figure.suptitle(plain(title), x=0.01, ha="left", fontsize=8.5, fontweight="bold", color=INK)


def plain(text: str) -> str:
    r"""A name as matplotlib shall print it: no formula begins at $, no label hides behind _.

    Examples
    --------
    >>> print(plain("US$"), plain("width"))
    US\$ width
    """
    text = text.replace("$", r"\$")
    return f"\u200b{text}" if text.startswith("_") else text


def short(name: str, most: int) -> str:
    """A name of at most so many letters, … where it was longer.

    Examples
    --------
    >>> short("Energy_Flux100", 8)
    'Energy_…'
    """
    return name if len(name) <= most else f"{name[: most - 1]}…"


def log_axis(ax: Axes, which: str, top: float = math.inf) -> None:
    """A logarithmic axis with readable ticks: 10⁻³, or plain numbers where it spans little.

    Call it when the data are drawn, since the ticks depend on the limits; nothing above `top` is
    shown.
    """
    axis: Axis = ax.xaxis if which == "x" else ax.yaxis
    if which == "x":
        ax.set_xscale("log")
        low, high = ax.get_xlim()
    else:
        ax.set_yscale("log")
        low, high = ax.get_ylim()
        if high > top:
            lowest = min(np.nanmin(np.asarray(line.get_ydata(), dtype=float)) for line in ax.lines)
            low, high = ax.set_ylim(lowest * (lowest / top) ** 0.05, top)
    decades = math.log10(high / low)
    if decades < 1.2:
        inside: list[float] = []
        for v in MaxNLocator(5).tick_values(low, high):
            if low <= v <= high and (not inside or math.log10(v / inside[-1]) > 0.13 * decades):
                inside.append(v)  # no label on another
        axis.set_major_locator(FixedLocator(inside))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.4g}"))
        return
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2.2 else (1,), numticks=7))
    axis.set_minor_locator(LogLocator(subs="auto", numticks=7))
    near_one = low > 0.0009 and high < 1100
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}" if near_one else power(v)))
    axis.set_minor_formatter(FuncFormatter(lambda v, _: ""))


def superscript(exponent: int) -> str:
    """A whole number set above the line.

    Examples
    --------
    >>> "10" + superscript(-12)
    '10⁻¹²'
    """
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def signed(value: float) -> str:
    """Three digits with + or −.

    Examples
    --------
    >>> signed(0.01234), signed(-2)
    ('+0.0123', '−2')
    """
    return f"{value:+.3g}".replace("-", "−")


def power(value: float) -> str:
    """A number as a power of ten; 1 and 10 stay as they are.

    Examples
    --------
    >>> power(1e-3), power(10), power(2e5)
    ('10⁻³', '10', '2×10⁵')
    """
    if value <= 0 or not math.isfinite(value):
        return ""
    exponent = math.floor(math.log10(value) + 1e-9)
    factor = value / 10.0**exponent
    if exponent in (0, 1):
        return f"{value:g}"
    raised = f"10{superscript(exponent)}"
    return raised if abs(factor - 1) < 1e-6 else f"{factor:.3g}×{raised}"


def legend(
    owner: Axes | Figure,
    handles: list[Any],
    columns: int = 1,
    loc: str = "upper left",
    title: str = "",
) -> None:
    """A legend without a frame; on a Figure it stands above the axes, under the title if any."""
    place: Any = "outside upper left" if isinstance(owner, Figure) else loc
    made = owner.legend(
        handles=handles, loc=place, ncols=columns, frameon=False, fontsize=7.5, labelcolor=INK,
        handlelength=1.8, columnspacing=1.4, handletextpad=0.5, labelspacing=0.3, borderpad=0.2,
        title=plain(title) or None, alignment="left",
        title_fontproperties={"size": 8.5, "weight": "bold"},
    )  # fmt: skip
    made.get_title().set_color(INK)  # black by itself, which no dark page can show


def numbers(values: ArrayLike | None) -> Array:
    """Floats of a list in which None stands for unknown, (n,); NaN there.

    Examples
    --------
    >>> numbers([1, None, 3.0])
    array([ 1., nan,  3.])
    """
    if values is None:
        return np.empty(0)
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values.astype(np.float64)
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)  # type: ignore[union-attr]


def svg(figure: Figure, key: str, alt: str) -> str:
    """The figure as inline SVG for an HTML page, its ground transparent, nothing fetched.

    Colours of the style become `var(--ink)`, `var(--c0)` …; every id begins with `key`, which must
    be unique in the page. `alt` is what a screen reader says.
    """
    out = io.StringIO()
    with warnings.catch_warnings(), mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        # The browser has letters that matplotlib's own font lacks.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(out, format="svg", facecolor="none", metadata={"Date": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r"<!--.*?-->\n?", "", text, flags=re.S)
    text = re.sub(r' id="[a-zA-Z]+\d*_\d+"', "", text)
    text = re.sub(r'(\sid=")', rf"\g<1>{key}-", text)
    text = text.replace("url(#", f"url(#{key}-").replace('xlink:href="#', f'href="#{key}-')
    text = text.replace('xlink:href="data:', 'href="data:')
    text = re.sub(r"'DejaVu Sans'(, [^;\"]+)?", "var(--sans)", text)
    for colour, name in _variables().items():
        text = text.replace(colour, f"var(--{name})")
    text = re.sub(r"\n\s*", "\n", text)
    box = re.search(r'viewBox="([^"]*)"', text)
    body = text[text.index(">") + 1 :]
    label = html.escape(alt, quote=True)
    return f'<svg role="img" aria-label="{label}" viewBox="{box[1] if box else ""}">{body}'.strip()


def _variables() -> dict[str, str]:
    named = {INK: "ink", MUTED: "muted", RULE: "rule", PAPER: "paper"}
    return {**named, **{colour: f"c{k}" for k, colour in enumerate(COLOURS)}}
