"""Stochastic gradient descent, one event a step, in order, one thread: scikit-learn, Vowpal Wabbit,
River, and what the machine can do, which is to read the events once.

The same steps from the same start: constant rate, no penalty, no averaging. scikit-learn's squared
loss has a factor ½, ours has none, so our rate is half of its eta0. All weights agree to rounding.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from side_by_side import (
    Row,
    Side,
    coefficients,
    competitor,
    race,
    rate,
    read_bandwidth,
    run,
    same,
    times_faster,
)
from side_by_side import same_coefficients as agree_within

import baksan as bk

EPOCHS = 5
RATE = {10: 1e-3, 50: 2e-4, 200: 5e-5}
FLOORS = {10: (3.0, 3.0), 50: (2.7, 3.0), 200: (4.0, 3.0)}
TRIED = (
    "one event at a time, two, three (four are taken together), rows padded to whole vectors, the"
    " weights in the features' own scale, memory asked for 8, 16 or 64 kB ahead, in one to four"
    " parts, into each cache, exp by Horner, by Estrin, of the C"
    " library, the costs of four events as one vector"
)


def rows(quick: bool) -> Iterator[Row]:
    for d, (squared, logistic) in FLOORS.items():
        n = (500_000 if d == 200 else 1_000_000) // (10 if quick else 1)
        X, Y = events(n, d)
        yield from against_scikit(X, bk.losses.squared, floor=squared)
        yield from against_scikit(Y, bk.losses.logistic, floor=logistic)
        if d == 10:
            yield from against_vowpal_wabbit(X.take(np.arange(n // 5)), X)
            yield from against_river(X.take(np.arange(n // 50)), X)


def events(n: int, d: int) -> tuple[bk.Samples, bk.Samples]:
    """The same features with numbers and with classes for answers."""
    rng = np.random.default_rng(d)
    x = rng.standard_normal((n, d))
    y = 0.5 + x @ rng.uniform(-1.0, 1.0, d) + 0.1 * rng.standard_normal(n)
    signal = (y + rng.logistic(size=n) > 0.5).astype(np.int64)
    x.flags.writeable = False  # so that Samples need no copy
    return bk.Samples(x, y), bk.Samples(x, signal, class_names=("hadron", "gamma"))


def ours(X: bk.Samples, loss: bk.Loss, *, shuffle: bool = False, epochs: int = EPOCHS) -> Side:
    solver = bk.StochasticGradientDescent(RATE[X.x.shape[1]], epochs=epochs, shuffle=shuffle)
    line = bk.Linear(standardise=False)
    work = epochs * len(X)
    return Side(lambda: bk.fit(line, X, loss, solver, start="zero").model, work)


def against_scikit(
    X: bk.Samples, loss: bk.Loss, *, floor: float, shuffle: bool = False
) -> Iterator[Row]:
    from sklearn import set_config
    from sklearn.linear_model import SGDClassifier, SGDRegressor

    set_config(assume_finite=True)  # as our Samples are
    n, d = X.x.shape
    squared = loss is bk.losses.squared
    settings = {
        "eta0": RATE[d] * (2 if squared else 1), "learning_rate": "constant", "penalty": None,
        "max_iter": EPOCHS, "tol": None, "shuffle": shuffle, "random_state": 0,
    }  # fmt: skip
    theirs = SGDRegressor(**settings) if squared else SGDClassifier(loss="log_loss", **settings)
    name = type(theirs).__name__
    sides = {
        "ours": ours(X, loss, shuffle=shuffle),
        name: Side(lambda: theirs.fit(X.x, X.y), EPOCHS * n),
    }
    seconds = race(sides, agree_within(0.1 if shuffle else 1e-9))
    order = f"{EPOCHS} shuffled epochs" if shuffle else "in order"
    claim = f"SGD, {loss.name}, {order}, {n:,} × {d}"
    yield times_faster(claim, seconds, name, floor, rates=True, tried="" if shuffle else TRIED)
    if not shuffle:
        best = 8 * (d + 1) / read_bandwidth(1)
        share = 100 * best / seconds["ours"]
        yield Row(claim, rate(seconds["ours"]), "reading them once", rate(best), share, unit="%")


def against_vowpal_wabbit(X: bk.Samples, large: bk.Samples) -> Iterator[Row]:
    """From its own cache, several passes; single precision, so weights agree to 1e-3."""
    if not (vowpal := competitor("vowpalwabbit")):
        return
    n, d = X.x.shape
    with tempfile.TemporaryDirectory() as folder:
        text, cache = Path(folder, "events.txt"), Path(folder, "events.cache")
        text.write_text("\n".join(
            f"{y!r} | " + " ".join(f"{j}:{v!r}" for j, v in enumerate(x, 1))
            for x, y in zip(X.x.tolist(), X.y.tolist(), strict=True)
        ))  # fmt: skip
        command = (
            f"--data {text} --cache_file {cache} --passes {EPOCHS} --holdout_off --sgd"
            f" --learning_rate {RATE[d]} --power_t 0 --min_prediction -1e6 --max_prediction 1e6"
            " --loss_function squared --quiet"
        )

        def learn() -> np.ndarray:
            with vowpal.Workspace(command) as learner:
                return np.array([learner.get_weight(j) for j in range(1, d + 1)])

        found = ours(X, bk.losses.squared).run()
        same("weights, against Vowpal Wabbit", found.weights, learn(), rtol=1e-3)
        sides = {"ours": ours(large, bk.losses.squared), "Vowpal Wabbit": Side(learn, EPOCHS * n)}
        seconds = race(sides, lambda *_: None)
        claim = f"SGD, squared, in order, d = {d}; theirs from its cache"
        yield times_faster(claim, seconds, "Vowpal Wabbit", 15, rates=True)


def against_river(X: bk.Samples, large: bk.Samples) -> Iterator[Row]:
    if not competitor("river"):
        return
    from river import linear_model, optim

    n, d = X.x.shape
    events = [dict(zip(X.names, x, strict=True)) for x in X.x.tolist()]
    answers = X.y.tolist()

    def learn() -> np.ndarray:
        line = linear_model.LinearRegression(optim.SGD(RATE[d]), intercept_lr=RATE[d])
        for x, y in zip(events, answers, strict=True):
            line.learn_one(x, y)
        return np.array([line.intercept, *(line.weights[name] for name in X.names)])

    found = ours(X, bk.losses.squared, epochs=1).run()
    same("weights, against River", coefficients(found), learn(), rtol=1e-9)
    sides = {"ours": ours(large, bk.losses.squared), "River": Side(learn, n)}
    seconds = race(sides, lambda *_: None)
    claim = f"SGD, squared, in order, d = {d}; theirs by learn_one"
    yield times_faster(claim, seconds, "River", 200, rates=True)


if __name__ == "__main__":
    run(rows, threads=1)
