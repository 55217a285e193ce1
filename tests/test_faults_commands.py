"""Faults that meet any command: a full disk, a read-only folder, a clock that jumps, odd names."""

import errno
import os
import resource
import shutil
import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager

import pyarrow.parquet as pq
import pytest
from tests.runs import events, table_of, write_csv
from tests.test_faults import small, whole

import baksan as bk
from baksan.cli import main
from baksan.data.parquet import write_parquet
from baksan.files import partials
from baksan.store.run import RunFolder


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """A folder with events and a finished run."""
    folder = tmp_path_factory.mktemp("held")
    write_parquet(table_of(events(60)), folder / "events.parquet")
    small(folder / "run")
    return folder


@pytest.fixture
def place(held, tmp_path, monkeypatch):
    """A copy of it, in which commands work."""
    shutil.copytree(held, tmp_path / "place")
    monkeypatch.chdir(tmp_path / "place")
    return tmp_path / "place"


def said(capsys, *arguments):
    """Exit status of a command, and what it says on stderr."""
    try:
        main([str(a) for a in arguments])
        status = 0
    except SystemExit as ended:
        status = ended.code
    return status, capsys.readouterr().err


TRAIN = ["train", "events.parquet", "--answer", "kind", "-m", "linear-analytic", "--folds", "2",
         "--threads", "1"]  # fmt: skip
APPLY = ["apply", "run/models/descent.baksan", "events.parquet", "--out"]
SIMULATE = ["simulate", "telescope", "--events", "300", "--out"]
WRITES = {
    "train": ([*TRAIN, "--out"], "new"),
    "apply": (APPLY, "told.parquet"),
    "apply csv": (APPLY, "told.csv"),
    "simulate": (SIMULATE, "showers.parquet"),
    **{
        f"convert {ending}": (
            ["data", "convert", "events.parquet", "--answer", "kind"],
            f"o{ending}",
        )
        for ending in (
            ".parquet",
            ".csv",
            ".csv.gz",
            ".ecsv",
            ".jsonl",
            ".npy",
            ".npz",
            ".fits",
            ".h5",
            ".root",
            ".db",
            ".libsvm",
        )
    },
}
"""Commands that write, and what they are told to write last."""


# A full disk --------------------------------------------------------------------------------------


