"""Which tested events runs have in common, and why differences can or cannot be paired on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.compare.runs import Side
from baksan.metrics import Prediction
from baksan.samples import Feature, Samples, counted

Array = NDArray[Any]

__all__ = ["Common", "in_common"]

_FEWEST = 100
"""Fewer events in common are no ground for a comparison."""


@dataclass(frozen=True, eq=False)
class Common:
    """The events that all runs tested: rows of each run's tested events, in one order.

    `why_not` says why there is no pairing; "" where there is.
    """

    rows: list[Array] = field(default_factory=list)
    why_not: str = ""

    def __len__(self) -> int:
        return len(self.rows[0]) if self.rows else 0

    def samples(self, runs: Sequence[Side]) -> Samples:
        """Answers, weights and groups of these events, after the first run; no features."""
        first, e = runs[0], runs[0].evaluation
        held = {k: v[self.rows[0]] for k, v in first.tested.items()}
        group = next((r.tested["group"][i] for r, i in zip(runs, self.rows, strict=True)
                      if "group" in r.tested), None)  # fmt: skip
        answer = Feature(e.answer["name"], e.answer["unit"]) if e.answer else None
        y = held["answer"]
        if e.class_names:
            place = {name: k for k, name in enumerate(e.class_names)}
            y = np.array([place[name] for name in y])
        weight = None if np.all(held["weight"] == 1) else held["weight"]
        return Samples(
            np.empty((len(y), 0)), y, weight=weight, group=group, answer=answer,
            class_names=e.class_names,
        )  # fmt: skip

    def predictions(self, runs: Sequence[Side]) -> dict[tuple[int, str], Prediction]:
        """Of run k and method, (k, method), what was said of these events."""
        return {
            (k, model): prediction.take(rows)
            for k, (run, rows) in enumerate(zip(runs, self.rows, strict=True))
            for model in run.models
            if (prediction := run.prediction(model)) is not None
        }


def in_common(runs: Sequence[Side]) -> Common:
    """The events that all runs tested, told by id and answer."""
    if lacking := [r.name for r in runs if any(r.prediction(m) is None for m in r.models)]:
        return Common(why_not=(
            f"{', '.join(lacking)} did not keep the scores of its classes, as it was made by an"
            " older baksan"
        ))  # fmt: skip
    ids = _numbered([run.tested["id"] for run in runs])
    answers = _numbered([run.tested["answer"] for run in runs])
    keys = [i * (1 + max(a.max() for a in answers)) + a for i, a in zip(ids, answers, strict=True)]
    if any(len(np.unique(key)) < len(key) for key in keys):
        return _repeated(keys)
    if relabelled := _other_answers(ids, keys):
        return Common(
            why_not=f"{relabelled:,} names of events stand for different answers: they are others"
        )
    return _enough(_shared(keys), runs)


def _numbered(columns: Sequence[Array]) -> list[Array]:
    """The same whole number for the same value, in all columns."""
    if len({column.dtype.kind for column in columns}) > 1:
        columns = [column.astype(str) for column in columns]
    _, number = np.unique(np.concatenate(columns), return_inverse=True)
    ends = np.cumsum([len(column) for column in columns])[:-1]
    return np.split(number.astype(np.int64), ends)


def _repeated(keys: Sequence[Array]) -> Common:
    """Names that are given to several events tell them only where runs have exactly the same."""
    order = [np.argsort(key, kind="stable") for key in keys]
    ranked = [key[o] for key, o in zip(keys, order, strict=True)]
    if all(np.array_equal(ranked[0], other) for other in ranked[1:]):
        return Common(order)
    return Common(why_not="several events have one name, and the runs have other ones of these")


def _other_answers(ids: Sequence[Array], keys: Sequence[Array]) -> int:
    """How many names of events in all runs have another answer in one; 0 for names given twice."""
    if any(len(np.unique(i)) < len(i) for i in ids):
        return 0
    return len(_shared(ids)[0]) - len(_shared(keys)[0])


def _shared(keys: Sequence[Array]) -> list[Array]:
    """The rows of each whose keys are in all, in one order."""
    common = keys[0]
    for key in keys[1:]:
        common = np.intersect1d(common, key, assume_unique=True)
    common = np.sort(common)
    order = [np.argsort(key) for key in keys]
    return [o[np.searchsorted(key, common, sorter=o)] for key, o in zip(keys, order, strict=True)]


def _enough(rows: list[Array], runs: Sequence[Side]) -> Common:
    first = runs[0]
    n, classes = len(rows[0]), first.evaluation.class_names
    if n < _FEWEST:
        return Common(
            why_not=f"only {counted(n, 'event')} {'was' if n == 1 else 'were'} tested in"
            f" {'both' if len(runs) == 2 else 'all'}"
        )
    held = first.tested["answer"][rows[0]]
    if empty := [c for c in classes if not first.tested["weight"][rows[0]][held == c].any()]:
        return Common(why_not=f"none of the events tested in all is of {empty[0]}")
    return Common(rows)
