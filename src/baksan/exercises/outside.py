"""Checking a student's file from outside: in a child process with limits of time and memory."""

from __future__ import annotations

import codecs
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import IO, Any

from baksan.exercises.base import Checked, Exercise, Outcome
from baksan.exercises.child import BEGIN

__all__ = ["END", "LIMIT", "check_file"]

END = "the program goes on to its end"
"""What is broken where it ends after the last law, yet before it says so."""

LIMIT = 20.0
"""Seconds that a check may take."""

_GRACE = 10.0  # seconds, besides, to start Python and to say where it hangs
_SHOWN = 20_000  # characters of what the program prints
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def check_file(
    exercise: Exercise,
    file: Path,
    *,
    limit: float = LIMIT,
    show: Callable[[str], None] = lambda text: print(text, end=""),
) -> Checked:
    """Run a student's file in a process of its own, and try the laws of the exercise there.

    What the program prints is handed to `show`. The child is ended after `limit` seconds, and with
    it everything that it started.
    """
    with tempfile.TemporaryDirectory() as folder:
        said, where = Path(folder) / "outcomes", Path(folder) / "where"
        said.touch()
        status = _run([exercise.number, str(file), str(said), str(where), str(limit)], limit, show)
        lines = _outcomes(said.read_text(encoding="utf-8", errors="replace"))
        trace = where.read_text(encoding="utf-8", errors="replace") if where.exists() else ""
    found = [Outcome(**fields) for fields in lines if fields]
    if None not in lines:
        laws = [BEGIN, *(law for law, _ in exercise.laws)]
        law = laws[len(found)] if len(found) < len(laws) else END
        found.append(Outcome(law, False, _why(status, trace, file, limit)))
    return Checked(exercise, tuple(o for o in found if o != Outcome(BEGIN, True)))


def _outcomes(said: str) -> list[dict[str, Any] | None]:
    """The lines that the child wrote; it may have been ended within the last."""
    whole = said[: said.rfind("\n") + 1]
    return [json.loads(line) for line in whole.splitlines()]


def _run(arguments: list[str], limit: float, show: Callable[[str], None]) -> int | None:
    """The status with which the child ended; None if it had to be ended."""
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "baksan.exercises.child", *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, **_ONE_THREAD, "PYTHONIOENCODING": "utf-8"}, start_new_session=True,
    )  # fmt: skip
    assert child.stdout
    relay = Thread(target=_relay, args=(child.stdout, show), daemon=True)
    relay.start()
    try:
        return child.wait(limit + _GRACE)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end_all(child.pid)
        child.wait()
        relay.join(_GRACE)
        child.stdout.close()


def _relay(printed: IO[bytes], show: Callable[[str], None]) -> None:
    """Show the beginning of what is printed, and read the rest so that nothing waits."""
    left, decoder = _SHOWN, codecs.getincrementaldecoder("utf-8")(errors="replace")
    while chunk := os.read(printed.fileno(), 8192):
        text = decoder.decode(chunk)
        if left > 0:
            show(text[:left] + ("\n… (it prints more)\n" if len(text) > left else ""))
        left -= len(text)


def _end_all(group: int) -> None:
    """End the child's group of processes, if any of it is left."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _why(status: int | None, trace: str, file: Path, limit: float) -> str:
    """Why the child did not come to its end."""
    if trace or status is None:
        line = re.search(rf'{re.escape(file.name)}", line (\d+)', trace)
        where = f", in line {line[1]}" if line else ""
        return f"it was stopped after {limit:g} seconds{where}: is there a loop that never ends?"
    if status < 0:
        return (
            f"the program was ended by signal {signal.Signals(-status).name} before it was done;"
            " does it take too much memory?"
        )
    return (
        f"the program ended with the status {status} before the check was done; it must not end"
        " Python."
    )
