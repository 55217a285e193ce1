"""Files: whole or not there; strict JSON; sentences for disks and folders."""

import errno
import json
import os

import numpy as np
import pytest

from baksan.files import alone, partials, plain, read_json, replacing, write_json


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_file_appears_whole_at_the_end(tmp_path):
    path = tmp_path / "deep" / "er" / "x.json"
    with replacing(path) as beside:
        beside.write_text("new")
        assert not path.exists() and beside.suffix == ".json" and beside.parent == path.parent
    assert path.read_text() == "new" and names(path.parent) == ["x.json"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3)])
def test_an_error_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(type(error)), replacing(path) as beside:
        beside.write_text("half")
        raise error
    assert path.read_text() == "old" and names(tmp_path) == ["x.txt"]


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "x.txt needs more room than the disk has left; nothing half-written"),
        (errno.EDQUOT, "x.txt needs more room than the disk has left"),
        (errno.EFBIG, "x.txt needs more room than the disk has left"),
        (errno.EACCES, "x.txt must be writable; it is not. Choose another place"),
        (errno.EROFS, "x.txt must be writable"),
        (errno.EIO, "x.txt could not be written: Input/output error. Choose"),
    ],
)
def test_each_failure_of_the_disk_has_its_sentence(tmp_path, number, sentence):
    with pytest.raises(OSError, match=sentence) as caught, replacing(tmp_path / "x.txt") as beside:
        beside.write_text("half")
        raise OSError(number, os.strerror(number))
    assert caught.value.errno == number
    assert names(tmp_path) == []


def test_errors_of_other_files_pass_as_they_are(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "x.txt") as beside:
        beside.write_text("half")
        (tmp_path / "input.csv").open()
    assert caught.value.filename == str(tmp_path / "input.csv")
    with pytest.raises(FileNotFoundError, match="^no such file: a.csv"), replacing(tmp_path / "x"):
        raise FileNotFoundError("no such file: a.csv")
    assert names(tmp_path) == []


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "run").write_text("a file")
    for path in (tmp_path / "run" / "x.txt", tmp_path / "run" / "deep" / "x.txt"):
        with pytest.raises(OSError, match="must lie in a folder; .*run.* is a file"):
            write_json(path, 1)
    assert (tmp_path / "run").read_text() == "a file"


def test_leftovers_of_killed_writers_are_found(tmp_path):
    (tmp_path / "models").mkdir()
    context = replacing(tmp_path / "models" / "net.5.skops")
    left = context.__enter__()
    left.write_text("half")
    (tmp_path / "models" / "net.skops").write_text("whole")
    (tmp_path / ".hidden").write_text("somebody's")
    assert partials(tmp_path) == [left]


def test_plain_json_is_strict(tmp_path):
    content = {
        "nan": float("nan"), "inf": np.array([1.0, np.inf]), "n": np.int64(3), "b": np.bool_(True),
        "deep": {"t": (1, [np.float32(0.5)])}, 7: "key", "path": tmp_path, "none": None, "ü": "ß",
    }  # fmt: skip
    write_json(tmp_path / "x.json", content)
    strict = json.loads((tmp_path / "x.json").read_bytes(), parse_constant=pytest.fail)
    assert strict == read_json(tmp_path / "x.json") == plain(content)
    assert (
        strict["nan"] is None and strict["inf"] == [1.0, None] and strict["deep"]["t"][1] == [0.5]
    )
    with pytest.raises(TypeError):
        write_json(tmp_path / "x.json", {"a": object()})
    assert read_json(tmp_path / "x.json") == strict and names(tmp_path) == ["x.json"]


@pytest.mark.parametrize("damage", [b"", b'{"a": 1', b"\xff\xfe\x00", b"[" * 100_000])
def test_what_is_no_json_is_named(tmp_path, damage):
    (tmp_path / "x.json").write_bytes(damage)
    with pytest.raises(ValueError, match="x.json must be JSON as baksan writes it"):
        read_json(tmp_path / "x.json")


def test_a_folder_belongs_to_one_at_a_time(tmp_path):
    folder = tmp_path / "deep" / "run"
    with alone(folder):
        with pytest.raises(FileExistsError, match="in .*run another command"), alone(folder):
            raise AssertionError
        write_json(folder / "x.json", 1)
    with alone(folder):
        assert names(folder) == ["x.json"]
    file = folder / "x.json"
    with pytest.raises(OSError, match="a folder is needed; .*x.json is a file"), alone(file):
        raise AssertionError


def test_where_nothing_can_be_locked_nobody_is_kept_out(tmp_path, monkeypatch):
    import fcntl

    def none(place, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    with alone(tmp_path), alone(tmp_path):
        write_json(tmp_path / "x.json", 1)
