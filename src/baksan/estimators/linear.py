"""The linear model as scikit-learn estimators, of numbers and of classes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.multiclass import check_classification_targets

from baksan import losses
from baksan.estimators.base import Classifier, Estimator, Parts, offered_if, seed_of
from baksan.fit import History
from baksan.losses import L1, Loss
from baksan.models.base import Model
from baksan.models.linear import Linear
from baksan.samples import Samples
from baksan.solvers.analytic import Analytic
from baksan.solvers.base import Penalty, Problem, Solver, State
from baksan.solvers.descent import Descent
from baksan.solvers.schedules import Schedule

Array = NDArray[Any]
Rate = float | Schedule | Literal["auto"]

__all__ = ["LinearClassifier", "LinearRegressor"]

_BATCH = 64
_SETTINGS: dict[str, tuple[str, ...]] = {
    "analytic": (),
    "gd": ("rate", "epochs"),
    "sgd": ("rate", "epochs"),
    "minibatch": ("rate", "batch", "epochs"),
}
"""The solvers by name, and the settings that each takes."""


# Settings -----------------------------------------------------------------------------------------


def _steps_on_batches(linear: Any) -> Literal[True]:
    solver = linear.solver
    if solver not in ("sgd", "minibatch") and getattr(solver, "batch", None) is None:
        raise AttributeError(
            "partial_fit needs a solver that steps on some events at a time, sgd or minibatch;"
            f" this is {solver!r}."
        )
    return True


def _tells_probability(linear: Any) -> Literal[True]:
    if linear._loss.probability is None:
        raise AttributeError(f"the {linear._loss.name} loss tells no probability; take logistic.")
    return True


class _Linear(Estimator):
    """What the linear estimators share: settings, coefficients, learning on."""

    kind = Linear
    task: ClassVar[Literal["regression", "classification"]]

    def __init__(
        self,
        solver: str | Solver = "analytic",
        loss: str | Loss = "squared",
        *,
        penalty: Penalty | None = None,
        rate: Rate = "auto",
        batch: int = _BATCH,
        epochs: int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.solver = solver
        self.loss = loss
        self.penalty = penalty
        self.rate = rate
        self.batch = batch
        self.epochs = epochs
        self.random_state = random_state

    @property
    def _loss(self) -> Loss:
        if isinstance(self.loss, Loss):
            return self.loss
        known = [k for k, v in losses.LOSSES.items() if v.task == self.task and v.descendable]
        if self.loss not in known:
            raise ValueError(
                f"loss must be a Loss or one of {', '.join(known)}; {self.loss!r} came."
            )
        return losses.LOSSES[self.loss]

    def parts(self, X: Samples) -> Parts:
        """Model, loss, solver and penalty, as `fit` takes them for these events.

        Raises ValueError for a name that is not known, or a setting that the solver does not have.
        """
        self._check_settings()
        return Parts(Linear(), self._loss, self._solver(X), self.penalty)

    def _check_settings(self) -> None:
        own = isinstance(self.solver, Solver)
        if not own and self.solver not in _SETTINGS:
            raise ValueError(
                f"solver must be a Solver or one of {', '.join(_SETTINGS)}; {self.solver!r} came."
            )
        takes = () if own else _SETTINGS[str(self.solver)]
        usual = {"rate": "auto", "batch": _BATCH, "epochs": None}
        for name, value in usual.items():
            given = getattr(self, name)
            if given != value and name not in takes:
                raise ValueError(
                    f"the solver {self.solver!r} takes {' and '.join(takes) or 'no settings'} here;"
                    f" {name}={given!r} came. Leave it out, or take another solver."
                )

    def _solver(self, X: Samples) -> Solver:
        """The solver of this name, set as for the methods linear-analytic … of `train`."""
        if isinstance(self.solver, Solver):
            return self.solver
        if self.solver == "analytic":
            return Analytic()
        if self.solver != "gd":
            size = 1 if self.solver == "sgd" else self.batch
            epochs = self.epochs or int(np.clip(round(2e6 / len(X)), 20, 300))
            return Descent(self.rate, batch=size, epochs=epochs, average=True)
        steps = self.epochs or 3_000
        if self._loss.bend == 0.0:  # no slope falls to zero, so that there is nothing to wait for
            return Descent(self.rate, steps=steps, average=True)
        still, flat = 1e-7 * _size(X), not isinstance(self.penalty, L1)
        # At the minimum the pull of L1 balances a slope that does not fall: steps do.
        return Descent(
            self.rate, steps=steps, momentum=0.95, nesterov=True,
            gradient_tolerance=still if flat else 0.0, tolerance=0.0 if flat else 1e-3 * still,
        )  # fmt: skip

    # What is kept, and learning on ----------------------------------------------------------------

    def _keep(self, model: Model, state: State) -> None:
        assert isinstance(model, Linear)
        self.model_, self.state_ = model, state.to_arrays()
        self._tell(np.atleast_2d(model.weights), np.atleast_1d(model.intercept))

    def _tell(self, weights: Array, intercept: Array) -> None:
        """Sets coef_ and intercept_ from (k, d) and (k,)."""
        raise NotImplementedError

    def _learned(self, X: Samples, outputs: int) -> Self:
        """One pass over these events in their order, on from where the last one ended."""
        parts = self.parts(X)
        if not hasattr(self, "state_"):
            self.model_ = Linear().prepared(X.x, X.w, outputs)
            self.state_ = parts.solver.start(
                self.model_, seed=seed_of(self.random_state)
            ).to_arrays()
            self.history_, self.n_iter_ = History().to_dict(), 0
        if not hasattr(self, "rate_"):
            problem = Problem(self.model_, X, parts.loss, parts.penalty)
            self.rate_ = parts.solver.schedule(problem)
        for name in ("fit_", "message_"):  # of what was fitted before
            self.__dict__.pop(name, None)
        before = replace(State.from_arrays(self.state_), place=0)
        after = _one_pass(self.model_, X, parts, self.rate_, before)
        self.history_ = _with_row(self.history_, before, after)
        self.n_iter_ += 1
        self._keep(self.model_.moved(parts.solver.iterate(after)), after)
        return self


def _size(X: Samples) -> float:
    """The standard deviation of the answers, 1 for classes: what a gradient is compared with."""
    if X.class_names:
        return 1.0
    mean = np.average(X.answers, axis=0, weights=X.w)
    spread = np.average((X.answers - mean) ** 2, axis=0, weights=X.w).mean()
    return math.sqrt(max(spread, 0.0)) or 1.0  # weights of either sign may make it negative


def _one_pass(model: Model, X: Samples, parts: Parts, rate: Any, before: State) -> State:
    """The steps on these events in their order.

    A chunk does not know the mean weight of all events, by which a step divides, so weights are
    taken as they are: what the stepper divides by is multiplied in again.
    """
    solver, penalty, unit = parts.solver, parts.penalty, X.mean_weight
    assert isinstance(solver, Descent) and solver.batch is not None
    steps = math.ceil(len(X) / solver.batch)
    if penalty is not None:
        penalty = replace(penalty, strength=penalty.strength / unit)
    solver = replace(solver, rate=lambda steps: unit * rate(steps), shuffle=False)
    step = solver.stepper(Problem(model, X, parts.loss, penalty))
    return step(before, steps)


def _with_row(columns: dict[str, Array], before: State, after: State) -> dict[str, Array]:
    """The history with a row for one more chunk: its loss is the progressive one."""
    row = {
        "step": after.step, "epoch": after.epoch, "seen": after.seen,
        "loss_progressive": (after.cost - before.cost) / (after.mass - before.mass),
        "gradient": after.gradient, "change": after.change,
    }  # fmt: skip
    return {name: np.append(old, row.get(name, math.nan)) for name, old in columns.items()}


# The estimators -----------------------------------------------------------------------------------


class LinearRegressor(RegressorMixin, _Linear):  # type: ignore[misc]
    """A linear model of numbers: a(x) = w_0 + ⟨w, x⟩ = argmin Q(a, X) + penalty.

    Parameters
    ----------
    solver : 'analytic', 'gd', 'sgd', 'minibatch', or a Solver
        The names are those of the methods linear-analytic … of `train`, with their settings: the
        exact answer of least squares; gradient descent with Nesterov's momentum 0.95 (plain and
        averaged where the loss is piecewise linear); descent on single events, and on `batch` of
        them, the iterates averaged. For other settings give the solver:
        `solver=bk.GradientDescent(rate=0.1, steps=100)`.
    loss : 'squared', 'absolute', 'huber', 'quantile', 'gaussian', or a Loss
        Such as `bk.losses.quantile(0.9)`; 'huber' has δ = 1, and 'quantile' is the median.
    penalty : L1, L2 or None
        λ Σ|w_j| or λ|w|²/2 on the weights of standardised features, the intercept free. L2(λ) of
        the squared loss is scikit-learn's `Ridge(alpha=λ Σw_i / 2)`, and L1(λ) its
        `Lasso(alpha=λ / 2)`, on features brought to mean 0 and standard deviation 1.
    rate : float, Schedule or 'auto'
        The step's length, for the descents.
    batch : int
        Events a step sees, for 'minibatch'.
    epochs : int, optional
        Passes over the events, for the descents. If left out: at most 3,000 full steps; on batches
        20 to 300, so that about two million events are seen.
    random_state : int, RandomState or None
        The order of events. The default is the same each time, None another one.

    Attributes
    ----------
    coef_, intercept_ : (d,) and float; for k outputs, as of y (n, k), they are (k, d) and (k,)
        w in the units of the columns.
    model_ : Linear
    fit_ : Fit
        `fit_.plot()`, `fit_.errors()`; it holds the training events, and is left out of copies and
        files.
    history_ : dict of arrays
        The columns of `Fit.history`; after `partial_fit` a row for each chunk.
    message_, n_iter_
        Why `fit` stopped; passes over the events, or chunks learned.
    n_features_in_, feature_names_in_

    Raises
    ------
    ValueError
        A name that is not known, a setting that the solver does not have, what `fit` refuses, and
        what scikit-learn refuses in x and y: NaN, infinities, text, wrong shapes.

    Warns
    -----
    ConvergenceWarning
        'gd' did not see the slope of Q fall to 1e-7 of the spread of y (with L1, the steps to 1e-10
        of it), or the run was given up.

    Examples
    --------
    >>> from baksan.estimators import LinearRegressor
    >>> line = LinearRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> line.coef_.round(9).tolist(), round(line.intercept_, 9), line.message_
    ([2.0], 1.0, 'solved exactly in one step.')
    """

    task = "regression"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _numbers(self, X: Any, y: Any, weight: Any, reset: bool = True) -> Samples:
        x, answers = self._checked(X, y, multi_output=True, y_numeric=True, reset=reset)
        if reset:
            self._flat = answers.ndim == 1
        return self._samples(x, answers, weight)

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to features (n, d) and answers (n,) or (n, k), with weights (n,)."""
        return self._fitted(self._numbers(X, y, sample_weight))

    @offered_if(_steps_on_batches)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Learn on from these events, once, in their order.

        Chunk after chunk is the same as all of them in one call. The first call fixes the
        standardisation, and with rate='auto' the rate, so it should see some hundred events. With
        'minibatch' the last batch of a chunk may be smaller.
        """
        events = self._numbers(X, y, sample_weight, reset=not hasattr(self, "state_"))
        return self._learned(events, self._loss.outputs(events.answers, 0))

    def _tell(self, weights: Array, intercept: Array) -> None:
        one = self._flat and len(weights) == 1
        self.coef_ = weights[0] if one else weights
        self.intercept_ = float(intercept[0]) if one else intercept

    def predict(self, X: ArrayLike) -> Array:
        """a(x), (n,) or (n, k) as y was; of several outputs for one answer the value."""
        x = self._features(X)
        p = np.asarray(self._loss.read(self.model_(x))["value"])
        return p if self._flat else p.reshape(len(p), -1)


class LinearClassifier(Classifier, _Linear):
    """A linear model of classes: the sign of a(x) = w_0 + ⟨w, x⟩ = argmin Q(a, X) + penalty.

    Of two classes `classes_[1]` is the signal, t = +1. Several are learned one against the rest and
    the largest score wins; 'softmax' looks at all of them at once.

    Parameters
    ----------
    solver, penalty, rate, batch, epochs, random_state
        As in `LinearRegressor`; 'analytic' solves loss='squared_margin'. On features brought to
        mean 0 and standard deviation 1, L2(λ) of the logistic loss for two classes, and of softmax
        for more, is scikit-learn's `LogisticRegression(C=1 / (λ Σw_i))`, and no penalty its C=inf.
    loss : 'logistic', 'softmax', 'squared_margin', 'hinge', 'squared_hinge', … or a Loss
        See `baksan.losses`.

    Attributes
    ----------
    classes_ : (K,)
    coef_, intercept_ : (1, d) and (1,) for two classes, else (K, d) and (K,)
        w in the units of the columns; of softmax with two classes the difference of its outputs.
    model_, fit_, history_, message_, n_iter_, n_features_in_, feature_names_in_
        As in `LinearRegressor`.

    Raises
    ------
    ValueError
        As `LinearRegressor`, and for a single class.

    Warns
    -----
    ConvergenceWarning
        'gd' did not see the slope of Q fall to 1e-7, as where a line parts the classes without a
        mistake and the weights of a logistic loss grow for ever; or the run was given up.

    Examples
    --------
    >>> from baksan.estimators import LinearClassifier
    >>> x, y = [[0.0], [1.0], [2.0], [3.0]], ["gamma", "hadron", "gamma", "hadron"]
    >>> line = LinearClassifier().fit(x, y)
    >>> line.predict([[0.0]]).tolist(), line.predict_proba([[1.5]]).round(6).tolist()
    (['gamma'], [[0.5, 0.5]])
    """

    task = "classification"

    def __init__(
        self,
        solver: str | Solver = "gd",
        loss: str | Loss = "logistic",
        *,
        penalty: Penalty | None = None,
        rate: Rate = "auto",
        batch: int = _BATCH,
        epochs: int | None = None,
        random_state: Any = 0,
    ) -> None:
        super().__init__(
            solver, loss, penalty=penalty, rate=rate, batch=batch, epochs=epochs,
            random_state=random_state,
        )  # fmt: skip

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to features (n, d) and labels (n,), with weights (n,)."""
        return self._fitted(self._labelled(X, y, sample_weight))

    @offered_if(_steps_on_batches)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn on from these events, once, in their order, as `LinearRegressor.partial_fit`.

        The first call needs all `classes` that will ever come. Raises ValueError without them, and
        for a label that is none of them.
        """
        first = not hasattr(self, "state_")
        x, labels = self._checked(X, y, reset=first)
        check_classification_targets(labels)
        if first:
            self.classes_ = _all_classes(classes)
        index = np.minimum(np.searchsorted(self.classes_, labels), len(self.classes_) - 1)
        if len(strange := labels[self.classes_[index] != labels]):
            raise ValueError(
                f"partial_fit knows the classes {', '.join(self._class_names)}; {strange[0]} came."
                " Name all classes in the first call."
            )
        events = self._samples(x, index, sample_weight, self._class_names)
        return self._learned(events, self._loss.outputs(index, len(self.classes_)))

    def _tell(self, weights: Array, intercept: Array) -> None:
        if len(self.classes_) == 2 and len(weights) == 2:
            weights, intercept = np.diff(weights, axis=0), np.diff(intercept)
        self.coef_, self.intercept_ = weights, intercept

    @offered_if(_tells_probability)
    def predict_proba(self, X: ArrayLike) -> Array:
        """P(class | x), (n, K), in the order of `classes_`; there where the loss tells it."""
        return np.asarray(self._told(X)["probability"])


def _all_classes(classes: Any) -> Array:
    known = np.unique(np.asarray([] if classes is None else classes))
    if len(known) < 2:
        raise ValueError(
            "the first call of partial_fit needs all classes that will come, at least two;"
            f" {classes!r} came. Give classes=np.unique(y) of all events."
        )
    return known
