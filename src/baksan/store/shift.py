"""Whether new events are distributed as those that a model was trained on, input by input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.store.card import FeatureCard

Array = NDArray[Any]

__all__ = ["Shift"]

_MATTERS, _SURE = 0.05, 1.95  # a distance that matters; √n D of a chance of 10⁻³
_ENOUGH = 50_000
_NAMED = 3


class Shift:
    """Counts new events between the points of the cards, at most 50,000 of them."""

    def __init__(self, features: Sequence[FeatureCard]) -> None:
        self.known = [(j, f.name, np.array(f.distribution)) for j, f in enumerate(features)
                      if f.distribution]  # fmt: skip
        self.below = [np.zeros(len(points)) for *_, points in self.known]
        self.seen = [0 for _ in self.known]

    def add(self, x: Array) -> None:
        """Events (n, d), as the model sees them."""
        for k, (j, _, points) in enumerate(self.known):
            values = x[: max(_ENOUGH - self.seen[k], 0), j]
            values = values[np.isfinite(values)]
            self.below[k] += np.searchsorted(np.sort(values), points[:, 0], side="right")
            self.seen[k] += len(values)

    @property
    def found(self) -> list[tuple[str, float]]:
        """Inputs whose distance D = max |F_new − F_trained| at the points is above 0.05 and what
        chance explains, 1.95/√n, together; the largest first.
        """
        told = [
            (name, float(np.abs(below / n - points[:, 1]).max()), n)
            for (_, name, points), below, n in zip(self.known, self.below, self.seen, strict=True)
            if n
        ]
        far = [(name, D) for name, D, n in told if _MATTERS + _SURE / np.sqrt(n) < D]
        return sorted(far, key=lambda pair: -pair[1])

    @property
    def sentence(self) -> str:
        """What to tell the user; "" where all inputs are distributed as in training."""
        if not (far := self.found):
            return ""
        named = ", ".join(f"{name} ({D:.2f})" for name, D in far[:_NAMED])
        more = f" and {len(far) - _NAMED} more" if len(far) > _NAMED else ""
        return (
            f"Not distributed as in training (Kolmogorov–Smirnov distance): {named}{more}. Another"
            " mixture of classes and energies does that, or a simulation that does not describe the"
            " data: compare them with baksan agree."
        )
