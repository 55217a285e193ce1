"""Losses whose outputs all speak of one answer; units; the same formulas run by JAX."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.stats import norm
from tests.problems import LOSSES, outputs_of

from baksan import GradientDescent, Linear, Samples, Stream, fit, losses
from baksan.estimators import LinearRegressor
from baksan.evaluate.totals import totals
from baksan.jaxed import jaxed, with_precision
from baksan.metrics.prediction import PARTS
from baksan.store.card import LossCard, card_of
from baksan.store.model import load_model, save_model

N = 60
_START = np.random.default_rng(5)
Y = _START.normal(3.0, 2.0, N)
W = _START.uniform(0.2, 3.0, N)
LEVELS = (0.16, 0.5, 0.84)
THREE = losses.quantile(*LEVELS)
M_AND_S = np.column_stack([_START.normal(3.0, 2.0, N), _START.normal(0.5, 0.7, N)])
P = _START.normal(3.0, 3.0, (N, 3))
OF_ONE_ANSWER = [losses.gaussian, THREE]
REGRESSION = [loss for loss in LOSSES if loss.task == "regression"]


def outputs(loss):
    return M_AND_S if loss is losses.gaussian else P


def name(value):
    return getattr(value, "name", str(value))


@pytest.fixture
def random():
    return np.random.default_rng(7)


# Gaussian -----------------------------------------------------------------------------------------


def test_gaussian_is_minus_the_logarithm_of_the_normal_density():
    told = losses.gaussian.value(M_AND_S, Y)
    assert_allclose(told, -norm.logpdf(Y, M_AND_S[:, 0], np.exp(M_AND_S[:, 1])), rtol=1e-13)


@pytest.mark.parametrize("loss", OF_ONE_ANSWER, ids=name)
def test_slope_is_the_derivative_of_value_of_each_output(loss):
    p = outputs(loss)
    away = np.abs(p - Y[:, None]).min(axis=1) > 1e-3
    for k in range(p.shape[1]):
        h = np.zeros_like(p)
        h[:, k] = 1e-5
        difference = (loss.value(p + h, Y) - loss.value(p - h, Y)) / 2e-5
        assert_allclose(difference[away], loss.slope(p, Y)[away, k], rtol=2e-6, atol=1e-8)


def test_gaussian_curvature_bounds_the_change_of_slope(random):
    bound = losses.gaussian.curvature(M_AND_S, Y)
    assert bound.shape == M_AND_S.shape
    for _ in range(20):
        h = 1e-5 * random.normal(size=M_AND_S.shape)
        change = losses.gaussian.slope(M_AND_S + h, Y) - losses.gaussian.slope(M_AND_S, Y)
        size, limit = np.linalg.norm(change, axis=1), bound[:, 0] * np.linalg.norm(h, axis=1)
        assert np.all(size <= limit * (1 + 1e-3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gaussian_slopes_stay_finite_and_bring_spreads_back(dtype):
    p = np.array([[0.0, -1e4], [0.0, 1e4], [1e3, -1e4], [0.0, -1e4]], dtype=dtype)
    y = np.array([1.0, 1.0, -1e3, 0.0], dtype=dtype)
    with np.errstate(all="raise", under="ignore"):
        slope = losses.gaussian.slope(p, y)
        assert np.isfinite(losses.gaussian.value(p, y)).all()
        assert np.isfinite(losses.gaussian.curvature(p, y)).all()
        assert np.isfinite(losses.gaussian.read(p)["spread"]).all()
    assert np.isfinite(slope).all() and slope.dtype == dtype
    assert np.all(slope[[0, 2], 1] < 0) and slope[1, 1] > 0


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
def test_the_best_gaussian_is_mean_and_standard_deviation(weight):
    found = losses.gaussian.best_constant(Y, 2, weight)
    mean = np.average(Y, weights=weight)
    spread = np.sqrt(np.average((Y - mean) ** 2, weights=weight))
    assert_allclose(found, [mean, np.log(spread)], rtol=1e-13)

    def q(c):
        return np.average(losses.gaussian.value(np.tile(c, (N, 1)), Y), weights=weight)

    best = minimize(q, [0.0, 0.0], tol=1e-10)
    assert_allclose(found, best.x, rtol=1e-5)
    assert q(found) <= best.fun + 1e-14


def test_a_linear_gaussian_finds_a_spread_that_grows(random):
    """y = 1 + 2x + e^(0.3 + 0.5x) noise: both lines come back within their errors."""
    x = random.uniform(-1.0, 1.0, 20_000)
    y = 1.0 + 2.0 * x + np.exp(0.3 + 0.5 * x) * random.normal(size=len(x))
    X = Samples(x[:, None], y)
    found = fit(Linear(), X, losses.gaussian, GradientDescent(0.3, steps=300, momentum=0.8))
    lines = found.model(np.array([[0.0], [1.0]]))
    assert_allclose(lines[0], [1.0, 0.3], atol=0.05)
    assert_allclose(lines[1] - lines[0], [2.0, 0.5], atol=0.07)
    told = found.predict(X)
    assert_array_equal(told.value, found.model(x[:, None])[:, 0])
    assert_allclose(np.std((y - told.value) / told.spread), 1.0, atol=0.01)
    figures = totals(found.model, X, losses.gaussian).figures
    assert_allclose(figures["rmse"], np.sqrt(np.mean((y - told.value) ** 2)), rtol=1e-10)
    assert_allclose(figures["loss"], found.loss, rtol=1e-12)


# Several levels -----------------------------------------------------------------------------------


def test_several_levels_cost_the_sum_of_single_ones():
    p = outputs(THREE)
    single = [losses.quantile(level) for level in LEVELS]
    costs = [one.value(p[:, k], Y) for k, one in enumerate(single)]
    assert_allclose(THREE.value(p, Y), np.sum(costs, axis=0), rtol=1e-14)
    slopes = [one.slope(p[:, k], Y) for k, one in enumerate(single)]
    assert_array_equal(THREE.slope(p, Y), np.column_stack(slopes))
    for w in (None, W):
        best = [one.best_constant(Y, 1, w)[0] for one in single]
        assert_array_equal(THREE.best_constant(Y, 3, w), best)
    assert_array_equal(THREE.curvature(p, Y), 0.0)


def test_quantiles_are_read_in_order():
    told = THREE.read(np.array([[1.0, 2.0, 3.0], [5.0, 9.0, 4.0]]))
    assert_array_equal(told["quantiles"], [[1.0, 2.0, 3.0], [4.0, 5.0, 9.0]])
    assert_array_equal(told["value"], [2.0, 5.0])
    assert_array_equal(told["levels"], LEVELS)


def test_the_value_is_the_quantile_at_a_half():
    two = losses.quantile(0.4, 0.8).read(np.array([[0.0, 4.0]]))
    assert_allclose(two["value"], 1.0)
    high = losses.quantile(0.9, 0.95).read(np.array([[0.0, 4.0]]))
    assert_allclose(high["value"], 0.0)


def test_a_linear_model_of_quantiles_covers_what_they_say(random):
    x = random.uniform(-1.0, 1.0, 4_000)
    y = x + (1.2 + x) * random.normal(size=len(x))
    found = fit(Linear(), Samples(x[:, None], y), THREE, GradientDescent(steps=2_000, average=True))
    told = found.predict(x[:, None])
    below = (y[:, None] < told.quantiles).mean(axis=0)
    assert_allclose(below, LEVELS, atol=0.01)
    assert_array_equal(told.value, told.quantiles[:, 1])


# Units --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [*REGRESSION, THREE], ids=name)
def test_the_cost_grows_with_the_unit_by_its_degree(loss):
    p = P if loss is THREE else P[:, 0]
    wide = losses.huber(100 * loss.setting) if loss.name == "huber" else loss
    assert_allclose(
        wide.value(100.0 * p, 100.0 * Y), 100.0**loss.degree * loss.value(p, Y), rtol=1e-12
    )


def test_a_unit_of_a_gaussian_only_adds_its_logarithm():
    p = M_AND_S * [100.0, 1.0] + [0.0, np.log(100.0)]
    told = losses.gaussian.value(p, 100.0 * Y) - np.log(100.0)
    assert_allclose(told, losses.gaussian.value(M_AND_S, Y), rtol=1e-12)
    assert losses.gaussian.degree == 0 == losses.logistic.degree == losses.softmax.degree


def test_scales_are_the_spread_of_the_answers():
    mean = np.average(Y, weights=W)
    spread = np.sqrt(np.average((Y - mean) ** 2, weights=W))
    for loss in REGRESSION:
        assert_allclose(loss.scale(Y, 1), [Y.std()], rtol=1e-13)
        assert_allclose(loss.scale(Y, 1, W), [spread], rtol=1e-13)
        assert_allclose(loss.scale(np.c_[Y, 5 * Y], 2, W), [spread, 5 * spread], rtol=1e-13)
    assert_allclose(THREE.scale(Y, 3, W), [spread] * 3, rtol=1e-13)
    assert_allclose(losses.gaussian.scale(1e6 * Y, 2, W), [1e6 * spread, 1.0], rtol=1e-13)
    classes = np.arange(N) % 3
    assert_array_equal(losses.softmax.scale(classes, 3, W), [1.0] * 3)
    assert_array_equal(losses.logistic.scale(classes % 2, 1), [1.0])


def test_answers_that_do_not_vary_have_scale_one():
    same = np.full(N, 0.1)
    assert losses.squared.scale(same, 1, W) == 1.0
    assert_allclose(losses.squared.scale(np.c_[same, Y], 2), [1.0, Y.std()], rtol=1e-14)
    assert_allclose(losses.gaussian.best_constant(same, 2, W), [0.1, 0.0], atol=1e-15)
    other = np.r_[same, 7.0]
    assert losses.squared.scale(other, 1, np.r_[W, 0.0]) == 1.0
    assert losses.squared.scale(np.array([1, 3], dtype=np.uint8), 1) == 1.0


@pytest.mark.parametrize("loss", OF_ONE_ANSWER, ids=name)
def test_an_estimator_predicts_the_value(random, loss):
    x = random.normal(size=(300, 2))
    y = x @ [1.0, -2.0] + random.normal(size=300)
    line = LinearRegressor("minibatch", loss).fit(x, y)
    assert line.coef_.shape == (loss.least_outputs, 2)
    told = loss.read(line.model_(x))["value"]
    assert_array_equal(line.predict(x), told)
    assert np.corrcoef(told, y)[0, 1] > 0.8
    assert LinearRegressor("minibatch", loss).partial_fit(x, y).predict(x).shape == (300,)


# Where the losses are named -----------------------------------------------------------------------


def test_losses_with_several_outputs_go_through_the_card():
    for loss in (losses.gaussian, THREE, losses.quantile(0.9), losses.huber(2.0)):
        card = LossCard(name=loss.name, setting=loss.setting)
        back = LossCard.model_validate_json(card.model_dump_json())
        assert back == card
        known = losses.by_name(back.name, back.setting)
        assert (known.name, known.setting) == (loss.name, loss.setting)


@pytest.mark.parametrize("loss", OF_ONE_ANSWER, ids=name)
def test_a_model_file_predicts_what_the_fit_does(tmp_path, random, loss):
    X = Samples(random.normal(size=(N, 2)), Y)
    found = fit(Linear(), X, loss, GradientDescent(0.01, steps=5))
    path = save_model(tmp_path / "line", found.model, card_of(found))
    told, known = load_model(path).predict(X.x), found.predict(X)
    for part in PARTS:
        assert_array_equal(getattr(told, part), getattr(known, part))
    other = LossCard(name="quantile", setting=(0.1, 0.3, 0.5, 0.7))
    forged = card_of(found).model_copy(update={"loss": other})
    with pytest.raises(ValueError, match="quantile needs one answer an event and 4 outputs"):
        load_model(save_model(tmp_path / "forged", found.model, forged)).predict(X.x)


@pytest.mark.parametrize("setting", ["0.5", True, [0.5, None], [[0.5]], ["0.1"], {"a": 1}])
def test_a_card_with_another_setting_is_refused(setting):
    with pytest.raises(ValueError, match="setting"):
        LossCard.model_validate({"name": "quantile", "setting": setting})


def test_a_stream_begins_at_the_best_constant_of_its_sample(random):
    X = Samples(random.normal(size=(N, 2)), Y)
    found = fit(Linear(), Stream(lambda: [X]), losses.gaussian, GradientDescent(1e-9, steps=1))
    assert_allclose(found.model(X.x)[0], losses.gaussian.best_constant(Y, 2), rtol=1e-6)


SENTENCES = [
    (lambda: losses.quantile(), "needs rising levels"),
    (lambda: losses.quantile(0.5, 0.2), r"needs rising levels.*\(0.5, 0.2\) came"),
    (lambda: losses.quantile(0.5, 0.5), "needs rising levels"),
    (lambda: losses.quantile(0.5, 1.0), "between 0 and 1, as in .*; 1.0 came"),
    (lambda: losses.by_name("gaussian", 1.0), "only huber and quantile have a setting"),
    (lambda: losses.by_name("huber", (1.0, 2.0)), "huber one number; huber was given"),
    (lambda: losses.by_name("huber", ()), "huber one number; huber was given"),
    (lambda: losses.by_name("quantile", ()), "needs rising levels"),
    (lambda: losses.gaussian.outputs(np.c_[Y, Y], 0), "one answer an event and 2 outputs.*2 and 2"),
    (lambda: THREE.targets(Y, 2), "one answer an event and 3 outputs for it; 1 and 2 came"),
    (lambda: losses.gaussian.value(Y, Y), "2 outputs for it; 1 and 1 came"),
    (lambda: losses.gaussian.read(Y), "2 outputs for it; 1 and 1 came"),
    (lambda: THREE.read(M_AND_S), "3 outputs for it; 1 and 2 came"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "sentence"), SENTENCES)
def test_each_mistake_has_its_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_outputs_and_targets_of_one_answer():
    assert losses.gaussian.outputs(Y, 0) == 2 and THREE.outputs(Y, 0) == 3
    assert_array_equal(THREE.targets(Y, 3), np.tile(Y[:, None], 3))


# The same lines run by JAX ------------------------------------------------------------------------


JAXED = [(loss, k) for loss in [*LOSSES, losses.zero_one] for k in outputs_of(loss)]


@pytest.mark.parametrize(("loss", "k"), [*JAXED, (losses.gaussian, 2), (THREE, 3)], ids=name)
def test_jax_runs_the_formulas(random, loss, k):
    jax = pytest.importorskip("jax")
    p = M_AND_S if loss is losses.gaussian else random.normal(size=(N, k) if k > 1 else N)
    y = random.integers(0, max(k, 2), N) if loss.task == "classification" else Y
    if loss.task == "regression" and loss.least_outputs == 1 and k > 1:
        y = random.normal(size=(N, k))
    p, t = loss._aligned(p, y)
    setting = () if loss.setting is None else (loss.setting,)
    formulas = [loss.cost, loss.slope_of, *([loss.bend] if callable(loss.bend) else [])]
    with with_precision(np.float64):
        for formula in formulas:
            theirs = jaxed(formula)
            found = jax.jit(lambda p, t, run=theirs: run(p, t, *setting))(p, np.asarray(t))
            assert found.dtype == np.float64
            assert_allclose(np.asarray(found), formula(p, t, *setting), rtol=1e-12, atol=1e-12)
        if loss.descendable:
            total = jax.grad(lambda p: jaxed(loss.cost)(p, t, *setting).sum())
            assert_allclose(total(p), loss.slope(p, y), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", [losses.gaussian, losses.quantile(0.2, 0.8)], ids=name)
def test_jax_stays_in_single_precision(loss):
    jnp = pytest.importorskip("jax.numpy")
    p, t = jnp.asarray(M_AND_S, jnp.float32), jnp.asarray(loss.targets(Y, 2), jnp.float32)
    setting = () if loss.setting is None else (loss.setting,)
    found = jaxed(loss.slope_of)(p, t, *setting)
    assert found.dtype == np.float32
    assert_allclose(found, loss.slope(M_AND_S, Y), rtol=2e-4, atol=1e-5)
