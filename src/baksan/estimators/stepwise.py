"""What estimators share whose solvers go step by step: losses and solvers by name, learning on.

fit           all events, as often as the solver wants to see them
partial_fit   these events once, in their order, on from where the last call ended
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.multiclass import check_classification_targets

from baksan import losses
from baksan.estimators.base import Classifier, Estimator, Parts, offered_if, seed_of
from baksan.fit import History
from baksan.losses import Loss
from baksan.models.base import Model
from baksan.samples import Samples
from baksan.solvers.base import Penalty, Problem, Solver, State
from baksan.solvers.descent import Descent
from baksan.solvers.schedules import Schedule

Array = NDArray[Any]
Rate = float | Schedule | Literal["auto"]

__all__ = ["Rate", "Stepwise", "StepwiseClassifier", "StepwiseRegressor"]

_ALL_AT_ONCE = ("analytic", "gd", "lbfgs")


# What is there ------------------------------------------------------------------------------------


def _steps_on_batches(estimator: Any) -> Literal[True]:
    solver, named = estimator.solver, [s for s in estimator.takes if s not in _ALL_AT_ONCE]
    own = isinstance(solver, Solver) and solver.batch is not None
    if not own and solver not in named:
        raise AttributeError(
            "partial_fit needs a solver that steps on some events at a time,"
            f" {' or '.join(named)}; this is {solver!r}."
        )
    return True


def _tells_quantiles(estimator: Any) -> Literal[True]:
    if not isinstance(estimator._loss.setting, tuple):
        raise AttributeError(
            f"the {estimator._loss.name} loss tells no quantiles; take one of several levels, such"
            " as bk.losses.quantile(0.16, 0.5, 0.84)."
        )
    return True


# Losses and solvers by name, learning on ----------------------------------------------------------


class Stepwise(Estimator):
    """Settings by name, and the events of a chunk learned from once."""

    task: ClassVar[Literal["regression", "classification"]]
    takes: ClassVar[dict[str, tuple[str, ...]]]
    """The solvers by name, and the settings that each takes."""
    solver: str | Solver
    loss: Any
    penalty: Penalty | None

    @property
    def _loss(self) -> Loss:
        return self._loss_for(len(getattr(self, "classes_", ())))

    def _loss_for(self, classes: int) -> Loss:
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
        loss = self._loss_for(len(X.class_names))
        return Parts(self._model, loss, self._solver(X), self.penalty)

    @property
    def _model(self) -> Model:
        raise NotImplementedError

    def _solver(self, X: Samples) -> Solver:
        raise NotImplementedError

    def _check_settings(self) -> None:
        own = isinstance(self.solver, Solver)
        if not own and self.solver not in self.takes:
            raise ValueError(
                f"solver must be a Solver or one of {', '.join(self.takes)}; {self.solver!r} came."
            )
        takes = () if own else self.takes[str(self.solver)]
        usual = inspect.signature(type(self)).parameters
        for name in dict.fromkeys(name for names in self.takes.values() for name in names):
            given = getattr(self, name)
            if given != usual[name].default and name not in takes:
                raise ValueError(
                    f"the solver {self.solver!r} takes {_listed(takes) or 'no settings'} here;"
                    f" {name}={given!r} came. Leave it out, or take another solver."
                )

    def _keep(self, model: Model, state: State) -> None:
        self.model_, self.state_ = model, state.to_arrays()

    def _begun(self, X: Samples, parts: Parts, seed: int) -> Model:
        """The model before its first step, its standardisation fixed from a first chunk."""
        outputs = parts.loss.outputs(X.answers, len(X.class_names))
        return parts.model.prepared(X.x, X.w, outputs)

    def _learned(self, X: Samples) -> Self:
        """One pass over these events in their order, on from where the last one ended."""
        parts = self.parts(X)
        if not hasattr(self, "state_"):
            seed = seed_of(self.random_state)
            self.model_ = self._begun(X, parts, seed)
            self.state_ = parts.solver.start(self.model_, seed=seed).to_arrays()
            self.history_, self.n_iter_ = History().to_dict(), 0
        if not hasattr(self, "rate_"):
            self.rate_ = _rate(parts.solver, Problem(self.model_, X, parts.loss, parts.penalty))
        for name in ("fit_", "message_"):  # of what was fitted before
            self.__dict__.pop(name, None)
        before = replace(State.from_arrays(self.state_), place=0)
        after = _one_pass(self.model_, X, parts, self.rate_, before)
        self.history_ = _with_row(self.history_, before, after)
        self.n_iter_ += 1
        self._keep(self.model_.moved(parts.solver.iterate(after)), after)
        return self


def _listed(names: Sequence[str]) -> str:
    """'a, b and c'."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


