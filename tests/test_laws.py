"""Laws: each holds for every loss, every model, every solver, every way of taking a step."""

import itertools
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar
from tests.problems import CAUCHY, LOSSES, outputs_of, samples_for

from baksan import L1, L2, Linear, Samples, fit, losses
from baksan.fit import ready, row_steps
from baksan.order import epoch_order
from baksan.solvers.base import Problem, State
from baksan.solvers.descent import (
    Descent,
    GradientDescent,
    MiniBatch,
    StochasticGradientDescent,
)
from baksan.solvers.schedules import InverseTime

ALL = [*LOSSES, CAUCHY]
CASES = [(loss, k) for loss in ALL for k in outputs_of(loss)]


def name(value):
    return getattr(value, "name", str(value))


def away_from_kinks(loss, p, y):
    """Whether the cost of one output has a derivative at p, for steps of about 1e-5."""
    t = loss.targets(y, 1 if p.ndim == 1 else p.shape[1]).reshape(p.shape)
    kinks = {
        "absolute": p - t, "quantile": p - t, "perceptron": t * p, "hinge": t * p - 1.0,
        "huber": np.abs(p - t) - (loss.setting or 0.0),
    }  # fmt: skip
    return np.abs(kinks.get(loss.name, np.ones_like(p))) > 1e-3


def predictions(loss, outputs, n=40, seed=3):
    X = samples_for(loss, n=n, outputs=outputs, seed=seed)
    shape = (n,) if outputs == 1 else (n, outputs)
    return np.random.default_rng(seed).normal(size=shape) * 2.0, X.y


# Losses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "outputs"), CASES, ids=name)
def test_slope_is_the_derivative_of_value(loss, outputs):
    p, y = predictions(loss, outputs)
    for k in range(outputs):
        h = np.zeros_like(p)
        h[(..., k) if outputs > 1 else ...] = 1e-5
        difference = (loss.value(p + h, y) - loss.value(p - h, y)) / 2e-5
        smooth, slope = away_from_kinks(loss, p, y), loss.slope(p, y)
        if outputs > 1:
            smooth, slope = smooth[:, k], slope[:, k]
        assert smooth.sum() > 20
        assert_allclose(difference[smooth], slope[smooth], rtol=2e-6, atol=1e-8)


@pytest.mark.parametrize(("loss", "outputs"), CASES, ids=name)
def test_curvature_bounds_the_change_of_slope(loss, outputs):
    """|slope(p + h) − slope(p)| ≤ curvature |h| for small steps h in any direction."""
    p, y = predictions(loss, outputs)
    random = np.random.default_rng(1)
    for _ in range(20):
        h = 1e-4 * random.normal(size=p.shape)
        change = loss.slope(p + h, y) - loss.slope(p, y)
        bound = np.abs(np.broadcast_to(h, p.shape))
        smooth = away_from_kinks(loss, p, y)
        if outputs > 1 and loss.joint:
            change, bound = np.linalg.norm(change, axis=1), np.linalg.norm(bound, axis=1)
            limit = loss.curvature(p, y)[:, 0] * bound
        else:
            change, limit = np.abs(change)[smooth], (loss.curvature(p, y) * bound)[smooth]
        assert np.all(change <= limit * (1 + 1e-3) + 1e-12)


@pytest.mark.parametrize(("loss", "outputs"), [c for c in CASES if c[0] is not CAUCHY], ids=name)
def test_losses_are_convex(loss, outputs):
    p, y = predictions(loss, outputs)
    q, _ = predictions(loss, outputs, seed=4)
    for s in (0.1, 0.5, 0.8):
        between = loss.value((1 - s) * p + s * q, y)
        assert np.all(between <= (1 - s) * loss.value(p, y) + s * loss.value(q, y) + 1e-12)


@pytest.mark.parametrize("loss", [*ALL, losses.zero_one], ids=name)
def test_a_perfect_prediction_costs_nothing(loss):
    """p = y for numbers; classes at ±1, or far on the right side where the cost only tends to 0."""
    outputs = 3 if loss is losses.softmax else 1
    _, y = predictions(loss, outputs)
    t = loss.targets(y, outputs)
    far = loss.name in ("logistic", "exponential", "softmax")
    if loss is losses.margin:  # has no least cost: right predictions are worth more and more
        assert_array_equal(loss.value(2 * t, y), -2.0)
    else:
        assert_allclose(loss.value(800.0 * t if far else 1.0 * t, y), 0.0, atol=1e-300)


