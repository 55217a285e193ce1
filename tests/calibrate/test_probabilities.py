"""Calibrated probabilities are the shares that happen; calibrators are functions made of arrays."""

from dataclasses import fields, replace

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from baksan import Prediction, Samples
from baksan.calibrate import Isotonic, Sigmoid, Temperature, calibrate, from_arrays
from baksan.metrics import auc, ece, log_loss

WAYS = ["isotonic", "sigmoid", "temperature"]
NAMES = ("background", "signal")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    raised = np.exp(z - z.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def samples(y, weight=None, names=NAMES):
    return Samples(np.zeros((len(y), 1)), y, weight, class_names=names)


def two(n=20_000, seed=0, steep=3.0):
    """True probabilities, and a prediction that is `steep` times as sure."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-0.5, 1.5, n)
    y = (rng.random(n) < sigmoid(z)).astype(int)
    p = sigmoid(steep * z)
    told = Prediction(score=steep * z, probability=np.column_stack([1 - p, p]))
    return sigmoid(z), told, y


def three(n=20_000, seed=0, steep=2.5):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 3)) * [1.0, 1.5, 0.7]
    p = softmax(z)
    y = (rng.random(n)[:, None] > np.cumsum(p, axis=1)).sum(axis=1)
    return p, Prediction(score=steep * z, probability=softmax(steep * z)), y


# What they find -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", WAYS)
def test_a_score_that_is_too_sure_is_brought_to_the_truth(how):
    truth, sure, y = two()
    calibrated = calibrate(sure, samples(y), how)
    truth, sure, y = two(seed=1)  # events that it has not seen
    p = calibrated(sure).probability
    assert np.abs(p[:, 1] - truth).mean() < 0.015
    assert np.abs(sure.probability[:, 1] - truth).mean() > 0.08
    assert ece(p, y) < 0.02 < 0.05 < ece(sure.probability, y)
    assert log_loss(p, y) < log_loss(sure.probability, y)
    assert p.sum(axis=1) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("how", WAYS)
def test_several_classes_are_brought_to_the_truth(how):
    _, sure, y = three()
    calibrated = calibrate(sure, samples(y, names=("p", "He", "Fe")), how)
    truth, sure, y = three(seed=1)
    p = calibrated(sure).probability
    limit = (
        0.006 if how == "temperature" else 0.12
    )  # one against the rest knows one score at a time
    assert np.abs(p - truth).mean() < limit
    assert log_loss(p, y) < log_loss(sure.probability, y)
    assert p.sum(axis=1) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("make", [two, three])
def test_the_temperature_is_how_much_too_sure_the_scores_are(make):
    _, sure, y = make(n=50_000)
    names = NAMES if make is two else ("p", "He", "Fe")
    found = calibrate(sure, samples(y, names=names), "temperature")
    assert found.temperature[0] == pytest.approx(3.0 if make is two else 2.5, rel=0.03)


@pytest.mark.parametrize("make", [two, three])
def test_temperature_changes_neither_labels_nor_auc(make):
    _, sure, y = make(n=2000)
    names = NAMES if make is two else ("p", "He", "Fe")
    after = calibrate(sure, samples(y, names=names), "temperature")(sure)
    assert np.array_equal(after.label, sure.label)
    assert auc(after.score, y) == auc(sure.score, y)
    assert np.array_equal(after.probability.argmax(axis=1), sure.probability.argmax(axis=1))
    if make is two:
        assert auc(after.probability[:, 1], y) == pytest.approx(auc(sure.score, y), abs=1e-12)


def test_isotonic_rises_and_is_the_mean_of_what_happened_where_it_is_level():
    _, sure, y = two(n=3000)
    found = calibrate(sure, samples(y), "isotonic")
    order = np.argsort(sure.score)
    p = found(sure).probability[order, 1]
    assert np.all(np.diff(p) >= 0) and p[0] >= 0 and p[-1] <= 1
    for level in np.unique(p)[::10]:
        assert y[order][p == level].mean() == pytest.approx(level, abs=1e-12)


def test_beyond_all_scores_isotonic_is_constant():
    _, sure, y = two(n=500)
    found = calibrate(sure, samples(y), "isotonic")
    ends = Prediction(score=[sure.score.min(), sure.score.max(), -1e9, 1e9])
    p = found(ends).probability[:, 1]
    assert p[2:].tolist() == p[:2].tolist()


def test_scores_that_float32_has_rounded_to_certainty_are_still_told_apart():
    rng = np.random.default_rng(0)
    z = rng.normal(0, 1, 4000)
    y = (rng.random(4000) < sigmoid(z)).astype(int)
    s = (40 * z).astype(np.float32)
    p = sigmoid(s.astype(float)).astype(np.float32)
    sure = Prediction(score=s, probability=np.column_stack([1 - p, p]))
    found = calibrate(sure, samples(y), "temperature")
    assert (p == 1).mean() > 0.1
    assert found.temperature[0] == pytest.approx(40, rel=0.1)
    assert np.abs(found(sure).probability[:, 1] - sigmoid(z)).max() < 0.05


def test_temperature_is_of_the_probabilities_where_scores_are_no_log_odds():
    _, sure, y = two(n=20_000)
    other = replace(sure, score=np.tanh(sure.score))
    a, b = (calibrate(p, samples(y), "temperature") for p in (sure, other))
    assert (a.of_score[0], b.of_score[0]) == (1, 0)
    assert a.temperature[0] == pytest.approx(b.temperature[0], rel=1e-3)


# Second opinions ----------------------------------------------------------------------------------


class Told(LogisticRegression):
    """A classifier that says the scores it is given."""

    def decision_function(self, x):
        return x[:, 0] if self.classes_.size == 2 else x


def theirs(how, s, y):
    x = s.reshape(len(s), -1)
    model = Told().fit(x, y)
    return CalibratedClassifierCV(FrozenEstimator(model), method=how).fit(x, y).predict_proba(x)


@pytest.mark.parametrize("make", [two, three])
@pytest.mark.parametrize(("how", "within"), [("isotonic", 1e-12), ("sigmoid", 2e-3)])
def test_scikit_learn_finds_the_same(make, how, within):
    """Its sigmoid has Platt's smoothed targets, which fade as 1/n."""
    _, sure, y = make(n=3000)
    names = NAMES if make is two else ("p", "He", "Fe")
    p = calibrate(sure, samples(y, names=names), how)(sure).probability
    assert p == pytest.approx(theirs(how, sure.score, y), abs=within)


def test_the_sigmoid_is_logistic_regression_on_the_score():
    _, sure, y = two(n=2000)
    w = np.random.default_rng(0).random(len(y))
    found = calibrate(sure, samples(y, w), "sigmoid")
    line = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000)
    line.fit(sure.score[:, None], y, sample_weight=w)
    assert found.slope[0] == pytest.approx(line.coef_[0, 0], rel=1e-5)
    assert found.offset[0] == pytest.approx(line.intercept_[0], rel=1e-4)


