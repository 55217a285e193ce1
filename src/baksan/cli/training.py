"""`baksan train`, `apply` and `report`: from events to answers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from baksan.cli.show import free, paragraph, progress, room

if TYPE_CHECKING:
    from baksan.store import RunFolder

__all__ = ["apply", "report", "tell", "train"]


def train(
    x: Annotated[
        str | None,
        typer.Argument(
            help="A file, a folder, or a catalogue name; --resume with --out RUN needs none."
        ),
    ] = None,
    answer: Answer = None,
    signal: Signal = None,
    features: Features = None,
    weight: Weight = None,
    group: Annotated[str | None, typer.Option(help="The column of groups kept together.")] = None,
    id: Annotated[str | None, typer.Option(help="The column that names events.")] = None,
    where: Where = None,
    mark: Marks = None,
    impute: Annotated[
        bool, typer.Option("--impute", help="Keep events that lack features; models fill them in.")
    ] = False,
    method: Annotated[
        list[str] | None, typer.Option("--method", "-m", help="linear, cuts, trees, forest, …")
    ] = None,
    folds: Annotated[int, typer.Option(help="How many folds.")] = 5,
    test: Annotated[
        float | None, typer.Option(help="Instead of folds: the share to test on.")
    ] = None,
    bin_by: Annotated[str | None, typer.Option(help="Figures of merit in bins of this.")] = None,
    ignore_negative_weights: Annotated[
        bool,
        typer.Option(
            "--ignore-negative-weights",
            help="Train methods that cannot take negative weights without these events.",
        ),
    ] = False,
    seed: Seed = 0,
    threads: Annotated[
        int | None, typer.Option(help="Cores to use; OMP_NUM_THREADS or all of them.", min=1)
    ] = None,
    out: Out = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished run.")] = False,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream",
            help="Read the events block by block, again and again, or hold them; by their size.",
        ),
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.html.")] = False,
    allow_changed: AllowChanged = False,
) -> None:
    """Train and compare methods; leave models, figures of merit and a report in a run folder."""
    from baksan.store import RunFolder
    from baksan.train import check_asked
    from baksan.train import train as run_training
    from baksan.train.source import open_samples, too_large
    from baksan.train.views import plain

    began = time.perf_counter()
    asked: dict[str, Any] = {
        "answer": answer, "signal": signal, "features": features, "weight": weight,
        "group": group, "id": id, "where": where, "bin_by": bin_by, "marks": mark or [],
        "impute": impute, "allow_changed": allow_changed,
        "stations": "array" in (method or []),
    }  # fmt: skip
    how: dict[str, Any] = {
        "methods": method, "folds": folds, "test": test, "seed": seed,
        "ignore_negative_weights": ignore_negative_weights,
    }  # fmt: skip
    if x is None:
        x, asked, how = _as_before(out, resume)
    if resume and out and (out / "config.toml").exists():
        stream = _read_as_before(RunFolder(out), stream)
    # Before the events are read, which may take long.
    check_asked(how["methods"], how.get("folds", 5), how.get("test"))
    if out:
        RunFolder(out).check(resume=resume)
    why = too_large(x) if stream is None else ""
    streamed = stream or bool(why)
    with progress(f"reading {x}") as show:
        opened = open_samples(x, stream=streamed, progress=show, **asked)
    events = plain(opened.samples)
    effective = "" if events.head.weight is None else f"effective {events.effective_events:,.0f}, "
    told = f"{len(events):,} events, {effective}features: {', '.join(events.names)}"
    print(paragraph(f"  {told}"))
    if streamed:
        print(paragraph(f"  They are read as a stream{': ' + why if why else ''}."))
    for note in opened.notes:
        print(paragraph(f"  {note}"))
    credit(x)
    default = Path(f"baksan-{Path(x).stem.replace(':', '-')}")
    with progress("training", lines=True) as show:
        run = run_training(
            opened.samples, threads=threads, out=out or (default if resume else free(default)),
            resume=resume, source=opened.source, bin_by=opened.bin_by, report=not no_report,
            progress=show, **how,
        )  # fmt: skip
    tell(run, began)


def _as_before(out: Path | None, resume: bool) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """What an unfinished run was asked for, from its config.toml."""
    from baksan.store import RunFolder

    if not (resume and out):
        raise ValueError(
            "train needs a file, a folder or a catalogue name; only --resume with --out RUN takes"
            " it from the run. See baksan train --help."
        )
    config = RunFolder(out).config
    how: dict[str, Any] = {
        k: config[k]
        for k in ("folds", "test", "seed", "replicas", "ignore_negative_weights")
        if k in config
    }
    # A rule is named by its column; its settings say that it is one.
    how["methods"] = [s if s.startswith("column:") else n for n, s in config["methods"].items()]
    return config["source"], config.get("samples", {}), how


def _read_as_before(run: RunFolder, stream: bool | None) -> bool:
    """Whether the events of a run were a stream. Raises ValueError where the other is asked for."""
    was = "compared" in run.config
    if stream not in (None, was):
        how = ("were held in memory", "--stream") if stream else ("were a stream", "--no-stream")
        raise ValueError(
            f"a run is resumed with the settings it began with; the events of {run.path} {how[0]}"
            f" and {how[1]} came. Leave it out, or choose another --out."
        )
    return was


def apply(
    model: Annotated[Path, typer.Argument(help="A model file, NAME.baksan or NAME.skops.")],
    x: X,
    out: Annotated[Path, typer.Option(help="The file to write, .parquet or .csv.")],
    where: Where = None,
    id: Annotated[str | None, typer.Option(help="The column that names events.")] = None,
    ranked: Annotated[bool, typer.Option("--ranked", help="Best score first.")] = False,
    allow_changed: AllowChanged = False,
) -> None:
    """Predictions for new events, streaming; units are checked, strangers are marked."""
    from baksan.apply import apply as run_apply
    from baksan.data import stream
    from baksan.store import load_model

    if out.exists() and Path(x).exists() and out.samefile(x):
        raise ValueError(f"predictions must not replace their input {x}; choose another --out.")
    if Path(x).is_dir() and out.resolve().parent == Path(x).resolve():
        raise ValueError(
            f"predictions must not lie in the folder of their input {x}; choose another --out."
        )
    stored = load_model(model)
    with progress(f"reading {x}") as show:
        done = run_apply(
            stored, stream(x, allow_changed=allow_changed, progress=show), out, where=where,
            id=id, ranked=ranked, progress=lambda n: show(f"{n:,} events predicted"),
        )  # fmt: skip
    print(f"{paragraph(str(done))}\nPredictions: {out}")
    credit(x)


def report(
    run: Annotated[Path, typer.Argument(help="A run folder, or a file of simulated showers.")],
) -> None:
    """Render a run's report again; or the page of simulated showers, beside their file."""
    from baksan.files import replacing
    from baksan.report import page
    from baksan.store import RunFolder

    if not run.exists():
        raise FileNotFoundError(
            f"a run folder or a file of simulated showers is needed; {run} does not exist. Check"
            " its name."
        )
    if run.is_file():
        from baksan.produce.account import page_of

        path = run.with_suffix(".html")
        with progress("drawing the page"), replacing(path) as beside:
            beside.write_text(page_of(run), encoding="utf-8")
    else:
        folder = RunFolder.open(run)
        with progress("drawing the report"):
            path = folder.write_text("report.html", page.render(folder.read_json("report.json")))
    print(f"Report: {path}")


