"""The light of a shower in a camera: where its image lies and what shape it has.

Angles in degrees, as cameras are measured; heights and distances in m.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from baksan.physics.checks import inside, numbers

Array = NDArray[Any]

__all__ = ["PARAMETERS", "centroid_distance", "skewed_gaussian", "skewed_shape"]

PARAMETERS: dict[str, tuple[str, str]] = {
    "fLength": ("mm", "major axis of the image ellipse"),
    "fWidth": ("mm", "minor axis of the image ellipse"),
    "fSize": ("", "log10 of the sum of all pixels, in photons"),
    "fConc": ("", "share of the two brightest pixels"),
    "fConc1": ("", "share of the brightest pixel"),
    "fAsym": ("mm", "brightest pixel to centre of the image, along the major axis"),
    "fM3Long": ("mm", "cube root of the third moment along the major axis, away from the source"),
    "fM3Trans": ("mm", "cube root of the third moment along the minor axis"),
    "fAlpha": ("deg", "angle between the major axis and the direction to the source"),
    "fDist": ("mm", "distance from the source to the centre of the image"),
}
"""Unit and meaning of ten image parameters, by the names and in the order of the published table
'MAGIC Gamma Telescope' (UCI 159)."""


def centroid_distance(impact: ArrayLike, distance: ArrayLike) -> Array:
    """δ = 0.95 b/D between source and centroid of an image, in degrees.

    b is the impact on the ground, D the distance from the telescope to X_max along the axis, in m.
    Raises ValueError for D not above 0.
    """
    b = inside(impact, 0.0, np.inf, "the impact", "m")
    return np.rad2deg(0.95 * b / inside(distance, 1.0, np.inf, "the distance", "m"))


def skewed_shape(spread: ArrayLike, skewness: ArrayLike) -> tuple[Array, Array, Array]:
    """Place, scale and shape α of a skew normal number of mean 0, this spread and skewness.

        δ² = (π/2) |s|^(2/3) / (|s|^(2/3) + ((4 − π)/2)^(2/3)),    α = δ/√(1 − δ²)
        scale = σ/√(1 − 2δ²/π),    place = −scale δ √(2/π)

    A. Azzalini, Scand. J. Stat. 12 (1985) 171. Raises ValueError for |s| above 0.9, which is near
    the largest a skew normal number can have (0.995).
    """
    s = inside(skewness, -0.9, 0.9, "the skewness")
    power = np.abs(s) ** (2 / 3)
    delta = np.sign(s) * np.sqrt(np.pi / 2 * power / (power + ((4 - np.pi) / 2) ** (2 / 3)))
    scale = inside(spread, 1e-9, np.inf, "the spread") / np.sqrt(1 - 2 * delta**2 / np.pi)
    return -scale * delta * np.sqrt(2 / np.pi), scale, delta / np.sqrt(1 - delta**2)


def skewed_gaussian(
    along: ArrayLike, across: ArrayLike, length: ArrayLike, width: ArrayLike, skewness: ArrayLike
) -> Array:
    """The density of light of an image, skewed along its axis and Gaussian across it, in 1/deg².

        p = (2/scale) φ(z) Φ(α z) · φ(t/W)/W,    z = (l − place)/scale

    Parameters
    ----------
    along, across : (…)
        Coordinates l and t from the centroid, in degrees.
    length, width, skewness : (…)
        Standard deviations in degrees, and the third standardised moment along the axis.
    """
    place, scale, alpha = skewed_shape(length, skewness)
    z = (numbers(along, "l") - place) / scale
    W = inside(width, 1e-9, np.inf, "the width", "deg")
    t = numbers(across, "t") / W
    return np.asarray(np.exp(-0.5 * (z**2 + t**2)) * ndtr(alpha * z) / (np.pi * scale * W))
