"""A method that searches for its settings inside the events that it is trained on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from baksan import compiled
from baksan.files import replacing
from baksan.fit import Now
from baksan.samples import Samples
from baksan.store.card import LossCard
from baksan.store.predictions import write_frame
from baksan.store.run import RunFolder, dump_toml
from baksan.train import train
from baksan.train.division import divided
from baksan.train.lineup import Fitted, Method
from baksan.train.run import Run
from baksan.tune.objective import fitted, objective_name
from baksan.tune.search import Progress, Search, check, digest, tune
from baksan.tune.space import Space
from baksan.tune.spaces import space_of

__all__ = ["Tuned", "searches_of", "train_tuned"]


@dataclass(frozen=True, eq=False)
class Tuned(Method):
    """A method whose training begins with a search for its settings.

    In the line-up of `train` each search sees the training events of its fold alone: this is
    nested cross-validation, and the figures of the run are honest.
    """

    space: Space
    objective: str
    trials: int = 30
    seconds: float | None = None
    inner: int = 3
    seed: int = 0
    folder: Path | None = None
    """Where the trials of each search are kept, so that a run that is resumed goes on with them."""
    known: Mapping[str, str] = field(default_factory=dict)
    """By SHA-256 of training events, what they are called, such as 'fold1'."""
    on: Samples | None = None
    """The only events to search on, whatever it is trained on; none of them may be tested on."""
    found: dict[str, Search] = field(default_factory=dict)
    """The searches so far, by what their events are called."""
    doing: list[str] = field(default_factory=list)
    """While a search is under way, its trial and its best so far."""

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"{self.space.name}-tuned"

    @property
    def title(self) -> str:  # type: ignore[override]
        return f"{self.space.title}, tuned"

    @property
    def description(self) -> str:  # type: ignore[override]
        return (
            f"{self.space.title.lower()} with the best of {self.trials} settings on {self.inner}"
            " inner folds of the training events"
        )

    @property
    def settings(self) -> str:
        limit = f", seconds={self.seconds:g}" if self.seconds is not None else ""
        return (
            f"{self.space}, objective={self.objective}, trials={self.trials}{limit},"
            f" inner={self.inner}, seed={self.seed}{', one search' if self.on is not None else ''}"
        )

    @property
    def _start(self) -> Method:
        return self.space.method(self.space.start)

    @property
    def _last(self) -> Method:
        return [*self.found.values()][-1].method() if self.found else self._start

    @property
    def kind(self) -> str:
        return self._start.kind

    @property
    def loss_card(self) -> LossCard | None:
        return self._last.loss_card

    @property
    def no_negative_weights(self) -> str:
        return self._start.no_negative_weights

    def check(self, X: Samples) -> None:
        self._start.check(X)

    def warm_up(self, X: Samples) -> None:
        self._start.warm_up(X)

    def train(self, X: Samples, *, seed: int, threads: int, **more: Any) -> Fitted:
        told = more.get("progress")

        def progress(text: str, share: float) -> None:
            self.doing[:] = [text.partition(", ")[2]]
            if told is not None:
                told(Now(round(1000 * share), 1000, math.nan))

        search = self.search(X, threads, progress)
        self.doing.clear()
        done = fitted(search.method(), X, seed, threads)
        return replace(done, message=f"{search.message} {done.message}")

    def search(self, X: Samples, threads: int, progress: Progress | None = None) -> Search:
        """The search for a training on these events, or what is known of it."""
        X = X if self.on is None else self.on
        name = digest(X)
        label = self.known.get(name, name[:8])
        if label not in self.found:
            path = self.folder / f"{self.name}.{label}.json" if self.folder else None
            self.found[label] = tune(
                X, self.space, trials=self.trials, seconds=self.seconds, objective=self.objective,
                inner=self.inner, seed=self.seed, threads=threads, out=path, resume=True,
                progress=progress,
            )  # fmt: skip
        return self.found[label]


def train_tuned(
    X: Samples,
    methods: Sequence[str | Space] = ("linear", "trees"),
    *,
    trials: int = 30,
    seconds: float | None = None,
    objective: str | None = None,
    inner: int = 3,
    folds: int | None = None,
    test: float = 0.3,
    seed: int = 0,
    threads: int | None = None,
    out: Path | str | None = None,
    **how: Any,
) -> Run:
    """Search for the settings of each method, then train and compare tuned and untuned ones.

    No search sees an event that is tested on. By default a share `test` of the events is held
    back, there is one search for each method on the others, and the models for use have its
    settings. With `folds` each fold has a search of its own inside its training events, and one
    more on all events makes the models for use: folds + 1 times the work, for a test on all events.

    Parameters
    ----------
    X : Samples
    methods : sequence of str or Space
        Names out of `baksan.tune.SPACES`, or spaces.
    trials, seconds, objective, inner, seed, threads
        Of each search, as in `tune`.
    folds : int, optional
        Folds to test on, instead of a share.
    test : float
        The share to test on.
    out : path, optional
        The run folder; `searches/` in it holds each search and its picture, `settings.toml` the
        best settings.
    **how
        More for `train`: resume, source, bin_by, replicas, report, progress.

    Returns
    -------
    Run
        Of the methods NAME-tuned and NAME. Errors as `tune` and `train`.

    Examples
    --------
    >>> import baksan as bk
    >>> from baksan.simulate import telescope
    >>> X = telescope.events(400, seed=1).samples(answer="class", signal="gamma", id="event")
    >>> run = train_tuned(X, ["linear"], trials=3, inner=2, threads=1, replicas=20)
    >>> run.evaluation.models
    ['linear-tuned', 'linear']
    """
    check(X, trials, seconds, seed, threads)
    name = objective_name(objective, X)
    spaces = [space_of(method, X) for method in methods]
    share, count = (test, 2) if folds is None else (None, folds)
    division = divided(X, count, share, seed)
    division.check()
    known = {digest(division.training(j)): f"fold{j + 1}" for j in range(division.count)}  # type: ignore[arg-type]
    on = None if folds is not None else division.training(0)
    folder = None if out is None else Path(out) / "searches"
    called = known | {digest(X): "all"} if on is None else dict.fromkeys(known, "training")
    line_up: list[Method] = []
    for space in spaces:
        line_up += [
            Tuned(space, name, trials, seconds, inner, seed, folder, called, on),  # type: ignore[arg-type]
            space.untuned or space.method(space.start),
        ]
    if progress := how.pop("progress", None):
        how["progress"] = _in_detail(progress, line_up)
    run = train(
        X, line_up, folds=count, test=share, seed=seed, threads=threads,
        out=out, **how,
    )  # fmt: skip
    for method in run.methods:
        if isinstance(method, Tuned):  # of a run that was resumed, some searches are in files only
            for j in (*range(division.count), None):
                method.search(division.training(j), threads or compiled.cores())  # type: ignore[arg-type]
    if run.folder is not None:
        _write(run, run.folder)
    return run


def _in_detail(progress: Progress, line_up: Sequence[Method]) -> Progress:
    """Progress that tells the trial, too, while a search is under way."""
    doing = {method.name: method.doing for method in line_up if isinstance(method, Tuned)}

    def show(text: str, share: float) -> None:
        more = doing.get(text.partition(",")[0], [])
        progress(", ".join([text, *more]), share)

    return show


def searches_of(run: Run) -> dict[str, Search]:
    """The searches of a run, by method and what their events are called, fold after fold."""
    tuned = [method for method in run.methods if isinstance(method, Tuned)]
    return {
        f"{m.name}.{label}": m.found[label]
        for m in tuned
        for label in dict.fromkeys((*m.known.values(), *m.found))
        if label in m.found
    }


def _write(run: Run, folder: RunFolder) -> None:
    """The trials as tables, the pictures, the best settings."""
    import pyarrow as pa

    best: dict[str, Any] = {}
    for name, found in searches_of(run).items():
        write_frame(folder.path / "searches" / f"{name}.parquet", pa.table(found.table()))
        with replacing(folder.path / "searches" / f"{name}.svg") as beside:
            found.plot().savefig(beside, format="svg", metadata={"Date": None})
        best[name] = {**found.best, "method": found.method().settings}
    folder.write_text("settings.toml", dump_toml(best))
