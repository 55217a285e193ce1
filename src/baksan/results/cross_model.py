"""Trained on one hadronic model, tested on another: the table of all pairs, with errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.metrics.checks import numbers
from baksan.results.response import Response, response
from baksan.results.unfolding import fraction_error

Array = NDArray[Any]
Figure = Callable[[Array, Array], float]
Pairs = Mapping[tuple[str, str], ArrayLike]

__all__ = ["CrossModel", "cross_model", "fraction_figure", "mass_bias", "predicted"]


@dataclass(frozen=True, eq=False)
class CrossModel:
    """A figure of merit for each model of training (rows) and of testing (columns).

    `value` and `error` are (a, b); NaN where a pair was not given. `str` gives a Markdown table.
    """

    trained: tuple[str, ...]
    tested: tuple[str, ...]
    value: Array
    error: Array

    @property
    def systematic(self) -> float:
        """max |v(a, b) − v(b, b)| over models b that were also trained on: what the model costs."""
        own = [(j, self.trained.index(b)) for j, b in enumerate(self.tested) if b in self.trained]
        apart = [np.abs(self.value[:, j] - self.value[i, j]) for j, i in own]
        return float(np.nanmax(apart)) if apart else float("nan")

    def __str__(self) -> str:
        head = ["| trained on | " + " | ".join(self.tested) + " |", "|---" * (len(self.tested) + 1)]
        rows = [
            f"| {name} | " + " | ".join(f"{v:.3f} ± {e:.3f}" for v, e in zip(vs, es, strict=True))
            for name, vs, es in zip(self.trained, self.value, self.error, strict=True)
        ]
        return "\n".join([head[0], head[1] + "|", *(f"{row} |" for row in rows)])


def predicted(
    models: Mapping[str, Callable[[Any], ArrayLike]], events: Mapping[str, Any]
) -> dict[tuple[str, str], Array]:
    """What each model says of the test events of each hadronic model, by (trained, tested)."""
    return {(a, b): np.asarray(model(x)) for a, model in models.items() for b, x in events.items()}


def cross_model(
    predictions: Pairs,
    answers: Mapping[str, ArrayLike],
    figure: Figure | Mapping[str, Figure],
    *,
    replicas: int = 100,
    seed: int = 0,
) -> CrossModel:
    """The figure of every pair (trained on a, tested on b), with its bootstrap error.

    The difference between a row's columns and the diagonal is the systematic error by which the
    choice of a hadronic model moves the result (arXiv:2312.08279, 2508.13933 [V]). All pairs of a
    column share their replicas, so that differences inside it are surer than the errors say.

    Parameters
    ----------
    predictions : {(trained, tested): (n,) or (n, K)}
        Scores, labels, or ln A, as the figure wants; `predicted` gives them from models.
    answers : {tested: (n,)}
        The truth of the test events.
    figure : (prediction, answer) → float
        `metrics.auc`, `mass_bias`, or one for each trained model, as `fraction_figure(response)`.
    replicas : int
        Of the events of each test.

    Raises
    ------
    ValueError
        No pair, answers or a figure that are missing, lengths that differ.

    Examples
    --------
    >>> truth = np.array([0.0, 1.0, 2.0, 3.0])
    >>> pairs = {("epos", "epos"): truth + 0.1, ("epos", "qgs"): truth + 0.5}
    >>> found = cross_model(pairs, {"epos": truth, "qgs": truth}, mass_bias)
    >>> found.value.round(6).tolist(), found.error.round(6).tolist()
    ([[0.1, 0.5]], [[0.0, 0.0]])
    """
    trained, tested = (tuple(dict.fromkeys(pair[i] for pair in predictions)) for i in (0, 1))
    if not predictions or set(tested) - set(answers):
        lacking = ", ".join(sorted(set(tested) - set(answers))) or "there is no pair"
        raise ValueError(
            f"a table of models needs predictions and the answers of each test; missing: {lacking}."
            " Give answers under the names of the tests."
        )
    value, error = np.full((2, len(trained), len(tested)), np.nan)
    for j, b in enumerate(tested):
        y = numbers(answers[b], f"the answers of {b}")
        rng = np.random.default_rng(seed)
        draws = [rng.integers(0, len(y), len(y)) for _ in range(replicas)]
        for i, a in enumerate(trained):
            if (a, b) in predictions:
                p = numbers(predictions[a, b], f"the predictions of {a} on {b}", len(y))
                of = figure[a] if isinstance(figure, Mapping) else figure
                value[i, j] = of(p, y)
                error[i, j] = np.std([of(p[k], y[k]) for k in draws], ddof=1)
    return CrossModel(trained, tested, value, error)


def mass_bias(prediction: Array, answer: Array) -> float:
    """⟨ln A⟩ found minus true, of events of known ln A."""
    return float(np.mean(prediction - answer))


def fraction_figure(own: Response, *, events: int = 5000, mixtures: int = 20) -> Figure:
    """Mean |f̂ − f| where classes are unfolded with `own`, the response of the model of training.

    A figure of (found, true) class indices: nature answers with the response of the test events.
    """

    def figure(found: Array, truth: Array) -> float:
        nature = response(truth, found, own.names)
        return fraction_error(own, nature, events=events, mixtures=mixtures).mean

    return figure
