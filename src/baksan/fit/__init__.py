"""The verb: fit(a, X, loss, solver) → Fit. One model, one loss, one solver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from baksan.fit.history import COLUMNS, History, Now, row_steps
from baksan.fit.loop import Loop, Progress
from baksan.fit.start import completed, ready
from baksan.losses import Loss
from baksan.metrics import Prediction
from baksan.models.base import Model
from baksan.models.imputed import Imputed
from baksan.models.linear import Linear
from baksan.samples import Samples
from baksan.solvers.analytic import covariance
from baksan.solvers.base import Events, Penalty, Problem, Solver, State
from baksan.stream import Stream

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]

__all__ = ["COLUMNS", "Fit", "History", "Now", "Progress", "completed", "fit", "ready", "row_steps"]


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
        return Prediction(**self.problem.loss.read(*self.model.told(features)))

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
    look: float = 0.03,
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
        progress(now), a few times a second: steps taken and in all, loss, validation loss, rate.
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
    problem = ready(Problem(model, X, loss, penalty), solver, start, seed)
    fresh = solver.start(problem.model, seed=seed)
    state = fresh if state is None else state
    state.check(fresh)
    history = History() if history is None else history
    loop = Loop(problem, solver, validation, history, progress, checkpoint, look)
    state, verdict = loop.run(state)
    solution = solver.solution(state)
    return Fit(
        problem.model.moved(solution), state, loop.history, *verdict, problem, solver,
        loop.interrupted, partial(loop.q, solution, X),
    )  # fmt: skip


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