class _Chunk(Problem):
    """Events that are not all there are: their weights count as they are, since nobody knows the
    mean of all, by which a step would divide.
    """

    @cached_property
    def mean_weight(self) -> float:
        return 1.0


def _rate(solver: Solver, problem: Problem) -> Schedule | None:
    """The rate of each step. Raises ValueError for a schedule that needs to know the last one."""
    rate = getattr(solver, "rate", None)
    if not callable(rate):
        return solver.schedule(problem)
    rate(np.zeros(1))
    return rate  # type: ignore[no-any-return]


def _one_pass(model: Model, X: Samples, parts: Parts, rate: Any, before: State) -> State:
    """The steps on these events in their order."""
    assert isinstance(parts.solver, Descent) and parts.solver.batch is not None
    solver = replace(parts.solver, rate=rate, shuffle=False)
    step = solver.stepper(_Chunk(model, X, parts.loss, parts.penalty))
    return step(before, math.ceil(len(X) / parts.solver.batch))


def _with_row(columns: dict[str, Array], before: State, after: State) -> dict[str, Array]:
    """The history with a row for one more chunk: its loss is the progressive one."""
    row = {
        "step": after.step, "epoch": after.epoch, "seen": after.seen,
        "loss_progressive": (after.cost - before.cost) / (after.mass - before.mass),
        "gradient": after.gradient, "change": after.change,
    }  # fmt: skip
    return {name: np.append(old, row.get(name, math.nan)) for name, old in columns.items()}


# Numbers ------------------------------------------------------------------------------------------


class StepwiseRegressor(RegressorMixin, Stepwise):  # type: ignore[misc]
    """Numbers, one or several an event."""

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
        standardisation, and with rate='auto' the rate, so it should see some hundred events. Where
        steps see batches, the last one of a chunk may be smaller.
        """
        events = self._numbers(X, y, sample_weight, reset=not hasattr(self, "state_"))
        return self._learned(events)

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """a(x), (n,) or (n, k) as y was; of several outputs for one answer the value.

        With `return_std` the pair of it and the spread that the 'gaussian' loss tells. Raises
        ValueError for a loss that tells none.
        """
        x = self._features(X)
        told = self._loss.read(self.model_(x))
        if return_std and "spread" not in told:
            raise ValueError(
                f"return_std needs a loss that tells a spread; {self._loss.name} does not."
                " Take loss='gaussian'."
            )
        value = told["value"] if self._flat else told["value"].reshape(len(x), -1)
        return (value, told["spread"]) if return_std else value

    @offered_if(_tells_quantiles)
    def predict_quantiles(self, X: ArrayLike) -> Array:
        """The quantiles at the levels of the loss, (n, K), rising."""
        x = self._features(X)
        return np.asarray(self._loss.read(self.model_(x))["quantiles"])


# Classes ------------------------------------------------------------------------------------------


def _tells_probability(estimator: Any) -> Literal[True]:
    if estimator._loss.probability is None:
        raise AttributeError(
            f"the {estimator._loss.name} loss tells no probability; take logistic."
        )
    return True


class StepwiseClassifier(Classifier, Stepwise):
    """Two classes or more."""

    task = "classification"

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
        """Learn on from these events, once, in their order, as the regressors do.

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
        return self._learned(events)

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
