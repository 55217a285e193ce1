"""The lessons run from the first cell to the last, on small samples (BAKSAN_SMALL=1)."""

from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

LONG = {
    "05_gamma_or_hadron", "08_networks_on_gammas", "09_optimising_networks", "10_how_sure_are_we",
    "12_reconstructing_by_rules", "13_energy_and_direction", "14_mass_composition",
    "15_looking_for_photons", "16_when_simulation_and_data_disagree",
}  # fmt: skip
LESSONS = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (path.stem in LONG))
    for path in sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.py"))
]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a lesson in a folder of its own; the notebook with its outputs stays there."""
    monkeypatch.setenv("BAKSAN_SMALL", "1")

    def execute(lesson):
        notebook = jupytext.read(lesson, fmt="py:percent")
        where = {"metadata": {"path": str(tmp_path)}}
        NotebookClient(notebook, timeout=120, kernel_name="python3", resources=where).execute()
        nbformat.write(notebook, tmp_path / f"{lesson.stem}.ipynb")
        return notebook

    return execute


@pytest.mark.parametrize("lesson", LESSONS)
def test_lesson(run, lesson):
    notebook = run(lesson)
    assert any(cell.cell_type == "code" for cell in notebook.cells)


def test_a_failing_cell_fails(run, tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("# %%\nimport os\n\n# %%\nassert os.environ['BAKSAN_SMALL'] == '0'\n")
    with pytest.raises(CellExecutionError, match="AssertionError"):
        run(planted)
