"""Networks as estimators: scikit-learn's own checks, chunks, what is told, copies and files.

`python -m pytest tests/test_estimators_network.py -k counts -s` prints the counts of the checks.
"""

import copy
import pickle
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import make_friedman1, make_moons
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import baksan as bk
from baksan.estimators import LinearRegressor, NetworkClassifier, NetworkRegressor
from baksan.solvers.schedules import Constant, Cosine
from baksan.train.lineup import line_up

WEIGHTS = "check_sample_weight_equivalence_on_dense_data"
EXEMPT = {WEIGHTS: "weight 2 is one longer slope, not two steps; scikit-learn's SGD is exempt"}
QUICK = bk.Adam(0.01, batch=16, epochs=30, way="generic")
FULL = bk.GradientDescent(0.2, steps=60, momentum=0.8, way="generic")
STOCHASTIC = [NetworkRegressor((8,), solver=QUICK), NetworkClassifier((8,), solver=QUICK)]
EXACT = [
    NetworkRegressor((8,), "tanh", solver=FULL),
    NetworkClassifier((8,), "tanh", solver=FULL),
]
KINDS = [NetworkRegressor, NetworkClassifier]


def named(estimators):
    return [pytest.param(estimator, id=repr(estimator)[:27]) for estimator in estimators]


def data_for(estimator, n=90):
    random = np.random.default_rng(7)
    x = random.normal(size=(n, 3))
    score = x[:, 0] ** 2 - 1 + 0.3 * random.normal(size=n)
    return x, score if is_regressor(estimator) else score > 0


def told(estimator, x):
    """All numbers of a prediction."""
    return estimator.predict(x) if is_regressor(estimator) else estimator.decision_function(x)


# What scikit-learn checks -------------------------------------------------------------------------


def counted(estimator, monkeypatch, exempt):
    """The counts, printed; only checks that are exempt may fail."""
    # One check is skipped where scikit-learn, which looks each time it is asked, finds this unset.
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    checks = check_estimator(estimator, expected_failed_checks=exempt, on_skip=None, on_fail=None)
    found = Counter(check["status"] for check in checks)
    solver = getattr(estimator.solver, "name", estimator.solver)
    print(
        f"\n{type(estimator).__name__}, {solver}: {found['passed']} passed,"
        f" {found['failed']} failed, {found['xfail']} exempt, {found['skipped']} skipped",
        end="",
    )
    unmet = {c["check_name"]: c["exception"] for c in checks if c["status"] != "passed"}
    assert set(unmet) == set(exempt), unmet
    assert found["passed"] + found["xfail"] == len(checks) >= 60


@pytest.mark.parametrize("estimator", named(STOCHASTIC))
def test_counts_of_scikit_learns_checks(estimator, monkeypatch):
    counted(estimator, monkeypatch, EXEMPT)


@pytest.mark.parametrize("estimator", named(EXACT))
def test_counts_of_scikit_learns_checks_without_exemption(estimator, monkeypatch):
    """Steps on all events know no difference between weight 2 and the event twice."""
    counted(estimator, monkeypatch, {})


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_counts_of_scikit_learns_checks_of_what_nobody_has_set(kind, monkeypatch):
    counted(kind(), monkeypatch, EXEMPT)


@pytest.mark.slow
def test_as_good_as_scikit_learns_networks():
    shape = {"hidden_layer_sizes": (64, 64)}
    for ours, theirs, (x, y) in [
        (NetworkRegressor(), MLPRegressor(), make_friedman1(900, random_state=0)),
        (NetworkClassifier(), MLPClassifier(), make_moons(900, noise=0.3, random_state=0)),
    ]:
        theirs = make_pipeline(
            StandardScaler(), theirs.set_params(max_iter=600, random_state=0, **shape)
        )
        score, level = (one.fit(x[:300], y[:300]).score(x[300:], y[300:]) for one in (ours, theirs))
        assert score > level - 0.03


# Weights, and learning on -------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", named(STOCHASTIC + EXACT))
def test_weight_zero_is_no_event(estimator):
    x, y = data_for(estimator)
    weight = np.where(np.arange(90) % 3, 1.0, 0.0)
    weighted = clone(estimator).fit(np.where(weight[:, None], x, 1e6), y, weight)
    without = clone(estimator).fit(x[weight > 0], y[weight > 0], weight[weight > 0])
    assert np.array_equal(told(weighted, x), told(without, x))


