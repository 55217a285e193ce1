"""A telescope's areas, resolutions, migration and efficiencies: as pyirf 0.13.0 gives them.

pyirf needs an older astropy than baksan, so that its answers to `telescope_events` are written
down here instead of asked for.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import beta
from tests.results.telescope_events import EDGES, gammas

from baksan.results.telescope import (
    angular_resolution,
    area_in_bins,
    efficiencies,
    energy_resolution,
    migration,
)

TRUE, FOUND, SCORE, ANGLE, _ = gammas()

PYIRF_BIAS = {
    "true": [0.026794209816855097, 0.030231973727845585, 0.03225840260082502, 0.030986838973622866],
    "found": [0.052919616046192997, 0.04516183009054109, 0.03727593629887016, 0.03386212841129321],
}
PYIRF_RESOLUTION = {
    "true": [0.35605386032042663, 0.29305496227141387, 0.25837450835760967, 0.23445787767599102],
    "found": [0.37987033065763126, 0.30972900359193634, 0.2575589292429681, 0.23731849403279276],
}
PYIRF_ANGLE = [0.0029567510562773626, 0.0023902880410251294, 0.0018805937839164075,
               0.001497372569638995]  # fmt: skip
PYIRF_MIGRATION = [
    [0.8546255506607929, 0.08430609597924774, 0.0, 0.0],
    [0.14537444933920704, 0.8093385214007782, 0.07049608355091384, 0.0],
    [0.0, 0.10635538261997406, 0.8315926892950392, 0.07163323782234957],
    [0.0, 0.0, 0.097911227154047, 0.9283667621776505],
]
PYIRF_AREA = [69401.04166666666, 69390.40207522697, 69451.69712793734, 68961.03896103895]


@pytest.mark.parametrize("by", ["true", "found"])
def test_bias_and_resolution_are_pyirfs(by):
    told = energy_resolution(FOUND, TRUE, EDGES, by=by)
    assert_allclose(told["bias"]["value"], PYIRF_BIAS[by], rtol=1e-4)
    # Quantiles between two events are interpolated differently.
    assert_allclose(told["resolution"]["value"], PYIRF_RESOLUTION[by], rtol=2e-4)
    for figure in told.values():
        assert np.all(figure["low"] < figure["value"]) and np.all(figure["value"] < figure["high"])


def test_the_angle_that_holds_68_per_cent_is_pyirfs():
    assert_allclose(angular_resolution(ANGLE, TRUE, EDGES)["value"], PYIRF_ANGLE, rtol=1e-4)


def test_migration_is_pyirfs_where_nothing_leaves_the_bins():
    table = migration(FOUND, TRUE, EDGES)
    assert_allclose(table.sum(axis=0), 1.0)
    inside = table[1:-1]
    assert_allclose(inside / inside.sum(axis=0), PYIRF_MIGRATION, rtol=1e-12, atol=1e-15)


def test_migration_counts_what_leaves_the_bins():
    table = migration([0.5, 1.5, 9.0, 8.0], [1.1, 1.2, 1.3, 1.4], [1.0, 2.0, 4.0])
    assert table.tolist() == [[0.25, 0], [0.25, 0], [0, 0], [0.5, 0]]


def test_the_effective_area_is_pyirfs_with_errors_of_scipy():
    told = area_in_bins(TRUE[SCORE > 1], TRUE, EDGES, 1e5)
    assert_allclose(told["value"], PYIRF_AREA, rtol=1e-12)
    k, n = told["passed"], told["count"]
    assert_allclose(told["low"], 1e5 * beta.ppf(0.5 - 0.6826894921 / 2, k, n - k + 1), rtol=1e-6)
    assert_allclose(told["high"], 1e5 * beta.ppf(0.5 + 0.6826894921 / 2, k + 1, n - k), rtol=1e-6)


def test_efficiencies_with_their_counts_and_q():
    rng = np.random.default_rng(2)
    s, b = rng.normal(1.5, 1, 4000), rng.normal(0, 1, 6000)
    told = efficiencies(s, b, [0.0, 1.0, 2.5, 9.0])
    assert_allclose(told["signal"], [(s >= c).mean() for c in told["cut"]])
    assert told["background_left"].tolist() == [(b >= c).sum() for c in told["cut"]]
    assert_allclose(told["q"][:3], told["signal"][:3] / np.sqrt(told["background"][:3]))
    assert np.isnan(told["q"][3]) and told["background_left"][3] == 0
    # The error is the spread of Q over experiments.
    worlds = [efficiencies(rng.normal(1.5, 1, 4000), rng.normal(0, 1, 6000), [1.0])["q"][0]
              for _ in range(300)]  # fmt: skip
    assert np.std(worlds) == pytest.approx(told["q_error"][1], rel=0.15)


@pytest.mark.parametrize(("call", "said"), [
    (lambda: energy_resolution([1.0], [1.0, 2.0], EDGES), "the same events"),
    (lambda: energy_resolution([1.0], [1.0], EDGES, by="rec"), "'true' or 'found'"),
    (lambda: angular_resolution([-0.1], [1.0], EDGES), "0 or more"),
    (lambda: migration([1.0], [1.0, 2.0], EDGES), "both of the same events"),
    (lambda: efficiencies([], [1.0], [0.0]), "there are none"),
    (lambda: area_in_bins([1.5, 1.6], [1.5], [1.0, 2.0], 1.0), "passed|thrown"),
])  # fmt: skip
def test_what_cannot_be_told_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
