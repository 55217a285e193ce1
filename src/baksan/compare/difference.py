"""By how much the figures of later runs differ from those of the first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from baksan.evaluate import Evaluation

Row = dict[str, Any]
Sides = tuple[float, float]
"""How far a value reaches down and up, both 0 or more."""

__all__ = ["leading", "paired_differences", "unpaired_differences"]

_DUST = 0.01
"""A difference below this share of the figures' own errors is none, as in the report."""


def leading(task: str) -> str:
    """The figure that ranks methods."""
    return "auc" if task == "classification" else "rmse"


def paired_differences(
    views: Sequence[Evaluation], together: Evaluation, key: Callable[[int, str], str]
) -> list[Row]:
    """A row for each later run, method and metric, from replicas that all runs have in common.

    run (its number), base_model (of the first run), model, metric, value (run − first), low, high,
    sigma (|value| over the side of its interval towards 0), told_apart, equal.
    """
    held = {(d["metric"], d["a"], d["b"]): d for d in together.differences}
    return [
        _row(views, k, one, two, metric, _turned(held[metric, key(0, one), key(k, two)]))
        for k, one, two in _pairs(views)
        for metric in together.metrics
    ]


def unpaired_differences(views: Sequence[Evaluation]) -> list[Row]:
    """As `paired_differences`, of figures with errors that have nothing in common."""
    found = []
    for k, one, two in _pairs(views):
        for metric in (m for m in views[k].metrics if m in views[0].metrics):
            apart = _apart(views[0].row(one, metric), views[k].row(two, metric))
            found.append(_row(views, k, one, two, metric, apart))
    return found


def _pairs(views: Sequence[Evaluation]) -> Iterator[tuple[int, str, str]]:
    """Of each later run its number, a method of the first, and one of its own to set against it.

    These are the methods in common, and the best of each run where they are two.
    """
    first = views[0]
    for k, view in enumerate(views[1:], 1):
        yield from ((k, model, model) for model in first.models if model in view.models)
        best = [v.best(v.leading) for v in (first, view)]
        if best[0] != best[1]:
            yield k, best[0], best[1]


def _turned(found: Row) -> tuple[float | None, Sides | None]:
    """b − a of a row that holds a − b."""
    if found["value"] is None:
        return None, None
    value = -found["value"] + 0.0
    if found["low"] is None or found["high"] is None:
        return value, None
    return value, (found["high"] - found["value"], found["value"] - found["low"])


def _apart(one: Row, two: Row) -> tuple[float | None, Sides | None]:
    if one["value"] is None or two["value"] is None:
        return None, None
    first, second = _sides(one), _sides(two)
    value = two["value"] - one["value"]
    if first is None or second is None:
        return value, None
    return value, (math.hypot(second[0], first[1]), math.hypot(second[1], first[0]))


def _sides(row: Row) -> Sides | None:
    if any(row[k] is None for k in ("value", "low", "high")):
        return None
    return max(row["value"] - row["low"], 0.0), max(row["high"] - row["value"], 0.0)


def _row(
    views: Sequence[Evaluation],
    k: int,
    one: str,
    two: str,
    metric: str,
    found: tuple[float | None, Sides | None],
) -> Row:
    value, reach = found
    row: Row = {
        "run": k, "base_model": one, "model": two, "metric": metric, "value": value,
        "low": None, "high": None, "sigma": None, "told_apart": None, "equal": None,
    }  # fmt: skip
    if value is None or reach is None:
        return row
    down, up = max(reach[0], 0.0), max(reach[1], 0.0)
    low, high = value - down, value + up
    errors = [_sides(views[0].row(one, metric)), _sides(views[k].row(two, metric))]
    dust = _DUST * max(max(e) for e in errors if e) if any(errors) else 0.0
    equal = max(abs(value), abs(low), abs(high)) <= dust
    towards_zero = down if value > 0 else up
    sigma = 0.0 if equal else abs(value) / towards_zero if towards_zero else None
    told_apart = not (low <= 0 <= high or abs(value) <= dust)
    return row | {"low": low, "high": high, "sigma": sigma, "told_apart": told_apart,
                  "equal": equal}  # fmt: skip
