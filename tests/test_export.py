"""ONNX files answer as their models do: in onnxruntime, in ONNX's own evaluator, on any events."""

import hashlib
import json
import subprocess
import sys
import zipfile

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import HistGradientBoostingClassifier
from tests.runs import events, table_of

import baksan as bk
from baksan.apply import apply
from baksan.cli import main
from baksan.export import Exported, export, graph, reading
from baksan.losses import LOSSES, by_name
from baksan.models.activations import ACTIVATIONS
from baksan.store import load_model, save_model
from baksan.store.card import AnswerCard, Card, FeatureCard, InputCard, LossCard
from baksan.store.model import Stored
from baksan.train.lineup import Theirs
from baksan.train.source import from_table

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(203, 4)) * [1e-3, 1, 10, 1e4] + [0, 1, -100, 0]
X[:40, 3] = 0.0  # knots that coincide
GAPS = np.where(RNG.random(X.shape) < 0.3, np.nan, X)
GAPS[:, 1] = X[:, 1]
NAMES = ("width", "length", "alpha", "size")
OFF = {"float32": 2e-6, "float64": 1e-13}
LEVELS = (0.16, 0.3, 0.84)


def made(a, outputs=1, x=X):
    """The model with numbers that are all different."""
    rng, a = np.random.default_rng(1), a.prepared(x, np.ones(len(x)), outputs).drawn(2)
    running = getattr(a, "running", None)
    a = a.at_constant(rng.normal(size=outputs), 1 + rng.random(outputs))
    numbers = a.parameters + 0.3 * rng.normal(size=a.parameters.shape)
    return a.moved(numbers if running is None else np.where(running, abs(numbers) + 0.5, numbers))


def stored(a, loss, classes=(), x=X):
    card = Card(
        kind=type(a).__name__.lower(), title="Toy", task=loss.task, class_names=list(classes),
        inputs=[InputCard(name=n, unit="mm") for n in NAMES],
        features=[
            FeatureCard(name=n, unit="mm", low=np.nanmin(c), high=np.nanmax(c))
            for n, c in zip(NAMES, x.T, strict=True)
        ],
        answer=AnswerCard(name="energy", unit="GeV"),
        loss=LossCard(name=loss.name, setting=loss.setting), impute=isinstance(a, bk.Imputed),
    )  # fmt: skip
    return Stored(card, a)


def run(path, x):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"features": x}), strict=True))


def assert_same(found, model, x, off):
    """What was found is what `Stored.predict` says."""
    told = model.predict(x)
    wanted = {"prediction": told.value, "score": told.score, "probability": told.probability,
              "spread": told.spread, "quantiles": told.quantiles}  # fmt: skip
    wanted = {name: values for name, values in wanted.items() if values is not None}
    if told.task == "classification":
        assert_array_equal(found["label"], told.label)
    assert set(found) == {*wanted, "outside_training_range"} | ({"label"} & set(found))
    assert ("label" in found) == (told.task == "classification")
    for name, values in wanted.items():
        assert_allclose(found[name], values, rtol=off, atol=off * np.abs(values).max(initial=0.0))


def round_trip(tmp_path, model, x=X, off=1e-13):
    done = export(model, tmp_path / "model.onnx")
    found = run(done.path, x)
    assert_same(found, model, x, off)
    assert done.compared > 200 and done.outputs == tuple(found)
    return done, found


# The laws: the file answers as the model ----------------------------------------------------------

TOLD = [
    *((name, None, k) for name in ("squared", "absolute", "huber", "quantile") for k in (1, 3)),
    ("distance", None, 2),
    ("gaussian", None, 2), ("quantile", (0.1, 0.9), 2), ("quantile", LEVELS, 3),
    *((name, None, k) for name, loss in LOSSES.items()
      if loss.task == "classification" for k in (1, 2, 3) if k >= loss.least_outputs),
]  # fmt: skip


def classes(loss, outputs):
    return ("hadron", "gamma", "muon")[: max(2, outputs)] if loss.task == "classification" else ()


@pytest.mark.parametrize(
    ("name", "setting", "outputs"), TOLD, ids=lambda v: str(v).replace(" ", "")
)
def test_a_linear_model_with_every_loss(tmp_path, name, setting, outputs):
    loss = by_name(name, setting)
    model = stored(made(bk.Linear(), outputs), loss, classes(loss, outputs))
    round_trip(tmp_path, model)


def test_every_loss_is_met():
    assert {name for name, _, _ in TOLD} == set(LOSSES) - {"von_mises_fisher"}


