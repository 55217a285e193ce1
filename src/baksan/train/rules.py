"""A column that is an answer already: what the rules of the standard analysis say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.data.vectors import VECTORS, parts_of
from baksan.evaluate.vectors import kind_of
from baksan.metrics import Prediction
from baksan.models.linear import Linear
from baksan.solvers.base import Events
from baksan.store.card import LossCard
from baksan.train.methods import Fitted, Method
from baksan.train.views import plain

Array = NDArray[Any]

__all__ = ["COLUMN", "Rule", "rule"]

COLUMN = "column:"
"""What precedes the name of a column among the names of methods."""


@dataclass(frozen=True)
class Rule(Method):
    """a(x) = x_j: the feature itself is the prediction, and nothing is trained.

    Parameters
    ----------
    name : str
        The feature; of two zenith+azimuth.
    written : str
        The feature, direction(zenith, azimuth), or position(x, y).
    places : tuple of int
        j, from 0; of each of the two.
    units : tuple of str
        Theirs.
    features : int
        How many features there are.
    vector : str
        'direction' or 'position' of two, else "".
    """

    name: str
    written: str
    places: tuple[int, ...]
    units: tuple[str, ...]
    features: int
    vector: str = ""

    @property
    def streams(self) -> bool:  # type: ignore[override]
        return not self.vector

    @property
    def title(self) -> str:  # type: ignore[override]
        return f"The rule {self.written}"

    @property
    def description(self) -> str:  # type: ignore[override]
        what = f"columns {self.written}" if self.vector else f"column {self.written} itself"
        return f"the {what}, found by rules; nothing is trained"

    @property
    def settings(self) -> str:
        return f"{COLUMN}{self.written}"

    @property
    def kind(self) -> str:
        return "linear"

    @property
    def loss_card(self) -> LossCard:
        if self.vector:
            raise TypeError(
                f"No model file holds the rule {self.written}: what it says are the columns"
                " themselves."
            )
        return LossCard(name="squared", setting=None)

    def train(self, X: Events, *, seed: int, threads: int, **more: Any) -> Fitted:
        told = "a rule; nothing was trained."
        if self.vector:
            return Fitted(self._vector, lambda x: Prediction(value=self._vector(x)), told)
        d = self.features
        unit = np.eye(d + 1)[self.places[0] + 1]
        model = Linear(False, 1, np.zeros(d), np.ones(d), unit)
        return Fitted(model, lambda x: Prediction(value=model(x)), told)

    def _vector(self, x: Array) -> Array:
        (j, k), (one, other) = self.places, self.units
        return VECTORS[self.vector]((x[:, j], x[:, k]), (one, other))


def rule(name: str, X: Events) -> Rule:
    """The method 'column:NAME'. Raises ValueError unless the answer is what NAME says, a number, a
    direction or a position, and its columns are features.

    Rows that lack the column have no prediction: the events must be whole.
    """
    X = plain(X)
    if X.class_names:
        raise ValueError(
            f"a column can stand as a method where the answer is a number; here it is one of"
            f" {', '.join(X.class_names)}. Leave {COLUMN}{name} out."
        )
    kind, parts = (None if name in X.names else parts_of(name)) or ("", (name,))
    if kind != kind_of(X):
        raise ValueError(
            f"{COLUMN}{name} must tell what is asked, a {kind_of(X) or 'number'}; it is a"
            f" {kind or 'number'}. Write it as the answer {X.answer.name if X.answer else ''!r} is."
        )
    if lacking := [part for part in parts if part not in X.names]:
        raise ValueError(
            f"{COLUMN}{name} needs {lacking[0]!r} among the features; these are"
            f" {', '.join(X.names)}. Add it to them."
        )
    if X.missing:
        raise ValueError(
            f"{COLUMN}{name} predicts nothing where {name!r} is missing. Leave out --impute, or"
            " the method."
        )
    places = tuple(X.names.index(part) for part in parts)
    units = tuple(X.features[j].unit for j in places)
    return Rule("+".join(parts), name, places, units, len(X.names), kind)
