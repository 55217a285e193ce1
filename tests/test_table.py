"""Tables: columns as a file gives them, and the way to Samples."""

from dataclasses import replace

import numpy as np
import pytest

from baksan.table import Column, Table


def table(**more):
    columns = {
        "width": Column(np.array([1.0, np.nan, 3.0, 4.0]), "mm", "of the image"),
        "size": np.array([1, 2, 3, 4]),
        "kind": np.array(["g", "h", "h", "g"]),
        "run": np.array([1, 1, 2, 2]),
    }
    return Table({**columns, **more}, source="events.csv")


def test_columns_keep_units_and_rows_their_numbers():
    taken = table().take([3, 0])
    assert taken.rows.tolist() == [3, 0]
    assert taken.column("width").unit == "mm"
    assert taken.renumbered(10).rows.tolist() == [13, 10]
    assert taken["kind"].tolist() == ["g", "g"]


def test_missing_values_of_every_kind():
    vectors = Column(np.array([[1.0, np.nan], [1.0, 2.0]]))
    assert vectors.missing.tolist() == [True, False]
    assert Column(np.array(["a", ""])).missing.tolist() == [False, True]
    assert Column(np.array([1, 2])).missing.tolist() == [False, False]


def test_rows_with_missing_values_are_left_out_and_counted():
    X = table().samples(answer="kind", signal="g", features=["width", "size"])
    assert X.ids.tolist() == [0, 2, 3]
    assert X.y.tolist() == [1, 0, 1]
    assert X.notes == ("1 row left out: width is missing or infinite.",)
    assert X.features[0].unit == "mm"


def test_infinite_vectors_are_left_out_too():
    cube = np.zeros((4, 2, 2))
    cube[:, 0, 0] = [1, 2, 3, np.inf]
    cube[:, 1, 1] = cube[:, 0, 1] = cube[:, 1, 0] = [0, 1, 0, 1]
    X = table(cube=cube).samples(features=["cube"], answer="kind", signal="g")
    assert X.x.shape == (3, 4)
    assert X.names == ("cube[0]", "cube[1]", "cube[2]", "cube[3]")


def test_without_a_list_every_number_that_varies_is_a_feature():
    X = table(flat=np.full(4, 7.0)).samples(answer="kind", signal="g", group="run")
    assert X.names == ("width", "size")
    assert "1 feature left out, constant: flat." in X.notes
    assert X.group.tolist() == [1, 2, 2]


def test_a_named_constant_feature_is_refused_unless_allowed():
    held = table(flat=np.full(4, 7.0))
    with pytest.raises(ValueError, match=r"'flat' must vary; it is 7 in every row"):
        held.samples(features=["size", "flat"])
    assert held.samples(features=["size", "flat"], allow_constant=True).x.shape == (4, 2)


def test_the_order_of_classes_is_the_callers():
    X = table().samples(answer="kind", features=["size"], class_names=("h", "g"))
    assert (X.class_names, X.y.tolist()) == (("h", "g"), [1, 0, 0, 1])
    numbered = table().samples(answer="run", features=["size"], class_names=("2", "1"))
    assert numbered.y.tolist() == [1, 1, 0, 0]
    with pytest.raises(ValueError, match="the classes of 'kind' must be g, p; there is also 'h'"):
        table().samples(answer="kind", features=["size"], class_names=("g", "p"))


def test_numbers_are_a_regression():
    X = table().samples(answer="size", features=["width"])
    assert X.task == "regression"
    assert X.y.tolist() == [1, 3, 4]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"answer": "colour"}, KeyError, "no column 'colour'; there are width, size"),
        ({"answer": "kind", "features": ["kind"]}, ValueError, "'kind' is the answer"),
        ({"features": ["name"]}, ValueError, "at most 64 different texts, .* 'name' holds 65"),
        ({"features": []}, ValueError, "no feature is left"),
        ({"answer": "kind", "signal": "p"}, ValueError, "'p' does not, there are g, h"),
        ({"answer": "vector", "features": ["size"]}, TypeError, "cells are vectors"),
    ],
)
def test_wrong_choices_get_a_sentence(options, error, message):
    with pytest.raises(error, match=message):
        whole = table(vector=np.ones((4, 2)))
        if options.get("features") == ["name"]:
            whole = Table({"name": [f"shower {k}" for k in range(65)]})
        whole.samples(**options)


def test_one_class_only_and_no_row_left():
    with pytest.raises(ValueError, match="at least two classes; all 2 rows are 'g'"):
        table().take([0, 3]).samples(answer="kind", features=["size"])
    with pytest.raises(ValueError, match="no row is left of 1"):
        table().take([1]).samples(features=["width"])
    with pytest.raises(ValueError, match="rows are needed; the table has none"):
        table().take(np.zeros(4, dtype=bool)).samples(features=["size"])


def test_text_columns_are_no_features_and_that_is_said():
    site = Column(np.array(["N", "S", "S", ""]))
    b = Column(np.array(["1.5", "-2e3", "low", ""]))
    code = np.array(["3C 273", "a1", "1_0", "nan"])
    X = table(site=site).samples(answer="kind", signal="g")
    assert X.notes[0] == "1 text column is no feature: site."
    X = table(site=site, b=b, code=code).samples(answer="kind", signal="g", id="code")
    assert X.notes[0] == (
        "2 text columns are no features: site, b (2 of 3 cells are numbers)."
    )  # fmt: skip
    assert X.names == ("width", "size", "run")
    assert not any("text" in note for note in table(b=b).samples(features=["size"]).notes)
    many = table(**{f"t{k}": site for k in range(12)}).samples(answer="kind", signal="g")
    assert many.notes[0].endswith("t6, t7 and 4 more.")


