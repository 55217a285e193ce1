"""Schedules: rates as functions of the step alone."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from baksan.solvers.schedules import Constant, Halving, InverseTime

STEPS = np.arange(1000)


def test_rates_by_hand():
    assert_allclose(Constant(0.3)(STEPS), 0.3)
    assert_allclose(InverseTime(2.0, tau=10)(np.array([0, 10, 90])), [2, 1, 0.2])
    assert_allclose(InverseTime(2.0, tau=10, power=0.5)(np.array([0, 30])), [2.0, 1.0])
    assert_allclose(Halving(1.0, every=100)(np.array([0, 99, 100, 350])), [1.0, 1.0, 0.5, 0.125])


@pytest.mark.parametrize("schedule", [Constant(0.1), InverseTime(0.1, 7, 0.75), Halving(0.1, 30)])
def test_rates_are_positive_never_rise_and_do_not_depend_on_the_blocks(schedule):
    rates = schedule(STEPS)
    assert rates.shape == STEPS.shape and rates.min() > 0 and rates[0] == 0.1
    assert np.all(np.diff(rates) <= 0)
    assert np.array_equal(rates, np.concatenate([schedule(STEPS[:333]), schedule(STEPS[333:])]))


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.inf, math.nan])
def test_what_is_not_positive_has_its_sentence(wrong):
    for schedule in (
        lambda: Constant(wrong),
        lambda: InverseTime(wrong, 1.0),
        lambda: InverseTime(1.0, wrong),
        lambda: InverseTime(1.0, 1.0, wrong),
        lambda: Halving(1.0, wrong),
    ):
        with pytest.raises(ValueError, match=f"of a schedule must be positive; it is {wrong}"):
            schedule()
