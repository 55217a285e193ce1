"""Cosmic rays as they were measured: events of the Pierre Auger Observatory, of Telescope Array.

Nobody knows the true energy of these: there is no answer among their columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from baksan.data.catalogue.entry import Entry, File
from baksan.data.columns import ReadError
from baksan.data.formats import whole
from baksan.samples import Feature
from baksan.table import Column, Table

__all__ = ["AUGER_EVENTS", "TELESCOPE_ARRAY"]

_UNIX = "seconds since 1970-01-01, UTC, without leap seconds"


# Pierre Auger Observatory -------------------------------------------------------------------------

_AUGER = (
    Feature("event", "", "number of the event"),
    Feature("stations", "", "stations of the surface detector that took part"),
    Feature("theta", "deg", "zenith angle"),
    Feature("phi", "deg", "azimuth"),
    Feature("energy", "EeV", "reconstructed energy"),
    Feature("utime", "s", _UNIX),
    Feature("l", "deg", "galactic longitude"),
    Feature("b", "deg", "galactic latitude"),
)


def _auger(paths: Sequence[Path], part: str) -> Table:
    table = whole(paths[0], names=[f.name for f in _AUGER])
    energy = np.asarray(table["energy"], dtype=float)
    return table.with_columns({"lgE": Column(np.log10(energy), "", "log10 of the energy in EeV")})


AUGER_EVENTS = Entry(
    name="auger-events",
    title="Pierre Auger Observatory, public surface-detector events of 2004 to 2019",
    task="exploration",
    folder="auger-public-events-2019",
    files=(
        File(
            {
                "auger_public_2019_12_29.txt": (
                    "87b308e0765290e0bd273a6db5667b42aaa79df6280cdc13d9445c99793c77bd"
                )
            }
        ),
    ),
    publisher="https://opendata.auger.org/",
    make=_auger,
    columns=_AUGER,
    features={"standard": ("stations", "1/cos(theta[rad])")},
    id="event",
    forbidden={"event": "it numbers the events"},
    citation="Pierre Auger Collaboration, public event data; see doi:10.5281/zenodo.4487612",
    licence="none stated; it predates the Open Data of 2021, which are CC BY-SA 4.0",
    notes=(
        "The energy is itself a reconstruction, from the signals of the stations: with --answer lgE"
        " a model learns how much of it the number of stations and the zenith angle tell.",
        "Below about 3 EeV the array does not see every shower: there the energies do not follow"
        " the spectrum.",
        "This list was built on 29 December 2019; what its publisher gives today, the Open Data,"
        " has other events and other columns.",
    ),
)


# Telescope Array ----------------------------------------------------------------------------------

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_TA = (
    Feature("year", "", "UTC"),
    Feature("month", "", "UTC, in letters"),
    Feature("day", "", "UTC"),
    Feature("hour", "", "UTC"),
    Feature("minute", "", "UTC"),
    Feature("second", "", "UTC"),
    Feature("theta", "deg", "zenith angle"),
    Feature("energy", "EeV", "reconstructed energy"),
    Feature("ra", "deg", "right ascension, J2000"),
    Feature("dec", "deg", "declination, J2000"),
    Feature("l", "deg", "galactic longitude"),
    Feature("b", "deg", "galactic latitude"),
)


def _telescope_array(paths: Sequence[Path], part: str) -> Table:
    table = whole(paths[0], names=[f.name for f in _TA])
    return table.with_columns({"utime": Column(_unix_time(table), "s", _UNIX)})


def _unix_time(table: Table) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """From the parts of the date. Raises ReadError for a month that is none."""
    months = table["month"].tolist()
    if strange := [name for name in months if name not in _MONTHS]:
        raise ReadError(
            f"{table.source}: the column 'month' must hold {', '.join(_MONTHS)}; row"
            f" {months.index(strange[0]) + 1} has {strange[0]!r}. Use the published file."
        )
    part = {
        n: np.asarray(table[n]).astype(np.int64)
        for n in ("year", "day", "hour", "minute", "second")
    }
    number = np.array([_MONTHS.index(name) for name in months])
    first = (12 * (part["year"] - 1970) + number).astype("datetime64[M]").astype("datetime64[s]")
    days = first.astype(np.int64) + 86_400 * (part["day"] - 1)
    return np.asarray(days + 3600 * part["hour"] + 60 * part["minute"] + part["second"])


TELESCOPE_ARRAY = Entry(
    name="telescope-array-events",
    title="Telescope Array, events above 57 EeV of 2008 to 2013 (the 'hotspot' list)",
    task="exploration",
    folder="telescope-array-2014",
    files=(File({"TA.txt": "ba37acc5caeb5c374b4d8574e7f1fa88f39a45b47c662652e813c6d9fd418c30"}),),
    publisher="https://doi.org/10.1088/2041-8205/790/2/L21",
    make=_telescope_array,
    columns=_TA,
    features={"standard": ("theta", "energy", "ra", "dec")},
    citation="R. U. Abbasi et al. (Telescope Array), Astrophys. J. Lett. 790 (2014) L21",
    licence="none stated (machine-readable table of the journal)",
    notes=(
        "72 events: too few to train on; their directions are what they are looked at for.",
        "The galactic coordinates were added by those who passed the table on; the journal's own"
        " table (apjl498370t1_mrt.txt) ends with the declination.",
    ),
)
