"""The verb: apply(model, events, out). Predictions for new events, in blocks of bounded size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from baksan.data import select
from baksan.data.expressions import columns
from baksan.samples import counted
from baksan.store.card import Card
from baksan.store.model import Stored
from baksan.store.predictions import frame, sink
from baksan.store.shift import Shift
from baksan.table import Table

Array = NDArray[Any]

__all__ = ["Applied", "apply", "predicted"]


@dataclass(frozen=True)
class Applied:
    """What was predicted: counts for the user."""

    events: int
    incomplete: int
    """Rows that lack a feature: they keep their id and get no prediction."""
    outside: int
    """Rows with a feature beyond its range in training."""
    left_out: int = 0
    """Rows for which the condition was not true."""
    notes: tuple[str, ...] = ()
    """What the reader of the events has to say."""

    def __str__(self) -> str:
        told = [f"{counted(self.events, 'event')} predicted."]
        if self.incomplete:
            told.append(f"{self.incomplete:,} lack a feature and have no prediction.")
        if self.outside:
            told.append(
                f"{self.outside:,} lie outside the range of the training events"
                " (outside_training_range): trust these less."
            )
        if self.left_out:
            told.append(f"{counted(self.left_out)} left out by the condition.")
        return " ".join([*told, *self.notes])


def apply(
    stored: Stored,
    blocks: Iterable[Table],
    out: Path | str,
    *,
    where: str | None = None,
    id: str | None = None,
    ranked: bool = False,
    progress: Callable[[int], object] | None = None,
) -> Applied:
    """Predict the events of tables and write the predictions to `out` (.parquet or .csv).

    Parameters
    ----------
    stored : Stored
        From `baksan.store.load_model`.
    blocks : tables
        As `baksan.data.blocks` yields them.
    where : str, optional
        Rows to keep, e.g. 'fSize > 2.3'.
    id : str, optional
        The column that names events; else the model's own, else row numbers.
    ranked : bool
        Largest score (or value) first, rows without one last. All predictions are held in memory.
    progress : callable, optional
        progress(events so far).

    Raises
    ------
    KeyError, TypeError, UnitError
        A missing column, a column of text, a unit that does not fit.
    ValueError
        There are no events, `out` ends in neither .parquet nor .csv, a condition that is not
        understood, several classes or values to be ranked.
    """
    if ranked and len(stored.card.class_names) > 2:
        raise ValueError(
            f"a ranking needs one score an event; {stored.card.title!r} has"
            f" {len(stored.card.class_names)} classes. Sort by a probability_… of the predictions."
        )
    if ranked and stored.card.answer.kind:
        raise ValueError(
            f"a ranking needs one number an event; {stored.card.title!r} answers with a"
            f" {stored.card.answer.kind}. Leave out --ranked."
        )
    count, shift = _Count(), Shift(stored.card.features)
    with sink(out) as written:

        def made() -> Iterator[pa.Table]:
            for table in blocks:
                known = table.unmarked(stored.card.marks)
                kept = select(known, where) if where else known
                count.trained_elsewhere += _elsewhere(stored.card, kept)
                count.add_strange(stored, kept)
                rows = predicted(stored, kept, id, shift.add)
                count.add(table, rows)
                if progress is not None:
                    progress(count.events)
                yield rows

        if ranked:
            _write_ranked(list(made()), written)
        else:
            for rows in made():
                written.write(rows)
        if not count.events:
            why = f"no row fulfils {where!r}" if count.left_out else "the input is empty"
            raise ValueError(f"there must be events to predict; {why}. Give others.")
    for name, texts in count.strange.items():
        shown = ", ".join(repr(text) for text, _ in texts.most_common(3))
        count.notes[
            f"{texts.total():,} have a {name} that no training event had, such as {shown}: no"
            " indicator is set for it."
        ] = None
    if count.trained_elsewhere:
        count.notes[
            f"{count.trained_elsewhere:,} do not fulfil {stored.card.where!r}, as all training"
            " events did: leave them out with --where."
        ] = None
    if shift.sentence:
        count.notes[shift.sentence] = None
    return Applied(
        count.events, count.incomplete, count.outside, count.left_out, tuple(count.notes)
    )


def _elsewhere(card: Card, table: Table) -> int:
    """How many rows the condition of the training leaves out, where the table can tell."""
    if not card.where or not set(columns(card.where)) <= set(table.columns):
        return 0
    return len(table) - len(select(card.as_in_training(table), card.where))


@dataclass
class _Count:
    events: int = 0
    incomplete: int = 0
    outside: int = 0
    left_out: int = 0
    trained_elsewhere: int = 0
    notes: dict[str, None] = field(default_factory=dict)
    strange: dict[str, Counter[str]] = field(default_factory=dict)

    def add_strange(self, stored: Stored, table: Table) -> None:
        """Texts that were not there in training."""
        if set(stored.card.texts) <= set(table.columns):
            for name, rows in stored.card.strange(table).items():
                if rows.any():
                    held = self.strange.setdefault(name, Counter())
                    held.update(table[name][rows].tolist())

    def add(self, table: Table, rows: pa.Table) -> None:
        self.events += len(rows)
        self.incomplete += rows.column(1).null_count
        self.outside += pc.sum(rows["outside_training_range"]).as_py() or 0
        self.left_out += len(table) - len(rows)
        self.notes |= dict.fromkeys(table.notes)


def _write_ranked(tables: list[pa.Table], written: Any) -> None:
    if not tables:
        return
    whole = pa.concat_tables(tables)
    key = "score" if "score" in whole.column_names else "prediction"
    written.write(whole.sort_by([(key, "descending")]))


def predicted(
    stored: Stored,
    table: Table,
    id: str | None = None,
    seen: Callable[[Array], object] | None = None,
) -> pa.Table:
    """The predictions of one table: see `baksan.store.predictions` for the columns."""
    name = id or (stored.card.id if stored.card.id in table.columns else None)
    ids = table.rows if name is None else table[name]
    prediction, complete, outside = stored.apply(table, seen)
    return frame(
        ids, prediction, stored.card.class_names, complete=complete,
        more={"outside_training_range": outside & complete}, unit=stored.card.answer.unit,
        kind=stored.card.answer.kind,
    )  # fmt: skip
