"""Weights to a spectrum: closed forms of the effective number, and notes where it is small."""

import numpy as np
import pytest

from baksan.physics.spectrum import power_law, power_law_energies
from baksan.results.weights import effective_number, weigh

EDGES = np.logspace(18, 20, 5)


def thrown(n=4000):
    """Flat in lg E: midpoints, no chance."""
    return power_law_energies((np.arange(n) + 0.5) / n, 1.0, 1e18, 1e20)


@pytest.mark.parametrize("index", [2.0, 3.1, 4.0])
def test_the_effective_number_of_a_power_law(index):
    """(∫ w dE/E)²/∫ w² dE/E over ln 100, with w = E^(1 − g)."""
    E, p = thrown(), index - 1
    found = weigh(E, power_law(E, index), power_law(E, 1.0), EDGES)
    log = np.log(100)
    sums = (1 - 100**-p) / p, (1 - 100 ** (-2 * p)) / (2 * p)
    assert found.effective_of_all == pytest.approx(4000 * sums[0] ** 2 / sums[1] / log, rel=1e-3)
    assert found.weight.mean() == pytest.approx(1)
    assert found.count.tolist() == [1000] * 4
    assert np.ptp(found.effective) < 1e-6 * found.effective[0]  # a power law has no scale


def test_the_same_spectrum_costs_nothing():
    E = thrown(100)
    found = weigh(E, E**-1.0, E**-1.0, EDGES)
    np.testing.assert_allclose(found.effective, found.count)
    assert found.notes == () and found.effective_of_all == pytest.approx(100)


def test_a_note_names_where_few_events_carry_everything():
    E = thrown()
    found = weigh(E, np.where(E < 1.01e18, 1.0, 1e-6), np.ones(4000), [1e18, 1e19, 1e20])
    assert len(found.notes) == 2
    assert found.notes[0].startswith("from 1e+18 to 1e+19 2000 events stand for ")
    assert found.notes[1].startswith("at all energies 4000 events stand for ")
    assert "less than 10%" in found.notes[0]


def test_effective_numbers():
    assert effective_number(np.ones(7)) == 7
    assert effective_number([2.0, 2.0, 0.0]) == 2
    assert effective_number([]) == 0


def test_bins_without_events_and_bad_input():
    found = weigh([1.5], [1.0], [1.0], [1, 2, 3])
    assert found.count.tolist() == [1, 0] and found.effective.tolist() == [1, 0]
    with pytest.raises(ValueError, match="an energy and a flux"):
        weigh([1.0, 2.0], [1.0], [1.0], [1, 2])
    with pytest.raises(ValueError, match="edges must rise"):
        weigh([1.0], [1.0], [1.0], [2, 1])
