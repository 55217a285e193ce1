"""A table: columns with units as a file gives them, before anyone says which is the answer.

Readers (`baksan.data`) and simulators make tables; `Table.samples` makes Samples of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.samples import Feature, Samples, classes

__all__ = ["Census", "Column", "Roles", "Table"]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MANY = 0.1  # share of numbers from which a column of text may have been meant as numbers
_NAMED = 8  # columns that a note calls by name


@dataclass(frozen=True, eq=False)
class Column:
    """One column: values (n,) numbers, bool or text; (n, m) where each cell is a vector.

    Missing numbers are NaN, missing text is "". `unit` is as in the file, "" if it gives none.
    `finite`: a reader has seen that no value is missing or infinite, so nobody need look again; a
    column made of this one by `replace` knows it no more.
    """

    values: NDArray[np.generic]
    unit: str = ""
    description: str = ""
    finite: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", np.asarray(self.values))

    def found_finite(self) -> Column:
        """The same column, of which `finite` is known."""
        found = replace(self)
        object.__setattr__(found, "finite", True)
        return found

    @property
    def is_text(self) -> bool:
        return self.values.dtype.kind in "USO"

    @property
    def missing(self) -> NDArray[np.bool_]:
        """True where a value is missing, (n,)."""
        if self.is_text:
            return np.asarray(self.values == "")
        if self.values.dtype.kind == "f":
            lost = np.isnan(self.values)
            return np.asarray(lost if lost.ndim == 1 else lost.any(axis=tuple(range(1, lost.ndim))))
        return np.zeros(len(self.values), dtype=bool)

    @property
    def unusable(self) -> NDArray[np.bool_] | None:
        """True where a value is missing or infinite, (n,); None where there is no such value."""
        if self.finite:
            return None
        if self.values.dtype.kind == "f":
            finite = np.isfinite(self.values)
            return None if finite.all() else ~finite.all(axis=tuple(range(1, finite.ndim)))
        return self.missing if self.is_text else None

    @property
    def usable(self) -> NDArray[np.generic]:
        """The values that are neither missing nor infinite."""
        return self.values if (bad := self.unusable) is None else self.values[~bad]

    @property
    def mixed(self) -> str:
        """'160 of 200 cells are numbers' for text of which a tenth or more is numbers, else ""."""
        return mixed(*self.numbers_in_text)

    @property
    def numbers_in_text(self) -> tuple[int, int]:
        """How many cells of text hold a number, and how many hold anything."""
        cells = [str(v) for v in self.values.tolist() if v] if self.is_text else []
        return sum(_NUMBER.fullmatch(cell) is not None for cell in cells), len(cells)


@dataclass(frozen=True)
class Roles:
    """Which columns become which part of Samples, and what only all rows together decide."""

    features: tuple[str, ...]
    answer: str | None = None
    weight: str | None = None
    group: str | None = None
    id: str | None = None
    class_names: tuple[str, ...] = ()
    constant: frozenset[str] = frozenset()
    """Features that never vary, and are left out for that."""

    @property
    def parts(self) -> dict[str, str | None]:
        return {"answer": self.answer, "weight": self.weight, "group": self.group, "id": self.id}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a row must have to be an event."""
        return tuple(dict.fromkeys([*self.features, *filter(None, self.parts.values())]))


