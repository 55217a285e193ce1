"""The command line: every command; what is wrong ends with one sentence on stderr and status 2."""

import gzip
import json
import os
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from tests.runs import events, write_csv
from typer.testing import CliRunner

import baksan
from baksan.cli import app, main, show


@pytest.fixture
def call(capsys):
    """call('train', …) → (status, stdout, stderr)."""

    def call(*arguments):
        try:
            main([str(a) for a in arguments])
            status = 0
        except SystemExit as end:
            status = end.code or 0
        told = capsys.readouterr()
        return status, told.out, told.err

    return call


@pytest.fixture
def refused(call):
    """refused('train', …) → the one sentence; anything else fails."""

    def refused(*arguments):
        status, _, said = call(*arguments)
        assert status == 2 and said.startswith("baksan: ") and "Traceback" not in said, said
        assert said.count("\n") == 1 and said.rstrip().endswith((".", "…", ")")), said
        return said

    return refused


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def shower(here):
    return write_csv(here / "shower.csv", events(60), {"run": np.arange(60) // 3})


TRAIN = ("--answer", "kind", "--signal", "gamma", "-f", "width,length", "-m", "linear-analytic")
FAST = (*TRAIN, "--folds", "2", "--threads", "1", "--no-report")


def process(*arguments, **more):
    """The command as a user starts it."""
    return subprocess.run(
        [sys.executable, "-m", "baksan", *map(str, arguments)], capture_output=True, text=True,
        timeout=120, check=False, **more,
    )  # fmt: skip


# Every command ------------------------------------------------------------------------------------


def test_from_simulation_to_predictions(call, here):
    status, said, _ = call("simulate", "telescope", "--events", 300, "--out", "sim.parquet")
    assert (status, said) == (0, "300 images: sim.parquet\n")
    status, said, errors = call(
        "train", "sim.parquet", "--answer", "class", "--signal", "gamma", "-m", "linear-gd",
        "-m", "cuts", "--folds", "2", "--threads", "1", "--out", "run", "--id", "event",
    )  # fmt: skip
    assert status == 0 and errors == ""
    assert "AUC" in said and "Models: run/models\n" in said and "Report: run/report.html\n" in said
    assert (here / "run/report.html").exists()
    call("simulate", "telescope", "--events", 80, "--seed", 2, "--out", "new.parquet")
    status, said, errors = call("apply", "run/models/cuts.baksan", "new.parquet", "--out", "p.csv")
    assert (status, errors) == (0, "") and said.startswith("80 events predicted.")
    assert "Predictions: p.csv\n" in said and len((here / "p.csv").read_text().splitlines()) == 81
    before = (here / "run/report.html").read_bytes()
    (here / "run/report.html").unlink()
    assert call("report", "run") == (0, "Report: run/report.html\n", "")
    assert (here / "run/report.html").read_bytes() == before


def test_simulation_is_decided_by_its_seed(call, here):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        call("simulate", "telescope", "--events", 20, "--seed", seed, "--out", f"{name}.parquet")
    a, b, c = (pq.read_table(here / f"{name}.parquet") for name in "abc")
    assert a.equals(b) and not a.equals(c)


def test_describe(call, shower):
    status, said, _ = call("data", "describe", shower, "--answer", "kind")
    assert status == 0
    for word in ("width", "mm", "kind", "hadron", "gamma"):
        assert word in said


def test_the_catalogue_is_listed(call):
    status, said, _ = call("data", "list")
    assert status == 0
    for name in ("magic", "fermi-4fgl", "fermi-4fgl:unassociated", "uhecr-composition", "digits"):
        assert name in said


def test_version_and_help(call):
    assert call("--version") == (0, f"baksan {baksan.__version__}\n", "")
    for command in ((), ("data",), ("simulate",)):
        _, said, _ = call(*command, "--help")
        assert "Usage: baksan" in said and "Options" in said
    for command in (
        "demo",
        "train",
        "apply",
        "report",
        "lab",
        "data describe",
        "simulate telescope",
    ):
        status, said, _ = call(*command.split(), "--help")
        assert status == 0 and f"Usage: baksan {command}" in said


def test_typers_own_runner_sees_the_same(here):
    write_csv(here / "t.csv", events(30))
    runner = CliRunner()
    assert runner.invoke(app, ["data", "list"]).exit_code == 0
    assert runner.invoke(app, ["--version"]).output == f"baksan {baksan.__version__}\n"
    done = runner.invoke(app, ["train", "t.csv", *FAST, "--out", "r"])
    assert done.exit_code == 0 and "Models: r/models" in done.output
    failed = runner.invoke(app, ["train", "t.csv", "--out", "q"])
    assert isinstance(failed.exception, ValueError)


@pytest.mark.slow
def test_demo_finds_a_free_folder(call, here):
    for k, folder in enumerate(("d", "d-2")):
        status, said, _ = call("demo", "--events", 120, "--seed", k, "--out", "d")
        assert status == 0 and f"Report: {folder}/mass/report.html" in said
        assert said.startswith("Simulating 120 showers of p and Fe")
    assert len(json.loads((here / "d/mass/evaluation.json").read_text())["table"]) > 20


# Options ------------------------------------------------------------------------------------------


def test_quiet_and_debug_may_stand_anywhere(here):
    write_csv(here / "t.csv", events(30))
    quiet = process("train", "t.csv", *FAST, "--out", "r", "--quiet", cwd=here)
    assert quiet.returncode == 0 and quiet.stderr == "" and "AUC" in quiet.stdout
    for arguments in (["train", "t.csv", "--debug"], ["--debug", "train", "t.csv"]):
        told = process(*arguments, cwd=here)
        assert told.returncode == 1 and "Traceback" in told.stderr
        assert "ValueError: t.csv: which column is the answer?" in told.stderr
    told = process("train", "t.csv", cwd=here)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("baksan: t.csv: which column is the answer? There are width")
    assert "Traceback" not in told.stderr and told.stderr.count("\n") == 1


def test_options_reach_the_run(call, here):
    X = events(60)
    more = {"w": np.linspace(0.5, 2, 60), "run": np.arange(60) // 3, "event": np.arange(60) + 9}
    write_csv(here / "t.csv", X, more)
    status, said, _ = call(
        "train", "t.csv", *FAST, "-m", "cuts", "--weight", "w", "--group", "run", "--id", "event",
        "--where", "length > 60", "--bin-by", "noise", "--seed", 5, "-f", "lg=log10(length)",
        "--out", "r",
    )  # fmt: skip
    assert status == 0 and "rows left out by the condition length > 60" in said
    rows = pq.read_table(here / "r/predictions.parquet").to_pydict()
    assert set(rows["method"]) == {"linear-analytic", "cuts"} and min(rows["id"]) >= 9
    assert len(set(rows["weight"])) > 20
    told = json.loads((here / "r/evaluation.json").read_text())
    assert told["bins"]["name"] == "noise" and told["groups"] == 20
    config = (here / "r/config.toml").read_text()
    assert 'weight = "w"' in config and "seed = 5" in config and "lg=log10(length)" in config


def test_only_the_types_that_model_files_hold_are_told(call, here):
    write_csv(here / "t.csv", events(60))
    assert "skops" not in call("train", "t.csv", *FAST, "--out", "r")[1]
    _, said, _ = call("train", "t.csv", *FAST, "-m", "trees", "--out", "more")
    _, _, told = " ".join(said.split()).partition("beyond skops' own list, .skops files here hold ")
    assert told.startswith("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor Done")


def test_a_split_instead_of_folds(call, here):
    write_csv(here / "t.csv", events(60))
    assert call("train", "t.csv", *FAST, "--test", "0.25", "--out", "r")[0] == 0
    assert len(pq.read_table(here / "r/predictions.parquet")) == 15


def test_resume(call, refused, here):
    write_csv(here / "t.csv", events(30))
    assert call("train", "t.csv", *FAST, "--out", "r")[0] == 0
    said = refused("train", "t.csv", *FAST, "--out", "r")
    assert "the folder r is not empty" in said and "--resume" in said
    # Before the file is read, even if there is none any more.
    assert "the folder r is not empty" in refused("train", "gone.csv", "--out", "r")
    assert "r is finished" in refused("train", "gone.csv", "--out", "r", "--resume")
    (here / "r/report.json").unlink()
    said = refused("train", "t.csv", *FAST, "--out", "r", "--seed", 1, "--resume")
    assert "seed was 0 in r/config.toml and is 1" in said
    write_csv(here / "t.csv", events(30, seed=1))
    assert "sha256 was" in refused("train", "t.csv", *FAST, "--out", "r", "--resume")
    assert call("train", "t.csv", *FAST, "--out", "new", "--resume")[0] == 0


def test_derived_features_are_computed_again_at_apply(call, here):
    write_csv(here / "t.csv", events(60))
    features = (
        "--answer",
        "kind",
        "--signal",
        "gamma",
        "-f",
        "lg=log10(length)",
        "-f",
        "width/length",
    )
    call("train", "t.csv", *features, *FAST[6:], "--out", "r")
    new = write_csv(here / "new.csv", events(20, seed=1))
    model = "r/models/linear-analytic.baksan"
    assert call("apply", model, new, "--out", "mm.parquet")[0] == 0
    new.write_text(new.read_text().replace("length [mm]", "length [cm]"))
    assert call("apply", model, new, "--out", "cm.parquet")[0] == 0
    mm, cm = (pq.read_table(here / f"{unit}.parquet")["score"].to_numpy() for unit in ("mm", "cm"))
    assert not np.allclose(mm, cm)  # ten times as long
    new.write_text(new.read_text().replace("length [cm]", "length"))
    assert call("apply", model, new, "--out", "bare.parquet")[0] == 0
    assert np.array_equal(pq.read_table(here / "bare.parquet")["score"], mm)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "t.csv", "--folds", "many"], "Invalid value for '--folds'"),
        (["train", "t.csv", "--threads", "0"], "Invalid value for '--threads'"),
        (["train", "t.csv", "--seed", "-1"], "Invalid value for '--seed'"),
        (["train"], "train needs a file, a folder or a catalogue name"),
        (["train", "t.csv", "--fold", "3"], "No such option: --fold"),
        (["apply", "m.baksan", "t.csv"], "Missing option '--out'"),
        (["simulate", "telescope", "--out", "x.parquet"], "Missing option '--events'"),
        (["simulate", "telescope", "--out", "x.parquet", "--events", "0"], "Invalid value"),
        (["demo", "--events", "0"], "Invalid value for '--events'"),
        (["play"], "No such command 'play'"),
        (["demo", "more"], "(more). See baksan demo --help."),
        (["train", "t.csv", "--method"], "'--method' requires an argument."),
        (["train", "t.csv", "-m", "perceptron"], "no method 'perceptron'; there are linear, cuts"),
        (["train", "t.csv", "-m", "cuts", "-m", "cuts"], "'cuts' is there twice"),
        (["train", "t.csv", "--folds", "1"], "folds must number at least 2; 1 were asked for"),
        (["train", "t.csv", "--test", "1"], "the test share must lie between 0 and 1; it is 1.0"),
        (["train", "t.csv", "--test", "nan"], "must lie between 0 and 1; it is nan"),
        (
            ["simulate", "telescope", "--events", "9", "--out", "x.csv"],
            "Parquet file, NAME.parquet; 'x.csv' ends otherwise. Try --out x.parquet.",
        ),
    ],
)
def test_options_that_do_not_exist_or_do_not_fit(refused, here, arguments, sentence):
    assert sentence in refused(*arguments)
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("words", [(), ("data",), ("simulate",)])
def test_a_command_without_arguments_shows_its_help(call, words):
    status, said, errors = call(*words)
    assert status in (0, 2) and " ".join(("Usage: baksan", *words)) in said + errors
    assert "Commands:" in said + errors and "baksan: " not in errors


