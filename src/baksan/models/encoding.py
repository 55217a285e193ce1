"""What a network is handed of the features: numbers of size 1, with tails that are not too long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = ["Encoding"]

_KNOTS = 256
_PART = 4_096


@dataclass(frozen=True, eq=False)
class Encoding:
    """z_j = (g_j(x_j) − centre_j) / scale_j, g the identity or a map to normal quantiles.

    With knots, g_j is piecewise linear from `knots` of feature j, its quantiles at (k + ½)/m over
    the training events, to Φ⁻¹((k + ½)/m); beyond the first and the last it is flat. Any monotone
    change of a feature, such as a logarithm, then changes next to nothing.

    Parameters
    ----------
    centre, scale : (d,)
        Weighted mean and standard deviation of g_j(x_j); the scale of a constant is 1.
    knots : (m, d), or (0, d) for none
    """

    centre: Array = field(default_factory=lambda: np.empty(0))
    scale: Array = field(default_factory=lambda: np.empty(0))
    knots: Array = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def features(self) -> int:
        return len(self.centre)

    @classmethod
    def none(cls, features: int) -> Self:
        """z = x."""
        return cls(np.zeros(features), np.ones(features), np.empty((0, features)))

    @classmethod
    def of(cls, x: Array, weight: Array, *, quantiles: bool = False) -> Self:
        """Fixed from (n, d) features; events of negative weight count by their modulus."""
        x, weight = np.asarray(x, dtype=np.float64), np.abs(weight)
        plain = cls.none(x.shape[1])
        if quantiles:
            plain = cls(plain.centre, plain.scale, _weighted_quantiles(x, weight))
        g = plain.bent(x)
        mean = weight @ g / weight.sum()
        scatter = sum(weight[rows] @ np.square(g[rows] - mean) for rows in _parts(len(g)))
        spread = np.sqrt(scatter / weight.sum())
        # Rounding leaves a constant feature a spread of about eps·|mean|, not 0.
        largest = np.maximum(x.max(axis=0, initial=0.0), -x.min(axis=0, initial=0.0))
        still = spread <= 1e-15 * np.maximum(np.abs(mean), largest)
        return cls(mean, np.where(still, 1.0, spread), plain.knots)

    @cached_property
    def levels(self) -> Array:
        """What each knot is mapped to, (m, d); knots that coincide to the mean of their levels."""
        from scipy.special import ndtri

        m = len(self.knots)
        normal = ndtri((np.arange(m) + 0.5) / max(m, 1))
        levels = np.empty(self.knots.shape)
        for j, column in enumerate(self.knots.T):
            _, place, count = np.unique(column, return_inverse=True, return_counts=True)
            levels[:, j] = (np.bincount(place, normal) / count)[place]
        return levels

    def bent(self, x: Array) -> Array:
        """g(x), (n, d)."""
        if not len(self.knots):
            return x
        pairs = zip(x.T, self.knots.T, self.levels.T, strict=True)
        return np.column_stack([np.interp(*column) for column in pairs])

    def __call__(self, x: Array, dtype: Any = np.float64) -> Array:
        """z of (n, d) features; the differences are taken in float64."""
        bent = self.bent(np.asarray(x, dtype=np.float64))
        z = np.empty(bent.shape, dtype)
        for rows in _parts(len(z)):
            z[rows] = (bent[rows] - self.centre) / self.scale
        return z

    def check(self) -> None:
        """Raises ValueError where the parts do not fit together, as in a file that was changed."""
        for name in ("centre", "scale", "knots"):
            values = getattr(self, name)
            if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
                raise ValueError(f"{name} of the encoding must be finite numbers; they are not.")
        d = self.features
        if self.centre.ndim != 1 or self.scale.shape != (d,) or not (self.scale > 0).all():
            raise ValueError(f"scale must be {d} numbers above 0; it is not.")
        columns = self.knots.ndim == 2 and self.knots.shape[1] == d
        if not columns or (np.diff(self.knots, axis=0) < 0).any():
            raise ValueError(f"knots must be {d} rising columns of numbers; they are not.")


def _parts(n: int) -> Iterator[slice]:
    """Rows so few that what lies between two operations stays in the cache."""
    return (slice(start, start + _PART) for start in range(0, n, _PART))


def _weighted_quantiles(x: Array, weight: Array) -> Array:
    """Quantiles of each column at (k + ½)/m, (m, d): at most 256, and no more than events."""
    m = min(_KNOTS, len(x))
    shares = (np.arange(m) + 0.5) / m
    knots = np.empty((m, x.shape[1]))
    for j, column in enumerate(x.T):
        order = np.argsort(column, kind="stable")
        below = np.cumsum(weight[order])
        middle = (below - 0.5 * weight[order]) / below[-1]
        knots[:, j] = np.interp(shares, middle, column[order])
    return knots
