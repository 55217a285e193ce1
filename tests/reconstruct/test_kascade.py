"""The reconstruction of KASCADE: slopes, known showers, bias and resolution; and bad input."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize

from baksan.compiled import compiled
from baksan.physics import directions, front, lateral
from baksan.reconstruct import kernels_kascade
from baksan.reconstruct.kascade import FEW, NO_MUONS, OUTSIDE, STEEP, UNSETTLED, reconstructed
from baksan.simulate.kascade import Kascade, Primaries, events

PERFECT = Kascade(dead=0.0, jitter=0.0, full=1e9)


def showers(n, lg=16.0, name="p", seed=2, **settings):
    settings = {"zenith": (0.0, np.deg2rad(40)), "spread": 0.0} | settings
    found = events(n, Primaries({name: 1}, log_energy=(lg, lg), **settings), seed=seed)
    return found.take(found.triggered)


def angles(found, result):
    truth = directions.unit_vector(found.showers.zenith, found.showers.azimuth)
    return np.rad2deg(directions.angle_between(result.direction, truth))


def data(found, k):
    """What the kernel's functions take, for event k; some muons among the electrons."""
    array = found.array
    detectors = kernels_kascade.Detectors(array.position[:, :2], array.electron_area, array.sigma)
    axis = directions.unit_vector(found.showers.zenith[k], found.showers.azimuth[k])
    return detectors, found.electrons[k].astype(float), found.status[k], axis, np.full(256, 0.03)


def cost_at(held, p):
    g, h = np.zeros(4), np.zeros((4, 4))
    return compiled(kernels_kascade._cost)(held, p, g, h, np.zeros(4)), g, h


def test_expected_densities_have_the_slopes_that_are_written_down():
    found = showers(3)
    detectors, _, _, axis, _ = data(found, 1)
    run = compiled(kernels_kascade._expect)
    p = np.array([*(found.core[1] + 3.0), 2.0, 0.93])
    for i in range(0, 256, 7):
        slope = np.zeros(4)
        run(detectors, axis, p, i, slope)
        numeric = approx_fprime(
            p, lambda q, i=i: np.log(run(detectors, axis, q, i, np.zeros(4))), 1e-6
        )
        np.testing.assert_allclose(slope, numeric, rtol=1e-3, atol=1e-5)


def test_the_density_is_that_of_the_formula():
    detectors, _, _, axis, _ = data(showers(3), 0)
    run, s = compiled(kernels_kascade._expect), 1.1
    p = np.array([1.0, 2.0, np.log(lateral.kascade_electrons(40.0, 1e6, s)), s])
    core = np.array([1.0, 2.0, 0.0])
    r, _ = directions.from_axis(Kascade().position, core, axis)
    found = [run(detectors, axis, p, i, np.zeros(4)) for i in range(256)]
    np.testing.assert_allclose(found, lateral.kascade_electrons(r, 1e6, s), rtol=1e-9)


def test_the_gradient_of_the_deviance_is_its_slope():
    found = showers(3, 15.5)
    held = data(found, 0)
    p = np.array([*(found.core[0] + 4.0), 0.5, 0.95])
    _, g, _ = cost_at(held, p)
    numeric = approx_fprime(p, lambda q: cost_at(held, q)[0], 1e-6)
    np.testing.assert_allclose(2 * g, numeric, rtol=1e-4, atol=1e-2)


def test_the_fit_ends_where_another_minimiser_ends():
    found = showers(6, 15.7, seed=4)
    run = compiled(kernels_kascade._descend)
    for k in range(6):
        held = data(found, k)
        p = np.array([*(found.core[k] + 8.0), 1.0, 1.0])
        assert run(
            held, p, np.zeros(4), np.zeros((4, 4)), np.zeros(4), np.zeros((4, 4)), np.zeros(4),
            np.zeros(4),
        )  # fmt: skip
        start = np.array([*(found.core[k]), 1.0, 1.0])
        other = minimize(lambda q, held=held: cost_at(held, q)[0], start, method="Nelder-Mead",
                         options={"xatol": 1e-4, "fatol": 1e-6, "maxiter": 4000})  # fmt: skip
        assert cost_at(held, p)[0] == pytest.approx(other.fun, abs=5e-3)
        assert (np.abs(p - other.x) < [0.2, 0.2, 0.01, 0.01]).all()


