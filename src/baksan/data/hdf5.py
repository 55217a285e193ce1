"""HDF5: one dataset for each column (FACT), compound tables (PyTables, ctapipe, astropy, pandas).

Needs h5py: pip install baksan[hdf5]. The file is read with h5py alone, never with PyTables, which
unpickles attributes. Only this one file is opened: links and datasets that lead to other files are
refused by name. Since the HDF5 library does not survive every damaged file, a process that may be
lost reads each of them first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from baksan.data import hdf5_cells as cells
from baksan.data import hdf5_pandas as pandas
from baksan.data.columns import (
    DEFAULT_ROWS,
    ReadError,
    check_names,
    lost_note,
    parts_error,
    readable,
    table_of,
)
from baksan.data.ecsv import notes_of
from baksan.data.trial import Trial, starts
from baksan.samples import Feature
from baksan.table import Table

__all__ = ["blocks", "rows"]

_DEEPEST = 30
_TRIAL = Trial("hdf5")
_ADVICE = "Write them as columns of numbers or text, one value per row."
_LINKED = "a link to another file, which is not opened"
_UNIT_KEYS = ("unit", "units", "UNIT", "UNITS")


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
        h5py is missing; several tables and none chosen; pandas tables whose column names are
        pickled; columns of different lengths; no column of numbers or text, or another one asked
        for; data in other files; a cut file.
    """
    with _opened(path, source, part) as found:
        check_names([*found.features, *found.lost], source)
        names = readable(list(found.features), found.lost, columns, source, _ADVICE)
        if not found.rows:
            raise ReadError(f"{source}: rows are needed; the table is empty. Choose another.")
        note = lost_note(found.lost, _ADVICE)
        for first in range(0, found.rows, rows):
            with _whole(source):
                data = found.read(first, min(first + rows, found.rows), names)
            about = ((n, found.features[n]) for n in names)
            arrays = [(n, data[n], f.unit, f.description) for n, f in about]
            yield table_of(arrays, source, first).with_notes(*note)


def rows(path: Path, source: str, part: str | None = None) -> int:
    """How many rows there are, by the file's own account."""
    with _opened(path, source, part) as found:
        return found.rows


def visit(path: Path, part: str | None) -> None:
    """All that reading does, its result thrown away; of a large table the ends only."""
    with _held(path, str(path), part) as found:
        for first in starts(path, found.rows, DEFAULT_ROWS):
            found.read(first, min(first + DEFAULT_ROWS, found.rows), list(found.features))


@contextmanager
def _opened(path: Path, source: str, part: str | None) -> Iterator[cells.Found]:
    _h5py(source)
    _TRIAL.check(path, part, source)
    with _held(path, source, part) as found:
        yield found


@contextmanager
def _held(path: Path, source: str, part: str | None) -> Iterator[cells.Found]:
    h5py = _h5py(source)
    with _whole(source):
        file = h5py.File(path, "r")
    with file:
        with _whole(source):
            found = _open(file, _choose(file, part, source), source)
        yield found


@contextmanager
def _whole(source: str) -> Iterator[None]:
    """Whatever h5py stumbles over in a damaged file becomes one sentence.

    What such a file says of itself may be anything, and so may be the exception.
    """
    try:
        yield
    except ReadError:
        raise
    except Exception as error:
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
    found = dict(_tables(file, set()))
    tables = sorted(name for name, why in found.items() if not why)
    if part is not None:
        wanted = "/" + part.strip("/")
        if wanted in tables:
            return wanted
        if why := found.get(wanted):
            raise ReadError(
                f"{source}: a table in this file is needed; {wanted!r} is {why}. {_ADVICE}"
            )
        if tables:
            raise parts_error(source, "table", tables, part)
    if not tables:
        refused = "; ".join(f"{name}: {why}" for name, why in list(found.items())[:5])
        raise ReadError(
            f"{source}: a table is needed: a compound dataset, or datasets of one length in one"
            f" group; there is none{f' ({refused})' if refused else ''}. Look inside with h5ls."
        )
    if len(tables) > 1:
        raise parts_error(source, "table", tables)
    return tables[0]


