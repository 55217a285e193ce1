"""Showers before they meet a detector: what arrives, from where, and how it develops.

Energies in eV (as lg E), angles in rad, depths in g/cm². What a shower is depends on (seed, i)
alone: event i takes the uniform numbers 16 i … 16 i + 15 of a Philox generator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from baksan.physics import depth_of_maximum, directions, longitudinal, muons, spectrum
from baksan.physics.checks import inside
from baksan.simulate.counter import check_count, uniforms

Array = NDArray[Any]

__all__ = [
    "COMPOSITIONS", "SPECIES", "SPECTRA", "Primaries", "Showers", "check_spectrum", "flux",
    "thrown", "weights_to",
]  # fmt: skip

SPECIES = {"p": 1, "He": 4, "N": 14, "Si": 28, "Fe": 56, "gamma": 0}
"""Mass numbers of the primaries that can be thrown; 0 for photons."""
COMPOSITIONS = {
    "h3a": (spectrum.h3a, {"p": "p", "He": "He", "CNO": "N", "Mg-Si": "Si", "Fe": "Fe"}),
    "ultra-high": (
        spectrum.ultra_high_fractions,
        {"p": "p", "He": "He", "CNO": "N", "Fe": "Fe"},
    ),
}
"""Mixtures that change with energy, and which primary stands for each of their groups."""


def _around_the_knee(energy: Array) -> Array:
    return np.asarray(np.sum(list(spectrum.h3a(energy).values()), axis=0))


SPECTRA: dict[str, Callable[[Array], Array]] = {
    "auger": spectrum.auger,
    "h3a": _around_the_knee,
}
"""Spectra that energies can be drawn from, besides power laws."""
_DRAWS = 16
_STEEPEST = np.deg2rad(62.0)
_PHOTONS_LPM = 17.5  # lg(E/eV): below, photons develop after Greisen
_PAIR = 9 / 7 * longitudinal.RADIATION_LENGTH  # g/cm²: mean depth of a photon's first pair


@dataclass(frozen=True)
class Primaries:
    """What is thrown at an array.

    Parameters
    ----------
    shares : mapping of str to float, or str
        How much of each of `SPECIES`, in any unit; or one of `COMPOSITIONS`, at each energy its
        own.
    log_energy : (float, float)
        lg(E/eV) from … to, within 14 … 20.5; with photons at most 19.7.
    index : float or str
        g of dN/dE ∝ E^−g; 1 is flat in lg E; or one of `SPECTRA`.
    zenith : (float, float)
        In rad, from … to, at most 62°; within, an isotropic flux on a flat array.
    model : str
        The hadronic model of X_max, one of `depth_of_maximum.MODELS`.
    muon_factor : float
        k_μ, what hadronic models leave open: muons in units of those of the model.
    spread : float
        σ of a log-normal factor on all signals of a shower: shapes, air, calibration [D].

    Raises
    ------
    ValueError
        Unknown names, shares that are negative or all 0, ranges that do not rise or lie outside.

    Examples
    --------
    >>> Primaries({"p": 1, "Fe": 1}, log_energy=(18.5, 19.5)).names
    ('p', 'Fe')
    """

    shares: Mapping[str, float] | str = field(default_factory=lambda: {"p": 1.0, "Fe": 1.0})
    log_energy: tuple[float, float] = (18.0, 19.5)
    index: float | str = 1.0
    zenith: tuple[float, float] = (0.0, float(np.deg2rad(55.0)))
    model: str = "qgsjetii-04"
    muon_factor: float = 1.0
    spread: float = 0.12

    def __post_init__(self) -> None:
        _check_shares(self.shares)
        low, high = _ends(
            self.log_energy, 14.0, 20.5, "lg(E/eV)", "", "Give lg of energies in eV, not in EeV."
        )
        near, far = _ends(
            self.zenith, 0.0, _STEEPEST, "the zenith angle", "rad", "Give rad, up to 62°."
        )
        if "gamma" in self.names and high > depth_of_maximum.PHOTONS_CONVERT:
            raise ValueError(
                f"photons must stay below lg(E/eV) = {depth_of_maximum.PHOTONS_CONVERT}, where they"
                f" begin to convert in the geomagnetic field; energies go up to {high:g}. Lower"
                " that, or leave gamma out."
            )
        if not (low <= high and near <= far):
            raise ValueError(
                f"ranges must rise; lg E is {low:g} … {high:g}, zenith {near:g} … {far:g}."
                " Give the lower end first."
            )
        check_spectrum(self.index)
        if self.model not in depth_of_maximum.MODELS:
            known = ", ".join(depth_of_maximum.MODELS)
            raise ValueError(f"the model must be one of {known}; {self.model!r} is not. Take one.")
        inside(self.muon_factor, 0.1, 3.0, "the factor of the muons")
        inside(self.spread, 0.0, 1.0, "the spread of the signals")

    @property
    def names(self) -> tuple[str, ...]:
        """The primaries that may come, lightest first, photons last."""
        if isinstance(self.shares, str):
            return tuple(COMPOSITIONS[self.shares][1].values())
        return tuple(name for name in SPECIES if self.shares.get(name, 0.0) > 0)


def _check_shares(shares: Mapping[str, float] | str) -> None:
    if not isinstance(shares, str | Mapping):
        raise ValueError(
            f"shares must be numbers by name, such as {{'p': 1, 'Fe': 1}}; {shares!r} came. Give"
            " such a mapping."
        )
    if isinstance(shares, str):
        if shares not in COMPOSITIONS:
            raise ValueError(
                f"a composition must be shares by name or one of {', '.join(COMPOSITIONS)};"
                f" {shares!r} is neither. Take one."
            )
        return
    if strange := [name for name in shares if name not in SPECIES]:
        raise ValueError(
            f"primaries must be among {', '.join(SPECIES)}; {strange[0]!r} is not. Take these."
        )
    values = np.array(list(shares.values()), dtype=float)
    if not (np.isfinite(values).all() and (values >= 0).all() and values.sum() > 0):
        raise ValueError(
            f"shares must be 0 or more, and one of them above 0; they are {dict(shares)}."
            " Give for example {'p': 1, 'Fe': 1}."
        )


def flux(energy: Array, spectrum_of: float | str) -> Array:
    """J(E) up to its norm: E^−g for a number g, else one of `SPECTRA`. Raises ValueError."""
    check_spectrum(spectrum_of)
    if not isinstance(spectrum_of, str):
        return spectrum.power_law(energy, spectrum_of)
    return SPECTRA[spectrum_of](energy)


def weights_to(log_energy: Array, target: float | str, primaries: Primaries) -> Array:
    """Weights (n,) that turn thrown showers into those of another spectrum, 1 at the lowest energy.

        w = (J(E)/J(E₁)) / (J_thrown(E)/J_thrown(E₁))

    The weight of an event depends on it alone; `physics.spectrum.to_spectrum` gives the same
    weights with mean 1.

    Examples
    --------
    >>> weights_to(np.array([18.0, 19.0]), 3.0, Primaries(log_energy=(18, 19.5))).round(6).tolist()
    [1.0, 0.01]
    """
    E, lowest = 10.0**log_energy, np.array([10.0 ** primaries.log_energy[0]])
    wanted = flux(E, target) / flux(lowest, target)
    return np.asarray(wanted / (flux(E, primaries.index) / flux(lowest, primaries.index)))


def check_spectrum(spectrum_of: float | str) -> None:
    """Raise ValueError for what is neither a number g of E^−g nor one of `SPECTRA`."""
    if not isinstance(spectrum_of, str):
        inside(spectrum_of, -10.0, 10.0, "g of the spectrum E^-g", "", "Give for example 2.7.")
    elif spectrum_of not in SPECTRA:
        raise ValueError(
            f"the spectrum must be a number g of E^-g or one of {', '.join(SPECTRA)};"
            f" {spectrum_of!r} is neither. Take one."
        )


def _ends(
    ends: tuple[float, float], low: float, high: float, what: str, unit: str, hint: str
) -> tuple[float, float]:
    if np.shape(ends) != (2,):
        raise ValueError(f"{what} needs a lower and an upper end; {ends!r} came. Give both.")
    for end in ends:
        inside(end, low, high, what, unit, hint)
    return ends


@dataclass(frozen=True, eq=False)
class Showers:
    """n showers: the truth that a detector does not tell.

    Parameters
    ----------
    event : (n,) int
        The number i of the event.
    names : tuple of str
        The primaries that may come.
    kind : (n,) int
        Which of them it is.
    log_energy : (n,)
        lg(E/eV).
    zenith, azimuth : (n,)
        Of the direction to the source, in rad.
    core : (n, 2)
        Two uniform numbers: where in its cell the axis meets the ground; layouts make metres of it.
    x_max : (n,)
        In g/cm².
    muons : (n,)
        R_μ, muons in units of those of a mean proton shower.
    factor : (n,)
        On all signals, of mean 1.
    """

    event: Array
    names: tuple[str, ...]
    kind: Array
    log_energy: Array
    zenith: Array
    azimuth: Array
    core: Array
    x_max: Array
    muons: Array
    factor: Array

    def __len__(self) -> int:
        return len(self.event)

    @property
    def mass(self) -> Array:
        """A (n,); 0 for photons."""
        return np.array([SPECIES[name] for name in self.names])[self.kind]

    @property
    def primary(self) -> Array:
        """Names (n,)."""
        return np.array(self.names)[self.kind]

    def take(self, index: Array) -> Showers:
        """These showers alone."""
        held = {f.name: getattr(self, f.name) for f in fields(self)}
        return Showers(**{k: v if k == "names" else v[index] for k, v in held.items()})


def thrown(n: int, primaries: Primaries, seed: int = 0, start: int = 0) -> Showers:
    """The showers start … start + n − 1 of the seed.

    Raises ValueError for counts that are negative or not whole.
    """
    check_count(n, "n, the number of events,", 0)
    check_count(seed, "seed", 0)
    check_count(start, "start, the number of the first event,", 0)
    u = uniforms(n, _DRAWS, seed, start)
    lg = _log_energies(u[:, 0], primaries)
    kind = _kinds(u[:, 1], lg, primaries)
    mass = np.array([SPECIES[name] for name in primaries.names])[kind]
    sigma = primaries.spread
    return Showers(
        np.arange(start, start + n),
        primaries.names,
        kind,
        lg,
        _zeniths(u[:, 2], primaries),
        2 * np.pi * u[:, 3],
        u[:, 4:6],
        _maxima(u[:, 6], lg, mass, primaries.model),
        _muons(ndtri(u[:, 7]), mass, primaries.muon_factor),
        np.exp(sigma * ndtri(u[:, 8]) - sigma**2 / 2),
    )


def _log_energies(u: Array, primaries: Primaries) -> Array:
    low, high = primaries.log_energy
    if low == high:
        return np.full(len(u), low)
    if not isinstance(primaries.index, str):
        energies = spectrum.power_law_energies(u, primaries.index, 10.0**low, 10.0**high)
        return np.asarray(np.clip(np.log10(energies), low, high))
    # The integral in lg E by the trapezoidal rule; linear between points a thousandth decade apart.
    grid = np.linspace(low, high, max(2, int(1000 * (high - low)) + 1))
    per_decade = SPECTRA[primaries.index](10.0**grid) * 10.0**grid
    below = np.concatenate([[0.0], np.cumsum((per_decade[1:] + per_decade[:-1]) / 2)])
    return np.interp(u, below / below[-1], grid)


def _kinds(u: Array, lg: Array, primaries: Primaries) -> Array:
    if isinstance(primaries.shares, str):
        mixture, names = COMPOSITIONS[primaries.shares]
        flux = mixture(10.0**lg)
        shares = np.stack([flux[group] for group in names])
    else:
        shares = np.array([[primaries.shares[name]] for name in primaries.names])
    below = np.cumsum(shares, axis=0)[:-1] / shares.sum(axis=0)
    return np.asarray(np.sum(u >= below, axis=0))


def _zeniths(u: Array, primaries: Primaries) -> Array:
    near, far = np.sin(primaries.zenith) ** 2
    highest = primaries.zenith[1]
    if highest == 0.0:
        return np.zeros(len(u))
    return directions.isotropic_zenith((near + u * (far - near)) / far, highest)


def _maxima(u: Array, lg: Array, mass: Array, model: str) -> Array:
    """X_max of each shower, from one uniform number."""
    found = np.empty(len(u))
    nuclei = mass > 0
    found[nuclei] = depth_of_maximum.x_max_quantile(u[nuclei], lg[nuclei], mass[nuclei], model)
    slow = ~nuclei & (lg >= _PHOTONS_LPM)
    mean, spread = depth_of_maximum.photon_maximum(lg[slow])
    found[slow] = mean + spread * ndtri(u[slow])
    fast = ~nuclei & ~slow
    found[fast] = longitudinal.greisen_maximum(10.0 ** lg[fast]) - _PAIR * (1 + np.log(u[fast]))
    return found


def _muons(z: Array, mass: Array, factor: float) -> Array:
    """R_μ: of photons 0.12 times a proton's, with its spread."""
    photons = np.where(mass == 0, muons.PHOTON_MUONS, 1.0)
    return photons * muons.muon_factors(z, np.maximum(mass, 1), factor)
