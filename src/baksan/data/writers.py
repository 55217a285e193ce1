"""A table in each format: what `baksan.data.convert` calls by the ending of a file's name.

Each writer is handed tables with the same columns, one after the other, and tells in `Lost` what
its format cannot keep. Where a format must know all rows first, the tables are put together.
"""

from __future__ import annotations

import errno
import gzip
import io
import json
import math
import re
import sqlite3
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from baksan import units
from baksan.data import ecsv, parquet
from baksan.data.columns import MANY_WORDS, MISSING
from baksan.data.formats import joined
from baksan.data.plain import is_number
from baksan.samples import Feature
from baksan.table import Column, Table

__all__ = ["ENDINGS", "Lost", "writer_of"]

_NAMED = 8  # columns that a note calls by name
_LONGEST_HEADER = 10_000  # bytes of a header that NumPy reads without being asked to trust it
_GROWTH = 16 << 20  # bytes by which an HDF5 file grows in memory
_TABLE = "events"  # what the table is called in formats that hold several

Tables = Iterator[Table]
_VECTORS = "columns of vectors, written as name[0], name[1], …"
_CONTROL = r"[\x00-\x08\x0e-\x1f]"
"""Characters that no text holds; a file that has them is taken for a binary one."""


@dataclass
class Lost:
    """What a format could not keep, and of which columns."""

    answer: str | None = None
    """The column to predict: LIBSVM's label."""
    held: dict[str, dict[str, None]] = field(default_factory=dict)

    def add(self, what: str, names: Iterable[str]) -> None:
        for name in names:
            self.held.setdefault(what, {})[name] = None

    def notes(self) -> list[str]:
        """One sentence, if anything was lost."""
        told = [f"{what} ({_few(list(names))})" for what, names in self.held.items()]
        return [f"this format does not keep: {'; '.join(told)}."] if told else []


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _tell_about(table: Table, lost: Lost, kept: Sequence[str] = ()) -> None:
    """Units and descriptions, unless they are among what is kept."""
    if "units" not in kept:
        lost.add("units", (n for n, c in table.columns.items() if c.unit))
    if "descriptions" not in kept:
        lost.add("descriptions", (n for n, c in table.columns.items() if c.description))


def _flat(table: Table, lost: Lost) -> dict[str, Column]:
    """The columns with one value in each cell: vectors are taken apart."""
    flat: dict[str, Column] = {}
    for name, column in table.columns.items():
        if column.values.ndim == 1:
            flat[name] = column
            continue
        lost.add(_VECTORS, [name])
        for feature, values in table.numbers_of(name, slice(None)):
            flat[feature.name] = Column(values, column.unit, column.description)
    return flat


def _needs(module: str, extra: str, path: Path) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError:
        raise ValueError(
            f"{path.suffix}: {module.partition('.')[0]} is needed to write this format; it is not"
            f" installed. Install it with: pip install 'baksan[{extra}]'"
        ) from None


# Text ---------------------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file, packed if its name ends in .gz; the same bytes for the same table."""
    with path.open("wb") as file:
        if path.suffix == ".gz":
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                yield packed  # type: ignore[misc]
        else:
            yield file


def _write_csv(tables: Tables, path: Path, lost: Lost, mark: str = ",") -> None:
    """Names with their units in the first line; text in quotation marks."""
    with _opened(path) as file:
        for k, table in enumerate(tables):
            columns = _flat(table, lost)
            if not k:
                file.write(_names_line(columns, lost, mark).encode())
            _tell_of_looks(columns, lost)
            _write_lines(
                file, [_cells(n, _double(c.values), lost) for n, c in columns.items()], mark
            )


def _write_tsv(tables: Tables, path: Path, lost: Lost) -> None:
    _write_csv(tables, path, lost, "\t")


def _names_line(columns: dict[str, Column], lost: Lost, mark: str) -> str:
    names = []
    for name, column in columns.items():
        kept = bool(column.unit) and units.known(column.unit) and not column.unit.isdigit()
        names.append(f"{name} [{column.unit}]" if kept else name)
        lost.add("units that are not known", [name] if column.unit and not kept else [])
        lost.add("descriptions", [name] if column.description else [])
        lost.add("line breaks, control characters and blanks at the ends of names",
                 [name] * (_line_of(name) != name))  # fmt: skip
        lost.add("names that are numbers: read it with header=True", [name] * is_number(name))
    return mark.join(map(_quoted, names)) + "\n"


def _quoted(text: str) -> str:
    return '"' + _line_of(text).replace('"', '""') + '"'


