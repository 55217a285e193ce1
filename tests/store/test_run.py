"""Run folders: begun, gone on with, opened; what a finished one holds comes back as it was."""

import json
import re
import tomllib

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runs import FAST, events, table_of

import baksan as bk
from baksan.evaluate import Evaluation
from baksan.files import plain
from baksan.fit import COLUMNS
from baksan.metrics import Prediction
from baksan.metrics.prediction import PARTS
from baksan.report import page
from baksan.solvers.base import State
from baksan.store import load_model
from baksan.store.run import (
    RunFolder,
    checked_name,
    dump_toml,
    prediction_arrays,
    prediction_of,
)
from baksan.train.source import from_table

CONFIG = {"source": "x.csv", "seed": 1, "test": None, "samples": {"answer": "kind"}}

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
value = st.one_of(
    text, st.booleans(), st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
values = st.one_of(value, st.lists(value, max_size=3))


@given(st.dictionaries(text, st.one_of(values, st.dictionaries(text, values, max_size=3))))
def test_toml_comes_back_as_it_was(config):
    assert tomllib.loads(dump_toml(config)) == config


def test_toml_has_no_null_and_holds_no_objects():
    assert tomllib.loads(dump_toml(CONFIG)) == {
        "source": "x.csv", "seed": 1, "samples": {"answer": "kind"}
    }  # fmt: skip
    with pytest.raises(TypeError, match=r"config.toml holds text, numbers, bools and lists"):
        dump_toml({"a": object()})


def test_a_run_begins_in_a_folder_of_its_own(tmp_path):
    run = RunFolder.begin(tmp_path / "deep" / "run", CONFIG, resume=False)
    assert run.config["seed"] == 1 and not run.finished
    RunFolder.begin(run.path, CONFIG, resume=False)  # it failed before it had done anything
    run.write_arrays("checkpoints/cuts.fold0.safetensors", {"a": np.zeros(1)}, {})
    with pytest.raises(FileExistsError, match=r"run is not empty.*--out,\s+or go on.*--resume"):
        RunFolder.begin(run.path, CONFIG, resume=False)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileExistsError, match="file is a file. Choose another --out"):
        RunFolder.begin(tmp_path / "file", CONFIG, resume=False)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.tex").write_text("mine")
    for resume in (False, True):
        with pytest.raises(FileExistsError, match="foreign is not empty"):
            RunFolder.begin(tmp_path / "foreign", CONFIG, resume=resume)
    assert (tmp_path / "foreign" / "thesis.tex").read_text() == "mine"


def test_resume_without_a_run_begins_one(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        assert RunFolder.begin(tmp_path / name, CONFIG, resume=True).config["seed"] == 1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 2}, "seed was 1 in .*config.toml and is 2. Give the same"),
        ({"test": 0.5}, "test was None .* and is 0.5"),
        ({"source": "y.csv"}, "source was 'x.csv' .* and is 'y.csv'"),
        ({"samples": {"answer": "kind", "weight": "w"}}, "samples was .* and is .*weight"),
    ],
)
def test_resume_asks_for_the_same_settings(tmp_path, change, named):
    RunFolder.begin(tmp_path / "run", CONFIG, resume=False)
    assert RunFolder.begin(tmp_path / "run", CONFIG, resume=True).config["seed"] == 1
    with pytest.raises(ValueError, match=named):
        RunFolder.begin(tmp_path / "run", CONFIG | change, resume=True)


def test_a_finished_run_is_not_gone_on_with(tmp_path):
    run = RunFolder.begin(tmp_path / "run", CONFIG, resume=False)
    with pytest.raises(ValueError, match="is not finished; go on with it by --resume"):
        RunFolder.open(run.path)
    run.write_arrays("checkpoints/a.safetensors", {"x": np.ones(2)}, {})
    run.write_json("report.json", {})
    # Killed between its last file and the end of the checkpoints: it may be ended.
    RunFolder.begin(run.path, CONFIG, resume=True).end()
    assert not (run.path / "checkpoints").exists()
    with pytest.raises(ValueError, match="run is finished. Look at its"):
        RunFolder.begin(run.path, CONFIG, resume=True)
    assert RunFolder.open(run.path).finished