@pytest.mark.parametrize("estimator", named(EXACT))
def test_weight_two_is_the_event_twice(estimator):
    x, y = data_for(estimator)
    twice = np.r_[np.arange(90), np.arange(30)]
    weighted = clone(estimator).fit(x, y, np.where(np.arange(90) < 30, 2.0, 1.0))
    repeated = clone(estimator).fit(x[twice], y[twice])
    np.testing.assert_allclose(told(weighted, x), told(repeated, x), rtol=1e-8, atol=1e-8)


def in_chunks(estimator, x, y, weight=None):
    """Learned from in three chunks."""
    more = {} if is_regressor(estimator) else {"classes": [False, True]}
    for start in range(0, 90, 30):
        chunk = slice(start, start + 30)
        w = None if weight is None else weight[chunk]
        estimator.partial_fit(x[chunk], y[chunk], sample_weight=w, **more)
    return estimator


@pytest.mark.parametrize(
    ("solver", "way"),
    [(bk.AdamW, "generic"), (bk.RMSprop, "generic"), (bk.MiniBatch, "generic"),
     (bk.AdamW, "compiled")],
)  # fmt: skip
@pytest.mark.parametrize("kind", KINDS)
def test_chunks_are_one_run_in_order(kind, solver, way):
    """The same as `fit` with `shuffle=False` on all, from the first chunk's beginning.

    Weights have mean 1 over all events and not in each chunk, which take them as they are.
    """
    if way == "compiled":
        pytest.importorskip("jax")
    solver = solver(0.02, batch=15, shuffle=False, epochs=1, way=way)
    net = kind((8,), "tanh", solver, penalty=bk.L2(0.1), dropout=0.2, random_state=3)
    x, y = data_for(net)
    weight = np.linspace(0.5, 1.5, 90)
    chunked = in_chunks(net, x, y, weight)
    names = [] if kind is NetworkRegressor else ["no", "yes"]
    first = bk.Samples(x[:30], y[:30], weight[:30], class_names=names)
    begun = net._begun(first, net.parts(first), 3)
    X = bk.Samples(x, y, weight, class_names=names)
    whole = bk.fit(begun, X, chunked._loss, solver, penalty=net.penalty, seed=3)
    np.testing.assert_allclose(chunked.model_.parameters, whole.model.parameters, rtol=1e-9)
    assert chunked.history_["seen"].tolist() == [30, 60, 90] and chunked.n_iter_ == 3


@pytest.mark.parametrize("kind", KINDS)
def test_chunk_after_chunk_learns(kind):
    net = kind((16,), solver=bk.Adam(0.01, batch=30, way="generic"))
    x, y = data_for(net)
    for _ in range(60):
        in_chunks(net, x, y)
    assert net.score(x, y) > 0.9


def test_chunks_of_one_class_may_come():
    x, y = data_for(NetworkClassifier())
    net = NetworkClassifier((8,), solver=QUICK)
    for label in (False, True) * 20:
        net.partial_fit(x[y == label], y[y == label], classes=[False, True])
    assert 0.0 < net.predict_proba(x).min() and set(net.predict(x)) == {False, True}


def test_learning_goes_on_from_a_fit():
    x, y = data_for(NetworkRegressor())
    net = NetworkRegressor((8,), solver=QUICK).fit(x, y)
    steps, rows = int(net.state_["step"]), len(net.history_["step"])
    net.partial_fit(x, y)
    assert int(net.state_["step"]) == steps + 6 and len(net.history_["step"]) == rows + 1
    assert not hasattr(net, "fit_") and hasattr(net.fit(x, y), "fit_")


def test_partial_fit_is_there_where_the_solver_can():
    can = ["adam", "adamw", "rmsprop", "sgd", "minibatch", QUICK]
    for solver in [*can, "gd", "lbfgs", FULL]:
        assert hasattr(NetworkRegressor(solver=solver), "partial_fit") == (solver in can)


# What is told -------------------------------------------------------------------------------------


def noisy(n=2_000):
    """An answer whose spread is 0.1 + 0.2 (1 + x)."""
    random = np.random.default_rng(3)
    x = random.uniform(-1, 1, (n, 1))
    spread = 0.1 + 0.2 * (1 + x[:, 0])
    return x, 50 + np.sin(3 * x[:, 0]) + spread * random.normal(size=n), spread


