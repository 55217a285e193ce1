"""What is in a table: ranges, missing values, marks such as −999, what gives the answer away."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.metrics import auc
from baksan.samples import Samples
from baksan.table import Column, Table

__all__ = ["ColumnDescription", "Description", "describe"]

Array = NDArray[Any]

_BARS = "▁▂▃▄▅▆▇█"
_BINS = 12
_TELLING = 0.999  # AUC of one column alone, or its correlation with the answer
_MARKS = (-9999.0, -999.0, -99.0, 999.0, 9999.0, 99999.0, 1e20, 1e30)
_FEWEST = 5  # events a class must have before one column is said to separate it
_SHOWN = 12  # text values or warnings that are shown by name
_HEAD = ("column", "unit", "type", "missing", "distinct")
_FULL, _SHORT = 32 + 2 + 15, 19 + 1 + 9  # characters of the range and histogram


@dataclass(frozen=True)
class ColumnDescription:
    """One column: numbers have low … high, text has values; `spark` is a small histogram."""

    name: str
    type: str
    unit: str
    rows: int
    missing: int
    distinct: int
    low: float | None = None
    median: float | None = None
    mean: float | None = None
    high: float | None = None
    spark: str = ""
    values: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Description:
    """What `describe` found; `text()` for a terminal, `to_dict()` for a file."""

    source: str
    rows: int
    columns: tuple[ColumnDescription, ...]
    answer: str | None
    classes: Mapping[str, int]
    duplicates: int
    notes: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Every warning with the name of its column in front."""
        return tuple(f"{c.name}: {w}" for c in self.columns for w in c.warnings)

    def to_dict(self) -> dict[str, Any]:
        """Plain types, ready for JSON."""
        return {**asdict(self), "classes": dict(self.classes)}

    def text(self, width: int = 100) -> str:
        """The table of columns, and below it what to look out for, in lines of at most `width`."""
        columns = "1 column" if len(self.columns) == 1 else f"{len(self.columns)} columns"
        lines = [f"{self.source}: {self.rows:,} rows, {columns}", ""]
        lines += _columns_text(self.columns, width)
        if self.classes:
            total = max(sum(self.classes.values()), 1)
            shares = [f"{n} {c:,} ({c / total:.1%})" for n, c in self.classes.items()]
            lines += ["", *_wrapped(f"answer {self.answer}: {', '.join(shares)}", width)]
        remarks = [*self._remarks(), *self.warnings, *self.notes]
        lines += [""] * bool(remarks)
        for remark in remarks:
            lines += _wrapped(f"• {remark}", width)
        return "\n".join(lines)

    def _remarks(self) -> Iterator[str]:
        if self.duplicates:
            yield f"{_rows(self.duplicates)} repeat earlier ones: keep them on one side of a split"


def describe(data: Table | Samples, answer: str | None = None) -> Description:
    """Look at every column of a table, or at the features and the answer of Samples.

    A column 'gives the answer away' if it alone, or the pattern of its missing values, separates
    the classes with an AUC of at least 0.999, if each of its few values goes with one class only,
    or if its correlation with an answer in numbers, of values or of ranks, is at least 0.999.

    Parameters
    ----------
    data : Table or Samples
    answer : str, optional
        The column with the answer, for a table.

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
    ({'g': 2, 'h': 2}, ('−999 stands in 1 row: is it a mark for missing?',))
    """
    if isinstance(data, Samples):
        data, answer = _table(data)
    if not len(data):
        raise ValueError(f"{data.source}: rows are needed; the table has none. Check its origin.")
    target = None if answer is None else data.column(answer)
    found = tuple(
        _describe_column(name, column, None if name == answer else target)
        for name, column in data.columns.items()
    )
    counts = _counts(target) if target is not None and _is_class(target) else {}
    return Description(data.source, len(data), found, answer, counts, _duplicates(data), data.notes)


def _table(X: Samples) -> tuple[Table, str | None]:
    """Samples as a table: features, then the answer."""
    flat = X.x.reshape(len(X), -1)
    names = X.names or tuple(f"x[{j}]" for j in range(flat.shape[1]))
    columns = {
        name: Column(flat[:, j], X.features[j].unit if X.features else "")
        for j, name in enumerate(names)
    }
    if X.y is None or X.y.ndim > 1:
        return Table(columns, "samples", X.notes), None
    answer = X.answer.name if X.answer else "answer"
    values = np.array(X.class_names)[X.y] if X.class_names else X.y
    return Table({**columns, answer: Column(values)}, "samples", X.notes), answer


