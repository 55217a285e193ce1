"""Ranges of validity: a formula says where it holds, in one sentence."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]

__all__ = ["OutsideRange", "chosen", "inside", "numbers", "warned"]


class OutsideRange(UserWarning):
    """A formula is used where it was not fitted: its values are a continuation."""


def numbers(values: ArrayLike, what: str) -> Array:
    """Finite numbers as float64. Raises ValueError."""
    found = np.asarray(values, dtype=float)
    if not (fine := np.isfinite(found)).all():
        where = int(np.argmin(fine.ravel()))
        raise ValueError(
            f"{what} must be finite; {_told(found, where)}."
            f" {'Leave such events out first.' if found.ndim else 'Give a number.'}"
        )
    return found


def inside(
    values: ArrayLike, low: float, high: float, what: str, unit: str = "", hint: str = ""
) -> Array:
    """Numbers between low and high, ends included. Raises ValueError that names the range."""
    found = numbers(values, what)
    if (worst := _worst(found, low, high)) is not None:
        raise ValueError(
            f"{what} must lie between {low:g} and {high:g}{unit and ' ' + unit};"
            f" {_told(found, worst)}. {hint or 'Check its unit.'}"
        )
    return found


def warned(values: ArrayLike, low: float, high: float, what: str, unit: str = "") -> Array:
    """The numbers; warns with `OutsideRange` where some lie outside low … high."""
    found = numbers(values, what)
    if (worst := _worst(found, low, high)) is not None:
        warnings.warn(
            f"{what} was fitted between {low:g} and {high:g}{unit and ' ' + unit};"
            f" {found.ravel()[worst]:g} lies outside, and what follows is a continuation.",
            OutsideRange,
            stacklevel=_callers(),
        )
    return found


def chosen(name: str, table: dict[str, Any], what: str) -> Any:
    """The entry of that name. Raises ValueError that lists the names."""
    if name not in table:
        raise ValueError(f"{what} must be one of {', '.join(table)}; {name!r} is not. Take one.")
    return table[name]


def _told(found: Array, place: int) -> str:
    value = f"{found.ravel()[place]:g}"
    return f"{value} stands at place {place}" if found.ndim else f"{value} came"


def _callers() -> int:
    """How many frames of this package lie between a warning and who called it."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and frame.f_globals.get("__name__", "").startswith("baksan."):
        frame, level = frame.f_back, level + 1
    return level


def _worst(found: Array, low: float, high: float) -> int | None:
    """The place of the number that lies furthest outside; None where none does."""
    beyond = np.maximum(low - found, found - high).ravel()
    return int(beyond.argmax()) if beyond.size and beyond.max() > 0 else None
