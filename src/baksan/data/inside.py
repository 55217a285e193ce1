"""What is in a file of several tables: a line for each, its rows and columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from baksan.data.columns import ReadError
from baksan.data.formats import blocks
from baksan.data.parts import rows_of

__all__ = ["inside"]

_NAMED = 6  # columns that are called by name


def inside(path: str | Path, parts: Iterable[str]) -> Iterator[str]:
    """'events  74 rows, 12 columns: event_id, timestamp, …' for each of these tables of a file.

    Of a table that cannot be read the line says why.
    """
    held = list(parts)
    wide = max(map(len, held), default=0)
    for part in held:
        yield f"  {part.ljust(wide)}  {_told(Path(path), part)}"


def _told(path: Path, part: str) -> str:
    try:
        names = next(iter(blocks(path, 1, part=part))).names
        rows = rows_of(path, {"part": part})
    except ReadError as error:
        return str(error).removeprefix(f"{path}: ").partition(". ")[0]  # what came; not what to do
    shown = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
    return f"{_count(rows, 'row')}, {_count(len(names), 'column')}: {shown}"


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
