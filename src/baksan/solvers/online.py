"""Online learning: one event a call, from a source that nobody can shuffle or see twice."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.losses import L1, L2, Loss
from baksan.models.base import Model
from baksan.models.linear import Linear
from baksan.samples import Samples
from baksan.solvers.base import Penalty, Problem, State, check_penalty
from baksan.solvers.rows import kernel, setting_of
from baksan.solvers.schedules import Schedule, plateau_of, schedule_of
from baksan.solvers.settings import Settings
from baksan.solvers.steps import sums_of, take_step

Array = NDArray[Any]

__all__ = ["Online"]

_RATES = 1024  # rates that are made at a time


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
        self, solver: Settings, model: Model, loss: Loss, penalty: Penalty | None, state: State
    ) -> None:
        if isinstance(solver.rate, str):
            raise ValueError(
                'online learning needs a rate, a number or a schedule: rate="auto" takes it from'
                " the curvature over all events, which nobody knows beforehand."
            )
        if plateau_of(solver.rate) is not None:
            raise ValueError(
                "online learning has no validation loss that Plateau could wait for; take another"
                " schedule."
            )
        if solver.batch is None:
            raise ValueError(
                "online learning steps on one event at a time, and each step of gradient descent"
                " sees all of them; take StochasticGradientDescent."
            )
        if not model.parameters.size:
            raise ValueError(
                "online learning needs a model that knows its features, which no event has told;"
                " this one has no parameters yet. Give one that was fitted to some events, or"
                " Linear(standardise=False).prepared(x, weight, 1)."
            )
        loss.check_descendable()
        check_penalty(penalty)
        state.check(solver.start(model))
        self.solver, self.loss = solver, loss
        self._start, self._penalty = model, penalty
        self._schedule = schedule_of(solver.rate)
        classes = max(model.outputs, 2) if loss.task == "classification" else 0
        self._classes = [str(k) for k in range(classes)]
        self._held = state
        simple = bool(classes) or model.outputs == 1
        self._memory: _Memory | None = None
        if simple and isinstance(model, Linear) and solver.way_for(model, loss) != "generic":
            self._memory = _Memory(solver, model, loss, penalty, state, self._schedule)

    @property
    def state(self) -> State:
        """Where the learning stands."""
        return self._held if self._memory is None else self._memory.state()

    @property
    def model(self) -> Model:
        """The model as learned so far."""
        return self._start.moved(self.solver.solution(self.state))

    def learn(self, x: ArrayLike, y: ArrayLike, weight: float = 1.0) -> None:
        """One step on one event: features x (d,), its answer y.

        Raises ValueError for another number of features, a value that is not finite, a class that
        does not exist, a negative weight.
        """
        if self._memory is not None:
            if not self._memory.learn(x, y, weight):
                self._refuse(x, y, weight)
            return
        X = self._sample(x, y, weight)
        problem = Problem(self._start, X, self.loss, self._penalty)
        (pace,) = self.solver.paces(self._schedule, self.state, 1)
        self._held = take_step(
            self.solver, problem, self.state, partial(self._sums, X, weight), 1, pace
        )

    def _sums(self, X: Samples, weight: float, a: Model) -> tuple[Array, float, float]:
        g, cost, mass = sums_of(a, X, self.loss, 1.0)
        return weight * g, weight * cost, weight * mass

    def _sample(self, x: ArrayLike, y: ArrayLike, weight: float) -> Samples:
        """The event. Raises ValueError for one that is not in order."""
        if not 0 <= weight < np.inf:
            raise ValueError(f"an event's weight must be 0 or more; it is {weight}. Leave it out.")
        return Samples(np.asarray(x)[None], np.asarray(y)[None], class_names=self._classes)

    def _refuse(self, x: ArrayLike, y: ArrayLike, weight: float) -> None:
        """Raises the ValueError that says what is wrong with the event."""
        X = self._sample(x, y, weight)
        self._start(X.x)
        raise ValueError(
            f"an event needs one answer, and numbers whose sum is finite; {y!r} came with {X.x[0]}."
            " Give y as a number."
        )


class _Memory:
    """What the kernel works on, a call an event; a State is made only when asked for."""

    def __init__(
        self,
        solver: Settings,
        model: Linear,
        loss: Loss,
        penalty: Penalty | None,
        state: State,
        schedule: Schedule,
    ) -> None:
        from baksan.solvers import kernels
        from baksan.solvers.kernels_cost import CODES

        self.first, self.averaged, self.schedule = state, solver.average, schedule
        self.kernel = kernel(kernels.learn, solver.way)
        settings = {
            "code": CODES[loss.cost], "setting": setting_of(loss),
            "momentum": solver.momentum, "nesterov": solver.nesterov,
            "l2": penalty.strength if isinstance(penalty, L2) else 0.0,
            "l1": penalty.strength if isinstance(penalty, L1) else 0.0,
            "projected": loss.projected, "averaged": solver.average,
            "classes": loss.task == "classification",
            "features": model.features, "outputs": model.outputs, "at": _RATES, "many": _RATES,
        }  # fmt: skip
        head = [settings.get(name, getattr(state, name, 0.0)) for name in kernels.LAYOUT]
        parts = (state.parameters, state.velocity, state.average)
        self.held = np.array([part.reshape(model.matrix.shape) for part in parts])
        targets, rates = np.zeros(model.outputs), np.zeros(_RATES)
        self.array = np.concatenate([head, targets, model.centre, model.inverse, rates])
        self.rates, self.row = self.array[-_RATES:], np.empty(model.features)
        self.told = dict(zip(kernels.LAYOUT, range(len(head)), strict=True))

    def learn(self, x: ArrayLike, y: ArrayLike, weight: float) -> bool:
        """One step; False, with nothing changed, for an event that is not in order."""
        try:
            if len(x) != len(self.row):  # type: ignore[arg-type]
                return False
            self.row[...] = x  # of any kind and layout, so that one compiled kernel serves all
            answer, load = float(y), float(weight)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return False
        done = self.kernel(self.row, answer, load, self.array, self.held)
        if done == 2:
            step = int(self._number("step"))
            self.rates[:] = self.schedule(np.arange(step, step + _RATES))
            self.array[self.told["at"]] = 0.0
            done = self.kernel(self.row, answer, load, self.array, self.held)
        return bool(done)

    def _number(self, name: str) -> float:
        return float(self.array[self.told[name]])

    def state(self) -> State:
        """The State that this memory stands for."""
        w, velocity, average = (part.flatten() for part in self.held)
        taken = int(self._number("step")) - self.first.step
        return replace(
            self.first, parameters=w, velocity=velocity, average=average if self.averaged else w,
            step=self.first.step + taken, seen=self.first.seen + taken,
            place=self.first.place + taken, cost=self._number("cost"), mass=self._number("mass"),
            loss=self._number("loss"), gradient=self._number("gradient"),
            change=self._number("change"),
        )  # fmt: skip
