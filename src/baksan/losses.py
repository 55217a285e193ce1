"""Losses: what one prediction costs, its slope, its curvature; and Q(a, X), their weighted mean.

A loss is a pair of elementwise formulas in the prediction p and the target t,

    cost(p, t),    slope(p, t) = ∂cost/∂p,

where t = y for regression and t = ±1 for classification (+1: signal, or 'this class' in one
against the rest). The formulas are written once, in ufuncs, so that NumPy runs them on arrays and
Numba compiles the same lines for single numbers, JAX them for networks. With several outputs the
costs are added up, or the loss is joint and looks at all outputs of an event at once.

What to use when
----------------
numbers        `squared` (mean), `absolute` (median), `huber` (outliers), `quantile` (bounds),
               `gaussian` (mean and spread)
two or more    `logistic` (probabilities), `softmax` (several classes at once), `squared_margin`
classes        (least squares on ±1), `hinge`, `squared_hinge`, `exponential`; for the course:
               `margin`, `perceptron`, and `zero_one`, which is what one would like to minimise

The squared loss is (p − y)² with slope 2(p − y): no factor ½.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Elementwise = Callable[..., Any]

__all__ = [
    "L1", "L2", "LOSSES", "Loss", "Q", "absolute", "by_name", "exponential", "gaussian", "hinge",
    "huber", "logistic", "margin", "perceptron", "quantile", "softmax", "squared", "squared_hinge",
    "squared_margin", "zero_one",
]  # fmt: skip


@dataclass(frozen=True)
class Loss:
    """A loss as elementwise formulas of the prediction p and the target t.

    Parameters
    ----------
    name : str
    cost, slope_of, bend : functions of (p, t) or, with a `setting`, of (p, t, setting)
        The cost, ∂cost/∂p, and an upper bound of ∂²cost/∂p²: perhaps a number, 0 where the cost is
        piecewise linear.
    task : 'regression' or 'classification'
    setting : float or tuple of float
        Huber's δ, the quantile's level or levels.
    constant : function of (t, w) -> float, optional
        The best constant argmin_c Σ w_i cost(c, t_i) of an output; of a joint loss (k,) of all.
    probability : function of p, optional
        P(signal | p), where the minimiser of the expected cost tells it (Bartlett, Jordan,
        McAuliffe, J. Am. Stat. Assoc. 101 (2006) 138).
    projected : bool
        The cost has no minimum unless the weights are kept within |w| ≤ 1.
    descendable : bool
        False where the slope says nothing: such a loss can be evaluated, not minimised by steps.
    joint : bool
        The cost looks at all outputs of an event at once: formulas take (n, k) and give (n,).
    least_outputs : int
        How many outputs a model must have; of numbers, those that all speak of one answer.
    score : function of p (n, K), optional
        What compares between events where the outputs themselves do not.
    degree : int
        Q(c p, c y) = c^degree Q(p, y): how the cost grows with the unit of the answers.
    follows : tuple of float
        Q(p + c follows, y + c) = Q(p, y): how each output moves with the answers, if one for all
        says it; () where the cost looks at more than differences.
    natural : function of (t (n, k), w) -> (k,), optional
        The size of each output, where it is not the spread of the answers.
    told : function of p (n, k), optional
        What the outputs say, for a `Prediction`, where they are not the values themselves.
    """

    name: str
    cost: Elementwise
    slope_of: Elementwise
    bend: float | Elementwise
    task: Literal["regression", "classification"]
    setting: float | tuple[float, ...] | None = None
    constant: Callable[[Array, Array], Any] | None = None
    probability: Callable[[Array], Array] | None = None
    projected: bool = False
    descendable: bool = True
    joint: bool = False
    least_outputs: int = 1
    score: Callable[[Array], Array] | None = None
    degree: int = 0
    follows: tuple[float, ...] = ()
    natural: Callable[[Array, Array], Array] | None = None
    told: Callable[[Array], dict[str, Array]] | None = None

    def value(self, p: ArrayLike, y: ArrayLike) -> Array:
        """The cost of each event, (n,); p is (n,) or (n, k), y answers or class indices."""
        p, t = self._aligned(p, y)
        cost = self._of(self.cost, p, t)
        return cost if cost.ndim == 1 else np.asarray(cost.sum(axis=1))

    def slope(self, p: ArrayLike, y: ArrayLike) -> Array:
        """∂cost/∂p, of p's shape. Raises ValueError for a loss that cannot be descended."""
        self.check_descendable()
        p, t = self._aligned(p, y)
        return np.asarray(self._of(self.slope_of, p, t))

    def curvature(self, p: ArrayLike, y: ArrayLike) -> Array:
        """An upper bound of ∂²cost/∂p² at each prediction, of p's shape."""
        p, t = self._aligned(p, y)
        if callable(self.bend):
            return np.asarray(self._of(self.bend, p, t))
        return np.full(p.shape, self.bend, dtype=p.dtype)

    def targets(self, y: ArrayLike, outputs: int = 1) -> Array:
        """What the formulas compare predictions with: y itself, or ±1 for classes.

        (n,) for one output, (n, outputs) for several: for classes +1 in the column of the event's
        class and −1 elsewhere, one against the rest; where all outputs speak of one answer, this
        in each. Raises ValueError where y is out of range.
        """
        y = np.asarray(y)
        if self.task == "regression":
            if self.least_outputs == 1:
                return y
            self._check_together(_width(y), outputs)
            return np.broadcast_to(y.reshape(-1, 1), (len(y), outputs))
        top = max(outputs, 2) - 1
        if y.ndim != 1 or (len(y) and (y.min() < 0 or y.max() > top or np.any(y != np.floor(y)))):
            raise ValueError(
                f"{self.name} loss needs class indices 0 … {top}, one a row;"
                f" y has shape {y.shape} and runs from {y.min():g} to {y.max():g}."
            )
        if outputs < self.least_outputs:
            raise ValueError(
                f"{self.name} needs one output for each class, at least {self.least_outputs}; there"
                f" is {outputs}. Take logistic, or a model with as many outputs as classes."
            )
        if outputs == 1:
            return 2.0 * y - 1.0
        return np.where(y.astype(int)[:, None] == np.arange(outputs), 1.0, -1.0)

    def outputs(self, y: ArrayLike, classes: int) -> int:
        """How many outputs a model needs for these answers: regression k, two classes 1, else K."""
        if self.task == "regression":
            return _width(self.targets(y, self.least_outputs))
        return classes if classes > 2 else self.least_outputs

    def best_constant(self, y: ArrayLike, outputs: int, weight: Array | None = None) -> Array:
        """The best constant prediction, (outputs,); zeros where the loss has none."""
        t = self.targets(y, outputs).reshape(len(np.asarray(y)), -1)
        w = np.ones(len(t)) if weight is None else weight
        if self.constant is None:
            return np.zeros(outputs)
        if self.joint:
            return np.asarray(self.constant(t, w))
        return np.array([self.constant(t[:, j], w) for j in range(outputs)])

    def scale(self, y: ArrayLike, outputs: int, weight: Array | None = None) -> Array:
        """The natural size of each output, (outputs,): the standard deviation of the answers.

        1 for what has no unit, scores and logarithms, and where the answers do not vary.
        """
        if self.task == "classification":
            return np.ones(outputs)
        t = self.targets(y, outputs).reshape(len(np.asarray(y)), -1)
        w = np.ones(len(t)) if weight is None else weight
        return _deviations(t, w) if self.natural is None else self.natural(t, w)

    def read(self, p: ArrayLike, scatter: Array | None = None) -> dict[str, Any]:
        """What the outputs say: {'value': p}, or {'score': …} and perhaps {'probability': …}.

        `scatter`, of p's shape, is how far the members of an ensemble are from their mean: the
        spread of one value, and added in squares to one that the loss tells. `gaussian` tells value
        and spread, `quantile` of several levels value, quantiles and levels.
        Two classes: score (n,), P (n, 2); several: score (n, K), P (n, K), where one-against-rest
        probabilities are divided by their sum. No probability where the loss tells none; that of a
        score that is NaN is NaN.
        """
        p = np.asarray(p)
        if self.task == "regression":
            told: dict[str, Any] = {"value": p} if self.told is None else self._together(p)
            if scatter is not None and told["value"].ndim == 1 and "quantiles" not in told:
                known: Any = told.get("spread", 0.0)
                told["spread"] = np.hypot(known, scatter.reshape(len(p), -1)[:, 0])
            return told
        with np.errstate(invalid="ignore"):  # of NaN
            known = None if self.probability is None else self.probability(p)
        if p.ndim == 1:
            score, columns = p, None if known is None else np.column_stack([1.0 - known, known])
        else:
            level = p if self.score is None else self.score(p)
            score, columns = (p[:, 1] - p[:, 0]) if p.shape[1] == 2 else level, known
        if columns is None:
            return {"score": score}
        total = columns.sum(axis=1, keepdims=True)
        shared = np.full_like(columns, 1.0 / columns.shape[1])
        np.divide(columns, total, out=shared, where=total != 0)
        return {"score": score, "probability": shared}

    def check_task(self, task: str) -> None:
        """Raises ValueError when a regression loss meets classes or the other way round."""
        if task != self.task:
            fitting = ", ".join(n for n, loss in LOSSES.items() if loss.task == task)
            raise ValueError(
                f"{self.name} is a loss for {self.task}, the answers are for {task}."
                f" Take one of {fitting}."
            )

    def check_descendable(self) -> None:
        """Raises ValueError for a loss without a useful slope."""
        if not self.descendable:
            raise ValueError(
                f"a solver cannot descend the {self.name} loss: its slope is 0 wherever it has one,"
                " so no step knows where to go. Minimise logistic, hinge or another bound of it,"
                f" and evaluate with {self.name}."
            )

    def _aligned(self, p: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        p = np.asarray(p, dtype=np.result_type(np.asarray(p), np.float32))
        t = self.targets(y, _width(p))
        if t.size != p.size:
            raise ValueError(
                f"predictions and answers differ in shape: {p.shape} against {t.shape}."
            )
        return p, t.reshape(p.shape)

    def _together(self, p: Array) -> dict[str, Array]:
        assert self.told is not None
        self._check_together(1, _width(p))
        return self.told(p)

    def _check_together(self, answers: int, outputs: int) -> None:
        """Raises ValueError unless one answer comes with the outputs that all speak of it."""
        if answers != 1 or outputs != self.least_outputs:
            raise ValueError(
                f"{self.name} needs one answer an event and {self.least_outputs} outputs for it;"
                f" {answers} and {outputs} came. Fit several answers one by one."
            )

    def _of(self, formula: Elementwise, p: Array, t: Array) -> Array:
        return np.asarray(formula(p, t) if self.setting is None else formula(p, t, self.setting))


def _width(columns: Array) -> int:
    return 1 if columns.ndim == 1 else int(columns.shape[1])


def Q(a: Callable[[Array], Array], X: Any, loss: Loss) -> float:
    """The functional Q(a, X) = Σ w_i loss(a(x_i), y_i) / Σ w_i of a model on Samples or a Stream.

    Raises ValueError where no event counts.

    Examples
    --------
    >>> from baksan import Samples
    >>> Q(lambda x: x[:, 0], Samples([[1.0], [2.0]], [1.0, 4.0]), squared)
    2.0
    """

    def sums(block: Any) -> tuple[float, float]:
        cost = loss.value(a(block.x), block.answers)
        if block.weight is None:
            return float(cost.sum()), float(len(cost))
        return float(block.weight @ cost), float(block.weight.sum())

    found = X.total(sums)
    cost, mass = found or (0.0, 0.0)
    if not mass > 0:
        came = f"the weights sum to {mass:g}" if found else "the samples are empty"
        raise ValueError(f"Q needs events whose weights sum to more than 0; {came}. Give others.")
    return float(cost / mass)


# Penalties: what the weights cost -----------------------------------------------------------------


@dataclass(frozen=True)
class _Penalty:
    strength: float

    def __post_init__(self) -> None:
        if not 0 <= self.strength < math.inf:
            raise ValueError(
                f"the strength of {type(self).__name__} must be 0 or more; it is {self.strength}."
            )


class L2(_Penalty):
    """λ|w|²/2 on the standardised weights, the intercept left free; its slope is λw."""

    def value(self, w: Array) -> float:
        return float(self.strength * (w @ w) / 2)


class L1(_Penalty):
    """λ Σ|w_j| on the standardised weights, the intercept left free; by a proximal step.

    prox(w) = sign(w) max(|w| − rate·λ, 0) after each step (soft threshold).
    """

    def value(self, w: Array) -> float:
        return float(self.strength * np.abs(w).sum())


# Regression: t = y --------------------------------------------------------------------------------


def _squared(p: Any, t: Any) -> Any:
    return (p - t) * (p - t)


def _squared_slope(p: Any, t: Any) -> Any:
    return 2.0 * (p - t)


def _absolute(p: Any, t: Any) -> Any:
    return np.abs(p - t)


def _absolute_slope(p: Any, t: Any) -> Any:
    return np.sign(p - t)


def _huber(p: Any, t: Any, delta: Any) -> Any:
    far = np.abs(p - t)
    near = np.minimum(far, delta)
    return near * (2.0 * far - near)


def _huber_slope(p: Any, t: Any, delta: Any) -> Any:
    return 2.0 * np.minimum(np.maximum(p - t, -delta), delta)


def _quantile(p: Any, t: Any, level: Any) -> Any:
    return np.maximum(level * (t - p), (level - 1.0) * (t - p))


def _quantile_slope(p: Any, t: Any, level: Any) -> Any:
    return 0.5 * (1.0 + np.sign(p - t)) - level


def _quantiles(p: Array, t: Array, levels: Any) -> Array:
    return np.asarray(_quantile(p, t, np.asarray(levels, dtype=p.dtype)).sum(axis=1))


def _quantiles_slope(p: Array, t: Array, levels: Any) -> Array:
    return np.asarray(_quantile_slope(p, t, np.asarray(levels, dtype=p.dtype)))


def _log_spread(p: Array) -> Array:
    # Within these bounds neither 1/σ² nor ((y − m)/σ)² overflows. Beyond, the slope is that at the
    # bound, so that s = ln σ finds its way back.
    most = 0.25 * np.log(np.finfo(p.dtype).max)
    return np.asarray(np.clip(p[:, 1], -most, most))


def _gaussian(p: Array, t: Array) -> Array:
    s = _log_spread(p)
    z = (t[:, 0] - p[:, 0]) * np.exp(-s)
    return np.asarray(0.5 * z * z + s + 0.5 * math.log(2.0 * math.pi))


def _gaussian_slope(p: Array, t: Array) -> Array:
    inverse = np.exp(-_log_spread(p))
    z = (t[:, 0] - p[:, 0]) * inverse
    return np.stack([-z * inverse, 1.0 - z * z], axis=1)


def _gaussian_bend(p: Array, t: Array) -> Array:
    # The eigenvalues of ((a, b), (b, c)) with b² = 2ac, as here, are at most (½ + √½)(a + c).
    inverse, off = np.exp(-_log_spread(p)), t - p[:, :1]
    return np.asarray(1.2072 * (1.0 + 2.0 * off * off) * (inverse * inverse)[:, None])


def _mean(t: Array, w: Array) -> float:
    return float(np.average(t, weights=w))


def _deviations(t: Array, w: Array) -> Array:
    """The weighted standard deviation of each column; 1 where there is none."""
    # From an event that counts: 0 exactly, not to rounding, where all answers are the same.
    off = np.asarray(t, dtype=float) - t[w.argmax()]
    off -= np.average(off, axis=0, weights=w)
    widest = np.abs(off[w != 0]).max(axis=0)
    widest = np.where(widest > 0, widest, 1.0)  # squares of 1e200 have no number
    variance = np.average((off / widest)[w != 0] ** 2, axis=0, weights=w[w != 0])
    return np.sqrt(np.where(variance > 0, variance, 1.0)) * widest


def _told_quantiles(p: Array, levels: tuple[float, ...]) -> dict[str, Array]:
    rising = np.sort(p, axis=1)
    middle = np.array([np.interp(0.5, levels, column) for column in np.eye(len(levels))])
    return {"value": rising @ middle, "quantiles": rising, "levels": np.array(levels)}


def _weighted_quantile(t: Array, w: Array, level: float) -> float:
    order = np.argsort(t)
    total = np.cumsum(w[order])
    return float(t[order][np.searchsorted(total, level * total[-1])])


def _huber_constant(t: Array, w: Array, delta: float) -> float:
    """The zero of the rising function Σ w slope(c, t), by bisection to rounding."""
    low, high = float(t.min()), float(t.max())
    while low < (middle := 0.5 * (low + high)) < high:
        if w @ _huber_slope(middle, t, delta) > 0:
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)


