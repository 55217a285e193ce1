"""The main job: train(X, methods, folds) → Run. A line-up is trained, compared and written down."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan import __version__
from baksan.evaluate import BinBy, Evaluation, evaluate
from baksan.fit import History
from baksan.metrics import Prediction, auc, rmse
from baksan.samples import Samples
from baksan.solvers.base import State
from baksan.store.card import AnswerCard, Card, InputCard, LossCard, feature_cards
from baksan.store.model import Stored, load_model, save_model
from baksan.store.predictions import frame, write_frame
from baksan.store.run import (
    RunFolder,
    checked_name,
    prediction_arrays,
    prediction_of,
)
from baksan.train.lineup import Fitted, Method, line_up
from baksan.train.provenance import provenance
from baksan.train.run import Part, Run
from baksan.train.source import Source
from baksan.train.summary import contents

Array = NDArray[Any]
Progress = Callable[[str, float], object]
"""progress(what is being done, share done in all)."""

__all__ = ["train"]

_IMPORTANCE_EVENTS = 2_000
_SHUFFLES = 3
_HELD_BACK = 0.2
_CHECKPOINT_SECONDS = 5.0


def train(
    X: Samples,
    methods: Sequence[str | Method] | None = None,
    *,
    folds: int = 5,
    test: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    source: Source | None = None,
    bin_by: BinBy | None = None,
    replicas: int = 500,
    report: bool = True,
    progress: Progress | None = None,
) -> Run:
    """Train each method on each fold, compare their out-of-fold predictions, then train on all.

    Parameters
    ----------
    X : Samples
        With answers; groups stay on one side of every split.
    methods : sequence of names or Methods, optional
        See `baksan.train.lineup`; None is a good line-up.
    folds : int
        How many folds, at least 2.
    test : float, optional
        Instead of folds, test on this share of the events.
    seed : int
        Everything random follows from it.
    threads : int, optional
        Cores to use; None is OMP_NUM_THREADS, or all of them.
    out : path, optional
        The run folder; None writes nothing.
    resume : bool
        Go on with the unfinished run in `out`: it ends as if it had never been broken off.
    source : Source, optional
        What is known of the samples beyond themselves.
    bin_by : BinBy, optional
        Figures per bin of this variable.
    replicas : int
        Bootstrap replicas for the errors.
    report : bool
        Write report.html into the run folder.
    progress : callable, optional
        progress(text, share done).

    Raises
    ------
    ValueError
        No answers, an empty class, folds that cannot be made, an unknown or unfitting method.
    FileExistsError
        `out` holds something already.
    """
    from threadpoolctl import threadpool_limits

    _check(X, threads, seed)
    source = source or Source.of(X)
    chosen = line_up(methods, X)
    for method in chosen:
        checked_name(method.name)
        method.check(X)
    threads = threads or _cores()
    fold = _fold_numbers(X, folds, test, seed)
    _check_classes(X, fold)
    config = _config(X, chosen, source, folds, test, seed, replicas, bin_by)
    folder = None if out is None else RunFolder.begin(out, config, resume=resume)
    job = _Job(X, chosen, fold, seed, threads, source, folder, progress)
    with threadpool_limits(threads):
        job.show("getting ready", 0.0)
        for method in chosen:
            method.warm_up(X.take(_few(X)))
        parts = {m.name: [job.part(m, j) for j in range(fold.max() + 1)] for m in chosen}
        tested = np.flatnonzero(fold >= 0)
        predictions = {name: _pooled(found, fold, tested) for name, found in parts.items()}
        evaluation = evaluate(
            predictions, X.take(tested), folds=fold[tested] if test is None else None,
            replicas=replicas, seed=seed, bin_by=bin_by, progress=job.bootstrap,
        )  # fmt: skip
        job.done += 1
        told = provenance(seed, threads, source.sha256)
        models = {m.name: job.final(m, evaluation, told) for m in chosen}
    run = Run(
        X, chosen, fold, seed, source, parts, predictions, evaluation, models, told, folder,
        job.unsaved,
    )  # fmt: skip
    if folder is not None:
        job.show("report", 0.0)
        _write(run, report)
    return run


def _few(X: Samples) -> Array:
    """Some events of every class, enough to try a method on."""
    if not X.class_names:
        return np.arange(min(len(X), 50))
    of_each = [np.flatnonzero(X.answers == k)[:20] for k in range(len(X.class_names))]
    return np.sort(np.concatenate(of_each))


def _cores() -> int:
    """As many as the user lets OpenMP have, or all: workers side by side must not fight."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdigit() and int(told) else os.cpu_count() or 1


