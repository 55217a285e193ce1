"""Figures of merit for classes: separation, decisions, probabilities, overtraining.

y holds class indices; with two classes 0 is background and 1 signal. Scores (n,) grow with
signal-likeness; for K ≥ 3 classes (n, K). Weights (n,) are of either sign, those of each class sum
to more than 0; None is 1 for every event. Figures that are sums stay what they are with negative
weights, but no longer keep within 0 … 1; what else becomes of a figure, its docstring says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.compiled import compiled
from baksan.metrics import kernels
from baksan.metrics.checks import answers, every_class, numbers, probabilities, weights
from baksan.metrics.table import LEAST_LEFT

Array = NDArray[Any]

__all__ = [
    "BINS", "Calibration", "KolmogorovSmirnov", "Ranking", "Reliability", "Roc", "WorkingPoint",
    "accuracy", "auc", "background_efficiency", "brier", "brier_costs", "calibration", "confusion",
    "ece", "log_costs", "log_loss", "merit_factor", "overtraining", "q_factor", "roc",
    "signal_efficiency",
]  # fmt: skip

BINS = 15
SMALLEST_PROBABILITY = 1e-15
# Efficiencies are quotients of sums: a level met within rounding counts as met.
_ROUNDING = 1e-12


# Separation: the ROC curve ------------------------------------------------------------------------


class WorkingPoint(NamedTuple):
    """A cut: events with score ≥ cut pass. Efficiencies, and how many rows are left."""

    cut: float
    signal: float
    background: float
    signal_left: int
    background_left: int

    @property
    def q(self) -> float:
        """The quality factor ε_s/√ε_b; infinite where no background is left."""
        return self.signal / self.background**0.5 if self.background else np.inf


@dataclass(frozen=True, eq=False)
class Roc:
    """The ROC curve: ε_s against ε_b as the cut falls from +∞ to the lowest score.

    All arrays are (m + 1,), m the number of different scores. `background` and `signal` are the
    weighted shares of each class with score ≥ `cut`; they rise from 0 to 1, but with negative
    weights go up and down on the way, and perhaps beyond. The numbers of rows that pass are
    `background_left`, `signal_left`. Between its points the curve is straight, as if equal scores
    were told apart by lot. A level is met where the curve reaches it first, as the cut falls.
    """

    background: Array
    signal: Array
    cut: Array
    background_left: Array
    signal_left: Array

    def area(self) -> float:
        """The area under the curve = P(s_signal > s_background) + ½ P(equal): Mann–Whitney.

        Σ_ij w_i w_j ([s_i > s_j] + ½ [s_i = s_j]) / Σ_ij w_i w_j over signal i and background j,
        whatever the signs of the weights.
        """
        strips = np.diff(self.background)
        return float(0.5 * (strips @ self.signal[1:] + strips @ self.signal[:-1]))

    def signal_at(self, background: ArrayLike) -> Array:
        """The highest ε_s at given ε_b, of its shape; where ε_b would pass that level first."""
        level = np.asarray(background, dtype=float)
        low = np.searchsorted(_most(self.background), level * (1 + _ROUNDING), side="right") - 1
        return _between(level, self.background, self.signal, low)

    def background_at(self, signal: ArrayLike) -> Array:
        """The lowest ε_b at given ε_s, of its shape."""
        level = np.asarray(signal, dtype=float)
        high = np.searchsorted(_most(self.signal), level * (1 - _ROUNDING), side="left")
        return _between(level, self.signal, self.background, np.maximum(high - 1, 0))

    def quality(self, least: int = LEAST_LEFT) -> Array:
        """Q = ε_s/√ε_b at each cut; 0 where fewer than `least` background rows are left."""
        enough = int(np.searchsorted(self.background_left, least))
        q = np.zeros(len(self.signal))
        some = ~(self.background <= 0)
        some[:enough] = False
        q[some] = self.signal[some] / np.sqrt(self.background[some])
        return q

    def point(self, index: int) -> WorkingPoint:
        """The working point of one of the cuts."""
        return WorkingPoint(
            float(self.cut[index]), float(self.signal[index]), float(self.background[index]),
            int(self.signal_left[index]), int(self.background_left[index]),
        )  # fmt: skip

    def at_most(self, background: float) -> WorkingPoint:
        """The lowest cut that lets no more than this share of the background pass."""
        limit = background * (1 + _ROUNDING)
        return self.point(int(np.searchsorted(_most(self.background), limit, side="right")) - 1)

    def at_least(self, signal: float) -> WorkingPoint:
        """The highest cut that lets no less than this share of the signal pass."""
        return self.point(int(np.searchsorted(_most(self.signal), signal * (1 - _ROUNDING))))

    def thinned(self, points: int = 200) -> Roc:
        """At most about `points` of the points, even in ε_s and in log ε_b; for plots."""
        if len(self.cut) <= points:
            return self
        first = self.background[self.background > 0][0]
        keep = np.concatenate([
            [0, len(self.cut) - 1],
            np.searchsorted(_most(self.signal), np.linspace(0, 1, points // 2)),
            np.searchsorted(_most(self.background), np.geomspace(first, 1, points // 2)),
        ])  # fmt: skip
        i = np.unique(np.minimum(keep, len(self.cut) - 1))
        return Roc(
            self.background[i], self.signal[i], self.cut[i],
            self.background_left[i], self.signal_left[i],
        )  # fmt: skip


def _most(shares: Array) -> Array:
    """The largest share so far: where it reaches a level, the shares do so first."""
    return np.asarray(np.maximum.accumulate(shares))


def _between(level: Array, x: Array, y: Array, low: Array) -> Array:
    low = np.clip(low, 0, len(x) - 1)
    high = np.minimum(low + 1, len(x) - 1)
    step = x[high] - x[low]
    share = np.divide(level - x[low], step, out=np.zeros(level.shape), where=step > 0)
    return np.asarray(y[low] + np.clip(share, 0.0, 1.0) * (y[high] - y[low]))


class Ranking:
    """Scores sorted once; the ROC curve for any weights by two running sums.

    Parameters
    ----------
    score : (n,) float
    signal : (n,) bool
    """

    def __init__(self, score: Array, signal: Array) -> None:
        self._order = np.argsort(-score.astype(float), kind="stable")
        ranked = score[self._order]
        self._signal = signal[self._order]
        self._ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
        self._cut = np.append(np.inf, ranked[self._ends])
        self._left = self._passing(np.ones(len(score))).astype(np.int64)

    def roc(self, weight: Array) -> Roc:
        """The curve for weights (n,) in the order given at first; NaN where a class has none."""
        background, signal = self._passing(weight)
        for passing in (signal, background):
            passing /= passing[-1] if passing[-1] > 0 else np.nan
        return Roc(background, signal, self._cut, *self._left)

    def _passing(self, weight: Array) -> Array:
        """Σ w of background and of signal above each cut, (2, m + 1)."""
        ranked = weight.take(self._order).astype(float, copy=False)
        passed = np.empty((2, len(self._cut)))
        compiled(kernels.passing)(ranked, self._signal, self._ends, passed)
        return passed


def roc(score: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> Roc:
    """The ROC curve of a score (n,) for two classes.

    Raises ValueError where lengths differ, a value is NaN or only one class is present.

    Examples
    --------
    >>> curve = roc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    >>> curve.signal.tolist(), curve.background.tolist()
    ([0.0, 0.5, 0.5, 1.0, 1.0], [0.0, 0.0, 0.5, 0.5, 1.0])
    """
    s, t, w = _scored(score, y, weight)
    if s.ndim != 1:
        raise ValueError(
            f"an ROC curve needs one score an event; the shape is {s.shape}."
            " Give the column of one class and y == that class."
        )
    return Ranking(s, t == 1).roc(w)


def auc(score: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Area under the ROC curve, P(s_signal > s_background) + ½ P(equal), 0 … 1.

    Weighted Mann–Whitney statistic (Ann. Math. Stat. 18 (1947) 50). For scores (n, K) the plain
    mean over the classes k of the AUC of column k, class k against the rest ('macro').
    Raises ValueError as `roc`.

    Examples
    --------
    >>> auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """
    s, t, w = _scored(score, y, weight)
    if s.ndim == 1:
        return Ranking(s, t == 1).roc(w).area()
    return float(np.mean([Ranking(s[:, k], t == k).roc(w).area() for k in range(s.shape[1])]))


