"""The next settings to try, and which trials are not worth finishing: Optuna's TPE and median rule.

Each trial gets a study made anew from the trials before it, and a sampler with a seed of
(seed, number of trials before it). So the settings of a trial follow from the seed and the trials
before it alone, and a search that was broken off goes on as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from baksan.tune.space import Choice, Range, Space, Value, Whole

__all__ = ["Trial", "asked", "importance", "needed"]

_RANDOM = 8
"""Trials drawn at random before what they found is looked at."""
_UNPRUNED = 4
"""Complete trials before one may be stopped."""


@dataclass(frozen=True)
class Trial:
    """One choice of settings and what came of it.

    `values` are the figures after each inner fold, of all predictions so far; `value` is that of
    all folds, None unless the state is 'complete'; `why` tells of a failure.
    """

    number: int
    state: Literal["complete", "pruned", "failed"]
    value: float | None
    settings: dict[str, Value]
    values: list[float]
    seconds: float
    why: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def needed() -> Any:
    """Optuna. Raises ImportError with a sentence where it is not installed."""
    try:
        import optuna
    except ImportError:
        raise ImportError(
            "a search needs Optuna, which is not installed. Install it with:"
            " pip install 'baksan[tune]'"
        ) from None
    return optuna


class Asked:
    """A trial that is under way: its settings, and whether it is worth going on. `complete` are the
    costs, fold after fold, of the complete trials before.
    """

    def __init__(self, settings: dict[str, Value], complete: Sequence[Sequence[float]]) -> None:
        self.settings, self._complete = settings, complete

    def hopeless(self, costs: Sequence[float]) -> bool:
        """Whether the cost after the last fold is above the median of the complete trials there."""
        fold = len(costs) - 1
        others = [one[fold] for one in self._complete if len(one) > fold]
        return len(others) >= _UNPRUNED and costs[fold] > float(np.median(others))


def asked(
    space: Space, trials: Sequence[Trial], costs: Mapping[int, Sequence[float]], seed: int
) -> Asked:
    """The next trial after these; `costs` of each after each fold, by number."""
    with _quiet():
        study = _study(space, trials, costs, _seed(seed, len(trials)))
        if not trials:
            study.enqueue_trial(dict(space.start))
        trial = study.ask({name: _distribution(r) for name, r in space.ranges.items()})
    complete = [costs[one.number] for one in trials if one.state == "complete"]
    return Asked(dict(trial.params), complete)


def importance(
    space: Space, trials: Sequence[Trial], costs: Mapping[int, Sequence[float]]
) -> dict[str, float]:
    """The share of the cost's variance that each setting explains (fANOVA), largest first.

    Of complete trials; empty where fewer than four tell, or all are alike. F. Hutter, H. Hoos,
    K. Leyton-Brown, ICML 2014.
    """
    whole = [trial for trial in trials if trial.state == "complete"]
    if len(whole) < 4 or np.ptp([costs[t.number][-1] for t in whole]) == 0:
        return {}
    with _quiet() as optuna:
        how = optuna.importance.FanovaImportanceEvaluator(seed=0)
        study = _study(space, whole, costs, 0)
        found = optuna.importance.get_param_importances(study, evaluator=how)
    return {name: float(share) for name, share in found.items()}


def _study(
    space: Space, trials: Sequence[Trial], costs: Mapping[int, Sequence[float]], seed: int
) -> Any:
    import optuna

    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_RANDOM)
    study = optuna.create_study(sampler=sampler)
    states = {
        "complete": optuna.trial.TrialState.COMPLETE, "pruned": optuna.trial.TrialState.PRUNED,
        "failed": optuna.trial.TrialState.FAIL,
    }  # fmt: skip
    known = {name: _distribution(r) for name, r in space.ranges.items()}
    for trial in trials:
        after = costs[trial.number]
        study.add_trial(
            optuna.trial.create_trial(
                state=states[trial.state],
                value=after[-1] if trial.state == "complete" else None,
                params=dict(trial.settings),
                distributions=known,
                intermediate_values={k + 1: cost for k, cost in enumerate(after)},
            )
        )
    return study


def _distribution(range: Range) -> Any:
    from optuna import distributions

    if isinstance(range, Choice):
        return distributions.CategoricalDistribution(range.options)
    if isinstance(range, Whole):
        return distributions.IntDistribution(range.low, range.high, log=range.log)
    return distributions.FloatDistribution(range.low, range.high, log=range.log)


def _seed(seed: int, k: int) -> int:
    return int(np.random.default_rng([seed, k]).integers(2**31))


@contextmanager
def _quiet() -> Iterator[Any]:
    """Optuna without its log; what it was set to comes back."""
    optuna = needed()
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield optuna
    finally:
        optuna.logging.set_verbosity(before)
