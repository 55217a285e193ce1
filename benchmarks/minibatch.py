"""Mini-batch logistic regression, shuffled, d = 20, against PyTorch and Keras on JAX at their best.

PyTorch slices its batches by hand out of a permuted copy, far faster than its DataLoader, and takes
the steps by hand, 1.5 times as fast as its optimisers; Keras takes many steps per execution. Both
calculate in single precision, their own choice and the faster one, we in double. First each takes
one epoch in order from 0 and must end with our weights.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import numpy as np
from side_by_side import (
    CPU_BUILD,
    Row,
    Side,
    coefficients,
    competitor,
    fastest,
    race,
    run,
    same,
    times_faster,
)

import baksan as bk

THREADS, D, RATE = 2, 20, 0.05
FEWER = 128_000  # events that the slow ones see: whole executions of 50 steps of 32 or 256
TRIED = (
    "windows of 8,192 to 65,536 events, orders drawn and rows gathered in threads of their own, a"
    " shuffle three times as fast as NumPy's, memory asked for 4 to 64 rows ahead, two and four"
    " rows at a time, tiles of 16 to 256"
)
FLOORS = {32: (45, 9), 256: (9, 5)}  # by the size of a batch: against PyTorch, against Keras


def rows(quick: bool) -> Iterator[Row]:
    X = events(200_000 if quick else 1_000_000)
    for m, (pytorch_floor, keras_floor) in FLOORS.items():
        sides = {"ours": Side(lambda m=m: ours(X, m, epochs=5), 5 * len(X))}
        wanted = {}
        if competitor("torch", "torch==2.13.0", CPU_BUILD):
            sides["PyTorch"], wanted["PyTorch"] = pytorch(X, m), pytorch_floor
        os.environ["KERAS_BACKEND"] = "jax"
        if competitor("jax") and competitor("keras"):
            sides["Keras on JAX"], wanted["Keras on JAX"] = keras_on_jax(X, m), keras_floor
        seconds = race(sides, lambda *_: None)
        for name, floor in wanted.items():
            claim = f"mini-batch, logistic, m = {m}, shuffled, d = {D}"
            yield times_faster(claim, seconds, name, floor, rates=True, tried=TRIED)


def events(n: int) -> bk.Samples:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, D))
    p = 0.5 + x @ rng.uniform(-1.0, 1.0, D) + rng.logistic(size=n)
    return bk.Samples(x, (p > 0).astype(np.int64), class_names=("hadron", "gamma"))


def ours(X: bk.Samples, m: int, *, epochs: int, shuffle: bool = True) -> bk.Linear:
    solver = bk.MiniBatch(RATE, batch=m, epochs=epochs, shuffle=shuffle)
    line = bk.Linear(standardise=False)
    return bk.fit(line, X, bk.losses.logistic, solver, start="zero").model


def same_in_order(name: str, X: bk.Samples, m: int, theirs: Callable[[bool], np.ndarray]) -> None:
    """One epoch without shuffling; single precision agrees to 1e-3."""
    found = coefficients(ours(X, m, epochs=1, shuffle=False))
    same(f"weights after an epoch, against {name}", found, theirs(False), rtol=1e-3)


def pytorch(X: bk.Samples, m: int) -> Side:
    """On one thread: several only wait for one another at such sizes."""
    import torch

    torch.set_num_threads(1)
    few = X.take(np.arange(FEWER))
    x, y = (torch.tensor(values, dtype=torch.float32) for values in (few.x, few.y))

    def epoch(shuffle: bool) -> np.ndarray:
        w, w0 = torch.zeros(D, requires_grad=True), torch.zeros(1, requires_grad=True)
        order = torch.randperm(len(x)) if shuffle else torch.arange(len(x))
        for xs, ys in zip(x[order].split(m), y[order].split(m), strict=True):
            w.grad = w0.grad = None
            p = torch.mv(xs, w) + w0
            torch.nn.functional.binary_cross_entropy_with_logits(p, ys).backward()
            with torch.no_grad():
                w.sub_(w.grad, alpha=RATE)
                w0.sub_(w0.grad, alpha=RATE)
        return torch.cat([w0, w]).detach().numpy()

    same_in_order("PyTorch", few, m, epoch)
    return Side(lambda: epoch(True), len(x))


def keras_on_jax(X: bk.Samples, m: int) -> Side:
    """Compiled, 50 or 250 steps per execution."""
    few = X.take(np.arange(FEWER))
    x, y = few.x.astype(np.float32), few.y.astype(np.float32)
    settings = {}
    for steps in (50, 250):
        line = keras_line(steps)
        settings[f"{steps} steps per execution"] = Side(
            lambda line=line: line.fit(x, y, batch_size=m, shuffle=True, verbose=0), len(x)
        )

    def epoch(shuffle: bool) -> np.ndarray:
        line = keras_line(50)
        line.fit(x, y, batch_size=m, shuffle=shuffle, verbose=0)
        w, w0 = line.get_weights()
        return np.concatenate([w0, w[:, 0]])

    same_in_order("Keras", few, m, epoch)
    return settings[fastest(settings)]


def keras_line(steps: int):
    import keras

    layer = keras.layers.Dense(1, kernel_initializer="zeros")
    line = keras.Sequential([keras.Input((D,)), layer])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    line.compile(keras.optimizers.SGD(RATE), loss, steps_per_execution=steps)
    return line


if __name__ == "__main__":
    run(rows, threads=THREADS)
