"""Exercises of lesson 12, reconstructing by rules: a plane, an angle, counts, equal intensity."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise

Array = NDArray[Any]

__all__ = ["EXERCISES"]

_LIGHT = 0.299792458  # m/ns


# 12.1 ---------------------------------------------------------------------------------------------


def _plane(f: Asked, x: Array, y: Array, t: Array) -> Array:
    return f.array(x, y, t, shape=(3,))


def _field(seed: int) -> tuple[Array, Array]:
    x, y = np.random.default_rng(seed).normal(300, 1500, (2, 12))
    return x, y


def _front(x: Array, y: Array, u: float, v: float, start: float) -> Array:
    return np.asarray(start - (u * x + v * y) / _LIGHT)


def _finds_the_plane(f: Asked) -> None:
    x, y = _field(1)
    for wanted in ((0.3, -0.5, 700.0), (0.0, 0.0, -40.0)):
        found = _plane(f, x, y, _front(x, y, *wanted))
        need(
            close(found, wanted),
            f"an exact plane with u, v, t₀ = {wanted} gave {shown(found)}; twelve times without"
            " noise leave no doubt. The front reaches stations on the side of the source first.",
        )


def _normal_equations(f: Asked) -> None:
    x, y = _field(2)
    t = _front(x, y, 0.2, 0.4, 100.0) + np.random.default_rng(3).normal(0, 60, 12)
    u, v, start = _plane(f, x, y, t)
    rest = t - _front(x, y, u, v, start)
    sums = np.array([rest.sum(), rest @ x / 1500, rest @ y / 1500])
    need(
        close(sums, 0.0, 1e-6),
        "with noise in the times: Σ, Σ x/1500 m and Σ y/1500 m of your residuals are"
        f" {shown(sums)} ns; at the least squares all three are 0.",
    )


def _clocks_do_not_matter(f: Asked) -> None:
    x, y = _field(4)
    t = _front(x, y, -0.4, 0.1, 0.0) + np.random.default_rng(5).normal(0, 60, 12)
    first, later = _plane(f, x, y, t), _plane(f, x, y, t + 5000.0)
    need(
        close(later - first, [0, 0, 5000]),
        f"with all times 5000 ns later u, v and t₀ changed by {shown(later - first)}; the direction"
        " does not know what time it is.",
    )


# 12.2 ---------------------------------------------------------------------------------------------


def _psi(f: Asked, n: Array, m: Array) -> Array:
    return f.array(n, m, shape=(len(n),))


def _known_angles(f: Asked) -> None:
    n = np.array([[0.0, 0, 1], [0, 0, 1], [0, 0, 1], [1, 0, 0]])
    m = np.array([[0.0, 0, 1], [1, 0, 0], [0, 0, -1], [np.sqrt(0.5), np.sqrt(0.5), 0]])
    found = _psi(f, n, m)
    need(
        close(found, [0, np.pi / 2, np.pi, np.pi / 4]),
        f"the same, at right angles, opposite and halfway gave {shown(found)}; in rad they are 0,"
        " 1.5708, 3.1416 and 0.7854.",
    )


def _tiny_angles(f: Asked) -> None:
    size = np.array([1e-3, 1e-6, 1e-9])
    axis = np.array([0.48, -0.6, 0.64])
    across = np.array([0.8, 0.0, -0.6])
    across = across - (across @ axis) * axis
    across /= np.linalg.norm(across)
    m = np.cos(size)[:, None] * axis + np.sin(size)[:, None] * across
    found = _psi(f, np.tile(axis, (3, 1)), m)
    need(
        close(found / size, 1.0, 1e-5),
        f"angles of 10⁻³, 10⁻⁶ and 10⁻⁹ came out as {shown(found / size)} of what they are; the"
        " cosine of a small angle is 1 in all 16 digits, its sine is not 0.",
    )


def _any_two(f: Asked) -> None:
    rng = np.random.default_rng(6)
    n, m = (v / np.linalg.norm(v, axis=1)[:, None] for v in rng.normal(size=(2, 9, 3)))
    found = _psi(f, n, m)
    wanted = np.einsum("ni,ni->n", n, m)
    need(
        close(np.cos(found), wanted) and close(_psi(f, m, n), found) and found.min() >= 0,
        f"nine random pairs: the cosine of the first angle, {found[0]:.5g}, is"
        f" {np.cos(found[0]):.5g}, and the product of the vectors {wanted[0]:.5g}; angles lie in 0"
        " … π, and do not know which vector was named first.",
    )


# 12.3 ---------------------------------------------------------------------------------------------


def _size(f: Asked, n: Array, shape: Array) -> tuple[float, float]:
    size, error = f.arrays(n, shape, shapes=((), ()), what="the size and its error")
    return float(size), float(error)


def _counts() -> tuple[Array, Array]:
    shape = np.array([0.9, 0.3, 0.3, 0.05, 0.02, 0.01, 0.01])
    return np.array([41.0, 9.0, 16.0, 1.0, 2.0, 0.0, 0.0]), shape


def _log_likelihood(size: float, n: Array, shape: Array) -> float:
    mean = size * shape
    return float(np.sum(n * np.log(mean) - mean))


def _likeliest(f: Asked) -> None:
    n, shape = _counts()
    size = _size(f, n, shape)[0]
    need(size > 0, f"the size came out as {size:.4g}; particles were counted, so it is above 0.")
    tried = {k: _log_likelihood(size * k, n, shape) for k in (0.999, 1.0, 1.001)}
    best = max(tried, key=lambda k: tried[k])
    need(
        best == 1.0,
        f"your size is {size:.5g}; {best:g} times that makes the counts {shown(n)} still likelier.",
    )


def _silence_counts(f: Asked) -> None:
    n, shape = _counts()
    before = _size(f, n, shape)[0]
    after = _size(f, np.append(n, 0.0), np.append(shape, 0.4))[0]
    wanted = before * shape.sum() / (shape.sum() + 0.4)
    need(
        close(after, wanted, 1e-6),
        f"one more station that saw nothing, where 0.4 of the size was expected, changed the size"
        f" from {before:.5g} to {after:.5g}; it says that the shower is small: {wanted:.5g}.",
    )


def _curvature_of_it(f: Asked) -> None:
    n, shape = _counts()
    size, error = _size(f, n, shape)
    need(size > 0, f"the size came out as {size:.4g}; particles were counted, so it is above 0.")
    wanted = float(1 / np.sqrt(n.sum() / size**2))
    need(
        close(error / wanted, 1.0, 1e-6),
        f"at your size −ln L has the curvature Σ n/N² = {n.sum() / size**2:.5g}, and so an error of"
        f" {wanted:.5g}; yours is {error:.5g}.",
    )


# 12.4 ---------------------------------------------------------------------------------------------


def _cuts(f: Asked, signal: Array, zenith: Array, edges: Array, k: int) -> Array:
    return f.array(signal, zenith, edges, k, shape=(len(edges) - 1,))


def _showers() -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(7)
    edges = np.array([0.0, 0.2, 0.4, 0.6])
    zenith = np.arcsin(np.sqrt(0.6 * rng.random(300)))
    return rng.random(300) ** -0.5, zenith, edges


def _k_above(f: Asked) -> None:
    signal, zenith, edges = _showers()
    which = np.digitize(np.sin(zenith) ** 2, edges) - 1
    for k in (1, 25):
        found = _cuts(f, signal, zenith, edges, k)
        above = np.array([np.sum(signal[which == b] >= found[b] * (1 - 1e-12)) for b in range(3)])
        need(
            (above == k).all(),
            f"k = {k}: in bins of sin²θ with the edges 0, 0.2, 0.4, 0.6 there are {shown(above)}"
            f" showers at or above your cuts {shown(found)}; there should be {k} in each.",
        )


def _a_cut_is_a_shower(f: Asked) -> None:
    signal, zenith, edges = _showers()
    found = _cuts(f, signal, zenith, edges, 10)
    nearest = np.array([np.min(np.abs(signal - one)) for one in found])
    need(
        close(nearest, 0.0),
        f"k = 10: your cuts {shown(found)} are up to {nearest.max():.3g} away from any signal; the"
        " k-th largest is one of them.",
    )


def _bins_apart(f: Asked) -> None:
    signal, zenith, edges = _showers()
    first = _cuts(f, signal, zenith, edges, 20)
    steep = np.sin(zenith) ** 2 >= 0.4
    second = _cuts(f, np.where(steep, signal / 3, signal), zenith, edges, 20)
    need(
        close(second, first / [1, 1, 3]),
        f"all signals of the last bin divided by 3: the cuts went from {shown(first)} to"
        f" {shown(second)}; the last is a third then, and the others stay.",
    )


EXERCISES = (
    Exercise(
        "12.1",
        "A plane through times",
        "plane_direction(x, y, t)",
        """
        Stations on flat ground at `x`, `y` in m, (n,) each, were hit at the times `t` in ns. Return
        u, v and t₀ of the plane front t = t₀ − (u x + v y)/c that has the least squares of the
        residuals, all stations weighing the same. c is 0.299792458 m/ns.
        """,
        (
            ("it finds a plane that is one", _finds_the_plane),
            ("the residuals know no slope", _normal_equations),
            ("a later start is only a later start", _clocks_do_not_matter),
        ),
    ),
    Exercise(
        "12.2",
        "How far apart?",
        "angles(n, m)",
        """
        `n` and `m` hold k unit vectors each, (k, 3). Return the angles between them in rad, (k,),
        right for large angles, and to five digits for angles as small as 10⁻⁹.
        """,
        (
            ("known angles", _known_angles),
            ("tiny angles, too", _tiny_angles),
            ("any two vectors, in any order", _any_two),
        ),
    ),
    Exercise(
        "12.3",
        "What silence says",
        "shower_size(n, shape)",
        """
        Stations counted `n` particles, among them 0, each by Poisson's law with the mean
        N · `shape`, (k,) both, no shape being 0. Return the most likely N, and its error: one over
        the root of the curvature of −ln L there.
        """,
        (
            ("no other size is likelier", _likeliest),
            ("a silent station counts", _silence_counts),
            ("the error is that of the curvature", _curvature_of_it),
        ),
    ),
    Exercise(
        "12.4",
        "Constant intensity",
        "equal_intensity(signal, zenith, edges, k)",
        """
        Showers have the signals `signal` and zenith angles `zenith` in rad, (n,) each. `edges` are
        b + 1 rising numbers, the ends of b bins of sin²θ. Return the b cuts that leave exactly
        `k` showers each: the k-th largest signal of each bin. No bin has fewer, no two are equal.
        """,
        (
            ("k showers lie at or above each cut", _k_above),
            ("a cut is the signal of a shower", _a_cut_is_a_shower),
            ("each bin speaks for itself", _bins_apart),
        ),
    ),
)
