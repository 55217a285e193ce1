"""Blocks of steps, with the history, the looks at Q and the verdict that ends a run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan import losses
from baksan.fit.history import COLUMNS, History, Now, row_after, row_steps
from baksan.losses import Q
from baksan.samples import Samples
from baksan.solvers.base import Events, Problem, Solver, State
from baksan.stream import Stream

Array = NDArray[Any]
Progress = Callable[[Now], object]

__all__ = ["Looks", "Loop", "Progress"]

_LOOK_COST = 0.35
_BLOCK_SECONDS = 0.2
_NONNEGATIVE = {
    losses.huber().cost, losses.squared_hinge.cost, losses.logistic.cost, losses.softmax.cost,
}  # fmt: skip
"""Smooth losses whose Q is below 0 by negative weights alone."""


Verdict = tuple[bool, str]
"""Whether a condition of convergence ended the run, and the sentence that says which."""


_SUNK = (
    "Q fell below 0, which no mean of costs does: negative weights leave it without a minimum, or"
    " outweigh the others there. Take more events, fewer features, penalty=L2(…), or leave out the"
    " events of negative weight."
)


class Loop:
    """Takes blocks of steps, keeps the history, and decides when to stop.

    What ends a run depends on the State alone (but for `seconds` and Ctrl-C), never on how the
    steps were cut into blocks, so that an interrupted run ends as an undisturbed one.
    """

    def __init__(
        self,
        problem: Problem,
        solver: Solver,
        validation: Events | None,
        history: History,
        progress: Progress | None,
        checkpoint: Callable[[State, History], None] | None,
        look: float,
    ) -> None:
        self.problem, self.solver = problem, solver
        self.validation = validation.sample if isinstance(validation, Stream) else validation
        self.history = history
        self.progress, self.checkpoint = progress, checkpoint
        if validation is not None and not len(validation):
            raise ValueError("validation needs events; the samples are empty. Give some, or none.")
        if solver.watches and validation is None:
            waits = "Plateau" if solver.patience is None else f"patience={solver.patience}"
            raise ValueError(
                f"{waits} waits for the validation loss to fall and needs validation samples; none"
                " came. Give some, or take another schedule and stop by tolerance or a budget."
            )
        self.full = solver.batch is None
        self.step, self.last = solver.stepper(problem), solver.end(len(problem.X))
        # A stepper that has a schedule found it by a pass over the events, if the rate is "auto".
        self.schedule = getattr(self.step, "schedule", None) or solver.schedule(problem)
        self.looks = Looks.of(problem.X, self.validation, solver, self.last, look)
        self.last_look = self.looks.last_of(history)
        self.interrupted, self.block, self.promised, self.slowed = False, 1, 0, 1.0
        past = float(history["seconds"][-1]) if len(history) else 0.0
        self.began = self.shown = time.perf_counter() - past

    def run(self, state: State) -> tuple[State, Verdict]:
        if not len(self.history):
            self._row(state, state)
        elif verdict := self._settled(state):
            return state, verdict
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                state, verdict = self._run(state)
                if not self.interrupted and self._sank(state):
                    return self.solver.start(self.problem.model, seed=state.seed), (False, _SUNK)
                return state, verdict
        finally:
            getattr(self.step, "close", lambda: None)()

    def _run(self, state: State) -> tuple[State, Verdict]:
        row, rows = state, row_steps()
        target = next(step for step in rows if step > state.step)
        try:
            while state.step < self.last:
                before, state = state, self._block(state, target)
                self.slowed = before.slowed
                self._show(state)
                if self._watches(before, state, target):
                    state = self._watched(state)
                if verdict := self._grew(state, at_row=state.step >= target):
                    return self.solver.start(self.problem.model, seed=state.seed), verdict
                verdict = self._settled(state)
                if state.step >= target or verdict or state.step >= self.last:
                    self._row(row, state)
                    row, target = state, next(step for step in rows if step > state.step)
                if verdict:
                    return state, verdict
        except KeyboardInterrupt:
            self.interrupted = True
            return state, (
                False,
                f"stopped by Ctrl-C after {state.step:,} steps; this was reached.",
            )
        return state, self._out_of_budget(state)

    def _block(self, state: State, target: int) -> State:
        """So many steps that they take at most about 0.2 s, up to the next row or epoch."""
        whole = getattr(self.step, "whole", lambda _, steps: steps)
        block = self.promised or self.block
        steps = min(whole(state, block), target - state.step, self.last - state.step)
        ends_epochs = self.solver.watches or self.solver.tolerance > 0
        if self.solver.batch is not None and ends_epochs:
            left = math.ceil((len(self.problem.X) - state.place) / self.solver.batch)
            steps = min(steps, left)
        elif hasattr(self.step, "then"):
            self.promised = self.step.then = self._then(state.step + int(steps), target)
        clock = time.perf_counter()
        after = self.step(state, int(steps))
        spent = (time.perf_counter() - clock) / max(after.step - state.step, 1)
        self.block = max(1, min(2 * self.block, int(_BLOCK_SECONDS / max(spent, 1e-9))))
        return after

    def _then(self, step: int, target: int) -> int:
        """How many steps the next block will have, for a stepper that can begin them already."""
        target = target if step < target else row_after(target)
        return int(min(self.block, target - step, self.last - step))

    def _watches(self, before: State, state: State, target: int) -> bool:
        """Whether the solver waits for a look: each epoch, or each row for full batches."""
        if not self.solver.watches:
            return False
        return state.step >= target if self.full else state.epoch > before.epoch

    def _watched(self, state: State) -> State:
        assert self.validation is not None
        w = self.solver.iterate(state)
        return self.solver.watched(state, self.q(w, self.validation), w)

    def _settled(self, state: State) -> Verdict | None:
        if sentence := self.solver.converged(state):
            return True, sentence
        patience, seconds = self.solver.patience, self.solver.seconds
        if patience is not None and state.waited >= patience:
            return True, (
                f"stopped after {state.step:,} steps: the validation loss has not fallen below"
                f" {state.best_loss:.6g} for {patience} looks; the best weights are kept."
            )
        if time.perf_counter() - self.began > seconds:
            return False, f"stopped after {seconds:g} s and {state.step:,} steps; give it more."
        return None

    def _grew(self, state: State, at_row: bool) -> Verdict | None:
        """Whether Q grows instead of falling: the run is given up and the weights go back.

        Growth is judged at the rows of the history, which do not depend on how blocks are cut.
        """
        if not self.solver.descends:
            return None
        finite = bool(np.isfinite(state.parameters).all())
        if finite and not (
            at_row and self.full and state.loss > 2 * abs(self._first("loss")) + 1e-300
        ):
            return None
        if advice := self.solver.too_steep(self.problem):
            return False, advice
        if finite:
            return None
        return False, self.solver.diverged(self.problem, state)

    def _sank(self, state: State) -> bool:
        """Whether negative weights have brought Q below 0: it has no minimum, or a spurious one."""
        problem = self.problem
        if not self.solver.descends or problem.loss.cost not in _NONNEGATIVE:
            return False
        return problem.negative and self.q(self.solver.iterate(state), problem.X) < 0

    def _out_of_budget(self, state: State) -> Verdict:
        if self.solver.descends and self.schedule is not None:
            grown = self.q(self.solver.iterate(state), self.looks.events) > self._first("loss")
            if grown and (advice := self.solver.too_steep(self.problem)):
                return False, advice
            if self.full and state.gradient <= 1e-13 * self._first("gradient"):
                return True, (
                    f"converged to rounding within {state.step:,} steps: |∂Q/∂w| ="
                    f" {state.gradient:.2g}."
                )
        return self.solver.ended(self.step, state)

    def _first(self, column: str) -> float:
        """The first known value of a column of the history; NaN if there is none."""
        known = (row[COLUMNS.index(column)] for row in self.history.rows)
        return next((value for value in known if not math.isnan(value)), math.nan)

    def _row(self, row: State, state: State) -> None:
        """One more row of the history, with a look at Q where one is due."""
        look = state.step >= min(self.looks.growth * self.last_look, self.last)
        if look:
            self.last_look = state.step
        w = self.solver.iterate(state)
        loss = state.loss if self.full else math.nan
        if not state.step or (look and math.isnan(loss)):
            loss = self.q(w, self.looks.events)
        validation = math.nan
        if self.looks.held_back is not None and look:
            validation = self.q(w, self.looks.held_back)
        mass = state.mass - row.mass
        progressive = (state.cost - row.cost) / mass if mass > 0 else math.nan
        rate = math.nan
        if self.schedule is not None:
            rate = self.slowed * float(self.schedule(np.array([max(state.step - 1, 0)]))[0])
        self.history.rows.append(
            (
                state.step, state.epoch, state.seen, loss, progressive, validation,
                state.gradient, rate, state.change, time.perf_counter() - self.began,
            )
        )  # fmt: skip
        if self.checkpoint is not None:
            self.checkpoint(state, self.history)

    def q(self, w: Array, X: Events) -> float:
        """Q at these parameters, from the stepper's own sums where it has them."""
        known = getattr(self.step, "value", None)
        if X is self.problem.X and known is not None:
            return float(known(w))
        return Q(self.problem.model.moved(w), X, self.problem.loss)

    def _show(self, state: State) -> None:
        now = time.perf_counter()
        if self.progress is not None and now - self.shown > 0.2:
            self.shown = now
            loss = state.loss if self.full else self.history.latest("loss_progressive")
            seen = (self.history.latest(column) for column in ("validation", "rate"))
            self.progress(Now(state.step, self.last, loss, *seen))


