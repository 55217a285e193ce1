"""ONNX graphs: operators written as calls, and what each model computes in them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baksan.models.base import Model
from baksan.models.encoding import Encoding
from baksan.models.ensemble import Ensemble
from baksan.models.imputed import Imputed
from baksan.models.linear import Linear
from baksan.models.network import Network

Array = NDArray[Any]

__all__ = ["Answer", "Graph", "answer"]

_LEAST = 1e-5  # what is added to variances, as in `models.passes`
_GELU_SLOPE = 1.5957691216057308  # 2 √(2/π): ½ (1 + tanh v) is the sigmoid of 2 v


class Graph:
    """Nodes of an ONNX graph written as calls: g("Add", x, 1.0) is the name of x + 1.

    Numbers and arrays become constants of the type that they have.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def __call__(self, operator: str, *inputs: Any, **attributes: Any) -> str:
        from onnx import helper

        given = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        name = f"{operator}_{len(self.nodes)}"
        made = [name, f"{name}_places"] if operator == "TopK" else [name]
        self.nodes.append(helper.make_node(operator, given, made, **attributes))
        return name

    def constant(self, values: Any) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def named(self, x: str, name: str) -> None:
        """Give x this name among the outputs."""
        from onnx import helper

        self.nodes.append(helper.make_node("Identity", [x], [name]))

    def cast(self, x: str, dtype: Any) -> str:
        from onnx import helper

        return self("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def column(self, x: str, k: int) -> str:
        """Column k of (N, K), (N,)."""
        return self("Gather", x, np.int64(k), axis=1)

    def clipped(self, x: str, low: float, high: float) -> str:
        """x within low … high; NaN stays NaN, which ONNX does not promise of its Clip."""
        raised = self("Where", self("Less", x, low), low, x)
        return self("Where", self("Greater", raised, high), high, raised)

    def sigmoid(self, x: str) -> str:
        """1 / (1 + e^−x), true in both tails."""
        e = self("Exp", self("Neg", self("Abs", x)))
        return self("Div", self("Where", self("Less", x, 0.0), e, 1.0), self("Add", e, 1.0))


class Answer(NamedTuple):
    """What a model says: p (N, k) and, of an ensemble, p of each of its M members (M, N, k)."""

    p: str
    each: str | None = None
    members: int = 1


def answer(g: Graph, a: Model, x: str) -> Answer:
    """The model's outputs for features x (N, d). Raises TypeError for models without a graph."""
    if isinstance(a, Imputed):
        return answer(g, a.of, _completed(g, a, x))
    if isinstance(a, Linear):
        weights = (a.matrix[:, 1:] * a.inverse).T
        return Answer(g("Add", g("MatMul", g("Sub", x, a.centre), weights), a.matrix[:, 0]))
    if isinstance(a, Network):
        return Answer(_network(g, a, x, [_folded(layer, a.dtype) for layer in a.layers]))
    if isinstance(a, Ensemble) and isinstance(a.of, Network):
        each = _network(g, a.of, x, _stacked(a))
        return Answer(g("ReduceMean", each, np.array([0]), keepdims=0), each, a.members)
    raise TypeError(
        "ONNX files are written of linear models, networks and ensembles of them; this is"
        f" {type(a).__name__}. Predict with `baksan apply`, or export another model."
    )


def _completed(g: Graph, a: Imputed, x: str) -> str:
    """(x̂, m): what is missing filled in, and 1 for each indicated feature that is missing."""
    missing = g("IsNaN", x)
    whole = g("Where", missing, np.asarray(a.fill, dtype=np.float64), x)
    if not len(a.flagged):
        return whole
    flags = g.cast(g("Gather", missing, a.flagged.astype(np.int64), axis=1), np.float64)
    return g("Concat", whole, flags, axis=1)


# Networks -----------------------------------------------------------------------------------------


def _network(g: Graph, a: Network, x: str, layers: list[dict[str, Array]]) -> str:
    """offset + unit · net(z): (N, k), or (M, N, k) for layers of M members."""
    z = _encoded(g, a.encoding, x)
    if a.dtype != np.float64:
        z = g.cast(z, a.dtype)
    last = _passed(g, a, z, layers)
    if a.dtype != np.float64:
        last = g.cast(last, np.float64)
    return g("Add", g("Mul", last, a.unit * np.ones(a.outputs)), a.offset * np.ones(a.outputs))


def _encoded(g: Graph, encoding: Encoding, x: str) -> str:
    bent = _interpolated(g, encoding, x) if len(encoding.knots) else x
    return g("Mul", g("Sub", bent, encoding.centre), 1.0 / encoding.scale)


def _interpolated(g: Graph, encoding: Encoding, x: str) -> str:
    """np.interp of each feature through its knots, found by halving for all events at once.

    The tables of all features lie one behind the other, m numbers each; `low` is the last knot at
    or below x among all but the topmost.
    """
    (m, d), knots, levels = encoding.knots.shape, encoding.knots, encoding.levels
    with np.errstate(all="ignore"):
        rise = np.diff(levels, axis=0) / np.diff(knots, axis=0)
    rise = np.vstack([np.where(np.isfinite(rise), rise, 0.0), np.zeros(d)])  # of knots that meet
    places, low, left = g.constant(knots.T.ravel()), g.constant(np.arange(d) * m), m - 1
    while left > 1:
        middle = g("Add", low, np.int64(left // 2))
        low = g("Where", g("LessOrEqual", g("Gather", places, middle), x), middle, low)
        left -= left // 2
    past = g("Sub", x, g("Gather", places, low))
    up = g("Mul", g("Gather", rise.T.ravel(), low), past)
    found = g("Add", g("Gather", levels.T.ravel(), low), up)
    found = g("Where", g("LessOrEqual", x, knots[0]), levels[0], found)
    return g("Where", g("GreaterOrEqual", x, knots[-1]), levels[-1], found)


def _passed(g: Graph, a: Network, z: str, layers: list[dict[str, Array]]) -> str:
    h = z
    for layer in layers[:-1]:
        u = g("Add", g("MatMul", h, layer["weight"]), layer["bias"])
        if "gain" in layer:
            u = _normalised(g, u, layer, a.dtype)
        below, h = h, _bent(g, a.activation, u, a.dtype)
        if a.residual and layer["weight"].shape[-2] == layer["weight"].shape[-1]:
            h = g("Add", h, below)
    return g("Add", g("MatMul", h, layers[-1]["weight"]), layers[-1]["bias"])


def _normalised(g: Graph, u: str, layer: dict[str, Array], dtype: Any) -> str:
    """By the layer: gain · (u − m)/√(v + 1e-5) + shift, in float64 as the model takes it."""
    v = u if dtype == np.float64 else g.cast(u, np.float64)
    off = g("Sub", v, g("ReduceMean", v, np.array([-1])))
    variance = g("ReduceMean", g("Mul", off, off), np.array([-1]))
    normal = g("Div", off, g("Sqrt", g("Add", variance, _LEAST)))
    gain, shift = (layer[name].astype(np.float64) for name in ("gain", "shift"))
    v = g("Add", g("Mul", normal, gain), shift)
    return v if dtype == np.float64 else g.cast(v, dtype)


def _bent(g: Graph, activation: str, u: str, dtype: Any) -> str:
    """The activation of u; exponentials are taken in float64, as the model takes them."""
    if activation == "relu":
        return g("Relu", u)
    if activation == "leaky_relu":
        return g("Max", u, g("Mul", u, dtype.type(0.01)))
    if dtype == np.float64:
        return _smooth(g, activation, u)
    return g.cast(_smooth(g, activation, g.cast(u, np.float64)), dtype)


def _smooth(g: Graph, activation: str, u: str) -> str:
    if activation == "elu":
        below = g("Less", u, 0.0)
        return g("Where", below, g("Sub", g("Exp", g("Where", below, u, 0.0)), 1.0), u)
    if activation == "gelu":
        cubic = g("Mul", g("Mul", g("Mul", u, u), u), 0.044715)
        return g("Mul", u, g.sigmoid(g("Mul", g("Add", u, cubic), _GELU_SLOPE)))
    if activation == "silu":
        return g("Mul", u, g.sigmoid(u))
    return g("Tanh", u) if activation == "tanh" else g.sigmoid(u)


def _folded(layer: dict[str, Array], dtype: Any) -> dict[str, Array]:
    """A layer's arrays; what normalises by batches goes into weight and bias."""
    held = {name: values.astype(np.float64) for name, values in layer.items()}
    if "variance" in held:
        factor = held["gain"] / np.sqrt(held["variance"] + _LEAST)
        weight, bias = held["weight"] * factor, held["shift"] - held["mean"] * factor
        held = {"weight": weight, "bias": bias}
    return {name: values.astype(dtype) for name, values in held.items()}


def _stacked(a: Ensemble) -> list[dict[str, Array]]:
    """The layers of all members: matrices (M, in, out), the rest (M, 1, out)."""
    each = [[_folded(layer, a.of.dtype) for layer in one.layers] for one in a.networks]
    return [
        {name: np.stack([np.atleast_2d(one[name]) for one in same]) for name in same[0]}
        for same in zip(*each, strict=True)
    ]
