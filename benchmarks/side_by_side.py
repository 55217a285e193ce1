"""Claims of speed, measured side by side.

Contestants run in turns a, b, a, b, … in one process; the medians are compared, after their
answers were found equal. The table marks each claim with 'holds' or 'MISSED'.

    python benchmarks                   all files, one table; `make bench`
    python benchmarks/sgd.py            one file
    python benchmarks/sgd.py --quick    the same on a tenth of the events, to see that it runs
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
from threadpoolctl import threadpool_limits

RESULTS = Path(__file__).parent / "results"
VERSIONS = (
    "numpy", "scipy", "numba", "pyarrow", "scikit-learn", "scikit-learn-intelex", "torch", "keras",
    "onnxruntime",
    "jax", "river", "vowpalwabbit", "distributed",
)  # fmt: skip
QUICK = "On a tenth of the events, to see that it runs; the bounds are for all of them."
CPU_BUILD = ", the CPU build; on Linux the ordinary one brings gigabytes of CUDA with it"


# What is claimed ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One claim: our figure, the other's, and the figure of merit that has a floor or a ceiling."""

    claim: str
    ours: str
    against: str
    theirs: str
    merit: float
    bound: float | None = None
    sense: Literal["at least", "at most"] = "at least"
    unit: str = "×"
    tried: str = ""
    """What was tried without success; printed where the claim is missed."""

    @property
    def mark(self) -> str:
        if self.bound is None:
            return ""
        holds = self.merit >= self.bound if self.sense == "at least" else self.merit <= self.bound
        return "holds" if holds else "MISSED"

    def cells(self, threads: int) -> tuple[str, ...]:
        """What the table shows of it, under HEAD."""
        bound = "" if self.bound is None else f"{self.sense} {number(self.bound)} {self.unit}"
        merit = f"{number(self.merit)} {self.unit}"
        figures = self.ours, self.against, self.theirs, merit, bound, self.mark
        return self.claim, str(threads), *figures


def times_faster(
    claim: str, seconds: Mapping[str, float], against: str, bound: float | None, *,
    rates: bool = False, tried: str = "",
) -> Row:  # fmt: skip
    """The Row of a race; `rates` shows samples a second in place of seconds."""
    show = rate if rates else duration
    ours, theirs = seconds["ours"], seconds[against]
    return Row(claim, show(ours), against, show(theirs), theirs / ours, bound, tried=tried)


def number(value: float) -> str:
    """Three digits: 0.0123, 4.56, 78.9, 1,230."""
    return f"{float(f'{value:.3g}'):,.10g}" if 1e-3 <= abs(value) < 1e9 else f"{value:.2g}"


def duration(seconds: float) -> str:
    """12.3 ms, 4.56 µs."""
    scale, unit = next(s for s in ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
                       if seconds >= s[0] or s[1] == "ns")  # fmt: skip
    return f"{number(seconds / scale)} {unit}"


def rate(seconds: float) -> str:
    """Millions a second of what takes so many seconds each."""
    return f"{number(1e-6 / seconds)} M/s"


# How it is measured -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Side:
    """What a contestant runs, and how much work that is: samples, steps or calls."""

    run: Callable[[], Any]
    work: float = 1.0


def race(
    sides: Mapping[str, Side], agree: Callable[[str, Any, Any], None], *, rounds: int = 5,
    turn: float = 0.2, budget: float = 60.0,
) -> dict[str, float]:  # fmt: skip
    """Median seconds per unit of work of each contestant, of at least three turns.

    Everyone runs once first, which warms up, and agree(name, ours, theirs) must find the answers
    equal. A turn repeats what is quick until it lasts `turn` seconds; after `budget` seconds no
    further round is begun once there are three.
    """
    names = list(sides)
    answers, calls = {}, {}
    for name in names:
        began = time.perf_counter()
        answers[name] = sides[name].run()
        warm = time.perf_counter() - began
        # The first call may have compiled; where it was long anyway, another tells no more.
        once = warm if warm > 5 * turn else _clocked(sides[name].run, 1)
        calls[name] = max(1, round(turn / max(once, 1e-9)))
    for name in names[1:]:
        agree(name, answers[names[0]], answers[name])
    answers.clear()
    taken: dict[str, list[float]] = {name: [] for name in names}
    began = time.perf_counter()
    for r in range(rounds):
        if r >= 3 and time.perf_counter() - began > budget:
            break
        for name in names:
            taken[name].append(_clocked(sides[name].run, calls[name]))
    return {name: statistics.median(taken[name]) / sides[name].work for name in names}


