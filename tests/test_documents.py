"""The documents are true: examples run, commands and files that are named exist, none is left out.

The blocks of a page run from top to bottom in one temporary folder and share their names:
```python as it stands, ```pycon as a doctest, ```console where a line begins with `$ baksan`; what
such a block shows below the command must be what the command prints, `...` standing for anything.
A comment on the line above a block says more:

    <!-- needs data -->       stops there, skipped with a reason, where BAKSAN_DATA is absent
    <!-- exit 2 -->           the commands of this block end with that status
    <!-- not run: why -->     only shown
"""

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"(?:^[ ]*<!--[ ]*(?P<note>[^\n]*?)[ ]*-->[ ]*\n)?"
    r"^(?P<indent>[ ]*)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```[ ]*$",
    re.MULTILINE | re.DOTALL,
)
NOTE = re.compile(r"needs data|exit \d|not run: .+")
LONG = {"commands", "guide", "simulate", "tmva"}  # pages that take longest
LOOSE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
INDEX_HOST = re.compile(r"pypi\.org|python[h]osted|--(extra-)?index-url[ =]|--find[-]links")
MACHINE_PATH = re.compile(r"(?<![\w.~/:-])/(work|root|home|Users|tmp)/\w")


@dataclass(frozen=True)
class Block:
    where: str
    line: int
    language: str
    text: str
    note: str


def blocks(page):
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("text")) + 1
        yield Block(
            f"{page.relative_to(ROOT)}:{line}" if page.is_relative_to(ROOT) else f"{page}:{line}",
            line,
            match["language"],
            textwrap.dedent(match["text"]),
            match["note"] or "",
        )


def run_python(block, names):
    where = block.where.rpartition(":")[0]
    exec(compile("\n" * (block.line - 1) + block.text, where, "exec"), names)


def run_pycon(block, names):
    test = doctest.DocTestParser().get_doctest(block.text, names, block.where, block.where, 0)
    said = io.StringIO()
    failed = doctest.DocTestRunner(optionflags=LOOSE).run(test, out=said.write, clear_globs=False)
    assert failed.failed == 0, said.getvalue()
    names.update(test.globs)