def _line_of(name: str) -> str:
    """What a reader of lines makes of a name."""
    return re.sub(rf"[\r\n]+|{_CONTROL}", " ", name).strip()


def _tell_of_looks(columns: dict[str, Column], lost: Lost) -> None:
    """Text that a reader takes for numbers or for true and false."""
    for name, column in columns.items():
        if column.is_text:
            cells = [str(v) for v in column.values.tolist() if v not in MISSING]
            words = sum(not is_number(cell) for cell in cells)
            if words <= MANY_WORDS * len(cells) or {c.lower() for c in cells} <= {"true", "false"}:
                lost.add("text that looks like numbers: read it with text=[…]", [name])


def _cells(name: str, values: NDArray[Any], lost: Lost) -> Any:
    """Arrow's strings: text in quotation marks, numbers to the last digit that tells them apart."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if values.dtype.kind in "US":
        text = pa.array(values.astype(str).tolist())  # of an array, Arrow ends text at a NUL
        if pc.any(pc.match_substring_regex(text, r"[\r\n]")).as_py():
            lost.add("line breaks in text, written as blanks", [name])
            text = pc.replace_substring_regex(text, r"[\r\n]+", " ")
        if pc.any(pc.match_substring_regex(text, _CONTROL)).as_py():
            lost.add("control characters in text, written as blanks", [name])
            text = pc.replace_substring_regex(text, _CONTROL, " ")
        if pc.any(pc.not_equal(text, pc.utf8_trim_whitespace(text))).as_py():
            lost.add("blanks at the ends of text", [name])
        doubled = pc.replace_substring(text, '"', '""')
        return pc.binary_join_element_wise('"', doubled, '"', "")
    cells = pc.cast(pa.array(np.ascontiguousarray(values)), pa.string())
    if values.dtype.kind != "f":
        return cells
    # A point tells a float that happens to be whole from a whole number.
    return pc.replace_substring_regex(cells, r"^(-?\d+)$", r"\1.0")


def _double(values: NDArray[Any]) -> NDArray[Any]:
    """Single precision with all the digits that it has as a double, which readers make of it."""
    return values.astype(np.float64) if values.dtype == np.float32 else values


def _write_lines(file: BinaryIO, cells: list[Any], mark: str) -> None:
    import pyarrow.compute as pc

    lines = pc.binary_join_element_wise(*cells, mark) if len(cells) > 1 else cells[0]
    file.write(("\n".join(lines.to_pylist()) + "\n").encode())


def _write_ecsv(tables: Tables, path: Path, lost: Lost) -> None:
    """astropy's CSV, with types, units, descriptions and vectors."""
    with _opened(path) as file:
        for k, table in enumerate(tables):
            if not k:
                _check_lines(table.names)
                about = [_typed(name, column) for name, column in table.columns.items()]
                names = ",".join(map(_quoted, table.names))
                file.write(f"{ecsv.header(about, ',')}{names}\n".encode())
            cells = [_ecsv_cells(n, c.values, lost) for n, c in table.columns.items()]
            _write_lines(file, cells, ",")


def _check_lines(names: Sequence[str]) -> None:
    """Raises ValueError for a name that is not the same in the header and in the first line."""
    if strange := [name for name in names if not name or _line_of(name) != name]:
        raise ValueError(
            "ECSV needs names of columns without line breaks, control characters and blanks at the"
            f" ends; there is {strange[0]!r}. Rename it, or write .parquet."
        )


def _typed(name: str, column: Column) -> tuple[Feature, str, str]:
    """The feature, its datatype and its subtype."""
    values = column.values
    kind = "string" if values.dtype.kind in "US" else values.dtype.name
    feature = Feature(name, column.unit, column.description)
    if values.ndim == 1:
        return feature, kind, ""
    return feature, "string", f"{kind}[{','.join(map(str, values.shape[1:]))}]"


def _ecsv_cells(name: str, values: NDArray[Any], lost: Lost) -> Any:
    import pyarrow as pa

    if values.ndim > 1:
        return pa.array([f'"{json.dumps(cell)}"' for cell in values.tolist()])
    if values.dtype.kind == "b":
        return pa.array(np.where(values, "True", "False"))
    return _cells(name, values, lost)


# JSON ---------------------------------------------------------------------------------------------


def _write_json(tables: Tables, path: Path, lost: Lost) -> None:
    """An object of columns."""
    table = joined(list(tables))
    _tell_about(table, lost)
    pairs = [f"{_json(n)}: {_json(_told(n, c.values, lost))}" for n, c in table.columns.items()]
    with _opened(path) as file:
        file.write(("{" + ",\n ".join(pairs) + "}\n").encode())


