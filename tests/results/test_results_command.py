"""`baksan results`: runs and predictions in, fractions, plans and limits out."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from baksan.cli import main
from baksan.data.convert import write
from baksan.results import runs
from baksan.results.response import response
from baksan.results.search import Search
from baksan.results.unfolding import unfold
from baksan.table import Table
from baksan.table.column import Column

NAMES = np.array(["p", "N", "Fe"])


def table(n, seed, shares):
    rng = np.random.default_rng(seed)
    kind = rng.choice(len(shares), n, p=shares)
    x = rng.normal(kind[:, None] * [1.5, 0.0], 1.0, (n, 2))
    return Table(
        {"kind": Column(NAMES[kind]), "a": Column(x[:, 0]), "b": Column(x[:, 1])}, "showers"
    )


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A run of three classes, one of two, and predictions of data of known mixtures."""
    here = tmp_path_factory.mktemp("results")
    write(table(900, 1, [1 / 3] * 3), here / "sim.parquet")
    write(table(900, 2, [0.5, 0.5]), here / "two.parquet")
    write(table(1500, 3, [0.6, 0.3, 0.1]), here / "data.parquet")
    write(table(300, 4, [1.0]), here / "sky.parquet")
    for run, X, more in (("run", "sim", []), ("pn", "two", ["--signal", "N"])):
        with pytest.raises(SystemExit, match="0"):
            main(["train", str(here / f"{X}.parquet"), "--answer", "kind", *more, "-m",
                  "linear-analytic", "-m", "linear-minibatch", "--out", str(here / run),
                  "--no-report", "--quiet"])  # fmt: skip
    for run, X in (("run", "data"), ("pn", "sky")):
        model = here / run / "models" / "linear-minibatch.baksan"
        with pytest.raises(SystemExit, match="0"):
            main(["apply", str(model), str(here / f"{X}.parquet"), "--out",
                  str(here / f"{X}-called.parquet"), "--quiet"])  # fmt: skip
    return here


@pytest.fixture
def call(here, monkeypatch, capsys):
    monkeypatch.chdir(here)

    def call(*arguments):
        with pytest.raises(SystemExit) as end:
            main(["results", *arguments])
        told = capsys.readouterr()
        return end.value.code or 0, told.out, " ".join(told.err.split())

    return call


def test_fractions_are_unfolded_with_the_response_of_the_run(here, call):
    status, said, _ = call("fractions", "run", "data-called.parquet", "-m", "linear-minibatch")
    assert status == 0 and "1,500 events, called by linear-minibatch" in said
    known = runs.tested(here / "run", "linear-minibatch")
    assert known.classes == ("Fe", "N", "p") and len(known.truth) == 900
    found = unfold(
        runs.called(here / "data-called.parquet", known.classes),
        response(known.truth, known.found, known.classes, known.weight),
    )
    assert str(found) in said and "⟨ln A⟩ = " in said
    off = (found.fractions - [0.1, 0.3, 0.6]) / np.hypot(found.error, found.method_error)
    assert np.abs(off).max() < 3.5


def test_the_best_method_is_taken_if_none_is_named(here):
    best = runs.tested(here / "run")
    assert best.method in ("linear-analytic", "linear-minibatch")


def test_a_search_is_planned_and_then_opened(here, call):
    status, said, _ = call("plan", "pn", "--scale", "0.5", "--background", "0.02", "--exposure",
                           "100", "--out", "plan.json")  # fmt: skip
    assert status == 0 and "N against p" in said
    plan = Search.from_json(here / "plan.json")
    assert plan.digest in said
    known = runs.tested(here / "pn")
    assert_allclose(plan.background, 0.5 * np.sum(known.score[known.truth == 0] >= plan.cut))
    status, said, _ = call("search", "plan.json", "sky-called.parquet")
    assert status == 0
    found = plan.open(runs.scored(here / "sky-called.parquet"))
    assert " ".join(said.split()) == " ".join(str(found).split())
    assert found.low == 0.0 or found.candidates > plan.background


def test_a_plan_without_an_exposure_keeps_its_digest(here, call):
    assert call("plan", "pn", "--scale", "1", "--out", "p2.json")[0] == 0
    assert np.isnan(Search.from_json(here / "p2.json").exposure)
    assert "flux" not in call("search", "p2.json", "sky-called.parquet")[1]


def test_a_plan_that_was_changed_is_refused(here, call):
    call("plan", "pn", "--scale", "1", "--out", "p3.json")
    held = json.loads((here / "p3.json").read_text())
    held["plan"]["cut"] -= 0.1
    (here / "p3.json").write_text(json.dumps(held))
    status, _, said = call("search", "p3.json", "sky-called.parquet")
    assert status == 2 and "a plan must not change" in said


@pytest.mark.parametrize(("arguments", "said"), [
    (("fractions", "run", "data.parquet"), "must hold predictions with a column 'prediction'"),
    (("fractions", "run", "data-called.parquet", "-m", "trees"), "has no method 'trees'"),
    (("fractions", "pn", "data-called.parquet"), "the classes must be p, N; there is also 'Fe'"),
    (("fractions", "nowhere", "data-called.parquet"), "nowhere"),
    (("plan", "run", "--scale", "1", "--out", "x.json"), "needs a run of two classes"),
    (("plan", "pn", "--scale", "0", "--out", "x.json"), "a scale above 0"),
    (("search", "data.parquet", "sky-called.parquet"), "must hold the plan of a search"),
    (("search", "plan4.json", "sky-called.parquet"), "plan4.json"),
])  # fmt: skip
def test_what_cannot_be_told_is_refused(arguments, said, call):
    status, _, error = call(*arguments)
    assert status == 2 and said in error
