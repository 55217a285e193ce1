"""JSON: an object of columns, a list of records, or records one after the other (JSON lines).

Values are parsed one at a time, so that records come in bounded memory, and of an object of columns
only the column at hand is held as Python's numbers. The first mebibyte settles the columns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from baksan.data import plain
from baksan.data.columns import (
    MANY_WORDS,
    MISSING,
    ReadError,
    lost_note,
    readable,
    table_of,
    word_error,
)
from baksan.data.plain import is_number
from baksan.table import Table

__all__ = ["blocks", "looks_like_json", "rows", "vectors"]

_CHUNK = 1 << 20  # characters that are read at a time, and that settle the columns
_LONGEST_RECORD = 64 << 20  # characters
_LONGEST_COLUMN = 2 << 30
_EDGE = 64  # characters at the end of a piece, in which a number or a word may be cut in two
_EXACT = 2**53  # whole numbers up to here are doubles
_START = re.compile(rb'\s*(\{\s*(["}]|$)|\[\s*([\[\]{"\d-]|null|true|false|NaN|Infinity|$))')
_ADVICE = "Write one value, or lists of numbers of one length, for each row."

Record = dict[str, Any]
Kind = str | tuple[int, ...]
"""'number' (also bool), 'text', or the shape of each cell's list."""


def looks_like_json(head: bytes) -> bool:
    """Whether a file that begins so is JSON: an object or a list, not a [word]."""
    return _START.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def blocks(
    path: Path, source: str, rows: int, columns: Sequence[str] | None = None
) -> Iterator[Table]:
    """Tables of at most `rows` rows. Records are streamed; an object of columns is read whole.

    null is missing; NaN and Infinity, which strict JSON lacks, are understood. Lists of numbers, of
    one length in all rows, are a column of vectors. Objects, lists of other things and lists of
    different lengths are left out with a note.

    Raises
    ------
    ReadError
        No JSON, or of another layout; columns of different lengths; a key that comes twice; no
        rows; text among numbers, or a list of another length than before.
    """
    held = _columns(path, source)
    if held is not None:
        yield from _of_columns(held, source, rows, columns)
    else:
        yield from _of_records(path, source, rows, columns)


def rows(path: Path, source: str) -> int:
    """How many rows there are: of records about as many, by those in the first mebibyte."""
    if (held := _columns(path, source)) is not None:
        return next(len(value) for value in held.values() if isinstance(value, list))
    head, times = plain.beginning(path, source, _CHUNK)
    count, records = 0, _Text(iter([head.decode(errors="ignore")]), source).records()
    try:
        for _ in records:
            count += 1
    except ReadError:  # the last record that was looked at is cut
        pass
    return max(1, round(count * times))


# Parsing ------------------------------------------------------------------------------------------