def tell(run: Any, began: float) -> None:
    """Print what came out of a run, and where everything lies."""
    from baksan.train.summary import sentence

    print(run.evaluation.text(width=room()))
    print()
    print(paragraph(sentence(run)))
    for name, why in run.left_out.items():
        print(paragraph(f"  {name} is left out: {why}"))
    print(f"Models: {run.folder.path / 'models'}")
    for name, why in run.unsaved.items():
        print(f"  {name}: {why}")
    if held := _beyond_skops(run.folder.path / "models"):
        print(paragraph(f"  beyond skops' own list, .skops files here hold {', '.join(held)}"))
    if (run.folder.path / "report.html").exists():
        print(f"Report: {run.folder.path / 'report.html'}")
    print(f"Done in {time.perf_counter() - began:.0f} s{_peak(run)}.")


def _beyond_skops(models: Path) -> list[str]:
    """The types in a folder's .skops files that skops by itself does not trust."""
    if not (files := list(models.glob("*.skops"))):
        return []
    from skops.io import get_untrusted_types

    return sorted({name for file in files for name in get_untrusted_types(file=file)})


def _peak(run: Any) -> str:
    """Of a streamed run, the most memory that was in use at a time."""
    from baksan.stream import Stream

    if not isinstance(run.events, Stream):
        return ""
    from baksan.memory import peak

    return f", peak memory {peak() / 1e9:.2f} GB"
