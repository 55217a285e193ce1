"""Observables of records: known pulses, laws of showers, events, and bad input."""

import numpy as np
import pytest

from baksan.physics import directions
from baksan.reconstruct.waveforms import by_event, by_station
from baksan.simulate.array import SATURATED, Primaries, events, telescope_array
from baksan.simulate.waveforms import waveforms

FLAT = telescope_array(9).with_detector(dead=0.0, noise=0.0)


def records(n=300, name="p", lg=19.0, seed=2, pedestal=0.03):
    showers = Primaries({name: 1}, log_energy=(lg, lg), zenith=(0.0, 0.78), spread=0.0)
    found = events(n, FLAT, showers, seed=seed)
    found = found.take(found.triggered)
    return found, waveforms(found, seed, pedestal=pedestal)


def distances(found, made):
    n = directions.unit_vector(found.showers.zenith, found.showers.azimuth)[made.event]
    core = np.column_stack([found.core, np.zeros(len(found))])[made.event]
    return directions.from_axis(FLAT.position[made.station], core, n)[0]


def observed(name="p", **settings):
    found, made = records(name=name, **settings)
    good = (found.status[made.event, made.station] & SATURATED) == 0
    pulses = by_station(made.trace)
    return by_event(pulses, made.event, distances(found, made), good, len(found))


def boxes(*parts, bins=128):
    """A record of boxes: (layer, first bin, last bin + 1, height) each."""
    trace = np.zeros((1, 2, bins))
    for layer, first, last, height in parts:
        trace[0, layer, first:last] = height
    return trace


def test_a_box_has_the_observables_of_a_box():
    found = by_station(boxes((0, 20, 40, 1.0), (1, 20, 40, 2.0)))
    np.testing.assert_allclose(found.integral, [[20.0, 40.0]])
    assert found.start[0] == 400.0 and found.peak[0] == 1.5
    assert found.risetime[0] == pytest.approx(0.4 * 400)
    assert found.area_over_peak[0] == pytest.approx(400.0)
    assert found.asymmetry[0] == pytest.approx(1 / 3)
    assert not found.peaks.any()  # no bin is higher than those beside it


def test_area_over_peak_and_rise_of_an_exponential():
    t = (np.arange(128) + 0.5) * 20.0
    trace = np.repeat(np.exp(-t / 300)[None, None], 2, axis=1) * 100
    found = by_station(trace)
    assert found.area_over_peak[0] == pytest.approx(300 * np.exp(10 / 300), rel=0.01)
    assert found.risetime[0] == pytest.approx(300 * np.log(0.9 / 0.5), rel=0.01)


def test_peaks_are_higher_than_three_bins_on_each_side():
    def count(*bins):
        trace = np.zeros((1, 2, 128))
        for place, height in bins:
            trace[0, :, place] = height
        return by_station(trace).peaks[0].tolist()

    assert count((50, 1.0)) == [1, 1]
    assert count((50, 0.19)) == [0, 0] and count((50, 0.21)) == [1, 1]
    assert count((50, 1.0), (53, 0.9)) == [1, 1] and count((50, 1.0), (54, 0.9)) == [2, 2]
    assert count((0, 1.0), (127, 1.0)) == [2, 2]
    assert count((50, 1.0), (51, 1.0)) == [0, 0]


def test_peaks_alone_are_those_with_less_than_half_in_the_other_layer():
    trace = np.zeros((1, 2, 128))
    for place, (upper, lower) in zip(
        (10, 20, 30, 40, 50), ((1, 0), (1, 0.45), (1, 0.55), (0.3, 1), (0, 1)), strict=True
    ):
        trace[0, :, place] = upper, lower
    found = by_station(trace)
    assert found.peaks[0].tolist() == [4, 4] and found.alone[0].tolist() == [2, 2]


def test_asymmetry_counts_bins_with_enough_signal_alone():
    trace = boxes((0, 10, 11, 0.27), (0, 20, 21, 0.3), (1, 30, 31, 0.5), (0, 30, 31, 0.1))
    assert by_station(trace).asymmetry[0] == pytest.approx((0.3 + 0.4) / (0.3 + 0.6))


def test_noise_alone_has_no_pulse():
    trace = np.random.default_rng(1).normal(0, 0.02, (200, 2, 128))
    found = by_station(trace)
    assert np.isnan(found.start).all() and np.isnan(found.area_over_peak).all()
    assert np.isnan(found.risetime).all() and np.isnan(found.asymmetry).all()
    assert not found.integral.any() and not found.peaks.any()


def test_integrals_are_the_signals():
    found, made = records()
    signal = np.stack(
        [found.upper[made.event, made.station], found.lower[made.event, made.station]], axis=1
    )
    clean = by_station(waveforms(found, 2, pedestal=0.0).trace).integral
    loud = signal.min(axis=1) > 20
    inside = (signal - made.missing)[loud]
    np.testing.assert_allclose(clean[loud], inside, rtol=0.02, atol=1.0)
    noisy = by_station(made.trace).integral
    pulls = (noisy - clean)[loud] / (0.03 * np.sqrt(128))
    assert np.std(pulls) < 1.3 and abs(np.mean(pulls)) < 0.3


