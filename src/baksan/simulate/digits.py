"""Pictures of digits, drawn by the program, from one printed shape each to a free handwriting.

A digit is one or two pen strokes in the unit square. A hand bends them, leaves out their ends,
scales, slants, turns and shifts them, presses more or less, and sometimes writes another form (a
crossed 7, an open 4). `variety` v from 0 to 1 is how far it goes: every deviation grows with v, and
at v = 0 all pictures of a digit are the same. The grey of a pixel follows from its distance to the
nearest stroke,

    grey = ink × clip(radius + ½ − distance, 0, 1) + noise,

in pixels, 0 paper and 1 ink. A toy [D]: the amounts are chosen so that rules written by hand
(`baksan.reconstruct.digits`) read print without a fault, and fail on handwriting.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from baksan.samples import Samples
from baksan.simulate.counter import check_count, uniforms

Array = NDArray[Any]

__all__ = ["HEIGHT", "WIDTH", "digits", "number_image"]

HEIGHT, WIDTH = 20, 16
"""Size of the picture of one digit, in pixels."""

_LETTER = (13.0, 8.5)  # height and width of a printed digit
_POINTS = 25  # points of one stroke
_SHAPE_DRAWS = 32  # uniform numbers for the shape; the noise takes one for each pixel
_DRAWS = _SHAPE_DRAWS + HEIGHT * WIDTH
_CHUNK = 256  # pictures drawn at once, so that the distances fit into the cache


def digits(n: int, variety: float = 0.5, seed: int = 0, *, start: int = 0) -> Samples:
    """Pictures start … start + n − 1 of the seed, one digit each, all ten equally likely.

    Picture i is a function of (seed, i, variety); with growing variety the same hand gets freer.

    Parameters
    ----------
    n : int
        How many, ≥ 0.
    variety : float
        0 (print) … 1 (free handwriting).
    seed, start : int
        ≥ 0.

    Returns
    -------
    Samples
        x (n, 20, 16) float32, grey from 0 (paper) to 1 (ink); y (n,) the digit; class names
        '0' … '9'.

    Raises
    ------
    ValueError
        A count that is negative or not whole; a variety outside 0 … 1.

    Examples
    --------
    >>> X = digits(100, variety=0.3, seed=1)
    >>> X.x.shape, X.class_names[3]
    ((100, 20, 16), '3')
    """
    check_count(n, "n, the number of pictures,", 0)
    _check(variety, seed)
    check_count(start, "start, the number of the first picture,", 0)
    x = np.empty((n, HEIGHT, WIDTH), dtype=np.float32)
    y = np.empty(n, dtype=np.int64)
    for first in range(0, n, _CHUNK):
        part = slice(first, min(first + _CHUNK, n))
        u = uniforms(part.stop - first, _DRAWS, seed, start + first)
        y[part] = 10 * u[:, 0]
        x[part] = _draw(y[part], u, variety)
    names = [str(digit) for digit in range(10)]
    return Samples(x, y, id=np.arange(start, start + n), answer="digit", class_names=names)


def number_image(number: str, variety: float = 0.5, seed: int = 0) -> Array:
    """A picture of a whole number, (20, 16 × digits), grey from 0 (paper) to 1 (ink).

    Raises
    ------
    ValueError
        Something else than the digits 0 … 9; a variety outside 0 … 1.

    Examples
    --------
    >>> number_image("504192", variety=0.0).shape
    (20, 96)
    """
    _check(variety, seed)
    if not (number.isascii() and number.isdigit()):
        raise ValueError(
            f"a number must be written in the digits 0 … 9; {number!r} is not."
            " Give a text such as '504192'."
        )
    y = np.array([int(character) for character in number])
    pictures = _draw(y, uniforms(len(y), _DRAWS, seed), variety)
    return np.hstack(list(pictures))


def _check(variety: float, seed: int) -> None:
    check_count(seed, "seed", 0)
    if not 0.0 <= variety <= 1.0:
        raise ValueError(
            f"variety must lie between 0 (print) and 1 (handwriting); {variety} does not."
            " Give for example 0.5."
        )


def _draw(y: Array, u: Array, variety: float) -> Array:
    """(n, 20, 16) pictures of the digits y (n,) from (n, draws) uniform numbers."""
    points = _written(y, u, variety)
    distance = _distance(points[:, :, :-1].reshape(len(y), -1, 2),
                         points[:, :, 1:].reshape(len(y), -1, 2))  # fmt: skip
    swing = 2.0 * u - 1.0
    radius = 0.85 * np.exp(0.40 * variety * swing[:, 1])
    ink = 1.0 - 0.25 * variety * u[:, 2]
    noise = 0.10 * variety * ndtri(u[:, _SHAPE_DRAWS:])
    grey = ink[:, None] * np.clip(radius[:, None] + 0.5 - distance, 0.0, 1.0) + noise
    return np.asarray(np.clip(grey, 0.0, 1.0)).reshape(-1, HEIGHT, WIDTH)


def _written(y: Array, u: Array, variety: float) -> Array:
    """The strokes as a hand writes them, (n, 2, 25, 2): x to the right and y down, in pixels."""
    swing = 2.0 * u - 1.0
    strokes = _shortened(_FORMS[y, _form(u[:, 3], variety)], 0.10 * variety * u[:, 4:6] ** 2)
    strokes = strokes + 0.065 * variety * _bend(strokes, u[:, 16:24])
    height, width = _LETTER
    x = (strokes[..., 0] - 0.5) * width * _column(1 + 0.25 * variety * swing[:, 6])
    down = (strokes[..., 1] - 0.5) * height * _column(1 + variety * (0.15 * swing[:, 7] - 0.08))
    x = x - down * _column(0.30 * variety * swing[:, 8])
    angle = _column(0.15 * variety * swing[:, 9])
    turned = np.stack(
        [x * np.cos(angle) - down * np.sin(angle), x * np.sin(angle) + down * np.cos(angle)], -1
    )
    shift = np.array([WIDTH, HEIGHT]) / 2 + 1.5 * variety * swing[:, 10:12]
    return _inside(turned + shift[:, None, None, :])


def _column(values: Array) -> Array:
    return values[:, None, None]


def _form(u: Array, variety: float) -> Array:
    """Which form of its digit a hand writes, (n,): 0, the printed one, or 1 or 2, others."""
    return (u < 0.6 * variety).astype(int) + (u < 0.3 * variety)


def _shortened(strokes: Array, left_out: Array) -> Array:
    """The strokes (n, 2, 25, 2) without these shares (n, 2) of their beginning and end."""
    level = np.linspace(0.0, 1.0, _POINTS)
    begin, end = left_out[:, :1], 1.0 - left_out[:, 1:]
    place = (begin + (end - begin) * level) * (_POINTS - 1)
    below = np.minimum(place.astype(int), _POINTS - 2)
    part = (place - below)[:, None, :, None]
    event = np.arange(len(strokes))[:, None]
    before = strokes[event, :, below].swapaxes(1, 2)
    after = strokes[event, :, below + 1].swapaxes(1, 2)
    return np.asarray(before + part * (after - before))


def _bend(points: Array, u: Array) -> Array:
    """A smooth field of displacements, so that strokes that meet still meet; (n, 2, 25, 2).

    Each component is a sum of one wave along x and one along y, with random sizes and phases.
    """
    size = (2.0 * u[:, 0::2] - 1.0)[:, None, None, :]
    wave = size * np.sin(2 * np.pi * (0.8 * points[..., [0, 1, 0, 1]] + u[:, None, None, 1::2]))
    return np.stack([wave[..., 0] + wave[..., 1], wave[..., 2] + wave[..., 3]], axis=-1)


def _inside(points: Array, margin: float = 1.7) -> Array:
    """The points shifted back into the picture where a stroke would leave it."""
    low = points.min(axis=(1, 2), keepdims=True)
    high = points.max(axis=(1, 2), keepdims=True)
    largest = np.array([WIDTH, HEIGHT]) - margin
    back = np.maximum(margin - low, 0.0) - np.maximum(high - largest, 0.0)
    return np.asarray(np.clip(points + back, margin, largest))


def _distance(a: Array, b: Array) -> Array:
    """Distance of each pixel's centre to the nearest of the segments a → b, (n, pixels)."""
    row, column = np.indices((HEIGHT, WIDTH)).reshape(2, -1)
    pixels = np.column_stack([column, row]) + 0.5
    nearest = np.full((len(a), len(pixels)), np.inf)
    for s in range(a.shape[1]):
        along = b[:, s] - a[:, s]
        x, y = (pixels[:, i] - a[:, s, i, None] for i in (0, 1))
        length2 = np.maximum((along**2).sum(axis=1), 1e-12)
        t = np.clip((x * along[:, :1] + y * along[:, 1:]) / length2[:, None], 0.0, 1.0)
        x, y = x - t * along[:, :1], y - t * along[:, 1:]
        np.minimum(nearest, x * x + y * y, out=nearest)
    return np.asarray(np.sqrt(nearest))


