"""The exact answer of least squares, its covariance, and the errors of the coefficients.

    argmin_w Σ w_i (⟨w, z_i⟩ − t_i)² / Σ w_i + λ|w|²/2,    t = y, or ±1 for classes

is found from one pass over the events, and as accurately as by LAPACK's QR: see `least_squares`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan import losses
from baksan.losses import Loss
from baksan.models.linear import Linear
from baksan.samples import Samples
from baksan.solvers.base import Events, Problem, Solver, State, Stepper
from baksan.solvers.gram import Gram
from baksan.solvers.least_squares import Solution, inverse, least_squares
from baksan.solvers.rates import spread_of

Array = NDArray[Any]

__all__ = ["Analytic", "Exact", "covariance"]

_ALIKE = 1e6  # condition from which a fit says that its features nearly depend on each other
_SHARP = 1e-6  # reciprocal condition of a second derivative from which its inverse has nine digits
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Analytic(Solver):
    """The exact minimum in one step, for the linear model with squared losses and perhaps L2.

    For classes the loss is `squared_margin`: least squares on ±1, one class against the rest. A
    design of deficient rank gets the solution of smallest norm (of the weights for features brought
    to one scale).

    Events of negative weight count as they are. Then Q has a minimum only where the weighted
    scatter of the features is positive; where it is not, a ValueError says so.
    """

    name = "analytic"

    def wants_gram(self, problem: Problem) -> bool:
        squared = problem.loss.cost is losses.squared.cost
        return squared and isinstance(problem.model, Linear) and problem.X.head.x.ndim == 2

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
    """The single step of `Analytic`; `solution` tells afterwards what was found."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.gram = problem.gram or Gram.of(problem.X, problem.loss, problem.model.outputs)
        self.solution: Solution | None = None

    def __call__(self, state: State, steps: int) -> State:
        found = self.solution = least_squares(self.problem, self.gram)
        w = found.parameters
        return replace(
            state, parameters=w, velocity=np.zeros_like(w), average=w.copy(), step=1, epoch=1,
            seen=self.gram.events, loss=found.loss, gradient=0.0,
            change=float(np.linalg.norm(w - state.parameters)),
        )  # fmt: skip

    def value(self, parameters: Array) -> float:
        """Q at these parameters, from the sums; at the solution to more digits."""
        found, model = self.solution, self.problem.model
        if found is not None and np.array_equal(parameters, found.parameters):
            return found.loss
        assert isinstance(model, Linear)
        return self.gram.bowl(model).value(parameters)

    @property
    def message(self) -> str:
        found = self.solution
        assert isinstance(self.problem.model, Linear)
        width = self.problem.model.features + 1
        if found is None:  # a run that goes on from its end takes no step
            return "solved exactly in one step."
        if found.rank < width:
            return (
                f"solved exactly, but only {found.rank} of {width} columns are independent: many"
                " weights give the same predictions, and the smallest of them were taken."
            )
        if found.condition > _ALIKE:
            return (
                f"solved exactly, but the features nearly depend on each other (condition"
                f" {found.condition:.0e}): small errors in them make large ones in the weights;"
                " leave some out, or take penalty=L2(…)."
            )
        return "solved exactly in one step."


