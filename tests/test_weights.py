"""Weights in training: weight 2 is the event twice, weight 0 no event, weights +1 and −1 cancel.

The figures of merit are held to the same laws in test_weights_in_figures.py.
"""

import numpy as np
import pytest
from tests.problems import LOSSES, samples_for
from tests.runs import events
from tests.sweights import decays

import baksan as bk
from baksan import losses
from baksan.models.cuts import Cuts
from baksan.samples import Samples
from baksan.solvers.cuts import CutSearch
from baksan.stream import Stream
from baksan.train.lineup import Theirs, line_up

SMOOTH = [
    losses.squared, losses.huber(0.7), losses.squared_hinge, losses.squared_margin,
    losses.logistic, losses.softmax, losses.margin,
]  # fmt: skip
BENT = [loss for loss in LOSSES if loss.name not in {known.name for known in SMOOTH}]
WAYS = ["generic", "python", "compiled"]


def names(loss):
    return loss.name


def weighted_as(X, weight):
    return Samples(X.x, X.y, weight, class_names=X.class_names)


def doubled(X):
    """Each event with weight 2 where the other of the pair has it twice; one of weight 0."""
    twice = np.arange(len(X)) % 3 == 0
    absent = np.arange(len(X)) == len(X) - 1
    weight = np.where(absent, 0.0, np.where(twice, 2.0, 1.0))
    rows = np.repeat(np.arange(len(X)), weight.astype(int))
    return weighted_as(X, weight), Samples(X.x[rows], X.y[rows], class_names=X.class_names)


