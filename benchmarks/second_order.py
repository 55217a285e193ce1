"""Levenberg-Marquardt against Adam, on regressions of air showers by small networks of tanh.

Both train the same network for the same seconds, in turns, from several seeds; Adam's rate and
batch are the best of four. Two answers: a shower's profile, a formula without noise, and lg E of
simulated showers from what reaches the ground (needs $BAKSAN_DATA), where fluctuations are a limit.
Q is compared on the events trained on, and on 1,000 others, the best weights kept: where there is
noise, a lower training loss alone is no gain.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
from side_by_side import Row, number, run

import baksan as bk

THREADS, SEEDS = 1, (0, 1, 2)
RATES = tuple((rate, batch) for rate in (3e-3, 1e-2) for batch in (64, 256))


def rows(quick: bool) -> Iterator[Row]:
    seconds, events = (0.5, 1_000) if quick else (5.0, 5_000)
    cases = [("the profile of a shower", profile, True)]
    if os.environ.get("BAKSAN_DATA"):
        cases += [("lg E from the ground", energies, False)]
    else:
        print("lg E from the ground is left out: $BAKSAN_DATA names no folder.", flush=True)
    for name, made, exact in cases:
        for width in (16, 32):
            net = bk.Network((width, width), activation="tanh")
            yield from claims(name, net, made(events, 0), made(1_000, 1), seconds, exact)


def claims(
    name: str, net: bk.Network, X: bk.Samples, other: bk.Samples, seconds: float, exact: bool
) -> Iterator[Row]:
    """Q after so many seconds, medians over the seeds: on the training events, and on others."""
    solvers = {"Levenberg-Marquardt": bk.LevenbergMarquardt(steps=10**6)}
    solvers |= {f"Adam({r}, batch={b})": bk.Adam(r, batch=b, epochs=10**6) for r, b in RATES}
    found: dict[str, list[tuple[float, float]]] = {solver: [] for solver in solvers}
    for turn, seed in enumerate((SEEDS[0], *SEEDS)):
        for solver, how in solvers.items():
            # The first round compiles.
            how = replace(how, seconds=seconds if turn else 0.1, patience=10**6)
            fitted = bk.fit(net, X, bk.losses.squared, how, validation=other, seed=seed)
            last = bk.Q(fitted.model.moved(fitted.state.parameters), X, bk.losses.squared)
            found[solver].append((last, fitted.state.best_loss))
    for column, events in enumerate(("trained on", "kept back, best weights")):
        losses = {s: median(pair[column] for pair in pairs[1:]) for s, pairs in found.items()}
        ours = losses.pop("Levenberg-Marquardt")
        against = min(losses, key=losses.__getitem__)
        claim = f"{name}, {width_of(net)}, Q of events {events} after {number(seconds)} s"
        bound = 10.0 if exact and net.hidden[0] == 16 else None
        theirs = losses[against]
        yield Row(claim, f"{ours:.2g}", against, f"{theirs:.2g}", theirs / ours, bound)


def width_of(net: bk.Network) -> str:
    return "→".join(str(width) for width in (5, *net.hidden, 1))


def profile(events: int, seed: int) -> bk.Samples:
    """lg N of Gaisser and Hillas at X, for Xmax, X0, λ (g/cm²) and lg Nmax."""
    rng = np.random.default_rng(seed)
    x, xmax, x0 = (rng.uniform(*ends, events) for ends in ((200, 1200), (600, 900), (-150, 50)))
    scale, top = rng.uniform(50, 80, events), rng.uniform(8, 10, events)
    power = (xmax - x0) / scale
    y = top + (power * np.log((x - x0) / (xmax - x0)) + (xmax - x) / scale) / np.log(10)
    return bk.Samples(np.column_stack([x, xmax, x0, scale, top]), y)


def energies(events: int, part: int) -> bk.Samples:
    """lg E from lg of all particles, muons and electrons, from Xmax and the zenith angle.

    The files of the four nuclei hold the same showers' energies and angles row by row: parts are
    of different rows.
    """
    folder = Path(os.environ["BAKSAN_DATA"], "uhecr-composition-corsika")
    order = np.random.default_rng(5).permutation(10_000)
    chosen = order[part * 5_000 :][: events // 4]
    t = np.vstack(
        [
            np.loadtxt(folder / f"QGSJet-{name}-NPaticlesTotal.first10000.txt")[chosen]
            for name in ("proton", "helium", "nitrogen", "iron")
        ]
    )
    x = np.column_stack([np.log10(t[:, 1:4]), np.clip(t[:, 4], 200, 1200), t[:, 5]])
    return bk.Samples(x, np.log10(t[:, 6]))


if __name__ == "__main__":
    run(rows, threads=THREADS)
