"""What an entry of the catalogue says of a data set, and of its files."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from baksan.data.columns import ReadError
from baksan.samples import Feature
from baksan.table import Table

__all__ = ["Entry", "File", "github", "text_answer"]


@dataclass(frozen=True)
class File:
    """A file of a data set.

    Parameters
    ----------
    known : mapping of str to str
        The names under which it is found, each with its SHA-256; the first is the publisher's.
    addresses : tuple of str
        Where the publisher gives it, the best first: the file itself, or a zip with it inside.
    part : str
        The only part of the data set that needs it; "" where all do.
    installed : function, optional
        Where it is, of data that come with a library.
    """

    known: Mapping[str, str]
    addresses: tuple[str, ...] = ()
    part: str = ""
    installed: Callable[[], Path] | None = None

    @property
    def name(self) -> str:
        return next(iter(self.known))


@dataclass(frozen=True)
class Entry:
    """One data set of the catalogue.

    Parameters
    ----------
    name, title, task : str
        `task` is 'classification', 'regression', or 'exploration' where no column is the answer.
    folder : str
        The folder below BAKSAN_DATA (or the cache) that holds the files.
    files : tuple of File
    publisher : str
        Where to get them.
    make : function of (paths, part) -> Table
        Reads the files of the part; adds the columns of the answer and of the group.
    columns : tuple of Feature
        Names, units and descriptions.
    features : mapping of str to tuple of str
        Lists of features by name, the usual one first; an item is a column or a formula.
    answer, class_names, group, id
        As in Samples: columns and the order of the classes (background, signal).
    group_rule : str
        Which rows are never split apart, in words.
    forbidden : mapping of pattern to reason
        Columns that know the answer, or that no measurement has.
    parts : mapping of str to str
        Parts that can be loaded as 'name:part', the usual one first, each in words.
    notes : tuple of str
        What a user should know; commands print it.
    """

    name: str
    title: str
    task: str
    folder: str
    files: tuple[File, ...]
    publisher: str
    make: Callable[[Sequence[Path], str], Table]
    columns: tuple[Feature, ...]
    features: Mapping[str, tuple[str, ...]]
    citation: str
    licence: str
    answer: str = ""
    class_names: tuple[str, ...] = ()
    group: str | None = None
    group_rule: str = "every row stands for itself"
    id: str | None = None
    forbidden: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=lambda: {"all": "all rows"})
    notes: tuple[str, ...] = ()
    allow_constant: bool = False

    @property
    def signal(self) -> str | None:
        """The signal class of two; None for several classes."""
        return self.class_names[1] if len(self.class_names) == 2 else None

    @property
    def credit(self) -> str:
        """Whose data these are: licence and citation, in one line."""
        return f"{self.title}. Licence: {self.licence}. Cite: {self.citation}."

    def files_of(self, part: str = "") -> tuple[File, ...]:
        """The files that a part needs; without one all files."""
        return tuple(f for f in self.files if not part or f.part in ("", part))

    def reason(self, column: str) -> str | None:
        """Why this column must not be a feature; None where it may."""
        if column in (self.answer, self.group):
            return "it is the answer" if column == self.answer else "it only numbers the groups"
        matches = (why for p, why in self.forbidden.items() if fnmatch.fnmatchcase(column, p))
        return next(matches, None)

    def described(self, table: Table) -> Table:
        """The table with the catalogue's units and descriptions where the file gives none."""
        known = {f.name: f for f in self.columns if f.name in table.columns}
        held = {
            name: replace(
                column,
                unit=column.unit or known[name].unit,
                description=column.description or known[name].description,
            )
            for name, column in table.columns.items()
            if name in known
        }
        return table.with_columns(held)


def text_answer(table: Table, column: str, names: Mapping[Any, str], rename: str) -> Table:
    """The table with the class names of a column of codes under the name `rename`.

    Raises ReadError for a code that has no name.
    """
    codes = table[column].tolist()
    if strange := [code for code in codes if code not in names]:
        raise ReadError(
            f"{table.source}: the column {column!r} must hold {', '.join(map(str, names))}; row"
            f" {codes.index(strange[0]) + 1} has {strange[0]!r}. Use the published file."
        )
    return table.with_columns({rename: np.array([names[code] for code in codes])})


def github(repository: str, commit: str, path: str) -> tuple[str, str]:
    """A file of a repository as it was at a commit, and as it is now."""
    where = f"https://raw.githubusercontent.com/{repository}"
    return f"{where}/{commit}/{path}", f"{where}/HEAD/{path}"
