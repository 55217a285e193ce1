"""How densely particles lie around the axis of a shower: lateral distributions.

Distances r from the axis in m, zenith angles in rad, signals in VEM/m² or VEM as said.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gamma

from baksan.physics.checks import inside, numbers

Array = NDArray[Any]

__all__ = [
    "asymmetry", "auger", "auger_slopes", "greisen_muons", "kascade_electron_norm",
    "kascade_electrons", "kascade_muon_age", "kascade_muon_norm", "kascade_muons",
    "log_kascade_electrons", "log_kascade_muons", "log_scintillators", "log_water", "nkg",
    "scintillator_slope", "telescope_array",
]  # fmt: skip

MOLIERE = {"sea level": 79.0, "telescope-array": 91.6}
"""Molière radius in m [V]."""
_DEGREE = np.pi / 180


def nkg(r: ArrayLike, size: ArrayLike, age: ArrayLike, moliere: float = 79.0) -> Array:
    """Electrons per m² after Nishimura, Kamata and Greisen.

        ρ = N C(s)/r_M² (r/r_M)^(s−2) (1 + r/r_M)^(s−4.5),  C = Γ(4.5 − s)/(2π Γ(s) Γ(4.5 − 2s))

    The integral over the ground is N. Raises ValueError for ages outside 0.5 … 1.5, r not above 0.
    """
    s = inside(age, 0.5, 1.5, "the age")
    x = _above_axis(r) / moliere
    norm = gamma(4.5 - s) / (2 * np.pi * gamma(s) * gamma(4.5 - 2 * s))
    return numbers(size, "N") * norm / moliere**2 * x ** (s - 2) * (1 + x) ** (s - 4.5)


def telescope_array(r: ArrayLike, zenith: ArrayLike) -> Array:
    """f(r, θ)/f(800 m, θ) of the scintillators of Telescope Array: S(r) in units of S800.

        f = (r/r_M)^−1.2 (1 + r/r_M)^−(η − 1.2) (1 + (r/1000 m)²)^−0.6
        r_M = 91.6 m,  η = 3.97 − 1.79 (sec θ − 1)

    As in the reconstruction code of Telescope Array [V]; AGASA's form. Fitted for 300 m … 3 km.
    Raises ValueError for θ above 62.7° and r not above 0.

    Examples
    --------
    >>> telescope_array([400, 2000], 0.0).round(4).tolist()
    [14.7121, 0.0161]
    """
    slope = scintillator_slope(zenith)
    return np.exp(log_scintillators(_above_axis(r), slope) - log_scintillators(800.0, slope))


def scintillator_slope(zenith: ArrayLike) -> Array:
    """η = 3.97 − 1.79 (sec θ − 1) [V]. Raises ValueError for θ above 62.7°."""
    theta = inside(zenith, 0.0, 62.7 * _DEGREE, "the zenith angle", "rad", "Give rad, θ ≤ 62.7°.")
    return 3.97 - 1.79 * (1 / np.cos(theta) - 1)


def log_scintillators(r: Any, slope: Any) -> Any:
    """ln f(r) of `telescope_array`: unchecked, for loops that are compiled."""
    x = r / 91.6
    far = np.log(1 + (r / 1000) ** 2)
    return -1.2 * np.log(x) - (slope - 1.2) * np.log(1 + x) - 0.6 * far


def auger_slopes(zenith: ArrayLike) -> tuple[Array, Array]:
    """β = 0.9 sec θ − 3.3 and γ = 0 of the water-Cherenkov detectors of Auger [M]."""
    theta = inside(zenith, 0.0, 62.7 * _DEGREE, "the zenith angle", "rad", "Give rad, θ ≤ 62.7°.")
    beta = 0.9 / np.cos(theta) - 3.3
    return beta, np.zeros_like(beta)


def auger(r: ArrayLike, zenith: ArrayLike) -> Array:
    """S(r) in units of S1000, of the water-Cherenkov detectors of Auger.

        (r/1000 m)^β ((r + 700 m)/1700 m)^(β + γ)

    The form is Auger's, the slopes (`auger_slopes`) are from memory [M]. Raises as these.
    """
    return np.exp(log_water(_above_axis(r), *auger_slopes(zenith)))


def log_water(r: Any, slope: Any, tail: Any) -> Any:
    """ln S(r)/S1000 of `auger`, of slopes β and γ: unchecked, for loops that are compiled."""
    return slope * np.log(r / 1000) + (slope + tail) * np.log((r + 700) / 1700)


def greisen_muons(r: ArrayLike, tail: float = 0.0) -> Array:
    """Muons around the axis, up to a norm: r^−0.75 (1 + r/320)^−2.5 (1 + (r/800)³)^−γ [M].

    Above 1 GeV, near sea level; the tail γ is AGASA's, 0 without it.
    """
    r = _above_axis(r)
    return r**-0.75 * (1 + r / 320) ** -2.5 * (1 + (r / 800) ** 3) ** -tail


def kascade_electrons(r: ArrayLike, size: ArrayLike, age: ArrayLike) -> Array:
    """Electrons per m² in KASCADE: a modified NKG function.

        ρ = N_e c(s) (r/r₀)^(s−α) (1 + r/r₀)^(s−β),  r₀ = 40 m, α = 1.5, β = 3.6
        c = Γ(β − s)/(2π r₀² Γ(s − α + 2) Γ(α + β − 2s − 2))

    T. Antoni et al., Astropart. Phys. 14 (2001) 245, numbers as in the software of HiSPARC [V].
    Raises ValueError for ages outside 0.5 … 1.5 (where the integral is finite), r not above 0.
    """
    norm = kascade_electron_norm(age)
    return numbers(size, "N_e") * norm * np.exp(log_kascade_electrons(_above_axis(r), age))


_SCALE, _ALPHA, _BETA = 40.0, 1.5, 3.6  # r₀ in m, α, β


def kascade_electron_norm(age: ArrayLike) -> Array:
    """c(s) of `kascade_electrons`, in 1/m². Raises ValueError for ages outside 0.5 … 1.5."""
    s = inside(age, 0.5, 1.5, "the age")
    inner, outer = gamma(s - _ALPHA + 2), gamma(_ALPHA + _BETA - 2 * s - 2)
    return np.asarray(gamma(_BETA - s) / (2 * np.pi * _SCALE**2 * inner * outer))


def log_kascade_electrons(r: Any, age: Any) -> Any:
    """ln of the shape of `kascade_electrons`: unchecked, for loops that are compiled."""
    x = r / _SCALE
    return (age - _ALPHA) * np.log(x) + (age - _BETA) * np.log(1 + x)


_TRUNCATED = 40.0, 200.0
_NODES, _PARTS = np.polynomial.legendre.leggauss(24)


def kascade_muons(r: ArrayLike, truncated: ArrayLike, zenith: ArrayLike) -> Array:
    """Muons per m² in KASCADE, by the number N_μ^tr of those between 40 and 200 m.

        NKG with r₀ = 420 m and s = 1.33 − 0.094 (lg N_μ^tr − 4) + 0.453 (sec θ − sec 15°)

    As on a public page of the CHICOS array [V]. Raises ValueError for N_μ^tr outside 10² … 10⁷,
    θ above 60°, r not above 0.
    """
    s = kascade_muon_age(truncated, zenith)
    shape = np.exp(log_kascade_muons(_above_axis(r), s))
    return np.asarray(truncated) * kascade_muon_norm(s) * shape


def kascade_muon_age(truncated: ArrayLike, zenith: ArrayLike) -> Array:
    """s of `kascade_muons`. Raises ValueError for N_μ^tr outside 10² … 10⁷, θ above 60°."""
    N = inside(truncated, 1e2, 1e7, "the truncated muon number")
    theta = inside(zenith, 0.0, 60.001 * _DEGREE, "the zenith angle", "rad", "Give rad, θ ≤ 60°.")
    inclined = 1 / np.cos(theta) - 1 / np.cos(15 * _DEGREE)
    return np.asarray(1.33 - 0.094 * (np.log10(N) - 4) + 0.453 * inclined)


def kascade_muon_norm(age: ArrayLike) -> Array:
    """By what the shape of `kascade_muons` is multiplied for one muon in 40 … 200 m, in 1/m²."""
    low, high = _TRUNCATED
    nodes = (high + low) / 2 + (high - low) / 2 * _NODES
    rings = 2 * np.pi * nodes * np.exp(log_kascade_muons(nodes, np.asarray(age)[..., None]))
    return np.asarray(2 / (high - low) / np.sum(_PARTS * rings, axis=-1))


def log_kascade_muons(r: Any, age: Any) -> Any:
    """ln of the shape of `kascade_muons`: unchecked, for loops that are compiled."""
    x = r / 420
    return (age - 2) * np.log(x) + (age - 4.5) * np.log(1 + x)


def asymmetry(r: ArrayLike, zenith: ArrayLike, around: ArrayLike) -> Array:
    """1 + b cos ζ: more signal upstream, where the shower is younger [M].

        b = min(0.3, 0.15 tan θ r/1000 m),  ζ = 0 upstream, in the plane of the shower

    Raises ValueError for θ above 60°.
    """
    theta = inside(zenith, 0.0, 60.001 * _DEGREE, "the zenith angle", "rad", "Give rad, θ ≤ 60°.")
    b = np.minimum(0.3, 0.15 * np.tan(theta) * numbers(r, "r") / 1000)
    return 1 + b * np.cos(numbers(around, "ζ"))


def _above_axis(r: ArrayLike) -> Array:
    return inside(r, 1e-3, 1e7, "the distance from the axis", "m", "Give metres, not 0.")