def test_scipy_pools_the_same_neighbours():
    from scipy.optimize import isotonic_regression

    _, sure, y = two(n=2000)
    w = np.random.default_rng(0).random(len(y)) + 0.1
    order = np.argsort(sure.score)
    p = calibrate(sure, samples(y, w), "isotonic")(sure).probability[order, 1]
    assert p == pytest.approx(isotonic_regression(y[order], weights=w[order]).x, abs=1e-9)


# Laws ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("make", [two, three])
def test_an_event_of_weight_two_is_the_event_twice(how, make):
    _, sure, y = make(n=600)
    names = NAMES if make is two else ("p", "He", "Fe")
    times = np.random.default_rng(3).integers(0, 4, len(y))
    rows = np.repeat(np.arange(len(y)), times)
    weighted = calibrate(sure, samples(y, times.astype(float), names), how)(sure)
    repeated = calibrate(sure.take(rows), samples(y[rows], names=names), how)(sure)
    assert weighted.probability == pytest.approx(repeated.probability, abs=1e-8)


@pytest.mark.parametrize("how", WAYS)
def test_the_scale_of_the_weights_does_not_matter(how):
    _, sure, y = two(n=600)
    w = np.random.default_rng(3).random(len(y))
    a, b = (calibrate(sure, samples(y, k * w), how)(sure).probability for k in (1.0, 1e-12))
    assert a == pytest.approx(b, abs=1e-9)


