"""`baksan compare`: finished runs side by side."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Annotated

import typer

from baksan.cli.show import progress, room

__all__ = ["compare"]


def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="Run folders; the first is what others are set against.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The page to write, NAME.html; compare.html, or with a number."),
    ] = None,
    replicas: Annotated[
        int, typer.Option(help="Bootstrap replicas of the events in common.", min=2)
    ] = 500,
) -> None:
    """Set runs side by side: what was asked, is it fair, by how much do figures differ."""
    from baksan.compare import compare as run_comparison
    from baksan.files import replacing

    path = out or _new()
    if path.suffix != ".html":
        raise ValueError(
            f"a comparison is a page, NAME.html; {str(path)!r} ends otherwise."
            f" Try --out {path.with_suffix('.html')}."
        )
    with progress("comparing") as show:
        found = run_comparison(
            *runs, replicas=replicas,
            progress=lambda done, total: show(f"replica {done} of {total}", done / total),
        )  # fmt: skip
        show("drawing the page")
        with replacing(path) as beside:
            beside.write_text(found.html(), encoding="utf-8")
    print(found.text(width=room()))
    print(f"\nPage: {path}")


def _new() -> Path:
    """compare.html here, or the first of compare-2.html … that is new."""
    names = (Path(f"compare{'' if k == 1 else f'-{k}'}.html") for k in count(1))
    return next(path for path in names if not path.exists())
