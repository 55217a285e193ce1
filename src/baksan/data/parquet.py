"""Parquet: tables in columns. Units and descriptions ride in each field's metadata."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from baksan.compiled import cores
from baksan.data.arrow import ADVICE, Array, column, name_of, sized, why_not
from baksan.data.columns import ReadError, check_names, lost_note, readable, table_of
from baksan.files import replacing
from baksan.table import Column, Table

__all__ = [
    "about", "blocks", "row_groups", "rows", "write_blocks", "write_joined", "write_parquet",
]  # fmt: skip

_THREADS = 8  # at most; more would wait for the disk or for each other
_AHEAD = 2  # blocks that are being decoded
_FIRST = 1024  # rows that show whether lists have one length
_BUFFER = 1 << 15  # bytes of a column chunk that are read at a time


def blocks(
    path: Path,
    source: str,
    rows: int,
    columns: Sequence[str] | None = None,
    groups: Sequence[int] | None = None,
) -> Iterator[Table]:
    """Tables of at most `rows` rows; numbers in double precision lie side by side in memory.

    Of the row groups `groups` (rising) only, if given. Raises ReadError for a file that is cut or
    holds no rows, ValueError for a row group that it has not.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            schema, metadata = file.schema_arrow, file.metadata
        check_names(schema.names, source)
        if metadata.num_rows == 0:
            raise ReadError(
                f"{source}: rows are needed; the table has {len(schema.names)} columns and no"
                " row. Check how it was written."
            )
        fields = {name_of(field.name): field for field in _sized(path, schema)}
        lost = {name: why for name, field in fields.items() if (why := why_not(field))}
        kept = [name for name in fields if name not in lost]
        wanted = [fields[n] for n in readable(kept, lost, columns, source, ADVICE)]
        note = lost_note(lost, ADVICE)
        every = range(metadata.num_row_groups)
        if (held := sum(_sizes(metadata, every, source))) != metadata.num_rows:
            raise OSError(f"{held} rows in row groups, not {metadata.num_rows}")
        groups = every if groups is None else groups
        first = sum(_sizes(metadata, range(groups[0]), source))
        for arrays, finite in _arrays(path, metadata, wanted, rows, groups):
            table = _with_roles(table_of(arrays, source, first, finite), fields)
            yield table.with_notes(*_notes(schema), *note)
            first += len(table)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _cut(source, error) from None


def _with_roles(table: Table, fields: Mapping[str, Any]) -> Table:
    """The table with roles and places of its columns, as the metadata of their fields gives them.

    Raises ReadError for places that are none.
    """
    held: dict[str, Column] = {}
    for name, found in table.columns.items():
        told = fields[name].metadata or {}
        role, places = told.get(b"role", b"").decode(), _places(told, name, table.source)
        changes: dict[str, Any] = {"role": role} if role in ("truth", "detail") else {}
        if len(places) == found.values.shape[-1] and found.values.ndim == 2:
            changes["places"] = places
        if changes:
            held[name] = replace(found, **changes)
            if found.finite:
                held[name] = held[name].found_finite()
    return table.with_columns(held) if held else table


def _places(told: Mapping[bytes, bytes], name: str, source: str) -> tuple[tuple[float, ...], ...]:
    """Where the detectors of a vector stand, () if nothing is said."""
    try:
        rows = json.loads(told.get(b"places", b"[]"))
        places = tuple(tuple(float(c) for c in row) for row in rows)
    except (ValueError, TypeError):
        places = ((),)
    if all(len(row) in (2, 3) and all(map(math.isfinite, row)) for row in places):
        return places
    raise ReadError(
        f"{source}: the places of the detectors of {name} must be pairs or triples of numbers in m;"
        " what is written there is not. Take another copy of the file."
    )


def _sized(path: Path, schema: Any) -> list[Any]:
    """The fields of the file; lists of one length are vectors, as far as its first rows tell."""
    from pyarrow import parquet, types

    fields = list(schema)
    if lists := [f.name for f in fields if types.is_list(f.type) or types.is_large_list(f.type)]:
        with parquet.ParquetFile(path) as file:
            batches = file.iter_batches(batch_size=_FIRST, columns=lists, use_threads=False)
            if (batch := next(batches, None)) is None:
                raise OSError("it has fewer rows than its footer says")
        fields = [sized(f, batch.column(f.name)) if f.name in lists else f for f in fields]
    return fields


def rows(path: Path, source: str, groups: Sequence[int] | None = None) -> int:
    """How many rows there are (in these row groups), by the footer."""
    return sum(row_groups(path, source, groups))


