"""Exercises of lesson 7, neurons and layers: forward, a bend, the way back, exclusive or."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise

Array = NDArray[Any]

__all__ = ["EXERCISES"]


# 07.1 ---------------------------------------------------------------------------------------------


def _layer(events: int, inputs: int, width: int, seed: int) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    h = rng.normal(size=(events, inputs))
    return h, rng.normal(size=(inputs, width)), rng.normal(size=width)


def _said(f: Asked, h: Array, weight: Array, bias: Array) -> Array:
    return f.array(h, weight, bias, shape=(len(h), len(bias)))


def _above(f: Asked) -> None:
    h, weight, bias = _layer(7, 3, 3, seed=1)
    bias = bias + 50.0
    found = _said(f, h, weight, bias)[0, 0]
    wanted = float(h[0] @ weight[:, 0]) + bias[0]
    need(
        close(_said(f, h, weight, bias), np.sum(h[:, :, None] * weight, axis=1) + bias),
        f"the bias {bias[0]:.4g} lifts all sums above 0, and the inputs {shown(h[0])} of a neuron"
        f" with the weights {shown(weight[:, 0])} gave {found:.6g}; their sum is {wanted:.6g}.",
    )


def _below(f: Asked) -> None:
    h, weight, bias = _layer(7, 3, 4, seed=2)
    found = _said(f, h, weight, bias - 50.0)
    need(
        not found.any(),
        f"with sums of about −50 the largest output is {found.max():.4g}, the smallest"
        f" {found.min():.4g}; below 0 a relu says 0.",
    )


def _apart(f: Asked) -> None:
    h, weight, bias = _layer(6, 4, 5, seed=3)
    whole = _said(f, h, weight, bias)
    for k in (0, 3):
        alone = _said(f, h, weight[:, [k]], bias[[k]])[:, 0]
        need(
            close(alone, whole[:, k]),
            f"neuron {k} of five says {shown(whole[:, k])}, and alone, with the same weights,"
            f" {shown(alone)}; neurons of one layer do not hear each other.",
        )


def _one_event(f: Asked) -> None:
    h, weight, bias = _layer(6, 4, 5, seed=4)
    whole = _said(f, h, weight, bias)
    alone = _said(f, h[[2]], weight, bias)[0]
    need(
        close(alone, whole[2]),
        f"event 2 of six gave {shown(whole[2])}, and alone {shown(alone)}; what a layer makes of an"
        " event has nothing to do with other events.",
    )


# 07.2 ---------------------------------------------------------------------------------------------


def _bent(f: Asked, u: Array) -> tuple[Array, Array]:
    value, slope = f.arrays(u, shapes=(u.shape, u.shape), what="the values and their slopes")
    return value, slope


def _known(f: Asked) -> None:
    value, _ = _bent(f, np.array([0.0, np.log(3.0)]))
    need(
        close(value, [0.0, 0.75 * np.log(3.0)]),
        f"u = 0 and u = ln 3 = 1.0986 gave {shown(value)}; put e^(−ln 3) = 1/3 into the formula:"
        " ¾ ln 3 = 0.8240.",
    )


def _two_sides(f: Asked) -> None:
    u = np.linspace(0.1, 6.0, 20)
    gap = _bent(f, u)[0] - _bent(f, -u)[0]
    need(
        close(gap, u),
        f"f(6) − f(−6) is {gap[-1]:.6g}; for this bend f(u) − f(−u) = u, as for the relu.",
    )


def _slope_of_bend(f: Asked) -> None:
    u, h = np.linspace(-5, 5, 31), 1e-5
    wanted = (_bent(f, u + h)[0] - _bent(f, u - h)[0]) / (2 * h)
    found = _bent(f, u)[1]
    worst = int(np.argmax(np.abs(found - wanted)))
    need(
        close(found, wanted, 1e-6),
        f"at u = {u[worst]:.2f} the slope is {found[worst]:.4g}, but your f changes there by"
        f" {wanted[worst]:.4g} for each unit of u. Both factors of f depend on u.",
    )


def _far_out(f: Asked) -> None:
    value, slope = _bent(f, np.array([-1000.0, 1000.0]))
    need(
        close(value, [0.0, 1000.0]) and close(slope, [0.0, 1.0]),
        f"u = −1000 and 1000 gave {shown(value)} with the slopes {shown(slope)}; far out it is the"
        " relu. The largest number that a computer can hold is about e^709.",
    )


# 07.3 ---------------------------------------------------------------------------------------------


def _back(f: Asked, s: Array, h: Array, weight: Array, bias: Array) -> list[Array]:
    return f.arrays(
        s, h, weight, bias, shapes=(weight.shape, bias.shape, h.shape),
        what="∂Q/∂W, ∂Q/∂b and ∂Q/∂h",
    )  # fmt: skip


def _by_differences(q: Callable[[Array], float], at: Array) -> Array:
    """∂q/∂(each number of `at`), by moving each a little to either side."""
    slopes = np.empty(at.shape)
    for place in np.ndindex(at.shape):
        moved = np.zeros(at.shape)
        moved[place] = 1e-5
        slopes[place] = (q(at + moved) - q(at - moved)) / 2e-5
    return slopes


def _agrees(part: int, name: str) -> Callable[[Asked], None]:
    """The law that this part of the answer is what Q = Σ s · tanh(h W + b) changes by."""

    def law(f: Asked) -> None:
        for events, inputs, width in ((5, 3, 3), (4, 3, 2)):
            arrays = list(_layer(events, inputs, width, seed=events))
            s = np.random.default_rng(9).normal(size=(events, width))
            moved = (1, 2, 0)[part]

            def q(
                x: Array, arrays: list[Array] = arrays, moved: int = moved, s: Array = s
            ) -> float:
                h, weight, bias = (x if k == moved else one for k, one in enumerate(arrays))
                return float(np.sum(s * np.tanh(h @ weight + bias)))

            found = _back(f, s, *arrays)[part]
            wanted = _by_differences(q, arrays[moved])
            worst = np.unravel_index(int(np.argmax(np.abs(found - wanted))), wanted.shape)
            place = ", ".join(str(int(k)) for k in worst)
            need(
                close(found, wanted, 1e-6),
                f"entry [{place}] of {name} is {found[worst]:.5g}; where that number is moved a"
                f" little, Q changes by {wanted[worst]:.5g} for each unit.",
            )

    return law


# 07.4 ---------------------------------------------------------------------------------------------


def _outputs(f: Asked, low: float, high: float) -> Array:
    """What the student's network says of the inputs (low, low), (high, high), (low, high), …"""
    weight, bias, out, constant = f.arrays(
        low, high, shapes=((2, 2), (2,), (2,), ()), what="W, b, v and c"
    )
    x = np.array([[low, low], [high, high], [low, high], [high, low]])
    return np.asarray(np.maximum(x @ weight + bias, 0) @ out + constant)


