"""The verb: fit(a, X, loss, solver) → Fit. One model, one loss, one solver."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from baksan import losses
from baksan.losses import Loss, Q
from baksan.metrics import Prediction
from baksan.models.base import Model
from baksan.models.imputed import Imputed
from baksan.models.linear import Linear, deviations
from baksan.samples import Feature, Samples
from baksan.solvers.analytic import covariance
from baksan.solvers.base import Events, Penalty, Problem, Solver, State, watched
from baksan.solvers.gram import Gram
from baksan.stream import Stream

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]
Progress = Callable[[int, float, float], None]
"""progress(steps taken, steps in all, loss now)."""

__all__ = ["Fit", "History", "completed", "fit"]

COLUMNS = (
    "step", "epoch", "seen", "loss", "loss_progressive", "validation", "gradient", "rate", "change",
    "seconds",
)  # fmt: skip
_LOOK_COST = 0.35
_BLOCK_SECONDS = 0.2
_CANCELLED = 1e-12  # what rounding may leave of weights that cancel, of their sum
_NONNEGATIVE = {
    losses.huber().cost, losses.squared_hinge.cost, losses.logistic.cost, losses.softmax.cost,
}  # fmt: skip
"""Smooth losses whose Q is below 0 by negative weights alone."""


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
    `interrupted` whether Ctrl-C ended it; `measure` finds Q(model, X), from sums that the solver
    has or by a pass over the events: `loss` calls it once, when it is asked for.
    """

    model: Model
    state: State
    history: History
    converged: bool
    message: str
    problem: Problem
    solver: Solver
    interrupted: bool
    measure: Callable[[], float] = field(repr=False)

    @cached_property
    def loss(self) -> float:
        """Q(model, X) on the training events, the penalty not counted."""
        return self.measure()

    def predict(self, x: Array | Samples) -> Prediction:
        """What the model says of (n, …) features: values, or scores and probabilities."""
        features = x.x if isinstance(x, Samples) else np.asarray(x)
        return Prediction(**self.problem.loss.read(self.model(features)))

    def plot(self) -> Figure:
        """Loss against step."""
        from baksan.report.plots import loss_against_iteration

        return loss_against_iteration({getattr(self.solver, "name", "fit"): self.history.to_dict()})

    def covariance(self, *, inverse_variances: bool = False) -> Array:
        """Covariance of (intercept, weights) in the user's units, (d + 1, d + 1), one output.

        `inverse_variances`: the weights are 1/σ_i² of known errors. See
        `baksan.solvers.analytic.covariance` for the formulas and the errors raised.
        """
        problem, model = self.problem, self.model
        if isinstance(model, Imputed):
            whole, events = completed(model, problem.X)
            model, problem = whole.of, replace(problem, model=whole.of, X=events)
        found = covariance(problem, model.parameters, inverse_variances=inverse_variances)
        assert isinstance(model, Linear)  # `covariance` has refused any other
        return model.in_user_units(found)

    def errors(self, *, inverse_variances: bool = False) -> Array:
        """Standard errors of (intercept, weights) in the user's units, (d + 1,)."""
        found = self.covariance(inverse_variances=inverse_variances)
        return np.asarray(np.sqrt(np.diag(found)))


def fit(
    model: Model,
    X: Events,
    loss: Loss,
    solver: Solver,
    *,
    penalty: Penalty | None = None,
    validation: Events | None = None,
    start: Literal["constant", "zero"] = "constant",
    seed: int = 0,
    state: State | None = None,
    history: History | None = None,
    progress: Progress | None = None,
    checkpoint: Callable[[State, History], None] | None = None,
    look: float = 0.05,
) -> Fit:
    """Find argmin_w Q(a, X) + penalty, starting from the loss's best constant.

    Parameters
    ----------
    model : Model
        Its standardisation is fixed from X first; a model fitted before goes on from its weights.
    X : Samples or Stream
        The events, in memory or read as often as the solver needs: once where it works on the Gram
        matrix (full batches of a squared loss; `Analytic`, which reads again where the condition
        asks for it), else once to standardise the features and then once an epoch or a full step.
    validation : Samples or Stream, optional
        Its loss (of a Stream that of its sample) goes into the history, and with the solver's
        `patience` it stops the run.
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
    look : float
        The share of a run's cost that the history may spend on looking at Q (where steps do not
        tell it) and at the validation loss; it decides on how many events it looks.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        The loss does not fit the answers; the samples are empty, or all of one class; a loss that
        cannot be descended; patience without validation samples; a state of another model.
    TypeError
        Something that is no model, samples, loss, solver or penalty.

    Ctrl-C ends the run and returns what was reached.
    """
    _check_kinds(
        model=(model, Model), X=(X, Samples, Stream), loss=(loss, Loss), solver=(solver, Solver)
    )
    if start not in ("constant", "zero"):
        raise ValueError(f"start must be 'constant' or 'zero'; it is {start!r}.")
    if seed < 0:
        raise ValueError(f"the seed must be 0 or more; it is {seed}.")
    if isinstance(model, Imputed):
        whole, events = completed(model, X)
        found = fit(
            whole.of, events, loss, solver, penalty=penalty, start=start, seed=seed, state=state,
            validation=None if validation is None else completed(whole, validation)[1],
            history=history, progress=progress, checkpoint=checkpoint, look=look,
        )  # fmt: skip
        fitted = replace(whole, of=found.model)
        return replace(
            found, model=fitted, problem=replace(found.problem, model=fitted, X=X, gram=None)
        )
    problem = ready(Problem(model, X, loss, penalty), solver, start)
    fresh = solver.start(problem.model, seed=seed)
    state = fresh if state is None else state
    state.check(fresh)
    history = History() if history is None else history
    loop = _Loop(problem, solver, validation, history, progress, checkpoint, look)
    state, verdict = loop.run(state)
    solution = solver.solution(state)
    return Fit(
        problem.model.moved(solution), state, loop.history, *verdict, problem, solver,
        loop.interrupted, partial(loop.q, solution, X),
    )  # fmt: skip