def test_directions_are_refused(tmp_path):
    model = stored(made(bk.Linear(), 3), LOSSES["von_mises_fisher"])
    with pytest.raises(TypeError, match="von_mises_fisher tells directions"):
        export(model, tmp_path / "model.onnx")


@pytest.mark.parametrize("precision", OFF)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(tmp_path, activation, precision):
    a = made(bk.Network((6, 6, 5), activation=activation, precision=precision, residual=True))
    round_trip(tmp_path, stored(a, bk.losses.squared), off=OFF[precision])


@pytest.mark.parametrize("precision", OFF)
@pytest.mark.parametrize("inputs", ["standard", "quantile"])
@pytest.mark.parametrize("normalise", [None, "batch", "layer"])
@pytest.mark.parametrize("members", [0, 3])
def test_every_network(tmp_path, members, normalise, inputs, precision):
    a = bk.Network((7, 7), normalise=normalise, inputs=inputs, precision=precision, residual=True)
    a = made(bk.Ensemble(a, members) if members else a, 2)
    round_trip(tmp_path, stored(a, bk.losses.gaussian), off=OFF[precision])


@pytest.mark.parametrize("hidden", [(), (1,), (64, 64)])
def test_any_width(tmp_path, hidden):
    a = made(bk.Network(hidden, activation="silu", dropout=0.3), 3)
    round_trip(tmp_path, stored(a, by_name("softmax"), classes(by_name("softmax"), 3)), off=5e-6)


@pytest.mark.parametrize("events", [1, 2, 3, 4, 100])
def test_quantile_inputs_of_any_number_of_knots(tmp_path, events):
    """Also between the knots, on them and beyond."""
    a = made(bk.Network((4,), inputs="quantile", precision="float64"), x=X[:events])
    knots = a.encoding.knots
    assert len(knots) == events
    x = np.vstack([X, knots, 0.5 * (knots + np.roll(knots, 1, axis=0)), X * 1e3, X * -1e300])
    round_trip(tmp_path, stored(a, bk.losses.squared), x)


@pytest.mark.parametrize(
    ("loss", "outputs"),
    [("squared", 1), ("squared", 2), ("gaussian", 2), ("logistic", 1), ("softmax", 3)],
)
@pytest.mark.parametrize("members", [1, 4])
def test_an_ensemble_tells_its_mean_and_spread(tmp_path, members, loss, outputs):
    loss = by_name(loss)
    a = made(bk.Ensemble(bk.Network((5,), precision="float64"), members), outputs)
    _, found = round_trip(tmp_path, stored(a, loss, classes(loss, outputs)), off=1e-12)
    assert ("spread" in found) == (loss.task == "regression" and found["prediction"].ndim == 1)


def test_an_ensemble_of_quantiles(tmp_path):
    a = made(bk.Ensemble(bk.Network((5,)), 3), 3)
    _, found = round_trip(tmp_path, stored(a, by_name("quantile", LEVELS)), off=2e-6)
    assert (np.diff(found["quantiles"]) >= 0).all()


@pytest.mark.parametrize(
    "of", [bk.Linear(), bk.Network((5,), inputs="quantile"), bk.Ensemble(bk.Network((5,)), 2)],
    ids=["linear", "network", "ensemble"],
)  # fmt: skip
def test_what_is_missing_is_filled_in(tmp_path, of):
    a = made(bk.Imputed(of).filling(GAPS, np.ones(len(X))), x=GAPS)
    assert len(a.flagged) == 3
    model = stored(a, bk.losses.squared, x=GAPS)
    round_trip(tmp_path, model, np.vstack([GAPS, X, np.full((1, 4), np.nan)]), off=2e-6)


def test_missing_values_that_training_never_saw(tmp_path):
    a = made(bk.Imputed(bk.Linear()).filling(X, np.ones(len(X))))
    assert not len(a.flagged)
    round_trip(tmp_path, stored(a, bk.losses.squared), GAPS)


@pytest.mark.parametrize("loss", ["squared", "gaussian", "logistic", "squared_hinge", "softmax"])
def test_what_is_missing_and_not_filled_in_gives_nothing(tmp_path, loss):
    loss = by_name(loss)
    a = made(bk.Network((5, 5)), loss.least_outputs)
    done = export(stored(a, loss, classes(loss, 2)), tmp_path / "model.onnx")
    found = run(done.path, GAPS)
    lost = np.isnan(GAPS).any(axis=1)
    assert lost.any() and not lost.all()
    for name in set(done.outputs) - {"outside_training_range", "label"}:
        assert_array_equal(np.isnan(found[name].reshape(len(X), -1)).all(axis=1), lost)
        assert np.isfinite(found[name][~lost]).all()
    if "label" in found:
        assert_array_equal(found["label"] == -1, lost)


