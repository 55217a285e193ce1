"""The line-up: which methods there are for which samples, and what they say of themselves."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from tests.runs import events

import baksan as bk
from baksan import losses
from baksan.store.card import LossCard
from baksan.train.lineup import METHODS, Ours, Theirs, line_up

LINEAR = ["linear-analytic", "linear-gd", "linear-sgd", "linear-minibatch"]


def names(methods, X):
    return [method.name for method in line_up(methods, X)]


def test_a_good_line_up_if_none_is_named():
    assert names(None, events(20)) == [*LINEAR, "cuts", "trees", "forest", "network"]
    assert names(None, events(20, 3)) == [*LINEAR, "trees", "forest", "network"]
    assert names(None, events(20, 0)) == [*LINEAR, "trees", "forest", "network"]


def test_methods_come_in_the_order_that_was_asked_for():
    svm = Theirs("svm", SVC())
    assert names(["trees", svm, "linear-sgd"], events(20)) == ["trees", "svm", "linear-sgd"]
    assert names(["linear"], events(20)) == LINEAR
    assert line_up([svm], events(20))[0] is svm


@pytest.mark.parametrize(
    ("classes", "loss", "exact"),
    [
        (0, "squared", "squared"),
        (2, "logistic", "squared_margin"),
        (3, "softmax", "squared_margin"),
    ],
)
def test_the_descents_share_one_loss(classes, loss, exact):
    analytic, *descents = line_up(["linear"], events(20, classes))
    assert analytic.loss.name == exact and {m.loss.name for m in descents} == {loss}
    assert [m.solver.batch for m in descents] == [None, 1, 64]


def test_each_name_and_each_file_tells_what_it_is():
    X = events(20)
    for method in line_up(None, X):
        assert method.title and method.description and "\n" not in method.settings
        assert method.kind in ("linear", "cuts", "sklearn", "ensemble")
        # config.toml compares them: the same method says the same again.
        assert method.settings == line_up([method.name], X)[0].settings
    assert set(METHODS) == {"linear", "cuts", "trees", "forest", "network", "array"}


def test_settings_tell_two_methods_apart():
    one, two = (
        Ours("m", "", "", bk.Linear(), losses.logistic, bk.GradientDescent(), penalty=penalty)
        for penalty in (bk.L2(0.1), bk.L2(0.2))
    )
    assert one.settings != two.settings and "0.1" in one.settings
    assert Theirs("a", SVC(C=2.0)).settings == "SVC(C=2.0)"


def test_the_loss_of_a_model_file():
    huber = Ours("h", "", "", bk.Linear(), losses.huber(0.7), bk.GradientDescent())
    assert huber.loss_card == LossCard(name="huber", setting=0.7) and huber.kind == "linear"
    assert Theirs("a", SVC()).loss_card is None


def test_a_penalty_reaches_the_fit():
    X = events(60)
    free, held = (
        Ours("m", "", "", bk.Linear(), losses.logistic, bk.GradientDescent(), penalty=penalty)
        .train(X, seed=0, threads=1)
        for penalty in (None, bk.L2(10.0))
    )  # fmt: skip
    assert np.linalg.norm(held.model.weights) < 0.3 * np.linalg.norm(free.model.weights)


def test_what_theirs_trains_is_a_copy():
    given = LogisticRegression()
    fitted = Theirs("l", given).train(events(40), seed=0, threads=1)
    assert not hasattr(given, "coef_") and hasattr(fitted.model, "coef_")
    assert fitted.fit is None and len(fitted.predict(events(40).x)) == 40


def test_what_is_refused_and_why():
    X = events(20)
    with pytest.raises(KeyError, match=r"no method 'tree'; there are linear, .*linear-minibatch\."):
        line_up(["tree"], X)
    with pytest.raises(ValueError, match="'linear-gd' is there twice"):
        line_up(["linear", "linear-gd"], X)
    with pytest.raises(ValueError, match=r"needs a method; there are linear, cuts, trees, forest"):
        line_up([], X)
    with pytest.raises(ValueError, match="the answer has 3 classes"):
        line_up(["cuts"], events(20, 3))


def test_our_estimators_stand_there_as_what_they_are(tmp_path):
    X = events(200)
    (line,) = line_up([bk.LinearClassifier("sgd", epochs=2, penalty=bk.L2(0.1))], X)
    assert isinstance(line, Ours) and line.penalty == bk.L2(0.1)
    assert line.solver.epochs == 2
    piped = make_pipeline(StandardScaler(), bk.LinearClassifier())
    run = bk.train(X, [bk.CutsClassifier(), piped], folds=2, replicas=20, out=tmp_path / "run")
    files = {file.name for file in (tmp_path / "run" / "models").iterdir()}
    assert files == {"CutsClassifier.baksan", "Pipeline.skops"} and not run.unsaved
    again = bk.load_model(tmp_path / "run" / "models" / "Pipeline.skops")
    np.testing.assert_array_equal(
        again.predict(X.x).score, run.models["Pipeline"].predict(X.x).score
    )


def test_a_forest_sees_what_is_small():
    X = events(300)
    small = replace(X, x=1e-12 * X.x)
    aucs = [
        bk.train(E, ["forest"], folds=2, replicas=20).evaluation.row("forest", "auc")["value"]
        for E in (X, small)
    ]
    assert aucs[0] == pytest.approx(aucs[1], abs=1e-3)


@pytest.mark.parametrize(
    ("method", "told"),
    [("trees", "HistGradient"), ("forest", "Pipeline(steps=[('standardscaler'"),
     (Theirs("svm", SVC()), "Pipeline(steps=[('simpleimputer'"), ("cuts", "Imputed(Cuts())"),
     ("linear-gd", "Imputed(Linear())")],
)  # fmt: skip
def test_what_methods_do_about_missing_features(method, told):
    x = events(50).x.copy()
    x[::7, 0] = np.nan
    X = bk.Samples(x, events(50).y, class_names=events(50).class_names, missing=True)
    (line,) = line_up([method], X)
    assert line.settings.startswith(told)
