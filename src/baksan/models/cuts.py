"""Rectangular cuts: nested boxes, one inside the other; the score is the tightest level passed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from baksan.models.base import Model

Array = NDArray[Any]
Interval = tuple[float | None, float | None]
"""(low, high); None where it is open."""

__all__ = ["Cuts"]


@dataclass(frozen=True, eq=False)
class Cuts(Model):
    """a(x) = (number of boxes that x passes) − threshold, for nested boxes 1 … L.

    An event passes box l if low_lj ≤ x_j ≤ high_lj for all j. The boxes run from loose to tight,
    each within the one before, so that this number is the tightest level passed. The threshold is
    k − ½ for the working box k: a(x) > 0 is signal, and means that x passes box k. A single box
    written by hand gives a(x) = ±½.

    Parameters
    ----------
    names, units : sequences of str, (d,), set by `fit` or `by_hand`
        The features, for printing.
    parameters : (L·d·2 + 1,), set by `prepared` and the solver
        low_11, high_11, low_12 …, box by box, ±inf where open; then the threshold.

    Raises
    ------
    ValueError
        The number of parameters does not fit the features, or the boxes are not nested.

    Examples
    --------
    >>> cuts = Cuts.by_hand({"alpha": (None, 12.0)}, features=["size", "alpha"], units=["", "deg"])
    >>> cuts.text(), cuts(np.array([[2.5, 8.0], [2.5, 30.0]])).tolist()
    ('alpha ≤ 12 deg', [0.5, -0.5])
    """

    names: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    parameters: Array = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        size, edges = len(self.parameters), 2 * self.features
        if size and (not edges or size <= edges or (size - 1) % edges):
            raise ValueError(
                f"cuts on {self.features} features need {edges} edges for each box and a threshold;"
                f" {size} parameters came. Give L·d·2 + 1 of them."
            )
        if size and len(self.units) != self.features:
            raise ValueError(
                f"each feature of cuts needs a unit, '' for a pure number; there are"
                f" {self.features} features and {len(self.units)} units."
            )
        low, high = self.boxes[..., 0], self.boxes[..., 1]
        nested = (low[1:] >= low[:-1]) & (high[1:] <= high[:-1])
        if not nested.all() or np.isnan(self.boxes).any():
            raise ValueError(
                "each box of cuts must lie within the one before it; these do not."
                " Give them from loose to tight."
            )

    @classmethod
    def by_hand(
        cls,
        rules: Mapping[str, Interval],
        features: Sequence[str],
        units: Sequence[str] = (),
    ) -> Self:
        """One box written by hand: {"fAlpha": (None, 12.0), "fLength": (10.0, 60.0)}.

        Parameters
        ----------
        rules : mapping of a feature's name to (low, high)
            Both edges belong to the box; None is open.
        features, units : sequences of str
            All columns of x, in order: `features=X.names`.

        Raises
        ------
        KeyError
            A rule for a feature that is not there.
        ValueError
            Not two edges, an edge that is no number, or low above high.
        """
        names = tuple(features)
        box = _open_box(len(names))
        for name, interval in rules.items():
            if name not in names:
                raise KeyError(f"no feature {name!r} to cut on; there are {', '.join(names)}.")
            box[names.index(name)] = _edges(name, interval)
        parameters = np.append(box.ravel(), 0.5)
        return cls(names, tuple(units) or ("",) * len(names), parameters)

    @property
    def features(self) -> int:
        """The number of features d; 0 before `prepared`."""
        return len(self.names)

    @property
    def boxes(self) -> Array:
        """The edges, (L, d, 2): [..., 0] low, [..., 1] high, from the loosest to the tightest."""
        return self.parameters[:-1].reshape(-1, self.features, 2) if self.features else _NO_BOXES

    @property
    def threshold(self) -> float:
        """How many boxes are too few to be signal: k − ½ for the working box k."""
        return float(self.parameters[-1])

    @property
    def working(self) -> int:
        """The index 0 … L−1 in `boxes` of the working box, within which an event is signal."""
        return min(max(math.floor(self.threshold), 0), len(self.boxes) - 1)

    def __call__(self, x: Array) -> Array:
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1] != self.features:
            raise ValueError(
                f"these cuts need {self.features} features, x (n, {self.features});"
                f" x has shape {x.shape}."
            )
        levels = len(self.boxes)
        passed = np.full(len(x), levels)
        for j in range(self.features):
            # Nested boxes have rising low and falling high edges: counting needs no loop over them.
            low, high = self.boxes[:, j, 0], self.boxes[::-1, j, 1]
            passed = np.minimum(passed, np.searchsorted(low, x[:, j], side="right"))
            passed = np.minimum(passed, levels - np.searchsorted(high, x[:, j], side="left"))
        return np.asarray(passed - self.threshold)

    def pullback(self, x: Array, slope: Array) -> Array:
        """Raises ValueError: cuts have no slope."""
        raise ValueError(
            "a descent needs a slope, and cuts have none: a(x) stays the same until an edge crosses"
            " an event, and then it jumps. Find cuts with CutSearch, or take another model."
        )

    def moved(self, parameters: Array) -> Self:
        return replace(self, parameters=np.asarray(parameters))

    def with_boxes(self, boxes: Array, threshold: float) -> Self:
        """The same features with these boxes, (L, d, 2), and this threshold."""
        return self.moved(np.append(np.ravel(boxes), threshold))

    def named(self, names: Sequence[str], units: Sequence[str]) -> Self:
        return replace(self, names=tuple(names), units=tuple(units))

    def prepared(self, x: Array, weight: Array, outputs: int) -> Self:
        if outputs != 1:
            raise ValueError(
                "cuts tell one signal from one background and need two classes; these answers need"
                f" {outputs} outputs. Keep two classes, or take another model."
            )
        if len(self.parameters):
            return self
        if x.ndim != 2:
            raise ValueError(
                f"cuts need x of shape (n, d); it has {x.shape}."
                " Flatten images first: x.reshape(len(x), -1)."
            )
        d = x.shape[1]
        made = self.named(self.names or [f"x{j}" for j in range(d)], self.units or [""] * d)
        return made.with_boxes(_open_box(d), 0.5)

    def at_constant(self, constant: Array, spread: Array | float = 1.0) -> Self:
        box = _open_box(self.features)
        return self.with_boxes(box, 1.0 - float(np.ravel(constant)[0]))

    def text(self, level: int | None = None) -> str:
        """The rules of a box as one writes them by hand; those of the working box if none is named.

        'fAlpha ≤ 12 deg and 10 ≤ fLength ≤ 60 mm': both edges belong to the box.
        """
        box = self.boxes[self.working if level is None else level]
        low, high = box.T
        if ((low > high) | np.isposinf(low) | np.isneginf(high)).any():
            return "nothing passes"
        rules = (
            _rule(low, high, name, unit)
            for (low, high), name, unit in zip(box.tolist(), self.names, self.units, strict=True)
        )
        return " and ".join(filter(None, rules)) or "everything passes"


_NO_BOXES = np.empty((0, 0, 2))


def _open_box(d: int) -> Array:
    return np.tile([-np.inf, np.inf], (d, 1))


def _edges(name: str, interval: Interval) -> tuple[float, float]:
    try:
        low, high = interval
        low = -math.inf if low is None else float(low)
        high = math.inf if high is None else float(high)
    except (TypeError, ValueError):
        raise ValueError(
            f"a cut on {name} needs two edges (low, high), None where it is open;"
            f" {interval!r} came."
        ) from None
    if not low <= high:
        raise ValueError(
            f"a cut on {name} needs low ≤ high; ({low:g}, {high:g}) came."
            " Turn them round, or take None for an open side."
        )
    return low, high


def _rule(low: float, high: float, name: str, unit: str) -> str:
    """'' where both sides are open."""
    end = f" {unit}" if unit else ""
    if low == high:
        return f"{name} = {low:.6g}{end}"
    if math.isinf(low):
        return "" if math.isinf(high) else f"{name} ≤ {high:.6g}{end}"
    if math.isinf(high):
        return f"{name} ≥ {low:.6g}{end}"
    return f"{low:.6g} ≤ {name} ≤ {high:.6g}{end}"
