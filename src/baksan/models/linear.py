"""The linear model a(x) = w_0 + w_1 x_1 + … + w_d x_d = ⟨w, x⟩ with x_0 = 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from baksan.compiled import compiled, side_by_side
from baksan.models.base import Model

Array = NDArray[Any]

__all__ = ["Linear", "deviations"]

_PART = 65_536
_STILL = 4 * float(np.finfo(float).eps)  # what rounding may make of a deviation, over the mean


@dataclass(frozen=True, eq=False)
class Linear(Model):
    """a(x)_k = Σ_j w_kj z_j with z_0 = 1 and z_j = (x_j − centre_j) / scale_j.

    Standardisation is part of the model: it is fixed from the training events before the first
    step, and `weights` and `intercept` are given in the user's units.

    Parameters
    ----------
    standardise : bool
        False takes centre 0 and scale 1.
    outputs : int, set by `prepared`
        Predictions for each event, k.
    centre, scale : (d,), set by `prepared`
        Weighted mean and standard deviation; the scale of a constant feature is 1. Negative
        weights can make a variance negative: a ValueError says so.
    parameters : (k (d + 1),), set by `prepared`
        w_kj, row by row, intercept first.

    Examples
    --------
    >>> import baksan as bk
    >>> X = bk.Samples([[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 7.0])
    >>> line = bk.fit(bk.Linear(), X, bk.losses.squared, bk.Analytic()).model
    >>> round(float(line.intercept), 9), line.weights.round(9).tolist()
    (1.0, [2.0])
    """

    standardise: bool = True
    outputs: int = 1
    centre: Array = field(default_factory=lambda: np.empty(0))
    scale: Array = field(default_factory=lambda: np.empty(0))
    parameters: Array = field(default_factory=lambda: np.empty(0))

    @property
    def features(self) -> int:
        """The number of features d; 0 before `prepared`."""
        return len(self.centre)

    @property
    def matrix(self) -> Array:
        """The parameters as w_kj, (k, d + 1), for standardised features, intercept first."""
        return self.parameters.reshape(self.outputs, self.features + 1)

    @property
    def weights(self) -> Array:
        """∂a/∂x_j in the user's units, (d,) for one output, else (k, d)."""
        weights = self.matrix[:, 1:] / self.scale
        return weights[0] if self.outputs == 1 else weights

    @property
    def intercept(self) -> Array:
        """a(0) in the user's units, () for one output, else (k,)."""
        intercept = self.matrix[:, 0] - (self.matrix[:, 1:] / self.scale) @ self.centre
        return np.asarray(intercept[0] if self.outputs == 1 else intercept)

    @property
    def penalised(self) -> Array:
        mask = np.ones((self.outputs, self.features + 1), dtype=bool)
        mask[:, 0] = False
        return mask.ravel()

    @cached_property
    def inverse(self) -> Array:
        """1 / scale, (d,)."""
        return np.asarray(1.0 / self.scale)

    def check(self) -> None:
        """Raises ValueError where the parts do not fit together, as in a file that was changed.

        Compiled code reads these arrays without looking where they end.
        """
        if type(self.standardise) is not bool or type(self.outputs) is not int:
            raise ValueError(
                "standardise must be true or false, outputs a number; they are"
                f" {self.standardise!r} and {self.outputs!r}."
            )
        for name in ("centre", "scale", "parameters"):
            values = np.asarray(getattr(self, name))
            if values.ndim != 1 or values.dtype.kind not in "iuf" or not np.isfinite(values).all():
                raise ValueError(f"{name} must be finite numbers in one row; they are not.")
        if self.scale.shape != self.centre.shape or not (self.scale > 0).all():
            raise ValueError(f"scale must be {self.features} numbers above 0; it is not.")
        if self.outputs < 1 or self.parameters.size != self.outputs * (self.features + 1):
            raise ValueError(
                f"a linear model of {self.features} features and {self.outputs} outputs needs"
                f" {self.outputs * (self.features + 1)} parameters; there are"
                f" {self.parameters.size}."
            )

    def design(self, x: Array) -> Array:
        """The standardised features with z_0 = 1 in front, (n, d + 1) float64."""
        x = self._checked(x)
        z = np.empty((len(x), self.features + 1))
        z[:, 0] = 1.0
        np.subtract(x, self.centre, out=z[:, 1:])
        z[:, 1:] *= self.inverse
        return z

    def _checked(self, x: Array) -> Array:
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1] != self.features:
            raise ValueError(
                f"this linear model needs {self.features} features, x (n, {self.features});"
                f" x has shape {x.shape}."
            )
        return x

    @cached_property
    def _kernel(self) -> tuple[Callable[..., None], Array, Array]:
        """The loop of `models.kernels`, and the weights and the constant that it takes."""
        from baksan.models.kernels import predict

        weights = np.ascontiguousarray(self.matrix[:, 1:] * self.inverse)
        return compiled(predict), weights, np.ascontiguousarray(self.matrix[:, 0])

    def __call__(self, x: Array) -> Array:
        # Not BLAS: what an event is given must not depend on the events beside it, to the last bit.
        x = np.ascontiguousarray(self._checked(x))
        if x.dtype != np.float32:
            x = x.astype(np.float64, copy=False)
        if x.flags.writeable:
            x = x.view()
            x.flags.writeable = False  # one kind of array, one compiled kernel
        predict, weights, constant = self._kernel
        p = np.empty((len(x), self.outputs))
        if len(x) <= _PART:
            predict(x, self.centre, weights, constant, p)
        else:
            side_by_side(
                lambda i: predict(x[i : i + _PART], self.centre, weights, constant, p[i:]),
                range(0, len(x), _PART),
            )
        return p[:, 0] if self.outputs == 1 else p

    def pullback(self, x: Array, slope: Array) -> Array:
        return np.asarray(slope.reshape(len(slope), -1).T @ self.design(x)).ravel()

    def moved(self, parameters: Array) -> Self:
        return replace(self, parameters=parameters)

    def prepared(self, x: Array, weight: Array, outputs: int) -> Self:
        if self.features:
            return self
        if x.ndim != 2:
            raise ValueError(
                f"a linear model needs x of shape (n, d); it has {x.shape}."
                " Flatten images first: x.reshape(len(x), -1)."
            )
        mean, spread = np.zeros(x.shape[1]), np.ones(x.shape[1])
        if self.standardise:
            mean, spread = _mean_and_spread(x, weight)
        return self.standardised(mean, spread, outputs, float(np.finfo(x.dtype).eps))

    def standardised(
        self, mean: Array, spread: Array, outputs: int, precision: float = 2.0**-52
    ) -> Self:
        """The model with these means and standard deviations (d,), known to this precision."""
        centre, scale = np.zeros(len(mean)), np.ones(len(mean))
        if self.standardise:
            # Rounding leaves a constant feature a spread of about eps·|mean|, not 0.
            centre, scale = mean, np.where(spread > 4 * precision * np.abs(mean), spread, 1.0)
        zero = np.zeros(outputs * (len(centre) + 1))
        return replace(self, outputs=outputs, centre=centre, scale=scale, parameters=zero)

    def at_constant(self, constant: Array, spread: Array | float = 1.0) -> Self:
        matrix = np.zeros((self.outputs, self.features + 1))
        matrix[:, 0] = constant
        return self.moved(matrix.ravel())

    def in_user_units(self, covariance: Array) -> Array:
        """The covariance of (intercept, weights) in the user's units from that of `parameters`.

        (d + 1, d + 1) for one output: w_j = v_j / s_j, w_0 = v_0 − Σ v_j c_j / s_j.
        """
        if self.outputs != 1:
            raise ValueError(f"in_user_units is for one output; this model has {self.outputs}.")
        change = np.diag(np.concatenate([[1.0], 1.0 / self.scale]))
        change[0, 1:] = -self.centre / self.scale
        return np.asarray(change @ covariance @ change.T)


def _mean_and_spread(x: Array, weight: Array) -> tuple[Array, Array]:
    """Weighted means and standard deviations (d,), in parts that stay in the cache."""
    parts = [slice(start, start + _PART // 8) for start in range(0, len(x), _PART // 8)]
    mass = weight.sum()
    mean = np.sum([weight[part] @ x[part] for part in parts], axis=0) / mass
    squares = np.sum([weight[part] @ (x[part] - mean) ** 2 for part in parts], axis=0)
    return mean, deviations(mean, squares / mass)


def deviations(mean: Array, variance: Array, names: Sequence[str] = ()) -> Array:
    """√variance, (d,). Raises ValueError for a negative one, which negative weights can make; not
    for what rounding makes of 0.
    """
    low = variance < -((_STILL * mean) ** 2)
    if low.any():
        j = int(np.where(low, variance, 0.0).argmin())
        raise ValueError(
            "features need a weighted variance of 0 or more, which brings them to one scale;"
            f" that of {names[j] if names else f'column {j}'} is {variance[j]:.3g}. Take"
            " more events, leave the feature out, or leave out the events of negative weight."
        )
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))