def _check(X: Samples, threads: int | None, seed: int) -> None:
    if X.answers.ndim > 1:
        raise ValueError(
            f"methods are compared on one answer; these events have {X.answers.shape[1]}."
            " Train on one at a time."
        )
    if seed < 0:
        raise ValueError(f"the seed must be 0 or more; it is {seed}.")
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be 1 or more; {threads} were asked for.")


def _fold_numbers(X: Samples, folds: int, test: float | None, seed: int) -> Array:
    if test is None:
        return X.fold_numbers(folds, seed=seed)
    if not 0 < test < 1:
        raise ValueError(
            f"the test share must lie between 0 and 1; it is {test}. Give, for example, --test 0.3"
            " (test=0.3)."
        )
    rows = replace(X, id=np.arange(len(X)))
    _, held = rows.split(1 - test, seed=seed)
    number = np.full(len(X), -1)
    number[held.ids] = 0
    return number


def _check_classes(X: Samples, fold: Array) -> None:
    """Raises ValueError where a class is missing in the training or among the tested events."""
    sides = [(f"the training events of fold {j + 1}", fold != j) for j in range(fold.max() + 1)]
    for where, rows in [*sides, ("the tested events", fold >= 0)]:
        for name, count in X.take(rows).class_counts.items():
            if not count:
                raise ValueError(
                    f"each class must occur everywhere; {where} have no {name!r}, which has"
                    f" {X.class_counts[name]} events in all. Take fewer folds, or more events."
                )


def _config(
    X: Samples,
    methods: Iterable[Method],
    source: Source,
    folds: int,
    test: float | None,
    seed: int,
    replicas: int,
    bin_by: BinBy | None,
) -> dict[str, Any]:
    return {
        "baksan": __version__,
        "source": source.name,
        "events": len(X),
        "features": list(X.names),
        "folds": folds if test is None else None,
        "test": test,
        "seed": seed,
        "replicas": replicas,
        "bin_by": None if bin_by is None else bin_by.name,
        "samples": dict(source.settings),
        "sha256": dict(source.sha256) or {"samples": _sha256(X)},
        "methods": {method.name: method.settings for method in methods},
    }


def _sha256(X: Samples) -> str:
    """Of samples that came from no file: a run must not be gone on with on others."""
    digest = hashlib.sha256()
    for part in (X.x, X.y, X.weight, X.group):
        if part is not None:
            digest.update((part.astype(str) if part.dtype == object else part).tobytes())
    return digest.hexdigest()


def _pooled(parts: Sequence[Part], fold: Array, tested: Array) -> Prediction:
    index = [np.flatnonzero(fold[tested] == j) for j in range(len(parts))]
    return Prediction.pooled([part.prediction for part in parts], index, len(tested))