def test_another_evaluator_agrees(tmp_path):
    """ONNX's own, in NumPy: the file says the same to whoever goes by the standard."""
    from onnx.reference import ReferenceEvaluator

    of = bk.Ensemble(bk.Network((5, 5), inputs="quantile", normalise="layer", residual=True), 3)
    a = made(bk.Imputed(of).filling(GAPS, np.ones(len(X))), 2, GAPS)
    for loss in ("gaussian", "softmax", "logistic"):
        model = stored(a, by_name(loss), classes(by_name(loss), 2), GAPS)
        done = export(model, tmp_path / "model.onnx")
        told = ReferenceEvaluator(str(done.path)).run(None, {"features": GAPS})
        assert_same(dict(zip(done.outputs, told, strict=True)), model, GAPS, 2e-6)


@pytest.mark.parametrize("rows", [0, 1, 2, 1000])
@pytest.mark.parametrize("loss", ["gaussian", "softmax", "quantile"])
def test_any_number_of_events(tmp_path, loss, rows):
    loss = by_name(loss, LEVELS if loss == "quantile" else None)
    a = made(bk.Ensemble(bk.Network((5,), inputs="quantile", normalise="layer"), 2), 3)
    if loss.name == "gaussian":
        a = made(bk.Imputed(bk.Linear()).filling(GAPS, np.ones(len(X))), 2, GAPS)
    model = stored(a, loss, classes(loss, 3))
    found = run(export(model, tmp_path / "model.onnx").path, np.resize(X, (rows, 4)))
    assert {len(values) for values in found.values()} == {rows}
    if rows:
        assert_same(found, model, np.resize(X, (rows, 4)), 2e-6)


def test_what_lies_outside_is_marked(tmp_path):
    model = stored(made(bk.Linear()), bk.losses.squared)
    done = export(model, tmp_path / "model.onnx")
    x = np.vstack([X, X.max(axis=0), X.max(axis=0) * [1, 1.01, 1, 1], X.min(axis=0) - 1e-9])
    outside = run(done.path, x)["outside_training_range"]
    assert outside[-2:].all() and not outside[:-2].any()


# The file -----------------------------------------------------------------------------------------


def test_the_same_model_gives_the_same_bytes(tmp_path):
    a = made(bk.Ensemble(bk.Network((5,), inputs="quantile"), 2))
    model = stored(a, bk.losses.squared)
    path = save_model(tmp_path / "model", a, model.card)
    files = {
        export(one, tmp_path / "model.onnx").path.read_bytes()
        for one in (model, model, path, str(path), load_model(path))
    }
    assert len(files) == 1


def test_the_file_says_what_it_is(tmp_path):
    a = made(bk.Linear(), 3)
    model = stored(a, by_name("quantile", LEVELS))
    path = save_model(tmp_path / "model", a, model.card)
    read = onnx.load(export(path, tmp_path / "model.onnx").path)
    onnx.checker.check_model(read, full_check=True)
    assert read.producer_name == "baksan" and read.producer_version == bk.__version__
    assert [(o.domain, o.version) for o in read.opset_import] == [("", 18)]
    told = {p.key: p.value for p in read.metadata_props}
    assert [f["name"] for f in json.loads(told["features"])] == list(NAMES)
    assert {f["unit"] for f in json.loads(told["features"])} == {"mm"}
    assert json.loads(told["answer"])["unit"] == "GeV"
    assert json.loads(told["loss"]) == {"name": "quantile", "setting": list(LEVELS)}
    with zipfile.ZipFile(path) as archive:
        content = archive.read("parameters.safetensors")
    assert told["parameters_sha256"] == hashlib.sha256(content).hexdigest()
    assert "energy [GeV] from width [mm], length [mm]" in read.doc_string
    (given,) = read.graph.input
    dims = [d.dim_param or d.dim_value for d in given.type.tensor_type.shape.dim]
    assert (given.name, dims) == ("features", ["N", 4])
    assert given.doc_string == "width [mm], length [mm], alpha [mm], size [mm]"


def test_what_fit_found_is_exported(tmp_path):
    found = bk.fit(bk.Linear(), bk.Samples(X, X @ [1, 2, 3, 4]), bk.losses.squared, bk.Analytic())
    done = export(found, tmp_path / "line.onnx")
    assert_allclose(run(done.path, X)["prediction"], X @ [1, 2, 3, 4])
    assert "operators of version 18" in str(done) and "answers as the model does" in str(done)


# What is wrong ------------------------------------------------------------------------------------

