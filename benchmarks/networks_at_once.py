"""Eight networks with eight rates, by one sweep on two cores, against one after another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from network_training import RATE, WIDTHS, events
from side_by_side import Row, Side, race, run, same, times_faster

import baksan as bk

THREADS, K, EPOCHS, FLOOR = 2, 8, 12, 1.5
TRIED = (
    "three and four threads on two cores, threads that take turns more often, XLA without threads:"
    " all within the noise; two processes are no faster, unless each is bound to a core (1.7)"
)


def rows(quick: bool) -> Iterator[Row]:
    X = events(10_240 if quick else 102_400)
    rates = {f"{rate:.2g}": bk.Adam(rate, epochs=EPOCHS) for rate in RATE * 2.0 ** np.arange(K)}
    sides = {
        "ours": Side(lambda: at_once(X, rates), K * EPOCHS * len(X)),
        "one after another": Side(lambda: in_turn(X, rates), K * EPOCHS * len(X)),
    }
    seconds = race(sides, lambda name, a, b: same("the weights", a, b, rtol=0.0))
    claim = f"{K} networks 10→64→64→1, m = 256, at once"
    yield times_faster(claim, seconds, "one after another", FLOOR, rates=True, tried=TRIED)


def at_once(X: bk.Samples, rates: dict[str, bk.Solver]) -> np.ndarray:
    found = bk.sweep(bk.Network(WIDTHS), X, bk.losses.logistic, bk.Adam(), rates, threads=THREADS)
    return np.concatenate([found[name].model.parameters for name in rates])


def in_turn(X: bk.Samples, rates: dict[str, bk.Solver]) -> np.ndarray:
    fits = [bk.fit(bk.Network(WIDTHS), X, bk.losses.logistic, way) for way in rates.values()]
    return np.concatenate([found.model.parameters for found in fits])


if __name__ == "__main__":
    run(rows, threads=THREADS)
