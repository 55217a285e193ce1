"""`open_stream`: the events of a file of any size, a folder or a data set, as a Stream.

The same choices as `load(name).samples(...)`. What only all rows together tell (which classes there
are, which features vary) is found first: by reading on until nothing is left to find, which is
mostly the first block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.data.columns import DEFAULT_ROWS
from baksan.data.expressions import columns as columns_of
from baksan.data.expressions import derive, select
from baksan.data.formats import blocks
from baksan.data.loading import Loaded, Progress, is_file, load, none_kept
from baksan.samples import Samples
from baksan.stream import Stream
from baksan.table import Census, Table, gap_notes, lost_notes, text_note
from baksan.table.filling import texts_of

__all__ = ["Events", "Pass", "open_stream", "opened"]

Pass = Callable[[Sequence[str] | None], Iterable[Table]]
"""Starts a pass over tables with these columns; all columns for None."""


def open_stream(
    name: str | Path,
    *,
    features: Sequence[str] | str | None = None,
    answer: str | None = None,
    signal: str | None = None,
    weight: str | None = None,
    group: str | None = None,
    id: str | None = None,
    where: str | None = None,
    impute: bool = False,
    beside: str | None = None,
    marks: Sequence[float] = (),
    rows: int = DEFAULT_ROWS,
    buffer: int | None = None,
    allow_changed: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Stream:
    """The events of `load(name).samples(...)`, read in blocks as often as they are wanted.

    Only the columns that are needed are read. Rows with a missing value are left out of each block;
    `stream.survey.notes` counts them.

    Parameters
    ----------
    name : str or Path
        A file, a folder of files with the same columns, or a data set of the catalogue.
    features, answer, signal, weight, group, id, where, impute, beside
        As in `Loaded.samples`.
    marks : sequence of float
        Numbers that stand for a missing value, such as −999.
    rows : int
        Rows of the file in a block.
    buffer : int, optional
        Events that are held to shuffle them, as in `Stream`.
    allow_changed, progress, **options
        As in `load`.

    Raises
    ------
    KeyError, TypeError, ValueError, FileNotFoundError
        As `load` and `Loaded.samples`; a negative weight only once its block is read.

    Examples
    --------
    >>> X = open_stream("digits", rows=500)
    >>> [len(block) for block in X], X.class_names[:3]
    ([500, 500, 500, 297], ('0', '1', '2'))
    """
    tables, first = opened(name, rows, allow_changed, progress, options)
    roles = {"answer": answer, "weight": weight, "group": group, "id": id, "signal": signal}
    events = Events.of(
        tables, first, features, where, roles, progress, beside, impute=impute, marks=marks
    )
    told = None if progress is None else lambda n: progress(f"reading {name}: {n:,} rows")
    held = {} if buffer is None else {"buffer": buffer}
    return Stream(events.blocks, source=str(name), progress=told, **held)


def opened(
    name: str | Path,
    rows: int,
    allow_changed: bool,
    progress: Progress | None,
    options: dict[str, Any],
) -> tuple[Pass, Loaded]:
    """How to start a pass; and the first table with what the catalogue knows."""
    if is_file(name):
        first = next(iter(blocks(name, rows, **options)))
        return lambda columns: blocks(name, rows, columns=columns, **options), Loaded(first)
    loaded = load(name, allow_changed=allow_changed, progress=progress, **options)
    table = loaded.table
    slices = [np.arange(at, min(at + rows, len(table))) for at in range(0, len(table), rows)]

    def some(columns: Sequence[str] | None) -> Iterable[Table]:
        picked = table if columns is None else table.select(columns)
        return (picked.take(rows) for rows in slices)

    return some, loaded


class Events:
    """From tables to Samples: what `Loaded.samples` was asked for, decided once for all blocks."""

    @classmethod
    def of(
        cls,
        tables: Pass,
        first: Loaded,
        features: Sequence[str] | str | None,
        where: str | None,
        roles: dict[str, str | None],
        progress: Progress | None,
        beside: str | None = None,
        **more: Any,
    ) -> Events:
        """As asked for by the arguments of `Loaded.samples`; `first` begins the tables."""
        choices = first.choices(roles)
        wanted = first.wanted(features, beside)
        return cls(tables, first.table, where, wanted, choices, progress, **more)

    def __init__(
        self,
        tables: Pass,
        first: Table,
        where: str | None,
        wanted: Sequence[str] | None,
        choices: dict[str, Any],
        progress: Progress | None,
        impute: bool = False,
        marks: Sequence[float] = (),
    ) -> None:
        self.tables, self.where, self.wanted, self.marks = tables, where, wanted, marks
        self.progress = progress
        self.first = replace(first.unmarked(marks), notes=first.notes)
        self.first = first = self._as_later(besides=choices.values())
        self.signal = choices.pop("signal")
        self.order = choices.pop("class_names", ())
        self.allow_constant = choices.pop("allow_constant", False)
        self.texts = self._texts()
        table, names, needs = self._derived(first)
        self.roles = table.roles(names, needs=needs, impute=impute, **choices)
        self.numbers = self._numbers()
        self.kind: np.dtype[Any] | None = None
        self.seen: NDArray[np.generic] | None = None
        self.words: list[str] = []
        self._looked()
        self._decided()
        about = table.about(self.roles)
        self.empty = Samples(np.empty((0, len(about["features"]))), missing=impute, **about)
        self.first = first.take(np.arange(0))  # its rows have told what they can

    def part(self, tables: Pass) -> Events:
        """The same for some of the tables; it holds no event, so that it can travel."""
        other = copy(self)
        other.tables, other.progress = tables, None
        return other

    def blocks(self) -> Iterator[Samples]:
        """The Samples of each table, x by columns; empty where no row is left of it."""
        words, told, said = self.words, self.told, set[str]()
        notes = self.first.notes
        for raw in self.tables(self._needed()):
            table = self._prepared(raw)
            kept, lost = table.complete(self.roles)
            fresh = dict.fromkeys(n for n in (*notes, *raw.notes) if n not in said)
            said.update(fresh)
            gaps = gap_notes(table.gaps(self.roles, kept))
            notes = (*fresh, *table.notes, *words, *lost_notes(lost), *gaps, *told)
            yield self.empty.with_parts(**table.parts_as(self.roles, kept, "F"), notes=notes)
            words, told, notes = [], [], ()

    def _needed(self) -> tuple[str, ...]:
        """The columns of the file that the events are made of."""
        formulas = [*(self.roles.features if self.wanted is None else self.wanted)]
        made_of = [c for f in formulas for c in ([f] if f in self.first.columns else columns_of(f))]
        parts = [name for name in self.roles.parts.values() if name in self.first.columns]
        return tuple(dict.fromkeys([*made_of, *self._condition(), *parts]))

    def _condition(self) -> tuple[str, ...]:
        return columns_of(self.where) if self.where else ()

    def _kept(self, raw: Table) -> Table:
        """The rows that were asked for; the notes tell of this alone."""
        self._check_numbers(raw)
        table = replace(raw, notes=()).unmarked(self.marks)
        answer = self.roles.answer
        if answer and self.kind is not None and table[answer].dtype != self.kind:
            # As in memory: text where some rows are text, floats where some are.
            column = table.column(answer)
            column = column.as_text if self.kind.kind == "U" else column
            held = replace(column, values=column.values.astype(self.kind))
            table = table.with_columns({answer: held})
        return select(table, self.where) if self.where else table

    def _check_numbers(self, raw: Table) -> None:
        """Raises TypeError where numbers of the first rows are text, as in a folder of text files.

        In memory the whole column would be text; that is no more to be had.
        """
        for name in self.numbers:
            column = raw.columns.get(name)
            if column and column.is_text and len(raw):
                raise TypeError(
                    f"{raw.source}: column {name!r} must hold numbers, as in the first rows; it"
                    f" holds the text {column.example!r}. Mend the file, or leave the column out."
                )

    def _prepared(self, raw: Table) -> Table:
        """The rows and the features that were asked for."""
        return self._derived(self._kept(raw))[0]

    def _derived(self, table: Table) -> tuple[Table, list[str] | None, dict[str, list[str]]]:
        """The table with its formulas and indicators; the features; the indicators of each text."""
        if self.wanted is None:
            return table, None, {}
        return Table.indicated(*derive(table, self.wanted), self.texts)

    # What only all rows together tell -------------------------------------------------------------

    def _as_later(self, besides: Iterable[object]) -> Table:
        """The first rows; what may be a feature and is empty there is text if it is text later."""
        first = self.first
        names = set(first.names).difference(besides) if self.wanted is None else set(self.wanted)
        held = {n: c for n, c in first.columns.items() if n in names and c.values.ndim == 1}
        empty = [n for n, c in held.items() if not c.is_text and len(first) and c.missing.all()]
        later = set[str]()
        for raw in self._pass(empty) if empty else ():
            later.update(n for n in empty if raw.column(n).is_text)
        return first.with_columns({n: held[n].as_text for n in empty if n in later})

    def _texts(self) -> dict[str, tuple[str, ...]]:
        """The texts of each column of text among the features, by one pass over these columns."""
        held = {n: self.first.columns.get(n) for n in self.wanted or ()}
        found = {n: set[str]() for n, c in held.items() if c is not None and c.is_text}
        if not found:
            return {}
        for raw in self._pass([*found, *self._condition()]):
            table = raw.unmarked(self.marks)
            table = select(table, self.where) if self.where else table
            for name, texts in found.items():
                texts.update(texts_of(table.column(name).as_text.values, raw.source, name))
        every = {n: np.array(list(texts), dtype=str) for n, texts in found.items()}
        return {n: texts_of(values, self.first.source, n) for n, values in every.items()}

    def _numbers(self) -> list[str]:
        """The columns that must hold numbers, as they do in the first rows."""
        answer = None if self._may_be_classes() else self.roles.answer
        held = [*self.roles.features, self.roles.weight, answer]
        return [n for n in held if n in self.first.columns and not self.first.column(n).is_text]

    def _looked(self) -> None:
        """Which answers occur and what is text, by one pass over these columns alone.

        As in memory, rows that a condition leaves out count for the kind of the answers.
        """
        texts = self.first.texts(self.roles) if self.wanted is None else {}
        answer = self.roles.answer if self._may_be_classes() else None
        columns = [*texts, *([answer] if answer else [])]
        if not columns:
            return
        counts = dict.fromkeys(texts, (0, 0))
        census, kinds = self._census(), list[np.dtype[Any]]()
        for raw in self._pass({*columns, *self._condition()}):
            table = self._kept(raw)
            if answer:
                census.add_labels(table.column(answer).usable)
                kinds.append(table[answer].dtype)
            for name in texts:
                found, cells = table.column(name).numbers_in_text
                counts[name] = counts[name][0] + found, counts[name][1] + cells
        self.words = text_note(counts)
        if census.labels is not None:
            self.kind = np.result_type(*set(kinds))
            self.seen = census.labels.astype(self.kind)

    def _may_be_classes(self) -> bool:
        """Whether the answer is not simply numbers; 0 and 1 alone may turn out to be classes."""
        if not self.roles.answer:
            return False
        values = self.first.column(self.roles.answer).usable
        plain = values.dtype.kind in "iuf" and not np.isin(values, (0, 1)).all()
        return not plain or bool(self.signal or self.order)

    def _decided(self) -> None:
        """The classes, and the features that vary: reads on until nothing is left to find."""
        census, rows = self._census(), 0
        for raw in self._pass(self._needed()):
            rows += len(raw)
            table = self._prepared(raw)
            census.add(table, *table.complete(self.roles))
            if self._settled(census):
                break
        if self.where and not census.seen:
            raise none_kept(self.first.source, self.where, rows)
        self.roles, *told = census.decided(self.wanted is None, self.allow_constant)
        self.told = [sentence for group in told for sentence in group]

    def _settled(self, census: Census) -> bool:
        vary = not census.constant or (self.wanted is not None and self.allow_constant)
        found = census.labels
        answers = self.seen is None or (found is not None and np.isin(self.seen, found).all())
        return census.rows > 1 and census.weighs and vary and bool(answers)

    def _census(self) -> Census:
        return Census(self.first.source, self.roles, self.signal, self.order)

    def _pass(self, columns: Iterable[str]) -> Iterator[Table]:
        rows = 0
        for table in self.tables(list(columns)):
            yield table
            rows += len(table)
            if self.progress is not None:
                self.progress(f"looking through {self.first.source}: {rows:,} rows")
