"""Compiling kernels with Numba, cached across processes and never stale; and threads to run them.

Numba's own cache looks at the file of the compiled function only, and kernels call the formulas of
`losses` and constants from elsewhere. So the cache folder's name holds a hash of the sources of
all of them. Kernels give up Python's lock, so that plain threads run them side by side.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path
from typing import Any

__all__ = ["cache_folder", "compiled", "cores", "side_by_side", "threads"]

_FAST = {"reassoc", "contract", "arcp", "nsz"}
"""Sums may be reordered, which vector units need; NaN and infinity mean what they mean."""
_COMPILED = (  # and kernels*.py
    "losses/regression.py", "losses/classification.py", "order.py", "models/encoding.py",
    "solvers/rows.py",
    "physics/front.py", "physics/lateral.py", "physics/response.py",
)  # fmt: skip
_KEPT = 4  # cache folders of other sources or versions that are left alone
_threads: ContextVar[int | None] = ContextVar("threads", default=None)
_machine_code: dict[Callable[..., Any], Callable[..., Any]] = {}
_one_at_a_time = [threading.Lock()]


def cache_folder() -> Path:
    """The folder of compiled kernels for these sources, this Numba and this NumPy."""
    import numba
    import numpy as np
    import pooch

    package = Path(__file__).parent
    digest = hashlib.sha256(f"numba {numba.__version__} numpy {np.__version__}".encode())
    plain = [Path(__file__), *(package / name for name in _COMPILED)]
    for source in (*plain, *sorted(package.glob("*/kernels*.py"))):
        digest.update(source.read_bytes())
    return Path(pooch.os_cache("baksan")) / "kernels" / digest.hexdigest()[:16]


def compiled(kernel: Callable[..., Any], fast: bool = True) -> Callable[..., Any]:
    """The kernel as machine code: compiled at its first call, later read from the cache.

    Without `fast` sums keep the order in which they are written: the same bits from every process,
    whatever else it has compiled. A kernel is always asked for in one of both ways.

    Where the cache folder cannot be written (batch jobs without a home), each process compiles.
    """
    if kernel not in _machine_code:
        with _one_at_a_time[0]:  # Numba is told its folder by a setting of the whole process
            if kernel not in _machine_code:
                _machine_code[kernel] = _compiled(kernel, fast)
    return _machine_code[kernel]


def _compiled(kernel: Callable[..., Any], fast: bool) -> Callable[..., Any]:
    import numba
    from numba.core import config

    settings: Any = config
    held, folder = settings.CACHE_DIR, _made(cache_folder())
    settings.CACHE_DIR = str(folder)
    cache = os.access(folder, os.W_OK)
    try:
        machine_code: Callable[..., Any] = numba.njit(
            cache=cache, error_model="numpy", fastmath=_FAST if fast else False, nogil=True
        )(kernel)
    finally:
        settings.CACHE_DIR = held
    return machine_code


def _made(folder: Path) -> Path:
    """The folder, made if need be; the oldest of the others go, which nothing will read again."""
    with contextlib.suppress(OSError):
        if folder.exists():
            os.utime(folder)  # in use
        else:
            folder.mkdir(parents=True)
            others = [path for path in folder.parent.iterdir() if path != folder]
            for old in sorted(others, key=lambda path: path.stat().st_mtime)[:-_KEPT]:
                shutil.rmtree(old, ignore_errors=True)
    return folder


def cores() -> int:
    """As many as `threads` says, or the user lets OpenMP have, or all that this process may use."""
    if number := _threads.get():
        return number
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdigit() and int(told):
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def threads(number: int) -> Iterator[None]:
    """Within this block kernels run on so many threads."""
    token = _threads.set(number)
    try:
        yield
    finally:
        _threads.reset(token)


def side_by_side(work: Callable[[int], None], parts: Sequence[int]) -> None:
    """work(part) for each part, on as many threads as `cores` allows, this one among them."""
    left = iter(parts)  # from which the threads draw; Python's lock lets one do so at a time

    def draw() -> None:
        for part in left:
            work(part)

    number = min(cores(), len(parts))
    helpers = [_pool(number).submit(draw) for _ in range(number - 1)]
    try:
        draw()
    finally:
        for _ in left:  # after Ctrl-C nobody shall go on
            pass
        for helper in helpers:
            if not helper.cancel():
                helper.result()


@functools.cache
def _pool(number: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(number, thread_name_prefix="baksan")


if hasattr(os, "register_at_fork"):  # threads do not live on in a forked child
    os.register_at_fork(after_in_child=_pool.cache_clear)
    os.register_at_fork(after_in_child=lambda: _one_at_a_time.__setitem__(0, threading.Lock()))