def fastest(settings: Mapping[Any, Side]) -> Any:
    """The best of a competitor's settings, by three tries of each, which are printed."""
    tries = {name: min(_clocked(s.run, 1) for _ in range(3)) for name, s in settings.items()}
    shown = ", ".join(f"{name} {duration(seconds)}" for name, seconds in tries.items())
    print(f"the competitor's settings: {shown}", flush=True)
    return min(tries, key=tries.__getitem__)


def _clocked(run: Callable[[], Any], calls: int) -> float:
    began = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - began) / calls


def same(what: str, ours: Any, theirs: Any, *, rtol: float) -> None:
    """Ends the benchmark unless |ours − theirs| ≤ rtol · max |theirs|."""
    ours, theirs = np.ravel(np.asarray(ours)), np.ravel(np.asarray(theirs))
    apart = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    if not apart <= rtol:
        raise SystemExit(
            f"NOT THE SAME ANSWER: {what}: ours and theirs differ by {apart:.2g} of the largest,"
            f" more than {rtol:g}; no time is worth reading.\n{ours[:6]}\n{theirs[:6]}"
        )


def coefficients(model: Any) -> np.ndarray:
    """Intercept and weights, (d + 1,), of a linear model of baksan's or of scikit-learn's kind."""
    intercept = model.intercept if hasattr(model, "intercept") else model.intercept_
    weights = model.weights if hasattr(model, "weights") else model.coef_
    return np.concatenate([np.ravel(intercept), np.ravel(weights)])


def same_coefficients(rtol: float) -> Callable[[str, Any, Any], None]:
    """The agreement of two linear models."""
    return lambda name, ours, theirs: same(
        f"coefficients, against {name}", coefficients(ours), coefficients(theirs), rtol=rtol
    )


def write_parquet(path: Path, n: int, d: int, row_group: int) -> np.ndarray:
    """Write n events of d features; their coefficients (d + 1,), from sums kept on the way."""
    import pyarrow as pa
    from pyarrow import parquet

    if shutil.disk_usage(path.parent).free < (size := 10 * n * (d + 1)):
        raise SystemExit(f"{path.parent} must have {size:,} bytes free; name another TMPDIR.")
    rng = np.random.default_rng(0)
    w, sums = rng.uniform(-1.0, 1.0, d), np.zeros((d + 2, d + 2))
    schema = pa.schema([(name, pa.float64()) for name in (*(f"x{j}" for j in range(d)), "y")])
    with parquet.ParquetWriter(path, schema) as file:
        for start in range(0, n, row_group):
            m = min(row_group, n - start)
            x = rng.standard_normal((d, m))
            z = np.vstack([np.ones(m), x, 1.0 + w @ x + 0.1 * rng.standard_normal(m)])
            sums += z @ z.T
            file.write_table(pa.table(list(z[1:]), schema=schema), row_group_size=row_group)
    return np.linalg.solve(sums[:-1, :-1], sums[:-1, -1])


# Where it is measured -----------------------------------------------------------------------------

_missing: list[str] = []


