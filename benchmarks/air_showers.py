"""Simulated showers and images a second on one core, their reconstruction, and two processes.

The rival of the array is the same physics event by event: a loop over showers, NumPy over the
stations of each, scipy where the formula asks for it. Both must give the same trigger efficiency,
hits and mean signal within the errors of counting.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from scipy.special import digamma, gammainccinv
from side_by_side import Row, Side, race, rate, run, times_faster

from baksan.physics import atmosphere, energy, front
from baksan.physics.depth_of_maximum import MODELS
from baksan.produce import PART, Production, produce
from baksan.reconstruct.array import standard
from baksan.reconstruct.hillas import parameters
from baksan.simulate import images
from baksan.simulate.array import Primaries, events, telescope_array

THREADS = 1
SHOWERS = Primaries({"p": 1, "Fe": 1}, log_energy=(18.0, 19.5))
TRIED = (
    "an event of 81 stations costs NumPy about 100 calls and 0.5 ms, and us 18 µs, of which half go"
    " into the numbers of its 17 hits (about 15 random ones each), a third into what the others"
    " expect, the rest into its shower; tried and kept: one number for silent stations, the first"
    " numbers of all stations side by side, calls that carry no arrays, densities by sums of"
    " logarithms, exponential numbers as one product; 50 would leave 10 µs"
)
THROWN, RECONSTRUCTED, IMAGES, TIMES, PROCESSES = 20_000, 500, 1_000, 50, 1.8


def rows(quick: bool) -> Iterator[Row]:
    layout, n = telescope_array(9), 4_096 if quick else 16_384
    ours = events(n, layout, SHOWERS, seed=1)
    theirs = one_by_one(2 if quick else 600, seed=2)
    if not quick:
        check_the_same(ours, theirs)
    few = 20 if quick else 300
    sides = {
        "ours": Side(partial(events, n, layout, SHOWERS, 1), n),
        "NumPy, event by event": Side(partial(one_by_one, few, 2), few),
    }
    seconds = race(sides, lambda *_: None)
    claim = "showers on 81 stations, lg E 18 … 19.5, no waveforms"
    yield times_faster(claim, seconds, "NumPy, event by event", TIMES, rates=True, tried=TRIED)
    yield a_second(f"{claim}, thrown", 1 / seconds["ours"], THROWN)
    found = ours.take(ours.triggered)
    taken = median_of(partial(standard, found))
    yield a_second("standard reconstruction of these", len(found) / taken, RECONSTRUCTED)
    many = 500 if quick else 4_000
    yield a_second(
        "images of 1,111 pixels", many / median_of(partial(images.events, many, 1)), IMAGES
    )
    shown = images.events(many, seed=1)
    taken = median_of(partial(parameters, shown.charge, shown.camera))
    yield a_second("cleaning and Hillas parameters of these", many / taken, None)
    yield two_processes(8 if quick else 40)


def a_second(claim: str, found: float, bound: float | None) -> Row:
    return Row(claim, rate(1 / found), "–", "–", found, bound, unit="a second")


def median_of(work) -> float:
    """Seconds, the median of five after one to warm up."""
    work()
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def two_processes(parts: int) -> Row:
    """A production with two processes against one, the same file; in turns."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    made = Production(parts * PART, seed=1, primaries=SHOWERS)
    with tempfile.TemporaryDirectory() as folder:
        files = {k: Path(folder) / f"{k}.parquet" for k in seconds}
        for _ in range(3):
            for k, file in files.items():
                file.unlink(missing_ok=True)  # what is there would not be made again
                began = time.perf_counter()
                produce(made, file, processes=k)
                seconds[k].append(time.perf_counter() - began)
        if files[1].read_bytes() != files[2].read_bytes():
            raise SystemExit("NOT THE SAME FILE from one and from two processes")
    one, two = (statistics.median(seconds[k]) for k in (1, 2))
    claim = f"simulate and reconstruct {made.events:,} showers, two processes"
    return Row(
        claim, rate(two / made.events), "one process", rate(one / made.events), one / two, PROCESSES
    )


# The rival ----------------------------------------------------------------------------------------


def check_the_same(ours, theirs) -> None:
    """Efficiency, hits and signals of both, within four standard errors."""
    mine = np.column_stack([
        ours.triggered, ours.hit.sum(axis=1), np.minimum(ours.signal.max(axis=1), 100.0),
    ])  # fmt: skip
    off = mine.mean(axis=0) - theirs.mean(axis=0)
    error = np.hypot(mine.std(axis=0) / len(mine) ** 0.5, theirs.std(axis=0) / len(theirs) ** 0.5)
    if (abs(off) > 4 * error).any():
        raise SystemExit(f"NOT THE SAME ANSWER: triggers, hits, signals differ by {off / error} σ")


