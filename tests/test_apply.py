"""Apply: predictions through a file are those in memory; what does not fit is said."""

import csv

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from tests.runs import events, table_of, write_csv

import baksan as bk
from baksan.apply import apply, predicted
from baksan.data import blocks
from baksan.store import load_model
from baksan.table import Column, Table
from baksan.train.lineup import Theirs
from baksan.train.source import from_table

METHODS = ["linear-gd", "cuts", Theirs("trees", HistGradientBoostingClassifier(max_iter=5))]
ENDINGS = {"linear-gd": "baksan", "cuts": "baksan", "trees": "skops"}
FEATURES = ["width", "length", "lg=log10(length)"]
NEW = events(50, seed=1)


def run_on(folder, classes=2, methods=METHODS, **settings):
    settings = {"answer": "kind", "features": FEATURES, **settings}
    opened = from_table(table_of(events(120, classes)), name="toy", **settings)
    return bk.train(
        opened.samples, methods, folds=2, replicas=5, threads=1, report=False, source=opened.source,
        out=folder,
    )  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Stored models by name, read from the files of one training."""
    folder = tmp_path_factory.mktemp("apply") / "run"
    run_on(folder, signal="gamma")
    return {name: load_model(folder / "models" / f"{name}.{end}") for name, end in ENDINGS.items()}


def features(X):
    return np.column_stack([X.x[:, 0], X.x[:, 1], np.log10(X.x[:, 1])])


def test_a_file_predicts_what_the_run_predicts(tmp_path):
    run = run_on(tmp_path / "run", signal="gamma")
    for name, end in ENDINGS.items():
        stored = load_model(tmp_path / "run/models" / f"{name}.{end}")
        apply(stored, [table_of(NEW)], tmp_path / "p.parquet")
        found, expected = (
            pq.read_table(tmp_path / "p.parquet"),
            run.models[name].predict(features(NEW)),
        )
        assert np.array_equal(found["score"].to_numpy(), expected.score), name
        classes = np.array(("hadron", "gamma"))[expected.label]
        assert found["prediction"].to_pylist() == classes.tolist()
        if expected.probability is not None:
            assert np.array_equal(found["probability_gamma"], expected.probability[:, 1])


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_blocks_of_any_size_give_the_same_file(tmp_path, models, name, ending):
    path = write_csv(tmp_path / "new.csv", NEW)
    texts = []
    for rows in (3, 7, 50, 1000):
        out = tmp_path / f"{rows}.{ending}"
        apply(models[name], blocks(path, rows), out)
        texts.append(out.read_text() if ending == "csv" else pq.read_table(out).to_pydict())
    assert texts[0] == texts[1] == texts[2] == texts[3]


def test_csv_and_parquet_hold_the_same_numbers(tmp_path, models):
    for end in ("csv", "parquet"):
        apply(models["linear-gd"], [table_of(NEW)], tmp_path / f"p.{end}")
    rows = list(csv.DictReader((tmp_path / "p.csv").read_text().splitlines()))
    table = pq.read_table(tmp_path / "p.parquet")
    assert list(rows[0]) == table.column_names
    assert [float(row["score"]) for row in rows] == table["score"].to_pylist()


@pytest.mark.parametrize(("classes", "columns"), [
    (0, ["id", "prediction", "outside_training_range"]),
    (3, ["id", "prediction", "probability_gamma", "probability_hadron", "probability_muon",
         "outside_training_range"]),
])  # fmt: skip
def test_columns_for_numbers_and_several_classes(tmp_path, classes, columns):
    run = run_on(tmp_path / "run", classes, ["linear-gd"])
    rows = predicted(run.models["linear-gd"], table_of(events(9, classes, seed=1)))
    assert rows.column_names == columns and len(rows) == 9


# Columns and units --------------------------------------------------------------------------------


def scores(models, table):
    return predicted(models["linear-gd"], table)["score"].to_numpy()


def test_extra_columns_do_not_matter_and_order_neither(models):
    table = table_of(NEW)
    mixed = Table(dict(reversed(table.with_columns({"x": ["a"] * 50}).columns.items())))
    assert np.array_equal(scores(models, mixed), scores(models, table))


def test_units_are_converted(models):
    X = table_of(NEW)
    in_cm = X.with_columns({name: Column(X[name] / 10, "cm") for name in ("width", "length")})
    np.testing.assert_allclose(scores(models, in_cm), scores(models, X), rtol=1e-9)
    bare = X.with_columns({name: Column(X[name]) for name in ("width", "length")})
    assert np.array_equal(scores(models, bare), scores(models, X))


def test_what_does_not_fit_is_refused_and_no_file_is_left(tmp_path, models):
    X = table_of(NEW)
    cases = [
        (
            X.with_columns({"width": Column(X["width"], "deg")}),
            ValueError,
            "column 'width': .*'mm'",
        ),
        (Table({"width": X["width"]}), KeyError, "needs the column length; the file has width"),
        (X.with_columns({"width": ["a"] * 50}), TypeError, "'width' must hold one number a row"),
    ]
    for table, error, sentence in cases:
        with pytest.raises(error, match=sentence):
            apply(models["linear-gd"], [X, table], tmp_path / "p.parquet")
    with pytest.raises(KeyError, match="no column 'event'"):
        apply(models["linear-gd"], [X], tmp_path / "p.parquet", id="event")
    with pytest.raises(ValueError, match=r"go to .parquet or .csv"):
        apply(models["linear-gd"], [X], tmp_path / "p.fits")
    with pytest.raises(FileNotFoundError, match="no such file"):
        apply(models["linear-gd"], blocks(tmp_path / "none.csv"), tmp_path / "p.parquet")
    assert list(tmp_path.iterdir()) == []


def test_elements_of_vectors(tmp_path):
    X = events(80)
    table = Table({"v": X.x[:, :2], "kind": np.array(X.class_names)[X.y]})
    opened = from_table(table, name="v", answer="kind", signal="gamma")
    run = bk.train(
        opened.samples, ["linear-gd"], folds=2, replicas=5, threads=1, report=False,
        source=opened.source, out=tmp_path / "run",
    )  # fmt: skip
    stored = load_model(tmp_path / "run/models/linear-gd.baksan")
    rows = predicted(stored, Table({"other": np.ones(50), "v": NEW.x[:, :2]}))
    expected = run.models["linear-gd"].predict(NEW.x[:, :2]).score
    assert np.array_equal(rows["score"].to_numpy(), expected)
    with pytest.raises(ValueError, match="it has 1"):
        predicted(stored, Table({"v": NEW.x[:, :1]}))


# Rows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("rows", [1, 4, 100])
def test_rows_that_lack_a_feature_keep_their_id(tmp_path, models, ending, rows):
    width = NEW.x[:, 0].astype(str).astype(object)
    width[[0, 1, 2, 3, 7]] = ""  # whole blocks without a single prediction among them
    path = write_csv(tmp_path / "new.csv", NEW)
    head, *lines = path.read_text().splitlines()
    lines = [",".join([w, *line.split(",")[1:]]) for w, line in zip(width, lines, strict=True)]
    path.write_text("\n".join([head, *lines]))
    out = tmp_path / f"p.{ending}"
    done = apply(models["trees"], blocks(path, rows), out)
    assert (done.events, done.incomplete) == (50, 5)
    assert "50 events predicted. 5 lack a feature and have no prediction." in str(done)
    if ending == "csv":
        held = list(csv.DictReader(out.read_text().splitlines()))
        lost = [row["prediction"] == "" == row["score"] for row in held]
        assert [int(row["id"]) for row in held] == list(range(50))
    else:
        table = pq.read_table(out)
        lost = [value is None for value in table["prediction"].to_pylist()]
        assert table["id"].to_pylist() == list(range(50))
        assert table["score"].null_count == table["probability_gamma"].null_count == 5
    assert np.flatnonzero(lost).tolist() == [0, 1, 2, 3, 7]


def test_strangers_are_marked(models, tmp_path):
    card = models["linear-gd"].card
    width, length, lg = card.features
    assert (width.low, width.high) == (events(120).x[:, 0].min(), events(120).x[:, 0].max())
    inside = [(width.low, length.low), (width.high, length.high)]
    outside = [
        (np.nextafter(width.low, -9e9), length.low), (width.high, np.nextafter(length.high, 9e9))
    ]  # fmt: skip
    pairs = np.array([*inside, *outside, (np.nan, length.high * 2)])
    table = Table({"width": pairs[:, 0], "length": pairs[:, 1]})
    done = apply(models["linear-gd"], [table], tmp_path / "p.parquet")
    marked = pq.read_table(tmp_path / "p.parquet")["outside_training_range"].to_pylist()
    # A row without a prediction is none to be trusted less.
    assert marked == [False, False, True, True, False] and done.outside == 2
    assert "2 lie outside the range of the training events" in str(done)
    assert lg.formula == "log10(length[mm])"


def test_ids(models):
    named = table_of(NEW).with_columns({"event": [f"e{k}" for k in range(50)]})
    assert predicted(models["cuts"], named, "event")["id"].to_pylist()[:2] == ["e0", "e1"]
    assert predicted(models["cuts"], named.take([3, 5]))["id"].to_pylist() == [3, 5]


def test_the_models_own_id(tmp_path):
    numbered = table_of(events(60)).with_columns({"event": np.arange(60) + 1000})
    opened = from_table(numbered, name="toy", answer="kind", signal="gamma", id="event")
    run = bk.train(opened.samples, ["cuts"], folds=2, replicas=5, threads=1, source=opened.source)
    stored = run.models["cuts"]
    assert stored.card.id == "event" and "event" not in [f.name for f in stored.card.features]
    assert predicted(stored, numbered)["id"].to_pylist()[0] == 1000
    # A file without it has row numbers.
    assert predicted(stored, table_of(NEW))["id"].to_pylist() == list(range(50))


def test_a_condition_leaves_rows_out_and_counts_them(models, tmp_path):
    pieces = [table_of(NEW).take(np.arange(k, k + 10)).renumbered(0) for k in range(0, 50, 10)]
    done = apply(models["cuts"], pieces, tmp_path / "p.csv", where="length > 120")
    kept = np.flatnonzero(NEW.x[:, 1] > 120)
    rows = list(csv.DictReader((tmp_path / "p.csv").read_text().splitlines()))
    assert [int(row["id"]) for row in rows] == kept.tolist()
    assert (done.events, done.left_out) == (len(kept), 50 - len(kept))
    assert f"{50 - len(kept)} rows left out by the condition." in str(done)
    with pytest.raises(ValueError, match="no row fulfils 'length > 1e9'"):
        apply(models["cuts"], pieces, tmp_path / "q.csv", where="length > 1e9")
    assert not (tmp_path / "q.csv").exists()


def test_what_the_reader_says_is_told(models, tmp_path):
    noted = table_of(NEW).with_notes("the file was changed.")
    assert "the file was changed." in str(apply(models["cuts"], [noted] * 2, tmp_path / "p.csv"))


def test_no_events(models, tmp_path):
    for given in ([], [table_of(NEW).take(np.zeros(50, dtype=bool))]):
        for ranked in (False, True):
            with pytest.raises(ValueError, match="must be events to predict; the input is empty"):
                apply(models["cuts"], given, tmp_path / "p.parquet", ranked=ranked)
    assert list(tmp_path.iterdir()) == []


# Ranking ------------------------------------------------------------------------------------------


def test_ranked_puts_the_best_first_and_the_missing_last(models, tmp_path):
    x = NEW.x.copy()
    x[4, 0] = np.nan
    table = Table({"width": x[:, 0], "length": x[:, 1]})
    pieces = [table.take(np.arange(k, k + 10)) for k in range(0, 50, 10)]
    apply(models["linear-gd"], pieces, tmp_path / "p.parquet", ranked=True)
    held = pq.read_table(tmp_path / "p.parquet")
    score = held["score"].to_pylist()
    assert score[-1] is None and held["id"].to_pylist()[-1] == 4
    assert score[:-1] == sorted(score[:-1], reverse=True)
    assert sorted(held["id"].to_pylist()) == list(range(50))


def test_several_classes_have_no_ranking(tmp_path):
    stored = run_on(tmp_path / "run", 3, ["linear-gd"]).models["linear-gd"]
    with pytest.raises(ValueError, match="a ranking needs one score an event; .* has 3 classes"):
        apply(stored, [table_of(NEW)], tmp_path / "p.csv", ranked=True)


def test_progress_counts_the_events(models, tmp_path):
    told = []
    pieces = [table_of(NEW).take(np.arange(k, k + 25)) for k in (0, 25)]
    apply(models["cuts"], pieces, tmp_path / "p.csv", progress=told.append)
    assert told == [25, 50]


# Real data ----------------------------------------------------------------------------------------


def test_unassociated_sources_carry_their_names(data_dir, tmp_path):
    from baksan.data import stream
    from baksan.train.source import open_samples

    opened = open_samples("fermi-4fgl")
    bk.train(
        opened.samples, ["linear-gd"], test=0.3, replicas=5, report=False, source=opened.source,
        out=tmp_path / "run",
    )  # fmt: skip
    stored = load_model(tmp_path / "run/models/linear-gd.baksan")
    done = apply(stored, stream("fermi-4fgl:unassociated"), tmp_path / "p.parquet", ranked=True)
    held = pq.read_table(tmp_path / "p.parquet")
    names = held["id"].to_pylist()
    assert done.events == len(names) == len(set(names)) > 1300
    assert all(name.startswith("4FGL J") for name in names)
    score = [s for s in held["score"].to_pylist() if s is not None]
    assert score == sorted(score, reverse=True)
