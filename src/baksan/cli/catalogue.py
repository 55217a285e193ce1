"""`baksan data list` and `data fetch`: what the catalogue holds, and getting it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from baksan.cli.show import SETTINGS, progress

if TYPE_CHECKING:
    from baksan.data import Entry

__all__ = ["credit", "data_fetch", "data_list"]


def data_list() -> None:
    """What the catalogue holds, under which licence, and whether it is here."""
    from baksan.data import entry, names

    for name in names():
        known = entry(name)
        print(f"{name:24}{known.title}")
        for part, what in known.parts.items() if len(known.parts) > 1 else ():
            print(f"{'':24}{name}:{part} — {what}")
        print(f"{'':24}{known.task}; licence: {known.licence}; {_where(known)}")


def _where(known: Entry) -> str:
    """Whether the files are here, or how to get them."""
    from baksan.data.catalogue.files import located

    lost = [file for file in known.files if located(known, file) is None]
    if not lost:
        return "here"
    if all(file.addresses for file in lost):
        return f"get it with baksan data fetch {known.name}"
    return f"get it by hand from {known.publisher}"


def data_fetch(
    wanted: Annotated[
        list[str] | None, typer.Argument(metavar="NAME…", help="Names of the catalogue.")
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Every data set whose publisher gives an address.")
    ] = False,
) -> None:
    """Fetch data sets from their publishers into the cache, each file checked by its SHA-256."""
    from baksan.data import entry, fetch, names

    if all_ == bool(wanted):
        raise ValueError(
            "names of data sets are needed, or --all; see baksan data list for what there is."
        )
    for name in wanted or names():
        if all_ and (where := _where(entry(name))).startswith("get it by hand"):
            print(f"{name}: {where}.")
            continue
        with progress(f"fetching {name}") as show:
            paths = fetch(name, progress=show)
        print(f"{name}: {', '.join(map(str, paths))}")
        credit(name)


def credit(x: str) -> None:
    """Of a data set of the catalogue: whose it is, and what should be known; not with --quiet."""
    from baksan.data import entry
    from baksan.data.loading import is_file

    if SETTINGS["quiet"] or is_file(x):
        return
    known = entry(x)
    print(f"  Data: {known.credit}")
    for note in known.notes:
        print(f"  {note}")
