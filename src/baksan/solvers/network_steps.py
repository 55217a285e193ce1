"""Steps of a network through JAX: the lines of `passes`, `losses` and `rules`, compiled.

Many steps are one call: a loop over the batches of a window of events, which lie in the order of
the epoch already. Shapes do not depend on how many steps a call takes, so that one compilation
serves a whole run, and the runs of all folds. Inside, the parameters are a list of arrays, those of
each layer in their order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baksan.jaxed import jaxed, with_precision
from baksan.models.array.passes import array_forward
from baksan.models.base import Model
from baksan.models.neural import Neural
from baksan.models.passes import Plan, Training, backward, forward
from baksan.samples import Samples
from baksan.solvers.base import Events, Problem, State
from baksan.solvers.doubts import check_memory
from baksan.solvers.rows import Rows
from baksan.solvers.rules import Rule, clipped, stepped
from baksan.solvers.settings import Settings
from baksan.solvers.steps import next_epoch
from baksan.solvers.windows import Windows

Array = NDArray[Any]
Arrays = list[Any]

__all__ = ["NetworkBatches", "NetworkSums", "run"]

_ROWS = 32_768  # of sums over all events
_WINDOW = 131_072  # events that are gathered ahead: each call from one to the next costs two steps
_NONE = np.empty(0)


# What a compilation is for, and what enters it ----------------------------------------------------


class _Sums(NamedTuple):
    """A network and its loss: what the sums over a batch are compiled for."""

    plan: Any
    layers: tuple[tuple[tuple[str, tuple[int, ...]], ...], ...]
    outputs: int
    cost: Callable[..., Any]
    slope: Callable[..., Any]
    setting: Any

    @classmethod
    def of(cls, problem: Problem) -> _Sums:
        network, loss = _network(problem), problem.loss
        layers = tuple(tuple(layer.items()) for layer in network.shapes)
        plan = network.plan._replace(activation=jaxed(network.plan.activation))
        formulas = jaxed(loss.cost), jaxed(loss.slope_of)
        return cls(plan, layers, network.outputs, *formulas, loss.setting)

    @property
    def names(self) -> list[str]:
        return [name for layer in self.layers for name, _ in layer]

    def layered(self, arrays: Sequence[Any]) -> list[dict[str, Any]]:
        rest = iter(arrays)
        return [{name: next(rest) for name, _ in layer} for layer in self.layers]

    def listed(self, layers: Any) -> Arrays:
        named = zip(layers, self.layers, strict=True)
        return [arrays[name] for arrays, layer in named for name, _ in layer]

    def apart(self, flat: Any) -> Arrays:
        """One (P,) array as a list of arrays."""
        shapes = [shape for layer in self.layers for _, shape in layer]
        stops = np.cumsum([int(np.prod(shape)) for shape in shapes])
        cut = zip(shapes, [0, *stops], stops, strict=False)
        return [flat[start:stop].reshape(shape) for shape, start, stop in cut]


class _Steps(NamedTuple):
    """The settings of a solver that the steps are compiled for."""

    batch: int
    rule: Rule
    look: float
    average: bool
    decay: float
    clip: float | None
    l1: float


class _Numbers(NamedTuple):
    """offset (k,) from the middle, unit (k,), the strength of L2, by what slopes are divided."""

    offset: Any
    unit: Any
    l2: Any
    size: Any

    @classmethod
    def of(cls, problem: Problem) -> _Numbers:
        a = _network(problem)
        offset = a.offset
        if problem.loss.follows:
            offset = offset - _middle(problem) * problem.loss.follows
        parts = (offset, a.unit, problem.l2, a.size(problem.loss.degree))
        return cls(*(np.asarray(part, dtype=a.dtype) for part in parts))


class _Events(NamedTuple):
    """x (n, d), targets (n, k) and weight (n,); rows of weight 0 may fill up the end."""

    x: Any
    t: Any
    weight: Any

    @classmethod
    def of(cls, rows: Rows, capacity: int, dtype: Any) -> _Events:
        x = np.zeros((capacity, rows.x.shape[1]), dtype)
        t, weight = np.ones((capacity, len(rows.t)), dtype), np.zeros(capacity, dtype)
        x[: len(rows)], t[: len(rows)] = rows.x, rows.t.T
        weight[: len(rows)] = rows.weight if len(rows.weight) else 1.0
        return cls(x, t, weight)


def _flat(arrays: Sequence[Any]) -> Array:
    """One (P,) float64 array, where steps end."""
    return np.concatenate([np.asarray(part).ravel() for part in arrays], dtype=np.float64)


class _Ready(NamedTuple):
    """A window of events where JAX has them, how many there are, and their weights."""

    events: _Events
    size: int
    weight: Array


def _handed(rows: Rows, batch: int, steps: int, dtype: Any) -> _Ready:
    """The rows as steps want them, in the time of the thread that reads ahead."""
    capacity = max(steps, -(-len(rows) // batch)) * batch
    return _Ready(_there(_Events.of(rows, capacity, dtype), dtype), len(rows), rows.weight)


def _there(parts: Any, dtype: Any) -> Any:
    """The arrays where JAX has them."""
    import jax

    with with_precision(dtype):
        return jax.device_put(parts)


def _network(problem: Problem) -> Neural:
    assert isinstance(problem.model, Neural)
    return problem.model


def _middle(problem: Problem) -> Array:
    """The best constant of each answer, (1,) or (k,)."""
    answers = problem.X.head.answers
    return _network(problem).offset[: answers.shape[1] if answers.ndim == 2 else 1]


def encoded(problem: Problem) -> Events:
    """The events with encoded features, which is done once and not at every step, and answers from
    their middle, where the loss looks at differences only: single precision keeps seven digits.
    """
    network, X = _network(problem), problem.X
    middle = _middle(problem) if problem.loss.follows else None

    def change(block: Samples) -> Samples:
        y = block.y if middle is None else block.y - middle
        return block.with_parts(x=network.encoding(block.x, network.dtype), y=y)

    return change(X) if isinstance(X, Samples) else X.map(change)


# What is compiled ---------------------------------------------------------------------------------


def _priced(sums: _Sums, numbers: _Numbers, a: Any, t: Any, formula: Callable[..., Any]) -> Any:
    """The cost or its slope of each event and output of the last layer, (n, …)."""
    p = numbers.offset + numbers.unit * a
    p, t = (p[:, 0], t[:, 0]) if sums.outputs == 1 else (p, t)
    more = () if sums.setting is None else (sums.setting,)
    return formula(p, t, *more).reshape(len(a), -1)


def _cost(sums: _Sums, numbers: _Numbers, arrays: Arrays, events: _Events) -> Any:
    """Σ w cost."""
    a, _ = _passed(sums, events.x, sums.layered(arrays), None)
    return events.weight @ _priced(sums, numbers, a, events.t, sums.cost).sum(axis=1)


def _pulled(
    sums: _Sums, numbers: _Numbers, arrays: Arrays, events: _Events, training: Training | None
) -> tuple[Any, Arrays]:
    """Σ w cost, and Σ w slope ∂a/∂w."""
    a, back = _passed(sums, events.x, sums.layered(arrays), training)
    cost = events.weight @ _priced(sums, numbers, a, events.t, sums.cost).sum(axis=1)
    slope = _priced(sums, numbers, a, events.t, sums.slope) * events.weight[:, None] * numbers.unit
    return cost, sums.listed(back(slope))


def _passed(sums: _Sums, z: Any, layers: Any, training: Training | None) -> tuple[Any, Any]:
    """The last layer of events z, and the way back from a slope there to the layers."""
    plan = sums.plan
    if isinstance(plan, Plan):
        a, tape = jaxed(forward)(z, layers, plan, training)
        return a, lambda slope: jaxed(backward)(slope, tape, layers, plan)
    import jax

    a, back = jax.vjp(lambda inner: jaxed(array_forward)(z, inner, plan, training), layers)
    return a, lambda slope: back(slope)[0]


class _Held(NamedTuple):
    """What a step changes, each a list of arrays.

    Cut out of one (P,) array they would lie anywhere in it, and products be a sixth slower.
    """

    w: Any
    velocity: Any
    squares: Any
    average: Any


def _step(
    sums: _Sums, how: _Steps, numbers: _Numbers, held: _Held, batch: _Events, training: Training,
    events: Any, pace: Any,
) -> tuple[_Held, Any, Arrays]:  # fmt: skip
    """What it leaves; Σ w cost; the gradient without the running averages."""
    marks = [(name.endswith("weight"), name in ("mean", "variance")) for name in sums.names]
    look = [w + how.look * v for w, v in zip(held.w, held.velocity, strict=True)]
    cost, total = _pulled(sums, numbers, look if how.look else held.w, batch, training)
    g = [
        part / how.batch if running else (part / events + numbers.l2 * w * weight) / numbers.size
        for part, w, (weight, running) in zip(total, look, marks, strict=True)
    ]
    steep = [part for part, (_, running) in zip(g, marks, strict=True) if not running]
    if how.clip is not None:
        norm = _length(steep)
        g = [
            part if running else jaxed(clipped)(part, how.clip, norm)
            for part, (_, running) in zip(g, marks, strict=True)
        ]
    one = partial(jaxed(stepped), pace=pace, rule=how.rule, decay=how.decay, l1=how.l1)
    moved = [
        one(w, part, v, s, penalised=weight, running=running)
        for w, part, v, s, (weight, running) in zip(
            held.w, g, held.velocity, held.squares, marks, strict=True
        )
    ]
    new, velocity, squares = (list(column) for column in zip(*moved, strict=True))
    average = held.average
    if how.average:
        average = [m + pace[3] * (w - m) for w, m in zip(new, average, strict=True)]
    return _Held(new, velocity, squares, average), cost, steep


def _length(arrays: Arrays) -> Any:
    import jax.numpy as jnp

    return jnp.sqrt(sum((part * part).sum() for part in arrays))


def run(
    sums: _Sums, how: _Steps, numbers: _Numbers, held: _Held, events: _Events, paces: Any,
    where: Any,
) -> Any:  # fmt: skip
    """So many steps from this row on: what they leave, the costs, |g| and |Δw| of the last one.

    where: first row, number of rows, of steps, and what numbers are drawn from, seed and step; in
    one array, because each one that is handed over costs as much as a step.
    """
    import jax.numpy as jnp
    from jax import lax

    first, rows, steps = where[:3].astype(jnp.int32)
    key = where[3:]

    def step(i: Any, carried: Any) -> Any:
        held, costs, told = carried
        start = first + i * how.batch
        batch = _Events(*(lax.dynamic_slice_in_dim(part, start, how.batch) for part in events))
        real = (start + jnp.arange(how.batch) < rows).astype(batch.x.dtype)[:, None]
        training = Training((key[:1], key[1:] + i.astype(jnp.uint32)), real)
        seen = jnp.minimum(how.batch, rows - start).astype(batch.x.dtype)
        after, cost, g = _step(sums, how, numbers, held, batch, training, seen, paces[i])

        def lengths() -> Any:
            change = [new - old for new, old in zip(after.w, held.w, strict=True)]
            return _length(g), _length(change)

        # Within the loop: a step behind it would be compiled by itself, and end in other bits.
        told = lax.cond(i == steps - 1, lengths, lambda: told)
        return after, costs.at[i].set(cost), told

    costs = jnp.zeros(len(paces), events.x.dtype)
    held, costs, told = lax.fori_loop(0, steps, step, (held, costs, (costs[0], costs[0])))
    return held, costs, *told


@functools.cache
def _compiled() -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """`run`, `_pulled` and `_cost` through JAX."""
    import jax

    def pulled(sums: _Sums, numbers: Any, flat: Any, events: Any, key: Any) -> Any:
        import jax.numpy as jnp

        training = None if key is None else Training((key[:1], key[1:]))
        cost, found = _pulled(sums, numbers, sums.apart(flat), events, training)
        return cost, jnp.concatenate([part.ravel() for part in found])

    def cost(sums: _Sums, numbers: Any, flat: Any, events: Any) -> Any:
        return _cost(sums, numbers, sums.apart(flat), events)

    return (
        jax.jit(run, static_argnames=("sums", "how")),
        jax.jit(pulled, static_argnames="sums"),
        jax.jit(cost, static_argnames="sums"),
    )


# What solvers call --------------------------------------------------------------------------------


class _Begun(NamedTuple):
    """Steps that JAX may still be at work on: from where they start, and what they will find."""

    held: _Held
    window: _Ready
    where: tuple[int, int, int]
    found: Any

    def starts(self, held: _Held, window: _Ready, where: tuple[int, int, int]) -> bool:
        """Whether they start from there: step, first row, number of steps."""
        return held is self.held and window is self.window and where == self.where


class NetworkBatches:
    """Steps on batches for a network."""

    def __init__(self, solver: Settings, problem: Problem) -> None:
        assert solver.batch is not None
        self.solver, self.problem = solver, problem
        self.schedule, self.n = solver.schedule(problem), len(problem.X)
        self.size = min(solver.batch, self.n)
        self.network, self.parts = _network(problem), _Sums.of(problem)
        check_memory(self.network, self.size)
        self.numbers = _there(_Numbers.of(problem), self.network.dtype)
        self.kept: tuple[tuple[Array, ...], Any] = ((), None)
        self.then = 0
        self.begun: _Begun | None = None
        self.how = _Steps(
            self.size, jaxed(solver.rule), solver.momentum * solver.nesterov, solver.average,
            solver.decay, solver.clip, problem.l1,
        )  # fmt: skip
        self.steps = -(-min(_WINDOW, self.n) // self.size)
        self.events, self.windows = self._read()

    def _read(self) -> tuple[Events, Windows[Rows, _Ready]]:
        """The events as the network sees them, and the windows that steps see of them."""
        events, solver, problem = encoded(self.problem), self.solver, self.problem
        made = partial(
            Rows.of, loss=problem.loss, outputs=self.network.outputs,
            mean_weight=problem.mean_weight,
        )  # fmt: skip
        handed = partial(_handed, batch=self.size, steps=self.steps, dtype=self.network.dtype)
        return events, Windows(events, solver, made, handed, _WINDOW)

    def close(self) -> None:
        """Ends the reading ahead."""
        self.windows.close()
        self.kept, self.begun = ((), None), None

    @cached_property
    def sums(self) -> NetworkSums:
        """Over all events, for those who ask for Q; made once, for the many looks of a history."""
        return NetworkSums(self.problem, self.events)

    def value(self, parameters: Array) -> float:
        """Q at these parameters."""
        return self.sums.value(parameters)

    def __call__(self, state: State, steps: int) -> State:
        last = state.step + steps
        state = next_epoch(state, self.n)
        with with_precision(self.network.dtype):
            while state.step < last:
                window, first = self._window(state)
                left = -(-(window.size - first) // self.size)
                taken = min(left, last - state.step, self.steps)
                then = self.then if state.step + taken == last else 0
                state = self._stretch(state, window, first, taken, min(then, left - taken))
                state = next_epoch(state, self.n)
        return state

    def _window(self, state: State) -> tuple[_Ready, int]:
        """The window of the next event, and where in it that stands."""
        return self.windows.at(state)

    def _ran(self, held: _Held, events: _Events, paces: Array, where: Array) -> Any:
        """What `run` finds."""
        return _compiled()[0](self.parts, self.how, self.numbers, held, events, paces, where)

    def _parts(self, state: State) -> tuple[Array, ...]:
        """What steps change, as the State holds it."""
        squares = state.moments.get("squares", _NONE)
        average = state.average if self.solver.average else _NONE
        return state.parameters, state.velocity, squares, average

    def _changing(self, state: State) -> _Held:
        """What steps change, where JAX has it: often what the last call left there."""
        parts = self._parts(state)
        known, there = self.kept
        if len(known) == len(parts) and all(a is b for a, b in zip(known, parts, strict=True)):
            return there  # type: ignore[no-any-return]
        none = [np.empty(0, self.network.dtype) for _ in self.parts.names]
        apart = (self.parts.apart(p.astype(self.network.dtype)) if p.size else none for p in parts)
        return _Held(*apart)

    def _begin(self, state: State, window: _Ready, first: int, steps: int, held: _Held) -> _Begun:
        """So many steps, under way."""
        paces = np.zeros((self.steps, 4), self.network.dtype)
        paces[:steps] = self.solver.paces(self.schedule, state, steps)
        where = np.array([first, window.size, steps, state.seed, state.step]) & 0xFFFFFFFF
        found = self._ran(held, window.events, paces, where.astype(np.uint32))
        return _Begun(held, window, (state.step, first, steps), found)

    def _stretch(self, state: State, window: _Ready, first: int, steps: int, then: int) -> State:
        """Steps within one window. `then` many of the next ones are begun, so that they are under
        way while the history is written.
        """
        solver, held, begun = self.solver, self._changing(state), self.begun
        if begun is None or not begun.starts(held, window, (state.step, first, steps)):
            begun = self._begin(state, window, first, steps, held)
        there, costs, norm, change = begun.found
        self.begun = None
        if then > 0:
            next_ = replace(state, step=state.step + steps)
            at = first + steps * self.size
            self.begun = self._begin(next_, window, at, min(then, self.steps), there)
        held = _Held(*(_flat(part) for part in there))
        costs = np.asarray(costs, dtype=np.float64)[:steps]
        visited = min(steps * self.size, window.size - first)
        weight = window.weight[first : first + visited] if len(window.weight) else np.ones(visited)
        newest = weight[(steps - 1) * self.size :].sum()
        state = replace(
            state, parameters=held.w, velocity=held.velocity,
            average=held.average if solver.average else held.w,
            moments={"squares": held.squares} if solver.rule.squares else state.moments,
            step=state.step + steps, seen=state.seen + visited, place=state.place + visited,
            cost=state.cost + float(costs.sum()), mass=state.mass + float(weight.sum()),
            loss=float(costs[-1] / newest) if newest else 0.0, gradient=float(norm),
            change=float(change),
        )  # fmt: skip
        self.kept = self._parts(state), there
        return state


class NetworkSums:
    """`Sums` over all events, for a network, in parts of at most 32,768 events: all in one where
    steps are taken by them, and what training does to an event hangs on the others or on its row.
    """

    def __init__(self, problem: Problem, events: Events | None = None) -> None:
        self.whole = events is None and _network(problem).trained_together
        if self.whole:
            check_memory(_network(problem), len(problem.X.head))
        self.parts, self.numbers = _Sums.of(problem), _Numbers.of(problem)
        self.dtype, self.loss = _network(problem).dtype, problem.loss
        self.mean_weight = problem.mean_weight
        self.X = encoded(problem) if events is None else events
        self.kept = list(self._cut(self.X)) if isinstance(self.X, Samples) else None

    def _cut(self, block: Samples) -> Any:
        """The events in parts of one shape, where JAX has them, with Σ w of each."""
        import jax

        rows = Rows.of(block, self.loss, self.parts.outputs, self.mean_weight)
        size = len(rows) if self.whole else min(_ROWS, len(rows))
        with with_precision(self.dtype):
            for start in range(0, len(rows), size):
                part = rows.picked(
                    np.arange(start, min(start + size, len(rows))), rows.x[start : start + size]
                )
                mass = part.weight.sum() if len(part.weight) else len(part)
                yield jax.device_put(_Events.of(part, size, self.dtype)), float(mass)

    def _total(self, of: Callable[[_Events], tuple[Any, ...]]) -> tuple[Any, ...]:
        """Σ over the parts of what is told of each, and Σ w."""

        def block(parts: Any) -> tuple[Any, ...]:
            with with_precision(self.dtype):
                told = [(*of(events), mass) for events, mass in parts]
            return tuple(
                sum(np.asarray(c, dtype=np.float64) for c in column)
                for column in zip(*told, strict=True)
            )

        if self.kept is not None:
            return block(self.kept)
        return tuple(self.X.total(lambda part: block(self._cut(part))))

    def value(self, parameters: Array) -> float:
        """Q at these parameters."""
        _, _, cost = _compiled()
        flat = parameters.astype(self.dtype)
        total, mass = self._total(lambda events: (cost(self.parts, self.numbers, flat, events),))
        return float(total / mass)

    def __call__(self, a: Model) -> tuple[Array, float, float]:
        assert isinstance(a, Neural)
        _, pulled, _ = _compiled()
        flat, key = a.parameters.astype(self.dtype), None
        if a.training is not None:
            key = np.concatenate(a.training.key)
        cost, g, mass = self._total(
            lambda events: pulled(self.parts, self.numbers, flat, events, key)
        )
        return g, float(cost), float(mass)
