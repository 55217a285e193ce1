"""Tuned methods in a training: no search sees what is tested, and a killed one goes on."""

import json
import tomllib

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.runs import events
from tests.tune.toys import Off, numbers, told, valley

import baksan as bk
from baksan.train.lineup import METHODS
from baksan.tune import Real, Space, Tuned, searches_of, space_of, train_tuned

X = numbers(90)
FAST = {"threads": 1, "replicas": 5, "report": False}


def spied(searched, used):
    """A space whose trials and whose final methods remember what they were shown."""
    return Space(
        "off", "Off", {"off": Real(0.5, 3.0)}, {"off": 1.0},
        lambda c: Off(float(c["off"]), searched), lambda c: Off(float(c["off"]), used),
    )  # fmt: skip


def values(shown):
    return {v for _, x in shown for v in x.tolist()}


def test_the_search_never_sees_the_test_events():
    searched, used = [], []
    run = train_tuned(X, [spied(searched, used)], trials=5, inner=3, test=0.3, seed=4, **FAST)
    tested = set(X.x[run.tested, 0].tolist())
    assert len(tested) == 27 and values(searched) == set(X.x[:, 0].tolist()) - tested
    assert tested <= values(used)  # so the spy would have seen it


def test_with_folds_each_search_sees_its_training_events_only():
    searched, inner = [], 3
    run = train_tuned(X, [spied(searched, [])], trials=1, inner=inner, folds=3, **FAST)
    assert len(searched) == 2 * inner * 4
    for j in range(4):
        seen = values(searched[2 * inner * j : 2 * inner * (j + 1)])
        assert seen == set(X.x[run.fold != j, 0].tolist())
    assert list(searches_of(run)) == [f"off-tuned.{k}" for k in ("fold1", "fold2", "fold3", "all")]


def test_the_figure_of_the_run_is_not_the_one_that_was_made_better():
    run = train_tuned(X, [valley()], trials=20, inner=2, **FAST)
    tuned, untuned = run.evaluation.models
    assert (tuned, untuned) == ("valley-tuned", "off")
    assert run.evaluation.value(tuned, "rmse") < run.evaluation.value(untuned, "rmse")
    (found,) = searches_of(run).values()
    assert found.events == 63 and len(run.tested) == 27
    assert found.message in run.parts[tuned][0].message


def test_a_tuned_method_in_an_ordinary_line_up_is_nested():
    two = events(120)
    method = Tuned(space_of("linear", two), "auc", trials=2, inner=2)
    run = bk.train(two, [method, "linear-analytic"], folds=2, threads=1, replicas=5)
    assert [found.events for found in method.found.values()] == [60, 60, 120]
    assert set(run.predictions) == {"linear-tuned", "linear-analytic"}


@pytest.mark.parametrize(("folds", "after"), [(None, 5), (2, 9), (2, 17)])
def test_a_run_that_was_killed_goes_on_as_if_nothing_had_happened(tmp_path, folds, after):
    how = {"trials": 6, "inner": 2, "folds": folds, **FAST}
    whole = train_tuned(X, [valley()], out=tmp_path / "whole", **how)
    with pytest.raises(KeyboardInterrupt):
        train_tuned(X, [valley(stops_at=after)], out=tmp_path / "broken", **how)
    run = train_tuned(X, [valley()], out=tmp_path / "broken", resume=True, **how)
    assert run.evaluation.table == whole.evaluation.table
    assert list(searches_of(run)) == list(searches_of(whole))
    for name, found in searches_of(whole).items():
        assert told(searches_of(run)[name]) == told(found)
    once, again = (tmp_path / name / "settings.toml" for name in ("whole", "broken"))
    assert once.read_bytes() == again.read_bytes()


def test_progress_tells_the_trial():
    said = []
    train_tuned(
        X, [valley()], trials=3, inner=2, progress=lambda text, _: said.append(text), **FAST
    )
    assert "valley-tuned, fold 1, trial 1 of 3" in said
    assert any(s.startswith("valley-tuned, fold 1, trial 3 of 3, best ") for s in said)
    assert "off, fold 1" in said and "valley-tuned, all events" in said


def test_what_a_run_leaves(tmp_path):
    run = train_tuned(
        events(150), ["linear", "trees"], trials=3, inner=2, out=tmp_path / "T", **FAST
    )
    held = {p.name for p in (tmp_path / "T/searches").iterdir()}
    names = ("linear-tuned.training", "trees-tuned.training")
    assert held == {f"{name}.{end}" for name in names for end in ("json", "parquet", "svg")}
    best = tomllib.loads((tmp_path / "T/settings.toml").read_text())
    trials = pq.read_table(tmp_path / "T/searches/trees-tuned.training.parquet").to_pydict()
    found = searches_of(run)
    for name in names:
        method = best[name].pop("method")
        assert best[name] == found[name].best and method == found[name].method().settings
    assert trials["number"] == [0, 1, 2] and trials["max_iter"][0] == 100
    assert {p.name for p in (tmp_path / "T/models").iterdir()} == {
        "linear-tuned.baksan", "linear.baksan", "trees-tuned.skops", "trees.skops"
    }  # fmt: skip
    model = bk.load_model(tmp_path / "T/models/linear-tuned.baksan")
    assert model.card.loss.name == found[names[0]].best["loss"]
    assert not [p for p in (tmp_path / "T").rglob("*") if p.suffix in (".pkl", ".lock", ".log")]


def test_another_search_in_the_folder_is_refused(tmp_path):
    how = {"inner": 2, "out": tmp_path / "T", **FAST}
    with pytest.raises(KeyboardInterrupt):
        train_tuned(X, [valley(stops_at=2)], trials=4, **how)
    with pytest.raises(FileExistsError, match="not empty"):
        train_tuned(X, [valley()], trials=4, **how)
    with pytest.raises(ValueError, match="methods was"):
        train_tuned(X, [valley()], trials=5, resume=True, **how)
    path = tmp_path / "T/searches/valley-tuned.training.json"
    content = json.loads(path.read_text())
    content["trials"][0]["value"] = -1.0
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="contradicts itself"):
        train_tuned(X, [valley()], trials=4, resume=True, **how)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"trials": 0}, "a trial or more"), ({"folds": 1}, "folds must number"),
        ({"folds": 0}, "folds must number"), ({"test": 1.5}, "test share"),
        ({"methods": []}, "needs a method"), ({"methods": [valley(), valley()]}, "twice"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(settings, says):
    with pytest.raises(ValueError, match=says):
        train_tuned(X, **{"methods": [valley()], "trials": 1, **FAST, **settings})


def test_methods_that_take_no_negative_weights_are_left_out():
    two = events(150, weight=np.where(np.arange(150) % 10, 1.0, -0.5))
    run = train_tuned(two, ["linear", "trees"], trials=2, inner=2, **FAST)
    assert set(run.left_out) == {"trees-tuned", "trees"}
    assert run.evaluation.models == ["linear-tuned", "linear"]


def test_a_tuned_network_stands_beside_that_of_the_line_up():
    space, usual = space_of("network", X), METHODS["network"](X)[0]
    assert space.untuned.settings == usual.settings
    plain = space.trial({**space.start, "normalise": "none"})
    assert plain.solver.epochs == usual.solver.epochs
    assert space.trial(space.start).solver.epochs == usual.others[0][2].epochs
