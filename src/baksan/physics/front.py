"""When the particles of a shower arrive: the front, its curvature and its thickness.

Times in ns, lengths in m, angles in rad, densities in VEM/m².
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from baksan.physics.checks import chosen, inside, numbers
from baksan.units import SPEED_OF_LIGHT

Array = NDArray[Any]

__all__ = [
    "COUNTER", "LIGHT", "LINSLEY", "linsley", "linsley_curvature", "linsley_delay",
    "linsley_thickness", "medians", "plane_front", "pulse_delays", "small_array_delay",
    "spherical_delay",
]  # fmt: skip

LIGHT = SPEED_OF_LIGHT * 1e-9
"""The speed of light in m/ns."""
COUNTER = 3.0
"""m² of the counters for which Linsley's thickness holds: the signal of other detectors is given
to it per so much of theirs as sees as many particles [D]."""
LINSLEY = {
    "loose": (0.80, 0.70),
    "medium": (0.75, 0.42),
    "good": (0.72, 0.33),
    "tight": (0.67, 0.29),
}
"""(k_D, k_S) for ≥ 4 counters; ≥ 7 with Δχ² < 4; ≥ 7 with Δχ² < 3; Linsley's own [V]."""
_DEGREE = np.pi / 180


def plane_front(along: ArrayLike, start: ArrayLike = 0.0) -> Array:
    """t = t₀ − L/c in ns, where L = n·(x − x_core) is the way upstream (`directions.from_axis`)."""
    return numbers(start, "t₀") - numbers(along, "L") / LIGHT


def linsley_curvature(zenith: ArrayLike) -> Array:
    """a(θ) of the front: younger, more inclined showers are flatter [V].

        3.3836 − 0.01848 θ                                                       θ < 25°
        6.511268210·10⁻⁵ (θ − 0.2614963683)(θ² − 134.7902422 θ + 4558.524091)   25° … 35°
        exp(2.0 − 0.032 θ)                                                       θ > 35°

    θ in degrees inside, in rad outside. J. Linsley's front as Telescope Array uses it. Raises
    ValueError for θ above 70°.

    Examples
    --------
    >>> linsley_curvature(np.deg2rad([0, 30, 60])).round(3).tolist()
    [3.384, 2.74, 1.083]
    """
    angle = inside(zenith, 0.0, 70 * _DEGREE, "the zenith angle", "rad", "Give rad, θ up to 70°.")
    theta = angle / _DEGREE
    between = (
        6.511268210e-5 * (theta - 0.2614963683) * (theta**2 - 134.7902422 * theta + 4558.524091)
    )
    steep = np.exp(2.0 - 0.032 * theta)
    return np.where(theta < 25, 3.3836 - 0.01848 * theta, np.where(theta <= 35, between, steep))


def linsley_delay(
    r: ArrayLike, density: ArrayLike, curvature: ArrayLike, kind: str = "tight"
) -> Array:
    """T_D = k_D a (1 + r/30 m)^1.5 ρ^−0.5: how far the front lies behind the plane, in ns [V].

    Parameters
    ----------
    r, density, curvature : (…)
        Distance from the axis in m; ρ in VEM/m², expected or fitted and above 0; a.
    kind : str
        One of `LINSLEY`.

    Raises
    ------
    ValueError
        A density of 0, a negative distance, an unknown kind.
    """
    return chosen(kind, LINSLEY, "the kind of front")[0] * _linsley(r, density, curvature, -0.5)


def linsley_thickness(
    r: ArrayLike, density: ArrayLike, curvature: ArrayLike, kind: str = "tight"
) -> Array:
    """T_S = k_S a (1 + r/30 m)^1.5 ρ^−0.3: how much the first particle scatters, in ns [V].

    Parameters and errors as `linsley_delay`.
    """
    return chosen(kind, LINSLEY, "the kind of front")[1] * _linsley(r, density, curvature, -0.3)


