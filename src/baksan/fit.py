"""The verb: fit(a, X, loss, solver) → Fit. One model, one loss, one solver."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from baksan.losses import Loss, Q
from baksan.metrics import Prediction
from baksan.models.base import Model
from baksan.models.linear import Linear
from baksan.samples import Samples
from baksan.solvers.analytic import Exact, covariance
from baksan.solvers.base import Penalty, Problem, Solver, State, watched
from baksan.solvers.cuts import Peeling
from baksan.solvers.descent import Descent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]
Progress = Callable[[int, float, float], None]
"""progress(steps taken, steps in all, loss now)."""

__all__ = ["Fit", "History", "fit"]

COLUMNS = (
    "step", "epoch", "seen", "loss", "loss_progressive", "validation", "gradient", "rate", "change",
    "seconds",
)  # fmt: skip
_SUBSAMPLE = 100_000
_BLOCK_SECONDS = 0.2


@dataclass
class History:
    """One row at each of the log-spaced moments of a run, at most about 500.

    step, epoch, seen (samples), loss (Q as the last step found it for full batches, else Q now on
    a fixed subsample), loss_progressive (mean cost before each update since the last row),
    validation (loss), gradient (norm), rate, change (|w_t − w_(t−1)|), seconds. NaN where unknown.
    """

    rows: list[tuple[float, ...]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, column: str) -> Array:
        if column not in COLUMNS:
            raise KeyError(f"a history has no column {column!r}; it has {', '.join(COLUMNS)}.")
        j = COLUMNS.index(column)
        return np.array([row[j] for row in self.rows], dtype=float)

    def to_dict(self) -> dict[str, Array]:
        """Columns by name."""
        return {name: self[name] for name in COLUMNS}

    @classmethod
    def from_dict(cls, columns: Mapping[str, Any]) -> History:
        """The History with these columns."""
        return cls(
            list(zip(*(np.asarray(columns[c], dtype=float).tolist() for c in COLUMNS), strict=True))
        )


@dataclass(frozen=True, eq=False)
class Fit:
    """What a fit found.

    `model` the fitted function; `state` to go on from; `history`; `converged` whether a condition
    of convergence (not a budget) ended it; `message` one sentence: why it stopped and what to do;
    `loss` Q(model, X) on the training events, penalty not counted; `interrupted` whether Ctrl-C
    ended it.
    """

    model: Model
    state: State
    history: History
    converged: bool
    message: str
    loss: float
    problem: Problem
    solver: Solver
    interrupted: bool = False

    def predict(self, x: Array) -> Prediction:
        """What the model says of (n, …) features: values, or scores and probabilities."""
        return Prediction(**self.problem.loss.read(self.model(x)))

    def plot(self) -> Figure:
        """Loss against step."""
        from baksan.report.plots import loss_against_iteration

        return loss_against_iteration({getattr(self.solver, "name", "fit"): self.history.to_dict()})

    def covariance(self, *, inverse_variances: bool = False) -> Array:
        """Covariance of (intercept, weights) in the user's units, (d + 1, d + 1), one output.

        `inverse_variances`: the weights are 1/σ_i² of known errors. See
        `baksan.solvers.analytic.covariance` for the formulas and the errors raised.
        """
        found = covariance(self.problem, self.model.parameters, inverse_variances=inverse_variances)
        assert isinstance(self.model, Linear)  # `covariance` has refused any other
        return self.model.in_user_units(found)

    def errors(self, *, inverse_variances: bool = False) -> Array:
        """Standard errors of (intercept, weights) in the user's units, (d + 1,)."""
        found = self.covariance(inverse_variances=inverse_variances)
        return np.asarray(np.sqrt(np.diag(found)))


def fit(
    model: Model,
    X: Samples,
    loss: Loss,
    solver: Solver,
    *,
    penalty: Penalty | None = None,
    validation: Samples | None = None,
    start: Literal["constant", "zero"] = "constant",
    seed: int = 0,
    state: State | None = None,
    history: History | None = None,
    progress: Progress | None = None,
    checkpoint: Callable[[State, History], None] | None = None,
) -> Fit:
    """Find argmin_w Q(a, X) + penalty, starting from the loss's best constant.

    Parameters
    ----------
    model : Model
        Its standardisation is fixed from X first; a model fitted before goes on from its weights.
    validation : Samples, optional
        Its loss goes into the history, and with the solver's `patience` it stops the run.
    start : 'constant' or 'zero'
        Where a new model starts: the loss's best constant prediction, or w = 0.
    seed : int
        The order of events, with the epoch's number.
    state, history : optional
        Go on from there; the run then is the same as one never interrupted.
    progress : callable, optional
        progress(step, last step, loss), a few times a second.
    checkpoint : callable, optional
        checkpoint(state, history), called after each history row.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        The loss does not fit the answers; the samples are empty; a loss that cannot be descended;
        patience without validation samples; a state of another model.

    Ctrl-C ends the run and returns what was reached.
    """
    problem = Problem(model, X, loss, penalty)
    problem = replace(problem, model=ready(model, X, loss, start))
    fresh = solver.start(problem.model, seed=seed)
    state = fresh if state is None else state
    if state.parameters.shape != fresh.parameters.shape:
        raise ValueError(
            f"the state must be of this model, with {fresh.parameters.size} parameters;"
            f" it has {state.parameters.size}. Start afresh: state=None."
        )
    loop = _Loop(problem, solver, validation, history or History(), progress, checkpoint)
    state, verdict = loop.run(state)
    found = problem.model.moved(solver.solution(state))
    return Fit(
        found, state, loop.history, *verdict, Q(found, X, loss), problem, solver, loop.interrupted
    )


