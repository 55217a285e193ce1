"""Descent: w ← w − rate · ∂Q_B/∂w, where Q_B is Q on the batch B that a step sees.

Gradient descent sees all events, stochastic gradient descent one, mini-batches a few: one class.

    g = (1 / (|B| w̄)) Σ_{i∈B} w_i (∂a(x_i)/∂w)ᵀ slope_i + λw        w̄ mean weight of all events
    v ← momentum · v − rate · g;    w ← w + v                           heavy ball (Polyak 1964)
    nesterov: g is taken at w + momentum · v                            (Nesterov 1983)

Three ways to take the same steps, equal to rounding (tests/test_laws.py): `generic`, a few lines
for any model and loss; `python`, the linear model's kernels as plain Python; `compiled`, the same
kernels as machine code. `auto` takes the last where it applies. The steps stand in `steps`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from baksan import losses
from baksan.losses import Loss
from baksan.models.base import Model
from baksan.models.ensemble import Ensemble
from baksan.models.linear import Linear
from baksan.models.neural import Neural
from baksan.samples import Samples
from baksan.solvers.base import Penalty, Problem, State, Stepper
from baksan.solvers.doubts import why_it_diverged
from baksan.solvers.gram import Gram
from baksan.solvers.members import Members
from baksan.solvers.online import Online
from baksan.solvers.rates import Steepness, automatic, bound
from baksan.solvers.schedules import Constant, InverseTime, Schedule, schedule_of
from baksan.solvers.settings import Settings
from baksan.solvers.steps import Batches, FullSteps, Generic, GenericSums, GramSteps, KernelSums

Array = NDArray[Any]

__all__ = [
    "Descent",
    "GradientDescent",
    "MiniBatch",
    "StochasticGradientDescent",
]  # fmt: skip


_NETWORK_RATE = 0.05  # nobody knows the curvature: what trains most networks, in the answers' scale
_COMPILES, _STEP, _PRODUCT = 0.5, 1e-4, 3e-10  # seconds, of a step and of a product in NumPy
_DOWN = 0.01  # of its largest: a rate that a run ends with by plan
_WIDE = 1_000  # features up to which gradient descent on a squared loss makes the Gram matrix


@dataclass(frozen=True)
class Descent(Settings):
    """Descent in steps that see `batch` events each.

    Parameters
    ----------
    rate : float, Schedule or 'auto'
        The step's length; 'auto' takes it from the curvature of Q (`Steepness`). Networks, whose
        slopes are taken in the scale of the answers, get 0.05 (1 − momentum).
    batch : int, optional
        Events a step sees; None is all of them.
    steps, epochs : int, optional
        Budget; an epoch visits each event once. Without either, 1,000 full steps or 20 epochs.
    seconds : float, optional
        Budget of time; a fit stops after it.
    decay : float
        Weights shrink by rate · decay at each step, biases do not.
    clip : float, optional
        A gradient that is longer is shortened to this length.
    momentum : float in [0, 1)
    nesterov : bool
        Look ahead along the momentum before taking the gradient.
    average : bool
        The answer is the average of w_t with weight growing as t³ (Shamir and Zhang, ICML 2013).
    shuffle : bool
        A new order of events in each epoch, from (seed, epoch).
    tolerance : float
        Stop when |w_t − w_(t−1)| < tolerance, from step to step for full batches, else from epoch
        to epoch.
    gradient_tolerance : float
        Stop when |∂Q/∂w| on a full batch falls below.
    patience : int, optional
        Stop when the validation loss has not fallen for so many looks, one each epoch (each row of
        the history for full batches); the best weights are kept.
    way : 'auto', 'generic', 'python' or 'compiled'
        Which of the equal ways takes the steps.

    Events of negative weight step uphill; on the mean, steps still go down Q. The squared loss then
    needs a positive weighted scatter of the features, or a ValueError says so. Losses of bounded
    curvature are descended with rates from |w|; where Q is found below 0, which no mean of costs
    is, the run is given up. Piecewise linear and exponential losses are refused: their Q has many
    minima, or none. `losses.margin` is linear: its Q knows the signed sums only.
    """

    def schedule(self, problem: Problem) -> Schedule:
        if not isinstance(self.rate, str):
            return schedule_of(self.rate, self.end(len(problem.X)))
        if isinstance(problem.model, Neural | Ensemble):
            return Constant(_NETWORK_RATE * (1.0 - self.momentum))
        return automatic(self, problem)

    def bound(self, problem: Problem) -> tuple[float, str]:
        """The rate above which Q grows, and its formula: see `rates.bound`."""
        return bound(self, Steepness.of(problem))

    def too_steep(self, problem: Problem) -> str:
        if not isinstance(problem.model, Linear):
            return ""
        rate = float(np.asarray(self.schedule(problem)(np.zeros(1)))[0])
        limit, formula = self.bound(problem)
        if rate <= limit:
            return ""
        return (
            f"the step {rate:.3g} is above {formula} = {limit:.3g}: Q grows; try {limit / 2:.2g} or"
            ' rate="auto".'
        )

    def diverged(self, problem: Problem, state: State) -> str:
        if not isinstance(problem.model, Neural | Ensemble):
            return super().diverged(problem, state)
        before = replace(state, step=max(state.step - 1, 0))
        (rate,) = self.rates(self.schedule(problem), before, 1)
        return why_it_diverged(problem, state.step, float(rate))

    def converged(self, state: State) -> str:
        full = self.batch is None
        change = state.change if full else (state.epoch_change if not state.place else math.inf)
        if change < self.tolerance:
            return (
                f"converged after {state.step:,} steps: |w_t − w_(t−1)| = {change:.2g} is below"
                f" {self.tolerance:g}."
            )
        if full and state.gradient < self.gradient_tolerance:
            return (
                f"converged after {state.step:,} steps: |∂Q/∂w| = {state.gradient:.2g} is below"
                f" {self.gradient_tolerance:g}."
            )
        return ""

    def ended(self, stepper: Stepper, state: State) -> tuple[bool, str]:
        if self.batch is None:
            return False, (
                f"the budget of {state.step:,} steps is spent with |∂Q/∂w| = {state.gradient:.2g};"
                " give more steps, or momentum, if Q still falls."
            )
        if not state.epoch:
            return False, (
                f"the budget of {state.step:,} steps is spent within the first epoch; give more"
                " steps if Q still falls."
            )
        if told := self._came_down(stepper, state):
            return False, told
        return False, (
            f"the budget of {state.epoch:,} epochs is spent; the last moved the weights by"
            f" {state.epoch_change:.2g}. Give more epochs if Q still falls."
        )

    def _came_down(self, stepper: Stepper, state: State) -> str:
        """The sentence for a rate that has fallen on the way, by plan; "" for one that has not."""
        schedule = getattr(stepper, "schedule", None) or Constant(1.0)
        rates = schedule(np.linspace(0, state.step - 1, 1000).astype(int))
        if isinstance(schedule, InverseTime) or rates[-1] > _DOWN * rates.max():
            return ""
        return (
            f"the {state.epoch:,} epochs are done, and the rate has come down from"
            f" {rates.max():.2g} to {rates[-1]:.2g}. If Q was still falling, begin anew with more"
            " of them."
        )

    def wants_gram(self, problem: Problem) -> bool:
        """Full batches of a squared loss, unless there are so many features that it costs more."""
        squared = problem.loss.cost is losses.squared.cost
        if self.batch is not None or not squared or not isinstance(problem.model, Linear):
            return False
        d = problem.X.head.x.shape[-1]
        known = isinstance(problem.X, Samples)
        few = d <= (min(_WIDE, len(problem.X) // 2 + 8) if known else _WIDE)
        few = few and problem.X.head.x.ndim == 2
        return few and self.way_for(problem.model, problem.loss) != "generic"

    def no_negative_weights(self, loss: Loss) -> str:
        if loss.projected or (not callable(loss.bend) and loss.bend > 0):
            return ""
        return (
            "negative weights need a loss of bounded curvature, such as squared, huber, logistic,"
            f" softmax, squared_margin, squared_hinge, or the margin; with {loss.name} Q has many"
            " minima, or none. Take one of these, or leave the events of negative weight out."
        )

    def _check_weights(self, problem: Problem) -> None:
        """Raises ValueError for negative weights that leave no minimum."""
        if not problem.negative:
            return
        if why := self.no_negative_weights(problem.loss):
            raise ValueError(why)
        model = problem.model
        if problem.loss.cost is losses.squared.cost and isinstance(model, Linear):
            gram = problem.gram or Gram.of(problem.X, problem.loss, model.outputs)
            gram.axes(model, problem.l2)

    def stepper(self, problem: Problem) -> Stepper:
        problem.loss.check_descendable()
        self._check_weights(problem)
        if isinstance(problem.model, Ensemble):
            return Members(problem, self.stepper)
        way = self.way_for(problem.model, problem.loss)
        if isinstance(problem.model, Neural) and self._small(problem):
            way = "generic"
        if isinstance(problem.model, Neural) and way == "compiled":
            return self._network_stepper(problem)
        if self.batch is None:
            if self.wants_gram(problem):
                return GramSteps(self, problem, way)
            sums = GenericSums(problem) if way == "generic" else KernelSums(problem, way)
            return FullSteps(self, problem, sums)
        return Generic(self, problem) if way == "generic" else Batches(self, problem, way)

    def _small(self, problem: Problem) -> bool:
        """Whether NumPy is done with a network before JAX has compiled it."""
        network = problem.model
        assert isinstance(network, Neural)
        if self.way != "auto" or self.batch is None or not network.at_once:
            return False
        steps, parameters = self.end(len(problem.X)), network.parameters.size
        return steps * (_STEP + _PRODUCT * parameters * min(self.batch, len(problem.X))) < _COMPILES

    def _network_stepper(self, problem: Problem) -> Stepper:
        from baksan.solvers.lanes import lane_of
        from baksan.solvers.network_steps import NetworkSums

        if self.batch is None:
            return FullSteps(self, problem, NetworkSums(problem))
        return lane_of(self, problem)

    def online(
        self,
        model: Model,
        loss: Loss,
        *,
        penalty: Penalty | None = None,
        state: State | None = None,
    ) -> Online:
        """A handle whose `learn(x, y)` takes one sample a call: the same steps, fed by hand."""
        return Online(self, model, loss, penalty, self.start(model) if state is None else state)


def GradientDescent(rate: float | Schedule | Literal["auto"] = "auto", **settings: Any) -> Descent:
    """Each step sees all events. Settings as in `Descent`."""
    return Descent(rate, **settings)


def StochasticGradientDescent(
    rate: float | Schedule | Literal["auto"] = "auto", **settings: Any
) -> Descent:
    """Each step sees one event. Settings as in `Descent`."""
    return Descent(rate, batch=1, **settings)


def MiniBatch(
    rate: float | Schedule | Literal["auto"] = "auto", batch: int = 32, **settings: Any
) -> Descent:
    """Each step sees `batch` events. Settings as in `Descent`."""
    return Descent(rate, batch=batch, **settings)
