"""`load`: a file, a folder or a data set of the catalogue, ready to become Samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from baksan.data import formats
from baksan.data.catalogue import ENTRIES, Entry
from baksan.data.catalogue.files import check, find, sha256
from baksan.data.columns import DEFAULT_ROWS
from baksan.data.expressions import columns as columns_of
from baksan.data.expressions import derive, features_of, left_out, select
from baksan.data.formats import blocks, files_of, read
from baksan.samples import Samples, counted
from baksan.table import Table

__all__ = ["Loaded", "entry", "footprint", "is_file", "load", "names", "none_kept", "stream"]

Progress = Callable[[str], object]
"""progress(what is being done)."""


@dataclass(frozen=True, repr=False)
class Loaded:
    """A table, and what the catalogue knows about it (`entry` is None for a file)."""

    table: Table
    entry: Entry | None = None
    part: str = ""
    files: tuple[Path, ...] = ()

    def __repr__(self) -> str:
        credit = f" {self.entry.credit}" if self.entry else ""
        return f"Loaded({self.table.source}: {counted(len(self.table))}.{credit})"

    def samples(
        self,
        features: Sequence[str] | str | None = None,
        *,
        answer: str | None = None,
        signal: str | None = None,
        weight: str | None = None,
        group: str | None = None,
        id: str | None = None,
        where: str | None = None,
        impute: bool = False,
        beside: str | None = None,
    ) -> Samples:
        """Samples: the catalogue's choices, unless another is given.

        Parameters
        ----------
        features : sequence of str, or str
            Columns, or formulas such as 'lgE = log10(energy)'; or one string with commas between
            them; or the name of one of the catalogue's lists.
        answer, signal, weight, group, id : str
            As in `Table.samples`.
        where : str
            Rows to keep, e.g. 'fSize > 2.3 and fDist < 250'.
        impute : bool
            Keep rows that lack features, with NaN in their place, for each model to fill in.
        beside : str, optional
            One more column or formula, the last of the features, which the catalogue may forbid: to
            bin by, not to learn from.

        Raises
        ------
        KeyError, TypeError
            As `Table.samples`.
        ValueError
            A feature that the catalogue forbids, with the reason; a formula that is not understood;
            and as `Table.samples`.

        Examples
        --------
        >>> X = load("digits").samples()
        >>> X.x.shape, X.class_names[:3]
        ((1797, 64), ('0', '1', '2'))
        """
        wanted = self.wanted(features, beside)
        table = (self.kept(where) if where else self).table
        chosen = None
        if wanted is not None:
            table, chosen = derive(table, wanted)
        roles = {"answer": answer, "weight": weight, "group": group, "id": id, "signal": signal}
        return table.samples(features=chosen, impute=impute, **self.choices(roles))

    def choices(self, asked: Mapping[str, str | None]) -> dict[str, Any]:
        """The arguments of `Table.samples` (answer, weight, …): the catalogue's, unless given."""
        if self.entry is None:
            return dict(asked)
        answer, signal = asked["answer"], asked["signal"]
        own = answer in (None, self.entry.answer) and self.entry.answer in self.table.columns
        order = self.entry.class_names if own else ()
        if own and signal is not None and signal in order and len(order) == 2:
            order = tuple(sorted(order, key=lambda name: name == signal))
        return {
            **asked,
            "answer": self.entry.answer if own else answer,
            "group": asked["group"] or self.entry.group,
            "id": asked["id"] or self.entry.id,
            "class_names": order,
            "allow_constant": self.entry.allow_constant,
        }

    def wanted(
        self, features: Sequence[str] | str | None, beside: str | None = None
    ) -> list[str] | None:
        """The columns and formulas that are features; None for every number column that varies.

        Raises ValueError for one that the catalogue forbids, unless it is the one `beside` them.
        """
        wanted = self._listed(features)
        if self.entry and wanted:
            self._check_allowed(self.entry, wanted)
        return wanted if beside is None else [*(wanted or ()), beside]

    def kept(self, where: str) -> Loaded:
        """The same with the rows for which a condition is true. Raises ValueError if none is."""
        table = select(self.table, where)
        if not len(table):
            raise none_kept(self.table.source, where, len(self.table))
        return replace(self, table=table)

    def checksums(self, progress: Progress | None = None) -> dict[str, str]:
        """The SHA-256 of each file, by name."""
        return {path.name: sha256(path, progress) for path in self.files}

    def _listed(self, features: Sequence[str] | str | None) -> list[str] | None:
        lists = self.entry.features if self.entry else {}
        if features is None:
            return list(next(iter(lists.values()))) if lists else None
        if isinstance(features, str):
            return list(lists[features]) if features in lists else features_of(features)
        return list(features)

    def _check_allowed(self, known: Entry, wanted: Sequence[str]) -> None:
        for item in wanted:
            formula = item if item not in self.table.columns else f"`{item}`"
            for column in columns_of(formula):
                if reason := known.reason(column):
                    raise ValueError(
                        f"{known.name}: features that a new event has are needed; {column!r} is"
                        f" forbidden: {reason}. Take a list such as --features"
                        f" {next(iter(known.features))}; to see what it does, train on the file"
                        f" itself ({self.files[0]}), in Python on load({known.name!r}).table."
                    )


