"""The search for rectangular cuts: peel the background off, slab by slab.

Patient rule induction (Friedman and Fisher, Statistics and Computing 9 (1999) 123). From the whole
space, take off the slab at one side of one feature that holds a small share of the background left
in the box, at the lowest price in signal; go on until the box meets the next background level.
Each box grows out of the one before, so they are nested.

    price of a slab = −ln(S_kept / S) / (1 − B_kept / B)

with S and B the weights of signal and background in the box. Only the order of the values of a
feature counts, never their size; edges lie midway between the last event off and the first kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baksan import losses
from baksan.losses import Loss
from baksan.models.base import Model
from baksan.models.cuts import Cuts
from baksan.samples import Samples
from baksan.solvers.base import Problem, Solver, State, Stepper

Array = NDArray[Any]

__all__ = ["CutSearch", "Peeling"]

# Sums of weights that should be equal differ by so much, in another order of addition.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class CutSearch(Solver):
    """Nested boxes, one for each background level; a step of the solver tightens by one level.

    The working box, within which an event is called signal, is the one of least zero-one loss Q on
    the training events; the history's loss is that least Q over the levels so far, and so a(x) is
    argmin Q among the boxes found. The search begins at the model's loosest box: with open edges,
    or with cuts written by hand that it may tighten.

    Parameters
    ----------
    levels : falling sequence of float between 0 and 1, optional
        The background efficiency at most left in each box; 20 a decade from 0.89 to 0.001 if
        left out.
    share : float
        About the share of the background in the box that one slab takes off. On MAGIC, shares from
        0.01 to 0.1 do equally well within errors.

    Events of negative weight are refused: of all slabs the search would choose those in which
    weights happen to cancel.

    Examples
    --------
    >>> import baksan as bk
    >>> X = bk.Samples([[1], [2], [3], [4], [5], [6]], [0, 0, 1, 1, 0, 0], class_names=("h", "g"))
    >>> found = bk.fit(bk.Cuts(), X, bk.losses.zero_one, CutSearch(levels=(0.5, 0.01)))
    >>> found.model.text(), found.loss
    ('2.5 ≤ x0 ≤ 4.5', 0.0)
    """

    levels: tuple[float, ...] | None = None
    share: float = 0.05

    name = "cut search"
    descends = False

    def __post_init__(self) -> None:
        if self.levels is not None:
            object.__setattr__(self, "levels", tuple(float(level) for level in self.levels))
        edges = [1.0, *self.targets, 0.0]
        if not self.targets or not all(a > b for a, b in pairwise(edges)):
            raise ValueError(
                "the levels of a cut search must fall, between 1 and 0;"
                f" they are {', '.join(f'{level:g}' for level in self.targets) or 'none'}."
                " Give background efficiencies from loose to tight: (0.5, 0.1, 0.01)."
            )
        if not 0 < self.share <= 0.5:
            raise ValueError(
                f"share must be above 0 and at most 0.5; it is {self.share}. Small is patient."
            )

    @property
    def targets(self) -> tuple[float, ...]:
        """The background efficiency of each level."""
        return _LEVELS if self.levels is None else self.levels

    def end(self, n: int) -> float:
        return len(self.targets)

    def ended(self, stepper: Stepper, state: State) -> tuple[bool, str]:
        assert isinstance(stepper, Peeling)
        return True, stepper.message(state)

    def start(self, model: Model, *, seed: int = 0) -> State:
        """All levels at the model's loosest box. Raises ValueError for a model that is not Cuts."""
        cuts = _cuts(model)
        boxes = np.repeat(cuts.boxes[:1], len(self.targets), axis=0)
        return super().start(cuts.with_boxes(boxes, 0.5), seed=seed)

    def no_negative_weights(self, loss: Loss) -> str:
        return (
            "a search for cuts takes no events of negative weight: it would find the slabs in which"
            " weights cancel. Leave these events out."
        )

    def stepper(self, problem: Problem) -> Stepper:
        """Raises ValueError for another model or loss, a penalty, negative weights, or a class
        without events.
        """
        _cuts(problem.model)
        if problem.loss.cost is not losses.zero_one.cost:
            raise ValueError(
                "a cut search counts events and minimises the zero_one loss; this is"
                f" {problem.loss.name}. Take losses.zero_one."
            )
        if problem.penalty is not None:
            raise ValueError("cuts have no weights to shrink; a cut search takes no penalty.")
        if problem.negative:
            raise ValueError(self.no_negative_weights(problem.loss))
        return Peeling(self, problem)


_LEVELS = tuple(10.0 ** (-k / 20) for k in range(1, 61))


def _cuts(model: Model) -> Cuts:
    if not isinstance(model, Cuts):
        raise ValueError(
            f"CutSearch finds Cuts; this is {type(model).__name__}. Take Cuts(), or a descent."
        )
    return model


class Slab(NamedTuple):
    """What may be taken off: the events outside `kept`, of the box's events sorted by `feature`."""

    price: float
    feature: int
    side: int
    """0 raises the low edge, 1 lowers the high edge."""
    edge: float
    kept: slice


