"""Showers before a detector: spectra, masses, directions, depths, and what is refused."""

import numpy as np
import pytest
from scipy import stats

from baksan.physics import depth_of_maximum, longitudinal, spectrum
from baksan.simulate.showers import COMPOSITIONS, SPECIES, Primaries, thrown

N = 20_000


def test_an_event_depends_on_seed_and_number_alone():
    primaries = Primaries({"p": 1, "Fe": 2, "gamma": 1})
    whole, part = thrown(500, primaries, seed=4), thrown(100, primaries, seed=4, start=230)
    for name in ("event", "kind", "log_energy", "zenith", "azimuth", "core", "x_max", "muons"):
        np.testing.assert_array_equal(getattr(whole, name)[230:330], getattr(part, name))
    assert not (thrown(500, primaries, seed=5).x_max == whole.x_max).any()


def test_energies_follow_their_power_law_and_their_spectrum():
    for index in (1.0, 2.7):
        found = 10 ** thrown(N, Primaries(index=index, log_energy=(18, 19))).log_energy
        p = 1 - index
        law = (
            (lambda E: np.log10(E / 1e18))
            if index == 1
            else (lambda E, p=p: ((E / 1e18) ** p - 1) / (10**p - 1))
        )
        assert stats.kstest(law(found), "uniform").pvalue > 1e-3
    lg = thrown(N, Primaries(index="auger", log_energy=(18, 19.5)), seed=3).log_energy
    fine = np.linspace(18, 19.5, 15_001)
    below = np.cumsum(spectrum.auger(10**fine) * 10**fine)
    assert stats.kstest(np.interp(lg, fine, below / below[-1]), "uniform").pvalue > 1e-3


def test_one_energy_is_that_energy():
    assert set(thrown(10, Primaries(log_energy=(19.0, 19.0))).log_energy) == {19.0}


def test_shares_are_those_that_were_asked_for():
    found = thrown(N, Primaries({"Fe": 1, "p": 3}))
    assert found.names == ("p", "Fe")
    assert np.mean(found.primary == "p") == pytest.approx(0.75, abs=4 * np.sqrt(0.1875 / N))
    assert set(found.mass.tolist()) == {1, 56}


def test_compositions_change_with_energy_as_their_formula():
    found = thrown(N, Primaries("ultra-high", log_energy=(18.5, 18.5)))
    expected = spectrum.ultra_high_fractions(10**18.5)
    for group, name in COMPOSITIONS["ultra-high"][1].items():
        share = np.mean(found.primary == name)
        assert share == pytest.approx(float(expected[group]), abs=4 * np.sqrt(0.25 / N))
    knee = thrown(N, Primaries("h3a", log_energy=(17.0, 17.0)))
    assert np.mean(knee.primary == "Fe") == pytest.approx(0.447, abs=0.015)  # PHYSICS B2


def test_directions_are_those_of_an_isotropic_flux_on_a_flat_array():
    found = thrown(N, Primaries(zenith=(0.0, np.deg2rad(60))))
    assert np.rad2deg(found.zenith.mean()) == pytest.approx(36.55, abs=0.4)
    assert (
        stats.kstest((np.sin(found.zenith) / np.sin(np.deg2rad(60))) ** 2, "uniform").pvalue > 1e-3
    )
    assert stats.kstest(found.azimuth / (2 * np.pi), "uniform").pvalue > 1e-3
    ring = thrown(1000, Primaries(zenith=(0.5, 0.6))).zenith
    assert ring.min() >= 0.5 and ring.max() <= 0.6
    assert not thrown(9, Primaries(zenith=(0.0, 0.0))).zenith.any()


@pytest.mark.parametrize("name", ["p", "N", "Fe"])
def test_depths_have_the_moments_of_the_model(name):
    found = thrown(N, Primaries({name: 1}, log_energy=(19, 19), model="epos-lhc")).x_max
    mean = float(depth_of_maximum.x_max_mean(19, SPECIES[name], "epos-lhc"))
    spread = float(depth_of_maximum.x_max_spread(19, SPECIES[name], "epos-lhc"))
    assert found.mean() == pytest.approx(mean, abs=4 * spread / np.sqrt(N))
    assert found.std() == pytest.approx(spread, rel=0.05)


def test_photons_are_deep_and_poor_in_muons():
    found = thrown(N, Primaries({"gamma": 1, "p": 1}, log_energy=(18.5, 18.5)))
    photon = found.mass == 0
    assert found.x_max[photon].mean() == pytest.approx(902.5, abs=3)  # 860 + 85 (18.5 − 18)
    assert found.muons[photon].mean() == pytest.approx(0.12, rel=0.02)
    low = thrown(N, Primaries({"gamma": 1}, log_energy=(16, 16)))
    assert low.x_max.mean() == pytest.approx(float(longitudinal.greisen_maximum(1e16)), abs=2)


def test_muons_rise_with_the_mass_and_scatter_less():
    found = thrown(2 * N, Primaries({"p": 1, "Fe": 1}, muon_factor=1.3))
    iron = found.mass == 56
    ratio = found.muons[iron].mean() / found.muons[~iron].mean()
    assert ratio == pytest.approx(1.40, abs=0.03)  # PHYSICS J5
    assert found.muons[~iron].mean() == pytest.approx(1.3, rel=0.01)
    spread = [np.std(np.log(found.muons[one])) for one in (iron, ~iron)]
    assert spread[0] == pytest.approx(0.042, rel=0.05)
    assert spread[1] == pytest.approx(0.159, rel=0.05)


def test_the_factor_on_all_signals_has_mean_one():
    factor = thrown(N, Primaries(spread=0.12)).factor
    assert factor.mean() == pytest.approx(1.0, abs=0.004)
    assert np.std(np.log(factor)) == pytest.approx(0.12, rel=0.02)
    assert set(thrown(9, Primaries(spread=0.0)).factor) == {1.0}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"log_energy": (1e18, 1e19)}, "lg(E/eV) must lie between 14 and 20.5"),
        ({"log_energy": (0.0, 1.5)}, "not in EeV"),
        ({"log_energy": (19, 18)}, "ranges must rise"),
        ({"zenith": (0.0, 45.0)}, "Give rad"),
        ({"shares": {"U": 1}}, "primaries must be among p, He"),
        ({"shares": {"p": 0}}, "one of them above 0"),
        ({"shares": {"p": -1, "Fe": 2}}, "shares must be 0 or more"),
        ({"shares": "h4a"}, "one of h3a, ultra-high"),
        ({"index": "ta"}, "one of auger, h3a"),
        ({"model": "epos"}, "the model must be one of"),
        ({"muon_factor": 30.0}, "the factor of the muons must lie between"),
        ({"spread": -0.1}, "the spread of the signals"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_what_fits_no_formula_is_refused(settings, told):
    with pytest.raises(ValueError) as error:
        Primaries(**settings)
    assert told in str(error.value)


def test_photons_that_would_convert_are_refused():
    with pytest.raises(ValueError, match=r"photons must stay below lg\(E/eV\) = 19.7"):
        thrown(10, Primaries({"gamma": 1}, log_energy=(20.0, 20.2)))


@pytest.mark.parametrize("count", [-1, 2.5])
def test_counts_are_whole(count):
    with pytest.raises(ValueError, match="n, the number of events"):
        thrown(count, Primaries())
