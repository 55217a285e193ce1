"""Model files: NAME.baksan holds our models, NAME.skops scikit-learn's; both carry a card.

NAME.baksan is a zip of `model.json` (the card) and `parameters.safetensors` (named arrays).
NAME.skops is a skops archive with `model.json` added. Reading either executes nothing: kinds,
losses and scikit-learn types that are not known here are refused.
"""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from baksan.files import one_line, plain, replacing
from baksan.losses import by_name
from baksan.metrics import Prediction
from baksan.models.array.columns import Columns
from baksan.models.array.network import ArrayNetwork, Chosen
from baksan.models.array.sight import Measures
from baksan.models.base import Model
from baksan.models.cuts import Cuts
from baksan.models.encoding import Encoding
from baksan.models.ensemble import Ensemble
from baksan.models.imputed import Imputed
from baksan.models.linear import Linear
from baksan.models.network import Network
from baksan.models.neural import Neural
from baksan.store.card import Card, card_of
from baksan.store.trees import check_trees
from baksan.table import Table

Array = NDArray[Any]

__all__ = ["KINDS", "TRUSTED", "Kind", "Stored", "load_model", "save_model"]

LARGEST_CARD = 16 * 2**20
LARGEST_ARRAYS = 4 * 2**30

TRUSTED = (
    "baksan.estimators.cuts.CutsClassifier",
    "baksan.estimators.linear.LinearClassifier",
    "baksan.estimators.linear.LinearRegressor",
    "baksan.estimators.network.NetworkClassifier",
    "baksan.estimators.network.NetworkRegressor",
    "baksan.losses.base.L1",
    "baksan.losses.base.L2",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
)
"""Types beyond skops' own list that a NAME.skops may hold: plain numbers and arrays. Ours stand in
pipelines of scikit-learn and look at their arrays themselves.

The arrays of trees steer compiled code; `baksan.store.trees` looks at them first.
"""


@dataclass(frozen=True)
class Kind:
    """How models of one kind are taken apart into (shape, arrays) and put together again."""

    of: type[Model]
    apart: Callable[[Any], tuple[dict[str, Any], dict[str, Array]]]
    build: Callable[[Mapping[str, Any], Mapping[str, Array]], Model]


def _linear_apart(a: Linear) -> tuple[dict[str, Any], dict[str, Array]]:
    shape = {"outputs": a.outputs, "standardise": a.standardise}
    return shape, {"centre": a.centre, "scale": a.scale, "parameters": a.parameters}


def _linear_build(shape: Mapping[str, Any], arrays: Mapping[str, Array]) -> Linear:
    a = Linear(shape["standardise"], shape["outputs"], **arrays)
    a.check()
    return a


def _cuts_apart(a: Cuts) -> tuple[dict[str, Any], dict[str, Array]]:
    return {"names": list(a.names), "units": list(a.units)}, {"parameters": a.parameters}


def _cuts_build(shape: Mapping[str, Any], arrays: Mapping[str, Array]) -> Cuts:
    a = Cuts(tuple(shape["names"]), tuple(shape["units"]), **arrays)
    if a.parameters.ndim != 1:
        raise ValueError("the parameters of cuts must be numbers in one row; they are not.")
    return a


def _network_apart(a: Network) -> tuple[dict[str, Any], dict[str, Array]]:
    built = ("activation", "residual", "normalise", "dropout", "inputs", "precision", "outputs")
    shape = {name: getattr(a, name) for name in built} | {"hidden": list(a.hidden)}
    coded = {name: getattr(a.encoding, name) for name in ("centre", "scale", "knots")}
    return shape, {**coded, "offset": a.offset, "unit": a.unit, "parameters": a.parameters}


def _network_build(shape: Mapping[str, Any], arrays: Mapping[str, Array]) -> Network:
    a = _network_of(shape, arrays)
    a.check()
    return a


