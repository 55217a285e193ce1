"""Reading digits by rules that a person wrote down after looking at print.

A picture is cut into characters at the empty columns between them. Of each character we look at

* holes: paper that is walled in by ink. 8 has two of them; 0, 4, 6 and 9 have one;
* where the hole lies: high in a 9, low in a 6, from top to bottom in a 0;
* the corner at the upper left: paper in a 4, which is a triangle, ink in a 9;
* how broad it is: a 1 all the way down, a 7 at its foot is narrow;
* where the ink lies: low down, a 2 leans on its left side; higher up, a 5 does, and a 3 never.

No number here was learned. For print (`baksan.simulate.digits` with variety 0) the rules never err.
A hand that slants, bends and breaks its strokes breaks the rules with them, and each further rule
mends one digit and spoils another: that is where learning from examples begins.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]

_SMALLEST_HOLE = 2  # pixels; one alone is a blot

__all__ = ["characters", "read_digit", "read_number"]


def read_number(image: ArrayLike, width: int | None = None) -> str:
    """Read a picture of a number from left to right.

    Parameters
    ----------
    image : (h, w) float
        Grey from 0 (paper) to 1 (ink).
    width : int, optional
        Cut the picture every `width` columns; otherwise at the empty columns between characters.

    Returns
    -------
    str
        As many digits as characters were found; "" for empty paper.

    Raises
    ------
    ValueError
        The picture is not a table of numbers; it is not a whole number of widths wide; a part of
        that width is empty paper.

    Examples
    --------
    >>> from baksan.simulate.digits import number_image
    >>> read_number(number_image("504192", variety=0.0))
    '504192'
    """
    return "".join(str(read_digit(part)) for part in characters(image, width))


def characters(image: ArrayLike, width: int | None = None) -> list[Array]:
    """Cut a picture (h, w) into characters, (h, …) each; parameters and errors as `read_number`."""
    grey = _grey(image)
    if width is None:
        columns = np.flatnonzero(_ink(grey).any(axis=0))
        first = columns[np.diff(columns, prepend=-2) > 1]
        last = columns[np.diff(columns, append=columns[-1:] + 2) > 1]
        return [grey[:, a : b + 1] for a, b in zip(first, last, strict=True)]
    if width < 1 or grey.shape[1] % width:
        raise ValueError(
            f"the picture must be a whole number of characters wide; it has {grey.shape[1]} columns"
            f" for characters of {width}. Give another width, or none to cut at empty columns."
        )
    return np.split(grey, grey.shape[1] // width, axis=1)


def read_digit(image: ArrayLike) -> int:
    """Read a picture of one digit, (h, w) grey from 0 (paper) to 1 (ink).

    Raises
    ------
    ValueError
        The picture is not a table of numbers, or it is empty paper.

    Examples
    --------
    >>> from baksan.simulate.digits import number_image
    >>> read_digit(number_image("7", variety=0.0))
    7
    """
    ink = _cropped(_ink(_grey(image)))
    if not ink.any():
        raise ValueError(
            "the picture must show a digit; no pixel of it is darker than 0.5."
            " Give grey from 0 (paper) to 1 (ink)."
        )
    holes = _holes(ink)
    if len(holes) >= 2:
        return 8
    if len(holes) == 1:
        return _with_a_hole(ink, holes[0])
    return _without_a_hole(ink)


def _with_a_hole(ink: Array, hole: Array) -> int:
    """0, 4, 6 or 9."""
    rows = np.flatnonzero(hole.any(axis=1))
    middle = rows.mean() / (len(ink) - 1)
    if len(rows) > 0.55 * len(ink):
        return 0
    if middle > 0.5:
        return 6
    corner = ink[: ink.shape[0] // 4, : ink.shape[1] // 3]
    return 9 if corner.any() else 4


def _without_a_hole(ink: Array) -> int:
    """1, 2, 3, 5 or 7."""
    height, width = ink.shape
    if width < 0.5 * height:
        return 1
    if _breadth(ink[-height // 4 :]) < 0.5:
        return 7
    if _leans_left(ink[height * 2 // 3 : height * 5 // 6]):
        return 2
    return 5 if _leans_left(ink[height // 5 : height * 2 // 5]) else 3


def _breadth(rows: Array) -> float:
    """How much of the width has ink in these rows."""
    return float(rows.any(axis=0).mean())


def _leans_left(rows: Array) -> bool:
    """Is there more ink in the left half of these rows than in the right one?"""
    half = rows.shape[1] // 2
    return bool(rows[:, :half].sum() > rows[:, -half:].sum())


def _holes(ink: Array) -> list[Array]:
    """The pieces of paper from which no path of paper leads out of the picture, as masks."""
    paper = np.pad(~ink, 1, constant_values=True)
    _flood(paper, (0, 0))
    holes = []
    while paper.any():
        before = paper.copy()
        _flood(paper, divmod(int(paper.argmax()), paper.shape[1]))
        holes.append((before & ~paper)[1:-1, 1:-1])
    return [hole for hole in holes if hole.sum() >= _SMALLEST_HOLE]


def _flood(paper: Array, start: tuple[int, int]) -> None:
    """Take away the paper that is connected with this pixel, to its four neighbours and on."""
    waiting = [start]
    while waiting:
        row, column = waiting.pop()
        if 0 <= row < paper.shape[0] and 0 <= column < paper.shape[1] and paper[row, column]:
            paper[row, column] = False
            waiting += [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]


def _ink(grey: Array) -> Array:
    """True where a pixel is more than half as dark as ink."""
    return np.asarray(grey > 0.5)


def _cropped(ink: Array) -> Array:
    """The smallest picture that holds all the ink."""
    return np.asarray(ink[np.ix_(_span(ink, axis=1), _span(ink, axis=0))])


def _span(ink: Array, axis: int) -> Array:
    """The rows (axis 1) or columns (axis 0) from the first to the last that has ink."""
    places = np.flatnonzero(ink.any(axis=axis))
    return np.arange(places[0], places[-1] + 1) if len(places) else places


def _grey(image: ArrayLike) -> Array:
    grey = np.asarray(image)
    if grey.ndim != 2 or grey.dtype.kind not in "buif":
        raise ValueError(
            "a picture must be a table of numbers, rows × columns; this one has the shape"
            f" {grey.shape} and holds {grey.dtype}. Give one picture, grey from 0 to 1."
        )
    return grey
