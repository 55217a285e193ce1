"""Text tables: separated by commas, tabs, semicolons, bars or blanks; with a header, '#' or none.

The first mebibyte settles the layout (separator, names, which columns are numbers); then blocks of
whole lines go through pyarrow's parser. Whatever stops it is looked up line by line, so that the
message can name the row and the cell.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from baksan import units
from baksan.data import ecsv, plain
from baksan.data.columns import (
    MANY_WORDS,
    MISSING,
    ReadError,
    check_names,
    lost_note,
    readable,
    word_error,
)
from baksan.data.ecsv import Kind, Noted
from baksan.data.plain import is_number
from baksan.samples import Feature
from baksan.table import Column, Table

__all__ = ["Layout", "blocks", "sniff"]

_CHUNK = 4 << 20
_SAMPLE = 1 << 20
_ADVICE = "Write one number or text, or lists of numbers of one length, for each row."
_TRUE, _FALSE = ["true", "True", "TRUE"], ["false", "False", "FALSE"]
_BLANKS = re.compile(rb"[ \t]+")
_BLANKS_OR_QUOTED = re.compile(rb'"[^"\n]*"|[ \t]+')


@dataclass(frozen=True)
class Layout:
    """How a text file is written: settled once, from its beginning."""

    separator: str  # "," "\t" ";" "|", or " " for any run of blanks
    features: tuple[Feature, ...]
    kinds: tuple[Kind, ...]  # of each column
    header: bool  # the first line that is no comment holds the names
    lost: dict[str, str]  # columns that cannot be read, and why

    @property
    def names(self) -> list[str]:
        return [f.name for f in self.features]


def blocks(
    path: Path,
    source: str,
    rows: int,
    columns: Sequence[str] | None = None,
    *,
    names: Sequence[str] | None = None,
    header: bool | None = None,
    separator: str | None = None,
    text: Sequence[str] = (),
) -> Iterator[Table]:
    r"""Tables of at most `rows` rows, in order; memory stays bounded however long the file is.

    Parameters
    ----------
    names : sequence of str, optional
        The names of the columns, for a file without a header.
    header : bool, optional
        Whether the first line holds names; found out if left out.
    separator : str, optional
        ",", "\t", ";", "|" or " " (any run of blanks); found out if left out.
    text : sequence of str
        Columns to keep as text even where they look like numbers.

    Raises
    ------
    ReadError
        An empty file, a row with too many or too few fields, a word in a column of numbers,
        two columns of one name, a cut gzip file, bytes that are not UTF-8.
    """
    layout = sniff(path, source, names, header, separator, text)
    kept = [name for name in layout.names if name not in layout.lost]
    wanted = readable(kept, layout.lost, columns, source, _ADVICE)
    note = lost_note(layout.lost, _ADVICE)
    first, kinds = 0, list(layout.kinds)
    for chunk in _line_blocks(path, source, layout):
        table = _parse(chunk, path, source, layout, kinds, first, wanted).with_notes(*note)
        for start in range(0, len(table), rows):
            yield table if len(table) <= rows else table.take(slice_of(table, start, rows))
        first += len(table)
    if first == 0:
        raise ReadError(
            f"{source}: rows of data are needed; there are only {len(layout.names)} column names."
            " Check that the file was written to its end."
        )


def rows(path: Path, source: str, **options: Any) -> int:
    """About how many rows there are, from the first lines and the size of the file."""
    layout = sniff(path, source, **options)
    head, times = plain.beginning(path, source, _CHUNK)
    return max(1, round(head.count(b"\n") * times) - layout.header)


def slice_of(table: Table, start: int, rows: int) -> Any:
    """Row positions start … start + rows − 1, as far as the table goes."""
    return np.arange(start, min(start + rows, len(table)))


# Layout -------------------------------------------------------------------------------------------


def sniff(
    path: Path,
    source: str,
    names: Sequence[str] | None = None,
    header: bool | None = None,
    separator: str | None = None,
    text: Sequence[str] = (),
) -> Layout:
    """The layout of a text file, from its first mebibyte. Raises ReadError."""
    lines, comments = _first_lines(path, source)
    if not lines:
        held = "has only comments" if comments else "is empty"
        raise ReadError(f"{source}: a table is needed; the file {held}. Check where it came from.")
    is_ecsv = bool(comments) and comments[0].strip().startswith("%ECSV")
    notes = ecsv.notes_of(comments) if is_ecsv else {}
    found = separator or (ecsv.separator(comments, source) if is_ecsv else _separator(lines))
    cells = [_cells(line, found) for line in lines]
    if not (separator or names or is_ecsv):
        _check_prose(cells, source)
    if header is None:
        header = is_ecsv or _is_header(cells[0])
    body = cells[1:] if header else cells
    features = _features(cells[0], body, comments, found, header, names, notes, source)
    check_names([f.name for f in features], source)
    kinds = _kinds(body, features, text, notes, source)
    lost = {name: note.lost for name, note in notes.items() if note.lost}
    return Layout(found, tuple(features), tuple(kinds), header, lost)


def _first_lines(path: Path, source: str) -> tuple[list[str], list[str]]:
    """Data lines of the file's beginning, and the comments above them without their '#'."""
    head, _ = plain.beginning(path, source, _SAMPLE)
    if len(head) == _SAMPLE and b"\n" in head:
        head = head[: head.rindex(b"\n")]
    try:
        content = head.decode()
    except UnicodeDecodeError as error:
        raise plain.encoding_error(source, error) from None
    lines = [line for line in re.split(r"\r\n|\n|\r", content) if line.strip()]
    data = [line for line in lines if not line.lstrip().startswith("#")]
    comments = []
    for line in lines:
        if not line.lstrip().startswith("#"):
            break
        comments.append(line.lstrip().lstrip("#").removeprefix(" ").rstrip())
    return data, comments


