"""Exercises of lesson 6b, a detector that ages: learning as events come, and how fast."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise
from baksan.exercises.lesson_02 import points

Array = NDArray[Any]

__all__ = ["EXERCISES"]


# 06b.1 --------------------------------------------------------------------------------------------


def _followed(f: Asked, w: Array, x: Array, y: Array, rate: float) -> tuple[Array, Array]:
    end, costs = f.arrays(
        w, x, y, rate, shapes=(w.shape, y.shape), what="the last weights and the cost of each event"
    )
    return end, costs


def _tested_first(f: Asked) -> None:
    x, y, w = points(6, 2, seed=1)
    w = w + 0.3
    for rate in (0.0, 0.01):
        first = float(_followed(f, w, x, y, rate)[1][0])
        wanted = float((w[0] + x[0] @ w[1:] - y[0]) ** 2)
        need(
            close(first, wanted),
            f"at the rate {rate} the first event costs {first:.6g}; before anything was learned the"
            f" weights miss it by a square of {wanted:.6g}.",
        )


def _no_future(f: Asked) -> None:
    x, y, w = points(20, 2, seed=2)
    costs = _followed(f, w, x, y, 0.01)[1]
    later = y.copy()
    later[12:] += 100.0
    changed = np.flatnonzero(_followed(f, w, x, later, 0.01)[1] != costs)
    need(
        not changed.size or changed[0] >= 12,
        f"other answers from event 12 on changed the cost of event {changed[:1]}: that one knew"
        " the future.",
    )


def _steps_are_taken(f: Asked) -> None:
    x, y, w = points(1, 1, seed=3)
    w = w + 1.0
    z = np.array([1.0, x[0, 0]])
    before = float(z @ w - y[0])
    end, _ = _followed(f, w, x, y, 0.005)
    after = float(z @ end - y[0])
    wanted = 1 - 2 * 0.005 * float(z @ z)
    need(
        close(after / before, wanted),
        f"a step at the rate 0.005 on the event x = {x[0, 0]:.4f} turned its error from"
        f" {before:.4f} into {after:.4f}, a factor of {after / before:.4f}; for the squared loss it"
        f" is 1 − 2 · rate · |(1, x)|² = {wanted:.4f}.",
    )


def _goes_on(f: Asked) -> None:
    x, y, w = points(30, 2, seed=4)
    whole = _followed(f, w, x, y, 0.01)
    evening = _followed(f, w, x[:13], y[:13], 0.01)
    morning = _followed(f, evening[0], x[13:], y[13:], 0.01)
    need(
        close(morning[0], whole[0]) and close(np.append(evening[1], morning[1]), whole[1]),
        f"30 events at once led to {shown(whole[0])}, and 13 in the evening and 17 in the morning,"
        f" from the weights of the evening, to {shown(morning[0])}.",
    )


# 06b.2 --------------------------------------------------------------------------------------------

_RATES = np.geomspace(0.0005, 0.4, 12)


def _best(f: Asked, y: Array) -> float:
    found = f.number(y, _RATES)
    need(
        bool(np.any(np.isclose(_RATES, found, rtol=1e-9))),
        f"one of the rates that were handed over is needed; came {found:g}.",
    )
    return found


def _still(f: Asked) -> None:
    rng = np.random.default_rng(5)
    y = np.append(10.0, 10.0 + rng.normal(size=4000))
    found = _best(f, y)
    need(
        found <= _RATES[1],
        f"a level that stays at 10, with noise, asks for a long memory; chosen was {found:.3g} of"
        f" the rates {_RATES[0]:g} … {_RATES[-1]:g}.",
    )


def _clean(f: Asked) -> None:
    found = _best(f, np.cumsum(np.random.default_rng(6).normal(size=3000)))
    need(
        found == _RATES[-1],
        f"a level that wanders and is measured without noise is best followed at once; chosen was"
        f" {found:.3g} of the rates {_RATES[0]:g} … {_RATES[-1]:g}.",
    )


def _between(f: Asked) -> None:
    for seed, step in ((7, 0.02), (8, 0.1)):
        rng = np.random.default_rng(seed)
        level = np.cumsum(step * rng.normal(size=30_000))
        found, theory = _best(f, level + rng.normal(size=30_000)), step / 2
        need(
            theory / 2.3 < found < theory * 2.3,
            f"a level that wanders by {step} at each event, with a noise of 1, is followed best at"
            f" a rate of about {theory:g} (lesson 6b has the formula); chosen was {found:.3g}.",
        )


def _other_units(f: Asked) -> None:
    rng = np.random.default_rng(9)
    y = np.cumsum(0.1 * rng.normal(size=2000)) + rng.normal(size=2000)
    found, other = _best(f, y), _best(f, 1000.0 * y + 77.0)
    need(
        close(found, other),
        f"the same measurements in other units (1000 y + 77) asked for {other:.3g} in place of"
        f" {found:.3g}.",
    )


EXERCISES = (
    Exercise(
        "06b.1",
        "First the test, then the lesson",
        "online(w, x, y, rate)",
        """
        `x` holds n events with d features, one a row, in the order in which they came, `y` their
        answers, and `w` the d + 1 weights of a plane, intercept first. Go through the events once,
        in their order: note the squared error of the prediction, *then* make one step of
        stochastic descent on the squared loss with this `rate`. Return two things: the last
        weights, and the array of the n squared errors. Do not change `w`.
        """,
        (
            ("an event is a test before it is a lesson", _tested_first),
            ("no event knows those that come later", _no_future),
            ("a step shrinks the error of its event as it should", _steps_are_taken),
            ("what is stopped in the evening goes on in the morning", _goes_on),
        ),
    ),
    Exercise(
        "06b.2",
        "The rate, without the truth",
        "best_rate(y, rates)",
        """
        `y` are measurements of a level that may move, in their order; nobody knows the level
        itself, nor how noisy the measurements are. A learner begins at the level y[0] and makes,
        after each further measurement, one step of descent on (level − y)² with a constant rate.
        Return that one of the `rates`, an array, with which it follows best. (The progressive
        loss needs no truth.)
        """,
        (
            ("a level that stays wants the longest memory", _still),
            ("without noise it is best followed at once", _clean),
            ("in between the best rate is that of the formula", _between),
            ("units do not matter", _other_units),
        ),
    ),
)