def test_what_is_no_run_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no run folder: it has no config.toml"):
        RunFolder.open(tmp_path)


def test_leftovers_of_a_killed_run_are_swept_away(tmp_path):
    (tmp_path / "run" / "models").mkdir(parents=True)
    for name in ("run/.config.99.partial.toml", "run/models/.trees.99.partial.skops"):
        (tmp_path / name).write_text("half")
    with pytest.raises(FileExistsError):
        RunFolder.begin(tmp_path / "run", CONFIG, resume=False)
    (tmp_path / "run/models/.trees.99.partial.skops").unlink()
    (tmp_path / "run/models").rmdir()
    run = RunFolder.begin(tmp_path / "run", CONFIG, resume=True)
    assert [p.name for p in run.path.iterdir()] == ["config.toml"]


def test_arrays_and_notes_come_back_bit_for_bit(tmp_path):
    run = RunFolder(tmp_path)
    arrays = {
        "number": np.array(3), "nan": np.array(np.nan), "none": np.empty(0), "f": np.ones(3) / 3,
        "t": np.arange(6).reshape(2, 3).T, "f32": np.float32([1, 2]), "bool": np.array([True]),
    }  # fmt: skip
    run.write_arrays("a/b.safetensors", arrays, {"message": "ä – ∞", "seconds": 0.5})
    back, notes = run.read_arrays("a/b.safetensors")
    assert notes == {"message": "ä – ∞", "seconds": 0.5} and back.keys() == arrays.keys()
    for name, values in arrays.items():
        assert back[name].dtype == values.dtype and back[name].shape == values.shape, name
        np.testing.assert_array_equal(back[name], values)
    assert run.read_arrays("a/nothing.safetensors") is None


def test_a_state_comes_back_as_it_was(tmp_path):
    state = State(np.arange(3.0), np.zeros(3), np.ones(3), seed=7, step=12, loss=0.25)
    run = RunFolder(tmp_path)
    run.write_arrays("s.safetensors", state.to_arrays(), {})
    back = State.from_arrays(run.read_arrays("s.safetensors")[0])
    for name, values in state.to_arrays().items():
        assert type(getattr(back, name)) is type(getattr(state, name)), name
        np.testing.assert_array_equal(getattr(back, name), values)


@pytest.mark.parametrize(
    "prediction",
    [
        Prediction(value=[1.0, 2.0], spread=[0.1, 0.2]),
        Prediction(value=[1.0, 2.0], quantiles=[[0.5, 1.5], [0.0, 2.0]], levels=[0.16, 0.84]),
        Prediction(score=[0.5, 0.1], probability=[[0.5, 0.5], [0.9, 0.1]], threshold=0.5),
        Prediction(score=np.eye(3)),
    ],
)
def test_predictions_come_back_as_they_were(prediction):
    arrays = prediction_arrays(prediction) | {"other": np.ones(2)}
    back = prediction_of(arrays, prediction.threshold)
    for name in (*PARTS, "threshold"):
        np.testing.assert_array_equal(getattr(back, name), getattr(prediction, name))


def test_names_of_methods_are_names_of_files():
    for name in ("linear-gd", "svm-0.5", "A_1+b"):
        assert checked_name(name) == name
    for name in ("", ".hidden", "a/b", "../x", "a b", "ä", "a\n"):
        with pytest.raises(ValueError, match="becomes a file's"):
            checked_name(name)


# A finished run -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    table = table_of(events(90, id=np.arange(90) + 500))
    opened = from_table(
        table, name="toy", answer="kind", signal="gamma", id="id", bin_by="length",
        features=["width", "noise"],
    )  # fmt: skip
    return bk.train(
        opened.samples, FAST, folds=3, replicas=10, threads=1, seed=4, source=opened.source,
        bin_by=opened.bin_by, out=tmp_path_factory.mktemp("finished") / "run",
    )  # fmt: skip


