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
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from baksan.data.parquet import about, write_joined, write_parquet
from baksan.data.parquet import rows as count_rows
from baksan.files import alone, replacing
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
from baksan.simulate.showers import check_spectrum, thrown, weights_to
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
            check_spectrum(self.weights)

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
    with warnings.catch_warnings():  # `produce` warns, once
        warnings.simplefilter("ignore", OutsideRange)
        return _events(production, production.size(number), number * PART)


def _events(production: Production, n: int, start: int) -> ArrayEvents | KascadeEvents:
    array = production.array
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

    Parts that an earlier, stopped production of the same settings left beside it are taken over;
    where the whole file is there, nothing is done.

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
        Settings that no formula reaches; another file there, or parts of other settings; another
        ending; no event triggers.
    FileExistsError
        Another command makes the same file.
    """
    path = Path(path)
    check_count(processes, "processes, how many work side by side,", 1)
    if _is_there(production, path):
        return count_rows(path, str(path))
    _check_reach(production)
    folder = path.with_name(path.name + ".parts")
    with alone(folder):
        _check_parts(production, folder, path)
        rows = _made(production, folder, path, processes, progress)
        shutil.rmtree(folder)
    return rows


def _made(
    production: Production, folder: Path, path: Path, processes: int,
    progress: Callable[[int], object] | None,
) -> int:  # fmt: skip
    files = [folder / f"{number:06d}.parquet" for number in range(production.parts)]
    missing = [number for number, file in enumerate(files) if not _whole(file)]
    left = set(missing)

    def tell() -> None:
        if progress is not None:
            progress(production.events - sum(map(production.size, left)))

    def done(number: int) -> None:
        left.remove(number)
        tell()

    tell()
    deal_out(partial(_make_part, production.text, str(folder)), missing, processes, done)
    return _joined(production, files, path)


def open_production(path: Path | str) -> Production | None:
    """What a file was made by; None if it is no production. Raises ValueError as `from_text`."""
    text = about(path).get(_KEY)
    return None if text is None else Production.from_text(text)


def thrown_in(production: Production) -> Showers:
    """Every shower that was thrown, triggered or not: the truth behind efficiencies."""
    with warnings.catch_warnings():  # X_max below 10^17 eV is a continuation, and not asked for
        warnings.simplefilter("ignore", OutsideRange)
        return thrown(production.events, production.primaries, production.seed)


def _is_there(production: Production, path: Path) -> bool:
    """Whether the whole file is. Raises ValueError where something else is in its place."""
    if path.suffix != ".parquet":
        raise ValueError(
            f"simulated events go to a Parquet file, NAME.parquet; {str(path)!r} ends otherwise."
            f" Try {path.with_suffix('.parquet')}."
        )
    if not path.exists():
        return False
    if path.is_file() and _text_of(path) == production.text:
        return True
    raise ValueError(
        f"{path} must be new, or hold this production; something else is there. Remove it, or"
        " choose another --out."
    )


def _text_of(path: Path) -> str | None:
    try:
        return about(path).get(_KEY)
    except (OSError, ValueError):  # no Parquet file
        return None


def _check_reach(production: Production) -> None:
    """Raise or warn where the formulas do not reach, before anything is made."""
    _events(production, 0, 0)
    if production.layout == KASCADE:  # which asks for no X_max
        return
    for end in production.primaries.log_energy:
        thrown(64, replace(production.primaries, log_energy=(end, end)))


def _check_parts(production: Production, folder: Path, path: Path) -> None:
    kept = folder / "settings.json"
    if kept.exists():
        old, new = (_flat(json.loads(t)) for t in (kept.read_text("utf-8"), production.text))
        if other := [name for name in new if old.get(name) != new[name]]:
            raise ValueError(
                f"{folder} must hold parts of this production; it holds those of another one, with"
                f" other {', '.join(other)}. Finish that one with its own command, remove the"
                " folder, or choose another --out."
            )
    with replacing(kept) as beside:
        beside.write_text(production.text, encoding="utf-8")


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    primaries: dict[str, Any] = settings["primaries"]
    return {k: v for k, v in settings.items() if k != "primaries"} | primaries


def _whole(file: Path) -> bool:
    """Whether a part was made; one that was damaged since is made again."""
    try:
        return file.exists() and count_rows(file, str(file)) >= 0
    except ValueError:
        return False


def _make_part(text: str, folder: str, number: int) -> None:
    write_parquet(part(Production.from_text(text), number), Path(folder) / f"{number:06d}.parquet")


def _joined(production: Production, files: list[Path], path: Path) -> int:
    if not any(count_rows(file, str(file)) for file in files):
        shutil.rmtree(files[0].parent)
        low, high = production.primaries.log_energy
        raise ValueError(
            f"an event must trigger to be kept; none of {production.events:,} did, with lg(E/eV)"
            f" from {low:g} to {high:g}. Throw more, or higher energies."
        )
    return write_joined(files, path, {_KEY: production.text})
