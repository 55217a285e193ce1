"""Stochastic gradient descent, one event a step, shuffled, against scikit-learn's, which has one
thread; ours has others that gather the events that come next.

Each has an order of its own, and both must come as near to the truth.
"""

from __future__ import annotations

from collections.abc import Iterator

from sgd import FLOORS, against_scikit, events
from side_by_side import Row, run

import baksan as bk


def rows(quick: bool) -> Iterator[Row]:
    for d in FLOORS:
        n = (500_000 if d == 200 else 1_000_000) // (10 if quick else 1)
        X, _ = events(n, d)
        yield from against_scikit(X, bk.losses.squared, floor=3.0, shuffle=True)


if __name__ == "__main__":
    run(rows, threads=2)
