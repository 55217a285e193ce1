"""Each input by itself: how far apart its distributions in simulation and data are."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baksan.metrics import kolmogorov_smirnov, quantiles
from baksan.metrics.bins import CENTRAL_SHARE
from baksan.samples import Samples

Array = NDArray[Any]

__all__ = ["Input", "inputs"]

_LEVELS = (0.5 - CENTRAL_SHARE / 2, 0.5, 0.5 + CENTRAL_SHARE / 2)


class Input(NamedTuple):
    """One input: Kolmogorov–Smirnov distance and its p; the shift of the median of the data in
    units of the simulation's spread; the ratio of the widths of the central 68.27 %, data over
    simulation (NaN where one of them has none).
    """

    name: str
    unit: str
    distance: float
    p: float
    shift: float
    width: float


def inputs(simulation: Samples, data: Samples) -> tuple[Input, ...]:
    """A row for each feature, those that differ most first.

    p is that of `metrics.overtraining`: with many events a difference that harms nobody makes it
    small, and of twenty inputs that agree one has p < 0.05. The shift tells how large it is.
    """
    found = [
        _one(feature.name, feature.unit, simulation, data, j)
        for j, feature in enumerate(simulation.features)
    ]
    return tuple(sorted(found, key=lambda row: -row.distance))


def _one(name: str, unit: str, simulation: Samples, data: Samples, j: int) -> Input:
    a, b, v, w = simulation.x[:, j], data.x[:, j], simulation.w, data.w
    distance, p = kolmogorov_smirnov(a, b, v, w)
    low, middle, high = quantiles(a, _LEVELS, v)
    low_data, middle_data, high_data = quantiles(b, _LEVELS, w)
    spread, spread_data = 0.5 * (high - low), 0.5 * (high_data - low_data)
    known = spread > 0
    return Input(
        name, unit, distance, p,
        float((middle_data - middle) / spread) if known else np.nan,
        float(spread_data / spread) if known else np.nan,
    )  # fmt: skip
