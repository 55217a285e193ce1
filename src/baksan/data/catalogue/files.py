"""Where the files of data sets are looked for, and whether they are the published ones."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from baksan.data.catalogue.entry import Entry, File

__all__ = ["cache", "changed", "check", "find", "folders", "located", "sha256"]

Progress = Callable[[str], object]
"""progress(what is being done)."""


def cache() -> Path:
    """The folder of the user that holds what was fetched."""
    import pooch

    return Path(pooch.os_cache("baksan"))


def folders() -> list[Path]:
    """Where data sets are looked for: BAKSAN_DATA, then the cache."""
    given = os.environ.get("BAKSAN_DATA", "")
    return [*(Path(p) for p in given.split(os.pathsep) if p), cache()]


def located(known: Entry, file: File) -> Path | None:
    """Where a file is; None where it is not."""
    if file.installed is not None:
        return file.installed()
    places = (
        path
        for folder in folders()
        for name in file.known
        for path in (folder / known.folder / name, folder / name)
    )
    return next((path for path in places if path.exists()), None)


def find(known: Entry, file: File) -> Path:
    """Where a file is. Raises FileNotFoundError that says how to get it."""
    if (path := located(known, file)) is not None:
        return path
    get = (
        f"Fetch it with baksan data fetch {known.name} (baksan.data.fetch({known.name!r}))"
        if file.addresses
        else f"Get it from {known.publisher} and put it into {cache() / known.folder}"
    )
    raise FileNotFoundError(
        f"{known.name} needs the file {' or '.join(file.known)}; it is neither in BAKSAN_DATA"
        f" ({os.environ.get('BAKSAN_DATA') or 'not set'}) nor in the cache. {get}, or name its"
        " folder in BAKSAN_DATA."
    )


def check(file: File, path: Path, allow_changed: bool, progress: Progress | None) -> list[str]:
    """Raises ValueError for a changed file, or notes it."""
    if (found := changed(file, path, progress)) is None:
        return []
    expected = _expected(file, path)
    if not allow_changed:
        raise ValueError(
            f"{path}: the published file has the SHA-256 {expected}; this one has {found}, so"
            " someone changed it. Fetch it again, or go on only with --allow-changed"
            " (allow_changed=True)."
        )
    return [f"{path.name} is not the published file: its SHA-256 is {found}, not {expected}."]


def changed(file: File, path: Path, progress: Progress | None = None) -> str | None:
    """The SHA-256 of a file that is not the published one; None where it is."""
    found = sha256(path, progress)
    return None if found == _expected(file, path) else found


def _expected(file: File, path: Path) -> str:
    return file.known.get(path.name, file.known[file.name])


def sha256(path: Path, progress: Progress | None = None) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    if progress is not None:
        progress(f"SHA-256 of {path.name}")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
