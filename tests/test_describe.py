"""describe: what a look at a table must find."""

import json

import numpy as np
import pytest

from baksan.data import load
from baksan.describe import describe
from baksan.samples import Samples
from baksan.table import Column, Table

rng = np.random.default_rng(1)
N = 400
kind = np.where(np.arange(N) % 2, "gamma", "hadron")
PLAIN = {"x": Column(rng.normal(size=N), "mm"), "kind": kind}


def warnings_of(answer="kind", **more):
    found = describe(Table({**PLAIN, **more}), answer=answer)
    return {c.name: c.warnings for c in found.columns}


def test_numbers_text_and_classes():
    x = np.array([1.0, 2.0, np.nan, 4.0])
    table = Table({"x": Column(x, "mm"), "n": np.arange(4), "t": np.array(["a", "b", "", "a"])})
    found = describe(table, answer="t")
    first, second, third = found.columns
    assert (first.type, first.unit, first.missing, first.distinct) == ("float", "mm", 1, 3)
    assert (first.low, first.median, first.mean, first.high) == (1, 2, pytest.approx(7 / 3), 4)
    assert (second.type, third.type) == ("int", "text")
    assert (third.values, third.missing) == (("a", "b"), 1)
    assert found.classes == {"a": 2, "b": 1}
    assert not found.warnings


def test_duplicates_constants_infinities_and_empty_columns():
    table = Table(
        {
            "a": np.array([1.0, 1.0, 2.0, 2.0]),
            "b": np.array([5, 5, 5, 5]),
            "c": np.full(4, np.nan),
            "d": np.array([0.0, 0.0, np.inf, 1.0]),
        }
    )
    found = describe(table)
    assert found.duplicates == 1
    assert found.warnings == (
        "b: is constant", "c: holds no number at all", "d: is infinite in 1 row",
    )  # fmt: skip


@pytest.mark.parametrize("mark", [-999.0, -9999.0, -99.0, 9999.0, 1e20])
def test_marks_for_missing_values(mark):
    values = rng.uniform(0, 30, N)
    values[:3] = mark
    (warning,) = warnings_of(y=values)["y"]
    assert "stands in 3 rows: is it a mark for missing?" in warning


def test_honest_numbers_are_no_marks():
    for values in (rng.uniform(-1500, 1500, N), rng.integers(-1, 3, N) * 1.0):
        values[0] = -999.0 if values.min() < -1000 else values[0]
        assert warnings_of(y=values)["y"] == ()
    counts = rng.integers(0, 50, N)
    counts[:5] = -1
    assert "−1 stands in 5 rows" in warnings_of(y=counts)["y"][0]


def test_columns_that_give_the_answer_away():
    signal = (kind == "gamma").astype(float)
    hole = np.where(signal, np.nan, rng.normal(size=N))
    found = warnings_of(
        score=-signal + rng.uniform(0, 0.5, N),
        good=signal + rng.normal(size=N),
        hole=hole,
        code=np.where(signal, np.tile(["bll", "fsrq"], N // 2), "psr"),
        id=np.array([f"event {j}" for j in range(N)]),
    )
    assert "alone it has an AUC of 1.0000" in found["score"][0]
    assert "where it is missing tells the class" in found["hole"][0]
    assert "each of its values goes with one class only" in found["code"][0]
    assert found["good"] == found["id"] == found["x"] == found["kind"] == ()


def test_a_number_answer_and_its_shadow():
    y = rng.normal(size=N)
    found = warnings_of(answer="y", y=y, shadow=3 * y + 1e-4 * rng.normal(size=N), other=y**2)
    assert "correlation with it is 1.0000" in found["shadow"][0]
    assert found["other"] == ()


def test_samples_are_described_like_tables():
    X = Samples(rng.normal(size=(50, 2)), np.arange(50) % 2, class_names=("h", "g"))
    found = describe(X)
    assert (found.rows, found.answer, found.classes) == (50, "answer", {"g": 25, "h": 25})
    assert [c.name for c in found.columns] == ["x0", "x1", "answer"]


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_the_text_keeps_to_its_width(width):
    more = {"a very long name of a column " * 3: np.arange(N), "empty": np.full(N, np.nan)}
    text = describe(Table({**PLAIN, **more}), answer="kind").text(width)
    assert max(map(len, text.splitlines())) <= width
    assert "gamma 200 (50.0%)" in text


@pytest.mark.parametrize("width", [80, 100, 140])
def test_every_width_shows_unit_type_range_missing_distinct_and_histogram(width):
    flux = Column(np.logspace(-14, -9, N), "ph cm-2 MeV-1 s-1")
    hole = Column(np.where(np.arange(N) % 4, rng.normal(size=N), np.nan), "deg")
    table = Table({"Unc_PL_Flux_Density": flux, "hole": hole, "run_number": np.arange(N) % 7})
    lines = describe(table).text(width).splitlines()[2:6]
    for word in ("column", "unit", "type", "missing", "distinct", "low", "high"):
        assert word in lines[0]
    for line, words in zip(
        lines[1:],
        [("Unc_PL_Flu", "ph cm", "float", "400", "1e-14", "1e-09", "█", " lg"),
         ("hole", "deg", "float", "100", "300", "█"), ("run_number", "int", "7", "0", "6", "█")],
        strict=True,
    ):  # fmt: skip
        assert all(word in line for word in words) and not line.endswith("…"), line


def test_numbers_among_words_are_pointed_out():
    b = np.where(np.arange(N) % 5, np.arange(N).astype(str), "low")
    found = warnings_of(b=b, name=np.array([f"event {k}" for k in range(N)]))
    assert found["b"] == (
        "is text, though 320 of 400 cells are numbers: it is no feature as it stands",
    )
    assert found["name"] == ()


def test_sparklines_and_json():
    found = describe(Table({"flat": np.linspace(0, 1, 1200), "lg": np.logspace(0, 6, 1200)}))
    assert found.columns[0].spark == "█" * 12
    assert found.columns[1].spark == "█" * 12 + " lg"
    back = json.loads(json.dumps(found.to_dict()))
    assert back["columns"][0]["high"] == 1
    assert back["rows"] == 1200


def test_refused():
    with pytest.raises(ValueError, match="rows are needed; the table has none"):
        describe(Table({"a": []}))
    with pytest.raises(KeyError, match="no column 'b'"):
        describe(Table({"a": [1.0]}), answer="b")


@pytest.mark.usefixtures("data_dir")
def test_published_sets():
    magic = describe(load("magic").table, "class")
    assert (magic.duplicates, magic.warnings) == (115, ())
    fermi = describe(load("fermi-4fgl").table, "type")
    assert fermi.warnings == (
        "CLASS: gives the answer away: each of its values goes with one class only",
    )


def test_a_number_that_rises_with_the_answer_gives_it_away():
    rng = np.random.default_rng(0)
    energy = rng.uniform(1, 100, 300)
    table = Table(
        {"energy": energy, "weight": energy**-2.7, "size": energy * rng.normal(1, 0.3, 300)}
    )
    told = describe(table, answer="energy").warnings
    assert any("weight" in w and "rank correlation with it is -1.0000" in w for w in told)
    assert not any("size" in w for w in told)
