"""What is counted of all rows, table after table; and rows chosen of them at random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.samples import class_text
from baksan.table import Column, Table, source_of
from baksan.table.column import joined

__all__ = [
    "MANY", "SAMPLE", "Fact", "Facts", "Pass", "Sampler", "counted_marks", "finite_values",
    "marks_in",
]  # fmt: skip

Pass = Callable[[Sequence[str] | None], Iterable[Table]]
"""Starts a pass over the tables of one source, with these columns or (None) all of them."""

Array = NDArray[Any]


_MARKS = (-9999.0, -999.0, -99.0, 999.0, 9999.0, 99999.0, 1e20, 1e30)
SAMPLE = 65_536  # rows that are looked at where there are more than memory holds
MANY = 1000  # values of an answer up to which they are counted, row by row


@dataclass
class Fact:
    """What is counted of a column, table after table."""

    rows: int = 0
    missing: int = 0
    infinite: int = 0
    finite: int = 0
    total: float = 0.0
    low: float = np.inf
    high: float = -np.inf
    first: str | None = None
    varies: bool = False
    numbers: int = 0
    """Cells of text that hold a number, of so many that hold anything:"""
    cells: int = 0

    def add(self, column: Column) -> None:
        self.rows += len(column.values)
        lost = column.missing
        self.missing += int(lost.sum())
        if column.is_text:
            self._add_text(column, column.values[~lost])
            return
        finite = finite_values(column)
        if column.values.dtype.kind == "f":
            self.infinite += int(np.isinf(column.values).sum())
        if len(finite):
            self.finite, self.total = self.finite + len(finite), self.total + float(finite.sum())
            self.low = min(self.low, float(finite.min()))
            self.high = max(self.high, float(finite.max()))
            self.varies = self.low < self.high

    def _add_text(self, column: Column, present: Array) -> None:
        numbers, cells = column.numbers_in_text
        self.numbers, self.cells = self.numbers + numbers, self.cells + cells
        if len(present):
            self.first = str(present[0]) if self.first is None else self.first
            self.varies = self.varies or bool((present != self.first).any())


@dataclass
class Facts:
    """The facts of all columns; and how often each value of the answer occurs, if they are few."""

    answer: str | None = None
    rows: int = 0
    columns: dict[str, Fact] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    counts: Counter[Any] = field(default_factory=Counter)

    def add(self, table: Table) -> None:
        self.rows += len(table)
        self.notes |= dict.fromkeys(table.notes)
        for name, column in table.columns.items():
            self.columns.setdefault(name, Fact()).add(column)
        if self.answer is not None and len(self.counts) <= MANY:
            answer = table.column(self.answer)
            self.counts.update(answer.values[~answer.missing].ravel().tolist())

    @property
    def classes(self) -> dict[str, int]:
        """How often each class occurs, most frequent first."""
        names = class_text(np.array(list(self.counts))).tolist()
        counts = zip(names, self.counts.values(), strict=True)
        return dict(sorted(counts, key=lambda pair: (-pair[1], pair[0])))


class Sampler:
    """Rows with the smallest of random numbers: every set of rows is equally likely."""

    def __init__(self) -> None:
        # Not default_rng(0) alone: the same numbers may have made the events of a simulation.
        self.rng = np.random.default_rng([0, SAMPLE])
        self.parts: list[Table] = []
        self.keys: list[Array] = []

    def add(self, table: Table) -> None:
        self.parts.append(table)
        self.keys.append(self.rng.random(len(table)))
        if sum(map(len, self.keys)) > 2 * SAMPLE:
            self._prune()

    def _prune(self) -> None:
        limit = np.partition(np.concatenate(self.keys), SAMPLE - 1)[SAMPLE - 1]
        near = [keys <= limit for keys in self.keys]
        self.parts = [table.take(rows) for table, rows in zip(self.parts, near, strict=True)]
        self.keys = [keys[rows] for keys, rows in zip(self.keys, near, strict=True)]

    def table(self, notes: tuple[str, ...]) -> Table:
        """The rows chosen, in their order. Raises ValueError if there are none at all."""
        if sum(map(len, self.keys)) > SAMPLE:
            self._prune()
        if not self.parts:
            raise ValueError("rows are needed; there is no table. Check where they come from.")
        columns = {
            name: joined([t.column(name) for t in self.parts]) for name in self.parts[0].names
        }
        rows = np.concatenate([t.rows for t in self.parts])
        return Table(columns, source_of(self.parts), notes, rows)


def counted_marks(
    tables: Pass, sample: Table, facts: Facts, tell: Callable[[int], object]
) -> dict[str, dict[float, int]]:
    """How often the marks occur that the sample, or the range of all rows, lets suspect."""
    found: dict[str, dict[float, int]] = {}
    for name, column in sample.columns.items():
        fact = facts.columns[name]
        if fact.finite:
            edges = [fact.low, fact.high, *([-1.0] if fact.low == -1 else [])]
            found[name] = dict.fromkeys(
                (m for m, _ in marks_in(np.r_[finite_values(column), edges])), 0
            )
    found = {name: marks for name, marks in found.items() if marks}
    rows = 0
    for table in tables(list(found)) if found else ():
        for name, marks in found.items():
            for mark in marks:
                marks[mark] += int((table[name] == mark).sum())
        rows += len(table)
        tell(rows)
    return found


def finite_values(column: Column) -> NDArray[np.float64]:
    """The numbers of a column that are neither missing nor infinite."""
    return np.asarray(column.values[np.isfinite(column.values)], dtype=np.float64)


def marks_in(finite: Array) -> Iterator[tuple[float, int]]:
    """Values such as −999 that lie far outside all others, or −1 below numbers from 0 on."""
    values, counts = np.unique(finite, return_counts=True)
    for mark in (*_MARKS, -1.0):
        here = values == mark
        rest = values[~here]
        if not here.any() or not len(rest):
            continue
        if mark == -1:
            found = rest[0] >= 0 and len(rest) > 3 and counts[here][0] > 1
        else:
            found = rest[0] > mark / 2 if mark < 0 else rest[-1] < mark / 2
        if found:
            yield mark, int(counts[here][0])
