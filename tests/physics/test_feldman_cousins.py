"""Feldman and Cousins: their tables, another package, and coverage counted out."""

import numpy as np
import pytest
from scipy.stats import poisson

from baksan.physics import counts

BACKGROUNDS = [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5]
# G. Feldman and R. Cousins, Phys. Rev. D 57 (1998) 3873, table IV (90 %).
TABLE = {
    0: "0,2.44 0,1.94 0,1.61 0,1.33 0,1.26 0,1.18 0,1.08 0,1.06 0,1.01 0,0.98",
    1: "0.11,4.36 0,3.86 0,3.36 0,2.91 0,2.53 0,2.19 0,1.88 0,1.59 0,1.39 0,1.22",
    2: "0.53,5.91 0.03,5.41 0,4.91 0,4.41 0,3.91 0,3.45 0,3.04 0,2.67 0,2.33 0,1.73",
    3: "1.10,7.42 0.60,6.92 0.10,6.42 0,5.92 0,5.42 0,4.92 0,4.42 0,3.95 0,3.53 0,2.78",
    4: "1.47,8.60 1.17,8.10 0.74,7.60 0.24,7.10 0,6.60 0,6.10 0,5.60 0,5.10 0,4.60 0,3.60",
}


@pytest.mark.parametrize("n", TABLE)
def test_the_published_table(n):
    rows = np.array([pair.split(",") for pair in TABLE[n].split()], dtype=float)
    found = [counts.feldman_cousins(n, b, 0.90) for b in BACKGROUNDS]
    np.testing.assert_allclose(
        np.array(found, dtype=float), rows, atol=0.0055
    )  # they went in steps of 0.005


@pytest.mark.parametrize(("n", "b", "level", "upper"), [(6, 3, 0.9, 8.465), (1, 3, 0.9, 1.875)])
def test_as_the_documentation_of_gammapy(n, b, level, upper):
    assert counts.feldman_cousins(n, b, level)[1] == pytest.approx(upper, abs=0.0051)


def test_nothing_seen_and_nothing_expected():
    low, high = counts.feldman_cousins([0, 0], 0.0, 0.95)
    assert low.tolist() == [0, 0] and high.round(2).tolist() == [3.09, 3.09]
    assert float(counts.poisson_limit(0)) == pytest.approx(3.0, abs=0.005)


@pytest.mark.parametrize("b", [0.0, 1.3, 7.0])
@pytest.mark.parametrize("level", [0.68, 0.95])
def test_intervals_cover_what_they_promise(b, level):
    n, signal = np.arange(45), np.linspace(0, 12, 241)
    low, high = counts.feldman_cousins(n, b, level)
    covered = [poisson.pmf(n[(low <= s) & (s <= high)], s + b).sum() for s in signal]
    assert min(covered) > level - 1e-6
    assert np.mean(covered) < level + 0.5 * (1 - level) + 0.05  # and not everything


@pytest.mark.parametrize("b", [0.0, 2.0, 5.5])
def test_as_the_construction_on_a_grid(b):
    """Acceptance regions by sorting ratios, signal by signal; both ends of what holds n."""
    n, signal = np.arange(80), np.arange(0, 20, 0.005)
    probability = poisson.pmf(n, signal[:, None] + b)
    order = np.argsort(-probability / poisson.pmf(n, np.maximum(n, b)), axis=1, kind="stable")
    ranked = np.take_along_axis(probability, order, axis=1)
    before = np.empty_like(ranked)
    np.put_along_axis(before, order, np.cumsum(ranked, axis=1) - ranked, axis=1)
    for one in (0, 1, 4, 9):
        held = signal[before[:, one] < 0.9]
        low, high = counts.feldman_cousins(one, b, 0.9)
        assert float(low) == pytest.approx(held[0], abs=0.006)
        assert high > held[-1] - 0.006  # lengthened where it would rise with b
        if b == 0 or one > b:
            assert float(high) == pytest.approx(held[-1], abs=0.006)


def test_the_limit_never_rises_with_the_background():
    highs = [float(counts.feldman_cousins(1, b, 0.9)[1]) for b in np.arange(0, 6, 0.25)]
    assert np.all(np.diff(highs) <= 1e-6)


def test_many_events_give_the_normal_interval():
    low, high = counts.feldman_cousins(900, 400.0, 0.6827)
    assert float(low) == pytest.approx(470, abs=1.5)
    assert float(high) == pytest.approx(530, abs=1.5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((-1, 0.0, 0.9), "number of events must lie between 0"),
        ((1.5, 0.0, 0.9), "counted events are whole numbers; 1.5 came"),
        ((1, -1.0, 0.9), "background must lie between 0"),
        ((1, 1.0, 90), "level of confidence lies between 0 and 1; it is 90"),
    ],
)
def test_what_cannot_be_is_said(arguments, said):
    with pytest.raises(ValueError, match=said):
        counts.feldman_cousins(*arguments)
