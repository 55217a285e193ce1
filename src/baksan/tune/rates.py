"""The rate finder: how long may steps be, for this model and solver on these events?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from baksan.fit import Now, Progress, completed, ready
from baksan.losses import Loss
from baksan.models.base import Model
from baksan.models.imputed import Imputed
from baksan.solvers.adaptive import Adam
from baksan.solvers.base import Events, Penalty, Problem, State, Stepper
from baksan.solvers.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]

__all__ = ["RateSearch", "find_rate"]

_MEMORY = 0.95  # of the running mean: about the last twenty batches
_BLOWN = 4.0  # a mean loss so many times the lowest one has left for good
_SAFE = 10.0  # where the mean is lowest, steps are too long already: it lags, and then they fail


@dataclass(frozen=True)
class _Rising:
    """rate_t = low (high/low)^(t/last)."""

    low: float
    high: float
    last: int

    def __call__(self, steps: Array) -> Array:
        return np.asarray(self.low * (self.high / self.low) ** (steps / self.last))


@dataclass(frozen=True, eq=False)
class RateSearch:
    """A run whose rate rose from step to step.

    `rates` (m,); `losses` (m,), what each batch cost before its step; `means` (m,), their running
    mean, corrected for its start; `exploded`, whether that ended the search; `rate`, a tenth of
    the rate at which the mean is lowest.
    """

    rates: Array
    losses: Array
    means: Array
    exploded: bool

    @property
    def rate(self) -> float:
        return float(self.rates[np.argmin(self.means)] / _SAFE)

    @property
    def message(self) -> str:
        """What was found, in a sentence."""
        at = int(np.argmin(self.means))
        lowest = self.rates[at]
        early, late = at < 0.1 * len(self.means), at > 0.95 * len(self.means)
        if not self.exploded and (early or late):
            how = "fell" if late else "stayed as it was"
            return (
                f"rates up to {self.rates[-1]:.2g} are too low to tell: the loss {how}"
                " to the last; give a higher one, high=…."
            )
        if early:
            return f"steps of {self.rates[-1]:.2g} are too long already; give a lower one, low=…."
        return (
            f"a rate of {self.rate:.2g}: the loss fell up to {lowest:.2g}, and steps that long are"
            " too long for a whole run. For a schedule that falls, it is the first."
        )

    def plot(self) -> Figure:
        """The loss against the rate, and the rate that was found."""
        from baksan.report.plots.descent import loss_against_rate

        return loss_against_rate(self.rates, self.losses, self.means, self.rate)


def find_rate(
    model: Model,
    X: Events,
    loss: Loss,
    solver: Settings | None = None,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 300,
    penalty: Penalty | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> RateSearch:
    """Steps that become longer and longer, until the loss explodes: the range test.

    The rate rises from `low` to `high` by the same factor at each step (L. N. Smith, WACV 2017,
    arXiv:1506.01186). Too short steps change nothing, good ones lower the loss, too long ones raise
    it; a tenth of the rate at which it is lowest is a good one to begin with. Nothing is trained:
    the model is as it was.

    Parameters
    ----------
    model, X, loss, penalty, seed
        As in `fit`.
    solver : Settings, optional
        A descent, Adam by default; its rate and its budget are not used.
    low, high : float
        The rates to begin and to end with.
    steps : int
        The search ends before, where the mean loss has risen above its lowest by three times what
        it had fallen, or by three times the lowest if that is more.
    progress : callable, optional
        As in `fit`.

    Raises
    ------
    ValueError
        low ≥ high; fewer than 20 steps; a loss that was infinite at once; what `fit` raises.

    Examples
    --------
    >>> import baksan as bk, numpy as np
    >>> x = np.linspace(-2, 2, 512)[:, None]
    >>> X = bk.Samples(x, x[:, 0] ** 2)
    >>> found = bk.find_rate(bk.Network((16,), activation="tanh"), X, bk.losses.squared)
    >>> bool(1e-3 < found.rate < 1)
    True
    """
    if not 0 < low < high < np.inf:
        raise ValueError(f"rates rise from low to high, both above 0; {low} and {high} came.")
    if steps < 20:
        raise ValueError(f"a rate is found in some hundred steps, 20 at least; {steps} came.")
    if isinstance(model, Imputed):
        whole, X = completed(model, X)
        model = whole.of
    usual = Adam() if solver is None else solver
    rising = replace(
        usual, rate=_Rising(low, high, steps - 1), steps=steps, epochs=None, patience=None
    )
    problem = ready(Problem(model, X, loss, penalty), rising, "constant", seed)
    step = rising.stepper(problem)
    try:
        losses, means = _risen(step, rising.start(problem.model, seed=seed), steps, progress)
    finally:
        getattr(step, "close", lambda: None)()
    rates = rising.schedule(problem)(np.arange(len(losses)))
    return RateSearch(rates, losses, means, exploded=len(losses) < steps)


def _risen(
    step: Stepper, state: State, steps: int, progress: Progress | None
) -> tuple[Array, Array]:
    """What each batch cost before its step, up to the step at which the mean has exploded, and the
    running mean of it.
    """
    losses: list[float] = []
    means: list[float] = []
    held = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(1, steps + 1):
            state = step(state, 1)
            held = _MEMORY * held + (1 - _MEMORY) * state.loss
            mean = held / (1 - _MEMORY**t)
            if not np.isfinite(mean) or (t > 10 and _exploded(mean, means)):
                break
            losses.append(state.loss)
            means.append(mean)
            if progress is not None:
                progress(Now(t, steps, mean))
    if len(losses) < 2:
        raise ValueError(
            "the loss was no finite number at the first steps already: look for features or answers"
            " far from all others, or begin with a lower rate, low=…."
        )
    return np.array(losses), np.array(means)


def _exploded(mean: float, means: list[float]) -> bool:
    lowest = min(means)
    # Losses may be negative, as that of a density is: then by how much it had fallen counts.
    return mean - lowest > (_BLOWN - 1) * max(abs(lowest), means[0] - lowest)
