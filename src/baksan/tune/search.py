"""The search: one choice of settings after another, each judged on inner folds."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baksan import compiled
from baksan.metrics import METRICS
from baksan.samples import Samples
from baksan.train.lineup import Method
from baksan.tune import record
from baksan.tune.objective import Objective, cost, objective_name
from baksan.tune.sampler import Trial, asked, importance, needed
from baksan.tune.space import Space, Value
from baksan.tune.spaces import space_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Progress", "Search", "check", "digest", "tune"]

Progress = Callable[[str, float], object]
"""progress(what is being done, share done)."""


@dataclass(frozen=True, eq=False)
class Search:
    """What a search found. The value of the best was chosen by its size: it is too good.

    Judge the method on events that the search has not seen: see `train_tuned`.
    """

    space: Space
    objective: str
    inner: int
    """Folds on which each trial was judged."""
    seed: int
    events: int
    trials: list[Trial] = field(default_factory=list)

    @property
    def best_trial(self) -> Trial:
        """The best of the complete trials, the first of equals. Raises ValueError for none."""
        whole = self.states("complete")
        if not whole:
            why = next((f" ({t.why})" for t in reversed(self.trials) if t.why), "")
            raise ValueError(
                f"a search needs a trial that was completed; of {len(self.trials)} none was{why}."
                " Give other ranges, or another start."
            )
        costs = self.costs
        return min(whole, key=lambda trial: costs[trial.number][-1])

    @property
    def best(self) -> dict[str, Value]:
        """The best settings."""
        return dict(self.best_trial.settings)

    @property
    def value(self) -> float:
        """The figure of merit of the best trial on the inner folds."""
        return float(self.best_trial.values[-1])

    @property
    def costs(self) -> dict[int, list[float]]:
        """What was minimised, after each fold, by trial."""
        return {t.number: [cost(self.objective, v) for v in t.values] for t in self.trials}

    @cached_property
    def importance(self) -> dict[str, float]:
        """The share of the variance that each setting explains, largest first; it may be empty."""
        return importance(self.space, self.trials, self.costs)

    def states(self, state: str) -> list[Trial]:
        """The trials that are 'complete', 'pruned' or 'failed'."""
        return [trial for trial in self.trials if trial.state == state]

    def method(self) -> Method:
        """The method with the best settings, to stand in `train`'s line-up."""
        return self.space.method(self.best)

    def table(self) -> dict[str, list[Any]]:
        """The trials as columns: number, state, value, seconds, why, and each setting."""
        told = ("number", "state", "value", "seconds", "why")
        return {name: [getattr(t, name) for t in self.trials] for name in told} | {
            name: [t.settings[name] for t in self.trials] for name in self.space.ranges
        }

    @property
    def message(self) -> str:
        """How many trials there were, what the best is, and how far it is from the first."""
        counts = {s: len(self.states(s)) for s in ("complete", "pruned", "failed")}
        told = ", ".join(f"{n} {state}" for state, n in counts.items() if n)
        first = self.trials[0].value
        before = "" if first is None else f" (untuned {first:.4g})"
        settings = ", ".join(f"{k} = {brief(v)}" for k, v in self.best.items())
        return (
            f"{len(self.trials)} trials ({told}) on {self.inner} inner folds of {self.events:,}"
            f" events; best {METRICS[self.objective].title} {self.value:.4g}{before}: {settings}."
        )

    def plot(self, narrow: bool = False) -> Figure:
        """The value against the trial, what settings explain, and the value against each."""
        from baksan.report.plots.tuning import search

        metric = METRICS[self.objective]
        return search(
            self.table(), {name: getattr(r, "log", False) for name, r in self.space.ranges.items()},
            self.importance, metric.title, metric.better, title=self.space.title, narrow=narrow,
        )  # fmt: skip

    def __repr__(self) -> str:
        if not self.states("complete"):
            return f"Search({self.space.name}, {len(self.trials)} trials, none complete)"
        return f"Search({self.space.name}, {len(self.trials)} trials, best {self.value:.4g})"


def brief(value: Value) -> str:
    """A setting as a person writes it."""
    whole_or_text = isinstance(value, bool | int | str)
    return str(value) if whole_or_text else f"{value:.3g}"


