"""Toy events of a telescope, the same everywhere: low-discrepancy numbers, no generator."""

import numpy as np
from scipy.special import ndtri

EDGES = np.geomspace(0.1, 10.0, 5)  # TeV
FIELD = np.deg2rad(1.0)


def uniform(n, k):
    """Multiples of an irrational root: evenly spread, and unlike for each k."""
    root = np.sqrt([2.0, 3.0, 5.0, 7.0, 11.0, 13.0])[k]
    return (np.arange(1, n + 1) * root) % 1


def gammas(n=4000):
    """True and found energies in TeV, scores, angles in rad, events in 50 h of the Crab."""
    true = 0.05 * 400.0 ** uniform(n, 0)
    found = true * np.exp(0.03 + 0.2 * ndtri(uniform(n, 1)) * (1 + 0.3 / np.sqrt(true)))
    score = ndtri(uniform(n, 2)) + 1.5
    angle = np.deg2rad(0.08) * np.sqrt(-2 * np.log(uniform(n, 3))) * true**-0.2
    return true, found, score, angle, 2.0 * true**-1.62


def hadrons(n=6000):
    """Found energies in TeV, scores, angles in rad to the centre of the field, events in 50 h."""
    found = 0.05 * 400.0 ** uniform(n, 4)
    angle = FIELD * np.sqrt(uniform(n, 5))
    return found, ndtri(uniform(n, 3)), angle, 30.0 * found**-1.7
