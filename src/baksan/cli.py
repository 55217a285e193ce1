"""The command line: each command reads its options, calls one public function, and prints.

A mistake ends with one sentence on stderr and exit status 2; `--debug` shows where it came from.
"""

from __future__ import annotations

import atexit
import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from baksan import __version__

__all__ = ["app", "main"]

app = typer.Typer(
    help="Machine learning for astroparticle physics: from events to answers.",
    no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False,
)  # fmt: skip
data_app = typer.Typer(help="Look at data and at the catalogue.", no_args_is_help=True)
simulate_app = typer.Typer(help="Make labelled events.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(simulate_app, name="simulate")

_settings = {"quiet": False, "debug": False}

# The base of what is wrong in the use of options: older versions of typer have it from click.
_UsageError: Any = typer.BadParameter.__base__

X = Annotated[str, typer.Argument(help="A file, a folder, or a catalogue name (baksan data list).")]
Answer = Annotated[str | None, typer.Option(help="The column to predict.")]
Signal = Annotated[str | None, typer.Option(help="The class that is signal.")]
Features = Annotated[
    list[str] | None,
    typer.Option(
        "--features", "-f",
        help="Columns or formulas such as 'lgE=log10(energy)', separated by commas; or the name"
        " of a feature list of the catalogue. Repeat or list.",
    ),
]  # fmt: skip
Where = Annotated[str | None, typer.Option(help="Keep rows for which this formula is true.")]
Out = Annotated[Path | None, typer.Option(help="The folder or file to write.")]
Seed = Annotated[int, typer.Option(help="Everything random follows from it.", min=0)]
AllowChanged = Annotated[
    bool, typer.Option("--allow-changed", help="Go on with a catalogue file whose SHA-256 differs.")
]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"baksan {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, only results.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    _settings.update(quiet=quiet, debug=debug)


@app.command()
def demo(
    out: Out = Path("baksan-demo"),
    events: Annotated[int, typer.Option(help="How many images to simulate.", min=1)] = 20_000,
    seed: Seed = 1,
) -> None:
    """The main job on simulated telescope images: simulate, train, compare, report."""
    from baksan.simulate import telescope
    from baksan.train import train as run_training
    from baksan.train.source import from_table

    began = time.perf_counter()
    print(f"Simulating {events:,} images of gammas and hadrons, seed {seed}.")
    with _progress("simulating"):
        table = telescope.events(events, seed=seed)
    opened = from_table(
        table, answer="class", signal="gamma", id="event",
        name="simulated telescope images", title="Gamma or hadron? Simulated telescope images",
    )  # fmt: skip
    with _progress("training", lines=True) as progress:
        run = run_training(
            opened.samples, seed=seed, out=_free(out or Path("baksan-demo")),
            source=opened.source, progress=progress,
        )  # fmt: skip
    _tell(run, began)


@data_app.command("list")
def data_list() -> None:
    """What the catalogue holds."""
    from baksan.data import entry, names

    for name in names():
        known = entry(name)
        print(f"{name:20}{known.title}")
        for part, what in known.parts.items():
            if len(known.parts) > 1:
                print(f"  {name}:{part} — {what}")


@data_app.command("describe")
def data_describe(
    x: X,
    answer: Answer = None,
    where: Where = None,
    allow_changed: AllowChanged = False,
) -> None:
    """What is in a table: columns, units, ranges, what is missing, what gives the answer away."""
    from baksan import memory
    from baksan.data import footprint, stream
    from baksan.data.loading import is_file
    from baksan.describe import describe, describe_passes
    from baksan.train.source import open_table

    # To look at a table takes up to twice its own size besides.
    if is_file(x) and footprint(x) > memory.available() / 3:
        with _progress(f"reading {x}") as progress:
            told = describe_passes(
                lambda columns: stream(x, columns=columns, where=where), answer,
                progress=lambda n: progress(f"describing {x}: {n:,} rows"),
            )  # fmt: skip
        print(told.text(width=Console().width))
        return
    with _progress(f"reading {x}") as progress:
        loaded = open_table(x, where=where, allow_changed=allow_changed, progress=progress)
        known = loaded.entry.answer if loaded.entry else ""
        progress(f"describing {len(loaded.table):,} rows")
        told = describe(
            loaded.table, answer=answer or (known if known in loaded.table.columns else None)
        )
    print(told.text(width=Console().width))


@app.command()
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
    weight: Annotated[str | None, typer.Option(help="The column of event weights.")] = None,
    group: Annotated[str | None, typer.Option(help="The column of groups kept together.")] = None,
    id: Annotated[str | None, typer.Option(help="The column that names events.")] = None,
    where: Where = None,
    method: Annotated[
        list[str] | None, typer.Option("--method", "-m", help="linear, cuts, trees, forest, …")
    ] = None,
    folds: Annotated[int, typer.Option(help="How many folds.")] = 5,
    test: Annotated[
        float | None, typer.Option(help="Instead of folds: the share to test on.")
    ] = None,
    bin_by: Annotated[str | None, typer.Option(help="Figures of merit in bins of this.")] = None,
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
    from baksan.train import train as run_training
    from baksan.train.source import open_samples, too_large

    began = time.perf_counter()
    asked: dict[str, Any] = {
        "answer": answer, "signal": signal, "features": features, "weight": weight,
        "group": group, "id": id, "where": where, "bin_by": bin_by, "allow_changed": allow_changed,
    }  # fmt: skip
    how: dict[str, Any] = {"methods": method, "folds": folds, "test": test, "seed": seed}
    if x is None:
        x, asked, how = _as_before(out, resume)
    if resume and out and (out / "config.toml").exists():
        stream = "compared" in RunFolder(out).config
    why = too_large(x) if stream is None else ""
    streamed = stream or bool(why)
    with _progress(f"reading {x}") as progress:
        opened = open_samples(x, stream=streamed, progress=progress, **asked)
    print(f"  {len(opened.samples):,} events, features: {', '.join(opened.samples.names)}")
    if streamed:
        print(f"  They are read as a stream{': ' + why if why else ''}.")
    for note in opened.notes:
        print(f"  {note}")
    default = Path(f"baksan-{Path(x).stem.replace(':', '-')}")
    with _progress("training", lines=True) as progress:
        run = run_training(
            opened.samples, threads=threads, out=out or (default if resume else _free(default)),
            resume=resume, source=opened.source, bin_by=opened.bin_by, report=not no_report,
            progress=progress, **how,
        )  # fmt: skip
    _tell(run, began)


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
        k: config[k] for k in ("folds", "test", "seed", "replicas") if k in config
    }
    how["methods"] = list(config["methods"])
    return config["source"], config.get("samples", {}), how