def test_numbers_in_text_are_counted():
    texts = ["1", "+1.", ".5e-3", "-2E+7", "1e", "x", "", "inf", "1,5"]
    assert Column(np.array(texts)).mixed == "4 of 8 cells are numbers"
    assert Column(np.array(["1"] + ["x"] * 10)).mixed == ""
    assert Column(np.array([])).mixed == Column(np.array([1.0])).mixed == ""


def test_what_nobody_chose_is_said():
    held = table(hit=np.array([0, 1, 1, 0]), good=np.array([True, False, True, False]))
    assert held.samples(answer="kind", features=["size"]).notes == (
        "signal is 'h', the last in the alphabet; --signal g (signal='g') chooses the other.",
    )
    X = held.samples(answer="hit", features=["size"])
    assert X.notes == (
        "answer hit holds only 0 and 1: taken as numbers; --signal 1 (signal='1') makes classes"
        " of them.",
    )
    assert X.task == "regression"
    assert held.samples(answer="hit", features=["size"], signal="1").notes == ()
    floats = table(hit=np.array([0.0, 1.0, np.nan, 0.0])).samples(answer="hit", features=["size"])
    assert "--signal 1 (" in floats.notes[-1]
    chosen = [{"class_names": ("h", "g")}, {"signal": "g"}]
    assert all(held.samples(answer="kind", features=["size"], **c).notes == () for c in chosen)
    assert held.samples(answer="good", features=["size"]).notes == ()
    assert held.samples(answer="run", features=["size"]).notes == ()


@pytest.mark.parametrize(
    ("weight", "error", "sentence"),
    [
        ([1, -2.5, -3, 1], ValueError, "column 'w' sums to -3.5 in 4 rows."),
        ([0, 0, 0, 0], ValueError, "column 'w' sums to 0 in 4 rows"),
        (["1", "heavy", "2", "3"], TypeError, "column 'w' holds text such as 'heavy'."),
    ],
)
def test_weights_that_are_none(weight, error, sentence):
    with pytest.raises(error) as caught:
        table(w=np.array(weight)).samples(answer="kind", features=["size"], weight="w")
    assert str(caught.value).startswith("events.csv: ") and sentence in str(caught.value)


def test_weights_of_either_sign_become_samples_that_say_so():
    held = table(w=np.array([1.0, 1.0, 1.0, -1.0])).samples(features=["size"], weight="w")
    assert held.w.tolist() == [1, 1, 1, -1] and held.effective_events == 1.0
    assert held.weight_notes[0].startswith("25 % of the weight is negative, Σw = 2:")


def test_a_matrix_keeps_missing_values_and_empty_tables():
    assert np.isnan(table().matrix(["width", "size"])[1, 0])
    empty = table(vector=np.ones((4, 2))).take(np.zeros(4, dtype=bool))
    assert empty.matrix(["size", "vector"]).shape == (0, 3)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="column 'b' has 2 rows, the others 1"):
        Table({"a": [1.0], "b": [1.0, 2.0]})


def test_a_column_of_a_plain_list_is_an_array():
    assert Column([1.0, 2.0], "TeV").values.dtype == np.float64


def test_what_is_known_to_be_finite_is_not_looked_at_again():
    """A reader's word is taken; a column made of another one starts without it."""
    column = Column(np.array([1.0, np.nan])).found_finite()
    assert column.finite and column.unusable is None
    assert Table({"a": column}).take([0, 1]).column("a").unusable.tolist() == [False, True]
    assert replace(column, unit="m").unusable.tolist() == [False, True]


def test_columns_that_lie_side_by_side_need_no_copy():
    block = np.arange(12.0).reshape(4, 3).copy()  # owns its memory
    table = Table({f"x{j}": block[j] for j in range(4)})
    for names, shared in {("x1", "x2"): True, ("x0", "x2"): False, ("x3", "x2"): False}.items():
        roles = table.roles(names)
        x = table.parts_as(roles, np.arange(3), "F")["x"]
        assert np.shares_memory(x, block) == shared
        np.testing.assert_array_equal(x, np.column_stack([table[n] for n in names]))
        assert x.flags.f_contiguous


def test_a_column_of_a_square_is_not_taken_for_a_row_of_it():
    square = np.arange(9.0).reshape(3, 3).copy()  # owns its memory
    table = Table({"a": square[:, 0]})
    x = table.parts_as(table.roles(["a"]), np.arange(3), "F")["x"]
    np.testing.assert_array_equal(x[:, 0], [0.0, 3.0, 6.0])


@pytest.mark.parametrize(
    ("kinds", "told"),
    [(["1", "2", "bad", "1"], True), (["1", "2", "1", "2"], False), (["a", "b", "a", "b"], False)],
)
def test_classes_of_words_and_numbers_are_noted(kinds, told):
    X = Table({"x": [1.0, 2.0, 3.0, 4.0], "kind": kinds}).samples(answer="kind")
    note = "some classes of kind are numbers, such as '1', others words, such as 'bad'"
    assert any(note in one for one in X.notes) == told
