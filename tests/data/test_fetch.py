"""`fetch` against a server on this machine: the right file, and everything that may go wrong."""

import hashlib
import http.server
import io
import os
import resource
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from baksan.cli import main
from baksan.data import entry, fetch, load
from baksan.data.catalogue import ENTRIES, Entry, File
from baksan.data.formats import whole

fetching = sys.modules["baksan.data.fetch"]  # the name in the package is the function

DATA = "width,kind\n" + "".join(f"{j}.5,{'gh'[j % 2]}\n" for j in range(5000))
DATA = DATA.encode()
SHA = hashlib.sha256(DATA).hexdigest()


def zipped(**members):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return held.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    """Each path answers in a way of its own."""

    def log_message(self, *_):
        pass

    def answer(self, content, length=None, status=200, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        self.server.asked.append(self.path)
        getattr(self, self.path.strip("/").replace(".", "_"), self.nothing)()

    def nothing(self):
        self.answer(b"no such page", status=404)

    def right_csv(self):
        self.answer(DATA)

    def other_csv(self):
        self.answer(DATA.replace(b"1.5", b"1.6", 1))

    def page_csv(self):
        self.answer(b"\n <!DOCTYPE html><html>We are moving house.</html>")

    def cut_csv(self):
        self.answer(DATA[:30_000], length=len(DATA))

    def closed_csv(self):
        self.answer(b"", length=len(DATA))

    def moved_csv(self):
        self.answer(b"", status=302, Location="/right.csv")

    def circle_csv(self):
        self.answer(b"", status=302, Location="/circle.csv")

    def slow_csv(self):
        self.answer(DATA[:100], length=len(DATA))
        self.wfile.flush()
        self.server.told.wait(10)

    def packed_zip(self):
        self.answer(zipped(other_txt=b"words", toy_csv=DATA))

    def strange_zip(self):
        self.answer(zipped(other_txt=b"words"))

    def broken_zip(self):
        content = zipped(toy_csv=DATA)
        middle = len(content) // 2
        self.answer(content[: middle - 20] + b"\0" * 20 + content[middle:])


@pytest.fixture(scope="module")
def server():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.asked, made.told, made.daemon_threads = [], threading.Event(), True
    thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.told.set()
    made.shutdown()
    made.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch, server):
    """A cache of its own, no BAKSAN_DATA, no proxy, a short patience."""
    for name in os.environ:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("BAKSAN_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(fetching, "_PATIENCE", (2.0, 0.3))
    server.asked.clear()
    return tmp_path / "cache" / "baksan"


@pytest.fixture
def toy(monkeypatch, server):
    """toy(path, …): the data set 'toy' with its file at these paths of the server."""

    def made(*paths, **changes):
        address = "http://127.0.0.1:{}/{}"
        port = server.server_address[1]
        file = File({"toy.csv": SHA}, tuple(address.format(port, path) for path in paths))
        known = {
            "name": "toy", "title": "Toy", "task": "classification", "folder": "toys",
            "files": (file,), "publisher": "https://example.org/toys",
            "make": lambda paths, part: whole(paths[0]), "columns": (),
            "features": {"standard": ("width",)}, "answer": "kind", "class_names": ("h", "g"),
            "citation": "N. N., Toys (2026)", "licence": "CC0",
        }  # fmt: skip
        monkeypatch.setitem(ENTRIES, "toy", Entry(**{**known, **changes}))

    return made


def left(cache):
    return [path for path in cache.parent.rglob("*") if path.is_file()]


def test_the_right_file_is_fetched_once_and_loaded(toy, cache, server):
    toy("right.csv")
    with pytest.raises(FileNotFoundError, match="Fetch it with baksan data fetch toy "):
        load("toy")
    shares = []
    (path,) = fetch("toy", progress=lambda text, share: shares.append((text, share)))
    assert path == cache / "toys/toy.csv" and path.read_bytes() == DATA
    assert shares[0] == ("fetching toy.csv", None) and shares[-1] == ("fetching toy.csv", 1.0)
    assert all(0 < share <= 1 for _, share in shares[1:])
    assert left(cache) == [path]
    assert fetch("toy") == (path,) and server.asked == ["/right.csv"]
    assert len(load("toy").samples()) == 5000


@pytest.mark.parametrize(("path", "count"), [("moved.csv", 2), ("packed.zip", 1)])
def test_redirects_are_followed_and_zips_unpacked(toy, cache, server, path, count):
    toy(path)
    assert fetch("toy")[0].read_bytes() == DATA
    assert len(left(cache)) == 1 and len(server.asked) == count


def test_the_next_address_helps(toy, cache, server):
    toy("gone.csv", "other.csv", "right.csv", "never.csv")
    assert fetch("toy") == (cache / "toys/toy.csv",)
    assert server.asked == ["/gone.csv", "/other.csv", "/right.csv"]


WRONG = {
    "gone.csv": "answered 404 Not Found",
    "other.csv": "sent another file \\(SHA-256 [0-9a-f]{64}, not " + SHA,
    "page.csv": "sent a web page in place of the file",
    "cut.csv": "broke off before the end",
    "closed.csv": "broke off before the end",
    "slow.csv": "fell silent for 0.3 s",
    "circle.csv": "sends in circles",
    "strange.zip": "sent a zip without toy.csv",
    "broken.zip": "sent a damaged zip",
}


@pytest.mark.parametrize("path", WRONG)
def test_what_goes_wrong_is_one_sentence_and_leaves_nothing(toy, cache, capsys, path):
    toy(path)
    with pytest.raises(
        OSError, match=f"toy needs toy.csv from its publisher; .*{path} {WRONG[path]}"
    ):
        fetch("toy")
    assert left(cache) == []
    with pytest.raises(SystemExit) as stopped:
        main(["data", "fetch", "toy"])
    said = capsys.readouterr().err
    assert stopped.value.code == 2 and said.count("\n") == 1
    assert "get it from https://example.org/toys and put it into" in said and "  " not in said


def test_no_network(toy, cache, server, monkeypatch):
    port = server.server_address[1]
    toy()
    file = File({"toy.csv": SHA}, ("http://127.0.0.1:9/toy.csv", "http://no.invalid/toy.csv"))
    toy(files=(file,))
    assert port != 9
    with pytest.raises(OSError, match=r":9/toy.csv cannot be reached .*; .* cannot be reached"):
        fetch("toy")
    assert left(cache) == []


def test_no_more_than_a_bound_is_received(toy, cache, monkeypatch):
    monkeypatch.setattr(fetching, "_LARGEST", 40_000)
    for path in ("right.csv", "packed.zip"):
        toy(path)
        with pytest.raises(OSError, match=f"{path} sen(ds|t a zip with) more than 0 MiB"):
            fetch("toy")
    assert left(cache) == []


def test_a_full_disk(toy, cache):
    toy("right.csv")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OSError, match="needs more room than the disk has left"):
            fetch("toy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert left(cache) == []


def test_a_cache_that_cannot_be_written_to(toy, cache, monkeypatch):
    toy("right.csv")
    cache.parent.mkdir()
    cache.touch()
    with pytest.raises(OSError, match="a cache that can be written to is needed; .*XDG_CACHE_HOME"):
        fetch("toy")
    assert left(cache) == [cache]


def test_a_changed_file_in_the_cache_is_fetched_again(toy, cache):
    toy("right.csv")
    (path,) = fetch("toy")
    path.write_bytes(b"width,kind\n")
    with pytest.raises(ValueError, match="someone changed it"):
        load("toy")
    assert fetch("toy")[0].read_bytes() == DATA


def test_baksan_data_is_looked_in_first(toy, cache, server, tmp_path, monkeypatch):
    toy("right.csv")
    monkeypatch.setenv("BAKSAN_DATA", str(tmp_path / "given"))
    given = tmp_path / "given/toys/toy.csv"
    given.parent.mkdir(parents=True)
    given.write_bytes(DATA)
    assert fetch("toy") == (given,) and server.asked == []
    given.write_bytes(b"1")
    with pytest.raises(ValueError, match="toy.csv: the published file is needed; .* Move it away"):
        fetch("toy")
    assert server.asked == []


def test_two_at_a_time(toy, cache):
    toy("right.csv")
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: fetch("toy"), range(4)))
    assert found == {(cache / "toys/toy.csv",)} and left(cache) == [cache / "toys/toy.csv"]


