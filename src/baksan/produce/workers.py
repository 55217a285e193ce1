"""Numbered pieces of work, dealt out to processes; the one that asks is one of them."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread

__all__ = ["deal_out"]


def deal_out(
    work: Callable[[int], object],
    numbers: Sequence[int],
    processes: int,
    done: Callable[[int], object],
) -> None:
    """Call `work` with each number in some process, and `done` in this one afterwards.

    `work` travels to the others as a name and its arguments. Other processes need a second or two
    to begin, so this one works as well. What `work` raises is raised here; pieces that the others
    had begun by then are finished.

    Raises
    ------
    RuntimeError
        A process ended before its work did.
    """
    left, others = deque(numbers), min(processes, len(numbers)) - 1
    with _helpers(others) as pool:
        given: dict[Future[object], int] = {}
        while left or given:
            while left and len(given) < 2 * others:
                number = left.popleft()
                given[pool.submit(work, number)] = number
            if left:
                number = left.popleft()
                work(number)
                done(number)
            else:
                wait(given, return_when=FIRST_COMPLETED)
            for future in [one for one in given if one.done()]:
                future.result()
                done(given.pop(future))


@contextmanager
def _helpers(many: int) -> Iterator[ProcessPoolExecutor]:
    """A pool whose processes start when work is given, and end by themselves."""
    # New processes, not forked ones: threads and compiled code do not survive a fork.
    pool = ProcessPoolExecutor(max(many, 1), get_context("spawn"), initializer=_at_work)
    try:
        yield pool
    except BrokenProcessPool:
        raise RuntimeError(
            "every process must live until its part is finished; one ended before. Where memory is"
            " short take fewer processes; in a script call this under `if __name__ == '__main__':`,"
            " since new processes read the script, too. What is finished is kept: run it again."
        ) from None
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown(wait=False)


def _at_work() -> None:
    """Ctrl-C is for the one who gave the work, so that parts that were begun are finished; where
    that one is killed, nobody would end these.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()
