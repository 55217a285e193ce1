"""Learning curves: a law that is known, its jackknife, what sizes are refused."""

import numpy as np
import pytest
from tests.runs import events
from tests.tune.toys import Off, numbers

import baksan as bk
from baksan.tune.learning import Curve, Law, LearningCurve, learning_curve


class Learner(Off):
    """Its RMSE is 0.5 + 2 n^(−1/2)."""

    name = "learner"

    def __init__(self):
        super().__init__(0.0)

    def train(self, X, **more):
        self.off = 0.5 + 2 * len(X) ** -0.5
        off = self.off
        return Off(off, self.seen).train(X, **more)


@pytest.mark.parametrize(("a", "b", "c"), [(0.9, -2.0, 0.5), (1.0, 30.0, 1.2), (0.0, 1.0, 0.2)])
def test_a_power_law_is_recovered(a, b, c):
    n = np.geomspace(50, 5000, 6)
    law = Law.of(n, a + b * n**-c)
    assert (law.limit, law.size, law.exponent) == pytest.approx((a, b, c), rel=1e-3, abs=1e-3)
    assert law(10_000) == pytest.approx(a + b * 1e4**-c, abs=1e-5)


def test_a_flat_curve_gains_nothing():
    flat = Curve(np.geomspace(50, 800, 5), np.ones((3, 5)), np.full((3, 5), 0.7))
    assert flat.gain() == pytest.approx((0, 0), abs=1e-12)


def test_the_curve_of_a_learner_whose_law_is_known():
    found = learning_curve(numbers(500), [Learner()], folds=5, threads=1)
    curve = found.curves["learner"]
    assert curve.n.tolist() == [25, 50, 100, 200, 400]
    np.testing.assert_allclose(curve.mean(), 0.5 + 2 * curve.n**-0.5)
    assert curve.law.exponent == pytest.approx(0.5, rel=1e-3)
    gain, error = curve.gain()
    assert gain == pytest.approx(2 * (800**-0.5 - 400**-0.5), rel=1e-3) and error < 1e-6


def test_the_jackknife_covers():
    """In 100 curves of the same law the true gain is within the error about as often as it says."""
    rng, n = np.random.default_rng(0), np.geomspace(100, 3200, 6)
    true, held = 0.9 - 0.5 * n**-0.5, 0
    gain = 0.5 * (3200**-0.5 - 6400**-0.5)
    for _ in range(100):
        noise = rng.normal(0, 0.002, (5, 1)) + rng.normal(0, 0.03, (5, 6)) / np.sqrt(n)
        value, error = Curve(n, true + noise, true + noise).gain()
        held += abs(value - gain) < error
    assert 0.55 < held / 100 < 0.95


def test_the_sentence_promises_only_what_is_known():
    n = np.array([100.0, 200, 400, 800])
    noise = np.array([[1.0, -1, 1, -1], [-1, 1, -1, 1], [1, 1, -1, -1]])
    steady = Curve(n, np.ones((3, 4)), np.tile(1 - n**-0.5, (3, 1)) + 1e-5 * noise)
    shaky = Curve(n, np.ones((3, 4)), np.full((3, 4), 0.7) + 0.05 * noise)
    few = Curve(n[:2], np.ones((3, 2)), np.ones((3, 2)))
    found = LearningCurve("auc", "", {"steady": steady, "shaky": shaky, "few": few})
    assert "twice as many would change it by +0.010" in found.sentence("steady")
    assert "told from nothing" not in found.sentence("steady")
    assert found.sentence("shaky").endswith(", which cannot be told from nothing.")
    assert found.sentence("few").endswith("from fewer than four sizes.")
    assert few.gain() is None


def test_training_events_are_better_known_than_test_events():
    found = bk.learning_curve(events(400), ["trees"], sizes=[60, 120], folds=2, threads=1)
    rows = found.rows()
    assert [row["events"] for row in rows] == [60, 120]
    assert all(row["train"] > row["test"] for row in rows)
    assert found.text().splitlines()[0].split("  ")[0] == ""
    assert len(found.text().splitlines()) == 3


def test_the_test_events_are_never_trained_on():
    method = Learner()
    learning_curve(numbers(100), [method], sizes=[10, 20, 50], folds=2, threads=1)
    shown = [(kind, set(x.tolist())) for kind, x in method.seen]
    for k in range(0, len(shown), 3):  # trained, looked at the same, looked at the test events
        (_, train), (_, same), (_, test) = shown[k : k + 3]
        assert train == same and not train & test and len(test) == 50


def test_groups_stay_whole():
    method, group = Learner(), np.arange(100) // 10
    X = numbers(100, group=group)
    learning_curve(X, [method], sizes=[20, 40], folds=2, threads=1)
    of = dict(zip(X.x[:, 0].tolist(), group.tolist(), strict=True))
    for kind, x in method.seen:
        counts = np.bincount([of[v] for v in x.tolist()])
        assert kind != "train" or set(counts) <= {0, 10}


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"sizes": []}, ValueError, "none were asked for"),
        ({"sizes": [1, 30]}, ValueError, "between 2 and 80"),
        ({"sizes": [30, 81]}, ValueError, "between 2 and 80"),
        ({"sizes": [2, 30], "X": events(100, 3)}, ValueError, "2 of them hold no"),
        ({"folds": 1}, ValueError, "folds"),
        ({"objective": "rmse"}, ValueError, "does not"),
        ({"methods": ["nothing"]}, KeyError, "no method 'nothing'"),
        ({"X": [1]}, TypeError, "needs Samples"),
    ],
)
def test_what_cannot_be_is_refused(settings, error, says):
    given = {"X": events(100), "methods": ["linear-analytic"], "threads": 1, **settings}
    with pytest.raises(error, match=says):
        learning_curve(given.pop("X"), given.pop("methods"), **given)
