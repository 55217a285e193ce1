"""evaluate: predictions × metrics → Evaluation. It never trains.

`bootstrap` tells where the error bars come from, `result` what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.evaluate.bootstrap import Part, differences, draw, fold_spread
from baksan.evaluate.result import Evaluation, Row, plus_minus
from baksan.evaluate.vectors import across, as_misses, kind_of
from baksan.files import plain
from baksan.metrics import METRICS, Prediction, bin_numbers, confusion
from baksan.metrics.figures import ClassFigures
from baksan.samples import Samples

Array = NDArray[Any]

__all__ = ["BinBy", "Evaluation", "evaluate", "plus_minus"]

_IN_BINS = {
    "classification": ("auc",), "regression": ("bias", "resolution", "rmse"),
    "direction": ("within_68",), "position": ("within_68",),
}  # fmt: skip
_BINS_OF_ANSWER = 10
_POINTS = 61


class BinBy(NamedTuple):
    """A variable to bin figures by: values (n,), its name and unit, rising edges (m + 1,)."""

    values: ArrayLike
    name: str
    unit: str
    edges: ArrayLike


def evaluate(
    predictions: Mapping[str, Prediction],
    X: Samples,
    *,
    folds: ArrayLike | None = None,
    replicas: int = 500,
    seed: int = 0,
    bin_by: BinBy | tuple[ArrayLike, str, str, ArrayLike] | None = None,
    metrics: Sequence[str] | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Evaluation:
    """Compare models on the same events, with error bars and paired differences.

    Parameters
    ----------
    predictions : mapping of str to Prediction
        By model; of all events of X in their order: a test set, or folds put together with
        `Prediction.pooled`. Scores of different folds are compared with each other then.
    X : Samples
        The events, with the answers y; their weights count, also negative ones, and their groups
        are drawn as a whole.
    folds : (n,) int, optional
        The fold of each event, for the spread over folds.
    replicas : int
        How many bootstrap replicas, at least 2.
    bin_by : BinBy, optional
        Figures per bin of this variable: bias, resolution and RMSE, or the AUC. Regression is
        binned by the answer in ten bins of equal counts if nothing is said; directions by their
        zenith angle, places by their distance from the origin.
    metrics : sequence of str, optional
        Names out of `METRICS`; None is all that fit the task, without the relative ones.
    progress : callable, optional
        Called as progress(done, total) after each replica.

    Raises
    ------
    ValueError
        No answers, a class without events or whose weights sum to 0 or less, predictions of another
        length or task, one group only.
    KeyError
        An unknown metric.

    Examples
    --------
    >>> X = Samples([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1], class_names=("hadron", "gamma"))
    >>> found = evaluate({"by eye": Prediction(score=[-2.0, 1.0, -1.0, 2.0])}, X, replicas=20)
    >>> found.value("by eye", "auc"), found.value("by eye", "accuracy")
    (1.0, 1.0)
    >>> found.row("by eye", "brier")["reason"]
    'the model gives no probabilities'
    """
    _check_mapping(predictions, replicas)
    if kind := kind_of(X):
        bin_by = bin_by or _bins_across(X)
        predictions, X = as_misses(predictions, X)
    y = _answers(X)
    _check(predictions, X)
    names = _chosen(metrics, X, bool(kind))
    fold = None if folds is None else _per_event(folds, "folds", len(X))
    bins = _bins(bin_by, X, y)
    grid = _grid(X, y)

    parts = {m: Part(a, y, X.w, names, grid) for m, a in predictions.items()}
    in_bin = {
        (m, j): Part(
            a, y, X.w, _IN_BINS[kind or X.task], grid[:0], np.flatnonzero(bins.number == j)
        )
        for m, a in predictions.items()
        for j in range(bins.count)
    }
    groups, lost = draw([*parts.values(), *in_bin.values()], X, replicas, seed, progress)
    return Evaluation(
        task=X.task,
        class_names=list(X.class_names),
        answer={"name": X.answer.name, "unit": X.answer.unit} if X.answer else None,
        events=len(X),
        groups=groups,
        effective_events=X.effective_events,
        replicas=replicas,
        seed=seed,
        folds=None if fold is None else len(np.unique(fold)),
        metrics={name: _described(name, X) for name in names},
        table=[
            row
            for m, part in parts.items()
            for row in part.table(m, fold_spread(part, y, X.w, fold), X.w)
        ],
        differences=differences(parts, names),
        curves={
            m: _class_curves(part, X, y)
            if X.class_names
            else _residual_curves(m, bins.count, in_bin)
            for m, part in parts.items()
        },
        bins=_bin_table(bins, in_bin) if bins.count else None,
        notes=[*X.weight_notes, *_lost_note(lost, replicas)],
    )


def _lost_note(lost: int, replicas: int) -> list[str]:
    if not lost:
        return []
    return [
        f"{lost} of {replicas} replicas do not count: their weights, or those of a class, sum to 0"
        " or less."
    ]


# Curves and bins ----------------------------------------------------------------------------------


def _grid(X: Samples, y: Array) -> Array:
    """Background efficiencies for all ROC curves, even in the logarithm, down to one event."""
    if not X.class_names:
        return np.empty(0)
    counts = np.bincount(y, minlength=len(X.class_names))
    fewest = counts[0] if len(counts) == 2 else len(y) - counts.max()
    return np.geomspace(1 / fewest, 1, _POINTS)


def _class_curves(part: Part, X: Samples, y: Array) -> Row:
    own = part.figures
    assert isinstance(own, ClassFigures)
    low, high = part.interval()
    curves: Row = {"roc": []}
    place = len(part.names)
    for k in own.rankings:
        span = slice(place, place := place + len(own.grid))
        curves["roc"].append({
            "class": X.class_names[k],
            "background": plain(own.grid),
            "signal": plain(part.value[span]),
            "low": plain(low[span]),
            "high": plain(high[span]),
        })  # fmt: skip
    if own.reliability is not None:
        bins = own.reliability.bins(X.w)
        curves["calibration"] = {
            "predicted": plain(bins.predicted),
            "observed": plain(bins.observed),
            "low": plain(low[place:]),
            "high": plain(high[place:]),
            "weight": plain(bins.weight),
        }
    curves["confusion"] = plain(confusion(part.prediction.label, y, len(X.class_names), X.w))
    return curves


def _residual_curves(model: str, bins: int, in_bin: Mapping[tuple[str, int], Part]) -> Row:
    points = np.array([in_bin[model, j].value[-3:] for j in range(bins)]).reshape(bins, 3)
    names = ("q16", "q50", "q84")
    return {"residuals": {name: plain(c) for name, c in zip(names, points.T, strict=True)}}


def _bins_across(X: Samples) -> BinBy | None:
    values, name, unit = across(X)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS_OF_ANSWER + 1)))
    return BinBy(values, name, unit, edges) if len(edges) > 1 else None


@dataclass(frozen=True)
class _Bins:
    name: str
    unit: str
    edges: Array
    number: Array

    @property
    def count(self) -> int:
        return max(len(self.edges) - 1, 0)


def _bins(given: BinBy | tuple[Any, ...] | None, X: Samples, y: Array) -> _Bins:
    if given is None and X.class_names:
        return _Bins("", "", np.empty(0), np.empty(0))
    if given is None:
        edges = np.unique(np.quantile(y, np.linspace(0, 1, _BINS_OF_ANSWER + 1)))
        name, unit = (X.answer.name, X.answer.unit) if X.answer else ("answer", "")
        if len(edges) < 2:
            return _Bins(name, unit, np.empty(0), np.empty(0))
        given = BinBy(y, name, unit, edges)
    values, name, unit, edges = given
    values = _per_event(values, f"values of {name!r}", len(X))
    return _Bins(name, unit, np.asarray(edges, dtype=float), bin_numbers(values, edges))


def _bin_table(bins: _Bins, in_bin: Mapping[tuple[str, int], Part]) -> Row:
    rows = []
    for (model, j), part in in_bin.items():
        low, high = part.interval()
        rows += [
            {
                "model": model, "bin": j, "metric": name, "value": plain(part.value[i]),
                "low": plain(low[i]), "high": plain(high[i]),
            }
            for i, name in enumerate(part.names)
        ]  # fmt: skip
    return {
        "name": bins.name,
        "unit": bins.unit,
        "edges": plain(bins.edges),
        "events": [int(np.sum(bins.number == j)) for j in range(bins.count)],
        "outside": int(np.sum(bins.number < 0)),
        "rows": rows,
    }


# Checks -------------------------------------------------------------------------------------------


def _answers(X: Samples) -> Array:
    if X.y is None or not len(X):
        raise ValueError(
            f"an evaluation needs events with answers; X has {len(X)} events and"
            f" {'no y' if X.y is None else 'y'}. Give labelled events."
        )
    y = np.asarray(X.y[:, 0] if X.y.ndim == 2 and X.y.shape[1] == 1 else X.y)
    if y.ndim != 1:
        raise ValueError(
            f"an evaluation is of one answer at a time; y has the shape {y.shape}."
            " Evaluate each column by itself."
        )
    if not X.class_names:
        return y
    sums = np.bincount(y, X.w, len(X.class_names))
    lost = [c for c, mass in zip(X.class_names, sums, strict=True) if mass <= 0]
    if lost or len(X.class_names) < 2:
        raise ValueError(
            "an evaluation of classes needs events of two classes or more, and some of each;"
            f" X has {', '.join(f'{n} of {c}' for c, n in X.class_counts.items())}."
            " Add events, or leave the empty class out."
        )
    return y


def _check_mapping(predictions: Mapping[str, Prediction], replicas: int) -> None:
    if not isinstance(predictions, Mapping):
        raise TypeError(
            "an evaluation needs predictions by name, {'forest': Prediction(…)};"
            f" {type(predictions).__name__} came."
        )
    if not predictions:
        raise ValueError("an evaluation needs at least one prediction; the mapping is empty.")
    if replicas < 2:
        raise ValueError(f"error bars need two replicas or more; {replicas} asked for. Take 500.")
    for model, a in predictions.items():
        if not isinstance(a, Prediction):
            raise TypeError(
                f"{model!r} must be a Prediction of the events, such as found.predict(X) or"
                f" Prediction(score=…); {type(a).__name__} came."
            )


def _check(predictions: Mapping[str, Prediction], X: Samples) -> None:
    for model, a in predictions.items():
        if len(a) != len(X):
            raise ValueError(
                f"{model!r} must predict each of the {len(X)} events of X; it has {len(a)}."
                " Predict the same events in the same order."
            )
        if a.task != X.task:
            raise ValueError(
                f"{model!r} must be a {X.task}, as the answers are; it is a {a.task}."
                " Classes need a score, numbers a value."
            )
        given: Any = a.value if a.score is None else a.score
        columns = 1 if given.ndim == 1 else given.shape[1]
        needed = len(X.class_names) if len(X.class_names) > 2 else 1
        if columns != needed:
            kind = "value" if a.score is None else "score"
            raise ValueError(
                f"{model!r} must have {needed} {kind}{'s' * (needed > 1)} for each event; it has"
                f" {columns}. K ≥ 3 classes need a score each, everything else one number."
            )


def _chosen(metrics: Sequence[str] | None, X: Samples, vectors: bool) -> tuple[str, ...]:
    two = len(X.class_names) == 2
    fitting = {
        m: v
        for m, v in METRICS.items()
        if v.task == X.task and v.vectors == vectors and (two or not v.two_classes)
    }
    if metrics is None:
        return tuple(m for m, v in fitting.items() if v.default)
    for name in metrics:
        if name not in METRICS:
            raise KeyError(f"no metric {name!r}; there are {', '.join(METRICS)}.")
        if name not in fitting:
            raise ValueError(
                f"{name} does not fit a {X.task}"
                + (f" with {len(X.class_names)} classes" if X.class_names else "")
                + f"; these do: {', '.join(fitting)}."
            )
    if not metrics:
        raise ValueError(
            f"an evaluation needs a metric; none was asked for. Take {next(iter(fitting))}."
        )
    return tuple(dict.fromkeys(metrics))


def _described(name: str, X: Samples) -> Row:
    metric = METRICS[name]
    unit = X.answer.unit if metric.of_answer and X.answer else ""
    return {
        "title": metric.title,
        "unit": unit,
        "better": metric.better,
        "explanation": metric.explanation,
    }


def _per_event(values: ArrayLike, what: str, n: int) -> Array:
    array = np.asarray(values)
    if array.shape != (n,):
        raise ValueError(
            f"{what} must be one number for each of the {n} events; the shape is {array.shape}."
        )
    return array