def test_ctrl_c_ends_with_130(call, here, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    for name in ("open_samples", "open_table"):
        monkeypatch.setattr(sys.modules["baksan.train.source"], name, stopped)
    write_csv(here / "t.csv", events(9))
    for command in (["train", "t.csv"], ["data", "describe", "t.csv"]):
        status, said, errors = call(*command)
        assert (status, said) == (130, "")
        assert errors == "baksan: stopped by Ctrl-C; a training goes on with --resume.\n"


def test_what_nobody_chose_is_told(call, here):
    (here / "t.csv").write_text(
        "width,site,b,hit,kind\n"
        + "".join(
            f"{k * k % 7},N,{k if k % 2 else 'low'},{k % 2},{'gh'[k % 2]}\n" for k in range(12)
        )
    )
    quick = ("-m", "linear-analytic", "--folds", 2, "--threads", 1, "--no-report")
    status, said, _ = call("train", "t.csv", "--answer", "kind", *quick, "--out", "r")
    assert status == 0
    assert "  2 text columns are no features: site, b (6 of 12 cells are numbers).\n" in said
    assert "  signal is 'h', the last in the alphabet; --signal g (signal='g') chooses" in said
    status, said, _ = call("train", "t.csv", "--answer", "hit", *quick, "--out", "q")
    assert status == 0 and "answer hit holds only 0 and 1: taken as numbers; --signal 1" in said


# Bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--answer", "class"], "no column 'class'; there are width, length, noise, kind, run."),
        (["--answer", "kind", "--signal", "muon"], "the signal class must occur; 'muon' does not"),
        (["--answer", "kind", "-f", "widht"], "no column 'widht'; there are width, length"),
        (["--answer", "kind", "-f", "kind"], "'kind'"),
        (["--answer", "kind", "-f", "x=width+"], "ends or breaks at character"),
        (["--answer", "kind", "-f", "width=length*2"], "a derived feature needs a new name"),
        (["--answer", "kind", "--weight", "w"], "no column 'w'"),
        (["--answer", "kind", "--group", "tel"], "no column 'tel'"),
        (["--answer", "kind", "--where", "width"], "a condition such as"),
        (["--answer", "kind", "--where", "width > 1e9"], "'width > 1e9' keeps none of 60."),
        (["--answer", "kind", "--where", "open('x')"], "one of "),
        (["--answer", "kind", "-m", "magic"], "no method 'magic'; there are linear, cuts, trees"),
        (["--answer", "kind", "-m", "cuts", "-m", "cuts"], "'cuts' is there twice"),
        (["--answer", "width", "-m", "cuts", "-f", "length"], "the answer is a number"),
        (["--answer", "kind", "--folds", "1"], "folds must number at least 2; 1 were asked for"),
        (["--answer", "kind", "--folds", "61"], "folds must number 2 … 60"),
        (["--answer", "kind", "--group", "run", "--folds", "21"], "2 … 20 (the groups)"),
        (["--answer", "kind", "--test", "1"], "must lie between 0 and 1; it is 1"),
        (["--answer", "kind", "--weight", "noise", "-m", "cuts"], "needs a method that takes them"),
        (["--answer", "width", "--weight", "kind"], "column 'kind' holds text such as 'hadron'"),
    ],
)
def test_options_that_do_not_fit_the_file(refused, shower, options, sentence):
    X = events(60)
    write_csv(shower, X, {"run": np.arange(60) // 3})
    text = shower.read_text().replace("noise [mm]", "noise")
    shower.write_text(text)
    assert sentence in refused("train", "shower.csv", *options, "--out", "r")


ROWS = "width,length,kind\n" + "".join(f"{k},{k * k % 7},{'gh'[k % 2]}\n" for k in range(12))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "the file is empty"),
        ("width,length,kind\n", "row"),
        (ROWS.replace(",h\n", ",g\n"), "must have at least two classes; all 12 rows are 'g'"),
        (ROWS.replace("length", "width"), "'width'"),
        (ROWS.replace("3,2,h", "3,two,h"), "length"),
        (ROWS.replace("3,2,h", "3,2,h,4"), "row 4"),
        (ROWS.replace("3,2,h", "3,h"), "row 4"),
        (ROWS.replace(",g\n", ",\n"), "must have at least two classes; all 6 rows are 'h'"),
    ],
)
def test_files_that_cannot_be_trained_on(refused, here, content, sentence):
    (here / "t.csv").write_text(content)
    said = refused("train", "t.csv", "--answer", "kind", "-f", "width,length", "--out", "r")
    assert sentence in said and not (here / "r").exists()


