"""Schedules: the rate of each step, a function of its number (steps count from 0).

One of them, `Plateau`, also waits for the validation loss.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = [
    "Constant", "Cosine", "InverseTime", "OneCycle", "Plateau", "Schedule", "Step", "WarmUp",
    "plateau_of", "schedule_of",
]  # fmt: skip


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
class Step:
    """rate_t = rate · factor^⌊t/every⌋: cut, with factor ½ halved, after each `every` steps.

    `factor` is at most 1; rates stay above 1e-300, so that none is 0.

    Examples
    --------
    >>> Step(1.0, every=100)(np.array([0, 99, 100, 350])).tolist()
    [1.0, 1.0, 0.5, 0.125]
    """

    rate: float
    every: int
    factor: float = 0.5

    def __post_init__(self) -> None:
        for name in ("rate", "every", "factor"):
            _check_positive(name, getattr(self, name))
        if self.factor > 1:
            raise ValueError(f"the factor of a schedule must be at most 1; it is {self.factor}.")

    def __call__(self, steps: Array) -> Array:
        return np.maximum(self.rate * self.factor ** (steps // self.every), _LEAST)


@dataclass(frozen=True)
class Cosine:
    """rate_t = last + (rate − last) ½ (1 + cos(π t/steps)), from t = steps − 1 on the same.

    From `rate` towards `last`, slowly at both ends; the rate of the last step is above 0. Without
    `steps` it takes those of the run.
    Loshchilov and Hutter, ICLR 2017, eq. 5, without restarts.

    Examples
    --------
    >>> Cosine(0.2, steps=4)(np.arange(5)).round(3).tolist()
    [0.2, 0.171, 0.1, 0.029, 0.029]
    """

    rate: float
    steps: int | None = None
    last: float = 0.0

    def __post_init__(self) -> None:
        _check_positive("rate", self.rate)
        _check_positive("steps", 1 if self.steps is None else self.steps)
        if not 0 <= self.last <= self.rate:
            raise ValueError(
                "the last rate of a schedule must be 0 or more, and at most the first,"
                f" {self.rate}; it is {self.last}."
            )

    def over(self, steps: int) -> Cosine:
        """The schedule of a run of so many steps."""
        return self if self.steps else replace(self, steps=steps)

    def __call__(self, steps: Array) -> Array:
        last = _length(self.steps)
        return _bent(self.rate, self.last, np.minimum(steps, last - 1) / last)


@dataclass(frozen=True)
class OneCycle:
    """Up from `start` to `rate` in the first `warm` of the steps, down to `last` in the rest.

    Both ways along the cosine of `Cosine`: high rates in the middle pass over narrow valleys, low
    ones at the end settle. If left out, start = rate/25 and last = start/10,000. Smith and Topin,
    arXiv:1708.07120 (2018), whose cycle is of straight lines. Without `steps` it takes those of the
    run.

    Examples
    --------
    >>> OneCycle(1.0, steps=10)(np.arange(10)).round(2).tolist()
    [0.04, 0.28, 0.76, 1.0, 0.95, 0.81, 0.61, 0.39, 0.19, 0.05]
    """

    rate: float
    steps: int | None = None
    warm: float = 0.3
    start: float | None = None
    last: float | None = None

    def __post_init__(self) -> None:
        _check_positive("rate", self.rate)
        _check_positive("steps", 1 if self.steps is None else self.steps)
        if not 0 < self.warm < 1:
            raise ValueError(
                "the share of steps that warm a schedule up must be between 0 and 1;"
                f" it is {self.warm}."
            )
        for name, end in zip(("start", "last"), self._ends, strict=True):
            if not 0 < end <= self.rate:
                raise ValueError(
                    f"the {name} of a schedule must be positive and at most its rate,"
                    f" {self.rate}; it is {end}."
                )

    @property
    def _ends(self) -> tuple[float, float]:
        start = self.rate / 25 if self.start is None else self.start
        return start, start / 10_000 if self.last is None else self.last

    def over(self, steps: int) -> OneCycle:
        """The schedule of a run of so many steps."""
        return self if self.steps else replace(self, steps=steps)

    def __call__(self, steps: Array) -> Array:
        (start, last), length = self._ends, _length(self.steps)
        up = self.warm * length
        rising = _bent(start, self.rate, steps / up)
        falling = _bent(self.rate, last, (steps - up) / (length - up))
        return np.where(steps < up, rising, falling)


@dataclass(frozen=True)
class WarmUp:
    """rate_t = then(t) (t + 1)/steps while t < steps, then(t) afterwards: a linear start.

    The first steps of a network are large and blind; short ones let its sums settle (Goyal et al.,
    arXiv:1706.02677, 2017). The schedule `then` counts all steps, these too.

    Examples
    --------
    >>> WarmUp(Constant(0.1), steps=4)(np.arange(6)).round(3).tolist()
    [0.025, 0.05, 0.075, 0.1, 0.1, 0.1]
    """

    then: Schedule | float
    steps: int

    def __post_init__(self) -> None:
        _check_positive("steps", self.steps)
        object.__setattr__(self, "then", schedule_of(self.then))

    def over(self, steps: int) -> WarmUp:
        """The schedule of a run of so many steps."""
        return replace(self, then=schedule_of(self.then, steps))

    def __call__(self, steps: Array) -> Array:
        return schedule_of(self.then)(steps) * np.minimum((steps + 1) / self.steps, 1.0)


@dataclass(frozen=True)
class Plateau:
    """rate_t = rate · factorᶜ, c times that validation did not improve for `patience` looks.

    Looks are one each epoch, as for a solver's own `patience`; the best weights are kept. The run
    needs validation samples. A solver with patience should wait longer than its schedule does.

    Examples
    --------
    >>> plateau = Plateau(0.1, factor=0.5, patience=2)
    >>> [plateau.factor_after(waited) for waited in (0, 1, 2, 3, 4)]
    [1.0, 1.0, 0.5, 1.0, 0.5]
    """

    rate: float
    factor: float = 0.3
    patience: int = 3

    def __post_init__(self) -> None:
        for name in ("rate", "factor", "patience"):
            _check_positive(name, getattr(self, name))
        if self.factor >= 1 or self.patience != int(self.patience):
            raise ValueError(
                "a plateau needs a factor below 1 and a whole number of looks to wait;"
                f" {self.factor} and {self.patience} came."
            )

    def __call__(self, steps: Array) -> Array:
        return np.full(len(steps), self.rate)

    def factor_after(self, waited: int) -> float:
        """By what the rate changes at a look that is so many behind the best one."""
        return self.factor if waited and waited % self.patience == 0 else 1.0


_LEAST = 1e-300


def plateau_of(rate: object) -> Plateau | None:
    """The part of a schedule that waits for the validation loss, if there is one."""
    if isinstance(rate, WarmUp):
        return plateau_of(rate.then)
    return rate if isinstance(rate, Plateau) else None


def _bent(first: float, last: float, passed: Array) -> Array:
    """From first to last along half a cosine, by the share of the way passed."""
    # cos², not 1 + cos: near the end it keeps its digits.
    way = np.cos(0.5 * np.pi * np.clip(passed, 0.0, 1.0)) ** 2
    return np.asarray(last + (first - last) * way)


def _length(steps: int | None) -> int:
    if steps is None:
        raise ValueError("a schedule needs its number of steps outside of a run; give steps=….")
    return steps


def schedule_of(rate: float | Schedule, steps: float | None = None) -> Schedule:
    """A schedule as it is, laid over a run of so many steps; a number as a constant one."""
    if not callable(rate):
        return Constant(float(rate))
    over = getattr(rate, "over", None)
    if over is None or steps is None or not np.isfinite(steps):
        return rate
    return over(int(steps))  # type: ignore[no-any-return]


def _check_positive(name: str, value: float) -> None:
    if not 0 < value < np.inf:
        raise ValueError(f"the {name} of a schedule must be positive; it is {value}.")
