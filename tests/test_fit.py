"""The verb fit: its history, what ends it, going on, and the sentences for bad input."""

import json
import math
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.problems import CAUCHY, samples_for

from baksan import Adam, Analytic, Linear, Q, Samples, fit, losses
from baksan.fit import History, Now
from baksan.order import epoch_order
from baksan.solvers.base import Solver
from baksan.solvers.descent import GradientDescent, MiniBatch, StochasticGradientDescent
from baksan.solvers.schedules import Cosine, InverseTime, OneCycle, Plateau, Step, WarmUp

X = samples_for(losses.logistic, n=60, weighted=True)
OTHER = samples_for(losses.logistic, n=40, seed=1)
NUMBERS = samples_for(losses.squared, n=60, weighted=True)
SOLVERS = [
    GradientDescent(steps=50), MiniBatch(epochs=10), StochasticGradientDescent(epochs=5)
]  # fmt: skip
IDS = ["GD", "mini-batch", "SGD"]


# History ------------------------------------------------------------------------------------------


def test_a_million_steps_leave_at_most_500_rows():
    tiny = samples_for(losses.squared, n=100, d=1)
    found = fit(Linear(), tiny, losses.squared, StochasticGradientDescent(0.01, steps=10**6))
    step = found.history["step"]
    assert found.state.step == 10**6 == step[-1] and step[0] == 0
    assert len(found.history) <= 500
    assert np.all(np.diff(step) > 0) and np.all(np.diff(found.history["seconds"]) >= 0)
    assert_array_equal(found.history["seen"], step)
    assert_array_equal(found.history["epoch"], step // 100)


def test_full_batches_report_the_functional_before_the_step():
    states, loss = [], losses.logistic
    found = fit(
        Linear(), X, loss, GradientDescent(steps=30), checkpoint=lambda s, h: states.append(s)
    )
    history = found.history
    by_step = {state.step: found.model.moved(state.parameters) for state in states}
    assert_allclose(history["loss"][0], Q(by_step[0], X, loss), rtol=1e-14)
    for row, step in enumerate(history["step"][1:], start=1):
        if step - 1 in by_step:
            assert_allclose(history["loss"][row], Q(by_step[step - 1], X, loss), rtol=1e-13)
    assert np.all(np.diff(history["loss"]) <= 1e-15)
    assert history["loss"][-1] > found.loss
    assert len(states) == len(history)


def test_full_batches_report_all_events_however_little_may_be_looked_at():
    found = fit(Linear(), NUMBERS, losses.squared, GradientDescent(steps=1), look=1e-9)
    best = np.average(NUMBERS.y, weights=NUMBERS.weight)
    variance = np.average((NUMBERS.y - best) ** 2, weights=NUMBERS.weight)
    assert_allclose(found.history["loss"], variance, rtol=1e-12)
    noisy = fit(Linear(), NUMBERS, losses.squared, MiniBatch(batch=4, epochs=1))
    assert noisy.history["loss"][0] != pytest.approx(variance, rel=1e-6)
    whole = fit(Linear(), NUMBERS, losses.squared, MiniBatch(batch=4, epochs=1), look=100.0)
    assert whole.history["loss"][0] == pytest.approx(variance, rel=1e-12)


@pytest.mark.parametrize("epochs", [1, 3, 30])
@pytest.mark.parametrize("batch", [1, 64])
def test_looks_cost_no_more_than_their_share(epochs, batch):
    """A look at an event costs about a third of a step on it: counted in events, not in seconds."""
    X = samples_for(losses.logistic, n=1500)
    other = samples_for(losses.logistic, n=500)
    looked, counted = [], losses.logistic

    def cost(p, t):
        looked.append(len(p))
        return counted.cost(p, t)

    solver = MiniBatch(0.1, batch=batch, epochs=epochs, way="generic", shuffle=False)
    spy = replace(counted, cost=cost)
    found = fit(Linear(), X, spy, solver, validation=other)
    assert found.history["validation"][-1] > 0
    in_steps, at_the_end = 1500 * epochs, 1500  # Fit.loss is over all events, once
    assert 0.35 * (sum(looked) - in_steps - at_the_end) <= 0.07 * in_steps + 0.35 * 600


@pytest.mark.parametrize("batch", [1, 7])
def test_progressive_loss_is_the_mean_cost_before_each_update(batch):
    """By hand: the cost of each batch at the weights that have not seen it, since the last row."""
    solver, loss = MiniBatch(0.05, batch=batch, steps=20), losses.logistic
    found = fit(Linear(), X, loss, solver, seed=4)
    start = fit(Linear(), X, loss, replace(solver, steps=1), seed=4)
    model = start.problem.model
    order = np.concatenate([epoch_order(60, 4, epoch) for epoch in range(3)])
    ends = np.cumsum([min(batch, 60 - i) for e in range(3) for i in range(0, 60, batch)])
    states = [model, *(model.moved(s.parameters) for s in solver.run(model, X, loss, seed=4))]
    cost, mass = [], []
    for step in range(20):
        rows = order[(ends[step - 1] if step else 0) : ends[step]]
        weight = X.weight[rows]
        cost.append(weight @ loss.value(states[step](X.x[rows]), X.y[rows]))
        mass.append(weight.sum())
    at = found.history["step"].astype(int)
    for row in range(1, len(at)):
        since = slice(at[row - 1], at[row])
        by_hand = sum(cost[since]) / sum(mass[since])
        assert_allclose(found.history["loss_progressive"][row], by_hand, rtol=1e-12)
    assert math.isnan(found.history["loss_progressive"][0])


@pytest.mark.parametrize("solver", SOLVERS, ids=IDS)
def test_the_validation_column_is_the_loss_on_the_validation_samples(solver):
    seen = []
    found = fit(
        Linear(), X, losses.logistic, solver, validation=OTHER, look=100.0,
        checkpoint=lambda state, history: seen.append(state.parameters),
    )  # fmt: skip
    expected = [Q(found.model.moved(w), OTHER, losses.logistic) for w in seen]
    known = np.isfinite(found.history["validation"])
    assert known[0] and known[-1]
    assert_allclose(found.history["validation"][known], np.array(expected)[known], rtol=1e-14)
    assert np.isnan(fit(Linear(), X, losses.logistic, solver).history["validation"]).all()


def test_gradient_rate_and_change_columns():
    solver = GradientDescent(Step(0.4, every=5), steps=12)
    found = fit(Linear(), X, losses.logistic, solver)
    history = found.history
    assert_allclose(history["rate"][1:], 0.4 * 0.5 ** ((history["step"][1:] - 1) // 5))
    assert_allclose(history["change"][1:], (history["rate"] * history["gradient"])[1:], rtol=1e-12)


def test_a_history_goes_through_columns_and_names_them():
    history = fit(Linear(), X, losses.logistic, MiniBatch(epochs=2)).history
    again = History.from_dict(history.to_dict())
    for column in history.to_dict():
        assert_array_equal(again[column], history[column])
    assert len(again) == len(history)
    assert len(History()["loss"]) == 0
    with pytest.raises(KeyError, match="no column 'Loss'; it has step, epoch, seen, loss"):
        history["Loss"]


# What ends it -------------------------------------------------------------------------------------


def test_tolerance_ends_full_batches_at_the_first_small_step():
    found = fit(Linear(), X, losses.logistic, GradientDescent(steps=10**5, tolerance=1e-4))
    assert found.converged and found.state.change < 1e-4
    assert found.message == (
        f"converged after {found.state.step:,} steps: |w_t − w_(t−1)| = {found.state.change:.2g}"
        " is below 0.0001."
    )
    before = fit(Linear(), X, losses.logistic, GradientDescent(steps=found.state.step - 1))
    assert before.state.change >= 1e-4 and not before.converged


def test_tolerance_ends_small_batches_at_the_end_of_an_epoch():
    found = fit(Linear(), X, losses.logistic, MiniBatch(batch=8, epochs=10**5, tolerance=1e-2))
    assert found.converged and found.state.place == 0
    assert found.state.epoch_change < 1e-2
    assert_allclose(np.linalg.norm(found.state.parameters - found.state.turn), 0.0)


def test_gradient_tolerance():
    found = fit(
        Linear(), X, losses.logistic,
        GradientDescent(steps=10**5, momentum=0.9, gradient_tolerance=1e-6),
    )  # fmt: skip
    assert found.converged and found.state.gradient < 1e-6
    assert "|∂Q/∂w| = " in found.message and "is below 1e-06" in found.message


@pytest.mark.parametrize("way", ["compiled", "generic"])
@pytest.mark.parametrize("solver", [
    GradientDescent(steps=3000), MiniBatch(batch=4, epochs=200, average=True),
], ids=["GD", "mini-batch"])  # fmt: skip
def test_patience_keeps_the_weights_that_were_best_in_validation(solver, way):
    """Ten features of noise for twenty events: the validation loss falls, then rises."""
    random = np.random.default_rng(3)
    x = random.normal(size=(520, 12))
    y = (x[:, 0] + random.logistic(size=520) > 0).astype(int)
    both = Samples(x, y, class_names=("b", "s"))
    train, other = both.take(np.arange(20)), both.take(np.arange(20, 520))
    found = fit(
        Linear(), train, losses.logistic, replace(solver, patience=3, way=way), validation=other
    )
    assert found.converged
    assert "the validation loss has not fallen below" in found.message
    assert "for 3 looks; the best weights are kept" in found.message
    assert found.state.waited == 3
    assert_allclose(Q(found.model, other, losses.logistic), found.state.best_loss, rtol=1e-14)
    last = found.model.moved(solver.iterate(found.state))
    assert Q(last, other, losses.logistic) > found.state.best_loss


def test_who_had_lost_patience_takes_no_further_step():
    X = samples_for(losses.squared, n=60)
    learn, other = X.rows(slice(0, 30)), X.rows(slice(30, 60))
    solver = MiniBatch(0.05, batch=4, epochs=200, patience=3)
    first = fit(Linear(), learn, losses.squared, solver, validation=other)
    again = fit(
        Linear(), learn, losses.squared, solver, validation=other,
        state=first.state, history=first.history,
    )  # fmt: skip
    assert (again.message, again.state.step) == (first.message, first.state.step)
    assert_array_equal(again.model.parameters, first.model.parameters)


def test_patience_resumed_is_undisturbed():
    random = np.random.default_rng(3)
    train = Samples(random.normal(size=(20, 12)), np.arange(20) % 2, class_names=("b", "s"))
    other = Samples(random.normal(size=(50, 12)), np.arange(50) % 2, class_names=("b", "s"))
    solver = MiniBatch(0.05, batch=4, epochs=100, patience=4)
    whole = fit(Linear(), train, losses.logistic, solver, validation=other)
    stop = whole.state.step // 2
    part = fit(Linear(), train, losses.logistic, replace(solver, steps=stop), validation=other)
    rest = fit(
        Linear(), train, losses.logistic, solver, validation=other, state=part.state,
        history=part.history,
    )  # fmt: skip
    assert whole.state.step > stop
    for part_name, values in whole.state.to_arrays().items():
        assert_array_equal(rest.state.to_arrays()[part_name], values)


@pytest.mark.parametrize("solver", SOLVERS, ids=IDS)
def test_a_budget_of_seconds(solver):
    endless = replace(solver, steps=10**9, epochs=None, seconds=0.15)
    found = fit(Linear(), X, losses.logistic, endless)
    assert not found.converged
    assert found.message.startswith("stopped after 0.15 s and ")
    assert 0.15 <= found.history["seconds"][-1] < 2.0
    assert found.state.step == found.history["step"][-1] < 10**9


@pytest.mark.parametrize(("solver", "says"), [
    (GradientDescent(steps=3), "the budget of 3 steps is spent with |∂Q/∂w| = "),
    (MiniBatch(batch=10, epochs=2), "the budget of 2 epochs is spent; the last moved the weights"),
    (MiniBatch(batch=10, steps=3), "the budget of 3 steps is spent within the first epoch"),
], ids=["GD", "epochs", "steps"])  # fmt: skip
def test_a_spent_budget_says_so(solver, says):
    found = fit(Linear(), X, losses.logistic, solver)
    assert not found.converged and found.message.startswith(says)
    assert "inf" not in found.message and found.message.endswith(".")


def test_ctrl_c_returns_what_was_reached():
    looks = []

    def impatient(state, history):
        looks.append(state)
        if state.step >= 20:  # the next row of the history is at 21
            raise KeyboardInterrupt

    found = fit(Linear(), X, losses.logistic, GradientDescent(), checkpoint=impatient)
    assert found.message == "stopped by Ctrl-C after 21 steps; this was reached."
    assert not found.converged and found.state.step == 21
    assert_array_equal(found.model.parameters, looks[-1].parameters)
    assert found.loss < found.history["loss"][0]
    rest = fit(Linear(), X, losses.logistic, GradientDescent(), state=found.state)
    whole = fit(Linear(), X, losses.logistic, GradientDescent())
    assert_array_equal(rest.model.parameters, whole.model.parameters)


@pytest.mark.parametrize("way", ["compiled", "generic"])
def test_ctrl_c_from_the_keyboard(way):
    script = f"""
import json, os, signal, sys, threading
import baksan as bk
X = bk.Samples([[0.0], [1.0], [2.0]], [0.0, 1.0, 5.0])
solver = bk.StochasticGradientDescent(0.01, steps=10**9, way={way!r})
def told(now):
    print("running", flush=True)
found = bk.fit(bk.Linear(), X, bk.losses.squared, solver, progress=told)
print(json.dumps([found.message, found.state.step, found.model.parameters.tolist()]))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(p for p in sys.path if p)),
    )  # fmt: skip
    assert process.stdout.readline() == "running\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    message, step, parameters = json.loads(out.splitlines()[-1])
    assert message == f"stopped by Ctrl-C after {step:,} steps; this was reached."
    assert 0 < step < 10**9 and np.isfinite(parameters).all()


def test_progress_tells_steps_and_loss():
    calls = []
    fit(
        Linear(), X, losses.logistic, replace(SOLVERS[2], steps=10**9, epochs=None, seconds=0.7),
        progress=calls.append,
    )  # fmt: skip
    assert 1 <= len(calls) <= 4
    assert all(0 < step < last == 10**9 and loss > 0 for step, last, loss, *_ in calls)


def test_a_rate_that_has_come_down_is_told_at_the_end():
    for rate in (Cosine(0.01), OneCycle(0.01), WarmUp(Cosine(0.01), steps=5)):
        found = fit(Linear(), X, losses.logistic, MiniBatch(rate, batch=6, epochs=20))
        assert found.message.startswith("the 20 epochs are done, and the rate has come down from")
    for rate in (0.01, Step(0.01, every=100), InverseTime(0.01, tau=1e-3)):
        found = fit(Linear(), X, losses.logistic, MiniBatch(rate, batch=6, epochs=20))
        assert found.message.startswith("the budget of 20 epochs is spent")


def test_progress_tells_the_validation_loss_and_the_rate():
    calls = []
    solver = replace(SOLVERS[2], steps=10**9, epochs=None, seconds=0.7)
    found = fit(Linear(), X, losses.logistic, solver, validation=X, progress=calls.append)
    now = calls[-1]
    assert now.validation in found.history["validation"] and now.rate in found.history["rate"]
    assert now.share == now.step / 10**9
    assert re.fullmatch(r"loss [\d.]+, validation [\d.]+, rate [\d.e-]+", str(now))
    assert str(Now(3, 10, 0.5)) == "loss 0.5" and str(Now(3, 10, math.nan)) == ""


# Starting and going on ----------------------------------------------------------------------------


def test_a_fit_starts_at_the_best_constant_or_at_zero():
    for start, parameters in (("constant", None), ("zero", np.zeros(4))):
        found = fit(Linear(), NUMBERS, losses.squared, GradientDescent(steps=1), start=start)
        if parameters is None:
            parameters = [np.average(NUMBERS.y, weights=NUMBERS.weight), 0.0, 0.0, 0.0]
        assert_allclose(found.problem.model.parameters, parameters, rtol=1e-14)


@pytest.mark.parametrize("solver", SOLVERS, ids=IDS)
def test_the_same_seed_gives_the_same_bits_another_seed_others(solver):
    one, two, other = (fit(Linear(), X, losses.logistic, solver, seed=s) for s in (3, 3, 4))
    assert_array_equal(one.model.parameters, two.model.parameters)
    if solver.batch is not None:
        assert not np.array_equal(one.model.parameters, other.model.parameters)


def test_going_on_after_the_end_changes_nothing():
    found = fit(Linear(), X, losses.logistic, SOLVERS[1])
    again = fit(Linear(), X, losses.logistic, SOLVERS[1], state=found.state, history=found.history)
    assert_array_equal(again.model.parameters, found.model.parameters)
    assert len(again.history) == len(found.history)


def test_a_users_own_loss_goes_through_fit():
    found = fit(Linear(), NUMBERS, CAUCHY, GradientDescent(steps=400, momentum=0.9))
    gradient = found.model.pullback(
        NUMBERS.x, NUMBERS.weight * CAUCHY.slope(found.model(NUMBERS.x), NUMBERS.y)
    )
    assert_allclose(gradient / NUMBERS.weight.sum(), 0.0, atol=1e-8)
    assert found.errors().shape == (4,)


def test_what_a_fit_predicts():
    found = fit(Linear(), X, losses.logistic, SOLVERS[0])
    prediction = found.predict(X.x)
    assert_array_equal(prediction.label, (found.model(X.x) > 0).astype(int))
    numbers = fit(Linear(), NUMBERS, losses.squared, Analytic())
    assert_array_equal(numbers.predict(NUMBERS.x).value, numbers.model(NUMBERS.x))


def test_plot_is_a_figure():
    figure = fit(Linear(), X, losses.logistic, SOLVERS[1]).plot()
    assert figure.axes and figure.axes[0].get_xlabel()


# Sentences ----------------------------------------------------------------------------------------

PLAIN = ([[0.0], [1.0], [2.0]], [0.0, 1.0, 5.0])
CLASSES = Samples([[0.0], [1.0], [2.0]], [0, 1, 1], class_names=("b", "s"))
SENTENCES = [
    (lambda: Samples([[0.0], [math.nan]], [0.0, 1.0]), r"x must be finite; nan stands at \(1, 0\)"),
    (lambda: Samples([[0.0], [1.0]], [0.0, math.inf]), r"y must be finite; inf stands at \(1,\)"),
    (lambda: Samples(*PLAIN, weight=[1, -2, 1]), "of these 3 events sum to 0"),
    (lambda: Samples(*PLAIN, weight=[0, 0, 0]), "weights are all zero"),
    (lambda: Samples([[0.0]], [2], class_names=("b", "s")), "class indices 0 … 1.*it holds 2"),
    (lambda: fit(Linear(), Samples(np.empty((0, 1)), []), losses.squared, SOLVERS[0]),
     "a fit needs events; the samples are empty"),
    (lambda: fit(Linear(), Samples([[1.0]]), losses.squared, SOLVERS[0]), "answers y are needed"),
    (lambda: fit(Linear(), CLASSES, losses.squared, SOLVERS[0]),
     "squared is a loss for regression, the answers are for classification. Take one of margin"),
    (lambda: fit(Linear(), Samples(*PLAIN), losses.hinge, SOLVERS[0]),
     "hinge is a loss for classification, the answers are for regression. Take one of squared"),
    (lambda: fit(Linear(), Samples(np.zeros((2, 2, 2)), [0.0, 1.0]), losses.squared, SOLVERS[0]),
     "Flatten images first"),
    (lambda: fit(fit(Linear(), NUMBERS, losses.squared, Analytic()).model, Samples(*PLAIN),
                 losses.squared, SOLVERS[0]), "needs 3 features"),
    (lambda: fit(Linear(), Samples(*PLAIN), losses.squared, SOLVERS[0],
                 state=fit(Linear(), NUMBERS, losses.squared, Analytic()).state),
     "state must be of this model, with 2 parameters; it has 4"),
    (lambda: fit(Linear(), X, losses.logistic, GradientDescent(patience=3)),
     "patience=3 waits for the validation loss to fall and needs validation samples; none came"),
    (lambda: fit(Linear(), X, losses.logistic, GradientDescent(Plateau(0.1)),
                 validation=X.rows(slice(0))),
     "validation needs events; the samples are empty. Give some, or none."),
    (lambda: fit(Linear(), X, losses.logistic, GradientDescent(), validation=X.rows(slice(0))),
     "validation needs events; the samples are empty"),
    (lambda: fit(Linear(), X, losses.logistic, Adam(),
                 state=fit(Linear(), X, losses.logistic, GradientDescent(steps=1)).state),
     "remembers squares besides its velocity; it holds nothing. Start afresh"),
    (lambda: fit(fit(Linear(), NUMBERS, losses.squared, Analytic()).model,
                 Samples(NUMBERS.x, np.column_stack([NUMBERS.y, NUMBERS.y])), losses.squared,
                 GradientDescent()), "answers"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "sentence"), SENTENCES)
def test_each_mistake_has_its_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize("solver", [*SOLVERS, Analytic()])
def test_answers_of_another_width_than_the_model(solver):
    """Never read beside the array: the compiled loop does not check its bounds."""
    two = Samples(NUMBERS.x, np.column_stack([NUMBERS.y, NUMBERS.y]))
    one = fit(Linear(), NUMBERS, losses.squared, Analytic()).model
    wide = fit(Linear(), two, losses.squared, Analytic()).model
    for model, samples in ((one, two), (wide, NUMBERS)):
        with pytest.raises(ValueError, match="model has|differ in shape"):
            fit(model, samples, losses.squared, solver)
    with pytest.raises(ValueError, match="softmax needs one output|class indices|model has"):
        fit(one, X, losses.softmax, GradientDescent())


def test_a_run_that_diverges_after_going_on_ends_like_an_undisturbed_one():
    solver = GradientDescent(rate=1.1, steps=400)
    whole = fit(Linear(), NUMBERS, losses.squared, solver)

    def press(state, history):
        if state.step == 2:
            raise KeyboardInterrupt

    part = fit(Linear(), NUMBERS, losses.squared, solver, checkpoint=press)
    rest = fit(Linear(), NUMBERS, losses.squared, solver, state=part.state, history=part.history)
    assert rest.message == whole.message and "Q grows" in whole.message
    assert rest.state.step == whole.state.step == 0
    assert_allclose(rest.model.parameters, whole.model.parameters, rtol=0)


def test_going_on_from_a_finished_state_without_its_history():
    for solver in (Analytic(), GradientDescent(0.1, steps=5)):
        found = fit(Linear(), NUMBERS, losses.squared, solver)
        again = fit(Linear(), NUMBERS, losses.squared, solver, state=found.state)
        assert_allclose(again.model.parameters, found.model.parameters, rtol=0)
        assert again.message.endswith(".")


class Halfway(Solver):
    """A solver of one's own: each step goes half of the way to the least squares answer."""

    def end(self, n):
        return 30

    def stepper(self, problem):
        target = fit(problem.model, problem.X, problem.loss, Analytic()).model.parameters

        def step(state, steps):
            for _ in range(steps):
                w = 0.5 * (state.parameters + target)
                state = replace(state, parameters=w, step=state.step + 1)
            return state

        return step


def test_a_solver_of_ones_own_needs_two_methods():
    found = fit(Linear(), NUMBERS, losses.squared, Halfway())
    best = fit(Linear(), NUMBERS, losses.squared, Analytic())
    assert_allclose(found.model.parameters, best.model.parameters, rtol=1e-6)
    assert found.history["loss"][-1] == pytest.approx(best.loss, rel=1e-9)
    assert np.all(np.diff(found.history["loss"][np.isfinite(found.history["loss"])]) <= 1e-12)
    assert "budget of 30 steps is spent" in found.message
    assert found.plot() is not None


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"loss": "logistic"}, "fit needs Loss for loss"),
        ({"loss": losses.huber}, "fit needs Loss for loss"),
        ({"solver": MiniBatch}, "fit needs Solver for solver.*MiniBatch came"),
        ({"model": Linear}, "fit needs Model for model.*Linear came"),
        ({"X": np.zeros((3, 2))}, "fit needs Samples or Stream for X"),
        ({"penalty": 0.5}, r"a penalty is L1\(λ\) or L2\(λ\); 0.5 came"),
    ],
)
def test_what_is_no_part_of_a_fit_is_named(given, sentence):
    parts = {"model": Linear(), "X": X, "loss": losses.logistic, "solver": GradientDescent()}
    with pytest.raises(TypeError, match=sentence):
        fit(**{**parts, **given})


def test_a_start_a_seed_and_a_class_that_do_not_exist():
    with pytest.raises(ValueError, match="start must be 'constant' or 'zero'; it is 'best'"):
        fit(Linear(), X, losses.logistic, GradientDescent(), start="best")
    with pytest.raises(ValueError, match="seed must be 0 or more; it is -1"):
        fit(Linear(), X, losses.logistic, GradientDescent(), seed=-1)
    with pytest.raises(ValueError, match="at least two classes; all that count are"):
        fit(Linear(), X.take(X.y == 0), losses.logistic, GradientDescent())


def test_predict_takes_samples_or_their_features():
    found = fit(Linear(), X, losses.logistic, GradientDescent(steps=3))
    assert_allclose(found.predict(X).score, found.predict(X.x).score, rtol=0)


def test_an_empty_history_that_was_given_is_filled():
    X, given = samples_for(losses.squared, n=20), History()
    found = fit(Linear(), X, losses.squared, GradientDescent(0.1, steps=3), history=given)
    assert found.history is given and len(given) == 4
