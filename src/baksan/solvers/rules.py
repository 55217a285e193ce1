"""Rules: how a step follows from the gradient g and from what the run remembers.

    heavy ball   v ← μ v − rate · g;                         w ← w + v           (Polyak 1964)
    RMSprop      s ← ρ s + (1 − ρ) g²;                       w ← w − rate · g / (√s + ε)
    Adam         v ← β₁ v + (1 − β₁) g,  s ← β₂ s + (1 − β₂) g²;
                 w ← w − rate · v̂ / (√ŝ + ε),  v̂ = v/(1 − β₁ᵗ),  ŝ = s/(1 − β₂ᵗ)

RMSprop: Hinton, lectures 2012; Adam: Kingma and Ba, ICLR 2015. With `decay` δ weights shrink by
themselves, w ← (1 − rate · δ) w before each step: of Adam this is AdamW (Loshchilov and Hutter,
ICLR 2019). Pure functions of arrays: NumPy runs these lines, `baksan.jaxed` runs them through JAX.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Moves = tuple[Array, Array, Array]
"""(change of w, velocity, squares)."""

__all__ = ["Rule", "adam", "clipped", "heavy_ball", "paces", "rmsprop", "stepped"]

_RUNNING = 0.1  # the share of the newest batch in a running average


@dataclass(frozen=True)
class Rule:
    """`move(g, velocity, squares, pace, settings)` → `Moves`; `settings` are its own numbers.

    `squares` says whether it remembers g².
    """

    name: str
    move: Callable[..., Moves]
    settings: tuple[float, ...] = ()
    squares: bool = False

    def decays(self) -> tuple[float, float]:
        """(β₁, β₂) of the bias corrections; 0 for none."""
        return (self.settings[0], self.settings[1]) if self.name == "adam" else (0.0, 0.0)


def _heavy_ball(g: Array, v: Array, s: Array, pace: Any, settings: Any) -> Moves:
    (momentum,) = settings
    v = momentum * v - pace[0] * g
    return v, v, s


def _rmsprop(g: Array, v: Array, s: Array, pace: Any, settings: Any) -> Moves:
    rho, least = settings
    s = rho * s + (1 - rho) * g * g
    return -pace[0] * g / (np.sqrt(s) + least), v, s


def _adam(g: Array, v: Array, s: Array, pace: Any, settings: Any) -> Moves:
    first, second, least = settings
    v = first * v + (1 - first) * g
    s = second * s + (1 - second) * g * g
    return -pace[0] * (v * pace[1]) / (np.sqrt(s * pace[2]) + least), v, s


def heavy_ball(momentum: float) -> Rule:
    """Gradient descent with momentum μ."""
    return Rule("heavy ball", _heavy_ball, (momentum,))


def rmsprop(rho: float, least: float) -> Rule:
    """RMSprop with these settings."""
    return Rule("rmsprop", _rmsprop, (rho, least), squares=True)


def adam(first: float, second: float, least: float) -> Rule:
    """Adam with these settings."""
    return Rule("adam", _adam, (first, second, least), squares=True)


def paces(rule: Rule, rates: Array, step: int) -> Array:
    """What steps are told of their time: the rate, 1/(1 − β₁ᵗ), 1/(1 − β₂ᵗ), and the weight of this
    iterate in the average of all, (m, 4) float64, from this step on.
    """
    t = step + 1.0 + np.arange(len(rates))
    columns = [1 / (1 - beta**t) for beta in rule.decays()]
    return np.column_stack([rates, *columns, 4.0 / (t + 3.0)])


def clipped(g: Array, longest: float, norm: Any) -> Array:
    """g, shortened to this length where it is longer."""
    return np.asarray(g * np.minimum(1.0, longest / (norm + 1e-30)))


def stepped(
    w: Array,
    g: Array,
    v: Array,
    s: Array,
    pace: Any,
    rule: Rule,
    decay: float,
    l1: float,
    penalised: Any,
    running: Any,
) -> Moves:
    """(w, velocity, squares) after a step; `penalised` and `running` are true where a parameter is.

    l1 pulls weights towards 0 by a soft threshold; a running average takes a tenth of its way.
    """
    change, v, s = rule.move(g, v, s, pace, rule.settings)
    new = w * (1 - pace[0] * decay * penalised) + change
    if l1:
        reach = np.maximum(np.abs(new) - pace[0] * l1, 0.0)
        new = np.where(penalised, np.sign(new) * reach, new)
        # Momentum carries the step that was made; else L1 would count (1 − momentum) times.
        v = new - w if rule.name == "heavy ball" else v
    return np.where(running, w - _RUNNING * g, new), v, s
