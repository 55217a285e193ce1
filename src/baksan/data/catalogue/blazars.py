"""Fermi-LAT blazars of the fourth catalogue: BL Lac or FSRQ, and those of uncertain type."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from baksan.data.catalogue.entry import Entry, File, github, text_answer
from baksan.data.formats import whole
from baksan.samples import Feature
from baksan.table import Table

__all__ = ["FERMI_BLAZARS"]

_FLUX, _ENERGY_FLUX, _DENSITY = "ph cm-2 s-1", "erg cm-2 s-1", "ph cm-2 MeV-1 s-1"
_BANDS = (
    "50 to 100 MeV", "100 to 300 MeV", "300 MeV to 1 GeV", "1 to 3 GeV", "3 to 10 GeV",
    "10 to 30 GeV", "30 to 300 GeV",
)  # fmt: skip
_MODELS = {"PL": "power law", "LP": "log-parabola", "PLEC": "power law with cut-off"}
_COLUMNS = (
    *(Feature(f"{m}_Index", "", f"{what}: photon index") for m, what in _MODELS.items()),
    *(
        Feature(f"{m}_Flux_Density", _DENSITY, f"{what}: flux density at the pivot energy")
        for m, what in _MODELS.items()
    ),
    Feature("Pivot_Energy", "MeV", "energy at which the error of the flux density is least"),
    Feature("LP_beta", "", "log-parabola: curvature"),
    Feature("LP_SigCurv", "", "significance of the log-parabola over the power law, in sigma"),
    Feature("PLEC_Expfactor", "", "power law with cut-off: factor in the exponent"),
    Feature("PLEC_SigCurv", "", "significance of the cut-off over the power law, in sigma"),
    Feature("Flux1000", _FLUX, "photon flux from 1 to 100 GeV"),
    Feature("Energy_Flux100", _ENERGY_FLUX, "energy flux from 100 MeV to 100 GeV"),
    Feature("Signif_Avg", "", "significance of the source, in sigma"),
    Feature("Npred", "", "predicted number of photons"),
    Feature("Variability_Index", "", "how surely the flux varies from year to year"),
    Feature("Frac_Variability", "", "by which part of itself the flux varies from year to year"),
    Feature("Variability2_Index", "", "how surely the flux varies in steps of two months"),
    Feature("Frac2_Variability", "", "by which part the flux varies in steps of two months"),
    *(Feature(f"Flux_Band{j}", _FLUX, f"photon flux, {b}") for j, b in enumerate(_BANDS, 1)),
    *(
        Feature(f"nuFnu_Band{j}", _ENERGY_FLUX, f"energy flux, νFν, {b}")
        for j, b in enumerate(_BANDS, 1)
    ),
)
# Logarithms, because fluxes span decades; ratios of bands, because they are the spectrum's shape.
_STANDARD = (
    "PL_Index", "LP_Index", "LP_beta", "PLEC_Index", "LP_SigCurv", "PLEC_SigCurv",
    "log10(Pivot_Energy)", "log10(PL_Flux_Density)", "log10(Flux1000)", "log10(Energy_Flux100)",
    "log10(Signif_Avg)", "log10(Npred)", "log10(Variability_Index)", "Frac_Variability",
    "log10(Variability2_Index)", "Frac2_Variability",
    *(
        f"HR{a}{b} = (nuFnu_Band{b} - nuFnu_Band{a}) / (nuFnu_Band{b} + nuFnu_Band{a})"
        for a, b in pairwise(range(1, len(_BANDS) + 1))
    ),
)  # fmt: skip
_REPOSITORY = "ksj7924/Kang2019ApJRcode"


def _file(kind: str, part: str, sha256: str) -> File:
    name = f"gll_psc_v20_select_Col_38_order_{kind}.csv"
    return File({name: sha256}, github(_REPOSITORY, "b8ceed1a9186", name), part)


def _blazars(paths: Sequence[Path], part: str) -> Table:
    table = whole(paths[0])
    if part == "bcu":
        return table
    return text_answer(table, "CLASS1", {"bll": "BL Lac", "fsrq": "FSRQ"}, "type")


FERMI_BLAZARS = Entry(
    name="fermi-blazars",
    title="Fermi-LAT blazars of the fourth source catalogue (8 years): BL Lac or FSRQ",
    task="classification",
    folder="fermi-4fgl-blazars",
    files=(
        _file(
            "bll_fsrq_1825", "labelled",
            "4fe8faf8fc99ddf800ebf63aa04b87201f619fdc4f059d7bf97fb4a926acb28a",
        ),
        _file(
            "bcu_1312", "bcu", "82e1a8a798ca2cb5236fa2e501d058a1bb489f78af163c36f1c62c48fa22a4f7"
        ),
    ),
    publisher=f"https://github.com/{_REPOSITORY}",
    make=_blazars,
    columns=_COLUMNS,
    features={"standard": _STANDARD, "authors": tuple(f.name for f in _COLUMNS)},
    answer="type",
    class_names=("BL Lac", "FSRQ"),
    id="Source_Name",
    forbidden={
        "row": "it numbers the sources, by their position",
        "Source_Name": "it holds the position",
        "CLASS1": "it is the answer in other words",
        "ASSOC*": "it names the counterpart",
        "PLEC_Exp_Index": "it was left free for the brightest sources only",
    },
    parts={
        "labelled": "1,131 BL Lac objects and 694 flat-spectrum radio quasars (FSRQ)",
        "bcu": "1,312 blazars of uncertain type, to be predicted",
    },
    citation=(
        "S.-J. Kang et al., Astrophys. J. 887 (2019) 134, doi:10.5281/zenodo.3532199;"
        " S. Abdollahi et al. (Fermi-LAT), Astrophys. J. Suppl. 247 (2020) 33"
    ),
    licence="BSD 2-Clause",
    notes=(
        "Blazars of uncertain type are fainter than labelled ones (median significance 7 against"
        " 13 sigma): a figure of merit measured on the latter is not guaranteed for the former.",
        "In bands where a source is not seen the flux is a fit at its bound, down to 1e-26"
        " erg cm-2 s-1; a hardness ratio is then 1 or -1.",
    ),
)  # fmt: skip
