"""What a page is made of: sections of pictures, tables, paragraphs and definitions; and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure

from baksan.report.plots.style import HALF, svg

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
    """A figure with its caption and what a screen reader says."""

    figure: Figure
    alt: str
    caption: str
    kind: str = field(default="picture", init=False)

    @property
    def inches(self) -> float:
        return float(self.figure.get_figwidth())

    @property
    def narrow(self) -> bool:
        """Whether two of them fit side by side."""
        return self.inches <= HALF

    def svg(self, key: str) -> str:
        return svg(self.figure, key, self.alt)


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

    Examples
    --------
    >>> number(19020), number(0.0000123456), number(None), number(-2.5)
    ('19,020', '1.235×10⁻⁵', '–', '−2.5')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    v = float(value)
    if math.isinf(v):
        return "∞" if v > 0 else "−∞"
    if v == round(v) and abs(v) < 1e9:
        return f"{v:,.0f}".replace("-", "−")
    text = f"{v:.{digits}g}"
    if "e" in text:
        factor, exponent = text.split("e")
        raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        text = f"{factor}×10{raised}"
    return text.replace("-", "−")


def rounded(value: Any, low: Any = None, high: Any = None) -> Callable[[Any], str]:
    """How to print a value and its neighbours: two digits of its error, at most six decimals.

    Examples
    --------
    >>> show = rounded(0.93712, 0.9352, 0.9391)
    >>> show(0.93712), show(0.9352)
    ('0.9371', '0.9352')
    """
    ends = [float(v) for v in (low, high) if v is not None and math.isfinite(v)]
    if value is None or not math.isfinite(value) or len(ends) < 2 or ends[0] == ends[1]:
        return number
    decimals = 1 - math.floor(math.log10(abs(ends[1] - ends[0]) / 2))
    if decimals > 6:
        return number
    decimals = max(decimals, 0)

    def show(v: Any) -> str:
        # Adding 0.0 turns −0.0 into 0.0.
        return (
            "–"
            if v is None
            else f"{round(float(v), decimals) + 0.0:,.{decimals}f}".replace("-", "−")
        )

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
