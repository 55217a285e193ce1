"""LIBSVM or SVMlight text: 'label index:value …', zeros left out; columns label, x1 … xd.

A first pass finds the width and whether indices begin with 0 or 1. Zeros are written out, since a
table has a cell for each row of each column. https://www.csie.ntu.edu.tw/~cjlin/libsvm/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from baksan.data import plain
from baksan.data.columns import ReadError, chosen, table_of
from baksan.table import Table

__all__ = ["blocks", "looks_like_libsvm", "rows"]

_CHUNK = 4 << 20
_WIDEST = 65_536  # columns
_BLOCK = 128 << 20  # bytes of a block with its zeros

_NUMBER = rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_VALUE = rb"(?:" + _NUMBER + rb"|(?i:[+-]?inf|nan))"
_PAIRS = rb"(?:[ \t]+(?:qid:\d{1,18}|(?:0|[1-9]\d{0,17}):" + _VALUE + rb"))"
_LINE = re.compile(rb"[ \t]*" + _NUMBER + _PAIRS + rb"*[ \t]*")
_BEGINNING = re.compile(
    rb"[ \t]*" + _NUMBER + rb"(?:,[ \t]*" + _NUMBER + rb")*" + _PAIRS + rb"*[ \t]*"
)
_COMMENT = re.compile(rb"#[^\n]*")
_INDEX = re.compile(rb"[ \t](\d{1,18}):")
_LABEL = re.compile(rb"(?m)^[ \t]*(\S+)")
_QID = re.compile(rb"[ \t]qid:(\d+)")


@dataclass(frozen=True)
class _Layout:
    """What only the whole file tells."""

    rows: int
    begin: int  # the first index, 0 or 1
    width: int
    whole: bool  # labels are whole numbers
    queries: bool  # lines have a qid

    @property
    def names(self) -> list[str]:
        return ["label", *(["qid"] if self.queries else []), *self.features]

    @property
    def features(self) -> list[str]:
        return [f"x{j + 1}" for j in range(self.width)]


def looks_like_libsvm(head: bytes) -> bool:
    """Whether most lines of a file's beginning are labels and index:value, one of them at least."""
    lines = head.removeprefix(b"\xef\xbb\xbf").replace(b"\r", b"\n").split(b"\n")
    if len(lines) > 1:  # the last may be cut
        lines.pop()
    else:
        lines[0] = lines[0].rpartition(b" ")[0] or lines[0]
    data = [line for line in (_COMMENT.sub(b"", line).rstrip() for line in lines) if line]
    good = [line for line in data if _BEGINNING.fullmatch(line)]
    return b":" in b"".join(good) and len(good) > 0.5 * len(data)


