"""Adam, AdamW and RMSprop: descents whose steps have a length of their own for each parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from baksan.solvers.base import Problem
from baksan.solvers.descent import Descent
from baksan.solvers.rules import Rule, adam, rmsprop
from baksan.solvers.schedules import Constant, Schedule

__all__ = ["Adam", "AdamW", "Adaptive", "RMSprop"]


@dataclass(frozen=True)
class Adaptive(Descent):
    """Descent by a rule that divides each parameter's step by the size of its gradients.

    Parameters
    ----------
    kind : 'adam' or 'rmsprop'
        See `baksan.solvers.rules` for the formulas.
    betas : (β₁, β₂)
        How much the averages of g and g² remember; RMSprop uses β₂ only.
    least : float
        ε, in units of the gradient.
    rate, batch, steps, epochs, seconds, decay, clip, tolerance, patience, way, …
        As in `Descent`; rate="auto" is 0.001.
    """

    kind: Literal["adam", "rmsprop"] = "adam"
    betas: tuple[float, float] = (0.9, 0.999)
    least: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kind not in ("adam", "rmsprop"):
            raise ValueError(f"kind must be adam or rmsprop; it is {self.kind!r}.")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas must be two numbers from 0, below 1; they are {self.betas}.")
        if not self.least > 0:
            raise ValueError(f"least must be above 0; it is {self.least}.")
        if self.momentum or self.nesterov:
            raise ValueError(f"{self.name} has betas in place of momentum; leave momentum out.")

    @property
    def name(self) -> str:  # type: ignore[override]
        if self.kind == "rmsprop":
            return "RMSprop"
        return "AdamW" if self.decay else "Adam"

    @property
    def rule(self) -> Rule:
        if self.kind == "rmsprop":
            return rmsprop(self.betas[1], self.least)
        return adam(*self.betas, self.least)

    def schedule(self, problem: Problem) -> Schedule:
        return Constant(1e-3) if isinstance(self.rate, str) else super().schedule(problem)


def Adam(
    rate: float | Schedule | Literal["auto"] = 1e-3, batch: int | None = 256, **settings: Any
) -> Adaptive:
    """Adam (Kingma and Ba, ICLR 2015). Settings as in `Adaptive`."""
    return Adaptive(rate, batch=batch, **settings)


def AdamW(
    rate: float | Schedule | Literal["auto"] = 1e-3,
    batch: int | None = 256,
    decay: float = 0.01,
    **settings: Any,
) -> Adaptive:
    """Adam whose weights shrink by rate · decay a step (Loshchilov and Hutter, ICLR 2019)."""
    return Adaptive(rate, batch=batch, decay=decay, **settings)


def RMSprop(
    rate: float | Schedule | Literal["auto"] = 1e-3, batch: int | None = 256, **settings: Any
) -> Adaptive:
    """RMSprop (Hinton 2012), ρ = 0.99. Settings as in `Adaptive`."""
    return Adaptive(rate, batch=batch, **{"kind": "rmsprop", "betas": (0.0, 0.99), **settings})
