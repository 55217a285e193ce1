"""Events in parts on the workers of a Dask cluster: the sums of all, one model out.

What is a sum over events needs no events in one place: Gram matrices, gradients, losses. Each
worker sums over its parts; what travels are the sums. Needs Dask: pip install baksan[dask].

What to use when
----------------
`Partitions.open("folder", …)`       files that all workers see; the choices of `open_stream`
`Partitions.from_dask(frame, …)`     a dask DataFrame; the same choices
`Partitions(parts)`                  functions that give Samples, Delayed, Futures, Samples
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from baksan.cluster.work import Found, Work, counted, head, joined, listed, sums, surveyed, worked
from baksan.data import open_parts
from baksan.data.loading import Loaded
from baksan.data.parts import table_of_frame
from baksan.data.streaming import Events
from baksan.samples import Samples
from baksan.stream import SAMPLE, Stream, Survey
from baksan.stream.reading import Passing
from baksan.table import Table

__all__ = ["Partitions"]

_TOGETHER = 8  # parts whose sums are added on a worker before they travel to the client
_AHEAD = 2  # parts that are fetched before they are wanted, where events must travel


class Partitions(Stream):
    """A Stream whose events stand, or are read, in parts by the workers of a Dask cluster.

    `total` and `survey` run on the workers, a task for each part, and so does all that is made of
    them: exact least squares, descents in full steps, Q, covariances. The sums are added in the
    order of the parts, so that no answer depends on which worker was faster. Epochs (stochastic and
    mini-batch descents) fetch the events part after part, in order.

    Parameters
    ----------
    parts : sequence
        Each part a function without arguments that gives Samples, one or several in a row (called
        on a worker in each pass: it opens its own files); a `dask.delayed` of Samples or a Future
        of them; or Samples, which are sent to the workers once.
    client : dask.distributed.Client, optional
        None is the one that was made last.
    buffer, source, progress
        As in `Stream`; progress is called when some parts are done.

    Notes
    -----
    Each task uses as many threads as its worker's cores divided by the worker's tasks: a worker
    with one thread runs kernels on one thread.

    A worker holds what a Stream holds, a few blocks of a part. Where events must travel (`epoch`,
    iteration), a worker holds a whole part, this process up to three, and the buffer.

    Raises
    ------
    ImportError
        Dask is not installed.
    TypeError
        A part that is none of these.
    ValueError
        No client, no part; while summing: a part fails, or differs from the others in what it
        holds; the sentence names the part.

    Examples
    --------
    >>> from distributed import Client
    >>> import baksan as bk
    >>> with Client(n_workers=1, processes=False, dashboard_address=None) as client:
    ...     X = Partitions([Samples([[0.0], [1.0]], [1.0, 3.0]), Samples([[2.0]], [5.0])])
    ...     found = bk.fit(bk.Linear(), X, bk.losses.squared, bk.Analytic())
    ...     found.model.weights.round(12).tolist(), len(X)
    ([2.0], 3)
    """

    def __init__(
        self,
        parts: Iterable[Any],
        *,
        client: Any = None,
        buffer: int = 131_072,
        source: str = "partitions",
        progress: Callable[[int], object] | None = None,
    ) -> None:
        self.client = _client(client)
        self._parts = [_part(self.client, part, k, source) for k, part in enumerate(parts)]
        if not self._parts:
            raise ValueError(
                "partitions need at least one part; there is none. Give functions that open files."
            )
        super().__init__(self._fetched, buffer=buffer, source=source, progress=progress)
        self._whole = self  # without any change
        self._sizes: list[int] = []  # events of each part, once they were counted

    @classmethod
    def open(
        cls,
        name: str | Path,
        *,
        client: Any = None,
        buffer: int = 131_072,
        progress: Callable[[int], object] | None = None,
        **choices: Any,
    ) -> Partitions:
        """The events of `open_stream(name, **choices)`: each file, or some row groups, a part.

        All workers must see the files under the same path. Choices and errors as `open_parts`.
        """
        client = _client(client)
        parts = open_parts(name, **choices)
        return cls(parts, client=client, buffer=buffer, source=str(name), progress=progress)

    @classmethod
    def from_dask(
        cls,
        frame: Any,
        *,
        features: Sequence[str] | str | None = None,
        answer: str | None = None,
        signal: str | None = None,
        weight: str | None = None,
        group: str | None = None,
        id: str | None = None,
        where: str | None = None,
        impute: bool = False,
        beside: str | None = None,
        marks: Sequence[float] = (),
        client: Any = None,
        buffer: int = 131_072,
        progress: Callable[[int], object] | None = None,
    ) -> Partitions:
        """The rows of a dask DataFrame (of anything with `to_delayed`), as `open_stream` has it.

        Each pass computes the frame anew: `frame.persist()` keeps in the workers' memory what fits.
        Raises TypeError for something else, and as `open_parts`.
        """
        client = _client(client)
        if not hasattr(frame, "to_delayed"):
            raise TypeError(
                f"a dask DataFrame is needed; {type(frame).__name__} came. Write"
                " dask.dataframe.from_pandas(frame, npartitions=8), or Samples.from_frame(frame)."
            )
        from dask.delayed import delayed

        source = f"a dask frame of {len(parts := list(frame.to_delayed()))} partitions"

        def tables(columns: Sequence[str] | None) -> Iterator[Table]:
            for part in parts:
                task = delayed(table_of_frame, pure=False)(part, columns, source)
                if len(table := client.compute(task).result()):
                    yield table

        roles = {"answer": answer, "weight": weight, "group": group, "id": id, "signal": signal}
        first = Loaded(_first_table(tables(None), source))
        events = Events.of(
            tables, first, features, where, roles, None, beside, impute=impute, marks=marks
        ).part(_no_tables)
        held = [delayed(_of_frame, pure=False)(part, events, source, id) for part in parts]
        return cls(held, client=client, buffer=buffer, source=source, progress=progress)

    # Sums -----------------------------------------------------------------------------------------

    def total(self, f: Callable[[Samples], tuple[Any, ...]]) -> tuple[Any, ...]:
        """The sums Σ f(block) over all blocks of all parts, entry by entry; f runs on the workers.

        The same bits whichever worker does what. Numbering the events takes a pass that counts them
        first; it is made where some were chosen, else events without ids of their own have none.
        """
        return tuple(self._found(partial(sums, f=f), numbered=bool(self._changes)))

    @cached_property
    def survey(self) -> Survey:
        """What one pass tells, after one that counts the events if nobody has yet."""
        starts = [*accumulate(self._counts(), initial=0)]
        limit = min(2 * SAMPLE / starts[-1], 1.0)  # twice of what will be taken
        works = [partial(surveyed, start=start, limit=limit) for start in starts[:-1]]
        survey: Survey = self._found(*works, numbered=True).survey()
        return survey

    @cached_property
    def head(self) -> Samples:
        """The first block that has events."""
        for k, part in enumerate(self._parts):
            task = self._task(part, head, self._starts()[k] if k else 0)
            block: Samples | None = self._result(self.client.compute(task)).found
            if block is not None:
                return block
        raise self._empty()

    def __len__(self) -> int:
        return sum(self._counts())

    def _counts(self) -> list[int]:
        """How many events each part has."""
        if not self._sizes:
            self._found(counted, numbered=bool(self._changes))
        return self._sizes

    def _starts(self) -> list[int]:
        """The number of the first event of each part in the whole source."""
        return [*accumulate(self._whole._counts(), initial=0)][:-1]

    def _changed(self, change: Callable[[Samples], Samples], part: str = "") -> Partitions:
        other = super()._changed(change, part)
        assert isinstance(other, Partitions)
        other._sizes = []
        return other

    def _found(self, *work: Work, numbered: bool) -> Any:
        """What the work (one for all parts, or one for each) finds, joined in their order."""
        from dask.delayed import delayed

        starts = self._starts() if numbered else [None] * len(self._parts)
        works = work * (len(self._parts) // len(work))
        tasks = [*map(self._task, self._parts, works, starts)]
        few = [tasks[k : k + _TOGETHER] for k in range(0, len(tasks), _TOGETHER)]
        futures = self.client.compute([delayed(joined, pure=False)(some) for some in few])
        found: Found | None = None
        for future in futures:
            more = self._result(future)
            found = more if found is None else found.join(more)
            if self.progress:
                rows = self._whole._sizes or found.sizes
                self.progress(sum(rows[: len(found.sizes)]))
        assert found is not None
        self._ended(sum(found.sizes))
        self._sizes = found.sizes
        return found.found

    def _task(self, part: _Part, work: Work, start: int | None) -> Any:
        """The work on one part, to be computed."""
        from dask.delayed import delayed

        told = f"{part.name} of {self.source}"
        one = partial(worked, work=work, changes=self._changes, told=told, start=start)
        return delayed(one, pure=False)(part.held)

    def _result(self, future: Any) -> Any:
        """What a task found. Raises ValueError where events were lost with a worker."""
        from distributed.client import FutureCancelledError

        try:
            return future.result()
        except FutureCancelledError as error:
            raise ValueError(
                f"events of {self.source} were held by a worker that is gone ({error}). Make the"
                " partitions anew, or of functions that open files, which any worker can do again."
            ) from None

    # Events ---------------------------------------------------------------------------------------

    def _fetched(self) -> Passing[Samples]:
        """All blocks of all parts, in order, brought to this process."""
        coming: deque[Any] = deque()
        for part in self._parts:
            coming.append(self.client.compute(self._task(part, listed, None)))
            if len(coming) > _AHEAD:
                yield from self._result(coming.popleft()).found
        while coming:
            yield from self._result(coming.popleft()).found

    def __repr__(self) -> str:
        known = "" if self._n is None else f", {self._n} events"
        return f"Partitions({self.source}: {len(self._parts)} parts{known})"

    def __copy__(self) -> Partitions:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def __getstate__(self) -> dict[str, Any]:
        """Of the events their name: sums that know their problem travel to workers without it."""
        return {"source": self.source}


# What comes in ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Part:
    name: str
    held: Any


def _part(client: Any, given: Any, k: int, source: str) -> _Part:
    """A part with its name. Raises TypeError for what cannot be one."""
    from dask.delayed import Delayed
    from distributed import Future

    name = getattr(given, "name", None) if callable(given) else None
    if isinstance(given, Samples):
        return _Part(f"part {k}", client.scatter(given, hash=False))
    if callable(given) or isinstance(given, Delayed | Future):
        return _Part(name if isinstance(name, str) else f"part {k}", given)
    raise TypeError(
        f"a part of {source} must be a function without arguments, a dask Delayed, a Future, or"
        f" Samples; part {k} is {type(given).__name__}. Write lambda: read(path).samples(…), or"
        " Partitions.open(…) for files."
    )


def _client(client: Any) -> Any:
    """The client itself, or the one that was made last. Raises ImportError, ValueError."""
    try:
        from distributed import default_client
    except ImportError:
        raise ImportError(
            "partitions need Dask, which is not installed. Install it with: pip install"
            " 'baksan[dask]'"
        ) from None
    if client is not None:
        return client
    try:
        return default_client()  # type: ignore[no-untyped-call]
    except ValueError:
        raise ValueError(
            "partitions need a cluster; no client is connected to one. Write client ="
            " dask.distributed.Client(n_workers=2), or Client(address) of a cluster that runs."
        ) from None


def _first_table(tables: Iterator[Table], source: str) -> Table:
    for table in tables:
        return table
    raise ValueError(f"{source}: rows are needed; it has none. Check how it was made.")


def _no_tables(columns: Sequence[str] | None) -> Iterable[Table]:
    return ()


def _of_frame(frame: Any, events: Events, source: str, id: str | None) -> list[Samples]:
    """The Samples of one partition of a frame; without ids of their own they are numbered later."""
    some = events.part(lambda columns: [table_of_frame(frame, columns, source)])
    return [block if id else block.with_parts(id=None) for block in some.blocks()]
