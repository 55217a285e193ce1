"""Images of gamma and hadron showers in the camera of one Cherenkov telescope.

A toy [D]: images are sums of skewed Gaussian blobs, whose sizes and places were tuned so that the
ten image parameters of cleaned images lie near those of a published table (MAGIC, UCI 159);
medians agree within 30 %, the tails of hadrons are too short. No photon is followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtri, stdtrit

from baksan.compiled import compiled
from baksan.physics import atmosphere, image, longitudinal, spectrum
from baksan.physics.camera import Camera, magic
from baksan.physics.checks import inside
from baksan.simulate import kernels_random
from baksan.simulate.counter import check_count, uniforms
from baksan.simulate.kernels_images import PARTS, Pixels, Shapes, draw
from baksan.table import Column, Table

Array = NDArray[Any]
Way = Literal["compiled", "python"]

__all__ = ["Images", "Telescope", "blocks", "events"]

_DRAWS = 40
_MOST_CLUSTERS = PARTS - 2
_AIR, _SITE = atmosphere.US_STANDARD, atmosphere.SITES["la-palma"]
_TEV = 12.0  # lg(E/eV) of 1 TeV
_HADRONS = 4.0  # times the energy of gammas [D]
_ALPHA_TAILS = 1.6  # degrees of freedom of the angle of gamma images [D]


@dataclass(frozen=True)
class Telescope:
    """Light and noise of a telescope [D].

    Parameters
    ----------
    light : float
        Photoelectrons of a gamma of 1 TeV within 120 m.
    sky, excess, electronics : float
        Sky light in a pixel; noise of a photoelectron's amplitude, relative; of the electronics.
    """

    light: float = 6000.0
    sky: float = 1.6
    excess: float = 0.35
    electronics: float = 0.5


@dataclass(frozen=True, eq=False)
class Images:
    """n images of P pixels.

    Parameters
    ----------
    camera : Camera
    event : (n,) int
    charge : (n, P) float32
        Photoelectrons, sky light subtracted.
    time : (n, P) float32 or (0, P)
        When they came, in ns, if asked for.
    gamma : (n,) bool
        Truth: a gamma, not a hadron; the gammas come from the middle of the camera.
    log_energy, impact : (n,)
        Truth: lg(E/eV), and the distance of the axis from the telescope in m.
    light : (n,)
        Truth: photoelectrons expected of the shower.
    """

    camera: Camera
    event: Array
    charge: Array
    time: Array
    gamma: Array
    log_energy: Array
    impact: Array
    light: Array

    def __len__(self) -> int:
        return len(self.event)

    def truth(self) -> Table:
        """What only the simulation knows, and the number of each event."""
        held = {
            "class": (np.where(self.gamma, "gamma", "hadron"), "", "what made the shower"),
            "log_energy": (self.log_energy, "", "lg(E/eV) of the primary"),
            "impact": (self.impact, "m", "distance of the axis from the telescope"),
        }
        columns = {name: Column(*parts, role="truth") for name, parts in held.items()}
        number = Column(self.event, "", "number of the event in the simulation", role="detail")
        return Table({"event": number, **columns}, "simulate.images")


def events(
    n: int,
    seed: int = 0,
    *,
    camera: Camera | None = None,
    telescope: Telescope | None = None,
    gamma_fraction: float = 0.5,
    log_energy: tuple[float, float] = (10.4, 13.5),
    index: float = 2.0,
    times: bool = False,
    start: int = 0,
    way: Way = "compiled",
) -> Images:
    """The images start … start + n − 1 of the seed; event i depends on (seed, i) alone.

    Parameters
    ----------
    n, seed, start : int
    camera : Camera, optional
        `physics.camera.magic()`.
    telescope : Telescope, optional
    gamma_fraction : float
    log_energy : (float, float)
        lg(E/eV) of gammas from … to, within 10 … 14; hadrons come with four times the energy,
        since they make less than half as much light [D].
    index : float
        g of dN/dE ∝ E^−g.
    times : bool
        Times of the pixels, too.
    way : str
        'compiled', or 'python' for a debugger.

    Raises
    ------
    ValueError
        Counts that are negative or not whole; a fraction outside 0 … 1; energies outside.

    Examples
    --------
    >>> found = events(50, seed=1)
    >>> found.charge.shape, found.gamma.any()
    ((50, 1111), np.True_)
    """
    check_count(n, "n, the number of events,", 0)
    check_count(seed, "seed", 0)
    check_count(start, "start, the number of the first event,", 0)
    inside(gamma_fraction, 0.0, 1.0, "gamma_fraction", "", "Give the share of gammas.")
    hint = "Give lg of energies in eV: 1 TeV is 12."
    low, high = inside(log_energy, 10.0, 14.0, "lg(E/eV)", "", hint)
    if low > high:
        raise ValueError(f"lg(E/eV) must rise; {low:g} … {high:g} does not. Give the lower first.")
    camera, telescope = camera or magic(), telescope or Telescope()
    u = uniforms(n, _DRAWS, seed, start)
    gamma = u[:, 0] < gamma_fraction
    lg = np.full(n, low)
    if low < high:
        lg = np.log10(spectrum.power_law_energies(u[:, 1], index, 10.0**low, 10.0**high))
    lg = np.where(gamma, lg, lg + np.log10(_HADRONS))
    impact = np.where(gamma, 200.0, 250.0) * np.sqrt(u[:, 2])
    shapes = _empty(n)
    for chosen, make in ((gamma, _gammas), (~gamma, _hadrons)):
        made = make(u[chosen], 10 ** (lg[chosen] - _TEV), impact[chosen], telescope)
        for whole, part in zip(shapes, made, strict=True):
            whole[chosen] = part
    shapes = _blurred(shapes, camera)
    slope = np.where(gamma, 5.0 * (impact / 100 - 0.6), 5.0 * ndtri(u[:, 39]))
    charge = np.zeros((n, len(camera)), dtype=np.float32)
    time = np.zeros((n if times else 0, len(camera)), dtype=np.float32)
    event = np.arange(start, start + n)
    pixels = Pixels(camera.x, camera.y, camera.area, telescope.sky, telescope.excess,
                    telescope.electronics)  # fmt: skip
    run = compiled(draw, fast=False) if way == "compiled" else draw
    with np.errstate(over="ignore"):  # the words of Philox wrap around in plain Python
        run(event, shapes, slope, pixels, kernels_random.stream(seed), charge, time)
    return Images(camera, event, charge, time, gamma, lg, impact, shapes.light.sum(axis=1))


def blocks(n: int, seed: int = 0, rows: int = 1024, **settings: Any) -> Iterator[Images]:
    """The images 0 … n − 1, at most `rows` at a time: the same bits as `events(n, …)`.

    Raises ValueError as `events`, and for rows < 1.
    """
    check_count(n, "n, the number of events,", 0)
    check_count(rows, "rows, the size of a block,", 1)
    for first in range(0, n, rows):
        yield events(min(rows, n - first), seed, start=first, **settings)


def _empty(n: int) -> Shapes:
    ones, zeros = np.ones((n, PARTS)), np.zeros((n, PARTS))
    return Shapes(*(np.array(ones if name in ("scale", "width", "cos") else zeros)
                    for name in Shapes._fields))  # fmt: skip


def _blurred(shapes: Shapes, camera: Camera) -> Shapes:
    """Light is spread over a pixel: its variance adds to those of the blobs."""
    return shapes._replace(
        scale=np.sqrt(shapes.scale**2 + camera.variance),
        width=np.sqrt(shapes.width**2 + camera.variance),
    )


def _pool(impact: Array, power: float, length: float) -> Array:
    """How light falls with the distance: flat to 120 m, then steeply [D]."""
    far = np.maximum(impact / 120, 1.0)
    return np.asarray(far**power * np.exp(-np.maximum(impact - 120, 0) / length))


def _gammas(u: Array, tev: Array, impact: Array, telescope: Telescope) -> Shapes:
    """From the middle of the camera: images point to it."""
    z = ndtri(u)
    light = telescope.light * tev**1.08 * _pool(impact, -2, 200) * np.exp(0.18 * z[:, 4])
    peak = _AIR.height(longitudinal.greisen_maximum(tev * 1e12)) - _SITE.height
    away = image.centroid_distance(impact, peak * np.exp(0.10 * z[:, 5]))
    round_ = 2 * np.pi * u[:, 3]
    x = away * np.cos(round_) + 0.03 * z[:, 6]
    y = away * np.sin(round_) + 0.03 * z[:, 7]
    turn = 0.10 * (300 / light) ** 0.25 * stdtrit(_ALPHA_TAILS, u[:, 8])
    length = (0.04 + 0.11 * away) * (tev / 0.3) ** 0.12 * np.exp(0.22 * z[:, 9])
    width = 0.036 * (tev / 0.3) ** 0.14 * np.exp(0.18 * z[:, 10])
    skew = np.full(len(u), 0.35)  # the tail lies away from the source
    return _blobs(u, light, x, y, np.arctan2(y, x) + turn, length, width, skew, (0.65, 1.9, 2.8))


def _hadrons(u: Array, tev: Array, impact: Array, telescope: Telescope) -> Shapes:
    """From anywhere in the field, with clusters beside the main image."""
    z = ndtri(u)
    light = 0.40 * telescope.light * tev**1.12 * _pool(impact, -1.5, 250) * np.exp(0.5 * z[:, 4])
    away, round_ = 1.15 * np.sqrt(u[:, 11]), 2 * np.pi * u[:, 12]
    x, y, axis = away * np.cos(round_), away * np.sin(round_), 2 * np.pi * u[:, 13]
    length = 0.11 * tev**0.22 * np.exp(0.50 * z[:, 9])
    width = 0.036 * tev**0.22 * np.exp(0.45 * z[:, 10])
    skew = np.clip(0.2 + 0.35 * z[:, 14], -0.9, 0.9)
    shapes = _blobs(u, light, x, y, axis, length, width, skew, (0.6, 2.0, 3.0))
    return _with_clusters(shapes, u, tev, light, length, width)


def _blobs(
    u: Array, light: Array, x: Array, y: Array, axis: Array, length: Array, width: Array,
    skew: Array, halo: tuple[float, float, float],
) -> Shapes:  # fmt: skip
    """A core, and a halo around it that is longer and wider."""
    core, longer, wider = halo
    shapes = _empty(len(u))
    for part, (share, along, across) in enumerate(((core, 1.0, 1.0), (1 - core, longer, wider))):
        place, scale, shape = image.skewed_shape(along * length, skew)
        row = (share * light, x, y, np.cos(axis), np.sin(axis), place, scale, shape, across * width)
        for whole, values in zip(shapes, row, strict=True):
            whole[:, part] = values
    return shapes


def _with_clusters(
    shapes: Shapes, u: Array, tev: Array, light: Array, length: Array, width: Array
) -> Shapes:
    """Poisson(0.45 E^0.35) clusters more; the main image has three times the light of one."""
    count = _poisson(u[:, 15], 0.45 * tev**0.35)
    there = np.arange(_MOST_CLUSTERS) < count[:, None]
    share = -np.log(u[:, 16 : 16 + _MOST_CLUSTERS]) * there
    main = -np.log(u[:, 22] * u[:, 23] * u[:, 24])
    whole = main + share.sum(axis=1)
    shapes.light[:, :2] *= (main / whole)[:, None]
    shapes.light[:, 2:] = light[:, None] * share / whole[:, None]
    apart = 0.35 * ndtri(u[:, 25 : 25 + _MOST_CLUSTERS])
    round_ = 2 * np.pi * u[:, 31 : 31 + _MOST_CLUSTERS]
    shapes.x[:, 2:] = shapes.x[:, :1] + apart * np.cos(round_)
    shapes.y[:, 2:] = shapes.y[:, :1] + apart * np.sin(round_)
    shapes.cos[:, 2:], shapes.sin[:, 2:] = shapes.cos[:, :1], shapes.sin[:, :1]
    shapes.scale[:, 2:], shapes.width[:, 2:] = 0.6 * length[:, None], 1.2 * width[:, None]
    return shapes


def _poisson(u: Array, mean: Array) -> Array:
    """The number of clusters, at most `_MOST_CLUSTERS`, from one uniform number."""
    k = np.arange(_MOST_CLUSTERS)
    log = k * np.log(mean[:, None]) - mean[:, None] - gammaln(k + 1)
    return np.asarray((u[:, None] > np.cumsum(np.exp(log), axis=1)).sum(axis=1))
