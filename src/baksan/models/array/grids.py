"""Regular arrays: who is whose neighbour on squares and on triangles."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = ["Neighbours", "neighbours_of"]

_OFF = 0.2  # of the pitch: how far from its place a station may stand


class Neighbours(NamedTuple):
    """Station i + shifts[m] stands in direction m from station i, if there[i][m]."""

    shifts: tuple[int, ...]
    there: tuple[tuple[bool, ...], ...]


def neighbours_of(places: Array) -> Neighbours:
    """Each station itself, then those around it: 9 in all on squares, 7 on triangles, in one order
    of directions for all.

    Raises ValueError where the stations are on neither, or not in order, row by row.
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
    there = np.isfinite(distance)
    steps = np.where(there, index - np.arange(S)[:, None], 0)
    shifts = [np.unique(column[known]) for column, known in zip(steps.T, there.T, strict=True)]
    if any(len(one) > 1 for one in shifts):
        raise ValueError(
            "a grid needs stations in order, row by row, each row as long as the others; these are"
            " not. Take kind='sets', for which the order does not matter."
        )
    own = np.ones((S, 1), dtype=bool)
    return Neighbours(
        (0, *(int(one[0]) if len(one) else 0 for one in shifts)),
        tuple(map(tuple, np.concatenate([own, there], axis=1).tolist())),
    )
