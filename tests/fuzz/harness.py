"""Reads damaged files in a process that may take so much time and memory, and counts what comes.

A reader that hangs, and one that takes the whole process with it, are counted as crashes.
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
from functools import partial
from pathlib import Path

from tests.fuzz.judges import TooLong

SECONDS = 5  # of processor time for one file
MEMORY = 1500 << 20  # bytes of data above what the libraries take

FORBIDDEN = {
    "os.exec", "os.fork", "os.posix_spawn", "os.system", "pickle.find_class", "socket.connect",
    "socket.getaddrinfo", "subprocess.Popen",
}  # fmt: skip
"""Events of Python's audit that no file may bring about."""


def ring(*_):
    raise TooLong(f"more than {SECONDS} s")


# A process that reads -----------------------------------------------------------------------------


def work(name, first, stop, folder):
    """Cases first … stop − 1 of a reader, one line of JSON each; runs in a process of its own."""
    from tests.fuzz.mutate import case

    from baksan.data import trial

    trial._SECONDS = 1
    seeds, judge = subject(name, Path(folder) / "seeds")
    for seed in seeds:  # what they load is loaded before memory is bounded
        path = Path(folder) / f"whole-{seed.name}"
        path.write_bytes(seed.content if seed.pack is None else seed.pack(seed.content))
        kind, what = judge(path)
        assert kind in ("table", "same") or "pickle" in seed.name, what
    warnings.simplefilter("ignore")
    warnings.filterwarnings("error", module=r"baksan(\.|$)")
    signal.signal(signal.SIGPROF, ring)
    sys.addaudithook(watch)
    most = vm("VmData") + MEMORY
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    print("ready", flush=True)
    for k in range(first, stop):
        print(json.dumps(one(Path(folder), k, *case(seeds, name, k), judge)), flush=True)


def subject(name, folder):
    """The whole files that are damaged, and who judges what becomes of them."""
    from tests.fuzz import models, readers
    from tests.fuzz.judges import outcome

    if name in models.KINDS:
        seeds = models.seeds_of(name, folder)
        return seeds, partial(models.judge, known=models.known(folder))
    return readers.seeds_of(name, folder), outcome


broken = []


def watch(event, arguments):
    """Notes what only a program would do."""
    trial = event == "subprocess.Popen" and "baksan.data.trial" in str(arguments)
    if event in FORBIDDEN and not trial:
        broken.append(f"{event} {arguments!r:.200}")


def one(folder, k, seed, content, judge):
    path = folder / f"case-{k}"
    path.write_bytes(content)
    fresh = forget_peak()
    before, began = vm("VmRSS"), time.perf_counter()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        kind, what = judge(path)
    except TooLong as error:  # it rang within a `finally`
        kind, what = "defect", f"TooLong: {error}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if broken:
        kind, what = "defect", f"it ran {broken.pop()}"
    took = time.perf_counter() - began
    path.unlink()
    memory = max(vm("VmHWM") - before, 0) if fresh else 0
    return {"k": k, "seed": seed, "kind": kind, "what": what, "seconds": took, "memory": memory}


def vm(key):
    """Bytes of VmData, VmRSS or VmHWM; 0 where the system does not tell."""
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


HEAD = (
    f"{'reader':10}{'files':>8}{'tables':>8}{'same':>8}{'other':>8}{'sentences':>11}{'defects':>9}"
    f"{'crashes':>9}{'slowest':>11}{'memory':>10}{'in all':>9}"
)
"""Readers end in tables; model files in the same model, or in another that is as sound."""


def line(tally):
    kinds, crashes = tally.kinds, tally.kinds["crash"] + tally.kinds["hang"]
    shown = "".join(f"{kinds[kind] or '':8}" for kind in ("table", "same", "other"))
    return (
        f"{tally.reader:10}{tally.files:8,}{shown}{kinds['sentence']:11,}{kinds['defect']:9,}"
        f"{crashes:9,}{tally.slowest:9.2f} s{tally.memory / 2**20:7.0f} MB{tally.seconds:7.0f} s"
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
    process = subprocess.Popen(
        command(name, first, stop, folder), cwd=Path(__file__).parents[2], stdout=subprocess.PIPE,
        bufsize=0, env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    k = first
    with process:
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"the reader of {name} does not even read whole files")
        while k < stop:
            ready, _, _ = select.select([process.stdout], [], [], 8 * SECONDS)
            told = process.stdout.readline() if ready else b""
            if not told.endswith(b"\n"):
                process.kill()
                if ready and process.wait() > 0:
                    raise RuntimeError(f"the harness failed at case {k} of {name}")
                what = f"signal {-process.wait()}" if ready else "hung in compiled code"
                kind = "crash" if ready else "hang"
                yield {"k": k, "seed": "?", "kind": kind, "what": what, "seconds": 0, "memory": 0}
                return
            result = json.loads(told)
            k = result["k"] + 1
            yield result


def command(name, first, stop, folder):
    return [sys.executable, "-m", "tests.fuzz.harness", name, str(first), str(stop), str(folder)]


if __name__ == "__main__":
    name, first, stop, folder = sys.argv[1:]
    work(name, int(first), int(stop), folder)