def completed(model: Imputed, X: Events) -> tuple[Imputed, Events]:
    """The model with its medians fixed from X (of a Stream, its sample), and X filled in by it."""
    model = model.filling((X.sample if isinstance(X, Stream) else X).x)
    known = {f.name: f for f in X.features}
    features = tuple(known.get(name, Feature(name)) for name in model.names(X.names))

    def change(block: Samples) -> Samples:
        return block.with_parts(x=model.completed(block.x), features=features, missing=False)

    return model, X.map(change) if isinstance(X, Stream) else change(X)


def _check_kinds(**given: tuple[Any, ...]) -> None:
    examples = {
        "model": "bk.Linear()", "X": "bk.Samples(x, y)", "loss": "bk.losses.squared",
        "solver": "bk.GradientDescent()",
    }  # fmt: skip
    for name, (value, *kinds) in given.items():
        if not isinstance(value, tuple(kinds)):
            raise TypeError(
                f"fit needs {' or '.join(kind.__name__ for kind in kinds)} for {name}, such as"
                f" {examples[name]};"
                f" {getattr(value, '__name__', None) or repr(value)[:60]} came."
            )


def ready(problem: Problem, solver: Solver | None = None, start: str = "constant") -> Problem:
    """The problem with its model at its starting point, widths and standardisation fixed, and with
    the Gram matrix where the solver works on it, so that one pass tells all.

    Raises ValueError where all events that count are of one class.
    """
    model, X, loss = problem.model, problem.X, problem.loss
    if X.missing:
        raise ValueError(
            f"{type(model).__name__} needs complete events; these may lack features. Fill them in,"
            f" bk.Imputed({type(model).__name__}()), or leave incomplete events out."
        )
    outputs = loss.outputs(X.head.answers, len(X.class_names))
    if isinstance(model, Linear) and model.features:
        outputs = model.outputs  # a model that goes on; targets of another width are refused
        model(X.head.x[:1])  # and so are features
    if solver is not None and solver.wants_gram(problem):
        problem = replace(problem, gram=Gram.of(X, loss, outputs))
    _check_classes(problem)
    prepared = _prepared(problem, outputs)
    if prepared is model:
        return problem
    prepared = prepared.named(X.names, [f.unit for f in X.features])
    if start == "constant":
        prepared = prepared.at_constant(_best_constant(problem, outputs))
    return replace(problem, model=prepared)


def _check_classes(problem: Problem) -> None:
    X, gram = problem.X, problem.gram
    if not X.class_names:
        return
    if isinstance(X, Samples):
        counts = np.bincount(X.answers, X.weight, len(X.class_names))
        share = counts / counts.sum()
    elif gram is not None:
        share = (gram.mean[gram.features :] + 1) / 2  # of targets ±1
        share = share if len(share) > 1 else np.array([1 - share[0], share[0]])
    else:
        share = np.array(list(X.survey.class_weights.values())) / X.survey.mass
    if problem.negative and share.min() < -_CANCELLED:
        raise ValueError(
            "a fit needs weights of each class that sum to 0 or more; those of"
            f" {X.class_names[int(share.argmin())]!r} sum to less. Give other events, or leave out"
            " those of negative weight."
        )
    found = np.flatnonzero(share > (_CANCELLED if problem.negative else 0))
    if len(found) < 2:
        raise ValueError(
            "a fit needs events of at least two classes; all that count are"
            f" {X.class_names[int(share.argmax())]!r}. Give other events or another answer."
        )


