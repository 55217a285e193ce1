"""Text tables, written by hand here, and as the field publishes them."""

import gzip

import numpy as np
import pytest

from baksan.data import ReadError, blocks, read, text
from baksan.units import factor


@pytest.fixture
def file(tmp_path):
    def write(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def small_chunks(monkeypatch):
    """As if files were much longer than what is read at once."""
    monkeypatch.setattr(text, "_SAMPLE", 1 << 10)
    monkeypatch.setattr(text, "_CHUNK", 1 << 12)


@pytest.mark.parametrize(
    "content",
    [
        "a,b,c\n1,2.5,x\n3,4,y\n",
        "a;b;c\n1;2.5;x\n3;4;y\n",
        "a\tb\tc\n1\t2.5\tx\n3\t4\ty\n",
        "a|b|c\n1|2.5|x\n3|4|y",
        "  a   b c\n  1 2.5   x  \n 3\t4 y\n",
        "# a b c\n1 2.5 x\n3 4 y\n",
        "#a\t\tb\tc\n1\t2.5\tx\n3\t4\ty\n",
        "# a, b, c\n# made by hand\n1 2.5 x\n3 4 y\n",
        "\ufeffa,b,c\r\n1,2.5,x\r\n3,4,y\r\n",
        '"a","b","c"\n"1",2.5,"x"\n3,"4",y\n',
        "a, b, c\n1, 2.5, x\n\n# a remark\n3, 4, y\n",
    ],
    ids=[
        "comma",
        "semicolon",
        "tab",
        "bar",
        "blanks",
        "hash",
        "hash-tabs",
        "prose",
        "windows",
        "quotes",
        "remarks",
    ],
)
def test_one_table_in_many_dresses(file, content):
    table = read(file(content))
    assert table.names == ("a", "b", "c")
    assert table["a"].tolist() == [1, 3]
    assert table["b"].tolist() == [2.5, 4]
    assert table["c"].tolist() == ["x", "y"]
    assert table["a"].dtype == np.int64


def test_gzip_is_read_and_a_cut_one_refused(file):
    packed = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(5000)))
    assert read(file(packed)).rows[-1] == 4999
    with pytest.raises(ReadError, match="a whole gzip file is needed"):
        read(file(packed[: len(packed) // 2]))


def test_a_gzip_bomb_stays_packed(file, small_chunks):
    with pytest.raises(ReadError, match="unpacks to at most 300 times its size"):
        read(file(gzip.compress(b"1,2\n" * 200_000, 9)))


def test_without_a_header_columns_are_numbered_or_named(file):
    path = file("1,2\n3,4\n")
    assert read(path).names == ("x1", "x2")
    assert read(path, names=["a", "b"]).names == ("a", "b")
    with pytest.raises(ReadError, match=r"3 columns are needed.*the file has 2"):
        read(path, names=["a", "b", "c"])
    assert read(path, header=True).names == ("1", "2")


def test_names_given_for_a_file_with_a_header(file):
    path = file("b,a\n1,2\n")
    assert read(path, names=["a", "b"])["a"].tolist() == [2]
    with pytest.raises(ReadError, match="a column 'c' is needed; the header has b, a"):
        read(path, names=["c", "b"])


def test_row_numbers_as_r_writes_them(file):
    for content in ('"","a"\n"1",5\n"2",6\n', "a\tb\nr1\t5\t7\nr2\t6\t8\n"):
        table = read(file(content))
        assert table.names[0] == "row"
        assert table.column("row").is_text
        assert table["a"].tolist() == [5, 6]


def test_units_in_square_brackets(file):
    table = read(file("E [GeV],x [best],n [1]\n1,2,3\n"))
    assert table.names == ("E", "x [best]", "n [1]")
    assert table.column("E").unit == "GeV"


def test_missing_cells_are_nan_or_empty_and_counted(file):
    table = read(file("a,b,c,d\n1,,x,true\n,2,,false\nNaN,N/A,z,\n"))
    assert np.isnan(table["a"]).tolist() == [False, True, True]
    assert table["c"].tolist() == ["x", "", "z"]
    assert table["d"][:2].tolist() == [1, 0]
    assert table.notes == ("missing values: a 2, b 2, d 1.",)


def test_bools_integers_and_infinities(file):
    table = read(file("a,b,c\ntrue,12345678901234567,inf\nFALSE,2,-1e-300\n"))
    assert table["a"].tolist() == [True, False]
    assert table["b"][0] == 12345678901234567
    assert table["c"].tolist() == [np.inf, -1e-300]


def test_long_whole_numbers(file):
    for cells in ([2**63 - 1, -(2**63)], [2**64 - 1, 0]):
        assert read(file("a\n" + "".join(f"{c}\n" for c in cells)))["a"].tolist() == cells
    assert read(file(f"a\n{2**64 - 1}\n-1\n"))["a"].tolist() == [2.0**64, -1]


def test_the_100000th_row_has_one_field_too_many(file):
    rows = ["1,2,3,4,5,6,7,8,9,10,11\n"] * 120_000
    rows[99_999] = "1,2,3,4,5,6,7,8,9,10,11,12\n"
    path = file("a,b,c,d,e,f,g,h,i,j,k\n" + "".join(rows))
    with pytest.raises(ReadError, match=r"t.csv: row 100,000 has 12 fields, 11 were needed"):
        read(path)


@pytest.mark.parametrize("at", [3, 19_000])
def test_a_word_among_numbers_is_named(file, at, small_chunks):
    cells = [f"{i},{i}\n" for i in range(20_000)]
    cells[at - 1] = "12,l7\n"
    with pytest.raises(ReadError, match=rf"column 'b'; row {at:,} has 'l7'"):
        read(file("a,b\n" + "".join(cells)))
    assert read(file("a,b\n" + "".join(cells)), text=["b"])["b"][at - 1] == "l7"


def test_numbers_that_turn_from_whole_to_broken(file, small_chunks):
    values = read(file("a\n" + "1\n" * 30_000 + "2.5\n"))["a"]
    assert (len(values), values[0], values[-1]) == (30_001, 1, 2.5)


def test_chunks_end_where_lines_end(file, small_chunks):
    rows = [f'{i} "a word {i}"  {i / 7!r}' for i in range(5_000)]
    for ends in ("\n", "\r\n"):
        table = read(file("n name x" + ends + ends.join(rows)))
        assert table["n"].tolist() == list(range(5_000))
        assert table["x"].tolist() == [i / 7 for i in range(5_000)]
        assert table["name"][4_999] == "a word 4999"


def test_a_file_cut_in_its_last_row(file):
    with pytest.raises(ReadError, match="row 2 has 1 field, 2 were needed"):
        read(file("a,b\n1,2\n3"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b,a\n1,2,3\n", "'a' is the name of columns 1 and 3"),
        ("a,,c\n1,2,3\n", "column 2 has none"),
        ("a,b\n", "only 2 column names"),
        ("a,b\n1,2,3\n4,5,6\n", "the header has 2 names, the rows have 3 fields"),
        ('a,b\n1,2\n3,"4\n5,6\n', "closed in its own line; row 2 leaves one open"),
        ("\n\n", "the file is empty"),
        (b"a,b\n1,caf\xe9\n", r"UTF-8 is needed; the byte 0xe9"),
    ],
)
def test_refused(file, content, message):
    with pytest.raises(ReadError, match=message):
        read(file(content))


def test_blocks_are_bounded_and_count_on(file):
    path = file("a,b\n" + "".join(f"{i},x{i}\n" for i in range(10_000)))
    parts = list(blocks(path, 999))
    assert max(map(len, parts)) == 999
    assert np.concatenate([p.rows for p in parts]).tolist() == list(range(10_000))
    assert np.concatenate([p["a"] for p in parts]).tolist() == list(range(10_000))


def test_pandas_reads_the_same(file):
    import pandas as pd

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=500), "b": rng.integers(0, 9, 500), "c": "word"})
    frame.loc[::7, "a"] = np.nan
    path = file(frame.to_csv(index=False))
    table = read(path)
    for name in frame:
        theirs = frame[name].to_numpy()
        if name == "c":
            assert table[name].tolist() == theirs.tolist()
        else:
            np.testing.assert_array_equal(table[name], theirs)


