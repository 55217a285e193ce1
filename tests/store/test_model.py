"""Model files: they come back bit for bit; damage and forgery give a sentence and no model."""

import io
import json
import re
import struct
import zipfile

import numpy as np
import pytest
import skops.io
from safetensors.numpy import load, save
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.svm import SVC
from tests.runs import events, table_of

import baksan as bk
from baksan import losses
from baksan.models.base import Model
from baksan.store.card import AnswerCard, Card, InputCard, LossCard, feature_cards
from baksan.store.model import KINDS, load_model, save_model

BOOST = HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=5)
FOREST = RandomForestClassifier(n_estimators=2, max_leaf_nodes=5, random_state=0)


def card_of(X, kind, loss=None, **more):
    return Card(**{
        "kind": kind, "title": "test", "task": X.task, "class_names": list(X.class_names),
        "inputs": [InputCard(name=f.name) for f in X.features], "features": feature_cards(X, {}),
        "answer": AnswerCard(name="kind"), "loss": loss,
        "metrics": {"auc": {"value": 0.9, "low": float("nan")}}, **more,
    })  # fmt: skip


def ours(X, loss=losses.logistic, solver=None):
    solver = solver or bk.GradientDescent(steps=30)
    return bk.fit(bk.Linear(), X, loss, solver).model


def network(X, kind):
    a = bk.Network((4,), inputs="quantile", normalise="batch")
    a = a if kind == "network" else bk.Ensemble(a, 2)
    return bk.fit(a, X, losses.logistic, bk.Adam(epochs=2)).model


def saved(folder, name):
    """One file of each kind."""
    X = events(60)
    if name == "linear.baksan":
        card = card_of(X, "linear", LossCard(name="logistic"))
        return save_model(folder / "linear", ours(X), card)
    if name == "cuts.baksan":
        found = bk.fit(bk.Cuts(), X, losses.zero_one, bk.CutSearch()).model
        return save_model(folder / "cuts", found, card_of(X, "cuts", LossCard(name="zero_one")))
    if name in ("network.baksan", "ensemble.baksan"):
        kind, loss = name.partition(".")[0], LossCard(name="logistic")
        return save_model(folder / kind, network(X, kind), card_of(X, kind, loss))
    estimator = (BOOST if name == "trees.skops" else FOREST).fit(X.x, X.answers)
    return save_model(folder / name.partition(".")[0], estimator, card_of(X, "sklearn"))


FILES = [
    "linear.baksan", "cuts.baksan", "network.baksan", "ensemble.baksan", "trees.skops",
    "forest.skops",
]  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {name: saved(folder, name).read_bytes() for name in FILES}


@pytest.fixture
def check(tmp_path):
    """check(bytes): loading gives a model, or one sentence; None or the sentence comes back."""

    def check(content, ending=".baksan"):
        path = tmp_path / f"some{ending}"
        path.write_bytes(content)
        try:
            stored = load_model(path)
        except ValueError as error:
            said = str(error)
            assert type(error) is ValueError and len(said.splitlines()) == 1
            assert said.startswith(str(path)) and said.endswith(".") and len(said) < 1000, said
            return said.removeprefix(str(path))
        x = np.random.default_rng(0).normal(size=(20, len(stored.card.features)))
        return stored.predict(x).score

    return check


