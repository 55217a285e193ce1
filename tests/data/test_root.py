"""ROOT trees: flat branches are columns, what is not flat is named, nothing in the file runs."""

import sys

import numpy as np
import pytest

from baksan.data import ReadError, blocks, format_of, read
from baksan.data.formats import footprint

uproot = pytest.importorskip("uproot")
ak = pytest.importorskip("awkward")

KINDS = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]


def write(path, trees, **more):
    """TTrees by name: columns of one length; where a tree is given twice, the newest counts."""
    with uproot.recreate(path, **more) as file:
        for name, columns in trees:
            text = {n: "string" for n, v in columns.items() if isinstance(v, list)}
            held = {n: np.asarray(v) for n, v in columns.items() if n not in text and v is not None}
            file.mktree(name, {n: text.get(n) or (held[n].dtype, held[n].shape[1:])
                               for n in columns})  # fmt: skip
            if all(len(v) for v in columns.values()):
                file[name].extend({**{n: columns[n] for n in text}, **held})
    return path


@pytest.fixture
def no_code(monkeypatch):
    """The calls of what writes and runs code after a file's descriptions of classes."""
    calls = []
    real = uproot.deserialization._actually_compile

    def spy(code, scope):
        calls.append(code.splitlines()[0])
        return real(code, scope)

    monkeypatch.setattr(uproot.deserialization, "_actually_compile", spy)
    return calls


def test_every_kind_of_number_and_text(tmp_path, no_code):
    numbers = {f"n{j}": np.array([0, 1, 100], dtype=kind) for j, kind in enumerate(KINDS)}
    more = {"v": np.arange(6, dtype="f4").reshape(3, 2), "m": np.arange(12.0).reshape(3, 2, 2),
            "x": np.array([np.nan, -np.inf, 1e-300]), "big": np.array([0, 1, 2**64 - 1], "u8"),
            "word": ["a", "", "größer" * 60]}  # fmt: skip
    path = write(tmp_path / "t.root", [("events", {**numbers, **more})])
    table = read(path)
    assert (format_of(path), len(table)) == ("root", 3)
    for name, kind in zip(numbers, KINDS, strict=True):
        assert table[name].dtype == np.dtype(kind)
        assert table[name].tolist() == numbers[name].tolist()
    for name in ("v", "m", "x", "big"):
        np.testing.assert_array_equal(table[name], more[name])
    assert (table["word"].tolist(), table.notes) == (more["word"], ("missing values: x 1.",))
    assert no_code == []


@pytest.mark.parametrize("size", [1, 7, 100])
def test_blocks_across_baskets(tmp_path, size):
    with uproot.recreate(tmp_path / "t.root", compression=uproot.ZLIB(1)) as file:
        file.mktree("t", {"j": "i4", "word": "string"})
        for first in range(0, 40, 10):
            numbers = np.arange(first, first + 10, dtype="i4")
            file["t"].extend({"j": numbers, "word": [f"e{j}" for j in numbers]})
    parts = list(blocks(tmp_path / "t.root", size, columns=["word", "j"]))
    assert max(map(len, parts)) <= size
    assert np.concatenate([p["j"] for p in parts]).tolist() == list(range(40))
    assert np.concatenate([p["word"] for p in parts]).tolist() == [f"e{j}" for j in range(40)]
    assert np.concatenate([p.rows for p in parts]).tolist() == list(range(40))
    assert footprint(tmp_path / "t.root", columns=["j"]) == 320


def test_lists_are_left_out_by_name(tmp_path):
    with uproot.recreate(tmp_path / "t.root") as file:
        file.mktree("t", {"x": "float64", "hits": "var * float64"})
        file["t"].extend({"x": np.array([1.0, 2.0]), "hits": ak.Array([[1.0, 2.0], []])})
        file.mktree("only", {"n": "i4"})
        file["only"].extend({"n": np.array([2, 0], dtype="i4")})
    table = read(f"{tmp_path / 't.root'}#t")
    assert (table.names, table["nhits"].tolist()) == (("x", "nhits"), [2, 0])
    assert table.notes[0].startswith(
        "columns left out: hits (lists of different length). One value"
    )
    assert "ak.num, ak.max, ak.firsts of awkward" in table.notes[0]
    with pytest.raises(ReadError, match="'hits' holds lists of different length"):
        next(blocks(f"{tmp_path / 't.root'}#t", columns=["x", "hits"]))
    with pytest.raises(ReadError, match="'hit' is needed; there are x, nhits"):
        next(blocks(f"{tmp_path / 't.root'}#t", columns=["hit"]))


def test_ntuples(tmp_path, no_code):
    columns = {"x": np.array([1.5, np.nan]), "n": np.array([1, 2**63], "u8"),
               "word": ["a", "bé"], "good": np.array([True, False]),
               "v": np.arange(6, dtype="i2").reshape(2, 3)}  # fmt: skip
    with uproot.recreate(tmp_path / "t.root") as file:
        file.mkrntuple("t", {**columns, "word": ak.Array(columns["word"]),
                             "hits": ak.Array([[1.0], []])})  # fmt: skip
        file.mkrntuple("lists", {"hits": ak.Array([[1.0], []])})
    table = read(f"{tmp_path / 't.root'}#t")
    assert set(table.names) == set(columns)
    for name, held in columns.items():
        np.testing.assert_array_equal(table[name], held)
    assert table.notes[0].startswith("columns left out: hits (std::vector<double>).")
    assert [p["n"][0] for p in blocks(f"{tmp_path / 't.root'}#t", 1)] == [1, 2**63]
    with pytest.raises(ReadError, match=r"there are only hits \(std::vector<double>\)"):
        read(f"{tmp_path / 't.root'}#lists")
    assert no_code == []


