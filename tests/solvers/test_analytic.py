"""The exact solver against the textbook, LAPACK, scikit-learn and a Monte Carlo of its errors."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from sklearn.linear_model import LinearRegression, Ridge

from baksan import L1, L2, Analytic, GradientDescent, Linear, Samples, Stream, fit, losses
from baksan.solvers.analytic import covariance
from baksan.solvers.base import Problem

RANDOM = np.random.default_rng(4)
N = 200
FEATURES = RANDOM.normal(size=(N, 3)) * [1.0, 5.0, 0.2] + [0.0, 20.0, 1.0]
ANSWERS = FEATURES @ [1.0, -2.0, 3.0] + 4.0 + RANDOM.normal(size=N)
WEIGHTS = RANDOM.uniform(0.1, 5.0, N)


def solved(X, loss=losses.squared, **settings):
    return fit(Linear(), X, loss, Analytic(), **settings)


def told(found):
    return np.array([found.model.intercept, *found.model.weights])


@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["equal", "weighted"])
def test_the_answer_is_that_of_least_squares(weight):
    found = solved(Samples(FEATURES, ANSWERS, weight))
    other = LinearRegression().fit(FEATURES, ANSWERS, weight)
    assert_allclose(told(found), [other.intercept_, *other.coef_], rtol=1e-11)
    assert found.converged and found.message == "solved exactly in one step."
    residual = ANSWERS - other.predict(FEATURES)
    assert_allclose(found.loss, np.average(residual**2, weights=weight), rtol=1e-12)


def test_the_normal_equations_hold():
    X = Samples(FEATURES, ANSWERS, WEIGHTS)
    found = solved(X)
    residual = found.model(X.x) - X.y
    assert_allclose(found.model.pullback(X.x, X.w * residual), 0.0, atol=1e-9)


def test_history_has_the_start_and_the_answer():
    found = solved(Samples(FEATURES, ANSWERS), start="zero")
    assert_array_equal(found.history["step"], [0, 1])
    assert_allclose(found.history["loss"], [np.mean(ANSWERS**2), found.loss])
    assert np.isnan(found.history["loss_progressive"]).all()
    assert found.state.seen == N


@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["equal", "weighted"])
def test_several_outputs_are_several_fits(weight):
    y = np.column_stack([ANSWERS, FEATURES[:, 0] ** 2, -ANSWERS + FEATURES[:, 2]])
    found = solved(Samples(FEATURES, y, weight))
    for k in range(3):
        one = solved(Samples(FEATURES, y[:, k], weight))
        assert_allclose(found.model.weights[k], one.model.weights, rtol=1e-9)
        assert_allclose(found.model.intercept[k], one.model.intercept, rtol=1e-9)


def test_weight_two_is_the_event_twice():
    twice = Samples(FEATURES, ANSWERS).take([*range(N), *range(20)])
    weighted = Samples(FEATURES, ANSWERS, np.where(np.arange(N) < 20, 2.0, 1.0))
    assert_allclose(told(solved(weighted)), told(solved(twice)), rtol=1e-11)


@pytest.mark.parametrize("classes", [2, 4])
def test_classes_are_fitted_one_against_the_rest_on_plus_and_minus_one(classes):
    y = np.digitize(ANSWERS, np.quantile(ANSWERS, np.arange(1, classes) / classes))
    names = [str(k) for k in range(classes)]
    found = solved(Samples(FEATURES, y, class_names=names), losses.squared_margin)
    t = 2.0 * y - 1 if classes == 2 else 2.0 * (y[:, None] == np.arange(classes)) - 1
    other = LinearRegression().fit(FEATURES, t)
    assert_allclose(found.model(FEATURES), other.predict(FEATURES), rtol=1e-9, atol=1e-12)
    if classes > 2:
        assert_allclose(found.model(FEATURES).sum(axis=1), 2.0 - classes, rtol=1e-9)


def test_ridge_is_the_closed_form_and_that_of_scikit_learn():
    """Q + λ|w|²/2 is scikit-learn's Σ w r² + α|w|² with α = λ Σw / 2, on the same features."""
    strength = 0.7
    found = solved(Samples(FEATURES, ANSWERS, WEIGHTS), penalty=L2(strength))
    z = found.model.design(FEATURES)
    share = WEIGHTS / WEIGHTS.sum()
    bend = 2 * (z.T * share) @ z + strength * np.diag([0.0, 1.0, 1.0, 1.0])
    by_hand = np.linalg.solve(bend, 2 * z.T @ (share * ANSWERS))
    assert_allclose(found.model.parameters, by_hand, rtol=1e-11)
    other = Ridge(alpha=strength * WEIGHTS.sum() / 2).fit(z[:, 1:], ANSWERS, WEIGHTS)
    assert_allclose(found.model.parameters, [other.intercept_, *other.coef_], rtol=1e-8)


