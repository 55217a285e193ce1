"""The sums behind curves of classes as loops, in the part of Python that Numba compiles.

The events are ranked: by score, the best first, or by the probability that was promised.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = ["calibrated", "passing"]


def passing(weight: Array, signal: Array, ends: Array, passed: Array) -> None:
    """passed (2, m + 1) becomes Σ w of background and of signal from the best down to `ends` (m,).

    weight (n,), signal (n,) bool; passed[:, 0] is 0: above the best score there is nothing.
    """
    background = above = 0.0
    passed[0, 0] = passed[1, 0] = 0.0
    i = 0
    for k in range(len(ends)):
        while i <= ends[k]:
            of_signal = weight[i] if signal[i] else 0.0
            above += of_signal
            background += weight[i] - of_signal
            i += 1
        passed[0, k + 1], passed[1, k + 1] = background, above


def calibrated(
    weight: Array, promised: Array, happened: Array, edges: Array, levels: Array, sums: Array
) -> None:
    """sums (3, bins) becomes Σ w, Σ w promised, Σ w happened of the events of each bin.

    weight, promised (n,), happened (n,) bool. The events edges[g] … edges[g + 1] − 1 are promised
    the same; they go into the bin where the middle of their weight falls, as the running sum of
    the weights passes `levels` (bins − 1,). Bins that no event falls into keep 0.
    """
    b, below = 0, 0.0
    total = hoped = came = 0.0
    for g in range(len(edges) - 1):
        mass = true = 0.0
        for i in range(edges[g], edges[g + 1]):
            mass += weight[i]
            true += weight[i] if happened[i] else 0.0
        while b < len(levels) and below + 0.5 * mass >= levels[b]:
            sums[0, b], sums[1, b], sums[2, b] = total, hoped, came
            total = hoped = came = 0.0
            b += 1
        below += mass
        total += mass
        hoped += mass * promised[edges[g]]
        came += true
    sums[0, b], sums[1, b], sums[2, b] = total, hoped, came