def _write_json_lines(tables: Tables, path: Path, lost: Lost) -> None:
    """An object for each row."""
    with _opened(path) as file:
        for table in tables:
            _tell_about(table, lost)
            cells = [_told(name, c.values, lost) for name, c in table.columns.items()]
            records = (dict(zip(table.names, row, strict=True)) for row in zip(*cells, strict=True))
            file.write("".join(_json(record) + "\n" for record in records).encode())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _told(name: str, values: NDArray[Any], lost: Lost) -> list[Any]:
    """Python's values, null for NaN; infinities stay, though strict JSON has none."""
    if values.dtype.kind == "f" and np.isinf(values).any():
        lost.add("infinities in strict JSON, written as Infinity", [name])
    plain = values.tolist()
    return [_null(value) for value in plain] if values.dtype.kind == "f" else plain


def _null(value: Any) -> Any:
    if isinstance(value, list):
        return [_null(one) for one in value]
    return None if math.isnan(value) else value


# NumPy --------------------------------------------------------------------------------------------


def _structured(table: Table) -> NDArray[Any]:
    """One array with a field for each column."""
    kinds = [(name, c.values.dtype, c.values.shape[1:]) for name, c in table.columns.items()]
    array = np.empty(len(table), dtype=kinds)
    for name, column in table.columns.items():
        array[name] = column.values
    return array


def _write_npy(tables: Tables, path: Path, lost: Lost) -> None:
    table = joined(list(tables))
    _tell_about(table, lost)
    array = _structured(table)
    if len(str(array.dtype.descr)) > _LONGEST_HEADER:
        raise ValueError(
            f"an .npy file of fewer columns is needed, since NumPy reads no longer header; this"
            f" table has {len(table.columns):,}. Write .npz or .parquet."
        )
    with path.open("wb") as file:
        _write_array(SimpleNamespace(write=file.write), array)


def _write_npz(tables: Tables, path: Path, lost: Lost) -> None:
    """An array for each column; a column that is alone keeps its name as the field of one."""
    table = joined(list(tables))
    _tell_about(table, lost)
    arrays = {name: column.values for name, column in table.columns.items()}
    if len(arrays) == 1:
        arrays = {_TABLE: _structured(table)}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                _write_array(file, values)


def _write_array(file: Any, values: NDArray[Any]) -> None:
    """By the file's own `write`: NumPy's `tofile` says nothing of a disk that is full."""
    with warnings.catch_warnings():
        # NumPy warns of names beyond Latin-1, which versions before 1.17 cannot read.
        warnings.simplefilter("ignore", UserWarning)
        np.lib.format.write_array(file, np.ascontiguousarray(values), allow_pickle=False)


# Binary tables ------------------------------------------------------------------------------------


def _write_parquet(tables: Tables, path: Path, lost: Lost) -> None:
    parquet.write_blocks(tables, path)


def _write_hdf5(tables: Tables, path: Path, lost: Lost) -> None:
    """A compound dataset, which astropy, h5py and PyTables read; units as ctapipe notes them."""
    h5py = _needs("h5py", "hdf5", path)
    # In memory: a full disk would leave the HDF5 library in pieces, and the process with it.
    with h5py.File(path, "w", driver="core", block_size=_GROWTH, backing_store=False) as file:
        made = None
        for table in tables:
            if made is None:
                kinds = [_hdf5_kind(name, c, h5py) for name, c in table.columns.items()]
                made = file.create_dataset(_TABLE, (0,), kinds, maxshape=(None,), chunks=True)
                for j, column in enumerate(table.columns.values()):
                    made.attrs[f"CTAFIELD_{j}_UNIT"] = column.unit
                    made.attrs[f"CTAFIELD_{j}_DESC"] = column.description
            rows = np.empty(len(table), dtype=made.dtype)
            for name, column in table.columns.items():
                rows[name] = _without_nul(name, column)
            made.resize(len(made) + len(table), axis=0)
            made[-len(table) :] = rows
        file.flush()
        image = file.id.get_file_image()
    path.write_bytes(image)


def _hdf5_kind(name: str, column: Column, h5py: Any) -> tuple[Any, ...]:
    values = column.values
    if not name or "\0" in name:
        raise ValueError(
            f"HDF5 needs names of columns without NUL characters; there is {name!r}. Rename it, or"
            " write .parquet."
        )
    return name, h5py.string_dtype() if column.is_text else values.dtype, values.shape[1:]


