"""High-energy starting events of IceCube."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from baksan.data.catalogue.entry import Entry, File, github, text_answer
from baksan.data.formats import whole
from baksan.samples import Feature
from baksan.table import Table

__all__ = ["ICECUBE_HESE"]

_REPOSITORY = "icecube/HESE-7-year-data-release"
_FOLDER = "HESE-7-year-data-release/resources/data"
_COLUMNS = (
    Feature("recoDepositedEnergy", "GeV", "energy left in the detector"),
    Feature("recoMorphology", "", "shower 0, track 1, double cascade 2"),
    Feature("recoZenith", "rad", "zenith angle"),
    Feature("recoLength", "m", "distance of the two cascades; missing for other events"),
    Feature("morphology", "", "shower, track or double cascade, from recoMorphology"),
)


def _hese(paths: Sequence[Path], part: str) -> Table:
    table = whole(paths[0])
    names = {0: "shower", 1: "track", 2: "double cascade"}
    return text_answer(table, "recoMorphology", names, "morphology")


ICECUBE_HESE = Entry(
    name="icecube-hese",
    title="IceCube, high-energy starting events of 7.5 years",
    task="exploration",
    folder="icecube-hese-7yr",
    files=(
        File(
            {
                "HESE_data.json": (
                    "e8c66b960f3c54d74d45d4f7c4090c04f5e0b64187ab5bb8d930c84c62e36583"
                )
            },
            github(
                _REPOSITORY, "0ecfc3468f1f", f"{_FOLDER}/HESE_data.json"
            ),
        ),
    ),
    publisher=f"https://github.com/{_REPOSITORY}",
    make=_hese,
    columns=_COLUMNS,
    features={"standard": ("log10(recoDepositedEnergy)", "cos(recoZenith)")},
    forbidden={"recoMorphology": "it is the morphology in other words"},
    citation="R. Abbasi et al. (IceCube), Phys. Rev. D 104 (2021) 022002",
    licence="LGPL 3.0",
    notes=(
        "102 events, of neutrinos and of the atmosphere's muons alike; which is which is known for"
        " none: a fit of spectra, not a training, is what they serve.",
        "The energy is what was left in the detector; a track carries more out of it.",
    ),
)  # fmt: skip
