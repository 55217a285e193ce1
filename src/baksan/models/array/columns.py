"""Which features belong to the stations of an array, and which tell the axis of the shower."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = ["AXIS", "Columns"]

AXIS = ("zenith", "azimuth", "core_x", "core_y", "start")
"""Features of the standard axis: degrees, m, ns; `start` is when the front passes the core."""
_SIGNALS = (("signal_upper", "signal_lower"), ("signal",))
_TIME, _STATUS = "time", "status"
_PLACES = ("station_x", "station_y")


@dataclass(frozen=True, repr=False)
class Columns:
    """Numbers of features, by what they are.

    Parameters
    ----------
    signals : (C, S)
        Of C layers (or bins of a trace), each of S stations.
    time, status : (S,) or ()
        When a station was hit, in ns; 1 hit, 3 saturated, 4 dead, 0 silent. Without `status` a
        station was hit if it has a signal.
    places : (2, S) or ()
        Where the stations of each event stand, in m, for lists of hits: entries that are not hit
        are none. Without it stations stand where the model says.
    axis : (5,) or ()
        `AXIS`, the standard reconstruction that is corrected; without it the middle of the signals
        and the vertical take its place.
    beside : (E,)
        What is known of the event as a whole.
    """

    signals: tuple[tuple[int, ...], ...]
    time: tuple[int, ...] = ()
    status: tuple[int, ...] = ()
    places: tuple[tuple[int, ...], ...] = ()
    axis: tuple[int, ...] = ()
    beside: tuple[int, ...] = ()

    def __repr__(self) -> str:
        told = [
            f"{len(self.signals)} × {self.stations} stations",
            *(name for name in ("time", "status", "places", "axis") if getattr(self, name)),
            *([f"{len(self.beside)} beside"] if self.beside else []),
        ]
        return f"Columns({', '.join(told)})"

    def __post_init__(self) -> None:
        S = self.stations
        for name in ("signals", "places"):
            if any(len(row) != S for row in getattr(self, name)):
                raise ValueError(f"{name} must be features of {S} stations in each row.")
        for name, count in (("time", S), ("status", S), ("axis", len(AXIS))):
            if len(getattr(self, name)) not in (0, count):
                raise ValueError(
                    f"{name} must be {count} features, or none;"
                    f" there are {len(getattr(self, name))}."
                )
        if len(self.places) not in (0, 2):
            raise ValueError(f"places are x and y of stations; there are {len(self.places)} rows.")

    @property
    def stations(self) -> int:
        """S. Raises ValueError where there are no signals."""
        if not self.signals or not self.signals[0]:
            raise ValueError("an array network needs features that are signals of stations.")
        return len(self.signals[0])

    @property
    def order(self) -> Array:
        """All of them one after another, (d,): signals, time, status, places, axis, beside."""
        rows = (*self.signals, self.time, self.status, *self.places, self.axis, self.beside)
        return np.array([j for row in rows for j in row], dtype=np.int64)

    @property
    def lists(self) -> dict[str, Any]:
        """As JSON holds them."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def of_lists(cls, held: Mapping[str, Any]) -> Self:
        """From what JSON held. Raises ValueError as the constructor, TypeError for other things."""
        lists: dict[str, Any] = {
            name: tuple(tuple(map(int, row)) for row in rows)
            if name in ("signals", "places")
            else tuple(map(int, rows))
            for name, rows in held.items()
        }
        return cls(**lists)

    @classmethod
    def named(cls, names: Sequence[str]) -> Self:
        """By the names that `baksan simulate array --stations` gives: vectors signal_upper[0] …

        signal_upper and signal_lower (or signal), time, status, perhaps station_x and station_y;
        the axis where all of `AXIS` are there; every feature that is none of a vector, but for the
        last four of the axis, stands beside.

        Raises ValueError where there are no signals.
        """
        vectors, single = _sorted(names)
        signals = next((s for s in _SIGNALS if all(name in vectors for name in s)), None)
        if signals is None:
            told = ", ".join(dict.fromkeys([*vectors, *single]))[:200]
            raise ValueError(
                "an array network needs signals of stations: vectors signal_upper and signal_lower,"
                f" or signal, with time and status; the features are {told}. Simulate with"
                " --stations, or name such columns with --features."
            )
        axis = all(name in single for name in AXIS)
        hidden = AXIS[1:] if axis else ()
        return cls(
            signals=tuple(vectors[name] for name in signals),
            time=vectors.get(_TIME, ()),
            status=vectors.get(_STATUS, ()),
            places=tuple(vectors[name] for name in _PLACES if name in vectors),
            axis=tuple(single[name] for name in AXIS) if axis else (),
            beside=tuple(j for name, j in single.items() if name not in hidden),
        )


def _sorted(names: Sequence[str]) -> tuple[dict[str, tuple[int, ...]], dict[str, int]]:
    """The vectors, each with the numbers of its elements in their order; and all other features."""
    vectors: dict[str, dict[int, int]] = {}
    single = {}
    for j, name in enumerate(names):
        if found := re.fullmatch(r"(\w+)\[(\d+)\]", name):
            vectors.setdefault(found[1], {})[int(found[2])] = j
        else:
            single[name] = j
    held = {name: tuple(of[i] for i in sorted(of)) for name, of in vectors.items()}
    return held, single
