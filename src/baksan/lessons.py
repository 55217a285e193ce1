"""The lessons: notebooks of the course, put into a folder and opened in JupyterLab.

A lesson is a Python file in which `# %%` begins a cell. An installed package carries them in
baksan/notebooks; a checkout has them in notebooks/.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from baksan.files import replacing

__all__ = ["open_lab", "prepare", "sources"]

_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def sources() -> list[Path]:
    """The files of the lessons, in the order of the course.

    Raises FileNotFoundError where the package came without them.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "notebooks", package.parents[1] / "notebooks"):
        if found := sorted(folder.glob("[0-9][0-9]*_*.py")):
            return found
    raise FileNotFoundError(
        f"the lessons must lie in {package / 'notebooks'}, or in notebooks/ of a checkout; there"
        " are none. Install baksan again, or work in a checkout."
    )


def prepare(folder: Path | str) -> list[Path]:
    """Put the lessons into a folder as notebooks (.ipynb), and return their paths.

    A notebook that is there already stays as it is, with all that a student wrote into it; to get
    a fresh one, rename or delete the old one first.

    Raises
    ------
    ModuleNotFoundError
        jupytext, of the extra 'lab', is not installed.
    OSError
        The folder cannot be made or written to.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(prepare(folder)[0].name)
    01_rules_and_learning.ipynb
    """
    jupytext = _extra("jupytext")
    notebooks = []
    for lesson in sources():
        path = Path(folder) / f"{lesson.stem}.ipynb"
        if not path.exists():
            notebook = jupytext.read(lesson, fmt="py:percent")
            # With a kernel named, JupyterLab does not ask for one; without jupytext's own notes,
            # it does not try to keep a Python file beside the notebook.
            notebook.metadata = {"kernelspec": _KERNEL}
            with replacing(path) as beside:
                jupytext.write(notebook, beside, fmt="ipynb")
        notebooks.append(path)
    return notebooks


def open_lab(folder: Path | str) -> None:
    """Put the lessons into a folder (`prepare`) and open it in JupyterLab, until that is closed.

    Raises ModuleNotFoundError where JupyterLab is not installed, and as `prepare`.
    """
    _extra("jupyterlab")
    notebooks = prepare(folder)
    print(f"{len(notebooks)} lessons in {folder}. Ctrl-C here closes JupyterLab.")
    main = importlib.import_module("jupyterlab.labapp").main
    main([f"--ServerApp.root_dir={Path(folder).resolve()}"])


def _extra(module: str) -> Any:
    """A module of the extra 'lab'. Raises ModuleNotFoundError with what to install."""
    if find_spec(module) is None:
        raise ModuleNotFoundError(
            f"the lessons open in JupyterLab, and {module} is not installed."
            " In a checkout, make lab installs and opens it, or: pip install '.[lab]'",
            name=module,
        )
    return importlib.import_module(module)
