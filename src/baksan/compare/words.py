"""Sentences: whether a comparison is fair, and what it found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from baksan.compare.asked import differ
from baksan.compare.difference import leading
from baksan.compare.events import Common
from baksan.compare.runs import Side
from baksan.evaluate import plus_minus
from baksan.report.contents import listed

Row = dict[str, Any]

__all__ = ["fairness", "result", "what_differs"]

_SURE = 2.0
"""So many standard errors make a difference."""


def what_differs(names: Sequence[str], rows: Sequence[Row]) -> str:
    """One sentence on what was asked."""
    of = differ(rows)
    chosen = [what for what in of if what not in ("the versions", "the machine")]
    made = [what for what in of if what not in chosen]
    if chosen:
        return f"{listed(names)} differ in {listed(chosen)}."
    if made:
        return f"{listed(names)} were asked for the same; {listed(made)} differ."
    return f"{listed(names)} were asked for the same, and made with the same versions."


# Fair? --------------------------------------------------------------------------------------------


def fairness(runs: Sequence[Side], common: Common, rows: Sequence[Row]) -> list[str]:
    """Whether like is compared with like: events, folds, weights, groups, a sentence each."""
    told = [*_events(runs, common), *_folds(runs, common)]
    of = differ(rows)
    if len(common) and "the data" in of:
        told.append(
            "The files read are not the same, yet names and answers of these events agree one by"
            " one: they are taken for the same events."
        )
    if len(common) and not _same_weights(runs, common):
        told.append(
            f"The weights of the events differ: here they count as in {runs[0].name}, and figures"
            " of other runs differ from those in their reports."
        )
    if len({run.config.get("compared") is None for run in runs}) > 1:
        streamed = [run.name for run in runs if run.config.get("compared") is not None]
        told.append(
            f"{listed(streamed)} read the events as a stream and compared methods on a sample."
        )
    return [*told, *_groups(runs, common)]


def _events(runs: Sequence[Side], common: Common) -> list[str]:
    if not len(common):
        return [
            f"Not paired: {common.why_not}. The differences include the scatter of the events:"
            " the errors of both runs are added in squares."
        ]
    paired = "differences are paired, and what the events have in common cancels"
    both = "both" if len(runs) == 2 else "all"
    if all(run.evaluation.events == len(common) for run in runs):
        return [f"Fair: {both} runs tested the same {len(common):,} events; {paired}."]
    each = ", ".join(f"{run.name} {run.evaluation.events:,}" for run in runs)
    return [
        f"Fair on the {len(common):,} events that {both} runs tested ({each}); {paired}. Figures of"
        " these events differ from those in the reports."
    ]


def _folds(runs: Sequence[Side], common: Common) -> list[str]:
    shares = [_trained_on(run) for run in runs]
    if len(set(shares)) > 1:
        each = ", ".join(f"{r.name} {100 * s:.0f} %" for r, s in zip(runs, shares, strict=True))
        return [
            f"Models were trained on other shares of the events ({each}): more events make better"
            " models."
        ]
    if not len(common):
        return []
    held = [run.tested["fold"][rows] for run, rows in zip(runs, common.rows, strict=True)]
    same = all(np.array_equal(held[0], other) for other in held[1:])
    if same and all(run.evaluation.events == len(common) for run in runs):
        return []
    return [
        "The training events were drawn in other ways: part of a difference is their draw, which"
        " its error does not hold."
    ]


def _trained_on(run: Side) -> float:
    """The share of the events that a fold is trained on."""
    if run.config.get("test") is not None:
        return 1.0 - float(run.config["test"])
    folds = run.evaluation.folds
    return 1.0 - 1.0 / folds if folds else 1.0


def _same_weights(runs: Sequence[Side], common: Common) -> bool:
    held = [run.tested["weight"][rows] for run, rows in zip(runs, common.rows, strict=True)]
    return all(np.array_equal(held[0], other) for other in held[1:])


def _groups(runs: Sequence[Side], common: Common) -> list[str]:
    """A word where events are grouped and no run kept of which group each is."""
    grouped = any(run.evaluation.groups < run.evaluation.events for run in runs)
    if not (len(common) and grouped) or any("group" in run.tested for run in runs):
        return []
    return [
        "Events belong to groups, which these runs did not keep with their predictions: replicas"
        " draw events, and errors may come out too small."
    ]


# Found --------------------------------------------------------------------------------------------


def result(
    names: Sequence[str], task: str, metrics: dict[str, Row], differences: Sequence[Row]
) -> str:
    """What came out by the leading figure: a sentence for each later run, and for its best."""
    about = metrics[leading(task)]
    told = []
    for name in names[1:]:
        rows = [r for r in differences if r["run"] == name and r["metric"] == leading(task)]
        same = [r for r in rows if r["model"] == r["base_model"]]
        told += [
            _sentence(about, names[0], name, same)
            if same
            else f"No method is in both {names[0]} and {name}."
        ]
        told += [_best(about, names[0], name, r) for r in rows if r not in same]
    return " ".join(told)


def _sentence(about: Row, first: str, name: str, rows: Sequence[Row]) -> str:
    groups: dict[str, list[str]] = {"better": [], "worse": [], "alike": []}
    for row in rows:
        groups[_verdict(about, row)].append(row["model"])
    parts = [
        f"{listed(groups[how])} {'is' if len(groups[how]) == 1 else 'are'} {how} in {name} than in"
        f" {first}"
        for how in ("better", "worse")
        if groups[how]
    ]
    if groups["alike"]:
        between = "" if parts else f" between {first} and {name}"
        parts.append(f"{listed(groups['alike'])} cannot be told apart{between}")
    among = f"Of the {len(rows)} methods in common, by" if len(rows) > 1 else "By"
    return f"{among} {about['title']} and two standard errors, {'; '.join(parts)}."


def _verdict(about: Row, row: Row) -> str:
    """'better', 'worse' or 'alike' in the later run, by two standard errors."""
    if row["value"] is None or not row["told_apart"] or (row["sigma"] or np.inf) < _SURE:
        return "alike"
    return "better" if (row["value"] > 0) == (about["better"] == "higher") else "worse"


def _best(about: Row, first: str, name: str, row: Row) -> str:
    """The best of a later run against the best of the first, where they are two methods."""
    verdict = _verdict(about, row)
    one, two = f"{row['base_model']} of {first}", f"{row['model']} of {name}"
    if verdict == "alike":
        return f"Of the best of each, {one} and {two} cannot be told apart."
    low, high = row["low"], row["high"]
    by = plus_minus(abs(row["value"]), *((low, high) if row["value"] > 0 else (-high, -low)))
    unit = f" {about['unit']}" if about["unit"] else ""
    return f"Of the best of each, {two} is {verdict} than {one}, by {by}{unit} in {about['title']}."
