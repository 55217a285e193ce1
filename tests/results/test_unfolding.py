"""Fractions from counts: laws of EM, closure with pulls, and second opinions on the maximum."""

import numpy as np
import pytest
from scipy import optimize, stats

from baksan.results import simplex
from baksan.results.response import Response, response
from baksan.results.unfolding import fraction_error, unfold, unfold_scores

NAMES = ("p", "He", "N", "Fe")
M4 = np.array(
    [
        [0.60, 0.30, 0.12, 0.03],
        [0.25, 0.40, 0.25, 0.07],
        [0.12, 0.22, 0.43, 0.20],
        [0.03, 0.08, 0.20, 0.70],
    ]
)
TRUTH = np.array([0.35, 0.25, 0.15, 0.25])


def drawn(seed, truth=TRUTH, events=5000, matrix=M4):
    return np.random.default_rng(seed).multinomial(events, matrix @ truth).astype(float)


def simulated(events, seed=0):
    """Truth and answers of so many events of each class, found as M4 says."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(4), events)
    return truth, (rng.random(4 * events)[:, None] > M4.cumsum(axis=0)[:3].T[truth]).sum(axis=1)


# The response -------------------------------------------------------------------------------------


def test_columns_sum_to_one_and_count_events():
    truth, found = simulated(3000)
    weight = np.random.default_rng(1).uniform(0.5, 1.5, len(truth))
    M = response(truth, found, NAMES, weight)
    np.testing.assert_allclose(M.matrix.sum(axis=0), 1)
    np.testing.assert_allclose(M.matrix, M4, atol=5 * np.sqrt(0.25 / 3000))
    of_iron, as_n = weight[truth == 3], weight[(truth == 3) & (found == 2)]
    assert M.events[3] == pytest.approx(of_iron.sum() ** 2 / (of_iron**2).sum())
    assert M.matrix[2, 3] == pytest.approx(as_n.sum() / of_iron.sum())


def test_an_event_of_weight_two_is_the_event_twice():
    truth, found = simulated(50)
    twice = response(truth, found, NAMES, np.where(np.arange(200) < 5, 2.0, 1.0))
    longer = response(np.append(truth, truth[:5]), np.append(found, found[:5]), NAMES)
    np.testing.assert_allclose(twice.matrix, longer.matrix)


def test_a_redrawn_response_scatters_as_its_events():
    M, rng = Response(M4, np.full(4, 400.0), NAMES), np.random.default_rng(0)
    many = np.array([M.redrawn(rng) for _ in range(800)])
    np.testing.assert_allclose(many.sum(axis=1), 1)
    np.testing.assert_allclose(many.mean(axis=0), M4, atol=0.005)
    np.testing.assert_allclose(many.std(axis=0), np.sqrt(M4 * (1 - M4) / 400), rtol=0.12)


# Laws ---------------------------------------------------------------------------------------------


def test_a_perfect_classifier_gives_the_counts():
    found = unfold([50, 30, 15, 5], np.eye(4))
    np.testing.assert_allclose(found.fractions, [0.5, 0.3, 0.15, 0.05], atol=1e-9)
    f = found.fractions
    np.testing.assert_allclose(found.error, np.sqrt(f * (1 - f) / 100))
    assert found.condition == pytest.approx(1) and not found.method_error.any()
    empty = unfold([60, 40, 0, 0], np.eye(4))
    np.testing.assert_allclose(empty.fractions, [0.6, 0.4, 0, 0], atol=1e-9)
    np.testing.assert_allclose(empty.error, [0.049, 0.049, 0, 0], atol=1e-4)


def test_exact_counts_give_the_truth():
    found = unfold(10_000 * M4 @ TRUTH, M4)
    np.testing.assert_allclose(found.fractions, TRUTH, atol=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_em_never_lowers_the_likelihood(seed):
    n, f = drawn(seed, events=300), np.random.default_rng(seed).dirichlet(np.ones(4))
    values = []
    for _ in range(60):
        values.append(simplex.log_likelihood(f, M4, n))
        f = simplex.em_step(f, M4, n)
        assert f.sum() == pytest.approx(1) and f.min() >= 0
    assert np.all(np.diff(values) >= -1e-9)
    assert unfold(n, M4).log_likelihood >= values[-1] - 1e-9


@pytest.mark.parametrize("seed", range(20))
def test_the_conditions_of_a_maximum_hold(seed):
    rng = np.random.default_rng(seed)
    n = drawn(seed, rng.dirichlet(np.full(4, 0.3)), 200)  # often at the edge of the simplex
    best = simplex.maximum(M4, n)
    d = simplex.slope(best.fractions, M4, n)
    assert best.fractions.sum() == pytest.approx(1) and best.fractions.min() >= 0
    assert d.max() <= 1 + 1e-9 and best.gap <= 1e-10
    np.testing.assert_allclose(best.fractions * (d - 1), 0, atol=1e-8)


def test_the_slope_is_the_derivative():
    n, f, h = drawn(3), TRUTH.copy(), 1e-6
    ahead = [simplex.log_likelihood(f + h * e, M4, n) for e in np.eye(4)]
    behind = [simplex.log_likelihood(f - h * e, M4, n) for e in np.eye(4)]
    slope = (np.array(ahead) - behind) / (2 * h * n.sum())
    np.testing.assert_allclose(simplex.slope(f, M4, n), slope, rtol=1e-6)


# Second opinions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_as_the_maximum_of_scipy(seed):
    n = drawn(seed, np.random.default_rng(seed).dirichlet(np.ones(4)), 800)
    other = optimize.minimize(
        lambda f: -simplex.log_likelihood(np.maximum(f, 1e-12), M4, n) / n.sum(),
        np.full(4, 0.25),
        bounds=[(0, 1)] * 4,
        constraints={"type": "eq", "fun": lambda f: f.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    found = unfold(n, M4)
    assert found.log_likelihood >= -other.fun * n.sum() - 1e-6
    np.testing.assert_allclose(found.fractions, other.x, atol=2e-3)


def test_as_the_inverse_where_that_lies_inside():
    n = drawn(5, events=20_000)
    inverse = np.linalg.solve(M4, n / n.sum())
    assert inverse.min() > 0
    np.testing.assert_allclose(unfold(n, M4).fractions, inverse, atol=1e-7)


@pytest.mark.parametrize(("a", "b", "n"), [(0.9, 0.2, 5500), (0.7, 0.4, 3000), (0.8, 0.1, 9500)])
def test_two_classes_in_closed_form(a, b, n):
    """f = (n/N − b)/(a − b), cut off at 0 and 1, and its binomial error."""
    share = n / 10_000
    found = unfold([n, 10_000 - n], [[a, b], [1 - a, 1 - b]])
    inside = np.clip((share - b) / (a - b), 0, 1)
    assert found.fractions[0] == pytest.approx(inside, abs=1e-8)
    p = b + (a - b) * inside
    assert found.error[0] == pytest.approx(np.sqrt(p * (1 - p) / 10_000) / (a - b))
    assert found.covariance.sum() == pytest.approx(0, abs=1e-12)


def test_scores_without_bins_agree_with_many_bins():
    rng, means = np.random.default_rng(2), np.array([0.0, 1.0, 2.5])
    x = rng.normal(means[rng.choice(3, 4000, p=[0.5, 0.2, 0.3])])
    free = unfold_scores(stats.norm.pdf(x[:, None] - means), ["p", "He", "Fe"])
    edges = np.linspace(-6, 9, 301)
    M = np.diff(stats.norm.cdf(edges[:, None] - means), axis=0)
    binned = unfold(np.histogram(x, edges)[0], M / M.sum(axis=0))
    np.testing.assert_allclose(free.fractions, binned.fractions, atol=2e-3)
    np.testing.assert_allclose(free.error, binned.error, rtol=0.02)
    assert np.abs(free.fractions - [0.5, 0.2, 0.3]).max() < 4 * free.error.max()
    scaled = unfold_scores(stats.norm.pdf(x[:, None] - means) * np.exp(x)[:, None])
    np.testing.assert_allclose(scaled.fractions, free.fractions, atol=1e-6)  # rows up to a factor


def test_scores_that_are_bins_are_the_bins():
    n = drawn(1, events=400).astype(int)
    free = unfold_scores(np.repeat(M4, n, axis=0), NAMES)
    binned = unfold(n, M4)
    np.testing.assert_allclose(free.fractions, binned.fractions, atol=1e-8)
    assert free.log_likelihood == pytest.approx(binned.log_likelihood)
    np.testing.assert_allclose(free.error, binned.error, rtol=0.1)


# Errors -------------------------------------------------------------------------------------------


def test_closure_pulls_have_mean_zero_and_width_one():
    found = [unfold(drawn(seed), M4) for seed in range(200)]
    pulls = np.array([(one.fractions - TRUTH) / one.error for one in found])
    np.testing.assert_array_less(np.abs(pulls.mean(axis=0)), 3.5 / np.sqrt(200))
    np.testing.assert_array_less(np.abs(pulls.std(axis=0) - 1), 3.5 / np.sqrt(400))


def test_the_error_is_the_scatter_of_counts_drawn_anew():
    n, rng = drawn(7), np.random.default_rng(0)
    again = [unfold(rng.multinomial(5000, n / 5000), M4).fractions for _ in range(300)]
    np.testing.assert_allclose(unfold(n, M4).error, np.std(again, axis=0), rtol=0.15)


def test_the_method_error_is_the_scatter_of_other_simulations():
    n = 50_000 * M4 @ TRUTH
    worlds = [response(*simulated(1000, seed), NAMES) for seed in range(150)]
    scatter = np.std([unfold(n, one, replicas=0).fractions for one in worlds], axis=0)
    told = np.mean([unfold(n, one, replicas=60).method_error for one in worlds[:10]], axis=0)
    np.testing.assert_allclose(told, scatter, rtol=0.2)


def test_four_times_the_events_halve_both_errors():
    M = response(*simulated(2000), NAMES)
    more = Response(M.matrix, 4 * M.events, NAMES)
    one, two = unfold(4000 * M.matrix @ TRUTH, M), unfold(16_000 * M.matrix @ TRUTH, more)
    np.testing.assert_allclose(two.error, one.error / 2)
    np.testing.assert_allclose(two.method_error, one.method_error / 2, rtol=0.2)
    assert str(one).startswith("p: 0.350 ± 0.") and str(one).count("(method)") == 4


def test_fractions_before_the_selection():
    efficiency = np.array([0.9, 0.8, 0.6, 0.3])
    selected = efficiency * TRUTH / (efficiency @ TRUTH)
    found = unfold(9000 * M4 @ selected, M4, efficiency=efficiency)
    np.testing.assert_allclose(found.fractions, TRUTH, atol=1e-7)
    assert found.covariance.sum() == pytest.approx(0, abs=1e-12)
    rng = np.random.default_rng(1)
    again = [
        unfold(rng.multinomial(9000, M4 @ selected), M4, efficiency=efficiency).fractions
        for _ in range(300)
    ]
    np.testing.assert_allclose(found.error, np.std(again, axis=0), rtol=0.15)


def test_fraction_error_falls_with_events_and_rises_with_another_nature():
    few, many = (fraction_error(M4, events=n, mixtures=100).mean for n in (500, 50_000))
    assert many < 0.2 * few
    other = np.roll(M4, 1, axis=0) * 0.1 + M4 * 0.9
    moved = fraction_error(M4, other, events=50_000, mixtures=100)
    assert moved.mean > 3 * many
    assert moved.bias.sum() == pytest.approx(0, abs=1e-9)
    assert moved.by_class.mean() == pytest.approx(moved.mean)


def test_fraction_error_of_a_perfect_classifier_is_that_of_counting():
    """E|k/N − f| = √(2 f (1 − f)/(π N)), and E √(f (1 − f)) = π/8 for even f."""
    found = fraction_error(np.eye(2), events=5000, mixtures=400)
    assert found.mean == pytest.approx(np.sqrt(2 / np.pi / 5000) * np.pi / 8, abs=4 * found.error)


# What cannot be -----------------------------------------------------------------------------------


def test_classes_that_cannot_be_told_apart_are_named():
    same = M4.copy()
    same[:, 2] = same[:, 1]
    with pytest.raises(ValueError, match=r"condition number .* 'He' and 'N' look most alike"):
        unfold(drawn(0), Response(same, np.full(4, np.inf), NAMES))
    with pytest.raises(ValueError, match=r"'class 0' and 'class 1' look most alike"):
        unfold_scores(np.ones((10, 2)))
    with pytest.raises(ValueError, match="condition number"):
        unfold([10, 20], [[0.9, 0.5, 0.1], [0.1, 0.5, 0.9]])  # three classes, two bins


@pytest.mark.parametrize(
    ("counts", "matrix", "said"),
    [
        ([1, 2], np.eye(3), "unfolding needs 3 counts"),
        ([0, 0], np.eye(2), "not all 0"),
        ([-1, 2], np.eye(2), "0 or more"),
        ([1, 2], [[0.5, 0.5], [0.4, 0.5]], "columns that sum to 1"),
        ([1, 2, 3], [[0.5, 0.4], [0.5, 0.6], [0, 0]], "3 data events lie in bin 2"),
    ],
)
def test_what_does_not_fit_is_said(counts, matrix, said):
    with pytest.raises(ValueError, match=said):
        unfold(counts, matrix)


def test_bad_simulations_are_said():
    with pytest.raises(ValueError, match="none of 'Fe'"):
        response([0, 0], [0, 1], ["p", "Fe"])
    with pytest.raises(ValueError, match="weights of 0 or more; -1 stands in row 1"):
        response([0, 1, 1], [0, 1, 1], ["p", "Fe"], [1, -1, 3])
    with pytest.raises(ValueError, match=r"class indices 0 … 1"):
        response([0, 2], [0, 1], ["p", "Fe"])
    with pytest.raises(ValueError, match="efficiencies must lie above 0"):
        unfold([1, 2], np.eye(2), efficiency=[0, 1])
    with pytest.raises(ValueError, match="same classes"):
        fraction_error(np.eye(2), np.eye(3))
    with pytest.raises(ValueError, match="Leave events out that no class explains"):
        unfold_scores([[0.1, 0.2], [0.0, 0.0]])