@app.command()
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
    stored = load_model(model)
    with _progress(f"reading {x}") as progress:
        done = run_apply(
            stored, stream(x, allow_changed=allow_changed, progress=progress), out, where=where,
            id=id, ranked=ranked, progress=lambda n: progress(f"{n:,} events predicted"),
        )  # fmt: skip
    print(f"{done}\nPredictions: {out}")


@app.command()
def report(run: Annotated[Path, typer.Argument(help="A run folder.")]) -> None:
    """Render a run's report again."""
    from baksan.report import page
    from baksan.store import RunFolder

    folder = RunFolder.open(run)
    with _progress("drawing the report"):
        path = folder.write_text("report.html", page.render(folder.read_json("report.json")))
    print(f"Report: {path}")


@simulate_app.command("telescope")
def simulate_telescope(
    events: Annotated[int, typer.Option(help="How many images.", min=1)],
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")],
    seed: Seed = 0,
    gamma_fraction: Annotated[float, typer.Option(help="The share of gammas.")] = 0.65,
) -> None:
    """Image parameters of gammas and hadrons seen by one telescope (a toy; see the docs)."""
    from baksan.data.parquet import write_blocks
    from baksan.simulate import telescope

    if out.suffix != ".parquet":
        raise ValueError(
            f"simulated events go to a Parquet file, NAME.parquet; {str(out)!r} ends otherwise."
            f" Try --out {out.with_suffix('.parquet')}."
        )
    with _progress("simulating") as progress:
        blocks = telescope.blocks(events, seed=seed, gamma_fraction=gamma_fraction)
        write_blocks(
            blocks, out, progress=lambda n: progress(f"{n:,} of {events:,} images", n / events)
        )
    print(f"{events:,} images: {out}")


@app.command()
def lab(
    folder: Annotated[Path, typer.Option(help="Where the lessons are, or are put.")] = Path(
        "lessons"
    ),
) -> None:
    """Open the lessons in JupyterLab."""
    from baksan.lessons import open_lab

    open_lab(folder)


# Faces --------------------------------------------------------------------------------------------


