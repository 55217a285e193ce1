"""The process in which a student's file is run: `python -P -m baksan.exercises.child …`.

It writes each outcome as a line of JSON into a file as soon as it is known, so that whoever waits
knows how far it came, whatever happened then.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import resource
import sys
from pathlib import Path

from baksan.exercises import exercise
from baksan.exercises.asked import Unusable
from baksan.exercises.base import Outcome, outcomes
from baksan.exercises.files import function_of

__all__ = ["BEGIN", "MEMORY", "main"]

BEGIN = "the file can be run, and has the function"
MEMORY = 4 << 30
"""Bytes that a student's program may take."""


def main(number: str, file: str, said: str, where: str, limit: str) -> None:
    """Check a file; outcomes go to the file `said`, the line of a loop without end to `where`."""
    with contextlib.suppress(ValueError, OSError):  # macOS keeps no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked, path = exercise(number), Path(file)
    with open(said, "a", encoding="utf-8") as book, open(where, "w", encoding="utf-8") as trace:

        def write(outcome: Outcome | None) -> None:
            sys.stdout.flush()
            fields = vars(outcome) if outcome else None
            book.write(json.dumps(fields) + "\n")
            book.flush()

        sys.argv = [file]  # as `python FILE` has it
        faulthandler.dump_traceback_later(float(limit), exit=True, file=trace)
        try:
            function = function_of(asked, path)
        except Unusable as broken:
            write(Outcome(BEGIN, False, str(broken)))
        else:
            write(Outcome(BEGIN, True))
            for outcome in outcomes(asked, function):
                write(outcome)
        write(None)  # the end
        faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main(*sys.argv[1:])
