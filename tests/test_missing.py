"""Missing values and text, from the file to the predictions: left out, marked, filled in, told."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression

import baksan as bk
from baksan.cli import main
from baksan.data import load, open_stream
from baksan.data.parquet import write_parquet
from baksan.fit import completed
from baksan.store.card import card_of
from baksan.store.model import Stored
from baksan.table import Column, Table
from baksan.train.source import open_samples

N = 300
RNG = np.random.default_rng(5)
KIND = RNG.choice(["fd", "hybrid", "sd"], N)
A, B = RNG.normal(size=(2, N))
Y = 2 * A - B + (KIND == "fd") + 0.1 * RNG.normal(size=N)


def holes(share=0.2, value=np.nan):
    return np.where(np.random.default_rng(6).random(N) < share, value, B)


def table(**more):
    return Table({"a": A, "b": Column(holes(), "m"), "kind": KIND, "y": Y, **more}, "t")


# Text ---------------------------------------------------------------------------------------------


def test_text_becomes_indicators():
    X = table().samples(answer="y", features=["a", "kind"])
    assert X.names == ("a", "kind == 'fd'", "kind == 'hybrid'", "kind == 'sd'")
    np.testing.assert_array_equal(X.x[:, 1:].sum(axis=1), np.ones(N))
    np.testing.assert_array_equal(X.x[:, 1], KIND == "fd")


def test_rows_without_their_text_are_left_out_or_kept_without_an_indicator():
    kind = np.where(np.arange(N) % 10 == 0, "", KIND)
    left = table(kind=kind).samples(answer="y", features=["a", "kind"])
    assert len(left) == N - 30
    assert "30 rows left out: kind is missing or infinite." in left.notes
    kept = table(kind=kind).samples(answer="y", features=["a", "kind"], impute=True)
    assert "30 rows kept without kind: each model fills it in." in kept.notes
    np.testing.assert_array_equal(kept.x[:, 1:].sum(axis=1), np.arange(N) % 10 != 0)


def test_a_text_that_went_with_other_rows_is_left_out_and_noted():
    b = np.where(KIND == "sd", np.nan, B)
    X = table(b=b).samples(answer="y", features=["a", "b", "kind"])
    assert X.names == ("a", "b", "kind == 'fd'", "kind == 'hybrid'")
    assert any("constant: kind == 'sd'" in note for note in X.notes)


@pytest.mark.parametrize(
    "text", ["it's", 'say "a=b"', "≥ 3, или", "a\\b", "x" * 300, "−1", "a\u00a0b"]
)
@pytest.mark.parametrize("name", ["kind", "the kind", "class", "in", "None", "µ", "a − b"])
def test_odd_texts_and_names_are_found_again(name, text, tmp_path):
    kind = np.where(KIND == "fd", text, "other")
    write_parquet(Table({"a": A, name: kind, "y": Y}), tmp_path / "t.parquet")
    loaded = load(tmp_path / "t.parquet")
    X = loaded.samples(["a", name], answer="y")
    again = loaded.samples([*X.names], answer="y")  # as formulas
    np.testing.assert_array_equal(again.x, X.x)
    assert X.x[:, 1:].sum() == N


def test_several_texts_a_row_are_refused():
    pairs = np.array([["fd", "sd"], ["sd", "sd"]])
    with pytest.raises(TypeError, match=r"'pair' must hold one value a row.*vectors of \(2,\)"):
        Table({"pair": pairs, "y": [1.0, 2.0]}).samples(answer="y", features=["pair"])


# Marks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, np.uint16])
def test_marks_become_missing(kind):
    values = np.arange(10).astype(kind)
    values[[2, 5]] = 999
    found = Table({"x": values}).unmarked([999, -1])
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found["x"])), [2, 5])
    assert found.notes == ("2 rows of x held 999 or −1: taken as missing.",)
    assert Table({"x": np.arange(10)}).unmarked([0.5]).notes == ()


def test_single_precision_knows_its_mark():
    values = np.array([1.0, -999.9, 3.0], dtype=np.float32)
    assert np.isnan(Table({"x": values}).unmarked([-999.9])["x"]).tolist() == [False, True, False]


@pytest.mark.parametrize(("kind", "mark"), [(np.float16, 99999), (np.float32, 1e300)])
def test_a_mark_beyond_single_precision_is_no_infinity(kind, mark):
    found = Table({"x": np.array([1.0, np.inf], dtype=kind)}).unmarked([mark])
    assert found["x"].tolist() == [1.0, np.inf] and found.notes == ()


@pytest.mark.parametrize("mark", [np.nan, np.inf])
def test_a_mark_is_finite(mark):
    with pytest.raises(
        ValueError, match="a mark must be a finite number such as -999; (nan|inf) came"
    ):
        table().unmarked([-1, mark])


def test_marks_of_a_file_are_those_of_its_stream(tmp_path):
    write_parquet(table(b=holes(value=-999.0)), tmp_path / "t.parquet")
    asked = {"answer": "y", "marks": [-999.0]}
    X = open_stream(tmp_path / "t.parquet", rows=70, features=["a", "b"], **asked)
    whole = load(tmp_path / "t.parquet", marks=[-999.0]).samples(["a", "b"], answer="y")
    np.testing.assert_array_equal(X.sample.x, whole.x)
    lost = int(np.isnan(holes()).sum())
    for notes in (X.survey.notes, whole.notes):
        assert f"{lost} rows of b held −999: taken as missing." in notes
        assert f"{lost} rows left out: b is missing or infinite." in notes


@pytest.mark.parametrize("stream", [False, True])
def test_marks_of_columns_that_a_run_does_not_use_are_not_told(stream, tmp_path):
    held = {n: np.where(np.arange(N) < k, -9.0, A) for k, n in enumerate("abcwy", start=1)}
    write_parquet(Table({**held, "a": A}), tmp_path / "t.parquet")
    opened = open_samples(
        str(tmp_path / "t.parquet"), answer="y", features=["a", "twice = 2 * b"], where="w < 90",
        marks=[-9], stream=stream,
    )  # fmt: skip
    told = [note for note in opened.notes if "taken as missing" in note]
    assert sorted(told) == [f"{k} rows of {n} held −9: taken as missing." for k, n in (
        (2, "b"), (4, "w"), (5, "y"))]  # fmt: skip


@pytest.mark.parametrize("told", [{"signal": "1"}, {"where": "b < 5"}, {}])
def test_marks_among_classes_and_conditions_are_the_same_in_a_stream(told, tmp_path):
    classes = np.where(np.arange(N) % 10 == 0, -9, KIND == "fd")  # whole numbers, but for the marks
    b = np.where(KIND == "sd", -999.0, B)
    write_parquet(Table({"a": A, "b": b, "kind": KIND, "c": classes}), tmp_path / "t.parquet")
    marks, asked = [-9.0, -999.0], {"features": ["a", "kind"], "answer": "c", **told}
    X = open_stream(tmp_path / "t.parquet", marks=marks, rows=70, **asked)
    whole = load(tmp_path / "t.parquet", marks=marks).samples(**asked)
    assert (X.names, X.class_names) == (whole.names, whole.class_names)
    np.testing.assert_array_equal(X.sample.x, whole.x)
    np.testing.assert_array_equal(X.sample.y, whole.y)
    unread = [
        n for n in whole.notes if "missing values" in n or ("b held" in n and "where" not in told)
    ]
    assert {*X.survey.notes} == {*whole.notes} - {*unread}


# Filling in ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", [bk.Analytic(), bk.GradientDescent(steps=20_000)])
def test_the_fit_is_that_of_scikit_learns_imputer_and_regression(solver):
    X = table().samples(answer="y", features=["a", "b"], impute=True)
    found = bk.fit(bk.Imputed(bk.Linear()), X, bk.losses.squared, solver)
    filler = SimpleImputer(strategy="median", add_indicator=True)
    filled = filler.fit_transform(X.x)
    theirs = LinearRegression().fit(filled, X.y)
    np.testing.assert_allclose(found.model(X.x), theirs.predict(filled), atol=1e-6)
    np.testing.assert_allclose(found.model.of.weights, theirs.coef_, atol=1e-6)
    new = np.array([[np.nan, np.nan], [0.5, 1.0]])
    np.testing.assert_allclose(found.model(new), theirs.predict(filler.transform(new)), atol=1e-6)


def test_events_that_lack_nothing_are_fitted_as_ever():
    X = table().samples(answer="y", features=["a"], impute=True)
    assert X.missing  # as a stream, which has not read all rows yet
    ours = bk.fit(bk.Imputed(bk.Linear()), X, bk.losses.squared, bk.Analytic()).model
    whole = table().samples(answer="y", features=["a"])
    plain = bk.fit(bk.Linear(), whole, bk.losses.squared, bk.Analytic()).model
    np.testing.assert_array_equal(ours(X.x), plain(X.x))


def test_errors_of_the_weights_are_those_of_the_filled_events():
    X = table().samples(answer="y", features=["a", "b"], impute=True)
    found = bk.fit(bk.Imputed(bk.Linear()), X, bk.losses.squared, bk.Analytic())
    _, filled = completed(bk.Imputed(bk.Linear()), X)
    assert filled.names == ("a", "b", "b is missing")
    plain = bk.fit(bk.Linear(), filled, bk.losses.squared, bk.Analytic())
    np.testing.assert_allclose(found.errors(), plain.errors())


def test_models_of_complete_events_say_what_to_do():
    X = table().samples(answer="y", features=["a", "b"], impute=True)
    with pytest.raises(ValueError, match=r"Linear needs complete events.*bk.Imputed\(Linear\(\)\)"):
        bk.fit(bk.Linear(), X, bk.losses.squared, bk.Analytic())
    with pytest.raises(ValueError, match="x must be finite; nan stands at"):
        bk.Samples(X.x, X.y)
    with pytest.raises(ValueError, match="x must be finite; inf stands at"):
        bk.Samples([[np.inf]], [1.0], missing=True)


def test_weight_two_is_the_event_twice_for_medians_and_indicators():
    x = np.column_stack([A, holes()])
    weight = np.random.default_rng(7).integers(0, 4, N).astype(float)
    weight[np.isnan(x[:, 1])] = 0  # so that no event that counts lacks b
    x[0, 0], weight[0] = np.nan, 2
    weighted = bk.Imputed().filling(x, weight)
    twice = bk.Imputed().filling(
        np.repeat(x, weight.astype(int), axis=0), np.ones(int(weight.sum()))
    )
    np.testing.assert_array_equal(weighted.fill, twice.fill)
    assert weighted.flagged.tolist() == twice.flagged.tolist() == [0]
    plain = bk.Imputed().filling(x, np.ones(N))
    np.testing.assert_array_equal(plain.fill, np.nanmedian(x, axis=0))


def test_a_feature_that_is_never_there_is_refused():
    nothing = np.full(N, np.nan)
    with pytest.raises(ValueError, match="feature 'b' must vary; it is missing in every row"):
        table(b=nothing).samples(answer="y", features=["a", "b"], impute=True)
    X = bk.Samples(np.column_stack([A, nothing]), Y, missing=True)
    with pytest.raises(ValueError, match="number 2 is missing in all"):
        bk.fit(bk.Imputed(bk.Linear()), X, bk.losses.squared, bk.Analytic())


def test_a_stream_is_filled_as_samples_are(tmp_path):
    write_parquet(table(), tmp_path / "t.parquet")
    asked = {"features": ["a", "b", "kind"], "answer": "y", "impute": True}
    stream = open_stream(tmp_path / "t.parquet", rows=70, **asked)
    X = load(tmp_path / "t.parquet").samples(**asked)
    assert stream.missing
    assert {*stream.survey.notes, "missing values: b 60."} == set(X.notes)
    np.testing.assert_array_equal(stream.survey.low, np.nanmin(X.x, axis=0))
    fits = [
        bk.fit(bk.Imputed(bk.Linear()), events, bk.losses.squared, bk.Analytic()).model
        for events in (stream, X)
    ]
    np.testing.assert_allclose(fits[0](X.x), fits[1](X.x), rtol=1e-9)


def test_a_stream_without_gaps_is_trained_as_samples_are(tmp_path):
    write_parquet(table(), tmp_path / "t.parquet")
    asked = {"features": ["a"], "answer": "y", "impute": True}
    X = load(tmp_path / "t.parquet").samples(**asked)
    for way, events in {"s": open_stream(tmp_path / "t.parquet", **asked), "x": X}.items():
        (tmp_path / way).mkdir()
        card = saved(events, "train", tmp_path / way).card
        assert (card.kind, card.impute) == ("imputed", True)


def test_parts_on_workers_are_filled_as_samples_are(tmp_path):
    distributed = pytest.importorskip("distributed")
    write_parquet(table(b=holes(value=-999.0)), tmp_path / "t.parquet")
    asked = {"features": ["a", "b"], "answer": "y", "impute": True}
    X = load(tmp_path / "t.parquet", marks=[-999]).samples(**asked)
    with distributed.Client(n_workers=1, processes=False, dashboard_address=None):
        parts = bk.Partitions.open(tmp_path / "t.parquet", marks=[-999], **asked)
        fits = [
            bk.fit(bk.Imputed(bk.Linear()), events, bk.losses.squared, bk.Analytic()).model
            for events in (parts, X)
        ]
    np.testing.assert_allclose(fits[0](X.x), fits[1](X.x), rtol=1e-9)


# Files and commands -------------------------------------------------------------------------------


def test_a_model_file_fills_in_and_tells_strangers(tmp_path):
    X = table().samples(answer="y", features=["a", "b"], impute=True)
    found = bk.fit(bk.Imputed(bk.Linear()), X, bk.losses.squared, bk.Analytic())
    card = card_of(found)
    assert [f.name for f in card.features] == ["a", "b"]
    path = bk.save_model(tmp_path / "m", found)
    stored = bk.load_model(path)
    np.testing.assert_array_equal(stored.model(X.x), found.model(X.x))
    assert isinstance(stored, Stored)
    told, complete, _ = stored.apply(table())
    assert complete.all()
    np.testing.assert_array_equal(told.value, found.model(X.x))


def saved(X, way, folder):
    """The model that `save_model` writes of a fit, or `train` of these samples."""
    if way == "fit":
        fit = bk.fit(bk.Linear(), X, bk.losses.squared, bk.Analytic())
        return bk.load_model(bk.save_model(folder / "m", fit))
    bk.train(X, ["linear-analytic"], test=0.3, out=folder / "run", report=False)
    return bk.load_model(folder / "run" / "models" / "linear-analytic.baksan")


@pytest.mark.parametrize("way", ["fit", "train"])
def test_models_of_samples_know_their_texts(way, tmp_path):
    stored = saved(table().samples(answer="y", features=["a", "kind"]), way, tmp_path)
    assert stored.card.texts == {"kind": ["fd", "hybrid", "sd"]}
    new = Table({"a": np.zeros(3), "kind": ["radio", "sd", ""]})
    _, complete, outside = stored.apply(new)
    assert complete.tolist() == [True, True, False] and outside[:2].tolist() == [True, False]


@pytest.mark.parametrize("way", ["fit", "train"])
@pytest.mark.parametrize("stream", [False, True])
def test_models_of_samples_know_their_marks(way, stream, tmp_path):
    write_parquet(table(b=holes(value=-999.0)), tmp_path / "t.parquet")
    marks, asked = [-999.0, -9], {"features": ["a", "b2=2*b"], "answer": "y", "where": "a > -1"}
    X = (
        open_stream(tmp_path / "t.parquet", marks=marks, rows=70, **asked)
        if stream
        else load(tmp_path / "t.parquet", marks=marks).samples(**asked)
    )
    stored = saved(X, way, tmp_path)
    assert stored.card.marks == [-999, -9]
    _, complete, _ = stored.apply(Table({"a": np.zeros(3), "b": [1.0, -999.0, -9.0]}))
    assert complete.tolist() == [True, False, False]


def test_marks_stay_with_the_events():
    whole = table(b=holes(value=-999.0)).unmarked([-999]).unmarked([-999, -1]).renumbered(3)
    X = whole.take(np.arange(200)).select(["a", "b", "y"]).samples(answer="y")
    assert whole.marks == X.split(0.5)[0].select(["b"]).marks == (-999.0, -1.0)
    assert bk.Samples(X.x, X.y).marks == ()


def test_a_formula_of_ones_own_knows_no_texts(tmp_path):
    write_parquet(table(), tmp_path / "t.parquet")
    loaded = load(tmp_path / "t.parquet")
    stored = saved(loaded.samples(["a", "fd = kind == 'fd'"], answer="y"), "fit", tmp_path)
    assert stored.card.texts == {} and [i.name for i in stored.card.inputs] == ["a", "kind"]
    _, complete, outside = stored.apply(Table({"a": np.zeros(2), "kind": ["radio", ""]}))
    assert complete.all() and not outside.any()


@pytest.mark.parametrize("flagged", [[0, 0], [2], [-1], [0.5], [np.nan], np.zeros(10**6)], ids=str)
def test_a_model_file_flags_each_feature_at_most_once(tmp_path, flagged):
    X = table().samples(answer="y", features=["a", "b"], impute=True)
    found = bk.fit(bk.Imputed(bk.Linear()), X, bk.losses.squared, bk.Analytic())
    forged = replace(found.model, flagged=np.asarray(flagged))
    path = bk.save_model(tmp_path / "m", forged, card_of(found))
    with pytest.raises(ValueError, match=r"flagged must be features 0 … 1, each at most once"):
        bk.load_model(path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on a file with marks, gaps and text."""
    folder = tmp_path_factory.mktemp("missing")
    kind = np.where(np.arange(N) % 25 == 0, "", KIND)
    held = Table({"a": A, "b": Column(holes(value=-999.0), "m"), "kind": kind, "y": Y})
    write_parquet(held, folder / "t.parquet")
    told = ["--answer", "y", "-f", "a,b,kind", "--mark", "-999", "--impute", "--test", "0.3"]
    methods = ["-m", "linear-analytic", "-m", "trees", "-m", "forest"]
    with pytest.raises(SystemExit) as end:
        main(["train", str(folder / "t.parquet"), *told, *methods, "--out", str(folder / "run")])
    assert end.value.code == 0
    return folder


