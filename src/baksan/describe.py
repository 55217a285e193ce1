"""What is in a table: ranges, missing values, marks such as −999, what gives the answer away."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.metrics import auc
from baksan.samples import Samples
from baksan.table import Column, Table, mixed
from baksan.table.weights import weighed

__all__ = ["ColumnDescription", "Description", "describe", "describe_passes", "marks_in"]

Pass = Callable[[Sequence[str] | None], Iterable[Table]]
"""Starts a pass over the tables of one source, with these columns or (None) all of them."""

Array = NDArray[Any]

_BARS = "▁▂▃▄▅▆▇█"
_BINS = 12
_TELLING = 0.999  # AUC of one column alone, or its correlation with the answer
_MARKS = (-9999.0, -999.0, -99.0, 999.0, 9999.0, 99999.0, 1e20, 1e30)
_FEWEST = 5  # events a class must have before one column is said to separate it
_SHOWN = 12  # text values or warnings that are shown by name
_SAMPLE = 65_536  # rows that are looked at where there are more than memory holds
_MANY = 1000  # values of an answer up to which they are counted, row by row
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
    facts = _Facts()
    facts.add(data)
    found = _columns(data, answer, facts, {})
    counts = _counts(target) if target is not None and _is_class(target) else {}
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
    facts, sampler = _Facts(answer), _Sampler()
    for table in tables(None):
        facts.add(table)
        sampler.add(table)
        tell(facts.rows)
    sample = sampler.table(tuple(facts.notes))
    if facts.rows <= _SAMPLE:
        return describe(sample, answer)
    found = _columns(sample, answer, facts, _counted_marks(tables, sample, facts, tell))
    named = answer is not None and _is_class(sample.column(answer))
    many = named and len(facts.counts) > _MANY
    note = (
        "counts of rows, missing values and classes, ranges and means are those of all rows; the"
        f" rest is told by {_SAMPLE:,} rows chosen at random, and repeated rows were not sought."
    )
    if many:
        note = f"{note} Of the answer's values, more than {_MANY:,}, none was counted."
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


# Of all rows --------------------------------------------------------------------------------------


@dataclass
class _Fact:
    """What is counted of a column, table after table."""

    rows: int = 0
    missing: int = 0
    infinite: int = 0
    finite: int = 0
    total: float = 0.0
    low: float = np.inf
    high: float = -np.inf
    first: str | None = None
    varies: bool = False
    numbers: int = 0
    """Cells of text that hold a number, of so many that hold anything:"""
    cells: int = 0

    def add(self, column: Column) -> None:
        self.rows += len(column.values)
        lost = column.missing
        self.missing += int(lost.sum())
        if column.is_text:
            self._add_text(column, column.values[~lost])
            return
        finite = _finite(column)
        if column.values.dtype.kind == "f":
            self.infinite += int(np.isinf(column.values).sum())
        if len(finite):
            self.finite, self.total = self.finite + len(finite), self.total + float(finite.sum())
            self.low = min(self.low, float(finite.min()))
            self.high = max(self.high, float(finite.max()))
            self.varies = self.low < self.high

    def _add_text(self, column: Column, present: Array) -> None:
        numbers, cells = column.numbers_in_text
        self.numbers, self.cells = self.numbers + numbers, self.cells + cells
        if len(present):
            self.first = str(present[0]) if self.first is None else self.first
            self.varies = self.varies or bool((present != self.first).any())


@dataclass
class _Facts:
    """The facts of all columns; and how often each value of the answer occurs, if they are few."""

    answer: str | None = None
    rows: int = 0
    columns: dict[str, _Fact] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    counts: Counter[Any] = field(default_factory=Counter)

    def add(self, table: Table) -> None:
        self.rows += len(table)
        self.notes |= dict.fromkeys(table.notes)
        for name, column in table.columns.items():
            self.columns.setdefault(name, _Fact()).add(column)
        if self.answer is not None and len(self.counts) <= _MANY:
            answer = table.column(self.answer)
            self.counts.update(answer.values[~answer.missing].ravel().tolist())

    @property
    def classes(self) -> dict[str, int]:
        """How often each class occurs, most frequent first."""
        names = np.array(list(self.counts)).astype(str).tolist()
        counts = zip(names, self.counts.values(), strict=True)
        return dict(sorted(counts, key=lambda pair: (-pair[1], pair[0])))


class _Sampler:
    """Rows with the smallest of random numbers: every set of rows is equally likely."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.parts: list[Table] = []
        self.keys: list[Array] = []

    def add(self, table: Table) -> None:
        self.parts.append(table)
        self.keys.append(self.rng.random(len(table)))
        if sum(map(len, self.keys)) > 2 * _SAMPLE:
            self._prune()

    def _prune(self) -> None:
        limit = np.partition(np.concatenate(self.keys), _SAMPLE - 1)[_SAMPLE - 1]
        near = [keys <= limit for keys in self.keys]
        self.parts = [table.take(rows) for table, rows in zip(self.parts, near, strict=True)]
        self.keys = [keys[rows] for keys, rows in zip(self.keys, near, strict=True)]

    def table(self, notes: tuple[str, ...]) -> Table:
        """The rows chosen, in their order. Raises ValueError if there are none at all."""
        if sum(map(len, self.keys)) > _SAMPLE:
            self._prune()
        if not self.parts:
            raise ValueError("rows are needed; there is no table. Check where they come from.")
        columns = {
            name: replace(column, values=np.concatenate([t[name] for t in self.parts]))
            for name, column in self.parts[0].columns.items()
        }
        rows = np.concatenate([t.rows for t in self.parts])
        return Table(columns, self.parts[0].source, notes, rows)


