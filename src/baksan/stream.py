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
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from baksan.samples import Feature, Samples, epoch_order

Array = NDArray[Any]
Change = Callable[[Samples], Samples]
T = TypeVar("T")
Passing = Generator[T, None, None]

__all__ = ["SAMPLE", "Stream", "Survey", "fold_numbers"]

SAMPLE = 65_536
"""How many events `Stream.sample` holds at most."""

_PARTS = ("x", "y", "weight", "group", "id")
_PIECES = 8  # of the buffer that go out and come in at a time
_COUNTED = re.compile(r"(\d+)( rows left out.*)", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Survey:
    """What one pass tells of a stream: sums, ranges, and a sample.

    Attributes
    ----------
    n : int
        Events.
    mass, squares : float
        Σ w_i and Σ w_i².
    mean, variance : (d,) float64
        Σ w x / Σ w and Σ w (x − mean)² / Σ w of each feature.
    low, high : (d,)
        The range of each feature.
    class_counts : dict of str to int
        Events of each class; empty for regression.
    notes : tuple of str
        The blocks' notes, each once. Those that begin '12 rows left out' count rows of their block
        and are summed.
    sample : Samples
        At most `SAMPLE` events, all equally likely, in the order of the stream; all events if there
        are no more than that.
    """

    n: int
    mass: float
    squares: float
    mean: Array
    variance: Array
    low: Array
    high: Array
    class_counts: dict[str, int]
    notes: tuple[str, ...]
    sample: Samples

    @property
    def effective_events(self) -> float:
        """Kish's effective number of events (Σw)² / Σw²."""
        return self.mass**2 / self.squares


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
    A pass reads one block ahead in a thread. It holds three blocks (the caller's, the next one, one
    in the reader's hands), `epoch` also the buffer and a quarter of it, `survey` twice the sample:
    about 8 d (3 block + 1.25 buffer) bytes, or 8 d (4 block + 2 SAMPLE), for d float64 features.

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
        self._source = _Source(blocks, source)
        self._changes: tuple[Change, ...] = ()
        self._cuts = 0
        self._n: int | None = None

    # Passes ---------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Samples]:
        return (block for block in self._all() if len(block))

    def _all(self) -> Passing[Samples]:
        """The blocks of one pass, also those of which nothing is left."""
        n = 0
        for rows, block in _ahead(self._pass()):
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
            raise ValueError(
                f"a stream must give at least one event; {self.source} gives none."
                " Choose more rows or fewer folds."
            )
        if self._n not in (None, n):
            raise ValueError(
                f"every pass over {self.source} must give the same events; one gave {self._n},"
                f" the next {n}. Leave the data alone while they are read."
            )
        self._n = n

    def total(self, f: Callable[[Samples], tuple[Any, ...]]) -> tuple[Any, ...]:
        """The sums Σ f(block) over all blocks, entry by entry.

        Parameters
        ----------
        f : callable
            Gives a tuple of arrays or numbers of a block, of the same shapes for all blocks. While
            it works, the next block is read.
        """
        sums: tuple[Any, ...] | None = None
        with closing(self._all()) as blocks:
            for block in blocks:
                if len(block):
                    sums = _added(sums, f(block))
        assert sums is not None
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
        [[4.0, 0.0, 1.0]]
        """
        if multiple < 1 or skip < 0:
            raise ValueError(
                f"chunks need multiple ≥ 1 and skip ≥ 0; they are {multiple} and {skip}."
            )
        step = max(1, self.buffer // _PIECES)
        blocks = iter(self)
        if shuffle:
            blocks = _mixed(_pieces(blocks, step), self.buffer, seed, epoch)
        length = multiple * max(1, step // multiple)
        return _pieces(_after(blocks, skip, self.source), length)

    # What it holds --------------------------------------------------------------------------------

    @cached_property
    def head(self) -> Samples:
        """The first block that has events."""
        with closing(self._pass()) as blocks:
            for _, block in blocks:
                if len(block):
                    return block
        self._ended(0)
        raise AssertionError

    @cached_property
    def survey(self) -> Survey:
        """What one pass tells, read the first time it is asked for."""
        with closing(self._all()) as blocks:
            return _survey(blocks, self.source)

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
    def class_counts(self) -> dict[str, int]:
        """How many events each class has; empty for regression."""
        return self.survey.class_counts

    @property
    def effective_events(self) -> float:
        """Kish's effective number of events (Σw)² / Σw²."""
        return self.survey.effective_events

    # Parts ----------------------------------------------------------------------------------------

    def where(self, keep: Callable[[Samples], Array]) -> Stream:
        """The events of each block for which keep(block), (n,) bool, is true.

        Events keep their ids, and so their folds. The same block must give the same choice.
        """
        return self._changed(partial(_kept, keep))

    def select(self, names: Sequence[str]) -> Stream:
        """The same events with these features only, in this order. Raises KeyError."""
        if missing := [name for name in names if name not in self.names]:
            raise KeyError(f"no feature {missing[0]!r}; there are {', '.join(self.names)}.")
        return self._changed(partial(_selected, [self.names.index(name) for name in names]))

    def folds(self, k: int, *, seed: int = 0) -> list[tuple[Stream, Stream]]:
        """k pairs (train, test); each event is in one test, groups are never split.

        Folds are about equal: by hash, see `fold_numbers`. Folds of folds are independent of the
        first ones even with the same seed.
        """
        number = partial(fold_numbers, k=_at_least_two(k), seed=seed, cuts=self._cuts)

        def part(test: bool, j: int) -> Stream:
            told = f"{'test' if test else 'train'} part {j + 1} of {k} of {self.source}"
            return self._changed(partial(_kept, lambda X: (number(X) == j) == test), told)

        return [(part(False, j), part(True, j)) for j in range(k)]

    def split(self, fraction: float, *, seed: int = 0) -> tuple[Stream, Stream]:
        """Two parts, about `fraction` of the groups (events) in the first. Groups stay whole."""
        if not 0 < fraction < 1:
            raise ValueError(f"fraction must lie between 0 and 1; it is {fraction}.")
        cuts = self._cuts

        def part(first: bool) -> Stream:
            told = f"the {'first' if first else 'second'} part of {self.source}"
            return self._changed(
                partial(_kept, lambda X: (_drawn(_labels(X), seed, cuts) < fraction) == first), told
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


def fold_numbers(X: Samples, k: int, seed: int = 0, *, cuts: int = 0) -> Array:
    """The fold 0 … k−1 of each event of a block, (n,) int: ⌊k u⌋ with u from the label's hash.

    The label is the group, or the id where there are no groups, or the row number. Its fold is the
    same in every block, process and machine, and for 7 and 7.0, "a" and b"a".

    Parameters
    ----------
    X : Samples
    k : int
        Folds, at least 2.
    seed : int
    cuts : int
        How many times the events had been divided before (folds of folds), so that each division
        is independent of the others.

    Notes
    -----
    The hash is that of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).

    Examples
    --------
    >>> fold_numbers(Samples([[0.0]] * 4, group=["a", "b", "a", "c"]), 3).tolist()
    [0, 2, 0, 1]
    """
    u = _drawn(_labels(X), seed, cuts)
    return np.asarray((u * _at_least_two(k)).astype(np.int64))


def _at_least_two(k: int) -> int:
    if k < 2:
        raise ValueError(f"folds must number at least 2; {k} were asked for.")
    return k


# Reading ------------------------------------------------------------------------------------------


class _Source:
    """The passes over blocks(): every block is checked against the first, and has ids."""

    def __init__(self, blocks: Callable[[], Iterable[Samples]], name: str) -> None:
        self.blocks, self.name = blocks, name
        self.first: bytes | None = None
        self.form: dict[str, object] = {}

    def __iter__(self) -> Iterator[Samples]:
        rows = 0
        for block in self.blocks():
            self._check(block, rows)
            if block.id is None:
                block = block.with_parts(id=np.arange(rows, rows + len(block)))
            rows += len(block)
            yield block
        if not rows and self.first is not None:
            self._begin_anew()

    def _check(self, block: Samples, rows: int) -> None:
        if not isinstance(block, Samples):
            raise TypeError(
                f"{self.name} must yield Samples; {type(block).__name__} came after {rows} rows."
                " Write Samples(x, y)."
            )
        if not len(block):
            return
        first, form = np.ascontiguousarray(block.x[:1]).tobytes(), _form(block)
        if self.first is None:
            self.first, self.form = first, form
        for what, value in form.items():
            if value != self.form[what]:
                raise ValueError(
                    f"every block of {self.name} must have the same {what}; the first has"
                    f" {_told(self.form[what])}, the one after {rows} rows {_told(value)}."
                    " Read all blocks in the same way."
                )
        if not rows and first != self.first:
            self._begin_anew()

    def _begin_anew(self) -> None:
        raise ValueError(
            f"every pass over {self.name} must begin with the same event; this one does not."
            " blocks() must start a new pass whenever it is called."
        )


def _form(X: Samples) -> dict[str, object]:
    """What all blocks of a stream have in common."""
    y = X.y
    return {
        "features": X.features,
        "answer": X.answer,
        "classes": X.class_names,
        "shape and precision of x": (*X.x.shape[1:], str(X.x.dtype)),
        "shape and precision of y": None if y is None else (*y.shape[1:], str(y.dtype)),
        "weights": None if X.weight is None else "weights",
        "kind of groups": _sort(X.group),
        "kind of ids": _sort(X.id),
    }


def _sort(labels: Array | None) -> str | None:
    """'numbers' and 'text' hash differently; their widths do not matter."""
    if labels is None:
        return None
    return "numbers" if labels.dtype.kind in "biuf" else "text"


def _told(value: object) -> str:
    if value is None or value == ():
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _ahead(items: Passing[T]) -> Iterator[T]:
    """The same items, the next one being fetched in a thread while the caller works on this one."""
    with closing(items), ThreadPoolExecutor(1, "read ahead") as reader:
        end = object()
        coming = reader.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = reader.submit(next, items, end)
            yield item  # type: ignore[misc]


# Blocks and pieces --------------------------------------------------------------------------------


def _rows(X: Samples, index: slice | Array) -> Samples:
    """These rows; x keeps its order in memory."""
    held = {name: getattr(X, name) for name in _PARTS}
    return X.with_parts(
        **{name: _taken(values, index) for name, values in held.items() if values is not None}
    )


def _taken(values: Array, index: slice | Array) -> Array:
    if isinstance(index, slice) or values.ndim == 1 or values.strides[0] != values.itemsize:
        return values[index]
    return values.T[..., index].T  # by columns: NumPy would give rows


def _kept(keep: Callable[[Samples], Array], block: Samples) -> Samples:
    mask = np.asarray(keep(block))
    if mask.shape != (len(block),) or mask.dtype != np.bool_:
        raise ValueError(
            f"a choice of rows must be {len(block)} times true or false, one for each event; it is"
            f" {mask.dtype} of shape {mask.shape}."
        )
    return block if mask.all() else _rows(block, np.flatnonzero(mask))


def _selected(columns: list[int], block: Samples) -> Samples:
    x = block.x
    by_columns = x.strides[0] == x.itemsize
    return block.with_parts(
        x=x.T[columns].T if by_columns else x[:, columns],
        features=tuple(block.features[j] for j in columns),
    )


def _joined(parts: list[Samples]) -> Samples:
    """Samples one after another; a single one as it is."""
    if len(parts) == 1:
        return parts[0]
    held = {name: [getattr(X, name) for X in parts] for name in _PARTS}
    return parts[0].with_parts(
        **{name: np.concatenate(all_) for name, all_ in held.items() if all_[0] is not None}
    )


def _pieces(blocks: Iterable[Samples], length: int) -> Iterator[Samples]:
    """The same events in pieces of this length, the last one shorter; views where they can be."""
    held: list[Samples] = []
    room = length
    for block in blocks:
        start = 0
        while start < len(block):
            held.append(_rows(block, slice(start, start + room)))
            start, room = start + len(held[-1]), room - len(held[-1])
            if not room:
                yield _joined(held)
                held, room = [], length
    if held:
        yield _joined(held)


def _after(blocks: Iterable[Samples], skip: int, source: str) -> Iterator[Samples]:
    """What comes after the first `skip` events."""
    left = skip
    for block in blocks:
        if left < len(block):
            yield _rows(block, slice(left, None))
        left = max(0, left - len(block))
    if left:
        raise ValueError(
            f"{source} must have the {skip} events that were seen before; it has {skip - left}."
            " Resume with the same data."
        )


def _mixed(pieces: Iterable[Samples], size: int, seed: int, epoch: int) -> Iterator[Samples]:
    """The pieces' events through a pool of `size` places; its own generator is (seed, epoch)'s."""
    pool: dict[str, Array] = {}
    rng: np.random.Generator | None = None
    n, length = 0, 1
    for piece in pieces:
        like, length = piece, max(length, len(piece))
        fresh = _rows(piece, slice(0, size - n))
        _put(pool, slice(n, n + len(fresh)), fresh, size)
        n += len(fresh)
        if late := len(piece) - len(fresh):
            rng = rng or np.random.default_rng([seed, epoch])
            places = rng.choice(size, late, replace=False)
            out = like.with_parts(**{name: values[places] for name, values in pool.items()})
            _put(pool, places, _rows(piece, slice(len(fresh), None)), size)
            yield out
    order = epoch_order(n, seed, epoch) if rng is None else rng.permutation(n)
    for start in range(0, n, length):
        places = order[start : start + length]
        yield like.with_parts(**{name: values[places] for name, values in pool.items()})


def _put(pool: dict[str, Array], places: slice | Array, X: Samples, size: int) -> None:
    """Put events in their places; labels that are longer than those before widen the pool."""
    for name in _PARTS:
        if (values := getattr(X, name)) is None:
            continue
        if name not in pool:
            pool[name] = np.empty((size, *values.shape[1:]), values.dtype)
        pool[name] = pool[name].astype(np.result_type(pool[name], values), copy=False)
        pool[name][places] = values


# Sums ---------------------------------------------------------------------------------------------


def _added(sums: tuple[Any, ...] | None, more: tuple[Any, ...]) -> tuple[Any, ...]:
    if sums is None:  # a copy: f may write its next answer into the same array
        return tuple(copy.copy(value) for value in more)
    return tuple(a + b for a, b in zip(sums, more, strict=True))


def _survey(blocks: Iterable[Samples], source: str) -> Survey:
    """One pass: ranges and counts; mean and variance block by block, merged by Chan's formula."""
    n, mass, squares = 0, 0.0, 0.0
    mean: Any = None
    spread: Any = 0.0
    low: Any = np.inf
    high: Any = -np.inf
    counts: dict[str, int] = {}
    notes: dict[str, int] = {}
    sampler = _Sampler()
    for block in blocks:
        for note in block.notes:
            counted = _COUNTED.fullmatch(note)
            key, rows = (counted[2], int(counted[1])) if counted else (note, 0)
            notes[key] = notes.get(key, 0) + rows
        if not len(block):
            continue
        sampler.add(block)
        n += len(block)
        low, high = np.minimum(low, block.x.min(0)), np.maximum(high, block.x.max(0))
        for name, count in block.class_counts.items():
            counts[name] = counts.get(name, 0) + count
        w = block.w.astype(np.float64, copy=False)
        squares += float(w @ w)
        here, centre, about = _moments(block.x, w)
        if mean is None:
            mean = centre
        if here:
            step, mass = centre - mean, mass + here
            # ΔM₂ = W δ² (M − W)/M, after Chan, Golub and LeVeque, Am. Stat. 37 (1983) 242
            spread = spread + about + here * (mass - here) / mass * step**2
            mean = mean + here / mass * step
    if not mass:
        raise ValueError(f"weights of {source} are all zero; at least one event must count.")
    told = tuple(f"{rows}{key}" if rows else key for key, rows in notes.items())
    return Survey(n, mass, squares, mean, spread / mass, low, high, counts, told, sampler.chosen())


def _moments(x: Array, w: Array) -> tuple[float, Array, Array]:
    """Σw, the mean and Σ w (x − mean)², shifted by the first event so that nothing cancels."""
    mass = float(w.sum())
    shift = x[0].astype(np.float64)
    apart = x - shift
    centre = np.tensordot(w, apart, 1) / (mass or 1.0)
    apart -= centre
    apart *= apart
    return mass, shift + centre, np.tensordot(w, apart, 1)


class _Sampler:
    """The events whose positions have the smallest hashes: every subset is equally likely."""

    def __init__(self, size: int = SAMPLE) -> None:
        self.size, self.limit, self.rows, self.held = size, np.inf, 0, 0
        self.parts: list[Samples] = []
        self.keys: list[Array] = []

    def add(self, block: Samples) -> None:
        keys = _drawn(np.arange(self.rows, self.rows + len(block)), -1)  # no seed of a user's
        self.rows += len(block)
        if len(near := np.flatnonzero(keys < self.limit)):
            self.parts.append(_rows(block, near))
            self.keys.append(keys[near])
            self.held += len(near)
        if self.held > 2 * self.size:
            self.chosen()

    def chosen(self) -> Samples:
        """The sample of the events so far."""
        X, keys = _joined(self.parts), np.concatenate(self.keys)
        if len(keys) > self.size:
            best = np.sort(np.argpartition(keys, self.size)[: self.size])
            X, keys = _rows(X, best), keys[best]
            self.limit = float(keys.max())
        self.parts, self.keys, self.held = [X], [keys], len(keys)
        return X.with_parts(notes=())


# Hashes -------------------------------------------------------------------------------------------


def _labels(X: Samples) -> Array:
    """What an event's part depends on: its group, else its id."""
    return X.ids if X.group is None else X.group


def _drawn(labels: Array, *salt: int) -> Array:
    """A number in [0, 1) for each label, (n,): the same label has the same number everywhere."""
    codes = _codes(np.asarray(labels))
    for number in salt:
        codes = _stirred(codes ^ _stirred(np.array([number % 2**64], dtype=np.uint64)))
    return np.asarray((codes >> np.uint64(11)) * 2.0**-53)


def _codes(labels: Array) -> Array:
    """64 bits for each label. Whole floats are integers, so that 7 = 7.0 and −0.0 = 0."""
    if labels.dtype.kind == "f":
        values = labels.astype(np.float64)
        whole = (np.abs(values) < 2.0**63) & (values == np.floor(values))
        bits = np.where(np.isnan(values), np.nan, values).view(np.int64)
        labels = np.where(whole, np.where(whole, values, 0).astype(np.int64), bits)
    if labels.dtype.kind in "biumM":
        return _stirred(labels.astype(np.int64).view(np.uint64))
    return _text_codes(labels if labels.dtype.kind == "S" else labels.astype(str))


def _text_codes(labels: Array) -> Array:
    """The sum over characters of a hash of (character, place); the padding, zeros, adds nothing."""
    letter = np.uint8 if labels.dtype.kind == "S" else np.uint32
    native = np.ascontiguousarray(labels, dtype=labels.dtype.newbyteorder("="))
    width = native.dtype.itemsize // np.dtype(letter).itemsize
    letters = native.view(letter).reshape(len(native), width)
    codes = np.zeros(len(native), dtype=np.uint64)
    for place in range(width):
        code = letters[:, place].astype(np.uint64)
        codes += np.where(code > 0, _stirred(code + np.uint64(place << 32)), np.uint64(0))
    return _stirred(codes)


def _stirred(codes: Array) -> Array:
    """One step of SplitMix64: a bijection in which every bit depends on every bit."""
    z = codes + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))
