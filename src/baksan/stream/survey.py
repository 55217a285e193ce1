"""What one pass tells of a stream: sums, ranges, and a sample that fits in memory."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.samples import Samples, counted, weight_notes
from baksan.stream.labels import drawn
from baksan.stream.pieces import Pool

Array = NDArray[Any]

__all__ = ["SAMPLE", "Survey", "Surveyor"]

SAMPLE = 65_536
"""How many events `Stream.sample` holds at most."""

_COUNTED = re.compile(r"([\d,]+) rows?( (?:left out|kept without|of).*)", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Survey:
    """What one pass tells of a stream: sums, ranges, and a sample.

    Attributes
    ----------
    n : int
        Events.
    mass, squares, negative : float
        Σ w_i, Σ w_i², and Σ |w_i| of the events with negative weights.
    mean, variance : (d,) float64
        Σ w x / Σ w and Σ w (x − mean)² / Σ w of each feature.
    low, high : (d,)
        The range of each feature, missing values apart.
    class_counts : dict of str to int
        Events of each class; empty for regression.
    class_weights : dict of str to float
        Σ w_i of each class; empty for regression.
    answer_mean : () or (k,) float64
        Σ w y / Σ w of answers that are numbers; NaN where there are none.
    notes : tuple of str
        The blocks' notes, each once. Those that begin '12 rows left out', '12 rows kept without' or
        '1 row of' count rows of their block and are summed.
    sample : Samples
        At most `SAMPLE` events, all equally likely, in the order of the stream; all events if there
        are no more than that.
    """

    n: int
    mass: float
    squares: float
    negative: float
    mean: Array
    variance: Array
    low: Array
    high: Array
    class_counts: dict[str, int]
    class_weights: dict[str, float]
    answer_mean: Array
    notes: tuple[str, ...]
    sample: Samples

    @property
    def effective_events(self) -> float:
        """Kish's effective number of events (Σw)² / Σw²."""
        return self.mass**2 / self.squares

    @property
    def negative_share(self) -> float:
        """Σ|w| of the events with negative weights over that of all."""
        return self.negative / (self.mass + 2 * self.negative)

    @property
    def weight_notes(self) -> tuple[str, ...]:
        """A sentence on negative weights, where there are some."""
        return weight_notes(self.negative_share, self.mass, self.effective_events)


class Surveyor:
    """Takes the blocks of a pass one by one; `survey` says what they were.

    Surveyors of the parts of a stream, in their order, join to one of the whole. The events of a
    part are counted from `start`; those with hashes from `limit` on are never in the sample.
    """

    def __init__(self, start: int = 0, limit: float = 1.0) -> None:
        self.n = 0
        self.low: Any = np.inf
        self.high: Any = -np.inf
        self.counts: Counter[str] = Counter()
        self.answers: Any = 0.0  # Σ w y, or Σ w of each class
        self.notes: Counter[str] = Counter()
        # Sums of either sign: what is divided by on the way is never 0.
        self.moments, self.negative = _Moments(), _Moments()
        self.sampler = _Sampler(start, limit)

    def add(self, block: Samples) -> None:
        """One more block; of an empty one the notes."""
        for note in block.notes:
            told = _COUNTED.fullmatch(note)
            self.notes[told[2] if told else note] += int(told[1].replace(",", "")) if told else 0
        if not len(block):
            return
        self.n += len(block)
        # fmin and fmax pass over NaN, a missing value.
        self.low = np.fmin(self.low, np.fmin.reduce(block.x, axis=0))
        self.high = np.fmax(self.high, np.fmax.reduce(block.x, axis=0))
        self.counts.update(block.class_counts)
        w = block.w.astype(np.float64, copy=False)
        self.answers = self.answers + _weighed(block, w)
        self.moments.add(block.x, np.maximum(w, 0.0))
        if w.min() < 0:
            self.negative.add(block.x, np.maximum(-w, 0.0))
        self.sampler.add(block)

    def join(self, other: Surveyor) -> None:
        """What another one has seen."""
        self.n += other.n
        self.low, self.high = np.fmin(self.low, other.low), np.fmax(self.high, other.high)
        for note, left in other.notes.items():
            self.notes[note] += left
        self.counts.update(other.counts)
        self.answers = self.answers + other.answers
        self.moments.join(other.moments)
        self.negative.join(other.negative)
        self.sampler.join(other.sampler)

    def survey(self) -> Survey:
        """What the blocks were. Raises ValueError where the weights sum to 0 or less."""
        m, negative = self.moments, self.negative.mass
        if not m.mass and not negative:
            raise ValueError("weights are all zero; at least one event must count.")
        if m.mass <= negative:
            raise ValueError(
                f"weights must sum to more than 0; those of {counted(self.n, 'event')} sum to"
                f" {m.mass - negative:g}. Take more events, or weights of the other sign."
            )
        if negative:
            m = m.less(self.negative)
        classes = dict(zip(self.counts, self.answers.tolist(), strict=True)) if self.counts else {}
        mean = np.asarray(np.nan if self.counts else self.answers / m.mass)
        return Survey(
            self.n, m.mass, m.squares, negative, m.origin + m.offset, m.spread / m.mass,
            self.low, self.high, dict(self.counts), classes, mean,
            tuple(counted(n) + note if note[0] == " " else note for note, n in self.notes.items()),
            self.sampler.chosen(),
        )  # fmt: skip


