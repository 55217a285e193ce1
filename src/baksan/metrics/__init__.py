"""Figures of merit: how good are predictions? Pure functions of plain arrays with event weights.

What to use when
----------------
separation      `roc`, `auc`; at a working point `signal_efficiency`, `background_efficiency`,
                `q_factor`; from two moments only `merit_factor`
decisions       `accuracy`, `confusion`
probabilities   `brier`, `log_loss`, `calibration`, `ece`
train and test  `overtraining`
numbers         `bias`, `resolution`, `rmse`, `mae`, `r2`; `relative=True` for x = a/y − 1

`METRICS` says what each is called and which way is better; `Prediction` is what models hand in.

Classes are indices 0 … K−1; with two classes 0 is background and 1 signal. A weight of 2 is the
event twice, in every figure but the numbers of events left, which are rows of the table. That law
makes the bootstrap cheap: a replica is the same table with other weights. `Ranking`, `Reliability`
and `Residuals` therefore sort once and give their figures for any weights; there a figure that
does not exist is NaN, while the functions say in a sentence what is missing.
"""

from baksan.metrics.classification import (
    Calibration,
    KolmogorovSmirnov,
    Ranking,
    Reliability,
    Roc,
    WorkingPoint,
    accuracy,
    auc,
    background_efficiency,
    brier,
    brier_costs,
    calibration,
    confusion,
    ece,
    kolmogorov_smirnov,
    log_costs,
    log_loss,
    merit_factor,
    overtraining,
    q_factor,
    roc,
    signal_efficiency,
)
from baksan.metrics.prediction import Prediction
from baksan.metrics.regression import (
    CENTRAL,
    Residuals,
    bias,
    bin_numbers,
    mae,
    quantiles,
    r2,
    relative_errors,
    resolution,
    rmse,
)
from baksan.metrics.table import LEAST_LEFT, METRICS, Metric

__all__ = [
    "CENTRAL", "LEAST_LEFT", "METRICS", "Calibration", "KolmogorovSmirnov", "Metric", "Prediction",
    "Ranking", "Reliability", "Residuals", "Roc", "WorkingPoint", "accuracy", "auc",
    "background_efficiency", "bias", "bin_numbers", "brier", "brier_costs", "calibration",
    "confusion", "ece", "kolmogorov_smirnov", "log_costs", "log_loss", "mae", "merit_factor",
    "overtraining", "q_factor",
    "quantiles", "r2", "relative_errors", "resolution", "rmse", "roc", "signal_efficiency",
]  # fmt: skip
