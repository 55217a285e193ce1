"""`baksan tune` and `baksan learning` as a user calls them; mistakes are one sentence."""

import tomllib

import numpy as np
import pytest
from tests.runs import events, write_csv

from baksan.cli import main


@pytest.fixture
def call(capsys, tmp_path, monkeypatch):
    """call('tune', …) → (status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "shower.csv", events(120), {"run": np.arange(120) // 3})

    def call(*arguments):
        status = 0
        try:
            main([str(a) for a in arguments])
        except SystemExit as end:
            status = end.code or 0
        told = capsys.readouterr()
        return status, told.out, told.err

    return call


DATA = ("shower.csv", "--answer", "kind", "--signal", "gamma", "-f", "width,length")
FAST = (*DATA, "--threads", "1", "--trials", "3", "--inner", "2", "--no-report")


def test_tune_tells_what_it_does_and_what_it_found(call, tmp_path):
    status, said, errors = call("tune", *FAST, "-m", "linear", "--group", "run", "--out", "T")
    assert (status, errors) == (0, "")
    assert "One search of 3 trials on 2 inner folds, at most 6 trainings. A share 0.3 of" in said
    assert "linear-tuned.training: 3 trials (" in said
    assert "linear-tuned − linear: AUC " in said and "events that no search has seen" in said
    assert "Settings: T/settings.toml" in said and "Models: T/models" in said
    best = tomllib.loads((tmp_path / "T/settings.toml").read_text())["linear-tuned.training"]
    assert set(best) == {"loss", "penalty", "strength", "method"}
    assert (tmp_path / "T/searches/linear-tuned.training.svg").exists()


def test_folds_have_a_search_each(call, tmp_path):
    status, said, _ = call("tune", *FAST, "-m", "linear", "--folds", "2", "--objective", "brier")
    assert status == 0 and "3 searches of 3 trials" in said and "at most 18 trainings" in said
    out = tmp_path / "baksan-tune-shower/settings.toml"
    assert list(tomllib.loads(out.read_text())) == [
        f"linear-tuned.{k}" for k in ("fold1", "fold2", "all")
    ]


def test_learning_prints_a_table_and_draws_a_picture(call, tmp_path):
    status, said, errors = call(
        "learning", *DATA, "--threads", "1", "-m", "linear-analytic", "--folds", "2",
        "--size", "15", "--size", "30", "--size", "45", "--size", "60", "--out", "curve.png",
    )  # fmt: skip
    assert (status, errors) == (0, "")
    assert "training events  AUC, test" in said and "twice as many would change it by" in said
    assert (tmp_path / "curve.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("tune", *FAST, "-m", "linar"), "no settings of 'linar' are known"),
        (("tune", *FAST, "--objective", "rmse"), "2 classes; rmse does not"),
        (("tune", *FAST, "--objective", "beauty"), "no figure of merit 'beauty'"),
        (("tune", *DATA, "--trials", "0"), "a trial or more; 0 were asked for"),
        (("tune", *DATA, "--seconds", "-1"), "above 0"),
        (("tune", *FAST, "--folds", "1"), "folds"),
        (("tune", *FAST, "--test", "2"), "between 0 and 1"),
        (("tune", *FAST, "--out", "shower.csv"), "a run needs a folder"),
        (("tune", *FAST, "-m", "linear", "-m", "linear"), "twice"),
        (("tune", "nothing.csv"), "nothing.csv"),
        (("learning", *DATA, "--out", "curve.txt"), "Try --out curve.svg"),
        (("learning", *DATA, "--size", "500"), "between 2 and"),
        (("learning", *DATA, "-m", "nothing"), "no method 'nothing'"),
    ],
)
def test_mistakes_are_one_sentence(call, arguments, says):
    status, _, said = call(*arguments)
    assert status == 2 and says in said and said.count("\n") == 1 and "Traceback" not in said


def test_a_finished_search_is_not_resumed(call):
    assert call("tune", *FAST, "-m", "linear", "--out", "T")[0] == 0
    status, _, said = call("tune", *FAST, "-m", "linear", "--out", "T", "--resume")
    assert status == 2 and "T is finished" in said
    status, _, said = call("tune", *FAST, "-m", "linear", "--out", "T")
    assert status == 2 and "not empty" in said