# The forms: x to the right, y down, both from 0 to 1.


def _arc(x: float, y: float, rx: float, ry: float, begin: float, end: float) -> Array:
    """Points of an ellipse around (x, y); angles in degrees, 0 to the right and 90 down."""
    angle = np.radians(np.linspace(begin, end, 24))
    return np.column_stack([x + rx * np.cos(angle), y + ry * np.sin(angle)])


def _stroke(*parts: Any) -> Array:
    """One pen stroke through these points and arcs, as 25 points at equal distances, (25, 2)."""
    path = np.vstack([np.atleast_2d(part) for part in parts])
    length = np.append(0.0, np.cumsum(np.hypot(*np.diff(path, axis=0).T)))
    level = np.linspace(0.0, length[-1], _POINTS)
    return np.column_stack([np.interp(level, length, path[:, i]) for i in (0, 1)])


def _form_of(*strokes: Array) -> Array:
    """One or two strokes as (2, 25, 2); a single one is written twice."""
    return np.stack([strokes[0], strokes[-1]])


def _forms() -> Array:
    """All forms of all digits, (10, 3, 2, 25, 2); the first one is printed."""
    upper, lower = _arc(0.5, 0.25, 0.36, 0.25, 90, 450), _arc(0.5, 0.74, 0.46, 0.26, -90, 270)
    bar = _stroke((0.28, 0.5), (0.80, 0.5))
    seven = _stroke((0.02, 0), (0.98, 0), (0.38, 1))
    three = _arc(0.45, 0.74, 0.48, 0.26, -90, 150)
    head = _arc(0.5, 0.30, 0.44, 0.30, 0, -360)
    belly = _arc(0.42, 0.67, 0.50, 0.33, -125, 150)
    forms = {
        0: [_form_of(_stroke(_arc(0.5, 0.5, 0.46, 0.5, -90, 270)))],
        1: [
            _form_of(_stroke((0.25, 0.24), (0.58, 0), (0.58, 1))),
            _form_of(_stroke((0.5, 0), (0.5, 1))),
            _form_of(_stroke((0.2, 0.28), (0.52, 0), (0.52, 1)), _stroke((0.15, 1), (0.9, 1))),
        ],
        2: [
            _form_of(_stroke(_arc(0.5, 0.29, 0.44, 0.29, -170, 30), (0.04, 1), (0.98, 1))),
            _form_of(
                _stroke(
                    _arc(0.5, 0.27, 0.40, 0.27, -160, 50),
                    _arc(0.24, 0.88, 0.20, 0.12, -60, -360),
                    (0.98, 0.98),
                )
            ),
        ],
        3: [
            _form_of(_stroke(_arc(0.45, 0.25, 0.42, 0.25, -160, 90), three)),
            _form_of(_stroke((0.05, 0), (0.9, 0), (0.42, 0.42), (0.5, 0.46), three[6:])),
        ],
        4: [
            _form_of(_stroke((0.72, 1), (0.72, 0), (0.0, 0.68), (1.0, 0.68))),
            _form_of(
                _stroke((0.2, 0), (0.06, 0.56), (0.98, 0.56)), _stroke((0.72, 0.1), (0.72, 1))
            ),
        ],
        5: [
            _form_of(_stroke((0.92, 0), (0.16, 0), (0.12, 0.42), belly)),
            _form_of(_stroke((0.2, 0.04), (0.14, 0.42), belly), _stroke((0.2, 0.04), (0.95, 0))),
        ],
        6: [
            _form_of(
                _stroke(
                    _arc(0.84, 0.68, 0.78, 0.67, -80, -172), _arc(0.5, 0.70, 0.44, 0.30, 180, -180)
                )
            ),
            _form_of(_stroke((0.62, 0), (0.12, 0.6), _arc(0.5, 0.72, 0.44, 0.28, 190, -190))),
        ],
        7: [_form_of(seven), _form_of(seven, bar), _form_of(_stroke((0.05, 0.16), seven))],
        8: [
            _form_of(_stroke(upper, lower)),
            _form_of(
                _stroke(
                    _arc(0.5, 0.25, 0.36, 0.25, -20, -240),
                    _arc(0.5, 0.75, 0.42, 0.25, -40, 210),
                    (0.86, 0.2),
                )
            ),
        ],
        9: [
            _form_of(_stroke(head, _arc(0.16, 0.32, 0.78, 0.67, 8, 100))),
            _form_of(_stroke(head, (0.86, 1))),
        ],
    }
    return np.array([[f[k % len(f)] for k in range(3)] for _, f in sorted(forms.items())])


_FORMS = _forms()
