"""The energy of a shower from what stands on the ground: S800, S600, S1000, N_e and N_μ.

Energies in eV, zenith angles in rad, signals in VEM/m² (scintillators) or VEM (water).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.physics.checks import inside

Array = NDArray[Any]

__all__ = [
    "KascadeSizes", "agasa_energy", "auger_attenuation", "auger_energy", "auger_s1000",
    "kascade_energy", "kascade_sizes", "ta_attenuation", "ta_energy", "ta_photon_energy", "ta_s800",
]  # fmt: skip

_DEGREE = np.pi / 180
_FLUORESCENCE = 1.27  # by what Telescope Array divides energies of its surface detector [V]
_MIP = 1.22  # VEM in a MIP of the calibration [V]


def ta_attenuation(zenith: ArrayLike) -> Array:
    """S800 of an inclined shower in units of one at 28.65°, of the same energy.

        att = exp(−1.32589555·10⁻⁷ (θ⁴ − 28.65⁴)),  θ in degrees inside

    As in the reconstruction code of Telescope Array [V]. Raises ValueError for θ above 62.7°.

    Examples
    --------
    >>> ta_attenuation(np.deg2rad([0, 38.6, 60])).round(3).tolist()
    [1.093, 0.815, 0.196]
    """
    degrees = _zenith(zenith, 62.7) / _DEGREE
    return np.exp(-1.32589555e-7 * (degrees**4 - 28.65**4))


def ta_energy(s800: ArrayLike, zenith: ArrayLike) -> Array:
    """E = 4.79·10¹⁷ eV (S800/1.22/att(θ))^1.03, of hadrons, on the scale of simulations [V].

    Divide by 1.27 for the scale set by fluorescence light, which is that of published energies.
    That this is the hadronic branch of the code follows from one event: S800 = 530/m², θ = 38.6°
    gives 308.4 EeV; published are 309 ± 37 (Science 382 (2023) 903).

    Raises ValueError for θ above 62.7°, S800 outside 10⁻³ … 10⁵.
    """
    return 4.79e17 * (_signal(s800) / _MIP / ta_attenuation(zenith)) ** 1.03


def ta_photon_energy(s800: ArrayLike, zenith: ArrayLike) -> Array:
    """E = 3.37·10¹⁷ eV (S800/1.22/att(θ))^1.12, if the primary was a photon [V].

    Raises as `ta_energy`.
    """
    return 3.37e17 * (_signal(s800) / _MIP / ta_attenuation(zenith)) ** 1.12


def ta_s800(energy: ArrayLike, zenith: ArrayLike, scale: float = 1.0) -> Array:
    """S800 = 1.22 att(θ) (k E/4.79·10¹⁷ eV)^(1/1.03), in VEM/m²: the way back of `ta_energy`.

    k is 1 on the scale of simulations, 1.27 on that of fluorescence light. Raises ValueError for
    θ above 62.7° and energies outside 10¹⁶ … 10²¹ eV.

    Examples
    --------
    >>> ta_s800(1e19, np.deg2rad([0, 30, 45])).round(1).tolist()
    [25.5, 22.9, 14.8]
    """
    E = inside(energy, 1e16, 1e21, "the energy", "eV", "Give energies in eV.")
    return _MIP * ta_attenuation(zenith) * (scale * E / 4.79e17) ** (1 / 1.03)


def agasa_energy(s600: ArrayLike, zenith: ArrayLike) -> Array:
    """E = 2.03·10¹⁷ eV S600(0), with S600(θ) brought to the vertical [V].

        S600(θ) = S600(0) exp(−(920/500)(sec θ − 1) − (920/594)(sec θ − 1)²)

    AGASA's formula, as in the documentation of Telescope Array. Raises ValueError for θ above 60°.
    """
    more = 1 / np.cos(_zenith(zenith, 60.001)) - 1
    return 2.03e17 * _signal(s600) * np.exp(920 / 500 * more + 920 / 594 * more**2)


def auger_attenuation(zenith: ArrayLike) -> Array:
    """S1000 of an inclined shower in units of one at 38°, of the same energy [M].

        f = 1 + 0.980 x − 1.68 x² − 1.30 x³,    x = cos²θ − cos²38°

    From memory of ICRC 2013; a public simulation has similar numbers. Raises ValueError for θ above
    60°.
    """
    x = np.cos(_zenith(zenith, 60.001)) ** 2 - np.cos(38 * _DEGREE) ** 2
    return 1 + 0.980 * x - 1.68 * x**2 - 1.30 * x**3


def auger_energy(s1000: ArrayLike, zenith: ArrayLike) -> Array:
    """E = 1.86·10¹⁷ eV S38^1.031 with S38 = S1000/f(θ) in VEM [M, Phys. Rev. D 102 (2020) 062005].

    Raises ValueError for θ above 60°, S1000 outside 10⁻³ … 10⁵.
    """
    return 1.86e17 * (_signal(s1000) / auger_attenuation(zenith)) ** 1.031


def auger_s1000(energy: ArrayLike, zenith: ArrayLike) -> Array:
    """S1000 in VEM: the way back of `auger_energy`."""
    E = inside(energy, 1e16, 1e21, "the energy", "eV", "Give energies in eV.")
    return (E / 1.86e17) ** (1 / 1.031) * auger_attenuation(zenith)


# KASCADE ------------------------------------------------------------------------------------------


class KascadeSizes(NamedTuple):
    """lg N_e and lg N_μ^tr, (n,) each."""

    electrons: Array
    muons: Array


def kascade_energy(electrons: ArrayLike, muons: ArrayLike, zenith: ArrayLike) -> Array:
    """E in eV from N_e and the truncated N_μ^tr (40 … 200 m), by R. Glasstetter.

        lg N_μ = lg N_μ^tr + 0.6877 − 0.03835 lg N_e + 0.001186 lg² N_e
        w = 1023 (sec θ − 1.025);  lg N_e0 = lg N_e + w/158/ln 10;  lg N_μ0 = lg N_μ + w/823/ln 10
        lg(E/GeV) = 0.3015 lg N_e0 + 0.6762 lg N_μ0 + 1.856

    As in the pipeline of LOPES [V]. Raises ValueError for N_e outside 10² … 10⁹, N_μ^tr outside
    1 … 10⁸, θ above 60°.
    """
    lg_e = np.log10(inside(electrons, 1e2, 1e9, "the electron number"))
    lg_mu = np.log10(inside(muons, 1.0, 1e8, "the truncated muon number"))
    w = 1023 * (1 / np.cos(_zenith(zenith, 60.001)) - 1.025) / np.log(10)
    lg_all = lg_mu + 0.6877 - 0.03835 * lg_e + 0.001186 * lg_e**2
    return 10 ** (9 + 0.3015 * (lg_e + w / 158) + 0.6762 * (lg_all + w / 823) + 1.856)


def kascade_sizes(energy: ArrayLike, mass: ArrayLike, zenith: ArrayLike) -> KascadeSizes:
    """Mean lg N_e and lg N_μ^tr of a shower [D]: what `kascade_energy` is unbiased for.

        lg N_e = 5.00 + 1.20 y − 0.25 lg A,  lg N_μ^tr = 3.45 + 0.92 y + 0.10 lg A,  y = lg(E/PeV)

    at θ = 0, each falling by exp(−1022 (sec θ − 1)/Λ), Λ = 158 and 823 g/cm². A recipe of this
    project's, not a published formula; the estimator is unbiased for it within 0.06 in lg E.

    Raises ValueError outside 10¹⁴ … 10¹⁸ eV, A = 1 … 56, θ above 60°.
    """
    E = inside(energy, 1e14, 1e18, "the energy", "eV", "Give energies in eV.")
    lg_a = np.log10(inside(mass, 1.0, 56.0, "the mass number"))
    y, more = np.log10(E / 1e15), 1022 * (1 / np.cos(_zenith(zenith, 60.001)) - 1) / np.log(10)
    return KascadeSizes(
        5.00 + 1.20 * y - 0.25 * lg_a - more / 158, 3.45 + 0.92 * y + 0.10 * lg_a - more / 823
    )


def _zenith(zenith: ArrayLike, highest: float) -> Array:
    return inside(
        zenith, 0.0, highest * _DEGREE, "the zenith angle", "rad",
        f"Give rad, θ up to {highest:g}°.",
    )  # fmt: skip


def _signal(signal: ArrayLike) -> Array:
    return inside(signal, 1e-3, 1e5, "the signal at the reference distance")
