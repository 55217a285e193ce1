"""The fold of an event by the hash of its label: the same in every block, process and machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.samples import Samples

Array = NDArray[Any]

__all__ = ["drawn", "fold_numbers", "labels_of", "number_of_folds"]

_IN_A_SECOND = {
    "ms": 10**3, "us": 10**6, "ns": 10**9, "ps": 10**12, "fs": 10**15, "as": 10**18
}  # fmt: skip


def fold_numbers(X: Samples, k: int, seed: int = 0, *, cuts: int = 0) -> Array:
    """The fold 0 … k−1 of each event of a block, (n,) int: ⌊k u⌋ with u from the label's hash.

    The label is the group, or the id where there are no groups, or the row number. Its fold is the
    same in every block, process and machine, and for 7 and 7.0, "a" and b"a", 1 s and 1000 ms.

    Parameters
    ----------
    X : Samples
    k : int
        Folds, at least 2.
    seed : int
    cuts : int
        How many times the events had been divided before (folds of folds), so that each division
        is independent of the others.

    Notes
    -----
    The hash is that of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).

    Examples
    --------
    >>> fold_numbers(Samples([[0.0]] * 4, group=["a", "b", "a", "c"]), 3).tolist()
    [0, 2, 0, 1]
    """
    u = drawn(labels_of(X), seed, cuts)
    return np.asarray((u * number_of_folds(k)).astype(np.int64))


def number_of_folds(k: int) -> int:
    """The number itself. Raises ValueError for less than two."""
    if k < 2:
        raise ValueError(f"folds must number at least 2; {k} were asked for. Take folds=5.")
    return k


def labels_of(X: Samples) -> Array:
    """What an event's part depends on: its group, else its id."""
    return X.ids if X.group is None else X.group


def drawn(labels: Array, *salt: int) -> Array:
    """A number in [0, 1) for each label, (n,): the same label has the same number everywhere."""
    codes = _codes(np.asarray(labels))
    for number in salt:
        codes = _stirred(codes ^ _stirred(np.array([number % 2**64], dtype=np.uint64)))
    return np.asarray((codes >> np.uint64(11)) * 2.0**-53)


def _codes(labels: Array) -> Array:
    """64 bits for each label. Whole floats are integers, so that 7 = 7.0 and −0.0 = 0."""
    if labels.dtype.kind == "f":
        values = labels.astype(np.float64)
        whole = (np.abs(values) < 2.0**63) & (values == np.floor(values))
        bits = np.where(np.isnan(values), np.nan, values).view(np.int64)
        labels = np.where(whole, np.where(whole, values, 0).astype(np.int64), bits)
    if labels.dtype.kind in "mM":
        return _time_codes(labels)
    if labels.dtype.kind in "biu":
        return _stirred(labels.astype(np.int64).view(np.uint64))
    return _text_codes(labels if labels.dtype.kind == "S" else labels.astype(str))


def _time_codes(labels: Array) -> Array:
    """Whole seconds and attoseconds beyond them, so that the unit does not matter."""
    kind, unit = labels.dtype.kind, np.datetime_data(labels.dtype)[0]
    ticks = labels.astype(f"{kind}8[{unit}]").astype(np.int64)  # of one unit, not of 25 s
    rest = np.where(np.isnat(labels), 0, ticks % _IN_A_SECOND.get(unit, 1))
    whole = labels.astype(f"{kind}8[s]").astype(np.int64)
    beyond = rest * (10**18 // _IN_A_SECOND.get(unit, 1))
    return _stirred(_stirred(whole.view(np.uint64)) ^ beyond.view(np.uint64))


def _text_codes(labels: Array) -> Array:
    """The sum over characters of a hash of (character, place); the padding, zeros, adds nothing."""
    letter = np.uint8 if labels.dtype.kind == "S" else np.uint32
    native = np.ascontiguousarray(labels, dtype=labels.dtype.newbyteorder("="))
    width = native.dtype.itemsize // np.dtype(letter).itemsize
    letters = native.view(letter).reshape(len(native), width)
    codes = np.zeros(len(native), dtype=np.uint64)
    for place in range(width):
        code = letters[:, place].astype(np.uint64)
        codes += np.where(code > 0, _stirred(code + np.uint64(place << 32)), np.uint64(0))
    return _stirred(codes)


def _stirred(codes: Array) -> Array:
    """One step of SplitMix64: a bijection in which every bit depends on every bit."""
    z = codes + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))