def none_kept(source: str, where: str, rows: int) -> ValueError:
    """What is said of a condition that no row fulfils."""
    return ValueError(
        f"{source}: the condition must keep some rows; {where!r} keeps none of {rows:,}."
        " Ask for less."
    )


def names() -> tuple[str, ...]:
    """The names of the catalogue."""
    return tuple(ENTRIES)


def entry(name: str) -> Entry:
    """The entry of a name, with or without a part. Raises KeyError that lists what there is."""
    stem, _, part = name.partition(":")
    if stem not in ENTRIES:
        raise KeyError(
            f"a file, a folder or a name of the catalogue is needed; {name!r} is none of them."
            f" The catalogue has {', '.join(ENTRIES)}."
        )
    found = ENTRIES[stem]
    if part and part not in found.parts:
        raise KeyError(f"{stem} has the parts {', '.join(found.parts)}; {part!r} is none of them.")
    return found


def load(
    name: str | Path,
    *,
    allow_changed: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Loaded:
    """A file or folder if there is one of that name, else a data set of the catalogue.

    Parameters
    ----------
    name : str or Path
        'events.parquet', 'magic', 'fermi-4fgl:unassociated', …
    allow_changed : bool
        Go on although a file's SHA-256 is not the published one, with a note.
    progress : callable, optional
        progress(what is being done).
    **options
        For files, as `read`.

    Raises
    ------
    KeyError
        Neither a file nor a name (or part) of the catalogue.
    TypeError
        `name` is no name.
    FileNotFoundError
        The files of the data set are not here; the message says how to get them.
    ValueError
        A file of the data set was changed; a file cannot be read.
    """
    if is_file(name):
        return Loaded(read(name, progress=progress, **options), files=tuple(files_of(name)))
    found = entry(str(name))
    part = str(name).partition(":")[2] or next(iter(found.parts))
    files = found.files_of(part)
    paths = [find(found, file) for file in files]
    notes = [
        note
        for f, p in zip(files, paths, strict=True)
        for note in check(f, p, allow_changed, progress)
    ]
    if progress is not None:
        progress(f"reading {name}")
    table = found.described(found.make(paths, part)).with_notes(*notes)
    table = table.unmarked(options.get("marks") or ())
    label = found.name + (f":{part}" if len(found.parts) > 1 else "")
    table = replace(table, source=label)
    return Loaded(table, found, part, tuple(paths))


def stream(
    name: str | Path,
    rows: int = DEFAULT_ROWS,
    *,
    columns: Sequence[str] | None = None,
    where: str | None = None,
    allow_changed: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Iterator[Table]:
    """The same as tables of at most `rows` rows: files in bounded memory, data sets in slices.

    Of files only `columns` are read, if they are given, and those that the condition `where` needs.
    """
    if is_file(name):
        needed = columns if columns is None or not where else [*columns, *columns_of(where)]
        tables = blocks(name, rows, columns=needed, **options)
    else:
        table = load(name, allow_changed=allow_changed, progress=progress, **options).table
        starts = range(0, len(table), rows)
        tables = (table.take(np.arange(at, min(at + rows, len(table)))) for at in starts)
    yield from _kept(tables, str(name), where) if where else tables


def _kept(tables: Iterable[Table], source: str, where: str) -> Iterator[Table]:
    """The rows for which a condition is true; the note that counts the others comes last."""
    held: Table | None = None
    left = rows = 0
    for table in tables:
        part = select(table, where)
        rows, left = rows + len(table), left + len(table) - len(part)
        if len(part):
            if held is not None:
                yield held
            held = replace(part, notes=table.notes)
    if held is None:
        raise none_kept(source, where, rows)
    yield held.with_notes(left_out(left, where))


def footprint(name: str | Path, columns: Sequence[str] | None = None, **options: Any) -> int:
    """Bytes that the table of this name takes in memory, numbers in double precision.

    Of files it is told by headers and first rows; of data sets of the catalogue it is the size of
    their files. Options as `read`; errors as `load`.
    """
    if is_file(name):
        return formats.footprint(name, columns, **options)
    found, part = entry(str(name)), str(name).partition(":")[2]
    files = found.files_of(part or next(iter(found.parts)))
    return sum(find(found, file).stat().st_size for file in files)


def is_file(name: str | Path) -> bool:
    """Whether this is a file or folder, not a name of the catalogue. Raises FileNotFoundError."""
    try:
        return bool(files_of(name))
    except FileNotFoundError:
        # What looks like a file is one that is missing: no name of the catalogue has such marks.
        if any(mark in str(name) for mark in "./\\#"):
            raise
        return False
