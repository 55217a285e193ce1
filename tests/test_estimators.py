"""The estimators: scikit-learn's own checks, its answers, its tools, and the fit beneath.

`python -m pytest tests/test_estimators.py -k counts -s` prints the counts of the checks.
"""

import copy
import pickle
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import sklearn
import skops.io
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, QuantileRegressor
from sklearn.linear_model import Ridge as TheirRidge
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import baksan as bk
from baksan.estimators import CutsClassifier, LinearClassifier, LinearRegressor
from baksan.train.lineup import line_up

WEIGHTS = "check_sample_weight_equivalence_on_dense_data"
EXEMPT = {WEIGHTS: "weight 2 is one step of double length, not two; scikit-learn's SGD is exempt"}
FULL = [
    LinearRegressor(),
    LinearRegressor("gd"),
    LinearClassifier(),
    LinearClassifier(loss="softmax"),
    LinearClassifier("analytic", "squared_margin"),
    CutsClassifier(),
]
STOCHASTIC = [
    LinearRegressor("sgd"),
    LinearRegressor("minibatch"),
    LinearClassifier("sgd"),
    LinearClassifier("minibatch"),
]


def named(estimators):
    return [pytest.param(estimator, id=repr(estimator)) for estimator in estimators]


# What scikit-learn checks -------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator", named(FULL + STOCHASTIC))
def test_counts_of_scikit_learns_checks(estimator, monkeypatch):
    # One check is skipped where scikit-learn, which looks each time it is asked, finds this unset.
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    exempt = EXEMPT if any(estimator is one for one in STOCHASTIC) else {}
    checks = check_estimator(estimator, expected_failed_checks=exempt, on_skip=None, on_fail=None)
    found = Counter(check["status"] for check in checks)
    print(
        f"\n{estimator!r}: {found['passed']} passed, {found['failed']} failed,"
        f" {found['xfail']} exempt, {found['skipped']} skipped",
        end="",
    )
    unmet = {c["check_name"]: c["exception"] for c in checks if c["status"] != "passed"}
    assert set(unmet) <= set(exempt), unmet
    assert found["passed"] + found["xfail"] == len(checks) >= 60


def test_a_failed_check_is_counted(monkeypatch):
    monkeypatch.setattr(LinearRegressor, "predict", lambda self, X: np.ones(3))
    checks = check_estimator(LinearRegressor(), on_skip=None, on_fail=None)
    assert any(check["status"] == "failed" for check in checks)


# What scikit-learn answers ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def events():
    """Features of different sizes, answers with noise, and weights."""
    random = np.random.default_rng(5)
    x = random.normal(size=(600, 4)) * [1, 10, 0.1, 100] + [0, 5, 1, 1000]
    y = x @ [1.0, 0.2, 3.0, -0.01] + random.normal(size=600)
    z = StandardScaler().fit_transform(x)
    return SimpleNamespace(x=x, z=z, y=y, w=random.uniform(0.2, 2.0, 600))