def test_a_deficient_design_gives_the_smallest_weights_and_says_so():
    x = np.column_stack([FEATURES, FEATURES[:, 0] + FEATURES[:, 1], np.full(N, 7.0)])
    found = solved(Samples(x, ANSWERS))
    assert "only 4 of 6 columns are independent" in found.message
    assert found.converged
    assert_allclose(found.model(x), solved(Samples(FEATURES, ANSWERS)).model(FEATURES), rtol=1e-10)
    smallest = np.linalg.pinv(found.model.design(x)) @ ANSWERS
    assert_allclose(found.model.parameters, smallest, rtol=1e-8, atol=1e-10)


def test_fewer_events_than_features():
    X = Samples(FEATURES[:3, :], ANSWERS[:3])
    found = solved(X)
    assert "only 3 of 4 columns" in found.message
    assert_allclose(found.model(X.x), X.y, rtol=1e-9)
    with pytest.raises(ValueError, match="errors need more events than parameters; 3 for 4"):
        found.errors()


@pytest.mark.parametrize("standardise", [True, False])
def test_units_do_not_matter(standardise):
    """Energy in eV beside an angle in radians: each weight changes as its unit does, no more."""
    units = np.array([1e-6, 1e6, 1e3])
    plain = solved(Samples(FEATURES, ANSWERS))
    scaled = fit(
        Linear(standardise), Samples(FEATURES * units, ANSWERS), losses.squared, Analytic()
    )
    assert_allclose(scaled.model.weights * units, plain.model.weights, rtol=1e-8)
    if standardise:
        assert_allclose(scaled.errors()[1:] * units, plain.errors()[1:], rtol=1e-8)


# Errors -------------------------------------------------------------------------------------------


def test_covariance_is_that_of_the_textbook():
    found = solved(Samples(FEATURES, ANSWERS))
    z = np.column_stack([np.ones(N), FEATURES])
    rss = ((ANSWERS - z @ told(found)) ** 2).sum()
    by_hand = rss / (N - 4) * np.linalg.inv(z.T @ z)
    assert_allclose(found.covariance(), by_hand, rtol=1e-8, atol=1e-12)
    assert_allclose(found.errors(), np.sqrt(np.diag(by_hand)), rtol=1e-9)


def test_weighted_covariance_is_whites():
    found = solved(Samples(FEATURES, ANSWERS, WEIGHTS))
    z = np.column_stack([np.ones(N), FEATURES])
    residual = ANSWERS - z @ told(found)
    inverse = np.linalg.inv((z.T * WEIGHTS) @ z)
    by_hand = inverse @ ((z.T * (WEIGHTS * residual) ** 2) @ z) @ inverse
    assert_allclose(found.covariance(), by_hand, rtol=1e-7, atol=1e-12)


def test_covariance_with_l2_is_the_sandwich_with_the_penalty_inside():
    X = Samples(FEATURES, ANSWERS, WEIGHTS)
    found = solved(X, penalty=L2(0.4))
    z = found.model.design(FEATURES)
    slope = 2 * WEIGHTS * (found.model(FEATURES) - ANSWERS)
    bend = 2 * (z.T * WEIGHTS) @ z + 0.4 * WEIGHTS.sum() * np.diag([0.0, 1.0, 1.0, 1.0])
    by_hand = np.linalg.inv(bend) @ ((z.T * slope**2) @ z) @ np.linalg.inv(bend)
    told_here = covariance(found.problem, found.model.parameters)
    assert_allclose(told_here, by_hand, rtol=1e-7, atol=1e-12)


