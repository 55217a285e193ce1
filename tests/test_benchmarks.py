"""The scales of the benchmarks: what holds, what is missed, what is no comparison at all."""

import importlib
import sys
import time
from fractions import Fraction

import numpy as np
import pytest

from baksan import read

FILES = (
    "least_squares", "least_squares_accuracy", "gradient_descent", "sgd", "sgd_shuffled", "online",
    "minibatch", "stream", "predict", "start", "dask_workers", "network_training",
    "networks_at_once", "network_quality", "network_against_trees", "network_prediction",
    "network_on_gpu", "second_order", "air_showers", "learned_reconstruction",
    "published_exercise",
)  # fmt: skip


@pytest.fixture
def benchmark(root, monkeypatch):
    """Imports a file of benchmarks/ by name."""
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    known = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - known:
        if name in ("side_by_side", *FILES):
            del sys.modules[name]


@pytest.fixture
def scales(benchmark):
    return benchmark("side_by_side")


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_there_and_needs_no_competitor_to_be_read(benchmark, name):
    assert callable(benchmark(name).rows)


@pytest.mark.parametrize(
    ("merit", "bound", "sense", "mark"),
    [
        (3.0, 3.0, "at least", "holds"), (2.9, 3.0, "at least", "MISSED"),
        (1.3, 1.3, "at most", "holds"), (1.4, 1.3, "at most", "MISSED"),
        (1.0, None, "at least", ""), (np.nan, 3.0, "at least", "MISSED"),
    ],
)  # fmt: skip
def test_a_claim_holds_or_is_missed(scales, merit, bound, sense, mark):
    assert scales.Row("claim", "a", "them", "b", merit, bound, sense).mark == mark


def test_another_answer_ends_the_benchmark(scales):
    scales.same("weights", [1.0, 2.0], [1.0, 2.0 + 1e-9], rtol=1e-8)
    for wrong in ([1.0, 2.1], [1.0, np.nan]):
        with pytest.raises(SystemExit, match="NOT THE SAME ANSWER: weights"):
            scales.same("weights", wrong, [1.0, 2.0], rtol=1e-8)


def test_a_race_checks_the_answers_first_and_takes_turns(scales):
    ran = []

    def side(name, seconds):
        def run():
            ran.append(name)
            time.sleep(seconds)
            return name

        return run

    sides = {"ours": scales.Side(side("a", 0.001)), "theirs": scales.Side(side("b", 0.004), 2)}
    seconds = scales.race(sides, lambda *told: ran.append(told), rounds=3, turn=1e-9)
    assert ran == ["a", "b", ("theirs", "a", "b"), *["a", "b"] * 3]
    assert 0.001 <= seconds["ours"] and 0.002 <= seconds["theirs"]  # 4 ms for two units of work


def test_figures_are_shown_in_three_digits(scales):
    shown = [scales.number(v) for v in (1234.5, 45.678, 0.012345, 1.6e-7)]
    assert shown == ["1,230", "45.7", "0.0123", "1.6e-07"]
    assert scales.duration(0.0123) == "12.3 ms" and scales.rate(2e-8) == "50 M/s"


def test_the_file_holds_events_with_these_coefficients(scales, tmp_path):
    expected = scales.write_parquet(tmp_path / "t.parquet", 1_000, 3, 300)
    X = read(tmp_path / "t.parquet").samples(answer="y")
    z = np.column_stack([np.ones(len(X)), X.x])
    assert z.shape == (1_000, 4)
    np.testing.assert_allclose(np.linalg.lstsq(z, X.y)[0], expected, rtol=1e-10)


def test_the_exact_answer_is_exact(benchmark):
    accuracy = benchmark("least_squares_accuracy")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 3)) * [1e-6, 1.0, 1e6] + [0.0, 1e3, 0.0]
    y = rng.standard_normal(50)
    z = [[Fraction(1), *map(Fraction, row)] for row in x.tolist()]
    t = [Fraction(value) for value in y.tolist()]
    normal = [
        [*(sum(r[j] * r[k] for r in z) for k in range(4)),
         sum(r[j] * v for r, v in zip(z, t, strict=True))]
        for j in range(4)
    ]  # fmt: skip
    slopes = [[float(w) for w in row] for row in accuracy.eliminated(normal)[1:]]
    assert accuracy.exact_slopes(x, y[:, None]).tolist() == slopes
