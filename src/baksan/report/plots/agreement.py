"""Simulation and data on each other, and their ratio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from baksan.report.plots.style import COLOURS, HALF, INK, MUTED, dress, legend, new_figure, numbers

__all__ = ["data_over_simulation"]

_RATIOS = (0.0, 2.0)


def data_over_simulation(held: Mapping[str, ArrayLike], x: str, title: str = "") -> Figure:
    """Histograms of data (points) and simulation (lines, scaled to the data), and data/simulation
    below with the errors of both.

    Parameters
    ----------
    held : {edges, data, data_error, simulation, simulation_error, weighted, weighted_error}
        edges (m + 1,), all others (m,).
    x : str
        What the axis says.

    Raises
    ------
    ValueError
        There are no events.
    """
    edges, data, error = (numbers(held[k]) for k in ("edges", "data", "data_error"))
    if not data.sum() > 0:
        raise ValueError("a picture of data and simulation needs events; there are none.")
    figure, (top, low) = new_figure(HALF, 3.3, 2, 1, height_ratios=(2.2, 1), sharex=True)
    middle = (edges[1:] + edges[:-1]) / 2
    top.errorbar(middle, data, error, fmt="o", ms=2.6, color=INK, elinewidth=0.8)
    looks: Any = (("simulation", COLOURS[0], "-"), ("weighted", COLOURS[1], (0, (4, 1.5))))
    for k, (name, colour, dash) in enumerate(looks):
        sums, own = numbers(held[name]), numbers(held[f"{name}_error"])
        top.stairs(sums, edges, color=colour, linewidth=1.1, linestyle=dash)
        some = (sums > 0) & (data > 0)
        ratio = np.where(some, data / np.where(some, sums, 1.0), np.nan)
        spread = ratio * np.hypot(error / np.where(some, data, 1.0),
                                  own / np.where(some, sums, 1.0))  # fmt: skip
        apart = (k - 0.5) * 0.2 * np.diff(edges)
        low.errorbar(middle + apart, ratio, spread, fmt="o", ms=2.0, color=colour, elinewidth=0.7)
    low.axhline(1.0, color=MUTED, linewidth=0.8)
    low.set(ylim=_RATIOS, xlim=(edges[0], edges[-1]))
    top.set_ylim(bottom=0)
    dress(top, y="events", title=title)
    dress(low, x=x, y="data / sim.")
    handles = [
        Line2D([], [], color=INK, marker="o", lw=0, ms=2.6, label="data"),
        *(Line2D([], [], color=c, lw=1.1, linestyle=d, label=n) for n, c, d in looks),
    ]
    legend(figure, handles, columns=3)
    return figure
