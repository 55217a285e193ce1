"""Values that the formulas must give: published, or calculated apart from this code.

`python tests/physics/check_values.py` prints them beside what the formulas give.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from baksan.physics import (
    OutsideRange,
    atmosphere,
    cherenkov,
    counts,
    depth_of_maximum,
    directions,
    energy,
    front,
    lateral,
    longitudinal,
    muons,
    response,
    spectrum,
)

DEGREE = np.pi / 180
US = atmosphere.US_STANDARD


@dataclass(frozen=True)
class Check:
    """What is looked at, what it gives, what it should, and how far off it may be."""

    name: str
    found: Callable[[], Any]
    expected: Any
    tolerance: float
    relative: bool = True

    @property
    def worst(self) -> float:
        """The largest difference, in units of the tolerance."""
        found, expected = np.asarray(self.found(), float), np.asarray(self.expected, float)
        apart = np.abs(found - expected) / (np.abs(expected) if self.relative else 1.0)
        return float(apart.max() / self.tolerance)


def checks() -> Iterator[Check]:
    """All of them."""
    yield from air()
    yield from primaries()
    yield from profiles()
    yield from ground()
    yield from times()
    yield from detectors()
    yield from figures()


def air() -> Iterator[Check]:
    heights = [0, 110, 1400, 1420, 1430, 1700, 2200, 4410]
    depths = [1036.1, 1022.6, 875.5, 873.4, 872.3, 843.9, 793.4, 598.0]
    yield Check("T(h) at eight heights, g/cm2", lambda: US.depth(heights), depths, 0.051, False)
    yield Check(
        "h(T) at 100, 300, 500, 700 g/cm2, km",
        lambda: US.height([100, 300, 500, 700]) / 1000,
        [16.38, 9.347, 5.749, 3.196],
        0.0051,
        False,
    )
    thresholds = [24.5, 29.5, 36.0, 41.2, 47.1]
    levels = [2200, 5000, 8000, 10_000, 12_000]
    yield Check(
        "Cherenkov threshold at 2.2 … 12 km, MeV",
        lambda: cherenkov.threshold(levels) / 1e6,
        thresholds,
        0.06,
        False,
    )
    yield Check(
        "Cherenkov angle at 2.2 … 12 km, deg",
        lambda: np.rad2deg(cherenkov.cherenkov_angle(levels)),
        [1.20, 0.99, 0.81, 0.71, 0.62],
        0.0051,
        False,
    )


def primaries() -> Iterator[Check]:
    shares = [
        [0.262, 0.389, 0.141, 0.067, 0.141],
        [0.107, 0.309, 0.205, 0.123, 0.256],
        [0.042, 0.099, 0.169, 0.243, 0.447],
    ]
    yield Check(
        "H3a, shares at 1, 10, 100 PeV", lambda: _shares([1e15, 1e16, 1e17]), shares, 6e-4, False
    )
    yield Check(
        "H3a, ⟨ln A⟩ at 1, 10, 100 PeV",
        lambda: _ln_a([1e15, 1e16, 1e17]),
        [1.70, 2.40, 3.18],
        0.0051,
        False,
    )
    yield Check(
        "H3a, index at 1, 3.2, 10 PeV",
        lambda: _index([1e15, 3.2e15, 1e16]),
        [-2.71, -2.87, -3.07],
        0.0051,
        False,
    )
    yield Check(
        "H3a, flux above 0.1, 1, 10, 100 PeV, 1/(m2 sr yr)",
        lambda: [_above(E) for E in (1e14, 1e15, 1e16, 1e17)],
        [2.48e3, 51, 0.585, 5.3e-3],
        0.01,
    )
    lg = np.array([17.5, 18.0, 18.45, 19.05, 19.55, 19.95])
    yield Check(
        "Auger's J at six energies, 1/(km2 sr yr eV)",
        lambda: spectrum.auger(10**lg),
        [2.574e-15, 5.775e-17, 1.857e-18, 3.791e-20, 1.306e-21, 1.79e-23],
        2e-3,
    )
    measured = np.array([18.45, 18.85, 19.05, 19.55, 19.95])
    yield Check(
        "Auger's J beside its measured points",
        lambda: spectrum.auger(10**measured),
        [1.938e-18, 1.227e-19, 3.796e-20, 1.253e-21, 1.87e-23],
        0.06,
    )
    yield Check(
        "Auger's flux above 18, 18.5, 19, 19.5, 20, 1/(km2 sr yr)",
        lambda: [_auger_above(one) for one in (18, 18.5, 19, 19.5, 20)],
        [25.3, 2.05, 0.276, 0.0214, 2.07e-4],
        0.01,
    )
    yield Check(
        "θ of an isotropic flux up to 60°: mean, median, deg; P(θ < 45°); ⟨sin²θ⟩",
        _isotropic,
        [36.55, 37.76, 0.667, 0.375],
        6e-4,
    )


def profiles() -> Iterator[Check]:
    table = {
        ("qgsjetii-04", 1): ([684, 739, 793, 847], [71, 65, 61, 58]),
        ("qgsjetii-04", 4): ([648, 704, 758, 813], [47, 45, 43, 41]),
        ("qgsjetii-04", 14): ([621, 677, 731, 785], [37, 35, 34, 32]),
        ("qgsjetii-04", 56): ([582, 642, 698, 751], [25, 23, 22, 22]),
        ("epos-lhc", 1): ([696, 752, 808, 863], [67, 63, 59, 56]),
        ("epos-lhc", 4): ([660, 719, 775, 830], [44, 41, 38, 36]),
        ("epos-lhc", 14): ([630, 690, 748, 803], [32, 30, 28, 26]),
        ("epos-lhc", 56): ([589, 652, 712, 768], [19, 18, 17, 16]),
        ("sibyll-2.1", 1): ([679, 740, 798, 853], [62, 58, 54, 51]),
        ("sibyll-2.1", 56): ([583, 641, 698, 754], [28, 24, 22, 20]),
        ("sibyll-2.3d", 1): ([700, 758, 816, 873], [72, 67, 62, 58]),
        ("sibyll-2.3d", 56): ([589, 652, 714, 772], [26, 24, 23, 21]),
    }
    for (model, mass), (mean, spread) in table.items():
        at = [17, 18, 19, 20], mass, model
        yield Check(
            f"⟨X_max⟩ of {model}, A = {mass}, lg E 17 … 20, g/cm2",
            lambda at=at: depth_of_maximum.x_max_mean(*at),
            mean,
            0.6,
            False,
        )
        yield Check(
            f"σ(X_max) of {model}, A = {mass}, lg E 17 … 20, g/cm2",
            lambda at=at: depth_of_maximum.x_max_spread(*at),
            spread,
            0.6,
            False,
        )
    yield Check(
        "Greisen's X_max at 1 TeV, g/cm2",
        lambda: longitudinal.greisen_maximum(1e12),
        346,
        0.5,
        False,
    )
    yield Check(
        "Gaisser–Hillas at 10¹⁹ eV: R, L, λ, X₀, ∫/maximum",
        _mean_profile,
        [0.216, 234, 50.5, -290, 589],
        3e-3,
    )


def ground() -> Iterator[Check]:
    r, theta = np.array([200, 400, 1200, 2000, 3000]), np.array([0, 30, 45]) * DEGREE
    f = [
        [153.3, 112.5, 67.0],
        [14.71, 12.48, 9.46],
        [0.1735, 0.1923, 0.2284],
        [0.0161, 0.0204, 0.0303],
        [0.0022, 0.0031, 0.0056],
    ]
    yield Check(
        "f(r)/f(800 m) of Telescope Array, five r × three θ",
        lambda: lateral.telescope_array(r[:, None], theta),
        f,
        0.02,
    )
    yield Check(
        "E of S800 = 530, θ = 38.6°, EeV",
        lambda: energy.ta_energy(530, 38.6 * DEGREE) / 1e18,
        308.4,
        2e-4,
    )
    yield Check(
        "the same, on the scale of fluorescence light, EeV",
        lambda: energy.ta_energy(530, 38.6 * DEGREE) / 1e18 / 1.27,
        244,
        6e-3,
    )
    yield Check(
        "S800 at 10¹⁸ eV, 0°; 10¹⁹, 0°, 30°, 45°; 10²⁰, 30°",
        lambda: energy.ta_s800(
            [1e18, 1e19, 1e19, 1e19, 1e20], np.array([0, 0, 30, 45, 30]) * DEGREE
        ),
        [2.73, 25.5, 22.9, 14.8, 214],
        3e-3,
    )
    yield Check(
        "attenuation at 0, 20, 38.6, 45, 55, 60°",
        lambda: energy.ta_attenuation(np.array([0, 20, 38.6, 45, 55, 60]) * DEGREE),
        [1.093, 1.070, 0.815, 0.635, 0.325, 0.196],
        6e-4,
        False,
    )
    yield Check(
        "S38 of Auger at 3, 10, 100 EeV, VEM",
        lambda: energy.auger_s1000([3e18, 1e19, 1e20], 38 * DEGREE),
        [14.8, 47.7, 445],
        3e-3,
    )
    yield Check(
        "f_CIC of Auger at 0, 25, 38, 45, 60°",
        lambda: energy.auger_attenuation(np.array([0, 25, 38, 45, 60]) * DEGREE),
        [1.059, 1.118, 1, 0.859, 0.472],
        6e-4,
        False,
    )
    yield Check(
        "KASCADE, electrons of N_e = 10⁵, s = 0.94 at 10, 40, 100, 200 m, 1/m2",
        lambda: lateral.kascade_electrons([10, 40, 100, 200], 1e5, 0.94),
        [22.1, 2.91, 0.393, 0.0636],
        3e-3,
    )
    yield Check(
        "muons of iron in those of protons", lambda: muons.muon_excess(56), 1.40, 0.03, False
    )


def times() -> Iterator[Check]:
    yield Check(
        "a(θ) at 0, 20, 30, 35, 45, 60°",
        lambda: front.linsley_curvature(np.array([0, 20, 30, 35, 45, 60]) * DEGREE),
        [3.384, 3.014, 2.740, 2.411, 1.751, 1.083],
        6e-4,
        False,
    )
    a = front.linsley_curvature(30 * DEGREE)
    yield Check(
        "T_D at 800 m (ρ = 23) and 1500 m (ρ = 2), θ = 30°, good, ns",
        lambda: front.linsley_delay([800, 1500], [23, 2], a, "good"),
        [63, 530],
        0.06,
    )
    yield Check(
        "T_S at the same, ns",
        lambda: front.linsley_thickness([800, 1500], [23, 2], a, "good"),
        [51, 270],
        0.06,
    )
    yield Check(
        "delay of a sphere of 10 km at 1 km, ns", lambda: front.spherical_delay(1e3, 1e4), 167, 0.01
    )


def detectors() -> Iterator[Check]:
    ratios = [
        [1.036, 1.038, 0.873, 0.446],
        [0.835, 0.948, 1.047, 0.942],
        [0.686, 0.876, 1.216, 1.631],
        [0.566, 0.813, 1.391, 2.562],
    ]
    yield Check(
        "G at 800 m, 10¹⁹ eV: X_max 698 … 960 against 793, θ = 0, 30, 45, 60°",
        _growth,
        ratios,
        1.5e-3,
    )
    yield Check(
        "share of muons at 800 m, θ = 0, 45, 60°",
        lambda: response.muon_share(800, np.array([0, 45, 60]) * DEGREE),
        [0.22, 0.43, 0.72],
        6e-3,
        False,
    )


def figures() -> Iterator[Check]:
    yield Check("Li–Ma of 30, 100, 0.2", lambda: counts.li_ma(30, 100, 0.2), 1.8753, 5e-5, False)
    yield Check("95 % limit of no event", lambda: counts.poisson_limit(0), 3.0, 0.005, False)


# How some are found -------------------------------------------------------------------------------


def _shares(energies: list[float]) -> np.ndarray:
    flux = np.array(list(spectrum.h3a(energies).values()))
    return (flux / flux.sum(axis=0)).T


def _ln_a(energies: list[float]) -> np.ndarray:
    return _shares(energies) @ np.log([group.mass for group in spectrum.GROUPS.values()])


def _index(energies: list[float]) -> np.ndarray:
    E = np.array(energies)
    low, high = (sum(spectrum.h3a(E * f).values()) for f in (0.999, 1.001))
    return np.log(high / low) / np.log(1.001 / 0.999)


def _above(start: float) -> float:
    """∫ dE of H3a from there on, a year of 3.156·10⁷ s; to 10²⁰ eV, where the integral ends."""
    E = np.geomspace(start, 1e20, 4001)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OutsideRange)
        total = sum(spectrum.h3a(E).values())
    return float(np.trapezoid(total * E / 1e9, np.log(E)) * 3.156e7)


def _auger_above(lg: float) -> float:
    E = np.logspace(lg, 20.2, 4001)
    J = spectrum.auger(E)
    rest = J[-1] * E[-1] / 4.4  # an index of 5.4 from there on
    return float(np.trapezoid(J * E, np.log(E)) + rest)


def _isotropic() -> list[float]:
    u = (np.arange(200_000) + 0.5) / 200_000
    theta = directions.isotropic_zenith(u, 60 * DEGREE)
    degrees = np.rad2deg(theta)
    return [degrees.mean(), np.median(degrees), (degrees < 45).mean(), (np.sin(theta) ** 2).mean()]


def _mean_profile() -> list[float]:
    R, L = longitudinal.mean_shape(19.0)
    start, length = longitudinal.shape_from_rl(793, R, L)
    return [R, L, length, start, longitudinal.energy_from_deposit(1.0, 793, start, length)]


def _growth() -> np.ndarray:
    theta = np.array([0, 30, 45, 60])[:, None] * DEGREE
    ground = US.depth(1400) / np.cos(theta)
    return response.electromagnetic_factor(800, ground - [698, 758, 850, 960], ground - 793)


def main() -> None:
    for check in checks():
        mark = "holds" if check.worst <= 1 else "MISSED"
        print(f"{mark:7} {check.worst:6.2f} of its tolerance  {check.name}")


if __name__ == "__main__":
    main()
