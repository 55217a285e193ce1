"""Runs side by side: known differences, pairing as a bootstrap by hand has it, what is refused."""

import json
import re
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.runs import events

from baksan import train
from baksan.compare import compare
from baksan.metrics import auc
from baksan.samples import Samples

METHODS = ["linear-analytic", "cuts"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """made(name, X, methods, …) → the folder of a run, trained once."""
    root, held = tmp_path_factory.mktemp("runs"), {}

    def made(name, X=None, methods=METHODS, **settings):
        if name not in held:
            held[name] = root / name
            given = {"folds": 2, "threads": 1, "replicas": 20, "report": False, **settings}
            train(events(300, id=_ids(300)) if X is None else X, methods, out=root / name, **given)
        return held[name]

    return made


def _ids(n):
    return np.array([f"e{k:04d}" for k in range(n)])


def differences(found, metric):
    return {(d["base_model"], d["model"]): d for d in found.differences if d["metric"] == metric}


def changed(folder, tmp_path, name="copy"):
    """A copy of a run, its predictions as a dict of columns, and how to write them back."""
    copy = shutil.copytree(folder, tmp_path / name)
    columns = pq.read_table(copy / "predictions.parquet").to_pydict()

    def write():
        pq.write_table(pa.table(columns), copy / "predictions.parquet")
        return copy

    return columns, write


# Differences --------------------------------------------------------------------------------------


def test_a_run_and_its_copy_do_not_differ(made, tmp_path):
    copy = shutil.copytree(made("one"), tmp_path / "copy")
    found = compare(made("one"), copy, replicas=20)
    assert found.paired and found.events == 300 and found.asked == []
    known = [d for d in found.differences if d["value"] is not None]
    assert len(known) > 15 and all(d["value"] == d["sigma"] == 0 and d["equal"] for d in known)
    assert "asked for the same, and made with the same versions" in found.summary
    assert "≈ 0" in found.text()


def test_figures_found_again_are_those_of_the_runs(made):
    one, two = made("one"), made("two", seed=5)
    found = compare(one, two, replicas=20)
    for folder in (one, two):
        told = json.loads((folder / "evaluation.json").read_text())
        for row in told["table"]:
            again = found.row(folder.name, row["model"], row["metric"])["value"]
            assert again == (None if row["value"] is None else pytest.approx(row["value"]))


def test_paired_differences_are_those_of_a_bootstrap_by_hand(made):
    folders = made("one"), made("two", seed=5)
    found = compare(*folders, replicas=400)
    score = []
    for folder in folders:
        rows = pq.read_table(folder / "predictions.parquet").to_pandas()
        rows = rows[rows["method"] == "linear-analytic"].sort_values("id")
        score.append(rows["score"].to_numpy())
        y = (rows["answer"] == "gamma").to_numpy().astype(int)
    drawn = np.random.default_rng(7).integers(300, size=(400, 300))
    by_hand = [auc(score[1][i], y[i]) - auc(score[0][i], y[i]) for i in drawn]
    told = differences(found, "auc")["linear-analytic", "linear-analytic"]
    assert told["value"] == pytest.approx(auc(score[1], y) - auc(score[0], y))
    error = (told["high"] - told["low"]) / 2
    assert error == pytest.approx(np.std(by_hand), rel=0.2)
    # Pairing is what it is for: the errors of the figures themselves are several times as large.
    own = found.row("one", "linear-analytic", "auc")
    assert error < 0.5 * (own["high"] - own["low"]) / 2


def test_a_worse_run_is_called_worse(made):
    X = events(300, id=_ids(300))
    found = compare(made("one"), made("noise", X.select(["noise", "length"])), replicas=50)
    (row,) = (d for d in found.differences if d["metric"] == "auc" and d["model"] == "cuts")
    assert row["value"] < 0 and row["told_apart"] and row["sigma"] > 2
    assert "linear-analytic and cuts are worse in noise than in one" in found.summary
    assert found.summary.startswith("one and noise differ in the data and the features.")
    told = next(r for r in found.asked if r["what"] == "features")
    assert told["values"] == ["3", "2: all but width"]


def test_groups_are_drawn_as_a_whole(made):
    group = np.arange(300) // 30
    X = events(300, group=group, id=_ids(300))
    found = compare(made("g1", X), made("g2", X, seed=3), replicas=50)
    rows = pq.read_table(made("g1") / "predictions.parquet")
    assert rows["group"].to_pylist()[:300] == group.tolist()
    assert found.paired and not any("groups" in note for note in found.notes)


def test_without_groups_kept_errors_are_said_to_be_too_small(made, tmp_path):
    X = events(300, group=np.arange(300) // 30, id=_ids(300))
    folders = []
    for name in ("g1", "g2"):
        columns, write = changed(made(name, X, seed=0 if name == "g1" else 3), tmp_path, name)
        del columns["group"]
        folders.append(write())
    assert any("did not keep" in note for note in compare(*folders, replicas=10).notes)


# Events in common ---------------------------------------------------------------------------------


def test_the_order_of_events_does_not_matter(made, tmp_path):
    columns, write = changed(made("one"), tmp_path)
    order = [*range(299, -1, -1), *range(599, 299, -1)]
    columns.update({k: [v[i] for i in order] for k, v in columns.items()})
    found = compare(made("one"), write(), replicas=10)
    assert found.events == 300 and all(d["equal"] for d in found.differences if d["sigma"] == 0)
    assert differences(found, "auc")["cuts", "cuts"]["value"] == 0


def test_a_part_in_common_is_compared_on_that_part(made):
    X = events(300, id=_ids(300))
    found = compare(made("one"), made("part", X.take(np.arange(150, 300))), replicas=10)
    assert found.events == 150
    assert "Fair on the 150 events that both runs tested (one 300, part 150)" in found.notes[0]


@pytest.mark.parametrize("shift", [250, 300])
def test_few_or_no_events_in_common_are_not_paired(made, shift):
    X = events(300, id=np.array([f"e{k + shift:04d}" for k in range(300)]))
    found = compare(made("one"), made(f"shifted{shift}", X), replicas=10)
    assert not found.paired and found.replicas is None
    assert found.notes[0].startswith("Not paired: ")


def test_unpaired_errors_add_in_squares(made):
    found = compare(made("one"), made("other", events(300, seed=9)), replicas=10)
    assert (
        "names of events stand for different answers" in found.notes[0] or "only" in found.notes[0]
    )
    row = differences(found, "accuracy")["cuts", "cuts"]
    a, b = (found.row(run, "cuts", "accuracy") for run in ("one", "other"))
    assert row["value"] == b["value"] - a["value"]
    up = np.hypot(b["high"] - b["value"], a["value"] - a["low"])
    assert row["high"] - row["value"] == pytest.approx(up)


def test_names_given_to_several_events_are_matched_where_runs_have_the_same(made):
    X = events(300, id=np.arange(300) // 2)
    found = compare(made("twice", X), made("twice-again", X, seed=2), replicas=10)
    assert found.events == 300
    found = compare(made("twice"), made("twice-less", X.take(np.arange(299))), replicas=10)
    assert "several events have one name" in found.notes[0]


def test_other_weights_and_folds_are_named(made):
    weighted = events(300, id=_ids(300), weight=np.linspace(0.5, 1.5, 300))
    found = compare(made("one"), made("weighted", weighted, folds=3), replicas=10)
    said = " ".join(found.notes)
    assert "count as in one" in said and "one 50 %, weighted 67 %" in said
    assert "taken for the same events" in said  # no file was read: the samples differ
    assert "training events were drawn" in " ".join(compare(made("one"), made("two", seed=5),
                                                  replicas=10).notes)  # fmt: skip


# Kinds of runs ------------------------------------------------------------------------------------


def test_no_method_in_common_stands_side_by_side(made):
    found = compare(made("one"), made("gd", methods=["linear-gd"]), replicas=20)
    assert "No method is in both one and gd." in found.summary
    assert {d["metric"] for d in found.differences} == set(found.metrics)
    assert {d["model"] for d in found.differences} == {"linear-gd"}
    assert {d["base_model"] for d in found.differences} < set(METHODS)
    assert "the best of each" in found.text()
    assert "Methods that are not in all runs" in found.html()


def test_three_runs_are_set_against_the_first(made):
    found = compare(made("one"), made("two", seed=5), made("three", seed=6), replicas=10)
    assert found.names == ["one", "two", "three"]
    assert {(d["base"], d["run"]) for d in found.differences} == {("one", "two"), ("one", "three")}
    assert "all runs tested the same 300 events" in found.notes[0]
    assert "later run" in found.html() and "<h1>one, two and three compared</h1>" in found.html()


def test_no_table_of_many_runs_is_wider_than_paper(made):
    seeds = [made(n, seed=s) for n, s in (("two", 5), ("three", 6), ("four", 7))]
    page = compare(made("one"), *seeds, replicas=10).html()
    assert max(row.count("<t") for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)) <= 9
    assert "cuts in two and three" in page and "cuts in four" in page


def test_numbers(made):
    X = events(300, classes=0, id=_ids(300))
    line, other = (made(n, X, ["linear-analytic"], seed=s) for n, s in (("n1", 0), ("n2", 1)))
    found = compare(line, other, replicas=20)
    assert found.task == "regression" and set(found.residuals["linear-analytic"]) == {"n1", "n2"}
    page = found.html()
    assert "Residuals" in page and "in bins of" in page and "ROC" not in page


def test_several_classes(made, tmp_path):
    X = events(300, classes=3, id=_ids(300))
    one, two = (made(n, X, ["linear-analytic"], seed=s) for n, s in (("k1", 0), ("k2", 1)))
    found = compare(one, two, replicas=10)
    assert found.paired and found.html().count("of one class against the rest") == 1
    columns, write = changed(one, tmp_path, "k3")
    for name in [c for c in columns if c.startswith("score_")]:
        del columns[name]
    assert "did not keep the scores" in compare(write(), two, replicas=10).notes[0]


# Refused ------------------------------------------------------------------------------------------


def refused(*folders, error=ValueError):
    with pytest.raises(error) as caught:
        compare(*folders, replicas=10)
    said = str(caught.value)
    assert said.endswith((".", "?")) and "\n" not in said
    return said


def test_what_is_no_finished_run_is_refused(made, tmp_path):
    one = made("one")
    assert "no run folder" in refused(one, tmp_path, error=FileNotFoundError)
    (tmp_path / "config.toml").write_text("seed = 1\n")
    assert "is not finished" in refused(one, tmp_path)
    (tmp_path / "config.toml").write_text("seed = = 1\n")
    (tmp_path / "report.json").write_text("{}")
    assert "must be the settings of a run" in refused(one, tmp_path)


def test_runs_with_negative_weights_are_ranked_by_what_is_defined(made):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 2))
    y = x[:, 0] + rng.normal(size=400)
    # Large residuals weigh less than nothing: Σ w (p − y)² < 0.
    weight = np.where(np.abs(y - x[:, 0]) > 1, -1.0, 1.0)
    X = Samples(x, y, weight=weight)
    runs = [
        made(f"negative{seed}", X, ["linear-analytic", "linear-gd"], seed=seed) for seed in (0, 1)
    ]
    found = compare(*runs)
    assert all(d["value"] is None for d in found.differences if d["metric"] == "rmse")
    assert "resolution" in found.text()


