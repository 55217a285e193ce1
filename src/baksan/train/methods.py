"""What stands in a line-up: a named way to train, from samples to a fitted model.

What to use when
----------------
`Ours`     a model of baksan's with its loss and solver
`Best`     several of these, of which held-back events choose one
`Theirs`   a scikit-learn estimator
`Method`   what all of them answer
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan import losses
from baksan.compiled import side_by_side
from baksan.fit import Fit, History, Now, Progress, fit, ready
from baksan.losses import Loss, Q
from baksan.metrics import Prediction
from baksan.models.array.network import ArrayNetwork
from baksan.models.base import Model
from baksan.models.ensemble import Ensemble
from baksan.models.imputed import Imputed
from baksan.models.linear import Linear
from baksan.models.neural import Neural
from baksan.samples import Samples
from baksan.solvers.analytic import Analytic
from baksan.solvers.base import Events, Penalty, Problem, Solver, State
from baksan.solvers.descent import Descent
from baksan.store.card import LossCard
from baksan.store.model import estimator_prediction
from baksan.stream import Stream

Array = NDArray[Any]

__all__ = ["Best", "Fitted", "Method", "Ours", "Theirs"]

_FEWEST = 50  # groups a class, or events where there are no groups, that can spare a fifth


@dataclass(frozen=True, eq=False)
class Fitted:
    """One trained method: the model, how it predicts, and what it says of its training."""

    model: Any
    predict: Callable[[Array], Prediction]
    message: str
    fit: Fit | None = None


class Method(ABC):
    """A named way to train: (samples, seed) → Fitted.

    `streams` says that a Stream may come in place of Samples, too.
    """

    name: str
    title: str
    description: str
    streams = False
    sees_detectors = False
    """Whether it takes features of single detectors; others are shown the rest."""

    @abstractmethod
    def train(
        self,
        X: Any,
        *,
        seed: int,
        threads: int,
        validation: Events | None = None,
        state: State | None = None,
        history: History | None = None,
        progress: Progress | None = None,
        checkpoint: Callable[[State, History], None] | None = None,
    ) -> Fitted:
        """Train on these samples; `state` and `history` go on with a run that was broken off."""

    @property
    @abstractmethod
    def settings(self) -> str:
        """All settings, in a line that config.toml keeps."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """Its model's kind in a model file."""

    @property
    def loss_card(self) -> LossCard | None:
        """The loss of its model file, where it has one. Raises TypeError for a nameless loss."""
        return None

    @property
    def watches(self) -> bool:
        """Whether training needs events held back, to stop by their loss."""
        return False

    def filling_in(self) -> Method:
        """The method for events that lack some of their features."""
        return self

    @property
    def no_negative_weights(self) -> str:
        """Why it cannot be trained on events of negative weight; "" if it can."""
        return ""

    def check(self, X: Samples) -> None:  # noqa: B027 (most have nothing to check)
        """Raises ValueError where these samples cannot be trained on; before any work is done."""

    def warm_up(self, X: Samples) -> None:  # noqa: B027 (most compile nothing)
        """Compile what will run, so that no method's time holds the compiler's."""


