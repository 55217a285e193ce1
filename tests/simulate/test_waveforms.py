"""Records of stations: their integrals, pulses and delays; seeds and events that do not belong."""

from dataclasses import replace

import numpy as np
import pytest

from baksan.compiled import compiled
from baksan.physics import front, response
from baksan.simulate import kernels_waveforms
from baksan.simulate.array import SATURATED, Primaries, auger, events, telescope_array
from baksan.simulate.kernels_waveforms import BEFORE, BINS, WIDTH, Pulses
from baksan.simulate.waveforms import waveforms

LOUD = Primaries({"p": 1, "Fe": 1}, log_energy=(18.8, 19.6))


def signals(found, made):
    layers = found.upper[made.event, made.station], found.lower[made.event, made.station]
    return np.stack(layers, axis=1)


@pytest.mark.parametrize("make", [telescope_array, auger])
def test_integrals_are_the_signals_but_for_what_comes_after_the_record(make):
    found = events(60, make(7), LOUD, seed=3)
    made = waveforms(found, 3, pedestal=0.0)
    assert (made.trace >= 0).all() and (made.missing > -1e-3 * signals(found, made) - 1e-5).all()
    np.testing.assert_allclose(
        made.trace.sum(axis=-1, dtype=float) + made.missing, signals(found, made), rtol=1e-4,
        atol=1e-4,
    )  # fmt: skip
    assert 0 < made.missing.sum() < 0.02 * signals(found, made).sum()


def test_the_pedestal_is_noise_of_the_spread_that_was_asked_for():
    found = events(60, telescope_array(5), LOUD, seed=3)
    noisy, clean = (waveforms(found, 3, pedestal=p) for p in (0.05, 0.0))
    off = noisy.trace - clean.trace
    assert off.std() == pytest.approx(0.05, rel=0.01)
    assert abs(off.mean()) < 4 * 0.05 / np.sqrt(off.size)
    np.testing.assert_allclose(noisy.missing, clean.missing)


def test_only_hits_of_triggered_events_are_recorded():
    found = events(200, telescope_array(5), Primaries({"p": 1}, log_energy=(17.8, 18.2)), seed=1)
    assert 0 < found.triggered.sum() < 200
    made = waveforms(found, 1)
    event, station = np.nonzero(found.hit & found.triggered[:, None])
    np.testing.assert_array_equal(made.event, event)
    np.testing.assert_array_equal(made.station, station)
    assert made.trace.shape == (len(event), 2, BINS) and made.trace.dtype == np.float32


def test_the_first_particle_comes_at_the_time_of_the_station():
    found = events(60, telescope_array(7), LOUD, seed=3)
    made = waveforms(found, 3, pedestal=0.0)
    there = (made.trace > 0).any(axis=1)
    first = made.start + there.argmax(axis=1) * WIDTH
    off = found.time[made.event, made.station] - first
    assert off.min() > -0.01 and off.max() < WIDTH + 0.01  # float32 holds 0.004 ns there
    before = found.time[made.event, made.station] - made.start
    assert before.min() > BEFORE * WIDTH - 0.01 and before.max() < (BEFORE + 1) * WIDTH + 0.01


def test_one_particle_is_the_pulse_of_the_formula():
    pulses = Pulses(np.zeros(1), 10.0, 35.0, 0.0)
    for t in (203.0, 219.999, 240.0, 2555.0):
        work, trace = np.zeros((3, BINS)), np.zeros(BINS)
        compiled(kernels_waveforms._begin)(pulses, work, t, 2.0)
        compiled(kernels_waveforms._spread)(pulses, work, 1.5, trace)
        fine = (np.arange(BINS * 2000) + 0.5) / 100  # a hundredth of a ns
        expected = 3.0 * response.pulse(fine - t).reshape(BINS, -1).sum(axis=1) / 100
        np.testing.assert_allclose(trace, expected, atol=2e-4)
    late = np.zeros((3, BINS))
    compiled(kernels_waveforms._begin)(pulses, late, 2560.0, 1.0)
    assert not late.any()


def test_particles_lie_behind_the_first_as_the_formula_says():
    pulses, n = Pulses(np.array([150.0]), 10.0, 35.0, 0.0), 400
    s, late = kernels_waveforms.random.stream(4), np.zeros(504)
    muon, other, later = front.medians(1100.0, 150.0)
    spreads = []
    for count, median, shift in (([n, 0, 0, 0], muon, 0.0), ([0, n, 0, 0], other, later)):
        kept = compiled(kernels_waveforms._delays)(pulses, 0, 1100.0, np.array(count), late, s)
        assert kept == 1.0 and late[:n].min() == 0.0
        first = median * np.exp(-0.7 * 3.0) + shift  # the first of 400 is 3.0 σ early
        assert np.median(late[:n]) == pytest.approx(median + shift - first, rel=0.15)
        spreads.append(np.quantile(late[:n], 0.9) - np.quantile(late[:n], 0.1))
    assert spreads[0] < spreads[1]  # muons are earlier and narrower
    assert front.pulse_delays(1100.0, 150.0)[1] == pytest.approx(other + later)


