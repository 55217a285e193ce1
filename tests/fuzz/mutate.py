"""Damage: what may happen to a file on its way, and what somebody may do to it on purpose."""

import re
import struct

import numpy as np

_LENGTHS = (0, 1, -1, 7, 255, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1)
_DIGITS = ("0", "-1", "1", "9", "00", "65536", "2147483648", "99999999999", "1e400", "nan", "x")


def damaged(content, others, random):
    """One to four mutations of `content`; `others` are files to splice with."""
    found = bytearray(content)
    for _ in range(1 + min(random.geometric(0.7) - 1, 3)):
        found = bytearray(_WAYS[random.integers(len(_WAYS))](found, others, random))
    return bytes(found)


def _place(content, random):
    """Anywhere; or near the beginning or the end, where formats keep their headers."""
    edge = min(256, len(content) + 1)
    return int(
        random.choice(
            [
                random.integers(len(content) + 1),
                random.integers(edge),
                len(content) - random.integers(edge),
            ]
        )
    )


def _stretch(content, random):
    start = _place(content, random)
    return start, start + int(2 ** random.uniform(0, 9))


def flip(content, others, random):
    for _ in range(random.integers(1, 6)):
        if content:
            place = min(_place(content, random), len(content) - 1)
            content[place] ^= 1 << int(random.integers(8))
    return content


def overwrite(content, others, random):
    start, stop = _stretch(content, random)
    size = len(content[start:stop])
    fill = [bytes(size), b"\xff" * size, random.bytes(size), b" " * size]
    content[start:stop] = fill[random.integers(4)]
    return content


def cut(content, others, random):
    return content[: _place(content, random)]


def leave_out(content, others, random):
    start, stop = _stretch(content, random)
    del content[start:stop]
    return content


def repeat(content, others, random):
    start, stop = _stretch(content, random)
    return content[:stop] + content[start:stop] * int(random.integers(1, 5)) + content[stop:]


def insert(content, others, random):
    place = _place(content, random)
    return content[:place] + random.bytes(int(2 ** random.uniform(0, 6))) + content[place:]


def swap(content, others, random):
    a, b = sorted(_stretch(content, random) for _ in range(2))
    stop = min(a[1], b[0])
    one, two = content[a[0] : stop], content[b[0] : b[1]]
    return content[: a[0]] + two + content[stop : b[0]] + one + content[b[1] :]


def splice(content, others, random):
    """The beginning of one file, and the end of another."""
    other = others[random.integers(len(others))]
    at = _place(other, random) if random.random() < 0.5 else _place(content, random)
    return content[: _place(content, random)] + other[at:]


def number(content, others, random):
    """A number of 2, 4 or 8 bytes, small as lengths and counts are, becomes another."""
    size = int(random.choice([2, 4, 8]))
    code = {2: "<H", 4: "<I", 8: "<Q"}[size].replace("<", str(random.choice(["<", ">"])))
    places = [
        p
        for p in random.integers(0, max(len(content) - size, 1), 60)
        if len(content) >= p + size and 0 < struct.unpack_from(code, content, p)[0] < 2**14
    ]
    if places:
        value = _LENGTHS[random.integers(len(_LENGTHS))] % 2 ** (8 * size)
        struct.pack_into(code, content, places[0], value)
    return content


def digits(content, others, random):
    """A number that is written out becomes another."""
    found = list(re.finditer(rb"\d+", content))
    if found:
        one = found[random.integers(len(found))]
        new = _DIGITS[random.integers(len(_DIGITS))]
        if one.end() - one.start() > 1 and random.random() < 0.5:  # at the same length
            new = new.rjust(one.end() - one.start())[-(one.end() - one.start()) :]
        content[one.start() : one.end()] = new.encode()
    return content


_WAYS = (
    flip, flip, overwrite, cut, leave_out, repeat, insert, swap, splice, number, number, digits
)  # fmt: skip


def case(seeds, name, k):
    """Case k of a reader: its seed's name, and the damaged file."""
    random = np.random.default_rng([*name.encode(), k])
    seed = seeds[random.integers(len(seeds))]
    damage = seed.damage or damaged
    found = damage(seed.content, [s.content for s in seeds], random)
    return seed.name, found if seed.pack is None else seed.pack(found)
