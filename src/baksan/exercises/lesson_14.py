"""Exercises of lesson 14, mass composition: a response, fractions, ⟨ln A⟩, what was selected."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise

Array = NDArray[Any]

__all__ = ["EXERCISES"]


# 14.1 ---------------------------------------------------------------------------------------------


def _matrix(f: Asked, truth: Array, called: Array, classes: int) -> Array:
    return f.array(truth, called, classes, shape=(classes, classes))


def _known_response(f: Asked) -> None:
    truth = np.array([0, 0, 0, 0, 1, 1, 2])
    called = np.array([0, 0, 0, 1, 1, 2, 2])
    found = _matrix(f, truth, called, 3)
    wanted = [[0.75, 0, 0], [0.25, 0.5, 0], [0, 0.5, 1]]
    need(
        close(found, wanted),
        f"seven showers: of four of kind 0 one is called 1, and the first column came out as"
        f" {shown(found[:, 0])}; it is 0.75, 0.25, 0. Rows are what is called, columns what is"
        " true.",
    )


def _columns_sum_to_one(f: Asked) -> None:
    rng = np.random.default_rng(1)
    truth = rng.choice(4, 400, p=[0.5, 0.3, 0.15, 0.05])
    found = _matrix(f, truth, (truth + rng.integers(0, 2, 400)) % 4, 4)
    need(
        close(found.sum(axis=0), 1.0) and found.min() >= 0,
        f"the columns of a response of 400 showers sum to {shown(found.sum(axis=0))}; each kind is"
        " called something, so that each column sums to 1.",
    )


def _mixture_does_not_matter(f: Asked) -> None:
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 3, 60)
    called = np.where(rng.random(60) < 0.7, truth, rng.integers(0, 3, 60))
    more = np.concatenate([np.arange(60), np.repeat(np.flatnonzero(truth == 2), 9)])
    before, after = _matrix(f, truth, called, 3), _matrix(f, truth[more], called[more], 3)
    need(
        close(before, after),
        "with each shower of kind 2 ten times in the simulation the response changed by"
        f" {np.abs(after - before).max():.3g}; what happens to one kind does not depend on how many"
        " there are of it.",
    )


# 14.2 ---------------------------------------------------------------------------------------------

_RESPONSE = np.array([[0.6, 0.3, 0.1], [0.3, 0.4, 0.3], [0.1, 0.3, 0.6]])


def _fractions(f: Asked, counts: Array) -> Array:
    return f.array(counts, _RESPONSE, shape=(3,))


def _log_likelihood(fractions: Array, counts: Array) -> float:
    mean = _RESPONSE @ fractions
    if mean.min() <= 0:
        return -np.inf
    return float(counts @ np.log(mean))


def _exact_counts(f: Asked) -> None:
    wanted = np.array([0.5, 0.3, 0.2])
    found = _fractions(f, 1000 * _RESPONSE @ wanted)
    need(
        close(found, wanted, 1e-4),
        f"counts that are exactly those of the fractions 0.5, 0.3, 0.2 gave {shown(found)}.",
    )


def _stays_on_the_simplex(f: Asked) -> None:
    counts = np.array([700.0, 250.0, 50.0])
    found = _fractions(f, counts)
    need(
        found.min() >= 0 and close(found.sum(), 1.0, 1e-6),
        f"counts 700, 250 and 50, more of the first than any column can give, led to"
        f" {shown(found)} with the sum {found.sum():.6g}; fractions are 0 or more, and sum to 1.",
    )


def _no_other_is_likelier(f: Asked) -> None:
    for counts in (np.array([420.0, 330.0, 250.0]), np.array([340.0, 180.0, 480.0])):
        found = _fractions(f, counts)
        others = [
            (1 - step) * found + step * np.eye(3)[k] for k in range(3) for step in (0.02, 0.1)
        ]
        own = _log_likelihood(found, counts)
        best = max(_log_likelihood(one, counts) for one in others)
        need(
            np.isfinite(own) and found.sum() < 1 + 1e-6 and best < own + 1e-3,
            f"counts {shown(counts)}: your fractions {shown(found)} have the ln L {own:.6g}; a"
            f" mixture beside them, 2 or 10 % nearer to one kind alone, has {best:.6g}.",
        )


# 14.3 ---------------------------------------------------------------------------------------------


def _mean(f: Asked, fractions: Array, covariance: Array, masses: Array) -> tuple[float, float]:
    mean, error = f.arrays(
        fractions, covariance, masses, shapes=((), ()), what="the mean and its error"
    )
    return float(mean), float(error)


_MASSES = np.array([1.0, 4.0, 14.0, 56.0])


def _one_nucleus(f: Asked) -> None:
    found = [_mean(f, np.eye(4)[k], np.zeros((4, 4)), _MASSES)[0] for k in range(4)]
    need(
        close(found, np.log(_MASSES)),
        f"pure beams of A = 1, 4, 14 and 56 gave {shown(np.array(found))}; the mean of ln A is ln A"
        f" then: {shown(np.log(_MASSES))}.",
    )


def _halves(f: Asked) -> None:
    found = _mean(f, np.array([0.5, 0.0, 0.0, 0.5]), np.zeros((4, 4)), _MASSES)[0]
    need(
        close(found, np.log(56) / 2),
        f"half protons, half iron gave {found:.5g}; the mean of the logarithms is ln 56/2 = 2.0127,"
        " not the logarithm of a mean.",
    )


def _errors_belong_together(f: Asked) -> None:
    fractions = np.array([0.4, 0.3, 0.2, 0.1])
    C = np.zeros((4, 4))
    C[1:3, 1:3] = 0.04 * np.array([[1.0, -1.0], [-1.0, 1.0]])
    found = _mean(f, fractions, C, _MASSES)[1]
    wanted = 0.2 * np.log(14 / 4)
    need(
        close(found, wanted),
        "helium and nitrogen uncertain by 0.2, what one gains the other loses: the error came out"
        f" as {found:.5g}. Moving 0.2 from helium to nitrogen moves the mean by"
        f" 0.2 ln(14/4) = {wanted:.5g}.",
    )


# 14.4 ---------------------------------------------------------------------------------------------


def _before(f: Asked, fractions: Array, efficiency: Array) -> Array:
    return f.array(fractions, efficiency, shape=(len(fractions),))


def _and_back_again(f: Asked) -> None:
    before, kept = np.array([0.2, 0.3, 0.1, 0.4]), np.array([0.9, 0.5, 0.7, 0.2])
    after = before * kept / np.sum(before * kept)
    found = _before(f, after, kept)
    need(
        close(found, before),
        f"of the fractions {shown(before)} the shares {shown(kept)} were kept, which leaves the"
        f" fractions {shown(after)}; from these you found {shown(found)}.",
    )


def _equal_efficiencies(f: Asked) -> None:
    fractions = np.array([0.6, 0.3, 0.1])
    found = _before(f, fractions, np.full(3, 0.25))
    need(
        close(found, fractions),
        f"a quarter of every kind was kept, and the fractions {shown(fractions)} became"
        f" {shown(found)}; what all lose alike changes none.",
    )


def _sums_to_one(f: Asked) -> None:
    found = _before(f, np.array([0.0, 0.3, 0.7]), np.array([0.1, 1.0, 0.4]))
    need(
        close(found.sum(), 1.0) and close(found[0], 0.0),
        f"fractions 0, 0.3 and 0.7 became {shown(found)} with the sum {found.sum():.5g}; fractions"
        " sum to 1, and what is not there was not there before.",
    )


EXERCISES = (
    Exercise(
        "14.1",
        "What is called what",
        "response_matrix(truth, called, classes)",
        """
        `truth` and `called` are whole numbers from 0 to `classes` − 1, (n,) each: what simulated
        showers are, and what a classifier calls them. Return M, (classes, classes): in row j and
        column k the share of the showers of kind k that are called j. There are some of each kind.
        """,
        (
            ("rows are called, columns are true", _known_response),
            ("each column sums to 1", _columns_sum_to_one),
            ("the mixture of the simulation does not matter", _mixture_does_not_matter),
        ),
    ),
    Exercise(
        "14.2",
        "Fractions from counts",
        "likeliest_fractions(counts, matrix)",
        """
        `counts` (m,) showers of the data are called 0 … m − 1; `matrix` (m, k) is the response, no
        entry of which is 0. Return the k fractions, 0 or more and with the sum 1, for which
        Σ_j n_j ln Σ_k M_jk f_k is largest, to four digits. (EM climbs there from equal fractions:
        f_k ← f_k Σ_j (n_j/N) M_jk/Σ_m M_jm f_m, a few thousand times.)
        """,
        (
            ("exact counts give the fractions back", _exact_counts),
            ("fractions are 0 or more, and sum to 1", _stays_on_the_simplex),
            ("no other fractions are likelier", _no_other_is_likelier),
        ),
    ),
    Exercise(
        "14.3",
        "The mean of ln A",
        "mean_ln_mass(fractions, covariance, masses)",
        """
        `fractions` (k,) of nuclei of the mass numbers `masses` (k,) have the covariance matrix
        `covariance`, (k, k). Return the mean of ln A, and its error.
        """,
        (
            ("one nucleus", _one_nucleus),
            ("the mean of logarithms", _halves),
            ("what one gains another loses", _errors_belong_together),
        ),
    ),
    Exercise(
        "14.4",
        "What the selection took",
        "before_selection(fractions, efficiency)",
        """
        `fractions` (k,) of k kinds were found among the showers that pass a selection; of kind k
        the share `efficiency`[k] passes, above 0. Return the fractions before the selection, (k,).
        """,
        (
            ("there and back again", _and_back_again),
            ("what all lose alike changes nothing", _equal_efficiencies),
            ("they sum to 1", _sums_to_one),
        ),
    ),
)
