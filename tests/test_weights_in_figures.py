"""Weights in figures of merit: twice is weight 2, +1 and −1 cancel, sWeights find the signal's."""

import numpy as np
import pytest
from tests.sweights import decays

import baksan as bk
from baksan import metrics as m
from baksan.describe import describe, describe_passes
from baksan.evaluate.totals import totals
from baksan.metrics import METRICS, Prediction
from baksan.metrics.figures import figures
from baksan.metrics.regression import Residuals
from baksan.samples import Samples
from baksan.stream import Stream
from baksan.table import Table

N = 60
RANDOM = np.random.default_rng(7)
WEIGHT = np.where(RANDOM.random(N) < 0.2, -0.4, 1.0)
GRID = np.array([0.03, 0.2, 0.7])


def predicted(kind):
    """A prediction with ties, its answers, and the names of all figures: of numbers, of classes."""
    random = np.random.default_rng([3, kind])
    if kind == 0:
        y = random.normal(size=N) + 5
        return Prediction(np.round(y + random.normal(size=N), 1)), y, figures_of("regression")
    y = random.integers(0, kind, N)
    score = np.round(random.normal(size=(N, kind)) + (y[:, None] == np.arange(kind)), 1)
    p = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    if kind == 2:
        return Prediction(score=score[:, 1], probability=p), y, figures_of("classification")
    some = [name for name in figures_of("classification") if not METRICS[name].two_classes]
    return Prediction(score=score, probability=p), y, some


def figures_of(task):
    return [name for name, metric in METRICS.items() if metric.task == task]


def told(kind, weight, rows=slice(None)):
    prediction, y, names = predicted(kind)
    rows = np.arange(N)[rows]
    of = figures(prediction.take(rows), y[rows], names, GRID, negative=np.min(weight) < 0)
    return of(weight)


@pytest.mark.parametrize("kind", [0, 2, 3])
def test_weight_two_is_the_event_twice(kind):
    weight = np.random.default_rng(1).integers(0, 3, N)
    rows = np.repeat(np.arange(N), weight)
    one, two = told(kind, weight.astype(float)), told(kind, np.ones(len(rows)), rows)
    names = [*predicted(kind)[2], *[""] * len(one)]
    # Only the best Q looks at numbers of rows: that so many of them are left.
    same = [j for j in range(len(one)) if names[j] != "q_factor"]
    np.testing.assert_allclose(one[same], two[same], rtol=1e-12)


@pytest.mark.parametrize("kind", [0, 2, 3])
def test_events_of_opposite_weights_cancel(kind):
    extra = np.random.default_rng(2).integers(0, N, 25)
    rows = np.concatenate([np.arange(N), extra, extra])
    pairs = np.concatenate([WEIGHT, np.full(25, 0.7), np.full(25, -0.7)])
    order = np.random.default_rng(3).permutation(len(rows))
    one, two = told(kind, WEIGHT), told(kind, pairs[order], rows[order])
    np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)
    assert np.isfinite(one).sum() > len(one) / 2


def test_the_auc_is_the_weighted_sum_over_pairs():
    prediction, y, _ = predicted(2)
    s, b = (y == 1), (y == 0)
    over = np.sign(prediction.score[s][:, None] - prediction.score[b]) / 2 + 0.5
    expected = WEIGHT[s] @ over @ WEIGHT[b] / (WEIGHT[s].sum() * WEIGHT[b].sum())
    assert m.auc(prediction.score, y, WEIGHT) == pytest.approx(expected, rel=1e-12)
    assert m.auc(-prediction.score, y, WEIGHT) == pytest.approx(1 - expected, rel=1e-12)
    # Nothing keeps it within 0 … 1, and it is not made to stay there.
    assert m.auc([3, 2, 1], [0, 1, 0], [-0.5, 1, 1.0]) == 2.0


