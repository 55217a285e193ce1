"""Air showers of CORSIKA: particle files that three projects keep to test their programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from baksan.data.catalogue.entry import Entry, File, github
from baksan.data.corsika import SHOWERS
from baksan.data.formats import whole
from baksan.samples import Feature
from baksan.table import Table

__all__ = ["CORSIKA"]

_TRUTH = "only a simulation knows it"


def _showers(paths: Sequence[Path], part: str) -> Table:
    return whole(paths[0])


CORSIKA = Entry(
    name="corsika",
    title="Air showers simulated with CORSIKA 7, from the test data of three projects",
    task="exploration",
    folder="corsika",
    files=(
        File(
            {
                "pycorsikaio/corsika76900_thin": (
                    "ee9dcd315ddfa6b2e4bb11b277993e9a60ac3944461c9cb8eac00fdea9d67ba5"
                )
            },
            github(
                "cta-observatory/pycorsikaio", "b179a1bf2a98", "tests/resources/corsika76900_thin"
            ),
            part="thinned",
        ),
        File(
            {
                "pycorsikaio/corsika757_particle": (
                    "16123b64b2c0d9f5e94c3ba3f303d819a73b394f7e2bfdec33bfc7af5ecbefa7"
                )
            },
            github(
                "cta-observatory/pycorsikaio", "b179a1bf2a98", "tests/resources/corsika757_particle"
            ),
            part="low",
        ),
        File(
            {
                "km3net/DAT000001": (
                    "123b9ff7d0cc5c52feedb4b02f4c069596de2102ed9e6aa5a756a49277abed54"
                )
            },
            github(
                "KM3NeT/km3net-testdata", "d3690ed25844", "km3net_testdata/data/corsika/DAT000001"
            ),
            part="muons",
        ),
        File(
            {
                "hisparc/DAT000000": (
                    "9d92f5cf54c21ac3a28f4c90f8e3577f780b9895304ff6931f4665f977555514"
                )
            },
            github(
                "HiSPARC/sapphire", "a677e8afce4b", "sapphire/tests/corsika/test_data/3_4/DAT000000"
            ),
            part="vertical",
        ),
    ),
    publisher="https://www.iap.kit.edu/corsika/",
    make=_showers,
    columns=tuple(Feature(told.name, told.unit, told.description) for told in SHOWERS),
    features={"standard": ("photons", "electrons", "muons", "hadrons", "zenith")},
    forbidden={
        "event": "it numbers the events",
        "run": "it numbers the runs",
        "code": "it is the primary in other words",
        "first_interaction": _TRUTH,
        "x_max": _TRUTH,
    },
    parts={
        "thinned": "5 protons of 10¹⁴ to 10¹⁵ eV, thinned (pycorsikaio)",
        "low": "10 protons of 200 GeV (pycorsikaio)",
        "muons": "10 protons above 10¹⁵ eV, muons and neutrinos above 300 GeV (KM3NeT)",
        "vertical": "one vertical proton of 10¹⁴ eV, thinned (HiSPARC)",
    },
    citation="D. Heck et al., Forschungszentrum Karlsruhe report FZKA 6019 (1998)",
    licence="MIT (pycorsikaio, KM3NeT), GPL 3.0 (HiSPARC)",
    notes=(
        "A handful of showers: they show how such files are read, and serve to try an array of"
        " detectors. The particles at the ground are another table of each file, FILE#particles.",
    ),
    allow_constant=True,
)
