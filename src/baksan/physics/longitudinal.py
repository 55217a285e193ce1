"""How a shower grows and fades along its axis: Gaisser–Hillas, Greisen, the energy in a profile.

Depths in g/cm², energies in eV.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from baksan.physics.checks import inside, numbers, warned

Array = NDArray[Any]

__all__ = [
    "CRITICAL_ENERGY", "RADIATION_LENGTH", "age", "deposit_from_energy", "energy_from_deposit",
    "gaisser_hillas", "greisen", "greisen_maximum", "hadronic_maximum", "mean_shape",
    "missing_energy", "shape_from_rl",
]  # fmt: skip

RADIATION_LENGTH = 36.7
"""Of air, in g/cm² [V]."""
CRITICAL_ENERGY = 81e6
"""Of electrons in air, in eV [V]; 85 MeV is used, too."""


def gaisser_hillas(
    depth: ArrayLike, maximum: ArrayLike, start: ArrayLike, length: ArrayLike
) -> Array:
    """The profile of a hadronic shower in units of its maximum, 1 at X = X_max.

        f(X) = ((X − X₀)/(X_m − X₀))^((X_m − X₀)/λ) exp((X_m − X)/λ),    0 for X ≤ X₀

    T. Gaisser and A. M. Hillas, ICRC (1977). Holds to about 1 % within ±250 g/cm² of X_max above
    10^17.8 eV (arXiv:1905.06752).

    Parameters
    ----------
    depth, maximum, start, length : (…)
        X, X_max, X₀ and λ in g/cm²; they broadcast.

    Raises
    ------
    ValueError
        λ not above 0, or X₀ not below X_max.
    """
    X, peak, begin, scale = _profile(depth, maximum, start, length)
    xi = (peak - begin) / scale
    ratio = np.maximum((X - begin) / (peak - begin), 0.0)
    inside_shower = ratio > 0
    log = xi * (np.log(np.where(inside_shower, ratio, 1.0)) + 1.0 - ratio)
    return np.where(inside_shower, np.exp(log), 0.0)


def energy_from_deposit(
    deposit: ArrayLike, maximum: ArrayLike, start: ArrayLike, length: ArrayLike
) -> Array:
    """∫ dE/dX dX of a Gaisser–Hillas profile, from the deposit at its maximum.

        E_cal = (dE/dX)_max λ e^ξ ξ^−ξ Γ(ξ + 1),    ξ = (X_m − X₀)/λ

    In the unit of the deposit × g/cm².
    """
    _, peak, begin, scale = _profile(0.0, maximum, start, length)
    xi = (peak - begin) / scale
    return numbers(deposit, "dE/dX") * scale * np.exp(xi - xi * np.log(xi) + gammaln(xi + 1))


def deposit_from_energy(
    energy: ArrayLike, maximum: ArrayLike, start: ArrayLike, length: ArrayLike
) -> Array:
    """(dE/dX)_max of a profile that holds this energy: the way back of `energy_from_deposit`."""
    return numbers(energy, "the energy") / energy_from_deposit(1.0, maximum, start, length)


def shape_from_rl(maximum: ArrayLike, r: ArrayLike, length: ArrayLike) -> tuple[Array, Array]:
    """X₀ = X_max − L/R and λ = R L from the less correlated R and L (in g/cm²) [V]."""
    R, L = numbers(r, "R"), numbers(length, "L")
    return numbers(maximum, "X_max") - L / R, R * L


def mean_shape(log_energy: ArrayLike) -> tuple[Array, Array]:
    """Mean R and L (g/cm²) of hadronic showers at lg(E/eV).

        R = 0.26 − 0.04 (lg E − 17.9),    L = 226.2 + 7.1 (lg E − 17.9)

    From A. Aab et al. (Pierre Auger), JCAP 03 (2019) 018 (arXiv:1811.04660), as ShowerModel has
    them [V]. Raises ValueError outside 14 … 21, warns outside 17.8 … 20.
    """
    inside(log_energy, 14.0, 21.0, "lg(E/eV)")
    above = warned(log_energy, 17.8, 20.0, "the mean shape of profiles, in lg(E/eV),") - 17.9
    return 0.26 - 0.04 * above, 226.2 + 7.1 * above


def missing_energy(log_calorimetric: ArrayLike) -> Array:
    """The share E_cal/E of the energy that a profile shows, mean of p and Fe [M].

        E_cal/E = 0.967 − 0.078 (E_cal/EeV)^−0.140

    H. Barbosa et al., Astropart. Phys. 22 (2004) 159, from memory: the last digits are not checked.
    Raises ValueError outside lg(E/eV) = 17 … 20.5.
    """
    lg = inside(log_calorimetric, 17.0, 20.5, "lg(E_cal/eV)")
    return 0.967 - 0.078 * 10 ** (-0.140 * (lg - 18.0))


def age(depth: ArrayLike, maximum: ArrayLike) -> Array:
    """s = 3X/(X + 2 X_max): 0 at the top, 1 at the maximum, below 3."""
    X, peak = numbers(depth, "the depth"), numbers(maximum, "X_max")
    return 3 * X / (X + 2 * peak)


def greisen(depth: ArrayLike, energy: ArrayLike) -> Array:
    """Number of electrons of a gamma shower of energy E (eV) at X.

        N = 0.31/√β₀ · exp(t (1 − 1.5 ln s)),  t = X/X_r,  β₀ = ln(E/E_c),  s = 3t/(t + 2β₀)

    K. Greisen, Prog. Cosmic Ray Phys. 3 (1956) 1 [V]. Raises ValueError for negative depths, and
    for energies below 1 GeV or above 10^17.5 eV, where the LPM effect changes it.
    """
    t = inside(depth, 0.0, np.inf, "the depth", "g/cm2") / RADIATION_LENGTH
    beta = np.log(inside(energy, 1e9, 10**17.5, "the energy", "eV") / CRITICAL_ENERGY)
    s = 3 * t / (t + 2 * beta)
    log = t * (1 - 1.5 * np.log(np.where(s > 0, s, 1.0)))
    return 0.31 / np.sqrt(beta) * np.exp(log)


def greisen_maximum(energy: ArrayLike) -> Array:
    """X_max = X_r ln(E/E_c) of a gamma shower, in g/cm²; 346 at 1 TeV [V].

    Raises ValueError for energies below 1 GeV or above 10^17.5 eV.
    """
    E = inside(energy, 1e9, 10**17.5, "the energy", "eV")
    return RADIATION_LENGTH * np.log(E / CRITICAL_ENERGY)


def hadronic_maximum(energy: ArrayLike) -> Array:
    """Mean X_max = X_r ln(E/4E_c) of a proton shower at TeV energies, in g/cm² [V].

    Counted from its first interaction, whose depth fluctuates around 80 g/cm² [M]. Raises
    ValueError outside 10 GeV … 1 PeV.
    """
    E = inside(energy, 1e10, 1e15, "the energy", "eV")
    return RADIATION_LENGTH * np.log(E / (4 * CRITICAL_ENERGY))


def _profile(
    depth: ArrayLike, maximum: ArrayLike, start: ArrayLike, length: ArrayLike
) -> tuple[Array, Array, Array, Array]:
    X, peak = numbers(depth, "the depth"), numbers(maximum, "X_max")
    begin, scale = numbers(start, "X₀"), numbers(length, "λ")
    if np.any(scale <= 0) or np.any(begin >= peak):
        raise ValueError(
            f"a profile needs λ > 0 and X₀ < X_max; the smallest λ is {scale.min():g}, the smallest"
            f" X_max − X₀ is {np.min(peak - begin):g} g/cm2."
        )
    return X, peak, begin, scale