@pytest.mark.parametrize("model", ["linear-analytic.baksan", "trees.skops", "forest.skops"])
def test_apply_treats_marks_units_and_strange_texts_as_training_did(trained, model, capsys):
    same = Table({"a": A, "b": Column(holes(), "m"), "kind": KIND})
    told = Table({
        "a": A, "b": Column(np.where(np.isnan(holes()), -999.0, 100 * holes()), "cm"), "kind": KIND
    })  # fmt: skip
    stored = bk.load_model(trained / "run" / "models" / model)
    plain, complete, outside = stored.apply(same)
    marked, _, _ = stored.apply(told)
    assert complete.all()
    np.testing.assert_allclose(marked.value, plain.value, rtol=1e-12)
    strange = Table({"a": A[:3], "b": B[:3], "kind": ["radio", "sd", ""]})
    write_parquet(strange, trained / "new.parquet")
    assert stored.apply(strange)[2].tolist() == [True, outside[1], False]
    with pytest.raises(SystemExit):
        main([
            "apply", str(trained / "run" / "models" / model), str(trained / "new.parquet"),
            "--out", str(trained / "p.csv"),
        ])  # fmt: skip
    assert "1 have a kind that no training event had, such as 'radio'" in capsys.readouterr().out


def test_the_run_can_be_resumed_and_reported(trained, capsys):
    with pytest.raises(SystemExit) as end:
        main(["report", str(trained / "run")])
    assert end.value.code == 0
    held = (trained / "run" / "config.toml").read_text()
    assert "impute = true" in held and "-999" in held


