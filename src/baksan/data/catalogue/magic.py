"""MAGIC: gamma or hadron, of one imaging air Cherenkov telescope."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from baksan.data.catalogue.entry import Entry, File, text_answer
from baksan.data.formats import whole
from baksan.samples import Feature
from baksan.table import Table

__all__ = ["MAGIC"]

_UCI = "https://archive.ics.uci.edu"
_HILLAS = (
    Feature("fLength", "mm", "major axis of the image ellipse"),
    Feature("fWidth", "mm", "minor axis of the image ellipse"),
    Feature("fSize", "", "log10 of the sum of all pixels, in photons"),
    Feature("fConc", "", "share of the two brightest pixels in the sum"),
    Feature("fConc1", "", "share of the brightest pixel in the sum"),
    Feature("fAsym", "mm", "distance from the brightest pixel to the centre along the major axis"),
    Feature("fM3Long", "mm", "third root of the third moment along the major axis"),
    Feature("fM3Trans", "mm", "third root of the third moment along the minor axis"),
    Feature("fAlpha", "deg", "angle of the major axis with the line to the camera's centre"),
    Feature("fDist", "mm", "distance from the camera's centre to the centre of the ellipse"),
)


def _magic(paths: Sequence[Path], part: str) -> Table:
    names = [f.name for f in _HILLAS]
    table = whole(paths[0], names=[*names, "class"])
    table = text_answer(table, "class", {"g": "gamma", "h": "hadron"}, "class")
    _, group = np.unique(table.matrix(names), axis=0, return_inverse=True)
    return table.with_columns({"group": group.ravel()})


MAGIC = Entry(
    name="magic",
    title="MAGIC gamma telescope: image parameters of simulated showers, gamma or hadron",
    task="classification",
    folder="magic-gamma-telescope",
    files=(
        File(
            {"magic04.data": "e9314b7ebd4b4b59a3b3d65f7316663963777b16a46786877651dbbaa640b36a"},
            (
                f"{_UCI}/static/public/159/magic+gamma+telescope.zip",
                f"{_UCI}/ml/machine-learning-databases/magic/magic04.data",
            ),
        ),
    ),
    publisher=f"{_UCI}/dataset/159/magic+gamma+telescope",
    make=_magic,
    columns=(*_HILLAS, Feature("class", "", "what started the shower")),
    features={"standard": tuple(f.name for f in _HILLAS)},
    answer="class",
    class_names=("hadron", "gamma"),
    group="group",
    group_rule="rows with the same ten features share a group (115 rows occur more than once)",
    citation=(
        "R. Bock, MAGIC Gamma Telescope, UCI Machine Learning Repository (2007),"
        " doi:10.24432/C52C8B; R. K. Bock et al., Nucl. Instrum. Meth. A 516 (2004) 511"
    ),
    licence="CC BY 4.0",
    notes=(
        "Hadrons are under-represented on purpose: read the ROC curve at hadron acceptance 0.01,"
        " 0.02, 0.05, 0.1 and 0.2, not the accuracy.",
    ),
)
