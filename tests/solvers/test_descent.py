"""Descent: each solver reaches the known minimum, rates that are too long are noticed, and the
sentences for bad input."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import linprog, minimize
from sklearn.linear_model import Lasso, LogisticRegression, QuantileRegressor
from tests.problems import CAUCHY

from baksan import L1, L2, Analytic, Linear, Samples, fit, losses
from baksan.fit import ready
from baksan.solvers.base import Problem, State
from baksan.solvers.descent import (
    Descent,
    GradientDescent,
    MiniBatch,
    Steepness,
    StochasticGradientDescent,
)
from baksan.solvers.schedules import InverseTime

RANDOM = np.random.default_rng(11)
N = 300
FEATURES = RANDOM.normal(size=(N, 3)) * [1.0, 10.0, 0.1] + [5.0, 0.0, 1.0]
FEATURES[:, 2] += 0.05 * FEATURES[:, 0]
SCORE = FEATURES @ [1.0, -0.15, 8.0] - 15.0
ANSWERS = SCORE + RANDOM.standard_t(3, size=N)
WEIGHTS = RANDOM.uniform(0.1, 4.0, N)
REGRESSION = Samples(FEATURES, ANSWERS, WEIGHTS)
PLACES = Samples(FEATURES, np.stack([ANSWERS, SCORE**2, np.ones(N)], axis=1), WEIGHTS)
DIRECTIONS = Samples(
    FEATURES, PLACES.y / np.linalg.norm(PLACES.y, axis=1, keepdims=True), WEIGHTS
)  # fmt: skip
TWO = Samples(
    FEATURES, (SCORE + RANDOM.logistic(size=N) > 0).astype(int), WEIGHTS, class_names=("b", "s")
)
THREE = Samples(
    FEATURES,
    np.digitize(SCORE + 2 * RANDOM.logistic(size=N), [-1.5, 1.5]),
    WEIGHTS,
    class_names=("a", "b", "c"),
)

FOR_VECTORS = {"distance": PLACES, "von_mises_fisher": DIRECTIONS}

DESCENTS = {
    "GD": (GradientDescent(steps=4000, momentum=0.9), 1e-8),
    "Nesterov": (GradientDescent(steps=4000, momentum=0.9, nesterov=True), 1e-8),
    "mini-batch": (MiniBatch(batch=32, epochs=200, average=True), 1e-4),
    "SGD": (StochasticGradientDescent(epochs=200, average=True), 1e-4),
}
STANDARD = Linear().prepared(FEATURES, WEIGHTS, 1)
Z = STANDARD.design(FEATURES)


def assert_reached(found, minimum, relative):
    assert minimum * (1 - 1e-9) <= found.loss <= minimum * (1 + relative)


# Known minima -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DESCENTS)
def test_squared_reaches_least_squares(kind):
    solver, relative = DESCENTS[kind]
    root = np.sqrt(WEIGHTS)
    best = np.linalg.lstsq(Z * root[:, None], ANSWERS * root)[0]
    minimum = np.average((Z @ best - ANSWERS) ** 2, weights=WEIGHTS)
    found = fit(Linear(), REGRESSION, losses.squared, solver)
    assert_reached(found, minimum, relative)
    if relative < 1e-6:
        assert_allclose(found.model.parameters, best, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("kind", DESCENTS)
def test_logistic_reaches_scikit_learn(kind):
    solver, relative = DESCENTS[kind]
    other = LogisticRegression(C=math.inf, tol=1e-10, max_iter=10_000)
    other.fit(Z[:, 1:], TWO.y, WEIGHTS)
    minimum = losses.Q(lambda x: other.decision_function(Z[:, 1:]), TWO, losses.logistic)
    found = fit(Linear(), TWO, losses.logistic, solver)
    assert_reached(found, minimum, relative)
    if relative < 1e-6:
        best = [*other.intercept_, *other.coef_[0]]
        assert_allclose(found.model.parameters, best, rtol=1e-5)


@pytest.mark.parametrize("kind", DESCENTS)
def test_softmax_reaches_scikit_learn(kind):
    solver, relative = DESCENTS[kind]
    other = LogisticRegression(C=math.inf, tol=1e-10, max_iter=10_000)
    other.fit(Z[:, 1:], THREE.y, WEIGHTS)
    minimum = losses.Q(lambda x: other.decision_function(Z[:, 1:]), THREE, losses.softmax)
    assert_reached(fit(Linear(), THREE, losses.softmax, solver), minimum, relative)


@pytest.mark.parametrize("kind", DESCENTS)
def test_huber_reaches_scipy(kind):
    solver, relative = DESCENTS[kind]
    problem = Problem(STANDARD, REGRESSION, losses.huber(0.8))
    minimum = minimize(problem.value, np.zeros(4), tol=1e-12, method="BFGS").fun
    assert_reached(fit(Linear(), REGRESSION, losses.huber(0.8), solver), minimum, relative)


@pytest.mark.parametrize("level", [0.5, 0.2])
@pytest.mark.parametrize(("solver", "relative"), [
    (GradientDescent(steps=5000, average=True), 1e-3),
    (MiniBatch(epochs=300, average=True), 1e-3),
    (StochasticGradientDescent(epochs=200, average=True), 3e-3),
])  # fmt: skip
def test_quantile_and_absolute_reach_linear_programming(level, solver, relative):
    other = QuantileRegressor(quantile=level, alpha=0.0).fit(Z[:, 1:], ANSWERS, WEIGHTS)
    loss, predicted = losses.quantile(level), other.predict(Z[:, 1:])
    assert_reached(
        fit(Linear(), REGRESSION, loss, solver), losses.Q(lambda x: predicted, REGRESSION, loss),
        relative,
    )  # fmt: skip
    if level == 0.5:  # twice the pinball loss
        minimum = losses.Q(lambda x: predicted, REGRESSION, losses.absolute)
        assert_reached(fit(Linear(), REGRESSION, losses.absolute, solver), minimum, relative)


@pytest.mark.parametrize(("solver", "relative"), [
    (GradientDescent(steps=5000, average=True), 1e-3),
    (MiniBatch(epochs=300, average=True), 3e-3),
    (StochasticGradientDescent(epochs=200, average=True), 3e-3),
])  # fmt: skip
def test_hinge_reaches_linear_programming(solver, relative):
    """min Σ w_i ξ_i / Σ w_i with ξ_i ≥ 1 − t_i ⟨v, z_i⟩ and ξ_i ≥ 0."""
    t = 2.0 * TWO.y - 1
    share = WEIGHTS / WEIGHTS.sum()
    minimum = linprog(
        np.concatenate([np.zeros(4), share]),
        A_ub=-np.hstack([t[:, None] * Z, np.eye(N)]),
        b_ub=-np.ones(N),
        bounds=[(None, None)] * 4 + [(0, None)] * N,
    ).fun
    assert_reached(fit(Linear(), TWO, losses.hinge, solver), minimum, relative)


def test_l2_reaches_scikit_learns_logistic_regression():
    strength = 0.05
    other = LogisticRegression(C=1 / (strength * WEIGHTS.sum()), tol=1e-10, max_iter=10_000)
    other.fit(Z[:, 1:], TWO.y, WEIGHTS)
    solver = GradientDescent(steps=3000, momentum=0.9)
    found = fit(Linear(), TWO, losses.logistic, solver, penalty=L2(strength))
    best = [*other.intercept_, *other.coef_[0]]
    assert_allclose(found.model.parameters, best, rtol=1e-6)


def test_l2_reaches_ridge():
    found = fit(
        Linear(), REGRESSION, losses.squared, GradientDescent(momentum=0.9), penalty=L2(0.3)
    )
    exact = fit(Linear(), REGRESSION, losses.squared, Analytic(), penalty=L2(0.3))
    assert_allclose(found.model.parameters, exact.model.parameters, rtol=1e-9)


@pytest.mark.parametrize("way", ["generic", "compiled"])
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
@pytest.mark.parametrize("strength", [0.01, 1.0, 4.0])
def test_l1_reaches_lasso(strength, momentum, nesterov, way):
    """Σ w r² / Σ w + λ|w|₁ is scikit-learn's Σ w r² / 2Σw + α|w|₁ with α = λ/2."""
    other = Lasso(alpha=strength / 2, tol=1e-14, max_iter=100_000)
    other.fit(Z[:, 1:], ANSWERS, WEIGHTS)
    solver = GradientDescent(steps=2000, momentum=momentum, nesterov=nesterov, way=way)
    found = fit(Linear(), REGRESSION, losses.squared, solver, penalty=L1(strength))
    assert_allclose(found.model.parameters, [other.intercept_, *other.coef_], rtol=1e-7, atol=1e-9)
    assert_array_equal(found.model.parameters[1:] == 0.0, other.coef_ == 0.0)