def test_a_shower_without_fluctuations_comes_back():
    found = replace(showers(1, zenith=(0.4, 0.4)), array=PERFECT)
    array, core, theta, phi = PERFECT, np.array([11.0, -23.0]), 0.4, 2.0
    n = directions.unit_vector(theta, phi)
    r, along = directions.from_axis(array.position, np.append(core, 0.0), n)
    muons = lateral.kascade_muons(r, 3e4, theta)
    electrons = (lateral.kascade_electrons(r, 1e6, 0.97) + muons) * array.electron_area
    made = replace(
        found, electrons=electrons[None], muons=(muons * array.muon_area)[None],
        time=(500.0 - along / front.LIGHT)[None],
        status=np.where(array.electron_area > 0, 1, 4).astype(np.uint8)[None],
    )  # fmt: skip
    result = reconstructed(made)
    assert result.flag[0] == 0 and result.chi2[0] < 1e-3  # what is known of ages beforehand
    np.testing.assert_allclose(result.core[0], core, atol=0.02)
    assert np.rad2deg(directions.angle_between(result.direction[0], n)) < 0.03
    assert result.start[0] == pytest.approx(500.0, abs=0.5)
    assert result.electrons[0] == pytest.approx(1e6, rel=2e-3)
    assert result.age[0] == pytest.approx(0.97, abs=2e-3)
    assert result.muons[0] == pytest.approx(3e4, rel=5e-3)


@pytest.mark.parametrize("lg", [15.5, 16.0, 16.5, 17.0])
@pytest.mark.parametrize("name", ["p", "Fe"])
def test_the_energy_has_a_bias_below_six_hundredths(name, lg):
    """PHYSICS J5: what is left is that of the estimator itself."""
    found = showers(500, lg, name)
    result = reconstructed(found)
    assert (result.flag == 0).mean() > 0.99
    assert abs(np.nanmedian(np.log10(result.energy)) - lg) < 0.06
    ratio = np.log10(result.electrons) - found.log_ne
    assert abs(np.nanmedian(ratio)) < 0.015 and np.nanstd(ratio) < 0.11
    muons = np.log10(result.muons) - found.log_nmu
    assert abs(np.nanmedian(muons)) < 0.02


@pytest.mark.parametrize(
    ("lg", "electrons", "muons"), [(15.0, 0.14, 0.15), (16.0, 0.04, 0.05)]
)  # fmt: skip
def test_resolutions_are_of_the_size_of_kascades(lg, electrons, muons):
    """PHYSICS D6 [M]: 0.04 to 0.14 in lg N_e; 0.1 to 0.15 at 1 PeV in lg N_μ, 0.05 at 10 PeV."""
    found = showers(800, lg, "p", spread=0.08)
    result = reconstructed(found)
    spread = np.nanstd(np.log10(result.electrons) - found.log_ne)
    assert electrons / 2.2 < spread < 1.3 * electrons
    spread = np.nanstd(np.log10(result.muons) - found.log_nmu)
    assert muons / 1.5 < spread < 1.5 * muons


def test_larger_showers_are_measured_better():
    core, psi = [], []
    for lg in (15.0, 15.7, 16.5):
        found = showers(400, lg)
        result = reconstructed(found)
        core.append(np.quantile(np.hypot(*(result.core - found.core).T), 0.68))
        psi.append(np.quantile(angles(found, result), 0.68))
    assert core[0] > core[1] > core[2] and core[0] < 5 and core[2] < 0.6
    assert psi[0] > psi[1] > psi[2] and psi[0] < 1.0 and psi[2] < 0.2


def test_errors_are_of_the_size_of_the_deviations():
    found = showers(1500, 16.0)
    result = reconstructed(found)
    off = np.hypot(*(result.core - found.core).T) / result.errors["core"]
    turned = np.deg2rad(angles(found, result)) / result.errors["direction"]
    for pulls in (off, turned):  # 1.515 σ holds 68 % in two dimensions
        assert 0.8 < np.quantile(pulls, 0.6827) / 1.515 < 1.25
    size = (np.log10(result.electrons) - found.log_ne) / result.errors["log_electrons"]
    age = (result.age - found.age) / result.errors["age"]
    muons = (np.log10(result.muons) - found.log_nmu) / result.errors["log_muons"]
    for pulls in (size, age, muons):
        assert 0.8 < np.std(pulls) < 1.3
    assert result.chi2.mean() == pytest.approx(1.0, abs=0.1)


