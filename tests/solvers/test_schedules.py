"""Schedules: rates as functions of the step alone."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from baksan import Analytic, Ensemble, Linear, MiniBatch, Network, Q, Samples, fit
from baksan.losses import squared
from baksan.solvers.base import State
from baksan.solvers.descent import Descent
from baksan.solvers.schedules import Constant, Cosine, InverseTime, OneCycle, Plateau, Step, WarmUp

STEPS = np.arange(1000)
FALLING = [
    Constant(0.1), InverseTime(0.1, 7, 0.75), Step(0.1, 30), Step(0.1, 1, 1e-9), Cosine(0.1, 400),
    Cosine(0.1, 1), Cosine(0.1, 900, last=0.1), Cosine(0.1, 2000, last=0.03),
    Plateau(0.1),
]  # fmt: skip
RISING = [
    OneCycle(0.1, 1000), OneCycle(0.1, 700, warm=0.5, start=0.1, last=0.01), OneCycle(0.1, 1),
    WarmUp(0.1, 50), WarmUp(Cosine(0.1, 900), 1), WarmUp(OneCycle(0.1, 300), 100),
]  # fmt: skip


def test_rates_by_hand():
    assert_allclose(Constant(0.3)(STEPS), 0.3)
    assert_allclose(InverseTime(2.0, tau=10)(np.array([0, 10, 90])), [2, 1, 0.2])
    assert_allclose(InverseTime(2.0, tau=10, power=0.5)(np.array([0, 30])), [2.0, 1.0])
    assert_allclose(Step(1.0, every=100)(np.array([0, 99, 100, 350])), [1.0, 1.0, 0.5, 0.125])
    assert_allclose(Step(1.0, 10, factor=0.1)(np.array([9, 10, 25])), [1.0, 0.1, 0.01])
    assert_allclose(Cosine(3.0, 60, last=1.0)(np.array([0, 20, 30, 40])), [3.0, 2.5, 2.0, 1.5])
    cycle = OneCycle(2.0, 100, warm=0.2, start=1.0, last=0.5)
    assert_allclose(cycle(np.array([0, 10, 20, 60, 100, 500])), [1.0, 1.5, 2.0, 1.25, 0.5, 0.5])
    assert_allclose(WarmUp(2.0, 4)(np.arange(6)), [0.5, 1.0, 1.5, 2.0, 2.0, 2.0])


@pytest.mark.parametrize("schedule", FALLING, ids=str)
def test_rates_begin_as_told_and_never_rise(schedule):
    rates = schedule(STEPS)
    assert rates[0] == 0.1 and np.all(np.diff(rates) <= 0)


@pytest.mark.parametrize("schedule", [*FALLING, *RISING], ids=str)
def test_rates_are_positive_and_do_not_depend_on_the_blocks(schedule):
    rates = schedule(STEPS)
    assert rates.shape == STEPS.shape and rates.dtype == float
    assert rates.min() > 0 and rates.max() <= 0.1 * (1 + 1e-15)
    assert np.array_equal(rates, np.concatenate([schedule(STEPS[:333]), schedule(STEPS[333:])]))


def test_a_cosine_covers_half_the_way_and_optax_agrees():
    optax = pytest.importorskip("optax")
    for steps, last in ((10, 0.0), (77, 0.02)):
        t = np.arange(steps)
        rates = Cosine(0.3, steps, last)(t)
        assert_allclose(rates.sum(), steps * (0.3 + last) / 2 + (0.3 - last) / 2, rtol=1e-13)
        theirs = optax.cosine_decay_schedule(0.3, steps, alpha=last / 0.3)
        assert_allclose(rates, [float(theirs(k)) for k in t], rtol=1e-4, atol=1e-8)


def test_one_cycle_rises_to_its_rate_falls_to_its_end_and_optax_agrees():
    optax = pytest.importorskip("optax")
    t = np.arange(121)
    rates = OneCycle(0.5, 100)(t)
    assert_allclose(rates[[0, 30]], [0.02, 0.5], rtol=1e-14)
    assert np.all(np.diff(rates[:31]) > 0) and np.all(np.diff(rates[30:101]) < 0)
    assert_allclose(rates[100:], 0.5 / 250_000, rtol=1e-12)
    theirs = optax.cosine_onecycle_schedule(100, 0.5, pct_start=0.3)
    assert_allclose(rates, [float(theirs(k)) for k in t], rtol=1e-4, atol=1e-7)


def test_a_warm_up_is_a_straight_line_to_the_schedule_behind_it():
    behind = Cosine(0.2, 500)
    rates = WarmUp(behind, 100)(STEPS)
    assert_allclose(rates[:100] / behind(STEPS)[:100], np.arange(1, 101) / 100, rtol=1e-14)
    np.testing.assert_array_equal(rates[99:], behind(STEPS)[99:])


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.inf, math.nan])
def test_what_is_not_positive_has_its_sentence(wrong):
    for schedule in (
        lambda: Constant(wrong),
        lambda: InverseTime(wrong, 1.0),
        lambda: InverseTime(1.0, wrong),
        lambda: InverseTime(1.0, 1.0, wrong),
        lambda: Step(wrong, 1),
        lambda: Step(1.0, wrong),
        lambda: Step(1.0, 1, wrong),
        lambda: Cosine(wrong, 10),
        lambda: Cosine(1.0, wrong),
        lambda: OneCycle(wrong, 10),
        lambda: OneCycle(1.0, wrong),
        lambda: WarmUp(1.0, wrong),
        lambda: WarmUp(wrong, 10),
    ):
        with pytest.raises(ValueError, match=f"of a schedule must be positive; it is {wrong}"):
            schedule()


@pytest.mark.parametrize(
    ("schedule", "sentence"),
    [
        (lambda: Step(1.0, 1, 1.5), "factor of a schedule must be at most 1; it is 1.5"),
        (lambda: Cosine(1.0, 9, -0.1), "last rate of a schedule must be 0 or more"),
        (lambda: Cosine(1.0, 9, math.nan), "last rate of a schedule must be 0 or more"),
        (lambda: Cosine(1.0, 9, 2.0), "at most the first, 1.0; it is 2.0"),
        (lambda: OneCycle(1.0, 9, warm=1.0), "must be between 0 and 1; it is 1.0"),
        (lambda: OneCycle(1.0, 9, warm=math.nan), "must be between 0 and 1; it is nan"),
        (lambda: OneCycle(1.0, 9, start=2.0), "start of a schedule must be positive and at most"),
        (lambda: OneCycle(1.0, 9, last=0.0), "last of a schedule must be positive and at most"),
    ],
)
def test_ends_that_make_no_sense(schedule, sentence):
    with pytest.raises(ValueError, match=sentence):
        schedule()


# Plateau: what the validation loss has to say -----------------------------------------------------


def test_a_plateau_cuts_the_rate_whenever_so_many_looks_brought_nothing():
    solver = MiniBatch(WarmUp(Plateau(0.4, factor=0.5, patience=2), 1), batch=10)
    state, rates = solver.start(Linear().prepared(np.zeros((2, 1)), np.ones(2), 1)), []
    for loss in (5.0, 4.0, 4.0, 4.5, 3.0, 3.5, 3.1, 3.2, 3.3, 2.0):
        state = solver.watched(state, loss, state.parameters)
        rates.append(float(solver.rates(solver.rate, replace(state, step=7), 1)[0]))
    assert rates == [0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05]
    assert state.best_loss == 2.0


@pytest.mark.parametrize("model", [Linear(), Network((4,)), Ensemble(Network((4,)), 2)], ids=str)
@pytest.mark.parametrize("batch", [30, None])
def test_a_run_on_a_plateau_keeps_its_best_weights_and_may_be_broken_off(model, batch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2))
    X = Samples(x, x[:, 0] + rng.normal(size=120))
    learn, held = X.rows(slice(0, 60)), X.rows(slice(60, 120))
    budget = {"steps": 60}
    whole = Descent(Plateau(0.3, 0.5, 1), batch=batch, **budget)
    found = fit(model, learn, squared, whole, validation=held)
    state = found.state
    assert state.slowed < 1 and Q(found.model, held, squared) == pytest.approx(state.best_loss)
    rates = found.history["rate"]
    cuts = np.log2(0.3 / rates[1:])
    assert_allclose(cuts, np.round(cuts), atol=1e-9)
    assert rates[-1] < rates[1] == 0.3
    half = fit(model, learn, squared, replace(whole, steps=25), validation=held)
    stored = State.from_arrays(half.state.to_arrays())
    on = fit(model, learn, squared, whole, validation=held, state=stored, history=half.history)
    if batch:  # the looks of full batches are at rows of the history, and the last step is one
        np.testing.assert_array_equal(on.state.parameters, state.parameters)
        assert on.state.slowed == state.slowed


def test_a_plateau_needs_a_validation_loss():
    X = Samples(np.zeros((4, 1)), np.arange(4.0))
    with pytest.raises(ValueError, match="Plateau waits for the validation loss to fall"):
        fit(Linear(), X, squared, Descent(Plateau(0.1)))
    with pytest.raises(ValueError, match="no validation loss that Plateau could wait for"):
        Descent(Plateau(0.1), batch=1).online(fit(Linear(), X, squared, Analytic()).model, squared)


@pytest.mark.parametrize(
    "given", [{"factor": 1.0}, {"factor": 0.0}, {"patience": 1.5}, {"rate": -1}]
)
def test_plateaus_that_make_no_sense(given):
    with pytest.raises(ValueError, match="plateau needs|must be positive"):
        Plateau(**{"rate": 0.1, **given})
