"""The linear model's descents and sums as loops, in the part of Python that Numba compiles.

The same functions run as plain Python, line by line, in a debugger too (`way="python"`), and as
machine code (`way="compiled"`). The features are standardised on the way: z_0 = 1, z_j = (x_j −
centre_j) · inverse_j, and never stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from baksan.solvers.kernels_cost import SOFTMAX, charge
from baksan.solvers.kernels_memory import prefetch
from baksan.solvers.kernels_single import singles

Array = NDArray[Any]

__all__ = ["LAYOUT", "ROWS", "descend", "descend_on_gram", "gram", "learn", "pull"]

TILE = 32
"""Rows whose predictions are made before their slopes: they stay in the fastest cache."""
ROWS = 256
"""Rows that the Gram matrix packs, and the gradient adds up, at a time."""
LAYOUT = (
    "code", "setting", "momentum", "nesterov", "l2", "l1", "projected", "averaged", "classes",
    "step", "cost", "mass", "loss", "gradient", "change",
    "features", "outputs", "at", "many", "weight",
)  # fmt: skip
"""The numbers at the head of `learn`'s memory; targets (k,), centre, inverse and rates follow, the
rates of `many` steps, of which the next is `at`."""


# Batches of events --------------------------------------------------------------------------------


@register_jitable
def _pull(
    x: Array, t: Array, weight: Array, centre: Array, inverse: Array, first: int, last: int,
    code: int, setting: float, w: Array, g: Array, u: Array, p: Array, slope: Array, cost: Array,
    total: Array,
) -> Any:  # fmt: skip
    """As `pull`, with room for w_j · inverse_j (k, d) and for a tile of rows: twice (k, TILE),
    twice (TILE,).
    """
    outputs, d = len(w), len(centre)
    for k in range(outputs):
        g[k, 0] = 0.0
        for j in range(d):
            u[k, j] = w[k, j + 1] * inverse[j]
            g[k, j + 1] = 0.0
    spent, mass = 0.0, 0.0
    for start in range(first, last, TILE):
        m = min(TILE, last - start)
        for k in range(outputs):
            for r in range(m):
                score = 0.0
                for j in range(d):
                    score += u[k, j] * (x[start + r, j] - centre[j])
                p[k, r] = score + w[k, 0]
        charge(code, setting, t, start, m, p, slope, cost, total)
        mass += _weigh(weight, start, m, slope, cost)
        for k in range(outputs):
            for r in range(m):
                s = slope[k, r]
                g[k, 0] += s
                for j in range(d):
                    g[k, j + 1] += s * (x[start + r, j] - centre[j])
        for r in range(m):
            spent += cost[r]
    for k in range(outputs):
        for j in range(d):
            g[k, j + 1] *= inverse[j]
    return spent, mass


@register_jitable
def _weigh(weight: Array, first: int, m: int, slope: Array, cost: Array) -> Any:
    """Costs and slopes become theirs times the weight; gives Σ weight."""
    if not len(weight):
        return float(m)
    mass = 0.0
    for r in range(m):
        mass += weight[first + r]
        cost[r] *= weight[first + r]
    for k in range(len(slope)):
        for r in range(m):
            slope[k, r] *= weight[first + r]
    return mass


def pull(
    x: Array, t: Array, weight: Array, centre: Array, inverse: Array, first: int, last: int,
    code: int, setting: float, w: Array, g: Array,
) -> Any:  # fmt: skip
    """g becomes Σ weight_i slope_i z_i over the rows first … last − 1.

    Gives Σ weight·cost and Σ weight. x (n, d); t (k, n) targets; weight (n,) with mean 1, or (0,)
    for 1 each; w and g (k, d + 1). Sums of 256 rows are added up: one long sum would lose a digit.
    """
    u, p = np.empty((len(w), len(centre))), np.empty((len(w), TILE))
    slope = np.empty_like(p)
    costs, total, some = np.empty(TILE), np.empty(TILE), np.empty_like(g)
    spent, mass = 0.0, 0.0
    g[:] = 0.0
    for start in range(first, last, ROWS):
        cost, size = _pull(
            x, t, weight, centre, inverse, start, min(start + ROWS, last), code, setting, w, some,
            u, p, slope, costs, total,
        )  # fmt: skip
        spent, mass = spent + cost, mass + size
        for k in range(len(g)):
            for j in range(g.shape[1]):
                g[k, j] += some[k, j]
    return spent, mass


@register_jitable
def _move(
    w: Array, velocity: Array, g: Array, rate: float, momentum: float, l1: float, projected: bool,
) -> Any:  # fmt: skip
    """One step against the gradient g, in place; gives |w_t − w_(t−1)|. g is overwritten."""
    outputs, width = w.shape
    norm = 0.0
    for k in range(outputs):
        for j in range(width):
            velocity[k, j] = momentum * velocity[k, j] - rate * g[k, j]
            moved = w[k, j] + velocity[k, j]
            if j > 0 and l1 > 0.0:
                moved = np.sign(moved) * max(abs(moved) - rate * l1, 0.0)
            g[k, j] = moved
            norm += moved * moved
    shrink = 1.0 / np.sqrt(norm) if projected and norm > 1.0 else 1.0
    moves = 0.0
    for k in range(outputs):
        for j in range(width):
            moves += (g[k, j] * shrink - w[k, j]) ** 2
            if l1 > 0.0 or projected:
                velocity[k, j] = g[k, j] * shrink - w[k, j]
            w[k, j] = g[k, j] * shrink
    return np.sqrt(moves)


@register_jitable
def _look(w: Array, velocity: Array, momentum: float, nesterov: bool, look: Array) -> None:
    """Where the gradient is taken: at w, or for Nesterov's momentum ahead of it."""
    ahead = momentum if nesterov else 0.0
    for k in range(len(w)):
        for j in range(w.shape[1]):
            look[k, j] = w[k, j] + ahead * velocity[k, j]


