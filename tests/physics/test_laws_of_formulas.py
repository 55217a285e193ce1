"""Laws that the formulas keep: integrals, ways back, derivatives, and what other packages say."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

from baksan.physics import (
    OutsideRange,
    atmosphere,
    cherenkov,
    counts,
    depth_of_maximum,
    directions,
    energy,
    front,
    image,
    lateral,
    longitudinal,
    muons,
    response,
    spectrum,
)

AIRS = [atmosphere.US_STANDARD, atmosphere.US_STANDARD_KEILHAUER]
HADRONIC = list(depth_of_maximum.MODELS)


# Air and light ------------------------------------------------------------------------------------


@pytest.mark.parametrize("air", AIRS, ids=lambda air: air.name)
def test_height_is_the_way_back_of_depth(air):
    h = np.linspace(-1900, air.top, 3001)
    assert_allclose(air.height(air.depth(h)), h, atol=1e-6)
    at_edges = np.array(air.edges)
    assert_allclose(air.height(air.depth(at_edges)), at_edges, atol=1.0)


@pytest.mark.parametrize("air", AIRS, ids=lambda air: air.name)
def test_density_is_the_slope_of_depth(air):
    h = np.array([0.0, 1e3, 5e3, 8e3, 2e4, 6e4, 105e3])
    slope = (air.depth(h + 0.5) - air.depth(h - 0.5)) / 100
    assert_allclose(air.density(h), -slope, rtol=1e-6)


@pytest.mark.parametrize("air", AIRS, ids=lambda air: air.name)
def test_there_is_nothing_above_the_top(air):
    assert_allclose(air.depth([air.top, 2e5]), 0, atol=1e-12)
    assert air.density(2e5) == 0


def test_distance_leads_to_where_the_air_is():
    air, theta = atmosphere.US_STANDARD, np.deg2rad([0.0, 30.0, 60.0])
    X = np.array([600.0, 700.0, 800.0])
    D = air.distance(X, theta, 1400.0)
    assert_allclose(air.slant_depth(1400.0 + D * np.cos(theta), theta), X)
    assert air.distance(1200.0, 0.0, 1400.0) < 0  # below the ground


def test_light_is_narrower_where_air_is_thin_and_shone_by_faster_electrons():
    h = np.linspace(0, 2e4, 50)
    assert np.all(np.diff(cherenkov.cherenkov_angle(h)) < 0)
    assert np.all(np.diff(cherenkov.threshold(h)) > 0)
    assert_allclose(np.cos(cherenkov.cherenkov_angle(h)) * (1 + cherenkov.refractivity(h)), 1)
    assert_allclose(cherenkov.light_pool([0, 120], "hadron"), 1)
    assert cherenkov.photons_per_metre(0.0) == pytest.approx(29.6, rel=0.03)


# Primaries ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0.0, 1.0, 1.0 + 1e-12, 2.0, 2.7, 5.0])
def test_a_power_law_has_its_distribution(index):
    low, high = 1e17, 1e20
    E = spectrum.power_law_energies(np.linspace(0, 1, 1001), index, low, high)
    assert_allclose(E[[0, -1]], [low, high])

    def below(e):
        if abs(index - 1) < 1e-6:
            return np.log(e / low) / np.log(high / low)
        p = 1 - index
        return ((e / low) ** p - 1) / ((high / low) ** p - 1)

    assert_allclose(below(E), np.linspace(0, 1, 1001), atol=1e-6)


def test_weights_turn_one_spectrum_into_another():
    rng = np.random.default_rng(1)
    flat = spectrum.power_law_energies(rng.random(200_000), 1.0, 1e18, 1e20)
    w = spectrum.to_spectrum(spectrum.auger(flat), spectrum.power_law(flat, 1.0))
    assert w.mean() == pytest.approx(1)
    E = np.logspace(18, 20, 20_001)
    J = spectrum.auger(E)
    for level in (10**18.5, 10**19, 10**19.5):
        share = np.trapezoid(np.where(level < E, J, 0), E) / np.trapezoid(J, E)
        chosen = flat > level
        error = np.sqrt(np.sum((w * (chosen - share)) ** 2)) / w.sum()
        assert w[chosen].sum() / w.sum() == pytest.approx(share, abs=4 * error)


def test_ultra_high_shares_are_shares_and_grow_heavier():
    found = spectrum.ultra_high_fractions(np.logspace(17, 20.5, 50))
    assert_allclose(sum(found.values()), 1)
    ln_a = sum(s * np.log(A) for s, A in zip(found.values(), (1, 4, 14, 56), strict=True))
    assert np.all(np.diff(ln_a[20:]) > 0)


def test_directions_are_unit_vectors_and_come_back():
    rng = np.random.default_rng(2)
    theta, phi = np.arccos(rng.uniform(-1, 1, 500)), rng.uniform(0, 2 * np.pi, 500)
    n = directions.unit_vector(theta, phi)
    assert_allclose(np.linalg.norm(n, axis=1), 1)
    for found, given in zip(directions.zenith_and_azimuth(3 * n), (theta, phi), strict=True):
        assert_allclose(found, given, atol=1e-12)
    tiny = directions.unit_vector(0.5 + 1e-9, 0.0)
    assert directions.angle_between(tiny, directions.unit_vector(0.5, 0.0)) == pytest.approx(
        1e-9, rel=1e-6
    )


def test_zenith_angles_have_their_densities():
    u = (np.arange(100_000) + 0.5) / 100_000
    absorbed = directions.absorbed_zenith(u)
    assert np.mean(absorbed < 0.5) == pytest.approx(1 - np.cos(0.5) ** 8, abs=1e-4)
    flat = directions.isotropic_zenith(u, 1.0)
    assert np.mean(flat < 0.5) == pytest.approx((np.sin(0.5) / np.sin(1.0)) ** 2, abs=1e-4)


def test_distances_from_the_axis_are_those_of_pythagoras():
    rng = np.random.default_rng(3)
    x, core = rng.normal(size=(50, 3)) * 1000, rng.normal(size=3) * 100
    n = directions.unit_vector(0.7, 1.0)
    r, along = directions.from_axis(x, core, n)
    assert_allclose(r**2 + along**2, np.sum((x - core) ** 2, axis=1))
    on_axis = core + np.outer([-1e5, 0, 1e5], n)
    assert_allclose(directions.from_axis(on_axis, core, n)[0], 0, atol=1e-9)


# Showers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", HADRONIC)
@pytest.mark.parametrize("mass", [1, 4, 14, 56])
def test_maxima_follow_their_distribution(model, mass):
    rng = np.random.default_rng(4)
    n = 20_000
    at = 18.5, mass, model
    drawn = depth_of_maximum.x_max_quantile(rng.random(n), *at)
    assert_allclose(
        depth_of_maximum.x_max_quantile([0.01, 0.99], *at), np.quantile(drawn, [0.01, 0.99]), atol=8
    )
    assert stats.kstest(drawn, lambda x: depth_of_maximum.x_max_cdf(x, *at)).pvalue > 1e-3
    mean, spread = depth_of_maximum.x_max_mean(*at), depth_of_maximum.x_max_spread(*at)
    assert drawn.mean() == pytest.approx(mean, abs=4 * spread / np.sqrt(n))
    x = np.linspace(mean - 12 * spread, mean + 25 * spread, 40_001)
    p = depth_of_maximum.x_max_pdf(x, *at)
    assert np.trapezoid(p, x) == pytest.approx(1, abs=1e-6)
    assert np.trapezoid(p * x, x) == pytest.approx(mean)
    assert np.sqrt(np.trapezoid(p * (x - mean) ** 2, x)) == pytest.approx(spread)
    below = integrate.cumulative_trapezoid(p, x, initial=0)
    assert_allclose(below, depth_of_maximum.x_max_cdf(x, *at), atol=1e-6)


@pytest.mark.parametrize(("model", "rate"), [("qgsjetii-04", 54), ("epos-lhc", 56)])
def test_protons_penetrate_deeper_by_their_elongation_rate(model, rate):
    mean = depth_of_maximum.x_max_mean([17, 18, 19, 20], 1, model)
    assert_allclose(np.diff(mean), rate, atol=2)


@pytest.mark.parametrize("model", depth_of_maximum.MOMENTS)
def test_two_parametrisations_agree(model):
    lg, A = np.meshgrid(np.linspace(18, 20, 9), [1, 4, 14, 56])
    mean, spread = depth_of_maximum.moments(lg, A, model)
    assert_allclose(depth_of_maximum.x_max_mean(lg, A, model), mean, atol=6)
    assert_allclose(depth_of_maximum.x_max_spread(lg, A, model), spread, atol=6)


def test_ln_a_of_a_mixture_comes_back():
    A, share, lg = np.array([1, 4, 14, 56]), np.array([0.4, 0.3, 0.2, 0.1]), 18.7
    mean, spread = depth_of_maximum.moments(lg, A)
    total = share @ mean
    variance = share @ (spread**2 + (mean - total) ** 2)
    found, within = depth_of_maximum.ln_mass(total, np.sqrt(variance), lg)
    expected = share @ np.log(A)
    assert found == pytest.approx(expected)
    assert within == pytest.approx(share @ np.log(A) ** 2 - expected**2)


def test_photons_penetrate_deeper_than_protons():
    lg = np.linspace(17.5, 19.7, 23)
    mean, _ = depth_of_maximum.photon_maximum(lg)
    assert np.all(mean - depth_of_maximum.x_max_mean(lg, 1) > 80)


def test_a_profile_has_its_maximum_and_its_energy():
    shape = 750.0, -100.0, 60.0
    X = np.linspace(-200, 6000, 200_001)
    f = longitudinal.gaisser_hillas(X, *shape)
    assert f.max() == pytest.approx(1) and X[f.argmax()] == pytest.approx(750, abs=0.05)
    assert np.all(f[X <= -100] == 0)
    area = longitudinal.energy_from_deposit(1.0, *shape)
    assert np.trapezoid(f, X) == pytest.approx(area, rel=1e-8)
    assert longitudinal.deposit_from_energy(area, *shape) == pytest.approx(1)


def test_greisens_profile_is_largest_at_its_maximum():
    X = np.linspace(0, 1500, 15_001)
    N = longitudinal.greisen(X, 1e12)
    peak = longitudinal.greisen_maximum(1e12)
    assert X[N.argmax()] == pytest.approx(peak, abs=1)
    assert longitudinal.age(peak, peak) == 1
    track = np.trapezoid(N, X) / longitudinal.RADIATION_LENGTH  # in radiation lengths
    assert track == pytest.approx(1e12 / longitudinal.CRITICAL_ENERGY, rel=0.1)


def test_iron_has_more_muons_that_vary_less():
    z = np.random.default_rng(5).normal(size=100_000)
    for A in (1, 4, 14, 56):
        found = muons.muon_factors(z, np.full(len(z), A), 1.1)
        mean = 1.1 * muons.muon_excess(A)
        assert found.mean() == pytest.approx(mean, rel=4 * 0.16 / np.sqrt(len(z)))
        assert found.std() / found.mean() == pytest.approx(muons.muon_spread(A), rel=0.02)
    ratio = muons.heitler_matthews(1e19, 56) / muons.heitler_matthews(1e19, 1)
    assert 1.33 <= ratio <= 1.38


# Ground -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("age", [0.7, 1.0, 1.3])
def test_nkg_holds_all_its_particles(age):
    r = np.geomspace(1e-3, 1e6, 200_001)
    rho = lateral.nkg(r, 1e5, age)
    assert np.trapezoid(2 * np.pi * r**2 * rho, np.log(r)) == pytest.approx(1e5, rel=1e-3)


def test_kascade_holds_its_particles():
    r = np.geomspace(1e-3, 1e7, 400_001)
    rho = lateral.kascade_electrons(r, 1e5, 0.94)
    assert np.trapezoid(2 * np.pi * r**2 * rho, np.log(r)) == pytest.approx(1e5, rel=2e-3)
    r = np.linspace(40, 200, 20_001)
    for theta in (0.0, 0.6):
        rho = lateral.kascade_muons(r, 3e3, theta)
        assert np.trapezoid(2 * np.pi * r * rho, r) == pytest.approx(3e3, rel=1e-7)


def test_reference_distances_have_signal_one():
    theta = np.deg2rad([0, 20, 40, 60])
    assert_allclose(lateral.telescope_array(800.0, theta), 1)
    assert_allclose(lateral.auger(1000.0, theta), 1)
    around = np.linspace(0, 2 * np.pi, 361)
    assert np.mean(lateral.asymmetry(900, 0.8, around)[:-1]) == pytest.approx(1)
    slopes = np.diff(np.log(lateral.greisen_muons([500, 1000], 1.0)))
    assert slopes < np.diff(np.log(lateral.greisen_muons([500, 1000])))


def test_energies_come_back():
    E, theta = np.logspace(17, 20.5, 8), np.deg2rad(np.linspace(0, 60, 8))
    assert_allclose(energy.ta_energy(energy.ta_s800(E, theta), theta), E)
    assert_allclose(energy.ta_energy(energy.ta_s800(E, theta, 1.27), theta), 1.27 * E)
    assert_allclose(energy.auger_energy(energy.auger_s1000(E, theta), theta), E)
    assert energy.ta_photon_energy(200.0, 0.3) > energy.ta_energy(200.0, 0.3)
    assert energy.agasa_energy(10.0, 0.0) == 2.03e18


def test_the_energy_of_kascade_is_unbiased_for_all_masses():
    E, A = np.meshgrid(np.logspace(15, 17, 9), [1, 4, 14, 28, 56])
    sizes = energy.kascade_sizes(E, A, 0.0)
    found = energy.kascade_energy(10**sizes.electrons, 10**sizes.muons, 0.0)
    assert np.abs(np.log10(found / E)).max() < 0.06


# Times and detectors ------------------------------------------------------------------------------


def test_the_front_is_later_and_thicker_far_away():
    r = np.linspace(100, 3000, 30)
    rho = 20 * lateral.telescope_array(r, 0.5)
    for of in (front.linsley_delay, front.linsley_thickness):
        assert np.all(np.diff(of(r, rho, 2.7)) > 0)
        assert_allclose(of(r, rho, 5.4), 2 * of(r, rho, 2.7))
    muon, other = front.pulse_delays(r, 100.0)
    assert np.all(muon < other)
    assert front.plane_front(299.792458) == pytest.approx(-1000)
    theta = np.deg2rad([24.999, 25.001, 34.999, 35.001])
    a = front.linsley_curvature(theta)
    assert_allclose(a[[0, 2]], a[[1, 3]], rtol=2e-2)


def test_a_far_sphere_is_a_paraboloid():
    r = np.array([0.0, 10.0, 100.0])
    assert_allclose(front.spherical_delay(r, 1e6), r**2 / (2e6 * front.LIGHT), rtol=1e-8)


@pytest.mark.parametrize("primary", ["p", "Fe", "gamma"])
def test_small_arrays_see_flatter_fronts_at_higher_energies(primary):
    lg = np.linspace(15, 17, 9)
    delay = front.small_array_delay(np.array([[50.0], [150.0]]), lg, primary)
    assert np.all(np.diff(delay, axis=0) > 0) and np.all(np.diff(delay[0]) < 0)


def test_a_pulse_has_area_one_and_particles_a_mean():
    t = np.linspace(-50, 2000, 205_001)
    assert np.trapezoid(response.pulse(t), t) == pytest.approx(1, abs=1e-6)
    u = (np.arange(100_000) + 0.5) / 100_000
    signals = response.one_particle(u)
    assert np.all(np.diff(signals) > -0.02)  # the pieces of the published curve nearly meet
    assert 1.0 < np.median(signals) < 1.2


def test_responses_have_their_limits():
    assert response.electromagnetic_factor(800.0, 100.0, 100.0) == 1
    assert response.electromagnetic_factor(800.0, 200.0, -299.0) == pytest.approx(5)
    assert response.muon_share(1e5, 1.0) == 0.95
    assert_allclose(response.station_efficiency([0, 2, 1e300]), [0, 0.5, 1])
    assert_allclose(response.signal_error([0.0, 0.3]), [1 / 3, np.hypot(0.2**0.5, 0.045)])


# Images -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skewness", [-0.8, 0.0, 0.35, 0.9])
def test_a_skewed_image_has_its_moments(skewness):
    length, width = 0.3, 0.1
    axis = np.linspace(-3, 3, 1201)
    step = axis[1] - axis[0]
    p = image.skewed_gaussian(axis[:, None], axis, length, width, skewness) * step**2
    assert p.sum() == pytest.approx(1, abs=1e-6)
    along, across = p.sum(axis=1), p.sum(axis=0)
    assert along @ axis == pytest.approx(0, abs=1e-6)
    assert np.sqrt(along @ axis**2) == pytest.approx(length, rel=1e-5)
    assert np.sqrt(across @ axis**2) == pytest.approx(width, rel=1e-5)
    assert along @ axis**3 / length**3 == pytest.approx(skewness, abs=1e-4)


def test_a_skewed_image_is_scipys_skew_normal():
    place, scale, alpha = image.skewed_shape(0.2, 0.5)
    along = np.linspace(-1, 1, 11)
    expected = stats.skewnorm.pdf(along, alpha, place, scale) * stats.norm.pdf(0.05, scale=0.1)
    assert_allclose(image.skewed_gaussian(along, 0.05, 0.2, 0.1, 0.5), expected)
    assert image.centroid_distance(120, 8000) == pytest.approx(0.8165, abs=1e-4)


# Counts -------------------------------------------------------------------------------------------


def test_significance_is_that_of_gauss_for_many_events():
    assert counts.li_ma(20, 100, 0.2) == 0
    assert counts.li_ma(0, 0, 0.2) == 0
    assert_allclose(counts.li_ma([10, 30], [30, 10], 1.0) @ [1, 1], 0, atol=1e-12)
    on, off = 1_010_000.0, 1_000_000.0
    assert counts.li_ma(on, off, 1.0) == pytest.approx((on - off) / np.sqrt(on + off), rel=1e-4)


@pytest.mark.parametrize("background", [0.0, 3.0])
def test_a_limit_excludes_what_it_says(background):
    for n in (0, 2, 7):
        s = counts.poisson_limit(n, background, 0.9)
        both = stats.poisson.cdf(n, s + background) / stats.poisson.cdf(n, background)
        assert both == pytest.approx(0.1)


def test_areas_and_apertures():
    area, error = counts.effective_area([0, 50, 100, 0], [100, 100, 100, 0], 4.0)
    assert_allclose(area, [0, 2, 4, np.nan])
    assert_allclose(error, [0, 4 * 0.05, 0, np.nan])
    solid = integrate.quad(lambda t: 2 * np.pi * np.sin(t) * np.cos(t), 0, 1.0)[0]
    assert counts.flat_aperture(3.0, 1.0) == pytest.approx(3 * solid)


def test_the_smallest_signal_is_just_significant():
    s = counts.smallest_signal(100.0)
    assert counts.li_ma(s + 100, 500, 0.2) == pytest.approx(5)
    assert counts.smallest_signal(0.0) == 10  # at least ten events
    assert counts.smallest_signal(1e8) == 5e6  # at least 5 % of the background


# Ranges -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: atmosphere.US_STANDARD.depth(-3000), "the height must lie between -2000"),
        (lambda: atmosphere.US_STANDARD.height(-1), "the depth must lie between 0"),
        (lambda: atmosphere.US_STANDARD.slant_depth(0, 30), "give rad, not degrees"),
        (lambda: spectrum.auger(10.0), "Give energies in eV"),
        (lambda: spectrum.h3a([1e15, np.nan]), "must be finite; nan stands at place 1"),
        (lambda: spectrum.power_law_energies(0.5, 2, 1e19, 1e18), "needs 0 < low < high"),
        (lambda: spectrum.to_spectrum([1.0], [0.0]), "thrown ones above 0"),
        (lambda: spectrum.to_spectrum([0.0], [1.0]), "do not overlap"),
        (lambda: spectrum.to_spectrum([1.0, 2.0], [1.0]), "two fluxes for each event"),
        (lambda: depth_of_maximum.x_max_mean(19, 60), "the mass number must lie between 1 and 56"),
        (lambda: depth_of_maximum.x_max_mean(19, 1, "fluka"), "must be one of qgsjetii-04"),
        (lambda: depth_of_maximum.photon_maximum(20.0), r"lg\(E/eV\) of a photon"),
        (lambda: longitudinal.gaisser_hillas(0, 700, 800, 60), "X₀ < X_max"),
        (lambda: longitudinal.greisen(100, 1e18), "the energy must lie between"),
        (lambda: muons.heitler_matthews(10, 1), "Give energies in eV"),
        (lambda: lateral.nkg(0, 1e5, 1), "the distance from the axis must lie between"),
        (lambda: lateral.telescope_array(800, 63 * np.pi / 180), "θ ≤ 62.7°"),
        (lambda: energy.ta_energy(1e6, 0.1), "the signal at the reference distance"),
        (lambda: energy.ta_s800(19.0, 0.1), "Give energies in eV"),
        (lambda: energy.kascade_energy(1e12, 1e3, 0.1), "the electron number"),
        (lambda: front.linsley_delay(100, 0, 3), "Give the expected density"),
        (lambda: front.linsley_delay(100, 1, 3, "odd"), "must be one of loose"),
        (lambda: front.small_array_delay(500, 16), "between 0 and 300 m"),
        (lambda: response.pulse(1.0, 40.0, 10.0), "0 < rise < decay"),
        (lambda: cherenkov.photons_per_metre(0, 500, 300), "0 < λ₁ < λ₂"),
        (lambda: image.skewed_shape(1.0, 0.95), "the skewness must lie between"),
        (lambda: counts.effective_area([2], [1], 1.0), "no more events can pass"),
        (lambda: counts.poisson_limit(1, level=95), "between 0 and 1"),
    ],
)  # fmt: skip
def test_outside_of_its_range_a_formula_says_so(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: spectrum.auger(10**16.5),
        lambda: spectrum.h3a(1e19),
        lambda: depth_of_maximum.x_max_mean(16, 1),
        lambda: longitudinal.mean_shape(17.0),
    ],
)
def test_a_continuation_warns(call):
    with pytest.warns(OutsideRange, match="lies outside"):
        call()
