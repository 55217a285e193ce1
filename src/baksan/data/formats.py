"""Which format a file has, by its content; and reading it, whole or in blocks.

A file that is called .csv and holds Parquet is read as Parquet. What is not read is named.
"""

from __future__ import annotations

import gzip
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from baksan.data import (
    corsika,
    fits,
    hdf5,
    json_columns,
    libsvm,
    npy,
    parquet,
    root,
    sqlite,
    text,
)
from baksan.data.columns import DEFAULT_ROWS, ReadError, missing_note
from baksan.data.corsika_walk import cut_short, looks_like_corsika
from baksan.table import Table, column, source_of

__all__ = ["blocks", "files_of", "footprint", "format_of", "joined", "read", "whole"]

_HEAD = 4096  # bytes
_FEW = 64  # rows that show what a column holds

# Beginnings of files that are not read: (bytes, what it is, what to do).
_CONVERT = "Convert it to CSV or Parquet."
_FOREIGN = [
    (b"%PDF", "a PDF document", "Give the table that it shows."),
    (b"ARROW1", "an Arrow or Feather file", "Write it as Parquet."),
    (b"FEA1", "a Feather file", "Write it as Parquet."),
    (b"BZh", "packed with bzip2", "Unpack it with bunzip2, or pack it with gzip."),
    (b"\xfd7zXZ\0", "packed with xz", "Unpack it with unxz, or pack it with gzip."),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "Unpack it with unzstd, or pack it with gzip."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it first."),
    (b"\x37\x8a\x1f\xd4", "an eventio file (Cherenkov light)", "Read it with eventio or ctapipe."),
    (b"\x89PNG", "a PNG picture", "Give the numbers behind it."),
    (b"\xff\xd8\xff", "a JPEG picture", "Give the numbers behind it."),
    (b"MATLAB 5.0", "a MATLAB file", _CONVERT),
    (b"CDF\x01", "a NetCDF file", _CONVERT),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", "Save the sheet as CSV."),
    (b"\x7fELF", "a program", "Give a table."),
    (b"\xff\xfe", "text in UTF-16", "Convert it with iconv -f utf16 -t utf8."),
    (b"\xfe\xff", "text in UTF-16", "Convert it with iconv -f utf16 -t utf8."),
]
_OPTIONS = {
    "text": {"names", "header", "separator", "text"},
    "fits": {"part"},
    "hdf5": {"part"},
    "root": {"part"},
    "sqlite": {"part"},
    "corsika": {"part"},
    "parquet": {"groups"},
    "npy": set(),
    "npz": set(),
    "json": set(),
    "libsvm": set(),
}
_ZIPPED = ("text", "json", "libsvm", "fits", "corsika")
"""What is read in gzip, too."""


def read(
    path: str | Path, *, progress: Callable[[str], object] | None = None, **options: Any
) -> Table:
    r"""A whole file (or all files of a folder) as a Table; units and descriptions come along.

    Parameters
    ----------
    path : str or Path
        CSV, TSV or blank-separated text, ECSV, JSON, LIBSVM (also gzip), Parquet, NPY, NPZ, FITS,
        HDF5, ROOT, SQLite or CORSIKA, told apart by content. `catalogue.fits#NAME` and
        `events.h5#/path` choose one table of several. The files of a folder, in the order of their
        names, must have the same columns.
    progress : callable, optional
        progress(what is being done).
    **options
        For all formats `marks`, numbers that stand for a missing value, such as −999. For text
        `names`, `header`, `separator`, `text` (`baksan.data.text.blocks`); for what may hold
        several tables `part`, the same as '#…'; for Parquet `groups`, the numbers of the row groups
        to read.

    Raises
    ------
    ReadError
        (a ValueError) The file is empty, cut, mislabelled beyond help, or of a format that is not
        read; the sentence says which, where and what to do.
    FileNotFoundError
        No such file.
    TypeError
        `path` is no path.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "events.csv"
    ...     _ = file.write_text("width [mm],kind\n1.5,g\n,h\n")
    ...     table = read(file)
    >>> table.names, table.column("width").unit, table.notes
    (('width', 'kind'), 'mm', ('missing values: width 1.',))
    """
    return missing_note(whole(path, progress, **options))


def whole(
    path: str | Path, progress: Callable[[str], object] | None = None, **options: Any
) -> Table:
    """As `read`, without the note on missing values: for those who choose columns first."""
    tables, rows = [], 0
    marks = options.pop("marks", ())
    for table in blocks(path, **options):
        tables.append(table)
        rows += len(table)
        if progress is not None:
            progress(f"reading {path}: {rows:,} rows")
    return joined(tables).unmarked(marks)


