"""Arrays of detectors: where the stations stand, what they are, who is whose neighbour."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.physics.atmosphere import SITES
from baksan.physics.checks import chosen, inside

Array = NDArray[Any]

__all__ = ["SCINTILLATOR", "WATER", "Detector", "Layout", "auger", "table", "telescope_array"]

_MIP = 1.22  # VEM [V]
_NEIGHBOURS = 8
_WIDEST = 41  # stations: far beyond any shower
_NEAREST = 5.0  # m between stations: nearer ones are one station, or in km


@dataclass(frozen=True)
class Detector:
    """What each station is made of.

    Parameters
    ----------
    kind : str
        'scintillator', two layers; or 'water'.
    area : float
        In m².
    muon_sigma, hit : float
        Spread of a muon's signal, mean of an electromagnetic hit's (exponential), in VEM [D].
    both : float
        The share of the electromagnetic hits that leave a signal in both layers [D]; 1 in water.
    read, trigger : float
        Mean signal of the layers in VEM from which a station is read out, and takes part in a
        trigger.
    window : float
        Within which three adjacent stations must lie, in ns.
    full : float
        In VEM; what is above is cut off, and flagged.
    dead, noise : float
        Chance of a station not to work, and of a background muon in the time that is read out.
    jitter : float
        σ of the clock in ns.
    read_out : float
        What arrives between −read_out and read_out is seen, in ns; 0 is the axis at the ground.

    Raises
    ------
    ValueError
        An unknown kind, shares outside 0 … 1, negative numbers.
    """

    kind: str = "scintillator"
    area: float = 3.0
    muon_sigma: float = 0.4
    hit: float = 0.75
    both: float = 0.6
    read: float = 0.3 * _MIP
    trigger: float = 3 * _MIP
    window: float = 8000.0
    full: float = 900.0
    dead: float = 0.02
    noise: float = 0.045
    jitter: float = 20.0
    read_out: float = 32000.0

    def __post_init__(self) -> None:
        chosen(self.kind, dict.fromkeys(("scintillator", "water")), "the kind of detectors")
        for name in ("both", "dead", "noise"):
            inside(getattr(self, name), 0.0, 1.0, f"{name} of a detector", "", "It is a share.")
        for name in ("area", "muon_sigma", "hit", "trigger", "window", "full", "read_out"):
            hint = "It is above 0." if name != "area" else "It is in m²."
            inside(getattr(self, name), 1e-9, 1e9, f"{name} of a detector", "", hint)
        for name in ("read", "jitter"):
            inside(getattr(self, name), 0.0, 1e9, f"{name} of a detector")


SCINTILLATOR = Detector()
"""Telescope Array: 3 m², two layers of 1.2 cm; areas and thresholds [V/M], shapes of signals [D].
Cut off at 300 VEM/m² (flagged at 40 MIP in 20 ns [V])."""
WATER = Detector(
    "water", area=10.0, hit=0.1, both=1.0, read=1.0, trigger=3.2, full=3000.0, noise=0.01
)
"""Auger: 10 m² of water, 1.2 m deep; a threshold of 3.2 VEM [V], the rest [D]."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Stations on the ground.

    Parameters
    ----------
    name : str
    position : (S, 3)
        East, north, up in m; up is counted from `height`.
    detector : Detector
    height : float
        Above sea level in m.
    neighbours : (S, 8) int32
        Indices of the adjacent stations, −1 where there are no more.
    origin, edges : (2,), (2, 2)
        Axes meet the ground at origin + u₁ edges₁ + u₂ edges₂, u uniform in 0 … 1: one cell of an
        endless grid, or a field around the stations.
    shape : (int, int), optional
        Rows and columns of a regular array; station (i, j) has the index i × columns + j.

    Raises
    ------
    ValueError
        Fewer than three stations, positions that are not finite, or nearer together than 5 m.
    """

    name: str
    position: Array
    detector: Detector
    height: float
    neighbours: Array
    origin: Array
    edges: Array
    shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        _check_positions(self.position)

    def __len__(self) -> int:
        return len(self.position)

    @property
    def field(self) -> float:
        """The area over which axes are thrown, in m²."""
        return abs(float(np.linalg.det(self.edges)))

    def cores(self, u: Array) -> Array:
        """Where axes meet the ground, (n, 2) in m, from uniform numbers (n, 2)."""
        return np.asarray(self.origin + u[:, :1] * self.edges[0] + u[:, 1:] * self.edges[1])

    def with_detector(self, **changes: Any) -> Layout:
        """The same stations with other detectors: `layout.with_detector(dead=0.0, noise=0.0)`."""
        return replace(self, detector=replace(self.detector, **changes))


def telescope_array(window: int = 9) -> Layout:
    """window × window stations of Telescope Array: scintillators 1.2 km apart on a square grid.

    The window of an endless array around the cell where the axis falls: 9 is wide enough to
    10^19.5 eV, 15 to 10²⁰. Raises ValueError for windows that are even or not 3 … 41.
    """
    spacing, i = 1200.0, _window(window)
    east, north = (axis.ravel() * spacing for axis in np.meshgrid(i, i))
    cell = spacing * np.eye(2)
    return _grid(
        "telescope-array", east, north, SCINTILLATOR, (window, window), cell, 1.5 * spacing
    )


def auger(window: int = 9) -> Layout:
    """window × window stations like those of Auger: water tanks 1.5 km apart on triangles.

    Station (i, j) stands at x = (i + j/2) 1.5 km, y = j √3/2 1.5 km. Raises ValueError for windows
    that are even or not 3 … 41.
    """
    spacing, k = 1500.0, _window(window)
    i, j = (axis.ravel() for axis in np.meshgrid(k, k))
    east, north = (i + j / 2) * spacing, j * np.sqrt(0.75) * spacing
    cell = spacing * np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)]])
    return _grid("auger", east, north, WATER, (window, window), cell, 1.2 * spacing)


def table(
    positions: ArrayLike, detector: Detector = SCINTILLATOR, height: float = 1400.0,
    reach: float | None = None, name: str = "table",
) -> Layout:  # fmt: skip
    """Any stations: positions (S, 2) or (S, 3) in m.

    Axes fall on the rectangle around them, wider by `reach`; stations nearer than that are
    neighbours (at most the eight nearest). By default 1.5 times the mean distance to the nearest
    other station. Raises ValueError as `Layout`.
    """
    found = np.asarray(positions, dtype=float)
    if found.ndim != 2 or found.shape[1] not in (2, 3):
        raise ValueError(
            f"positions must be (stations, 2) or (stations, 3) in m; they have shape {found.shape}."
            " Give east, north and, if known, up."
        )
    found = np.column_stack([found, np.zeros((len(found), 3 - found.shape[1]))])
    _check_positions(found)
    reach = 1.5 * float(np.mean(_nearest(found))) if reach is None else reach
    low, high = found[:, :2].min(axis=0) - reach, found[:, :2].max(axis=0) + reach
    return Layout(name, found, detector, height, _adjacent(found, reach), low, np.diag(high - low))


def _window(window: int) -> Array:
    if not 3 <= window <= _WIDEST or window % 2 == 0:
        raise ValueError(
            f"a window must be odd and 3 to {_WIDEST} stations wide; it is {window}. Take 9."
        )
    return np.arange(window) - window // 2


def _grid(
    name: str, east: Array, north: Array, detector: Detector, shape: tuple[int, int],
    cell: Array, reach: float,
) -> Layout:  # fmt: skip
    position = np.column_stack([east, north, np.zeros(len(east))])
    height = SITES[name].height
    return Layout(
        name, position, detector, height, _adjacent(position, reach), -cell.sum(axis=0) / 2, cell,
        shape,
    )  # fmt: skip


def _check_positions(position: Array) -> None:
    if len(position) < 3:
        raise ValueError(
            f"an array needs at least three stations to tell a direction; it has {len(position)}."
            " Add stations."
        )
    if not np.isfinite(position).all():
        worst = int(np.argmin(np.isfinite(position).all(axis=1)))
        raise ValueError(f"positions must be finite; station {worst} is not. Leave it out.")
    _, first, count = np.unique(position, axis=0, return_index=True, return_counts=True)
    if count.max() > 1:
        twice = position[first[count.argmax()]]
        where = np.flatnonzero((position == twice).all(axis=1))
        raise ValueError(
            f"each station needs a place of its own; {where[0]} and {where[1]} both stand at"
            f" {twice.tolist()} m. Leave one out."
        )
    if (nearest := _nearest(position)).min() < _NEAREST:
        raise ValueError(
            f"stations must stand at least {_NEAREST:g} m apart; two are {nearest.min():.3g} m from"
            " each other. Give positions in m, not in km."
        )


def _nearest(position: Array) -> Array:
    from scipy.spatial import KDTree

    return np.asarray(KDTree(position).query(position, k=2)[0][:, 1])


def _adjacent(position: Array, reach: float) -> Array:
    """The eight nearest others within reach of each station."""
    from scipy.spatial import KDTree

    count = min(_NEIGHBOURS + 1, len(position))
    distance, index = KDTree(position).query(position, k=count)
    found = np.full((len(position), _NEIGHBOURS), -1, dtype=np.int32)
    found[:, : count - 1] = np.where(distance[:, 1:] <= reach, index[:, 1:], -1)
    return found
