"""Tables of predictions, written piece by piece: Parquet or CSV, by the name's ending.

Columns: `id` (the input's event id or row number), `prediction` (class name or value; of directions
`prediction_zenith` and `prediction_azimuth` in degrees, of places `prediction_x` and `_y`), for
classifiers `score` and `probability_<class>`, where known `spread` and `quantile_<level>`, and
`outside_training_range`.
Rows that lack a feature keep their id; the rest of them is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from baksan.files import replacing
from baksan.metrics import Prediction
from baksan.physics.directions import zenith_and_azimuth

Array = NDArray[Any]

__all__ = ["frame", "sink", "vector_columns", "write_frame"]


def vector_columns(name: str, kind: str, vectors: Array) -> dict[str, Array]:
    """Directions as zenith angle and azimuth (0 … 360) in degrees, places as they are, (n,) each.

    Examples
    --------
    >>> vector_columns("answer", "direction", np.array([[0.0, -1.0, 1.0]]))
    {'answer_zenith': array([45.]), 'answer_azimuth': array([270.])}
    """
    if kind == "direction":
        zenith, azimuth = (np.rad2deg(angle) for angle in zenith_and_azimuth(vectors))
        return {f"{name}_zenith": zenith, f"{name}_azimuth": azimuth}
    return {f"{name}_{axis}": vectors[:, k] for k, axis in enumerate("xyz"[: vectors.shape[1]])}


def columns(prediction: Prediction, class_names: Sequence[str], kind: str = "") -> dict[str, Array]:
    """A prediction as columns by name, without ids."""
    held: dict[str, Array]
    if prediction.value is not None and kind:
        held = vector_columns("prediction", kind, prediction.value)
    elif prediction.value is not None:
        value = prediction.value.reshape(len(prediction), -1)
        names = (
            ["prediction"]
            if value.shape[1] == 1
            else [f"prediction_{k}" for k in range(value.shape[1])]
        )
        held = {name: value[:, k] for k, name in enumerate(names)}
    else:
        assert prediction.score is not None
        held = {"prediction": np.asarray(class_names)[prediction.label]}
        if prediction.score.ndim == 1:
            held["score"] = prediction.score
        if prediction.probability is not None:
            for k, name in enumerate(class_names):
                held[f"probability_{name}"] = prediction.probability[:, k]
    if prediction.spread is not None:
        held["spread"] = prediction.spread
    if prediction.quantiles is not None and prediction.levels is not None:
        for k, level in enumerate(prediction.levels):
            held[f"quantile_{float(level)}"] = prediction.quantiles[:, k]
    return held


def frame(
    ids: Array,
    prediction: Prediction,
    class_names: Sequence[str],
    *,
    complete: Array | None = None,
    more: Mapping[str, Array] | None = None,
    unit: str = "",
    kind: str = "",
) -> pa.Table:
    """An Arrow table of predictions; rows that are not `complete` get nulls.

    `unit` is the answer's: Parquet keeps it with `prediction`, `answer`, `spread` and quantiles.
    `kind` says that values are directions or positions.
    """
    held = {k: pa.array(v) for k, v in columns(prediction, class_names, kind).items()}
    if complete is not None and not complete.all():
        place = pa.array(np.cumsum(complete) - 1, mask=~complete)
        held = {k: v.take(place) for k, v in held.items()}
    table = pa.table(
        {"id": pa.array(ids), **held, **{k: pa.array(v) for k, v in (more or {}).items()}}
    )
    return table if not unit else table.cast(pa.schema([_told(f, unit) for f in table.schema]))


def _told(field: pa.Field, unit: str) -> pa.Field:
    of_answer = ("prediction", "answer", "spread", "quantile_")
    return field.with_metadata({"unit": unit}) if field.name.startswith(of_answer) else field


class _Sink:
    def __init__(self, path: Path, csv: bool) -> None:
        self.path, self.csv = path, csv
        self.writer: Any = None
        self.schema: Any = None

    def write(self, table: pa.Table) -> None:
        if self.writer is None:
            self.schema = table.schema
            self.writer = (pc_csv.CSVWriter if self.csv else pq.ParquetWriter)(
                self.path, self.schema
            )
        self.writer.write_table(table.cast(self.schema))

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()


@contextmanager
def sink(path: Path | str) -> Iterator[_Sink]:
    """Something to `write` tables to; the file appears at the end, whole.

    Raises ValueError for a name that ends in neither .parquet nor .csv.
    """
    path = Path(path)
    if path.suffix not in (".parquet", ".csv"):
        raise ValueError(f"predictions go to .parquet or .csv; {path.name!r} ends in neither.")
    with replacing(path) as beside:
        made = _Sink(beside, path.suffix == ".csv")
        try:
            yield made
        finally:
            made.close()


def write_frame(path: Path | str, table: pa.Table) -> None:
    """One whole table."""
    with sink(path) as out:
        out.write(table)
