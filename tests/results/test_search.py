"""A photon search: the plan before the data, limits after, and shares that never say 0."""

import dataclasses
import re

import numpy as np
import pytest
from scipy import stats

from baksan.metrics.bins import clopper_pearson
from baksan.physics.counts import feldman_cousins, poisson_limit
from baksan.results.search import Search, exposure
from baksan.results.shares import share

RNG = np.random.default_rng(0)
PROTONS, PHOTONS = RNG.normal(0, 1, 20_000), RNG.normal(3, 1, 3000)


@pytest.fixture
def plan():
    return Search.plan(PROTONS, PHOTONS, scale=0.5, exposure=1000.0)


# The plan -----------------------------------------------------------------------------------------


def test_the_median_photon_is_the_cut(plan):
    assert plan.cut == np.median(PHOTONS)
    assert plan.photons.value == 0.5 and plan.photons.left == 1500 and plan.photons.events == 3000
    passing = np.sum(plan.cut <= PROTONS)
    assert plan.backgrounds.left == passing
    assert plan.background == pytest.approx(0.5 * passing)
    assert plan.background_error == pytest.approx(0.5 * np.sqrt(passing))


@pytest.mark.parametrize("level", [0.1, 0.01, 1e-3])
def test_a_cut_by_background_is_the_loosest_that_keeps_to_it(level):
    plan = Search.plan(PROTONS, PHOTONS, scale=1.0, cut=level)
    assert plan.backgrounds.left == round(20_000 * level)
    below = PROTONS[plan.cut > PROTONS].max()
    assert np.mean(below <= PROTONS) > level


def test_equal_scores_stay_together():
    plan = Search.plan([0, 1, 1, 1, 2], [2.0, 3.0], scale=1.0, cut=0.5)
    assert plan.cut == 2 and plan.backgrounds.left == 1


def test_weights_are_events():
    twice = Search.plan(np.repeat(PROTONS, 2), PHOTONS, scale=0.25)
    heavy = Search.plan(PROTONS, PHOTONS, scale=0.25, background_weight=np.full(20_000, 2.0))
    assert heavy.background == pytest.approx(twice.background)
    assert heavy.backgrounds.value == twice.backgrounds.value
    assert heavy.background_error == pytest.approx(np.sqrt(2) * twice.background_error)


def test_a_plan_cannot_be_changed_and_its_digest_tells(plan):
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.cut = 0.0
    assert re.fullmatch("[0-9a-f]{64}", plan.digest)
    assert plan.digest == Search.plan(PROTONS, PHOTONS, scale=0.5, exposure=1000.0).digest
    assert plan.digest != dataclasses.replace(plan, cut=np.nextafter(plan.cut, 9)).digest
    assert plan.digest != dataclasses.replace(plan, level=0.9).digest


# The data -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("passing", [0, 3, 40])
def test_limits_are_those_of_the_counts(plan, passing):
    few = dataclasses.replace(plan, background=2.5)
    found = few.open(np.append(np.full(5000, -1.0), np.full(passing, few.cut)))
    low, high = feldman_cousins(passing, 2.5, 0.95)
    assert (found.candidates, found.events, found.digest) == (passing, 5000 + passing, few.digest)
    assert (found.low, found.high) == (float(low), float(high))
    assert found.classical == float(poisson_limit(passing, 2.5, 0.95))
    assert found.flux_limit == pytest.approx(found.high / 500)
    assert found.classical_flux == pytest.approx(found.classical / 500)
    assert found.fraction_limit == pytest.approx(found.high / 0.5 / (5000 + passing))
    assert few.digest[:12] in str(found) and f"{passing} of {5000 + passing} events pass" in str(
        found
    )


def test_no_candidate_without_background_is_three():
    plan = Search.plan(np.zeros(1000), PHOTONS, scale=1.0)
    found = plan.open(np.zeros(100))
    assert found.classical == pytest.approx(3.0, abs=0.005)
    assert found.high == pytest.approx(3.09, abs=0.005)
    assert np.isnan(found.flux_limit) and "flux" not in str(found)


def test_limits_cover_the_truth():
    """Data with 6 photons before the cut in the mean: 95 % of the limits or more lie above."""
    plan = Search.plan(PROTONS, PHOTONS, scale=0.05)
    rng = np.random.default_rng(3)
    held = []
    for _ in range(300):
        data = np.append(rng.normal(0, 1, rng.poisson(1000)), rng.normal(3, 1, rng.poisson(6)))
        found = plan.open(data)
        held.append(found.low <= 6 * plan.photons.value <= found.high)
    assert np.mean(held) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 300)


def test_the_exposure_of_a_flat_array():
    assert exposure(1.0, np.pi / 2, 1.0) == pytest.approx(np.pi)
    assert exposure(700.0, np.pi / 3, 9.0, share=0.5) == pytest.approx(700 * np.pi * 0.75 * 4.5)


# Shares -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 17), (500, 1000), (10, 10)])
@pytest.mark.parametrize("level", [0.6827, 0.95])
def test_clopper_pearson_as_scipy(k, n, level):
    interval = stats.binomtest(k, n).proportion_ci(level, method="exact")
    np.testing.assert_allclose(np.array(clopper_pearson(k, n, level)), interval, atol=1e-12)


def test_nothing_passes_is_a_limit_and_no_zero():
    none = share(np.zeros(3000, bool))
    assert str(none) == "no event of 3,000 passes: below 1.0e-03 at 95 %"
    # One-sided 95 % is the upper end of a central interval of 90 %.
    assert none.limit == pytest.approx(stats.binomtest(0, 3000).proportion_ci(0.9).high)
    weighted = share(np.zeros(4, bool), [1, 1, 0, 0])
    assert weighted.events == 2 and weighted.limit == pytest.approx(1 - np.sqrt(0.05))
    some = share([True, False, False, False])
    assert np.isnan(some.limit) and str(some).endswith("1 of 4")


def test_a_cut_beyond_the_simulation_tells_its_limit():
    plan = Search.plan(PROTONS[:3000], PHOTONS, scale=1.0, cut=1e-4)
    assert plan.cut > PROTONS[:3000].max() and plan.background == 0
    assert str(plan.backgrounds).startswith("no event of 3,000 passes: below 1.0e-03")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cut": "mean"}, "a cut is 'median' or the share"),
        ({"cut": 1.5}, "1.5 came"),
        ({"scale": 0}, "scale above 0"),
        ({"background_weight": [-1.0, 2.0]}, "weights of the background must be 0 or more; -1"),
        ({"level": 95}, "level in 0 … 1"),
    ],
)
def test_a_bad_plan_is_said(change, said):
    with pytest.raises(ValueError, match=said):
        Search.plan(**({"background_scores": [0, 1], "signal_scores": [1, 2], "scale": 1} | change))


def test_bad_data_are_said(plan):
    with pytest.raises(ValueError, match="data scores must be finite"):
        plan.open([0.0, np.nan])
    with pytest.raises(ValueError, match="one number an event"):
        plan.open([[0.1, 0.9]])
    deaf = Search.plan([0, 9], [1, 2], scale=1, cut=0.1)
    with pytest.raises(ValueError, match="no event of 2 passes.* Plan a looser cut"):
        deaf.open([1.0])
    with pytest.raises(ValueError, match="time above 0"):
        exposure(1.0, 1.0, 0.0)
