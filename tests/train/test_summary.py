"""Summary: what the report shows is what the run found, in plain types and fit for any task."""

import dataclasses
import json
import math

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from tests.runs import FAST, events, table_of

import baksan as bk
from baksan import losses
from baksan.files import plain
from baksan.report import page
from baksan.samples import Feature
from baksan.train.lineup import Theirs
from baksan.train.source import from_table
from baksan.train.summary import contents, sentence


def run_of(X, methods=FAST, **more):
    return bk.train(X, methods, **{"folds": 2, "replicas": 20, "threads": 1, **more})


@pytest.fixture(scope="module")
def run():
    return run_of(events(120))


@pytest.fixture(scope="module")
def shown(run):
    return contents(run)


def test_the_keys_are_those_that_the_page_knows(shown):
    assert set(shown) == {
        "title", "summary", "created", "task", "class_names", "data", "methods", "evaluation",
        "histories", "optimum", "steps", "scores", "importance", "weights", "inputs", "residuals",
        "certainty", "misses", "provenance",
    }  # fmt: skip


def test_a_reader_in_a_hurry_gets_the_best_and_what_ties_with_it(run):
    said = sentence(run)
    best = run.evaluation.best("auc")
    assert said.startswith(f"Of 4 methods the best is {best}, with AUC ")
    assert "on 120 events that it was not trained on." in said
    tied = {
        d["b"] if d["a"] == best else d["a"]
        for d in run.evaluation.differences
        if d["metric"] == "auc" and best in (d["a"], d["b"]) and d["low"] <= 0 <= d["high"]
    }
    for name in {m.name for m in run.methods} - {best}:
        assert (name in said) == (name in tied), name
    kept = 100 * run.evaluation.value(best, "signal_at_0.01")
    assert f"{kept:.1f} % of the gamma events" in said and "1 % of the hadron events" in said


def test_one_method_has_nobody_to_be_compared_with():
    said = sentence(run_of(events(60), ["linear-gd"]))
    assert said.startswith("linear-gd reaches AUC ")
    assert "cannot be told apart" not in said


def test_numbers_have_units():
    X = dataclasses.replace(events(60, 0), answer=Feature("energy", "TeV"))
    said = sentence(run_of(X, ["linear-gd"]))
    assert "RMSE" in said and " TeV on" in said


def test_the_data_are_described():
    table = table_of(events(60)).with_notes("7 rows left out: they were blank.")
    opened = from_table(table, name="toy", title="A toy", answer="kind", signal="gamma")
    shown = contents(run_of(opened.samples, ["linear-gd"], source=opened.source))
    data = shown["data"]
    assert shown["title"] == "A toy" and data["name"] == "toy" and data["rows"] == 60
    assert data["class_counts"] == {"hadron": 30, "gamma": 30} and data["effective_events"] == 60
    assert "7 rows left out: they were blank." in data["left_out"]
    width = data["features"][0]
    assert (width["name"], width["unit"]) == ("width", "mm")
    assert (width["low"], width["high"]) == (
        opened.samples.x[:, 0].min(),
        opened.samples.x[:, 0].max(),
    )


def test_weights_are_the_models_with_the_errors_of_the_fit(run, shown):
    found = bk.fit(bk.Linear(), run.X, losses.squared_margin, bk.Analytic())
    rows = shown["weights"]["linear-analytic"]
    np.testing.assert_allclose([r["weight"] for r in rows], found.model.weights, rtol=1e-12)
    np.testing.assert_allclose([r["error"] for r in rows], found.errors()[1:], rtol=1e-9)
    assert [r["feature"] for r in rows] == list(run.X.names)
    assert shown["weights"]["cuts"] == [] and "trees" not in shown["weights"]


def test_weights_have_units():
    X = events(60, 0)
    X = dataclasses.replace(
        X, answer=Feature("y", "TeV"),
        features=(Feature("a", "mm"), Feature("b", ""), Feature("c", "g/cm2")),
    )  # fmt: skip
    rows = contents(run_of(X, ["linear-analytic"]))["weights"]["linear-analytic"]
    assert [row["unit"] for row in rows] == ["TeV/mm", "TeV", "TeV/(g/cm2)"]


def test_several_classes_have_weights_for_each():
    rows = contents(run_of(events(90, 3), ["linear-gd"]))["weights"]["linear-gd"]
    assert len(rows) == 9 and {row["class"] for row in rows} == {"hadron", "gamma", "muon"}
    assert all(row["error"] is None for row in rows)


