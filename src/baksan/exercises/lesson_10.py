"""Exercises of lesson 10, how sure we are: reliability, an unknown share, quantiles, a margin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise

Array = NDArray[Any]

__all__ = ["EXERCISES"]


# 10.1 ---------------------------------------------------------------------------------------------


def _table(f: Asked, p: Array, y: Array, edges: Array) -> list[Array]:
    bins = (len(edges) - 1,)
    what = "the mean probabilities, the shares of signal and the numbers of events"
    return f.arrays(p, y, edges, shapes=(bins,) * 3, what=what)


def _events() -> tuple[Array, Array, Array]:
    """Probabilities that are too sure, with answers, and four bins that all hold events."""
    rng = np.random.default_rng(1)
    true = rng.random(200)
    p = np.round(true**2 / (true**2 + (1 - true) ** 2), 3)
    return p, (rng.random(200) < true).astype(float), np.array([0.0, 0.1, 0.5, 0.8, 1.0])


def _sums(f: Asked) -> None:
    p, y, edges = _events()
    told, share, count = _table(f, p, y, edges)
    for name, found, wanted in (
        ("the numbers sum to", count.sum(), 200),
        ("the mean probabilities times the numbers sum to", told @ count, p.sum()),
        ("the shares times the numbers sum to", share @ count, y.sum()),
    ):
        need(
            close(found, wanted),
            f"200 events, {y.sum():g} of them signal, probabilities that sum to {p.sum():g}: {name}"
            f" {found:.6g}, which should be {wanted:g}.",
        )


def _one_event_a_bin(f: Asked) -> None:
    p, y = np.array([0.77, 0.05, 0.31]), np.array([1.0, 1.0, 0.0])
    told, share, count = _table(f, p, y, np.array([0.0, 0.2, 0.6, 1.0]))
    need(
        close(told, [0.05, 0.31, 0.77]) and close(share, [1, 0, 1]) and close(count, 1.0),
        f"with one event a bin, P = 0.05, 0.31, 0.77 and answers 1, 0, 1, came {shown(told)},"
        f" {shown(share)} and {shown(count)}; each bin tells of its own event, by its probability"
        " and not by the middle of the bin.",
    )


def _on_an_edge(f: Asked) -> None:
    p, y = np.array([0.0, 0.5, 0.5, 1.0]), np.array([0.0, 1.0, 0.0, 1.0])
    count = _table(f, p, y, np.array([0.0, 0.5, 1.0]))[2]
    need(
        close(count, [1, 3]),
        f"P = 0, 0.5, 0.5 and 1 in the bins 0 … 0.5 … 1 gave the numbers {shown(count)}; a value on"
        " an edge belongs to the bin above, and 1 to the last bin.",
    )


# 10.2 ---------------------------------------------------------------------------------------------


def _field(share: float, n: int, trained: float) -> Array:
    """Probabilities, right at the share `trained`, of n events of which about `share` is signal."""
    rng = np.random.default_rng(2)
    x = rng.normal(np.where(rng.random(n) < share, 1.0, -1.0), 1.2)
    odds = trained / (1 - trained) * np.exp(2 * x / 1.2**2)
    return np.asarray(odds / (1 + odds))


def _ratio(p: Array, trained: float) -> Array:
    """How much better signal explains each event than background does."""
    return np.asarray(p / (1 - p) * (1 - trained) / trained)


def _found_share(f: Asked, p: Array, trained: float) -> float:
    found = f.number(p, trained)
    need(0 <= found <= 1, f"the share came out as {found:g}; it lies between 0 and 1.")
    return found


def _stays(f: Asked) -> None:
    for share, trained in ((0.3, 0.5), (0.6, 0.2)):
        p = _field(share, 500, trained)
        found = _found_share(f, p, trained)
        odds = _ratio(p, trained) * found / max(1 - found, 1e-12)
        there = float(np.mean(odds / (1 + odds)))
        need(
            close(there, found, 1e-6),
            f"500 events, trained at {trained:g}: you found the share {found:.5f}, but moved there"
            f" the probabilities have the mean {there:.5f}; at the share sought both are the same.",
        )


def _most_likely(f: Asked) -> None:
    p = _field(0.15, 400, 0.5)
    found = _found_share(f, p, 0.5)
    r = _ratio(p, 0.5)
    tried = np.linspace(0.001, 0.999, 999)
    best = float(tried[np.argmax([np.log(s * r + 1 - s).sum() for s in tried])])
    need(
        abs(found - best) < 0.002,
        f"400 events, trained at 0.5: you found {found:.4f}; the likelihood Σ ln(share · r + 1 −"
        f" share), with r = P/(1 − P) at 0.5, is largest near {best:.3f}.",
    )


def _same_field(f: Asked) -> None:
    found = [_found_share(f, _field(0.4, 500, trained), trained) for trained in (0.5, 0.05)]
    need(
        close(found[0], found[1], 1e-6),
        f"the same 500 events gave a share of {found[0]:.5f} by a model trained at 0.5, and"
        f" {found[1]:.5f} by one trained at 0.05; both are right where they were trained, so both"
        " find the same.",
    )


# 10.3 ---------------------------------------------------------------------------------------------


def _pinball(f: Asked, q: Array, y: Array, level: float) -> list[Array]:
    return f.arrays(q, y, level, shapes=(y.shape,) * 2, what="the costs and their slopes in q")


def _price(f: Asked) -> None:
    q, y = np.zeros(2), np.array([3.0, -2.0])
    for level in (0.1, 0.5, 0.95):
        cost = _pinball(f, q, y, level)[0]
        wanted = np.array([3 * level, 2 * (1 - level)])
        need(
            close(cost, wanted),
            f"level {level:g}, q = 0: the costs of the answers 3 and −2 are {shown(cost)}; an"
            f" answer above costs the level a unit, one below 1 − level: {shown(wanted)}.",
        )


def _slope_of_pinball(f: Asked) -> None:
    rng = np.random.default_rng(3)
    q, y, h = rng.normal(size=20), rng.normal(size=20), 1e-6
    for level in (0.16, 0.9):
        slope = _pinball(f, q, y, level)[1]
        wanted = (_pinball(f, q + h, y, level)[0] - _pinball(f, q - h, y, level)[0]) / (2 * h)
        k = int(np.argmax(np.abs(slope - wanted)))
        need(
            close(slope, wanted, 1e-6),
            f"level {level:g}, q = {q[k]:.3f}, y = {y[k]:.3f}: the slope is {slope[k]:.4g}, but"
            f" your cost changes by {wanted[k]:.4g} for each unit of q.",
        )


def _best_constant(f: Asked) -> None:
    y = np.random.default_rng(4).exponential(size=99)
    tried = np.sort(y)
    for level in (0.05, 0.16, 0.84):
        costs = [_pinball(f, np.full(99, q), y, level)[0].sum() for q in tried]
        below = int(np.argmin(costs))
        need(
            abs(below + 0.5 - 99 * level) <= 1,
            f"level {level:g}: of 99 answers {below} lie below the constant that your cost likes"
            f" best; it is the quantile, and {99 * level:.3g} should.",
        )


# 10.4 ---------------------------------------------------------------------------------------------


def _margin(f: Asked, errors: Array, coverage: float) -> float:
    return f.number(errors, coverage)


def _each_left_out(f: Asked) -> None:
    for n, coverage in ((9, 0.68), (30, 0.68), (24, 0.9), (50, 0.95)):
        errors = np.random.default_rng(n).exponential(size=n + 1)
        margins = [_margin(f, np.delete(errors, k), coverage) for k in range(n + 1)]
        covered = int((errors <= np.array(margins)).sum())
        wanted = math.ceil((n + 1) * coverage)
        need(
            covered == wanted,
            f"{n + 1} events, each left out in turn, the margin for {coverage:g} found from the"
            f" other {n}: it held {covered} of the {n + 1} that were left out. The smallest number"
            f" that is a share of {coverage:g} or more is {wanted}.",
        )


def _any_order(f: Asked) -> None:
    errors = np.random.default_rng(6).exponential(size=40)
    found = [_margin(f, e, 0.9) for e in (errors, errors[::-1], np.sort(errors))]
    need(
        close(found, found[0]),
        f"the same 40 errors in three orders gave the margins {shown(np.array(found))}; the order"
        " of events says nothing.",
    )


def _the_last(f: Asked) -> None:
    errors = np.random.default_rng(7).exponential(size=19)
    found = _margin(f, errors, 0.95)
    need(
        close(found, errors.max()),
        f"19 errors, coverage 0.95: the margin is {found:.4g}; the 19 of 20 is the largest error,"
        f" {errors.max():.4g}.",
    )


EXERCISES = (
    Exercise(
        "10.1",
        "Does it keep its word?",
        "reliability_table(p, y, edges)",
        """
        `p` holds probabilities to be signal, `y` the answers, 1 for signal and 0 for background,
        (n,) each; `edges` are m + 1 rising numbers from 0 to 1, the ends of m bins of p, none of
        which is empty. A value on an edge belongs to the bin above, 1 to the last bin. Return
        three arrays of m numbers: the mean probability in each bin, the share of signal, and
        the number of events.
        """,
        (
            ("the bins together are the sample", _sums),
            ("a bin speaks of its own events", _one_event_a_bin),
            ("what lies on an edge belongs above", _on_an_edge),
        ),
    ),
    Exercise(
        "10.2",
        "A share that nobody knows",
        "share_of_signal(p, trained)",
        """
        `p` holds n probabilities to be signal, all between 0 and 1, by a model that is right
        where a share `trained` of the events is signal. The events come from a place where the
        share is not known, nor is there an answer to any of them. Return the share there: the
        one at which the probabilities, moved there (Exercise 04.4), have that share as their
        mean. Find it to 8 digits, by repeating or otherwise; it is neither 0 nor 1.
        """,
        (
            ("at that share the mean probability is the share", _stays),
            ("no other share is as likely", _most_likely),
            ("the share of the training does not matter", _same_field),
        ),
    ),
    Exercise(
        "10.3",
        "The price of a quantile",
        "pinball(q, y, level)",
        """
        `q` are predicted quantiles of the level `level`, between 0 and 1, and `y` the answers,
        (n,) each. An answer above its q costs `level` for each unit of the distance, one below
        costs 1 − `level`. Return two arrays of n numbers: the costs, and their slopes, the
        derivatives by q. (No answer lies exactly at its q.)
        """,
        (
            ("above and below have their prices", _price),
            ("the slope is the derivative", _slope_of_pinball),
            ("the best constant is the quantile", _best_constant),
        ),
    ),
    Exercise(
        "10.4",
        "A margin with a guarantee",
        "conformal_margin(errors, coverage)",
        """
        `errors` holds n errors |y − prediction| of events that the model was not trained on, in
        any order. Return the margin that a new event of the same kind lies within, with a
        probability of `coverage` or more: the k-th smallest error, counted from 1, where k is
        (n + 1) · coverage, rounded up. There are enough events for it: k is never above n.
        """,
        (
            ("left out in turn, enough events are covered", _each_left_out),
            ("the order does not matter", _any_order),
            ("for 95 % 19 events are just enough", _the_last),
        ),
    ),
)
