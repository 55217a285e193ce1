"""All inputs together: can a classifier tell measured from simulated events?"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baksan.evaluate import Evaluation, evaluate
from baksan.metrics import Prediction, auc
from baksan.samples import Samples

Array = NDArray[Any]

__all__ = ["ToldApart", "auc_of", "in_levels", "out_of_fold", "told_apart", "trees_of"]

_SHUFFLED = 4_000  # events on which importance is looked at
_NAME = "trees"
_LEVELS = 255  # as many as the trees have bins
_CAREFUL: dict[str, Any] = {
    "learning_rate": 0.05, "max_iter": 80, "max_leaf_nodes": 8, "min_samples_leaf": 30,
}  # fmt: skip
"""Small trees: what they learn of noise becomes noise of the weights."""


class ToldApart(NamedTuple):
    """The AUC out of fold, its error (half the central 68 % of the bootstrap), how many errors it
    is above 0.5; inputs by how much the AUC falls when they are shuffled, the most telling first;
    P(data | x) of each event, simulation first, (n,).
    """

    auc: float
    error: float
    sigmas: float
    importance: tuple[tuple[str, float], ...]
    score: Array


def told_apart(X: Samples, folds: int, seed: int, replicas: int) -> ToldApart:
    """A forest of boosted trees between the classes of X, simulation and data.

    The two-sample test of a classifier (Friedman, PHYSTAT 2003, SLAC-PUB-10325; Lopez-Paz and
    Oquab, ICLR 2017): if both are of one distribution no classifier does better than 0.5, whatever
    the number of inputs; if not, the AUC is a lower bound of how far apart they are.
    """
    X = in_levels(X)
    score, importance = out_of_fold(X, folds, seed)
    value, error = auc_of(X, score, seed, replicas)
    sigmas = (value - 0.5) / error if error > 0 else np.inf
    ranked = sorted(zip(X.names, importance, strict=True), key=lambda pair: -pair[1])
    return ToldApart(value, error, float(sigmas), tuple(ranked), score)


def in_levels(X: Samples) -> Samples:
    """Each input as the number of its quantile: all that trees see of it.

    They would look for the quantiles at every fit, and with weights take ten times as long for it
    as for the trees.
    """
    x = np.array(X.x, dtype=np.float64)
    for column in x.T:
        there = ~np.isnan(column)
        if there.any():
            shares = np.linspace(0, 1, _LEVELS + 1)[1:-1]
            edges = np.quantile(column[there], shares, method="inverted_cdf")
            column[there] = np.searchsorted(np.unique(edges), column[there])
    return X.with_parts(x=x)


def out_of_fold(X: Samples, folds: int, seed: int) -> tuple[Array, Array]:
    """P(class 1) of each event by trees that have not seen it, (n,); the fall of the AUC for each
    input that is shuffled, (d,).
    """
    number, rng = X.fold_numbers(folds, seed=seed), np.random.default_rng(seed)
    score, falls = np.empty(len(X)), []
    for j in range(folds):
        train, held = X.take(number != j), np.flatnonzero(number == j)
        trees = trees_of(train, seed)
        score[held] = trees.predict_proba(X.x[held])[:, 1]
        some = held[rng.permutation(len(held))[: _SHUFFLED // folds]]
        falls.append(_falls(trees, X.take(some), rng))
    return score, np.mean(falls, axis=0)


def trees_of(X: Samples, seed: int) -> Any:
    """Small boosted trees between the classes of X."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(**_CAREFUL, random_state=seed)
    return trees.fit(X.x, X.answers, sample_weight=X.w)


def _falls(trees: Any, X: Samples, rng: np.random.Generator) -> Array:
    """By how much the AUC falls where one input is shuffled among the events, (d,)."""
    whole = auc(trees.predict_proba(X.x)[:, 1], X.answers, X.w)
    found = np.empty(X.x.shape[1])
    for j in range(len(found)):
        x = X.x.copy()
        x[:, j] = rng.permutation(x[:, j])
        found[j] = whole - auc(trees.predict_proba(x)[:, 1], X.answers, X.w)
    return found


def auc_of(X: Samples, score: Array, seed: int, replicas: int) -> tuple[float, float]:
    """The AUC of scores and its error, by the bootstrap of `evaluate`: groups are drawn whole."""
    told: Evaluation = evaluate(
        {_NAME: Prediction(score=score)}, X, replicas=replicas, seed=seed, metrics=("auc",)
    )
    row = told.row(_NAME, "auc")
    return float(row["value"]), 0.5 * float(row["high"] - row["low"])
