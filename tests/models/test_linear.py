"""The linear model: standardisation belongs to it, and weights are told in the user's units."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from baksan import Analytic, GradientDescent, Linear, Samples, fit, losses

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(50, 3)) * [1e-6, 1.0, 1e6] + [3e-6, 0.0, 1e7]
W = RANDOM.uniform(0.1, 2.0, 50)


def prepared(outputs=1, **settings):
    a = Linear(**settings).prepared(X, W, outputs)
    return a.moved(np.random.default_rng(1).normal(size=a.parameters.shape))


@pytest.mark.parametrize("standardise", [True, False])
@pytest.mark.parametrize("outputs", [1, 2])
def test_weights_and_intercept_are_in_the_users_units(outputs, standardise):
    a = prepared(outputs, standardise=standardise)
    assert_allclose(a(X), X @ a.weights.T + a.intercept, rtol=1e-9)
    assert a.weights.shape == ((3,) if outputs == 1 else (2, 3))
    assert a.intercept.shape == (() if outputs == 1 else (2,))
    assert a(X).shape == ((50,) if outputs == 1 else (50, 2))


def test_standardisation_has_weighted_mean_zero_and_spread_one():
    z = prepared().design(X)
    assert_array_equal(z[:, 0], 1.0)
    assert_allclose(np.average(z[:, 1:], axis=0, weights=W), 0.0, atol=1e-13)
    assert_allclose(np.average(z[:, 1:] ** 2, axis=0, weights=W), 1.0, rtol=1e-12)


@pytest.mark.parametrize("constant", [0.0, 1.0, 1e9 + 0.1, -3e-12])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_feature_has_scale_one(constant, dtype):
    x = np.column_stack([np.arange(50), np.full(50, constant)]).astype(dtype)
    a = Linear().prepared(x, W, 1)
    assert a.scale[1] == 1.0 and a.scale[0] > 1
    assert np.abs(a.design(x)[:, 2]).max() <= 1e-6 * max(1.0, abs(constant))


def test_without_standardisation_parameters_are_the_weights():
    a = prepared(standardise=False)
    assert_array_equal(a.parameters, [a.intercept, *a.weights])


def test_preparing_twice_keeps_the_first_standardisation():
    a = prepared()
    assert a.prepared(5 * X, W, 1) is a


def test_the_intercept_is_never_penalised():
    assert_array_equal(prepared(2).penalised, [False, True, True, True] * 2)


def test_covariance_in_the_users_units_is_that_of_a_linear_map():
    a, covariance = prepared(), np.diag([1.0, 2.0, 3.0, 4.0])
    moved = [a.moved(v) for v in np.eye(4)]
    change = np.array([[b.intercept, *b.weights] for b in moved]).T
    told = change @ covariance @ change.T
    unit = np.sqrt(np.diag(told))
    assert_allclose(a.in_user_units(covariance) / np.outer(unit, unit), told / np.outer(unit, unit))


def test_a_model_fitted_before_goes_on_from_its_weights():
    S = Samples(X, X[:, 1] * 2 + 1)
    exact = fit(Linear(), S, losses.squared, Analytic()).model
    more = fit(exact, S, losses.squared, GradientDescent(steps=3))
    assert_allclose(more.model.parameters, exact.parameters, atol=1e-9)
    assert more.history["loss"][0] < 1e-18


def test_wrong_widths_have_their_sentence():
    with pytest.raises(ValueError, match=r"needs 3 features, x \(n, 3\); x has shape \(50, 2\)"):
        prepared()(X[:, :2])
    with pytest.raises(ValueError, match=r"x of shape \(n, d\).*Flatten images first"):
        Linear().prepared(np.zeros((5, 2, 2)), np.ones(5), 1)
    with pytest.raises(ValueError, match="one output; this model has 2"):
        prepared(2).in_user_units(np.eye(4))
