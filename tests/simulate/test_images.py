"""Images of a telescope: light against its formula, counting, laws of gammas and hadrons."""

import numpy as np
import pytest

from baksan.compiled import compiled
from baksan.physics.camera import hexagonal, magic
from baksan.physics.image import skewed_gaussian
from baksan.reconstruct.hillas import parameters
from baksan.simulate import images, kernels_images
from baksan.simulate.images import Telescope, events

DARK = Telescope(sky=0.0, excess=0.0, electronics=0.0)


def test_a_camera_has_the_pixels_of_the_sheet():
    camera = magic()
    assert len(camera) == 1111 and camera.area == pytest.approx(0.00866, abs=1e-5)
    assert np.hypot(camera.x, camera.y).max() <= 1.75
    middle = int(np.hypot(camera.x, camera.y).argmin())
    around = camera.neighbours[middle]
    assert (around >= 0).all()
    apart = np.hypot(camera.x[around] - camera.x[middle], camera.y[around] - camera.y[middle])
    np.testing.assert_allclose(apart, 0.1)
    for i, row in enumerate(camera.neighbours):  # who is my neighbour has me for one
        for j in row[row >= 0]:
            assert i in camera.neighbours[j]
    assert camera.border.sum() == (camera.neighbours < 0).any(axis=1).sum() > 50


def test_the_variance_of_light_in_a_pixel_is_that_of_a_hexagon():
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (400_000, 2))
    # The points that are nearer to the middle than to any neighbour at distance 1.
    turns = np.arange(6) * np.pi / 3
    inside = (x @ np.array([np.cos(turns), np.sin(turns)]) <= 0.5).all(axis=1)
    assert x[inside].var(axis=0).mean() == pytest.approx(
        hexagonal(1.0, 5.0, 1.0).variance, rel=1e-2
    )


@pytest.mark.parametrize(
    "size", [(0.0, 1.0, 300.0), (0.1, 0.05, 300.0), (0.1, 1.0, -1.0), (0.1, 100.0, 300.0)]
)
def test_cameras_that_cannot_be_are_refused(size):
    with pytest.raises(ValueError, match="must lie between"):
        hexagonal(*size)


def test_light_is_that_of_the_formula():
    found = images._gammas(
        np.random.default_rng(2).random((3, 40)), np.ones(3), np.array([50.0, 100.0, 150.0]), DARK
    )
    camera = magic()
    pixels = kernels_images.Pixels(camera.x, camera.y, camera.area, 0.0, 0.0, 0.0)
    run = compiled(kernels_images.expected)
    for k in range(3):
        mine = np.array([run(found, pixels, k, i) for i in range(len(camera))])
        formula = np.zeros(len(camera))
        for j in (0, 1):
            x, y = camera.x - found.x[k, j], camera.y - found.y[k, j]
            cos, sin = found.cos[k, j], found.sin[k, j]
            alpha = found.shape[k, j]
            delta = alpha / np.hypot(1, alpha)
            length = found.scale[k, j] * np.sqrt(1 - 2 * delta**2 / np.pi)
            formula += found.light[k, j] * camera.area * skewed_gaussian(
                x * cos + y * sin, y * cos - x * sin, length, found.width[k, j], 0.35
            )  # fmt: skip
        near = formula > 1e-6 * formula.max()
        # Beyond six standard deviations the kernel sees no light.
        np.testing.assert_allclose(mine[near], formula[near], rtol=1e-6, atol=1e-7 * formula.max())


def test_all_the_light_of_a_shower_falls_into_the_camera():
    found = events(200, seed=3, telescope=DARK, gamma_fraction=1.0, log_energy=(12, 13))
    inside = np.hypot(*(images.magic().x[None], images.magic().y[None])).max() > 0
    total = found.charge.sum(axis=1) / found.light
    near = found.impact < 100
    assert inside and np.median(total[near]) == pytest.approx(1.0, abs=0.02)
    assert (found.charge >= 0).all() and (found.charge == np.round(found.charge)).all()


def test_pixels_without_a_shower_have_the_noise_of_the_recipe():
    found = events(300, seed=4, log_energy=(10.0, 10.0), gamma_fraction=1.0,
                   telescope=Telescope(light=1e-9))  # fmt: skip
    q = found.charge.astype(float)
    assert q.mean() == pytest.approx(0.0, abs=4 * q.std() / np.sqrt(q.size))
    # Poisson of 1.6, each with 0.35² more, and the electronics.
    assert q.var() == pytest.approx(1.6 * (1 + 0.35**2) + 0.25, rel=0.01)


