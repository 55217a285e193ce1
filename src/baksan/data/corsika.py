"""CORSIKA particle files: a table of showers, a table of particles at the ground.

Needs corsikaio: pip install baksan[corsika]. CORSIKA's axes are x to the magnetic north, y to the
west, z up; its φ is the azimuth of the shower's momentum, from north towards west. Ours are x east,
y north, z up, and φ tells where the shower comes from, from east towards north:

    x = −y_C,  y = x_C,  p_z = −(p_z)_C,  θ = θ_C,  φ = φ_C − 90°

A shower with φ_C = 0 travels north, so that it comes from the south, 270°; NuRadio turns it alike
[V]. North is the magnetic one, and an array that a run has turned stays turned (a note says so).

A particle's first word is code × 1000 + generation × 10 + level; muons are the codes 5 (μ⁺) and 6
(μ⁻) alone. 75, 76, 85, 86 tell where muons were made, 95 and 96 the hadrons before electromagnetic
showers, 8888 other weights, negative codes mothers and grandmothers, 9900 and more Cherenkov light:
none of them is a particle at the ground, they are left out and counted. D. Heck, T. Pierog,
Extensive Air Shower Simulation with CORSIKA: A User's Guide [M].
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baksan.data.columns import ReadError, chosen, parts_error
from baksan.data.corsika_walk import Piece, Walk
from baksan.table import Column, Table

__all__ = ["SHOWERS", "blocks", "rows"]

Array = NDArray[Any]
_PARTS = "showers", "particles"
_NAMES = {
    1: "gamma", 2: "e+", 3: "e-", 5: "mu+", 6: "mu-", 7: "pi0", 8: "pi+", 9: "pi-", 10: "K0L",
    11: "K+", 12: "K-", 13: "n", 14: "p", 15: "anti-p", 16: "K0S", 17: "eta", 18: "Lambda",
    19: "Sigma+", 20: "Sigma0", 21: "Sigma-", 22: "Xi0", 23: "Xi-", 24: "Omega-", 25: "anti-n",
    26: "anti-Lambda", 27: "anti-Sigma-", 28: "anti-Sigma0", 29: "anti-Sigma+", 30: "anti-Xi0",
    31: "anti-Xi+", 32: "anti-Omega+", 66: "nu_e", 67: "anti-nu_e", 68: "nu_mu", 69: "anti-nu_mu",
    201: "d", 301: "t", 402: "He", 1206: "C", 1407: "N", 1608: "O", 2412: "Mg", 2814: "Si",
    5626: "Fe",
}  # fmt: skip
"""Particles by their codes, nuclei 100 A + Z; what has no name here is called by its code."""
_ORIGINS, _OTHER_WEIGHTS, _LIGHT = (75, 76, 85, 86, 95, 96), 8888, 9900
_LOW = {1: "GHEISHA", 2: "UrQMD", 3: "FLUKA"}
_HIGH = {0: "HDPM", 1: "VENUS", 2: "SIBYLL", 3: "QGSJET", 4: "DPMJET", 5: "NEXUS", 6: "EPOS"}
_CM, _GEV = 0.01, 9.0  # in m; lg of a GeV in eV


class _About(NamedTuple):
    name: str
    unit: str
    description: str
    role: Literal["", "truth", "detail"] = ""


SHOWERS = (
    _About("event", "", "number of the shower in its run", "detail"),
    _About("run", "", "number of the run", "detail"),
    _About("primary", "", "what made the shower", "truth"),
    _About("code", "", "the primary in CORSIKA's numbers, nuclei 100 A + Z", "truth"),
    _About("log_energy", "", "lg(E/eV) of the primary", "truth"),
    _About("zenith", "deg", "zenith angle of the axis", "truth"),
    _About("azimuth", "deg", "where it comes from, from (magnetic) east towards north", "truth"),
    _About("first_interaction", "m", "height of the first interaction above sea level", "truth"),
    _About("x_max", "g/cm2", "depth of the maximum, of the fit in the run: slant with its option"
           " SLANT, else vertical; missing where there was no fit", "truth"),
    _About("level", "m", "height of the (highest) observation level above sea level", "detail"),
    _About("low_model", "", "hadronic model at low energies", "detail"),
    _About("high_model", "", "hadronic model at high energies", "detail"),
    _About("photons", "", "photons at the ground, by their weights"),
    _About("electrons", "", "electrons and positrons at the ground, by their weights"),
    _About("muons", "", "muons at the ground, by their weights"),
    _About("hadrons", "", "hadrons at the ground, by their weights"),
    _About("thinned", "", "whether one particle may stand for many", "detail"),
)  # fmt: skip
_PARTICLES = (
    _About("event", "", "number of the shower in its run", "detail"),
    _About("run", "", "number of the run", "detail"),
    _About("particle", "", "what it is"),
    _About("code", "", "the same in CORSIKA's numbers, nuclei 100 A + Z", "detail"),
    _About("x", "m", "from the axis at this level, to the (magnetic) east"),
    _About("y", "m", "from the axis at this level, to the north"),
    _About("px", "GeV", "momentum to the east"),
    _About("py", "GeV", "momentum to the north"),
    _About("pz", "GeV", "momentum upwards, below 0 for what falls"),
    _About("time", "ns", "since the first interaction, or since the shower entered the air"),
    _About("weight", "", "particles that it stands for"),
    _About("generation", "", "hadronic interactions before it, as CORSIKA counts them", "detail"),
    _About("level", "", "number of the observation level, 1 is the highest", "detail"),
)


def blocks(
    path: Path,
    source: str,
    rows: int,
    columns: Sequence[str] | None = None,
    *,
    part: str | None = None,
) -> Iterator[Table]:
    """Tables of at most `rows` rows, in bounded memory; what the notes count comes with the last.

    Parameters
    ----------
    part : str, optional
        'showers', one row each (the usual one), or 'particles', one row for each at the ground.

    Raises
    ------
    ReadError
        As `corsika_walk.Walk`; a part or a column that there is not; no rows.
    """
    showers = _part(part, source) == "showers"
    about = {told.name: told for told in (SHOWERS if showers else _PARTICLES)}
    names = chosen(list(about), columns, source)
    walk, account = Walk(path, source), _Account()
    held: Table | None = None
    start = 0
    for some in _batches(_arrays(walk, account, showers), rows):
        if held is not None:
            yield held
        kept = {name: _column(some[name], about[name]) for name in names}
        count = len(some["event"])
        held = Table(kept, source, rows=np.arange(start, start + count))
        start += count
    if held is None:
        raise ReadError(f"{source}: rows are needed; there is none in this file. Choose another.")
    yield held.with_notes(*account.notes(walk, showers))


def _column(values: Array, told: _About) -> Column:
    return Column(values, told.unit, told.description, role=told.role)


def rows(path: Path, source: str, part: str | None = None) -> int:
    """How many rows there are; the file is walked through."""
    walk = Walk(path, source)
    if _part(part, source) == "showers":
        return sum(piece.end is not None for piece in walk.pieces())
    return sum(int(_at_ground(piece.records).sum()) for piece in walk.pieces())


def _part(part: str | None, source: str) -> str:
    if part is None or part in _PARTS:
        return part or _PARTS[0]
    raise parts_error(source, "table", _PARTS, part)


def _at_ground(records: Array) -> Array:
    """Which records (k, 7 or 8) are particles."""
    code = _code(records)
    return (records[:, 0] > 0) & ~np.isin(code, (*_ORIGINS, _OTHER_WEIGHTS)) & (code < _LIGHT)


def _code(records: Array) -> Array:
    return np.abs(records[:, 0]).astype(np.int64) // 1000


# What is counted on the way -----------------------------------------------------------------------


@dataclass
class _Account:
    """What the notes tell."""

    left: Counter[str] = field(default_factory=Counter)
    turned: set[float] = field(default_factory=set)
    odd: int = 0
    found: int = 0

    def add(self, piece: Piece, ground: Array) -> None:
        code, first = _code(piece.records), piece.records[:, 0]
        mothers, light = first < 0, code >= _LIGHT
        kinds = {
            "origins of muons and electromagnetic showers": np.isin(code, _ORIGINS) & ~mothers,
            "mothers and grandmothers": mothers,
            "bunches of Cherenkov photons": light & ~mothers,
            "other weights": (code == _OTHER_WEIGHTS) & ~mothers,
        }
        self.left.update({kind: n for kind, which in kinds.items() if (n := int(which.sum()))})
        self.found += int(ground.sum())
        if piece.end is not None:
            self.turned.add(
                round(float(np.rad2deg(piece.header["angle_array_x_magnetic_north"])), 3)
            )
            written = float(piece.end["n_particles_written"])
            self.odd += abs(written - self.found) > 1e-6 * written  # single precision
            self.found = 0

    def notes(self, walk: Walk, showers: bool) -> list[str]:
        told = []
        if showers:
            told.append("the particles of the showers are another table, FILE#particles.")
        if walk.thinned:
            told.append("thinned: one particle stands for many, and counts are sums of weights.")
        if self.left and not showers:
            kinds = ", ".join(f"{n:,} {kind}" for kind, n in self.left.items())
            told.append(f"records left out, no particles at the ground: {kinds}.")
        if angles := sorted(a for a in self.turned if a):
            which = ", ".join(f"{a:g}" for a in angles)
            told.append(
                f"the run turned its array from the magnetic north, by {which} deg; left so."
            )
        if self.odd:
            told.append(
                f"{self.odd:,} showers hold other numbers of particles than their ends say."
            )
        if walk.announced != walk.finished:
            told.append(f"{walk.finished:,} showers; the end of the run says {walk.announced:,}.")
        return told


# From records to columns --------------------------------------------------------------------------


def _arrays(walk: Walk, account: _Account, showers: bool) -> Iterator[dict[str, Array]]:
    """Columns by name, a few rows at a time."""
    for piece in walk.pieces():
        ground = _at_ground(piece.records)
        account.add(piece, ground)
        if showers and piece.end is not None:
            yield _shower(piece.header, piece.end, walk.thinned)
        elif not showers and ground.any():
            yield _particles(piece.header, piece.records[ground])


def _batches(parts: Iterator[dict[str, Array]], rows: int) -> Iterator[dict[str, Array]]:
    """The same with `rows` rows each, fewer in the last."""
    held: list[dict[str, Array]] = []
    count = 0
    for part in parts:
        held.append(part)
        count += len(part["event"])
        if count >= rows:
            whole = _joined(held)
            full = count - count % rows
            for at in range(0, full, rows):
                yield {n: v[at : at + rows] for n, v in whole.items()}
            held, count = [{n: v[full:] for n, v in whole.items()}], count - full
    if count:
        yield _joined(held)


def _joined(parts: Sequence[dict[str, Array]]) -> dict[str, Array]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _shower(header: Any, end: Any, thinned: bool) -> dict[str, Array]:
    """One row."""
    code = int(header["particle_id"])
    low, high = int(header["low_energy_hadron_model"]), int(header["high_energy_hadron_model"])
    row = {
        "event": int(header["event_number"]),
        "run": int(header["run_number"]),
        "primary": _NAMES.get(code, str(code)),
        "code": code,
        "log_energy": np.log10(float(header["total_energy"])) + _GEV,
        "zenith": np.rad2deg(float(header["zenith"])),
        "azimuth": (np.rad2deg(float(header["azimuth"])) - 90.0) % 360.0,
        # Below 0 says that times count from where the shower entered the air.
        "first_interaction": abs(float(header["first_interaction_height"])) * _CM,
        "x_max": _fitted_maximum(end),
        "level": float(header["observation_height"][0]) * _CM,
        "low_model": _LOW.get(low, str(low)),
        "high_model": _HIGH.get(high, str(high)),
        **{n: float(end[f"n_{n}_weighted"]) for n in ("photons", "electrons", "muons", "hadrons")},
        "thinned": thinned,
    }
    return {name: np.array([value]) for name, value in row.items()}


def _fitted_maximum(end: Any) -> float:
    """The third parameter of the fit to the longitudinal development."""
    if (
        "longitudinal_fit_parameters" not in end.dtype.names
        or not end["chi_square_longitudinal"] > 0
    ):
        return float("nan")
    depth = float(end["longitudinal_fit_parameters"][2])
    return depth if depth > 0 else float("nan")


def _particles(header: Any, records: Array) -> dict[str, Array]:
    """A row for each record (k, 7 or 8): first word, p_x, p_y, p_z, x, y, t and weight."""
    word, code = records[:, 0].astype(np.int64), _code(records)
    found, which = np.unique(code, return_inverse=True)
    names = np.array([_NAMES.get(int(c), str(c)) for c in found])
    return {
        "event": np.full(len(records), int(header["event_number"])),
        "run": np.full(len(records), int(header["run_number"])),
        "particle": names[which],
        "code": code,
        "x": -_CM * records[:, 5].astype(float),
        "y": _CM * records[:, 4].astype(float),
        "px": -records[:, 2].astype(float),
        "py": records[:, 1].astype(float),
        "pz": -records[:, 3].astype(float),
        "time": records[:, 6].astype(float),
        "weight": records[:, 7].astype(float) if records.shape[1] == 8 else np.ones(len(records)),
        "generation": word // 10 % 100,
        "level": word % 10,
    }