def _without_nul(name: str, column: Column) -> NDArray[Any]:
    """The values. Raises ValueError for text with a NUL, which ends HDF5's."""
    nul = (i for i, v in enumerate(column.values.tolist()) if "\0" in v) if column.is_text else ()
    for row in nul:
        raise ValueError(
            f"HDF5 needs text without NUL characters; row {row + 1:,} of column {name!r} has one."
            " Leave them out, or write .parquet."
        )
    return column.values


def _write_fits(tables: Tables, path: Path, lost: Lost) -> None:
    """A binary table; FITS knows ASCII alone."""
    fits = _needs("astropy.io.fits", "astro", path)
    table = joined(list(tables))
    if strange := [name for name in table.names if not _is_ascii(name) or len(name) > 68]:
        raise ValueError(
            "FITS needs names of columns in ASCII, of at most 68 characters; there is"
            f" {strange[0]!r}. Rename it, or write .parquet or .ecsv."
        )
    if len(table.columns) > 999:
        raise ValueError(
            f"FITS holds at most 999 columns; there are {len(table.columns):,}. Choose columns, or"
            " write .parquet."
        )
    held = {n: Column(_for_fits(n, c.values, lost), c.unit) for n, c in table.columns.items()}
    hdu = fits.BinTableHDU(_structured(Table(held)), name=_TABLE)
    for j, (name, column) in enumerate(table.columns.items(), start=1):
        for key, what, text in (
            (f"TUNIT{j}", "units beyond ASCII", column.unit),
            (f"TCOMM{j}", "descriptions beyond ASCII", " ".join(column.description.split())),
        ):
            if text and _is_ascii(text):
                hdu.header[key] = text
            else:
                lost.add(what, [name] if text else [])
    packed = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(packed)
    with _opened(path) as file:
        file.write(packed.getbuffer())


