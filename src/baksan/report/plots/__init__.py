"""Pictures: plain arrays and dictionaries in, matplotlib Figures out.

What to use when
----------------
descent          `loss_against_iteration`, `loss_against_rate`, `small_and_big_steps`,
                 `loss_over_weight`
classification   `scores`, `roc`, `calibration`, `confusion`
regression       `residuals`, `residual_shapes`, `merit_in_bins`
vectors          `misses`
agreement        `data_over_simulation`
features         `importance`, `weights`, `inputs`, `correlations`
path             `weights_against_strength`
showers          `event_display`
style            colours, axes, `series` (one colour a method, everywhere), `svg` (for a page)

Missing values are None or NaN everywhere. A picture of nothing raises ValueError.
"""

from baksan.report.plots.agreement import data_over_simulation
from baksan.report.plots.classification import calibration, confusion, roc, scores
from baksan.report.plots.descent import (
    loss_against_iteration,
    loss_against_rate,
    loss_over_weight,
    small_and_big_steps,
)
from baksan.report.plots.features import correlations, importance, inputs, weights
from baksan.report.plots.path import weights_against_strength
from baksan.report.plots.regression import merit_in_bins, residual_shapes, residuals
from baksan.report.plots.showers import event_display
from baksan.report.plots.style import Series, series, svg
from baksan.report.plots.vectors import misses

__all__ = [
    "Series", "calibration", "confusion", "correlations", "data_over_simulation", "event_display",
    "importance", "inputs",
    "loss_against_iteration", "loss_against_rate", "loss_over_weight", "merit_in_bins", "misses",
    "residual_shapes", "residuals", "roc", "scores", "series", "small_and_big_steps", "svg",
    "weights", "weights_against_strength",
]  # fmt: skip
