"""Which columns become what, and what only all rows together tell of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from baksan.samples import Feature, class_text, classes, counted
from baksan.table.column import NUMBER, mixed

__all__ = ["Census", "Roles", "gap_notes", "lost_notes", "text_note"]

_NAMED = 8  # columns that a note calls by name


class _Rows(Protocol):
    """What a census asks of a table."""

    def __len__(self) -> int: ...
    def __getitem__(self, name: str) -> NDArray[np.generic]: ...
    def numbers_of(self, name: str, rows: Any) -> Iterator[tuple[Feature, NDArray[np.generic]]]: ...


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
    needs: tuple[str, ...] = ()
    """Columns of text of which indicators were made."""
    indicators: frozenset[str] = frozenset()
    """These indicators, which may be constant: a text may be gone with the rows left out."""
    impute: bool = False
    """Rows without some of the features are events, too."""

    @property
    def parts(self) -> dict[str, str | None]:
        return {"answer": self.answer, "weight": self.weight, "group": self.group, "id": self.id}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a row must have to be an event."""
        needed = () if self.impute else (*self.features, *self.needs)
        return tuple(dict.fromkeys([*needed, *filter(None, self.parts.values())]))


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
        self.mass = 0.0  # Σ w
        self.low: dict[str, float] = {}
        self.high: dict[str, float] = {}
        self.labels: NDArray[np.generic] | None = None

    def add(self, table: _Rows, kept: NDArray[np.int64], lost: Mapping[str, int]) -> None:
        """The rows of a table, of which `kept` are complete; see `Table.complete`."""
        self.lost = {n: self.lost.get(n, 0) + lost.get(n, 0) for n in {**self.lost, **lost}}
        self.seen += len(table)
        self.rows += len(kept)
        if not len(kept):
            return
        rows: Any = slice(None) if len(kept) == len(table) else kept
        if self.roles.weight:
            self.mass += float(np.sum(table[self.roles.weight][rows], dtype=np.float64))
        for name in self.roles.features:
            for feature, values in table.numbers_of(name, rows):
                # fmin and fmax pass over NaN, a missing value.
                low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
                self.low[feature.name] = np.fmin(low, self.low.get(feature.name, low))
                self.high[feature.name] = np.fmax(high, self.high.get(feature.name, high))
        if self.roles.answer:
            self.add_labels(table[self.roles.answer][rows])

    def add_labels(self, values: NDArray[np.generic]) -> None:
        """Answers that occur: all classes; of plain numbers only enough to tell 0 and 1 alone."""
        if not len(values):
            return
        new = [_distinct(values)] if self.labels is None else [self.labels, _distinct(values)]
        if any(v.dtype.kind in "UO" for v in new):
            new = [class_text(v) if v.dtype.kind in "iufb" else v for v in new]
        held = _distinct(np.concatenate(new))
        plain = held.dtype.kind in "iuf" and self.signal is None and not self.order
        self.labels = held[:3] if plain else held

    @property
    def weighs(self) -> bool:
        """Whether the weights so far sum to more than 0."""
        return self.roles.weight is None or self.mass > 0

    @property
    def constant(self) -> list[str]:
        """The features that have not varied so far."""
        return [name for name, low in self.low.items() if not low < self.high[name]]

    def decided(self, drop: bool, allow_constant: bool) -> tuple[Roles, list[str], list[str]]:
        """The roles with their classes and constant features, and sentences on both.

        `drop` leaves constant features out. Raises ValueError as `Table.samples`.
        """
        self._check_rows()
        dull = self._constant(drop, allow_constant)
        many = counted(len(dull), "feature")
        note = [f"{many} left out, constant: {', '.join(dull)}."] if dull else []
        if self.labels is None:
            return replace(self.roles, constant=frozenset(dull)), note, []
        found = self._classes(self.labels)
        roles = replace(self.roles, constant=frozenset(dull), class_names=found)
        told = [] if self.signal or self.order else _choice(roles.answer, self.labels, found)
        return roles, note, [*told, *_words_and_numbers(roles.answer, self.labels)]

    def _check_rows(self) -> None:
        if not self.rows:
            why = " ".join(lost_notes(self.lost))
            raise ValueError(
                f"{self.source}: no row is left of {self.seen}. {why} Choose other columns, or fill"
                " in what is missing."
            )
        if not self.weighs:
            raise ValueError(
                f"{self.source}: weights must sum to more than 0; column {self.roles.weight!r} sums"
                f" to {self.mass:g} in {counted(self.rows)}. Name another column of weights."
            )

    def _constant(self, drop: bool, allow: bool) -> list[str]:
        """The features to leave out. Raises ValueError where that is for the user to do."""
        dull = self.constant if self.rows > 1 else []
        if not dull or (drop and len(dull) < len(self.low)):
            return dull
        gone = [name for name in dull if name in self.roles.indicators]
        held = [name for name in dull if name not in gone]
        if (allow and not drop) or (not held and len(gone) < len(self.low)):
            return gone
        name = (held or gone)[0]
        never = np.isnan(self.low[name])
        raise ValueError(
            f"{self.source}: feature {name!r} must vary; it is"
            f" {'missing' if never else format(self.low[name], 'g')} in every row."
            " Leave it out with --features or features=…"
        )

    def _classes(self, values: NDArray[np.generic]) -> tuple[str, ...]:
        """Class names: in the wanted order, or alphabetical with the signal last."""
        _, names = classes(class_text(values) if self.order else values, self.signal)
        if self.order and (strange := [n for n in names if n not in self.order]):
            wanted = ", ".join(self.order)
            raise ValueError(
                f"{self.source}: the classes of {self.roles.answer!r} must be {wanted};"
                f" there is also {strange[0]!r}. Leave such rows out, or name the answer's own"
                " classes."
            )
        if len(names) == 1:
            each = "the one row is" if self.rows == 1 else f"all {self.rows:,} rows are"
            raise ValueError(
                f"{self.source}: the answer {self.roles.answer!r} must have at least two classes;"
                f" {each} {names[0]!r}. Give another answer or more data."
            )
        return self.order or names