def test_constant_features(call, refused, here):
    (here / "t.csv").write_text(
        ROWS.replace("length", "length,noon").replace(",g", ",9,g").replace(",h", ",9,h")
    )
    said = refused("train", "t.csv", "--answer", "kind", "-f", "width,noon", "--out", "r")
    assert "feature 'noon' must vary; it is 9 in every row. Leave it out with --features" in said
    status, said, _ = call("train", "t.csv", "--answer", "kind", *FAST[6:], "--out", "r")
    assert status == 0 and "1 feature left out, constant: noon." in said


def test_text_becomes_indicators_where_it_is_named(call, refused, here):
    (here / "t.csv").write_text(
        ROWS.replace("length", "length,site").replace(",g", ",N,g").replace(",h", ",S,h")
    )
    status, said, _ = call("train", "t.csv", "--answer", "kind", *FAST[6:], "--out", "r")
    assert status == 0 and "1 text column is no feature: site." in said
    assert "features: width, length\n" in said
    named = ("--features", "width,site", *FAST[6:], "--out", "s")
    status, said, _ = call("train", "t.csv", "--answer", "kind", *named)
    assert status == 0 and "features: width, site == 'N', site == 'S'\n" in said
    rows = "".join(f"{k},event {k},{'gh'[k % 2]}\n" for k in range(65))
    (here / "names.csv").write_text(f"width,name,kind\n{rows}")
    said = refused("train", "names.csv", "--answer", "kind", "-f", "width,name", "--out", "t")
    assert "at most 64 different texts" in said and "'name' holds 65" in said


