"""Arrays: what stations see of showers; formulas, counting, triggers; and what is refused."""

import numpy as np
import pytest

from baksan.compiled import compiled
from baksan.physics import directions, energy, front, lateral, response
from baksan.simulate import array, kernels_array
from baksan.simulate.array import HIT, SATURATED, Primaries, auger, events, table, telescope_array
from baksan.simulate.layouts import SCINTILLATOR, Layout

QUIET = {"dead": 0.0, "noise": 0.0}
MEAN = {"log_energy": (19.0, 19.0), "spread": 0.0}


def means(found, layout, primaries, event):
    """Muonic and electromagnetic signals of the kernel at all stations of one event."""
    expected = array.expectations(found.showers, found.core, layout, primaries.model)
    stations = array.stations_of(layout)
    run = compiled(kernels_array.expected)
    return np.array([run(expected, stations, event, i) for i in range(len(layout))]).T


@pytest.mark.parametrize("make", [telescope_array, auger])
def test_mean_signals_are_those_of_the_formulas(make):
    layout, primaries = make(5), Primaries({"p": 1, "Fe": 1}, log_energy=(18.6, 19.4))
    found = events(20, layout, primaries, seed=3)
    for k in (0, 7, 19):
        s = found.showers.take(np.array([k]))
        n = directions.unit_vector(s.zenith, s.azimuth)[0]
        core = np.append(found.core[k], 0.0)
        r, along = directions.from_axis(layout.position, core, n)
        ground = array._AIR.slant_depth(layout.height, s.zenith)
        usual = ground - array.depth_of_maximum.x_max_mean(s.log_energy, 1.0, primaries.model)
        growth = response.electromagnetic_factor(r, ground - s.x_max, usual)
        share = response.muon_share(r, s.zenith, layout.detector.kind)
        shape = lateral.auger if make is auger else lateral.telescope_array
        scale = energy.auger_s1000 if make is auger else energy.ta_s800
        S = scale(10**s.log_energy, s.zenith) * shape(r, s.zenith) * s.factor
        far, found_along, muonic, electromagnetic = means(found, layout, primaries, k)
        np.testing.assert_allclose(far, r, rtol=1e-9)
        np.testing.assert_allclose(found_along, along, rtol=1e-9, atol=1e-6)
        np.testing.assert_allclose(muonic, share * S * s.muons, rtol=1e-9)
        np.testing.assert_allclose(electromagnetic, (1 - share) * S * growth, rtol=1e-9)


def test_counted_signals_have_the_mean_and_spread_of_the_recipe():
    # One shower many times: the streams of the events differ, their expectations do not.
    layout = telescope_array(3).with_detector(**QUIET, full=1e9, read=1e-9)
    primaries = Primaries({"p": 1}, **MEAN)
    one = events(1, layout, primaries, seed=2)
    n = 40_000
    many = array.expectations(one.showers, one.core, layout, primaries.model)
    many = type(many)(*(np.repeat(part, n, axis=0) for part in many))
    many = many._replace(event=np.arange(n))
    shape = n, len(layout)
    upper, lower, time = (np.zeros(shape, dtype=np.float32) for _ in range(3))
    status, noise = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=bool)
    compiled(kernels_array.respond, fast=False)(
        many, array.stations_of(layout), array.kernels_random.stream(9), upper, lower, time, status,
        noise, np.zeros(n, dtype=bool),
    )  # fmt: skip
    _, _, muonic, electromagnetic = means(one, layout, primaries, 0)
    per_area = (upper + lower).astype(float) / 2 / layout.detector.area
    total = muonic + electromagnetic
    error = per_area.std(axis=0) / np.sqrt(n)
    assert (np.abs(per_area.mean(axis=0) - total) < 4.5 * error + 1e-9).all()
    spread = per_area.var(axis=0) * layout.detector.area / total
    assert 0.7 < spread[total > 1].min() and spread[total > 1].max() < 1.5  # PHYSICS F2: 1.1 S
    # Muons cross both layers, so that these hang together.
    near = total.argmax()
    assert np.corrcoef(upper[:, near], lower[:, near])[0, 1] > 0.4


def test_times_are_those_of_the_front():
    layout = telescope_array(5).with_detector(**QUIET, full=1e9)
    primaries = Primaries({"p": 1}, **MEAN, zenith=(0.5, 0.6))
    found = events(2000, layout, primaries, seed=5)
    pulls = []
    for k in range(200):
        _, along, muonic, electromagnetic = means(found, layout, primaries, k)
        n = directions.unit_vector(found.showers.zenith[k], found.showers.azimuth[k])
        r = directions.from_axis(layout.position, np.append(found.core[k], 0.0), n)[0]
        a = array.expectations(found.showers, found.core, layout, primaries.model).curvature[k]
        density = muonic + electromagnetic
        delay = front.linsley_delay(np.maximum(r, 30), density, a)
        spread = 0.45 / 0.29 * front.linsley_thickness(np.maximum(r, 30), density, a)
        hit = found.hit[k]
        off = found.time[k] - (delay - along / front.LIGHT)
        pulls += (off / np.hypot(spread, 20.0))[hit].tolist()
    assert np.mean(pulls) == pytest.approx(0.0, abs=4 / np.sqrt(len(pulls)))
    assert np.std(pulls) == pytest.approx(1.0, abs=4 / np.sqrt(2 * len(pulls)))


