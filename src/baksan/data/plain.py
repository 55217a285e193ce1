"""What formats in plain text share: their bytes in pieces, also out of gzip; what is a number."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from baksan.data.columns import ReadError

__all__ = ["beginning", "characters", "encoding_error", "is_number", "lines", "pieces"]

_LARGEST_RATIO = 300
_LONGEST_LINE = 64 << 20
_BOM = codecs.BOM_UTF8


def is_number(cell: str) -> bool:
    """Whether a word is a number as people and programs write it; nan and inf are."""
    if cell.lower() in ("nan", "inf", "-inf", "+inf"):
        return True
    return bool(re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", cell, re.ASCII))


@contextmanager
def _opened(path: Path, source: str) -> Iterator[tuple[Any, Any]]:
    """The file, unpacked where it is packed; and the file as it lies on disk."""
    with path.open("rb") as raw:
        zipped = raw.peek(2)[:2] == b"\x1f\x8b"
        try:
            yield (gzip.GzipFile(fileobj=raw) if zipped else raw), raw
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ReadError(
                f"{source}: a whole gzip file is needed; this one is cut or damaged ({error})."
                " Fetch it again."
            ) from None


def beginning(path: Path, source: str, size: int) -> tuple[bytes, float]:
    """The first bytes, and about how many times as many the file has."""
    with _opened(path, source) as (file, raw):
        head = file.read(size)
        return head.removeprefix(_BOM), path.stat().st_size / max(raw.tell(), 1)


def pieces(path: Path, source: str, size: int) -> Iterator[bytes]:
    """The bytes, so many at a time. Raises ReadError for gzip that is cut or grows without end."""
    limit = size + _LARGEST_RATIO * path.stat().st_size
    with _opened(path, source) as (file, _):
        piece = file.read(size).removeprefix(_BOM)
        while piece:
            yield piece
            piece = file.read(size)
            if file.tell() > limit:
                raise ReadError(
                    f"{source}: a gzip file that unpacks to at most {_LARGEST_RATIO} times its size"
                    " is needed; this one is larger. Unpack it yourself if you trust it."
                )


def lines(path: Path, source: str, size: int) -> Iterator[bytes]:
    r"""Pieces of whole lines; the last may lack its '\n'."""
    rest = b""
    for piece in pieces(path, source, size):
        whole, end, tail = (rest + piece).rpartition(b"\n")
        if len(tail) > _LONGEST_LINE:
            raise ReadError(
                f"{source}: lines of at most {_LONGEST_LINE >> 20} MiB are needed; one is"
                " longer. Is this a text table?"
            )
        if end:
            yield whole + end
        rest = tail
    if rest:
        yield rest


def characters(path: Path, source: str, size: int) -> Iterator[str]:
    """The text in pieces. Raises ReadError where it is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in pieces(path, source, size):
            yield decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise encoding_error(source, error) from None


def encoding_error(source: str, error: UnicodeDecodeError) -> ReadError:
    """The sentence for bytes that are not UTF-8."""
    block, at = error.object, error.start
    return ReadError(
        f"{source}: text in UTF-8 is needed; the byte 0x{block[at]:02x} is not"
        f" ({block[max(0, at - 20) : at + 1]!r}). Convert the file, for example"
        " with iconv -f latin1 -t utf8."
    )
