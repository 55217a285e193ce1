"""Model files that somebody has changed: bits, members of the zip, fields, arrays, types.

A changed file must be refused in one sentence; or it holds a model that predicts as before, or
another one that is as sound: classes and features as its card says, predictions in their range.
"""

import io
import json
import warnings
import zipfile
from functools import lru_cache

import numpy as np
from tests.fuzz.judges import TooLong, no_sentence, where
from tests.fuzz.mutate import damaged
from tests.fuzz.readers import Seed

KINDS: dict[str, list[str]] = {
    "baksan": ["linear.baksan", "cuts.baksan", "imputed.baksan"],
    "skops": ["trees.skops", "forest.skops", "pipeline.skops"],
}

_JUNK = [
    None, True, 0, -1, 2.5, 1e308, float("nan"), 10**30, 2**31, "", "x", "../../etc/passwd",
    "a" * 3000, [], {}, [[]], [None], ["x"] * 3, {"a": 1}, "__import__('os').getpid()",
]  # fmt: skip
_WORDS = [
    "linear", "cuts", "sklearn", "network", "squared", "softmax", "pinball", "os", "system",
    "builtins", "eval", "functools", "partial", "subprocess", "Popen", "numpy", "load", "sklearn",
    "TypeNode", "FunctionNode", "ObjectNode", "MethodNode", "NdArrayNode", "ReduceNode", "JsonNode",
    "PartialNode", "OperatorFuncNode", "CachedNode", "UfuncNode", "RandomStateNode", "joblib",
    "sklearn.ensemble._forest", "RandomForestRegressor", "sklearn.tree._tree", "Tree", "ndarray",
]  # fmt: skip


@lru_cache
def seeds_of(name, folder):
    """Whole files of one of KINDS, each to be changed in ways of its own."""
    from tests.store.test_model import saved

    folder.mkdir(parents=True)
    own = {"pipeline.skops": pipeline, "imputed.baksan": imputed}
    made = [own[n](folder) if n in own else saved(folder, n) for n in KINDS[name]]
    return [Seed(path.name, path.read_bytes(), damage=forged) for path in made]


def known(folder):
    """What the whole models predict."""
    from baksan.store import load_model

    return [predictions(load_model(path)) for path in sorted(folder.iterdir())]


def pipeline(folder):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, QuantileTransformer
    from tests.runs import events
    from tests.store.test_model import card_of

    from baksan.store import save_model

    X = events(60)
    parts = QuantileTransformer(n_quantiles=10), PolynomialFeatures(2), LogisticRegression()
    return save_model(
        folder / "pipeline", make_pipeline(*parts).fit(X.x, X.answers), card_of(X, "sklearn")
    )


def imputed(folder):
    """A model that fills in what is missing, of a column of text and a mark among others."""
    from tests.runs import events
    from tests.store.test_model import card_of

    import baksan as bk
    from baksan.store import save_model
    from baksan.store.card import InputCard, LossCard, feature_cards

    X = events(60)
    x = X.x.copy()
    x[::7, 1] = np.nan
    X = bk.Samples(
        x, X.answers, features=X.features, class_names=X.class_names, answer="kind", missing=True
    )
    found = bk.fit(bk.Imputed(bk.Linear()), X, bk.losses.logistic, bk.GradientDescent(steps=30))
    inputs = [InputCard(name=f.name, unit="mm") for f in X.features]
    inputs[2] = InputCard(name="noise", texts=["high", "low"])
    features = feature_cards(X, {"noise": "noise == 'high'"})
    more = {
        "inputs": inputs,
        "features": features,
        "impute": True,
        "marks": [-999.0],
        "where": "width > -5",
    }
    card = card_of(X, "imputed", LossCard(name="logistic"), **more)
    return save_model(folder / "imputed", found.model, card)


# Changing -----------------------------------------------------------------------------------------


def forged(content, others, random):
    """The file with bits flipped, or with one of its members changed and packed again."""
    if random.random() < 0.25:
        return damaged(content, others, random)
    parts = members(content)
    name = list(parts)[random.integers(len(parts))]
    texts = [n for n in parts if n.endswith(".json")]
    way = random.random()
    if way < 0.6:
        name = texts[random.integers(len(texts))]
        for _ in range(1 + int(random.integers(2))):
            parts[name] = edited(parts[name], random)
    elif way < 0.75 and "parameters.safetensors" in parts:
        parts["parameters.safetensors"] = other_arrays(parts["parameters.safetensors"], random)
    elif way < 0.92:
        parts[name] = damaged(parts[name], [*parts.values()], random)
    else:
        return packed(other_members(list(parts.items()), random))
    return packed(parts.items())


def members(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts):
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # names that come twice
        for name, content in parts:
            archive.writestr(name, content)
    return out.getvalue()