def test_many_particles_are_followed_in_their_proportions():
    pulses, s = Pulses(np.array([150.0]), 10.0, 35.0, 0.0), kernels_waveforms.random.stream(4)
    late, count = np.zeros(504), np.array([1000, 2500, 500, 1])
    kept = compiled(kernels_waveforms._delays)(pulses, 0, 500.0, count, late, s)
    assert kept == pytest.approx(500 / 4001)
    numbers = [compiled(kernels_waveforms._kept)(c, kept) for c in count]
    assert numbers == [125, 313, 63, 1]


def test_muons_are_those_that_were_counted():
    layout = telescope_array(7).with_detector(dead=0.0, noise=0.05)
    counted = {}
    for name in ("p", "Fe", "gamma"):
        showers = Primaries({name: 1}, log_energy=(19.0, 19.0), zenith=(0, 0.7), spread=0.0)
        found = events(300, layout, showers, seed=2)
        made = waveforms(found, 2)
        counted[name] = made.muons.sum() / found.triggered.sum()
        noise = found.noise[made.event, made.station]
        assert (made.muons[noise] == 1).all()
    assert counted["Fe"] / counted["p"] == pytest.approx(1.40, abs=0.15)
    assert counted["gamma"] / counted["p"] == pytest.approx(0.12, abs=0.04)


def test_a_saturated_record_adds_up_to_what_was_recorded():
    found = events(200, telescope_array(5), Primaries({"p": 1}, log_energy=(19.5, 19.5)), seed=1)
    made = waveforms(found, 1, pedestal=0.0)
    full = (found.status[made.event, made.station] & SATURATED) > 0
    assert full.any()
    total = made.trace.sum(axis=-1) + made.missing
    np.testing.assert_allclose(total[full].max(axis=1), 900.0, rtol=1e-3)


def test_tanks_of_water_have_one_record():
    found = events(30, auger(5), LOUD, seed=1)
    made = waveforms(found, 1)
    np.testing.assert_array_equal(made.trace[:, 0], made.trace[:, 1])


def test_a_record_does_not_depend_on_who_else_is_there():
    found = events(40, telescope_array(5), LOUD, seed=6)
    whole = waveforms(found, 6)
    part = waveforms(events(15, telescope_array(5), LOUD, seed=6, start=20), 6)
    alone = waveforms(found.take(np.arange(20, 35)), 6)
    rows = (whole.event >= 20) & (whole.event < 35)
    for name in ("trace", "station", "start", "missing", "muons"):
        np.testing.assert_array_equal(getattr(whole, name)[rows], getattr(part, name))
        np.testing.assert_array_equal(getattr(whole, name)[rows], getattr(alone, name))


@pytest.mark.parametrize("make", [telescope_array, auger])
def test_plain_python_gives_what_machine_code_gives(make):
    found = events(2, make(3), LOUD, seed=8)
    plain, fast = (waveforms(found, 8, way=way) for way in ("python", "compiled"))
    np.testing.assert_allclose(plain.trace, fast.trace, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(plain.start, fast.start)
    np.testing.assert_array_equal(plain.muons, fast.muons)


def test_no_hits_are_no_records():
    found = events(5, telescope_array(5), LOUD, seed=1)
    made = waveforms(found.take(np.zeros(5, dtype=bool)), 1)
    assert len(made) == 0 and made.trace.shape == (0, 2, BINS)


def test_events_of_another_seed_or_model_are_refused():
    found = events(20, telescope_array(5), LOUD, seed=1)
    with pytest.raises(ValueError, match="made with this seed and model; event 0, station"):
        waveforms(found, 2)
    with pytest.raises(ValueError, match="made with this seed and model"):
        waveforms(found, 1, model="epos-lhc")
    with pytest.raises(ValueError, match="made with this seed and model"):
        waveforms(replace(found, upper=1.1 * found.upper), 1)
    with pytest.raises(ValueError, match="seed must be a whole number"):
        waveforms(found, -1)
    with pytest.raises(ValueError, match="the noise of a bin must lie between"):
        waveforms(found, 1, pedestal=-0.1)