def test_every_file_is_there_and_nothing_else(run):
    found = {p.relative_to(run.folder.path).as_posix() for p in run.folder.path.rglob("*.*")}
    assert found == {
        "config.toml", "evaluation.json", "predictions.parquet", "provenance.json", "report.html",
        "report.json", "models/linear-analytic.baksan", "models/linear-gd.baksan",
        "models/cuts.baksan", "models/trees.skops", "history/linear-analytic.parquet",
        "history/linear-gd.parquet", "history/cuts.parquet",
    }  # fmt: skip
    assert run.folder.finished and RunFolder.open(run.folder.path).config == run.folder.config


def test_the_settings_are_kept(run):
    config = run.folder.config
    assert (config["source"], config["events"], config["folds"], config["seed"]) == (
        "toy",
        90,
        3,
        4,
    )
    assert config["features"] == ["width", "noise"] and list(config["methods"]) == FAST
    assert config["samples"]["answer"] == "kind" and config["bin_by"] == "length"


def test_json_is_strict_and_says_what_the_run_says(run):
    def strict(name):
        return json.loads((run.folder.path / name).read_bytes(), parse_constant=pytest.fail)

    assert strict("evaluation.json") == plain(run.evaluation.to_dict())
    assert Evaluation.from_dict(strict("evaluation.json")) == run.evaluation
    assert strict("provenance.json") == plain(run.provenance)
    assert strict("report.json")["summary"].startswith("Of 4 methods the best is")


def test_predictions_are_out_of_fold(run):
    held = pq.read_table(run.folder.path / "predictions.parquet")
    assert set(held.column_names) == {
        "id", "prediction", "score", "probability_hadron", "probability_gamma", "method", "fold",
        "answer", "weight",
    }  # fmt: skip
    for name, prediction in run.predictions.items():
        rows = held.filter(np.array(held["method"]) == name)
        assert np.array_equal(rows["score"], prediction.score)
        assert np.array_equal(rows["id"], run.X.ids) and rows["id"][0].as_py() == 500
        assert np.array_equal(rows["fold"], run.fold)
        assert rows["answer"].to_pylist() == np.array(run.X.class_names)[run.X.answers].tolist()


def test_histories_have_their_columns(run):
    for name in ("linear-analytic", "linear-gd", "cuts"):
        held = pq.read_table(run.folder.path / "history" / f"{name}.parquet")
        assert tuple(held.column_names) == COLUMNS and held.num_rows >= 2
        assert held["step"].to_pylist() == sorted(held["step"].to_pylist())
        history = run.parts[name][0].history
        for column in COLUMNS:
            np.testing.assert_array_equal(held[column].to_numpy(), history[column])


def test_models_are_the_ones_in_memory(run):
    for path in (run.folder.path / "models").iterdir():
        stored, known = load_model(path), run.models[path.stem]
        assert np.array_equal(stored.predict(run.X.x).score, known.predict(run.X.x).score)
        assert stored.card == known.card and stored.card.id == "id"
        assert stored.card.metrics["auc"]["value"] == run.evaluation.value(path.stem, "auc")
        assert stored.card.provenance["seed"] == 4 and stored.card.provenance["events"] == 90


def test_the_report_is_one_page_that_asks_nobody(run):
    text = (run.folder.path / "report.html").read_text()
    assert text.lstrip().lower().startswith("<!doctype html>") and "</html>" in text
    # Links that a reader may follow are no requests; these would be.
    assert not re.search(r"<(script|img|iframe|source)[^>]+src\s*=\s*[\"']?(?!data:)", text)
    assert not re.search(r"<link[^>]+href=[\"'](?!data:)|@import|url\(\s*[\"']?(?!data:|#)", text)
    for name in run.predictions:
        assert name in text
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL).lower().split()


def test_the_report_rendered_again_is_the_same(run):
    again = page.render(run.folder.read_json("report.json"))
    assert again == (run.folder.path / "report.html").read_text()


def test_a_run_without_a_report_page_can_get_one_later(tmp_path):
    run = bk.train(
        events(30), ["cuts"], folds=2, replicas=5, threads=1, report=False, out=tmp_path / "run"
    )
    assert not (run.folder.path / "report.html").exists() and run.folder.finished
    assert "<html" in page.render(RunFolder.open(run.folder.path).read_json("report.json"))