def test_gaussian_tells_the_spread():
    x, y, spread = noisy()
    net = NetworkRegressor((16,), "tanh", loss="gaussian", rate=Cosine(0.02), batch=64, epochs=60)
    value, told = net.fit(x, y).predict(x, return_std=True)
    assert np.array_equal(value, net.predict(x)) and value.shape == told.shape == y.shape
    assert np.abs(np.log(told / spread)).mean() < 0.1
    assert np.sqrt(np.mean((value - 50 - np.sin(3 * x[:, 0])) ** 2)) < 0.06


def test_a_line_tells_the_spread_too():
    random = np.random.default_rng(0)
    x = random.normal(size=(500, 2))
    y = x @ [1.0, 2.0] + 0.5 * random.normal(size=500)
    told = LinearRegressor("gd", "gaussian", rate=0.2).fit(x, y).predict(x, return_std=True)[1]
    assert told.mean() == pytest.approx(0.5, rel=0.1)


def test_quantiles_cover_their_share():
    x, y, _ = noisy()
    loss = bk.losses.quantile(0.1, 0.5, 0.9)
    net = NetworkRegressor((16,), "tanh", loss=loss, rate=Cosine(0.02), batch=64, epochs=60)
    net.fit(x, y)
    quantiles = net.predict_quantiles(x)
    assert quantiles.shape == (len(y), 3) and np.array_equal(net.predict(x), quantiles[:, 1])
    np.testing.assert_allclose((y[:, None] < quantiles).mean(axis=0), [0.1, 0.5, 0.9], atol=0.03)
    assert not hasattr(NetworkRegressor(), "predict_quantiles")


def test_several_answers_of_any_unit():
    x, y = data_for(NetworkRegressor())
    both = 1e6 * np.column_stack([y, x[:, 1]]) + 1e7
    net = NetworkRegressor((16,), solver=bk.Adam(0.02, batch=15, epochs=60, way="generic"))
    assert net.fit(x, both).predict(x).shape == (90, 2)
    assert net.score(x, both) > 0.9
    assert clone(net).fit(x, both[:, :1]).predict(x).shape == (90, 1)