@contextmanager
def no_file_longer_than(size):
    """As on a full disk: writing beyond fails, in whatever library."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", [n for n in WRITES if n != "train"])
def test_a_full_disk_leaves_the_old_file(place, capsys, name):
    command, out = WRITES[name]
    (place / out).write_text("old")
    for size in (0, 100, 1000):
        with no_file_longer_than(size):
            status, told = said(capsys, "--quiet", *command, out)
        assert status == 2 and told.count("\n") == 1, told
        assert f"writing {out} needs more room than the disk has left" in told
        assert (place / out).read_text() == "old" and not partials(place)
    assert said(capsys, "--quiet", *command, out) == (0, "")
    assert (place / out).stat().st_size > 1000


@pytest.mark.parametrize("what", ["fsync", "replace"])
def test_a_disk_that_is_full_at_the_end(place, capsys, monkeypatch, what):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = {p: p.read_bytes() for p in place.rglob("*") if p.is_file()}
    monkeypatch.setattr(f"baksan.files.os.{what}", full)
    few = [held for name, held in WRITES.items() if "convert" not in name or name.endswith(".db")]
    commands = [[*command, out] for command, out in few] + [["report", "run"]]
    for command in commands:
        status, told = said(capsys, "--quiet", *command)
        assert status == 2 and told.count("\n") == 1, told
        assert "needs more room than the disk has left; nothing half-written remains" in told
        assert not partials(place)
    assert {p: p.read_bytes() for p in place.rglob("*") if p.is_file()} == before


# A read-only folder -------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_read_only_file_system(place, capsys):
    mount = shutil.which("mount")
    bind = ["mount", "--bind", str(place), str(place)]
    if mount is None or subprocess.run(bind, capture_output=True).returncode:
        pytest.skip("needs the right to mount a folder")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
        for command, out in WRITES.values():
            status, told = said(capsys, "--quiet", *command, place / out)
            assert status == 2 and told.count("\n") == 1, told
            assert f"{place / out} must be writable; it is not. Choose another" in told
        status, told = said(capsys, "--quiet", "report", place / "run")
        assert status == 2 and "report.html must be writable" in told
        assert said(capsys, "--quiet", "data", "describe", place / "events.parquet") == (0, "")
        elsewhere = place.parent / "told.parquet"
        assert said(capsys, "--quiet", *APPLY, elsewhere) == (0, "")
    finally:
        subprocess.run(["umount", str(place)], check=True)


# Two at once --------------------------------------------------------------------------------------


def test_two_trainings_into_one_folder(tmp_path):
    """The second is refused while the first lives, with --resume too, and changes nothing."""
    refused = []

    def second(text, share):
        if refused:
            return
        for resume in (False, True):
            with pytest.raises(FileExistsError, match="another command is at work"):
                small(tmp_path / "run", resume=resume)
            refused.append(resume)

    small(tmp_path / "run", progress=second)
    assert refused == [False, True]
    whole(tmp_path / "run")
    RunFolder.open(tmp_path / "run")


HOLD = """
import sys, time
from baksan.files import alone
with alone(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def test_who_was_killed_keeps_nobody_out(tmp_path):
    """The lock of a process ends with it, even by kill -9."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(FileExistsError, match="another command is at work"):
            small(tmp_path / "run")
        process.kill()
    assert list((tmp_path / "run").iterdir()) == []
    small(tmp_path / "run")


# A clock that jumps -------------------------------------------------------------------------------


@pytest.mark.parametrize("year", [1969, 1999, 2199])
def test_a_clock_that_jumps_by_years(tmp_path, monkeypatch, year):
    """Half of a training by one clock, the rest by another; files dated by a third."""
    real, moment, jumps = time.time, (year - 1970) * 365.25 * 86400, []
    monkeypatch.setattr(time, "time", lambda: real() if len(jumps) % 2 else moment)

    class Enough(Exception):
        pass

    def stop(text, share):
        jumps.append(share)
        if share > 0.6:
            raise Enough

    methods = ["linear-gd", "cuts"]
    settings = {"folds": 2, "replicas": 5, "threads": 1, "out": tmp_path / "run"}
    with pytest.raises(Enough):
        bk.train(events(60), methods, progress=stop, **settings)
    for path in (tmp_path / "run").rglob("*"):
        os.utime(path, (4e9, 4e9))
    shares = []
    run = bk.train(
        events(60), methods, resume=True, progress=lambda t, s: shares.append(s), **settings
    )
    assert shares == sorted(shares) and all(p.seconds >= 0 for p in run.parts["cuts"])
    undisturbed = bk.train(events(60), methods, folds=2, replicas=5, threads=1)
    assert run.evaluation.to_dict() == undisturbed.evaluation.to_dict()
    whole(tmp_path / "run")


def test_a_model_file_does_not_depend_on_the_clock(tmp_path, monkeypatch):
    files = []
    for moment in (0.0, 2e9):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        run = bk.train(events(60), ["linear-analytic"], folds=2, replicas=5, threads=1)
        stored = run.models["linear-analytic"]
        card = stored.card.model_copy(update={"provenance": {}})
        files.append(bk.store.save_model(tmp_path / f"at-{moment}", stored.model, card))
    assert files[0].read_bytes() == files[1].read_bytes()
    with zipfile.ZipFile(files[0]) as archive:
        assert {member.date_time[0] for member in archive.infolist()} == {1980}


# Odd names ----------------------------------------------------------------------------------------


NAMES = [
    "two words, O'Brien \"quoted\"; Баксан η → μ", "-a#b# 50% [x] {y} $HOME `z` *? <&> \\",
    "#tab\tbell\x07 e\u0301 😀",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_paths_with_odd_names(tmp_path, monkeypatch, capsys, name):
    """Described, trained on, gone on with, applied and reported, end to end."""
    folder = tmp_path / name
    folder.mkdir()
    events_file = write_csv(folder / f"{name}.csv", events(60))
    run, told = folder / f"{name} run", folder / f"{name}.parquet"
    fast = ["--answer", "kind", "-m", "linear-analytic", "--folds", "2", "--threads", "1"]
    for command in (
        ["data", "describe", events_file],
        ["train", events_file, *fast, "--no-report", "--out", run],
        ["apply", run / "models/linear-analytic.baksan", events_file, "--out", told],
        ["report", run],
    ):
        assert said(capsys, "--quiet", *command) == (0, "")
    assert len(pq.read_table(told)) == 60
    whole(run)
    assert RunFolder.open(run).config["source"] == str(events_file)
    status, error = said(capsys, "train", "--resume", "--out", run)
    assert status == 2 and "is finished" in error and error.count("\n") == 1
    missing = folder / "missing.csv"
    status, error = said(capsys, "data", "describe", missing)
    assert status == 2 and error.count("\n") == 1


def test_a_name_that_is_no_text(tmp_path):
    """Names of files are bytes; some are no UTF-8. Terminals may show less than all signs."""
    path = tmp_path / os.fsdecode(b"bad\xff.csv")
    try:
        write_csv(path, events(60))
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")

    def told(encoding, *more):
        return subprocess.run(
            [sys.executable, "-m", "baksan", "--quiet", *more], capture_output=True, check=False,
            env=os.environ | {"PYTHONIOENCODING": encoding},
        )  # fmt: skip

    for encoding in ("ascii:strict", "utf-8:strict"):
        shown = told(encoding, "data", "describe", path)
        assert shown.returncode == 0 and shown.stderr == b"" and b"\\udcff" in shown.stdout
    refused = told("utf-8:strict", "train", path, "--answer", "kind", "--out", tmp_path / "run")
    assert refused.returncode == 2 and b"are kept in UTF-8; " in refused.stderr
    assert not partials(tmp_path)
