"""What a loss reads from a model's outputs, as ONNX operators: `losses.Loss.read` once more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from baksan.export.graph import Answer, Graph
from baksan.losses import Loss

__all__ = ["Output", "read"]

_MOST = 0.25 * float(np.log(np.finfo(np.float64).max))  # of |ln σ|, as in `losses`


class Output(NamedTuple):
    """A tensor of the graph that users get: (N,), or (N, columns)."""

    tensor: str
    columns: int | None = None
    dtype: Any = np.float64


def read(g: Graph, loss: Loss, told: Answer, outputs: int) -> dict[str, Output]:
    """The outputs by name, from p (N, k) with k outputs."""
    of_task = _numbers if loss.task == "regression" else _classes
    return of_task(g, loss, told, outputs)


# Numbers ------------------------------------------------------------------------------------------


def _numbers(g: Graph, loss: Loss, told: Answer, outputs: int) -> dict[str, Output]:
    if isinstance(loss.setting, tuple):
        return _quantiles(g, loss.setting, told)
    if loss.name == "gaussian":
        spread = g("Exp", g.clipped(g.column(told.p, 1), -_MOST, _MOST))
        if (scatter := _scatter(g, told)) is not None:
            both = g("Add", g("Mul", spread, spread), g("Mul", scatter, scatter))
            spread = g("Sqrt", both)
        return {"prediction": Output(g.column(told.p, 0)), "spread": Output(spread)}
    if loss.components:
        raise TypeError(
            f"ONNX files are written of numbers and classes; {loss.name} tells directions. Predict"
            " with `baksan apply`, or train with the loss distance."
        )
    if outputs > 1:
        return {"prediction": Output(told.p, outputs)}
    found = {"prediction": Output(g.column(told.p, 0))}
    if (scatter := _scatter(g, told)) is not None:
        found["spread"] = Output(scatter)
    return found


def _quantiles(g: Graph, levels: tuple[float, ...], told: Answer) -> dict[str, Output]:
    """In order of size; the prediction is the quantile at ½."""
    middle = np.array([np.interp(0.5, levels, column) for column in np.eye(len(levels))])
    rising = g("TopK", told.p, np.array([len(levels)]), axis=1, largest=0, sorted=1)
    value = g.column(g("MatMul", rising, middle[:, None]), 0)
    return {"prediction": Output(value), "quantiles": Output(rising, len(levels))}


def _scatter(g: Graph, told: Answer) -> str | None:
    """The standard deviation of the members' first output, (N,); None without members."""
    if told.each is None:
        return None
    off = g("Sub", told.each, told.p)
    total = g("ReduceSum", g("Mul", off, off), np.array([0]), keepdims=0)
    return g.column(g("Sqrt", g("Div", total, float(max(1, told.members - 1)))), 0)


# Classes ------------------------------------------------------------------------------------------


def _classes(g: Graph, loss: Loss, told: Answer, outputs: int) -> dict[str, Output]:
    """label, score and, where the loss tells it, probability."""
    p = told.p
    score = Output(g.column(p, 0))
    if outputs == 2:
        score = Output(g("Sub", g.column(p, 1), g.column(p, 0)))
    elif outputs > 2:
        score = Output(g("LogSoftmax", p, axis=1) if loss.name == "softmax" else p, outputs)
    found = {"label": Output(_label(g, score), dtype=np.int64), "score": score}
    if loss.probability is not None:
        found["probability"] = Output(_probability(g, loss.name, p, outputs), max(2, outputs))
    return found


def _label(g: Graph, score: Output) -> str:
    """The class that an event is given; −1 where its score is no number."""
    if score.columns is None:
        label, total = g.cast(g("Greater", score.tensor, 0.0), np.int64), score.tensor
    else:
        label = g("ArgMax", score.tensor, axis=1, keepdims=0)
        total = g("ReduceSum", score.tensor, np.array([1]), keepdims=0)
    return g("Where", g("IsNaN", total), np.int64(-1), label)


def _probability(g: Graph, loss: str, p: str, outputs: int) -> str:
    """(N, K), divided by its sum; 1/K where that is 0."""
    known = _PROBABILITIES[loss](g, p)
    if outputs == 1:
        known = g("Concat", g("Sub", 1.0, known), known, axis=1)
    total = g("ReduceSum", known, np.array([1]), keepdims=1)
    equal = 1.0 / max(2, outputs)
    return g("Where", g("Equal", total, 0.0), equal, g("Div", known, total))


def _half(g: Graph, p: str) -> str:
    return g.clipped(g("Mul", g("Add", p, 1.0), 0.5), 0.0, 1.0)


_PROBABILITIES: dict[str, Callable[[Graph, str], str]] = {
    "logistic": lambda g, p: g.sigmoid(p),
    "exponential": lambda g, p: g.sigmoid(g("Mul", p, 2.0)),
    "squared_hinge": _half,
    "squared_margin": _half,
    "softmax": lambda g, p: g("Softmax", p, axis=1),
}
"""P(class | p) by the name of the loss."""
