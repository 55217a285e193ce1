"""Simulation against data: the same is the same, a shift is found and weighted away."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from baksan.agreement import agree
from baksan.samples import Feature, Samples

NAMES = (Feature("width", "mm"), Feature("length", "mm"), Feature("size"))


def events(n, seed, shift=0.0, scale=1.0, **more):
    x = np.random.default_rng(seed).normal(size=(n, 3))
    x[:, 1] = scale * x[:, 1] + shift
    return Samples(x, features=NAMES, **more)


def test_one_distribution_is_not_told_apart():
    aucs = [agree(events(400, s), events(400, 100 + s), replicas=50).apart for s in range(4)]
    pulls = np.array([(a.auc - 0.5) / a.error for a in aucs])
    assert np.abs(pulls).max() < 3.5
    assert abs(np.mean([a.auc for a in aucs]) - 0.5) < 0.02


def test_a_shift_is_found_named_and_weighted_away():
    found = agree(events(3000, 1), events(3000, 2, shift=0.5), replicas=100)
    assert not found.holds and "DISAGREE" in found.sentence and "length" in found.sentence
    assert found.inputs[0].name == "length" == found.apart.importance[0][0]
    assert found.inputs[0].shift == pytest.approx(0.5, abs=0.08)
    # Of two normals of width 1 that are 0.5 apart: AUC Φ(0.5/√2), weights exp(0.5 x − 0.125).
    assert found.apart.auc == pytest.approx(0.638, abs=0.03)
    x = events(3000, 1).x[:, 1]
    assert np.average(x, weights=found.weighted.weight) == pytest.approx(0.5, abs=0.1)
    assert found.weighted.effective == pytest.approx(3000 * np.exp(-0.25), rel=0.15)
    assert found.weighted.auc < 0.54 < found.apart.auc


def test_inputs_are_those_of_scipy():
    a, b = events(500, 1), events(300, 2, scale=2.0)
    found = {row.name: row for row in agree(a, b, replicas=20).inputs}
    for j, name in enumerate(("width", "length", "size")):
        assert found[name].distance == pytest.approx(ks_2samp(a.x[:, j], b.x[:, j]).statistic)
    assert found["length"].width == pytest.approx(2.0, rel=0.15)
    assert found["width"].width == pytest.approx(1.0, rel=0.15)


def test_weights_that_mend_the_simulation_beforehand_count():
    a, b = events(3000, 1), events(3000, 2, shift=0.4)
    right = np.exp(0.4 * a.x[:, 1] - 0.08)
    assert not agree(a, b, replicas=50).holds
    mended = agree(a.with_parts(weight=right), b, replicas=50)
    assert mended.apart.auc < 0.53


def test_groups_widen_the_error():
    a, b = events(400, 1), events(400, 2)
    one = np.repeat(np.arange(40), 10)
    alone = agree(a, b, replicas=100).apart.error
    # Ten copies of each event say no more than the one.
    copies = [s.take(np.repeat(np.arange(40), 10)).with_parts(group=one) for s in (a, b)]
    assert agree(*copies, replicas=100).apart.error > 2 * alone


def test_the_text_has_a_row_for_each_input():
    told = agree(events(200, 1), events(200, 2), replicas=20).text().splitlines()
    assert len(told) == 1 + 3 + 2 and told[0].split()[0] == "input"


@pytest.mark.parametrize(("change", "said"), [
    (lambda s: s.select(("width", "size")), "the same features .* length"),
    (lambda s: s.take(np.arange(50)), "100 events or more on both sides; the data has 50"),
    (lambda s: s.with_parts(weight=np.r_[-1.0, np.ones(len(s) - 1)]), "weights of 0 or more"),
])  # fmt: skip
def test_what_cannot_be_compared_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        agree(events(200, 1), change(events(200, 2)))
