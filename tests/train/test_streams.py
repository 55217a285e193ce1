"""Train on a Stream: as on Samples, but compared on a sample, and never all in memory."""

import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.runs import Spy, events, stream_of, write_csv

import baksan as bk
from baksan import losses
from baksan.cli import main
from baksan.memory import peak
from baksan.solvers.descent import Descent
from baksan.stream import Stream, survey
from baksan.train import source
from baksan.train.division import divided
from baksan.train.lineup import Ours, line_up
from baksan.train.source import open_samples, too_large
from baksan.train.summary import sentence

EXACT = Ours("exact", "", "", bk.Linear(), losses.squared_margin, bk.Analytic())
FULL = Ours("full", "", "", bk.Linear(), losses.logistic, bk.GradientDescent(steps=20))
NOISY = Ours(
    "noisy", "", "", bk.Linear(), losses.logistic, bk.MiniBatch(batch=16, epochs=3, average=True)
)


def trained(X, methods, **more):
    return bk.train(
        X, methods, **{"folds": 3, "replicas": 5, "threads": 1, "report": False, **more}
    )


@pytest.fixture
def small(monkeypatch):
    """Samples of streams hold 120 events."""
    monkeypatch.setattr(survey, "SAMPLE", 120)


# The same as of Samples ---------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_a_stream_trains_as_samples_do(weighted):
    X = events(200, weight=np.linspace(0.1, 3, 200) if weighted else None)
    run = trained(stream_of(X), [EXACT, FULL, NOISY])
    assert np.array_equal(run.X.x, X.x) and len(run.events) == 200
    for method in (EXACT, FULL, NOISY):
        fit = partial(bk.fit, bk.Linear(), loss=method.loss, solver=method.solver)
        whole, model = fit(X).model, run.models[method.name].model
        np.testing.assert_allclose(model.parameters, whole.parameters, rtol=1e-9, atol=1e-12)
        for j in range(3):
            part = fit(X.take(run.fold != j)).model(X.x[run.fold == j])
            got = run.parts[method.name][j].prediction.score
            np.testing.assert_allclose(got, part, rtol=1e-9, atol=1e-12)


def test_the_same_folds_give_the_same_evaluation(monkeypatch):
    X = events(200)
    one = trained(stream_of(X), [EXACT, "trees"])
    monkeypatch.setattr(bk.Samples, "fold_numbers", lambda X, k, *, seed: one.fold)
    two = trained(X, [EXACT, "trees"])
    for a, b in zip(one.evaluation.table, two.evaluation.table, strict=True):
        assert a["value"] == pytest.approx(b["value"], rel=1e-9)
        assert a["low"] == pytest.approx(b["low"], rel=1e-9)


def test_the_blocks_do_not_matter():
    X = events(200)
    one, two = (trained(stream_of(X, rows), [NOISY]) for rows in (23, 150))
    a, b = (run.predictions["noisy"].score for run in (one, two))
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    assert np.array_equal(one.fold, two.fold)


# Who sees which events ----------------------------------------------------------------------------


class Reader(Spy):
    """A Spy that can read a stream."""

    name, streams = "reader", True


@pytest.mark.parametrize("test", [None, 0.3])
def test_groups_stay_on_one_side(test, small):
    X = events(300, group=np.repeat([f"run {k}" for k in range(60)], 5))
    spy, reader = Spy(), Reader()
    run = trained(stream_of(X), [spy, reader], test=test)
    assert len(run.X) == 120
    for (held, tested, *_), (read, same, *_) in zip(spy.seen[:-1], reader.seen[:-1], strict=True):
        inside = np.concatenate([block.group for block in read])
        assert set(held.group) <= set(inside) and not set(inside) & set(tested.group)
        assert np.array_equal(tested.ids, same.ids)
        assert len(held) + len(tested) == 120 and len(inside) > 150
        # All groups that are not tested are trained on, whether the sample has them or not.
        assert set(inside) | set(tested.group) <= set(X.group)
    assert len(spy.seen[-1][0]) == 120 and len(reader.seen[-1][0]) == 300


