"""`open_parts`: the events of `open_stream`, in parts that processes read side by side.

A file is a part, of Parquet some row groups are. What only all rows together tell is decided once,
as for the whole, so that it does not matter how the events are parted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from baksan.data import arrow, corsika, fits, hdf5, npy, parquet, root, sqlite
from baksan.data.columns import DEFAULT_ROWS, lost_note, readable, table_of
from baksan.data.formats import blocks, files_of, format_of
from baksan.data.loading import Progress, entry, is_file
from baksan.data.streaming import Events, opened
from baksan.samples import Samples
from baksan.table import Table

__all__ = ["PART", "Part", "open_parts", "rows_of", "table_of_frame"]

PART = 262_144
"""Rows of a Parquet file that are worth a part of their own."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some of the events of a file or folder; called, it gives them as Samples, in blocks.

    It holds names and choices, no events: it may travel to any process that sees the same files.
    """

    name: str
    events: Events

    def __call__(self) -> Iterator[Samples]:
        return self.events.blocks()


def open_parts(
    name: str | Path,
    *,
    features: Sequence[str] | str | None = None,
    answer: str | None = None,
    signal: str | None = None,
    weight: str | None = None,
    group: str | None = None,
    id: str | None = None,
    where: str | None = None,
    impute: bool = False,
    beside: str | None = None,
    marks: Sequence[float] = (),
    rows: int = DEFAULT_ROWS,
    least: int = PART,
    progress: Progress | None = None,
    **options: Any,
) -> list[Part]:
    """The events of `open_stream(name, …)` in parts, one after the other.

    Parameters
    ----------
    name : str or Path
        A file, or a folder of files with the same columns.
    least : int
        Row groups of a Parquet file are put together until a part has so many rows.
    features, answer, signal, weight, group, id, where, impute, beside, marks, rows, progress,
    **options
        As in `open_stream`.

    Raises
    ------
    ValueError
        `name` is a data set of the catalogue, which fits in memory.
    KeyError, TypeError, ValueError, FileNotFoundError
        As `open_stream`.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from baksan.data import write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for k in (0, 1):
    ...         table = Table({"E": np.arange(3.0) + k, "y": [1.0, 2.0, 4.0]})
    ...         _ = write(table, f"{folder}/run{k}.parquet")
    ...     parts = open_parts(folder, answer="y")
    ...     [(part.name, [len(X) for X in part()]) for part in parts]
    [('run0.parquet', [3]), ('run1.parquet', [3])]
    """
    if not is_file(name):
        raise ValueError(
            f"files are needed, to be read in parts; {entry(str(name)).name!r} is a data set of the"
            f" catalogue, which fits in memory. Take load({str(name)!r}).samples(…)."
        )
    tables, first = opened(Path(name).resolve(), rows, False, progress, options)
    roles = {"answer": answer, "weight": weight, "group": group, "id": id, "signal": signal}
    events = Events.of(
        tables, first, features, where, roles, progress, beside, impute=impute, marks=marks
    )
    return [
        Part(told, events.part(partial(_tables, file, start, rows, held)))
        for told, file, start, held in _pieces(Path(name).resolve(), least, options)
    ]


def _tables(
    file: Path, start: int, rows: int, options: dict[str, Any], columns: Sequence[str] | None
) -> Iterator[Table]:
    """The tables of one file, its rows counted from `start`."""
    return (table.renumbered(start) for table in blocks(file, rows, columns=columns, **options))


Piece = tuple[str, Path, int, dict[str, Any]]
"""What errors call it, the file, the row at which the file begins, options to read it."""


def _pieces(path: Path, least: int, options: dict[str, Any]) -> Iterator[Piece]:
    files, start = files_of(path), 0
    for file in files:
        # 'events.h5#/path' names one table of a single file.
        here, told = (path, path.name) if not path.is_dir() else (file, file.name)
        if format_of(file) == "parquet":
            sizes = parquet.row_groups(file, str(file))
            for groups in _together(sizes, least):
                some = f", row groups {groups[0]} to {groups[-1]}"
                some = "" if len(groups) == len(sizes) else some
                yield told + some, here, start, {**options, "groups": groups}
            start += sum(sizes)
        else:
            yield told, here, start, options
            start += rows_of(file, options) if file is not files[-1] else 0


def _together(sizes: Sequence[int], least: int) -> Iterator[range]:
    """Neighbours put together until they hold `least`; the last may hold less."""
    first, held = 0, 0
    for k, size in enumerate(sizes):
        held += size
        if held >= least or k == len(sizes) - 1:
            yield range(first, k + 1)
            first, held = k + 1, 0


def rows_of(file: Path, options: dict[str, Any]) -> int:
    """How many rows a file has: by its header, or by reading one column where it has none."""
    known = {
        "npy": npy.rows, "fits": fits.rows, "hdf5": hdf5.rows, "root": root.rows,
        "sqlite": sqlite.rows, "corsika": corsika.rows,
    }.get(format_of(file))  # fmt: skip
    if known is not None:
        return int(known(file, str(file), **options))
    names = next(iter(blocks(file, 1, **options))).names
    return sum(len(table) for table in blocks(file, columns=names[:1], **options))


def table_of_frame(frame: Any, columns: Sequence[str] | None, source: str) -> Table:
    """A pandas or pyarrow table as the same table would come out of a Parquet file."""
    import pyarrow as pa

    if not isinstance(frame, pa.Table):
        frame = pa.Table.from_pandas(frame, preserve_index=False)
    lost = {field.name: why for field in frame.schema if (why := arrow.why_not(field))}
    kept = [name for name in frame.column_names if name not in lost]
    names = readable(kept, lost, columns, source, arrow.ADVICE)
    held = ((frame.column(n).combine_chunks(), frame.field(n)) for n in names)
    arrays = (arrow.column(array, field, source) for array, field in held)
    return table_of(arrays, source, 0).with_notes(*lost_note(lost, arrow.ADVICE))
