"""What an array network sees of an event: stations in the frame of the shower, numbers of size 1.

    d = position − core,   n the axis,   v̂ = (−sin φ, cos φ, 0),   û = v̂ × n
    u = d·û,  v = d·v̂,  r = √(u² + v²),   τ = t − t₀ + d·n/c

So turning the array together with the shower changes nothing, and neither does the order of the
stations. Reflecting both in the plane of axis and vertical turns v into −v, and nothing else.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = ["CHANNELS", "Frame", "Measures", "Seen", "Sight", "V", "look"]

_LIGHT = 0.299792458  # m/ns
_NEAR = 0.05  # of the unit of length: nearer to the axis all distances are one
_FAR = 30.0  # of the unit of time: later hits are background
HIT, SATURATED, DEAD = 1, 2, 4
CHANNELS = ("u", "v", "ln r", "along the axis", "τ", "hit", "saturated")
"""Of each station, before its signals ln(1 + S)."""
V = 1  # the channel that a reflection turns


class Measures(NamedTuple):
    """Units of length (m) and time (ns), and how many stations live and are hit on average."""

    length: float = 1000.0
    time: float = 200.0
    living: float = 20.0
    hits: float = 5.0


class Sight(NamedTuple):
    """Where the features of an event stand in z: rows of signals, then what there is of the rest.

    `places` are x, y, z of the S stations in m, () where each event brings its own.
    """

    layers: int
    stations: int
    time: bool
    status: bool
    axis: bool
    beside: int
    places: tuple[tuple[float, ...], ...]
    measures: Measures = Measures()

    @property
    def channels(self) -> int:
        return len(CHANNELS) + self.layers


class Frame(NamedTuple):
    """core (n, 2) in m; the axis n and the unit vectors û and v̂ beside it, each (n, 3)."""

    core: Any
    axis: Any
    u: Any
    v: Any


class Seen(NamedTuple):
    """f (n, S, F) of stations, e (n, E) of events, which stations are hit and living (n, S, 1)."""

    f: Any
    e: Any
    hit: Any
    living: Any
    frame: Frame


def look(z: Any, sight: Sight) -> Seen:
    """What is seen of events z (n, d) whose features are in the order of `Columns.order`."""
    S, parts, at = sight.stations, [], 0
    own = 0 if sight.places else 2
    for width in [S] * (sight.layers + sight.time + sight.status + own):
        parts.append(z[:, at : at + width])
        at += width
    signals, rest = np.stack(parts[: sight.layers], axis=2), parts[sight.layers :]
    time = rest[0] if sight.time else 0 * signals[:, :, 0]
    hit, full, living = _status(signals, rest[sight.time] if sight.status else None, own > 0)
    where = _positions(z, rest[-2:] if own else None, sight)
    frame, start = _frame(z[:, at:], signals, time, hit, where, sight)
    e = z[:, z.shape[1] - sight.beside :]
    d = where - np.concatenate([frame.core, 0 * frame.core[:, :1]], axis=1)[:, None]
    u, v, w = ((d * one[:, None]).sum(axis=2) for one in (frame.u, frame.v, frame.axis))
    L, T = sight.measures.length, sight.measures.time
    tau = np.clip((time - start[:, None] + w / _LIGHT) / T, -_FAR, _FAR) * hit
    r = np.sqrt(u * u + v * v)
    channels = (u / L, v / L, np.log(r / L + _NEAR), w / L, np.arcsinh(tau), hit, full)
    f = np.concatenate([np.stack(channels, axis=2), np.log1p(np.maximum(signals, 0))], axis=2)
    return Seen(f, e, hit[:, :, None], living[:, :, None], frame)


def _status(signals: Any, status: Any, listed: bool) -> tuple[Any, Any, Any]:
    """Whether each station is hit, saturated, and living, (n, S)."""
    if status is None:
        hit = (signals.max(axis=2) > 0).astype(signals.dtype)
        return hit, 0 * hit, hit if listed else 0 * hit + 1
    bits = status.astype(np.int32)
    hit, full, dead = (((bits & bit) > 0).astype(signals.dtype) for bit in (HIT, SATURATED, DEAD))
    return hit, full, hit if listed else 1 - dead


def _positions(z: Any, own: Any, sight: Sight) -> Any:
    """(n or 1, S, 3) in m."""
    if own is None:
        return np.asarray(sight.places, dtype=z.dtype)[None]
    return np.stack([own[0], own[1], 0 * own[0]], axis=2)


def _frame(
    z: Any, signals: Any, time: Any, hit: Any, where: Any, sight: Sight
) -> tuple[Frame, Any]:
    """The frame of each shower, and when its front passes the core."""
    if not sight.axis:
        weight = np.sqrt(np.maximum(signals.mean(axis=2), 0)) * hit
        total = weight.sum(axis=1, keepdims=True) + 1e-6
        core = (where[:, :, :2] * (weight / total)[:, :, None]).sum(axis=1)
        zero, one = 0 * core[:, 0], 0 * core[:, 0] + 1
        up, east, north = (
            np.stack(parts, axis=1)
            for parts in ((zero, zero, one), (one, zero, zero), (zero, one, zero))
        )
        return Frame(core, up, east, north), (time * weight / total).sum(axis=1)
    theta, phi = np.deg2rad(z[:, 0]), np.deg2rad(z[:, 1])
    sin, cos, x, y = np.sin(theta), np.cos(theta), np.cos(phi), np.sin(phi)
    axis = np.stack([sin * x, sin * y, cos], axis=1)
    u, v = np.stack([cos * x, cos * y, -sin], axis=1), np.stack([-y, x, 0 * x], axis=1)
    return Frame(z[:, 2:4], axis, u, v), z[:, 4]
