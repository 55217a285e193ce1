"""Intervals that hold the answer as often as they promise: conformal prediction.

How wide must an interval be? As wide as it had to be for events that the model was not trained on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.calibrate.checks import column, share, told_numbers
from baksan.metrics import Prediction
from baksan.samples import Samples

Array = NDArray[Any]
How = Literal["residual", "spread", "quantiles"]

__all__ = ["Interval", "Intervals", "conformal"]

_HOW = ("residual", "spread", "quantiles")
# Sums of weights are rounded: a level met within this share of the total counts as met.
_ROUNDING = 1e-12


class Interval(NamedTuple):
    """Lower and upper ends, (n,) each, in the unit of the answer."""

    low: Array
    high: Array


@dataclass(frozen=True, eq=False)
class Intervals:
    """A function Prediction → Interval with the promised coverage; made of plain arrays.

    Parameters
    ----------
    how : 'residual', 'spread' or 'quantiles'
    coverage : float
    margin : (bins,)
        How far an interval reaches from the value, in its unit or in spreads; or how much wider it
        is than the predicted quantiles, on each side. One for each bin.
    edges : (bins + 1,)
        Of the variable that coverage holds in bins of; empty for one bin of all events.
    """

    how: How
    coverage: float
    margin: Array
    edges: Array

    def __call__(self, prediction: Prediction, by: ArrayLike | None = None) -> Interval:
        """The interval of each event; `by` (n,) where there are bins.

        Raises ValueError where what the intervals are made of is missing.
        """
        low, high, unit = _frame(prediction, self.how, self.coverage)
        wider = self.margin[_bins(by, self.edges, len(prediction))] * unit
        low, high = low - wider, high + wider
        middle = 0.5 * (low + high)
        # Quantiles are pulled together where they were too wide; they may meet, but not cross.
        return Interval(np.minimum(low, middle), np.maximum(high, middle))

    def to_arrays(self) -> dict[str, Array]:
        """Its numbers as named arrays, for a file: coverage (1,), margin, edges."""
        return {"coverage": np.array([self.coverage]), "margin": self.margin, "edges": self.edges}

    @staticmethod
    def from_arrays(how: str, arrays: Mapping[str, Array]) -> Intervals:
        """The intervals whose `how` and `to_arrays()` these are.

        Raises ValueError for an unknown name and for values that `conformal` never gives.
        """
        if how not in _HOW or sorted(arrays) != ["coverage", "edges", "margin"]:
            raise ValueError(
                f"intervals are by {', '.join(_HOW)} and of the arrays coverage, edges and margin;"
                f" these are by {how!r} and of {', '.join(sorted(arrays)) or 'none'}."
            )
        a = {k: np.array(column(v, k)) for k, v in arrays.items()}
        bins = max(len(a["edges"]) - 1, 1)
        rise = len(a["edges"]) != 1 and bool(np.all(np.diff(a["edges"]) > 0))
        sign = how == "quantiles" or bool(np.all(a["margin"] >= 0))
        if len(a["coverage"]) != 1 or len(a["margin"]) != bins or not rise or not sign:
            raise ValueError(
                "intervals need one coverage, rising edges, and a margin for each bin, 0 or more"
                " around values; these arrays do not fit. Make the intervals again."
            )
        c = share(float(a["coverage"][0]), "coverage")
        return Intervals(how, c, a["margin"], a["edges"])  # type: ignore[arg-type]


def conformal(
    prediction: Prediction,
    X: Samples,
    coverage: float = 0.68,
    *,
    how: How | None = None,
    by: ArrayLike | None = None,
    edges: ArrayLike | int | None = None,
) -> Intervals:
    """Intervals with a promised coverage, from events that the model was not trained on.

    Each event tells how far the interval would have had to reach,

        residual     E = |y − value|                 value ± margin
        spread       E = |y − value| / spread        value ± margin · spread
        quantiles    E = max(low − y, y − high)      low − margin … high + margin

    and the margin is the ⌈(n + 1) c⌉-th smallest E. A new event of the same kind is then covered
    with a probability of c or more, whatever the model (V. Vovk, A. Gammerman and G. Shafer,
    Algorithmic Learning in a Random World, 2005); by quantiles: Y. Romano, E. Patterson and
    E. Candès, NeurIPS 32 (2019), eq. 6–8. That is coverage on the average over all events. In each
    bin of a variable it holds only where each bin has a margin of its own (`by`): at low energies
    too wide an interval does not make up for one too narrow at high energies.

    Parameters
    ----------
    prediction : Prediction
        Of the events of X: numbers, with `spread` or `quantiles` where the model has them.
    X : Samples
        Answers and weights. The margin is the c-quantile of the weighted E, where one more event of
        the weight Σw²/Σw stands at infinity (R. Tibshirani, R. Foygel Barber, E. Candès and
        A. Ramdas, NeurIPS 32 (2019), eq. 8): n is Kish's effective number, so that the scale of
        weights does not matter.
    coverage : float
        c, between 0 and 1.
    how : 'residual', 'spread' or 'quantiles', optional
        The last of these that the prediction allows, if left out.
    by : (n,), optional
        The variable in whose bins the coverage shall hold. It must be known of new events too: a
        feature or the prediction itself, not the answer.
    edges : (m + 1,) or int, optional
        Bins of `by`, a value on an edge belongs to the bin above; events beyond the ends belong to
        the end bins. A number: as many bins of equally many events (5 if left out).

    Raises
    ------
    ValueError
        Classes, negative weights, fewer than c/(1 − c) events in a bin, a spread of 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = Samples(rng.normal(size=(999, 1)), rng.normal(size=999))
    >>> reach = conformal(Prediction(value=np.zeros(999)), X, coverage=0.68)
    >>> low, high = reach(Prediction(value=[5.0]))
    >>> low.round(1).tolist(), high.round(1).tolist()
    ([4.0], [6.0])
    """
    y, w = told_numbers(prediction, X)
    c = share(coverage, "coverage")
    how = how or _best(prediction)
    low, high, unit = _frame(prediction, how, c)
    needed = np.maximum(low - y, y - high) / unit
    ends = _edges(by, edges, len(y))
    which = _bins(by, ends, len(y))
    margins = [
        _margin(needed[which == b], w[which == b], c, _named(b, ends))
        for b in range(max(len(ends) - 1, 1))
    ]
    return Intervals(how, c, np.array(margins), ends)


def _best(prediction: Prediction) -> How:
    if prediction.quantiles is not None:
        return "quantiles"
    return "residual" if prediction.spread is None else "spread"


def _frame(prediction: Prediction, how: How, coverage: float) -> tuple[Array, Array, Array]:
    """What the margin is added to: low, high, and the unit it is counted in, (n,) each."""
    if how not in _HOW:
        raise ValueError(f"intervals are made by {', '.join(_HOW)}; {how!r} is none of them.")
    if prediction.value is None:
        raise ValueError(
            "intervals belong to numbers; this prediction is of classes. Take calibrate(…)."
        )
    n = len(prediction)
    if how == "quantiles":
        return *_pair(prediction, coverage), np.ones(n)
    value = column(prediction.value, "value")
    return value, value, np.ones(n) if how == "residual" else _spread(prediction)


def _spread(prediction: Prediction) -> Array:
    if prediction.spread is None:
        raise ValueError(
            "intervals by spread need a prediction with one; this has none. Take how='residual', or"
            " a model that tells its spread."
        )
    spread = column(prediction.spread, "spread")
    if spread.min() <= 0:
        raise ValueError(
            f"a spread must be above 0; {spread.min():g} stands in row {spread.argmin()}."
            " Take how='residual'."
        )
    return spread


def _pair(prediction: Prediction, coverage: float) -> tuple[Array, Array]:
    """The two predicted quantiles that are nearest to the ends of a central interval."""
    q, levels = prediction.quantiles, prediction.levels
    if q is None or levels is None:
        raise ValueError(
            "intervals by quantiles need a prediction with quantiles; this has none. Fit a quantile"
            " loss of several levels, or take how='residual'."
        )
    wanted = 0.5 - coverage / 2, 0.5 + coverage / 2
    low, high = (int(np.abs(levels - level).argmin()) for level in wanted)
    if low == high:
        raise ValueError(
            "an interval needs a predicted quantile for each end; the levels are"
            f" {levels.tolist()}. Predict {wanted[0]:g} and {wanted[1]:g}."
        )
    return q[:, low].astype(float), q[:, high].astype(float)


# Bins and margins ---------------------------------------------------------------------------------


def _edges(by: ArrayLike | None, edges: ArrayLike | int | None, rows: int) -> Array:
    """Rising edges (m + 1,); empty where there is nothing to bin by."""
    if by is None:
        if edges is not None:
            raise ValueError("edges are of a variable; none came. Give its values as `by`.")
        return np.empty(0)
    values = column(by, "by", rows)
    if edges is None or np.ndim(edges) == 0:
        bins = 5 if edges is None else int(edges)  # type: ignore[arg-type]
        if bins < 1:
            raise ValueError(f"there must be one bin or more; {bins} were asked for.")
        edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)))
    given = column(edges, "edges")
    if len(given) < 2 or np.any(np.diff(given) <= 0):
        raise ValueError(
            f"edges must rise and be two or more; they are {given.tolist()}. Sort them, or take a"
            " variable that varies."
        )
    return given


def _bins(by: ArrayLike | None, edges: Array, rows: int) -> Array:
    """The bin of each event, (n,) int; what lies beyond the ends belongs to the end bins."""
    if not len(edges):
        return np.zeros(rows, dtype=int)
    if by is None:
        raise ValueError(
            "these intervals have a width for each bin of a variable; it did not come. Give its"
            " values as `by`."
        )
    return np.searchsorted(edges[1:-1], column(by, "by", rows), side="right")


def _named(b: int, edges: Array) -> str:
    return f"the bin {edges[b]:g} … {edges[b + 1]:g}" if len(edges) > 1 else "the samples"


def _margin(needed: Array, w: Array, c: float, where: str) -> float:
    """The smallest E that a share c of the weight lies at or below, one more event at infinity."""
    total = w.sum()
    events = total**2 / (w @ w) if total > 0 else 0.0
    if events < c / (1 - c) * (1 - _ROUNDING):
        least = math.ceil(c / (1 - c) * (1 - _ROUNDING))
        raise ValueError(
            f"a coverage of {c:g} needs {least} effective events or more in each bin;"
            f" {where} {'holds' if 'bin' in where else 'hold'} {events:.3g}. Take more events,"
            " wider bins, or a lower coverage."
        )
    order = np.argsort(needed, kind="stable")
    below = np.cumsum(w[order])
    level = c * (1 + 1 / events) * below[-1] * (1 - _ROUNDING)
    return float(needed[order[np.searchsorted(below, level)]])
