"""CORSIKA: showers and particles as corsikaio reads them; turned axes; damaged files refused."""

import gzip
import sys

import numpy as np
import pytest

from baksan.data import ReadError, blocks, format_of, read
from baksan.data.corsika_walk import MARKERS
from baksan.data.formats import footprint
from baksan.data.inside import inside
from baksan.data.parts import rows_of

corsikaio = pytest.importorskip("corsikaio")

PLAIN, THIN = MARKERS.values()
FILES = {
    "km3net/DAT000001": (10, False),
    "pycorsikaio/corsika757_particle": (10, False),
    "pycorsikaio/corsika76900_thin": (5, True),
    "hisparc/DAT000000": (1, True),
}
CHERENKOV = "pycorsikaio/corsika75700"
EXTRAS = [75, 76, 85, 86, 95, 96]


# A file made here ---------------------------------------------------------------------------------


def block(words, tag, values):
    made = np.zeros(words, dtype="<f4")
    made[0] = np.frombuffer(tag, "<f4")[0]
    for place, value in values.items():
        made[place - 1] = value
    return made


def shower(number, records, words, **more):
    """EVTH, particles, EVTE of one shower; places in the blocks are counted from 1."""
    width = 7 if words == PLAIN else 8
    held = np.zeros((-(-max(len(records), 1) // 39) * 39, width), dtype="<f4")
    held[: len(records)] = np.reshape(records, (-1, width))
    head = {2: number, 3: 14, 4: 1e6, 7: 2e6, 11: 0.5, 12: 0.0, 44: 7, 46: 7.5, 47: 1, 48: 11000.0}
    head |= {75: 1, 76: 3, **more.get("head", {})}
    end = {2: number, 3: 1, 4: 2, 5: 3, 6: 4, 7: len(records), **more.get("end", {})}
    middle = list(held.reshape(-1, words)) if len(records) else []
    return [block(words, b"EVTH", head), *middle, block(words, b"EVTE", end)]


def run(showers, words=PLAIN, version=7.5, count=None):
    """All blocks of a run, filled up to whole records."""
    first = block(words, b"RUNH", {2: 7, 4: version})
    last = block(words, b"RUNE", {2: 7, 3: len(showers) if count is None else count})
    made = [first, *(b for s in showers for b in s), last]
    return np.array(made + [np.zeros(words, "<f4")] * (-len(made) % 21))


def packed(made, marker=None):
    """The bytes of a file, each record of 21 blocks between its markers."""
    record = made.reshape(-1, 21 * made.shape[1])
    size = np.full((len(record), 1), marker or 4 * record.shape[1], dtype="<i4").view("<f4")
    return np.hstack([size, record, size]).tobytes()


def particle(code, x=0.0, y=0.0, t=0.0, p=(0.0, 0.0, 1.0), level=1, generation=3):
    return [1000 * code + 10 * generation + level, *p, x, y, t]


@pytest.fixture
def put(tmp_path):
    def write(data, name="DAT000001"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


MANY = [particle(1 + j % 3, x=100.0 * j, t=float(j)) for j in range(100)]
THREE = [shower(k, MANY[: 20 * k], PLAIN) for k in (1, 2, 3)]


def test_axes_are_turned_and_units_are_ours(put):
    records = [particle(5, x=300.0, y=-500.0, t=12.0, p=(1.0, -2.0, 3.0), generation=52)]
    path = put(packed(run([shower(4, records, PLAIN, head={12: np.deg2rad(30.0)})])))
    assert format_of(path) == "corsika"
    table = read(f"{path}#particles")
    row = {name: table[name][0] for name in table.names}
    assert row == {
        "event": 4, "run": 7, "particle": "mu+", "code": 5, "x": 5.0, "y": 3.0, "px": 2.0,
        "py": 1.0, "pz": -3.0, "time": 12.0, "weight": 1.0, "generation": 52, "level": 1,
    }  # fmt: skip
    assert [table.column(n).unit for n in ("x", "px", "time")] == ["m", "GeV", "ns"]
    showers = read(path)
    told = {name: showers[name][0] for name in showers.names}
    # CORSIKA's φ = 30°: the momentum points to north-north-west, so that it comes from the south.
    assert told["azimuth"] == pytest.approx(300.0, abs=1e-4)
    assert told["zenith"] == pytest.approx(np.rad2deg(0.5), abs=1e-4)
    assert (told["primary"], told["log_energy"], told["level"]) == ("p", 15.0, 110.0)
    assert (told["low_model"], told["high_model"], told["thinned"]) == ("GHEISHA", "QGSJET", False)
    assert [told[n] for n in ("photons", "electrons", "hadrons", "muons")] == [1, 2, 3, 4]
    assert showers.column("log_energy").role == showers.column("zenith").role == "truth"


@pytest.mark.parametrize(
    ("code", "name"),
    [(1, "gamma"), (14, "p"), (402, "He"), (1407, "N"), (5626, "Fe"), (2713, "2713")],
)
def test_primaries_have_names(put, code, name):
    path = put(packed(run([shower(1, [], PLAIN, head={3: code, 7: -3e6})])))
    table = read(path)
    assert (table["primary"][0], table["code"][0]) == (name, code)
    assert table["first_interaction"][0] == 30000.0  # the sign speaks of the clock


def test_what_is_no_particle_is_left_out_and_counted(put):
    others = [[-5031, 0, 0, 1, 0, 0, 0], [9900051, 0, 0, 0, 0, 0, 0], [8888001, 0, 0, 0, 0, 0, 0]]
    records = [particle(c) for c in (5, 6, 66, *EXTRAS)] + others
    path = put(packed(run([shower(1, records, PLAIN, end={7: 3})])))
    table = read(f"{path}#particles")
    assert table["particle"].tolist() == ["mu+", "mu-", "nu_e"]
    (note,) = table.notes
    for words in (
        "6 origins of muons", "1 mothers", "1 bunches of Cherenkov", "1 other weights",
    ):  # fmt: skip
        assert words in note
    assert "left out" not in "".join(read(path).notes)


def test_ends_that_contradict_are_told(put):
    made = [shower(1, MANY[:5], PLAIN, end={7: 20}), shower(2, MANY[:5], PLAIN)]
    notes = "".join(read(put(packed(run(made, count=3)))).notes)
    assert "1 showers hold other numbers of particles" in notes
    assert "2 showers; the end of the run says 3." in notes


def test_the_maximum_is_that_of_the_fit(put):
    made = [
        shower(1, [], PLAIN, end={256: 1e5, 258: 612.0, 262: 0.7}),
        shower(2, [], PLAIN, end={258: 612.0, 262: 0.0}),
        shower(3, [], PLAIN, end={258: -3.0, 262: 5.0}),
    ]
    np.testing.assert_array_equal(read(put(packed(run(made))))["x_max"], [612.0, np.nan, np.nan])


@pytest.mark.parametrize("thin", [False, True])
@pytest.mark.parametrize("how", ["records", "bare", "gzip", "bare gzip"])
def test_every_wrapping_gives_the_same(put, thin, how):
    weights = [[*p, 2.5 + j] for j, p in enumerate(MANY)] if thin else MANY
    words = THIN if thin else PLAIN
    made = run([shower(k, weights[: 40 * k], words) for k in (1, 2)], words)
    data = made.tobytes() if "bare" in how else packed(made)
    path = put(gzip.compress(data) if "gzip" in how else data)
    table = read(f"{path}#particles")
    assert len(table) == 120 and len(read(path)) == 2
    np.testing.assert_allclose(table["y"][:40], np.arange(40.0))
    expected = np.tile(2.5 + np.arange(40.0), 1) if thin else np.ones(40)
    np.testing.assert_array_equal(table["weight"][:40], expected)
    assert any("thinned" in note for note in table.notes) == thin


@pytest.mark.parametrize("part", ["showers", "particles"])
@pytest.mark.parametrize("rows", [1, 7, 20, 1000])
def test_blocks_make_the_whole(put, monkeypatch, part, rows):
    path = put(packed(run(THREE)))
    whole = read(path, part=part)
    monkeypatch.setattr("baksan.data.corsika_walk._CHUNK", 1)  # a record at a time
    parts = list(blocks(path, rows, part=part))
    assert {len(p) for p in parts[:-1]} <= {rows}
    for name in whole.names:
        np.testing.assert_array_equal(np.concatenate([p[name] for p in parts]), whole[name])
    assert np.concatenate([p.rows for p in parts]).tolist() == list(range(len(whole)))
    assert parts[-1].notes + ("missing values: x_max 3.",) * (part == "showers") == whole.notes
    assert rows_of(path, {"part": part}) == len(whole)


def test_long_runs_over_many_records(put):
    many = [particle(3, x=float(j)) for j in range(3000)]
    path = put(packed(run([shower(1, many, PLAIN), shower(2, many, PLAIN)])))
    table = read(f"{path}#particles")
    np.testing.assert_allclose(table["y"], 0.01 * np.tile(np.arange(3000.0), 2))
    assert table["event"].tolist() == [1] * 3000 + [2] * 3000
    assert footprint(path, ["x", "y"], part="particles") == 6000 * 16


def test_columns_and_parts_are_chosen(put):
    path = put(packed(run(THREE)))
    table = read(path, part="particles")
    some = next(blocks(path, 10, columns=["time", "x"], part="particles"))
    assert some.names == ("time", "x")
    np.testing.assert_array_equal(some["x"], table["x"][:10])
    with pytest.raises(ReadError, match="a column 'mass' is needed"):
        next(blocks(path, 10, columns=["mass"]))
    with pytest.raises(ReadError, match="not 'photons'.* there are 2: showers, particles"):
        read(f"{path}#photons")
    lines = list(inside(path, ("showers", "particles")))
    assert "3 rows, 17 columns" in lines[0] and "120 rows, 13 columns" in lines[1]


def test_no_particle_at_all(put):
    path = put(packed(run([shower(1, [], PLAIN)])))
    assert len(read(path)) == 1
    with pytest.raises(ReadError, match="rows are needed; there is none"):
        read(f"{path}#particles")


# Damage -------------------------------------------------------------------------------------------

RECORD = 4 * 21 * PLAIN + 8


@pytest.mark.parametrize(
    ("keep", "told"),
    [
        (RECORD - 4, "in the first shower .* ends within a record"),
        (RECORD, "in the first shower .* ends without the block RUNE"),
        (3 * RECORD, "after shower 1 .* ends without the block RUNE"),
        (3 * RECORD + 4000, "after shower 1 .* ends within a record"),
        (-8, "after shower 1 .* ends within a record"),
    ],
)
@pytest.mark.parametrize("part", ["showers", "particles"])
def test_cut_files_say_after_which_shower(put, monkeypatch, keep, told, part):
    monkeypatch.setattr("baksan.data.corsika_walk._CHUNK", 1)
    many = [particle(3)] * 1500
    data = packed(run([shower(k, many, PLAIN) for k in (1, 2)]))
    assert len(data) == 4 * RECORD
    with pytest.raises(ReadError, match=f"whole CORSIKA file is needed; {told}"):
        read(put(data[:keep]), part=part)


def test_a_cut_gzip(put):
    rng = np.random.default_rng(1)
    many = [particle(3, x=float(x)) for x in rng.normal(size=3000)]
    data = gzip.compress(packed(run([shower(1, many, PLAIN)])))
    with pytest.raises(ReadError, match="in the first shower .* its gzip is damaged"):
        read(put(data[:-2000]))


def replaced(made, tag, new):
    """The first block with this mark has another one."""
    found = made.copy()
    words = found.view("<u4")[:, 0]
    place = np.flatnonzero(words == int.from_bytes(tag, "little"))[0]
    found[place, 0] = np.frombuffer(new, "<f4")[0]
    return found


@pytest.mark.parametrize(
    ("tag", "new", "told"),
    [
        (b"EVTH", b"LONG", "a block EVTH is needed, LONG came"),
        (b"EVTH", b"EVTE", "a block EVTH is needed, EVTE came"),
        (b"EVTH", b"\0\0\0\0", "a block EVTH is needed, one of particles came"),
        (b"EVTE", b"LONG", "in the first shower .* EVTE of the shower is needed, EVTH came"),
        (b"EVTE", b"RUNE", "the block EVTE of the shower is needed, RUNE came"),
        (b"RUNE", b"LONG", "after shower 3 .* a block EVTH is needed, LONG came"),
        (b"RUNE", b"RUNH", "after shower 3 .* one run in a file is needed, another came"),
    ],
)
def test_wrong_marks_are_told(put, tag, new, told):
    with pytest.raises(ReadError, match=told):
        read(put(packed(replaced(run(THREE), tag, new))))


def test_an_end_of_another_event(put):
    made = [shower(1, MANY, PLAIN, end={2: 9, 7: 100})]
    with pytest.raises(
        ReadError, match="the block EVTE of event 1 is needed, that of event 9 came"
    ):
        read(put(packed(run(made))))


def test_a_wrong_marker_within(put):
    many = [particle(3)] * 1500
    data = bytearray(packed(run([shower(1, many, PLAIN)])))
    data[RECORD] ^= 1
    with pytest.raises(ReadError, match="a record does not end where its marker says"):
        read(put(bytes(data)))


@pytest.mark.parametrize("value", [3.5, 12.0, np.nan, np.inf, 1e9])
def test_a_word_that_is_no_particle(put, value):
    records = [*MANY[:3], [value, 0, 0, 1, 0, 0, 0]]
    with pytest.raises(ReadError, match="its code × 1000"):
        read(put(packed(run([shower(1, records, PLAIN)]))))
    with pytest.raises(ReadError, match="holds bunches of Cherenkov photons \\(shower 1\\)"):
        read(put(packed(run([shower(1, records, PLAIN, head={77: 7229})]))))


def test_light_in_the_header_alone_is_no_reason(put):
    path = put(packed(run([shower(1, MANY, PLAIN, head={77: 7229})])))
    assert len(read(f"{path}#particles")) == 100


@pytest.mark.parametrize("version", [6.0, 0.0, 8.1, np.nan])
def test_other_versions_are_refused(put, version):
    with pytest.raises(ReadError, match="CORSIKA 6.5 to 7 is needed"):
        read(put(packed(run(THREE, version=version))))


@pytest.mark.parametrize("place", [2, 3, 4, 44, 75, 76])
@pytest.mark.parametrize("value", [np.nan, -np.inf, 1e30])
def test_headers_of_no_shower(put, place, value):
    with pytest.raises(ReadError, match="a header of a shower is needed"):
        read(put(packed(run([shower(1, MANY, PLAIN, head={place: value})]))))


def test_flipped_bytes_end_with_a_sentence(put):
    """Whatever is changed: a table, or an error that a user can read."""
    data, rng, refused = packed(run(THREE)), np.random.default_rng(5), 0
    for _ in range(200):
        changed = bytearray(data)
        for _ in range(8):
            where = rng.choice([0, 1, 2, 3, 4, 7, 10, 14]) * 4 * PLAIN + 4 + rng.integers(200)
            changed[where] = rng.integers(256)
        path = put(bytes(changed))
        try:
            read(path), read(path, part="particles")
        except ReadError as error:
            refused += 1
            assert str(path) in str(error) and str(error).count("\n") == 0
    assert 50 < refused < 200


def test_two_runs_in_a_file(put):
    with pytest.raises(ReadError, match="the end of the file after RUNE is needed, more came"):
        read(put(2 * packed(run(THREE))))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (packed(run(THREE), marker=22936), "first record has 22,936 bytes, not 22,932 or 26,208"),
        (b"\x94\x59\0\0\0\0\0\0" + run(THREE).tobytes(), "first record has 22,932 bytes"),
        (b"RUNH" + bytes(4000), "the beginning of a CORSIKA file"),
        (b"\x37\x8a\x1f\xd4" + bytes(100), "an eventio file"),
    ],
)
def test_what_only_begins_so(put, data, told):
    with pytest.raises(ReadError, match=told):
        read(put(data))


def test_text_may_begin_with_the_mark(put):
    assert read(put(b"RUNH,x\n1,2\n3,4\n"))["RUNH"].tolist() == [1, 3]


def test_without_corsikaio(put, monkeypatch):
    path = put(packed(run(THREE)))
    monkeypatch.setitem(sys.modules, "corsikaio", None)
    with pytest.raises(ReadError, match=r"corsikaio is needed .* pip install 'baksan\[corsika\]'"):
        read(path)


# Real files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_real_showers_are_those_of_corsikaio(data_dir, name):
    count, thin = FILES[name]
    table = read(data_dir / "corsika" / name)
    assert len(table) == count
    with corsikaio.CorsikaParticleFile(data_dir / "corsika" / name, thinning=thin) as file:
        for k, event in enumerate(file):
            head, end = event.header, event.end
            px, py, pz = (float(head[f"momentum_{n}"]) for n in ("x", "y", "minus_z"))
            assert table["event"][k] == head["event_number"]
            np.testing.assert_allclose(10 ** (table["log_energy"][k] - 9), head["total_energy"])
            # Back along the momentum: −p in our axes.
            theta, phi = np.deg2rad([table["zenith"][k], table["azimuth"][k]])
            ours = np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)
            p = np.sqrt(px**2 + py**2 + pz**2)
            np.testing.assert_allclose(ours, [py / p, -px / p, pz / p], atol=2e-6)
            for kind in ("photons", "electrons", "muons", "hadrons"):
                assert table[kind][k] == end[f"n_{kind}_weighted"]


@pytest.mark.parametrize("name", FILES)
def test_real_particles_are_those_of_corsikaio(data_dir, name):
    path, thin = data_dir / "corsika" / name, FILES[name][1]
    table, showers = read(f"{path}#particles"), read(path)
    assert not any("other numbers of particles" in note for note in showers.notes)
    with corsikaio.CorsikaParticleFile(path, thinning=thin) as file:
        events = list(file)
    for k, event in enumerate(events):
        p = event.particles
        code = (p["particle_description"] // 1000).astype(int)
        p = p[(code > 0) & ~np.isin(code, EXTRAS)]
        mine = table.take(table["event"] == event.header["event_number"])
        assert len(mine) == len(p) == event.end["n_particles_written"]
        np.testing.assert_allclose(mine["x"], -0.01 * p["y"].astype(float))
        np.testing.assert_allclose(mine["y"], 0.01 * p["x"].astype(float))
        np.testing.assert_array_equal(mine["pz"], -p["pz"])
        np.testing.assert_array_equal(mine["time"], p["t"])
        np.testing.assert_array_equal(mine["weight"], p["thinning_weight"] if thin else 1.0)
        # The sums of the weights are what the ends of the showers count.
        for kind, codes in {"photons": [1], "electrons": [2, 3], "muons": [5, 6]}.items():
            total = mine["weight"][np.isin(mine["code"], codes)].sum()
            assert total == pytest.approx(showers[kind][k], rel=1e-5)


@pytest.mark.parametrize("name", FILES)
def test_real_particles_fly_away_from_the_axis(data_dir, name):
    """Position and transverse momentum are turned alike."""
    table = read(data_dir / "corsika" / name, part="particles")
    showers = read(data_dir / "corsika" / name)
    n = np.searchsorted(showers["event"], table["event"])
    tan, phi = np.tan(np.deg2rad(showers["zenith"]))[n], np.deg2rad(showers["azimuth"])[n]
    slope = {"x": table["px"] / -table["pz"] + tan * np.cos(phi),
             "y": table["py"] / -table["pz"] + tan * np.sin(phi)}  # fmt: skip
    muon = np.isin(table["code"], [5, 6])
    for axis in ("x", "y"):
        alike = np.sign(slope[axis] * table[axis])[muon].mean()
        assert alike > (0.2 if name.startswith("km3net") else 0.5)


def test_headers_that_the_notes_list(data_dir):
    folder = data_dir / "corsika"
    first = {name: read(folder / name).take([0]) for name in FILES}
    energy = {name: 10 ** (table["log_energy"][0] - 9) for name, table in first.items()}
    assert energy["km3net/DAT000001"] == pytest.approx(4.89e6, rel=1e-3)
    assert energy["pycorsikaio/corsika757_particle"] == pytest.approx(200.0)
    assert energy["pycorsikaio/corsika76900_thin"] == pytest.approx(978_285, rel=1e-6)
    assert energy["hisparc/DAT000000"] == pytest.approx(1e5)
    zenith = {name: np.deg2rad(table["zenith"][0]) for name, table in first.items()}
    assert zenith["km3net/DAT000001"] == pytest.approx(1.227, abs=5e-4)
    assert zenith["pycorsikaio/corsika76900_thin"] == pytest.approx(0.225, abs=5e-4)
    assert zenith["hisparc/DAT000000"] == 0.0
    assert {table["primary"][0] for table in first.values()} == {"p"}
    assert len(read(folder / "hisparc/DAT000000", part="particles")) == 2176


def test_the_same_shower_in_hdf5(data_dir):
    """SAPPHiRE's copy of the HiSPARC file has its axes turned as we do."""
    pytest.importorskip("h5py")
    mine = read(data_dir / "corsika/hisparc/DAT000000", part="particles")
    theirs = read(data_dir / "corsika/hisparc/corsika.h5")
    mine, theirs = (t.take(np.lexsort((t["x"], t["y"]))) for t in (mine, theirs))
    np.testing.assert_allclose(mine["x"], theirs["x"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(mine["y"], theirs["y"], rtol=1e-6, atol=1e-6)
    assert mine["code"].tolist() == theirs["particle_id"].tolist()
    np.testing.assert_allclose(mine["pz"], theirs["p_z"] / 1e9, rtol=1e-6)


def test_cherenkov_files_are_refused(data_dir):
    with pytest.raises(ReadError, match="a particle file .* holds bunches of Cherenkov photons"):
        read(data_dir / "corsika" / CHERENKOV)
    with corsikaio.CorsikaCherenkovFile(data_dir / "corsika" / CHERENKOV) as file:
        assert len(next(file).photons) == 1709


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("rows", [3, 500])
def test_real_blocks_make_the_whole(data_dir, tmp_path, name, rows):
    path = tmp_path / "DAT.gz"
    path.write_bytes(gzip.compress((data_dir / "corsika" / name).read_bytes()))
    for part in ("showers", "particles"):
        whole = read(data_dir / "corsika" / name, part=part)
        parts = list(blocks(path, rows if part == "showers" else 100 * rows, part=part))
        for column in whole.names:
            found = np.concatenate([p[column] for p in parts])
            np.testing.assert_array_equal(found, whole[column])