def test_efficiencies_are_read_where_the_curve_reaches_them_first():
    score, y = np.arange(8.0)[::-1], [0, 1, 0, 0, 1, 0, 1, 1]
    curve = m.roc(score, y, [2.0, 2, -1, 1, -1, 2, 1, 2])
    assert curve.background.tolist() == [0, 0.5, 0.5, 0.25, 0.5, 0.5, 1, 1, 1]
    assert curve.signal.tolist() == [0, 0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.5, 1]
    assert curve.signal_at(0.5) == 0.25 and curve.signal_at(0.25) == 0.0
    assert curve.background_at(0.5) == 0.5 and curve.background_at(0.75) == 1.0
    assert (curve.at_least(0.5).cut, curve.at_most(0.4).cut) == (6.0, np.inf)


def test_quantiles_meet_a_level_from_both_sides_alike():
    """The reflection law holds, which the first crossing alone would break."""
    values = np.round(RANDOM.normal(size=N), 1)
    levels = np.array([0.1, 0.35, 0.5, 0.8])
    up = Residuals(values).quantiles(WEIGHT, levels)
    down = Residuals(-values).quantiles(WEIGHT, 1 - levels)
    np.testing.assert_allclose(up, -down)
    assert np.all(np.diff(up) >= 0)
    assert m.quantiles([0, 1, 2, 3, 4.0], [0.5], [1, 1, -1, 1, 1]).tolist() == [2.0]


def test_what_negative_weights_leave_undefined_is_refused():
    y, score = np.repeat([0, 1], 30), np.arange(60.0)
    weight = np.where(np.arange(60) % 7, 1.0, -0.1)
    with pytest.raises(ValueError, match="best Q needs weights of 0 or more.*lowest is -0.1"):
        m.q_factor(score, y, weight)
    with pytest.raises(ValueError, match="sum of weights -0.5 among the 3 events"):
        m.auc([1, 2, 3], [0, 1, 1], [1, 1, -1.5])
    with pytest.raises(ValueError, match="a mean square of 0 or more; negative weights make it -1"):
        m.rmse([0, 0], [0, 1], [2, -1])
    with pytest.raises(ValueError, match="answers of positive variance; negative weights leave"):
        m.r2([0, 0, 0], [0, 1, -1], [3, -1, -1])
    with pytest.raises(ValueError, match="a merit factor needs a positive variance"):
        m.merit_factor([0, 2, 0, 2], [0, 0, 1, 1], [2, -1, 2, -1])
    with pytest.raises(ValueError, match="sum to more than 0; they sum to -1"):
        m.accuracy([0, 1], [0, 1], [1, -2])
    bins = m.calibration([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], [0, 0, 1], [1, -0.4, 2.0], bins=1)
    assert bins.observed[0] == pytest.approx(2 / 2.6)
    p = np.array([0.1, 0.2, 0.4, 0.7])
    odd = m.calibration(np.c_[1 - p, p], [0, 1, 0, 1], [2.0, 1.2, -1.4, 2.6], bins=3)
    assert odd.weight.tolist() == pytest.approx([2.0, -0.2, 2.6]) and np.isnan(odd.error())


@pytest.mark.parametrize("kind", [0, 2])
def test_an_evaluation_tells_of_negative_weights_and_hides_nothing(kind):
    prediction, y, _ = predicted(kind)
    X = Samples(np.zeros((N, 1)), y, WEIGHT, class_names=("h", "g")[:kind])
    found = bk.evaluate({"a": prediction}, X, replicas=40)
    assert found.notes == list(X.weight_notes) and len(found.notes) == 1
    assert f"60 events, effective {X.effective_events:,.0f}\n" in found.text()
    assert found.text().count("of the weight is negative") == 1
    assert type(found).from_dict(found.to_dict()) == found
    if kind:
        assert found.value("a", "auc") == m.auc(prediction.score, y, WEIGHT)
        assert found.row("a", "q_factor")["reason"].startswith("the best cut is where negative")


def test_replicas_whose_weights_sum_to_nothing_are_counted():
    X = Samples(np.zeros((4, 1)), np.arange(4.0), [1, 1, -0.9, -0.9])
    found = bk.evaluate({"a": Prediction(np.arange(4.0) + 1)}, X, replicas=200)
    lost = int(found.notes[1].split()[0])
    times = np.random.default_rng(0)
    drawn = [X.w @ np.bincount(times.integers(4, size=4), minlength=4) for _ in range(200)]
    assert lost == np.sum(np.array(drawn) <= 0) > 20
    assert found.notes[1].startswith(f"{lost} of 200 replicas do not count: their weights")
    row = found.row("a", "mae")
    assert [row[k] for k in ("value", "low", "high")] == pytest.approx([1.0, 1.0, 1.0])
    assert found.row("a", "r2")["reason"] == "negative weights leave none"