def test_parts_of_a_stream_are_divided_anew():
    X = events(300)
    part, _ = stream_of(X).folds(3)[0]
    run = trained(part, [NOISY])
    assert np.bincount(run.fold).min() > 40 and run.evaluation.value("noisy", "auc") > 0.7
    ids = [set(np.concatenate([b.ids for b in p])) for p in divided(part, 3, None, 0).parts]
    for j, outside in enumerate(ids):
        assert not outside & set(run.X.ids[run.fold == j])


def test_patience_watches_events_held_back():
    patient = Ours(
        "patient", "", "", bk.Linear(), losses.logistic, bk.MiniBatch(0.1, epochs=9, patience=2)
    )
    run = trained(stream_of(events(300)), [patient], test=0.3)
    assert run.evaluation.value("patient", "auc") > 0.7


def test_the_line_up_of_a_stream_reads_it_a_few_times():
    def solvers(X, methods="linear"):
        return {m.name: m.solver for m in line_up(methods, X)}

    classes, numbers = stream_of(events(200)), stream_of(events(200, 0))
    assert "linear-gd" not in solvers(classes) and "linear-gd" in solvers(numbers)
    assert solvers(classes, "linear-gd")["linear-gd"].steps == 100
    assert solvers(numbers)["linear-gd"].steps == 3_000  # of the Gram matrix, from one pass
    for X in (classes, numbers):
        assert {s.epochs for s in solvers(X).values() if isinstance(s, Descent) and s.batch} == {20}
    assert [m.name for m in line_up(None, classes)] == [
        "linear-analytic", "linear-sgd", "linear-minibatch", "cuts", "trees", "forest",
        "network",
    ]  # fmt: skip


@pytest.mark.parametrize("folds", [2, 3])
def test_how_often_a_line_up_of_descents_reads_a_stream(folds):
    """Besides epochs: a survey of all and of each fold, and a pass a training for the rate."""
    X, passes = events(200), {"whole": 0, "begun": 0}

    def blocks():
        ended = "begun"
        try:
            for start in range(0, 200, 37):
                yield X.rows(slice(start, start + 37))
            ended = "whole"
        finally:
            passes[ended] += 1

    other = replace(NOISY, name="other", solver=bk.StochasticGradientDescent(epochs=2))
    trained(Stream(blocks), [NOISY, other], folds=folds)
    trainings = 2 * (folds + 1)
    assert passes["whole"] == (3 + 2) * (folds + 1) + (1 + folds) + trainings
    assert passes["begun"] == 1 + folds  # for the head


# What is written ----------------------------------------------------------------------------------


def test_what_was_streamed_is_said(small, tmp_path):
    X = events(300)
    run = trained(stream_of(X), [EXACT, NOISY, "trees"], out=tmp_path / "run", report=True)
    config = run.folder.config
    assert (config["events"], config["compared"]) == (300, 120)
    shown = run.folder.read_json("report.json")
    assert (
        "The 300 events were read as a stream; methods are compared on a sample of 120"
        in (shown["summary"])
    )
    assert shown["summary"].endswith("Trained on that sample alone, which fits in memory: trees.")
    assert shown["data"]["rows"] == 300 and shown["data"]["class_counts"] == X.class_counts
    messages = {m["name"]: m["message"] for m in shown["methods"]}
    on = {name: int(m.rpartition("Trained on ")[2].split()[0]) for name, m in messages.items()}
    assert on["exact"] == on["noisy"] > 150 and on["trees"] == (run.fold != 0).sum()
    assert len(pq.read_table(tmp_path / "run/predictions.parquet")) == 3 * 120
    assert (tmp_path / "run/report.html").exists()
    assert "Trained on" not in trained(X, [EXACT]).parts["exact"][0].message


def test_a_stream_that_the_sample_holds_is_not_called_a_part(small):
    run = trained(stream_of(events(100)), [EXACT, "trees"])
    assert sentence(run).endswith("The 100 events were read as a stream.")