def _counted_marks(
    tables: Pass, sample: Table, facts: _Facts, tell: Callable[[int], object]
) -> dict[str, dict[float, int]]:
    """How often the marks occur that the sample, or the range of all rows, lets suspect."""
    found: dict[str, dict[float, int]] = {}
    for name, column in sample.columns.items():
        fact = facts.columns[name]
        if fact.finite:
            edges = [fact.low, fact.high, *([-1.0] if fact.low == -1 else [])]
            found[name] = dict.fromkeys((m for m, _ in marks_in(np.r_[_finite(column), edges])), 0)
    found = {name: marks for name, marks in found.items() if marks}
    rows = 0
    for table in tables(list(found)) if found else ():
        for name, marks in found.items():
            for mark in marks:
                marks[mark] += int((table[name] == mark).sum())
        rows += len(table)
        tell(rows)
    return found


# One column ---------------------------------------------------------------------------------------


def _columns(
    table: Table, answer: str | None, facts: _Facts, marks: Mapping[str, Mapping[float, int]]
) -> tuple[ColumnDescription, ...]:
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
    fact: _Fact,
    marks: Mapping[float, int] | None,
) -> ColumnDescription:
    """What the rows at hand show, and what is a fact of all rows."""
    common: dict[str, Any] = {
        "name": name, "unit": column.unit, "rows": fact.rows, "missing": fact.missing,
    }  # fmt: skip
    telling = [] if target is None else list(_telling(column, target))
    if column.is_text:
        counts = _counts(column)
        shown = tuple(list(counts)[:_SHOWN])
        spark = _bars(np.array(list(counts.values())[:_BINS]))
        return ColumnDescription(
            **common, type="text", distinct=len(counts), values=shown, spark=spark,
            warnings=(*_constant(fact), *_mixed(fact), *telling),
        )  # fmt: skip
    finite = _finite(column)
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


def _finite(column: Column) -> NDArray[np.float64]:
    return np.asarray(column.values[np.isfinite(column.values)], dtype=np.float64)


def _type(column: Column) -> str:
    kind = {"b": "bool", "i": "int", "u": "int", "f": "float"}[column.values.dtype.kind]
    shape = column.values.shape[1:]
    return f"{kind}[{','.join(map(str, shape))}]" if shape else kind


def _counts(column: Column) -> dict[str, int]:
    """How often each value occurs, most frequent first; missing ones are not counted."""
    values, counts = np.unique(column.values[~column.missing].astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(values[j]): int(counts[j]) for j in order}


def _constant(fact: _Fact) -> Iterator[str]:
    if fact.missing == fact.rows:
        yield "is missing in every row"
    elif not fact.varies and fact.rows > 1:
        yield "is constant" + (" where it is not missing" if fact.missing else "")


def _infinite(fact: _Fact) -> Iterator[str]:
    if fact.infinite:
        yield f"is infinite in {_rows(fact.infinite)}"


def _mixed(fact: _Fact) -> Iterator[str]:
    if many := mixed(fact.numbers, fact.cells):
        yield f"is text, though {many}: it is no feature as it stands"


def _marked(marks: Mapping[float, int]) -> Iterator[str]:
    for mark, count in marks.items():
        shown = f"{mark:g}".replace("-", "−")
        yield (f"{shown} stands in {_rows(count)}: is it a mark for missing (--mark {mark:g})?")


def marks_in(finite: Array) -> Iterator[tuple[float, int]]:
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
            yield mark, int(counts[here][0])


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
    values = column.values[here]
    if _one_class_each(values.astype(str) if column.is_text else values, labels[here]):
        yield "gives the answer away: each of its values goes with one class only"


def _separation(values: Array, positive: Array) -> float:
    """max(AUC, 1 − AUC) of one column for one class against the rest."""
    if min(positive.sum(), (~positive).sum()) < _FEWEST:
        return 0.5
    area = auc(values.astype(float), positive.astype(int))
    return max(area, 1 - area)


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
