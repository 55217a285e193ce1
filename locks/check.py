"""What the locks hold: licences, and known vulnerabilities, without a network.

    python locks/check.py licences > docs/licences.md
    python locks/check.py audit all.zip

The second takes an export of the OSV database for Python packages: a zip of JSON files, or a
folder of them (https://ossf.github.io/osv-schema/). It prints what it finds and ends with 1 if that
is anything, with 2 if a file cannot be read.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, metadata
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

LOCKS = Path(__file__).parent
ELSEWHERE = {"appnope": "BSD-2-Clause", "pywinpty": "MIT"}  # of other systems: their own pages
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")
SHORT = {
    "BSD License": "BSD", "MIT License": "MIT", "Apache Software License": "Apache-2.0",
    "Python Software Foundation License": "PSF-2.0", "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0", "The Unlicense (Unlicense)": "Unlicense",
    "Apache 2.0": "Apache-2.0", "Apache License 2.0": "Apache-2.0", "3-Clause BSD": "BSD-3-Clause",
    "Apache License, Version 2.0": "Apache-2.0", "BSD 3-Clause": "BSD-3-Clause",
    "BSD 3-Clause License": "BSD-3-Clause", "Apache Software License 2.0": "Apache-2.0",
}  # fmt: skip


def pinned(lock: Path) -> dict[str, set[str]]:
    """The versions of each package in a lock; several where platforms differ."""
    held: dict[str, set[str]] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if found := PIN.match(line):
            held.setdefault(canonicalize_name(found[1]), set()).add(found[2])
    return held


def locks() -> dict[str, dict[str, set[str]]]:
    """All locks by name."""
    return {lock.stem: pinned(lock) for lock in sorted(LOCKS.glob("*.txt"))}


def licence(name: str) -> str:
    """The licence that an installed package states; "" for one that is not installed."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ""
    if expression := told.get("License-Expression"):
        return expression
    classified = [c for c in told.get_all("Classifier") or () if c.startswith("License ::")]
    named = [c.rpartition(" :: ")[2] for c in classified if c.count(" :: ") > 1]
    text = (told.get("License") or "").strip() or _beside(name, told.get_all("License-File") or [])
    found = named or [text.partition("\n")[0].strip()[:40] or "not stated"]
    return " and ".join(SHORT.get(one, one) for one in found)


def _beside(name: str, files: list[str]) -> str:
    """The text of the licence that a package brings along."""
    held = distribution(name)
    texts = (held.read_text(f"licenses/{file}") or held.read_text(file) for file in files)
    return next((text for text in texts if text), "")


def page() -> str:
    """docs/licences.md: who needs what, and under which licence."""
    held = locks()
    order = ("core", "test", "docs", "lab")
    rows = []
    for name in sorted({name for lock in order for name in held[lock]}):
        inside = [lock for lock in order if name in held[lock]]
        stated = licence(name) or ELSEWHERE.get(name, "not installed where this page was made")
        rows.append(f"| {name} | {stated} | {', '.join(inside)} |")
    return "\n".join(
        [
            "# Licences of what is installed",
            "",
            "baksan is BSD-3-Clause. This is what its locks install beside it, with the licence",
            "that each package states; `core` is what `make demo` installs, the others serve",
            "tests, documentation and lessons. Nothing of it is part of baksan's own files.",
            "",
            "<!-- written by: python locks/check.py licences -->",
            "",
            "| package | licence | lock |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def advisories(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of an export. Raises ValueError for what is none."""
    try:
        if path.is_dir():
            texts = (file.read_bytes() for file in sorted(path.rglob("*.json")))
            yield from (json.loads(text) for text in texts)
            return
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".json")]
            yield from (json.loads(archive.read(name)) for name in names)
    except (OSError, zipfile.BadZipFile, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path}: an export of the OSV database is needed, a zip or folder of JSON files;"
            f" this cannot be read: {error}."
        ) from None


def affects(entry: dict[str, Any], name: str, version: str) -> bool:
    """Whether an advisory names this version of a package: listed, or within a range."""
    for affected in entry.get("affected", ()):
        package = affected.get("package", {})
        same = canonicalize_name(package.get("name", "")) == name
        if package.get("ecosystem") != "PyPI" or not same:
            continue
        if version in affected.get("versions", ()):
            return True
        ranges = (r for r in affected.get("ranges", ()) if r.get("type") == "ECOSYSTEM")
        if any(_within(Version(version), r["events"]) for r in ranges):
            return True
    return False


def _within(version: Version, events: list[dict[str, str]]) -> bool:
    """Whether the last event at or below the version introduced what it tells of."""
    inside = False
    for event in sorted(events, key=_place):
        kind, at = next(iter(event.items()))
        place = _version(at)
        if kind == "introduced" and version >= place:
            inside = True
        elif (kind == "fixed" and version >= place) or (
            kind == "last_affected" and version > place
        ):
            inside = False
    return inside


def _place(event: dict[str, str]) -> Version:
    return _version(next(iter(event.values())))


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")


def audit(path: Path) -> list[str]:
    """A line for each advisory that names a version in a lock."""
    held = [(lock, n, v) for lock, some in locks().items() for n, vs in some.items() for v in vs]
    known: dict[tuple[str, str], list[str]] = {}
    for lock, name, version in held:
        known.setdefault((name, version), []).append(lock)
    by_name: dict[str, list[str]] = {}
    for name, version in known:
        by_name.setdefault(name, []).append(version)
    found = []
    for entry in advisories(path):
        if entry.get("withdrawn"):
            continue
        packages = {
            canonicalize_name(a.get("package", {}).get("name", ""))
            for a in entry.get("affected", ())
        }
        for name in sorted(packages & set(by_name)):
            for version in by_name[name]:
                if affects(entry, name, version):
                    what = entry.get("summary") or entry.get("details", "")[:80]
                    inside = ", ".join(known[name, version])
                    found.append(f"{name} {version} ({inside}): {entry['id']} {what}")
    return sorted(found)


def main(arguments: list[str]) -> int:
    """The two commands."""
    if arguments == ["licences"]:
        print(page(), end="")
        return 0
    if len(arguments) == 2 and arguments[0] == "audit":
        try:
            found = audit(Path(arguments[1]))
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
        print("\n".join(found) or "No advisory of this export names a version in the locks.")
        return int(bool(found))
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
