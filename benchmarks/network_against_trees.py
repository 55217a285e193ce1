"""The line-up's network against its trees, on the same five folds of three published sets.

One configuration for all: what there is to choose, the network chooses on held-back events of each
fold's own training events. Folds keep groups whole. What is compared is the paired difference of
the measure on events held back, in its bootstrap error (half of the central 68 %).
"""

from __future__ import annotations

from collections.abc import Iterator

from side_by_side import Row, number, run

import baksan as bk

THREADS, BOUND = 2, -1.0
CLAIMS = {
    "magic": ("auc", None, 0.94, "asked for"),
    "uhecr-composition": ("accuracy", None, 0.976, "asked for"),
    "uhecr-composition, three features": ("accuracy", (1, 3, 4), 0.87, "published"),
    "fermi-4fgl": ("auc", None, None, ""),
}
"""The measure, the columns (all, where there are none), and another number to stand beside."""


def rows(quick: bool) -> Iterator[Row]:
    for claim, (metric, columns, other, whose) in CLAIMS.items():
        name = claim.partition(",")[0]
        try:
            X = bk.load(name).samples()
        except FileNotFoundError as error:
            print(f"{name} is left out: {error}")
            continue
        if columns:
            features = tuple(X.features[j] for j in columns)
            X = X.with_parts(x=X.x[:, list(columns)], features=features)
        found = bk.train(X, ["network", "trees"], folds=2 if quick else 5, threads=THREADS)
        yield from told(f"{claim}: {metric}", found.evaluation, metric, other, whose)


def told(
    claim: str, found: bk.Evaluation, metric: str, other: float | None, whose: str
) -> Iterator[Row]:
    ours, theirs = (found.row(name, metric)["value"] for name in ("network", "trees"))
    (paired,) = (row for row in found.differences if row["metric"] == metric)
    error = (paired["high"] - paired["low"]) / 2
    figures = f"{ours:.4f}", "trees", f"{theirs:.4f}"
    yield Row(claim, *figures, paired["value"] / error, BOUND, "at least", "σ")
    if other is not None:
        # The published number is of more events, divided otherwise: a distance, no bound.
        bound = other if whose == "asked for" else None
        merit = ours if bound else ours - other
        yield Row(claim, f"{ours:.4f}", whose, number(other), merit, bound, "at least", "")


if __name__ == "__main__":
    run(rows, threads=THREADS)