def _weighed(block: Samples, w: Array) -> Array:
    """Σ w y, or Σ w of each class; NaN without answers."""
    if block.y is None:
        return np.asarray(np.nan)
    if block.class_names:
        return np.bincount(block.y, weights=w, minlength=len(block.class_names))
    return np.tensordot(w, block.y, 1)


class _Moments:
    """Σw, Σw², mean = origin + offset and spread = Σ w (x − mean)² of the blocks so far."""

    def __init__(self) -> None:
        self.mass = self.squares = 0.0
        self.origin: Any = None
        self.offset: Any = 0.0
        self.spread: Any = 0.0

    def add(self, x: Array, w: Array) -> None:
        """Chan, Golub and LeVeque, Am. Stat. 37 (1983) 242, eq. 2.1 with weights.

        All is taken from a point near the mean, so that nothing cancels where mean ≫ spread.
        """
        if not (here := float(w.sum())):
            return
        near = np.tensordot(w, x, 1) / here
        apart = x - near
        rest = np.tensordot(w, apart, 1) / here
        apart -= rest
        apart *= apart
        self._add(here, float(w @ w), near, rest, np.tensordot(w, apart, 1))

    def join(self, other: _Moments) -> None:
        """All that another one has seen."""
        if other.mass:
            self._add(other.mass, other.squares, other.origin, other.offset, other.spread)

    def less(self, other: _Moments) -> _Moments:
        """The moments where those of `other`, of a smaller mass, count negatively."""
        both = _Moments()
        both.join(self)
        both._add(-other.mass, other.squares, other.origin, other.offset, -other.spread)
        return both

    def _add(self, mass: float, squares: float, near: Array, rest: Array, spread: Array) -> None:
        """Events with their mean at near + rest."""
        self.origin = near if self.origin is None else self.origin
        step = near - self.origin + rest - self.offset
        self.mass += mass
        self.squares += squares
        self.offset = self.offset + mass / self.mass * step
        self.spread = self.spread + spread + mass * (1 - mass / self.mass) * step**2


class _Sampler:
    """The events whose positions have the smallest hashes: every event is equally likely.

    The positions begin at `start`; hashes from `limit` on are left out.
    """

    def __init__(self, start: int = 0, limit: float = 1.0) -> None:
        self.pool = Pool(SAMPLE)
        self.keys = np.full(SAMPLE, np.inf)  # of an empty place
        self.positions = np.zeros(SAMPLE, dtype=np.int64)
        self.seen, self.limit = start, limit

    def add(self, block: Samples) -> None:
        """New events with small keys take the places of those with the largest."""
        positions = np.arange(self.seen, self.seen + len(block))
        self.seen += len(block)
        keys = drawn(positions, -1)  # no user's seed
        low = slice(None) if self.limit >= 1 else np.flatnonzero(keys < self.limit)
        self._offer(keys[low], positions[low], block.rows(low))

    def join(self, other: _Sampler) -> None:
        """The events that another one holds."""
        self._offer(*other._held())

    def _offer(self, keys: Array, positions: Array, events: Samples | None) -> None:
        if events is None:
            return
        every = np.concatenate([self.keys, keys])
        stays = np.zeros(len(every), dtype=bool)
        stays[np.argpartition(every, SAMPLE - 1)[:SAMPLE]] = True
        places, new = np.flatnonzero(~stays[:SAMPLE]), np.flatnonzero(stays[SAMPLE:])
        self.keys[places], self.positions[places] = keys[new], positions[new]
        self.pool.put(places, events.rows(new))

    def chosen(self) -> Samples:
        """The sample, in the order of the stream."""
        _, _, events = self._held()
        assert events is not None
        return events.with_parts(notes=())

    def _held(self) -> tuple[Array, Array, Samples | None]:
        """Keys, positions and the events themselves, in the order of the stream."""
        held = np.flatnonzero(np.isfinite(self.keys))
        held = held[np.argsort(self.positions[held])]
        return self.keys[held], self.positions[held], self.pool.take(held) if len(held) else None

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process: no empty places."""
        return {"start": self.seen, "limit": self.limit, "held": self._held()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["start"], state["limit"])  # type: ignore[misc]
        self._offer(*state["held"])