class _Job:
    """Trains parts and final models, or takes those that an interrupted run has left."""

    def __init__(
        self,
        X: Samples,
        methods: Sequence[Method],
        fold: Array,
        seed: int,
        threads: int,
        source: Source,
        folder: RunFolder | None,
        progress: Progress | None,
    ) -> None:
        self.X, self.fold, self.seed, self.threads = X, fold, seed, threads
        self.source, self.folder, self.progress = source, folder, progress
        self.units = len(methods) * (int(fold.max()) + 2) + 2
        self.done = 0
        self.unsaved: dict[str, str] = {}

    def part(self, method: Method, j: int) -> Part:
        """Method trained on all but fold j and looked at on fold j."""
        name = f"checkpoints/{method.name}.fold{j}.safetensors"
        if self.folder and (held := self.folder.read_arrays(name)):
            self.done += 1
            return _part_of(*held)
        text = f"{method.name}, fold {j + 1}"
        self.show(text, 0.0)
        began = time.perf_counter()
        rows = np.flatnonzero(self.fold != j)
        train, test = self.X.take(rows), self.X.take(self.fold == j)
        fitted = self._fitted(method, train, test, f"fold{j}", text)
        some = np.arange(len(rows)) if j == 0 else np.arange(0)
        part = Part(
            prediction=fitted.predict(test.x),
            train=fitted.predict(train.x[some]) if len(some) else None,
            train_rows=rows[some],
            importance=permutation_importance(fitted.predict, test, self.seed),
            history=fitted.fit.history if fitted.fit else History(),
            message=fitted.message,
            seconds=time.perf_counter() - began,
        )
        if self.folder:
            self.folder.write_arrays(name, *_part_arrays(part))
        self.done += 1
        return part

    def final(self, method: Method, evaluation: Evaluation, told: dict[str, Any]) -> Stored:
        """Method trained on all events, with its card."""
        text = f"{method.name}, all events"
        kept = self._saved(method)
        if kept is not None:
            self.done += 1
            return kept
        self.show(text, 0.0)
        fitted = self._fitted(method, self.X, None, "all", text)
        self.done += 1
        try:
            card = self._card(method, method.loss_card, fitted, evaluation, told)
            if self.folder:
                path = save_model(self.folder.path / "models" / method.name, fitted.model, card)
                return load_model(path)
        except TypeError as error:
            # What no safe file can hold is compared all the same.
            self.unsaved[method.name] = str(error)
            card = self._card(method, None, fitted, evaluation, told)
        return Stored(card, fitted.model)

    def _saved(self, method: Method) -> Stored | None:
        for ending in ("baksan", "skops"):
            if self.folder:
                path = self.folder.path / "models" / f"{method.name}.{ending}"
                if path.exists():
                    return load_model(path)
        return None

    def _fitted(
        self, method: Method, X: Samples, validation: Samples | None, which: str, text: str
    ) -> Fitted:
        """A training that leaves its State every few seconds and goes on from the last one."""
        name = f"checkpoints/{method.name}.{which}.state.safetensors"
        if method.watches:
            # The test events must not choose when to stop: some training events are held back.
            X, validation = X.split(1 - _HELD_BACK, seed=self.seed)
        held = self.folder.read_arrays(name) if self.folder else None
        saved = time.perf_counter()

        def checkpoint(state: State, history: History) -> None:
            nonlocal saved
            if self.folder and time.perf_counter() - saved > _CHECKPOINT_SECONDS:
                self.folder.write_arrays(name, _state_arrays(state, history), {})
                saved = time.perf_counter()

        return method.train(
            X,
            seed=self.seed,
            threads=self.threads,
            validation=validation,
            state=None if held is None else State.from_arrays(_under(held[0], "state.")),
            history=None if held is None else History.from_dict(_under(held[0], "history.")),
            progress=lambda step, last, loss: self.show(text, step / last if last else 0.0),
            checkpoint=checkpoint,
        )

    def _card(
        self,
        method: Method,
        loss: LossCard | None,
        fitted: Fitted,
        evaluation: Evaluation,
        told: dict[str, Any],
    ) -> Card:
        X, answer = self.X, self.X.answer
        figures = {
            row["metric"]: {k: row[k] for k in ("value", "low", "high")}
            for row in evaluation.table
            if row["model"] == method.name
        }
        return Card(
            kind=method.kind,
            title=method.title or method.name,
            task="classification" if X.class_names else "regression",
            inputs=[InputCard(name=n, unit=u) for n, u in self.source.inputs.items()],
            features=feature_cards(X, dict(self.source.formulas)),
            answer=AnswerCard(
                name=answer.name, unit=answer.unit, description=answer.description
            ) if answer else AnswerCard(),
            class_names=list(X.class_names),
            id=self.source.id,
            loss=loss,
            where=self.source.settings.get("where"),
            solver=method.settings,
            metrics=figures,
            provenance={**told, "message": fitted.message, "events": len(X)},
        )  # fmt: skip

    def bootstrap(self, done: int, total: int) -> None:
        self.show("error bars", done / total)

    def show(self, text: str, share: float) -> None:
        if self.progress is not None:
            self.progress(text, min(1.0, (self.done + share) / self.units))