@pytest.mark.parametrize("make", [telescope_array, auger])
def test_plain_python_gives_what_machine_code_gives(make):
    layout = make(5)
    plain, fast = (events(3, layout, seed=8, way=way) for way in ("python", "compiled"))
    for name in ("status", "noise", "triggered"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(fast, name))
    for name in ("upper", "lower", "time"):
        np.testing.assert_allclose(getattr(plain, name), getattr(fast, name), rtol=1e-5)


def test_blocks_of_any_size_hold_the_same_events():
    layout = telescope_array(5)
    whole = events(100, layout, seed=6)
    start = 0
    for block in array.blocks(100, layout, seed=6, rows=37):
        rows = slice(start, start + len(block))
        for name in ("upper", "lower", "time", "status", "noise", "triggered", "core"):
            np.testing.assert_array_equal(getattr(whole, name)[rows], getattr(block, name))
        start += len(block)
    assert start == 100


@pytest.mark.parametrize(
    ("lg", "efficiency", "hits", "loud"),
    [(18.0, 0.36, 7, 3), (18.25, 0.74, 9, 3), (18.5, 0.96, 11, 4), (18.75, 0.996, 14, 5),
     (19.0, 1.0, 18, 7), (19.5, 1.0, 30, 11), (20.0, 1.0, 47, 18)],
)  # fmt: skip
def test_triggers_and_hits_are_those_of_the_closure_table(lg, efficiency, hits, loud):
    """PHYSICS J4: p, below 45°, no noise, no dead stations, without the 12 %; within 15 %."""
    layout = telescope_array(15).with_detector(**QUIET)
    primaries = Primaries({"p": 1}, log_energy=(lg, lg), zenith=(0.0, np.deg2rad(45)), spread=0.0)
    found = events(1500, layout, primaries, seed=2)
    assert found.triggered.mean() == pytest.approx(efficiency, rel=0.15)
    kept = found.take(found.triggered)
    assert np.median(kept.hit.sum(axis=1)) == pytest.approx(hits, rel=0.15)
    mips = (kept.signal >= 3 * 1.22).sum(axis=1)
    assert np.median(mips) == pytest.approx(loud, rel=0.15)


def test_what_detectors_do_to_signals():
    layout = telescope_array(5)
    found = events(4000, layout, Primaries({"p": 1}, **MEAN), seed=1)
    dead = (found.status == array.DEAD).mean()
    assert dead == pytest.approx(0.02, abs=4 * np.sqrt(0.02 / found.status.size))
    assert not found.signal[found.status == array.DEAD].any()
    assert found.noise[found.hit].any() and not found.noise[~found.hit].any()
    saturated = (found.status & SATURATED) > 0
    assert saturated.any() and found.upper.max() <= 900 and (found.status[saturated] & HIT).all()
    assert (found.signal[found.hit & ~found.noise] >= 0.3 * 1.22 * 0.999).all()


def test_noise_comes_as_often_as_it_should():
    layout = telescope_array(9)
    found = events(2000, layout, Primaries({"p": 1}, log_energy=(17.0, 17.0)), seed=1)
    free = ~(found.hit & ~found.noise) & (found.status != array.DEAD)
    share = found.noise[free].mean()
    assert share == pytest.approx(0.045, abs=4 * np.sqrt(0.045 / free.sum()))
    times = found.time[found.noise]
    assert abs(times).max() <= 32_000 and abs(times.mean()) < 4 * 18_475 / np.sqrt(len(times))


def test_photons_trigger_less_and_are_poor_in_signals():
    layout = telescope_array(9).with_detector(**QUIET)
    near = {"log_energy": (19.0, 19.0), "zenith": (0.0, np.deg2rad(45)), "spread": 0.0}
    photon = events(3000, layout, Primaries({"gamma": 1}, **near), seed=2)
    assert photon.triggered.mean() == pytest.approx(0.94, abs=0.03)  # PHYSICS J4


def test_the_trigger_is_three_adjacent_stations_in_time():
    layout = telescope_array(3)
    stations = array.stations_of(layout)
    run = compiled(kernels_array.three_adjacent)

    def triggers(loud, times=(0.0, 0.0, 0.0)):
        signal, time, status = np.zeros(9), np.zeros(9), np.zeros(9, dtype=np.uint8)
        signal[list(loud)], status[list(loud)] = 5.0, HIT
        time[list(loud)] = times
        return run(stations, signal, signal, time, status)

    assert triggers((0, 1, 2)) and triggers((0, 4, 8)) and triggers((0, 1, 3))
    assert not triggers((0, 2, 6)) and not triggers((0, 1, 8))
    assert not triggers((0, 1, 2), (0.0, 0.0, 8001.0))
    assert not triggers((0, 1), (0.0, 0.0))


