"""The verb: apply(model, events, out). Predictions for new events, in blocks of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from baksan.store.model import Stored
from baksan.store.predictions import frame, sink
from baksan.table import Table

__all__ = ["Applied", "apply", "predicted"]


@dataclass(frozen=True)
class Applied:
    """What was predicted: counts for the user."""

    events: int
    incomplete: int
    """Rows that lack a feature: they keep their id and get no prediction."""
    outside: int
    """Rows with a feature beyond its range in training."""

    def __str__(self) -> str:
        told = [f"{self.events:,} events predicted."]
        if self.incomplete:
            told.append(f"{self.incomplete:,} lack a feature and have no prediction.")
        if self.outside:
            told.append(
                f"{self.outside:,} lie outside the range of the training events"
                " (outside_training_range): trust these less."
            )
        return " ".join(told)


def apply(
    stored: Stored,
    blocks: Iterable[Table],
    out: Path | str,
    *,
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
    id : str, optional
        The column that names events; else the model's own, else row numbers.
    ranked : bool
        Best score first. Then all predictions are held in memory.
    progress : callable, optional
        progress(events so far).

    Raises
    ------
    KeyError, TypeError, UnitError
        A missing column, a column of text, a unit that does not fit.
    ValueError
        There are no events, or `out` ends in neither .parquet nor .csv.
    """
    counts = np.zeros(3, dtype=int)
    with sink(out) as written:

        def counted() -> Iterator[pa.Table]:
            for table in blocks:
                rows = predicted(stored, table, id)
                outside = rows["outside_training_range"].to_numpy()
                missing = rows["prediction"].null_count
                counts[:] += (len(table), missing, int(outside.sum()))
                if progress is not None:
                    progress(int(counts[0]))
                yield rows

        if ranked:
            _write_ranked(counted(), written)
        else:
            for rows in counted():
                written.write(rows)
        if not counts[0]:
            raise ValueError("there are no events to predict; the input is empty.")
    return Applied(*(int(c) for c in counts))


def _write_ranked(rows: Iterable[pa.Table], written: Any) -> None:
    whole = pa.concat_tables(list(rows))
    key = "score" if "score" in whole.column_names else "prediction"
    written.write(whole.sort_by([(key, "descending")]))


def predicted(stored: Stored, table: Table, id: str | None = None) -> pa.Table:
    """The predictions of one table: see `baksan.store.predictions` for the columns."""
    name = id or (stored.card.id if stored.card.id in table.columns else None)
    ids = table.rows if name is None else table[name]
    prediction, complete, outside = stored.apply(table)
    return frame(
        ids, prediction, stored.card.class_names, complete=complete,
        more={"outside_training_range": outside & complete},
    )  # fmt: skip
