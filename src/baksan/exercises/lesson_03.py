"""Exercises of lesson 3, small steps and big steps: a step, its limit, momentum, one epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise
from baksan.exercises.lesson_02 import points, slope_by_differences

Array = NDArray[Any]

__all__ = ["EXERCISES"]


def _design(x: Array) -> Array:
    return np.column_stack([np.ones(len(x)), x])


def _q(w: Array, x: Array, y: Array) -> float:
    return float(np.mean((_design(x) @ w - y) ** 2))


# 03.1 ---------------------------------------------------------------------------------------------


def _stepped(f: Asked, w: Array, x: Array, y: Array, rate: float) -> Array:
    return f.array(w, x, y, rate, shape=w.shape, what=f"{len(w)} new weights, intercept first,")


def _no_step(f: Asked) -> None:
    x, y, w = points(20, 2, seed=1)
    found = _stepped(f, w + 1, x, y, 0.0)
    need(close(found, w + 1), f"a rate of 0 moved the weights {shown(w + 1)} to {shown(found)}.")


def _along(f: Asked) -> None:
    x, y, w = points(30, 3, seed=2)
    w, rate = w + 0.5, 1e-3
    moved = (_stepped(f, w, x, y, rate) - w) / rate
    slope = slope_by_differences(lambda v: _q(v, x, y), w)
    turned = moved @ slope / (np.linalg.norm(moved) * np.linalg.norm(slope) + 1e-300)
    need(
        turned < -1 + 1e-6,
        f"the step and the slope of Q have an angle whose cosine is {turned:.3f}; straight down it"
        " is −1.",
    )
    length = np.linalg.norm(moved) / np.linalg.norm(slope)
    need(
        close(length, 1.0, 1e-5),
        f"the step, divided by the rate, is {length:.4g} times as long as the slope of the mean"
        " square of 30 events.",
    )


def _downhill(f: Asked) -> None:
    x, y, w = points(50, 3, seed=3)
    w = w + 1.0
    before = np.inf
    for k in range(200):
        now = _q(w, x, y)
        need(
            now <= before + 1e-12,
            f"with a rate of 0.01 step {k} has raised Q from {before:g} to {now:g}.",
        )
        before = now
        w = _stepped(f, w, x, y, 0.01)


def _rests(f: Asked) -> None:
    x, y, _ = points(40, 2, seed=4)
    best = np.linalg.lstsq(_design(x), y, rcond=None)[0]
    found = _stepped(f, best, x, y, 0.1)
    need(
        close(found, best, 1e-8),
        f"from the minimum of Q, {shown(best)}, a step went to {shown(found)}; there is no slope.",
    )


# 03.2 ---------------------------------------------------------------------------------------------


def _grows(x: Array, rate: float, steps: int = 4000) -> bool:
    """Whether steps on the events with all answers zero lead away from the truth, zero."""
    z = _design(x)
    w: Array = np.random.default_rng(5).normal(size=(z.shape[1],))
    for _ in range(steps):
        w = w - rate * 2 * z.T @ (z @ w) / len(z)
        if not np.abs(w).max() < 1e3:
            return True
    return False


def _limits(f: Asked) -> None:
    for n, d in ((30, 2), (100, 5), (20, 1)):
        x, _, _ = points(n, d, seed=n)
        rate = f.number(x)
        need(rate > 0, f"a rate is positive; {n} events with {d} features gave {rate:g}.")
        need(
            not _grows(x, 0.99 * rate),
            f"{n} events with {d} features gave {rate:.4g}; steps with 0.99 of that run away.",
        )
        need(
            _grows(x, 1.01 * rate),
            f"{n} events with {d} features gave {rate:.4g}; steps with 1.01 of that still arrive,"
            " so the limit is higher.",
        )


def _scaled(f: Asked) -> None:
    x, _, _ = points(30, 2, seed=6)
    x = x - x.mean(axis=0) + 100.0  # so far from zero that the intercept counts for little
    rate, other = f.number(x), f.number(10 * x)
    need(
        99 * other < rate < 101 * other,
        f"features with numbers ten times as large took the limit from {rate:.4g} to {other:.4g};"
        " the curvature goes with their square.",
    )


def _listed_twice(f: Asked) -> None:
    x, _, _ = points(15, 3, seed=7)
    once, twice = f.number(x), f.number(np.vstack([x, x]))
    need(
        close(once, twice),
        f"each event listed twice changed the limit from {once:.4g} to {twice:.4g}; Q is a mean.",
    )


# 03.3 ---------------------------------------------------------------------------------------------


def _bowl(curvature: Array) -> Any:
    def slope(w: Array) -> Array:
        return np.asarray(curvature * w)

    return slope


def _walk(f: Asked, slope: Any, w: Array, rate: float, momentum: float, steps: int) -> Array:
    what = f"{len(w)} weights"
    return f.array(slope, w, rate, momentum, steps, shape=w.shape, what=what)


def _plain(f: Asked) -> None:
    curvature, w = np.array([1.0, 10.0]), np.array([3.0, -2.0])
    found = _walk(f, _bowl(curvature), w, 0.05, 0.0, 7)
    wanted = w * (1 - 0.05 * curvature) ** 7
    need(
        close(found, wanted),
        f"without momentum, on a bowl with curvatures 1 and 10, 7 steps at the rate 0.05 led from"
        f" (3, −2) to {shown(found)}; each step shrinks the distance by 1 − rate × curvature.",
    )


def _recurrence(f: Asked) -> None:
    slope, w = _bowl(np.array([1.0, 4.0, 9.0])), np.array([1.0, 2.0, -1.0])
    path = [_walk(f, slope, w, 0.1, 0.8, steps) for steps in range(6)]
    need(close(path[0], w), f"0 steps led from {shown(w)} to {shown(path[0])}.")
    for t in range(1, 5):
        keeps = path[t + 1] - path[t] + 0.1 * slope(path[t])
        last = path[t] - path[t - 1]
        need(
            close(keeps, 0.8 * last),
            f"move {t + 1}, less the push of the slope where it began, is {shown(keeps)}; with"
            f" momentum 0.8 that is 0.8 of the move before, which was {shown(last)}.",
        )


def _asked_once(f: Asked) -> None:
    seen: list[Array] = []

    def slope(w: Array) -> Array:
        seen.append(np.array(w))
        return np.array([1.0])

    found = _walk(f, slope, np.zeros(1), 0.1, 0.5, 40)
    need(
        len(seen) == 40,
        f"40 steps asked for the slope {len(seen)} times; it is dear, ask once a step.",
    )
    speed = float(seen[-1][0] - found[0])
    need(
        close(speed, 0.2),
        f"down a slope of 1 everywhere, at the rate 0.1 with momentum 0.5, the last of 40 steps has"
        f" the length {speed:g}; the moves settle at rate / (1 − momentum).",
    )


def _valley(f: Asked) -> None:
    slope, w = _bowl(np.array([0.01, 1.0])), np.array([1.0, 1.0])
    far = np.abs(_walk(f, slope, w, 1.0, 0.8, 200)).max()
    need(
        far < 1e-3,
        f"in a valley with the condition number 100, 200 steps with momentum 0.8 end at the"
        f" distance {far:.2g} from the minimum; even plain steps end at 0.13.",
    )


# 03.4 ---------------------------------------------------------------------------------------------


class _Book:
    """A slope of single events that writes down which event was asked for, and where."""

    def __init__(self, n: int) -> None:
        self.x, self.y, _ = points(n, 1, seed=8)
        self.events: list[int] = []
        self.places: list[Array] = []
        self.slopes: list[Array] = []

    def __call__(self, w: Array, i: int) -> Array:
        z = np.array([1.0, self.x[i, 0]])
        self.events.append(int(i))
        self.places.append(np.array(w, dtype=float))
        self.slopes.append(2 * (z @ w - self.y[i]) * z)
        return self.slopes[-1].copy()


def _epoch(f: Asked, book: _Book, rate: float, seed: int) -> Array:
    w = np.array([0.5, -0.5])
    return f.array(w, book, len(book.y), rate, seed, shape=(2,), what="2 weights")


def _every_event(f: Asked) -> None:
    book = _Book(50)
    _epoch(f, book, 0.01, 0)
    need(
        sorted(book.events) == list(range(50)),
        f"of 50 events {len(set(book.events))} were visited, by {len(book.events)} calls; an epoch"
        " visits each once.",
    )


def _at_random(f: Asked) -> None:
    orders = []
    for seed in (1, 1, 2):
        book = _Book(50)
        _epoch(f, book, 0.01, seed)
        orders.append(book.events)
    need(orders[0] != list(range(50)), "the events were visited in the order of the file.")
    need(orders[0] == orders[1], "the same seed gave two orders.")
    need(orders[0] != orders[2], "the seeds 1 and 2 gave the same order.")


def _each_from_the_last(f: Asked) -> None:
    book = _Book(30)
    end = _epoch(f, book, 0.02, 3)
    for k, after in enumerate([*book.places[1:], end]):
        need(
            close(after, book.places[k] - 0.02 * book.slopes[k]),
            f"event {k + 1} of the epoch was met at {shown(book.places[k])} with the slope"
            f" {shown(book.slopes[k])}, and then the weights were {shown(after)}; at the rate 0.02"
            " a step leads elsewhere.",
        )


EXERCISES = (
    Exercise(
        "03.1",
        "One step down",
        "one_step(w, x, y, rate)",
        """
        `x` holds n events with d features, one a row, `y` their answers, `w` the d + 1 weights,
        intercept first. Return new weights: those after one step of gradient descent on the mean
        square of the errors of all events, with this `rate`. Do not change `w`.
        """,
        (
            ("a rate of 0 moves nothing", _no_step),
            ("the step goes straight down, rate times the slope", _along),
            ("small steps never raise Q", _downhill),
            ("at the minimum it rests", _rests),
        ),
    ),
    Exercise(
        "03.2",
        "The largest rate",
        "largest_rate(x)",
        """
        `x` holds n events with d features, one a row, just as they are: nothing is standardised,
        and there is an intercept besides. Return the rate above which gradient descent on the mean
        square of the errors runs away, for any answers.
        """,
        (
            ("just below it steps arrive, just above they run away", _limits),
            ("ten times the numbers, a hundredth of the rate", _scaled),
            ("listing each event twice changes nothing", _listed_twice),
        ),
    ),
    Exercise(
        "03.3",
        "Momentum",
        "descend(slope, w, rate, momentum, steps)",
        """
        `slope(w)` gives the slope ∂Q/∂w at the weights `w`, an array. Begin at `w` without any
        speed, make `steps` steps of gradient descent with Polyak's momentum (the heavy ball of the
        lesson), and return the last weights. Do not change the `w` that you were given.
        """,
        (
            ("without momentum it is gradient descent", _plain),
            ("each move keeps its part of the one before", _recurrence),
            ("it asks for the slope once a step, and its speed settles", _asked_once),
            ("it is through a long valley before plain steps are", _valley),
        ),
    ),
    Exercise(
        "03.4",
        "One epoch",
        "one_epoch(w, slope, n, rate, seed)",
        """
        `slope(w, i)` gives the slope of the cost of event i alone, i = 0 … n − 1, at the weights
        `w`. Begin at `w`, go once through all events in a random order drawn by `seed`, make a step
        of stochastic gradient descent on each, and return the last weights. Do not change the `w`
        that you were given.
        """,
        (
            ("every event is visited once", _every_event),
            ("the order is random, and its seed repeats it", _at_random),
            ("each step begins where the last one ended", _each_from_the_last),
        ),
    ),
)
