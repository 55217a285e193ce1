"""What the stations of an array write down: signals in bins of 20 ns, of both layers.

The particles are those that were counted for the signals of `simulate.array`; when each comes
follows a toy of public code for water-Cherenkov detectors [V as code], its pulse a difference of
exponentials [D]. Digitisers, trigger and clocks are ideal.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from baksan.compiled import compiled
from baksan.physics import OutsideRange, atmosphere
from baksan.physics.checks import inside
from baksan.simulate import kernels_random
from baksan.simulate.array import ArrayEvents, expectations, stations_of
from baksan.simulate.counter import check_count
from baksan.simulate.kernels_waveforms import BEFORE, BINS, WIDTH, Pulses, record

Array = NDArray[Any]
Way = Literal["compiled", "python"]

__all__ = ["BEFORE", "BINS", "WIDTH", "Waveforms", "waveforms"]

_AIR = atmosphere.US_STANDARD
_SHAPES = {"scintillator": (10.0, 35.0), "water": (10.0, 60.0)}
"""Rise and decay of one particle's pulse in ns [D; decay in water M]."""


@dataclass(frozen=True, eq=False)
class Waveforms:
    """Records of the hit stations of triggered events, one after the other.

    Parameters
    ----------
    event, station : (hits,) int
        Which row of the events, which station.
    trace : (hits, 2, 128) float32
        Signal in each bin of 20 ns in VEM, of the upper and the lower layer, pedestal subtracted;
        in tanks of water both are the one record.
    start : (hits,)
        When the first bin begins, in ns on the clock of the stations' times.
    missing : (hits, 2) float32
        Truth: VEM that came after the last bin. Σ trace + missing is the signal, but for noise.
    muons : (hits,) int
        Truth: how many muons crossed the station.
    """

    event: Array
    station: Array
    trace: Array
    start: Array
    missing: Array
    muons: Array

    def __len__(self) -> int:
        return len(self.event)


def waveforms(
    found: ArrayEvents,
    seed: int,
    *,
    model: str = "qgsjetii-04",
    pedestal: float = 0.03,
    way: Way = "compiled",
) -> Waveforms:
    """What the hit stations of the triggered events write down.

        U(t) = Σ q_i h(t − t_i),  h of `response.pulse`

    Muons cross both layers, other hits both or one. The first particle comes at the station's time;
    how far the others lie behind it follows from the medians of `front.medians` and σ(ln t) = 0.7.
    Of more than 500 particles so many are followed, of larger signals.

    Parameters
    ----------
    found : ArrayEvents
    seed : int
        With which the events were made: their particles are counted again.
    model : str
        Of the `Primaries` of the events.
    pedestal : float
        σ of the noise of a bin, in VEM [D].
    way : str
        'compiled', or 'python' for a debugger.

    Raises
    ------
    ValueError
        Events that were not made with this seed and model, or changed since.

    Examples
    --------
    >>> from baksan.simulate.array import Primaries, events, telescope_array
    >>> showers = Primaries({"p": 1}, log_energy=(19, 19))
    >>> found = events(10, telescope_array(), showers, seed=1)
    >>> made = waveforms(found, seed=1)
    >>> made.trace.shape == (int(found.hit[found.triggered].sum()), 2, 128)
    True
    """
    check_count(seed, "seed", 0)
    pedestal = float(inside(pedestal, 0.0, 10.0, "the noise of a bin", "VEM"))
    event, station = map(np.copy, np.nonzero(found.hit & found.triggered[:, None]))
    signal = np.stack([found.upper[event, station], found.lower[event, station]], axis=1)
    trace = np.zeros((len(event), 2, BINS), dtype=np.float32)
    start, muons = np.zeros(len(event)), np.zeros(len(event), dtype=np.int64)
    missing, again = np.zeros((len(event), 2), dtype=np.float32), np.zeros((len(event), 2))
    run = compiled(record, fast=False) if way == "compiled" else record
    with np.errstate(over="ignore"), warnings.catch_warnings():  # Philox' words wrap around
        warnings.simplefilter("ignore", OutsideRange)  # it was said when the events were made
        run(
            expectations(found.showers, found.core, found.layout, model), stations_of(found.layout),
            _pulses(found, pedestal), event, station, found.noise[event, station],
            signal.astype(float), kernels_random.stream(seed), trace, start, missing, again, muons,
        )  # fmt: skip
    _check_same(found, again, signal, event, station)
    start += found.time[event, station]
    return Waveforms(event, station, trace, start, missing, muons)


def _pulses(found: ArrayEvents, pedestal: float) -> Pulses:
    ground = _AIR.slant_depth(found.layout.height, found.showers.zenith)
    rise, decay = _SHAPES[found.layout.detector.kind]
    return Pulses(ground - found.showers.x_max, rise, decay, pedestal)


def _check_same(
    found: ArrayEvents, again: Array, signal: Array, event: Array, station: Array
) -> None:
    """Raises ValueError where the particles do not add up to the recorded signals."""
    made = np.minimum(again, found.layout.detector.full)
    wrong = ~np.isclose(made, signal, rtol=1e-4, atol=1e-5).all(axis=1)
    if wrong.any():
        h = int(wrong.argmax())
        raise ValueError(
            f"the events must have been made with this seed and model; event"
            f" {found.showers.event[event[h]]}, station {station[h]} would have"
            f" {made[h].mean():.4g} VEM instead of {signal[h].mean():.4g}. Give those with which"
            " they were made."
        )
