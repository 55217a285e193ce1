"""Samples X = (x_i, y_i): events in memory, with weights, groups, units and names.

What to use when
----------------
`Samples(x, y)`            arrays that you have
`Samples.from_frame(df)`   a pandas, polars or pyarrow table that you have
`Table.samples(...)`       a table read from a file (`baksan.table`)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.order import epoch_order

Array = NDArray[Any]

__all__ = ["BLOCK", "Feature", "Samples", "class_text", "classes", "counted", "weight_notes"]

BLOCK = 65_536
"""Events that sums over samples take at a time, so that what they make on the way stays small."""

_WHOLE = 2.0**53  # below it doubles tell integers apart


@dataclass(frozen=True)
class Feature:
    """One quantity of an event: its name, its unit ("" is a pure number) and what it is."""

    name: str
    unit: str = ""
    description: str = ""
    indicates: tuple[str, str] | None = None
    """Of an indicator, the column of text and the text in it that it stands for."""
    place: tuple[float, ...] | None = None
    """Where the detector stands that measured it, in m; methods for arrays alone see it."""
    kind: Literal["", "direction", "position"] = ""
    """Of an answer of several numbers: unit vectors, whose errors are angles, or places."""

    def __str__(self) -> str:
        return f"{self.name} [{self.unit}]" if self.unit else self.name


@dataclass(frozen=True, eq=False, init=False)
class Samples:
    """Events X = (x_i, y_i) with weights w_i, i = 1 … n. Immutable: methods return new Samples.

    Parameters
    ----------
    x : (n, …) float
        Features; finite, but for NaN where `missing` allows it. Usually (n, d); images and stations
        have more axes.
    y : (n,) or (n, k), optional
        Answers: numbers (regression), or class indices 0 … K−1 when `class_names` is given.
        With two classes `class_names[0]` is background and `class_names[1]` signal.
    weight : (n,) float, optional
        Event weights w_i, of either sign (sWeights, NLO generators) with a sum above 0; None is
        w_i = 1. What each method makes of negative ones is told by docs/weights.md.
    group : (n,), optional
        Events of one shower, run or source carry one label and are never split apart.
    id : (n,), optional
        The name of each event in predictions; None is the row number.
    features : sequence of Feature, optional
        One for each column of x; made up as x0, x1 … if left out and x is (n, d).
    answer : Feature, optional
        Name and unit of y.
    class_names : sequence of str, optional
        Present for classification, absent for regression.
    notes : sequence of str, optional
        What was left out or changed on the way here, one sentence each; reports print them.
    missing : bool
        x may hold NaN, a missing value. Models that know what to do about it take such samples:
        `Imputed(…)`, scikit-learn's trees and forests.
    marks : sequence of float, optional
        Numbers that stood for missing values where the samples come from; model files keep them.

    Raises
    ------
    ValueError
        Lengths differ, a value is not finite, weights sum to 0 or less, a class index has no name.
    TypeError
        x or y holds something that is not a number.

    Examples
    --------
    >>> X = Samples([[0, 1], [1, 0], [2, 5]], [0, 1, 1], class_names=("hadron", "gamma"))
    >>> len(X), X.features[1].name, X.class_counts
    (3, 'x1', {'hadron': 1, 'gamma': 2})
    """

    x: Array
    y: Array | None = None
    weight: Array | None = None
    group: Array | None = None
    id: Array | None = None
    features: tuple[Feature, ...] = ()
    answer: Feature | None = None
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missing: bool = False
    marks: tuple[float, ...] = ()

    def __init__(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        weight: ArrayLike | None = None,
        group: ArrayLike | None = None,
        id: ArrayLike | None = None,
        features: Sequence[Feature | str] = (),
        answer: Feature | str | None = None,
        class_names: Sequence[str] = (),
        notes: Sequence[str] = (),
        missing: bool = False,
        marks: Sequence[float] = (),
    ) -> None:
        put = object.__setattr__
        put(self, "missing", missing)
        put(self, "x", _floats(x, "x", missing))
        put(self, "class_names", tuple(str(c) for c in class_names))
        put(self, "y", None if y is None else self._answers(y))
        put(self, "weight", None if weight is None else _floats(weight, "weight"))
        put(self, "group", None if group is None else _frozen(group))
        put(self, "id", None if id is None else _frozen(id))
        if not features and self.x.ndim == 2:
            features = [f"x{j}" for j in range(self.x.shape[1])]
        put(self, "features", tuple(Feature(f) if isinstance(f, str) else f for f in features))
        put(self, "answer", Feature(answer) if isinstance(answer, str) else answer)
        put(self, "notes", tuple(notes))
        put(self, "marks", tuple(marks))
        self._check()

    def _answers(self, y: ArrayLike) -> Array:
        if not self.class_names:
            return _floats(y, "y")
        values = np.asarray(y)
        whole = values.dtype.kind in "iufb" and np.isfinite(values) & (values == np.floor(values))
        if not np.all(whole):
            raise TypeError(
                f"y must hold class indices 0 … {len(self.class_names) - 1} because class_names are"
                f" given; it holds {values.dtype}. Give the index of each event's class."
            )
        return _own(values.astype(np.int64))

    def _check(self) -> None:
        n = self.x.shape[0] if self.x.ndim else 0
        if self.x.ndim < 2:
            raise ValueError(
                f"x must have one row for each event, shape (n, d); it has shape {self.x.shape}."
                " A single feature is x.reshape(-1, 1)."
            )
        for name in ("y", "weight", "group", "id"):
            values = getattr(self, name)
            if values is not None and values.shape[:1] != (n,):
                raise ValueError(f"{name} must have {n} entries, as x has; it has {values.shape}.")
            if name != "y" and values is not None and values.ndim != 1:
                raise ValueError(
                    f"{name} must have one entry for each event, shape ({n},); it has"
                    f" {values.shape}. Flatten it."
                )
        if self.x.ndim == 2 and len(self.features) != self.x.shape[1]:
            raise ValueError(f"x has {self.x.shape[1]} columns but {len(self.features)} features.")
        names = [f.name for f in self.features]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"features must have different names; {twice[0]!r} occurs twice.")
        if self.weight is not None:
            _check_sum(self.weight)
        if self.class_names and self.y is not None and n:
            low, high = int(self.y.min()), int(self.y.max())
            if low < 0 or high >= len(self.class_names):
                raise ValueError(
                    f"y must hold class indices 0 … {len(self.class_names) - 1}"
                    f" ({', '.join(self.class_names)}); it holds {low if low < 0 else high}."
                )

    def __repr__(self) -> str:
        shape = " × ".join(str(n) for n in self.x.shape)
        answer = self.answer or "y"
        told = f" → {', '.join(self.class_names) or answer}" if self.y is not None else ""
        return f"Samples({shape}{told})"

    def __len__(self) -> int:
        return int(self.x.shape[0])

    @property
    def w(self) -> Array:
        """Event weights as numbers, (n,): ones where none were given."""
        return np.ones(len(self)) if self.weight is None else self.weight

    @property
    def answers(self) -> Array:
        """y where it is needed. Raises ValueError for samples without answers."""
        if self.y is None:
            raise ValueError("answers y are needed; these samples have none. Name the answer.")
        return self.y

    @property
    def ids(self) -> Array:
        """Event ids, (n,): row numbers where none were given."""
        return np.arange(len(self)) if self.id is None else self.id

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features."""
        return tuple(f.name for f in self.features)

    @property
    def task(self) -> str:
        """'classification' where classes are named, else 'regression'."""
        return "classification" if self.class_names else "regression"

    @property
    def class_counts(self) -> dict[str, int]:
        """How many events each class has; empty for regression."""
        if self.y is None or not self.class_names:
            return {}
        counts = np.bincount(self.y, minlength=len(self.class_names))
        return dict(zip(self.class_names, counts.tolist(), strict=True))

    @property
    def mean_weight(self) -> float:
        """Σ w_i / n."""
        return 1.0 if self.weight is None else float(self.weight.mean())

    @property
    def head(self) -> Samples:
        """The first events, a view: as the first block of a Stream."""
        return self.rows(slice(0, BLOCK))

    def total(self, f: Callable[[Samples], tuple[Any, ...]]) -> tuple[Any, ...]:
        """The sums Σ f(block) over blocks of at most `BLOCK` events, entry by entry.

        f gives a tuple of arrays or numbers, of the same shapes for all blocks.
        """
        sums: tuple[Any, ...] = ()
        for start in range(0, len(self), BLOCK):
            more = f(self.rows(slice(start, start + BLOCK)))
            sums = tuple(a + b for a, b in zip(sums, more, strict=True)) if sums else more
        return sums

    @property
    def effective_events(self) -> float:
        """Kish's effective number of events (Σw)² / Σw²; n without weights."""
        return float(self.w.sum() ** 2 / (self.w**2).sum())

    @property
    def negative_share(self) -> float:
        """Σ|w| of the events with negative weights over that of all; 0 where there are none."""
        if self.weight is None or not len(self) or self.weight.min() >= 0:
            return 0.0
        return float(-self.weight[self.weight < 0].sum() / np.abs(self.weight).sum())

    @property
    def weight_notes(self) -> tuple[str, ...]:
        """A sentence on negative weights, where there are some."""
        return weight_notes(self.negative_share, float(self.w.sum()), self.effective_events)

    def take(self, index: ArrayLike) -> Samples:
        """The events of an index array or mask, in its order.

        Raises ValueError where their weights sum to 0 or less.
        """
        i = np.asarray(index)
        taken = self.rows(np.flatnonzero(i) if i.dtype == bool else i)
        if taken.weight is not None:
            _check_sum(taken.weight)
        return taken

    def rows(self, index: slice | Array) -> Samples:
        """As `take`, of a slice (a view) or whole numbers; nothing is checked."""
        parts = {"x": self.x, "y": self.y, "weight": self.weight, "group": self.group}
        taken = {name: _rows(values, index) for name, values in parts.items()}
        if self.id is not None:
            return self.with_parts(id=_rows(self.id, index), **taken)
        if isinstance(index, slice):
            return self.with_parts(id=np.arange(*index.indices(len(self))), **taken)
        return self.with_parts(id=index % max(len(self), 1), **taken)

    def with_parts(self, **parts: Any) -> Samples:
        """The same samples with other parts, taken as they are: arrays that were checked before.

        Unlike `dataclasses.replace` it looks at no value, so that blocks of a stream cost nothing.
        """
        for values in parts.values():
            if isinstance(values, np.ndarray):
                _own(values)
        other = object.__new__(Samples)
        other.__dict__.update(self.__dict__, **parts)
        return other

    def select(self, names: Sequence[str]) -> Samples:
        """The same events with these features only, in this order. Raises KeyError."""
        missing = [name for name in names if name not in self.names]
        if missing:
            raise KeyError(f"no feature {missing[0]!r}; there are {', '.join(self.names)}.")
        columns = [self.names.index(name) for name in names]
        return replace(
            self, x=self.x[:, columns], features=tuple(self.features[j] for j in columns)
        )

    def flattened(self) -> Samples:
        """The same events with x (n, …) as (n, d): images as rows of pixels x0, x1, …"""
        return replace(self, x=self.x.reshape(len(self), -1), features=())

    def fold_numbers(self, k: int, *, seed: int = 0) -> Array:
        """The fold 0 … k−1 of each event, (n,) int: groups stay whole, classes are dealt evenly.

        Groups (single events where there are none) are shuffled, and those of each class are dealt
        to the folds in turn; a group counts for the class of its first event.
        """
        units, order = self._dealt(seed)
        if not 2 <= k <= len(order):
            what = "events" if self.group is None else "groups"
            raise ValueError(
                f"folds must number 2 … {len(order)} (the {what}); {k} were asked for."
                " Take --folds 5 (folds=5), or --test 0.3 for a single split."
            )
        fold = np.empty(len(order), dtype=np.int64)
        fold[order] = np.arange(len(order)) % k
        return fold[units]

    def _dealt(self, seed: int) -> tuple[Array, Array]:
        """The group of each event, (n,), and the groups shuffled, class after class, (g,)."""
        if self.group is None:
            units, first = np.arange(len(self)), np.arange(len(self))
        else:
            _, first, units = np.unique(self.group, return_index=True, return_inverse=True)
        strata = self.y[first] if self.class_names and self.y is not None else np.zeros(len(first))
        order = np.random.default_rng(seed).permutation(len(first))
        return units, order[np.argsort(strata[order], kind="stable")]

    def folds(self, k: int, *, seed: int = 0) -> Iterator[tuple[Samples, Samples]]:
        """k pairs (train, test); each event is in one test, groups are never split."""
        number = self.fold_numbers(k, seed=seed)
        for j in range(k):
            yield self.take(number != j), self.take(number == j)

    def split(self, fraction: float, *, seed: int = 0) -> tuple[Samples, Samples]:
        """Two parts, `fraction` of the groups (events) of each class in the first, rounded.

        Groups are never split. Raises ValueError unless 0 < fraction < 1 and both parts have
        events.
        """
        if not 0 < fraction < 1:
            raise ValueError(f"fraction must lie between 0 and 1; it is {fraction}.")
        units, order = self._dealt(seed)
        first = np.empty(len(order), dtype=bool)
        # Going through the order, the first part takes the next whenever fraction · i rounds up.
        first[order] = np.diff(np.floor(fraction * np.arange(len(order) + 1) + 0.5)) > 0
        if first.all() or not first.any():
            what = "events" if self.group is None else "groups"
            raise ValueError(f"{len(order)} {what} cannot be split at fraction {fraction}.")
        return self.take(first[units]), self.take(~first[units])

    def batches(self, size: int, *, seed: int | None = None, epoch: int = 0) -> Iterator[Samples]:
        """Samples of at most `size` events, one pass; shuffled as solvers do if a seed is given."""
        if size < 1:
            raise ValueError(f"a batch needs at least one event; the size is {size}.")
        order = np.arange(len(self)) if seed is None else epoch_order(len(self), seed, epoch)
        for start in range(0, len(self), size):
            yield self.rows(order[start : start + size])

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        answer: str | None = None,
        features: Sequence[str | Feature] | None = None,
        weight: str | None = None,
        group: str | None = None,
        id: str | None = None,
        signal: str | None = None,
    ) -> Samples:
        """Samples from a pandas, polars or pyarrow table (anything with columns by name).

        Text answers become classes, in alphabetical order, `signal` last. Features may be given
        as `Feature("width", "mm")` to say their units. Raises KeyError for an unknown column,
        TypeError for a feature that is not a number or something without columns, ValueError for
        missing labels or a single class.
        """
        names = [str(c) for c in _column_names(frame)]
        parts = [answer, weight, group, id]
        given = [Feature(f) if isinstance(f, str) else f for f in features or ()]
        given = given or [Feature(c) for c in names if c not in parts]
        for name in [*(f.name for f in given), *parts]:
            if name is not None and name not in names:
                raise KeyError(f"no column {name!r}; there are {', '.join(names)}.")
        held = {c: np.asarray(frame[c]) for c in [*(f.name for f in given), *parts] if c}
        x = np.column_stack([_floats(held[f.name], f"column {f.name!r}") for f in given])
        y, class_names = (None, ()) if answer is None else classes(held[answer], signal)
        if len(class_names) == 1:
            raise ValueError(
                f"the answer {answer!r} must have at least two classes; all rows are"
                f" {class_names[0]!r}. Give another answer or more data."
            )
        weights, groups, ids = (held[c] if c else None for c in (weight, group, id))
        return cls(
            x, y, weight=weights, group=groups, id=ids, features=given, answer=answer,
            class_names=class_names,
        )  # fmt: skip

    def to_frame(self) -> dict[str, Array]:
        """Columns by name: features, then the answer (class names as text), weight, group, id.

        A part whose name a feature has already gets an underscore after it.
        `pandas.DataFrame(X.to_frame())`, `polars.DataFrame(…)` and `pyarrow.table(…)` take it.
        """
        frame: dict[str, Array] = {f: self.x[:, j] for j, f in enumerate(self.names)}
        if self.y is not None:
            name = self.answer.name if self.answer else "answer"
            told = np.array(self.class_names)[self.y] if self.class_names else self.y
            frame[_free(name, frame)] = told
        for name in ("weight", "group", "id"):
            if (values := getattr(self, name)) is not None:
                frame[_free(name, frame)] = values
        return frame


