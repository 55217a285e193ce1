"""What one pass tells of a stream: sums, ranges, and a sample that fits in memory."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.samples import Samples
from baksan.stream.labels import drawn
from baksan.stream.pieces import Pool

Array = NDArray[Any]

__all__ = ["SAMPLE", "Survey", "Surveyor"]

SAMPLE = 65_536
"""How many events `Stream.sample` holds at most."""

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


class Surveyor:
    """Takes the blocks of a pass one by one; `survey` says what they were."""

    def __init__(self) -> None:
        self.n = 0
        self.low: Any = np.inf
        self.high: Any = -np.inf
        self.counts: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.moments, self.sampler = _Moments(), _Sampler()

    def add(self, block: Samples) -> None:
        """One more block; of an empty one the notes."""
        for note in block.notes:
            counted = _COUNTED.fullmatch(note)
            self.notes[counted[2] if counted else note] += int(counted[1]) if counted else 0
        if not len(block):
            return
        self.n += len(block)
        self.low = np.minimum(self.low, block.x.min(0))
        self.high = np.maximum(self.high, block.x.max(0))
        self.counts.update(block.class_counts)
        self.moments.add(block.x, block.w.astype(np.float64, copy=False))
        self.sampler.add(block)

    def survey(self) -> Survey:
        """What the blocks were. Raises ValueError if no event counts."""
        m = self.moments
        if not m.mass:
            raise ValueError("weights are all zero; at least one event must count.")
        return Survey(
            self.n, m.mass, m.squares, m.origin + m.offset, m.spread / m.mass,
            self.low, self.high, dict(self.counts),
            tuple(f"{left}{note}" if note[0] == " " else note for note, left in self.notes.items()),
            self.sampler.chosen(),
        )  # fmt: skip


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
        self.origin = near if self.origin is None else self.origin
        step = near - self.origin + rest - self.offset
        self.mass += here
        self.squares += float(w @ w)
        self.offset = self.offset + here / self.mass * step
        self.spread = (
            self.spread + np.tensordot(w, apart, 1) + here * (1 - here / self.mass) * step**2
        )


class _Sampler:
    """The events whose positions have the smallest hashes: every event is equally likely."""

    def __init__(self) -> None:
        self.pool = Pool(SAMPLE)
        self.keys = np.full(SAMPLE, np.inf)  # of an empty place
        self.positions = np.zeros(SAMPLE, dtype=np.int64)
        self.seen = 0

    def add(self, block: Samples) -> None:
        """New events with small keys take the places of those with the largest."""
        positions = np.arange(self.seen, self.seen + len(block))
        keys = drawn(positions, -1)  # no user's seed
        every = np.concatenate([self.keys, keys])
        stays = np.zeros(len(every), dtype=bool)
        stays[np.argpartition(every, SAMPLE - 1)[:SAMPLE]] = True
        places, new = np.flatnonzero(~stays[:SAMPLE]), np.flatnonzero(stays[SAMPLE:])
        self.keys[places], self.positions[places] = keys[new], positions[new]
        self.pool.put(places, block.rows(new))
        self.seen += len(block)

    def chosen(self) -> Samples:
        """The sample, in the order of the stream."""
        held = np.flatnonzero(np.isfinite(self.keys))
        order = held[np.argsort(self.positions[held])]
        return self.pool.take(order).with_parts(notes=())