@dataclass(frozen=True)
class Ours(Method):
    """A model of baksan's with its loss and solver."""

    name: str
    title: str
    description: str
    model: Model
    loss: Loss
    solver: Solver
    penalty: Penalty | None = None

    @property
    def settings(self) -> str:
        numbers = np.atleast_1d(self.loss.setting or ())
        setting = f"({', '.join(f'{number:g}' for number in numbers)})" if len(numbers) else ""
        parts = [_brief(self.model), f"{self.loss.name}{setting}", _brief(self.solver)]
        return ", ".join(parts + ([repr(self.penalty)] if self.penalty else []))

    @property
    def kind(self) -> str:
        return type(self.model).__name__.lower()

    @property
    def loss_card(self) -> LossCard | None:
        if losses.LOSSES.get(self.loss.name, self.loss).cost is not self.loss.cost or (
            self.loss.name not in losses.LOSSES
        ):
            raise TypeError(
                f"a model file names its loss, and {self.loss.name!r} is none of"
                f" {', '.join(losses.LOSSES)}. Put it into baksan.losses.LOSSES to save the model."
            )
        return LossCard(name=self.loss.name, setting=self.loss.setting)

    def filling_in(self) -> Method:
        known = isinstance(self.model, Imputed)
        return self if known else replace(self, model=Imputed(self.model))

    @property
    def streams(self) -> bool:  # type: ignore[override]
        """Whether the solver is one of sums over blocks of events."""
        return isinstance(self.solver, Analytic | Descent)

    @property
    def sees_detectors(self) -> bool:  # type: ignore[override]
        return isinstance(getattr(self.model, "of", self.model), ArrayNetwork)

    @property
    def watches(self) -> bool:
        return self.solver.watches

    @property
    def no_negative_weights(self) -> str:
        return self.solver.no_negative_weights(self.loss)

    def warm_up(self, X: Samples) -> None:
        model = self.model.of if isinstance(self.model, Imputed) else self.model
        if isinstance(model, Linear | Neural | Ensemble):
            X = X.with_parts(x=np.nan_to_num(X.x), missing=False) if X.missing else X
            problem = ready(Problem(model, X, self.loss, self.penalty), self.solver)
            self.solver.stepper(problem)(self.solver.start(problem.model), 1)

    def train(self, X: Events, *, seed: int, threads: int, **more: Any) -> Fitted:
        # Reports show the distance to the minimum, for which Q is needed on all events; a look at
        # stations costs as much as a step.
        look = 0.1 if self.sees_detectors else 3.0
        found = fit(
            self.model,
            X,
            self.loss,
            self.solver,
            penalty=self.penalty,
            seed=seed,
            look=look,
            **more,
        )
        if found.interrupted:
            # A fit returns what it reached; a comparison must not take that for a trained model.
            raise KeyboardInterrupt
        return Fitted(found.model, found.predict, found.message, found)


@dataclass(frozen=True)
class Best(Ours):
    """One of several models and solvers, chosen by Q on training events that are held back.

    What is compared are the members of ensembles, one of each: who is best by itself is best in
    company, and costs a fraction. A fifth of the events is held back for that, groups whole; then
    the choice is trained on all. Of a Stream the first is taken.
    """

    others: tuple[tuple[str, Model, Solver], ...] = ()
    """What else there is, by name; the model and solver of the method itself come first."""

    @property
    def settings(self) -> str:
        return "; or ".join(self._as_ours(one).settings for one in self._all)

    @property
    def _all(self) -> list[tuple[str, Model, Solver]]:
        return [("plain", self.model, self.solver), *self.others]

    def warm_up(self, X: Samples) -> None:
        for one in self._all:
            self._as_ours(one).warm_up(X)

    def _as_ours(self, one: tuple[str, Model, Solver]) -> Ours:
        _, model, solver = one
        return Ours(self.name, self.title, self.description, model, self.loss, solver, self.penalty)

    def filling_in(self) -> Method:
        if isinstance(self.model, Imputed):
            return self
        others = tuple((name, Imputed(model), solver) for name, model, solver in self.others)
        return replace(self, model=Imputed(self.model), others=others)

    def train(
        self, X: Events, *, seed: int, threads: int, progress: Progress | None = None, **more: Any
    ) -> Fitted:
        if isinstance(X, Stream) or not self.others or not _may_hold_back(X):
            return self._as_ours(self._all[0]).train(
                X, seed=seed, threads=threads, progress=progress, **more
            )
        shown = _Halves(progress)
        losses_of = self._judged(X, seed, shown.first)
        chosen = int(np.argmin(losses_of))
        found = self._as_ours(self._all[chosen]).train(
            X, seed=seed, threads=threads, progress=shown.second, **more
        )
        told = ", ".join(
            f"{name} {q:.4g}" for (name, *_), q in zip(self._all, losses_of, strict=True)
        )
        name = self._all[chosen][0]
        message = f"{name} was the best on a held-back fifth (Q: {told}); {found.message}"
        return replace(found, message=message)

    def _judged(self, X: Samples, seed: int, progress: Progress) -> list[float]:
        """Q of each on the events that it has not seen, trained by itself."""
        learn, held = X.split(0.8, seed=seed)
        found = [math.inf] * len(self._all)

        def one(index: int) -> None:
            _, model, solver = self._all[index]
            fitted = fit(
                _single(model), learn, self.loss, solver, penalty=self.penalty, seed=seed,
                progress=progress,
            )  # fmt: skip
            if fitted.interrupted:
                raise KeyboardInterrupt
            q = Q(fitted.model, held, self.loss)
            found[index] = q if math.isfinite(q) else math.inf

        side_by_side(one, range(len(self._all)))
        return found