def _rows(values: Array | None, index: slice | Array) -> Array | None:
    """values[index], which keeps its order in memory; `take` is several times faster."""
    if values is None or isinstance(index, slice):
        return None if values is None else values[index]
    by_columns = values.strides[0] == values.itemsize
    return values.T.take(index, -1).T if by_columns else values.take(index, 0)


def _check_sum(weight: Array) -> None:
    if not len(weight) or (total := float(weight.sum())) > 0:
        return
    if not weight.any():
        raise ValueError("weights are all zero; at least one event must count.")
    raise ValueError(
        "weights must sum to more than 0; those of these"
        f" {counted(len(weight), 'event')} sum to {total:g}."
        " Take more events together, or weights of the other sign."
    )


def weight_notes(negative: float, mass: float, effective: float) -> tuple[str, ...]:
    """A sentence on events of which this share of Σ|w| is negative; none where it is 0.

    Examples
    --------
    >>> weight_notes(0.12, 3.5e4, 12_345.6)
    ('12 % of the weight is negative, Σw = 35000: effective events (Σw)²/Σw² = 12,346.',)
    """
    if not negative:
        return ()
    return (
        f"{100 * negative:.2g} % of the weight is negative, Σw = {mass:g}: effective events"
        f" (Σw)²/Σw² = {effective:,.0f}.",
    )


