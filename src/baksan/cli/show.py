"""What a person sees while a command works, and where it may write."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

__all__ = ["SETTINGS", "free", "paragraph", "progress", "room"]

SETTINGS = {"quiet": False, "debug": False}
"""What `--quiet` and `--debug` ask of all commands."""


class Show(Protocol):
    def __call__(self, text: str, share: float | None = None) -> None: ...


@contextmanager
def progress(begin: str, lines: bool = False) -> Iterator[Show]:
    """A line that shows what is being done, on stderr; silent with --quiet.

    The bar swings to and fro until the share done is known. Into a file nothing moves: with
    `lines` each stage gets a line on stdout there.
    """
    console = Console(stderr=True)
    if SETTINGS["quiet"] or not console.is_terminal:
        told = [""] if lines and not SETTINGS["quiet"] else None

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


def room() -> int:
    """Characters of a line: those of the terminal; at least 100 in a file, for any reader."""
    console = Console()
    return console.width if console.is_terminal else max(100, console.width)


def paragraph(text: str) -> str:
    """Text in lines that end between words on a terminal, all of one margin; one line in a file."""
    if not Console().is_terminal:
        return text
    margin = " " * (len(text) - len(text.lstrip()))
    return textwrap.fill(
        text.strip(), room(), initial_indent=margin, subsequent_indent=margin,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def free(path: Path) -> Path:
    """The path, or the path with the first number that makes it new."""
    k, free = 1, path
    while free.exists():
        k += 1
        free = path.with_name(f"{path.name}-{k}")
    return free
