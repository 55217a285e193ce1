"""What a method sees of the events: numbers of single detectors are for networks of arrays alone.

A vector with a place for each of its elements is what the stations of an array measured. Other
methods see the features without a place: what the standard reconstruction made of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from baksan.solvers.base import Events

__all__ = ["blocks_of", "places_of", "plain"]


def plain(X: Any) -> Any:
    """The events (Samples or a Stream) without features of single detectors, where they have some.

    Where there are no others, all are left.
    """
    names = [f.name for f in X.features if f.place is None]
    return X if len(names) in (0, len(X.features)) else X.select(names)


def blocks_of(X: Events) -> dict[str, list[int]]:
    """The numbers of the features that are one thing, by its name: a feature, or all of a vector
    of detectors.
    """
    held: dict[str, list[int]] = {}
    for j, feature in enumerate(X.features):
        name = feature.name if feature.place is None else feature.name.partition("[")[0]
        held.setdefault(name, []).append(j)
    return held


def places_of(X: Events) -> Any:
    """Where the stations stand, (S, 2 or 3) in m, as the first vector of detectors tells.

    Raises ValueError where there is none.
    """
    for columns in blocks_of(X).values():
        if X.features[columns[0]].place is not None:
            return np.array([X.features[j].place for j in columns])
    raise ValueError(
        "the method array needs to know where the stations stand; these events do not tell. Take a"
        " file of `baksan simulate array --stations`, or bk.ArrayNetwork with places of yours."
    )
