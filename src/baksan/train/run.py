"""What a training leaves: parts (a method on a fold) and the whole Run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.evaluate import Evaluation
from baksan.fit import History
from baksan.metrics import Prediction
from baksan.samples import Samples
from baksan.solvers.base import Events
from baksan.store.model import Stored
from baksan.store.run import RunFolder
from baksan.train.lineup import Method
from baksan.train.source import Source

Array = NDArray[Any]

__all__ = ["Part", "Run"]


@dataclass(frozen=True, eq=False)
class Part:
    """What training one method on one fold left."""

    prediction: Prediction
    """Of the fold's test events."""
    train: Prediction | None
    """Of (a part of) its training events, first fold only."""
    train_rows: Array
    importance: Array
    """The fall of the AUC (rise of the RMSE) when a feature is shuffled, (shuffles, d)."""
    history: History
    message: str
    seconds: float


@dataclass(frozen=True, eq=False)
class Run:
    """A finished training.

    `predictions` are out of fold, for the rows `tested`; `models` are trained on all events;
    `parts` by method, one for each fold; `folder` where it was written, or None.
    """

    X: Samples
    """The events that methods are compared on."""
    events: Events
    """All events: X itself, or the stream of which X is a sample."""
    methods: list[Method]
    fold: Array
    """The fold of each event, −1 for events that are never tested, (n,)."""
    seed: int
    source: Source
    parts: dict[str, list[Part]]
    predictions: dict[str, Prediction]
    evaluation: Evaluation
    models: dict[str, Stored]
    provenance: dict[str, Any]
    folder: RunFolder | None = None
    unsaved: Mapping[str, str] = field(default_factory=dict)
    """Methods without a model file, and why."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Methods that cannot be trained on events of negative weight, and why."""
    detectors: Samples | None = None
    """The events of X with the features of single detectors too, where methods saw these."""

    def __repr__(self) -> str:
        names = ", ".join(method.name for method in self.methods)
        return f"Run({names} on {self.events!r}{f' in {self.folder.path}' if self.folder else ''})"

    def seen_by(self, name: str) -> Samples:
        """The events as the method of this name sees them."""
        (method,) = (m for m in self.methods if m.name == name)
        return self.detectors if self.detectors and method.sees_detectors else self.X

    @property
    def tested(self) -> Array:
        """The rows of X that have an out-of-fold prediction."""
        return np.flatnonzero(self.fold >= 0)
