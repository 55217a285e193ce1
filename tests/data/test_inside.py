"""What is in a file of several tables, without choosing one."""

import sqlite3

import pytest

from baksan.cli import main
from baksan.data import read
from baksan.data.columns import SeveralTables
from baksan.data.inside import inside


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "two.db"
    with sqlite3.connect(path) as held:
        held.execute("create table events (E real, x real, y real, z real, t real, u real, v real)")
        held.executemany("insert into events values (?,?,?,?,?,?,?)", [[k] * 7 for k in range(3)])
        held.execute("create table runs (run integer)")
        held.execute("insert into runs values (7)")
        held.execute("create table empty (a integer)")
    held.close()
    return path


def test_each_table_has_a_line(file):
    with pytest.raises(SeveralTables) as several:
        read(file)
    lines = list(inside(file, several.value.parts))
    assert lines == [
        "  events  3 rows, 7 columns: E, x, y, z, t, u, …",
        "  runs    1 row, 1 column: run",
        lines[2],
    ]
    assert lines[2].startswith("  empty   rows are needed")


def test_describe_lists_them_and_train_asks_for_one(file, capsys):
    with pytest.raises(SystemExit) as end:
        main(["data", "describe", str(file)])
    told = capsys.readouterr().out
    assert end.value.code == 0
    assert told.startswith(f"{file}: 3 tables\n") and f"data describe '{file}#events'" in told
    with pytest.raises(SystemExit) as end:
        main(["train", str(file), "--answer", "E"])
    assert end.value.code == 2
    assert "one table must be chosen; there are 3: events" in capsys.readouterr().err


def test_a_wrong_table_is_an_error(file, capsys):
    with pytest.raises(SystemExit) as end:
        main(["data", "describe", f"{file}#event"])
    assert end.value.code == 2
    assert "one table (not 'event') must be chosen" in capsys.readouterr().err