class _Text:
    """The JSON of a file value by value: no more is held than the value at hand."""

    def __init__(self, pieces: Iterator[str], source: str) -> None:
        self.source, self.pieces = source, pieces
        self.text, self.at, self.row = "", 0, 0
        self.decode = json.JSONDecoder(object_pairs_hook=self._object).raw_decode

    def members(self) -> Iterator[tuple[str, Any]]:
        """The keys and values of the object at hand."""
        self._skip("{")
        while self.next() != "}":
            key = self._value(_LONGEST_RECORD)
            if not isinstance(key, str):
                raise self._error("a key in quotation marks is needed")
            self._skip(":")
            yield _whole(key), self._value(_LONGEST_COLUMN)
            self._comma("}")
        self._skip("}")

    def records(self) -> Iterator[Record]:
        """The objects of a list, or those that follow one another."""
        listed = self.next() == "["
        if listed:
            self._skip("[")
        while self.next() not in ("", "]"):
            self.row += 1
            if self.next() != "{":
                raise self._error("an object is needed, with a value for each column")
            yield self._value(_LONGEST_RECORD)
            if listed:
                self._comma("]")
        if listed:
            self._skip("]")
        if self.next():
            raise self._error("the end of the file is needed")

    def next(self) -> str:
        """The next character that is no blank; "" at the end of the file."""
        while True:
            while self.at < len(self.text):
                if not self.text[self.at].isspace():
                    return self.text[self.at]
                self.at += 1
            if not self._more():
                return ""

    def _skip(self, mark: str) -> None:
        if self.next() != mark:
            raise self._error(f"{mark!r} is needed")
        self.at += 1

    def _comma(self, end: str) -> None:
        """A comma, unless the end is there."""
        if self.next() != end:
            self._skip(",")

    def _value(self, longest: int) -> Any:
        """The next value; the text at hand grows until it holds the whole of it."""
        self.next()
        while True:
            try:
                value, self.at = self.decode(self.text, self.at)
                return value
            except json.JSONDecodeError as error:
                cut = error.pos > len(self.text) - _EDGE or "Unterminated" in error.msg
                if not cut or not self._more():
                    raise self._error(error.msg[0].lower() + error.msg[1:], error.pos) from None
            except RecursionError:
                raise self._error("lists and objects are nested too deeply") from None
            except ReadError:
                raise
            except ValueError:  # int() takes no thousands of digits
                raise self._error("a number has thousands of digits") from None
            if len(self.text) - self.at > longest:
                raise self._error(f"a value is longer than {longest >> 20} MiB")

    def _more(self) -> bool:
        """Whether there is more of the file; at least as much again as is held comes along."""
        rest = self.text[self.at :]
        pieces, size = [rest], 0
        for piece in self.pieces:
            pieces.append(piece)
            size += len(piece)
            if size >= max(len(rest), 1):
                break
        if size:
            self.text, self.at = "".join(pieces), 0
        return size > 0

    def _object(self, pairs: list[tuple[str, Any]]) -> Record:
        return _distinct([(_whole(name), value) for name, value in pairs], self.source, self.row)

    def _error(self, what: str, at: int | None = None) -> ReadError:
        at = self.at if at is None else at
        near = repr(self.text[max(0, at - 20) : at + 20])
        where = f"row {self.row:,}, " if self.row else ""
        return ReadError(
            f"{self.source}: JSON is needed, an object of lists or an object for each row;"
            f" {where}near {near}: {what}. Mend the file, or fetch it again if it was cut."
        )


