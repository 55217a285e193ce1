"""Laws of streams: what a solver finds does not depend on where the events come from."""

import itertools
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from tests.problems import CAUCHY, LOSSES, outputs_of, samples_for
from tests.test_laws import (
    PENALTIES,
    SETTINGS,
    assert_alike,
    assert_identical,
    assert_same,
    name,
    start_of,
)

from baksan import L1, L2, Analytic, Linear, Samples, Stream, fit, losses
from baksan.compiled import threads
from baksan.fit import ready
from baksan.solvers.base import Problem, State
from baksan.solvers.descent import (
    Descent,
    GradientDescent,
    MiniBatch,
    StochasticGradientDescent,
)
from baksan.solvers.schedules import InverseTime
from baksan.stream import survey

CASES = [(loss, k) for loss in (*LOSSES, CAUCHY) for k in outputs_of(loss)]
BATCHES = {"all": None, "one": 1, "five": 5}
COLUMNS = ("step", "epoch", "seen", "loss", "loss_progressive", "gradient", "change", "rate")


def streamed(X, *sizes, buffer=131_072):
    """The events in blocks of these sizes, one after another, again and again."""

    def blocks():
        start = 0
        for size in itertools.cycle(sizes or (7, 3)):
            if start >= len(X):
                return
            yield X.rows(slice(start, start + size))
            start += size

    return Stream(blocks, buffer=buffer)


