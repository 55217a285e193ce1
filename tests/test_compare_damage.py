"""Damaged run folders are refused in one sentence that names the file, or compared all the same."""

import json
import shutil
import tomllib

import numpy as np
import pytest
from tests.fuzz.judges import no_sentence
from tests.fuzz.models import edited
from tests.fuzz.mutate import damaged
from tests.runs import events

from baksan import train
from baksan.compare import compare
from baksan.store.run import dump_toml

FILES = ("config.toml", "evaluation.json", "provenance.json")
CASES = 100


@pytest.fixture(scope="module", params=[2, 3, 0], ids=["two", "three", "numbers"])
def runs(request, tmp_path_factory):
    """Two runs of the same events, and one of others."""
    root = tmp_path_factory.mktemp("runs")
    for name, n, seed in (("one", 120, 0), ("two", 120, 1), ("few", 60, 2)):
        X = events(n, classes=request.param, seed=seed // 2, id=np.arange(n) + 1000 * (seed // 2))
        methods = ["linear-analytic", "linear-gd"]
        train(X, methods, out=root / name, folds=2, threads=1, replicas=5, report=False, seed=seed)
    return root


def damage(file, random):
    """Changes a value of a file, or its bytes."""
    whole = file.read_bytes()
    if random.random() < 0.3:
        file.write_bytes(damaged(whole, [whole], random))
    elif file.suffix == ".json":
        file.write_bytes(edited(whole, random))
    else:
        settings = json.loads(edited(json.dumps(tomllib.loads(whole.decode())), random))
        try:
            file.write_text(dump_toml(settings), encoding="utf-8")
        except (AttributeError, TypeError, ValueError):  # no TOML
            file.write_bytes(damaged(whole, [whole], random))


@pytest.mark.parametrize("base", ["one", "few"])
def test_a_damaged_run_is_one_sentence_or_compared(runs, base, tmp_path):
    random = np.random.default_rng(3)
    copy = shutil.copytree(runs / "two", tmp_path / "copy")
    told = 0
    for k in range(CASES):
        file = copy / FILES[random.integers(len(FILES))]
        whole = file.read_bytes()
        damage(file, random)
        try:
            found = compare(runs / base, copy, replicas=2)
            found.text()
            if k % 20 == 0:  # pictures take time
                found.html()
        except ValueError as error:
            told += 1
            assert no_sentence(str(error), copy) in ("", "does not begin with the file's name")
            assert str(copy) in str(error) or "runs of one question" in str(error), error
        file.write_bytes(whole)
    assert CASES / 5 < told < CASES
