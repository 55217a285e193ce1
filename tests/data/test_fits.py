"""FITS tables: against astropy's own reading, and the published catalogues."""

import gzip
import sys

import numpy as np
import pytest

from baksan.data import ReadError, blocks, read

fits = pytest.importorskip("astropy.io.fits")


@pytest.fixture
def path(tmp_path):
    columns = [
        fits.Column("name", "6A", array=["a", "bc  ", ""]),
        fits.Column("E", "E", unit="TeV", array=[1.0, np.nan, 3.0]),
        fits.Column("n", "J", null=-1, array=[1, -1, 3]),
        fits.Column("scaled", "I", array=[0, 1, 2]),
        fits.Column("good", "L", array=[True, False, True]),
        fits.Column("pulse", "3D", array=np.arange(9.0).reshape(3, 3)),
        fits.Column("list", "PJ()", array=np.array([[1], [1, 2], [3]], dtype=object)),
    ]
    events = fits.BinTableHDU.from_columns(columns, name="EVENTS")
    events.header["TCOMM2"] = "energy"
    times = fits.BinTableHDU.from_columns([fits.Column("t", "D", array=[1.0])], name="GTI")
    fits.HDUList([fits.PrimaryHDU(), events, times]).writeto(tmp_path / "t.fits")
    fits.setval(tmp_path / "t.fits", "TSCAL4", value=0.5, ext=1)
    fits.setval(tmp_path / "t.fits", "TZERO4", value=10.0, ext=1)
    return tmp_path / "t.fits"


def test_columns_of_every_kind(path):
    table = read(path)
    assert table["name"].tolist() == ["a", "bc", ""]
    assert (table.column("E").unit, table.column("E").description) == ("TeV", "energy")
    assert np.isnan(table["n"]).tolist() == [False, True, False]
    assert table["scaled"].tolist() == [10, 10.5, 11]
    assert table["good"].tolist() == [True, False, True]
    assert table["pulse"].shape == (3, 3)
    assert all(table[name].dtype.isnative for name in table.names)
    assert "columns left out, neither numbers nor text: list (object)." in table.notes


def test_another_table_by_name_or_number(path):
    note = "the first of 2 tables was read, EVENTS; the others are GTI."
    assert note in read(path).notes
    for part in ("GTI", "gti", "2"):
        assert read(f"{path}#{part}").names == ("t",)
    assert read(path, part="GTI").names == ("t",)
    with pytest.raises(ReadError, match=r"not 'X'\) must be chosen; there are 2: EVENTS, GTI"):
        read(path, part="X")


def test_gzip_and_cut_files(path, tmp_path):
    content = path.read_bytes()
    packed = tmp_path / "t.fits.gz"
    packed.write_bytes(gzip.compress(content))
    assert read(packed)["scaled"].tolist() == [10, 10.5, 11]
    packed.write_bytes(gzip.compress(content)[:-40])
    with pytest.raises(ReadError, match="whole FITS file is needed"):
        read(packed)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9])
def test_a_catalogue_cut_in_the_middle(data_dir, tmp_path, share):
    content = (data_dir / "fermi-lat-catalogs/gll_psc_v18.fit").read_bytes()
    path = tmp_path / "cut.fits"
    path.write_bytes(content[: int(share * len(content))])
    if share == 0.9:  # the first table is whole there: only a later one is cut
        path = f"{path}#GTI"
    with pytest.raises(ReadError, match="a whole FITS file is needed; this one is cut"):
        read(path)


def test_images_and_empty_tables_and_doubled_names(tmp_path):
    fits.PrimaryHDU(np.zeros((3, 3))).writeto(tmp_path / "image.fits")
    with pytest.raises(ReadError, match="there are only images"):
        read(tmp_path / "image.fits")
    empty = fits.BinTableHDU.from_columns([fits.Column("t", "D", array=[])])
    fits.HDUList([fits.PrimaryHDU(), empty]).writeto(tmp_path / "empty.fits")
    with pytest.raises(ReadError, match="has none"):
        read(tmp_path / "empty.fits")
    doubled = fits.BinTableHDU.from_columns(
        [fits.Column("t", "D", array=[1.0]), fits.Column("u", "D", array=[1.0])]
    )
    fits.HDUList([fits.PrimaryHDU(), doubled]).writeto(tmp_path / "doubled.fits")
    fits.setval(tmp_path / "doubled.fits", "TTYPE2", value="t", ext=1)
    with pytest.raises(ReadError, match="'t' is the name of columns 1 and 2"):
        read(tmp_path / "doubled.fits")


def test_without_astropy_the_extra_is_named(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "astropy.io", None)
    with pytest.raises(ReadError, match=r"pip install 'baksan\[astro\]'"):
        read(path)


def test_published_catalogues_agree_with_astropy(data_dir):
    from astropy.table import Table

    path = data_dir / "fermi-lat-catalogs/gll_psc_v16.fit"
    ours = list(blocks(path, 1000))
    theirs = Table.read(path, hdu=1)
    assert [len(b) for b in ours] == [1000, 1000, 1000, 34]
    for name in ("RAJ2000", "Flux_History", "ROI_num"):
        np.testing.assert_array_equal(
            np.concatenate([b[name] for b in ours]), np.asarray(theirs[name])
        )
    assert ours[0]["Flux_History"].shape == (1000, 48)
    hess = read(data_dir / "hess-dl3-dr1/hess_dl3_dr1_obs_id_023523.fits.gz")
    assert (len(hess), hess.column("ENERGY").unit) == (7613, "TeV")