def _separator(lines: list[str]) -> str:
    """The first of tab, ';', ',' and '|' that every line has as often; else blanks."""
    sample = lines[:200]
    for mark in "\t;,|":
        counts = Counter(len(_cells(line, mark)) for line in sample)
        if len(counts) == 1 and next(iter(counts)) > 1:
            return mark
    # Lines may differ because one of them is wrong: what nearly all agree on still holds.
    for mark in "\t;,|":
        fields, times = Counter(len(_cells(line, mark)) for line in sample).most_common(1)[0]
        if fields > 1 and times > 0.5 * len(sample):
            return mark
    return " "


def _check_prose(cells: list[list[str]], source: str) -> None:
    """Raises ReadError for lines of so many lengths that they can be no table."""
    lengths = Counter(map(len, cells))
    if len(cells) > 2 and max(lengths.values()) <= 0.5 * len(cells):
        raise ReadError(
            f"{source}: a table is needed, as many fields in each line; this looks like prose or a"
            f" list of settings: its lines have {min(lengths)} to {max(lengths)} fields. Give the"
            " table itself."
        )


def _cells(line: str, separator: str) -> list[str]:
    """The fields of one line, quotes removed."""
    if separator == " ":
        line = _single_tabs(line.encode()).decode()
        separator = "\t"
    return [c.strip() for c in next(csv.reader([line.rstrip("\r\n")], delimiter=separator), [])]


def _single_tabs(block: bytes) -> bytes:
    """Runs of blanks become one tab, those at either end of a line go; quoted blanks stay."""
    if b'"' in block:
        block = _BLANKS_OR_QUOTED.sub(lambda m: m[0] if m[0].startswith(b'"') else b"\t", block)
    else:
        block = _BLANKS.sub(b"\t", block)
    return block.replace(b"\n\t", b"\n").replace(b"\t\n", b"\n").strip(b"\t")


def _is_header(first: list[str]) -> bool:
    """Whether no field of the first line is a number."""
    return not any(is_number(cell) for cell in first)


def _features(
    first: list[str],
    body: list[list[str]],
    comments: list[str],
    separator: str,
    header: bool,
    names: Sequence[str] | None,
    notes: Mapping[str, Noted],
    source: str,
) -> list[Feature]:
    """Names (with units, where the file gives them) from the caller, the header, '#' or made up."""
    wide = Counter(map(len, body)).most_common(1)[0][0] if body else len(first)
    if header:
        given = _header_names(first, wide, separator)
        if body and len(given) != wide and sum(len(row) == wide for row in body) > 1:
            raise ReadError(
                f"{source}: a name for every column is needed; the header has {len(given)} names,"
                f" the rows have {wide} fields. Mend the header."
            )
        if notes and (lost := [n for n in notes if n not in given]):
            raise ReadError(
                f"{source}: a column {lost[0]!r} is needed, since ECSV's header describes it; the"
                f" first line names {', '.join(given)}. Mend the header."
            )
        named = [notes[n].feature if n in notes else _with_unit(n) for n in given]
        _check_same(names, [f.name for f in named], source)
        return named
    if names is not None:
        if len(names) != wide:
            raise ReadError(
                f"{source}: {len(names)} columns are needed ({', '.join(names[:4])} …); the file"
                f" has {wide}. Give the name of every column."
            )
        return [Feature(name) for name in names]
    if found := _comment_names(comments, wide):
        return [_with_unit(name) for name in found]
    return [Feature(f"x{j + 1}") for j in range(wide)]


