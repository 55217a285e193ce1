"""The ridge path: the exact answers of least squares for many strengths of L2, from one pass.

    w(λ) = argmin_w Q(a, X) + λ|w|²/2

With z the standardised features about their mean, t the targets about theirs, and the singular
values σ_i and directions V of √(w/W) z, whose left directions find a_i of the targets,

    v(λ) = Σ_i V_i σ_i a_i / (σ_i² + ½λ)          one formula for all strengths

and nothing else has to be solved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan import losses
from baksan.losses import Loss
from baksan.models.linear import Linear
from baksan.samples import Samples
from baksan.solvers.base import Events, Problem
from baksan.solvers.gram import Gram
from baksan.solvers.least_squares import triangle
from baksan.stream import Stream

Array = NDArray[Any]

__all__ = ["RidgePath", "ridge_path"]

_STEEP = 1e-4  # (σ_min² + ½λ) / σ_max² below which sums of squares lose too many digits
_STRENGTHS = np.geomspace(1e-8, 1e2, 51)  # in units of the largest σ²


@dataclass(frozen=True, eq=False)
class RidgePath:
    """What `ridge_path` found, for each strength.

    `strengths` λ (m,); `models`; `loss` Q on the events (m,), penalty not counted; `freedom`
    degrees of freedom of each output, 1 + Σ σ²/(σ² + ½λ) (m,); `score` of generalised
    cross-validation (m,); `sigma` (d,).
    """

    strengths: Array
    models: tuple[Linear, ...]
    loss: Array
    freedom: Array
    score: Array
    sigma: Array

    def __len__(self) -> int:
        return len(self.strengths)

    @property
    def weights(self) -> Array:
        """The weights for standardised features, (m, d) for one output, else (m, k, d)."""
        weights = np.array([a.matrix[:, 1:] for a in self.models])
        return weights[:, 0] if weights.shape[1] == 1 else weights

    @property
    def at(self) -> int:
        """Where the score is least."""
        return int(self.score.argmin())

    @property
    def best(self) -> Linear:
        """The model with the least score."""
        return self.models[self.at]

    @property
    def strength(self) -> float:
        """The strength with the least score, to give as penalty=L2(…)."""
        return float(self.strengths[self.at])


def ridge_path(
    X: Events, strengths: ArrayLike | None = None, loss: Loss = losses.squared
) -> RidgePath:
    """Least squares with L2(λ) for each λ, from one pass over the events.

    Each model is that of fit(Linear(), X, loss, Analytic(), penalty=L2(λ)), to rounding. Where the
    features nearly depend on each other and the smallest λ does not help, a second pass makes a QR.

    The score is that of generalised cross-validation, an estimate of Q on new events, equally good
    in any rotation of the events (Golub, Heath, Wahba, Technometrics 21 (1979) 215, eq. 1.4):

        Q(λ) / (1 − freedom(λ)/n)²          n events

    Parameters
    ----------
    X : Samples or Stream
        With weights or without; events that belong together (groups) make the score too good.
        Negative weights count as they are, if the weighted scatter of the features is positive;
        there is no QR for them, so that nearly dependent features cost digits.
    strengths : (m,) of numbers from 0, optional
        By default 51 from 1e-8 to 100 times the largest σ², in equal ratios.
    loss : Loss
        `squared`, or for classes `squared_margin`.

    Raises
    ------
    ValueError
        Another loss; no strengths, or one that is negative or not finite; events of one class;
        no features; negative weights that leave no minimum.

    Examples
    --------
    >>> from baksan import Samples
    >>> random = np.random.default_rng(0)
    >>> x = random.normal(size=(40, 10))
    >>> path = ridge_path(Samples(x, x[:, 0] + random.normal(size=40)), [1e-3, 0.1, 10.0])
    >>> path.freedom.round(1).tolist(), path.strength
    ([11.0, 10.4, 2.6], 0.1)
    """
    if loss.cost is not losses.squared.cost:
        raise ValueError(
            "a ridge path needs a squared loss: squared, or squared_margin for classes; this is"
            f" {loss.name}. Fit with penalty=L2(…) for each strength instead."
        )
    if not isinstance(X, Samples | Stream):
        raise TypeError(
            f"a ridge path needs Samples or a Stream, such as bk.Samples(x, y); {type(X).__name__}"
            " came."
        )
    problem = Problem(Linear(), X, loss)
    Linear().prepared(X.head.x[:1], np.ones(1), 1)  # refuses images
    if not X.head.x.shape[1]:
        raise ValueError(
            "a ridge path needs features, whose weights it shrinks; these events have none."
            " Give at least one."
        )
    gram = Gram.of(X, loss, loss.outputs(X.head.answers, len(X.class_names)))
    if X.class_names and not (np.diag(gram.t) > 0).any():
        raise ValueError(
            "a ridge path needs events of at least two classes; all that count are of one."
            " Give other events or another answer."
        )
    model = _standardised(X, gram)
    gram.axes(model)  # refuses negative weights that leave no minimum
    axes = _Axes.of_gram(gram, model)
    chosen = _checked(2.0 * axes.sigma.max(initial=0.0) ** 2 * _STRENGTHS, strengths)
    if gram.negative:
        return axes.path(chosen, gram, model)
    if axes.sigma.min(initial=1.0) ** 2 + chosen.min() / 2 < _STEEP * axes.sigma.max() ** 2:
        axes = _Axes.of_triangle(triangle(problem, gram) / np.sqrt(gram.mass), gram, model)
    return axes.path(chosen, gram, model)


def _standardised(X: Events, gram: Gram) -> Linear:
    """The model as a fit prepares it."""
    mean, spread = gram.mean[: gram.features], np.sqrt(np.diag(gram.x))
    precision = float(np.finfo(X.head.x.dtype).eps)
    outputs = gram.mean.size - gram.features
    return Linear().standardised(mean, spread, outputs, precision)


def _checked(default: Array, strengths: ArrayLike | None) -> Array:
    if strengths is None:
        return default
    chosen = np.array(strengths, dtype=float)
    if chosen.ndim != 1 or not len(chosen) or not np.all((chosen >= 0) & np.isfinite(chosen)):
        raise ValueError(
            f"the strengths must be a list of numbers from 0; {strengths!r} came."
            " Write [0.01, 0.1, 1.0]."
        )
    return chosen


@dataclass(frozen=True, eq=False)
class _Axes:
    """σ (d,), their directions V (d, d) in columns, a (d, k), and what no weights reach of t."""

    sigma: Array
    directions: Array
    found: Array
    rest: float

    @classmethod
    def of_gram(cls, gram: Gram, model: Linear) -> _Axes:
        """From the eigenvalues σ² of S."""
        squares, directions = np.linalg.eigh(gram.x * np.outer(model.inverse, model.inverse))
        least = np.finfo(float).eps * len(squares) * squares.max(initial=0.0)
        sigma = np.sqrt(np.where(squares > least, squares, 0.0))
        across = directions.T @ (gram.xt * model.inverse[:, None])
        found = np.divide(
            across, sigma[:, None], out=np.zeros_like(across), where=sigma[:, None] > 0
        )
        rest = float(np.trace(gram.t) - (found**2).sum())
        rest = rest if gram.negative else max(rest, 0.0)
        return cls(sigma, directions, found, rest)

    @classmethod
    def of_triangle(cls, r: Array, gram: Gram, model: Linear) -> _Axes:
        """From the singular values σ of R: no condition is squared."""
        d = gram.features
        left, sigma, right = np.linalg.svd(r[:, :d] * model.inverse, full_matrices=False)
        sigma = np.where(
            sigma > np.finfo(float).eps * max(r.shape) * sigma.max(initial=0.0), sigma, 0.0
        )
        found = np.where(sigma[:, None] > 0, left.T @ r[:, d:], 0.0)
        return cls(sigma, right.T, found, float(((r[:, d:] - left @ found) ** 2).sum()))

    def path(self, strengths: Array, gram: Gram, model: Linear) -> RidgePath:
        half = strengths[:, None] / 2
        damped = self.sigma**2 + half
        damped[damped == 0] = 1.0  # no strength and no spread: no weight
        shrunk = (self.sigma / damped)[:, None, :] * self.found.T
        weights = shrunk @ self.directions.T
        off = (gram.mean[: gram.features] - model.centre) * model.inverse
        constant = gram.mean[gram.features :] - weights @ off
        matrices = np.concatenate([constant[..., None], weights], axis=2)
        loss = self.rest + ((half / damped) ** 2 @ self.found**2).sum(axis=1)
        freedom = 1.0 + (self.sigma**2 / damped).sum(axis=1)
        left = 1.0 - freedom / gram.events
        score = np.divide(loss, left**2, out=np.full(len(loss), np.inf), where=left > 1e-9)
        models = tuple(model.moved(matrix.ravel()) for matrix in matrices)
        return RidgePath(strengths, models, loss, freedom, score, self.sigma)
