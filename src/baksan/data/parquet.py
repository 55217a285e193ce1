"""Parquet: tables in columns. Units and descriptions ride in each field's metadata."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from baksan.data.columns import ReadError, check_names, chosen, table_of
from baksan.files import replacing
from baksan.table import Table

__all__ = ["blocks", "write_blocks", "write_parquet"]


def blocks(
    path: Path, source: str, rows: int, columns: Sequence[str] | None = None
) -> Iterator[Table]:
    """Tables of at most `rows` rows. Raises ReadError for a file that is cut or holds no rows."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            check_names(schema.names, source)
            if file.metadata.num_rows == 0:
                raise ReadError(
                    f"{source}: rows are needed; the table has {len(schema.names)} columns and no"
                    " row. Check how it was written."
                )
            wanted = chosen([_name(n) for n in schema.names], columns, source)
            stored = [n for n in schema.names if _name(n) in wanted]
            first = 0
            for batch in file.iter_batches(batch_size=rows, columns=stored):
                arrays = [_column(batch.column(n), schema.field(n)) for n in stored]
                yield table_of(arrays, source, first).with_notes(*_notes(schema))
                first += batch.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise ReadError(
            f"{source}: a whole Parquet file is needed; this one is cut or damaged"
            f" ({str(error).splitlines()[0]}). Fetch or write it again."
        ) from None


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
    blocks: Iterable[Table], path: Path | str, *, progress: Callable[[int], object] | None = None
) -> None:
    """The same for tables with the columns of the first, one after the other, in bounded memory.

    `progress` is called with the rows written so far. Raises ValueError where there is no table,
    and as `write_parquet`.
    """
    from pyarrow import parquet

    rows, writer = 0, None
    with replacing(path) as beside:
        try:
            for table in blocks:
                held = _arrow_table(table)
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


def _arrow_table(table: Table) -> Any:
    import pyarrow as pa

    arrays = [_arrow(column.values) for column in table.columns.values()]
    fields = [
        pa.field(name, array.type, metadata={"unit": c.unit, "description": c.description})
        for (name, c), array in zip(table.columns.items(), arrays, strict=True)
    ]
    schema = pa.schema(fields, metadata={"baksan_notes": json.dumps(table.notes)})
    return pa.Table.from_arrays(arrays, schema=schema)


def _arrow(values: Any) -> Any:
    import pyarrow as pa

    array = pa.array(np.ascontiguousarray(values).ravel())
    for size in reversed(values.shape[1:]):
        array = pa.FixedSizeListArray.from_arrays(array, size)
    return array


def _notes(schema: Any) -> tuple[str, ...]:
    return tuple(json.loads((schema.metadata or {}).get(b"baksan_notes", b"[]")))


def _name(stored: str) -> str:
    """A column's name; pandas' row labels are called row."""
    return "row" if re.fullmatch(r"__index_level_\d+__", stored) else stored


def _column(array: Any, field: Any) -> tuple[str, Any, str, str]:
    if _name(field.name) != field.name:  # kept as text, so that nobody trains on them by accident
        return "row", _values(array).astype(str), "", "pandas' row label"
    about = {k.decode(): v.decode("utf-8", "replace") for k, v in (field.metadata or {}).items()}
    return field.name, _values(array), about.get("unit", ""), about.get("description", "")


def _values(array: Any) -> Any:
    """NumPy values; a null is NaN or "". Vectors of one length become (n, m)."""
    from pyarrow import types

    kind = array.type
    if types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return np.array(array.fill_null("").to_pylist(), dtype=str)
    if types.is_decimal(kind):
        array = array.cast("float64")
    if types.is_fixed_size_list(kind) and not array.null_count:
        inner = _values(array.flatten())
        return inner.reshape(len(array), kind.list_size, *inner.shape[1:])
    if array.null_count and (types.is_integer(kind) or types.is_boolean(kind)):
        array = array.cast("int8" if types.is_boolean(kind) else kind).cast("float64")
    return array.to_numpy(zero_copy_only=False)
