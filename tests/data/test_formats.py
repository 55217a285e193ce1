"""Formats are told apart by content; what is not read is named."""

import gzip
import pickle
import sqlite3
import zipfile
from contextlib import closing

import numpy as np
import pytest

from baksan.data import ReadError, blocks, format_of, load, open_stream, read
from baksan.data.parquet import write_parquet
from baksan.table import Column, Table

TABLE = Table({"E": Column(np.array([1.0, 2.0, 4.0]), "EeV"), "kind": np.array(["g", "h", "g"])})


def write(path, kind):
    """The same three rows in every format."""
    if kind == "text":
        path.write_text("E [EeV],kind\n1,g\n2,h\n4,g\n")
    elif kind == "parquet":
        write_parquet(TABLE, path)
    elif kind == "npy":
        rows = np.array([(1, "g"), (2, "h"), (4, "g")], dtype=[("E", "f8"), ("kind", "U1")])
        with path.open("wb") as file:
            np.save(file, rows)
    elif kind == "npz":
        with path.open("wb") as file:
            np.savez_compressed(file, E=TABLE["E"], kind=TABLE["kind"])
    elif kind == "fits":
        table = pytest.importorskip("astropy.table")
        table.Table({name: TABLE[name] for name in TABLE.names}).write(path, format="fits")
    elif kind == "root":
        uproot = pytest.importorskip("uproot")
        with uproot.recreate(path) as file:
            file.mktree("events", {"E": "float64", "kind": "string"})
            file["events"].extend({"E": TABLE["E"], "kind": TABLE["kind"].tolist()})
    elif kind == "sqlite":
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE events (E, kind)")
            rows = zip(TABLE["E"].tolist(), TABLE["kind"].tolist(), strict=True)
            connection.executemany("INSERT INTO events VALUES (?, ?)", rows)
    else:
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "w") as file:
            file["E"], file["kind"] = TABLE["E"], TABLE["kind"].astype("S")
            file["E"].attrs["unit"] = "EeV"


@pytest.mark.parametrize(
    "kind", ["text", "parquet", "npy", "npz", "fits", "root", "sqlite", "hdf5"]
)
@pytest.mark.parametrize("suffix", ["csv", "root", "dat"])
def test_a_mislabelled_file_is_read_as_what_it_is(tmp_path, kind, suffix):
    path = tmp_path / f"events.{suffix}"
    write(path, kind)
    assert format_of(path) == kind
    table = read(path)
    assert table.names == ("E", "kind")
    assert table["E"].tolist() == [1, 2, 4]
    assert table["E"].dtype.isnative
    assert table["kind"].tolist() == ["g", "h", "g"]


@pytest.mark.parametrize(
    "kind", ["text", "parquet", "npy", "npz", "fits", "root", "sqlite", "hdf5"]
)
@pytest.mark.parametrize("rows", [1, 2, 3, 100])
def test_blocks_are_the_table_in_pieces(tmp_path, kind, rows):
    path = tmp_path / "events"
    write(path, kind)
    parts = list(blocks(path, rows))
    assert all(len(part) <= rows for part in parts)
    assert np.concatenate([part["E"] for part in parts]).tolist() == [1, 2, 4]
    assert np.concatenate([part.rows for part in parts]).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"%PDF-1.7", "a PDF document"),
        (pickle.dumps({"a": [1]}), "a Python pickle, which may run any code"),
        (b"BZh91AY", "packed with bzip2"),
        (b"\xfd7zXZ\0\0", "packed with xz"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"\x89PNG\r\n", "a PNG picture"),
        (b"ARROW1\0\0", "an Arrow or Feather file"),
        (b"\x95Y\0\0RUNH", "a CORSIKA file whose first record has 22,933 bytes"),
        (b"\xff\xfea\0,\0", "text in UTF-16"),
        (bytes(range(256)), "a binary file of a kind that is not known"),
    ],
)
def test_foreign_files_are_named(tmp_path, head, what):
    path = tmp_path / "events.csv"
    path.write_bytes(head)
    with pytest.raises(ReadError, match=what) as caught:
        read(path)
    assert "events.csv" in str(caught.value)


