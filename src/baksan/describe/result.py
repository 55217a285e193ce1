"""What was found in a table: plain types, and as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from baksan.samples import counted

__all__ = ["ColumnDescription", "Description"]

_HEAD = ("column", "unit", "type", "missing", "distinct")
_FULL, _SHORT = 32 + 2 + 15, 19 + 1 + 9  # characters of the range and histogram


@dataclass(frozen=True)
class ColumnDescription:
    """One column: numbers have low … high, text has values; `spark` is a small histogram."""

    name: str
    type: str
    unit: str
    rows: int
    missing: int
    distinct: int
    low: float | None = None
    median: float | None = None
    mean: float | None = None
    high: float | None = None
    spark: str = ""
    values: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Description:
    """What `describe` found; `text()` for a terminal, `to_dict()` for a file."""

    source: str
    rows: int
    columns: tuple[ColumnDescription, ...]
    answer: str | None
    classes: Mapping[str, int]
    duplicates: int
    notes: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Every warning with the name of its column in front."""
        return tuple(f"{c.name}: {w}" for c in self.columns for w in c.warnings)

    def to_dict(self) -> dict[str, Any]:
        """Plain types, ready for JSON."""
        return {**asdict(self), "classes": dict(self.classes)}

    def text(self, width: int = 100) -> str:
        """The table of columns, and below it what to look out for, in lines of at most `width`."""
        columns = counted(len(self.columns), "column")
        lines = [f"{self.source}: {counted(self.rows)}, {columns}", ""]
        lines += _columns_text(self.columns, width)
        if self.classes:
            total = max(sum(self.classes.values()), 1)
            shares = [f"{n} {c:,} ({c / total:.1%})" for n, c in self.classes.items()]
            lines += ["", *_wrapped(f"answer {self.answer}: {', '.join(shares)}", width)]
        remarks = [*self._remarks(), *self.warnings, *self.notes]
        lines += [""] * bool(remarks)
        for remark in remarks:
            lines += _wrapped(f"• {remark}", width)
        return "\n".join(lines)

    def _remarks(self) -> Iterator[str]:
        if self.duplicates:
            repeat = "repeats an earlier one" if self.duplicates == 1 else "repeat earlier ones"
            yield f"{counted(self.duplicates)} {repeat}: keep them on one side of a split"


def _columns_text(columns: Sequence[ColumnDescription], width: int) -> list[str]:
    """One aligned line for each column: numbers show their range, text its values.

    Where that is wider than `width`, numbers have three digits, there is no median, the histogram
    has half its bins, and long names and units are cut.
    """
    lefts = [_HEAD] + [
        (c.name, c.unit, c.type, f"{c.missing:,}" if c.missing else "", f"{c.distinct:,}")
        for c in columns
    ]
    wide = [max(len(row[j]) for row in lefts) for j in range(len(_HEAD))]
    short = sum(wide) + 2 * len(wide) + _FULL > width
    gap, number = (" ", 9) if short else ("  ", 10)
    if short:
        room = width - sum(wide[2:]) - len(wide) - _SHORT
        wide[0] = max(min(wide[0], room - min(wide[1], room // 3)), len(_HEAD[0]))
        wide[1] = max(min(wide[1], room - wide[0]), len(_HEAD[1]))
    heads = ("low", "high") if short else ("low", "median", "high")
    tails = [" ".join(head.rjust(number) for head in heads)]
    tails += [" ".join(c.values) if c.type == "text" else _range(c, short, number) for c in columns]
    lines = []
    for row, tail in zip(lefts, tails, strict=True):
        cells = [_fit(row[j], wide[j]).ljust(wide[j]) for j in range(3)]
        cells += [row[j].rjust(wide[j]) for j in range(3, 5)]
        lines.append(_fit(gap.join([*cells, tail]).rstrip(), width))
    return lines


def _range(c: ColumnDescription, short: bool, number: int) -> str:
    """Low, median and high, and the histogram; in short, without the median and half as long."""
    shown = [c.low, c.high] if short else [c.low, c.median, c.high]
    cells = [_cell(v, c.type.startswith("int"), 3 if short else 5, number) for v in shown]
    bars, *scale = c.spark.split(" ")
    if short:
        bars = "".join(max(bars[k : k + 2]) for k in range(0, len(bars), 2))
    gap = " " if short else "  "
    return gap.join([" ".join(cell.rjust(number) for cell in cells), " ".join([bars, *scale])])


def _cell(value: float | None, whole: bool, digits: int, width: int) -> str:
    """A number of so many digits; one of whole numbers as it is, where it fits."""
    if value is None:
        return ""
    told = f"{value:,.0f}" if whole and value.is_integer() else ""
    return told if 0 < len(told) <= width else f"{value:.{digits}g}"


def _fit(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 1)] + "…"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="  ")