def test_only_the_files_of_a_part(toy, server):
    port = server.server_address[1]
    address = f"http://127.0.0.1:{port}/right.csv"
    files = tuple(File({f"{n}.csv": SHA}, (address,), n) for n in ("a", "b"))
    toy(files=files, parts={"a": "one", "b": "other"})
    assert [path.name for path in fetch("toy:b")] == ["b.csv"]
    assert len(load("toy:b").table) == 5000
    with pytest.raises(FileNotFoundError, match=r"needs the file a\.csv"):
        load("toy")
    with pytest.raises(KeyError, match="toy has the parts a, b"):
        fetch("toy:c")


def test_a_set_without_address_is_to_be_got_by_hand(toy, capsys):
    toy()
    with pytest.raises(FileNotFoundError, match=r"Get it from https://example\.org/toys and put"):
        fetch("toy")
    main_status(["data", "list"])
    told = capsys.readouterr().out
    assert "get it by hand from https://example.org/toys" in told
    assert "get it with baksan data fetch magic" in told


def main_status(arguments):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    return stopped.value.code


def test_the_command_prints_where_it_is_and_whom_to_cite(toy, cache, capsys):
    toy("right.csv")
    assert main_status(["data", "fetch", "toy"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"toy: {cache / 'toys/toy.csv'}\n")
    assert "Data: Toy. Licence: CC0. Cite: N. N., Toys (2026)." in told
    assert main_status(["--quiet", "data", "fetch", "toy"]) == 0
    assert capsys.readouterr().out == f"toy: {cache / 'toys/toy.csv'}\n"
    for wrong in (["data", "fetch"], ["data", "fetch", "toy", "--all"], ["data", "fetch", "tay"]):
        assert main_status(wrong) == 2


def test_all_that_can_be_fetched(toy, cache, capsys, monkeypatch):
    toy("right.csv")
    for name in list(ENTRIES):
        if name not in ("toy", "digits", "auger-events"):
            monkeypatch.delitem(ENTRIES, name)
    assert main_status(["data", "fetch", "--all"]) == 0
    told = capsys.readouterr().out
    assert "auger-events: get it by hand from https://opendata.auger.org/." in told
    assert "digits.csv.gz" in told and "toys/toy.csv" in told


def test_a_stopped_fetch_leaves_nothing(toy, cache):
    toy("right.csv")

    def stop(text, share):
        if share is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("toy", progress=stop)
    assert left(cache) == []


def test_addresses_of_the_catalogue():
    with_address = {n for n, e in ENTRIES.items() if all(f.addresses for f in e.files)}
    without = set(ENTRIES) - with_address
    assert without == {"auger-events", "telescope-array-events", "digits"}
    for name in with_address:
        for file in entry(name).files:
            assert all(a.startswith("https://") for a in file.addresses)
            assert len(set(file.addresses)) == len(file.addresses)
            own = file.name.rpartition("/")[2]
            ours = [a for a in file.addresses if a.rpartition("/")[2] == own]
            assert ours or any(a.endswith(".zip") for a in file.addresses)


def test_a_slow_server_is_not_waited_for_long(toy):
    toy("slow.csv")
    began = time.perf_counter()
    with pytest.raises(OSError, match="fell silent"):
        fetch("toy")
    assert time.perf_counter() - began < 5