def blocks(
    path: Path, source: str, rows: int, columns: Sequence[str] | None = None
) -> Iterator[Table]:
    """Tables of at most `rows` rows, fewer where the columns are many; zeros are written out.

    The columns are `label`, `qid` where lines have one, and x1 … xd, x1 being the lowest index that
    the format allows: 1, or 0 where this file begins with 0.

    Raises
    ------
    ReadError
        A line that is not 'label index:value …', several labels for one row, an index that comes
        twice in a row, more than 65,536 columns, no rows.
    """
    layout = _layout(path, source)
    names = chosen(layout.names, columns, source)
    note = ["indices begin with 0: x1 is index 0."] if layout.begin == 0 else []
    size, first = max(1, min(rows, _BLOCK // (8 * max(layout.width, 1)))), 0
    for lines in _lines(path, source):
        for at in range(0, len(lines), size):
            arrays = _arrays(lines[at : at + size], layout, first, source)
            parts = [(name, arrays[name], "", "") for name in names]
            table = table_of(parts, source, first).with_notes(*note)
            yield table
            first += len(table)


def rows(path: Path, source: str) -> int:
    """How many rows there are: the file is looked through."""
    return _layout(path, source).rows


def _lines(path: Path, source: str) -> Iterator[list[bytes]]:
    """Lists of lines without their comments, none of them empty."""
    for block in plain.lines(path, source, _CHUNK):
        yield [line for line in _bare(block).split(b"\n") if line.strip()]


def _bare(block: bytes) -> bytes:
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return _COMMENT.sub(b"", block) if b"#" in block else block


def _layout(path: Path, source: str) -> _Layout:
    """One pass over the file. Raises ReadError."""
    count, lowest, highest, whole, queries = 0, 1, 0, True, 0
    for block in plain.lines(path, source, _CHUNK):
        block = _bare(block)
        labels = _LABEL.findall(block)
        indices = set(map(int, _INDEX.findall(block)))
        count += len(labels)
        queries += len(_QID.findall(block))
        whole = whole and all(re.fullmatch(rb"[+-]?\d{1,18}", label) for label in labels)
        lowest, highest = min([lowest, *indices]), max([highest, *indices])
    if count == 0:
        raise ReadError(f"{source}: rows are needed; there are only comments. Give another file.")
    if queries not in (0, count):
        raise ReadError(
            f"{source}: a qid is needed in every row or in none; {queries:,} of {count:,} have one."
            " Mend the file."
        )
    width = highest + 1 - lowest
    if width > _WIDEST:
        raise ReadError(
            f"{source}: at most {_WIDEST:,} columns are needed, since a table holds its zeros; the"
            f" highest index is {highest:,}. Choose the columns that matter and write them again."
        )
    return _Layout(count, lowest, width, whole, queries > 0)


def _arrays(
    lines: list[bytes], layout: _Layout, first: int, source: str
) -> dict[str, NDArray[np.generic]]:
    """The columns of these lines by name."""
    for i, line in enumerate(lines):
        if not _LINE.fullmatch(line):
            raise _line_error(line, first + i + 1, source)
    words = [line.split() for line in lines]
    kind = np.int64 if layout.whole else np.float64
    arrays: dict[str, NDArray[np.generic]] = {
        "label": np.array([row[0].decode() for row in words]).astype(kind)
    }
    if layout.queries:
        found = [[w for w in row if w.startswith(b"qid:")] for row in words]
        arrays["qid"] = np.array([_one(row, first + i, source) for i, row in enumerate(found)])
    dense = _dense(words, layout, first, source)
    return arrays | {name: dense[j] for j, name in enumerate(layout.features)}


def _one(found: list[bytes], row: int, source: str) -> int:
    if len(found) != 1:
        raise ReadError(
            f"{source}: one qid is needed in every row; row {row + 1:,} has {len(found)}. Mend it."
        )
    return int(found[0][4:])


def _dense(
    words: list[list[bytes]], layout: _Layout, first: int, source: str
) -> NDArray[np.float64]:
    """(d, n), a column in one piece."""
    pairs = [[w for w in row[1:] if not w.startswith(b"qid:")] for row in words]
    place = np.repeat(np.arange(len(words)), [len(row) for row in pairs])
    flat = b" ".join(w for row in pairs for w in row).replace(b":", b" ").decode().split()
    index = np.array(flat[::2], dtype=str).astype(np.int64) - layout.begin
    cell = index * len(words) + place
    if len(np.unique(cell)) < len(cell):
        order = np.argsort(cell, kind="stable")
        twice = order[1:][np.diff(cell[order]) == 0].min()
        raise ReadError(
            f"{source}: an index may come once in a row; {flat[2 * twice]} comes twice in row"
            f" {first + place[twice] + 1:,}. Mend this line."
        )
    dense = np.zeros((layout.width, len(words)))
    dense.flat[cell] = [float(value) for value in flat[1::2]]
    return dense


def _line_error(line: bytes, row: int, source: str) -> ReadError:
    shown = line.strip().decode("utf-8", "replace")[:60]
    if _BEGINNING.fullmatch(line):
        return ReadError(
            f"{source}: one label is needed for each row; row {row:,} has several ({shown!r})."
            " Write a file for each label."
        )
    return ReadError(
        f"{source}: 'label index:value …' is needed; row {row:,} is {shown!r}. Mend this line, or"
        " fetch the file again if it was cut."
    )
