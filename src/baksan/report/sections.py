"""From contents to sections: what the report says, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baksan.report import pictures, plots
from baksan.report.blocks import (
    Block,
    Cell,
    Definitions,
    Notes,
    Section,
    flat,
    number,
    text_of,
)
from baksan.report.certainty import certainty
from baksan.report.contents import Contents, evaluation_of, models_of
from baksan.report.tables import (
    differences_table,
    explanations,
    feature_table,
    methods_table,
    models_tables,
)

__all__ = ["facts", "sections"]

_WIDE_CLASSES = 5


def facts(contents: Contents) -> list[Cell]:
    """The numbers in the head of the page: events, classes, features, models."""
    data, evaluation = contents.get("data") or {}, contents.get("evaluation") or {}
    found = [Cell(number(data["rows"]), "events")] if data.get("rows") else []
    if not found and evaluation.get("events"):
        found.append(Cell(number(evaluation["events"]), "events"))
    counts = data.get("class_counts") or {}
    if len(counts) > _WIDE_CLASSES:
        found.append(Cell(number(len(counts)), "classes"))
    else:
        found += [Cell(number(n), str(name)) for name, n in counts.items()]
    effective = data.get("effective_events") or evaluation.get("effective_events")
    if effective and data.get("rows") and effective < 0.999 * data["rows"]:
        found.append(Cell(number(round(effective)), "effective events"))
    if data.get("features"):
        found.append(Cell(number(len(data["features"])), "features"))
    if models := models_of(contents):
        found.append(Cell(number(len(models)), "models" if len(models) > 1 else "model"))
    return found


def sections(contents: Contents) -> list[Section]:
    """All sections that have something to show, in the order of the page."""
    styles = plots.series(models_of(contents))
    made = (
        _compared(contents),
        _differences(contents),
        _methods(contents),
        pictures.descent(contents, styles),
        pictures.step_sizes(contents),
        pictures.scores(contents),
        pictures.roc(contents, styles),
        pictures.calibration(contents, styles),
        pictures.confusion(contents),
        pictures.residuals(contents, styles),
        pictures.misses(contents, styles),
        pictures.merit_in_bins(contents, styles),
        certainty(contents, styles),
        pictures.importance(contents, styles),
        pictures.weights(contents, styles),
        pictures.inputs(contents),
        _data(contents),
        _left_out(contents),
        _provenance(contents),
    )
    return [section for section in made if section.blocks]


# Tables -------------------------------------------------------------------------------------------


def _compared(contents: Contents) -> Section:
    evaluation = evaluation_of(contents)
    blocks: list[Block] = []
    if evaluation.get("table"):
        blocks += models_tables(evaluation)
        if meaning := explanations(evaluation):
            blocks.append(meaning)
    lead = ""
    if folds := evaluation.get("folds"):
        lead = f"All values are for events that the model had not seen: {folds} folds, pooled."
    return Section("models", "Models compared", blocks, lead)


def _differences(contents: Contents) -> Section:
    table = differences_table(evaluation_of(contents))
    return Section("differences", "Paired differences", [table] if table else [])


def _methods(contents: Contents) -> Section:
    methods = contents.get("methods")
    return Section("methods", "Methods and settings", [methods_table(methods)] if methods else [])


# The data and where it comes from -----------------------------------------------------------------


def _data(contents: Contents) -> Section:
    data, evaluation = contents.get("data") or {}, evaluation_of(contents)
    titles = {
        "name": "Name", "source": "Source", "rows": "Events", "class_counts": "Classes",
        "answer": "Answer", "weight_name": "Weights", "effective_events": "Effective events",
        "group_name": "Groups", "group_rule": "Kept together", "id": "Names of events",
        "citation": "Citation", "licence": "Licence",
    }  # fmt: skip
    told = {**data, **_words_of(data, evaluation)} if data else {}
    entries = [(title, _told(told[k])) for k, title in titles.items() if told.get(k)]
    blocks: list[Block] = [Definitions(entries)] if entries else []
    if data.get("features"):
        blocks.append(feature_table(data["features"]))
    return Section("data", "The data", blocks)


def _words_of(data: Contents, evaluation: Contents) -> dict[str, Any]:
    """Answer, weights and groups as one reads them."""
    answer = data.get("answer") or evaluation.get("answer") or {}
    unit = f" [{answer['unit']}]" if answer.get("unit") else ""
    weight, mean = data.get("weight_name"), data.get("weight_mean")
    groups = data.get("group_count")  # those of the evaluation are of the tested events alone
    grouped = groups and groups < (data.get("rows") or evaluation.get("events") or 0)
    name = f" by {data['group_name']}" if data.get("group_name") else ""
    effective = data.get("effective_events")
    return {
        "answer": f"{answer['name']}{unit}" if answer.get("name") else "",
        "weight_name": f"{weight}, mean {number(mean)}" if weight and mean is not None else weight,
        "group_name": f"{number(groups)}{name}" if grouped else data.get("group_name"),
        "effective_events": effective and round(effective),
    }


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        # Names that are numbers themselves are no nouns to count.
        of = " of" if any(str(name)[:1].isdigit() for name in value) else ""
        return ", ".join(f"{number(n)}{of} {name}" for name, n in value.items())
    return number(value) if isinstance(value, int | float) else text_of(value)


def _left_out(contents: Contents) -> Section:
    lines = [str(line) for line in (contents.get("data") or {}).get("left_out") or ()]
    blocks: list[Block] = [Notes(lines, as_list=True)] if lines else []
    return Section("left-out", "What was left out", blocks)


def _provenance(contents: Contents) -> Section:
    entries = list(flat(contents.get("provenance") or {}))
    blocks: list[Block] = [Definitions(entries)] if entries else []
    return Section(
        "provenance", "Provenance", blocks,
        "What was run, on what, with which versions: enough to do it again.",
    )  # fmt: skip
