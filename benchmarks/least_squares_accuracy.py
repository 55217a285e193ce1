"""Six hard least-squares problems: errors and times against LAPACK's orthogonal gelsy.

The exact answer is that of the numbers as stored: binary fractions, so their normal equations are
exact in whole numbers of any length, and so is the elimination. The error compares slopes in units
of each feature's spread: |s∘(w − w*)| / |s∘w*|.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from side_by_side import Row, Side, number, race, run, times_faster

import baksan as bk

THREADS = 2
D = 12
SLACK, TIMES = 10, 3


def rows(quick: bool) -> Iterator[Row]:
    n = 10_000 if quick else 100_000
    for name, x in problems(n, np.random.default_rng(0)).items():
        yield from claims(name, x)


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


def claims(name: str, x: np.ndarray) -> Iterator[Row]:
    spread = x.std(axis=0)
    y = x @ (np.where(np.arange(D) % 2, -1.0, 1.0) / spread)
    x.flags.writeable = y.flags.writeable = False
    X, right = bk.Samples(x, y), spread * exact_slopes(x, y)
    sides = {"ours": Side(lambda: ours(X)), "gelsy": Side(lambda: gelsy(x, y))}
    errors: dict[str, float] = {}

    def agree(other: str, mine: np.ndarray, theirs: np.ndarray) -> None:
        for who, w in (("ours", mine), (other, theirs)):
            errors[who] = float(np.linalg.norm(spread * w - right) / np.linalg.norm(right))

    seconds = race(sides, agree)
    wrong = max(errors["gelsy"], float(np.finfo(float).eps))
    yield Row(
        f"coefficient error, {name}", number(errors["ours"]), "gelsy", number(errors["gelsy"]),
        errors["ours"] / wrong, SLACK, "at most",
    )  # fmt: skip
    yield times_faster(f"its time, {len(x):,} × {D}", seconds, "gelsy", TIMES)


def ours(X: bk.Samples) -> np.ndarray:
    return bk.fit(bk.Linear(), X, bk.losses.squared, bk.Analytic()).model.weights


def gelsy(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    from scipy.linalg import lstsq

    z = np.column_stack([np.ones(len(x)), x])
    return lstsq(z, y, lapack_driver="gelsy", overwrite_a=True, check_finite=False)[0][1:]


def exact_slopes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The slopes (d,) that minimise Σ (y − w₀ − ⟨w, x⟩)² for these very numbers."""
    z = [*(whole(column) for column in x.T), whole(y)]
    n, columns, d = len(y), [column for column, _ in z], x.shape[1]
    sums = [sum(column) for column in columns]
    # n Σab − ΣaΣb: the centred products, without a division.
    matrix = [
        [Fraction(n * sum(map(int.__mul__, columns[j], columns[k])) - sums[j] * sums[k])
         for k in range(d + 1)]
        for j in range(d)
    ]  # fmt: skip
    scaled = eliminated(matrix)
    return np.array([float(w * z[-1][1] / z[j][1]) for j, w in enumerate(scaled)])


def whole(column: np.ndarray) -> tuple[list[int], Fraction]:
    """Whole numbers and the unit, a power of two, in which they are the column's values."""
    mantissa, exponent = np.frexp(column)
    lowest = int(exponent[column != 0].min()) - 53
    shifts = np.where(column == 0, 0, exponent - 53 - lowest)
    digits = np.ldexp(mantissa, 53).astype(np.int64)
    numbers = [m << s for m, s in zip(digits.tolist(), shifts.tolist(), strict=True)]
    return numbers, Fraction(2) ** lowest


def eliminated(matrix: list[list[Fraction]]) -> list[Fraction]:
    """The solution of the augmented system (d, d + 1), by Gauss and Jordan."""
    for j in range(len(matrix)):
        matrix[j] = [value / matrix[j][j] for value in matrix[j]]
        for i in range(len(matrix)):
            if i != j:
                factor = matrix[i][j]
                matrix[i] = [a - factor * b for a, b in zip(matrix[i], matrix[j], strict=True)]
    return [row[-1] for row in matrix]


if __name__ == "__main__":
    run(rows, threads=THREADS)
