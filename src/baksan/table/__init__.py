"""A table: columns with units as a file gives them, before anyone says which is the answer.

Readers (`baksan.data`) and simulators make tables; `Table.samples` makes Samples of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.samples import Feature, Samples, class_text, counted
from baksan.table.census import Census, Roles, gap_notes, lost_notes, text_note
from baksan.table.column import Column, mixed
from baksan.table.filling import check_marks, indicators, signed, texts_of, unmarked

__all__ = [
    "Census", "Column", "Roles", "Table", "gap_notes", "lost_notes", "mixed", "source_of",
    "text_note",
]  # fmt: skip


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
    marks : sequence of float
        The numbers in whose place missing values stand; see `unmarked`.

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
    marks: tuple[float, ...] = ()

    def __init__(
        self,
        columns: Mapping[str, Column | ArrayLike],
        source: str = "table",
        notes: Iterable[str] = (),
        rows: ArrayLike | None = None,
        marks: Iterable[float] = (),
    ) -> None:
        held = {
            n: c if isinstance(c, Column) else Column(np.asarray(c)) for n, c in columns.items()
        }
        lengths = {name: len(c.values) for name, c in held.items()}
        n = next(iter(lengths.values()), 0)
        for name, length in lengths.items():
            if length != n:
                raise ValueError(
                    f"{source}: column {name!r} has {counted(length)}, the others {n:,}."
                )
        put = object.__setattr__
        put(self, "columns", held)
        put(self, "source", source)
        put(self, "notes", tuple(notes))
        put(self, "rows", np.arange(n) if rows is None else np.asarray(rows))
        put(self, "marks", tuple(map(float, marks)))

    def __repr__(self) -> str:
        return f"Table({self.source}: {counted(len(self))} of {', '.join(self.names)})"

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
        return replace(self, columns=kept, rows=self.rows[i])

    def select(self, names: Iterable[str]) -> Table:
        """The same rows of these columns alone. Raises KeyError as `column`."""
        return replace(self, columns={n: self.column(n) for n in names})

    def renumbered(self, start: int) -> Table:
        """The same table with `start` added to its row numbers: it follows other tables."""
        return replace(self, rows=self.rows + start)

    def with_columns(self, more: Mapping[str, Column | ArrayLike], note: str = "") -> Table:
        """The same table with columns added or replaced, and perhaps one more note."""
        notes = (*self.notes, note) if note else self.notes
        return Table({**self.columns, **more}, self.source, notes, self.rows, self.marks)

    def with_notes(self, *notes: str) -> Table:
        return replace(self, notes=(*self.notes, *notes))

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
        impute: bool = False,
    ) -> Samples:
        """Samples of this table; rows with a missing value are left out, counted and noted.

        With `impute` rows that lack features are kept with NaN in their place, for each model to
        fill in (`Imputed`).

        Without `features`, every number column that has no other part and that varies is one,
        except for what only a simulation knows and for details (`Column.role`). A
        text answer, or any answer with `signal` or `class_names` (all classes in the order that
        is wanted), makes a classification. A named feature that holds text becomes indicators, one
        for each text: 1 where it is, 0 elsewhere (`indicated`). The id defaults to the row number.
        `allow_constant` keeps named features that never vary, such as the dark corner pixels of an
        image.

        Raises
        ------
        KeyError
            An unknown column.
        TypeError
            A weight that holds text; an answer, weight or group whose cells are vectors.
        ValueError
            No row or no feature is left; a named feature is constant or is the answer itself; the
            answer has a single class, or one that `class_names` does not list; the weights
            sum to 0 or less.
        """
        table, names, needs = (self, None, {}) if features is None else self.indicated(features)
        parts = {"answer": answer, "weight": weight, "group": group, "id": id}
        roles = table.roles(names, **parts, needs=needs, impute=impute)
        if not len(self):
            raise ValueError(
                f"{self.source}: rows are needed; the table has none. Check where it came from."
            )
        kept, lost = table.complete(roles)
        census = Census(self.source, roles, signal, class_names)
        census.add(table, kept, lost)
        words = [] if features is not None else text_note(self.texts(roles))
        roles, dull, choice = census.decided(features is None, allow_constant)
        gaps = table.gaps(roles, kept)
        return Samples(
            **table.parts_as(roles, kept),
            **table.about(roles),
            notes=(*self.notes, *words, *lost_notes(lost), *gap_notes(gaps), *dull, *choice),
            missing=impute,
        )

    def indicated(
        self, features: Sequence[str], texts: Mapping[str, Sequence[str]] | None = None
    ) -> tuple[Table, list[str], dict[str, list[str]]]:
        """The table with indicators of the text among these features; the features with them in
        its place; and the indicators of each column of text.

        An indicator is called, and computed, as a formula: kind == 'gamma'. Its texts are those of
        the table unless `texts` tells them. Raises ValueError for more than 64, TypeError for
        numbers where `texts` tells some, or for several texts a row.
        """
        names, needs, made = list[str](), dict[str, list[str]](), dict[str, Column]()
        for name in features:
            column = self.columns.get(name)
            told = None if texts is None else texts.get(name)
            if column is not None and told is not None and column.missing.all():
                column = column.as_text  # an empty column looks like numbers
            if column is not None and told is not None and not column.is_text:
                raise TypeError(
                    f"{self.source}: column {name!r} must hold text, as in the first rows; it holds"
                    f" numbers such as {column.values[0]}. Mend the file, or leave the column out."
                )
            if column is None or not (column.is_text or told is not None):
                names.append(name)
                continue
            self._check_scalar(name)
            found = texts_of(column.values, self.source, name) if told is None else told
            more = indicators(name, column, found)
            made |= more
            names += more
            needs[name] = list(more)
        return (self.with_columns(made) if made else self), names, needs

    def unmarked(self, marks: Sequence[float], columns: Collection[str] | None = None) -> Table:
        """The table with missing values in place of marks such as −999 in these columns, None for
        all; notes count them.

        Raises ValueError for a mark that is not finite.
        """
        check_marks(marks)
        if not len(marks):
            return self
        held = {n: c for n, c in self.columns.items() if columns is None or n in columns}
        every = {n: unmarked(c, marks) for n, c in held.items()}
        found = {n: (c, count) for n, (c, count) in every.items() if count}
        these = " or ".join(map(signed, marks))
        notes = [
            f"{counted(k)} of {n} held {these}: taken as missing." for n, (_, k) in found.items()
        ]
        told = self.with_columns({n: c for n, (c, _) in found.items()}).with_notes(*notes)
        return replace(told, marks=tuple(dict.fromkeys((*self.marks, *marks))))

    def roles(
        self,
        features: Sequence[str] | None = None,
        *,
        answer: str | None = None,
        weight: str | None = None,
        group: str | None = None,
        id: str | None = None,
        needs: Mapping[str, Sequence[str]] | None = None,
        impute: bool = False,
    ) -> Roles:
        """Which column becomes what, checked as `samples` does as far as no row is needed.

        `needs` are the columns of text with their indicators, as `indicated` has found them.
        """
        taken = [name for name in (answer, weight, group, id) if name]
        for name in taken:
            if not (name == answer and self.column(name).kind):
                self._check_scalar(name)
        names = list(features) if features is not None else self._numbers(besides=taken)
        if answer in (*names, *(needs or ())):
            raise ValueError(
                f"{self.source}: features must leave the answer to be found; {answer!r} is the"
                " answer and among them. Take it out of the features."
            )
        self.held(names)
        if weight and self.column(weight).is_text:
            raise TypeError(
                f"{self.source}: weights must be numbers; column {weight!r} holds text such as"
                f" {self.column(weight).example!r}. Name another column of weights."
            )
        needs = needs or {}
        made = frozenset(name for some in needs.values() for name in some)
        return Roles(
            tuple(names), answer, weight, group, id,
            needs=tuple(needs), indicators=made, impute=impute,
        )  # fmt: skip

    def complete(self, roles: Roles) -> tuple[NDArray[np.int64], dict[str, int]]:
        """Rows without a missing or infinite value in these columns; how many each column costs."""
        good = np.ones(len(self), dtype=bool)
        lost = {}
        bad_of = {name: self.column(name).unusable for name in roles.columns}
        if roles.impute:
            bad_of |= {n: self.column(n).infinite for n in roles.features if n not in bad_of}
        for name, bad in bad_of.items():
            if bad is not None and (count := int((bad & good).sum())):
                lost[name] = count
                good &= ~bad
        kept = np.flatnonzero(good)
        return kept, lost

    def gaps(self, roles: Roles, kept: NDArray[np.int64]) -> dict[str, int]:
        """How many of the rows `kept` lack each feature or text, where such rows are kept."""
        if not roles.impute:
            return {}
        every = {n: self.column(n).missing[kept].sum() for n in (*roles.features, *roles.needs)}
        return {name: int(count) for name, count in every.items() if count}

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
        """What Samples hold besides arrays: features, answer, class_names, marks."""
        features = [f for name in roles.features for f in self._elements(name)]
        return {
            "features": tuple(f for f in features if f.name not in roles.constant),
            "answer": self._feature(roles.answer) if roles.answer else None,
            "class_names": roles.class_names,
            "marks": self.marks,
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
                    f" {column.example!r}. Choose features without it."
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
        return Feature(name, column.unit, column.description, column.indicates, kind=column.kind)

    def _numbers(self, besides: Sequence[str]) -> list[str]:
        return [
            n for n, c in self.columns.items() if n not in besides and not (c.is_text or c.role)
        ]

    def of_stations(self, axis: Sequence[str]) -> list[str]:
        """The features that there are without being named, and what networks for arrays need
        besides: what `axis` names, and vectors whose detectors have places.
        """
        more = [n for n in axis if n in self.columns]
        more += [n for n, c in self.columns.items() if c.places and c.role != "truth"]
        return list(dict.fromkeys([*self._numbers(besides=()), *more]))

    @property
    def apart(self) -> tuple[str, ...]:
        """Columns that are features only where they are named: truth, and details."""
        return tuple(name for name, column in self.columns.items() if column.role)

    def _elements(self, name: str) -> list[Feature]:
        column = self.column(name)
        if column.values.ndim == 1:
            return [self._feature(name)]
        size = int(np.prod(column.values.shape[1:], dtype=int))
        places = column.places or (None,) * size
        return [
            Feature(f"{name}[{j}]", column.unit, column.description, place=place)
            for j, place in enumerate(places)
        ]

    def _check_scalar(self, name: str) -> None:
        if self[name].ndim > 1:
            raise TypeError(
                f"{self.source}: column {name!r} must hold one value a row; its cells are vectors"
                f" of {self[name].shape[1:]}. Name another column."
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
        told = class_text(values).tolist()
        return np.array([index[label] for label in told], dtype=np.int64)


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


def source_of(tables: Sequence[Table]) -> str:
    """Where tables came from: the folder of those of several files."""
    sources = {table.source for table in tables}
    return sources.pop() if len(sources) == 1 else str(Path(tables[0].source).parent)