def test_scores_of_both_sides_and_the_overtraining_test(run, shown):
    for name, sides in shown["scores"].items():
        part, inside = run.parts[name][0], run.fold == 0
        np.testing.assert_allclose(sides["test"]["score"], part.prediction.score, rtol=1e-5)
        assert np.array_equal(sides["test"]["y"], run.X.answers[inside])
        assert len(sides["train"]["score"]) == (~inside).sum()
        assert len(sides["p_values"]) == 2 and all(0 <= p <= 1 for p in sides["p_values"])
    sides = shown["scores"]["linear-gd"]
    for k, p in enumerate(sides["p_values"]):
        pair = (s["score"][s["y"] == k] for s in (sides["train"], sides["test"]))
        # Stephens' formula and the exact distribution agree to some per cent.
        assert p == pytest.approx(ks_2samp(*pair).pvalue, abs=0.05)


def test_importance_is_the_mean_over_the_folds(run, shown):
    rows = shown["importance"]["linear-gd"]["rows"]
    falls = np.array([part.importance.mean(axis=0) for part in run.parts["linear-gd"]])
    np.testing.assert_allclose([row["mean"] for row in rows], falls.mean(axis=0))
    np.testing.assert_allclose(
        [row["error"] for row in rows], falls.std(axis=0, ddof=1) / math.sqrt(2)
    )
    assert shown["importance"]["linear-gd"]["metric"] == "AUC"


def test_the_optimum_is_that_of_scikit_learn(run, shown):
    train = run.X.take(run.fold != 0)
    z = (train.x - train.x.mean(axis=0)) / train.x.std(axis=0)
    other = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(z, train.y)
    best = losses.logistic.value(other.decision_function(z), train.y).mean()
    assert shown["optimum"] == pytest.approx(best, rel=1e-9)
    for history in shown["histories"].values():
        assert shown["optimum"] <= np.nanmin(history["loss"]) + 1e-12
    assert contents(run_of(events(60), ["cuts"]))["optimum"] is None


def test_small_steps_and_big_steps(run, shown):
    steps = shown["steps"]
    found = bk.fit(bk.Linear(), run.X, losses.squared_margin, bk.Analytic())
    ends = [float(np.asarray(r["loss"])[-1]) for r in steps["runs"]]
    # Below the limit Q falls, the faster the larger the step; above it Q grows.
    assert ends[0] > ends[1] > ends[2] - 1e-9 and ends[2] == pytest.approx(found.loss, rel=1e-3)
    assert ends[-1] > steps["runs"][-1]["loss"][0]
    parabola = steps["parabola"]
    assert parabola["label"].startswith("weight of ") and len(parabola["paths"]) == 3
    grid, q = np.asarray(parabola["weight"]), np.asarray(parabola["loss"])
    for path in parabola["paths"]:
        on_it = np.interp(path["weight"], grid, q)
        np.testing.assert_allclose(path["loss"], on_it, rtol=0.01)
    assert contents(run_of(events(60), ["cuts"]))["steps"] is None


def test_pictures_take_a_part_of_many_events():
    X = events(9000)
    run = run_of(X, ["linear-analytic"], replicas=5)
    shown = contents(run)
    assert len(shown["inputs"]["x"]) == len(shown["inputs"]["y"]) == 4000
    assert len(shown["scores"]["linear-analytic"]["test"]["score"]) == 4000
    rows = np.random.default_rng(0).choice(9000, 4000, replace=False)
    np.testing.assert_allclose(shown["inputs"]["x"], X.x[np.sort(rows)], rtol=1e-5)


def test_residuals_of_numbers():
    run = run_of(events(60, 0), ["linear-gd"])
    shown = contents(run)
    held = shown["residuals"]["linear-gd"]
    np.testing.assert_allclose(held["value"], run.predictions["linear-gd"].value, rtol=1e-5)
    np.testing.assert_allclose(held["answer"], run.X.answers, rtol=1e-5)
    assert shown["scores"] == {} and shown["importance"]["linear-gd"]["metric"] == "RMSE"


@pytest.mark.parametrize(("classes", "more"), [(0, {}), (2, {"test": 0.4}), (3, {})])
def test_every_task_gets_a_page(classes, more):
    weighted = np.linspace(0.5, 2, 90) if classes else None
    run = run_of(events(90, classes, weight=weighted), ["linear-analytic", "linear-gd"], **more)
    shown = contents(run)
    text = page.render(shown)
    kept = json.loads(json.dumps(plain(shown), allow_nan=False))
    assert "every step sees all events" in text and page.render(kept) == text


@pytest.mark.parametrize("case", ["constant feature", "few events", "one feature"])
def test_odd_samples_get_a_page_too(case):
    X = events(40)
    X = {
        "constant feature": dataclasses.replace(X, x=np.column_stack([X.x[:, :2], np.ones(40)])),
        "few events": X.take([*np.flatnonzero(X.y == 0)[:2], *np.flatnonzero(X.y)[:2]]),
        "one feature": X.select(["width"]),
    }[case]
    shown = contents(run_of(X, ["linear-gd", "cuts", Theirs("svm", SVC())]))
    json.dumps(plain(shown), allow_nan=False)
    assert "</html>" in page.render(shown)