def members(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items() if isinstance(parts, dict) else parts:
            archive.writestr(name, content)
    return out.getvalue()


def with_card(content, **changes):
    parts = members(content)
    card = json.loads(parts["model.json"])
    for path, value in changes.items():
        *way, last = path.split("__")
        inner = card
        for step in way:
            inner = inner[int(step) if step.isdigit() else step]
        inner[last] = value
    return packed(parts | {"model.json": json.dumps(card)})


def with_arrays(content, **changes):
    parts = members(content)
    arrays = load(parts["parameters.safetensors"]) | changes
    arrays = {k: np.ascontiguousarray(v) for k, v in arrays.items() if v is not None}
    return packed(parts | {"parameters.safetensors": save(arrays)})


# Whole files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_linear_models_come_back_bit_for_bit(tmp_path, classes, weighted):
    X = events(50, classes, weight=np.linspace(0.5, 2, 50) if weighted else None)
    loss = (losses.huber(0.7), None, losses.logistic, losses.softmax)[classes]
    model = ours(X, loss)
    card = card_of(X, "linear", LossCard(name=loss.name, setting=loss.setting))
    back = load_model(save_model(tmp_path / "a-0.5", model, card))
    assert (tmp_path / "a-0.5.baksan").exists()
    for name in ("parameters", "centre", "scale"):
        assert np.array_equal(getattr(back.model, name), getattr(model, name))
    found = bk.Prediction(**loss.read(model(X.x)))
    for part in ("value", "score", "probability"):
        assert np.array_equal(getattr(back.predict(X.x), part), getattr(found, part))


@pytest.mark.parametrize("name", FILES)
def test_a_file_predicts_as_the_model_it_was_made_of(files, check, name):
    X = events(60)
    x = np.random.default_rng(0).normal(size=(20, 3))
    expected = {
        "linear.baksan": lambda: ours(X)(x),
        "cuts.baksan": lambda: bk.fit(bk.Cuts(), X, losses.zero_one, bk.CutSearch()).model(x),
        "network.baksan": lambda: network(X, "network")(x),
        "ensemble.baksan": lambda: network(X, "ensemble")(x),
        "trees.skops": lambda: BOOST.predict_proba(x)[:, 1],
        "forest.skops": lambda: FOREST.predict_proba(x)[:, 1],
    }[name]()
    assert np.array_equal(check(files[name], name[-6:]), expected)


def test_the_card_is_strict_json(files):
    for content in files.values():
        card = json.loads(members(content)["model.json"], parse_constant=pytest.fail)
        assert card["version"] == 1 and card["metrics"]["auc"]["low"] is None


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(), SVC(), make_pipeline(PolynomialFeatures(2), FOREST),
        GradientBoostingRegressor(n_estimators=2),
    ],
    ids=lambda e: type(e).__name__,
)  # fmt: skip
def test_estimators_of_many_kinds_come_back(tmp_path, estimator):
    X = events(60, 0 if isinstance(estimator, GradientBoostingRegressor) else 2)
    estimator.fit(X.x, X.answers)
    back = load_model(save_model(tmp_path / "theirs", estimator, card_of(X, "sklearn")))
    assert np.array_equal(back.model.predict(X.x), estimator.predict(X.x))


def test_only_known_kinds_are_written(tmp_path):
    X = events(30)
    with pytest.raises(
        TypeError,
        match="hold linear, cuts, network, arraynetwork, ensemble, imputed or scikit-learn models",
    ):
        save_model(tmp_path / "m", object(), card_of(X, "linear"))
    with pytest.raises(TypeError, match="this is Linear under the kind 'cuts'"):
        save_model(tmp_path / "m", ours(X), card_of(X, "cuts"))

    class Mine(LogisticRegression):
        pass

    mine = Mine().fit(X.x, X.answers)
    with pytest.raises(TypeError, match="Mine holds types that a reader would not trust: .*Mine"):
        save_model(tmp_path / "m", mine, card_of(X, "sklearn"))
    assert list(tmp_path.iterdir()) == []


def test_a_wing_adds_its_kind(tmp_path, monkeypatch):
    X, base = events(30), KINDS["linear"]
    monkeypatch.setitem(KINDS, "line", base)
    card = card_of(X, "line", LossCard(name="logistic"))
    assert load_model(save_model(tmp_path / "m", ours(X), card)).card.kind == "line"
    assert issubclass(base.of, Model)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no model file .*models/"):
        load_model(tmp_path / "m.baksan")


