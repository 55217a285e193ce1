"""What a search makes better: a figure of merit of out-of-fold predictions, fold after fold."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.metrics import METRICS, Prediction
from baksan.metrics.figures import figures
from baksan.samples import Samples
from baksan.train.division import Division
from baksan.train.lineup import Fitted, Method

Array = NDArray[Any]

__all__ = ["Objective", "cost", "figure", "fitted", "objective_name"]

_HELD_BACK = 0.2


def objective_name(name: str | None, X: Samples) -> str:
    """The figure of merit to make better; AUC or RMSE if none is named.

    Raises KeyError for an unknown one, ValueError for one that does not fit the answers.
    """
    if name is None:
        return "auc" if X.class_names else "rmse"
    two = len(X.class_names) == 2
    fitting = [
        m for m, v in METRICS.items() if v.task == X.task and (two or not v.two_classes)
    ]  # fmt: skip
    if name not in METRICS:
        raise KeyError(
            f"no figure of merit {name!r} to make better; these fit: {', '.join(fitting)}."
        )
    if name not in fitting:
        kind = f"{len(X.class_names)} classes" if X.class_names else "numbers"
        raise ValueError(
            f"the objective must fit the answers, which are {kind}; {name} does not. Take"
            f" {', '.join(fitting)}."
        )
    return name


def figure(name: str, prediction: Prediction, X: Samples) -> float:
    """One figure of merit of these events, as `evaluate` gives it; NaN where it does not exist."""
    negative = bool(X.negative_share)
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(figures(prediction, X.answers, (name,), negative=negative)(X.w)[0])


def fitted(method: Method, X: Samples, seed: int, threads: int) -> Fitted:
    """The method trained on X; what stops by a validation loss gets a fifth of X to watch."""
    validation = None
    if method.watches:
        X, validation = X.split(1 - _HELD_BACK, seed=seed)
    return method.train(X, seed=seed, threads=threads, validation=validation)


@dataclass(frozen=True, eq=False)
class Objective:
    """A figure of merit of a method on k inner folds of the events."""

    name: str
    X: Samples
    division: Division
    seed: int
    threads: int

    @classmethod
    def of(cls, name: str, X: Samples, folds: int, seed: int, threads: int) -> Objective:
        """With folds of X that hold all classes on both sides. Raises ValueError."""
        division = Division(X, X, X.fold_numbers(folds, seed=seed))
        division.check()
        return cls(name, X, division, seed, threads)

    @property
    def folds(self) -> int:
        return self.division.count

    def values(self, method: Method) -> Iterator[float]:
        """The figure of the out-of-fold predictions so far, after each fold.

        The last one is that of all events. Raises ValueError where the figure does not exist.
        """
        parts: list[Prediction] = []
        for j in range(self.folds):
            found = fitted(method, self.division.training(j), self.seed, self.threads)  # type: ignore[arg-type]
            parts.append(found.predict(self.division.tested(j).x))
            yield self._pooled(parts)

    def _pooled(self, parts: list[Prediction]) -> float:
        fold = self.division.fold
        seen = np.flatnonzero(fold < len(parts))
        rows = [np.flatnonzero(fold[seen] == j) for j in range(len(parts))]
        value = figure(self.name, Prediction.pooled(parts, rows, len(seen)), self.X.take(seen))
        if not math.isfinite(value):
            raise ValueError(
                f"{METRICS[self.name].title} does not exist for the predictions of"
                f" {len(seen):,} events. Take another objective, or fewer inner folds."
            )
        return value


def cost(name: str, value: float) -> float:
    """What is minimised to make a figure better: itself, its opposite, or its size."""
    return {"higher": -value, "lower": value, "zero": abs(value)}[METRICS[name].better]