def counted(count: int, what: str = "row") -> str:
    """'1 row', '1,024 rows'."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def classes(values: Array, signal: str | None) -> tuple[Array, tuple[str, ...]]:
    """Class indices (n,) and class names of a text column; numbers without a signal pass through.

    Names are in alphabetical order, the signal class last. Raises ValueError for a signal class
    that does not occur, or for missing labels.
    """
    if values.dtype.kind in "iuf" and signal is None:
        return values, ()
    if lost := sum(v is None or v != v for v in values.tolist()):
        raise ValueError(
            f"every event needs a class; {counted(lost, 'label')} missing. Leave such events out."
        )
    text = class_text(values)
    names = np.unique(text).tolist()
    if signal is not None:
        if signal not in names:
            raise ValueError(
                f"the signal class must occur; {signal!r} does not, there are {', '.join(names)}."
            )
        names.append(names.pop(names.index(signal)))
    index = {name: k for k, name in enumerate(names)}
    return np.array([index[t] for t in text.tolist()], dtype=np.int64), tuple(names)


def class_text(values: Array) -> Array:
    """What classes are called, (n,) text: whole floats as integers, which they were before one was
    missing.

    Examples
    --------
    >>> class_text(np.array([-0.0, 1.0, 2.5])).tolist()
    ['0', '1', '2.5']
    """
    text = values.astype(str)
    if values.dtype.kind == "f":
        whole = (np.abs(values) < _WHOLE) & (values == np.floor(values))
        text[whole] = values[whole].astype(np.int64).astype(str)
    return text


def _column_names(frame: Any) -> Any:
    """The names of a frame's columns. Raises TypeError for what has none."""
    if isinstance(frame, dict):
        return list(frame)
    names = getattr(frame, "column_names", None)  # pyarrow, whose `columns` are arrays
    names = getattr(frame, "columns", None) if names is None else names
    if names is None:
        raise TypeError(
            "from_frame takes a table with columns by name (pandas, polars, pyarrow, a dict);"
            f" {type(frame).__name__} came. For arrays write Samples(x, y)."
        )
    return names