def test_muons_and_electrons_tell_masses_apart():
    ratio = {}
    for name in ("p", "Fe", "gamma"):
        result = reconstructed(showers(400, 16.0, name))
        ratio[name] = np.nanmedian(np.log10(result.muons / result.electrons))
    assert ratio["Fe"] - ratio["p"] == pytest.approx(0.35 * np.log10(56), abs=0.05)
    assert ratio["gamma"] < ratio["p"] - 1


def test_events_that_cannot_be_fitted_are_flagged_and_stay():
    found = showers(40, 15.3, "gamma", seed=5)
    electrons, status, muons = found.electrons.copy(), found.status.copy(), found.muons.copy()
    electrons[3], status[3] = 0.0, 0
    few = np.flatnonzero(found.hit[5])[11:]
    electrons[5, few], status[5, few] = 0.0, 0
    muons[7] = 0.0
    time = found.time.copy()
    time[9] = -found.array.position[:, 0] / front.LIGHT * 0.95 * found.hit[9]
    made = replace(found, electrons=electrons, status=status, muons=muons, time=time)
    result = reconstructed(made)
    assert len(result) == len(found)
    assert (result.flag[[3, 5]] == FEW).all() and np.isnan(result.energy[[3, 5]]).all()
    assert result.flag[7] & NO_MUONS and result.muons[7] == 0 and np.isnan(result.energy[7])
    assert result.flag[9] & STEEP and np.isnan(result.energy[9])
    assert not np.isnan(result.direction).any()
    assert np.isfinite(result.electrons[result.flag & FEW == 0]).all()
    assert np.isnan(result.table()["log_nmu"][7]) and result.table()["muons_counted"][7] == 0


def test_cores_outside_of_the_array_are_flagged():
    found = showers(1)
    array, n = found.array, np.array([0.0, 0.0, 1.0])
    r, _ = directions.from_axis(array.position, np.array([125.0, 0.0, 0.0]), n)
    deposit = lateral.kascade_electrons(r, 1e6, 1.0) * array.electron_area
    status = np.where(array.electron_area > 0, 1, 4).astype(np.uint8)
    made = replace(found, electrons=deposit[None], time=np.zeros((1, 256)), status=status[None])
    result = reconstructed(made)
    assert result.flag[0] & OUTSIDE and result.core[0, 0] == pytest.approx(125, abs=1)
    assert result.flag[0] & UNSETTLED == 0


def test_the_same_for_any_number_of_events_and_in_plain_python():
    found = showers(4, 15.5)
    fast, plain = reconstructed(found), reconstructed(found, way="python")
    one = reconstructed(found.take(np.array([2])))
    for name in ("core", "zenith", "electrons", "age", "muons", "energy", "chi2"):
        a = getattr(fast, name)
        np.testing.assert_allclose(a, getattr(plain, name), rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(a[2], getattr(one, name)[0], rtol=1e-9, atol=1e-9)
    assert len(reconstructed(found.take(np.zeros(4, dtype=bool)))) == 0


def test_observables_are_columns_and_details_stand_apart():
    table = reconstructed(showers(20)).table()
    features = [name for name in table.names if name not in table.apart]
    assert features == [
        "zenith", "log_ne", "log_nmu", "age", "log_energy_standard", "chi2", "stations",
        "muons_counted",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("time", np.nan, "time must be finite, and deposits not negative; event 1, station 4"),
        ("electrons", -1.0, "electrons must be finite, and deposits not negative; event 1"),
        ("muons", np.inf, "muons must be finite"),
    ],
)
def test_deposits_that_are_no_numbers_are_refused(name, value, told):
    found = showers(5)
    broken = getattr(found, name).copy()
    broken[1, 4] = value
    with pytest.raises(ValueError, match=told):
        reconstructed(replace(found, **{name: broken}))


def test_deposits_of_another_array_are_refused():
    found = showers(5)
    with pytest.raises(ValueError, match=r"one number for each event and station, \(5, 256\)"):
        reconstructed(replace(found, muons=found.muons[:, :252]))
