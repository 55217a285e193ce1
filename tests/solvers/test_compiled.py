"""Compiled kernels: cached across processes, never stale, one signature, and loaded only late."""

import ast
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numba.core import config
from tests.problems import LOSSES, outputs_of, samples_for

import baksan.compiled as compiling
from baksan import L1, Linear, Samples, fit, losses
from baksan.compiled import cache_folder, compiled
from baksan.solvers.descent import Descent
from baksan.solvers.kernels import descend, gram, learn, pull
from baksan.solvers.kernels_cost import CODES

SCRIPT = """
import json, sys
import numpy as np
import baksan as bk
from baksan.compiled import compiled
from baksan.solvers.kernels import descend, gram, learn, pull
X = bk.Samples([[0.0], [1.0], [2.0]], [0.0, 1.0, 5.0])
found = bk.fit(bk.Linear(), X, bk.losses.squared, bk.MiniBatch(0.1, batch=3, steps=1), start="zero")
stats = compiled(descend).stats
print(json.dumps([
    found.model.parameters.tolist(), sum(stats.cache_hits.values()),
    sum(stats.cache_misses.values()), stats.cache_path,
]))
"""


def run(script, source, cache):
    environment = dict(os.environ, PYTHONPATH=str(source), XDG_CACHE_HOME=str(cache))
    environment["NUMBA_OPT"] = "0"  # compiles sooner
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_second_process_hits_the_cache_and_an_edited_slope_misses_it(root, tmp_path):
    source, cache = tmp_path / "src", tmp_path / "cache"
    unseen = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "src", source, ignore=unseen)
    first, hits, misses, folder = run(SCRIPT, source, cache)
    assert (hits, misses) == (0, 1) and folder.startswith(str(cache))
    again, hits, misses, same = run(SCRIPT, source, cache)
    assert (hits, misses) == (1, 0) and same == folder and again == first

    regression_py = source / "baksan" / "losses" / "regression.py"
    text = regression_py.read_text()
    assert text.count("return 2.0 * (p - t)\n") == 1
    regression_py.write_text(text.replace("return 2.0 * (p - t)\n", "return 6.0 * (p - t)\n"))
    edited, hits, misses, other = run(SCRIPT, source, cache)
    assert (hits, misses) == (0, 1) and other != folder
    np.testing.assert_allclose(edited, np.multiply(first, 3.0))


@pytest.mark.slow
def test_without_a_writable_cache_each_process_compiles(root, tmp_path):
    (tmp_path / "file").touch()  # a folder cannot be made below a file
    _, hits, misses, folder = run(SCRIPT, root / "src", tmp_path / "file" / "cache")
    assert (hits, misses, folder) == (0, 1, None)


def test_importing_baksan_loads_nothing_heavy():
    script = """
import json, sys
import baksan
heavy = {"numba", "scipy", "pyarrow", "sklearn", "matplotlib", "jax", "pooch", "h5py", "astropy"}
at_first = sorted(heavy & set(sys.modules))
baksan.GradientDescent(0.1), baksan.Linear, baksan.fit
print(json.dumps([at_first, "numba" in sys.modules]))
"""
    path = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", script], env=dict(os.environ, PYTHONPATH=path),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == [[], False]


def test_the_kernel_has_one_signature_for_each_precision_whatever_it_is_given():
    for number, loss in enumerate(LOSSES):
        outputs = outputs_of(loss)[number % 2]
        X = samples_for(loss, outputs=outputs, weighted=number % 3 == 0)
        single = Samples(X.x.astype(np.float32), X.y, X.weight, class_names=X.class_names)
        batch = (2, 1, np.int64(4))[number % 3]
        solver = Descent(1, batch=batch, steps=2, tolerance=0, average=True)
        fit(Linear(), (X, single)[number % 2], loss, solver, penalty=(None, L1(1))[number % 2])
    assert len(compiled(descend).signatures) == 2


def test_the_folder_names_the_sources():
    assert cache_folder() == cache_folder()
    assert cache_folder().parent.name == "kernels"


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_the_kernel_knows_every_loss(loss):
    assert loss.cost in CODES
    assert losses.zero_one.cost not in CODES


def test_every_file_that_kernels_take_names_from_is_hashed():
    """A constant or a formula of another file is compiled in, and must not grow stale."""
    package = Path(compiling.__file__).parent
    kernels = sorted(package.glob("*/kernels*.py"))
    hashed = {*kernels, *(package / name for name in compiling._COMPILED)}
    for file in kernels:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("baksan."):
                source = package.joinpath(*node.module.split(".")[1:])
                parts = [source / name.name for name in node.names] if source.is_dir() else [source]
                for part in parts:
                    assert part.with_suffix(".py") in hashed, f"{file.name}: {part} is not hashed"


def test_kernels_first_asked_for_by_many_threads_have_one_folder(monkeypatch):
    monkeypatch.setattr(compiling, "_machine_code", {})
    before = config.CACHE_DIR
    with ThreadPoolExecutor(8) as pool:
        found = [*pool.map(compiled, [descend, gram, learn, pull] * 8)]
    folder = str(cache_folder())
    assert len(set(found)) == 4 and config.CACHE_DIR == before
    assert all(kernel._cache._impl.locator.get_cache_path().startswith(folder) for kernel in found)
