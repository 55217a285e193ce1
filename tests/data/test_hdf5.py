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
    assert table.names == ("a",)
    assert table.notes == ("columns left out, neither numbers nor text: c (object).",)


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
    with pytest.raises(ReadError, match="timestamp are HDF5 time columns"):
        read(f"{data_dir / 'hisparc/coincidences.h5'}#/station_501/events")
