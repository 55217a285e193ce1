"""What networks over stations add to the standard reconstruction, on the same triggered showers.

Protons and iron 50:50 below 55°, with the 12 % by which showers of one energy differ. A third of
the events is held back; of those, lg(E/eV) 18.5 to 19.5 is judged, with errors of 200 bootstrap
replicas. Networks learn from 18.3 to 19.7: at an edge of what they know they lean inwards. The
learning curve has a quarter, a half and all of the events, and as many steps with each.

For the direction the last row is what the arrival times hold at all: ψ68 of the Cramér–Rao bound,
from the Fisher matrix of the times of the hits that are the shower's, each with the thickness of
the front and the jitter of its clock, where core, curvature and signals are known exactly.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from side_by_side import Row, number, run

import baksan as bk
from baksan import losses
from baksan.metrics import auc
from baksan.metrics.bins import half_width, psi68
from baksan.physics import front
from baksan.physics.directions import angle_between, unit_vector
from baksan.produce import Production, produce
from baksan.simulate import kernels_array as kernels
from baksan.simulate.array import Primaries, events, expectations, stations_of, telescope_array
from baksan.solvers.adaptive import AdamW
from baksan.solvers.schedules import Cosine
from baksan.train.source import open_samples
from baksan.train.views import places_of

THREADS, EVENTS, EPOCHS, REPLICAS, SEED = 2, 160_000, 16, 200, 11
SHOWERS = Primaries({"p": 1, "Fe": 1}, log_energy=(18.3, 19.7), zenith=(0, np.deg2rad(55)))
JUDGED = 18.5, 19.5
SHOWER_TO_SHOWER = 0.12
NINE = (
    "zenith", "log_s800", "curvature", "chi2", "stations", "log_s3", "log_s45", "log_sum",
    "asymmetry",
)  # fmt: skip
NOT_THERE = (
    "sets of width 48 and 64, attention, 22,000 to 90,000 events, 6 to 25 epochs: within 1 % of"
    " each other; the bound of the row below says why"
)


def rows(quick: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "showers.parquet"
        count = EVENTS // (10 if quick else 1)
        produce(Production(count, SEED, primaries=SHOWERS, stations=True), path, processes=THREADS)
        epochs = 2 if quick else EPOCHS
        yield from energy(str(path), epochs)
        yield from direction(str(path), epochs, 150 if quick else 1500)
        yield from mass(str(path), epochs)


def opened(path: str, answer: str, **more: Any) -> tuple[bk.Samples, bk.Samples]:
    """Training events, and test events whose energies are judged."""
    X, by_energy = (
        open_samples(
            path, answer=one, id="event", where="flag == 0", stations=True, **which
        ).samples
        for one, which in ((answer, more), ("log_energy", {}))
    )
    assert isinstance(X, bk.Samples) and isinstance(by_energy, bk.Samples)
    judged = by_energy.ids[(JUDGED[0] <= by_energy.y) & (by_energy.y < JUDGED[1])]
    learn, test = X.split(2 / 3, seed=SEED)
    return learn, test.take(np.isin(test.ids, judged))


def learned(learn: bk.Samples, loss: Any, answer: Any, epochs: int) -> Any:
    """Two networks over the set of stations, their mean."""
    from baksan.models.array.columns import Columns

    net = bk.ArrayNetwork(Columns.named(learn.names), places_of(learn), answer=answer)
    solver = AdamW(Cosine(0.003), batch=128, epochs=epochs, decay=0.01)
    return bk.fit(bk.Ensemble(net, 2), learn, loss, solver, seed=SEED)


def with_error(figure: Callable[[Any], float], n: int) -> tuple[float, float]:
    """A figure of rows, and the spread of it over replicas."""
    rng = np.random.default_rng(SEED)
    drawn = [figure(rng.integers(0, n, n)) for _ in range(REPLICAS)]
    return figure(np.arange(n)), float(np.std(drawn))


def told(pair: tuple[float, float], unit: str = "") -> str:
    return f"{pair[0]:.4f} ± {pair[1]:.4f}{unit}"


# Energy -------------------------------------------------------------------------------------------


def energy(path: str, epochs: int) -> Iterator[Row]:
    learn, test = opened(path, "log_energy")
    rule = test.x[:, test.names.index("log_energy_standard")]
    off = {"rules": 10 ** (rule - test.y) - 1}
    n = len(test)
    for share in (0.25, 0.5, 1.0):
        some = learn.take(np.arange(int(share * len(learn))))
        found = learned(some, losses.squared, "number", round(epochs / share))
        off["net"] = 10 ** (found.predict(test.x).value - test.y) - 1
        ours, theirs = (with_error(lambda i, x=off[k]: beyond(x[i]), n) for k in ("net", "rules"))
        both = with_error(lambda i: beyond(off["net"][i]) / beyond(off["rules"][i]), n)
        claim = f"energy, √(σ² − 0.12²), {len(some):,} events: ± {both[1]:.3f}"
        yield Row(claim, told(ours), "the rules", told(theirs), both[0],
                  0.8 if share == 1 else None, "at most")  # fmt: skip
    edges = np.linspace(*JUDGED, 6)
    bins = np.digitize(test.y, edges[1:-1])
    worst = {k: max(abs(np.median(x[bins == b])) for b in range(5)) for k, x in off.items()}
    yield Row("energy, the largest bias of five bins", number(worst["net"]), "the rules",
              number(worst["rules"]), worst["net"], 0.03, "at most", "")  # fmt: skip


def beyond(x: Any) -> float:
    """The resolution that is not the showers' own."""
    return float(np.sqrt(max(float(half_width(x)) ** 2 - SHOWER_TO_SHOWER**2, 0.0)))