def _network_of(shape: Mapping[str, Any], arrays: Mapping[str, Array]) -> Network:
    coded, own = ("centre", "scale", "knots"), ("offset", "unit", "parameters")
    if set(arrays) != {*coded, *own}:
        needed = ", ".join(coded + own)
        raise ValueError(f"a network needs {needed}; there are {', '.join(arrays)}.")
    encoding = Encoding(**{name: arrays[name] for name in coded})
    rest: dict[str, Any] = {name: arrays[name] for name in own}
    return Network(**{**shape, "hidden": tuple(shape["hidden"])}, encoding=encoding, **rest)


def _array_apart(a: ArrayNetwork) -> tuple[dict[str, Any], dict[str, Array]]:
    built = ("kind", "width", "depth", "heads", "answer", "activation", "precision", "mirrored")
    own = ("places", "centre", "scale", "offset", "unit", "parameters")
    shape = {name: getattr(a, name) for name in (*built, "outputs")}
    shape |= {"features": a.features, "columns": a.columns.lists, "measures": list(a.measures)}
    return shape, {name: getattr(a, name) for name in own}


def _array_build(shape: Mapping[str, Any], arrays: Mapping[str, Array]) -> ArrayNetwork:
    a = _array_of(shape, arrays)
    a.check()
    return a


def _array_of(shape: Mapping[str, Any], arrays: Mapping[str, Array]) -> ArrayNetwork:
    columns = Columns.of_lists(shape["columns"])
    told = ("columns", "features", "measures")
    rest: dict[str, Any] = {k: v for k, v in shape.items() if k not in told} | dict(arrays)
    encoding = Chosen(shape["features"], columns.order)
    return ArrayNetwork(columns, **rest, measures=Measures(*shape["measures"]), encoding=encoding)


_MEMBERS: dict[str, tuple[type[Neural], Any, Any]] = {
    "network": (Network, _network_apart, _network_of),
    "arraynetwork": (ArrayNetwork, _array_apart, _array_of),
}
"""Networks that an ensemble may be of: their class, how they are taken apart, how built."""


def _ensemble_apart(a: Ensemble) -> tuple[dict[str, Any], dict[str, Array]]:
    of = next(name for name, (kind, *_) in _MEMBERS.items() if type(a.of) is kind)
    shape, arrays = _MEMBERS[of][1](a.of)
    told = {"members": a.members, "shape": shape} | ({} if of == "network" else {"of": of})
    return told, {**arrays, "parameters": a.parameters}


def _ensemble_build(shape: Mapping[str, Any], arrays: Mapping[str, Array]) -> Ensemble:
    if (of := shape.get("of", "network")) not in _MEMBERS:
        raise ValueError(f"an ensemble is of {' or '.join(_MEMBERS)}; this one is of {of!r}.")
    member: Neural = _MEMBERS[of][2](shape["shape"], arrays)
    parameters = arrays["parameters"]
    a = Ensemble(member.moved(parameters[:0]), shape["members"], parameters)
    a.check()
    return a


def _imputed_apart(a: Imputed) -> tuple[dict[str, Any], dict[str, Array]]:
    kind = next(name for name, known in KINDS.items() if type(a.of) is known.of)
    shape, arrays = KINDS[kind].apart(a.of)
    inner = {f"of.{name}": values for name, values in arrays.items()}
    return {"of": kind, "shape": shape}, {"fill": a.fill, "flagged": a.flagged, **inner}


