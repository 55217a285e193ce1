"""Prediction by a network as loops, in the part of Python that Numba compiles.

Rows pass in tiles of 128, as columns: a weight times the same neuron of all rows is what vector
units are made for, and what lies between two layers stays in the cache. A few rows pass one
by one, where the loop is over the neurons of the layer above. Either way the sums of a row are
taken in one order, four terms at a time, so that what an event is given does not depend on the
events beside it.

A tile is flat, neuron after neuron, _TILE numbers each: distances that are constants tell the
compiler that the rows of numbers it writes do not overlap those it reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from baksan.models.encoding import Encoding

Array = NDArray[Any]

__all__ = ["LEAST", "NAMES", "packed_encoding", "packed_layers", "predict"]

NAMES = ("relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid")
"""Activations; the kernel knows them by their place."""
LEAST = 1e-5
"""What is added to variances, as in `passes`."""
_TILE = 128
_FEW = 20  # rows up to which one by one is quicker
_DOWN, _ACROSS = 4, 16  # a matrix of weights has multiples of these many rows and columns
_RELU, _LEAKY_RELU, _ELU, _GELU, _SILU, _TANH, _SIGMOID = range(len(NAMES))
_GELU_SLOPE = 1.5957691216057308  # 2 √(2/π)


# What the loop takes ------------------------------------------------------------------------------


def packed_layers(layers: Sequence[dict[str, Array]], dtype: Any) -> Array:
    """The numbers of all layers in one row; what normalises by batches goes into the weights."""
    flat = []
    for layer in layers:
        held = {name: values.astype(np.float64) for name, values in layer.items()}
        weight, bias = held["weight"], held.get("bias", 0.0)
        if "variance" in held:
            factor = held["gain"] / np.sqrt(held["variance"] + LEAST)
            weight, bias = weight * factor, held["shift"] - held["mean"] * factor
        below, width = weight.shape
        rows = [weight, np.zeros((-below % _DOWN, width)), np.zeros((1, width)) + bias]
        if "gain" in held and "variance" not in held:
            rows += [held["gain"][None], held["shift"][None]]
        flat.append(np.pad(np.vstack(rows), ((0, 0), (0, -width % _ACROSS))).ravel())
    return np.concatenate(flat).astype(dtype)


def packed_encoding(encoding: Encoding, offset: Array, unit: Array) -> Array:
    """The numbers before the first layer and behind the last, in one row."""
    maps = [encoding.knots.T.ravel(), encoding.levels.T.ravel()]
    return np.concatenate([encoding.centre, 1.0 / encoding.scale, offset, unit, *maps])


# The loop -----------------------------------------------------------------------------------------


def predict(x: Array, plan: Array, numbers: Array, weights: Array, p: Array) -> None:
    """p (n, k) becomes offset + unit · net(z) for the rows of x (n, d).

    plan: the activation's place in `NAMES`, residual, normalise by layer, knots m, and the widths
    d, …, k; numbers: centre (d,), 1 / scale (d,), offset (k,), unit (k,), knots (d, m), levels
    (d, m); weights, in the precision of the network: of each layer the matrix (in, out), the bias
    and, if it is normalised by layer, gain and shift, all (out,), where in and out are filled up
    with zeros to multiples of 4 and 16. Exponentials are taken in float64 and true to 2e-16, and so
    is 1 where tanh and elu take it from one.
    """
    widths, few, size = plan[4:], 0 if plan[2] else _FEW, 0  # 0: means are taken over tiles only
    for width in widths:
        size = max(size, _rounded(width, _ACROSS))
    size *= _TILE if len(x) > few else 1
    h, u = np.zeros(size, weights.dtype), np.zeros(size, weights.dtype)
    for first in range(0, len(x), _TILE):
        m = min(_TILE, len(x) - first)
        if m > few:
            _pass(x, first, m, _TILE, plan, numbers, weights, h, u, p)
        else:
            for i in range(first, first + m):
                _pass(x, i, 1, 1, plan, numbers, weights, h, u, p)


@register_jitable
def _rounded(number: int, unit: int) -> int:
    """The next multiple of unit."""
    return -(-number // unit) * unit


@register_jitable
def _pass(
    x: Array, first: int, m: int, step: int, plan: Array, numbers: Array, weights: Array, h: Array,
    u: Array, p: Array,
) -> None:  # fmt: skip
    """m rows from the first on, with neurons `step` apart: _TILE, or 1 for a single row."""
    widths, start = plan[4:], 0
    _encode(x, first, m, step, plan[3], numbers, h)
    for layer in range(1, len(widths)):
        hidden = layer < len(widths) - 1
        start = _layer(weights, start, widths[layer - 1], widths[layer], step, hidden, plan, h, u)
        h, u = u, h
    d, k = widths[0], widths[-1]
    for j in range(k):
        offset, unit = numbers[2 * d + j], numbers[2 * d + k + j]
        for r in range(m):
            p[first + r, j] = offset + unit * h[j * step + r]


@register_jitable
def _layer(
    weights: Array, start: int, below: int, width: int, step: int, hidden: bool, plan: Array,
    h: Array, u: Array,
) -> int:  # fmt: skip
    """u becomes the layer above h; gives where the weights of the next one start."""
    code, residual, normalise = plan[0], plan[1], plan[2]
    across = _rounded(width, _ACROSS)
    last = start + _rounded(below, _DOWN) * across
    matrix, bias, rest = weights[start:last], weights[last : last + across], last + across
    if step == 1:
        _row(matrix, bias, h, u)
    else:
        _tile(matrix, bias, width, h, u)
    if hidden:
        if normalise:
            _normalise(weights[rest : rest + across], weights[rest + across :], width, u)
            rest += 2 * across
        _bend(code, u[: width * step])
        if residual and below == width:
            for i in range(width * step):
                u[i] += h[i]
        u[width * step : _rounded(width, _DOWN) * step] = 0.0  # inf times 0 would be no number
    return rest


@register_jitable
def _encode(x: Array, first: int, m: int, step: int, knots: int, numbers: Array, h: Array) -> None:
    """h becomes the encoded features of m rows."""
    d = x.shape[1]
    table, g, low = numbers[len(numbers) - 2 * d * knots :], np.empty(m), np.empty(m, np.uint64)
    for j in range(d):
        centre, inverse, z = numbers[j], numbers[d + j], h[j * step : j * step + m]
        for r in range(m):
            g[r] = x[first + r, j]
        if knots:
            places = table[j * knots : (j + 1) * knots]
            _interpolate(g, low, places, table[(d + j) * knots : (d + j + 1) * knots])
        for r in range(m):
            z[r] = (g[r] - centre) * inverse
    h[d * step : _rounded(d, _DOWN) * step] = 0.0


@register_jitable
def _interpolate(g: Array, low: Array, places: Array, levels: Array) -> None:
    """g becomes np.interp(g, places, levels), by halving for all rows at once."""
    left = len(places) - 1
    one, top = np.uint64(1), np.uint64(left)
    low[:] = 0
    while left > 1:
        half = np.uint64(left // 2)
        for r in range(len(g)):
            middle = low[r] + half
            low[r] = middle if places[middle] <= g[r] else low[r]
        left -= left // 2
    for r in range(len(g)):
        k = low[r]
        above = min(k + one, top)
        slope = (levels[above] - levels[k]) / (places[above] - places[k])
        v = levels[k] + slope * (g[r] - places[k])
        v = levels[0] if g[r] <= places[0] else v
        g[r] = levels[top] if g[r] >= places[top] else v


# Layers -------------------------------------------------------------------------------------------


@register_jitable
def _row(matrix: Array, bias: Array, h: Array, u: Array) -> None:
    """u becomes h W + b for one row."""
    stride = len(bias)
    for j in range(stride):
        u[j] = bias[j]
    for i in range(0, len(matrix) // stride, 4):
        w = matrix[i * stride : (i + 4) * stride]
        w0, w1, w2, w3 = (
            w[:stride],
            w[stride : 2 * stride],
            w[2 * stride : 3 * stride],
            w[3 * stride :],
        )
        h0, h1, h2, h3 = h[i], h[i + 1], h[i + 2], h[i + 3]
        for j in range(stride):
            u[j] += w0[j] * h0 + w1[j] * h1 + w2[j] * h2 + w3[j] * h3


@register_jitable
def _tile(matrix: Array, bias: Array, width: int, h: Array, u: Array) -> None:
    """u becomes h W + b for _TILE rows."""
    stride = len(bias)
    for j in range(0, width, 4):
        for k in range(j, j + 4):
            b, o = bias[k], u[k * _TILE : (k + 1) * _TILE]
            for r in range(_TILE):
                o[r] = b
        o = u[j * _TILE : (j + 4) * _TILE]
        for i in range(0, len(matrix) // stride, 4):
            _four_by_four(matrix, i * stride + j, stride, h[i * _TILE : (i + 4) * _TILE], o)


@register_jitable
def _four_by_four(w: Array, at: int, stride: int, h: Array, u: Array) -> None:
    """Adds to four neurons what four neurons of the layer below bring."""
    w0, w1 = w[at : at + 4], w[at + stride : at + stride + 4]
    w2, w3 = w[at + 2 * stride : at + 2 * stride + 4], w[at + 3 * stride : at + 3 * stride + 4]
    a0, a1, a2, a3 = w0[0], w0[1], w0[2], w0[3]
    b0, b1, b2, b3 = w1[0], w1[1], w1[2], w1[3]
    c0, c1, c2, c3 = w2[0], w2[1], w2[2], w2[3]
    d0, d1, d2, d3 = w3[0], w3[1], w3[2], w3[3]
    for r in range(_TILE):
        h0, h1, h2, h3 = h[r], h[r + _TILE], h[r + 2 * _TILE], h[r + 3 * _TILE]
        u[r] += a0 * h0 + b0 * h1 + c0 * h2 + d0 * h3
        u[r + _TILE] += a1 * h0 + b1 * h1 + c1 * h2 + d1 * h3
        u[r + 2 * _TILE] += a2 * h0 + b2 * h1 + c2 * h2 + d2 * h3
        u[r + 3 * _TILE] += a3 * h0 + b3 * h1 + c3 * h2 + d3 * h3


@register_jitable
def _normalise(gain: Array, shift: Array, width: int, u: Array) -> None:
    """u becomes gain · (u − m)/√(v + 1e-5) + shift, m and v of each row over its neurons."""
    mean, spread = np.zeros(_TILE), np.zeros(_TILE)
    for j in range(width):
        o = u[j * _TILE : (j + 1) * _TILE]
        for r in range(_TILE):
            mean[r] += o[r]
    for r in range(_TILE):
        mean[r] /= width
    for j in range(width):
        o = u[j * _TILE : (j + 1) * _TILE]
        for r in range(_TILE):
            spread[r] += (o[r] - mean[r]) ** 2
    for r in range(_TILE):
        spread[r] = 1.0 / np.sqrt(spread[r] / width + LEAST)
    for j in range(width):
        o = u[j * _TILE : (j + 1) * _TILE]
        g, s = gain[j], shift[j]
        for r in range(_TILE):
            o[r] = g * ((o[r] - mean[r]) * spread[r]) + s


# Activations --------------------------------------------------------------------------------------


@register_jitable
def _bend(code: int, u: Array) -> None:
    """Each number becomes f of it; NaN stays NaN."""
    zero, slope = u.dtype.type(0.0), u.dtype.type(0.01)
    if code == _RELU:
        for i in range(len(u)):
            u[i] = zero if u[i] < zero else u[i]
    elif code == _LEAKY_RELU:
        for i in range(len(u)):
            u[i] = slope * u[i] if u[i] < zero else u[i]
    elif code == _ELU:
        for i in range(len(u)):
            u[i] = _exp(u[i]) - 1.0 if u[i] < zero else u[i]
    elif code == _GELU:
        for i in range(len(u)):
            v = np.float64(u[i])
            u[i] = v * _sigmoid(_GELU_SLOPE * (v + 0.044715 * v * v * v))
    elif code == _SILU:
        for i in range(len(u)):
            u[i] *= _sigmoid(u[i])
    elif code == _TANH:
        for i in range(len(u)):
            u[i] = 2.0 * _sigmoid(2.0 * u[i]) - 1.0
    else:
        for i in range(len(u)):
            u[i] = _sigmoid(u[i])


@register_jitable
def _sigmoid(v: float) -> Any:
    """1 / (1 + e^−v)."""
    e = _exp(-abs(v))
    return (e if v < 0.0 else 1.0) / (1.0 + e)


@register_jitable
def _exp(v: float) -> Any:
    """e^v for v ≤ 0; as in `solvers.kernels_cost`."""
    v = -708.0 if v < -708.0 else v
    n = np.floor(v * 1.4426950408889634 + 0.5)
    r = (v - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    s = r * r
    q = s * s
    low = (1.0 + r) + s * (1.0 / 2.0 + r * (1.0 / 6.0))
    middle = (1.0 / 24.0 + r * (1.0 / 120.0)) + s * (1.0 / 720.0 + r * (1.0 / 5040.0))
    top = (1.0 / 40320.0 + r * (1.0 / 362880.0)) + s * (1.0 / 3628800.0 + r * (1.0 / 39916800.0))
    return (low + q * (middle + q * top)) * np.int64((np.int64(n) + 1023) << 52).view(np.float64)
