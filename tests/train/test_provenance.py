"""Provenance: what a repeat needs to know, in plain JSON."""

import json
import sys
from datetime import UTC, datetime, timedelta

import numpy
import sklearn

import baksan
from baksan.train.provenance import provenance


def test_it_tells_what_a_repeat_needs_to_know(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/somewhere/bin/baksan", "train", "magic"])
    told = json.loads(json.dumps(provenance(3, 2, {"a.csv": "00ff"}), allow_nan=False))
    assert told["baksan"] == baksan.__version__ and (told["seed"], told["threads"]) == (3, 2)
    assert told["packages"]["numpy"] == numpy.__version__
    assert told["packages"]["scikit-learn"] == sklearn.__version__
    assert told["data_sha256"] == {"a.csv": "00ff"} and told["cores"] >= 1
    assert told["command"] == "baksan train magic"
    age = datetime.now(UTC) - datetime.fromisoformat(told["created"])
    assert timedelta(0) <= age + timedelta(seconds=1) < timedelta(minutes=1)


def test_a_package_that_is_not_installed(monkeypatch):
    module = sys.modules[provenance.__module__]
    monkeypatch.setattr(module, "_PACKAGES", ("numpy", "no-such-package-anywhere"))
    packages = provenance(0, 1, {})["packages"]
    assert packages["no-such-package-anywhere"] == "not installed" != packages["numpy"]
