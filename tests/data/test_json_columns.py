"""JSON in its three layouts, by hand and as pandas writes it."""

import gzip
import json

import numpy as np
import pytest

from baksan.data import ReadError, blocks, footprint, format_of, json_columns, read

RECORDS = [
    {"E": 1.5, "n": 3, "kind": "g", "good": True, "pulse": [1, 2]},
    {"E": None, "n": -4, "kind": "", "good": False, "pulse": [3, 4]},
    {"E": float("inf"), "n": 2**60, "kind": "снег, \"q\"\nи 'а'", "good": True, "pulse": [5, None]},
]
COLUMNS = {name: [record[name] for record in RECORDS] for name in RECORDS[0]}
LAYOUTS = {
    "columns": json.dumps(COLUMNS),
    "pandas": json.dumps({n: dict(enumerate(v)) for n, v in COLUMNS.items()}),
    "list": json.dumps(RECORDS, indent=2),
    "lines": "\n".join(json.dumps(r, ensure_ascii=False) for r in RECORDS) + "\n",
    "in a row": "".join(json.dumps(r) for r in RECORDS),
}


@pytest.fixture
def file(tmp_path):
    def write(content, name="t.json"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dress", [bytes, gzip.compress, b"\xef\xbb\xbf \r\n".__add__])
def test_one_table_in_many_layouts(file, layout, dress):
    path = file(dress(LAYOUTS[layout].encode()))
    table = read(path)
    assert format_of(path) == "json"
    assert table.names == tuple(COLUMNS)
    np.testing.assert_array_equal(table["E"], [1.5, np.nan, np.inf])
    assert table["n"].tolist() == [3, -4, 2**60]
    assert table["kind"].tolist() == COLUMNS["kind"]
    assert table["good"].tolist() == [True, False, True] and table["good"].dtype == bool
    np.testing.assert_array_equal(table["pulse"], [[1, 2], [3, 4], [5, np.nan]])
    assert table.notes == ("missing values: E 1, pulse 1.",)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rows", [1, 2, 100])
def test_blocks_are_the_table_in_pieces(file, layout, rows):
    path = file(LAYOUTS[layout])
    parts = list(blocks(path, rows, columns=["kind", "n"]))
    assert all(len(part) <= rows and part.names == ("kind", "n") for part in parts)
    assert np.concatenate([part["n"] for part in parts]).tolist() == COLUMNS["n"]
    assert np.concatenate([part.rows for part in parts]).tolist() == [0, 1, 2]
    assert footprint(path, columns=["n", "E", "pulse"]) == 3 * 32


def test_many_records_in_small_pieces(file, monkeypatch):
    monkeypatch.setattr(json_columns, "_CHUNK", 1 << 10)
    rows = [{"i": i, "x": i / 7, "name": f"№ {i} " + "\\u00e9\n" * (i % 5)} for i in range(2000)]
    for content in ("\n".join(map(json.dumps, rows)), json.dumps(rows)):
        table = read(file(content))
        assert table["i"].tolist() == list(range(2000))
        assert table["x"].tolist() == [i / 7 for i in range(2000)]
        assert table["name"].tolist() == [r["name"].strip() for r in rows]
    whole = {key: [r[key] for r in rows] for key in rows[0]}
    assert read(file(json.dumps(whole)))["x"].tolist() == whole["x"]
    assert footprint(file(json.dumps(rows)), columns=["x"]) == pytest.approx(16_000, rel=0.2)


def test_what_pandas_writes(file):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.5, None, 3.0], "b": ["x", None, "z"], "c": [1, 2, 3]})
    for orient, lines in (("columns", False), ("records", False), ("records", True)):
        table = read(file(frame.to_json(orient=orient, lines=lines)))
        np.testing.assert_array_equal(table["a"], frame["a"])
        assert table["b"].tolist() == ["x", "", "z"]
        assert table["c"].dtype == np.int64


def test_keys_that_some_records_lack_are_missing(file):
    table = read(file('{"a": 1}\n{"b": "x"}\n{"a": 3, "b": "y"}\n'))
    np.testing.assert_array_equal(table["a"], [1, np.nan, 3])
    assert table["b"].tolist() == ["", "x", "y"]


def test_nan_as_text_among_numbers_is_missing(file):
    table = read(file('{"a": [1, "NaN", null, "2.5", "-inf"], "b": ["1", "2", "3", "4", "5"]}'))
    np.testing.assert_array_equal(table["a"], [1, np.nan, np.nan, 2.5, -np.inf])
    assert table.column("b").is_text
    assert table.column("b").mixed == "5 of 5 cells are numbers"


