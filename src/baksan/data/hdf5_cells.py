"""What HDF5 datasets hold, and reading some of their rows: types, times, packed chunks.

h5py has no word for HDF5's times (H5T_TIME), and lacks Blosc: their bytes are asked for as they lie
in the file and told apart here. A dataset may be made of other files (external storage, virtual
datasets): these are never opened.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.samples import Feature

__all__ = [
    "Found", "about", "inside", "lost", "members", "refused", "rows", "seconds", "text", "values",
]  # fmt: skip

_BLOSC, _BLOSC2, _FLETCHER32 = 32001, 32026, 3
_LARGEST, _LARGEST_RATIO = 1 << 30, 100_000  # bytes, and times the bytes that lie in the file
_EPOCH = "seconds since 1970-01-01, UTC"

Slices = Callable[[int, int, Sequence[str]], dict[str, NDArray[Any]]]


@dataclass(frozen=True)
class Found:
    """A table in the file: its rows, how to read some rows of some columns, and its columns."""

    rows: int
    read: Slices
    features: dict[str, Feature]
    lost: dict[str, str] = field(default_factory=dict)
    """Columns that cannot be read, and why."""


def inside(group: Any) -> dict[str, Any]:
    """What a group holds itself; what links lead to is met at its own place, or in other files."""
    import h5py

    kinds = {name: group.get(name, getlink=True) for name in group}
    return {name: group[name] for name, link in kinds.items() if isinstance(link, h5py.HardLink)}


def refused(dataset: Any) -> str:
    """Why a dataset is not read: its rows may lie anywhere on this machine, or nowhere."""
    if dataset.external or dataset.is_virtual:
        return "kept in other files, which are not opened"
    size, stored = math.prod(dataset.shape) * dataset.id.get_type().get_size(), dataset.id
    if size > _LARGEST + _LARGEST_RATIO * stored.get_storage_size():
        return f"{size:,} bytes of which the file holds {stored.get_storage_size():,}"
    return ""


def lost(dataset: Any) -> str:
    """Why a dataset is no column; nothing if it is one."""
    return refused(dataset) or _lost(dataset.id.get_type())


def members(kind: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Of a compound type the types of members that can be columns, and why others cannot."""
    names = [kind.get_member_name(j).decode("utf-8", "replace") for j in range(kind.get_nmembers())]
    kinds = {name: kind.get_member_type(j) for j, name in enumerate(names)}
    why = {name: _lost(member) for name, member in kinds.items()}
    return {n: k for n, k in kinds.items() if not why[n]}, {n: w for n, w in why.items() if w}


def _lost(kind: Any) -> str:
    from h5py import h5t

    held = kind.get_super() if kind.get_class() == h5t.ARRAY else kind
    words = {h5t.VLEN: "lists of different length", h5t.REFERENCE: "references",
             h5t.OPAQUE: "bytes", h5t.COMPOUND: "records within a record",
             h5t.COMPLEX: "complex numbers", h5t.ARRAY: "arrays of arrays"}  # fmt: skip
    if held.get_class() == h5t.COMPOUND and not is_record(held):
        return "complex numbers"
    if held.get_class() == h5t.STRING and held is not kind:
        return "lists of text"
    return words.get(held.get_class(), "")


def is_record(kind: Any) -> bool:
    """Whether a type has members; a complex number is written as one with r and i."""
    from h5py import h5t

    if kind.get_class() != h5t.COMPOUND:
        return False
    return [kind.get_member_name(j) for j in range(min(3, kind.get_nmembers()))] != [b"r", b"i"]


def _is_time(kind: Any) -> bool:
    from h5py import h5t

    held = kind.get_super() if kind.get_class() == h5t.ARRAY else kind
    return bool(held.get_class() == h5t.TIME)


def _record(kind: Any) -> np.dtype[Any]:
    """The NumPy type of a column's cells as they lie in the file; times are integers."""
    from h5py import h5t

    if kind.get_class() == h5t.ARRAY and _is_time(kind):
        return np.dtype((_record(kind.get_super()), tuple(kind.get_array_dims())))
    if kind.get_class() == h5t.TIME:
        order = ">" if kind in (h5t.UNIX_D32BE, h5t.UNIX_D64BE) else "<"
        return np.dtype(f"{order}i{kind.get_size()}")
    plain: np.dtype[Any] = kind.dtype
    return plain


# Reading ------------------------------------------------------------------------------------------


def values(dataset: Any, start: int, stop: int, column: int | None = None) -> NDArray[Any]:
    """Rows start … stop − 1 of a dataset that is one column, or of one column of a matrix."""
    kind = dataset.id.get_type()
    if not _is_time(kind):
        some = dataset[start:stop] if column is None else dataset[start:stop, column]
        return _told(np.asarray(some), dataset, kind)
    cells = np.empty((stop - start, *dataset.shape[1:]), dtype=_record(kind))
    _fill(dataset, start, cells, dataset.shape[1:], kind)
    told = _told(cells, dataset, kind)
    return told if column is None else told[:, column]


