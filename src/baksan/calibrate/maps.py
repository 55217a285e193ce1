"""Calibrators: immutable functions from predictions to predictions with better probabilities.

`Sigmoid` (two numbers a class), `Isotonic` (a staircase a class), `Temperature` (one number).
Score and threshold stay what they were, and with them labels, cuts and the AUC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from baksan.calibrate.checks import classes_of
from baksan.metrics import Prediction

Array = NDArray[Any]

__all__ = ["KINDS", "Calibrator", "Isotonic", "Sigmoid", "Temperature", "from_arrays"]

_SMALLEST = 1e-15
_STEPS = 100
_FLAT = 1e-4
_AGREE = 1e-5


@dataclass(frozen=True, eq=False)
class Calibrator:
    """A function Prediction → Prediction that changes probabilities only; made of plain arrays."""

    how: ClassVar[str] = ""

    def __call__(self, prediction: Prediction) -> Prediction:
        """The same prediction with calibrated probabilities (n, K).

        Raises ValueError for numbers, and for another number of classes than it was made for.
        """
        if (came := classes_of(prediction)) != self.classes:
            raise ValueError(
                f"this calibration is of {self.classes} classes; the prediction speaks of {came}."
                " Calibrate each model by itself."
            )
        return replace(prediction, probability=self.probability(prediction))

    @property
    def classes(self) -> int:
        """How many classes it is for."""
        raise NotImplementedError

    def probability(self, prediction: Prediction) -> Array:
        """Calibrated probabilities (n, K), which add up to 1."""
        raise NotImplementedError

    def check(self) -> None:
        """Raises ValueError where the arrays are not what `calibrate` makes."""
        raise NotImplementedError

    def to_arrays(self) -> dict[str, Array]:
        """Its numbers as named arrays, for a file; `from_arrays(a.how, a.to_arrays())` is a."""
        return {f.name: np.asarray(getattr(self, f.name)) for f in fields(self)}


def from_arrays(how: str, arrays: Mapping[str, Array]) -> Calibrator:
    """The calibrator whose `how` and `to_arrays()` these are.

    Raises ValueError for an unknown name, arrays missing or too many, and values that no
    calibration gives: a file may have been written by anyone.

    Examples
    --------
    >>> from_arrays("sigmoid", {"slope": np.array([2.0]), "offset": np.array([0.0])}).classes
    2
    """
    if how not in KINDS:
        raise ValueError(f"a calibration is one of {', '.join(KINDS)}; {how!r} is not known.")
    kind = KINDS[how]
    names = [f.name for f in fields(kind)]
    if sorted(arrays) != sorted(names):
        raise ValueError(
            f"a calibration by {how} needs the arrays {', '.join(names)};"
            f" there are {', '.join(sorted(arrays)) or 'none'}."
        )
    for name, values in arrays.items():
        if values.ndim != 1 or values.dtype.kind not in "iuf" or not np.isfinite(values).all():
            raise ValueError(
                f"{name} of a calibration must be finite numbers in one row; it is not."
            )
    made = kind(**{name: np.array(arrays[name], dtype=float) for name in names})
    made.check()
    return made


# One against the rest -----------------------------------------------------------------------------


def columns(prediction: Prediction) -> Array:
    """Scores (n, 1) of two classes, (n, K) of several."""
    assert prediction.score is not None
    return np.asarray(prediction.score, dtype=float).reshape(len(prediction), -1)


def _shared(p: Array) -> Array:
    """P of each class against the rest, (n, 1) or (n, K), as probabilities that add up to 1."""
    if p.shape[1] == 1:
        return np.column_stack([1 - p[:, 0], p[:, 0]])
    total = p.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(p, total, out=np.full_like(p, 1 / p.shape[1]), where=total > 0))


def _classes(rows: int) -> int:
    return 2 if rows == 1 else rows


def _check_rows(rows: int) -> None:
    if rows in (0, 2):
        raise ValueError(
            f"a calibration has one row for two classes or one for each of K ≥ 3; it has {rows}."
        )


# Sigmoid ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Sigmoid(Calibrator):
    """P = 1 / (1 + exp(−(slope · score + offset))), a line in the log odds for each class.

    J. Platt, Advances in Large Margin Classifiers (1999) 61, eq. 2, by maximum likelihood. His
    smoothed targets are left out: with them an event of weight 2 is not the event twice.

    Parameters
    ----------
    slope, offset : (1,) for two classes, (K,) for several
    """

    how: ClassVar[str] = "sigmoid"
    slope: Array
    offset: Array

    @classmethod
    def fitted(cls, prediction: Prediction, y: Array, w: Array) -> Self:
        """The lines of largest likelihood. Raises ValueError where scores tell all, or nothing."""
        s = columns(prediction)
        lines = [_line(s[:, k], happened, w) for k, happened in _rests(s, y)]
        return cls(*np.array(lines).T)

    @property
    def classes(self) -> int:
        return _classes(len(self.slope))

    def probability(self, prediction: Prediction) -> Array:
        return _shared(_sigmoid(columns(prediction) * self.slope + self.offset))

    def check(self) -> None:
        _check_rows(len(self.slope))
        if len(self.slope) != len(self.offset):
            raise ValueError(
                f"slope and offset must be as many; they are {len(self.slope)} and"
                f" {len(self.offset)}."
            )


def _rests(s: Array, y: Array) -> list[tuple[int, Array]]:
    """Each column of scores with 1 for the events of its class, 0 for the rest."""
    first = 1 if s.shape[1] == 1 else 0
    return [(k, (y == k + first).astype(float)) for k in range(s.shape[1])]


def _sigmoid(z: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0.0, -z)))


def _line(s: Array, happened: Array, w: Array) -> tuple[float, float]:
    """Slope and offset of logistic regression on one score, by Newton's steps.

    Its minimum exists where the scores of both classes overlap, and only there.
    """
    some = w > 0
    s, t, w = s[some], happened[some], w[some]
    if s[t == 0].max() <= s[t == 1].min() or s[t == 1].max() <= s[t == 0].min():
        raise ValueError(
            "a sigmoid needs scores of both classes that overlap; these are fully apart, and any"
            " slope, however steep, would do. Take more events, or how='isotonic'."
        )
    low, centre, high = np.quantile(s, (0.25, 0.5, 0.75))
    scale = high - low or s.std()
    design = np.column_stack([(s - centre) / scale, np.ones(len(s))])
    line = np.array([0.0, np.log(w @ t / (w @ (1 - t)))])
    cost = _cost(design @ line, t, w)
    for _ in range(_STEPS):
        p = _sigmoid(design @ line)
        slope = design.T @ (w * (p - t))
        step = np.linalg.solve((design.T * (w * p * (1 - p))) @ design, slope)
        size = 1.0
        while (lower := _cost(design @ (line - size * step), t, w)) > cost and size > 1e-9:
            size /= 2
        if lower >= cost:
            break
        line, cost = line - size * step, lower
    if np.abs(slope).max() > _FLAT * w.sum():
        raise ValueError(
            "a sigmoid needs scores on one scale; a few of these lie so far out that rounding hides"
            " the others. Give the score without outliers, or take how='isotonic'."
        )
    return line[0] / scale, line[1] - line[0] * centre / scale


def _cost(z: Array, t: Array, w: Array) -> float:
    return float(w @ (np.logaddexp(0.0, z) - t * z) / w.sum())


# Isotonic -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Isotonic(Calibrator):
    """P rises with the score: the rising function with the least squared error, for each class.

    Pooled adjacent violators (B. Zadrozny and C. Elkan, KDD (2002) 694) by scikit-learn; straight
    between its corners, constant beyond the first and last. Where the outermost scores are of one
    class alone P is 0 or 1 there: so it was in these events, but no sample can promise it.

    Parameters
    ----------
    corners : (1,) for two classes, (K,) for several
        How many corners each class has; the next two hold them one class after another.
    score, height : (Σ corners,)
    """

    how: ClassVar[str] = "isotonic"
    corners: Array
    score: Array
    height: Array

    @classmethod
    def fitted(cls, prediction: Prediction, y: Array, w: Array) -> Self:
        """The rising functions of least squared error."""
        from sklearn.isotonic import IsotonicRegression

        s = columns(prediction)
        found = [IsotonicRegression().fit(s[:, k], t, w) for k, t in _rests(s, y)]
        return cls(
            np.array([float(len(f.X_thresholds_)) for f in found]),
            np.concatenate([f.X_thresholds_ for f in found]).astype(float),
            np.clip(np.concatenate([f.y_thresholds_ for f in found]), 0.0, 1.0),
        )

    @property
    def classes(self) -> int:
        return _classes(len(self.corners))

    def probability(self, prediction: Prediction) -> Array:
        s, parts = columns(prediction), self._parts()
        return _shared(np.column_stack([np.interp(s[:, k], *p) for k, p in enumerate(parts)]))

    def _parts(self) -> list[tuple[Array, Array]]:
        ends = np.cumsum(self.corners).astype(int)[:-1]
        return list(zip(np.split(self.score, ends), np.split(self.height, ends), strict=True))

    def check(self) -> None:
        _check_rows(len(self.corners))
        n = self.corners
        fits = len(self.score) == len(self.height) == n.sum()
        if not fits or np.any((n < 1) | (n != np.floor(n))):
            raise ValueError(
                f"corners must count score and height, one or more a class; they are {n.tolist()}"
                f" for {len(self.score)} and {len(self.height)}."
            )
        for score, height in self._parts():
            within = height[0] >= 0 and height[-1] <= 1
            if not within or np.any(np.diff(score) <= 0) or np.any(np.diff(height) < 0):
                raise ValueError(
                    "corners of an isotonic calibration must rise, with heights of 0 … 1;"
                    " these do not. Calibrate again."
                )


# Temperature --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Temperature(Calibrator):
    """P_k ∝ P_k^(1/T): one number that makes all probabilities less sure (T > 1) or more.

    C. Guo, G. Pleiss, Y. Sun and K. Weinberger, ICML (2017) 1321, section 4.2, by maximum
    likelihood. No order of classes or events changes.

    Parameters
    ----------
    temperature : (1,)
    outputs : (1,)
        The number of classes.
    of_score : (1,)
        1: the scores are the log odds or log probabilities themselves, and stay exact where
        probabilities have been rounded to 0 or 1. 0: the logarithm of the probabilities is taken.
    """

    how: ClassVar[str] = "temperature"
    temperature: Array
    outputs: Array
    of_score: Array

    @classmethod
    def fitted(cls, prediction: Prediction, y: Array, w: Array) -> Self:
        """The T of largest likelihood. Raises ValueError where there is none."""
        of_score = _scores_are_logits(prediction)
        z = _logits(prediction, of_score)
        beta = _steepness(z - z[np.arange(len(y)), y][:, None], w)
        return cls(*(np.array([float(v)]) for v in (1 / beta, z.shape[1], of_score)))

    @property
    def classes(self) -> int:
        return int(self.outputs[0])

    def probability(self, prediction: Prediction) -> Array:
        return _softmax(_logits(prediction, bool(self.of_score[0])) / self.temperature[0])

    def check(self) -> None:
        sizes = [len(getattr(self, f.name)) for f in fields(self)]
        if sizes != [1, 1, 1]:
            raise ValueError(f"a temperature is of single numbers; there are {sizes}.")
        t, k, flag = self.temperature[0], self.outputs[0], self.of_score[0]
        if not t > 0 or k < 2 or k != np.floor(k) or flag not in (0.0, 1.0):
            raise ValueError(
                "a temperature must be above 0, its classes 2 or more, of_score 0 or 1;"
                f" they are {t:g}, {k:g} and {flag:g}."
            )


def _softmax(z: Array) -> Array:
    raised = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _scores_are_logits(prediction: Prediction) -> bool:
    """Whether the probabilities, if there are any, are the sigmoid or softmax of the scores."""
    if prediction.probability is None:
        return True
    apart = np.abs(_softmax(_logits(prediction, True)) - prediction.probability)
    return bool(apart.max() < _AGREE)


def _logits(prediction: Prediction, of_score: bool) -> Array:
    """What softmax makes the probabilities of, (n, K)."""
    if of_score:
        s = columns(prediction)
        return np.column_stack([np.zeros(len(s)), s]) if s.shape[1] == 1 else s
    if prediction.probability is None:
        raise ValueError(
            "this temperature is of probabilities; the prediction has none. Predict with them, or"
            " calibrate the scores by how='sigmoid'."
        )
    return np.asarray(np.log(np.maximum(prediction.probability.astype(float), _SMALLEST)))


def _steepness(z: Array, w: Array) -> float:
    """β = 1/T of the largest likelihood; z (n, K) are logits minus that of the true class.

    The cost Σ w ln Σ_k exp(β z_k) is convex in β: its slope Σ w Σ_k p_k z_k rises, and β is where
    it passes 0.
    """
    from scipy.optimize import brentq

    def slope(beta: float) -> float:
        return float(w @ (_softmax(beta * z) * z).sum(axis=1) / w.sum())

    if slope(0.0) >= 0:
        raise ValueError(
            "a temperature needs probabilities that tell classes apart; here none at all would do"
            " better. Look whether the classes are in order, or take how='sigmoid'."
        )
    if not w @ z.max(axis=1) > 0:
        raise ValueError(
            "a temperature needs events that the model gets wrong; all are right, and the colder"
            " the better. Take more events, or how='isotonic'."
        )
    high = 1.0
    while slope(high) <= 0:
        high *= 2
    return float(brentq(slope, 0.0, high, xtol=1e-14, rtol=1e-14))


KINDS: dict[str, type[Sigmoid] | type[Isotonic] | type[Temperature]] = {
    kind.how: kind for kind in (Isotonic, Sigmoid, Temperature)
}
"""The kinds of calibration by name."""
