"""HDF5: one dataset for each column (FACT), compound tables (PyTables, ctapipe, astropy, pandas).

Needs h5py: pip install baksan[hdf5]. The file is read with h5py alone, never with PyTables, which
unpickles attributes; chunks that PyTables packed with Blosc are unpacked here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.data.columns import (
    ReadError,
    check_names,
    chosen,
    features_of_yaml,
    parts_error,
    table_of,
)
from baksan.samples import Feature
from baksan.table import Table

__all__ = ["blocks"]

_BLOSC, _BLOSC2, _FLETCHER32 = 32001, 32026, 3
_DEEPEST = 30
_UNIT_KEYS = ("unit", "units", "UNIT", "UNITS")

Slices = Callable[[int, int, Sequence[str]], dict[str, NDArray[Any]]]


@dataclass(frozen=True)
class _Found:
    """A table in the file: its rows, how to read some rows of some columns, and its columns."""

    rows: int
    read: Slices
    features: dict[str, Feature]


def blocks(
    path: Path,
    source: str,
    rows: int,
    columns: Sequence[str] | None = None,
    *,
    part: str | None = None,
) -> Iterator[Table]:
    """Tables of at most `rows` rows.

    Parameters
    ----------
    part : str, optional
        The path of the table inside the file; needed where there are several.

    Raises
    ------
    ReadError
        h5py is missing; several tables and none chosen; HDF5 time columns; pandas tables whose
        column names are pickled; columns of different lengths; a cut file.
    """
    with _opened(path, source, part) as found:
        check_names(list(found.features), source)
        if not found.rows:
            raise ReadError(f"{source}: rows are needed; the table is empty. Choose another.")
        names = chosen(list(found.features), columns, source)
        for first in range(0, found.rows, rows):
            data = found.read(first, min(first + rows, found.rows), names)
            about = ((n, found.features.get(n, Feature(n))) for n in data)
            arrays = [(n, data[n], f.unit, f.description) for n, f in about]
            yield table_of(arrays, source, first)


def rows(path: Path, source: str, part: str | None = None) -> int:
    """How many rows there are, by the file's own account."""
    with _opened(path, source, part) as found:
        return found.rows


@contextmanager
def _opened(path: Path, source: str, part: str | None) -> Iterator[_Found]:
    h5py = _h5py(source)
    try:
        with h5py.File(path, "r") as file:
            yield _open(file, _choose(file, part, source), source)
    except (OSError, RuntimeError) as error:
        raise ReadError(
            f"{source}: a whole HDF5 file is needed; this one is cut, damaged or packed in a way"
            f" that is not known here ({error}). Fetch it again or repack it with h5repack."
        ) from None


def _h5py(source: str) -> Any:
    try:
        import h5py
    except ImportError:
        raise ReadError(
            f"{source}: h5py is needed to read HDF5; it is not installed."
            " Install it with: pip install 'baksan[hdf5]'"
        ) from None
    return h5py


# Which tables there are ---------------------------------------------------------------------------


def _choose(file: Any, part: str | None, source: str) -> str:
    tables = sorted(set(_tables(file)))
    if part is not None:
        wanted = "/" + part.strip("/")
        if wanted in tables:
            return wanted
        if tables:
            raise parts_error(source, f"table (not {part!r})", tables)
    if not tables:
        raise ReadError(
            f"{source}: a table is needed: a compound dataset, or datasets of one length in one"
            " group; there is none. Look inside with h5ls."
        )
    if len(tables) > 1:
        raise parts_error(source, "table", tables)
    return tables[0]


def _tables(group: Any) -> Iterator[str]:
    """Paths of compound datasets, and of groups whose datasets are columns."""
    import h5py

    columns = 0
    if group.name.count("/") > _DEEPEST:  # a group may hold itself
        return
    if group.attrs.get("pandas_type") == b"frame":
        yield group.name
        return
    for name in group:
        # PyTables keeps its indices in groups called _i_*, astropy its notes beside the table.
        if name.startswith("_i_") or name.endswith("__table_column_meta__"):
            continue
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue  # what a soft link leads to is met at its own place
        item = group.get(name)
        if hasattr(item, "keys"):
            yield from _tables(item)
        elif _is_compound(item):
            yield item.name
        elif item is not None and len(item.shape or ()) > 0:
            columns += 1
    if columns:
        yield group.name


def _is_compound(item: Any) -> bool:
    import h5py

    kind = item.id.get_type() if isinstance(item, h5py.Dataset) else None
    return kind is not None and kind.get_class() == h5py.h5t.COMPOUND and len(item.shape) == 1


def _open(file: Any, name: str, source: str) -> _Found:
    item = file[name]
    if item.attrs.get("pandas_type") == b"frame":
        return _pandas_frame(item)
    if hasattr(item, "keys"):
        return _group(item, source)
    return _compound(file, item, source)


# One dataset for each column ----------------------------------------------------------------------


