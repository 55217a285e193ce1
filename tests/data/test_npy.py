"""NumPy's files: arrays come back, pickles stay closed."""

import zipfile

import numpy as np
import pytest

from baksan.data import ReadError, read


def test_arrays_become_columns(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(6.0).reshape(3, 2))
    assert read(tmp_path / "a.npy").names == ("x1", "x2")
    np.save(tmp_path / "a.npy", np.array([(1, b"ab ")], dtype=[("n", ">i4"), ("s", "S3")]))
    table = read(tmp_path / "a.npy")
    assert (table["n"].tolist(), table["n"].dtype.isnative) == ([1], True)
    assert table["s"].tolist() == ["ab"]
    np.save(tmp_path / "a.npy", np.arange(3))
    assert read(tmp_path / "a.npy")["x1"].tolist() == [0, 1, 2]


def test_an_archive_of_x_and_y(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(6.0).reshape(3, 2), y=np.array([0, 1, 0]))
    X = read(tmp_path / "a.npz").samples(answer="y", signal="1")
    assert X.names == ("x[0]", "x[1]")
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 2)), y=np.zeros(4))
    with pytest.raises(ReadError, match=r"one length are needed.*x \(3, 2\), y \(4,\)"):
        read(tmp_path / "a.npz")


class Bomb:
    """Leaves a trace when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_pickles_are_never_opened(tmp_path, suffix):
    bomb = np.array([Bomb(tmp_path / "trace")], dtype=object)
    (np.save if suffix == "npy" else np.savez)(tmp_path / f"a.{suffix}", bomb, allow_pickle=True)
    with pytest.raises(ReadError, match="pickled Python objects, which may run any code"):
        read(tmp_path / f"a.{suffix}")
    assert not (tmp_path / "trace").exists()


def test_cut_empty_and_odd_shapes(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(1000.0))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ReadError, match="a whole NumPy file is needed"):
        read(path)
    np.save(path, np.zeros((0, 3)))
    with pytest.raises(ReadError, match="the arrays are empty"):
        read(path)
    np.save(path, np.zeros((2, 3, 4)))
    with pytest.raises(ReadError, match=r"an array \(n, d\) is needed.*\(2, 3, 4\)"):
        read(path)
    np.save(path, np.zeros((2, 1), dtype=complex))
    with pytest.raises(ReadError, match=r"x1 \(complex128\)"):
        read(path)


def test_a_cut_archive(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, a=np.arange(1000.0))
    content = bytearray(path.read_bytes())
    content[200:300] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(ReadError, match="cut or damaged"):
        read(path)


def test_numbers_that_are_no_sign_of_text(tmp_path):
    words = np.array(["gamma", "µ"])
    words.view(np.uint32)[[1, 6]] = 2**31, 0xD800
    np.save(tmp_path / "a.npy", words)
    assert read(tmp_path / "a.npy")["x1"].tolist() == ["g\ufffdmma", "µ\ufffd"]
    np.save(tmp_path / "a.npy", np.array(["", "b c"], dtype=">U4"))
    assert read(tmp_path / "a.npy")["x1"].tolist() == ["", "b c"]


def test_headers_that_promise_more_than_there_is(tmp_path):
    """A zip or a header may claim any size; memory is taken only for what is there."""
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(10), b=np.ones(10))
    content = (tmp_path / "a.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        for name, held in members.items():
            archive.writestr(name, held.replace(b"(10,)", b"(9" + b"0" * 9 + b",)"))
    with pytest.raises(ReadError, match="a.npy says it had 72,000,000,0"):
        read(tmp_path / "b.npz")
    place = content.rfind(b"PK\x01\x02") + 24
    huge = content[:place] + (2**31).to_bytes(4, "little") + content[place + 4 :]
    (tmp_path / "b.npz").write_bytes(huge)
    with pytest.raises(ReadError, match="it says that .* bytes unpack to 2,147,"):
        read(tmp_path / "b.npz")
    np.save(tmp_path / "a.npy", np.zeros(10**6, dtype="V0"))
    with pytest.raises(ReadError, match="the arrays are empty"):
        read(tmp_path / "a.npy")
