"""The standard reconstruction: slopes, known showers, the closure table, noise, bad input."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize

from baksan.compiled import compiled
from baksan.physics import directions, energy
from baksan.reconstruct import array, kernels_array
from baksan.reconstruct.array import EDGE, FEW, LOOSE, standard
from baksan.simulate.array import Primaries, auger, events, table, telescope_array

QUIET = {"dead": 0.0, "noise": 0.0}
SIZES = np.array([50, 50, 0.02, 0.02, 50, 0.1, 0.1])
PEAK = {"zenith": (0.0, np.deg2rad(45)), "spread": 0.0}


def showers(n, layout, lg=19.0, seed=2, **settings):
    primaries = Primaries({"p": 1}, log_energy=(lg, lg), **(PEAK | settings))
    found = events(n, layout, primaries, seed=seed)
    return found.take(found.triggered)


def angles(found, result):
    truth = directions.unit_vector(found.showers.zenith, found.showers.azimuth)
    return np.rad2deg(directions.angle_between(result.direction, truth))


def pieces(found, k):
    """What the kernel's functions take, for event k."""
    settings = array._settings(found.layout)
    return settings, found.signal[k].astype(float), found.time[k].astype(float), found.status[k]


def near_truth(found, k):
    n = directions.unit_vector(found.showers.zenith[k], found.showers.azimuth[k])
    lg = found.showers.log_energy[k]
    formula = energy.auger_s1000 if found.layout.detector.kind == "water" else energy.ta_s800
    s = float(formula(10**lg, found.showers.zenith[k]))
    return np.array([*(found.core[k] + 37.0), n[0], n[1], 21.0, np.log(s), 0.6])


def errors_at(found, k, p):
    settings, signal, *_ = pieces(found, k)
    error = np.ones((2, len(signal)))
    compiled(kernels_array._errors)(settings, signal, p, error)
    return error


def cost_at(found, k, p, use, error):
    g, h = np.zeros(7), np.zeros((7, 7))
    settings, signal, time, status = pieces(found, k)
    cost = compiled(kernels_array._cost)(
        settings, signal, time, status, use, error, p, g, h, np.zeros((2, 7))
    )
    return cost, g, h


