"""FITS binary and ASCII tables, also inside gzip. Needs astropy: pip install baksan[astro].

Units are TUNITn, descriptions TCOMMn; the standard is Pence et al., A&A 524 (2010) A42.
"""

from __future__ import annotations

import gzip
import tempfile
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from baksan.data.columns import ReadError, check_names, chosen, parts_error, table_of
from baksan.table import Table

__all__ = ["blocks"]

_LARGEST = 16 << 30  # bytes that a gzipped file may unpack to


def blocks(
    path: Path,
    source: str,
    rows: int,
    columns: Sequence[str] | None = None,
    *,
    part: str | None = None,
) -> Iterator[Table]:
    """Tables of at most `rows` rows, by a memory map.

    Parameters
    ----------
    part : str, optional
        The table's name (EXTNAME) or number; the first table if left out, with a note where
        there are others.

    Raises
    ------
    ReadError
        astropy is missing; no table, or none of that name; the file is cut; two columns of one
        name; no rows.
    """
    with _opened(path, source, part) as (hdu, note):
        for table in _tables(hdu, source, rows, columns):
            yield table.with_notes(*note)


def rows(path: Path, source: str, part: str | None = None) -> int:
    """How many rows there are, by the header."""
    with _opened(path, source, part) as (hdu, _):
        return int(hdu.header["NAXIS2"])


@contextmanager
def _opened(path: Path, source: str, part: str | None) -> Iterator[tuple[Any, list[str]]]:
    """The table that is wanted, and a note on the others."""
    fits = _astropy(source)
    with _unpacked(path, source) as plain, warnings.catch_warnings():
        # What astropy warns about here, a short file, is an error below.
        warnings.simplefilter("ignore")
        try:
            with fits.open(plain, memmap=True) as hdus:
                hdu, note = _choose(hdus, part, source)
                _check_whole(hdu, plain, source)
                yield hdu, note
        except (ReadError, MemoryError):
            raise
        except Exception as error:  # astropy raises whatever its parsers meet in a damaged header
            raise _cut(source, str(error).rstrip(".")) from None


def _astropy(source: str) -> Any:
    try:
        from astropy.io import fits
    except ImportError:
        raise ReadError(
            f"{source}: astropy is needed to read FITS; it is not installed."
            " Install it with: pip install 'baksan[astro]'"
        ) from None
    return fits


@contextmanager
def _unpacked(path: Path, source: str) -> Iterator[Path]:
    """The file itself, or its unpacked copy while it is read."""
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    if not zipped:
        yield path
        return
    with tempfile.NamedTemporaryFile(suffix=".fits") as copy:
        try:
            with gzip.open(path) as file:
                while chunk := file.read(1 << 22):
                    copy.write(chunk)
                    if copy.tell() > _LARGEST:
                        raise ReadError(
                            f"{source}: at most {_LARGEST >> 30} GiB are unpacked; this file is"
                            " larger. Unpack it yourself if you trust it."
                        )
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise _cut(source, str(error)) from None
        copy.flush()
        yield Path(copy.name)


def _choose(hdus: Any, part: str | None, source: str) -> tuple[Any, list[str]]:
    tables = {j: h for j, h in enumerate(hdus) if h.is_image is False and hasattr(h, "columns")}
    labels = [h.name or str(j) for j, h in tables.items()]
    if not tables:
        raise ReadError(
            f"{source}: a FITS table is needed; there are only images ({len(hdus)} HDUs)."
            " Convert the image to a table first."
        )
    if part is None:
        other = f"the first of {len(tables)} tables was read, {labels[0]}; the others are"
        note = [f"{other} {', '.join(labels[1:])}."] if len(tables) > 1 else []
        return next(iter(tables.values())), note
    for j, hdu in tables.items():
        if part.lower() == hdu.name.lower() or part == str(j):
            return hdu, []
    raise parts_error(source, "table", labels, part)


def _check_whole(hdu: Any, path: Path, source: str) -> None:
    needed = hdu.fileinfo()["datLoc"] + hdu.size
    if (found := path.stat().st_size) < needed:
        raise _cut(source, f"{found:,} bytes of {needed:,}")


def _cut(source: str, why: str) -> ReadError:
    return ReadError(
        f"{source}: a whole FITS file is needed; this one is cut or damaged ({why})."
        " Fetch it again."
    )


def _tables(hdu: Any, source: str, rows: int, columns: Sequence[str] | None) -> Iterator[Table]:
    check_names(list(hdu.columns.names), source)
    n = hdu.header["NAXIS2"]
    if n < 1:
        raise ReadError(
            f"{source}: rows are needed; the table {hdu.name!r} has none. Choose another table."
        )
    comments = {
        name: hdu.header.get(f"TCOMM{j + 1}", "") for j, name in enumerate(hdu.columns.names)
    }
    names = chosen(hdu.columns.names, columns, source)
    for first in range(0, n, rows):
        data = hdu.data[first : first + rows]
        if len(data) != min(rows, n - first):
            raise ValueError(f"{first + len(data):,} rows of {n:,}")
        parts = [
            (n, _values(data, hdu.columns[n]), hdu.columns[n].unit or "", comments[n])
            for n in names
        ]
        yield table_of(parts, source, first)


def _values(data: Any, column: Any) -> Any:
    """A column's values, copied out of the map; integers equal to TNULL become NaN."""
    values = np.array(data.field(column.name))
    if column.null is not None and values.dtype.kind in "iu":
        lost = values == column.null
        if lost.any():
            return np.where(lost, np.nan, values)
    return values
