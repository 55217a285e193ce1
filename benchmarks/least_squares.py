"""Exact least squares against scikit-learn, its Intel extension, and what the machine can do.

    limit = max(8 n d bytes / read bandwidth, n d (d + 1) operations / DGEMM rate)

Nobody checks again that the events are finite: ours were checked when they became Samples,
scikit-learn is told by assume_finite.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from side_by_side import (
    Row,
    Side,
    competitor,
    dgemm_rate,
    duration,
    race,
    read_bandwidth,
    run,
    same_coefficients,
    times_faster,
)

import baksan as bk

THREADS = 2
FLOORS = {10: (8, 1.1, 11), 50: (38, 1.4, 24), 200: (21, 1.3, 48)}


def rows(quick: bool) -> Iterator[Row]:
    for d, floors in FLOORS.items():
        yield from claims(100_000 if quick else 1_000_000, d, *floors)


def claims(n: int, d: int, sklearn: float, intelex: float, limit: float) -> Iterator[Row]:
    x, y = events(n, d)
    seconds = race(contestants(x, y), same_coefficients(1e-9))
    claim = f"exact least squares, {n:,} × {d}"
    yield times_faster(claim, seconds, "scikit-learn", sklearn)
    if "intelex" in seconds:
        yield times_faster(claim, seconds, "intelex", intelex)
    bound = max(8 * n * d / read_bandwidth(THREADS), n * d * (d + 1) / dgemm_rate())
    share = 100 * bound / seconds["ours"]
    ours, best = duration(seconds["ours"]), duration(bound)
    yield Row(claim, ours, "the machine's limit", best, share, limit, unit="%")


def events(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Features with means and units of their own, answers with noise."""
    rng = np.random.default_rng(d)
    x = rng.standard_normal((n, d))
    x *= rng.uniform(0.5, 2.0, d)
    x += rng.uniform(-1.0, 1.0, d)
    y = 1.0 + x @ rng.uniform(-1.0, 1.0, d) + 0.1 * rng.standard_normal(n)
    x.flags.writeable = y.flags.writeable = False  # so that Samples need no copy
    return x, y


def contestants(x: np.ndarray, y: np.ndarray) -> dict[str, Side]:
    from sklearn import set_config
    from sklearn.linear_model import LinearRegression

    set_config(assume_finite=True)
    X = bk.Samples(x, y)
    sides = {
        "ours": Side(lambda: bk.fit(bk.Linear(), X, bk.losses.squared, bk.Analytic()).model),
        "scikit-learn": Side(lambda: LinearRegression().fit(x, y)),
    }
    if sklearnex := competitor("sklearnex.linear_model", "scikit-learn-intelex"):
        sides["intelex"] = Side(lambda: sklearnex.LinearRegression().fit(x, y))
    return sides


if __name__ == "__main__":
    run(rows, threads=THREADS)
