"""The order of events in an epoch: every order, equally often, from (seed, epoch) alone."""

import itertools
from collections import Counter

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats

from baksan.order import epoch_order


@pytest.mark.parametrize("n", [0, 1, 2, 16_384, 16_385, 16_386, 50_000])
def test_each_event_once(n):
    assert_array_equal(np.sort(epoch_order(n, 0, 0)), np.arange(n))


def test_all_orders_are_equally_likely():
    found = Counter(tuple(epoch_order(4, seed=1, epoch=epoch)) for epoch in range(4800))
    assert set(found) == set(itertools.permutations(range(4)))
    assert stats.chisquare(list(found.values())).pvalue > 1e-3


def test_every_event_comes_to_every_place():
    """Of many events, more than are drawn at a time: the places of each part of them are even."""
    n, places = 40_000, 8
    order = epoch_order(n, 0, 3)
    table = np.zeros((places, places))
    np.add.at(table, (np.arange(n) * places // n, order * places // n), 1)
    # Rows and columns have fixed sums, as in a table that is tested for independence.
    assert stats.chi2_contingency(table).pvalue > 1e-3
    assert not np.array_equal(order, epoch_order(n, 0, 4))
    assert not np.array_equal(order, epoch_order(n, 1, 3))
    assert_array_equal(order, epoch_order(n, 0, 3))
