"""Schedules: the rate of each step, a function of the step number alone (steps count from 0)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = ["Constant", "Halving", "InverseTime", "Schedule", "schedule_of"]


class Schedule(Protocol):
    """rates = schedule(steps): (m,) step numbers to (m,) rates > 0."""

    def __call__(self, steps: Array) -> Array: ...


@dataclass(frozen=True)
class Constant:
    """rate_t = rate."""

    rate: float

    def __post_init__(self) -> None:
        _check_positive("rate", self.rate)

    def __call__(self, steps: Array) -> Array:
        return np.full(len(steps), self.rate)


@dataclass(frozen=True)
class InverseTime:
    """rate_t = rate / (1 + t/τ)^power: Robbins and Monro's conditions hold for ½ < power ≤ 1.

    Robbins and Monro, Ann. Math. Stat. 22 (1951) 400.
    """

    rate: float
    tau: float
    power: float = 1.0

    def __post_init__(self) -> None:
        for name in ("rate", "tau", "power"):
            _check_positive(name, getattr(self, name))

    def __call__(self, steps: Array) -> Array:
        return np.asarray(self.rate * (1.0 + steps / self.tau) ** -self.power)


@dataclass(frozen=True)
class Halving:
    """rate_t = rate · 2^−⌊t/every⌋: halved after each `every` steps."""

    rate: float
    every: int

    def __post_init__(self) -> None:
        _check_positive("rate", self.rate)
        _check_positive("every", self.every)

    def __call__(self, steps: Array) -> Array:
        return np.asarray(self.rate * 0.5 ** (steps // self.every))


def schedule_of(rate: float | Schedule) -> Schedule:
    """A schedule as it is; a number as a constant one."""
    return rate if callable(rate) else Constant(float(rate))


def _check_positive(name: str, value: float) -> None:
    if not 0 < value < np.inf:
        raise ValueError(f"the {name} of a schedule must be positive; it is {value}.")
