"""The evaluation: values, bootstrap errors against closed forms, differences, bins, round trip."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from baksan import Prediction, Samples, evaluate, metrics
from baksan.evaluate import BinBy, Evaluation, plus_minus
from baksan.evaluate.bootstrap import _central

FEW = 60


def two_classes(n=600, seed=1, **fields):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return Samples(rng.normal(size=(n, 1)), y, class_names=("hadron", "gamma"), **fields)


def scored(X, shift, seed=2, probabilities=True):
    score = shift * X.y + np.random.default_rng(seed).normal(size=len(X))
    p = 1 / (1 + np.exp(-shift * (score - shift / 2)))
    probability = np.column_stack([1 - p, p]) if probabilities else None
    return Prediction(score=score, probability=probability, threshold=shift / 2)


def numbers(n=400, seed=3, **fields):
    y = np.random.default_rng(seed).uniform(1, 10, n)
    return Samples(y[:, None], y, answer=fields.pop("answer", None), **fields)


# Values and errors --------------------------------------------------------------------------------


def test_the_table_holds_the_figures_with_the_samples_weights():
    X = two_classes(weight=np.random.default_rng(0).random(600))
    a = scored(X, 1.5)
    found = evaluate({"good": a}, X, replicas=FEW)
    assert found.models == ["good"]
    assert found.value("good", "auc") == pytest.approx(metrics.auc(a.score, X.y, X.w))
    assert found.value("good", "ece") == pytest.approx(metrics.ece(a.probability, X.y, X.w))
    best = metrics.q_factor(a.score, X.y, X.w)
    row = found.row("good", "q_factor")
    assert row["value"] == pytest.approx(best.q)
    assert row["counts"] == {
        "cut": best.cut,
        "signal_left": best.signal_left,
        "background_left": best.background_left,
    }
    for row in found.table:
        assert row["low"] <= row["value"] <= row["high"], row
        assert row["better"] == metrics.METRICS[row["metric"]].better


def test_counts_are_rows_that_pass_the_cut():
    X = two_classes()
    a = scored(X, 1.5)
    found = evaluate({"good": a}, X, replicas=2)
    for metric in ("signal_at_0.05", "background_at_0.5"):
        counts = found.row("good", metric)["counts"]
        passed = X.y[a.score >= counts["cut"]]
        assert counts["background_left"] == np.sum(passed == 0)
        assert counts["signal_left"] == np.sum(passed == 1)
    assert found.row("good", "auc")["counts"] is None
    background = found.row("good", "signal_at_0.05")["counts"]["background_left"]
    assert background == int(0.05 * np.sum(X.y == 0))


def test_error_of_the_accuracy_is_binomial_and_of_the_auc_is_delongs():
    X = two_classes(n=2000)
    a = scored(X, 1.2)
    found = evaluate({"a": a}, X, replicas=500, metrics=("accuracy", "auc"))
    half = {m: (r["high"] - r["low"]) / 2 for m in ("accuracy", "auc") if (r := found.row("a", m))}
    p = found.value("a", "accuracy")
    assert half["accuracy"] == pytest.approx(np.sqrt(p * (1 - p) / 2000), rel=0.12)
    # DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837.
    s, b = a.score[X.y == 1], a.score[X.y == 0]
    wins = np.sign(s[:, None] - b) / 2 + 0.5
    delong = wins.mean(axis=1).var(ddof=1) / len(s) + wins.mean(axis=0).var(ddof=1) / len(b)
    assert half["auc"] == pytest.approx(np.sqrt(delong), rel=0.12)


def test_error_of_a_median_and_an_rmse_are_those_of_a_gaussian():
    X = numbers(2000)
    r = np.random.default_rng(8).normal(size=2000)
    found = evaluate({"a": Prediction(X.y + r)}, X, replicas=500)
    half = {m: (found.row("a", m)["high"] - found.row("a", m)["low"]) / 2 for m in found.metrics}
    assert half["bias"] == pytest.approx(np.sqrt(np.pi / 2 / 2000), rel=0.2)
    assert half["rmse"] == pytest.approx(1 / np.sqrt(2 * 2000), rel=0.15)


def test_intervals_cover_the_truth_in_68_percent_of_the_cases():
    truth = stats.norm.cdf(1.2 / np.sqrt(2))
    covered = []
    for seed in range(150):
        X = two_classes(n=200, seed=seed)
        found = evaluate({"a": scored(X, 1.2, seed=[seed, 1])}, X, replicas=80, metrics=("auc",))
        row = found.row("a", "auc")
        covered.append(row["low"] <= truth <= row["high"])
    assert 0.58 < np.mean(covered) < 0.78


def test_events_of_a_group_are_drawn_together():
    X = two_classes(n=300)
    a = scored(X, 1.0)
    copies = np.repeat(np.arange(300), 3)
    apart = evaluate({"a": a.take(copies)}, X.take(copies), replicas=FEW)
    grouped = Samples(X.x[copies], X.y[copies], group=copies, class_names=X.class_names)
    together = evaluate({"a": a.take(copies)}, grouped, replicas=FEW)
    single = evaluate({"a": a}, X, replicas=FEW)
    assert (together.groups, apart.groups) == (300, 900)
    for name in ("auc", "accuracy", "signal_at_0.1", "ece"):
        row, same = together.row("a", name), single.row("a", name)
        assert [row[k] for k in ("value", "low", "high")] == pytest.approx(
            [same[k] for k in ("value", "low", "high")]
        )
    # Three copies of every event are no new information: √3 too small if drawn apart.
    row, wide = apart.row("a", "auc"), together.row("a", "auc")
    assert (wide["high"] - wide["low"]) > 1.3 * (row["high"] - row["low"])


def test_same_seed_same_errors_and_other_seed_others():
    X = two_classes()
    predictions = {"a": scored(X, 1.0)}
    one, again, other = (evaluate(predictions, X, replicas=FEW, seed=s) for s in (4, 4, 5))
    assert one == again
    assert one.row("a", "auc")["low"] != other.row("a", "auc")["low"]


def test_noise_that_pushes_one_way_leaves_the_value_in_its_interval():
    X = two_classes(n=300)
    row = evaluate({"a": scored(X, 1.0)}, X, replicas=100).row("a", "ece")
    assert 0 <= row["low"] < row["value"] < row["high"]


def test_a_rare_class_does_without_the_replicas_that_miss_it():
    y = np.zeros(40, dtype=int)
    y[:2] = 1
    X = Samples(np.zeros((40, 1)), y, class_names=("b", "s"))
    a = Prediction(score=y + np.random.default_rng(0).normal(size=40))
    row = evaluate({"a": a}, X, replicas=200).row("a", "auc")
    assert row["low"] <= row["value"] <= row["high"]


def test_spread_over_folds_is_that_of_the_folds_by_themselves():
    X = two_classes()
    a, fold = scored(X, 1.0), X.fold_numbers(5)
    found = evaluate({"a": a}, X, folds=fold, replicas=2)
    values = [metrics.auc(a.score[fold == k], X.y[fold == k]) for k in range(5)]
    assert found.folds == 5
    assert found.row("a", "auc")["fold_spread"] == pytest.approx(np.std(values, ddof=1))
    assert evaluate({"a": a}, X, replicas=2).row("a", "auc")["fold_spread"] is None


# Differences --------------------------------------------------------------------------------------


def test_differences_use_the_same_replicas():
    X = two_classes(n=1000)
    a = scored(X, 1.0)
    near = Prediction(score=a.score + 0.3 * np.random.default_rng(9).normal(size=1000))
    found = evaluate({"a": a, "again": a, "near": near}, X, replicas=200, metrics=("auc",))
    same, better, _ = found.differences
    assert [same[k] for k in ("a", "b", "value", "low", "high", "zero_inside")] == [
        "a", "again", 0.0, 0.0, 0.0, True,
    ]  # fmt: skip
    assert better["value"] == pytest.approx(found.value("a", "auc") - found.value("near", "auc"))
    assert not better["zero_inside"]
    alone = found.row("a", "auc")
    assert better["high"] - better["low"] < 0.7 * (alone["high"] - alone["low"])


# What does not exist ------------------------------------------------------------------------------


def test_figures_that_do_not_exist_say_why():
    X = two_classes(n=40)
    found = evaluate({"hinge": scored(X, 1.0, probabilities=False)}, X, replicas=10)
    for name in ("brier", "log_loss", "ece"):
        row = found.row("hinge", name)
        assert row["value"] is row["low"] is row["high"] is None
        assert row["reason"] == "the model gives no probabilities"
    assert found.row("hinge", "q_factor")["reason"] == "fewer than 25 background events"
    assert np.isnan(found.value("hinge", "ece"))
    assert "calibration" not in found.curves["hinge"]
    with pytest.raises(ValueError, match=r"no model has a value of 'ece': the model gives no"):
        found.best("ece")
    constant = evaluate({"c": Prediction(score=np.zeros(40))}, X, replicas=10)
    assert constant.row("c", "merit_factor")["reason"] == "all scores of a class are equal"
    assert constant.value("c", "auc") == 0.5
    flat = Samples(np.zeros((5, 1)), np.full(5, 0.1))
    assert evaluate({"c": Prediction(np.zeros(5))}, flat, replicas=5).row("c", "r2")["reason"]


# Curves and bins ----------------------------------------------------------------------------------


def test_roc_calibration_and_confusion():
    X = two_classes()
    a = scored(X, 1.5)
    curves = evaluate({"a": a}, X, replicas=FEW).curves["a"]
    (roc,) = curves["roc"]
    assert roc["class"] == "gamma"
    assert roc["background"][0] == pytest.approx(1 / np.sum(X.y == 0))
    assert np.ptp(np.diff(np.log(roc["background"]))) < 1e-9
    assert roc["signal"] == metrics.roc(a.score, X.y).signal_at(roc["background"]).tolist()
    assert np.all(np.array(roc["low"]) <= roc["signal"])
    assert np.all(np.array(roc["high"]) >= roc["signal"])
    known = metrics.calibration(a.probability, X.y)
    assert curves["calibration"]["observed"] == pytest.approx(known.observed)
    assert curves["calibration"]["weight"] == known.weight.tolist()
    assert np.all(np.array(curves["calibration"]["low"]) <= known.observed)
    assert curves["confusion"] == metrics.confusion(a.label, X.y, 2).tolist()


def test_several_classes():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 4, 500)
    X = Samples(np.zeros((500, 1)), y, class_names=("p", "He", "N", "Fe"))
    score = rng.normal(size=(500, 4)) + 1.5 * np.eye(4)[y]
    p = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    found = evaluate({"a": Prediction(score=score, probability=p)}, X, replicas=FEW)
    assert list(found.metrics) == ["auc", "accuracy", "brier", "log_loss", "ece"]
    assert found.value("a", "auc") == pytest.approx(metrics.auc(score, y))
    curves = found.curves["a"]["roc"]
    assert [c["class"] for c in curves] == ["p", "He", "N", "Fe"]
    iron = metrics.roc(score[:, 3], y == 3).signal_at(curves[3]["background"])
    assert curves[3]["signal"] == iron.tolist()
    with pytest.raises(ValueError, match="q_factor does not fit a classification with 4 classes"):
        evaluate({"a": Prediction(score=score)}, X, metrics=("q_factor",))
    with pytest.raises(ValueError, match="must have 4 scores for each event; it has 1"):
        evaluate({"a": Prediction(score=score[:, 0])}, X)


def test_auc_per_bin_of_a_variable():
    X = two_classes()
    a = scored(X, 1.0)
    size = np.random.default_rng(6).uniform(0, 4, 600)
    found = evaluate({"a": a}, X, replicas=FEW, bin_by=BinBy(size, "size", "p.e.", [1, 2, 4, 9]))
    assert (found.bins["name"], found.bins["unit"]) == ("size", "p.e.")
    assert found.bins["events"] == [*np.histogram(size, [1, 2, 4])[0], 0]
    assert found.bins["outside"] == np.sum(size < 1)
    first, second, empty = found.bins["rows"]
    inside = (size >= 2) & (size <= 4)
    assert second["value"] == pytest.approx(metrics.auc(a.score[inside], X.y[inside]))
    assert first["low"] < first["value"] < first["high"]
    assert empty["value"] is empty["low"] is None


def test_numbers_are_binned_by_the_answer():
    X = numbers(1000, answer=None)
    r = np.random.default_rng(5).normal(size=1000) * X.y / 10
    found = evaluate({"a": Prediction(X.y + r)}, X, replicas=FEW)
    assert found.bins["events"] == [100] * 10
    top = X.y >= found.bins["edges"][-2]
    row = next(r for r in found.bins["rows"] if r["bin"] == 9 and r["metric"] == "resolution")
    assert row["value"] == pytest.approx(metrics.resolution((X.y + r)[top], X.y[top]))
    assert row["low"] < row["value"] < row["high"]
    residuals = found.curves["a"]["residuals"]
    assert (residuals["q84"][9] - residuals["q16"][9]) / 2 == pytest.approx(row["value"])
    assert residuals["q50"][9] == pytest.approx(np.median(r[top]))


def test_numbers_carry_the_answers_unit_and_relative_figures_come_when_asked():
    from baksan import Feature

    X = numbers(answer=Feature("energy", "GeV"))
    a = Prediction(X.y * 1.1)
    found = evaluate({"a": a}, X, replicas=5, metrics=("bias", "relative_bias"))
    assert found.metrics["bias"]["unit"] == "GeV"
    assert found.metrics["relative_bias"]["unit"] == ""
    assert found.value("a", "relative_bias") == pytest.approx(0.1)
    assert "bias [GeV]" in found.text()
    assert found.answer == {"name": "energy", "unit": "GeV"}


# The result ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_round_trip_through_strict_json_is_exact(task):
    if task == "classification":
        X = two_classes(weight=np.random.default_rng(0).random(600))
        found = evaluate(
            {"a": scored(X, 1.0), "b": scored(X, 1.0, 7, probabilities=False)},
            X, folds=X.fold_numbers(3), replicas=FEW,
        )  # fmt: skip
    else:
        X = numbers()
        found = evaluate({"a": Prediction(X.y + 0.1)}, X, replicas=FEW)
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert Evaluation.from_dict(json.loads(text)) == found
    with pytest.raises(ValueError, match="the difference is seed"):
        Evaluation.from_dict({k: v for k, v in found.to_dict().items() if k != "seed"})


def test_best_knows_which_way_is_better():
    X = numbers()
    noise = np.random.default_rng(0).normal(size=400)
    found = evaluate(
        {"low": Prediction(X.y - 3 + noise), "fair": Prediction(X.y + 0.5 + noise)},
        X, replicas=5,
    )  # fmt: skip
    assert found.value("low", "bias") < 0 < found.value("fair", "bias")
    assert [found.best(m) for m in ("bias", "rmse", "r2")] == ["fair"] * 3
    with pytest.raises(KeyError, match="no 'auc' of 'low'; there are the metrics bias"):
        found.best("auc")


def test_text_lines_up_and_wraps():
    X = two_classes()
    names = [f"model number {i}" for i in range(4)]
    found = evaluate({m: scored(X, 1 + 0.1 * i) for i, m in enumerate(names)}, X, replicas=20)
    text = found.text(width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert all(name in text for name in names)
    heads = [line for line in text.splitlines() if "model number" in line]
    assert len(heads) >= 2
    place = heads[0].index("model number 1")
    rows = text.split("\n\n")[1].splitlines()[1:]
    assert all(row[place - 1] == " " and row[place] != " " for row in rows)
    assert sum(line.count("*") for line in text.splitlines()) == len(found.metrics)
    assert "600 events" in text


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((0.937, 0.9351, 0.9391), "0.9370 +0.0021 −0.0019"),
        ((0.937, 0.935, 0.939), "0.9370 ± 0.0020"),
        ((0.5, 0.4004, 0.5996), "0.50 ± 0.10"),
        ((-1.5, -1.75, -1.25), "−1.50 ± 0.25"),
        ((1234.0, 1100.0, 1368.0), "1230 ± 130"),
        ((3.2e-5, 3.0e-5, 3.4e-5), "(3.20 ± 0.20)e−5"),
        ((4.2e7, 4.1e7, 4.4e7), "(4.20 +0.20 −0.10)e7"),
        ((0.5, 0.5, 0.5), "0.5000 ± 0.0000"),
        ((0.0, 0.0, 0.0), "0.0000 ± 0.0000"),
        ((0.25, None, None), "0.25"),
        ((None, None, None), "–"),
    ],
)
def test_plus_minus(numbers, text):
    assert plus_minus(*numbers) == text


def test_progress_is_reported():
    X, seen = two_classes(n=50), []
    evaluate({"a": scored(X, 1.0)}, X, replicas=7, progress=lambda *p: seen.append(p))
    assert seen == [(k, 7) for k in range(1, 8)]


# Bad input ----------------------------------------------------------------------------------------


def test_what_cannot_be_evaluated_is_refused():
    X = two_classes(n=50)
    a, pairs, ramp = scored(X, 1.0), np.ones((9, 2)), np.arange(9.0)
    relative = ("relative_bias",)
    cases = [
        (lambda: evaluate({}, X), "at least one prediction"),
        (lambda: evaluate({"a": a.take(np.arange(49))}, X), "50 events of X; it has 49"),
        (lambda: evaluate({"a": Prediction(X.y * 1.0)}, X), "it is a regression"),
        (lambda: evaluate({"a": a}, Samples(X.x)), "no y"),
        (lambda: evaluate({"a": a}, X, replicas=1), "two replicas"),
        (lambda: evaluate({"a": a}, X, folds=[0, 1]), "folds must be one number for each"),
        (lambda: evaluate({"a": a}, X, metrics=("rmse",)), "rmse does not fit"),
        (lambda: evaluate({"a": a}, X, metrics=()), "needs a metric"),
        (
            lambda: evaluate({"a": a}, X, bin_by=([1.0], "size", "", [0, 1])),
            "values of 'size' must be one number",
        ),
        (lambda: evaluate({"a": a}, X.take(X.y == 0)), "and some of each; X has"),
        (
            lambda: evaluate(
                {"a": a}, Samples(X.x, X.y, group=np.zeros(50), class_names=X.class_names)
            ),
            "two groups or more",
        ),
        (lambda: evaluate({"a": Prediction(pairs)}, Samples(pairs, pairs)), "one answer at a time"),
        (lambda: evaluate({"a": Prediction(pairs)}, Samples(pairs, pairs[:, 0])), "1 value for"),
        (
            lambda: evaluate({"a": Prediction(ramp)}, Samples(pairs, ramp), metrics=relative),
            "answers above 0; 0 stands in row 0",
        ),
    ]  # fmt: skip
    for call, sentence in cases:
        with pytest.raises(ValueError, match=sentence):
            call()
    with pytest.raises(KeyError, match="no metric 'gini'; there are auc"):
        evaluate({"a": a}, X, metrics=("gini",))


def test_predictions_that_are_nan_are_refused_where_they_are_made():
    with pytest.raises(ValueError, match="score must be finite; nan stands in row 2"):
        Prediction(score=[0.0, 1.0, np.nan])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([1, 2], "needs predictions by name.*list came"),
        ({"a": np.zeros(4)}, "'a' must be a Prediction.*ndarray came"),
    ],
)
def test_what_is_no_prediction_is_named(given, sentence):
    X = Samples(np.zeros((4, 1)), [0, 1, 0, 1], class_names=("h", "g"))
    with pytest.raises(TypeError, match=sentence):
        evaluate(given, X)


def test_central_quantiles_are_numpys_and_infinities_count():
    drawn = np.random.default_rng(0).normal(size=(40, 3))
    drawn[:7, 1] = np.nan
    drawn[:25, 2] = -np.inf
    quantiles = np.array(metrics.CENTRAL)
    found = _central(drawn)
    np.testing.assert_allclose(found[:, 0], np.quantile(drawn[:, 0], quantiles))
    np.testing.assert_allclose(found[:, 1], np.nanquantile(drawn[:, 1], quantiles))
    assert found[0, 2] == found[1, 2] == -np.inf and np.isfinite(found[2, 2])
    up = _central(-drawn[:, [2]])[:, 0]
    assert np.isfinite(up[0]) and up[1] == up[2] == np.inf
    assert np.isnan(_central(np.full((5, 1), np.nan))).all()
