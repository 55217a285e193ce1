"""Productions: files of simulated and reconstructed showers, the same whoever makes them.

A production is cut into parts of so many thrown events. Each part is made from the settings and
its number alone, by any process, and waits in PATH.parts until all are there; then they become one
file. What was stopped goes on where it was. The settings ride in the file, so that what was thrown
and did not trigger can be thrown again.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from baksan.files import replacing
from baksan.physics import OutsideRange
from baksan.produce.workers import deal_out
from baksan.reconstruct.array import standard
from baksan.reconstruct.kascade import reconstructed
from baksan.simulate import kascade
from baksan.simulate.array import (
    ArrayEvents,
    Layout,
    Primaries,
    Showers,
    auger,
    events,
    table,
    telescope_array,
)  # fmt: skip
from baksan.simulate.counter import check_count
from baksan.simulate.kascade import Kascade, KascadeEvents
from baksan.simulate.showers import flux, thrown, weights_to
from baksan.table import Column, Table

__all__ = [
    "KASCADE", "LAYOUTS", "Production", "open_production", "part", "produce", "showers_of",
    "thrown_in",
]  # fmt: skip

LAYOUTS: dict[str, Callable[[int], Layout]] = {"telescope-array": telescope_array, "auger": auger}
"""Arrays by name; a production may have positions of its own instead."""
KASCADE = "kascade"
"""An array that counts electrons and muons each for themselves."""
PART = 4096
_KEY = "baksan_production"
_NOTE = "Simulated showers: a parametric toy, not a full simulation (docs/simulate.md)."


@dataclass(frozen=True)
class Production:
    """What is thrown, at what.

    Parameters
    ----------
    events : int
        How many showers are thrown; those that trigger are kept.
    seed : int
    layout : str or tuple of (x, y) or (x, y, z)
        One of `LAYOUTS`, KASCADE, or positions in m.
    window : int
        Of one of `LAYOUTS`: how many stations wide, odd.
    primaries : Primaries
    weights : float or str, optional
        A column of weights to this spectrum: g of E^−g, or one of `showers.SPECTRA`.
    stations : bool
        Keep signals and times of all stations.
    detector : mapping of str to float
        What differs from the layout's detectors, such as {'dead': 0, 'noise': 0}.
    """

    events: int
    seed: int = 0
    layout: str | tuple[tuple[float, ...], ...] = "telescope-array"
    window: int = 9
    primaries: Primaries = field(default_factory=Primaries)
    weights: float | str | None = None
    stations: bool = False
    detector: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_count(self.events, "events, how many are thrown,", 1)
        check_count(self.seed, "seed", 0)
        if isinstance(self.layout, str) and self.layout not in (*LAYOUTS, KASCADE):
            raise ValueError(
                f"an array must be one of {', '.join(LAYOUTS)}, {KASCADE}, or a table of positions;"
                f" {self.layout!r} is neither. Take one."
            )
        if self.weights is not None:
            flux(np.array([10.0 ** self.primaries.log_energy[0]]), self.weights)

    @property
    def array(self) -> Layout | Kascade:
        """The stations. Raises ValueError as `layouts`."""
        if self.layout == KASCADE:
            changes: dict[str, Any] = dict(self.detector)
            return Kascade(**changes)
        named = isinstance(self.layout, str)
        found = LAYOUTS[str(self.layout)](self.window) if named else table(self.layout)
        return found.with_detector(**self.detector) if self.detector else found

    @property
    def text(self) -> str:
        """The settings as JSON, which `from_text` reads."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Production:
        """Raises ValueError for what is no production, or one of another version."""
        try:
            held = json.loads(text)
            primaries = held.pop("primaries")
            for name in ("log_energy", "zenith"):
                primaries[name] = tuple(primaries[name])
            if not isinstance(held["layout"], str):
                held["layout"] = tuple(tuple(place) for place in held["layout"])
            return cls(**held, primaries=Primaries(**primaries))
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(
                f"the settings of a production are needed; these are none ({error}). Simulate anew."
            ) from None

    @property
    def parts(self) -> int:
        return -(-self.events // PART)

    def size(self, number: int) -> int:
        """How many events are thrown in a part."""
        return min(PART, self.events - number * PART)


def showers_of(production: Production, number: int) -> ArrayEvents | KascadeEvents:
    """All events of a part, triggered or not."""
    n, array, start = production.size(number), production.array, number * PART
    if isinstance(array, Kascade):
        return kascade.events(n, production.primaries, production.seed, start=start, array=array)
    return events(n, array, production.primaries, production.seed, start=start)


def part(production: Production, number: int) -> Table:
    """The triggered events of a part: truth, observables of the standard reconstruction, stations.

    What the rules do not reach is missing, and flagged.
    """
    every = showers_of(production, number)
    found = every.take(every.triggered)
    rules = reconstructed(found) if isinstance(found, KascadeEvents) else standard(found)
    columns = {**found.truth().columns, **rules.table().columns}
    if production.weights is not None:
        weight = weights_to(found.showers.log_energy, production.weights, production.primaries)
        columns["weight"] = Column(weight, "", "to another spectrum", role="detail")
    if production.stations:
        columns |= found.stations().columns
    return Table(columns, "production", [_NOTE])


def produce(
    production: Production,
    path: Path | str,
    *,
    processes: int = 1,
    progress: Callable[[int], object] | None = None,
) -> int:
    """Make a Parquet file of the triggered events; how many there are.

    Parts that an earlier, stopped production of the same settings left beside it are taken over.

    Parameters
    ----------
    path : Path
        NAME.parquet.
    processes : int
        How many work side by side.
    progress : callable, optional
        Told how many events have been thrown so far.

    Raises
    ------
    ValueError
        Parts of other settings beside the file; another ending; no event triggers.
    """
    path = Path(path)
    if path.suffix != ".parquet":
        raise ValueError(
            f"simulated events go to a Parquet file, NAME.parquet; {str(path)!r} ends otherwise."
            f" Try {path.with_suffix('.parquet')}."
        )
    production.array.cores(np.zeros((1, 2)))  # settings that fit nothing are refused at once
    folder = _parts_folder(production, path)
    files = [folder / f"{number:06d}.parquet" for number in range(production.parts)]
    missing = [number for number, file in enumerate(files) if not file.exists()]
    left = set(missing)

    def tell() -> None:
        if progress is not None:
            progress(production.events - sum(map(production.size, left)))

    def done(number: int) -> None:
        left.remove(number)
        tell()

    tell()
    deal_out(partial(_make_part, production.text, str(folder)), missing, processes, done)
    rows = _joined(production, files, path)
    shutil.rmtree(folder)
    return rows


def open_production(path: Path | str) -> Production | None:
    """What a file was made by; None if it is no production. Raises ValueError as `from_text`."""
    from baksan.data.parquet import about

    text = about(path).get(_KEY)
    return None if text is None else Production.from_text(text)


def thrown_in(production: Production) -> Showers:
    """Every shower that was thrown, triggered or not: the truth behind efficiencies."""
    with warnings.catch_warnings():  # X_max below 10^17 eV is a continuation, and not asked for
        warnings.simplefilter("ignore", OutsideRange)
        return thrown(production.events, production.primaries, production.seed)


def _parts_folder(production: Production, path: Path) -> Path:
    folder = path.with_name(path.name + ".parts")
    kept = folder / "settings.json"
    if kept.exists() and kept.read_text(encoding="utf-8") != production.text:
        raise ValueError(
            f"{folder} holds parts of another production, with the settings"
            f" {kept.read_text(encoding='utf-8')}. Remove it, or choose another --out."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(kept) as beside:
        beside.write_text(production.text, encoding="utf-8")
    return folder


def _make_part(text: str, folder: str, number: int) -> None:
    from baksan.data.parquet import write_parquet

    write_parquet(part(Production.from_text(text), number), Path(folder) / f"{number:06d}.parquet")


def _joined(production: Production, files: list[Path], path: Path) -> int:
    from baksan.data.parquet import rows, write_joined

    if not any(rows(file, str(file)) for file in files):
        low, high = production.primaries.log_energy
        raise ValueError(
            f"an event must trigger to be kept; none of {production.events:,} did, with lg(E/eV)"
            f" from {low:g} to {high:g}. Throw more, or higher energies."
        )
    return write_joined(files, path, {_KEY: production.text})
