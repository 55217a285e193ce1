"""Weights to a target spectrum, and how many events they leave to stand on, in bins of energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.metrics.checks import numbers
from baksan.metrics.regression import bin_numbers
from baksan.physics.spectrum import to_spectrum

Array = NDArray[Any]

__all__ = ["Weighted", "effective_number", "weigh"]


@dataclass(frozen=True, eq=False)
class Weighted:
    """Weights (n,), and by bin (b,) the rows and the effective number of events; notes to read."""

    weight: Array
    low_edge: Array
    high_edge: Array
    count: Array
    effective: Array
    effective_of_all: float
    notes: tuple[str, ...]


def effective_number(weight: ArrayLike) -> float:
    """n_eff = (Σw)²/Σw²: equal weights with the same relative error of their sum; 0 without events.

    L. Kish, Survey Sampling (Wiley, 1965).

    Examples
    --------
    >>> effective_number([1, 1, 1, 1]), effective_number([1, 0, 0, 0])
    (4.0, 1.0)
    """
    w = np.asarray(weight, dtype=float)
    squares = float(w @ w)
    return float(w.sum()) ** 2 / squares if squares else 0.0


def weigh(
    energy: ArrayLike,
    flux: ArrayLike,
    thrown: ArrayLike,
    edges: ArrayLike,
    *,
    share: float = 0.1,
) -> Weighted:
    """Weights from the spectrum that was thrown to another, and what they cost in each bin.

        w_i ∝ J(E_i)/J_thrown(E_i) with mean 1 (`physics.spectrum.to_spectrum`)

    A figure over all energies has the error of n_eff events, not of n. Where n_eff falls below
    `share` of the rows, a note says so in a sentence: there few events carry everything.

    Parameters
    ----------
    energy : (n,)
        True energies, in the unit of the edges.
    flux, thrown : (n,)
        Both spectra at these energies, each up to its norm.
    edges : (b + 1,)
        Rising.
    share : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        Lengths that differ, edges that do not rise, and as `to_spectrum`.

    Examples
    --------
    >>> E = np.logspace(18, 20, 1000)  # thrown flat in lg E, that is as E⁻¹
    >>> found = weigh(E, E**-3.0, E**-1.0, [1e18, 1e19, 1e20])
    >>> round(found.effective_of_all), len(found.notes)
    (217, 0)
    """
    E, w = numbers(energy, "the energies"), to_spectrum(flux, thrown)
    if E.shape != w.shape:
        raise ValueError(
            f"each event needs an energy and a flux; the shapes are {E.shape} and {w.shape}. Give"
            " the spectra at the energies of the events."
        )
    edge = np.asarray(edges, dtype=float)
    which = bin_numbers(E, edge)
    of_bins = [w[which == b] for b in range(len(edge) - 1)]
    count = np.array([len(one) for one in of_bins])
    effective = np.array([effective_number(one) for one in of_bins])
    low = np.flatnonzero(effective < share * count)
    places = [(f"from {edge[b]:g} to {edge[b + 1]:g}", count[b], effective[b]) for b in low]
    if (of_all := effective_number(w)) < share * len(w):
        places.append(("at all energies", len(w), of_all))
    notes = tuple(
        f"{place} {n} events stand for {m:.1f}: less than {share:.0%}. Simulate more where the"
        " weights are large, or quote figures in narrower bins."
        for place, n, m in places
    )
    return Weighted(w, edge[:-1], edge[1:], count, effective, of_all, notes)