@register_jitable
def _penalise(g: Array, look: Array, size: float, l2: float) -> Any:
    """g becomes g / size + l2 · look, the intercept left free; gives |g|."""
    norm = 0.0
    for k in range(len(g)):
        for j in range(g.shape[1]):
            g[k, j] = g[k, j] / size + (l2 * look[k, j] if j > 0 else 0.0)
            norm += g[k, j] * g[k, j]
    return np.sqrt(norm)


@register_jitable
def _average(average: Array, w: Array, step: int) -> None:
    """The average of the iterates, with weight growing as t³."""
    share = 4.0 / (step + 4.0)
    for k in range(len(w)):
        for j in range(w.shape[1]):
            average[k, j] += share * (w[k, j] - average[k, j])


@register_jitable(inline="always")  # for `learn`, where a call costs more than the step
def descend(
    x: Array, t: Array, weight: Array, centre: Array, inverse: Array, first: int, batch: int,
    rates: Array, code: int, setting: float, momentum: float, nesterov: bool, l2: float, l1: float,
    projected: bool, averaged: bool, step: int, w: Array, velocity: Array, average: Array,
    cost: float, mass: float,
) -> Any:  # fmt: skip
    """len(rates) steps, each on the next `batch` rows of x, from row `first` on.

    x (n, d); t (k, n); weight (n,) with mean 1, or (0,) for 1 each; `step` counts the steps before.
    w, velocity, average (k, d + 1) change in place. Gives cost and mass grown by Σ weight·cost and
    Σ weight before each update, and of the last step the mean loss, |gradient| and |change|.
    """
    plain = momentum == 0.0 and l1 == 0.0 and not projected
    if plain and batch == 1 and len(w) == 1 and code != SOFTMAX:
        return singles(
            x, t, weight, centre, inverse, first, rates, code, setting, l2, averaged, step, w[0],
            velocity[0], average[0], cost, mass,
        )  # fmt: skip
    g, look = np.empty_like(w), np.empty_like(w)
    u, p = np.empty((len(w), len(centre))), np.empty((len(w), TILE))
    slope = np.empty((len(w), TILE))
    costs, total = np.empty(TILE), np.empty(TILE)
    loss, gradient, change = np.nan, np.nan, np.nan
    for s in range(len(rates)):
        start = first + s * batch
        last = min(start + batch, len(x))
        _look(w, velocity, momentum, nesterov, look)
        spent, size = _pull(
            x, t, weight, centre, inverse, start, last, code, setting, look, g, u, p, slope, costs,
            total,
        )  # fmt: skip
        cost, mass, loss = cost + spent, mass + size, spent / size if size != 0.0 else 0.0
        gradient = _penalise(g, look, last - start, l2)
        change = _move(w, velocity, g, rates[s], momentum, l1, projected)
        if averaged:
            _average(average, w, step + s)
    return cost, mass, loss, gradient, change


