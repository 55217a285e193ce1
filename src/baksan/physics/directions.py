"""Directions of arrival and distances from the axis of a shower.

θ is the zenith angle, φ the azimuth from x (east) towards y (north), in rad; n points to where the
shower came from, up, so that it travels along −n. Lengths in m.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.physics.checks import inside, numbers

Array = NDArray[Any]

__all__ = [
    "absorbed_zenith", "angle_between", "from_axis", "isotropic_zenith", "unit_vector",
    "zenith_and_azimuth",
]  # fmt: skip


def unit_vector(zenith: ArrayLike, azimuth: ArrayLike) -> Array:
    """n = (sin θ cos φ, sin θ sin φ, cos θ), (…, 3)."""
    theta, phi = np.broadcast_arrays(numbers(zenith, "θ"), numbers(azimuth, "φ"))
    sin = np.sin(theta)
    return np.stack([sin * np.cos(phi), sin * np.sin(phi), np.cos(theta)], axis=-1)


def zenith_and_azimuth(n: ArrayLike) -> tuple[Array, Array]:
    """θ and φ (0 … 2π) of vectors (…, 3) of any length above 0."""
    x, y, z = np.moveaxis(numbers(n, "a direction"), -1, 0)
    return np.arctan2(np.hypot(x, y), z), np.arctan2(y, x) % (2 * np.pi)


def angle_between(n: ArrayLike, m: ArrayLike) -> Array:
    """ψ = atan2(|n × m|, n · m), which is exact for small angles, too, where acos is not."""
    a, b = numbers(n, "a direction"), numbers(m, "a direction")
    return np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1))


def isotropic_zenith(u: ArrayLike, highest: float) -> Array:
    """θ of an isotropic flux on a flat array: pdf ∝ sin θ cos θ up to the highest θ.

        θ = asin(sin θ_max √u)

    Examples
    --------
    >>> float(np.rad2deg(isotropic_zenith(0.5, np.deg2rad(60))).round(2))
    37.76
    """
    highest = float(inside(highest, 0.0, np.pi / 2, "the highest zenith angle", "rad"))
    return np.arcsin(np.sin(highest) * np.sqrt(inside(u, 0.0, 1.0, "a uniform number")))


def absorbed_zenith(u: ArrayLike) -> Array:
    """θ as a small array sees it at low energies: pdf ∝ sin θ cos⁷θ, θ = acos((1 − u)^(1/8)) [V].

    Inclined showers of low energy do not reach the ground. As in the software of HiSPARC.
    """
    return np.arccos((1 - inside(u, 0.0, 1.0, "a uniform number")) ** 0.125)


def from_axis(position: ArrayLike, core: ArrayLike, n: ArrayLike) -> tuple[Array, Array]:
    """Distance r from the axis, and L = n·(x − x_core) along it, each (…), in m.

        r = √(|x − x_core|² − L²)

    L > 0 lies upstream: the front passes there before it reaches the core. Arrays (…, 3) broadcast.
    """
    d = numbers(position, "a position") - numbers(core, "a core")
    along = np.sum(d * n, axis=-1)
    # |d − L n| keeps the digits that |d|² − L² loses near the axis.
    return np.linalg.norm(d - along[..., None] * n, axis=-1), along