def test_logistic_covariance_has_the_known_second_derivative():
    """With a model that is right, the sandwich is near the inverse Fisher information."""
    random = np.random.default_rng(0)
    x = random.normal(size=(20_000, 2))
    y = (random.random(20_000) < 1 / (1 + np.exp(-(0.5 + x @ [1.0, -1.0])))).astype(int)
    X = Samples(x, y, class_names=("b", "s"))
    found = fit(Linear(), X, losses.logistic, GradientDescent(steps=300, momentum=0.9))
    z = np.column_stack([np.ones(len(x)), x])
    p = 1 / (1 + np.exp(-found.model(x)))
    fisher = np.linalg.inv((z.T * (p * (1 - p))) @ z)
    assert_allclose(found.errors(), np.sqrt(np.diag(fisher)), rtol=0.03)
    slope = p - y
    sandwich = fisher @ ((z.T * slope**2) @ z) @ fisher
    assert_allclose(found.covariance(), sandwich, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_huber_covariance_does_not_depend_on_the_unit_of_the_answer(scale):
    X = Samples(FEATURES, ANSWERS)
    loss = losses.huber(0.5)
    exact = minimize(
        lambda v: losses.Q(Linear().prepared(X.x, X.w, 1).moved(v), X, loss), np.zeros(4), tol=1e-12
    ).x
    a = Linear().prepared(X.x, X.w, 1).moved(exact)
    found = fit(a, X, loss, GradientDescent(steps=1))
    scaled_loss = losses.huber(0.5 * scale)
    problem = replace(found.problem, X=Samples(FEATURES, ANSWERS * scale), loss=scaled_loss)
    expected = covariance(found.problem, exact)
    assert_allclose(covariance(problem, exact * scale), expected * scale**2, rtol=1e-5)


@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["equal", "weighted"])
def test_errors_cover_the_truth_as_often_as_they_say(weight):
    """|w − truth| < error in 68.3 % of 400 repeated measurements, for each coefficient."""
    random, truth = np.random.default_rng(8), np.array([4.0, 1.0, -2.0, 3.0])
    inside = np.zeros(4)
    for _ in range(400):
        y = FEATURES @ truth[1:] + truth[0] + random.normal(size=N)
        found = solved(Samples(FEATURES, y, weight))
        inside += np.abs(told(found) - truth) < found.errors()
    assert np.all(np.abs(inside / 400 - 0.683) < 0.07)  # 3 standard deviations


# Sentences ----------------------------------------------------------------------------------------


def test_what_has_no_closed_form_is_refused():
    X = Samples(FEATURES, ANSWERS)
    with pytest.raises(ValueError, match="Analytic needs a squared loss.*this is absolute"):
        solved(X, losses.absolute)
    with pytest.raises(ValueError, match="no L1 penalty, which has no closed form; take L2"):
        solved(X, penalty=L1(0.1))
    with pytest.raises(ValueError, match="is a loss for regression, the answers are for classif"):
        solved(Samples(FEATURES, np.arange(N) % 2, class_names=("b", "s")))
    with pytest.raises(ValueError, match="piecewise linear: no second derivative, no errors"):
        fit(Linear(), X, losses.absolute, GradientDescent(steps=1)).covariance()
    with pytest.raises(ValueError, match="covariance is known for a linear model with one output"):
        solved(Samples(FEATURES, np.column_stack([ANSWERS, ANSWERS]))).covariance()


@pytest.mark.parametrize("unit", [1e-310, 1e-170, 1e155, 1e190])
def test_the_sandwich_does_not_depend_on_the_unit_of_the_weights(unit):
    expected = solved(Samples(FEATURES, ANSWERS, WEIGHTS)).covariance()
    scaled = solved(Samples(FEATURES, ANSWERS, WEIGHTS * unit)).covariance()
    assert_allclose(scaled, expected, rtol=1e-7)


def test_known_errors_give_the_textbook_covariance():
    rng = np.random.default_rng(5)
    x, sigma = rng.normal(size=(40, 2)), rng.uniform(0.1, 2.0, 40)
    y = 1.0 + x @ [2.0, -3.0] + rng.normal(size=40) * sigma
    found = fit(Linear(), Samples(x, y, 1 / sigma**2), losses.squared, Analytic())
    Z = np.column_stack([np.ones(40), x]) / sigma[:, None]
    by_hand = np.linalg.inv(Z.T @ Z)
    np.testing.assert_allclose(found.covariance(inverse_variances=True), by_hand, rtol=1e-9)
    unweighted = fit(Linear(), Samples(x, y), losses.squared, Analytic())
    with pytest.raises(ValueError, match=r"inverse variances are the weights .* no weights\."):
        unweighted.errors(inverse_variances=True)
    X = Samples(x, y, 1 / sigma**2)
    ridge = fit(Linear(), X, losses.squared, Analytic(), penalty=L2(0.1))
    with pytest.raises(
        ValueError, match=r"this fit has L2\(strength=0.1\)\. Leave out inverse_var"
    ):
        ridge.errors(inverse_variances=True)
    huber = fit(Linear(), X, losses.huber(), GradientDescent(steps=1))
    with pytest.raises(
        ValueError, match=r"this fit has the huber loss\. Leave out inverse_variance"
    ):
        huber.errors(inverse_variances=True)