squared = Loss(
    "squared", _squared, _squared_slope, 2.0, "regression", constant=_mean, degree=2, follows=(1.0,)
)
absolute = Loss(
    "absolute", _absolute, _absolute_slope, 0.0, "regression",
    constant=lambda t, w: _weighted_quantile(t, w, 0.5), degree=1, follows=(1.0,),
)  # fmt: skip
gaussian = Loss(
    "gaussian", _gaussian, _gaussian_slope, _gaussian_bend, "regression",
    joint=True, least_outputs=2, follows=(1.0, 0.0),
    constant=lambda t, w: np.array([_mean(t[:, 0], w), math.log(_deviations(t, w)[0])]),
    natural=lambda t, w: np.array([_deviations(t, w)[0], 1.0]),
    told=lambda p: {"value": p[:, 0], "spread": np.exp(_log_spread(p))},
)  # fmt: skip
"""½ ((y − m)/σ)² + ln σ + ½ ln 2π of the outputs p = (m, ln σ), for one answer an event.

Minus the logarithm of the normal density: its minimiser is the mean and the standard deviation of
y given x (Nix and Weigend, IEEE ICNN 1994). It is not convex.
"""


def huber(delta: float = 1.0) -> Loss:
    """(p − y)² within |p − y| ≤ δ, δ(2|p − y| − δ) outside: squared near, absolute far.

    Huber, Ann. Math. Stat. 35 (1964) 73, times two. δ > 0 in the units of y.
    """
    if not 0 < delta < math.inf:
        raise ValueError(f"huber needs a positive width delta; it is {delta}.")
    return Loss(
        "huber", _huber, _huber_slope, 2.0, "regression", setting=float(delta),
        constant=lambda t, w: _huber_constant(t, w, delta), degree=2, follows=(1.0,),
    )  # fmt: skip


