"""Particles in stations: counts by area, times of a plane front, what each particle leaves."""

import numpy as np
import pytest

from baksan.data import read
from baksan.physics import directions, front
from baksan.reconstruct.array import standard
from baksan.simulate import layouts
from baksan.simulate.array import DEAD, HIT, SATURATED, SILENT, ArrayEvents
from baksan.simulate.ground import _LAYERS, stations_from_particles
from baksan.table import Table

QUIET = {"dead": 0.0, "noise": 0.0, "jitter": 0.0, "muon_sigma": 1e-3, "read": 0.0}
GRID = 20.0 * np.stack(np.meshgrid(np.arange(-3, 4), np.arange(-3, 4)), -1).reshape(-1, 2)
AREA = layouts.SCINTILLATOR.area


def array(kind="scintillator", positions=GRID, **changes):
    detector = layouts.SCINTILLATOR if kind == "scintillator" else layouts.WATER
    return layouts.table(positions, detector).with_detector(**{**QUIET, "full": 1e9, **changes})


def shower(zenith=0.0, azimuth=0.0, events=(1,)):
    n = len(events)
    return Table({"event": list(events), "primary": ["p"] * n, "log_energy": [15.0] * n,
                  "zenith": [zenith] * n, "azimuth": [azimuth] * n})  # fmt: skip


def particles(x, y, code=5, p=(0.0, 0.0, -10.0), time=0.0, weight=1.0, event=1):
    n = len(x)
    held = {"event": event, "code": code, "x": x, "y": y, "px": p[0], "py": p[1], "pz": p[2],
            "time": time, "weight": weight}  # fmt: skip
    return Table({name: np.broadcast_to(values, n).copy() for name, values in held.items()})


def uniform(n, half=80.0, seed=1):
    return np.random.default_rng(seed).uniform(-half, half, (2, n))


def on_stations(n, layout, **more):
    """n particles on each station."""
    x, y = np.repeat(layout.position[:, :2], n, axis=0).T
    return particles(x, y, **more)


# Counts -------------------------------------------------------------------------------------------


def test_each_particle_in_a_station_counts_once():
    x, y = uniform(60_000)
    layout = array()
    found = stations_from_particles(particles(x, y), layout, showers=shower())
    radius = np.sqrt(AREA / np.pi)
    inside = [(np.hypot(x - a, y - b) < radius).sum() for a, b, _ in layout.position]
    np.testing.assert_allclose(found.signal[0], inside, rtol=2e-3)
    expected = 60_000 / 160**2 * AREA * len(layout)
    assert abs(found.signal.sum() - expected) < 4 * np.sqrt(expected)


@pytest.mark.parametrize("radius", [3.0, 15.0])
@pytest.mark.parametrize("weight", [1.0, 4.5])
def test_the_density_is_kept_from_a_wider_circle(radius, weight):
    n = int(60_000 / weight)
    x, y = uniform(n)
    found = stations_from_particles(
        particles(x, y, weight=weight), array(), showers=shower(), radius=radius, seed=3
    )
    expected = 60_000 / 160**2 * AREA * len(GRID)
    assert abs(found.signal.sum() - expected) < 5 * np.sqrt(2 * expected)
    whole = found.signal.ravel()
    np.testing.assert_allclose(whole, whole.round(), rtol=3e-3, atol=1e-6)  # never a part of one


def test_thinned_particles_come_from_a_tenth_of_the_distance():
    # All of the weight stands 5 m beside a station that is 60 m from the axis.
    layout = array(positions=[[60.0, 0.0], [0.0, 60.0], [0.0, 0.0]])
    some = particles([65.0], [0.0], weight=5000.0)
    found = stations_from_particles(some, layout, showers=shower(), seed=1)
    expected = 5000 * AREA / (np.pi * 6.0**2)
    assert abs(found.signal[0, 0] - expected) < 4 * np.sqrt(expected)
    assert found.status[0].tolist() == [HIT, SILENT, SILENT]
    far = particles([66.5], [0.0], weight=5000.0)
    assert not stations_from_particles(far, layout, showers=shower()).hit.any()


def test_very_many_by_one_particle():
    layout = array(positions=[[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]])
    found = stations_from_particles(particles([0.0], [0.0], weight=3e6), layout, showers=shower())
    assert found.signal[0, 0] == pytest.approx(3e6, rel=3e-3)


def test_the_core_moves_the_shower():
    x, y = uniform(20_000)
    here = stations_from_particles(particles(x, y), array(), showers=shower(), seed=2)
    layout = array(positions=GRID + np.array([500.0, -200.0]))
    there = stations_from_particles(
        particles(x, y), layout, (500.0, -200.0), showers=shower(), seed=2
    )
    np.testing.assert_array_equal(here.signal, there.signal)
    np.testing.assert_allclose(here.time, there.time, atol=1e-3)
    assert there.core.tolist() == [[500.0, -200.0]]


