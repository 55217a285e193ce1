"""One column: its range, its histogram, and what to look out for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.describe.facts import Fact, Facts, finite_values, marks_in
from baksan.describe.result import ColumnDescription
from baksan.samples import class_text, counted
from baksan.table import Column, Table, mixed
from baksan.table.filling import signed

Array = NDArray[Any]

__all__ = ["class_counts", "columns", "is_class"]

_BARS = "▁▂▃▄▅▆▇█"
_BINS = 12
_TELLING = 0.999  # AUC of one column alone, or its correlation with the answer
_FEWEST = 5  # events a class must have before one column is said to separate it
_SHOWN = 12  # text values or warnings that are shown by name


def columns(
    table: Table, answer: str | None, facts: Facts, marks: Mapping[str, Mapping[float, int]]
) -> tuple[ColumnDescription, ...]:
    """What is to be said of each column; `marks` are counted ones, else they are sought here."""
    target = None if answer is None else table.column(answer)
    return tuple(
        _describe_column(
            name, column, None if name == answer else target, facts.columns[name], marks.get(name)
        )
        for name, column in table.columns.items()
    )


def _describe_column(
    name: str,
    column: Column,
    target: Column | None,
    fact: Fact,
    marks: Mapping[float, int] | None,
) -> ColumnDescription:
    """What the rows at hand show, and what is a fact of all rows."""
    common: dict[str, Any] = {
        "name": name, "unit": column.unit, "rows": fact.rows, "missing": fact.missing,
    }  # fmt: skip
    telling = [] if target is None else list(_telling(column, target))
    if column.is_text:
        counts = class_counts(column)
        shown = tuple(list(counts)[:_SHOWN])
        spark = _bars(np.array(list(counts.values())[:_BINS]))
        return ColumnDescription(
            **common, type="text", distinct=len(counts), values=shown, spark=spark,
            warnings=(*_constant(fact), *_mixed(fact), *telling),
        )  # fmt: skip
    finite = finite_values(column)
    if not fact.finite:
        return ColumnDescription(
            **common, type=_type(column), distinct=0, warnings=("holds no number at all", *telling)
        )
    told = dict(marks_in(finite)) if marks is None else marks
    return ColumnDescription(
        **common,
        type=_type(column),
        distinct=len(np.unique(finite)),
        low=fact.low,
        median=float(np.median(finite)) if len(finite) else None,
        mean=fact.total / fact.finite,
        high=fact.high,
        spark=_sparkline(finite) if len(finite) else "",
        warnings=(*_constant(fact), *_infinite(fact), *_marked(told), *telling),
    )


def _type(column: Column) -> str:
    kind = {"b": "bool", "i": "int", "u": "int", "f": "float"}[column.values.dtype.kind]
    shape = column.values.shape[1:]
    return f"{kind}[{','.join(map(str, shape))}]" if shape else kind


def class_counts(column: Column) -> dict[str, int]:
    """How often each value occurs, most frequent first; missing ones are not counted."""
    values, counts = np.unique(class_text(column.values[~column.missing]), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(values[j]): int(counts[j]) for j in order}


def _constant(fact: Fact) -> Iterator[str]:
    if fact.missing == fact.rows:
        yield "is missing in every row"
    elif not fact.varies and fact.rows > 1:
        yield "is constant" + (" where it is not missing" if fact.missing else "")


def _infinite(fact: Fact) -> Iterator[str]:
    if fact.infinite:
        yield f"is infinite in {counted(fact.infinite)}"


def _mixed(fact: Fact) -> Iterator[str]:
    if many := mixed(fact.numbers, fact.cells):
        yield f"is text, though {many}: it is no feature as it stands"


def _marked(marks: Mapping[float, int]) -> Iterator[str]:
    for mark, count in marks.items():
        told = f"{signed(mark)} stands in {counted(count)}"
        yield f"{told}: is it a mark for missing (--mark {mark:g})?"


def _sparkline(finite: Array) -> str:
    """A histogram of the central 98 %; of the logarithms ('lg') if these span two decades."""
    low, high = np.quantile(finite, [0.01, 0.99])
    if not low < high:
        low, high = finite.min(), finite.max()
    if not 0 < high - low < np.inf:
        return _bars(np.array([len(finite)]))
    kept = finite[(finite >= low) & (finite <= high)]
    if finite.min() > 0 and high > 100 * low:
        return _bars(_histogram(np.log10(kept))) + " lg"
    return _bars(_histogram(kept))


def _histogram(values: Array) -> Array:
    """Counts in equal bins; in one, where there are not that many numbers between the ends."""
    if not len(values):
        return np.zeros(1)
    edges = np.linspace(values.min(), values.max(), _BINS + 1)
    if not (np.diff(edges) > 0).all():
        return np.array([len(values)])
    return np.histogram(values, edges)[0]


def _bars(counts: Array) -> str:
    """▁ is empty or nearly so, █ the fullest bin."""
    if not len(counts) or not counts.max():
        return ""
    level = np.rint(counts / counts.max() * (len(_BARS) - 1)).astype(int)
    return "".join(_BARS[k] for k in level)


# What gives the answer away -----------------------------------------------------------------------


def is_class(target: Column) -> bool:
    """Whether an answer tells classes: text, true or false, or a few whole numbers."""
    values = target.values
    if target.is_text or values.dtype.kind == "b":
        return True
    whole = values.ndim == 1 and bool(np.all(np.isfinite(values)) and np.all(values == values // 1))
    return whole and len(np.unique(values)) <= 20


def _telling(column: Column, target: Column) -> Iterator[str]:
    if column.values.ndim > 1 or target.values.ndim > 1:
        return
    known = ~target.missing
    if is_class(target):
        yield from _tells_class(column, known, target.values.astype(str))
    elif not column.is_text:
        yield from _tells_number(column, known, target.values.astype(float))


def _tells_class(column: Column, known: Array, labels: Array) -> Iterator[str]:
    names = np.unique(labels[known])
    if len(names) < 2:
        return
    if column.missing.any():
        best = _separation(column.missing[known], labels[known])
        if best >= _TELLING:
            yield f"gives the answer away: where it is missing tells the class (AUC {best:.4f})"
            return
    here = known & ~column.missing
    if len(np.unique(labels[here])) < 2:
        return
    if not column.is_text:
        here &= np.isfinite(column.values)
        best = _separation(column.values[here], labels[here])
        if best >= _TELLING:
            yield f"gives the answer away: alone it has an AUC of {best:.4f}"
            return
    values = column.values[here]
    if _one_class_each(values.astype(str) if column.is_text else values, labels[here]):
        yield "gives the answer away: each of its values goes with one class only"


def _separation(values: Array, labels: Array) -> float:
    """max(AUC, 1 − AUC) of one column for the class that it tells best from the rest.

    By sums of ranks, AUC = (Σ R − n(n+1)/2)/(n (N − n)): H. Mann and D. Whitney, Ann. Math. Stat.
    18 (1947) 50.
    """
    from scipy.stats import rankdata

    _, which, n = np.unique(labels, return_inverse=True, return_counts=True)
    enough = np.minimum(n, len(labels) - n) >= _FEWEST
    if not enough.any():
        return 0.5
    rank = np.bincount(which, rankdata(values.astype(float)))
    area = (rank - n * (n + 1) / 2)[enough] / (n * (len(labels) - n))[enough]
    return float(np.maximum(area, 1 - area).max())


def _one_class_each(values: Array, labels: Array) -> bool:
    """Whether values determine the class, and recur often enough for that to be no accident."""
    kinds, kind = np.unique(values, return_inverse=True)
    if not 2 <= len(kinds) <= len(values) / 4:
        return False
    names, name = np.unique(labels, return_inverse=True)
    return len(np.unique(kind * len(names) + name)) == len(kinds)


def _tells_number(column: Column, known: Array, answers: Array) -> Iterator[str]:
    here = known & np.isfinite(column.values) & np.isfinite(answers)
    x, y = column.values[here].astype(float), answers[here]
    if here.sum() > 2 and np.ptp(x) > 0 and np.ptp(y) > 0:
        from scipy.stats import rankdata

        linear = float(np.corrcoef(x, y)[0, 1])
        ranked = float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])
        if abs(linear) >= _TELLING:
            yield f"gives the answer away: its correlation with it is {linear:.4f}"
        elif abs(ranked) >= _TELLING:
            yield f"gives the answer away: its rank correlation with it is {ranked:.4f}"
