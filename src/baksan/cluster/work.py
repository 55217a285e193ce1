"""What workers do with a part of the events, and how what they found is joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from baksan.compiled import cores, threads
from baksan.samples import BLOCK, Samples
from baksan.stream import Stream
from baksan.stream.reading import Source
from baksan.stream.survey import Surveyor

__all__ = ["Found", "Work", "counted", "head", "joined", "listed", "sums", "surveyed", "worked"]

Work = Callable[[Stream], Any]
"""What is to be found of one part."""


@dataclass(frozen=True, eq=False)
class Found:
    """What was found in parts that follow each other: the events of each, their form."""

    found: Any
    sizes: list[int]
    form: dict[str, object]
    told: str
    """The part whose form it is."""

    def join(self, other: Found) -> Found:
        """Of both. Raises ValueError where their events differ in what they hold."""
        for what, value in other.form.items():
            if self.form and value != self.form[what]:
                raise ValueError(
                    f"every part must have the same {what}; {self.told} has {self.form[what]},"
                    f" {other.told} {value}. Read all parts in the same way."
                )
        form, told = (self.form, self.told) if self.form else (other.form, other.told)
        found = _both(self.found, other.found)
        return Found(found, self.sizes + other.sizes, form, told)


def _both(one: Any, other: Any) -> Any:
    """The sums of two parts, or their surveys; None is a part without events.

    Nothing is changed in place: a worker may be asked again for what it holds.
    """
    if one is None or other is None:
        return one if other is None else other
    if isinstance(one, Surveyor):
        both = Surveyor()
        both.join(one)
        both.join(other)
        return both
    return tuple(a + b for a, b in zip(one, other, strict=True))


def joined(some: list[Found]) -> Found:
    """What was found in neighbouring parts, in their order."""
    found = some[0]
    for more in some[1:]:
        found = found.join(more)
    return found


class _PartStream(Stream):
    """One part as its worker sees it: it may be empty, and its events are numbered from `start`."""

    def __init__(self, held: Any, told: str, changes: tuple[Any, ...], start: int | None) -> None:
        blocks = partial(_opened, held)
        super().__init__(blocks, source=told)
        self._source = Source(blocks, told, start)
        self._changes = changes

    def _ended(self, n: int) -> None:
        self._n = n

    @property
    def form(self) -> dict[str, object]:
        return self._source.form


def worked(held: Any, work: Work, changes: tuple[Any, ...], told: str, start: int | None) -> Found:
    """What the work finds of one part. Raises ValueError that names the part where it fails."""
    try:
        with _own_threads():
            part = _PartStream(held, told, changes, start)
            found = work(part)
    except Exception as error:
        what = f"{type(error).__name__}: {str(error).rstrip('.')}"
        raise ValueError(
            f"{told} must be read and summed; it gave {what}. Mend it, or leave it out."
        ) from error
    return Found(found, [part._n or 0], part.form, told)


@contextmanager
def _own_threads() -> Iterator[None]:
    """Kernels on this task's share of the worker's cores."""
    from distributed import get_worker

    with threads(max(1, cores() // get_worker().state.nthreads)):
        yield


def _opened(held: Any) -> Iterator[Samples]:
    """The Samples of a part in blocks. Raises TypeError for something else."""
    given = held() if callable(held) else held
    for samples in [given] if isinstance(given, Samples) else given:
        if not isinstance(samples, Samples) or len(samples) <= BLOCK:
            yield samples
        else:
            yield from (
                samples.rows(slice(k, k + BLOCK)).with_parts(id=_ids(samples, k))
                for k in range(0, len(samples), BLOCK)
            )


def _ids(samples: Samples, start: int) -> Any:
    return None if samples.id is None else samples.id[start : start + BLOCK]


# Works --------------------------------------------------------------------------------------------


def sums(part: Stream, f: Callable[[Samples], tuple[Any, ...]]) -> tuple[Any, ...] | None:
    """Σ f(block); None where there is no event."""
    return part.total(f) or None


def surveyed(part: Stream, start: int, limit: float) -> Surveyor:
    """What a survey has of this part, its events counted from `start`."""
    surveyor = Surveyor(start, limit)
    with closing(part._all()) as blocks:
        for block in blocks:
            surveyor.add(block)
    return surveyor


def counted(part: Stream) -> None:
    """Nothing but the number of events, which every work leaves."""
    for _ in part:
        pass


def listed(part: Stream) -> list[Samples]:
    """All blocks, also those of which nothing is left, for their notes."""
    return list(part._all())


def head(part: Stream) -> Samples | None:
    """The first block that has events."""
    with closing(part._pass()) as blocks:
        return next((block for _, block in blocks if len(block)), None)
