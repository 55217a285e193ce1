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

__all__ = [
    "ahead", "at", "at_prepared", "exponentials", "gamma", "normal", "poisson", "stream", "uniform",
    "unit",
]  # fmt: skip

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
def ahead(s: Array, event: int, words: Array) -> None:
    """The first four words of this event at all places, (4, places): at once, side by side."""
    low, high = np.uint64(event & _WORD), np.uint64(event >> 32)
    for place in range(words.shape[1]):
        a, b, c, d = _philox(np.uint64(0), np.uint64(place), low, high, s[0], s[1])
        words[0, place] = a
        words[1, place] = b
        words[2, place] = c
        words[3, place] = d


@register_jitable
def at_prepared(s: Array, event: int, place: int, words: Array, used: int) -> None:
    """As `at`, where `ahead` has made the first words, and so many of them were used."""
    at(s, event, place)
    s[2] = 1
    for i in range(4):
        s[6 + i] = words[i, place]
    s[_USED] = used


@register_jitable
def _philox(a: Any, b: Any, c: Any, d: Any, j: Any, k: Any) -> Any:
    """Ten rounds with the counter a, b, c, d and the key j, k: four words."""
    word, half = np.uint64(_WORD), np.uint64(32)
    a, b, c, d = np.uint64(a), np.uint64(b), np.uint64(c), np.uint64(d)
    j, k = np.uint64(j), np.uint64(k)
    for _ in range(10):
        p = np.uint64(0xD2511F53) * a
        q = np.uint64(0xCD9E8D57) * c
        a, b, c, d = (q >> half) ^ b ^ j, q & word, (p >> half) ^ d ^ k, p & word
        j = (j + np.uint64(0x9E3779B9)) & word
        k = (k + np.uint64(0xBB67AE85)) & word
    return a, b, c, d


@register_jitable
def _turn(s: Array) -> None:
    """The next four words."""
    s[6], s[7], s[8], s[9] = _philox(s[2], s[3], s[4], s[5], s[0], s[1])
    s[2] += np.uint32(1)
    s[_USED] = 0


@register_jitable
def uniform(s: Array) -> float:
    """Uniform in (0, 1), in steps of 2⁻³²."""
    if s[_USED] == 4:
        _turn(s)
    word = s[6 + s[_USED]]
    s[_USED] += np.uint32(1)
    return unit(word)


@register_jitable
def unit(word: int) -> float:
    """A word as a number in (0, 1)."""
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
