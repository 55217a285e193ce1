"""From the shapes of light to counted photoelectrons in pixels, as a loop that Numba compiles."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba.extending import register_jitable
from numpy.typing import NDArray

from baksan.simulate import kernels_random as random

Array = NDArray[Any]

__all__ = ["PARTS", "Pixels", "Shapes", "draw", "expected"]

PARTS = 8
"""Most parts that an image is made of."""
_FAR = 6.0  # standard deviations beyond which there is no light
_ROOT = 1.0 / math.sqrt(2.0)


class Shapes(NamedTuple):
    """Parts of images, (n, PARTS): light in photoelectrons (0: none), centroid in degrees, cosine
    and sine of the axis, place, scale and shape of a skew normal number along it, σ across it.
    """

    light: Array
    x: Array
    y: Array
    cos: Array
    sin: Array
    place: Array
    scale: Array
    shape: Array
    width: Array


class Pixels(NamedTuple):
    """Centres (P,) and area of pixels in degrees; sky light in photoelectrons; noise of a
    photoelectron's amplitude, relative, and of the electronics, in photoelectrons.
    """

    x: Array
    y: Array
    area: float
    sky: float
    excess: float
    electronics: float


def draw(
    event: Array, shapes: Shapes, slope: Array, pixels: Pixels, s: Array, charge: Array, time: Array
) -> None:
    """Charges (photoelectrons) and times (ns) of all pixels (n, P); times if they have rows.

    Times run along the axis of the first part with a slope (n,) in ns/deg, and scatter by
    1 ns/√photoelectrons [form V, as in ctapipe; slopes D].
    """
    for k in range(len(event)):
        for i in range(len(pixels.x)):
            charge[k, i] = expected(shapes, pixels, k, i)
        for i in range(len(pixels.x)):
            random.at(s, event[k], i)
            light = float(charge[k, i])
            count = random.poisson(s, light + pixels.sky)
            noise = math.sqrt(pixels.excess**2 * count + pixels.electronics**2)
            charge[k, i] = count - pixels.sky + noise * random.normal(s)
            if len(time):
                along = (pixels.x[i] - shapes.x[k, 0]) * shapes.cos[k, 0]
                along += (pixels.y[i] - shapes.y[k, 0]) * shapes.sin[k, 0]
                spread = 1.0 / math.sqrt(max(light, 0.05))
                time[k, i] = slope[k] * along + spread * random.normal(s)


@register_jitable
def expected(shapes: Shapes, pixels: Pixels, k: int, i: int) -> float:
    """Photoelectrons of the shower expected in pixel i of event k.

    Σ light · (2/scale) φ(z) Φ(α z) φ(t/W)/W · area of the pixel, as `physics.image`
    """
    total = 0.0
    for j in range(PARTS):
        if shapes.light[k, j] > 0.0:
            x, y = pixels.x[i] - shapes.x[k, j], pixels.y[i] - shapes.y[k, j]
            t = (y * shapes.cos[k, j] - x * shapes.sin[k, j]) / shapes.width[k, j]
            z = x * shapes.cos[k, j] + y * shapes.sin[k, j] - shapes.place[k, j]
            z /= shapes.scale[k, j]
            if abs(t) < _FAR and abs(z) < _FAR:
                skew = 1.0 + math.erf(_ROOT * shapes.shape[k, j] * z)
                dense = math.exp(-0.5 * (z * z + t * t)) * skew
                total += shapes.light[k, j] * dense / (shapes.scale[k, j] * shapes.width[k, j])
    return total * pixels.area / (2.0 * math.pi)