def tune(
    X: Samples,
    method: str | Space = "trees",
    *,
    trials: int = 30,
    seconds: float | None = None,
    objective: str | None = None,
    inner: int = 3,
    seed: int = 0,
    threads: int | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Search:
    """Search for the settings of a method that make a figure of merit best on inner folds of X.

    The first trial are the defaults, the next seven are drawn at random; then follows Optuna's
    TPE (J. Bergstra et al., NeurIPS 24 (2011) 2546). A trial whose figure after a fold is worse
    than the median of those before is not finished.

    Parameters
    ----------
    X : Samples
        Training events only: keep those apart on which the result is to be judged, or let
        `train_tuned` do so.
    method : str or Space
        A name out of `baksan.tune.SPACES`, or a space of your own.
    trials : int
        How many settings to try.
    seconds : float, optional
        No trial begins after so many seconds. What is found then depends on the machine.
    objective : str, optional
        The figure of merit, a name out of `baksan.metrics.METRICS`, such as 'signal_at_0.01';
        None is 'auc' or 'rmse'.
    inner : int
        Folds on whose pooled out-of-fold predictions the figure is taken; groups stay whole.
    seed : int
        Trial k follows from the seed and the k trials before it; so a search that was broken off
        goes on with the trials that it would have had.
    threads : int, optional
        Cores to use; None is OMP_NUM_THREADS, or all of them.
    out : path, optional
        A JSON file that holds the trials after each of them.
    resume : bool
        Go on with the trials in `out`.
    progress : callable, optional
        progress(text, share done).

    Raises
    ------
    ValueError
        No trial was asked for or completed, an objective that does not fit the answers, folds that
        cannot be made, a damaged file or one of another search.
    KeyError
        An unknown method or objective.
    TypeError
        X is no Samples: a stream does not fit.
    ImportError
        Optuna is not installed.
    FileExistsError
        `out` is there, and `resume` was not asked for.

    Examples
    --------
    >>> import baksan as bk
    >>> from baksan.simulate import telescope
    >>> X = telescope.events(300, seed=1).samples(answer="class", signal="gamma", id="event")
    >>> found = bk.tune(X, "linear", trials=4, inner=2, threads=1)
    >>> len(found.trials), sorted(found.best)
    (4, ['loss', 'penalty', 'strength'])
    """
    from threadpoolctl import threadpool_limits

    check(X, trials, seconds, seed, threads)
    needed()
    space, name = space_of(method, X), objective_name(objective, X)
    threads = threads or compiled.cores()
    goal = Objective.of(name, X, inner, seed, threads)
    wanted = record.Asked(
        space=str(space), start=dict(space.start), objective=name, inner=inner, seed=seed,
        events=len(X), sha256=digest(X),
    )  # fmt: skip
    path = None if out is None else Path(out)
    search = Search(space, name, inner, seed, len(X), _before(path, resume, wanted, space))
    with threadpool_limits({"openmp": threads, "blas": 1}), compiled.threads(threads):
        for _ in _going_on(search, goal, trials, seconds, progress):
            if path is not None:
                record.write(path, wanted, search.trials)
    _ = search.best_trial
    return search


def _going_on(
    search: Search, goal: Objective, trials: int, seconds: float | None, progress: Progress | None
) -> Iterator[Trial]:
    """The trials that are left, each added to the search."""
    while len(search.trials) < trials and (
        seconds is None or sum(t.seconds for t in search.trials) < seconds
    ):
        done = len(search.trials)
        if progress is not None:
            best = f", best {search.value:.4g}" if search.states("complete") else ""
            progress(f"{search.space.name}, trial {done + 1} of {trials}{best}", done / trials)
        search.trials.append(_tried(search, goal))
        yield search.trials[-1]


def _tried(search: Search, goal: Objective) -> Trial:
    """One more trial. What fails with the first settings, the defaults, fails the search."""
    began, k = time.perf_counter(), len(search.trials)
    trial = asked(search.space, search.trials, search.costs, search.seed)
    values: list[float] = []
    state, why = "complete", ""
    try:
        for value in goal.values(search.space.trial(trial.settings)):
            values.append(value)
            costs = [cost(search.objective, v) for v in values]
            if len(values) < goal.folds and trial.hopeless(costs):
                state = "pruned"
                break
    except (ValueError, ArithmeticError) as error:
        if not k:
            raise
        state, why = "failed", " ".join(str(error).split())
    reached = values[-1] if state == "complete" else None
    seconds = time.perf_counter() - began
    return Trial(k, state, reached, trial.settings, values, seconds, why)  # type: ignore[arg-type]


def _before(path: Path | None, resume: bool, wanted: record.Asked, space: Space) -> list[Trial]:
    """The trials that are there already."""
    if path is None or not path.exists():
        return []
    if not resume:
        raise FileExistsError(
            f"{path} is there already; a search needs a file of its own. Choose another out, or go"
            " on with it by resume=True."
        )
    return record.read(path, wanted, space)


def digest(X: Samples) -> str:
    """SHA-256 of the events: features, answers, weights, groups."""
    told = hashlib.sha256()
    for part in (X.x, X.y, X.weight, X.group):
        if part is not None:
            told.update((part.astype(str) if part.dtype == object else part).tobytes())
    return told.hexdigest()


def check(X: Any, trials: int, seconds: float | None, seed: int, threads: int | None) -> None:
    """Raises TypeError or ValueError for what no search can be made of."""
    if not isinstance(X, Samples):
        raise TypeError(
            "a search needs Samples, such as bk.load('magic').samples(): each trial is trained on"
            f" events in memory; {type(X).__name__} came. Of a Stream, take its sample."
        )
    if X.answers.ndim > 1:
        raise ValueError(
            f"a search makes one answer better; these events have {X.answers.shape[1]}. Search for"
            " one at a time."
        )
    if trials < 1:
        raise ValueError(f"a search needs a trial or more; {trials} were asked for. Take 30.")
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(f"seconds must be a number above 0; it is {seconds}.")
    if seed < 0:
        raise ValueError(f"the seed must be 0 or more; it is {seed}.")
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be 1 or more; {threads} were asked for.")
