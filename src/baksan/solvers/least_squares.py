"""Exact least squares as accurate as an orthogonal method, mostly at the price of one pass.

In z, the standardised features about their mean, the answer solves

    (S + ½λ) v = s,    S = Σ w z zᵀ / W,    s = Σ w z (t − t̄)ᵀ / W

with S brought to a unit diagonal. Its Cholesky factor tells the reciprocal condition r (LAPACK
`pocon`), and r tells what the answer needs, to be as good as that of LAPACK's QR:

    r ≥ 3e-2     nothing more
    r ≥ 1e-10    one corrected step:   v += (S + ½λ)⁻¹ · (what remains of the slope of Q)
    r ≥ 1e-12    two
    below        the R of a QR of the events, lot after lot, and LAPACK's gelsy on R

Negative weights have no root, so no QR: below, the answer is that of the eigenvalues of S above
1e-10, and S must have none that is negative (`Gram.axes`).

Measured against exact answers, in units of the error of gelsy on all events (its median over three
answers, at least 2e-16), with conditions from 1.5 to 1e14, 3 to 50 features, n = 2,000 and 40,000,
spectra that fall evenly, with one small singular value, or half of them small, and residuals of 0,
1e-3 and 1 times the spread of the answer: nine in ten problems and the worst of them

    r            1e0 … 3e-2   … 1e-4    … 1e-8    … 1e-10   … 1e-11   … 1e-12   … 1e-13
    no step      3, 11        65, 75    1e4, 4e4  4e5, 7e5  1e6, 3e7  3e7, 8e7  4e7, 2e8
    one          0.4, 0.6     1, 3      2, 10     2, 9      4, 33     120, 1e3  3e3, 3e4
    two          0.4, 0.6     1, 3      2, 7      3, 20     3, 7      3, 80     2, 11
    QR           2, 4         2, 3      2, 6      0.5, 1    2, 6      3, 23     2, 3

The worst of some hundred is also a matter of gelsy's luck. The wider n, the more of its errors
average out, so that r ≥ 1e-11, enough for one step at n = 2,000, was not at 40,000.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.compiled import compiled, side_by_side
from baksan.losses import Loss, Q
from baksan.models.linear import Linear
from baksan.samples import Samples
from baksan.solvers.base import Problem
from baksan.solvers.gram import Gram
from baksan.solvers.rows import Rows, kernel_array
from baksan.solvers.steps import KernelSums

Array = NDArray[Any]

__all__ = ["Solution", "inverse", "least_squares", "triangle"]

_CORRECTED = ((3e-2, 0), (1e-10, 1), (1e-12, 2))
_INVERTED = 1e-8  # r from which the inverse of S has eight digits
_RESOLVED = 1e-6  # share of the targets' variance below which Q is not taken from sums of squares
_ROWS = 2_048  # rows of one QR, or more of many features: fewer fit faster caches, but more join
_SHARE = 8_192  # rows that a thread takes at a time
_PARTS = 64  # factors R that are held before they are put together


@dataclass(frozen=True, eq=False)
class Solution:
    """parameters (k (d + 1),); Q there; the rank of the design; its condition, intercept apart."""

    parameters: Array
    loss: float
    rank: int
    condition: float


def least_squares(problem: Problem, gram: Gram) -> Solution:
    """argmin_w Σ w_i (⟨w, z_i⟩ − t_i)² / W + λ|w|²/2, the intercept left free.

    Raises ValueError where negative weights leave no minimum.
    """
    model = problem.model
    assert isinstance(model, Linear)
    if not gram.features:
        return Solution(gram.mean, float(np.trace(gram.t)), 1, 1.0)
    system = _System.of(problem, gram, model)
    for least, corrections in _CORRECTED:
        if system.reciprocal >= least:
            return _by_cholesky(problem, gram, system, corrections)
    if gram.negative:
        return _by_axes(problem, gram, system)
    return _by_qr(problem, gram, system)


def inverse(problem: Problem, gram: Gram) -> Array:
    """(ZᵀWZ)⁻¹ of the parameters of one output, (d + 1, d + 1), no penalty; pseudo-inverse of a
    deficient one. Where squaring the condition costs digits, from a QR of the events.
    """
    model, d = problem.model, gram.features
    assert isinstance(model, Linear)
    if not d:
        return np.array([[1 / gram.mass]])
    system = _System.of(problem, gram, model)
    if system.reciprocal >= _INVERTED:
        inner = system.solved(np.eye(d)) / gram.mass
    else:
        r = triangle(problem, gram)[:, :d] * (model.inverse / system.size)
        root = np.linalg.pinv(r, rcond=np.finfo(float).eps * len(r)) / system.size[:, None]
        inner = root @ root.T
    cross = -inner @ system.off
    whole = np.empty((d + 1, d + 1))
    whole[0, 0], whole[0, 1:], whole[1:, 0] = 1 / gram.mass - system.off @ cross, cross, cross
    whole[1:, 1:] = inner
    return whole


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
    if abs(loss) < _RESOLVED * abs(np.trace(gram.t)):
        loss = Q(model.moved(w.ravel()), problem.X, problem.loss)
    return Solution(w.ravel(), loss, gram.features + 1, system.reciprocal**-0.5)


def _by_axes(problem: Problem, gram: Gram, system: _System) -> Solution:
    """From the eigenvalues of S + ½λ that are above 0: of the answers that are equally good, that
    of smallest norm for features of unit variance.
    """
    model = problem.model
    assert isinstance(model, Linear)
    values, directions, size = gram.axes(model, problem.l2)
    kept, axes = values[values > 0], directions[:, values > 0] / size[:, None]
    v = (axes / kept) @ (axes.T @ system.right)
    w = np.column_stack([gram.mean[gram.features :] - system.off @ v, v.T]).ravel()
    condition = float(np.sqrt(kept[-1] / kept[0])) if len(kept) else 1.0
    return Solution(w, gram.bowl(model).value(w), len(kept) + 1, condition)


def _by_qr(problem: Problem, gram: Gram, system: _System) -> Solution:
    """From the triangular factor of the events: no condition is squared.

    Of the answers that are equally good, that of smallest norm for features of unit variance. It is
    LAPACK's gelsy that solves with the factor R, not its singular values: R is graded, and only
    elimination keeps the digits of its small rows.
    """
    from scipy.linalg import lstsq

    model, d = problem.model, gram.features
    assert isinstance(model, Linear)
    scale = np.concatenate([model.inverse / system.size, np.ones(gram.mean.size - d)])
    found = triangle(problem, gram) * scale
    ridge = np.zeros_like(found)
    ridge[:d, :d] = np.diag(np.sqrt(problem.l2 / 2 * gram.mass) / system.size)
    r = _joined(np.array([found, ridge]))
    smallest = np.finfo(float).eps * max(r.shape)
    v, _, rank, _ = lstsq(r[:, :d], r[:, d:], cond=smallest, lapack_driver="gelsy")
    singular = np.linalg.svd(r[:, :d], compute_uv=False)
    condition = singular[0] / singular[rank - 1] if rank else 1.0
    rest = found[:, d:] - found[:, :d] @ v
    v = v / system.size[:, None]
    w = np.column_stack([gram.mean[d:] - system.off @ v, v.T]).ravel()
    return Solution(w, float((rest**2).sum()) / gram.mass, int(rank) + 1, float(condition))


def triangle(problem: Problem, gram: Gram) -> Array:
    """R of a QR of √w (v − m), with v = (x, t) and m their mean as in `Gram`: Rᵀ R = W S."""
    X, loss, outputs = problem.X, problem.loss, gram.mean.size - gram.features
    one = partial(_triangles, loss=loss, outputs=outputs, mean=gram.mean)
    (found,) = one(X) if isinstance(X, Samples) else X.total(one)
    return _joined(found.parts)


@dataclass(frozen=True, eq=False)
class _Triangles:
    """Factors R of QRs of parts of the rows, (parts, width, width): those of more rows join them.

    They are put together late, many at a time. Rows that join an R one lot after another round it
    anew each time, which costs accuracy: 10 to 40 times gelsy's error was measured, against 1 to 3.
    """

    parts: Array

    def __add__(self, other: _Triangles) -> _Triangles:
        parts = np.concatenate([self.parts, other.parts])
        return _Triangles(parts) if len(parts) < _PARTS else _Triangles(_joined(parts)[None])


def _joined(parts: Array) -> Array:
    """The R of all rows from those of their parts."""
    width = parts.shape[-1]
    r = kernel_array(parts.reshape(-1, width))
    rows = Rows(r, kernel_array(np.empty((0, len(r)))), kernel_array(np.empty(0)))
    return np.asarray(_factors(rows, np.zeros(width), len(r))[0])


def _triangles(block: Samples, loss: Loss, outputs: int, mean: Array) -> tuple[_Triangles]:
    """`triangle` of one block."""
    rows = Rows.of(block, loss, outputs, columns=True)
    return (_Triangles(_joined(_factors(rows, mean, max(_ROWS, 16 * len(mean))))[None]),)


def _factors(rows: Rows, mean: Array, size: int) -> Array:
    """R of each `size` rows, (lots, width, width), some lots at a time on each thread."""
    from baksan.solvers import kernels_qr

    add, (x, t, weight) = compiled(kernels_qr.triangles), (rows.x, rows.t, rows.weight)
    found = np.zeros((-(-len(rows) // size), len(mean), len(mean)))
    lots = max(1, _SHARE // size)

    def some(lot: int) -> None:
        last = min((lot + lots) * size, len(rows))
        add(x, t, weight, mean, lot * size, last, size, found[lot : lot + lots])

    side_by_side(some, range(0, len(found), lots))
    return found