def test_trees_are_chosen_by_name_and_never_guessed(tmp_path):
    one, two = {"a": np.array([1.0])}, {"a": np.array([2.0])}
    trees = [("deep/er/t", one), ("t", one), ("t", two), ("empty", {"a": np.array([])})]
    path = write(tmp_path / "t.root", trees)
    with pytest.raises(ReadError, match=r"there are 3: deep/er/t, empty, t\. .*#deep/er/t"):
        read(path)
    assert read(f"{path}#t")["a"].tolist() == [2]  # the newest cycle
    assert read(f"{path}#t;1")["a"].tolist() == [1]
    assert read(path, part="/deep/er/t")["a"].tolist() == [1]
    with pytest.raises(ReadError, match=r"\(not 't;3'\)"):
        read(f"{path}#t;3")
    with pytest.raises(ReadError, match="rows are needed; the tree is empty"):
        read(f"{path}#empty")
    with uproot.recreate(tmp_path / "none.root") as file:
        file["histogram"] = np.histogram(np.arange(5.0))
    with pytest.raises(ReadError, match="a TTree or an RNTuple is needed"):
        read(tmp_path / "none.root")


def test_a_title_may_hold_a_unit(tmp_path):
    """'energies/D' and 'sequence/D' become other titles of the same length."""
    columns = {"energies": np.array([1.0]), "sequence": np.array([2.0]), "z": np.array([3.0])}
    path = write(tmp_path / "t.root", [("t", columns)])
    content = path.read_bytes()
    for old, new in ((b"energies/D", b"beam [GeV]"), (b"sequence/D", b"count [no]")):
        assert content.count(old) == 1
        content = content.replace(old, new)
    path.write_bytes(content)
    about = {name: (c.unit, c.description) for name, c in read(path).columns.items()}
    assert about == {"energies": ("GeV", "beam"), "sequence": ("", "count [no]"), "z": ("", "")}


def test_descriptions_of_classes_in_the_file_never_become_code(tmp_path, no_code):
    """A tree of an unknown version: uproot makes its class out of the file, we do not."""
    path = write(tmp_path / "t.root", [("t", {"x": np.array([1.0])})])
    with uproot.open(path) as file:
        place = file.key("t").fSeekKey + file.key("t").fKeylen
    content = bytearray(path.read_bytes())
    assert content[place + 4 : place + 6] == b"\0\x14"
    content[place + 5] = 99
    path.write_bytes(content)
    with pytest.raises(ReadError, match="a whole ROOT file of a common version is needed"):
        read(path)
    assert no_code == []
    with uproot.open(path) as file:
        try:
            file["t"]
        finally:
            assert any("Model_TTree_v" in line for line in no_code)


def test_no_address_is_followed(tmp_path, monkeypatch):
    path = write(tmp_path / "t.root", [("t", {"x": np.array([1.0])})])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "http:").mkdir()
    (tmp_path / "http:" / "localhost").mkdir()
    odd = tmp_path / "http:" / "localhost" / "t.root"
    odd.write_bytes(path.read_bytes())
    monkeypatch.setattr("socket.socket.connect", None)
    assert read("http://localhost/t.root")["x"].tolist() == [1]


def test_damaged_files(tmp_path):
    rows = np.arange(3000)
    columns = {"x": rows / 7, "n": rows, "word": [f"e{j}" for j in rows]}
    path = write(tmp_path / "t.root", [("t", columns)])
    whole = path.read_bytes()
    random, read_anyway = np.random.default_rng(1), 0
    for trial in range(40):
        bad = np.frombuffer(whole, dtype=np.uint8).copy()
        bad[random.integers(5, len(bad), size=20)] = random.integers(0, 256, size=20)
        path.write_bytes(bad.tobytes()[: len(bad) if trial % 2 else random.integers(100, len(bad))])
        try:
            read(path)
            read_anyway += 1
        except ReadError as error:
            assert str(error).startswith(str(path))
    assert read_anyway < 40


def test_text_that_begins_with_root_is_text(tmp_path):
    (tmp_path / "t.csv").write_text("root,branch\n1,2\n")
    assert read(tmp_path / "t.csv").names == ("root", "branch")


def test_without_uproot_the_extra_is_named(tmp_path, monkeypatch):
    path = write(tmp_path / "t.root", [("t", {"x": np.array([1.0])})])
    monkeypatch.setitem(sys.modules, "uproot", None)
    with pytest.raises(ReadError, match=r"pip install 'baksan\[root\]'"):
        read(path)


def test_z_bosons_are_those_that_uproot_reads(data_dir, no_code):
    path = data_dir / "root-trees/uproot-Zmumu.root"
    table = read(path)
    assert (len(table), len(table.names), table.notes) == (2304, 20, ())
    with uproot.open(path) as file:
        theirs = file["events"].arrays(library="np")
    for name in table.names:
        np.testing.assert_array_equal(table[name], theirs[name])
    assert no_code == []


def test_neutrino_events_without_their_hits(data_dir, no_code):
    path = data_dir / "root-trees/numucc.root"
    with pytest.raises(ReadError, match="one tree must be chosen; there are 8: E, "):
        read(path)
    table = read(f"{path}#E")
    assert (len(table), table["run_id"].tolist(), table["det_id"][0]) == (10, [1] * 10, 20)
    assert "hits.fUniqueID, hits.fBits" in table.notes[0] and "more (lists" in table.notes[0]
    with pytest.raises(ReadError, match="there are only KM3NETDAQ::JDAQPreamble"):
        read(f"{path}#KM3NET_EVENT")
    assert no_code == []
    with uproot.open(path) as file:
        theirs = file["E/Evt/mc_t"].array(library="np")
    np.testing.assert_array_equal(table["mc_t"], theirs)