def other_members(parts, random):
    """A member twice, missing, under another name, or one that unpacks to a thousand times more."""
    k = int(random.integers(len(parts)))
    name, content = parts[k]
    other = ["../x", "/etc/passwd", "a/b", "model.json", "schema.json", "x.npy", "."]
    way = random.integers(5)
    if way == 0:
        return [*parts, (name, damaged(content, [content], random))]
    if way == 1:
        return parts[:k] + parts[k + 1 :]
    if way == 2:
        return [*parts[:k], (other[random.integers(len(other))], content), *parts[k + 1 :]]
    if way == 3:
        return [*parts[:k], (name, bytes(4 << 20)), *parts[k + 1 :]]
    return [*parts, (other[random.integers(len(other))], content)]


def edited(text, random):
    """JSON with one value replaced, copied to another place, left out or renamed."""
    try:
        tree = json.loads(text)
    except ValueError:
        return text
    places = list(walk(tree))
    if not places:
        return text
    above, key = places[random.integers(len(places))]
    other, at = places[random.integers(len(places))]
    way = random.integers(6)
    if way == 0:
        above[key] = _WORDS[random.integers(len(_WORDS))]
    elif way == 1:
        above[key] = json.loads(json.dumps(other[at]))
    elif way == 2:
        del above[key]
    elif way == 3 and isinstance(above, dict):
        above[_WORDS[random.integers(len(_WORDS))]] = above.pop(key)
    elif way == 4 and isinstance(above[key], int | float):
        above[key] = above[key] * float(random.choice([-1, 0, 0.5, 1e9, 1e300]))
    else:
        above[key] = _JUNK[random.integers(len(_JUNK))]
    return json.dumps(tree).encode()


def walk(tree):
    """(container, key) of every value within."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(pairs):
        yield tree, key
        if isinstance(value, dict | list):
            yield from walk(value)


def other_arrays(content, random):
    """Named arrays with another name, shape, type or value."""
    from safetensors.numpy import load, save

    arrays = load(content)
    name = list(arrays)[random.integers(len(arrays))]
    values = arrays[name].copy()
    other = arrays[list(arrays)[random.integers(len(arrays))]]
    ways = [
        lambda: arrays.pop(name),
        lambda: arrays.update({name: other}),
        lambda: arrays.update({name: values.astype(random.choice(["f4", "i8", "u1", "?", "f2"]))}),
        lambda: arrays.update({name: np.array(values[0])}),
        lambda: arrays.update({name: np.stack([values, values])}),
        lambda: arrays.update({name: np.tile(values, int(random.integers(5)))}),
        lambda: arrays.update({"other": values}),
        lambda: values.put(random.integers(values.size), random.choice([np.nan, np.inf, 1e300])),
        lambda: values.put(random.integers(values.size), random.choice([0.0, -1.0, 1e-300])),
    ]
    ways[random.integers(len(ways))]()
    return save({k: v if k != name or v is other else values for k, v in arrays.items()})


# Judging ------------------------------------------------------------------------------------------


def judge(path, known):
    """('same' | 'other' | 'sentence' | 'defect', what it is); `known` are predictions of seeds."""
    from baksan.store import load_model

    try:
        stored = load_model(path)
    except ValueError as error:
        why = no_sentence(str(error), path) or (type(error) is not ValueError and repr(error))
        return ("defect", f"{why}: {error}") if why else ("sentence", str(error))
    except (Exception, TooLong) as error:
        return "defect", where(error)
    try:
        told = predictions(stored)
        applied(stored)
    except (
        KeyError,
        TypeError,
        ValueError,
    ) as error:  # refused where it is asked for the first time
        one = len(str(error).splitlines()) == 1
        return ("sentence" if one else "defect"), "loaded, but: " + where(error)
    except (Exception, TooLong) as error:
        return "defect", "loaded, but: " + where(error)
    try:
        same = any(told.shape == k.shape and np.array_equal(told, k) for k in known)
        assert same or sound(stored, told), f"unsound predictions {told[:3]}"
        assert f"{stored!r} {stored.card.model_dump_json()}"
    except (Exception, TooLong) as error:
        return "defect", "loaded, but: " + where(error)
    return ("same" if same else "other"), stored.card.title


def predictions(stored):
    """What a model says of some events: of the middle of the range of each feature, and beyond."""
    random = np.random.default_rng(0)
    x = random.normal(size=(30, len(stored.card.features)))
    told = stored.predict(x)
    return told.value if told.score is None else told.score


def applied(stored):
    """The model is applied to a table with all columns that its card asks for."""
    from baksan.apply import predicted
    from baksan.table import Column, Table

    random = np.random.default_rng(1)
    held = {
        need.name: Column(random.normal(size=30), need.unit)
        if need.texts is None
        else Column(np.array(["low", "high", "new"])[np.arange(30) % 3])
        for need in stored.card.inputs
    }
    assert len(predicted(stored, Table(held, "events"))) == 30


def sound(stored, told):
    classes = len(stored.card.class_names)
    shape = (30,) if classes in (0, 2) else (30, classes)
    return told.shape == shape and told.dtype.kind in "fiu"