@pytest.mark.parametrize("blank", ["", "nan", "NaN", "inf", "-inf"])
def test_rows_that_miss_something_are_left_out_and_counted(call, here, blank):
    text = ROWS.replace("3,2,h", f"{blank},2,h").replace("8,1,g", f"8,{blank},g")
    (here / "t.csv").write_text(text)
    status, said, _ = call("train", "t.csv", "--answer", "kind", *FAST[6:], "--out", "r")
    assert status == 0
    assert "1 row left out: width is missing or infinite." in said
    assert "1 row left out: length is missing or infinite." in said
    left = json.loads((here / "r/report.json").read_text())["data"]
    assert left["rows"] == 10 and len([s for s in left["left_out"] if "left out" in s]) == 2


def test_files_and_folders_that_are_not_there_or_mixed(refused, here):
    assert "no such file: none.csv" in refused("train", "none.csv", "--answer", "kind")
    assert "'majic' is none of them" in refused("train", "majic")
    (here / "empty").mkdir()
    assert "empty" in refused("train", "empty", "--answer", "kind")
    (here / "mixed").mkdir()
    (here / "mixed" / "a.csv").write_text(ROWS)
    (here / "mixed" / "b.csv").write_text(ROWS.replace("length", "depth"))
    said = refused("train", "mixed", "--answer", "kind", "--out", "r")
    assert "a.csv" in said and "b.csv" in said
    (here / "t.csv").write_text(ROWS)
    for bad in ("t.csv", "t.csv/run"):
        said = refused("train", "t.csv", "--answer", "kind", *FAST[6:], "--out", bad)
        assert "is a file" in said
    assert (here / "t.csv").read_text() == ROWS