FAULTS = {
    "gelu": (graph, "_GELU_SLOPE", 1.597),
    "sigmoid": (graph.Graph, "sigmoid", lambda g, x: g("Sigmoid", g("Mul", x, 1.001))),
    "layer": (graph, "_LEAST", 1e-4),
    "spread": (reading, "_MOST", 1.0),
    "outside": (sys.modules["baksan.export"], "ranges", lambda card: (np.zeros(4), np.ones(4))),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_graph_is_not_written(tmp_path, monkeypatch, fault):
    a = made(bk.Network((5,), activation="gelu", normalise="layer"), 2)
    model = stored(a, bk.losses.gaussian)
    export(model, tmp_path / "old.onnx")
    before = (tmp_path / "old.onnx").read_bytes()
    monkeypatch.setattr(*FAULTS[fault])
    for name in ("old.onnx", "new.onnx"):
        with pytest.raises(ValueError, match="must answer as its model does.*Nothing was written"):
            export(model, tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["old.onnx"]
    assert (tmp_path / "old.onnx").read_bytes() == before


def test_a_model_that_is_none(tmp_path):
    with pytest.raises(TypeError, match="a model file needs a card"):
        export(made(bk.Linear()), tmp_path / "line.onnx")


def test_without_onnx(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'baksan\[onnx\]'"):
        export(stored(made(bk.Linear()), bk.losses.squared), tmp_path / "line.onnx")
    assert not list(tmp_path.iterdir())


def test_without_onnxruntime(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    done = export(stored(made(bk.Linear()), bk.losses.squared), tmp_path / "line.onnx")
    assert isinstance(done, Exported) and done.path.exists() and not done.compared
    assert "It was not compared with the model, which needs onnxruntime" in str(done)


# The command --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The folder of models of a training on formulas of columns."""
    folder = tmp_path_factory.mktemp("export") / "run"
    trees = Theirs("trees", HistGradientBoostingClassifier(max_iter=2))
    opened = from_table(
        table_of(events(120)), name="toy", answer="kind", signal="gamma",
        features=["width", "lg=log10(length)"],
    )  # fmt: skip
    bk.train(
        opened.samples, ["linear-gd", "cuts", trees], folds=2, replicas=5, threads=1,
        report=False, source=opened.source, out=folder,
    )  # fmt: skip
    return folder / "models"


def command(*arguments):
    try:
        main([str(a) for a in arguments])
    except SystemExit as end:
        return end.code or 0
    return 0


def test_the_command(models, tmp_path, capsys):
    out = tmp_path / "made" / "line.onnx"
    assert command("export", models / "linear-gd.baksan", "--format", "onnx", "--out", out) == 0
    told = capsys.readouterr().out
    assert "label, score, probability, outside_training_range" in told
    assert told.endswith(f"Model: {out}\n")
    new = events(50, seed=1)
    apply(load_model(models / "linear-gd.baksan"), [table_of(new)], tmp_path / "p.parquet")
    table = pq.read_table(tmp_path / "p.parquet")
    found = run(out, np.column_stack([new.x[:, 0], np.log10(new.x[:, 1])]))
    names = json.loads(
        next(p.value for p in onnx.load(out).metadata_props if p.key == "class_names")
    )
    assert table["prediction"].to_pylist() == [names[k] for k in found["label"]]
    for name in ("score", "outside_training_range"):
        assert_allclose(found[name], table[name].to_numpy(), rtol=1e-13)
    assert_allclose(found["probability"][:, 1], table["probability_gamma"], rtol=1e-13)


def test_the_file_stands_beside_the_model(models):
    assert command("export", models / "linear-gd.baksan") == 0
    assert (models / "linear-gd.onnx").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["trees.skops"], "is scikit-learn's. Predict with `baksan apply`"),
        (["cuts.baksan"], "this is Cuts. Predict with `baksan apply`"),
        (["linear-gd.baksan", "--out", "line.pb"], "an ONNX file's name ends in .onnx"),
        (["linear-gd.baksan", "--format", "pmml"], "models are exported as onnx; 'pmml' came"),
        (["none.baksan"], "no model file"),
    ],
)
def test_what_cannot_be_exported_is_said(
    models, tmp_path, capsys, monkeypatch, arguments, sentence
):
    monkeypatch.chdir(tmp_path)
    before = sorted(p.name for p in models.iterdir())
    assert command("export", models / arguments[0], *arguments[1:]) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1
    assert not list(tmp_path.iterdir()) and sorted(p.name for p in models.iterdir()) == before


def test_nothing_is_said_on_stderr(models, tmp_path):
    """As a user does: a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "baksan", "export", models / "linear-gd.baksan", "--out", "a.onnx"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert [p.name for p in tmp_path.iterdir()] == ["a.onnx"]
