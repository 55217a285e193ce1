"""JAX, imported when a network is first trained; and formulas written for NumPy, run by JAX.

A formula names NumPy as `np`. `jaxed` gives the same function with `jax.numpy` in that place, so
that no line of it is written twice and no two versions of it can differ.
"""

from __future__ import annotations

import functools
import importlib.util
import types
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from typing import Any

import numpy as np

__all__ = ["available", "jaxed", "on_gpu", "with_precision"]


@functools.cache
def available() -> bool:
    """Whether JAX is installed: `pip install baksan[networks]`."""
    return importlib.util.find_spec("jax") is not None


@functools.cache
def on_gpu() -> bool:
    """Whether JAX is installed and computes on a GPU."""
    if not available():
        return False
    import jax

    return bool(jax.default_backend() == "gpu")


@functools.cache
def jaxed(formula: Any) -> Any:
    """The same function, and the functions of this package that it calls, with JAX's NumPy; of a
    frozen dataclass, each function that it holds.

    Formulas must be pure: no writing into arrays, no branches on their values.
    """
    import jax.numpy as jnp

    if not isinstance(formula, types.FunctionType):
        held = {part.name: getattr(formula, part.name) for part in fields(formula)}
        return replace(formula, **{k: jaxed(v) for k, v in held.items() if callable(v)})
    names = dict(formula.__globals__)
    for name in formula.__code__.co_names:
        known = names.get(name)
        if known is np:
            names[name] = jnp
        elif isinstance(known, types.FunctionType) and known.__module__.startswith("baksan."):
            names[name] = jaxed(known)
    return types.FunctionType(
        formula.__code__, names, formula.__name__, formula.__defaults__, formula.__closure__
    )


def with_precision(dtype: Any) -> AbstractContextManager[Any]:
    """A block in which JAX computes in float64 if that is asked for, else in float32."""
    import jax

    on: AbstractContextManager[Any] = jax.enable_x64(np.dtype(dtype) == np.float64)
    return on
