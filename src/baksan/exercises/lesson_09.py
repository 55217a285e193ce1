"""Exercises of lesson 9, optimising networks: a start, a schedule, dropout, batch normalisation."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise

Array = NDArray[Any]

__all__ = ["EXERCISES"]


# 09.1 ---------------------------------------------------------------------------------------------


def _drawn(f: Asked, widths: list[int], gain: float, seed: int) -> list[Array]:
    shapes = list(pairwise(widths))
    return f.arrays(widths, gain, seed, shapes=shapes, what=f"{len(shapes)} matrices")


def _right_size(f: Asked) -> None:
    for gain in (1.0, 2.0):
        for number, one in enumerate(_drawn(f, [400, 50, 300, 100], gain, 1), start=1):
            found, inputs = float(np.mean(one**2)), len(one)
            need(
                abs(found * inputs / gain - 1) < 8 / np.sqrt(one.size),
                f"gain {gain:g}: the weights of layer {number}, with {inputs} inputs, have the"
                f" variance {found:.4g} (mean {one.mean():.2g}); it should be near"
                f" {gain / inputs:.4g}.",
            )


def _size_stays(f: Asked) -> None:
    h = np.random.default_rng(2).normal(size=(200, 300))
    for one in _drawn(f, [300] * 11, 2.0, 3):
        h = np.maximum(h @ one, 0)
    found = float(np.sqrt(np.mean(h**2)))
    need(
        0.4 < found < 2.5,
        f"through ten layers of 300 neurons with relu, gain 2, inputs of size 1 came out with the"
        f" size {found:.3g}; it should stay near 1.",
    )


def _other_weights(f: Asked) -> None:
    first, second = _drawn(f, [20, 20, 20], 1.0, 4)
    need(
        not close(first, second),
        "two layers of the same shape were given the same weights; each needs weights of its own.",
    )
    need(
        np.unique(np.round(first, 12)).size == first.size,
        f"of {first.size} weights of a layer only {np.unique(np.round(first, 12)).size} differ;"
        " neurons that start equal stay equal.",
    )


def _again(f: Asked) -> None:
    first, again = (_drawn(f, [30, 20, 10], 2.0, 5)[0] for _ in range(2))
    other = _drawn(f, [30, 20, 10], 2.0, 6)[0]
    need(close(first, again), "the same seed gave other weights; draw all of them by the seed.")
    need(not close(first, other), "the seeds 5 and 6 gave the same weights; draw them by the seed.")


# 09.2 ---------------------------------------------------------------------------------------------


def _rates(f: Asked, top: float, warm: int, steps: int) -> Array:
    return f.array(top, warm, steps, shape=(steps,))


def _climbs(f: Asked) -> None:
    found = _rates(f, 0.5, 10, 100)[:10]
    wanted = 0.05 * np.arange(1, 11)
    need(
        close(found, wanted),
        f"rate 0.5, 10 of 100 steps to warm up: steps 0, 1 and 9 have the rates {shown(found[:2])}"
        f" and {found[9]:.4g}; a tenth of 0.5 more each step makes 0.05, 0.1 and 0.5.",
    )


def _falls(f: Asked) -> None:
    found = _rates(f, 0.3, 20, 121)
    for at in (20, 45, 70, 100):
        wanted = 0.15 * (1 + np.cos(np.pi * (at - 20) / 101))
        need(
            close(found[at], wanted),
            f"rate 0.3, 20 of 121 steps to warm up: step {at} has the rate {found[at]:.5g}; after"
            f" {at - 20} of the 101 steps that are left, half a cosine is at {wanted:.5g}.",
        )


def _ends(f: Asked) -> None:
    for warm, steps in ((0, 1000), (5, 50), (100, 300)):
        found = _rates(f, 0.1, warm, steps)
        need(
            bool(np.all(found > 0)),
            f"{warm} of {steps} steps to warm up: {int(np.sum(found <= 0))} of the rates are not"
            " above 0; a step with the rate 0 is a waste.",
        )
        left = steps - warm
        need(
            close(found[-1] / 0.1, np.sin(0.5 * np.pi / left) ** 2, 1e-9),
            f"rate 0.1, {warm} of {steps} steps to warm up: the last rate is {found[-1]:.3g}; one"
            f" step before the end of half a cosine over {left} steps it is"
            f" {0.1 * np.sin(0.5 * np.pi / left) ** 2:.3g}.",
        )


# 09.3 ---------------------------------------------------------------------------------------------


def _dropped(f: Asked, h: Array, share: float, seed: int) -> Array:
    return f.array(h, share, seed, shape=h.shape)


def _share_falls(f: Asked) -> None:
    h = 1.0 + np.random.default_rng(1).random((200, 100))
    for share in (0.2, 0.5, 0.8):
        found = float(np.mean(_dropped(f, h, share, 1) == 0))
        need(
            abs(found - share) < 0.02,
            f"share {share}: {found:.1%} of 20,000 outputs became 0.",
        )


def _mean_stays(f: Asked) -> None:
    h = np.random.default_rng(2).normal(2.0, 1.0, (3, 4))
    for share in (0.2, 0.5, 0.8):
        found = np.mean([_dropped(f, h, share, seed) for seed in range(400)], axis=0)
        error = 6 * np.abs(h) * np.sqrt(share / (1 - share) / 400) + 1e-9
        need(
            bool(np.all(np.abs(found - h) < error)),
            f"share {share}: the output {h[0, 0]:.3g} has the mean {found[0, 0]:.3g} over 400"
            " seeds. In use nobody is dropped, so the mean must be what it was: those that stay"
            " speak louder.",
        )


def _each_alone(f: Asked) -> None:
    stays = _dropped(f, np.ones((100, 60)), 0.5, 3) != 0
    rows, columns = stays.mean(axis=1), stays.mean(axis=0)
    need(
        0.02 < rows.std() < 0.13 and 0.02 < columns.std() < 0.13,
        f"share 0.5 of 100 events and 60 neurons: from event to event the share that stays varies"
        f" by {rows.std():.2g}, from neuron to neuron by {columns.std():.2g}; where each is dropped"
        " by a coin of its own it is some 0.06 and 0.05.",
    )


def _nobody(f: Asked) -> None:
    h = np.random.default_rng(4).normal(size=(5, 4))
    need(
        close(_dropped(f, h, 0.0, 5), h),
        "with the share 0 the outputs have changed; nobody is dropped then.",
    )
    first, again, other = (_dropped(f, np.ones((20, 10)), 0.5, seed) for seed in (6, 6, 7))
    need(
        close(first, again) and not close(first, other),
        "the same seed must drop the same, and another seed others; draw by the seed.",
    )


# 09.4 ---------------------------------------------------------------------------------------------


def _normalised(f: Asked, u: Array, gain: Array, shift: Array) -> Array:
    return f.array(u, gain, shift, shape=u.shape)


def _sums(n: int, seed: int) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    u = rng.normal([3.0, -50.0, 0.2, 7.0], [1.0, 20.0, 4.0, 3.0], (n, 4))
    return u, rng.uniform(0.5, 2.0, 4), rng.normal(size=4)


def _mean_and_spread(f: Asked) -> None:
    u, gain, shift = _sums(40, 1)
    found = _normalised(f, u, gain, shift)
    means, spreads = found.mean(axis=0), found.std(axis=0)
    need(
        close(means, shift, 1e-6) and close(spreads, gain, 1e-4),
        f"over 40 events the neurons with the gains {shown(gain)} and shifts {shown(shift)} have"
        f" the spreads {shown(spreads)} and means {shown(means)}; spread and mean must be gain and"
        " shift.",
    )


def _units(f: Asked) -> None:
    u, gain, shift = _sums(30, 2)
    found = _normalised(f, u, gain, shift)
    other = _normalised(f, 1000.0 * u + 5.0, gain, shift)
    need(
        close(found, other, 1e-4),
        f"all sums times 1000 and plus 5: event 0 has {shown(other[0])} in place of"
        f" {shown(found[0])}; size and place of a neuron's sums are taken out.",
    )


def _silent(f: Asked) -> None:
    u, gain, shift = _sums(25, 3)
    u[:, 2] = 4.0
    found = _normalised(f, u, gain, shift)[:, 2]
    need(
        close(found, shift[2], 1e-6),
        f"a neuron whose sum is 4 for all events gave {shown(found[:3])}; with nothing varying its"
        f" output is its shift, {shift[2]:.4g}.",
    )


def _small(f: Asked) -> None:
    u = np.array([[-1.0], [1.0]]) * np.sqrt(1e-5)
    found = float(_normalised(f, u, np.ones(1), np.zeros(1))[1, 0])
    need(
        close(found, np.sqrt(0.5), 1e-6),
        f"two sums ±√(10⁻⁵), so that the variance is 10⁻⁵ itself, gave ±{found:.5g}; with 10⁻⁵"
        " added to the variance it is ±√½ = ±0.70711.",
    )


EXERCISES = (
    Exercise(
        "09.1",
        "Weights at the start",
        "first_weights(widths, gain, seed)",
        """
        `widths` lists how wide each layer is, the features first: [10, 64, 1] has ten features, a
        hidden layer, and an output. Return a list of the matrices of weights between neighbours,
        (10, 64) and (64, 1), drawn by `seed` from normal distributions of mean 0 whose variance is
        `gain`, divided by the number of inputs of the layer.
        """,
        (
            ("the variance is the gain over the inputs", _right_size),
            ("sizes neither grow nor shrink in a deep network", _size_stays),
            ("no two weights are the same", _other_weights),
            ("the same seed, the same weights", _again),
        ),
    ),
    Exercise(
        "09.2",
        "Warm-up and cosine",
        "warm_cosine(top, warm, steps)",
        """
        Return the rates of the steps t = 0 … steps − 1, an array: in the first `warm` steps
        top · (t + 1)/warm; after them half a cosine from `top` to 0 over the other steps, so that
        it would be 0 at t = steps. `warm` may be 0, and is less than `steps`.
        """,
        (
            ("it climbs by equal steps", _climbs),
            ("it falls along half a cosine", _falls),
            ("the last step is small, and not 0", _ends),
        ),
    ),
    Exercise(
        "09.3",
        "Dropout",
        "dropped(h, share, seed)",
        """
        `h`, (n, m), holds the outputs of m neurons for n events. Return what the next layer hears
        in training: each output is 0 with the probability `share` (at least 0, below 1), by a coin
        of its own drawn by `seed`, and the others are made larger, so that the mean over many
        seeds is `h`.
        """,
        (
            ("the share is dropped", _share_falls),
            ("the mean stays what it was", _mean_stays),
            ("each output has its own coin", _each_alone),
            ("share 0 drops nobody; the seed decides", _nobody),
        ),
    ),
    Exercise(
        "09.4",
        "Batch normalisation",
        "batch_norm(u, gain, shift)",
        """
        `u`, (n, m), holds the sums of m neurons for the n events of a batch; `gain` and `shift`,
        (m,), belong to the neurons. Return gain · (u − mean)/√(variance + 10⁻⁵) + shift, where mean
        and variance (that of n, not n − 1) are those of each neuron over the batch.
        """,
        (
            ("mean and spread are shift and gain", _mean_and_spread),
            ("the unit of the sums does not matter", _units),
            ("what does not vary is no harm", _silent),
            ("10⁻⁵ is added to the variance", _small),
        ),
    ),
)
