"""What the records of stations tell of a shower: rise, area over peak, peaks, layers.

The observables of the composition studies of Telescope Array (arXiv:1808.03680), by the formulas
of public code [V] where it has them. Records are (hits, 2, bins) in VEM, upper and lower layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.physics.checks import inside
from baksan.table import Column, Table

Array = NDArray[Any]

__all__ = ["EventPulses", "StationPulses", "by_event", "by_station"]

PEAK = 0.2
"""VEM in a bin above which there may be a peak [V]."""
_AROUND = 3  # bins on each side that a peak is higher than [V]
_BOTH = 0.28  # VEM in both layers, from which bins say how different they are [V]
_CLEAR = 0.15  # VEM in a bin of a layer or of the mean: five times the usual noise [D]
_BEFORE, _AFTER = 1, 6  # bins around clear ones that belong to the pulse [D]
_UNIT = 1200.0  # m: r₀ of the line through AoP [V]
_NEAR, _QUIET = 600.0, 0.3  # m, VEM: what is nearer or smaller is not in the line [V, 0.1 VEM/m²]
_FEWEST = 3


@dataclass(frozen=True, eq=False)
class StationPulses:
    """Of each record: (hits, 2) for both layers, (hits,) for their mean or sum.

    Parameters
    ----------
    integral : (hits, 2)
        In VEM, over the bins of the pulse: from the first clear bin to the last one, and around.
    start : (hits,)
        When the mean of both layers first is above 0.15 VEM, in ns after the record begins; NaN
        where it never is.
    risetime : (hits,)
        t₅₀ − t₁₀, between a tenth and half of the signal of both layers, in ns.
    peak : (hits,)
        Of the mean of both layers, in VEM per bin.
    area_over_peak : (hits,)
        Σ signal · width of a bin / peak, of the mean of both layers, in ns.
    peaks : (hits, 2) int
        Bins above 0.2 VEM that are higher than the three on each side.
    alone : (hits, 2) int
        Those in which the other layer has less than half as much: U − L > (U + L)/3.
    apart, together : (hits,)
        Σ|U − L| and Σ(U + L) over bins with U + L > 0.28 VEM.
    """

    integral: Array
    start: Array
    risetime: Array
    peak: Array
    area_over_peak: Array
    peaks: Array
    alone: Array
    apart: Array
    together: Array

    def __len__(self) -> int:
        return len(self.start)

    @property
    def asymmetry(self) -> Array:
        """Σ|U − L|/Σ(U + L) (hits,); NaN without bins that count."""
        return self.apart / np.where(self.together > 0, self.together, np.nan)


@dataclass(frozen=True, eq=False)
class EventPulses:
    """Of each event (n,); NaN where too few records tell.

    Parameters
    ----------
    aop_1200, aop_slope : (n,)
        c₀ + c₁ and c₁ of the line AoP = c₀ + c₁ r/1.2 km through the stations, in ns.
    asymmetry : (n,)
        Σ|U − L|/Σ(U + L) over all bins with U + L > 0.28 VEM.
    peaks, peaks_largest : (n,)
        Of both layers, in all stations, and in that of the largest signal.
    peaks_upper, peaks_lower : (n,)
        In the upper layer alone, and in the lower one.
    """

    aop_1200: Array
    aop_slope: Array
    asymmetry: Array
    peaks: Array
    peaks_largest: Array
    peaks_upper: Array
    peaks_lower: Array

    def __len__(self) -> int:
        return len(self.peaks)

    def table(self) -> Table:
        """The observables as columns."""
        columns = {
            "aop_1200": (self.aop_1200, "ns", "area over peak at 1.2 km"),
            "aop_slope": (self.aop_slope, "ns", "its change over 1.2 km"),
            "layers": (self.asymmetry, "", "Σ|upper − lower|/Σ(upper + lower), bin by bin"),
            "peaks": (self.peaks, "", "peaks of both layers in all stations"),
            "peaks_largest": (self.peaks_largest, "", "those of the station of largest signal"),
            "peaks_upper": (self.peaks_upper, "", "peaks in the upper layer alone"),
            "peaks_lower": (self.peaks_lower, "", "peaks in the lower layer alone"),
        }
        return Table({k: Column(*v) for k, v in columns.items()}, "reconstruct.waveforms")


def by_station(trace: ArrayLike, width: float = 20.0) -> StationPulses:
    """Observables of records.

    Parameters
    ----------
    trace : (hits, 2, bins)
        In VEM per bin, upper and lower layer, pedestal subtracted.
    width : float
        Of a bin, in ns.

    Raises
    ------
    ValueError
        Records of another shape, fewer than 7 bins, numbers that are not finite.

    Examples
    --------
    >>> trace = np.zeros((1, 2, 128))
    >>> trace[0, :, 10:14] = [1.0, 2.0, 1.0, 0.5]
    >>> found = by_station(trace)
    >>> found.area_over_peak.tolist(), found.peaks.tolist(), found.start.tolist()
    ([45.0], [[1, 1]], [200.0])
    """
    trace = _checked(trace)
    width = float(inside(width, 1e-3, 1e6, "the width of a bin", "ns"))
    upper, lower = trace[:, 0], trace[:, 1]
    both = upper + lower
    clear = both > 2 * _CLEAR
    pulse = _pulse((trace > _CLEAR).any(axis=1) | clear)
    mean = np.where(pulse, both / 2, 0.0)
    peak = both.max(axis=1) / 2
    area = mean.sum(axis=1) * width
    count = both > _BOTH
    top = _peaks(trace)
    more = np.stack([upper - lower, lower - upper], axis=1) > both[:, None] / 3
    return StationPulses(
        np.where(pulse[:, None], trace, 0.0).sum(axis=2, dtype=float),
        np.where(clear.any(axis=1), clear.argmax(axis=1) * width, np.nan),
        (_passes(mean, 0.5) - _passes(mean, 0.1)) * width,
        peak,
        np.where(pulse.any(axis=1) & (peak > 0), area / np.where(peak > 0, peak, 1.0), np.nan),
        top.sum(axis=2),
        (top & more).sum(axis=2),
        (np.abs(upper - lower) * count).sum(axis=1, dtype=float),
        (both * count).sum(axis=1, dtype=float),
    )


def by_event(
    found: StationPulses, event: ArrayLike, distance: ArrayLike, good: ArrayLike, n: int
) -> EventPulses:
    """Observables of events, of those of their stations.

    Parameters
    ----------
    found : StationPulses
    event : (hits,) int
        To which of the n events each record belongs.
    distance : (hits,)
        From the axis, in m.
    good : (hits,) bool
        Stations that are the shower's and not saturated: the line through AoP is theirs, where
        r > 600 m and the signal is above 0.3 VEM. Peaks and asymmetry are of all stations.
    n : int

    Raises
    ------
    ValueError
        Numbers of records that differ, events outside 0 … n − 1, distances that are not finite
        where the station is good.
    """
    which, r, use = _aligned(found, event, distance, good, n)
    signal = found.integral.mean(axis=1)
    use = use & (r > _NEAR) & (signal > _QUIET) & np.isfinite(found.area_over_peak)
    level, slope = _lines(which[use], r[use] / _UNIT, found.area_over_peak[use], n)
    there = np.bincount(which, minlength=n) > 0

    def total(values: Array) -> Array:
        return np.where(there, np.bincount(which, values, minlength=n), np.nan)

    both = total(found.together)
    peaks = found.peaks.sum(axis=1)
    largest = np.full(n, np.nan)
    rising = np.argsort(signal, kind="stable")
    largest[which[rising]] = peaks[rising]  # what is written last stays
    return EventPulses(
        level + slope, slope, total(found.apart) / np.where(both > 0, both, np.nan), total(peaks),
        largest, total(found.alone[:, 0]), total(found.alone[:, 1]),
    )  # fmt: skip


def _checked(trace: ArrayLike) -> Array:
    found = np.asarray(trace)
    if found.ndim != 3 or found.shape[1] != 2 or found.shape[2] <= 2 * _AROUND:
        raise ValueError(
            f"records must be (hits, 2, bins), of at least {2 * _AROUND + 1} bins; they have shape"
            f" {found.shape}. Give both layers of each hit."
        )
    if not np.isfinite(found).all():
        hit, layer, place = np.argwhere(~np.isfinite(found))[0]
        raise ValueError(
            f"records must be finite; hit {hit}, layer {layer}, bin {place} is not. Leave such"
            " records out first."
        )
    return found


def _pulse(clear: Array) -> Array:
    """The bins from the first clear one to the last, and some around."""
    bins = np.arange(clear.shape[1])
    first = clear.argmax(axis=1)[:, None]
    last = clear.shape[1] - 1 - clear[:, ::-1].argmax(axis=1)[:, None]
    within = (bins >= first - _BEFORE) & (bins <= last + _AFTER)
    return np.asarray(within & clear.any(axis=1, keepdims=True))


def _passes(mean: Array, share: float) -> Array:
    """Where the sum reaches this share of its end, in bins, linear within a bin; NaN of nothing."""
    below = np.cumsum(mean, axis=1, dtype=float)
    level = share * below[:, -1:]
    at = (below >= level).argmax(axis=1)[:, None]
    here = np.take_along_axis(mean, at, axis=1)
    before = np.take_along_axis(below, at, axis=1) - here
    inner = (level - before) / np.where(here > 0, here, np.nan)
    return np.asarray(np.where(below[:, -1] > 0, (at + inner)[:, 0], np.nan))


def _peaks(trace: Array) -> Array:
    """Bins above 0.2 VEM that are higher than the three on each side (hits, 2, bins)."""
    bins = trace.shape[2]
    padded = np.pad(trace, ((0, 0), (0, 0), (_AROUND, _AROUND)), constant_values=-np.inf)
    found = trace > PEAK
    for shift in range(2 * _AROUND + 1):
        if shift != _AROUND:
            found &= trace > padded[:, :, shift : shift + bins]
    return found


def _aligned(
    found: StationPulses, event: ArrayLike, distance: ArrayLike, good: ArrayLike, n: int
) -> tuple[Array, Array, Array]:
    which, r, use = np.asarray(event), np.asarray(distance, dtype=float), np.asarray(good)
    for name, values in (("event", which), ("distance", r), ("good", use)):
        if values.shape != (len(found),):
            raise ValueError(
                f"{name} must hold one value for each of the {len(found)} records; it has shape"
                f" {values.shape}. Give those of the same hits."
            )
    outside = np.asarray((which < 0) | (which >= n) | (which != np.floor(which)))
    if outside.any():
        raise ValueError(
            f"event must hold whole numbers between 0 and {n - 1}; record {int(outside.argmax())}"
            f" has {which[outside.argmax()]}. Count the events from 0."
        )
    use = use.astype(bool)
    if not np.isfinite(r[use]).all():
        raise ValueError(
            f"distance must be finite for good stations; record"
            f" {int(np.flatnonzero(use & ~np.isfinite(r))[0])} has none. Call it not good."
        )
    return which.astype(np.int64), r, use


def _lines(which: Array, x: Array, y: Array, n: int) -> tuple[Array, Array]:
    """Level and slope of the straight line through the points of each event; NaN of fewer than
    three, or of points at one distance.
    """
    count = np.bincount(which, minlength=n)
    some = np.maximum(count, 1)
    mean_x, mean_y = (np.bincount(which, values, minlength=n) / some for values in (x, y))
    dx, dy = x - mean_x[which], y - mean_y[which]
    xx, xy = (np.bincount(which, dx * other, minlength=n) for other in (dx, dy))
    slope = np.where((count >= _FEWEST) & (xx > 1e-9), xy / np.maximum(xx, 1e-9), np.nan)
    return mean_y - slope * mean_x, slope
