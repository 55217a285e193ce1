"""Exercises of lesson 16, simulation against data: a distance, a ratio, weights, told apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise

Array = NDArray[Any]

__all__ = ["EXERCISES"]


# 16.1 ---------------------------------------------------------------------------------------------


def _four_values(f: Asked) -> None:
    found = f.number(np.array([1.0, 2.0, 3.0, 4.0]), np.ones(4), np.array([2.5, 4.5]), np.ones(2))
    need(
        close(found, 0.5),
        f"1, 2, 3, 4 against 2.5, 4.5 gave {found:.5g}; between 2 and 2.5 half of the first lie"
        " below and none of the second, and nowhere is the difference larger than this 0.5.",
    )


def _weight_two_is_twice(f: Asked) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=40), rng.normal(0.3, 1, 50)
    v, w = rng.integers(1, 4, 40), rng.integers(1, 4, 50)
    found = f.number(x, v.astype(float), y, 5.0 * w)
    copies = f.number(np.repeat(x, v), np.ones(v.sum()), np.repeat(y, w), np.ones(w.sum()))
    need(
        close(found, copies),
        f"weights 1, 2 and 3 gave {found:.5g}, each event once, twice or three times {copies:.5g};"
        " a weight of 2 is the event twice, and a factor on all weights of a side changes nothing.",
    )


def _ties(f: Asked) -> None:
    x = np.array([3.0, 1.0, 3.0, 2.0, 1.0, 3.0])
    found = f.number(x, np.ones(6), x[::-1].copy(), np.ones(6))
    need(
        close(found, 0.0),
        f"whole numbers, several of them alike, against the same in another order gave {found:.5g};"
        " there is no difference. Compare the shares below a value once all events of that value"
        " are counted, on both sides.",
    )


# 16.2 ---------------------------------------------------------------------------------------------

_COUNTS = np.array([40.0, 100.0, 60.0])
_SUMS, _SQUARES = np.array([10.0, 20.0, 20.0]), np.array([4.0, 5.0, 10.0])


def _ratio(f: Asked, n: Array, s: Array, q: Array) -> list[Array]:
    return f.arrays(n, s, q, shapes=(n.shape, n.shape), what="the ratio and its error")


def _scaled_to_the_data(f: Asked) -> None:
    ratio, _ = _ratio(f, _COUNTS, _SUMS, _SQUARES)
    need(
        close(ratio, [1.0, 1.25, 0.75]),
        f"counts 40, 100, 60 over sums 10, 20, 20 gave {shown(ratio)}; the simulation, scaled to"
        " the 200 of the data, has 40, 80, 80.",
    )


def _both_errors(f: Asked) -> None:
    _, error = _ratio(f, _COUNTS, _SUMS, _SQUARES)
    wanted = np.array([1.0, 1.25, 0.75]) * np.sqrt(1 / _COUNTS + _SQUARES / _SUMS**2)
    need(
        close(error, wanted),
        f"the errors came out as {shown(error)}; data have the relative error 1/√n, the simulation"
        f" √(Σw²)/Σw, and both count: {shown(wanted)}.",
    )


def _scale_of_weights(f: Asked) -> None:
    before = _ratio(f, _COUNTS, _SUMS, _SQUARES)
    after = _ratio(f, _COUNTS, 7 * _SUMS, 49 * _SQUARES)
    need(
        close(before, after),
        "with all weights of the simulation seven times as large the ratio and its error became"
        f" {shown(after[0])} and {shown(after[1])}; how weights are normed is nobody's matter.",
    )


# 16.3 ---------------------------------------------------------------------------------------------


def _odds(f: Asked, p: Array, largest: float) -> Array:
    return f.array(p, largest, shape=p.shape)


def _ratio_of_densities(f: Asked) -> None:
    # Densities 1 and 2x on 0 … 1: p = 2x/(1 + 2x).
    x = (np.arange(1000) + 0.5) / 1000
    w = _odds(f, 2 * x / (1 + 2 * x), 1e6)
    need((w > 0).all(), f"chances above 0 gave a weight of {shown(w.min())}; each is above 0.")
    found = np.average(x, weights=w)
    need(
        close(found, 2 / 3, 1e-3),
        "simulated evenly between 0 and 1, measured with the density 2x: the weighted mean of x is"
        f" {found:.4f}; that of the data is 2/3.",
    )


def _mean_is_one(f: Asked) -> None:
    w = _odds(f, np.array([0.2, 0.5, 0.6, 0.9]), 50.0)
    need(
        close(w.mean(), 1.0),
        f"the weights {shown(w)} have the mean {w.mean():.5g}; with the mean 1 a sum of weights is"
        " a number of events.",
    )


def _no_weight_is_endless(f: Asked) -> None:
    w = _odds(f, np.array([0.5, 0.5, 0.99, 1.0]), 4.0)
    wanted = np.array([1.0, 1.0, 4.0, 4.0]) / 2.5
    need(
        np.isfinite(w).all() and close(w, wanted),
        f"chances 0.5, 0.5, 0.99 and 1, cut at 4, gave {shown(w)}; the ratios 1, 1, 99 and ∞ are"
        f" cut first, and then divided by their mean: {shown(wanted)}.",
    )


# 16.4 ---------------------------------------------------------------------------------------------


def _told(f: Asked, simulated: Array, measured: Array) -> Array:
    found = f.arrays(simulated, measured, shapes=((), ()), what="the AUC and its errors from 0.5")
    return np.array(found, dtype=float)


def _all_in_order(f: Asked) -> None:
    found = _told(f, np.arange(10.0), 20 + np.arange(15.0))
    wanted = [1.0, 0.5 / np.sqrt(26 / 1800)]
    need(
        close(found, wanted),
        f"all 15 measured events above all 10 simulated ones: {shown(found)}; the AUC is 1, which"
        f" is 0.5/√(26/(12 · 150)) = {wanted[1]:.4f} errors above 0.5.",
    )


def _the_other_way_round(f: Asked) -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=30), rng.normal(0.4, 1.0, 50)
    here, there = _told(f, a, b), _told(f, b, a)
    need(
        close(here + there, [1.0, 0.0]) and here[0] > 0.5,
        f"30 scores, and 50 that are larger on the whole, gave {shown(here)}; with both exchanged"
        f" {shown(there)}. The AUCs sum to 1, the errors to 0, and where data score higher the AUC"
        " is above 0.5.",
    )


def _halves_for_ties(f: Asked) -> None:
    found = _told(f, np.array([1.0, 1.0, 2.0, 2.0]), np.array([1.0, 2.0]))
    need(
        close(found, [0.5, 0.0]),
        f"two scores alone, as often on both sides, gave {shown(found)}; pairs of equal scores"
        " count one half, and the AUC is 0.5.",
    )


EXERCISES = (
    Exercise(
        "16.1",
        "How far apart",
        "distance(x, v, y, w)",
        """
        Simulated values `x` (n,) have the weights `v` (n,), measured ones `y` (m,) the weights `w`
        (m,), all above 0. Return the Kolmogorov–Smirnov distance: the largest absolute difference
        between the weighted shares of both that lie at or below a value.
        """,
        (
            ("a difference of shares", _four_values),
            ("weight 2 is the event twice", _weight_two_is_twice),
            ("equal values are counted together", _ties),
        ),
    ),
    Exercise(
        "16.2",
        "Data over simulation",
        "data_over_simulation(counts, sums, squares)",
        """
        In b bins there are `counts` (b,) measured events, and simulated ones with the sums `sums`
        (b,) of their weights and `squares` (b,) of their squared weights; none is 0. Scale the
        simulation to as many events as were measured in all. Return the ratio data/simulation and
        its error, (b,) each; take the scale as known.
        """,
        (
            ("the simulation is scaled to the data", _scaled_to_the_data),
            ("the errors of both count", _both_errors),
            ("the norm of the weights does not matter", _scale_of_weights),
        ),
    ),
    Exercise(
        "16.3",
        "Weights of a classifier",
        "weights_of(p, largest)",
        """
        A classifier that was trained on as many measured as simulated events gives each simulated
        event the chance `p` (n,), up to 1, to be measured. Return weights (n,) that bring the
        simulation to the data: ratios of densities, cut at `largest`, and then of mean 1.
        """,
        (
            ("the ratio of two densities", _ratio_of_densities),
            ("their mean is 1", _mean_is_one),
            ("no weight is endless", _no_weight_is_endless),
        ),
    ),
    Exercise(
        "16.4",
        "Told apart, or not",
        "told_apart_by(simulated, measured)",
        """
        A classifier gave `simulated` (n,) and `measured` (m,) events these scores. Return the AUC,
        the share of the n·m pairs in which the measured event has the larger score (a tie is one
        half), and by how many of its errors √((n + m + 1)/(12 n m)) it lies above 0.5.
        """,
        (
            ("all pairs in order", _all_in_order),
            ("the other way round", _the_other_way_round),
            ("ties are halves", _halves_for_ties),
        ),
    ),
)
