"""Frames that pandas wrote into HDF5: the 'fixed' format in blocks, the 'table' format in rows.

pandas pickles some of what it writes: columns of text in the fixed format, the names of packed
columns in the table format. Pickles may run any code and are never opened: such columns are left
out by name. https://pandas.pydata.org/docs/user_guide/io.html#hdf5-pytables
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.data import hdf5_cells as cells
from baksan.data.columns import ReadError
from baksan.samples import Feature

__all__ = ["frame", "is_frame", "is_table", "table"]

_PICKLED = "text that pandas pickled, which is never opened"
_LABEL = "pandas' row label"

Told = Callable[[NDArray[Any]], NDArray[Any]]
"""Makes of what lies in the file what it means."""


def is_frame(group: Any) -> bool:
    """Whether a group is a frame in the fixed format."""
    return cells.text(group.attrs.get("pandas_type")) == "frame"


def is_table(group: Any) -> bool:
    """Whether a group is a frame or series in the table format."""
    return cells.text(group.attrs.get("pandas_type")).endswith("_table")


# The fixed format: blocks of columns of one type, the names beside them ---------------------------


def frame(group: Any, source: str) -> cells.Found:
    """A frame in the fixed format; its row labels are the text column 'row'."""
    held = cells.inside(group)
    places: dict[str, tuple[Any, int]] = {}
    for k in range(int(group.attrs["nblocks"])):
        for j, name in enumerate(_labels(group, held, f"block{k}_items", source)):
            places[name] = (held[f"block{k}_values"], j)
    closed = {n: _PICKLED for n, (data, _) in places.items() if cells.lost(data) or data.ndim != 2}
    names = [n for n in _labels(group, held, "axis0", source) if n not in closed]
    label = "row" if "row" not in places else "row label"

    def read(start: int, stop: int, wanted: Sequence[str]) -> dict[str, NDArray[Any]]:
        found = {}
        for name in wanted:
            if name == label:
                labels = _labels(group, held, "axis1", source, start, stop)
                found[name] = np.array(labels, dtype=str)
            else:
                data, j = places[name]
                found[name] = _told(_type(data))(cells.values(data, start, stop, j))
        return found

    count = min((_rows(places[name][0]) for name in names), default=0)
    features = {n: _feature(n, _type(places[n][0])) for n in names}
    if _is_pickled(held.get("axis1")):
        return cells.Found(count, read, features, {**closed, label: _PICKLED})
    return cells.Found(count, read, {label: Feature(label, "", _LABEL), **features}, closed)


def _rows(data: Any) -> int:
    """Where there are none, pandas writes one cell and pickles the shape."""
    return 0 if "shape" in data.attrs else int(data.shape[0])


def _is_pickled(axis: Any) -> bool:
    return axis is not None and bool(cells.lost(axis))


def _labels(
    group: Any,
    held: dict[str, Any],
    axis: str,
    source: str,
    start: int = 0,
    stop: int | None = None,
) -> list[str]:
    """The labels of an axis as text; those of several levels are joined by dots."""
    if _is_pickled(held.get(axis)):
        raise ReadError(
            f"{source}: columns with names in plain text are needed; pandas pickled those of"
            f" {group.name}, which is never opened. Write the frame again with to_parquet."
        )
    if axis in held:
        return _shown(held[axis], held[axis][start:stop])
    levels = []
    for k in range(int(group.attrs[f"{axis}_nlevels"])):
        level = held[f"{axis}_level{k}"]
        names = [*_shown(level, level[:]), ""]  # -1 is a missing label
        levels.append([names[code] for code in held[f"{axis}_label{k}"][start:stop]])
    return [".".join(labels) for labels in zip(*levels, strict=True)]


def _shown(data: Any, values: NDArray[Any]) -> list[str]:
    told = _dates(cells.text(data.attrs.get("kind")))(values)
    return [cells.text(v) if isinstance(v, (bytes, str)) else str(v) for v in told]


# The table format: a compound dataset with notes in its attributes --------------------------------


def table(dataset: Any, found: cells.Found, source: str) -> cells.Found:
    """The compound dataset `found` with what pandas notes beside it taken into account.

    Row labels are kept as text, so that nobody trains on them by accident.
    """
    names = [*found.features, *found.lost]
    if packed := next((n for n in names if re.fullmatch(r"values_block_\d+", n)), None):
        raise ReadError(
            f"{source}: columns with names of their own are needed; pandas packed them into"
            f" {packed!r} and pickled their names, which is never opened. Write the frame again"
            " with to_parquet, or to_hdf(…, data_columns=True)."
        )
    notes, group = dict(dataset.attrs), dataset.parent
    meaning = {name: _meaning(name, notes, group) for name in found.features}
    inner = {"row" if name == "index" else name: name for name in found.features}

    def read(start: int, stop: int, wanted: Sequence[str]) -> dict[str, NDArray[Any]]:
        data = found.read(start, stop, [inner[name] for name in wanted])
        told = {name: meaning[inner[name]](data[inner[name]]) for name in wanted}
        return {n: v.astype(str) if n == "row" else v for n, v in told.items()}

    features = {
        name: Feature("row", "", _LABEL) if name == "row" else _feature(name, _noted(name, notes))
        for name in inner
    }
    return cells.Found(found.rows, read, features, found.lost)


def _noted(name: str, notes: dict[str, Any], what: str = "dtype") -> str:
    return cells.text(notes.get(f"{name}_{what}"))


def _meaning(name: str, notes: dict[str, Any], group: Any) -> Told:
    if name == "index":
        return _dates(_noted(name, notes, "kind"))
    if _noted(name, notes, "meta") == "category":
        return _categories(name, group)
    if _noted(name, notes, "meta") in ("str", "string"):
        mark = (_noted(name, notes, "nan_rep") or "nan").encode()
        return lambda v: np.where(v == mark, b"", v)
    return _told(_noted(name, notes))


def _categories(name: str, group: Any) -> Told:
    """Codes into the values that lie in meta/NAME/meta/table; −1 is missing."""
    held = group
    for step in ("meta", name, "meta", "table"):
        held = cells.inside(held)[step]
    kinds, _ = cells.members(held.id.get_type())
    labels = cells.rows(held, 0, held.shape[0], {"values": kinds["values"]})["values"]
    if labels.dtype.kind in "iuf":
        labels = labels.astype(float)
    known = np.append(labels, np.nan if labels.dtype.kind == "f" else b"")
    return lambda codes: known[codes]


# Both ---------------------------------------------------------------------------------------------


def _type(data: Any) -> str:
    return cells.text(data.attrs.get("value_type"))


def _feature(name: str, kind: str) -> Feature:
    if kind.startswith("datetime64"):
        return Feature(name, "s", "seconds since 1970-01-01, UTC")
    return Feature(name, "s" if kind.startswith("timedelta64") else "")


def _told(kind: str) -> Told:
    """'datetime64[us]' and 'timedelta64[ns]' become seconds; without a unit they are of 'ns'."""
    if found := re.fullmatch(r"(?:datetime64|timedelta64)(?:\[(s|ms|us|ns)(?:, .*)?\])?", kind):
        unit = found[1] or "ns"
        return lambda v: cells.seconds(v, unit)
    return (lambda v: v.astype(bool)) if kind == "bool" else (lambda v: v)


def _dates(kind: str) -> Told:
    """Labels of rows that are times are shown as such."""
    if not kind.startswith(("datetime64", "timedelta64")):
        return lambda v: v
    whole = kind.split(",")[0].rstrip("]") + "]" if "[" in kind else f"{kind}[ns]"
    return lambda v: v.astype(whole)
