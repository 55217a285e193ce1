"""Losses: what one prediction costs, its slope, its curvature; and Q(a, X), their weighted mean.

A loss is a pair of elementwise formulas in the prediction p and the target t,

    cost(p, t),    slope(p, t) = ∂cost/∂p,

where t = y for regression and t = ±1 for classification (+1: signal, or 'this class' in one
against the rest). The formulas are written once, in ufuncs, so that NumPy runs them on arrays and
Numba compiles the same lines for single numbers, JAX them for networks. With several outputs the
costs are added up, or the loss is joint and looks at all outputs of an event at once.

What to use when
----------------
numbers        `squared` (mean), `absolute` (median), `huber` (outliers), `quantile` (bounds),
               `gaussian` (mean and spread); of several at once `distance` (places) and
               `von_mises_fisher` (directions)
two or more    `logistic` (probabilities), `softmax` (several classes at once), `squared_margin`
classes        (least squares on ±1), `hinge`, `squared_hinge`, `exponential`; for the course:
               `margin`, `perceptron`, and `zero_one`, which is what one would like to minimise

The squared loss is (p − y)² with slope 2(p − y): no factor ½.
"""

from __future__ import annotations

from collections.abc import Sequence

from baksan.losses.base import L1, L2, LOSSES, Loss, Q
from baksan.losses.classification import (
    exponential,
    hinge,
    logistic,
    margin,
    perceptron,
    softmax,
    squared_hinge,
    squared_margin,
    zero_one,
)
from baksan.losses.regression import absolute, gaussian, huber, quantile, squared
from baksan.losses.vectors import distance, von_mises_fisher

__all__ = [
    "L1", "L2", "LOSSES", "Loss", "Q", "absolute", "by_name", "distance", "exponential",
    "gaussian", "hinge", "huber", "logistic", "margin", "perceptron", "quantile", "softmax",
    "squared", "squared_hinge", "squared_margin", "von_mises_fisher", "zero_one",
]  # fmt: skip

LOSSES |= {loss.name: loss for loss in (
    squared, absolute, huber(), quantile(0.5), gaussian, distance, von_mises_fisher,
    margin, perceptron, hinge, squared_hinge, squared_margin, logistic, exponential, softmax,
    zero_one,
)}  # fmt: skip


def by_name(name: str, setting: float | Sequence[float] | None = None) -> Loss:
    """The loss of that name; `setting` is Huber's δ, or the quantile's level or levels.

    Raises KeyError for an unknown name, ValueError for a setting that the loss does not have.
    """
    if name not in LOSSES:
        raise KeyError(f"no loss {name!r}; there are {', '.join(LOSSES)}.")
    if setting is None:
        return LOSSES[name]
    settings = tuple(setting) if isinstance(setting, Sequence) else (setting,)
    if name not in ("huber", "quantile") or (name == "huber" and len(settings) != 1):
        raise ValueError(
            f"only huber and quantile have a setting, huber one number; {name} was given {setting}."
        )
    return huber(*settings) if name == "huber" else quantile(*settings)
