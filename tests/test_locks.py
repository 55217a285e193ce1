"""What is installed: pinned by hashes, no hosts named, licences listed, advisories found."""

import importlib.util
import json
import re
import zipfile

import pytest


@pytest.fixture(scope="module")
def check(root):
    spec = importlib.util.spec_from_file_location("locks_check", root / "locks/check.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_locks_have_hashes_and_name_no_host(root):
    for lock in (root / "locks").glob("*.txt"):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text and "--index" not in text
        pins = re.split(r"(?m)^(?=[A-Za-z0-9])", text)[1:]
        assert pins and all("--hash=sha256:" in pin for pin in pins)


def test_every_package_of_the_locks_has_its_licence_listed(root, check):
    listed = dict(
        re.findall(r"(?m)^\| (\S+) \| (.+?) \| .* \|$", (root / "docs/licences.md").read_text())
    )
    for name in ("core", "test", "docs", "lab"):
        assert set(check.locks()[name]) <= set(listed), "python locks/check.py licences"
    core = {name: listed[name] for name in check.locks()["core"]}
    assert not [name for name, told in core.items() if re.search(r"\bA?GPL|not stated", told)]
    assert listed["numpy"].startswith("BSD-3-Clause") and listed["skops"].startswith("MIT")


def advisory(name, events, **more):
    package = {"ecosystem": "PyPI", "name": name}
    ranges = [{"type": "ECOSYSTEM", "events": events}]
    return {"id": "PYSEC-0", "summary": "bad", "affected": [{"package": package, "ranges": ranges}]
            } | more  # fmt: skip


@pytest.mark.parametrize(
    ("events", "version", "found"),
    [
        ([{"introduced": "0"}], "1.0", True),
        ([{"introduced": "0"}, {"fixed": "1.0"}], "1.0", False),
        ([{"introduced": "0"}, {"fixed": "1.0"}], "1.0rc1", True),
        ([{"introduced": "1.1"}, {"fixed": "1.2"}], "1.0", False),
        ([{"introduced": "0"}, {"last_affected": "1.0"}], "1.0", True),
        ([{"introduced": "0"}, {"last_affected": "1.0"}], "1.0.1", False),
        ([{"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "2.0"}], "2.5", True),
        ([{"fixed": "1.10"}, {"introduced": "0"}], "1.9", True),
    ],
)
def test_ranges_of_advisories(check, events, version, found):
    assert check.affects(advisory("Some_Package", events), "some-package", version) is found


def test_listed_versions_and_other_ecosystems(check):
    listed = {"affected": [{"package": {"ecosystem": "PyPI", "name": "a"}, "versions": ["1.5"]}]}
    assert check.affects(listed, "a", "1.5") and not check.affects(listed, "a", "1.6")
    listed["affected"][0]["package"]["ecosystem"] = "npm"
    assert not check.affects(listed, "a", "1.5")


def test_the_audit_finds_what_is_planted(check, tmp_path, capsys):
    numpy = next(iter(check.locks()["core"]["numpy"]))
    export = tmp_path / "all.zip"
    with zipfile.ZipFile(export, "w") as archive:
        archive.writestr("1.json", json.dumps(advisory("numpy", [{"introduced": "0"}])))
        archive.writestr("2.json", json.dumps(advisory("django", [{"introduced": "0"}])))
        gone = advisory("scipy", [{"introduced": "0"}], withdrawn="2026-01-01T00:00:00Z")
        archive.writestr("3.json", json.dumps(gone))
    assert check.main(["audit", str(export)]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"numpy {numpy} (") and line.endswith("PYSEC-0 bad")
    with zipfile.ZipFile(export) as archive:
        archive.extract("2.json", tmp_path / "folder")
    assert check.main(["audit", str(tmp_path / "folder")]) == 0
    assert "No advisory" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"no zip", b""])
def test_a_broken_export_gets_a_sentence(check, tmp_path, content, capsys):
    (tmp_path / "all.zip").write_bytes(content)
    assert check.main(["audit", str(tmp_path / "all.zip")]) == 2
    assert "an export of the OSV database is needed" in capsys.readouterr().err
    assert check.main([]) == 2


def test_the_page_of_licences_is_written_by_the_command(check):
    assert "| numpy | BSD-3-Clause" in check.page()
    assert check.licence("no-such-package-anywhere") == ""
