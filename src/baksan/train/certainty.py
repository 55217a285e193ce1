"""How sure are the methods of a regression: intervals and pulls on events not trained on."""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.calibrate import Interval, Intervals, conformal, coverage, pulls
from baksan.files import plain
from baksan.metrics import Prediction
from baksan.samples import Samples
from baksan.train.run import Run

Array = NDArray[Any]
Cover = Callable[[float], Interval | None]
"""From the coverage that is promised to the interval of each event; None where there is none."""

__all__ = ["LEVELS", "certainty"]

LEVELS = (0.68, 0.90, 0.95)
_MOST_BINS = 8
_EVENTS_A_BIN = 100
_SHOWN_PULLS = 20_000


def certainty(run: Run, name: str) -> dict[str, Any]:
    """Coverage per bin of the predicted value and pulls of one method, plain; or {'note': why not}.

    The out-of-fold errors of all other folds make the intervals of a fold (cross-conformal:
    V. Vovk, Ann. Math. Artif. Intell. 74 (2015) 9); of a single test set one half makes those of
    the other.
    """
    X, prediction = run.X.take(run.tested), run.predictions[name]
    try:
        return {**_covered(run, X, prediction), "pulls": _pulls(X, prediction)}
    except ValueError as error:
        return {"note": str(error)}


def _covered(run: Run, X: Samples, prediction: Prediction) -> dict[str, Any]:
    fold = run.fold[run.tested]
    if len(np.unique(fold)) == 1:
        fold = X.fold_numbers(2, seed=run.seed)
    value = np.asarray(prediction.value, dtype=float)
    edges = _edges(value, X.effective_events * (1 - 1 / len(np.unique(fold))))
    ways: dict[str, Cover] = {
        "as predicted": lambda c: _own(prediction, c),
        "one margin": lambda c: _crossed(prediction, X, fold, c, None),
    }
    if len(edges) > 2:
        ways["margin by bin"] = lambda c: _crossed(prediction, X, fold, c, edges)
    found = {w: {c: cover(c) for c in LEVELS} for w, cover in ways.items()}
    answer = X.answer
    return {
        "name": answer.name if answer else "answer",
        "unit": answer.unit if answer else "",
        "ways": {
            way: {
                f"{100 * c:g} %": _told(interval, X, value, edges, c)
                for c, interval in levels.items()
                if interval is not None
            }
            for way, levels in found.items()
            if levels[LEVELS[0]] is not None
        },
    }


def _edges(value: Array, events: float) -> Array:
    """Of at most eight bins of equally many events, 100 or more of them to make a margin."""
    bins = int(np.clip(events / _EVENTS_A_BIN, 1, _MOST_BINS))
    return np.unique(np.quantile(value, np.linspace(0, 1, bins + 1)))


def _told(
    interval: Interval, X: Samples, value: Array, edges: Array, promised: float
) -> dict[str, Any]:
    low, high = interval
    whole = coverage(low, high, X.answers, X.weight)
    bins = coverage(low, high, X.answers, X.weight, value, edges) if len(edges) > 1 else whole
    columns = {k: plain(v) for k, v in vars(bins).items() if k != "outside"}
    return {"promised": promised, "whole": whole.rows()[0], "bins": columns}


def _own(prediction: Prediction, c: float) -> Interval | None:
    """What the model itself promises: its quantiles of these levels, or Gaussian errors."""
    value, q, levels = prediction.value, prediction.quantiles, prediction.levels
    if q is not None and levels is not None:
        ends = [np.flatnonzero(np.isclose(levels, 0.5 + side * c / 2)) for side in (-1, 1)]
        if all(map(len, ends)):
            return Interval(q[:, ends[0][0]], q[:, ends[1][0]])
    if prediction.spread is None or value is None:
        return None
    reach = NormalDist().inv_cdf(0.5 + c / 2) * prediction.spread
    return Interval(value - reach, value + reach)


def _crossed(
    prediction: Prediction, X: Samples, fold: Array, c: float, edges: Array | None
) -> Interval:
    """The events of each fold within intervals that all others make."""
    low, high = np.empty(len(X)), np.empty(len(X))
    for j in np.unique(fold):
        others, own = (np.flatnonzero(rows) for rows in (fold != j, fold == j))
        by = [None if edges is None else prediction.value[rows] for rows in (others, own)]  # type: ignore[index]
        made: Intervals = conformal(
            prediction.take(others), X.take(others), c, by=by[0], edges=edges
        )
        low[own], high[own] = made(prediction.take(own), by[1])
    return Interval(low, high)


def _pulls(X: Samples, prediction: Prediction) -> dict[str, Any] | None:
    if prediction.spread is None or prediction.value is None:
        return None
    given = prediction.value, prediction.spread, X.answers, X.weight
    edges = _edges(np.asarray(prediction.value, dtype=float), X.effective_events)
    whole = pulls(*given)
    bins = pulls(*given, prediction.value, edges) if len(edges) > 2 else None
    rows = _some(len(X))
    return {
        "z": plain(np.round(whole.z[rows], 4)),
        "weight": None if X.weight is None else plain(X.weight[rows]),
        "whole": whole.rows()[0],
        "bins": bins and {k: plain(v) for k, v in vars(bins).items() if k not in ("z", "outside")},
    }


def _some(n: int) -> Array:
    """At most 20,000 of n rows, the same at each call."""
    if n <= _SHOWN_PULLS:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, _SHOWN_PULLS, replace=False))