def test_one_run_is_no_comparison(made):
    one = made("one")
    assert "two runs or more; 1 came" in refused(one)
    assert "are the same folder" in refused(one, one / ".." / one.name)


def test_other_questions_are_refused(made):
    numbers = made("n1", events(300, classes=0, id=_ids(300)), ["linear-analytic"])
    assert "the task of one is classification, of n1 regression" in refused(made("one"), numbers)
    X = events(300, id=_ids(300))
    turned = Samples(
        X.x, 1 - X.y, id=X.id, features=X.features, answer="kind", class_names=("gamma", "hadron")
    )
    said = refused(made("one"), made("turned", turned))
    assert "the classes of one are hadron, gamma, of turned gamma, hadron" in said


def test_other_versions_and_damaged_files_are_refused(made, tmp_path):
    copy = shutil.copytree(made("one"), tmp_path / "copy")
    told = json.loads((copy / "evaluation.json").read_text())
    (copy / "evaluation.json").write_text(json.dumps({**told, "new": 1}))
    assert "another version of baksan" in refused(made("one"), copy)
    (copy / "evaluation.json").unlink()
    assert "a finished run has a file evaluation.json" in refused(made("one"), copy)
    (copy / "evaluation.json").write_text(json.dumps(told))
    (copy / "predictions.parquet").write_bytes(b"PAR1 and no more")
    assert "cannot be read" in refused(made("one"), copy)
    pq.write_table(pa.table({"id": [1]}), copy / "predictions.parquet")
    assert "no column answer" in refused(made("one"), copy)


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("probability_gamma", 1.5, "probabilities must be 0 … 1 and add up to 1; row 3 holds"),
        ("probability_gamma", np.nan, "probability must be finite; nan stands in row 3"),
        ("prediction", "muon", "prediction must be one of hadron, gamma; 'muon' came"),
        ("answer", None, "answer must be one of hadron, gamma; 'None' came"),
        ("score", np.inf, "score must be finite; inf stands in row 3"),
        ("weight", np.inf, "weight must be finite; inf stands in row 3"),
        ("weight", -1e9, "weights must sum to more than 0"),
    ],
)
def test_predictions_that_no_run_writes_are_refused(made, tmp_path, column, value, sentence):
    columns, write = changed(made("one"), tmp_path)
    columns[column][3] = value
    said = refused(made("one"), write())
    assert f"predictions.parquet must hold what a run writes there; it does not ({sentence}" in said
    columns[column] = ["a"] * len(columns[column])
    assert "must hold what a run writes there" in refused(made("one"), write())


