"""Networks for arrays of stations: what each of them saw, whatever their number and order."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from baksan.jaxed import available, jaxed, with_precision
from baksan.models.activations import ACTIVATIONS
from baksan.models.array.columns import Columns
from baksan.models.array.grids import neighbours_of
from baksan.models.array.heads import OUTPUTS, Answer
from baksan.models.array.passes import ArrayPlan, Kind, array_forward, array_shapes
from baksan.models.array.sight import Measures, Seen, Sight, look
from baksan.models.neural import Neural
from baksan.models.passes import Training

Array = NDArray[Any]

__all__ = ["ArrayNetwork"]

_PART = 256  # events that a prediction takes at a time: what they make stays in the cache
_SOME = 4_096  # events from which channels are brought to size 1


@dataclass(frozen=True, eq=False, repr=False)
class Chosen:
    """z = x[:, order]: the features in the order in which they are looked at; all if it is None."""

    features: int = 0
    order: Array | None = None

    def __call__(self, x: Array, dtype: Any = np.float64) -> Array:
        return np.asarray(x if self.order is None else x[:, self.order], dtype)


@dataclass(frozen=True, eq=False)
class ArrayNetwork(Neural):
    """a(x) = offset + unit · net(stations, observables), or a corrected axis or core.

    Each station is seen in the frame of the shower: where it stands from the axis, how late it was,
    its signals. The order of stations does not matter, nor do masked ones, nor how the array is
    turned (`sets` and `attention`). `models.array.sight`, `passes` and `heads` have the formulas.

    Parameters
    ----------
    columns : Columns
        Which features are what: `Columns.named(X.names)`.
    places : (S, 2) or (S, 3)
        Where the stations stand, in m; none where events bring their own.
    kind : 'sets', 'attention' or 'grid'
        What stations hear of each other before they are summed: nothing; all of all; on a regular
        array of squares or triangles, what its neighbours saw (convolution).
    width, depth : int
        Neurons for each station, and in how many layers stations are thought over.
    heads : int
        Of attention; they share the width.
    answer : 'number', 'direction' or 'position'
        A correction to the axis (three outputs for `losses.von_mises_fisher`) or to the core (two)
        needs the axis in `columns`.
    activation, precision : str
        As of `Network`.
    mirrored : bool
        In training each event is reflected in the plane of its axis by chance; then the mean of
        both images is predicted.
    outputs, encoding, measures, centre, scale, offset, unit, parameters : set by `prepared`

    Raises
    ------
    ValueError
        Widths or depths below 1, heads that do not share the width, unknown names, a grid of
        stations that are on none, a direction without an axis.

    Examples
    --------
    >>> import numpy as np, baksan as bk
    >>> rng = np.random.default_rng(1)
    >>> x = rng.exponential(size=(400, 4))  # signals of four stations
    >>> net = bk.ArrayNetwork(Columns(((0, 1, 2, 3),)), [[0, 0], [0, 1], [1, 0], [1, 1]], width=8)
    >>> X = bk.Samples(x, np.log(x.sum(axis=1)))
    >>> found = bk.fit(net, X, bk.losses.squared, bk.Adam(0.02, batch=50, epochs=30))
    >>> turned = found.model(x[:, [2, 0, 3, 1]])  # another order, on another square
    >>> bool(found.loss < 0.02)
    True
    """

    columns: Columns
    places: Array = field(default_factory=lambda: np.empty((0, 3)), repr=False)
    kind: Kind = "sets"
    width: int = 48
    depth: int = 2
    heads: int = 4
    answer: Answer = "number"
    activation: str = "silu"
    precision: Literal["float32", "float64"] = "float32"
    mirrored: bool = True
    outputs: int = 1
    encoding: Chosen = field(default_factory=Chosen, repr=False)
    measures: Measures = field(default_factory=Measures)
    centre: Array = field(default_factory=lambda: np.empty(0))
    scale: Array = field(default_factory=lambda: np.empty(0))
    offset: Array = field(default_factory=lambda: np.zeros(1))
    unit: Array = field(default_factory=lambda: np.ones(1))
    parameters: Array = field(default_factory=lambda: np.empty(0))
    training: Training | None = None

    def __post_init__(self) -> None:
        places = np.asarray(self.places, dtype=np.float64)
        places = places.reshape(len(places), -1) if places.size else np.empty((0, 3))
        if places.shape[1] == 2:
            places = np.column_stack([places, np.zeros(len(places))])
        object.__setattr__(self, "places", places)
        object.__setattr__(self, "measures", Measures(*self.measures))
        S = self.columns.stations
        if places.shape != (0 if self.columns.places else S, 3):
            raise ValueError(
                f"an array network needs one place (x, y in m) for each of its {S} stations, or"
                f" columns with the places of each event; {len(places)} places came."
            )
        self._check_settings()

    def _check_settings(self) -> None:
        choices = {
            "kind": ("sets", "attention", "grid"), "answer": ("number", *OUTPUTS),
            "activation": tuple(ACTIVATIONS), "precision": ("float32", "float64"),
        }  # fmt: skip
        for name, known in choices.items():
            if getattr(self, name) not in known:
                told = ", ".join(known)
                raise ValueError(f"{name} must be one of {told}; it is {getattr(self, name)!r}.")
        for name, least in (("width", 1), ("depth", 0), ("heads", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be a whole number from {least}; it is {value!r}.")
        if self.kind == "attention" and self.width % self.heads:
            raise ValueError(
                f"heads must share the width; {self.heads} do not share {self.width}. Take a width"
                f" such as {self.heads * max(self.width // self.heads, 1)}."
            )
        if self.answer != "number" and not self.columns.axis:
            raise ValueError(
                f"a {self.answer} is a correction to the standard reconstruction, whose features"
                " zenith, azimuth, core_x, core_y and start are needed; they are not there."
            )
        if self.kind == "grid" and self.columns.places:
            raise ValueError("a grid needs stations that stand where they are; take kind='sets'.")

    # How it is built ------------------------------------------------------------------------------

    @property
    def features(self) -> int:
        return self.encoding.features

    @cached_property
    def sight(self) -> Sight:
        """How events are looked at."""
        c = self.columns
        return Sight(
            len(c.signals), c.stations, bool(c.time), bool(c.status), bool(c.axis), len(c.beside),
            tuple(map(tuple, self.places.tolist())), self.measures,
        )  # fmt: skip

    @cached_property
    def plan(self) -> ArrayPlan:
        """How it is built, apart from its parameters."""
        around = neighbours_of(self.places) if self.kind == "grid" else None
        return ArrayPlan(
            self.kind, self.depth, self.heads, ACTIVATIONS[self.activation], self.answer,
            self.mirrored, self.sight, tuple(self.centre.tolist()), tuple(self.scale.tolist()),
            around,
        )  # fmt: skip

    @property
    def _through_jax(self) -> ArrayPlan:
        return self.plan._replace(activation=jaxed(self.plan.activation))

    @cached_property
    def shapes(self) -> list[dict[str, tuple[int, ...]]]:
        return array_shapes(self.plan, self.width, OUTPUTS.get(self.answer, self.outputs))

    @property
    def at_once(self) -> bool:
        return False

    @property
    def trained_together(self) -> bool:
        return self.mirrored

    @property
    def passed(self) -> int:
        every = self.columns.stations * (self.sight.channels + (self.depth + 1) * self.width)
        if self.kind == "attention":
            every += (
                self.depth
                * self.columns.stations
                * (6 * self.width + self.heads * self.columns.stations)
            )
        return self.features + every + 4 * self.width + self.outputs

    # Its two passes -------------------------------------------------------------------------------

    def __call__(self, x: Array) -> Array:
        z = self.encoding(self.checked(x), self.dtype)
        self._check_living(z)
        parts = [self._net(z[i : i + _PART]) for i in range(0, len(z), _PART)]
        a = np.concatenate(parts) if parts else np.empty((0, self.shapes[-1]["bias"][0]))
        p: Array = self.offset + self.unit * a
        return p[:, 0] if p.shape[1] == 1 else p

    def _net(self, z: Array) -> Array:
        """The last layer of one part; through JAX in parts of one size, for which it is compiled
        once.
        """
        if not available():
            alone: Array = array_forward(z, self.layers, self.plan)
            return alone
        room = _PART if len(z) > 16 else 16
        full = np.concatenate([z, np.broadcast_to(z[:1], (room - len(z), z.shape[1]))])
        with with_precision(self.dtype):
            return np.asarray(_compiled()[0](full, self.layers, self._through_jax))[: len(z)]

    def pulled(self, x: Array, slope: Any) -> tuple[Array, Array]:
        if not available():
            raise ModuleNotFoundError(
                "array networks are trained through JAX, which is not installed; pip install"
                " 'baksan[networks]'."
            )
        z = self.encoding(self.checked(x), self.dtype)
        key = None if self.training is None else self.training.key
        with with_precision(self.dtype):
            a, back = _compiled()[1](z, self.layers, self._through_jax, key)
            p = self.offset + self.unit * np.asarray(a, dtype=np.float64)
            found = slope(p[:, 0] if p.shape[1] == 1 else p).reshape(len(x), -1) * self.unit
            (layers,) = back(found.astype(self.dtype))
        return p, self.together(layers)

    def _check_living(self, z: Array) -> None:
        """Raises ValueError for events of which no station was hit."""
        C, S = self.sight.layers, self.columns.stations
        none = np.flatnonzero(~(z[:, : C * S] > 0).any(axis=1))
        if len(none):
            raise ValueError(
                f"an array network needs events with signals; {len(none):,} of {len(z):,} have"
                f" none, the first in row {none[0]}. Leave them out, such as with"
                ' --where "stations > 0".'
            )

    # Where it begins ------------------------------------------------------------------------------

    def in_training(self, seed: int, step: int) -> Self:
        if not self.mirrored:
            return self
        first, second = (np.array([part & 0xFFFFFFFF], dtype=np.uint32) for part in (seed, step))
        return replace(self, training=Training((first, second)))

    def prepared(self, x: Array, weight: Array, outputs: int) -> Self:
        if self.features:
            return self
        x = np.asarray(x)
        last = int(self.columns.order.max()) + 1
        if x.ndim != 2 or x.shape[1] < last:
            raise ValueError(
                f"this array network needs {last} features or more; x has shape {x.shape}."
            )
        if self.answer != "number" and outputs != (3 if self.answer == "direction" else 2):
            raise ValueError(
                f"a {self.answer} has {OUTPUTS[self.answer]} numbers; the answers have {outputs}."
            )
        new = replace(
            self, encoding=Chosen(x.shape[1], self.columns.order), outputs=outputs,
            offset=np.zeros(outputs),
            unit=np.ones(outputs), parameters=np.empty(0),
        )  # fmt: skip
        some = np.linspace(0, len(x) - 1, min(len(x), _SOME)).astype(int)
        z = new.encoding(x[some], np.float64)
        new._check_living(z)
        new = new._measured(z)
        new.check_memory()
        return new.drawn(0)

    def _measured(self, z: Array) -> Self:
        """With units, centres and scales from encoded events."""
        seen = look(z, self.sight)
        spread = np.abs(np.sinh(seen.f[:, :, 4][seen.hit[:, :, 0] > 0]))
        time = self.measures.time * float(np.median(spread)) if spread.size else 0.0
        new = replace(self, measures=Measures(
            _pitch(self.places), max(time, 1.0),
            max(float(seen.living.sum(axis=1).mean()), 1.0),
            max(float(seen.hit.sum(axis=1).mean()), 1.0),
        ))  # fmt: skip
        seen = look(z, new.sight)
        centre, scale = _size(seen)
        return replace(new, centre=centre, scale=scale)

    def started(self, rng: np.random.Generator) -> list[dict[str, Array]]:
        """Weights of variance gain/inputs, small in the last layer; norms 1, biases 0."""
        gain, layers = ACTIVATIONS[self.activation].gain, []
        for number, shapes in enumerate(self.shapes):
            layer = {}
            for name, shape in shapes.items():
                layer[name] = np.full(shape, 1.0 if name.endswith("gain") else 0.0)
                if name.endswith("weight"):
                    size = gain / (2 if name == "event_weight" else 1) / max(shape[0], 1)
                    layer[name] = rng.normal(0.0, np.sqrt(size), shape)
            if number == len(self.shapes) - 1:
                layer["weight"] *= 0.1
                layer["event_weight"] *= 0.0
            layers.append(layer)
        return layers

    def at_constant(self, constant: Array, spread: Array | float = 1.0) -> Self:
        if self.answer != "number":
            return self
        one = np.ones(self.outputs)
        return replace(self, offset=np.asarray(constant) * one, unit=np.asarray(spread) * one)

    @property
    def core(self) -> Self:
        """The same network of features that are encoded already."""
        return replace(self, encoding=Chosen(len(self.columns.order)))

    def check(self) -> None:
        """Raises ValueError where the parts do not fit together, as in a file that was changed."""
        order = self.columns.order
        if type(self.outputs) is not int or self.outputs < 1 or self.features < 1:
            raise ValueError("an array network needs features and outputs; it has none.")
        if order.min() < 0 or order.max() >= self.features:
            raise ValueError(f"columns must be features 0 … {self.features - 1}; they are not.")
        count = self.sight.channels + self.sight.beside
        for name in ("centre", "scale"):
            values = getattr(self, name)
            if values.shape != (count,) or not np.isfinite(values).all():
                raise ValueError(f"{name} must be {count} finite numbers; it is not.")
        measures = np.array(self.measures)
        if (
            not (self.scale > 0).all()
            or not (measures > 0).all()
            or not np.isfinite(measures).all()
        ):
            raise ValueError("scales and units must be above 0; they are not.")
        if not np.isfinite(self.places).all():
            raise ValueError("places must be finite numbers of m; they are not.")
        self.check_numbers()


def _pitch(places: Array) -> float:
    """The unit of length in m: the median distance to the nearest station, but at least 1 m."""
    if len(places) < 2:
        return 1000.0
    from scipy.spatial import KDTree

    return max(float(np.median(KDTree(places[:, :2]).query(places[:, :2], k=2)[0][:, 1])), 1.0)


def _size(seen: Seen) -> tuple[Array, Array]:
    """Mean and standard deviation of each channel over living stations, and of what is beside."""
    living = seen.living[:, :, 0] > 0
    f = seen.f[living]
    f, e = (f if len(f) else np.zeros((1, seen.f.shape[2]))), seen.e
    centre = np.concatenate([f.mean(axis=0), e.mean(axis=0)])
    scale = np.concatenate([f.std(axis=0), e.std(axis=0)])
    return centre, np.where(scale > 1e-12 * np.maximum(np.abs(centre), 1e-30), scale, 1.0)


@functools.cache
def _compiled() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`array_forward` through JAX; and with the way back."""
    import jax

    run = jaxed(array_forward)

    def both(z: Any, layers: Any, plan: ArrayPlan, key: Any) -> Any:
        training = None if key is None else Training(key)
        return jax.vjp(lambda inner: run(z, inner, plan, training), layers)

    return jax.jit(run, static_argnames="plan"), jax.jit(both, static_argnames="plan")