def blocks(
    path: str | Path,
    rows: int = DEFAULT_ROWS,
    *,
    columns: Sequence[str] | None = None,
    marks: Sequence[float] = (),
    **options: Any,
) -> Iterator[Table]:
    """The same in tables of at most `rows` rows, in bounded memory; `table.rows` counts on.

    With `columns` only these are read, in this order. NPZ is the exception: its arrays
    are unpacked whole. Options and errors as `read`; ReadError also for a column that is missing.
    """
    if rows < 1:
        raise ValueError(f"blocks must have at least one row; rows is {rows}. Give 65536 or so.")
    options = _with_part(path, options)
    files = files_of(path)
    start = 0
    names: list[str] | None = None
    for file in files:
        for table in _file_blocks(file, rows, columns, options):
            found = [f"{n} [{c.unit}]" for n, c in table.columns.items()]
            if names is not None and found != names:
                raise _columns_error(files[0], file, names, found)
            names = found
            yield table.unmarked(marks).renumbered(start)
        start += int(table.rows[-1]) + 1


def footprint(path: str | Path, columns: Sequence[str] | None = None, **options: Any) -> int:
    """Bytes that the table takes in memory with its numbers in double precision.

    Told by the headers and the first rows, without reading the data; of text files it is an
    estimate from the length of the first lines, and columns of text are taken to be as wide as
    their first cells. Options and errors as `read`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(pathlib.Path(folder) / "x.npy", np.zeros((1000, 3), dtype=np.float32))
    ...     footprint(pathlib.Path(folder) / "x.npy"), footprint(folder, columns=["x2"])
    (24000, 8000)
    """
    options = _with_part(path, options)
    return sum(_footprint(file, columns, options) for file in files_of(path))


def _footprint(file: Path, columns: Sequence[str] | None, options: dict[str, Any]) -> int:
    kind, source = format_of(file), str(file)
    if kind == "npz":
        return npy.footprint_npz(file, source, columns)
    first = next(_file_blocks(file, _FEW, columns, options))
    cells = (c.values[:1] for c in first.columns.values())
    row = sum(v.itemsize if v.dtype.kind == "U" else 8 * v.size for v in cells)
    count = {
        "text": text.rows, "parquet": parquet.rows, "npy": npy.rows, "fits": fits.rows,
        "hdf5": hdf5.rows, "root": root.rows, "sqlite": sqlite.rows, "json": json_columns.rows,
        "libsvm": libsvm.rows, "corsika": corsika.rows,
    }[kind]  # fmt: skip
    return row * count(file, source, **options)


def _with_part(path: str | Path, options: dict[str, Any]) -> dict[str, Any]:
    part = _split(path)[1]
    return options if part is None else {**options, "part": part}


def format_of(path: Path) -> str:
    """'text', 'parquet', 'npy', … by content, the keys of `_OPTIONS`. Raises ReadError, which says
    what else it is.
    """
    source = str(path)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise ReadError(
            f"{source}: a table is needed; the file is empty. Check where it came from."
        )
    if head.startswith(b"\x1f\x8b"):
        inner = _format(_unzipped(path, source), path, source)
        if inner in _ZIPPED:
            return inner
        raise ReadError(
            f"{source}: gzip is read around text, JSON, FITS and CORSIKA; this is {inner} in gzip."
            " Unpack it with gunzip."
        )
    return _format(head, path, source)


# Telling formats apart ----------------------------------------------------------------------------


def _format(head: bytes, path: Path, source: str) -> str:
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith(b"PK\x03\x04"):
        return _zip(path, source)
    if head.startswith(b"SIMPLE  ="):
        return "fits"
    if head.startswith(b"root\0"):  # a text may begin with the word
        return "root"
    if head.startswith(b"SQLite format 3\0"):
        return "sqlite"
    if looks_like_corsika(head):
        return "corsika"
    # A user block of 512, 1024, … bytes may stand before the signature.
    if any(head[at : at + 8] == b"\x89HDF\r\n\x1a\n" for at in (0, 512, 1024, 2048)):
        return "hdf5"
    what = _foreign(head)
    if what is None and (b"\0" in head or _is_binary(head)):
        what = ("a binary file of a kind that is not known here", _CONVERT)
    if what is not None:
        raise ReadError(
            f"{source}: a table is needed (text, JSON, LIBSVM, Parquet, NPY, NPZ, FITS, HDF5,"
            f" ROOT, SQLite or CORSIKA); this is {what[0]}. {what[1]}"
        )
    if json_columns.looks_like_json(head):
        return "json"
    return "libsvm" if libsvm.looks_like_libsvm(head) else "text"


