"""Samples: what they hold, what they refuse, and that groups are never split."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baksan.order import epoch_order
from baksan.samples import Feature, Samples, classes


def samples(n=20, **more):
    x = np.arange(2.0 * n).reshape(n, 2)
    return Samples(x, np.arange(n) % 2, class_names=("hadron", "gamma"), **more)


@given(
    groups=st.lists(st.integers(0, 9), min_size=4, max_size=60),
    k=st.integers(2, 4),
    seed=st.integers(0, 5),
)
def test_folds_split_no_group_and_test_every_event_once(groups, k, seed):
    if len(set(groups)) < k:
        return
    X = samples(len(groups), group=groups)
    seen = []
    for train, test in X.folds(k, seed=seed):
        assert not set(train.group.tolist()) & set(test.group.tolist())
        assert len(train) + len(test) == len(X)
        seen += test.ids.tolist()
    assert sorted(seen) == list(range(len(X)))


def test_folds_deal_the_classes_evenly_and_repeat():
    X = samples(100)
    first, again = X.fold_numbers(5, seed=3), X.fold_numbers(5, seed=3)
    assert (first == again).all()
    assert not (first == X.fold_numbers(5, seed=4)).all()
    for fold in range(5):
        assert np.bincount(X.y[first == fold]).tolist() == [10, 10]


def test_split_has_about_the_fraction_and_no_group_on_both_sides():
    X = samples(90, group=np.arange(90) // 3)
    train, test = X.split(0.7, seed=1)
    assert len(train) == pytest.approx(63, abs=3)
    assert not set(train.group.tolist()) & set(test.group.tolist())
    for fraction in (0, 1, 1.5):
        with pytest.raises(ValueError, match="between 0 and 1"):
            X.split(fraction)


def test_batches_are_one_pass_in_the_epochs_order():
    X = samples(10)
    rows = [i for batch in X.batches(4, seed=2, epoch=1) for i in batch.ids.tolist()]
    assert rows == epoch_order(10, 2, 1).tolist()
    assert [len(b) for b in X.batches(4)] == [4, 4, 2]


def test_immutable_and_equal_in_precision():
    X = samples()
    with pytest.raises(ValueError, match="read-only"):
        X.x[0, 0] = 1
    with pytest.raises(AttributeError):
        X.y = None
    assert Samples(np.zeros((2, 1), dtype=np.float32)).x.dtype == np.float32


def test_effective_events_is_kishs_number():
    assert samples(4).effective_events == 4
    assert samples(2, weight=[3.0, 1.0]).effective_events == pytest.approx(16 / 10)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": [[1.0], [np.nan]]}, ValueError, r"finite; nan stands at \(1, 0\)"),
        ({"x": [[1.0], [np.inf]]}, ValueError, "finite; inf"),
        ({"x": [1.0, 2.0]}, ValueError, r"one row for each event.*reshape"),
        ({"x": [["a"]]}, TypeError, "numbers"),
        ({"x": [[1.0]], "y": [1.0, 2.0]}, ValueError, "y must have 1 entries"),
        (
            {"x": [[1.0], [2.0]], "weight": [1, -1]},
            ValueError,
            "more than 0; those of these 2 events sum to 0",
        ),
        ({"x": [[1.0]], "weight": [0]}, ValueError, "all zero"),
        ({"x": [[1.0, 2.0]], "features": ["a"]}, ValueError, "2 columns but 1 features"),
        ({"x": [[1.0, 2.0]], "features": ["a", "a"]}, ValueError, "'a' occurs twice"),
        ({"x": [[1.0]], "y": [2], "class_names": ("a", "b")}, ValueError, "it holds 2"),
        ({"x": [[1.0]], "y": [0.5], "class_names": ("a", "b")}, TypeError, "class indices"),
    ],
)
def test_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Samples(**arguments)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_frames_there_and_back(frame):
    data = {"width": [1.0, 2.0, 3.0], "w": [1.0, 2.0, 1.0], "kind": ["g", "h", "g"]}
    X = Samples.from_frame(frame(data), answer="kind", weight="w", signal="g")
    assert X.class_counts == {"h": 1, "g": 2}
    back = frame(X.to_frame())
    assert np.asarray(back["kind"]).tolist() == data["kind"]
    assert np.asarray(back["width"]).tolist() == data["width"]
    with pytest.raises(KeyError, match="no column 'length'"):
        Samples.from_frame(frame(data), answer="length")


def test_select_and_take_keep_names_and_ids():
    X = samples(features=[Feature("a", "mm"), "b"])
    assert X.select(["b"]).x[:, 0].tolist() == X.x[:, 1].tolist()
    assert X.take([5, 2]).ids.tolist() == [5, 2]
    with pytest.raises(KeyError, match="no feature 'c'; there are a, b"):
        X.select(["c"])


def test_classes_put_the_signal_last():
    y, names = classes(np.array(["p", "g", "h"]), "g")
    assert names == ("h", "p", "g")
    assert y.tolist() == [1, 2, 0]
    assert classes(np.array([0.5, 1.5]), None)[1] == ()


def test_images_become_rows():
    X = Samples(np.arange(24.0).reshape(2, 3, 4), [0, 1], class_names=("a", "b")).flattened()
    assert X.x.shape == (2, 12) and X.names[-1] == "x11"
    assert X.x[1].tolist() == list(range(12, 24))


def test_what_the_caller_writes_later_does_not_change_samples():
    x, y, weight = np.zeros((3, 2)), np.arange(3.0), np.ones(3)
    X = Samples(x, y, weight, group=(group := np.arange(3)))
    x[0, 0], y[0], weight[0], group[0] = np.nan, 9.0, -1.0, 7
    assert X.x[0, 0] == 0 and X.y[0] == 0 and X.weight[0] == 1 and X.group[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        X.x[0, 0] = 1.0


def test_there_and_back_as_a_frame():
    X = Samples(
        [[1.0, 2.0], [3.0, 4.0]], [0, 1], [1.0, 2.0], group=[5, 6], id=["a", "b"],
        features=("weight", "width"), answer="kind", class_names=("h", "g"),
    )  # fmt: skip
    frame = X.to_frame()
    assert list(frame) == ["weight", "width", "kind", "weight_", "group", "id"]
    back = Samples.from_frame(
        frame, answer="kind", weight="weight_", group="group", id="id", signal="g",
        features=[Feature("weight"), Feature("width", "mm")],
    )  # fmt: skip
    assert back.x.tolist() == X.x.tolist() and back.ids.tolist() == ["a", "b"]
    assert back.class_names == ("h", "g") and back.features[1].unit == "mm"


@pytest.mark.parametrize(
    ("frame", "more", "sentence"),
    [
        ([1, 2, 3], {}, "table with columns by name.*list came"),
        ({"a": [1.0, 2.0], "k": np.array(["g", None])}, {"answer": "k"}, "1 label missing"),
        ({"a": [1.0, 2.0], "k": np.array(["g", "g"])}, {"answer": "k"}, "all rows are 'g'"),
        ({"a": np.array(["x", "y"])}, {}, "must hold numbers; it holds text such as 'x'"),
    ],
)
def test_frames_that_are_none(frame, more, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence):
        Samples.from_frame(frame, **more)


@pytest.mark.parametrize("part", ["weight", "group", "id"])
def test_parts_have_one_entry_for_each_event(part):
    with pytest.raises(ValueError, match=f"{part} must have one entry for each event"):
        Samples(np.zeros((3, 1)), **{part: np.ones((3, 2))})


def test_samples_and_tables_are_shown_in_a_line():
    X = Samples(np.zeros((4, 2)), [0, 1, 0, 1], class_names=("h", "g"))
    assert repr(X) == "Samples(4 × 2 → h, g)"
    assert repr(Samples(np.zeros((3, 2)))) == "Samples(3 × 2)"
