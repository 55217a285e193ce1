"""What a run leaves of its way: a row at log-spaced moments."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = ["COLUMNS", "History", "Now", "row_after", "row_steps"]

COLUMNS = (
    "step", "epoch", "seen", "loss", "loss_progressive", "validation", "gradient", "rate", "change",
    "seconds",
)  # fmt: skip


class Now(NamedTuple):
    """How far a fit is; NaN where unknown.

    Steps taken, and in all; the mean cost of the last events, the validation loss, and the rate, as
    the history saw them last.
    """

    step: int
    last: float
    loss: float
    validation: float = math.nan
    rate: float = math.nan

    @property
    def share(self) -> float:
        """What is done, from 0 to 1; 0 where the end is unknown."""
        return self.step / self.last if self.last else 0.0

    def __str__(self) -> str:
        """The numbers that are known, such as "loss 0.31, validation 0.33, rate 0.001"."""
        told = {name: getattr(self, name) for name in ("loss", "validation", "rate")}
        return ", ".join(f"{name} {x:.4g}" for name, x in told.items() if not math.isnan(x))


@dataclass
class History:
    """One row at each of the log-spaced moments of a run, at most about 300.

    step, epoch, seen (samples), loss (Q as the last step found it for full batches, else Q now on
    a fixed subsample), loss_progressive (mean cost before each update since the last row),
    validation (loss), gradient (norm), rate, change (|w_t − w_(t−1)|), seconds. NaN where unknown.
    """

    rows: list[tuple[float, ...]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, column: str) -> Array:
        if column not in COLUMNS:
            raise KeyError(f"a history has no column {column!r}; it has {', '.join(COLUMNS)}.")
        j = COLUMNS.index(column)
        return np.array([row[j] for row in self.rows], dtype=float)

    def latest(self, column: str) -> float:
        """The last known value of a column; NaN if there is none."""
        j = COLUMNS.index(column)
        known = (row[j] for row in reversed(self.rows) if not math.isnan(row[j]))
        return next(known, math.nan)

    def to_dict(self) -> dict[str, Array]:
        """Columns by name."""
        return {name: self[name] for name in COLUMNS}

    @classmethod
    def from_dict(cls, columns: Mapping[str, Any]) -> History:
        """The History with these columns."""
        return cls(
            list(zip(*(np.asarray(columns[c], dtype=float).tolist() for c in COLUMNS), strict=True))
        )


def row_steps() -> Iterator[int]:
    """The steps at which a history has rows: each at first, then 7 % apart, about 300 in 1e9."""
    step = 1
    while True:
        yield step
        step = row_after(step)


def row_after(step: int) -> int:
    """The next step at which a history has a row."""
    return max(step + 1, math.ceil(1.07 * step))
