"""Losses of places and directions: slopes, best constants, and scipy's density on the sphere."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.stats import vonmises_fisher

from baksan import Q, Samples, losses
from baksan.jaxed import jaxed, with_precision

BOTH = (losses.distance, losses.von_mises_fisher)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def directions(rng, n):
    y = rng.normal(size=(n, 3)) + np.array([0, 0, 2.0])
    return y / np.linalg.norm(y, axis=1, keepdims=True)


def test_one_number_is_neither_a_place_nor_a_direction():
    for y in (np.ones(5), np.ones((5, 1))):
        with pytest.raises(ValueError, match="2 numbers or more.*Take absolute"):
            losses.distance.value(np.ones(y.shape), y)
        with pytest.raises(ValueError, match="answers of 3 numbers"):
            losses.von_mises_fisher.value(np.ones(y.shape), y)


@pytest.mark.parametrize("kappa", [0.03, 1.0, 40.0, 900.0])
def test_minus_the_logarithm_of_scipys_density(rng, kappa):
    y, m = directions(rng, 50), np.array([0.6, 0.0, 0.8])
    told = losses.von_mises_fisher.value(np.broadcast_to(kappa * m, (50, 3)), y)
    assert_allclose(told, -vonmises_fisher(m, kappa).logpdf(y), rtol=1e-9)


def test_no_concentration_is_the_whole_sphere(rng):
    told = losses.von_mises_fisher.value(np.zeros((4, 3)), directions(rng, 4))
    assert_allclose(told, np.log(4 * np.pi), rtol=1e-12)


@pytest.mark.parametrize("loss", BOTH, ids=lambda loss: loss.name)
@pytest.mark.parametrize("size", [0.01, 0.2, 30.0])
def test_slope_is_the_derivative_of_value(rng, loss, size):
    y, p = directions(rng, 40), size * rng.normal(size=(40, 3))
    for k in range(3):
        h = np.zeros(3)
        h[k] = 1e-6
        difference = (loss.value(p + h, y) - loss.value(p - h, y)) / 2e-6
        assert_allclose(difference, loss.slope(p, y)[:, k], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("loss", BOTH, ids=lambda loss: loss.name)
def test_curvature_bounds_the_change_of_slope(rng, loss):
    y, p = directions(rng, 200), 3 * rng.normal(size=(200, 3))
    bound = loss.curvature(p, y)
    assert bound.shape == p.shape
    for _ in range(20):
        h = 1e-6 * rng.normal(size=p.shape)
        change = np.linalg.norm(loss.slope(p + h, y) - loss.slope(p, y), axis=1)
        assert np.all(change <= bound[:, 0] * np.linalg.norm(h, axis=1) * (1 + 1e-3) + 1e-14)


@pytest.mark.parametrize("loss", BOTH, ids=lambda loss: loss.name)
def test_the_best_constant_is_where_scipy_ends(rng, loss):
    y, w = directions(rng, 300), rng.uniform(0, 2, 300)
    X = Samples(np.zeros((300, 1)), y, weight=w)

    def cost(c):
        return Q(lambda x: np.broadcast_to(c, (len(x), 3)), X, loss)

    found = minimize(cost, y.mean(axis=0), method="BFGS", options={"gtol": 1e-9})
    constant = loss.best_constant(y, 3, w)
    assert_allclose(constant, found.x, rtol=1e-4)
    assert cost(constant) <= found.fun + 1e-12


def test_the_geometric_median_does_not_follow_outliers(rng):
    y = rng.normal(size=(201, 2))
    y[:20] += 1e4
    assert np.linalg.norm(losses.distance.best_constant(y, 2)) < 0.5
    assert np.linalg.norm(losses.squared.best_constant(y, 2)) > 500


def test_directions_are_told_with_their_spread(rng):
    m = directions(rng, 3)
    kappa = np.array([1.0, 100.0, 1e4])
    told = losses.von_mises_fisher.read(kappa[:, None] * m)
    assert_allclose(told["value"], m)
    assert_allclose(told["spread"], np.rad2deg([1.0, 0.1, 0.01]))
    drawn = vonmises_fisher(m[2], 1e4).rvs(4000, random_state=5)
    off = np.rad2deg(np.sqrt(2 * (1 - drawn @ m[2])))
    assert np.sqrt((off**2).mean() / 2) == pytest.approx(told["spread"][2], rel=0.03)


@pytest.mark.parametrize("loss", BOTH, ids=lambda loss: loss.name)
@pytest.mark.parametrize(("dtype", "off"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_jax_runs_the_formulas(rng, loss, dtype, off):
    jax = pytest.importorskip("jax")
    y, p = directions(rng, 50), 20 * rng.normal(size=(50, 3))
    p[0], y = 0.0, y.astype(dtype)
    p = p.astype(dtype)
    with with_precision(dtype):
        for formula in (loss.cost, loss.slope_of):
            found = jax.jit(jaxed(formula))(p, y)
            assert found.dtype == dtype and np.isfinite(found).all()
            assert_allclose(np.asarray(found), formula(p, y), rtol=off, atol=off)


def test_answers_of_another_kind_are_refused(rng):
    with pytest.raises(ValueError, match=r"needs answers of 3 numbers, \(n, 3\)"):
        losses.von_mises_fisher.value(np.ones((4, 2)), np.ones((4, 2)))
