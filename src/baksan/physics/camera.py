"""Cameras of imaging Cherenkov telescopes: where the pixels are, and who is whose neighbour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.physics.checks import inside

Array = NDArray[Any]

__all__ = ["Camera", "hexagonal", "magic"]

_SIX = 6


@dataclass(frozen=True, eq=False)
class Camera:
    """Hexagonal pixels. Angles in degrees.

    Parameters
    ----------
    x, y : (P,)
        Centres of the pixels; the telescope looks at (0, 0).
    pitch : float
        Distance of neighbours.
    scale : float
        mm in the camera for each degree on the sky.
    neighbours : (P, 6) int32
        Indices of the adjacent pixels, −1 where there are no more.
    """

    x: Array
    y: Array
    pitch: float
    scale: float
    neighbours: Array

    def __len__(self) -> int:
        return len(self.x)

    @property
    def area(self) -> float:
        """Of a pixel, √3/2 · pitch², in deg²."""
        return float(np.sqrt(0.75) * self.pitch**2)

    @property
    def variance(self) -> float:
        """Of light within a pixel along any axis, 5/72 · pitch², in deg²."""
        return 5 / 72 * self.pitch**2

    @property
    def border(self) -> Array:
        """(P,) bool: pixels with fewer than six neighbours."""
        return np.asarray((self.neighbours < 0).any(axis=1))


def hexagonal(pitch: float, radius: float, scale: float) -> Camera:
    """All pixels of a hexagonal grid with centres within a radius, in degrees; scale in mm/deg.

    Raises ValueError for sizes that are not above 0, or more than 10⁵ pixels.

    Examples
    --------
    >>> camera = hexagonal(0.1, 1.75, 296.7)
    >>> len(camera), round(camera.area, 5)
    (1111, 0.00866)
    """
    pitch = float(inside(pitch, 1e-3, 10.0, "the pitch of pixels", "deg"))
    radius = float(inside(radius, pitch, 200 * pitch, "the radius of a camera", "deg"))
    inside(scale, 1e-3, 1e6, "the scale of a camera", "mm/deg")
    k = np.arange(-int(2 * radius / pitch) - 1, int(2 * radius / pitch) + 2)
    i, j = (axis.ravel() for axis in np.meshgrid(k, k))
    x, y = pitch * (i + j / 2), pitch * np.sqrt(0.75) * j
    near = np.hypot(x, y) <= radius * (1 + 1e-9)
    return Camera(x[near], y[near], pitch, scale, _neighbours(i[near], j[near]))


def magic() -> Camera:
    """1111 pixels of 0.1° within 1.75°, 296.7 mm/deg: a camera like the first one of MAGIC [C]."""
    return hexagonal(0.1, 1.75, 296.7)


def _neighbours(i: Array, j: Array) -> Array:
    """By the axial coordinates of a hexagonal grid."""
    at = {place: index for index, place in enumerate(zip(i.tolist(), j.tolist(), strict=True))}
    found = np.full((len(i), _SIX), -1, dtype=np.int32)
    steps = ((1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1))
    for index, (a, b) in enumerate(zip(i.tolist(), j.tolist(), strict=True)):
        adjacent = [at[a + da, b + db] for da, db in steps if (a + da, b + db) in at]
        found[index, : len(adjacent)] = adjacent
    return found
