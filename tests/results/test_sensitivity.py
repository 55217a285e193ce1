"""The smallest visible flux: as pyirf 0.13.0 finds it from the same events and cuts."""

import astropy.units as u
import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.results.telescope_events import EDGES, FIELD, gammas, hadrons

from baksan.physics.counts import li_ma
from baksan.results.sensitivity import (
    Cuts,
    Events,
    best_cuts,
    crab,
    sensitivity,
    smallest_flux,
)

_, *SEEN = gammas()
SIGNAL, BACKGROUND = Events(*SEEN), Events(*hadrons())
CUTS = Cuts(EDGES, np.array([1.0, 1.2, 1.4, 1.6]), np.deg2rad([0.15, 0.12, 0.10, 0.08]))

PYIRF_SIGNAL = [13002.130449653892, 1946.8864468298252, 247.5146444642487, 30.734197392261194]
PYIRF_BACKGROUND = [2673.743159460408, 156.5507008736211, 10.164963373192952, 0.6471673980606717]
PYIRF_RELATIVE = [0.022229895577874, 0.03816951182820837, 0.09365616552680615, 0.33326379169938236]
PYIRF_CRAB = [2.61087713884798e-09, 1.2787523225810304e-10, 6.2630580281839545e-12,
              3.0675131666800047e-13]  # fmt: skip


def test_events_background_and_flux_are_pyirfs():
    told = sensitivity(SIGNAL, BACKGROUND, CUTS, FIELD)
    assert told.signal_left.tolist() == [306, 279, 261, 214]
    assert_allclose(told.signal, PYIRF_SIGNAL, rtol=1e-10)
    assert_allclose(told.background, PYIRF_BACKGROUND, rtol=1e-6)
    assert_allclose(told.relative, PYIRF_RELATIVE, rtol=1e-6)
    assert_allclose(told.flux, told.relative * PYIRF_CRAB, rtol=1e-9)


def test_the_smallest_flux_is_pyirfs():
    """pyirf counts n_on and n_off: the signal is their difference."""
    on, off = [130.0, 40.0, 10.3, 1005.0, 60.0, 30.0], np.array([100.0, 20, 1.5, 5000, 0, 100])
    pyirf = [0.27478188368903467, 0.46312225847878136, 1.0, 35.80291724634561, 1 / 6,
             3.0226007205783794]  # fmt: skip
    assert_allclose(smallest_flux(np.array(on) - 0.2 * off, 0.2 * off), pyirf, rtol=1e-8)


def test_the_smallest_flux_is_five_sigma_or_ten_events_or_a_twentieth():
    b = np.array([50.0, 0.1, 1e6])
    s = smallest_flux(np.ones(3), b)
    assert li_ma(b[0] + s[0], b[0] / 0.2, 0.2) == pytest.approx(5.0)
    assert s[1] == pytest.approx(10.0) and s[2] == pytest.approx(0.05e6)


def test_the_crab_is_that_of_its_paper():
    E = np.array([0.5, 1.0, 20.0]) * u.TeV
    flux = 2.83e-11 / (u.TeV * u.cm**2 * u.s) * (E / u.TeV).value ** -2.62
    assert_allclose(crab(E.value), flux.value)


def test_best_cuts_see_less_flux_than_others():
    """Chosen on every second event, judged on the rest: better than no cut and than fixed ones."""
    half = [Events(*(np.asarray(x)[k::2] for x in e)) for e in (SIGNAL, BACKGROUND) for k in (0, 1)]
    signal, signal_test, background, background_test = half
    chosen = best_cuts(signal, background, EDGES, FIELD)
    loose = Cuts(EDGES, np.full(4, -9.0), np.full(4, FIELD))
    seen, all_of_them, fixed = (
        sensitivity(signal_test, background_test, c, FIELD).relative for c in (chosen, loose, CUTS)
    )
    assert np.all(seen < all_of_them / 3) and np.all(seen < 1.2 * fixed)
    assert np.all(sensitivity(signal, background, chosen, FIELD).background_left >= 10)


def test_nothing_seen_is_no_sensitivity():
    blind = Cuts(EDGES, np.full(4, 99.0), CUTS.angle)
    assert np.all(np.isinf(sensitivity(SIGNAL, BACKGROUND, blind, FIELD).relative))


@pytest.mark.parametrize(("call", "said"), [
    (lambda: sensitivity(SIGNAL, BACKGROUND, CUTS, 1e-3), "the field must hold the cuts"),
    (lambda: smallest_flux([1.0], [1.0, 2.0]), "a signal of 0 or more and a background"),
    (lambda: best_cuts(SIGNAL, BACKGROUND, [20.0, 40.0], FIELD), "events of both classes"),
    (lambda: best_cuts(SIGNAL, BACKGROUND, EDGES, FIELD, containments=[68.0]), "not per cent"),
    (lambda: crab([0.0]), "above 0 TeV"),
])  # fmt: skip
def test_what_cannot_be_told_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
