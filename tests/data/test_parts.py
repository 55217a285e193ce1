"""Parts of files: together they are the stream of the whole, wherever the cuts are."""

import pickle
import re
from inspect import getdoc, signature

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from baksan.cluster import Partitions
from baksan.data import open_parts, open_stream
from baksan.data.loading import Loaded

CHOICES = {
    "answer": "kind", "signal": "a", "weight": "w", "where": "size > 0.1",
    "features": ["size", "double = 2 * size", "late"],
}  # fmt: skip


def events(n=500):
    """Sorted by class; the feature `late` varies in the last rows only."""
    rng = np.random.default_rng(0)
    size = rng.random(n)
    size[rng.integers(0, n, 20)] = np.nan
    late = np.where(np.arange(n) > n - 30, rng.random(n), 0.0)
    kind = np.repeat(["a", "b"], n // 2)
    return pa.table({"size": size, "w": rng.random(n), "kind": kind, "late": late})


def write(folder, how):
    table = events()
    if how == "row groups":
        parquet.write_table(table, folder / "t.parquet", row_group_size=60)
        return folder / "t.parquet"
    for k in range(4):
        some = table.slice(125 * k, 125)
        if how == "text" and k:
            some.to_pandas().to_csv(folder / f"run{k}.csv", index=False)
        else:
            parquet.write_table(some, folder / f"run{k}.parquet", row_group_size=50)
    return folder


@pytest.mark.parametrize("how", ["row groups", "files", "text"])
def test_parts_are_the_stream_of_the_whole(tmp_path, how):
    path = write(tmp_path, how)
    whole = list(open_stream(path, rows=40, **CHOICES))
    parts = open_parts(path, rows=40, least=100, **CHOICES)
    assert len(parts) == {"row groups": 5, "files": 8, "text": 5}[how]
    found = [block for part in pickle.loads(pickle.dumps(parts)) for block in part()]
    for name in ("x", "y", "weight", "id"):
        one, other = (
            np.concatenate([getattr(X, name) for X in blocks]) for blocks in (found, whole)
        )
        np.testing.assert_array_equal(one, other)
    for name in ("features", "answer", "class_names"):
        assert {getattr(X, name) for X in found} == {getattr(whole[0], name)}


def test_parts_have_names_and_hold_no_events(tmp_path):
    parts = open_parts(write(tmp_path, "row groups"), least=200, **CHOICES)
    told = [f"t.parquet, row groups {k}" for k in ("0 to 3", "4 to 7", "8 to 8")]
    assert [part.name for part in parts] == told
    assert len(pickle.dumps(parts[0])) < 5_000
    assert [part.name for part in open_parts(tmp_path, **CHOICES)] == ["t.parquet"]


def test_data_sets_of_the_catalogue_are_no_parts():
    with pytest.raises(KeyError, match="'nowhere' is none of them"):
        open_parts("nowhere", answer="y")
    with pytest.raises(ValueError, match=r"fits in memory. Take load\('digits'\)"):
        open_parts("digits")


# One list of choices ------------------------------------------------------------------------------


def choices(way):
    """Names with their types and defaults, in order."""
    held = signature(way).parameters
    return {name: (p.annotation, p.default) for name, p in held.items() if name != "self"}


@pytest.mark.parametrize("way", [open_stream, open_parts, Partitions.from_dask])
def test_all_ways_to_the_events_have_the_same_choices(way):
    wanted = choices(Loaded.samples)
    assert [one for one in choices(way).items() if one[0] in wanted] == [*wanted.items()]


@pytest.mark.parametrize("way", [Loaded.samples, open_stream, open_parts])
def test_the_docstring_names_each_choice_once(way):
    told = getdoc(way).partition("Parameters\n----------\n")[2].partition("\n\n")[0]
    names = re.findall(r"\w+", ",".join(re.findall(r"(?m)^(\S[^:\n]*)", told)))
    assert sorted(names) == sorted(choices(way))
