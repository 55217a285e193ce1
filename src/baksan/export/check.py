"""Whether onnxruntime answers as the model does: the same events through both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.losses import Loss
from baksan.models.base import Model
from baksan.models.ensemble import Ensemble
from baksan.models.imputed import Imputed
from baksan.models.linear import Linear
from baksan.models.network import Network
from baksan.store.card import Card

Array = NDArray[Any]

__all__ = ["deviation", "events", "outputs_of", "ranges"]

_TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
_RANDOM = 200


def ranges(card: Card) -> tuple[Array, Array]:
    """The lowest and the highest of each feature in training, (d,); ±inf where it is not known."""
    low = np.array([-np.inf if f.low is None else f.low for f in card.features])
    high = np.array([np.inf if f.high is None else f.high for f in card.features])
    return low, high


def outputs_of(content: bytes, x: Array) -> dict[str, Array] | None:
    """What onnxruntime makes of features (n, d), by name; None where it is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"features": x}), strict=True))


def events(card: Card, a: Model) -> Array:
    """Features (n, d): within the training range and at its ends, beyond, and where numbers end.

    Zeros, the smallest and the largest numbers, knots of an encoding, and missing values.
    """
    low, high = (np.nan_to_num(edge, posinf=1.0, neginf=-1.0) for edge in ranges(card))
    middle, span = 0.5 * low + 0.5 * high, np.maximum(0.5 * high - 0.5 * low, 1e-300)
    random, shape = np.random.default_rng(0), (_RANDOM, len(low))
    inside = middle + span * random.uniform(-1.0, 1.0, shape)
    gaps = np.where(random.random(shape) < 0.2, np.nan, inside)
    rows = [
        low, high, middle, 0.0 * low, 0.0 * low + 5e-324, 0.0 * low - 5e-324,
        *(middle + far * span for far in (1e6, -1e6, 1e12, -1e12)), 0.0 * low + 1e300,
        np.full(len(low), np.nan),
    ]  # fmt: skip
    wide = middle + 10.0 * span * random.normal(size=shape)
    return np.vstack([*rows, inside, wide, gaps, _knots(a, len(low))])


def _knots(a: Model, features: int) -> Array:
    """Where the encoding of a network bends, (m, d)."""
    inner = _inner(a)
    knots = np.empty((0, features)) if isinstance(inner, Linear) else inner.encoding.knots
    return np.asarray(knots[:, :features])


def _inner(a: Model) -> Linear | Network:
    """The linear model or the network inside."""
    if isinstance(a, Imputed | Ensemble):
        return _inner(a.of)
    assert isinstance(a, Linear | Network)
    return a


def deviation(card: Card, a: Model, loss: Loss, x: Array, found: Mapping[str, Array]) -> float:
    """The largest difference between the model and what was `found` for features x.

    Rounding grows with how far out an event lies, in standard deviations, and with what the outputs
    differ from their constant; it is that part of their sum in the unit of the answer.

    Raises ValueError where rounding does not explain the difference: 1e-5 for networks in float32,
    else 1e-12.
    """
    tolerance = _TOLERANCE[getattr(_inner(a), "precision", "float64")]
    with np.errstate(all="ignore"):
        told = loss.read(*a.told(x)) | _counted(card, x, found)
        expected = {"prediction" if name == "value" else name: v for name, v in told.items()}
        expected.pop("levels", None)
        allowed = _Allowed(a, x)
        return max(
            _worst(name, values, found[name], tolerance, allowed)
            for name, values in expected.items()
        )


def _counted(card: Card, x: Array, found: Mapping[str, Array]) -> dict[str, Array]:
    """What follows from the features and the scores, to be met exactly."""
    low, high = ranges(card)
    told = {"outside_training_range": np.any((x < low) | (x > high), axis=1)}
    if "label" in found:
        score = found["score"]
        label = score > 0 if score.ndim == 1 else score.argmax(axis=1)
        lost = np.isnan(score if score.ndim == 1 else score.sum(axis=1))
        told["label"] = np.where(lost, -1, label)
    return told


class _Allowed:
    """What rounding may be: tolerance · (unit · reach + |p − offset|) + 1e-12 |p|.

    `reach` (n,) is 1 and the largest standardised feature of an event; `unit` and `offset` (k,) are
    those of the outputs: of a linear model Σ_j |w_j| and w_0.
    """

    def __init__(self, a: Model, x: Array) -> None:
        inner, whole = _inner(a), a.completed(x) if isinstance(a, Imputed) else x
        if isinstance(inner, Linear):
            z, matrix = inner.design(whole)[:, 1:], inner.matrix
            self.unit, self.offset = np.abs(matrix[:, 1:]).sum(axis=1), matrix[:, 0]
        else:
            one = np.ones(inner.outputs)
            z, self.unit, self.offset = inner.encoding(whole), inner.unit * one, inner.offset * one
        self.reach = 1.0 + np.abs(z).max(axis=1)

    def __call__(self, name: str, p: Array, tolerance: float) -> Array:
        """Of p (n,) or (n, k), in its shape."""
        unit: Any = self.unit.max()
        offset: Any = 0.0
        if name == "prediction" and p.ndim == 1:
            unit, offset = self.unit[0], self.offset[0]
        elif name in ("prediction", "quantiles"):
            unit, offset = self.unit, self.offset
        elif name == "spread":
            return tolerance * self._of_spread(p)
        reach = self.reach if p.ndim == 1 else self.reach[:, None]
        return np.asarray(tolerance * (unit * reach + np.abs(p - offset)) + 1e-12 * np.abs(p))

    def _of_spread(self, p: Array) -> Array:
        """Of two outputs the second is ln σ, what is off in it is so relatively in σ."""
        own = self.unit[0] * self.reach + p
        if len(self.unit) == 1:
            return np.asarray(own)
        return np.asarray(own + p * (self.unit[1] * self.reach + np.abs(np.log(p))))


def _worst(name: str, p: Array, found: Array, tolerance: float, allowed: _Allowed) -> float:
    """The largest difference in parts of what is allowed, times the tolerance."""
    if p.dtype.kind in "bi":
        wrong, share = np.asarray(found != p), np.zeros(p.shape)
    else:
        share = np.abs(found - p) / allowed(name, p, tolerance)
        share[(found == p) | ~(np.isfinite(found) | np.isfinite(p))] = 0.0
        wrong = ~(share <= 1.0)
    if wrong.any():
        place = tuple(np.argwhere(wrong)[0].tolist())
        raise ValueError(
            f"an ONNX file must answer as its model does, to {tolerance:g}; {name} of event"
            f" {place[0]} of the check is {found[place]!s} by onnxruntime and {p[place]!s} by the"
            " model. Nothing was written; apply the model with baksan."
        )
    return float(share.max(initial=0.0)) * tolerance
