"""FACT, the First G-APD Cherenkov Telescope: gamma or proton, and the energy, of simulated events.

Which columns give the class away was found by training on each column alone (the area under the ROC
curve is quoted); the standard features are those of the publisher's own example.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from baksan.data.catalogue.entry import Entry, File, github, text_answer
from baksan.data.formats import joined, whole
from baksan.samples import Feature
from baksan.table import Column, Table

__all__ = ["FACT_ENERGY", "FACT_GAMMA"]

_REPOSITORY = "fact-project/aict-tools"
_SHA = {
    "gamma": "2697a205a05ab4c3a6d1540f2f6001c06be216a59bdb65f439eac2506e2ac242",
    "gamma_diffuse": "6ed0d6bec7fc36f1bde84bb89d5c1ee1511d2be61cd2d36f653cd745d5b23b39",
    "proton": "ca2261b7fa4f6035bb1634c8bdc9cd92a4d26085fe078a94f235a7f30e10a7de",
}
_ENERGY = "corsika_event_header_total_energy"
_COLUMNS = (
    Feature("size", "pe", "light in the image, in photon equivalents"),
    Feature("length", "mm", "major axis of the image ellipse"),
    Feature("width", "mm", "minor axis of the image ellipse"),
    Feature("num_islands", "", "separate parts of the image"),
    Feature("num_pixel_in_shower", "", "pixels of the image"),
    Feature("leakage1", "", "share of the light in the outermost ring of pixels"),
    Feature("leakage2", "", "share of the light in the two outermost rings of pixels"),
    Feature("skewness_long", "", "third moment along the major axis, over its width cubed"),
    Feature("skewness_trans", "", "third moment along the minor axis, over its width cubed"),
    Feature("timespread", "", "spread of the arrival times, in slices of 0.5 ns"),
    Feature("concentration_core", "", "share of the light inside the ellipse"),
    Feature("concentration_cog", "", "share of the light in the pixels at the centre of gravity"),
    Feature("concentration_one_pixel", "", "share of the light in the brightest pixel"),
    Feature("concentration_two_pixel", "", "share of the light in the two brightest pixels"),
    Feature("delta", "rad", "direction of the major axis in the camera"),
    Feature("cog_x", "mm", "centre of gravity of the image"),
    Feature("cog_y", "mm", "centre of gravity of the image"),
    Feature("source_position_x", "mm", "where the source stands in the camera"),
    Feature("source_position_y", "mm", "where the source stands in the camera"),
    Feature("pointing_position_zd", "deg", "zenith angle of the telescope's axis"),
    Feature("pointing_position_az", "deg", "azimuth of the telescope's axis"),
    Feature(_ENERGY, "GeV", "energy of the primary particle"),
    Feature("alpha", "deg", "angle of the major axis with the line to the source"),
    Feature("dist", "mm", "distance from the source to the centre of gravity"),
    Feature("class", "", "what started the shower"),
    Feature("lgE", "", "log10 of the energy of the primary particle in GeV"),
)
_IMAGE = (
    "log10(size)", "length", "width", "num_islands", "leakage1", "leakage2", "skewness_long",
    "skewness_trans", "timespread", "concentration_core", "concentration_cog",
)  # fmt: skip
_TRUTH = {
    "corsika_*": "only a simulation knows it",
    "ceres_*": "only a simulation knows it",
    "mc_*": "only a simulation knows it",
    "incident_angle": "it is made of the true direction",
    "run_id": "it numbers the runs of the simulation",
    "event_num": "it numbers the events of the simulation",
    "index": "it numbers the events of the simulation",
}
_CITATION = (
    "FACT Collaboration, aict-tools, doi:10.5281/zenodo.3338081; H. Anderhub et al. (FACT), JINST 8"
    " (2013) P06008"
)
_SMALL = "1,000 events of a kind: enough to try things, not to state how good the telescope is."


def _file(kind: str, part: str = "") -> File:
    name = f"{kind}.hdf5"
    where = github(_REPOSITORY, "ee091fc93311", f"examples/{name}")
    return File({name: _SHA[kind]}, where, part)


def _with_source(table: Table) -> Table:
    """With alpha and dist, as seen from the place in the camera where the source stands."""
    image, source = (table.matrix([f"{of}_x", f"{of}_y"]) for of in ("cog", "source_position"))
    (x, y), delta = (image - source).T, table.matrix(["delta"])[:, 0]
    dist = np.hypot(x, y)
    cosine = np.abs(x * np.cos(delta) + y * np.sin(delta)) / dist
    alpha = np.degrees(np.arccos(np.minimum(cosine, 1.0)))
    return table.with_columns({"alpha": Column(alpha, "deg"), "dist": Column(dist, "mm")})


# Gamma or proton ----------------------------------------------------------------------------------


def _gamma(paths: Sequence[Path], part: str) -> Table:
    table = joined([whole(path) for path in paths])
    code = "corsika_run_header_particle_id"
    table = text_answer(table, code, {1: "gamma", 14: "proton"}, "class")
    shower = table.matrix(["run_id", "corsika_event_header_event_number"])
    _, group = np.unique(shower, axis=0, return_inverse=True)
    return _with_source(table.with_columns({"group": group.ravel()}))


_SKY = "higher in the proton file at every size: showers or the simulated night sky, none can tell"
FACT_GAMMA = Entry(
    name="fact-gamma",
    title="FACT, simulated events of a point source: gamma or proton",
    task="classification",
    folder="fact-simulated-events",
    files=(_file("gamma"), _file("proton")),
    publisher=f"https://github.com/{_REPOSITORY}",
    make=_gamma,
    columns=_COLUMNS,
    features={"standard": _IMAGE, "source": (*_IMAGE, "alpha", "dist")},
    answer="class",
    class_names=("proton", "gamma"),
    group="group",
    group_rule="images of one CORSIKA shower share a group (8 proton showers occur twice)",
    forbidden={
        **_TRUTH,
        "*pointing_position_*": "protons were simulated at whole degrees of zenith and one azimuth,"
        " gammas along the path of a source: the AUC is 1.00 by the azimuth alone, 0.97 by the"
        " zenith angle",
        "source_position_*": "its azimuth tells the files apart; take alpha and dist",
        "cog_*": "gammas came from one ring of the camera, protons from everywhere (AUC 0.71 by"
        " both); take alpha and dist",
        "*pedestal*": f"light outside the image is {_SKY} (AUC 0.79 by all)",
        "ped_*": f"light outside the image is {_SKY} (AUC 0.79 by all)",
        "photoncharge_mean": f"the mean of all pixels is {_SKY}",
        "arrival_time_mean": "the mean of all pixels, most of them outside the image",
    },
    citation=_CITATION,
    licence="MIT",
    notes=(
        _SMALL,
        "Gammas come from one source, 0.6 degrees off the axis, so few of their images touch the"
        " edge of the camera: part of the separation is this geometry.",
    ),
)


# Energy -------------------------------------------------------------------------------------------


def _energy(paths: Sequence[Path], part: str) -> Table:
    table = whole(paths[0])
    energy = np.asarray(table[_ENERGY], dtype=float)
    table = table.with_columns({"lgE": Column(np.log10(energy))})
    return _with_source(table) if part == "source" else table


_ENERGY_FEATURES = (*_IMAGE, "1/cos(pointing_position_zd[rad])")
FACT_ENERGY = Entry(
    name="fact-energy",
    title="FACT, simulated gamma rays: the energy",
    task="regression",
    folder="fact-simulated-events",
    files=(_file("gamma", "source"), _file("gamma_diffuse", "diffuse")),
    publisher=f"https://github.com/{_REPOSITORY}",
    make=_energy,
    columns=_COLUMNS,
    features={"standard": _ENERGY_FEATURES, "source": (*_ENERGY_FEATURES, "alpha", "dist")},
    answer="lgE",
    forbidden={
        **_TRUTH,
        "source_position_*": "of diffuse gammas it is the true direction; take alpha and dist",
        "*_prediction*": "another model predicted it",
        "theta_deg*": "another model predicted it",
    },
    parts={
        "source": "gammas of a point source, 0.6 degrees off the axis",
        "diffuse": "gammas from all directions of the field of view; without alpha and dist, since"
        " a new event's source is not known",
    },
    citation=_CITATION,
    licence="MIT",
    notes=(
        _SMALL,
        "The error of lgE times 2.3 is the relative error of the energy, where it is small.",
        "Energies fall steeply from 0.2 to 36 TeV: the few events of high energy are drawn towards"
        " the many of low energy.",
    ),
)
