"""Fractions of primaries from what a classifier says: maximum likelihood, never M⁻¹."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.metrics.checks import numbers
from baksan.results.response import Response, as_response, condition, numbered
from baksan.results.simplex import Maximum, maximum

Array = NDArray[Any]

__all__ = ["FractionError", "Unfolded", "fraction_error", "unfold", "unfold_scores"]


@dataclass(frozen=True, eq=False)
class Unfolded:
    """Fractions (K,) that sum to 1, and what they are worth.

    `error` is the statistical one of the data, from `covariance` (K, K); `method_error` that of the
    finite simulation behind M, 0 where M is taken as exact. A systematic error of the hadronic
    model is in neither: unfold with the M of another model and quote the difference. `gap` says by
    how much ⟨ln L⟩ per event lies below its maximum at most.
    """

    names: tuple[str, ...]
    fractions: Array
    error: Array
    method_error: Array
    covariance: Array
    condition: float
    iterations: int
    log_likelihood: float
    gap: float

    def __str__(self) -> str:
        lines = (
            f"{name}: {f:.3f} ± {e:.3f} (stat.) ± {m:.3f} (method)"
            for name, f, e, m in zip(
                self.names, self.fractions, self.error, self.method_error, strict=True
            )
        )
        return "\n".join(lines)


def unfold(
    counts: ArrayLike,
    matrix: Response | ArrayLike,
    *,
    efficiency: ArrayLike | None = None,
    replicas: int = 200,
    seed: int = 0,
) -> Unfolded:
    """The fractions f that maximise Σ_j n_j ln Σ_k M_jk f_k on the simplex.

        cov f = H⁻¹ − H⁻¹ 1 1ᵀ H⁻¹/(1ᵀ H⁻¹ 1),    H_kl = N Σ_j M_jk M_jl/(M f)_j

    is that of a multinomial N with Σ f = 1 (Fisher's information). At f_k = 0 it is still the
    resolution there, and the interval one-sided. Fractions are of the events that were selected;
    with `efficiency` they are of those before, φ_k = (f_k/ε_k)/Σ_m f_m/ε_m. The
    likelihood is that of arXiv:2311.06893 and astro-ph/0505413 [V]; [C] the covariance.

    Parameters
    ----------
    counts : (J,)
        Data events found as each class.
    matrix : Response or (J, K)
        From `response`; plain numbers count as exact.
    efficiency : (K,), optional
        The share of each class that the selection keeps, above 0 and at most 1.
    replicas : int
        Simulations drawn anew for the method error.

    Raises
    ------
    ValueError
        No events, negative ones, columns that do not sum to 1, a condition number above 10⁶, an
        occupied bin that no class reaches.

    Examples
    --------
    >>> found = unfold([550, 450], [[0.9, 0.2], [0.1, 0.8]])
    >>> found.fractions.round(6).tolist(), found.error.round(4).tolist()
    ([0.5, 0.5], [0.0225, 0.0225])
    """
    M, n = as_response(matrix), numbers(counts, "the counts").astype(float)
    _fit_together(n, M.matrix)
    worst = condition(M.matrix, M.names)
    best, rng = maximum(M.matrix, n), np.random.default_rng(seed)
    worlds = []
    for _ in range(replicas if np.isfinite(M.events).all() else 0):
        # A bin that no event of this draw reached says nothing, rather than 'impossible'.
        other = maximum(np.maximum(M.redrawn(rng), 1e-9), n).fractions
        worlds.append(_before(other, efficiency)[0])
    method = np.std(worlds, axis=0, ddof=1) if len(worlds) > 1 else np.zeros(len(M.names))
    expected = n.sum() * M.matrix @ best.fractions
    return _told(best, M.matrix, expected, M.names, efficiency, worst, method)


def unfold_scores(
    density: ArrayLike, names: Sequence[str] = (), *, efficiency: ArrayLike | None = None
) -> Unfolded:
    """The fractions f that maximise Σ_i ln Σ_k p(x_i | k) f_k: no bins, and no loss by them.

    H_kl = Σ_i p_ik p_il/(Σ_m p_im f_m)². There is no method error: who estimated the densities
    resamples their events and calls this again. Probabilities of a classifier that was trained
    with shares π_k give p(x | k) ∝ P(k | x)/π_k.

    Parameters
    ----------
    density : (n, K)
        Of each event if it were of each class, 0 or more, each row up to a factor.
    names : K names, optional
    efficiency : (K,), optional
        As in `unfold`.

    Raises
    ------
    ValueError
        As `unfold`; an event without density under all classes.
    """
    p = numbers(density, "the densities").astype(float)
    if p.ndim != 2 or p.shape[1] < 2 or p.min() < 0 or not p.max(axis=1).all():
        raise ValueError(
            "densities must be (n, K ≥ 2), 0 or more, and above 0 for one class in each row; the"
            f" shape is {p.shape}, the lowest {p.min(initial=np.inf):g}. Leave events out that no"
            " class explains, and say how many."
        )
    called = tuple(names) or numbered(p.shape[1])
    worst = condition(p / p.mean(axis=1, keepdims=True), called)
    ones, none = np.ones(len(p)), np.zeros(len(called))
    return _told(maximum(p, ones), p, ones, called, efficiency, worst, none)


class FractionError(NamedTuple):
    """Mean |f̂ − f| over mixtures and classes, its error, and by class: mean |f̂ − f|, mean f̂ − f."""

    mean: float
    error: float
    by_class: Array
    bias: Array


def fraction_error(
    matrix: Response | ArrayLike,
    nature: Response | ArrayLike | None = None,
    *,
    events: int = 5000,
    mixtures: int = 200,
    seed: int = 0,
) -> FractionError:
    """Mean |f̂_k − f_k| over mixtures f drawn evenly from the simplex, Dirichlet(1, …, 1).

    The one number by which fractions from different classifiers are compared: 7 % for p, He, N and
    Fe in arXiv:2112.02072 [V]. Of each mixture so many events are drawn with the response `nature`
    and unfolded with `matrix`. By default both are the same, which is the best case; give the
    response of other test events, or of another hadronic model, to see the rest.

    Raises
    ------
    ValueError
        As `unfold`; responses of different shapes.

    Examples
    --------
    >>> round(fraction_error([[0.9, 0.2], [0.1, 0.8]], events=5000).mean, 3)
    0.008
    """
    M, true = as_response(matrix), as_response(matrix if nature is None else nature)
    if M.matrix.shape != true.matrix.shape:
        raise ValueError(
            f"both responses must be of the same classes; their shapes are {M.matrix.shape} and"
            f" {true.matrix.shape}. Give the same classes in the same order."
        )
    condition(M.matrix, M.names)
    rng = np.random.default_rng(seed)
    f = rng.dirichlet(np.ones(len(M.names)), mixtures)
    drawn = rng.multinomial(events, f @ true.matrix.T).astype(float)
    # What nature fills and the simulation of M never reached is a bin that M cannot explain.
    reached = np.maximum(M.matrix, 1e-9)
    off = np.array([maximum(reached, n).fractions for n in drawn]) - f
    each = np.abs(off).mean(axis=1)
    return FractionError(
        float(each.mean()),
        float(each.std(ddof=1) / np.sqrt(mixtures)),
        np.abs(off).mean(axis=0),
        off.mean(axis=0),
    )


# What they share ----------------------------------------------------------------------------------


def _told(
    best: Maximum,
    density: Array,
    expected: Array,
    names: tuple[str, ...],
    efficiency: ArrayLike | None,
    worst: float,
    method: Array,
) -> Unfolded:
    S = density / np.maximum(density @ best.fractions, 1e-12)[:, None]
    # M = 1 and f_k = 0: the empty bin says all, and the error is as good as 0.
    inverse = np.linalg.inv(S.T @ (S * np.maximum(expected, 1e-12)[:, None]))
    ones = inverse.sum(axis=1)
    fractions, turn = _before(best.fractions, efficiency)
    covariance = turn @ (inverse - np.outer(ones, ones) / ones.sum()) @ turn.T
    error = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    return Unfolded(
        names, fractions, error, method, covariance, worst, best.iterations,
        best.log_likelihood, best.gap,
    )  # fmt: skip


def _before(f: Array, efficiency: ArrayLike | None) -> tuple[Array, Array]:
    """Fractions before the selection and ∂φ/∂f, (K,) and (K, K)."""
    if efficiency is None:
        return f, np.eye(len(f))
    e = numbers(efficiency, "the efficiencies", len(f)).astype(float)
    if e.min() <= 0 or e.max() > 1:
        raise ValueError(
            f"efficiencies must lie above 0 and at most at 1; they run from {e.min():g} to"
            f" {e.max():g}. A class that is never selected cannot be corrected for: leave it out."
        )
    share = f / e / (f / e).sum()
    return share, (np.eye(len(f)) - share[:, None]) / e / (f / e).sum()


def _fit_together(n: Array, M: Array) -> None:
    if n.shape != M.shape[:1] or n.min() < 0 or not n.sum() > 0:
        raise ValueError(
            f"unfolding needs {len(M)} counts of 0 or more, not all 0, one for each row of the"
            f" response; {n.tolist()} came. Count the events found as each class."
        )
    if len(lost := np.flatnonzero((n > 0) & (M.sum(axis=1) == 0))):
        raise ValueError(
            f"{n[lost[0]]:g} data events lie in bin {lost[0]}, where no simulated event of any"
            " class falls. Simulate more, or merge that bin with its neighbour."
        )