def _free(name: str, frame: dict[str, Array]) -> str:
    """The name, with an underscore if it is taken."""
    return f"{name}_" if name in frame else name


def _kind(array: Array) -> str:
    if array.dtype.kind in "US":
        return f"text such as {str(array.ravel()[0])!r}" if array.size else "text"
    return f"{array.dtype}"


def _own(array: Array) -> Array:
    """An array that only Samples hold, made read-only."""
    array.flags.writeable = False
    return array


def _frozen(values: ArrayLike) -> Array:
    """A read-only array that nobody else can write to: what others may change is copied."""
    array = np.asarray(values)
    shared = isinstance(values, np.ndarray) or hasattr(values, "__array__")
    return _own(array.copy(order="K") if shared and array.flags.writeable else array)


def _floats(values: ArrayLike, what: str, missing: bool = False) -> Array:
    """A read-only float array, single precision kept; a value that is not finite is named.

    With `missing` NaN may stand in it.
    """
    array = _frozen(values)
    if array.dtype.kind not in "iufb":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            raise TypeError(
                f"{what} must hold numbers; it holds {_kind(array)}. Give numbers, or leave it out."
            ) from None
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    good = np.isfinite(array) | np.isnan(array) if missing else np.isfinite(array)
    if not good.all():
        place = tuple(int(i) for i in np.argwhere(~good)[0])
        raise ValueError(
            f"{what} must be finite; {array[place]} stands at {place}."
            " Leave such events out or fill them in first."
        )
    return _own(array)