# One column ---------------------------------------------------------------------------------------


def _describe_column(name: str, column: Column, target: Column | None) -> ColumnDescription:
    values, missing = column.values, int(column.missing.sum())
    common: dict[str, Any] = {
        "name": name,
        "unit": column.unit,
        "rows": len(values),
        "missing": missing,
    }
    telling = [] if target is None else list(_telling(column, target))
    if column.is_text:
        counts = _counts(column)
        shown = tuple(list(counts)[:_SHOWN])
        spark = _bars(np.array(list(counts.values())[:_BINS]))
        return ColumnDescription(
            **common, type="text", distinct=len(counts), values=shown, spark=spark,
            warnings=(*_constant(len(counts), missing, len(values)), *_mixed(column), *telling),
        )  # fmt: skip
    finite = values[np.isfinite(values)].astype(float)
    distinct = len(np.unique(finite))
    if not len(finite):
        return ColumnDescription(
            **common, type=_type(column), distinct=0, warnings=("holds no number at all", *telling)
        )
    warnings = [*_constant(distinct, missing, len(values)), *_infinite(values), *_marks(finite)]
    return ColumnDescription(
        **common,
        type=_type(column),
        distinct=distinct,
        low=float(finite.min()),
        median=float(np.median(finite)),
        mean=float(finite.mean()),
        high=float(finite.max()),
        spark=_sparkline(finite),
        warnings=(*warnings, *telling),
    )


def _type(column: Column) -> str:
    kind = {"b": "bool", "i": "int", "u": "int", "f": "float"}[column.values.dtype.kind]
    shape = column.values.shape[1:]
    return f"{kind}[{','.join(map(str, shape))}]" if shape else kind


def _counts(column: Column) -> dict[str, int]:
    """How often each value occurs, most frequent first; missing ones are not counted."""
    values, counts = np.unique(column.values[~column.missing].astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(values[j]): int(counts[j]) for j in order}


def _constant(distinct: int, missing: int, rows: int) -> Iterator[str]:
    if distinct == 1 and rows > 1:
        yield "is constant" + (" where it is not missing" if missing else "")
    elif missing == rows:
        yield "is missing in every row"


def _infinite(values: Array) -> Iterator[str]:
    if values.dtype.kind == "f" and (count := int(np.isinf(values).sum())):
        yield f"is infinite in {_rows(count)}"


def _mixed(column: Column) -> Iterator[str]:
    if column.mixed:
        yield f"is text, though {column.mixed}: it is no feature as it stands"


def _marks(finite: Array) -> Iterator[str]:
    """Values such as −999 that lie far outside all others, or −1 below numbers from 0 on."""
    values, counts = np.unique(finite, return_counts=True)
    for mark in (*_MARKS, -1.0):
        here = values == mark
        rest = values[~here]
        if not here.any() or not len(rest):
            continue
        if mark == -1:
            found = rest[0] >= 0 and len(rest) > 3 and counts[here][0] > 1
        else:
            found = rest[0] > mark / 2 if mark < 0 else rest[-1] < mark / 2
        if found:
            shown = f"{mark:g}".replace("-", "−")
            yield f"{shown} stands in {_rows(counts[here][0])}: is it a mark for missing?"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _sparkline(finite: Array) -> str:
    """A histogram of the central 98 %; of the logarithms ('lg') if these span two decades."""
    low, high = np.quantile(finite, [0.01, 0.99])
    if not low < high:
        low, high = finite.min(), finite.max()
    if not 0 < high - low < np.inf:
        return _bars(np.array([len(finite)]))
    kept = finite[(finite >= low) & (finite <= high)]
    if finite.min() > 0 and high > 100 * low:
        return _bars(np.histogram(np.log10(kept), bins=_BINS)[0]) + " lg"
    return _bars(np.histogram(kept, bins=_BINS)[0])


def _bars(counts: Array) -> str:
    """▁ is empty or nearly so, █ the fullest bin."""
    if not len(counts) or not counts.max():
        return ""
    level = np.rint(counts / counts.max() * (len(_BARS) - 1)).astype(int)
    return "".join(_BARS[k] for k in level)


# What gives the answer away -----------------------------------------------------------------------


