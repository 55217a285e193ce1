"""A column: values with a unit, as a file gives them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from baksan.samples import class_text

__all__ = ["NUMBER", "Column", "joined", "mixed"]

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MANY = 0.1  # share of numbers from which a column of text may have been meant as numbers


@dataclass(frozen=True, eq=False)
class Column:
    """One column: values (n,) numbers, bool or text; (n, m) where each cell is a vector.

    Missing numbers are NaN, missing text is "". `unit` is as in the file, "" if it gives none.
    `indicates`: of an indicator, the column of text and the text that it stands for.
    `kind`: of a vector that can be an answer, what it is: a direction, or a place.
    `places`: of a vector with a number for each detector, where these stand, in m.
    `role`: 'truth' for what only a simulation knows, 'detail' for what others were made of; such a
    column is a feature only where it is named.
    `finite`: a reader has seen that no value is missing or infinite, so nobody need look again; a
    column made of this one by `replace` knows it no more.
    """

    values: NDArray[np.generic]
    unit: str = ""
    description: str = ""
    indicates: tuple[str, str] | None = None
    role: Literal["", "truth", "detail"] = ""
    places: tuple[tuple[float, ...], ...] = ()
    kind: Literal["", "direction", "position"] = ""
    finite: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", np.asarray(self.values))
        if self.places and self.values.shape[1:] != (len(self.places),):
            raise ValueError(
                f"a column with places needs one number for each of them, (n, {len(self.places)});"
                f" its values have the shape {self.values.shape}."
            )

    def found_finite(self) -> Column:
        """The same column, of which `finite` is known."""
        found = replace(self)
        object.__setattr__(found, "finite", True)
        return found

    @property
    def is_text(self) -> bool:
        return self.values.dtype.kind in "USO"

    @property
    def missing(self) -> NDArray[np.bool_]:
        """True where a value is missing, (n,)."""
        if self.is_text:
            return np.asarray(self.values == "")
        if self.values.dtype.kind == "f":
            lost = np.isnan(self.values)
            return np.asarray(lost if lost.ndim == 1 else lost.any(axis=tuple(range(1, lost.ndim))))
        return np.zeros(len(self.values), dtype=bool)

    @property
    def unusable(self) -> NDArray[np.bool_] | None:
        """True where a value is missing or infinite, (n,); None where there is no such value."""
        if self.finite:
            return None
        if self.values.dtype.kind == "f":
            finite = np.isfinite(self.values)
            return None if finite.all() else ~finite.all(axis=tuple(range(1, finite.ndim)))
        return self.missing if self.is_text else None

    @property
    def infinite(self) -> NDArray[np.bool_] | None:
        """True where a value is infinite, (n,); None where there is no such value."""
        if self.finite or self.values.dtype.kind != "f":
            return None
        infinite = np.isinf(self.values)
        return infinite.any(axis=tuple(range(1, infinite.ndim))) if infinite.any() else None

    @property
    def usable(self) -> NDArray[np.generic]:
        """The values that are neither missing nor infinite."""
        return self.values if (bad := self.unusable) is None else self.values[~bad]

    @property
    def as_text(self) -> Column:
        """The same in text: whole floats as integers; a missing number is missing text."""
        if self.is_text:
            return self
        values = class_text(self.values)
        values[self.missing] = ""
        return replace(self, values=values)

    @property
    def mixed(self) -> str:
        """'160 of 200 cells are numbers' for text of which a tenth or more is numbers, else ""."""
        return mixed(*self.numbers_in_text)

    @property
    def example(self) -> str:
        """The first text that is neither missing nor a number, else the first; "" without rows."""
        words = (v for v in self.values.tolist() if v and not NUMBER.fullmatch(str(v)))
        return str(next(words, self.values[0] if len(self.values) else ""))

    @property
    def numbers_in_text(self) -> tuple[int, int]:
        """How many cells of text hold a number, and how many hold anything."""
        cells = [str(v) for v in self.values.tolist() if v] if self.is_text else []
        return sum(NUMBER.fullmatch(cell) is not None for cell in cells), len(cells)


def mixed(found: int, cells: int) -> str:
    """'160 of 200 cells are numbers' where a tenth or more of text cells are, else ""."""
    many = found and found >= _MANY * cells
    return f"{found:,} of {cells:,} cells are numbers" if many else ""


def joined(columns: Sequence[Column]) -> Column:
    """Columns, one after another: text if some are text, and what is missing stays missing.

    Examples
    --------
    >>> joined([Column(np.array([np.nan, 1.0])), Column(np.array(["gamma"]))]).values.tolist()
    ['', '1', 'gamma']
    """
    if any(c.is_text for c in columns):
        columns = [c.as_text for c in columns]
    return replace(columns[0], values=np.concatenate([c.values for c in columns]))
