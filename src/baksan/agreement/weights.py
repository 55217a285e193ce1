"""Weights that bring the simulation to the data, and what they cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baksan.agreement.told_apart import auc_of, in_levels, out_of_fold, trees_of
from baksan.samples import Samples

Array = NDArray[Any]

__all__ = ["Reweighted", "reweighted"]

_LARGEST = 50.0  # an event that stands for more is not known by the simulation


class Reweighted(NamedTuple):
    """Weights of the simulated events of mean 1, (n,); how many events they leave in effect,
    (Σw)²/Σw²; the AUC of a new classifier between weighted simulation and data, and its error; how
    many weights were cut at 50, where the simulation has next to no such events.
    """

    weight: Array
    effective: float
    auc: float
    error: float
    cut: int


def reweighted(X: Samples, score: Array, folds: int, seed: int, replicas: int) -> Reweighted:
    """w = p/(1 − p) of the out-of-fold chance p = P(data | x) that an event is measured.

    The ratio of the densities of two classes of equal weight is that of their probabilities; what
    no simulated event is like cannot be weighted into being.

    Whether it helped is judged on halves: trees that saw one half weight the other, and a new
    classifier looks at that one alone. On the events that made the weights it would find less than
    0.5, since where noise has put too many they weigh too little.
    """
    X, simulated = in_levels(X), X.answers == 0
    ratio = _ratio(score[simulated])
    own = X.w[simulated] * np.minimum(ratio, _LARGEST)
    weight = own / own.mean()
    effective = float(weight.sum() ** 2 / (weight**2).sum())
    half = X.fold_numbers(2, seed=seed + 1)
    judged = [_judged(X.take(half != j), X.take(half == j), folds, seed, replicas) for j in (0, 1)]
    value, error = np.array(judged).T
    cut = int((ratio > _LARGEST).sum())
    return Reweighted(weight, effective, float(value.mean()), float(np.hypot(*error) / 2), cut)


def _ratio(p: Array) -> Array:
    sure = np.clip(p, 1e-9, 1 - 1e-9)
    return np.asarray(sure / (1 - sure))


def _judged(
    learn: Samples, held: Samples, folds: int, seed: int, replicas: int
) -> tuple[float, float]:
    """The AUC, and its error, on events held back, weighted by trees that have not seen them."""
    ratio = np.minimum(_ratio(trees_of(learn, seed).predict_proba(held.x)[:, 1]), _LARGEST)
    simulated = held.answers == 0
    w = np.where(simulated, held.w * ratio, held.w)
    w[simulated] *= held.w[~simulated].sum() / w[simulated].sum()
    Y = replace(held, weight=w)
    return auc_of(Y, out_of_fold(Y, folds, seed)[0], seed, replicas)
