"""Activations: what a neuron makes of its sum, f(u), and the slope ∂f/∂u beside it.

Written once, in NumPy's functions; `baksan.jaxed` runs the same lines through JAX.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Formula = Callable[[Any], Any]

__all__ = ["ACTIVATIONS", "Activation"]


@dataclass(frozen=True)
class Activation:
    """f and ∂f/∂u, and the gain: weights of variance gain/inputs keep the size of sums from layer
    to layer (He et al., ICCV 2015; Glorot and Bengio, AISTATS 2010; Klambauer et al., NIPS 2017).
    """

    name: str
    value: Formula
    slope: Formula
    gain: float


def _relu(u: Any) -> Any:
    return np.maximum(u, 0)


def _relu_slope(u: Any) -> Any:
    return (u > 0).astype(u.dtype)


def _leaky_relu(u: Any) -> Any:
    return np.maximum(u, 0.01 * u)


def _leaky_relu_slope(u: Any) -> Any:
    return 0.01 + 0.99 * (u > 0).astype(u.dtype)


def _elu(u: Any) -> Any:
    return np.where(u > 0, u, np.expm1(np.minimum(u, 0)))


def _elu_slope(u: Any) -> Any:
    return np.exp(np.minimum(u, 0))


def _sigmoid(u: Any) -> Any:
    return 0.5 + 0.5 * np.tanh(0.5 * u)


def _sigmoid_slope(u: Any) -> Any:
    f = _sigmoid(u)
    return f * (1 - f)


def _tanh(u: Any) -> Any:
    return np.tanh(u)


def _tanh_slope(u: Any) -> Any:
    f = np.tanh(u)
    return 1 - f * f


def _silu(u: Any) -> Any:
    return u * _sigmoid(u)


def _silu_slope(u: Any) -> Any:
    f = _sigmoid(u)
    return f + u * f * (1 - f)


_GELU = 0.7978845608028654  # √(2/π)


def _gelu(u: Any) -> Any:
    return 0.5 * u * (1 + np.tanh(_GELU * (u + 0.044715 * u * u * u)))


def _gelu_slope(u: Any) -> Any:
    f = np.tanh(_GELU * (u + 0.044715 * u * u * u))
    return 0.5 * (1 + f) + 0.5 * u * (1 - f * f) * _GELU * (1 + 0.134145 * u * u)


ACTIVATIONS: dict[str, Activation] = {
    a.name: a
    for a in (
        Activation("relu", _relu, _relu_slope, 2.0),  # max(0, u)
        Activation("leaky_relu", _leaky_relu, _leaky_relu_slope, 2.0),  # u, or 0.01 u below 0
        Activation("elu", _elu, _elu_slope, 1.5),  # u, or e^u − 1 below 0
        Activation("gelu", _gelu, _gelu_slope, 2.0),  # u Φ(u), Φ by a tanh
        Activation("silu", _silu, _silu_slope, 2.0),  # u / (1 + e^−u)
        Activation("tanh", _tanh, _tanh_slope, 1.0),
        Activation("sigmoid", _sigmoid, _sigmoid_slope, 1.0),  # 1 / (1 + e^−u)
    )
}
