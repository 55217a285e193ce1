"""How many primaries arrive: energy spectra, mass groups, and weights from one spectrum to another.

Energies in eV; fluxes in the unit in which each was published, which its docstring names.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.physics.checks import inside, numbers, warned

Array = NDArray[Any]

__all__ = [
    "GROUPS", "Group", "auger", "h3a", "power_law", "power_law_energies", "to_spectrum",
    "ultra_high_fractions",
]  # fmt: skip

_KNEE = (1e14, 1e18)
_EV = "Give energies in eV."


class Group(NamedTuple):
    """A group of nuclei: charge, mass number, and (a, γ) of three populations of sources."""

    charge: int
    mass: int
    populations: tuple[tuple[float, float], ...]


GROUPS = {
    "p": Group(1, 1, ((7860.0, 1.66), (20.0, 1.4), (1.7, 1.4))),
    "He": Group(2, 4, ((3550.0, 1.58), (20.0, 1.4), (1.7, 1.4))),
    "CNO": Group(6, 14, ((2200.0, 1.63), (13.4, 1.4), (1.14, 1.4))),
    "Mg-Si": Group(14, 27, ((1430.0, 1.67), (13.4, 1.4), (1.14, 1.4))),
    "Fe": Group(26, 56, ((2120.0, 1.63), (13.4, 1.4), (1.14, 1.4))),
}
"""The five groups of H3a, T. Gaisser, Astropart. Phys. 35 (2012) 801, table 1 [V]."""
_CUTOFFS = (4e6, 30e6, 2e9)  # GV: rigidities at which the three populations end


def power_law(energy: ArrayLike, index: float, pivot: float = 1e18) -> Array:
    """(E/E₀)^−g, a flux up to its norm; index is g. Raises ValueError for energies not above 0."""
    return (inside(energy, 1e-300, np.inf, "the energy", "eV") / pivot) ** -index


def power_law_energies(u: ArrayLike, index: float, low: float, high: float) -> Array:
    """Energies with dN/dE ∝ E^−g between low and high, from uniform numbers u in 0 … 1, in eV.

        E = (E₁^(1−g) + u (E₂^(1−g) − E₁^(1−g)))^(1/(1−g)),    E = E₁ (E₂/E₁)^u for g = 1

    g = 1 is flat in lg E: with it each decade has as many events to learn from.

    Raises
    ------
    ValueError
        u outside 0 … 1, or ends that do not rise from above 0.
    """
    u = inside(u, 0.0, 1.0, "a uniform number")
    if not 0 < low < high < np.inf:
        raise ValueError(f"a spectrum needs 0 < low < high in eV; they are {low:g} and {high:g}.")
    # In units of the lower end, so that no power overflows.
    ratio, p = high / low, 1.0 - index
    if abs(p * np.log(ratio)) < 1e-9:
        return low * ratio**u
    return np.minimum(low * (1.0 + u * (ratio**p - 1.0)) ** (1.0 / p), high)


def h3a(energy: ArrayLike) -> dict[str, Array]:
    """Φ_i(E) of the five mass groups around the knee, each in 1/(m² s sr GeV), by name.

        Φ_i = Σ_j a_ij (E/GeV)^(−γ_ij − 1) exp(−E/(Z_i R_j)),    R = 4·10⁶, 30·10⁶, 2·10⁹ GV

    H3a of T. Gaisser, Astropart. Phys. 35 (2012) 801, eq. 14 and table 1 [V]. Warns outside
    10¹⁴ … 10¹⁸ eV.

    Examples
    --------
    >>> flux = h3a(1e15)
    >>> {name: round(float(one / sum(flux.values())), 3) for name, one in flux.items()}
    {'p': 0.262, 'He': 0.389, 'CNO': 0.141, 'Mg-Si': 0.067, 'Fe': 0.141}
    """
    inside(energy, 1e9, 1e21, "the energy", "eV", _EV)
    E = warned(energy, *_KNEE, "H3a", "eV") / 1e9

    def flux(group: Group) -> Array:
        parts = zip(group.populations, _CUTOFFS, strict=True)
        return sum(
            (a * E ** (-g - 1) * np.exp(-E / (group.charge * R)) for (a, g), R in parts),
            start=np.zeros_like(E),
        )

    return {name: flux(group) for name, group in GROUPS.items()}


_AUGER = ((1.5e17, 2.92, 3.27), (6.2e18, 3.27, 2.2), (1.2e19, 2.2, 3.2), (5e19, 3.2, 5.4))


def auger(energy: ArrayLike) -> Array:
    """J(E) of all particles at the highest energies, in 1/(km² sr yr eV).

        J = (E/3.46·10¹² eV)^−2.92 Π_k (1 + (E/E_k)^γ_k) / (1 + (E/E_k)^γ'_k)

    with breaks at 1.5·10¹⁷, 6.2·10¹⁸, 1.2·10¹⁹ and 5·10¹⁹ eV. A. Aab et al. (Pierre Auger),
    Phys. Rev. D 102 (2020) 062005, in the form of ICRC 2019 [V]. Raises ValueError outside
    10¹⁶ … 10²¹ eV, warns outside 10¹⁷ … 10^20.2 eV.

    Examples
    --------
    >>> auger([1e18, 10**19.05])
    array([5.775e-17, 3.791e-20])
    """
    inside(energy, 1e16, 1e21, "the energy", "eV", _EV)
    E = warned(energy, 1e17, 10**20.2, "the spectrum of Auger", "eV")
    J = (E / 3.46e12) ** -2.92
    for edge, before, after in _AUGER:
        J = J * (1 + (E / edge) ** before) / (1 + (E / edge) ** after)
    return J


_ULTRA_HIGH = {  # a, power, and the energy in EeV where it ends
    "p": (400.0, 0.3, 5.0),
    "He": (6.0, 2.5, 5.0),
    "CNO": (10.0, 1.7, 15.0),
    "Fe": (0.5, 1.7, 40.0),
}


def ultra_high_fractions(energy: ArrayLike) -> dict[str, Array]:
    """Shares of p, He, CNO and Fe at the highest energies; their sum is 1.

        w = a e^b exp(−e/c),  e = E/EeV;    the share is w/Σw

    A stand-in for what Auger sees, as in the package astrotools [V]; not a measurement. Raises
    ValueError outside 10¹⁷ … 10²⁰·⁵ eV.
    """
    e = inside(energy, 1e17, 10**20.5, "the energy", "eV", _EV) / 1e18
    # Logarithms, and from their largest: at 10²⁰·⁵ eV all of them are too small to divide.
    logs = {k: np.log(a) + b * np.log(e) - e / c for k, (a, b, c) in _ULTRA_HIGH.items()}
    most = np.max(list(logs.values()), axis=0)
    total = sum(np.exp(one - most) for one in logs.values())
    return {name: np.exp(one - most) / total for name, one in logs.items()}


def to_spectrum(flux: ArrayLike, thrown: ArrayLike) -> Array:
    """Weights that turn events thrown with one spectrum into events of another, with mean 1.

        w_i ∝ J(E_i)/J_thrown(E_i)

    Parameters
    ----------
    flux : (n,)
        J at the energies of the events, up to its norm: `auger(E)`, `power_law(E, 3.1)`.
    thrown : (n,)
        The spectrum that they were drawn from, up to its norm.

    Raises
    ------
    ValueError
        Different lengths, negative or infinite flux, a spectrum that throws nothing somewhere.
    """
    J, drawn = numbers(flux, "the flux"), numbers(thrown, "the thrown spectrum")
    if J.shape != drawn.shape or J.ndim != 1:
        raise ValueError(
            f"weights need two fluxes for each event; they have shapes {J.shape} and {drawn.shape}."
        )
    if len(J) and (J.min() < 0 or drawn.min() <= 0):
        raise ValueError(
            f"fluxes must be 0 or more, and thrown ones above 0; the lowest are {J.min():g} and"
            f" {drawn.min():g}."
        )
    ratio = J / drawn
    if len(J) and not ratio.sum() > 0:
        raise ValueError("the flux is 0 for all events: the two spectra do not overlap.")
    return ratio / ratio.mean() if len(J) else ratio