def row_groups(path: Path, source: str, groups: Sequence[int] | None = None) -> list[int]:
    """The rows of each row group (of these), by the footer."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        metadata = parquet.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise _cut(source, error) from None
    return _sizes(metadata, range(metadata.num_row_groups) if groups is None else groups, source)


def _sizes(metadata: Any, groups: Sequence[int], source: str) -> list[int]:
    if strange := [group for group in groups if not 0 <= group < metadata.num_row_groups]:
        raise ValueError(
            f"{source}: row groups 0 … {metadata.num_row_groups - 1} can be read; {strange[0]} was"
            " asked for. Leave groups out to read all."
        )
    return [metadata.row_group(group).num_rows for group in groups]


def _cut(source: str, error: Exception) -> ReadError:
    return ReadError(
        f"{source}: a whole Parquet file is needed; this one is cut or damaged"
        f" ({str(error).splitlines()[0]}). Fetch or write it again."
    )


Found = tuple[dict[str, Array], set[str]]
"""Columns by the names of their fields, and which are finite throughout."""


def _arrays(
    path: Path, metadata: Any, fields: list[Any], rows: int, groups: Sequence[int]
) -> Iterator[tuple[list[Array], set[str]]]:
    """The columns of so many rows at a time, and which of them are finite throughout.

    They are decoded by several threads two turns ahead.

    Each thread decodes columns of its own and lays them where they belong: pyarrow's threads would
    leave the copying to one.
    """
    import pyarrow as pa
    from pyarrow import types

    doubles = [field.name for field in fields if types.is_float64(field.type)]
    place = {name: j for j, name in enumerate(doubles)}
    count = min(cores(), pa.cpu_count(), len(fields), _THREADS)

    def begin(size: int) -> list[Future[Found]]:
        beside = np.empty((len(doubles), size))
        return [reader.begin(size, place, beside) for reader in readers]

    n = sum(_sizes(metadata, groups, str(path)))
    sizes = (min(rows, n - at) for at in range(0, n, rows))
    with ExitStack() as stack:
        readers = [
            stack.enter_context(_Reader(path, metadata, fields[j::count], rows, groups))
            for j in range(count)
        ]
        coming = deque(begin(size) for size in islice(sizes, _AHEAD))
        while coming:
            found: dict[str, Array] = {}
            finite: set[str] = set()
            for part in coming.popleft():
                found |= part.result()[0]
                finite |= part.result()[1]
            coming.extend(begin(size) for size in islice(sizes, 1))
            yield [found[field.name] for field in fields], finite


class _Reader:
    """Some columns of a file, so many rows at a time, decoded in a thread of their own."""

    def __init__(
        self, path: Path, metadata: Any, fields: list[Any], rows: int, groups: Sequence[int]
    ) -> None:
        from pyarrow import parquet

        # pre_buffer would hold the whole file; a small buffer stays in the processor's cache.
        self.file = parquet.ParquetFile(
            path, metadata=metadata, pre_buffer=False, buffer_size=_BUFFER
        )
        self.fields, self.source = fields, str(path)
        self.runs = [
            _Run(
                self.file.iter_batches(
                    batch_size=rows, row_groups=list(groups), columns=[f.name], use_threads=False
                )
            )
            for f in fields
        ]
        self.thread = ThreadPoolExecutor(1, "parquet")

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.thread.shutdown(cancel_futures=True)
        self.file.close()

    def begin(self, rows: int, place: dict[str, int], beside: Any) -> Future[Found]:
        return self.thread.submit(self._columns, rows, place, beside)

    def _columns(self, rows: int, place: dict[str, int], beside: Any) -> Found:
        """The next rows; doubles are laid into their place of `beside`.

        Each column is copied and looked at while it is still in the processor's cache.
        """
        found, finite = {}, set()
        for field, run in zip(self.fields, self.runs, strict=True):
            array = run.next(rows).column(field.name)
            name, values, unit, description = column(array, field, self.source)
            if field.name in place:
                row = beside[place[field.name]]
                row[:] = values
                row.flags.writeable = False
                values = row
                if np.isfinite(row).all():
                    finite.add(name)
            found[field.name] = name, values, unit, description
        return found, finite


class _Run:
    """Batches of a column cut to the rows that are asked for: pyarrow's may be shorter."""

    def __init__(self, batches: Iterator[Any]) -> None:
        self.batches = batches
        self.rest: Any = None

    def next(self, rows: int) -> Any:
        """The next rows in one batch."""
        import pyarrow as pa

        parts, missing = [], rows
        while missing:
            batch = next(self.batches, None) if self.rest is None else self.rest
            if batch is None:
                raise OSError(f"{missing} rows fewer than its footer says")
            parts.append(batch.slice(0, missing))
            missing -= len(parts[-1])
            self.rest = batch.slice(len(parts[-1])) if len(batch) > len(parts[-1]) else None
        if len(parts) == 1:
            return parts[0]
        return pa.Table.from_batches(parts).combine_chunks().to_batches()[0]


