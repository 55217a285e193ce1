"""Marks that become missing values; text that becomes indicators, 1 where it is, 0 elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from keyword import iskeyword

import numpy as np
from numpy.typing import NDArray

from baksan.table.column import Column

__all__ = ["MOST", "check_marks", "formula", "indicators", "signed", "texts_of", "unmarked"]

MOST = 64
"""Texts of one column that are made indicators of; a column of names has more."""


def check_marks(marks: Sequence[float]) -> None:
    """Raises ValueError for a mark that is not finite."""
    if odd := [mark for mark in marks if not math.isfinite(mark)]:
        raise ValueError(
            f"a mark must be a finite number such as -999; {odd[0]} came. Leave it out: nan is"
            " missing without a mark, and infinite values are left out."
        )


def signed(number: float) -> str:
    """The number for people, with a minus sign: '−999'."""
    return f"{number:g}".replace("-", "−")


def unmarked(column: Column, marks: Sequence[float]) -> tuple[Column, int]:
    """The column with NaN in place of these marks, and how many cells had one.

    A column of integers becomes one of float64 if it holds a mark; text stays as it is.
    """
    values = column.values
    if values.dtype.kind not in "iuf":
        return column, 0
    if values.dtype.kind == "f":  # a mark of single precision is meant as it is written
        with np.errstate(over="ignore"):  # one that this precision does not reach is no infinity
            held = np.asarray(marks, dtype=values.dtype)
        known = held[np.isfinite(held)]
    else:
        known = np.array([mark for mark in marks if float(mark).is_integer()])
    marked = np.isin(values, known)
    if not (count := int(marked.sum())):
        return column, 0
    floats = values if values.dtype.kind == "f" else values.astype(np.float64)
    return replace(column, values=np.where(marked, np.asarray(np.nan, floats.dtype), floats)), count


def texts_of(values: NDArray[np.generic], source: str, name: str) -> tuple[str, ...]:
    """The texts that occur, missing ones apart, in alphabetical order.

    Raises ValueError for more than `MOST`.
    """
    texts = sorted({str(v) for v in values.tolist()} - {""})
    if len(texts) > MOST:
        raise ValueError(
            f"{source}: a text feature must hold at most {MOST} different texts, of which"
            f" indicators are made; {name!r} holds {len(texts):,}, such as {texts[0]!r} and"
            f" {texts[1]!r}. Leave it out, or make a column of fewer kinds."
        )
    return tuple(texts)


def formula(name: str, text: str) -> str:
    """The condition that a column is this text, as formulas are written."""
    plain = name.isidentifier() and not iskeyword(name)
    return f"{name if plain else f'`{name}`'} == {text!r}"


def indicators(name: str, column: Column, texts: Iterable[str]) -> Mapping[str, Column]:
    """For each text a column that is 1 where `column` is this text; see `formula` for its name."""
    made = {formula(name, text): text for text in texts}
    return {
        told: Column(column.values == text, "", f"= {told}", (name, text))
        for told, text in made.items()
    }