def _distinct(pairs: list[tuple[str, Any]], source: str, row: int) -> Record:
    """The object of these keys and values. Raises ReadError for a key that comes twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        where = f" in row {row:,}" if row else ""
        raise ReadError(
            f"{source}: the keys of an object must differ; {twice!r} comes twice{where}. Rename one"
            " of them in the file."
        )
    return found


# An object of columns -----------------------------------------------------------------------------


def _columns(path: Path, source: str) -> Record | None:
    """The members of an object that stands alone and holds lists; None for records."""
    text = _Text(plain.characters(path, source, _CHUNK), source)
    if text.next() != "{":
        return None
    held = _distinct([(key, _list(value)) for key, value in text.members()], source, 0)
    alone = text.next() == ""
    if not alone and text.next() != "{":
        raise text._error("the end of the file is needed")
    return held if alone and any(isinstance(v, list) for v in held.values()) else None


def _list(value: Any) -> Any:
    """A column; pandas writes one as an object with a key for each row."""
    return list(value.values()) if isinstance(value, dict) and value else value


def _of_columns(
    held: Record, source: str, rows: int, columns: Sequence[str] | None
) -> Iterator[Table]:
    lists = {name: value for name, value in held.items() if isinstance(value, list)}
    lengths = {name: len(value) for name, value in lists.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {n:,}" for name, n in list(lengths.items())[:6])
        raise ReadError(
            f"{source}: lists of one length are needed, one value for each row; there are {shown}."
            " Write those of one length to a file of their own."
        )
    kinds, lost = _settled(lists)
    lost |= {name: "no list" for name in held if name not in lists}
    names = readable(list(kinds), lost, columns, source, _ADVICE)
    n = next(iter(lengths.values()))
    _check_rows(n, source)
    arrays = {name: _array(lists[name], kinds[name], name, 0, source) for name in names}
    notes = [*lost_note(lost, _ADVICE), *_rounded(arrays, lists)]
    del lists, held
    for first in range(0, n, rows):
        part = [(name, values[first : first + rows], "", "") for name, values in arrays.items()]
        yield table_of(part, source, first).with_notes(*notes)


def _check_rows(n: int, source: str) -> None:
    if n == 0:
        raise ReadError(
            f"{source}: rows are needed; there is none in this JSON. Check how it was written."
        )


# Records ------------------------------------------------------------------------------------------


def _of_records(
    path: Path, source: str, rows: int, columns: Sequence[str] | None
) -> Iterator[Table]:
    text = _Text(plain.characters(path, source, _CHUNK), source)
    records = text.records()
    waiting = _head(text, records)
    _check_rows(len(waiting), source)
    keys = dict.fromkeys(key for record in waiting for key in record)
    kinds, lost = _settled({key: [record.get(key) for record in waiting] for key in keys})
    names = readable(list(kinds), lost, columns, source, _ADVICE)
    first = 0
    while waiting or (waiting := list(islice(records, rows))):
        block, waiting = waiting[:rows], waiting[rows:]
        table = _table(block, {name: kinds[name] for name in names}, first, source)
        strange = dict.fromkeys(key for record in block for key in record if key not in keys)
        late = {key: "a key that the first rows lack" for key in strange}
        yield table.with_notes(*lost_note({**lost, **late}, _ADVICE))
        first += len(block)


def _head(text: _Text, records: Iterator[Record]) -> list[Record]:
    """The records of the first mebibyte, at least one if there is one."""
    found: list[Record] = []
    for record in records:
        found.append(record)
        if text.at > _CHUNK // 2 or len(text.text) > _CHUNK:
            break
    return found


def _table(block: list[Record], kinds: Mapping[str, Kind], first: int, source: str) -> Table:
    cells = {name: [record.get(name) for record in block] for name in kinds}
    arrays = {name: _array(cells[name], kinds[name], name, first, source) for name in kinds}
    parts = [(name, values, "", "") for name, values in arrays.items()]
    return table_of(parts, source, first).with_notes(*_rounded(arrays, cells))


# From cells to arrays -----------------------------------------------------------------------------


def _settled(columns: Mapping[str, list[Any]]) -> tuple[dict[str, Kind], dict[str, str]]:
    """What each column holds, and why others are none."""
    lost = {name: why for name, cells in columns.items() if (why := _why_not(cells))}
    return {name: _kind(cells) for name, cells in columns.items() if name not in lost}, lost


def _why_not(cells: list[Any]) -> str:
    """What keeps cells from being a column, "" for nothing."""
    types = {type(cell) for cell in cells} - {type(None)}
    if dict in types:
        return "objects"
    if list not in types:
        return ""
    if types != {list}:
        return "lists among single values"
    return "lists of different lengths or contents" if vectors(_present(cells)) is None else ""


def _kind(cells: list[Any]) -> Kind:
    given = _present(cells)
    if given and isinstance(given[0], list):
        lists = vectors(given)
        return () if lists is None else lists.shape[1:]
    words = sum(isinstance(cell, str) and not _stands_for_number(cell) for cell in given)
    text = bool(given) and all(isinstance(cell, str) for cell in given)
    return "text" if text or words > MANY_WORDS * len(cells) else "number"


def _present(cells: list[Any]) -> list[Any]:
    return [cell for cell in cells if cell is not None]


def _stands_for_number(word: str) -> bool:
    """'NaN' and the like, which writers of strict JSON put into columns of numbers."""
    return word in MISSING or is_number(word)


def _array(cells: list[Any], kind: Kind, name: str, first: int, source: str) -> NDArray[Any]:
    if kind == "text":
        return np.array([_word(c, name, first + i, source) for i, c in enumerate(cells)], dtype=str)
    if kind == "number":
        return _numbers(cells, name, first, source)
    empty = np.full(cast("tuple[int, ...]", kind), np.nan)
    lists = vectors([empty if cell is None else cell for cell in cells])
    if lists is None or lists.shape[1:] != kind:
        raise _vector_error(cells, kind, name, first, source)
    return lists


def _word(cell: Any, name: str, row: int, source: str) -> str:
    if isinstance(cell, str):
        return _whole(cell)
    if isinstance(cell, list | dict):
        raise word_error(source, row + 1, name, json.dumps(cell)[:40], "text")
    return "" if cell is None else json.dumps(cell)


def _whole(text: str) -> str:
    r"""The text, '?' for halves of characters such as '\ud800', which nobody can write."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _numbers(cells: list[Any], name: str, first: int, source: str) -> NDArray[Any]:
    values = _plain_array(cells)
    if values is not None:
        return values
    return np.array([_number(c, name, first + i, source) for i, c in enumerate(cells)], dtype=float)


