"""Who may import whom: the arrows of the house as a table, and no circles.

Every import statement counts: at the top, inside a function, under TYPE_CHECKING, relative ones,
and importlib.import_module with a name written out.
"""

import ast
import shutil
from functools import cache
from graphlib import CycleError, TopologicalSorter

import pytest

LEARNING = {"compiled", "samples", "stream", "losses", "models", "solvers"}
BELOW_TRAIN = LEARNING | {
    "files", "units", "table", "metrics", "describe", "data", "physics", "simulate", "reconstruct",
    "report", "fit", "evaluate", "calibrate", "store", "estimators",
}  # fmt: skip

# A part is a file or a folder of src/baksan. Rows of rooms that are still to be built stand ready.
MAY_IMPORT = {
    "files": set(),
    "memory": set(),
    "compiled": set(),
    "jaxed": set(),
    "units": set(),
    "order": {"compiled"},
    "samples": {"order"},
    "stream": {"order", "samples"},
    "losses": set(),
    "table": {"samples", "units"},
    "metrics": {"compiled", "units"},
    "physics": {"units"},
    "describe": {"samples", "table", "metrics", "units"},
    "data": {"compiled", "files", "physics", "samples", "stream", "table", "units"},
    "cluster": {"compiled", "data", "samples", "stream", "table"},
    "simulate": {"compiled", "samples", "table", "units", "physics"},
    "reconstruct": {"compiled", "samples", "table", "units", "physics"},
    "produce": {"data", "files", "metrics", "physics", "reconstruct", "report"}
    | {"simulate", "table"},
    "models": {"units", "compiled", "jaxed", "memory"},
    "results": {"data", "metrics", "physics", "store", "table", "units"},
    "solvers": {"compiled", "jaxed", "memory", "order", "samples", "stream", "losses", "models"},
    "report": {"units"},
    "fit": LEARNING | {"metrics", "report.plots"},
    "evaluate": {"files", "samples", "stream", "losses", "metrics", "physics"},
    "calibrate": {"samples", "losses", "models", "fit", "metrics"},
    "tune": LEARNING
    | {
        "evaluate",
        "files",
        "fit",
        "jaxed",
        "metrics",
        "report.plots",
        "store",
        "train",
    },
    "store": {
        "files",
        "samples",
        "stream",
        "table",
        "units",
        "models",
        "losses",
        "metrics",
        "physics",
        "data.expressions",
    },
    "apply": {"samples", "store", "table", "data"},
    "export": {"files", "losses", "models", "store"},
    "compare": {"evaluate", "files", "metrics", "report", "samples", "store"},
    "agreement": {"data", "evaluate", "metrics", "samples", "table", "units"},
    "lessons": {"files"},
    "exercises": {"losses", "samples"},
    "sketch": {"report.plots"},
    "estimators": LEARNING | {"table", "metrics", "units", "fit", "calibrate", "report.plots"},
    "train": BELOW_TRAIN | {"memory"},
    "unsupervised": LEARNING | {"table", "metrics", "units", "fit", "report.plots"},
    "rl": LEARNING | {"table", "metrics", "units", "fit", "simulate", "report.plots"},
    "hackathon": {"data", "samples", "table", "metrics", "describe", "report", "simulate"},
}
FACES = {"__init__", "__main__", "cli"}  # they may import every part; nobody imports them
FACES_MEET = {("__main__", "cli")}
OPEN_TO_ALL = "baksan.__version__"


def modules_of(package):
    """Each module's dotted name inside the package and its file; a folder is its __init__."""
    files = {}
    for file in sorted(package.rglob("*.py")):
        name = file.relative_to(package).with_suffix("").parts
        files[".".join(name[:-1] if len(name) > 1 and name[-1] == "__init__" else name)] = file
    return files


def imported(name, file):
    """What a module imports, as full dotted names: of `from a import b` both readings, a.b."""
    return named_in(file.read_text(encoding="utf-8"), name, file.name == "__init__.py")