def permutation_importance(predict: Callable[[Array], Prediction], X: Samples, seed: int) -> Array:
    """How much worse predictions get when one feature is shuffled among events, (3, d).

    The fall of the AUC for classes, the rise of the RMSE for numbers, on at most 2,000 events, in
    three shuffles (Breiman, Machine Learning 45 (2001) 5).
    """
    rng = np.random.default_rng(seed)
    if len(X) > _IMPORTANCE_EVENTS:
        X = X.take(np.sort(rng.choice(len(X), _IMPORTANCE_EVENTS, replace=False)))
    if X.class_names and len(np.unique(X.answers)) < len(X.class_names):
        return np.full((_SHUFFLES, len(X.features)), np.nan)
    sign, figure = (1.0, _auc_of) if X.class_names else (-1.0, _rmse_of)
    whole = figure(predict(X.x), X)
    falls = np.empty((_SHUFFLES, len(X.features)))
    for k, j in np.ndindex(*falls.shape):
        x = X.x.copy()
        x[:, j] = x[rng.permutation(len(X)), j]
        falls[k, j] = sign * (whole - figure(predict(x), X))
    return falls


def _auc_of(p: Prediction, X: Samples) -> float:
    assert p.score is not None
    return auc(p.score, X.answers, X.weight)


def _rmse_of(p: Prediction, X: Samples) -> float:
    assert p.value is not None
    return rmse(p.value, X.answers, X.weight)


# Parts and states as arrays -----------------------------------------------------------------------


def _part_arrays(part: Part) -> tuple[dict[str, Array], dict[str, Any]]:
    arrays = {
        **prediction_arrays(part.prediction),
        "importance": part.importance,
        "train_rows": part.train_rows,
        **{f"history.{k}": v for k, v in part.history.to_dict().items()},
    }
    if part.train is not None:
        arrays |= {f"train.{k}": v for k, v in prediction_arrays(part.train).items()}
    notes = {
        "threshold": part.prediction.threshold, "message": part.message, "seconds": part.seconds
    }  # fmt: skip
    return arrays, notes


def _part_of(arrays: dict[str, Array], notes: dict[str, Any]) -> Part:
    inside = _under(arrays, "train.")
    return Part(
        prediction=prediction_of(arrays, notes["threshold"]),
        train=prediction_of(inside, notes["threshold"]) if inside else None,
        train_rows=arrays["train_rows"],
        importance=arrays["importance"],
        history=History.from_dict(_under(arrays, "history.")),
        message=notes["message"],
        seconds=notes["seconds"],
    )


def _state_arrays(state: State, history: History) -> dict[str, Array]:
    return {f"state.{k}": v for k, v in state.to_arrays().items()} | {
        f"history.{k}": v for k, v in history.to_dict().items()
    }


def _under(arrays: Mapping[str, Array], head: str) -> dict[str, Array]:
    return {k.removeprefix(head): v for k, v in arrays.items() if k.startswith(head)}


# Writing ------------------------------------------------------------------------------------------


def _write(run: Run, report: bool) -> None:
    """The files of a finished run, the one that marks it as finished last."""
    import pyarrow as pa

    from baksan.report import page

    folder = run.folder
    assert folder is not None
    for name, parts in run.parts.items():
        if len(parts[0].history):
            write_frame(
                folder.path / "history" / f"{name}.parquet", pa.table(parts[0].history.to_dict())
            )
    write_frame(folder.path / "predictions.parquet", _prediction_rows(run))
    folder.write_json("evaluation.json", run.evaluation.to_dict())
    folder.write_json("provenance.json", run.provenance)
    shown = contents(run)
    if report:
        folder.write_text("report.html", page.render(shown))
    folder.write_json("report.json", shown)
    folder.end()


def _prediction_rows(run: Run) -> Any:
    """Out-of-fold predictions, one row for each method and event."""
    import pyarrow as pa

    rows, X = run.tested, run.X.take(run.tested)
    truth = np.array(X.class_names)[X.answers] if X.class_names else X.answers
    tables = [
        frame(
            X.ids, prediction, X.class_names, unit=X.answer.unit if X.answer else "",
            more={
                "method": np.full(len(rows), name), "fold": run.fold[rows], "answer": truth,
                "weight": X.w,
            },
        )
        for name, prediction in run.predictions.items()
    ]  # fmt: skip
    return pa.concat_tables(tables, promote_options="default")
