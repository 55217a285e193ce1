"""Cuts: what a box lets pass, how it is written and printed, and what it refuses."""

import numpy as np
import pytest

from baksan.losses import zero_one
from baksan.metrics import Prediction
from baksan.models.cuts import Cuts

NAMES = ("fLength", "fWidth", "fAlpha")
UNITS = ("mm", "mm", "deg")
RULES = {"fAlpha": (None, 12.0), "fLength": (10.0, 60.0)}


@pytest.fixture
def x():
    rng = np.random.default_rng(1)
    # Whole numbers put many events exactly on an edge.
    return np.column_stack(
        [rng.integers(0, 80, 500), rng.normal(20, 5, 500), rng.integers(0, 25, 500)]
    )


@pytest.fixture
def by_hand():
    return Cuts.by_hand(RULES, features=NAMES, units=UNITS)


def nested(levels, d, seed=0):
    """Random nested boxes, some sides open."""
    rng = np.random.default_rng(seed)
    low = np.sort(rng.uniform(-3, 0, (levels, d)), axis=0)
    high = -np.sort(rng.uniform(-3, 0, (levels, d)), axis=0)
    low[: levels // 2, 0], high[: levels // 3, -1] = -np.inf, np.inf
    return np.stack([low, high], axis=-1)


def test_cuts_by_hand_are_the_boolean_expression(by_hand, x):
    expected = (x[:, 2] <= 12.0) & (x[:, 0] >= 10.0) & (x[:, 0] <= 60.0)
    assert 0 < expected.sum() < len(x)
    assert by_hand(x).tolist() == np.where(expected, 0.5, -0.5).tolist()


def test_the_score_counts_the_boxes_passed():
    boxes = nested(7, 3)
    a = Cuts(NAMES, UNITS).moved(np.append(boxes.ravel(), 2.5))
    x = np.random.default_rng(2).normal(0, 1.5, (2000, 3))
    passed = [((x >= box[:, 0]) & (x <= box[:, 1])).all(axis=1) for box in boxes]
    assert np.array_equal(a(x), np.sum(passed, axis=0) - 2.5)
    assert set(np.sum(passed, axis=0)) == set(range(8))
    assert a.working == 2
    assert np.array_equal(a(x) > 0, passed[a.working])


def test_a_tighter_box_passed_means_a_larger_score():
    a = Cuts(NAMES, UNITS).moved(np.append(nested(5, 3).ravel(), 0.5))
    x = np.random.default_rng(3).normal(0, 1, (2000, 3))
    for box in a.boxes:
        inside = ((x >= box[:, 0]) & (x <= box[:, 1])).all(axis=1)
        assert a(x)[inside].min() > a(x)[~inside].max()


def test_zero_one_and_prediction_call_the_events_in_the_working_box_signal(by_hand, x):
    inside = by_hand(x) > 0
    assert np.array_equal(Prediction(score=by_hand(x)).label, inside)
    assert zero_one.value(by_hand(x), inside.astype(int)).sum() == 0


def test_single_precision_events_meet_double_precision_edges():
    edge = 0.1  # not a float32, whose nearest is above it
    a = Cuts.by_hand({"v": (None, edge)}, features=["v"])
    assert a(np.array([[0.1]], dtype=np.float32)).tolist() == [-0.5]
    assert a(np.array([[0.1]])).tolist() == [0.5]


def test_an_event_with_a_missing_value_passes_nothing(by_hand):
    assert by_hand(np.array([[20.0, np.nan, 5.0], [20.0, 1.0, 5.0]])).tolist() == [-0.5, 0.5]


def test_parameters_and_boxes_are_the_same_numbers(by_hand):
    assert by_hand.boxes.shape == (1, 3, 2)
    assert by_hand.boxes[0].tolist() == [[10.0, 60.0], [-np.inf, np.inf], [-np.inf, 12.0]]
    assert by_hand.parameters.tolist() == [10.0, 60.0, -np.inf, np.inf, -np.inf, 12.0, 0.5]
    assert by_hand.threshold == 0.5
    again = by_hand.moved(by_hand.parameters)
    assert (again.names, again.units, again.text()) == (NAMES, UNITS, by_hand.text())


def test_rules_are_printed_as_one_writes_them(by_hand):
    assert by_hand.text() == "10 ≤ fLength ≤ 60 mm and fAlpha ≤ 12 deg"
    assert Cuts.by_hand({"fWidth": (2.5, None)}, NAMES).text() == "fWidth ≥ 2.5"
    assert Cuts.by_hand({"fWidth": (3, 3)}, NAMES).text() == "fWidth = 3"
    assert Cuts.by_hand({}, NAMES).text() == "everything passes"


def test_any_level_is_printed_and_the_empty_box_says_so():
    boxes = np.array([[[0.0, 9.0]], [[1.0, 8.0]], [[np.inf, 8.0]]])
    a = Cuts(("v",), ("m",)).moved(np.append(boxes.ravel(), 1.5))
    assert [a.text(level) for level in range(3)] == ["0 ≤ v ≤ 9 m", "1 ≤ v ≤ 8 m", "nothing passes"]
    assert a.text() == a.text(1)


def test_preparing_opens_the_box_once():
    x = np.zeros((4, 2))
    a = Cuts().prepared(x, np.ones(4), 1)
    assert (a.features, a.names, a.text()) == (2, ("x0", "x1"), "everything passes")
    assert a.prepared(x, np.ones(4), 1) is a
    assert a.named(["u", "v"], ["m", ""]).names == ("u", "v")
    assert a.penalised.shape == a.parameters.shape


@pytest.mark.parametrize("constant", [-1.5, 0.0, 2.0])
def test_a_constant_is_the_constant(constant, x):
    a = Cuts().prepared(x, np.ones(len(x)), 1).at_constant(np.array([constant]))
    assert np.array_equal(a(x), np.full(len(x), constant))


@pytest.mark.parametrize(
    ("rules", "error", "sentence"),
    [
        ({"alpha": (None, 1)}, KeyError, "no feature 'alpha' to cut on; there are fLength, fWidth"),
        ({"fAlpha": (3.0, 1.0)}, ValueError, r"fAlpha needs low ≤ high; \(3, 1\) came"),
        ({"fAlpha": (np.nan, 1.0)}, ValueError, "needs low ≤ high"),
        ({"fAlpha": 12.0}, ValueError, r"fAlpha needs two edges \(low, high\).*12.0 came"),
        ({"fAlpha": (1.0,)}, ValueError, "needs two edges"),
        ({"fAlpha": ("a", 1.0)}, ValueError, "needs two edges"),
    ],
)
def test_rules_that_make_no_box_get_a_sentence(rules, error, sentence):
    with pytest.raises(error, match=sentence):
        Cuts.by_hand(rules, features=NAMES)


def test_what_does_not_fit_gets_a_sentence(by_hand, x):
    with pytest.raises(ValueError, match=r"need 3 features, x \(n, 3\); x has shape \(500, 2\)"):
        by_hand(x[:, :2])
    with pytest.raises(ValueError, match="two classes; these answers need 5 outputs"):
        by_hand.prepared(x, np.ones(len(x)), 5)
    with pytest.raises(ValueError, match="Flatten images"):
        Cuts().prepared(np.zeros((4, 3, 3)), np.ones(4), 1)
    with pytest.raises(ValueError, match="6 edges for each box and a threshold; 5 parameters"):
        by_hand.moved(np.zeros(5))
    with pytest.raises(ValueError, match="3 features and 1 units"):
        Cuts.by_hand(RULES, features=NAMES, units=["mm"])
    with pytest.raises(ValueError, match="must lie within the one before"):
        by_hand.moved(np.array([0, 9, 0, 9, 0, 9, 0, 9, -1, 9, 0, 9, 0.5]))
    with pytest.raises(ValueError, match="must lie within the one before"):
        by_hand.moved(np.array([0, np.nan, 0, 9, 0, 9, 0.5]))


def test_cuts_have_no_slope(by_hand, x):
    with pytest.raises(ValueError, match="cuts have none.*CutSearch"):
        by_hand.pullback(x, np.ones(len(x)))
