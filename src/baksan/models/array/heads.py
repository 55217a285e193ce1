"""What an array network answers: numbers, or corrections to the standard axis and core.

direction   p = κ m,  m the unit vector along n + ε (a₀ û + a₁ v̂),  ln κ = a₂ + ln κ₀
position    p = core + ℓ (a₀ ĥ + a₁ v̂),  ĥ and v̂ horizontal, along and across the axis
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from baksan.models.array.sight import Frame, Measures

Array = NDArray[Any]
Answer = Literal["number", "direction", "position"]

__all__ = ["OUTPUTS", "Answer", "answered"]

OUTPUTS = {"direction": 3, "position": 2}
"""How many numbers the last layer gives for answers that are no numbers."""
_TURN = 0.02  # rad: what a correction of 1 turns the axis by
_START = 7.0  # ln κ₀: 1.7 degrees on each axis
_SHIFT = 0.05  # of the unit of length: what a correction of 1 moves the core by
_MOST = 8.0  # |a₂|: κ stays within what single precision can square


def answered(a: Any, answer: Answer, frame: Frame, measures: Measures, mirror: Any) -> Any:
    """The prediction (n, k) of the last layer's numbers a (n, k)."""
    if answer == "number":
        return a
    along, across = a[:, :1], a[:, 1:2] * mirror
    if answer == "position":
        horizontal = np.stack([frame.v[:, 1], -frame.v[:, 0]], axis=1)
        moved = along * horizontal + across * frame.v[:, :2]
        return frame.core + _SHIFT * measures.length * moved
    m = frame.axis + _TURN * (along * frame.u + across * frame.v)
    m = m / np.sqrt((m * m).sum(axis=1, keepdims=True))
    return np.exp(_START + np.clip(a[:, 2:], -_MOST, _MOST)) * m
