"""Image parameters of one imaging Cherenkov telescope: gamma showers and hadron showers.

A toy [D], tuned to a published table: it repeats how the ten image parameters of the UCI set 'MAGIC
Gamma Telescope' (CORSIKA simulation; Bock et al., NIM A 516 (2004) 511) are distributed and how
they hang together. No shower is followed, no pixel is drawn, nothing may be measured with it. Names
and units are those of that set, so that a model trained on one can be applied to the other.

How an event is made
--------------------
1. Twelve normal numbers z with the correlations of the class (a Gaussian copula) [C].
2. fSize, fDist, fAlpha: z → quantile, by a monotone curve through a table of quantiles.
3. fLength, fWidth, fConc: regressions on x = fSize − 2.8 and d = (fDist − 190 mm)/100 mm,
   ln f = a + b x + c x² + e d + σ z.
4. fConc1 = fConc × ratio, the ratio by its quantiles.
5. fAsym, fM3Long, fM3Trans: one z gives the sign, another one the size within the sign.

[C]: counted or fitted on the published file. The 5, 25, 50, 75 and 95 % quantiles and the
regressions are those of this project's physics sheet, section H7; the 1 and 99 % quantiles, the
ends, the signs and the correlations were counted in the same way for this file.

How near it comes: a forest separates simulated events with AUC 0.945, boosted trees 0.955, logistic
regression 0.85 (published file: 0.937, 0.935, 0.839); a forest trained here and applied to the
published file has 0.91. The toy is a little too easy, being smoother than the real thing.

There is no energy column: the table says nothing of energies, and an energy worked backwards from
fSize would be a formula that any regression finds again, not a physical answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtr, ndtri

from baksan.physics.image import PARAMETERS
from baksan.simulate.counter import check_count, uniforms
from baksan.table import Column, Table

Array = NDArray[Any]

__all__ = ["FEATURES", "blocks", "events"]

FEATURES = PARAMETERS
"""Unit and meaning of the ten image parameters, in the order of the published file."""

CLASSES = ("hadron", "gamma")
NOTE = "Simulated image parameters: a toy tuned to the published MAGIC table, not a shower."

_Z = ("size", "dist", "alpha", "length", "width", "conc", "ratio",
      "|asym|", "|m3long|", "|m3trans|", "sign asym", "sign m3long")  # fmt: skip
_DRAWS = 16  # uniform numbers kept for one event
_PROBABILITIES = (0.01, 0.05, 0.25, 0.50, 0.75, 0.95, 0.99)
_ENDS = 4.0  # the smallest and largest value of a table stand at 4 standard deviations
_LONGEST = 350.0  # mm: the camera ends; 334 mm is the longest image of the published file
_LARGEST_CONC = 0.90  # some light always falls elsewhere; 0.893 is the largest of that file


@dataclass(frozen=True, eq=False)
class _Kind:
    """What distinguishes the two classes.

    quantiles : name → values at 0, 1, 5, 25, 50, 75, 95, 99 and 100 %
    extra : name → {value: probability below it}, more points of the same curve
    regression : name → (a, b, c, e, σ)
    positive : name → P(value > 0)
    correlations : the lower triangle of the correlations of z, in the order of `_Z`
    """

    quantiles: Mapping[str, tuple[float, ...]]
    extra: Mapping[str, Mapping[float, float]]
    regression: Mapping[str, tuple[float, float, float, float, float]]
    positive: Mapping[str, float]
    correlations: tuple[tuple[float, ...], ...]


_GAMMA = _Kind(
    quantiles={
        "fSize": (2.00, 2.07, 2.17, 2.43, 2.71, 3.06, 3.67, 4.12, 5.01),
        "fDist": (5.8, 42, 74, 143, 188, 235, 312, 363, 450),
        "fAlpha": (0.0, 0.10, 0.63, 3.6, 9.7, 25.8, 69.2, 85.6, 90.0),
        "fAsym": (-350, -124, -72, -14, 6.6, 25, 60, 93, 220),
        "fM3Long": (-199, -60, -29, -8.9, 16.9, 37.7, 77.6, 98, 216),
        "fM3Trans": (-91, -28, -19, -10.5, 1.3, 10.6, 19.8, 30, 101),
        "ratio": (0.500, 0.501, 0.504, 0.519, 0.543, 0.581, 0.647, 0.698, 0.804),
    },
    extra={"fAlpha": {5.0: 0.325, 20.0: 0.690}},
    regression={
        "fLength": (3.698, 0.943, -0.326, 0.221, 0.26),
        "fWidth": (2.882, 0.892, -0.188, -0.005, 0.20),
        "fConc": (-1.121, -1.076, 0.135, 0.033, 0.185),
    },
    positive={"fAsym": 0.594, "fM3Long": 0.69, "fM3Trans": 0.503},
    correlations=(
        (0.43,),
        (-0.51, -0.47),
        (0, 0, -0.14),
        (0, 0, 0.17, -0.04),
        (0, 0, 0, -0.42, -0.36),
        (-0.13, 0, 0.07, -0.07, -0.06, 0.30),
        (0.41, 0.35, -0.34, 0.40, 0.05, -0.21, -0.13),
        (0.67, 0.43, -0.44, 0.46, 0.03, -0.16, -0.08, 0.53),
        (0.58, 0.31, -0.23, 0.04, 0.41, -0.09, -0.07, 0.30, 0.43),
        (0.07, -0.16, 0, -0.07, -0.05, 0, -0.06, 0, 0, 0),
        (0.37, 0.16, -0.21, 0.07, -0.07, 0, -0.06, 0.26, 0, 0.20, 0.35),
    ),
)

_HADRON = _Kind(
    quantiles={
        "fSize": (1.94, 2.12, 2.28, 2.56, 2.80, 3.18, 3.83, 4.37, 5.32),
        "fDist": (1.3, 36, 68, 142, 200, 251, 346, 395, 496),
        "fAlpha": (0.0, 1.1, 4.4, 21.2, 43.4, 66.6, 85.7, 89.3, 90.0),
        "fAsym": (-458, -277, -182, -44, -1.5, 22, 80, 178, 575),
        "fM3Long": (-332, -217, -144, -27, 11.1, 32.1, 103, 153, 238),
        "fM3Trans": (-206, -89, -48, -11.8, 0.4, 12.0, 49, 93, 180),
        "ratio": (0.300, 0.384, 0.471, 0.518, 0.553, 0.603, 0.698, 0.782, 0.985),
    },
    extra={"fAlpha": {10.0: 0.114}},
    regression={
        "fLength": (3.905, 1.679, -0.563, 0.046, 0.43),
        "fWidth": (2.924, 1.422, -0.193, 0.080, 0.42),
        "fConc": (-1.033, -1.263, 0.008, 0.104, 0.25),
    },
    positive={"fAsym": 0.480, "fM3Long": 0.581, "fM3Trans": 0.502},
    correlations=(
        (0.37,),
        (0, -0.09),
        (0, 0, 0),
        (0, 0, 0, 0.36),
        (0, 0, -0.08, -0.31, -0.35),
        (-0.14, 0, 0, -0.04, -0.04, 0.09),
        (0.50, 0.20, -0.05, 0.45, 0.22, -0.15, -0.11),
        (0.69, 0.30, -0.06, 0.44, 0.23, -0.12, -0.10, 0.62),
        (0.67, 0.34, 0, 0.20, 0.47, -0.13, -0.09, 0.45, 0.57),
        (-0.25, -0.21, 0, -0.18, -0.15, 0, 0, 0, -0.15, -0.29),
        (-0.17, -0.09, -0.07, -0.16, -0.22, 0, 0.04, -0.04, 0, -0.27, 0.57),
    ),
)

_KINDS = {"hadron": _HADRON, "gamma": _GAMMA}


def events(n: int, seed: int = 0, *, gamma_fraction: float = 0.65, start: int = 0) -> Table:
    """Image parameters of the events start … start + n − 1 of the seed.

    Event i is a function of (seed, i): the uniform numbers 16 i … 16 i + 15 of a Philox generator.
    `gamma_fraction` decides only where its class changes: two fractions share most of their events.

    Parameters
    ----------
    n : int
        How many events, ≥ 0.
    seed : int
        ≥ 0.
    gamma_fraction : float
        P(gamma); 0.65 as in the published file.
    start : int
        Number of the first event, ≥ 0.

    Returns
    -------
    Table
        The ten image parameters (`FEATURES`), 'class' ('gamma' or 'hadron') and 'event', the number
        i, which is an id and not a feature.

    Raises
    ------
    ValueError
        A count that is negative or not whole, or a fraction outside 0 … 1.

    Examples
    --------
    >>> table = events(1000, seed=1)
    >>> X = table.samples(answer="class", signal="gamma", id="event")
    >>> X.x.shape, X.class_names, X.names[0]
    ((1000, 10), ('hadron', 'gamma'), 'fLength')
    """
    check_count(n, "n, the number of events,", 0)
    check_count(seed, "seed", 0)
    check_count(start, "start, the number of the first event,", 0)
    if not 0.0 <= gamma_fraction <= 1.0:
        raise ValueError(
            f"gamma_fraction must lie between 0 and 1; {gamma_fraction} does not."
            " Give the share of gamma showers, for example 0.65."
        )
    u = uniforms(n, _DRAWS, seed, start)
    gamma = u[:, 0] < gamma_fraction
    columns = {name: np.empty(n) for name in FEATURES}
    for name, chosen in (("hadron", ~gamma), ("gamma", gamma)):
        for feature, values in _image(u[chosen], _KINDS[name]).items():
            columns[feature][chosen] = values
    held = {name: Column(columns[name], *FEATURES[name]) for name in FEATURES}
    held["class"] = Column(np.array(CLASSES)[gamma.astype(int)], "", "what made the shower")
    number = np.arange(start, start + n)
    held["event"] = Column(number, "", "number of the event in the simulation")
    return Table(held, f"simulate.telescope, seed {seed}", [NOTE], number)


def blocks(
    n: int, seed: int = 0, rows: int = 65_536, *, gamma_fraction: float = 0.65
) -> Iterator[Table]:
    """The events 0 … n − 1 in tables of at most `rows`: the same bits as `events(n, seed)`.

    Raises
    ------
    ValueError
        As `events`; rows < 1.
    """
    check_count(n, "n, the number of events,", 0)
    check_count(rows, "rows, the size of a block,", 1)
    for first in range(0, n, rows):
        count = min(rows, n - first)
        yield events(count, seed, gamma_fraction=gamma_fraction, start=first)


def _image(u: Array, kind: _Kind) -> dict[str, Array]:
    """The ten image parameters of (n, 16) uniform numbers."""
    z = _correlated(u[:, 2 : 2 + len(_Z)], kind)
    size, dist = (_quantile(kind, f, z[k]) for f, k in (("fSize", "size"), ("fDist", "dist")))
    one_axis = _bounded(_regression(kind, "fLength", size, dist, z["length"]), _LONGEST)
    other_axis = _bounded(_regression(kind, "fWidth", size, dist, z["width"]), _LONGEST)
    conc = _bounded(_regression(kind, "fConc", size, dist, z["conc"]), _LARGEST_CONC)
    ratio = _quantile(kind, "ratio", z["ratio"])
    sign_trans = ndtri(u[:, 1])
    return {
        "fLength": np.maximum(one_axis, other_axis),
        "fWidth": np.minimum(one_axis, other_axis),
        "fSize": size,
        "fConc": conc,
        "fConc1": conc * ratio,
        "fAsym": _signed(kind, "fAsym", z["sign asym"], z["|asym|"]),
        "fM3Long": _signed(kind, "fM3Long", z["sign m3long"], z["|m3long|"]),
        "fM3Trans": _signed(kind, "fM3Trans", sign_trans, z["|m3trans|"]),
        "fAlpha": _quantile(kind, "fAlpha", z["alpha"]),
        "fDist": dist,
    }


def _correlated(u: Array, kind: _Kind) -> dict[str, Array]:
    """Normal numbers by name, each (n,), with the correlations of the class."""
    k = len(_Z)
    matrix = np.eye(k)
    for row, values in enumerate(kind.correlations, start=1):
        matrix[row, :row] = matrix[:row, row] = values
    factor = np.linalg.cholesky(matrix)
    free = [ndtri(np.ascontiguousarray(u[:, j])) for j in range(k)]
    # Summed column by column: a matrix product may round differently in blocks of another size.
    return {
        name: sum((factor[i, j] * free[j] for j in range(i + 1)), start=np.zeros(len(u)))
        for i, name in enumerate(_Z)
    }


def _regression(kind: _Kind, name: str, size: Array, dist: Array, z: Array) -> Array:
    """exp(a + b x + c x² + e d + σ z) with x = fSize − 2.8, d = (fDist − 190 mm)/100 mm."""
    a, b, c, e, sigma = kind.regression[name]
    x, d = size - 2.8, (dist - 190.0) / 100.0
    return np.asarray(np.exp(a + x * (b + c * x) + e * d + sigma * z))


def _bounded(values: Array, limit: float) -> Array:
    """v / (1 + (v/limit)⁸)^(1/8): v well below the limit, and never above the limit."""
    return np.asarray(values / (1.0 + (values / limit) ** 8) ** 0.125)


def _signed(kind: _Kind, name: str, sign: Array, size: Array) -> Array:
    """The quantile whose sign one normal number chooses and whose size within it another one.

    With p = P(value > 0), v = Φ(size): the value above 0 at the level (1 − p) + p v, or the value
    below 0 at (1 − p)(1 − v). Both together have the quantiles of the table.
    """
    p, v = kind.positive[name], ndtr(size)
    level = np.where(sign > ndtri(1 - p), (1 - p) + p * v, (1 - p) * (1 - v))
    return _quantile(kind, name, ndtri(np.clip(level, 1e-6, 1 - 1e-6)))


def _quantile(kind: _Kind, name: str, z: Array) -> Array:
    low, *_, high = kind.quantiles[name]
    values = _curve(kind, name)(np.clip(z, -_ENDS, _ENDS))
    return np.asarray(np.clip(values, low, high))


@cache
def _curve(kind: _Kind, name: str) -> PchipInterpolator:
    """The monotone cubic from z to value (Fritsch & Butland, SIAM J. Sci. Comput. 5 (1984) 300).

    Its knots are the table of quantiles, the further points, and 0 where the sign changes.
    """
    levels = [-_ENDS, *ndtri(_PROBABILITIES).tolist(), _ENDS]
    knots = dict(zip(kind.quantiles[name], levels, strict=True))
    knots |= {value: float(ndtri(p)) for value, p in kind.extra.get(name, {}).items()}
    if name in kind.positive:
        knots[0.0] = float(ndtri(1.0 - kind.positive[name]))
    values = sorted(knots)
    return PchipInterpolator([knots[v] for v in values], values)
