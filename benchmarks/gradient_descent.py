"""Gradient descent against NumPy, which reads the events twice a step: x @ w, then slope @ x.

Its threads may cost more than they gain: NumPy takes one, or all, whichever is faster in 20 steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from side_by_side import Row, Side, coefficients, fastest, race, run, same, times_faster
from threadpoolctl import threadpool_limits

import baksan as bk

THREADS, D, RATE = 2, 20, 0.05
TRIED = (
    "tiles of 16 to 256 events, as they lie, transposed, padded; two, four and eight rows at a"
    " time; memory asked for ahead; with 2 threads to read the events alone takes half of our time"
)


def rows(quick: bool) -> Iterator[Row]:
    n, scale = (100_000, 10) if quick else (1_000_000, 1)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, D)) * rng.uniform(0.5, 2.0, D)
    p = 0.5 + x @ rng.uniform(-1.0, 1.0, D) + rng.standard_normal(n)
    yield claim(bk.Samples(x, p), bk.losses.squared, squared_slope, 1000 // scale, 500)
    X = bk.Samples(x, (p > 0).astype(np.int64), class_names=("hadron", "gamma"))
    yield claim(X, bk.losses.logistic, logistic_slope, 100 // scale, 4)


def claim(X: bk.Samples, loss: bk.Loss, slope: Callable, steps: int, floor: float) -> Row:
    solver = bk.GradientDescent(RATE, steps=steps)
    line = bk.Linear(standardise=False)
    x, y = X.x, X.y.astype(float)
    threads = fastest({
        number: Side(lambda number=number: in_numpy(x, y, slope, 20, number))
        for number in (1, THREADS)
    })  # fmt: skip
    sides = {
        "ours": Side(lambda: bk.fit(line, X, loss, solver, start="zero").model),
        "NumPy": Side(lambda: in_numpy(x, y, slope, steps, threads)),
    }
    name = f"{steps:,} steps of gradient descent, {loss.name}, {len(X):,} × {D}"
    return times_faster(name, race(sides, same_iterates), "NumPy", floor, tried=TRIED)


def same_iterates(name: str, ours: bk.Linear, theirs: np.ndarray) -> None:
    same(f"the last step, against {name}", coefficients(ours), theirs, rtol=1e-11)


def in_numpy(x: np.ndarray, y: np.ndarray, slope: Callable, steps: int, threads: int) -> np.ndarray:
    """Intercept and weights after so many steps from 0."""
    w, w0 = np.zeros(x.shape[1]), 0.0
    with threadpool_limits(threads):
        for _ in range(steps):
            s = slope(x @ w + w0, y)
            w0 -= RATE * s.mean()
            w -= RATE / len(s) * (s @ x)
    return np.concatenate([[w0], w])


def squared_slope(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 2.0 * (p - y)


def logistic_slope(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-p)) - y


if __name__ == "__main__":
    run(rows, threads=THREADS)
