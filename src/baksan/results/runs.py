"""What the results of a run are made of: its tested events, and predictions of new ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.data import read
from baksan.store.run import RunFolder
from baksan.table import Table

Array = NDArray[Any]

__all__ = ["Tested", "called", "scored", "tested"]


@dataclass(frozen=True, eq=False)
class Tested:
    """Events of a run, predicted by one method that had not seen them: class indices of the truth
    and of what they were called, (n,), weights, and for two classes the score.
    """

    method: str
    classes: tuple[str, ...]
    truth: Array
    found: Array
    weight: Array
    score: Array | None


def tested(run: Path | str, method: str | None = None) -> Tested:
    """The out-of-fold events of a finished run of classes; of its best method if none is named.

    Raises
    ------
    KeyError
        A method that the run does not have.
    ValueError
        No finished run, or one of numbers.
    """
    folder = RunFolder.open(run)
    evaluation = folder.read_json("evaluation.json")
    classes = tuple(evaluation["class_names"])
    if not classes:
        raise ValueError(
            f"fractions and searches need a run whose answer is a class; that of {run} is a number."
            " Train on a column of classes."
        )
    values = {r["model"]: r["value"] for r in evaluation["table"] if r["metric"] == "auc"}
    chosen = method or max(values, key=lambda name: values[name] or 0.0)
    if chosen not in values:
        raise KeyError(f"the run {run} has no method {chosen!r}; there are {', '.join(values)}.")
    rows = read(folder.path / "predictions.parquet")
    rows = rows.take(rows["method"] == chosen)
    score = rows["score"] if "score" in rows.columns else None
    truth, found = (_indices(rows, name, classes) for name in ("answer", "prediction"))
    return Tested(chosen, classes, truth, found, rows["weight"].astype(float), score)


def called(path: Path | str, classes: tuple[str, ...]) -> Array:
    """How many events of a file of predictions were called each class, (K,).

    Raises ValueError for classes that the run does not have.
    """
    rows = _predictions(path, "prediction")
    return np.bincount(_indices(rows, "prediction", classes), minlength=len(classes))


def scored(path: Path | str) -> Array:
    """The scores in a file of predictions, (n,), without rows that have none."""
    score = _predictions(path, "score")["score"].astype(float)
    return np.asarray(score[np.isfinite(score)])


def _predictions(path: Path | str, column: str) -> Table:
    rows = read(path)
    if column not in rows.columns:
        raise ValueError(
            f"{path} must hold predictions with a column {column!r}, as baksan apply writes them;"
            f" it has {', '.join(rows.names)}. Apply the model of the run to the data first."
        )
    return rows


def _indices(rows: Table, column: str, classes: tuple[str, ...]) -> Array:
    told = rows.column(column).as_text.values
    told = told[told != ""]  # rows that lack a feature have no prediction
    if strange := sorted(set(told.tolist()) - set(classes)):
        raise ValueError(
            f"{rows.source}: the classes must be {', '.join(classes)}; there is also"
            f" {strange[0]!r}. Take predictions of a model of this run."
        )
    index = {name: k for k, name in enumerate(classes)}
    return np.array([index[name] for name in told.tolist()], dtype=np.int64)
