"""Descent: w ← w − rate · ∂Q_B/∂w, where Q_B is Q on the batch B that a step sees.

Gradient descent sees all events, stochastic gradient descent one, mini-batches a few: one class.

    g = (1 / (|B| w̄)) Σ_{i∈B} w_i (∂a(x_i)/∂w)ᵀ slope_i + λw        w̄ mean weight of all events
    v ← momentum · v − rate · g;    w ← w + v                           heavy ball (Polyak 1964)
    nesterov: g is taken at w + momentum · v                            (Nesterov 1983)

Three ways to take the same steps, equal to rounding (tests/test_laws.py): `generic`, a few lines
for any model and loss; `python`, the linear model's kernel as plain Python; `compiled`, the same
kernel as machine code. `auto` takes the last where it applies.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.losses import Loss
from baksan.models.base import Model
from baksan.models.linear import Linear
from baksan.samples import Samples, epoch_order
from baksan.solvers.base import Penalty, Problem, Solver, State, Stepper
from baksan.solvers.schedules import Constant, InverseTime, Schedule

Array = NDArray[Any]
Way = Literal["auto", "generic", "python", "compiled"]

__all__ = [
    "Descent",
    "GradientDescent",
    "MiniBatch",
    "Online",
    "Steepness",
    "StochasticGradientDescent",
]  # fmt: skip


@dataclass(frozen=True)
class Descent(Solver):
    """Descent in steps that see `batch` events each.

    Parameters
    ----------
    rate : float, Schedule or 'auto'
        The step's length; 'auto' takes it from the curvature of Q (`Steepness`).
    batch : int, optional
        Events a step sees; None is all of them.
    steps, epochs : int, optional
        Budget; an epoch visits each event once. Without either, 1,000 full steps or 20 epochs.
    seconds : float, optional
        Budget of time; a fit stops after it.
    momentum : float in [0, 1)
    nesterov : bool
        Look ahead along the momentum before taking the gradient.
    average : bool
        The answer is the average of w_t with weight growing as t³ (Shamir and Zhang, ICML 2013).
    shuffle : bool
        A new order of events in each epoch, from (seed, epoch).
    tolerance : float
        Stop when |w_t − w_(t−1)| < tolerance, from step to step for full batches, else from epoch
        to epoch.
    gradient_tolerance : float
        Stop when |∂Q/∂w| on a full batch falls below.
    patience : int, optional
        Stop when the validation loss has not fallen for so many looks, one each epoch (each row of
        the history for full batches); the best weights are kept.
    way : 'auto', 'generic', 'python' or 'compiled'
        Which of the equal ways takes the steps.
    """

    rate: float | Schedule | Literal["auto"] = "auto"
    batch: int | None = None
    steps: int | None = None
    epochs: int | None = None
    seconds: float = math.inf
    momentum: float = 0.0
    nesterov: bool = False
    average: bool = False
    shuffle: bool = True
    tolerance: float = 0.0
    gradient_tolerance: float = 0.0
    patience: int | None = None
    way: Way = "auto"

    def __post_init__(self) -> None:
        for name in ("batch", "steps", "epochs", "patience"):
            value = getattr(self, name)
            if value is not None and (value < 1 or value != int(value)):
                raise ValueError(f"{name} must be a whole number from 1; it is {value}.")
            object.__setattr__(self, name, None if value is None else int(value))
        for name in ("seconds", "tolerance", "gradient_tolerance"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be 0 or more; it is {getattr(self, name)}.")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be at least 0 and below 1; it is {self.momentum}.")
        if isinstance(self.rate, Real) and not 0 < self.rate < math.inf:
            raise ValueError(f"rate must be positive; it is {self.rate}.")
        if not (isinstance(self.rate, Real) or callable(self.rate) or self.rate == "auto"):
            raise ValueError(f"rate must be a number, a schedule or 'auto'; it is {self.rate!r}.")
        if self.way not in ("auto", "generic", "python", "compiled"):
            raise ValueError(f"way must be auto, generic, python or compiled; it is {self.way!r}.")

    @property
    def name(self) -> str:  # type: ignore[override]
        """What the course calls it."""
        if self.batch is None:
            return "gradient descent"
        return "stochastic gradient descent" if self.batch == 1 else "mini-batch gradient descent"

    def steps_per_epoch(self, n: int) -> int:
        return 1 if self.batch is None else math.ceil(n / self.batch)

    def end(self, n: int) -> float:
        limits = []
        if self.steps is not None:
            limits.append(self.steps)
        if self.epochs is not None:
            limits.append(self.epochs * self.steps_per_epoch(n))
        if limits:
            return min(limits)
        return 1000 if self.batch is None else 20 * self.steps_per_epoch(n)

    def iterate(self, state: State) -> Array:
        return state.average if self.average and state.step else state.parameters

    def schedule(self, problem: Problem) -> Schedule:
        """The rate of each step on this problem, 'auto' resolved."""
        return automatic(self, problem) if isinstance(self.rate, str) else _as_schedule(self.rate)

    def bound(self, problem: Problem) -> tuple[float, str]:
        """The rate above which Q grows, and its formula; L and R² as in `Steepness`.

        Full batches of a squared loss: exactly 2/L, with momentum μ 2(1 + μ)/L, with Nesterov's
        2(1 + μ)/((1 + 2μ) L). Raises ValueError for a model that is not linear.
        """
        limit, mu = Steepness.of(problem).limit(self.batch), self.momentum
        if self.batch is not None:
            # Momentum μ lengthens a noisy step 1/(1 − μ) times in the mean.
            return limit * (1.0 - mu), "2(1 − μ)/(L + R²/m)" if mu else "2/(L + R²/m)"
        if self.nesterov and mu:
            return limit * (1.0 + mu) / (1.0 + 2.0 * mu), "2(1 + μ)/((1 + 2μ) L)"
        return limit * (1.0 + mu), "2(1 + μ)/L" if mu else "2/L"

    def too_steep(self, problem: Problem) -> str:
        if not isinstance(problem.model, Linear):
            return ""
        rate = float(np.asarray(self.schedule(problem)(np.zeros(1)))[0])
        limit, formula = self.bound(problem)
        if rate <= limit:
            return ""
        return (
            f"the step {rate:.3g} is above {formula} = {limit:.3g}: Q grows; try {limit / 2:.2g} or"
            ' rate="auto".'
        )

    def converged(self, state: State) -> str:
        full = self.batch is None
        change = state.change if full else (state.epoch_change if not state.place else math.inf)
        if change < self.tolerance:
            return (
                f"converged after {state.step:,} steps: |w_t − w_(t−1)| = {change:.2g} is below"
                f" {self.tolerance:g}."
            )
        if full and state.gradient < self.gradient_tolerance:
            return (
                f"converged after {state.step:,} steps: |∂Q/∂w| = {state.gradient:.2g} is below"
                f" {self.gradient_tolerance:g}."
            )
        return ""

    def ended(self, stepper: Stepper, state: State) -> tuple[bool, str]:
        if self.batch is None:
            return False, (
                f"the budget of {state.step:,} steps is spent with |∂Q/∂w| = {state.gradient:.2g};"
                " give more steps, or momentum, if Q still falls."
            )
        if not state.epoch:
            return False, (
                f"the budget of {state.step:,} steps is spent within the first epoch; give more"
                " steps if Q still falls."
            )
        return False, (
            f"the budget of {state.epoch:,} epochs is spent; the last moved the weights by"
            f" {state.epoch_change:.2g}. Give more epochs if Q still falls."
        )

    def way_for(self, problem: Problem) -> Way:
        """Which way takes the steps. Raises ValueError where the one asked for does not apply."""
        from baksan.solvers.kernels import CODES

        fits = type(problem.model) is Linear and problem.loss.cost in CODES
        if self.way in ("python", "compiled") and not fits:
            raise ValueError(
                f"the way {self.way!r} is for the linear model and the losses of baksan.losses;"
                f" this is {type(problem.model).__name__} with {problem.loss.name}."
                " Take way='generic'."
            )
        return self.way if self.way != "auto" else ("compiled" if fits else "generic")

    def stepper(self, problem: Problem) -> Stepper:
        problem.loss.check_descendable()
        take: Stepper = (
            Generic(self, problem) if self.way_for(problem) == "generic" else Kernel(self, problem)
        )
        return take

    def online(
        self,
        model: Model,
        loss: Loss,
        *,
        penalty: Penalty | None = None,
        state: State | None = None,
    ) -> Online:
        """A handle whose `learn(x, y)` takes one sample a call: the same steps, fed by hand."""
        return Online(self, model, loss, penalty, self.start(model) if state is None else state)


def GradientDescent(rate: float | Schedule | Literal["auto"] = "auto", **settings: Any) -> Descent:
    """Each step sees all events. Settings as in `Descent`."""
    return Descent(rate, **settings)


def StochasticGradientDescent(
    rate: float | Schedule | Literal["auto"] = "auto", **settings: Any
) -> Descent:
    """Each step sees one event. Settings as in `Descent`."""
    return Descent(rate, batch=1, **settings)


def MiniBatch(
    rate: float | Schedule | Literal["auto"] = "auto", batch: int = 32, **settings: Any
) -> Descent:
    """Each step sees `batch` events. Settings as in `Descent`."""
    return Descent(rate, batch=batch, **settings)


def _as_schedule(rate: float | Schedule) -> Schedule:
    return rate if callable(rate) else Constant(float(rate))


def _visits(solver: Descent, n: int) -> Callable[[int, int], Array]:
    """(seed, epoch) → the order in which that epoch visits n events, (n,); the last one is kept."""
    in_order = np.arange(n)
    if solver.batch is None or not solver.shuffle:
        return lambda seed, epoch: in_order
    return functools.lru_cache(maxsize=1)(functools.partial(epoch_order, n))


# The rule of one step, for any model --------------------------------------------------------------


def step_on(
    solver: Descent, problem: Problem, state: State, batch: Samples, rate: float, mean_weight: float
) -> State:
    """The state after one step that sees this batch."""
    mask = problem.model.penalised
    look = state.parameters + solver.momentum * state.velocity * solver.nesterov
    a = problem.model.moved(look)
    p, weight = a(batch.x), batch.w / mean_weight
    slope = (problem.loss.slope(p, batch.answers).T * weight).T / len(batch)
    g = a.pullback(batch.x, slope) + problem.l2 * look * mask
    velocity = solver.momentum * state.velocity - rate * g
    w = state.parameters + velocity
    if problem.l1:
        w = np.where(mask, np.sign(w) * np.maximum(np.abs(w) - rate * problem.l1, 0.0), w)
    if problem.loss.projected:
        w = w / max(1.0, float(np.linalg.norm(w)))
    if problem.l1 or problem.loss.projected:
        # Momentum carries the step that was made; else L1 would count (1 − momentum) times.
        velocity = w - state.parameters
    cost, mass = float(weight @ problem.loss.value(p, batch.answers)), float(weight.sum())
    return replace(
        state,
        parameters=w,
        velocity=velocity,
        average=state.average + 4.0 / (state.step + 4.0) * (w - state.average),
        step=state.step + 1,
        seen=state.seen + len(batch),
        place=state.place + len(batch),
        cost=state.cost + cost,
        mass=state.mass + mass,
        loss=cost / mass if mass else 0.0,
        gradient=float(np.linalg.norm(g)),
        change=float(np.linalg.norm(w - state.parameters)),
    )


def next_epoch(state: State, n: int) -> State:
    """The state with the epoch counted up where all n events were visited.

    Online learning, which knows no n, may have visited them several times.
    """
    if state.place < n:
        return state
    change = float(np.linalg.norm(state.parameters - state.turn))
    return replace(
        state,
        epoch=state.epoch + state.place // n,
        place=state.place % n,
        turn=state.parameters,
        epoch_change=change,
    )


def settled(solver: Descent, change: float, gradient: float) -> bool:
    """Whether a full-batch run ends after this step."""
    full = solver.batch is None
    return full and (change < solver.tolerance or gradient < solver.gradient_tolerance)


class Generic:
    """Steps for any model and any loss, through `pullback`."""

    def __init__(self, solver: Descent, problem: Problem) -> None:
        self.solver, self.problem = solver, problem
        self.schedule, self.order = solver.schedule(problem), _visits(solver, len(problem.X))
        self.size = solver.batch or len(problem.X)

    def __call__(self, state: State, steps: int) -> State:
        X, mean_weight = self.problem.X, self.problem.mean_weight
        state = next_epoch(state, len(X))
        rates = self.schedule(np.arange(state.step, state.step + steps))
        for rate in rates:
            rows = self.order(state.seed, state.epoch)[state.place : state.place + self.size]
            batch = X if self.solver.batch is None else X.take(rows)
            state = step_on(self.solver, self.problem, state, batch, float(rate), mean_weight)
            state = next_epoch(state, len(X))
            if settled(self.solver, state.change, state.gradient):
                break
        return state


class Kernel:
    """Steps of a linear model through the kernel, compiled or as plain Python."""

    def __init__(self, solver: Descent, problem: Problem) -> None:
        from baksan.solvers import kernels

        assert isinstance(problem.model, Linear)
        self.solver, self.problem = solver, problem
        self.schedule, self.order = solver.schedule(problem), _visits(solver, len(problem.X))
        self.shape = problem.model.matrix.shape
        self.z, self.t = problem.model.design(problem.X.x), problem.targets
        self.weight = np.asarray(problem.X.w / problem.mean_weight, dtype=np.float64)
        self.code = kernels.CODES[problem.loss.cost]
        self.kernel = kernels.descend
        if solver.way_for(problem) == "compiled":
            from baksan.solvers.compiled import compiled

            self.kernel = compiled(kernels.descend)

    def __call__(self, state: State, steps: int) -> State:
        n, size = len(self.z), self.solver.batch or len(self.z)
        state, last = next_epoch(state, n), state.step + steps
        while state.step < last:
            left = math.ceil((n - state.place) / size)
            state, settled = self._stretch(state, min(left, last - state.step), size)
            state = next_epoch(state, n)
            if settled:
                break
        return state

    def _stretch(self, state: State, steps: int, size: int) -> tuple[State, bool]:
        """Steps within one epoch; True where the tolerance ended them."""
        n, solver, problem = len(self.z), self.solver, self.problem
        order, full = self.order(state.seed, state.epoch), solver.batch is None
        rates = self.schedule(np.arange(state.step, state.step + steps))
        w, velocity, average = (
            part.reshape(self.shape).copy()
            for part in (state.parameters, state.velocity, state.average)
        )
        taken, cost, mass, loss, gradient, change = self.kernel(
            self.z, self.t, self.weight, order[state.place :], size,
            np.asarray(rates, dtype=np.float64), self.code, float(problem.loss.setting or 0.0),
            float(solver.momentum), bool(solver.nesterov), float(problem.l2), float(problem.l1),
            problem.loss.projected, state.step, float(solver.tolerance * full),
            float(solver.gradient_tolerance * full), w, velocity, average, state.cost, state.mass,
        )  # fmt: skip
        visited = min(taken * size, n - state.place)
        state = replace(
            state, parameters=w.ravel(), velocity=velocity.ravel(), average=average.ravel(),
            step=state.step + taken, seen=state.seen + visited, place=state.place + visited,
            cost=float(cost), mass=float(mass), loss=float(loss), gradient=float(gradient),
            change=float(change),
        )  # fmt: skip
        return state, settled(solver, change, gradient)


class Online:
    """Learning from one sample a call; `state` can be stored, and any run goes on from it.

    Examples
    --------
    >>> import baksan as bk
    >>> line = bk.Linear(standardise=False).prepared(np.zeros((1, 1)), np.ones(1), 1)
    >>> learner = bk.StochasticGradientDescent(rate=0.1).online(line, bk.losses.squared)
    >>> for _ in range(300):
    ...     for x in (0.0, 1.0):
    ...         learner.learn([x], 1.0 + 2.0 * x)
    >>> learner.model.weights.round(6).tolist()
    [2.0]
    """

    def __init__(
        self, solver: Descent, model: Model, loss: Loss, penalty: Penalty | None, state: State
    ) -> None:
        if isinstance(solver.rate, str):
            raise ValueError(
                'online learning needs a rate, a number or a schedule: rate="auto" takes it from'
                " the curvature over all events, which nobody knows beforehand."
            )
        if solver.batch is None:
            raise ValueError(
                "online learning steps on one event at a time, and each step of gradient descent"
                " sees all of them; take StochasticGradientDescent."
            )
        loss.check_descendable()
        self.solver, self.loss, self.state = solver, loss, state
        self._start, self._penalty = model, penalty
        self._schedule = _as_schedule(solver.rate)
        classes = max(model.outputs, 2) if loss.task == "classification" else 0
        self._classes = [str(k) for k in range(classes)]

    @property
    def model(self) -> Model:
        """The model as learned so far."""
        return self._start.moved(self.solver.solution(self.state))

    def learn(self, x: ArrayLike, y: ArrayLike, weight: float = 1.0) -> None:
        """One step on one event: features x (d,), its answer y."""
        X = Samples(
            np.asarray(x, dtype=float)[None],
            np.asarray(y)[None],
            [weight],
            class_names=self._classes,
        )
        problem = Problem(self._start, X, self.loss, self._penalty)
        rate = float(self._schedule(np.array([self.state.step]))[0])
        self.state = step_on(self.solver, problem, self.state, X, rate, 1.0)


# Automatic rates ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Steepness:
    """How steeply Q bends, for a linear model: z z^T is the outer product of standardised features.

    largest = λ_max( Σ w_i b_i z_i z_iᵀ / Σ w_i ) + λ        b_i: the loss's bend at the start
    noise   = n Σ w_i² b_i |z_i|⁴ / (Σ w_i  Σ w_i |z_i|²)                 R² in `Descent.bound`
    size    = Σ w_i |z_i|² / Σ w_i

    A full step is stable below 2 / largest. A step on a batch of m events is stable in the mean
    square below 2 / (largest + noise / m) (for m = 1: Bach and Moulines, NIPS 2013).
    """

    largest: float
    noise: float
    size: float

    @classmethod
    def of(cls, problem: Problem) -> Steepness:
        """Raises ValueError for a model that is not linear."""
        model, X = problem.model, problem.X
        if not isinstance(model, Linear):
            raise ValueError(
                f'rate="auto" needs the linear model, whose curvature is known; this is'
                f" {type(model).__name__}. Give the rate as a number."
            )
        z, w = model.design(X.x), X.w / X.w.sum()
        bend = problem.loss.curvature(model(X.x), X.answers).reshape(len(z), -1).max(axis=1)
        square = (z * z).sum(axis=1)
        largest = float(np.linalg.eigvalsh((z.T * (w * bend)) @ z)[-1])
        size = float(w @ square)
        noise = float(len(z) * (w * w * bend) @ square**2 / size)
        return cls(largest + problem.l2, noise, size)

    def limit(self, batch: int | None) -> float:
        """The rate from which steps on such batches grow; infinite for piecewise linear losses."""
        steep = self.largest if batch is None else self.largest + self.noise / batch
        return 2.0 / steep if steep > 0 else math.inf


def automatic(solver: Descent, problem: Problem) -> Schedule:
    """rate="auto": half the limit of stability, falling where the gradient is noisy or jumps.

    Full batches of a smooth loss: constant 1/L. Noisy gradients: (1 − μ)/L_B · (1 + t/τ)^−¾ with τ
    one epoch and μ the momentum. Piecewise linear losses: D/√(E|z|²) · (1 + t)^−½ with D the spread
    of the targets (1 for classes), the subgradient method's (Zinkevich, ICML 2003).
    """
    steep = Steepness.of(problem)
    if steep.noise == 0:
        numbers = problem.loss.task == "regression"
        spread = (float(np.std(problem.targets)) or 1.0) if numbers else 1.0
        return InverseTime(spread / math.sqrt(steep.size), tau=1.0, power=0.5)
    if solver.batch is None:
        return Constant(steep.limit(None) / 2)
    epoch = solver.steps_per_epoch(len(problem.X))
    return InverseTime(solver.bound(problem)[0] / 2, tau=epoch, power=0.75)
