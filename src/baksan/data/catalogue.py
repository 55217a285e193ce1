"""The catalogue: known data sets with everything that must be decided before training on them.

An `Entry` says where the files are found and what their SHA-256 is, which columns are features (and
in which unit), what the answer is, which rows belong together, and which columns know the answer.
`baksan.data.load` turns one into a table and Samples.
"""

from __future__ import annotations

import fnmatch
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from baksan.data.columns import ReadError
from baksan.data.formats import joined, whole
from baksan.samples import Feature
from baksan.table import Column, Table

__all__ = ["ENTRIES", "Entry", "File"]


@dataclass(frozen=True)
class File:
    """A file of a data set: the names under which it is found, each with its SHA-256."""

    known: Mapping[str, str]
    installed: Callable[[], Path] | None = None  # for data that come with a library

    @property
    def name(self) -> str:
        return next(iter(self.known))


@dataclass(frozen=True)
class Entry:
    """One data set of the catalogue.

    Parameters
    ----------
    name, title, task : str
        `task` is 'classification' or 'regression'.
    folder : str
        The folder below BAKSAN_DATA (or the cache) that holds the files.
    files : tuple of File
    publisher : str
        Where to get them.
    make : function of (paths, part) -> Table
        Reads the files; adds the columns of the answer and of the group.
    columns : tuple of Feature
        Names, units and descriptions.
    features : mapping of str to tuple of str
        Lists of features by name, the usual one first; an item is a column or a formula.
    answer, class_names, group, id
        As in Samples: columns and the order of the classes (background, signal).
    group_rule : str
        Which rows are never split apart, in words.
    forbidden : mapping of pattern to reason
        Columns that know the answer, or that no measurement has.
    parts : mapping of str to str
        Parts that can be loaded as 'name:part', the usual one first, each in words.
    notes : tuple of str
        What a user should know; reports print it.
    """

    name: str
    title: str
    task: str
    folder: str
    files: tuple[File, ...]
    publisher: str
    make: Callable[[Sequence[Path], str], Table]
    columns: tuple[Feature, ...]
    features: Mapping[str, tuple[str, ...]]
    answer: str
    class_names: tuple[str, ...]
    citation: str
    licence: str
    group: str | None = None
    group_rule: str = "every row stands for itself"
    id: str | None = None
    forbidden: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=lambda: {"all": "all rows"})
    notes: tuple[str, ...] = ()
    allow_constant: bool = False

    @property
    def signal(self) -> str | None:
        """The signal class of two; None for several classes."""
        return self.class_names[1] if len(self.class_names) == 2 else None

    def reason(self, column: str) -> str | None:
        """Why this column must not be a feature; None where it may."""
        if column in (self.answer, self.group):
            return "it is the answer" if column == self.answer else "it only numbers the groups"
        matches = (why for p, why in self.forbidden.items() if fnmatch.fnmatchcase(column, p))
        return next(matches, None)

    def described(self, table: Table) -> Table:
        """The table with the catalogue's units and descriptions where the file gives none."""
        known = {f.name: f for f in self.columns if f.name in table.columns}
        held = {
            name: replace(
                column,
                unit=column.unit or known[name].unit,
                description=column.description or known[name].description,
            )
            for name, column in table.columns.items()
            if name in known
        }
        return table.with_columns(held)


def _text_answer(table: Table, column: str, names: Mapping[object, str], rename: str) -> Table:
    """The table with the class names of a column of codes under the name `rename`."""
    codes = table[column].tolist()
    if strange := [code for code in codes if code not in names]:
        raise ReadError(
            f"{table.source}: the column {column!r} must hold {', '.join(map(str, names))}; row"
            f" {codes.index(strange[0]) + 1} has {strange[0]!r}. Use the published file."
        )
    return table.with_columns({rename: np.array([names[code] for code in codes])})


# MAGIC --------------------------------------------------------------------------------------------

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
    table = _text_answer(table, "class", {"g": "gamma", "h": "hadron"}, "class")
    _, group = np.unique(table.matrix(names), axis=0, return_inverse=True)
    return table.with_columns({"group": group.ravel()})


