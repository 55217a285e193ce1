"""Several networks that differ in where they start and in the order of events; and their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from baksan.models.base import Model
from baksan.models.network import Network
from baksan.models.neural import Neural

Array = NDArray[Any]

__all__ = ["Ensemble", "seed_of_member"]


@dataclass(frozen=True, eq=False)
class Ensemble(Model):
    """a(x) = (1/M) Σ_m a_m(x), each a_m a network that is trained by itself.

    The mean has a smaller variance than its members, and their spread tells where they are unsure:
    far from the training events they disagree (Hansen and Salamon, IEEE Trans. PAMI 12 (1990) 993;
    Lakshminarayanan, Pritzel, Blundell, NIPS 2017). Member m of seed s is the network that a fit
    with the seed s M + m finds, unless the solver waits for the validation loss: that of the mean
    tells when all of them stop. On several cores members are trained side by side.

    Parameters
    ----------
    of : Network or ArrayNetwork
    members : int
        M, from 1.
    parameters : (M P,), set by `prepared`
        Those of the members, one after another.

    Raises
    ------
    ValueError
        Fewer than one member. TypeError for members that are no networks.

    Examples
    --------
    >>> import baksan as bk, numpy as np
    >>> x = np.linspace(-2, 2, 256)[:, None]
    >>> X = bk.Samples(x, x[:, 0] ** 2)
    >>> found = bk.fit(
    ...     bk.Ensemble(bk.Network((16,), activation="tanh"), 3), X, bk.losses.squared,
    ...     bk.Adam(0.03, batch=32),
    ... )
    >>> inside, outside = found.model.spread(np.array([[0.5], [8.0]]))
    >>> bool(inside < outside)
    True
    """

    of: Neural = field(default_factory=Network)
    members: int = 4
    parameters: Array = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        if not isinstance(self.of, Neural):
            raise TypeError(f"an ensemble is of networks; {type(self.of).__name__} came.")
        if type(self.members) is not int or self.members < 1:
            raise ValueError(f"an ensemble needs members, at least 1; {self.members!r} came.")

    @property
    def outputs(self) -> int:  # type: ignore[override]
        return self.of.outputs

    @property
    def features(self) -> int:
        """The number of features d; 0 before `prepared`."""
        return self.of.features

    @property
    def penalised(self) -> Array:
        return np.tile(self.of.penalised, self.members)

    @property
    def running(self) -> Array | None:
        one = self.of.running
        return None if one is None else np.tile(one, self.members)

    def size(self, degree: int) -> float:
        return self.of.size(degree)

    def parts(self, flat: Array) -> Array:
        """One (M P,) array by members, (M, P)."""
        return flat.reshape(self.members, -1)

    @property
    def networks(self) -> Sequence[Neural]:
        """The members."""
        return [self.of.moved(parameters) for parameters in self.parts(self.parameters)]

    def __call__(self, x: Array) -> Array:
        return self.told(x)[0]

    def told(self, x: Array) -> tuple[Array, Array]:
        each = np.array([a(x) for a in self.networks])
        return each.mean(axis=0), each.std(axis=0, ddof=min(1, self.members - 1))

    def spread(self, x: Array) -> Array:
        """The standard deviation of the members' outputs, of the outputs' shape."""
        return self.told(x)[1]

    def pullback(self, x: Array, slope: Array) -> Array:
        return np.concatenate([a.pullback(x, slope / self.members) for a in self.networks])

    def moved(self, parameters: Array) -> Self:
        return replace(self, parameters=parameters)

    def prepared(self, x: Array, weight: Array, outputs: int) -> Self:
        if self.features:
            return self
        return replace(self, of=self.of.prepared(x, weight, outputs)).drawn(0)

    def drawn(self, seed: int) -> Self:
        members = [
            self.of.drawn(seed_of_member(seed, m, self.members)) for m in range(self.members)
        ]
        return self.moved(np.concatenate([a.parameters for a in members]))

    def at_constant(self, constant: Array, spread: Array | float = 1.0) -> Self:
        return replace(self, of=self.of.at_constant(constant, spread))

    def check(self) -> None:
        """Raises ValueError where the parts do not fit together, as in a file that was changed."""
        if self.parameters.ndim != 1 or self.parameters.size % self.members:
            raise ValueError(
                f"the parameters must be those of {self.members} members; they are not."
            )
        for network in self.networks:
            network.check()


def seed_of_member(seed: int, member: int, members: int) -> int:
    """The seed of one member of an ensemble."""
    return seed * members + member
