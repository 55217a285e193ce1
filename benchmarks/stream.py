"""The exact fit of a Parquet file of 2 GB, streamed, against scans of it that do nothing.

The columns as pyarrow decodes them are the fastest scan of all; a scan that lays them out as rows,
which whoever works on events must do, is shown for comparison.

Each runs in a process of its own, whose peak of memory is read at the end; the time is that of
reading and fitting, once everything is imported and the kernels have come from their cache. The
file was written just before, so it is read from the page cache.
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from side_by_side import Row, coefficients, duration, number, run, same, write_parquet

import baksan as bk

THREADS, D = 2, 25
ROW_GROUP = 1024 * 1024  # pyarrow's own choice
TIMES, GIGABYTES = 1.3, 1.0
TRIED = (
    "pyarrow's own threads, threads that decode columns of their own two blocks ahead, checking for"
    " finite values while a column is in the cache; two cores are busy with decoding already"
)


def rows(quick: bool) -> Iterator[Row]:
    n = 1_000_000 if quick else 10_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.parquet"
        expected = alone(write_parquet, path, n, D, ROW_GROUP)
        yield from claims(path, n, expected)


def claims(path: Path, n: int, expected: np.ndarray) -> Iterator[Row]:
    found, _, _ = alone(ours, path)
    same("coefficients", found, expected, rtol=1e-9)
    seconds: dict[Callable, list[float]] = {task: [] for task in (ours, *SCANS, as_rows)}
    peak = dict.fromkeys(seconds, 0.0)
    for _ in range(5):
        for task in seconds:
            _, spent, memory = alone(task, path)
            seconds[task].append(spent)
            peak[task] = max(peak[task], memory)
    median = {task: statistics.median(spent) for task, spent in seconds.items()}
    scan = min(SCANS, key=median.__getitem__)
    claim = f"exact fit of {path.stat().st_size / 1e9:.2g} GB of Parquet, {n:,} × {D}"
    against = f"pyarrow, {scan.__name__.replace('_', ' ')}"
    mine, theirs = duration(median[ours]), duration(median[scan])
    ratio = median[ours] / median[scan]
    yield Row(f"{claim}: time", mine, against, theirs, ratio, TIMES, "at most", tried=TRIED)
    theirs, ratio = duration(median[as_rows]), median[ours] / median[as_rows]
    yield Row(f"{claim}: time", mine, "pyarrow, laid out as rows", theirs, ratio, TIMES, "at most")
    mine, theirs = f"{number(peak[ours])} GB", f"{number(peak[scan])} GB"
    yield Row(f"{claim}: peak", mine, against, theirs, peak[ours], GIGABYTES, "at most", "GB")


def alone(task: Callable[..., Any], *arguments: Any) -> Any:
    """What the task gives in a fresh process."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn) as process:
        return process.submit(task, *arguments).result()


def ours(path: Path) -> tuple[np.ndarray, float, float]:
    """Coefficients, seconds, peak of memory in GB."""
    from baksan.data import open_stream

    fit(bk.Samples(np.random.default_rng(0).standard_normal((1000, D)), np.arange(1000.0)))
    began = time.perf_counter()
    found = coefficients(fit(open_stream(path, answer="y")))
    return found, time.perf_counter() - began, peak_memory()


def fit(X: Any) -> bk.Linear:
    return bk.fit(bk.Linear(), X, bk.losses.squared, bk.Analytic()).model


def batches(path: Path) -> tuple[None, float, float]:
    """In batches of 131,072 rows."""
    from pyarrow import parquet

    began = time.perf_counter()
    for _ in parquet.ParquetFile(path).iter_batches(131_072):
        pass
    return None, time.perf_counter() - began, peak_memory()


def row_groups(path: Path) -> tuple[None, float, float]:
    """One row group after the other, its columns by pyarrow's threads."""
    from pyarrow import parquet

    began = time.perf_counter()
    file = parquet.ParquetFile(path)
    for group in range(file.num_row_groups):
        file.read_row_group(group)
    return None, time.perf_counter() - began, peak_memory()


def columns(path: Path) -> tuple[None, float, float]:
    """Row groups again, each thread its own columns."""
    from pyarrow import parquet

    began = time.perf_counter()
    names = parquet.ParquetFile(path).schema_arrow.names

    def read(part: list[str]) -> None:
        file = parquet.ParquetFile(path)
        for group in range(file.num_row_groups):
            file.read_row_group(group, columns=part, use_threads=False)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(read, (names[j::THREADS] for j in range(THREADS))))
    return None, time.perf_counter() - began, peak_memory()


def dataset(path: Path) -> tuple[None, float, float]:
    """Batches of pyarrow's dataset, which reads ahead."""
    import pyarrow.dataset

    began = time.perf_counter()
    for _ in pyarrow.dataset.dataset(path).to_batches():
        pass
    return None, time.perf_counter() - began, peak_memory()


def as_rows(path: Path) -> tuple[None, float, float]:
    """Each row group as an array (rows, columns)."""
    from pyarrow import parquet

    began = time.perf_counter()
    file = parquet.ParquetFile(path)
    for group in range(file.num_row_groups):
        np.column_stack([column.to_numpy() for column in file.read_row_group(group).columns])
    return None, time.perf_counter() - began, peak_memory()


SCANS = (batches, row_groups, columns, dataset)


def peak_memory() -> float:
    """The most memory that this process ever held, in GB."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the parent's, from before this program began
        line = next(s for s in status.read_text().splitlines() if s.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e9
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


if __name__ == "__main__":
    run(rows, threads=THREADS)