def run_console(block, names):
    expected = int(block.note.removeprefix("exit ")) if block.note.startswith("exit") else 0
    for step in re.split(r"^\$ ", block.text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
        command, _, shown = step.partition("\n")
        if not command.startswith("baksan"):
            continue
        status, said = baksan(shlex.split(command, comments=True)[1:])
        assert status == expected, f"{block.where}: {command}\nended with {status}:\n{said}"
        if shown.strip():
            same = doctest.OutputChecker().check_output(shown, said, LOOSE)
            assert same, f"{block.where}: {command}\nshould print\n{shown}\nbut printed\n{said}"


def baksan(arguments):
    """Status and output of the command `baksan`; what it says on stderr counts if it fails."""
    from baksan.cli import main

    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["baksan", *arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main()
    except SystemExit as end:
        status = end.code
    finally:
        sys.argv = before
    return status or 0, out.getvalue() + (err.getvalue() if status else "")


RUN = {"python": run_python, "pycon": run_pycon, "console": run_console}


def runnable(page):
    return [b for b in blocks(page) if b.language in RUN and not b.note.startswith("not run")]


@pytest.fixture
def run_page(tmp_path, monkeypatch):
    """Runs all blocks of a page in a folder of its own, as on a terminal of 100 columns."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)

    def run(page):
        names = {"__name__": "__main__"}
        for block in runnable(page):
            if block.note == "needs data" and "BAKSAN_DATA" not in os.environ:
                pytest.skip(f"{block.where} needs real data, and BAKSAN_DATA names none")
            RUN[block.language](block, names)

    return run


# The examples -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(p, id=str(p.relative_to(ROOT)), marks=[pytest.mark.slow] * (p.stem in LONG))
        for p in PAGES
        if runnable(p)
    ],
)
def test_examples_run(run_page, page):
    run_page(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_notes_above_blocks_are_understood(page):
    for block in blocks(page):
        assert not block.note or NOTE.fullmatch(block.note), f"{block.where}: {block.note}"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "assert 1 == 2"),
        ("pycon", ">>> 1 + 1\n3"),
        ("console", "$ baksan no-such-command"),
        ("console", "$ baksan --help\nno such text"),
    ],
)
def test_a_wrong_example_is_seen(run_page, tmp_path, language, text):
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\n```{language}\n{text}\n```\n")
    with pytest.raises(AssertionError):
        run_page(page)


def test_blocks_share_names_and_obey_their_notes(run_page, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nx = 20\n```\n\n=== tab\n\n    ```pycon\n    >>> x + 1\n    21\n    >>> y = 3\n"
        "    ```\n\n```python\nassert y == 3\n```\n\n<!-- not run: shows an error -->\n"
        "```python\n1 / 0\n```\n\n<!-- exit 2 -->\n```console\n$ baksan no-such-command\n```\n"
    )
    run_page(page)


def test_data_that_are_absent_skip_with_a_reason(run_page, tmp_path, monkeypatch):
    monkeypatch.delenv("BAKSAN_DATA", raising=False)
    page = tmp_path / "page.md"
    page.write_text("<!-- needs data -->\n```python\n1 / 0\n```\n")
    with pytest.raises(pytest.skip.Exception, match=r"page.md:3 needs real data"):
        run_page(page)


# What they name, and what they leave out ----------------------------------------------------------


def commands(group, name="baksan"):
    """The full names of all commands of a command line, `baksan data list` and so on."""
    for word, command in group.commands.items():
        inner = f"{name} {word}"
        yield from commands(command, inner) if hasattr(command, "commands") else [inner]


def test_every_command_is_documented():
    import typer

    from baksan.cli import app

    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [
        c for c in commands(typer.main.get_command(app)) if not re.search(rf"{c}\b", text)
    ] == []


def test_every_make_target_that_is_named_exists():
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"(?:\$ |`)make ([a-z][a-z-]*)", text))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_to_a_file_leads_there(page):
    links = re.findall(r"\]\(([^)\s#]+)", page.read_text(encoding="utf-8"))
    inside = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in inside if not (page.parent / link).exists()] == []


def test_every_folder_that_is_named_is_there():
    """Beside the tree of the package: `notebooks/` and so on, on the pages at the root."""
    named = {n for p in PAGES[:2] for n in re.findall(r"`([\w.]+/)`", p.read_text("utf-8"))}
    assert {"notebooks/", "tests/"} <= named
    assert [name for name in sorted(named) if not (ROOT / name).is_dir()] == []


def tree(text):
    """{path: phrase} of a listing by indentation (four blanks), from the line `src/baksan/` on."""
    listing = next(b for b in re.findall(r"```\w*\n(src/baksan/.*?)```", text, re.DOTALL))
    paths, phrases = [], {}
    for line in listing.splitlines():
        indent, name, phrase = re.fullmatch(r"((?: {4})*)(\S+)\s*(.*)", line).groups()
        paths[len(indent) // 4 :] = [name]
        phrases["".join(paths)] = phrase
    return phrases


def test_the_tree_in_the_readme_is_true():
    """Every file with a phrase; a folder's phrase speaks for its __init__.py."""
    found = {
        f"{path.relative_to(ROOT).as_posix()}{'/' if path.is_dir() else ''}"
        for path in [ROOT / "src/baksan", *(ROOT / "src/baksan").rglob("*")]
        if "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    spoken_for = {p for p in found if p.endswith("/__init__.py")} - {"src/baksan/__init__.py"}
    listed = tree((ROOT / "README.md").read_text(encoding="utf-8"))
    assert sorted(found - spoken_for - set(listed)) == [], "missing in the README's tree"
    assert sorted(set(listed) - found) == [], "in the README's tree, but not there"
    assert [path for path, phrase in listed.items() if not phrase] == []


# What is committed --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def committed():
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout: this folder has no .git")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [f for name in listed.stdout.decode().split("\0") if (f := ROOT / name).is_file()]


def named(pattern, files):
    texts = ((file, file.read_text(encoding="utf-8", errors="ignore")) for file in files)
    return [f"{file.relative_to(ROOT)}: {m[0]}" for file, t in texts if (m := pattern.search(t))]


def test_no_committed_file_names_a_package_index(committed):
    assert named(INDEX_HOST, committed) == []


def test_no_committed_file_names_a_path_of_a_machine(committed):
    assert named(MACHINE_PATH, committed) == []


def test_no_committed_file_is_over_a_megabyte(committed):
    assert [file.name for file in committed if file.stat().st_size > 1_000_000] == []


def test_hosts_and_paths_are_recognised():
    bad = (
        "see " + "/".join(["", "home", "me", "data"]),
        "https://" + ".".join(["pypi", "org/simple"]),
    )
    assert MACHINE_PATH.search(bad[0]) and INDEX_HOST.search(bad[1])
    for fine in ("~/data", "https://example.org/home/me", "../shared/data", "/usr/bin/env"):
        assert not MACHINE_PATH.search(fine) and not INDEX_HOST.search(fine)