def signal_efficiency(
    score: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None, *, background: float = 0.01
) -> float:
    """ε_s at the cut where ε_b is `background`: how much signal survives. Raises as `roc`."""
    return float(roc(score, y, weight).signal_at(_level(background)))


def background_efficiency(
    score: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None, *, signal: float = 0.5
) -> float:
    """ε_b at the cut where ε_s is `signal`: how much background survives. Raises as `roc`."""
    return float(roc(score, y, weight).background_at(_level(signal)))


def q_factor(
    score: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None, *, least: int = LEAST_LEFT
) -> WorkingPoint:
    """The cut with the best Q = ε_s/√ε_b among those that leave `least` background rows or more.

    Fewer rows make the best of many cuts a lucky one. It stays optimistic: the cut is chosen on
    the events it is judged on. Raises ValueError as `roc`, with fewer rows than `least`, and with
    negative weights: the best cut would be one where those of the background cancel.

    Examples
    --------
    >>> best = q_factor([3, 2, 2, 1, 0, 0], [1, 1, 0, 1, 0, 0], least=1)
    >>> best.cut, best.background_left, round(best.q, 3)
    (1.0, 1, 1.732)
    """
    curve = roc(score, y, weight)
    if weight is not None and np.min(weight) < 0:
        raise ValueError(
            "the best Q needs weights of 0 or more, since else it is found where those of the"
            f" background cancel; the lowest is {np.min(weight):g}. Take the signal kept at a given"
            " background, signal_efficiency."
        )
    if curve.background_left[-1] < least:
        raise ValueError(
            f"the best Q needs {least} background events or more to be left;"
            f" there are {curve.background_left[-1]} in all. Take more events or a lower `least`."
        )
    return curve.point(int(curve.quality(least).argmax()))


