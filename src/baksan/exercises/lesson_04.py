"""Exercises of lesson 4, linear classification: a loss, a curve, weights, a change of mixture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise

Array = NDArray[Any]

__all__ = ["EXERCISES"]


# 04.1 ---------------------------------------------------------------------------------------------


def _costs(f: Asked, margin: Array) -> tuple[Array, Array]:
    value, slope = f.arrays(
        margin, shapes=(margin.shape, margin.shape), what="the costs and their slopes"
    )
    return value, slope


def _at_zero(f: Asked) -> None:
    value, slope = _costs(f, np.zeros(1))
    need(
        close(value, np.log(2)),
        f"an event on the line, M = 0, costs {value[0]:.6g}; put 0 into the formula.",
    )
    need(slope[0] < 0, f"its slope is {slope[0]:.4g}; a larger margin must cost less.")


def _mirrored(f: Asked) -> None:
    m = np.linspace(0.1, 8.0, 20)
    gap = _costs(f, -m)[0] - _costs(f, m)[0]
    need(
        close(gap, m),
        f"M = −8 costs {gap[-1]:.4g} more than M = 8; for this loss the cost of −M is that of M,"
        " and M besides.",
    )


def _derivative(f: Asked) -> None:
    m, h = np.linspace(-5, 5, 31), 1e-5
    wanted = (_costs(f, m + h)[0] - _costs(f, m - h)[0]) / (2 * h)
    found = _costs(f, m)[1]
    worst = int(np.argmax(np.abs(found - wanted)))
    need(
        close(found, wanted, 1e-6),
        f"at M = {m[worst]:.2f} the slope is {found[worst]:.4g}, but your cost changes there by"
        f" {wanted[worst]:.4g} for each unit of M.",
    )


def _far(f: Asked) -> None:
    value, slope = _costs(f, np.array([-1000.0, 1000.0]))
    need(
        close(value, [1000.0, 0.0]) and close(slope, [-1.0, 0.0]),
        f"margins of −1000 and 1000 cost {shown(value)} with the slopes {shown(slope)}; the first"
        " costs 1000. The largest number that a computer can hold is about e^709.",
    )


# 04.2 ---------------------------------------------------------------------------------------------


def _scores(n: int = 60, seed: int = 1, steps: float = 0.0) -> tuple[Array, Array]:
    """Scores, rounded to steps so that some are equal, and who is signal."""
    rng = np.random.default_rng(seed)
    signal = rng.random(n) < 0.4
    score = rng.normal(size=n) + 1.2 * signal
    return (np.round(score / steps) * steps if steps else score), signal.astype(int)


def _curve(f: Asked, score: Array, signal: Array) -> tuple[Array, Array]:
    answer = f(score, signal)
    parts = answer if isinstance(answer, tuple | list) else [answer]
    points = len(np.atleast_1d(parts[0]))
    what = "two arrays of one length, ε_b and ε_s, with two points at least"
    background, kept = f.arrays(score, signal, shapes=((max(points, 2),),) * 2, what=what)
    return background, kept


def _area(background: Array, kept: Array) -> float:
    return float(np.sum(np.diff(background) * (kept[1:] + kept[:-1]) / 2))


def _ends(f: Asked) -> None:
    background, kept = _curve(f, *_scores())
    for k, end in ((0, (0, 0)), (-1, (1, 1))):
        came = np.array([background[k], kept[k]])
        need(
            close(came, end),
            f"the curve {'begins' if k == 0 else 'ends'} at {shown(came)}, background before"
            " signal; with"
            f" a cut so {'tight that nothing' if k == 0 else 'loose that everything'} passes it is"
            f" {end}.",
        )


def _monotone(f: Asked) -> None:
    for seed in (2, 3):
        background, kept = _curve(f, *_scores(seed=seed))
        falls = min(np.diff(background).min(), np.diff(kept).min())
        need(
            falls >= 0,
            f"from one point to the next an efficiency falls by {-falls:.3g}; as the cut gets"
            " looser, nothing that passed is lost.",
        )


def _pairs(f: Asked) -> None:
    for steps in (0.0, 0.5):
        score, signal = _scores(seed=4, steps=steps)
        s, b = score[signal == 1][:, None], score[signal == 0][None]
        won = float(np.mean(s > b) + np.mean(s == b) / 2)
        area = _area(*_curve(f, score, signal))
        ties = ", among them equal ones," if steps else ""
        need(
            close(area, won),
            f"60 scores{ties} gave a curve with the area {area:.4f}; of all pairs of a signal and a"
            f" background event the signal has the higher score in a share of {won:.4f} (half a"
            " point for equal scores), and that is the area.",
        )


def _stretched(f: Asked) -> None:
    score, signal = _scores(seed=5)
    before = _curve(f, score, signal)
    after = _curve(f, np.exp(3 * score), signal)
    need(
        before[0].shape == after[0].shape and close(before, after),
        "the scores s replaced by exp(3 s) changed the curve; only their order counts.",
    )


def _all_equal(f: Asked) -> None:
    signal = np.array([1, 1, 0, 1, 0, 0, 0])
    background, kept = _curve(f, np.full(7, 0.3), signal)
    need(
        close(background, kept),
        f"seven equal scores gave the points {shown(background)} and {shown(kept)}; no cut can"
        " part events of equal score, they pass together.",
    )


# 04.3 ---------------------------------------------------------------------------------------------


def _weights(f: Asked, answers: Array) -> Array:
    return f.array(answers, shape=answers.shape, what=f"a weight for each of {len(answers)} events")


_MIXTURES = (np.repeat([0, 1], [90, 10]), np.repeat([0, 1, 2], [5, 20, 15]), np.array([1, 0]))


def _equal_totals(f: Asked) -> None:
    for y in _MIXTURES:
        total = np.bincount(y, weights=_weights(f, y))
        need(
            close(total, total.mean()),
            f"classes of {shown(np.bincount(y))} events have the total weights {shown(total)}.",
        )


def _mean_one(f: Asked) -> None:
    for y in _MIXTURES:
        mean = float(_weights(f, y).mean())
        need(
            close(mean, 1.0),
            f"classes of {shown(np.bincount(y))} events have a mean weight of {mean:.4g}; it is to"
            " be 1, so that n events count as n.",
        )


def _alike(f: Asked) -> None:
    y = np.random.default_rng(6).permutation(np.repeat([0, 1, 2], [12, 3, 7]))
    weight = _weights(f, y)
    need(weight.min() > 0, f"an event has the weight {weight.min():g}; every event is to count.")
    for k in range(3):
        spread = np.ptp(weight[y == k])
        need(spread < 1e-12, f"the weights within class {k} differ by {spread:.3g}.")


# 04.4 ---------------------------------------------------------------------------------------------


def _told(f: Asked, p: Array, trained: float, here: float) -> Array:
    return f.array(p, trained, here, shape=p.shape, what=f"{len(p)} probabilities")


_P = np.array([0.001, 0.05, 0.3, 0.5, 0.9, 0.999])


def _same_mixture(f: Asked) -> None:
    found = _told(f, _P, 0.3, 0.3)
    need(
        close(found, _P),
        f"the mixture of the training, again, made {shown(_P)} to {shown(found)}.",
    )


def _knows_nothing(f: Asked) -> None:
    for trained, here in ((0.5, 0.001), (0.02, 0.4)):
        found = float(_told(f, np.array([trained]), trained, here)[0])
        need(
            close(found, here),
            f"trained where a share of {trained} is signal, a model says P = {trained} of an event:"
            f" that is what it would say of one that it has not looked at. Where the share is"
            f" {here}, you make it {found:.5g}.",
        )


def _there_and_back(f: Asked) -> None:
    there = _told(f, _P, 0.5, 0.01)
    need(
        there.min() > 0 and there.max() < 1,
        f"probabilities came out as {shown(there)}; they lie between 0 and 1.",
    )
    back = _told(f, there, 0.01, 0.5)
    need(
        close(back, _P),
        f"from a share of 0.5 to 0.01 and back, {shown(_P)} came home as {shown(back)}.",
    )


def _certain(f: Asked) -> None:
    found = _told(f, np.array([0.0, 1.0]), 0.5, 0.01)
    need(
        close(found, [0.0, 1.0]),
        f"P = 0 and P = 1 became {shown(found)}; what is certain is certain in any mixture.",
    )


def _counted(f: Asked) -> None:
    # Of 1,000 signals 800 pass some cut, and of 1,000 backgrounds 50.
    found = float(_told(f, np.array([800 / 850]), 0.5, 0.001)[0])
    wanted = 800 / (800 + 50 * 999)
    need(
        close(found, wanted),
        "of 1,000 gammas 800 pass, of 1,000 hadrons 50: P = 0.941. With 999,000 hadrons for 1,000"
        f" gammas you make it {found:.4g}; count them: how many of each pass?",
    )


EXERCISES = (
    Exercise(
        "04.1",
        "The logistic loss",
        "logistic_cost(margin)",
        """
        `margin` is an array of margins M. Return two arrays of its shape: the cost ln(1 + e^(−M)),
        and its slope, the derivative of the cost by M. Margins may be large.
        """,
        (
            ("on the line an event costs ln 2, and the slope leads down", _at_zero),
            ("the cost of −M is that of M, and M besides", _mirrored),
            ("the slope is the derivative of the cost", _derivative),
            ("margins of ±1000 are no trouble", _far),
        ),
    ),
    Exercise(
        "04.2",
        "The ROC curve",
        "roc(score, signal)",
        """
        `score` holds n scores, `signal` n numbers, 1 for signal and 0 for background. Return two
        arrays of one length, the points of the ROC curve from the tightest cut to the loosest: the
        share of the background that passes, and the share of the signal that passes. An event
        passes where its score is at least as high as the cut. The first point is (0, 0), the last
        (1, 1).
        """,
        (
            ("it begins at (0, 0) and ends at (1, 1)", _ends),
            ("it never falls", _monotone),
            ("its area is the share of pairs in the right order", _pairs),
            ("only the order of the scores counts", _stretched),
            ("equal scores pass together", _all_equal),
        ),
    ),
    Exercise(
        "04.3",
        "Classes of equal weight",
        "equal_weights(answers)",
        """
        `answers` holds the classes of n events, numbers 0, 1, 2, … of which each occurs. Return n
        weights: all events of a class have the same one, all classes have the same total, and the
        mean over the events is 1.
        """,
        (
            ("all classes have the same total", _equal_totals),
            ("the mean weight is 1", _mean_one),
            ("events of one class count alike, and all of them count", _alike),
        ),
    ),
    Exercise(
        "04.4",
        "A probability moves house",
        "moved(p, trained, here)",
        """
        `p` is an array of probabilities to be signal, by a model that is right where a share
        `trained` of the events is signal. The events come from a place where that share is `here`;
        signals look like signals and backgrounds like backgrounds in both places. Return the
        probabilities there.
        """,
        (
            ("the same mixture changes nothing", _same_mixture),
            ("an event that tells nothing has the share of the place", _knows_nothing),
            ("there and back again is where one was", _there_and_back),
            ("what is certain stays certain", _certain),
            ("it agrees with counting", _counted),
        ),
    ),
)
