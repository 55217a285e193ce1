"""Model files: NAME.baksan holds our models, NAME.skops scikit-learn's; both carry a card.

NAME.baksan is a zip of `model.json` (the card) and `parameters.safetensors` (named arrays).
NAME.skops is a skops archive with `model.json` added. Reading either executes nothing: kinds,
losses and scikit-learn types that are not known here are refused.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from baksan.losses import by_name
from baksan.metrics import Prediction
from baksan.models.base import Model
from baksan.models.cuts import Cuts
from baksan.models.linear import Linear
from baksan.store.card import Card
from baksan.store.files import replacing
from baksan.table import Table

Array = NDArray[Any]

__all__ = ["KINDS", "TRUSTED", "Kind", "Stored", "load_model", "save_model"]

LARGEST_CARD = 16 * 2**20
LARGEST_ARRAYS = 4 * 2**30

TRUSTED = (
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)
"""scikit-learn types beyond skops' own list that a NAME.skops may hold: plain arrays of trees."""


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
    a = Linear(bool(shape["standardise"]), int(shape["outputs"]), **arrays)
    for name, values in arrays.items():
        if values.ndim != 1 or not np.isfinite(values).all():
            raise ValueError(f"{name} must be finite numbers in one row; they are not.")
    if a.scale.shape != a.centre.shape or a.parameters.size != a.outputs * (a.features + 1):
        raise ValueError(
            f"a linear model of {a.features} features and {a.outputs} outputs needs"
            f" {a.outputs * (a.features + 1)} parameters; the file has {a.parameters.size}."
        )
    return a


def _cuts_apart(a: Cuts) -> tuple[dict[str, Any], dict[str, Array]]:
    return {"names": list(a.names), "units": list(a.units)}, {"parameters": a.parameters}


def _cuts_build(shape: Mapping[str, Any], arrays: Mapping[str, Array]) -> Cuts:
    return Cuts(tuple(shape["names"]), tuple(shape["units"]), arrays["parameters"])


KINDS: dict[str, Kind] = {
    "linear": Kind(Linear, _linear_apart, _linear_build),
    "cuts": Kind(Cuts, _cuts_apart, _cuts_build),
}
"""The kinds of model that files may hold; wings add theirs."""


@dataclass(frozen=True, eq=False)
class Stored:
    """A model with its card, ready for new events."""

    card: Card
    model: Any
    """A Model, or a scikit-learn estimator."""

    def predict(self, x: Array) -> Prediction:
        """Predictions for (n, d) features in the card's order and units."""
        if self.card.kind == "sklearn":
            return estimator_prediction(self.model, x, self.card.task)
        assert self.card.loss is not None
        loss = by_name(self.card.loss.name, self.card.loss.setting)
        return Prediction(**loss.read(self.model(x)))

    def apply(self, table: Table) -> tuple[Prediction, Array, Array]:
        """Predictions of the complete rows of a table; which rows these are; which are outside."""
        x, complete, outside = self.card.features_of(table)
        if complete.any():
            return self.predict(x[complete]), complete, outside
        # scikit-learn refuses to predict no events; none of one has the same columns.
        return self.predict(np.zeros((1, x.shape[1]))).take([False]), complete, outside


def estimator_prediction(estimator: Any, x: Array, task: str) -> Prediction:
    """What a scikit-learn estimator says: values, or probabilities and the score log(P1/P0).

    A classifier without `predict_proba` gives its decision function as the score.
    """
    if task == "regression":
        return Prediction(value=estimator.predict(x))
    if not hasattr(estimator, "predict_proba"):
        return Prediction(score=estimator.decision_function(x))
    probability = np.asarray(estimator.predict_proba(x), dtype=np.float64)
    if probability.shape[1] == 2:
        return Prediction(score=probability[:, 1], probability=probability, threshold=0.5)
    return Prediction(score=probability, probability=probability)


def save_model(path: Path | str, model: Any, card: Card) -> Path:
    """Write a model beside its card: NAME.baksan for ours, NAME.skops for scikit-learn's.

    Raises TypeError for a model of no known kind.
    """
    if card.kind == "sklearn":
        return _save_skops(Path(path).with_suffix(".skops"), model, card)
    if card.kind not in KINDS or not isinstance(model, KINDS[card.kind].of):
        raise TypeError(
            f"model files hold {', '.join(KINDS)} or scikit-learn models; this is"
            f" {type(model).__name__} under the kind {card.kind!r}. Register its kind in KINDS."
        )
    from safetensors.numpy import save

    shape, arrays = KINDS[card.kind].apart(model)
    card = card.model_copy(update={"shape": shape})
    path = Path(path).with_suffix(".baksan")
    with replacing(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.json", card.model_dump_json(indent=1))
        archive.writestr(
            "parameters.safetensors",
            save({k: np.ascontiguousarray(v, dtype=np.float64) for k, v in arrays.items()}),
        )
    return path


def _save_skops(path: Path, estimator: Any, card: Card) -> Path:
    import skops.io

    with replacing(path) as beside:
        skops.io.dump(estimator, beside, compression=zipfile.ZIP_DEFLATED)
        unknown = set(skops.io.get_untrusted_types(file=beside)) - set(TRUSTED)
        if unknown:
            raise TypeError(
                f"{type(estimator).__name__} holds types that a reader would not trust:"
                f" {', '.join(sorted(unknown))}. Choose a plain scikit-learn model."
            )
        with zipfile.ZipFile(beside, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("model.json", card.model_dump_json(indent=1))
    return path


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
    try:
        with zipfile.ZipFile(path) as archive:
            card = _card(archive, path)
            if card.kind == "sklearn":
                return Stored(card, _load_skops(path))
            return Stored(card, _load_ours(archive, card, path))
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        EOFError,
        OSError,
        NotImplementedError,
    ) as error:
        raise ValueError(
            f"{path} must be a model file as baksan writes it (a zip); {error}."
            " Take a whole copy of it."
        ) from None


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
        version = json.loads(content).get("version")
        if version != 1:
            raise ValueError(
                f"{path} has version {version!r}; this baksan reads version 1. Take the baksan"
                " that wrote it, or train again."
            )
        return Card.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{path}: model.json: {where}: {first['msg']}.") from None
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError) as error:
        raise ValueError(f"{path}: model.json must be a JSON object; {error}.") from None


def _load_ours(archive: zipfile.ZipFile, card: Card, path: Path) -> Model:
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
        raise ValueError(f"{path}: the model cannot be built: {error}.") from None


def _load_skops(path: Path) -> Any:
    import skops.io

    try:
        unknown = set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED)
    except Exception as error:  # skops raises whatever its schema walk meets in a damaged file
        raise ValueError(f"{path} is not a skops file that can be read: {error}.") from None
    if unknown:
        raise ValueError(
            f"{path} holds types that are not trusted: {', '.join(sorted(unknown))}."
            " It was not loaded."
        )
    return skops.io.load(path, trusted=list(TRUSTED))