def test_long_whole_numbers_are_kept_or_said(file):
    big = [2**53 + 1, 2**63 - 1, -(2**63)]
    assert read(file(json.dumps({"a": big})))["a"].tolist() == big
    assert read(file(json.dumps({"a": [2**64 - 1, 0]})))["a"].tolist() == [2**64 - 1, 0]
    table = read(file(json.dumps([{"a": 2**53 + 1}, {"a": None}])))
    assert table.notes[0] == "whole numbers above 2^53 were rounded: a."
    assert read(file(json.dumps({"a": [2**70, 1]})))["a"].tolist() == [2.0**70, 1]
    assert read(file(json.dumps({"a": [10**400, 1]})))["a"].tolist() == [np.inf, 1]


def test_what_is_no_column_is_left_out_by_name(file):
    rows = [
        {"E": 1, "hits": [1], "who": {"x": 1}, "tags": ["a"], "odd": 1},
        {"E": 2, "hits": [1, 2], "who": None, "tags": ["b"], "odd": [1]},
    ]
    for content in (json.dumps(rows), json.dumps({k: [r[k] for r in rows] for k in rows[0]})):
        path = file(content)
        table = read(path)
        assert table.names == ("E",)
        assert (
            "hits, tags (lists of different lengths or contents); who (objects); odd"
            in (table.notes[0])
        )
        with pytest.raises(ReadError, match="'hits' holds lists of different lengths"):
            list(blocks(path, columns=["hits"]))
        assert [b.names for b in blocks(path, columns=["E"])] == [("E",)]
    with pytest.raises(ReadError, match=r"there are only a \(objects\)"):
        read(file('{"a": {}}\n{"a": {}}'))
    path = file('{"meta": 3, "a": [1, 2]}')
    assert "meta (no list)" in read(path).notes[0]
    assert footprint(path) == 16


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a": [1, 2], "b": [1]}', "lists of one length are needed.*there are a 2, b 1"),
        ('{"a": [1], "a": [2]}', "'a' comes twice"),
        ('{"a": 1}\n{"b": 1, "b": 2}', "'b' comes twice in row 2"),
        ('{"a": [1, 2', "JSON is needed.*expecting"),
        ('{"a": 1}\n{"a": ', "row 2, near"),
        ('[{"a": 1} {"a": 2}]', "',' is needed"),
        ('[{"a": 1}', "is needed"),
        ('{"a": 1} x', "the end of the file is needed"),
        ('{"a": [1]} x', "the end of the file is needed"),
        ("[[1, 2], [3, 4]]", "an object is needed, with a value for each column"),
        ("[]", "rows are needed"),
        ('{"a": []}', "rows are needed"),
        ("[" * 100_000, "JSON is needed"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('[{"a": ' + "[" * 100_000 + "]" * 100_000 + "}]", "nested too deeply"),
        ('{"a": [' + "9" * 5000 + "]}", "thousands of digits"),
        (b'{"a": ["\xff"]}', "text in UTF-8 is needed; the byte 0xff"),
    ],
)
def test_damage_ends_in_a_sentence(file, content, said):
    with pytest.raises(ReadError, match=said):
        read(file(content))


def test_a_word_among_numbers_is_named(file, monkeypatch):
    rows = [{"E": i, "v": [i, 2]} for i in range(3000)]
    rows[2500] |= {"E": "l7"}
    for chunk in (1 << 20, 1 << 10):
        monkeypatch.setattr(json_columns, "_CHUNK", chunk)
        with pytest.raises(ReadError, match="a number is needed in column 'E'; row 2,501 has 'l7'"):
            read(file(json.dumps(rows)))
    rows[2500] = {"E": 1, "v": [1, 2, 3]}
    with pytest.raises(ReadError, match=r"a list of 2 numbers is .* 'v'; row 2,501 has '\[1, 2, 3"):
        read(file(json.dumps(rows)))
    rows[2500] = {"E": 1, "late": 5}
    table = read(file(json.dumps(rows)))
    assert any("late (a key that the first rows lack)" in note for note in table.notes)
    assert np.isnan(table["v"][2500]).all()


def test_text_with_some_numbers_is_text(file):
    assert read(file('{"a": ["x", 1, "y", null, true]}'))["a"].tolist() == [
        "x",
        "1",
        "y",
        "",
        "true",
    ]


def test_halves_of_characters_can_be_written(file):
    table = read(file(r'{"a\ud800": ["\udc00", "b"]}'))
    assert (table.names, table["a?"].tolist()) == (("a?",), ["?", "b"])


def test_a_heading_in_brackets_is_no_json(file):
    assert format_of(file("[section]\na = 1\n")) == "text"


def test_the_events_of_icecube(data_dir):
    table = read(data_dir / "icecube-hese-7yr/HESE_data.json")
    assert (len(table), table.names[0]) == (102, "recoDepositedEnergy")
    assert table.notes == ("missing values: recoLength 98.",)
