"""The table of measured claims goes into its place on the page, and whole runs alone do."""

import importlib
import json
import sys

import pytest

ROW = {
    "claim": "a | b, 10 × 2", "ours": "1 ms", "against": "them", "theirs": "3 ms", "merit": 3.0,
    "bound": 4.0, "sense": "at least", "unit": "×", "tried": "patience", "mark": "MISSED",
}  # fmt: skip
MACHINE = {
    "cpu": "a processor", "cores": 2, "threads": 1, "read_GB_per_s": 20.0,
    "dgemm_GFLOP_per_s": 50.0, "load": 0.1, "python": "3.11", "date": "today",
    "versions": {"numpy": "2.4"},
}  # fmt: skip


@pytest.fixture
def table(root, tmp_path, monkeypatch):
    """benchmarks/table.py with a page and results of its own."""
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    module = importlib.import_module("table")
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    monkeypatch.setattr(module, "PAGE", tmp_path / "page.md")
    module.PAGE.write_text(f"before\n{module.BEGIN}\nold\n{module.END}\nafter\n")
    yield module
    for name in ("table", "side_by_side"):
        sys.modules.pop(name, None)


def keep(folder, name="online", quick=False):
    found = {"machine": MACHINE, "quick": quick, "rows": [ROW], "left_out": ["keras is left out."]}
    (folder / f"{name}.json").write_text(json.dumps(found))


def test_the_table_takes_the_place_of_the_old_one(table, tmp_path):
    keep(tmp_path)
    assert table.main() == 0
    page = table.PAGE.read_text("utf-8")
    assert page.startswith(f"before\n{table.BEGIN}\n") and page.endswith(f"{table.END}\nafter\n")
    assert "old" not in page
    assert r"| a \| b, 10 × 2 | 1 | 1 ms | them | 3 ms | 3 × | at least 4 × | MISSED |" in page
    for told in ("20.0 GB/s", "numpy 2.4", "tried: patience", "keras is left out", "`learn(x, y)`"):
        assert told in page
    assert table.main() == 0 and table.PAGE.read_text("utf-8") == page


@pytest.mark.parametrize(
    ("quick", "page", "said"),
    [
        (None, "", "there are none. Run make bench"),
        (True, "", "online had a tenth of the events"),
        (False, "no place", "once each"),
    ],
)
def test_what_is_missing_is_told_and_the_page_stays(table, tmp_path, capsys, quick, page, said):
    if quick is not None:
        keep(tmp_path, quick=quick)
    page = page or table.PAGE.read_text("utf-8")
    table.PAGE.write_text(page)
    assert table.main() == 2 and said in capsys.readouterr().err
    assert table.PAGE.read_text("utf-8") == page


def test_the_page_of_the_documents_has_the_place(table, root):
    page = (root / "docs/performance.md").read_text("utf-8")
    assert (page.count(table.BEGIN), page.count(table.END)) == (1, 1)
