"""Exact least squares as accurate as an orthogonal method, mostly at the price of one pass.

In z, the standardised features about their mean, the answer solves

    (S + ½λ) v = s,    S = Σ w z zᵀ / W,    s = Σ w z (t − t̄)ᵀ / W

with S brought to a unit diagonal. Its Cholesky factor tells the reciprocal condition r (LAPACK
`pocon`), and r tells what the answer needs, to be as good as that of LAPACK's QR:

    r ≥ 1e-2     nothing more
    r ≥ 1e-11    one corrected step:   v += (S + ½λ)⁻¹ · (what remains of the slope of Q)
    r ≥ 1e-13    two
    below        the R of a QR of the events, block after block, and its singular values
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.losses import Q
from baksan.models.linear import Linear
from baksan.samples import Samples
from baksan.solvers.base import Problem
from baksan.solvers.gram import Gram
from baksan.solvers.rows import Rows
from baksan.solvers.steps import KernelSums

Array = NDArray[Any]

__all__ = ["Solution", "least_squares"]

_CORRECTED = ((1e-2, 0), (1e-11, 1), (1e-13, 2))
_RESOLVED = 1e-6  # share of the targets' variance below which Q is not taken from sums of squares
_ROWS = 4_096  # rows that are added to R at a time


@dataclass(frozen=True, eq=False)
class Solution:
    """parameters (k (d + 1),); Q there; the rank of the design; its condition, intercept apart."""

    parameters: Array
    loss: float
    rank: int
    condition: float


def least_squares(problem: Problem, gram: Gram) -> Solution:
    """argmin_w Σ w_i (⟨w, z_i⟩ − t_i)² / W + λ|w|²/2, the intercept left free."""
    model = problem.model
    assert isinstance(model, Linear)
    system = _System.of(problem, gram, model)
    for least, corrections in _CORRECTED:
        if system.reciprocal >= least:
            return _by_cholesky(problem, gram, system, corrections)
    return _by_qr(problem, gram, system)


@dataclass(frozen=True, eq=False)
class _System:
    """(S + ½λ) v = s with unit diagonal: `factor` the Cholesky factor, `reciprocal` condition."""

    size: Array
    right: Array
    factor: Array
    reciprocal: float
    off: Array

    @classmethod
    def of(cls, problem: Problem, gram: Gram, model: Linear) -> _System:
        from scipy.linalg import lapack

        matrix = gram.x * np.outer(model.inverse, model.inverse)
        matrix[np.diag_indices_from(matrix)] += problem.l2 / 2
        size = np.sqrt(np.diag(matrix))
        size = np.where(size > 0, size, 1.0)
        unit = matrix / np.outer(size, size)
        factor, failed = lapack.dpotrf(unit, lower=1)
        reciprocal = 0.0
        if not failed:
            reciprocal, _ = lapack.dpocon(factor, np.abs(unit).sum(axis=0).max(), uplo="L")
        off = (gram.mean[: gram.features] - model.centre) * model.inverse
        return cls(size, gram.xt * model.inverse[:, None], factor, float(reciprocal), off)

    def solved(self, right: Array) -> Array:
        """(S + ½λ)⁻¹ right, (d, k)."""
        from scipy.linalg import lapack

        found, _ = lapack.dpotrs(self.factor, right / self.size[:, None], lower=1)
        return np.asarray(found / self.size[:, None])


def _by_cholesky(problem: Problem, gram: Gram, system: _System, corrections: int) -> Solution:
    model = problem.model
    assert isinstance(model, Linear)
    v = system.solved(system.right)
    w = np.column_stack([gram.mean[gram.features :] - system.off @ v, v.T])
    for _ in range(corrections):
        slope, _, mass = KernelSums(problem)(model.moved(w.ravel()))
        half = slope.reshape(w.shape) / (2.0 * mass)
        # The slope about the mean of z, which the free intercept leaves to the weights.
        rest = half[:, 1:] - np.outer(half[:, 0], system.off) + problem.l2 / 2 * w[:, 1:]
        step = system.solved(-rest.T)
        w[:, 0] -= half[:, 0] + system.off @ step
        w[:, 1:] += step.T
    loss = gram.bowl(model).value(w.ravel())
    if loss < _RESOLVED * np.trace(gram.t):
        loss = Q(model.moved(w.ravel()), problem.X, problem.loss)
    return Solution(w.ravel(), loss, gram.features + 1, system.reciprocal**-0.5)


def _by_qr(problem: Problem, gram: Gram, system: _System) -> Solution:
    """From the triangular factor of the events: no condition is squared.

    Of the answers that are equally good, that of smallest norm for features of unit variance.
    """
    model, d = problem.model, gram.features
    assert isinstance(model, Linear)
    scale = np.concatenate([model.inverse / system.size, np.ones(gram.mean.size - d)])
    one = partial(_triangle, problem=problem, mean=gram.mean, scale=scale)
    (parts,) = problem.X.total(one)
    ridge = np.zeros((d, gram.mean.size))
    ridge[:, :d] = np.diag(np.sqrt(problem.l2 / 2 * gram.mass) / system.size)
    r: Array = np.asarray(np.linalg.qr(np.vstack([*parts, ridge]), mode="r"))
    left, singular, right = np.linalg.svd(r[:, :d], full_matrices=False)
    largest = singular[0] if len(singular) else 0.0
    kept = singular > np.finfo(float).eps * max(r.shape) * largest
    inner = (left.T @ r[:, d:])[kept] / singular[kept, None]
    v = (right[kept].T @ inner) / system.size[:, None]
    w = np.column_stack([gram.mean[d:] - system.off @ v, v.T]).ravel()
    rank = int(kept.sum())
    condition = largest / singular[rank - 1] if rank else 1.0
    return Solution(w, Q(model.moved(w), problem.X, problem.loss), rank + 1, float(condition))


def _triangle(block: Samples, problem: Problem, mean: Array, scale: Array) -> tuple[list[Array]]:
    """R of √w (v − mean) · scale with v = (x, t), of one block: in a list, so that they add up."""
    rows = Rows.of(block, problem.loss, problem.model.outputs)
    r: Array = np.empty((0, len(mean)))
    for start in range(0, len(rows), _ROWS):
        part = slice(start, start + _ROWS)
        v = (np.column_stack([rows.x[part], rows.t[:, part].T]) - mean) * scale
        if len(rows.weight):
            v *= np.sqrt(rows.weight[part, None])
        r = np.asarray(np.linalg.qr(np.vstack([r, v]), mode="r"))
    return ([r],)
