"""Exercises of lesson 6, why is it fast: fewer passes, sums that are enough, one pass."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise
from baksan.exercises.lesson_02 import points

Array = NDArray[Any]

__all__ = ["EXERCISES"]


# 06.1 ---------------------------------------------------------------------------------------------


def _raw(f: Asked, w: Array, centre: Array, scale: Array) -> Array:
    return f.array(w, centre, scale, shape=w.shape, what=f"{len(w)} weights, intercept first,")


def _same_predictions(f: Asked) -> None:
    for d in (1, 4):
        rng = np.random.default_rng(d)
        x, w = rng.normal(5.0, 3.0, (20, d)), rng.normal(size=d + 1)
        centre, scale = x.mean(axis=0), x.std(axis=0)
        raw = _raw(f, w, centre, scale)
        wanted, found = w[0] + ((x - centre) / scale) @ w[1:], raw[0] + x @ raw[1:]
        worst = np.abs(found - wanted).max()
        need(
            worst < 1e-9,
            f"with {d} features the predictions of 20 events differ by up to {worst:.3g} from those"
            " of the standardised ones.",
        )


def _nothing_to_do(f: Asked) -> None:
    w = np.array([1.0, -2.0, 3.0])
    found = _raw(f, w, np.zeros(2), np.ones(2))
    need(close(found, w), f"mean 0 and spread 1: {shown(w)} became {shown(found)}.")


def _in_the_middle(f: Asked) -> None:
    w, centre = np.array([4.0, 1.0, -1.0]), np.array([10.0, 20.0])
    found = _raw(f, w, centre, np.array([2.0, 5.0]))
    said = float(found[0] + found[1:] @ centre)
    need(
        close(said, 4.0),
        f"an event with the mean features, {shown(centre)}, is at z = 0; your weights predict"
        f" {said:g} for it, and the standardised ones, {shown(w)}, say something else.",
    )


# 06.2 ---------------------------------------------------------------------------------------------


def _gram(f: Asked, x: Array, y: Array) -> tuple[Array, Array]:
    d = x.shape[1] + 1
    g, h = f.arrays(x, y, shapes=((d, d), (d,)), what="the matrix G and the vector h")
    return g, h


def _enough(f: Asked) -> None:
    x, y, _ = points(40, 3, seed=1)
    g, h = _gram(f, x, y)
    rng = np.random.default_rng(2)
    for _ in range(5):
        w = rng.normal(size=4)
        found = float(w @ g @ w - 2 * w @ h + np.mean(y**2))
        wanted = float(np.mean((w[0] + x @ w[1:] - y) ** 2))
        need(
            close(found, wanted),
            f"Q = wᵀGw − 2wᵀh + mean of y² gave {found:.6g} for the weights {shown(w)}; the events"
            f" themselves give {wanted:.6g}.",
        )


def _zero_slope(f: Asked) -> None:
    x, y, _ = points(30, 2, seed=3)
    g, h = _gram(f, x, y)
    need(
        np.linalg.matrix_rank(g) == 3 and close(g, g.T),
        f"G must be symmetric, with three independent rows; came {shown(g.ravel()[:8])} ….",
    )
    w = np.linalg.solve(g, h)
    residual = w[0] + x @ w[1:] - y
    need(
        abs(residual.mean()) < 1e-9 and np.abs(x.T @ residual).max() < 1e-7,
        f"the solution of G w = h, {shown(w)}, leaves residuals with the mean {residual.mean():.3g}"
        f" and the sums {shown(x.T @ residual)} of residual × feature.",
    )


def _parts_add_up(f: Asked) -> None:
    x, y, _ = points(50, 2, seed=4)
    whole, first, last = _gram(f, x, y), _gram(f, x[:20], y[:20]), _gram(f, x[20:], y[20:])
    for name, all_of_it, a, b in zip("Gh", whole, first, last, strict=True):
        need(
            close(50 * all_of_it, 20 * a + 30 * b),
            f"50 × the {name} of 50 events is not 20 × that of the first 20 and 30 × that of the"
            " others: means over the events do that.",
        )


# 06.3 ---------------------------------------------------------------------------------------------


class _Blocks:
    """Blocks that can be read once; it knows how many were held at one time."""

    def __init__(self, sizes: list[int], mean: float = 0.0, seed: int = 1) -> None:
        self.sizes, self.mean, self.seed = sizes, mean, seed
        self.held = 0

    def __iter__(self) -> Iterator[Array]:
        rng, alive = np.random.default_rng(self.seed), []
        for size in self.sizes:
            block = self.mean + rng.normal(size=size)
            alive.append(weakref.ref(block))
            self.held = max(self.held, sum(ref() is not None for ref in alive))
            yield block
            del block

    def wanted(self) -> float:
        rng = np.random.default_rng(self.seed)
        return float(np.concatenate([rng.normal(size=n) for n in self.sizes]).var())


def _by_blocks(f: Asked) -> None:
    for sizes in ([10], [5, 5, 5], [1, 100, 3], [50, 0, 7]):
        blocks = _Blocks(sizes)
        found = f.number(iter(blocks))
        need(
            close(found, blocks.wanted()),
            f"blocks of {sizes} numbers gave {found:.6g}; all together have the variance"
            f" {blocks.wanted():.6g}.",
        )


def _held_one(f: Asked) -> None:
    blocks = _Blocks([1000] * 30)
    f.number(iter(blocks))
    need(
        blocks.held <= 3,
        f"{blocks.held} of 30 blocks were in memory at one time; a file that is larger than memory"
        " must be let go, block by block.",
    )


def _far_from_zero(f: Asked) -> None:
    for mean in (1e6, 1e9):
        blocks = _Blocks([500, 300, 700], mean=mean)
        found = f.number(iter(blocks))
        need(
            abs(found / blocks.wanted() - 1) < 1e-4,
            f"1,500 numbers about {mean:g} with a spread of 1 gave {found:.6g}; their variance is"
            f" {blocks.wanted():.6g}. How large are the numbers that you subtract, and how many"
            " digits has a float?",
        )


EXERCISES = (
    Exercise(
        "06.1",
        "Standardise the weights",
        "raw_weights(w, centre, scale)",
        """
        A linear model has the d + 1 weights `w`, intercept first, for standardised features
        z = (x − `centre`) / `scale`, where `centre` and `scale` hold d numbers each. Return the
        d + 1 weights, intercept first, that give the same predictions from x itself, so that no
        event needs to be standardised.
        """,
        (
            ("the predictions are the same", _same_predictions),
            ("mean 0 and spread 1 leave nothing to do", _nothing_to_do),
            ("an event in the middle gets the intercept of z", _in_the_middle),
        ),
    ),
    Exercise(
        "06.2",
        "Sums that are enough",
        "gram_sums(x, y)",
        """
        `x` holds n events with d features, one a row, `y` their answers. Return the lesson's Gram
        matrix G, of d + 1 rows and columns, and the vector h of d + 1 numbers, intercept first,
        both as means over the events: with them, and without the events, Q and its slope are known
        for any weights.
        """,
        (
            ("they tell Q of any weights", _enough),
            ("the solution of G w = h has no slope left", _zero_slope),
            ("parts of the events add up", _parts_add_up),
        ),
    ),
    Exercise(
        "06.3",
        "The variance in one pass",
        "variance(blocks)",
        """
        `blocks` gives arrays of numbers, one after another, in a `for` loop; it can be gone through
        once. Return the variance of all the numbers together, the mean square of their distances
        from their common mean. There is memory for a few blocks only, and the numbers may be far
        from zero.
        """,
        (
            ("it is the variance of all blocks together", _by_blocks),
            ("it holds a few blocks at a time", _held_one),
            ("numbers far from zero lose no digits", _far_from_zero),
        ),
    ),
)
