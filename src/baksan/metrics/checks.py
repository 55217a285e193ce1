"""What arrays must be before a figure is computed from them; one sentence where they are not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]

__all__ = ["answers", "every_class", "numbers", "probabilities", "weights"]


def numbers(values: ArrayLike, what: str, rows: int | None = None) -> Array:
    """Finite numbers, one entry for each row. Raises TypeError, ValueError."""
    array = np.asarray(values)
    if array.dtype.kind not in "iufb":
        raise TypeError(f"{what} must hold numbers; it holds {array.dtype}. Convert it first.")
    if array.ndim == 0 or (rows is not None and len(array) != rows):
        needed = "events" if rows is None else f"{rows} events"
        raise ValueError(
            f"{what} must have one entry for each of the {needed}; its shape is {array.shape}."
            " Give the same events in the same order."
        )
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(
            f"{what} must be finite; {array[place]} stands in row {place[0]}."
            " Leave that event out or find out why the model fails there."
        )
    return array


def weights(weight: ArrayLike | None, rows: int) -> Array:
    """Event weights (n,) float, ones for None. Raises ValueError where they sum to 0 or less."""
    w = np.ones(rows) if weight is None else numbers(weight, "weight", rows).astype(float)
    if w.ndim != 1:
        raise ValueError(f"weight must be one number an event; its shape is {w.shape}. Flatten it.")
    if not rows or not w.sum() > 0:
        came = "there are no events" if not rows else f"they sum to {w.sum():g}"
        raise ValueError(f"weights must sum to more than 0; {came}. Give events that count.")
    return w


def answers(y: ArrayLike, rows: int, classes: int) -> Array:
    """Class indices (n,) int. Raises ValueError for anything but 0 … classes − 1."""
    given = numbers(y, "y", rows)
    if given.ndim != 1:
        raise ValueError(f"y must be one class index an event; its shape is {given.shape}.")
    if np.any((given < 0) | (given >= classes) | (given % 1 != 0)):
        raise ValueError(
            f"y must hold class indices 0 … {classes - 1};"
            f" it runs from {given.min():g} to {given.max():g}. Give whole numbers, not ±1."
        )
    return given.astype(np.int64)


def every_class(y: Array, w: Array, classes: int) -> None:
    """Raises ValueError where weights of a class sum to 0 or less: nothing is separated from it."""
    sums = np.bincount(y, w, minlength=classes)
    missing = np.flatnonzero(sums <= 0)
    if len(missing):
        held = "none of" if not sums[missing[0]] else f"a sum of weights {sums[missing[0]]:g} among"
        raise ValueError(
            f"separation needs events of every class 0 … {classes - 1}; {held} the {len(y)} events"
            f" with weight is of class {missing[0]}. Add some, or leave the class out."
        )


def probabilities(probability: ArrayLike, rows: int | None = None) -> Array:
    """Probabilities (n, K ≥ 2) that add up to 1 within 1e-5. Raises ValueError."""
    p = numbers(probability, "probability", rows)
    if p.ndim != 2 or p.shape[1] < 2:
        raise ValueError(
            f"probability must have a column for each class, (n, K ≥ 2); its shape is {p.shape}."
            " For two classes give the columns 1 − p and p."
        )
    off = np.abs(p @ np.ones(p.shape[1]) - 1) > 1e-5  # sums along short rows are slow
    if off.any() or p.min(initial=0) < 0:
        row = int((off | (p < 0).any(axis=1)).argmax())
        raise ValueError(
            f"probabilities must be 0 … 1 and add up to 1; row {row} holds {p[row].tolist()}."
            " Divide by their sum, or give them as score."
        )
    return p
