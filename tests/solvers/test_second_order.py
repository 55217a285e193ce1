"""Levenberg-Marquardt: known minima, both ways the same steps, and the sentences for bad input."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import baksan as bk
from baksan import (
    Analytic,
    Ensemble,
    LevenbergMarquardt,
    Linear,
    Network,
    Samples,
    Stream,
    fit,
    losses,
)
from baksan.fit import ready
from baksan.models.base import Model
from baksan.solvers.base import Problem, State

RANDOM = np.random.default_rng(5)
N = 90
FEATURES = RANDOM.normal(size=(N, 2)) * [2.0, 30.0] + [1.0, 100.0]
WEIGHTS = RANDOM.uniform(0.2, 3.0, N)
ANSWERS = 50.0 * np.sin(FEATURES[:, 0]) + FEATURES[:, 1] + RANDOM.normal(size=N)
X = Samples(FEATURES, ANSWERS, WEIGHTS)
SMALL = Network((6, 6), activation="tanh", precision="float64")

CASES = {
    "weights, L2": (SMALL, X, losses.squared, bk.L2(0.3)),
    "residual, layers": (
        replace(SMALL, residual=True, normalise="layer"), X, losses.squared, bk.L2(0.01),
    ),
    "two answers": (
        SMALL, Samples(FEATURES, np.column_stack([ANSWERS, FEATURES[:, 1] ** 2]), WEIGHTS),
        losses.squared, bk.L2(0.1),
    ),
    "three classes": (
        SMALL, Samples(FEATURES, np.arange(N) % 3, class_names=("a", "b", "c")),
        losses.squared_margin, None,
    ),
}  # fmt: skip


def taken(solver, problem, steps):
    """The State after so many steps, one by one."""
    state, step = solver.start(problem.model, seed=3), solver.stepper(problem)
    states = [state]
    for _ in range(steps):
        states.append(step(states[-1], 1))
    return states


# Known minima -------------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", [None, bk.L2(0.2)])
def test_a_line_is_that_of_least_squares(penalty):
    found = fit(Linear(), X, losses.squared, LevenbergMarquardt(steps=30), penalty=penalty)
    exact = fit(Linear(), X, losses.squared, Analytic(), penalty=penalty)
    assert_allclose(found.model.parameters, exact.model.parameters, rtol=1e-10)
    assert found.converged and "none lowers Q any more" in found.message


@dataclass(frozen=True, eq=False)
class Saturation(Model):
    """b₁ (1 − exp(−b₂ x)), with parameters b₁ and 1,000 b₂."""

    parameters: np.ndarray = field(default_factory=lambda: np.array([500.0, 0.1]))
    outputs: int = 1

    def __call__(self, x):
        return self.parameters[0] * (1 - np.exp(-self.parameters[1] / 1000 * x[:, 0]))

    def pullback(self, x, slope):
        gone = np.exp(-self.parameters[1] / 1000 * x[:, 0])
        second = self.parameters[0] * x[:, 0] / 1000 * gone
        return np.array([slope @ (1 - gone), slope @ second])

    def moved(self, parameters):
        return replace(self, parameters=parameters)

    def prepared(self, x, weight, outputs):
        return self

    def at_constant(self, constant, spread=1.0):
        return self


def test_certified_values_of_a_nonlinear_fit():
    """Misra1a of NIST's Statistical Reference Datasets, from its first, distant start."""
    x = [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1,
         760.0]  # fmt: skip
    y = [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47,
         81.78]  # fmt: skip
    found = fit(
        Saturation(), Samples(np.array(x)[:, None], y), losses.squared, LevenbergMarquardt()
    )
    certified = [2.3894212918e2, 5.5015643181e-1]
    assert_allclose(found.model.parameters, certified, rtol=1e-7)
    assert found.loss * len(x) == pytest.approx(1.2455138894e-1, rel=1e-9)


def test_a_network_finds_a_smooth_function_to_many_digits():
    x = np.random.default_rng(1).uniform(-2, 2, (400, 1))
    solver = LevenbergMarquardt(steps=60)
    samples = Samples(x, np.sin(2 * x[:, 0]))
    found = fit(replace(SMALL, hidden=(10,)), samples, losses.squared, solver)
    assert found.loss < 1e-5
    assert abs(found.model(np.array([[0.5]]))[0] - np.sin(1.0)) < 1e-2


def test_an_even_answer_of_a_symmetric_feature_is_no_trap():
    """There a network of tanh with a last layer of 0 has no slope at all."""
    x = np.linspace(-2, 2, 101)[:, None]
    net = replace(SMALL, hidden=(8,))
    found = fit(net, Samples(x, x[:, 0] ** 2), losses.squared, LevenbergMarquardt(steps=40))
    assert found.loss < 1e-4


# Laws ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_both_ways_take_the_same_steps_and_each_lowers_what_is_minimised(case):
    model, samples, loss, penalty = CASES[case]
    problem = ready(Problem(model, samples, loss, penalty), seed=3)
    one = taken(LevenbergMarquardt(way="generic"), problem, 4)
    two = taken(LevenbergMarquardt(way="compiled"), problem, 4)
    for a, b in zip(one, two, strict=True):
        assert_allclose(b.parameters, a.parameters, rtol=1e-7, atol=1e-9)
        assert_allclose([b.loss, b.gradient, b.cost], [a.loss, a.gradient, a.cost], rtol=1e-9)
    values = [problem.value(state.parameters) for state in two]
    assert np.all(np.diff(values) < 0)
    assert two[3].loss == pytest.approx(bk.Q(problem.model.moved(two[2].parameters), samples, loss))


