"""Prediction of a linear model, one event and a million, against scikit-learn, one thread."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from side_by_side import Row, Side, race, run, same, same_coefficients, times_faster

import baksan as bk

D = 10


def rows(quick: bool) -> Iterator[Row]:
    from sklearn.linear_model import LinearRegression

    rng = np.random.default_rng(0)
    many = rng.standard_normal((100_000 if quick else 1_000_000, D))
    few, y = many[:1000], many[:1000] @ rng.uniform(-1.0, 1.0, D) + 1.0
    ours = bk.fit(bk.Linear(), bk.Samples(few, y), bk.losses.squared, bk.Analytic()).model
    theirs = LinearRegression().fit(few, y)
    same_coefficients(1e-9)("scikit-learn", ours, theirs)
    for x, floor in ((many[:1], 25), (many, 2)):
        sides = {
            "ours": Side(lambda x=x: ours(x)),
            "scikit-learn": Side(lambda x=x: theirs.predict(x)),
        }
        events = "one event" if len(x) == 1 else f"{len(x):,} events"
        seconds = race(sides, same_predictions)
        yield times_faster(f"model(x), {events}, d = {D}", seconds, "scikit-learn", floor)


def same_predictions(name: str, ours: np.ndarray, theirs: np.ndarray) -> None:
    same(f"predictions, against {name}", ours, theirs, rtol=1e-9)


if __name__ == "__main__":
    run(rows, threads=1)
