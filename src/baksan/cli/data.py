"""`baksan data`: look at data and at the catalogue."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from baksan.cli import catalogue
from baksan.cli.options import AllowChanged, Answer, Marks, Weight, Where, X
from baksan.cli.show import progress

__all__ = ["app"]

app = typer.Typer(help="Look at data and at the catalogue.", no_args_is_help=True)


app.command("list")(catalogue.data_list)
app.command("fetch")(catalogue.data_fetch)


@app.command("describe")
def data_describe(
    x: X,
    answer: Answer = None,
    weight: Weight = None,
    where: Where = None,
    mark: Marks = None,
    allow_changed: AllowChanged = False,
) -> None:
    """What is in a table: columns, units, ranges, what is missing, what gives the answer away."""
    from baksan.data.columns import SeveralTables
    from baksan.data.inside import inside

    try:
        _describe(x, answer, weight, where, mark or [], allow_changed)
    except SeveralTables as several:
        print(f"{x}: {len(several.parts)} tables\n")
        for line in inside(x, several.parts):
            print(line)
        print(f"\nDescribe one of them: baksan data describe '{x}#{several.parts[0]}'")


def _describe(
    x: str,
    answer: str | None,
    weight: str | None,
    where: str | None,
    marks: list[float],
    allow_changed: bool,
) -> None:
    from baksan import memory
    from baksan.data import footprint, stream
    from baksan.data.loading import is_file
    from baksan.describe import describe, describe_passes
    from baksan.table.weights import weighed
    from baksan.train.source import open_table

    # To look at a table takes up to twice its own size besides.
    if is_file(x) and footprint(x) > memory.available() / 3:
        with progress(f"reading {x}") as show:
            told = describe_passes(
                lambda columns: stream(x, columns=columns, where=where, marks=marks), answer,
                progress=lambda n: show(f"describing {x}: {n:,} rows"),
            )  # fmt: skip
            if weight:
                tables = stream(x, columns=[weight], where=where, marks=marks)
                told = replace(told, notes=(*told.notes, *weighed(tables, weight)))
        print(told.text(width=Console().width))
        return
    with progress(f"reading {x}") as show:
        loaded = open_table(x, where=where, marks=marks, allow_changed=allow_changed, progress=show)
        known = loaded.entry.answer if loaded.entry else ""
        show(f"describing {len(loaded.table):,} rows")
        told = describe(
            loaded.table, answer or (known if known in loaded.table.columns else None), weight
        )
    print(told.text(width=Console().width))
    catalogue.credit(x)


@app.command("convert")
def data_convert(
    x: X,
    out: Annotated[
        Path,
        typer.Argument(
            help="The file to write; its ending tells the format: .parquet, .csv, .tsv, .txt,"
            " .ecsv, .json, .jsonl, .npy, .npz, .fits, .h5, .hdf5, .root, .sqlite, .db or .libsvm;"
            " .csv.gz and the like."
        ),
    ],
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns",
            "-c",
            help="Columns or formulas such as 'lgE=log10(energy)', separated by commas; or the name"
            " of a feature list of the catalogue. All, if left out. Repeat or list.",
        ),
    ] = None,
    answer: Answer = None,
    where: Where = None,
    mark: Marks = None,
    allow_changed: AllowChanged = False,
) -> None:
    """A table in another format, with its units where the format keeps them."""
    from baksan.data import convert

    with progress(f"reading {x}") as show:
        written = convert(
            x, out, columns=",".join(columns) if columns else None, where=where, answer=answer,
            marks=mark or (), allow_changed=allow_changed, progress=show,
        )  # fmt: skip
    print(written)
    catalogue.credit(x)