def _prepared(problem: Problem, outputs: int) -> Model:
    """The model with its widths and its standardisation fixed, from what is known already."""
    model, X, gram = problem.model, problem.X, problem.gram
    if isinstance(model, Linear) and not model.features and X.head.x.ndim == 2:
        precision = float(np.finfo(X.head.x.dtype).eps)
        if gram is not None:
            mean, spread = gram.mean[: gram.features], np.sqrt(np.diag(gram.x))
            return model.standardised(mean, spread, outputs, precision)
        if isinstance(X, Stream):
            mean = X.survey.mean
            spread = deviations(mean, X.survey.variance, X.names)
            return model.standardised(mean, spread, outputs, precision)
    some = X if isinstance(X, Samples) else X.sample
    return model.prepared(some.x, some.w, outputs)


def _best_constant(problem: Problem, outputs: int) -> Array:
    """The loss's best constant prediction.

    For a stream it is that of all events where sums tell it: of classes their weights, of the
    squared loss the mean of the answers. Other losses of numbers (absolute, huber, quantile, one
    that a user wrote) take the best constant of the stream's sample.
    """
    X, loss = problem.X, problem.loss
    if problem.gram is not None:
        return problem.gram.mean[problem.gram.features :]
    if isinstance(X, Stream) and X.class_names:
        weight = np.array(list(X.survey.class_weights.values()))
        return loss.best_constant(np.arange(len(weight)), outputs, weight)
    if isinstance(X, Stream) and loss.cost is losses.squared.cost:
        return np.atleast_1d(X.survey.answer_mean)
    some = X if isinstance(X, Samples) else X.sample
    return loss.best_constant(some.answers, outputs, some.weight)


def row_steps() -> Iterator[int]:
    """The steps at which a history has rows: each at first, then 4 % apart, about 500 in 1e9."""
    step = 1
    while True:
        yield step
        step = max(step + 1, math.ceil(1.04 * step))


Verdict = tuple[bool, str]
"""Whether a condition of convergence ended the run, and the sentence that says which."""


_SUNK = (
    "Q fell below 0, which no mean of costs does: negative weights leave it without a minimum, or"
    " outweigh the others there. Take more events, fewer features, penalty=L2(…), or leave out the"
    " events of negative weight."
)


class _Loop:
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
        if solver.patience is not None and validation is None:
            raise ValueError(
                f"patience={solver.patience} waits for the validation loss to fall; give"
                " validation samples, or stop by tolerance or a budget."
            )
        self.full = solver.batch is None
        self.step, self.last = solver.stepper(problem), solver.end(len(problem.X))
        # A stepper that has a schedule found it by a pass over the events, if the rate is "auto".
        self.schedule = getattr(self.step, "schedule", None) or solver.schedule(problem)
        self.looks = Looks.of(problem.X, self.validation, solver, self.last, look)
        self.last_look = self.looks.last_of(history)
        self.interrupted, self.block = False, 1
        past = float(history["seconds"][-1]) if len(history) else 0.0
        self.began = self.shown = time.perf_counter() - past

    def run(self, state: State) -> tuple[State, Verdict]:
        if not len(self.history):
            self._row(state, state)
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
        steps = min(whole(state, self.block), target - state.step, self.last - state.step)
        ends_epochs = self.solver.patience is not None or self.solver.tolerance > 0
        if self.solver.batch is not None and ends_epochs:
            left = math.ceil((len(self.problem.X) - state.place) / self.solver.batch)
            steps = min(steps, left)
        clock = time.perf_counter()
        after = self.step(state, int(steps))
        spent = (time.perf_counter() - clock) / max(after.step - state.step, 1)
        self.block = max(1, min(2 * self.block, int(_BLOCK_SECONDS / max(spent, 1e-9))))
        return after

    def _watches(self, before: State, state: State, target: int) -> bool:
        """Whether patience waits for a look: each epoch, or each row for full batches."""
        if self.solver.patience is None:
            return False
        return state.step >= target if self.full else state.epoch > before.epoch

    def _watched(self, state: State) -> State:
        assert self.validation is not None
        w = self.solver.iterate(state)
        return watched(state, self.q(w, self.validation), w)

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
        return False, f"Q left all bounds near step {state.step:,}; take smaller steps."

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
            rate = float(self.schedule(np.array([max(state.step - 1, 0)]))[0])
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
            self.progress(state.step, self.last, state.loss)


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