# Layouts ------------------------------------------------------------------------------------------


def test_arrays_have_the_spacings_of_the_experiments():
    square, triangles = telescope_array(9), auger(9)
    assert len(square) == len(triangles) == 81
    assert (square.neighbours[40] >= 0).sum() == 8 and (triangles.neighbours[40] >= 0).sum() == 6
    for layout, spacing in ((square, 1200.0), (triangles, 1500.0)):
        distance = np.linalg.norm(layout.position - layout.position[40], axis=1)
        assert np.sort(distance)[1] == pytest.approx(spacing)
        assert not layout.position[40].any()
    assert square.field == pytest.approx(1.44e6)
    assert triangles.field == pytest.approx(1500**2 * np.sqrt(0.75))


def test_cores_fill_the_cell_around_the_middle_station():
    u = np.random.default_rng(1).random((4000, 2))
    for layout in (telescope_array(5), auger(5)):
        core = layout.cores(u)
        nearest = np.linalg.norm(core[:, None] - layout.position[None, :, :2], axis=-1).argmin(1)
        assert (nearest == 12).mean() > 0.5
        assert np.abs(core.mean(axis=0)).max() < 60


def test_any_table_of_positions_is_an_array():
    rng = np.random.default_rng(2)
    layout = table(np.round(rng.uniform(-1500, 1500, (20, 2))), height=1700.0)
    found = events(200, layout, Primaries({"p": 1}, **MEAN), seed=1)
    assert found.signal.shape == (200, 20) and found.hit.any()
    low, high = layout.position[:, :2].min(axis=0), layout.position[:, :2].max(axis=0)
    assert (found.core > low - 2000).all() and (found.core < high + 2000).all()
    assert layout.field > np.prod(high - low)


@pytest.mark.parametrize(
    ("positions", "told"),
    [
        ([[0.0, 0.0]], "needs at least three stations to tell a direction; it has 1"),
        ([[0, 0], [0, 1], [5, 5], [0, 1]], "1 and 3 both stand at"),
        ([[0, 0], [0, np.nan], [5, 5]], "station 1 is not"),
        ([0.0, 1.0, 2.0], "must be (stations, 2)"),
        ([[0, 0], [0, 1.2], [1.2, 0]], "in m, not in km"),
    ],
    ids=["one", "twice", "nan", "flat", "km"],
)
def test_positions_that_are_no_array_are_refused(positions, told):
    with pytest.raises(ValueError) as error:
        table(positions)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"area": -1.0}, "area of a detector must lie between"),
        ({"dead": 2.0}, "dead of a detector must lie between 0 and 1; 2 came"),
        ({"noise": np.nan}, "noise of a detector must be finite"),
        ({"jitter": -5.0}, "jitter of a detector must lie between"),
        ({"kind": "gas"}, "the kind of detectors must be one of scintillator, water"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_detectors_that_cannot_be_are_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        telescope_array(3).with_detector(**changes)


def test_what_comes_too_late_is_not_read_out():
    primaries = Primaries({"p": 1}, log_energy=(19.5, 19.5), zenith=(0.0, 0.3))
    patient = events(100, telescope_array(9).with_detector(**QUIET, read_out=1e6), primaries)
    usual = events(100, telescope_array(9).with_detector(**QUIET), primaries)
    late = patient.hit & (np.abs(patient.time) > 32_000)
    assert late.any()
    np.testing.assert_array_equal(usual.hit, patient.hit & ~late)
    np.testing.assert_array_equal(usual.time, np.where(late, 0, patient.time))


def test_an_array_is_needed():
    with pytest.raises(TypeError, match=r"layout must be an array, .* 'telescope-array' came"):
        events(5, "telescope-array")


@pytest.mark.parametrize("window", [1, 8, 43])
def test_windows_are_odd(window):
    with pytest.raises(ValueError, match="a window must be odd"):
        telescope_array(window)


def test_what_formulas_do_not_reach_is_refused():
    with pytest.raises(ValueError, match="on scintillator detectors must lie between 17 and 20.5"):
        events(5, telescope_array(), Primaries(log_energy=(15, 16)))
    with pytest.raises(ValueError, match="on water detectors must lie between 0 and 60"):
        events(5, auger(), Primaries(zenith=(1.06, 1.08)))
    with pytest.raises(ValueError, match="rows, the size of a block"):
        list(array.blocks(5, telescope_array(), rows=0))


def test_truth_stands_apart_from_what_is_measured():
    found = events(50, telescope_array(5), seed=1)
    truth, stations = found.truth(), found.stations()
    assert truth.column("log_energy").role == "truth"
    assert set(truth.apart) == set(truth.names)
    assert stations["signal_upper"].shape == (50, 25) and stations.column("noise").role == "truth"
    assert isinstance(found.layout, Layout) and found.layout.detector == SCINTILLATOR
