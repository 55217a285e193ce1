"""On a GPU: training of a 10→64→64→1 network, against PyTorch eager there; eight rates in a sweep.

Batches of 256, whole epochs, Adam, single precision, the same weights to begin with; after four
epochs both losses must be the same within 8 %. Left out where JAX or PyTorch finds no GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from network_training import CHECKED, EPOCHS, RATE, WIDTHS, events, layers, loss, ours, sliced
from side_by_side import Row, Side, competitor, leave_out, race, run, same, times_faster

import baksan as bk
from baksan.fit import ready
from baksan.jaxed import on_gpu
from baksan.solvers.base import Problem

THREADS, BATCH, FLOOR, K = 2, 256, 10, 8


def rows(quick: bool) -> Iterator[Row]:
    torch = competitor("torch")
    if torch is None or not on_gpu() or not torch.cuda.is_available():
        leave_out("Training on a GPU is left out: JAX and PyTorch must both find one.")
        return
    X = events(30_720 if quick else 102_400)
    begun = layers(ready(Problem(bk.Network(WIDTHS), X, bk.losses.logistic), bk.Adam()).model)
    theirs = sliced(X, BATCH, begun, "cuda")
    same("the loss", loss(X, ours(X, BATCH, CHECKED)), loss(X, theirs(CHECKED)), rtol=0.08)
    sides = {
        "ours": Side(partial(ours, X, BATCH, EPOCHS), EPOCHS * len(X)),
        "PyTorch, eager": Side(partial(theirs, 2), 2 * len(X)),
    }
    claim = f"on a GPU: network 10→64→64→1, Adam, m = {BATCH}"
    yield times_faster(claim, race(sides, lambda *_: None), "PyTorch, eager", FLOOR, rates=True)
    rates = {
        f"{rate:.2g}": bk.Adam(rate, BATCH, epochs=EPOCHS) for rate in RATE * 2.0 ** np.arange(K)
    }
    sweep = partial(bk.sweep, bk.Network(WIDTHS), X, bk.losses.logistic, bk.Adam(), rates)
    sides = {
        "ours": Side(partial(sweep, together=True), K * EPOCHS * len(X)),
        "one after another": Side(partial(sweep, together=False, threads=1), K * EPOCHS * len(X)),
    }
    seconds = race(sides, lambda *_: None)
    yield times_faster(
        f"on a GPU: {K} rates in one call", seconds, "one after another", None, rates=True
    )


if __name__ == "__main__":
    run(rows, threads=THREADS)
