"""LIBSVM and SVMlight text, beside scikit-learn's reading of the same files."""

import gzip

import numpy as np
import pytest
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

from baksan.data import ReadError, blocks, footprint, format_of, libsvm, read


@pytest.fixture
def file(tmp_path):
    def write(content, name="t.svm"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def matrix(table):
    return np.column_stack([table[name] for name in table.names if name.startswith("x")])


@pytest.mark.parametrize("zero_based", [False, True])
@pytest.mark.parametrize("rows", [7, 1000])
@pytest.mark.parametrize("pieces", [1 << 8, 1 << 20])
def test_as_scikit_learn_reads_it(tmp_path, monkeypatch, zero_based, rows, pieces):
    monkeypatch.setattr(libsvm, "_CHUNK", pieces)
    rng = np.random.default_rng(3)
    x = rng.normal(size=(50, 6)) * (rng.random((50, 6)) < 0.4)
    x[0] = 1.0
    path = tmp_path / "t.txt"
    dump_svmlight_file(x, rng.integers(-1, 2, 50), str(path), zero_based=zero_based)
    expected, labels = load_svmlight_file(str(path), zero_based=zero_based)
    parts = list(blocks(path, rows))
    assert format_of(path) == "libsvm"
    np.testing.assert_array_equal(np.concatenate([matrix(p) for p in parts]), expected.toarray())
    np.testing.assert_array_equal(np.concatenate([p["label"] for p in parts]), labels)
    assert np.concatenate([p.rows for p in parts]).tolist() == list(range(50))
    assert parts[0].notes == (("indices begin with 0: x1 is index 0.",) if zero_based else ())
    assert footprint(path) == 50 * 7 * 8


def test_queries_comments_and_dresses(file):
    lines = b"# by hand\r\n+1 qid:3 1:.5 3:2 # a remark\r\n\r\n  -1 qid:4\t2:-1e3 3:nan\r\n"
    for content in (lines, gzip.compress(lines), b"\xef\xbb\xbf" + lines):
        table = read(file(content))
        assert table.names == ("label", "qid", "x1", "x2", "x3")
        assert table["label"].tolist() == [1, -1] and table["label"].dtype == np.int64
        assert table["qid"].tolist() == [3, 4]
        np.testing.assert_array_equal(matrix(table), [[0.5, 0, 2], [0, -1e3, np.nan]])
        assert table.notes == ("missing values: x3 1.",)


def test_columns_are_chosen_and_labels_may_be_broken(file):
    path = file("0.5 2:1\n2 1:3\n")
    (part,) = blocks(path, columns=["x2", "label"])
    assert (part.names, part["x2"].tolist(), part["label"].tolist()) == (
        ("x2", "label"), [1, 0], [0.5, 2],
    )  # fmt: skip
    with pytest.raises(ReadError, match="a column 'x3' is needed"):
        list(blocks(path, columns=["x3"]))


@pytest.mark.parametrize(
    "content",
    ["1 2\n3 4\n", "5 09:30\n6 10:15\n", "1 12:30 a\n", "a:1 b:2\n", "2012-01-01 00:00:09\n"],
)
def test_other_text_is_not_taken_for_it(file, content):
    assert format_of(file(content)) == "text"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("1,3 1:2\n2 1:1\n", "one label is needed for each row; row 1 has several"),
        ("1 1:2\n" * 2000 + "1 1:x\n", "'label index:value …' is needed; row 2,001 is '1 1:x'"),
        ("1 1:2\n" * 2000 + "1 3\n", "row 2,001 is '1 3'"),
        ("1 1:2\n-1 2:3 1:1 2:5\n", "2 comes twice in row 2"),
        ("1 70000:1\n-1 1:1\n", "at most 65,536 columns are needed.*70,000"),
        ("1 qid:1 1:2\n-1 1:2\n", "a qid is needed in every row or in none; 1 of 2"),
        ("1 qid:1 qid:2 1:2\n-1 1:2\n", "one qid is needed in every row; row 1 has 2"),
        ("1 1:2\n" * 2000 + f"1 {'9' * 5000}:1\n", "row 2,001 is '1 999"),
        (gzip.compress(b"1 1:2 7:3\n" * 3000, mtime=0)[:-30], "a whole gzip file is needed"),
    ],
)
def test_damage_ends_in_a_sentence(file, content, said):
    with pytest.raises(ReadError, match=said):
        read(file(content))


def test_wide_tables_come_in_lower_blocks(file, monkeypatch):
    monkeypatch.setattr(libsvm, "_BLOCK", 8 * 100 * 5)
    path = file("".join(f"{i} 1:{i} 100:1\n" for i in range(12)))
    assert [len(b) for b in blocks(path)] == [5, 5, 2]
    assert read(path)["x1"].tolist() == list(range(12))