def _header_names(first: list[str], wide: int, separator: str) -> list[str]:
    """The names of the first line; the row numbers that R writes without a name become 'row'."""
    if separator in " \t" and len(first) == wide - 1:
        return ["row", *first]
    return ["row", *first[1:]] if first[0] == "" else first


def _check_same(names: Sequence[str] | None, found: Sequence[str], source: str) -> None:
    if names is not None and (lost := [n for n in names if n not in found]):
        raise ReadError(
            f"{source}: a column {lost[0]!r} is needed; the header has {', '.join(found)}."
            " Rename the columns, or leave out the header if the order is right."
        )


def _comment_names(comments: list[str], wide: int) -> list[str]:
    """The names in a '#' line that has as many words as the table has columns, else none.

    Looked for in the last comment above the data and in the first, parted by marks or tabs; then in
    the last, parted by blanks, since the first of several may be prose.
    """
    edges = [*comments[-1:], *comments[:1]]
    tries = [(line, marks) for marks in (r"\s*[,;|]\s*", r"\t+") for line in edges]
    for line, marks in [*tries, *((line, r"\s+") for line in comments[-1:])]:
        words = re.split(marks, line.strip())
        if len(words) == wide and not any(is_number(w) or not w for w in words):
            return words
    return []


def _with_unit(name: str) -> Feature:
    """'energy [GeV]' is energy in GeV, if what stands in brackets is a unit."""
    found = re.fullmatch(r"(.*\S)\s*\[([^\[\]]+)\]", name)
    if found and not found.group(2).isdigit() and units.known(found.group(2)):
        return Feature(found.group(1), found.group(2))
    return Feature(name)


def _kinds(
    body: list[list[str]],
    features: Sequence[Feature],
    text: Sequence[str],
    notes: Mapping[str, Noted],
    source: str,
) -> list[Kind]:
    kinds: list[Kind] = []
    for j, feature in enumerate(features):
        cells = [row[j] for row in body if j < len(row) and row[j] not in MISSING]
        as_text = feature.name in text or feature.name == "row"
        stated = notes[feature.name].kind if feature.name in notes else None
        kinds.append("text" if as_text else stated or _kind(cells))
        if kinds[-1] == "text" and not as_text and not stated:
            _check_mixed(cells, body, j, feature.name, source)
    return kinds


def _kind(cells: list[str]) -> str:
    if cells and all(c in _TRUE or c in _FALSE for c in cells):
        return "bool"
    if all(re.fullmatch(r"[+-]?[0-9]{1,20}", c) for c in cells):
        low, high = min(map(int, cells), default=0), max(map(int, cells), default=0)
        if low >= -(2**63) and high < 2**64:
            return "int" if high < 2**63 else "uint" if low >= 0 else "float"
    return "float" if all(is_number(c) for c in cells) else "text"


def _check_mixed(cells: list[str], body: list[list[str]], j: int, name: str, source: str) -> None:
    """A column in which nearly every cell is a number is a damaged column of numbers."""
    words = [c for c in cells if not is_number(c)]
    if len(words) > MANY_WORDS * len(cells):
        return
    row = next(i for i, cells in enumerate(body) if j < len(cells) and cells[j] == words[0])
    raise word_error(source, row + 1, name, words[0])


# Lines --------------------------------------------------------------------------------------------


def _line_blocks(path: Path, source: str, layout: Layout) -> Iterator[bytes]:
    r"""Blocks of whole data lines, '\n' at their ends, fields split by one character."""
    skip = layout.header
    for block in plain.lines(path, source, _CHUNK):
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"#" in block:
            block = re.sub(rb"(?m)^[ \t]*#.*\n?", b"", block)
        if layout.separator == " ":
            block = _single_tabs(block)
        if skip:
            block = block.lstrip(b"\n \t") if layout.separator != "\t" else block.lstrip(b"\n")
            skip, block = not block, block.partition(b"\n")[2]
        if block.strip(b"\n \t"):
            yield block


# Parsing ------------------------------------------------------------------------------------------


