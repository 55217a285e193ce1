"""What `import baksan` costs, what it offers, and that its warnings are errors here."""

import re
import subprocess
import sys
import tomllib
import warnings

import pytest

import baksan

VERBS = ["calibrate", "compare", "describe", "evaluate", "export", "fit", "train", "tune"]
HEAVY = ["jax", "matplotlib", "numba", "pyarrow", "scipy", "sklearn"]


def printed(code):
    """What a fresh Python prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_import_takes_under_half_a_second():
    code = "import time; t = time.perf_counter(); import baksan; print(time.perf_counter() - t)"
    assert min(float(printed(code)[0]) for _ in range(3)) < 0.5


def test_import_loads_nothing_heavy():
    loaded = printed("import sys, baksan; print(*{name.split('.')[0] for name in sys.modules})")
    assert not set(HEAVY) & set(loaded)


@pytest.mark.parametrize("name", baksan.__all__)
def test_every_public_name_is_there(name):
    assert getattr(baksan, name) is not None
    assert name in dir(baksan)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        _ = baksan.fitt


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_stays_a_function(verb):
    code = (
        f"import baksan; before = baksan.{verb}; import baksan.{verb}; from baksan import {verb}\n"
        f"print(type(before).__name__, baksan.{verb} is before is {verb})"
    )
    assert printed(code) == ["function", "True"]
    assert printed(f"import baksan.{verb}; print(callable(baksan.{verb}))") == ["True"]


@pytest.mark.parametrize("culprit", ["baksan", "baksan.solvers.descent", "test_fit"])
def test_a_warning_of_ours_is_an_error(culprit):
    with pytest.raises(RuntimeWarning):
        warnings.warn_explicit("divide by zero", RuntimeWarning, "file.py", 1, culprit)


@pytest.mark.parametrize("culprit", ["pandas.core", "baksanology"])
def test_a_warning_of_others_is_not(culprit):
    with warnings.catch_warnings(record=True) as caught:
        warnings.warn_explicit("old", DeprecationWarning, "file.py", 1, culprit)
    assert len(caught) == 1


# The locks ----------------------------------------------------------------------------------------


def locked(file):
    """{name: version} of a lock; every line is a pinned requirement, its hash, or a comment."""
    pins = {}
    text = re.sub(r"^ +# .*\n", "", file.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in text.splitlines():
        pin = re.fullmatch(
            r"([a-z0-9-]+)==(\S+)(?: ; [^#]*?)?(?: +--hash=sha256:[0-9a-f]{64})+", line
        )
        assert pin, f"{file.name}: {line[:80]}"
        pins[pin[1]] = pin[2]
    return pins


def test_locks_are_pinned_with_hashes_and_agree(root):
    locks = {file.stem: locked(file) for file in (root / "locks").glob("*.txt")}
    assert set(locks) == {"core", "test", "docs", "lab", "bench"}
    for pins in locks.values():
        assert {name: locks["test"].get(name, version) for name, version in pins.items()} == pins


def test_locks_hold_what_the_project_asks_for(root):
    settings = tomllib.loads((root / "pyproject.toml").read_text())
    project, extras = settings["project"], settings["project"]["optional-dependencies"]
    needs = {
        "core": project["dependencies"],
        **{name: extras[name] for name in ("test", "docs", "lab")},
        "bench": settings["dependency-groups"]["bench"],
    }
    for name, wanted in needs.items():
        names = {re.match(r"[\w-]+", one)[0] for one in wanted} - {"baksan"}
        assert names - set(locked(root / f"locks/{name}.txt")) == set()
