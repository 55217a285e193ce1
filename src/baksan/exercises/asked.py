"""Asking a student's function: whatever it does, one sentence says what was wrong with it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_LARGEST = 1e100  # of a number that laws are tried on: its square is no infinity

__all__ = ["Asked", "Broken", "Unusable", "close", "line_of", "need", "shown"]


class Broken(Exception):
    """A law is broken; the text is the hint."""


class Unusable(Broken):
    """The function gives nothing that a law could be tried on."""


class Asked:
    """A student's function behind a counter: it is handed copies, and what it returns is looked at.

    Every method takes the arguments of the function and raises `Unusable` where it raises, returns
    nothing, changes what it was handed, or returns another kind of thing than was asked for.
    """

    def __init__(self, function: Callable[..., object], signature: str) -> None:
        self.function = function
        self.signature = signature
        self.name = signature.partition("(")[0]
        self._names = [n.strip() for n in signature.partition("(")[2].rstrip(")").split(",")]

    def __call__(self, *arguments: Any) -> Any:
        """What the function returns, whatever it is."""
        self._check_arguments()
        given = [np.array(a) if isinstance(a, np.ndarray) else a for a in arguments]
        call = f"{self.name}({', '.join(map(shown, arguments))})"
        try:
            answer = self.function(*given)
        except NotImplementedError as error:
            where = self._line(error)
            raise Unusable(
                f"{self.signature} is still to be written: NotImplementedError{where}."
            ) from None
        except (Exception, SystemExit) as error:
            said = f": {error}" if str(error) else ""
            kind = type(error).__name__
            raise Unusable(f"{call} raised {kind}{self._line(error)}{said}.") from None
        for name, before, after in zip(self._names, arguments, given, strict=True):
            if isinstance(before, np.ndarray) and not _same(before, after):
                raise Unusable(
                    f"{call} changed its argument {name}, which belongs to whoever called it;"
                    " work on a copy, or make a new array."
                )
        if answer is None:
            raise Unusable(f"{call} gave None; does it end without `return`?")
        return answer

    def number(self, *arguments: Any) -> float:
        """What it returns, which must be one finite number."""
        found = self.array(*arguments, shape=(), what="one number")
        return float(found)

    def array(self, *arguments: Any, shape: tuple[int, ...], what: str = "") -> Array:
        """What it returns, as floats; it must be finite numbers of this shape."""
        what = what or f"an array of the shape {shape}"
        return self._as_array(self(*arguments), shape, what, arguments)

    def arrays(self, *arguments: Any, shapes: Sequence[tuple[int, ...]], what: str) -> list[Array]:
        """What it returns, which must be several arrays (or numbers, of the shape ())."""
        answer = self(*arguments)
        if not isinstance(answer, tuple | list) or len(answer) != len(shapes):
            raise Unusable(f"{self.name} must return {what}; it returned {_kind(answer)}.")
        return [
            self._as_array(one, shape, f"as part {k + 1} of {what} the shape {shape}", arguments)
            for k, (one, shape) in enumerate(zip(answer, shapes, strict=True))
        ]

    def _as_array(
        self, answer: Any, shape: tuple[int, ...], what: str, arguments: Sequence[Any]
    ) -> Array:
        try:
            found = np.asarray(answer)
            if found.dtype.kind not in "biuf":
                raise ValueError
        except ValueError:
            raise Unusable(
                f"{what} is needed of {self.name}; it returned {_kind(answer)}."
            ) from None
        if found.shape != shape:
            raise Unusable(f"{what} is needed of {self.name}; it returned {_kind(answer)}.")
        found = found.astype(float)
        if not np.all(np.abs(found) < _LARGEST):  # nor is it true of nan
            call = f"{self.name}({', '.join(map(shown, arguments))})"
            raise Unusable(f"finite numbers are needed; {call} gave {shown(found)}.")
        return found

    def _check_arguments(self) -> None:
        try:
            signature = inspect.signature(self.function)
        except (TypeError, ValueError):
            return  # some functions of C tell no signature; calling them will tell
        try:
            signature.bind(*self._names)
        except TypeError:
            raise Unusable(
                f"a function that can be called as {self.signature} is needed; yours is"
                f" {self.name}{signature}."
            ) from None

    def _line(self, error: BaseException) -> str:
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        line = line_of(error, code.co_filename) if code else None
        return f" in line {line}" if line else ""


def line_of(error: BaseException, file: str) -> int | None:
    """The innermost line of this file through which the error came."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    line, trace = None, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def need(kept: Any, hint: str) -> None:
    """Raise `Broken` with the hint unless the law is kept."""
    if not kept:
        raise Broken(hint)


def close(found: Any, wanted: Any, tolerance: float = 1e-9) -> bool:
    """Equal but for rounding: the largest difference against the largest number."""
    size = max(float(np.max(np.abs(wanted), initial=0.0)), 1.0)
    return bool(np.max(np.abs(np.asarray(found) - wanted), initial=0.0) <= tolerance * size)


def shown(value: Any) -> str:
    """A value as a hint shows it: short arrays in full, long ones by their shape."""
    if isinstance(value, np.ndarray) and value.ndim:
        if value.size > 8:
            return f"array of the shape {value.shape}"
        return np.array2string(value, separator=", ", precision=4).replace("\n", "")
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    if callable(value):
        return getattr(value, "__name__", "a function")
    said = str(value) if isinstance(value, np.ndarray) else repr(value)
    return said if len(said) <= 60 and " at 0x" not in said else f"a {type(value).__name__}"


def _same(before: Array, after: Array) -> bool:
    """Equal in every entry, a missing one too."""
    return np.array_equal(before, after, equal_nan=before.dtype.kind in "fc")


def _kind(answer: Any) -> str:
    if isinstance(answer, np.ndarray):
        kind = "" if answer.dtype.kind in "biuf" else f" of {answer.dtype}"
        return f"an array of the shape {answer.shape}{kind}"
    if isinstance(answer, tuple | list):
        return f"a {type(answer).__name__} of {len(answer)}"
    return f"{type(answer).__name__} {shown(answer)}"
