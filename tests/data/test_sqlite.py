"""SQLite tables: types by content, and nothing in the file runs."""

import sqlite3

import numpy as np
import pytest

from baksan.data import ReadError, blocks, read
from baksan.data.formats import footprint


def write(path, script, rows=()):
    """A database by a script, with rows for its table t."""
    with sqlite3.connect(path) as connection:
        connection.executescript(script)
        for row in rows:
            connection.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(row))})", row)
    connection.close()
    return path


def test_types_are_those_of_the_cells(tmp_path):
    script = "CREATE TABLE t (n TEXT, i INTEGER, x REAL, lost BLOB, word, big, none)"
    rows = [("1.5", 1, 2.0, 3, "a", 2**53 + 1, None), ("ü", 2, 1e999, None, "", -(2**63), None)]
    table = read(write(tmp_path / "t.db", script, rows))
    assert table["n"].tolist() == ["1.5", "ü"]  # what is declared as text is kept as text
    assert (table["i"].dtype, table["big"].tolist()) == (np.int64, [2**53 + 1, -(2**63)])
    np.testing.assert_array_equal(table["x"], [2, np.inf])
    np.testing.assert_array_equal(table["lost"], [3, np.nan])
    assert (table["word"].tolist(), table["none"].dtype) == (["a", ""], np.float64)
    assert table.notes == ("missing values: lost 1, none 2.",)


def test_integers_that_doubles_do_not_hold_are_told(tmp_path):
    path = write(tmp_path / "t.db", "CREATE TABLE t (id, x)", [(2**53 + 1, 1), (None, 2)])
    assert "integers beyond 2^53 were rounded to double precision: id." in read(path).notes


def test_words_among_numbers(tmp_path):
    numbers = [(float(j),) for j in range(30)]
    path = write(tmp_path / "t.db", "CREATE TABLE t (x)", [*numbers, ("NA",), ("2.5",), ("",)])
    np.testing.assert_array_equal(read(path)["x"][-3:], [np.nan, 2.5, np.nan])
    path = write(tmp_path / "word.db", "CREATE TABLE t (x)", [*numbers, ("many",)])
    with pytest.raises(ReadError, match="a number is needed in column 'x'; row 31 has 'many'"):
        read(path)
    path = write(tmp_path / "mixed.db", "CREATE TABLE t (x)", [(1,), (2.5,), ("many",), (None,)])
    assert read(path)["x"].tolist() == ["1", "2.5", "many", ""]


def test_bytes_formulas_and_long_texts_are_left_out_by_name(tmp_path):
    script = "CREATE TABLE t (x, blob, page, twice AS (2 * x), kept AS (3 * x) STORED)"
    path = write(tmp_path / "t.db", script)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO t VALUES (1, ?, ?)", (b"\0\1", "long" * 5000))
    connection.close()
    table = read(path)
    assert table.names == ("x", "kept")
    assert table.notes[0].startswith(
        "columns left out: twice (computed by a formula in the file); blob (bytes (BLOB)); page"
        " (text of up to 20,000 characters)."
    )
    with pytest.raises(ReadError, match=r"'blob' holds bytes \(BLOB\)"):
        next(blocks(path, columns=["x", "blob"]))
    assert next(blocks(path, columns=["kept"]))["kept"].tolist() == [3]
    only = write(tmp_path / "only.db", "CREATE TABLE t (b)", [(b"\0",)])
    with pytest.raises(ReadError, match=r"there are only b \(bytes \(BLOB\)\)"):
        read(only)


def test_tables_are_chosen_by_name_and_never_guessed(tmp_path):
    script = """CREATE TABLE "odd ""name"" é" (a); INSERT INTO "odd ""name"" é" VALUES (1);
                CREATE TABLE other (b PRIMARY KEY) WITHOUT ROWID; INSERT INTO other VALUES (2), (1);
                CREATE TABLE empty (c); CREATE INDEX quick ON other (b DESC)"""
    path = write(tmp_path / "t.db", script)
    with pytest.raises(ReadError, match="there are 3: .*, other, empty"):
        read(path)
    assert read(f'{path}#odd "name" é')["a"].tolist() == [1]
    assert read(path, part="other")["b"].tolist() == [1, 2]
    with pytest.raises(ReadError, match="rows are needed; the table is empty"):
        read(path, part="empty")
    with pytest.raises(ReadError, match=r"\(not 'x'\)"):
        read(path, part="x")
    with pytest.raises(ReadError, match="the database has none"):
        read(write(tmp_path / "none.db", "CREATE TABLE t (a); DROP TABLE t"))