def _distinct(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """The values that occur, in order; text is not sorted before its repetitions are gone."""
    if values.dtype.kind == "O":
        return values  # `classes` says what is wrong with it, if anything is
    few = np.array(list(dict.fromkeys(values.tolist()))) if values.dtype.kind == "U" else values
    return np.unique(few)


def lost_notes(lost: Mapping[str, int]) -> list[str]:
    """Sentences on rows that are left out; see `Table.complete`."""
    return [f"{counted(n)} left out: {name} is missing or infinite." for name, n in lost.items()]


def gap_notes(gaps: Mapping[str, int]) -> list[str]:
    """Sentences on rows that are kept although they lack a feature; see `Table.gaps`."""
    return [
        f"{counted(n)} kept without {name}: each model fills it in." for name, n in gaps.items()
    ]


def text_note(texts: Mapping[str, tuple[int, int]]) -> list[str]:
    """A sentence about columns of text that are no features; see `Table.texts`."""
    told = [f"{n} ({many})" if (many := mixed(*count)) else n for n, count in texts.items()]
    more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    what = "text columns are no features" if len(told) > 1 else "text column is no feature"
    return [f"{len(told)} {what}: {', '.join(told[:_NAMED])}{more}."] if told else []


def _words_and_numbers(answer: str | None, values: NDArray[np.generic]) -> list[str]:
    """A sentence about classes of which some are words and some numbers: a mistake in a file?"""
    texts = values.tolist() if values.dtype.kind == "U" else []
    numbers = [text for text in texts if NUMBER.fullmatch(text)]
    if not 0 < len(numbers) < len(texts):
        return []
    word = next(text for text in texts if text not in numbers)
    return [
        f"some classes of {answer} are numbers, such as {numbers[0]!r}, others words, such as"
        f" {word!r}: if numbers were meant, mend the file."
    ]


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
        return [
            f"answer {answer} holds only 0 and 1: taken as numbers; --signal 1 (signal='1') makes"
            " classes of them."
        ]
    return []
