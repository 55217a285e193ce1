"""HDF5 as FACT, PyTables, ctapipe, pandas and astropy write it."""

import sys

import numpy as np
import pytest

from baksan.data import ReadError, blocks, read

h5py = pytest.importorskip("h5py")


def test_one_dataset_for_each_column(tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["events/width"] = np.array([1.0, 2.0], dtype=">f4")
        file["events/width"].attrs["unit"] = "mm"
        file["events/name"] = ["a", "bc"]
        file["events/good"] = np.array([True, False])
        file["runs"] = 3
    table = read(tmp_path / "t.h5")
    assert table.names == ("good", "name", "width")
    assert (table.column("width").unit, table["width"].dtype) == ("mm", np.float32)
    assert table["name"].tolist() == ["a", "bc"]
    assert table["good"].tolist() == [True, False]


def test_several_tables_are_never_guessed(tmp_path):
    rows = np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["one"], file["deep/two"] = rows, rows
    with pytest.raises(ReadError, match=r"there are 2: /deep/two, /one.*t.h5#/deep/two"):
        read(tmp_path / "t.h5")
    for part in ("/deep/two", "deep/two"):
        assert read(f"{tmp_path / 't.h5'}#{part}").names == ("a", "b")
    with pytest.raises(ReadError, match=r"\(not '/three'\)"):
        read(tmp_path / "t.h5", part="/three")


def test_a_lone_matrix_and_columns_of_two_lengths(tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["x"] = np.arange(6.0).reshape(3, 2)
    assert read(tmp_path / "t.h5")["x2"].tolist() == [1, 3, 5]
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["a"], file["b"] = [1, 2], [1, 2, 3]
    with pytest.raises(ReadError, match="must have one length to be columns; they have a 2, b 3"):
        read(tmp_path / "t.h5")


@pytest.mark.parametrize("packing", [None, "zlib", "blosc", "blosc:zstd", "blosc2", "blosc2:lz4"])
def test_pytables_with_every_packing(tmp_path, packing):
    tables = pytest.importorskip("tables")
    rows = np.zeros(9000, dtype=[("a", "f8"), ("s", "S5"), ("v", "i2", 3)])
    rows["a"], rows["s"], rows["v"][:, 1] = np.arange(9000) / 7, b"word", np.arange(9000)
    filters = tables.Filters(5, packing, fletcher32=packing == "blosc") if packing else None
    with tables.open_file(tmp_path / "t.h5", "w") as file:
        file.create_table("/", "t", rows, filters=filters, chunkshape=(1000,))
    parts = list(blocks(tmp_path / "t.h5", 1700))
    assert [len(p) for p in parts] == [1700] * 5 + [500]
    np.testing.assert_array_equal(np.concatenate([p["a"] for p in parts]), rows["a"])
    np.testing.assert_array_equal(np.concatenate([p["v"] for p in parts]), rows["v"])
    assert parts[0]["s"][0] == "word"


def test_pandas_frames(tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    frame = pd.DataFrame({"a": [1, 2], "b": [1.5, 2.5], "c": ["x", "y"]})
    frame[["a", "b"]].to_hdf(tmp_path / "fixed.h5", key="df")
    table = read(tmp_path / "fixed.h5")
    assert (table["a"].tolist(), table["b"].tolist()) == ([1, 2], [1.5, 2.5])
    frame.to_hdf(tmp_path / "named.h5", key="df", format="table", data_columns=True)
    named = read(tmp_path / "named.h5")
    assert named["b"].tolist() == [1.5, 2.5]
    assert (named.names, named["row"].tolist()) == (("row", "a", "b", "c"), ["0", "1"])
    frame.to_hdf(tmp_path / "blocks.h5", key="df", format="table")
    with pytest.raises(ReadError, match=r"pickled their names, which is never opened"):
        read(tmp_path / "blocks.h5")


@pytest.mark.filterwarnings("ignore::pandas.errors.PerformanceWarning")
def test_text_that_pandas_pickled_is_left_out(tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    frame = pd.DataFrame({"a": [1, 2], "c": pd.Series(["x", "y"], dtype=object)})
    frame.to_hdf(tmp_path / "t.h5", key="df")
    table = read(tmp_path / "t.h5")
    assert (table.names, table["row"].tolist()) == (("row", "a"), ["0", "1"])
    assert "columns left out: c (text that pandas pickled, which is never opened)" in table.notes[0]
    with pytest.raises(ReadError, match=r"'c' holds text that pandas pickled"):
        next(blocks(tmp_path / "t.h5", columns=["a", "c"]))


@pytest.mark.parametrize("layout", ["fixed", "table"])
def test_every_type_that_pandas_writes(tmp_path, layout):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    frame = pd.DataFrame(
        {"i": [1, 2, 3], "x": [0.5, np.nan, 1.5], "b": [True, False, True],
         "day": pd.to_datetime(["2020-01-01", None, "1969-12-31"]).as_unit("ns"),
         "wait": pd.to_timedelta([1, 2, 3], "ms")},
        index=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["run", "event"]),
    )  # fmt: skip
    frame.to_hdf(tmp_path / "t.h5", key="df", **(
        {"format": "table", "data_columns": True} if layout == "table" else {}
    ))  # fmt: skip
    table = read(tmp_path / "t.h5")
    assert (table["b"].dtype, table["b"].tolist()) == (bool, [True, False, True])
    np.testing.assert_array_equal(table["x"], frame["x"])
    np.testing.assert_array_equal(table["day"], [1577836800, np.nan, -86400])
    assert (table.column("day").unit, table["wait"].tolist()) == ("s", [0.001, 0.002, 0.003])
    if layout == "fixed":
        assert table["row"].tolist() == ["a.1", "a.2", "b.1"]
    else:
        assert (table["run"].tolist(), table["event"].tolist()) == (["a", "a", "b"], [1, 2, 1])


def test_labels_of_rows_and_columns_of_several_kinds(tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    days = pd.DatetimeIndex(["2020-01-01", "2020-01-02"])
    frame = pd.DataFrame(np.arange(4.0).reshape(2, 2), index=days)
    frame.to_hdf(tmp_path / "numbers.h5", key="df")
    table = read(tmp_path / "numbers.h5")
    assert (table.names, table["1"].tolist()) == (("row", "0", "1"), [1, 3])
    assert [day[:10] for day in table["row"]] == ["2020-01-01", "2020-01-02"]
    frame.columns = pd.MultiIndex.from_tuples([("hillas", "width"), ("hillas", "length")])
    frame.to_hdf(tmp_path / "levels.h5", key="df")
    assert read(tmp_path / "levels.h5")["hillas.length"].tolist() == [1, 3]
    frame[:0].to_hdf(tmp_path / "empty.h5", key="df")
    with pytest.raises(ReadError, match="rows are needed"):
        read(tmp_path / "empty.h5")


def test_categories_and_missing_text_of_pandas_tables(tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    frame = pd.DataFrame(
        {"kind": pd.Categorical(["g", "h", None]), "size": pd.Categorical([1.5, 2.5, 1.5]),
         "name": ["x", "", None]}
    )  # fmt: skip
    frame.to_hdf(tmp_path / "t.h5", key="df", format="table", data_columns=True)
    table = read(tmp_path / "t.h5")
    assert table["kind"].tolist() == ["g", "h", ""]
    assert table["size"].tolist() == [1.5, 2.5, 1.5]
    assert table["name"].tolist() == ["x", "", ""]


@pytest.mark.parametrize("packing", [None, "zlib", "blosc"])
def test_times_of_pytables(tmp_path, packing):
    tables = pytest.importorskip("tables")

    class Event(tables.IsDescription):
        name = tables.StringCol(3, pos=0)
        second = tables.Time32Col(pos=1)
        time = tables.Time64Col(pos=2)
        pair = tables.Time64Col(shape=2, pos=3)
        good = tables.BoolCol(pos=4)

    rows = [(b"a", 5, 1325376000.444166, (-1.5, 0.25), True), (b"b", -1, 0.0, (7, 8), False)]
    filters = tables.Filters(5, packing) if packing else None
    with tables.open_file(tmp_path / "t.h5", "w") as file:
        file.create_table("/", "t", Event, filters=filters).append(rows)
        file.create_array("/lone", "time", atom=tables.Time64Atom(), obj=[1.5, 2.25, 3],
                          createparents=True)  # fmt: skip
    with tables.open_file(tmp_path / "t.h5") as file:
        theirs = file.root.t[:]
    table = read(f"{tmp_path / 't.h5'}#t")
    for name in ("second", "time", "pair", "good"):
        np.testing.assert_array_equal(table[name], theirs[name])
    assert (table["name"].tolist(), table["good"].dtype) == (["a", "b"], bool)
    assert table.column("time").unit == "s"
    assert table.column("time").description == "seconds since 1970-01-01, UTC"
    assert next(blocks(f"{tmp_path / 't.h5'}#t", columns=["time"]))["time"][0] == theirs["time"][0]
    assert read(f"{tmp_path / 't.h5'}#lone")["time"].tolist() == [1.5, 2.25, 3]


def test_times_of_others(tmp_path):
    """Big-endian times are read as such; what is not seconds and microseconds is refused."""
    kind, space = h5py.h5t.UNIX_D64BE, h5py.h5s.create_simple((2,))
    for name, times in {
        "t.h5": [(5 << 32) | 250_000, 7 << 32],
        "ns.h5": [1_600_000_000, 3],
    }.items():
        with h5py.File(tmp_path / name, "w") as file:
            column = h5py.h5d.create(file.id, b"time", kind, space)
            column.write(space, space, np.array(times, dtype=">i8"), kind)
    assert read(tmp_path / "t.h5")["time"].tolist() == [5.25, 7]
    with pytest.raises(ReadError, match="64-bit times are not those of PyTables"):
        read(tmp_path / "ns.h5")


def test_what_is_no_column_is_left_out_by_name(tmp_path):
    lists = h5py.vlen_dtype(np.float64)
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["x"], file["z"], file["word"] = [1.0, 2.0], [1j, 2j], ["ab", "c"]
        file["blob"] = np.array([b"\0a", b"bc"], dtype="V2")
        file.create_dataset("hits", (2,), dtype=lists)[0] = [1.0, 2.0, 3.0]
        file.create_dataset("to", (2,), dtype=h5py.ref_dtype)[0] = file["x"].ref
        kinds = h5py.enum_dtype({"gamma": 0, "proton": 14}, basetype="i2")
        file.create_dataset("kind", data=[14, 0], dtype=kinds)
        file.create_dataset("bits", data=[3, 9], dtype="u2")
    table = read(tmp_path / "t.h5")
    assert table.names == ("bits", "kind", "word", "x")
    assert (table["kind"].tolist(), table["word"].tolist()) == ([14, 0], ["ab", "c"])
    assert table.column("kind").description == "0 gamma, 14 proton"
    assert table.notes[0].startswith(
        "columns left out: blob (bytes); hits (lists of different length); to (references);"
        " z (complex numbers)."
    )
    with pytest.raises(ReadError, match="'hits' holds lists of different length"):
        next(blocks(tmp_path / "t.h5", columns=["x", "hits"]))
    assert [b["x"].tolist() for b in blocks(tmp_path / "t.h5", 1, columns=["x"])] == [[1], [2]]


def test_the_same_within_records(tmp_path):
    kind = np.dtype([("x", ">f8"), ("word", h5py.string_dtype()), ("hits", h5py.vlen_dtype(int)),
                     ("pos", [("a", "i4")]), ("good", bool), ("v", "f4", 3)])  # fmt: skip
    with h5py.File(tmp_path / "t.h5", "w") as file:
        rows = np.zeros(2, dtype=kind)
        rows["x"], rows["word"], rows["good"] = [1.0, 2.0], ["ab", "ü"], [True, False]
        rows["hits"] = [np.arange(2), np.arange(3)]
        file["t"] = rows
    table = read(tmp_path / "t.h5")
    assert (table["x"].tolist(), table["word"].tolist()) == ([1, 2], ["ab", "ü"])
    assert (table["good"].tolist(), table["v"].shape) == ([True, False], (2, 3))
    assert "hits (lists of different length); pos (records within a record)" in table.notes[0]


def test_no_other_file_is_opened(tmp_path):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = [42.0, 43.0]
    layout = h5py.VirtualLayout(shape=(2,), dtype="f8")
    layout[:] = h5py.VirtualSource(secret, "x", shape=(2,))
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["plain"] = [1.0, 2.0]
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("raw", (2,), dtype="f8", external=[(str(secret), 2048, 16)])
        file["linked"] = h5py.ExternalLink(str(secret), "/x")
        file["only/linked"] = h5py.ExternalLink(str(secret), "/x")
        file["records"] = h5py.ExternalLink(str(secret), "/")
    table = read(tmp_path / "t.h5")
    assert table.names == ("plain",)
    assert "raw, virtual (kept in other files, which are not opened)" in table.notes[0]
    for part in ("linked", "only/linked", "records"):
        with pytest.raises(ReadError, match="is a link to another file, which is not opened"):
            read(tmp_path / "t.h5", part=part)


def test_a_small_file_does_not_unpack_to_a_huge_table(tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file.create_dataset("x", (1 << 40,), dtype="f8", chunks=(1024,))
    with pytest.raises(ReadError, match=r"8,796,093,022,208 bytes of which the file holds 0"):
        read(tmp_path / "t.h5")


def test_groups_that_hold_themselves_twice(tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["a/x"] = [1.0]
        file["a/one"] = file["a/two"] = file["a"]
    assert read(tmp_path / "t.h5").names == ("x",)


def test_astropy_keeps_units_beside_the_table(tmp_path):
    table = pytest.importorskip("astropy.table")
    held = table.Table({"a": [1.0, 2.0], "b": ["x", "yy"]}, units={"a": "GeV"})
    held["a"].description = "energy"
    held.write(tmp_path / "t.h5", path="data", serialize_meta=True)
    back = read(tmp_path / "t.h5")
    assert (back.column("a").unit, back.column("a").description) == ("GeV", "energy")
    assert back["b"].tolist() == ["x", "yy"]


def test_links_are_not_followed_in_circles(tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["events/a"] = [1.0, 2.0]
        file["soft"] = h5py.SoftLink("/events")
        file["gone"] = h5py.SoftLink("/nowhere")
        file["other"] = h5py.ExternalLink("elsewhere.h5", "/")
    assert read(tmp_path / "t.h5").names == ("a",)
    with h5py.File(tmp_path / "t.h5", "a") as file:
        file["events/self"] = file["events"]
    assert read(f"{tmp_path / 't.h5'}#/events")["a"].tolist() == [1, 2]


def test_cut_and_empty_files(tmp_path):
    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.arange(1000.0)
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(ReadError, match="a whole HDF5 file is needed"):
        read(path)
    with h5py.File(path, "w") as file:
        file["scalar"] = 1
    with pytest.raises(ReadError, match="there is none"):
        read(path)


def test_without_h5py_the_extra_is_named(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["a"] = [1.0]
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ReadError, match=r"pip install 'baksan\[hdf5\]'"):
        read(tmp_path / "t.h5")


def test_published_files(data_dir):
    fact = read(data_dir / "fact-simulated-events/gamma.hdf5")
    assert (len(fact), len(fact.names)) == (1000, 263)
    energy = fact["corsika_event_header_total_energy"]
    assert 200 <= energy.min() and energy.max() < 40_000
    camera = data_dir / "ctapipe-hdf5/LST-1_SubarrayDescription.h5"
    with pytest.raises(ReadError, match="there are 4: /configuration/instrument/subarray/layout"):
        read(camera)
    pixels = read(f"{camera}#/configuration/instrument/telescope/camera/geometry_0")
    assert (len(pixels), pixels.column("pix_x").unit) == (1855, "m")
    assert sorted(pixels["pix_id"].tolist()) == list(range(1855))
    corsika = read(f"{data_dir / 'corsika/hisparc/corsika.h5'}#/groundparticles")
    assert len(corsika) > 1000


def test_hisparc_events_are_those_that_pytables_reads(data_dir):
    tables = pytest.importorskip("tables")
    path = data_dir / "hisparc/coincidences.h5"
    with tables.open_file(path) as file:
        theirs = file.root.station_501.events[:]
    table = read(f"{path}#/station_501/events")
    assert (len(table), table["timestamp"][0]) == (74, 1325376000)
    for name in table.names:
        np.testing.assert_array_equal(table[name], theirs[name])
