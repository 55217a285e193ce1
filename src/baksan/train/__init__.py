"""The main job: train(X, methods, folds) → Run. A line-up is trained, compared and written down."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan import __version__, compiled
from baksan.evaluate import BinBy, evaluate
from baksan.evaluate.vectors import kind_of
from baksan.files import alone
from baksan.metrics import Prediction
from baksan.samples import Samples
from baksan.solvers.base import Events
from baksan.store.predictions import frame, vector_columns, write_frame
from baksan.store.run import RunFolder, checked_name
from baksan.stream import Stream
from baksan.train.division import Division, check_parts, divided
from baksan.train.job import Job, Progress
from baksan.train.lineup import Method, line_up
from baksan.train.provenance import provenance
from baksan.train.rules import COLUMN
from baksan.train.run import Part, Run
from baksan.train.source import Source
from baksan.train.summary import contents
from baksan.train.views import plain

Array = NDArray[Any]

__all__ = ["check_asked", "train"]

_LARGE = 10_000_000
"""Numbers in a block of events from which BLAS gets threads."""


def train(
    X: Events,
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
    ignore_negative_weights: bool = False,
    report: bool = True,
    progress: Progress | None = None,
) -> Run:
    """Train each method on each fold, compare their out-of-fold predictions, then train on all.

    Parameters
    ----------
    X : Samples or Stream
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
    ignore_negative_weights : bool
        Methods that cannot be trained on events of negative weight are trained without these events
        (TMVA's IgnoreNegWeightsInTraining), instead of being left out. All methods are compared on
        all events, with their signed weights.
    report : bool
        Write report.html into the run folder.
    progress : callable, optional
        progress(text, share done).

    Notes
    -----
    Of a Stream, methods are compared on the sample of its survey, at most 65,536 events. The linear
    methods are trained on all events of the stream outside a fold, folds being chosen by the hash
    of the group or id; what needs its events in memory (cuts, scikit-learn) is trained on those of
    the sample. The line-up of a stream reads it a bounded number of times: see
    `baksan.train.lineup`.

    Raises
    ------
    KeyError
        An unknown method.
    TypeError
        X is neither Samples nor a Stream; what is no method, or no number of folds.
    ValueError
        No answers, an empty class, folds that cannot be made, an unfitting method; no method that
        takes the negative weights.
    FileExistsError
        `out` holds something already, or another training is going on in it.
    """
    from threadpoolctl import threadpool_limits

    _check(X, threads, seed)
    threads = threads or compiled.cores()
    source = source or Source.of(X)
    division = divided(X, folds, test, seed)
    chosen = line_up(methods, X)
    refused = {m.name: m.no_negative_weights for m in chosen if X.negative_share}
    refused = {name: why for name, why in refused.items() if why}
    if refused and not ignore_negative_weights:
        chosen = _willing(chosen, refused)
    shown = plain(division.X)
    for method in chosen:
        checked_name(method.name)
        method.check(division.X if method.sees_detectors else shown)
    division.check()
    config = _config(division, chosen, source, folds, test, seed, replicas, bin_by)
    if ignore_negative_weights:
        config["ignore_negative_weights"] = True
    fold, some = division.fold, division.X
    # Kernels have threads of their own; those of BLAS cost more than small products take.
    blas = threads if X.head.x.size > _LARGE else 1
    with (
        nullcontext() if out is None else alone(out),
        threadpool_limits({"openmp": threads, "blas": blas}),
        compiled.threads(threads),
    ):
        folder = None if out is None else RunFolder.begin(out, config, resume=resume)
        job = Job(division, len(chosen), seed, threads, source, folder, progress, refused)
        job.show("getting ready", 0.0)
        few = some.rows(_few(some)).with_parts(weight=None)
        for method in chosen:
            method.warm_up(few if method.sees_detectors else plain(few))
        # Fold after fold: methods share what is known of a fold's stream.
        folded = [[job.part(m, j) for m in chosen] for j in range(division.count)]
        parts = {m.name: list(of) for m, of in zip(chosen, zip(*folded, strict=True), strict=True)}
        tested = np.flatnonzero(fold >= 0)
        predictions = {name: _pooled(found, fold, tested) for name, found in parts.items()}
        evaluation = evaluate(
            predictions, some.take(tested), folds=fold[tested] if test is None else None,
            replicas=replicas, seed=seed, bin_by=bin_by, progress=job.bootstrap,
        )  # fmt: skip
        job.done += 1
        told = provenance(seed, threads, source.sha256)
        models = {m.name: job.final(m, evaluation, told) for m in chosen}
        run = Run(
            shown, plain(job.watched(X, "report")), chosen, fold, seed, source, parts, predictions,
            evaluation, models, told, folder, job.unsaved,
            {} if ignore_negative_weights else refused, some,
        )  # fmt: skip
        if folder is not None:
            job.show("report", 0.0)
            _write(run, report)
    return run


def check_asked(methods: Sequence[str] | None, folds: int, test: float | None) -> None:
    """What is wrong whatever the events are, told before they are read. Raises as `train`.

    Names of methods are looked up for two events that any method could tell apart; columns that
    stand as methods are found later.
    """
    check_parts(folds, test)
    later = ("array",)  # it asks for places of stations
    known = [m for m in methods or () if not m.startswith(COLUMN) and m not in later]
    if known:
        line_up(known, Samples([[0.0], [1.0]], [0, 1], class_names=("0", "1")))


def _willing(methods: list[Method], refused: Mapping[str, str]) -> list[Method]:
    """The methods that take negative weights. Raises ValueError where there is none."""
    left = [method for method in methods if method.name not in refused]
    if not left:
        name, why = next(iter(refused.items()))
        raise ValueError(
            f"a training with negative weights needs a method that takes them; {name}: {why} Take"
            " linear, or --ignore-negative-weights (ignore_negative_weights=True), which trains"
            " without these events."
        )
    return left


def _few(X: Samples) -> Array:
    """Some events of every class, enough to try a method on."""
    if not X.class_names:
        return np.arange(min(len(X), 50))
    of_each = [np.flatnonzero(X.answers == k)[:20] for k in range(len(X.class_names))]
    return np.sort(np.concatenate(of_each))


def _check(X: Events, threads: int | None, seed: int) -> None:
    if not isinstance(X, Samples | Stream):
        raise TypeError(
            "train needs Samples or a Stream, such as bk.load('magic').samples();"
            f" {type(X).__name__} came."
        )
    answers = X.head.answers
    if answers.ndim > 1 and not kind_of(X):
        raise ValueError(
            f"methods are compared on one answer; these events have {answers.shape[1]}. Train on"
            " one at a time, or say what they are together: direction(zenith, azimuth)."
        )
    if kind_of(X) and isinstance(X, Stream):
        raise ValueError(
            f"a {kind_of(X)} is learned from events in memory; a stream came. Take fewer events"
            " with --where, or --no-stream."
        )
    if seed < 0:
        raise ValueError(f"the seed must be 0 or more; it is {seed}.")
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be 1 or more; {threads} were asked for.")


def _config(
    division: Division,
    methods: Iterable[Method],
    source: Source,
    folds: int,
    test: float | None,
    seed: int,
    replicas: int,
    bin_by: BinBy | None,
) -> dict[str, Any]:
    X = division.X
    return {
        "baksan": __version__,
        "source": source.name,
        "events": len(division.events),
        "compared": len(X) if division.streamed else None,
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


# Writing ------------------------------------------------------------------------------------------


def _write(run: Run, report: bool) -> None:
    """The files of a finished run, the one that marks it as finished last."""
    import pyarrow as pa

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
        from baksan.report import page

        folder.write_text("report.html", page.render(shown))
    folder.write_json("report.json", shown, indent=None)  # for programs, and long
    folder.end()


def _prediction_rows(run: Run) -> Any:
    """Out-of-fold predictions, one row for each method and event."""
    import pyarrow as pa

    rows, X = run.tested, run.X.take(run.tested)
    truth = {"answer": np.array(X.class_names)[X.answers] if X.class_names else X.answers}
    if kind_of(X):
        truth = vector_columns("answer", kind_of(X), X.answers)
    tables = [
        frame(
            X.ids, prediction, X.class_names, unit=X.answer.unit if X.answer else "",
            kind=kind_of(X),
            more={
                "method": np.full(len(rows), name), "fold": run.fold[rows], **truth,
                "weight": X.w, **({} if X.group is None else {"group": X.group}),
                **_scores_of_classes(prediction, X),
            },
        )
        for name, prediction in run.predictions.items()
    ]  # fmt: skip
    return pa.concat_tables(tables, promote_options="default")


def _scores_of_classes(prediction: Prediction, X: Samples) -> dict[str, Array]:
    """A column for each of three classes or more: without them figures could not be found again."""
    if prediction.score is None or prediction.score.ndim == 1:
        return {}
    names = [f"score_{name}" for name in X.class_names]
    return dict(zip(names, prediction.score.T, strict=True))
