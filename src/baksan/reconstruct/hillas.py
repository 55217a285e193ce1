"""The standard analysis of Cherenkov images: cleaning, moments, image parameters, direction.

M. Hillas, ICRC 19 (1985) vol. 3, 445; moments without Bessel's correction, as ctapipe has them [V].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.compiled import compiled
from baksan.physics import image
from baksan.physics.camera import Camera
from baksan.physics.checks import inside, numbers
from baksan.reconstruct.kernels_hillas import clean, moments
from baksan.table import Column, Table

Array = NDArray[Any]
Way = Literal["compiled", "python"]

__all__ = ["DARK", "FEW", "Hillas", "cleaned", "direction", "parameters"]

FEW, DARK = 1, 2
"""Flags: fewer than five pixels are left; less light than is asked for."""
_FEWEST_PIXELS, _LEAST_LIGHT = 5, 85.0


@dataclass(frozen=True, eq=False)
class Hillas:
    """Parameters of n cleaned images; on the sky in degrees, ψ and α in rad; NaN where flagged.

    Parameters
    ----------
    scale : float
        mm/deg of the camera.
    flag : (n,) uint8
        0, or a sum of FEW and DARK.
    size : (n,)
        Photoelectrons in the image.
    x, y : (n,)
        Centroid.
    length, width : (n,)
        Roots of the eigenvalues of the covariance of the light.
    psi : (n,)
        Direction of the long axis, away from the middle of the camera.
    skewness, kurtosis : (n,)
        Along the long axis.
    leakage : (n,)
        Share of the light in pixels at the border.
    pixels, islands : (n,)
        How many pixels are left, in how many groups.
    first, second : (n,)
        Light of the two brightest pixels.
    asymmetry : (n,)
        From the brightest pixel to the centroid, along the axis.
    third_along, third_across : (n,)
        Third moments, deg³.
    alpha, distance : (n,)
        Angle between the axis and the line to the middle of the camera; distance from it.
    """

    scale: float
    flag: Array
    size: Array
    x: Array
    y: Array
    length: Array
    width: Array
    psi: Array
    skewness: Array
    kurtosis: Array
    leakage: Array
    pixels: Array
    islands: Array
    first: Array
    second: Array
    asymmetry: Array
    third_along: Array
    third_across: Array
    alpha: Array
    distance: Array

    def __len__(self) -> int:
        return len(self.flag)

    def table(self) -> Table:
        """The ten image parameters of the published MAGIC table, with its names and units."""
        mm = self.scale
        features = {
            "fLength": mm * self.length,
            "fWidth": mm * self.width,
            "fSize": np.log10(self.size),
            "fConc": (self.first + self.second) / self.size,
            "fConc1": self.first / self.size,
            "fAsym": mm * self.asymmetry,
            "fM3Long": mm * np.cbrt(self.third_along),
            "fM3Trans": mm * np.cbrt(self.third_across),
            "fAlpha": np.rad2deg(self.alpha),
            "fDist": mm * self.distance,
        }
        details = {
            "leakage": (self.leakage, "", "share of the light at the border of the camera"),
            "islands": (self.islands, "", "groups of pixels that are left"),
            "flag": (self.flag, "", "0 if the image is good; 1 few pixels, 2 little light"),
        }
        columns = {k: Column(v, *image.PARAMETERS[k]) for k, v in features.items()}
        columns |= {k: Column(*v, role="detail") for k, v in details.items()}
        return Table(columns, "reconstruct.hillas")


def cleaned(
    charge: ArrayLike, camera: Camera, picture: float = 6.0, boundary: float = 3.5,
    way: Way = "compiled",
) -> Array:  # fmt: skip
    """Which pixels belong to the images, (n, P) bool: tail cuts, in photoelectrons.

    A pixel stays if it has at least `picture` and a neighbour that has, too; or at least `boundary`
    and a neighbour of the first kind. 6 and 3.5 are like MAGIC's [M], ctapipe has 7 and 5 [V].

    Raises ValueError for another number of pixels than the camera's, charges that are not finite,
    or thresholds that do not rise.
    """
    light = _checked(charge, camera)
    if not 0 < boundary <= picture:
        raise ValueError(
            f"thresholds need 0 < boundary ≤ picture; they are {boundary:g} and {picture:g}."
        )
    kept = np.zeros(light.shape, dtype=bool)
    run = compiled(clean, fast=False) if way == "compiled" else clean
    run(light, camera.neighbours, picture, boundary, kept)
    return kept


def parameters(
    charge: ArrayLike, camera: Camera, kept: Array | None = None, *,
    least_light: float = _LEAST_LIGHT, fewest_pixels: int = _FEWEST_PIXELS, way: Way = "compiled",
) -> Hillas:  # fmt: skip
    """Hillas parameters of images (n, P) in photoelectrons; no event is left out.

    Parameters
    ----------
    charge : (n, P)
    camera : Camera
    kept : (n, P) bool, optional
        `cleaned(charge, camera)`.
    least_light, fewest_pixels
        Images with less are flagged, and have no parameters.

    Raises
    ------
    ValueError
        As `cleaned`, and for `kept` of another shape than `charge`.

    Examples
    --------
    >>> from baksan.simulate.images import events
    >>> images = events(300, seed=1)
    >>> found = parameters(images.charge, images.camera)
    >>> bool(((found.flag == 0) == np.isfinite(found.length)).all())
    True
    """
    light = _checked(charge, camera)
    kept = cleaned(light, camera, way=way) if kept is None else np.asarray(kept, dtype=bool)
    if kept.shape != light.shape:
        raise ValueError(
            f"kept must say of each pixel whether it belongs to the image, {light.shape}; it has"
            f" shape {kept.shape}. Give cleaned(charge, camera)."
        )
    out = np.zeros((len(light), 18))
    run = compiled(moments, fast=False) if way == "compiled" else moments
    run(light, kept, camera.x, camera.y, camera.border, camera.neighbours, out)
    flag = (out[:, 9] < fewest_pixels) * FEW + (out[:, 0] < least_light) * DARK
    held = {
        name: np.where(flag == 0, values, np.nan) for name, values in zip(_ROW, out.T, strict=True)
    }
    return Hillas(camera.scale, flag.astype(np.uint8), **held)


_ROW = (
    "size", "x", "y", "length", "width", "psi", "skewness", "kurtosis", "leakage", "pixels",
    "islands", "first", "second", "asymmetry", "third_along", "third_across", "alpha", "distance",
)  # fmt: skip


def direction(found: Hillas, reach: float = 1.15) -> tuple[Array, Array]:
    """Where the shower came from, x and y in degrees: on the long axis, at disp = ξ (1 − W/L) [M].

    On the side from which the tail points away, by the sign of the third moment. ξ is 1.0 … 1.3°
    [M], to be fitted on simulations; 1.45° is best for those of `simulate.images`. Raises
    ValueError for ξ not above 0.
    """
    disp = inside(reach, 1e-6, 10.0, "ξ", "deg") * (1 - found.width / found.length)
    side = np.where(found.third_along >= 0, -1.0, 1.0)
    return (
        found.x + side * disp * np.cos(found.psi),
        found.y + side * disp * np.sin(found.psi),
    )


def _checked(charge: ArrayLike, camera: Camera) -> Array:
    light = numbers(charge, "the charge of a pixel")
    if light.ndim != 2 or light.shape[1] != len(camera):
        raise ValueError(
            f"images must be (events, {len(camera)}), a charge for each pixel; they have shape"
            f" {light.shape}. Give the camera that took them."
        )
    return light
