"""A column that is an answer already: what the rules of the standard analysis say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from baksan.metrics import Prediction
from baksan.models.linear import Linear
from baksan.solvers.base import Events
from baksan.store.card import LossCard
from baksan.train.methods import Fitted, Method

__all__ = ["COLUMN", "Rule", "rule"]

COLUMN = "column:"
"""What precedes the name of a column among the names of methods."""


@dataclass(frozen=True)
class Rule(Method):
    """a(x) = x_j: the feature itself is the prediction, and nothing is trained.

    Parameters
    ----------
    name : str
        The feature.
    place : int
        j, from 0.
    features : int
        How many features there are.
    """

    name: str
    place: int
    features: int
    streams = True

    @property
    def title(self) -> str:  # type: ignore[override]
        return f"The rule {self.name}"

    @property
    def description(self) -> str:  # type: ignore[override]
        return f"the column {self.name} itself, found by rules; nothing is trained"

    @property
    def settings(self) -> str:
        return f"{COLUMN}{self.name}"

    @property
    def kind(self) -> str:
        return "linear"

    @property
    def loss_card(self) -> LossCard:
        return LossCard(name="squared", setting=None)

    def train(self, X: Events, *, seed: int, threads: int, **more: Any) -> Fitted:
        d = self.features
        unit = np.eye(d + 1)[self.place + 1]
        model = Linear(False, 1, np.zeros(d), np.ones(d), unit)
        return Fitted(model, lambda x: Prediction(value=model(x)), "a rule; nothing was trained.")


def rule(name: str, X: Events) -> Rule:
    """The method 'column:NAME'. Raises ValueError unless the answer is a number and NAME a feature.

    Rows that lack the column have no prediction: the events must be whole.
    """
    if X.class_names:
        raise ValueError(
            f"a column can stand as a method where the answer is a number; here it is one of"
            f" {', '.join(X.class_names)}. Leave {COLUMN}{name} out."
        )
    if name not in X.names:
        raise ValueError(
            f"{COLUMN}{name} needs {name!r} among the features; these are {', '.join(X.names)}."
            " Add it to them."
        )
    if X.missing:
        raise ValueError(
            f"{COLUMN}{name} predicts nothing where {name!r} is missing. Leave out --impute, or"
            " the method."
        )
    return Rule(name, X.names.index(name), len(X.names))
