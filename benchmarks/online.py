"""Learning from one event a call: `learn(x, y)` against River's `learn_one`, one thread.

Each is handed events as it likes them best: ours rows of an array, River's dictionaries.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from side_by_side import Row, Side, coefficients, competitor, race, run, same, times_faster

import baksan as bk

RATE = 1e-3
FLOOR = 3
TRIED = (
    "one array of memory in place of twenty arguments, views in place of new arrays; the bare call"
    " of a compiled function with five arguments takes 0.2 µs, to check and copy the event 0.3"
)


def rows(quick: bool) -> Iterator[Row]:
    if not competitor("river"):
        return
    rng = np.random.default_rng(0)
    for d in (10, 50):
        x = rng.standard_normal((2_000 if quick else 20_000, d))
        y = 0.5 + x @ rng.uniform(-1.0, 1.0, d) + 0.1 * rng.standard_normal(len(x))
        sides = {"ours": ours(x, y), "River": river(x, y)}
        seconds = race(sides, same_weights)
        yield times_faster(
            f"online.learn(x, y), squared, d = {d}", seconds, "River", FLOOR, tried=TRIED
        )


def ours(x: np.ndarray, y: np.ndarray) -> Side:
    solver = bk.StochasticGradientDescent(RATE)
    line = bk.Linear(standardise=False).prepared(x[:1], np.ones(1), 1)
    events, answers = list(x), y.tolist()

    def learn() -> np.ndarray:
        learner = solver.online(line, bk.losses.squared)
        for event, answer in zip(events, answers, strict=True):
            learner.learn(event, answer)
        return coefficients(learner.model)

    return Side(learn, len(x))


def river(x: np.ndarray, y: np.ndarray) -> Side:
    from river import linear_model, optim

    names = [f"x{j}" for j in range(x.shape[1])]
    events = [dict(zip(names, event, strict=True)) for event in x.tolist()]
    answers = y.tolist()

    def learn() -> np.ndarray:
        line = linear_model.LinearRegression(optim.SGD(RATE), intercept_lr=RATE)
        for event, answer in zip(events, answers, strict=True):
            line.learn_one(event, answer)
        return np.array([line.intercept, *(line.weights[name] for name in names)])

    return Side(learn, len(x))


def same_weights(name: str, ours: np.ndarray, theirs: np.ndarray) -> None:
    same(f"weights, against {name}", ours, theirs, rtol=1e-9)


if __name__ == "__main__":
    run(rows, threads=1)