def test_errors_of_least_squares_on_classes_are_those_of_the_bootstrap():
    rng = np.random.default_rng(8)
    y = (rng.random(1500) < 0.05).astype(int)
    x = rng.normal(size=(1500, 1)) * np.where(y, 2.0, 0.5)[:, None] + 0.8 * y[:, None]
    X = Samples(x, y, class_names=("hadron", "gamma"))

    def weight(rows):
        found = fit(Linear(), X.take(rows), losses.squared_margin, Analytic())
        return found.model.weights[0]

    drawn = [weight(rng.integers(0, 1500, 1500)) for _ in range(200)]
    told = fit(Linear(), X, losses.squared_margin, Analytic()).errors()[1]
    assert told == pytest.approx(np.std(drawn), rel=0.2)


def test_errors_of_grouped_events_are_those_of_the_groups():
    rng = np.random.default_rng(9)
    group = np.repeat(np.arange(100), 20)
    x = rng.normal(size=(100, 1))[group] + 0.1 * rng.normal(size=(2000, 1))
    y = 2.0 * x[:, 0] + rng.normal(size=100)[group]
    X = Samples(x, y, group=group)

    def weight(groups):
        rows = np.concatenate([np.flatnonzero(group == g) for g in groups])
        one = Samples(x[rows], y[rows])
        return fit(Linear(), one, losses.squared, Analytic()).model.weights[0]

    drawn = [weight(rng.integers(0, 100, 100)) for _ in range(200)]
    grouped = fit(Linear(), X, losses.squared, Analytic()).errors()[1]
    assert grouped == pytest.approx(np.std(drawn), rel=0.25)
    alone = fit(Linear(), Samples(x, y), losses.squared, Analytic()).errors()[1]
    assert alone < 0.5 * grouped


def test_l1_has_no_errors():
    X = Samples(np.random.default_rng(0).normal(size=(30, 2)), np.arange(30.0))
    found = fit(Linear(), X, losses.squared, GradientDescent(steps=5), penalty=L1(0.1))
    with pytest.raises(ValueError, match="L1 sets weights to 0"):
        found.errors()


@pytest.mark.parametrize("standardise", [True, False])
@pytest.mark.parametrize("condition", [1e2, 1e5, 1e8, 1e11])
def test_errors_do_not_shrink_where_features_nearly_depend_on_each_other(condition, standardise):
    rng, n, d = np.random.default_rng(8), 300, 4
    u = rng.normal(size=(n, d))
    u, _ = np.linalg.qr(u - u.mean(axis=0))
    v, _ = np.linalg.qr(rng.normal(size=(d, d)))
    x = np.sqrt(n) * u * np.geomspace(1, 1 / condition, d) @ v.T + 1.0
    X = Samples(x, x.sum(axis=1) + 0.1 * rng.normal(size=n))
    found = fit(Linear(standardise=standardise), X, losses.squared, Analytic())
    spread, rest = x.std(axis=0), X.y - found.model(x)
    _, singular, axes = np.linalg.svd((x - x.mean(axis=0)) / spread, full_matrices=False)
    slopes = np.linalg.norm(axes.T / singular, axis=1) / spread
    expected = np.sqrt(rest @ rest / (n - d - 1)) * slopes
    assert_allclose(found.errors()[1:], expected, rtol=max(1e-6, 1e-14 * condition))
    weighed = Samples(x, X.y, np.full(n, 100.0))
    found = fit(Linear(standardise=standardise), weighed, losses.squared, Analytic())
    told = found.errors(inverse_variances=True)[1:]
    assert_allclose(told, 0.1 * slopes, rtol=max(1e-6, 1e-14 * condition))