class Peeling:
    """Steps of `CutSearch`: each tightens the last box to the next background level.

    What a step does depends on the box before alone, never on how it was reached, so that a run
    can go on from any State.
    """

    def __init__(self, solver: CutSearch, problem: Problem) -> None:
        X = problem.X
        if not isinstance(X, Samples):
            raise ValueError(
                "the search for cuts needs all events at once; a stream came. Take X.sample."
            )
        if len(X.class_names) != 2:
            raise ValueError(
                f"cuts tell one signal from one background; there are {len(X.class_names)} classes"
                f" ({', '.join(X.class_names)}). Keep two of them."
            )
        counted = X.w > 0
        signal = X.answers[counted] == 1
        self.solver, self.model = solver, _cuts(problem.model)
        self.columns = np.ascontiguousarray(X.x[counted].T, dtype=np.float64)
        self.weights = np.where(np.stack([~signal, signal]), X.w[counted], 0.0)
        self.totals = self.weights.sum(axis=1)
        for name, total in zip(X.class_names, self.totals, strict=True):
            if not total:
                raise ValueError(
                    f"a cut search needs events of both classes; {name!r} has none that count."
                )
        self.order = np.argsort(self.columns, axis=1, kind="stable")

    def __call__(self, state: State, steps: int) -> State:
        for _ in range(steps):
            state = self._tightened(state)
        return state

    def message(self, state: State) -> str:
        """What was found: how many boxes, and what the working one passes."""
        cuts = self.model.moved(state.parameters)
        background, signal = self._efficiencies(cuts.boxes[cuts.working])
        empty = sum(not self._efficiencies(box)[0] for box in cuts.boxes)
        doubt = f" The {empty} tightest hold no background at all." if empty else ""
        return (
            f"found {len(cuts.boxes)} nested boxes; the working one, of least zero-one loss, passes"
            f" {signal:.3g} of the signal and {background:.3g} of the background.{doubt}"
        )

    def _tightened(self, state: State) -> State:
        """One level further; the levels to come wait at its box."""
        cuts, level = self.model.moved(state.parameters), state.step
        boxes, threshold, loss = cuts.boxes.copy(), cuts.threshold, state.loss
        boxes[level:] = self._peeled(boxes[max(level - 1, 0)], self.solver.targets[level])
        background, signal = self._efficiencies(boxes[level]) * self.totals
        wrong = (background + self.totals[1] - signal) / self.totals.sum()
        if level == 0 or wrong < loss:
            threshold, loss = level + 0.5, float(wrong)
        return replace(
            state, parameters=cuts.with_boxes(boxes, threshold).parameters, step=level + 1,
            epoch=level + 1, seen=state.seen + len(self.weights[0]), loss=loss,
        )  # fmt: skip

    def _inside(self, box: Array) -> Array:
        low, high = box[:, :1], box[:, 1:]
        return np.asarray(((self.columns >= low) & (self.columns <= high)).all(axis=0))

    def _efficiencies(self, box: Array) -> Array:
        """The shares of background and signal within the box, (2,)."""
        return np.asarray(self.weights[:, self._inside(box)].sum(axis=1) / self.totals)

    def _peeled(self, box: Array, level: float) -> Array:
        """The box tightened until it passes at most this share of the background."""
        box, inside = box.copy(), self._inside(box)
        order, target = self._within(self.order, inside), level * self.totals[0]
        while (left := self.weights[0, inside].sum()) > target * (1 + _ROUNDING):
            # Equal slabs down to the target, so that no decision hangs on a sliver of events.
            slabs = max(1, round(math.log(target / left) / math.log1p(-self.solver.share)))
            slab = self._cheapest(order, 1.0 - (target / left) ** (1.0 / slabs))
            box[slab.feature, slab.side] = slab.edge
            gone = np.ones(order.shape[1], dtype=bool)
            gone[slab.kept] = False
            inside[order[slab.feature, gone]] = False
            order = self._within(order, inside)
        return box

    def _within(self, order: Array, inside: Array) -> Array:
        """The events inside, sorted by each feature, (d, m)."""
        return np.asarray(order[inside[order]].reshape(len(order), -1))

    def _cheapest(self, order: Array, share: float) -> Slab:
        """The slab of at least this share of the background with the lowest price; first of equals.

        A slab that would take the last signal has an infinite price.
        """
        background, signal = (np.cumsum(w[order], axis=1) for w in self.weights)
        best = None
        for j, events in enumerate(order):
            for side in (0, 1):
                slab = self._slab(j, side, self.columns[j, events], background[j], signal[j], share)
                if best is None or slab.price < best.price:
                    best = slab
        assert best is not None
        return best

    def _slab(
        self, j: int, side: int, values: Array, background: Array, signal: Array, share: float
    ) -> Slab:
        """The thinnest slab on this side with that share; equal values stay together.

        `values` rise, (m,); `background` and `signal` are the weights up to each, (m,).
        """
        m, b, s = len(values), background[-1], signal[-1]
        need = share * b * (1 - _ROUNDING)
        if side == 0:
            last = min(int(np.searchsorted(background, need)), m - 1)
            cut = int(np.searchsorted(values, values[last], side="right"))
            kept = slice(cut, m)
        else:
            last = min(int(np.searchsorted(background, b - need, side="right")), m - 1)
            cut = int(np.searchsorted(values, values[last], side="left"))
            kept = slice(0, cut)
        if kept.start == kept.stop:
            return Slab(math.inf, j, side, -math.inf if side else math.inf, kept)
        below_b, below_s = background[cut - 1], signal[cut - 1]
        lost_b, kept_s = (b - below_b, below_s) if side else (below_b, s - below_s)
        price = -math.log(kept_s / s) * b / lost_b if kept_s > _ROUNDING * s else math.inf
        off, nearest = (cut, cut - 1) if side else (cut - 1, cut)
        edge = _between(values[off], values[nearest])
        return Slab(price, j, side, edge, kept)


def _between(off: float, kept: float) -> float:
    """Midway, but never on the value that is taken off."""
    middle = float(off / 2 + kept / 2)
    return float(kept) if middle == off else middle
