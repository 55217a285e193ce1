"""Exercises of lesson 2, linear regression: the loss, its minimum, weights, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise
from baksan.losses import Q, squared
from baksan.samples import Samples

Array = NDArray[Any]

__all__ = ["EXERCISES", "points", "slope_by_differences"]


def points(n: int, d: int, seed: int, noise: float = 0.3) -> tuple[Array, Array, Array]:
    """Events, answers about a plane, and the plane's weights, intercept first."""
    rng = np.random.default_rng(seed)
    x, w = rng.normal(1.0, 2.0, (n, d)), rng.normal(size=d + 1)
    return x, w[0] + x @ w[1:] + noise * rng.normal(size=n), w


def slope_by_differences(q: Any, w: Array, step: float = 1e-5) -> Array:
    """The slope of a function of the weights, by moving each of them a little."""
    moves = step * np.eye(len(w))
    return np.array([(q(w + move) - q(w - move)) / (2 * step) for move in moves])


def _q(w: Array, x: Array, y: Array) -> float:
    return Q(lambda z: w[0] + z @ w[1:], Samples(x, y), squared)


# 02.1 ---------------------------------------------------------------------------------------------


def _q_and_slope(f: Asked, w: Array, x: Array, y: Array) -> tuple[float, Array]:
    q, slope = f.arrays(w, x, y, shapes=((), w.shape), what="Q and its slope")
    return float(q), slope


def _value(f: Asked) -> None:
    x, y, w = np.array([[1.0], [2.0]]), np.array([0.0, 0.0]), np.array([1.0, 1.0])
    found, _ = _q_and_slope(f, w, x, y)
    need(
        close(found, 6.5),
        f"two events at x = 1 and 2, y = 0, and the line 1 + x gave Q = {found:g}; on paper the"
        " errors are 2 and 3.",
    )
    x, y, w = points(30, 3, seed=1)
    found, wanted = _q_and_slope(f, w, x, y)[0], _q(w, x, y)
    need(close(found, wanted), f"30 events gave Q = {found:g}; baksan.Q gives {wanted:g}.")


def _slope(f: Asked) -> None:
    x, y, w = points(25, 3, seed=2)
    w = w + 0.5
    _, found = _q_and_slope(f, w, x, y)
    wanted = slope_by_differences(lambda v: _q_and_slope(f, v, x, y)[0], w)
    need(
        close(found, wanted, 1e-5),
        f"the weights {shown(w)} gave the slope {shown(found)}; moving each weight a little, your Q"
        f" changes by {shown(wanted)} for each unit.",
    )


def _twice(f: Asked) -> None:
    x, y, w = points(12, 2, seed=3)
    w = w + 0.5
    once = _q_and_slope(f, w, x, y)
    twice = _q_and_slope(f, w, np.vstack([x, x]), np.concatenate([y, y]))
    need(
        close(once[0], twice[0]) and close(once[1], twice[1]),
        f"each event listed twice changed Q from {once[0]:g} to {twice[0]:g}, or its slope from"
        f" {shown(once[1])} to {shown(twice[1])}; a mean does not change.",
    )


def _at_truth(f: Asked) -> None:
    x, y, w = points(20, 4, seed=4, noise=0.0)
    q, slope = _q_and_slope(f, w, x, y)
    need(
        abs(q) < 1e-20 and np.abs(slope).max() < 1e-9,
        f"for answers on a plane, the weights of the plane gave Q = {q:g} and the slope"
        f" {shown(slope)}; both vanish there.",
    )


# 02.2 ---------------------------------------------------------------------------------------------


def _weights(f: Asked, x: Array, y: Array, *weight: Array) -> Array:
    return f.array(
        x, y, *weight, shape=(x.shape[1] + 1,), what=f"1 + {x.shape[1]} weights, intercept first,"
    )  # fmt: skip


def _exact(f: Asked) -> None:
    for n, d in ((20, 3), (5, 1), (4, 3)):
        x, y, w = points(n, d, seed=5, noise=0.0)
        found = _weights(f, x, y)
        need(
            close(found, w, 1e-7),
            f"{n} events on the plane with the weights {shown(w)} gave {shown(found)}.",
        )


