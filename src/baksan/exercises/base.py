"""What an exercise is, and what a check of it finds.

An exercise asks for one function. It is checked by laws: what every right answer does, on random
events and at the edges. No right answer is written down here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from baksan.exercises.asked import Asked, Broken, Unusable

__all__ = ["Checked", "Exercise", "Outcome", "outcomes"]

Law = Callable[[Asked], None]


@dataclass(frozen=True)
class Exercise:
    """One function to write: its number, what to write, and the laws that it must keep.

    signature names the function and its arguments, as "line(x, y)". The statement says in Markdown
    what they are and what is to be returned. laws holds (what is true, how it is tried); the one
    that is broken raises `Broken` with a hint.
    """

    number: str
    title: str
    signature: str
    statement: str
    laws: tuple[tuple[str, Law], ...]

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.signature.partition("(")[0]

    @property
    def file_name(self) -> str:
        """The file in which a student writes it, as exercise_02_1.py."""
        return f"exercise_{self.number.replace('.', '_')}.py"


@dataclass(frozen=True)
class Outcome:
    """One law: whether it is kept, and the hint if not."""

    law: str
    passed: bool
    hint: str = ""

    def __str__(self) -> str:
        return f"✓ {self.law}" if self.passed else f"✗ {self.law}\n    {self.hint}"


@dataclass(frozen=True, repr=False)
class Checked:
    """What a check found: the outcome of each law that was tried, in order."""

    exercise: Exercise
    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """Whether every law was tried and kept."""
        kept = [outcome.passed for outcome in self.outcomes]
        return all(kept) and len(kept) == len(self.exercise.laws)

    @property
    def verdict(self) -> str:
        """The last sentence."""
        name, laws = f"Exercise {self.exercise.number}", len(self.exercise.laws)
        kept = sum(outcome.passed for outcome in self.outcomes)
        if self.passed:
            return f"{name} is solved: it keeps all {laws} laws."
        tried = {outcome.law for outcome in self.outcomes}
        left = sum(law not in tried for law, _ in self.exercise.laws)
        untried = f"; {left} could not be tried yet" if left > 0 else ""
        return f"{name} is not solved yet: {kept} of {laws} laws are kept{untried}."

    def __repr__(self) -> str:
        title = f"Exercise {self.exercise.number}. {self.exercise.title}"
        return "\n".join([title, *map(str, self.outcomes), self.verdict])


def outcomes(exercise: Exercise, function: Callable[..., object]) -> Iterator[Outcome]:
    """Try law after law; a function that cannot be used at all ends it."""
    asked = Asked(function, exercise.signature)
    for law, tried in exercise.laws:
        try:
            tried(asked)
        except Broken as broken:
            yield Outcome(law, False, str(broken))
            if isinstance(broken, Unusable):
                return
        else:
            yield Outcome(law, True)
