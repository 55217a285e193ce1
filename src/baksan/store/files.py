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

__all__ = ["plain", "read_json", "replacing", "write_json"]


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """A temporary path beside `path`; it takes `path`'s place at the end, or vanishes on an error.

    Raises OSError with a sentence where the disk is full or the folder cannot be written to.
    """
    path = Path(path)
    # The suffix stays last: libraries choose a format by it.
    beside = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        with open(beside, "rb") as written:
            os.fsync(written.fileno())
        os.replace(beside, path)
    except OSError as error:
        raise OSError(error.errno, _sentence(error, path)) from error
    finally:
        beside.unlink(missing_ok=True)


def _sentence(error: OSError, path: Path) -> str:
    if error.errno == errno.ENOSPC:
        return (
            f"writing {path} needs more room than the disk has left; nothing half-written remains."
            " Free some space and run it again (a training goes on with --resume)."
        )
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return f"{path} must be writable; it is not. Choose another place with --out."
    return f"{path} could not be written: {error.strerror or error}."


def plain(value: Any) -> Any:
    """The value in JSON's own types: arrays as lists, NaN and infinities as null."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value


def write_json(path: Path | str, content: Any) -> None:
    """Strict JSON, indented, NaN as null."""
    text = json.dumps(plain(content), indent=1, allow_nan=False, ensure_ascii=False)
    with replacing(path) as beside:
        beside.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path | str) -> Any:
    """What `write_json` wrote. Raises ValueError naming the file where it is not JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} must be JSON as baksan writes it; {error}. Take another copy."
        ) from None
