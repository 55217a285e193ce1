"""Training of a 10→64→64→1 relu network with Adam, against PyTorch, scikit-learn, Keras, bare JAX.

All calculate in single precision and begin with the same weights (scikit-learn draws its own, of
the same size); after four epochs their losses on the events must be the same within 8 %. Then
samples a second are compared. Ours is `fit` as a user calls it: 20 epochs, history and beginning
counted; the others' epochs are all alike, and they take fewer. The bare JAX scan is what is left if
all but the steps is taken away: an order drawn by NumPy, a gather, one compiled loop over the
batches of an epoch, which JAX works on while NumPy draws the next order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from side_by_side import CPU_BUILD, Row, Side, competitor, fastest, race, run, same, times_faster

import baksan as bk
from baksan.fit import ready
from baksan.solvers.base import Problem

THREADS, D, RATE, EPOCHS, CHECKED, WIDTHS = 2, 10, 1e-3, 20, 4, (64, 64)
OTHERS = ("PyTorch, sliced", "PyTorch, DataLoader", "scikit-learn", "Keras on JAX", "bare JAX scan")
FLOORS = {64: (9, 25, 8, 3.5, 0.9), 256: (4, 12, 3.6, 1.6, 0.9), 1024: (2.2, 12, 3, 1.3, 0.9)}
"""By the size of a batch, against the others in their order."""
Layers = list[tuple[np.ndarray, np.ndarray]]


TRIED = (
    "windows of 32,768 to 131,072 events, with and without a thread that reads ahead; parameters as"
    " one array, as lists (a sixth faster at m = 1024), moments as one array; lengths of steps by a"
    " condition, at each step, behind a loop of two parts; XLA without threads, with vectors of 512"
    " bits (5 % faster, but an option that may vanish); fewer rows and looks of the history; steps"
    " begun while the history is written (kept: 5 % at m = 64 and 1024); the two halves of a batch"
    " apart (no faster), and on two devices (each sum of both costs 50 µs). Of two cores XLA makes"
    " little here: on one, m = 1024 takes a fifth longer"
)
Train = Callable[[int], Layers]
"""The network after so many epochs."""


def rows(quick: bool) -> Iterator[Row]:
    X = events(30_720 if quick else 102_400)
    begun = layers(ready(Problem(bk.Network(WIDTHS), X, bk.losses.logistic), bk.Adam()).model)
    for batch, floors in FLOORS.items():
        sides = {"ours": Side(partial(ours, X, batch, EPOCHS), EPOCHS * len(X))}
        reached = loss(X, ours(X, batch, CHECKED))
        for name, (make, epochs) in competitors().items():
            train = make(X, batch, begun)
            theirs = loss(X, train(CHECKED))
            same(f"the loss after {CHECKED} epochs, {name}", reached, theirs, rtol=0.08)
            sides[name] = Side(partial(train, epochs), epochs * len(X))
        seconds = race(sides, lambda *_: None)
        for name in list(sides)[1:]:
            claim = f"network 10→64→64→1, Adam, m = {batch}"
            yield times_faster(
                claim, seconds, name, floors[OTHERS.index(name)], rates=True, tried=TRIED
            )


def competitors() -> dict[str, tuple[Callable[[bk.Samples, int, Layers], Train], int]]:
    """How each is made, and how many epochs it takes in a turn."""
    found: dict[str, tuple[Callable[[bk.Samples, int, Layers], Train], int]] = {}
    if competitor("torch", "torch==2.13.0", CPU_BUILD):
        found |= {"PyTorch, sliced": (sliced, 2), "PyTorch, DataLoader": (loaded, 1)}
    found["scikit-learn"] = (scikit_learn, 2)
    os.environ["KERAS_BACKEND"] = "jax"
    if competitor("keras"):
        found["Keras on JAX"] = (keras_on_jax, 4)
    return found | {"bare JAX scan": (bare, EPOCHS)}


def events(n: int) -> bk.Samples:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, D))
    score = (
        np.sin(2 * x[:, 0])
        + x[:, 1] * x[:, 2]
        + 0.5 * x[:, 3] ** 2
        - 0.5
        + 0.3 * x[:, 4:] @ np.ones(D - 4)
    )
    y = (score - 0.5 + 0.5 * rng.logistic(size=n) > 0).astype(np.int64)
    return bk.Samples(x, y, class_names=("hadron", "gamma"))


def ours(X: bk.Samples, batch: int, epochs: int) -> Layers:
    solver = bk.Adam(RATE, batch, epochs=epochs)
    return layers(bk.fit(bk.Network(WIDTHS), X, bk.losses.logistic, solver).model)


def layers(a: bk.Network) -> Layers:
    """Weights (in, out) and biases that take features as they are, in single precision."""
    pairs = [(layer["weight"].astype(float), layer["bias"].astype(float)) for layer in a.layers]
    weight, bias = pairs[0]
    weight = weight / a.encoding.scale[:, None]
    pairs[0] = weight, bias - a.encoding.centre @ weight
    weight, bias = pairs[-1]
    pairs[-1] = weight * a.unit, bias * a.unit + a.offset
    return [(w.astype(np.float32), b.astype(np.float32)) for w, b in pairs]


def loss(X: bk.Samples, pairs: Layers) -> float:
    h = X.x.astype(np.float32)
    for weight, bias in pairs[:-1]:
        h = np.maximum(h @ weight + bias, 0.0)
    p = (h @ pairs[-1][0] + pairs[-1][1])[:, 0]
    return float(np.mean(np.logaddexp(0.0, -(2 * X.y - 1) * p)))


# The others ---------------------------------------------------------------------------------------


def bare(X: bk.Samples, batch: int, begun: Layers) -> Train:
    import jax
    import jax.numpy as jnp

    x, y = X.x.astype(np.float32), X.y.astype(np.float32)

    def cost(w, xs, ys):
        h = xs
        for weight, bias in w[:-1]:
            h = jnp.maximum(h @ weight + bias, 0.0)
        p = (h @ w[-1][0] + w[-1][1])[:, 0]
        return jnp.mean(jnp.logaddexp(0.0, p) - ys * p)

    def step(held, events):
        w, m, v, t = held
        value, g = jax.value_and_grad(cost)(w, *events)
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        first, second = 1 - 0.9**t, 1 - 0.999**t
        w = jax.tree.map(
            lambda w, m, v: w - RATE * (m / first) / (jnp.sqrt(v / second) + 1e-8), w, m, v
        )
        return (w, m, v, t), value

    epoch = jax.jit(lambda held, xs, ys: jax.lax.scan(step, held, (xs, ys)), donate_argnums=0)

    def train(epochs: int) -> Layers:
        rng = np.random.default_rng(0)
        w = jax.tree.map(jnp.asarray, begun)
        held = (w, jax.tree.map(jnp.zeros_like, w), jax.tree.map(jnp.zeros_like, w), jnp.float32(0))
        for _ in range(epochs):
            order = rng.permutation(len(x))
            held, costs = epoch(held, x[order].reshape(-1, batch, D), y[order].reshape(-1, batch))
        costs.block_until_ready()
        return [(np.asarray(w), np.asarray(b)) for w, b in held[0]]

    return train


def torch_network(begun: Layers):
    import torch

    parts = []
    for weight, bias in begun:
        layer = torch.nn.Linear(*weight.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weight.T.copy()))
            layer.bias.copy_(torch.from_numpy(bias))
        parts += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*parts[:-1])


def torch_train(X: bk.Samples, begun: Layers, batches: Callable, device: str = "cpu") -> Train:
    """Whichever is faster, one thread or all."""
    import torch

    x, y = (torch.tensor(values, dtype=torch.float32, device=device) for values in (X.x, X.y))

    def train(threads: int, epochs: int) -> Layers:
        torch.set_num_threads(threads)
        net, cost = torch_network(begun).to(device), torch.nn.BCEWithLogitsLoss()
        solver = torch.optim.Adam(net.parameters(), RATE, fused=True)
        for _ in range(epochs):
            for xs, ys in batches(x, y):
                solver.zero_grad(set_to_none=True)
                cost(net(xs)[:, 0], ys).backward()
                solver.step()
        dense = [layer for layer in net if isinstance(layer, torch.nn.Linear)]
        return [(d.weight.detach().cpu().numpy().T, d.bias.detach().cpu().numpy()) for d in dense]

    tries = {k: Side(partial(train, k, 1), len(x)) for k in (1, THREADS)}
    return partial(train, fastest(tries))


def sliced(X: bk.Samples, batch: int, begun: Layers, device: str = "cpu") -> Train:
    import torch

    def batches(x, y):
        order = torch.randperm(len(x), device=device)
        return zip(x[order].split(batch), y[order].split(batch), strict=True)

    return torch_train(X, begun, batches, device)


def loaded(X: bk.Samples, batch: int, begun: Layers) -> Train:
    from torch.utils.data import DataLoader, TensorDataset

    return torch_train(
        X, begun, lambda x, y: DataLoader(TensorDataset(x, y), batch_size=batch, shuffle=True)
    )


def scikit_learn(X: bk.Samples, batch: int, begun: Layers) -> Train:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    x = X.x.astype(np.float32)

    def train(epochs: int) -> Layers:
        net = MLPClassifier(
            WIDTHS, alpha=0.0, batch_size=batch, learning_rate_init=RATE, max_iter=epochs,
            tol=0.0, n_iter_no_change=100, random_state=0,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # so many epochs were asked for
            net.fit(x, X.y)
        return list(zip(net.coefs_, net.intercepts_, strict=True))

    return train


def keras_on_jax(X: bk.Samples, batch: int, begun: Layers) -> Train:
    """Compiled, 1, 50 or 250 steps per execution, whichever is fastest."""
    import keras

    x, y = X.x.astype(np.float32), X.y.astype(np.float32)

    def made(steps: int) -> Train:
        parts = [keras.layers.Dense(width, activation="relu") for width in WIDTHS]
        net = keras.Sequential([keras.Input((D,)), *parts, keras.layers.Dense(1)])
        cost = keras.losses.BinaryCrossentropy(from_logits=True)
        # Keras' ε is 1e-7 where all others have 1e-8.
        solver = keras.optimizers.Adam(RATE, epsilon=1e-8)
        net.compile(solver, cost, steps_per_execution=steps)

        def train(epochs: int) -> Layers:
            net.set_weights([array for pair in begun for array in pair])
            for variable in solver.variables:
                if "learning_rate" not in variable.path:
                    variable.assign(np.zeros(variable.shape, variable.dtype))
            net.fit(x, y, batch_size=batch, epochs=epochs, shuffle=True, verbose=0)
            held = net.get_weights()
            return list(zip(held[::2], held[1::2], strict=True))

        return train

    tries = {f"{steps} steps per execution": made(steps) for steps in (1, 50, 250)}
    return tries[fastest({name: Side(partial(train, 1)) for name, train in tries.items()})]


if __name__ == "__main__":
    run(rows, threads=THREADS)
