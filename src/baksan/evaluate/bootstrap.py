"""Replicas: the same figures for the same events with other weights.

Error bars are central 68.27 % bootstrap intervals over groups (events where there are none): a
replica draws as many groups as there are, with repetition, which gives every event a whole number
to multiply its weight with (Efron, Ann. Stat. 7 (1979) 1). All models see the same replicas, so
that the interval of a difference profits from what they have in common. Noise can push a figure
one way (the ECE and the best Q upwards) and pushes a replica, which is noisier than the sample,
further; so the spread of the replicas about *their* median is put about the value found. Replicas
in which a figure does not exist, as where a rare class was not drawn, do not count. Neither do
those in which negative weights make the sum (that of a class) 0 or less; these are counted.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from baksan.evaluate.result import Row
from baksan.files import plain
from baksan.metrics import CENTRAL, METRICS, Prediction
from baksan.metrics.figures import ClassFigures, figures
from baksan.samples import Samples

Array = NDArray[Any]

__all__ = ["Part", "differences", "draw", "fold_spread"]


class Part:
    """The figures of one model on some rows: their values, and those of every replica."""

    def __init__(
        self,
        prediction: Prediction,
        y: Array,
        weight: Array,
        names: Sequence[str],
        grid: Array,
        rows: Array | None = None,
    ) -> None:
        self.prediction, self.names, self.rows = prediction, tuple(names), rows
        self.events = len(y) if rows is None else len(rows)
        # No bin without events has figures, but all have a place for them.
        self.value = np.full(len(names) + 3, np.nan)
        self.negative = bool(len(weight)) and bool(weight.min() < 0)
        if self.events:
            own, y = (prediction, y) if rows is None else (prediction.take(rows), y[rows])
            self.figures = figures(own, y, names, grid, negative=self.negative)
            self.value = self.of(weight)
        self.drawn = np.full((1, len(self.value)), np.nan)

    def of(self, weight: Array) -> Array:
        """Figures and curve points for weights of all events; NaN where they sum to 0 or less."""
        own = weight if self.rows is None else weight[self.rows]
        with np.errstate(invalid="ignore", divide="ignore"):
            found = self.figures(own)
        return np.full(len(found), np.nan) if self.negative and own.sum() <= 0 else found

    def interval(self) -> tuple[Array, Array]:
        """Low and high ends of all figures and curve points."""
        low, middle, high = _central(self.drawn)
        floor, ceiling = self._range()
        with np.errstate(invalid="ignore"):  # ∞ − ∞ is an error that does not exist
            return (
                np.clip(self.value + low - middle, floor, ceiling),
                np.clip(self.value + high - middle, floor, ceiling),
            )

    def _range(self) -> Array:
        points = len(self.value) - len(self.names)
        if self.negative:  # shares are not bound to 0 … 1
            return np.array([(-np.inf, np.inf)] * len(self.value)).T
        of_points = (0.0, 1.0) if self.prediction.task == "classification" else (-np.inf, np.inf)
        own = [(METRICS[name].lowest, METRICS[name].highest) for name in self.names]
        return np.array([*own, *[of_points] * points]).T

    def table(self, model: str, fold_spread: Array, weight: Array) -> list[Row]:
        """One row for each metric."""
        low, high = self.interval()
        return [
            {
                "model": model,
                "metric": name,
                "value": plain(self.value[j]),
                "low": plain(low[j]),
                "high": plain(high[j]),
                "fold_spread": plain(fold_spread[j]),
                "better": METRICS[name].better,
                "counts": self._counts(name, weight),
                "reason": self._reason(name, self.value[j]),
            }
            for j, name in enumerate(self.names)
        ]

    def _counts(self, name: str, weight: Array) -> Row | None:
        if name in self.figures.reasons or not isinstance(self.figures, ClassFigures):
            return None
        point = self.figures.working_point(name, weight)
        if point is None:
            return None
        return {
            "cut": plain(point.cut),
            "signal_left": point.signal_left,
            "background_left": point.background_left,
        }

    def _reason(self, name: str, value: float) -> str | None:
        if np.isfinite(value):
            return None
        why = "negative weights leave none" if self.negative else "not defined for these events"
        return self.figures.reasons.get(name, why)


def draw(
    parts: Sequence[Part],
    X: Samples,
    replicas: int,
    seed: int,
    progress: Callable[[int, int], object] | None,
) -> tuple[int, int]:
    """Fill in the replicas of all parts, the same draws for each. Gives the number of groups, and
    of replicas in which negative weights make the sum (that of a class) 0 or less.
    """
    unit = np.arange(len(X)) if X.group is None else np.unique(X.group, return_inverse=True)[1]
    groups = int(unit.max()) + 1
    if groups < 2:
        raise ValueError(
            f"error bars need two groups or more to draw from; all {len(X)} events are of one."
            " Give other groups, or none."
        )
    parts = [part for part in parts if part.events]
    for part in parts:
        part.drawn = np.empty((replicas, len(part.value)))
    generator, lost, negative = np.random.default_rng(seed), 0, X.negative_share > 0
    kind = X.answers if X.class_names else np.zeros(len(X), dtype=np.int64)
    with threadpool_limits(1, "blas"):  # whose threads cost more than such short sums take
        for r in range(replicas):
            times = np.bincount(generator.integers(groups, size=groups), minlength=groups)
            weight = X.w * times[unit]
            lost += negative and bool((np.bincount(kind, weight) <= 0).any())
            for part in parts:
                part.drawn[r] = part.of(weight)
            if progress is not None:
                progress(r + 1, replicas)
    return groups, lost


def _central(drawn: Array) -> Array:
    """The quantiles `CENTRAL` of each column of (replicas, m), NaN left out, (3, m).

    Between a number and an infinity it is the infinity.
    """
    ranked = np.sort(drawn, axis=0)
    last = np.maximum(drawn.shape[0] - np.isnan(ranked).sum(axis=0) - 1, 0)
    place = np.outer(CENTRAL, last)
    below = np.floor(place).astype(int)
    column = np.arange(ranked.shape[1])
    low, high = ranked[below, column], ranked[np.minimum(below + 1, last), column]
    with np.errstate(invalid="ignore"):
        between = low + (place - below) * (high - low)
    between = np.where(np.isinf(low), low, between)
    return np.asarray(np.where((place == below) | (low == high), low, between))


def fold_spread(part: Part, y: Array, weight: Array, fold: Array | None) -> Array:
    """The standard deviation over folds of each figure; NaN where fewer than two folds have it."""
    spread = np.full(len(part.names), np.nan)
    if fold is None:
        return spread
    none = np.empty(0)
    values = np.array([
        Part(part.prediction, y, weight, part.names, none, np.flatnonzero(fold == k)).value
        for k in np.unique(fold)
    ])  # fmt: skip
    for j in range(len(spread)):
        found = values[np.isfinite(values[:, j]), j]
        if len(found) > 1:
            spread[j] = found.std(ddof=1)
    return spread


def differences(parts: Mapping[str, Part], names: Sequence[str]) -> list[Row]:
    """Figure of model a − figure of model b for every pair, from the same replicas."""
    rows = []
    for (a, one), (b, two) in itertools.combinations(parts.items(), 2):
        for j, name in enumerate(names):
            with np.errstate(invalid="ignore"):  # ∞ − ∞ is a difference that does not exist
                value = one.value[j] - two.value[j]
                low, middle, high = _central(one.drawn[:, [j]] - two.drawn[:, [j]])[:, 0]
                low, high = value + low - middle, value + high - middle
            rows.append({
                "metric": name, "a": a, "b": b,
                "value": plain(value), "low": plain(low), "high": plain(high),
                "zero_inside": bool(low <= 0 <= high) if np.isfinite(value) else None,
            })  # fmt: skip
    return rows