def _group(group: Any, source: str) -> _Found:
    sets = {n: d for n, d in group.items() if hasattr(d, "shape") and not _is_compound(d)}
    _check_times([n for n, d in sets.items() if _is_time(d.id.get_type())], source)
    sets = {n: d for n, d in sets.items() if len(d.shape) > 0}
    lengths = {n: d.shape[0] for n, d in sets.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{n} {length}" for n, length in list(lengths.items())[:6])
        raise ReadError(
            f"{source}: the datasets of {group.name} must have one length to be columns; they have"
            f" {shown}. Choose another table."
        )
    if len(sets) == 1 and next(iter(sets.values())).ndim == 2:
        (only,) = sets.values()
        names = [f"x{j + 1}" for j in range(only.shape[1])]
        return _Found(
            only.shape[0],
            lambda a, b, wanted: {n: only[a:b, names.index(n)] for n in wanted},
            {n: Feature(n, _unit(only.attrs)) for n in names},
        )
    return _Found(
        next(iter(lengths.values())),
        lambda a, b, wanted: {n: sets[n][a:b] for n in wanted},
        {n: Feature(n, _unit(d.attrs), _text(d.attrs.get("description"))) for n, d in sets.items()},
    )


# Compound tables ----------------------------------------------------------------------------------


def _compound(file: Any, table: Any, source: str) -> _Found:
    kind = table.id.get_type()
    members = [kind.get_member_name(j).decode() for j in range(kind.get_nmembers())]
    times = [n for j, n in enumerate(members) if _is_time(kind.get_member_type(j))]
    _check_times(times, source)
    if any(re.fullmatch(r"values_block_\d+", n) for n in members):
        raise ReadError(
            f"{source}: columns with names of their own are needed; pandas packed them into"
            f" {members[1]!r} and pickled their names, which is never opened. Write the frame again"
            " with to_parquet, or to_hdf(…, data_columns=True)."
        )
    notes = file.get(f"{table.name}.__table_column_meta__")
    named = features_of_yaml(_text(line) for line in notes) if notes is not None else {}
    features = {n: named.get(n) or _noted(table.attrs, j, n) for j, n in enumerate(members)}

    # pandas' row labels: kept as text, so that nobody trains on them by accident.
    labels = "index" if table.parent.attrs.get("pandas_type") == b"frame_table" else None
    if labels in features:
        del features[labels]
        features = {"row": Feature("row", "", "pandas' row label"), **features}

    def read(start: int, stop: int, wanted: Sequence[str]) -> dict[str, NDArray[Any]]:
        inside = {name: labels if labels and name == "row" else name for name in wanted}
        data = _rows(table, start, stop, list(inside.values()))
        found = {name: data[member] for name, member in inside.items()}
        return {**found, "row": found["row"].astype(str)} if labels and "row" in found else found

    return _Found(table.shape[0], read, features)


def _noted(attributes: Any, j: int, name: str) -> Feature:
    """Unit and description as ctapipe notes them (CTAFIELD_j_UNIT), or as name_UNIT."""
    unit = attributes.get(f"CTAFIELD_{j}_UNIT", attributes.get(f"{name}_UNIT"))
    return Feature(name, _text(unit), _text(attributes.get(f"CTAFIELD_{j}_DESC")))


def _rows(table: Any, start: int, stop: int, names: Sequence[str]) -> NDArray[Any]:
    """Rows start … stop − 1; chunks packed with Blosc, which h5py lacks, are unpacked here."""
    properties = table.id.get_create_plist()
    filters = [properties.get_filter(j)[0] for j in range(properties.get_nfilters())]
    if not {_BLOSC, _BLOSC2} & set(filters):
        return np.asarray(table.fields(names)[start:stop])
    if filters[1:] not in ([], [_FLETCHER32]):
        raise OSError(f"the filters {filters} come together")
    size = table.chunks[0]
    parts = []
    for first in range(start - start % size, stop, size):
        _, packed = table.id.read_direct_chunk((first,))
        plain = _unpacked(packed[:-4] if _FLETCHER32 in filters else packed, filters[0])
        if len(plain) != size * table.dtype.itemsize:
            raise OSError(f"the chunk at row {first} has {len(plain)} bytes")
        chunk = np.frombuffer(plain, dtype=table.dtype, count=size)
        parts.append(chunk[max(start - first, 0) : min(stop - first, size)])
    return np.concatenate(parts)


def _unpacked(packed: bytes, kind: int) -> Any:
    try:
        blosc2 = import_module("blosc2")
    except ImportError:
        raise OSError("it is packed with Blosc; pip install 'baksan[hdf5]' can unpack it") from None
    if kind == _BLOSC:
        return blosc2.decompress(packed)
    return blosc2.schunk_from_cframe(packed)[:]


# pandas -------------------------------------------------------------------------------------------


def _pandas_frame(group: Any) -> _Found:
    """pandas' 'fixed' format: blocks of columns of one type, the names beside them."""
    count = int(group.attrs["nblocks"])
    names = [_text(n) for n in group["axis0"]]
    held = {
        _text(name): (group[f"block{k}_values"], j)
        for k in range(count)
        for j, name in enumerate(group[f"block{k}_items"])
    }

    def read(start: int, stop: int, wanted: Sequence[str]) -> dict[str, NDArray[Any]]:
        # Text and objects are pickled into a single cell; they stay closed and are left out.
        closed = np.full(stop - start, None, dtype=object)
        found = ((n, *held[n]) for n in wanted)
        return {n: v[start:stop, j] if v.ndim == 2 else closed for n, v, j in found}

    return _Found(group["axis1"].shape[0], read, {n: Feature(n) for n in names})


# Small things -------------------------------------------------------------------------------------


def _is_time(kind: Any) -> bool:
    import h5py

    return bool(kind.get_class() == h5py.h5t.TIME)


def _check_times(names: list[str], source: str) -> None:
    if names:
        raise ReadError(
            f"{source}: columns of numbers or text are needed; {', '.join(names)} are HDF5 time"
            " columns (PyTables Time32 or Time64), which are not read yet. Write them as integers,"
            " or choose another table."
        )


def _unit(attributes: Any) -> str:
    return next((_text(attributes[key]) for key in _UNIT_KEYS if key in attributes), "")


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""
