"""Cherenkov light in air: who shines, under which angle, how much.

Heights in m above sea level, angles in rad, energies in eV.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.physics.checks import chosen, inside
from baksan.units import ELECTRON_MASS

Array = NDArray[Any]

__all__ = [
    "cherenkov_angle", "light_pool", "photons_per_metre", "refractivity", "spread_of_light",
    "threshold",
]  # fmt: skip

_FINE_STRUCTURE = 1 / 137.035999


def refractivity(height: ArrayLike) -> Array:
    """n − 1 = 2.92·10⁻⁴ exp(−h/7.5 km) of visible and near-ultraviolet light [V].

    Raises ValueError for heights outside −1 … 100 km.
    """
    h = inside(height, -1e3, 1e5, "the height", "m", "Give metres.")
    return 2.92e-4 * np.exp(-h / 7500.0)


def cherenkov_angle(height: ArrayLike) -> Array:
    """θ_c = acos(1/n) of a particle at the speed of light, in rad.

    Examples
    --------
    >>> np.rad2deg(cherenkov_angle([2200, 10_000])).round(2).tolist()
    [1.2, 0.71]
    """
    # acos(1/(1 + δ)) = atan √(δ (2 + δ)) keeps the digits of a small δ.
    d = refractivity(height)
    return np.arctan(np.sqrt(d * (2 + d)))


def threshold(height: ArrayLike) -> Array:
    """The energy above which electrons shine, m_e c²/√(2 (n − 1)), in eV; 41 MeV at 10 km."""
    return ELECTRON_MASS / np.sqrt(2 * refractivity(height))


def photons_per_metre(height: ArrayLike, shortest: float = 290.0, longest: float = 430.0) -> Array:
    """dN/dx = 2π α sin²θ_c (1/λ₁ − 1/λ₂) of an electron far above the threshold, in 1/m.

    I. Frank and I. Tamm. Wavelengths in nm. Raises ValueError unless 0 < λ₁ < λ₂.
    """
    if not 0 < shortest < longest:
        raise ValueError(f"a window needs 0 < λ₁ < λ₂; they are {shortest:g} and {longest:g} nm.")
    window = 1e9 / shortest - 1e9 / longest
    return 2 * np.pi * _FINE_STRUCTURE * np.sin(cherenkov_angle(height)) ** 2 * window


def spread_of_light(height: ArrayLike) -> Array:
    """ϑ₀ of the light around the axis, exp(−ϑ/ϑ₀): 0.627 (E_th/MeV)^−0.606 rad [V].

    F. Nerling et al., Astropart. Phys. 24 (2006) 241, as in ShowerModel.
    """
    return 0.627 * (threshold(height) / 1e6) ** -0.606


_POOLS = {"gamma": (2.0, 200.0), "hadron": (1.5, 250.0)}


def light_pool(impact: ArrayLike, kind: str = "gamma") -> Array:
    """How the light on the ground falls with the distance b from the core, 1 up to 120 m [D].

    (b/120 m)^−2 exp(−(b − 120 m)/200 m) for gammas; −1.5 and 250 m for hadrons
    """
    power, scale = chosen(kind, _POOLS, "the kind of shower")
    b = np.maximum(inside(impact, 0.0, 1e5, "the impact", "m"), 120.0)
    return (b / 120) ** -power * np.exp(-(b - 120) / scale)