def test_the_card_knows_all_events(small):
    X = events(300)
    run = trained(stream_of(X), [EXACT, "trees"])
    found = bk.fit(bk.Linear(), X, EXACT.loss, bk.Analytic())
    exact, trees = run.models["exact"], run.models["trees"]
    np.testing.assert_allclose(exact.model.weights, found.model.weights, rtol=1e-9)
    for stored, seen in ((exact, X), (trees, run.X)):
        assert [f.low for f in stored.card.features] == seen.x.min(axis=0).tolist()
        assert [f.high for f in stored.card.features] == seen.x.max(axis=0).tolist()
        assert stored.card.provenance["events"] == len(seen)


def test_errors_of_weights_are_those_of_all_events(small, tmp_path):
    X = events(300)
    shown = trained(stream_of(X), [EXACT], out=tmp_path / "r").folder.read_json("report.json")
    found = bk.fit(bk.Linear(), X, EXACT.loss, bk.Analytic())
    errors = [row["error"] for row in shown["weights"]["exact"]]
    np.testing.assert_allclose(errors, found.errors()[1:], rtol=1e-6)


def test_a_broken_off_run_goes_on(small, tmp_path):
    X, methods = stream_of(events(300)), [EXACT, NOISY, "trees"]
    whole = trained(X, methods, out=tmp_path / "whole")

    def press(text, share):
        if text.startswith("noisy, fold 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(X, methods, out=tmp_path / "run", progress=press)
    again = trained(X, methods, out=tmp_path / "run", resume=True)
    assert again.evaluation.to_dict() == whole.evaluation.to_dict()
    for name, stored in whole.models.items():
        if name != "trees":
            assert np.array_equal(stored.model.parameters, again.models[name].model.parameters)


def test_progress_of_the_passes_is_told():
    told = []
    trained(stream_of(events(200)), [NOISY], progress=lambda *now: told.append(now))
    assert "noisy, fold 1, 111 rows read" in [text for text, _ in told] and told[-1][1] > 0.6
    assert [share for _, share in told] == sorted(share for _, share in told)


def test_what_is_refused_and_why():
    X = stream_of(events(30))
    with pytest.raises(ValueError, match="folds must number at least 2; 1 were asked for"):
        trained(X, [EXACT], folds=1)
    with pytest.raises(ValueError, match=r"of 30 none is in fold \d+\. Take fewer folds"):
        trained(stream_of(events(30, 0)), ["linear-analytic"], folds=29)
    with pytest.raises(ValueError, match="the test share must lie between 0 and 1"):
        trained(X, [EXACT], test=1.0)
    with pytest.raises(ValueError, match="answers y are needed"):
        trained(stream_of(bk.Samples(events(30).x)), [EXACT])
    with pytest.raises(KeyError, match="no method 'perceptron'"):
        trained(X, ["perceptron"])


# From a file --------------------------------------------------------------------------------------

TRAIN = ("--answer", "kind", "--signal", "gamma", "-m", "linear-analytic", "-m", "trees")
FAST = (*TRAIN, "--folds", "2", "--threads", "1")


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """call(…) runs baksan train on 200 events and gives what it prints."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "t.csv", events(200))

    def call(*more):
        with pytest.raises(SystemExit) as end:
            main(["train", *more])
        assert not end.value.code
        return capsys.readouterr().out

    return call


def test_the_command_decides_by_size(call, monkeypatch):
    assert too_large("t.csv") == "" and "stream" not in call("t.csv", *FAST, "--no-report")
    monkeypatch.setattr(source, "available", lambda: 10_000)
    said = call("t.csv", *FAST, "--out", "r")
    assert "  They are read as a stream: a training on them in memory would take about" in said
    assert "and 1e-05 GB may be used.\n" in said and "200 events, features: width" in said
    assert "The 200 events were read as a stream" in said
    told = float(said.rpartition("peak memory ")[2].split()[0])  # of this process, tests and all
    assert 0.05 < told <= peak() / 1e9 + 0.01
    assert "Report: r/report.html" in said


def test_a_streamed_run_goes_on_as_a_stream(call, tmp_path):
    call("t.csv", *FAST, "--out", "r", "--stream", "--no-report")
    (tmp_path / "r/report.json").unlink()
    said = call("--resume", "--out", "r", "--no-report", "--threads", "1")
    assert "They are read as a stream." in said and "compared" in (
        (tmp_path / "r/config.toml").read_text()
    )


def test_a_run_is_resumed_only_as_it_was_read(call, tmp_path, capsys):
    for first, other, was in (
        ("--stream", "--no-stream", "a stream"), ("--no-stream", "--stream", "held in memory")
    ):  # fmt: skip
        call("t.csv", *FAST, "--out", first[2:], first, "--no-report")
        (tmp_path / first[2:] / "report.json").unlink()
        with pytest.raises(SystemExit) as end:
            main(["train", "--resume", "--out", first[2:], other])
        said = capsys.readouterr().err
        assert end.value.code == 2 and f"of {first[2:]} were {was} and {other} came." in said
        call("--resume", "--out", first[2:], first, "--no-report")


def test_no_stream_is_obeyed(call, monkeypatch):
    monkeypatch.setattr(source, "available", lambda: 10_000)
    assert "stream" not in call("t.csv", *FAST, "--no-stream", "--no-report")


def test_too_little_memory_says_what_to_do(monkeypatch, capsys):
    def full(*_, **__):
        raise MemoryError("Unable to allocate 8. GiB.")

    monkeypatch.setattr(source, "footprint", full)
    with pytest.raises(SystemExit) as end:
        main(["train", "t.csv", *FAST])
    said = capsys.readouterr().err
    assert (
        end.value.code == 2 and "there is; Unable to allocate 8. GiB. Train with --stream" in said
    )


@pytest.mark.parametrize("by", [None, "noise", "log10(length)"])
def test_events_of_a_file_are_the_same_as_a_stream(tmp_path, by):
    path = str(write_csv(tmp_path / "t.csv", events(200), {"run": np.arange(200) // 4}))
    asked = {
        "answer": "kind", "signal": "gamma", "group": "run", "features": ["width,lg=log10(length)"],
        "where": "noise > 3", "bin_by": by,
    }  # fmt: skip
    held, read = (open_samples(path, stream=stream, **asked) for stream in (False, True))
    assert isinstance(read.samples, Stream) and read.source == held.source
    assert read.notes == held.notes
    for part in ("x", "y", "group"):
        of_stream, of_samples = getattr(read.samples.sample, part), getattr(held.samples, part)
        assert np.array_equal(of_stream, of_samples)
    assert (read.bin_by is None) == (held.bin_by is None) == (by is None)
    if held.bin_by:
        assert np.array_equal(read.bin_by.values, held.bin_by.values)
        assert np.array_equal(read.bin_by.edges, held.bin_by.edges)


# Larger than memory -------------------------------------------------------------------------------

LIMITED = """
import resource, sys
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
from baksan.cli import main
main(sys.argv[2:])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit that Linux keeps")
def test_a_file_larger_than_the_memory(tmp_path):
    """1.0 GB of Parquet, trained under a limit of 0.9 GB for all that the process may write to."""
    import pyarrow as pa

    limit, rows, path = 900_000_000, 100_000, tmp_path / "big.parquet"
    names, true = [f"x{j}" for j in range(20)], np.linspace(-1, 1, 20)
    with pq.ParquetWriter(path, pa.schema([(n, pa.float64()) for n in [*names, "y"]])) as file:
        for block in range(65):
            rng = np.random.default_rng(block)
            x = rng.normal(size=(rows, 20))
            y = x @ true + rng.normal(size=rows)
            file.write_table(pa.table({**dict(zip(names, x.T, strict=True)), "y": y}))
    assert path.stat().st_size > limit
    done = subprocess.run(
        [
            sys.executable, "-c", LIMITED, str(limit), "train", str(path), "--answer", "y", "-m",
            "linear-analytic", "-m", "linear-minibatch", "--test", "0.3", "--threads", "2",
            "--out", str(tmp_path / "run"),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "They are read as a stream: a training on them in memory would take" in done.stdout
    assert float(done.stdout.rpartition("peak memory ")[2].split()[0]) < limit / 1e9
    for name in ("linear-analytic", "linear-minibatch"):
        model = bk.load_model(tmp_path / f"run/models/{name}.baksan").model
        np.testing.assert_allclose(model.weights, true, atol=0.003)
