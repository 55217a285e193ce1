"""Reads damaged files in a process that may take so much time and memory, and judges the outcome.

A file must end in a table whose columns hang together, or in one sentence. Anything else is a
defect; so are a reader that hangs and one that takes the whole process with it.
"""

import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

SECONDS = 2  # for one file
MEMORY = 1500 << 20  # bytes of address space above what the libraries take
LONGEST = 600  # characters of a sentence


class TooLong(BaseException):
    """No reader can catch it as a damaged file."""


def ring(*_):
    raise TooLong(f"more than {SECONDS} s")


# One file -----------------------------------------------------------------------------------------


def outcome(path):
    """('table' | 'sentence' | 'defect', what it is)."""
    from baksan.data import footprint, read
    from baksan.data.columns import ReadError
    from baksan.describe import describe

    try:
        try:
            footprint(path)
        except ReadError as error:
            if why := no_sentence(str(error), path):
                return "defect", f"footprint: {why}: {error}"
        table = read(path)
    except ReadError as error:
        why = no_sentence(str(error), path)
        return ("defect", f"{why}: {error}") if why else ("sentence", str(error))
    except (Exception, TooLong) as error:
        return "defect", where(error)
    try:
        lengths = {len(column.values) for column in table.columns.values()}
        assert len(lengths) == 1 and len(table) in lengths, f"columns of lengths {lengths}"
        assert all(c.values.dtype.kind in "biufU" for c in table.columns.values())
        describe(table).text()
    except (Exception, TooLong) as error:
        return "defect", "described: " + where(error)
    return "table", f"{len(table)} rows"


def no_sentence(said, path):
    """Why this is not one sentence that names the file, or nothing."""
    if len(said.splitlines()) != 1:
        return "not one line"
    if not said.startswith(str(path)):
        return "does not begin with the file"
    if "Traceback" in said or not said.endswith((".", "'")):
        return "does not end as a sentence"
    if not said.isprintable():
        return "holds what cannot be printed"
    return "is too long" if len(said) > LONGEST else ""


def where(error):
    """The error, and the line of baksan that let it through."""
    trace, ours = error.__traceback__, ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "/baksan/" in name:
            ours = f"{Path(name).name}:{trace.tb_lineno}"
        last, trace = f"{Path(name).name}:{trace.tb_lineno}", trace.tb_next
    return f"{type(error).__name__} from {ours} ({last}): {str(error)[:300]}"


# A process that reads -----------------------------------------------------------------------------


def work(name, first, stop, folder):
    """Cases first … stop − 1 of a reader, one line of JSON each; runs in a process of its own."""
    from tests.fuzz.mutate import case
    from tests.fuzz.seeds import seeds_of

    seeds = seeds_of(name, Path(folder) / "seeds")
    for seed in seeds:  # what they load is loaded before memory is bounded
        path = Path(folder) / f"whole-{seed.name}"
        path.write_bytes(seed.content if seed.pack is None else seed.pack(seed.content))
        kind, what = outcome(path)
        assert kind == "table" or "pickle" in seed.name, what
    warnings.simplefilter("ignore")
    warnings.filterwarnings("error", module=r"baksan(\.|$)")
    signal.signal(signal.SIGALRM, ring)
    most = vm("VmSize") + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    print("ready", flush=True)
    for k in range(first, stop):
        print(json.dumps(one(Path(folder), k, *case(seeds, name, k))), flush=True)


def one(folder, k, seed, content):
    path = folder / f"case-{k}"
    path.write_bytes(content)
    fresh = forget_peak()
    before, began = vm("VmRSS"), time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        kind, what = outcome(path)
    except TooLong as error:  # it rang within a `finally`
        kind, what = "defect", f"TooLong: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    took = time.perf_counter() - began
    path.unlink()
    memory = max(vm("VmHWM") - before, 0) if fresh else 0
    return {"k": k, "seed": seed, "kind": kind, "what": what, "seconds": took, "memory": memory}


def vm(key):
    """Bytes of VmSize, VmRSS or VmHWM; 0 where the system does not tell."""
    try:
        told = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) << 10 for line in told.splitlines() if line.startswith(key))


def forget_peak():
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


# Many files ---------------------------------------------------------------------------------------


@dataclass
class Tally:
    """What became of the files of one reader."""

    reader: str
    files: int = 0
    kinds: Counter = field(default_factory=Counter)
    slowest: float = 0.0
    memory: int = 0
    seconds: float = 0.0
    defects: list = field(default_factory=list)

    def add(self, result):
        self.files += 1
        self.kinds[result["kind"]] += 1
        self.slowest = max(self.slowest, result["seconds"])
        self.memory = max(self.memory, result["memory"])
        if result["kind"] in ("defect", "crash", "hang"):
            self.defects.append(result)


HEAD = f"{'reader':10}{'files':>8}{'tables':>8}{'sentences':>11}{'defects':>9}{'crashes':>9}" + (
    f"{'slowest':>11}{'memory':>10}{'in all':>9}"
)


def line(tally):
    crashes = tally.kinds["crash"] + tally.kinds["hang"]
    return (
        f"{tally.reader:10}{tally.files:8,}{tally.kinds['table']:8,}{tally.kinds['sentence']:11,}"
        f"{tally.kinds['defect']:9,}{crashes:9,}{tally.slowest:9.2f} s"
        f"{tally.memory / 2**20:7.0f} MB{tally.seconds:7.0f} s"
    )


def fuzz(name, files, folder, first=0):
    """Reads so many damaged files of a reader; a process that ends before its time is replaced."""
    tally, k, began = Tally(name), first, time.perf_counter()
    while k < first + files:
        place = folder / f"from-{k}"
        place.mkdir(parents=True)
        for result in results(name, k, first + files, place):
            tally.add(result)
            k = result["k"] + 1
    tally.seconds = time.perf_counter() - began
    return tally


def results(name, first, stop, folder):
    """The results of one process until it ends; if before its time, that is a result too."""
    command = [sys.executable, "-m", "tests.fuzz.harness", name, str(first), str(stop), str(folder)]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, env=environment())
    k = first
    with process:
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"the reader of {name} does not even read whole files")
        while k < stop:
            ready, _, _ = select.select([process.stdout], [], [], 3 * SECONDS)
            told = process.stdout.readline() if ready else b""
            if not told.endswith(b"\n"):
                process.kill()
                what = f"ended with {process.wait()}" if ready else "hung in compiled code"
                kind = "crash" if ready else "hang"
                yield {"k": k, "seed": "?", "kind": kind, "what": what, "seconds": 0, "memory": 0}
                return
            result = json.loads(told)
            k = result["k"] + 1
            yield result


def environment():
    return os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


if __name__ == "__main__":
    name, first, stop, folder = sys.argv[1:]
    work(name, int(first), int(stop), folder)
