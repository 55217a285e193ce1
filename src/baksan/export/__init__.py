"""The verb: export(model, path). Linear models and networks as ONNX files, for other programs.

The graph takes the features in float64 and gives what `apply` writes. It computes as the model
does: what is float32 in the model is float32 there, everything else float64.

`graph`    ONNX operators written as calls, and what each model computes in them
`reading`  what a loss reads from a model's outputs
`check`    whether onnxruntime answers as the model does
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from baksan import __version__
from baksan.export.check import deviation, events, outputs_of, ranges
from baksan.export.graph import Graph, answer
from baksan.export.reading import Output, read
from baksan.files import plain, replacing
from baksan.losses import Loss, by_name
from baksan.store.card import Card, card_of
from baksan.store.model import KINDS, Stored, load_model

__all__ = ["OPSET", "Exported", "export"]

OPSET, _FORMAT = 18, 8
"""The operators of ONNX 1.13, and the version of the file format that goes with them."""


@dataclass(frozen=True)
class Exported:
    """What was written."""

    path: Path
    features: tuple[str, ...]
    outputs: tuple[str, ...]
    compared: int
    """On how many events onnxruntime answered as the model does; 0 where it is not installed."""
    deviation: float
    """The largest difference there, over the unit of the answer and how far out the event lies."""

    def __str__(self) -> str:
        told = (
            f"ONNX, operators of version {OPSET}: features (N, {len(self.features)}) in float64 →"
            f" {', '.join(self.outputs)}."
        )
        if not self.compared:
            return (
                f"{told} It was not compared with the model, which needs onnxruntime:"
                " pip install 'baksan[onnx]'."
            )
        return (
            f"{told} On {self.compared:,} events, within the training range, beyond it and with"
            f" gaps, onnxruntime answers as the model does to {self.deviation:.0e} of the answer's"
            " unit."
        )


def export(model: Any, path: Path | str) -> Exported:
    """Write a model as an ONNX file; the same model always gives the same bytes.

    The graph takes `features`, (N, d) float64 in the model's order and units: formulas of columns
    are evaluated before, and NaN stands for a missing value. An event that lacks a feature which
    the model does not fill in gets NaN.

    Before the file is written, onnxruntime must answer as the model does: within the training
    range, at its ends, far beyond it, and where features are missing.

    Parameters
    ----------
    model : path, Stored or Fit
        A model file NAME.baksan, what `load_model` read, or what `fit` found: Linear, Network or
        Ensemble, also Imputed.
    path : path
        NAME.onnx.

    Returns
    -------
    Exported
        Of numbers the graph gives `prediction` and, where known, `spread` or `quantiles`; of
        classes `label` (its place among the class names; −1 where the score is no number), `score`
        and, where known, `probability`; of both `outside_training_range`. Names, units and levels
        stand in the file's metadata.

    Raises
    ------
    TypeError
        Another kind of model.
    ImportError
        onnx is not installed.
    ValueError
        A name that does not end in .onnx; onnxruntime answers otherwise than the model.

    Examples
    --------
    >>> import baksan as bk, tempfile
    >>> X = bk.Samples([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> found = bk.fit(bk.Linear(), X, bk.losses.squared, bk.Analytic())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = export(found, f"{folder}/line.onnx")
    >>> done.outputs
    ('prediction', 'outside_training_range')
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise ValueError(f"an ONNX file's name ends in .onnx; {path.name!r} does not. Change it.")
    stored = _stored(model)
    card, a, loss = stored.card, stored.model, _loss(stored.card)
    content, outputs = _written(stored, loss)
    x = events(card, a)
    found = outputs_of(content, x)
    off = 0.0 if found is None else deviation(card, a, loss, x, found)
    with replacing(path) as beside:
        beside.write_bytes(content)
    features = tuple(f.name for f in card.features)
    return Exported(path, features, outputs, 0 if found is None else len(x), off)


def _stored(model: Any) -> Stored:
    if isinstance(model, str | Path):
        return load_model(model)
    return model if isinstance(model, Stored) else Stored(card_of(model), model.model)


def _loss(card: Card) -> Loss:
    """Raises TypeError for a model that is not ours."""
    if card.loss is None:
        raise TypeError(
            "ONNX files are written of linear models, networks and ensembles of them;"
            f" {card.title!r} is scikit-learn's. Predict with `baksan apply`, or export another"
            " model."
        )
    return by_name(card.loss.name, card.loss.setting)


def _needed() -> Any:
    """onnx. Raises ImportError with a sentence where it is not installed."""
    try:
        import onnx
    except ImportError:
        raise ImportError(
            "an ONNX file needs onnx, which is not installed. Install it with:"
            " pip install 'baksan[onnx]'"
        ) from None
    return onnx


def _written(stored: Stored, loss: Loss) -> tuple[bytes, tuple[str, ...]]:
    """The file's bytes, and the names of its outputs. Raises TypeError for a model without one."""
    onnx, card, g = _needed(), stored.card, Graph()
    outputs = read(g, loss, answer(g, stored.model, "features"), stored.model.outputs)
    outputs["outside_training_range"] = Output(_outside(g, card), dtype=np.bool_)
    for name, output in outputs.items():
        g.named(output.tensor, name)
    graph = onnx.helper.make_graph(
        g.nodes, "baksan", [_tensor("features", len(card.features), np.float64, _order(card))],
        [_tensor(name, out.columns, out.dtype) for name, out in outputs.items()], g.constants,
    )  # fmt: skip
    model = onnx.helper.make_model(
        graph, producer_name="baksan", producer_version=__version__, ir_version=_FORMAT,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)], doc_string=_told(card),
    )  # fmt: skip
    onnx.helper.set_model_props(model, _metadata(stored))
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True), tuple(outputs)


