"""agree: does the simulation describe the data? Input by input, and all of them together.

    simulation, data → Agreement: a row for each input, the AUC of a classifier that tries to tell
    them apart (0.5 if nothing can), weights that bring the simulation to the data

A model knows the simulation that it was trained on. Where a classifier tells data from simulation,
the model is applied to events that it has never seen the like of, and its efficiencies, biases and
fractions are those of another world.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.agreement.found import Agreement
from baksan.agreement.inputs import Input, inputs
from baksan.agreement.told_apart import ToldApart, told_apart
from baksan.agreement.weights import Reweighted, reweighted
from baksan.samples import Samples

Array = NDArray[Any]

__all__ = ["Agreement", "Input", "Reweighted", "ToldApart", "agree"]

FEWEST = 100


def agree(
    simulation: Samples,
    data: Samples,
    *,
    folds: int = 5,
    seed: int = 0,
    replicas: int = 200,
    progress: Callable[[str, float], object] | None = None,
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
    progress : callable, optional
        progress(text, share done).

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
    show = progress or (lambda text, share: None)
    both = _both(simulation, data)
    show("telling data from simulation", 0.0)
    apart = told_apart(both, folds, seed, replicas)
    show("with weights", 0.5)
    weighted = reweighted(both, apart.score, folds, seed, replicas)
    rows = inputs(simulation, data)
    return Agreement(rows, apart, weighted, (len(simulation), len(data)))


def _both(simulation: Samples, data: Samples) -> Samples:
    """All events, class 0 simulated and class 1 measured, both classes of one weight in all."""
    parts = simulation, data
    group, half = None, (len(simulation) + len(data)) / 2
    if any(part.group is not None for part in parts):
        group = np.concatenate([
            [f"{which}:{label}" for label in (p.ids if p.group is None else p.group)]
            for which, p in zip("sd", parts, strict=True)
        ])  # fmt: skip
    return Samples(
        np.concatenate([part.x for part in parts]),
        np.repeat([0, 1], [len(part) for part in parts]),
        weight=np.concatenate([half * part.w / part.w.sum() for part in parts]),
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
