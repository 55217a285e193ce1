"""Array networks: what order, turning and masking must not change; slopes; neighbours on grids."""

import numpy as np
import pytest

import baksan as bk
from baksan import losses
from baksan.models.array.columns import AXIS, Columns
from baksan.models.array.grids import neighbours_of
from baksan.models.array.network import ArrayNetwork, Chosen
from baksan.simulate.layouts import auger, telescope_array

KINDS = ("sets", "attention", "grid")
S = 9
PLACES = np.array([[1200.0 * i, 1200.0 * j] for i in range(3) for j in range(3)]) - 1200
VECTORS = ("signal_upper", "signal_lower", "time", "status")
NAMES = [
    *(f"{name}[{i}]" for name in VECTORS for i in range(S)),
    *AXIS, "log_s800",
]  # fmt: skip


def showers(n, seed=0, places=PLACES, turned=0.0):
    """Features as `NAMES` of n showers, on an array and with azimuths turned by an angle in deg."""
    rng = np.random.default_rng(seed)
    signal = rng.exponential(5.0, (2, n, S))
    status = rng.choice([0, 1, 3, 4], (n, S), p=[0.2, 0.6, 0.1, 0.1]).astype(float)
    status[:, 0] = 1
    signal *= (status % 2)[None]
    time = rng.normal(0, 500, (n, S)) * (status % 2)
    zenith, azimuth = rng.uniform(5, 50, n), rng.uniform(0, 360, n)
    core = rng.uniform(-600, 600, (n, 2)) @ rotation(turned).T
    more = [zenith, azimuth + turned, core[:, 0], core[:, 1], rng.normal(0, 100, n)]
    x = np.column_stack([*signal, time, status, *more, rng.normal(1, 0.3, n)])
    return x, places @ rotation(turned).T


def rotation(angle):
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return np.array([[c, -s], [s, c]])


def network(kind="sets", answer="number", places=PLACES, columns=None, **settings):
    columns = columns or Columns.named(NAMES)
    given = {"width": 8, "depth": 2, "precision": "float64", **settings}
    net = ArrayNetwork(columns, places, kind=kind, answer=answer, **given)
    x, _ = showers(64)
    net = net.prepared(x, np.ones(64), {"direction": 3, "position": 2}.get(answer, 1))
    # Behind the small last layer of the start corrections would be too small to be seen.
    rng = np.random.default_rng(5)
    return net.moved(net.parameters + 0.1 * rng.normal(size=net.parameters.size))


def reordered(x, order):
    parts = [x[:, S * k : S * (k + 1)][:, order] for k in range(4)]
    return np.column_stack([*parts, x[:, 4 * S :]])


def moved_to(net, places):
    return ArrayNetwork(
        **{**{f: getattr(net, f) for f in net.__dataclass_fields__}, "places": places}
    )


def test_columns_are_found_by_their_names():
    c = Columns.named(NAMES)
    assert c.stations == S and len(c.signals) == 2 and len(c.time) == len(c.status) == S
    assert [NAMES[j] for j in c.axis] == list(AXIS)
    assert [NAMES[j] for j in c.beside] == ["zenith", "log_s800"]
    assert Columns.of_lists(c.lists) == c
    assert sorted(c.order.tolist()) == sorted([*range(len(NAMES)), NAMES.index("zenith")])
    with pytest.raises(ValueError, match="needs signals of stations"):
        Columns.named(["zenith", "time[0]"])


@pytest.mark.parametrize("kind", ["sets", "attention"])
@pytest.mark.parametrize("answer", ["number", "direction", "position"])
def test_the_order_of_stations_does_not_matter(kind, answer):
    net, order = network(kind, answer), np.random.default_rng(3).permutation(S)
    x, _ = showers(20, 1)
    other = moved_to(net, net.places[order])
    np.testing.assert_allclose(other(reordered(x, order)), net(x), rtol=1e-10)
    assert not np.allclose(net(reordered(x, order)), net(x), rtol=1e-4)