def _is_ascii(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _for_fits(name: str, values: NDArray[Any], lost: Lost) -> NDArray[Any]:
    """Text in ASCII, signed bytes in two."""
    if values.dtype.kind != "U":
        return values.astype(np.int16) if values.dtype == np.int8 else values
    cells = [str(v) for v in values.tolist()]
    plain = ["".join(c if " " <= c <= "~" else "?" for c in cell) for cell in cells]
    if plain != cells:
        lost.add("characters beyond ASCII and line breaks, written as ?", [name])
    return np.array(plain, dtype=f"S{max(1, *map(len, plain))}")


def _write_root(tables: Tables, path: Path, lost: Lost) -> None:
    """A TTree; an RNTuple where there is text, which ROOT reads since 6.34."""
    uproot, ak = _needs("uproot", "root", path), _needs("awkward", "root", path)
    with uproot.recreate(path) as file:
        first = next(tables)
        text = any(column.is_text for column in first.columns.values())
        if text:
            made = file.mkrntuple(_TABLE, _awkward(first, ak))
        else:
            kinds = {n: np.dtype((c.values.dtype, c.values.shape[1:])) for n, c in
                     first.columns.items()}  # fmt: skip
            made = file.mktree(_TABLE, kinds)
        for k, table in enumerate(chain([first], tables)):
            _tell_about(table, lost)
            if text and k:  # the first has been written as it was made
                made.extend(_awkward(table, ak))
            elif not text:
                made.extend({name: c.values for name, c in table.columns.items()})


def _awkward(table: Table, ak: Any) -> Any:
    held = {n: c.values.tolist() if c.is_text else c.values for n, c in table.columns.items()}
    return ak.zip(held, depth_limit=1)


# Databases and index:value ------------------------------------------------------------------------


def _write_sqlite(tables: Tables, path: Path, lost: Lost) -> None:
    """One table; a missing number is NULL."""
    path.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode = OFF")
            for k, table in enumerate(tables):
                columns = _flat(table, lost)
                _tell_about(table, lost)
                lost.add("true and false, written as 1 and 0",
                         (n for n, c in columns.items() if c.values.dtype.kind == "b"))  # fmt: skip
                if not k:
                    kinds = (f"{_name(n)} {_affinity(c)}" for n, c in columns.items())
                    database.execute(f"CREATE TABLE {_TABLE} ({', '.join(kinds)})")
                rows = zip(*(_bound(n, c.values, lost) for n, c in columns.items()), strict=True)
                marks = ", ".join("?" * len(columns))
                database.executemany(f"INSERT INTO {_TABLE} VALUES ({marks})", rows)
            database.commit()
    except sqlite3.Error as error:
        if "full" in str(error) or "I/O" in str(error):
            raise OSError(errno.ENOSPC, str(error)) from None
        raise ValueError(
            f"SQLite needs names that differ in more than case and at most 2,000 columns; it says:"
            f" {error}. Rename or choose columns, or write .parquet."
        ) from None


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _affinity(column: Column) -> str:
    return "TEXT" if column.is_text else "REAL" if column.values.dtype.kind == "f" else "INTEGER"


def _bound(name: str, values: NDArray[Any], lost: Lost) -> list[Any]:
    if values.dtype.kind == "u" and len(values) and values.max() > np.iinfo(np.int64).max:
        lost.add("whole numbers beyond 63 bits, written as rounded", [name])
        values = values.astype(np.float64)
    plain: list[Any] = values.tolist()
    return [_null(value) for value in plain] if values.dtype.kind == "f" else plain


def _write_libsvm(tables: Tables, path: Path, lost: Lost) -> None:
    """'label index:value …' with indices from 1; zeros are left out."""
    table = joined(list(tables))
    answer = lost.answer or ("label" if "label" in table.columns else None)
    if answer is None:
        raise ValueError(
            "LIBSVM text needs a label for each row; none was named. Name the column with --answer"
            " (answer=…)."
        )
    labels = _labels(table.column(answer).values, answer, lost)
    columns = _flat(Table({n: c for n, c in table.columns.items() if n != answer}), lost)
    lost.add("columns of text, left out", (n for n, c in columns.items() if c.is_text))
    queries = columns.pop("qid", None)
    numbers = {n: c.values for n, c in columns.items() if not c.is_text}
    _tell_about(table, lost)
    _tell_of_numbers(answer, numbers, lost)
    if not numbers:
        raise ValueError("LIBSVM text needs a column of numbers besides the label; there is none.")
    cells = list(zip(*(values.tolist() for values in numbers.values()), strict=True))
    with _opened(path) as file:
        for i, row in enumerate(cells):
            begin = [labels[i]] if queries is None else [labels[i], f"qid:{queries.values[i]}"]
            # The first row tells the width, though its last value be zero.
            pairs = (f"{j + 1}:{_digits(value)}" for j, value in enumerate(row)
                     if value or (not i and j + 1 == len(row)))  # fmt: skip
            file.write((" ".join([*begin, *pairs]) + "\n").encode())


def _tell_of_numbers(answer: str, numbers: dict[str, NDArray[Any]], lost: Lost) -> None:
    wanted = ["label", *(f"x{j + 1}" for j in range(len(numbers)))]
    given = zip([answer, *numbers], wanted, strict=True)
    lost.add("names, which become label, x1, x2, …", (name for name, want in given if name != want))
    missing = (n for n, v in numbers.items() if v.dtype.kind == "f" and np.isnan(v).any())
    lost.add("missing values for other programs, written as nan", missing)


def _digits(value: Any) -> str:
    return repr(int(value) if isinstance(value, bool) else value)


def _labels(values: NDArray[Any], answer: str, lost: Lost) -> list[str]:
    """The labels as text; classes are numbered in the order of the alphabet."""
    if values.ndim > 1:
        raise ValueError(f"LIBSVM text needs one label for each row; {answer!r} holds vectors.")
    if values.dtype.kind not in "US":
        return [_digits(value) for value in values.tolist()]
    names, index = np.unique(values, return_inverse=True)
    told = ", ".join(f"{k} for {name}" for k, name in enumerate(names.tolist()[:_NAMED]))
    lost.add(f"the names of classes, written as {told}", [answer])
    return [str(k) for k in index.tolist()]


ENDINGS = {
    ".parquet": _write_parquet, ".csv": _write_csv, ".tsv": _write_tsv, ".txt": _write_tsv,
    ".ecsv": _write_ecsv, ".json": _write_json, ".jsonl": _write_json_lines, ".npy": _write_npy,
    ".npz": _write_npz, ".fits": _write_fits, ".h5": _write_hdf5, ".hdf5": _write_hdf5,
    ".root": _write_root, ".sqlite": _write_sqlite, ".db": _write_sqlite, ".libsvm": _write_libsvm,
}  # fmt: skip
_PACKED = {".csv", ".tsv", ".txt", ".ecsv", ".json", ".jsonl", ".fits", ".libsvm"}


def writer_of(path: Path) -> Any:
    """The writer for the ending of a name. Raises ValueError that lists the endings."""
    ending = path.suffix.lower()
    inner = Path(path.stem).suffix.lower() if ending == ".gz" else ending
    if inner in ENDINGS and (ending != ".gz" or inner in _PACKED):
        return ENDINGS[inner]
    raise ValueError(
        f"{path}: a name that ends in {', '.join(ENDINGS)} is needed (those of text, JSON, LIBSVM"
        f" and FITS may be followed by .gz); it ends in {''.join(path.suffixes[-2:]) or 'nothing'}."
        " Name the file after the format that you want."
    )
