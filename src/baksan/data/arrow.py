"""Arrow's columns, in Parquet and in data frames: which can be columns of a table, their values."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from baksan.data.columns import ReadError
from baksan.data.json_columns import vectors

__all__ = ["ADVICE", "Array", "column", "name_of", "sized", "why_not"]

Array = tuple[str, Any, str, str]
"""Name, values, unit and description."""

ADVICE = "Write numbers or text in their place, such as the lengths of lists."
_IN_A_SECOND = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}
_LISTS = "lists of different lengths"


def name_of(stored: str) -> str:
    """A column's name; pandas' row labels are called row."""
    return "row" if re.fullmatch(r"__index_level_\d+__", stored) else stored


def why_not(field: Any) -> str:
    """What keeps a field from being a column, "" for nothing."""
    from pyarrow import types

    kind = field.type
    while types.is_dictionary(kind) or types.is_fixed_size_list(kind):
        listed = types.is_fixed_size_list(kind)
        kind = kind.value_type
        if listed and _is_text(kind):
            return "lists of text"
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
        return ""
    if _is_text(kind) or types.is_decimal(kind) or types.is_null(kind):
        return ""
    if "binary" in str(kind):
        return "bytes"
    if types.is_temporal(kind):
        return "spans of months" if types.is_interval(kind) else ""
    if types.is_struct(kind) or types.is_map(kind):
        return "objects"
    return _LISTS if types.is_nested(kind) else str(kind)


def sized(field: Any, sample: Any) -> Any:
    """A field of lists, of one length if all of a sample's have one: vectors are written so."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import types

    if not (types.is_list(field.type) or types.is_large_list(field.type)):
        return field
    lengths = pc.unique(pc.list_value_length(sample).drop_null()).to_pylist()
    size = lengths[0] if len(lengths) == 1 else 0
    return field.with_type(pa.list_(field.type.value_type, size)) if size else field


def column(array: Any, field: Any, source: str) -> Array:
    """What a column of Arrow's holds. Raises ReadError for lists of another length than before."""
    from pyarrow import types

    if name_of(field.name) != field.name:  # kept as text: nobody trains on them by accident
        return "row", _values(array).astype(str), "", "pandas' row label"
    about = {k.decode(): v.decode("utf-8", "replace") for k, v in (field.metadata or {}).items()}
    if types.is_temporal(array.type):
        return field.name, _seconds(array), "s", about.get("description") or _since(array.type)
    values = _values(_resized(array, field, source))
    return field.name, values, about.get("unit", ""), about.get("description", "")


def _seconds(array: Any) -> Any:
    """Dates and times in seconds, NaN for null; those without a zone are taken as UTC."""
    import pyarrow as pa
    from pyarrow import types

    kind = array.type
    whole = array.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    values = whole.cast("float64", safe=False).to_numpy(zero_copy_only=False)
    if types.is_date32(kind):
        return values * 86400
    return values / _IN_A_SECOND["ms" if types.is_date64(kind) else kind.unit]


def _since(kind: Any) -> str:
    from pyarrow import types

    dated = types.is_timestamp(kind) or types.is_date(kind)
    return "seconds since 1970-01-01, UTC" if dated else ""


def _resized(array: Any, field: Any, source: str) -> Any:
    """Lists of one length as such."""
    import pyarrow as pa
    from pyarrow import types

    if not types.is_fixed_size_list(field.type) or types.is_fixed_size_list(array.type):
        return array
    try:
        return array.cast(field.type)
    except pa.ArrowInvalid:
        raise ReadError(
            f"{source}: lists of {field.type.list_size} are needed in column {field.name!r}, as in"
            " its first rows; others follow. Leave it out, or write its first elements as columns."
        ) from None


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _values(array: Any) -> Any:
    """NumPy values; a null is NaN or "". Vectors of one length become (n, m)."""
    from pyarrow import types

    kind = array.type
    if types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if _is_text(kind):
        return np.array(array.fill_null("").to_pylist(), dtype=str)
    if types.is_null(kind):
        return np.full(len(array), np.nan)
    if types.is_decimal(kind):
        array = array.cast("float64")
    if types.is_fixed_size_list(kind):
        return _vectors(array)
    if array.null_count and (types.is_integer(kind) or types.is_boolean(kind)):
        array = array.cast("int8" if types.is_boolean(kind) else kind).cast("float64", safe=False)
    return array.to_numpy(zero_copy_only=False)


def _vectors(array: Any) -> Any:
    """(n, m) numbers; NaN in a row that is missing."""
    if not array.null_count:
        inner = _values(array.flatten())
        return inner.reshape(len(array), array.type.list_size, *inner.shape[1:])
    cells = array.to_pylist()
    given = vectors([cell for cell in cells if cell is not None])
    if given is None:
        return np.full((len(cells), array.type.list_size), np.nan)
    empty = np.full(given.shape[1:], np.nan)
    return vectors([empty if cell is None else cell for cell in cells])
