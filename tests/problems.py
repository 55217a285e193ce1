"""Small problems that several tests share."""

import numpy as np

from baksan import losses
from baksan.losses import Loss
from baksan.samples import Samples

CAUCHY = Loss(
    "cauchy",
    lambda p, t: np.log1p((p - t) ** 2),
    lambda p, t: 2 * (p - t) / (1 + (p - t) ** 2),
    2.0,
    "regression",
)
"""A user's own loss: nothing in the package knows it."""

LOSSES = [
    losses.squared, losses.absolute, losses.huber(0.7), losses.quantile(0.3), losses.margin,
    losses.perceptron, losses.hinge, losses.squared_hinge, losses.squared_margin, losses.logistic,
    losses.exponential, losses.softmax,
]  # fmt: skip
"""Every loss that can be descended."""


def samples_for(
    loss: Loss, n: int = 12, d: int = 3, outputs: int = 1, weighted: bool = False, seed: int = 0
) -> Samples:
    """Events whose answers depend on the features, with noise, for a model with these outputs."""
    random = np.random.default_rng([seed, n, d, outputs])
    x = random.normal(size=(n, d)) * np.linspace(0.5, 3.0, d) + np.linspace(-2.0, 2.0, d)
    score = x @ random.normal(size=(d, max(outputs, 2))) + random.normal(size=(n, max(outputs, 2)))
    weight = random.uniform(0.2, 3.0, n) if weighted else None
    if loss.task == "regression":
        return Samples(x, score[:, 0] if outputs == 1 else score, weight)
    classes = max(outputs, 2)
    y = (score - score.mean(axis=0)).argmax(axis=1)
    y[:classes] = np.arange(classes)
    return Samples(x, y, weight, class_names=[f"class {k}" for k in range(classes)])


def outputs_of(loss: Loss) -> list[int]:
    """Numbers of outputs worth trying: one and several, softmax never one."""
    return [2, 3] if loss is losses.softmax else [1, 3]