@pytest.mark.parametrize("outputs", [0, 1, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_least_squares_are_those_of_linear_regression(events, outputs, weighted):
    y = np.stack([events.y, events.y**2], axis=1)[:, :outputs] if outputs else events.y
    weight = events.w if weighted else None
    ours, theirs = (one.fit(events.x, y, weight) for one in (LinearRegressor(), LinearRegression()))
    for ours_, theirs_ in [
        (ours.coef_, theirs.coef_),
        (ours.intercept_, theirs.intercept_),
        (ours.predict(events.x), theirs.predict(events.x)),
    ]:
        assert np.shape(ours_) == np.shape(theirs_)
        np.testing.assert_allclose(ours_, theirs_, rtol=1e-9)


@pytest.mark.parametrize("solver", ["analytic", "gd"])
def test_l2_is_ridge(events, solver):
    z = StandardScaler().fit_transform(events.x, sample_weight=events.w)
    ours = LinearRegressor(solver, penalty=bk.L2(0.3)).fit(events.x, events.y, events.w)
    theirs = TheirRidge(alpha=0.3 * events.w.sum() / 2).fit(z, events.y, events.w)
    np.testing.assert_allclose(ours.predict(events.x), theirs.predict(z), rtol=1e-6)


def test_l1_is_the_lasso(events):
    ours = LinearRegressor("gd", penalty=bk.L1(0.6)).fit(events.x, events.y)
    theirs = Lasso(alpha=0.3, tol=1e-12).fit(events.z, events.y)
    np.testing.assert_allclose(ours.predict(events.x), theirs.predict(events.z), rtol=1e-6)
    assert np.array_equal(ours.coef_ == 0, theirs.coef_ == 0) and (ours.coef_ == 0).any()
    assert ours.fit_.converged


def test_a_quantile_is_that_of_quantile_regression(events):
    loss = bk.losses.quantile(0.9)
    ours = LinearRegressor("gd", loss).fit(events.x, events.y).predict(events.x)
    theirs = QuantileRegressor(quantile=0.9, alpha=0).fit(events.z, events.y).predict(events.z)
    cost, least = (loss.value(p, events.y).mean() for p in (ours, theirs))
    assert cost == pytest.approx(least, rel=1e-4)


@pytest.fixture(scope="module", params=[2, 3])
def classes(request):
    """Events of two or three classes that overlap, and weights."""
    x, y = make_classification(
        500,
        5,
        n_informative=4,
        n_redundant=0,
        n_classes=request.param,
        class_sep=0.5,
        random_state=2,
    )
    w = np.random.default_rng(0).uniform(0.2, 2.0, len(y))
    z = StandardScaler().fit_transform(x, sample_weight=w)
    return SimpleNamespace(x=x, z=z, y=np.array(["a", "b", "c"])[y], w=w)


@pytest.mark.parametrize("strength", [0.0, 0.02])
@pytest.mark.parametrize("loss", ["logistic", "softmax"])
def test_classes_are_those_of_logistic_regression(classes, loss, strength):
    ours = LinearClassifier(loss=loss, penalty=bk.L2(strength)).fit(classes.x, classes.y, classes.w)
    several = len(ours.classes_) > 2
    # Of two softmax outputs each has half the weights of the one logistic output.
    half = 2.0 if loss == "softmax" and not several else 1.0
    c = half / (strength * classes.w.sum()) if strength else np.inf
    theirs = LogisticRegression(C=c, tol=1e-9, max_iter=1000)
    if several and loss == "logistic":
        fits = [clone(theirs).fit(classes.z, classes.y == k, classes.w) for k in ours.classes_]
        score = np.column_stack([one.decision_function(classes.z) for one in fits])
        np.testing.assert_allclose(ours.decision_function(classes.x), score, atol=1e-5)
        return
    theirs.fit(classes.z, classes.y, classes.w)
    np.testing.assert_allclose(
        ours.predict_proba(classes.x), theirs.predict_proba(classes.z), atol=1e-5
    )
    assert np.array_equal(ours.predict(classes.x), theirs.predict(classes.z))
    assert ours.coef_.shape == theirs.coef_.shape
    assert ours.intercept_.shape == theirs.intercept_.shape


def test_scores_are_made_of_coefficients(classes):
    for loss in ("logistic", "softmax", "squared_hinge"):
        line = LinearClassifier(loss=loss).fit(classes.x, classes.y)
        score = classes.x @ line.coef_.T + line.intercept_
        told = line.decision_function(classes.x).reshape(score.shape[0], -1)
        # Softmax scores are told apart from their sum: only differences count.
        np.testing.assert_allclose(told - told[:, :1], score - score[:, :1], atol=1e-9)


# Weights, and learning on -------------------------------------------------------------------------


def data_for(estimator):
    random = np.random.default_rng(7)
    x = random.normal(size=(90, 3))
    score = x[:, 0] + random.normal(size=90)
    return x, score if is_regressor(estimator) else score > 0


def told(estimator, x):
    """All numbers of a prediction."""
    return estimator.predict(x) if is_regressor(estimator) else estimator.decision_function(x)


@pytest.mark.parametrize("estimator", named(FULL))
def test_weight_two_is_the_event_twice(estimator):
    x, y = data_for(estimator)
    twice = np.r_[np.arange(90), np.arange(30)]
    weighted = clone(estimator).fit(x, y, np.where(np.arange(90) < 30, 2.0, 1.0))
    repeated = clone(estimator).fit(x[twice], y[twice])
    np.testing.assert_allclose(told(weighted, x), told(repeated, x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("estimator", named(FULL + STOCHASTIC))
def test_weight_zero_is_no_event(estimator):
    x, y = data_for(estimator)
    weight = np.where(np.arange(90) % 3, 1.0, 0.0)
    weighted = clone(estimator).fit(np.where(weight[:, None], x, 1e6), y, weight)
    without = clone(estimator).fit(x[weight > 0], y[weight > 0], weight[weight > 0])
    assert np.array_equal(told(weighted, x), told(without, x))


@pytest.mark.parametrize("penalty", [None, bk.L2(0.1), bk.L1(0.1)])
@pytest.mark.parametrize("estimator", named(STOCHASTIC))
def test_chunks_are_one_run_in_order(estimator, penalty):
    """The same as `fit` with `shuffle=False` on all, from the first chunk's standardisation."""
    x, y = data_for(estimator)
    batch = 1 if estimator.solver == "sgd" else 15
    solver = bk.MiniBatch(rate=0.02, batch=batch, average=True, shuffle=False, epochs=1)
    chunked = clone(estimator).set_params(solver=solver, penalty=penalty)
    more = {} if is_regressor(estimator) else {"classes": [False, True]}
    for start in range(0, 90, 30):
        chunked.partial_fit(x[start : start + 30], y[start : start + 30], **more)
    X = bk.Samples(x, y, class_names=["no", "yes"] if more else [])
    line = bk.Linear().prepared(x[:30], np.ones(30), 1)
    whole = bk.fit(line, X, chunked._loss, solver, penalty=penalty)
    np.testing.assert_allclose(chunked.model_.parameters, whole.model.parameters, rtol=1e-12)
    assert chunked.history_["seen"].tolist() == [30, 60, 90] and chunked.n_iter_ == 3


@pytest.mark.parametrize("penalty", [None, bk.L2(0.1), bk.L1(0.1)])
def test_chunks_take_weights_as_they_are(penalty):
    """The same as events handed one by one, which nobody can weigh against the rest."""
    x, y = data_for(LinearRegressor())
    weight = np.linspace(0.1, 3.0, 90)
    solver = bk.StochasticGradientDescent(rate=0.02, momentum=0.5)
    chunked = LinearRegressor(solver, penalty=penalty)
    for start in range(0, 90, 30):
        stop = start + 30
        chunked.partial_fit(x[start:stop], y[start:stop], sample_weight=weight[start:stop])
    line = bk.Linear().prepared(x[:30], weight[:30], 1)
    learner = solver.online(line, bk.losses.squared, penalty=penalty)
    for event in zip(x, y, weight, strict=True):
        learner.learn(*event)
    np.testing.assert_allclose(chunked.model_.parameters, learner.model.parameters, rtol=1e-12)


def test_chunks_of_one_class_may_come():
    x, y = data_for(LinearClassifier())
    line = LinearClassifier("sgd")
    for label in (False, True):
        line.partial_fit(x[y == label], y[y == label], classes=[False, True])
    assert 0.0 < line.predict_proba(x).min() and set(line.predict(x)) == {False, True}


def test_learning_goes_on_from_a_fit():
    x, y = data_for(LinearRegressor())
    line = LinearRegressor("minibatch", epochs=2).fit(x, y)
    steps, rows = int(line.state_["step"]), len(line.history_["step"])
    line.partial_fit(x, y)
    assert int(line.state_["step"]) == steps + 2 and len(line.history_["step"]) == rows + 1
    assert not hasattr(line, "fit_") and hasattr(line.fit(x, y), "fit_")
    assert line.message_ and not hasattr(line, "rate_")


def test_partial_fit_is_there_where_the_solver_can():
    can = {"sgd", "minibatch", bk.MiniBatch(), bk.StochasticGradientDescent()}
    for solver in [*can, "analytic", "gd", bk.Analytic(), bk.GradientDescent()]:
        assert hasattr(LinearRegressor(solver), "partial_fit") == (solver in can)


# The fit beneath ----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["analytic", "gd", "sgd", "minibatch"])
@pytest.mark.parametrize("kind", [LinearRegressor, LinearClassifier])
def test_solvers_are_the_methods_of_the_line_up(kind, solver):
    x, y = data_for(kind())
    X = bk.Samples(x, y, class_names=[] if kind is LinearRegressor else ["no", "yes"])
    loss = {"loss": "squared_margin"} if solver == "analytic" and X.class_names else {}
    ours = kind(solver, random_state=3, **loss).fit(x, y)
    method = line_up(f"linear-{solver}", X)[0].train(X, seed=3, threads=1)
    assert np.array_equal(ours.model_.parameters, method.model.parameters)


def test_cuts_are_those_of_the_line_up():
    x, y = data_for(CutsClassifier())
    cuts = CutsClassifier().fit(pd.DataFrame(x, columns=["size", "width", "length"]), y)
    method = line_up("cuts", bk.Samples(x, y, class_names="01"))[0].train(
        bk.Samples(x, y, class_names="01"), seed=0, threads=1
    )
    assert np.array_equal(cuts.model_.parameters, method.model.parameters)
    assert cuts.rules_ == cuts.model_.text() and "size" in cuts.rules_


def test_ours_stand_in_a_line_up_beside_theirs(classes):
    index = np.unique(classes.y, return_inverse=True)[1]
    X = bk.Samples(classes.x, index, classes.w, class_names=sorted(set(classes.y)))
    line = LinearClassifier("sgd", epochs=2)
    alone = clone(line).set_params(random_state=3).fit(classes.x, classes.y, classes.w)
    method = line_up([line, LogisticRegression()], X)[0]
    stands = method.train(X, seed=3, threads=1).predict(classes.x)
    assert method.name == "LinearClassifier"
    np.testing.assert_allclose(stands.probability, alone.predict_proba(classes.x), rtol=1e-12)


def test_what_a_fit_tells_is_kept(events, tmp_path):
    line = LinearRegressor().fit(events.x, events.y)
    assert line.message_ == line.fit_.message and line.history_["step"].tolist() == [0, 1]
    assert line.fit_.errors().shape == (5,)
    stored = bk.load_model(bk.save_model(tmp_path / "line", line.fit_))
    assert np.array_equal(stored.predict(events.x).value, line.predict(events.x))


def test_another_seed_is_another_order(events):
    def coefficients(seed):
        line = LinearRegressor("sgd", epochs=1, random_state=seed).fit(events.x, events.y)
        return line.coef_.tolist()

    assert coefficients(1) == coefficients(1) != coefficients(2)
    assert coefficients(np.random.RandomState(4)) == coefficients(np.random.RandomState(4))
    assert coefficients(None) != coefficients(None)


def test_ctrl_c_is_handed_on(events, monkeypatch):
    found = SimpleNamespace(interrupted=True)
    monkeypatch.setattr("baksan.estimators.base.fit", lambda *_, **__: found)
    with pytest.raises(KeyboardInterrupt):
        LinearRegressor().fit(events.x, events.y)


# The tools of scikit-learn ------------------------------------------------------------------------


def test_in_a_pipeline_of_frames_under_a_grid_search(classes):
    frame = pd.DataFrame(classes.x, columns=list("abcde"))
    chain = make_pipeline(StandardScaler(), LinearClassifier()).set_output(transform="pandas")
    settings = {"linearclassifier__penalty": [bk.L2(10.0), bk.L2(1e-3), None]}
    search = GridSearchCV(chain, settings, scoring="neg_log_loss", cv=3).fit(frame, classes.y)
    assert search.best_params_["linearclassifier__penalty"] != bk.L2(10.0)
    best = search.best_estimator_[-1]
    assert best.feature_names_in_.tolist() == list("abcde") and best.n_features_in_ == 5
    assert best.fit_.problem.X.names == tuple("abcde")


@pytest.mark.slow
def test_cross_validation_on_two_processes_gives_the_same(events):
    line = LinearRegressor("sgd", epochs=2)
    alone, together = (
        cross_val_score(line, events.x, events.y, cv=3, n_jobs=jobs) for jobs in (1, 2)
    )
    assert np.array_equal(alone, together)


def test_settings_and_their_picture():
    line = LinearClassifier("minibatch", penalty=bk.L1(0.1), batch=8)
    other = clone(line).set_params(epochs=3)
    assert other.get_params() == {**line.get_params(), "epochs": 3}
    assert repr(line) == "LinearClassifier(batch=8, penalty=L1(strength=0.1), solver='minibatch')"
    assert "LinearClassifier" in line._repr_html_()
    assert is_classifier(line) and is_regressor(LinearRegressor())


def test_weights_are_routed(classes):
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        line = LinearClassifier().set_fit_request(sample_weight=True)
        chain = make_pipeline(scaler, line.set_score_request(sample_weight=True))
        runs = cross_validate(
            chain, classes.x, classes.y, cv=3, params={"sample_weight": classes.w},
            return_estimator=True, return_indices=True,
        )  # fmt: skip
    for fitted, rows in zip(runs["estimator"], runs["indices"]["train"], strict=True):
        z = fitted[0].transform(classes.x)
        alone = LinearClassifier().fit(z[rows], classes.y[rows], classes.w[rows])
        assert np.array_equal(fitted[1].coef_, alone.coef_)


@pytest.mark.parametrize("estimator", named([LinearClassifier(loss="hinge"), CutsClassifier()]))
def test_scores_become_probabilities_by_calibration(estimator):
    x, y = data_for(estimator)
    assert not hasattr(estimator, "predict_proba")
    probability = CalibratedClassifierCV(estimator, cv=3).fit(x, y).predict_proba(x)
    np.testing.assert_allclose(probability.sum(axis=1), 1.0)
    assert (probability.argmax(axis=1) == y).mean() > 0.7


def test_one_against_the_rest_of_theirs_is_ours(classes):
    ours = LinearClassifier(penalty=bk.L2(0.01))
    wrapped = OneVsRestClassifier(ours).fit(classes.x, classes.y)
    alone = clone(ours).fit(classes.x, classes.y)
    np.testing.assert_allclose(
        wrapped.decision_function(classes.x), alone.decision_function(classes.x), atol=1e-5
    )


@pytest.mark.parametrize("estimator", named([LinearRegressor(), CutsClassifier(), *STOCHASTIC]))
def test_copies_hold_the_model_and_no_events(estimator):
    x, y = data_for(estimator)
    fitted = clone(estimator).fit(x, y)
    before = told(fitted, x)
    for other in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        assert np.array_equal(told(other, x), before)
        assert not hasattr(other, "fit_") and other.message_ == fitted.message_
    if hasattr(fitted, "partial_fit"):
        assert np.array_equal(
            told(copy.deepcopy(fitted).partial_fit(x, y), x), told(fitted.partial_fit(x, y), x)
        )


@pytest.mark.parametrize(
    "estimator", named([LinearRegressor(), LinearClassifier(), CutsClassifier()])
)
def test_skops_keeps_a_pipeline(estimator, tmp_path):
    x, y = data_for(estimator)
    chain = make_pipeline(StandardScaler(), clone(estimator)).fit(x, y)
    skops.io.dump(chain, tmp_path / "chain.skops")
    types = skops.io.get_untrusted_types(file=tmp_path / "chain.skops")
    assert types == [f"{type(estimator).__module__}.{type(estimator).__name__}"]
    again = skops.io.load(tmp_path / "chain.skops", trusted=types)
    assert np.array_equal(told(again, x), told(chain, x))


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("scale", np.ones(1), "scale must be 4 numbers above 0"),
        ("scale", np.zeros(4), "scale must be 4 numbers above 0"),
        ("centre", np.ones(9), "scale must be 9 numbers above 0"),
        ("centre", np.array(["a", "b", "c", "d"]), "centre must be finite numbers"),
        ("parameters", np.ones(3), "needs 5 parameters; there are 3"),
        ("parameters", np.full(5, np.nan), "parameters must be finite numbers"),
        ("standardise", 1, "standardise must be true or false"),
        ("outputs", 10**12, "needs 5000000000000 parameters; there are 5"),
    ],
)
def test_a_model_whose_parts_do_not_fit_is_refused(events, part, value, said):
    line = LinearRegressor().fit(events.x, events.y)
    state = line.__getstate__()
    state["model_"][part] = value
    with pytest.raises(ValueError, match=said):
        LinearRegressor().__setstate__(state)


# One sentence -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "sentence"),
    [
        (
            LinearRegressor("adam"),
            "solver must be a Solver or one of analytic, gd, sgd, minibatch; 'adam' came.",
        ),
        (
            LinearRegressor(loss="logistic"),
            "loss must be a Loss or one of squared, absolute, huber, quantile, gaussian,"
            " distance, von_mises_fisher; 'logistic' came.",
        ),
        (
            LinearRegressor(loss=bk.losses.logistic),
            "logistic is a loss for classification, the answers are for regression. Take one of"
            " squared, absolute, huber, quantile, gaussian, distance, von_mises_fisher.",
        ),
        (
            LinearRegressor(rate=0.1),
            "the solver 'analytic' takes no settings here; rate=0.1 came. Leave it out, or take"
            " another solver.",
        ),
        (
            LinearRegressor("sgd", batch=5),
            "the solver 'sgd' takes rate and epochs here; batch=5 came. Leave it out, or take"
            " another solver.",
        ),
        (LinearRegressor("gd", rate=-1.0), "rate must be positive; it is -1.0."),
        (LinearRegressor("minibatch", batch=0), "batch must be a whole number from 1; it is 0."),
        (
            LinearRegressor(loss="absolute"),
            "Analytic needs a squared loss, whose minimum has a closed form: squared, or"
            " squared_margin for classes; this is absolute. Take a descent.",
        ),
        (LinearRegressor(random_state=-1), "the seed must be 0 or more; it is -1."),
        (
            LinearClassifier("analytic"),
            "Analytic needs a squared loss, whose minimum has a closed form: squared, or"
            " squared_margin for classes; this is logistic. Take a descent.",
        ),
        (CutsClassifier(share=0.9), "share must be above 0 and at most 0.5; it is 0.9. Small is"
         " patient."),
    ],
)  # fmt: skip
def test_wrong_settings_are_told_in_one_sentence(estimator, sentence):
    x, y = data_for(estimator)
    with pytest.raises(ValueError) as told:
        estimator.fit(x, y)
    assert str(told.value) == sentence


def test_a_penalty_is_l1_or_l2(events):
    with pytest.raises(TypeError, match=r"a penalty is L1\(λ\) or L2\(λ\); 'l2' came."):
        LinearRegressor(penalty="l2").fit(events.x, events.y)


def test_classes_are_named_when_learning_begins():
    x, y = data_for(LinearClassifier())
    with pytest.raises(ValueError, match="needs all classes that will come, at least two; None"):
        LinearClassifier("sgd").partial_fit(x, y)
    line = LinearClassifier("sgd").partial_fit(x, y, classes=[0, 1])
    with pytest.raises(ValueError, match="knows the classes 0, 1; 2 came."):
        line.partial_fit(x, y + 2)


def test_answers_of_another_width_are_refused_and_change_nothing():
    x, y = data_for(LinearRegressor())
    line = LinearRegressor("sgd").partial_fit(x, y)
    before = line.predict(x)
    with pytest.raises(ValueError, match="the model has 1 outputs, the answers have 2"):
        line.partial_fit(x, np.column_stack([y, y]))
    assert np.array_equal(line.predict(x), before)


def test_what_did_not_converge_is_warned_of(events):
    with pytest.warns(ConvergenceWarning, match="the budget of 3 steps is spent"):
        LinearRegressor("gd", epochs=3).fit(events.x, events.y)
    with pytest.warns(ConvergenceWarning, match="is above .* Q grows; try"):
        LinearRegressor(bk.GradientDescent(rate=9.0)).fit(events.x, events.y)