def test_real_foreign_files_are_named(data_dir):
    with pytest.raises(ReadError, match="packed with bzip2"):
        read(data_dir / "uhecr-kkos-spectra/spectra_1s.tbz2")


def test_zip_empty_and_missing(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"")
    with pytest.raises(ReadError, match="the file is empty"):
        read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.json", "{}")
    with pytest.raises(ReadError, match="a baksan model file"):
        read(path)
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(ReadError, match="cut or damaged"):
        read(path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        read(tmp_path / "nothing.csv")


@pytest.mark.parametrize("path", [3, None, ["a.csv"], b"a.csv", TABLE, ""])
def test_what_is_no_path_gets_a_sentence(path):
    what = f"of type {type(path).__name__}" if path != "" else "empty"
    for reader in (read, load, lambda p: list(blocks(p))):
        with pytest.raises(TypeError, match=f"the path of a file .*; this is {what}[.]"):
            reader(path)


def test_reading_says_how_far_it_is(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("E\n1\n2\n")
    told = []
    read(tmp_path, progress=told.append)
    assert told == [f"reading {tmp_path}: {n} rows" for n in (2, 4)]
    told.clear()
    load("digits", progress=told.append).checksums(told.append)
    assert told == ["SHA-256 of digits.csv.gz", "reading digits", "SHA-256 of digits.csv.gz"]


def test_gzip_around_what_is_not_read(tmp_path):
    path = tmp_path / "t.gz"
    write_parquet(TABLE, tmp_path / "t.parquet")
    path.write_bytes(gzip.compress((tmp_path / "t.parquet").read_bytes()))
    with pytest.raises(ReadError, match="this is parquet in gzip"):
        read(path)


def test_a_folder_is_its_files_in_order(tmp_path):
    (tmp_path / "b.csv").write_text("E [EeV],kind\n2,h\n")
    (tmp_path / "a.csv").write_text("E [EeV],kind\n1,g\n4,g\n")
    table = read(tmp_path)
    assert table["E"].tolist() == [1, 4, 2]
    assert table.rows.tolist() == [0, 1, 2]
    assert [b.rows.tolist() for b in blocks(tmp_path, 2)] == [[0, 1], [2]]
    (tmp_path / "c.csv").write_text("E [GeV],kind\n2,h\n")
    with pytest.raises(ReadError, match=r"columns of a.csv are needed.*differ in E \[EeV\]"):
        read(tmp_path)


def test_options_of_another_format_and_bad_rows_are_refused(tmp_path):
    write(tmp_path / "t", "parquet")
    with pytest.raises(TypeError, match="a parquet file takes groups; 'names' was given"):
        read(tmp_path / "t", names=["a"])
    with pytest.raises(ValueError, match="rows is 0"):
        list(blocks(tmp_path / "t", 0))


def test_a_run_folder_is_no_folder_of_tables(tmp_path):
    (tmp_path / "digits" / "models").mkdir(parents=True)
    (tmp_path / "digits" / "config.toml").write_text("seed = 1\n")
    with pytest.raises(ReadError, match="this is the folder of a run"):
        read(tmp_path / "digits")


def test_text_that_one_file_of_a_folder_lacks_stays_missing(tmp_path):
    empty, full = "x,kind\n1,\n2,\n", "x,kind\n3,g\n4,h\n5,g\n"
    for name, texts in (("a", (empty, full)), ("b", (full, empty))):
        folder = tmp_path / name
        folder.mkdir()
        for k, text in enumerate(texts):
            (folder / f"{k}.csv").write_text(text)
        table = read(folder)
        assert table.source == str(folder)
        assert sorted(table["kind"].tolist()) == ["", "", "g", "g", "h"]
        stream = open_stream(folder, answer="kind", features=["x"])
        assert (
            stream.class_counts
            == {"g": 2, "h": 1}
            == dict(table.samples(answer="kind").class_counts)
        )
    later = open_stream(folder, answer="x", features=["kind"])
    assert (len(later), later.names) == (3, ("kind == 'g'", "kind == 'h'"))
