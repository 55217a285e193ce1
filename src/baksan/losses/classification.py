"""Losses of classes: t = ±1, the cost of the margin M = t p."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.losses.base import Loss, weighted_mean
from baksan.losses.regression import squared

Array = NDArray[Any]

__all__ = [
    "exponential", "hinge", "logistic", "margin", "perceptron", "softmax", "squared_hinge",
    "squared_margin", "zero_one",
]  # fmt: skip


def _margin(p: Any, t: Any) -> Any:
    return -t * p


def _margin_slope(p: Any, t: Any) -> Any:
    return 0.0 * p - t


def _perceptron(p: Any, t: Any) -> Any:
    return np.maximum(0.0, -t * p)


def _perceptron_slope(p: Any, t: Any) -> Any:
    # Rosenblatt's rule corrects at M = 0 too: from w = 0 nothing would ever move otherwise.
    return -t * (t * p <= 0.0)


def _hinge(p: Any, t: Any) -> Any:
    return np.maximum(0.0, 1.0 - t * p)


def _hinge_slope(p: Any, t: Any) -> Any:
    return -t * (t * p < 1.0)


def _squared_hinge(p: Any, t: Any) -> Any:
    short = np.maximum(0.0, 1.0 - t * p)
    return short * short


def _squared_hinge_slope(p: Any, t: Any) -> Any:
    return -2.0 * t * np.maximum(0.0, 1.0 - t * p)


def _logistic(p: Any, t: Any) -> Any:
    return np.logaddexp(0.0, -t * p)


def _logistic_slope(p: Any, t: Any) -> Any:
    # −t / (1 + exp(M)) without overflow and with full relative precision in both tails.
    return -t * np.exp(-np.logaddexp(0.0, t * p))


def _exponential(p: Any, t: Any) -> Any:
    return np.exp(-t * p)


def _exponential_slope(p: Any, t: Any) -> Any:
    return -t * np.exp(-t * p)


def _log_total(p: Array) -> Array:
    """ln Σ_k exp p_k of each event, (n,)."""
    top = p.max(axis=1)
    return np.asarray(np.log(np.exp(p - top[:, None]).sum(axis=1)) + top)


def _softmax(p: Array, t: Array) -> Array:
    return np.asarray(_log_total(p) - np.where(t > 0, p, 0.0).sum(axis=1))


def _softmax_slope(p: Array, t: Array) -> Array:
    return np.asarray(_softmax_probability(p) - (t > 0))


def _softmax_probability(p: Array) -> Array:
    raised = np.exp(p - p.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _zero_one(p: Array, t: Array) -> Array:
    wrong = (p > 0) != (t > 0) if p.ndim == 1 else p.argmax(axis=1) != t.argmax(axis=1)
    return np.asarray(wrong, dtype=float)


def _log_odds(t: Array, w: Array) -> float:
    tiny = np.finfo(float).tiny
    return math.log(max(float(w[t > 0].sum()), tiny)) - math.log(max(float(w[t < 0].sum()), tiny))


def _sigmoid(p: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0.0, -p)))


def _log_shares(t: Array, w: Array) -> Array:
    share = np.log(np.maximum(w @ (t > 0).astype(float) / w.sum(), np.finfo(float).tiny))
    return np.asarray(share - share.mean())


def _half(p: Array) -> Array:
    return np.asarray(np.clip(0.5 * (1.0 + p), 0.0, 1.0))


margin = Loss("margin", _margin, _margin_slope, 0.0, "classification", projected=True)
perceptron = Loss("perceptron", _perceptron, _perceptron_slope, 0.0, "classification")
hinge = Loss(
    "hinge", _hinge, _hinge_slope, 0.0, "classification",
    constant=lambda t, w: float(np.sign(w @ t)),
)  # fmt: skip
squared_hinge = Loss(
    "squared_hinge", _squared_hinge, _squared_hinge_slope, 2.0, "classification",
    constant=weighted_mean, probability=_half,
)  # fmt: skip
squared_margin = Loss(
    "squared_margin", squared.cost, squared.slope_of, 2.0, "classification",
    constant=weighted_mean, probability=_half,
)  # fmt: skip
logistic = Loss(
    "logistic", _logistic, _logistic_slope, 0.25, "classification",
    constant=_log_odds, probability=_sigmoid,
)  # fmt: skip
exponential = Loss(
    "exponential", _exponential, _exponential_slope, _exponential, "classification",
    constant=lambda t, w: 0.5 * _log_odds(t, w), probability=lambda p: _sigmoid(2.0 * p),
)  # fmt: skip
softmax = Loss(
    "softmax", _softmax, _softmax_slope, 0.5, "classification",
    constant=_log_shares, probability=_softmax_probability, joint=True, least_outputs=2,
    score=lambda p: p - _log_total(p)[:, None],  # outputs tell by their differences only
)  # fmt: skip
zero_one = Loss(
    "zero_one", _zero_one, _zero_one, 0.0, "classification",
    constant=_log_shares, descendable=False, joint=True,
)  # fmt: skip
