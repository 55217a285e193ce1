"""What `agree` finds, and what to make of it."""

from __future__ import annotations

from dataclasses import dataclass

from baksan.agreement.inputs import Input
from baksan.agreement.told_apart import ToldApart
from baksan.agreement.weights import Reweighted

__all__ = ["Agreement"]

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