@cache
def named_in(text, name, is_face):
    here = ["baksan", *([] if name == "__init__" else name.split("."))]
    home = here if is_face else here[:-1]
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = home[: len(home) + 1 - node.level] if node.level else []
            start = ".".join([*base, *filter(None, [node.module])])
            found += [(f"{start}.{alias.name}", node.lineno) for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            written_out = [a.value for a in node.args if isinstance(a, ast.Constant)]
            found += [(str(target), node.lineno) for target in written_out]
    return found


def arrows(package):
    """(importer, imported module, line) inside the package; the face stands for loose names."""
    files = modules_of(package)
    for name, file in files.items():
        for target, line in imported(name, file):
            parts = target.split(".")
            if parts[0] != "baksan" or target == OPEN_TO_ALL:
                continue
            known = (".".join(parts[1:stop]) for stop in range(len(parts), 1, -1))
            yield name, next((module for module in known if module in files), "__init__"), line


def may(name, target):
    part, aim = name.split(".")[0], target.split(".")[0]
    if part == aim or (part, aim) in FACES_MEET:
        return True
    if aim in FACES:
        return False
    if part in FACES:
        return True
    allowed = MAY_IMPORT.get(part, set())
    return any(target == a or target.startswith(a + ".") for a in allowed)


def strangers(package):
    """Modules that belong to no part of the table."""
    return [n for n in modules_of(package) if n.split(".")[0] not in {*MAY_IMPORT, *FACES}]


def forbidden(package):
    return [f"{a} → {b} (line {n})" for a, b, n in arrows(package) if not may(a, b)]


def circle(package):
    """The modules of one circle, first and last the same; empty when there is none."""
    graph = {}
    for name, target, _ in arrows(package):
        if name != target:
            graph.setdefault(name, set()).add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


@pytest.fixture
def package(root):
    return root / "src/baksan"


@pytest.fixture
def copied(package, tmp_path):
    return shutil.copytree(package, tmp_path / "baksan", ignore=shutil.ignore_patterns("*.pyc"))


def plant(package, name, text):
    """Adds lines to a file of the copy; the arrows that are forbidden since."""
    before = forbidden(package)
    file = package / name
    file.parent.mkdir(exist_ok=True)
    with file.open("a", encoding="utf-8") as stream:
        stream.write(f"\n\n{text}\n")
    return [arrow.split(" (")[0] for arrow in forbidden(package) if arrow not in before]


def test_every_file_belongs_to_a_part(package):
    assert strangers(package) == []


def test_every_arrow_is_allowed(package):
    assert forbidden(package) == []


def test_there_is_no_circle(package):
    assert circle(package) == []


def test_the_table_has_no_circle():
    parts = {part: {a.split(".")[0] for a in allowed} for part, allowed in MAY_IMPORT.items()}
    TopologicalSorter(parts).prepare()


@pytest.mark.parametrize(
    "text",
    [
        "from baksan.table import Table",
        "import baksan.table",
        "from baksan import table",
        "from . import table",
        "from .table import Table",
        "def late():\n    from baksan.table import Table",
        "if TYPE_CHECKING:\n    from baksan.table import Table",
        "import importlib\nimportlib.import_module('baksan.table')",
    ],
)
def test_a_forbidden_arrow_is_seen(copied, text):
    assert plant(copied, "units.py", text) == ["units → table"]


def test_a_forbidden_arrow_from_inside_a_folder_is_seen(copied):
    seen = plant(copied, "physics/planted.py", "from ..solvers import base")
    assert seen == ["physics.planted → solvers.base"]


def test_fit_may_draw_but_not_write_pages(copied):
    text = "from baksan.report import plots\nfrom baksan.report import page"
    plant(copied, "report/page.py", "")
    assert plant(copied, "fit/__init__.py", text) == ["fit → report.page"]


@pytest.mark.parametrize("text", ["from baksan import Samples", "from baksan.cli import main"])
def test_nobody_imports_a_face(copied, text):
    assert len(plant(copied, "units.py", text)) == 1


def test_the_version_is_open_to_all(copied):
    assert plant(copied, "units.py", "from baksan import __version__") == []


def test_a_circle_is_seen(copied):
    plant(copied, "physics/one.py", "def late():\n    from baksan.physics import two")
    assert plant(copied, "physics/two.py", "from .one import late") == []
    assert set(circle(copied)) == {"physics.one", "physics.two"}


def test_a_stranger_is_seen(copied):
    plant(copied, "helpers.py", "x = 1")
    assert "helpers" in strangers(copied)
