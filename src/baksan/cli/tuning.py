"""`baksan tune` and `baksan learning`: which settings, and is more simulation worth it?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from baksan.cli.catalogue import credit
from baksan.cli.options import (
    AllowChanged,
    Answer,
    Features,
    Marks,
    Out,
    Seed,
    Signal,
    Weight,
    Where,
    X,
)
from baksan.cli.show import free, paragraph, progress
from baksan.cli.training import tell

__all__ = ["learning", "tune"]

Group = Annotated[str | None, typer.Option(help="The column of groups kept together.")]
Id = Annotated[str | None, typer.Option(help="The column that names events.")]
Impute = Annotated[
    bool, typer.Option("--impute", help="Keep events that lack features; models fill them in.")
]
Threads = Annotated[
    int | None, typer.Option(help="Cores to use; OMP_NUM_THREADS or all of them.", min=1)
]
Objective = Annotated[
    str | None, typer.Option(help="The figure of merit: auc, signal_at_0.01, rmse, …")
]


def tune(
    x: X,
    answer: Answer = None,
    signal: Signal = None,
    features: Features = None,
    weight: Weight = None,
    group: Group = None,
    id: Id = None,
    where: Where = None,
    mark: Marks = None,
    impute: Impute = False,
    method: Annotated[
        list[str] | None,
        typer.Option("--method", "-m", help="linear, trees, forest, network; linear and trees."),
    ] = None,
    trials: Annotated[int, typer.Option(help="How many settings to try, for each search.")] = 30,
    seconds: Annotated[
        float | None, typer.Option(help="No trial of a search begins after so many seconds.")
    ] = None,
    objective: Objective = None,
    inner: Annotated[int, typer.Option(help="Folds inside the training events.")] = 3,
    folds: Annotated[
        int | None, typer.Option(help="Folds to test on, with a search in each: K + 1 searches.")
    ] = None,
    test: Annotated[float, typer.Option(help="Without --folds: the share to test on.")] = 0.3,
    seed: Seed = 0,
    threads: Threads = None,
    out: Out = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a search that was broken off.")
    ] = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.html.")] = False,
    allow_changed: AllowChanged = False,
) -> None:
    """Search for the best settings; tuned and untuned are compared on events no search has seen."""
    from baksan.store import RunFolder
    from baksan.tune import train_tuned

    began = time.perf_counter()
    if out:  # before the events are read, which may take long
        RunFolder(out).check(resume=resume)
    opened = _opened(x, {
        "answer": answer, "signal": signal, "features": features, "weight": weight,
        "group": group, "id": id, "where": where, "marks": mark or [], "impute": impute,
        "allow_changed": allow_changed,
    })  # fmt: skip
    methods = method or ["linear", "trees"]
    print(paragraph(f"  {_work(methods, trials, inner, folds, test)}"))
    default = Path(f"baksan-tune-{Path(x).stem.replace(':', '-')}")
    with progress("searching", lines=True) as show:
        run = train_tuned(
            opened.samples, methods, trials=trials, seconds=seconds, objective=objective,
            inner=inner, folds=folds, test=test, seed=seed, threads=threads,
            out=out or (default if resume else free(default)), resume=resume,
            source=opened.source, report=not no_report, progress=show,
        )  # fmt: skip
    _found(run)
    tell(run, began)


def _opened(x: str, asked: dict[str, Any]) -> Any:
    """The events, and what is known of them, printed."""
    from baksan.train.source import open_samples, too_large

    if why := too_large(x):
        raise ValueError(
            f"each trial is trained on events in memory, and {why}. Take fewer events by --where,"
            " or fewer features."
        )
    with progress(f"reading {x}") as show:
        opened = open_samples(x, progress=show, **asked)
    events = opened.samples
    print(paragraph(f"  {len(events):,} events, features: {', '.join(events.names)}"))
    for note in opened.notes:
        print(paragraph(f"  {note}"))
    credit(x)
    return opened


def _work(methods: list[str], trials: int, inner: int, folds: int | None, test: float) -> str:
    """How much will be trained, and on what nothing is tested."""
    several = f"{len(methods)} searches" if len(methods) > 1 else "One search"
    most = len(methods) * trials * inner
    if folds is None:
        return (
            f"{several} of {trials} trials on {inner} inner folds, at most {most:,} trainings. A"
            f" share {test:g} of the events is kept from every search; tuned and untuned methods"
            " are compared on it once."
        )
    return (
        f"{len(methods) * (folds + 1)} searches of {trials} trials on {inner} inner folds, at most"
        f" {most * (folds + 1):,} trainings: one for each method in the training events of each of"
        f" {folds} folds, and one on all events for the models that are written."
    )


def _found(run: Any) -> None:
    """What each search came to, and what it is worth on events that it has not seen."""
    from baksan.evaluate import plus_minus
    from baksan.metrics import METRICS
    from baksan.tune import searches_of

    searches = searches_of(run)
    for name, search in searches.items():
        print(paragraph(f"  {name}: {search.message}"))
    metric = next(iter(searches.values())).objective
    for d in run.evaluation.differences:
        if d["metric"] != metric or d["a"] != f"{d['b']}-tuned" or d["value"] is None:
            continue
        doubt = "; that cannot be told from nothing" if d["low"] <= 0 <= d["high"] else ""
        told = (
            f"  {d['a']} − {d['b']}: {METRICS[metric].title}"
            f" {plus_minus(d['value'], d['low'], d['high'])} on {run.evaluation.events:,} events"
            f" that no search has seen{doubt}."
        )
        print(paragraph(told))
    print(paragraph(f"Settings: {run.folder.path / 'settings.toml'}"))
    print(paragraph(f"Trials and pictures: {run.folder.path / 'searches'}"))
    print()


def learning(
    x: X,
    answer: Answer = None,
    signal: Signal = None,
    features: Features = None,
    weight: Weight = None,
    group: Group = None,
    id: Id = None,
    where: Where = None,
    mark: Marks = None,
    impute: Impute = False,
    method: Annotated[
        list[str] | None,
        typer.Option("--method", "-m", help="As in train; linear-analytic and trees."),
    ] = None,
    size: Annotated[
        list[int] | None, typer.Option("--size", help="A number of training events. Repeat.")
    ] = None,
    folds: Annotated[int, typer.Option(help="How many folds.", min=2)] = 5,
    objective: Objective = None,
    seed: Seed = 0,
    threads: Threads = None,
    out: Annotated[
        Path | None, typer.Option(help="The picture to write, .svg, .pdf or .png.")
    ] = None,
    allow_changed: AllowChanged = False,
) -> None:
    """Learning curves: is more simulation worth it?"""
    from baksan.files import replacing
    from baksan.tune import learning_curve

    path = out or _new(x)
    if path.suffix not in (".svg", ".pdf", ".png"):
        raise ValueError(
            f"a learning curve is a picture, .svg, .pdf or .png; {str(path)!r} is none. Try --out"
            f" {path.with_suffix('.svg')}."
        )
    opened = _opened(x, {
        "answer": answer, "signal": signal, "features": features, "weight": weight,
        "group": group, "id": id, "where": where, "marks": mark or [], "impute": impute,
        "allow_changed": allow_changed,
    })  # fmt: skip
    with progress("learning", lines=True) as show:
        found = learning_curve(
            opened.samples, method or ("linear-analytic", "trees"), sizes=size, folds=folds,
            objective=objective, seed=seed, threads=threads, progress=show,
        )  # fmt: skip
    print(found.text())
    print()
    for name in found.curves:
        print(paragraph(found.sentence(name)))
    with replacing(path) as beside:
        found.plot().savefig(beside, dpi=200)
    print(f"Picture: {path}")


def _new(x: str) -> Path:
    return free(Path(f"learning-{Path(x).stem.replace(':', '-')}.svg"))
