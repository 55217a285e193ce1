"""A model of events that lack some of their features: what is missing is filled in first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from baksan.models.base import Model
from baksan.models.linear import Linear

Array = NDArray[Any]

__all__ = ["Imputed"]


@dataclass(frozen=True, eq=False)
class Imputed(Model):
    """a(x) = of(x̂, m): x̂_j = x_j, or the median of feature j where x_j is missing (NaN).

    m_j = 1 where x_j is missing and 0 elsewhere, one for each feature that some training event
    lacked: that a value is missing may tell something (a fit that failed, a station that was
    silent). Medians and m are fixed from the training events alone, so that nothing of a test
    event enters; one of weight 2 is two events, of weight 0 none, of weight −1 as of weight 1.
    (D. B. Rubin, Biometrika 63 (1976) 581, on when it is sound to ignore why values are missing.)

    Parameters
    ----------
    of : Model
        The model of complete events.
    fill : (d,), set by `prepared`
        The weighted median of each feature over the events that have it.
    flagged : (m,) int, set by `prepared`
        The features that get an indicator m_j, appended to x̂ in this order.

    Examples
    --------
    >>> import baksan as bk
    >>> x = [[0.0], [1.0], [2.0], [np.nan], [np.nan]]
    >>> X = bk.Samples(x, [0.0, 1.0, 2.0, 5.0, 7.0], missing=True)
    >>> found = bk.fit(bk.Imputed(bk.Linear()), X, bk.losses.squared, bk.Analytic())
    >>> found.model(np.array([[0.5], [np.nan]])).round(9).tolist()
    [0.5, 6.0]
    """

    of: Model = field(default_factory=Linear)
    fill: Array = field(default_factory=lambda: np.empty(0))
    flagged: Array = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def parameters(self) -> Array:  # type: ignore[override]
        return self.of.parameters

    @property
    def outputs(self) -> int:  # type: ignore[override]
        return self.of.outputs

    @property
    def penalised(self) -> Array:
        return self.of.penalised

    def completed(self, x: Array) -> Array:
        """(x̂, m), (n, d + m), for x (n, d). Raises ValueError for a wrong width."""
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1] != len(self.fill):
            raise ValueError(
                f"this model needs {len(self.fill)} features, x (n, {len(self.fill)}); x has shape"
                f" {x.shape}."
            )
        missing = np.isnan(x)
        whole = np.where(missing, self.fill.astype(x.dtype), x)
        return np.concatenate([whole, missing[:, self.flagged].astype(whole.dtype)], axis=1)

    def names(self, features: Sequence[str]) -> list[str]:
        """What the inner model's features are called, of the features of x."""
        return [*features, *(f"{features[j]} is missing" for j in self.flagged)]

    def __call__(self, x: Array) -> Array:
        return self.of(self.completed(x))

    def told(self, x: Array) -> tuple[Array, Array | None]:
        return self.of.told(self.completed(x))

    def pullback(self, x: Array, slope: Array) -> Array:
        return self.of.pullback(self.completed(x), slope)

    def moved(self, parameters: Array) -> Self:
        return replace(self, of=self.of.moved(parameters))

    def at_constant(self, constant: Array, spread: Array | float = 1.0) -> Self:
        return replace(self, of=self.of.at_constant(constant, spread))

    def named(self, names: Sequence[str], units: Sequence[str]) -> Self:
        more = [""] * len(self.flagged)
        return replace(self, of=self.of.named(self.names(names), [*units, *more]))

    def filling(self, x: Array, weight: Array) -> Self:
        """The model with its medians and indicators fixed from (n, d) features and weights (n,).

        Raises ValueError for a feature that no event has, or for x that is not (n, d).
        """
        if len(self.fill):
            return self
        if x.ndim != 2:
            raise ValueError(f"missing values are filled in x of shape (n, d); it has {x.shape}.")
        x, weight = x[weight != 0], np.abs(weight[weight != 0])
        missing = np.isnan(x)
        if missing.all(axis=0).any():
            lost = int(np.flatnonzero(missing.all(axis=0))[0])
            raise ValueError(
                f"each feature must be there in some training event; number {lost + 1} is missing"
                " in all. Leave it out."
            )
        there = zip(x.T, ~missing.T, strict=True)
        fill = np.array([_median(column[rows], weight[rows]) for column, rows in there])
        return replace(self, fill=fill, flagged=np.flatnonzero(missing.any(axis=0)))

    def prepared(self, x: Array, weight: Array, outputs: int) -> Self:
        filling = self.filling(x, weight)
        return replace(filling, of=self.of.prepared(filling.completed(x), weight, outputs))


def _median(values: Array, weight: Array) -> float:
    """The value that half of the weight lies below; between two, their mean."""
    order = np.argsort(values)
    below = np.cumsum(weight[order])
    first = np.searchsorted(below, below[-1] / 2)
    last = np.searchsorted(below[:-1], below[-1] / 2, side="right")
    return float(values[order[[first, last]]].mean(dtype=np.float64))