def test_an_event_depends_on_seed_and_number_alone():
    whole = events(60, seed=5, times=True)
    start = 0
    for block in images.blocks(60, seed=5, rows=23, times=True):
        rows = slice(start, start + len(block))
        for name in ("charge", "time", "gamma", "log_energy", "impact", "light", "event"):
            np.testing.assert_array_equal(getattr(whole, name)[rows], getattr(block, name))
        start += len(block)
    assert start == 60
    np.testing.assert_array_equal(events(60, seed=5).charge, whole.charge)  # with times or without


def test_plain_python_gives_what_machine_code_gives():
    camera = hexagonal(0.2, 1.4, 296.7)
    plain, fast = (
        events(4, seed=6, camera=camera, times=True, way=way) for way in ("python", "compiled")
    )
    np.testing.assert_allclose(plain.charge, fast.charge, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(plain.time, fast.time, rtol=1e-5, atol=1e-4)


def test_gammas_are_brighter_with_energy_and_longer_with_distance():
    found = events(3000, seed=7, gamma_fraction=1.0, log_energy=(11.5, 13.0))
    near = found.impact < 120
    slope = np.polyfit(found.log_energy[near], np.log10(found.light[near]), 1)[0]
    assert slope == pytest.approx(1.08, abs=0.02)
    h = parameters(found.charge, found.camera)
    good = h.flag == 0
    assert np.corrcoef(h.length[good], h.distance[good])[0, 1] > 0.25


@pytest.fixture(scope="module")
def both():
    found = events(6000, seed=8)
    return found, parameters(found.charge, found.camera)


def test_gammas_point_to_their_source_and_hadrons_anywhere(both):
    """PHYSICS J5: P(α < 10°) 0.5 … 0.7 and 0.11 ± 0.01."""
    found, h = both
    good, small = h.flag == 0, np.rad2deg(h.alpha) < 10
    assert 0.5 < small[good & found.gamma].mean() < 0.7
    assert small[good & ~found.gamma].mean() == pytest.approx(0.11, abs=0.015)
    tail = h.third_along[good & found.gamma] > 0
    assert tail.mean() == pytest.approx(0.69, abs=0.04)  # as in the published table


def test_medians_are_within_a_third_of_the_published_table(both):
    found, h = both
    table, good = h.table(), h.flag == 0
    published = {"fLength": (34.6, 47.9), "fWidth": (17.1, 17.4), "fConc": (0.353, 0.358),
                 "fDist": (188.0, 200.0), "fConc1": (0.195, 0.200)}  # fmt: skip
    for name, medians in published.items():
        for chosen, median in zip((found.gamma, ~found.gamma), medians, strict=True):
            assert np.median(table[name][good & chosen]) == pytest.approx(median, rel=0.34)


def test_a_forest_tells_them_apart_as_well_as_in_the_published_table(both):
    """PHYSICS J5: AUC 0.93 … 0.95 with the ten parameters, 0.85 and more without α."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score

    found, h = both
    table, good = h.table(), h.flag == 0
    names = [name for name in table.names if name not in table.apart]
    y, half = found.gamma[good], good.sum() // 2
    assert len(names) == 10
    for chosen, low, high in (
        (names, 0.925, 0.955),
        ([n for n in names if n != "fAlpha"], 0.84, 0.9),
    ):
        x = np.column_stack([table[name][good] for name in chosen])
        forest = RandomForestClassifier(120, min_samples_leaf=2, random_state=0)
        forest.fit(x[:half], y[:half])
        assert low < roc_auc_score(y[half:], forest.predict_proba(x[half:])[:, 1]) < high


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"log_energy": (-1.0, 1.0)}, "1 TeV is 12"),
        ({"log_energy": (13.0, 11.0)}, "must rise; 13 … 11 does not"),
        ({"gamma_fraction": 1.5}, "gamma_fraction must lie between 0 and 1"),
        ({"start": -1}, "start, the number of the first event"),
    ],
    ids=str,
)
def test_settings_that_fit_nothing_are_refused(settings, told):
    with pytest.raises(ValueError, match=told):
        events(3, **settings)
