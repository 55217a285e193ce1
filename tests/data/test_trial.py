"""Trials: files that would hang this process, or end it, are read by another one first."""

import os
import signal

import pytest

from baksan.data import hdf5, read, trial
from baksan.data.columns import ReadError
from baksan.data.trial import Trial

VISIT = """
import os, time
def visit(path, part):
    word = path.read_text()
    if word == "circle":
        while True: pass
    if word == "crash":
        os.kill(os.getpid(), 11)
    if word == "error":
        raise ValueError
from baksan.data.trial import serve
serve(visit)
"""


@pytest.fixture
def made(monkeypatch):
    made = Trial("hdf5")
    made.program = VISIT
    monkeypatch.setattr(trial, "_SECONDS", 0)
    return made


def test_whoever_survives_reads_the_next(tmp_path, made):
    told = {"crash": "crashes (11)", "circle": "does not end in 0 s", "error": "", "fine": ""}
    for word in told:
        (tmp_path / word).write_text(word)
        assert made.failed(tmp_path / word, None) == told[word]
    first = made.process.pid
    (tmp_path / "fine").write_text("changed")
    assert made.failed(tmp_path / "fine", "part") == "" and made.process.pid == first


@pytest.mark.parametrize("program", ["import sys; sys.exit(3)", "import no_such_module", "0"])
def test_a_process_that_does_not_get_so_far_says_nothing_about_the_file(tmp_path, made, program):
    (tmp_path / "some").write_text("fine")
    made.program = program
    with pytest.raises(
        ReadError, match=r"^some: HDF5 files are tried .*; it ended with the status [013]\."
    ):
        made.check(tmp_path / "some", None, "some")
    made.program = VISIT
    assert made.failed(tmp_path / "some", None) == ""


def test_a_process_that_cannot_start_says_so(tmp_path, made, monkeypatch):
    (tmp_path / "some").write_text("fine")
    monkeypatch.setattr(trial.sys, "executable", str(tmp_path / "no python"))
    with pytest.raises(ReadError, match=r"it cannot start \(No such file or directory\)\. Look"):
        made.check(tmp_path / "some", None, "some")


def test_a_file_is_tried_once_until_it_changes(tmp_path, made):
    path = tmp_path / "some"
    path.write_text("fine")
    assert made.failed(path, None) == "" == made.failed(path, None)
    assert len(made.passed) == 1
    path.write_text("crash!"[:5])
    assert made.failed(path, None) == "crashes (11)"


def test_a_fork_has_a_process_of_its_own(tmp_path, made):
    (tmp_path / "some").write_text("fine")
    assert made.failed(tmp_path / "some", None) == ""
    made.owner = os.getpid() + 1
    before = made.process
    assert made.failed(tmp_path / "some", "other part") == "" and made.process is not before
    before.communicate()


def test_a_process_killed_meanwhile_is_replaced(tmp_path, made):
    (tmp_path / "some").write_text("fine")
    assert made.failed(tmp_path / "some", None) == ""
    made.process.send_signal(signal.SIGKILL)
    made.process.wait()
    assert made.failed(tmp_path / "some", "other part") == ""


def test_what_hdf5_does_not_survive_becomes_a_sentence(tmp_path, monkeypatch):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["x"] = [1.0, 2.0]
    monkeypatch.setattr(hdf5._TRIAL, "failed", lambda path, part: "crashes (11)")
    with pytest.raises(
        ReadError, match=r"so that the library that reads it crashes \(11\). Fetch it again"
    ):
        list(hdf5.blocks(tmp_path / "t.h5", "t.h5", 9))


def test_of_a_large_file_the_ends_are_read(tmp_path, monkeypatch):
    (tmp_path / "some").write_text("fine")
    assert list(trial.starts(tmp_path / "some", 10, 4)) == [0, 4, 8]
    assert trial.starts(tmp_path / "some", 2**62, 4)[-1] == 2**62 - 4
    monkeypatch.setattr(trial, "_LARGE", 1)
    assert sorted(trial.starts(tmp_path / "some", 10, 4)) == [0, 8]
    assert list(trial.starts(tmp_path / "some", 0, 4)) == []


def test_modules_beside_the_data_are_not_run(tmp_path, monkeypatch):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["x"] = [1.0, 2.0]
    for name in ("json", "numpy", "baksan"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hdf5, "_TRIAL", Trial("hdf5"))
    assert read("t.h5")["x"].tolist() == [1.0, 2.0]
    assert not (tmp_path / "run").exists()
