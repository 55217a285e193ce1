"""Cleaning of images and their moments, as a loop over events that Numba compiles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = ["clean", "moments"]


def clean(charge: Array, neighbours: Array, picture: float, boundary: float, kept: Array) -> None:
    """Marks pixels of (n, P): above `picture` with such a neighbour, and above `boundary` next to
    one of these.
    """
    for k in range(len(charge)):
        for i in range(charge.shape[1]):
            if charge[k, i] >= picture:
                for j in neighbours[i]:
                    if j >= 0 and charge[k, j] >= picture:
                        kept[k, i] = True
        for i in range(charge.shape[1]):
            if boundary <= charge[k, i] < picture:
                for j in neighbours[i]:
                    # Of the picture are only pixels above its threshold.
                    if j >= 0 and kept[k, j] and charge[k, j] >= picture:
                        kept[k, i] = True


def moments(
    charge: Array, kept: Array, x: Array, y: Array, border: Array, neighbours: Array, out: Array
) -> None:
    """Of each image (n, 18): size, centroid, length, width, ψ, skewness, kurtosis, share in the
    border, pixels, islands, the two brightest pixels, distance of the brightest along the axis,
    third moments along and across, angle α, distance; 0 for what has no light.

    The axis points away from the middle of the camera.
    """
    waiting = np.zeros(charge.shape[1], dtype=np.int32)
    for k in range(len(charge)):
        size, cx, cy, edge, pixels = 0.0, 0.0, 0.0, 0.0, 0
        first, second, brightest = 0.0, 0.0, -1
        for i in range(charge.shape[1]):
            if kept[k, i]:
                w = float(charge[k, i])
                size, cx, cy, pixels = size + w, cx + w * x[i], cy + w * y[i], pixels + 1
                if border[i]:
                    edge += w
                if w > first:
                    first, second, brightest = w, first, i
                elif w > second:
                    second = w
        if not size > 0.0:
            continue
        cx, cy = cx / size, cy / size
        xx, xy, yy = 0.0, 0.0, 0.0
        for i in range(charge.shape[1]):
            if kept[k, i]:
                w, dx, dy = float(charge[k, i]) / size, x[i] - cx, y[i] - cy
                xx, xy, yy = xx + w * dx * dx, xy + w * dx * dy, yy + w * dy * dy
        middle, half = 0.5 * (xx + yy), math.sqrt(0.25 * (xx - yy) ** 2 + xy * xy)
        length = math.sqrt(middle + half)
        width = math.sqrt(max(middle - half, 0.0))
        psi = 0.5 * math.atan2(2.0 * xy, xx - yy)
        c, s = math.cos(psi), math.sin(psi)
        if c * cx + s * cy < 0.0:
            c, s, psi = -c, -s, psi + math.pi
        along3, across3, along4 = 0.0, 0.0, 0.0
        for i in range(charge.shape[1]):
            if kept[k, i]:
                w, dx, dy = float(charge[k, i]) / size, x[i] - cx, y[i] - cy
                along, across = c * dx + s * dy, c * dy - s * dx
                along3, across3 = along3 + w * along**3, across3 + w * across**3
                along4 += w * along**4
        away = math.sqrt(cx * cx + cy * cy)
        off = abs(c * cy - s * cx) / away if away > 0.0 else 0.0
        row = out[k]
        row[0], row[1], row[2], row[3], row[4], row[5] = size, cx, cy, length, width, psi
        row[6] = along3 / length**3 if length > 0.0 else 0.0
        row[7] = along4 / length**4 if length > 0.0 else 0.0
        row[8], row[9] = edge / size, pixels
        row[10] = _islands(kept[k], neighbours, waiting)
        row[11], row[12] = first, second
        row[13] = (cx - x[brightest]) * c + (cy - y[brightest]) * s
        row[14], row[15] = along3, across3
        row[16], row[17] = math.asin(min(off, 1.0)), away


@register_jitable
def _islands(kept: Array, neighbours: Array, waiting: Array) -> int:
    """How many groups of adjacent pixels; `waiting` is room for P numbers."""
    left = kept.copy()
    found = 0
    for start in range(len(left)):
        if left[start]:
            found += 1
            left[start] = False
            waiting[0], many = start, 1
            while many > 0:
                many -= 1
                for j in neighbours[waiting[many]]:
                    if j >= 0 and left[j]:
                        left[j] = False
                        waiting[many] = j
                        many += 1
    return found