@pytest.mark.parametrize("loss", [v for v in ALL if v.constant and not v.joint], ids=name)
@pytest.mark.parametrize("weighted", [False, True])
def test_best_constant_is_the_minimum_over_constants(loss, weighted):
    X = samples_for(loss, n=31, weighted=weighted)

    def q(c):
        return float(np.average(loss.value(np.full(31, c), X.y), weights=X.weight))

    best = minimize_scalar(q, bounds=(-20, 20), method="bounded", options={"xatol": 1e-10})
    found = q(loss.best_constant(X.y, 1, X.weight)[0])
    assert found <= best.fun + 1e-12 * abs(best.fun)


def test_best_constant_of_softmax_is_the_logarithm_of_the_shares():
    y = np.repeat([0, 1, 2], [1, 2, 5])
    c = losses.softmax.best_constant(y, 3)
    assert_allclose(np.exp(c) / np.exp(c).sum(), [1 / 8, 2 / 8, 5 / 8])
    assert_allclose(losses.softmax.slope(np.tile(c, (8, 1)), y).sum(axis=0), 0.0, atol=1e-14)


@pytest.mark.parametrize(("loss", "outputs"), [c for c in CASES if c[0] is not CAUCHY], ids=name)
def test_weight_two_is_the_event_twice(loss, outputs):
    X = samples_for(loss, n=9, outputs=outputs)
    doubled = X.take([0, 1, 2, 3, 3, 4, 5, 6, 7, 7, 8])
    weighted = replace(X, weight=np.where(np.isin(np.arange(9), [3, 7]), 2.0, 1.0))
    a = Linear().prepared(X.x, X.w, outputs)
    a = a.moved(np.random.default_rng(0).normal(size=a.parameters.shape))
    assert_allclose(losses.Q(a, weighted, loss), losses.Q(a, doubled, loss), rtol=1e-14)
    assert_allclose(
        loss.best_constant(weighted.y, outputs, weighted.weight),
        loss.best_constant(doubled.y, outputs),
        rtol=1e-12,
    )


@pytest.mark.parametrize("solver", [GradientDescent(), MiniBatch(), StochasticGradientDescent()])
def test_zero_one_is_not_descended(solver):
    X = samples_for(losses.logistic)
    with pytest.raises(ValueError, match="slope is 0 wherever it has one.*Minimise logistic"):
        fit(Linear(), X, losses.zero_one, solver)
    assert losses.Q(lambda x: 2.0 * X.y - 1.0, X, losses.zero_one) == 0.0