def _foreign(head: bytes) -> tuple[str, str] | None:
    for start, what, advice in _FOREIGN:
        if head.startswith(start):
            return what, advice
    if re.match(rb"\x80[\x02-\x05]", head):
        return "a Python pickle, which may run any code and is never opened", "Save plain arrays."
    if head[257:262] == b"ustar":
        return "a tar archive", "Unpack it first."
    if what := cut_short(head):
        return what, "Fetch it again, or convert it with the tools of its version."
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if begin.startswith((b"<!doctype html", b"<html")):
        return "a web page, perhaps an error page saved in place of data", "Fetch the file again."
    if begin.startswith((b"<?xml", b"<votable")):
        return "XML, which is not read", _CONVERT
    return None


def _is_binary(head: bytes) -> bool:
    """Control characters that no text has."""
    return bool(re.search(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]", head))


def _zip(path: Path, source: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
    except Exception as error:  # damage shows itself in any of a zip's numbers and names
        raise ReadError(
            f"{source}: a whole NPZ file is needed; this zip is cut or damaged ({error})."
            " Fetch or write it again."
        ) from None
    if members and all(m.endswith(".npy") for m in members):
        return "npz"
    kinds = {"model.json": "a baksan model file", "[Content_Types].xml": "an Excel or Word file"}
    what = next((k for m, k in kinds.items() if m in members), "a zip archive")
    raise ReadError(
        f"{source}: a table is needed; this is {what} with {', '.join(members[:3]) or 'nothing'} in"
        " it. Give the table itself."
    )


def _unzipped(path: Path, source: str) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(_HEAD)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ReadError(
            f"{source}: a whole gzip file is needed; this one is cut or damaged ({error})."
            " Fetch it again."
        ) from None


# Files, parts and folders -------------------------------------------------------------------------


def _split(path: str | Path) -> tuple[Path, str | None]:
    """'cat.fits#NAME' is the table NAME of cat.fits, unless a file has that very name."""
    if not isinstance(path, (str, os.PathLike)) or not str(path):
        came = f"of type {type(path).__name__}" if str(path) else "empty"
        raise TypeError(
            f"the path of a file or folder is needed, such as 'events.csv'; this is {came}. What is"
            " in memory becomes Samples by Samples(x, y) or Samples.from_frame(…)."
        )
    text, mark, part = str(path).rpartition("#")
    if not mark or Path(path).exists():
        return Path(path), None
    return Path(text), part


def files_of(path: str | Path) -> list[Path]:
    """The file itself, or the files of a folder in the order of their names.

    Raises FileNotFoundError, or ReadError for an empty folder.
    """
    path = _split(path)[0]
    if not path.exists():
        raise FileNotFoundError(f"no such file: {path}. Check the name and the folder.")
    if not path.is_dir():
        return [path]
    if (path / "config.toml").exists() and (path / "models").is_dir():
        raise ReadError(
            f"{path}: a folder of tables is needed; this is the folder of a run. Its predictions"
            f" are in {path / 'predictions.parquet'}; for a data set of this name, change folder."
        )
    files = sorted(f for f in path.iterdir() if f.is_file() and not f.name.startswith("."))
    if not files:
        raise ReadError(f"{path}: files are needed; the folder has none. Give another folder.")
    return files


def _file_blocks(
    path: Path, rows: int, columns: Sequence[str] | None, options: dict[str, Any]
) -> Iterator[Table]:
    kind, source = format_of(path), str(path)
    if strange := sorted(set(options) - _OPTIONS[kind]):
        takes = ", ".join(sorted(_OPTIONS[kind])) or "no option"
        raise TypeError(f"{source}: a {kind} file takes {takes}; {strange[0]!r} was given.")
    if kind == "text":
        return text.blocks(path, source, rows, columns, **options)
    if kind == "parquet":
        return parquet.blocks(path, source, rows, columns, **options)
    if kind in ("json", "libsvm"):
        reader = json_columns.blocks if kind == "json" else libsvm.blocks
        return reader(path, source, rows, columns)
    if kind in ("npy", "npz"):
        return (npy.blocks_npy if kind == "npy" else npy.blocks_npz)(path, source, rows, columns)
    with_parts = {
        "fits": fits.blocks, "hdf5": hdf5.blocks, "root": root.blocks, "sqlite": sqlite.blocks,
        "corsika": corsika.blocks,
    }  # fmt: skip
    return with_parts[kind](path, source, rows, columns, **options)


def _columns_error(first: Path, other: Path, names: list[str], found: list[str]) -> ReadError:
    strange = sorted(set(names) ^ set(found)) or ["their order"]
    return ReadError(
        f"{other}: the columns of {first.name} are needed, since both are in one folder; they"
        f" differ in {', '.join(strange[:5])}. Give the files one by one."
    )


def joined(tables: list[Table]) -> Table:
    """Tables with the same columns, one after another; rows are numbered through."""
    first = tables[0]
    if len(tables) == 1:
        return first
    columns = {name: column.joined([t.column(name) for t in tables]) for name in first.names}
    notes = dict.fromkeys(note for t in tables for note in t.notes)
    return Table(columns, source_of(tables), notes, marks=first.marks)
