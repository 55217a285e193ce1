"""What every loss answers; Q(a, X), the weighted mean of costs; penalties."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Elementwise = Callable[..., Any]

__all__ = ["L1", "L2", "LOSSES", "Loss", "Q", "deviations", "length", "weighted_mean"]

LOSSES: dict[str, Loss] = {}
"""The losses by name; `baksan.losses` puts its own there."""


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
    components : int
        Of how many numbers an answer consists, where these are one thing; 0 for any.
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
    components: int = 0
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
            if self.components and _width(y) != self.components:
                raise ValueError(
                    f"{self.name} needs answers of {self.components} numbers, (n,"
                    f" {self.components}); they have the shape {y.shape}. Take another loss."
                )
            if self.joint and self.least_outputs == 1 == _width(y):
                raise ValueError(
                    f"{self.name} needs answers of 2 numbers or more, such as a place; they have"
                    f" the shape {y.shape}. Take absolute."
                )
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
        return deviations(t, w) if self.natural is None else self.natural(t, w)

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
        if not self.components:
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
    >>> from baksan.losses import squared
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


# What several losses need -------------------------------------------------------------------------


def weighted_mean(t: Array, w: Array) -> float:
    """Σ w t/Σ w."""
    return float(np.average(t, weights=w))


def deviations(t: Array, w: Array) -> Array:
    """The weighted standard deviation of each column; 1 where there is none."""
    # From an event that counts: 0 exactly, not to rounding, where all answers are the same.
    off = np.asarray(t, dtype=float) - t[w.argmax()]
    off -= np.average(off, axis=0, weights=w)
    widest = np.abs(off[w != 0]).max(axis=0)
    widest = np.where(widest > 0, widest, 1.0)  # squares of 1e200 have no number
    variance = np.average((off / widest)[w != 0] ** 2, axis=0, weights=w[w != 0])
    return np.sqrt(np.where(variance > 0, variance, 1.0)) * widest


def length(p: Array) -> Array:
    """|p| of each event, (n,)."""
    # The smallest number keeps the slope finite at p = 0, where every direction is as good.
    return np.asarray(np.sqrt((p * p).sum(axis=1) + np.finfo(p.dtype).tiny))
