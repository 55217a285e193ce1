"""NPY and NPZ: NumPy's own files. Nothing is ever unpickled."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.data.columns import ReadError, check_names, chosen, table_of
from baksan.table import Table

__all__ = ["blocks_npy", "blocks_npz"]

_LARGEST = 16 << 30  # bytes that the arrays of one NPZ may unpack to
_LARGEST_RATIO = 1032  # deflate packs no better

_DAMAGE = (ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error, OSError)

Named = dict[str, NDArray[Any]]


def blocks_npy(
    path: Path, source: str, rows: int, columns: Sequence[str] | None = None
) -> Iterator[Table]:
    """Tables of at most `rows` rows from one array, by a memory map.

    A structured array has one column a field; an array (n, d) has the columns x1 … xd.
    Raises ReadError for pickled objects, a cut file, an array without rows.
    """
    yield from _tables(_columns(_mapped(path, source), source), source, rows, columns)


def rows(path: Path, source: str) -> int:
    """How many rows there are, by the header."""
    return len(_mapped(path, source))


def _mapped(path: Path, source: str) -> NDArray[Any]:
    with _whole(source):
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def footprint_npz(path: Path, source: str, columns: Sequence[str] | None) -> int:
    """Bytes of the arrays with their numbers in double precision, by the headers."""
    held = _named(_shadows(path, source), source)
    wanted = [held[name] for name in chosen(list(held), columns, source)]
    return sum(v.size * (v.itemsize if v.dtype.kind in "SU" else 8) for v in wanted)


def blocks_npz(
    path: Path, source: str, rows: int, columns: Sequence[str] | None = None
) -> Iterator[Table]:
    """Tables from a zip of arrays: each is a column, (n, m) a column of vectors.

    An archive that holds a single array is read as `blocks_npy` reads it. Raises ReadError, and
    MemoryError where the arrays do not fit.
    """
    _shadows(path, source)
    try:
        with _python2(), np.load(path, allow_pickle=False) as members:
            arrays = {name: members[name] for name in members.files}
    except (
        ValueError,
        EOFError,
        NotImplementedError,
        zipfile.BadZipFile,
        zlib.error,
        OSError,
    ) as e:
        raise _refused(source, e) from None
    yield from _tables(_named(arrays, source), source, rows, columns)


def _named(arrays: Named, source: str) -> Named:
    return _columns(next(iter(arrays.values())), source) if len(arrays) == 1 else arrays


def _shadows(path: Path, source: str) -> Named:
    """Arrays of the shapes and types that the headers tell, without what is in them.

    Raises ReadError where they would be larger than what is packed can unpack to.
    """
    with _whole(source), zipfile.ZipFile(path) as archive:
        members, size = archive.infolist(), path.stat().st_size
        check_names([m.filename.removesuffix(".npy") for m in members], source)
        if (unpacked := sum(member.file_size for member in members)) > _LARGEST:
            raise ReadError(
                f"{source}: arrays of at most {_LARGEST >> 30} GiB are needed; these unpack to"
                f" {unpacked / 2**30:.0f} GiB. Write them as Parquet or as single .npy files."
            )
        if sum(m.compress_size for m in members) > size or unpacked > _LARGEST_RATIO * size:
            raise ValueError(f"it says that {size:,} bytes unpack to {unpacked:,}")
        return {m.filename.removesuffix(".npy"): _shadow(archive, m) for m in members}


def _shadow(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """An array of the shape and type that the header tells, one cell of memory for all."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            read = np.lib.format.read_array_header_2_0
        shape, _, kind = read(file)
    array = np.broadcast_to(np.zeros((), kind), shape)
    if not kind.hasobject and array.nbytes > member.file_size:
        raise ValueError(f"{member.filename} says it had {array.nbytes:,} bytes")
    return array


@contextmanager
def _whole(source: str) -> Iterator[None]:
    """Whatever the parsers of zips and headers come upon in a damaged file becomes one sentence."""
    try:
        with _python2():
            yield
    except ReadError:
        raise
    except Exception as error:
        raise _refused(source, error) from None


def _columns(array: NDArray[Any], source: str) -> Named:
    if not array.nbytes:
        raise _empty(source)
    if array.dtype.names:
        return {name: array[name] for name in array.dtype.names}
    if array.ndim == 1:
        return {"x1": array}
    if array.ndim != 2:
        raise ReadError(
            f"{source}: an array (n, d) is needed, one row for each event; this one has shape"
            f" {array.shape}. Save it in an NPZ under a name to keep its axes."
        )
    return {f"x{j + 1}": array[:, j] for j in range(array.shape[1])}


def _tables(
    columns: Named, source: str, rows: int, wanted: Sequence[str] | None
) -> Iterator[Table]:
    check_names(list(columns), source)
    lengths = {name: values.shape[:1] for name, values in columns.items()}
    if len(set(lengths.values())) != 1 or () in lengths.values():
        shapes = ", ".join(f"{name} {values.shape}" for name, values in columns.items())
        raise ReadError(
            f"{source}: arrays of one length are needed, one entry for each event; there are"
            f" {shapes}. Save them apart."
        )
    n = next(iter(lengths.values()))[0]
    if not n or not any(values.nbytes for values in columns.values()):
        raise _empty(source)
    names = chosen(list(columns), wanted, source)
    for first in range(0, n, rows):
        part = [(name, columns[name][first : first + rows], "", "") for name in names]
        yield table_of(((k, np.array(v), u, d) for k, v, u, d in part), source, first)


@contextmanager
def _python2() -> Iterator[None]:
    """Files that Python 2 wrote are as good as others, whatever NumPy warns of."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Reading `.npy`")
        yield


def _empty(source: str) -> ReadError:
    return ReadError(f"{source}: rows are needed; the arrays are empty. Check how they were made.")


def _refused(source: str, error: Exception) -> ReadError:
    if any(word in str(error) for word in ("allow_pickle", "Python objects", "Object arrays")):
        return ReadError(
            f"{source}: arrays of numbers or text are needed; this file holds pickled Python"
            " objects, which may run any code and are never opened. Save plain arrays instead."
        )
    return ReadError(
        f"{source}: a whole NumPy file is needed; this one is cut or damaged ({error})."
        " Fetch or write it again."
    )
