"""The command line: each command reads its options, calls one public function, and prints.

A mistake ends with one sentence on stderr and exit status 2; `--debug` shows where it came from.
"""

from __future__ import annotations

import atexit
import gc
import io
import sys
import warnings
from typing import Annotated, Any

import typer

from baksan import __version__
from baksan.cli import (
    agreement,
    check,
    compare,
    data,
    demo,
    exporting,
    lab,
    results,
    simulation,
    training,
    tuning,
)
from baksan.cli.show import SETTINGS

__all__ = ["app", "main"]

app = typer.Typer(
    help="Machine learning for astroparticle physics: from events to answers.",
    no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False,
)  # fmt: skip
app.command()(demo.demo)
app.add_typer(data.app, name="data")
app.add_typer(simulation.app, name="simulate")
app.add_typer(results.app, name="results")
for command in (
    training.train, tuning.tune, tuning.learning, training.apply, exporting.export, training.report,
    compare.compare, agreement.agree, lab.lab, check.check,
):  # fmt: skip
    app.command()(command)

# The base of what is wrong in the use of options: older versions of typer have it from click.
_UsageError: Any = typer.BadParameter.__base__


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
    SETTINGS.update(quiet=quiet, debug=debug)


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


def _print_anything() -> None:
    """What a terminal cannot show is shown as a code, instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main(arguments: list[str] | None = None) -> None:
    """The command `baksan`. Exits with 0, with 2 after one sentence, with 130 after Ctrl-C."""
    if arguments is None:  # the process is ours
        _keep_what_is_old()
        _print_anything()
        warnings.showwarning = _note
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
            f"baksan: the work needs more memory than there is; {why}. Train with --stream or"
            " apply without --ranked, which hold a few blocks of events at a time, take fewer"
            " features, or give it more memory.",
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
        print(f"baksan: stopped by Ctrl-C; {_gone_on_with(given)}.", file=sys.stderr)
    sys.exit(status or 0)


def _gone_on_with(given: list[str]) -> str:
    if "simulate" in given:
        return "the same command goes on" if "array" in given else "nothing was written"
    return "a training goes on with --resume"


def _note(message: Warning | str, category: type[Warning], *where: Any, **rest: Any) -> None:
    """Warnings as notes: where in our code they come from helps nobody."""
    print(f"baksan: note: {message}", file=sys.stderr)
