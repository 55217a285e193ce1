"""The verb: convert(x, out). Any table that is read, in another format; and write(table, out)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from baksan.data.expressions import columns as columns_of
from baksan.data.expressions import derive, features_of
from baksan.data.formats import files_of
from baksan.data.loading import entry, is_file, stream
from baksan.data.writers import Lost, writer_of
from baksan.files import replacing
from baksan.samples import counted
from baksan.table import Column, Table

__all__ = ["Written", "convert", "write"]

Progress = Callable[[str], object]
"""progress(what is being done)."""


@dataclass(frozen=True)
class Written:
    """A file that was written."""

    path: Path
    rows: int
    columns: int
    notes: tuple[str, ...]
    """What the reader has to say, and what the format cannot keep."""

    def __str__(self) -> str:
        return "\n".join(
            [f"{counted(self.rows)} of {counted(self.columns, 'column')}: {self.path}", *self.notes]
        )


def write(table: Table, out: str | Path, *, answer: str | None = None) -> Written:
    """A table in the format that the ending of the file's name tells, whole or not at all.

    .parquet, .csv, .tsv, .txt (tabs), .ecsv, .json (an object of columns), .jsonl (a record in each
    line), .npy, .npz, .fits, .h5, .hdf5, .root, .sqlite, .db or .libsvm; those of text, and .fits,
    also with .gz. What is read back from the file is the table, but for what `notes` say.

    Parameters
    ----------
    answer : str, optional
        The column that is LIBSVM's label; 'label' if left out.

    Raises
    ------
    OSError
        The disk is full, the place cannot be written to.
    ValueError
        Another ending; a package that the format needs is missing; a table that the format cannot
        hold, such as LIBSVM without a label or FITS with names beyond ASCII; no rows.

    Examples
    --------
    >>> import tempfile
    >>> from baksan import Column, read
    >>> table = Table({"E": Column(np.array([1.0, 2.5]), "EeV", "energy"), "kind": ["g", "h"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write(table, folder + "/events.csv")
    ...     read(folder + "/events.csv").column("E").unit, written.notes
    ('EeV', ('this format does not keep: descriptions (E).',))
    """
    return _written(lambda: iter([table]), Path(out), answer, None)


def convert(
    x: str | Path,
    out: str | Path,
    *,
    columns: Sequence[str] | str | None = None,
    where: str | None = None,
    answer: str | None = None,
    allow_changed: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Written:
    """A file, a folder or a data set of the catalogue in another format; see `write`.

    Files are read block by block. JSON columns, NPY, NPZ, FITS, HDF5 and LIBSVM are written
    from the whole table in memory, the others block by block. A file that is there is replaced.

    Parameters
    ----------
    columns : sequence of str, or str, optional
        The columns to write, or formulas such as 'lgE = log10(energy)'; or one string with commas
        between them; or the name of one of the catalogue's lists. All columns if left out.
    where : str, optional
        The rows to write, e.g. 'fSize > 2.3'.
    answer : str, optional
        As in `write`; of a data set of the catalogue, its own if left out.
    allow_changed, progress, **options
        As `load`.

    Raises
    ------
    KeyError, FileNotFoundError, ValueError, TypeError
        As `load` and `write`; `out` is the input or lies among its files; a column that holds
        numbers in some files and text in others.

    Examples
    --------
    >>> import tempfile
    >>> from baksan import read
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     wanted = "digit, light = pixel_3_3 + pixel_4_4"
    ...     print(convert("digits", folder + "/d.npz", columns=wanted, where="pixel_2_2 > 8"))
    ...     read(folder + "/d.npz").names
    1,161 rows of 2 columns: ...d.npz
    636 rows left out by the condition pixel_2_2 > 8.
    this format does not keep: descriptions (light).
    ('digit', 'light')
    """
    out = Path(out)
    _check_apart(x, out)
    known = None if is_file(x) else entry(str(x))
    if isinstance(columns, str):
        lists = known.features if known else {}
        columns = list(lists[columns]) if columns in lists else features_of(columns)
    if known and answer is None and known.answer in (columns or [known.answer]):
        answer = known.answer
    options = {"allow_changed": allow_changed, "progress": progress, **options}
    return _written(lambda: _chosen(x, columns, where, options), out, answer, progress)


def _check_apart(x: str | Path, out: Path) -> None:
    """Raises ValueError where the file to be written is one of those that are read."""
    if not is_file(x):
        return
    read = files_of(x)
    beside = read[0].parent.resolve() == out.parent.resolve()
    if out.resolve() in [path.resolve() for path in read] or (Path(x).is_dir() and beside):
        raise ValueError(
            f"{out}: a file apart from those that are read is needed; it is one of them or lies in"
            " their folder. Give another name."
        )


def _chosen(
    x: str | Path, wanted: Sequence[str] | None, where: str | None, options: dict[str, Any]
) -> Iterator[Table]:
    """The tables of `x` with the columns and formulas that are wanted."""
    if wanted is None:
        yield from stream(x, where=where, **options)
        return
    first = next(stream(x, **options))
    made_of = [c for f in wanted for c in ([f] if f in first.columns else columns_of(f))]
    for table in stream(x, columns=list(dict.fromkeys(made_of)), where=where, **options):
        more, names = derive(table, wanted)
        kept = {name: more.column(name) for name in names}
        yield Table(kept, table.source, table.notes, table.rows)


class _Wider(Exception):
    """A block holds what the columns of the first cannot; the file is begun once more."""


def _written(
    tables: Callable[[], Iterator[Table]],
    out: Path,
    answer: str | None,
    progress: Progress | None,
) -> Written:
    writer = writer_of(out)
    kinds: dict[str, np.dtype[Any]] = {}
    while True:
        lost, seen = Lost(answer), _Seen(out, progress)
        try:
            with replacing(out) as beside:
                writer(_alike(seen.counted(tables()), kinds), beside, lost)
            break
        except _Wider:
            continue
    return Written(out, seen.rows, len(kinds), (*seen.notes, *lost.notes()))


class _Seen:
    """Counts the tables that pass."""

    def __init__(self, out: Path, progress: Progress | None) -> None:
        self.out, self.progress = out, progress
        self.rows, self.notes = 0, dict[str, None]()

    def counted(self, tables: Iterator[Table]) -> Iterator[Table]:
        for table in tables:
            yield table
            self.rows += len(table)
            self.notes |= dict.fromkeys(table.notes)
            if self.progress is not None:
                self.progress(f"writing {self.out}: {self.rows:,} rows")
        if not self.rows:
            raise ValueError(f"{self.out}: rows to write are needed; the table has none.")


def _alike(tables: Iterator[Table], kinds: dict[str, np.dtype[Any]]) -> Iterator[Table]:
    """The tables with one type for each column, that of the first if it holds all others.

    Whole numbers may turn out to be broken, or missing, a long way down: then _Wider is raised, and
    `kinds` know it.
    """
    for k, table in enumerate(tables):
        if not k and not kinds:
            kinds.update((name, c.values.dtype) for name, c in table.columns.items())
        held = dict(kinds)
        for name, column in table.columns.items():
            if column.is_text != (kinds[name].kind in "USO"):
                raise TypeError(
                    f"{table.source}: column {name!r} must hold numbers throughout, or text; row"
                    f" {table.rows[0] + 1:,} and those after it hold"
                    f" {'text' if column.is_text else 'numbers'}. Mend the file, or leave it out."
                )
            if not column.is_text:
                kinds[name] = np.result_type(kinds[name], column.values.dtype)
        if k and kinds != held:
            raise _Wider
        yield table.with_columns({n: _as(c, kinds[n]) for n, c in table.columns.items()})


def _as(column: Column, kind: np.dtype[Any]) -> Column:
    kind = np.dtype(str) if column.is_text else kind
    if column.values.dtype.kind == "U" or column.values.dtype == kind:
        return column
    return replace(column, values=column.values.astype(kind))