# Models -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Linear(), Linear(standardise=False)], ids=["scaled", "raw"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_pullback_is_the_derivative_of_slope_times_prediction(model, outputs):
    X = samples_for(losses.squared, outputs=outputs, weighted=True)
    random = np.random.default_rng(2)
    a = model.prepared(X.x, X.w, outputs)
    a = a.moved(random.normal(size=a.parameters.shape))
    slope = random.normal(size=a(X.x).shape)
    for j, unit in enumerate(np.eye(len(a.parameters))):
        ahead, behind = (a.moved(a.parameters + s * 1e-6 * unit) for s in (1, -1))
        difference = np.vdot(slope, ahead(X.x) - behind(X.x)) / 2e-6
        assert_allclose(a.pullback(X.x, slope)[j], difference, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("outputs", [1, 3])
def test_moved_and_parameters_are_a_round_trip(outputs):
    X = samples_for(losses.squared, outputs=outputs)
    a = Linear().prepared(X.x, X.w, outputs)
    w = np.random.default_rng(0).normal(size=a.parameters.shape)
    before = a.parameters.copy()
    assert_array_equal(a.moved(w).parameters, w)
    assert_array_equal(a.parameters, before)
    assert a.prepared(X.x, X.w, outputs) is a
    assert a.penalised.shape == w.shape
    constant = np.arange(1.0, outputs + 1)
    assert_allclose(
        a.at_constant(constant)(X.x), np.broadcast_to(constant, (12, outputs)).squeeze()
    )


# Ways ---------------------------------------------------------------------------------------------

BATCHES = {"all": None, "one": 1, "five": 5}
SETTINGS = [
    {"momentum": 0.8}, {"momentum": 0.8, "nesterov": True}, {"average": True},
    {"average": True, "momentum": 0.5, "nesterov": True, "shuffle": False},
]  # fmt: skip
PENALTIES = [None, L2(0.1), L1(0.05)]
FLOATS = ("parameters", "velocity", "average", "cost", "mass", "loss", "gradient", "change")
COUNTS = ("step", "epoch", "place", "seen", "seed")


def assert_same(a: State, b: State, rtol=1e-12):
    for part in COUNTS:
        assert getattr(a, part) == getattr(b, part)
    scale = max(1.0, float(np.abs(b.parameters).max()))
    for part in FLOATS:
        assert_allclose(getattr(a, part), getattr(b, part), rtol=rtol, atol=rtol * scale)


def start_of(loss, X, outputs):
    a = ready(Problem(Linear(), X, loss)).model
    assert a.outputs == outputs
    return a.moved(a.parameters + 0.3 * np.random.default_rng(5).normal(size=a.parameters.shape))


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize(("loss", "outputs"), [c for c in CASES if c[0] is not CAUCHY], ids=name)
def test_all_ways_take_the_same_steps(loss, outputs, batch):
    """Generic, the kernel as Python and the kernel compiled: one law, step by step."""
    for number, (setting, penalty) in enumerate(itertools.product(SETTINGS, PENALTIES)):
        X = samples_for(loss, n=11, outputs=outputs, weighted=number % 2 == 1, seed=number)
        a = start_of(loss, X, outputs)
        solver = Descent(InverseTime(0.05, tau=10), BATCHES[batch], steps=6, **setting)
        runs = [
            list(replace(solver, way=way).run(a, X, loss, penalty=penalty, seed=number))
            for way in ("generic", "python", "compiled")
        ]
        assert [len(run) for run in runs] == [6, 6, 6]
        for generic, python, machine_code in zip(*runs, strict=True):
            assert_same(python, generic)
            assert_same(machine_code, generic)
        if loss.projected:
            assert np.linalg.norm(generic.parameters) <= 1 + 1e-15


@pytest.mark.parametrize(("loss", "outputs"), CASES, ids=name)
def test_the_first_full_step_goes_down_the_gradient_of_the_functional(loss, outputs):
    """(w_0 − w_1) / rate is the finite difference of Q + penalty in each direction."""
    X = samples_for(loss, outputs=outputs, weighted=True)
    problem = Problem(start_of(loss, X, outputs), X, replace(loss, projected=False), L2(0.3))
    w, rate = problem.model.parameters, 1e-3
    after = next(GradientDescent(rate, way="generic").run(
        problem.model, X, problem.loss, penalty=problem.penalty
    ))  # fmt: skip
    for j, unit in enumerate(np.eye(len(w))):
        difference = (problem.value(w + 1e-6 * unit) - problem.value(w - 1e-6 * unit)) / 2e-6
        assert_allclose((w - after.parameters)[j] / rate, difference, rtol=1e-5, atol=1e-7)


# Runs ---------------------------------------------------------------------------------------------

RUNS = {
    "GD": GradientDescent(0.05, steps=23, momentum=0.5),
    "SGD": StochasticGradientDescent(InverseTime(0.02, tau=20), epochs=3, average=True),
    "mini-batch": MiniBatch(0.03, batch=4, epochs=4, momentum=0.7, nesterov=True),
}


def assert_identical(a: State, b: State):
    for part, values in a.to_arrays().items():
        assert_array_equal(values, b.to_arrays()[part], err_msg=part)


def assert_alike(a: State, b: State):
    for part, values in a.to_arrays().items():
        assert_allclose(values, b.to_arrays()[part], rtol=1e-11, atol=1e-13, err_msg=part)


@pytest.mark.parametrize("way", ["generic", "compiled"])
@pytest.mark.parametrize("kind", RUNS)
@settings(max_examples=10)
@given(stop=st.integers(1, 22), every=st.integers(1, 9))
def test_resumed_is_undisturbed_to_the_last_bit(kind, way, stop, every):
    X = samples_for(losses.logistic, n=10, weighted=True)
    a, solver = start_of(losses.logistic, X, 1), replace(RUNS[kind], way=way)
    *_, undisturbed = solver.run(a, X, losses.logistic, seed=7)
    for held in solver.run(a, X, losses.logistic, seed=7):
        if held.step == stop:
            break
    stored = State.from_arrays(held.to_arrays())
    rest = solver.run(a, X, losses.logistic, stored, every=every)
    # A kernel takes single steps by fours: a run that is cut within one rounds differently.
    same = assert_alike if (kind, way) == ("SGD", "compiled") else assert_identical
    same([stored, *rest][-1], undisturbed)


@pytest.mark.parametrize("stop", [4, 8, 10, 14, 18, 20, 24, 28])
def test_single_steps_resumed_after_any_four_are_undisturbed_to_the_last_bit(stop):
    """After four, or eight, or all of an epoch's events, of which there are 10."""
    X = samples_for(losses.logistic, n=10, weighted=True)
    a, solver = start_of(losses.logistic, X, 1), RUNS["SGD"]
    (undisturbed,) = solver.run(a, X, losses.logistic, seed=7, every=30)
    held = next(solver.run(a, X, losses.logistic, seed=7, every=stop))
    stored = State.from_arrays(held.to_arrays())
    (rest,) = solver.run(a, X, losses.logistic, stored, every=30)
    assert_identical(rest, undisturbed)


@pytest.mark.parametrize("steps", [4, 7, 8])
def test_the_gradient_is_told_whatever_the_rate(steps):
    """Also of a step of length 0, or so short that the weights do not move."""
    X = samples_for(losses.logistic, n=8, weighted=True)
    a = start_of(losses.logistic, X, 1)
    for last in (0.0, 1e-14):
        rate = Table(np.append(np.full(steps - 1, 0.1), last))
        found = [
            [*StochasticGradientDescent(rate, steps=steps, way=way).run(
                a, X, losses.logistic, penalty=L2(1.0), every=steps
            )][-1]
            for way in ("generic", "python", "compiled")
        ]  # fmt: skip
        for other in found[1:]:
            assert_allclose(other.gradient, found[0].gradient, rtol=1e-12)
            assert_allclose(other.change, last * found[0].gradient, rtol=1e-12, atol=1e-300)


@dataclass(frozen=True)
class Table:
    """A schedule of rates that are written down."""

    rates: np.ndarray

    def __call__(self, step):
        return self.rates[np.minimum(step, len(self.rates) - 1)]


@pytest.mark.parametrize("batch", [1, 4])
def test_events_without_features_have_a_constant(batch):
    y = np.arange(9.0)
    solver = Descent(InverseTime(0.5, tau=1.0), batch=batch, epochs=3)
    for way in ("generic", "python", "compiled"):
        found = fit(
            Linear(), Samples(np.empty((9, 0)), y), losses.squared, replace(solver, way=way)
        )
        assert_allclose(found.model.parameters, y.mean(), atol=0.5)


@pytest.mark.parametrize("kind", RUNS)
def test_a_state_survives_a_file(kind, tmp_path):
    X = samples_for(losses.softmax, n=10, outputs=3)
    a, solver = start_of(losses.softmax, X, 3), RUNS[kind]
    states = list(solver.run(a, X, losses.softmax))
    np.savez(tmp_path / "state.npz", **states[8].to_arrays())
    with np.load(tmp_path / "state.npz", allow_pickle=False) as file:
        read = State.from_arrays(dict(file))
    assert_identical(read, states[8])
    *_, resumed = solver.run(a, X, losses.softmax, read, every=3)
    assert_identical(resumed, states[-1])


@pytest.mark.parametrize(("loss", "outputs"), CASES, ids=name)
def test_online_learning_over_a_runs_own_order_is_that_run(loss, outputs):
    X = samples_for(loss, n=9, outputs=outputs)
    a = start_of(loss, X, outputs)
    solver = StochasticGradientDescent(0.02, epochs=2, momentum=0.4, way="generic")
    *_, run = solver.run(a, X, loss)
    learner = solver.online(a, loss)
    for epoch in range(2):
        for i in epoch_order(len(X), 0, epoch):
            learner.learn(X.x[i], X.y[i])
    for part in ("parameters", "velocity", "average", "step", "seen", "cost", "mass"):
        assert_array_equal(getattr(learner.state, part), getattr(run, part))


@pytest.mark.parametrize("way", ["generic", "compiled"])
def test_a_run_goes_on_from_an_online_state(way):
    """Also in the middle of an epoch, and after several of them."""
    X = samples_for(losses.squared, n=9)
    a = start_of(losses.squared, X, 1)
    solver = StochasticGradientDescent(0.02, epochs=4, way=way)
    states = list(solver.run(a, X, losses.squared))
    learner = solver.online(a, losses.squared)
    order = np.concatenate([epoch_order(9, 0, epoch) for epoch in range(4)])
    for i in order[:22]:
        learner.learn(X.x[i], X.y[i])
    *_, end = solver.run(a, X, losses.squared, learner.state)
    assert end.epoch == 4
    assert_allclose(end.parameters, states[-1].parameters, rtol=1e-12)


@pytest.mark.parametrize("kind", RUNS)
def test_fit_continues_as_one_run(kind):
    """The same state to the last bit, and one history but for the seconds."""
    X = samples_for(losses.logistic, n=10)
    solver = RUNS[kind]
    whole = fit(Linear(), X, losses.logistic, solver, seed=3)

    def press_at_the_ninth(state, history):
        if state.step == 9:
            raise KeyboardInterrupt

    part = fit(Linear(), X, losses.logistic, solver, seed=3, checkpoint=press_at_the_ninth)
    assert part.state.step == 9 and part.interrupted
    rest = fit(Linear(), X, losses.logistic, solver, state=part.state, history=part.history)
    assert_identical(rest.state, whole.state)
    assert rest.message == whole.message
    for column in ("step", "epoch", "seen", "loss", "gradient", "change"):
        assert_array_equal(rest.history[column], whole.history[column])


@pytest.mark.parametrize("kind", RUNS)
@pytest.mark.parametrize("tolerance", [0.0, 1e-3, 3e-2])
def test_what_a_fit_finds_does_not_depend_on_its_blocks(kind, tolerance, monkeypatch):
    X = samples_for(losses.squared, n=10)
    solver = replace(RUNS[kind], epochs=40, steps=None, tolerance=tolerance)
    found = []
    for seconds in (0.0, 1e-5, 0.2):  # blocks of one step, of a few, of as many as come
        monkeypatch.setattr(sys.modules["baksan.fit.loop"], "_BLOCK_SECONDS", seconds)
        found.append(fit(Linear(), X, losses.squared, solver))
    for other in found[1:]:
        assert_identical(other.state, found[0].state)
        assert other.message == found[0].message
        assert_array_equal(other.history["step"], found[0].history["step"])
        assert_array_equal(other.history["loss_progressive"], found[0].history["loss_progressive"])


def test_rows_are_spaced_logarithmically_and_few():
    steps = list(itertools.takewhile(lambda step: step <= 10**9, row_steps()))
    assert len(steps) < 300
    assert steps[:10] == list(range(1, 11))
    late = np.diff([step for step in steps if step > 1000]) / [s for s in steps if s > 1000][:-1]
    assert late.min() > 0.0699 and late.max() < 0.072


# Samples ------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(
    n=st.integers(6, 60), groups=st.integers(0, 12), fraction=st.floats(0.2, 0.8),
    k=st.integers(2, 4), seed=st.integers(0, 5),
)  # fmt: skip
def test_split_and_folds_keep_groups_whole_and_classes_even(n, groups, fraction, k, seed):
    random = np.random.default_rng(n)
    group = np.arange(n) if groups < 6 else np.arange(n) % groups
    y = random.integers(0, 2, n)[group]  # one class a group
    X = Samples(np.arange(n)[:, None], y, group=group, class_names=("a", "b"), id=np.arange(n))
    pairs = [X.split(fraction, seed=seed), *X.folds(k, seed=seed)]
    for first, second in pairs:
        assert not set(first.group) & set(second.group)
        assert sorted([*first.ids, *second.ids]) == list(range(n))
    assert sorted(i for _, test in pairs[1:] for i in test.ids) == list(range(n))
    for c in (0, 1):
        of_class = len(set(X.group[X.y == c]))
        in_first = len(set(pairs[0][0].group[pairs[0][0].y == c]))
        assert abs(in_first - fraction * of_class) <= 1 + 1e-9
        in_folds = [len(set(test.group[test.y == c])) for _, test in pairs[1:]]
        assert max(in_folds) - min(in_folds) <= 1
    assert len(set(pairs[0][0].group)) == np.floor(fraction * len(set(group)) + 0.5)
