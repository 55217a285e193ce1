"""Memory ahead of need, in the part of Python that Numba compiles."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload
from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = ["gather", "prefetch"]

_LINE = 64  # bytes that come at a time
_SOON = 32  # rows that are on their way: as many as hide the memory's latency


def prefetch(x: Array, i: int, rows: int) -> None:
    """Asks for so many rows of x (n, d) from row i on, which will be read soon; they may lie
    outside. As plain Python, or where x lies in memory by columns, nothing.

    A processor guesses what comes next within 4 kB, and never in random order; to be told doubles
    what it reads of rows of some hundred bytes.
    """


@overload(prefetch)
def _prefetch(x: Array, i: int, rows: int) -> Any:
    by_rows = x.layout == "C"  # type: ignore[attr-defined]  # x is a type of Numba's here

    def machine(x: Array, i: int, rows: int) -> Any:
        if not by_rows:
            return
        items, d = _LINE // x.itemsize, x.shape[1]
        for item in range(i * d, (i + rows) * d + items - 1, items):
            _hint(x, item)  # type: ignore[call-arg]

    return machine


@intrinsic
def _hint(context: Any, x: Any, item: Any) -> Any:
    """The processor's own instruction for the memory at x.ravel()[item], x contiguous."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), byte)
        read, keep, data = number(0), number(3), number(1)
        name = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        builder.call(name, [place, read, keep, data])
        return context.get_dummy_value()

    return types.void(x, types.int64), code


def gather(x: Array, order: Array, out: Array) -> None:
    """out[r] = x[order[r]] for all r; x and out (…, d), contiguous."""
    n, d = out.shape
    for r in range(n):
        prefetch(x, order[min(r + _SOON, n - 1)], 1)
        i = order[r]
        for j in range(d):
            out[r, j] = x[i, j]