def test_a_class_of_negative_sum_is_not_evaluated():
    X = Samples(np.zeros((3, 1)), [0, 1, 1], [2, 1, -1.5], class_names=("h", "g"))
    with pytest.raises(ValueError, match="events of two classes or more, and some of each"):
        bk.evaluate({"a": Prediction(score=[0, 1, 2.0])}, X)


@pytest.mark.parametrize("classes", [(), ("h", "g")])
def test_totals_are_those_of_all_events_at_once(classes):
    prediction, y, _ = predicted(2 if classes else 0)
    x = np.asarray(prediction.score if classes else prediction.value)[:, None]
    X = Samples(x, y, WEIGHT, class_names=classes)
    loss = bk.losses.logistic if classes else bk.losses.squared
    parts = Stream(lambda: [X.rows(slice(k, k + 7)) for k in range(0, N, 7)])
    one, two = (totals(lambda x: x[:, 0], Y, loss).figures for Y in (X, parts))
    assert one["loss"] == pytest.approx(bk.losses.Q(lambda x: x[:, 0], X, loss))
    for name in ("accuracy", "brier") if classes else ("rmse", "mae", "r2"):
        assert one[name] == pytest.approx(two[name])
    if classes:
        assert abs(one["auc"] - m.auc(x[:, 0], y, WEIGHT)) <= one["auc_error"] + 1e-12
        assert abs(two["auc"] - m.auc(x[:, 0], y, WEIGHT)) <= two["auc_error"] + 1e-12


def test_sweights_give_the_figures_of_the_signal_within_errors():
    found = decays(4_000, 2, simulated=4_000)
    scores = [X.x @ [1.0, 0.3, -0.2] for X in (found.all, found.signal)]
    told, true = (
        bk.evaluate({"a": Prediction(score=s)}, X, replicas=60, metrics=("auc", "signal_at_0.2"))
        for s, X in zip(scores, (found.all, found.signal), strict=True)
    )
    for name in ("auc", "signal_at_0.2"):
        row = told.row("a", name)
        error = (row["high"] - row["low"]) / 2
        assert abs(row["value"] - true.value("a", name)) < 4 * error < 0.2
    every = m.auc(scores[0], found.all.y)
    assert abs(every - true.value("a", "auc")) > 0.05  # what the background would make of it


def test_sweights_give_bias_and_resolution_of_the_signal_within_errors():
    found = decays(4_000, 4)
    told, true = (
        bk.evaluate({"a": Prediction(X.x @ found.slope + 0.3)}, X, replicas=60)
        for X in (found.all, found.signal)
    )
    for name in ("bias", "resolution", "mae"):
        row = told.row("a", name)
        error = (row["high"] - row["low"]) / 2
        assert abs(row["value"] - true.value("a", name)) < 4 * error < 0.4


def test_a_description_tells_of_a_column_of_weights():
    table = Table({"x": np.arange(4.0), "w": [1, 1, 1, -0.5], "kind": list("abab")})
    found = describe(table, answer="kind", weight="w")
    assert found.notes[0] == "weights w: 4 events, effective 2."
    assert found.notes[1].startswith("14 % of the weight is negative, Σw = 2.5:")
    assert describe(Samples([[1.0], [2.0]], weight=[1, -0.5])).notes[0].startswith("33 %")
    assert describe(table).notes == describe_passes(lambda columns: [table]).notes == ()
    assert describe(table.with_columns({"w": -np.ones(4)}), weight="w").notes == (
        "weights w sum to -4; no method takes weights with such a sum.",
    )
    with pytest.raises(TypeError, match="column 'kind' holds text"):
        describe(table, weight="kind")
    with pytest.raises(KeyError, match="no column 'v'"):
        describe(table, weight="v")
