"""Comparison: what differs between runs, in plain types, as text and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from baksan.compare.difference import leading
from baksan.compare.words import result, what_differs
from baksan.evaluate import plus_minus
from baksan.report.contents import listed

Row = dict[str, Any]

__all__ = ["Comparison", "Row"]

_IN_TEXT = (
    "auc", "accuracy", "signal_at_0.01", "q_factor", "log_loss",
    "bias", "resolution", "rmse", "mae", "r2",
)  # fmt: skip
_LONGEST = 44


@dataclass(frozen=True)
class Comparison:
    """What `compare` found, in plain types throughout.

    Attributes
    ----------
    runs : list of dict
        name, folder, tested (events), methods, created, command, baksan; the first is what others
        are set against.
    asked : list of dict
        of, what, values (a text for each run): what is not the same in all runs.
    notes : list of str
        Whether like is compared with like.
    events, replicas
        Tested in all runs, and the replicas drawn of them; 0 and None where there is no pairing.
    created, task, class_names, answer, metrics
        As in an Evaluation.
    figures : list of dict
        run, and a row of the table of an Evaluation.
    differences : list of dict
        run, base (the first run), model, base_model, metric, value (run − base), low, high, sigma
        (the value over its error), told_apart, equal.
    curves, bins : dict
        By run, as in an Evaluation.
    residuals : dict
        Of numbers, by method and run: value, answer and weight of at most 4,000 events.
    """

    runs: list[Row]
    asked: list[Row]
    notes: list[str]
    events: int
    replicas: int | None
    created: str
    task: str
    class_names: list[str]
    answer: dict[str, str] | None
    metrics: dict[str, Row]
    figures: list[Row]
    differences: list[Row]
    curves: dict[str, Any]
    bins: dict[str, Any]
    residuals: dict[str, Any]

    @property
    def paired(self) -> bool:
        """Whether differences are those on the same events."""
        return self.events > 0

    @property
    def names(self) -> list[str]:
        """The names of the runs."""
        return [run["name"] for run in self.runs]

    @property
    def summary(self) -> str:
        """What differs in what was asked, whether that is fair, and what came out."""
        return " ".join([what_differs(self.names, self.asked), *self.notes[:1], self._result])

    def row(self, run: str, model: str, metric: str) -> Row:
        """One figure of a run. Raises KeyError."""
        for row in self.figures:
            if (row["run"], row["model"], row["metric"]) == (run, model, metric):
                return row
        raise KeyError(f"no {metric!r} of {model!r} in {run!r}; the runs are {self.names}.")

    def to_dict(self) -> dict[str, Any]:
        """What `baksan.report.page.compared` takes."""
        return {"title": f"{listed(self.names)} compared", "summary": self.summary,
                "leading": leading(self.task), **asdict(self)}  # fmt: skip

    def html(self) -> str:
        """One offline page: what differs, figures, differences, curves on each other."""
        from baksan.report import page

        return page.compared(self.to_dict())

    def text(self, width: int = 100) -> str:
        """The same for a terminal, the most telling figures of each method."""
        import textwrap

        said = [what_differs(self.names, self.asked), *self.notes, self._result]
        blocks = ["\n".join(textwrap.wrap(sentence, width)) for sentence in said]
        if self.asked:
            head = ["", *self.names]
            rows = [[row["what"], *(_cut(v) for v in row["values"])] for row in self.asked]
            blocks.append(_aligned([head, *rows]))
        blocks += [
            self._block(name, one, two) for name in self.names[1:] for one, two in self._pairs(name)
        ]
        return "\n\n".join(blocks)

    @property
    def _result(self) -> str:
        return result(self.names, self.task, self.metrics, self.differences)

    def _pairs(self, name: str) -> list[tuple[str, str]]:
        rows = [r for r in self.differences if r["run"] == name]
        return list(dict.fromkeys((r["base_model"], r["model"]) for r in rows))

    def _block(self, name: str, one: str, two: str) -> str:
        """Figures of a method in the first and in another run, and their difference."""
        first = self.names[0]
        same = one == two
        head = [one if same else "the best of each", first if same else f"{one}, {first}",
                name if same else f"{two}, {name}", f"{name} − {first}", ""]  # fmt: skip
        rows = []
        for row in self.differences:
            metric = row["metric"]
            if (row["run"], row["base_model"], row["model"]) != (name, one, two):
                continue
            if metric in _IN_TEXT and (same or metric == leading(self.task)):
                about = self.metrics[metric]
                title = f"{about['title']} [{about['unit']}]" if about["unit"] else about["title"]
                pair = [self.row(first, one, metric), self.row(name, two, metric)]
                rows.append([title, *(_value(r) for r in pair), *_difference(row)])
        return _aligned([head, *rows])


def _value(row: Row) -> str:
    return plus_minus(row["value"], row["low"], row["high"])


def _difference(row: Row) -> list[str]:
    """The difference with its error, and by how many of them it is not 0."""
    if row["equal"]:
        return ["≈ 0", ""]
    sigma = "" if row["sigma"] is None else f"{row['sigma']:.1f} σ"
    mark = "" if row["told_apart"] else "≈ "
    return [f"{mark}{'+' if (row['value'] or 0) > 0 else ''}{_value(row)}", sigma]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
