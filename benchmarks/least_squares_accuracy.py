"""Six hard least-squares problems: errors and times against LAPACK's orthogonal gelsy.

The exact answer is that of the numbers as stored: binary fractions, so their normal equations are
exact in whole numbers of any length, and so is the elimination. The error compares slopes in units
of each feature's spread, |s∘(w − w*)| / |s∘w*|, and is the median of several answers y = ⟨w, x⟩
with random weights: that of a single one is a matter of luck. LAPACK takes one thread or all,
whichever is faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from side_by_side import Row, Side, fastest, number, race, run, times_faster
from threadpoolctl import threadpool_limits

import baksan as bk

THREADS = 2
D, ANSWERS = 12, 7
SLACK, TIMES = 10, 3


def rows(quick: bool) -> Iterator[Row]:
    n = 10_000 if quick else 100_000
    rng = np.random.default_rng(0)
    for name, x in problems(n, rng).items():
        spread = x.std(axis=0)
        yield from claims(name, x, x @ (rng.standard_normal((D, ANSWERS)) / spread[:, None]))


def problems(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Features (n, 12) by what is hard about them."""
    plain = rng.standard_normal((n, D))
    return {
        "condition 1e4": conditioned(plain, 1e4, rng),
        "condition 1e8": conditioned(plain, 1e8, rng),
        "condition 1e12": conditioned(plain, 1e12, rng),
        "units 1e-6 … 1e6": plain * np.logspace(-6, 6, D),
        "mean/std 1e6": plain + 1e6,
        "polynomial of degree 12": rng.uniform(0.0, 1.0, n)[:, None] ** np.arange(1, D + 1),
    }


def conditioned(x: np.ndarray, condition: float, rng: np.random.Generator) -> np.ndarray:
    """The same with singular values falling geometrically by `condition`, in oblique directions."""
    turn, _ = np.linalg.qr(rng.standard_normal((D, D)))
    return (x * np.geomspace(1.0, 1.0 / condition, D)) @ turn


def claims(name: str, x: np.ndarray, y: np.ndarray) -> Iterator[Row]:
    """x (n, d), y (n, answers)."""
    x.flags.writeable = False  # so that Samples need no copy
    spread, right = x.std(axis=0)[:, None], exact_slopes(x, y)
    errors = {}
    for who, fit in (("ours", ours), ("gelsy", gelsy)):
        found = np.column_stack([fit(bk.Samples(x, column)) for column in y.T])
        wrong = np.linalg.norm(spread * (found - right), axis=0)
        errors[who] = float(np.median(wrong / np.linalg.norm(spread * right, axis=0)))
    ratio = errors["ours"] / max(errors["gelsy"], float(np.finfo(float).eps))
    mine, theirs = number(errors["ours"]), number(errors["gelsy"])
    yield Row(f"{name}: error", mine, "gelsy", theirs, ratio, SLACK, "at most")
    X = bk.Samples(x, y[:, 0])
    threads = fastest({k: Side(lambda k=k: gelsy(X, k)) for k in (1, THREADS)})
    sides = {"ours": Side(lambda: ours(X)), "gelsy": Side(lambda: gelsy(X, threads))}
    seconds = race(sides, lambda *_: None)
    yield times_faster(f"{name}: time, {len(x):,} × {D}", seconds, "gelsy", TIMES)


def ours(X: bk.Samples) -> np.ndarray:
    return bk.fit(bk.Linear(), X, bk.losses.squared, bk.Analytic()).model.weights


def gelsy(X: bk.Samples, threads: int = 1) -> np.ndarray:
    from scipy.linalg import lstsq

    with threadpool_limits(threads):
        z = np.column_stack([np.ones(len(X)), X.x])
        return lstsq(z, X.y, lapack_driver="gelsy", overwrite_a=True, check_finite=False)[0][1:]


def exact_slopes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The slopes (d, k) that minimise Σ (y − w₀ − ⟨w, x⟩)² for these very numbers; y (n, k)."""
    (n, d), k = x.shape, y.shape[1]
    columns, units = zip(*map(whole, [*x.T, *y.T]), strict=True)
    sums = [sum(column) for column in columns]
    # n Σab − ΣaΣb: the centred products, without a division.
    matrix = [
        [Fraction(n * sum(map(int.__mul__, columns[i], columns[j])) - sums[i] * sums[j])
         for j in range(d + k)]
        for i in range(d)
    ]  # fmt: skip
    return np.array([
        [float(w * units[d + j] / units[i]) for j, w in enumerate(row)]
        for i, row in enumerate(eliminated(matrix))
    ])  # fmt: skip


def whole(column: np.ndarray) -> tuple[list[int], Fraction]:
    """Whole numbers and the unit, a power of two, in which they are the column's values."""
    mantissa, exponent = np.frexp(column)
    lowest = int(exponent[column != 0].min()) - 53
    shifts = np.where(column == 0, 0, exponent - 53 - lowest)
    digits = np.ldexp(mantissa, 53).astype(np.int64)
    numbers = [m << s for m, s in zip(digits.tolist(), shifts.tolist(), strict=True)]
    return numbers, Fraction(2) ** lowest


def eliminated(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    """The solutions (d, k) of the augmented systems (d, d + k), by Gauss and Jordan."""
    d = len(matrix)
    for j in range(d):
        matrix[j] = [value / matrix[j][j] for value in matrix[j]]
        for i in range(d):
            if i != j:
                factor = matrix[i][j]
                matrix[i] = [a - factor * b for a, b in zip(matrix[i], matrix[j], strict=True)]
    return [row[d:] for row in matrix]


if __name__ == "__main__":
    run(rows, threads=THREADS)