def spherical_delay(r: ArrayLike, radius: ArrayLike) -> Array:
    """(√(R² + r²) − R)/c of a sphere around a point R up the axis, in ns.

    Examples
    --------
    >>> float(spherical_delay(1000.0, 10_000.0).round(0))
    166.0
    """
    r, R = inside(r, 0.0, np.inf, "r", "m"), inside(radius, 1e-6, np.inf, "the radius", "m")
    return r**2 / (np.hypot(R, r) + R) / LIGHT


_SMALL = {  # lg E: a in ns, b
    "p": ((15, 0.0995, 1.05), (15.5, 0.0190, 1.38), (16, 0.0065, 1.58), (16.5, 0.0032, 1.69),
          (17, 0.00044, 2.01)),
    "Fe": ((15, 0.44666, 0.69), (16, 0.01301, 1.39), (17, 0.00039, 1.98)),
    "gamma": ((15, 0.08466, 1.13), (15.5, 0.01277, 1.51), (16, 0.00433, 1.70), (17, 0.00067, 2.00)),
}  # fmt: skip


def small_array_delay(r: ArrayLike, log_energy: ArrayLike, primary: str = "p") -> Array:
    """a r^b within 300 m of the axis: medians of CORSIKA showers of p, Fe or gamma, in ns [V].

    lg a and b between lg(E/eV) = 15 and 17, at the energies of the software of HiSPARC and
    monotone between them. Raises ValueError outside, for r above 300 m, an unknown primary.
    """
    lg, a, b = np.transpose(chosen(primary, _SMALL, "the primary"))
    energy = inside(log_energy, 15.0, 17.0, "lg(E/eV)")
    distance = inside(r, 0.0, 300.0, "the distance from the axis", "m")
    scale = 10 ** PchipInterpolator(lg, np.log10(a))(energy)
    return np.asarray(scale * distance ** PchipInterpolator(lg, b)(energy))


def pulse_delays(r: ArrayLike, beyond: ArrayLike) -> tuple[Array, Array]:
    """Medians of the delays behind the front of muons and of electrons and photons, in ns.

        muons       50 + 140 (r/750 m)^1.4 (1 − 0.2 ΔX/1000)
        electrons   80 + 200 (r/750 m)^1.4 (1 − 0.1 ΔX/1000), and later by (their median −
                    that of muons)/1.5

    Both log-normal with σ = 0.7; ΔX in g/cm² from X_max to the station. A toy of public code for
    water-Cherenkov detectors, 0.3 … 2.5 km [V as code]. Raises ValueError for ΔX outside
    −1000 … 4000.
    """
    distance = inside(r, 0.0, 1e5, "the distance from the axis", "m")
    muons, others, later = medians(distance, inside(beyond, -1000.0, 4000.0, "ΔX", "g/cm2"))
    return muons, others + later


def medians(r: Any, beyond: Any) -> Any:
    """Of `pulse_delays`: medians of both log-normals, and by how much the second one is shifted.

    Unchecked, for loops that are compiled.
    """
    far, dx = (r / 750) ** 1.4, beyond / 1000
    muons, others = 50 + 140 * far * (1 - 0.2 * dx), 80 + 200 * far * (1 - 0.1 * dx)
    return muons, others, (others - muons) / 1.5


def _linsley(r: ArrayLike, density: ArrayLike, curvature: ArrayLike, power: float) -> Array:
    distance = inside(r, 0.0, np.inf, "the distance from the axis", "m")
    rho = inside(density, 1e-12, np.inf, "the density", "VEM/m2", "Give the expected density.")
    return np.asarray(linsley(distance, rho, numbers(curvature, "a"), power))


def linsley(r: Any, density: Any, curvature: Any, power: Any) -> Any:
    """a (1 + r/30 m)^1.5 ρ^power in ns: unchecked, for loops that are compiled."""
    far = 1 + r / 30
    return curvature * far * np.sqrt(far) * density**power
