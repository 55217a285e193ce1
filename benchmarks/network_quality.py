"""The loss on held-back events of networks of ours and of PyTorch, same shape, rule and budget.

Five seeds, each with a split of its own, groups whole: what is compared is the mean of the paired
differences, in its standard errors. PyTorch begins as it does by default, on features of mean 0
and standard deviation 1, as ours has them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from side_by_side import CPU_BUILD, Row, competitor, number, run

import baksan as bk

THREADS, WIDTHS, RATE, BATCH, SEEDS, BOUND = 2, (64, 64), 1e-3, 256, 5, 2.0
SETS = {"magic": 20, "uhecr-composition": 20, "fermi-4fgl": 40}
"""Epochs by set; with more of them both learn the few events of fermi-4fgl by heart."""


def rows(quick: bool) -> Iterator[Row]:
    if not competitor("torch", "torch==2.13.0", CPU_BUILD):
        return
    for name, epochs in SETS.items():
        try:
            X = bk.load(name).samples()
        except FileNotFoundError as error:
            print(f"{name} is left out: {error}")
            continue
        pairs = []
        for seed in range(2 if quick else SEEDS):
            learn, held = X.split(0.7, seed=seed)
            pairs.append((ours(learn, held, epochs, seed), theirs(learn, held, epochs, seed)))
        a, b = np.transpose(pairs)
        error = float((a - b).std(ddof=1) / np.sqrt(len(a)))
        claim = f"{name}, {len(X.features)}→64→64→{outputs(X)}, {epochs} epochs: Q held back"
        apart = float((a - b).mean()) / error
        yield Row(
            claim, number(a.mean()), "PyTorch", number(b.mean()), apart, BOUND, "at most", "σ"
        )


def outputs(X: bk.Samples) -> int:
    return 1 if len(X.class_names) == 2 else len(X.class_names)


def ours(learn: bk.Samples, held: bk.Samples, epochs: int, seed: int) -> float:
    loss = bk.losses.logistic if outputs(learn) == 1 else bk.losses.softmax
    solver = bk.Adam(RATE, BATCH, epochs=epochs)
    found = bk.fit(bk.Network(WIDTHS), learn, loss, solver, seed=seed)
    return bk.Q(found.model, held, loss)


def theirs(learn: bk.Samples, held: bk.Samples, epochs: int, seed: int) -> float:
    import torch

    torch.manual_seed(seed)
    centre, scale = learn.x.mean(axis=0), learn.x.std(axis=0)
    x, z = (torch.tensor((X.x - centre) / scale, dtype=torch.float32) for X in (learn, held))
    k = outputs(learn)
    cost = torch.nn.BCEWithLogitsLoss() if k == 1 else torch.nn.CrossEntropyLoss()
    y, t = (
        torch.tensor(X.y, dtype=torch.float32 if k == 1 else torch.int64) for X in (learn, held)
    )
    parts: list[torch.nn.Module] = []
    for inputs, width in zip((x.shape[1], *WIDTHS), WIDTHS, strict=False):
        parts += [torch.nn.Linear(inputs, width), torch.nn.ReLU()]
    net = torch.nn.Sequential(*parts, torch.nn.Linear(WIDTHS[-1], k))
    solver = torch.optim.Adam(net.parameters(), RATE, fused=True)

    def q(features, answers):
        p = net(features)
        return cost(p[:, 0] if k == 1 else p, answers)

    for _ in range(epochs):
        order = torch.randperm(len(x))
        for xs, ys in zip(x[order].split(BATCH), y[order].split(BATCH), strict=True):
            solver.zero_grad(set_to_none=True)
            q(xs, ys).backward()
            solver.step()
    with torch.no_grad():
        return float(q(z, t))


if __name__ == "__main__":
    run(rows, threads=THREADS)
