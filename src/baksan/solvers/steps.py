"""Steps of a descent: the rule for any model, and the linear model's in kernels.

`Generic`   batches, any model and loss, through `pullback`
`Batches`   batches, the linear model
`FullSteps` all events; the sums by `pullback` for any model, by a kernel for the linear one
`GramSteps` all events, the linear model with a squared loss: from the Gram matrix
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from baksan.compiled import side_by_side
from baksan.losses import Loss
from baksan.models.base import Model
from baksan.models.linear import Linear
from baksan.samples import Samples
from baksan.solvers.base import Problem, State
from baksan.solvers.gram import Gram
from baksan.solvers.rows import TOGETHER, Rows, kernel, parts_of, setting_of
from baksan.solvers.rules import clipped, stepped
from baksan.solvers.settings import Settings
from baksan.solvers.windows import Windows

Array = NDArray[Any]
T = TypeVar("T")
Sums = Callable[[Model], tuple[Array, float, float]]
"""Σ w slope ∂a/∂parameters, Σ w cost, Σ w at a model, weights with mean 1."""

_NONE = np.empty(0)

__all__ = [
    "Batches", "FullSteps", "Generic", "GenericSums", "GramSteps", "KernelSums", "sums_of",
    "take_step",
]  # fmt: skip


# The rule of one step, for any model --------------------------------------------------------------


def sums_of(a: Model, batch: Samples, loss: Loss, mean_weight: float) -> tuple[Array, float, float]:
    """`Sums` of a batch, for any model and any loss."""
    weight, y = batch.w / mean_weight, batch.answers
    p, total = a.pulled(batch.x, lambda p: (loss.slope(p, y).T * weight).T)
    return total, float(weight @ loss.value(p, y)), float(weight.sum())


def take_step(
    solver: Settings, problem: Problem, state: State, sums: Sums, events: int, pace: Array
) -> State:
    """The state after one step on so many events with these sums; `pace` is a row of `paces`."""
    model, w = problem.model, state.parameters
    look = w + solver.momentum * state.velocity * solver.nesterov
    total, cost, mass = sums(model.moved(look).in_training(state.seed, state.step))
    g, norm = gradient_of(problem, look, total / events)
    if solver.clip is not None:
        g = clipped(g, solver.clip, norm)
    running = False if model.running is None else model.running
    if model.running is not None:
        g = np.where(running, total / min(solver.batch or events, len(problem.X)), g)
    new, velocity, squares = stepped(
        w, g, state.velocity, state.moments.get("squares", _NONE), pace, solver.rule,
        solver.decay, problem.l1, model.penalised, running,
    )  # fmt: skip
    if problem.loss.projected:
        new = new / max(1.0, float(np.linalg.norm(new)))
        velocity = new - w
    average = state.average + pace[3] * (new - state.average) if solver.average else new
    return replace(
        state,
        parameters=new,
        velocity=velocity,
        average=average,
        moments={"squares": squares} if solver.rule.squares else state.moments,
        step=state.step + 1,
        seen=state.seen + events,
        place=state.place + events,
        cost=state.cost + cost,
        mass=state.mass + mass,
        loss=cost / mass if mass else 0.0,
        gradient=norm,
        change=float(np.linalg.norm(new - w)),
    )


def gradient_of(problem: Problem, w: Array, mean: Array) -> tuple[Array, float]:
    """∂(Q + penalty)/∂w in the scale of the answers, and its length; of running averages 0."""
    model, size = problem.model, problem.model.size(problem.loss.degree)
    g = (mean + problem.l2 * w * model.penalised) / size
    if model.running is not None:
        g = np.where(model.running, 0.0, g)
    return g, float(np.linalg.norm(g))


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


# All events a step --------------------------------------------------------------------------------


class GenericSums:
    """`Sums` over all events, for any model and loss, block by block."""

    def __init__(self, problem: Problem) -> None:
        self.X, self.loss, self.mean_weight = problem.X, problem.loss, problem.mean_weight

    def __call__(self, a: Model) -> tuple[Array, float, float]:
        one = partial(_generic, a=a, loss=self.loss, mean_weight=self.mean_weight)
        g, cost, mass = self.X.total(one)
        return g, cost, mass


def _generic(block: Samples, a: Model, loss: Loss, mean_weight: float) -> tuple[Any, ...]:
    return sums_of(a, block, loss, mean_weight)


class KernelSums:
    """`Sums` over all events, for a linear model, by the kernel."""

    def __init__(self, problem: Problem, way: str = "compiled") -> None:
        self.X, self.loss, self.way = problem.X, problem.loss, way
        self.mean_weight, self.rows = problem.mean_weight, None
        if isinstance(self.X, Samples):
            self.rows = Rows.of(self.X, self.loss, problem.model.outputs, self.mean_weight)

    def __call__(self, a: Model) -> tuple[Array, float, float]:
        assert isinstance(a, Linear)
        if self.rows is not None:
            return pulled(self.rows, a, self.loss, self.way)
        one = partial(_pulled, a=a, loss=self.loss, mean_weight=self.mean_weight, way=self.way)
        g, cost, mass = self.X.total(one)
        return g, cost, mass


def _pulled(block: Samples, a: Linear, loss: Loss, mean_weight: float, way: str) -> tuple[Any, ...]:
    return pulled(Rows.of(block, loss, a.outputs, mean_weight), a, loss, way)


def pulled(rows: Rows, a: Linear, loss: Loss, way: str) -> tuple[Array, float, float]:
    """`Sums` of rows by the kernel, in parts that threads share."""
    from baksan.solvers import kernels
    from baksan.solvers.kernels_cost import CODES

    pull, parts = kernel(kernels.pull, way), parts_of(len(rows))
    code, setting = CODES[loss.cost], setting_of(loss)
    g, matrix = np.empty((len(parts), *a.matrix.shape)), np.array(a.matrix)
    told = np.empty((len(parts), 2))

    def one(part: int) -> None:
        told[part] = pull(
            rows.x, rows.t, rows.weight, a.centre, a.inverse, *parts[part], code, setting,
            matrix, g[part],
        )  # fmt: skip

    side_by_side(one, range(len(parts)))
    return g.sum(axis=0).ravel(), float(told[:, 0].sum()), float(told[:, 1].sum())


class FullSteps:
    """Steps that see all events; `sums` says how their sums are taken."""

    def __init__(self, solver: Settings, problem: Problem, sums: Sums) -> None:
        self.solver, self.problem, self.sums = solver, problem, sums
        self.schedule, self.n = solver.schedule(problem), len(problem.X)

    def value(self, parameters: Array) -> float:
        """Q at these parameters."""
        _, cost, mass = self.sums(self.problem.model.moved(parameters))
        return cost / mass

    def __call__(self, state: State, steps: int) -> State:
        state = next_epoch(state, self.n)
        for pace in self.solver.paces(self.schedule, state, steps):
            state = take_step(self.solver, self.problem, state, self.sums, self.n, pace)
            state = next_epoch(state, self.n)
            if settled(self.solver, state.change, state.gradient):
                break
        return state


def settled(solver: Settings, change: float, gradient: float) -> bool:
    """Whether a full-batch run ends after this step."""
    full = solver.batch is None
    return full and (change < solver.tolerance or gradient < solver.gradient_tolerance)


class GramSteps:
    """Full steps of a linear model with a squared loss: the events are seen once, for all steps."""

    def __init__(self, solver: Settings, problem: Problem, way: str) -> None:
        from baksan.solvers import kernels

        model = problem.model
        assert isinstance(model, Linear)
        self.solver, self.problem, self.n = solver, problem, len(problem.X)
        self.schedule, self.shape = solver.schedule(problem), model.matrix.shape
        self.kernel = kernel(kernels.descend_on_gram, way)
        held = problem.gram or Gram.of(problem.X, problem.loss, model.outputs, way)
        self.bowl = held.bowl(model)

    def value(self, parameters: Array) -> float:
        """Q at these parameters, from the sums."""
        return self.bowl.value(parameters)

    def __call__(self, state: State, steps: int) -> State:
        state, bowl, solver = next_epoch(state, self.n), self.bowl, self.solver
        w, velocity, average = _copies(state, self.shape)
        rates = solver.rates(self.schedule, state, steps)
        taken, cost, loss, gradient, change = self.kernel(
            bowl.matrix, bowl.slope, bowl.loss, bowl.least, bowl.anchor, float(self.n),
            rates, float(solver.momentum), solver.nesterov,
            self.problem.l2, self.problem.l1, solver.average, state.step, float(solver.tolerance),
            float(solver.gradient_tolerance), w, velocity, average, state.cost,
        )  # fmt: skip
        return replace(
            state, parameters=w.ravel(), velocity=velocity.ravel(),
            average=average.ravel() if solver.average else w.ravel(), step=state.step + taken,
            epoch=state.epoch + taken, seen=state.seen + taken * self.n, cost=cost,
            mass=state.mass + taken * self.n, loss=loss, gradient=gradient, change=change,
            turn=w.ravel(), epoch_change=change,
        )  # fmt: skip


# Some events a step -------------------------------------------------------------------------------


class Generic:
    """Steps on batches for any model and any loss, through `pullback`."""

    def __init__(self, solver: Settings, problem: Problem) -> None:
        assert solver.batch is not None
        self.solver, self.problem, self.size = solver, problem, solver.batch
        self.schedule, self.n = solver.schedule(problem), len(problem.X)
        self.windows = Windows(problem.X, solver, _as_it_is, _as_it_is)

    def close(self) -> None:
        """Ends the reading ahead."""
        self.windows.close()

    def __call__(self, state: State, steps: int) -> State:
        state = next_epoch(state, self.n)
        loss, mean_weight = self.problem.loss, self.problem.mean_weight
        for pace in self.solver.paces(self.schedule, state, steps):
            window, first = self.windows.at(state)
            batch = window.rows(slice(first, first + self.size))
            sums = partial(sums_of, batch=batch, loss=loss, mean_weight=mean_weight)
            state = take_step(self.solver, self.problem, state, sums, len(batch), pace)
            state = next_epoch(state, self.n)
        return state


class Batches:
    """Steps on batches for the linear model, through the kernel."""

    def __init__(self, solver: Settings, problem: Problem, way: str) -> None:
        from baksan.solvers import kernels
        from baksan.solvers.kernels_cost import CODES

        assert solver.batch is not None and isinstance(problem.model, Linear)
        self.solver, self.problem, self.size = solver, problem, solver.batch
        self.schedule, self.n = solver.schedule(problem), len(problem.X)
        self.shape = problem.model.matrix.shape
        made = partial(
            Rows.of, loss=problem.loss, outputs=self.shape[0], mean_weight=problem.mean_weight
        )
        self.windows = Windows(problem.X, solver, made, _as_it_is)
        self.kernel, self.code = kernel(kernels.descend, way), CODES[problem.loss.cost]
        self.way = way

    def close(self) -> None:
        """Ends the reading ahead."""
        self.windows.close()

    @cached_property
    def sums(self) -> KernelSums:
        """Over all events, for those who ask for Q; made once, for the many looks of a history."""
        return KernelSums(self.problem, self.way)

    def value(self, parameters: Array) -> float:
        """Q at these parameters."""
        _, cost, mass = self.sums(self.problem.model.moved(parameters))
        return cost / mass

    def __call__(self, state: State, steps: int) -> State:
        last = state.step + steps
        state = next_epoch(state, self.n)
        while state.step < last:
            rows, first = self.windows.at(state)
            left = -(-(len(rows) - first) // self.size)
            state = self._stretch(state, rows, first, min(left, last - state.step))
            state = next_epoch(state, self.n)
        return state

    def whole(self, state: State, steps: int) -> int:
        """Not fewer steps from this state on, so many that blocks may be cut after them without
        changing a bit: the kernel takes single steps together.
        """
        end = (state.place + steps) % self.n
        return steps + (min(-end % TOGETHER, self.n - end) if self.size == 1 else 0)

    def _stretch(self, state: State, rows: Rows, first: int, steps: int) -> State:
        """Steps within one window."""
        solver, problem, model = self.solver, self.problem, self.problem.model
        assert isinstance(model, Linear)
        w, velocity, average = _copies(state, self.shape)
        rates = solver.rates(self.schedule, state, steps)
        cost, mass, loss, gradient, change = self.kernel(
            rows.x, rows.t, rows.weight, model.centre, model.inverse, first, self.size,
            rates, self.code, setting_of(problem.loss),
            float(solver.momentum), solver.nesterov, problem.l2, problem.l1,
            problem.loss.projected, solver.average, state.step, w, velocity, average, state.cost,
            state.mass,
        )  # fmt: skip
        visited = min(steps * self.size, len(rows) - first)
        return replace(
            state, parameters=w.ravel(), velocity=velocity.ravel(),
            average=average.ravel() if solver.average else w.ravel(), step=state.step + steps,
            seen=state.seen + visited, place=state.place + visited, cost=cost, mass=mass,
            loss=loss, gradient=gradient, change=change,
        )  # fmt: skip


def _copies(state: State, shape: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Parameters, velocity and average, for a kernel to change in place."""
    parts = (state.parameters, state.velocity, state.average)
    w, velocity, average = (part.reshape(shape).copy() for part in parts)
    return w, velocity, average


def _as_it_is(window: T) -> T:
    return window
