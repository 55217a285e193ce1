"""What a detector makes of a shower: muons and the rest, counting, saturation, pulses.

Distances in m, angles in rad, depths in g/cm², signals in VEM/m² (scintillators) or VEM (water).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.physics.checks import chosen, inside, numbers

Array = NDArray[Any]

__all__ = [
    "SHARES", "electromagnetic_factor", "log_growth", "muon_share", "one_particle", "pulse",
    "share_of_muons", "signal_error", "station_efficiency",
]  # fmt: skip

_DEGREE = np.pi / 180
SHARES = {"scintillator": (0.22, 800.0), "water": (0.35, 1000.0)}
"""The share of muons of a vertical shower, and at which distance in m."""
_YOUNGEST = 1.0  # g/cm²: ΔX + 300 of showers whose maximum lies further below the ground


def muon_share(r: ArrayLike, zenith: ArrayLike, detector: str = "scintillator") -> Array:
    """The share of muons in the signal of a mean proton shower [D].

        (0.22 + 0.5 (sec θ − 1)) (r/800 m)^0.45, within 0 … 0.95;  water: 0.35 and 1000 m

    Raises ValueError for θ above 65°, an unknown detector.
    """
    base, reference = chosen(detector, SHARES, "the detector")
    theta = inside(zenith, 0.0, 65.001 * _DEGREE, "the zenith angle", "rad", "Give rad, θ ≤ 65°.")
    distance = inside(r, 0.0, np.inf, "the distance from the axis", "m")
    return np.asarray(share_of_muons(distance / reference, base + 0.5 * (1 / np.cos(theta) - 1)))


def share_of_muons(far: Any, base: Any) -> Any:
    """`muon_share` at r/r₀, from the share at r₀: unchecked, for loops that are compiled."""
    return np.minimum(base * far**0.45, 0.95)


def electromagnetic_factor(r: ArrayLike, beyond: ArrayLike, expected: ArrayLike) -> Array:
    """By what the electromagnetic signal grows if a shower is younger or older than the mean [D].

        G(ΔX)/G(ΔX_ref),  G = exp(κ ln((ΔX + 300)/(p + 300)) − (ΔX − p)/110)
        p = 50 + 0.12 r,  κ = (p + 300)/110;   within 0 … 5, ΔX + 300 at least 1 g/cm²

    In the spirit of universality: the signal is largest p behind the maximum, and fades over
    110 g/cm².

    Parameters
    ----------
    r : (…)
        Distance from the axis in m.
    beyond, expected : (…)
        ΔX from X_max to the station of this shower, and of a mean proton shower, in g/cm².
    """
    distance = inside(r, 0.0, np.inf, "the distance from the axis", "m")
    dx, mean = numbers(beyond, "ΔX"), numbers(expected, "ΔX")
    ratio = np.maximum(dx + 300, _YOUNGEST) / np.maximum(mean + 300, _YOUNGEST)
    return np.exp(np.minimum(log_growth(distance, np.log(ratio), dx - mean), np.log(5.0)))


def log_growth(r: Any, log_ratio: Any, later: Any) -> Any:
    """ln G(ΔX)/G(ΔX_ref) = κ ln((ΔX + 300)/(ΔX_ref + 300)) − (ΔX − ΔX_ref)/110; p cancels.

    Unchecked, for loops that are compiled.
    """
    return ((350 + 0.12 * r) * log_ratio - later) / 110


def signal_error(signal: ArrayLike, area: float = 3.0) -> Array:
    """σ(S) of a scintillator of Telescope Array, in VEM/m²: σ² = 2 S/A + (0.15 S)² [V].

    Signals below 0.1 VEM/m² have σ = 1/A. Raises ValueError for negative signals.
    """
    S = inside(signal, 0.0, np.inf, "the signal", "VEM/m2")
    return np.where(S < 0.1, 1 / area, np.sqrt(2 * S / area + (0.15 * S) ** 2))


def station_efficiency(signal: ArrayLike, half: float = 2.0, power: float = 4.0) -> Array:
    """P(a water-Cherenkov station triggers) = Sⁿ/(Sⁿ + S₀ⁿ), S₀ ≈ 2 VEM, n ≈ 4 [D]."""
    S = inside(signal, 0.0, np.inf, "the signal", "VEM")
    with np.errstate(over="ignore", divide="ignore"):
        return np.asarray(1 / (1 + (half / S) ** power))


def one_particle(u: ArrayLike) -> Array:
    """The signal of one vertical particle in 2 cm of scintillator, in MIP, from u in 0 … 1 [V].

        u < 0.3394: 0.48 + 0.8583 √u;  < 0.4344: 0.73 + 0.7366 u;
        < 0.9041: 1.7752 − 1.0336 √(0.9267 − u);  else 2.28 − 2.1316 √(1 − u)

    J. Montanus, as in the software of HiSPARC. Divide by cos θ for inclined ones.
    """
    u = inside(u, 0.0, 1.0, "a uniform number")
    low, middle = 0.48 + 0.8583 * np.sqrt(u), 0.73 + 0.7366 * u
    high = 1.7752 - 1.0336 * np.sqrt(np.maximum(0.9267 - u, 0.0))
    top = 2.28 - 2.1316 * np.sqrt(1 - u)
    return np.where(u < 0.3394, low, np.where(u < 0.4344, middle, np.where(u < 0.9041, high, top)))


def pulse(t: ArrayLike, rise: float = 10.0, decay: float = 35.0) -> Array:
    """h(t) of one particle in a scintillator, a difference of exponentials with ∫h dt = 1 [D].

        h = (exp(−t/decay) − exp(−t/rise))/(decay − rise),  0 before t = 0

    t, rise and decay in ns, h in 1/ns. Raises ValueError unless 0 < rise < decay.
    """
    if not 0 < rise < decay:
        raise ValueError(f"a pulse needs 0 < rise < decay; they are {rise:g} and {decay:g} ns.")
    after = np.maximum(numbers(t, "t"), 0.0)
    return (np.exp(-after / decay) - np.exp(-after / rise)) / (decay - rise)
