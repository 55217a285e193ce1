"""Damaged files end in a table or in one sentence; forged model files load nothing unchecked.

`python -m tests.fuzz` prints the same as a table, and files that end otherwise.
"""

import numpy as np
import pytest
from tests.fuzz.harness import HEAD, fuzz, line
from tests.fuzz.judges import LONGEST, no_sentence
from tests.fuzz.models import KINDS
from tests.fuzz.mutate import case
from tests.fuzz.readers import READERS, Seed

NEEDS = {"fits": ["astropy"], "hdf5": ["h5py", "tables", "pandas"], "root": ["uproot"],
         "corsika": ["corsikaio"]}  # fmt: skip
SMALL = 100  # files
FULL = {"reader": 10_000, "model": 1_000}


def fine(name, files, folder, capsys):
    for library in NEEDS.get(name, []):
        pytest.importorskip(library)
    tally = fuzz(name, files, folder)
    with capsys.disabled():
        print(f"\n{HEAD}\n{line(tally)}" if files > SMALL else "", end="")
    assert tally.files == files and not tally.defects, tally.defects[:5]
    if files > SMALL:
        assert tally.kinds["sentence"] > files / 10
        assert tally.kinds["table"] + tally.kinds["same"] > files / 30


@pytest.mark.parametrize("name", [*READERS, *KINDS])
def test_some_damaged_files(name, tmp_path, capsys):
    fine(name, SMALL, tmp_path, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_ten_thousand_damaged_files(name, tmp_path, capsys):
    fine(name, FULL["reader"], tmp_path, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_thousand_forged_models(name, tmp_path, capsys):
    fine(name, FULL["model"], tmp_path, capsys)


# The harness itself -------------------------------------------------------------------------------


def test_a_case_is_the_same_each_time_and_another_than_the_next():
    seeds = [Seed("a", bytes(range(256)) * 4), Seed("b", b"x,y\n1,2\n" * 50)]
    files = [case(seeds, "some", k) for k in range(200)]
    assert files == [case(seeds, "some", k) for k in range(200)]
    assert len(set(files)) > 180 and {name for name, _ in files} == {"a", "b"}
    whole = {seed.name: seed.content for seed in seeds}
    assert np.mean([content == whole[name] for name, content in files]) < 0.1


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("/f: a table is needed; there is none. Give one.", ""),
        ("a table is needed; there is none.", "does not begin with the file's name"),
        ("/f: one line\nand another.", "not one line"),
        ("/f: no end", "does not end as a sentence"),
        ("/f: a \x00 in it.", "holds what cannot be printed"),
        ("/f: " + LONGEST * "a" + ".", "is too long"),
    ],
)
def test_what_a_sentence_is(said, why):
    assert no_sentence(said, "/f") == why


BAD = """
import os, time
from tests.fuzz import harness, judges, models, readers

def outcome(path):
    k = int(path.name.rpartition("-")[2]) if path.name.startswith("case") else 1
    if k == 2: os.kill(os.getpid(), 11)
    if k == 4: os.system("true")
    if k == 6: raise judges.TooLong("it rang")
    if k == 8: bytes(harness.MEMORY + 2**20)
    return "table", ""

readers.READERS["text"] = lambda folder: (folder / "a").write_bytes(bytes(99)) and None
judges.outcome = lambda path: guarded(path)

def guarded(path):
    try:
        return outcome(path)
    except MemoryError:
        return "defect", "MemoryError"

harness.work("text", {first}, {stop}, {folder!r})
"""


def test_what_goes_wrong_is_counted(tmp_path, monkeypatch, capsys):
    """A process that dies, one that runs programs, hangs or takes too much memory."""
    from tests.fuzz import harness

    def command(name, first, stop, folder):
        program = BAD.format(first=first, stop=stop, folder=str(folder))
        return [harness.sys.executable, "-c", program]

    monkeypatch.setattr(harness, "command", command)
    tally = fuzz("text", 10, tmp_path)
    found = {d["k"]: (d["kind"], d["what"]) for d in tally.defects}
    assert tally.files == 10 and tally.kinds["table"] == 6
    assert found[2] == ("crash", "signal 11")
    assert found[4][0] == "defect" and "it ran os.system" in found[4][1]
    assert found[6] == ("defect", "TooLong: it rang") and found[8] == ("defect", "MemoryError")
    assert line(tally).split()[:6] == ["text", "10", "6", "0", "3", "1"]
