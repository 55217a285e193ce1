"""Prediction as a loop, in the part of Python that Numba compiles."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = ["predict"]


def predict(x: Array, centre: Array, weights: Array, constant: Array, p: Array) -> None:
    """p_ik becomes constant_k + Σ_j weights_kj (x_ij − centre_j); x (n, d), p (n, k)."""
    for i in range(len(x)):
        for k in range(len(weights)):
            total = 0.0
            for j in range(len(centre)):
                total += weights[k, j] * (x[i, j] - centre[j])
            p[i, k] = constant[k] + total
