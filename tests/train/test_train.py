"""Train: folds, pooling, weights, seeds; what is refused before the work begins."""

import dataclasses

import numpy as np
import pytest
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.svm import SVC
from tests.runs import FAST, Spy, events

import baksan as bk
from baksan import losses
from baksan.metrics import auc
from baksan.train.job import permutation_importance
from baksan.train.lineup import Ours, Theirs

LINEAR = ["linear-analytic", "linear-gd", "linear-sgd", "linear-minibatch"]
FOREST = Theirs("forest", RandomForestClassifier(n_estimators=10))


def trained(X, methods, **more):
    return bk.train(X, methods, **{"folds": 3, "replicas": 5, "threads": 1, **more})


def told(prediction):
    return prediction.score if prediction.value is None else prediction.value


# Folds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("test", [None, 0.3])
def test_groups_stay_on_one_side(test):
    # Ids that repeat must not matter: a split is by rows.
    X = events(90, group=np.arange(90) // 3, id=np.arange(90) % 7)
    spy = Spy()
    run = trained(X, [spy], test=test)
    for train, tested, *_ in spy.seen[:-1]:
        assert not set(train.group) & set(tested.group)
        assert len(train) + len(tested) == len(X)
    whole, nothing, *_ = spy.seen[-1]
    assert len(whole) == len(X) and nothing is None
    assert len(spy.seen) == (4 if test is None else 2)
    for label in np.unique(X.group):
        assert len(set(run.fold[X.group == label])) == 1


def test_predictions_are_put_back_in_place():
    X = events(50)
    run = trained(X, [Spy()])
    assert np.array_equal(run.predictions["spy"].score, X.x[:, 0])
    assert np.array_equal(run.tested, np.arange(50))


def test_each_event_is_predicted_by_the_model_that_has_not_seen_it():
    X = events(60)
    run = trained(X, ["linear-analytic"])
    score = np.empty(60)
    for j in range(3):
        out = run.fold == j
        found = bk.fit(bk.Linear(), X.take(~out), losses.squared_margin, bk.Analytic())
        score[out] = found.model(X.x[out])
    np.testing.assert_array_equal(run.predictions["linear-analytic"].score, score)


def test_a_split_tests_its_share_only():
    X = events(100, id=np.arange(100) + 1000)
    run = trained(X, ["linear-analytic"], test=0.3)
    assert set(run.fold) == {-1, 0} and len(run.tested) == 30
    assert len(run.predictions["linear-analytic"]) == 30
    assert run.evaluation.folds is None and len(run.parts["linear-analytic"]) == 1
    found = bk.fit(bk.Linear(), X.take(run.fold == -1), losses.squared_margin, bk.Analytic())
    np.testing.assert_array_equal(
        run.predictions["linear-analytic"].score, found.model(X.x[run.tested])
    )


def test_the_final_model_sees_all_events():
    X = events(60)
    found = bk.fit(bk.Linear(), X, losses.squared_margin, bk.Analytic()).model
    model = trained(X, ["linear-analytic"]).models["linear-analytic"].model
    np.testing.assert_array_equal(model.parameters, found.parameters)


# Seeds and threads --------------------------------------------------------------------------------


def test_the_seed_decides_everything():
    X = events(80)
    methods = [*FAST, "linear-sgd", FOREST]
    one, two, other = (trained(X, methods, seed=seed) for seed in (3, 3, 4))
    for name in one.predictions:
        assert np.array_equal(told(one.predictions[name]), told(two.predictions[name])), name
        assert not np.array_equal(told(one.predictions[name]), told(other.predictions[name])), name
    assert one.evaluation.to_dict() == two.evaluation.to_dict()


def test_the_number_of_threads_does_not_matter():
    X = events(150)
    trees = Theirs("trees", HistGradientBoostingClassifier(max_iter=5))
    methods = [*FAST[:-1], "linear-minibatch", FOREST, trees]
    one, two = (trained(X, methods, threads=t) for t in (1, 2))
    for name in one.predictions:
        assert np.array_equal(told(one.predictions[name]), told(two.predictions[name])), name


def test_the_seed_and_the_threads_reach_the_steps_of_a_pipeline():
    forest = RandomForestClassifier(n_estimators=5, n_jobs=2)
    pipeline = make_pipeline(PolynomialFeatures(2), forest)
    X = events(60)
    one, two = (trained(X, [Theirs("p", pipeline)], seed=1) for _ in range(2))
    assert np.array_equal(told(one.predictions["p"]), told(two.predictions["p"]))
    assert one.models["p"].model[-1].random_state == 1
    assert forest.random_state is None  # the caller's estimator is left as it was


# Weights ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("name", ["linear-analytic", "linear-gd"])
def test_an_event_of_weight_two_is_the_event_twice(name, classes):
    X = events(40, classes)
    twice = np.arange(40) % 2 == 0
    weighted = dataclasses.replace(X, weight=np.where(twice, 2.0, 1.0))
    doubled = X.take(np.concatenate([np.arange(40), np.flatnonzero(twice)]))
    a, b = (trained(S, [name]).models[name].model for S in (weighted, doubled))
    np.testing.assert_allclose(a.weights, b.weights, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(a.intercept, b.intercept, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("method", [*LINEAR, "cuts", "trees", FOREST], ids=str)
def test_events_of_weight_zero_teach_nothing(method):
    X = events(300)
    wrong = np.arange(300) % 3 > 0
    # Without the weights two thirds of the events would teach the contrary.
    y = np.where(wrong, 1 - X.answers, X.answers)
    taught = dataclasses.replace(X, y=y, weight=np.where(wrong, 0.0, 1.0))
    (found,) = trained(taught, [method], test=0.2).models.values()
    assert auc(found.predict(X.x).score, X.answers) > 0.75


# Tasks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_the_line_up_learns_each_task(classes):
    X = events(150, classes)
    methods = ["linear", "trees", *(["cuts"] if classes == 2 else [])]
    run = trained(X, methods)
    metric, floor = ("auc", 0.75) if classes else ("rmse", None)
    for m in run.methods:
        value = run.evaluation.value(m.name, metric)
        assert value > floor if classes else value < 0.8 * np.std(X.answers), m.name
        assert run.models[m.name].predict(X.x).task == X.task
        assert all(part.message.endswith(".") for part in run.parts[m.name])


def test_the_descents_agree_with_each_other():
    X = events(300)
    run = trained(X, LINEAR[1:])
    gd, *noisy = (bk.Q(stored.model, X, losses.logistic) for stored in run.models.values())
    for q in noisy:
        assert gd - 1e-9 < q < gd * 1.001


def test_few_events_are_enough():
    X = events(4)
    run = trained(X, ["linear", "cuts", "trees"], folds=2)
    assert len(run.predictions) == 6


@pytest.mark.parametrize("estimator", [SVC(), LogisticRegression(), KNeighborsClassifier(3)])
def test_scikit_learns_estimators_stand_beside_ours(estimator, tmp_path):
    X = events(60)
    run = trained(X, ["linear-gd", Theirs("theirs-0.5", estimator)], out=tmp_path / "run")
    assert run.evaluation.value("theirs-0.5", "auc") > 0.6
    safe = not isinstance(estimator, KNeighborsClassifier)
    assert (tmp_path / "run/models/theirs-0.5.skops").exists() == safe
    # A tree of neighbours is compiled code's own: compared all the same, and the report says so.
    assert list(run.unsaved) == ([] if safe else ["theirs-0.5"])
    method = run.folder.read_json("report.json")["methods"][1]
    assert ("KDTree" in method["message"]) == (method["files"] == "") == (not safe)


def test_a_loss_without_curvature_gets_weights_without_errors(tmp_path):
    steps = bk.GradientDescent(steps=20)
    hinge = Ours("svm", "Hinge", "", bk.Linear(), losses.hinge, steps)
    run = trained(events(30), [hinge], out=tmp_path / "run")
    assert {row["error"] for row in run.folder.read_json("report.json")["weights"]["svm"]} == {None}


# What a part tells --------------------------------------------------------------------------------


def test_importance_is_the_fall_of_the_auc():
    X = events(400)
    run = trained(X, ["linear-gd"])
    for part in run.parts["linear-gd"]:
        falls = part.importance.mean(axis=0)
        assert part.importance.shape == (3, 3) and falls[2] < 0.05 < falls[:2].min()
    none = permutation_importance(lambda x: bk.Prediction(score=x[:, 2]), X, 0)
    assert not none[:, :2].any() and none[:, 2].all()


def test_progress_rises_to_the_end(tmp_path):
    shares = []
    run = trained(
        events(40), ["linear-gd"], out=tmp_path / "r", progress=lambda text, s: shares.append(s)
    )
    assert shares == sorted(shares) and 0 <= shares[0] and 0.7 < shares[-1] <= 1
    assert run.folder.finished


def test_a_run_is_not_gone_on_with_on_other_samples(tmp_path):
    X = events(30)
    trained(X, ["cuts"], out=tmp_path / "r")
    for name in ("report.json", "report.html"):  # as if it had been killed at the end
        (tmp_path / "r" / name).unlink()
    trained(X, ["cuts"], out=tmp_path / "r", resume=True)
    (tmp_path / "r/report.json").unlink()
    with pytest.raises(ValueError, match="sha256 was .*samples"):
        trained(events(30, seed=1), ["cuts"], out=tmp_path / "r", resume=True)


# Refused ------------------------------------------------------------------------------------------


def refused(X, methods, sentence, error=ValueError, **more):
    with pytest.raises(error, match=sentence):
        trained(X, methods, **more)


def test_what_is_refused_and_why(tmp_path):
    X, few, numbers = events(30), events(30).take([0, 1, 2]), events(30, 0)
    refused(X, ["perceptron"], "no method 'perceptron'; there are linear, cuts", KeyError)
    refused(X, ["trees", "trees"], "'trees' is there twice")
    refused(X, [], "a line-up needs a method")
    refused(numbers, ["cuts"], "cuts part a signal from a background; the answer is a number")
    refused(events(30, 3), ["cuts"], "the answer has 3 classes")
    refused(X, [Theirs("a/b", SVC())], "'a/b' will not do")
    refused(X, [Theirs("votes", VotingClassifier([("svm", SVC())]))], "gives labels only")
    refused(X, ["linear-gd"], "folds must number 2 … 30 .the events.; 1 were", folds=1)
    refused(few, ["linear-gd"], "folds must number 2 … 3", folds=4)
    refused(X, ["linear-gd"], "folds must be a whole number, .* 'a' came", TypeError, folds="a")
    refused(X, ["linear-gd"], "a whole number, at least 2; 2.5 came", TypeError, folds=2.5)
    refused(X, ["linear-gd"], "the test share must lie between 0 and 1; it is 1.5", test=1.5)
    refused(X, ["linear-gd"], "must lie between 0 and 1; it is 'a'", test="a")
    refused(X, ["linear-gd"], "threads must be 1 or more; 0", threads=0)
    refused(X, ["linear-gd"], "the seed must be 0 or more; it is -1", seed=-1)
    refused(bk.Samples(X.x), ["linear-gd"], "answers y are needed")
    both = bk.Samples(X.x, X.x[:, :2])
    refused(both, ["linear-gd"], "one answer; these events have 2")
    heavy = dataclasses.replace(X, weight=np.ones(30))
    refused(heavy, [Theirs("k", KNeighborsClassifier())], "takes no event weights")
    wrong = Ours("w", "w", "", bk.Linear(), losses.squared, bk.GradientDescent(steps=1))
    refused(X, [wrong], "squared is a loss for regression")


@pytest.mark.parametrize("method", ["linear-gd", "trees"])
def test_a_class_that_is_missing_somewhere_is_named_before_the_work(method):
    lonely = dataclasses.replace(events(30), y=(np.arange(30) == 7).astype(int))
    refused(lonely, [method], "training events of fold . have no 'gamma', which has 1 event ")
    refused(lonely, [method], "have no 'gamma'", test=0.5)
    empty = dataclasses.replace(events(30), class_names=("hadron", "gamma", "muon"))
    refused(empty, [method], "no 'muon', which has 0 events")


# Real data ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def magic(data_dir):
    return bk.load("magic").samples()


@pytest.mark.slow
def test_magic_by_three_descents(magic, tmp_path):
    run = bk.train(magic, LINEAR, folds=5, replicas=50, out=tmp_path / "magic")
    for name in LINEAR[1:]:
        assert run.evaluation.value(name, "auc") == pytest.approx(0.839, abs=0.005)
    theirs = make_pipeline(LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000))
    z = (magic.x - magic.x.mean(axis=0)) / magic.x.std(axis=0)
    score = theirs.fit(z, magic.answers).decision_function(z)
    best = float(losses.logistic.value(score, magic.answers).mean())
    for name, within in zip(LINEAR[1:], (1e-8, 1e-4, 1e-4), strict=True):
        found = bk.Q(run.models[name].model, magic, losses.logistic)
        assert found == pytest.approx(best, rel=within), name
        assert found > best * (1 - 1e-9)


def test_ctrl_c_in_a_fit_ends_the_training_and_leaves_no_half_part(tmp_path):
    X = events(400)

    def press(text, share):
        if text.startswith("linear-sgd") and share > 0:
            raise KeyboardInterrupt

    slow = Ours(
        "linear-sgd", "", "", bk.Linear(), losses.logistic,
        bk.StochasticGradientDescent(rate=0.01, epochs=100_000),
    )  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        bk.train(X, [slow], folds=2, out=tmp_path / "run", progress=press)
    assert not list((tmp_path / "run").glob("checkpoints/*.fold*.safetensors"))


def test_the_test_events_do_not_choose_when_to_stop():
    """A solver with patience watches events held back from the training side."""
    X, seen = events(300), []

    class Watcher(Ours):
        def train(self, X, *, validation=None, **more):
            seen.append((X, validation))
            return super().train(X, validation=validation, **more)

    patient = Watcher(
        "patient", "", "", bk.Linear(), losses.logistic,
        bk.MiniBatch(0.1, epochs=50, patience=3),
    )  # fmt: skip
    run = bk.train(X, [patient], folds=2, replicas=20)
    for j, (inside, held) in enumerate(seen[:2]):
        tested = set(np.flatnonzero(run.fold == j))
        assert not tested & set(inside.ids) and not tested & set(held.ids)
        assert not set(inside.ids) & set(held.ids) and len(held) == pytest.approx(30, abs=2)
    assert len(seen) == 3 and len(seen[2][0]) + len(seen[2][1]) == 300


def test_a_loss_of_ones_own_is_compared_and_not_saved(tmp_path):
    mine = dataclasses.replace(losses.logistic, name="mine")
    run = bk.train(
        events(60), [Ours("own", "", "", bk.Linear(), mine, bk.GradientDescent(steps=5))],
        folds=2, replicas=20, out=tmp_path / "r",
    )  # fmt: skip
    assert "none of squared, absolute" in run.unsaved["own"]
    assert run.folder.finished and not list((tmp_path / "r").glob("models/*"))


def test_formulas_of_samples_made_in_python_reach_the_model_file(tmp_path):
    path = tmp_path / "mine.csv"
    rng = np.random.default_rng(0)
    size, zenith = rng.uniform(1, 100, 80), rng.uniform(0, 1, 80)
    rows = np.column_stack([size, zenith, np.log10(size) + zenith])
    np.savetxt(path, rows, delimiter=",", header="size,zenith,energy", comments="")
    X = bk.load(path).samples("lgS=log10(size), zenith", answer="energy")
    bk.train(X, ["linear-analytic"], folds=2, replicas=20, out=tmp_path / "r")
    stored = bk.load_model(tmp_path / "r/models/linear-analytic.baksan")
    assert [c.name for c in stored.card.inputs] == ["size", "zenith"]
    prediction, complete, _ = stored.apply(bk.read(path))
    assert complete.all()
    np.testing.assert_allclose(prediction.value, rows[:, 2], rtol=1e-9)


def test_a_pipeline_hands_weights_to_its_last_step():
    from sklearn.preprocessing import StandardScaler

    X = events(80, weight=np.where(np.arange(80) % 2, 1.0, 3.0))
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    found = Theirs("p", pipe).train(X, seed=0, threads=1)
    alone = make_pipeline(StandardScaler(), LogisticRegression())
    alone.fit(X.x, X.y, logisticregression__sample_weight=X.weight)
    np.testing.assert_allclose(found.predict(X.x).score, alone.predict_proba(X.x)[:, 1])


def test_what_cannot_take_weights_is_refused_before_the_folder_is_made(tmp_path):
    X = events(40, weight=np.ones(40))
    with pytest.raises(ValueError, match="knn: KNeighborsClassifier takes no event weights"):
        bk.train(X, ["cuts", Theirs("knn", KNeighborsClassifier())], out=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_estimators_and_one_name_are_line_ups():
    run = bk.train(events(60), [LogisticRegression()], folds=2, replicas=20)
    assert list(run.predictions) == ["LogisticRegression"]
    assert list(bk.train(events(60), "cuts", folds=2, replicas=20).predictions) == ["cuts"]
    with pytest.raises(TypeError, match=r"a method is a name \(linear, cuts"):
        bk.train(events(60), [3])


def test_what_is_no_events_is_refused():
    with pytest.raises(TypeError, match="train needs Samples or a Stream.*; int came"):
        bk.train(3)
