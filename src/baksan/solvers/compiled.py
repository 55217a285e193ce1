"""Compiling a kernel with Numba, cached across processes and never stale.

Numba's own cache looks at the file of the compiled function only; the formulas that a kernel calls
stand in `losses.py`. So the cache folder's name holds a hash of the sources of both.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pooch
from numba.core import config

__all__ = ["cache_folder", "compiled"]


def cache_folder() -> Path:
    """The folder of compiled kernels for these sources, this Numba and this NumPy."""
    package = Path(__file__).parent.parent
    digest = hashlib.sha256(f"numba {numba.__version__} numpy {np.__version__}".encode())
    for source in (package / "losses.py", package / "solvers" / "kernels.py"):
        digest.update(source.read_bytes())
    return Path(pooch.os_cache("baksan")) / "kernels" / digest.hexdigest()[:16]


@functools.cache
def compiled(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel as machine code: compiled at its first call, later read from the cache.

    Where the cache folder cannot be written (batch jobs without a home), each process compiles.
    """
    settings: Any = config
    held, folder = settings.CACHE_DIR, cache_folder()
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    settings.CACHE_DIR = str(folder)
    cache = os.access(folder, os.W_OK)
    try:
        machine_code: Callable[..., Any] = numba.njit(cache=cache, error_model="numpy")(kernel)
    finally:
        settings.CACHE_DIR = held
    return machine_code
