"""Faults: kill -9, a full disk, a folder that cannot be written to.

Whatever happens, every file of a run folder is whole or absent, and the run can be gone on with: it
then ends with the same bits as one that was never disturbed.
"""

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import zipfile

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file
from sklearn.tree import DecisionTreeClassifier
from tests.runs import events, table_of

import baksan as bk
from baksan import losses
from baksan.data.parquet import write_parquet
from baksan.files import partials
from baksan.store import load_model
from baksan.train.lineup import Ours, Theirs

SCRIPT = """
import importlib, sys
job = importlib.import_module("baksan.train.job")
assert job._CHECKPOINT_SECONDS > 0.02
job._CHECKPOINT_SECONDS = 0.02
print("ready", flush=True)
from baksan.cli import main
main(sys.argv[1:])
"""
"""The command line with checkpoints so near to each other that kills fall between them."""


def command(folder, *more, methods=("linear-gd", "linear-sgd", "cuts", "trees")):
    named = [word for name in methods for word in ("-m", name)]
    return [
        sys.executable, "-c", SCRIPT, "train", "events.parquet", "--answer", "kind", "--signal",
        "gamma", *named, "--folds", "2", "--threads", "1", "--out", str(folder), *more,
    ]  # fmt: skip


def whole(folder):
    """Opens every file of a run folder; partial ones may lie about, half ones may not."""
    left = set(partials(folder))
    for path in set(folder.rglob("*.*")) - left:
        if path.suffix == ".json":
            json.loads(path.read_text(), parse_constant=pytest.fail)
        elif path.suffix == ".toml":
            tomllib.loads(path.read_text())
        elif path.suffix == ".parquet":
            pq.read_table(path)
        elif path.suffix == ".safetensors":
            load_file(path)
        elif path.suffix in (".baksan", ".skops"):
            with zipfile.ZipFile(path) as archive:
                assert archive.testzip() is None
            load_model(path)
        else:
            assert path.name == "report.html" and "</html>" in path.read_text()


