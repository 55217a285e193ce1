"""Exercises of lesson 11, an air shower on the ground: energies, a profile, weights, a front."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise

Array = NDArray[Any]

__all__ = ["EXERCISES"]

_LIGHT = 0.299792458  # m/ns


# 11.1 ---------------------------------------------------------------------------------------------


def _energies(f: Asked, u: Array, index: float, low: float, high: float) -> Array:
    return f.array(u, index, low, high, shape=u.shape)


def _from_end_to_end(f: Asked) -> None:
    for index in (0.0, 2.7):
        found = _energies(f, np.array([0.0, 1.0]), index, 2.0, 50.0)
        need(
            close(found, [2, 50]),
            f"g = {index:g} between 2 and 50: u = 0 and u = 1 gave {shown(found)}; they stand for"
            " the two ends.",
        )


def _as_many_as_the_flux(f: Asked) -> None:
    u, h = np.linspace(0.1, 0.9, 9), 1e-6
    for index in (0.5, 2.0, 3.3):
        E = _energies(f, u, index, 2.0, 50.0)
        width = _energies(f, u + h, index, 2.0, 50.0) - _energies(f, u - h, index, 2.0, 50.0)
        need(
            (E > 0).all() and (width > 0).all(),
            f"g = {index:g} between 2 and 50: u = 0.1, 0.2 … 0.9 gave energies from {E[0]:.4g} to"
            f" {E[-1]:.4g}; they rise with u, and none is below 2.",
        )
        share = width * E**-index / (2 * h)
        need(
            close(share / share[0], 1.0, 1e-5),
            f"g = {index:g} between 2 and 50: near u = 0.1 and u = 0.9 your energies are {E[0]:.4g}"
            f" and {E[-1]:.4g}, and E^−g dE/du is {share[0]:.4g} and {share[-1]:.4g}; with as many"
            " events in every du it is the same number everywhere.",
        )


def _flat_in_the_logarithm(f: Asked) -> None:
    u = np.linspace(0, 1, 5)
    found = _energies(f, u, 1.0, 1.0, 1e4)
    need(
        close(found, 10.0 ** (4 * u)),
        f"g = 1 between 1 and 10⁴, u = 0, ¼ … 1, gave {shown(found)}; as many events in each decade"
        " are 1, 10, 100, 1000, 10000.",
    )


# 11.2 ---------------------------------------------------------------------------------------------

_SHAPE = 750.0, -120.0, 61.0


def _profile(f: Asked, X: Array, shape: tuple[float, float, float] = _SHAPE) -> Array:
    return f.array(X, *shape, shape=X.shape)


def _highest_at_the_maximum(f: Asked) -> None:
    X = np.linspace(-60, 1500, 27)
    top = float(_profile(f, np.array([750.0]))[0])
    found = _profile(f, X)
    need(
        close(top, 1.0) and found.max() <= 1 + 1e-9,
        f"X_max = 750: the profile is {top:.5g} there, and the highest of 27 places has"
        f" {found.max():.5g} at X = {X[found.argmax()]:.0f}; it is 1 at the maximum, and lower"
        " elsewhere.",
    )


def _nothing_before(f: Asked) -> None:
    found = _profile(f, np.array([-10.0, 39.0, 40.0, 41.0]), (750.0, 40.0, 60.0))
    need(
        not found[:3].any() and found[3] > 0,
        f"X₀ = 40: at X = −10, 39, 40 and 41 the profile is {shown(found)}; up to X₀ it is 0, since"
        " nothing has begun, and beyond it is not.",
    )


def _growth(f: Asked) -> None:
    X, h = np.array([200.0, 500.0, 900.0, 1300.0]), 1e-3
    for shape in (_SHAPE, (900.0, 30.0, 75.0)):
        peak, start, length = shape
        here = _profile(f, X, shape)
        need(here.all(), f"X₀ = {start:g}: the profile at {shown(X)} is {shown(here)}; none is 0.")
        slope = (_profile(f, X + h, shape) - _profile(f, X - h, shape)) / (2 * h) / here
        wanted = (peak - X) / (X - start) / length
        need(
            close(slope, wanted, 1e-6),
            f"X_max, X₀, λ = {peak:g}, {start:g}, {length:g}: at X = 200 the profile changes by"
            f" {slope[0]:.5g} of itself for each g/cm²; (X_max − X)/(λ (X − X₀)) is"
            f" {wanted[0]:.5g}.",
        )


# 11.3 ---------------------------------------------------------------------------------------------


def _worth(f: Asked, w: Array) -> float:
    return f.number(w)


def _equal_weights(f: Asked) -> None:
    for n, w in ((7, 1.0), (40, 0.02)):
        found = _worth(f, np.full(n, w))
        need(
            close(found, n),
            f"{n} events of weight {w:g} each are worth {found:.5g}; equal ones count in full.",
        )


def _others_are_nothing(f: Asked) -> None:
    w = np.concatenate([np.full(3, 5.0), np.full(500, 1e-9)])
    found = _worth(f, w)
    need(
        close(found, 3, 1e-5),
        f"3 events of weight 5 and 500 of weight 10⁻⁹ are worth {found:.5g}; the small ones change"
        " no mean, so three are left.",
    )


def _scatter_of_the_sum(f: Asked) -> None:
    w = np.random.default_rng(1).exponential(size=20)
    found = max(_worth(f, w), 1e-9)
    relative = float(np.sqrt((w**2).sum()) / w.sum())
    need(
        close(found**-0.5, relative),
        f"each of 20 weighted events comes or not, by Poisson's law, and their sum scatters by"
        f" {relative:.4f} of itself; {found:.4g} equal ones scatter by {found**-0.5:.4f}.",
    )


# 11.4 ---------------------------------------------------------------------------------------------


def _met(f: Asked, position: Array, core: Array, theta: float, phi: float) -> list[Array]:
    n = len(position)
    what = "the distances from the axis and the times"
    return f.arrays(position, core, theta, phi, shapes=((n,), (n,)), what=what)


def _stations(seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 900, (6, 3)), rng.normal(0, 300, 3)


def _straight_down(f: Asked) -> None:
    position, core = _stations(1)
    r, t = _met(f, position, core, 0.0, 0.0)
    wanted = np.hypot(*(position - core)[:, :2].T)
    late = -(position - core)[:, 2] / _LIGHT
    need(
        close(r, wanted) and close(t, late),
        f"from the zenith: a station {shown((position - core)[0])} m from the core has r ="
        f" {r[0]:.5g} m, t = {t[0]:.5g} ns; it is {wanted[0]:.5g} m away on the map, and the front"
        f" passes {late[0]:.5g} ns after the core.",
    )


def _pythagoras(f: Asked) -> None:
    position, core = _stations(2)
    for theta, phi in ((0.4, 1.0), (1.0, 4.0)):
        r, t = _met(f, position, core, theta, phi)
        d = np.linalg.norm(position - core, axis=1)
        length = np.hypot(r, _LIGHT * t)
        need(
            close(length, d),
            f"θ = {theta}, φ = {phi}: r = {r[0]:.5g} m across and c t = {_LIGHT * t[0]:.5g} m along"
            f" the axis make {length[0]:.5g} m; the station is {d[0]:.5g} m from the core.",
        )


def _along_the_axis(f: Asked) -> None:
    position, core = _stations(3)
    for theta, phi in ((0.3, 0.5), (0.9, 2.5), (0.9, 5.5)):
        n = np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])
        r, t = _met(f, position, core, theta, phi)
        higher, sooner = _met(f, position + 100 * n, core, theta, phi)
        need(
            close(higher, r) and close(t - sooner, 100 / _LIGHT),
            f"θ = {theta}, φ = {phi}: stations moved 100 m towards the source went from r ="
            f" {r[0]:.5g} to {higher[0]:.5g} m and were met {(t - sooner)[0]:.5g} ns earlier; r"
            f" stays, and 100 m are {100 / _LIGHT:.5g} ns.",
        )


EXERCISES = (
    Exercise(
        "11.1",
        "As many as the flux says",
        "energies(u, g, low, high)",
        """
        `u` holds n numbers between 0 and 1, drawn uniformly. Return n energies between `low` and
        `high` that are then distributed as dN/dE ∝ E^(−g), for any `g`, also g = 1: the energy
        below which a share u of the events lies.
        """,
        (
            ("u = 0 and 1 are the ends", _from_end_to_end),
            ("the density is the flux", _as_many_as_the_flux),
            ("g = 1 is flat in the logarithm", _flat_in_the_logarithm),
        ),
    ),
    Exercise(
        "11.2",
        "The life of a shower",
        "profile(X, x_max, x_0, length)",
        """
        Return the profile of Gaisser and Hillas at the depths `X`, (n,), in units of its maximum:
        `x_max`, `x_0` and `length` are numbers, X_max, X₀ and λ of the formula above. At X₀ and
        before it is 0.
        """,
        (
            ("it is 1 at the maximum, and lower elsewhere", _highest_at_the_maximum),
            ("before X₀ is nothing", _nothing_before),
            ("it grows and fades by the right law", _growth),
        ),
    ),
    Exercise(
        "11.3",
        "What weights leave",
        "effective_number(w)",
        """
        `w` holds the weights of n events, none below 0. Return how many events of equal weight
        would have the same relative scatter of their sum.
        """,
        (
            ("equal events count in full", _equal_weights),
            ("events without weight do not count", _others_are_nothing),
            ("the sum scatters as that of so many", _scatter_of_the_sum),
        ),
    ),
    Exercise(
        "11.4",
        "A plane passes",
        "distance_and_time(position, core, zenith, azimuth)",
        """
        Stations stand at `position`, (n, 3), east, north and up in m. The axis of a shower goes
        through `core`, (3,), towards a source at the angles `zenith` and `azimuth` in rad, the
        azimuth counted from east to north. Return the distances of the stations from the axis in
        m, and when a plane front at right angles to it passes them, in ns; it passes the core at
        0. Light goes 0.299792458 m in a ns.
        """,
        (
            ("from the zenith it is a map", _straight_down),
            ("across and along make the whole way", _pythagoras),
            ("towards the source it is earlier", _along_the_axis),
        ),
    ),
)