def merit_factor(score: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> float:
    """MF = |⟨s⟩_1 − ⟨s⟩_0| / √(σ_0² + σ_1²), weighted moments without Bessel's correction.

    Two Gaussians have AUC = Φ(MF); skewed scores deviate. Raises ValueError as `roc`, where neither
    class has any spread, and where negative weights leave no positive σ_0² + σ_1².
    """
    s, t, w = _scored(score, y, weight)
    parts = [(s[i], w[i]) for i in ((t == k) & (w != 0) for k in (0, 1))]
    if all(np.ptp(values) == 0 for values, _ in parts):
        raise ValueError(
            "a merit factor needs scores that vary; all of a class are equal. Use the AUC instead."
        )
    mean = [np.average(values, weights=u) for values, u in parts]
    variance = [np.average((v - m) ** 2, weights=u) for (v, u), m in zip(parts, mean, strict=True)]
    if (total := variance[0] + variance[1]) <= 0:
        raise ValueError(
            f"a merit factor needs a positive variance; weighted, it is {total:g}. Use the AUC."
        )
    return float(abs(mean[1] - mean[0]) / np.sqrt(total))


# Decisions ----------------------------------------------------------------------------------------


def accuracy(label: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Σ w [label = y] / Σ w. Raises ValueError where lengths differ or a value is NaN."""
    given = numbers(label, "label")
    return float(
        np.average(given == numbers(y, "y", len(given)), weights=weights(weight, len(given)))
    )


def confusion(
    label: ArrayLike, y: ArrayLike, classes: int, weight: ArrayLike | None = None
) -> Array:
    """Σ w of events of class i (row) given label j (column), (classes, classes).

    Raises ValueError where lengths differ or an index has no class.

    Examples
    --------
    >>> confusion([0, 1, 1, 1], [0, 0, 1, 1], 2).tolist()
    [[1.0, 1.0], [0.0, 2.0]]
    """
    n = len(np.asarray(label))
    cell = answers(y, n, classes) * classes + answers(label, n, classes)
    return np.bincount(cell, weights(weight, n), classes * classes).reshape(classes, classes)


# Probabilities ------------------------------------------------------------------------------------


def brier_costs(probability: Array, y: Array) -> Array:
    """Each event's squared error of its probabilities, (n,); see `brier`."""
    if probability.shape[1] == 2:
        return np.asarray((probability[:, 1] - y) ** 2)
    return np.asarray(((probability - (y[:, None] == np.arange(probability.shape[1]))) ** 2).sum(1))


def log_costs(probability: Array, y: Array) -> Array:
    """Each event's −ln p of its true class, (n,); p no smaller than 1e-15."""
    return -np.log(np.maximum(probability[np.arange(len(y)), y], SMALLEST_PROBABILITY))


def brier(probability: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The Brier score, weighted mean of squared errors of probabilities (n, K).

    Two classes: (P(signal) − y)², 0 … 1. K ≥ 3: Σ_k (p_k − [y = k])², 0 … 2, Brier's own sum
    (Mon. Weather Rev. 78 (1950) 1), which for two classes would be twice as large.
    Raises ValueError where lengths differ, a value is NaN or probabilities do not add up to 1.
    """
    p, t, w = _promised(probability, y, weight)
    return float(np.average(brier_costs(p, t), weights=w))


def log_loss(probability: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Weighted mean of −ln p of the true class, p clipped at 1e-15 from below. Raises as `brier`.

    A probability of 0 for what happens costs −ln 1e-15 = 34.5.
    """
    p, t, w = _promised(probability, y, weight)
    return float(np.average(log_costs(p, t), weights=w))


class Calibration(NamedTuple):
    """Per bin: mean probability promised, share that happened, Σw. NaN in an empty bin."""

    predicted: Array
    observed: Array
    weight: Array

    def error(self) -> float:
        """ECE = Σ_b W_b |observed_b − predicted_b| / Σ_b W_b; NaN where some W_b is negative."""
        if np.any(self.weight < 0):
            return float("nan")
        gap = np.abs(self.observed - self.predicted)
        return float(np.nansum(self.weight * gap) / self.weight.sum())


class Reliability:
    """Probabilities sorted once; what they promise against what happens, for any weights.

    Two classes look at P(signal), K ≥ 3 at the probability of the likeliest class ('top label').
    Bins hold equal weight; events of equal probability stay together, in the bin where the middle
    of their weight falls. With negative weights a bin ends where the running sum of the weights
    reaches its level first, and the share that happened may leave 0 … 1.
    """

    def __init__(self, probability: Array, y: Array) -> None:
        if probability.shape[1] == 2:
            promised, happened = probability[:, 1], y == 1
        else:
            promised, happened = probability.max(axis=1), probability.argmax(axis=1) == y
        self._order = np.argsort(promised, kind="stable")
        self._promised = promised[self._order].astype(float)
        self._happened = happened[self._order]
        starts = np.flatnonzero(self._promised[1:] != self._promised[:-1]) + 1
        self._edges = np.concatenate([[0], starts, [len(y)]])

    def bins(self, weight: Array, bins: int = BINS) -> Calibration:
        """The calibration curve for weights (n,) in the order given at first."""
        ranked = weight.take(self._order).astype(float, copy=False)
        sums = np.zeros((3, bins))
        levels = ranked.sum() * np.arange(1, bins) / bins
        compiled(kernels.calibrated)(
            ranked, self._promised, self._happened, self._edges, levels, sums
        )
        total, promised, happened = sums
        some = np.where(total > 0, total, np.nan)
        return Calibration(promised / some, happened / some, total)


def calibration(
    probability: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None, *, bins: int = BINS
) -> Calibration:
    """The calibration curve in bins of equal weight; conventions as in `Reliability`.

    Raises ValueError as `brier`.

    Examples
    --------
    >>> curve = calibration([[0.8, 0.2], [0.8, 0.2], [0.4, 0.6], [0.4, 0.6]], [0, 0, 1, 0], bins=2)
    >>> curve.predicted.round(9).tolist(), curve.observed.tolist(), round(curve.error(), 9)
    ([0.2, 0.6], [0.0, 0.5], 0.15)
    """
    p, t, w = _promised(probability, y, weight)
    if bins < 1:
        raise ValueError(f"calibration needs one bin or more; {bins} were asked for. Take 15.")
    return Reliability(p, t).bins(w, bins)


def ece(
    probability: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None, *, bins: int = BINS
) -> float:
    """Expected calibration error Σ_b (W_b/W) |observed_b − predicted_b|, 0 … 1.

    Naeini, Cooper and Hauskrecht, AAAI (2015) 2901, over bins of equal weight as in `Reliability`.
    Noise only adds to it: a perfect model has about 0.8 √(bins · p(1 − p)/n). Raises as `brier`.
    """
    return calibration(probability, y, weight, bins=bins).error()


# Train against test -------------------------------------------------------------------------------


class KolmogorovSmirnov(NamedTuple):
    """The largest distance of two distributions, and the chance of a larger one if they agree."""

    distance: float
    p: float


def overtraining(
    train_score: ArrayLike,
    train_y: ArrayLike,
    test_score: ArrayLike,
    test_y: ArrayLike,
    train_weight: ArrayLike | None = None,
    test_weight: ArrayLike | None = None,
) -> list[KolmogorovSmirnov]:
    """Do train and test scores look alike? Two-sample Kolmogorov–Smirnov, one for each class.

    D = max |F_train − F_test| of the weighted distributions of the events of a class (scores
    (n, K): its own column), p = P_KS((√n + 0.12 + 0.11/√n) D) with n = n₁n₂/(n₁ + n₂) and
    nᵢ = (Σw)²/Σw² (Stephens, J. R. Stat. Soc. B 32 (1970) 115).

    A flag, not a verdict. A small p says that train and test differ, not that the test result is
    bad: forests that reproduce their training events always fail and may still be best. With many
    events a harmless difference gives a small p, with few a harmful one goes unseen. Equal scores
    make p too large; weights are treated through their effective number only, and where some are
    negative p is no more than a hint. Judge by the figures on test events. Raises ValueError as
    `roc`.
    """
    a, s, v = _scored(train_score, train_y, train_weight)
    b, t, w = _scored(test_score, test_y, test_weight)
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(
            f"train and test scores must be of the same model; their shapes are {a.shape} and"
            f" {b.shape}. Give both with the same classes."
        )
    results = []
    for k in range(2 if a.ndim == 1 else a.shape[1]):
        one, two = (x[c == k] if x.ndim == 1 else x[c == k, k] for x, c in ((a, s), (b, t)))
        results.append(kolmogorov_smirnov(one, two, v[s == k], w[t == k]))
    return results


def kolmogorov_smirnov(a: Array, b: Array, v: Array, w: Array) -> KolmogorovSmirnov:
    """Of numbers a (n,) and b (m,) with weights v and w: see `overtraining`."""
    from scipy.special import kolmogorov

    order = np.argsort(np.concatenate([a, b]), kind="stable")
    gap = np.cumsum(np.concatenate([v / v.sum(), -w / w.sum()])[order])
    ranked = np.concatenate([a, b])[order]
    distance = float(np.abs(gap[np.append(ranked[1:] != ranked[:-1], True)]).max())
    n1, n2 = (u.sum() ** 2 / (u**2).sum() for u in (v, w))
    root = np.sqrt(n1 * n2 / (n1 + n2))
    return KolmogorovSmirnov(distance, float(kolmogorov((root + 0.12 + 0.11 / root) * distance)))


# Checks -------------------------------------------------------------------------------------------


def _scored(score: ArrayLike, y: ArrayLike, weight: ArrayLike | None) -> tuple[Array, ...]:
    s = numbers(score, "score")
    classes = 2 if s.ndim == 1 else s.shape[1]
    t, w = answers(y, len(s), classes), weights(weight, len(s))
    every_class(t, w, classes)
    return s, t, w


def _promised(probability: ArrayLike, y: ArrayLike, weight: ArrayLike | None) -> tuple[Array, ...]:
    p = probabilities(probability)
    return p, answers(y, len(p), p.shape[1]), weights(weight, len(p))


def _level(level: float) -> float:
    if not 0 < level <= 1:
        raise ValueError(
            f"an efficiency lies between 0 and 1; {level} was asked for. Give a share."
        )
    return level
