"""HiSPARC, detectors on the roofs of schools: events of two stations; ten showers of KASCADE."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from baksan.data.catalogue.entry import Entry, File, github
from baksan.data.formats import whole
from baksan.samples import Feature
from baksan.table import Table

__all__ = ["HISPARC", "HISPARC_KASCADE"]

_SAPPHIRE = "HiSPARC/sapphire", "a677e8afce4b"
_FOUR = range(1, 5)
_NO_DETECTOR, _NOT_FOUND = -1, -999


# Stations -----------------------------------------------------------------------------------------

_BY_DETECTOR = {
    "pulseheight": ("ADC", "highest signal of detector"),
    "integral": ("ADC", "sum of the samples of the signal of detector"),
    "number": ("", "particles in detector, by the integral"),
    "arrival": ("ns", "arrival of the first particle in detector"),
}
_EVENTS = (
    Feature("date", "", "date of the GPS clock"),
    Feature("time", "", "time of day of the GPS clock"),
    Feature("timestamp", "s", "seconds since 1970-01-01 of the GPS clock"),
    Feature("nanoseconds", "ns", "after the timestamp"),
    *(
        Feature(f"{name}_{j}", unit, f"{what} {j}; missing where there is none")
        for name, (unit, what) in _BY_DETECTOR.items()
        for j in _FOUR
    ),
    Feature("trigger_time", "ns", "time of the trigger, counted like the arrivals"),
    Feature("zenith", "deg", "reconstructed zenith angle; missing with two detectors"),
    Feature("azimuth", "deg", "reconstructed azimuth; missing with two detectors"),
)


def _events(paths: Sequence[Path], part: str) -> Table:
    """−1 is an azimuth like others: a mark is one where the publisher says so."""
    table = whole(paths[0], names=[f.name for f in _EVENTS])
    by_detector = [f"{name}_{j}" for name in _BY_DETECTOR for j in (3, 4)]
    found = ["trigger_time", "zenith", "azimuth", *(f"arrival_{j}" for j in _FOUR)]
    return table.unmarked([_NO_DETECTOR], by_detector).unmarked([_NOT_FOUND], found)


HISPARC = Entry(
    name="hisparc",
    title="HiSPARC, events of two stations on school roofs",
    task="exploration",
    folder="hisparc",
    files=(
        File(
            {
                "events-s8006-20130910.tsv": (
                    "cffa2fde940e1e573d4d17fe79ed31125d633b46793a7816df4028d7c466859b"
                )
            },
            github("HiSPARC/jsparc", "c7daee0ca88a", "examples/events-s8006-20130910.tsv"),
            part="8006",
        ),
        File(
            {
                "events-s501-20120101.tsv": (
                    "421652aea2bbc31e5163bd3fb4edd130dc1bb5f5eca0088b4c86719c35440553"
                )
            },
            github(*_SAPPHIRE, "sapphire/tests/test_data/events-s501-20120101.tsv"),
            part="501",
        ),
    ),
    publisher="https://data.hisparc.nl/",
    make=_events,
    columns=_EVENTS,
    features={
        "standard": ("number_1", "number_2"),
        "four": ("number_1", "number_2", "number_3", "number_4"),
    },
    forbidden={"timestamp": "it numbers the events", "nanoseconds": "it numbers the events"},
    parts={
        "8006": "one day of a station in Eindhoven, with two detectors",
        "501": "one minute of a station in Amsterdam, with four detectors",
    },
    citation="HiSPARC project, Nikhef, data.hisparc.nl",
    licence="CC BY-SA 4.0",
    notes=(
        "In columns of detectors 3 and 4, −1 says that there is none; −999 in times and angles that"
        " they were not found. Both became missing values. An azimuth of −1 deg is one.",
    ),
)


# KASCADE ------------------------------------------------------------------------------------------

_SHOWERS = (
    Feature("run", "", "number of the run"),
    Feature("event", "", "number of the event"),
    Feature("gps", "s", "GPS seconds, counted from 1970-01-01"),
    Feature("nanoseconds", "ns", "after the second"),
    Feature("energy", "eV", "reconstructed energy"),
    Feature("core_x", "m", "where the axis meets the ground"),
    Feature("core_y", "m", "where the axis meets the ground"),
    Feature("zenith", "rad", "zenith angle"),
    Feature("azimuth", "rad", "azimuth"),
    Feature("n_electrons", "", "electrons of the shower"),
    Feature("n_muons", "", "muons of the shower"),
    *(
        Feature(f"{what}_{j}", "m-2", f"density of {what} at detector {j} of HiSPARC")
        for j in _FOUR
        for what in ("electrons", "muons")
    ),
    Feature("temperature", "", "of the air, in degrees Celsius; missing for half of the events"),
    Feature("pressure", "hPa", "of the air; missing for half of the events"),
)


def _kascade(paths: Sequence[Path], part: str) -> Table:
    table = whole(paths[0], names=[f.name for f in _SHOWERS])
    return table.unmarked([_NOT_FOUND], ["temperature"]).unmarked([_NO_DETECTOR], ["pressure"])


HISPARC_KASCADE = Entry(
    name="hisparc-kascade",
    title="KASCADE, ten showers with the densities at four detectors of HiSPARC",
    task="exploration",
    folder="hisparc",
    files=(
        File(
            {"kascade.dat": "c34dbf36f03ebd38bb71ae4a51f31485a9266b328856f00c5772b9e33ccf1183"},
            github(*_SAPPHIRE, "sapphire/tests/test_data/kascade.dat"),
        ),
    ),
    publisher="https://github.com/HiSPARC/sapphire",
    make=_kascade,
    columns=_SHOWERS,
    features={"standard": ("log10(n_electrons)", "log10(n_muons)", "1/cos(zenith)")},
    id="event",
    forbidden={
        "run": "it numbers the runs",
        "event": "it numbers the events",
        "gps": "it numbers the events",
        "nanoseconds": "it numbers the events",
    },
    citation="HiSPARC project, Nikhef; test data of SAPPHiRE",
    licence="GPL 3.0 (the repository)",
    notes=(
        "Ten events: they show how such a table is read. The energy is itself a reconstruction,"
        " from the numbers of electrons and muons.",
    ),
)