def test_mislabelled_files_are_read_by_content(call, here):
    with gzip.open(here / "t.parquet", "wt") as file:
        file.write(ROWS)
    assert call("train", "t.parquet", "--answer", "kind", *FAST[6:], "--out", "r")[0] == 0


def test_apply_refuses_and_leaves_nothing(call, refused, shower, here):
    call("train", "shower.csv", *FAST, "--out", "r")
    model = "r/models/linear-analytic.baksan"
    (here / "other.csv").write_text("a,b\n1,2\n")
    (here / "deg.csv").write_text("width [deg],length [mm]\n1,2\n")
    (here / "empty.csv").write_text("width,length\n")
    (here / "cut.baksan").write_bytes((here / model).read_bytes()[:-9])
    before = sorted(here.rglob("*"))
    for arguments, sentence in [
        ((model, "other.csv", "--out", "p.csv"), "the columns width, length; the file has a, b"),
        ((model, "deg.csv", "--out", "p.csv"), "column 'width': a unit that converts to 'mm'"),
        ((model, "empty.csv", "--out", "p.csv"), "row"),
        ((model, "none.csv", "--out", "p.csv"), "no such file: none.csv"),
        ((model, "shower.csv", "--out", "p.txt"), "go to .parquet or .csv; 'p.txt' ends"),
        ((model, "shower.csv", "--out", "shower.csv"), "must not replace their input shower.csv"),
        ((model, ".", "--out", "p.csv"), "must not lie in the folder of their input"),
        ((model, "shower.csv", "--out", "p.csv", "--id", "x"), "no column 'x'"),
        ((model, "shower.csv", "--out", "p.csv", "--where", "x > 1"), "no column 'x'"),
        ((model, "shower.csv", "--out", "shower.csv/p.csv"), "must lie in a folder"),
        (("none.baksan", "shower.csv", "--out", "p.csv"), "no model file none.baksan"),
        (("cut.baksan", "shower.csv", "--out", "p.csv"), "must be a model file as"),
        (("shower.csv", "shower.csv", "--out", "p.csv"), "must be a model file as"),
        ((here, "shower.csv", "--out", "p.csv"), "a model file is needed"),
    ]:  # fmt: skip
        assert sentence in refused("apply", *arguments)
    assert sorted(here.rglob("*")) == before


