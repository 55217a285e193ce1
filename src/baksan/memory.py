"""How much memory this process may still take: what the machine, a container and a limit leave.

On Linux everything is read from /proc and the control groups (cgroups); elsewhere the machine's
whole memory is all that can be told without a library.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["available", "peak"]

_PAGE = os.sysconf("SC_PAGE_SIZE")


def available() -> int:
    """Bytes that this process may still take: the least of all that is known.

    min(MemAvailable; limit − usage of each control group; RLIMIT_AS − address space; RLIMIT_DATA −
    data), where the page cache of a control group does not count as usage, since it is given back
    when needed. On macOS the machine's memory, of which others may use much.

    Examples
    --------
    >>> available() > 1_000_000
    True
    """
    root = Path("/")
    return max(0, min([*_machine(root), *_groups(root), *_limits(root)]))


def peak() -> int:
    """Bytes of memory that this process has had in use at most.

    On Linux VmHWM, since what `getrusage` tells begins with what the process had that started it.

    Examples
    --------
    >>> peak() > 1_000_000
    True
    """
    if own := _lines(Path("/proc/self/status")).get("VmHWM"):
        return 1024 * own
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def _machine(root: Path) -> Iterator[int]:
    """What Linux thinks it can give without swapping; else all there is."""
    told = _lines(root / "proc/meminfo").get("MemAvailable")
    yield 1024 * told if told is not None else _PAGE * os.sysconf("SC_PHYS_PAGES")


def _groups(root: Path) -> Iterator[int]:
    """What each control group above this process leaves: 0::/a/b (v2), 4:memory:/a/b (v1).

    https://docs.kernel.org/admin-guide/cgroup-v2.html, …/cgroup-v1/memory.html
    """
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield from _left(root / "sys/fs/cgroup", path, "memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            top = root / "sys/fs/cgroup/memory"
            yield from _left(top, path, "memory.limit_in_bytes", "memory.usage_in_bytes")


def _left(top: Path, path: str, limit: str, usage: str) -> Iterator[int]:
    """Limit − usage of a group and all above it; a container may see only the top."""
    group = top / path.lstrip("/")
    for folder in [group, *group.parents]:
        if not folder.is_relative_to(top):
            return
        most, used = _text(folder / limit).strip(), _text(folder / usage).strip()
        if most.isdigit() and used.isdigit():
            cache = _lines(folder / "memory.stat")
            v1 = "total_inactive_file" in cache
            names = [f"{'total_' if v1 else ''}{kind}_file" for kind in ("inactive", "active")]
            yield int(most) - int(used) + sum(cache.get(name, 0) for name in names)


def _limits(root: Path) -> Iterator[int]:
    """What `ulimit -v` and `ulimit -d` leave."""
    used = _lines(root / "proc/self/status")
    for limit, name in ((resource.RLIMIT_AS, "VmSize"), (resource.RLIMIT_DATA, "VmData")):
        most, _ = resource.getrlimit(limit)
        if most != resource.RLIM_INFINITY:
            yield most - 1024 * used.get(name, 0)


def _text(file: Path) -> str:
    """What a file of the kernel says; "" where there is none."""
    try:
        return file.read_text()
    except OSError:
        return ""


def _lines(file: Path) -> dict[str, int]:
    """The numbers of lines such as 'MemAvailable:   123 kB' or 'inactive_file 123', by name."""
    words = (line.split() for line in _text(file).splitlines())
    return {w[0].rstrip(":"): int(w[1]) for w in words if len(w) > 1 and w[1].isdigit()}
