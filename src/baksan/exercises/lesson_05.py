"""Exercises of lesson 5, gamma or hadron: a cut, a leak, whole groups, error bars."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise

Array = NDArray[Any]

__all__ = ["EXERCISES"]


# 05.1 ---------------------------------------------------------------------------------------------


def _scored(seed: int = 1, steps: float = 0.0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    signal = (rng.random(200) < 0.5).astype(int)
    score = rng.normal(size=200) + signal
    return (np.round(score / steps) * steps if steps else score), signal


_LEVELS = (0.01, 0.3, 0.5, 0.9, 0.995, 1.0)


def _reaches(f: Asked) -> None:
    for steps in (0.0, 0.5):
        score, signal = _scored(2, steps)
        own = score[signal == 1]
        for level in _LEVELS:
            cut = f.number(score, signal, level)
            kept = np.mean(own >= cut)
            need(
                kept >= level - 1e-12,
                f"asked for {level:g} of the {len(own)} signals, the cut {cut:.4g} keeps only"
                f" {kept:.4f} of them.",
            )


def _tightest(f: Asked) -> None:
    for steps in (0.0, 0.5):
        score, signal = _scored(3, steps)
        own = score[signal == 1]
        for level in _LEVELS:
            cut = f.number(score, signal, level)
            kept = np.mean(own >= cut)
            tighter = np.mean(own > np.min(own[own >= cut], initial=own.max()))
            need(
                tighter < level,
                f"asked for {level:g} of the signals, the cut {cut:.4g} keeps {kept:.4f}; a higher"
                f" one would keep {tighter:.4f}, which is still enough, and fewer hadrons.",
            )


def _signals_only(f: Asked) -> None:
    score, signal = _scored(4)
    before = f.number(score, signal, 0.6)
    score[signal == 0] += 5.0
    after = f.number(score, signal, 0.6)
    need(
        close(before, after),
        f"other scores of the background moved the cut from {before:.4g} to {after:.4g}; the"
        " efficiency is that of the signal.",
    )


# 05.2 ---------------------------------------------------------------------------------------------


def _table(seed: int) -> tuple[Array, Array]:
    """Honest features: one knows nothing, one a little, one much; and one is constant."""
    rng = np.random.default_rng(seed)
    y = (rng.random(300) < 0.3).astype(int)
    x = rng.normal(size=(300, 4)) + y[:, None] * np.array([0.0, 0.5, 2.0, 0.0])
    x[:, 3] = 7.0
    return x, y


def _suspected(f: Asked, x: Array, y: Array, level: float = 0.99) -> list[int]:
    answer = f(x, y, level)
    found = f.array(
        x, y, level, shape=(np.size(answer),), what="a list of numbers of columns"
    )  # fmt: skip
    return sorted(int(k) for k in found)


def _honest(f: Asked) -> None:
    found = _suspected(f, *_table(1))
    need(
        not found,
        f"four features, of which the best has an AUC of about 0.92 and one is constant, came under"
        f" suspicion: {found}.",
    )


def _planted(f: Asked) -> None:
    x, y = _table(2)
    for what, leak in (
        ("the answer with a little noise", y + 0.01 * np.random.default_rng(3).normal(size=300)),
        ("minus the answer", -1.0 * y),
        ("e to the power of the answer, but 1 % of the events are exchanged", np.exp(2.0 * y)),
    ):
        if "exchanged" in what:
            leak[np.flatnonzero(y == 1)[:1]], leak[np.flatnonzero(y == 0)[:1]] = 1.0, np.exp(2.0)
        found = _suspected(f, np.column_stack([x[:, :2], leak, x[:, 2:]]), y, 0.97)
        need(found == [2], f"column 2 is {what}; under suspicion came {found}.")


def _level(f: Asked) -> None:
    x, y = _table(4)
    found = _suspected(f, x, y, 0.8)
    need(
        found == [2],
        f"at a level of 0.8 only column 2, with an AUC of about 0.92, is above; came {found}.",
    )
    need(
        _suspected(f, -x, y, 0.8) == found,
        "all features with the other sign brought others under suspicion; what separates downwards"
        " separates as well.",
    )


# 05.3 ---------------------------------------------------------------------------------------------


def _tested(f: Asked, group: Array, share: float, seed: int) -> Array:
    found = f.array(
        group, share, seed, shape=group.shape, what=f"a True or False for each of {len(group)}"
    )  # fmt: skip
    need(
        set(np.unique(found)) <= {0, 1},
        f"True (test) or False (training) is needed for each event; came {shown(found[:8])}.",
    )
    return found.astype(bool)


def _groups(n: int = 60, seed: int = 1) -> Array:
    """Events of n showers, 1 to 9 of each, in no order, with large numbers."""
    rng = np.random.default_rng(seed)
    return np.asarray(
        rng.permutation(np.repeat(rng.choice(10_000, n, False), 1 + np.arange(n) % 9))
    )


def _whole(f: Asked) -> None:
    group = _groups()
    tested = _tested(f, group, 0.3, 0)
    torn = set(group[tested]) & set(group[~tested])
    need(
        not torn,
        f"events of {len(torn)} of 60 showers stand on both sides, so that sisters give the test"
        " events away.",
    )


def _share_of_groups(f: Asked) -> None:
    group = _groups(100, seed=2)
    for share in (0.2, 0.5):
        tested = _tested(f, group, share, 1)
        found = len(set(group[tested])) / 100
        need(
            abs(found - share) < 0.011,
            f"asked for a share of {share} of 100 showers, {found:g} of them are for the test.",
        )


def _drawn(f: Asked) -> None:
    group = np.repeat(np.arange(50), 4)
    first, again, other = (_tested(f, group, 0.4, seed) for seed in (3, 3, 4))
    need(np.array_equal(first, again), "the same seed drew other showers the second time.")
    need(not np.array_equal(first, other), "the seeds 3 and 4 drew the same showers.")
    order = first[::4]
    need(
        not (order[:20].all() or order[-20:].all()),
        "the showers for the test are all at one end of the file; draw them at random.",
    )


# 05.4 ---------------------------------------------------------------------------------------------


class _Figure:
    """A figure of merit that writes down what it was asked for."""

    def __init__(self) -> None:
        self.seen: list[Array] = []

    def __call__(self, values: Array) -> float:
        self.seen.append(np.sort(np.asarray(values, dtype=float)))
        return float(np.mean(values))


def _interval(f: Asked, figure: Any, values: Array, replicas: int, seed: int) -> Array:
    found = f.arrays(
        figure, values, replicas, seed, shapes=((), ()), what="two numbers, low and high"
    )
    return np.array([float(one) for one in found])


def _replicas(f: Asked) -> None:
    figure, values = _Figure(), np.arange(40.0) ** 1.5
    _interval(f, figure, values, 30, 0)
    sizes = {len(one) for one in figure.seen}
    drawn = [one for one in figure.seen if not np.array_equal(one, values)]
    need(sizes == {40}, f"of 40 values replicas of the sizes {sorted(sizes)} were made.")
    need(
        len(drawn) == 30,
        f"30 replicas were asked for, and the figure was computed of {len(drawn)} that differ from"
        " the values themselves; a replica is drawn with repetition.",
    )
    strange = set(np.concatenate(drawn)) - set(values)
    need(not strange, "a replica holds numbers that are not among the values.")


def _width(f: Asked) -> None:
    values = np.random.default_rng(5).normal(10.0, 3.0, 400)
    low, high = _interval(f, np.mean, values, 4000, 1)
    wanted = float(values.std() / 20)
    half = (high - low) / 2
    need(
        abs(half / wanted - 1) < 0.08,
        f"the mean of 400 values with the spread {values.std():.3f} has the error"
        f" {wanted:.4f}; the interval {low:.4f} … {high:.4f} is {half:.4f} to either side. The"
        " central 68.27 % of the replicas are wanted.",
    )
    need(
        low < values.mean() < high,
        f"the mean {values.mean():.4f} itself is not within {low:.4f} … {high:.4f}.",
    )


def _lopsided(f: Asked) -> None:
    values = np.append(np.zeros(99), 1.0)
    low, high = _interval(f, np.sum, values, 4000, 2)
    need(
        low == 0 and 1.5 <= high <= 2.5,
        f"99 zeros and a single 1: the sums of the replicas are 0 in 37 %, 1 in 37 %, 2 in 18 % of"
        f" the cases, so the central 68 % reach from 0 to 2; came {low:g} … {high:g}.",
    )


def _seeded(f: Asked) -> None:
    values = np.random.default_rng(6).normal(size=50)
    first, again, other = (_interval(f, np.median, values, 50, seed) for seed in (7, 7, 8))
    need(np.array_equal(first, again), "the same seed gave another interval the second time.")
    need(not np.array_equal(first, other), "the seeds 7 and 8 gave the same interval.")


EXERCISES = (
    Exercise(
        "05.1",
        "A cut for an efficiency",
        "cut_for(score, signal, efficiency)",
        """
        `score` holds n scores, `signal` n numbers, 1 for signal and 0 for background. An event
        passes where its score is at least as high as the cut. Return the tightest cut that keeps a
        share of the signals of at least `efficiency` (more than 0, at most 1), one number.
        """,
        (
            ("the efficiency is reached", _reaches),
            ("no tighter cut would reach it", _tightest),
            ("the background has no say", _signals_only),
        ),
    ),
    Exercise(
        "05.2",
        "A column that knows",
        "suspects(x, y, level)",
        """
        `x` holds n events with d features, one a row, `y` their classes, 0 or 1. Return the list of
        the numbers of those columns (0 … d − 1) that separate the classes *alone* with an AUC above
        `level`, in whichever direction. `bk.metrics.auc(score, y)` may be used.
        """,
        (
            ("honest features are left in peace", _honest),
            ("a leak is found, whatever its sign and shape", _planted),
            ("the level decides, and the direction does not", _level),
        ),
    ),
    Exercise(
        "05.3",
        "Showers stay whole",
        "test_events(group, share, seed)",
        """
        `group` tells for each of n events the number of its shower. Return n booleans, True for the
        events that are to be tested on: a share `share` of the *showers* (to the nearest whole
        number), drawn at random by `seed`, with all their events.
        """,
        (
            ("no shower stands on both sides", _whole),
            ("the share is that of the showers", _share_of_groups),
            ("the showers are drawn at random, and the seed repeats it", _drawn),
        ),
    ),
    Exercise(
        "05.4",
        "An error bar for anything",
        "interval(figure, values, replicas, seed)",
        """
        `values` is an array of n numbers, and `figure(values)` any figure of merit of them. Draw so
        many bootstrap `replicas`, by `seed`: n of the values, with repetition. Return two numbers,
        between which the figures of the central 68.27 % of the replicas lie.
        """,
        (
            ("replicas are as large as the sample, and drawn with repetition", _replicas),
            ("the mean has the error that theory knows", _width),
            ("an interval may be lopsided", _lopsided),
            ("the seed repeats it", _seeded),
        ),
    ),
)