@pytest.mark.parametrize(("classes", "loss"), [(2, "logistic"), (3, "softmax")])
def test_the_loss_of_classes_goes_by_their_number(classes, loss):
    x, _ = data_for(NetworkClassifier())
    y = np.array(["a", "b", "c"])[np.argsort(np.argsort(x[:, 0])) * classes // 90]
    net = NetworkClassifier((16,), solver=QUICK).fit(x, y)
    probability = net.predict_proba(x)
    assert net.fit_.problem.loss.name == net._loss.name == loss and net.score(x, y) > 0.9
    np.testing.assert_allclose(probability.sum(axis=1), 1.0)
    assert np.array_equal(net.classes_[probability.argmax(axis=1)], net.predict(x))
    X = bk.Samples(x, np.searchsorted(net.classes_, y), class_names=list(net.classes_))
    assert clone(net).parts(X).loss.name == loss


def test_only_losses_that_tell_probabilities_have_some():
    assert hasattr(NetworkClassifier(), "predict_proba")
    assert not hasattr(NetworkClassifier(loss="hinge"), "predict_proba")


# The fit beneath ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_bk_fit(kind):
    x, y = data_for(kind())
    names = [] if kind is NetworkRegressor else ["no", "yes"]
    net = kind(
        [8, 8], "silu", "adamw", rate=Cosine(0.01), batch=30, epochs=4, decay=0.2, random_state=5,
        residual=True, normalise="layer", inputs="quantile", penalty=bk.L1(0.01),
    ).fit(x, y)  # fmt: skip
    model = bk.Network((8, 8), "silu", True, "layer", inputs="quantile", precision="float64")
    loss = bk.losses.logistic if names else bk.losses.squared
    solver = bk.AdamW(Cosine(0.01), batch=30, epochs=4, decay=0.2)
    X = bk.Samples(x, y, class_names=names)
    alone = bk.fit(model, X, loss, solver, penalty=bk.L1(0.01), seed=5)
    assert np.array_equal(net.model_.parameters, alone.model.parameters)
    assert net.message_ == alone.message and net.n_iter_ == 4
    assert set(net.history_) == set(alone.history.to_dict())


def test_named_solvers_see_about_a_million_events():
    def of(n, **settings):
        return NetworkRegressor(**settings).parts(bk.Samples(np.zeros((n, 1)), np.zeros(n))).solver

    for n, batch, epochs in [(1, 1, 200), (20, 16, 200), (2_000, 32, 200), (50_000, 256, 20)]:
        assert (of(n).batch, of(n).epochs) == (batch, epochs)
    assert of(500, solver="sgd").batch == 1 and of(500, solver="gd").batch is None
    assert of(500, solver="adamw").decay == 0.01 and of(500, solver="adamw", decay=0.1).decay == 0.1


def test_ours_stand_in_a_line_up_beside_theirs():
    x, y = data_for(NetworkClassifier())
    net = NetworkClassifier((8,), solver=QUICK, random_state=3)
    X = bk.Samples(x, y.astype(int), class_names=["no", "yes"])
    method = line_up([net, MLPClassifier()], X)[0]
    stands = method.train(X, seed=3, threads=1).predict(x)
    assert method.name == "NetworkClassifier"
    np.testing.assert_allclose(stands.probability, net.fit(x, y).predict_proba(x), rtol=1e-12)


def test_another_seed_is_another_network():
    x, y = data_for(NetworkRegressor())

    def answers(seed):
        return NetworkRegressor((8,), solver=QUICK, random_state=seed).fit(x, y).predict(x).tolist()

    assert answers(1) == answers(1) != answers(2)
    assert answers(np.random.RandomState(4)) == answers(np.random.RandomState(4))
    assert answers(None) != answers(None)


# Patience -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_patience_waits_on_events_that_are_held_back(kind):
    solver = bk.Adam(0.03, batch=16, epochs=400, patience=5, way="generic")
    net = kind((32,), solver=solver, held_back=0.25)
    x, y = data_for(net, 200)
    flip = np.random.default_rng(1).permutation(200) < 60
    y = np.where(flip, y[::-1], y)  # noise, so that it can learn too much
    net.fit(x, y)
    assert "has not fallen" in net.message_ and net.n_iter_ < 400
    assert len(net.fit_.problem.X) == 150
    names = ["no", "yes"] if is_classifier(net) else []
    _, held = net._held_back(bk.Samples(x, y, class_names=names), solver, 0)
    assert len(held) == 50
    best = bk.Q(net.model_, held, net._loss)
    assert best == pytest.approx(net.fit_.state.best_loss) and best < net.history_["validation"][0]


def test_what_is_held_back_is_a_share_of_each_class():
    y = np.repeat([0, 1, 2], [100, 50, 10])
    X = bk.Samples(np.arange(160.0)[:, None], y, class_names="abc")
    net = NetworkClassifier(patience=3)
    kept, held = net._held_back(X, net.parts(X).solver, 7)
    assert np.bincount(held.answers).tolist() == [10, 5, 1] and len(kept) == 144
    assert sorted([*kept.x[:, 0], *held.x[:, 0]]) == list(range(160))
    other = net._held_back(X, net.parts(X).solver, 8)[1]
    assert not np.array_equal(held.x, other.x)


# The tools of scikit-learn ------------------------------------------------------------------------


def test_in_a_pipeline_of_frames_under_a_grid_search():
    x, y = data_for(NetworkClassifier())
    chain = make_pipeline(StandardScaler(), NetworkClassifier(solver=QUICK))
    chain.set_output(transform="pandas")
    settings = {"networkclassifier__hidden": [(), (16,)]}
    search = GridSearchCV(chain, settings, scoring="neg_log_loss", cv=3)
    search.fit(pd.DataFrame(x, columns=list("abc")), y)
    assert search.best_params_["networkclassifier__hidden"] == (16,)
    assert search.best_estimator_[-1].feature_names_in_.tolist() == list("abc")


def test_settings_and_their_picture():
    net = NetworkClassifier([8], penalty=bk.L1(0.1), batch=8)
    assert clone(net).set_params(epochs=3).get_params() == {**net.get_params(), "epochs": 3}
    assert repr(net) == "NetworkClassifier(batch=8, hidden=[8], penalty=L1(strength=0.1))"
    assert is_classifier(net) and is_regressor(NetworkRegressor())


@pytest.mark.parametrize("estimator", named(STOCHASTIC))
def test_copies_hold_the_model_and_no_events(estimator):
    x, y = data_for(estimator)
    fitted = clone(estimator).set_params(inputs="quantile", normalise="batch").fit(x, y)
    before = told(fitted, x)
    for other in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        assert np.array_equal(told(other, x), before)
        assert not hasattr(other, "fit_") and other.message_ == fitted.message_
    again = copy.deepcopy(fitted).partial_fit(x, y)
    assert np.array_equal(told(again, x), told(fitted.partial_fit(x, y), x))


@pytest.mark.parametrize("kind", KINDS)
def test_skops_keeps_a_pipeline(kind, tmp_path):
    net = kind((8,), batch=30, epochs=2, inputs="quantile", penalty=bk.L2(0.1))
    x, y = data_for(net)
    chain = make_pipeline(StandardScaler(), net).fit(x, y)
    skops.io.dump(chain, tmp_path / "chain.skops")
    types = skops.io.get_untrusted_types(file=tmp_path / "chain.skops")
    assert types == [f"baksan.estimators.network.{kind.__name__}", "baksan.losses.base.L2"]
    assert set(types) <= set(bk.store.model.TRUSTED)
    again = skops.io.load(tmp_path / "chain.skops", trusted=types)
    assert np.array_equal(told(again, x), told(chain, x))


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("parameters", np.ones(3), "parameters must be 41 finite numbers"),
        ("parameters", np.full(41, np.nan), "parameters must be 41 finite numbers"),
        ("offset", np.ones(2), "offset must be 1 finite numbers"),
        ("hidden", (10**9, 10**9), "parameters must be 1000000006000000001 finite numbers"),
        ("hidden", "ab", "hidden layers need whole numbers"),
        ("activation", "cos", "activation must be one of"),
        ("outputs", 0, "needs features and outputs"),
        ("encoding", {"centre": np.zeros(3), "scale": np.zeros(3)}, "3 numbers above 0"),
        ("encoding", {"centre": "abc", "scale": [1], "knots": None}, "must be finite numbers"),
        ("encoding", 5, "needs its encoding as arrays by name"),
    ],
)
def test_a_model_whose_parts_do_not_fit_is_refused(part, value, said):
    x, y = data_for(NetworkRegressor())
    state = NetworkRegressor((8,), solver=QUICK).fit(x, y).__getstate__()
    state["model_"][part] = value
    with pytest.raises(ValueError, match=said):
        NetworkRegressor().__setstate__(state)