@pytest.mark.parametrize("size", [1, 4999, 65536])
def test_blocks_keep_the_order_of_the_rows(tmp_path, size):
    rows = [(j, f"e{j}") for j in range(10_000)]
    path = write(tmp_path / "t.db", "CREATE TABLE t (j, word); CREATE INDEX i ON t (j DESC)", rows)
    parts = list(blocks(path, size, columns=["word", "j"])) if size > 1 else [read(path)]
    assert np.concatenate([p["j"] for p in parts]).tolist() == list(range(10_000))
    assert np.concatenate([p.rows for p in parts]).tolist() == list(range(10_000))
    assert parts[0]["word"][3] == "e3"
    assert footprint(path, columns=["j"]) == 80_000


def test_programs_in_the_file_do_not_run(tmp_path):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    script = f"CREATE TABLE t (a); INSERT INTO t VALUES (1); CREATE VIEW v AS {endless}"
    path = write(tmp_path / "t.db", script)
    assert read(path)["a"].tolist() == [1]
    with pytest.raises(ReadError, match="'v' is a view or virtual table, a program in the file"):
        read(path, part="v")
    with sqlite3.connect(tmp_path / "virtual.db") as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE box USING rtree(id, low, high)")
        except sqlite3.OperationalError:
            pytest.skip("this SQLite has no R*Tree")
    connection.close()
    with pytest.raises(ReadError, match="'box' is a view or virtual table"):
        read(tmp_path / "virtual.db", part="box")


def test_nothing_is_written_and_odd_paths_are_found(tmp_path):
    folder = tmp_path / "a b%20?mode=rwc&'\"é"
    folder.mkdir()
    path = write(folder / "x;y.db", "CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    path.chmod(0o400)
    before = path.read_bytes()
    assert read(path)["a"].tolist() == [1]
    assert (list(folder.iterdir()), path.read_bytes()) == ([path], before)


def test_changes_that_lie_beside_the_file_are_not_overlooked(tmp_path):
    path = tmp_path / "t.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "PRAGMA journal_mode=WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)"
    )
    connection.commit()
    with pytest.raises(ReadError, match="t.db-wal beside it holds an unfinished change"):
        read(path)
    connection.close()
    assert read(path)["a"].tolist() == [1]  # the last one to close writes the log into the file


def test_damaged_files(tmp_path):
    rows = [(float(j), f"word {j}") for j in range(5000)]
    path = write(tmp_path / "t.db", "CREATE TABLE t (x, word)", rows)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ReadError, match="a whole SQLite database is needed"):
        read(path)
    random, read_anyway = np.random.default_rng(1), 0
    for _ in range(60):
        bad = np.frombuffer(whole, dtype=np.uint8).copy()
        bad[random.integers(20, len(bad), size=30)] = random.integers(0, 256, size=30)
        path.write_bytes(bad.tobytes())
        try:
            read(path)
            read_anyway += 1
        except ReadError as error:
            assert str(error).startswith(str(path))
    assert read_anyway < 60


def test_simulated_neutrino_events(data_dir):
    path = data_dir / "neutrino-telescope-sim/prometheus-events.db"
    with pytest.raises(ReadError, match="there are 2: total, mc_truth"):
        read(path)
    hits, truth = read(f"{path}#total"), read(f"{path}#mc_truth")
    assert (len(hits), len(truth), len(truth.names)) == (1872, 50, 28)
    assert set(hits["event_no"]) <= set(truth["event_no"])
    with sqlite3.connect(path) as connection:
        theirs = connection.execute("SELECT t FROM total ORDER BY rowid").fetchall()
    connection.close()
    assert hits["t"].tolist() == [t for (t,) in theirs]
