"""Tables of predictions: columns, nulls, both formats, piece by piece."""

import csv

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from baksan.metrics import Prediction
from baksan.store.predictions import frame, sink, write_frame

TWO = Prediction(score=[-1.0, 2.0], probability=[[0.8, 0.2], [0.1, 0.9]])
KINDS = ("hadron", "gamma")


def test_columns_for_each_kind_of_answer():
    assert frame(np.arange(2), TWO, KINDS).to_pydict() == {
        "id": [0, 1], "prediction": ["hadron", "gamma"], "score": [-1.0, 2.0],
        "probability_hadron": [0.8, 0.1], "probability_gamma": [0.2, 0.9],
    }  # fmt: skip
    three = Prediction(score=np.eye(3)[[2, 0]], probability=np.eye(3)[[2, 0]])
    held = frame(np.array(["a", "b"]), three, ("p", "He", "Fe")).to_pydict()
    assert list(held) == ["id", "prediction", "probability_p", "probability_He", "probability_Fe"]
    assert held["id"] == ["a", "b"] and held["prediction"] == ["Fe", "p"]
    number = Prediction(value=[1.5, 2.5], spread=[0.1, 0.2])
    assert frame(np.arange(2), number, ()).to_pydict() == {
        "id": [0, 1], "prediction": [1.5, 2.5], "spread": [0.1, 0.2]
    }  # fmt: skip
    levels = Prediction([1.5, 2.5], quantiles=[[1.0, 2.0], [2.0, 3.0]], levels=[0.16, 0.84])
    held = frame(np.arange(2), levels, (), unit="GeV")
    assert held.select(["quantile_0.16", "quantile_0.84"]).to_pydict() == {
        "quantile_0.16": [1.0, 2.0], "quantile_0.84": [2.0, 3.0]
    }  # fmt: skip
    assert held.schema.field("quantile_0.84").metadata == {b"unit": b"GeV"}
    both = frame(np.arange(2), Prediction(value=[[1.0, 2.0], [3.0, 4.0]]), ())
    assert both.column_names == ["id", "prediction_0", "prediction_1"]


def test_the_threshold_decides_the_class():
    half = Prediction(score=[0.4, 0.6], threshold=0.5)
    assert frame(np.arange(2), half, KINDS)["prediction"].to_pylist() == ["hadron", "gamma"]


def test_rows_without_a_prediction_keep_their_id():
    held = frame(np.array([7, 8, 9, 10]), TWO, KINDS, complete=np.array([False, True, False, True]))
    assert held["id"].to_pylist() == [7, 8, 9, 10]
    assert held["prediction"].to_pylist() == [None, "hadron", None, "gamma"]
    assert held["score"].to_pylist() == [None, -1.0, None, 2.0]
    none = frame(np.arange(3), TWO.take([False, False]), KINDS, complete=np.zeros(3, dtype=bool))
    assert none.schema == held.schema and none["prediction"].null_count == 3


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_tables_are_written_piece_by_piece(tmp_path, ending):
    path = tmp_path / f"p.{ending}"
    with sink(path) as out:
        for k in range(3):
            out.write(frame(np.array([k]), TWO.take([k % 2]), KINDS))
        assert not path.exists()
    if ending == "csv":
        rows = list(csv.DictReader(path.read_text().splitlines()))
        assert [row["prediction"] for row in rows] == ["hadron", "gamma", "hadron"]
        assert [float(row["score"]) for row in rows] == [-1.0, 2.0, -1.0]
    else:
        assert pq.read_table(path)["score"].to_pylist() == [-1.0, 2.0, -1.0]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_an_error_on_the_way_leaves_no_file(tmp_path, ending):
    with pytest.raises(RuntimeError), sink(tmp_path / f"p.{ending}") as out:
        out.write(frame(np.arange(2), TWO, KINDS))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["p.txt", "p", "p.PARQUET", "parquet"])
def test_other_endings_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"go to .parquet or .csv; '.*' ends in neither"):
        write_frame(tmp_path / name, pa.table({"a": [1]}))