def _may_hold_back(X: Samples) -> bool:
    """Whether there are groups (events) enough for a fifth of them to choose."""
    units = len(X) if X.group is None else len(np.unique(X.group))
    return units >= _FEWEST * max(len(X.class_names), 1)


def _single(model: Model) -> Model:
    """A member of an ensemble; any other model as it is."""
    if isinstance(model, Imputed):
        return replace(model, of=_single(model.of))
    return model.of if isinstance(model, Ensemble) else model


class _Halves:
    """The progress of two works, one after the other, as that of one."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress

    def first(self, now: Now) -> None:
        if self.progress is not None:
            self.progress(now._replace(last=2 * now.last))

    def second(self, now: Now) -> None:
        if self.progress is not None:
            self.progress(now._replace(step=int(now.last) + now.step, last=2 * now.last))


def _brief(thing: Any) -> str:
    """A dataclass as it would be written: what differs from the defaults."""
    told = []
    for part in fields(thing):
        value = getattr(thing, part.name)
        if not part.repr:
            continue
        usual = part.default_factory() if part.default_factory is not MISSING else part.default
        if isinstance(value, Model):  # what is wrapped is told even if it is the usual one
            told.append(_brief(value))
        elif repr(value) != repr(usual):
            told.append(f"{part.name}={value!r}")
    return f"{type(thing).__name__}({', '.join(told)})"


@dataclass(frozen=True)
class Theirs(Method):
    """A scikit-learn estimator; event weights go to `sample_weight` where it takes them.

    Trees and forests divide by sums of weights, which negative ones bring near 0 or below it: what
    comes out is no answer, or an error. So events of negative weight are refused, unless
    `negative_weights` says that this estimator makes sense of them.
    """

    name: str
    estimator: Any
    title: str = ""
    description: str = ""
    negative_weights: bool = False

    @property
    def settings(self) -> str:
        return " ".join(repr(self.estimator).split())

    @property
    def kind(self) -> str:
        return "sklearn"

    def filling_in(self) -> Method:
        """The estimator itself if it takes NaN, else behind scikit-learn's SimpleImputer."""
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.utils import get_tags

        steps = [step for _, step in getattr(self.estimator, "steps", [("", self.estimator)])]
        if all(get_tags(step).input_tags.allow_nan for step in steps):
            return self
        filled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), self.estimator)
        return replace(self, estimator=filled)

    @property
    def no_negative_weights(self) -> str:
        if self.negative_weights:
            return ""
        return (
            f"{type(self._last[1]).__name__} is not known to make sense of events of negative"
            " weight. Leave these events out."
        )

    def check(self, X: Samples) -> None:
        if X.weight is not None:
            self._takes_weights()

    @property
    def _last(self) -> tuple[str, Any]:
        """The name of a pipeline's last step, "" for none, and the estimator that learns."""
        steps = getattr(self.estimator, "steps", None)
        return steps[-1] if steps else ("", self.estimator)

    def _takes_weights(self) -> str:
        """The argument of `fit` for event weights; a pipeline hands them to its last step."""
        from sklearn.utils.validation import has_fit_parameter

        step, last = self._last
        if not has_fit_parameter(last, "sample_weight"):
            raise ValueError(
                f"{self.name}: {type(last).__name__} takes no event weights, and these events"
                " have some. Leave this method out, or the weights."
            )
        return f"{step}__sample_weight" if step else "sample_weight"

    def train(self, X: Samples, *, seed: int, threads: int, **more: Any) -> Fitted:
        from joblib import parallel_config
        from sklearn.base import clone
        from threadpoolctl import threadpool_limits

        estimator = clone(self.estimator)
        known = estimator.get_params()
        # The steps of a pipeline draw numbers too.
        drawing = [k for k in known if k.rpartition("__")[2] == "random_state"]
        estimator.set_params(**dict.fromkeys(drawing, seed))
        if "n_jobs" in known:  # a model file should not tie its reader to our number of cores
            estimator.set_params(n_jobs=None)
        weights = {} if X.weight is None else {self._takes_weights(): X.weight}
        with threadpool_limits(threads), parallel_config("threading", n_jobs=threads):
            estimator.fit(X.x, X.answers, **weights)
        return Fitted(estimator, lambda x: estimator_prediction(estimator, x, X.task), "trained.")
