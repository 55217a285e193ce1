"""Laws over all figures of merit, and second opinions from scikit-learn, scipy, closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from baksan import metrics as m
from baksan.metrics import METRICS, Prediction
from baksan.metrics.figures import figures

rng = np.random.default_rng(20)
N = 400
Y2 = rng.integers(0, 2, N)
SCORE2 = np.round(Y2 * 1.1 + rng.normal(size=N), 1)  # rounded: many ties
P2 = 1 / (1 + np.exp(-SCORE2))
PROB2 = np.column_stack([1 - P2, P2])
Y4 = rng.integers(0, 4, N)
SCORE4 = rng.normal(size=(N, 4)) + 1.3 * np.eye(4)[Y4]
PROB4 = np.exp(SCORE4) / np.exp(SCORE4).sum(axis=1, keepdims=True)
ANSWER = rng.lognormal(size=N)
VALUE = ANSWER * (1.05 + 0.2 * rng.normal(size=N))
WEIGHT = rng.integers(1, 4, N)

# name → (figure of (a, y, w), a, y): every public figure of merit.
FIGURES = {
    "accuracy": (m.accuracy, (SCORE2 > 0.5).astype(int), Y2),
    "auc": (m.auc, SCORE2, Y2),
    "auc of four classes": (m.auc, SCORE4, Y4),
    "signal efficiency": (m.signal_efficiency, SCORE2, Y2),
    "background efficiency": (m.background_efficiency, SCORE2, Y2),
    "q factor": (lambda a, y, w=None: m.q_factor(a, y, w, least=0).q, SCORE2, Y2),
    "merit factor": (m.merit_factor, SCORE2, Y2),
    "brier": (m.brier, PROB2, Y2),
    "brier of four classes": (m.brier, PROB4, Y4),
    "log loss": (m.log_loss, PROB4, Y4),
    "ece": (m.ece, PROB2, Y2),
    "ece of four classes": (m.ece, PROB4, Y4),
    "bias": (m.bias, VALUE, ANSWER),
    "relative bias": (lambda a, y, w=None: m.bias(a, y, w, relative=True), VALUE, ANSWER),
    "resolution": (m.resolution, VALUE, ANSWER),
    "relative resolution": (
        lambda a, y, w=None: m.resolution(a, y, w, relative=True), VALUE, ANSWER,
    ),
    "rmse": (m.rmse, VALUE, ANSWER),
    "mae": (m.mae, VALUE, ANSWER),
    "r2": (m.r2, VALUE, ANSWER),
}  # fmt: skip
every_figure = pytest.mark.parametrize("name", FIGURES)


@every_figure
def test_weight_two_is_the_event_twice(name):
    figure, a, y = FIGURES[name]
    twice = figure(np.repeat(a, WEIGHT, axis=0), np.repeat(y, WEIGHT))
    assert figure(a, y, WEIGHT) == pytest.approx(twice, rel=1e-10)
    assert figure(a, y, WEIGHT) != pytest.approx(figure(a, y), rel=1e-6)


@every_figure
def test_weight_zero_is_no_event_and_only_ratios_of_weights_count(name):
    figure, a, y = FIGURES[name]
    keep = rng.random(N) < 0.7
    assert figure(a, y, keep * 1.0) == pytest.approx(figure(a[keep], y[keep]), rel=1e-10)
    assert figure(a, y, WEIGHT * 1e-7) == pytest.approx(figure(a, y, WEIGHT), rel=1e-9)


@every_figure
def test_order_does_not_matter(name):
    figure, a, y = FIGURES[name]
    i = rng.permutation(N)
    assert figure(a[i], y[i], WEIGHT[i]) == pytest.approx(figure(a, y, WEIGHT), rel=1e-10)


@every_figure
def test_bad_arrays_are_refused(name):
    figure, a, y = FIGURES[name]
    with pytest.raises(ValueError, match="one entry for each"):
        figure(a, y[:-1])
    with pytest.raises(ValueError, match="one entry for each"):
        figure(a, y, WEIGHT[:-1])
    broken = a.astype(float).copy()
    broken[(7, *[0] * (a.ndim - 1))] = np.nan
    with pytest.raises(ValueError, match="finite; nan stands in row 7"):
        figure(broken, y)
    with pytest.raises(ValueError, match="sum to more than 0; they sum to -"):
        figure(a, y, np.full(N, -1.0))
    with pytest.raises(ValueError, match="they sum to 0"):
        figure(a, y, np.zeros(N))
    with pytest.raises(TypeError, match="must hold numbers"):
        figure(a.astype(str), y)


@pytest.mark.parametrize(
    "figure", [m.auc, m.roc, m.signal_efficiency, m.background_efficiency, m.merit_factor]
)
def test_separation_needs_both_classes(figure):
    with pytest.raises(ValueError, match="none of the 3 events with weight is of class 1"):
        figure([0.1, 0.2, 0.3], [0, 0, 0])
    with pytest.raises(ValueError, match="class 0"):
        figure([0.1, 0.2, 0.3], [0, 1, 1], [0, 1, 1])
    with pytest.raises(ValueError, match="not ±1"):
        figure([0.1, 0.2, 0.3], [-1, 1, 1])


# Separation ---------------------------------------------------------------------------------------


def test_auc_is_mann_whitney_by_brute_force():
    w = rng.random(N)
    s, b = Y2 == 1, Y2 == 0
    wins = np.sign(SCORE2[s][:, None] - SCORE2[b]) / 2 + 0.5
    pairs = w[s][:, None] * w[b]
    assert m.auc(SCORE2, Y2, w) == pytest.approx((pairs * wins).sum() / pairs.sum(), rel=1e-12)


def test_roc_and_auc_agree_with_scikit_learn():
    w = rng.random(N)
    curve = m.roc(SCORE2, Y2, w)
    background, signal, cut = sk.roc_curve(Y2, SCORE2, sample_weight=w, drop_intermediate=False)
    np.testing.assert_allclose(curve.background, background, atol=1e-12)
    np.testing.assert_allclose(curve.signal, signal, atol=1e-12)
    np.testing.assert_array_equal(curve.cut, cut)
    assert m.auc(SCORE2, Y2, w) == pytest.approx(sk.roc_auc_score(Y2, SCORE2, sample_weight=w))
    macro = sk.roc_auc_score(Y4, PROB4, sample_weight=w, multi_class="ovr", average="macro")
    assert m.auc(PROB4, Y4, w) == pytest.approx(macro)


def test_two_gaussians_have_auc_phi_of_the_merit_factor():
    n = 20_000
    level = (np.arange(n) + 0.5) / n  # quantiles instead of chance: no statistical error
    background, signal = stats.norm.ppf(level), stats.norm(1.5, 2).ppf(level)
    score, y = np.concatenate([background, signal]), np.repeat([0, 1], n)
    assert m.merit_factor(score, y) == pytest.approx(1.5 / np.sqrt(5), rel=1e-3)
    assert m.auc(score, y) == pytest.approx(stats.norm.cdf(1.5 / np.sqrt(5)), abs=1e-4)
    cut = stats.norm.ppf(1 - 0.05)
    expected = stats.norm(1.5, 2).sf(cut)
    assert m.signal_efficiency(score, y, background=0.05) == pytest.approx(expected, abs=1e-4)
    expected = stats.norm.sf(1.5)
    assert m.background_efficiency(score, y, signal=0.5) == pytest.approx(expected, abs=1e-4)


def test_weights_in_single_precision_and_whole_ones_give_the_same_curve():
    w = rng.integers(1, 4, N)
    whole, single = m.roc(SCORE2, Y2, w), m.roc(SCORE2, Y2, w.astype(np.float32))
    np.testing.assert_array_equal(whole.signal, single.signal)
    passing = SCORE2[:, None] >= whole.cut
    for share, k in ((whole.background, 0), (whole.signal, 1)):
        np.testing.assert_allclose(share, w[Y2 == k] @ passing[Y2 == k] / w[Y2 == k].sum())


def test_efficiencies_at_steps_and_between_them():
    curve = m.roc([4, 3, 2, 2, 1, 0], [1, 0, 1, 0, 1, 0])
    # A background event is passed at ε_b = 1/3; all signal up to the next one belongs to it.
    assert curve.signal_at([0.0, 1 / 3, 0.5, 2 / 3, 1.0]).tolist() == pytest.approx(
        [1 / 3, 1 / 3, 0.5, 1.0, 1.0]
    )
    assert curve.background_at([1 / 3, 0.5, 2 / 3, 1.0]).tolist() == pytest.approx(
        [0.0, 0.5, 2 / 3, 2 / 3]
    )
    assert curve.at_most(0.5) == (3.0, pytest.approx(1 / 3), pytest.approx(1 / 3), 1, 1)
    assert curve.at_least(0.5).cut == 2.0
    with pytest.raises(ValueError, match="between 0 and 1"):
        m.signal_efficiency([1, 0], [1, 0], background=1.5)


def test_a_level_met_within_rounding_is_met():
    n = 100
    score = np.arange(2 * n)[::-1]
    y = np.tile([0, 1], n)  # each background event is followed by a signal event
    for k in range(1, n):
        assert m.signal_efficiency(score, y, background=k / n) == pytest.approx(k / n)


def test_a_score_that_knows_nothing_and_one_that_knows_all():
    assert m.auc(np.zeros(N), Y2) == pytest.approx(0.5)
    assert m.signal_efficiency(np.zeros(N), Y2, background=0.1) == pytest.approx(0.1)
    assert m.auc(Y2, Y2) == 1.0
    assert m.background_efficiency(Y2, Y2, signal=1.0) == 0.0
    with pytest.raises(ValueError, match="scores that vary"):
        m.merit_factor(np.full(N, 0.1), Y2)


def test_best_q_by_trying_every_cut():
    tried = {}
    for cut in np.unique(SCORE2):
        left = (cut <= SCORE2) & (Y2 == 0)
        if left.sum() >= 25:
            tried[cut] = (cut <= SCORE2)[Y2 == 1].mean() / np.sqrt(left.sum() / (Y2 == 0).sum())
    best = m.q_factor(SCORE2, Y2)
    assert best.q == pytest.approx(max(tried.values()))
    assert best.cut == max(tried, key=tried.get)
    assert best.background_left == ((best.cut <= SCORE2) & (Y2 == 0)).sum() >= 25
    assert best.signal_left == ((best.cut <= SCORE2) & (Y2 == 1)).sum()
    with pytest.raises(ValueError, match=r"there are \d+ in all"):
        m.q_factor(SCORE2, Y2, least=10_000)


def test_a_thinned_curve_is_a_part_of_the_whole():
    score = rng.normal(size=5000) + (y := rng.integers(0, 2, 5000))
    curve = m.roc(score, y)
    thin = curve.thinned(100)
    assert len(thin.cut) <= 102
    assert np.isin(thin.cut, curve.cut).all()
    assert thin.signal[[0, -1]].tolist() == thin.background[[0, -1]].tolist() == [0.0, 1.0]
    assert thin.area() == pytest.approx(curve.area(), abs=2e-3)
    assert np.sum((thin.background > 0) & (thin.background < 0.01)) > 10
    assert m.roc(SCORE2, Y2).thinned(1000).cut.tolist() == m.roc(SCORE2, Y2).cut.tolist()


def test_an_roc_curve_is_of_one_score():
    with pytest.raises(ValueError, match="one score an event"):
        m.roc(SCORE4, Y4)


# Decisions and probabilities ----------------------------------------------------------------------


def test_decisions_and_probabilities_agree_with_scikit_learn():
    w = rng.random(N)
    label = SCORE4.argmax(axis=1)
    np.testing.assert_allclose(
        m.confusion(label, Y4, 4, w), sk.confusion_matrix(Y4, label, sample_weight=w)
    )
    assert m.accuracy(label, Y4, w) == pytest.approx(sk.accuracy_score(Y4, label, sample_weight=w))
    assert m.brier(PROB2, Y2, w) == pytest.approx(sk.brier_score_loss(Y2, P2, sample_weight=w))
    assert m.log_loss(PROB4, Y4, w) == pytest.approx(sk.log_loss(Y4, PROB4, sample_weight=w))
    assert m.log_loss(PROB2, Y2, w) == pytest.approx(sk.log_loss(Y2, P2, sample_weight=w))


def test_brier_of_several_classes_is_the_sum_over_classes():
    assert m.brier([[0.5, 0.25, 0.25]], [0]) == pytest.approx(0.25 + 2 * 0.0625)
    assert m.brier([[0.0, 0.0, 1.0]], [0]) == 2.0
    assert m.brier([[1.0, 0.0]], [1]) == 1.0
    assert m.brier(PROB4, Y4) == pytest.approx(((PROB4 - np.eye(4)[Y4]) ** 2).sum(axis=1).mean())


def test_log_loss_is_clipped():
    assert m.log_loss([[1.0, 0.0]], [1]) == pytest.approx(-np.log(1e-15))


def test_ece_by_hand_over_fifteen_equal_bins():
    p = np.sort(rng.random(150))
    y = (rng.random(150) < p**2).astype(int)
    expected = np.mean([
        abs(y[10 * b : 10 * b + 10].mean() - p[10 * b : 10 * b + 10].mean()) for b in range(15)
    ])  # fmt: skip
    assert m.ece(np.column_stack([1 - p, p]), y) == pytest.approx(expected)
    curve = m.calibration(np.column_stack([1 - p, p]), y)
    assert curve.weight.tolist() == [10.0] * 15


def test_ece_of_a_calibrated_model_is_noise_alone():
    n = 60_000
    p = np.random.default_rng(3).uniform(0.2, 0.8, n)
    y = (np.random.default_rng(4).random(n) < p).astype(int)
    noise = 0.8 * np.sqrt(15 * np.mean(p * (1 - p)) / n)
    assert 0.4 * noise < m.ece(np.column_stack([1 - p, p]), y) < 2 * noise
    shifted = np.clip(p + 0.1, 0, 1)
    assert m.ece(np.column_stack([1 - shifted, shifted]), y) == pytest.approx(0.1, abs=0.005)


def test_equal_probabilities_share_a_bin_and_empty_bins_are_nan():
    curve = m.calibration([[0.7, 0.3]] * 6 + [[0.2, 0.8]] * 4, [0, 1] * 5)
    filled = curve.weight > 0
    assert curve.predicted[filled].tolist() == pytest.approx([0.3, 0.8])
    assert curve.observed[filled].tolist() == pytest.approx([0.5, 0.5])
    assert np.isnan(curve.observed[~filled]).all()
    assert curve.error() == pytest.approx(0.6 * 0.2 + 0.4 * 0.3)
    with pytest.raises(ValueError, match="one bin or more"):
        m.calibration(PROB2, Y2, bins=0)


def test_events_go_into_the_bin_where_the_middle_of_their_equals_falls():
    w = rng.random(N)
    group = np.unique(P2, return_inverse=True)[1]
    mass = np.bincount(group, w)
    middle = np.cumsum(mass) - mass / 2
    b = (middle[group, None] >= w.sum() * np.arange(1, 15) / 15).sum(axis=1)
    total = np.bincount(b, w, 15)
    curve = m.calibration(PROB2, Y2, w)
    np.testing.assert_allclose(curve.weight, total, rtol=1e-12)
    np.testing.assert_allclose(curve.predicted, np.bincount(b, w * P2, 15) / total, rtol=1e-12)
    np.testing.assert_allclose(curve.observed, np.bincount(b, w * Y2, 15) / total, rtol=1e-12)


def test_several_classes_are_calibrated_by_the_top_label():
    curve = m.calibration(PROB4, Y4, bins=1)
    assert curve.predicted[0] == pytest.approx(PROB4.max(axis=1).mean())
    assert curve.observed[0] == pytest.approx(np.mean(PROB4.argmax(axis=1) == Y4))


@pytest.mark.parametrize("bad", [[[0.5, 0.6]], [[1.2, -0.2]], [0.5], [[1.0]]])
def test_what_is_no_probability_is_refused(bad):
    with pytest.raises(ValueError, match="probabilit"):
        m.brier(bad, [0])


# Train against test -------------------------------------------------------------------------------


def test_overtraining_agrees_with_scipy():
    rng = np.random.default_rng(21)  # of its own: p is asymptotic, and ours in other cases 0.01 off
    train, test = rng.normal(size=600), rng.normal(0.15, 1.2, size=500)
    y, t = rng.integers(0, 2, 600), rng.integers(0, 2, 500)
    for k, found in enumerate(m.overtraining(train, y, test, t)):
        known = stats.ks_2samp(train[y == k], test[t == k], method="asymp")
        assert found.distance == pytest.approx(known.statistic, abs=1e-12)
        assert found.p == pytest.approx(known.pvalue, abs=0.01)


def test_overtraining_of_several_classes_looks_at_each_own_column():
    found = m.overtraining(SCORE4, Y4, SCORE4 + 0.8 * np.eye(4)[2], Y4)
    assert [f.p < 0.01 for f in found] == [False, False, True, False]
    assert found[0] == (pytest.approx(0.0, abs=1e-12), pytest.approx(1.0))
    with pytest.raises(ValueError, match="same model"):
        m.overtraining(SCORE4, Y4, SCORE2, Y2)


def test_overtraining_counts_weights_as_effective_events():
    score, y = rng.normal(size=2000), rng.integers(0, 2, 2000)
    shifted = score + 0.1
    plain = m.overtraining(score, y, shifted, y)
    same = m.overtraining(score, y, shifted, y, np.full(2000, 3.0), np.full(2000, 0.1))
    assert same[0] == (pytest.approx(plain[0].distance), pytest.approx(plain[0].p))
    uneven = m.overtraining(score, y, shifted, y, rng.exponential(size=2000), None)
    assert uneven[0].distance != pytest.approx(plain[0].distance)


def test_overtraining_p_is_uniform_where_nothing_is_overtrained():
    r = np.random.default_rng(5)
    y = np.arange(200) % 2
    p = [
        f.p
        for _ in range(150)
        for f in m.overtraining(r.normal(size=200), y, r.normal(size=200), y)
    ]
    assert stats.kstest(p, "uniform").pvalue > 1e-3


# Numbers ------------------------------------------------------------------------------------------


def test_quantiles_agree_with_numpy():
    v, levels = rng.normal(size=101), [0.05, 0.1587, 0.5, 0.8413]
    known = np.quantile(v, levels, method="averaged_inverted_cdf")
    np.testing.assert_allclose(m.quantiles(v, levels), known)
    w = rng.random(101)
    known = np.quantile(v, levels, method="inverted_cdf", weights=w)
    np.testing.assert_allclose(m.quantiles(v, levels, w), known)
    assert m.quantiles([1, 2, 3, 4], [0.5]) == np.median([1, 2, 3, 4])
    with pytest.raises(ValueError, match="between 0 and 1"):
        m.quantiles(v, [0.0])


def test_a_gaussian_has_its_own_bias_and_resolution():
    n = 10_001
    r = stats.norm(0.3, 1.7).ppf((np.arange(n) + 0.5) / n)
    y = rng.uniform(5, 6, n)
    assert m.bias(y + r, y) == pytest.approx(0.3, abs=1e-9)
    assert m.resolution(y + r, y) == pytest.approx(1.7, rel=1e-3)
    assert m.bias(y * (1 + r), y, relative=True) == pytest.approx(0.3, abs=1e-9)
    assert m.resolution(y * (1 + r), y, relative=True) == pytest.approx(1.7, rel=1e-3)


def test_numbers_agree_with_scikit_learn():
    w = rng.random(N)
    known = sk.root_mean_squared_error(ANSWER, VALUE, sample_weight=w)
    assert m.rmse(VALUE, ANSWER, w) == pytest.approx(known)
    assert m.mae(VALUE, ANSWER, w) == pytest.approx(
        sk.mean_absolute_error(ANSWER, VALUE, sample_weight=w)
    )
    assert m.r2(VALUE, ANSWER, w) == pytest.approx(sk.r2_score(ANSWER, VALUE, sample_weight=w))


def test_numbers_that_cannot_be_judged():
    with pytest.raises(ValueError, match="answers that vary; all are"):
        m.r2([1.0, 2.0, 3.0], [0.1, 0.1, 0.1])
    with pytest.raises(ValueError, match="above 0; -1 stands in row 1"):
        m.bias([1.0, 2.0], [1.0, -1.0], relative=True)
    with pytest.raises(ValueError, match="one answer at a time"):
        m.rmse(np.ones((3, 2)), np.ones((3, 2)))


def test_bin_numbers_agree_with_numpys_histogram():
    v, edges = rng.normal(size=1000), np.array([-1.0, -0.2, 0.5, 2.0])
    number = m.bin_numbers(v, edges)
    assert np.bincount(number[number >= 0]).tolist() == np.histogram(v, edges)[0].tolist()
    assert m.bin_numbers([-1.0, 2.0, 2.1], edges).tolist() == [0, 2, -1]
    with pytest.raises(ValueError, match="edges must rise"):
        m.bin_numbers(v, [1, 1, 2])


# Predictions --------------------------------------------------------------------------------------


def test_labels_follow_threshold_or_the_largest_score():
    assert Prediction(score=[0.2, 0.5, 0.7], threshold=0.5).label.tolist() == [0, 0, 1]
    assert Prediction(score=SCORE4).label.tolist() == SCORE4.argmax(axis=1).tolist()
    with pytest.raises(ValueError, match="only classes have labels"):
        _ = Prediction([1.0]).label


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "it got neither"),
        ({"value": [1.0], "score": [1.0]}, "it got both"),
        ({"score": [0.0, np.nan]}, "score must be finite; nan stands in row 1"),
        ({"value": [0.0, np.inf]}, "value must be finite; inf stands in row 1"),
        ({"score": np.zeros((3, 2))}, "For two classes give one column"),
        ({"score": [0.0], "probability": [[0.4, 0.6], [0.5, 0.5]]}, "each of the 1 events"),
        ({"score": [0.0], "probability": [[0.2, 0.3, 0.5]]}, "2 classes, probability of 3"),
        ({"value": [0.0], "probability": [[0.4, 0.6]]}, "belong to classes"),
        ({"value": [0.0], "spread": [1.0, 2.0]}, "spread must have one entry"),
        ({"score": [0.0], "threshold": np.nan}, "threshold must be finite"),
        ({"score": 3.0}, "its shape is"),
        ({"value": [0.0], "quantiles": [[0.0, 1.0]]}, "need their K levels"),
        ({"value": [0.0], "levels": [0.5]}, "need their K levels"),
        ({"value": [0.0], "quantiles": [[0.0, 1.0]], "levels": [0.5]}, r"\(1, 2\), \(1,\), \(1,\)"),
        ({"score": [0.0], "quantiles": [[0.0]], "levels": [0.5]}, "need their K levels"),
        ({"value": [0.0], "quantiles": [[1.0, 0.0]], "levels": [0.2, 0.5]}, "must rise"),
        ({"value": [0.0], "quantiles": [[0.0, 1.0]], "levels": [0.5, 0.5]}, "must rise"),
        ({"value": [0.0], "quantiles": [[0.0, 1.0]], "levels": [0.5, 1.0]}, "must rise"),
    ],
)
def test_predictions_that_make_no_sense(fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        Prediction(**fields)


def test_folds_are_put_back_in_place():
    whole = Prediction(score=SCORE2, probability=PROB2, threshold=0.5)
    fold = rng.integers(0, 5, N)
    rows = [np.flatnonzero(fold == k) for k in range(5)]
    back = Prediction.pooled([whole.take(i) for i in rows], rows, N)
    np.testing.assert_array_equal(back.score, SCORE2)
    np.testing.assert_array_equal(back.probability, PROB2)
    assert back.threshold == 0.5
    assert back.value is None
    with pytest.raises(ValueError, match="exactly one prediction; row"):
        Prediction.pooled([whole.take(i) for i in rows[1:]], rows[1:], N)
    with pytest.raises(ValueError, match=f"row {N} has 1"):
        Prediction.pooled([Prediction([1.0] * (N + 1))], [np.arange(N + 1)], N)
    with pytest.raises(ValueError, match="must be alike"):
        Prediction.pooled(
            [whole.take([0]), Prediction(score=[0.0])], [np.array([0]), np.array([1])], 2
        )


def test_quantiles_go_with_their_events():
    levels, q = [0.1, 0.5, 0.9], np.sort(rng.normal(size=(N, 3)), axis=1)
    whole = Prediction(q[:, 1], quantiles=q, levels=levels)
    rows = [np.arange(0, N, 2), np.arange(1, N, 2)]
    parts = [whole.take(i) for i in rows]
    np.testing.assert_array_equal(parts[1].quantiles, q[1::2])
    back = Prediction.pooled(parts, rows, N)
    np.testing.assert_array_equal(back.quantiles, q)
    np.testing.assert_array_equal(back.levels, levels)
    other = Prediction(q[::2, 1], quantiles=q[::2], levels=[0.2, 0.5, 0.8])
    with pytest.raises(ValueError, match="must be alike"):
        Prediction.pooled([other, parts[1]], rows, N)


# The table and all figures at once ----------------------------------------------------------------

TWO = Prediction(score=SCORE2, probability=PROB2, threshold=0.5)
KNOWN = {
    "auc": lambda w: m.auc(SCORE2, Y2, w),
    "accuracy": lambda w: m.accuracy(TWO.label, Y2, w),
    "background_at_0.5": lambda w: m.background_efficiency(SCORE2, Y2, w),
    **{
        f"signal_at_{b:g}": lambda w, b=b: m.signal_efficiency(SCORE2, Y2, w, background=b)
        for b in (0.01, 0.02, 0.05, 0.1, 0.2)
    },
    "q_factor": lambda w: m.q_factor(SCORE2, Y2, w).q,
    "merit_factor": lambda w: m.merit_factor(SCORE2, Y2, w),
    "brier": lambda w: m.brier(PROB2, Y2, w),
    "log_loss": lambda w: m.log_loss(PROB2, Y2, w),
    "ece": lambda w: m.ece(PROB2, Y2, w),
    "bias": lambda w: m.bias(VALUE, ANSWER, w),
    "resolution": lambda w: m.resolution(VALUE, ANSWER, w),
    "rmse": lambda w: m.rmse(VALUE, ANSWER, w),
    "mae": lambda w: m.mae(VALUE, ANSWER, w),
    "r2": lambda w: m.r2(VALUE, ANSWER, w),
    **{
        f"within_{k}": lambda w, s=s: m.quantiles(VALUE - ANSWER, [s], w)[0]
        for k, s in ((68, 0.6827), (50, 0.5), (95, 0.95))
    },
    "relative_bias": lambda w: m.bias(VALUE, ANSWER, w, relative=True),
    "relative_resolution": lambda w: m.resolution(VALUE, ANSWER, w, relative=True),
}


def test_the_table_is_complete_and_each_figure_has_its_function():
    assert METRICS.keys() == KNOWN.keys()
    for name, metric in METRICS.items():
        assert metric.title and metric.explanation.endswith("."), name
        assert metric.lowest < metric.highest


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_figures_at_once_are_the_figures_one_by_one(task):
    names = [name for name, metric in METRICS.items() if metric.task == task]
    a, y = (TWO, Y2) if task == "classification" else (Prediction(VALUE), ANSWER)
    prepared = figures(a, y, names)
    for w in (np.ones(N), rng.random(N), rng.poisson(1, N)):
        found = prepared(w)[: len(names)]
        np.testing.assert_allclose(found, [KNOWN[name](w) for name in names], rtol=1e-9)


def test_figures_of_several_classes():
    names = ("auc", "accuracy", "brier", "log_loss", "ece")
    found = figures(Prediction(score=SCORE4, probability=PROB4), Y4, names)(WEIGHT)
    label = SCORE4.argmax(axis=1)
    known = [
        m.auc(SCORE4, Y4, WEIGHT), m.accuracy(label, Y4, WEIGHT),
        *(f(PROB4, Y4, WEIGHT) for f in (m.brier, m.log_loss, m.ece)),
    ]  # fmt: skip
    np.testing.assert_allclose(found[:5], known, rtol=1e-9)