def test_pulses_begin_where_the_station_was_hit():
    found, made = records()
    pulses = by_station(made.trace)
    loud = pulses.integral.mean(axis=1) > 3
    off = made.start + pulses.start - found.time[made.event, made.station]
    assert np.abs(np.median(off[loud])) < 20 and off[loud].min() > -25


def test_pulses_rise_more_slowly_far_from_the_axis():
    """PHYSICS J5, of stations with enough particles for a shape."""
    found, made = records(lg=19.7, n=400)
    pulses, r = by_station(made.trace), distances(found, made)
    loud = (pulses.integral.mean(axis=1) > 15) & (pulses.integral.max(axis=1) < 800)
    means = [
        [
            np.mean(values[loud & (r > low) & (r <= low + 300)])
            for values in (pulses.risetime, pulses.area_over_peak)
        ]
        for low in (400, 700, 1000, 1300)
    ]
    rise, area = np.transpose(means)
    assert (np.diff(rise) > 20).all() and area[0] < area[1] < area[2]


def test_muons_make_peaks_and_both_layers_alike():
    peaks, apart, slope = {}, {}, {}
    for name in ("p", "Fe", "gamma"):
        found = observed(name)
        peaks[name] = np.nanmean(found.peaks)
        apart[name] = np.nanmean(found.asymmetry)
        slope[name] = np.nanmedian(found.aop_slope)
    assert peaks["Fe"] > 1.04 * peaks["p"] > 1.3 * peaks["gamma"]  # PHYSICS J5: photons have fewer
    assert apart["gamma"] > apart["p"] and slope["Fe"] > slope["p"] > slope["gamma"]


def test_events_sum_up_their_stations():
    found, made = records(n=30)
    pulses, r = by_station(made.trace), distances(found, made)
    good = (found.status[made.event, made.station] & SATURATED) == 0
    whole = by_event(pulses, made.event, r, good, len(found))
    for k in range(len(found)):
        mine = made.event == k
        assert whole.peaks[k] == pulses.peaks[mine].sum()
        assert whole.peaks_upper[k] == pulses.alone[mine, 0].sum()
        assert whole.peaks_lower[k] == pulses.alone[mine, 1].sum()
        largest = np.flatnonzero(mine)[pulses.integral[mine].mean(axis=1).argmax()]
        assert whole.peaks_largest[k] == pulses.peaks[largest].sum()
        both = pulses.apart[mine].sum() / pulses.together[mine].sum()
        assert whole.asymmetry[k] == pytest.approx(both)
        use = mine & good & (r > 600) & (pulses.integral.mean(axis=1) > 0.3)
        use &= np.isfinite(pulses.area_over_peak)
        if use.sum() >= 3:
            slope, level = np.polyfit(r[use] / 1200, pulses.area_over_peak[use], 1)
            assert whole.aop_slope[k] == pytest.approx(slope, rel=1e-6)
            assert whole.aop_1200[k] == pytest.approx(level + slope, rel=1e-6)
        else:
            assert np.isnan(whole.aop_1200[k])


def test_events_without_records_stay():
    pulses = by_station(boxes((0, 10, 20, 1.0), (1, 10, 20, 1.0)))
    found = by_event(pulses, [2], [700.0], [True], 4)
    assert len(found) == 4 and np.isnan(found.peaks[[0, 1, 3]]).all() and found.peaks[2] == 0
    assert np.isnan(found.aop_1200).all() and found.asymmetry[2] == 0
    empty = by_event(by_station(np.zeros((0, 2, 128))), [], [], [], 3)
    assert np.isnan(empty.peaks).all() and np.isnan(empty.peaks_largest).all()
    assert list(found.table().names) == [
        "aop_1200", "aop_slope", "layers", "peaks", "peaks_largest", "peaks_upper", "peaks_lower",
    ]  # fmt: skip


PULSES = by_station(np.ones((2, 2, 128)))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: by_station(np.zeros((3, 128))), r"must be \(hits, 2, bins\)"),
        (lambda: by_station(np.zeros((3, 2, 6))), "at least 7 bins"),
        (lambda: by_station(np.full((1, 2, 128), np.nan)), "hit 0, layer 0, bin 0 is not"),
        (lambda: by_station(np.zeros((1, 2, 128)), 0.0), "the width of a bin must lie"),
        (lambda: by_event(PULSES, [0], [1.0, 2.0], [True, True], 1), "event must hold one value"),
        (lambda: by_event(PULSES, [0, 3], [1.0, 2.0], [True, True], 3), "record 1 has 3"),
        (lambda: by_event(PULSES, [0, 0], [1.0, np.nan], [True] * 2, 1), "record 1 has none"),
    ],
)
def test_what_are_no_records_is_refused(call, told):
    with pytest.raises(ValueError, match=told):
        call()