def test_report_of_what_is_no_finished_run(refused, here):
    assert (
        "a run folder or a file of simulated showers is needed; nothing does not exist"
        in refused("report", "nothing")
    )
    (here / "r").mkdir()
    assert "no run folder: it has no config.toml" in refused("report", "r")
    (here / "r/config.toml").write_text("seed = 1\n")
    assert "the run r is not finished; go on with it by --resume" in refused("report", "r")
    (here / "r/report.json").write_text('{"title":')
    assert "report.json must be JSON as baksan writes it" in refused("report", "r")


# A file of the catalogue that was changed ---------------------------------------------------------


@pytest.fixture
def magic(data_dir, here, monkeypatch):
    """A copy of the published file that a test may spoil."""
    text = (data_dir / "magic-gamma-telescope/magic04.data").read_text()
    (here / "data").mkdir()
    monkeypatch.setenv("BAKSAN_DATA", str(here / "data"))

    def spoil(change):
        (here / "data/magic04.data").write_text(change(text))

    return spoil


QUICK = ("-m", "linear-analytic", "--test", "0.5", "--no-report", "--threads", "1", "--out", "r")


def test_edited_digits_are_noticed(call, refused, magic):
    magic(lambda text: text.replace("28.7967", "28.7976", 1))
    said = refused("train", "magic", *QUICK)
    assert "someone changed it" in said and "--allow-changed" in said
    assert "e9314b7ebd4b4b59" in said
    assert "--allow-changed" in refused("data", "describe", "magic")
    status, said, _ = call("train", "magic", *QUICK, "--allow-changed")
    assert status == 0 and "magic04.data is not the published file: its SHA-256 is" in said
    model = "r/models/linear-analytic.baksan"
    assert "--allow-changed" in refused("apply", model, "magic", "--out", "p.csv")
    status, said, _ = call("apply", model, "magic", "--out", "p.csv", "--allow-changed")
    assert status == 0 and "is not the published file" in said