def _is_class(target: Column) -> bool:
    values = target.values
    if target.is_text or values.dtype.kind == "b":
        return True
    whole = values.ndim == 1 and bool(np.all(np.isfinite(values)) and np.all(values == values // 1))
    return whole and len(np.unique(values)) <= 20


def _telling(column: Column, target: Column) -> Iterator[str]:
    if column.values.ndim > 1 or target.values.ndim > 1:
        return
    known = ~target.missing
    if _is_class(target):
        yield from _tells_class(column, known, target.values.astype(str))
    elif not column.is_text:
        yield from _tells_number(column, known, target.values.astype(float))


def _tells_class(column: Column, known: Array, labels: Array) -> Iterator[str]:
    names = np.unique(labels[known])
    if len(names) < 2:
        return
    if column.missing.any():
        best = max(_separation(column.missing[known], labels[known] == n) for n in names)
        if best >= _TELLING:
            yield f"gives the answer away: where it is missing tells the class (AUC {best:.4f})"
            return
    here = known & ~column.missing
    if len(np.unique(labels[here])) < 2:
        return
    if not column.is_text:
        here &= np.isfinite(column.values)
        best = max(_separation(column.values[here], labels[here] == n) for n in names)
        if best >= _TELLING:
            yield f"gives the answer away: alone it has an AUC of {best:.4f}"
            return
    if _one_class_each(column.values[here].astype(str), labels[here]):
        yield "gives the answer away: each of its values goes with one class only"


def _separation(values: Array, positive: Array) -> float:
    """max(AUC, 1 − AUC) of one column for one class against the rest."""
    if min(positive.sum(), (~positive).sum()) < _FEWEST:
        return 0.5
    area = auc(values.astype(float), positive.astype(int))
    return max(area, 1 - area)


def _one_class_each(values: Array, labels: Array) -> bool:
    """Whether values determine the class, and recur often enough for that to be no accident."""
    kinds = np.unique(values)
    pairs = np.unique(np.column_stack([values, labels]), axis=0)
    return len(pairs) == len(kinds) and 2 <= len(kinds) <= len(values) / 4


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


def _duplicates(table: Table) -> int:
    """Rows that repeat an earlier one in every column."""
    codes = []
    for column in table.columns.values():
        flat = column.values.reshape(len(table), -1)
        codes += [np.unique(flat[:, j], return_inverse=True)[1] for j in range(flat.shape[1])]
    distinct = np.unique(np.column_stack(codes), axis=0)
    return len(table) - len(distinct)


# Text ---------------------------------------------------------------------------------------------


def _columns_text(columns: Sequence[ColumnDescription], width: int) -> list[str]:
    """One aligned line for each column: numbers show their range, text its values.

    Where that is wider than `width`, numbers have three digits, there is no median, the histogram
    has half its bins, and long names and units are cut.
    """
    lefts = [_HEAD] + [
        (c.name, c.unit, c.type, f"{c.missing:,}" if c.missing else "", f"{c.distinct:,}")
        for c in columns
    ]
    wide = [max(len(row[j]) for row in lefts) for j in range(len(_HEAD))]
    short = sum(wide) + 2 * len(wide) + _FULL > width
    gap, number = (" ", 9) if short else ("  ", 10)
    if short:
        room = width - sum(wide[2:]) - len(wide) - _SHORT
        wide[0] = max(min(wide[0], room - min(wide[1], room // 3)), len(_HEAD[0]))
        wide[1] = max(min(wide[1], room - wide[0]), len(_HEAD[1]))
    heads = ("low", "high") if short else ("low", "median", "high")
    tails = [" ".join(head.rjust(number) for head in heads)]
    tails += [" ".join(c.values) if c.type == "text" else _range(c, short, number) for c in columns]
    lines = []
    for row, tail in zip(lefts, tails, strict=True):
        cells = [_fit(row[j], wide[j]).ljust(wide[j]) for j in range(3)]
        cells += [row[j].rjust(wide[j]) for j in range(3, 5)]
        lines.append(_fit(gap.join([*cells, tail]).rstrip(), width))
    return lines


def _range(c: ColumnDescription, short: bool, number: int) -> str:
    """Low, median and high, and the histogram; in short, without the median and half as long."""
    shown = [c.low, c.high] if short else [c.low, c.median, c.high]
    digits = 3 if short else 5
    cells = ["" if v is None else f"{v:.{digits}g}" for v in shown]
    bars, *scale = c.spark.split(" ")
    if short:
        bars = "".join(max(bars[k : k + 2]) for k in range(0, len(bars), 2))
    gap = " " if short else "  "
    return gap.join([" ".join(cell.rjust(number) for cell in cells), " ".join([bars, *scale])])


def _fit(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 1)] + "…"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="  ")
