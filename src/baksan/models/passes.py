"""The two passes through a feed-forward network, side by side: forward, and back-propagation.

    u_l = h_(l−1) W_l + b_l;   û_l = u_l or its normalised form;   h_l = f(û_l)  [+ h_(l−1)]
    a = h_L W + b

Backward, a slope s = ∂Q/∂a at the output goes through the same layers from the last to the first:

    ∂Q/∂W = hᵀ s,   ∂Q/∂b = Σ_i s_i,   ∂Q/∂h = s Wᵀ,   ∂Q/∂u = ∂Q/∂h · f′(u)

(Rumelhart, Hinton, Williams, Nature 323 (1986) 533). Each function of the forward pass has the one
that undoes it below. NumPy runs these lines as they stand, `baksan.jaxed` through JAX.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baksan.models.activations import ACTIVATIONS, Activation

Array = NDArray[Any]
Layers = Sequence[dict[str, Array]]

__all__ = ["Layers", "Plan", "Training", "backward", "forward", "mixed"]

_LEAST = 1e-5  # added to variances, so that what does not vary can be divided


class Plan(NamedTuple):
    """How a network is built, apart from its numbers."""

    activation: Activation = ACTIVATIONS["relu"]
    residual: bool = False
    normalise: str | None = None
    dropout: float = 0.0


class Training(NamedTuple):
    """What a pass in training knows beyond the events: which neurons it drops hangs on `key`
    (seed, step), and `real` (n, 1) is 0 for rows that only fill up a batch, or None.
    """

    key: tuple[Any, Any]
    real: Array | None = None


def forward(
    z: Array, layers: Layers, plan: Plan, training: Training | None = None
) -> tuple[Array, list[Any]]:
    """a (n, k) of encoded features z (n, d), and what the way back needs to know."""
    h, tape = z, []
    for number, layer in enumerate(layers[:-1]):
        u, normal = _normalised(h @ layer["weight"] + layer.get("bias", 0), layer, plan, training)
        mask = _kept(number, u, plan, training)
        below, h = h, plan.activation.value(u) * mask
        if plan.residual and h.shape == below.shape:
            h = h + below
        tape.append((below, normal, u, mask))
    return h @ layers[-1]["weight"] + layers[-1]["bias"], [*tape, (h,)]


def backward(
    slope: Array, tape: Sequence[Any], layers: Layers, plan: Plan
) -> list[dict[str, Array]]:
    """Σ_i slope_i ∂a(x_i)/∂(each array of each layer), for a slope (n, k)."""
    (h,) = tape[-1]
    found = [{"weight": h.T @ slope, "bias": slope.sum(axis=0)}]
    slope = slope @ layers[-1]["weight"].T
    for layer, (below, normal, u, mask) in zip(layers[-2::-1], tape[-2::-1], strict=True):
        inner, told = _unnormalised(slope * mask * plan.activation.slope(u), layer, plan, normal)
        biases = {"bias": inner.sum(axis=0)} if "bias" in layer else {}
        found.append({"weight": below.T @ inner, **biases, **told})
        past = slope if plan.residual and u.shape == below.shape else 0
        slope = inner @ layer["weight"].T + past
    return found[::-1]


# Normalisation ------------------------------------------------------------------------------------


def _normalised(u: Array, layer: dict[str, Array], plan: Plan, training: Training | None) -> Any:
    """gain · (u − m)/√(v + 1e-5) + shift, and what the way back needs.

    'layer': m and v of each event over its neurons (Ba, Kiros, Hinton, arXiv:1607.06450).
    'batch': of each neuron over the events of the batch in training, over those of many batches in
    use (Ioffe and Szegedy, ICML 2015).
    """
    if plan.normalise is None:
        return u, None
    real = None
    if plan.normalise == "layer":
        mean = u.mean(axis=1, keepdims=True)
        variance = ((u - mean) ** 2).mean(axis=1, keepdims=True)
    elif training is None:
        mean, variance = layer["mean"], layer["variance"]
    else:
        real = np.ones_like(u[:, :1]) if training.real is None else training.real
        mean = (u * real).sum(axis=0) / real.sum()
        variance = ((u - mean) ** 2 * real).sum(axis=0) / real.sum()
    width = np.sqrt(variance + _LEAST)
    normal = (u - mean) / width
    return layer["gain"] * normal + layer["shift"], (normal, width, mean, variance, real)


def _unnormalised(
    slope: Array, layer: dict[str, Array], plan: Plan, kept: Any
) -> tuple[Array, dict[str, Array]]:
    """The slope behind the normalisation, and those of its own numbers.

    Means and variances of batches are no parameters of Q: their 'slope' is the distance of the
    running one to that of this batch, so that a step of fixed length makes a running average.
    """
    if plan.normalise is None:
        return slope, {}
    normal, width, mean, variance, real = kept
    told = {"gain": (slope * normal).sum(axis=0), "shift": slope.sum(axis=0)}
    inner = slope * layer["gain"]
    if plan.normalise == "layer":
        level = inner.mean(axis=1, keepdims=True)
        tilt = (inner * normal).mean(axis=1, keepdims=True)
        return (inner - level - normal * tilt) / width, told
    if real is None:  # with the means of many batches, which stand still
        return inner / width, told | {
            "mean": np.zeros_like(layer["mean"]), "variance": np.zeros_like(layer["mean"])
        }  # fmt: skip
    events = real.sum()
    level, tilt = inner.sum(axis=0) / events, (inner * normal).sum(axis=0) / events
    told["mean"] = (layer["mean"] - mean) * events
    told["variance"] = (layer["variance"] - variance) * events
    return (inner - level - normal * tilt) * real / width, told


# Dropout ------------------------------------------------------------------------------------------


def _kept(number: int, u: Array, plan: Plan, training: Training | None) -> Any:
    """1/(1 − rate) for neurons that stay, 0 for those dropped (Srivastava et al., JMLR 15 (2014)).

    Which are dropped is a hash of seed, step, layer, event in the batch and neuron: the same in
    every way of taking the step, and again when a run goes on from a State.
    """
    if training is None or not plan.dropout:
        return 1
    seed, step = training.key
    rows = np.arange(u.shape[0], dtype=np.uint32)[:, None]
    neurons = np.arange(u.shape[1], dtype=np.uint32) + np.uint32(number << 20)
    bits = mixed(mixed(mixed(neurons ^ seed) + step) + rows)
    stays: Any = bits >= np.uint32(round(plan.dropout * 2**32))
    return stays.astype(u.dtype) / (1 - plan.dropout)


def mixed(bits: Any) -> Any:
    """Every bit of each number reaches every other (MurmurHash3's finaliser, A. Appleby)."""
    bits = (bits ^ (bits >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    bits = (bits ^ (bits >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return bits ^ (bits >> np.uint32(16))
