"""Exercises of lesson 13, learned reconstruction: a direction's loss, ψ68, sets, information."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise

Array = NDArray[Any]

__all__ = ["EXERCISES"]

_LIGHT = 0.299792458  # m/ns


# 13.1 ---------------------------------------------------------------------------------------------


def _loss(f: Asked, p: Array, y: Array) -> tuple[float, Array]:
    value, slope = f.arrays(p, y, shapes=((), (3,)), what="the loss and its slope (3,)")
    return float(value), slope


def _unit(*v: float) -> Array:
    return np.asarray(np.array(v) / np.linalg.norm(v))


def _chances_sum_to_one(f: Asked) -> None:
    p = 3.0 * _unit(1.0, 2.0, 2.0)
    cos, weight = np.polynomial.legendre.leggauss(16)
    phi = 2 * np.pi * np.arange(24) / 24
    total = 0.0
    for c, w in zip(cos, weight, strict=True):
        for a in phi:
            y = np.array([np.sqrt(1 - c * c) * np.cos(a), np.sqrt(1 - c * c) * np.sin(a), c])
            total += w * 2 * np.pi / 24 * np.exp(-np.clip(_loss(f, p, y)[0], -50.0, 50.0))
    need(
        close(total, 1.0, 1e-6),
        f"p = {shown(p)}: the density exp(−loss), summed over all directions y of the sphere, came"
        f" out as {total:.6g}; it is 1.",
    )


def _slope_of_the_loss(f: Asked) -> None:
    h, y = 1e-5, _unit(0.2, -0.5, 0.8)
    for p in (np.array([0.4, 0.1, -0.3]), np.array([2.0, -9.0, 17.0])):
        slope = _loss(f, p, y)[1]
        ends = np.array([
            [_loss(f, p + sign * h * one, y)[0] for sign in (1, -1)] for one in np.eye(3)
        ])  # fmt: skip
        wanted = (ends[:, 0] - ends[:, 1]) / (2 * h)
        need(
            close(slope, wanted, 1e-5),
            f"p = {shown(p)}, y = {shown(y)}: the slope came out as {shown(slope)}; small steps in"
            f" your own loss give {shown(wanted)}.",
        )


def _sure_ones(f: Asked) -> None:
    y = _unit(0.1, 0.3, 0.9)
    value, slope = _loss(f, 5e3 * y, y)
    need(
        close(value, np.log(2 * np.pi / 5e3), 1e-6) and close(slope, -y / 5e3, 1e-6),
        f"κ = 5000 and p along y: the loss came out as {value:.6g} and its slope as {shown(slope)};"
        f" they are ln(2π/κ) = {np.log(2 * np.pi / 5e3):.6g} and −y/κ. sinh κ is larger than any"
        " number of a computer; write its logarithm in another way.",
    )


# 13.2 ---------------------------------------------------------------------------------------------


def _psi(f: Asked, n: Array, m: Array, weight: Array) -> float:
    return f.number(n, m, weight)


def _tilted(angles: Array) -> tuple[Array, Array]:
    """Directions and others at these angles from them."""
    rng = np.random.default_rng(3)
    n = rng.normal(size=(len(angles), 3))
    n /= np.linalg.norm(n, axis=1)[:, None]
    aside = np.cross(n, rng.normal(size=n.shape))
    aside /= np.linalg.norm(aside, axis=1)[:, None]
    return n, n * np.cos(angles)[:, None] + aside * np.sin(angles)[:, None]


_ANGLES = np.array([0.05, 0.01, 0.08, 0.02, 0.09, 0.03, 0.1, 0.04, 0.07, 0.06])


def _ten_directions(f: Asked) -> None:
    found = _psi(f, *_tilted(_ANGLES), np.ones(10))
    need(
        close(found, 0.07, 1e-9),
        f"ten directions that are off by 0.01, 0.02, … 0.1 rad gave {found:.6g}; six of them are"
        " 60 %, seven are 70 %, so that the seventh angle, 0.07, is the first with 68.27 % in it.",
    )


def _a_weight_is_a_number(f: Asked) -> None:
    weight = np.array([1.0, 3, 1, 2, 1, 1, 5, 2, 1, 1])
    n, m = _tilted(_ANGLES)
    more = np.repeat(np.arange(10), weight.astype(int))
    found, wanted = _psi(f, n, m, weight), _psi(f, n[more], m[more], np.ones(len(more)))
    need(
        close(found, wanted, 1e-9),
        f"with the weights {weight.astype(int).tolist()} it came out as {found:.6g}, and with each"
        f" event as often as its weight says, {wanted:.6g}; that is the same.",
    )


def _sharp_eyes(f: Asked) -> None:
    found = _psi(f, *_tilted(1e-7 * _ANGLES), np.full(10, 0.5))
    need(
        abs(found - 7e-9) < 1e-13,
        f"angles of 10⁻⁹ … 10⁻⁸ rad, of weight 1/2 each, gave {found:.6g}; it is 7·10⁻⁹. The cosine"
        " of such an angle is 1 to all digits.",
    )


# 13.3 ---------------------------------------------------------------------------------------------


def _of_a_station(s: Array) -> Array:
    return np.column_stack([s[:, 0] ** 2, np.exp(-s[:, 1]), np.ones(len(s))])


def _set(f: Asked, s: Array, hit: Array) -> Array:
    return f.array(s, hit, _of_a_station, shape=(len(s), 3))


def _some_stations(n: int, stations: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(4)
    hit = rng.random((n, stations)) < 0.6
    hit[:, :2] = True
    return rng.normal(size=(n, stations, 2)), hit


def _two_events(f: Asked) -> None:
    s = np.array([[[1.0, 0.0], [2.0, 0.0], [9.0, 0.0]], [[3.0, 0.0], [0.0, 0.0], [1.0, 0.0]]])
    found = _set(f, s, np.array([[True, True, False], [True, False, False]]))
    need(
        close(found, [[5, 2, 2], [9, 1, 1]]),
        "φ(s) = (s₀², exp(−s₁), 1); of stations with s₀ = 1, 2, 9 the first two were hit, with"
        f" 3, 0, 1 the first one, all with s₁ = 0. The sums came out as {shown(found)}; they are"
        " 5, 2, 2 and 9, 1, 1.",
    )


def _order_does_not_matter(f: Asked) -> None:
    s, hit = _some_stations(5, 7)
    order = np.array([3, 6, 0, 2, 5, 1, 4])
    one, other = _set(f, s, hit), _set(f, s[:, order], hit[:, order])
    need(
        close(one, other),
        f"naming the seven stations in another order changed a sum by"
        f" {np.abs(one - other).max():.3g}; a set has no order.",
    )


def _silence_is_silent(f: Asked) -> None:
    s, hit = _some_stations(5, 7)
    found = []
    for rubbish in (0.0, np.nan, -2000.0):
        found.append(_set(f, np.where(hit[..., None], s, rubbish), hit))
    need(
        close(found[0], found[1]) and close(found[0], found[2]),
        "what stands in stations that were not hit, 0, NaN or −2000, changed the sums; they do not"
        " belong to the set. (0 times NaN is NaN.)",
    )


def _nobody_was_hit(f: Asked) -> None:
    s, hit = _some_stations(3, 4)
    hit[1] = False
    found = _set(f, s, hit)[1]
    need(
        close(found, 0.0),
        f"an event without a hit gave {shown(found)}; the sum over no station is 0.",
    )


# 13.4 ---------------------------------------------------------------------------------------------


def _bound(f: Asked, x: Array, y: Array, sigma: Array) -> Array:
    return f.array(x, y, sigma, shape=(2, 2))


_EAST = np.array([0.0, 1200, 1200, 2400, 0, 2400])
_NORTH = np.array([0.0, 0, 1200, 1200, 2400, 0])
_SIGMA = np.array([30.0, 50, 20, 80, 100, 60])


def _same(found: Array, wanted: Array) -> bool:
    return close(np.asarray(found) * 1e4, np.asarray(wanted) * 1e4, 1e-6)


def _a_square(f: Asked) -> None:
    a = 600.0 * np.array([1.0, 1, -1, -1])
    found = _bound(f, a, 600.0 * np.array([1.0, -1, 1, -1]), np.full(4, 100.0))
    wanted = (100 * _LIGHT / 600) ** 2 / 4 * np.eye(2)
    need(
        _same(found, wanted),
        "four stations on a square of 1200 m, each with σ = 100 ns, gave"
        f" {shown(found)}; F of u is 4 (600 m/(c σ))², so that the variance of u and v is"
        f" {wanted[0, 0]:.5g} each, and they do not hang together.",
    )


def _the_start_is_unknown(f: Asked) -> None:
    one = _bound(f, _EAST, _NORTH, _SIGMA)
    other = _bound(f, _EAST + 5000, _NORTH - 8000, _SIGMA)
    need(
        _same(other, one),
        f"the variance of u is {one[0, 0]:.4g}, and with the whole array 5 km further east and 8 km"
        f" further south {other[0, 0]:.4g}; nobody knows t₀, so that only differences of places"
        " count.",
    )


def _information_adds(f: Asked) -> None:
    one = _bound(f, _EAST, _NORTH, _SIGMA)
    other = _bound(f, np.tile(_EAST, 3), np.tile(_NORTH, 3), np.tile(_SIGMA, 3))
    need(
        _same(3 * other, one),
        "with three stations in place of each one the variance of u went from"
        f" {one[0, 0]:.4g} to {other[0, 0]:.4g}; three times the information is a third of the"
        " variance.",
    )


def _a_bad_clock(f: Asked) -> None:
    sigma = _SIGMA.copy()
    sigma[3] = 1e7
    found, wanted = _bound(f, _EAST, _NORTH, sigma), _bound(
        f, np.delete(_EAST, 3), np.delete(_NORTH, 3), np.delete(_SIGMA, 3)
    )  # fmt: skip
    need(
        _same(found, wanted),
        f"with a clock that is off by 10 ms the variance of u is {found[0, 0]:.4g}, without that"
        f" station {wanted[0, 0]:.4g}; such a station tells nothing.",
    )


EXERCISES = (
    Exercise(
        "13.1",
        "The loss of a direction",
        "direction_loss(p, y)",
        """
        A prediction `p` = κ m, (3,), not 0, says the direction m and how sure it is; `y`, (3,), of
        length 1, is the true one. Return the loss ln(4π sinh κ/κ) − p·y and its slope in p, (3,).
        κ may be 0.3, and it may be 5000.
        """,
        (
            ("the chances of all directions sum to 1", _chances_sum_to_one),
            ("the slope is the derivative of the loss", _slope_of_the_loss),
            ("one may be very sure", _sure_ones),
        ),
    ),
    Exercise(
        "13.2",
        "The angle that holds 68 %",
        "psi_68(n, m, weight)",
        """
        `n` and `m`, (k, 3) each, are unit vectors, predicted and true; `weight`, (k,), is above 0.
        Return the smallest of the k angles in rad such that the events whose angle is not larger
        have at least 0.6827 of the weight. Angles of 10⁻⁹ count, too.
        """,
        (
            ("ten directions", _ten_directions),
            ("weight 2 is the event twice", _a_weight_is_a_number),
            ("small angles", _sharp_eyes),
        ),
    ),
    Exercise(
        "13.3",
        "A sum over a set",
        "set_sum(s, hit, phi)",
        """
        `s`, (n, S, c), is what n events have in S stations, and `hit`, (n, S), says which were hit;
        the others may hold anything. `phi` makes (m, k) of (m, c), row by row. Return the sums of
        φ over the stations that were hit, (n, k).
        """,
        (
            ("sums of two events", _two_events),
            ("the order of the stations does not matter", _order_does_not_matter),
            ("nor what silent stations hold", _silence_is_silent),
            ("a sum over nothing is 0", _nobody_was_hit),
        ),
    ),
    Exercise(
        "13.4",
        "How good a plane can be",
        "plane_bound(x, y, sigma)",
        """
        Stations at `x`, `y` in m, (n,) each, are hit by a plane front at t₀ − (u x + v y)/c, give
        or take `sigma` in ns, (n,). Nobody knows t₀, u and v. Return the smallest covariance
        matrix that an estimate of u and v without bias can have, (2, 2). c is 0.299792458 m/ns.
        """,
        (
            ("four stations on a square", _a_square),
            ("t₀ is not known", _the_start_is_unknown),
            ("information adds", _information_adds),
            ("a bad clock tells nothing", _a_bad_clock),
        ),
    ),
)
