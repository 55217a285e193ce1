"""Rates that nobody has to choose: rate="auto", from how steeply Q bends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.losses import Loss
from baksan.models.linear import Linear
from baksan.samples import Samples
from baksan.solvers.base import Problem
from baksan.solvers.rows import targets
from baksan.solvers.schedules import Constant, InverseTime, Schedule
from baksan.solvers.settings import Settings

Array = NDArray[Any]

__all__ = ["Steepness", "automatic", "bound", "spread_of"]


@dataclass(frozen=True)
class Steepness:
    """How steeply Q bends, for a linear model: z z^T is the outer product of standardised features.

    largest = λ_max( Σ |w_i| b_i z_i z_iᵀ / Σ w_i ) + λ      b_i: the loss's bend at the start
    noise   = n Σ w_i² b_i |z_i|⁴ / (Σ w_i  Σ w_i |z_i|²)                 R² in `Descent.bound`
    size    = Σ w_i |z_i|² / Σ w_i

    Events of negative weight enter `largest` by their modulus, which bounds it whatever the events
    of positive weight do; the Gram matrix of a squared loss tells it exactly.

    A full step is stable below 2 / largest. A step on a batch of m events is stable in the mean
    square below 2 / (largest + noise / m) (for m = 1: Bach and Moulines, NIPS 2013).
    """

    largest: float
    noise: float
    size: float

    @classmethod
    def of(cls, problem: Problem) -> Steepness:
        """One pass over the events, or none for full batches of a squared loss whose Gram matrix is
        known. Raises ValueError for a model that is not linear.
        """
        model = problem.model
        if not isinstance(model, Linear):
            raise ValueError(
                f'rate="auto" needs the linear model, whose curvature is known; this is'
                f" {type(model).__name__}. Give the rate as a number."
            )
        if problem.gram is not None:  # known for full batches only, where the noise plays no part
            matrix = problem.gram.bowl(model).matrix
            largest = 2.0 * float(np.linalg.eigvalsh(matrix)[-1])
            return cls(largest + problem.l2, math.inf, float(np.trace(matrix)))
        matrix, mass, squares, fourths, n = problem.X.total(
            partial(_moments, model=model, loss=problem.loss)
        )
        largest = float(np.linalg.eigvalsh(matrix / mass)[-1])
        noise = float(n * fourths / (mass * squares))
        return cls(largest + problem.l2, noise, float(squares / mass))

    def limit(self, batch: int | None) -> float:
        """The rate from which steps on such batches grow; infinite for piecewise linear losses."""
        steep = self.largest if batch is None else self.largest + self.noise / batch
        return 2.0 / steep if steep > 0 else math.inf


def _moments(block: Samples, model: Linear, loss: Loss) -> tuple[Array, float, float, float, int]:
    """Σ w b z zᵀ, Σ w, Σ w |z|², Σ w² b |z|⁴ and n of one block."""
    z, w = model.design(block.x), block.w
    bend = loss.curvature(model(block.x), block.answers).reshape(len(z), -1).max(axis=1)
    square = np.einsum("ij,ij->i", z, z)
    matrix = (z.T * (np.abs(w) * bend)) @ z
    return matrix, float(w.sum()), float(w @ square), float((w * w * bend) @ square**2), len(z)


def bound(solver: Settings, steep: Steepness) -> tuple[float, str]:
    """The rate above which Q grows, and its formula; L and R² as in `Steepness`.

    Full batches of a squared loss: exactly 2/L, with momentum μ 2(1 + μ)/L, with Nesterov's
    2(1 + μ)/((1 + 2μ) L).
    """
    limit, mu = steep.limit(solver.batch), solver.momentum
    if solver.batch is not None:
        # Momentum μ lengthens a noisy step 1/(1 − μ) times in the mean.
        return limit * (1.0 - mu), "2(1 − μ)/(L + R²/m)" if mu else "2/(L + R²/m)"
    if solver.nesterov and mu:
        return limit * (1.0 + mu) / (1.0 + 2.0 * mu), "2(1 + μ)/((1 + 2μ) L)"
    return limit * (1.0 + mu), "2(1 + μ)/L" if mu else "2/L"


def automatic(solver: Settings, problem: Problem) -> Schedule:
    """rate="auto": half the limit of stability, falling where the gradient is noisy or jumps.

    Full batches of a smooth loss: constant 1/L. Noisy gradients: (1 − μ)/L_B · (1 + t/τ)^−¾ with τ
    one epoch and μ the momentum. Piecewise linear losses: D/√(E|z|²) · (1 + t)^−½ with D the spread
    of the targets (1 for classes), the subgradient method's (Zinkevich, ICML 2003).
    """
    steep = Steepness.of(problem)
    if steep.noise == 0:
        spread = spread_of(problem) if problem.loss.task == "regression" else 1.0
        return InverseTime(spread / math.sqrt(steep.size), tau=1.0, power=0.5)
    if solver.batch is None:
        return Constant(steep.limit(None) / 2)
    epoch = solver.steps_per_epoch(len(problem.X))
    return InverseTime(bound(solver, steep)[0] / 2, tau=epoch, power=0.75)


def spread_of(problem: Problem) -> float:
    """The standard deviation of all targets, 1 where they do not vary."""
    near = targets(problem.X.head, problem.loss, problem.model.outputs).mean()

    def sums(block: Samples) -> tuple[int, float, float]:
        off = targets(block, problem.loss, problem.model.outputs) - near
        return off.size, float(off.sum()), float((off * off).sum())

    n, total, squares = problem.X.total(sums)
    return math.sqrt(max(squares / n - (total / n) ** 2, 0.0)) or 1.0
