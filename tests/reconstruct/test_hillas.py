"""Cleaning and Hillas parameters: known ellipses, plain NumPy, plain loops, broken images."""

import numpy as np
import pytest

from baksan.physics.camera import hexagonal, magic
from baksan.physics.image import PARAMETERS
from baksan.reconstruct.hillas import DARK, FEW, cleaned, direction, parameters
from baksan.simulate.images import events

CAMERA = magic()


def blob(x, y, length, width, psi, light=5000.0, camera=CAMERA):
    """A Gaussian image without noise, (1, P)."""
    dx, dy = camera.x - x, camera.y - y
    along, across = dx * np.cos(psi) + dy * np.sin(psi), dy * np.cos(psi) - dx * np.sin(psi)
    dense = np.exp(-0.5 * ((along / length) ** 2 + (across / width) ** 2))
    return (light * dense * camera.area / (2 * np.pi * length * width))[None]


@pytest.mark.parametrize(
    ("x", "y", "length", "width", "psi"),
    [(0.5, 0.1, 0.25, 0.1, 0.3), (-0.6, 0.4, 0.2, 0.12, 2.0), (0.0, -0.8, 0.3, 0.15, 1.2)],
)
def test_an_ellipse_gives_itself_back(x, y, length, width, psi):
    image = blob(x, y, length, width, psi)
    found = parameters(image, CAMERA, image > 1e-3)
    assert found.flag[0] == 0
    assert found.size[0] == pytest.approx(5000, rel=1e-3)
    assert (found.x[0], found.y[0]) == pytest.approx((x, y), abs=1e-3)
    assert found.length[0] == pytest.approx(length, rel=5e-3)
    assert found.width[0] == pytest.approx(width, rel=5e-3)
    turned = (found.psi[0] - psi + np.pi / 2) % np.pi - np.pi / 2
    assert turned == pytest.approx(0.0, abs=5e-3)
    away = np.hypot(x, y)
    expected = np.arcsin(abs(np.cos(psi) * y - np.sin(psi) * x) / away)
    assert found.alpha[0] == pytest.approx(expected, abs=1e-2)
    assert found.distance[0] == pytest.approx(away, abs=1e-3)
    assert abs(found.skewness[0]) < 0.03 and found.kurtosis[0] == pytest.approx(3.0, abs=0.1)


def test_the_long_axis_points_away_from_the_middle_of_the_camera():
    found = events(300, seed=2)
    h = parameters(found.charge, CAMERA)
    good = h.flag == 0
    assert (h.x * np.cos(h.psi) + h.y * np.sin(h.psi))[good].min() >= 0


