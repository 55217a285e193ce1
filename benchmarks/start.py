"""The second start of `baksan train` on 20,000 events: linear methods, without and with a report.

The whole command, from the shell's point of view. The first start compiles kernels, into a cache of
its own where the system lets one choose; later ones must find them all there, and write no file.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from side_by_side import Row, duration, run

CEILINGS = {"--no-report": 4.0, "with report": 10.0}


def rows(quick: bool) -> Iterator[Row]:
    events = "2000" if quick else "20000"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        baksan(folder, "simulate", "telescope", "--events", events, "--out", "showers.parquet")
        for name in CEILINGS:
            train(folder, name)
        kernels = compiled_kernels()
        seconds = {name: [] for name in CEILINGS}
        for _ in range(3):
            for name, taken in seconds.items():
                taken.append(train(folder, name))
        check_unchanged(kernels)
    for name, ceiling in CEILINGS.items():
        median = statistics.median(seconds[name])
        claim = f"second start of baksan train, linear methods, {int(events):,} events, {name}"
        yield Row(claim, duration(median), "–", "–", median, ceiling, "at most", "s")


def train(folder: str, how: str) -> float:
    """Seconds that the command takes."""
    run_folder = tempfile.mkdtemp(dir=folder)
    switch = ["--no-report"] if how == "--no-report" else []
    began = time.perf_counter()
    baksan(
        folder, "train", "showers.parquet", "--answer", "class", "--signal", "gamma",
        "--id", "event", "--method", "linear", "--out", f"{run_folder}/run", *switch,
    )  # fmt: skip
    return time.perf_counter() - began


def baksan(folder: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "baksan", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"baksan {' '.join(arguments)} failed:\n{done.stderr}")


def compiled_kernels() -> dict[str, float]:
    """The files of the kernels' cache and when each was written."""
    from baksan.compiled import cache_folder

    return {str(p): p.stat().st_mtime for p in cache_folder().rglob("*.nb?")}


def check_unchanged(kernels: dict[str, float]) -> None:
    if not kernels or compiled_kernels() != kernels:
        raise SystemExit(
            "A KERNEL WAS COMPILED in a second start: the cache should have held the same files"
            f" all along; it held {len(kernels)} and holds {len(compiled_kernels())} now."
        )


if __name__ == "__main__":
    run(rows, threads=2)