@pytest.mark.parametrize("make", [telescope_array, auger])
def test_expected_signals_and_times_have_the_slopes_that_are_written_down(make):
    found = showers(4, make(5).with_detector(**QUIET))
    settings, *_ = pieces(found, 1)
    p = near_truth(found, 1)
    run = compiled(kernels_array._expect)
    for i in range(len(found.layout)):
        slopes = np.zeros((2, 7))
        run(settings, p, i, slopes)
        for which in (0, 1):
            numeric = approx_fprime(
                p, lambda q, i=i, w=which: run(settings, q, i, np.zeros((2, 7)))[w],
                1e-6 * np.maximum(np.abs(p), 1e-2),
            )  # fmt: skip
            np.testing.assert_allclose(slopes[which], numeric, rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize("make", [telescope_array, auger])
def test_the_gradient_of_chi2_is_its_slope(make):
    found = showers(6, make(5).with_detector(**QUIET, full=1e9))
    for k in range(3):
        p, use = near_truth(found, k), found.hit[k]
        error = errors_at(found, k, p)
        numeric = approx_fprime(
            p, lambda q, k=k, use=use, e=error: cost_at(found, k, q, use, e)[0],
            1e-7 * np.maximum(np.abs(p), 1e-2),
        )  # fmt: skip
        gradient = 2 * cost_at(found, k, p, use, error)[1]
        np.testing.assert_allclose(gradient, numeric, rtol=1e-3, atol=1e-4 * np.abs(numeric).max())


def test_no_other_minimiser_finds_less():
    found = showers(12, telescope_array(7).with_detector(**QUIET), lg=19.3)
    result = standard(found)
    for k in range(len(found)):
        use = result.used[k]
        p = np.array([
            *result.core[k], *result.direction[k, :2], result.start[k],
            np.log(result.reference[k]), np.log(result.curvature[k]),
        ])  # fmt: skip
        error = errors_at(found, k, p)
        mine = cost_at(found, k, p, use, error)[0]
        other = minimize(
            lambda q, k=k, p=p, use=use, e=error: cost_at(found, k, p + SIZES * q, use, e)[0],
            np.zeros(7), method="Nelder-Mead",
            options={"maxiter": 3000, "xatol": 1e-3, "fatol": 1e-4},
        )  # fmt: skip
        # The errors are those of the round before: their last change is what is left.
        assert mine < other.fun + 2e-2


@pytest.mark.parametrize("make", [telescope_array, auger])
def test_plain_python_gives_what_machine_code_gives(make):
    found = showers(3, make(5))
    plain, fast = (standard(found, way=way) for way in ("python", "compiled"))
    for name in ("core", "zenith", "azimuth", "reference", "curvature", "chi2"):
        np.testing.assert_allclose(getattr(plain, name), getattr(fast, name), rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(plain.used, fast.used)


def test_a_shower_without_noise_of_counting_gives_itself_back():
    # Expected signals and times in place of counted ones: the fit must return what they came from.
    layout = telescope_array(7).with_detector(**QUIET, full=1e9)
    found = showers(1, layout, lg=19.5)
    p = np.array([130.0, -210.0, 0.3, -0.2, 0.0, np.log(60.0), np.log(2.4)])
    settings, *_ = pieces(found, 0)
    there = [
        compiled(kernels_array._expect)(settings, p, i, np.zeros((2, 7)))
        for i in range(len(layout))
    ]
    signal = np.exp([one[0] for one in there])[None] * layout.detector.area
    hit = signal > 0.36
    made = replace(
        found, upper=signal * hit, lower=signal * hit,
        time=np.array([one[1] for one in there])[None] * hit,
        status=np.where(hit, 1, 2 * 2).astype(np.uint8),  # silent ones as dead: nothing pulls
    )  # fmt: skip
    result = standard(made)
    assert result.flag[0] == 0 and result.chi2[0] < 1e-3
    np.testing.assert_allclose(result.core[0], p[:2], atol=1.0)
    np.testing.assert_allclose(result.direction[0, :2], p[2:4], atol=1e-3)
    assert result.reference[0] == pytest.approx(60.0, rel=1e-2)
    assert result.curvature[0] == pytest.approx(2.4, rel=2e-2)


@pytest.mark.parametrize(
    ("lg", "psi", "spread"),
    [(18.0, 4.5, 0.24), (18.5, 3.0, 0.16), (19.0, 2.0, 0.125), (19.5, 1.4, 0.10),
     (20.0, 1.0, 0.11)],
)  # fmt: skip
def test_resolutions_are_those_of_the_closure_table(lg, psi, spread):
    """PHYSICS J4, within 15 %; its array neither saturates nor has noise."""
    layout = telescope_array(15).with_detector(**QUIET, full=1e9)
    found = showers(2500 if lg < 18.2 else 1200, layout, lg)
    result = standard(found)
    assert (result.flag == 0).mean() > 0.99
    assert np.quantile(angles(found, result), 0.6827) == pytest.approx(psi, rel=0.15)
    x = result.energy / 10**lg - 1
    low, middle, high = np.quantile(x, [0.1587, 0.5, 0.8413])
    assert (high - low) / 2 == pytest.approx(spread, rel=0.15)
    if lg > 18.2:  # below, only upward fluctuations trigger
        assert abs(middle) < 0.09


def test_background_is_told_from_the_shower():
    found = showers(600, telescope_array(15), lg=19.0)
    result = standard(found)
    noise = found.noise & found.hit
    assert (result.used & noise).sum() < 0.1 * noise.sum()
    mine = found.hit & ~found.noise
    assert (result.used & mine).sum() > 0.9 * mine.sum()
    clean = showers(600, telescope_array(15).with_detector(**QUIET), lg=19.0)
    with_noise, without = (
        np.quantile(angles(f, standard(f)), 0.6827) for f in (found, clean)
    )  # fmt: skip
    assert with_noise < 1.15 * without


def test_errors_are_of_the_size_of_the_deviations():
    found = showers(1500, telescope_array(9), lg=19.0)
    result = standard(found)
    off = np.hypot(*(result.core - found.core).T) / result.errors["core"]
    turned = angles(found, result) / np.rad2deg(result.errors["direction"])
    for pulls in (off, turned):  # 1.515 σ holds 68 % in two dimensions
        assert 0.6 < np.quantile(pulls, 0.6827) / 1.515 < 1.4


def test_water_tanks_are_reconstructed_too():
    found = showers(600, auger(9), lg=19.0)
    result = standard(found)
    x = np.log(result.energy / 1e19)
    assert abs(np.median(x)) < 0.1 and np.std(x) < 0.25
    assert np.quantile(angles(found, result), 0.6827) < 2.5
    assert "log_s1000" in result.table().names


def test_curvature_and_sums_tell_masses_apart():
    layout = telescope_array(9)
    curvature = {}
    for name in ("p", "Fe", "gamma"):
        primaries = Primaries({name: 1}, log_energy=(19.3, 19.3), zenith=(0, 0.6), spread=0.0)
        found = events(1500, layout, primaries, seed=3)
        curvature[name] = np.nanmedian(np.log(standard(found.take(found.triggered)).curvature))
    assert curvature["Fe"] < curvature["p"] - 0.05 < curvature["gamma"] - 0.15  # PHYSICS J4


def test_events_without_three_hits_are_flagged_and_stay():
    layout = telescope_array(5).with_detector(**QUIET)
    primaries = Primaries({"p": 1}, log_energy=(17.0, 17.2))
    found = events(300, layout, primaries, seed=1)
    result = standard(found)
    few = found.hit.sum(axis=1) < 3
    assert few.any() and len(result) == 300
    assert (result.flag[few] == FEW).all() and np.isnan(result.energy[few]).all()
    assert np.isnan(result.table()["zenith"][few]).all()
    assert not np.isnan(result.direction).any()


def test_a_saturated_station_says_only_that_it_was_larger():
    layout = telescope_array(7).with_detector(**QUIET)
    found = showers(400, layout, lg=19.7)
    assert (found.status & 2).any()
    free = showers(400, layout.with_detector(full=1e9), lg=19.7)
    bias = [np.median(np.log(standard(f).energy / 10**19.7)) for f in (found, free)]
    assert abs(bias[0] - bias[1]) < 0.05


def test_observables_are_columns_with_units_and_details_stand_apart():
    found = showers(50, telescope_array(9))
    table = standard(found).table()
    assert table.column("zenith").unit == "deg" and table.column("core_x").role == "detail"
    features = [name for name in table.names if name not in table.apart]
    assert features == [
        "zenith", "log_s800", "log_energy_standard", "curvature", "chi2", "stations", "excluded",
        "log_s3", "log_s45", "log_sum", "asymmetry",
    ]  # fmt: skip
    k = 7
    result = standard(found)
    r, _ = directions.from_axis(
        found.layout.position, np.append(result.core[k], 0.0), result.direction[k]
    )
    used = result.used[k] & ((found.status[k] & 2) == 0)
    s3 = np.sum(found.signal[k][used] / 3 * (r[used] / 1000) ** 3)
    assert table["log_s3"][k] == pytest.approx(np.log(s3), rel=1e-5)


def test_axes_that_may_lie_outside_are_flagged():
    grid = np.array([(800.0 * i, 800.0 * j) for i in range(9) for j in range(9)])
    found = events(4000, table(grid), Primaries({"p": 1, "Fe": 1}), seed=3)
    found = found.take(found.triggered)
    result = standard(found)
    off = np.abs(np.log10(result.energy) - found.showers.log_energy)
    edge = (result.flag & EDGE) > 0
    # Axes fall up to 1200 m outside, where rules make of them what they like.
    assert np.mean(off[edge] > 0.5) > 0.1 and np.mean(off[result.flag == 0] > 0.5) < 0.002
    on_the_rim = np.isin(found.layout.position[:, :2], [0.0, 6400.0]).any(axis=1)
    loudest = np.where(result.used, found.signal, -1.0).argmax(axis=1)
    np.testing.assert_array_equal(edge[result.flag != 1], on_the_rim[loudest][result.flag != 1])


def test_showers_that_stations_do_not_determine_are_flagged():
    line = table([(800.0 * k, 0.0) for k in range(9)])
    found = events(2000, line, Primaries({"p": 1}, log_energy=(19, 19.5)), seed=3)
    result = standard(found.take(found.triggered))
    assert len(result) > 100 and ((result.flag & LOOSE) > 0).all()


def test_a_fit_without_degrees_of_freedom_has_no_chi2_left():
    found = showers(300, table([(0.0, 0.0), (0.0, 900.0), (900.0, 0.0)]), lg=19.3, spread=0.1)
    result = standard(found)
    three = (result.stations == 3) & (result.flag & FEW == 0)
    assert three.sum() > 30 and np.isfinite(result.chi2[three]).all()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("time", np.nan, "time must be finite; event 1, station 4 is not"),
        ("upper", np.inf, "upper must be finite"),
    ],
)
def test_signals_that_are_no_numbers_are_refused(name, value, told):
    found = showers(5, telescope_array(3))
    broken = getattr(found, name).copy()
    broken[1, 4] = value
    with pytest.raises(ValueError, match=told):
        standard(replace(found, **{name: broken}))


def test_signals_of_another_array_are_refused():
    found = showers(5, telescope_array(3))
    with pytest.raises(ValueError, match=r"one number for each event and station, \(5, 25\)"):
        standard(replace(found, layout=telescope_array(5)))
