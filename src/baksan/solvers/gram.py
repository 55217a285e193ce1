"""The Gram matrix: all that a squared loss knows of the events, from one pass over them.

With v = (x, t), the features and the targets, and m the mean of v,

    n,    W = Σ w_i,    m = Σ w_i v_i / W,    S = Σ w_i (v_i − m)(v_i − m)ᵀ / W

are sums: the Gram matrices of parts of the events add up to that of all, wherever the parts are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.compiled import side_by_side
from baksan.losses import Loss
from baksan.models.linear import Linear, deviations
from baksan.samples import Samples
from baksan.solvers.rows import Rows, kernel, kernel_array, parts_of
from baksan.stream import Stream

Array = NDArray[Any]

__all__ = ["Bowl", "Gram"]

_FAR = 1e3  # (mean − shift)² / variance from which the sums are taken again, nearer to the mean
_HEAVY, _LARGE = 1e200, 1e280  # what Σ w and Σ w v² must stay below, so that nothing overflows
_STILL = 4 * np.finfo(float).eps  # spread / mean to which rounding alone may bring a constant
_FLAT = 1e-10  # eigenvalues of S with a unit diagonal that count as 0 where weights are negative


@dataclass(frozen=True, eq=False)
class Gram:
    """Number, weight, mean and scatter of the features and the targets of events.

    `events` n; `mass` W; `mean` (d + k,); `scatter` S (d + k, d + k); `features` d; `negative`
    Σ|w| of the events with negative weights, which are summed by themselves and taken off.
    """

    events: int
    mass: float
    mean: Array
    scatter: Array
    features: int
    negative: float = 0.0

    @classmethod
    def of(cls, X: Samples | Stream, loss: Loss, outputs: int, way: str = "compiled") -> Gram:
        """One pass over the events; a second one where the first block's mean is far from that of
        all, which would cost digits. Raises ValueError for a loss that does not fit the answers,
        for weights that sum to 0 or less, for a feature that has a negative variance by them, and
        for numbers whose squares leave what a float holds.
        """
        with np.errstate(over="ignore"):  # `_check_size` tells
            shift = _near(X.head, loss, outputs)
        found = cls._about(shift, X, loss, outputs, way)
        variance = np.diag(found.scatter)
        if np.any((found.mean - shift) ** 2 > _FAR * np.where(variance > 0, variance, np.inf)):
            found = cls._about(found.mean, X, loss, outputs, way)
        return found

    @classmethod
    def _about(cls, shift: Array, X: Samples | Stream, loss: Loss, outputs: int, way: str) -> Gram:
        add = partial(_sums, loss=loss, outputs=outputs, shift=shift, way=way)
        n, sums, negative = add(X) if isinstance(X, Samples) else X.total(add)
        width = len(shift)
        mass = float(sums[width, width])
        if not mass and not negative:
            raise ValueError("weights are all zero; at least one event must count.")
        if mass <= 0:
            raise ValueError(f"weights must sum to more than 0; they sum to {mass:g}. Take others.")
        _check_size(sums, shift, X)
        off = sums[width, :width] / mass
        scatter = sums[:width, :width] / mass
        scatter = np.tril(scatter) + np.tril(scatter, -1).T - np.outer(off, off)
        still = np.abs(np.diag(scatter)) <= (_STILL * (shift + off)) ** 2
        scatter[still] = scatter[:, still] = 0.0
        d = width - outputs
        deviations((shift + off)[:d], np.diag(scatter)[:d], X.head.names)  # refuses negative ones
        return cls(int(n), mass, shift + off, scatter, d, float(negative))

    def axes(self, model: Linear, l2: float = 0.0) -> tuple[Array, Array, Array]:
        """Eigenvalues (d,) and directions of S + ½λ for the model's features, brought to a unit
        diagonal by dividing by `size` (d,). Raises ValueError where negative weights leave a
        squared loss without a minimum: one of the eigenvalues is negative.
        """
        matrix = self.x * np.outer(model.inverse, model.inverse)
        matrix[np.diag_indices_from(matrix)] += l2 / 2
        size = np.sqrt(np.diag(matrix))
        size = np.where(size > 0, size, 1.0)
        values, directions = np.linalg.eigh(matrix / np.outer(size, size))
        if self.negative and values.min(initial=0.0) < -_FLAT:
            raise ValueError(
                "a squared loss with negative weights has a minimum only where the weighted scatter"
                f" of the features is positive; in some direction it is {values.min():.2g} of their"
                " variances. Take more events, fewer features, penalty=L2(…), or leave the events"
                " of negative weight out."
            )
        return np.where(values > _FLAT, values, 0.0), directions, size

    def bowl(self, a: Linear) -> Bowl:
        """Q of a squared loss around this model, as a function of its parameters."""
        off = (self.mean[: self.features] - a.centre) * a.inverse
        inner = self.x * np.outer(a.inverse, a.inverse)
        matrix = np.ones((self.features + 1, self.features + 1))
        matrix[0, 1:] = matrix[1:, 0] = off
        matrix[1:, 1:] = inner + np.outer(off, off)
        w, v, across = a.matrix[:, 0], a.matrix[:, 1:], self.xt.T * a.inverse
        mean, pull = w + v @ off - self.mean[self.features :], v @ inner - across
        loss = mean @ mean + (v * (pull - across)).sum() + np.trace(self.t)
        slope = 2.0 * np.column_stack([mean, pull + np.outer(mean, off)])
        least = -np.inf if self.negative else 0.0
        return Bowl(matrix, slope, max(float(loss), least), np.array(a.matrix), least)

    @property
    def x(self) -> Array:
        """The scatter of the features, (d, d)."""
        return self.scatter[: self.features, : self.features]

    @property
    def xt(self) -> Array:
        """The scatter of the features with the targets, (d, k)."""
        return self.scatter[: self.features, self.features :]

    @property
    def t(self) -> Array:
        """The scatter of the targets, (k, k)."""
        return self.scatter[self.features :, self.features :]


@dataclass(frozen=True, eq=False)
class Bowl:
    """Q = loss + ⟨δ, slope + G δ⟩, ∂Q/∂w = slope + 2 G δ, with δ = w − anchor, (k, d + 1).

    `matrix` G = Σ w z zᵀ / Σ w, (d + 1, d + 1). Q loses the digits by which it lies below `loss`;
    it is no less than `least`, 0 but for negative weights.
    """

    matrix: Array
    slope: Array
    loss: float
    anchor: Array
    least: float = 0.0

    def value(self, parameters: Array) -> float:
        """Q at these parameters (k (d + 1),)."""
        off = parameters.reshape(self.anchor.shape) - self.anchor
        return max(self.loss + float((off * (self.slope + off @ self.matrix)).sum()), self.least)


def _near(head: Samples, loss: Loss, outputs: int) -> Array:
    """A point near the mean of (x, t), (d + k,), from some of the first events."""
    some = head.rows(slice(None, None, max(1, len(head) // 1024)))
    rows = Rows.of(some, loss, outputs)
    return np.concatenate([rows.x.mean(axis=0, dtype=np.float64), rows.t.mean(axis=1)])


def _check_size(sums: Array, shift: Array, X: Samples | Stream) -> None:
    """Raises ValueError where the sums overflow, or what is made of them would."""
    width = len(shift)
    if not sums[width, width] < _HEAVY:
        raise ValueError(
            f"least squares needs weights that sum to less than {_HEAVY:g}; these sum to"
            f" {sums[width, width]:g}. Divide all by one number: the answer stays the same."
        )
    with np.errstate(over="ignore"):
        squares = np.maximum(np.diag(sums)[:width], shift**2)
    if len(large := np.flatnonzero(~(squares < _LARGE))):
        j = int(large[0])
        what = f"feature {X.head.names[j]!r}" if j < len(X.head.names) else "the answer"
        raise ValueError(
            f"least squares needs numbers whose squares sum to less than {_LARGE:g}; those of"
            f" {what} reach {squares[j]:g}. Give it in a larger unit."
        )


def _sums(
    block: Samples, loss: Loss, outputs: int, shift: Array, way: str
) -> tuple[int, Array, float]:
    """n; Σ w v vᵀ with v = (x, t, 1) − shift, of one block: (D, D), the lower triangle; Σ|w| of its
    negative weights, whose events are summed by themselves: the kernel takes roots of weights.
    """
    rows = Rows.of(block, loss, outputs, columns=True)
    less = np.maximum(-rows.weight, 0.0)
    if not less.any():
        return len(block), _products(rows, shift, way), 0.0
    more, taken = (
        _products(Rows(rows.x, rows.t, kernel_array(weight)), shift, way)
        for weight in (np.maximum(rows.weight, 0.0), less)
    )
    return len(block), more - taken, float(less.sum())


def _products(rows: Rows, shift: Array, way: str) -> Array:
    """Σ w v vᵀ of rows, (D, D). The row of the ones is the last and so lies in the lower triangle
    as a whole.
    """
    from baksan.solvers import kernels

    add = kernel(kernels.gram, way)
    tall = -(-(len(shift) + 1) // 4) * 4
    parts = parts_of(len(rows), multiple=kernels.ROWS)
    sums = np.zeros((len(parts), tall, tall))

    def one(part: int) -> None:
        add(rows.x, rows.t, rows.weight, shift, *parts[part], sums[part])

    side_by_side(one, range(len(parts)))
    return np.asarray(sums.sum(axis=0))
