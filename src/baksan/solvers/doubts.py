"""What stands in the way of a training of networks: memory, rates, events far from all others."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from baksan import memory
from baksan.losses import Loss
from baksan.models.ensemble import Ensemble
from baksan.models.network import Network
from baksan.models.neural import Neural
from baksan.samples import Samples
from baksan.solvers.base import Problem

__all__ = ["check_memory", "check_size", "farthest", "why_it_diverged"]

_PASSES = 6  # arrays of each layer's width that a step holds at once: sums, slopes, their products
_FAR = 30.0  # standard deviations from which an event is worth a word; one of n has at most √n


def check_memory(network: Neural, batch: int) -> None:
    """Raises MemoryError for a batch whose layers would not fit into memory."""
    one = _PASSES * network.passed * network.dtype.itemsize
    if batch * one > (left := memory.available()):
        fits = 2 ** int(math.log2(max(left // (4 * one), 1)))
        raise MemoryError(
            f"a step on {batch:,} events of this network needs about {batch * one / 1e9:.3g} GB;"
            f" {left / 1e9:.3g} GB are left. Take batch={fits}."
        )


def check_size(network: Neural, loss: Loss) -> None:
    """Raises ValueError for answers whose costs the network's precision cannot tell apart."""
    kind = np.finfo(network.dtype)
    double = "" if kind.bits == 64 else ', or take precision="float64"'
    size, most = max(loss.degree, 1) * math.log(network.unit.max()), 0.75 * math.log(kind.max)
    if not abs(size) <= most:
        raise ValueError(
            f"answers that are spread over {network.unit.max():.3g} make costs beyond the numbers"
            f" of {network.precision}; give them in another unit{double}."
        )
    offset = network.offset * (not loss.follows)
    if np.any(np.abs(offset) > 1e-3 * network.unit / kind.eps):
        raise ValueError(
            f"the answers lie around {np.abs(offset).max():.3g} and differ by"
            f" {network.unit.max():.3g}, less than {network.precision} tells apart; take their mean"
            f" away{double}."
        )


def why_it_diverged(problem: Problem, step: int, rate: float) -> str:
    """The sentence that a run ends with whose Q is infinite or no number."""
    told = (
        f"Q left all bounds near step {step:,} with the rate {rate:.3g}; try {rate / 10:.2g}, or"
        " clip=1 for gradients that are too long."
    )
    far = farthest(problem)
    return f"{told} {far}" if far else told


def farthest(problem: Problem) -> str:
    """Which event is far from all others, in a feature or in its answer; "" if none is."""
    model = problem.model.of if isinstance(problem.model, Ensemble) else problem.model
    if not isinstance(model, Network):
        return ""
    X = problem.X if isinstance(problem.X, Samples) else problem.X.sample
    z, far = np.abs(model.encoding(X.x)), min(_FAR, 0.9 * math.sqrt(len(X)))
    row, j = np.unravel_index(int(z.argmax()), z.shape)
    if z[row, j] > far:
        return (
            f"The event {X.ids[row]} is {z[row, j]:.3g} standard deviations from the mean in"
            f" {X.names[j]}, whose value is {X.x[row, j]:.6g}: leave it out, or take"
            ' inputs="quantile".'
        )
    if X.task == "regression" and (off := _answers_off(X))[top := int(off.argmax())] > far:
        return (
            f"The answer of the event {X.ids[top]} is {off[top]:.3g} standard deviations from the"
            " mean: leave it out, or take the huber loss."
        )
    return ""


def _answers_off(X: Samples) -> NDArray[np.float64]:
    """How many standard deviations each event's answer is from the mean, at most, (n,)."""
    y = X.answers.reshape(len(X), -1)
    spread = y.std(axis=0)
    return np.asarray((np.abs(y - y.mean(axis=0)) / np.where(spread > 0, spread, 1.0)).max(axis=1))