@dataclass(frozen=True, eq=False)
class Table:
    """Columns by name, all of one length.

    Parameters
    ----------
    columns : mapping of str to Column or array
    source : str
        Where it came from; errors name it.
    notes : sequence of str
        What a reader left out or changed, one sentence each.
    rows : (n,) int, optional
        Row numbers in the source, from 0; they survive `take`.

    Raises
    ------
    ValueError
        Columns of different lengths.

    Examples
    --------
    >>> table = Table({"width": [1.0, 2.0, 3.0], "kind": ["g", "h", "g"]})
    >>> X = table.samples(answer="kind", signal="g")
    >>> X.class_names, X.y.tolist(), X.names
    (('h', 'g'), [1, 0, 1], ('width',))
    """

    columns: dict[str, Column]
    source: str = "table"
    notes: tuple[str, ...] = ()
    rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __init__(
        self,
        columns: Mapping[str, Column | ArrayLike],
        source: str = "table",
        notes: Iterable[str] = (),
        rows: ArrayLike | None = None,
    ) -> None:
        held = {
            n: c if isinstance(c, Column) else Column(np.asarray(c)) for n, c in columns.items()
        }
        lengths = {name: len(c.values) for name, c in held.items()}
        n = next(iter(lengths.values()), 0)
        for name, length in lengths.items():
            if length != n:
                raise ValueError(f"{source}: column {name!r} has {length} rows, the others {n}.")
        put = object.__setattr__
        put(self, "columns", held)
        put(self, "source", source)
        put(self, "notes", tuple(notes))
        put(self, "rows", np.arange(n) if rows is None else np.asarray(rows))

    def __repr__(self) -> str:
        return f"Table({self.source}: {len(self):,} rows of {', '.join(self.names)})"

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.columns)

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError that lists the names there are."""
        if name not in self.columns:
            raise KeyError(f"{self.source}: no column {name!r}; there are {', '.join(self.names)}.")
        return self.columns[name]

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        return self.column(name).values

    def take(self, index: ArrayLike) -> Table:
        """The rows of an index array or mask."""
        i = np.asarray(index)
        kept = {n: replace(c, values=c.values[i]) for n, c in self.columns.items()}
        return Table(kept, self.source, self.notes, self.rows[i])

    def renumbered(self, start: int) -> Table:
        """The same table with `start` added to its row numbers: it follows other tables."""
        return Table(self.columns, self.source, self.notes, self.rows + start)

    def with_columns(self, more: Mapping[str, Column | ArrayLike], note: str = "") -> Table:
        """The same table with columns added or replaced, and perhaps one more note."""
        notes = (*self.notes, note) if note else self.notes
        return Table({**self.columns, **more}, self.source, notes, self.rows)

    def with_notes(self, *notes: str) -> Table:
        return Table(self.columns, self.source, (*self.notes, *notes), self.rows)

    def samples(
        self,
        *,
        answer: str | None = None,
        features: Sequence[str] | None = None,
        weight: str | None = None,
        group: str | None = None,
        id: str | None = None,
        signal: str | None = None,
        class_names: Sequence[str] = (),
        allow_constant: bool = False,
    ) -> Samples:
        """Samples of this table; rows with a missing value are left out, counted and noted.

        Without `features`, every number column that has no other part and that varies is one. A
        text answer, or any answer with `signal` or `class_names` (all classes in the order that
        is wanted), makes a classification. The id defaults to the row number. `allow_constant`
        keeps named features that never vary, such as the dark corner pixels of an image.

        Raises
        ------
        KeyError
            An unknown column.
        TypeError
            A feature or weight that holds text; an answer, weight or group whose cells are vectors.
        ValueError
            No row or no feature is left; a named feature is constant or is the answer itself; the
            answer has a single class, or one that `class_names` does not list; a weight is
            negative, or all of them are zero.
        """
        roles = self.roles(features, answer=answer, weight=weight, group=group, id=id)
        if not len(self):
            raise ValueError(
                f"{self.source}: rows are needed; the table has none. Check where it came from."
            )
        kept, lost = self.complete(roles)
        census = Census(self.source, roles, signal, class_names)
        census.add(self, kept, lost)
        words = [] if features is not None else text_note(self.texts(roles))
        roles, dull, choice = census.decided(features is None, allow_constant)
        return Samples(
            **self.parts_as(roles, kept),
            **self.about(roles),
            notes=(*self.notes, *words, *lost_notes(lost), *dull, *choice),
        )

    def roles(
        self,
        features: Sequence[str] | None = None,
        *,
        answer: str | None = None,
        weight: str | None = None,
        group: str | None = None,
        id: str | None = None,
    ) -> Roles:
        """Which column becomes what, checked as `samples` does as far as no row is needed."""
        taken = [name for name in (answer, weight, group, id) if name]
        for name in taken:
            self._check_scalar(name)
        names = list(features) if features is not None else self._numbers(besides=taken)
        if answer in names:
            raise ValueError(
                f"{self.source}: features must leave the answer to be found; {answer!r} is the"
                " answer and among them. Take it out of the features."
            )
        self.held(names)
        if weight and self.column(weight).is_text:
            raise TypeError(
                f"{self.source}: weights must be numbers; column {weight!r} holds text such as"
                f" {self._example(self.column(weight))!r}. Name another column of weights."
            )
        return Roles(tuple(names), answer, weight, group, id)

    def complete(self, roles: Roles) -> tuple[NDArray[np.int64], dict[str, int]]:
        """Rows without a missing or infinite value in these columns; how many each column costs.

        Raises ValueError for a negative weight among them.
        """
        good = np.ones(len(self), dtype=bool)
        lost = {}
        for name in roles.columns:
            bad = self.column(name).unusable
            if bad is not None and (count := int((bad & good).sum())):
                lost[name] = count
                good &= ~bad
        kept = np.flatnonzero(good)
        if roles.weight:
            self._check_weight(roles.weight, kept)
        return kept, lost

    def parts_as(
        self, roles: Roles, kept: NDArray[np.int64], order: Literal["C", "F"] = "C"
    ) -> dict[str, Any]:
        """x, y, weight, group and id of the complete rows `kept`; x in this order in memory."""
        rows: Any = slice(None) if len(kept) == len(self) else kept
        pick = {k: self[name][rows] if name else None for k, name in roles.parts.items()}
        return {
            "x": self._stacked(roles, rows, order),
            "y": self._answers(roles, pick["answer"]),
            "weight": _floats(pick["weight"]),
            "group": pick["group"],
            "id": self.rows[rows] if pick["id"] is None else pick["id"],
        }

    def about(self, roles: Roles) -> dict[str, Any]:
        """What Samples hold besides arrays: features, answer, class_names."""
        features = [f for name in roles.features for f in self._elements(name)]
        return {
            "features": tuple(f for f in features if f.name not in roles.constant),
            "answer": self._feature(roles.answer) if roles.answer else None,
            "class_names": roles.class_names,
        }

    def matrix(self, features: Sequence[str]) -> NDArray[np.float64]:
        """These features as (n, d) float64, NaN where missing. Raises KeyError, TypeError."""
        self.held(features)
        return self._stacked(Roles(tuple(features)), slice(None), "C")

    def held(self, names: Sequence[str]) -> list[Feature]:
        """The features that columns hold: a vector column holds name[0], name[1], …

        Raises TypeError for text, ValueError where there is none.
        """
        held: list[Feature] = []
        for name in names:
            column = self.column(name)
            if column.is_text:
                raise TypeError(
                    f"{self.source}: feature {name!r} must be a number; it holds text such as"
                    f" {self._example(column)!r}. Choose features without it."
                )
            held += self._elements(name)
        if not held:
            raise ValueError(
                f"{self.source}: no feature is left; there are {', '.join(self.names)}."
            )
        return held

    def texts(self, roles: Roles) -> dict[str, tuple[int, int]]:
        """The columns that are no features because they hold text, and their `numbers_in_text`."""
        taken = roles.parts.values()
        texts = {n: c for n, c in self.columns.items() if n not in taken and c.is_text}
        return {n: c.numbers_in_text for n, c in texts.items()}

    def _feature(self, name: str) -> Feature:
        column = self.column(name)
        return Feature(name, column.unit, column.description)

    def _numbers(self, besides: Sequence[str]) -> list[str]:
        return [n for n, c in self.columns.items() if n not in besides and not c.is_text]

    def _elements(self, name: str) -> list[Feature]:
        column = self.column(name)
        if column.values.ndim == 1:
            return [self._feature(name)]
        size = int(np.prod(column.values.shape[1:], dtype=int))
        return [Feature(f"{name}[{j}]", column.unit, column.description) for j in range(size)]

    def _check_weight(self, name: str, kept: NDArray[np.int64]) -> None:
        """Raises ValueError for a negative weight."""
        values = self.column(name).values[kept].astype(np.float64)
        if len(bad := np.flatnonzero(values < 0)):
            raise ValueError(
                f"{self.source}: weights must not be negative; column {name!r} has"
                f" {values[bad[0]]:g} in row {self.rows[kept[bad[0]]] + 1:,} (of {len(bad):,} such"
                " rows). Leave them out with --where (where=…), or name another column."
            )

    def _example(self, column: Column) -> str:
        """The first text of a column that is neither missing nor a number, else its first."""
        words = (v for v in column.values.tolist() if v and not _NUMBER.fullmatch(str(v)))
        return str(next(words, column.values[0] if len(self) else ""))

    def _check_scalar(self, name: str) -> None:
        if self[name].ndim > 1:
            raise TypeError(
                f"{self.source}: column {name!r} must hold one value a row; its cells are vectors"
                f" of {self[name].shape[1:]}."
            )

    def _stacked(self, roles: Roles, rows: Any, order: Literal["C", "F"]) -> NDArray[np.float64]:
        """(n, d) numbers of these rows, without the constant features."""
        found = (pair for name in roles.features for pair in self.numbers_of(name, rows))
        kept = [values for feature, values in found if feature.name not in roles.constant]
        if order == "F" and (block := _side_by_side(kept)) is not None:
            return block.T
        x = np.empty((len(self.rows[rows]), len(kept)), order=order)
        for j, values in enumerate(kept):
            x[:, j] = values
        x.flags.writeable = False  # nobody else holds it: Samples need not copy it
        return x

    def numbers_of(self, name: str, rows: Any) -> Iterator[tuple[Feature, NDArray[np.generic]]]:
        """The features of one column with their values."""
        values = self.column(name).values[rows]
        flat = values.reshape(len(values), int(np.prod(values.shape[1:], dtype=int)))
        yield from zip(self._elements(name), flat.T, strict=True)

    def _answers(
        self, roles: Roles, values: NDArray[np.generic] | None
    ) -> NDArray[np.generic] | None:
        """y: numbers as they are, or the index of each class."""
        if values is None or not roles.class_names:
            return _floats(values)
        index = {name: k for k, name in enumerate(roles.class_names)}
        labels = _labels(values).astype(str).tolist()
        return np.array([index[label] for label in labels], dtype=np.int64)


class Census:
    """What only all rows together tell: which features vary, which classes there are.

    A table adds itself once; the blocks of a stream add themselves one after the other.
    """

    def __init__(
        self, source: str, roles: Roles, signal: str | None = None, class_names: Sequence[str] = ()
    ) -> None:
        self.source, self.roles = source, roles
        self.signal, self.order = signal, tuple(class_names)
        self.rows = self.seen = 0
        self.lost: dict[str, int] = {}
        self.weighs = roles.weight is None
        self.low: dict[str, float] = {}
        self.high: dict[str, float] = {}
        self.labels: NDArray[np.generic] | None = None

    def add(self, table: Table, kept: NDArray[np.int64], lost: Mapping[str, int]) -> None:
        """The rows of a table, of which `kept` are complete; see `Table.complete`."""
        self.lost = {n: self.lost.get(n, 0) + lost.get(n, 0) for n in {**self.lost, **lost}}
        self.seen += len(table)
        self.rows += len(kept)
        if not len(kept):
            return
        rows: Any = slice(None) if len(kept) == len(table) else kept
        if self.roles.weight:
            self.weighs = self.weighs or bool(table[self.roles.weight][rows].any())
        for name in self.roles.features:
            for feature, values in table.numbers_of(name, rows):
                low, high = float(values.min()), float(values.max())
                self.low[feature.name] = min(low, self.low.get(feature.name, low))
                self.high[feature.name] = max(high, self.high.get(feature.name, high))
        if self.roles.answer:
            self.add_labels(table[self.roles.answer][rows])

    def add_labels(self, values: NDArray[np.generic]) -> None:
        """Answers that occur: all classes; of plain numbers only enough to tell 0 and 1 alone."""
        if not len(values):
            return
        new = _distinct(values)
        held = new if self.labels is None else _distinct(np.concatenate([self.labels, new]))
        plain = held.dtype.kind in "iuf" and self.signal is None and not self.order
        self.labels = held[:3] if plain else held

    @property
    def constant(self) -> list[str]:
        """The features that have not varied so far."""
        return [name for name, low in self.low.items() if low == self.high[name]]

    def decided(self, drop: bool, allow_constant: bool) -> tuple[Roles, list[str], list[str]]:
        """The roles with their classes and constant features, and sentences on both.

        `drop` leaves constant features out. Raises ValueError as `Table.samples`.
        """
        self._check_rows()
        dull = self._constant(drop, allow_constant)
        note = [f"{len(dull)} features left out, constant: {', '.join(dull)}."] if dull else []
        if self.labels is None:
            return replace(self.roles, constant=frozenset(dull)), note, []
        found = self._classes(self.labels)
        roles = replace(self.roles, constant=frozenset(dull), class_names=found)
        chosen = self.signal or self.order
        return roles, note, [] if chosen else _choice(roles.answer, self.labels, found)

    def _check_rows(self) -> None:
        if not self.rows:
            why = " ".join(lost_notes(self.lost))
            raise ValueError(
                f"{self.source}: no row is left of {self.seen}. {why} Choose other columns, or fill"
                " in what is missing."
            )
        if not self.weighs:
            raise ValueError(
                f"{self.source}: at least one weight must not be zero; column"
                f" {self.roles.weight!r} is zero in all {self.rows:,} rows. Name another column of"
                " weights."
            )

    def _constant(self, drop: bool, allow: bool) -> list[str]:
        """The features to leave out. Raises ValueError where that is for the user to do."""
        dull = self.constant if self.rows > 1 else []
        if not dull or (drop and len(dull) < len(self.low)):
            return dull
        if allow and not drop:
            return []
        raise ValueError(
            f"{self.source}: feature {dull[0]!r} must vary; it is {self.low[dull[0]]:g} in every"
            f" row. Leave it out with --features or features=…"
        )

    def _classes(self, values: NDArray[np.generic]) -> tuple[str, ...]:
        """Class names: in the wanted order, or alphabetical with the signal last."""
        _, names = classes(values.astype(str) if self.order else values, self.signal)
        if self.order and (strange := [n for n in names if n not in self.order]):
            wanted = ", ".join(self.order)
            raise ValueError(
                f"{self.source}: the classes of {self.roles.answer!r} must be {wanted};"
                f" there is also {strange[0]!r}. Leave such rows out, or name the answer's own"
                " classes."
            )
        if len(names) == 1:
            raise ValueError(
                f"{self.source}: the answer {self.roles.answer!r} must have at least two classes;"
                f" all {self.rows} rows are {names[0]!r}. Give another answer or more data."
            )
        return self.order or names


def _side_by_side(columns: Sequence[NDArray[Any]]) -> NDArray[np.float64] | None:
    """The part (d, n) of one array whose rows these columns are, in order; None if they are not."""
    base = columns[0].base if columns else None
    if not isinstance(base, np.ndarray) or base.ndim != 2 or not base.flags.c_contiguous:
        return None
    size, step = base.shape[1], base.strides[0]
    first = (_address(columns[0]) - _address(base)) // step
    for j, values in enumerate(columns):
        row = values.shape == (size,) and values.dtype == np.float64 and values.flags.c_contiguous
        place = _address(base) + (first + j) * step
        if values.base is not base or not row or _address(values) != place:
            return None
    return base[first : first + len(columns)]


def _address(values: NDArray[Any]) -> int:
    return int(values.__array_interface__["data"][0])


def _floats(values: NDArray[np.generic] | None) -> NDArray[np.generic] | None:
    """Numbers as floats; single precision stays."""
    if values is None or values.dtype in (np.float32, np.float64):
        return values
    return values.astype(np.float64)


def _distinct(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """The values that occur, in order; text is not sorted before its repetitions are gone."""
    if values.dtype.kind == "O":
        return values  # `classes` says what is wrong with it, if anything is
    few = np.array(list(dict.fromkeys(values.tolist()))) if values.dtype.kind == "U" else values
    return np.unique(_labels(few))


def _labels(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """The same with 0 for −0, which is no class of its own."""
    return np.asarray(values + 0) if values.dtype.kind == "f" else values


def lost_notes(lost: Mapping[str, int]) -> list[str]:
    """Sentences on rows that are left out; see `Table.complete`."""
    return [f"{n} rows left out: {name} is missing or infinite." for name, n in lost.items()]


def text_note(texts: Mapping[str, tuple[int, int]]) -> list[str]:
    """A sentence about columns of text that are no features; see `Table.texts`."""
    told = [f"{n} ({many})" if (many := mixed(*count)) else n for n, count in texts.items()]
    more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    what = "text columns are no features" if len(told) > 1 else "text column is no feature"
    return [f"{len(told)} {what}: {', '.join(told[:_NAMED])}{more}."] if told else []


def mixed(found: int, cells: int) -> str:
    """'160 of 200 cells are numbers' where a tenth or more of text cells are, else ""."""
    many = found and found >= _MANY * cells
    return f"{found:,} of {cells:,} cells are numbers" if many else ""


def _choice(
    answer: str | None, values: NDArray[np.generic] | None, class_names: Sequence[str]
) -> list[str]:
    """A sentence about what nobody chose: classes or numbers, and which class is the signal."""
    if values is None or values.dtype.kind == "b":
        return []
    if len(class_names) == 2:
        other, signal = class_names
        return [
            f"signal is {signal!r}, the last in the alphabet; --signal {other} (signal={other!r})"
            " chooses the other."
        ]
    if not class_names and np.array_equal(np.unique(values), [0, 1]):
        one = str(values.max())
        return [
            f"answer {answer} holds only 0 and 1: taken as numbers; --signal {one}"
            f" (signal={one!r}) makes classes of them."
        ]
    return []
