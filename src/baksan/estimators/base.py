"""What the estimators share: events in, a Fit, and what is kept of it; labels and class indices.

Events of weight 0 are left out before anything is done, so that they count for nothing at all.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from numbers import Integral
from typing import Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from baksan.fit import Fit, fit
from baksan.losses import Loss
from baksan.models.base import Model
from baksan.models.encoding import Encoding
from baksan.models.linear import Linear
from baksan.models.network import Network
from baksan.samples import Samples
from baksan.solvers.base import Penalty, Solver, State

Array = NDArray[Any]

__all__ = ["Classifier", "Estimator", "Parts", "offered_if", "seed_of"]

_FLOATS = [np.float64, np.float32]


@dataclass(frozen=True)
class Parts:
    """What an estimator hands to `baksan.fit.fit`."""

    model: Model
    loss: Loss
    solver: Solver
    penalty: Penalty | None = None


class Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Events in, a Fit, and what is kept of it."""

    kind: ClassVar[type[Model]]
    """The class of its model."""
    random_state: Any = 0

    def parts(self, X: Samples) -> Parts:
        """Model, loss, solver and penalty, as `fit` takes them for these events.

        Raises ValueError for a name that is not known, or a setting that the solver does not have.
        """
        raise NotImplementedError

    @property
    def _loss(self) -> Loss:
        raise NotImplementedError

    def _fitted(self, X: Samples) -> Self:
        """Fit, and keep what was found."""
        parts, seed = self.parts(X), seed_of(self.random_state)
        X, held = self._held_back(X, parts.solver, seed)
        found = fit(
            parts.model, X, parts.loss, parts.solver, penalty=parts.penalty, seed=seed,
            validation=held,
        )  # fmt: skip
        if found.interrupted:
            # A fit returns what it reached; a search over settings must not take that for trained.
            raise KeyboardInterrupt
        if _failed(found):
            warnings.warn(found.message, ConvergenceWarning, stacklevel=3)
        self.__dict__.pop("rate_", None)  # of learning on from what was fitted before
        self.fit_, self.history_ = found, found.history.to_dict()
        self.message_, self.n_iter_ = found.message, max(found.state.epoch, 1)
        self._keep(found.model, found.state)
        return self

    def _held_back(self, X: Samples, solver: Solver, seed: int) -> tuple[Samples, Samples | None]:
        """The events to learn from, and those on which patience waits."""
        return X, None

    def _keep(self, model: Model, state: State) -> None:
        """Sets what is told of a model."""
        raise NotImplementedError

    def _checked(self, X: Any, y: Any, **how: Any) -> tuple[Array, Array]:
        """Features and answers as arrays, checked as scikit-learn checks them."""
        return cast("tuple[Array, Array]", validate_data(self, X, y, dtype=_FLOATS, **how))

    def _features(self, X: Any) -> Array:
        """The columns that the model knows, as an array."""
        check_is_fitted(self)
        return np.asarray(validate_data(self, X, dtype=_FLOATS, reset=False))

    def _samples(self, X: Array, y: Array, weight: Any, names: Sequence[str] = ()) -> Samples:
        """The events that count."""
        features = tuple(getattr(self, "feature_names_in_", ()))
        if weight is None:
            return Samples(X, y, features=features, class_names=names)
        w = _check_sample_weight(weight, X, dtype=np.float64)
        if w.any():
            X, y, w = X[w != 0], y[w != 0], w[w != 0]
        return Samples(X, y, weight=w, features=features, class_names=names)

    def __getstate__(self) -> dict[str, Any]:
        """Plain numbers and arrays only: no training events, no compiled code."""
        state = dict(super().__getstate__())
        state.pop("fit_", None)
        if model := state.get("model_"):
            state["model_"] = _apart(model)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Raises ValueError for a model whose parts do not fit together."""
        if parts := state.get("model_"):
            state = {**state, "model_": _together(self.kind, parts)}
        super().__setstate__(state)


def _apart(thing: Any) -> dict[str, Any]:
    """The parts of a dataclass by name, and the parts of those that are dataclasses again."""
    parts = {part.name: getattr(thing, part.name) for part in fields(thing)}
    return {name: _apart(part) if is_dataclass(part) else part for name, part in parts.items()}


def _together(kind: type[Model], parts: dict[str, Any]) -> Model:
    """The model that `_apart` took apart. Raises ValueError where its parts do not fit together."""
    if kind is Network:
        coded = parts["encoding"]
        if not isinstance(coded, dict):
            raise ValueError(f"a network needs its encoding as arrays by name; it is {coded!r}.")
        arrays = {name: np.atleast_1d(values) for name, values in coded.items()}
        parts = {**parts, "encoding": Encoding(**arrays), "training": None}
    model = kind(**parts)
    if isinstance(model, Linear | Network):
        model.check()
    return model


def seed_of(random_state: Any) -> int:
    """The seed of a fit: a number as it is; None is another one each time."""
    if isinstance(random_state, Integral):
        return int(random_state)
    if random_state is None:
        return int(np.random.default_rng().integers(2**31))
    return int(check_random_state(random_state).randint(2**31 - 1))


def _failed(found: Fit) -> bool:
    """Whether a condition of convergence was not met in the budget, or the run was given up."""
    conditions = ("tolerance", "gradient_tolerance")
    waits = any(getattr(found.solver, name, 0.0) for name in conditions)
    return not found.converged and (waits or not found.state.step)


def offered_if(check: Callable[[Any], bool]) -> Callable[[Any], Any]:
    """A method that is there where the check holds, as scikit-learn's `available_if`."""
    return cast("Callable[[Any], Any]", available_if(check))


class Classifier(ClassifierMixin, Estimator):  # type: ignore[misc]
    """Labels to class indices and back; scores to labels."""

    classes_: Array

    def _labelled(self, X: Any, y: Any, weight: Any) -> Samples:
        """The events with class indices; sets `classes_`. Raises ValueError for a single class."""
        x, labels = self._checked(X, y)
        check_classification_targets(labels)
        self.classes_, index = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "a classifier needs events of at least two classes; these are all of one class,"
                f" {self.classes_[0]}. Give other events or another answer."
            )
        return self._samples(x, index, weight, self._class_names)

    @property
    def _class_names(self) -> list[str]:
        return [str(name) for name in self.classes_]

    def _told(self, X: Any) -> dict[str, Any]:
        """Scores, and probabilities where the loss tells them."""
        x = self._features(X)
        return self._loss.read(self.model_(x))

    def decision_function(self, X: ArrayLike) -> Array:
        """Scores, larger is more like `classes_[1]`, (n,); a column for each of K > 2 classes."""
        return np.asarray(self._told(X)["score"])

    def predict(self, X: ArrayLike) -> Array:
        """The label of each event, (n,): by the sign of the score, or the largest of several."""
        score = self.decision_function(X)
        index = (score > 0).astype(int) if score.ndim == 1 else score.argmax(axis=1)
        return np.asarray(self.classes_[index])
