"""The line-up: methods by name, each a way from events to predictions.

What to use when
----------------
`linear`   four straight lines: least squares solved exactly, and the logistic (softmax, squared)
           loss by gradient descent, stochastic gradient descent and mini-batches
`cuts`     rectangular cuts; two classes
`trees`    gradient-boosted trees (scikit-learn's HistGradientBoosting)
`forest`   a random forest (scikit-learn's), on standardised features
`network`  four feed-forward networks, and their mean

Any scikit-learn estimator can stand beside them: `Theirs("svm", SVC())`.

A Stream is read anew for every sum over all events, so its line-up has other budgets. For each
training least squares and gradient descent on the squared loss read it once; descents on batches
once an epoch (1 … 20, about two million events seen) and once besides, for the rate; the spread of
the features is found once for each fold. Gradient descent on any other loss would read it at every
step: it is left out unless named, and then takes 100 steps. Cuts, trees and forest learn from the
stream's sample.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan import losses
from baksan.fit import Fit, History, Progress, fit, ready
from baksan.losses import Loss
from baksan.metrics import Prediction
from baksan.models.base import Model
from baksan.models.cuts import Cuts
from baksan.models.ensemble import Ensemble
from baksan.models.imputed import Imputed
from baksan.models.linear import Linear
from baksan.models.network import Network
from baksan.samples import Samples
from baksan.solvers.adaptive import AdamW
from baksan.solvers.analytic import Analytic
from baksan.solvers.base import Events, Penalty, Problem, Solver, State
from baksan.solvers.cuts import CutSearch
from baksan.solvers.descent import Descent, GradientDescent, MiniBatch, StochasticGradientDescent
from baksan.solvers.schedules import Cosine
from baksan.store.card import LossCard
from baksan.store.model import estimator_prediction
from baksan.stream import Stream

Array = NDArray[Any]

__all__ = ["METHODS", "Fitted", "Method", "Ours", "Theirs", "line_up"]


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
    def watches(self) -> bool:
        return self.solver.watches

    @property
    def no_negative_weights(self) -> str:
        return self.solver.no_negative_weights(self.loss)

    def warm_up(self, X: Samples) -> None:
        model = self.model.of if isinstance(self.model, Imputed) else self.model
        if isinstance(model, Linear | Network | Ensemble):
            X = X.with_parts(x=np.nan_to_num(X.x), missing=False) if X.missing else X
            problem = ready(Problem(model, X, self.loss, self.penalty), self.solver)
            self.solver.stepper(problem)(self.solver.start(problem.model), 1)

    def train(self, X: Events, *, seed: int, threads: int, **more: Any) -> Fitted:
        # Reports show the distance to the minimum, for which Q is needed on all events.
        found = fit(
            self.model, X, self.loss, self.solver, penalty=self.penalty, seed=seed, look=3.0, **more
        )
        if found.interrupted:
            # A fit returns what it reached; a comparison must not take that for a trained model.
            raise KeyboardInterrupt
        return Fitted(found.model, found.predict, found.message, found)


def _brief(thing: Any) -> str:
    """A dataclass as it would be written: what differs from the defaults."""
    told = []
    for part in fields(thing):
        value = getattr(thing, part.name)
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


# The methods by name ------------------------------------------------------------------------------


def line_up(methods: str | Sequence[Any] | None, X: Events) -> list[Method]:
    """The methods of these names for these events; a good line-up if none is named.

    Names, Methods and scikit-learn estimators may stand side by side.

    Raises KeyError for an unknown name, ValueError for a method that does not fit the task or the
    weights, or for two methods of one name, TypeError for what is no method.
    """
    chosen: list[Method] = []
    methods = [methods] if isinstance(methods, str) else methods
    for method in methods if methods is not None else _default(X):
        chosen += [m.filling_in() if X.missing else m for m in _methods(method, X)]
    names = [method.name for method in chosen]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(
            f"methods need different names; {twice[0]!r} is there twice. Name each once."
        )
    if not chosen:
        raise ValueError(f"a line-up needs a method; there are {', '.join(METHODS)}.")
    return chosen


def _methods(method: Any, X: Events) -> list[Method]:
    if isinstance(method, Method):
        return [method]
    if isinstance(method, str):
        return _named(method, X)
    if hasattr(method, "parts"):  # an estimator of ours is a model, a loss and a solver
        parts = method.parts(X.sample if isinstance(X, Stream) else X)
        name = type(method).__name__
        return [Ours(name, name, "", parts.model, parts.loss, parts.solver, parts.penalty)]
    if hasattr(method, "fit") and hasattr(method, "get_params"):
        return [Theirs(type(method).__name__, method)]
    raise TypeError(
        f"a method is a name ({', '.join(METHODS)}), Ours, Theirs, or a scikit-learn estimator;"
        f" {method!r} came."
    )


def _default(X: Events) -> list[str]:
    return [name for name in METHODS if name != "cuts" or len(X.class_names) == 2]


def _named(name: str, X: Events) -> list[Method]:
    if name in METHODS:
        return METHODS[name](X)
    lines: list[Method] = [*_lines(X)]
    for method in lines:
        if method.name == name:
            return [method]
    known = [*METHODS, *(method.name for method in lines)]
    raise KeyError(f"no method {name!r}; there are {', '.join(known)}.")


def _linear(X: Events) -> list[Method]:
    """The straight lines, without the one that would read a stream at every step."""
    return [line for line in _lines(X) if not _rereads(line, X)]


def _rereads(line: Ours, X: Events) -> bool:
    """Whether each step reads a stream from its beginning to its end."""
    full = isinstance(line.solver, Descent) and line.solver.batch is None
    once = full and line.solver.wants_gram(Problem(line.model, X, line.loss))
    return isinstance(X, Stream) and full and not once


def _lines(X: Events) -> list[Ours]:
    """Least squares solved exactly, and one loss by three descents that differ in their batch."""
    if X.task == "regression":
        exact, loss, what = losses.squared, losses.squared, "the squared loss"
    else:
        exact = losses.squared_margin
        loss = losses.logistic if len(X.class_names) == 2 else losses.softmax
        what = f"the {loss.name} loss"
    some = X.sample if isinstance(X, Stream) else X
    size = float(np.std(some.answers)) if X.task == "regression" else 1.0
    # About two million events seen, whatever their number: enough for 1e-4 of the minimum.
    fewest, most = (1, 20) if isinstance(X, Stream) else (20, 300)
    epochs = int(np.clip(round(2e6 / len(X)), fewest, most))
    descent = GradientDescent(
        momentum=0.95, nesterov=True, steps=3_000, gradient_tolerance=1e-7 * size
    )
    full = Ours(
        "linear-gd", "Linear, gradient descent",
        f"the linear model with {what}; every step sees all events, with Nesterov's momentum",
        Linear(), loss, descent,
    )  # fmt: skip
    if _rereads(full, X):
        full = replace(full, solver=replace(descent, steps=100))
    return [
        Ours(
            "linear-analytic", "Linear, least squares",
            "the linear model with the squared loss (on ±1 for classes), solved exactly",
            Linear(), exact, Analytic(),
        ),
        full,
        Ours(
            "linear-sgd", "Linear, stochastic gradient descent",
            f"the linear model with {what}; every step sees one event, the iterates are averaged",
            Linear(), loss, StochasticGradientDescent(epochs=epochs, average=True),
        ),
        Ours(
            "linear-minibatch", "Linear, mini-batches",
            f"the linear model with {what}; every step sees 64 events, the iterates are averaged",
            Linear(), loss, MiniBatch(batch=64, epochs=epochs, average=True),
        ),
    ]  # fmt: skip


def _cuts(X: Events) -> list[Method]:
    if len(X.class_names) != 2:
        if X.class_names:
            raise ValueError(
                "cuts part a signal from a background; the answer has"
                f" {len(X.class_names)} classes. Leave cuts out."
            )
        raise ValueError(
            "cuts part a signal from a background; the answer is a number. If it marks classes,"
            " --signal 1 (signal='1') makes classes of it; else leave cuts out."
        )
    return [
        Ours(
            "cuts", "Rectangular cuts",
            "nested boxes in the features, one for each background level, found by peeling",
            Cuts(), losses.zero_one, CutSearch(),
        )
    ]  # fmt: skip


def _trees(X: Events) -> list[Method]:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if X.class_names else HistGradientBoostingRegressor
    about = "scikit-learn's HistGradientBoosting with its default settings"
    return [Theirs("trees", kind(), "Gradient-boosted trees", about)]


def _forest(X: Events) -> list[Method]:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kind = RandomForestClassifier if X.class_names else RandomForestRegressor
    about = "scikit-learn's random forest of 300 trees, on standardised features"
    # scikit-learn's trees see no difference below 1e-7: fluxes of 1e-12 would all be one number.
    forest = make_pipeline(StandardScaler(), kind(n_estimators=300))
    return [Theirs("forest", forest, "Random forest", about)]


def _network(X: Events) -> list[Method]:
    """An ensemble of four: quantile inputs for tails and units of any kind, weights that decay."""
    if X.task == "regression":
        loss = losses.squared
    else:
        loss = losses.logistic if len(X.class_names) == 2 else losses.softmax
    # About a million events seen, but a small table often enough for some thousand steps.
    fewest = 1 if isinstance(X, Stream) else 20
    epochs = int(np.clip(round(1.2e6 / len(X)), fewest, 200))
    batch = int(np.clip(2 ** round(np.log2(max(len(X), 1) / 60)), 16, 256))
    return [
        Ours(
            "network", "Networks, an ensemble of four",
            f"the mean of four networks of three layers of 64 neurons with {loss.name} loss, by"
            f" AdamW in batches of {batch}, {epochs} epochs with a falling rate",
            Ensemble(Network((64, 64, 64), inputs="quantile")), loss,
            AdamW(Cosine(0.01), batch=batch, epochs=epochs, decay=0.2),
        )
    ]  # fmt: skip


METHODS: dict[str, Callable[[Events], list[Method]]] = {
    "linear": _linear,
    "cuts": _cuts,
    "trees": _trees,
    "forest": _forest,
    "network": _network,
}
"""Line-ups by name, each a function of the events."""