def _free(path: Path) -> Path:
    """The path, or the path with the first number that makes it new."""
    k, free = 1, path
    while free.exists():
        k += 1
        free = path.with_name(f"{path.name}-{k}")
    return free


def _tell(run: Any, began: float) -> None:
    from baksan.train.summary import sentence

    print(run.evaluation.text(width=max(100, Console().width)))
    print()
    print(sentence(run))
    print(f"Models: {run.folder.path / 'models'}")
    for name, why in run.unsaved.items():
        print(f"  {name}: {why}")
    if any((run.folder.path / "models").glob("*.skops")):
        from baksan.store.model import TRUSTED

        print(f"  .skops files may hold, beyond skops' own list: {', '.join(TRUSTED)}")
    if (run.folder.path / "report.html").exists():
        print(f"Report: {run.folder.path / 'report.html'}")
    print(f"Done in {time.perf_counter() - began:.0f} s{_peak(run)}.")


def _peak(run: Any) -> str:
    """Of a streamed run, the most memory that was in use at a time."""
    if run.events is run.X:
        return ""
    from baksan.memory import peak

    return f", peak memory {peak() / 1e9:.2f} GB"


class _Show(Protocol):
    def __call__(self, text: str, share: float | None = None) -> None: ...


@contextmanager
def _progress(begin: str, lines: bool = False) -> Iterator[_Show]:
    """A line that shows what is being done, on stderr; silent with --quiet.

    The bar swings to and fro until the share done is known. Into a file nothing moves: with
    `lines` each stage gets a line on stdout there.
    """
    console = Console(stderr=True)
    if _settings["quiet"] or not console.is_terminal:
        told = [""] if lines and not _settings["quiet"] else None

        def line(text: str, share: float | None = None) -> None:
            stage = text.partition(",")[0]
            if told is not None and stage != told[-1]:
                told.append(stage)
                print(f"  {stage} …", flush=True)

        yield line
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task(begin, total=None)

        def show(text: str, share: float | None = None) -> None:
            total = None if share is None else 1.0
            shown.update(task, description=text, total=total, completed=share)

        yield show


def _usage(error: Any) -> str:
    """One sentence for options that do not exist or do not fit."""
    said = " ".join(error.format_message().split())
    where = f" See {error.ctx.command_path} --help." if error.ctx else ""
    return f"{said}{'' if said.endswith(('.', '?')) else '.'}{where}"


def _keep_what_is_old() -> None:
    """Old objects are seldom searched for garbage, and not at the end of the process.

    What grows old here is libraries; to search them takes 0.5 s of a training, 1.3 s with a report.
    """
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, 100)
    atexit.register(gc.freeze)


def main(arguments: list[str] | None = None) -> None:
    """The command `baksan`. Exits with 0, with 2 after one sentence, with 130 after Ctrl-C."""
    if arguments is None:  # the process is ours
        _keep_what_is_old()
    given = sys.argv[1:] if arguments is None else list(arguments)
    # These two may stand anywhere.
    ahead = [flag for flag in ("--quiet", "--debug") if flag in given]
    given = ahead + [a for a in given if a not in ahead]
    try:
        status = app(given, prog_name="baksan", standalone_mode=False)
    except _UsageError as error:
        if "\n" in error.message:  # a command without arguments: the page of help
            error.show()
        else:
            print(f"baksan: {_usage(error)}", file=sys.stderr)
        sys.exit(2)
    except typer.Abort:
        status = 130
    except MemoryError as error:
        if "--debug" in ahead:
            raise
        why = " ".join(str(error).split()).rstrip(".") or "no more could be had"
        print(
            f"baksan: the work needs more memory than there is; {why}. Train with --stream, which"
            " holds a few blocks of events at a time, take fewer features, or give it more memory.",
            file=sys.stderr,
        )
        sys.exit(2)
    except (ValueError, KeyError, TypeError, OSError, ImportError) as error:
        if "--debug" in ahead:
            raise
        said = error.args[0] if isinstance(error, KeyError) and error.args else error
        if isinstance(error, OSError) and error.strerror:
            said = error.strerror if " " in error.strerror and error.filename is None else error
        print(f"baksan: {said}", file=sys.stderr)
        sys.exit(2)
    if status == 130:
        print("baksan: stopped by Ctrl-C; a training goes on with --resume.", file=sys.stderr)
    sys.exit(status or 0)
