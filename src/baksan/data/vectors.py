"""Answers of several numbers that are one thing: direction(zenith, azimuth), position(x, y).

A direction becomes its unit vector (`physics.directions.unit_vector`), so that no model stumbles
where the azimuth goes from 360° to 0°; its unit is that of errors, degrees. A position stays what
it is, in the unit of its first coordinate.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan import units
from baksan.data.expressions import features_of
from baksan.physics.directions import unit_vector
from baksan.table import Table
from baksan.table.column import Column

Array = NDArray[Any]

__all__ = ["VECTORS", "parts_of", "with_vector"]

_WRITTEN = re.compile(r"\s*(\w+)\s*\((.*)\)\s*", re.DOTALL)


def parts_of(text: str) -> tuple[str, tuple[str, ...]] | None:
    """('direction', ('zenith', 'azimuth')) of 'direction(zenith, azimuth)'; None for other texts.

    Raises ValueError for another number of columns than two.

    Examples
    --------
    >>> parts_of("position(core_x, core_y)"), parts_of("energy")
    (('position', ('core_x', 'core_y')), None)
    """
    found = _WRITTEN.fullmatch(text)
    if found is None or found[1] not in VECTORS:
        return None
    parts = tuple(name.strip("`") for name in features_of(found[2]))
    if len(parts) != 2:
        raise ValueError(
            f"{found[1]} is made of two columns, as in {_EXAMPLES[found[1]]}; {text!r} has"
            f" {len(parts)}. Name two."
        )
    return found[1], parts


def with_vector(table: Table, text: str) -> tuple[Table, tuple[str, ...]]:
    """The table with the vector as a column of that name, and the columns it is made of.

    These know the answer: they are features only where they are named. Any other text gives the
    table back. Raises KeyError for an unknown column, TypeError for text, ValueError for angles
    without a unit, UnitError for units that do not fit.
    """
    if text in table.columns or (found := parts_of(text)) is None:
        return table, ()
    kind, parts = found
    held = [table.column(name) for name in parts]
    for name, column in zip(parts, held, strict=True):
        if column.is_text or column.values.ndim > 1:
            raise TypeError(
                f"{table.source}: {text} needs numbers, one an event; {name!r} holds"
                f" {'text' if column.is_text else 'vectors'}. Name another column."
            )
    first, second = (np.asarray(column.values, dtype=np.float64) for column in held)
    given = held[0].unit, held[1].unit
    made = Column(
        VECTORS[kind]((first, second), given),
        "deg" if kind == "direction" else given[0],
        f"{kind} made of {parts[0]} and {parts[1]}", role="truth", kind=kind,  # type: ignore[arg-type]
    )  # fmt: skip
    known = {n: replace(c, role="truth") for n, c in zip(parts, held, strict=True)}
    return table.with_columns({**known, text: made}), parts


def _direction(values: tuple[Array, Array], given: tuple[str, str]) -> Array:
    if not all(given):
        raise ValueError(
            "a direction needs angles whose unit is known, deg or rad; the units are"
            f" {given[0] or 'none'!r} and {given[1] or 'none'!r}. Give the columns units."
        )
    zenith, azimuth = (v * units.factor(u, "rad") for v, u in zip(values, given, strict=True))
    # What is missing stays missing.
    lost = ~(np.isfinite(zenith) & np.isfinite(azimuth))
    n = unit_vector(np.where(lost, 0.0, zenith), np.where(lost, 0.0, azimuth))
    n[lost] = np.nan
    return n


def _position(values: tuple[Array, Array], given: tuple[str, str]) -> Array:
    return np.stack([values[0], values[1] * units.factor(given[1], given[0])], axis=1)


VECTORS: dict[str, Callable[[tuple[Array, Array], tuple[str, str]], Array]] = {
    "direction": _direction,
    "position": _position,
}
"""How each kind is made of two numbers an event and their units: (n, 3) or (n, 2)."""
_EXAMPLES = {"direction": "direction(zenith, azimuth)", "position": "position(core_x, core_y)"}
