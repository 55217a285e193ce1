"""calibrate: probabilities and intervals that mean what they say. It never trains a model.

What to use when
----------------
probabilities   `calibrate` (sigmoid, isotonic, temperature) on events not trained on
other shares    `shifted` (trained 50:50, nature 1:10⁴), `shares` where nature's are not known,
                `prior_effects` for what becomes of cuts
intervals       `conformal`, with coverage in each bin of a variable
judging         `coverage`, `pulls`; of probabilities `metrics.calibration`

All take predictions and answers of events that the model was not trained on: its own training
events look better than they are, and what is calibrated on them is too sure.
"""

from __future__ import annotations

from baksan.calibrate.checks import told_classes
from baksan.calibrate.intervals import Interval, Intervals, conformal
from baksan.calibrate.judging import Coverage, Pulls, coverage, pulls
from baksan.calibrate.maps import (
    KINDS,
    Calibrator,
    Isotonic,
    Sigmoid,
    Temperature,
    from_arrays,
)
from baksan.calibrate.priors import PriorEffects, Shares, prior_effects, shares, shifted
from baksan.metrics import Prediction
from baksan.samples import Samples

__all__ = [
    "Calibrator", "Coverage", "Interval", "Intervals", "Isotonic", "PriorEffects", "Pulls",
    "Shares", "Sigmoid", "Temperature", "calibrate", "conformal", "coverage", "from_arrays",
    "prior_effects", "pulls", "shares", "shifted",
]  # fmt: skip


def calibrate(prediction: Prediction, X: Samples, how: str = "isotonic") -> Calibrator:
    """A function from predictions to predictions whose probabilities are the shares that happen.

        sigmoid        P = 1/(1 + exp(−(A s + B)))    two numbers a class; from some 100 events
        isotonic       P rises with s, else free      no shape supposed; from some 1,000 events
        temperature    P ∝ P^(1/T)                    one number; networks, also of many classes

    With K ≥ 3 classes sigmoid and isotonic take each class against the rest and divide by the sum.
    Scores, and with them labels, cuts and the AUC, stay what they were.

    Parameters
    ----------
    prediction : Prediction
        Scores of the events of X; temperature uses the probabilities if there are some.
    X : Samples
        Events that the model was not trained on, with answers and weights. Their class shares are
        those at which the probabilities will hold; for others see `shifted`.
    how : 'isotonic', 'sigmoid' or 'temperature'

    Raises
    ------
    ValueError
        Numbers instead of classes, other events than those predicted, a class without events,
        negative weights, classes that a sigmoid or temperature finds fully apart.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> truth = rng.random(4000)
    >>> X = Samples(truth[:, None], rng.random(4000) < truth, class_names=("background", "signal"))
    >>> sure = Prediction(score=3 * np.log(truth / (1 - truth)))  # three times as sure as it may be
    >>> cooler = calibrate(sure, X, "temperature")
    >>> cooler.temperature.round(1).tolist()
    [3.0]
    """
    if how not in KINDS:
        raise ValueError(f"probabilities are calibrated by {', '.join(KINDS)}; {how!r} is not one.")
    return KINDS[how].fitted(prediction, *told_classes(prediction, X))
