"""Mean ln A from fractions, regression and depth, and tables of hadronic models."""

import numpy as np
import pytest

from baksan import metrics
from baksan.physics import depth_of_maximum
from baksan.results.composition import (
    LINES,
    MASSES,
    ln_mass_from_depth,
    ln_mass_from_fractions,
    ln_mass_in_bins,
)
from baksan.results.cross_model import cross_model, fraction_figure, mass_bias, predicted
from baksan.results.response import response
from baksan.results.unfolding import unfold

M = np.array([[0.8, 0.3, 0.1], [0.15, 0.5, 0.2], [0.05, 0.2, 0.7]])
NAMES = ("p", "He", "Fe")


def test_lines_and_masses():
    assert LINES["p"] == 0 and LINES["Fe"] == np.log(56) == np.log(MASSES["Fe"])
    assert (MASSES["He"], MASSES["N"], MASSES["CNO"], MASSES["Si"]) == (4, 14, 14, 28)


@pytest.mark.parametrize("name", ["p", "He", "Fe"])
def test_a_pure_beam_lies_on_its_line(name):
    f = np.array([float(name == one) for one in NAMES])
    found = ln_mass_from_fractions(f, np.zeros((3, 3)), NAMES)
    assert found.mean == pytest.approx(LINES[name]) and found.variance == pytest.approx(
        0, abs=1e-12
    )


def test_errors_are_the_scatter_of_unfolded_fractions():
    truth, rng = np.array([0.4, 0.3, 0.3]), np.random.default_rng(0)
    runs = [unfold(rng.multinomial(4000, M @ truth), M) for _ in range(300)]
    found = [ln_mass_from_fractions(one.fractions, one.covariance, NAMES) for one in runs]
    for value, error in (("mean", "error"), ("variance", "variance_error")):
        values = np.array([getattr(one, value) for one in found])
        errors = np.array([getattr(one, error) for one in found])
        assert errors.mean() == pytest.approx(values.std(), rel=0.15)
    a = np.log([1, 4, 56])
    assert np.mean([one.mean for one in found]) == pytest.approx(truth @ a, abs=0.01)
    one = runs[0]
    quadrature = np.sqrt((one.error**2) @ a**2)
    assert found[0].error < quadrature  # fractions are anticorrelated


def test_bins_of_energy_go_together():
    f, C = np.array([[1.0, 0, 0], [0, 0.5, 0.5]]), np.zeros((2, 3, 3))
    found = ln_mass_from_fractions(f, C, [1, 4, 56])
    np.testing.assert_allclose(found.mean, [0, np.log(4 * 56) / 2])
    np.testing.assert_allclose(found.variance, [0, (np.log(56 / 4) / 2) ** 2], atol=1e-12)


def test_regression_in_bins_is_the_mean_with_its_error():
    rng = np.random.default_rng(1)
    energy = rng.uniform(18, 19, 4000)
    found = ln_mass_in_bins(rng.normal(2 * (energy - 18), 1.0), energy, [18, 18.5, 19, 20])
    np.testing.assert_allclose(found["value"][:2], [0.5, 1.5], atol=0.1)
    half = (found["high"] - found["low"])[:2] / 2
    np.testing.assert_allclose(half, 1.04 / np.sqrt(found["count"][:2]), rtol=0.2)
    assert np.isnan(found["value"][2])


@pytest.mark.parametrize("model", ["epos-lhc", "qgsjetii-04"])
def test_depths_give_back_the_mixture(model):
    """Events with the moments of the model: half protons, half iron, over half a decade."""
    rng = np.random.default_rng(2)
    lg, mass = rng.uniform(18.5, 19.0, 20_000), rng.choice([1, 56], 20_000)
    mean, spread = depth_of_maximum.moments(lg, mass, model)
    X = rng.normal(mean, spread) + rng.normal(0, 20, 20_000)
    found = ln_mass_from_depth(X, lg, [18.5, 19.0, 19.5], model, resolution=20.0)
    assert found["mean"][0] == pytest.approx(np.log(56) / 2, abs=4 * found["error"][0])
    assert found["variance"][0] == pytest.approx(
        (np.log(56) / 2) ** 2, abs=4 * found["variance_error"][0]
    )
    assert found["error"][0] < 0.03 and np.isnan(found["mean"][1])
    blurred = ln_mass_from_depth(X, lg, [18.5, 19.0], model)
    assert blurred["variance"][0] > found["variance"][0]