def learn(x: Array, y: float, weight: float, memory: Array, held: Array) -> int:
    """One step of `descend` on one event.

    x (d,); y a number, or a class index where a class is asked for; `held` (3, k, d + 1) weights,
    velocity and average; `memory` all else, in the order of `LAYOUT`. Gives 1; or, with nothing
    changed, 0 for an event that is not in order and 2 where the rates are used up. Two arrays and
    not twenty arguments, since each costs a tenth of a microsecond a call.
    """
    settings, ledger = memory[:9], memory[9:15]
    d, outputs, at, many = int(memory[15]), len(held[0]), int(memory[17]), int(memory[18])
    load, targets, rest = memory[19:20], memory[20 : 20 + outputs], memory[20 + outputs :]
    sound = y + weight
    for j in range(len(x)):
        sound += x[j]
    if not np.isfinite(sound) or weight < 0.0:
        return 0
    targets[0], load[0] = y, weight
    if settings[8] > 0.0:
        if y != np.floor(y) or y < 0 or y > max(outputs - 1, 1):
            return 0
        targets[0] = 2.0 * y - 1.0
        for k in range(outputs):
            if outputs > 1:
                targets[k] = 1.0 if y == k else -1.0
    if at == many:
        return 2
    row, t = x[np.newaxis, :], targets[:, np.newaxis]
    centre, inverse, rate = rest[:d], rest[d : 2 * d], rest[2 * d + at : 2 * d + at + 1]
    ledger[1], ledger[2], ledger[3], ledger[4], ledger[5] = descend(
        row, t, load, centre, inverse, 0, 1, rate, int(settings[0]), settings[1], settings[2],
        settings[3] > 0.0, settings[4], settings[5], settings[6] > 0.0, settings[7] > 0.0,
        int(ledger[0]), held[0], held[1], held[2], ledger[1], ledger[2],
    )  # fmt: skip
    ledger[0] += 1.0
    memory[17] += 1.0
    return 1


# Squared losses by their Gram matrix --------------------------------------------------------------


def descend_on_gram(
    gram: Array, slope: Array, loss: float, least: float, anchor: Array, mass: float, rates: Array,
    momentum: float, nesterov: bool, l2: float, l1: float, averaged: bool, step: int,
    tolerance: float, gradient_tolerance: float, w: Array, velocity: Array, average: Array,
    cost: float,
) -> tuple[int, float, float, float, float]:  # fmt: skip
    """len(rates) full steps of a squared loss, or fewer where the change or gradient is small.

    gram G (d + 1, d + 1) = Σ weight z zᵀ / Σ weight; slope (k, d + 1) and loss are those of Q at
    the anchor (k, d + 1). With δ = w − anchor, ∂Q/∂w = slope + 2 G δ and
    Q = loss + ⟨δ, slope + G δ⟩, `least` at least: a step costs (d + 1)² operations whatever the
    number of events.
    Gives the steps taken, cost grown by Σ weight·cost, and of the last step the loss, |gradient|
    and |change|.
    """
    g, look = np.empty_like(w), np.empty_like(w)
    q, gradient, change, taken = np.nan, np.nan, np.nan, 0
    outputs, width = w.shape
    for s in range(len(rates)):
        _look(w, velocity, momentum, nesterov, look)
        q = loss
        for k in range(outputs):
            for i in range(width):
                lean = 0.0
                for j in range(width):
                    lean += gram[i, j] * (look[k, j] - anchor[k, j])
                q += (look[k, i] - anchor[k, i]) * (slope[k, i] + lean)
                g[k, i] = slope[k, i] + 2.0 * lean
        q = max(q, least)
        cost += mass * q
        gradient = _penalise(g, look, 1.0, l2)
        change = _move(w, velocity, g, rates[s], momentum, l1, False)
        if averaged:
            _average(average, w, step + s)
        taken = s + 1
        if change < tolerance or gradient < gradient_tolerance:
            break
    return taken, cost, q, gradient, change


