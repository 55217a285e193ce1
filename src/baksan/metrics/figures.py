"""All figures of one model at once, for any event weights: what the bootstrap calls many times.

`figures(prediction, y, names)` does the sorting; calling the result with weights (n,) gives the
figures in the order of `names`, and behind them the points of the model's curves. What does not
exist is NaN; `reasons` says why where that is known beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.metrics.classification import (
    Ranking,
    Reliability,
    Roc,
    WorkingPoint,
    brier_costs,
    log_costs,
)
from baksan.metrics.prediction import Prediction
from baksan.metrics.regression import CENTRAL, Residuals, relative_errors
from baksan.metrics.table import LEAST_LEFT, METRICS

Array = NDArray[Any]

__all__ = ["ClassFigures", "NumberFigures", "figures"]

_SIGNAL_AT = {name: float(name.removeprefix("signal_at_")) for name in METRICS if "l_at_" in name}
WITHIN = {"within_68": 0.6827, "within_50": 0.5, "within_95": 0.95}
"""The shares of the figures of directions and places."""
_NONE = np.empty(0)


class ClassFigures:
    """Figures of scores and probabilities; curve points: ε_s on `grid` (ε_b), shares that happened.

    For K ≥ 3 classes there is one ROC curve for each class against the rest.
    """

    def __init__(
        self,
        prediction: Prediction,
        y: Array,
        names: Sequence[str],
        grid: Array = _NONE,
        negative: bool = False,
    ) -> None:
        score = np.asarray(prediction.score, dtype=float)
        self.names, self.grid, self.two = tuple(names), grid, score.ndim == 1
        columns = {1: score} if self.two else dict(enumerate(score.T))
        self.rankings = {k: Ranking(column, y == k) for k, column in columns.items()}
        self.reasons: dict[str, str] = {}
        self._means: dict[str, Array] = {"accuracy": prediction.label == y}
        self.reliability: Reliability | None = None
        if (p := prediction.probability) is not None:
            self._means |= {"brier": brier_costs(p, y), "log_loss": log_costs(p, y)}
            if "ece" in self.names or len(grid):
                self.reliability = Reliability(p, y)
        else:
            self.reasons |= dict.fromkeys(
                ("brier", "log_loss", "ece"), "the model gives no probabilities"
            )
        if self.two:
            self._prepare_moments(score, y)
            if np.sum(y == 0) < LEAST_LEFT:
                self.reasons["q_factor"] = f"fewer than {LEAST_LEFT} background events"
            elif negative:
                self.reasons["q_factor"] = "the best cut is where negative weights cancel others"
        self._costs = np.array([*self._means.values()], dtype=float)

    def _prepare_moments(self, score: Array, y: Array) -> None:
        if all(np.ptp(score[y == k]) == 0 for k in (0, 1) if np.any(y == k)):
            self.reasons["merit_factor"] = "all scores of a class are equal"
        s = score - score.mean()
        self._moments = np.array([
            np.where(y == k, power, 0.0) for k in (0, 1) for power in (np.ones(len(s)), s, s * s)
        ])  # fmt: skip

    def __call__(self, weight: Array) -> Array:
        """Figures and curve points, (len(names) + points,)."""
        found = dict(zip(self._means, self._costs @ weight / weight.sum(), strict=True))
        curves = [ranking.roc(weight) for ranking in self.rankings.values()]
        if "auc" in self.names:
            found["auc"] = np.mean([curve.area() for curve in curves])
        if self.two:
            found |= self._of_two_classes(curves[0], weight)
        points = [curve.signal_at(self.grid) for curve in curves]
        if self.reliability is not None:
            bins = self.reliability.bins(weight)
            found["ece"] = bins.error()
            points.append(bins.observed)
        return np.concatenate([self._in_order(found), *points])

    def working_point(self, name: str, weight: Array) -> WorkingPoint | None:
        """The cut that a figure is read at, None for figures without one."""
        if not self.two or not (name in _SIGNAL_AT or name in ("background_at_0.5", "q_factor")):
            return None
        curve = self.rankings[1].roc(weight)
        if name in _SIGNAL_AT:
            return curve.at_most(_SIGNAL_AT[name])
        if name == "q_factor":
            return curve.point(int(curve.quality().argmax()))
        return curve.at_least(0.5)

    def _of_two_classes(self, curve: Roc, weight: Array) -> dict[str, Any]:
        if self.names == ("auc",):
            return {}
        found: dict[str, Any] = {"background_at_0.5": curve.background_at(0.5)}
        found |= zip(_SIGNAL_AT, curve.signal_at(list(_SIGNAL_AT.values())), strict=True)
        found["q_factor"] = curve.quality().max()
        total, first, second = (self._moments @ weight).reshape(2, 3).T
        mean, square = first / total, second / total
        found["merit_factor"] = abs(mean[1] - mean[0]) / np.sqrt(np.sum(square - mean**2))
        return found

    def _in_order(self, found: dict[str, Any]) -> Array:
        return np.array([np.nan if m in self.reasons else float(found[m]) for m in self.names])


class NumberFigures:
    """Figures of prediction − answer, or of how far a vector is missed where the answer is 0; curve
    points: the quantiles at `CENTRAL`.
    """

    def __init__(self, prediction: Prediction, y: Array, names: Sequence[str]) -> None:
        value = np.asarray(prediction.value, dtype=float).reshape(len(y))
        self.names = tuple(names)
        self.reasons = {"r2": "all answers are equal"} if len(y) and np.ptp(y) == 0 else {}
        r, centred = value - y, y - y.mean() if len(y) else y
        self._residuals = Residuals(r)
        self._misses = {m: s for m, s in WITHIN.items() if m in self.names}
        self._relative: Residuals | None = None
        if {"relative_bias", "relative_resolution"} & set(names):
            self._relative = Residuals(relative_errors(value, y))
        self._costs = np.column_stack([r * r, np.abs(r), centred, centred * centred])

    def __call__(self, weight: Array) -> Array:
        """Figures and curve points, (len(names) + 3,)."""
        squared, absolute, mean, square = weight @ self._costs / weight.sum()
        variance = square - mean**2
        low, middle, high = points = self._residuals.quantiles(weight, CENTRAL)
        found = {
            "bias": middle,
            "resolution": 0.5 * (high - low),
            "rmse": np.sqrt(squared),
            "mae": absolute,
            "r2": 1 - squared / variance if variance > 0 else np.nan,
        }
        if self._misses:  # of answers that are all 0
            levels = list(self._misses.values())
            found |= zip(self._misses, self._residuals.quantiles(weight, levels), strict=True)
        if self._relative is not None:
            low, middle, high = self._relative.quantiles(weight, CENTRAL)
            found |= {"relative_bias": middle, "relative_resolution": 0.5 * (high - low)}
        own = [np.nan if m in self.reasons else float(found[m]) for m in self.names]
        return np.concatenate([own, points])


def figures(
    prediction: Prediction,
    y: Array,
    names: Sequence[str],
    grid: Array = _NONE,
    *,
    negative: bool = False,
) -> ClassFigures | NumberFigures:
    """The figures of `prediction` on answers y (n,), to be called with weights (n,).

    `negative`: some of these are, and figures that make no sense then are left out.
    """
    if prediction.task == "classification":
        return ClassFigures(prediction, y, names, grid, negative)
    return NumberFigures(prediction, y, names)