def _imputed_build(shape: Mapping[str, Any], arrays: Mapping[str, Array]) -> Imputed:
    if shape["of"] not in KINDS or shape["of"] == "imputed":
        raise ValueError(f"a model of complete events is needed inside; it is {shape['of']!r}.")
    inner = {k.removeprefix("of."): v for k, v in arrays.items() if k.startswith("of.")}
    if len(inner) + 2 != len(arrays):
        raise ValueError(f"fill, flagged and the inner model are needed; there are {list(arrays)}.")
    fill, flagged = arrays["fill"], arrays["flagged"]
    if fill.ndim != 1 or not np.isfinite(fill).all() or flagged.ndim != 1:
        raise ValueError("fill must be finite numbers in one row, flagged one row; they are not.")
    # Counted first: a small file may unpack to a row as long as it likes.
    once = len(flagged) <= len(fill) and len(np.unique(flagged)) == len(flagged)
    if not once or not np.isin(flagged, np.arange(len(fill))).all():
        raise ValueError(
            f"flagged must be features 0 … {len(fill) - 1}, each at most once; it is not."
        )
    of = KINDS[shape["of"]].build(shape["shape"], inner)
    return Imputed(of, fill, flagged.astype(np.int64))


KINDS: dict[str, Kind] = {
    "linear": Kind(Linear, _linear_apart, _linear_build),
    "cuts": Kind(Cuts, _cuts_apart, _cuts_build),
    "network": Kind(Network, _network_apart, _network_build),
    "arraynetwork": Kind(ArrayNetwork, _array_apart, _array_build),
    "ensemble": Kind(Ensemble, _ensemble_apart, _ensemble_build),
    "imputed": Kind(Imputed, _imputed_apart, _imputed_build),
}
"""The kinds of model that files may hold; wings add theirs."""


@dataclass(frozen=True, eq=False)
class Stored:
    """A model with its card, ready for new events."""

    card: Card
    model: Any
    """A Model, or a scikit-learn estimator."""

    def __repr__(self) -> str:
        return f"Stored({self.card.title}: {self.card.kind}, {len(self.card.features)} features)"

    def predict(self, x: Array) -> Prediction:
        """Predictions for (n, d) features in the card's order and units."""
        if self.card.kind == "sklearn":
            return self._estimated(x)
        assert self.card.loss is not None
        loss = by_name(self.card.loss.name, self.card.loss.setting)
        return Prediction(**loss.read(*self.model.told(x)))

    def _estimated(self, x: Array) -> Prediction:
        try:
            return estimator_prediction(self.model, x, self.card.task)
        except MemoryError:
            raise
        except Exception as error:  # scikit-learn raises whatever its parts come upon
            why = str(error).partition("\n")[0].rstrip(".")
            raise ValueError(
                f"the model {self.card.title!r} cannot predict these events: {why}. Check their"
                " values, or take another copy of the model."
            ) from None

    def apply(
        self, table: Table, seen: Callable[[Array], object] | None = None
    ) -> tuple[Prediction, Array, Array]:
        """Predictions of the complete rows of a table; which rows these are; which are outside.

        `seen` is shown the features of the complete rows.
        """
        x, complete, outside = self.card.features_of(table)
        if seen is not None:
            seen(x[complete])
        if complete.any():
            return self.predict(x[complete]), complete, outside
        # scikit-learn refuses to predict no events; none of one has the same columns.
        return self.predict(np.zeros((1, x.shape[1]))).take([False]), complete, outside


def estimator_prediction(estimator: Any, x: Array, task: str) -> Prediction:
    """What a scikit-learn estimator says: values, or probabilities, which are the scores too.

    A classifier without `predict_proba` gives its decision function as the score.
    """
    if task == "regression":
        return Prediction(value=estimator.predict(x))
    if not hasattr(estimator, "predict_proba"):
        if not hasattr(estimator, "decision_function"):
            raise ValueError(
                f"a classifier must give probabilities or scores; {type(estimator).__name__} gives"
                " labels only. Choose other settings or another one."
            )
        return Prediction(score=estimator.decision_function(x))
    probability = np.asarray(estimator.predict_proba(x), dtype=np.float64)
    if probability.shape[1] == 2:
        return Prediction(score=probability[:, 1], probability=probability, threshold=0.5)
    return Prediction(score=probability, probability=probability)