def test_published_files(data_dir):
    auger = read(data_dir / "auger-arrival-directions-2022" / (
        "AugerApJS2022_Yr_JD_UTC_Th_Ph_RA_Dec_E_Expo.dat"
    ))  # fmt: skip
    assert auger.names == ("Yr", "JD", "UTC", "Th", "Ph", "RA", "Dec", "E", "Expo")
    assert [int((auger["E"] >= e).sum()) for e in (40, 57, 80, 100)] == [1387, 411, 95, 35]
    spectrum = read(data_dir / "auger-spectrum-xmax/auger_spectrum_2017.txt")
    assert spectrum.names == ("logE", "mean", "statlo", "stathi")
    hawc = read(data_dir / "tev-catalogs/3HWC.ecsv")
    assert (len(hawc), hawc.column("ra").unit) == (65, "deg")
    assert hawc["source_name"][0] == "3HWC J0534+220"
    assert hawc.column("pos_err").description == "Position error (1 sigma)"
    blazars = read(data_dir / "fermi-4fgl-blazars" / (
        "gll_psc_v20_select_Col_38_order_bll_fsrq_1825.csv"
    ))  # fmt: skip
    assert (len(blazars), blazars.names[:2]) == (1825, ("row", "PL_Index"))
    assert len(read(data_dir / "telescope-array-2014/TA.txt")) == 72
    assert len(read(data_dir / "hisparc/events-s501-20120101.tsv")) == 39