def test_a_suspicious_value_is_told_when_training(tmp_path, capsys):
    write_parquet(table(b=holes(value=-999.0)), tmp_path / "t.parquet")
    told = ["--answer", "y", "-f", "a,b", "-m", "linear-analytic", "--test", "0.3", "--no-report"]
    for stream in ([], ["--stream"]):
        with pytest.raises(SystemExit):
            main(["train", str(tmp_path / "t.parquet"), *told, *stream, "--out",
                  str(tmp_path / f"run{len(stream)}")])  # fmt: skip
        assert "b: −999 stands apart from all other values" in capsys.readouterr().out


def test_conditions_of_training_are_read_with_its_marks_and_units(tmp_path, capsys):
    marked = holes(value=-999.0)
    write_parquet(Table({"a": A, "b": Column(marked, "m"), "y": Y}), tmp_path / "t.parquet")
    far = Column(np.where(marked == -999, -999, 100 * marked), "cm")
    write_parquet(Table({"a": A, "b": far}), tmp_path / "new.parquet")
    out, model = str(tmp_path / "run"), tmp_path / "run" / "models" / "linear-analytic.baksan"
    told = ["--answer", "y", "--mark", "-999", "--where", "b < 0.5", "--test", "0.3", "--no-report"]
    with pytest.raises(SystemExit):
        main(["train", str(tmp_path / "t.parquet"), "-m", "linear-analytic", *told, "--out", out])
    capsys.readouterr()
    for name, condition in (("t", "b < 0.5"), ("new", "b < 50")):
        asked = [str(model), str(tmp_path / f"{name}.parquet"), "--out", str(tmp_path / "p.csv")]
        with pytest.raises(SystemExit):
            main(["apply", *asked])
        beyond = N - int((holes() < 0.5).sum())
        assert f"{beyond} do not fulfil 'b < 0.5'" in capsys.readouterr().out
        with pytest.raises(SystemExit):
            main(["apply", *asked, "--where", condition])
        said = capsys.readouterr().out
        assert f"{beyond} rows left out" in said and "do not fulfil" not in said


def test_a_number_where_text_was_is_refused(trained):
    stored = bk.load_model(trained / "run" / "models" / "linear-analytic.baksan")
    with pytest.raises(TypeError, match="column 'kind' must hold text, one of fd, hybrid, sd"):
        stored.apply(Table({"a": A, "b": B, "kind": A}))
