"""Are new events distributed as in training? Points of the card, against scipy."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from baksan.apply import apply
from baksan.samples import Feature, Samples
from baksan.store import load_model
from baksan.store.card import distribution, feature_cards
from baksan.store.shift import Shift
from baksan.table import Table
from baksan.table.column import Column
from baksan.train import train

RNG = np.random.default_rng(8)
X = Samples(RNG.normal(size=(2000, 2)), RNG.normal(size=2000), features=["width", "length"])


def shifted(x):
    found = Shift(feature_cards(X, {}))
    for block in np.array_split(x, 3):
        found.add(block)
    return found


def test_points_are_quantiles_with_the_share_below_them():
    points = np.array(distribution(X.x[:, 0], None))
    assert len(points) == 19
    assert np.allclose(points[:, 1], np.arange(1, 20) / 20, atol=1e-3)
    assert np.allclose([(X.x[:, 0] <= p).mean() for p in points[:, 0]], points[:, 1])


def test_points_of_few_values_come_once_with_their_share():
    assert distribution(np.array([0.0] * 5 + [1] * 2), None) == ((0.0, 5 / 7), (1.0, 1.0))
    assert distribution(np.array([0.0, 1, np.nan]), np.array([5.0, 2, 9])) == (
        (0.0, 5 / 7), (1.0, 1.0),
    )  # fmt: skip
    assert distribution(np.array([np.nan]), None) == ()
    assert distribution(np.array([0.0, 1]), np.array([2.0, -1])) == ()


def test_the_same_distribution_says_nothing():
    assert [shifted(np.random.default_rng(s).normal(size=(500, 2))).sentence
            for s in range(20)] == [""] * 20  # fmt: skip


def test_the_distance_is_scipys_to_the_step_of_the_points():
    other = RNG.normal((0.0, 0.4), size=(3000, 2))
    ((name, D),) = shifted(other).found
    assert name == "length"
    assert D == pytest.approx(ks_2samp(other[:, 1], X.x[:, 1]).statistic, abs=0.03)
    assert "length (0.1" in shifted(other).sentence and "baksan agree" in shifted(other).sentence


def test_what_few_events_cannot_tell_is_not_told():
    assert shifted(np.full((3, 2), 0.2)).sentence == ""


def test_single_detectors_are_too_many():
    far = Samples(X.x, features=[Feature("width"), Feature("time[0]", place=(0.0, 0.0))])
    assert [bool(f.distribution) for f in feature_cards(far, {})] == [True, False]


def test_apply_tells_of_it_once(tmp_path):
    train(X, ["linear-analytic"], test=0.5, replicas=10, out=tmp_path / "r", report=False)
    stored = load_model(tmp_path / "r" / "models" / "linear-analytic.baksan")
    new = RNG.normal(size=(900, 2)) * [1.0, 3.0]
    held = Table({n: Column(new[:, j]) for j, n in enumerate(X.names)}, "new")
    blocks = [held.take(np.arange(k, 900, 3)) for k in range(3)]
    said = str(apply(stored, blocks, tmp_path / "p.csv"))
    assert said.count("Not distributed as in training") == 1 and "length (0.2" in said
    assert "width" not in said
    same = Table({n: Column(X.x[:, j]) for j, n in enumerate(X.names)}, "same")
    assert "Not distributed" not in str(apply(stored, [same], tmp_path / "q.csv"))