# ECSV ---------------------------------------------------------------------------------------------


def ecsv(tmp_path, table, **options):
    table.write(tmp_path / "t.ecsv", format="ascii.ecsv", overwrite=True, **options)
    return tmp_path / "t.ecsv"


@pytest.mark.parametrize("delimiter", [" ", ","])
def test_ecsv_as_astropy_writes_it(tmp_path, delimiter):
    astropy = pytest.importorskip("astropy.table")
    table = astropy.Table()
    for kind in ("i1", "u2", "i8", "u8", "f4", "f8", "?"):
        table[kind] = np.array([1, 0, 1.1], dtype=kind)
    table["u8"][0] = 2**64 - 1
    table["f8"] = [0.1, np.nan, np.inf]
    table["f4"][1] = np.nan
    table["text"] = ["a b", 'q"u, o', "снег"]
    table["digits"] = ["001", "nan", "3"]
    table["cube"] = np.arange(12).reshape(3, 2, 2)
    table["on: {off}, it's"] = [1, 2, 3]
    told = "long, with 'quotes', {braces} [brackets]: - # and снег " * 5
    table["E"] = astropy.Column([1.0, 2, 3], unit="1 / (cm2 s TeV)", description=told.strip())
    table["E"].meta["blocks"] = "make the notes take several lines"
    back = read(ecsv(tmp_path, table, delimiter=delimiter))
    assert back.names == tuple(table.colnames)
    for name in table.colnames:
        np.testing.assert_array_equal(back[name], table[name])
        assert (back[name].dtype.kind in "iu") == (table[name].dtype.kind in "iu")
    assert (back["f4"].dtype, back["?"].dtype) == (np.float32, bool)
    assert back.column("E").unit == str(table["E"].unit)
    assert back.column("E").description == told.strip()


