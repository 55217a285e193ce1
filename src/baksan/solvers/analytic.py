"""The exact answer of least squares, its covariance, and the errors of the coefficients.

    argmin_w Σ w_i (⟨w, z_i⟩ − t_i)² / Σ w_i + λ|w|²/2,    t = y, or ±1 for classes

is the solution of (ZᵀWZ 2/Σw + λ) w = ZᵀW t 2/Σw, found here without forming ZᵀWZ: by the
singular value decomposition of √W Z, with √λ below it where there is a penalty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan import losses
from baksan.models.linear import Linear
from baksan.solvers.base import Problem, Solver, State, Stepper

Array = NDArray[Any]

__all__ = ["Analytic", "Exact", "covariance"]


@dataclass(frozen=True)
class Analytic(Solver):
    """The exact minimum in one step, for the linear model with squared losses and perhaps L2.

    For classes the loss is `squared_margin`: least squares on ±1, one class against the rest. A
    design of deficient rank gets the solution of smallest norm (of the weights for features brought
    to one scale).
    """

    name = "analytic"

    def ended(self, stepper: Stepper, state: State) -> tuple[bool, str]:
        assert isinstance(stepper, Exact)
        return True, stepper.message

    def end(self, n: int) -> float:
        return 1

    def stepper(self, problem: Problem) -> Stepper:
        """Raises ValueError for another model, another loss, or an L1 penalty."""
        if not isinstance(problem.model, Linear):
            raise ValueError(
                "Analytic needs the linear model, the only one whose least squares have a closed"
                f" form; this is {type(problem.model).__name__}. Take a descent."
            )
        if problem.loss.cost is not losses.squared.cost:
            raise ValueError(
                "Analytic needs a squared loss, whose minimum has a closed form: squared, or"
                f" squared_margin for classes; this is {problem.loss.name}. Take a descent."
            )
        if problem.l1:
            raise ValueError("Analytic takes no L1 penalty, which has no closed form; take L2.")

        return Exact(problem)


class Exact:
    """The single step of `Analytic`; `rank` tells afterwards how many columns were independent."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.rank = problem, 0

    def __call__(self, state: State, steps: int) -> State:
        w, self.rank = least_squares(self.problem)
        n = len(self.problem.X)
        return replace(
            state, parameters=w, average=w.copy(), step=1, epoch=1, seen=n,
            loss=losses.Q(self.problem.model.moved(w), self.problem.X, self.problem.loss),
            gradient=0.0, change=float(np.linalg.norm(w - state.parameters)),
        )  # fmt: skip

    @property
    def message(self) -> str:
        assert isinstance(self.problem.model, Linear)
        width = self.problem.model.features + 1
        if self.rank in (0, width):  # 0: a run that goes on from its end takes no step
            return "solved exactly in one step."
        return (
            f"solved exactly, but only {self.rank} of {width} columns are independent: many weights"
            " give the same predictions, and the smallest of them were taken."
        )


def _system(problem: Problem) -> tuple[Array, Array]:
    """√(2w/Σw) Z with √λ below, (n + d, d + 1), and the same of the targets, (n + d, k)."""
    model, X = problem.model, problem.X
    assert isinstance(model, Linear)
    root = np.sqrt(2.0 * X.w / X.w.sum())[:, None]
    z = model.design(X.x) * root
    t = problem.targets * root
    if problem.l2:
        ridge = np.sqrt(problem.l2) * np.eye(model.features + 1)[1:]
        z = np.vstack([z, ridge])
        t = np.vstack([t, np.zeros((model.features, t.shape[1]))])
    return z, t


def least_squares(problem: Problem) -> tuple[Array, int]:
    """The exact parameters (k (d + 1),), and the rank of the design."""
    assert isinstance(problem.model, Linear)
    z, t = _system(problem)
    # Columns of very different size, which only a model without standardisation has, cost digits.
    size = np.ones(z.shape[1]) if problem.model.standardise else np.linalg.norm(z, axis=0)
    size[size == 0] = 1.0
    w, _, rank, _ = np.linalg.lstsq(z / size, t, rcond=np.finfo(float).eps * z.shape[1])
    return (w.T / size).ravel(), int(rank)


def covariance(problem: Problem, parameters: Array, *, inverse_variances: bool = False) -> Array:
    """The covariance of the parameters of a smooth loss at its minimum, (P, P), one output.

    Squared loss, w_i = 1/σ_i² of known errors (`inverse_variances`):  (ZᵀWZ)⁻¹.
    Squared loss of numbers, no weights, no groups:  s² (ZᵀZ)⁻¹ with s² = RSS / (n − d − 1), for
    y with equal errors.
    Otherwise the sandwich  H⁻¹ G H⁻¹,  H = Σ w_i c''_i z zᵀ (+ λ Σw),  G = Σ_g u_g u_gᵀ with
    u_g = Σ_{i∈g} w_i c'_i z_i over the events of each group (each event where there are none). It
    holds for errors of any size, alike within a group but independent between groups (Huber 1967;
    White, Econometrica 48 (1980) 817; Liang and Zeger, Biometrika 73 (1986) 13). c'' is the central
    difference of the slope. Transform with `Linear.in_user_units`.

    Raises ValueError for several outputs, for a piecewise linear loss, for L1, and for inverse
    variances with another loss, a penalty or no weights.
    """
    model, X, loss = problem.model, problem.X, problem.loss
    if not isinstance(model, Linear) or model.outputs != 1:
        raise ValueError(
            "the covariance is known for a linear model with one output only; for any other,"
            " fit bootstrap samples of the events."
        )
    if loss.bend == 0.0:
        raise ValueError(
            f"the {loss.name} loss is piecewise linear: no second derivative, no errors."
        )
    if problem.l1:
        raise ValueError("L1 sets weights to 0, so they have no errors of this kind; take L2.")
    z, w = model.design(X.x), X.w
    if inverse_variances:
        if loss.cost is not losses.squared.cost or X.weight is None or problem.penalty:
            raise ValueError(
                "inverse variances are the weights of a squared loss without a penalty; this is"
                f" {loss.name}{'' if X.weight is not None else ' without weights'}."
            )
        return np.asarray(np.linalg.pinv((z.T * w) @ z, hermitian=True))
    p = z @ parameters
    slope = loss.slope(p, X.answers)
    ridge = problem.l2 * w.sum() * np.diag(model.penalised.astype(float))
    plain = X.weight is None and X.group is None and not problem.l2
    if loss.cost is losses.squared.cost and loss.task == "regression" and plain:
        free = len(z) - z.shape[1]
        if free <= 0:
            raise ValueError(f"errors need more events than parameters; {len(z)} for {z.shape[1]}.")
        return np.asarray(
            (slope / 2) @ (slope / 2) / free * np.linalg.pinv(z.T @ z, hermitian=True)
        )
    h = 1e-5 * (float(np.std(problem.targets)) or 1.0)
    bend = (loss.slope(p + h, X.answers) - loss.slope(p - h, X.answers)) / (2 * h)
    inverse = np.linalg.pinv((z.T * (w * bend)) @ z + ridge, hermitian=True)
    pulls = z * (w * slope)[:, None]
    if X.group is not None:
        pulls = _summed_by(X.group, pulls)
    return np.asarray(inverse @ (pulls.T @ pulls) @ inverse)


def _summed_by(group: Array, rows: Array) -> Array:
    """The sums of the rows of each group, (groups, …)."""
    _, index = np.unique(group, return_inverse=True)
    sums = np.zeros((index.max() + 1, rows.shape[1]))
    np.add.at(sums, index, rows)
    return sums
