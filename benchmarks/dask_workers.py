"""The exact fit of 8 GB of Parquet by two workers of a Dask cluster against one.

Each worker is a process with one thread, on a core of its own as a job queue would give it one
(where the system lets a process choose its cores). Both clusters stand all the time; the one whose
turn it is not waits. The file was written just before, so it is read from the page cache. Opening
it, by this process, counts.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from side_by_side import (
    Row,
    Side,
    coefficients,
    competitor,
    race,
    run,
    same,
    times_faster,
    write_parquet,
)

import baksan as bk

D, FLOOR = 50, 1.7
ROW_GROUP = 262_144


def rows(quick: bool) -> Iterator[Row]:
    if not competitor("distributed"):
        return
    n = 2_000_000 if quick else 20_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.parquet"
        expected = write_parquet(path, n, D, ROW_GROUP)
        with workers(1, folder) as one, workers(2, folder) as two:
            yield claim(path, n, expected, one, two)


def claim(path: Path, n: int, expected: np.ndarray, one: Any, two: Any) -> Row:
    from baksan.cluster import Partitions

    def fit(client: Any) -> np.ndarray:
        X = Partitions.open(path, answer="y", client=client)
        found = bk.fit(bk.Linear(), X, bk.losses.squared, bk.Analytic())
        return coefficients(found.model)

    def agree(name: str, ours: np.ndarray, theirs: np.ndarray) -> None:
        same(f"coefficients, against {name}", ours, theirs, rtol=1e-13)
        same("coefficients, against sums kept while writing", ours, expected, rtol=1e-9)

    seconds = race({"ours": Side(lambda: fit(two)), "1 worker": Side(lambda: fit(one))}, agree)
    what = f"exact fit of {path.stat().st_size / 1e9:.2g} GB of Parquet, {n:,} × {D}, 2 workers"
    return times_faster(what, seconds, "1 worker", FLOOR)


@contextmanager
def workers(number: int, folder: str) -> Iterator[Any]:
    """A client of a cluster of so many processes with one thread, the k-th on the k-th core."""
    import dask
    from distributed import Client, LocalCluster

    with (
        dask.config.set(temporary_directory=folder),
        LocalCluster(
            n_workers=number, threads_per_worker=1, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(number)
        for k, address in enumerate(client.scheduler_info()["workers"]):
            client.run(pin, k, workers=[address])
        yield client


def pin(k: int) -> None:
    """All threads of this process on the k-th of its cores; later ones inherit it."""
    if not hasattr(os, "sched_setaffinity"):
        return
    core = sorted(os.sched_getaffinity(0))[k]
    for thread in threading.enumerate():
        os.sched_setaffinity(thread.native_id or 0, {core})


if __name__ == "__main__":
    run(rows, threads=1)
