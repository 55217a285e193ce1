"""The QR of tall thin matrices as a loop, in the part of Python and NumPy that Numba compiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = ["triangles"]


def triangles(
    x: Array, t: Array, weight: Array, mean: Array, first: int, last: int, size: int, found: Array
) -> None:
    """R of a QR of √weight (v − mean), v = (x, t), for each `size` rows from first to last − 1.

    x (n, d); t (k, n); weight (n,) or (0,) for 1 each; mean (d + k,); found (lots, d + k, d + k),
    zeros before. It is the modified method of Gram and Schmidt, whose R is that of Householder's
    reflections of the same rows below as many rows of zeros, to the same accuracy (Björck and
    Paige, SIAM J. Matrix Anal. Appl. 13 (1992) 176). Columns of a lot stay in the fastest caches.
    """
    columns = np.empty((len(mean), size))
    for lot in range(len(found)):
        start = first + lot * size
        m = min(size, last - start)
        _centre(x, t, weight, mean, start, m, columns)
        for j in range(len(mean)):
            _project(columns, m, j, found[lot])


@register_jitable
def _centre(
    x: Array, t: Array, weight: Array, mean: Array, start: int, m: int, columns: Array
) -> None:
    """√weight (v − mean) of m rows, as columns."""
    d = x.shape[1]
    for j in range(d):
        for i in range(m):
            columns[j, i] = x[start + i, j] - mean[j]
    for j in range(d, len(mean)):
        for i in range(m):
            columns[j, i] = t[j - d, start + i] - mean[j]
    if len(weight):
        root = np.sqrt(weight[start : start + m])
        for j in range(len(mean)):
            for i in range(m):
                columns[j, i] *= root[i]


@register_jitable
def _project(columns: Array, m: int, j: int, r: Array) -> None:
    """Row j of R; from all further columns, of m rows, goes what lies along column j."""
    axis, square = columns[j], 0.0
    for i in range(m):
        square += axis[i] * axis[i]
    if square == 0.0:
        return
    size = np.sqrt(square)
    r[j, j] = size
    for k in range(j + 1, len(columns)):
        column, along = columns[k], 0.0
        for i in range(m):
            along += axis[i] * column[i]
        r[j, k] = along / size
        along /= square
        for i in range(m):
            column[i] -= along * axis[i]