# Direction ----------------------------------------------------------------------------------------


def direction(path: str, epochs: int, showers: int) -> Iterator[Row]:
    learn, test = opened(path, "direction(true_zenith, true_azimuth)")
    axis = [np.deg2rad(test.x[:, test.names.index(c)]) for c in ("zenith", "azimuth")]
    found = learned(learn, losses.von_mises_fisher, "direction", epochs)
    off = [
        np.rad2deg(angle_between(n, test.y))
        for n in (found.predict(test.x).value, unit_vector(*axis))
    ]
    ours, theirs = (with_error(lambda i, x=x: float(psi68(x[i])), len(test)) for x in off)
    both = with_error(lambda i: float(psi68(off[0][i]) / psi68(off[1][i])), len(test))
    yield Row(f"direction, ψ68, {len(learn):,} events: ± {both[1]:.3f}", told(ours, "°"),
              "the rules", told(theirs, "°"), both[0], 0.85, "at most",
              tried=NOT_THERE)  # fmt: skip
    bound, rules = information(showers)
    yield Row("direction, ψ68 of all that the times hold", f"{bound:.3f}°", "the rules",
              f"{rules:.3f}°", bound / rules, None, "at most")  # fmt: skip


def information(count: int) -> tuple[float, float]:
    """ψ68 of the Cramér–Rao bound and of the rules, in degrees, on showers of their own."""
    from baksan.reconstruct.array import standard

    array = telescope_array()
    found = events(3 * count, array, replace(SHOWERS, log_energy=JUDGED), seed=SEED)
    found = found.take(found.triggered)
    rules = standard(found)
    good = np.flatnonzero(rules.flag == 0)[:count]
    true = unit_vector(found.showers.zenith, found.showers.azimuth)
    expected = expectations(found.showers, found.core, array, SHOWERS.model)
    stations = stations_of(array)
    rng, best = np.random.default_rng(SEED), []
    for k in good:
        hits = np.flatnonzero(((found.status[k] & 1) > 0) & ~found.noise[k])
        covariance = np.linalg.inv(_fisher(found, expected, stations, array, k, hits))[:2, :2]
        best.append(np.hypot(*rng.multivariate_normal([0, 0], covariance, size=20).T))
    angles = angle_between(rules.direction[good], true[good])
    return float(np.rad2deg(psi68(np.concatenate(best)))), float(np.rad2deg(psi68(angles)))


def _fisher(found: Any, expected: Any, stations: Any, array: Any, k: int, hits: Any) -> Any:
    """Fisher's information on two small turns of the axis and the start, (3, 3)."""
    theta, phi = found.showers.zenith[k], found.showers.azimuth[k]
    across = np.array([-np.sin(phi), np.cos(phi), 0.0])
    along = np.cross(across, unit_vector(theta, phi))
    lines = []
    for i in hits:
        r, _, muons, electrons = kernels.expected(expected, stations, k, i)
        thick = kernels._THICKNESS * kernels._linsley(
            r, muons + electrons, expected.curvature[k], -0.3
        )
        place = array.position[i] - np.append(found.core[k], 0.0)
        turn = [-(place @ along) / front.LIGHT, -(place @ across) / front.LIGHT, 1.0]
        lines.append(np.array(turn) / np.hypot(thick, stations.counter.jitter))
    J = np.array(lines)
    return J.T @ J


# Mass ---------------------------------------------------------------------------------------------


def mass(path: str, epochs: int) -> Iterator[Row]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    learn, test = opened(path, "primary", signal="Fe")
    nine = [test.names.index(name) for name in NINE]
    trees = HistGradientBoostingClassifier(random_state=SEED).fit(learn.x[:, nine], learn.y)
    found = learned(learn, losses.logistic, "number", epochs)
    scores = found.predict(test.x).score, trees.predict_proba(test.x[:, nine])[:, 1]
    ours, theirs = (with_error(lambda i, s=s: auc(s[i], test.y[i]), len(test)) for s in scores)
    apart = with_error(
        lambda i: auc(scores[0][i], test.y[i]) - auc(scores[1][i], test.y[i]), len(test)
    )
    yield Row(f"p or Fe, AUC, {len(learn):,} events: ± {apart[1]:.4f}", told(ours),
              "HistGradientBoosting on nine", told(theirs), apart[0], 0.03, "at least",
              "more")  # fmt: skip


if __name__ == "__main__":
    run(rows, threads=THREADS)