def quantile(*levels: float) -> Loss:
    """max(τ(y − p), (τ − 1)(y − p)): its minimiser is the τ quantile of y given x.

    Koenker and Bassett, Econometrica 46 (1978) 33. 0 < τ < 1; slope ½ − τ where p = y.

    Of several rising levels it is the sum of their costs, an output each, for one answer an event.
    They are read in order of size, so that they never cross (Chernozhukov, Fernández-Val, Galichon,
    Econometrica 78 (2010) 1093); the value is the quantile at ½, interpolated where it is no level.
    """
    for level in levels:
        if not isinstance(level, Real) or not 0 < level < 1:
            raise ValueError(
                f"quantile needs levels between 0 and 1, as in quantile(0.1, 0.9); {level!r} came."
            )
    if not levels or list(levels) != sorted(set(levels)):
        raise ValueError(f"quantile needs rising levels, such as 0.16, 0.5, 0.84; {levels} came.")
    if len(levels) == 1:
        return Loss(
            "quantile", _quantile, _quantile_slope, 0.0, "regression", setting=float(levels[0]),
            constant=lambda t, w: _weighted_quantile(t, w, levels[0]), degree=1, follows=(1.0,),
        )  # fmt: skip
    return Loss(
        "quantile", _quantiles, _quantiles_slope, 0.0, "regression",
        setting=tuple(float(level) for level in levels), joint=True, least_outputs=len(levels),
        constant=lambda t, w: np.array([_weighted_quantile(t[:, 0], w, q) for q in levels]),
        degree=1, follows=(1.0,), told=lambda p: _told_quantiles(p, levels),
    )  # fmt: skip


