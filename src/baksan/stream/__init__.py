"""Stream: events that do not fit in memory, read block after block as often as wanted.

What to use when
----------------
`Stream(blocks)`     a function that starts a pass and yields Samples of bounded size
`Stream.total(f)`    sums over all events: Gram matrices, gradients, losses
`Stream.epoch(…)`    one pass in chunks, shuffled through a buffer: for descents
`Stream.survey`      how many there are, their means and spreads, and a sample that fits in memory
`fold_numbers`       the fold of each event of a block, by the hash of its label
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import cached_property, partial
from typing import Any

from numpy.typing import NDArray

from baksan.samples import Feature, Samples
from baksan.stream.labels import drawn, fold_numbers, labels_of, number_of_folds
from baksan.stream.pieces import after, kept, mixed, pieces, selected
from baksan.stream.reading import Passing, Source, ahead
from baksan.stream.survey import SAMPLE, Survey, Surveyor

Array = NDArray[Any]
Change = Callable[[Samples], Samples]

__all__ = ["SAMPLE", "Stream", "Survey", "fold_numbers"]

_PIECES = 8  # of the buffer that go out and come in at a time


class Stream:
    """Events X = (x_i, y_i) that need not fit in memory: Samples of bounded size in a row.

    Parameters
    ----------
    blocks : callable without arguments
        Starts a new pass: returns an iterable of Samples that have the same features, answer and
        class names, the same events in the same order each time. Events without ids are named by
        their position in the stream. A block's x may lie in memory by rows or by columns.
    buffer : int
        Events that are held to shuffle them.
    source : str
        What errors call the stream.
    progress : callable, optional
        Called with the rows read so far in this pass, once a block.

    Notes
    -----
    A pass reads one block ahead in a thread. It holds up to three blocks (the caller's, the next
    one, one in the reader's hands), `epoch` also the buffer and up to half of it for the pieces
    that come and go, `survey` two blocks more and twice the sample. For blocks of m events these
    are 3 m + 1.5 buffer and 5 m + 2 SAMPLE events, each of 8 (d + 4) bytes: d features in float64,
    answer, weight, id and its place in the order. What a reader needs for itself comes on top.

    Folds and parts are chosen by hash: an event's fold depends on the seed and its label alone, not
    on the block it stands in. So they are only about equal, and classes are not dealt evenly, which
    would need all labels at once; take `Samples` where that matters.

    Raises
    ------
    TypeError
        `blocks` is no function (an iterator can be read only once), or yields no Samples.
    ValueError
        While reading: no events, blocks that differ in what they hold, a pass unlike the first.

    Examples
    --------
    >>> parts = [Samples([[0.0], [1.0]], [0.0, 2.0]), Samples([[2.0]], [4.0])]
    >>> X = Stream(lambda: parts, source="three events")
    >>> len(X), X.survey.mean.tolist()
    (3, [1.0])
    >>> X.total(lambda block: (block.x.T @ block.x, block.x.T @ block.answers))
    (array([[5.]]), array([10.]))
    """

    def __init__(
        self,
        blocks: Callable[[], Iterable[Samples]],
        *,
        buffer: int = 131_072,
        source: str = "stream",
        progress: Callable[[int], object] | None = None,
    ) -> None:
        if not callable(blocks):
            raise TypeError(
                "blocks must be a function that starts a new pass whenever it is called;"
                f" {type(blocks).__name__} came, which may be readable only once."
                " Write Stream(lambda: ...)."
            )
        if buffer < 1:
            raise ValueError(f"the buffer must hold at least one event; it holds {buffer}.")
        self.buffer, self.source, self.progress = buffer, source, progress
        self._source = Source(blocks, source)
        self._changes: tuple[Change, ...] = ()
        self._cuts = 0
        self._n: int | None = None

    # Passes ---------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Samples]:
        return (block for block in self._all() if len(block))

    def _all(self) -> Passing[Samples]:
        """The blocks of one pass, also those of which nothing is left."""
        n = 0
        for rows, block in ahead(self._pass()):
            if self.progress:
                self.progress(rows)
            n += len(block)
            yield block
        self._ended(n)

    def _pass(self) -> Passing[tuple[int, Samples]]:
        """Each block after all changes, and the rows read so far."""
        rows = 0
        for block in self._source:
            rows += len(block)
            for change in self._changes:
                if len(block):
                    block = change(block)
            yield rows, block

    def _ended(self, n: int) -> None:
        """A pass of n events is over. Raises ValueError if it was empty, or unlike the last."""
        if not n:
            raise self._empty()
        if self._n not in (None, n):
            raise ValueError(
                f"every pass over {self.source} must give the same events; one gave {self._n},"
                f" the next {n}. Leave the data alone while they are read."
            )
        self._n = n

    def _empty(self) -> ValueError:
        return ValueError(
            f"a stream must give at least one event; {self.source} gives none."
            " Choose more rows or fewer folds."
        )

    def total(self, f: Callable[[Samples], tuple[Any, ...]]) -> tuple[Any, ...]:
        """The sums Σ f(block) over all blocks, entry by entry.

        Parameters
        ----------
        f : callable
            Gives a tuple of arrays or numbers of a block, of the same shapes for all blocks. While
            it works, the next block is read.
        """
        sums: tuple[Any, ...] = ()
        with closing(self._all()) as blocks:
            for block in blocks:
                if len(block):
                    sums = _added(sums, f(block))
        return sums

    def epoch(
        self, seed: int, epoch: int, *, shuffle: bool = True, multiple: int = 1, skip: int = 0
    ) -> Iterator[Samples]:
        """One pass in chunks of equal length, shuffled through the buffer.

        Parameters
        ----------
        seed, epoch : int
            The order is a function of these two and of the buffer, not of the sizes of the blocks.
        shuffle : bool
            False: in the order of the stream.
        multiple : int
            The chunks' length is a multiple of this (a mini-batch), about an eighth of the buffer;
            the last chunk may be shorter.
        skip : int
            So many events are left out at the beginning, for a run that resumes in mid-epoch.

        Notes
        -----
        New events take the places of random ones in the buffer, which go out, an eighth of the
        buffer at a time; at the end the rest goes out shuffled. If all events fit, their order is
        `epoch_order(n, seed, epoch)`, as for Samples. Otherwise an event moves by about the length
        of the buffer: a file sorted by class, or by energy, with runs longer than that stays sorted
        on the large scale, and a descent forgets the one class while it sees the other. Give such a
        file a larger buffer, or shuffle it once when it is written.

        Examples
        --------
        >>> X = Stream(lambda: [Samples([[i], [i + 1]]) for i in (0, 2, 4)])
        >>> [chunk.x[:, 0].tolist() for chunk in X.epoch(0, 0, skip=3)]
        [[0.0, 1.0, 3.0]]
        """
        if multiple < 1 or skip < 0:
            raise ValueError(
                f"chunks need multiple ≥ 1 and skip ≥ 0; they are {multiple} and {skip}."
            )
        step = max(1, self.buffer // _PIECES)
        blocks = iter(self)
        if shuffle:
            blocks = mixed(blocks, self.buffer, step, seed, epoch)
        length = multiple * max(1, step // multiple)
        return pieces(after(blocks, skip, self.source), length)

    # What it holds --------------------------------------------------------------------------------

    @cached_property
    def head(self) -> Samples:
        """The first block that has events."""
        with closing(self._pass()) as blocks:
            for _, block in blocks:
                if len(block):
                    return block
        raise self._empty()

    @cached_property
    def survey(self) -> Survey:
        """What one pass tells, read the first time it is asked for."""
        surveyor = Surveyor()
        with closing(self._all()) as blocks:
            for block in blocks:
                surveyor.add(block)
        return surveyor.survey()

    def __len__(self) -> int:
        return self.survey.n if self._n is None else self._n

    def __repr__(self) -> str:
        return f"Stream({self.source}{'' if self._n is None else f', {self._n} events'})"

    @property
    def sample(self) -> Samples:
        """At most `SAMPLE` events, all equally likely, in the order of the stream."""
        return self.survey.sample

    @property
    def features(self) -> tuple[Feature, ...]:
        """The quantities of an event."""
        return self.head.features

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features."""
        return self.head.names

    @property
    def answer(self) -> Feature | None:
        """Name and unit of y."""
        return self.head.answer

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes; empty for regression."""
        return self.head.class_names

    @property
    def task(self) -> str:
        """'classification' where classes are named, else 'regression'."""
        return self.head.task

    @property
    def weighted(self) -> bool:
        """Whether the events have weights."""
        return self.head.weight is not None

    @property
    def missing(self) -> bool:
        """Whether events may lack features: NaN in x."""
        return self.head.missing

    @property
    def mean_weight(self) -> float:
        """Σ w_i / n; without weights 1, and no pass."""
        return self.survey.mass / self.survey.n if self.weighted else 1.0

    @property
    def class_counts(self) -> dict[str, int]:
        """How many events each class has; empty for regression."""
        return self.survey.class_counts

    @property
    def effective_events(self) -> float:
        """Kish's effective number of events (Σw)² / Σw²."""
        return self.survey.effective_events

    @property
    def negative_share(self) -> float:
        """Σ|w| of the events with negative weights over that of all; 0 without weights."""
        return self.survey.negative_share if self.weighted else 0.0

    @property
    def weight_notes(self) -> tuple[str, ...]:
        """A sentence on negative weights, where there are some."""
        return self.survey.weight_notes if self.weighted else ()

    # Parts ----------------------------------------------------------------------------------------

    @property
    def cuts(self) -> int:
        """How many times events were divided by hash to get these; `fold_numbers` asks for it."""
        return self._cuts

    def where(self, keep: Callable[[Samples], Array]) -> Stream:
        """The events of each block for which keep(block), (n,) bool, is true.

        Events keep their ids, and so their folds. The same block must give the same choice.
        """
        return self._changed(partial(kept, keep))

    def map(self, change: Callable[[Samples], Samples]) -> Stream:
        """The stream of change(block): the same events with other features.

        The same block must give the same events each time.
        """
        return self._changed(change)

    def select(self, names: Sequence[str]) -> Stream:
        """The same events with these features only, in this order. Raises KeyError."""
        if missing := [name for name in names if name not in self.names]:
            raise KeyError(f"no feature {missing[0]!r}; there are {', '.join(self.names)}.")
        return self._changed(partial(selected, [self.names.index(name) for name in names]))

    def folds(self, k: int, *, seed: int = 0) -> list[tuple[Stream, Stream]]:
        """k pairs (train, test); each event is in one test, groups are never split.

        Folds are about equal: by hash, see `fold_numbers`. Folds of folds are independent of the
        first ones even with the same seed.
        """
        number = partial(fold_numbers, k=number_of_folds(k), seed=seed, cuts=self._cuts)

        def part(test: bool, j: int) -> Stream:
            told = f"{'test' if test else 'train'} part {j + 1} of {k} of {self.source}"
            return self._changed(partial(kept, lambda X: (number(X) == j) == test), told)

        return [(part(False, j), part(True, j)) for j in range(k)]

    def split(self, fraction: float, *, seed: int = 0) -> tuple[Stream, Stream]:
        """Two parts, about `fraction` of the groups (events) in the first. Groups stay whole."""
        if not 0 < fraction < 1:
            raise ValueError(f"fraction must lie between 0 and 1; it is {fraction}.")
        cuts = self._cuts

        def part(first: bool) -> Stream:
            told = f"the {'first' if first else 'second'} part of {self.source}"
            return self._changed(
                partial(kept, lambda X: (drawn(labels_of(X), seed, cuts) < fraction) == first), told
            )

        return part(True), part(False)

    def _changed(self, change: Change, part: str = "") -> Stream:
        """The stream after one more change of each block; `part` names a part chosen by hash."""
        other = copy.copy(self)
        for name in ("head", "survey"):
            other.__dict__.pop(name, None)
        other._n = None
        other._changes = (*self._changes, change)
        other.source = part or self.source
        other._cuts += bool(part)
        return other


def _added(sums: tuple[Any, ...], more: tuple[Any, ...]) -> tuple[Any, ...]:
    if not sums:  # a copy: f may write its next answer into the same arrays
        return tuple(copy.copy(value) for value in more)
    return tuple(a + b for a, b in zip(sums, more, strict=True))
