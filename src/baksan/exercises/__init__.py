"""Exercises: a student's answers, checked by the laws that every right answer keeps.

Each exercise of the lessons asks for one function, and is known by its number, such as "02.1".
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache

from baksan.exercises.base import Checked, Exercise, outcomes

__all__ = ["Checked", "Exercise", "check", "exercise", "exercises"]

_LESSONS = (
    "01", "02", "03", "04", "05", "06", "06b", "06c", "07", "08", "09", "10", "11", "12", "13",
    "14", "15", "16",
)  # fmt: skip


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises by number, in the order of the course."""
    rooms = [importlib.import_module(f"baksan.exercises.lesson_{name}") for name in _LESSONS]
    return {one.number: one for room in rooms for one in room.EXERCISES}


def exercise(number: str) -> Exercise:
    """The exercise of this number; 2.1 is 02.1.

    Raises ValueError for a number that no exercise has.
    """
    known = exercises()
    written = number if number[:2].isdigit() else f"0{number}"
    if written not in known:
        of_it = [n for n in known if n.partition(".")[0] == written.partition(".")[0]]
        has = f"this lesson has {', '.join(of_it)}" if of_it else f"the lessons are {_lessons()}"
        raise ValueError(
            f"the number of an exercise is needed, such as 02.1; {number!r} is none, and {has}."
            " `baksan check` lists them all."
        )
    return known[written]


def check(number: str, function: Callable[..., object]) -> Checked:
    """Check a function against an exercise, and say which laws it keeps.

    Each law that is broken comes with a hint: what was tried, what came, and what a right answer
    does. The function runs here, in this process; `baksan check` runs a file in one of its own.

    Raises
    ------
    ValueError
        There is no such exercise.
    TypeError
        The second argument cannot be called.

    Examples
    --------
    >>> def share_right(label, answer):
    ...     return 1.0
    >>> found = check("01.1", share_right)
    >>> found.passed
    False
    """
    asked = exercise(number)
    if not callable(function):
        raise TypeError(
            f"check needs your function {asked.signature}; came {type(function).__name__}."
            f" Write check({asked.number!r}, {asked.name}), without brackets behind the name."
        )
    return Checked(asked, tuple(outcomes(asked, function)))


def _lessons() -> str:
    return ", ".join(_LESSONS)
