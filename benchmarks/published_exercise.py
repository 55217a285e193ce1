"""A published exercise's setting in our simulator: 9 × 9 stations, 200,000 showers.

Water-Cherenkov stations 750 m apart at 1400 m, protons and nuclei of lg(E/eV) 18.5 to 20: the toy
of M. Erdmann, J. Glombitza and D. Walz, Astropart. Phys. 97 (2018) 46, as an exercise uses it,
with published 0.79°, 14.7 m and 5.1 % [M]. It is not the same simulation. Here showers of one
energy, mass and X_max differ by 12 %, which is taken out in quadrature; axes are below 60° and fall
into the middle cell; clocks jitter by 20 ns, two stations in a hundred are dead, signals end at
3000 VEM; the exercise's network sees traces, ours the signal and the first time of each station. So
the numbers stand beside each other, and no bound follows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from learned_reconstruction import beyond, told, with_error
from side_by_side import Row, run

import baksan as bk
from baksan import losses
from baksan.metrics.bins import psi68
from baksan.models.array.columns import Columns
from baksan.physics.directions import angle_between, unit_vector
from baksan.reconstruct.array import standard
from baksan.simulate.array import Primaries, events
from baksan.simulate.layouts import WATER, Layout, table
from baksan.solvers.adaptive import AdamW
from baksan.solvers.schedules import Cosine
from baksan.table import Table
from baksan.table.column import joined
from baksan.train.source import open_samples
from baksan.train.views import places_of

THREADS, EVENTS, EPOCHS, SEED, BLOCK = 2, 200_000, 12, 7, 20_000
SPACING, ACROSS = 750.0, 9
SHOWERS = Primaries(
    {"p": 1, "He": 1, "N": 1, "Fe": 1}, log_energy=(18.5, 20.0), zenith=(0, np.deg2rad(60))
)


def rows(quick: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path, array = str(Path(folder) / "showers.parquet"), layout()
        count = EVENTS // (10 if quick else 1)
        blocks = [block(array, start) for start in range(0, count, BLOCK)]
        names = blocks[0].names
        whole = Table({n: joined([one.columns[n] for one in blocks]) for n in names})
        bk.data.write(whole, path)
        for answer in ANSWERS:
            yield from beside(path, answer, 2 if quick else EPOCHS)


def layout() -> Layout:
    """9 × 9 stations on squares; axes fall into the middle cell."""
    place = SPACING * (np.arange(ACROSS) - ACROSS // 2)
    grid = np.column_stack([one.ravel() for one in np.meshgrid(place, place)])
    found = table(grid, WATER, height=1400.0)
    cell = SPACING * np.eye(2)
    return Layout(
        "exercise", found.position, WATER, found.height, found.neighbours, -cell.sum(axis=0) / 2,
        cell, (ACROSS, ACROSS),
    )  # fmt: skip


def block(array: Layout, start: int) -> Table:
    """Triggered events: truth, observables of the rules, stations."""
    found = events(BLOCK, array, SHOWERS, SEED, start=start)
    found = found.take(found.triggered)
    parts = found.truth(), standard(found).table(), found.stations()
    return Table({n: column for part in parts for n, column in part.columns.items()})


# What is asked, what the exercise found -----------------------------------------------------------


class Asked(NamedTuple):
    """An answer, its loss, the columns of the rules; what is judged of what is missed; its number
    in the exercise.
    """

    answer: str
    kind: Any
    loss: Any
    rules: tuple[str, ...]
    off: Callable[[Any, Any], Any]
    figure: Callable[[Any], float]
    claim: str
    unit: str
    published: float


def degrees(p: Any, y: Any) -> Any:
    return np.rad2deg(angle_between(p, y))


def metres(p: Any, y: Any) -> Any:
    return np.hypot(*(p - y).T)


def percent(p: Any, y: Any) -> Any:
    return 10 ** (p - y) - 1


ANSWERS = (
    Asked("direction(true_zenith, true_azimuth)", "direction", losses.von_mises_fisher,
          ("zenith", "azimuth"), degrees, lambda x: float(psi68(x)), "direction, ψ68", "°", 0.79),
    Asked("position(true_core_x, true_core_y)", "position", losses.distance,
          ("core_x", "core_y"), metres, lambda x: float(psi68(x)), "core, 68 % within", " m", 14.7),
    Asked("log_energy", "number", losses.squared, ("log_energy_standard",), percent,
          lambda x: 100 * beyond(x), "energy, √(σ² − 0.12²)", " %", 5.1),
)  # fmt: skip


def beside(path: str, asked: Asked, epochs: int) -> Iterator[Row]:
    """The network beside the published number and beside the rules, on a tenth of the events."""
    X = open_samples(
        path, answer=asked.answer, id="event", where="flag == 0", stations=True
    ).samples
    assert isinstance(X, bk.Samples)
    learn, test = X.split(0.9, seed=SEED)
    net = bk.ArrayNetwork(Columns.named(learn.names), places_of(learn), answer=asked.kind)
    solver = AdamW(Cosine(0.003), batch=128, epochs=epochs, decay=0.01)
    found = bk.fit(net, learn, asked.loss, solver, seed=SEED).predict(test.x).value
    rules = by_rules(test, asked)
    n = len(test)
    both = [asked.off(p, test.y) for p in (found, rules)]
    ours, theirs = (with_error(lambda i, x=x: asked.figure(x[i]), n) for x in both)
    claim = f"{asked.claim}, {len(learn):,} events"
    yield Row(claim, told(ours, asked.unit), "published", f"{asked.published:g}{asked.unit}",
              ours[0] / asked.published, None, "at most")  # fmt: skip
    yield Row(claim, told(ours, asked.unit), "the rules", told(theirs, asked.unit),
              ours[0] / theirs[0], None, "at most")  # fmt: skip


def by_rules(X: bk.Samples, asked: Asked) -> Any:
    columns = [X.x[:, X.names.index(name)] for name in asked.rules]
    if asked.kind == "number":
        return columns[0]
    if asked.kind == "position":
        return np.column_stack(columns)
    return unit_vector(*(np.deg2rad(one) for one in columns))


if __name__ == "__main__":
    run(rows, threads=THREADS)
