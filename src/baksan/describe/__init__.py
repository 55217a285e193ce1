"""What is in a table: ranges, missing values, marks such as −999, what gives the answer away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.describe.column import class_counts, columns, is_class
from baksan.describe.facts import MANY, SAMPLE, Facts, Pass, Sampler, counted_marks, marks_in
from baksan.describe.result import ColumnDescription, Description
from baksan.samples import Samples
from baksan.table import Column, Table
from baksan.table.weights import weighed

Array = NDArray[Any]

__all__ = ["ColumnDescription", "Description", "describe", "describe_passes", "marks_in"]


def describe(
    data: Table | Samples, answer: str | None = None, weight: str | None = None
) -> Description:
    """Look at every column of a table, or at the features and the answer of Samples.

    A column 'gives the answer away' if it alone, or the pattern of its missing values, separates
    the classes with an AUC of at least 0.999, if each of its few values goes with one class only,
    or if its correlation with an answer in numbers, of values or of ranks, is at least 0.999.

    Parameters
    ----------
    data : Table or Samples
    answer, weight : str, optional
        Their columns, for a table.

    Raises
    ------
    KeyError
        No column of that name.
    ValueError
        There are no rows.

    Examples
    --------
    >>> table = Table({"width": [1.0, 2.0, 3.0, -999.0], "kind": ["g", "g", "h", "h"]})
    >>> found = describe(table, answer="kind")
    >>> found.classes, found.columns[0].warnings
    ({'g': 2, 'h': 2}, ('−999 stands in 1 row: is it a mark for missing (--mark -999)?',))
    """
    if isinstance(data, Samples):
        data, answer = _table(data)
    if not len(data):
        raise ValueError(f"{data.source}: rows are needed; the table has none. Check its origin.")
    data = data.with_notes(*weighed([data], weight)) if weight else data
    target = None if answer is None else data.column(answer)
    facts = Facts()
    facts.add(data)
    found = columns(data, answer, facts, {})
    counts = class_counts(target) if target is not None and is_class(target) else {}
    return Description(data.source, len(data), found, answer, counts, _duplicates(data), data.notes)


def describe_passes(
    tables: Pass, answer: str | None = None, *, progress: Callable[[int], object] | None = None
) -> Description:
    """The same for what does not fit in memory, given as tables of bounded size.

    Rows, missing values, ranges, means and the counts of classes and of marks are those of all
    rows, by one or two passes. Medians, distinct values, histograms and what gives the answer away
    are those of 65,536 rows chosen at random, and a note says so.

    Parameters
    ----------
    tables : callable
        tables(columns) starts a pass over tables with these columns, with all of them for None.
    answer, errors
        As `describe`.
    progress : callable, optional
        Told the rows read so far, of each pass.

    Examples
    --------
    >>> parts = [Table({"width": [1.0, 2.0]}), Table({"width": [-999.0, 4.0]})]
    >>> found = describe_passes(lambda columns: parts)
    >>> found.rows, found.columns[0].low
    (4, -999.0)
    """
    tell = progress or (lambda rows: None)
    facts, sampler = Facts(answer), Sampler()
    for table in tables(None):
        facts.add(table)
        sampler.add(table)
        tell(facts.rows)
    sample = sampler.table(tuple(facts.notes))
    if facts.rows <= SAMPLE:
        return describe(sample, answer)
    found = columns(sample, answer, facts, counted_marks(tables, sample, facts, tell))
    named = answer is not None and is_class(sample.column(answer))
    many = named and len(facts.counts) > MANY
    note = (
        "counts of rows, missing values and classes, ranges and means are those of all rows; the"
        f" rest is told by {SAMPLE:,} rows chosen at random, and repeated rows were not sought."
    )
    if many:
        note = f"{note} Of the answer's values, more than {MANY:,}, none was counted."
    counts = facts.classes if named and not many else {}
    return Description(sample.source, facts.rows, found, answer, counts, 0, (*sample.notes, note))


def _table(X: Samples) -> tuple[Table, str | None]:
    """Samples as a table: features, then the answer."""
    notes = (*X.notes, *X.weight_notes)
    flat = X.x.reshape(len(X), -1)
    names = X.names or tuple(f"x[{j}]" for j in range(flat.shape[1]))
    units = [f.unit for f in X.features] or [""] * len(names)
    columns = {n: Column(flat[:, j], units[j]) for j, n in enumerate(names)}
    if X.y is None or X.y.ndim > 1:
        return Table(columns, "samples", notes), None
    answer = X.answer.name if X.answer else "answer"
    values = np.array(X.class_names)[X.y] if X.class_names else X.y
    return Table({**columns, answer: Column(values)}, "samples", notes), answer


def _duplicates(table: Table) -> int:
    """Rows that repeat an earlier one in every column."""
    codes = []
    for column in table.columns.values():
        flat = column.values.reshape(len(table), -1)
        codes += [np.unique(flat[:, j], return_inverse=True)[1] for j in range(flat.shape[1])]
    distinct = np.unique(np.column_stack(codes), axis=0)
    return len(table) - len(distinct)