# Times --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("radius", [None, 8.0])
@pytest.mark.parametrize("angles", [(0.0, 0.0), (40.0, 130.0), (60.0, 300.0)])
def test_times_of_a_plane_front(angles, radius):
    height = np.random.default_rng(4).uniform(-10, 10, len(GRID))
    layout = array(positions=np.column_stack([GRID, height]), read_out=1e6)
    n = directions.unit_vector(*np.deg2rad(angles))
    x, y = uniform(200_000, half=110.0)
    plane = 5000.0 - (x * n[0] + y * n[1]) / front.LIGHT
    late = np.abs(np.random.default_rng(5).normal(size=len(x)))
    late[0] = 0.0
    core = np.array([3.0, -7.0])
    some = particles(x, y, p=tuple(-10 * n), time=plane + 1e-4 * late)
    found = stations_from_particles(
        some, layout, core, showers=shower(*angles), radius=radius, seed=1
    )
    along = (layout.position - [*core, 0.0]) @ n
    assert found.hit.all()
    np.testing.assert_allclose(found.time[0], front.plane_front(along), atol=2e-3)


def test_the_first_particle_that_is_seen_tells_the_time():
    layout = array(positions=[[0.0, 0.0], [30.0, 0.0], [0.0, 30.0]])
    muons = particles([0.0, 0.1, 30.0], [0.0] * 3, time=np.array([150.0, 120.0, 100.0]))
    found = stations_from_particles(muons, layout, showers=shower())
    assert found.time[0].tolist() == [20.0, 0.0, 0.0] and found.hit[0].tolist() == [
        True,
        True,
        False,
    ]
    neutrino = muons.with_columns({"code": np.array([5, 66, 5])})
    found = stations_from_particles(neutrino, layout, showers=shower())
    assert found.time[0].tolist() == [50.0, 0.0, 0.0]


# What particles leave -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["scintillator", "water"])
@pytest.mark.parametrize("zenith", [0.0, 30.0, 60.0])
def test_a_muon_is_one_vem_by_its_path(kind, zenith):
    layout = array(kind)
    p = -10 * directions.unit_vector(np.deg2rad(zenith), 0.3)
    found = stations_from_particles(on_stations(1, layout, p=tuple(p)), layout, showers=shower())
    np.testing.assert_allclose(found.upper, 1 / np.cos(np.deg2rad(zenith)), rtol=6e-3)
    np.testing.assert_allclose(found.lower, found.upper, rtol=1e-2)


def test_what_is_slow_stops():
    layout, E1 = array(), _LAYERS["scintillator"].muon
    for T, up, low in ((0.5 * E1, 0.5, 0.0), (1.4 * E1, 1.0, 0.4), (9 * E1, 1.0, 1.0)):
        p = np.sqrt((T + 0.511e-3) ** 2 - 0.511e-3**2)
        some = on_stations(1, layout, code=3, p=(0.0, 0.0, -p))
        found = stations_from_particles(some, layout, showers=shower())
        np.testing.assert_allclose(found.upper, up, rtol=6e-3)
        np.testing.assert_allclose(found.lower, low, rtol=6e-3)


@pytest.mark.parametrize(
    ("code", "signal"),
    [(6, 1), (8, 1), (14, 1), (15, 1), (402, 4), (1206, 36), (13, 0), (25, 0), (10, 0), (66, 0)],
)
def test_charges(code, signal):
    layout = array()
    found = stations_from_particles(
        on_stations(1, layout, code=code, p=(0.0, 0.0, -1000.0)), layout, showers=shower()
    )
    np.testing.assert_allclose(found.signal, signal, rtol=6e-3)


@pytest.mark.parametrize("kind", ["scintillator", "water"])
@pytest.mark.parametrize("zenith", [0.0, 50.0])
def test_photons_convert_by_chance(kind, zenith):
    """Each alone in its station: the share of upper layers with a signal, and its mean."""
    step = 6.0 * np.stack(np.meshgrid(np.arange(80), np.arange(80)), -1).reshape(-1, 2)
    layout, layer = array(kind, step), _LAYERS[kind]
    p = -1.0 * directions.unit_vector(np.deg2rad(zenith), 0.0)
    found = stations_from_particles(
        on_stations(1, layout, code=1, p=tuple(p)), layout, showers=shower(), seed=4
    )
    sec = 1 / np.cos(np.deg2rad(zenith))
    chance = 1 - np.exp(-7 / 9 * layer.depth / layer.length * sec)
    seen = found.upper[0] > 0
    assert abs(seen.mean() - chance) < 4 * np.sqrt(chance * (1 - chance) / len(layout))
    mean = found.upper[0][seen].mean()
    # The pair crosses half a layer on average, 2 VEM/2; in water all of it is seen.
    expected = sec if kind == "scintillator" else (1.0 - 1.022e-3) / layer.muon
    assert mean == pytest.approx(expected, rel=0.16 if kind == "scintillator" else 1e-3)
    if kind == "scintillator":  # and both of it the lower one
        np.testing.assert_allclose(found.lower[0][seen], 2 * sec, rtol=6e-3)


