"""The KASCADE-like array: densities, counting, times, sizes, triggers; and what is refused."""

import numpy as np
import pytest

from baksan.compiled import compiled
from baksan.physics import depth_of_maximum, directions, energy, front, lateral
from baksan.simulate import kascade, kernels_kascade
from baksan.simulate.kascade import DEAD, HIT, SATURATED, Kascade, Primaries, blocks, events

STEADY = Kascade(dead=0.0, jitter=0.0, full=1e9)
NAMES = ("electrons", "muons", "time", "status", "triggered", "core", "log_ne", "log_nmu", "age")


def at(lg, name="p", **settings):
    settings = {"zenith": (0.0, 0.6), "spread": 0.0} | settings
    return Primaries({name: 1}, log_energy=(lg, lg), **settings)


def inputs(found):
    return kascade._densities(found.showers, found.core, found.log_ne, found.log_nmu, found.age)


def means(found, k):
    """r, L, electrons and muons per m² of the kernel at all stations of one event."""
    expected, detectors = inputs(found), found.array._detectors()
    run = compiled(kernels_kascade.densities)
    return np.array([run(expected, detectors, k, i) for i in range(256)]).T


def axes(found):
    return directions.unit_vector(found.showers.zenith, found.showers.azimuth)


def test_densities_are_those_of_the_formulas():
    mixed = Primaries({"p": 1, "Fe": 1}, log_energy=(15.5, 16.9), zenith=(0.0, 0.8))
    found = events(20, mixed, seed=3)
    for k in (0, 7, 19):
        core = np.append(found.core[k], 0.0)
        r, along = directions.from_axis(found.array.position, core, axes(found)[k])
        factor = found.showers.factor[k]
        e = factor * lateral.kascade_electrons(r, 10 ** found.log_ne[k], found.age[k])
        theta = found.showers.zenith[k]
        mu = factor * lateral.kascade_muons(r, 10 ** found.log_nmu[k], theta)
        far, found_along, electrons, muons = means(found, k)
        np.testing.assert_allclose(far, r, rtol=1e-9)
        np.testing.assert_allclose(found_along, along, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(electrons, e, rtol=1e-9)
        np.testing.assert_allclose(muons, mu, rtol=1e-9)


def test_deposits_have_the_mean_and_spread_of_counted_particles():
    # One shower many times: the streams of the events differ, their expectations do not.
    one, n = events(1, at(15.6, zenith=(0.5, 0.5)), seed=4, array=STEADY), 20_000
    array = Kascade(dead=0.0, threshold=1e-3, full=1e9)
    many = type(inputs(one))(*(np.repeat(part, n, axis=0) for part in inputs(one)))
    many = many._replace(event=np.arange(n))
    electrons, muons, time = (np.zeros((n, 256), dtype=np.float32) for _ in range(3))
    compiled(kernels_kascade.respond, fast=False)(
        many, array._detectors(), kascade.kernels_random.stream(9), electrons, muons, time,
        np.zeros((n, 256), dtype=np.uint8), np.zeros(n, dtype=bool),
    )  # fmt: skip
    _, _, e, mu = means(one, 0)
    held = [(electrons, (e + mu) * array.electron_area), (muons, mu * array.muon_area)]
    for deposit, mean in held:
        there = mean > 0
        deposit, mean = deposit[:, there].astype(float), mean[there]
        error = deposit.std(axis=0) / np.sqrt(n)
        assert (np.abs(deposit.mean(axis=0) - mean) < 4.5 * error).all()
        # A Poisson number of particles of mean 1/cos θ and relative spread 0.4.
        spread = deposit.var(axis=0) / mean * np.cos(0.5)
        np.testing.assert_allclose(spread.mean(), 1.16, rtol=0.01)


def test_the_first_of_several_particles_comes_after_the_front():
    found = events(300, at(15.0), seed=5, array=STEADY)
    late = []
    for k in range(300):
        r, along, e, mu = means(found, k)
        once = ((e + mu) * found.array.electron_area < 0.3) & found.hit[k]
        off = (found.time[k] + along / front.LIGHT) / front.small_array_delay(r, 15.0)
        late += off[once].tolist()
        near = found.hit[k] & ((e + mu) * found.array.electron_area > 40)
        assert off[near].max(initial=0.0) < 0.5
    assert np.min(late) > -1e-3
    assert np.median(late) == pytest.approx(1.0, abs=0.2)  # a few were two particles


@pytest.mark.parametrize("name", ["p", "He", "Fe"])
def test_sizes_scatter_around_the_recipe(name):
    """PHYSICS D6."""
    n = 8000
    found = events(n, at(15.0, name, zenith=(0.3, 0.3)), seed=1)
    A = {"p": 1, "He": 4, "Fe": 56}[name]
    mean = energy.kascade_sizes(1e15, A, 0.3)
    spread = {"p": 0.20, "He": 0.15, "Fe": 0.08}[name]
    assert found.log_ne.mean() == pytest.approx(mean.electrons, abs=4 * spread / np.sqrt(n))
    assert found.log_ne.std() == pytest.approx(spread, rel=0.05)
    assert found.log_nmu.mean() == pytest.approx(mean.muons, abs=4 * 0.09 / np.sqrt(n))
    assert found.log_nmu.std() == pytest.approx(
        {"p": 0.09, "He": 0.073, "Fe": 0.04}[name], rel=0.05
    )
    together = np.corrcoef(found.log_ne, found.log_nmu)[0, 1]
    assert together == pytest.approx(0.6, abs=0.05)
    deep = found.showers.x_max > np.median(found.showers.x_max)
    assert found.log_ne[deep].min() > found.log_ne[~deep].max() - 1e-6
    assert found.age[deep].max() < found.age[~deep].min() + 1e-6


def test_heavier_showers_have_more_muons_fewer_electrons_and_photons_hardly_any():
    log_ne, log_nmu, counted = {}, {}, {}
    for name in ("p", "Fe", "gamma"):
        found = events(2000, at(16.0, name), seed=2)
        log_ne[name], log_nmu[name] = found.log_ne.mean(), found.log_nmu.mean()
        counted[name] = found.muons.sum(axis=1).mean()
    assert log_nmu["Fe"] - log_nmu["p"] == pytest.approx(0.1 * np.log10(56), abs=0.01)
    assert log_ne["p"] - log_ne["Fe"] == pytest.approx(0.25 * np.log10(56), abs=0.02)
    assert log_ne["gamma"] - log_ne["p"] == pytest.approx(np.log10(1.3), abs=0.02)
    assert log_nmu["gamma"] - log_nmu["p"] == pytest.approx(np.log10(0.06), abs=0.01)
    assert counted["Fe"] > 1.3 * counted["p"] and counted["gamma"] < 0.1 * counted["p"]


def test_the_truth_tells_the_muons_that_were_used():
    found = events(500, at(16.0, muon_factor=1.2), seed=2)
    usual = energy.kascade_sizes(1e16, 1.0, found.showers.zenith).muons
    np.testing.assert_allclose(np.log10(found.showers.muons), found.log_nmu - usual)
    assert found.showers.muons.mean() == pytest.approx(1.2 * np.exp(0.5 * 0.207**2), rel=0.04)


def test_showers_over_the_array_trigger_and_more_so_at_higher_energies():
    shares = [events(600, at(lg, "Fe"), seed=1).triggered.mean() for lg in (15.0, 15.3, 16.0)]
    assert 0.9 < shares[0] < shares[1] <= shares[2] == 1.0


def test_the_trigger_is_hits_in_one_cluster():
    detectors = Kascade()._detectors()
    run = compiled(kernels_kascade._trigger)
    cluster = np.flatnonzero(detectors.cluster == 1)
    corner = np.unique(detectors.position[cluster, 0])
    assert len(cluster) == 16 and len(corner) == 4 and np.ptp(corner) == pytest.approx(39.0)
    status = np.zeros(256, dtype=np.uint8)
    status[cluster[:9]] = HIT
    status[detectors.cluster == 2] = DEAD
    assert not run(detectors, status)
    status[np.flatnonzero(detectors.cluster == 0)[:9]] = HIT | SATURATED
    assert not run(detectors, status)
    status[cluster[9]] = HIT | SATURATED
    assert run(detectors, status)


def test_the_array_has_the_detectors_of_kascade():
    array = Kascade()
    assert (array.electron_area > 0).sum() == 252 and (array.muon_area > 0).sum() == 192
    assert array.muon_area.sum() == pytest.approx(622, abs=1)  # PHYSICS D6
    assert array.electron_area.sum() == pytest.approx(490, abs=1)
    step = np.linalg.norm(array.position - array.position[5], axis=1)
    assert np.sort(step)[1] == pytest.approx(13.0) and not array.position.mean(axis=0).any()
    u = np.random.default_rng(1).random((5000, 2))
    r = np.hypot(*array.cores(u).T)
    assert r.max() < 91 and (r**2 / 91**2).mean() == pytest.approx(0.5, abs=0.02)


def test_what_detectors_do_to_deposits():
    found = events(1500, Primaries({"p": 1}, log_energy=(16.8, 17.0), zenith=(0.0, 0.5)), seed=1)
    there = found.array.electron_area > 0
    dead = found.status == DEAD
    assert dead[:, ~there].all()
    share = dead[:, there].mean()
    assert share == pytest.approx(0.01, abs=4 * np.sqrt(0.01 / dead[:, there].size))
    for values in (found.electrons, found.muons, found.time):
        assert not values[dead].any()
    saturated = (found.status & SATURATED) > 0
    full = np.broadcast_to(1600 * found.array.electron_area, saturated.shape)
    assert saturated.any() and found.hit[saturated].all()
    np.testing.assert_allclose(found.electrons[saturated], full[saturated])
    assert found.electrons[found.hit].min() >= np.float32(0.4)
    assert found.muons[found.muons > 0].min() >= np.float32(0.4)
    assert not found.electrons[~found.hit].any() and not found.time[~found.hit].any()
    assert not found.muons[:, found.array.muon_area == 0].any()


def test_plain_python_gives_what_machine_code_gives():
    plain, fast = (events(2, at(15.5), seed=8, way=way) for way in ("python", "compiled"))
    for name in ("status", "triggered"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(fast, name))
    for name in ("electrons", "muons", "time"):
        np.testing.assert_allclose(getattr(plain, name), getattr(fast, name), rtol=1e-4, atol=1e-4)


def test_blocks_of_any_size_hold_the_same_events():
    primaries = Primaries({"p": 1, "N": 1, "gamma": 1}, log_energy=(15, 17), zenith=(0, 0.7))
    whole, start = events(100, primaries, seed=6), 0
    for block in blocks(100, primaries, seed=6, rows=37):
        rows = slice(start, start + len(block))
        for name in NAMES:
            np.testing.assert_array_equal(getattr(whole, name)[rows], getattr(block, name))
        start += len(block)
    assert start == 100
    taken = whole.take(whole.triggered)
    np.testing.assert_array_equal(taken.log_ne, whole.log_ne[whole.triggered])
    assert len(taken.showers) == len(taken) == whole.triggered.sum()


def test_truth_stands_apart_from_what_is_measured():
    found = events(20, seed=1)
    truth, stations = found.truth(), found.stations()
    assert set(truth.apart) == set(truth.names) and truth.column("true_log_ne").role == "truth"
    assert stations["electrons"].shape == stations["muon_deposits"].shape == (20, 256)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: events(5, Primaries()), r"lg\(E/eV\) on KASCADE must lie between 15 and 17"),
        (lambda: events(5, at(16.0, zenith=(0.0, 1.0))), "on KASCADE must lie between 0 and 50"),
        (lambda: events(-1), "n, the number of events"),
        (lambda: events(5, seed=-1), "seed must be a whole number"),
        (lambda: list(blocks(5, rows=0)), "rows, the size of a block"),
        (lambda: Kascade(dead=2.0), "the chance of a station to be dead must lie between 0 and 1"),
        (lambda: Kascade(sigma=0.0), "the spread of a deposit must lie"),
        (lambda: Kascade(radius=200.0), "Stay within the array"),
        (lambda: Kascade(trigger=0), "trigger, the hits in a cluster"),
    ],
)
def test_what_formulas_do_not_reach_is_refused(call, told):
    with pytest.raises(ValueError, match=told):
        call()


@pytest.mark.parametrize("model", depth_of_maximum.MODELS)
def test_every_hadronic_model_can_be_continued_to_the_knee(model):
    mixed = {"p": 1, "He": 1, "N": 1, "Si": 1, "Fe": 1, "gamma": 1}
    found = events(600, Primaries(mixed, log_energy=(15, 17), zenith=(0, 0.8), model=model))
    assert np.isfinite(found.log_ne).all() and np.isfinite(found.electrons).all()
    assert set(found.showers.names) == set(mixed)
