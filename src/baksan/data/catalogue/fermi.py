"""Fermi-LAT, the third and the fourth source catalogue: AGN or pulsar."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from baksan.data.catalogue.entry import Entry, File, github
from baksan.data.formats import whole
from baksan.samples import Feature
from baksan.table import Column, Table

__all__ = ["FERMI_3FGL", "FERMI_4FGL"]

# Both ---------------------------------------------------------------------------------------------

# Class codes of Abdollahi et al. 2020, table 7, in lower case (capitals: identified).
_AGN = ("agn", "bcu", "bll", "css", "fsrq", "nlsy1", "rdg", "sey", "ssrq")
_PULSARS = ("psr",)
_FLUX, _ENERGY_FLUX, _DENSITY = "ph cm-2 s-1", "erg cm-2 s-1", "ph cm-2 MeV-1 s-1"
_SPECTRUM = (
    Feature("Signif_Avg", "", "significance of the source from 50 MeV to 1 TeV, in sigma"),
    Feature("Pivot_Energy", "MeV", "energy at which the error of the flux density is least"),
    Feature("Flux1000", _FLUX, "photon flux from 1 to 100 GeV"),
    Feature("Energy_Flux100", _ENERGY_FLUX, "energy flux from 100 MeV to 100 GeV"),
    Feature("PL_Flux_Density", _DENSITY, "power law: flux density at the pivot energy"),
    Feature("PL_Index", "", "power law: photon index"),
    Feature("LP_Flux_Density", _DENSITY, "log-parabola: flux density at the pivot energy"),
    Feature("LP_Index", "", "log-parabola: photon index at the pivot energy"),
    Feature("LP_beta", "", "log-parabola: curvature"),
    Feature("LP_SigCurv", "", "significance of the log-parabola over the power law, in sigma"),
    Feature("PLEC_Flux_Density", _DENSITY, "power law with cut-off: flux density at the pivot"),
    Feature("PLEC_Index", "", "power law with cut-off: low-energy photon index"),
    Feature("PLEC_Expfactor", "", "power law with cut-off: factor in the exponent"),
    Feature("PLEC_SigCurv", "", "significance of the cut-off over the power law, in sigma"),
    Feature("Npred", "", "predicted number of photons"),
)
_ERRORS = (
    "Unc_Flux1000", "Unc_Energy_Flux100", "Unc_PL_Flux_Density", "Unc_PL_Index",
    "Unc_LP_Flux_Density", "Unc_LP_Index", "Unc_PLEC_Flux_Density", "Unc_PLEC_Expfactor",
)  # fmt: skip


def _agn_or_pulsar(path: Path, column: str, part: str) -> Table:
    """The sources of one part, their type told by the codes in a column."""
    table = whole(path, part="LAT_Point_Source_Catalog")
    code = np.char.lower(table[column].astype(str))
    if part == "unassociated":
        return table.take(code == "").with_notes(
            f"{int((code != '').sum())} sources left out: they have an association."
        )
    agn, pulsar = np.isin(code, _AGN), np.isin(code, _PULSARS)
    told = np.where(pulsar, "pulsar", "AGN")[agn | pulsar]
    return (
        table.take(agn | pulsar)
        .with_columns({"type": Column(told, "", f"from {column}")})
        .with_notes(
            f"{int((~(agn | pulsar)).sum())} sources left out: neither AGN nor pulsar, or not"
            " known."
        )
    )


_POSITION = "a position: known pulsars lie where radio telescopes looked"
_FORBIDDEN = {
    "ASSOC*": "it names the counterpart, or says how sure it is",
    "*_Counterpart": "only sources with a counterpart have it",
    "CLASS*": "it is the answer in other words",
    "Source_Name": "it holds the position",
    "Extended_Source_Name": "it names the source",
    "TEVCAT_FLAG": "it comes from the association",
    "SpectrumType": "the cut-off model was chosen for sources known to be pulsars",
    "RAJ2000": _POSITION,
    "DEJ2000": _POSITION,
    "GLON": _POSITION,
    "GLAT": _POSITION,
    "Conf_*": "the error of the position, which decides whether there is a counterpart",
    "ROI_num": "a position: the number of the sky region",
    "Flags": "it depends on the region of the sky and on the model chosen",
}
_SHIFT = (
    "Unassociated sources are fainter and nearer to the Galactic plane than labelled ones: a"
    " figure of merit measured on the latter is not guaranteed for the former."
)
_PARTS = {
    "labelled": f"AGN ({', '.join(_AGN)}) and pulsars (psr), identified or associated",
    "unassociated": "sources without any association",
}
_LICENCE = "no restriction (NASA / Fermi Science Support Center)"


def _file(name: str, years: int, sha256: str) -> File:
    publisher = f"https://fermi.gsfc.nasa.gov/ssc/data/access/lat/{years}yr_catalog/{name}"
    copy = github("fermiPy/fermipy", "0d144719ea2e", f"fermipy/data/catalogs/{name}")
    return File({name: sha256}, (publisher, *copy))


def _fermi_4fgl(paths: Sequence[Path], part: str) -> Table:
    return _agn_or_pulsar(paths[0], "CLASS", part)


FERMI_4FGL = Entry(
    name="fermi-4fgl",
    title="Fermi-LAT fourth source catalogue (8 years, first release): AGN or pulsar",
    task="classification",
    folder="fermi-lat-catalogs",
    files=(
        _file(
            "gll_psc_v18.fit", 8, "d0b39b2f02c1131824a83fbfc791e736d64d739569824361694c28b5ca41679e"
        ),
    ),
    publisher="https://fermi.gsfc.nasa.gov/ssc/data/access/lat/8yr_catalog/",
    make=_fermi_4fgl,
    columns=_SPECTRUM,
    features={
        "standard": tuple(f.name for f in _SPECTRUM),
        "with_errors": (*(f.name for f in _SPECTRUM), *_ERRORS),
    },
    answer="type",
    class_names=("AGN", "pulsar"),
    id="Source_Name",
    forbidden={
        **_FORBIDDEN,
        "PLEC_Exp_Index": "it was left free for the brightest pulsars only",
        "Unc_PLEC_Exp_Index": "it was left free for the brightest pulsars only",
        "Unc_PLEC_Index": "it is missing for bright pulsars only",
        "Unc_LP_beta": "it is missing where the fit stopped at its bound",
    },
    parts=_PARTS,
    citation="S. Abdollahi et al. (Fermi-LAT), Astrophys. J. Suppl. 247 (2020) 33",
    licence=_LICENCE,
    notes=(_SHIFT,),
)


# 3FGL ---------------------------------------------------------------------------------------------

_BANDS = ("100_300", "300_1000", "1000_3000", "3000_10000", "10000_100000")  # MeV
_THIRD = (
    Feature("Signif_Avg", "", "significance of the source from 100 MeV to 300 GeV, in sigma"),
    Feature("Signif_Curve", "", "significance of the curved spectrum over the power law, in sigma"),
    Feature("Pivot_Energy", "MeV", "energy at which the error of the flux density is least"),
    Feature("Flux_Density", _DENSITY, "flux density at the pivot energy"),
    Feature("Flux1000", _FLUX, "photon flux from 1 to 100 GeV"),
    Feature("Energy_Flux100", _ENERGY_FLUX, "energy flux from 100 MeV to 100 GeV"),
    Feature("Unc_Energy_Flux100", _ENERGY_FLUX, "its error"),
    Feature("PowerLaw_Index", "", "photon index of the power law, fitted to every source"),
    Feature("Variability_Index", "", "2 ln of the likelihood ratio: fluxes of 48 months, or one"),
    Feature("Flux_History", _FLUX, "photon flux from 100 MeV to 100 GeV in each of 48 months"),
    *(Feature(f"Flux{band}", _FLUX, f"photon flux, {band} MeV") for band in _BANDS),
    *(Feature(f"nuFnu{band}", _ENERGY_FLUX, f"energy flux, νFν, {band} MeV") for band in _BANDS),
    Feature("type", "", "AGN or pulsar, from CLASS1"),
)
# The nine quantities of Saz Parkinson et al. (2016), but for the index: theirs is Spectral_Index.
_NINE = (
    "lnVariability = log(Variability_Index)",
    "lnCurve = log(maximum(Signif_Curve, 0.1))",  # some sources have none at all
    "PowerLaw_Index",
    "lnFlux = log(Flux_Density)",
    "lnError = log(Unc_Energy_Flux100)",
    *(
        f"HR{j + 1}{j + 2} = (nuFnu{b} - nuFnu{a}) / (nuFnu{b} + nuFnu{a})"
        for j, (a, b) in enumerate(pairwise(_BANDS))
    ),
)


def _fermi_3fgl(paths: Sequence[Path], part: str) -> Table:
    return _agn_or_pulsar(paths[0], "CLASS1", part)


FERMI_3FGL = Entry(
    name="fermi-3fgl",
    title="Fermi-LAT third source catalogue (4 years): AGN or pulsar",
    task="classification",
    folder="fermi-lat-catalogs",
    files=(
        _file(
            "gll_psc_v16.fit", 4, "0af030a625ca8e175afd2008e9bf9aeb065d4009916ef70e3f9de2b4f0981397"
        ),
    ),
    publisher="https://fermi.gsfc.nasa.gov/ssc/data/access/lat/4yr_catalog/",
    make=_fermi_3fgl,
    columns=_THIRD,
    features={
        "standard": _NINE,
        "months": (*_NINE, "Flux_History"),
    },
    answer="type",
    class_names=("AGN", "pulsar"),
    id="Source_Name",
    forbidden={
        **_FORBIDDEN,
        "?F?L_Name": "only sources seen before have it",
        "Spectral_Index": "with the cut-off model, chosen for known pulsars, it is another index",
        "Unc_Spectral_Index": "it is missing for some pulsars only",
        "beta": "it is missing where another model was chosen",
        "Unc_beta": "it is missing where another model was chosen",
        "Cutoff": "only the cut-off model, chosen for known pulsars, has it",
        "Unc_Cutoff": "only the cut-off model, chosen for known pulsars, has it",
        "Exp_Index": "only the cut-off model, chosen for known pulsars, has it",
        "Unc_Exp_Index": "only the cut-off model, chosen for known pulsars, has it",
        "*_Peak": "only sources that vary, nearly all of them AGN, have it",
        "Peak_Interval": "only sources that vary, nearly all of them AGN, have it",
    },
    parts=_PARTS,
    citation="F. Acero et al. (Fermi-LAT), Astrophys. J. Suppl. 218 (2015) 23",
    licence=_LICENCE,
    notes=(
        _SHIFT,
        "Signif_Curve compares the power law with the log-parabola, but for known pulsars with the"
        " cut-off model: it knows the answer a little.",
    ),
)
