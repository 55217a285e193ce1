"""From counted events to physics: significance, upper limits, effective area, sensitivity."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import gammaincc, gammainccinv, xlogy

from baksan.physics.checks import inside

Array = NDArray[Any]

__all__ = [
    "effective_area", "feldman_cousins", "flat_aperture", "li_ma", "poisson_limit",
    "smallest_signal",
]  # fmt: skip

_STEP, _FAR = 0.01, 2.0  # how finely, how far larger backgrounds are looked at


def li_ma(on: ArrayLike, off: ArrayLike, alpha: ArrayLike) -> Array:
    """The significance of N_on events where α N_off are expected, in standard deviations.

        S = ± √2 (N_on ln((1 + α)/α · N_on/(N_on + N_off))
                  + N_off ln((1 + α) N_off/(N_on + N_off)))^½

    with the sign of N_on − α N_off; T.-P. Li and Y.-Q. Ma, Astrophys. J. 272 (1983) 317, eq. 17.

    Parameters
    ----------
    on, off : (…)
        Counts, 0 or more.
    alpha : (…)
        Exposure on the source over that beside it, above 0.

    Examples
    --------
    >>> float(li_ma(30, 100, 0.2).round(4))
    1.8753
    """
    n, m = inside(on, 0.0, np.inf, "N_on"), inside(off, 0.0, np.inf, "N_off")
    a = inside(alpha, 1e-12, 1e12, "α", hint="Give the ratio of exposures.")
    total = np.where(n + m > 0, n + m, 1.0)
    inner = xlogy(n, (1 + a) / a * n / total) + xlogy(m, (1 + a) * m / total)
    return np.sign(n - a * m) * np.sqrt(2 * np.maximum(inner, 0.0))


def poisson_limit(events: ArrayLike, background: float = 0.0, level: float = 0.95) -> Array:
    """The largest signal that is not excluded by so many events: a classical upper limit.

    Without background P(≤ n | s) = 1 − level: 3.00 for n = 0 at 95 %. With a known background b it
    is Zech's, P(≤ n | s + b)/P(≤ n | b) = 1 − level (Nucl. Instr. Meth. A 277 (1989) 608), which is
    also that of a flat prior, and never below that of no events.

    Raises
    ------
    ValueError
        Negative counts or background, a level outside 0 … 1.

    Examples
    --------
    >>> poisson_limit([0, 1, 5]).round(2).tolist()
    [3.0, 4.74, 10.51]
    """
    n = inside(events, 0.0, 1e9, "the number of events")
    b = float(inside(background, 0.0, 1e9, "the background"))
    if not 0 < level < 1:
        raise ValueError(f"a level of confidence lies between 0 and 1; it is {level:g}.")
    return np.maximum(gammainccinv(n + 1, (1 - level) * gammaincc(n + 1, b)) - b, 0.0)


def feldman_cousins(
    events: ArrayLike, background: float = 0.0, level: float = 0.95
) -> tuple[Array, Array]:
    """The interval of signals that so many events allow, by ordering of likelihood ratios.

        R(n) = P(n | s + b)/P(n | max(n, b));    s allows n if Σ_{R(m) > R(n)} P(m | s + b) < level

    G. Feldman and R. Cousins, Phys. Rev. D 57 (1998) 3873, section IV.B [V: their tables]. Lower
    ends above 0 appear by themselves: nobody chooses between a limit and a measurement after seeing
    the data. The ends are exact: between the signals where two ratios tie, the sum is smooth. As in
    the paper the upper end is lengthened where it would rise with the background. The background
    counts as known.

    Parameters
    ----------
    events : (…)
        Counted, whole numbers.
    background : float
        The mean expected without signal, 0 or more.
    level : float
        Of confidence, between 0 and 1.

    Returns
    -------
    low, high : (…) each
        Of the mean signal, in events.

    Raises
    ------
    ValueError
        Counts that are negative or not whole, a negative background, a level outside 0 … 1.

    Examples
    --------
    >>> low, high = feldman_cousins([0, 3], 0.5, 0.90)
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([0.0, 0.6], [1.94, 6.92])
    """
    n = inside(events, 0.0, 1e6, "the number of events")
    b = float(inside(background, 0.0, 1e6, "the background"))
    if not 0 < level < 1:
        raise ValueError(f"a level of confidence lies between 0 and 1; it is {level:g}.")
    if np.any(n % 1):
        raise ValueError(
            f"counted events are whole numbers; {n[n % 1 > 0].ravel()[0]:g} came. Give counts, not"
            " sums of weights."
        )
    ends = [(_lower_end(one, b, level), _lengthened(one, b, level)) for one in n.ravel()]
    low, high = np.array(ends, dtype=float).reshape(-1, 2).T
    return low.reshape(n.shape), high.reshape(n.shape)


def _at_most(n: ArrayLike, mean: ArrayLike) -> Array:
    """P(≤ n | mean), 0 for negative n."""
    k = np.asarray(n)
    return np.where(k < 0, 0.0, gammaincc(np.maximum(k, 0) + 1, mean))


def _ties(others: Array, n: float, b: float) -> Array:
    """The means s + b at which R of the other numbers is that of n; they rise with the number."""
    own, best = max(n, b), np.maximum(others, b)
    slopes = (xlogy(others, best) - best - xlogy(n, own) + own) / (others - n)
    return np.maximum(np.exp(slopes), b)


def _upper_end(n: float, b: float, level: float) -> float:
    # Between ties k and k + 1 the numbers n + 1 … k go before n, and their probability rises first.
    k = np.arange(n, n + 1 + np.ceil(b + 10 * np.sqrt(n + b + 1) + 60))
    ends = _ties(k + 1, n, b)
    starts = np.append(b, ends[:-1])
    at_start, at_end = (_at_most(k, mean) - _at_most(n, mean) for mean in (starts, ends))
    i = int(np.flatnonzero((at_start < level) | (at_end < level))[-1])
    if at_end[i] < level:
        return float(ends[i]) - b

    def missing(mean: float) -> float:
        return float(_at_most(k[i], mean) - _at_most(n, mean)) - level

    return float(brentq(missing, starts[i], ends[i])) - b


def _lower_end(n: float, b: float, level: float) -> float:
    if n <= b:
        return 0.0
    k = np.arange(n + 1)  # below the tie of k the numbers k … n − 1 go before n
    ends = np.append(_ties(k[:-1], n, b), n)
    starts = np.append(b, ends[:-1])
    at_start, at_end = (_at_most(n - 1, x) - _at_most(k - 1, x) for x in (starts, ends))
    i = int(np.flatnonzero((ends > starts) & ((at_start < level) | (at_end < level)))[0])
    if at_start[i] < level:
        return float(starts[i]) - b

    def missing(mean: float) -> float:
        return float(_at_most(n - 1, mean) - _at_most(k[i] - 1, mean)) - level

    return float(brentq(missing, starts[i], ends[i])) - b


def _lengthened(n: float, b: float, level: float) -> float:
    """The largest upper end of this and all larger backgrounds; it jumps up, then falls."""
    grid = b + _STEP * np.arange(round(_FAR / _STEP))
    uppers = [_upper_end(n, float(one), level) for one in grid]
    i = int(np.argmax(uppers))
    if i == 0:
        return uppers[0]
    before, after, most = float(grid[i - 1]), float(grid[i]), uppers[i]
    for _ in range(30):  # to where it jumps
        middle = (before + after) / 2
        if (there := _upper_end(n, middle, level)) >= most:
            after, most = middle, there
        else:
            before = middle
    return most


def effective_area(passed: ArrayLike, thrown: ArrayLike, area: float) -> tuple[Array, Array]:
    """A_eff = A_thrown n_passed/n_thrown and its binomial error, in the unit of the area.

    The error is A √(p (1 − p)/n); NaN where nothing was thrown.

    Parameters
    ----------
    passed, thrown : (bins,)
        Events by bin of energy: those that trigger or pass the cuts, and all.
    area : float
        Over which cores were thrown.

    Raises
    ------
    ValueError
        More events passed than were thrown, negative numbers, an area not above 0.
    """
    n, k = (
        inside(thrown, 0.0, np.inf, "thrown events"),
        inside(passed, 0.0, np.inf, "passed events"),
    )
    if np.any(k > n):
        raise ValueError("no more events can pass than were thrown; look at the bins of both.")
    A = float(inside(area, 1e-12, np.inf, "the area"))
    with np.errstate(invalid="ignore"):
        p = np.where(n > 0, k / np.where(n > 0, n, 1.0), np.nan)
        return A * p, A * np.sqrt(p * (1 - p) / np.where(n > 0, n, 1.0))


def flat_aperture(area: float, highest: float) -> float:
    """A π sin²θ_max, of a flat array that sees every shower up to θ_max (rad), in area × sr."""
    theta = float(inside(highest, 0.0, np.pi / 2, "the highest zenith angle", "rad"))
    return float(area) * np.pi * np.sin(theta) ** 2


def smallest_signal(
    background: float, alpha: float = 0.2, *, sigma: float = 5.0, least: float = 10.0,
    share: float = 0.05,
) -> float:  # fmt: skip
    """The smallest mean signal that a telescope calls a detection, in events.

    Li–Ma significance of `sigma` or more with N_on = s + b, N_off = b/α; at least `least` events;
    at least `share` of the background b [V: the conventions of pyirf]. Divided by what a reference
    flux gives, it is the sensitivity.

    Raises ValueError for a negative background.
    """
    b = float(inside(background, 0.0, 1e12, "the background"))

    def missing(signal: float) -> float:
        return float(li_ma(signal + b, b / alpha, alpha)) - sigma

    high = 10.0 + 10 * sigma * (1 + np.sqrt(b * (1 + alpha)) + sigma)
    return max(float(brentq(missing, 0.0, high)), least, share * b)