@pytest.mark.parametrize("kind", ["sets", "attention"])
def test_turning_array_and_shower_turns_the_answer(kind):
    x, _ = showers(20, 1)
    y, places = showers(20, 1, turned=77.0)
    same = network(kind)
    np.testing.assert_allclose(moved_to(same, places)(y), same(x), rtol=1e-8)
    core = network(kind, "position")
    np.testing.assert_allclose(moved_to(core, places)(y), core(x) @ rotation(77.0).T, rtol=1e-8)
    axis = network(kind, "direction")
    expected = axis(x)
    expected[:, :2] = expected[:, :2] @ rotation(77.0).T
    np.testing.assert_allclose(moved_to(axis, places)(y), expected, rtol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_reflecting_array_and_shower_reflects_the_answer(kind):
    x, _ = showers(20, 1)
    y = x.copy()
    azimuth, core_y = NAMES.index("azimuth"), NAMES.index("core_y")
    y[:, azimuth], y[:, core_y] = -x[:, azimuth], -x[:, core_y]
    glass = np.array([1.0, -1.0])
    order = np.arange(S).reshape(3, 3)[:, ::-1].ravel()  # the same square, seen in a mirror
    y = reordered(y, order)
    if kind == "grid":  # its weights know left from right
        return
    same, core = network(kind), network(kind, "position")
    np.testing.assert_allclose(same(y), same(x), rtol=1e-8)
    np.testing.assert_allclose(core(y), core(x) * glass, rtol=1e-8, atol=1e-6)
    plain = network(kind, mirrored=False)
    assert not np.allclose(plain(y), plain(x), rtol=1e-4)


@pytest.mark.parametrize("kind", ["sets", "attention"])
def test_dead_stations_are_as_if_they_were_not_there(kind):
    net = network(kind)
    x, _ = showers(20, 1)
    dead = x.copy()
    dead[:, 3 * S + 4] = 4.0
    junk = dead.copy()
    for k in range(3):
        junk[:, k * S + 4] = 1e3
    np.testing.assert_allclose(net(junk), net(dead), rtol=1e-12)
    fewer = np.delete(np.arange(S), 4)
    columns = Columns.named(NAMES)
    cut = Columns(
        tuple(tuple(np.array(row)[fewer]) for row in columns.signals),
        tuple(np.array(columns.time)[fewer]), tuple(np.array(columns.status)[fewer]),
        axis=columns.axis, beside=columns.beside,
    )  # fmt: skip
    less = ArrayNetwork(**{
        **{f: getattr(net, f) for f in net.__dataclass_fields__},
        "places": net.places[fewer], "columns": cut, "encoding": Chosen(net.features, cut.order),
    })  # fmt: skip
    np.testing.assert_allclose(less(dead), net(dead), rtol=1e-10)


def test_lists_of_hits_bring_their_own_places():
    x, _ = showers(20, 1)
    x[:, 3 * S : 4 * S] = np.where(x[:, 3 * S : 4 * S] == 4, 0, x[:, 3 * S : 4 * S])
    where = np.broadcast_to(PLACES.T.ravel(), (20, 2 * S))
    c = Columns.named([*NAMES, *(f"station_{a}[{i}]" for a in "xy" for i in range(S))])
    net = ArrayNetwork(c, width=8, precision="float64")
    net = net.prepared(np.column_stack([x, where]), np.ones(20), 1)
    assert len(net.places) == 0
    order = np.random.default_rng(3).permutation(S)
    both = np.column_stack([reordered(x, order), PLACES[order].T.ravel() * np.ones((20, 1))])
    np.testing.assert_allclose(net(both), net(np.column_stack([x, where])), rtol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("answer", "loss"), [
    ("number", losses.squared), ("direction", losses.von_mises_fisher),
    ("position", losses.distance),
])  # fmt: skip
def test_the_pullback_is_the_derivative_of_q(kind, answer, loss):
    net, (x, _) = network(kind, answer), showers(12, 2)
    rng = np.random.default_rng(7)
    y = {"number": rng.normal(size=12), "position": rng.normal(0, 300, (12, 2))}.get(answer)
    if y is None:
        y = rng.normal(size=(12, 3))
        y /= np.linalg.norm(y, axis=1, keepdims=True)
    slope = net.pullback(x, loss.slope(net(x), y))
    along = rng.normal(size=net.parameters.size)
    h = 1e-6
    ends = [loss.value(net.moved(net.parameters + s * h * along)(x), y).sum() for s in (1, -1)]
    assert slope @ along == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_compiled_steps_are_the_generic_ones(kind):
    x, _ = showers(96, 4)
    X = bk.Samples(x, x[:, :S].sum(axis=1))
    net = ArrayNetwork(Columns.named(NAMES), PLACES, kind=kind, width=8, precision="float64")
    ways = [
        bk.fit(net, X, losses.squared, bk.Adam(0.01, batch=32, epochs=2, way=way), seed=3)
        for way in ("generic", "compiled")
    ]
    one, other = (found.model.parameters for found in ways)
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_numpy_and_jax_predict_the_same(kind, monkeypatch):
    net, (x, _) = network(kind, "direction"), showers(600, 2)
    through_jax = net(x)
    monkeypatch.setattr("baksan.models.array.network.available", lambda: False)
    np.testing.assert_allclose(net(x), through_jax, rtol=1e-10)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'baksan\[networks\]'"):
        net.pullback(x, np.ones((600, 3)))


def test_an_ensemble_is_of_array_networks_too():
    x, _ = showers(96, 4)
    X = bk.Samples(x, x[:, :S].sum(axis=1))
    net = ArrayNetwork(Columns.named(NAMES), PLACES, width=8)
    found = bk.fit(bk.Ensemble(net, 2), X, losses.squared, bk.Adam(0.01, batch=32, epochs=2))
    value, spread = found.model.told(x)
    each = [one(x) for one in found.model.networks]
    np.testing.assert_allclose(value, np.mean(each, axis=0))
    assert spread.shape == (96,) and (spread > 0).any()


def told(neighbours):
    """The neighbours of each station in each direction, S where there is none, (S, m)."""
    there = np.array(neighbours.there)
    return np.where(there, np.arange(len(there))[:, None] + neighbours.shifts, len(there))


def test_neighbours_on_squares_and_triangles():
    square = told(neighbours_of(PLACES))
    assert square.shape == (9, 9) and (square[:, 0] == np.arange(9)).all()
    assert set(square[4]) == set(range(9)) and (square[0] == 9).sum() == 5
    a = np.arange(5)
    i, j = (c.ravel() for c in np.meshgrid(a, a))
    triangles = np.column_stack([i + j / 2, j * np.sqrt(0.75)]) * 1500
    found = told(neighbours_of(triangles))
    assert found.shape == (25, 7)
    far = np.linalg.norm(triangles[found[12, 1:]] - triangles[12], axis=1)
    np.testing.assert_allclose(far, 1500)
    for column in found.T[1:]:  # the same column is the same direction for all
        there = column < 25
        off = triangles[column[there]] - triangles[there]
        np.testing.assert_allclose(off, off[:1] * np.ones((len(off), 1)), atol=1e-6)


@pytest.mark.parametrize("layout", [telescope_array(5), auger(5)], ids=["squares", "triangles"])
def test_our_arrays_are_grids(layout):
    found = told(neighbours_of(layout.position))
    assert found.shape == (25, 9 if "tele" in layout.name.lower() else 7)
    nearest = {tuple(sorted(row[row >= 0])) for row in layout.neighbours}
    assert {tuple(sorted(row[1:][row[1:] < 25])) for row in found} == nearest


def test_stations_on_no_grid_or_out_of_order_are_refused():
    rng = np.random.default_rng(1)
    with pytest.raises(ValueError, match="squares or triangles"):
        neighbours_of(rng.uniform(0, 1000, (30, 2)))
    with pytest.raises(ValueError, match="row by row"):
        neighbours_of(PLACES[rng.permutation(9)])


@pytest.mark.parametrize(("changes", "said"), [
    ({"places": PLACES[:4]}, "one place .* for each of its 9 stations"),
    ({"kind": "stars"}, "kind must be one of sets, attention, grid"),
    ({"width": 0}, "width must be a whole number from 1"),
    ({"kind": "attention", "width": 10, "heads": 4}, "heads must share the width"),
])  # fmt: skip
def test_settings_that_make_no_network_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        ArrayNetwork(Columns.named(NAMES), **{"places": PLACES, **changes})


def test_events_and_answers_that_do_not_fit_are_refused():
    no_axis = Columns.named([name for name in NAMES if name != "start"])
    with pytest.raises(ValueError, match="correction to the standard reconstruction"):
        ArrayNetwork(no_axis, PLACES, answer="direction")
    x, _ = showers(20, 1)
    net = ArrayNetwork(Columns.named(NAMES), PLACES, answer="position")
    with pytest.raises(ValueError, match="a position has 2 numbers; the answers have 1"):
        net.prepared(x, np.ones(20), 1)
    x[3, : 2 * S] = 0
    with pytest.raises(ValueError, match="1 of 20 have none, the first in row 3"):
        network()(x)
    with pytest.raises(ValueError, match="needs 42 features"):
        network()(x[:, :-1])
