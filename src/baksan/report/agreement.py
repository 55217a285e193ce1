"""The sections of the page of an agreement: the verdict, inputs, the classifier, weights."""

from __future__ import annotations

from baksan.report import plots
from baksan.report.blocks import (
    Cell,
    Definitions,
    Gallery,
    Picture,
    Section,
    Table,
    number,
)
from baksan.report.contents import Contents

__all__ = ["facts", "sections"]


def facts(contents: Contents) -> list[Cell]:
    """The numbers in the head of the page."""
    simulated, measured = contents["events"]
    auc, error = contents["auc"]
    return [
        Cell(number(simulated), "simulated events"),
        Cell(number(measured), "measured events"),
        Cell(f"{auc:.3f} ± {error:.3f}", "AUC of data against simulation"),
    ]


def sections(contents: Contents) -> list[Section]:
    """All sections, in the order of the page."""
    return [_inputs(contents), _pictures(contents), _classifier(contents), _weights(contents)]


def _inputs(contents: Contents) -> Section:
    head = ("input", "KS distance", "p", "shift", "width")
    rows = [
        [
            Cell(f"{row['name']} [{row['unit']}]" if row["unit"] else row["name"]),
            *(Cell(number(row[k], 3), is_number=True) for k in ("distance", "p", "shift", "width")),
        ]
        for row in contents["inputs"]
    ]
    notes = (
        "KS distance: the largest difference of the two cumulative distributions; p: how often"
        " chance alone makes it as large. Shift: by how much the median of the data is larger, in"
        " units of the simulation's spread (half its central 68 %); width: spread of the data over"
        " that of the simulation.",
    )
    table = Table("How the inputs differ", [Cell(one) for one in head], rows, notes)
    return Section("inputs", "Input by input", [table])


def _pictures(contents: Contents) -> Section:
    held = contents["histograms"]
    pictures = [
        Picture(
            plots.data_over_simulation(
                one, f"{one['name']} [{one['unit']}]" if one["unit"] else one["name"]
            ),
            f"{one['name']} in data and simulation, and their ratio.", one["name"],
        )
        for one in held
    ]  # fmt: skip
    count, of = len(held), len(contents["inputs"])
    caption = (
        "Points: data; lines: the simulation as it is, and with the weights of below, both scaled"
        " to the data. Under each the ratio data/simulation with the errors of both; end bins hold"
        f" what lies beyond. {'The worst' if count < of else 'All'} {count} of {of} inputs."
    )
    return Section("histograms", "Data over simulation", [Gallery(pictures, caption)])


def _classifier(contents: Contents) -> Section:
    auc, error = contents["auc"]
    picture = Picture(
        plots.data_over_simulation(contents["score"], "P(data | inputs)"),
        "The score of the classifier for data and simulation, and their ratio.",
        "What the classifier says of events that it was not trained on. If nothing tells data from"
        " simulation, both pile up at 0.5; where the ratio rises, data are unlike the simulation.",
    )
    rows = [
        [Cell(name), Cell(number(fall, 2), is_number=True)] for name, fall in contents["importance"]
    ]
    table = Table("What it goes by", [Cell("input"), Cell("fall of the AUC when shuffled")], rows)
    lead = f"Boosted trees tell data from simulation with AUC {auc:.3f} ± {error:.3f}; 0.5 is"
    return Section("classifier", "All inputs together", [picture, table], f"{lead} guessing.")


def _weights(contents: Contents) -> Section:
    held = contents["weighted"]
    (auc, error), of = held["auc"], number(contents["events"][0])
    entries = [
        ("AUC with weights", f"{auc:.3f} ± {error:.3f}"),
        (
            "Events in effect",
            f"{number(round(held['effective']))} of {of}",
        ),
        ("Largest weight", number(held["largest"], 3)),
        ("Weights that were cut", number(held["cut"])),
    ]
    lead = (
        "Weights p/(1 − p) of what the classifier says bring the simulation to the data, as far as"
        " it holds such events. They mend another spectrum or mixture; they do not mend an input"
        " whose relation to the answer has changed."
    )
    return Section("weights", "With weights", [Definitions(entries)], lead)