def test_ecsv_masks_vectors_and_what_is_no_column(tmp_path):
    astropy = pytest.importorskip("astropy.table")
    table = astropy.Table(masked=True)
    table["n"] = astropy.MaskedColumn([1, 2, 3], mask=[0, 1, 0])
    table["kind"] = astropy.MaskedColumn(["g", "h", "p"], mask=[0, 1, 0])
    table["pulse"] = astropy.MaskedColumn(
        np.arange(6.0).reshape(3, 2), mask=[[0, 1], [0] * 2] * 1 + [[0] * 2]
    )
    table["z"] = [1j, 2, 3]
    for name, cells in {
        "who": [{"a": 1}, [1], None],
        "hits": [np.ones(k) for k in range(3)],
    }.items():
        table[name] = np.array([*cells, 0], dtype=object)[:3]
    path = ecsv(tmp_path, table)
    back = read(path)
    assert back.names == ("n", "kind", "pulse")
    np.testing.assert_array_equal(back["n"], [1, np.nan, 3])
    assert back["kind"].tolist() == ["g", "", "p"]
    np.testing.assert_array_equal(back["pulse"], [[0, np.nan], [2, 3], [4, 5]])
    assert "z (complex numbers); who (objects); hits (lists of different lengths)" in back.notes[0]
    with pytest.raises(ReadError, match="'hits' holds lists of different lengths"):
        list(blocks(path, columns=["hits"]))
    path.write_text(path.read_text().replace("[4.0,5.0]", "[4.0]"))
    with pytest.raises(ReadError, match=r"a list of 2 numbers is needed in column 'pulse'; row 3"):
        read(path)


def test_ecsv_of_quantities_times_and_positions(tmp_path):
    astropy = pytest.importorskip("astropy.table")
    from astropy import units
    from astropy.coordinates import SkyCoord
    from astropy.time import Time

    table = astropy.QTable()
    table["E"] = [1.0, 2.0] * units.TeV
    table["t"] = Time([55000.5, 55001.5], format="mjd")
    table["iso"] = Time(["2012-01-01T00:00:09", "2012-01-01T00:00:10"])
    table["at"] = SkyCoord([83.6, 85.2], [22.0, 22.9], unit="deg")
    back = read(ecsv(tmp_path, table))
    assert back.names == ("E", "t", "iso", "at.ra", "at.dec")
    assert (back.column("E").unit, back.column("at.ra").unit) == ("TeV", "deg")
    assert back["t"].tolist() == [55000.5, 55001.5]
    assert back["iso"][1] == "2012-01-01T00:00:10.000"


def test_a_header_of_ecsv_that_does_not_fit(file):
    head = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: int64}\n"
    assert read(file(head + "a\n1\n"))["a"].tolist() == [1]
    with pytest.raises(ReadError, match="a column 'a' is needed, since ECSV's header describes it"):
        read(file(head + "b\n1\n"))
    with pytest.raises(ReadError, match="a number is needed in column 'a'; row 1 has 'x'"):
        read(file(head + "a\nx\n"))
    with pytest.raises(
        ReadError, match="ECSV parts fields by ',' or by blanks; the header says 'x'"
    ):
        read(file(head + "# delimiter: 'x'\na\n1\n"))
    with pytest.raises(ReadError, match="the file has only comments"):
        read(file(head))


def test_ecsv_of_hawc(data_dir):
    astropy = pytest.importorskip("astropy.table")
    path = data_dir / "tev-catalogs/3HWC.ecsv"
    ours, theirs = read(path), astropy.Table.read(path, format="ascii.ecsv")
    assert ours.names == tuple(theirs.colnames)
    for name in theirs.colnames:
        np.testing.assert_array_equal(
            ours[name],
            np.ma.filled(theirs[name], np.nan) if theirs[name].dtype.kind == "f" else theirs[name],
        )
        assert factor(ours.column(name).unit, str(theirs[name].unit or "")) == pytest.approx(1)
        assert ours.column(name).description == (theirs[name].description or "")


@pytest.mark.parametrize(
    "content",
    [
        "A first line.\nAnother, which is longer than the first\n\n* and\n  more of it to come\n",
        "RUNNR   1     the number of the run\nNSHOW 5 showers\nSEED 1 0 0 the seed\nEXIT\n",
    ],
)
def test_prose_and_settings_are_no_table(file, content):
    with pytest.raises(ReadError, match="this looks like prose or a list of settings"):
        read(file(content))