def one_by_one(n: int, seed: int) -> np.ndarray:
    """(n, 3): whether it triggered, how many stations were hit, the largest signal, at most 100."""
    rng = np.random.default_rng(seed)
    x, y = (axis.ravel() for axis in np.meshgrid(*2 * [1200.0 * (np.arange(9) - 4)]))
    near = [
        np.flatnonzero((np.hypot(x - x[i], y - y[i]) < 1800) & (np.arange(81) != i))
        for i in range(81)
    ]
    return np.array([_event(rng, x, y, near) for _ in range(n)])


def _event(rng, x, y, near) -> tuple[bool, int, float]:
    lg = rng.uniform(18.0, 19.5)
    mass = rng.choice([1, 56])
    theta = np.arcsin(np.sin(np.deg2rad(55)) * np.sqrt(rng.uniform()))
    phi = rng.uniform(0, 2 * np.pi)
    core = rng.uniform(-600, 600, 2)
    place, width, shape = _gumbel(lg, mass)
    x_max = place - width * np.log(gammainccinv(shape, rng.uniform()) / shape)
    first = _gumbel(lg, 1)
    mean = first[0] + first[1] * (np.log(first[2]) - digamma(first[2]))
    spread = np.sqrt(np.log1p((0.16 * mass**-0.33) ** 2))
    muons = mass**0.0836 * np.exp(spread * rng.normal() - spread**2 / 2)
    factor = np.exp(0.12 * rng.normal() - 0.0072)
    air = atmosphere.US_STANDARD
    ground = air.depth(1400.0) / np.cos(theta)
    n = np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])
    dx, dy = x - core[0], y - core[1]
    along = n[0] * dx + n[1] * dy
    r = np.maximum(np.sqrt(dx**2 + dy**2 - along**2), 30.0)
    eta = 3.97 - 1.79 * (1 / np.cos(theta) - 1)
    form = _form(r, eta) / _form(800.0, eta)
    signal = factor * energy.ta_s800(10**lg, theta) * form
    share = np.minimum((0.22 + 0.5 * (1 / np.cos(theta) - 1)) * (r / 800) ** 0.45, 0.95)
    beyond, usual = ground - x_max, ground - mean
    kappa = (350 + 0.12 * r) / 110
    growth = np.minimum(
        np.exp(kappa * np.log((beyond + 300) / (usual + 300)) - (beyond - usual) / 110), 5.0
    )
    muonic, other = share * signal * muons, (1 - share) * signal * growth
    upper, lower = _counted(rng, muonic, other)
    a = front.linsley_curvature(theta)
    a = a * _origin(air, mean, theta) / _origin(air, x_max, theta)
    wide = a * (1 + r / 30) ** 1.5
    density = muonic + other
    t = (
        -along / front.LIGHT + 0.67 * wide * density**-0.5
        + 0.45 * wide * density**-0.3 * rng.normal(size=81) + 20 * rng.normal(size=81)
    )  # fmt: skip
    return _read(rng, upper, lower, t, near)


def _gumbel(lg: float, mass: int) -> tuple[float, float, float]:
    ln_a, above, table = np.log(mass), lg - 19, MODELS["qgsjetii-04"]
    place, width, shape = (
        sum((a + b * ln_a + c * ln_a**2) * above**k for k, (a, b, c) in enumerate(rows))
        for rows in (table.place, table.width, table.shape)
    )
    return place, width, shape


def _form(r, eta):
    return (r / 91.6) ** -1.2 * (1 + r / 91.6) ** (1.2 - eta) * (1 + (r / 1000) ** 2) ** -0.6


def _origin(air, x_max: float, theta: float) -> float:
    return (air.height(0.5 * x_max * np.cos(theta)) - 1400.0) / np.cos(theta)


def _counted(rng, muonic, other):
    muons = rng.poisson(3 * muonic)
    hits = 3 * other / (0.75 * 0.8)
    both = rng.poisson(0.6 * hits)
    layers = []
    for _ in range(2):
        mine = both + rng.poisson(0.2 * hits)
        layers.append(0.16 * rng.gamma(muons / 0.16) + 0.75 * rng.gamma(mine))
    return layers


def _read(rng, upper, lower, t, near) -> tuple[bool, int, float]:
    """Dead stations, background, saturation, trigger."""
    dead, noise = rng.uniform(size=81) < 0.02, rng.uniform(size=81) < 0.045
    mean = (upper + lower) / 2
    shower = ~dead & (mean >= 0.366)
    extra = ~dead & ~shower & noise
    for layer in (upper, lower):
        layer[extra] = 0.16 * rng.gamma(np.full(extra.sum(), 1 / 0.16))
    t[extra] = rng.uniform(-32000, 32000, extra.sum())
    upper, lower = np.minimum(upper, 900), np.minimum(lower, 900)
    hit = shower | extra
    mean = np.where(hit, (upper + lower) / 2, 0.0)
    loud = hit & (mean >= 3.66)
    triggered = any(
        (loud[near[i]] & (np.abs(t[near[i]] - t[i]) <= 8000)).sum() >= 2
        for i in np.flatnonzero(loud)
    )
    return triggered, int(hit.sum()), min(float(mean.max()), 100.0)


if __name__ == "__main__":
    run(rows, threads=THREADS)