@pytest.mark.parametrize("how", WAYS)
def test_what_is_calibrated_stays_calibrated(how):
    _, sure, y = two(n=3000)
    once = calibrate(sure, samples(y), how)(sure)
    as_score = np.log(np.clip(once.probability, 1e-15, 1))
    again = replace(once, score=as_score[:, 1] - as_score[:, 0])
    twice = calibrate(again, samples(y), how)(again)
    assert twice.probability == pytest.approx(once.probability, abs=1e-6)


@pytest.mark.parametrize("how", WAYS)
def test_only_probabilities_change(how):
    _, sure, y = two(n=600)
    sure = replace(sure, threshold=0.7)
    after = calibrate(sure, samples(y), how)(sure)
    assert after.score is not None and after.threshold == 0.7
    assert np.array_equal(after.score, sure.score) and np.array_equal(after.label, sure.label)


def test_a_user_s_own_isotonic_regression_is_the_same_function():
    _, sure, y = two(n=1000)
    w = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    s = np.round(sure.score, 1)  # with ties
    found = calibrate(Prediction(score=s), samples(y, w), "isotonic")
    own = IsotonicRegression(out_of_bounds="clip").fit(s, y, sample_weight=w)
    new = np.linspace(-9, 9, 301)
    p = found(Prediction(score=new)).probability[:, 1]
    assert p == pytest.approx(own.predict(new), abs=1e-12)


# Files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("make", [two, three])
def test_arrays_there_and_back_are_the_same_function(how, make):
    _, sure, y = make(n=600)
    names = NAMES if make is two else ("p", "He", "Fe")
    found = calibrate(sure, samples(y, names=names), how)
    again = from_arrays(found.how, found.to_arrays())
    assert type(again) is type(found)
    assert np.array_equal(again(sure).probability, found(sure).probability)


GOOD = {
    "sigmoid": {"slope": [1.0], "offset": [0.0]},
    "isotonic": {"corners": [2.0], "score": [0.0, 1.0], "height": [0.1, 0.9]},
    "temperature": {"temperature": [2.0], "outputs": [3.0], "of_score": [1.0]},
}


@pytest.mark.parametrize(
    ("how", "change", "said"),
    [
        ("platt", {}, "not known"),
        ("sigmoid", {"slope": None}, "needs the arrays"),
        ("sigmoid", {"more": [1.0]}, "needs the arrays"),
        ("sigmoid", {"slope": [np.nan]}, "finite numbers"),
        ("sigmoid", {"slope": [[1.0]]}, "one row"),
        ("sigmoid", {"slope": ["a"]}, "finite numbers"),
        ("sigmoid", {"slope": [], "offset": []}, "one row for two classes"),
        ("sigmoid", {"slope": [1.0, 1.0]}, "two classes"),
        ("sigmoid", {"offset": [1.0, 2.0, 3.0]}, "as many"),
        ("isotonic", {"corners": [3.0]}, "corners must count"),
        ("isotonic", {"corners": [1.5]}, "corners must count"),
        ("isotonic", {"corners": [3.0, -2.0, 1.0]}, "corners must count"),
        ("isotonic", {"corners": [1e18]}, "corners must count"),
        ("isotonic", {"score": [1.0, 0.0]}, "must rise"),
        ("isotonic", {"height": [0.9, 0.1]}, "must rise"),
        ("isotonic", {"height": [0.9, 1.1]}, "0 … 1"),
        ("temperature", {"temperature": [0.0]}, "above 0"),
        ("temperature", {"outputs": [2.5]}, "2 or more"),
        ("temperature", {"of_score": [2.0]}, "0 or 1"),
        ("temperature", {"temperature": [1.0, 2.0]}, "single numbers"),
    ],
)
def test_forged_arrays_are_refused_in_a_sentence(how, change, said):
    held = {**GOOD.get(how, {}), **change}
    arrays = {k: np.array(v) for k, v in held.items() if v is not None}
    with pytest.raises(ValueError, match=said):
        from_arrays(how, arrays)


