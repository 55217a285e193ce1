"""From an Agreement and its events to what its page shows: plain dicts, lists and arrays."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.agreement.found import Agreement
from baksan.metrics import quantiles
from baksan.samples import Samples

Array = NDArray[Any]

__all__ = ["contents"]

_SHOWN, _BINS, _REACH = 12, 30, 0.002


def contents(found: Agreement, simulation: Samples, data: Samples, names: tuple[str, str]) -> Any:
    """What `baksan.report.page.agreed` takes."""
    number = {feature.name: j for j, feature in enumerate(simulation.features)}
    apart, weighted = found.apart, found.weighted
    shown = [
        {
            "name": row.name, "unit": row.unit,
            **_histograms(
                simulation.x[:, number[row.name]], data.x[:, number[row.name]],
                simulation.w, weighted.weight, data.w,
            ),
        }
        for row in found.inputs[:_SHOWN]
    ]  # fmt: skip
    n = len(simulation)
    return {
        "title": f"Does {names[0]} describe {names[1]}?",
        "summary": found.sentence,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "names": names,
        "events": found.events,
        "holds": found.holds,
        "auc": (apart.auc, apart.error),
        "inputs": [row._asdict() for row in found.inputs],
        "histograms": shown,
        "score": _histograms(
            apart.score[:n], apart.score[n:], simulation.w, weighted.weight, data.w
        ),
        "importance": list(apart.importance),
        "weighted": {
            "auc": (weighted.auc, weighted.error), "effective": weighted.effective,
            "largest": float(weighted.weight.max()), "cut": weighted.cut,
        },
    }  # fmt: skip


def _histograms(a: Array, b: Array, v: Array, weighted: Array, w: Array) -> dict[str, Any]:
    """Sums of weights in bins, the simulation scaled to the data, with errors √Σw²; end bins hold
    what lies beyond.
    """
    both = np.append(a, b)
    low, high = quantiles(both, [_REACH, 1 - _REACH])
    whole = len(np.unique(both)) <= _BINS
    edges = _between(np.unique(both)) if whole else np.linspace(low, high, _BINS + 1)
    measured, error = _sums(b, w, edges)
    told = {"edges": edges, "data": measured, "data_error": error}
    for name, weight in (("simulation", v), ("weighted", weighted)):
        scale = w.sum() / weight.sum()
        sums, errors = _sums(a, weight * scale, edges)
        told |= {name: sums, f"{name}_error": errors}
    return told


def _sums(x: Array, w: Array, edges: Array) -> tuple[Array, Array]:
    inside = np.clip(x, edges[0], edges[-1])
    sums = np.histogram(inside, edges, weights=w)[0]
    return sums, np.sqrt(np.histogram(inside, edges, weights=w * w)[0])


def _between(values: Array) -> Array:
    """Edges between few values, each in the middle of its bin."""
    if len(values) == 1:
        return np.array([values[0] - 0.5, values[0] + 0.5])
    half = np.diff(values) / 2
    return np.concatenate([[values[0] - half[0]], values[:-1] + half, [values[-1] + half[-1]]])
