"""The events in the order in which epochs visit them, some thousand at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from baksan.compiled import compiled, cores
from baksan.order import epoch_order
from baksan.samples import Samples
from baksan.solvers.base import Events, State
from baksan.solvers.rows import TOGETHER, Rows, kernel_array
from baksan.solvers.settings import Settings
from baksan.stream import Stream
from baksan.stream.reading import ahead

Array = NDArray[Any]
T = TypeVar("T", Samples, Rows)
H = TypeVar("H")

__all__ = ["Windows"]

_FEW = 32_768  # events that are gathered before a thread has begun to


@dataclass(frozen=True, eq=False)
class _Window(Generic[H]):
    """The events `first` … of an epoch (seed, number), as steps are handed them."""

    epoch: tuple[int, int]
    first: int
    size: int
    rows: H

    def holds(self, state: State) -> bool:
        ours = self.epoch == (state.seed, state.epoch)
        return ours and self.first <= state.place < self.first + self.size


class Windows(Generic[T, H]):
    """Windows: contiguous copies of the events that come next, `most` at a time, `made` into rows
    that can be picked from, and `handed` to steps as these want them.

    To gather them ahead is several times faster than steps that look for each of their events in
    all of the memory; while the steps are taken in one window, a thread gathers the next.
    """

    def __init__(
        self,
        X: Events,
        solver: Settings,
        made: Callable[[Samples], T],
        handed: Callable[[T], H],
        most: int = 32_768,
    ) -> None:
        assert solver.batch is not None
        self.most = most
        self.X, self.shuffle = X, solver.shuffle
        self.made: Callable[[Samples], T] = made
        self.handed: Callable[[T], H] = handed
        self.single = solver.batch == 1
        self.multiple = TOGETHER if self.single else solver.batch
        self.epochs = math.ceil(solver.end(len(X)) / solver.steps_per_epoch(len(X)))
        self.whole: T | None = made(X) if isinstance(X, Samples) else None
        self.close()

    def close(self) -> None:
        """No thread and no file stays open; who asks again begins anew."""
        self.coming: Iterator[_Window[H]] = iter(())
        self.window: _Window[H] | None = None

    @cached_property
    def in_order(self) -> H:
        """All events as steps want them, where no epoch shuffles them."""
        assert self.whole is not None
        return self.handed(self.whole)

    def at(self, state: State) -> tuple[H, int]:
        """A window in which the event that is next after this state stands, and where it does."""
        if self.whole is not None and not self.shuffle:
            return self.in_order, state.place
        if self.window is None or not self.window.holds(state):
            self.window = next(self.coming, None)
        if self.window is None or not self.window.holds(state):
            self.coming = self._from(state)
            self.window = next(self.coming)
        return self.window.rows, state.place - self.window.first

    def _from(self, state: State) -> Iterator[_Window[H]]:
        """The windows from this state on, or from a few events before: kernels take single steps
        together, the same ones wherever a run goes on.
        """
        place = state.place - state.place % TOGETHER if self.single else state.place
        if isinstance(self.X, Stream):
            pieces = self.X.epoch(
                state.seed, state.epoch, shuffle=self.shuffle, multiple=self.multiple, skip=place
            )
            made, handed = self.made, self.handed
            return _streamed(pieces, lambda X: handed(made(X)), (state.seed, state.epoch), place)
        assert self.whole is not None
        epochs = itertools.chain([state.epoch], range(state.epoch + 1, self.epochs))
        size = min(self.multiple * max(1, self.most // self.multiple), len(self.X))
        orders = _orders(len(self.X), state.seed, epochs)
        if len(self.X) <= _FEW or cores() == 1:
            return _gathered(self.whole, orders, place, size, self.handed)
        return ahead(_gathered(self.whole, ahead(orders), place, size, self.handed))


# Free functions: a thread that held on to its `Windows` would keep it, and be kept, for ever.


def _streamed(
    pieces: Iterable[Samples], made: Callable[[Samples], H], epoch: tuple[int, int], place: int
) -> Generator[_Window[H]]:
    """Windows of one epoch of a stream, from this place on."""
    for piece in pieces:
        yield _Window(epoch, place, len(piece), made(piece))
        place += len(piece)


def _orders(n: int, seed: int, epochs: Iterable[int]) -> Generator[tuple[tuple[int, int], Array]]:
    for epoch in epochs:
        yield (seed, epoch), epoch_order(n, seed, epoch)


def _gathered(
    X: T, orders: Iterable[tuple[tuple[int, int], Array]], place: int, size: int,
    handed: Callable[[T], H],
) -> Generator[_Window[H]]:  # fmt: skip
    """Windows of samples in the orders of epochs one after another, the first from this place on.

    Two rooms take turns: fresh memory would cost as much as the copy.
    """
    from baksan.solvers.kernels_memory import gather

    x, take = kernel_array(X.x.reshape(len(X), -1)), compiled(gather)
    rooms = itertools.cycle([np.empty((size, x.shape[1]), x.dtype) for _ in range(2)])
    for epoch, order in orders:
        for first in range(place, len(X), size):
            index = order[first : first + size]
            room = next(rooms)[: len(index)]
            take(x, index, room)
            rows = _picked(X, index, room.reshape(len(index), *X.x.shape[1:]))
            yield _Window(epoch, first, len(index), handed(rows))
        place = 0


def _picked(X: T, index: Array, x: Array) -> T:
    """The events of these numbers, whose features are x."""
    if isinstance(X, Rows):
        return X.picked(index, x)  # type: ignore[return-value]  # T is Rows
    parts = {name: getattr(X, name) for name in ("y", "weight")}
    held = {name: None if v is None else v.take(index, 0) for name, v in parts.items()}
    return X.with_parts(x=x, id=index, group=None, **held)