def _plain_array(cells: list[Any]) -> NDArray[Any] | None:
    """The cells as they are where all are numbers, or all true or false."""
    types = {type(cell) for cell in cells}
    if types == {int}:
        return _integers(cells)
    return np.array(cells) if types in ({bool}, {float}, {int, float}) and _small(cells) else None


def _integers(cells: list[int]) -> NDArray[Any] | None:
    """Whole numbers in 64 bits; None where they are longer."""
    for kind in (np.int64, np.uint64):
        try:
            return np.array(cells, dtype=kind)
        except OverflowError:
            continue
    return None


def _small(cells: list[Any]) -> bool:
    return all(type(cell) is not int or abs(cell) < 2**63 for cell in cells)


def _number(cell: Any, name: str, row: int, source: str) -> float:
    if cell is None or (isinstance(cell, str) and cell in MISSING):
        return np.nan
    if isinstance(cell, list | dict) or (isinstance(cell, str) and not is_number(cell)):
        word = cell if isinstance(cell, str) else json.dumps(cell)[:40]
        raise word_error(source, row + 1, name, word)
    try:
        return float(cell)
    except OverflowError:  # a whole number beyond the largest double
        return np.inf if cell > 0 else -np.inf


def _rounded(arrays: Mapping[str, NDArray[Any]], cells: Mapping[str, list[Any]]) -> list[str]:
    """A note on long whole numbers that became doubles, since others are missing or broken."""
    names = [
        name
        for name, values in arrays.items()
        if values.dtype.kind == "f" and any(type(c) is int and abs(c) > _EXACT for c in cells[name])
    ]
    return [f"whole numbers above 2^53 were rounded: {', '.join(names)}."] if names else []


def vectors(cells: Iterable[Any]) -> NDArray[Any] | None:
    """(n, m, …) numbers of lists of one length, NaN for null; None for other lists."""
    cells = list(cells)
    try:
        values = np.array(cells)
        if values.dtype.kind == "O":
            values = np.array(cells, dtype=float)
    except (ValueError, TypeError, OverflowError):
        return None
    good = values.dtype.kind in "biuf" and values.ndim > 1 and values.size > 0
    return values if good else None


def _vector_error(cells: list[Any], kind: Kind, name: str, first: int, source: str) -> ReadError:
    """The sentence for the first cell that is no list of that shape."""
    for i, cell in enumerate(cells):
        one = vectors([cell]) if isinstance(cell, list) else None
        if cell is not None and (one is None or one.shape[1:] != kind):
            shape = " x ".join(map(str, kind))
            return word_error(
                source, first + i + 1, name, json.dumps(cell)[:40], f"a list of {shape} numbers"
            )
    raise AssertionError("all cells are lists of this shape")