def test_slow_photons_make_no_pair():
    layout = array("water")
    some = on_stations(50, layout, code=1, p=(0.0, 0.0, -1.0e-3))
    assert not stations_from_particles(some, layout, showers=shower()).hit.any()


def test_muons_spread_as_the_detector_says():
    layout = array(muon_sigma=0.4)
    found = stations_from_particles(on_stations(400, layout), layout, showers=shower(), seed=6)
    assert found.upper.mean() == pytest.approx(400, rel=0.01)
    assert found.upper.std() == pytest.approx(0.4 * np.sqrt(400), rel=0.35)
    assert np.corrcoef(found.upper[0], found.lower[0])[0, 1] < 0.5


# What stations say --------------------------------------------------------------------------------


def test_dead_full_quiet_and_late_stations():
    layout = array(dead=0.3, full=100.0)
    found = stations_from_particles(on_stations(300, layout), layout, showers=shower(), seed=1)
    dead = found.status[0] == DEAD
    assert 0 < dead.sum() < len(layout) and not found.signal[0, dead].any()
    assert (found.status[0, ~dead] == HIT | SATURATED).all()
    assert (found.signal[0, ~dead] == 100.0).all() and found.triggered[0]
    quiet = stations_from_particles(on_stations(1, layout), array(read=1.5), showers=shower())
    assert not quiet.hit.any() and not quiet.triggered.any()
    late = on_stations(1, array(), time=0.0)
    late["time"][1:] += 2e4
    found = stations_from_particles(late, array(read_out=1e4), showers=shower())
    assert found.hit.sum() == 1


def test_background_is_told():
    layout = array(noise=0.5, muon_sigma=0.3)
    nothing = particles([1000.0], [0.0])
    found = stations_from_particles(nothing, layout, showers=shower(), seed=8)
    assert (found.noise == found.hit).all() and 10 < found.noise.sum() < 40
    assert found.signal[found.noise].mean() == pytest.approx(1.0, rel=0.25)
    assert np.abs(found.time).max() <= layout.detector.read_out


def test_three_adjacent_stations_trigger():
    layout = array()
    few = particles(*np.repeat([[0.0, 0.0], [20.0, 0.0]], 8, axis=0).T)
    assert not stations_from_particles(few, layout, showers=shower()).triggered[0]
    more = particles(*np.repeat([[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]], 8, axis=0).T)
    assert stations_from_particles(more, layout, showers=shower()).triggered[0]


# One event, many events ---------------------------------------------------------------------------

FULL = {"dead": 0.05, "noise": 0.05, "jitter": 20.0, "muon_sigma": 0.4, "read": 0.3}


def many(n=30_000, seed=9):
    rng = np.random.default_rng(seed)
    x, y = uniform(n, seed=seed)
    some = particles(x, y, weight=rng.integers(1, 4, n).astype(float), p=(0.1, 0.2, -0.5))
    return some.with_columns({
        "code": rng.choice([1, 2, 3, 5, 6, 14, 13], n), "time": rng.exponential(30.0, n),
        "event": rng.choice([1, 2, 5], n),
    })  # fmt: skip