# One sentence -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "sentence"),
    [
        (
            NetworkRegressor(solver="analytic"),
            "solver must be a Solver or one of adam, adamw, rmsprop, gd, sgd, minibatch;"
            " 'analytic' came.",
        ),
        (
            NetworkRegressor(loss="logistic"),
            "loss must be a Loss or one of squared, absolute, huber, quantile, gaussian,"
            " distance, von_mises_fisher; 'logistic' came.",
        ),
        (
            NetworkRegressor(solver="gd", batch=5),
            "the solver 'gd' takes rate, epochs, decay and patience here; batch=5 came. Leave it"
            " out, or take another solver.",
        ),
        (
            NetworkRegressor(solver=QUICK, patience=3),
            f"the solver {QUICK!r} takes no settings here; patience=3 came. Leave it out, or take"
            " another solver.",
        ),
        (
            NetworkRegressor(hidden=0),
            "hidden layers need whole numbers of neurons from 1, such as (64, 64); 0 came.",
        ),
        (NetworkClassifier(dropout=1), "dropout must be at least 0 and below 1; it is 1."),
        (NetworkRegressor(rate=-1.0), "rate must be positive; it is -1.0."),
        (
            NetworkRegressor(patience=3, held_back=1.5),
            "patience waits on events that are held back, a share between 0 and 1 that leaves some"
            " of 90 on either side; held_back is 1.5.",
        ),
    ],
)
def test_wrong_settings_are_told_in_one_sentence(estimator, sentence):
    x, y = data_for(estimator)
    with pytest.raises(ValueError) as said:
        estimator.fit(x, y)
    assert str(said.value) == sentence


def test_the_spread_is_told_by_gaussian_only():
    x, y = data_for(NetworkRegressor())
    net = NetworkRegressor((8,), solver=QUICK).fit(x, y)
    with pytest.raises(ValueError, match="return_std needs .*; squared does not"):
        net.predict(x, return_std=True)


def test_chunks_need_a_rate_that_knows_no_last_step():
    x, y = data_for(NetworkRegressor())
    net = NetworkRegressor((8,), rate=Cosine(0.01))
    with pytest.raises(ValueError, match="needs its number of steps"):
        net.partial_fit(x, y)
    net.set_params(rate=Constant(0.01), solver="adam").partial_fit(x, y)
    assert net.n_iter_ == 1