def _left(f: Asked, x: Array, y: Array) -> Array:
    w = _weights(f, x, y)
    return np.asarray(w[0] + x @ w[1:] - y)


def _sum_zero(f: Asked) -> None:
    x, y, _ = points(40, 2, seed=6)
    mean = _left(f, x, y + 5).mean()
    need(
        abs(mean) < 1e-8,
        f"the residuals of 40 events have the mean {mean:.3g}: moving the intercept by that would"
        " lower Q.",
    )


def _orthogonal(f: Asked) -> None:
    x, y, _ = points(40, 3, seed=7)
    along = x.T @ _left(f, x, y) / len(x)
    need(
        np.abs(along).max() < 1e-8,
        f"the mean of residual × feature is {shown(along)} for the three features; at the minimum"
        " no feature can explain any more of the residuals.",
    )


def _lowest(f: Asked) -> None:
    x, y, _ = points(30, 3, seed=8, noise=1.0)
    w = _weights(f, x, y)
    q, rng = _q(w, x, y), np.random.default_rng(9)
    for _ in range(50):
        other = w + 0.1 * rng.normal(size=4)
        need(
            _q(other, x, y) >= q,
            f"your weights {shown(w)} give Q = {q:.5f}, and {shown(other)} give"
            f" {_q(other, x, y):.5f}: yours are not at the minimum.",
        )


def _units(f: Asked) -> None:
    x, y, _ = points(30, 2, seed=10)
    w = _weights(f, x, y)
    scale = np.array([1000.0, 0.01])
    other = _weights(f, x * scale, y)
    need(
        close(other[1:] * scale, w[1:], 1e-6) and close(other[0], w[0], 1e-6),
        f"the features in other units, {shown(scale)} times the numbers, gave {shown(other)}"
        f" in place of {shown(w)}: the predictions are no longer the same.",
    )


# 02.3 ---------------------------------------------------------------------------------------------


def _weighted_points(seed: int) -> tuple[Array, Array, Array]:
    x, y, _ = points(24, 2, seed, noise=1.0)
    return x, y, np.random.default_rng(seed + 100).integers(1, 4, len(y)).astype(float)


def _event_twice(f: Asked) -> None:
    x, y, weight = _weighted_points(11)
    times = weight.astype(int)
    found = _weights(f, x, y, weight)
    listed = _weights(f, np.repeat(x, times, axis=0), np.repeat(y, times), np.ones(times.sum()))
    need(
        close(found, listed, 1e-7),
        f"weights of 1, 2 and 3 gave {shown(found)}; the same events listed once, twice and three"
        f" times, with weight 1, gave {shown(listed)}.",
    )


def _weight_zero(f: Asked) -> None:
    x, y, weight = _weighted_points(12)
    weight[:5] = 0.0
    found, without = _weights(f, x, y, weight), _weights(f, x[5:], y[5:], weight[5:])
    need(
        close(found, without, 1e-7),
        f"five events of weight 0 gave {shown(found)}; without them it is {shown(without)}.",
    )


def _common_factor(f: Asked) -> None:
    x, y, weight = _weighted_points(13)
    found, other = _weights(f, x, y, weight), _weights(f, x, y, 7 * weight)
    need(
        close(found, other, 1e-7),
        f"all weights seven times as large gave {shown(other)} in place of {shown(found)}.",
    )


def _weighted_orthogonal(f: Asked) -> None:
    x, y, weight = _weighted_points(14)
    w = _weights(f, x, y, weight)
    residual = w[0] + x @ w[1:] - y
    z = np.column_stack([np.ones(len(x)), x])
    along = (weight * residual) @ z / weight.sum()
    need(
        np.abs(along).max() < 1e-8,
        f"the weighted mean of residual × (1, x1, x2) is {shown(along)}; at the minimum of the"
        " weighted Q it vanishes.",
    )


# 02.4 ---------------------------------------------------------------------------------------------


