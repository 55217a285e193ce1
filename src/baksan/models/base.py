"""What every model answers: a(x), its parameters, and the second half of the chain rule.

    dQ/dw = (∂a/∂w)ᵀ · (∂loss/∂p) = pullback(x, slope)

A model knows no losses; a loss knows no models; a solver needs only the two halves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = ["Model"]


class Model(ABC):
    """An immutable function a(x) of (n, …) features to (n,) or (n, k) predictions.

    `parameters` is one flat (P,) array, whatever shape the model reads it in; `moved` gives the
    same model elsewhere. `penalised` marks the parameters that a penalty acts on; `outputs` is k.
    """

    parameters: Array
    outputs: int

    @abstractmethod
    def __call__(self, x: Array) -> Array:
        """Predictions, (n,) for one output, else (n, k). Raises ValueError for a wrong width."""

    def told(self, x: Array) -> tuple[Array, Array | None]:
        """Predictions, and how much they scatter where the model knows that, of the same shape."""
        return self(x), None

    @abstractmethod
    def pullback(self, x: Array, slope: Array) -> Array:
        """Σ_i slope_i · ∂a(x_i)/∂w, (P,), for a slope of the predictions' shape."""

    def pulled(self, x: Array, slope: Callable[[Array], Array]) -> tuple[Array, Array]:
        """Predictions p of (n, …) features, and the pullback of the slope (a function of p) there.

        For models whose way back begins with what the way there has left.
        """
        p = self(x)
        return p, self.pullback(x, slope(p))

    @abstractmethod
    def moved(self, parameters: Array) -> Self:
        """The same model with these parameters."""

    @abstractmethod
    def prepared(self, x: Array, weight: Array, outputs: int) -> Self:
        """The model with its widths and its standardisation fixed from (n, …) features.

        A model that was prepared before comes back as it is, so that a fit can go on.
        """

    def drawn(self, seed: int) -> Self:
        """The model at its starting point of this seed; for models that start at random."""
        return self

    def in_training(self, seed: int, step: int) -> Self:
        """The model as this step of a training sees it; for models that drop some neurons."""
        return self

    @abstractmethod
    def at_constant(self, constant: Array, spread: Array | float = 1.0) -> Self:
        """The model that predicts this constant, (k,), for every event; `spread` (k,) is how far
        the answers are from it, for models that bring them to one scale.
        """

    def named(self, names: Sequence[str], units: Sequence[str]) -> Self:
        """The same model knowing its features' names and units; for models that print rules."""
        return self

    @property
    def penalised(self) -> Array:
        """True where a penalty acts, (P,)."""
        return np.ones(self.parameters.shape, dtype=bool)

    @property
    def running(self) -> Array | None:
        """True where a parameter is a running average of the batches, (P,); None if none is."""
        return None

    def size(self, degree: int) -> float:
        """By what slopes are divided, so that steps do not depend on the unit of the answers, for a
        loss that grows as their power `degree`.
        """
        return 1.0