# Damage -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_is_refused(files, check, name):
    content = files[name]
    for size in np.linspace(0, len(content) - 1, 40).astype(int):
        assert "must be a model file as baksan writes it" in check(content[:size], name[-6:]), size


@pytest.mark.parametrize("name", FILES)
def test_flipped_bytes_change_nothing_or_are_refused(files, check, name):
    random = np.random.default_rng(len(name))
    content = files[name]
    whole, refused = check(content, name[-6:]), 0
    for k in range(60):
        # Half of the flips hit the directory at the end, where the numbers are.
        place = int(random.integers(0 if k % 2 else len(content) - 200, len(content)))
        flipped = bytearray(content)
        flipped[place] ^= 1 << int(random.integers(8))
        found = check(bytes(flipped), name[-6:])
        refused += isinstance(found, str)
        assert isinstance(found, str) or np.array_equal(found, whole), place
    assert refused > 20


def test_what_is_no_model_at_all(check):
    for content in (b"", b"PK", b"hello", bytes(1000), b"PK\x05\x06" + bytes(18)):
        assert "model" in check(content)


# Forged cards -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"version": 2}, "has version 2; this baksan reads version 1"),
        ({"version": None}, "has version None"),
        ({"version": 10**3000}, "has version "),
        ({"format": "other"}, "format"),
        ({"kind": "forest"}, "a model of the kind 'forest'; known are linear, cuts"),
        ({"kind": "../x"}, "kind '../x'"),
        ({"stranger": 1}, "stranger: Extra inputs are not permitted"),
        ({"features__0__stranger": 1}, "features.0.stranger: Extra inputs"),
        ({"features": []}, "features: List should have at least 1 item"),
        ({"features__0__low": "low"}, "features.0.low"),
        ({"inputs": []}, "'width' needs 'width', which is no input"),
        ({"loss": None}, "the card must name the loss"),
        ({"loss__name": "mystery"}, "cannot be built: .*mystery"),
        ({"loss__name": "squared"}, "tells 0 classes apart, the card has 2"),
        ({"loss__setting": 1.0}, "cannot be built"),
        ({"class_names": ["a", "b", "c"]}, "tells 2 classes apart, the card has 3"),
        ({"class_names": []}, "classification does not go with"),
        ({"task": "regression"}, "regression does not go with"),
        ({"task": "regression", "class_names": []}, "tells 2 classes apart, the card has 0"),
        ({"shape": {}}, "cannot be built"),
        ({"shape": {"outputs": 1}}, "cannot be built"),
        ({"shape__outputs": 0}, "needs 0 parameters"),
        ({"shape__outputs": -1}, "cannot be built"),
        ({"shape__outputs": 2.5}, "outputs a number"),
        ({"shape__outputs": True}, "outputs a number"),
        ({"shape__standardise": "no"}, "standardise must be true or false"),
        ({"shape__outputs": 10**30}, "cannot be built"),
    ],
    ids=str,
)
def test_forged_cards_are_refused(files, check, changes, sentence):
    assert re.search(sentence, check(with_card(files["linear.baksan"], **changes)))


def test_a_forged_formula_is_never_run(files, tmp_path):
    forged = with_card(files["linear.baksan"], features__0__formula="__import__('os').getpid()")
    (tmp_path / "m.baksan").write_bytes(forged)
    stored = load_model(tmp_path / "m.baksan")
    with pytest.raises(ValueError, match="stands at character 1 of"):
        stored.apply(table_of(events(5)))


def test_fewer_features_on_the_card_than_in_the_model(files, check):
    for name in ("linear.baksan", "cuts.baksan", "trees.skops", "forest.skops"):
        card = json.loads(members(files[name])["model.json"])
        forged = with_card(files[name], features=card["features"][:2])
        assert "does not fit its card" in check(forged, name[-6:])


