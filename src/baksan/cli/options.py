"""The options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
Weight = Annotated[str | None, typer.Option(help="The column of event weights.")]
Where = Annotated[str | None, typer.Option(help="Keep rows for which this formula is true.")]
Marks = Annotated[
    list[float] | None,
    typer.Option("--mark", help="A number that stands for a missing value, such as -999. Repeat."),
]
Out = Annotated[Path | None, typer.Option(help="The folder or file to write.")]
Seed = Annotated[int, typer.Option(help="Everything random follows from it.", min=0)]
AllowChanged = Annotated[
    bool, typer.Option("--allow-changed", help="Go on with a catalogue file whose SHA-256 differs.")
]
