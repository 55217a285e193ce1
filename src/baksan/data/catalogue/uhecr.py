"""Which particle started an ultra-high-energy shower."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from baksan.data.catalogue.entry import Entry, File, github, text_answer
from baksan.data.columns import ReadError
from baksan.data.formats import joined, whole
from baksan.samples import Feature
from baksan.table import Table

__all__ = ["UHECR"]

_REPOSITORY = "aguillenATC/Entropy-CompositionClassificationUHECR"
_PRIMARIES = ("photon", "proton", "helium", "nitrogen", "iron")
_GROUND = (
    Feature("id", "", "number of the shower; the last digit is the class"),
    Feature("NALL", "", "all particles at ground"),
    Feature("MU", "", "muons at ground"),
    Feature("EL", "", "electrons, positrons and photons at ground"),
    Feature("Xmax", "g/cm2", "depth of the shower maximum; missing where the fit failed"),
    Feature("zenith", "deg", "zenith angle"),
    Feature("energy", "EeV", "energy of the primary particle"),
    Feature("Zfirst", "", "altitude of the first interaction (metres, by its size)"),
    Feature("class", "", "photon 0, proton 1, helium 2, nitrogen 3, iron 4"),
)
_UHECR_SHA = {
    "photon": "afd161f83a5a253f8ff1b063ad67beffe5873848e78a57e3deeb90966089f2e8"
    " 6389ff185f54fcf32a01ad69af403834184e24f022d3faaa18ef71bd3b93884b",
    "proton": "dc03eeabc98388cbf0be797763ed0050a362cdeb7e78d764d7d6e22364872148"
    " 55d7b9e8d46278c1fcc742b1fcf622552f64b952e73a979c57240fc9f32b7747",
    "helium": "e7a98907459804ba2d9cf71155d99ac56d6f9e89b4c0fb97d4369a62f79d8cd8"
    " efb9597354bca136a5d9c09fbb6a00075a6f3982772d229ef7e9310d01110c45",
    "nitrogen": "a5987e1c9473b05896aa3fb05f9fc676e8fc8a9a9ff86dc2776a85eabc2f13d0"
    " 3133a2e6d52113d4c2818421c42eaabc39e5ba2a15f94d6ca34b029f24a2a4db",
    "iron": "ca0e2b5afd63e0ad2f2f600d9dc09106f600000470580f3bb4c6c423dac0685b"
    " 8c4bfbaf2e6e86465d89d5f922c6d11587b7bb453891ed4d3ad92c7a1ccc657d",
}


def _uhecr_file(primary: str) -> File:
    """The published file, or its first 10,000 rows."""
    stem = f"QGSJet-{primary}-NPaticlesTotal"
    whole, cut = _UHECR_SHA[primary].split()
    return File(
        {f"{stem}.txt": whole, f"{stem}.first10000.txt": cut},
        github(_REPOSITORY, "36a6a98418be", f"data/{stem}.txt"),
    )


def _uhecr(paths: Sequence[Path], part: str) -> Table:
    table = joined([whole(p, names=[f.name for f in _GROUND]) for p in paths])
    table = text_answer(table, "class", dict(enumerate(_PRIMARIES)), "primary")
    depth = np.asarray(table["Xmax"], dtype=float)
    failed = ~((depth > 0) & (depth <= 2000))
    group = np.asarray(table["id"]).astype(np.int64) // 10
    pairs = np.unique(np.column_stack([group, np.asarray(table["class"]).astype(np.int64)]), axis=0)
    if len(pairs) < len(table):
        raise ReadError(
            f"{table.source}: one shower of each primary is needed for each geometry (id // 10);"
            " some occur twice. Use the published files."
        )
    return table.with_columns(
        {"Xmax": np.where(failed, np.nan, depth), "group": group},
        f"{int(failed.sum())} failed fits of Xmax (not in 0 … 2000 g/cm2) became missing values.",
    )


UHECR = Entry(
    name="uhecr-composition",
    title="Which particle started an ultra-high-energy shower, from quantities at ground",
    task="classification",
    folder="uhecr-composition-corsika",
    files=tuple(_uhecr_file(primary) for primary in _PRIMARIES),
    publisher=f"https://github.com/{_REPOSITORY}",
    make=_uhecr,
    columns=_GROUND,
    # Logarithms, because the counts span seven decades; per energy, because the differences between
    # the primaries are small beside the growth of every count with energy.
    features={
        "five": (
            "log10(NALL/energy)", "log10(MU/energy)", "log10(EL/energy)", "zenith",
            "log10(energy)",
        ),
        "three": ("log10(MU/energy)", "zenith", "log10(energy)"),
    },
    answer="primary",
    class_names=_PRIMARIES,
    group="group",
    group_rule="id // 10: one shower geometry, once in each of the five files",
    id="id",
    forbidden={
        "id": "its last digit is the class",
        "class": "it is the answer in other words",
        "Zfirst": "only a simulation knows it",
    },
    citation="L. J. Herrera et al., Entropy 22 (2020) 998, doi:10.3390/e22090998",
    licence="none stated; companion data of an open-access article",
    notes=(
        "The energy is the simulated one: a measured energy would carry an error.",
        "The published description gives the energy in GeV; its values, 1 to 316, are EeV.",
    ),
)  # fmt: skip