def gram(
    x: Array, t: Array, weight: Array, shift: Array, first: int, last: int, sums: Array
) -> None:
    """Adds Σ weight_i v_i v_iᵀ over the rows first … last − 1 to sums, v = (x, t, 1) − shift.

    x (n, d); t (k, n); weight (n,) or (0,) for 1 each; shift (d + k,); sums (D, D) with D from
    d + k + 1 up a multiple of 4, of which the lower triangle counts. Rows are packed 256 at a time
    as columns, shifted, and multiplied four columns by four, which keeps 16 sums in registers: the
    matrix is tall and thin, where this is faster than a general product. Meanwhile the memory is
    asked for the next rows.
    """
    d, k, tall = x.shape[1], len(t), len(sums)
    pack, root, ahead = np.zeros((tall, ROWS)), np.ones(ROWS), -(-4 * ROWS // tall)
    for start in range(first, last, ROWS):
        m = min(ROWS, last - start)
        if m < ROWS:
            pack[:] = 0.0
        _packed(x, shift, start, m, pack)
        for j in range(k):
            for r in range(m):
                pack[d + j, r] = t[j, start + r] - shift[d + j]
        for r in range(m):
            pack[d + k, r] = 1.0
        if len(weight):
            for r in range(m):
                root[r] = np.sqrt(weight[start + r])
            for j in range(d + k + 1):
                for r in range(m):
                    pack[j, r] *= root[r]
        for j in range(0, tall, 4):
            prefetch(x, start + ROWS + j // 4 * ahead, ahead)
            for i in range(0, j + 1, 4):
                _four_by_four(pack, j, i, sums)


@register_jitable
def _packed(x: Array, shift: Array, first: int, m: int, pack: Array) -> None:
    """The rows first … first + m − 1 of x − shift as columns.

    Eight rows are named one by one: a loop over them would be made of instructions that gather
    from far apart, which take five times as long.
    """
    d, whole = x.shape[1], m // 8 * 8
    for r in range(0, whole, 8):
        i = first + r
        for j in range(d):
            c = shift[j]
            pack[j, r], pack[j, r + 1] = x[i, j] - c, x[i + 1, j] - c
            pack[j, r + 2], pack[j, r + 3] = x[i + 2, j] - c, x[i + 3, j] - c
            pack[j, r + 4], pack[j, r + 5] = x[i + 4, j] - c, x[i + 5, j] - c
            pack[j, r + 6], pack[j, r + 7] = x[i + 6, j] - c, x[i + 7, j] - c
    for j in range(d):
        for r in range(whole, m):
            pack[j, r] = x[first + r, j] - shift[j]


@register_jitable
def _four_by_four(pack: Array, j: int, i: int, sums: Array) -> None:
    """Adds the products of the columns j … j + 3 with i … i + 3 to sums."""
    p0, p1, p2, p3 = pack[j], pack[j + 1], pack[j + 2], pack[j + 3]
    q0, q1, q2, q3 = pack[i], pack[i + 1], pack[i + 2], pack[i + 3]
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = 0.0
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = 0.0
    for r in range(ROWS):
        a, b, c, d = p0[r], p1[r], p2[r], p3[r]
        e, f, g, h = q0[r], q1[r], q2[r], q3[r]
        s00, s01, s02, s03 = s00 + a * e, s01 + a * f, s02 + a * g, s03 + a * h
        s10, s11, s12, s13 = s10 + b * e, s11 + b * f, s12 + b * g, s13 + b * h
        s20, s21, s22, s23 = s20 + c * e, s21 + c * f, s22 + c * g, s23 + c * h
        s30, s31, s32, s33 = s30 + d * e, s31 + d * f, s32 + d * g, s33 + d * h
    for n, row in enumerate(
        ((s00, s01, s02, s03), (s10, s11, s12, s13), (s20, s21, s22, s23), (s30, s31, s32, s33))
    ):
        for m in range(4):
            sums[j + n, i + m] += row[m]