@pytest.mark.parametrize("solver", [
    GradientDescent(rate=0.5, steps=500),
    MiniBatch(rate=InverseTime(0.2, 10), epochs=500, average=True),
    StochasticGradientDescent(rate=InverseTime(0.05, 300), epochs=200, average=True),
], ids=lambda solver: solver.name)  # fmt: skip
def test_margin_reaches_its_closed_form_on_the_unit_ball(solver):
    """argmin −⟨v, Σ w t z⟩ on |v| ≤ 1 is v = Σ w t z / |Σ w t z|."""
    pull = Z.T @ (WEIGHTS * (2.0 * TWO.y - 1))
    found = fit(Linear(), TWO, losses.margin, solver).model.parameters
    assert_allclose(found, pull / np.linalg.norm(pull), atol=1e-8 if solver.batch is None else 5e-3)


def test_perceptron_separates_what_can_be_separated():
    """Novikoff: the rule makes finitely many mistakes, then none."""
    gap = np.abs(SCORE) > 1.0
    X = Samples(FEATURES[gap], (SCORE[gap] > 0).astype(int), class_names=("b", "s"))
    found = fit(Linear(), X, losses.perceptron, StochasticGradientDescent(rate=1.0, epochs=500))
    assert found.loss == 0.0 and losses.Q(found.model, X, losses.zero_one) == 0.0