# Classification: t = ±1, cost of the margin M = t p -----------------------------------------------


def _margin(p: Any, t: Any) -> Any:
    return -t * p


def _margin_slope(p: Any, t: Any) -> Any:
    return 0.0 * p - t


def _perceptron(p: Any, t: Any) -> Any:
    return np.maximum(0.0, -t * p)


def _perceptron_slope(p: Any, t: Any) -> Any:
    # Rosenblatt's rule corrects at M = 0 too: from w = 0 nothing would ever move otherwise.
    return -t * (t * p <= 0.0)


def _hinge(p: Any, t: Any) -> Any:
    return np.maximum(0.0, 1.0 - t * p)


def _hinge_slope(p: Any, t: Any) -> Any:
    return -t * (t * p < 1.0)


def _squared_hinge(p: Any, t: Any) -> Any:
    short = np.maximum(0.0, 1.0 - t * p)
    return short * short


def _squared_hinge_slope(p: Any, t: Any) -> Any:
    return -2.0 * t * np.maximum(0.0, 1.0 - t * p)


def _logistic(p: Any, t: Any) -> Any:
    return np.logaddexp(0.0, -t * p)


def _logistic_slope(p: Any, t: Any) -> Any:
    # −t / (1 + exp(M)) without overflow and with full relative precision in both tails.
    return -t * np.exp(-np.logaddexp(0.0, t * p))