def same(one, other):
    """Two runs end alike: models and predictions bit for bit, figures of merit equal."""
    names = sorted(p.name for p in (other / "models").iterdir())
    assert sorted(p.name for p in (one / "models").iterdir()) == names
    x = events(50, seed=9).x
    for name in names:
        a, b = (load_model(run / "models" / name) for run in (one, other))
        if name.endswith(".baksan"):
            assert np.array_equal(a.model.parameters, b.model.parameters), name
        assert np.array_equal(a.predict(x).score, b.predict(x).score), name
        assert a.card.metrics == b.card.metrics
    for name in ("evaluation.json", "config.toml"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    a, b = (pq.read_table(run / "predictions.parquet") for run in (one, other))
    assert a.equals(b)
    kept, told = (json.loads((run / "report.json").read_text()) for run in (one, other))
    for part in ("scores", "importance", "weights", "inputs"):
        assert kept[part] == told[part], part
    for run in (one, other):
        assert not partials(run) and not (run / "checkpoints").exists()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with events and a run that was never disturbed; and how long that took."""
    folder = tmp_path_factory.mktemp("faults")
    write_parquet(table_of(events(400)), folder / "events.parquet")
    bk.train(events(20), ["linear"], folds=2, replicas=5)  # compiles, where nobody has before
    process = started(folder, "undisturbed")
    began = time.perf_counter()
    process.communicate()
    assert process.returncode == 0
    return folder, time.perf_counter() - began


def started(folder, name, *more):
    """A training that has loaded its libraries and begins."""
    process = subprocess.Popen(
        command(name, *more), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline() == b"ready\n"
    return process


# kill -9 ------------------------------------------------------------------------------------------


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate()


def ends_as_undisturbed(folder, name):
    """What the kill left is readable; going on with it, if it had not ended, gives the same."""
    run = folder / name
    if run.exists():
        whole(run)
    if not (run / "report.json").exists() or (run / "checkpoints").exists():
        ended = subprocess.run(
            command(name, "--resume"), cwd=folder, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
    same(run, folder / "undisturbed")


@pytest.mark.slow
def test_killed_twice_and_gone_on_with(place):
    """One kill among the folds, one among the final models, wherever they fall within a write."""
    folder, _ = place
    run = folder / "killed"
    for written in ("checkpoints/linear-sgd.fold0.safetensors", "models/linear-gd.baksan"):
        process = started(folder, "killed", "--resume")
        while not (run / written).exists():
            assert process.poll() is None
            time.sleep(0.002)
        kill(process)
        assert not (run / "report.json").exists()
        whole(run)
    ends_as_undisturbed(folder, "killed")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50))
def test_killed_at_fifty_moments(place, seed):
    """One kill of a run at each of fifty moments, random ones that cover its whole length."""
    folder, took = place
    process = started(folder, f"killed-{seed}")
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait((seed + np.random.default_rng(seed).uniform()) / 50 * took)
    kill(process)
    ends_as_undisturbed(folder, f"killed-{seed}")


def steps_of(monkeypatch, k):
    """Lets the process 'die' at its k-th rename: before it, so that the new file is lost."""
    real, count = os.replace, 0

    def replace(source, target):
        nonlocal count
        count += 1
        if count == k:
            raise Died
        real(source, target)

    monkeypatch.setattr("baksan.files.os.replace", replace)


class Died(BaseException):
    """As good as a kill: nothing in the package catches it."""


def descent(**settings):
    solver = bk.MiniBatch(batch=8, average=True, **settings)
    return Ours("descent", "Descent", "", bk.Linear(), losses.logistic, solver)


def small(folder=None, **more):
    methods = [descent(epochs=3), "cuts", Theirs("tree", DecisionTreeClassifier(max_depth=3))]
    return bk.train(
        events(60), methods, folds=2, replicas=5, threads=1, out=folder, report=False, **more
    )


def test_dead_at_each_rename(tmp_path, monkeypatch):
    """Every write of a training is a place to die at; all of them, one after the other."""
    small(tmp_path / "undisturbed")
    for k in range(1, 100):
        run = tmp_path / f"dead-{k}"
        with monkeypatch.context() as patch:
            steps_of(patch, k)
            try:
                small(run)
                break
            except Died:
                pass
        if run.exists():
            whole(run)
        if k % 3 == 0:
            small(run, resume=True)
            same(run, tmp_path / "undisturbed")
    assert k == 17  # config, 6 parts, 3 models, 2 histories, predictions, 3 JSON files: all died


@pytest.mark.parametrize("k", [2, 9, 30])
def test_a_descent_goes_on_from_its_state(tmp_path, monkeypatch, k):
    """Died within a fit, between two checkpoints of its State: the weights end as undisturbed."""
    monkeypatch.setattr(sys.modules["baksan.train.job"], "_CHECKPOINT_SECONDS", 0.0)

    def run(**more):
        method = descent(epochs=100)
        return bk.train(events(100), [method], folds=2, replicas=5, threads=1, **more)

    undisturbed = run()
    with monkeypatch.context() as patch:
        steps_of(patch, k)
        with pytest.raises(Died):
            run(out=tmp_path / "run")
    states = list((tmp_path / "run/checkpoints").glob("*.state.safetensors"))
    assert len(states) == (k > 2)
    again = run(out=tmp_path / "run", resume=True)
    a, b = (r.models["descent"].model.parameters for r in (undisturbed, again))
    assert np.array_equal(a, b)
    assert again.evaluation.to_dict() == undisturbed.evaluation.to_dict()
    for part, other in zip(again.parts["descent"], undisturbed.parts["descent"], strict=True):
        assert part.message == other.message
        for column in ("step", "epoch", "seen", "rate", "change", "loss_progressive"):
            np.testing.assert_array_equal(part.history[column], other.history[column])


# A full disk --------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["fsync", "replace"])
def test_a_disk_that_is_full_at_each_write(tmp_path, monkeypatch, what):
    small(tmp_path / "undisturbed")
    real = getattr(os, what)
    for k in range(1, 100):
        run, count = tmp_path / f"{what}-{k}", 0

        def full(*arguments, k=k):
            nonlocal count
            count += 1
            if count == k:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(f"baksan.files.os.{what}", full)
            try:
                small(run)
                break
            except OSError as error:
                said = error.strerror
        assert "needs more room than the disk has left; nothing half-written remains" in said
        assert "goes on with --resume" in said and not partials(run)
        whole(run)
        if k % 4 == 0:
            small(run, resume=True)
            same(run, tmp_path / "undisturbed")
    assert k == 17


LIMIT = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import baksan.train.summary, baksan.train, baksan.report.plots, skops.io, pyarrow.csv
from baksan import fit, losses, Linear, GradientDescent, Samples
size = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
from baksan.cli import main
main(sys.argv[2:])
"""
"""The command line in a process that may write no file longer than so many bytes."""


@pytest.mark.parametrize("size", [20_000])
def test_files_that_cannot_grow(place, size):
    folder, _ = place
    name = f"limited-{size}"
    plain = command(name, methods=("linear-gd", "trees"))
    limited = subprocess.run(
        [sys.executable, "-c", LIMIT, str(size), *plain[3:]], cwd=folder, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert limited.returncode == 2, limited.stderr
    assert limited.stderr.startswith("baksan: writing ") and limited.stderr.count("\n") == 1
    assert "needs more room than the disk has left" in limited.stderr
    run = folder / name
    assert not partials(run)
    whole(run)


@pytest.mark.slow
def test_a_small_filesystem_that_fills_up(place, tmp_path):
    folder, _ = place
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48k", "none", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        run = disk / "run"
        full = subprocess.run(command(run), cwd=folder, capture_output=True, text=True, check=False)
        assert full.returncode == 2 and "needs more room than the disk has left" in full.stderr
        assert full.stderr.startswith("baksan: ") and full.stderr.count("\n") == 1
        assert not partials(run)
        whole(run)
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        subprocess.run(command(run, "--resume"), cwd=folder, check=True, capture_output=True)
        same(run, folder / "undisturbed")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# Folders that cannot be written to ----------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch, number):
    real = os.replace
    count = 0

    def closed(source, target):
        nonlocal count
        count += 1
        if count > 2:
            raise OSError(number, os.strerror(number), str(source), None, str(target))
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("baksan.files.os.replace", closed)
        with pytest.raises(OSError, match="must be writable; it is not. Choose another place"):
            small(tmp_path / "run")
    whole(tmp_path / "run")
    small(tmp_path / "run", resume=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_to_write(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OSError, match="must be writable; it is not"):
        small(tmp_path / "locked" / "run")