# As a page and on the command line ----------------------------------------------------------------


def test_the_page_is_whole_offline_and_says_what_differs(made):
    from tests.report.test_page import Reader

    page = compare(made("one"), made("two", seed=5), replicas=20).html()
    reader = Reader(page)
    assert reader.open == [] and not re.search(r"https?:|<script", page)
    ids = [a["id"] for _, a in reader.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert re.findall(r"<h2[^>]*>([^<]+)", page) == [
        "Contents", "What was asked", "Is it fair?", "By how much",
        "All figures of the methods in common", "ROC", "Calibration", "The runs",
    ]  # fmt: skip
    assert "seed 0 5" in reader.text and "<h1>one and two compared</h1>" in page
    assert all(a.get("aria-label") for _, a in reader.all("svg"))


def test_names_are_escaped(made, tmp_path):
    from tests.report.test_page import Reader

    copy = shutil.copytree(made("one"), tmp_path / "<script>alert(1)")
    page = compare(made("one"), copy, replicas=10).html()
    assert "<script" not in page and Reader(page).open == []


def test_the_command_prints_and_writes(made, tmp_path, monkeypatch, capsys):
    from baksan.cli import main

    monkeypatch.chdir(tmp_path)
    folders = [str(made("one")), str(made("two", seed=5))]
    for name in ("compare.html", "compare-2.html"):
        with pytest.raises(SystemExit) as end:
            main(["compare", *folders, "--replicas", "10"])
        assert end.value.code == 0 and f"Page: {name}" in capsys.readouterr().out
        assert (tmp_path / name).read_text(encoding="utf-8").endswith("</html>")
    with pytest.raises(SystemExit) as end:
        main(["compare", *folders, "--out", "page.txt"])
    assert end.value.code == 2 and "Try --out page.html." in capsys.readouterr().err