def _exponential(p: Any, t: Any) -> Any:
    return np.exp(-t * p)


def _exponential_slope(p: Any, t: Any) -> Any:
    return -t * np.exp(-t * p)


def _log_total(p: Array) -> Array:
    """ln Σ_k exp p_k of each event, (n,)."""
    top = p.max(axis=1)
    return np.asarray(np.log(np.exp(p - top[:, None]).sum(axis=1)) + top)


def _softmax(p: Array, t: Array) -> Array:
    return np.asarray(_log_total(p) - np.where(t > 0, p, 0.0).sum(axis=1))


def _softmax_slope(p: Array, t: Array) -> Array:
    return np.asarray(_softmax_probability(p) - (t > 0))


def _softmax_probability(p: Array) -> Array:
    raised = np.exp(p - p.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _zero_one(p: Array, t: Array) -> Array:
    wrong = (p > 0) != (t > 0) if p.ndim == 1 else p.argmax(axis=1) != t.argmax(axis=1)
    return np.asarray(wrong, dtype=float)


def _log_odds(t: Array, w: Array) -> float:
    tiny = np.finfo(float).tiny
    return math.log(max(float(w[t > 0].sum()), tiny)) - math.log(max(float(w[t < 0].sum()), tiny))


def _sigmoid(p: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0.0, -p)))


