"""Files that are whole or not there: written under a temporary name, then renamed."""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["alone", "one_line", "partials", "plain", "read_json", "replacing", "write_json"]

_PARTIAL = ".partial"
_LONGEST = 600  # characters of a sentence


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """A temporary path beside `path`; it takes `path`'s place at the end, or vanishes on an error.

    Raises OSError with a sentence where the disk is full or the place cannot be written to. Other
    errors inside, such as an input that is missing, pass through as they are.
    """
    path = Path(path)
    # The suffix stays last: libraries choose a format by it.
    beside = path.with_name(f".{path.stem}.{os.getpid()}{_PARTIAL}{path.suffix}")
    _make(path.parent, path)
    try:
        yield beside
        with open(beside, "rb") as written:
            os.fsync(written.fileno())
        os.replace(beside, path)
    except OSError as error:
        if not _ours(error, beside):
            raise
        raise OSError(error.errno, _sentence(error, path)) from error
    finally:
        if beside.exists():  # where nothing can be written, nothing can be removed either
            beside.unlink()


def _make(folder: Path, wanted: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(error.errno, _sentence(error, wanted)) from error


@contextmanager
def alone(folder: Path | str) -> Iterator[None]:
    """The folder, made where it is missing, belongs to this process while it works in it.

    A lock of the system's (flock), which ends with the process whatever becomes of it. Where a file
    system knows none, nobody is kept out. Raises OSError where the folder cannot be made, and
    FileExistsError where another process works in it.
    """
    import fcntl

    folder = Path(folder)
    _make(folder, folder)
    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(place)
        raise FileExistsError(
            f"a folder is needed in which nobody else works; in {folder} another command is at"
            " work. Wait for its end, or choose another --out."
        ) from None
    except OSError:  # network file systems may lack locks on folders
        pass
    try:
        yield
    finally:
        os.close(place)


def partials(folder: Path) -> list[Path]:
    """What writers that were killed have left in a folder and below."""
    return sorted(p for p in folder.rglob(f".*{_PARTIAL}*") if p.is_file())


def _ours(error: OSError, beside: Path) -> bool:
    """Whether an error comes of writing: other files may be read in the meantime."""
    if error.filename is not None:
        return str(beside) in (str(error.filename), str(error.filename2))
    return error.errno is not None


def _sentence(error: OSError, path: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return (
            f"writing {path} needs more room than the disk has left; nothing half-written remains."
            " Free some space and run it again (a training goes on with --resume)."
        )
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return f"{path} must be writable; it is not. Choose another place with --out."
    if error.errno in (errno.ENOTDIR, errno.EEXIST) and str(error.filename) == str(path):
        return f"a folder is needed; {path} is a file. Choose another --out."
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return f"{path} must lie in a folder; {error.filename} is a file. Choose another --out."
    why = os.strerror(error.errno) if error.errno else str(error)
    return f"{path} could not be written: {why}. Choose another place with --out."


def plain(value: Any) -> Any:
    """The value in JSON's own types: arrays as lists, NaN and infinities as null."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        numbers = value.dtype.kind in "biuf" and np.isfinite(value).all()
        return value.tolist() if numbers else plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value


def write_json(path: Path | str, content: Any, *, indent: int | None = 1) -> None:
    """Strict JSON, NaN as null; indented for people, or with None on one line, which is faster."""
    text = json.dumps(plain(content), indent=indent, allow_nan=False, ensure_ascii=False)
    with replacing(path) as beside:
        beside.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path | str) -> Any:
    """What `write_json` wrote. Raises ValueError naming the file where it is not JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} must be JSON as baksan writes it; {error}. Take another copy."
        ) from None


def one_line(sentence: str) -> str:
    """What can be printed of a sentence, on one line of at most 600 characters."""
    line = "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in sentence)
    if len(line) <= _LONGEST:
        return line
    return f"{line[: _LONGEST // 2]} … {line[3 - _LONGEST // 2 :]}"