def test_an_added_header(call, refused, magic, here):
    names = "fLength,fWidth,fSize,fConc,fConc1,fAsym,fM3Long,fM3Trans,fAlpha,fDist,class\n"
    magic(lambda text: names + text)
    assert "someone changed it" in refused("train", "magic", *QUICK)
    assert call("train", "magic", *QUICK, "--allow-changed")[0] == 0
    assert json.loads((here / "r/report.json").read_text())["data"]["rows"] == 19_020


def test_blanked_cells(call, magic):
    def blank(text):
        lines = text.splitlines()
        for k in (3, 50, 700):
            lines[k] = "," + lines[k].partition(",")[2]
        return "\n".join(lines) + "\n"

    magic(blank)
    status, said, _ = call("train", "magic", *QUICK, "--allow-changed")
    assert status == 0 and "3 rows left out: fLength is missing or infinite." in said


def test_forbidden_features_and_missing_files(refused, data_dir, here, monkeypatch):
    assert "is forbidden" in refused("train", "fermi-4fgl", "-f", "RAJ2000", "--out", "r")
    monkeypatch.setenv("BAKSAN_DATA", str(here))
    monkeypatch.setenv("XDG_CACHE_HOME", str(here))
    said = refused("train", "magic", "--out", "r")
    assert "magic needs the file magic04.data; it is neither in BAKSAN_DATA" in said


def _next(terminal):
    """What comes next from a terminal; b"" once its other end is closed."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_progress_is_shown_on_a_terminal_only(here):
    def told(*arguments):
        ours, theirs = os.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "baksan", *arguments], stderr=theirs, cwd=here,
            stdout=subprocess.DEVNULL, env=os.environ | {"TERM": "xterm"},
        )  # fmt: skip
        os.close(theirs)
        said = b"".join(iter(lambda: _next(ours), b""))  # a slow machine draws many frames
        os.close(ours)
        assert process.wait() == 0
        return said

    simulate = ("simulate", "telescope", "--events", "100", "--out", "s.parquet")
    assert b"100 of 100 images" in told(*simulate) and told(*simulate, "--quiet") == b""
    assert b"describing 100 rows" in told("data", "describe", "s.parquet")
    told("train", "s.parquet", "--answer", "class", *FAST[6:], "--out", "r", "--quiet")
    model = "r/models/linear-analytic.baksan"
    assert b"100 events predicted" in told("apply", model, "s.parquet", "--out", "p.csv")


def test_a_run_goes_on_from_its_folder_alone(call, refused, here, shower):
    assert call("train", shower, *FAST, "--out", "r")[0] == 0
    for name in ("report.json", "evaluation.json"):  # as if it had been killed before its end
        (here / "r" / name).unlink()
    status, told, _ = call("train", "--resume", "--out", "r", "--no-report", "--threads", "1")
    assert status == 0 and "Models: r/models" in told
    assert (here / "r/evaluation.json").exists()
    assert "needs a file, a folder or a catalogue name" in refused("train")
    assert "is no run folder" in refused("train", "--resume", "--out", "nowhere")


def test_a_folder_of_its_own_for_each_run(call, here, shower):
    for _ in range(2):
        assert call("train", shower, *FAST)[0] == 0
    assert (here / "baksan-shower/models").exists() and (here / "baksan-shower-2/models").exists()


def test_features_are_told_and_a_formula_of_the_answer_is_refused(call, refused, shower):
    told = call("train", shower, *FAST)[1]
    assert "60 events, features: width, length" in told
    said = refused("train", shower, "--answer", "width", "-f", "lg=log10(width)")
    assert "made of the answer 'width'" in said


def test_on_a_terminal_lines_end_between_words(monkeypatch):
    text = "  3,000 events were read as a stream, and so on, well beyond the end of a line."
    assert show.paragraph(text) == text and show.room() >= 100
    narrow = Console(width=40, force_terminal=True)
    monkeypatch.setattr(show, "Console", lambda: narrow)
    lines = show.paragraph(text).splitlines()
    assert show.room() == 40 and max(map(len, lines)) <= 40
    assert (
        all(line.startswith("  ") for line in lines)
        and " ".join(" ".join(lines).split()) == text.strip()
    )
