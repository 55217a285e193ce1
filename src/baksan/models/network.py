"""The feed-forward network: layers of neurons, each a linear model of the layer below, bent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from baksan.compiled import compiled, side_by_side
from baksan.models.activations import ACTIVATIONS
from baksan.models.encoding import Encoding
from baksan.models.neural import Neural
from baksan.models.passes import Plan, Training, backward, forward

Array = NDArray[Any]

__all__ = ["Network", "layer_shapes"]

_PART = 8_192  # rows that a thread takes at a time


@dataclass(frozen=True, eq=False)
class Network(Neural):
    """a(x) = offset + unit · net(z): layers h_l = f(h_(l−1) W_l + b_l) from h_0 = z, the last flat.

    z are the encoded features; encoding, offset and unit (the answer's best constant and spread)
    are fixed from the training events before the first step. Layers start at random, from the seed
    of the fit, the last one small: a new network predicts about the best constant.

    Parameters
    ----------
    hidden : sequence of int
        Neurons of each hidden layer; none is a linear model.
    activation : str
        relu, leaky_relu, elu, gelu, silu, tanh or sigmoid.
    residual : bool
        h_l = f(…) + h_(l−1) between layers of one width (He et al., CVPR 2016).
    normalise : None, 'batch' or 'layer'
        Sums are brought to mean 0 and variance 1 before they are bent, over the batch or over the
        layer. A batch of one event has no spread: with 'batch' take larger ones.
    dropout : float in [0, 1)
        The share of neurons that a training step leaves out.
    inputs : 'standard' or 'quantile'
        Mean 0 and standard deviation 1; or first to normal quantiles, which tames long tails.
    precision : 'float32' or 'float64'
        In which numbers are computed.
    outputs, encoding, offset, unit, parameters : set by `prepared`
        k; the `Encoding` of features; (k,) and (k,); all arrays of all layers, one after another,
        (P,): weight (in, out), bias, and with a normalisation gain and shift; with 'batch' there is
        no bias, which the mean would take away, but the running mean and variance.

    Raises
    ------
    ValueError
        A width below 1, an unknown name, a dropout outside [0, 1).

    Examples
    --------
    >>> import baksan as bk, numpy as np
    >>> x = np.linspace(-2, 2, 256)[:, None]
    >>> net = bk.Network((16,), activation="tanh")
    >>> found = bk.fit(net, bk.Samples(x, x[:, 0] ** 2), bk.losses.squared, bk.Adam(0.03, batch=32))
    >>> bool(found.loss < 0.01)
    True
    """

    hidden: tuple[int, ...] = (64, 64)
    activation: str = "relu"
    residual: bool = False
    normalise: Literal["batch", "layer"] | None = None
    dropout: float = 0.0
    inputs: Literal["standard", "quantile"] = "standard"
    precision: Literal["float32", "float64"] = "float32"
    outputs: int = 1
    encoding: Encoding = field(default_factory=Encoding)
    offset: Array = field(default_factory=lambda: np.zeros(1))
    unit: Array = field(default_factory=lambda: np.ones(1))
    parameters: Array = field(default_factory=lambda: np.empty(0))
    training: Training | None = None
    """Set while a step is taken: dropout and normalisation by the batch are at work."""

    def __post_init__(self) -> None:
        widths = tuple(self.hidden) if np.iterable(self.hidden) else (self.hidden,)
        for width in widths:
            if isinstance(width, bool) or not isinstance(width, int | np.integer) or width < 1:
                raise ValueError(
                    "hidden layers need whole numbers of neurons from 1, such as (64, 64);"
                    f" {self.hidden!r} came."
                )
        object.__setattr__(self, "hidden", tuple(int(width) for width in widths))
        choices = {
            "activation": tuple(ACTIVATIONS), "normalise": (None, "batch", "layer"),
            "inputs": ("standard", "quantile"), "precision": ("float32", "float64"),
        }  # fmt: skip
        for name, known in choices.items():
            if getattr(self, name) not in known:
                told = ", ".join(str(one) for one in known)
                raise ValueError(f"{name} must be one of {told}; it is {getattr(self, name)!r}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1; it is {self.dropout}.")

    # Its numbers ----------------------------------------------------------------------------------

    @property
    def features(self) -> int:
        """The number of features d; 0 before `prepared`."""
        return self.encoding.features

    @property
    def plan(self) -> Plan:
        """How it is built, apart from its numbers."""
        return Plan(ACTIVATIONS[self.activation], self.residual, self.normalise, self.dropout)

    @cached_property
    def shapes(self) -> list[dict[str, tuple[int, ...]]]:
        """The shape of each array of each layer, in the order of `parameters`."""
        return layer_shapes(self.features, self.hidden, self.outputs, self.normalise)

    @property
    def passed(self) -> int:
        return self.features + sum(self.hidden) + self.outputs

    @property
    def trained_together(self) -> bool:
        return self.normalise == "batch" or self.dropout > 0

    @cached_property
    def running(self) -> Array | None:
        return self.marked("mean", "variance") if self.normalise == "batch" else None

    # Its two passes -------------------------------------------------------------------------------

    def __call__(self, x: Array) -> Array:
        # Not BLAS: what an event is given must not depend on the events beside it, to the last bit.
        x = np.ascontiguousarray(self.checked(x))
        if x.dtype != np.float32:
            x = x.astype(np.float64, copy=False)
        if x.flags.writeable:
            x = x.view()
            x.flags.writeable = False  # one kind of array, one compiled kernel
        predict, *numbers = self._kernel
        p = np.empty((len(x), self.outputs))
        if len(x) <= _PART:
            predict(x, *numbers, p)
        else:
            side_by_side(
                lambda i: predict(x[i : i + _PART], *numbers, p[i : i + _PART]),
                range(0, len(x), _PART),
            )
        return p[:, 0] if self.outputs == 1 else p

    @cached_property
    def _kernel(self) -> tuple[Any, Array, Array, Array]:
        """The loop of `models.kernels_network`, and the plan and the numbers that it takes."""
        from baksan.models.kernels_network import NAMES, packed_encoding, packed_layers, predict

        one = np.ones(self.outputs)
        plan = (
            NAMES.index(self.activation), self.residual, self.normalise == "layer",
            len(self.encoding.knots), self.features, *self.hidden, self.outputs,
        )  # fmt: skip
        return (
            compiled(predict),
            np.array(plan, dtype=np.int64),
            packed_encoding(self.encoding, self.offset * one, self.unit * one),
            packed_layers(self.layers, self.dtype),
        )

    def pulled(self, x: Array, slope: Any) -> tuple[Array, Array]:
        z = self.encoding(self.checked(x), self.dtype)
        a, tape = forward(z, self.layers, self.plan, self.training)
        p = self.offset + self.unit * a
        found = slope(p[:, 0] if self.outputs == 1 else p).reshape(len(x), -1) * self.unit
        layers = backward(found.astype(self.dtype), tape, self.layers, self.plan)
        return p, self.together(layers)

    # Where it begins ------------------------------------------------------------------------------

    def in_training(self, seed: int, step: int) -> Self:
        if not self.trained_together:
            return self
        first, second = (np.array([part & 0xFFFFFFFF], dtype=np.uint32) for part in (seed, step))
        return replace(self, training=Training((first, second)))

    def prepared(self, x: Array, weight: Array, outputs: int) -> Self:
        if self.features:
            return self
        if x.ndim != 2:
            raise ValueError(
                f"a network needs x of shape (n, d); it has {x.shape}."
                " Flatten images first: x.reshape(len(x), -1)."
            )
        encoding = Encoding.of(x, weight, quantiles=self.inputs == "quantile")
        new = replace(
            self, outputs=outputs, encoding=encoding, offset=np.zeros(outputs),
            unit=np.ones(outputs), parameters=np.empty(0),
        )  # fmt: skip
        new.check_memory()
        return new.drawn(0)

    def started(self, rng: np.random.Generator) -> list[dict[str, Array]]:
        """Layers before the first step, so that the network is small beside the best constant.

        Weights have variance 1/features, behind an activation gain/inputs, in the last layer
        0.1/inputs: were they 0 there, all neurons would be told the same at the first step. Biases
        lie within ±1/√inputs: were they 0, all bends would begin at the mean of the features.
        """
        behind = ACTIVATIONS[self.activation].gain
        gains = [1.0, *[behind] * (len(self.hidden) - 1), 0.1][-len(self.shapes) :]
        layers = []
        for shapes, gain in zip(self.shapes, gains, strict=True):
            layer = {name: np.zeros(shape) for name, shape in shapes.items()}
            for name in ("gain", "variance"):
                if name in layer:
                    layer[name] += 1.0
            inputs, width = shapes["weight"]
            layer["weight"] = rng.normal(0.0, np.sqrt(gain / inputs), (inputs, width))
            if "bias" in layer:
                layer["bias"] = rng.uniform(-1.0, 1.0, width) / np.sqrt(inputs)
            layers.append(layer)
        layers[-1]["bias"][:] = 0.0
        return layers

    def at_constant(self, constant: Array, spread: Array | float = 1.0) -> Self:
        return replace(
            self,
            offset=np.asarray(constant, dtype=np.float64) * np.ones(self.outputs),
            unit=np.asarray(spread, dtype=np.float64) * np.ones(self.outputs),
        )

    @property
    def core(self) -> Self:
        """The same network of features that are encoded already."""
        return replace(self, encoding=Encoding.none(self.features))

    def check(self) -> None:
        """Raises ValueError where the parts do not fit together, as in a file that was changed."""
        if type(self.outputs) is not int or self.outputs < 1 or self.features < 1:
            raise ValueError("a network needs features and outputs; it has none.")
        self.encoding.check()
        self.check_numbers()


def layer_shapes(
    features: int, hidden: tuple[int, ...], outputs: int, normalise: str | None
) -> list[dict[str, tuple[int, ...]]]:
    """The shape of each array of each layer."""
    extra = {
        None: ("bias",),
        "layer": ("bias", "gain", "shift"),
        "batch": ("gain", "shift", "mean", "variance"),  # a mean taken away takes a bias with it
    }
    widths = (features, *hidden)
    shapes: list[dict[str, tuple[int, ...]]] = []
    for below, width in zip(widths, hidden, strict=False):
        shape: dict[str, tuple[int, ...]] = {"weight": (below, width)}
        shape |= dict.fromkeys(extra[normalise], (width,))
        shapes.append(shape)
    return [*shapes, {"weight": (widths[-1], outputs), "bias": (outputs,)}]