@pytest.mark.parametrize("loss", [losses.squared_hinge, losses.exponential, CAUCHY])
def test_other_smooth_losses_reach_scipy(loss):
    """Also a user's own loss, which goes the generic way."""
    X = REGRESSION if loss is CAUCHY else TWO
    a = ready(Problem(Linear(), X, loss)).model
    best = minimize(Problem(a, X, loss).value, a.parameters, tol=1e-12, method="BFGS").fun
    solver = GradientDescent(rate=0.05, steps=3000, momentum=0.9)
    assert solver.way_for(a, loss) == ("generic" if loss is CAUCHY else "compiled")
    assert_reached(fit(Linear(), X, loss, solver), best, 1e-8)


@pytest.mark.parametrize("loss", list(losses.LOSSES.values()), ids=list(losses.LOSSES))
@pytest.mark.parametrize("solver", [
    GradientDescent(), MiniBatch(momentum=0.9), StochasticGradientDescent(),
], ids=["GD", "mini-batch", "SGD"])  # fmt: skip
@pytest.mark.parametrize("penalty", [None, L2(1e-3)], ids=["free", "L2"])
def test_automatic_rates_go_down_for_every_loss(loss, solver, penalty):
    """Also with event weights that spread over orders of magnitude."""
    if not loss.descendable:
        return
    if loss is losses.gaussian and solver.batch == 1:
        return  # nothing bounds its curvature: of events so unlike the first rate is no limit
    X = FOR_VECTORS.get(loss.name, REGRESSION if loss.task == "regression" else TWO)
    wild = Samples(X.x, X.y, np.exp(1.5 * np.random.default_rng(0).normal(size=N)),
                   class_names=X.class_names)  # fmt: skip
    start = ready(Problem(Linear(), wild, loss)).model
    found = fit(Linear(), wild, loss, solver, penalty=penalty)
    if loss is not losses.perceptron:  # costs nothing at the start, w = 0
        assert found.loss < losses.Q(start, wild, loss)
    assert np.isfinite(found.model.parameters).all()


# Rates --------------------------------------------------------------------------------------------

MOMENTA = [
    ({}, 1.0, "2/L"),
    ({"momentum": 0.6}, 1.6, "2(1 + μ)/L"),
    ({"momentum": 0.6, "nesterov": True}, 1.6 / 2.2, "2(1 + μ)/((1 + 2μ) L)"),
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("settings", "factor", "formula"), MOMENTA)
def test_the_bound_is_exact_for_the_squared_loss(settings, factor, formula, weighted):
    X = REGRESSION if weighted else Samples(FEATURES, ANSWERS)
    a = ready(Problem(Linear(), X, losses.squared)).model
    share, z = X.w / X.w.sum(), a.design(X.x)
    limit = factor * 2 / np.linalg.eigvalsh(2 * (z.T * share) @ z)[-1]
    told, said = GradientDescent(0.1, **settings).bound(Problem(a, X, losses.squared))
    assert_allclose(told, limit, rtol=1e-12)
    assert said == formula
    best = fit(Linear(), X, losses.squared, Analytic()).loss
    below = fit(Linear(), X, losses.squared, GradientDescent(0.95 * limit, steps=4000, **settings))
    assert_allclose(below.loss, best, rtol=1e-9)
    above = fit(Linear(), X, losses.squared, GradientDescent(1.05 * limit, steps=4000, **settings))
    assert not above.converged
    assert above.message == (
        f"the step {1.05 * limit:.3g} is above {formula} = {limit:.3g}: Q grows;"
        f' try {limit / 2:.2g} or rate="auto".'
    )
    assert_allclose(above.model.parameters, a.parameters, rtol=1e-14)