def save_model(path: Path | str, model: Any, card: Card | None = None) -> Path:
    """Write a model beside its card: NAME.baksan for ours, NAME.skops for scikit-learn's.

    `save_model(path, found)` writes what `fit` found, with a card made of it. Raises TypeError for
    a model of no known kind or without a card.
    """
    if card is None:
        model, card = getattr(model, "model", None), card_of(model)
    if card.kind == "sklearn":
        return _save_skops(_named(Path(path), ".skops"), model, card)
    if card.kind not in KINDS or not isinstance(model, KINDS[card.kind].of):
        raise TypeError(
            f"model files hold {', '.join(KINDS)} or scikit-learn models; this is"
            f" {type(model).__name__} under the kind {card.kind!r}. Register its kind in KINDS."
        )
    from safetensors.numpy import save

    shape, arrays = KINDS[card.kind].apart(model)
    card = card.model_copy(update={"shape": shape})
    path = _named(Path(path), ".baksan")
    with replacing(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        held = {k: np.ascontiguousarray(v, dtype=np.float64) for k, v in arrays.items()}
        _add(archive, "model.json", _text(card))
        _add(archive, "parameters.safetensors", save(held))
    return path


def _add(archive: zipfile.ZipFile, name: str, content: str | bytes) -> None:
    """A member without a date: clocks may show years that a zip cannot hold."""
    archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def _named(path: Path, ending: str) -> Path:
    """The path with this ending; another may belong to the name, as in svm-0.5."""
    return path if path.suffix == ending else path.with_name(path.name + ending)


def _save_skops(path: Path, estimator: Any, card: Card) -> Path:
    import skops.io

    if not 1980 <= (year := time.localtime().tm_year) < 2108:
        raise OSError(
            f"writing {path} needs a clock of the years 1980 to 2107, which its zip can hold; it"
            f" shows {year}. Set the clock and run it again (a training goes on with --resume)."
        )
    with replacing(path) as beside:
        skops.io.dump(estimator, beside, compression=zipfile.ZIP_DEFLATED)
        unknown = set(skops.io.get_untrusted_types(file=beside)) - set(TRUSTED)
        if unknown:
            raise TypeError(
                f"{type(estimator).__name__} holds types that a reader would not trust:"
                f" {', '.join(sorted(unknown))}. It was not written."
            )
        with zipfile.ZipFile(beside, "a", zipfile.ZIP_DEFLATED) as archive:
            _add(archive, "model.json", _text(card))
    return path


def _text(card: Card) -> str:
    return json.dumps(plain(card.model_dump()), indent=1, allow_nan=False, ensure_ascii=False)


def load_model(path: Path | str) -> Stored:
    """Read NAME.baksan or NAME.skops; nothing in the file is executed.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        Not such a zip, cut short, a newer version, an unknown kind, loss or scikit-learn type.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no model file {path}; look into the run's folder models/.")
    if path.is_dir():
        there = sorted(p for p in path.rglob("*") if p.suffix in (".baksan", ".skops"))
        raise ValueError(
            f"a model file is needed; {path} is a folder with"
            f" {', '.join(str(p) for p in there) or 'no model in it'}. Name one."
        )
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # damage shows itself in any of a zip's numbers and names
        raise ValueError(
            f"{path} must be a model file as baksan writes it (a zip); {error}."
            " Take a whole copy of it."
        ) from None
    try:
        with archive:
            return _loaded(archive, path)
    except ValueError as error:  # names in a forged file hold anything
        raise ValueError(one_line(str(error))) from error


def _loaded(archive: zipfile.ZipFile, path: Path) -> Stored:
    _check_members(archive, path)
    card = _card(archive, path)
    model = _estimator(card, path) if card.kind == "sklearn" else _ours(archive, card, path)
    stored = Stored(card, model)
    _check_agreement(stored, path)
    return stored


def _check_members(archive: zipfile.ZipFile, path: Path) -> None:
    names = archive.namelist()
    if len(set(names)) < len(names) or any("/" in name or "\\" in name for name in names):
        raise ValueError(
            f"{path} must hold plain files, each once; it holds {', '.join(sorted(names))[:200]}."
            " It is no model of baksan's."
        )
    if (size := sum(member.file_size for member in archive.infolist())) > LARGEST_ARRAYS:
        raise ValueError(f"{path}: it holds {size:,} bytes; at most {LARGEST_ARRAYS:,} are read.")


def _check_agreement(stored: Stored, path: Path) -> None:
    """Raises ValueError unless the model takes the card's features and gives the card's classes."""
    card = stored.card
    # In the middle of the range: networks for arrays refuse events without any signal.
    middle = np.array([[0.5 * (f.low or 0.0) + 0.5 * (f.high or 0.0) for f in card.features]])
    try:
        card.check()
        with np.errstate(all="ignore"):
            told = stored.predict(middle)
    except Exception as error:  # a scikit-learn model raises whatever its parts come upon
        why = str(error).partition("\n")[0].rstrip(".")
        raise ValueError(f"{path}: the model does not fit its card: {why}.") from None
    classes = 0 if told.score is None else 2 if told.score.ndim == 1 else told.score.shape[1]
    if classes != len(card.class_names):
        raise ValueError(
            f"{path}: the model does not fit its card: it tells {classes} classes apart, the card"
            f" has {len(card.class_names)}."
        )


def _member(archive: zipfile.ZipFile, name: str, largest: int, path: Path) -> bytes:
    if archive.namelist().count(name) != 1:
        raise ValueError(f"{path} must hold one {name}; it does not. It is no model of baksan's.")
    if (size := archive.getinfo(name).file_size) > largest:
        raise ValueError(f"{path}: {name} takes {size:,} bytes; at most {largest:,} are read.")
    try:
        return archive.read(name)
    except Exception as error:  # zlib.error and its kin share no base class
        raise ValueError(f"{path}: {name} is damaged: {error}. Take another copy.") from None


def _card(archive: zipfile.ZipFile, path: Path) -> Card:
    content = _member(archive, "model.json", LARGEST_CARD, path)
    try:
        version = json.loads(content)["version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{path}: model.json must be a JSON object with a version; it is not: {error}."
        ) from None
    if version != 1:
        raise ValueError(
            f"{path} has version {str(version)[:40]}; this baksan reads version 1. Take the"
            " baksan that wrote it, or train again."
        )
    try:
        return Card.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{path}: model.json: {where}: {first['msg']}.") from None


def _ours(archive: zipfile.ZipFile, card: Card, path: Path) -> Model:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if card.kind not in KINDS:
        raise ValueError(
            f"{path} holds a model of the kind {card.kind!r}; known are {', '.join(KINDS)}."
        )
    if card.loss is None:
        raise ValueError(f"{path}: the card must name the loss; it does not.")
    try:
        by_name(card.loss.name, card.loss.setting)
        arrays = load(_member(archive, "parameters.safetensors", LARGEST_ARRAYS, path))
        return KINDS[card.kind].build(card.shape, arrays)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        why = str(error).partition("\n")[0].rstrip(".")
        raise ValueError(f"{path}: the model cannot be built: {why}.") from None


def _estimator(card: Card, path: Path) -> Any:
    import skops.io
    from sklearn.base import BaseEstimator, is_classifier, is_regressor

    of_task = is_classifier if card.task == "classification" else is_regressor
    try:
        unknown = set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED)
        model = None if unknown else skops.io.load(path, trusted=list(TRUSTED))
        check_trees(model)
        fits = isinstance(model, BaseEstimator) and of_task(model)
    except Exception as error:  # skops raises whatever its schema walk meets in a damaged file
        raise ValueError(f"{path} is not a skops file that can be read: {error}.") from None
    if unknown:
        raise ValueError(
            f"{path} holds types that are not trusted: {', '.join(sorted(unknown))}."
            " It was not loaded."
        )
    if not fits:
        raise ValueError(f"{path}: {card.task} is needed; the file holds {type(model).__name__}.")
    return model