def _tables(group: Any, seen: set[Any]) -> Iterator[tuple[str, str]]:
    """Paths of compound datasets, and of groups whose datasets are columns; with why not, if so."""
    import h5py

    place = h5py.h5o.get_info(group.id).addr
    if place in seen or group.name.count("/") > _DEEPEST:  # a group may hold itself
        return
    seen.add(place)
    if pandas.is_frame(group):
        yield group.name, ""
        return
    path = group.name.rstrip("/")
    for name in group:
        if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
            yield f"{path}/{name}", _LINKED
    columns = []
    for name, item in cells.inside(group).items():
        # PyTables keeps its indices in groups called _i_*, pandas the values of its categories in
        # meta, astropy its notes beside the table.
        beside = name.startswith("_i_") or (name == "meta" and pandas.is_table(group))
        if beside or name.endswith("__table_column_meta__"):
            continue
        if isinstance(item, h5py.Group):
            yield from _tables(item, seen)
        elif _is_compound(item):
            yield item.name, cells.refused(item)
        elif _is_column(item):
            columns.append(cells.lost(item))
    if columns:
        yield group.name, min(columns)  # nothing, if one of them is readable


def _is_compound(item: Any) -> bool:
    import h5py

    if not isinstance(item, h5py.Dataset) or len(item.shape or ()) != 1:
        return False
    return cells.is_record(item.id.get_type())


def _is_column(item: Any) -> bool:
    import h5py

    return isinstance(item, h5py.Dataset) and not _is_compound(item) and len(item.shape or ()) > 0


def _open(file: Any, name: str, source: str) -> cells.Found:
    item = file[name]
    if pandas.is_frame(item):
        return pandas.frame(item, source)
    if hasattr(item, "keys"):
        return _group(item, source)
    found = _compound(item)
    return pandas.table(item, found, source) if pandas.is_table(item.parent) else found


# One dataset for each column ----------------------------------------------------------------------


def _group(group: Any, source: str) -> cells.Found:
    held = {name: item for name, item in cells.inside(group).items() if _is_column(item)}
    lost = {name: why for name, item in held.items() if (why := cells.lost(item))}
    sets = {name: item for name, item in held.items() if name not in lost}
    lengths = {name: item.shape[0] for name, item in sets.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{n} {length}" for n, length in list(lengths.items())[:6])
        raise ReadError(
            f"{source}: the datasets of {group.name} must have one length to be columns; they have"
            f" {shown}. Choose another table."
        )
    if len(sets) == 1 and next(iter(sets.values())).ndim == 2:
        return _matrix(next(iter(sets.values())), lost)
    return cells.Found(
        next(iter(lengths.values())),
        lambda a, b, wanted: {n: cells.values(sets[n], a, b) for n in wanted},
        {n: _feature(n, d) for n, d in sets.items()},
        lost,
    )


def _matrix(only: Any, lost: dict[str, str]) -> cells.Found:
    """A lone table (n, d): its columns are x1 … xd."""
    names = [f"x{j + 1}" for j in range(only.shape[1])]
    return cells.Found(
        only.shape[0],
        lambda a, b, wanted: {n: cells.values(only, a, b, names.index(n)) for n in wanted},
        {n: Feature(n, _unit(only.attrs)) for n in names},
        lost,
    )


def _feature(name: str, dataset: Any) -> Feature:
    description = cells.text(dataset.attrs.get("description"))
    return cells.about(name, dataset.id.get_type(), _unit(dataset.attrs), description)


def _unit(attributes: Any) -> str:
    return next((cells.text(attributes[key]) for key in _UNIT_KEYS if key in attributes), "")


# Compound tables ----------------------------------------------------------------------------------


def _compound(table: Any) -> cells.Found:
    kinds, lost = cells.members(table.id.get_type())
    beside = cells.inside(table.parent).get(
        f"{table.name.rpartition('/')[2]}.__table_column_meta__"
    )
    noted = notes_of(cells.text(line) for line in beside) if beside is not None else {}
    named = {name: note.feature for name, note in noted.items()}
    features = {
        name: named.get(name) or _noted(table.attrs, j, name, kind)
        for j, (name, kind) in enumerate(kinds.items())
    }
    return cells.Found(
        table.shape[0],
        lambda a, b, wanted: cells.rows(table, a, b, {name: kinds[name] for name in wanted}),
        features,
        lost,
    )


def _noted(attributes: Any, j: int, name: str, kind: Any) -> Feature:
    """Unit and description as ctapipe notes them (CTAFIELD_j_UNIT), or as name_UNIT."""
    unit = attributes.get(f"CTAFIELD_{j}_UNIT", attributes.get(f"{name}_UNIT"))
    description = cells.text(attributes.get(f"CTAFIELD_{j}_DESC"))
    return cells.about(name, kind, cells.text(unit), description)
