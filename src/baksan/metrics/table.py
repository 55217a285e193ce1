"""The table of figures of merit: what each is called, which way is better, what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

__all__ = ["LEAST_LEFT", "METRICS", "Metric"]

LEAST_LEFT = 25


@dataclass(frozen=True)
class Metric:
    """What a figure of merit is called and which way is better.

    `better` is 'higher', 'lower' or 'zero' (nearest to 0 wins); `of_answer` is True where the
    figure carries the answer's unit; it lies within [lowest, highest]. `vectors`: it is one of
    directions and places, that is of how far these are missed.
    """

    title: str
    task: Literal["classification", "regression"]
    better: Literal["higher", "lower", "zero"]
    explanation: str
    two_classes: bool = False
    vectors: bool = False
    default: bool = True
    of_answer: bool = False
    lowest: float = 0.0
    highest: float = np.inf


def _within(share: float, title: str) -> Metric:
    return Metric(
        title, "regression", "lower",
        f"The angle or distance from the answer within which {100 * share:g} % of the events lie.",
        of_answer=True, vectors=True,
    )  # fmt: skip


def _signal_at(level: float) -> Metric:
    return Metric(
        f"ε_s at ε_b = {level:g}", "classification", "higher",
        f"Share of the signal kept by the cut that lets {level * 100:g} % of the background pass.",
        two_classes=True, highest=1.0,
    )  # fmt: skip


METRICS: dict[str, Metric] = {
    "auc": Metric(
        "AUC", "classification", "higher",
        "Chance that a signal event scores above a background event (several classes: mean of one"
        " class against the rest); 0.5 is guessing.", highest=1.0,
    ),
    "accuracy": Metric(
        "accuracy", "classification", "higher",
        "Share of events put into the right class; depends on how frequent the classes are.",
        highest=1.0,
    ),
    "background_at_0.5": Metric(
        "ε_b at ε_s = 0.5", "classification", "lower",
        "Share of the background that still passes the cut that keeps half of the signal.",
        two_classes=True, highest=1.0,
    ),
    "signal_at_0.01": _signal_at(0.01),
    "signal_at_0.02": _signal_at(0.02),
    "signal_at_0.05": _signal_at(0.05),
    "signal_at_0.1": _signal_at(0.1),
    "signal_at_0.2": _signal_at(0.2),
    "q_factor": Metric(
        "best Q = ε_s/√ε_b", "classification", "higher",
        "By how much the best cut raises signal over the square root of background; only cuts that"
        f" leave {LEAST_LEFT} background events or more count.", two_classes=True,
    ),
    "merit_factor": Metric(
        "merit factor", "classification", "higher",
        "Distance of the mean scores of the two classes over their joint spread; two Gaussians"
        " have AUC = Φ(MF).", two_classes=True,
    ),
    "brier": Metric(
        "Brier score", "classification", "lower",
        "Mean squared error of the probabilities (several classes: summed over the classes).",
        highest=2.0,
    ),
    "log_loss": Metric(
        "log loss", "classification", "lower",
        "Mean of −ln of the probability given to the true class; confident mistakes cost most.",
    ),
    "ece": Metric(
        "ECE", "classification", "lower",
        "Mean distance between what the probabilities promise and what happens, in 15 bins of"
        " equal weight.", highest=1.0,
    ),
    "bias": Metric(
        "bias", "regression", "zero", "Median of prediction − answer.",
        of_answer=True, lowest=-np.inf,
    ),
    "resolution": Metric(
        "resolution", "regression", "lower",
        "Half the width that holds the central 68.27 % of prediction − answer.", of_answer=True,
    ),
    "rmse": Metric(
        "RMSE", "regression", "lower",
        "Root of the mean squared difference; a few large mistakes dominate it.", of_answer=True,
    ),
    "mae": Metric(
        "MAE", "regression", "lower", "Mean absolute difference from the answer.", of_answer=True
    ),
    "r2": Metric(
        "R²", "regression", "higher",
        "Share of the variance of the answers that is explained; 0 is the best constant.",
        lowest=-np.inf, highest=1.0,
    ),
    "within_68": _within(0.6827, "68 % within"),
    "within_50": _within(0.5, "half within"),
    "within_95": _within(0.95, "95 % within"),
    "relative_bias": Metric(
        "relative bias", "regression", "zero", "Median of prediction/answer − 1.",
        default=False, lowest=-np.inf,
    ),
    "relative_resolution": Metric(
        "relative resolution", "regression", "lower",
        "Half the width that holds the central 68.27 % of prediction/answer − 1.", default=False,
    ),
}  # fmt: skip
