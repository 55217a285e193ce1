"""What calibration needs of predictions, answers and weights; one sentence where it is not so."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, NDArray

from baksan.metrics import Prediction
from baksan.metrics.checks import answers, every_class, numbers, weights
from baksan.samples import Samples

Array = NDArray[Any]

__all__ = ["classes_of", "column", "counted", "share", "told_classes", "told_numbers"]


def counted(weight: ArrayLike | None, rows: int) -> Array:
    """Weights (n,) float of 0 or more, ones for None. Raises ValueError for negative ones.

    Shares and quantiles need sums that rise; with signed weights the running sum goes up and down,
    and there is no quantile to read.
    """
    w = weights(weight, rows)
    if w.min() < 0:
        raise ValueError(
            f"calibration needs weights of 0 or more; the lowest is {w.min():g}. Leave out the"
            " events of negative weight, X.take(X.w >= 0), or calibrate on events without them."
        )
    return w


def column(values: ArrayLike, what: str, rows: int | None = None) -> Array:
    """Finite numbers, one an event, (n,) float. Raises TypeError, ValueError."""
    found = numbers(values, what, rows)
    if found.ndim != 1:
        raise ValueError(
            f"{what} must be one number an event; its shape is {found.shape}. Give one column."
        )
    return found.astype(float)


def share(value: float, what: str) -> float:
    """A number strictly between 0 and 1. Raises ValueError."""
    if not 0 < value < 1:
        raise ValueError(f"{what} must lie between 0 and 1; it is {value:g}. Give 0.68 for 68 %.")
    return float(value)


def classes_of(prediction: Prediction) -> int:
    """How many classes the scores speak of. Raises ValueError for numbers."""
    if prediction.score is None:
        raise ValueError(
            "probabilities belong to classes; this prediction holds numbers."
            " For intervals around numbers take conformal(…)."
        )
    return 2 if prediction.score.ndim == 1 else int(prediction.score.shape[1])


def told_classes(prediction: Prediction, X: Samples) -> tuple[Array, Array]:
    """Class indices (n,) and weights (n,) of the events that a prediction speaks of.

    Raises ValueError where numbers of events or classes differ, or a class has no event.
    """
    classes, n = classes_of(prediction), len(prediction)
    _same_length(prediction, X)
    if X.class_names and len(X.class_names) != classes:
        raise ValueError(
            f"the prediction speaks of {classes} classes, the events of {len(X.class_names)}"
            f" ({', '.join(X.class_names)}). Give both for the same classes."
        )
    y, w = answers(X.answers, n, classes), counted(X.weight, n)
    every_class(y, w, classes)
    return y, w


def told_numbers(prediction: Prediction, X: Samples) -> tuple[Array, Array]:
    """Answers (n,) and weights (n,) of a regression. Raises ValueError."""
    if prediction.value is None or X.class_names:
        raise ValueError(
            "intervals belong to numbers; these are classes. For probabilities take calibrate(…)."
        )
    _same_length(prediction, X)
    return column(X.answers, "y"), counted(X.weight, len(X))


def _same_length(prediction: Prediction, X: Samples) -> None:
    if len(prediction) != len(X):
        raise ValueError(
            f"the prediction speaks of {len(prediction)} events, the samples hold {len(X)}."
            " Predict these events: prediction = found.predict(X)."
        )