def test_cards_that_are_no_objects(files, check):
    parts = members(files["linear.baksan"])
    for text in (b"", b"[]", b"3", b"null", b"{}", b'"x"', b"\xff", b"[" * 10**5, b'{"version": 1'):
        assert "model.json" in check(packed(parts | {"model.json": text}))
    assert "must hold one model.json" in check(packed({"x": b""}))
    assert "must hold one parameters.safetensors" in check(
        packed({"model.json": parts["model.json"]})
    )


def test_random_changes_of_a_card_are_refused_or_harmless(files, check):
    random = np.random.default_rng(5)
    junk = [None, -1, 1e308, "x", [], {}, [[]], True, "a" * 50, ["x"] * 3, {"a": 1}]
    for name in ("linear.baksan", "cuts.baksan"):
        whole = check(files[name])
        keys = list(json.loads(members(files[name])["model.json"]))
        keys += ["features__0__low", "features__1__name", "inputs__2__unit", "loss__name"]
        keys += ["shape__outputs", "shape__names", "shape__units", "answer__name"]
        for _ in range(80):
            key, value = keys[random.integers(len(keys))], junk[random.integers(len(junk))]
            found = check(with_card(files[name], **{key: value}))
            assert isinstance(found, str) or np.array_equal(found, whole), (key, value)


# Forged arrays ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"parameters": np.full(4, np.nan)},
        {"parameters": np.array([0, 0, np.inf, 0])},
        {"parameters": np.zeros(3)},
        {"parameters": np.zeros(8)},
        {"parameters": np.zeros((2, 2))},
        {"parameters": np.array(1.0)},
        {"parameters": None},
        {"centre": np.zeros(2)},
        {"centre": np.zeros(2), "scale": np.ones(2), "parameters": np.zeros(3)},
        {"scale": np.zeros(3)},
        {"scale": -np.ones(3)},
        {"scale": np.full(3, 1e-320)},
        {"stranger": np.zeros(1)},
    ],
    ids=str,
)
def test_forged_arrays_of_a_linear_model_are_refused(files, check, changes):
    said = check(with_arrays(files["linear.baksan"], **changes))
    assert "cannot be built" in said or "does not fit its card" in said


@pytest.mark.parametrize(
    "changes",
    [
        {"parameters": np.zeros(3)},
        {"parameters": np.full(7, np.nan)},
        {"parameters": np.zeros((7, 1))},
        {"parameters": np.array([0, 1, 0, 1, 0, 1, np.nan])},
        {"parameters": None},
        {"stranger": np.zeros(1)},
    ],
    ids=str,
)
def test_forged_arrays_of_cuts_are_refused(files, check, changes):
    said = check(with_arrays(files["cuts.baksan"], **changes))
    assert "cannot be built" in said or "does not fit its card" in said


@pytest.mark.parametrize("name", ["network.baksan", "ensemble.baksan"])
def test_forged_arrays_of_networks_are_refused(files, check, name):
    arrays = load(members(files[name])["parameters.safetensors"])
    forged = []
    for key, values in arrays.items():
        longer = np.concatenate([values.ravel(), np.zeros(1, values.dtype)])
        forged += [{key: None}, {key: longer}, {key: values.ravel()[:-1]}, {key: values[None]}]
        if values.dtype.kind == "f":
            forged.append({key: np.full_like(values, np.nan)})
    assert len(forged) >= 15
    for changes in [*forged, {"stranger": np.zeros(1)}]:
        said = check(with_arrays(files[name], **changes))
        assert isinstance(said, str), changes
        assert "cannot be built" in said or "does not fit its card" in said


@pytest.mark.parametrize("name", ["network.baksan", "ensemble.baksan"])
def test_forged_settings_of_networks_are_refused(files, check, name):
    card = json.loads(members(files[name])["model.json"])
    place = "shape" if "hidden" in card["shape"] else "shape__shape"
    for changes in (
        {"hidden": [5]}, {"hidden": [4, 4]}, {"hidden": [0]}, {"hidden": [10**9]}, {"hidden": "x"},
        {"activation": "eval"}, {"normalise": None}, {"outputs": 2}, {"precision": "float16"},
    ):  # fmt: skip
        said = check(with_card(files[name], **{f"{place}__{k}": v for k, v in changes.items()}))
        assert isinstance(said, str) and "cannot be built" in said, changes


