"""A trial: a process that may be lost reads a file before this one does.

The numbers in a damaged file may lead a compiled library in circles or out of its memory, where no
exception helps. Of HDF5 files with a few bytes changed, one in 500 does so (HDF5 2.0).
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock

from baksan.data.columns import ReadError

__all__ = ["Trial", "serve", "starts"]

_SECONDS = 10  # of processor time for a file
_LARGE = 64 << 20  # bytes of a file of which not all is read
_RATE = 20_000_000  # bytes of a file for which there is one second more
_PROGRAM = "from baksan.data.{0} import visit; from baksan.data.trial import serve; serve(visit)"


class _NotTriedError(Exception):
    """The process did not come to read the file; the reason completes 'it'."""


class Trial:
    """Files read by `visit` of a module of baksan.data, in a process begun with the first of them.

    Parameters
    ----------
    module : str
        visit(path, part) does all that reading does, and throws the result away.
    """

    def __init__(self, module: str) -> None:
        self.program, self.format = _PROGRAM.format(module), module.upper()
        self.process: subprocess.Popen[bytes] | None = None
        self.owner = 0
        self.lock = Lock()
        self.passed: set[tuple[object, ...]] = set()

    def check(self, path: Path, part: str | None, source: str) -> None:
        """Raises ReadError for a file that the library does not survive, or that is not tried."""
        try:
            why = self.failed(path, part)
        except _NotTriedError as error:
            raise ReadError(
                f"{source}: {self.format} files are tried by another Python process before they are"
                f" read; it {error}. Look whether {sys.executable} -c 'import baksan.data' works,"
                " and whether there is memory for it."
            ) from None
        if why:
            raise ReadError(
                f"{source}: a whole {self.format} file is needed; this one is damaged so that the"
                f" library that reads it {why}. Fetch it again."
            )

    def failed(self, path: Path, part: str | None) -> str:
        """What the library does that may not happen here: '' or 'crashes (11)', by that signal.

        Raises _NotTriedError where the process ends otherwise, which says nothing about the file.
        """
        about = path.stat()
        key = (path.absolute(), part, about.st_ino, about.st_size, about.st_mtime_ns)
        seconds = _SECONDS + about.st_size // _RATE
        with self.lock:
            if key not in self.passed:
                end = self._ended([str(path.absolute()), part, seconds])
                if end is not None:
                    if end >= 0:
                        raise _NotTriedError(f"ended with the status {end}")
                    slow = -end == signal.SIGXCPU
                    return f"does not end in {seconds} s" if slow else f"crashes ({-end})"
                self.passed.add(key)
        return ""

    def _ended(self, asked: list[object]) -> int | None:
        """How the process that was asked to read a file ended; None if it goes on."""
        process = self._begun()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()
            if process.stdout.readline() == b"read\n":
                return None
        except BrokenPipeError:
            pass
        self.process = None
        process.communicate()
        return process.returncode

    def _begun(self) -> subprocess.Popen[bytes]:
        """The process; one of its own after a fork, since a pipe has one reader."""
        if self.process is None or self.owner != os.getpid() or self.process.poll() is not None:
            self.owner = os.getpid()
            try:
                self.process = subprocess.Popen(
                    [sys.executable, "-P", "-c", self.program],  # -P: no module of this folder
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for us
                )  # fmt: skip
            except OSError as error:
                raise _NotTriedError(f"cannot start ({error.strerror})") from None
            atexit.register(_close, self.process, self.owner)
        return self.process


def _close(process: subprocess.Popen[bytes], owner: int) -> None:
    if os.getpid() == owner:
        process.communicate()


def starts(path: Path, rows: int, step: int) -> Iterable[int]:
    """Where the blocks begin that a trial reads: all; of a large file the first and the last."""
    every = range(0, rows, step)
    return {*every[:1], *every[-1:]} if path.stat().st_size > _LARGE else every


def serve(visit: Callable[[Path, str | None], None]) -> None:
    """Reads the files that are named on stdin, each within its processor time, until stdin ends."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    for line in sys.stdin:
        path, part, seconds = json.loads(line)
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime + seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit if hard < 0 else min(limit, hard), hard))
        with suppress(Exception):  # whoever reads the file next will say what is wrong with it
            visit(Path(path), part)
        print("read", flush=True)