_MAGIC = Entry(
    name="magic",
    title="MAGIC gamma telescope: image parameters of simulated showers, gamma or hadron",
    task="classification",
    folder="magic-gamma-telescope",
    files=(
        File({"magic04.data": "e9314b7ebd4b4b59a3b3d65f7316663963777b16a46786877651dbbaa640b36a"}),
    ),
    publisher="https://archive.ics.uci.edu/dataset/159/magic+gamma+telescope",
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


# Fermi-LAT 4FGL -----------------------------------------------------------------------------------

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


def _fermi(paths: Sequence[Path], part: str) -> Table:
    table = whole(paths[0], part="LAT_Point_Source_Catalog")
    code = np.char.lower(table["CLASS"].astype(str))
    if part == "unassociated":
        return table.take(code == "").with_notes(
            f"{int((code != '').sum())} sources left out: they have an association."
        )
    agn, pulsar = np.isin(code, _AGN), np.isin(code, _PULSARS)
    kept = table.take(agn | pulsar).with_columns(
        {"type": Column(np.where(pulsar, "pulsar", "AGN")[agn | pulsar], "", "from CLASS")}
    )
    return kept.with_notes(
        f"{int((~(agn | pulsar)).sum())} sources left out: neither AGN nor pulsar, or not known."
    )


_FERMI = Entry(
    name="fermi-4fgl",
    title="Fermi-LAT fourth source catalogue (8 years, first release): AGN or pulsar",
    task="classification",
    folder="fermi-lat-catalogs",
    files=(
        File(
            {"gll_psc_v18.fit": "d0b39b2f02c1131824a83fbfc791e736d64d739569824361694c28b5ca41679e"}
        ),
    ),
    publisher="https://fermi.gsfc.nasa.gov/ssc/data/access/lat/8yr_catalog/",
    make=_fermi,
    columns=_SPECTRUM,
    features={
        "standard": tuple(f.name for f in _SPECTRUM),
        "with_errors": (*(f.name for f in _SPECTRUM), *_ERRORS),
    },
    answer="type",
    class_names=("AGN", "pulsar"),
    id="Source_Name",
    forbidden={
        "ASSOC*": "it names the counterpart, or says how sure it is",
        "*_Counterpart": "only sources with a counterpart have it",
        "CLASS": "it is the answer in other words",
        "Source_Name": "it holds the position",
        "Extended_Source_Name": "it names the source",
        "TEVCAT_FLAG": "it comes from the association",
        "SpectrumType": "the cut-off model was chosen for sources known to be pulsars",
        "PLEC_Exp_Index": "it was left free for the brightest pulsars only",
        "Unc_PLEC_Exp_Index": "it was left free for the brightest pulsars only",
        "Unc_PLEC_Index": "it is missing for bright pulsars only",
        "Unc_LP_beta": "it is missing where the fit stopped at its bound",
        "RAJ2000": "a position: known pulsars lie where radio telescopes looked",
        "DEJ2000": "a position: known pulsars lie where radio telescopes looked",
        "GLON": "a position: known pulsars lie where radio telescopes looked",
        "GLAT": "a position: known pulsars lie where radio telescopes looked",
        "Conf_95_*": "the error of the position, which decides whether there is a counterpart",
        "ROI_num": "a position: the number of the sky region",
        "Flags": "it depends on the region of the sky and on the model chosen",
    },
    parts={
        "labelled": f"AGN ({', '.join(_AGN)}) and pulsars (psr), identified or associated",
        "unassociated": "sources without any association (CLASS is empty)",
    },
    citation="S. Abdollahi et al. (Fermi-LAT), Astrophys. J. Suppl. 247 (2020) 33",
    licence="no restriction (NASA / Fermi Science Support Center)",
    notes=(
        "Unassociated sources are fainter and nearer to the Galactic plane than labelled ones: a"
        " figure of merit measured on the latter is not guaranteed for the former.",
    ),
)


# Ultra-high-energy composition --------------------------------------------------------------------

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
    return File({f"{stem}.txt": whole, f"{stem}.first10000.txt": cut})


def _uhecr(paths: Sequence[Path], part: str) -> Table:
    table = joined([whole(p, names=[f.name for f in _GROUND]) for p in paths])
    table = _text_answer(table, "class", dict(enumerate(_PRIMARIES)), "primary")
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


_UHECR = Entry(
    name="uhecr-composition",
    title="Which particle started an ultra-high-energy shower, from quantities at ground",
    task="classification",
    folder="uhecr-composition-corsika",
    files=tuple(_uhecr_file(primary) for primary in _PRIMARIES),
    publisher="https://github.com/aguillenATC/Entropy-CompositionClassificationUHECR",
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


# Digits -------------------------------------------------------------------------------------------


def _digits_path() -> Path:
    """The file inside scikit-learn, found without importing it."""
    spec = importlib.util.find_spec("sklearn")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise FileNotFoundError(
            "scikit-learn is needed for the digits; it is not installed. Install scikit-learn."
        )
    return Path(folders[0]) / "datasets" / "data" / "digits.csv.gz"


_PIXELS = tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8))


def _digits(paths: Sequence[Path], part: str) -> Table:
    table = whole(paths[0], names=[*_PIXELS, "digit"])
    return _text_answer(table, "digit", {k: str(k) for k in range(10)}, "digit")


_DIGITS = Entry(
    name="digits",
    title="Handwritten digits, 8 × 8 pixels",
    task="classification",
    folder="digits",
    files=(
        File(
            {"digits.csv.gz": "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"},
            installed=_digits_path,
        ),
    ),
    publisher="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
    make=_digits,
    columns=tuple(Feature(p, "", "ink in 4 × 4 points, 0 to 16 (row_column)") for p in _PIXELS),
    features={"standard": _PIXELS},
    answer="digit",
    class_names=tuple(str(k) for k in range(10)),
    citation=(
        "E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning"
        " Repository (1998), doi:10.24432/C50P49; the test part, as bundled with scikit-learn"
    ),
    licence="CC BY 4.0",
    notes=("pixel_0_0, pixel_4_0 and pixel_4_7 are empty in every image; they are kept.",),
    allow_constant=True,
)

ENTRIES: dict[str, Entry] = {e.name: e for e in (_MAGIC, _FERMI, _UHECR, _DIGITS)}