def competitor(module: str, package: str = "", hint: str = "") -> ModuleType | None:
    """The module, or None and a word about it where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = package or module
        leave_out(f"{package} is left out: {error}; .venv-bench/bin/pip install {package}{hint}.")
        return None


def leave_out(why: str) -> None:
    """Say, once, and with the results, what is not compared."""
    if why not in _missing:
        _missing.append(why)
        print(why, flush=True)


def set_threads(threads: int) -> int:
    """This many threads for everything that computes, or as many as there are cores."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    threads = min(threads, len(cores) if cores else os.cpu_count() or 1)
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB_MAXIMUM"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    if cores and 1 < threads < len(cores):  # oneTBB and XLA read no variable
        os.sched_setaffinity(0, cores[:threads])
    threadpool_limits(threads)
    return threads


def read_bandwidth(threads: int) -> float:
    """Bytes a second at which so many threads read 800 MB."""
    parts = np.array_split(np.ones(100_000_000), threads)
    with ThreadPoolExecutor(threads) as pool, threadpool_limits(1):
        read = [_clocked(lambda: list(pool.map(lambda a: a @ a, parts)), 1) for _ in range(7)]
    return 8e8 / min(read)


def dgemm_rate(size: int = 2000) -> float:
    """Floating-point operations a second of a matrix product, on the threads that are set."""
    a, out = np.random.default_rng(0).normal(size=(size, size)), np.empty((size, size))
    return 2.0 * size**3 / min(_clocked(lambda: np.matmul(a, a, out=out), 1) for _ in range(7))


def machine(threads: int) -> dict[str, Any]:
    """The facts without which no figure can be read."""
    info, cpu = Path("/proc/cpuinfo"), platform.processor()
    if info.exists():
        named = [s for s in info.read_text().splitlines() if s.startswith("model name")]
        cpu = named[0].split(":")[1].strip() if named else cpu
    return {
        "cpu": f"{cpu or 'unknown'} ({platform.machine()})",
        "cores": os.cpu_count(),
        "threads": threads,
        "read_GB_per_s": round(read_bandwidth(threads) / 1e9, 1),
        "dgemm_GFLOP_per_s": round(dgemm_rate() / 1e9, 1),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "versions": {name: found for name in VERSIONS if (found := _version(name))},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except ImportError:
        return ""


# What is printed and kept -------------------------------------------------------------------------

HEAD = ("claim", "threads", "ours", "against", "theirs", "ratio", "bound", "")


def table(rows: list[tuple[str, ...]]) -> str:
    """Cells in columns."""
    widths = [max(len(row[j]) for row in (HEAD, *rows)) for j in range(len(HEAD))]
    lines = [HEAD, tuple("─" * w for w in widths), *rows]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def told(facts: Mapping[str, Any]) -> str:
    """The machine in a line."""
    return (
        f"{facts['cpu']}, {facts['cores']} cores; {facts['threads']} threads read"
        f" {facts['read_GB_per_s']} GB/s and make {facts['dgemm_GFLOP_per_s']} GFLOP/s in DGEMM;"
        f" load {facts['load']}, Python {facts['python']}, {facts['date']}"
    )


def run(rows: Callable[[bool], Iterator[Row]], *, threads: int) -> None:
    """Measure the claims of one file, print them and keep them in results/."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--quick", action="store_true", help="on a tenth of the events")
    quick = parser.parse_args().quick
    name = Path(sys.argv[0]).stem
    threads = set_threads(threads)
    facts = machine(threads)
    print(f"{name}: {told(facts)}", flush=True)
    found: list[Row] = []
    for row in rows(quick):
        found.append(row)
        print("  ".join(cell for cell in row.cells(threads) if cell), flush=True)
    print("\n" + table([row.cells(threads) for row in found]))
    for row in found:
        if row.mark == "MISSED" and row.tried:
            print(f"{row.claim}: missed; tried {row.tried}")
    if quick:
        print(QUICK)
    kept = [asdict(row) | {"mark": row.mark} for row in found]
    result = {"machine": facts, "quick": quick, "rows": kept, "left_out": _missing}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1, ensure_ascii=False))