def test_events_of_several_blocks_are_summed():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2_500, 1))
    samples = Samples(x, np.sin(x[:, 0]), rng.uniform(0.5, 1.5, 2_500))
    problem = ready(Problem(replace(SMALL, hidden=(3,)), samples, losses.squared), seed=3)
    one = taken(LevenbergMarquardt(way="generic"), problem, 1)[-1]
    two = taken(LevenbergMarquardt(), problem, 1)[-1]
    assert_allclose(two.parameters, one.parameters, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("model", [SMALL, replace(SMALL, precision="float32"), Ensemble(SMALL, 2)])
def test_a_run_that_goes_on_is_the_undisturbed_one(model):
    solver = LevenbergMarquardt(steps=12)
    whole = fit(model, X, losses.squared, solver, seed=2)
    first = fit(model, X, losses.squared, replace(solver, steps=5), seed=2)
    state = State.from_arrays(first.state.to_arrays())
    rest = fit(model, X, losses.squared, solver, seed=2, state=state, history=first.history)
    assert_array_equal(rest.state.parameters, whole.state.parameters)
    assert_array_equal(rest.state.moments["damping"], whole.state.moments["damping"])
    assert rest.state.cost == whole.state.cost


def test_steps_together_are_steps_one_by_one():
    problem = ready(Problem(SMALL, X, losses.squared), seed=3)
    solver = LevenbergMarquardt()
    together = solver.stepper(problem)(solver.start(problem.model, seed=3), 6)
    assert_array_equal(together.parameters, taken(solver, problem, 6)[-1].parameters)


def test_members_of_an_ensemble_are_networks_by_themselves():
    solver = LevenbergMarquardt(steps=6)
    found = fit(Ensemble(SMALL, 2), X, losses.squared, solver, seed=1)
    for member, seed in zip(found.model.networks, (2, 3), strict=True):
        alone = fit(SMALL, X, losses.squared, solver, seed=seed)
        assert_allclose(member.parameters, alone.model.parameters, rtol=1e-10)


def test_a_stream_is_the_same_events():
    stream = Stream(lambda: (X.rows(slice(i, i + 45)) for i in range(0, N, 45)))
    problem = ready(Problem(SMALL, X, losses.squared, bk.L2(0.1)), seed=3)
    one = taken(LevenbergMarquardt(), problem, 3)[-1]
    two = taken(LevenbergMarquardt(), replace(problem, X=stream), 3)[-1]
    assert_allclose(two.parameters, one.parameters, rtol=1e-9)
    assert_allclose([two.cost, two.seen, two.epoch], [one.cost, one.seen, one.epoch])


def test_a_fitted_network_goes_on_from_its_weights():
    solver = LevenbergMarquardt(steps=4)
    found = fit(SMALL, X, losses.squared, solver)
    assert_array_equal(solver.start(found.model).parameters, found.model.parameters)


def test_it_ends_where_the_slope_is_small_or_the_validation_loss_grows():
    solver = LevenbergMarquardt(steps=500, gradient_tolerance=1e-3)
    found = fit(SMALL, X, losses.squared, solver, penalty=bk.L2(1.0))
    assert found.converged and "is below 0.001" in found.message
    assert found.state.gradient < 1e-3
    other = Samples(FEATURES, np.random.default_rng(0).permutation(ANSWERS))
    watched = fit(SMALL, X, losses.squared, LevenbergMarquardt(patience=3), validation=other)
    assert "has not fallen" in watched.message
    assert bk.Q(watched.model, other, losses.squared) == pytest.approx(watched.state.best_loss)


# Sentences ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"steps": 0}, "steps must be a whole number from 1"),
        ({"damping": 0.0}, "damping must be positive"),
        ({"gradient_tolerance": -1.0}, "gradient_tolerance must be 0 or more"),
        ({"way": "python"}, "way must be auto, generic or compiled"),
    ],
)
def test_wrong_settings(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        LevenbergMarquardt(**wrong)


NEGATIVE = Samples(FEATURES, ANSWERS, np.where(np.arange(N) < 5, -1.0, 1.0))


@pytest.mark.parametrize(
    ("model", "samples", "loss", "penalty", "sentence"),
    [
        (SMALL, X, losses.huber(1.0), None, "is for least squares, .* this is huber"),
        (SMALL, X, losses.squared, bk.L1(0.1), "needs a smooth penalty; L1 came"),
        (replace(SMALL, dropout=0.2), X, losses.squared, None, "dropout and normalisation"),
        (replace(SMALL, normalise="batch"), X, losses.squared, None, "dropout and normalisation"),
        (Ensemble(replace(SMALL, dropout=0.2)), X, losses.squared, None, "dropout and"),
        (SMALL, NEGATIVE, losses.squared, None, "needs weights of 0 or more"),
        (replace(SMALL, hidden=(70, 70)), X, losses.squared, None, "at most 5,000 parameters"),
    ],
)
def test_what_it_is_not_for(model, samples, loss, penalty, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit(model, samples, loss, LevenbergMarquardt(), penalty=penalty)


def test_lines_have_no_compiled_way():
    with pytest.raises(ValueError, match="needs a Network and JAX"):
        fit(Linear(), X, losses.squared, LevenbergMarquardt(way="compiled"))
