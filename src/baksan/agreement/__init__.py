"""agree: does the simulation describe the data? Input by input, and all of them together.

    simulation, data → Agreement: a row for each input, the AUC of a classifier that tries to tell
    them apart (0.5 if nothing can), weights that bring the simulation to the data

A model knows the simulation that it was trained on. Where a classifier tells data from simulation,
the model is applied to events that it has never seen the like of, and its efficiencies, biases and
fractions are those of another world.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.agreement.inputs import Input, inputs
from baksan.agreement.told_apart import ToldApart, told_apart
from baksan.agreement.weights import Reweighted, reweighted
from baksan.samples import Samples

Array = NDArray[Any]

__all__ = ["Agreement", "Input", "Reweighted", "ToldApart", "agree"]

FEWEST = 100
_SURE = 3.0  # standard errors of the AUC from 0.5


@dataclass(frozen=True)
class Agreement:
    """What `agree` found.

    Parameters
    ----------
    inputs : tuple of Input
        The ones that differ most first.
    apart : ToldApart
        The classifier: its AUC with error, and what it goes by.
    weighted : Reweighted
        The simulation with weights, and how well it agrees then.
    events : (int, int)
        Of the simulation and of the data.
    """

    inputs: tuple[Input, ...]
    apart: ToldApart
    weighted: Reweighted
    events: tuple[int, int]

    @property
    def holds(self) -> bool:
        """Whether the AUC is less than three of its errors above 0.5."""
        return self.apart.sigmas < _SURE

    @property
    def sentence(self) -> str:
        """What to make of it."""
        a, w = self.apart, self.weighted
        told = f"a classifier tells data from simulation with AUC {a.auc:.3f} ± {a.error:.3f}"
        if self.holds:
            return (
                f"Simulation and data agree: {told}, {a.sigmas:.1f} errors from 0.5. What differs"
                " by less than that would not be seen."
            )
        most = ", ".join(name for name, _ in a.importance[:3])
        return (
            f"Simulation and data DISAGREE: {told}, {a.sigmas:.0f} errors above 0.5, mostly by"
            f" {most}. What was trained on this simulation does not know such data. With weights"
            f" the AUC is {w.auc:.3f} ± {w.error:.3f}, and {w.effective:,.0f} of"
            f" {self.events[0]:,} simulated events are left in effect."
        )

    def text(self) -> str:
        """A table for the terminal, and the sentence."""
        width = max(len(i.name) for i in self.inputs)
        head = f"{'input':<{width}}   KS      p        shift    width"
        rows = [
            f"{i.name:<{width}}   {i.distance:.3f}   {i.p:<8.2g} {i.shift:+.3f}   {i.width:.3f}"
            for i in self.inputs
        ]
        return "\n".join([head, *rows, "", self.sentence])


def agree(
    simulation: Samples, data: Samples, *, folds: int = 5, seed: int = 0, replicas: int = 200
) -> Agreement:
    """Compare the inputs of simulated events with those of measured ones; answers play no part.

    Parameters
    ----------
    simulation, data : Samples
        With the same features; weights count, groups stay whole.
    folds : int
        Of the classifier, whose AUC is out of fold.
    seed, replicas : int
        Of folds and bootstrap.

    Raises
    ------
    ValueError
        Other features, fewer than 100 events in one of them, negative weights.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> one, two = (Samples(rng.normal(size=(300, 2))) for _ in range(2))
    >>> agree(one, two, replicas=50).holds
    True
    """
    _check(simulation, data)
    both = _both(simulation, data)
    apart = told_apart(both, folds, seed, replicas)
    return Agreement(
        inputs(simulation, data),
        apart,
        reweighted(both, apart.score, folds, seed, replicas),
        (len(simulation), len(data)),
    )


def _both(simulation: Samples, data: Samples) -> Samples:
    """All events, class 0 simulated and class 1 measured, each class of weight 1 on average."""
    parts = simulation, data
    group = None
    if any(part.group is not None for part in parts):
        group = np.concatenate([
            [f"{which}:{label}" for label in (p.ids if p.group is None else p.group)]
            for which, p in zip("sd", parts, strict=True)
        ])  # fmt: skip
    return Samples(
        np.concatenate([part.x for part in parts]),
        np.repeat([0, 1], [len(part) for part in parts]),
        weight=np.concatenate([part.w / part.w.mean() for part in parts]),
        group=group,
        features=simulation.features,
        class_names=("simulation", "data"),
    )


def _check(simulation: Samples, data: Samples) -> None:
    names = [[f"{f.name} [{f.unit}]" for f in part.features] for part in (simulation, data)]
    if names[0] != names[1]:
        odd = sorted(set(names[0]) ^ set(names[1])) or names[1]
        raise ValueError(
            "an agreement needs the same features in simulation and data, in one order; the"
            f" difference is {', '.join(odd)}. Select features that both have, in the same units."
        )
    for what, part in (("the simulation", simulation), ("the data", data)):
        if len(part) < FEWEST:
            raise ValueError(
                f"an agreement needs {FEWEST} events or more on both sides; {what} has"
                f" {len(part)}. Give more."
            )
        if part.negative_share:
            raise ValueError(
                f"an agreement needs weights of 0 or more; {what} has negative ones. Leave these"
                " events out."
            )
