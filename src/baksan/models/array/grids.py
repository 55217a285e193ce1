"""Regular arrays: who is whose neighbour on squares and on triangles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = ["neighbours_of"]

_OFF = 0.2  # of the pitch: how far from its place a station may stand


def neighbours_of(places: Array) -> tuple[tuple[int, ...], ...]:
    """(S, 9) on squares, (S, 7) on triangles: each station itself, then those around it in one
    order of directions for all; S where there is none.

    Raises ValueError where the stations are on neither.
    """
    from scipy.spatial import KDTree

    where, S = np.asarray(places, dtype=float)[:, :2], len(places)
    if S < 4:
        raise ValueError(f"a grid needs four stations or more; there are {S}. Take kind='sets'.")
    tree = KDTree(where)
    pitch = float(np.median(tree.query(where, k=2)[0][:, 1]))
    near = [
        np.setdiff1d(one, [i]) for i, one in enumerate(tree.query_ball_point(where, 1.2 * pitch))
    ]
    most = max(map(len, near))
    if most not in (4, 6):
        raise ValueError(
            "a grid needs stations on squares or triangles, each with four or six nearest ones;"
            f" here the most is {most}. Take kind='sets', which needs none."
        )
    first = next(i for i, one in enumerate(near) if len(one) == most)
    around = where[near[first]] - where[first]
    around = around[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]
    if most == 4:
        around = np.concatenate([around, around + np.roll(around, 1, axis=0)])
    distance, index = tree.query(where[:, None] + around[None], distance_upper_bound=_OFF * pitch)
    index = np.where(np.isfinite(distance), index, S)
    return tuple((i, *map(int, row)) for i, row in enumerate(index))
