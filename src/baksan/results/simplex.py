"""The likelihood of a mixture on the simplex, and its maximum: EM, finished by Newton steps."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Array = NDArray[Any]

__all__ = ["Maximum", "em_step", "log_likelihood", "maximum", "slope"]

_GAP = 1e-10
_WARM, _MOST = 10, 500


class Maximum(NamedTuple):
    """Fractions (K,), ln L, steps, and by how much ⟨ln L⟩ per event could still grow at most."""

    fractions: Array
    log_likelihood: float
    iterations: int
    gap: float


def log_likelihood(fractions: Array, density: Array, counts: Array) -> float:
    """ln L = Σ_j n_j ln Σ_k D_jk f_k over rows with events; −∞ where one of them has no chance.

    Parameters
    ----------
    fractions : (K,)
    density : (m, K)
        P(bin j | class k), or the density of event j if it were of class k.
    counts : (m,)
        Events in each bin, or the weight of each event.
    """
    mixed = density @ fractions
    if np.any((mixed <= 0) & (counts > 0)):
        return -np.inf
    return float(counts @ np.log(np.where(counts > 0, mixed, 1.0)))


def slope(fractions: Array, density: Array, counts: Array) -> Array:
    """d_k = Σ_j (n_j/N) D_jk/(Σ_m D_jm f_m), (K,): at the maximum 1 where f_k > 0, else ≤ 1.

    These are the conditions of Karush, Kuhn and Tucker; Σ_k f_k d_k = 1 always.
    """
    mixed = density @ fractions
    share = np.where(counts > 0, counts / counts.sum(), 0.0)
    return np.asarray((share / np.where(mixed > 0, mixed, 1.0)) @ density)


def em_step(fractions: Array, density: Array, counts: Array) -> Array:
    """One step of EM, f_k ← f_k d_k: ln L never falls, Σ f stays 1; (K,).

    [V]; A. Dempster, N. Laird and D. Rubin, J. R. Stat. Soc. B 39 (1977) 1.
    """
    stepped = fractions * slope(fractions, density, counts)
    return np.asarray(stepped / stepped.sum())


def maximum(density: Array, counts: Array) -> Maximum:
    """The fractions of largest likelihood, all classes alike at the start.

    A few steps of EM, then Newton's: the quadratic of −⟨ln L⟩ + Σ f is smallest over f ≥ 0 by
    non-negative least squares (Σ f = 1 follows; Y. Kim et al., J. Comput. Graph. Stat. 29 (2020)
    261), halved until ln L grows. It ends where max d_k − 1 ≤ 10⁻¹⁰: by concavity ⟨ln L⟩ is then
    less than that below its maximum.
    """
    seen = counts > 0
    # Rows in units of their largest density: ln L only shifts, and nothing overflows.
    scale = density[seen].max(axis=1, keepdims=True)
    D, n = density[seen] / scale, counts[seen]
    f = np.full(D.shape[1], 1 / D.shape[1])
    value, step, gap = log_likelihood(f, D, n), 0, np.inf
    for step in range(1, _MOST + 1):
        d = slope(f, D, n)
        if (gap := float(d.max() - 1)) <= _GAP:
            break
        trial = f * d / (f @ d)
        if step > _WARM:
            trial = _newton(f, d, D, n, value, trial)
        f, value = trial, log_likelihood(trial, D, n)
    return Maximum(f, value + float(n @ np.log(scale[:, 0])), step, gap)


def _newton(f: Array, d: Array, D: Array, n: Array, value: float, fallback: Array) -> Array:
    """Newton's step cut short until ln L is no lower than before; else the step of EM."""
    S = D / (D @ f)[:, None]
    H = S.T @ (S * (n / n.sum())[:, None])
    R = np.linalg.cholesky(H + 1e-12 * np.trace(H) * np.eye(len(f))).T
    aim = nnls(R, np.linalg.solve(R.T, 2 * d - 1))[0]
    if aim.sum() <= 0:
        return fallback
    aim, best = aim / aim.sum(), log_likelihood(fallback, D, n)
    for halvings in range(12):
        trial = f + 0.5**halvings * (aim - f)
        if log_likelihood(trial, D, n) >= max(value, best):
            return em_step(trial, D, n)
    return fallback