def _same_says_0(f: Asked) -> None:
    both = _outputs(f, 0.0, 1.0)[:2]
    need(
        close(both, 0.0),
        f"of the inputs (0, 0) and (1, 1) the network says {shown(both)}; both must give 0.",
    )


def _other_says_1(f: Asked) -> None:
    either = _outputs(f, 0.0, 1.0)[2:]
    need(
        close(either, 1.0),
        f"of the inputs (0, 1) and (1, 0) the network says {shown(either)}; both must give 1.",
    )


def _any_levels(f: Asked) -> None:
    for low, high in ((-1.0, 1.0), (2.0, 5.0), (-0.3, 0.1)):
        found = _outputs(f, low, high)
        need(
            close(found, [0.0, 0.0, 1.0, 1.0]),
            f"with low = {low:g} and high = {high:g} it says {shown(found)} of (low, low),"
            " (high, high), (low, high) and (high, low); it must say 0, 0, 1, 1.",
        )


EXERCISES = (
    Exercise(
        "07.1",
        "A layer of neurons",
        "neurons(h, W, b)",
        """
        `h` holds n events with d inputs, one a row. Column k of `W`, (d, m), are the weights of
        neuron k, and `b` holds the m biases. Return what the m neurons of this layer say of each
        event, (n, m), with the relu as activation.
        """,
        (
            ("above its threshold a neuron is a line", _above),
            ("below it, it is silent", _below),
            ("neurons do not hear each other", _apart),
            ("events do not hear each other", _one_event),
        ),
    ),
    Exercise(
        "07.2",
        "A bend and its slope",
        "silu(u)",
        """
        `u` is an array of sums. Return two arrays of its shape: the activation
        f(u) = u / (1 + exp(−u)), called silu, and its slope ∂f/∂u; also for sums of some thousands,
        of either sign, without an overflow.
        """,
        (
            ("it is 0 at 0, and ¾ ln 3 at ln 3", _known),
            ("f(u) − f(−u) = u", _two_sides),
            ("the slope is the derivative", _slope_of_bend),
            ("far out it is the relu", _far_out),
        ),
    ),
    Exercise(
        "07.3",
        "The way back",
        "layer_back(s, h, W, b)",
        """
        A layer of m neurons with tanh makes tanh(h W + b) of its inputs `h`, (n, d), with `W`,
        (d, m), and `b`, (m,). From above it is told how Q changes with each of its outputs, `s`,
        (n, m). Return how Q changes with its own numbers and with its inputs: ∂Q/∂W, ∂Q/∂b and
        ∂Q/∂h, each of the shape of what is moved.
        """,
        (
            ("∂Q/∂W is what Q changes by", _agrees(0, "∂Q/∂W")),
            ("∂Q/∂b is what Q changes by", _agrees(1, "∂Q/∂b")),
            ("∂Q/∂h is what Q changes by", _agrees(2, "∂Q/∂h")),
        ),
    ),
    Exercise(
        "07.4",
        "Exclusive or, by hand",
        "exclusive_or(low, high)",
        """
        Either of two inputs is `low` or `high` (low < high). Choose the numbers of a network of two
        neurons with relu, relu(x W + b) · v + c, that says 1 where the inputs differ and 0 where
        they are the same. Return them: W, (2, 2), a column for each neuron; b, (2,); v, (2,); c,
        one number.
        """,
        (
            ("it says 0 where both are the same", _same_says_0),
            ("it says 1 where they differ", _other_says_1),
            ("whatever the two levels are", _any_levels),
        ),
    ),
)