@dataclass(frozen=True, eq=False)
class Looks:
    """On which events, and how often, the history of a run looks at Q and the validation loss.

    A look at an event costs about a third of a step on it. All looks together may cost the share
    `look` of the run: as many as come from one whenever the steps have grown by a quarter, on as
    many events as that allows; fewer looks where these would be below 100. All of it follows from
    the counts alone, so that a history is the same whenever it is repeated or resumed. Batches of a
    stream are looked at on events of its sample.
    """

    events: Events
    held_back: Samples | None
    growth: float

    @classmethod
    def of(
        cls, X: Events, validation: Samples | None, solver: Solver, last: float, look: float
    ) -> Looks:
        n, held = len(X), 0 if validation is None else len(validation)
        steps = last if math.isfinite(last) else 20.0 * math.ceil(n / (solver.batch or n))
        budget = look * steps * min(solver.batch or n, n) / _LOOK_COST
        looked_at = held + (0 if solver.batch is None else n)
        if not looked_at:
            return cls(X, validation, 1.25)
        looks = math.log(max(steps, 2.0)) / math.log(1.25) + 3
        # Of weights that cancel a part tells nothing: such events are looked at as a whole.
        whole = any(part.negative_share for part in (X, validation) if part is not None)
        looks = max(min(looks, budget / (looked_at if whole else min(100, looked_at))), 2.0)
        share = 1.0 if whole else min(budget / looks / looked_at, 1.0)
        growth = max(steps ** (1 / looks), 1.25)
        if solver.batch is None:
            return cls(X, None if validation is None else _some(validation, share), growth)
        some = X if isinstance(X, Samples) else X.sample
        events = _some(some, min(1.0, share * len(X) / len(some)))
        return cls(events, None if validation is None else _some(validation, share), growth)

    def last_of(self, history: History) -> int:
        """The step of the last row of a history at which there was a look."""
        look = 0
        for step in history["step"] if len(history) else ():
            look = int(step) if step >= self.growth * look else look
        return look


def _some(X: Samples, share: float) -> Samples:
    """A fixed part of the events."""
    if share >= 1:
        return X
    size = max(1, round(share * len(X)))
    return X.take(np.sort(np.random.default_rng(0).choice(len(X), size, replace=False)))
