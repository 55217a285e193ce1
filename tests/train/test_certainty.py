"""How sure the methods of a regression are: what a report says of intervals and pulls."""

import json
from dataclasses import replace

import numpy as np
import pytest

import baksan as bk
from baksan.report import page
from baksan.report.certainty import certainty as section
from baksan.report.plots import series
from baksan.train.certainty import certainty
from baksan.train.summary import contents

METHOD = "linear-analytic"


def numbers(n, seed=0, weight=None):
    """Errors are three times as large at one end as at the other."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, 2))
    y = 3 * x[:, 0] + rng.normal(0, 0.1 + 0.2 * x[:, 0])
    return bk.Samples(x, y, weight, answer=bk.Feature("lgE", "lg(E/EeV)"))


def run_of(X, **more):
    return bk.train(X, [METHOD], **{"folds": 3, "replicas": 2, "threads": 1, **more})


def with_more(run, **parts):
    """The same run, its predictions with spread or quantiles."""
    told = replace(run.predictions[METHOD], **parts)
    return replace(run, predictions={METHOD: told})


@pytest.fixture(scope="module")
def run():
    return run_of(numbers(1500))


def shares(found, way, level):
    return np.array(found["ways"][way][level]["bins"]["share"])


def test_margins_by_bin_keep_the_promise_where_one_margin_does_not(run):
    found = certainty(run, METHOD)
    for level, c in (("68 %", 0.68), ("90 %", 0.90), ("95 %", 0.95)):
        assert abs(found["ways"]["one margin"][level]["whole"]["share"] - c) < 0.05
        by_bin = shares(found, "margin by bin", level)
        assert len(by_bin) == 8
        error = np.sqrt(c * (1 - c) / 187)
        assert np.abs(by_bin - c).max() < 3.5 * error
    assert np.ptp(shares(found, "one margin", "68 %")) > 0.3
    assert "as predicted" not in found["ways"] and found["pulls"] is None


def test_what_a_model_says_of_its_errors_is_compared_and_pulled(run):
    sizes = 0.1 + 0.2 * run.X.x[run.tested, 0]
    found = certainty(with_more(run, spread=0.5 * sizes), METHOD)
    assert found["ways"]["as predicted"]["68 %"]["whole"]["share"] == pytest.approx(0.38, abs=0.05)
    assert abs(shares(found, "one margin", "68 %") - 0.68).max() < 0.15
    assert found["pulls"]["whole"]["width"] == pytest.approx(2, rel=0.1)
    honest = certainty(with_more(run, spread=sizes), METHOD)["pulls"]
    assert np.array(honest["bins"]["width"]) == pytest.approx(1, abs=0.2)
    assert len(honest["z"]) == len(run.tested)


def test_quantiles_of_these_levels_are_what_a_model_promises(run):
    value = run.predictions[METHOD].value
    sizes = 0.1 + 0.2 * run.X.x[run.tested, 0]
    q = value[:, None] + sizes[:, None] * [-0.994, 0.994]
    found = certainty(with_more(run, quantiles=q, levels=np.array([0.16, 0.84])), METHOD)
    assert list(found["ways"]["as predicted"]) == ["68 %"]
    assert found["ways"]["as predicted"]["68 %"]["whole"]["share"] == pytest.approx(0.68, abs=0.05)


def test_of_a_single_test_set_one_half_makes_the_intervals_of_the_other():
    found = certainty(run_of(numbers(1500), folds=None, test=0.4), METHOD)
    whole = found["ways"]["one margin"]["90 %"]["whole"]
    assert whole["events"] == 600 and abs(whole["share"] - 0.9) < 0.05


def test_few_events_have_one_bin_and_fewer_a_sentence():
    found = certainty(run_of(numbers(120)), METHOD)
    assert list(found["ways"]) == ["one margin"]
    assert len(shares(found, "one margin", "68 %")) == 1
    table, *pictures = section({"certainty": {METHOD: found}}, series([METHOD])).blocks
    assert len(table.rows) == 1 and pictures == []
    note = certainty(run_of(numbers(24)), METHOD)["note"]
    assert note.startswith("a coverage of 0.95 needs 19 effective events")


def test_events_of_negative_weight_have_a_sentence_in_the_report():
    shown = contents(run_of(numbers(300, weight=np.where(np.arange(300) % 20, 1.0, -0.2))))
    assert "weights of 0 or more" in shown["certainty"][METHOD]["note"]
    (block,) = section(shown, series([METHOD])).blocks
    assert block.lines[0].startswith(f"No intervals for {METHOD}: calibration needs weights")


def test_the_section_shows_what_was_found(run):
    sizes = 0.1 + 0.2 * run.X.x[run.tested, 0]
    shown = contents(with_more(run, spread=sizes))
    json.dumps(shown["certainty"], allow_nan=False)
    table, coverage, pulls = section(shown, series([METHOD])).blocks
    ways = ["as predicted", "one margin", "margin by bin"]
    assert [row[1].text for row in table.rows] == ways
    assert [c.text for c in table.head[2:]] == ["68 %", "90 %", "95 %"]
    whole = shown["certainty"][METHOD]["ways"]["one margin"]["68 %"]["whole"]["share"]
    assert table.rows[1][2].text.startswith(f"{100 * whole:.1f} ± ")
    assert coverage.pictures[0].figure.axes[0].get_ylabel() == "coverage"
    assert pulls.pictures[0].alt.startswith(f"Pulls of {METHOD}: mean ")
    assert "How sure" in page.render(shown)


def test_classes_have_no_such_section(run):
    assert section({"certainty": {}}, {}).blocks == []