@pytest.mark.parametrize("how", GOOD)
def test_what_is_not_forged_is_taken(how):
    arrays = {k: np.array(v) for k, v in GOOD[how].items()}
    assert sorted(arrays) == sorted(f.name for f in fields(from_arrays(how, arrays)))


# Refusals -----------------------------------------------------------------------------------------


def test_unknown_ways_and_other_classes_are_refused():
    _, sure, y = two(n=100)
    with pytest.raises(ValueError, match="'platt' is not one"):
        calibrate(sure, samples(y), "platt")
    with pytest.raises(ValueError, match="speaks of 2 classes, the events of 3"):
        calibrate(sure, samples(y, names=("p", "He", "Fe")))
    with pytest.raises(ValueError, match="is of 2 classes; the prediction speaks of 3"):
        calibrate(sure, samples(y))(three(n=10)[1])


@pytest.mark.parametrize("how", WAYS)
def test_numbers_lengths_missing_classes_and_negative_weights_are_refused(how):
    _, sure, y = two(n=100)
    with pytest.raises(ValueError, match="probabilities belong to classes"):
        calibrate(Prediction(value=np.zeros(100)), samples(y), how)
    with pytest.raises(ValueError, match="speaks of 100 events, the samples hold 99"):
        calibrate(sure, samples(y[:99]), how)
    with pytest.raises(ValueError, match="of class 1"):
        calibrate(sure, samples(np.zeros(100, int)), how)
    w = np.ones(100)
    w[7] = -0.5
    with pytest.raises(ValueError, match=r"weights of 0 or more; the lowest is -0\.5"):
        calibrate(sure, samples(y, w), how)


@pytest.mark.parametrize("scores", [[-2, -1, 1, 2], [-2, 0, 0, 2], [2, 1, -1, -2], [1, 1, 1, 1]])
def test_scores_fully_apart_or_all_alike_have_no_sigmoid(scores):
    with pytest.raises(ValueError, match="scores of both classes that overlap"):
        calibrate(Prediction(score=scores), samples([0, 0, 1, 1]), "sigmoid")


def with_outlier(seed, truth):
    rng = np.random.default_rng(seed)
    s, y = rng.normal(size=100), rng.integers(0, 2, 100)
    y[7] = truth
    return Prediction(score=np.where(np.arange(100) == 7, 1e9, s + 2 * y)), y


@pytest.mark.parametrize("seed", range(1, 20, 2))
def test_an_outlier_on_the_right_side_hides_nothing(seed):
    scores, y = with_outlier(seed, 1)
    found = calibrate(scores, samples(y), "sigmoid")
    assert found.slope[0] > 1
    assert found(scores).probability[:, 1].sum() == pytest.approx(y.sum())


def test_a_minimum_that_rounding_hides_is_refused():
    scores, y = with_outlier(6, 0)
    with pytest.raises(ValueError, match="so far out that rounding hides the others"):
        calibrate(scores, samples(y), "sigmoid")


def test_temperatures_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="all are right"):
        calibrate(Prediction(score=[-2, -1, 1, 2]), samples([0, 0, 1, 1]), "temperature")
    with pytest.raises(ValueError, match="none at all would do better"):
        calibrate(Prediction(score=[2, 1, -1, -2]), samples([0, 0, 1, 1]), "temperature")


def test_kinds_are_made_of_arrays_alone():
    for kind in (Sigmoid, Isotonic, Temperature):
        assert all(f.type == "Array" for f in fields(kind))
