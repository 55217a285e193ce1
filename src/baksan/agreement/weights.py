"""Weights that bring the simulation to the data, and what they cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baksan.agreement.told_apart import auc_of, out_of_fold
from baksan.samples import Samples

Array = NDArray[Any]

__all__ = ["Reweighted", "reweighted"]

_LARGEST = 50.0  # an event that stands for more is not known by the simulation


class Reweighted(NamedTuple):
    """Weights of the simulated events of mean 1, (n,); how many events they leave in effect,
    (Σw)²/Σw²; the AUC of a new classifier between the weighted simulation and the data, and its
    error; how many weights were cut at 50, where the simulation has next to no such events.
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
    """
    simulated = X.answers == 0
    p = np.clip(score[simulated], 1e-9, 1 - 1e-9)
    ratio = p / (1 - p)
    own = X.w[simulated] * np.minimum(ratio, _LARGEST)
    weight = own / own.mean()
    w = X.w.copy()
    w[simulated] = weight
    Y = replace(X, weight=w)
    value, error = auc_of(Y, out_of_fold(Y, folds, seed + 1)[0], seed, replicas)
    effective = float(weight.sum() ** 2 / (weight**2).sum())
    return Reweighted(weight, effective, value, error, int((ratio > _LARGEST).sum()))
