"""`fetch`: the files of a data set from their publisher, whole and as published, or not at all."""

from __future__ import annotations

import errno
import os
import threading
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from baksan.data.catalogue.entry import Entry, File
from baksan.data.catalogue.files import cache, changed, find, located
from baksan.data.loading import entry
from baksan.files import replacing

__all__ = ["fetch"]

Progress = Callable[[str, float | None], object]
"""progress(what is being done, the share that is done)."""

_PATIENCE = (10.0, 30.0)
"""Seconds until a server answers, and between two pieces of what it sends."""
_LARGEST = 1 << 30  # bytes of a file; those of the catalogue have a few million
_PIECE = 1 << 16
_ONE_AT_A_TIME = threading.Lock()


class _Refused(Exception):
    """Why what an address gave is not the file."""


def fetch(name: str, *, progress: Progress | None = None) -> tuple[Path, ...]:
    """The files of a data set of the catalogue, fetched into the user's cache if they are not here.

    Each is received under a temporary name, its SHA-256 is compared with the published one, and
    only then it takes its place: another process that does the same at the same time does no harm.

    Parameters
    ----------
    name : str
        'magic', 'fermi-3fgl', …; of 'fact-energy:source' the files of this part only.
    progress : callable, optional
        progress(what is being done, the share that is done or None).

    Returns
    -------
    tuple of Path
        Where they are: in BAKSAN_DATA if they were there, else in the cache.

    Raises
    ------
    KeyError
        No data set (or part) of that name.
    FileNotFoundError
        The publisher gives no address of a file, and it is not here.
    ValueError
        A file in BAKSAN_DATA was changed, and stands in the way.
    OSError
        No address gave the published file (no network, a broken connection, another file, …), or
        the cache cannot be written to; nothing is left there.

    Examples
    --------
    >>> [path.name for path in fetch("digits")]  # it comes with scikit-learn
    ['digits.csv.gz']
    """
    known, part = entry(name), name.partition(":")[2]
    told = progress or (lambda text, share: None)
    with _ONE_AT_A_TIME:
        return tuple(_fetched(known, file, told) for file in known.files_of(part))


def _fetched(known: Entry, file: File, told: Progress) -> Path:
    path, home = located(known, file), cache()
    if path is not None and (file.installed or changed(file, path) is None):
        return path
    if path is not None and not path.is_relative_to(home):
        raise ValueError(
            f"{path}: the published file is needed; this one was changed, and BAKSAN_DATA is looked"
            " in before the cache. Move it away and fetch again."
        )
    if not file.addresses:
        return find(known, file)
    target = home / known.folder / file.name
    try:
        _from_any(known, file, target, told)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EEXIST):
            raise
        raise OSError(
            error.errno,
            f"a cache that can be written to is needed; {home} cannot. Set XDG_CACHE_HOME to a"
            f" folder of yours, or put {file.name} into a folder that BAKSAN_DATA names.",
        ) from error
    return target


def _from_any(known: Entry, file: File, target: Path, told: Progress) -> None:
    """The file from the first address that gives it. Raises OSError that says what each gave."""
    failures = []
    for address in file.addresses:
        try:
            with replacing(target) as beside:
                _receive(address, beside, lambda share: told(f"fetching {file.name}", share))
                _unpack(beside, file.name)
                _compare(beside, file)
            return
        except _Refused as error:
            failures.append(f"{address} {error}")
    raise ConnectionError(
        f"{known.name} needs {file.name} from its publisher; {'; '.join(failures)}. Try again"
        f" later, or get it from {known.publisher} and put it into {target.parent}."
    )


# Receiving ----------------------------------------------------------------------------------------


class _Sink:
    """What pooch writes to and tells how far it is: a file that does not grow beyond a bound."""

    def __init__(self, file: BinaryIO, told: Callable[[float | None], object]) -> None:
        self.file, self.told = file, told
        self.total = self.bytes = 0

    def write(self, piece: bytes) -> None:
        self.bytes += len(piece)
        if self.bytes > _LARGEST:
            raise _Refused(f"sends more than {_LARGEST >> 20} MiB")
        self.file.write(piece)
        self.told(min(self.bytes / self.total, 1.0) if self.total else None)

    def flush(self) -> None:
        self.file.flush()

    def update(self, count: int) -> None:
        """Pooch counts pieces, not bytes; `write` knows better."""

    reset = close = flush


def _receive(address: str, path: Path, told: Callable[[float | None], object]) -> None:
    """What the address sends, into a file. Raises _Refused, or OSError of the disk."""
    import pooch
    import requests

    with path.open("wb") as file:
        sink = _Sink(file, told)
        told(None)
        get = pooch.HTTPDownloader(progressbar=sink, chunk_size=_PIECE, timeout=_PATIENCE)
        try:
            get(address, sink, None)
        except requests.HTTPError as error:
            answer: Any = error.response  # which an HTTPError always has
            raise _Refused(f"answered {answer.status_code} {answer.reason}") from error
        except requests.TooManyRedirects as error:
            raise _Refused("sends in circles") from error
        except requests.RequestException as error:
            begun = sink.total or isinstance(error, requests.exceptions.ChunkedEncodingError)
            raise _Refused(_why(error, bool(begun))) from error


def _why(error: Exception, begun: bool) -> str:
    """What went wrong with a connection, in words."""
    if "timed out" in str(error).lower():
        return f"fell silent for {_PATIENCE[begun]:g} s"
    return "broke off before the end" if begun else "cannot be reached (is there a network?)"


def _unpack(path: Path, name: str) -> None:
    """Of a zip, the member of this name takes the zip's place. Raises _Refused."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return
    inner = path.with_name(f"{path.name}.inner")
    try:
        with zipfile.ZipFile(path) as archive:
            members = (m for m in archive.infolist() if PurePosixPath(m.filename).name == name)
            if (member := next(members, None)) is None:
                raise _Refused(f"sent a zip without {name}")
            if member.file_size > _LARGEST:  # of what is longer than it says nothing more is read
                raise _Refused(f"sent a zip with more than {_LARGEST >> 20} MiB in it")
            with archive.open(member) as packed, inner.open("wb") as plain:
                while piece := packed.read(_PIECE):
                    plain.write(piece)
        os.replace(inner, path)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _Refused(f"sent a damaged zip ({error})") from error
    finally:
        inner.unlink(missing_ok=True)


def _compare(path: Path, file: File) -> None:
    """Raises _Refused for another file than the published one."""
    with path.open("rb") as received:
        head = received.read(512).lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        raise _Refused("sent a web page in place of the file")
    if found := changed(file, path):
        raise _Refused(f"sent another file (SHA-256 {found}, not {file.known[file.name]})")
