"""What a column of event weights sums to."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from baksan.samples import counted, weight_notes
from baksan.table import Table

__all__ = ["weighed"]


def weighed(tables: Iterable[Table], name: str) -> tuple[str, ...]:
    """Sentences on the weights in this column of tables that follow each other: their effective
    number of events, and how much of them is negative. Rows without a weight do not count.

    Raises KeyError for an unknown column, TypeError for one that holds text.

    Examples
    --------
    >>> told = weighed([Table({"w": [1.0, 1.0, 1.0, -0.5]})], "w")
    >>> told[0]
    'weights w: 4 events, effective 2.'
    >>> told[1]
    '14 % of the weight is negative, Σw = 2.5: effective events (Σw)²/Σw² = 2.'
    """
    n, mass, squares, negative = 0, 0.0, 0.0, 0.0
    for table in tables:
        column = table.column(name)
        if column.is_text:
            raise TypeError(
                f"{table.source}: weights must be numbers; column {name!r} holds text. Name another"
                " column of weights."
            )
        w = column.values[np.isfinite(column.values)].astype(np.float64)
        n, mass, squares = n + len(w), mass + float(w.sum()), squares + float(w @ w)
        negative -= float(w[w < 0].sum())
    if mass <= 0:
        return (f"weights {name} sum to {mass:g}; no method takes weights with such a sum.",)
    effective = mass**2 / squares
    head = f"weights {name}: {counted(n, 'event')}, effective {effective:,.0f}."
    return head, *weight_notes(negative / (mass + 2 * negative), mass, effective)