# A stream is the samples it gives -----------------------------------------------------------------


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize(("loss", "outputs"), CASES, ids=name)
def test_every_solver_takes_the_steps_that_it_takes_on_samples(loss, outputs, batch):
    """Every way; steps on batches to the last bit, sums over all events to rounding."""
    ways = ("generic",) if loss is CAUCHY else ("generic", "compiled", "python")
    steps = 3 if batch == "all" else 9
    choices = list(enumerate(itertools.product(SETTINGS, PENALTIES)))
    for number, (setting, penalty) in choices[outputs % 2 :: 2]:
        X = samples_for(loss, n=7, outputs=outputs, weighted=number % 2 == 1, seed=number)
        a, way = start_of(loss, X, outputs), ways[number // 2 % len(ways)]
        rate = InverseTime(0.05, tau=10)
        setting = {"shuffle": number % 3 > 0} | setting
        solver = Descent(rate, BATCHES[batch], steps=steps, way=way, **setting)
        told = {"penalty": penalty, "seed": number}
        runs = [list(solver.run(a, x, loss, **told)) for x in (streamed(X, 3, 1), X)]
        assert len(runs[0]) == len(runs[1]) == steps
        for from_stream, from_samples in zip(*runs, strict=True):
            if BATCHES[batch] is None or X.weight is not None:  # the mean weight is a sum too
                assert_same(from_stream, from_samples)
            else:
                assert_identical(from_stream, from_samples)


SOLVERS = {
    "exact": (losses.squared, Analytic(), L2(0.1)),
    "exact, classes": (losses.squared_margin, Analytic(), None),
    "GD": (losses.logistic, GradientDescent(steps=30, momentum=0.5), L1(0.02)),
    "GD by Gram": (losses.squared, GradientDescent(steps=30, average=True), L1(0.02)),
    "GD generic": (losses.huber(0.7), GradientDescent(steps=30, way="generic"), L2(0.1)),
    "SGD": (losses.squared, StochasticGradientDescent(epochs=3, average=True), None),
    "mini-batch": (losses.softmax, MiniBatch(batch=4, epochs=4, momentum=0.7), L1(0.01)),
    "in order": (losses.hinge, MiniBatch(batch=4, epochs=4, shuffle=False), L2(0.1)),
    "tolerance": (losses.logistic, MiniBatch(0.05, batch=8, epochs=60, tolerance=5e-2), None),
}  # fmt: skip


def assert_same_fit(one, other, rtol=1e-9):
    assert_allclose(one.model.weights, other.model.weights, rtol=rtol, atol=rtol)
    assert_allclose(one.model.scale, other.model.scale, rtol=rtol)
    assert_allclose(one.loss, other.loss, rtol=rtol)
    assert one.converged == other.converged
    for column in COLUMNS:
        assert_allclose(one.history[column], other.history[column], rtol=1e-6, atol=1e-12)
    assert one.message.split(":")[0] == other.message.split(":")[0]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", SOLVERS)
def test_a_fit_of_a_stream_is_that_of_its_samples(kind, weighted):
    """Also what is found in passes of its own: standardisation, start, rate="auto", the history."""
    loss, solver, penalty = SOLVERS[kind]
    outputs = 3 if loss is losses.softmax else 1
    X = samples_for(loss, n=61, outputs=outputs, weighted=weighted)
    held = samples_for(loss, n=30, outputs=outputs, seed=1)
    found = [
        fit(Linear(), x, loss, solver, penalty=penalty, validation=v, seed=2)
        for x, v in ((streamed(X), streamed(held)), (X, held))
    ]
    assert_same_fit(*found)
    assert_allclose(found[0].history["validation"], found[1].history["validation"], rtol=1e-9)


SUMS = (losses.squared, losses.logistic, losses.softmax, losses.hinge, losses.squared_hinge)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", SUMS, ids=lambda loss: loss.name)
def test_a_stream_larger_than_its_sample_starts_at_the_best_constant_of_all(
    monkeypatch, loss, weighted
):
    monkeypatch.setattr(survey, "SAMPLE", 20)
    X = samples_for(loss, n=200, outputs=3 if loss is losses.softmax else 1, weighted=weighted)
    starts = [ready(Problem(Linear(), x, loss)).model.parameters for x in (streamed(X), X)]
    assert_allclose(*starts, rtol=1e-12, atol=1e-14)
    assert np.any(starts[1])


def test_where_sums_do_not_tell_the_best_constant_it_is_that_of_the_sample(monkeypatch):
    monkeypatch.setattr(survey, "SAMPLE", 20)
    X = streamed(samples_for(losses.absolute, n=200))
    model = ready(Problem(Linear(), X, losses.absolute)).model
    assert model.parameters[0] == losses.absolute.best_constant(X.sample.answers, 1)[0]


def test_a_class_of_a_stream_whose_weights_are_all_zero_is_none():
    X = samples_for(losses.logistic, n=30)
    X = X.with_parts(weight=X.y.astype(float))
    for events in (X, streamed(X)):
        with pytest.raises(ValueError, match="at least two classes; all that count are"):
            fit(Linear(), events, losses.logistic, MiniBatch(epochs=1))


@pytest.mark.parametrize("kind", SOLVERS)
@pytest.mark.parametrize("sizes", [(1,), (1000,), (2, 31, 5)], ids=str)
def test_the_sizes_of_blocks_do_not_matter(kind, sizes):
    """Shuffled through a buffer smaller than the stream too."""
    loss, solver, penalty = SOLVERS[kind]
    X = samples_for(loss, n=61, outputs=3 if loss is losses.softmax else 1)
    found = [
        fit(Linear(), streamed(X, *size, buffer=16), loss, solver, penalty=penalty)
        for size in (sizes, (10,))
    ]
    assert_same_fit(*found)


@pytest.mark.parametrize("kind", SOLVERS)
def test_single_precision_from_a_stream_too(kind):
    loss, solver, penalty = SOLVERS[kind]
    X = samples_for(loss, n=40, outputs=3 if loss is losses.softmax else 1)
    X = replace(X, x=X.x.astype(np.float32))
    found = [fit(Linear(), x, loss, solver, penalty=penalty) for x in (streamed(X), X)]
    assert_same_fit(*found, rtol=1e-5 if solver.batch else 1e-9)


# Runs ---------------------------------------------------------------------------------------------

RUNS = {
    "GD": GradientDescent(0.05, steps=20, momentum=0.5),
    "SGD": StochasticGradientDescent(InverseTime(0.02, tau=20), epochs=2, average=True),
    "mini-batch": MiniBatch(0.03, batch=4, epochs=5, momentum=0.7, nesterov=True),
}


@pytest.mark.parametrize("way", ["generic", "compiled"])
@pytest.mark.parametrize("kind", RUNS)
@settings(max_examples=8)
@given(
    stop=st.integers(1, 19), every=st.integers(1, 9), size=st.integers(1, 20),
    buffer=st.sampled_from([1, 3, 8, 100]), shuffle=st.booleans(),
)  # fmt: skip
def test_resumed_is_undisturbed_to_the_last_bit(kind, way, stop, every, size, buffer, shuffle):
    """In the middle of an epoch too, and of what the buffer holds."""
    X = samples_for(losses.logistic, n=14, weighted=True)
    a, solver = start_of(losses.logistic, X, 1), replace(RUNS[kind], way=way, shuffle=shuffle)
    events = streamed(X, size, buffer=buffer)
    *_, undisturbed = solver.run(a, events, losses.logistic, seed=7)
    held = next(s for s in solver.run(a, events, losses.logistic, seed=7) if s.step == stop)
    stored = State.from_arrays(held.to_arrays())
    rest = solver.run(a, streamed(X, size, buffer=buffer), losses.logistic, stored, every=every)
    same = assert_alike if (kind, way) == ("SGD", "compiled") else assert_identical
    same([stored, *rest][-1], undisturbed)


@pytest.mark.parametrize("buffer", [5, 1000])
@pytest.mark.parametrize("stop", [4, 12, 14, 22])
def test_single_steps_resumed_after_any_four_are_undisturbed_to_the_last_bit(stop, buffer):
    X = samples_for(losses.logistic, n=14, weighted=True)
    a, solver = start_of(losses.logistic, X, 1), RUNS["SGD"]
    (undisturbed,) = solver.run(a, streamed(X, 5, buffer=buffer), losses.logistic, every=99)
    held = next(solver.run(a, streamed(X, 5, buffer=buffer), losses.logistic, every=stop))
    (rest,) = solver.run(a, streamed(X, 3, buffer=buffer), losses.logistic, held, every=99)
    assert_identical(rest, undisturbed)


@pytest.mark.parametrize("shuffle", [True, False])
def test_each_epoch_visits_each_event_once(shuffle):
    """The mean of the answers so far, by steps of rate 1/(2 (t + 1)), is a mean over each once."""
    y = np.arange(50.0) ** 2
    X = streamed(Samples(np.zeros((50, 1)), y), 7, buffer=8)
    solver = StochasticGradientDescent(InverseTime(0.5, tau=1.0), epochs=3, shuffle=shuffle)
    a = Linear(standardise=False).prepared(np.zeros((1, 1)), np.ones(1), 1)
    states = list(solver.run(a, X, losses.squared, every=50))
    for state in states:
        assert_allclose(state.parameters[0], y.mean(), rtol=1e-12)
        assert state.place == 0 and state.seen == 50 * state.epoch


@pytest.mark.parametrize("buffer", [5, 1000])
@pytest.mark.parametrize("kind", RUNS)
def test_ctrl_c_ends_a_fit_that_goes_on_as_one_run(kind, buffer):
    X = samples_for(losses.logistic, n=14)
    solver = RUNS[kind]

    def events():
        return streamed(X, 5, buffer=buffer)

    whole = fit(Linear(), events(), losses.logistic, solver, seed=3)

    def press_at_the_ninth(state, history):
        if state.step == 9:
            raise KeyboardInterrupt

    part = fit(Linear(), events(), losses.logistic, solver, seed=3, checkpoint=press_at_the_ninth)
    assert part.state.step == 9 and part.interrupted
    settings = {"state": part.state, "history": part.history}
    rest = fit(Linear(), events(), losses.logistic, solver, **settings)
    assert_identical(rest.state, whole.state)
    assert rest.message == whole.message
    for column in COLUMNS:
        assert_array_equal(rest.history[column], whole.history[column])


def test_ctrl_c_while_a_block_is_read_ends_the_fit_too():
    X = samples_for(losses.logistic, n=40)
    passes = []

    def blocks():
        passes.append(1)
        yield X.rows(slice(0, 20))
        if len(passes) > 6:
            raise KeyboardInterrupt
        yield X.rows(slice(20, 40))

    solver = MiniBatch(0.05, batch=4, epochs=50)
    found = fit(Linear(), Stream(blocks, buffer=8), losses.logistic, solver)
    assert found.interrupted and 0 < found.state.step < 500
    assert "stopped by Ctrl-C" in found.message


@pytest.mark.parametrize("way", ["compiled", "generic"])
def test_a_fit_that_ends_within_an_epoch_keeps_no_thread_and_no_file(way):
    X, closed, before = samples_for(losses.squared, n=60), [], threading.active_count()

    def blocks():
        try:
            for start in range(0, 60, 5):
                yield X.rows(slice(start, start + 5))
        finally:
            closed.append(True)

    solver = StochasticGradientDescent(0.01, steps=7, way=way)
    found = fit(Linear(), Stream(blocks, buffer=8), losses.squared, solver)
    closed.clear()
    found = fit(found.model, Stream(blocks, buffer=8), losses.squared, solver)
    assert found.state.step == 7 and threading.active_count() == before
    assert len(closed) == 3  # the head, the survey, the epoch that was broken off


# Online -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["generic", "compiled", "python"])
@pytest.mark.parametrize(("loss", "outputs"), CASES, ids=name)
def test_online_learning_from_rows_is_the_run_in_order(loss, outputs, way):
    if loss is CAUCHY and way != "generic":
        return
    X = samples_for(loss, n=9, outputs=outputs, weighted=outputs == 1)
    weights = X.w / X.w.mean()  # online no mean weight is known
    a = start_of(loss, X, outputs)
    setting = {"momentum": 0.4, "average": True} if outputs == 1 else {"average": True}
    solver = StochasticGradientDescent(
        InverseTime(0.03, tau=5), epochs=2, shuffle=False, way=way, **setting
    )
    for penalty in PENALTIES:
        *_, run = solver.run(a, streamed(replace(X, weight=weights)), loss, penalty=penalty)
        learner = solver.online(a, loss, penalty=penalty)
        for i in (*range(9), *range(9)):
            learner.learn(X.x[i], X.y[i], weights[i])
        for part in ("parameters", "velocity", "average", "cost", "mass", "loss", "change"):
            assert_allclose(
                getattr(learner.state, part), getattr(run, part), rtol=1e-11, atol=1e-13
            )
        assert learner.state.step == learner.state.seen == 18


WRONG = [
    ([1.0, np.nan, 0.0], 1, 1.0), ([1.0, np.inf, 0.0], 1, 1.0), ([1.0, 2.0], 1, 1.0),
    ([1.0, 2.0, 3.0, 4.0], 1, 1.0), ([[1.0, 2.0, 3.0]], 1, 1.0), (1.0, 1, 1.0),
    ([1.0, 2.0, 3.0], 1, -1.0), ([1.0, 2.0, 3.0], 1, np.nan), ([1.0, 2.0, 3.0], np.nan, 1.0),
]  # fmt: skip
NO_CLASS = [([1.0, 2.0, 3.0], y, 1.0) for y in (2, -1, 0.5, 7)]
NO_NUMBER = [([1.0, 2.0, 3.0], "proton", 1.0), (["a", "b", "c"], 1, 1.0), (None, 1, 1.0)]


@pytest.mark.parametrize("way", ["compiled", "generic"])
def test_online_refuses_what_it_cannot_begin_with(way):
    solver = StochasticGradientDescent(0.1, way=way)
    a = start_of(losses.squared, samples_for(losses.squared, n=9), 1)
    with pytest.raises(ValueError, match="a model that knows its features"):
        solver.online(Linear(), losses.squared)
    with pytest.raises(TypeError, match=r"a penalty is L1\(λ\) or L2\(λ\); 0.1 came"):
        solver.online(a, losses.squared, penalty=0.1)
    small = solver.start(Linear(standardise=False).prepared(np.ones((1, 1)), np.ones(1), 1))
    with pytest.raises(ValueError, match="the state must be of this model, with 4 parameters"):
        solver.online(a, losses.squared, state=small)


@pytest.mark.parametrize("way", ["compiled", "generic"])
@pytest.mark.parametrize("loss", [losses.squared, losses.logistic], ids=name)
def test_online_refuses_a_wrong_event_with_one_sentence_and_changes_nothing(loss, way):
    X = samples_for(loss, n=9)
    solver = StochasticGradientDescent(0.05, way=way, average=True)
    learner = solver.online(start_of(loss, X, 1), loss)
    learner.learn(X.x[0], X.y[0])
    before = learner.state
    for x, y, weight in (*WRONG, *NO_NUMBER, *(NO_CLASS if loss is losses.logistic else ())):
        with pytest.raises((ValueError, TypeError)) as error:
            learner.learn(x, y, weight)
        sentence = str(error.value)
        numbers = (x, y, weight) not in NO_NUMBER
        assert not numbers or (sentence.endswith(".") and "\n" not in sentence), sentence
        assert_identical(learner.state, before)
    learner.learn(X.x[1], X.y[1], 0.0)  # counts as a step that moves nothing
    assert_array_equal(learner.state.parameters, before.parameters)
    learner.learn(X.x[1], X.y[1], 2.0)
    assert learner.state.step == 3 and np.any(learner.state.parameters != before.parameters)


# Full steps of squared losses ---------------------------------------------------------------------

DESCENTS = [
    {"momentum": 0.7}, {"momentum": 0.7, "nesterov": True}, {"average": True}, {},
    {"momentum": 0.5, "nesterov": True, "average": True},
]  # fmt: skip


LIMITS = [{"tolerance": 1e-3}, {"gradient_tolerance": 1e-2}, {"steps": 20}]


@pytest.mark.parametrize("penalty", [None, L1(0.3), L2(0.3)], ids=name)
@pytest.mark.parametrize("setting", DESCENTS, ids=str)
def test_steps_on_the_gram_matrix_are_the_generic_ones_and_stop_at_the_same(setting, penalty):
    X = samples_for(losses.squared, n=50, weighted=True)
    for number, limit in enumerate(LIMITS):
        found = [
            fit(
                Linear(), streamed(X, 20) if stream else X, losses.squared,
                GradientDescent(0.1, way=way, **({"steps": 90} | setting | limit)),
                penalty=penalty,
            )
            for way, stream in (("generic", 0), ("python", 1), ("compiled", number % 2))
        ]  # fmt: skip
        for other in found[1:]:
            assert other.state.step == found[0].state.step
            assert other.converged == found[0].converged
            assert_same(other.state, found[0].state, rtol=1e-10)
            assert_allclose(other.loss, found[0].loss, rtol=1e-11)
            assert_array_equal(other.history["step"], found[0].history["step"])
        if "tolerance" in limit:
            assert found[0].converged and 5 < found[0].state.step < 90


# Threads ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SOLVERS)
def test_threads_do_not_change_a_bit(kind):
    loss, solver, penalty = SOLVERS[kind]
    if isinstance(solver, Descent):
        budget = {"steps": 4} if solver.batch is None else {"epochs": 1}
        solver = replace(solver, **budget)
    X = samples_for(loss, n=20_000, outputs=3 if loss is losses.softmax else 1, weighted=True)
    for events in (X, streamed(X, 17_000)):
        found = []
        for number in (1, 2, 3):
            with threads(number):
                found.append(fit(Linear(), events, loss, solver, penalty=penalty))
        for other in found[1:]:
            assert_identical(other.state, found[0].state)
            assert other.loss == found[0].loss


def test_an_answer_that_is_no_single_number_is_named():
    line = Linear(standardise=False).prepared(np.zeros((1, 2)), np.ones(1), 1)
    learner = StochasticGradientDescent(0.1).online(line, losses.squared)
    with pytest.raises(ValueError, match=r"needs one answer.*\[1.0\] came.*Give y as a number"):
        learner.learn([1.0, 2.0], [1.0])
    assert learner.state.step == 0