def covariance(problem: Problem, parameters: Array, *, inverse_variances: bool = False) -> Array:
    """The covariance of the parameters of a smooth loss at its minimum, (P, P), one output.

    Squared loss, w_i = 1/σ_i² of known errors (`inverse_variances`):  (ZᵀWZ)⁻¹.
    Squared loss of numbers, no weights, no groups:  s² (ZᵀZ)⁻¹ with s² = RSS / (n − d − 1), for
    y with equal errors.
    Otherwise the sandwich  H⁻¹ G H⁻¹,  H = Σ w_i c''_i z zᵀ (+ λ Σw),  G = Σ_g u_g u_gᵀ with
    u_g = Σ_{i∈g} w_i c'_i z_i over the events of each group (each event where there are none). It
    holds for errors of any size, alike within a group but independent between groups (Huber 1967;
    White, Econometrica 48 (1980) 817; Liang and Zeger, Biometrika 73 (1986) 13). c'' is the central
    difference of the slope. No condition of the design is squared; of columns that depend on each
    other the pseudo-inverse is taken. Transform with `Linear.in_user_units`.

    Weights may be negative: their squares enter G. They are taken as known; what sWeights owe to
    the fit that they come from is not in it (Langenbruch, Eur. Phys. J. C 82 (2022) 393).

    Raises ValueError for several outputs, for a piecewise linear loss, for L1, for a stream with
    groups, for parameters that negative weights leave at no minimum, and for inverse variances with
    another loss, a penalty, or no weights or negative ones.
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
    squared = loss.cost is losses.squared.cost
    if inverse_variances:
        _check_inverse_variances(problem)
    grouped = X.head.group is not None
    a = model.moved(parameters)
    plain = squared and loss.task == "regression" and not (_weighted(X) or grouped or problem.l2)
    if plain or inverse_variances:
        gram = problem.gram or Gram.of(X, loss, 1)
        free = gram.events - a.features - 1
        if plain and free <= 0:
            raise ValueError(
                f"errors need more events than parameters; {gram.events} for {a.features + 1}."
            )
        found = inverse(problem, gram)
        return found * (X.total(partial(_residuals, a=a))[0] / free) if plain else found
    if grouped and not isinstance(X, Samples):
        raise ValueError(
            "errors with groups need the events of each group together; a stream has them one after"
            " another. Take the errors from a sample that fits in memory."
        )
    return _sandwich(problem, a)


def _check_inverse_variances(problem: Problem) -> None:
    """Raises ValueError where weights are no inverse variances, or do not tell the errors alone."""
    came = [] if problem.loss.cost is losses.squared.cost else [f"the {problem.loss.name} loss"]
    came += [] if _weighted(problem.X) else ["no weights"]
    came += ["negative weights"] if problem.negative else []
    came += [repr(problem.penalty)] if problem.penalty else []
    if came:
        raise ValueError(
            "inverse variances are the weights of a squared loss without a penalty; this fit has"
            f" {' and '.join(came)}. Leave out inverse_variances: its errors come from the events."
        )


def _sandwich(problem: Problem, a: Linear) -> Array:
    """H⁻¹ G H⁻¹. Where H has few digits left, its inverse and G are found by another pass in
    coordinates q = z T with Tᵀ H T near 1, which does not square the condition of the design.
    """
    X, loss, unit = problem.X, problem.loss, problem.mean_weight
    h = 1e-5 * (spread_of(problem) if loss.task == "regression" else 1.0)

    def sums(root: Array) -> tuple[Array, Array]:
        one = partial(_bread_and_filling, a=a, loss=loss, h=h, root=root, unit=unit)
        bread, filling, mass = one(X) if isinstance(X, Samples) else X.total(one)
        return bread + problem.l2 * mass * (root.T * a.penalised) @ root, filling

    bread, filling = sums(np.eye(a.features + 1))
    if problem.negative:
        _check_minimum(bread)
    root, reciprocal = _whitening(bread)
    if reciprocal < _SHARP:
        bread, filling = sums(root)
    else:
        bread, filling = root.T @ bread @ root, root.T @ filling @ root
    outer = root @ np.linalg.pinv(bread, rcond=10 * _EPS * len(root), hermitian=True)
    return np.asarray(outer @ filling @ outer.T)


def _check_minimum(bread: Array) -> None:
    """Raises ValueError where negative weights make a second derivative negative."""
    size = np.sqrt(np.abs(np.diag(bread)))
    size = np.where(size > 0, size, 1.0)
    lowest = np.linalg.eigvalsh(bread / np.outer(size, size))[0]
    if lowest < -_SHARP:
        raise ValueError(
            "errors need a minimum of Q; here negative weights make its second derivative negative"
            f" in some direction ({lowest:.2g}). Take more events, fewer features, or a penalty."
        )


def _whitening(bread: Array) -> tuple[Array, float]:
    """T with Tᵀ H T near 1, and the reciprocal condition of H brought to a unit diagonal.

    What rounding may have made of an eigenvalue of 0 counts as that much.
    """
    size = np.sqrt(np.abs(np.diag(bread)))
    size = np.where(size > 0, size, 1.0)
    values, axes = np.linalg.eigh(bread / np.outer(size, size))
    values = np.abs(values)
    least = _EPS * len(values) * (values.max() or 1.0)
    root = axes / np.sqrt(np.maximum(values, least)) / size[:, None]
    return root, float(values.min() / (values.max() or 1.0))


def _weighted(X: Events) -> bool:
    return X.head.weight is not None


def _residuals(block: Samples, a: Linear) -> tuple[float]:
    """Σ (y − a(x))² of one block."""
    rest = block.answers.ravel() - a(block.x)
    return (float(rest @ rest),)


def _bread_and_filling(
    block: Samples, a: Linear, loss: Loss, h: float, root: Array, unit: float
) -> tuple[Array, Array, float]:
    """Σ w c'' q qᵀ, Σ_g u_g u_gᵀ and Σ w of one block, q = z root, all of each group in it.

    Weights are taken in this unit, which changes nothing, so that no square overflows or is lost.
    """
    q, w, p, y = a.design(block.x) @ root, block.w / unit, a(block.x), block.answers
    step = h + 4 * np.spacing(np.abs(p))
    above, below = p + step, p - step  # which are rounded: their difference is not 2 steps
    bend = (loss.slope(above, y) - loss.slope(below, y)) / (above - below)
    pulls = q * (w * loss.slope(p, y))[:, None]
    if block.group is not None:
        pulls = _summed_by(block.group, pulls)
    return (q.T * (w * bend)) @ q, pulls.T @ pulls, float(w.sum())


def _summed_by(group: Array, rows: Array) -> Array:
    """The sums of the rows of each group, (groups, …)."""
    _, index = np.unique(group, return_inverse=True)
    sums = np.zeros((index.max() + 1, rows.shape[1]))
    np.add.at(sums, index, rows)
    return sums
