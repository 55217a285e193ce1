"""Where a fit begins: widths, standardisation, the best constant; what is missing, filled in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan import losses
from baksan.models.base import Model
from baksan.models.ensemble import Ensemble
from baksan.models.imputed import Imputed
from baksan.models.linear import Linear, deviations
from baksan.models.neural import Neural
from baksan.samples import Feature, Samples
from baksan.solvers.base import Events, Problem, Solver
from baksan.solvers.doubts import check_size
from baksan.solvers.gram import Gram
from baksan.stream import Stream

Array = NDArray[Any]

__all__ = ["completed", "ready"]

_CANCELLED = 1e-12  # what rounding may leave of weights that cancel, of their sum


def ready(
    problem: Problem, solver: Solver | None = None, start: str = "constant", seed: int = 0
) -> Problem:
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
    if isinstance(model, Linear | Neural | Ensemble) and model.features:
        outputs = model.outputs  # a model that goes on; targets of another width are refused
        model(X.head.x[:1])  # and so are features
    if solver is not None and solver.wants_gram(problem):
        problem = replace(problem, gram=Gram.of(X, loss, outputs))
    _check_classes(problem)
    prepared = _prepared(problem, outputs)
    if prepared is model:
        return problem
    prepared = prepared.drawn(seed).named(X.names, [f.unit for f in X.features])
    if start == "constant":
        spread = _spread(problem, outputs)
        prepared = prepared.at_constant(_best_constant(problem, outputs), spread)
        if isinstance(network := getattr(prepared, "of", prepared), Neural):
            check_size(network, loss)
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


def _spread(problem: Problem, outputs: int) -> Array | float:
    """How far the answers are from the best constant, in each output; of a stream, its sample's."""
    X = problem.X
    if isinstance(problem.model, Linear):
        return 1.0
    some = X if isinstance(X, Samples) else X.sample
    return problem.loss.scale(some.answers, outputs, some.weight)


def completed(model: Imputed, X: Events) -> tuple[Imputed, Events]:
    """The model with its medians fixed from X (of a Stream, its sample), and X filled in by it."""
    some = X.sample if isinstance(X, Stream) else X
    model = model.filling(some.x, some.w)
    known = {f.name: f for f in X.features}
    features = tuple(known.get(name, Feature(name)) for name in model.names(X.names))

    def change(block: Samples) -> Samples:
        return block.with_parts(x=model.completed(block.x), features=features, missing=False)

    return model, X.map(change) if isinstance(X, Stream) else change(X)
