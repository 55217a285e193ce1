"""Several settings at once: fits side by side on the cores, and their losses in one picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from baksan.compiled import cores, side_by_side
from baksan.compiled import threads as on_threads
from baksan.fit import Fit, Now, Progress, fit
from baksan.jaxed import on_gpu
from baksan.losses import Loss, Q
from baksan.models.base import Model
from baksan.models.network import Network
from baksan.samples import Samples
from baksan.solvers.base import Events, Penalty, Solver
from baksan.solvers.descent import Descent
from baksan.solvers.lanes import Lanes, in_lane

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Sweep", "Variant", "sweep"]

Variant = Model | Solver | tuple[Model, Solver]


@dataclass(frozen=True, eq=False)
class Sweep:
    """Fits by name, and the loss of each on the validation events.

    `losses` are those of the models as they are: without validation events, on the training ones.
    """

    fits: Mapping[str, Fit]
    losses: Mapping[str, float]

    @property
    def best(self) -> str:
        """The name of the fit with the lowest loss; of many it is also the luckiest one."""
        return min(self.losses, key=lambda name: self.losses[name])

    def __getitem__(self, name: str) -> Fit:
        return self.fits[name]

    def plot(self, title: str = "") -> Figure:
        """Loss against iteration of all of them."""
        from baksan.report.plots import loss_against_iteration

        histories = {name: found.history.to_dict() for name, found in self.fits.items()}
        return loss_against_iteration(histories, title=title)

    def __repr__(self) -> str:
        return f"Sweep({len(self.fits)} fits, best {self.best!r}: {self.losses[self.best]:.4g})"


def sweep(
    model: Model,
    X: Events,
    loss: Loss,
    solver: Solver,
    variants: Mapping[str, Variant],
    *,
    validation: Samples | None = None,
    penalty: Penalty | None = None,
    seed: int = 0,
    threads: int | None = None,
    together: bool | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Fit every variant as `fit` does, as many at a time as there are cores.

    Each fit is the one that `fit(model, X, loss, solver, …)` finds with what the variant puts in
    the place of model or solver, to the last bit. On a GPU, networks that are equal in all but
    their rates take their steps together, in one call; there fits agree to rounding.

    Parameters
    ----------
    model, X, loss, solver, validation, penalty, seed
        As in `fit`.
    variants : mapping of str to Model, Solver, or both as a pair
        What differs from fit to fit, by name.
    threads : int, optional
        All cores by default.
    together : bool, optional
        Whether networks that differ in their rates alone step together; on a GPU by default. On a
        CPU one by one is faster.
    progress : callable, optional
        progress(now): steps of all fits, and in all; loss, validation loss, rate of one of them.

    Raises
    ------
    ValueError
        No variant; what `fit` raises. TypeError for a variant that is neither.

    Examples
    --------
    >>> import baksan as bk, numpy as np
    >>> x = np.linspace(-2, 2, 256)[:, None]
    >>> X = bk.Samples(x, x[:, 0] ** 2)
    >>> rates = {f"rate {rate}": bk.Adam(rate, batch=32) for rate in (1e-5, 1e-3, 3e-2)}
    >>> bk.sweep(bk.Network((16,)), X, bk.losses.squared, bk.Adam(), rates).best
    'rate 0.03'
    """
    if not variants:
        raise ValueError("a sweep needs variants, a mapping of names to solvers or models.")
    named = {name: _varied(model, solver, name, one) for name, one in variants.items()}
    names, fits = list(named), dict[str, Fit]()
    show = _Shown(progress, [way.end(len(X)) for _, way in named.values()])

    def one(index: int, lane: AbstractContextManager[Any] | None = None) -> None:
        varied, way = named[names[index]]
        with on_threads(1), lane or nullcontext():  # the fits are what the cores share
            found = fit(
                varied, X, loss, way, validation=validation, penalty=penalty, seed=seed,
                progress=show.of(index),
            )  # fmt: skip
            if found.interrupted:
                raise KeyboardInterrupt
        fits[names[index]] = found

    alike = [] if together is False else _alike(list(named.values()))
    for group in alike if together or (alike and on_gpu()) else []:
        _in_lanes(one, group)
    rest = [index for index in range(len(names)) if names[index] not in fits]
    with on_threads(threads or cores()):
        side_by_side(one, rest)
    return Sweep(
        {name: fits[name] for name in names},
        {name: _judged(fits[name], validation) for name in names},
    )


def _varied(model: Model, solver: Solver, name: str, variant: Variant) -> tuple[Model, Solver]:
    """Model and solver of a variant. Raises TypeError for what is none."""
    parts = variant if isinstance(variant, tuple) else (variant,)
    for part in parts:
        if isinstance(part, Model):
            model = part
        elif isinstance(part, Solver):
            solver = part
        else:
            raise TypeError(
                f"a variant is a Model, a Solver or a pair of both; {name!r} is {variant!r}."
            )
    return model, solver


def _in_lanes(one: Callable[[int, AbstractContextManager[Any]], None], group: list[int]) -> None:
    """These fits, each in a thread, that take their steps together."""
    lanes = Lanes(len(group))
    try:
        with on_threads(len(group)):
            side_by_side(lambda k: one(group[k], in_lane(lanes, k)), range(len(group)))
    finally:
        lanes.close()


def _alike(ways: list[tuple[Model, Solver]]) -> list[list[int]]:
    """Which of these networks with their solvers differ in their rates alone, in groups."""
    groups: dict[Any, list[int]] = {}
    for index, (model, solver) in enumerate(ways):
        if not isinstance(solver, Descent) or solver.batch is None or solver.way == "generic":
            continue
        if type(model) is Network:
            key = id(model), type(solver), repr(replace(solver, rate="auto", way="compiled"))
            groups.setdefault(key, []).append(index)
    return [group for group in groups.values() if len(group) > 1]


def _judged(found: Fit, validation: Samples | None) -> float:
    """Q of the model on the validation events, or on its own."""
    return found.loss if validation is None else Q(found.model, validation, found.problem.loss)


class _Shown:
    """The progress of all fits as that of one."""

    def __init__(self, progress: Progress | None, ends: list[float]) -> None:
        self.progress, self.ends, self.steps = progress, ends, [0] * len(ends)

    def of(self, index: int) -> Progress | None:
        """What one of the fits reports to."""
        if self.progress is None:
            return None
        show = self.progress

        def tell(now: Now) -> None:
            self.steps[index] = now.step
            show(now._replace(step=sum(self.steps), last=sum(self.ends)))

        return tell
