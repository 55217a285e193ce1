"""What is written is read back: the law of every format; and what a format cannot keep is said."""

import gzip
import json
import re
import sqlite3

import numpy as np
import pytest

from baksan import Column, Table, load
from baksan.data import blocks, convert, format_of, json_columns, read, write, writers

PLAIN = {
    "E": Column(np.array([0.1, np.nan, 1e300, -0.0, 3.0]), "EeV", "the energy, as measured"),
    "small": Column(np.array([0.1, -1e-40, np.inf, 2, 3], np.float32), "m"),
    "whole": Column(np.array([1.0, 2, 3, 4, 5])),
    "n": Column(np.array([2**60 + 1, -5, 0, 7, 8]), "ADC"),
    "good": Column(np.array([True, False, True, True, False])),
}
KIND = Column(np.array(["g", "", 'a, "b" c', "'#x'; y|z", "h"]), "", "of the particle")
WORDS = {
    "kind": KIND,
    "имя": Column(np.array(["снег\nи", "ветер", "x\ty", "", "ё"])),
}
VECTORS = {
    "pulse": Column(np.arange(10, dtype=np.float32).reshape(5, 2), "pe"),
    "cube": Column(np.arange(20).reshape(5, 2, 2)),
}
NEEDS = {".fits": "astropy", ".h5": "h5py", ".hdf5": "h5py", ".root": "uproot"}
# LIBSVM holds numbers alone, and has its own tests below.
FORMATS = [
    *(e for e in writers.ENDINGS if e != ".libsvm"),
    ".csv.gz",
    ".ecsv.gz",
    ".jsonl.gz",
    ".fits.gz",
    ".json.gz",
]
KEEP_UNITS = {".parquet", ".csv", ".tsv", ".txt", ".ecsv", ".fits", ".h5", ".hdf5"}
KEEP_TEXTS = {".parquet", ".ecsv", ".fits", ".h5", ".hdf5"}  # descriptions
FLATTEN = {".csv", ".tsv", ".txt", ".sqlite", ".db"}
ONE_LINE = {".csv", ".tsv", ".txt", ".ecsv"}


def there_and_back(tmp_path, table, ending, **more):
    if ending.removesuffix(".gz") in NEEDS:
        pytest.importorskip(NEEDS[ending.removesuffix(".gz")])
    path = tmp_path / f"t{ending}"
    written = write(table, path, **more)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert (written.rows, written.columns) == (len(table), len(table.columns))
    return read(path), " ".join(written.notes)


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.filterwarnings("error")
def test_what_is_written_is_read_back(tmp_path, ending):
    plain = ending.removesuffix(".gz")
    names = WORDS if plain != ".fits" else {"kind": KIND}
    table = Table({**PLAIN, **names, **VECTORS})
    back, said = there_and_back(tmp_path, table, ending)
    flat = {
        feature.name: Column(values, feature.unit, feature.description)
        for name, column in VECTORS.items()
        for feature, values in table.numbers_of(name, slice(None))
    }
    expected = Table({**PLAIN, **names, **flat}) if plain in FLATTEN else table
    assert back.names == expected.names
    for name, column in expected.columns.items():
        wanted = column.values
        if plain in ONE_LINE and column.is_text:
            wanted = np.array([str(v).replace("\n", " ") for v in wanted])
        np.testing.assert_array_equal(back[name], wanted, err_msg=name)
        if column.values.dtype.kind == "i":
            assert back[name].tolist() == wanted.tolist()
        if column.values.dtype.kind == "f" and plain not in {".sqlite", ".db"}:
            assert np.signbit(back[name][3]).all() == np.signbit(wanted[3]).all()
        assert back.column(name).is_text == column.is_text
        if name == "good" and plain in {".sqlite", ".db"}:
            assert "true and false, written as 1 and 0 (good)" in said
        elif not column.is_text:
            kinds = {"f": "f", "i": "iu", "u": "iu", "b": "b"}[wanted.dtype.kind]
            assert back[name].dtype.kind in kinds, name
        assert back.column(name).unit == (column.unit if plain in KEEP_UNITS else "")
        assert back.column(name).description == (column.description if plain in KEEP_TEXTS else "")
    assert ("units (E, small, n, pulse)" in said) == (plain not in KEEP_UNITS)
    assert ("descriptions (E, kind" in said) == (plain not in KEEP_TEXTS)
    assert ("written as name[0]" in said) == (plain in FLATTEN)
    assert ("line breaks in text, written as blanks (имя)" in said) == (plain in ONE_LINE)
    assert ("Infinity (small)" in said) == (plain in {".json", ".jsonl"})


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("name", ["E", "kind", "pulse"])
def test_a_column_that_is_alone(tmp_path, ending, name):
    table = Table({name: {**PLAIN, **WORDS, **VECTORS}[name]})
    back, _ = there_and_back(tmp_path, table, ending)
    if name in back.names:
        np.testing.assert_array_equal(back[name], table[name])
    else:
        assert back.names == ("pulse[0]", "pulse[1]")


