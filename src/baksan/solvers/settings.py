"""How a descent goes: what a step sees, how long it is, when it ends. Settings only, no data."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from baksan import losses
from baksan.losses import Loss
from baksan.models.base import Model
from baksan.models.linear import Linear
from baksan.models.neural import Neural
from baksan.solvers.base import Problem, Solver, State
from baksan.solvers.rules import Rule, heavy_ball, paces
from baksan.solvers.schedules import Schedule, plateau_of

Array = NDArray[Any]
Way = Literal["auto", "generic", "python", "compiled"]

__all__ = ["Settings", "Way"]


@dataclass(frozen=True)
class Settings(Solver):
    """The settings of `Descent`, which says what they mean; raises ValueError for a wrong one."""

    rate: float | Schedule | Literal["auto"] = "auto"
    batch: int | None = None
    steps: int | None = None
    epochs: int | None = None
    seconds: float = math.inf
    decay: float = 0.0
    clip: float | None = None
    momentum: float = 0.0
    nesterov: bool = False
    average: bool = False
    shuffle: bool = True
    tolerance: float = 0.0
    gradient_tolerance: float = 0.0
    patience: int | None = None
    way: Way = "auto"

    def __post_init__(self) -> None:
        for name in ("batch", "steps", "epochs", "patience"):
            value = getattr(self, name)
            if value is not None and (value < 1 or value != int(value)):
                raise ValueError(f"{name} must be a whole number from 1; it is {value}.")
            object.__setattr__(self, name, None if value is None else int(value))
        for name in ("seconds", "tolerance", "gradient_tolerance", "decay"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be 0 or more; it is {getattr(self, name)}.")
        if self.clip is not None and not 0 < self.clip < math.inf:
            raise ValueError(f"clip must be positive; it is {self.clip}. Leave it out for none.")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be at least 0 and below 1; it is {self.momentum}.")
        if isinstance(self.rate, Real) and not 0 < self.rate < math.inf:
            raise ValueError(f"rate must be positive; it is {self.rate}.")
        if not (isinstance(self.rate, Real) or callable(self.rate) or self.rate == "auto"):
            raise ValueError(f"rate must be a number, a schedule or 'auto'; it is {self.rate!r}.")
        if self.way not in ("auto", "generic", "python", "compiled"):
            raise ValueError(f"way must be auto, generic, python or compiled; it is {self.way!r}.")

    @property
    def name(self) -> str:  # type: ignore[override]
        """What the course calls it."""
        if self.batch is None:
            return "gradient descent"
        return "stochastic gradient descent" if self.batch == 1 else "mini-batch gradient descent"

    def start(self, model: Model, *, seed: int = 0) -> State:
        state = super().start(model, seed=seed)
        if not self.rule.squares:
            return state
        return replace(state, moments={"squares": np.zeros_like(state.parameters)})

    def steps_per_epoch(self, n: int) -> int:
        return 1 if self.batch is None else math.ceil(n / self.batch)

    def end(self, n: int) -> float:
        limits = []
        if self.steps is not None:
            limits.append(self.steps)
        if self.epochs is not None:
            limits.append(self.epochs * self.steps_per_epoch(n))
        if limits:
            return min(limits)
        return 1000 if self.batch is None else 20 * self.steps_per_epoch(n)

    def iterate(self, state: State) -> Array:
        return state.average if self.average and state.step else state.parameters

    @property
    def rule(self) -> Rule:
        """How a step follows from the gradient and from what the run remembers."""
        return heavy_ball(self.momentum)

    @property
    def watches(self) -> bool:
        return self.patience is not None or plateau_of(self.rate) is not None

    def watched(self, state: State, loss: float, parameters: Array) -> State:
        state, plateau = super().watched(state, loss, parameters), plateau_of(self.rate)
        if plateau is None:
            return state
        return replace(state, slowed=state.slowed * plateau.factor_after(state.waited))

    def rates(self, schedule: Schedule, state: State, steps: int) -> Array:
        """The rates of the next steps, (steps,)."""
        rates = schedule(np.arange(state.step, state.step + steps))
        return np.asarray(rates, dtype=np.float64) * state.slowed

    def paces(self, schedule: Schedule, state: State, steps: int) -> Array:
        """What the next steps are told of their time: see `rules.paces`, (steps, 4)."""
        return paces(self.rule, self.rates(schedule, state, steps), state.step)

    @abstractmethod
    def schedule(self, problem: Problem) -> Schedule:
        """The rate of each step on this problem, 'auto' resolved."""

    def way_for(self, model: Model, loss: Loss) -> Way:
        """Which way takes the steps. Raises ValueError where the one asked for does not apply."""
        if self.way == "generic":
            return "generic"
        if isinstance(model, Neural):
            return self._way_of_networks(loss)
        from baksan.solvers.kernels_cost import CODES

        plain = self.rule.name == "heavy ball" and not self.decay and self.clip is None
        fits = type(model) is Linear and loss.cost in CODES and plain
        if self.way != "auto" and not fits:
            raise ValueError(
                f"the way {self.way!r} is for gradient descents of the linear model, without decay"
                f" and clip, and the losses of baksan.losses; this is {type(model).__name__} with"
                f" {loss.name}. Take way='generic'."
            )
        return self.way if self.way != "auto" else ("compiled" if fits else "generic")

    def _way_of_networks(self, loss: Loss) -> Way:
        from baksan import jaxed

        if self.way == "python":
            raise ValueError(
                "the way 'python' is for the linear model's kernels; a network's lines in NumPy are"
                " the way 'generic'."
            )
        ours = loss.cost.__module__.startswith(f"{losses.__name__}.")
        if self.way == "compiled" and not jaxed.available():
            raise ModuleNotFoundError(
                "networks are compiled by JAX, which is not installed; pip install"
                " 'baksan[networks]', or take way='generic', which is slower."
            )
        if self.way == "compiled" and not ours:
            raise ValueError(
                f"the way 'compiled' is for the losses of baksan.losses; this is {loss.name}. Take"
                " way='generic'."
            )
        return "compiled" if ours and jaxed.available() else "generic"
