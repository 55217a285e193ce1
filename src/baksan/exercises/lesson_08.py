"""Exercises of lesson 8, networks at work: their numbers, Adam, patience, a spread."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise

Array = NDArray[Any]

__all__ = ["EXERCISES"]


# 08.1 ---------------------------------------------------------------------------------------------


def _no_layers(f: Asked) -> None:
    for features, outputs in ((10, 1), (3, 4)):
        found = f.number(features, [], outputs)
        need(
            found == (features + 1) * outputs,
            f"without hidden layers, {features} features and {outputs} output(s) gave {found:g}; an"
            " output is then a linear model of the features, with its intercept.",
        )


def _one_more_neuron(f: Asked) -> None:
    for features, hidden, outputs in ((10, [64], 1), (5, [7, 4], 3)):
        more = f.number(features, [*hidden[:-1], hidden[-1] + 1], outputs)
        found = more - f.number(features, hidden, outputs)
        heard = ([features, *hidden])[-2]
        need(
            found == heard + 1 + outputs,
            f"{features} features, hidden {hidden}: one neuron more in the last hidden layer makes"
            f" {found:g} numbers more; it hears {heard} inputs, has a bias, and is heard by"
            f" {outputs} output(s).",
        )


def _layers_add_up(f: Asked) -> None:
    whole = f.number(6, [9, 5, 8], 2)
    parts = f.number(6, [9], 5), f.number(5, [8], 2)
    need(
        whole == sum(parts),
        f"6 features, hidden [9, 5, 8], 2 outputs have {whole:g}. Its lower half, 6 features,"
        f" [9], 5 outputs, has {parts[0]:g} and its upper half, 5 inputs, [8], 2 outputs,"
        f" {parts[1]:g}, together {sum(parts):g}.",
    )


# 08.2 ---------------------------------------------------------------------------------------------


def _moves(f: Asked, gradients: Array, rate: float) -> Array:
    return f.array(gradients, rate, shape=gradients.shape)


def _steady(f: Asked) -> None:
    size = np.array([3.0, -0.2, 50.0])
    found = _moves(f, np.tile(size, (6, 1)), 0.01)
    for t in (0, 5):
        need(
            close(found[t] / 0.01, -np.sign(size), 1e-6),
            f"six equal gradients {shown(size)}, rate 0.01: move {t + 1} is {shown(found[t])};"
            " each parameter moves by the rate, against its slope. Mind 1 − β^t: the averages"
            " begin at 0.",
        )


def _other_units(f: Asked) -> None:
    gradients = np.random.default_rng(1).normal(size=(8, 2))
    found, other = _moves(f, gradients, 0.1), _moves(f, 1000.0 * gradients, 0.1)
    need(
        close(found, other, 1e-5),
        f"gradients a thousand times as large made the last move {shown(other[-1])} in place of"
        f" {shown(found[-1])}; only their sizes relative to each other count.",
    )


def _one_push(f: Asked) -> None:
    gradients = np.zeros((10, 1))
    gradients[0] = 2.0
    found = _moves(f, gradients, 1.0)[:, 0]
    t = np.arange(1, 11)
    wanted = (-0.1 * 0.9 ** (t - 1) / (1 - 0.9**t)) / np.sqrt(
        0.001 * 0.999 ** (t - 1) / (1 - 0.999**t)
    )
    worst = int(np.argmax(np.abs(found - wanted)))
    need(
        close(found, wanted, 1e-5),
        f"a single gradient of 2 and zeros after it, rate 1: move {worst + 1} is"
        f" {found[worst]:.5g}. By then m/(1 − 0.9^t) and v/(1 − 0.999^t) have faded so far that it"
        f" is {wanted[worst]:.5g}.",
    )


# 08.3 ---------------------------------------------------------------------------------------------


def _ended(f: Asked, losses: Array, patience: int) -> tuple[int, int]:
    stop, best = f.arrays(losses, patience, shapes=((), ()), what="the last look and the best")
    need(
        stop in range(len(losses)) and best in range(len(losses)),
        f"of {len(losses)} looks, counted from 0, came the last {float(stop):g} and the best"
        f" {float(best):g}.",
    )
    return int(stop), int(best)


def _curves() -> list[Array]:
    """Losses of a training that falls at first, then rises, with noise."""
    rng = np.random.default_rng(2)
    t = np.arange(40)
    return [np.round(1 / (1 + t) + 0.01 * t + s * rng.normal(size=40), 4) for s in (0, 0.05, 0.2)]


def _best_of_seen(f: Asked) -> None:
    for losses in _curves():
        for patience in (1, 4, 9):
            stop, best = _ended(f, losses, patience)
            seen = losses[: stop + 1]
            need(
                best <= stop and losses[best] == seen.min(),
                f"patience {patience}: it stopped at look {stop} and kept the weights of look"
                f" {best}, whose loss was {losses[best]:g}; the lowest seen by then is"
                f" {seen.min():g}.",
            )


def _patient(f: Asked) -> None:
    losses = np.array([9.0, 5.0, 6.0, 4.0, 4.5, 4.2, 4.1, 4.0, 3.0, 2.0])
    for patience, wanted in ((1, 2), (2, 5), (3, 6), (4, 7), (5, 9)):
        stop, _ = _ended(f, losses, patience)
        need(
            stop == wanted,
            f"patience {patience}, losses {losses.tolist()}: it stopped at look {stop}. It waits"
            f" until the best loss is {patience} look(s) old, or the looks are over, and an equal"
            f" loss is no better one: look {wanted}.",
        )


def _no_future(f: Asked) -> None:
    losses = _curves()[1]
    before = _ended(f, losses, 3)
    losses[before[0] + 1 :] = -1.0
    after = _ended(f, losses, 3)
    need(
        after == before,
        f"it stopped at look {before[0]} and kept {before[1]}; with other losses after that it is"
        f" {after[0]} and {after[1]}: it knew the future.",
    )


# 08.4 ---------------------------------------------------------------------------------------------


def _cost(f: Asked, m: Array, s: Array, y: Array) -> list[Array]:
    return f.arrays(
        m, s, y, shapes=(y.shape,) * 3, what="the costs, their slopes in m, their slopes in s"
    )


def _density(f: Asked) -> None:
    y = np.linspace(-40.0, 60.0, 20_001)
    for mean, spread in ((0.0, 1.0), (7.0, 3.0)):
        held = np.full(y.shape, mean), np.full(y.shape, np.log(spread))
        cost = np.clip(_cost(f, *held, y)[0], -50.0, 700.0)
        area = float(np.sum(np.exp(-cost)) * (y[1] - y[0]))
        need(
            close(area, 1.0, 1e-6),
            f"m = {mean:g}, σ = {spread:g}: the area under exp(−cost) over all y is {area:.5g}; the"
            " cost is minus the logarithm of a density, whose area is 1.",
        )


def _slopes_of_cost(f: Asked) -> None:
    rng = np.random.default_rng(3)
    m, s, y = rng.normal(size=12), 0.5 * rng.normal(size=12), 2 * rng.normal(size=12)
    found, h = _cost(f, m, s, y), 1e-5
    for part, name, up, down in (
        (1, "m", (m + h, s), (m - h, s)),
        (2, "s = ln σ", (m, s + h), (m, s - h)),
    ):
        wanted = (_cost(f, *up, y)[0] - _cost(f, *down, y)[0]) / (2 * h)
        k = int(np.argmax(np.abs(found[part] - wanted)))
        need(
            close(found[part], wanted, 1e-6),
            f"m = {m[k]:.3f}, s = {s[k]:.3f}, y = {y[k]:.3f}: the slope in {name} is"
            f" {found[part][k]:.4g}, but your cost changes by {wanted[k]:.4g} for each unit of it.",
        )


def _best_at_mean(f: Asked) -> None:
    y = 5.0 + 2.0 * np.random.default_rng(4).normal(size=300)
    m, s = np.full(300, y.mean()), np.full(300, np.log(y.std()))
    _, in_m, in_s = _cost(f, m, s, y)
    need(
        close(in_m.sum(), 0.0, 1e-6) and close(in_s.sum(), 0.0, 1e-6),
        "for 300 answers, with their own mean and standard deviation as m and σ, the slopes sum to"
        f" {in_m.sum():.4g} and {in_s.sum():.4g}; the cost is lowest there, so both are 0.",
    )


EXERCISES = (
    Exercise(
        "08.1",
        "How many numbers",
        "how_many(features, hidden, outputs)",
        """
        A network hears so many `features`, has hidden layers of the widths in the list `hidden`
        (which may be empty), and so many `outputs`. Every neuron and every output has a weight for
        each of its inputs, and a bias. Return how many numbers are to be learned.
        """,
        (
            ("without hidden layers it is a linear model", _no_layers),
            ("one neuron more costs what it hears and says", _one_more_neuron),
            ("halves add up to the whole", _layers_add_up),
        ),
    ),
    Exercise(
        "08.2",
        "Adam",
        "adam_moves(gradients, rate)",
        """
        `gradients`, (T, P), holds the gradient of P parameters in each of T steps. Return Adam's
        moves, (T, P): with m ← 0.9 m + 0.1 g and v ← 0.999 v + 0.001 g², both from 0, the move of
        step t = 1 … T is −rate · m̂ / (√v̂ + 10⁻⁸), where m̂ = m / (1 − 0.9^t) and
        v̂ = v / (1 − 0.999^t).
        """,
        (
            ("a steady slope moves each parameter by the rate", _steady),
            ("the unit of the gradient does not matter", _other_units),
            ("a single push fades as its averages do", _one_push),
        ),
    ),
    Exercise(
        "08.3",
        "Patience",
        "ended(losses, patience)",
        """
        `losses` holds the loss on held-back events at each look, in order. A run stops at the first
        look at which the lowest loss so far is `patience` looks old, or else at the last one; only
        a lower loss makes a new lowest. Return two numbers, counted from 0: the look at which it
        stops, and the look whose weights are kept, the one with the lowest loss.
        """,
        (
            ("the best of the looks seen is kept", _best_of_seen),
            ("it waits as long as it was told", _patient),
            ("it does not know the future", _no_future),
        ),
    ),
    Exercise(
        "08.4",
        "A mean and its spread",
        "spread_cost(m, s, y)",
        """
        A network has two outputs an event, `m` and `s`, the mean of the answer and the logarithm of
        its standard deviation, s = ln σ; `y` are the answers; all of them (n,). The cost of an
        event is minus the logarithm of the normal density of y with this mean and σ. Return the
        costs, their slopes in m, and their slopes in s, three arrays of n numbers.
        """,
        (
            ("exp(−cost) is a density", _density),
            ("the slopes are the derivatives", _slopes_of_cost),
            ("mean and standard deviation are the best constants", _best_at_mean),
        ),
    ),
)
