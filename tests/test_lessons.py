"""The lessons reach a student's folder as notebooks, and what the student changed stays."""

import ast
import re
import sys
import textwrap
import tomllib
import types
from functools import cache

import jupytext
import nbformat
import pytest

from baksan import lessons
from baksan.exercises import exercises

NUMBERS = [
    "01", "02", "03", "04", "05", "06", "06b", "06c", "07", "08", "09", "10", "11", "12", "13",
    "14", "15", "16",
]  # fmt: skip


@pytest.fixture
def started(monkeypatch):
    """The arguments with which JupyterLab would have been started."""
    calls = []
    lab, app = types.ModuleType("jupyterlab"), types.ModuleType("jupyterlab.labapp")
    app.main = calls.append
    monkeypatch.setitem(sys.modules, "jupyterlab", lab)
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", app)
    monkeypatch.setattr(lessons, "find_spec", lambda name: True)
    return calls


def test_the_lessons_are_numbered_like_the_lectures():
    assert [path.name.partition("_")[0] for path in lessons.sources()] == NUMBERS


def test_prepare_writes_valid_notebooks(tmp_path):
    notebooks = lessons.prepare(tmp_path / "new" / "folder")
    assert [path.stem for path in notebooks] == [path.stem for path in lessons.sources()]
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert notebook.metadata == {"kernelspec": lessons._KERNEL}
        assert notebook.cells[0].cell_type == "markdown"
        assert notebook.cells[0].source.startswith("# ")
        assert all(not cell.get("outputs") for cell in notebook.cells)
    written = "".join(path.read_text() for path in notebooks)
    assert all(f'check(\\"{number}\\", ' in written for number in exercises())


# Exercises ----------------------------------------------------------------------------------------


@cache
def cells_of(lesson):
    """The cells of a lesson."""
    (path,) = (p for p in lessons.sources() if p.name.startswith(f"{lesson}_"))
    return jupytext.read(path, fmt="py:percent").cells


@pytest.mark.parametrize("number", list(exercises()))
def test_an_exercise_stands_in_its_lesson_word_for_word(number):
    asked, cells = exercises()[number], cells_of(number.partition(".")[0])
    title = f"### Exercise {number}. {asked.title}"
    (k,) = (k for k, cell in enumerate(cells) if cell.source.startswith(title))
    assert cells[k].source == f"{title}\n\n{textwrap.dedent(asked.statement).strip()}"
    assert cells[k + 1].source == (
        f"def {asked.signature}:\n    raise NotImplementedError\n\n\n"
        f'bk.check("{number}", {asked.name})'
    )


def test_no_lesson_names_an_exercise_that_is_not_there():
    named = {
        number
        for path in lessons.sources()
        for number in re.findall(r"Exercise (\w+\.\d+)|check\(\"(\w+\.\d+)", path.read_text())
        for number in number
        if number
    }
    assert named == set(exercises())


@pytest.mark.parametrize("number", list(exercises()))
def test_the_name_of_an_exercise_is_free_in_its_lesson(number):
    """A student who runs an earlier cell again does not lose the answer, nor the cell its name."""
    asked = exercises()[number]
    for cell in cells_of(number.partition(".")[0]):
        lines = [line for line in cell.source.splitlines() if not line.startswith("%")]
        if cell.cell_type == "code" and f'check("{number}"' not in cell.source:
            bound = {
                node.id if isinstance(node, ast.Name) else node.name
                for node in ast.walk(ast.parse("\n".join(lines)))
                if isinstance(node, ast.FunctionDef)
                or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
            }
            assert asked.name not in bound


# The folder ---------------------------------------------------------------------------------------


def test_what_a_student_changed_stays(tmp_path):
    first, second, *_ = lessons.prepare(tmp_path)
    first.write_text("my notes")
    title = nbformat.read(second, as_version=4).cells[0].source
    second.unlink()
    lessons.prepare(tmp_path)
    assert first.read_text() == "my notes"
    assert nbformat.read(second, as_version=4).cells[0].source == title
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"{path.stem}.ipynb" for path in lessons.sources()
    )


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "lessons").write_text("")
    with pytest.raises(OSError, match="lessons"):
        lessons.prepare(tmp_path / "lessons")


def test_open_lab_starts_in_the_folder(tmp_path, started, capsys):
    lessons.open_lab(tmp_path / "here")
    assert started == [[f"--ServerApp.root_dir={(tmp_path / 'here').resolve()}"]]
    assert len(list((tmp_path / "here").glob("*.ipynb"))) == len(NUMBERS)
    assert f"{len(NUMBERS)} lessons in {tmp_path / 'here'}" in capsys.readouterr().out


@pytest.mark.parametrize("absent", ["jupyterlab", "jupytext"])
def test_a_missing_extra_gets_one_sentence(tmp_path, started, monkeypatch, absent):
    monkeypatch.setattr(lessons, "find_spec", lambda name: None if name == absent else True)
    with pytest.raises(ModuleNotFoundError, match=rf"{absent}.*make lab .*pip install '\.\[lab\]'"):
        lessons.open_lab(tmp_path / "none")
    assert started == [] and not (tmp_path / "none").exists()


def test_the_command_prints_that_sentence(tmp_path, monkeypatch, capsys):
    from baksan import cli

    monkeypatch.setattr(lessons, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as end:
        cli.main(["lab", "--folder", str(tmp_path / "none")])
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("baksan: the lessons open in JupyterLab")


def test_a_package_without_lessons_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(lessons, "__file__", str(tmp_path / "src/baksan/lessons.py"))
    with pytest.raises(FileNotFoundError, match="Install baksan again"):
        lessons.sources()


def test_an_installed_package_carries_them(root, tmp_path, monkeypatch):
    wheel = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"][
        "targets"
    ]["wheel"]
    assert wheel["force-include"] == {"notebooks": "baksan/notebooks"}
    inside = tmp_path / "baksan/notebooks"
    inside.mkdir(parents=True)
    (inside / "01_first.py").write_text("# %% [markdown]\n# # First\n")
    monkeypatch.setattr(lessons, "__file__", str(tmp_path / "baksan/lessons.py"))
    assert lessons.sources() == [inside / "01_first.py"]
