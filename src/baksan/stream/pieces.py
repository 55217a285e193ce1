"""Blocks cut, chosen, joined and mixed. Nothing here looks at a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.order import epoch_order
from baksan.samples import Samples

Array = NDArray[Any]

__all__ = ["Pool", "after", "kept", "mixed", "pieces", "selected"]


def kept(keep: Callable[[Samples], Array], block: Samples) -> Samples:
    """The events for which keep(block) is true. Raises ValueError unless it is (n,) bool."""
    mask = np.asarray(keep(block))
    if mask.shape != (len(block),) or mask.dtype != np.bool_:
        raise ValueError(
            f"a choice of rows must be {len(block)} times true or false, once for each event; it is"
            f" {mask.dtype} of shape {mask.shape}. Compare: lambda X: X.x[:, 0] > 1."
        )
    return block if mask.all() else block.rows(np.flatnonzero(mask))


def selected(columns: list[int], block: Samples) -> Samples:
    """The block with these columns only."""
    x = block.x.T.take(columns, 0).T if _by_columns(block.x) else block.x.take(columns, 1)
    return block.with_parts(x=x, features=tuple(block.features[j] for j in columns))


def pieces(blocks: Iterable[Samples], length: int) -> Iterator[Samples]:
    """The same events in pieces of this length, the last one shorter; views where they can be."""
    held: list[Samples] = []
    room = length
    for block in blocks:
        start = 0
        while start < len(block):
            held.append(block.rows(slice(start, start + room)))
            start, room = start + len(held[-1]), room - len(held[-1])
            if not room:
                yield _joined(held)
                held, room = [], length
    if held:
        yield _joined(held)


def after(blocks: Iterable[Samples], skip: int, source: str) -> Iterator[Samples]:
    """What comes after the first `skip` events. Raises ValueError if there are not so many."""
    left = skip
    for block in blocks:
        if left < len(block):
            yield block.rows(slice(left, None))
        left = max(0, left - len(block))
    if left:
        raise ValueError(
            f"{source} must have the {skip} events that were seen before; it has {skip - left}."
            " Resume with the same data."
        )


def mixed(
    blocks: Iterable[Samples], size: int, step: int, seed: int, epoch: int
) -> Iterator[Samples]:
    """The same events shuffled through a pool of `size` places, `step` of them at a time."""
    pool, n = Pool(size), 0
    rng: np.random.Generator | None = None
    for piece in pieces(blocks, step):
        first = piece.rows(slice(0, size - n))
        late = piece.rows(slice(len(first), None))
        pool.put(slice(n, n + len(first)), first)
        n += len(first)
        if len(late):
            rng = rng or np.random.default_rng([seed, epoch])
            places = rng.choice(size, len(late), replace=False)
            yield pool.take(places)
            pool.put(places, late)
    order = epoch_order(n, seed, epoch) if rng is None else rng.permutation(n)
    for start in range(0, n, step):
        yield pool.take(order[start : start + step])


class Pool:
    """Places for `size` events, by rows, that are filled and read in any order."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.arrays: dict[str, Array] = {}

    def put(self, places: slice | Array, X: Samples) -> None:
        """Events go to their places; a label longer than those before widens the place of all."""
        self.like = X.with_parts(**dict.fromkeys(_parts(X)))
        for name, values in _parts(X).items():
            if name not in self.arrays:
                self.arrays[name] = np.empty((self.size, *values.shape[1:]), values.dtype)
            held = self.arrays[name]
            self.arrays[name] = held.astype(np.result_type(held, values), copy=False)
            self.arrays[name][places] = values

    def take(self, places: Array) -> Samples:
        """A copy of the events at these places."""
        return self.like.with_parts(**{name: held[places] for name, held in self.arrays.items()})


def _parts(X: Samples) -> dict[str, Array]:
    """The arrays that have one entry for each event."""
    held = {"x": X.x, "y": X.y, "weight": X.weight, "group": X.group, "id": X.id}
    return {name: values for name, values in held.items() if values is not None}


def _joined(parts: list[Samples]) -> Samples:
    """Samples one after another; a single one as it is."""
    if len(parts) == 1:
        return parts[0]
    held = [_parts(X) for X in parts]
    return parts[0].with_parts(
        **{name: np.concatenate([values[name] for values in held]) for name in held[0]}
    )


def _by_columns(values: Array) -> bool:
    return values.strides[0] == values.itemsize