def test_l2_makes_the_bound_shorter():
    a = ready(Problem(Linear(), REGRESSION, losses.squared)).model
    free = Steepness.of(Problem(a, REGRESSION, losses.squared))
    held = Steepness.of(Problem(a, REGRESSION, losses.squared, L2(3.0)))
    assert_allclose(held.largest, free.largest + 3.0)


@pytest.mark.parametrize("loss", [losses.squared, losses.logistic, losses.exponential])
@pytest.mark.parametrize("batch", [None, 1, 32])
@pytest.mark.parametrize("rate", [50.0, 1e4])
def test_far_too_long_steps_come_back_finite_and_explained(loss, batch, rate):
    X = REGRESSION if loss.task == "regression" else TWO
    found = fit(Linear(), X, loss, Descent(rate, batch=batch, epochs=60))
    assert np.isfinite(found.model.parameters).all() and np.isfinite(found.loss)
    assert not found.converged
    assert found.message.startswith(f"the step {rate:.3g} is above 2/") and "Q grows; try" in (
        found.message
    )


def test_the_bound_of_noisy_steps_separates_falling_from_growing():
    """Single events at half the bound converge in the mean square; at four times it they do not."""
    exact = losses.squared
    a = ready(Problem(Linear(), REGRESSION, exact)).model
    bound, _ = StochasticGradientDescent(1.0).bound(Problem(a, REGRESSION, exact))
    start = losses.Q(a, REGRESSION, exact)
    good = fit(Linear(), REGRESSION, exact, StochasticGradientDescent(bound / 2, average=True))
    bad = fit(Linear(), REGRESSION, exact, StochasticGradientDescent(bound * 4))
    assert good.loss < start / 2
    assert bad.message.startswith(f"the step {4 * bound:.3g} is above 2/(L + R²/m)")


def test_a_custom_loss_that_leaves_all_bounds_has_its_sentence():
    quartic = losses.Loss(
        "quartic", lambda p, t: (p - t) ** 4, lambda p, t: 4 * (p - t) ** 3, 1e-9, "regression"
    )
    found = fit(Linear(), REGRESSION, quartic, GradientDescent(rate=10.0))
    assert "Q left all bounds near step" in found.message and "smaller steps" in found.message
    assert np.isfinite(found.model.parameters).all()


# Averages, budgets, seeds -------------------------------------------------------------------------


def test_the_average_weighs_late_steps_as_the_third_power():
    """(w̄_t) = Σ_s c_s w_s with c_s ∝ (s + 1)(s + 2)(s + 3): Shamir and Zhang's η = 3."""
    states = list(
        StochasticGradientDescent(0.01, steps=40, average=True).run(STANDARD, TWO, losses.logistic)
    )
    s = np.arange(40)
    share = (s + 1) * (s + 2) * (s + 3.0)
    expected = np.average([state.parameters for state in states], axis=0, weights=share)
    assert_allclose(states[-1].average, expected, rtol=1e-12)


def test_budgets():
    assert GradientDescent().end(1000) == 1000
    assert GradientDescent(epochs=7).end(1000) == 7
    assert MiniBatch(batch=300).end(1000) == 20 * 4
    assert StochasticGradientDescent(epochs=2).end(1000) == 2000
    assert StochasticGradientDescent(epochs=2, steps=50).end(1000) == 50
    last = fit(Linear(), TWO, losses.logistic, MiniBatch(batch=77, epochs=3)).state
    assert (last.step, last.epoch, last.place, last.seen) == (12, 3, 0, 3 * N)


