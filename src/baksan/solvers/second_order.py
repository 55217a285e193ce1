"""Levenberg and Marquardt's method: least squares of a small network, by its own curvature.

    H = 2 Σ w_i J_iᵀ J_i / Σ w_i + λ,    g = 2 Σ w_i J_iᵀ (a(x_i) − t_i) / Σ w_i + λw
    (H + μ h) d = −g,  h the largest H_jj;    w ← w + d  where that lowers Q, else μ grows

J_i = ∂a(x_i)/∂w. H is the second derivative of Q without the part that vanishes with the residuals
(Gauss and Newton): a small μ steps as Newton does, a large one goes a little way down the slope
(Levenberg, Q. Appl. Math. 2 (1944) 164; Marquardt, J. SIAM 11 (1963) 431). How μ follows from what
a step has brought: Nielsen, IMM-REP-1999-05, and Madsen, Nielsen, Tingleff, Methods for Non-linear
Least Squares Problems (2004), algorithm 3.16.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from baksan import losses
from baksan.jaxed import available, jaxed
from baksan.losses import Loss
from baksan.models.base import Model
from baksan.models.ensemble import Ensemble
from baksan.models.network import Network
from baksan.models.passes import backward, forward
from baksan.samples import Samples
from baksan.solvers.base import Problem, Solver, State, Stepper
from baksan.solvers.members import Members
from baksan.solvers.network_steps import NetworkSums
from baksan.solvers.steps import gradient_of, next_epoch

Array = NDArray[Any]

__all__ = ["LevenbergMarquardt"]

_MOST = 5_000  # parameters: their matrix then has 200 MB, and a step takes seconds
_TOGETHER = 1_024  # events whose derivatives stay in the cache until they are summed
_TRIES = 60


@dataclass(frozen=True)
class LevenbergMarquardt(Solver):
    """Damped Gauss-Newton steps on all events: squared losses of models with few parameters.

    A step sums n P² products for P parameters and solves P equations, so that it suits networks of
    some hundred parameters: there it finds minima, of smooth answers without noise above all, that
    Adam comes nowhere near. Where noise limits, Adam is as good on other events.

    Parameters
    ----------
    steps : int
        Budget.
    seconds : float, optional
        Budget of time; a fit stops after it.
    damping : float
        μ of the first step.
    gradient_tolerance : float
        Stop when |∂(Q + penalty)/∂w|, in the scale of the answers, falls below.
    patience : int, optional
        Stop when the validation loss has not fallen for so many looks, one each row of the history;
        the best weights are kept.
    way : 'auto', 'generic' or 'compiled'
        `generic` takes the derivatives of any model, event by event; `compiled` those of networks
        through JAX, and is taken where it applies.

    Raises
    ------
    ValueError
        A wrong setting; in a fit another loss than a squared one, L1, dropout or normalisation by
        the batch (Q changes from step to step), negative weights, more than 5,000 parameters.

    Examples
    --------
    >>> import baksan as bk, numpy as np
    >>> x = np.linspace(-2, 2, 256)[:, None]
    >>> net = bk.Network((8,), activation="tanh", precision="float64")
    >>> X = bk.Samples(x, x[:, 0] ** 2)
    >>> bool(bk.fit(net, X, bk.losses.squared, bk.LevenbergMarquardt(steps=50)).loss < 1e-6)
    True
    """

    steps: int = 200
    seconds: float = math.inf
    damping: float = 0.01
    gradient_tolerance: float = 0.0
    patience: int | None = None
    way: Literal["auto", "generic", "compiled"] = "auto"
    name = "Levenberg-Marquardt"

    def __post_init__(self) -> None:
        for name in ("steps", "patience"):
            value = getattr(self, name)
            if value is not None and (value < 1 or value != int(value)):
                raise ValueError(f"{name} must be a whole number from 1; it is {value}.")
        for name in ("seconds", "gradient_tolerance"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be 0 or more; it is {getattr(self, name)}.")
        if not 0 < self.damping < math.inf:
            raise ValueError(f"damping must be positive; it is {self.damping}.")
        if self.way not in ("auto", "generic", "compiled"):
            raise ValueError(f"way must be auto, generic or compiled; it is {self.way!r}.")

    def start(self, model: Model, *, seed: int = 0) -> State:
        members = model.members if isinstance(model, Ensemble) else 1
        damping = np.tile([self.damping, 2.0], members)
        state = super().start(model, seed=seed)
        return replace(state, moments={"damping": damping})

    def end(self, n: int) -> float:
        return self.steps

    def no_negative_weights(self, loss: Loss) -> str:
        return (
            "LevenbergMarquardt needs weights of 0 or more, without which least squares has no"
            " minimum that it could look for; take Adam, or leave the events of negative weight"
            " out."
        )

    def converged(self, state: State) -> str:
        if state.step and not state.change:
            return (
                f"converged to rounding after {state.step:,} steps: none lowers Q any more;"
                f" |∂Q/∂w| = {state.gradient:.2g}."
            )
        if state.gradient < self.gradient_tolerance:
            return (
                f"converged after {state.step:,} steps: |∂Q/∂w| = {state.gradient:.2g} is below"
                f" {self.gradient_tolerance:g}."
            )
        return ""

    def ended(self, stepper: Stepper, state: State) -> tuple[bool, str]:
        return False, (
            f"the budget of {state.step:,} steps is spent with |∂Q/∂w| = {state.gradient:.2g}; give"
            " more steps if Q still falls."
        )

    def stepper(self, problem: Problem) -> Stepper:
        if isinstance(problem.model, Ensemble):
            members = Members(problem, self.stepper)
            return _Steps(self, lambda state: members(state, 1))
        self._check(problem)
        if self._compiled(problem):
            sums = _NetworkNormal(problem)
            return _Steps(self, partial(_step, problem, sums), sums.value)
        return _Steps(self, partial(_step, problem, _GenericNormal(problem)))

    def _compiled(self, problem: Problem) -> bool:
        if self.way == "generic":
            return False
        fits = type(problem.model) is Network and available()
        if self.way == "compiled" and not fits:
            raise ValueError(
                "the way 'compiled' needs a Network and JAX, pip install 'baksan[networks]'; this"
                f" is {type(problem.model).__name__}. Take way='generic'."
            )
        return fits

    def _check(self, problem: Problem) -> None:
        """Raises ValueError for what the method is not for."""
        model = problem.model
        if problem.loss.cost is not losses.squared.cost:
            raise ValueError(
                "LevenbergMarquardt is for least squares, squared or squared_margin; this is"
                f" {problem.loss.name}. Take Adam or a descent."
            )
        if problem.l1:
            raise ValueError("LevenbergMarquardt needs a smooth penalty; L1 came. Take L2.")
        if model.running is not None or model.in_training(0, 0) is not model:
            raise ValueError(
                "LevenbergMarquardt compares Q before and after a step; dropout and normalisation"
                " by the batch change it meanwhile. Leave them out, or take Adam."
            )
        if problem.negative:
            raise ValueError(self.no_negative_weights(problem.loss))
        if model.parameters.size > _MOST:
            raise ValueError(
                f"LevenbergMarquardt is for at most {_MOST:,} parameters, whose matrix has 200 MB;"
                f" this model has {model.parameters.size:,}. Take Adam, or smaller layers."
            )


# The step -----------------------------------------------------------------------------------------


class _Normal(Protocol):
    """Sums over all events, weights with mean 1."""

    def value(self, parameters: Array) -> float:
        """Q."""

    def normal(self, a: Model) -> tuple[Array, Array, float, float]:
        """2 Σ w JᵀJ (P, P), Σ w slope J (P,), Σ w cost and Σ w at a model."""


class _Steps:
    """Steps one after another, up to where the run ends."""

    def __init__(
        self,
        solver: LevenbergMarquardt,
        one: Callable[[State], State],
        value: Callable[[Array], float] | None = None,
    ) -> None:
        self.solver, self.one = solver, one
        if value is not None:
            self.value = value

    def __call__(self, state: State, steps: int) -> State:
        for _ in range(steps):
            state = self.one(state)
            if self.solver.converged(state):
                break
        return state


def _step(problem: Problem, sums: _Normal, state: State) -> State:
    model, w, n = problem.model, state.parameters, len(problem.X)
    matrix, total, cost, mass = sums.normal(model.moved(w))
    g, norm = gradient_of(problem, w, total / n)
    matrix = (matrix / n + problem.l2 * np.diag(model.penalised)) / model.size(problem.loss.degree)
    new, damping = _lower(problem, sums, w, matrix, g, state.moments["damping"])
    after = replace(
        state, parameters=new, velocity=new - w, average=new, moments={"damping": damping},
        step=state.step + 1, seen=state.seen + n, place=n, cost=state.cost + cost,
        mass=state.mass + mass, loss=cost / mass, gradient=norm,
        change=float(np.linalg.norm(new - w)),
    )  # fmt: skip
    return next_epoch(after, n)


def _lower(
    problem: Problem, sums: _Normal, w: Array, matrix: Array, g: Array, damping: Array
) -> tuple[Array, Array]:
    """Parameters of a lower Q + penalty, and the damping of the next step; the same ones where
    none are found.
    """
    size, (mu, growth) = problem.model.size(problem.loss.degree), damping
    now, unit = _objective(problem, sums, w), matrix.diagonal().max()
    for _ in range(_TRIES):
        step = _solved(matrix, g, mu * unit)
        then = math.inf if step is None else _objective(problem, sums, w + step)
        if step is not None and then < now:
            expected = -size * float(g @ step + step @ matrix @ step / 2)
            gain = min((now - then) / expected, 1.0) if expected > 0 else 0.0
            return w + step, np.array([mu * max(1 / 3, 1 - (2 * gain - 1) ** 3), 2.0])
        mu, growth = mu * growth, 2 * growth
        if not mu < 1e16:
            break
    return w, damping


def _solved(matrix: Array, g: Array, damping: float) -> Array | None:
    """d of (H + damping) d = −g; None where rounding has left no positive matrix."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    damped = matrix.copy()
    damped[np.diag_indices(len(g))] += damping
    try:
        factor = cho_factor(damped, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return None
    return np.asarray(cho_solve(factor, -g, check_finite=False))


def _objective(problem: Problem, sums: _Normal, w: Array) -> float:
    """Q + penalty; infinite where it is no number."""
    penalised = w[problem.model.penalised]
    found = sums.value(w) + problem.l2 * float(penalised @ penalised) / 2
    return found if math.isfinite(found) else math.inf


# Its sums, in two ways ----------------------------------------------------------------------------


class _GenericNormal:
    """For any model: the derivatives of an output are its pullback of a single event."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    def value(self, parameters: Array) -> float:
        return losses.Q(self.problem.model.moved(parameters), self.problem.X, self.problem.loss)

    def normal(self, a: Model) -> tuple[Array, Array, float, float]:
        one = partial(_normal, a=a, loss=self.problem.loss, mean_weight=self.problem.mean_weight)
        matrix, g, cost, mass = self.problem.X.total(one)
        return matrix, g, cost, mass


def _normal(block: Samples, a: Model, loss: Loss, mean_weight: float) -> tuple[Any, ...]:
    weight, p = block.w / mean_weight, a(block.x)
    slope = loss.slope(p, block.answers).reshape(len(p), -1)
    matrix, g = np.zeros((a.parameters.size,) * 2), np.zeros(a.parameters.size)
    for i, x in enumerate(block.x):
        for j, one in enumerate(np.eye(a.outputs)):
            row = a.pullback(x[None], one if a.outputs == 1 else one[None])
            matrix += 2.0 * weight[i] * np.outer(row, row)
            g += weight[i] * slope[i, j] * row
    return matrix, g, float(weight @ loss.value(p, block.answers)), float(weight.sum())


class _NetworkNormal(NetworkSums):
    """For networks, through JAX."""

    def normal(self, a: Model) -> tuple[Array, Array, float, float]:
        flat = a.parameters.astype(self.dtype)
        matrix, g, cost, mass = self._total(
            lambda events: _compiled()(self.parts, self.numbers, flat, events)
        )
        return matrix, g, float(cost), float(mass)


@functools.cache
def _compiled() -> Callable[..., Any]:
    """`_network_normal` through JAX."""
    import jax

    return jax.jit(_network_normal, static_argnames="parts")


def _network_normal(parts: Any, numbers: Any, flat: Any, events: Any) -> Any:
    """2 Σ w JᵀJ, Σ w slope J and Σ w cost, in blocks of events."""
    import jax
    import jax.numpy as jnp

    layers = parts.layered(parts.apart(flat))
    blocks = -(-len(events.x) // _TOGETHER)
    size = -(-len(events.x) // blocks)

    def one(x: Any) -> tuple[Any, Any]:
        """a (k,) of one event, and its derivatives (k, P)."""
        a, tape = jaxed(forward)(x[None], layers, parts.plan)

        def row(slope: Any) -> Any:
            found = parts.listed(jaxed(backward)(slope[None], tape, layers, parts.plan))
            return jnp.concatenate([part.ravel() for part in found])

        return a[0], jax.vmap(row)(jnp.diag(numbers.unit))

    def added(sums: Any, block: Any) -> Any:
        x, t, weight = block
        a, rows = jax.vmap(one)(x)
        rest = numbers.offset + numbers.unit * a - t
        rows, pull = rows.reshape(-1, len(flat)), (2 * weight[:, None] * rest).ravel()
        matrix = rows.T @ (2 * jnp.repeat(weight, parts.outputs)[:, None] * rows)
        told = matrix, pull @ rows, weight @ (rest * rest).sum(axis=1)
        return tuple(s + part for s, part in zip(sums, told, strict=True)), None

    def cut(part: Any) -> Any:
        filled = jnp.pad(part, [(0, blocks * size - len(part))] + [(0, 0)] * (part.ndim - 1))
        return filled.reshape(blocks, size, *part.shape[1:])

    empty = (jnp.zeros((len(flat),) * 2, flat.dtype), jnp.zeros_like(flat), flat[0] * 0)
    sums, _ = jax.lax.scan(added, empty, tuple(cut(part) for part in events))
    return sums