def write_parquet(table: Table, path: Path | str) -> None:
    """Write a table with its units, descriptions and notes; a file appears whole or not at all.

    Raises
    ------
    OSError
        The disk is full or the folder is missing.

    Examples
    --------
    >>> import tempfile
    >>> from baksan import Column, read
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_parquet(Table({"E": Column(np.array([1.0, 2.0]), "EeV")}), folder + "/t.parquet")
    ...     read(folder + "/t.parquet").column("E").unit
    'EeV'
    """
    write_blocks([table], path)


def write_blocks(
    blocks: Iterable[Table],
    path: Path | str,
    *,
    about: Mapping[str, str] | None = None,
    progress: Callable[[int], object] | None = None,
) -> None:
    """The same for tables with the columns of the first, one after the other, in bounded memory.

    `about` is kept in the file's own metadata, where `about` finds it; `progress` is called with
    the rows written so far. Raises ValueError where there is no table,
    and as `write_parquet`.
    """
    from pyarrow import parquet

    rows, writer = 0, None
    with replacing(path) as beside:
        try:
            for table in blocks:
                held = _arrow_table(table, about or {})
                writer = writer or parquet.ParquetWriter(beside, held.schema)
                writer.write_table(held.cast(writer.schema))
                rows += len(table)
                if progress is not None:
                    progress(rows)
            if writer is None:
                raise ValueError(f"{path}: a table to write is needed; there is none. Make rows.")
        finally:
            if writer is not None:
                writer.close()


def write_joined(parts: Sequence[Path], path: Path | str, about: Mapping[str, str]) -> int:
    """Files of the same columns, one after the other, in one; how many rows they have.

    Each part becomes row groups of its own, so that the same parts give the same bytes. Parts
    without rows add none. Raises ReadError for a part that is cut.
    """
    import pyarrow as pa
    from pyarrow import parquet

    rows = 0
    with replacing(path) as beside, ExitStack() as stack:
        writer: Any = None
        for part in parts:
            try:
                held = parquet.read_table(part)
            except (pa.ArrowException, OSError) as error:
                raise _cut(str(part), error) from None
            if writer is None:
                kept = {**(held.schema.metadata or {}), **about}
                schema = held.schema.with_metadata(kept)
                writer = stack.enter_context(parquet.ParquetWriter(beside, schema))
            if len(held):
                writer.write_table(held.cast(writer.schema))
            rows += len(held)
    return rows


def about(path: Path | str) -> dict[str, str]:
    """What is kept in the metadata of a file besides its columns. Raises ReadError if it is cut."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        found = parquet.read_schema(path).metadata or {}
    except (pa.ArrowException, OSError) as error:
        raise _cut(str(path), error) from None
    return {key.decode(): value.decode() for key, value in found.items()}


def _arrow_table(table: Table, about: Mapping[str, str]) -> Any:
    import pyarrow as pa

    arrays = [_arrow(column.values) for column in table.columns.values()]
    fields = [
        pa.field(name, array.type, metadata=_metadata(c))
        for (name, c), array in zip(table.columns.items(), arrays, strict=True)
    ]
    schema = pa.schema(fields, metadata={"baksan_notes": json.dumps(table.notes), **about})
    return pa.Table.from_arrays(arrays, schema=schema)


def _metadata(column: Column) -> dict[str, str]:
    role = {"role": column.role} if column.role else {}
    places = {"places": json.dumps(column.places)} if column.places else {}
    return {"unit": column.unit, "description": column.description, **role, **places}


def _arrow(values: Any) -> Any:
    import pyarrow as pa

    array = pa.array(np.ascontiguousarray(values).ravel())
    for size in reversed(values.shape[1:]):
        array = pa.FixedSizeListArray.from_arrays(array, size)
    return array


def _notes(schema: Any) -> tuple[str, ...]:
    return tuple(json.loads((schema.metadata or {}).get(b"baksan_notes", b"[]")))
