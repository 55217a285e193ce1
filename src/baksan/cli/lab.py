"""`baksan lab`: the lessons."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["lab"]


def lab(
    folder: Annotated[Path, typer.Option(help="Where the lessons are, or are put.")] = Path(
        "lessons"
    ),
) -> None:
    """Open the lessons in JupyterLab."""
    from baksan.lessons import open_lab

    open_lab(folder)
