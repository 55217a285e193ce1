"""Answers that are directions or places: how far predictions miss them, one number an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.metrics import Prediction
from baksan.physics.directions import angle_between
from baksan.samples import Samples

Array = NDArray[Any]

__all__ = ["across", "as_misses", "kind_of", "miss"]


def kind_of(X: Any) -> str:
    """'direction' or 'position' where the answers are that, else ""."""
    return X.answer.kind if X.answer else ""


def miss(kind: str, value: Array, answer: Array) -> Array:
    """The angle between two directions in degrees, or the distance of two places, (n,)."""
    if kind == "direction":
        return np.asarray(np.rad2deg(angle_between(value, answer)))
    return np.asarray(np.linalg.norm(value - answer, axis=1))


def as_misses(
    predictions: Mapping[str, Prediction], X: Samples
) -> tuple[dict[str, Prediction], Samples]:
    """The same with one number an event: how far each prediction misses, where the answer is 0.

    Raises ValueError for predictions of another width than the answers.
    """
    kind, y = kind_of(X), X.answers
    made = {}
    for model, a in predictions.items():
        if a.value is None or a.value.shape != y.shape:
            came = "classes" if a.value is None else f"the shape {a.value.shape}"
            raise ValueError(
                f"{model!r} must predict a {kind} for each event, {y.shape}; it has {came}. Take a"
                " method for such answers: array, network, or a rule, as in"
                " column:direction(zenith, azimuth)."
            )
        made[model] = Prediction(value=miss(kind, a.value, y))
    answer = replace(X.answer, kind="") if X.answer else None
    return made, X.with_parts(y=np.zeros(len(X)), answer=answer)


def across(X: Samples) -> tuple[Array, str, str]:
    """What figures are given in bins of where nothing is said: the zenith angle of a direction, the
    distance of a place from the origin; with its name and unit.
    """
    y = X.answers
    if kind_of(X) == "direction":
        return np.rad2deg(np.arctan2(np.hypot(y[:, 0], y[:, 1]), y[:, 2])), "zenith angle", "deg"
    return np.linalg.norm(y, axis=1), "distance from the origin", X.answer.unit if X.answer else ""