def _on_a_plane(f: Asked) -> None:
    x, y, _ = points(10, 2, seed=15, noise=0.0)
    found = _weights(f, x, y)
    need(
        np.abs(found).max() < 1e-6,
        f"points exactly on a plane gave the errors {shown(found)}; nothing scatters there.",
    )


def _in_units(f: Asked) -> None:
    x, y, _ = points(15, 2, seed=16)
    found = _weights(f, x, y)
    need(found.min() > 0, f"errors are positive; came {shown(found)}.")
    louder = _weights(f, x, 3 * y)
    need(
        close(louder, 3 * found, 1e-7),
        f"three times the answers gave the errors {shown(louder)} in place of 3 × {shown(found)}:"
        " an error has the unit of y over that of its feature.",
    )
    scaled = _weights(f, x * np.array([10.0, 0.1]), y)
    need(
        close(scaled * np.array([1, 10, 0.1]), found, 1e-7),
        f"features in units ten times smaller and larger gave {shown(scaled)}, where"
        f" {shown(found)} had come before.",
    )


def _covers(f: Asked) -> None:
    rng, inside = np.random.default_rng(17), np.zeros(2)
    x = np.linspace(0.0, 3.0, 6)[:, None]
    z = np.column_stack([np.ones(6), x])
    repeats = 800
    for _ in range(repeats):
        y = 2.0 - x[:, 0] + rng.normal(size=6)
        fitted = np.linalg.lstsq(z, y, rcond=None)[0]
        inside += np.abs(fitted - [2.0, -1.0]) < _weights(f, x, y)
    share = inside / repeats
    need(
        np.abs(share - 0.626).max() < 0.035,
        f"in 800 experiments with 6 points on a line the truth lay within one error in a share"
        f" of {shown(share)} for intercept and slope; 0.626 is right. Think of the degrees of"
        " freedom, and of what lesson 2 says of few points.",
    )


EXERCISES = (
    Exercise(
        "02.1",
        "The loss and its slope",
        "loss_and_slope(w, x, y)",
        """
        `x` holds n events with d features, one a row, `y` their answers, and `w` the d + 1 weights
        of a plane, intercept first. Return two things: the mean square of the errors, Q, and its
        slope ∂Q/∂w, an array of d + 1 numbers. Do not change `w`.
        """,
        (
            ("Q is the mean square of the errors", _value),
            ("the slope is the derivative of Q", _slope),
            ("listing each event twice changes nothing", _twice),
            ("both vanish at the truth, where nothing is noisy", _at_truth),
        ),
    ),
    Exercise(
        "02.2",
        "The exact minimum",
        "least_squares(x, y)",
        """
        `x` holds n events with d features, one a row, `y` their answers. Return the d + 1 weights,
        intercept first, for which the mean square of the errors is smallest.
        """,
        (
            ("points on a plane give the plane", _exact),
            ("the residuals add up to zero", _sum_zero),
            ("the residuals are orthogonal to each feature", _orthogonal),
            ("no other weights have a smaller Q", _lowest),
            ("other units, other weights, the same predictions", _units),
        ),
    ),
    Exercise(
        "02.3",
        "Events that count more",
        "weighted_least_squares(x, y, weight)",
        """
        As 02.2, and each event has a `weight`, n numbers that are not negative: return the d + 1
        weights of the plane, intercept first, for which the *weighted* mean of the squared errors
        is smallest.
        """,
        (
            ("weight 2 is the event twice", _event_twice),
            ("weight 0 is no event", _weight_zero),
            ("a common factor of all weights does not matter", _common_factor),
            ("the weighted residuals are orthogonal to each feature", _weighted_orthogonal),
        ),
    ),
    Exercise(
        "02.4",
        "Errors that are right",
        "standard_errors(x, y)",
        """
        As 02.2; all answers scatter alike about a plane, nobody says how much. Return the d + 1
        standard errors of the weights of least squares, intercept first.
        """,
        (
            ("points on a plane leave no error", _on_a_plane),
            ("errors are positive, and carry units", _in_units),
            ("the truth lies within one error as often as promised", _covers),
        ),
    ),
)
