"""From two tables, as files give them, to the inputs that both have, in the same units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan import units
from baksan.data.expressions import derive
from baksan.samples import Samples
from baksan.table import Table
from baksan.table.column import Column

__all__ = ["shared", "with_weights"]


def shared(
    simulation: Table,
    data: Table,
    features: Sequence[str] | None = None,
    weight: str | None = None,
) -> tuple[Samples, Samples, tuple[str, ...]]:
    """The simulated events, the measured ones, and what was left out.

    Parameters
    ----------
    simulation, data : Table
    features : sequence of str, optional
        Columns or formulas; those columns of numbers that both have if left out, without what only
        a simulation knows, what never varies, and whole numbers that name events.
    weight : str, optional
        The column of weights of the simulation; of the data, too, where these have it.

    Raises
    ------
    KeyError, TypeError, ValueError
        No input in common, a column that one of them lacks, units that do not convert; and as
        `Table.samples`.
    """
    notes = []
    if features is None:
        features, left = _common(simulation, data, weight)
        if left:
            notes.append(
                f"Left out, since one side lacks them, they never vary, or number events: {left}."
            )
    both = []
    for table in (simulation, data):
        made, names = derive(table, features)
        own = weight if weight is None or weight in table.columns or table is simulation else None
        both.append(made.samples(features=names, weight=own, allow_constant=True))
    simulated, measured = both
    told = dict.fromkeys([*notes, *simulated.notes, *measured.notes])
    return simulated, _converted(measured, simulated), tuple(told)


def with_weights(simulation: Table, simulated: Samples, weight: NDArray[Any]) -> Table:
    """The table of the simulation with these weights as the column agreement; NaN in rows that lack
    an input and took no part.
    """
    column = np.full(len(simulation), np.nan)
    column[np.searchsorted(simulation.rows, simulated.ids)] = weight
    return simulation.with_columns({
        "agreement": Column(column, description="weights that bring the simulation to the data")
    })  # fmt: skip


def _common(simulation: Table, data: Table, weight: str | None) -> tuple[list[str], str]:
    held = [_inputs(table) for table in (simulation, data)]
    both = [n for n in held[0] if n in held[1] and n != weight]
    both = [n for n in both if not any(_numbers_events(side[n]) for side in held)]
    vary = [n for n in both if np.ptp(np.append(held[0][n], held[1][n])) > 0]
    if not vary:
        first, second = (", ".join(names) or "none" for names in held)
        raise ValueError(
            f"an agreement needs inputs that both sides have; {simulation.source} has {first};"
            f" {data.source} has {second}. Rename columns, or name formulas with --features."
        )
    gone = sorted((set(held[0]) | set(held[1])) - set(vary) - {weight})
    return vary, ", ".join(gone)


def _inputs(table: Table) -> dict[str, NDArray[Any]]:
    """The columns that hold a number an event and are no truth."""
    return {
        name: column.usable
        for name, column in table.columns.items()
        if not (column.is_text or column.role or column.values.ndim > 1) and len(column.usable)
    }


def _numbers_events(values: NDArray[Any]) -> bool:
    """Whether these are whole numbers no two of which are alike: names of events."""
    whole = values.dtype.kind in "iu"
    return whole and len(values) > 1 and len(np.unique(values)) == len(values)


def _converted(measured: Samples, simulated: Samples) -> Samples:
    """The measured events in the units of the simulation."""
    factors = []
    for have, want in zip(measured.features, simulated.features, strict=True):
        try:
            # A side that names no unit is taken to mean that of the other.
            known = have.unit and want.unit
            factors.append(units.factor(have.unit, want.unit) if known else 1.0)
        except units.UnitError as error:
            raise ValueError(f"{have.name}: {error}") from None
    if set(factors) != {1.0}:
        measured = measured.with_parts(x=measured.x * factors)
    return replace(measured, features=simulated.features)
