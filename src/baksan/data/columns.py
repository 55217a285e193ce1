"""What all readers share: from the array of a file to a Column, and how a file may be refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.files import one_line
from baksan.table import Column, Table

__all__ = [
    "ReadError", "SeveralTables", "check_names", "chosen", "clean",
    "lost_note", "missing_note", "parts_error", "readable", "word_error",
]  # fmt: skip

DEFAULT_ROWS = 65536
MISSING = ("", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "null", "NULL", "None", "--")
"""How text says that a number is missing."""
MANY_WORDS = 0.1  # share of words from which on a column is text, not numbers with a wrong cell
_NAMED = 8  # columns that a note calls by name


class ReadError(ValueError):
    """A file that cannot be read: what was needed, what came, what to do.

    One line that can be printed, whatever stood in the file: names in a damaged one hold anything.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(one_line(sentence))


def clean(values: NDArray[Any]) -> NDArray[Any] | None:
    """Numbers in this machine's byte order, text without padding; None for what is neither.

    Bytes are decoded as UTF-8 (a bad byte becomes '�'), half precision becomes single.
    """
    kind = values.dtype.kind
    if kind in "biuf":
        values = values.astype(values.dtype.newbyteorder("="), copy=False)
        return values.astype(np.float32) if values.dtype.itemsize == 2 and kind == "f" else values
    if kind in "SO" and values.ndim == 1:
        if kind == "O" and not all(isinstance(v, (str, bytes)) for v in values):
            return None
        text = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values]
        values = np.array(text, dtype=str) if text else np.empty(0, dtype="U1")
    if values.dtype.kind == "U" and values.ndim == 1:
        return np.asarray(np.strings.strip(_signs(values), " \t\r\n\0"))
    return None


def _signs(values: NDArray[Any]) -> NDArray[Any]:
    """Text as it is in memory, with '�' for numbers that are no sign of Unicode's."""
    values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
    codes = values.view(np.uint32)
    strange = (codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))
    return (
        np.where(strange, np.uint32(0xFFFD), codes).view(values.dtype) if strange.any() else values
    )


def check_names(names: Sequence[str], source: str) -> None:
    """Raises ReadError when two columns have one name, or one has none."""
    if twice := sorted(name for name, count in Counter(names).items() if count > 1):
        places = [str(j + 1) for j, n in enumerate(names) if n == twice[0]]
        raise ReadError(
            f"{source}: columns must have different names; {twice[0]!r} is the name of columns"
            f" {' and '.join(places)}. Rename one of them in the file."
        )
    if "" in names:
        raise ReadError(
            f"{source}: every column must have a name; column {names.index('') + 1} has none."
            " Name it in the file."
        )


def chosen(names: Sequence[str], columns: Sequence[str] | None, source: str) -> list[str]:
    """The columns that are asked for, each once; all of a table's names for None.

    Raises ReadError for one that the table lacks.
    """
    if columns is None:
        return list(names)
    if lost := [name for name in columns if name not in names]:
        raise ReadError(
            f"{source}: a column {lost[0]!r} is needed; there are {', '.join(names)}. Choose among"
            " them."
        )
    return list(dict.fromkeys(columns))


def missing_note(table: Table) -> Table:
    """The table with a note that counts the missing numbers of each column, if there are any."""
    counts = {n: int(c.missing.sum()) for n, c in table.columns.items() if not c.is_text}
    words = [f"{name} {count}" for name, count in counts.items() if count]
    more = f" and {len(words) - 8} more columns" if len(words) > 8 else ""
    note = f"missing values: {', '.join(words[:8])}{more}."
    return table.with_notes(note) if words else table


class SeveralTables(ReadError):
    """A file with several tables, of which none was chosen; `parts` are their names."""

    def __init__(self, sentence: str, parts: Sequence[str]) -> None:
        super().__init__(sentence)
        self.parts = tuple(parts)


def parts_error(
    source: str, what: str, parts: Sequence[str], wrong: str | None = None
) -> ReadError:
    """The error for a file that holds several tables: none was chosen, or a `wrong` one."""
    shown = ", ".join(parts[:20]) + (f" and {len(parts) - 20} more" if len(parts) > 20 else "")
    sentence = (
        f"{source}: one {what}{f' (not {wrong!r})' if wrong else ''} must be chosen; there are"
        f" {len(parts)}: {shown}. Write it behind the file's name, as in '{source}#{parts[0]}'."
    )
    return ReadError(sentence) if wrong else SeveralTables(sentence, parts)


def readable(
    names: Sequence[str],
    lost: Mapping[str, str],
    columns: Sequence[str] | None,
    source: str,
    advice: str,
) -> list[str]:
    """The columns `names` that are asked for, where others are `lost`: their names, and why.

    Raises ReadError for one that is lost or not there, or where all are lost.
    """
    if refused := [name for name in columns or () if name in lost and name not in names]:
        raise ReadError(
            f"{source}: a column of numbers or text is needed; {refused[0]!r} holds"
            f" {lost[refused[0]]}. {advice}"
        )
    if not names and lost:
        raise ReadError(
            f"{source}: a column of numbers or text is needed; there are only {_grouped(lost)}."
            f" {advice}"
        )
    return chosen(names, columns, source)


def lost_note(lost: Mapping[str, str], advice: str) -> list[str]:
    """The note on columns that are left out, each with what it holds; none for none."""
    return [f"columns left out: {_grouped(lost)}. {advice}"] if lost else []


def _grouped(lost: Mapping[str, str]) -> str:
    """'a, b (bytes); c (lists)'."""
    kinds = dict.fromkeys(lost.values())
    return "; ".join(f"{_few([n for n in lost if lost[n] == k])} ({k})" for k in kinds)


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def word_error(source: str, row: int, name: str, cell: str, what: str = "a number") -> ReadError:
    """The sentence for a word in a column of numbers."""
    return ReadError(
        f"{source}: {what} is needed in column {name!r}; row {row:,} has {cell!r}."
        " Mend the cell, or leave it empty if the value is missing."
    )


def table_of(
    arrays: Iterable[tuple[str, NDArray[Any], str, str]],
    source: str,
    first: int,
    finite: Container[str] = (),
) -> Table:
    """A table of (name, values, unit, description); what is no column is left out with a note.

    Of the columns in `finite` it is known that no value is missing or infinite.
    """
    columns: dict[str, Column] = {}
    lost = []
    for name, values, unit, description in arrays:
        if (cleaned := clean(values)) is None:
            lost.append(f"{name} ({values.dtype.name})")
        else:
            column = Column(cleaned, unit, description)
            columns[name] = column.found_finite() if name in finite else column
    if not columns:
        raise ReadError(
            f"{source}: a column of numbers or text is needed; there is none"
            f" ({', '.join(lost) or 'no column at all'}). Choose another table or convert it."
        )
    note = [f"columns left out, neither numbers nor text: {', '.join(lost)}."] if lost else []
    n = len(next(iter(columns.values())).values)
    return Table(columns, source, note, np.arange(first, first + n))
