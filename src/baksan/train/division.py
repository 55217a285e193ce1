"""Which events methods are trained on, and which they are tested on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.samples import Samples, counted
from baksan.solvers.base import Events
from baksan.stream import Stream, fold_numbers
from baksan.stream.labels import drawn, labels_of, number_of_folds

Array = NDArray[Any]

__all__ = ["Division", "check_parts", "divided"]


@dataclass(frozen=True, eq=False)
class Division:
    """All events, those of them that methods are compared on, and the folds of these.

    Samples are compared on all of themselves. A Stream is compared on its sample, which fits in
    memory: what can read a stream is trained on all its events outside of a fold, anything else
    on those of the sample.
    """

    events: Events
    X: Samples
    """The events that methods are compared on: all of the samples, or the sample of a stream."""
    fold: Array
    """The fold of each event of X, −1 for events that are never tested, (n,)."""
    parts: list[Stream] = field(default_factory=list)
    """Of a stream, for each fold, all events outside of it."""

    @property
    def count(self) -> int:
        """How many folds are tested."""
        return len(self.parts) or int(self.fold.max()) + 1

    @property
    def streamed(self) -> bool:
        """Whether the events are read again and again instead of being held."""
        return isinstance(self.events, Stream)

    def training(self, j: int | None, *, whole: bool = True) -> Events:
        """The events outside of fold j, all for None; unless `whole`, those of X among them."""
        if whole and self.streamed:
            return self.events if j is None else self.parts[j]
        return self.X if j is None else self.X.take(self.fold != j)

    def tested(self, j: int) -> Samples:
        """The events of X in fold j."""
        return self.X.take(self.fold == j)

    def check(self) -> None:
        """Raises ValueError where a fold is empty, or a class is missing on one of its sides."""
        for j in range(self.count):
            self._check_side(f"the training events of fold {j + 1}", self.fold != j)
            if not (self.fold == j).any():
                raise ValueError(
                    f"each fold needs events to be tested on; of {len(self.X)} none is in fold"
                    f" {j + 1}. Take fewer folds, or more events (groups)."
                )
        self._check_side("the tested events", self.fold >= 0)

    def _check_side(self, where: str, rows: Array) -> None:
        X = self.X
        if not X.class_names:
            return
        counts = np.bincount(X.answers[rows], minlength=len(X.class_names))
        sums = np.bincount(X.answers[rows], X.w[rows], len(X.class_names))
        for name, count in zip(X.class_names, counts, strict=True):
            if not count:
                raise ValueError(
                    f"each class must occur everywhere; {where} have no {name!r}, which has"
                    f" {counted(X.class_counts[name], 'event')} in all. Take fewer folds, or more"
                    " events."
                )
        if X.negative_share and sums.min() <= 0:
            raise ValueError(
                f"the weights of each class must sum to more than 0 everywhere; {where} have"
                f" {sums.min():g} of {X.class_names[int(sums.argmin())]!r}. Take fewer folds, or"
                " more events."
            )


def divided(X: Events, folds: int, test: float | None, seed: int) -> Division:
    """Folds of Samples are dealt, those of a Stream go by the hash of group or id.

    With `test` there is one fold, with about this share of the events. Raises ValueError for folds
    that cannot be made, TypeError for what is no number of them.
    """
    _check_kind(folds, test)
    if isinstance(X, Samples):
        return Division(X, X, _dealt(X, folds, test, seed))
    some = X.sample.with_parts(notes=X.survey.notes)
    if test is None:
        parts = [outside for outside, _ in X.folds(folds, seed=seed)]
        return Division(X, some, fold_numbers(some, folds, seed, cuts=X.cuts), parts)
    held = drawn(labels_of(some), seed, X.cuts) >= 1 - test
    return Division(X, some, np.where(held, 0, -1), [X.split(1 - test, seed=seed)[0]])


def check_parts(folds: int, test: float | None) -> None:
    """Raises as `divided` for what no events can be divided into."""
    _check_kind(folds, test)
    if test is None:
        number_of_folds(folds)


def _check_kind(folds: int, test: float | None) -> None:
    if test is None and not isinstance(folds, Integral):
        raise TypeError(
            f"folds must be a whole number, at least 2; {folds!r} came. Take --folds 5 (folds=5)."
        )
    if test is not None and not (isinstance(test, Real) and 0 < test < 1):
        raise ValueError(
            f"the test share must lie between 0 and 1; it is {test!r}. Give, for example,"
            " --test 0.3 (test=0.3)."
        )


def _dealt(X: Samples, folds: int, test: float | None, seed: int) -> Array:
    if test is None:
        return X.fold_numbers(folds, seed=seed)
    rows = replace(X, id=np.arange(len(X)))
    _, held = rows.split(1 - test, seed=seed)
    number = np.full(len(X), -1)
    number[held.ids] = 0
    return number
