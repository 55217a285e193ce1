"""Mean ln A of cosmic rays in bins of energy, and its variance, with errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.metrics.bins import in_bins
from baksan.metrics.checks import numbers
from baksan.metrics.regression import bin_numbers
from baksan.physics.depth_of_maximum import ln_mass, moments
from baksan.physics.spectrum import GROUPS

Array = NDArray[Any]
Bins = dict[str, Array]

__all__ = [
    "LINES", "MASSES", "LnMass", "ln_mass_from_depth", "ln_mass_from_fractions", "ln_mass_in_bins",
]  # fmt: skip

MASSES = {name: group.mass for name, group in GROUPS.items()} | {
    "C": 12, "N": 14, "O": 16, "Mg": 24, "Si": 28,
}  # fmt: skip
"""Mass numbers by name: nuclei, and the groups of H3a."""
LINES = {"p": 0.0, "He": float(np.log(4)), "N": float(np.log(14)), "Fe": float(np.log(56))}
"""ln A of pure beams: the lines of a figure of ⟨ln A⟩ against energy."""
_FEWEST = 10


class LnMass(NamedTuple):
    """⟨ln A⟩ and the variance of ln A of a mixture, each with its error."""

    mean: Array
    error: Array
    variance: Array
    variance_error: Array


def ln_mass_from_fractions(
    fractions: ArrayLike, covariance: ArrayLike, masses: Sequence[str | float]
) -> LnMass:
    """⟨ln A⟩ = Σ_k f_k ln A_k and σ² = Σ_k f_k ln² A_k − ⟨ln A⟩², errors from the covariance.

        δ²⟨ln A⟩ = aᵀ C a,    δ²σ² = gᵀ C g,    a_k = ln A_k,    g_k = a_k² − 2 ⟨ln A⟩ a_k

    Fractions are anticorrelated, so that adding their errors in quadrature would be wrong. The mean
    depends on which nuclei stand for their group, the variance far more. [V] the definitions.

    Parameters
    ----------
    fractions : (…, K)
        Of each bin of energy; they sum to 1.
    covariance : (…, K, K)
        As `Unfolded.covariance`.
    masses : K names of `MASSES` or mass numbers

    Raises
    ------
    ValueError
        Shapes that do not match, fractions that do not sum to 1, an unknown nucleus.

    Examples
    --------
    >>> found = ln_mass_from_fractions([0.5, 0.5], [[0.01, -0.01], [-0.01, 0.01]], ["p", "Fe"])
    >>> [round(float(x), 3) for x in found]  # ln 56/2 and its square; a half is where σ² is flat
    [2.013, 0.403, 4.051, 0.0]
    """
    f, C = numbers(fractions, "the fractions"), numbers(covariance, "the covariance")
    a = np.log([_mass(one) for one in masses])
    if f.shape[-1:] != a.shape or C.shape != (*f.shape, len(a)):
        raise ValueError(
            f"⟨ln A⟩ of {len(a)} nuclei needs fractions (…, {len(a)}) and their covariance;"
            f" the shapes are {f.shape} and {C.shape}. Give the classes in the same order."
        )
    if np.abs(f.sum(axis=-1) - 1).max() > 1e-6:
        raise ValueError(
            f"fractions must sum to 1; the sums run from {f.sum(axis=-1).min():g} to"
            f" {f.sum(axis=-1).max():g}. Divide by them."
        )
    mean = f @ a
    g = a**2 - 2 * mean[..., None] * a
    spread = np.einsum("...k,...kl,...l->...", g, C, g)
    return LnMass(
        mean,
        np.sqrt(np.maximum(np.einsum("k,...kl,l->...", a, C, a), 0.0)),
        np.maximum(f @ a**2 - mean**2, 0.0),
        np.sqrt(np.maximum(spread, 0.0)),
    )


def ln_mass_in_bins(
    ln_a: ArrayLike, energy: ArrayLike, edges: ArrayLike, *, replicas: int = 200, seed: int = 0
) -> Bins:
    """⟨ln A⟩ of events whose ln A was estimated one by one, in bins of energy.

    The mean of the estimates, with the central 68 % of its bootstrap. A regression is drawn towards
    the middle of what it was trained on: unfold fractions, or correct with simulated mixtures,
    before quoting it as the mass. The spread of the estimates holds the resolution of the
    estimator and is not σ²(ln A).

    Parameters
    ----------
    ln_a, energy : (n,)
        Estimates, and the reconstructed energy (or its logarithm, as the edges).
    edges : (b + 1,)

    Returns
    -------
    dict of (b,) arrays
        low_edge, high_edge, count, value, low, high; NaN in bins of fewer than ten events.
    """
    return in_bins(ln_a, energy, edges, _mean, replicas, seed)


def ln_mass_from_depth(
    depth: ArrayLike,
    log_energy: ArrayLike,
    edges: ArrayLike,
    model: str = "epos-lhc",
    *,
    resolution: float = 0.0,
    replicas: int = 200,
    seed: int = 0,
) -> Bins:
    """⟨ln A⟩ and σ²(ln A) in bins of energy from depths of maximum, through a hadronic model.

        ln A_i = (X_i − ⟨X⟩_p(E_i))/f_E(E_i),    ⟨ln A⟩ = mean of ln A_i

    event by event, so that the elongation inside a bin does not broaden it; σ² as in
    `physics.depth_of_maximum.ln_mass` (arXiv:1301.6637) [V], of σ(X) without the resolution. The
    errors are those of a bootstrap of the events. A negative variance says that the model, or the
    resolution, does not describe the data.

    Parameters
    ----------
    depth : (n,)
        X_max without bias of reconstruction and selection, in g/cm².
    log_energy : (n,)
        lg(E/eV), 17 … 20.5.
    edges : (b + 1,)
        In lg(E/eV).
    model : str
        One of `physics.depth_of_maximum.MOMENTS`.
    resolution : float
        Of the depth, in g/cm²; it is subtracted in quadrature.

    Returns
    -------
    dict of (b,) arrays
        low_edge, high_edge, count, mean, error, variance, variance_error; NaN below ten events.

    Raises
    ------
    ValueError
        Lengths that differ, energies outside, an unknown model.
    """
    X, lg = (
        numbers(depth, "the depths").astype(float),
        numbers(log_energy, "lg(E/eV)").astype(float),
    )
    if X.shape != lg.shape or X.ndim != 1:
        raise ValueError(
            f"each event needs a depth and an energy; the shapes are {X.shape} and {lg.shape}. Give"
            " both of the same events."
        )
    one_by_one, edge = ln_mass(X, 0.0, lg, model)[0], np.asarray(edges, dtype=float)
    which, rng = bin_numbers(lg, edge), np.random.default_rng(seed)
    rows = [
        _of_bin(one_by_one[which == b], lg[which == b], model, resolution, replicas, rng)
        for b in range(len(edge) - 1)
    ]
    names = ("count", "mean", "error", "variance", "variance_error")
    columns = dict(zip(names, np.array(rows, dtype=float).reshape(-1, 5).T, strict=True))
    return {"low_edge": edge[:-1], "high_edge": edge[1:]} | columns


def _of_bin(
    ln_a: Array, lg: Array, model: str, resolution: float, replicas: int, rng: np.random.Generator
) -> tuple[float, ...]:
    if len(ln_a) < _FEWEST:
        return (len(ln_a), np.nan, np.nan, np.nan, np.nan)
    at = float(lg.mean())
    proton, other = (float(moments(at, A, model)[0]) for A in (1.0, np.e))
    slope = other - proton
    drawn = ln_a[rng.integers(0, len(ln_a), (replicas, len(ln_a)))]
    rows = np.concatenate([ln_a.mean(keepdims=True), drawn.mean(axis=1)])
    widths = np.concatenate([ln_a.std(ddof=1, keepdims=True), drawn.std(axis=1, ddof=1)])
    spread = np.sqrt(np.maximum((slope * widths) ** 2 - resolution**2, 0.0))
    variance = ln_mass(proton + slope * rows, spread, at, model)[1]
    return (
        len(ln_a), float(rows[0]), float(rows[1:].std(ddof=1)), float(variance[0]),
        float(variance[1:].std(ddof=1)),
    )  # fmt: skip


def _mean(values: Array) -> Array:
    return np.asarray(values.mean(axis=-1))


def _mass(name: str | float) -> float:
    if isinstance(name, str):
        if name not in MASSES:
            raise ValueError(
                f"a nucleus must be one of {', '.join(MASSES)}; {name!r} is not. Give A instead."
            )
        return float(MASSES[name])
    if not 1 <= name <= 300:
        raise ValueError(f"a mass number lies between 1 and 300; {name:g} came. Give A, not ln A.")
    return float(name)
