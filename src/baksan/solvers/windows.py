"""The events in the order in which epochs visit them, some thousand at a time."""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.compiled import cores
from baksan.samples import Samples, epoch_order
from baksan.solvers.base import Events, State
from baksan.stream.reading import ahead

Array = NDArray[Any]

__all__ = ["Windows"]

_ROWS = 16_384


class Windows:
    """Windows: contiguous copies of the events that come next.

    To gather them ahead is several times faster than steps that look for each of their events in
    all of the memory; while the steps are taken in one window, a thread gathers the next.
    """

    def __init__(self, X: Events, batch: int, shuffle: bool) -> None:
        self.X, self.batch, self.shuffle = X, batch, shuffle
        self.first, self.window = 0, X.head.rows(slice(0, 0))
        self.coming: Iterator[Samples] = iter(())
        self.epoch: tuple[int, int] | None = None

    def at(self, state: State) -> tuple[Samples, int]:
        """A window in which the event that is next after this state stands, and where it does."""
        if isinstance(self.X, Samples) and not self.shuffle:
            return self.X, state.place
        epoch, end = (state.seed, state.epoch), self.first + len(self.window)
        if epoch != self.epoch or not self.first <= state.place <= end:
            self.epoch, end = epoch, state.place
            self.coming, self.window = self._epoch(state), self.window.rows(slice(0, 0))
        if state.place >= end:
            self.first, self.window = state.place, next(self.coming)
        return self.window, state.place - self.first

    def close(self) -> None:
        """No thread and no file stays open; who asks again begins anew."""
        self.epoch, self.coming, self.window = None, iter(()), self.window.rows(slice(0, 0))

    def _epoch(self, state: State) -> Iterator[Samples]:
        """The windows of this epoch, from the next event on."""
        if not isinstance(self.X, Samples):
            return self.X.epoch(
                state.seed, state.epoch, shuffle=self.shuffle, multiple=self.batch,
                skip=state.place,
            )  # fmt: skip
        order = _order(len(self.X), state.seed, state.epoch)[state.place :]
        size = self.batch * max(1, _ROWS // self.batch)
        windows = _gathered(self.X, order, size)
        return ahead(windows) if len(order) > size and cores() > 1 else windows


_order = functools.lru_cache(maxsize=1)(epoch_order)


def _gathered(X: Samples, order: Array, size: int) -> Generator[Samples]:
    """X in this order, `size` events at a time, in two rooms that take turns: fresh memory would
    cost as much as the copy.
    """
    rooms = [np.empty((min(size, len(order)), *X.x.shape[1:]), X.x.dtype) for _ in range(2)]
    for number, start in enumerate(range(0, len(order), size)):
        index = order[start : start + size]
        x = X.x.take(index, 0, rooms[number % 2][: len(index)], "clip")
        parts = {name: getattr(X, name) for name in ("y", "weight")}
        held = {name: None if v is None else v.take(index, 0) for name, v in parts.items()}
        yield X.with_parts(x=x, id=index, group=None, **held)
