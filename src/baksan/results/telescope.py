"""What a telescope or an array is worth by energy: areas, resolutions, migration, efficiencies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.metrics.bins import clopper_pearson, half_width, in_bins, median, psi68
from baksan.metrics.checks import numbers
from baksan.metrics.regression import bin_numbers, relative_errors
from baksan.metrics.table import LEAST_LEFT
from baksan.physics.counts import effective_area

Array = NDArray[Any]
Bins = dict[str, Array]

__all__ = [
    "angular_resolution", "area_in_bins", "efficiencies", "energy_resolution", "migration",
]  # fmt: skip


def area_in_bins(passed: ArrayLike, thrown: ArrayLike, edges: ArrayLike, area: float) -> Bins:
    """A_eff = A_thrown n_passed/n_thrown in bins of true energy, errors of Clopper and Pearson.

    The definition of pyirf [V]; the errors are ours, exact also for 0 and all events.

    Parameters
    ----------
    passed, thrown : (n,), (m,)
        True energies of the events that trigger or pass the cuts, and of all that were thrown.
    edges : (b + 1,)
        In the same unit.
    area : float
        Over which cores were thrown.

    Returns
    -------
    dict of (b,) arrays
        low_edge, high_edge, count (thrown), passed; value, low, high in the unit of the area, the
        central 68.27 %. NaN where nothing was thrown.

    Raises
    ------
    ValueError
        More events that pass than were thrown in a bin, edges that do not rise.

    Examples
    --------
    >>> found = area_in_bins([1.5], [1.2, 1.5, 1.7, 3.0], [1, 2, 4], 900.0)
    >>> found["value"].tolist(), found["high"].round().tolist()
    ([300.0, 0.0], [673.0, 757.0])
    """
    edge = np.asarray(edges, dtype=float)
    k, n = (_counts(one, edge) for one in (passed, thrown))
    value, _ = effective_area(k, n, area)
    low, high = clopper_pearson(k, n)
    return {
        "low_edge": edge[:-1], "high_edge": edge[1:], "count": n, "passed": k, "value": value,
        "low": area * low, "high": area * high,
    }  # fmt: skip


def energy_resolution(
    found: ArrayLike, true: ArrayLike, edges: ArrayLike, *, by: str = "true", seed: int = 0
) -> dict[str, Bins]:
    """Bias and resolution of x = E_rec/E_true − 1 in bins of energy: 'bias' and 'resolution'.

        bias = median x,    resolution = ½ (q(84.13 %) − q(15.87 %))

    The convention of pyirf [V]; low and high are the central 68 % of a bootstrap.

    Parameters
    ----------
    found, true : (n,)
        Energies in the unit of the edges.
    edges : (b + 1,)
    by : 'true' or 'found'
        Whose energy the bins are of.

    Raises
    ------
    ValueError
        True energies not above 0, lengths that differ, another word for `by`.
    """
    reconstructed, real = numbers(found, "the energies"), numbers(true, "the true energies")
    if by not in ("true", "found") or reconstructed.shape != real.shape:
        raise ValueError(
            "resolutions need two energies for each event, in bins by 'true' or 'found'; the shapes"
            f" are {reconstructed.shape} and {real.shape}, by is {by!r}. Give the same events."
        )
    x, at = relative_errors(reconstructed, real), real if by == "true" else reconstructed
    return {
        name: in_bins(x, at, edges, figure, seed=seed)
        for name, figure in (("bias", median), ("resolution", half_width))
    }


def angular_resolution(
    angle: ArrayLike, energy: ArrayLike, edges: ArrayLike, *, seed: int = 0
) -> Bins:
    """The angle to the true direction within which 68.27 % of the events lie, in bins of energy.

    pyirf's quantile [V], not divided by √2; older papers quote others, so say which. Angles (n,) in
    any unit from `physics.directions`; returns as `metrics.bins.in_bins`. Raises ValueError for
    negative angles.
    """
    psi = numbers(angle, "the angles")
    if psi.size and psi.min() < 0:
        raise ValueError(
            f"an angle between two directions is 0 or more; {psi.min():g} came. Take the space"
            " angle, not a difference of zenith angles."
        )
    return in_bins(psi, energy, edges, psi68, seed=seed)


def migration(found: ArrayLike, true: ArrayLike, edges: ArrayLike) -> Array:
    """P(E_rec in bin i | E_true in bin j), (b + 2, b): columns sum to 1.

    The first and last row are those below and above all bins, so that nothing is dropped without a
    word; pyirf normalises without them: divide by `M[1:-1].sum(axis=0)`. Columns of bins without
    events are 0. Raises ValueError for lengths that differ and edges that do not rise.

    Examples
    --------
    >>> migration([1.1, 2.5, 9.0, 3.0], [1.2, 1.3, 3.1, 3.2], [1, 2, 4]).tolist()
    [[0.0, 0.0], [0.5, 0.0], [0.5, 0.5], [0.0, 0.5]]
    """
    E, T = numbers(found, "the energies"), numbers(true, "the true energies")
    if E.shape != T.shape:
        raise ValueError(
            f"migration needs two energies for each event; the shapes are {E.shape} and {T.shape}."
            " Give both of the same events."
        )
    edge = np.asarray(edges, dtype=float)
    of_true = bin_numbers(T, edge)
    to = np.where(edge[0] > E, 0, np.where(edge[-1] < E, len(edge), bin_numbers(E, edge) + 1))
    table, seen = np.zeros((len(edge) + 1, len(edge) - 1)), of_true >= 0
    np.add.at(table, (to[seen], of_true[seen]), 1.0)
    return np.asarray(table / np.maximum(table.sum(axis=0), 1.0))


def efficiencies(
    signal: ArrayLike, background: ArrayLike, cuts: ArrayLike, *, least: int = LEAST_LEFT
) -> dict[str, Array]:
    """Efficiencies of both classes and Q = ε_s/√ε_b against the cut, with errors and counts left.

        δQ/Q = √((δε_s/ε_s)² + (δε_b/2ε_b)²)

    Events with score ≥ cut pass. Q is NaN where fewer than `least` background events are left: it
    grows without bound as they run out. Call it for the events of one bin of energy at a time;
    the best of many cuts on the same events is optimistic.

    Parameters
    ----------
    signal, background : (n,), (m,)
        Scores of each class.
    cuts : (c,)

    Returns
    -------
    dict of (c,) arrays
        cut; signal, signal_low, signal_high; background, background_low, background_high (central
        68.27 % of Clopper and Pearson); signal_left, background_left; q, q_error.

    Raises
    ------
    ValueError
        No events of one of the classes.

    Examples
    --------
    >>> found = efficiencies(np.linspace(0, 2, 201), np.linspace(0, 1, 1001), [0.9])
    >>> found["background_left"].tolist(), found["q"].round(2).tolist()
    ([101.0], [1.74])
    """
    cut, told = numbers(cuts, "the cuts"), {}
    left = {}
    for name, scores in (("signal", signal), ("background", background)):
        s = np.sort(numbers(scores, f"the {name} scores").ravel())
        if not len(s):
            raise ValueError(f"efficiencies need {name} events; there are none. Widen the bin.")
        left[name] = (len(s) - np.searchsorted(s, cut)).astype(float)
        told[name] = left[name] / len(s)
        told[f"{name}_low"], told[f"{name}_high"] = clopper_pearson(left[name], len(s))
    s, b = (np.where(left[name] > 0, told[name], np.nan) for name in ("signal", "background"))
    q = np.where(left["background"] >= least, told["signal"] / np.sqrt(b), np.nan)
    some = {name: np.maximum(count, 1.0) for name, count in left.items()}
    relative = np.sqrt((1 - s) / some["signal"] + (1 - b) / some["background"] / 4)
    return {
        "cut": cut, **told, "signal_left": left["signal"], "background_left": left["background"],
        "q": q, "q_error": q * relative,
    }  # fmt: skip


def _counts(energies: ArrayLike, edge: Array) -> Array:
    which = bin_numbers(energies, edge)
    return np.bincount(which[which >= 0], minlength=len(edge) - 1).astype(float)
