"""What networks of every kind have in common: layers of arrays, and one flat row of parameters."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from baksan import memory
from baksan.models.base import Model
from baksan.models.passes import Layers

Array = NDArray[Any]

__all__ = ["Neural"]

_COPIES = 6 * 8  # bytes of a parameter, its slope, its moments, its best and its last value


class Neural(Model):
    """a(x) = offset + unit · net(encoding(x)), the net in layers of named arrays.

    `offset` (k,) and `unit` (k,) are the answer's best constant and spread; `encoding` turns
    (n, features) into what the first layer is handed, once before a training. `plan` is how the net
    is built, apart from its numbers.
    """

    precision: str
    offset: Array
    unit: Array
    training: Any
    encoding: Any

    @property
    @abstractmethod
    def features(self) -> int:
        """The number of features d; 0 before `prepared`."""

    @property
    @abstractmethod
    def plan(self) -> Any:
        """How it is built, apart from its numbers."""

    @abstractmethod
    def check(self) -> None:
        """Raises ValueError where the parts do not fit together, as in a file that was changed."""

    @property
    @abstractmethod
    def shapes(self) -> list[dict[str, tuple[int, ...]]]:
        """The shape of each array of each layer, in the order of `parameters`."""

    @property
    @abstractmethod
    def passed(self) -> int:
        """How many numbers of an event all layers hold."""

    @property
    def at_once(self) -> bool:
        """Whether its own passes are NumPy's; else JAX compiles those, too."""
        return True

    @property
    @abstractmethod
    def trained_together(self) -> bool:
        """Whether what training does to an event hangs on the others, or on its row."""

    @abstractmethod
    def started(self, rng: np.random.Generator) -> list[dict[str, Array]]:
        """Layers before the first step."""

    @property
    def dtype(self) -> Any:
        return np.dtype(self.precision)

    @cached_property
    def layers(self) -> Layers:
        """The arrays of each layer by name, as `parameters` holds them."""
        return self.apart(self.parameters.astype(self.dtype))

    def apart(self, flat: Array) -> list[dict[str, Array]]:
        """One flat (P,) array as the arrays of the layers."""
        layers, start = [], 0
        for shapes in self.shapes:
            layer = {}
            for name, shape in shapes.items():
                stop = start + int(np.prod(shape))
                layer[name], start = flat[start:stop].reshape(shape), stop
            layers.append(layer)
        return layers

    def together(self, layers: Layers) -> Array:
        """The arrays of the layers as one flat (P,) float64 array."""
        flat = [
            np.asarray(layer[name], dtype=np.float64).ravel()
            for layer, shapes in zip(layers, self.shapes, strict=True)
            for name in shapes
        ]
        return np.concatenate(flat)

    def marked(self, *endings: str) -> Array:
        """True for the parameters in arrays whose names end so, (P,)."""
        return np.concatenate(
            [
                np.full(int(np.prod(shape)), name.endswith(endings))
                for shapes in self.shapes
                for name, shape in shapes.items()
            ]
        )

    @cached_property
    def penalised(self) -> Array:
        return self.marked("weight")

    def size(self, degree: int) -> float:
        return float(np.mean(self.unit**degree))

    def checked(self, x: Array) -> Array:
        """x itself. Raises ValueError for another number of features."""
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1] != self.features:
            raise ValueError(
                f"this network needs {self.features} features, x (n, {self.features});"
                f" x has shape {x.shape}."
            )
        return x

    def pullback(self, x: Array, slope: Array) -> Array:
        return self.pulled(x, lambda _: slope)[1]

    def moved(self, parameters: Array) -> Self:
        return replace(self, parameters=parameters)  # type: ignore[type-var]

    def drawn(self, seed: int) -> Self:
        return self.moved(self.together(self.started(np.random.default_rng([seed, 0x6E6574]))))

    @property
    def count(self) -> int:
        """P, the number of parameters."""
        return sum(int(np.prod(shape)) for layer in self.shapes for shape in layer.values())

    def check_memory(self) -> None:
        """Raises MemoryError where there is no room for parameters, slopes and moments."""
        if (needed := _COPIES * self.count) > (left := memory.available()):
            raise MemoryError(
                f"a network of {self.count:,} parameters needs about {needed / 1e9:.3g} GB to be"
                f" trained; {left / 1e9:.3g} GB are left. Take narrower layers."
            )

    def check_numbers(self) -> None:
        """Raises ValueError where offset, unit and parameters are not finite rows that fit."""
        needed = {"offset": self.outputs, "unit": self.outputs, "parameters": self.count}
        for name, count in needed.items():
            values = np.asarray(getattr(self, name))
            numbers = values.dtype.kind in "iuf" and values.shape == (count,)
            if not numbers or not np.isfinite(values).all():
                raise ValueError(f"{name} must be {count} finite numbers in one row; it is not.")
