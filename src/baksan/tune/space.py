"""What may be chosen: ranges of settings by name, and how settings make a Method."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from baksan.train.lineup import Method

__all__ = ["Choice", "Range", "Real", "Settings", "Space", "Value", "Whole"]

Value = float | int | str | bool
Settings = Mapping[str, Value]


@dataclass(frozen=True)
class Real:
    """A number from low to high; with `log` its logarithm is drawn evenly."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_range(self)

    def holds(self, value: Any) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low:g} … {self.high:g}{' (log)' if self.log else ''}"


@dataclass(frozen=True)
class Whole:
    """A whole number from low to high, both included."""

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _check_range(self)

    def holds(self, value: Any) -> bool:
        return isinstance(value, int) and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low:g} … {self.high:g}{' (log)' if self.log else ''}"


@dataclass(frozen=True)
class Choice:
    """One of these."""

    options: tuple[Value, ...]

    def holds(self, value: Any) -> bool:
        return value in self.options

    def __str__(self) -> str:
        return " | ".join(map(str, self.options))


Range = Real | Whole | Choice


def _check_range(range: Real | Whole) -> None:
    known = math.isfinite(range.low) and math.isfinite(range.high)
    if not known or range.low > range.high or (range.log and range.low <= 0):
        raise ValueError(
            "a range needs finite ends, low ≤ high, and low above 0 where it is logarithmic;"
            f" {range!r} came."
        )


@dataclass(frozen=True, eq=False)
class Space:
    """The settings of a method that a search may choose.

    Parameters
    ----------
    name : str
    title : str
    ranges : mapping of str to Real, Whole or Choice
        By setting.
    start : mapping
        The first trial: the defaults, or the nearest to them that the ranges hold.
    build : callable
        build(settings) → Method, which each trial trains.
    final : callable, optional
        The same for the method that the found settings are used in, where that is another, such
        as an ensemble of what the trials trained; None is `build`.
    untuned : Method, optional
        What the tuned method is compared with; None is the method of `start`.

    Raises
    ------
    ValueError
        No ranges; a start outside of them.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from baksan.train.lineup import Theirs
    >>> space = Space(
    ...     "neighbours", "Nearest neighbours", {"k": Whole(1, 100, log=True)}, {"k": 5},
    ...     lambda chosen: Theirs("neighbours", KNeighborsClassifier(chosen["k"])),
    ... )
    >>> space.method({"k": 7}).settings
    'KNeighborsClassifier(n_neighbors=7)'
    """

    name: str
    title: str
    ranges: Mapping[str, Range]
    start: Settings
    build: Callable[[Settings], Method]
    final: Callable[[Settings], Method] | None = None
    untuned: Method | None = None

    def __post_init__(self) -> None:
        if not self.ranges:
            raise ValueError(f"a space needs settings to choose; {self.name!r} has none.")
        self.check(self.start)

    def check(self, settings: Settings) -> None:
        """Raises ValueError unless these are settings of this space."""
        if odd := set(settings) ^ set(self.ranges):
            raise ValueError(
                f"{self.name} needs the settings {', '.join(self.ranges)}; the difference is"
                f" {', '.join(sorted(odd))}. Give each once."
            )
        for name, value in settings.items():
            if not self.ranges[name].holds(value):
                raise ValueError(
                    f"{name} of {self.name} must be in {self.ranges[name]}; it is {value!r}."
                )

    def trial(self, settings: Settings) -> Method:
        """What a trial of these settings trains. Raises ValueError where they do not fit."""
        self.check(settings)
        return self.build(settings)

    def method(self, settings: Settings) -> Method:
        """The method with these settings, for use. Raises ValueError where they do not fit."""
        self.check(settings)
        return (self.final or self.build)(settings)

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{k} {v}' for k, v in self.ranges.items())})"
