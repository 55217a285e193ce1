"""The sections of a comparison of runs: what was asked, is it fair, by how much, curves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from baksan.report import plots
from baksan.report.blocks import (
    Block,
    Cell,
    Definitions,
    Gallery,
    Notes,
    Picture,
    Section,
    Table,
    number,
)
from baksan.report.contents import Contents, class_names_of, listed, shown_of
from baksan.report.pictures import MOST_METHODS, bin_columns, roc_alt
from baksan.report.plots.classification import MOST_CLASSES
from baksan.report.plots.style import Series, numbers
from baksan.report.tables import (
    best_first,
    difference_cell,
    explanations,
    figure_cell,
    metric_title,
)

Row = Mapping[str, Any]
Styles = Mapping[str, Series]

__all__ = ["facts", "sections"]

_ACROSS = 2
"""So many later runs stand side by side in a table: more are cut on paper."""
_TELLING = ("auc", "accuracy", "signal_at_0.01", "log_loss", "bias", "resolution", "rmse", "r2")


def facts(contents: Contents) -> list[Cell]:
    """The numbers in the head of the page: runs, methods and events in common."""
    events, common = contents.get("events"), _common(contents)
    found = [Cell(number(len(contents["runs"])), "runs")]
    found.append(Cell(number(len(common)), "method in common" if len(common) == 1 else
                      "methods in common"))  # fmt: skip
    if events:
        found.append(Cell(number(events), "events in common"))
    return found


def sections(contents: Contents) -> list[Section]:
    """All sections that have something to show, in the order of the page."""
    styles = plots.series(_runs(contents))
    made = (
        _asked(contents),
        Section("fair", "Is it fair?", [Notes(contents["notes"], as_list=True)]),
        _leading(contents),
        _methods(contents),
        _alone(contents),
        _roc(contents, styles),
        _calibration(contents, styles),
        _residuals(contents, styles),
        _bins(contents, styles),
        _about(contents),
    )
    return [section for section in made if section.blocks]


# What the contents hold ---------------------------------------------------------------------------


def _runs(contents: Contents) -> list[str]:
    return [str(run["name"]) for run in contents["runs"]]


def _figures(contents: Contents) -> dict[tuple[str, str, str], Row]:
    return {(r["run"], r["model"], r["metric"]): r for r in contents["figures"]}


def _table_of(contents: Contents, run: str) -> dict[str, Any]:
    """The figures of one run as the evaluation that other tables read."""
    rows = [r for r in contents["figures"] if r["run"] == run]
    return {"table": rows, "metrics": contents["metrics"], "task": contents["task"]}


def _common(contents: Contents) -> list[str]:
    """The methods of all runs, in the order of the first."""
    held = [list(run["methods"]) for run in contents["runs"]]
    return [m for m in held[0] if all(m in other for other in held[1:])]


# Tables -------------------------------------------------------------------------------------------


def _asked(contents: Contents) -> Section:
    rows, runs = contents["asked"], _runs(contents)
    if not rows:
        same = "Nothing differs in what was asked, nor in what the runs were made with."
        return Section("asked", "What was asked", [Notes([same])])
    head = [Cell("setting"), *map(Cell, runs)]
    body = [[Cell(str(r["what"])), *(Cell(str(v)) for v in r["values"])] for r in rows]
    table = Table("What is not the same in all runs", head, body)
    return Section("asked", "What was asked", [table])


def _leading(contents: Contents) -> Section:
    """All methods in common, and the best of each run, by the figure that ranks them."""
    runs, figures = _runs(contents), _figures(contents)
    metric = contents["leading"]
    rows = [r for r in contents["differences"] if r["metric"] == metric]
    if not rows:
        return Section("leading", "By how much", [])
    title = metric_title(contents, metric)
    head = [Cell("method"), Cell(runs[0], is_number=True)]
    several = len(runs) > 2
    head += [Cell("against")] if several else []
    head += [Cell(text, is_number=True) for text in
             ("later run" if several else runs[1], "difference", "σ")]  # fmt: skip
    body = []
    for r in rows:
        one, two = (figures[k] for k in _ends(r))
        against = [Cell(r["run"])] if several else []
        body.append([Cell(_pair_name(r)), figure_cell(_bare(one)), *against,
                     figure_cell(_bare(two)), *_difference(r, one, two)])  # fmt: skip
    blocks: list[Block] = [Table(f"{title}, method by method", head, body)]
    return Section("leading", "By how much", [*blocks, Notes([_how_to_read(contents)])])


def _ends(r: Row) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    return (r["base"], r["base_model"], r["metric"]), (r["run"], r["model"], r["metric"])


def _pair_name(r: Row) -> str:
    same = r["model"] == r["base_model"]
    return str(r["model"]) if same else f"the best: {r['base_model']}, {r['model']}"


def _bare(row: Row) -> Row:
    """A figure without its spread over folds, which runs may have dealt in other ways."""
    return {**row, "fold_spread": None, "counts": None}


def _difference(r: Row, one: Row, two: Row) -> list[Cell]:
    """The difference with its interval, and by how many of its errors it is not 0."""
    cell = difference_cell((r["value"], r["low"], r["high"]), one, two)
    sigma = r.get("sigma")
    return [cell, Cell("–" if sigma is None or r.get("equal") else f"{sigma:.1f}", is_number=True)]


def _how_to_read(contents: Contents) -> str:
    first, replicas = _runs(contents)[0], contents.get("replicas")
    errors = (
        f"its 68 % interval from {number(replicas)} bootstrap replicas that both runs see"
        if replicas
        else "its 68 % interval, in which the errors of both runs are added in squares"
    )
    trials = len(contents["differences"])
    return (
        f"Differences are those from {first}; below each, {errors}. σ is the difference over its"
        " error; ≈ where the interval holds 0. Of"
        f" {number(trials)} differences on this page, about {number(round(0.32 * trials))} lie"
        " beyond 1 σ by chance alone, were nothing different."
    )


def _methods(contents: Contents) -> Section:
    """Every figure of each method in common, one table a method."""
    runs = _runs(contents)
    blocks: list[Block] = [
        _method_table(contents, model, runs[k : k + _ACROSS])
        for model in _common(contents)
        for k in range(1, len(runs), _ACROSS)
    ]
    if blocks and (meaning := explanations(_table_of(contents, runs[0]))):
        blocks.append(meaning)
    return Section("figures", "All figures of the methods in common", blocks)


def _method_table(contents: Contents, model: str, later: Sequence[str]) -> Table:
    """The first run and these later ones, each with its difference."""
    runs, figures = _runs(contents), _figures(contents)
    found = {(r["run"], r["metric"]): r for r in contents["differences"]
             if r["model"] == r["base_model"] == model}  # fmt: skip
    head = [Cell("figure"), Cell(runs[0], is_number=True)]
    for run in later:
        head += [Cell(run, is_number=True), Cell("difference", is_number=True),
                 Cell("σ", is_number=True)]  # fmt: skip
    body = []
    for metric in contents["metrics"]:
        first = figures[runs[0], model, metric]
        row = [Cell(metric_title(contents, metric)), figure_cell(_bare(first))]
        for run in later:
            own = figures[run, model, metric]
            row += [figure_cell(_bare(own)), *_difference(found[run, metric], first, own)]
        body.append(row)
    among = f" in {listed(later)}" if len(runs) > 1 + _ACROSS else ""
    return Table(f"{model}{among}", head, body)


def _alone(contents: Contents) -> Section:
    """The methods that are not in all runs, by the figures that tell most."""
    common, figures = _common(contents), _figures(contents)
    shown = [m for m in contents["metrics"] if m in _TELLING]
    head = [Cell("method"), Cell("run"), *(Cell(metric_title(contents, m), is_number=True)
                                           for m in shown)]  # fmt: skip
    body = [
        [Cell(model), Cell(str(run["name"])),
         *(figure_cell(_bare(figures[run["name"], model, m])) for m in shown)]
        for run in contents["runs"] for model in run["methods"] if model not in common
    ]  # fmt: skip
    table = Table("Methods that are not in all runs", head, body)
    return Section("alone", "Other methods", [table] if body else [])


def _about(contents: Contents) -> Section:
    titles = {"folder": "Folder", "created": "Created", "command": "Command",
              "baksan": "baksan", "tested": "Events tested", "methods": "Methods"}  # fmt: skip
    blocks: list[Block] = []
    for run in contents["runs"]:
        told = {**run, "tested": number(run["tested"]), "methods": listed(run["methods"])}
        entries = [(title, str(told[k])) for k, title in titles.items() if told.get(k)]
        blocks.append(Definitions(entries, title=str(run["name"])))
    return Section("runs", "The runs", blocks)


# Curves on each other -----------------------------------------------------------------------------


def _overlaid(contents: Contents) -> dict[str, dict[str, tuple[str, str]]]:
    """Panels by title: of each curve its label, and the run and method that it is of.

    A panel for each of the best methods in common; one panel of all methods where there are none.
    """
    runs, common = _runs(contents), _common(contents)
    best = best_first(_table_of(contents, runs[0]), common)[:MOST_METHODS]
    if best:
        return {m: {run: (run, m) for run in runs} for m in common if m in best}
    every = [(str(run["name"]), m) for run in contents["runs"] for m in run["methods"]]
    return {"": {f"{m}, {run}": (run, m) for run, m in every[: 2 * MOST_METHODS]}}


def _gallery(
    contents: Contents,
    styles: Styles,
    curves_of: Callable[[str, str], Any],
    draw: Callable[[dict[str, Any], Styles, str], Figure],
    say: Callable[[str, dict[str, Any]], str],
) -> Iterator[Picture]:
    """A picture for each panel whose curves exist."""
    for title, curves in _overlaid(contents).items():
        held = {label: curves_of(run, m) for label, (run, m) in curves.items()}
        held = {label: curve for label, curve in held.items() if curve}
        if held:
            looks = styles if title else plots.series(held)
            yield Picture(draw(held, looks, title), say(title or "all methods", held), title)


def _shown(contents: Contents, pictures: Sequence[Picture]) -> str:
    common = _common(contents)
    return shown_of(pictures, common, "methods in common") if common else ""  # type: ignore[arg-type]


def _roc(contents: Contents, styles: Styles) -> Section:
    classes, runs, common = class_names_of(contents), _runs(contents), _common(contents)
    if not classes:
        return Section("roc", "ROC", [])
    caption = (
        "How much signal is kept (upwards) when this share of background passes (leftwards is"
        " purer); bands hold 68 % of the bootstrap replicas. Curves on each other take turns in"
        " their dashes."
    )
    if len(classes) == 2:
        pictures = list(_gallery(
            contents, styles, lambda run, m: contents["curves"][run][m]["roc"][0],
            lambda held, looks, title: plots.roc(held, looks, title, narrow=True), roc_alt,
        ))  # fmt: skip
        caption += _shown(contents, pictures)
    else:
        best = best_first(_table_of(contents, runs[0]), common)[:1]
        pictures = [
            _roc_of_class(contents, styles, best[0], k)
            for k in range(min(len(classes), MOST_CLASSES)) if best
        ]  # fmt: skip
        caption += " One panel a class, taken as signal against all others" + (
            f"; the method is {best[0]}." if best else "."
        )
    return Section("roc", "ROC", [Gallery(pictures, caption)] if pictures else [])


def _roc_of_class(contents: Contents, styles: Styles, model: str, k: int) -> Picture:
    held = {run: contents["curves"][run][model]["roc"][k] for run in _runs(contents)}
    name = str(class_names_of(contents)[k])
    return Picture(plots.roc(held, styles, name, narrow=True), roc_alt(name, held), name)


def _calibration(contents: Contents, styles: Styles) -> Section:
    if not class_names_of(contents):
        return Section("calibration", "Calibration", [])

    def say(name: str, held: dict[str, Any]) -> str:
        gaps = [
            f"{label} {np.nanmax(np.abs(numbers(c['observed']) - numbers(c['predicted']))):.2f}"
            for label, c in held.items()
        ]
        return f"Calibration of {name}. Largest gap: {', '.join(gaps)}."

    pictures = list(_gallery(
        contents, styles, lambda run, m: contents["curves"][run][m].get("calibration"),
        lambda held, looks, title: plots.calibration(held, looks, title, narrow=True), say,
    ))  # fmt: skip
    caption = (
        "What the probabilities promise against what happens, bin by bin; below the diagonal a"
        " model promises too much. Of points on each other all but one are hollow."
    )
    return Section("calibration", "Calibration", [Gallery(pictures, caption)] if pictures else [])


def _residuals(contents: Contents, styles: Styles) -> Section:
    held = contents.get("residuals") or {}
    answer = contents.get("answer") or {}
    unit, name = str(answer.get("unit") or ""), str(answer.get("name") or "answer")
    pictures = list(_gallery(
        contents, styles, lambda run, m: (held.get(m) or {}).get(run),
        lambda parts, looks, title: plots.residual_shapes(parts, unit, name, title, looks),
        lambda title, parts: f"Histograms of prediction − {name} of {title} in {listed(parts)}.",
    )) if held else []  # fmt: skip
    caption = (
        "Prediction minus answer, each histogram of area 1; the end bins hold what lies beyond."
        " Narrower about 0 is better." + (_shown(contents, pictures) if pictures else "")
    )
    return Section("residuals", "Residuals", [Gallery(pictures, caption)] if pictures else [])


def _bins(contents: Contents, styles: Styles) -> Section:
    """Figures in bins, where all runs have them in bins of one variable."""
    bins = [contents["bins"].get(run) for run in _runs(contents)]
    if not all(bins) or len({b["name"] for b in bins}) > 1:
        return Section("bins", "Figures of merit in bins", [])
    label = f"{bins[0]['name']} [{bins[0]['unit']}]" if bins[0]["unit"] else bins[0]["name"]
    pictures: list[Picture] = []
    for metric in dict.fromkeys(r["metric"] for r in bins[0]["rows"]):
        title = metric_title(contents, metric)
        pictures += _gallery(
            contents, styles, partial(_in_bins, contents, metric),
            partial(_merit_in_bins, label, title),
            partial(_said_in_bins, label, title),
        )  # fmt: skip
    caption = (
        f"Each figure of merit in bins of {bins[0]['name']}, with 68 % bootstrap intervals. Points"
        " of different runs stand a little apart."
    )
    return Section(
        "bins", f"Figures of merit in bins of {bins[0]['name']}", [Gallery(pictures, caption)]
    )


def _merit_in_bins(x: str, y: str, held: Row, looks: Styles, title: str) -> Figure:
    return plots.merit_in_bins(held, x, y, looks, title)


def _said_in_bins(x: str, y: str, title: str, held: Row) -> str:
    return f"{y} of {title} in bins of {x} for {listed(held)}."


def _in_bins(contents: Contents, metric: str, run: str, model: str) -> dict[str, Any] | None:
    bins = contents["bins"][run]
    rows = [r for r in bins["rows"]
            if (r["model"], r["metric"]) == (model, metric) and r["value"] is not None]  # fmt: skip
    return bin_columns(rows, numbers(bins["edges"])) if rows else None
