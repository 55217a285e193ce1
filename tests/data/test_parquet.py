"""Parquet: what is written comes back; what others write is understood."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from baksan.data import ReadError, blocks, read
from baksan.data.formats import footprint
from baksan.data.parquet import write_blocks, write_parquet
from baksan.files import replacing
from baksan.table import Column, Table


def test_units_descriptions_notes_and_vectors_come_back(tmp_path):
    table = Table(
        {
            "E": Column(np.array([1.0, np.nan]), "EeV", "energy"),
            "pulse": Column(np.arange(6, dtype=np.float32).reshape(2, 3), "ADC"),
            "cube": np.arange(8).reshape(2, 2, 2),
            "good": np.array([True, False]),
            "kind": np.array(["g", ""]),
        },
        notes=["3 rows left out."],
    )
    write_parquet(table, tmp_path / "t.parquet")
    back = read(tmp_path / "t.parquet")
    assert back.names == table.names
    for name, column in table.columns.items():
        np.testing.assert_array_equal(back[name], column.values)
        assert back.column(name).unit == column.unit
        assert back.column(name).description == column.description
    assert back["pulse"].dtype == np.float32
    assert back.notes == ("3 rows left out.", "missing values: E 1.")
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]


def test_a_failed_write_inside_replacing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    write_parquet(Table({"a": [1]}), path)

    def full(_writer, _table):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet.ParquetWriter, "write_table", full)
    with pytest.raises(OSError, match="more room than the disk has"), replacing(path) as beside:
        write_parquet(Table({"a": [2]}), beside)
    assert read(path)["a"].tolist() == [1]
    assert len(list(tmp_path.iterdir())) == 1


def test_blocks_one_after_another(tmp_path):
    path, seen = tmp_path / "t.parquet", []
    write_blocks((Table({"a": [k, k]}) for k in range(3)), path, progress=seen.append)
    assert read(path)["a"].tolist() == [0, 0, 1, 1, 2, 2] and seen == [2, 4, 6]
    with pytest.raises(ValueError, match="a table to write is needed; there is none"):
        write_blocks([], tmp_path / "none.parquet")


def test_nulls_dictionaries_decimals_and_strangers(tmp_path):
    path = tmp_path / "t.parquet"
    columns = {
        "n": pa.array([1, None], pa.int32()),
        "b": pa.array([True, None]),
        "d": pa.array([1, 2], pa.decimal128(10, 2)),
        "s": pa.array(["x", None]).dictionary_encode(),
        "when": pa.array([0, 1], pa.timestamp("s")),
        "list": pa.array([[1], [1, 2]]),
    }
    parquet.write_table(pa.table(columns), path)
    table = read(path)
    assert np.isnan(table["n"]).tolist() == [False, True]
    assert table["b"][0] == 1
    assert table["d"].tolist() == [1, 2]
    assert table["s"].tolist() == ["x", ""]
    assert table.names == ("n", "b", "d", "s", "when")
    assert "columns left out: list (lists of different lengths)" in table.notes[0]


def test_what_is_no_column_is_left_out_by_name(tmp_path):
    path = tmp_path / "t.parquet"
    strange = {
        "blob": pa.array([b"\x00\xff", None]),
        "fixed": pa.array([b"ab", b"cd"], pa.binary(2)),
        "packed": pa.array([b"ab", None]).dictionary_encode(),
        "who": pa.array([{"a": 1}, None]),
        "map": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
        "hits": pa.array([[1], [1, 2]]),
        "words": pa.array([["a"], ["b"]]),
        "deep": pa.array([[{"a": 1}], []]),
    }
    parquet.write_table(pa.table({**strange, "E": [1.0, 2.0]}), path)
    table = read(path)
    assert table.names == ("E",)
    assert table.notes[0].startswith(
        "columns left out: blob, fixed, packed (bytes); who, map (objects);"
        " hits, deep (lists of different lengths);"
        " words (lists of text)."
    )
    assert [b.names for b in blocks(path, columns=["E"])] == [("E",)]
    for name in strange:
        with pytest.raises(ReadError, match=f"a column of numbers or text is needed; '{name}'"):
            list(blocks(path, columns=[name]))
    parquet.write_table(pa.table({"blob": strange["blob"]}), path)
    with pytest.raises(ReadError, match=r"there are only blob \(bytes\)"):
        read(path)


def test_dates_and_times_are_seconds(tmp_path):
    path, noon = tmp_path / "t.parquet", 1577966400  # 2020-01-02 12:00 UTC
    held = {
        "day": pa.array([18263, None], pa.date32()),
        "day64": pa.array([18263 * 86_400_000, None], pa.date64()),
        "utc": pa.array([noon * 10**9 + 500_000_000, None], pa.timestamp("ns", "UTC")),
        "plain": pa.array([noon * 1000, 0], pa.timestamp("ms")),
        "clock": pa.array([3_600_000_001, None], pa.time64("us")),
        "took": pa.array([90, None], pa.duration("s")),
    }
    parquet.write_table(pa.table(held), path)
    table = read(path)
    firsts = [table[name][0] for name in held]
    assert firsts == [noon - 43200, noon - 43200, noon + 0.5, noon, 3600.000001, 90]
    assert [bool(np.isnan(table[name][1])) for name in held] == [
        True,
        True,
        True,
        False,
        True,
        True,
    ]
    assert {column.unit for column in table.columns.values()} == {"s"}
    assert table.column("utc").description == "seconds since 1970-01-01, UTC"
    assert table.column("took").description == ""


def test_lists_of_one_length_are_vectors(tmp_path):
    path = tmp_path / "t.parquet"
    held = {
        "list": pa.array([[1, 2], [3, 4], [5, 6]]),
        "large": pa.array([[1.5, None], None, [5, 6]], pa.large_list(pa.float32())),
        "fixed": pa.array([[1, None], None, [5, 6]], pa.list_(pa.int16(), 2)),
        "nothing": pa.nulls(3),
        "text": pa.array(["a", None, "c"], pa.large_string()),
        "long": pa.array([2**53 + 1, None, 1]),
        "unsigned": pa.array([2**64 - 1, 0, 1], pa.uint64()),
    }
    parquet.write_table(pa.table(held), path)
    table = read(path)
    assert table["list"].tolist() == [[1, 2], [3, 4], [5, 6]]
    np.testing.assert_array_equal(table["large"], [[1.5, np.nan], [np.nan] * 2, [5, 6]])
    np.testing.assert_array_equal(table["fixed"], [[1, np.nan], [np.nan] * 2, [5, 6]])
    assert np.isnan(table["nothing"]).all()
    assert table["text"].tolist() == ["a", "", "c"]
    np.testing.assert_array_equal(table["long"], [2.0**53, np.nan, 1])
    assert table["unsigned"].tolist() == [2**64 - 1, 0, 1]
    parquet.write_table(pa.table({"list": [[1, 2]] * 2000 + [[1]], "E": [1.0] * 2001}), path)
    with pytest.raises(ReadError, match="t.parquet: lists of 2 are needed in column 'list'"):
        read(path)
    assert sum(len(b) for b in blocks(path, columns=["E"])) == 2001


def test_cut_empty_and_doubled(tmp_path):
    path = tmp_path / "t.parquet"
    write_parquet(Table({"a": np.arange(1000.0)}), path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ReadError, match="a whole Parquet file is needed; this one is cut"):
        read(path)
    parquet.write_table(pa.table({"a": pa.array([], pa.int64())}), path)
    with pytest.raises(ReadError, match="1 columns and no row"):
        read(path)
    doubled = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    parquet.write_table(doubled, path)
    with pytest.raises(ReadError, match="'a' is the name of columns 1 and 2"):
        read(path)


def test_row_labels_of_pandas_are_text(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.5, 2.5, 3.5]}, index=[7, 3, 5])
    frame.to_parquet(tmp_path / "t.parquet")
    table = read(tmp_path / "t.parquet")
    assert (table.names, table["row"].tolist()) == (("a", "row"), ["7", "3", "5"])
    assert table.samples().names == ("a",)


def test_row_groups_are_read_alone_and_keep_their_row_numbers(tmp_path):
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"a": np.arange(95.0)}), path, row_group_size=20)
    part = list(blocks(path, 15, groups=[1, 2]))
    assert [len(table) for table in part] == [15, 15, 10]
    assert [row for table in part for row in table.rows] == list(range(20, 60))
    assert np.concatenate([table["a"] for table in part]).tolist() == list(range(20, 60))
    assert footprint(path, groups=[4]) == 8 * 15
    with pytest.raises(ValueError, match="row groups 0 … 4 can be read; 5 was asked for"):
        read(path, groups=[4, 5])
