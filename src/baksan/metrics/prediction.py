"""Prediction: what a model says of events, in one form for all models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.metrics.checks import numbers, probabilities

Array = NDArray[Any]

__all__ = ["PARTS", "Prediction"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says of n events; `value` for numbers, `score` for classes.

    Parameters
    ----------
    value : (n,) or (n, k), optional
        Regression, in the unit of the answer.
    score : (n,) or (n, K), optional
        Classification: larger is more signal-like; K ≥ 3 classes have a column each.
    probability : (n, K), optional
        In class order, where the model knows it; (n, 2) for two classes.
    spread : (n,), optional
        The model's own standard error of `value`.
    threshold : float
        Two classes: a score above it is called signal.
    quantiles : (n, K), optional
        Of one number an event, its quantiles at `levels`, rising.
    levels : (K,), optional
        The levels of `quantiles`, rising between 0 and 1.

    Raises
    ------
    ValueError
        Neither or both of value and score, a NaN, shapes that do not fit, no probabilities,
        quantiles that cross.

    Examples
    --------
    >>> Prediction(score=[-1.2, 0.4, 3.0]).label.tolist()
    [0, 1, 1]
    """

    value: Array | None = None
    score: Array | None = None
    probability: Array | None = None
    spread: Array | None = None
    threshold: float = 0.0
    quantiles: Array | None = None
    levels: Array | None = None

    def __init__(
        self,
        value: ArrayLike | None = None,
        score: ArrayLike | None = None,
        probability: ArrayLike | None = None,
        spread: ArrayLike | None = None,
        threshold: float = 0.0,
        quantiles: ArrayLike | None = None,
        levels: ArrayLike | None = None,
    ) -> None:
        if (value is None) == (score is None):
            raise ValueError(
                "a prediction needs a value (numbers) or a score (classes);"
                f" it got {'neither' if value is None else 'both'}. Give exactly one."
            )
        put = object.__setattr__
        put(self, "value", None if value is None else numbers(value, "value"))
        put(self, "score", None if score is None else numbers(score, "score"))
        n = len(self)
        put(self, "probability", None if probability is None else probabilities(probability, n))
        put(self, "spread", None if spread is None else numbers(spread, "spread", n))
        put(self, "threshold", float(numbers([threshold], "threshold")[0]))
        put(self, "quantiles", None if quantiles is None else numbers(quantiles, "quantiles", n))
        put(self, "levels", None if levels is None else numbers(levels, "levels"))
        self._check_quantiles()
        self._check()

    def _check_quantiles(self) -> None:
        held = (self.value, self.quantiles, self.levels)
        if self.quantiles is None and self.levels is None:
            return
        value, q, levels = (np.empty(()) if part is None else part for part in held)
        if value.ndim != 1 or levels.ndim != 1 or q.shape != (len(value), len(levels)):
            raise ValueError(
                "quantiles (n, K) of values (n,) need their K levels; shapes"
                f" {q.shape}, {value.shape}, {levels.shape} came. Give all three, or value alone."
            )
        if np.any(np.diff(q) < 0) or np.any(np.diff([0.0, *levels, 1.0]) <= 0):
            raise ValueError(
                "quantiles must rise with their levels, and these between 0 and 1; they do not."
                " Sort both."
            )

    def _check(self) -> None:
        if self.score is None:
            if self.probability is not None:
                raise ValueError("probabilities belong to classes; a value came. Give a score.")
            return
        shape = self.score.shape
        if len(shape) > 2 or shape[1:] in ((1,), (2,)):
            raise ValueError(
                "score must be (n,) for two classes or (n, K) for K ≥ 3;"
                f" its shape is {shape}. For two classes give one column, larger for signal."
            )
        columns = 2 if len(shape) == 1 else shape[1]
        if self.probability is not None and self.probability.shape[1] != columns:
            raise ValueError(
                f"score speaks of {columns} classes, probability of {self.probability.shape[1]}."
                " Give both for the same classes."
            )

    def __len__(self) -> int:
        return len(self.score if self.value is None else self.value)  # type: ignore[arg-type]

    @property
    def task(self) -> str:
        """'classification' where there is a score, else 'regression'."""
        return "regression" if self.score is None else "classification"

    @property
    def label(self) -> Array:
        """The class index each event is given, (n,) int. Raises ValueError for regression."""
        if self.score is None:
            raise ValueError("only classes have labels; this prediction holds numbers. Use value.")
        if self.score.ndim == 1:
            return np.asarray(self.score > self.threshold, dtype=np.int64)
        return np.asarray(self.score.argmax(axis=1))

    def take(self, index: ArrayLike) -> Prediction:
        """The predictions of an index array or mask, in its order."""
        i = np.asarray(index)
        parts = {k: getattr(self, k) for k in _BY_EVENT}
        return Prediction(
            **{k: None if v is None else v[i] for k, v in parts.items()}, threshold=self.threshold,
            levels=self.levels,
        )  # fmt: skip

    @staticmethod
    def pooled(parts: Sequence[Prediction], indices: Sequence[ArrayLike], n: int) -> Prediction:
        """Predictions of folds put back in place: parts[j] speaks of the rows indices[j] of n.

        Raises ValueError unless every row is predicted exactly once and all parts are alike.
        """
        rows = [np.asarray(i) for i in indices]
        times = np.bincount(np.concatenate(rows), minlength=n)
        wrong = np.flatnonzero(times != (np.arange(len(times)) < n))
        if len(wrong):
            raise ValueError(
                f"each of the {n} events needs exactly one prediction; row {wrong[0]} has"
                f" {times[wrong[0]]}. Give folds that cover the rows 0 … {n - 1} once."
            )
        if len({p._kind for p in parts}) > 1:
            raise ValueError(
                "parts to be pooled must be alike; some have other fields, levels or another"
                " threshold than the first. Predict all folds in the same way."
            )
        back = np.argsort(np.concatenate(rows))
        found = {k: [getattr(p, k) for p in parts] for k in _BY_EVENT}
        return Prediction(
            **{k: None if v[0] is None else np.concatenate(v)[back] for k, v in found.items()},
            threshold=parts[0].threshold, levels=parts[0].levels,
        )  # fmt: skip

    @property
    def _kind(self) -> tuple[Any, ...]:
        levels = () if self.levels is None else tuple(self.levels)
        return (self.threshold, levels, *(getattr(self, k) is None for k in _BY_EVENT))


_BY_EVENT = ("value", "score", "probability", "spread", "quantiles")
PARTS = (*_BY_EVENT, "levels")
"""The fields that are arrays."""
