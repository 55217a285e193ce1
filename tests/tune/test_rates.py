"""The rate finder: it finds rates that theory or a sweep finds, and says if it cannot."""

import numpy as np
import pytest

import baksan as bk
from baksan import losses
from baksan.solvers.base import Problem
from baksan.solvers.rates import Steepness, bound

RNG = np.random.default_rng(5)
x = RNG.normal(size=(600, 3))
X = bk.Samples(x, x @ [1.0, -2.0, 0.5] + 0.3 * RNG.normal(size=600))
C = bk.Samples(x, (X.y > 0).astype(int), class_names=("a", "b"))


def test_full_steps_fail_above_two_over_the_curvature():
    """Of a quadratic the limit is known: 2/L. The mean is lowest within a factor of it."""
    solver = bk.GradientDescent()
    model = bk.Linear().prepared(X.x, np.ones(len(X)), 1)
    limit, _ = bound(solver, Steepness.of(Problem(model, X, losses.squared)))
    found = bk.find_rate(bk.Linear(), X, losses.squared, solver, low=1e-4, high=100.0)
    assert limit / 50 < found.rate < limit
    assert found.rates[-1] > limit  # it saw the explosion
    assert len(found.rates) == len(found.losses) == len(found.means) < 300


@pytest.mark.parametrize("way", ["generic", "compiled"])
def test_adam_with_the_rate_found_does_nearly_as_well_as_the_best_of_a_sweep(way):
    net = bk.Network((16,), precision="float64")
    found = bk.find_rate(net, C, losses.logistic, bk.Adam(batch=50, way=way))
    rates = {f"{rate:g}": bk.Adam(rate, batch=50, epochs=3) for rate in (1e-5, 1e-4, 1e-3, 1e-2)}
    rates["found"] = bk.Adam(found.rate, batch=50, epochs=3)
    reached = bk.sweep(net, C, losses.logistic, bk.Adam(), rates).losses
    assert reached["found"] < 1.1 * min(reached.values()) < reached["1e-05"]


def test_the_means_are_running_means_of_the_losses_and_rates_rise_by_one_factor():
    found = bk.find_rate(bk.Linear(), X, losses.squared, bk.MiniBatch(batch=20), high=1e-3)
    steps = np.diff(np.log(found.rates))
    np.testing.assert_allclose(steps, steps[0], rtol=1e-9)
    t = len(found.losses) - 1
    memory = 0.95 ** (t - np.arange(t + 1))
    assert found.means[-1] == pytest.approx(memory @ found.losses / memory.sum())
    assert found.rates[[0, -1]] == pytest.approx([1e-6, 1e-3])
    assert not found.exploded and "give a higher one, high=" in found.message
    high = bk.find_rate(bk.Linear(), X, losses.squared, bk.GradientDescent(), low=5.0, high=50.0)
    assert high.exploded and "give a lower one, low=" in high.message


def test_nothing_is_trained_and_the_same_again_is_the_same():
    net = bk.Network((8,)).prepared(X.x, np.ones(len(X)), 1).drawn(3)
    before = net.parameters.copy()
    one, two = (bk.find_rate(net, X, losses.squared, seed=4) for _ in range(2))
    np.testing.assert_array_equal(net.parameters, before)
    np.testing.assert_array_equal(one.losses, two.losses)
    assert "a rate of" in one.message


def test_features_that_are_missing_are_filled_in():
    holes = X.x.copy()
    holes[::9, 1] = np.nan
    found = bk.find_rate(
        bk.Imputed(bk.Linear()), bk.Samples(holes, X.y, missing=True), losses.squared
    )
    assert 0 < found.rate < 10


def test_the_picture_marks_the_rate():
    figure = bk.find_rate(bk.Linear(), X, losses.squared, bk.MiniBatch(batch=20)).plot()
    (ax,) = figure.axes
    assert ax.get_xscale() == "log" and len(ax.texts) == 1
    low, high = ax.get_ylim()
    assert low < min(ax.lines[1].get_ydata()) < high


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"low": 1.0, "high": 0.1}, "rates rise from low to high"),
        ({"low": 0.0}, "rates rise from low to high"),
        ({"steps": 5}, "20 at least; 5 came"),
    ],
    ids=str,
)
def test_wrong_settings(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        bk.find_rate(bk.Linear(), X, losses.squared, **given)


def test_events_on_which_no_rate_works():
    far = bk.Samples(np.full((50, 1), 1.0), np.full(50, 1e200) * np.arange(50))
    with pytest.raises(ValueError, match="no finite number at the first steps"):
        bk.find_rate(bk.Linear(standardise=False), far, losses.squared, bk.MiniBatch(batch=1))
