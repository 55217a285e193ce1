"""open_stream: the events of a file in blocks are those of the whole file, to the last bit."""

import gzip

import numpy as np
import pytest

from baksan.data import footprint, load
from baksan.data.parquet import write_parquet
from baksan.data.streaming import open_stream
from baksan.samples import Samples
from baksan.table import Column, Table

rng = np.random.default_rng(3)
N = 1000
kind = np.where(np.arange(N) < 700, "hadron", "gamma")  # the first blocks lack a class


def lost(values, *rows):
    values = np.array(values, dtype=float)
    values[list(rows)] = np.nan
    return values


TABLE = Table(
    {
        "width": Column(lost(rng.normal(size=N), 5, 333, 334), "mm", "width of the image"),
        "energy": Column(lost(rng.exponential(size=N), 334, 900), "TeV"),
        "n": Column(np.r_[rng.integers(0, 50, N - 1), 49]),
        "flat": np.full(N, 7.0),
        "late": np.where(np.arange(N) == N - 1, 1.0, 0.0),
        "kind": kind,
        "run": Column(np.arange(N) // 10),
        "name": np.array([f"e{k}" for k in range(N)]),
        "w": rng.uniform(size=N),
    }
)
NUMBERS = Table({n: TABLE.columns[n] for n in ("width", "energy", "n", "flat", "late", "run", "w")})


def same(streamed, whole, notes=True):
    """Every part of the Samples of a file is that of its blocks, one after the other."""
    parts = list(streamed)
    for part in ("x", "y", "weight", "group", "id"):
        expected = getattr(whole, part)
        if expected is None:
            assert all(getattr(block, part) is None for block in parts)
            continue
        found = np.concatenate([getattr(block, part) for block in parts])
        np.testing.assert_array_equal(found, expected)
        assert found.dtype.kind == expected.dtype.kind, part
    for block in parts:
        assert block.features == whole.features and block.answer == whole.answer
        assert block.class_names == whole.class_names
        assert block.x.flags.f_contiguous
    if notes:
        expected = [note for note in whole.notes if not note.startswith("missing values")]
        assert sorted(streamed.survey.notes) == sorted(expected)
    Samples(parts[0].x, parts[0].y, class_names=whole.class_names)  # what is trusted is also true


def write_csv(table, path):
    heads = [f"{n} [{c.unit}]" if c.unit else n for n, c in table.columns.items()]
    cells = [["" if v != v else str(v) for v in c.values.tolist()] for c in table.columns.values()]
    lines = [",".join(heads), *(",".join(row) for row in zip(*cells, strict=True))]
    path.write_text("\n".join(lines) + "\n")


def write_hdf5(table, path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, column in table.columns.items():
            values = column.values
            held = values.astype("S") if values.dtype.kind == "U" else values
            file.create_dataset(f"events/{name}", data=held).attrs["unit"] = column.unit


def write_compound(table, path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["events"] = structured(table)


def write_fits(table, path):
    fits = pytest.importorskip("astropy.io.fits")
    hdu = fits.BinTableHDU(structured(table))
    for j, column in enumerate(table.columns.values()):
        if column.unit:
            hdu.header[f"TUNIT{j + 1}"] = column.unit
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)


def structured(table):
    held = {
        n: c.values.astype("S") if c.values.dtype.kind == "U" else c.values
        for n, c in table.columns.items()
    }
    rows = np.empty(len(table), dtype=[(n, v.dtype) for n, v in held.items()])
    for name, values in held.items():
        rows[name] = values
    return rows


WRITERS = {
    "parquet": write_parquet,
    "csv": write_csv,
    "h5": write_hdf5,
    "hdf": write_compound,
    "fits": write_fits,
    "npz": lambda table, path: np.savez(path, **{n: c.values for n, c in table.columns.items()}),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for ending, write in WRITERS.items():
        write(TABLE, folder / f"t.{ending}")
    np.save(folder / "t.npy", structured(NUMBERS))
    return folder


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize(
    "asked",
    [
        {"answer": "kind"},
        {"answer": "kind", "signal": "hadron", "group": "run", "weight": "w", "id": "name"},
        {"answer": "energy", "features": ["width", "lgn=log10(n + 1)", "n"]},
        {"answer": "kind", "features": "width,late", "where": "n > 30 and energy[TeV] < 2"},
        {"features": ["late", "width"]},
        {"answer": "n", "signal": "7", "features": ["width"]},
    ],
    ids=["all", "parts", "formula", "where", "late", "numbers"],
)
def test_a_file_in_blocks_is_the_file(files, ending, asked):
    file = files / f"t.{ending}"
    if ending in ("hdf", "npz") and "where" in asked:
        asked = {**asked, "where": "n > 30 and energy < 2"}
    same(open_stream(file, rows=64, **asked), load(file).samples(**asked))


def test_an_array_in_blocks(files):
    same(
        open_stream(files / "t.npy", rows=100, answer="w"),
        load(files / "t.npy").samples(answer="w"),
    )


@pytest.mark.parametrize("rows", [1, 37, 5000])
def test_blocks_of_any_size(files, rows):
    file = files / "t.parquet"
    same(open_stream(file, rows=rows, answer="kind"), load(file).samples(answer="kind"))


def test_a_folder_counts_on(tmp_path):
    for k in range(3):
        part = Table(
            TABLE.take(np.arange(k * 300, k * 300 + 300)).columns, notes=["2 rows left out."]
        )
        write_parquet(part, tmp_path / f"{k}.parquet")
    same(open_stream(tmp_path, rows=128, answer="kind"), load(tmp_path).samples(answer="kind"))


def test_the_catalogue_rules():
    whole = load("digits").samples()
    same(open_stream("digits", rows=100), whole)
    same(
        open_stream("digits", rows=100, where="pixel_0_2 > 3"),
        load("digits").samples(where="pixel_0_2 > 3"),
    )
    with pytest.raises(ValueError, match="it is the answer"):
        open_stream("digits", features=["digit"])


def test_a_data_set_with_groups_and_formulas(data_dir):
    same(open_stream("magic", rows=3000), load("magic").samples())
    forbidden = {"features": ["id", "MU"]}
    with pytest.raises(ValueError, match="its last digit is the class"):
        open_stream("uhecr-composition", **forbidden)


def test_vectors_lose_their_constant_elements(tmp_path):
    pulse = rng.normal(size=(100, 3))
    pulse[:, 1] = 4
    write_parquet(
        Table({"pulse": Column(pulse, "ADC"), "y": np.arange(100.0)}), tmp_path / "t.parquet"
    )
    file = tmp_path / "t.parquet"
    X = open_stream(file, rows=30, answer="y")
    assert X.names == ("pulse[0]", "pulse[2]")
    same(X, load(file).samples(answer="y"))
    asked = {"answer": "y", "features": ["pulse[2]", "s=pulse[0] * 2"]}
    same(open_stream(file, rows=30, **asked), load(file).samples(**asked))


def test_integers_that_become_floats_keep_their_classes(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    codes = [1, 2] * 50 + [None, 1]
    table = pa.table({"x": np.arange(102.0), "code": pa.array(codes, pa.int32())})
    parquet.write_table(table, tmp_path / "t.parquet")
    asked = {"answer": "code", "signal": "2"}
    X = open_stream(tmp_path / "t.parquet", rows=10, **asked)
    assert X.class_names == ("1", "2")
    same(X, load(tmp_path / "t.parquet").samples(**asked))


@pytest.mark.parametrize(
    ("codes", "asked"),
    [
        ([1, 2] * 10, {"signal": "2"}),
        ([1, 2] * 10, {"signal": "2", "where": "x < 20"}),
        ([1, 2] * 10 + [None, 1], {"signal": "2", "where": "x < 20"}),
        ([0, 1] * 10, {"where": "x < 20"}),
    ],
)
def test_codes_missing_in_a_whole_block_are_as_in_memory(tmp_path, codes, asked):
    import pyarrow as pa
    from pyarrow import parquet

    codes = codes + [None] * 12
    table = pa.table({"x": np.arange(len(codes)), "code": pa.array(codes, pa.int32())})
    parquet.write_table(table, tmp_path / "t.parquet")
    asked = {"answer": "code", **asked}
    X = open_stream(tmp_path / "t.parquet", rows=10, **asked)
    same(X, load(tmp_path / "t.parquet").samples(**asked))


@pytest.fixture
def folder(tmp_path):
    """Two files; columns y and z are numbers in the one and text in the other."""
    (tmp_path / "a.csv").write_text("x,y,z\n1,1,5\n2,2,6\n3,1,7\n4,2,9\n")
    (tmp_path / "b.csv").write_text("x,y,z\n105,bad,bad\n106,2,bad\n")
    return tmp_path


@pytest.mark.parametrize("first", ["a.csv", "c.csv"])
@pytest.mark.parametrize("where", ["x < 100", "x < 106", "x > 0"])
def test_answers_that_a_file_of_a_folder_has_as_text_are_as_in_memory(folder, first, where):
    (folder / "a.csv").rename(folder / first)
    asked = {"answer": "y", "features": ["x"], "signal": "2", "where": where}
    same(open_stream(folder, **asked), load(folder).samples(**asked))


@pytest.mark.parametrize(
    ("column", "asked"),
    [
        ("y", {"answer": "x"}),
        ("z", {"features": ["x", "z"]}),
        ("y", {"features": ["x"], "answer": "y"}),
        ("z", {"features": ["x"], "weight": "z"}),
    ],
)
@pytest.mark.parametrize("where", [None, "x < 100"])
def test_numbers_that_become_text_are_refused(folder, column, asked, where):
    told = rf"b.csv: column '{column}' must hold numbers, .*; it holds the text 'bad'. Mend"
    with pytest.raises(TypeError, match=told):
        len(open_stream(folder, where=where, **asked))


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
@pytest.mark.parametrize("signal", [None, "1"])
def test_whole_floats_beside_text_are_one_class_with_the_integers(tmp_path, names, signal):
    (tmp_path / f"{names[0]}.csv").write_text("x,y\n1,1.0\n2,0.0\n4,1.0\n")
    (tmp_path / f"{names[1]}.csv").write_text("x,y\n5,bad\n6,1\n7,0\n8,bad\n")
    whole = load(tmp_path).samples(answer="y", signal=signal)
    assert sorted(whole.class_names) == ["0", "1", "bad"]
    same(open_stream(tmp_path, answer="y", signal=signal), whole)


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
@pytest.mark.parametrize("asked", [{"features": ["x", "kind"]}, {"where": "x != 6"}, {}])
@pytest.mark.parametrize("impute", [False, True])
def test_text_may_be_missing_in_a_whole_file(tmp_path, names, asked, impute):
    (tmp_path / f"{names[0]}.csv").write_text("x,y,kind\n1,3,\n2,4,\n4,5,\n")
    (tmp_path / f"{names[1]}.csv").write_text("x,y,kind\n5,1,g\n6,2,h\n7,8,\n8,2,g\n")
    asked = {"answer": "y", "impute": impute, **asked}
    same(open_stream(tmp_path, **asked), load(tmp_path).samples(**asked))
    same(open_stream(tmp_path, rows=2, **asked), load(tmp_path).samples(**asked))


def test_zeros_and_ones_are_told_once_all_are_seen(tmp_path):
    y = np.r_[np.zeros(50), np.ones(50)]
    for name, answers in {"two": y, "three": np.r_[y, 2.0]}.items():
        table = Table({"x": np.arange(float(len(answers))), "y": answers})
        write_parquet(table, tmp_path / f"{name}.parquet")
        file = tmp_path / f"{name}.parquet"
        X = open_stream(file, rows=20, answer="y")
        assert bool(X.survey.notes) == (name == "two")
        same(X, load(file).samples(answer="y"))


def test_blocks_without_an_event_or_a_weight_still_count(tmp_path):
    weight = np.where(np.arange(90) < 40, 0.0, 1.0)
    width = lost(np.arange(90.0), *range(30), *range(80, 90))
    write_parquet(Table({"width": width, "w": weight}), tmp_path / "t.parquet")
    X = open_stream(tmp_path / "t.parquet", rows=10, weight="w")
    assert X.survey.notes == ("40 rows left out: width is missing or infinite.",)
    same(X, load(tmp_path / "t.parquet").samples(weight="w"))


@pytest.mark.parametrize(
    "asked",
    [
        {"answer": "no"},
        {"features": ["no"]},
        {"features": ["name"]},
        {"features": ["kind"], "answer": "kind"},
        {"features": ["width", "flat"]},
        {"answer": "flat"},
        {"answer": "flat", "signal": "7.0"},
        {"answer": "kind", "signal": "muon"},
        {"answer": "kind", "where": "n > 90"},
        {"answer": "kind", "where": "n +"},
        {"answer": "kind", "where": "kind == 'gamma'"},
        {"answer": "kind", "weight": "name"},
        {"answer": "n", "features": ["n"]},
        {"features": ["x=log10(0 * n) + width"]},
        {"features": ["width=n * 2"]},
    ],
)
def test_errors_are_those_of_the_whole_file(files, asked):
    file = files / "t.parquet"
    if asked == {"answer": "flat"}:
        same(open_stream(file, **asked), load(file).samples(**asked))
        return
    with pytest.raises((ValueError, KeyError, TypeError)) as whole:
        load(file).samples(**asked)
    with pytest.raises(whole.type) as streamed:
        open_stream(file, rows=64, **asked)
    assert str(streamed.value) == str(whole.value)


def test_weights_may_be_negative_but_not_their_sum(tmp_path):
    x, weight = np.arange(100.0), np.ones(100)
    weight[30:45] = -1  # blocks of rows 30 … 49 sum to 0 or less
    write_parquet(Table({"x": x, "w": weight}), tmp_path / "t.parquet")
    told = open_stream(tmp_path / "t.parquet", rows=10, weight="w").survey
    assert (told.mass, told.negative, told.effective_events) == (70.0, 15.0, 49.0)
    mean = np.average(x, weights=weight)
    assert told.mean[0] == pytest.approx(mean)
    assert told.variance[0] == pytest.approx(np.average((x - mean) ** 2, weights=weight))
    assert told.weight_notes[0].startswith("15 % of the weight is negative, Σw = 70:")
    weight[:] = np.where(x < 99, 1, -200)
    write_parquet(Table({"x": x, "w": weight}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="those of 100 events sum to -101"):
        _ = open_stream(tmp_path / "t.parquet", rows=10, weight="w").survey


def test_a_condition_that_all_rows_fulfil_is_told_too(files):
    X = open_stream(files / "t.parquet", features=["n"], where="n < 90", rows=300)
    assert X.survey.notes == ("0 rows left out by the condition n < 90.",)


def test_only_the_columns_that_are_needed_are_read(files, monkeypatch):
    from baksan.data import streaming

    asked = []

    def spied(name, rows, **options):
        asked.append(options.get("columns"))
        return real(name, rows, **options)

    real = streaming.blocks
    monkeypatch.setattr(streaming, "blocks", spied)
    X = open_stream(files / "t.parquet", answer="w", features=["a=n*2"], where="energy > 0")
    len(X)
    assert asked[0] is None and {tuple(sorted(c)) for c in asked[1:]} == {("energy", "n", "w")}


@pytest.mark.parametrize("ending", [*WRITERS, "npy"])
def test_the_footprint_is_that_of_the_table(files, ending, tmp_path):
    file = files / f"t.{ending}"
    columns = load(file).table.columns
    cells = {n: c.values.itemsize if c.is_text else 8 for n, c in columns.items()}
    near = pytest.approx if ending != "csv" else lambda size: pytest.approx(size, rel=0.03)
    assert footprint(file) == pytest.approx(N * sum(cells.values()), rel=0.05)
    assert footprint(file, ["n", "width"]) == near(16 * N)
    for k in range(2):
        (tmp_path / f"{k}.{ending}").write_bytes(file.read_bytes())
    assert footprint(tmp_path, ["n"]) == near(16 * N)
    with pytest.raises(ValueError, match="a column 'no' is needed"):
        footprint(file, ["no"])


def test_the_footprint_of_what_is_packed_and_of_data_sets(files, tmp_path):
    text = (files / "t.csv").read_bytes()
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(text))
    assert footprint(tmp_path / "t.csv.gz", ["n"]) == pytest.approx(8 * N, rel=0.03)
    assert footprint("digits") > 50_000
    np.savez(tmp_path / "one.npz", rng.normal(size=(10, 3)).astype(np.float32))
    assert footprint(tmp_path / "one.npz") == 240
    assert footprint(tmp_path / "one.npz", ["x3"]) == 80


def test_missing_files_and_names():
    with pytest.raises(FileNotFoundError, match="no such file"):
        open_stream("nowhere.parquet")
    with pytest.raises(KeyError, match="The catalogue has"):
        open_stream("nothing")


def test_a_stream_holds_no_row_before_it_is_read(files):
    asked = {"answer": "kind", "signal": "gamma"}
    X = open_stream(files / "t.parquet", **asked)
    assert len(X._source.blocks.__self__.first) == 0
    same(X, load(files / "t.parquet").samples(**asked))
