"""`baksan check`: the exercises of the lessons."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baksan.cli.show import progress

__all__ = ["check"]


def check(
    number: Annotated[
        str | None,
        typer.Argument(metavar="EXERCISE", help="Such as 02.1; without it, all are listed."),
    ] = None,
) -> None:
    """Check your answer to an exercise of the lessons, in the file of this folder.

    Where there is no file yet, one to write in is made. Ends with 1 while the exercise is not
    solved.
    """
    if number is None:
        _list()
        return
    from baksan.exercises import exercise
    from baksan.exercises.files import template
    from baksan.exercises.outside import check_file

    asked = exercise(number)
    file = Path(asked.file_name)
    if not file.exists():
        file.write_text(template(asked), encoding="utf-8")
        print(
            f"Exercise {asked.number}. {asked.title}\n{file} is new: it says what to write. Write"
            f" {asked.signature} there, then: baksan check {asked.number}"
        )
        raise typer.Exit(1)
    found = check_file(asked, file.resolve())
    print(found)
    raise typer.Exit(0 if found.passed else 1)


def _list() -> None:
    """All exercises, and how those fare whose file is in this folder."""
    from baksan.exercises import exercises
    from baksan.exercises.files import untouched
    from baksan.exercises.outside import check_file

    for asked in exercises().values():
        file, mark = Path(asked.file_name), " "
        if file.exists() and not untouched(asked, file):
            with progress(f"checking {asked.number}"):
                done = check_file(asked, file.resolve(), show=lambda text: None)
            mark = "✓" if done.passed else "✗"
        print(f"{mark} {asked.number:6} {asked.title:32} {asked.signature}")
    print("\n✓ solved, ✗ not yet, by the files of this folder. baksan check 02.1 begins one.")
