"""Cards: which table a model takes, in which units; parts that contradict each other."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

from baksan.samples import Feature, Samples
from baksan.store.card import AnswerCard, Card, FeatureCard, InputCard, feature_cards
from baksan.table import Column, Table
from baksan.units import UnitError


def card(**more):
    return Card(**{
        "kind": "linear", "title": "test", "task": "regression",
        "inputs": [InputCard(name="w", unit="mm"), InputCard(name="E", unit="TeV")],
        "features": [
            FeatureCard(name="w", unit="mm", low=1.0, high=3.0),
            FeatureCard(name="lgE", formula="log10(E[TeV])", low=0.0, high=2.0),
        ],
        "answer": AnswerCard(name="y"), **more,
    })  # fmt: skip


def table(w=(1.0, 2.0), E=(1.0, 10.0), units=("mm", "TeV"), **more):
    columns = {"w": Column(np.array(w), units[0]), "E": Column(np.array(E), units[1])}
    return Table({"other": np.arange(len(w)), **columns, **more}, source="new.csv")


def test_features_of_a_table_in_the_cards_order():
    x, complete, outside = card().features_of(table())
    assert x.tolist() == [[1.0, 0.0], [2.0, 1.0]]
    assert complete.all() and not outside.any()


def test_units_are_converted():
    x, *_ = card().features_of(table((0.1, 0.2), (1000.0, 10_000.0), units=("cm", "GeV")))
    np.testing.assert_allclose(x, [[1.0, 0.0], [2.0, 1.0]], rtol=1e-15)


def test_a_column_without_a_unit_is_taken_as_it_is():
    x, *_ = card().features_of(table(units=("", "")))
    assert x.tolist() == [[1.0, 0.0], [2.0, 1.0]]


def test_units_that_do_not_fit_are_refused():
    with pytest.raises(UnitError, match="new.csv: column 'w': .*converts to 'mm'.*; 'deg'"):
        card().features_of(table(units=("deg", "TeV")))


def test_missing_columns_are_listed():
    with pytest.raises(KeyError, match=r"'test' needs the columns w, E; the file has a, b. Rename"):
        card().features_of(Table({"a": [1.0], "b": [2.0]}))
    with pytest.raises(KeyError, match="needs the column E; the file has w"):
        card().features_of(Table({"w": [1.0]}))


def test_text_and_vectors_are_refused():
    with pytest.raises(TypeError, match="column 'w' must hold one number a row; it holds text"):
        card().features_of(table(w=("a", "b")))
    with pytest.raises(
        TypeError, match=r"'w' must hold one number a row; it holds vectors of .3,."
    ):
        card().features_of(table(w=np.ones((2, 3))))


def test_rows_that_lack_a_feature_and_rows_outside():
    w = [1.0, np.nan, 0.99, 3.01, 2.0, 2.0, np.inf]
    E = [1.0, 1.0, 1.0, 1.0, 0.0, 101.0, 1.0]
    _, complete, outside = card().features_of(table(w, E))
    assert complete.tolist() == [True, False, True, True, False, True, False]
    assert outside[complete].tolist() == [False, True, True, True]


def test_elements_of_vectors():
    card_of_element = card(
        inputs=[InputCard(name="flux")],
        features=[FeatureCard(name="flux[1]", formula="flux[1]", low=0, high=1)],
    )
    x, *_ = card_of_element.features_of(Table({"flux": np.array([[1.0, 2.0], [3.0, 4.0]])}))
    assert x.tolist() == [[2.0], [4.0]]


def test_formulas_may_compare_text():
    by_kind = card(
        inputs=[InputCard(name="kind")],
        features=[FeatureCard(name="big", formula="kind == 'big'", low=0, high=1)],
    )
    assert by_kind.features_of(Table({"kind": ["big", "small"]}))[0].tolist() == [[1.0], [0.0]]


def test_no_range_is_no_bound():
    free = card(features=[FeatureCard(name="w")], inputs=[InputCard(name="w")])
    assert not free.features_of(table(w=(-1e300, 1e300)))[2].any()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"task": "classification"}, "classification does not go with the classes"),
        ({"class_names": ["a", "b"]}, "regression does not go with the classes"),
        ({"task": "classification", "class_names": ["a", "a"]}, "does not go with the classes"),
        ({"inputs": [InputCard(name="w")]}, "feature 'lgE' needs 'E', which is no input"),
    ],
)
def test_parts_that_contradict_each_other(change, sentence):
    card().check()
    with pytest.raises(ValueError, match=sentence):
        card(**change).check()


@pytest.mark.parametrize(
    "change",
    [
        {"stranger": 1}, {"version": 2}, {"format": "other"}, {"features": []}, {"task": "ranking"},
        {"features": [{"name": "w", "low": float("nan")}]}, {"kind": 3}, {"inputs": [{}]},
    ],
)  # fmt: skip
def test_a_card_is_strict(change):
    content = json.loads(card().model_dump_json()) | change
    with pytest.raises(ValidationError):
        Card.model_validate(content)


def test_a_card_says_what_the_samples_say():
    X = Samples([[1.0, 5.0], [3.0, 2.0]], features=[Feature("w", "mm", "width"), Feature("lgE")])
    width, energy = feature_cards(X, {"lgE": "log10(E)"})
    assert width == FeatureCard(
        name="w", unit="mm", description="width", low=1.0, high=3.0,
        distribution=((1.0, 0.5), (2.0, 0.5), (3.0, 1.0)),
    )  # fmt: skip
    assert (energy.formula, energy.low, energy.high) == ("log10(E)", 2.0, 5.0)
