"""SQLite tables, read-only; views and virtual tables, which are programs in the file, are refused.

The file is opened as it lies on disk (`immutable`): nothing is written beside it. Its triggers and
formulas do not run, no extension is loaded; an authorizer lets nothing pass but reading columns.
https://www.sqlite.org/security.html
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.data.columns import (
    MANY_WORDS,
    MISSING,
    ReadError,
    check_names,
    lost_note,
    parts_error,
    readable,
    table_of,
    word_error,
)
from baksan.table import Table

__all__ = ["blocks", "rows"]

_ADVICE = "Write them as numbers or text in columns of their own, or leave them out."
_JOURNAL = bytes.fromhex("d9d505f920a163d7")  # begins the journal of an unfinished change
_EXACT = 1 << 53  # integers up to here are exact in double precision
_LONGEST = 10_000  # characters of a cell of text
_TOGETHER = 100  # columns that are surveyed in one pass
_FETCH = 4096  # rows that are held as Python's numbers
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_PRAGMA}
_FUNCTIONS = {"count", "length", "max", "min", "sum", "typeof"}


@dataclass(frozen=True)
class _Kind:
    """What one pass found in a column; SQLite itself allows anything in any cell."""

    numbers: int
    others: int
    """Cells that hold no integer."""
    words: int
    """Cells of text that do not say 'missing'."""
    blobs: int
    least: int
    largest: int
    """The integers lie between these."""
    longest: int
    """Characters of the longest text."""

    @property
    def lost(self) -> str:
        if self.blobs:
            return "bytes (BLOB)"
        return f"text of up to {self.longest:,} characters" if self.longest > _LONGEST else ""

    @property
    def is_text(self) -> bool:
        """As in text files: few words among many numbers are mistakes."""
        return self.words > MANY_WORDS * (self.numbers + self.words)

    @property
    def rounded(self) -> bool:
        """Integers that double precision does not hold lie among missing ones or fractions."""
        exact = not self.others or self.is_text
        return not exact and max(-self.least, self.largest) > _EXACT


@dataclass(frozen=True)
class _Found:
    """A table: how to ask for its rows, how many there are, and its columns."""

    connection: sqlite3.Connection
    table: str
    rows: int
    names: list[str]
    lost: dict[str, str] = field(default_factory=dict)


def blocks(
    path: Path,
    source: str,
    rows: int,
    columns: Sequence[str] | None = None,
    *,
    part: str | None = None,
) -> Iterator[Table]:
    """Tables of at most `rows` rows, in the order in which the file keeps them.

    What a column holds is told by its cells, not by its declaration: NULL is missing, text stays
    text, bytes (BLOB) and columns that a formula computes are left out with a note.

    Parameters
    ----------
    part : str, optional
        The table's name; needed where there are several.

    Raises
    ------
    ReadError
        Several tables and none chosen; a view or virtual table; a word in a column of numbers;
        no column of numbers or text, or another one asked for; no rows; an unfinished change lies
        beside the file; a damaged file.
    """
    with _opened(path, source, part) as found:
        check_names(found.names + list(found.lost), source)
        if not found.rows:
            raise ReadError(f"{source}: rows are needed; the table is empty. Choose another.")
        wanted = readable(found.names, found.lost, columns, source, _ADVICE)
        kinds = _survey(found, wanted)
        lost = found.lost | {name: kind.lost for name, kind in kinds.items() if kind.lost}
        names = readable([n for n in wanted if n not in lost], lost, columns, source, _ADVICE)
        notes = [*lost_note(lost, _ADVICE), *_rounded_note([n for n in names if kinds[n].rounded])]
        for first, arrays in _arrays(found, {n: kinds[n] for n in names}, rows, source):
            told = ((name, values, "", "") for name, values in arrays.items())
            yield table_of(told, source, first).with_notes(*notes)


def rows(path: Path, source: str, part: str | None = None) -> int:
    """How many rows there are; they are counted."""
    with _opened(path, source, part) as found:
        return found.rows


def _rounded_note(names: list[str]) -> list[str]:
    told = f"integers beyond 2^53 were rounded to double precision: {', '.join(names)}."
    return [told] if names else []


# Opening ------------------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path, source: str, part: str | None) -> Iterator[_Found]:
    _check_finished(path, source)
    try:
        address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            _lock(connection)
            yield _find(connection, _choose(connection, part, source), path, source)
    except (sqlite3.Error, UnicodeDecodeError, MemoryError) as error:
        # A message may quote damaged names, and a damaged page ask for any amount of memory.
        raise ReadError(
            f"{source}: a whole SQLite database is needed; this one is damaged or encrypted"
            f" ({error}). Fetch it again, or try sqlite3 with '.recover'."
        ) from None


def _check_finished(path: Path, source: str) -> None:
    """A log beside the file holds rows that the file has not, or has only half of."""
    log, journal = Path(f"{path}-wal"), Path(f"{path}-journal")
    hot = journal.is_file() and journal.read_bytes()[: len(_JOURNAL)] == _JOURNAL
    if (log.is_file() and log.stat().st_size) or hot:
        raise ReadError(
            f"{source}: a database at rest is needed; {(journal if hot else log).name} beside it"
            " holds an unfinished change. Close the program that writes it, or open it once with"
            " sqlite3 and type: PRAGMA wal_checkpoint(TRUNCATE);"
        )


def _lock(connection: sqlite3.Connection) -> None:
    """Nothing but reading columns is possible from here on."""

    def authorize(action: int, first: str | None, second: str | None, *_: object) -> int:
        known = action in _ALLOWED or (action == sqlite3.SQLITE_FUNCTION and second in _FUNCTIONS)
        return sqlite3.SQLITE_OK if known else sqlite3.SQLITE_DENY

    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA query_only = ON")
    connection.set_authorizer(authorize)
    connection.text_factory = lambda cell: cell.decode("utf-8", "replace")


def _choose(connection: sqlite3.Connection, part: str | None, source: str) -> str:
    """The table that is wanted: one with pages of its own, which views and virtual ones lack."""
    query = "SELECT name, rootpage FROM sqlite_master WHERE type IN ('table', 'view')"
    pages = {name: page for name, page in connection.execute(query) if name[:7] != "sqlite_"}
    tables, programs = ([n for n in pages if bool(pages[n]) is plain] for plain in (True, False))
    if part in tables:
        return str(part)
    if part in programs or (programs and not tables):
        raise ReadError(
            f"{source}: a plain table is needed; {part or programs[0]!r} is a view or virtual"
            " table, a program in the file that is not run. Write what it shows into a table"
            " (CREATE TABLE t AS SELECT * FROM …)."
        )
    if not tables:
        raise ReadError(f"{source}: a table is needed; the database has none. Give another file.")
    if part is not None:
        raise parts_error(source, "table", tables, part)
    if len(tables) > 1:
        raise parts_error(source, "table", tables)
    return str(tables[0])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _find(connection: sqlite3.Connection, table: str, path: Path, source: str) -> _Found:
    place = _place(connection, table)
    most = path.stat().st_size  # a row takes more than a byte, unless pages are used twice
    count = f"SELECT count(*) FROM (SELECT 1 FROM {place} LIMIT {most + 1})"
    ((rows,),) = connection.execute(count)
    if rows > most:
        raise sqlite3.DatabaseError(f"more rows than bytes: {most:,}")
    about = connection.execute(f"PRAGMA table_xinfo({_quoted(table)})").fetchall()
    hidden = {name: kind for _, name, *_, kind in about}
    lost = {name: "computed by a formula in the file" for name, kind in hidden.items() if kind == 2}
    return _Found(connection, place, rows, [n for _, n, *_ in about if n not in lost], lost)


def _place(connection: sqlite3.Connection, table: str) -> str:
    """The table itself, in its own order; an index beside it has another, and may be damaged."""
    name = _quoted(table)
    try:
        connection.execute(f"SELECT t._rowid_ FROM {name} AS t LIMIT 0")
    except sqlite3.OperationalError:  # WITHOUT ROWID: the table is the index of its primary key
        keys = connection.execute(f"PRAGMA index_list({name})")
        own = next((index for _, index, _, origin, _ in keys if origin == "pk"), "")
        return f"{name} AS t INDEXED BY {_quoted(own)}"
    return f"{name} AS t NOT INDEXED"


# Reading ------------------------------------------------------------------------------------------


def _survey(found: _Found, names: Sequence[str]) -> dict[str, _Kind]:
    """What the cells of these columns are, in one pass for each hundred columns."""
    kinds = {}
    for j in range(0, len(names), _TOGETHER):
        part = names[j : j + _TOGETHER]
        query = f"SELECT {', '.join(map(_questions, part))} FROM {found.table}"
        (told,) = found.connection.execute(query)
        for k, name in enumerate(part):
            kinds[name] = _Kind(*(value or 0 for value in told[7 * k : 7 * k + 7]))
    return kinds


def _questions(name: str) -> str:
    # The table's name before a column's: a name in quotes alone may be taken for a text.
    cell = f"t.{_quoted(name)}"
    marks = ", ".join(f"'{mark}'" for mark in MISSING)
    integer = f"CASE typeof({cell}) WHEN 'integer' THEN {cell} END"
    return (
        f"sum(typeof({cell}) IN ('integer', 'real')), sum(typeof({cell}) != 'integer'),"
        f" sum(typeof({cell}) = 'text' AND {cell} NOT IN ({marks})), sum(typeof({cell}) = 'blob'),"
        f" min({integer}), max({integer}),"
        f" max(CASE typeof({cell}) WHEN 'text' THEN length({cell}) END)"
    )


def _arrays(
    found: _Found, kinds: dict[str, _Kind], rows: int, source: str
) -> Iterator[tuple[int, dict[str, NDArray[Any]]]]:
    """Of each block its first row, and its columns by name."""
    wanted = ", ".join(f"t.{_quoted(name)}" for name in kinds)
    cursor = found.connection.execute(f"SELECT {wanted} FROM {found.table}")
    for first in range(0, found.rows, rows):
        pieces: dict[str, list[NDArray[Any]]] = {name: [] for name in kinds}
        for start in range(first, min(first + rows, found.rows), _FETCH):
            cells = cursor.fetchmany(min(_FETCH, first + rows - start))
            if not cells:
                raise sqlite3.DatabaseError(f"fewer rows than were counted: {start:,}")
            for name, column in zip(kinds, zip(*cells, strict=True), strict=True):
                pieces[name].append(_values(column, kinds[name], name, source, start))
        yield first, {name: np.concatenate(parts) for name, parts in pieces.items()}


def _values(cells: Sequence[Any], kind: _Kind, name: str, source: str, first: int) -> NDArray[Any]:
    if kind.is_text:
        return np.array(["" if cell is None else str(cell) for cell in cells], dtype=str)
    if not kind.others:
        return np.array(cells, dtype=np.int64)
    if any(isinstance(cell, str) for cell in cells):
        cells = [_number(cell, name, source, first + j) for j, cell in enumerate(cells)]
    return np.array(cells, dtype=np.float64)  # None becomes NaN


def _number(cell: Any, name: str, source: str, row: int) -> float | None:
    if cell is None or cell in MISSING:
        return None
    try:
        return float(cell)
    except ValueError:
        raise word_error(source, row + 1, name, cell) from None
