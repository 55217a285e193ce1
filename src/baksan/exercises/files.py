"""The file in which a student writes an exercise: its template, and reading the function from it.

The file is the student's own program, and is run as `python exercise_02_1.py` would run it: that is
what the student asks for. Nothing else is ever run this way; it happens in a process of its own
(`baksan.exercises.child`), so that a loop that never ends, or an exit, ends nothing but itself.
"""

from __future__ import annotations

import importlib.util
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from baksan.exercises.asked import Unusable, line_of
from baksan.exercises.base import Exercise

__all__ = ["function_of", "template", "untouched"]

_TEMPLATE = '''"""Exercise {number}. {title}

{statement}

Then, in this folder: baksan check {number}
"""

import numpy as np


def {signature}:
    raise NotImplementedError
'''


def template(exercise: Exercise) -> str:
    """The text of the file before anything was written into it."""
    return _TEMPLATE.format(
        number=exercise.number,
        title=exercise.title,
        statement=textwrap.dedent(exercise.statement).strip(),
        signature=exercise.signature,
    )


def untouched(exercise: Exercise, file: Path) -> bool:
    """Whether the file still is the template."""
    return file.read_text(encoding="utf-8", errors="replace") == template(exercise)


def function_of(exercise: Exercise, file: Path) -> Callable[..., Any]:
    """Run a student's file and return the function that the exercise asks for.

    Raises `Unusable` with one sentence where the file cannot be run or lacks the function.
    """
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        where = f" in line {error.lineno}" if error.lineno else ""
        raise Unusable(f"Python cannot read {file.name}{where}: {error.msg}.") from None
    except (Exception, SystemExit) as error:
        line = line_of(error, str(file))
        where, said = f" in line {line}" if line else "", f": {error}" if str(error) else ""
        kind = type(error).__name__
        raise Unusable(f"{file.name} raised {kind}{where} while it was read{said}.") from None
    function = getattr(module, exercise.name, None)
    if callable(function):
        return function  # type: ignore[no-any-return]
    own = vars(module).items()
    theirs = [name for name, it in own if getattr(it, "__module__", "") == file.stem]
    has = f"it has {', '.join(theirs)}" if theirs else "it has no function of its own"
    if function is not None:
        has = f"there it is {type(function).__name__}"
    raise Unusable(f"{file.name} must define a function {exercise.signature}; {has}.")
