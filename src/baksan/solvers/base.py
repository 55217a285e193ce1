"""What every solver answers, and the State that lets any run go on from where it was.

    state = solver.start(model, seed=0)
    for state in solver.run(model, X, loss, state):
        ...

A State holds arrays and numbers only: storing it and going on from it later is the same run.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from baksan.losses import L1, L2, Loss, Q
from baksan.models.base import Model
from baksan.samples import Samples
from baksan.solvers.schedules import Schedule
from baksan.stream import Stream

if TYPE_CHECKING:
    from baksan.solvers.gram import Gram

Array = NDArray[Any]
Events = Samples | Stream
Penalty = L1 | L2

__all__ = ["Events", "Penalty", "Problem", "Solver", "State", "Stepper"]


@dataclass(frozen=True, eq=False)
class State:
    """Where a run stands; everything that the next step depends on, and what it has counted.

    The order in which epoch e visits the events is drawn from (seed, e), so these two numbers and
    the place in the epoch are the whole random state.
    """

    parameters: Array
    velocity: Array
    average: Array
    seed: int = 0
    step: int = 0
    epoch: int = 0
    place: int = 0
    """Events of this epoch already visited."""
    seen: int = 0
    cost: float = 0.0
    """Σ w_i loss_i before each update, over the whole run: progressive loss is Δcost/Δmass."""
    mass: float = 0.0
    """Σ w_i over the whole run."""
    loss: float = np.nan
    """Mean loss of the last step's batch, before its update; for a full batch this is Q."""
    gradient: float = np.nan
    """|∂(Q + penalty)/∂w| on the last step's batch."""
    change: float = np.nan
    """|w_t − w_(t−1)| of the last step."""
    turn: Array = field(default_factory=lambda: np.empty(0))
    """The parameters when this epoch began."""
    epoch_change: float = np.inf
    """|w at the end of the last whole epoch − w at its start|."""
    best: Array = field(default_factory=lambda: np.empty(0))
    """The parameters with the lowest validation loss so far, where a fit watches it."""
    best_loss: float = np.inf
    waited: int = 0
    """Looks at the validation loss since then."""
    slowed: float = 1.0
    """By what looks that found no lower one have multiplied the rate (`Plateau`)."""
    moments: Mapping[str, Array] = field(default_factory=dict)
    """Further arrays that a solver carries from step to step, by name."""

    def check(self, fresh: State) -> None:
        """Raises ValueError for the state of another model than that of a fresh one."""
        if self.parameters.shape != fresh.parameters.shape:
            raise ValueError(
                f"the state must be of this model, with {fresh.parameters.size} parameters;"
                f" it has {self.parameters.size}. Start afresh: state=None."
            )
        if set(self.moments) != set(fresh.moments):
            wanted, held = (", ".join(sorted(s.moments)) or "nothing" for s in (fresh, self))
            raise ValueError(
                f"the state must be of this solver, which remembers {wanted} besides its velocity;"
                f" it holds {held}. Start afresh: state=None."
            )

    def to_arrays(self) -> dict[str, Array]:
        """Every part as a float64 or int64 array, by name."""
        parts = {f.name: np.asarray(getattr(self, f.name)) for f in fields(self)[:-1]}
        return parts | {f"moments.{name}": array for name, array in self.moments.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Self:
        """The State that `to_arrays` took apart. Raises KeyError when a part is missing."""
        head = "moments."
        moments = {k.removeprefix(head): v for k, v in arrays.items() if k.startswith(head)}
        parts = {f.name: _scalar(arrays[f.name]) for f in fields(cls)[:-1]}
        return cls(**parts, moments=moments)


def _scalar(array: Array) -> Any:
    return array if array.ndim else array.item()


@dataclass(frozen=True, eq=False)
class Problem:
    """What a run minimises: Q(a, X) + penalty, with everything checked once.

    Raises ValueError for empty samples, missing answers, and a loss that does not fit the answers.
    """

    model: Model
    X: Events
    loss: Loss
    penalty: Penalty | None = None
    gram: Gram | None = None
    """The sums that squared losses need, where somebody has made them already."""

    def __post_init__(self) -> None:
        if isinstance(self.X, Samples) and not len(self.X):
            raise ValueError("a fit needs events; the samples are empty.")
        _ = self.X.head.answers
        self.loss.check_task(self.X.task)
        check_penalty(self.penalty)

    @property
    def l2(self) -> float:
        return float(self.penalty.strength) if isinstance(self.penalty, L2) else 0.0

    @property
    def l1(self) -> float:
        return float(self.penalty.strength) if isinstance(self.penalty, L1) else 0.0

    @cached_property
    def negative(self) -> bool:
        """Whether some events have negative weights; of a stream its survey tells."""
        return bool(self.X.negative_share if self.gram is None else self.gram.negative)

    @cached_property
    def mean_weight(self) -> float:
        return self.X.mean_weight if self.gram is None else self.gram.mass / self.gram.events

    def value(self, parameters: Array) -> float:
        """Q(a, X) + penalty at these parameters."""
        a = self.model.moved(parameters)
        w = parameters[self.model.penalised]
        q = Q(a, self.X, self.loss)
        return q if self.penalty is None else q + self.penalty.value(w)


def check_penalty(penalty: object) -> None:
    """Raises TypeError for what is none."""
    if penalty is not None and not isinstance(penalty, L1 | L2):
        raise TypeError(f"a penalty is L1(λ) or L2(λ); {penalty!r} came. Write bk.L2(λ).")


class Stepper(Protocol):
    """(state, steps) → the state that many steps later.

    A stepper that has made sums of the events may offer value(parameters) → Q there, from them; one
    that reads ahead offers close(), which a fit calls at its end; one that takes steps together
    offers whole(state, steps) → so many or a few more, after which a fit may cut.
    """

    def __call__(self, state: State, steps: int) -> State: ...


class Solver(ABC):
    """A frozen description of how to minimise; it holds settings, never data.

    A solver of one's own needs `stepper` and `end`; the rest has defaults. `batch` is how many
    events a step sees (None: all of them), `seconds` and `patience` are budgets that a fit keeps.
    """

    name: str = "solver"
    batch: int | None = None
    seconds: float = math.inf
    patience: int | None = None
    tolerance: float = 0.0
    descends: bool = True
    """Whether Q falls step by step, so that growth is a fault."""

    def start(self, model: Model, *, seed: int = 0) -> State:
        """The State before the first step, at the model's parameters."""
        w = np.array(model.parameters, dtype=np.float64)
        return State(
            parameters=w, velocity=np.zeros_like(w), average=w.copy(), turn=w.copy(), seed=seed
        )

    @abstractmethod
    def stepper(self, problem: Problem) -> Stepper:
        """The function that takes steps on this problem, in the fastest way that applies."""

    def wants_gram(self, problem: Problem) -> bool:
        """Whether it works on the Gram matrix, so that a fit makes it first, in the first pass."""
        return False

    def no_negative_weights(self, loss: Loss) -> str:
        """Why events of negative weight cannot be learned from; "" if they can."""
        return ""

    @abstractmethod
    def end(self, n: int) -> float:
        """The number of the last step on n events; infinite where only a condition ends it."""

    def schedule(self, problem: Problem) -> Schedule | None:
        """The rate of each step, where the solver has one."""
        return None

    def converged(self, state: State) -> str:
        """The sentence that says which condition of convergence holds; "" if none."""
        return ""

    @property
    def watches(self) -> bool:
        """Whether it waits for the validation loss."""
        return self.patience is not None

    def watched(self, state: State, loss: float, parameters: Array) -> State:
        """The state after a look at the validation loss: that with the lowest is kept."""
        if loss < state.best_loss:
            return replace(state, best=parameters.copy(), best_loss=loss, waited=0)
        return replace(state, waited=state.waited + 1)

    def too_steep(self, problem: Problem) -> str:
        """What is wrong with the rate on this problem and what to try; "" if nothing."""
        return ""

    def diverged(self, problem: Problem, state: State) -> str:
        """The sentence that a run ends with whose parameters are infinite, or no numbers."""
        return f"Q left all bounds near step {state.step:,}; take smaller steps."

    def ended(self, stepper: Stepper, state: State) -> tuple[bool, str]:
        """Whether the last step has brought the answer, and the sentence that says so."""
        return False, f"the budget of {state.step:,} steps is spent; give more if Q still falls."

    def iterate(self, state: State) -> Array:
        """The parameters that this state stands for, (P,)."""
        return state.parameters

    def solution(self, state: State) -> Array:
        """The parameters offered as the answer: the iterate, or the best one that was watched."""
        return state.best if state.best.size else self.iterate(state)

    def run(
        self,
        model: Model,
        X: Events,
        loss: Loss,
        state: State | None = None,
        *,
        penalty: Penalty | None = None,
        seed: int = 0,
        every: int = 1,
    ) -> Iterator[State]:
        """The States of a run, one after each `every` steps, from `state` or from the start."""
        state = self.start(model, seed=seed) if state is None else state
        step, last = self.stepper(Problem(model, X, loss, penalty)), self.end(len(X))
        try:
            while state.step < last:
                state = step(state, int(min(every, last - state.step)))
                yield state
        finally:
            getattr(step, "close", lambda: None)()
