"""Exercises of lesson 15, looking for photons: intervals, limits, who is allowed, on and off."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc, gammaln, pdtr, xlogy

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise

Array = NDArray[Any]

__all__ = ["EXERCISES"]


# 15.1 ---------------------------------------------------------------------------------------------


def _interval(f: Asked, left: int, events: int, level: float) -> tuple[float, float]:
    low, high = f.arrays(left, events, level, shapes=((), ()), what="the lower and the upper end")
    return float(low), float(high)


def _ends_are_just_allowed(f: Asked) -> None:
    for left, events in ((3, 40), (17, 25)):
        low, high = _interval(f, left, events, 0.68)
        need(
            0 < low < left / events < high < 1,
            f"{left} of {events} at 0.68 gave {low:.5g} to {high:.5g}; the share"
            f" {left / events:.4g} lies inside, and neither end is 0 or 1.",
        )
        tails = [bdtrc(left - 1, events, low), bdtr(left, events, high)]
        need(
            close(tails, 0.16, 1e-6),
            f"{left} of {events} at 0.68: if your lower end {low:.5g} were true, P(≥ {left}) would"
            f" be {tails[0]:.5g}, and if the upper one {high:.5g} were, P(≤ {left}) {tails[1]:.5g};"
            " each is (1 − 0.68)/2 = 0.16.",
        )


def _none_and_all(f: Asked) -> None:
    low, high = _interval(f, 0, 50, 0.9)
    need(
        close([low, high], [0, 1 - 0.05 ** (1 / 50)], 1e-6),
        f"0 of 50 at 0.9 gave {low:.5g} to {high:.5g}; it is 0 to 1 − 0.05^(1/50) ="
        f" {1 - 0.05 ** (1 / 50):.5g}: that nothing was left does not make an efficiency 0.",
    )
    low, high = _interval(f, 50, 50, 0.9)
    need(
        close([low, high], [0.05 ** (1 / 50), 1], 1e-6),
        f"50 of 50 at 0.9 gave {low:.5g} to {high:.5g}; it is {0.05 ** (1 / 50):.5g} to 1.",
    )


def _turned_round(f: Asked) -> None:
    passed, failed = _interval(f, 4, 30, 0.95), _interval(f, 26, 30, 0.95)
    need(
        close(passed, [1 - failed[1], 1 - failed[0]], 1e-6),
        f"4 of 30 pass: {shown(np.array(passed))}. 26 of 30 do not: {shown(np.array(failed))}. One"
        " is 1 less the other.",
    )


# 15.2 ---------------------------------------------------------------------------------------------


def _limit(f: Asked, n: int, background: float, level: float) -> float:
    return f.number(n, background, level)


def _without_background(f: Asked) -> None:
    for n, level in ((0, 0.95), (0, 0.9), (4, 0.95)):
        found = _limit(f, n, 0.0, level)
        chance = float(pdtr(n, max(found, 0.0)))
        need(
            close(chance, 1 - level, 1e-6),
            f"{n} events, no background, {level}: with your limit {found:.5g} as the mean, P(≤ {n})"
            f" is {chance:.5g}; at the limit it is {1 - level:.4g}."
            + (f" For 0 events that is −ln {1 - level:.4g}." if n == 0 else ""),
        )


def _with_background(f: Asked) -> None:
    for n, b in ((3, 1.5), (7, 4.0), (1, 5.0)):
        s = _limit(f, n, b, 0.95)
        need(s > 0, f"{n} events, background {b}: the limit {s:.5g} is not above 0.")
        ratio = float(pdtr(n, s + b) / pdtr(n, b))
        need(
            close(ratio, 0.05, 1e-6),
            f"{n} events, background {b}: at your limit {s:.5g} P(≤ {n} | s + b)/P(≤ {n} | b) is"
            f" {ratio:.5g}; at 95 % it is 0.05.",
        )


def _nothing_is_three(f: Asked) -> None:
    found = [_limit(f, 0, b, 0.95) for b in (0.0, 2.0, 10.0)]
    need(
        close(found, -np.log(0.05), 1e-6),
        f"no events with the backgrounds 0, 2 and 10 gave {shown(np.array(found))}; whoever saw"
        " nothing knows that no background came either, and says 2.9957 each time.",
    )


# 15.3 ---------------------------------------------------------------------------------------------


def _ends(f: Asked, s: float, b: float, level: float) -> tuple[int, int]:
    low, high = f.arrays(s, b, level, shapes=((), ()), what="the lowest and the highest count")
    need(
        low % 1 == 0 and high % 1 == 0 and 0 <= low <= high < 120,
        f"s = {s}, b = {b}: counts are whole numbers from 0 to 100, in order; {low:g} and {high:g}"
        " came.",
    )
    return int(low), int(high)


_BELTS = ((0.5, 3.0, 0.9), (4.0, 3.0, 0.9), (0.0, 2.0, 0.95), (10.0, 0.0, 0.68))


def _ratios(s: float, b: float) -> tuple[Array, Array]:
    """P(n | s + b) and R of n = 0 … 119."""
    n = np.arange(120.0)
    log_p = xlogy(n, s + b) - (s + b)
    best = np.maximum(n, b)
    return np.exp(log_p - gammaln(n + 1)), np.exp(log_p - xlogy(n, best) + best)


def _enough(f: Asked) -> None:
    for s, b, level in _BELTS:
        low, high = _ends(f, s, b, level)
        held = float(_ratios(s, b)[0][low : high + 1].sum())
        need(
            held >= level - 1e-9,
            f"s = {s}, b = {b}: {low} … {high} have the probability {held:.4f} together; {level} is"
            " needed.",
        )


def _not_too_many(f: Asked) -> None:
    for s, b, level in _BELTS:
        low, high = _ends(f, s, b, level)
        p, R = _ratios(s, b)
        inside = slice(low, high + 1)
        worst = low + int(np.argmin(R[inside]))
        without = float(p[inside].sum() - p[worst])
        need(
            without < level,
            f"s = {s}, b = {b}: {low} … {high} are more than needed; without {worst}, the last in"
            f" the order, they still have {without:.4f}, and {level} is enough.",
        )


def _in_their_order(f: Asked) -> None:
    for s, b, level in _BELTS:
        low, high = _ends(f, s, b, level)
        _, R = _ratios(s, b)
        inside = np.zeros(120, dtype=bool)
        inside[low : high + 1] = True
        better = int(np.argmax(np.where(inside, -1.0, R)))
        worst = int(np.argmin(np.where(inside, R, np.inf)))
        need(
            R[better] <= R[worst] + 1e-12,
            f"s = {s}, b = {b}: {worst} is among {low} … {high} with R = {R[worst]:.4f}, and"
            f" {better} with R = {R[better]:.4f} is not; the larger ratio comes first.",
        )


# 15.4 ---------------------------------------------------------------------------------------------


def _sigma(f: Asked, on: Array, off: Array, alpha: float) -> Array:
    return f.array(on, off, alpha, shape=on.shape)


def _published(f: Asked) -> None:
    found = _sigma(f, np.array([30.0]), np.array([100.0]), 0.2)
    need(
        close(found, 1.8753, 1e-4),
        f"30 on the source, 100 beside it, α = 0.2 gave {found[0]:.5g}; Li and Ma have 1.8753.",
    )


def _sign_and_zero(f: Asked) -> None:
    found = _sigma(f, np.array([20.0, 26.0, 14.0]), np.array([100.0, 100.0, 100.0]), 0.2)
    need(
        abs(found[0]) < 1e-6 and found[1] > 0 > found[2],
        f"20, 26 and 14 where 20 are expected gave {shown(found)}; an excess is positive, a deficit"
        " negative, neither is 0.",
    )


def _empty_regions(f: Asked) -> None:
    found = _sigma(f, np.array([5.0, 0.0]), np.array([0.0, 10.0]), 0.5)
    wanted = [np.sqrt(2 * 5 * np.log(3)), -np.sqrt(2 * 10 * np.log(1.5))]
    need(
        close(found, wanted, 1e-6),
        f"5 on and 0 off, then 0 on and 10 off, α = 0.5, gave {shown(found)}; they are"
        f" {shown(np.array(wanted))}, since n ln n is 0 where n is.",
    )


def _many_events(f: Asked) -> None:
    on, off, alpha = np.array([100_500.0]), np.array([200_000.0]), 0.5
    found = float(_sigma(f, on, off, alpha)[0])
    wanted = 500 / np.sqrt(alpha * (on[0] + off[0]))
    need(
        close(found, wanted, 5e-3),
        f"100,500 on, 200,000 off, α = 0.5 gave {found:.5g}; of many events it is nearly the excess"
        f" over the error that it has without a source, √(α (N_on + N_off)): {wanted:.5g}.",
    )


EXERCISES = (
    Exercise(
        "15.1",
        "How efficient, exactly?",
        "exact_interval(left, events, level)",
        """
        Of `events` events `left` pass a cut. Return the ends of the central interval of Clopper and
        Pearson for the efficiency: at the lower end P(≥ left) is (1 − level)/2, and at the upper
        one P(≤ left) is; 0 below where none passes, 1 above where all do. Right to six digits.
        """,
        (
            ("what was seen is just allowed at both ends", _ends_are_just_allowed),
            ("none and all", _none_and_all),
            ("those that fail have an efficiency, too", _turned_round),
        ),
    ),
    Exercise(
        "15.2",
        "An upper limit",
        "upper_limit(n, background, level)",
        """
        `n` events were counted where `background` are expected without a signal. Return the signal
        s at which P(≤ n | s + b)/P(≤ n | b) is 1 − `level`, P being Poisson's sums with these
        means: the largest that is not excluded. Right to six digits.
        """,
        (
            ("without background", _without_background),
            ("with background", _with_background),
            ("nothing seen is three", _nothing_is_three),
        ),
    ),
    Exercise(
        "15.3",
        "Which counts are allowed?",
        "allowed_counts(s, b, level)",
        """
        A signal of the mean s lies upon a known background b. Feldman and Cousins let numbers n
        into the belt in the order of R = P(n | s + b)/P(n | max(n, b)), the largest first, until
        their probability under s + b is `level` or more. They are neighbours: return the lowest
        and the highest. (No n above 100 ever comes in; without background n^n is 1 at n = 0.)
        """,
        (
            ("they have the probability", _enough),
            ("and no more than is needed", _not_too_many),
            ("the larger ratio comes first", _in_their_order),
        ),
    ),
    Exercise(
        "15.4",
        "On and off",
        "significance(on, off, alpha)",
        """
        `on` events were counted on a source, `off` beside it, (n,) each, where the exposure on the
        source is `alpha` times that beside it. Return the significances of Li and Ma, (n,):
        √2 (N_on ln((1 + α)/α · N_on/N) + N_off ln((1 + α) N_off/N))^½ with N = N_on + N_off, and
        the sign of N_on − α N_off. Either number may be 0, not both.
        """,
        (
            ("a known value", _published),
            ("excess, deficit, and neither", _sign_and_zero),
            ("empty regions", _empty_regions),
            ("many events", _many_events),
        ),
    ),
)