def _log_shares(t: Array, w: Array) -> Array:
    share = np.log(np.maximum(w @ (t > 0).astype(float) / w.sum(), np.finfo(float).tiny))
    return np.asarray(share - share.mean())


def _half(p: Array) -> Array:
    return np.asarray(np.clip(0.5 * (1.0 + p), 0.0, 1.0))


margin = Loss("margin", _margin, _margin_slope, 0.0, "classification", projected=True)
perceptron = Loss("perceptron", _perceptron, _perceptron_slope, 0.0, "classification")
hinge = Loss(
    "hinge", _hinge, _hinge_slope, 0.0, "classification",
    constant=lambda t, w: float(np.sign(w @ t)),
)  # fmt: skip
squared_hinge = Loss(
    "squared_hinge", _squared_hinge, _squared_hinge_slope, 2.0, "classification",
    constant=_mean, probability=_half,
)  # fmt: skip
squared_margin = Loss(
    "squared_margin", _squared, _squared_slope, 2.0, "classification",
    constant=_mean, probability=_half,
)  # fmt: skip
logistic = Loss(
    "logistic", _logistic, _logistic_slope, 0.25, "classification",
    constant=_log_odds, probability=_sigmoid,
)  # fmt: skip
exponential = Loss(
    "exponential", _exponential, _exponential_slope, _exponential, "classification",
    constant=lambda t, w: 0.5 * _log_odds(t, w), probability=lambda p: _sigmoid(2.0 * p),
)  # fmt: skip
softmax = Loss(
    "softmax", _softmax, _softmax_slope, 0.5, "classification",
    constant=_log_shares, probability=_softmax_probability, joint=True, least_outputs=2,
    score=lambda p: p - _log_total(p)[:, None],  # outputs tell by their differences only
)  # fmt: skip
zero_one = Loss(
    "zero_one", _zero_one, _zero_one, 0.0, "classification",
    constant=_log_shares, descendable=False, joint=True,
)  # fmt: skip

LOSSES: dict[str, Loss] = {loss.name: loss for loss in (
    squared, absolute, huber(), quantile(0.5), gaussian, margin, perceptron, hinge, squared_hinge,
    squared_margin, logistic, exponential, softmax, zero_one,
)}  # fmt: skip


def by_name(name: str, setting: float | Sequence[float] | None = None) -> Loss:
    """The loss of that name; `setting` is Huber's δ, or the quantile's level or levels.

    Raises KeyError for an unknown name, ValueError for a setting that the loss does not have.
    """
    if name not in LOSSES:
        raise KeyError(f"no loss {name!r}; there are {', '.join(LOSSES)}.")
    if setting is None:
        return LOSSES[name]
    settings = tuple(setting) if isinstance(setting, Sequence) else (setting,)
    if name not in ("huber", "quantile") or (name == "huber" and len(settings) != 1):
        raise ValueError(
            f"only huber and quantile have a setting, huber one number; {name} was given {setting}."
        )
    return huber(*settings) if name == "huber" else quantile(*settings)