def with_pairs(X, many=3):
    """The same events, and further ones twice: with weight +w and with −w."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(many, X.x.shape[1])) * 3
    y = rng.normal(size=many) * 9 if not X.class_names else np.arange(many) % len(X.class_names)
    w = rng.uniform(0.1, 0.5, many)
    parts = [X.x, x, x], [X.y, y, y], [X.w, w, -w]
    x, y, w = (np.concatenate(part) for part in parts)
    order = rng.permutation(len(x))
    return Samples(x[order], y[order], w[order], class_names=X.class_names)


def weights(X, loss, solver, model=None, **how):
    return bk.fit(model or bk.Linear(), X, loss, solver, **how).model.parameters


def steps(loss, way="auto", **how):
    """Full steps of a length that does not depend on the events."""
    return bk.GradientDescent(rate=0.02, steps=20, way=way, **how)


# Weight 2 is the event twice ----------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("loss", LOSSES, ids=names)
def test_full_steps_on_weight_two_are_those_on_the_event_twice(loss, way):
    one, two = doubled(samples_for(loss, 20))
    found = [weights(X, loss, steps(loss, way)) for X in (one, two)]
    np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES, ids=names)
def test_a_batch_of_all_events_is_a_full_step(loss):
    one, two = doubled(samples_for(loss, 20))
    found = [
        weights(X, loss, bk.MiniBatch(rate=0.02, batch=len(X), epochs=20, shuffle=False))
        for X in (one, two)
    ]
    np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES, ids=names)
def test_a_step_on_an_event_of_weight_two_is_twice_as_long(loss):
    """The events of SGD come one by one, so that twice the event is another step from elsewhere."""
    X = samples_for(loss, 6)
    start = bk.Linear().prepared(X.x, X.w, loss.outputs(X.y, len(X.class_names)))
    found = []
    for rate, weight in ((0.01, 2.0), (0.02, 1.0)):
        learner = bk.StochasticGradientDescent(rate=rate).online(start, loss)
        for x, y in zip(X.x, X.y, strict=True):
            learner.learn(x, y, weight)
        found.append(learner.model.parameters)
    np.testing.assert_allclose(*found, rtol=1e-12)


@pytest.mark.parametrize("loss", [losses.squared, losses.logistic], ids=names)
@pytest.mark.parametrize("batch", [1, 16])
def test_noisy_descents_find_the_minimum_of_the_weighted_events(loss, batch):
    one, two = doubled(samples_for(loss, 60))
    solver = bk.MiniBatch(batch=batch, epochs=400, average=True)
    exact = weights(one, loss, bk.GradientDescent(steps=4000))
    for X in (one, two):
        np.testing.assert_allclose(weights(X, loss, solver), exact, atol=0.05, rtol=0.05)


@pytest.mark.parametrize("penalty", [None, bk.L2(0.3)])
@pytest.mark.parametrize("loss", [losses.squared, losses.squared_margin], ids=names)
def test_least_squares_on_weight_two(loss, penalty):
    one, two = doubled(samples_for(loss, 20))
    found = [bk.fit(bk.Linear(), X, loss, bk.Analytic(), penalty=penalty) for X in (one, two)]
    np.testing.assert_allclose(*[f.model.parameters for f in found], rtol=1e-11)
    assert found[0].loss == pytest.approx(found[1].loss)


def test_the_ridge_path_on_weight_two():
    one, two = doubled(samples_for(losses.squared, 20))
    found = [bk.ridge_path(X, [0.01, 1.0]).weights for X in (one, two)]
    np.testing.assert_allclose(*found, rtol=1e-11)


def test_cuts_on_weight_two():
    one, two = doubled(events(120))
    found = [weights(X, losses.zero_one, CutSearch(), Cuts()) for X in (one, two)]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("classes", [0, 2])
def test_every_line_of_the_line_up_on_weight_two(classes):
    one, two = doubled(events(120, classes))
    for method in line_up("linear", one):
        values = []
        for X in (one, two):
            told = method.train(X, seed=0, threads=1).predict(one.x[:20])
            values.append(told.value if classes == 0 else told.score)
        close = 1e-5 if method.name in ("linear-analytic", "linear-gd") else 0.1
        np.testing.assert_allclose(*values, rtol=close, atol=close)


@pytest.mark.parametrize("classes", [0, 2])
def test_trees_and_forests_on_weight_two(classes):
    """By construction: trees bin the values by rows, keep 20 rows a leaf, and forests draw events
    at random, so that by default twice the event is the same in the mean alone.
    """
    from sklearn import ensemble

    X = events(90, classes)
    one, two = doubled(Samples(np.round(X.x), X.y, class_names=X.class_names))
    ending = "Classifier" if classes else "Regressor"
    boosted = getattr(ensemble, f"HistGradientBoosting{ending}")(min_samples_leaf=1)
    forest = getattr(ensemble, f"RandomForest{ending}")(3, bootstrap=False, max_features=None)
    for estimator in (boosted, forest):
        method = Theirs("theirs", estimator)
        told = [method.train(X, seed=0, threads=1).predict(one.x[:-1]) for X in (one, two)]
        values = [t.value if classes == 0 else t.probability[:, 1] for t in told]
        np.testing.assert_allclose(*values, rtol=1e-6, atol=1e-6)


# Weights +1 and −1 cancel -------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("loss", SMOOTH, ids=names)
def test_full_steps_do_not_see_events_that_cancel(loss, way):
    X = samples_for(loss, 40)
    for more in ({}, {"momentum": 0.5}):
        found = [weights(Y, loss, steps(loss, way, **more)) for Y in (X, with_pairs(X))]
        np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", SMOOTH, ids=names)
def test_the_three_ways_take_the_same_steps_on_negative_weights(loss):
    X = with_pairs(samples_for(loss, 30))
    for batch in (1, 4):
        found = [
            bk.fit(bk.Linear(), X, loss, bk.MiniBatch(rate=0.01, batch=batch, epochs=2, way=way))
            for way in WAYS
        ]
        for other in found[1:]:
            np.testing.assert_allclose(
                other.model.parameters, found[0].model.parameters, rtol=1e-9, atol=1e-12
            )
            assert other.state.loss == pytest.approx(found[0].state.loss)


@pytest.mark.parametrize("loss", [losses.squared, losses.huber(0.7), losses.logistic], ids=names)
@pytest.mark.parametrize("batch", [1, 16])
def test_noisy_descents_go_where_full_steps_go(loss, batch):
    X = with_pairs(samples_for(loss, 200), 30)
    assert 0 < X.negative_share < 0.1
    full = bk.GradientDescent(momentum=0.9, nesterov=True, steps=3000, gradient_tolerance=1e-9)
    exact = bk.fit(bk.Linear(), X, loss, full, penalty=bk.L2(0.1))
    assert exact.converged, exact.message
    noisy = bk.MiniBatch(batch=batch, epochs=300, average=True)
    found = bk.fit(bk.Linear(), X, loss, noisy, penalty=bk.L2(0.1))
    assert found.loss == pytest.approx(exact.loss, abs=2e-3 * (1 + abs(exact.loss)))


@pytest.mark.parametrize("penalty", [None, bk.L2(0.3)])
@pytest.mark.parametrize("loss", [losses.squared, losses.squared_margin], ids=names)
def test_least_squares_do_not_see_events_that_cancel(loss, penalty):
    X = samples_for(loss, 40)
    found = [
        bk.fit(bk.Linear(), Y, loss, bk.Analytic(), penalty=penalty) for Y in (X, with_pairs(X))
    ]
    np.testing.assert_allclose(*[f.model.parameters for f in found], rtol=1e-10)
    assert found[0].loss == pytest.approx(found[1].loss)
    descent = bk.GradientDescent(steps=3000, gradient_tolerance=1e-12)
    again = weights(with_pairs(X), loss, descent, penalty=penalty)
    np.testing.assert_allclose(again, found[0].model.parameters, rtol=1e-7, atol=1e-9)


def test_the_ridge_path_does_not_see_events_that_cancel():
    X = samples_for(losses.squared, 40)
    one, two = (bk.ridge_path(Y, [0.01, 1.0]) for Y in (X, with_pairs(X)))
    np.testing.assert_allclose(one.weights, two.weights, rtol=1e-10)
    np.testing.assert_allclose(one.loss, two.loss, rtol=1e-9)


def test_errors_grow_by_events_that_cancel():
    """Their weights cancel, their squares add: nobody knows that just these belong together."""
    X = samples_for(losses.squared, 40, weighted=True)
    one, two = (
        bk.fit(bk.Linear(), Y, losses.squared, bk.Analytic()).errors() for Y in (X, with_pairs(X))
    )
    assert np.all(two > one)


@pytest.mark.parametrize("loss", [losses.squared, losses.logistic, losses.huber(0.7)], ids=names)
def test_a_stream_gives_what_memory_gives_even_where_a_block_is_all_negative(loss):
    X = samples_for(loss, 60)
    w = np.where(np.arange(60) < 50, 1.0, -0.2)  # the last block is negative as a whole
    X = weighted_as(X, w)
    blocks = [X.rows(slice(k, k + 10)) for k in range(0, 60, 10)]
    solvers = [steps(loss), bk.MiniBatch(rate=0.02, batch=8, epochs=2, shuffle=False)]
    solvers += [bk.Analytic()] if loss is losses.squared else []
    for solver in solvers:
        found = [weights(Y, loss, solver) for Y in (X, Stream(lambda: blocks))]
        np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-12)


def test_a_deficient_design_gets_the_smallest_weights():
    X = with_pairs(samples_for(losses.squared, 40))
    twin = np.column_stack([X.x, X.x[:, 0], np.full(len(X), 7.0)])
    found = bk.fit(bk.Linear(), Samples(twin, X.y, X.w), losses.squared, bk.Analytic())
    alone = bk.fit(bk.Linear(), X, losses.squared, bk.Analytic())
    assert "only 4 of 6 columns are independent" in found.message
    expected = [alone.model.weights[0] / 2, *alone.model.weights[1:], alone.model.weights[0] / 2, 0]
    np.testing.assert_allclose(found.model.weights, expected, rtol=1e-7, atol=1e-12)
    assert found.loss == pytest.approx(alone.loss)


# sWeights: what is known of the signal ------------------------------------------------------------


def test_least_squares_with_sweights_find_the_signal_within_errors():
    pulls = []
    for seed in range(25):
        found = decays(2_000, seed)
        fitted = bk.fit(bk.Linear(), found.all, losses.squared, bk.Analytic())
        pulls.append((fitted.model.weights - found.slope) / fitted.errors()[1:])
    pulls = np.array(pulls)
    assert np.all(np.abs(pulls.mean(axis=0)) < 4 / 5)  # 4 σ of a mean of 25
    assert 0.6 < pulls.std() < 1.5
    # Without the background taken off it is not found by far.
    every = Samples(found.all.x, found.all.y)
    wrong = bk.fit(bk.Linear(), every, losses.squared, bk.Analytic())
    assert np.abs((wrong.model.weights - found.slope) / wrong.errors()[1:]).max() > 20


@pytest.mark.parametrize("loss", [losses.logistic, losses.squared_hinge], ids=names)
def test_a_line_between_classes_with_sweights_is_that_of_the_signal(loss):
    found = decays(6_000, 1, simulated=3_000)
    solver = bk.GradientDescent(steps=3000, momentum=0.9, nesterov=True, gradient_tolerance=1e-9)
    fits = [bk.fit(bk.Linear(), X, loss, solver) for X in (found.all, found.signal)]
    error = np.sqrt(fits[0].errors() ** 2 + fits[1].errors() ** 2)[1:]
    assert fits[0].converged and np.all(
        np.abs(fits[0].model.weights - fits[1].model.weights) < 4 * error
    )
    batches = bk.fit(bk.Linear(), found.all, loss, bk.MiniBatch(batch=64, epochs=50, average=True))
    np.testing.assert_allclose(batches.model.weights, fits[0].model.weights, atol=0.02)


# What is refused, in a sentence -------------------------------------------------------------------


@pytest.mark.parametrize("batch", [None, 4])
@pytest.mark.parametrize("loss", BENT, ids=names)
def test_losses_without_a_bounded_curvature_are_refused(loss, batch):
    X = with_pairs(samples_for(loss, 20))
    with pytest.raises(ValueError, match=f"negative weights need .*; with {loss.name} Q has many"):
        bk.fit(bk.Linear(), X, loss, bk.MiniBatch(rate=0.1, batch=4) if batch else steps(loss))


def test_cuts_are_not_searched_with_negative_weights():
    with pytest.raises(ValueError, match="a search for cuts takes no events of negative weight"):
        bk.fit(Cuts(), with_pairs(events(60)), losses.zero_one, CutSearch())


def indefinite():
    """Variances are positive, but along (1, −1) the negative weights prevail."""
    x = np.array([[1, 1], [-1, -1], [2, 2], [-2, -2], [1, -1], [-1, 1]], float)
    return Samples(x, x @ [1.0, 2.0], [1, 1, 1, 1, -0.5, -0.5])


SQUARES = [
    bk.Analytic(),
    bk.GradientDescent(),
    bk.MiniBatch(batch=2),
    bk.GradientDescent(way="generic"),
]


@pytest.mark.parametrize("solver", SQUARES, ids=lambda s: f"{s.name} {getattr(s, 'way', '')}")
def test_a_squared_loss_without_a_minimum_is_refused_and_a_penalty_gives_it_one(solver):
    X = indefinite()
    with pytest.raises(ValueError, match="the weighted scatter of the features is positive; in so"):
        bk.fit(bk.Linear(), X, losses.squared, solver)
    held = bk.fit(bk.Linear(), X, losses.squared, bk.Analytic(), penalty=bk.L2(2.0))
    assert np.isfinite(held.model.parameters).all()
    with pytest.raises(ValueError, match="the weighted scatter of the features is positive"):
        bk.ridge_path(X)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_negative_variance_is_named(streamed):
    x = np.array([[0.0, 1], [0, 2], [0, 4], [9, 3]])
    X = Samples(x, [0, 1, 0, 1], [1, 1, 1, -0.5], class_names=("h", "g"), features=("size", "b"))
    X = Samples(x, [0, 1, 0, 0], X.weight, class_names=("h", "g"), features=("size", "b"))
    Y = Stream(lambda: [X.rows(slice(0, 2)), X.rows(slice(2, 4))]) if streamed else X
    what = "size" if streamed else "(size|column 0)"
    with pytest.raises(ValueError, match=f"weighted variance of 0 or more.* that of {what} is -"):
        bk.fit(bk.Linear(), Y, losses.logistic, bk.GradientDescent())
    with pytest.raises(ValueError, match="that of size is -"):
        bk.fit(bk.Linear(), Y, losses.squared_margin, bk.Analytic())


@pytest.mark.parametrize("solver", [bk.Analytic(), bk.GradientDescent()])
def test_a_class_whose_weights_sum_to_less_than_0_is_named(solver):
    loss = losses.squared_margin if isinstance(solver, bk.Analytic) else losses.logistic
    x = np.random.default_rng(0).normal(size=(40, 1))
    w = np.r_[np.ones(37), -0.1, -0.1, -0.1]
    X = Samples(x, np.arange(40) >= 38, w, class_names=("h", "g"))
    with pytest.raises(ValueError, match="those of 'g' sum to less"):
        bk.fit(bk.Linear(), X, loss, solver)


@pytest.mark.parametrize("batch", [None, 2])
def test_a_descent_without_a_minimum_is_given_up(batch):
    """Far out only an event of negative weight is left, and to be wrong about it pays."""
    x = np.array([[-1.0], [1.0], [-1.0], [1.0], [8.0]])
    X = Samples(x, [0, 1, 1, 0, 0], [3, 3, 1, 1, -0.5], class_names=("h", "g"))
    solver = bk.GradientDescent(rate=0.5, steps=500)
    if batch:
        solver = bk.MiniBatch(rate=0.5, batch=batch, epochs=300)
    found = bk.fit(bk.Linear(standardise=False), X, losses.logistic, solver)
    assert not found.converged and found.message.startswith("Q fell below 0, which no mean of cost")
    assert found.model.weights.tolist() == [0.0]


def test_errors_need_a_minimum_and_known_errors_no_negative_weights():
    X = indefinite()
    held = bk.fit(bk.Linear(), X, losses.squared, bk.Analytic(), penalty=bk.L2(2.0))
    assert np.isfinite(held.errors()).all()
    loose = bk.fit(bk.Linear(), weighted_as(X, np.ones(6)), losses.squared, bk.Analytic())
    with pytest.raises(ValueError, match="errors need a minimum of Q"):
        from baksan.solvers.analytic import covariance
        from baksan.solvers.base import Problem

        covariance(Problem(loose.model, X, losses.squared), loose.model.parameters)
    with pytest.raises(ValueError, match="this fit has negative weights"):
        Y = with_pairs(samples_for(losses.squared, 20))
        bk.fit(bk.Linear(), Y, losses.squared, bk.Analytic()).errors(inverse_variances=True)


def test_an_event_a_call_takes_no_negative_weight():
    start = bk.Linear(standardise=False).prepared(np.zeros((1, 1)), np.ones(1), 1)
    learner = bk.StochasticGradientDescent(rate=0.1).online(start, losses.squared)
    with pytest.raises(ValueError, match="an event's weight must be 0 or more; it is -1.0"):
        learner.learn([1.0], 1.0, -1.0)


# The line-up --------------------------------------------------------------------------------------


def test_methods_that_refuse_are_left_out_or_trained_without_these_events():
    X = decays(400, 3, simulated=200).all
    how = {"folds": 2, "threads": 1, "replicas": 5}
    run = bk.train(X, ["linear-analytic", "cuts", "trees"], **how)
    assert [m.name for m in run.methods] == ["linear-analytic"]
    assert set(run.left_out) == {"cuts", "trees"}
    assert "HistGradientBoostingClassifier is not known to make sense of" in run.left_out["trees"]
    run = bk.train(X, ["linear-analytic", "cuts", "trees"], **how, ignore_negative_weights=True)
    assert [m.name for m in run.methods] == [
        "linear-analytic",
        "cuts",
        "trees",
    ] and not run.left_out
    without = [p[0].message.endswith("of negative weight.") for p in run.parts.values()]
    assert without == [False, True, True]
    assert run.evaluation.notes[0].endswith(f"{X.effective_events:,.0f}.")
    with pytest.raises(ValueError, match="needs a method that takes them; cuts: a search for"):
        bk.train(X, ["cuts"], **how)


def test_an_estimator_that_is_said_to_take_negative_weights_gets_them():
    from sklearn.dummy import DummyRegressor

    X = with_pairs(samples_for(losses.squared, 60))
    method = Theirs("mean", DummyRegressor(), negative_weights=True)
    assert not method.no_negative_weights and Theirs("mean", DummyRegressor()).no_negative_weights
    told = method.train(X, seed=0, threads=1).predict(X.x[:1]).value
    assert told[0] == pytest.approx(samples_for(losses.squared, 60).y.mean())
