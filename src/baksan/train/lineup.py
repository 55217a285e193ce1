"""The line-up: methods by name, each a way from events to predictions.

What to use when
----------------
`linear`   four straight lines: least squares solved exactly, and the logistic (softmax, squared)
           loss by gradient descent, stochastic gradient descent and mini-batches
`cuts`     rectangular cuts; two classes
`trees`    gradient-boosted trees (scikit-learn's HistGradientBoosting)
`forest`   a random forest (scikit-learn's), on standardised features
`network`  four feed-forward networks, and their mean; which kind of networks, held-back events say
`array`    a network over the stations of an array, where the events tell where these stand
`column:…`  a column that is an answer already, by rules; numbers only

Any scikit-learn estimator can stand beside them: `Theirs("svm", SVC())`.

A Stream is read anew for every sum over all events, so its line-up has other budgets. For each
training least squares and gradient descent on the squared loss read it once; descents on batches
once an epoch (1 … 20, about two million events seen) and once besides, for the rate; the spread of
the features is found once for each fold. Gradient descent on any other loss would read it at every
step: it is left out unless named, and then takes 100 steps. Cuts, trees and forest learn from the
stream's sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from baksan import losses
from baksan.evaluate.vectors import kind_of
from baksan.losses import Loss
from baksan.models.array.columns import Columns
from baksan.models.array.network import ArrayNetwork
from baksan.models.cuts import Cuts
from baksan.models.ensemble import Ensemble
from baksan.models.linear import Linear
from baksan.models.network import Network
from baksan.solvers.adaptive import AdamW
from baksan.solvers.analytic import Analytic
from baksan.solvers.base import Events, Problem, Solver
from baksan.solvers.cuts import CutSearch
from baksan.solvers.descent import Descent, GradientDescent, MiniBatch, StochasticGradientDescent
from baksan.solvers.schedules import Cosine
from baksan.stream import Stream
from baksan.train.methods import Best, Fitted, Method, Ours, Theirs
from baksan.train.rules import COLUMN, rule
from baksan.train.views import places_of

_SEEN_BY_ARRAYS = 400_000
"""Events that a network of stations sees in all."""

__all__ = ["METHODS", "Best", "Fitted", "Method", "Ours", "Theirs", "line_up"]


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


_FOR_VECTORS = ("network", "array")


def _check_vectors(name: str, X: Events) -> None:
    """Raises ValueError for a method that answers with one number where a vector is asked for."""
    if (kind := kind_of(X)) and name not in _FOR_VECTORS and not name.startswith(COLUMN):
        raise ValueError(
            f"{name} answers with one number, and a {kind} is asked for. Take"
            f" {', '.join(_FOR_VECTORS)}, or a rule as in {COLUMN}direction(zenith, azimuth)."
        )


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
    unfit = {
        "cuts": len(X.class_names) != 2,
        "array": all(feature.place is None for feature in X.features),
    }
    known = _FOR_VECTORS if kind_of(X) else METHODS
    return [name for name in known if not unfit.get(name)]


def _named(name: str, X: Events) -> list[Method]:
    _check_vectors(name, X)
    if name in METHODS:
        return METHODS[name](X)
    if name.startswith(COLUMN):
        return [rule(name.removeprefix(COLUMN), X)]
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


def _loss_for(X: Events) -> Loss:
    """What networks minimise."""
    if X.task == "regression":
        of_vectors = {"direction": losses.von_mises_fisher, "position": losses.distance}
        return of_vectors.get(kind_of(X), losses.squared)
    return losses.logistic if len(X.class_names) == 2 else losses.softmax


def _network(X: Events) -> list[Method]:
    """An ensemble of four, of one of two kinds of networks.

    Free ones for answers that the features tell nearly exactly, where any noise is a loss; held
    ones, with quantile inputs for tails and units of any kind, where classes overlap.
    """
    loss = _loss_for(X)
    batch = int(np.clip(2 ** round(np.log2(max(len(X), 1) / 60)), 16, 256))
    fewest = 1 if isinstance(X, Stream) else 20

    def solver(seen: float, decay: float) -> Solver:
        """Epochs by how many events are seen in all: a small table is seen more often."""
        epochs = int(np.clip(round(seen / len(X)), fewest, 200))
        return AdamW(Cosine(0.01), batch=batch, epochs=epochs, decay=decay)

    normalised = Network((128, 128), inputs="quantile", normalise="batch", dropout=0.25)
    return [
        Best(
            "network", "Networks, an ensemble of four",
            f"the mean of four networks with {loss.name} loss, by AdamW in batches of {batch} with"
            " a falling rate: of three layers of 64 neurons, or of two of 128 with batch"
            " normalisation and dropout, whichever is better on held-back events",
            Ensemble(Network((64, 64, 64))), loss, solver(4e6, 0.02),
            others=(("normalised", Ensemble(normalised), solver(1.2e6, 0.04)),),
        )
    ]  # fmt: skip


def _array(X: Events) -> list[Method]:
    """Two networks over sets of stations, and their mean."""
    loss = _loss_for(X)
    epochs = int(np.clip(round(_SEEN_BY_ARRAYS / len(X)), 1 if isinstance(X, Stream) else 6, 40))
    answer: Any = kind_of(X) or "number"
    net = ArrayNetwork(Columns.named(X.names), places_of(X), answer=answer)
    about = (
        f"the mean of two networks over the set of stations with {loss.name} loss, by AdamW in"
        " batches of 128 with a falling rate; stations are seen in the frame of the standard axis"
    )
    solver = AdamW(Cosine(0.002), batch=128, epochs=epochs, decay=0.01)
    return [Ours("array", "Networks of stations", about, Ensemble(net, 2), loss, solver)]


METHODS: dict[str, Callable[[Events], list[Method]]] = {
    "linear": _linear,
    "cuts": _cuts,
    "trees": _trees,
    "forest": _forest,
    "network": _network,
    "array": _array,
}
"""Line-ups by name, each a function of the events."""