def test_an_epoch_sees_each_event_once_in_the_order_of_its_seed():
    """With one event a step and features that name the event, the steps tell the order."""
    X = Samples(np.eye(8), np.ones(8))
    raw = Linear(standardise=False).prepared(X.x, X.w, 1)
    orders = []
    for seed in (0, 0, 1):
        states = StochasticGradientDescent(1e-3, epochs=2).run(raw, X, losses.squared, seed=seed)
        w = np.array([raw.parameters, *(state.parameters for state in states)])[:, 1:]
        orders.append(np.diff(w, axis=0).argmax(axis=1))
    assert_array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[2])
    for epoch in (orders[0][:8], orders[0][8:]):
        assert sorted(epoch) == list(range(8))
    assert not np.array_equal(orders[0][:8], orders[0][8:])


def test_one_stepper_serves_states_of_different_seeds():
    X = Samples(FEATURES[:9], ANSWERS[:9])
    for way in ("generic", "compiled"):
        solver = StochasticGradientDescent(0.01, way=way)
        step = solver.stepper(Problem(STANDARD, X, losses.squared))
        for seed in (0, 1):
            alone = solver.run(STANDARD, X, losses.squared, seed=seed, every=9)
            together = step(solver.start(STANDARD, seed=seed), 9)
            assert_array_equal(together.parameters, next(alone).parameters)


def test_single_precision_features_and_own_schedules_share_the_kernel():
    X = Samples(FEATURES.astype(np.float32), ANSWERS.astype(np.float32))
    found = fit(Linear(), X, losses.squared, GradientDescent(lambda steps: [0.2] * len(steps)))
    exact = fit(Linear(), X, losses.squared, Analytic())
    assert_allclose(found.loss, exact.loss, rtol=1e-6)


# Sentences ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"rate": 0.0}, "rate must be positive; it is 0"),
        ({"rate": -1}, "rate must be positive; it is -1"),
        ({"rate": math.nan}, "rate must be positive; it is nan"),
        ({"rate": np.float32(-0.5)}, "rate must be positive; it is -0.5"),
        ({"rate": "fast"}, "rate must be a number, a schedule or 'auto'; it is 'fast'"),
        ({"rate": None}, "rate must be a number, a schedule or 'auto'; it is None"),
        ({"batch": 0}, "batch must be a whole number from 1; it is 0"),
        ({"batch": 2.5}, "batch must be a whole number from 1; it is 2.5"),
        ({"steps": -3}, "steps must be a whole number from 1; it is -3"),
        ({"epochs": 0}, "epochs must be a whole number from 1; it is 0"),
        ({"patience": 0}, "patience must be a whole number from 1; it is 0"),
        ({"momentum": 1.0}, "momentum must be at least 0 and below 1; it is 1"),
        ({"momentum": -0.1}, "momentum must be at least 0 and below 1; it is -0.1"),
        ({"tolerance": -1.0}, "tolerance must be 0 or more; it is -1"),
        ({"seconds": math.nan}, "seconds must be 0 or more; it is nan"),
        ({"way": "fast"}, "way must be auto, generic, python or compiled; it is 'fast'"),
    ],
)
def test_each_wrong_setting_has_its_sentence(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        Descent(**settings)


def test_numpy_numbers_are_numbers():
    X = Samples(FEATURES, ANSWERS)
    settings = {"rate": np.float32(0.125), "batch": np.int64(30), "epochs": np.int32(2)}
    plain = fit(Linear(), X, losses.squared, Descent(0.125, batch=30, epochs=2))
    found = fit(Linear(), X, losses.squared, Descent(**settings))
    assert_array_equal(found.model.parameters, plain.model.parameters)


def test_ways_that_do_not_apply_are_refused():
    for way in ("python", "compiled"):
        with pytest.raises(ValueError, match="this is Linear with cauchy. Take way='generic'"):
            fit(Linear(), REGRESSION, CAUCHY, GradientDescent(way=way))


def test_online_needs_a_rate_and_single_events():
    with pytest.raises(ValueError, match="online learning needs a rate"):
        StochasticGradientDescent().online(STANDARD, losses.squared)
    with pytest.raises(ValueError, match="each step of gradient descent sees all of them"):
        GradientDescent(0.1).online(STANDARD, losses.squared)
    learner = StochasticGradientDescent(0.1).online(STANDARD, losses.logistic)
    with pytest.raises(ValueError, match="class indices 0 … 1"):
        learner.learn(FEATURES[0], 2)
    with pytest.raises(ValueError, match="needs 3 features"):
        learner.learn([1.0], 1)
    assert learner.state.step == 0


def test_a_state_with_a_part_missing_is_refused():
    arrays = GradientDescent().start(STANDARD).to_arrays()
    del arrays["velocity"]
    with pytest.raises(KeyError, match="velocity"):
        State.from_arrays(arrays)