def test_headers_of_arrays_that_lie(files, check):
    parts = members(files["linear.baksan"])
    body = parts["parameters.safetensors"]
    size = struct.unpack("<Q", body[:8])[0]
    header = json.loads(body[8 : 8 + size])
    lies = [body[:-8], body[:8], struct.pack("<Q", 2**63) + body[8:], b""]
    for shape, offsets in (([10**15], [0, 8 * 10**15]), ([4], [0, 0]), ([-1], [0, 32])):
        forged = header | {"parameters": {"dtype": "F64", "shape": shape, "data_offsets": offsets}}
        text = json.dumps(forged).encode()
        lies.append(struct.pack("<Q", len(text)) + text + body[8 + size :])
    for lie in lies:
        assert "cannot be built" in check(packed(parts | {"parameters.safetensors": lie}))


# Forged zips --------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_must_be_plain_and_single(files, check):
    parts = list(members(files["linear.baksan"]).items())
    for name in ("/etc/passwd", "../../x", "a/b", "c:\\x"):
        assert "must hold plain files, each once" in check(packed([*parts, (name, b"")]))
    assert "must hold plain files, each once" in check(packed([*parts, parts[0]]))


def test_sizes_that_lie_are_not_believed(files, check):
    content = bytearray(files["linear.baksan"])
    # The size unpacked stands 24 bytes into an entry of the directory.
    place = content.rfind(b"PK\x01\x02") + 24
    content[place : place + 4] = struct.pack("<I", 2**32 - 2)
    assert "bytes; at most" in check(bytes(content))


def test_a_small_file_that_unpacks_to_a_large_one(files, check, monkeypatch):
    monkeypatch.setattr("baksan.store.model.LARGEST_ARRAYS", 10**6)
    out = io.BytesIO(files["linear.baksan"])
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(2 * 10**6))
    assert len(out.getvalue()) < 10**4 and "bytes; at most 1,000,000" in check(out.getvalue())


# Forged scikit-learn ------------------------------------------------------------------------------


def forged_skops(files, change):
    parts = members(files["forest.skops"])
    schema = json.loads(parts["schema.json"])
    change(schema)
    return packed(parts | {"schema.json": json.dumps(schema)})


def test_types_that_are_not_trusted_are_named_and_not_loaded(files, check, tmp_path):
    def forge(schema):
        schema |= {"__module__": "subprocess", "__class__": "Popen"}

    said = check(forged_skops(files, forge), ".skops")
    assert "types that are not trusted: subprocess.Popen. It was not loaded" in said