def alike(condition, standardise, n=300, d=4):
    """Features whose singular values fall by `condition`, in a model that a fit would prepare."""
    rng = np.random.default_rng(8)
    u, _ = np.linalg.qr(rng.normal(size=(n, d)))
    v, _ = np.linalg.qr(rng.normal(size=(d, d)))
    x = np.sqrt(n) * u * np.geomspace(1, 1 / condition, d) @ v.T + 1.0
    return x, Linear(standardise).prepared(x, np.ones(n), 1), rng


def sandwich(z, bend, pulls, ridge=None):
    """H⁻¹ G H⁻¹ by singular values of √c'' z, never from H."""
    rows = z * np.sqrt(bend)[:, None]
    if ridge is not None:
        rows = np.vstack([rows, np.diag(np.sqrt(ridge))])
    singular, axes = np.linalg.svd(rows, full_matrices=False)[1:]
    root = axes.T / singular
    half = root @ (root.T @ pulls.T)
    return half @ half.T


@pytest.mark.parametrize("standardise", [True, False])
@pytest.mark.parametrize("condition", [1e2, 1e5, 1e8, 1e11])
@pytest.mark.parametrize("kind", ["weights", "groups", "stream", "L2", "classes", "logistic"])
def test_no_sandwich_squares_the_condition(kind, condition, standardise):
    x, a, rng = alike(condition, standardise)
    n, ridge, z = len(x), None, a.design(x)
    a = a.moved(rng.normal(size=5))
    w, group = rng.uniform(0.5, 2.0, n), np.arange(n) // 3
    y, loss, penalty = a(x) + rng.normal(size=n), losses.squared, None
    slope, bend = 2 * w * (a(x) - y), 2 * w
    if kind in ("classes", "logistic"):
        y, loss = np.arange(n) % 2, losses.squared_margin
        slope = 2 * w * (a(x) - (2 * y - 1))
    if kind == "logistic":
        loss, p = losses.logistic, 1 / (1 + np.exp(-a(x)))
        slope, bend = w * (p - y), w * p * (1 - p)
    if kind == "L2":
        penalty = L2(1 / condition**2)
        ridge = w.sum() / condition**2 * a.penalised
    pulls = z * slope[:, None]
    if kind == "groups":
        pulls = pulls.reshape(-1, 3, 5).sum(axis=1)
    names = ("b", "s") if loss.task == "classification" else ()
    X = Samples(x, y, w, group=group if kind == "groups" else None, class_names=names)
    if kind == "stream":
        X = Stream(lambda X=X: (X.rows(slice(i, i + 70)) for i in range(0, n, 70)))
    told = covariance(Problem(a, X, loss, penalty), a.parameters)
    expected = sandwich(z, bend, pulls, ridge)
    errors = np.sqrt(np.diag(expected))
    near = max(1e-6, 1e-14 * condition)
    assert_allclose(np.sqrt(np.diag(told)), errors, rtol=near)
    assert_allclose(told / np.outer(errors, errors), expected / np.outer(errors, errors), atol=near)


@pytest.mark.parametrize("far", [1e6, 1e9, 1e13])
def test_the_sandwich_does_not_depend_on_where_the_answers_lie(far):
    near = Samples(FEATURES, np.round(ANSWERS * 64), WEIGHTS)
    X = Samples(FEATURES, near.y + far, WEIGHTS)
    assert_allclose(solved(X).covariance(), solved(near).covariance(), rtol=1e-14 * far + 1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_sandwich_of_dependent_columns_is_that_of_the_pseudo_inverse(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(200, 3))
    x = np.column_stack([x, x @ [1.0, -2.0, 0.3], np.full(200, 0.1)])
    X = Samples(x, x[:, 0] + rng.normal(size=200), rng.uniform(0.5, 2.0, 200))
    found = solved(X)
    z, slope = found.model.design(x), 2 * X.w * (found.model(x) - X.y)
    half = np.linalg.pinv(2 * (z.T * X.w) @ z, rcond=1e-12, hermitian=True) @ (z.T * slope)
    expected = half @ half.T
    some = np.ones(6) @ z[:6]  # what all solutions agree about: the error of predictions
    told = covariance(found.problem, found.model.parameters)
    assert_allclose(some @ told @ some, some @ expected @ some, rtol=1e-6)


def test_the_error_of_a_mean():
    found = fit(Linear(), Samples(np.empty((4, 0)), [0.0, 1, 2, 3]), losses.squared, Analytic())
    assert_allclose(found.errors(), np.sqrt(5 / 3 / 4))
