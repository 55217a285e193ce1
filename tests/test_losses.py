"""Losses: known answers, a second opinion for each formula, and the sentences for bad input."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import metrics

from baksan import L1, L2, Q, Samples, Stream, losses

P = np.array([-2.0, -0.5, 0.0, 0.3, 1.0, 2.5])
Y = np.array([0, 1, 1, 0, 1, 1])
T = 2.0 * Y - 1.0
ANSWERS = np.array([-1.0, -0.5, 2.0, 0.1, 1.5, -4.0])


@pytest.mark.parametrize(
    ("loss", "cost"),
    [
        (losses.squared, [1.0, 0.0, 4.0, 0.04, 0.25, 42.25]),
        (losses.absolute, [1.0, 0.0, 2.0, 0.2, 0.5, 6.5]),
        (losses.huber(1.0), [1.0, 0.0, 3.0, 0.04, 0.25, 12.0]),
        (losses.quantile(0.9), [0.9, 0.0, 1.8, 0.02, 0.45, 0.65]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_regression_costs_by_hand(loss, cost):
    assert_allclose(loss.value(P, ANSWERS), cost, rtol=1e-14)


@pytest.mark.parametrize(
    ("loss", "cost"),
    [
        (losses.margin, [-2.0, 0.5, 0.0, 0.3, -1.0, -2.5]),
        (losses.perceptron, [0.0, 0.5, 0.0, 0.3, 0.0, 0.0]),
        (losses.hinge, [0.0, 1.5, 1.0, 1.3, 0.0, 0.0]),
        (losses.squared_hinge, [0.0, 2.25, 1.0, 1.69, 0.0, 0.0]),
        (losses.squared_margin, [1.0, 2.25, 1.0, 1.69, 0.0, 2.25]),
        (losses.logistic, [math.log1p(math.exp(-t * p)) for t, p in zip(T, P, strict=True)]),
        (losses.exponential, [math.exp(-t * p) for t, p in zip(T, P, strict=True)]),
        (losses.zero_one, [0.0, 1.0, 1.0, 1.0, 0.0, 0.0]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_classification_costs_by_hand(loss, cost):
    assert_allclose(loss.value(P, Y), cost, rtol=1e-14)


def test_a_second_opinion_from_scikit_learn():
    X = Samples(P[:, None], Y, np.arange(1.0, 7.0), class_names=("b", "s"))
    R = Samples(P[:, None], ANSWERS, np.arange(1.0, 7.0))

    def a(x):
        return x[:, 0]

    w = {"sample_weight": X.weight}
    assert_allclose(Q(a, X, losses.hinge), metrics.hinge_loss(Y, P, **w))
    signal = losses.logistic.probability(P)
    assert_allclose(Q(a, X, losses.logistic), metrics.log_loss(Y, signal, **w))
    assert_allclose(Q(a, X, losses.zero_one), metrics.zero_one_loss(Y, P > 0, **w))
    assert_allclose(Q(a, R, losses.squared), metrics.mean_squared_error(ANSWERS, P, **w))
    assert_allclose(Q(a, R, losses.absolute), metrics.mean_absolute_error(ANSWERS, P, **w))
    pinball = metrics.mean_pinball_loss(ANSWERS, P, alpha=0.2, **w)
    assert_allclose(Q(a, R, losses.quantile(0.2)), pinball)


def test_softmax_is_the_cross_entropy_and_two_classes_are_logistic():
    p = np.random.default_rng(0).normal(size=(20, 3)) * 5
    y = np.arange(20) % 3
    assert_allclose(
        losses.softmax.value(p, y), -np.log(losses.softmax.probability(p)[range(20), y])
    )
    assert_allclose(
        losses.softmax.value(p[:, :2], y % 2), losses.logistic.value(p[:, 1] - p[:, 0], y % 2)
    )


@pytest.mark.parametrize("loss", [losses.logistic, losses.softmax], ids=["logistic", "softmax"])
def test_no_overflow_and_full_precision_far_out(loss):
    p = np.array([-1000.0, 1000.0, -40.0, 40.0])
    y = np.array([1, 1, 1, 1])
    if loss is losses.softmax:
        p = np.column_stack([np.zeros(4), p])
    with np.errstate(over="raise", invalid="raise"):
        assert_allclose(loss.value(p, y)[:3], [1000.0, 0.0, 40.0], rtol=1e-14)
        slope = loss.slope(p, y)
    if loss is losses.logistic:
        assert_allclose(loss.value(p, y)[3], math.exp(-40), rtol=1e-12)
        assert_allclose(slope, [-1.0, 0.0, -1.0, -math.exp(-40)], rtol=1e-12, atol=1e-300)
    assert np.isfinite(slope).all()


def test_one_against_the_rest_adds_up_the_outputs():
    p = np.array([[1.0, -2.0, 0.5], [0.0, 0.3, -1.0]])
    y = np.array([2, 0])
    t = np.array([[-1.0, -1.0, 1.0], [1.0, -1.0, -1.0]])
    assert_array_equal(losses.hinge.targets(y, 3), t)
    assert_allclose(losses.hinge.value(p, y), np.maximum(0, 1 - t * p).sum(axis=1))
    assert losses.hinge.slope(p, y).shape == p.shape
    assert_array_equal(losses.zero_one.value(p, y), [1.0, 1.0])
    assert_array_equal(losses.zero_one.value(p, np.array([0, 1])), [0.0, 0.0])


def test_probabilities_are_those_that_minimise_the_expected_cost():
    """argmin_p η cost(p, 1) + (1 − η) cost(p, −1) has probability(p) = η."""
    p = np.linspace(-3, 3, 600_001)
    for loss in (losses.logistic, losses.exponential, losses.squared_hinge, losses.squared_margin):
        for share in (0.1, 0.5, 0.8):
            ones = np.ones(len(p), dtype=int)
            expected = share * loss.value(p, ones) + (1 - share) * loss.value(p, 0 * ones)
            assert_allclose(loss.probability(p[[expected.argmin()]]), share, atol=1e-5)


def test_outputs():
    assert losses.squared.outputs(np.zeros(4), 0) == 1
    assert losses.squared.outputs(np.zeros((4, 2)), 0) == 2
    assert losses.logistic.outputs(Y, 2) == 1
    assert losses.softmax.outputs(Y, 2) == 2
    assert losses.logistic.outputs(Y, 5) == losses.softmax.outputs(Y, 5) == 5


def test_perceptron_and_quantile_slopes_at_their_kinks():
    assert_array_equal(losses.perceptron.slope(np.zeros(2), np.array([0, 1])), [1.0, -1.0])
    assert_allclose(losses.quantile(0.3).slope(np.zeros(1), np.zeros(1)), 0.2)


def test_best_constants_by_hand():
    y, w = np.array([0.0, 1.0, 10.0]), np.array([1.0, 1.0, 3.0])
    assert_allclose(losses.squared.best_constant(y, 1, w), 31 / 5)
    assert_allclose(losses.absolute.best_constant(y, 1), 1.0)
    assert_allclose(losses.absolute.best_constant(y, 1, w), 10.0)
    assert_allclose(losses.quantile(0.1).best_constant(np.arange(100.0), 1), 9.0)
    assert_allclose(losses.huber(1e9).best_constant(y, 1), y.mean(), rtol=1e-12)
    assert_allclose(losses.huber(1e-9).best_constant(y, 1), 1.0, rtol=1e-8)
    assert_allclose(losses.logistic.best_constant(Y, 1), math.log(4 / 2))
    assert_allclose(losses.logistic.best_constant(Y, 1, Y + 0.5), math.log(6 / 1))
    assert_allclose(losses.exponential.best_constant(Y, 1), math.log(4 / 2) / 2)
    assert_allclose(losses.hinge.best_constant(Y, 1), 1.0)
    for loss in (losses.logistic, losses.exponential, losses.softmax):
        only = loss.best_constant(np.zeros(3, dtype=int), 2 if loss is losses.softmax else 1)
        assert np.isfinite(only).all()


def test_what_the_outputs_say():
    read = losses.logistic.read(P)
    assert_array_equal(read["score"], P)
    assert_allclose(read["probability"].sum(axis=1), 1.0)
    assert_allclose(read["probability"][:, 1], 1 / (1 + np.exp(-P)))
    assert_array_equal(losses.squared.read(P)["value"], P)
    assert "probability" not in losses.hinge.read(P)
    p = np.random.default_rng(0).normal(size=(5, 3))
    for loss in (losses.softmax, losses.logistic, losses.squared_margin):
        assert_allclose(loss.read(p)["probability"].sum(axis=1), 1.0)
        order = np.argsort(loss.read(p)["score"], axis=1)
        assert_array_equal(order, np.argsort(p, axis=1))
    assert_array_equal(losses.logistic.read(p)["score"], p)
    assert_allclose(losses.squared_margin.read(np.full((1, 4), -2.0))["probability"], 0.25)
    two = losses.softmax.read(p[:, :2])
    assert_allclose(two["score"], p[:, 1] - p[:, 0])
    assert_allclose(two["probability"][:, 1], 1 / (1 + np.exp(-two["score"])))


def test_penalties():
    w = np.array([3.0, -4.0])
    assert L2(0.5).value(w) == 0.5 * 25 / 2
    assert L1(0.5).value(w) == 0.5 * 7
    for penalty in (L1, L2):
        for wrong in (-1.0, math.inf, math.nan):
            with pytest.raises(ValueError, match=f"{penalty.__name__} must be 0 or more"):
                penalty(wrong)


def test_single_precision_stays_single():
    p = P.astype(np.float32)
    for loss in (losses.squared, losses.hinge, losses.logistic, losses.huber(1.0)):
        y = Y if loss.task == "classification" else ANSWERS.astype(np.float32)
        assert_allclose(loss.value(p, y), loss.value(P, y.astype(float)), rtol=1e-5)


def test_by_name():
    for name, loss in losses.LOSSES.items():
        assert losses.by_name(name) is loss
        assert loss.name == name
    assert losses.by_name("huber", 2.0).setting == 2.0
    assert losses.by_name("quantile", 0.9).setting == 0.9


SENTENCES = [
    (lambda: losses.by_name("cauchy"), KeyError, "no loss 'cauchy'; there are squared, absolute"),
    (lambda: losses.by_name("squared", 0.3), ValueError, "only huber and quantile have a setting"),
    (lambda: losses.huber(0.0), ValueError, "positive width delta; it is 0"),
    (lambda: losses.huber(math.nan), ValueError, "positive width delta; it is nan"),
    (lambda: losses.quantile(1.0), ValueError, "levels between 0 and 1, as in .*; 1.0 came"),
    (lambda: losses.hinge.value(P, np.arange(6)), ValueError, "class indices 0 … 1.*from 0 to 5"),
    (lambda: losses.hinge.value(P, Y - 1), ValueError, "class indices 0 … 1.*from -1 to 0"),
    (lambda: losses.hinge.value(P, Y + 0.5), ValueError, "class indices 0 … 1"),
    (lambda: losses.hinge.value(P, np.c_[Y, Y]), ValueError, r"one a row; y has shape \(6, 2\)"),
    (lambda: losses.squared.value(P, ANSWERS[:4]), ValueError, r"differ in shape: \(6,\) against"),
    (lambda: losses.softmax.value(P, Y), ValueError, "softmax needs one output for each class"),
    (lambda: losses.zero_one.slope(P, Y), ValueError, "a solver cannot descend the zero_one loss"),
    (lambda: losses.squared.check_task("classification"), ValueError, "Take one of margin, perc"),
    (lambda: losses.hinge.check_task("regression"), ValueError, "Take one of squared, absolute"),
    (lambda: Q(lambda x: x[:, 0], Samples([[1.0]]), losses.squared), ValueError, "answers y are"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "sentence"), SENTENCES)
def test_each_mistake_has_its_sentence(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()


def test_softmax_scores_compare_between_events():
    p = np.random.default_rng(3).normal(size=(50, 4))
    shift = np.random.default_rng(4).normal(size=(50, 1), scale=10.0)
    told, shifted = losses.softmax.read(p), losses.softmax.read(p + shift)
    np.testing.assert_allclose(told["score"], np.log(told["probability"]), rtol=1e-12)
    np.testing.assert_allclose(shifted["score"], told["score"], rtol=1e-9, atol=1e-12)


def test_q_of_no_event_that_counts():
    X = Samples(np.ones((2, 1)), np.ones(2))
    light = X.with_parts(weight=np.zeros(2))
    for events, came in (
        (light, "events whose weights sum to more than 0; the weights sum to 0"),
        (
            Stream(lambda: [light]),
            "events whose weights sum to more than 0; the weights sum to 0",
        ),
        (X.rows(slice(0, 0)), "events whose weights sum to more than 0; the samples are empty"),
    ):
        with pytest.raises(ValueError, match=f"Q needs {came}"):
            Q(lambda x: x[:, 0], events, losses.squared)


@pytest.mark.parametrize("loss", [losses.logistic, losses.squared_margin, losses.exponential])
def test_a_score_that_is_nan_has_no_probability(loss):
    nan, low = np.nan, -5.0  # no class is likely at all: each as likely as the others
    told = loss.read(np.array([nan, 0.3]))["probability"]
    assert np.isnan(told).tolist() == [[True] * 2, [False] * 2]
    several = loss.read(np.array([[nan, 0.3, 1.0], [0.1, 0.3, 1.0], [low, low, low]]))
    assert np.isnan(several["probability"]).tolist() == [[True] * 3, [False] * 3, [False] * 3]
    assert_allclose(several["probability"][2], 1 / 3)


def test_softmax_of_nan_is_nan():
    told = losses.softmax.read(np.array([[np.nan, 0.3, 1.0], [0.1, 0.3, 1.0]]))
    assert np.isnan(told["probability"]).tolist() == [[True] * 3, [False] * 3]
