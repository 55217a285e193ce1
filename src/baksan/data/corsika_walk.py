"""What a CORSIKA particle file says, block by block, in bounded memory.

RUNH, then for each shower EVTH, blocks of particles (and LONG), EVTE; RUNE at last. A block has 273
words of four bytes, of thinned showers 312; 21 blocks make a record between two markers, which some
programs leave out. D. Heck, T. Pierog, Extensive Air Shower Simulation with CORSIKA: A User's
Guide, tables of the output structure [M]; the fields of headers are those of corsikaio.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from baksan.data.columns import ReadError

__all__ = ["HEAD", "MARKERS", "Piece", "Walk", "cut_short", "looks_like_corsika"]

MARKERS = {22_932: 273, 26_208: 312}
"""Bytes of a record, and the words of its blocks: without and with thinning."""
HEAD = 4 * 313
"""Bytes that tell what a file is."""
_BLOCKS = 21  # in a record
_CHUNK = 1 << 21  # bytes that are read at once
_OLDEST, _NEWEST = 6.5, 8.0  # versions: what corsikaio knows, and another program
_TAGS = {
    int.from_bytes(tag, "little"): tag.decode()
    for tag in (b"RUNH", b"EVTH", b"LONG", b"EVTE", b"RUNE")
}
_NUMBERS = (
    "total_energy", "event_number", "run_number", "particle_id", "low_energy_hadron_model",
    "high_energy_hadron_model",
)  # fmt: skip
_LARGEST = 1e15  # of these
_CODES = 1000, 10_000_000  # what a particle's first word lies between


def looks_like_corsika(head: bytes) -> bool:
    """Whether a file that begins so is one of those that are read; `HEAD` bytes tell."""
    return _shape(head) is not None


def cut_short(head: bytes) -> str:
    """What a file is that begins as one of CORSIKA, but is none of those; '' if it is no such."""
    if head[:4] == b"RUNH" and b"\0" in head:
        return "the beginning of a CORSIKA file, or of one that is damaged"
    for width in (4, 8):
        if head[width : width + 4] == b"RUNH":
            size = int.from_bytes(head[:width], "little")
            known = " or ".join(f"{m:,}" for m in MARKERS)
            return f"a CORSIKA file whose first record has {size:,} bytes, not {known}"
    return ""


def _shape(head: bytes) -> tuple[int, bool] | None:
    """Words of a block, and whether records stand between markers; None for another file."""
    marker = int.from_bytes(head[:4], "little")
    if head[4:8] == b"RUNH" and marker in MARKERS:
        return MARKERS[marker], True
    if head[:4] == b"RUNH":
        for words in MARKERS.values():
            if head[4 * words : 4 * words + 4] in (b"EVTH", b"RUNE"):
                return words, False
    return None


class Piece(NamedTuple):
    """Some records of a shower, or its end.

    header is EVTH; records (k, 7 or 8) as they stand in the file, without empty ones; end is EVTE
    once the shower is over, None before.
    """

    header: Any
    records: NDArray[np.float32]
    end: Any


@dataclass
class Walk:
    """A file that is walked through once.

    `finished` counts the showers that are behind, `announced` those that RUNE counts.

    Raises
    ------
    ReadError
        corsikaio is missing; a version before 6.5; the file is cut (it says after which shower) or
        damaged; it holds Cherenkov photons, or several runs.
    """

    path: Path
    source: str
    finished: int = 0
    announced: int = 0
    thinned: bool = False
    version: float = 0.0

    def pieces(self) -> Iterator[Piece]:
        """The showers one after another, in pieces."""
        header: Any = None
        for tag, block in self._blocks():
            if tag in ("", "LONG", "EVTE") and header is None:
                raise self._wrong("a block EVTH", tag or "one of particles")
            if tag in ("EVTH", "RUNE") and header is not None:
                raise self._wrong("the block EVTE of the shower", tag)
            if tag == "RUNH":
                raise self._wrong("one run in a file", "another")
            if tag == "":
                yield Piece(header, self._records(header, block), None)
            elif tag == "EVTH":
                header = self._parsed("event_header", block)
            elif tag == "EVTE":
                end = self._parsed("event_end", block)
                if end["event_number"] != header["event_number"]:
                    wanted, came = int(header["event_number"]), float(end["event_number"])
                    raise self._wrong(
                        f"the block EVTE of event {wanted}", f"that of event {came:g}"
                    )
                self.finished += 1
                yield Piece(header, self._records(header, block[:0]), end)
                header = None
            elif tag == "RUNE":
                self.announced = int(np.nan_to_num(block[0, 2]))

    def _parsed(self, what: str, block: NDArray[np.float32]) -> Any:
        """A header or an end, its fields by name."""
        fields = _corsikaio(self.source).subblocks
        parse = getattr(fields, f"parse_{what}{'_thin' if self.thinned else ''}")
        if what == "event_end":
            return parse(block.tobytes(), np.float32(self.version))[0]
        self._check_version(float(block[0, fields.EVTH_VERSION_POSITION - 1]))
        header = parse(block.tobytes())[0]
        for name in _NUMBERS:
            if not abs(value := float(header[name])) < _LARGEST or header["total_energy"] <= 0:
                raise self._wrong("a header of a shower", f"{name} = {value:g}")
        return header

    def _records(self, header: Any, blocks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Records (k, 7 or 8) of blocks, empty ones left out; their first word is checked."""
        every = blocks.reshape(-1, 8 if self.thinned else 7)
        records: NDArray[np.float32] = every[every[:, 0] != 0]
        first, size = records[:, 0], np.abs(records[:, 0])
        bad = ~((first == np.rint(first)) & (size >= _CODES[0]) & (size < _CODES[1]))
        if not bad.any():
            return records
        if float(header["cerenkov_flag"]) > 0:
            raise ReadError(
                f"{self.source}: a particle file (DAT…) is needed; this one holds bunches of"
                f" Cherenkov photons (shower {self.finished + 1}). Read it with"
                " CorsikaCherenkovFile of corsikaio, or give the particle file of the run."
            )
        raise self._wrong(
            "a particle, whose first word is its code × 1000 + …,", f"{first[bad][0]:g}"
        )

    def _blocks(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """(Tag, block (1, words)), or ('', blocks (k, words)) of particles; up to RUNE."""
        tags = np.array(list(_TAGS), dtype=np.uint32)
        chunks, begun = self._chunks(), False
        for chunk in chunks:
            words, at = chunk.view(np.uint32)[:, 0], 0
            for j in np.flatnonzero(np.isin(words, tags)).tolist():
                if at < j:
                    yield "", chunk[at:j]
                tag, block, at = _TAGS[int(words[j])], chunk[j : j + 1], j + 1
                if begun:
                    yield tag, block
                else:
                    self._check_version(float(block[0, 3]))
                    self.version, begun = float(block[0, 3]), True
                if tag == "RUNE":
                    if len(chunk) - at >= _BLOCKS or next(chunks, None) is not None:
                        raise self._wrong("the end of the file after RUNE", "more")
                    return
            if at < len(chunk):
                yield "", chunk[at:]
        raise self._cut("it ends without the block RUNE")

    def _chunks(self) -> Iterator[NDArray[np.float32]]:
        """Blocks (k, words) in order, of whole records."""
        with self._opened() as file:
            data = self._read(file, HEAD)
            shape = _shape(data)
            if shape is None:
                raise self._cut("it has no first shower")
            words, marked = shape
            self.thinned = words == MARKERS[26_208]
            record = 4 * words * _BLOCKS + (8 if marked else 0)
            size, step = record if marked else 4 * words, record * max(1, _CHUNK // record)
            data += self._read(file, step - len(data))
            while data:
                whole = len(data) - len(data) % size
                if whole:
                    yield self._unmarked(data[:whole], size, words, marked)
                if whole < len(data):
                    raise self._cut("it ends within a " + ("record" if marked else "block"))
                data = self._read(file, step)

    def _unmarked(self, data: bytes, size: int, words: int, marked: bool) -> NDArray[np.float32]:
        """Blocks (k, words) of whole records, without the markers around each."""
        held = np.frombuffer(data, dtype="<u4").astype(np.uint32, copy=False)
        if marked:
            held = held.reshape(-1, size // 4)
            if (held[:, [0, -1]] != size - 8).any():
                raise self._cut("a record does not end where its marker says")
            held = np.ascontiguousarray(held[:, 1:-1])
        return held.reshape(-1, words).view(np.float32)

    def _opened(self) -> IO[bytes]:
        with self.path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        return cast(IO[bytes], gzip.open(self.path)) if packed else self.path.open("rb")

    def _read(self, file: IO[bytes], size: int) -> bytes:
        try:
            return file.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self._cut(f"its gzip is damaged ({error})") from None

    def _check_version(self, version: float) -> None:
        if not _OLDEST <= round(version, 4) < _NEWEST:
            raise ReadError(
                f"{self.source}: a file of CORSIKA {_OLDEST:g} to 7 is needed; this one says"
                f" version {version:g}. Convert it with the tools of its version."
            )

    def _wrong(self, needed: str, came: str) -> ReadError:
        return self._cut(f"{needed} is needed, {came} came")

    def _cut(self, why: str) -> ReadError:
        after = f"after shower {self.finished}" if self.finished else "in the first shower"
        return ReadError(
            f"{self.source}: a whole CORSIKA file is needed; {after} this one is cut or damaged:"
            f" {why}. Fetch it again, or simulate the run again."
        )


def _corsikaio(source: str) -> Any:
    try:
        return import_module("corsikaio")
    except ImportError:
        raise ReadError(
            f"{source}: corsikaio is needed to read CORSIKA files; it is not installed."
            " Install it with: pip install 'baksan[corsika]'"
        ) from None
