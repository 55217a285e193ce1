"""Steps of several networks of one shape in one call: one small network leaves a GPU idle.

Each fit runs in a thread of its own, with its own history and its own end. Where they are to step,
they wait for each other, and whoever comes last makes the steps of all.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any

from baksan.solvers.base import Problem, State
from baksan.solvers.network_steps import NetworkBatches, NetworkSums, run
from baksan.solvers.settings import Settings

__all__ = ["Lanes", "in_lane", "lane_of"]

_here: ContextVar[tuple[Lanes, int] | None] = ContextVar("lane", default=None)


class Lanes:
    """Where so many fits meet: equal in all but their rates, on the same events."""

    def __init__(self, count: int) -> None:
        self.under_way = set(range(count))
        self.brought: dict[int, Any] = {}
        self.found: Any = None
        self.newest: list[Any] = [None] * count
        self.shared: dict[str, Any] = {}
        self.work: Callable[[dict[int, Any]], Any] = dict
        self.round, self.turn = 0, threading.Condition()
        self.ended_by: BaseException | None = None

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What the first lane that asks for it has made, for all."""
        with self.turn:
            if name not in self.shared:
                self.shared[name] = make()
            return self.shared[name]

    def close(self) -> None:
        """Ends the reading ahead."""
        if "read" in self.shared:
            self.shared["read"][1].close()

    def stop(self, error: BaseException) -> None:
        """Whoever waits, or comes from now on, raises it, too."""
        with self.turn:
            self.ended_by = self.ended_by or error
            self.turn.notify_all()

    def together(self, lane: int, part: Any, work: Callable[[dict[int, Any]], Any]) -> Any:
        """work(parts by lane), done once, when the last of them has come.

        Raises what the work raised, in each of them, and what they were stopped by.
        """
        with self.turn:
            self.brought[lane], self.work = part, work
            now = self.round
            self._go()
            self.turn.wait_for(lambda: self.round > now or self.ended_by)
            if self.ended_by is not None:
                raise self.ended_by
            if isinstance(self.found, BaseException):
                raise self.found
            return self.found

    def leave(self, lane: int) -> None:
        """The others wait for it no more."""
        with self.turn:
            self.under_way.discard(lane)
            self.brought.pop(lane, None)
            self._go()

    def _go(self) -> None:
        if not self.brought or self.brought.keys() != self.under_way:
            return
        try:
            self.found = self.work(self.brought)
        except BaseException as error:
            self.found = error
        self.brought, self.round = {}, self.round + 1
        self.turn.notify_all()


class _Lane(NetworkBatches):
    """The steps of one of them. All lanes stand at the same step of the same epoch."""

    def __init__(self, solver: Settings, problem: Problem, lanes: Lanes, number: int) -> None:
        self.lanes, self.number = lanes, number
        super().__init__(solver, problem)

    def _read(self) -> Any:
        return self.lanes.once("read", super()._read)

    @cached_property
    def sums(self) -> NetworkSums:
        return self.lanes.once("sums", lambda: NetworkSums(self.problem, self.events))  # type: ignore[no-any-return]

    def close(self) -> None:
        """What is read ahead is the others', too."""
        self.kept = (), None

    def __call__(self, state: State, steps: int) -> State:
        self.then = 0  # what is begun ahead would be begun in other lanes, too
        return super().__call__(state, self.lanes.together(self.number, steps, _least))

    def _window(self, state: State) -> Any:
        return self.lanes.together(self.number, None, lambda _: self.windows.at(state))

    def _ran(self, held: Any, events: Any, paces: Any, where: Any) -> Any:
        def of_all(parts: dict[int, Any]) -> Any:
            # What has ended goes along as it was: for fewer lanes all would be compiled again.
            newest = self.lanes.newest
            newest[:] = [parts.get(k, newest[k] or (held, paces)) for k in range(len(newest))]
            return _compiled()(self.parts, self.how, self.numbers, newest, events, where)

        found = self.lanes.together(self.number, (held, paces), of_all)
        return found[self.number]


def _least(steps: dict[int, int]) -> int:
    return min(steps.values())


@functools.cache
def _compiled() -> Callable[..., Any]:
    """`run` of all lanes by one `vmap`."""
    import jax
    import jax.numpy as jnp

    def lanes(parts: Any, how: Any, numbers: Any, each: Any, events: Any, where: Any) -> Any:
        held, paces = jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)
        one = functools.partial(run, parts, how, numbers)
        found = jax.vmap(lambda h, p: one(h, events, p, where))(held, paces)
        return [jax.tree.map(lambda leaf, k=k: leaf[k], found) for k in range(len(each))]

    return jax.jit(lanes, static_argnums=(0, 1))


@contextmanager
def in_lane(lanes: Lanes, number: int) -> Iterator[None]:
    """A block in which networks take their steps in this lane; what it raises stops all lanes."""
    token = _here.set((lanes, number))
    try:
        yield
    except BaseException as error:
        lanes.stop(error)
        raise
    finally:
        _here.reset(token)
        lanes.leave(number)


def lane_of(solver: Settings, problem: Problem) -> NetworkBatches:
    """The stepper of a network: in its lane where it has one, else alone."""
    here = _here.get()
    return NetworkBatches(solver, problem) if here is None else _Lane(solver, problem, *here)
