"""Figures of merit that are sums over the events, so that no prediction need be kept.

They come from one pass, over Samples, a Stream, or the parts of a cluster. Medians, intervals and
bootstraps need all predictions together: `evaluate` makes them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.losses import Loss
from baksan.metrics import Prediction, brier_costs, log_costs
from baksan.samples import Samples
from baksan.stream import Stream

Array = NDArray[Any]
Model = Callable[[Array], Array]

__all__ = ["Totals", "totals"]


@dataclass(frozen=True, eq=False)
class Totals:
    """What `totals` found.

    Attributes
    ----------
    figures : dict of str to float
        loss Q(a, X); of numbers mean_error ⟨a − y⟩, rmse, mae, r2; of classes accuracy, and where
        the loss tells probabilities brier and log_loss; of two classes auc and auc_error, by which
        the AUC may differ from that of all scores at most.
    confusion : (K, K) or None
        Σ w of events of class i (row) given label j (column).
    events : int
    """

    figures: dict[str, float]
    confusion: Array | None
    events: int


def totals(model: Model, X: Samples | Stream, loss: Loss, *, bins: int = 4096) -> Totals:
    """Figures of a model on events of any number, from one pass.

    The AUC is that of scores in bins: P(s_signal > s_background) + ½ P(same bin), so that it is
    within auc_error = ½ Σ_b S_b B_b / (S B) of the exact one, S_b and B_b the weights of signal and
    background in a bin (their moduli, where some are negative). The bins hold about equal numbers
    of the first block's events. What negative weights leave undefined, as the root of a number
    below 0, is NaN.

    Parameters
    ----------
    model : callable
        a(x), such as `found.model`.
    loss : Loss
        That of the fit; it reads the outputs.
    bins : int
        Bins of the score, at least 2.

    Raises
    ------
    ValueError
        No answers, several answers an event, a loss for another task, fewer than 2 bins, weights
        that sum to 0 or less.

    Examples
    --------
    >>> from baksan import losses
    >>> X = Samples([[-2.0], [0.5], [1.0], [3.0]], [0, 1, 0, 1], class_names=("hadron", "gamma"))
    >>> found = totals(lambda x: x[:, 0], X, losses.logistic)
    >>> found.figures["accuracy"], found.figures["auc"], found.confusion.tolist()
    (0.75, 0.75, [[1.0, 1.0], [0.0, 2.0]])
    """
    loss.check_task(X.task)
    if bins < 2:
        raise ValueError(f"an AUC needs 2 bins or more; there are {bins}. Leave it at 4096.")
    if X.task == "regression":
        return _numbers(model, X, loss)
    return _classes(model, X, loss, bins)


def _numbers(model: Model, X: Samples | Stream, loss: Loss) -> Totals:
    head = X.head.answers
    if head.ndim != 1:
        raise ValueError(
            f"figures are those of one answer an event; there are {head.shape[1]}. Take the columns"
            " one by one."
        )
    near = float(head.mean())
    n, sums = X.total(partial(_sums_of_numbers, model=model, loss=loss, near=near))
    _check_mass(sums[0])
    cost, off, squared, absolute, y, yy = sums[1:] / sums[0]
    variance = yy - y * y
    rms = squared**0.5 if squared >= 0 else np.nan
    figures = {"loss": cost, "mean_error": off, "rmse": rms, "mae": absolute}
    figures["r2"] = 1.0 - squared / variance if variance > 0 else np.nan
    return Totals({name: float(value) for name, value in figures.items()}, None, int(n))


def _sums_of_numbers(X: Samples, model: Model, loss: Loss, near: float) -> tuple[int, Array]:
    p, y = model(X.x), X.answers
    off, about = loss.read(p)["value"] - y, y - near
    costs = [np.ones(len(X)), loss.value(p, y), off, off * off, np.abs(off), about, about * about]
    return len(X), np.array([X.w @ cost for cost in costs])


def _classes(model: Model, X: Samples | Stream, loss: Loss, bins: int) -> Totals:
    score = _read(model, X.head, loss)[1].score
    edges = np.empty(0)
    if score is not None and score.ndim == 1:
        edges = np.unique(np.quantile(score, np.linspace(0, 1, bins + 1)[1:-1]))
    add = partial(_sums_of_classes, model=model, loss=loss, edges=edges, k=len(X.class_names))
    n, costs, confusion, ranked = X.total(add)
    _check_mass(mass := confusion.sum())
    figures = {"loss": costs[0] / mass, "accuracy": np.trace(confusion) / mass}
    if len(costs) > 1:
        figures |= {"brier": costs[1] / mass, "log_loss": costs[2] / mass}
    if len(edges):
        figures["auc"], figures["auc_error"] = _area(*ranked)
    return Totals({name: float(value) for name, value in figures.items()}, confusion, int(n))


def _check_mass(mass: float) -> None:
    if not mass > 0:
        raise ValueError(
            f"figures need weights that sum to more than 0; they sum to {mass:g}. Take others."
        )


def _read(model: Model, X: Samples, loss: Loss) -> tuple[Array, Prediction]:
    p = model(X.x)
    return p, Prediction(**loss.read(p))


def _sums_of_classes(
    X: Samples, model: Model, loss: Loss, edges: Array, k: int
) -> tuple[int, Array, Array, Array]:
    """n; Σ w of costs; Σ w by class and label; Σ w and Σ|w| by class and bin of the score."""
    (p, told), y, w = _read(model, X, loss), X.answers, X.w
    costs = [loss.value(p, y)]
    if told.probability is not None:
        costs += [brier_costs(told.probability, y), log_costs(told.probability, y)]
    confusion = np.bincount(y * k + told.label, w, k * k).reshape(k, k)
    ranked: Array = np.empty((2, 2, 0))
    if len(edges):
        width = len(edges) + 1
        cell = y * width + np.searchsorted(edges, np.asarray(told.score), side="right")
        sums = [np.bincount(cell, load, 2 * width) for load in (w, np.abs(w))]
        ranked = np.array(sums).reshape(2, 2, width)
    return len(X), np.array([w @ cost for cost in costs]), confusion, ranked


def _area(weights: Array, sizes: Array) -> tuple[float, float]:
    """The AUC of weights in bins (2, bins), and half the share of pairs that fall into one bin, by
    the moduli of their weights.
    """
    background, signal = weights
    if not (background.sum() > 0 and signal.sum() > 0):
        return np.nan, np.nan
    pairs = background.sum() * signal.sum()
    below = np.cumsum(background) - 0.5 * background
    return float(signal @ below) / pairs, 0.5 * float(sizes[1] @ sizes[0]) / pairs
