"""Steps of an ensemble: each member by itself, side by side on the cores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.compiled import side_by_side
from baksan.models.ensemble import Ensemble, seed_of_member
from baksan.solvers.base import Problem, State, Stepper

Array = NDArray[Any]

__all__ = ["Members"]

_CUT = ("parameters", "velocity", "average", "turn")


class Members:
    """Takes the same steps as a fit of each member would; the State holds those of all of them."""

    def __init__(self, problem: Problem, stepper: Callable[[Problem], Stepper]) -> None:
        assert isinstance(problem.model, Ensemble)
        self.model, self.problem = problem.model, problem
        self.steppers = [
            stepper(replace(problem, model=network)) for network in problem.model.networks
        ]
        self.schedule = getattr(self.steppers[0], "schedule", None)

    def close(self) -> None:
        """Ends the reading ahead."""
        for one in self.steppers:
            getattr(one, "close", lambda: None)()

    def __call__(self, state: State, steps: int) -> State:
        after: list[Any] = [None] * self.model.members

        def one(m: int) -> None:
            after[m] = self.steppers[m](self.part(state, m), steps)

        side_by_side(one, range(self.model.members))
        return self.joined(state, after)

    def part(self, state: State, m: int) -> State:
        """The State of one member."""
        cut = {name: self.model.parts(getattr(state, name))[m] for name in _CUT}
        moments = {name: self.model.parts(array)[m] for name, array in state.moments.items()}
        seed = seed_of_member(state.seed, m, self.model.members)
        return replace(state, **cut, moments=moments, seed=seed)

    def joined(self, before: State, after: list[State]) -> State:
        """The State of all members; losses are their means, lengths those of all parameters."""
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(s, name) for s in after]) for name in _CUT
        }
        moments = {k: np.concatenate([s.moments[k] for s in after]) for k in before.moments}
        means: dict[str, Any] = {
            k: float(np.mean([getattr(s, k) for s in after])) for k in ("cost", "loss")
        }
        lengths: dict[str, Any] = {
            k: float(np.linalg.norm([getattr(s, k) for s in after]))
            for k in ("gradient", "change", "epoch_change")
        }
        return replace(after[0], **arrays, **means, **lengths, moments=moments, seed=before.seed)