def _outside(g: Graph, card: Card) -> str:
    """Whether some feature lies beyond its range in training, (N,)."""
    low, high = ranges(card)
    beyond = g("Or", g("Less", "features", low), g("Greater", "features", high))
    count = g("ReduceSum", g.cast(beyond, np.int64), np.array([1]), keepdims=0)
    return g("Greater", count, np.int64(0))


def _tensor(name: str, columns: int | None, dtype: Any, told: str = "") -> Any:
    """The description of an input or output of N rows."""
    from onnx import helper

    shape: list[str | int | None] = ["N"] if columns is None else ["N", columns]
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, kind, shape, told)


# What the file says of itself ---------------------------------------------------------------------


def _order(card: Card) -> str:
    return ", ".join(f"{f.name} [{f.unit}]" if f.unit else f.name for f in card.features)


def _told(card: Card) -> str:
    unit = f" [{card.answer.unit}]" if card.answer.unit else ""
    classes = f", classes {', '.join(card.class_names)}" if card.class_names else ""
    return (
        f"{card.title}: {card.answer.name}{unit}{classes} from {_order(card)}. Features are in this"
        f" order and in these units; a missing value is NaN. Written by baksan {__version__}."
    )


def _metadata(stored: Stored) -> dict[str, str]:
    """Texts and JSON by name; no date, so that a model always gives the same file."""
    card = stored.card.model_dump()
    held = {
        "baksan_version": __version__, "title": card["title"], "kind": card["kind"],
        "task": card["task"], "parameters_sha256": _hash(stored),
    }  # fmt: skip
    told = ("features", "inputs", "answer", "class_names", "loss", "marks", "impute", "where")
    return held | {name: _json(card[name]) for name in told}


def _json(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False, sort_keys=True, allow_nan=False)


def _hash(stored: Stored) -> str:
    """SHA-256 of the member parameters.safetensors that a model file of this model has."""
    from safetensors.numpy import save

    _, arrays = KINDS[stored.card.kind].apart(stored.model)
    held: Mapping[str, Any] = {
        name: np.ascontiguousarray(values, dtype=np.float64) for name, values in arrays.items()
    }
    return hashlib.sha256(save(dict(held))).hexdigest()
