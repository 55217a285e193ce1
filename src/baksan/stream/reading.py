"""Passes over the blocks of a stream: checked, numbered, and read ahead."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from baksan.samples import Samples

Array = NDArray[Any]
T = TypeVar("T")
Passing = Generator[T, None, None]

__all__ = ["Passing", "Source", "ahead"]


class Source:
    """The passes over blocks(): every block is checked against the first, and has ids.

    Events without ids are numbered from `start`; None leaves them without.
    """

    def __init__(
        self, blocks: Callable[[], Iterable[Samples]], name: str, start: int | None = 0
    ) -> None:
        self.blocks, self.name, self.start = blocks, name, start
        self.first: bytes | None = None
        self.form: dict[str, object] = {}

    def __iter__(self) -> Iterator[Samples]:
        rows = 0
        for block in self.blocks():
            self._check(block, rows)
            if block.id is None and self.start is not None:
                first = self.start + rows
                block = block.with_parts(id=np.arange(first, first + len(block)))
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
            " Leave the file as it is while it is read, or let blocks() start anew whenever it is"
            " called."
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
    """Numbers, times and text hash differently; their widths and units do not matter."""
    if labels is None:
        return None
    kinds = {**dict.fromkeys("biuf", "numbers"), "m": "durations", "M": "times"}
    return kinds.get(labels.dtype.kind, "text")


def _told(value: object) -> str:
    if value is None or value == ():
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def ahead(items: Passing[T]) -> Iterator[T]:
    """The same items, the next one being fetched in a thread while the caller works on this one."""
    context, end = copy_context(), object()  # with the caller's number of threads
    fetch = partial(context.run, lambda: next(items, end))
    with closing(items), ThreadPoolExecutor(1, "read ahead") as reader:
        coming = reader.submit(fetch)
        while (item := coming.result()) is not end:
            coming = reader.submit(fetch)
            yield item  # type: ignore[misc]