def test_moments_are_those_of_plain_numpy():
    found = events(200, seed=3)
    kept = cleaned(found.charge, CAMERA)
    h = parameters(found.charge, CAMERA, kept)
    good = h.flag == 0
    w = (found.charge.astype(float) * kept)[good]
    size = w.sum(axis=1)
    p = np.stack([CAMERA.x, CAMERA.y], axis=1)
    centre = np.einsum("np,pi->ni", w, p) / size[:, None]
    d = p[None] - centre[:, None]
    cov = np.einsum("np,npi,npj->nij", w, d, d) / size[:, None, None]
    values, vectors = np.linalg.eigh(cov)
    np.testing.assert_allclose(h.size[good], size, rtol=1e-9)
    np.testing.assert_allclose(h.length[good], np.sqrt(values[:, 1]), rtol=1e-9)
    np.testing.assert_allclose(h.width[good], np.sqrt(np.maximum(values[:, 0], 0)), atol=1e-7)
    axis = vectors[:, :, 1] * np.sign(np.einsum("ni,ni->n", vectors[:, :, 1], centre))[:, None]
    along = np.einsum("npi,ni->np", d, axis)
    third = (w * along**3).sum(axis=1) / size
    np.testing.assert_allclose(h.third_along[good], third, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(h.skewness[good], third / h.length[good] ** 3, rtol=1e-6, atol=1e-6)
    sorted_light = np.sort(w, axis=1)
    np.testing.assert_allclose(h.first[good], sorted_light[:, -1])
    np.testing.assert_allclose(h.second[good], sorted_light[:, -2])
    brightest = p[w.argmax(axis=1)]
    np.testing.assert_allclose(
        h.asymmetry[good], np.einsum("ni,ni->n", centre - brightest, axis), rtol=1e-6, atol=1e-8
    )
    leak = (w * CAMERA.border).sum(axis=1) / size
    np.testing.assert_allclose(h.leakage[good], leak, rtol=1e-9)


def test_cleaning_is_that_of_its_two_sentences():
    found = events(40, seed=4)
    kept = cleaned(found.charge, CAMERA)
    for q, mine in zip(found.charge, kept, strict=True):
        high = q >= 6.0
        near = [row[row >= 0] for row in CAMERA.neighbours]
        core = np.array([high[i] and high[near[i]].any() for i in range(len(q))])
        edge = np.array([
            3.5 <= q[i] < 6.0 and core[near[i]].any() for i in range(len(q))
        ])  # fmt: skip
        np.testing.assert_array_equal(mine, core | edge)


def test_islands_are_groups_of_adjacent_pixels():
    image = blob(-0.8, 0.0, 0.1, 0.08, 0.0) + blob(0.8, 0.0, 0.1, 0.08, 0.0)
    assert parameters(image, CAMERA, image > 5).islands[0] == 2
    assert parameters(image, CAMERA, image > 1e-30).islands[0] == 1


def test_a_turn_of_sixty_degrees_turns_the_image_and_nothing_else():
    found = events(150, seed=5)
    kept = cleaned(found.charge, CAMERA)
    turn = np.pi / 3
    x, y = (
        np.cos(turn) * CAMERA.x - np.sin(turn) * CAMERA.y,
        np.sin(turn) * CAMERA.x + np.cos(turn) * CAMERA.y,
    )
    target = np.array(
        [np.hypot(CAMERA.x - a, CAMERA.y - b).argmin() for a, b in zip(x, y, strict=True)]
    )
    assert len(set(target.tolist())) == len(CAMERA)
    turned, marked = np.zeros_like(found.charge), np.zeros_like(kept)
    turned[:, target], marked[:, target] = found.charge, kept
    np.testing.assert_array_equal(cleaned(turned, CAMERA), marked)
    a, b = parameters(found.charge, CAMERA), parameters(turned, CAMERA)
    good = a.flag == 0
    for name in ("size", "length", "width", "distance", "alpha", "leakage"):
        np.testing.assert_allclose(
            getattr(a, name)[good], getattr(b, name)[good], rtol=1e-5, atol=1e-6
        )


def test_plain_python_gives_what_machine_code_gives():
    camera = hexagonal(0.2, 1.4, 296.7)
    found = events(5, seed=6, camera=camera, log_energy=(12, 13))
    kept = [cleaned(found.charge, camera, way=way) for way in ("python", "compiled")]
    np.testing.assert_array_equal(*kept)
    plain, fast = (parameters(found.charge, camera, kept[0], way=w) for w in ("python", "compiled"))
    for name in ("size", "length", "width", "psi", "islands", "third_along", "alpha"):
        np.testing.assert_allclose(getattr(plain, name), getattr(fast, name), rtol=1e-9, atol=1e-12)


def test_images_that_are_too_faint_are_flagged_and_stay():
    found = events(400, seed=7)
    h = parameters(found.charge, CAMERA)
    assert len(h) == 400 and (h.flag > 0).any() and (h.flag == 0).any()
    assert np.isnan(h.table()["fLength"][h.flag > 0]).all()
    nothing = parameters(np.zeros((2, len(CAMERA))), CAMERA)
    assert (nothing.flag == FEW | DARK).all()
    single = np.zeros((1, len(CAMERA)))
    single[0, 10] = 500.0
    assert parameters(single, CAMERA).flag[0] & FEW  # one bright pixel has no neighbour


def test_the_ten_parameters_have_the_names_and_units_of_the_published_table():
    table = parameters(events(50, seed=8).charge, CAMERA).table()
    assert [n for n in table.names if n not in table.apart] == list(PARAMETERS)
    assert {n: table.column(n).unit for n in PARAMETERS} == {
        n: u for n, (u, _) in PARAMETERS.items()
    }


def test_the_direction_lies_on_the_axis_at_the_distance_of_the_formula():
    found = events(4000, seed=9, gamma_fraction=1.0)
    h = parameters(found.charge, CAMERA)
    x, y = direction(h, 1.2)
    good = h.flag == 0
    apart = np.hypot(x - h.x, y - h.y)[good]
    np.testing.assert_allclose(apart, 1.2 * (1 - h.width / h.length)[good], rtol=1e-12)
    # The source lies in the middle: the tail points away from it in 69 % of the images.
    inwards = (h.x - x) * h.x + (h.y - y) * h.y > 0
    assert inwards[good].mean() == pytest.approx(0.69, abs=0.06)


@pytest.mark.parametrize(
    ("charge", "told"),
    [
        (np.zeros((3, 7)), r"must be \(events, 1111\)"),
        (np.zeros(1111), r"must be \(events, 1111\)"),
        (np.full((1, 1111), np.nan), "must be finite"),
    ],
    ids=["pixels", "flat", "nan"],
)
def test_images_of_another_camera_are_refused(charge, told):
    with pytest.raises(ValueError, match=told):
        parameters(charge, CAMERA)


@pytest.mark.parametrize("shape", [(1, 1111), (3, 50), (1111,)])
def test_pixels_are_kept_of_each_image(shape):
    with pytest.raises(ValueError, match=r"kept must say of each pixel .* \(3, 1111\)"):
        parameters(np.ones((3, 1111)), CAMERA, np.ones(shape, dtype=bool))


def test_thresholds_rise():
    with pytest.raises(ValueError, match="0 < boundary ≤ picture"):
        cleaned(np.zeros((1, 1111)), CAMERA, 3.0, 5.0)
