"""CutSearch: nested boxes that meet their background levels, and known answers."""

from dataclasses import replace

import numpy as np
import pytest

from baksan import losses
from baksan.fit import fit
from baksan.models.cuts import Cuts
from baksan.models.linear import Linear
from baksan.samples import Feature, Samples
from baksan.solvers.analytic import Analytic
from baksan.solvers.base import State
from baksan.solvers.cuts import CutSearch
from baksan.solvers.descent import GradientDescent

CLASSES = ("hadron", "gamma")
LEVELS = (0.8, 0.5, 0.2, 0.1, 0.05, 0.02)


def search(X, **settings):
    return fit(Cuts(), X, losses.zero_one, CutSearch(**settings))


def hills(n=3000, d=3, seed=0, **more):
    """Signal and background as two overlapping hills; about 40 % signal."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.4).astype(int)
    x = rng.normal(0, np.where(y, 0.7, 1.5)[:, None], (n, d)) + 0.5 * y[:, None]
    return Samples(x, y, class_names=CLASSES, **more)


def passes(box, x):
    return ((x >= box[:, 0]) & (x <= box[:, 1])).all(axis=1)


def background(model, X):
    """Background efficiency at each level, (L,)."""
    kept = [X.w[passes(box, X.x) & (X.y == 0)].sum() for box in model.boxes]
    return np.array(kept) / X.w[X.y == 0].sum()


# Laws ---------------------------------------------------------------------------------------------


def test_boxes_are_nested_and_meet_every_level_to_one_event():
    X = hills()
    model = search(X, levels=LEVELS).model
    low, high = model.boxes[..., 0], model.boxes[..., 1]
    assert (low[1:] >= low[:-1]).all() and (high[1:] <= high[:-1]).all()
    events = X.class_counts["hadron"]
    left = np.round(background(model, X) * events)
    assert left.tolist() == [np.floor(level * events + 1e-6) for level in LEVELS]


def test_levels_are_met_with_weights_too():
    weight = np.random.default_rng(4).exponential(size=3000)
    X = hills(weight=weight)
    left = background(search(X).model, X)
    targets = np.array(CutSearch().targets)
    assert (left <= targets * (1 + 1e-9)).all()
    assert (left >= targets - weight.max() / weight[X.y == 0].sum()).all()
    assert len(targets) == 60
    assert {0.1, 0.01} <= set(np.round(targets, 12))


def test_weight_two_is_the_event_twice():
    X = hills(800)
    weight = np.random.default_rng(5).integers(0, 3, len(X))
    twice = X.take(np.repeat(np.arange(len(X)), weight))
    one = search(Samples(X.x, X.y, weight=weight, class_names=CLASSES))
    other = search(twice)
    assert np.array_equal(one.model.parameters, other.model.parameters)
    assert one.loss == pytest.approx(other.loss, rel=1e-12)


def test_only_the_order_of_values_counts():
    X = hills(1500)
    bent = replace(X, x=np.column_stack([np.exp(X.x[:, 0]), X.x[:, 1] ** 3, 5 * X.x[:, 2]]))
    assert np.array_equal(search(X).model(X.x), search(bent).model(bent.x))


def test_stored_and_resumed_is_undisturbed():
    X, solver = hills(), CutSearch(levels=LEVELS)
    whole = fit(Cuts(), X, losses.zero_one, solver)
    states = list(solver.run(whole.problem.model, X, losses.zero_one))
    assert [state.step for state in states] == [1, 2, 3, 4, 5, 6]
    for state in states:
        boxes = whole.model.moved(state.parameters).boxes
        assert (boxes[state.step :] == boxes[state.step - 1]).all()  # the rest waits there
        kept = State.from_arrays(state.to_arrays())
        resumed = fit(Cuts(), X, losses.zero_one, solver, state=kept)
        assert np.array_equal(resumed.model.parameters, whole.model.parameters)
        assert (resumed.state.loss, resumed.message) == (whole.state.loss, whole.message)
        assert resumed.converged


def test_the_same_search_finds_the_same():
    X = hills()
    assert np.array_equal(search(X).model.parameters, search(X).model.parameters)


# What a fit tells ---------------------------------------------------------------------------------


def test_the_loss_is_the_least_zero_one_loss_of_the_levels_so_far():
    X = hills()
    found = search(X, levels=LEVELS)
    wrong = [np.mean(passes(box, X.x) != X.y) for box in found.model.boxes]
    assert found.history["loss"][1:].tolist() == pytest.approx(np.minimum.accumulate(wrong))
    assert found.loss == pytest.approx(min(wrong), abs=1e-15)
    assert found.model.working == int(np.argmin(wrong))
    assert found.history["step"].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert found.history["validation"].size == 7


def test_validation_is_the_loss_of_other_events():
    X, other = hills(seed=1), hills(seed=2)
    found = fit(Cuts(), X, losses.zero_one, CutSearch(levels=LEVELS), validation=other, look=100.0)
    last = losses.Q(found.model, other, losses.zero_one)
    assert found.history["validation"][-1] == pytest.approx(last, abs=1e-15)


def test_the_message_says_what_the_working_box_passes():
    X = hills()
    found = search(X, levels=LEVELS)
    box = found.model.boxes[found.model.working]
    signal = passes(box, X.x)[X.y == 1].mean()
    assert found.converged
    assert "found 6 nested boxes" in found.message
    assert f"passes {signal:.3g} of the signal" in found.message
    assert "no background" not in found.message
    few = search(X.take(np.arange(60)))
    assert "tightest hold no background at all" in few.message


def test_features_are_printed_with_names_and_units():
    X = hills(d=2, features=[Feature("fAlpha", "deg"), Feature("fSize")])
    found = search(X, levels=(0.1,)).model
    assert found.names == ("fAlpha", "fSize")
    assert " ≤ fAlpha ≤ " in found.text() and " deg and " in found.text()


# Known answers ------------------------------------------------------------------------------------


def test_a_planted_box_is_recovered():
    rng = np.random.default_rng(6)
    low, high = np.array([0.2, 0.0, 0.55]), np.array([0.6, 0.5, 1.0])
    noise, signal = rng.random((20_000, 3)), rng.uniform(low, high, (5000, 3))
    X = Samples(np.vstack([noise, signal]), np.repeat([0, 1], [20_000, 5000]), class_names=CLASSES)
    model = search(X, levels=(0.5, 0.2, 0.1, 0.09)).model
    box = np.clip(model.boxes[-1], 0, 1)
    assert np.prod(high - low) == pytest.approx(0.09)
    assert np.abs(box - np.column_stack([low, high])).max() < 0.02
    assert passes(model.boxes[-1], signal).mean() > 0.97


def test_on_one_feature_it_comes_near_the_best_interval():
    X = hills(1500, d=1, seed=3)
    value, signal = np.sort(X.x[:, 0]), X.y[np.argsort(X.x[:, 0])]
    s, b = np.r_[0, np.cumsum(signal)], np.r_[0, np.cumsum(1 - signal)]
    for level in (0.5, 0.2, 0.1):
        room = b + level * b[-1]
        best = max(s[np.searchsorted(b, room[i], "right") - 1] - s[i] for i in range(len(value)))
        box = search(X, levels=(level,)).model.boxes[0]
        found = (passes(box, X.x) & (X.y == 1)).sum()
        assert 0.95 * best <= found <= best


def test_it_goes_on_from_cuts_written_by_hand():
    X = hills()
    start = Cuts.by_hand({"x0": (-1.0, 2.0)}, features=X.names)
    found = fit(start, X, losses.zero_one, CutSearch(levels=LEVELS)).model
    assert (found.boxes[:, 0, 0] >= -1.0).all() and (found.boxes[:, 0, 1] <= 2.0).all()
    assert (background(found, X) <= np.array(LEVELS)).all()
    assert found.boxes[0, 0].tolist() == [-1.0, 2.0]  # it rejects more than a fifth by itself


def test_magic_is_told_better_than_by_alpha_alone(data_dir):
    file = data_dir / "magic-gamma-telescope" / "magic04.data"
    if not file.is_file():
        pytest.skip("needs magic04.data in the folder of real data")
    rows = np.genfromtxt(file, delimiter=",", dtype=str)
    X = Samples(rows[:, :10].astype(float), rows[:, 10] == "g", class_names=CLASSES)
    order = np.random.default_rng(0).permutation(len(X))
    train, test = X.take(order[::2]), X.take(order[1::2])
    model = search(train).model
    levels = [0.01, 0.02, 0.05, 0.1, 0.2]
    alpha = -test.x[:, 8]
    assert (at(model(test.x), test.y, levels) > at(alpha, test.y, levels) + 0.05).all()
    assert at(model(test.x), test.y, levels)[1:] == pytest.approx(
        [0.29, 0.44, 0.58, 0.72], abs=0.04
    )


def at(score, y, levels):
    """Signal efficiency at these background efficiencies, by linear interpolation."""
    cuts = np.unique(score)
    b = [(score[y == 0] > cut).mean() for cut in cuts[::-1]]
    s = [(score[y == 1] > cut).mean() for cut in cuts[::-1]]
    return np.interp(levels, b, s)


# Awkward features ---------------------------------------------------------------------------------


def test_constant_features_stay_open():
    X = hills(500, d=2)
    X = Samples(np.column_stack([np.full(500, 7.0), X.x]), X.y, class_names=CLASSES)
    boxes = search(X, levels=LEVELS).model.boxes
    assert (boxes[:, 0] == [-np.inf, np.inf]).all()


def test_equal_values_stay_together():
    rng = np.random.default_rng(7)
    y = rng.integers(0, 2, 4000)
    # Stations hit: 0 … 9, signal with more of them.
    x = np.column_stack([rng.binomial(9, np.where(y, 0.7, 0.4)), rng.integers(0, 3, 4000)])
    X = Samples(x, y, class_names=CLASSES)
    found = search(X, levels=(0.5, 0.1, 0.01)).model
    assert (background(found, X) <= np.array([0.5, 0.1, 0.01])).all()
    edges = found.boxes[np.isfinite(found.boxes)]
    assert np.allclose(edges % 1, 0.5)
    assert found.boxes[-1, 0, 0] >= 6.5
    # The best cuts at 0.1 on x0 alone: at least the smallest k with P(x0 ≥ k | background) ≤ 0.1.
    k = next(k for k in range(10) if np.mean(x[y == 0, 0] >= k) <= 0.1)
    assert passes(found.boxes[1], x)[y == 1].mean() >= np.mean(x[y == 1, 0] >= k)


def test_where_no_feature_varies_only_the_empty_box_meets_a_level():
    X = Samples(np.ones((6, 2)), [0, 1, 0, 1, 0, 1], class_names=CLASSES)
    found = search(X, levels=(0.5, 0.1))
    assert found.model.text() == "nothing passes"
    assert (found.model(X.x) < 0).all()
    assert found.loss == 0.5


def test_edges_lie_between_neighbours_however_close():
    near = np.array([1.0, np.nextafter(1.0, 2.0)])
    X = Samples(near[:, None], [0, 1], class_names=CLASSES)
    found = search(X, levels=(0.5,))
    assert found.loss == 0.0
    single = near.astype(np.float32)
    single[1] = np.nextafter(np.float32(1.0), np.float32(2.0))
    assert search(Samples(single[:, None], [1, 0], class_names=CLASSES), levels=(0.5,)).loss == 0.0


# What it refuses ----------------------------------------------------------------------------------


def test_what_a_search_cannot_do_gets_a_sentence():
    X = hills(200)
    three = Samples(X.x, X.y, class_names=("a", "b", "c"))
    numbers = Samples(X.x, X.y.astype(float))
    with pytest.raises(ValueError, match="zero_one is a loss for classification"):
        search(numbers)
    with pytest.raises(ValueError, match="minimises the zero_one loss; this is squared"):
        fit(Cuts(), numbers, losses.squared, CutSearch())
    with pytest.raises(ValueError, match="minimises the zero_one loss; this is logistic"):
        fit(Cuts(), X, losses.logistic, CutSearch())
    with pytest.raises(ValueError, match="two classes; these answers need 3 outputs"):
        search(three)
    model = Cuts().prepared(X.x, X.w, 1)
    with pytest.raises(ValueError, match=r"there are 3 classes \(a, b, c\)"):
        next(CutSearch().run(model, three, losses.zero_one))
    with pytest.raises(ValueError, match="at least two classes; all that count are 'hadron'"):
        search(X.take(X.y == 0))
    with pytest.raises(ValueError, match="at least two classes; all that count are 'gamma'"):
        search(Samples(X.x, X.y, weight=X.y, class_names=CLASSES))
    with pytest.raises(ValueError, match="CutSearch finds Cuts; this is Linear"):
        fit(Linear(), X, losses.zero_one, CutSearch())
    with pytest.raises(ValueError, match="takes no penalty"):
        fit(Cuts(), X, losses.zero_one, CutSearch(), penalty=losses.L2(1.0))


def test_other_solvers_refuse_cuts():
    X = hills(200)
    with pytest.raises(ValueError, match="cuts have none"):
        fit(Cuts(), X, losses.logistic, GradientDescent(0.1))
    with pytest.raises(ValueError, match="cannot descend the zero_one loss"):
        fit(Cuts(), X, losses.zero_one, GradientDescent(0.1))
    with pytest.raises(ValueError, match="linear model"):
        fit(Cuts(), X, losses.squared_margin, Analytic())


@pytest.mark.parametrize("levels", [(), (0.1, 0.5), (0.5, 0.5), (1.0, 0.5), (0.5, 0.0), (np.nan,)])
def test_levels_must_fall_between_one_and_zero(levels):
    with pytest.raises(ValueError, match="levels of a cut search must fall, between 1 and 0"):
        CutSearch(levels=levels)


@pytest.mark.parametrize("share", [0.0, 0.6, -1.0, np.nan])
def test_the_share_must_be_a_share(share):
    with pytest.raises(ValueError, match="share must be above 0 and at most 0.5"):
        CutSearch(share=share)
