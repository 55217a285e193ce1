"""Decays with a background, and the weights that take it off: sPlot, as it was published."""

from dataclasses import dataclass

import numpy as np

from baksan.samples import Samples

MASS, WIDTH = 0.5, 0.08
SLOPE = np.array([2.0, 1.0, 0.0])
SHIFT = np.array([1.0, -0.7, 0.5])  # of the background, in the features
APART = np.array([0.8, 0.0, 0.0])  # between signal and its simulation


@dataclass(frozen=True)
class Decays:
    """`all` with sWeights; `signal` the same events, those of the signal alone, of weight 1."""

    all: Samples
    signal: Samples
    slope: np.ndarray


def sweights(mass):
    """The sWeights of the signal: Pivk and Le Diberder, NIM A 555 (2005) 356, eq. 8 and 14.

    The yields are those of the extended likelihood fit of both densities, found by iteration.
    """
    signal = np.exp(-0.5 * ((mass - MASS) / WIDTH) ** 2) / (WIDTH * np.sqrt(2 * np.pi))
    f = np.array([signal, np.ones(len(mass))])
    yields = np.full(2, len(mass) / 2)
    for _ in range(200):
        yields = (yields[:, None] * f / (yields @ f)).sum(axis=1)
    total = yields @ f
    covariance = np.linalg.inv((f / total**2) @ f.T)
    return covariance[0] @ f / total


def decays(n, seed, simulated=0):
    """n events, half of them background that is told by its mass alone; the answer is linear in
    the features of the signal, and another function of those of the background. With `simulated`
    events the answer is the class, those simulated against those of the signal.
    """
    rng = np.random.default_rng([seed, n])
    truth = rng.random(n) < 0.5
    mass = np.where(truth, rng.normal(MASS, WIDTH, n), rng.random(n))
    x = rng.normal(size=(n, 3)) + np.where(truth, 0.0, 1.0)[:, None] * SHIFT
    y = np.where(truth, x @ SLOPE, 3.0 - x[:, 0]) + rng.normal(size=n)
    w = sweights(mass)
    if not simulated:
        return Decays(Samples(x, y, w), Samples(x[truth], y[truth]), SLOPE)
    more, names = rng.normal(size=(simulated, 3)), ("simulated", "signal")
    x, y = np.concatenate([more, x + APART]), np.repeat([0, 1], [simulated, n])
    w, kept = np.r_[np.ones(simulated), w], np.r_[np.ones(simulated, bool), truth]
    return Decays(
        Samples(x, y, w, class_names=names), Samples(x[kept], y[kept], class_names=names), SLOPE
    )
