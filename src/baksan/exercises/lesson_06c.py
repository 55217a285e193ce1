"""Exercises of lesson 6c, tables as they come: gaps, text, and weights of either sign."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise

Array = NDArray[Any]

__all__ = ["EXERCISES"]

_GAP = np.nan


# 06c.1 --------------------------------------------------------------------------------------------


def _completed(f: Asked, seen: Array, x: Array) -> Array:
    """What came, of the shape that it must have."""
    flags = int(np.isnan(seen).any(axis=0).sum())
    shape = (len(x), x.shape[1] + flags)
    what = f"an array of the shape {shape}, {x.shape[1]} columns and {flags} of flags,"
    return f.array(seen, x, shape=shape, what=what)


def _with_gaps(n: int, seed: int, *columns: int) -> Array:
    """Events with three features, of which these columns lack a third."""
    rng = np.random.default_rng(seed)
    x = rng.normal(5.0, 2.0, (n, 3))
    for j in columns:
        x[rng.permutation(n)[: n // 3], j] = _GAP
    return x


def _what_is_there_stays(f: Asked) -> None:
    seen, x = _with_gaps(12, 1, 1), _with_gaps(4, 2)
    found = _completed(f, seen, x)
    need(
        close(found[:, :3], x),
        "events that lack nothing came back with other features than they had.",
    )
    need(
        not found[:, 3].any(),
        f"events that lack nothing came back with the flags {shown(found[:, 3])}.",
    )


def _medians_of_training(f: Asked) -> None:
    seen, x = _with_gaps(31, 3, 0, 2), np.full((1, 3), _GAP)
    seen[np.flatnonzero(~np.isnan(seen[:, 0]))[0], 0] = 1e6
    found, wanted = _completed(f, seen, x)[0, :3], np.nanmedian(seen, axis=0)
    need(
        close(found, wanted),
        f"an event that lacks all three features came back with {shown(found)}; half of the"
        f" training events' numbers lie below {shown(wanted)}.",
    )


def _flags_of_training(f: Asked) -> None:
    seen, x = _with_gaps(15, 4, 0, 2), np.full((3, 3), 1.0)
    x[0, 0] = x[1, 1] = x[2, 2] = _GAP
    flags = _completed(f, seen, x)[:, 3:]
    need(
        close(flags, np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])),
        "training lacked some of columns 0 and 2; events that lack column 0, 1 and 2 came back with"
        f" the flags {shown(flags.ravel())}, two each.",
    )


def _nothing_of_others(f: Asked) -> None:
    seen, x = _with_gaps(20, 5, 0, 1, 2), _with_gaps(9, 6, 0, 1, 2)
    together = _completed(f, seen, x)
    for k in range(len(x)):
        need(
            close(_completed(f, seen, x[k : k + 1]), together[k : k + 1]),
            f"event {k} of 9 was completed in another way alone than among the others: what is"
            " filled in must be known from `seen` alone.",
        )


# 06c.2 --------------------------------------------------------------------------------------------


def _columns(f: Asked, seen: list[str], text: list[str]) -> Array:
    """What came, of the shape that it must have."""
    kinds = len({one for one in seen if one})
    shape = (len(text), kinds)
    what = f"an array of the shape {shape}, since training saw {kinds} texts,"
    return f.array(np.array(seen), np.array(text), shape=shape, what=what)


def _told(f: Asked, seen: list[str], text: list[str], wanted: list[list[int]]) -> None:
    found = _columns(f, seen, text)
    for k, (row, right) in enumerate(zip(found, wanted, strict=True)):
        need(
            close(row, np.array(right)),
            f"training saw {', '.join(map(repr, seen))}; the text {text[k]!r} came back as"
            f" {shown(row)}.",
        )


def _a_column_each(f: Asked) -> None:
    texts, rows = ["radio", "tank", "fluor", "tank"], [[0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1]]
    _told(f, ["tank", "radio", "tank", "fluor"], texts, rows)


def _never_seen(f: Asked) -> None:
    _told(f, ["tank", "fluor"], ["radio", "tank", "zeta", "abba"], [[0, 0], [0, 1], [0, 0], [0, 0]])


def _missing_text(f: Asked) -> None:
    _told(f, ["tank", "", "fluor"], ["", "fluor"], [[0, 0], [1, 0]])


def _whole_texts(f: Asked) -> None:
    _told(f, ["ta", "tank"], ["tanks", "tank", "tan", "ta"], [[0, 0], [0, 1], [0, 0], [1, 0]])


# 06c.3 --------------------------------------------------------------------------------------------


def _mean(f: Asked, value: Array, weight: Array) -> tuple[float, float, float]:
    what = "the mean, its error and the effective number"
    mean, error, events = f.arrays(value, weight, shapes=((), (), ()), what=what)
    return float(mean), float(error), float(events)


def _signed(n: int, seed: int) -> tuple[Array, Array]:
    """Values about 3, and weights of which a quarter are negative."""
    rng = np.random.default_rng(seed)
    return rng.normal(3.0, 1.0, n), np.where(rng.random(n) < 0.25, -0.5, 1.2)


def _weights_of_one(f: Asked) -> None:
    value = np.array([1.0, 2.0, 4.0, 9.0])
    found = _mean(f, value, np.ones(4))
    wanted = (4.0, float(value.std() / 2), 4.0)
    need(
        close(found, wanted),
        f"1, 2, 4 and 9, each of weight 1, gave {shown(np.array(found))}; their mean is 4, its"
        f" error is their standard deviation over √4, {wanted[1]:.4f}, and they are 4 events.",
    )


def _units_of_weight(f: Asked) -> None:
    value, weight = _signed(40, 7)
    found, other = _mean(f, value, weight), _mean(f, value, 10.0 * weight)
    need(
        close(found, other),
        f"weights ten times as large turned {shown(np.array(found))} into"
        f" {shown(np.array(other))}; only their ratios mean anything.",
    )


def _pairs_cancel(f: Asked) -> None:
    value, weight = _signed(40, 8)
    more = _mean(f, np.append(value, [7.0, 7.0]), np.append(weight, [1.0, -1.0]))
    less = _mean(f, value, weight)
    need(
        close(more[0], less[0]),
        f"an event of weight 1 and the same of weight −1 moved the mean from {less[0]:.4f} to"
        f" {more[0]:.4f}; they cancel.",
    )
    need(
        more[1] > less[1] and more[2] < less[2],
        "an event of weight 1 and the same of weight −1 cancel in the mean and not in the error,"
        f" which grows: it went from {less[1]:.4f} to {more[1]:.4f}, and the effective number from"
        f" {less[2]:.4g} to {more[2]:.4g}.",
    )


def _means_scatter_by_it(f: Asked) -> None:
    found = np.array([_mean(f, *_signed(200, 1000 + k)) for k in range(300)])
    spread, told = float(found[:, 0].std()), float(np.median(found[:, 1]))
    need(
        0.8 < told / max(spread, 1e-12) < 1.25,
        f"the means of 300 samples scatter by {spread:.4f}; the error of one of them is told to be"
        f" {told:.4f}.",
    )


EXERCISES = (
    Exercise(
        "06c.1",
        "Filled in, and flagged",
        "completed(seen, x)",
        """
        `seen` holds the training events, (n, d), and `x` others, (m, d); NaN marks what is missing,
        and each column of `seen` has some number. Return `x` with the median of the training
        events' numbers in place of what is missing, and behind it one more column for each column
        of `seen` that lacks something, in their order: 1 where `x` lacks it, else 0.
        """,
        (
            ("what is there stays", _what_is_there_stays),
            ("a gap gets the median of the training events", _medians_of_training),
            ("flags are those of the columns that training lacked", _flags_of_training),
            ("nothing of the other events enters", _nothing_of_others),
        ),
    ),
    Exercise(
        "06c.2",
        "A text is a column",
        "indicators(seen, text)",
        """
        `seen` holds the texts of the training events, `text` those of n others; the empty text is
        a missing one. Return an array of n rows, with one column for each text that training saw,
        in alphabetical order: 1 where the event has this text, else 0.
        """,
        (
            ("there is a column for each text that training saw", _a_column_each),
            ("a text that training never saw has none", _never_seen),
            ("a missing text is no text", _missing_text),
            ("a text is compared as a whole", _whole_texts),
        ),
    ),
    Exercise(
        "06c.3",
        "A mean with signed weights",
        "weighted_mean(value, weight)",
        """
        `value` and `weight` hold n numbers each; some weights may be negative, their sum is
        positive. Return three numbers: the weighted mean, its standard error
        √(Σ w² (value − mean)²) / Σ w, and the effective number of events.
        """,
        (
            ("with weights of 1 it is the mean as ever", _weights_of_one),
            ("the unit of the weights does not matter", _units_of_weight),
            ("an event and its negative cancel, but not in the error", _pairs_cancel),
            ("means of many samples scatter by the error", _means_scatter_by_it),
        ),
    ),
)
