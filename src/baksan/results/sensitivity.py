"""The smallest flux that a telescope sees in bins of energy, and the cuts that make it smallest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.metrics.checks import numbers
from baksan.metrics.regression import bin_numbers, quantiles
from baksan.metrics.table import LEAST_LEFT
from baksan.physics.counts import smallest_signal

Array = NDArray[Any]

__all__ = ["Cuts", "Events", "Sensitivity", "best_cuts", "crab", "sensitivity", "smallest_flux"]


class Events(NamedTuple):
    """Reconstructed energy, score, angle to the source in rad, and weight of each event, (n,).

    Weights are events expected in the time of observation from the reference flux (background:
    from nature's), `physics.spectrum.to_spectrum` up to the norm. Of background events the angle is
    that to the centre of the field.
    """

    energy: Array
    score: Array
    angle: Array
    weight: Array


@dataclass(frozen=True, eq=False)
class Cuts:
    """In each bin of energy (b,): events with score ≥ `score` and angle ≤ `angle` (rad) pass."""

    edges: Array
    score: Array
    angle: Array

    def passing(self, events: Events, *, angle: bool = True) -> tuple[Array, Array]:
        """Who passes, (n,) bool, and the bin of each, (n,) int, −1 outside."""
        which = bin_numbers(events.energy, self.edges)
        passed = (which >= 0) & (numbers(events.score, "the scores") >= self.score[which])
        return passed & ((events.angle <= self.angle[which]) | (not angle)), which


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Bins (b,): events expected with the cuts, rows left, and the smallest visible flux.

    `relative` is in units of the reference flux, `flux` that times the reference at the middle (in
    lg E) of the bin; infinite where no signal event passes.
    """

    edges: Array
    signal: Array
    background: Array
    signal_left: Array
    background_left: Array
    relative: Array
    flux: Array


def crab(energy: ArrayLike) -> Array:
    """2.83·10⁻¹¹ (E/TeV)^−2.62, the Crab nebula, in 1/(TeV cm² s); energies in TeV.

    F. Aharonian et al. (HEGRA), Astrophys. J. 614 (2004) 897 [V: pyirf's CRAB_HEGRA]. Raises
    ValueError for energies not above 0.

    Examples
    --------
    >>> crab([1.0, 10.0])
    array([2.83e-11, 6.79e-14])
    """
    E = numbers(np.atleast_1d(energy), "energies in TeV")
    if E.size and E.min() <= 0:
        raise ValueError(f"energies must lie above 0 TeV; {E.min():g} came. Give E, not lg E.")
    return np.asarray(2.83e-11 * E**-2.62)


def smallest_flux(
    signal: ArrayLike, background: ArrayLike, alpha: float = 0.2, *, sigma: float = 5.0,
    least: float = 10.0, share: float = 0.05,
) -> Array:  # fmt: skip
    """The smallest flux that is a detection, in units of the one that gives `signal` events.

        s_min(b)/s,    s_min by Li–Ma ≥ σ, s ≥ 10 and s ≥ 0.05 b (`physics.counts.smallest_signal`)

    pyirf's conventions [V], where n_off = b/α. Infinite without signal.

    Parameters
    ----------
    signal, background : (b,)
        Mean events in the on-region, in the time of observation.
    alpha : float
        Exposure on the source over that beside it.

    Raises
    ------
    ValueError
        Different lengths, negative numbers.

    Examples
    --------
    >>> smallest_flux([100.0, 1000.0], [20.0, 0.0]).round(4).tolist()
    [0.3023, 0.01]
    """
    s, b = numbers(signal, "the signal").astype(float), numbers(background, "the background")
    if s.shape != b.shape or np.any(s < 0):
        raise ValueError(
            f"each bin needs a signal of 0 or more and a background; {s.tolist()} and {b.tolist()}"
            " came. Give the events that are expected in the same bins."
        )
    needed = [smallest_signal(float(x), alpha, sigma=sigma, least=least, share=share) for x in b]
    return np.where(s > 0, np.array(needed, dtype=float) / np.where(s > 0, s, 1.0), np.inf)


def sensitivity(
    signal: Events, background: Events, cuts: Cuts, field: float, *, alpha: float = 0.2,
    reference: ArrayLike | None = None,
) -> Sensitivity:  # fmt: skip
    """Differential sensitivity with given cuts; on events by which they were not chosen.

        b = Σ w [score ≥ cut] (1 − cos θ_cut)/(1 − cos θ_field)

    Background is isotropic in a field so small, so that the events of the whole field count, scaled
    to the on-region: few would pass the cut on the angle (pyirf does so too [V]).

    Parameters
    ----------
    signal, background : Events
    cuts : Cuts
    field : float
        Radius in which background was thrown or counted, in rad.
    alpha : float
    reference : (b,), optional
        The reference flux at the middle of the bins; `crab` of energies in TeV by default.

    Raises
    ------
    ValueError
        A field not above 0, or smaller than a cut on the angle.
    """
    widest = float(np.max(cuts.angle))
    if not 0 < widest <= field <= np.pi:
        raise ValueError(
            f"the field must hold the cuts on the angle; its radius is {field:g}, the widest cut"
            f" {widest:g}. Give both in rad."
        )
    bins, scale = len(cuts.score), (1 - np.cos(cuts.angle)) / (1 - np.cos(field))
    (s, s_left), (b, b_left) = (
        _expected(events, *cuts.passing(events, angle=near), bins)
        for events, near in ((signal, True), (background, False))
    )
    middle = np.sqrt(cuts.edges[:-1] * cuts.edges[1:])
    unit = crab(middle) if reference is None else numbers(reference, "the reference flux", bins)
    relative = smallest_flux(s, b * scale, alpha)
    return Sensitivity(cuts.edges, s, b * scale, s_left, b_left, relative, relative * unit)


def best_cuts(
    signal: Events,
    background: Events,
    edges: ArrayLike,
    field: float,
    *,
    background_efficiencies: Sequence[float] = (1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002),
    containments: Sequence[float] = (0.5, 0.6, 0.68, 0.8, 0.9),
    alpha: float = 0.2,
    least: int = LEAST_LEFT,
) -> Cuts:
    """In each bin of reconstructed energy the cuts of the smallest visible flux, of a grid.

    The cut on the score lets a share of the weighted background pass, the cut on the angle contains
    a share of the weighted signal that passes the first. Cuts that leave fewer than `least` rows of
    background are not looked at: their background is not known. In a bin where none is left, the
    loosest score and 68 %. Judge the result by `sensitivity` on other events.

    Parameters
    ----------
    signal, background : Events
    edges : (b + 1,)
        Of reconstructed energy.
    field : float
        As in `sensitivity`, in rad.

    Raises
    ------
    ValueError
        No signal or background event in a bin, shares outside 0 … 1.
    """
    shares = np.array([*background_efficiencies, *containments], dtype=float)
    if shares.min() <= 0 or shares.max() > 1:
        raise ValueError(
            f"efficiencies and containments lie above 0 and at most at 1; they run from"
            f" {shares.min():g} to {shares.max():g}. Give shares, not per cent."
        )
    edge = np.asarray(edges, dtype=float)
    of_signal, of_background = (bin_numbers(e.energy, edge) for e in (signal, background))
    chosen = []
    for i in range(len(edge) - 1):
        s, b = _taken(signal, of_signal == i), _taken(background, of_background == i)
        if not len(s.score) or not len(b.score):
            raise ValueError(
                f"cuts need events of both classes in each bin; from {edge[i]:g} to {edge[i + 1]:g}"
                f" there are {len(s.score)} and {len(b.score)}. Merge bins."
            )
        chosen.append(_best(s, b, field, background_efficiencies, containments, alpha, least))
    score, angle = np.array(chosen).T
    return Cuts(edge, score, angle)


def _best(
    s: Events, b: Events, field: float, efficiencies: Sequence[float],
    containments: Sequence[float], alpha: float, least: int,
) -> tuple[float, float]:  # fmt: skip
    loosest = float(min(s.score.min(), b.score.min()))
    best = (np.inf, loosest, _quantile(s.angle, 0.68, s.weight))
    for share in efficiencies:
        cut = loosest if share >= 1 else _quantile(b.score, 1 - share, b.weight)
        left, kept = b.score >= cut, s.score >= cut
        if left.sum() < least or not kept.any():
            continue
        for inside in containments:
            angle = _quantile(s.angle[kept], inside, s.weight[kept])
            n = s.weight[kept & (s.angle <= angle)].sum()
            m = b.weight[left].sum() * (1 - np.cos(angle)) / (1 - np.cos(field))
            best = min(best, (float(smallest_flux([n], [m], alpha)[0]), cut, angle))
    return best[1:]


def _quantile(values: Array, level: float, weight: Array) -> float:
    return float(values.max() if level >= 1 else quantiles(values, [level], weight)[0])


def _expected(events: Events, passed: Array, which: Array, bins: int) -> tuple[Array, Array]:
    """Weights and rows that pass, by bin."""
    at = which[passed]
    left = np.bincount(at, minlength=bins)
    return np.bincount(at, np.asarray(events.weight, dtype=float)[passed], minlength=bins), left


def _taken(events: Events, mask: Array) -> Events:
    return Events(*(np.asarray(one, dtype=float)[mask] for one in events))