class Bomb:
    """Unpickling it would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_inside_is_not_opened(files, check, tmp_path):
    parts, out = members(files["forest.skops"]), io.BytesIO()
    np.save(out, np.array([Bomb(tmp_path / "boom")], dtype=object), allow_pickle=True)
    forged = {k: out.getvalue() if k.endswith(".npy") else v for k, v in parts.items()}
    assert "is not a skops file that can be read" in check(packed(forged), ".skops")
    assert not (tmp_path / "boom").exists()


def test_schemas_that_are_damaged(files, check):
    random = np.random.default_rng(2)
    whole, parts = check(files["forest.skops"], ".skops"), members(files["forest.skops"])
    text = parts["schema.json"]
    for k in range(40):
        forged = bytearray(text)
        place = int(random.integers(len(text)))
        forged[place : place + 1 + k % 3] = random.bytes(k % 4)
        found = check(packed(parts | {"schema.json": bytes(forged)}), ".skops")
        assert isinstance(found, str) or len(found) == len(whole)
    for text in (b"", b"{}", b"[]", b'{"protocol": 99}'):
        assert isinstance(check(packed(parts | {"schema.json": text}), ".skops"), str)


@pytest.mark.parametrize("thing", [{"a": 1}, [1, 2], np.ones(3), RandomForestClassifier()])
def test_what_is_no_fitted_classifier(files, check, thing):
    parts = members(skops.io.dumps(thing))
    card = members(files["forest.skops"])["model.json"]
    said = check(packed(parts | {"model.json": card}), ".skops")
    assert "classification is needed" in said or "does not fit its card" in said


def test_a_regressor_under_a_classifiers_card(files, check):
    X = events(40, 0)
    regressor = GradientBoostingRegressor(n_estimators=2).fit(X.x, X.answers)
    parts = members(skops.io.dumps(regressor))
    card = members(files["forest.skops"])["model.json"]
    said = check(packed(parts | {"model.json": card}), ".skops")
    assert "classification is needed; the file holds GradientBoostingRegressor" in said


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("left_child", 0, "from its root to its leaves"),
        ("left_child", 10**6, "from its root to its leaves"),
        ("right_child", -7, "from its root to its leaves"),
        ("feature", 3, "a feature beyond the 3"),
        ("feature", -5, "a feature beyond the 3"),
    ],
)
def test_trees_that_step_out_of_their_arrays(files, check, field, value, sentence):
    """Compiled code would follow these indices out of the array, or in circles for ever."""
    X = events(60)
    forest = RandomForestClassifier(n_estimators=1, max_leaf_nodes=5, random_state=0)
    forest.fit(X.x, X.answers)
    tree = forest.estimators_[0].tree_
    state = tree.__getstate__()
    nodes = state["nodes"].copy()
    nodes[field][0] = value
    tree.__setstate__(state | {"nodes": nodes})
    card = members(files["forest.skops"])["model.json"]
    said = check(packed(members(skops.io.dumps(forest)) | {"model.json": card}), ".skops")
    assert sentence in said


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("left", 0, "from its root to its leaves"),
        ("right", 2**32 - 1, "from its root to its leaves"),
        ("feature_idx", 10**9, "a feature beyond the 3"),
        ("is_categorical", 1, "splits by categories"),
    ],
)
def test_boosted_trees_that_step_out_of_their_arrays(files, check, field, value, sentence):
    X = events(60)
    boost = HistGradientBoostingClassifier(max_iter=2, max_leaf_nodes=5).fit(X.x, X.answers)
    boost._predictors[1][0].nodes[field][0] = value
    card = members(files["trees.skops"])["model.json"]
    said = check(packed(members(skops.io.dumps(boost)) | {"model.json": card}), ".skops")
    assert sentence in said


def test_a_member_of_a_forest_that_claims_to_be_wider(files, check):
    X = events(60)
    forest = RandomForestClassifier(n_estimators=1, max_leaf_nodes=5).fit(X.x, X.answers)
    tree = forest.estimators_[0].tree_
    state = tree.__getstate__()
    state["nodes"]["feature"][0] = 7
    tree.__setstate__(state)
    forest.estimators_[0].n_features_in_ = 10
    card = members(files["forest.skops"])["model.json"]
    said = check(packed(members(skops.io.dumps(forest)) | {"model.json": card}), ".skops")
    assert "a feature beyond the 3" in said


def test_a_fit_is_saved_by_itself(tmp_path):
    X = bk.Samples([[1.0, 5.0], [2.0, 3.0], [4.0, 4.0]], [1.0, 2.0, 4.0], features=("a", "b"))
    found = bk.fit(bk.Linear(), X, losses.squared, bk.Analytic())
    stored = load_model(save_model(tmp_path / "line", found))
    np.testing.assert_allclose(stored.predict(X.x).value, found.model(X.x), rtol=0)
    assert [c.name for c in stored.card.inputs] == ["a", "b"]
    with pytest.raises(TypeError, match="give a Fit, or a model and its Card. Linear came alone"):
        save_model(tmp_path / "alone", found.model)