# From one model to another ------------------------------------------------------------------------


@pytest.fixture
def two_models():
    """Scores of events of two hadronic models; classes lie closer in the second."""
    rng, events, answers = np.random.default_rng(3), {}, {}
    for name, apart in (("epos", 2.0), ("qgs", 1.0)):
        answers[name] = np.repeat([0, 1], 2000)
        events[name] = rng.normal(apart * answers[name], 1.0)
    return events, answers


def test_the_table_holds_the_figure_of_each_pair(two_models):
    events, answers = two_models
    pairs = predicted({"epos": lambda x: x, "qgs": lambda x: -x}, events)
    found = cross_model(pairs, answers, metrics.auc, replicas=50)
    assert (found.trained, found.tested) == (("epos", "qgs"), ("epos", "qgs"))
    for i, a in enumerate(found.trained):
        for j, b in enumerate(found.tested):
            assert found.value[i, j] == metrics.auc(pairs[a, b], answers[b])
    assert found.value[0] + found.value[1] == pytest.approx([1, 1])
    worst = max(
        abs(found.value[1, 0] - found.value[0, 0]), abs(found.value[0, 1] - found.value[1, 1])
    )
    assert found.systematic == pytest.approx(worst)
    # Hanley and McNeil's error of an AUC is that of the bootstrap.
    A, n = found.value[0, 0], 2000
    q1, q2 = A / (2 - A), 2 * A**2 / (1 + A)
    expected = np.sqrt((A * (1 - A) + (n - 1) * (q1 + q2 - 2 * A**2)) / n**2)
    assert found.error[0, 0] == pytest.approx(expected, rel=0.3)
    lines = str(found).splitlines()
    assert lines[0] == "| trained on | epos | qgs |" and lines[1] == "|---|---|---|"
    assert lines[2].startswith(f"| epos | {A:.3f} ± ")


def test_pairs_that_were_not_tried_stay_open():
    y = np.arange(20.0)
    found = cross_model({("a", "a"): y, ("b", "c"): y + 1}, {"a": y, "c": y}, mass_bias)
    np.testing.assert_array_equal(found.value, [[0, np.nan], [np.nan, 1]])
    assert found.systematic == 0


def test_fractions_unfolded_with_another_model_are_worse(two_models):
    events, answers = two_models
    found = predicted(dict.fromkeys(events, lambda x: (x > 0.8).astype(int)), events)
    figures = {a: fraction_figure(response(answers[a], found[a, a], ["p", "Fe"])) for a in events}
    table = cross_model(found, answers, figures, replicas=10)
    own, other = np.diag(table.value), table.value[[0, 1], [1, 0]]
    assert other.min() > 3 * own.max()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([0.5, 0.5], np.zeros((3, 3)), ["p", "Fe"]), r"shapes are \(2,\) and \(3, 3\)"),
        (([0.5, 0.4], np.zeros((2, 2)), ["p", "Fe"]), "fractions must sum to 1"),
        (([0.5, 0.5], np.zeros((2, 2)), ["p", "iron"]), "'iron' is not"),
        (([0.5, 0.5], np.zeros((2, 2)), ["p", 0]), "a mass number lies between 1 and 300; 0"),
    ],
)
def test_bad_fractions_are_said(arguments, said):
    with pytest.raises(ValueError, match=said):
        ln_mass_from_fractions(*arguments)


def test_bad_tables_are_said():
    with pytest.raises(ValueError, match=r"missing: b"):
        cross_model({("a", "b"): [1.0]}, {}, mass_bias)
    with pytest.raises(ValueError, match="there is no pair"):
        cross_model({}, {}, mass_bias)
    with pytest.raises(ValueError, match="predictions of a on b must have one entry"):
        cross_model({("a", "b"): [1.0]}, {"b": [1.0, 2.0]}, mass_bias)
    with pytest.raises(ValueError, match="a depth and an energy"):
        ln_mass_from_depth([700.0], [18.0, 18.5], [18, 19])
