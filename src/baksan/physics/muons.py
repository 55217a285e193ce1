"""How many muons a shower has, by mass and energy, and how much that varies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.physics.checks import inside, numbers

Array = NDArray[Any]

__all__ = ["heitler_matthews", "muon_excess", "muon_factors", "muon_spread"]

_MASS_POWER = 0.0836
PHOTON_MUONS = 0.12
"""Muons of a photon shower in units of those of a proton at EeV energies [M]."""


def heitler_matthews(
    energy: ArrayLike, mass: ArrayLike, power: float = 0.925, critical: float = 2e10
) -> Array:
    """N_μ = A^(1−β) (E/ξ_c)^β: superposition of A showers of E/A.

    J. Matthews, Astropart. Phys. 22 (2005) 387, eq. 9 and 12; β is 0.92 … 0.93 in full simulations
    [M], 0.85 in the simple model; ξ_c = 20 GeV is where pions decay. Energies in eV. Raises
    ValueError outside 10¹³ … 10²¹ eV and A = 1 … 56.
    """
    E = inside(energy, 1e13, 1e21, "the energy", "eV", "Give energies in eV.")
    A = inside(mass, 1.0, 56.0, "the mass number")
    return A ** (1 - power) * (E / critical) ** power


def muon_excess(mass: ArrayLike) -> Array:
    """Mean muons in units of those of a proton of the same energy: A^0.0836, 1.40 for iron [D].

    Heitler–Matthews gives 1.33 … 1.38 for iron, full simulations 1.35 … 1.45.
    """
    return inside(mass, 1.0, 56.0, "the mass number") ** _MASS_POWER


def muon_spread(mass: ArrayLike) -> Array:
    """σ(N_μ)/N_μ from shower to shower: 0.16 A^−0.33 [M, agrees with arXiv:2102.07797]."""
    return 0.16 * inside(mass, 1.0, 56.0, "the mass number") ** -0.33


def muon_factors(z: ArrayLike, mass: ArrayLike, model_factor: float = 1.0) -> Array:
    """R_μ of each shower, of mean k_μ A^0.0836: log-normal of the spread above.

    Parameters
    ----------
    z : (n,)
        Normal numbers, one for each shower.
    mass : (n,)
        1 … 56.
    model_factor : float
        k_μ: 1, or 0.9 … 1.3 for what hadronic models leave open. Auger sees 1.4 … 1.5 times the
        muons of the models (arXiv:2008.06486).
    """
    relative = np.log1p(muon_spread(mass) ** 2)  # σ² of the logarithm
    k = inside(model_factor, 0.1, 3.0, "the factor of the hadronic model")
    log = np.sqrt(relative) * numbers(z, "a normal number") - relative / 2
    return k * muon_excess(mass) * np.exp(log)
