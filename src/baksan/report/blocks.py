"""What a page is made of: sections of pictures, tables, paragraphs and definitions; and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure

from baksan.report.plots.style import HALF, superscript, svg

__all__ = [
    "Block", "Cell", "Definitions", "Gallery", "Notes", "Picture", "Section", "Table", "flat",
    "number", "rounded", "text_of",
]  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One cell: its text, a small line below, and how it is set."""

    text: str
    below: str = ""
    best: bool = False
    is_number: bool = False
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A table with a caption; the first cell of each row is its head."""

    caption: str
    head: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    kind: str = field(default="table", init=False)


@dataclass(frozen=True)
class Picture:
    """A figure with its caption and what a screen reader says; `small` is for narrow screens."""

    figure: Figure
    alt: str
    caption: str
    small: Figure | None = None
    kind: str = field(default="picture", init=False)

    @property
    def narrow(self) -> bool:
        """Whether two of them fit side by side."""
        return float(self.figure.get_figwidth()) <= HALF

    def svg(self, figure: Figure, key: str) -> str:
        return svg(figure, key, self.alt)


@dataclass(frozen=True)
class Gallery:
    """Narrow pictures of one kind with one caption for all."""

    pictures: Sequence[Picture]
    caption: str
    kind: str = field(default="gallery", init=False)


@dataclass(frozen=True)
class Notes:
    """Paragraphs, or a list of sentences."""

    lines: Sequence[str]
    as_list: bool = False
    kind: str = field(default="notes", init=False)


@dataclass(frozen=True)
class Definitions:
    """Terms and what they mean or are; `wide` stands them in one column."""

    entries: Sequence[tuple[str, str]]
    wide: bool = True
    title: str = ""
    kind: str = field(default="definitions", init=False)


Block = Table | Picture | Gallery | Notes | Definitions


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; a section without blocks is left out."""

    id: str
    title: str
    blocks: Sequence[Block]
    lead: str = ""


def number(value: Any, digits: int = 4) -> str:
    """A number as text with so many significant digits; '–' where there is none.

    Whole numbers are whole below 10⁹, others have a power of ten below 10⁻⁴ and from 10⁶ on.

    Examples
    --------
    >>> number(19020), number(2057.02), number(0.0000123456), number(None), number(-2.5)
    ('19,020', '2,057', '1.235×10⁻⁵', '–', '−2.5')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    v = float(value)
    if math.isinf(v):
        return "∞" if v > 0 else "−∞"
    if v == round(v) and abs(v) < 1e9:
        return f"{v:,.0f}".replace("-", "−")
    text = f"{v:,.{digits}g}"
    if "e" in text and 1 <= abs(v) < 1e6:
        text = f"{float(text):,.0f}"
    if "e" in text:
        factor, exponent = text.split("e")
        text = f"{factor}×10{superscript(int(exponent))}"
    return text.replace("-", "−")


def rounded(
    value: Any, low: Any = None, high: Any = None, *, least: float = 0.0, beside: float = 0.0
) -> Callable[[Any], str]:
    """How to print a value and the ends of its interval: to two digits of the larger side of it.

    The same rule as in the terminal; `number` where there is no interval. `least` is the smallest
    error that counts. A power of ten stands where value, error and `beside` (what is printed next
    to it) are all below 10⁻³, or one of them is 10⁶ or more.

    Examples
    --------
    >>> show = rounded(0.93712, 0.9352, 0.9391)
    >>> show(0.93712), show(0.9352)
    ('0.9371', '0.9352')
    >>> rounded(2.5e-7, 2.4e-7, 2.6e-7)(2.5e-7)
    '2.50×10⁻⁷'
    """
    if not all(v is not None and math.isfinite(v) for v in (value, low, high)):
        return number
    error = max(high - value, value - low, least)
    size = max(abs(value), error, beside)
    # Below the last digit of a float there is nothing to tell.
    if not error > 1e-14 * size:
        return number
    power = 0 if 1e-3 <= size < 1e6 else math.floor(math.log10(size))
    # Rounded first: an error of 0.0996 is one of 0.10, and has its two digits there.
    decimals = 1 - math.floor(math.log10(float(f"{error / 10.0**power:.1e}")))
    raised = f"×10{superscript(power)}" if power else ""

    def show(v: Any) -> str:
        if v is None or not math.isfinite(v):
            return number(v)
        # Adding 0.0 turns −0.0 into 0.0.
        factor = round(float(v) / 10.0**power, decimals) + 0.0
        return f"{factor:,.{max(decimals, 0)}f}{raised}".replace("-", "−")

    return show


def flat(tree: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, str]]:
    """(path, text) of every leaf of nested mappings, paths joined by ' · '.

    Examples
    --------
    >>> list(flat({"seed": 1, "versions": {"numpy": "2.4"}}))
    [('seed', '1'), ('versions · numpy', '2.4')]
    """
    for key, value in tree.items():
        path = f"{above} · {key}" if above else str(key)
        if isinstance(value, Mapping):
            yield from flat(value, path)
        else:
            yield path, text_of(value)


def text_of(value: Any) -> str:
    """Any plain value as text: lists joined by commas, missing values as '–'."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value, 6)
    if isinstance(value, Mapping):
        return ", ".join(f"{k} = {text_of(v)}" for k, v in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(text_of(v) for v in value)
    return str(value)
