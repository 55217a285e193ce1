"""astropy's notes on columns, in the header of ECSV and beside tables in HDF5.

They are YAML of a few shapes, '- {name: ra, unit: deg, datatype: float64}' mostly, which is all
that is read of it. https://github.com/astropy/astropy-APEs/blob/main/APE6.rst
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.data.columns import ReadError, word_error
from baksan.data.json_columns import vectors
from baksan.samples import Feature

__all__ = ["Kind", "Noted", "cells_of_vectors", "header", "notes_of", "separator"]

Kind = str | tuple[int, ...]
"""'int', 'uint', 'float', 'single', 'bool', 'text', or the shape of each cell's list."""

_KINDS = {
    "bool": "bool", "uint64": "uint", "string": "text", "float16": "single", "float32": "single",
}  # fmt: skip
_VALUE = r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|![^\s{,]+\s*\{[^}]*\}|\[[^\]]*\]|[^,}]*"""
_PAIR = re.compile(rf"[{{,]\s*(\w+):\s*({_VALUE})(?=\s*[,}}])")
_LINE = re.compile(r"(\w+):\s*(.*)")


@dataclass(frozen=True)
class Noted:
    """A column as the notes describe it."""

    feature: Feature
    datatype: str = ""
    subtype: str = ""

    @property
    def kind(self) -> Kind | None:
        """What its cells hold; None where only they can tell."""
        if self.subtype:
            shape = re.fullmatch(r"\w+\[(\d+(?:,\d+)*)\]", self.subtype)
            return tuple(map(int, shape[1].split(","))) if shape else "text"
        if re.fullmatch(r"(u?int|float)\d*", self.datatype):
            return _KINDS.get(self.datatype, re.sub(r"u?(int|float)\d*", r"\1", self.datatype))
        return _KINDS.get(self.datatype)

    @property
    def lost(self) -> str:
        """Why it can be no column, "" where it can."""
        if self.datatype.startswith("complex"):
            return "complex numbers"
        if self.subtype == "json":
            return "objects"
        if self.subtype and not isinstance(self.kind, tuple):
            return "lists of different lengths"
        return "lists of text" if self.subtype.startswith(("string", "complex")) else ""


def notes_of(lines: Iterable[str]) -> dict[str, Noted]:
    """The columns that are described, by name."""
    found = {}
    for item in map(_pairs, _items(lines)):
        if name := item.get("name"):
            unit = "" if item.get("unit", "").startswith("!") else item.get("unit", "")
            feature = Feature(name, unit, item.get("description", ""))
            found[name] = Noted(
                feature, item.get("datatype", ""), item.get("subtype", "").replace(" ", "")
            )
    return found


def separator(comments: Iterable[str], source: str) -> str:
    """What parts the fields of an ECSV file: ',' or a blank. Raises ReadError for others."""
    stated = [c for c in map(str.strip, comments) if c.startswith("delimiter:")]
    mark = stated[0].split(":", 1)[1].strip(" '\"") or " " if stated else " "
    if mark not in (" ", ","):
        raise ReadError(
            f"{source}: ECSV parts fields by ',' or by blanks; the header says {mark!r}. Mend the"
            " header."
        )
    return mark


def _items(lines: Iterable[str]) -> Iterator[list[str]]:
    """The lines of each '- …' at the left edge; what is indented belongs to it."""
    held: list[str] = []
    for line in lines:
        if line.startswith("- ") or not line.startswith(" "):
            yield held
            held = []
        if line.startswith("- ") or held:
            held.append(line)
    yield held


def _pairs(item: Sequence[str]) -> dict[str, str]:
    """Keys and values, all of them text: of '{key: value, …}', or one in each line."""
    if not item:
        return {}
    if item[0].startswith("- {"):
        joined = " ".join(line.strip() for line in item)
        return {key: _plain(value) for key, value in _PAIR.findall(joined[2:])}
    found: dict[str, str] = {}
    for line in item:
        if pair := _LINE.match(line[2:]):
            found[pair[1]] = pair[2]
        elif found and line[2:].startswith(" "):  # a long value goes on
            found[next(reversed(found))] += " " + line.strip()
    return {key: _plain(value) for key, value in found.items()}


def _plain(value: str) -> str:
    r"""The text of a YAML value: 'it''s', "\u0438" and words as they are."""
    value = value.strip()
    if value.startswith("'"):
        return value[1:-1].replace("''", "'")
    if not value.startswith('"'):
        return value
    # A long one is folded: a backslash ends the line, another keeps the blank that begins the next.
    value = value.replace("\\ \\ ", " ").replace("\\ ", "")
    try:
        return str(json.loads(re.sub(r"\\x(..)", r"\\u00\1", value)))
    except ValueError:
        return value[1:-1]


def cells_of_vectors(
    cells: Sequence[str], shape: tuple[int, ...], name: str, first: int, source: str
) -> NDArray[Any]:
    """(n, *shape) numbers of cells such as '[1.5,2.0,null]'. Raises ReadError for others."""
    empty = np.full(shape, np.nan)
    lists = [_list(cell) if cell else empty for cell in cells]
    values = vectors([empty if one is None else one for one in lists])
    if values is not None and values.shape[1:] == shape:
        return values
    alone = (vectors([empty if one is None else one]) for one in lists)
    row = next(i for i, v in enumerate(alone) if v is None or v.shape[1:] != shape)
    what = f"a list of {' x '.join(map(str, shape))} numbers"
    raise word_error(source, first + row + 1, name, cells[row][:40], what)


def _list(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


def header(features: Sequence[tuple[Feature, str, str]], mark: str) -> str:
    """The header of an ECSV file of these features with their datatypes and subtypes."""
    lines = ["%ECSV 1.0", "---", "datatype:"]
    for feature, datatype, subtype in features:
        about = {
            "name": feature.name, "unit": feature.unit, "datatype": datatype, "subtype": subtype,
            "description": feature.description,
        }  # fmt: skip
        # JSON's strings are YAML's; a bare word may mean more, such as on or null.
        pairs = [f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in about.items() if v]
        lines.append(f"- {{{', '.join(pairs)}}}")
    lines += [f"delimiter: '{mark}'", "schema: astropy-2.0"]
    return "".join(f"# {line}\n" for line in lines)