def same(a, b):
    for name in ("upper", "lower", "time", "status", "noise", "triggered"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


@pytest.mark.parametrize("radius", [None, 5.0])
def test_the_order_of_the_particles_does_not_matter(radius):
    some, layout, truth = many(), array(**FULL), shower(events=(1, 2, 5))
    first = stations_from_particles(some, layout, showers=truth, seed=1, radius=radius)
    mixed = some.take(np.random.default_rng(0).permutation(len(some)))
    same(first, stations_from_particles(mixed, layout, showers=truth, seed=1, radius=radius))
    other = stations_from_particles(some, layout, showers=truth, seed=2, radius=radius)
    assert (first.upper != other.upper).any()


def test_an_event_depends_on_itself_alone():
    some, layout = many(), array(**FULL)
    truth = shower(events=(5, 1, 2))
    together = stations_from_particles(some, layout, showers=truth, seed=1)
    assert together.showers.event.tolist() == [5, 1, 2] and len(together) == 3
    for k, event in enumerate((5, 1, 2)):
        alone = stations_from_particles(
            some.take(some["event"] == event), layout, showers=truth.take([k]), seed=1
        )
        same(alone, together.take(np.array([k])))


def test_runs_tell_events_of_one_number_apart():
    layout = array()
    some = particles([0.0, 20.0], [0.0, 0.0]).with_columns({"run": np.array([3, 4])})
    truth = shower(events=(1, 1)).with_columns({"run": np.array([4, 3])})
    found = stations_from_particles(some, layout, showers=truth)
    x = layout.position[:, 0]
    assert [x[row].tolist() for row in found.hit] == [[20.0], [0.0]]


def test_one_level_is_taken():
    some = particles([0.0, 20.0], [0.0, 0.0]).with_columns({"level": np.array([1, 2])})
    for level, x in ((1, 0.0), (2, 20.0)):
        found = stations_from_particles(some, array(), showers=shower(), level=level)
        assert found.layout.position[found.hit[0], 0].tolist() == [x]


def test_the_truth_is_passed_on():
    truth = shower(30.0, 200.0).with_columns({"x_max": np.array([640.0])})
    found = stations_from_particles(particles([0.0], [0.0]), array(), showers=truth)
    assert isinstance(found, ArrayEvents)
    table = found.truth()
    told = {n: table[n][0] for n in ("primary", "log_energy", "x_max")}
    assert told == {"primary": "p", "log_energy": 15.0, "x_max": 640.0}
    assert table["true_zenith"][0] == pytest.approx(30.0)
    assert np.isnan(table["muons"][0])


def test_a_shower_without_particles():
    found = stations_from_particles(particles([], []), array(), showers=shower(events=(1, 2)))
    assert not found.hit.any() and len(found) == 2


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"core": (1.0, 2.0, 3.0)}, "a core is needed"),
        ({"core": (np.nan, 0.0)}, "a core is needed"),
        ({"radius": 0.5}, "the radius"),
        ({"seed": -1}, "seed must be"),
        ({"showers": shower(events=(2,))}, "some belong to event 1, which is none of them"),
        ({"showers": shower(events=(1, 1))}, "some occur twice"),
        ({"showers": shower(events=())}, "showers are needed; there is none"),
        ({"showers": shower(zenith=86.0)}, "the zenith angle"),
        ({"particles": particles([np.nan], [0.0])}, "'x' has another one in row 1"),
    ],
)
def test_what_is_wrong_is_told(change, told):
    held = {"particles": particles([0.0], [0.0]), "layout": array(), "showers": shower(), **change}
    with pytest.raises(ValueError, match=told):
        stations_from_particles(**held)


def test_what_is_missing_is_told():
    with pytest.raises(TypeError, match="layout must be an array"):
        stations_from_particles(particles([0.0], [0.0]), GRID, showers=shower())
    with pytest.raises(KeyError, match="no column 'weight'"):
        some = particles([0.0], [0.0])
        some = some.select([n for n in some.names if n != "weight"])
        stations_from_particles(some, array(), showers=shower())


# Real showers -------------------------------------------------------------------------------------


@pytest.fixture
def real(data_dir):
    pytest.importorskip("corsikaio")

    def both(name):
        path = data_dir / "corsika" / name
        return {"particles": read(path, part="particles"), "showers": read(path)}

    return both


@pytest.mark.parametrize(
    ("name", "spacing", "error"),
    [("hisparc/DAT000000", 15.0, 6.0), ("pycorsikaio/corsika76900_thin", 60.0, 6.0)],
)
def test_real_showers_are_reconstructed(real, name, spacing, error):
    """The first shower of each: its direction comes out, so that axes and angles agree."""
    held = real(name)
    layout = layouts.table(GRID * spacing / 20.0)
    layout = layout.with_detector(dead=0.0, noise=0.0, jitter=1.0, area=40.0)
    found = stations_from_particles(**held, layout=layout, seed=1).take(np.array([0]))
    rules = standard(found)
    angles = np.deg2rad([held["showers"]["zenith"][0], held["showers"]["azimuth"][0]])
    assert found.hit.sum() >= 8
    miss = directions.angle_between(rules.direction[0], directions.unit_vector(*angles))
    assert np.rad2deg(miss) < error
    assert np.hypot(*rules.core[0]) < 2 * spacing


def test_a_real_shower_can_be_drawn(real):
    import matplotlib.pyplot as plt

    from baksan.produce.display import display_of
    from baksan.report.plots import event_display

    layout = layouts.table(GRID * 0.75).with_detector(dead=0.0, noise=0.0)
    found = stations_from_particles(**real("hisparc/DAT000000"), layout=layout, seed=1)
    shown = display_of(found)
    assert shown["title"].startswith("Event 1: θ ") and "lg E 14.00, θ 0°" in shown["title"]
    figure = event_display(**shown)
    assert len(figure.axes) >= 3
    plt.close(figure)
