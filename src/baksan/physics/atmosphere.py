"""The atmosphere: how much air lies above a height, and the way back.

Five layers after Linsley, as in CORSIKA (D. Heck et al., FZKA 6019 (1998), app. D): the depth is
T(h) = a + b exp(−h/c) in the lower four and T(h) = a − b h/c in the uppermost one. Heights in m
above sea level, depths in g/cm², zenith angles in rad. The numbers are [V]: as in public copies of
the CORSIKA tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.physics.checks import inside, numbers

Array = NDArray[Any]

__all__ = ["SITES", "US_STANDARD", "US_STANDARD_KEILHAUER", "Atmosphere", "Site"]

_LOWEST = -2000.0  # m: the lowest layer continued; the deepest valley lies at −430 m
FLAT = np.deg2rad(65.0)
"""Up to this zenith angle the Earth may be taken for flat."""


@dataclass(frozen=True, eq=False)
class Atmosphere:
    """Five layers: lower edges in m; a, b in g/cm²; c in m.

    Examples
    --------
    >>> US_STANDARD.depth([0, 1400]).round(1).tolist()
    [1036.1, 875.5]
    >>> US_STANDARD.height([100, 700]).round(0).tolist()
    [16383.0, 3196.0]
    """

    name: str
    edges: tuple[float, ...]
    a: tuple[float, ...]
    b: tuple[float, ...]
    c: tuple[float, ...]

    @property
    def top(self) -> float:
        """The height above which there is no air, in m."""
        return self.a[4] * self.c[4] / self.b[4]

    def depth(self, height: ArrayLike) -> Array:
        """T(h), the mass of the air above, in g/cm²; 0 above the top.

        Raises ValueError below −2 km; from there to sea level the lowest layer is continued.
        """
        h = np.minimum(inside(height, _LOWEST, np.inf, "the height", "m"), self.top)
        a, b, c = self._layer(np.searchsorted(self.edges[1:], h, side="right"))
        thin = h >= self.edges[4]
        return np.where(thin, a - b * h / c, a + b * np.exp(-np.where(thin, 0.0, h) / c))

    def height(self, depth: ArrayLike) -> Array:
        """h(T), where so much air lies above, in m; below 0 for more than there is at sea level.

        Raises ValueError for less than 0 or more than at −2 km.
        """
        T = inside(depth, 0.0, float(self.depth(_LOWEST)), "the depth", "g/cm2")
        a, b, c = self._layer(np.searchsorted(-self.depth(self.edges[1:]), -T, side="right"))
        thin = self.depth(self.edges[4]) >= T
        log = np.log(np.where(thin, 1.0, T - a) / b)
        return np.where(thin, (a - T) * c / b, -c * log)

    def density(self, height: ArrayLike) -> Array:
        """ρ(h) = −dT/dh in g/cm³; 0 above the top. Raises ValueError below −2 km."""
        h = inside(height, _LOWEST, np.inf, "the height", "m")
        _, b, c = self._layer(np.searchsorted(self.edges[1:], h, side="right"))
        thin = h >= self.edges[4]
        falling = np.where(thin, 1.0, np.exp(-np.where(thin, 0.0, h) / c))
        return np.where(h > self.top, 0.0, b / (100 * c) * falling)

    def slant_depth(self, height: ArrayLike, zenith: ArrayLike) -> Array:
        """X = T(h)/cos θ from infinity to the height, along the axis, in g/cm².

        The Earth is taken for flat. Raises ValueError for zenith angles above 65°.
        """
        return self.depth(height) / np.cos(_flat(zenith))

    def distance(self, depth: ArrayLike, zenith: ArrayLike, height: float) -> Array:
        """D(X) = (h(X cos θ) − h_obs)/cos θ, along the axis up from the ground to X, in m.

        Negative for a slant depth that lies below the ground at this height. Raises ValueError for
        zenith angles above 65°, and for slant depths that the atmosphere does not reach.
        """
        cos = np.cos(_flat(zenith))
        return (self.height(numbers(depth, "the slant depth") * cos) - height) / cos

    def _layer(self, which: Array) -> tuple[Array, Array, Array]:
        return np.take(self.a, which), np.take(self.b, which), np.take(self.c, which)


def _flat(zenith: ArrayLike) -> Array:
    return inside(
        zenith, 0.0, FLAT, "the zenith angle", "rad",
        "The flat atmosphere holds to 65°; give rad, not degrees.",
    )  # fmt: skip


US_STANDARD = Atmosphere(
    "US standard, Linsley (CORSIKA 1)",
    edges=(0.0, 4e3, 10e3, 40e3, 100e3),
    a=(-186.555305, -94.919, 0.61289, 0.0, 0.01128292),
    b=(1222.6562, 1144.9069, 1305.5948, 540.1778, 1.0),
    c=(9941.8638, 8781.5355, 6361.4304, 7721.7016, 1e7),
)

US_STANDARD_KEILHAUER = Atmosphere(
    "US standard, Keilhauer (CORSIKA 17)",
    edges=(0.0, 7e3, 11.4e3, 37e3, 100e3),
    a=(-149.801663, -57.932486, 0.63631894, 4.3545369e-4, 0.01128292),
    b=(1183.6071, 1143.0425, 1322.9748, 655.67307, 1.0),
    c=(9542.48340, 8000.0534, 6295.6893, 7375.21770, 1e7),
)


class Site(NamedTuple):
    """Height in m above sea level, geographic latitude in degrees north."""

    height: float
    latitude: float


SITES = {
    "telescope-array": Site(1400.0, 39.3),  # [V]
    "auger": Site(1400.0, -35.2),  # [V]
    "kascade": Site(110.0, 49.1),  # height [V], latitude [M]
    "baksan": Site(1700.0, 43.3),  # height [V] (PoS(ICRC2021)395), latitude [M]
    "la-palma": Site(2200.0, 28.8),  # height [V], latitude [M]
}
"""Where the experiments stand that the simulator knows."""
