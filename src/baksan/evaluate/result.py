"""Evaluation: what was found, in plain JSON types, with a table for the terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

Row = dict[str, Any]

__all__ = ["Evaluation", "Row", "plus_minus"]


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found, in plain JSON types throughout: a figure that does not exist is None.

    Attributes
    ----------
    task, class_names, answer, events, groups, effective_events, replicas, seed, folds
        What was evaluated: 'classification' or 'regression'; `answer` {name, unit} or None.
    metrics : dict
        By name: title, unit, better ('higher', 'lower', 'zero'), explanation.
    table : list of dict
        model, metric, value, low, high, fold_spread, better, counts, reason. `counts` {cut,
        signal_left, background_left} for figures at a cut: rows that pass; `reason` why there is
        no value.
    differences : list of dict
        metric, a, b, value (model a − model b), low, high, zero_inside.
    curves : dict
        By model. Classes: roc, a list (one for two classes, else one for each class against the
        rest) of {class, background, signal, low, high} on one grid of background efficiencies;
        calibration {predicted, observed, low, high, weight}; confusion, Σw of class (row) given
        label (column). Numbers: residuals {q16, q50, q84}, lists over the bins: the quantiles
        15.87, 50 and 84.13 % of prediction − answer.
    bins : dict or None
        name, unit, edges, events, outside (events in no bin), rows of {model, bin, metric, value,
        low, high}.
    notes : list of str
        What to know of these events: negative weights, replicas that do not count for them.
    """

    task: str
    class_names: list[str]
    answer: dict[str, str] | None
    events: int
    groups: int
    effective_events: float
    replicas: int
    seed: int
    folds: int | None
    metrics: dict[str, Row]
    table: list[Row]
    differences: list[Row]
    curves: dict[str, Row]
    bins: Row | None
    notes: list[str] = field(default_factory=list)

    @property
    def models(self) -> list[str]:
        """The names of the models, in the order given."""
        return list(dict.fromkeys(row["model"] for row in self.table))

    def row(self, model: str, metric: str) -> Row:
        """The row of the table for one model and metric. Raises KeyError."""
        for row in self.table:
            if row["model"] == model and row["metric"] == metric:
                return row
        raise KeyError(
            f"no {metric!r} of {model!r}; there are the metrics {', '.join(self.metrics)}"
            f" of the models {', '.join(self.models)}."
        )

    def value(self, model: str, metric: str) -> float:
        """The value of one figure, NaN where it does not exist. Raises KeyError."""
        value = self.row(model, metric)["value"]
        return math.nan if value is None else float(value)

    @property
    def leading(self) -> str:
        """What ranks models: auc or rmse; resolution where negative weights leave no rmse; of
        directions and places within_68, whatever the weights.
        """
        if self.task == "classification":
            return "auc"
        if "within_68" in self.metrics:
            return "within_68"
        known = any(not math.isnan(self.value(model, "rmse")) for model in self.models)
        return "rmse" if known else "resolution"

    def best(self, metric: str) -> str:
        """The model that is best by this metric, the first of equals.

        Raises KeyError for an unknown metric, ValueError where no model has it.
        """
        values = {m: self.value(m, metric) for m in self.models}
        known = {m: v for m, v in values.items() if not math.isnan(v)}
        if not known:
            raise ValueError(
                f"no model has a value of {metric!r}: {self.row(self.models[0], metric)['reason']}."
                " Compare by another metric."
            )
        worth: Callable[[str], float] = {
            "higher": lambda m: known[m],
            "lower": lambda m: -known[m],
            "zero": lambda m: -abs(known[m]),
        }[self.metrics[metric]["better"]]
        return max(known, key=worth)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `Evaluation.from_dict` gives the same Evaluation back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Evaluation:
        """The Evaluation that `to_dict` wrote. Raises ValueError where a field lacks or is new."""
        needed = {part.name for part in fields(cls)}
        if odd := (needed ^ set(content)) - {"notes"}:  # which older files do not have
            raise ValueError(
                f"an evaluation has the fields {', '.join(sorted(needed))}; the difference is"
                f" {', '.join(sorted(odd))}. Was it written by another version of baksan?"
            )
        return cls(**content)

    def text(self, width: int = 100) -> str:
        """The table for a terminal: metrics down, models across, the best of each marked *."""
        titles = [
            f"{about['title']} [{about['unit']}]" if about["unit"] else about["title"]
            for about in self.metrics.values()
        ]
        columns = [[model, *(self._cell(model, m) for m in self.metrics)] for model in self.models]
        first = max(map(len, titles))
        blocks: list[list[list[str]]] = [[]]
        room = width
        for column in columns:
            size = max(map(len, column)) + 2
            if blocks[-1] and room < size:
                blocks.append([])
            room = (room if blocks[-1] else width - first) - size
            blocks[-1].append(column)
        return "\n\n".join([self._heading(), *(_aligned(["", *titles], b) for b in blocks)])

    def _cell(self, model: str, metric: str) -> str:
        row = self.row(model, metric)
        mark = "  "
        if row["value"] is not None and len(self.models) > 1 and self.best(metric) == model:
            mark = " *"
        return plus_minus(row["value"], row["low"], row["high"]) + mark

    def _heading(self) -> str:
        drawn = "events" if self.groups == self.events else f"{self.groups:,} groups"
        pooled = f", put together from {self.folds} folds" if self.folds else ""
        weighted = abs(self.effective_events - self.events) > 0.5
        effective = f", effective {self.effective_events:,.0f}" if weighted else ""
        errors = f"errors: central 68 % of {self.replicas} bootstrap replicas of the {drawn}"
        return "\n".join([f"{self.events:,} events{effective}{pooled}", errors, *self.notes])


def _aligned(titles: Sequence[str], columns: Sequence[Sequence[str]]) -> str:
    first = max(map(len, titles))
    padded = [[cell.ljust(max(map(len, column))) for cell in column] for column in columns]
    rows = zip([t.ljust(first) for t in titles], *padded, strict=True)
    return "\n".join("  ".join(row).rstrip() for row in rows)


def plus_minus(value: float | None, low: float | None, high: float | None) -> str:
    """A value with its error, rounded to two digits of the larger side of it.

    Examples
    --------
    >>> plus_minus(0.93701, 0.93512, 0.93913), plus_minus(12346.0, 12246.0, 12446.0)
    ('0.9370 +0.0021 −0.0019', '12350 ± 100')
    >>> plus_minus(2.5e-7, 2.4e-7, 2.6e-7), plus_minus(None, None, None)
    ('(2.50 ± 0.10)e−7', '–')
    """
    if value is None:
        return "–"
    if low is None or high is None:
        return f"{value:.4g}".replace("-", "−")
    up, down = max(high - value, 0.0), max(value - low, 0.0)
    size = max(abs(value), up, down)
    if size and not 1e-3 <= size < 1e6:
        power = math.floor(math.log10(size))
        inner = plus_minus(*(v / 10.0**power for v in (value, low, high)))
        return f"({inner})e{power}".replace("-", "−")
    # Rounded first: an error of 0.0996 is one of 0.10, and has its two digits there.
    error = float(f"{max(up, down):.1e}")
    digits = 1 - math.floor(math.log10(error)) if error else 4

    def rounded(number: float) -> str:
        return f"{round(number, digits):.{max(digits, 0)}f}".replace("-", "−")

    if rounded(up) == rounded(down):
        return f"{rounded(value)} ± {rounded(up)}"
    return f"{rounded(value)} +{rounded(up)} −{rounded(down)}"
