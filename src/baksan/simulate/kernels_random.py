"""Random numbers by event and station, in the part of Python that Numba compiles.

Philox-4x32-10 (J. Salmon et al., SC '11 (2011), art. 16): a key and a counter of four words give
four words of 32 bits. The key is the seed; the counter holds the event, the place (a station, a
pixel, a particle) and a number that runs. So what happens at a place of an event depends on seed,
event and place alone, whoever asks, in whatever order.

A stream is an array of 11 words: key (2), running number, place, event (2), four words that were
made, and how many of them were used.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = ["at", "exponentials", "gamma", "normal", "poisson", "stream", "uniform"]

_USED = 10
_WORD = 0xFFFFFFFF
_STEP = 2.0**-32
_FEW = 10.0  # means below which Poisson numbers are counted up one by one
_TOGETHER = 16  # exponential numbers that are drawn one by one


def stream(seed: int) -> Array:
    """A stream of this seed; `at` says of what. Raises ValueError for seeds outside 0 … 2⁶⁴ − 1."""
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"seed must lie between 0 and 2^64 - 1; {seed} does not. Give another.")
    made = np.zeros(11, dtype=np.uint32)
    made[0], made[1] = seed & _WORD, seed >> 32
    return made


@register_jitable
def at(s: Array, event: int, place: int) -> None:
    """From here on the numbers of this event at this place, from the first."""
    s[2] = 0
    s[3] = place
    s[4] = event & _WORD
    s[5] = event >> 32
    s[_USED] = 4


@register_jitable
def _turn(s: Array) -> None:
    """The next four words."""
    a, b = np.uint64(s[2]), np.uint64(s[3])
    c, d = np.uint64(s[4]), np.uint64(s[5])
    j, k = np.uint64(s[0]), np.uint64(s[1])
    word, half = np.uint64(_WORD), np.uint64(32)
    for _ in range(10):
        p = np.uint64(0xD2511F53) * a
        q = np.uint64(0xCD9E8D57) * c
        a, b, c, d = (q >> half) ^ b ^ j, q & word, (p >> half) ^ d ^ k, p & word
        j = (j + np.uint64(0x9E3779B9)) & word
        k = (k + np.uint64(0xBB67AE85)) & word
    s[6], s[7], s[8], s[9] = a, b, c, d
    s[2] += np.uint32(1)
    s[_USED] = 0


@register_jitable
def uniform(s: Array) -> float:
    """Uniform in (0, 1), in steps of 2⁻³²."""
    if s[_USED] == 4:
        _turn(s)
    word = s[6 + s[_USED]]
    s[_USED] += np.uint32(1)
    return (float(word) + 0.5) * _STEP


@register_jitable
def normal(s: Array) -> float:
    """Normal of mean 0 and spread 1: √(−2 ln u) cos 2πv (Box and Muller)."""
    radius = math.sqrt(-2.0 * math.log(uniform(s)))
    return radius * math.cos(2.0 * math.pi * uniform(s))


@register_jitable
def poisson(s: Array, mean: float) -> int:
    """Poisson: by inversion below 10, above by W. Hörmann's PTRS (Insur. Math. Econ. 12 (1993) 39).

    0 for a mean of 0 or less.
    """
    if mean <= 0.0:
        return 0
    if mean < _FEW:
        u, n = uniform(s), 0
        if u <= 1.0 - mean:  # which lies below exp(−mean)
            return 0
        share = math.exp(-mean)
        below = share
        while u > below and n < 100:
            n += 1
            share *= mean / n
            below += share
        return n
    return _many(s, mean)


@register_jitable
def _many(s: Array, mean: float) -> int:
    """PTRS: a ratio of uniforms with a squeeze."""
    root = math.sqrt(mean)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    scale = 1.1239 + 1.1328 / (b - 3.4)
    quick = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u, v = uniform(s) - 0.5, uniform(s)
        rest = 0.5 - abs(u)
        n = math.floor((2.0 * a / rest + b) * u + mean + 0.43)
        if rest >= 0.07 and v <= quick:
            return int(n)
        if n < 0 or (rest < 0.013 and v > rest):
            continue
        heard = math.log(v * scale / (a / (rest * rest) + b))
        if heard <= n * math.log(mean) - mean - math.lgamma(n + 1.0):
            return int(n)


@register_jitable
def gamma(s: Array, shape: float) -> float:
    """Gamma of this shape and scale 1 (G. Marsaglia and W. Tsang, ACM TOMS 26 (2000) 363); 0 for a
    shape of 0 or less.
    """
    if shape <= 0.0:
        return 0.0
    boost = 1.0
    if shape < 1.0:
        boost = uniform(s) ** (1.0 / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = normal(s)
        v = (1.0 + c * x) ** 3
        if v <= 0.0:
            continue
        u = uniform(s)
        if u < 1.0 - 0.0331 * x**4 or math.log(u) < 0.5 * x * x + d * (1.0 - v + math.log(v)):
            return boost * d * v


@register_jitable
def exponentials(s: Array, n: int) -> float:
    """The sum of n exponential numbers of mean 1."""
    if n > _TOGETHER:
        return gamma(s, float(n))
    product = 1.0
    for _ in range(n):
        product *= uniform(s)
    return -math.log(product)