ENDS = {  # what a text becomes, and what is said
    " x": ("x", "blanks at the ends of text (kind)"),
    "x\xa0\t": ("x", "blanks at the ends of text (kind)"),
    "a\0b": ("a b", "control characters in text, written as blanks (kind)"),
    "a\x1cb\x01": ("a b", "control characters in text, written as blanks (kind)"),
}


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".ecsv"])
@pytest.mark.parametrize("text", ENDS)
def test_ends_and_control_characters_of_text_are_told(tmp_path, ending, text):
    back, said = there_and_back(tmp_path, Table({"kind": [text, "y"], "n": [1.5, 2]}), ending)
    wanted, note = ENDS[text]
    assert back["kind"].tolist() == [wanted, "y"] and note in said
    assert there_and_back(tmp_path, Table({"kind": ["a b", "y"], "n": [1.5, 2]}), ending)[1] == ""


ODD = ["a\nb", "a\r", " a", "a\xa0", "a\0b", "a\x1cb"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_of_columns(tmp_path, name):
    table = Table({name: [1.5, 2], "n": [1, 2]})
    back, said = there_and_back(tmp_path, table, ".csv")
    assert back.names[0] == " ".join(re.split(r"[\n\0\x1c]", name)).strip() and len(back.names) == 2
    assert "line breaks, control characters and blanks at the ends of names" in said
    with pytest.raises(ValueError, match="^ECSV needs names of columns without line breaks"):
        write(table, tmp_path / "t.ecsv")
    assert not (tmp_path / "t.ecsv").exists()


def test_hdf5_has_no_nul(tmp_path):
    pytest.importorskip("h5py")
    with pytest.raises(ValueError, match=r"^HDF5 needs text without NUL .* row 2 of column 'kind'"):
        write(Table({"kind": ["x", "a\0b"]}), tmp_path / "t.h5")
    with pytest.raises(ValueError, match="^HDF5 needs names of columns without NUL"):
        write(Table({"a\0b": [1.0]}), tmp_path / "t.h5")


@pytest.mark.parametrize("ending", [".libsvm", ".libsvm.gz"])
def test_libsvm_there_and_back(tmp_path, ending):
    numbers = {f"x{j + 1}": c for j, c in enumerate(PLAIN.values())}
    table = Table({**numbers, "x6": np.zeros(5), "label": ["g", "h", "g", "p", "p"],
                   "qid": [1, 1, 2, 2, 3], "kind": KIND})  # fmt: skip
    path = tmp_path / f"t{ending}"
    said = " ".join(write(table, path).notes)
    back = read(path)
    assert back.names == ("label", "qid", *(f"x{j}" for j in range(1, 7)))
    assert back["label"].tolist() == [0, 1, 0, 2, 2]
    assert back["qid"].tolist() == [1, 1, 2, 2, 3]
    for name in numbers:
        np.testing.assert_array_equal(back[name], numbers[name].values.astype(float))
    for what in ("written as 0 for g, 1 for h, 2 for p (label)", "columns of text, left out (kind)",
                 "units (x1, x2, x4)", "missing values for other programs"):  # fmt: skip
        assert what in said
    sklearn = pytest.importorskip("sklearn.datasets")
    x, y, qid = sklearn.load_svmlight_file(str(path), query_id=True)
    np.testing.assert_array_equal(x.toarray(), back.matrix([f"x{j}" for j in range(1, 7)]))
    assert (y.tolist(), qid.tolist()) == (back["label"].tolist(), back["qid"].tolist())
    for bad in ({}, {"answer": "pulse"}):
        with pytest.raises(ValueError, match="LIBSVM text needs"):
            write(Table({**PLAIN, **VECTORS}), path, **bad)
    with pytest.raises(ValueError, match="needs a column of numbers besides"):
        write(Table({"kind": KIND}), path, answer="kind")


def test_others_read_what_is_written(tmp_path):
    pd, astropy = pytest.importorskip("pandas"), pytest.importorskip("astropy.table")
    table = Table({**PLAIN, **WORDS, **VECTORS})
    for ending in (".csv", ".json", ".ecsv", ".h5", ".sqlite"):
        write(table, tmp_path / f"t{ending}")
    frame = pd.read_csv(tmp_path / "t.csv", keep_default_na=False)
    assert frame["kind"].tolist() == table["kind"].tolist()
    assert frame["whole"].dtype == np.float64
    assert json.loads((tmp_path / "t.json").read_text())["n"] == table["n"].tolist()
    for path, kind in ((tmp_path / "t.ecsv", "ascii.ecsv"), (tmp_path / "t.h5", "hdf5")):
        theirs = astropy.Table.read(path, format=kind)
        for name in ("E", "small", "n", "good", "pulse", "cube"):
            np.testing.assert_array_equal(theirs[name], table[name], err_msg=name)
    assert (
        str(astropy.Table.read(tmp_path / "t.ecsv")["E"].description) == "the energy, as measured"
    )
    with sqlite3.connect(tmp_path / "t.sqlite") as database:
        found = database.execute('SELECT "n", "E", "имя" FROM events').fetchall()
    assert found[1] == (-5, None, "ветер")


def test_what_each_format_says_it_cannot_keep(tmp_path):
    table = Table(
        {"a": Column(["1", "2", "3"], "odd unit"), "b": ["true", "", "FALSE"], "7": [1, 2, 3]}
    )
    said = write(table, tmp_path / "t.csv").notes[0]
    assert "units that are not known (a)" in said
    assert "text that looks like numbers: read it with text=[…] (a, b)" in said
    assert "names that are numbers: read it with header=True (7)" in said
    back = read(tmp_path / "t.csv", header=True, text=["a", "b"])
    assert back["a"].tolist() == ["1", "2", "3"] and back["b"].tolist() == ["true", "", "FALSE"]
    assert read(write(table, tmp_path / "t.ecsv").path)["a"].tolist() == ["1", "2", "3"]

    pytest.importorskip("astropy")
    told = Table({"kind": Column(["é", "b\n"], "µm", "ширина"), "i": np.array([1, -2], np.int8)})
    said = write(told, tmp_path / "t.fits").notes[0]
    assert "characters beyond ASCII and line breaks, written as ? (kind)" in said
    assert "units beyond ASCII (kind); descriptions beyond ASCII (kind)" in said
    assert read(tmp_path / "t.fits")["i"].tolist() == [1, -2]
    with pytest.raises(ValueError, match="FITS needs names of columns in ASCII.*there is 'имя'"):
        write(Table({"имя": [1]}), tmp_path / "t.fits")
    with pytest.raises(ValueError, match="at most 68 characters; there is 'xxx"):
        write(Table({"x" * 69: [1]}), tmp_path / "t.fits")

    big = Table({"u": np.array([2**64 - 1, 1], np.uint64)})
    assert "beyond 63 bits, written as rounded (u)" in write(big, tmp_path / "t.db").notes[0]
    assert read(tmp_path / "t.db")["u"].tolist() == [2.0**64, 1]
    with pytest.raises(ValueError, match="SQLite needs names that differ in more than case"):
        write(Table({"a": [1], "A": [2]}), tmp_path / "t.db")
    with pytest.raises(ValueError, match=r"an \.npy file of fewer columns is needed"):
        write(Table({f"column {j}": [1] for j in range(900)}), tmp_path / "t.npy")
    assert not list(tmp_path.glob(".*"))


def test_an_ending_that_is_not_known_lists_those_that_are(tmp_path):
    for name in ("t.xlsx", "t", "t.parquet.gz"):
        with pytest.raises(ValueError, match=r"ends in \.parquet, \.csv, .* \.libsvm is needed"):
            write(Table({"a": [1]}), tmp_path / name)
    with pytest.raises(ValueError, match="rows to write are needed"):
        write(Table({"a": []}), tmp_path / "t.csv")
    assert not list(tmp_path.iterdir())


# convert ------------------------------------------------------------------------------------------


def test_columns_formulas_and_conditions(tmp_path):
    (tmp_path / "t.csv").write_text("E [TeV],n,kind\n1,1,g\n10,,h\n100,3,g\n")
    told = []
    written = convert(tmp_path / "t.csv", tmp_path / "out/t.ecsv", columns="kind, lgE = log10(E)",
                      where="n > 0", progress=told.append)  # fmt: skip
    back = read(tmp_path / "out/t.ecsv")
    assert (back.names, back["lgE"].tolist()) == (("kind", "lgE"), [0, 2])
    assert back.column("lgE").description == "= log10(E[TeV])"
    assert str(written).startswith("2 rows of 2 columns: ")
    assert "1 row left out by the condition n > 0" in str(written)
    assert told[-1].endswith("2 rows")
    with pytest.raises(ValueError, match="keeps none of 3"):
        convert(tmp_path / "t.csv", tmp_path / "t.json", where="n > 5")


@pytest.mark.parametrize("ending", [".parquet", ".h5", ".jsonl", ".npz", ".sqlite", ".root"])
def test_numbers_that_break_or_go_missing_further_down(tmp_path, ending, monkeypatch):
    if ending in NEEDS:
        pytest.importorskip(NEEDS[ending])
    rows = [{"a": k, "b": bool(k % 2), "c": k} for k in range(2_000)]
    rows[1_500] |= {"a": 0.5}
    rows[1_999] |= {"b": None}
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.setattr(json_columns, "_CHUNK", 1 << 10)
    convert(path, tmp_path / f"out{ending}", rows=100)
    back = read(tmp_path / f"out{ending}")
    assert (back["a"][1_500], back["a"][3], len(back)) == (0.5, 3, 2_000)
    assert np.isnan(back["b"][-1]) and back["b"][:2].tolist() == [0, 1]
    assert back["c"].tolist() == list(range(2_000)) and back["c"].dtype.kind == "i"


def test_folders_with_text_in_one_file_only(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.csv").write_text("n\n1\n2\n")
    (tmp_path / "in/b.csv").write_text("n\nx\ny\n")
    with pytest.raises(TypeError, match="column 'n' must hold numbers throughout.*row 3"):
        convert(tmp_path / "in", tmp_path / "out.parquet")
    (tmp_path / "in/b.csv").write_text("n\n3\n4\n")
    for bad in ("in/a.csv", "in/c.csv", "in/../in/b.csv"):
        with pytest.raises(ValueError, match="apart from those that are read"):
            convert(tmp_path / "in", tmp_path / bad)
    assert convert(tmp_path / "in", tmp_path / "out.parquet").rows == 4


def test_a_failure_leaves_the_old_file(tmp_path):
    (tmp_path / "t.csv").write_text("n\n" + "1\n" * 1000 + "x\n")
    (tmp_path / "t.parquet").write_bytes(b"old")
    for ending in ("parquet", "h5", "db", "jsonl"):
        with pytest.raises(ValueError, match="row 1,001 has 'x'"):
            convert(tmp_path / "t.csv", tmp_path / f"t.{ending}")
    assert (tmp_path / "t.parquet").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("ending", [*FORMATS, ".libsvm"])
def test_a_full_disk_leaves_the_old_file(tmp_path, ending):
    resource = pytest.importorskip("resource")
    if ending.removesuffix(".gz") in NEEDS:
        pytest.importorskip(NEEDS[ending.removesuffix(".gz")])
    path = tmp_path / f"t{ending}"
    noise = np.random.default_rng(1).normal(size=5_000)
    table = Table({"E": noise, "label": np.arange(5_000)})
    write(table.take([0]), path)
    old, limit = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, limit[1]))
    try:
        with pytest.raises(OSError, match="needs more room than the disk has left"):
            write(table, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_data_sets_of_the_catalogue(tmp_path):
    digits = load("digits").table
    convert("digits", tmp_path / "d.libsvm")
    back = read(tmp_path / "d.libsvm")
    assert back["label"].tolist() == digits["digit"].astype(int).tolist()
    np.testing.assert_array_equal(back["x20"], digits[digits.names[19]])
    convert("digits", tmp_path / "d.csv.gz", columns="standard")
    assert read(tmp_path / "d.csv.gz").names == digits.names[:64]
    assert format_of(tmp_path / "d.csv.gz") == "text"
    with gzip.open(tmp_path / "d.csv.gz") as file:
        assert file.readline().startswith(b'"pixel_0_0",')
    assert sum(len(b) for b in blocks(tmp_path / "d.csv.gz")) == 1797
