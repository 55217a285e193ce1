"""A table: columns with units as a file gives them, before anyone says which is the answer.

Readers (`baksan.data`) and simulators make tables; `Table.samples` makes Samples of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.samples import Feature, Samples, classes

__all__ = ["Column", "Table"]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MANY = 0.1  # share of numbers from which a column of text may have been meant as numbers
_NAMED = 8  # columns that a note calls by name


@dataclass(frozen=True, eq=False)
class Column:
    """One column: values (n,) numbers, bool or text; (n, m) where each cell is a vector.

    Missing numbers are NaN, missing text is "". `unit` is as in the file, "" if it gives none.
    """

    values: NDArray[np.generic]
    unit: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", np.asarray(self.values))

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
    def mixed(self) -> str:
        """'160 of 200 cells are numbers' for text of which a tenth or more is numbers, else ""."""
        cells = [str(v) for v in self.values.tolist() if v] if self.is_text else []
        found = sum(_NUMBER.fullmatch(cell) is not None for cell in cells)
        many = found and found >= _MANY * len(cells)
        return f"{found:,} of {len(cells):,} cells are numbers" if many else ""


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
        parts = {"answer": answer, "weight": weight, "group": group, "id": id}
        taken = [name for name in parts.values() if name]
        for name in taken:
            self._check_scalar(name)
        names = list(features) if features is not None else self._numbers(besides=taken)
        words = [] if features is not None else self._text_note(besides=taken)
        if answer in names:
            raise ValueError(
                f"{self.source}: features must leave the answer to be found; {answer!r} is the"
                " answer and among them. Take it out of the features."
            )
        block, held = self._features(names)
        kept, notes = self._complete([*names, *taken])
        if weight:
            self._check_weight(weight, kept)
        x = block[kept]
        if features is None:
            x, held, dull = self._varying(x, held)
            notes += dull
        elif not allow_constant:
            self._check_constant(x, held)
        pick = {k: self[name][kept] if name else None for k, name in parts.items()}
        y, found = self._answers(pick["answer"], answer, signal, class_names)
        choice = [] if signal or class_names else _choice(answer, pick["answer"], found)
        return Samples(
            x,
            y,
            weight=pick["weight"],
            group=pick["group"],
            id=self.rows[kept] if pick["id"] is None else pick["id"],
            features=held,
            answer=None if answer is None else self._feature(answer),
            class_names=found,
            notes=(*self.notes, *words, *notes, *choice),
        )

    def matrix(self, features: Sequence[str]) -> NDArray[np.float64]:
        """These features as (n, d) float64, NaN where missing. Raises KeyError, TypeError."""
        return self._features(list(features))[0]

    def _feature(self, name: str) -> Feature:
        column = self.column(name)
        return Feature(name, column.unit, column.description)

    def _numbers(self, besides: Sequence[str]) -> list[str]:
        return [n for n, c in self.columns.items() if n not in besides and not c.is_text]

    def _text_note(self, besides: Sequence[str]) -> list[str]:
        """A sentence about the columns that are no features because they hold text."""
        texts = {n: c for n, c in self.columns.items() if n not in besides and c.is_text}
        told = [f"{n} ({many})" if (many := c.mixed) else n for n, c in texts.items()]
        more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
        what = "text columns are no features" if len(told) > 1 else "text column is no feature"
        return [f"{len(told)} {what}: {', '.join(told[:_NAMED])}{more}."] if told else []

    def _check_weight(self, name: str, kept: NDArray[np.int64]) -> None:
        column = self.column(name)
        if column.is_text:
            raise TypeError(
                f"{self.source}: weights must be numbers; column {name!r} holds text such as"
                f" {self._example(column)!r}. Name another column of weights."
            )
        values = column.values[kept].astype(np.float64)
        if len(bad := np.flatnonzero(values < 0)):
            raise ValueError(
                f"{self.source}: weights must not be negative; column {name!r} has"
                f" {values[bad[0]]:g} in row {self.rows[kept[bad[0]]] + 1:,} (of {len(bad):,} such"
                " rows). Leave them out with --where (where=…), or name another column."
            )
        if not values.any():
            raise ValueError(
                f"{self.source}: at least one weight must not be zero; column {name!r} is zero in"
                f" all {len(values):,} rows. Name another column of weights."
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

    def _features(self, names: list[str]) -> tuple[NDArray[np.float64], list[Feature]]:
        """(n, d) numbers and their names; a vector column becomes name[0], name[1], …"""
        blocks: list[NDArray[np.float64]] = []
        held: list[Feature] = []
        for name in names:
            column = self.column(name)
            if column.is_text:
                raise TypeError(
                    f"{self.source}: feature {name!r} must be a number; it holds text such as"
                    f" {self._example(column)!r}. Choose features without it."
                )
            flat = column.values.astype(np.float64)
            flat = flat.reshape(len(self), int(np.prod(flat.shape[1:], dtype=int)))
            blocks.append(flat)
            if column.values.ndim == 1:
                held.append(self._feature(name))
            else:
                held += [
                    Feature(f"{name}[{j}]", column.unit, column.description)
                    for j in range(flat.shape[1])
                ]
        if not held:
            raise ValueError(
                f"{self.source}: no feature is left; there are {', '.join(self.names)}."
            )
        return np.column_stack(blocks), held

    def _complete(self, names: Sequence[str]) -> tuple[NDArray[np.int64], list[str]]:
        """Rows without a missing or infinite value in these columns, and sentences on the rest."""
        if not len(self):
            raise ValueError(
                f"{self.source}: rows are needed; the table has none. Check where it came from."
            )
        good = np.ones(len(self), dtype=bool)
        notes = []
        for name in dict.fromkeys(names):
            column = self.column(name)
            lost = column.missing
            if column.values.dtype.kind == "f":
                finite = np.isfinite(column.values)
                lost = ~finite.all(axis=tuple(range(1, finite.ndim)))
            if count := int((lost & good).sum()):
                notes.append(f"{count} rows left out: {name} is missing or infinite.")
            good &= ~lost
        if not good.any():
            raise ValueError(
                f"{self.source}: no row is left of {len(self)}. {' '.join(notes)} Choose other"
                " columns, or fill in what is missing."
            )
        return np.flatnonzero(good), notes

    def _answers(
        self,
        values: NDArray[np.generic] | None,
        name: str | None,
        signal: str | None,
        order: Sequence[str],
    ) -> tuple[NDArray[np.generic] | None, tuple[str, ...]]:
        """y and the class names: in the wanted order, or alphabetical with the signal last."""
        if values is None:
            return None, ()
        y, names = classes(values.astype(str) if order else values, signal)
        if order and (strange := [n for n in names if n not in order]):
            raise ValueError(
                f"{self.source}: the classes of {name!r} must be {', '.join(order)}; there is also"
                f" {strange[0]!r}. Leave such rows out, or name the answer's own classes."
            )
        if len(names) == 1:
            raise ValueError(
                f"{self.source}: the answer {name!r} must have at least two classes;"
                f" all {len(values)} rows are {names[0]!r}. Give another answer or more data."
            )
        if not order:
            return y, names
        return np.array([order.index(n) for n in names])[y], tuple(order)

    def _varying(
        self, x: NDArray[np.float64], held: list[Feature]
    ) -> tuple[NDArray[np.float64], list[Feature], list[str]]:
        """The features that vary, and a sentence about those that do not."""
        keep = np.ptp(x, axis=0) > 0 if len(x) > 1 else np.ones(len(held), dtype=bool)
        if not keep.any():
            self._check_constant(x, held)
        dull = [f.name for f, k in zip(held, keep, strict=True) if not k]
        note = [f"{len(dull)} features left out, constant: {', '.join(dull)}."] if dull else []
        return x[:, keep], [f for f, k in zip(held, keep, strict=True) if k], note

    def _check_constant(self, x: NDArray[np.float64], features: list[Feature]) -> None:
        for j in np.flatnonzero(np.ptp(x, axis=0) == 0) if len(x) > 1 else ():
            raise ValueError(
                f"{self.source}: feature {features[j].name!r} must vary; it is {x[0, j]:g} in every"
                f" row. Leave it out with --features or features=…"
            )


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
