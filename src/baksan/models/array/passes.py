"""The forward pass of array networks: stations are looked at one by one, speak, and are summed.

    h_i = f(W s_i + V e + b)                      each station i, knowing the event's observables e
    h_i ← what station i hears of the others      'sets': nothing; 'grid': its neighbours;
                                                  'attention': all that are living
    g = f(W [Σ_living h_i, Σ_hit h_i, e] + b)     the event
    a = W g + U e + b                             with a straight line beside

Sums do not know the order of stations, nor what is masked (Zaheer et al., NIPS 2017, Deep Sets);
attention is Vaswani et al., NIPS 2017, with the norms before (Xiong et al., ICML 2020); on a grid
the sums over neighbours are convolutions, on triangles with the seven weights of a hexagon
(Hoogeboom et al., arXiv:1803.02108). NumPy runs these lines as they stand, `baksan.jaxed` through
JAX, which also finds the way back.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baksan.models.activations import Activation
from baksan.models.array.grids import Neighbours
from baksan.models.array.heads import Answer, answered
from baksan.models.array.sight import Seen, Sight, V, look
from baksan.models.passes import Layers, Training, mixed

Array = NDArray[Any]
Kind = Literal["sets", "attention", "grid"]

__all__ = ["ArrayPlan", "Kind", "array_forward", "array_shapes"]

_LEAST = 1e-5
_NEVER, _NONE = -1e9, 1e-30
_MOST = 40.0  # |q·k/√d|: e^40 is more than any other station can weigh against


class ArrayPlan(NamedTuple):
    """How an array network is built, apart from its parameters.

    `centre` and `scale` bring the F channels of stations and the E observables to size 1;
    """

    kind: Kind
    depth: int
    heads: int
    activation: Activation
    answer: Answer
    mirrored: bool
    sight: Sight
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    neighbours: Neighbours | None = None


def array_shapes(plan: ArrayPlan, width: int, outputs: int) -> list[dict[str, tuple[int, ...]]]:
    """The shape of each array of each layer; weights are those whose names end so."""
    F, E = plan.sight.channels, plan.sight.beside
    inner: dict[str, tuple[int, ...]] = {"weight": (width, width), "bias": (width,)}
    if plan.kind == "grid":
        assert plan.neighbours is not None
        inner["weight"] = (len(plan.neighbours.shifts) * width, width)
    if plan.kind == "attention":
        norms = dict.fromkeys(("gain", "shift", "second_gain", "second_shift"), (width,))
        inner = {
            "query_weight": (width, 3 * width), "joining_weight": (width, width), **norms,
            "weight": (width, 2 * width), "bias": (2 * width,),
            "second_weight": (2 * width, width), "second_bias": (width,),
        }  # fmt: skip
    return [
        {"weight": (F, width), "event_weight": (E, width), "bias": (width,)},
        *[dict(inner) for _ in range(plan.depth)],
        {"weight": (2 * width + E, 2 * width), "bias": (2 * width,)},
        {"weight": (2 * width, width), "bias": (width,)},
        {"weight": (width, outputs), "event_weight": (E, outputs), "bias": (outputs,)},
    ]


def array_forward(z: Any, layers: Layers, plan: ArrayPlan, training: Training | None = None) -> Any:
    """a (n, k) of events z (n, d) in the order of `Columns.order`.

    Of a mirrored plan each event is reflected, or not, by chance in training; in use it is the mean
    of both images.
    """
    seen, one = look(z, plan.sight), 0 * z[:, :1] + 1
    if not plan.mirrored:
        return _image(seen, one, layers, plan)
    if training is not None:
        return _image(seen, _by_chance(one, training), layers, plan)
    return 0.5 * (_image(seen, one, layers, plan) + _image(seen, -one, layers, plan))


def _image(seen: Seen, mirror: Any, layers: Layers, plan: ArrayPlan) -> Any:
    """What is answered of events reflected where `mirror` (n, 1) is −1, not where it is 1."""
    f, F, measures = plan.activation.value, plan.sight.channels, plan.sight.measures
    centre, scale = (np.asarray(one, mirror.dtype) for one in (plan.centre, plan.scale))
    turned = np.arange(F) == V
    s = (np.where(turned, seen.f * mirror[:, None], seen.f) - centre[:F]) / scale[:F]
    e = (seen.e - centre[F:]) / scale[F:]
    first, *inner, sums, last, out = layers
    h = f(s @ first["weight"] + (e @ first["event_weight"] + first["bias"])[:, None])
    for layer in inner:
        h = _heard(h, layer, plan, seen.living)
    living = (h * seen.living).sum(axis=1) / measures.living
    hit = (h * seen.hit).sum(axis=1) / measures.hits
    g = f(np.concatenate([living, hit, e], axis=1) @ sums["weight"] + sums["bias"])
    g = f(g @ last["weight"] + last["bias"])
    a = g @ out["weight"] + e @ out["event_weight"] + out["bias"]
    return answered(a, plan.answer, seen.frame, measures, mirror)


def _by_chance(one: Any, training: Training) -> Any:
    """1 or −1 for each event, (n, 1), by a hash of seed, step and row."""
    seed, step = training.key
    bits = mixed(mixed(np.arange(one.shape[0], dtype=np.uint32) ^ seed) + step)
    return np.where((bits[:, None] & np.uint32(1)) > 0, one, -one)


def _heard(h: Any, layer: Any, plan: ArrayPlan, living: Any) -> Any:
    """h (n, S, width) after one layer."""
    f = plan.activation.value
    if plan.kind == "attention":
        h = h + _attended(_normal(h, layer["gain"], layer["shift"]), layer, plan.heads, living)
        inner = _normal(h, layer["second_gain"], layer["second_shift"])
        inner = f(inner @ layer["weight"] + layer["bias"])
        return h + inner @ layer["second_weight"] + layer["second_bias"]
    if plan.kind == "grid":
        around = _around(h * living, plan.neighbours)
        return h + f(around @ layer["weight"] + layer["bias"])
    return f(h @ layer["weight"] + layer["bias"])


def _around(h: Any, neighbours: Any) -> Any:
    """The neighbours of each station side by side, (n, S, m width); none is 0."""
    there = np.asarray(neighbours.there, h.dtype)
    shifted = [
        np.roll(h, -shift, axis=1) * there[:, i : i + 1]
        for i, shift in enumerate(neighbours.shifts)
    ]
    return np.concatenate(shifted, axis=2)


def _normal(h: Any, gain: Any, shift: Any) -> Any:
    """Mean 0 and variance 1 over the width (Ba, Kiros, Hinton, arXiv:1607.06450)."""
    mean = h.mean(axis=-1, keepdims=True)
    off = h - mean
    return gain * off / np.sqrt((off * off).mean(axis=-1, keepdims=True) + _LEAST) + shift


def _attended(h: Any, layer: Any, heads: int, living: Any) -> Any:
    """Σ_j softmax_j(q_i·k_j/√d) v_j over the living stations j, by `heads` heads."""
    n, S, width = h.shape
    each = (h @ layer["query_weight"]).reshape(n, S, 3, heads, width // heads)
    q, k, v = (np.swapaxes(each[:, :, i], 1, 2) for i in range(3))
    score = q @ np.swapaxes(k, 2, 3) / math.sqrt(width // heads)
    # Kept within bounds instead of less its maximum, whose way back costs as much as all the rest.
    score = np.clip(score, -_MOST, _MOST)
    share = np.exp(np.where(living[:, None, None, :, 0] > 0, score, _NEVER))
    told = share @ v / (share.sum(axis=-1, keepdims=True) + _NONE)
    return np.swapaxes(told, 1, 2).reshape(n, S, width) @ layer["joining_weight"]