def _parse(
    block: bytes,
    path: Path,
    source: str,
    layout: Layout,
    kinds: list[Kind],
    first: int,
    wanted: Sequence[str],
) -> Table:
    """One block as a table; `kinds` changes from int to float when the numbers do."""
    import pyarrow as pa

    while True:
        try:
            arrow = _arrow(block, layout, kinds, wanted)
            break
        except pa.ArrowInvalid as error:
            if "int" not in kinds and "uint" not in kinds:
                raise _explained(path, source, layout, kinds, str(error)) from None
            kinds[:] = ["float" if kind in ("int", "uint") else kind for kind in kinds]
    about = dict(zip(layout.names, zip(layout.features, kinds, strict=True), strict=True))
    columns = {
        name: Column(_values(arrow.column(name), kind, name, first, source), f.unit, f.description)
        for name, (f, kind) in ((name, about[name]) for name in wanted)
    }
    return Table(columns, source, rows=np.arange(first, first + arrow.num_rows))


def _arrow(block: bytes, layout: Layout, kinds: Sequence[Kind], wanted: Sequence[str]) -> Any:
    import pyarrow as pa
    from pyarrow import csv as parser

    types: dict[Kind, Any] = {
        "int": pa.int64(), "uint": pa.uint64(), "float": pa.float64(), "single": pa.float32(),
        "bool": pa.bool_(),
    }  # fmt: skip
    return parser.read_csv(
        pa.BufferReader(block),  # threads that read a file of Python's may outlive it at the end
        parser.ReadOptions(column_names=layout.names, block_size=max(len(block) + 1, 1 << 16)),
        parser.ParseOptions(delimiter=layout.separator.replace(" ", "\t")),
        parser.ConvertOptions(
            column_types={
                name: types.get(kind, pa.string())
                for name, kind in zip(layout.names, kinds, strict=True)
            },
            include_columns=list(wanted),
            null_values=list(MISSING),
            true_values=_TRUE,
            false_values=_FALSE,
            strings_can_be_null=False,
        ),
    )


def _values(column: Any, kind: Kind, name: str, first: int, source: str) -> Any:
    """NumPy values: missing numbers are NaN (integers and bools then become floats)."""
    if kind == "text" or isinstance(kind, tuple):
        import pyarrow.compute as pc

        trimmed = pc.utf8_trim_whitespace(column).to_pylist()
        if isinstance(kind, tuple):
            return ecsv.cells_of_vectors(trimmed, kind, name, first, source)
        return np.array(trimmed, dtype=str)
    if column.null_count:
        column = column.cast("int8" if kind == "bool" else column.type)
        column = column.cast("float32" if kind == "single" else "float64")
    return column.to_numpy()


# What is wrong, and where -------------------------------------------------------------------------


def _explained(
    path: Path, source: str, layout: Layout, kinds: Sequence[Kind], message: str
) -> ReadError:
    """The first row that the parser must have stumbled over, found line by line."""
    row = -int(layout.header)
    for block in plain.lines(path, source, _CHUNK):
        try:
            lines = block.decode().splitlines()
        except UnicodeDecodeError as error:
            return plain.encoding_error(source, error)
        for line in lines:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            row += 1
            if row > 0 and (found := _line_error(line, row, layout, kinds, source)):
                return found
    return ReadError(f"{source}: a table in plain text is needed; the parser says: {message}.")


def _line_error(
    line: str, row: int, layout: Layout, kinds: Sequence[Kind], source: str
) -> ReadError | None:
    cells = _cells(line, layout.separator)
    if line.count('"') % 2:
        return ReadError(
            f"{source}: a quotation mark must be closed in its own line; row {row:,} leaves one"
            f" open ({line.strip()[:60]!r}). Mend this line."
        )
    if len(cells) != len(kinds):
        fields = "1 field" if len(cells) == 1 else f"{len(cells)} fields"
        return ReadError(
            f"{source}: row {row:,} has {fields}, {len(kinds)} were needed"
            f" ({line.strip()[:60]!r}). Mend this line, or fetch the file again if it was cut."
        )
    for cell, kind, name in zip(cells, kinds, layout.names, strict=True):
        if (
            kind in ("int", "uint", "float", "single")
            and cell not in MISSING
            and not is_number(cell)
        ):
            return word_error(source, row, name, cell)
        if kind == "bool" and cell not in (*MISSING, *_TRUE, *_FALSE):
            return word_error(source, row, name, cell, "true or false")
    return None