def ready(model: Model, X: Samples, loss: Loss, start: str) -> Model:
    """The model with its widths and standardisation fixed, at its starting point."""
    outputs = loss.outputs(X.answers, len(X.class_names))
    prepared = model.prepared(X.x, X.w, outputs)
    if prepared is model:
        return model
    prepared = prepared.named(X.names, [f.unit for f in X.features])
    if start == "zero":
        return prepared
    return prepared.at_constant(loss.best_constant(X.answers, outputs, X.weight))


def row_steps() -> Iterator[int]:
    """The steps at which a history has rows: each at first, then 4 % apart, about 500 in 1e9."""
    step = 1
    while True:
        yield step
        step = max(step + 1, math.ceil(1.04 * step))


Verdict = tuple[bool, str]
"""Whether a condition of convergence ended the run, and the sentence that says which."""


class _Loop:
    """Takes blocks of steps, keeps the history, and decides when to stop.

    What ends a run depends on the State alone (but for `seconds` and Ctrl-C), never on how the
    steps were cut into blocks, so that an interrupted run ends as an undisturbed one.
    """

    def __init__(
        self,
        problem: Problem,
        solver: Solver,
        validation: Samples | None,
        history: History,
        progress: Progress | None,
        checkpoint: Callable[[State, History], None] | None,
    ) -> None:
        self.problem, self.solver = problem, solver
        self.validation, self.history = validation, history
        self.progress, self.checkpoint = progress, checkpoint
        self.descent = solver if isinstance(solver, Descent) else Descent(steps=1)
        if self.descent.patience is not None and validation is None:
            raise ValueError(
                f"patience={self.descent.patience} waits for the validation loss to fall; give"
                " validation samples, or stop by tolerance or a budget."
            )
        self.full = self.descent.batch is None
        self.step, self.last = solver.stepper(problem), solver.end(len(problem.X))
        self.schedule = self.descent.schedule(problem) if isinstance(solver, Descent) else None
        self.events = problem.X if self.full else _subsample(problem.X)
        self.interrupted = False
        self.last_look, self.block = _last_look(history), 1
        past = float(history["seconds"][-1]) if len(history) else 0.0
        self.began = self.shown = time.perf_counter() - past

    def run(self, state: State) -> tuple[State, Verdict]:
        if not len(self.history):
            self._row(state, state)
        with np.errstate(over="ignore", invalid="ignore"):
            return self._run(state)

    def _run(self, start: State) -> tuple[State, Verdict]:
        state = start
        row, rows = state, row_steps()
        target = next(step for step in rows if step > state.step)
        try:
            while state.step < self.last:
                before, state = state, self._block(state, target)
                self._show(state)
                if self._at_look(before, state, target):
                    state = self._watched(state)
                if verdict := self._grew(state):
                    return start, verdict
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
        steps = min(self.block, target - state.step, self.last - state.step)
        if not self.full and (self.descent.patience or self.descent.tolerance):
            left = math.ceil((len(self.problem.X) - state.place) / (self.descent.batch or 1))
            steps = min(steps, left)
        clock = time.perf_counter()
        after = self.step(state, int(steps))
        spent = (time.perf_counter() - clock) / max(after.step - state.step, 1)
        self.block = max(1, min(2 * self.block, int(_BLOCK_SECONDS / max(spent, 1e-9))))
        return after

    def _at_look(self, before: State, state: State, target: int) -> bool:
        """Whether the validation loss is due: each epoch, or each row for full batches."""
        if self.descent.patience is None or self.validation is None:
            return False
        return state.step >= target if self.full else state.epoch > before.epoch

    def _watched(self, state: State) -> State:
        assert self.validation is not None
        w = self.solver.iterate(state)
        return watched(state, self._q(w, self.validation), w)

    def _settled(self, state: State) -> Verdict | None:
        d = self.descent
        if isinstance(self.step, Exact):
            return True, self.step.message
        change = (
            state.change if self.full else (state.epoch_change if not state.place else math.inf)
        )
        if change < d.tolerance:
            return True, (
                f"converged after {state.step:,} steps: |w_t − w_(t−1)| = {change:.2g} is below"
                f" {d.tolerance:g}."
            )
        if self.full and state.gradient < d.gradient_tolerance:
            return True, (
                f"converged after {state.step:,} steps: |∂Q/∂w| = {state.gradient:.2g} is below"
                f" {d.gradient_tolerance:g}."
            )
        if d.patience is not None and state.waited >= d.patience:
            return True, (
                f"stopped after {state.step:,} steps: the validation loss has not fallen below"
                f" {state.best_loss:.6g} for {d.patience} looks; the best weights are kept."
            )
        if time.perf_counter() - self.began > d.seconds:
            return False, f"stopped after {d.seconds:g} s and {state.step:,} steps; give it more."
        return None

    def _grew(self, state: State) -> Verdict | None:
        """Whether Q grows instead of falling: the run is given up and the weights go back."""
        if not isinstance(self.solver, Descent):
            return None
        finite = bool(np.isfinite(state.parameters).all())
        if finite and not (self.full and state.loss > 2 * abs(self.first_loss) + 1e-300):
            return None
        if advice := self._too_steep(state):
            return False, advice
        if finite:
            return None
        return False, f"Q left all bounds near step {state.step:,}; take smaller steps."

    def _too_steep(self, state: State) -> str:
        """What is wrong with the rate, in the terms of its limit of stability; "" if nothing."""
        if self.schedule is None or not isinstance(self.problem.model, Linear):
            return ""
        rate = float(self.schedule(np.zeros(1))[0])
        limit, formula = self.descent.bound(self.problem)
        if rate <= limit:
            return ""
        return (
            f"the step {rate:.3g} is above {formula} = {limit:.3g}: Q grows; try {limit / 2:.2g} or"
            ' rate="auto".'
        )

    def _out_of_budget(self, state: State) -> Verdict:
        if isinstance(self.step, Peeling):
            return True, self.step.message(state)
        grown = self._q(self.solver.iterate(state), self.events) > self.first_loss
        if grown and (advice := self._too_steep(state)):
            return False, advice
        if self.full and state.gradient <= 1e-13 * self.history["gradient"][1]:
            return True, (
                f"converged to rounding within {state.step:,} steps: |∂Q/∂w| ="
                f" {state.gradient:.2g}."
            )
        if self.full:
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

    @property
    def first_loss(self) -> float:
        return self.history.rows[0][COLUMNS.index("loss")]

    def _row(self, row: State, state: State) -> None:
        """One more row of the history, with a look at Q whenever the steps grew by a quarter.

        About 65 looks in a million steps, at places that depend on the steps alone: a few per cent
        of a run over some epochs, and the same history whenever it is repeated or resumed.
        """
        elapsed = time.perf_counter() - self.began
        look = state.step >= min(1.25 * self.last_look, self.last)
        if look:
            self.last_look = state.step
        w = self.solver.iterate(state)
        loss = state.loss if self.full else math.nan
        if not state.step or (look and not self.full):
            loss = self._q(w, self.events)
        validation = math.nan
        if self.validation is not None and look:
            validation = self._q(w, self.validation)
        mass = state.mass - row.mass
        progressive = (state.cost - row.cost) / mass if mass > 0 else math.nan
        rate = math.nan
        if self.schedule is not None:
            rate = float(self.schedule(np.array([max(state.step - 1, 0)]))[0])
        self.history.rows.append(
            (
                state.step, state.epoch, state.seen, loss, progressive, validation,
                state.gradient, rate, state.change, elapsed,
            )
        )  # fmt: skip
        if self.checkpoint is not None:
            self.checkpoint(state, self.history)

    def _q(self, w: Array, X: Samples) -> float:
        return Q(self.problem.model.moved(w), X, self.problem.loss)

    def _show(self, state: State) -> None:
        now = time.perf_counter()
        if self.progress is not None and now - self.shown > 0.2:
            self.shown = now
            self.progress(state.step, self.last, state.loss)


def _last_look(history: History) -> int:
    """The step of the last row of a history at which a run had looked at Q."""
    look = 0
    for step in history["step"] if len(history) else ():
        look = int(step) if step >= 1.25 * look else look
    return look


def _subsample(X: Samples) -> Samples:
    """A fixed part of the events, on which the history of a stochastic run looks at Q."""
    if len(X) <= _SUBSAMPLE:
        return X
    chosen = np.random.default_rng(0).choice(len(X), _SUBSAMPLE, replace=False)
    return X.take(np.sort(chosen))