def rows(table: Any, start: int, stop: int, kinds: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Rows start … stop − 1 of some members of a compound dataset."""
    properties = table.id.get_create_plist()
    filters = [properties.get_filter(j)[0] for j in range(properties.get_nfilters())]
    if {_BLOSC, _BLOSC2} & set(filters):
        found = _unpacked_rows(table, start, stop, kinds, filters)
    else:
        found = _plain_rows(table, start, stop, kinds)
    return {name: _told(found[name], table, kind) for name, kind in kinds.items()}


def _fill(dataset: Any, start: int, cells: NDArray[Any], rest: tuple[int, ...], kind: Any) -> None:
    """Cells that lie in memory as `kind` says."""
    from h5py import h5s

    place = dataset.id.get_space()
    place.select_hyperslab((start, *(0 for _ in rest)), (len(cells), *rest))
    dataset.id.read(h5s.create_simple((len(cells), *rest)), place, cells, kind)


def _plain_rows(table: Any, start: int, stop: int, kinds: dict[str, Any]) -> NDArray[Any]:
    """A record of the members wanted; HDF5 finds them by name."""
    from h5py import h5t

    kind = np.dtype([(name, _record(member)) for name, member in kinds.items()])
    memory = h5t.create(h5t.COMPOUND, kind.itemsize)
    for name, member in kinds.items():
        cell, place = kind.fields[name][:2]  # type: ignore[index]
        # Only text of any length, and rare kinds of numbers, lie otherwise in memory.
        same = cell.itemsize == member.get_size() and cell.kind != "O"
        memory.insert(name.encode(), place, member if same else h5t.py_create(cell))
    cells = np.empty(stop - start, dtype=kind)
    _fill(table, start, cells, (), memory)
    return cells


def _unpacked_rows(
    table: Any, start: int, stop: int, kinds: dict[str, Any], filters: list[int]
) -> NDArray[Any]:
    """The same out of chunks packed with Blosc, which h5py lacks."""
    if filters[1:] not in ([], [_FLETCHER32]):
        raise OSError(f"the filters {filters} come together")
    whole = table.id.get_type()
    places = [whole.get_member_offset(whole.get_member_index(name.encode())) for name in kinds]
    kind = np.dtype(
        {"names": list(kinds), "formats": [_record(k) for k in kinds.values()],
         "offsets": places, "itemsize": whole.get_size()}
    )  # fmt: skip
    size = table.chunks[0]
    parts = []
    for first in range(start - start % size, stop, size):
        _, packed = table.id.read_direct_chunk((first,))
        plain = _unpacked(packed[:-4] if _FLETCHER32 in filters else packed, filters[0])
        if len(plain) != size * kind.itemsize:
            raise OSError(f"the chunk at row {first} has {len(plain)} bytes")
        chunk = np.frombuffer(plain, dtype=kind, count=size)
        parts.append(chunk[max(start - first, 0) : min(stop - first, size)])
    return np.concatenate(parts)


def _unpacked(packed: bytes, kind: int) -> Any:
    try:
        blosc2 = import_module("blosc2")
    except ImportError:
        raise OSError("it is packed with Blosc; pip install 'baksan[hdf5]' can unpack it") from None
    if kind == _BLOSC:
        _check_chunk(packed)
        return blosc2.decompress(packed)
    return blosc2.schunk_from_cframe(packed)[:]


def _check_chunk(packed: bytes) -> None:
    """Blosc believes what a chunk says of itself, and would read beyond its end.

    The header: https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst
    """
    if len(packed) < 16:
        raise OSError(f"a packed chunk has {len(packed)} bytes")
    size, block, length = struct.unpack_from("<III", packed, 4)
    blocks = -(-size // max(block, 1))
    begin = (32 if packed[2] & 5 == 5 else 16) + 4 * blocks  # flags: 5 is Blosc2's longer header
    plain = packed[2] & 2
    if length != len(packed) or not 0 < block <= size or (begin > length and not plain):
        raise OSError("a packed chunk contradicts its own length")
    if not plain:
        starts = np.frombuffer(packed, "<i4", blocks, begin - 4 * blocks)
        if starts.min() < begin or starts.max() > length - 4:
            raise OSError("a packed chunk points beyond its end")


def _told(cells: NDArray[Any], dataset: Any, kind: Any) -> NDArray[Any]:
    """Times as seconds; PyTables' bools, bits in the file, as bools."""
    from h5py import h5t

    if _is_time(kind):
        return _seconds_of_time(cells)
    if kind.get_class() == h5t.BITFIELD and kind.get_size() == 1 and "CLASS" in dataset.attrs:
        return cells.astype(bool)
    return cells


# Times --------------------------------------------------------------------------------------------


def _seconds_of_time(cells: NDArray[Any]) -> NDArray[Any]:
    """Time32 holds seconds; Time64 seconds above and microseconds below, 32 bits each.

    So PyTables writes them (src/typeconv.c); HDF5 itself leaves open what its times mean.
    """
    if cells.dtype.itemsize == 4:
        return cells
    above, below = cells >> 32, (cells & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    if (np.abs(below) >= 1_000_000).any():
        raise OSError("its 64-bit times are not those of PyTables, seconds and microseconds")
    return np.asarray(above + 1e-6 * below)


def seconds(cells: NDArray[Any], unit: str) -> NDArray[Any]:
    """Whole numbers of 's', 'ms', 'us' or 'ns' in seconds; NumPy's 'not a time' is missing."""
    scale = 1000 ** ["s", "ms", "us", "ns"].index(unit)
    return np.where(cells == np.iinfo(np.int64).min, np.nan, cells / scale)


def about(name: str, kind: Any, unit: str = "", description: str = "") -> Feature:
    """Times have a unit, whatever the file says of it; of categories it says which they are."""
    from h5py import h5t

    if _is_time(kind):
        return Feature(name, unit or "s", description or _EPOCH)
    if kind.get_class() == h5t.ENUM and not description and kind.dtype.kind in "iu":
        labels = [(kind.get_member_value(j), kind.get_member_name(j).decode("utf-8", "replace"))
                  for j in range(min(kind.get_nmembers(), 20))]  # fmt: skip
        description = ", ".join(f"{value} {label}" for value, label in sorted(labels))
    return Feature(name, unit, description)


def text(value: Any) -> str:
    """An attribute or cell that is text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""
