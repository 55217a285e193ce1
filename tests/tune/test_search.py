"""The search: known minima, the same trials, broken off or not; what is refused."""

import json
import sys

import numpy as np
import pytest
from tests.runs import events
from tests.tune.toys import Off, numbers, told, valley

import baksan as bk
from baksan.metrics import METRICS
from baksan.train.lineup import METHODS, Ours, Theirs
from baksan.tune import SPACES, Choice, Real, Space, Whole, space_of, tune
from baksan.tune.objective import objective_name
from baksan.tune.sampler import importance

X = numbers()
QUICK = {"inner": 2, "threads": 1}


@pytest.fixture(scope="module")
def found():
    return tune(X, valley(), trials=50, **QUICK)


def test_the_minimum_of_a_valley_is_found(found):
    assert found.value < 0.3 < found.trials[0].value
    assert abs(found.best["a"] - 1.5) < 0.3 and abs(np.log10(found.best["b"] / 0.02)) < 0.3


def test_a_search_beats_random_settings(found):
    at_random = np.random.default_rng(0).uniform([-5, -4], [5, 0], (1000, 50, 2))
    distance = np.hypot(at_random[..., 0] - 1.5, at_random[..., 1] - np.log10(0.02)).min(axis=1)
    assert found.value < np.median(distance)


def test_the_first_trial_are_the_defaults(found):
    assert found.trials[0].settings == {"a": 0.0, "b": 0.1}
    assert found.trials[0].value == pytest.approx(np.hypot(1.5, np.log10(5)))


def test_settings_stay_in_their_ranges(found):
    for trial in found.trials:
        found.space.check(trial.settings)


def test_the_seed_decides(found):
    again, other = (tune(X, valley(), trials=50, seed=s, **QUICK) for s in (0, 1))
    assert told(again) == told(found) != told(other)


def test_a_longer_search_begins_with_the_shorter(found):
    assert told(tune(X, valley(), trials=12, **QUICK)) == told(found)[:12]


def test_hopeless_trials_are_stopped_and_counted():
    seen = []
    found = tune(X, valley(seen), trials=40, inner=4, threads=1)
    stopped = found.states("pruned")
    assert stopped and len(stopped) + len(found.states("complete")) == 40
    assert all(1 <= len(t.values) < 4 and t.value is None for t in stopped)
    trained = sum(kind == "train" for kind, _ in seen)
    assert trained == sum(len(t.values) for t in found.trials) < 160
    assert f"40 trials ({40 - len(stopped)} complete, {len(stopped)} pruned)" in found.message
    # What was stopped was worse than half of what had been completed before it.
    for t in stopped:
        before = [u.value for u in found.trials[: t.number] if u.state == "complete"]
        assert t.values[-1] > np.median(before)


@pytest.mark.parametrize("after", [0, 3, 9])
def test_a_search_that_was_killed_goes_on_as_if_nothing_had_happened(found, tmp_path, after):
    out = tmp_path / "search.json"
    with pytest.raises(KeyboardInterrupt):
        tune(X, valley(stops_at=after), trials=50, out=out, **QUICK)
    assert not after or len(json.loads(out.read_text())["trials"]) == after
    resumed = tune(X, valley(), trials=50, out=out, resume=True, **QUICK)
    assert told(resumed) == told(found)


def test_failures_are_counted_and_told():
    found = tune(X, valley(fails=lambda chosen: chosen["a"] > 2), trials=20, **QUICK)
    failed = found.states("failed")
    assert failed and all(t.settings["a"] > 2 for t in failed)
    assert failed[0].why == "these settings will not do." and failed[0].values == []
    assert f"{len(failed)} failed" in found.message and found.best["a"] <= 2


def test_defaults_that_fail_end_the_search():
    with pytest.raises(ValueError, match="will not"):
        tune(X, valley(fails=lambda chosen: True), trials=3, **QUICK)


def test_bias_is_brought_to_zero():
    space = Space(
        "off", "Off", {"off": Real(-3.0, 3.0)}, {"off": 2.0}, lambda c: Off(float(c["off"]))
    )
    found = tune(X, space, objective="bias", trials=25, **QUICK)
    assert abs(found.value) == min(abs(t.value) for t in found.states("complete")) < 0.3


def test_what_is_better_higher_is_raised():
    two = events(120)
    found = tune(two, "linear", trials=8, **QUICK)
    assert found.objective == "auc"
    assert found.value == max(t.value for t in found.states("complete"))


def test_the_figure_is_that_of_evaluate_on_pooled_predictions():
    two = events(120)
    found = tune(two, "linear", trials=1, objective="signal_at_0.1", inner=3, threads=1)
    fold, method = two.fold_numbers(3, seed=0), found.method()
    parts = [
        method.train(two.take(fold != j), seed=0, threads=1).predict(two.x[fold == j])
        for j in range(3)
    ]
    pooled = bk.Prediction.pooled(parts, [np.flatnonzero(fold == j) for j in range(3)], 120)
    told = bk.evaluate({"a": pooled}, two, replicas=2, metrics=["signal_at_0.1"])
    assert found.value == pytest.approx(told.value("a", "signal_at_0.1"))


def test_groups_stay_on_one_side_of_inner_folds():
    seen, group = [], np.arange(60) // 6
    tune(numbers(group=group), valley(seen), trials=1, inner=3, threads=1)
    of = dict(zip(numbers().x[:, 0].tolist(), group.tolist(), strict=True))
    for (_, train), (_, test) in zip(seen[::2], seen[1::2], strict=True):
        assert not {of[v] for v in train.tolist()} & {of[v] for v in test.tolist()}


def test_time_that_is_over_ends_the_search():
    assert len(tune(X, valley(), trials=50, seconds=1e-9, **QUICK).trials) == 1


def test_progress_tells_the_trial_and_the_best():
    said = []
    tune(X, valley(), trials=3, progress=lambda text, share: said.append((text, share)), **QUICK)
    assert said[0] == ("valley, trial 1 of 3", 0.0)
    assert said[2][0].startswith("valley, trial 3 of 3, best ") and said[2][1] == pytest.approx(
        2 / 3
    )


def test_what_matters_is_known():
    space = Space(
        "off", "Off", {"off": Real(0.0, 3.0), "idle": Real(0.0, 1.0)}, {"off": 2.0, "idle": 0.5},
        lambda c: Off(float(c["off"])),
    )  # fmt: skip
    share = tune(X, space, trials=30, **QUICK).importance
    assert list(share) == ["off", "idle"] and share["off"] > 0.8
    assert sum(share.values()) == pytest.approx(1)
    assert importance(space, [], {}) == {}


def test_optuna_keeps_silent_and_its_log_is_as_it_was(capfd):
    import optuna

    before = optuna.logging.get_verbosity()
    tune(X, valley(), trials=3, **QUICK)
    assert optuna.logging.get_verbosity() == before
    assert capfd.readouterr() == ("", "")


def test_the_table_has_a_row_for_each_trial(found):
    table = found.table()
    assert list(table) == ["number", "state", "value", "seconds", "why", "a", "b"]
    assert {len(column) for column in table.values()} == {50}
    assert repr(found) == f"Search(valley, 50 trials, best {found.value:.4g})"


# Spaces -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("name", SPACES)
def test_every_space_builds_methods_of_its_ranges(name, classes):
    space = space_of(name, events(90, classes))
    ends = {
        k: [*r.options] if isinstance(r, Choice) else [r.low, r.high]
        for k, r in space.ranges.items()
    }
    for j in (0, -1):
        chosen = {k: values[j] for k, values in ends.items()}
        for method in (space.trial(chosen), space.method(chosen)):
            assert isinstance(method, Ours | Theirs) and method.settings
            assert method.name == name
    assert space.method(space.start).kind == space.method(chosen).kind


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("name", ["linear", "trees"])
def test_spaces_are_searched(name, classes):
    found = tune(events(90, classes), name, trials=2, **QUICK)
    assert np.isfinite(found.value) and found.objective == ("auc" if classes else "rmse")


@pytest.mark.slow
@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("name", ["forest", "network"])
def test_slow_spaces_are_searched(name, classes):
    found = tune(events(90, classes), name, trials=2, **QUICK)
    assert np.isfinite(found.value)
    method = found.method()
    assert method.kind == {"forest": "sklearn", "network": "ensemble"}[name]


def test_the_untuned_trees_are_those_of_the_line_up():
    two = events(200)
    mine, theirs = space_of("trees", two), METHODS["trees"](two)[0]
    scores = [
        m.train(two, seed=0, threads=1).predict(two.x).score
        for m in (mine.method(mine.start), theirs)
    ]
    np.testing.assert_allclose(*scores, atol=1e-5)


def test_a_space_fills_in_what_is_missing():
    two = events(90)
    x = two.x.copy()
    x[::7, 0] = np.nan
    holed = two.with_parts(x=x, missing=True)
    for name in ("linear", "trees"):
        assert np.isfinite(tune(holed, name, trials=1, **QUICK).value)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Real(2.0, 1.0), "low ≤ high"),
        (lambda: Real(0.0, 1.0, log=True), "above 0"),
        (lambda: Whole(1, np.inf), "finite"),
        (lambda: Space("s", "S", {}, {}, Off), "has none"),
        (lambda: Space("s", "S", {"a": Whole(1, 3)}, {"a": 9}, Off), "it is 9"),
        (lambda: Space("s", "S", {"a": Whole(1, 3)}, {}, Off), "difference is a"),
        (lambda: valley().method({"a": 0.0, "b": 0.1, "c": 1}), "difference is c"),
    ],
)
def test_spaces_that_cannot_be_are_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"trials": 0}, ValueError, "a trial or more; 0"),
        ({"seconds": 0.0}, ValueError, "above 0"),
        ({"seconds": np.nan}, ValueError, "above 0"),
        ({"seed": -1}, ValueError, "seed"),
        ({"threads": 0}, ValueError, "threads"),
        ({"inner": 1}, ValueError, "folds must number"),
        ({"inner": 61}, ValueError, "folds must number"),
        ({"objective": "auc"}, ValueError, "numbers; auc does not. Take bias"),
        ({"objective": "beauty"}, KeyError, "no figure of merit 'beauty'"),
        ({"method": "cutz"}, KeyError, "there are linear, trees, forest, network"),
        ({"method": 3}, TypeError, "3 came"),
    ],
)
def test_what_cannot_be_searched_is_refused(settings, error, says):
    with pytest.raises(error, match=says):
        tune(X, **{"method": valley(), "trials": 2, "threads": 1, **settings})


def test_only_samples_are_searched():
    with pytest.raises(TypeError, match="a search needs Samples"):
        tune([[1.0]], valley())


def test_two_class_figures_need_two_classes():
    with pytest.raises(ValueError, match="3 classes; signal_at_0.01 does not"):
        tune(events(90, 3), "linear", objective="signal_at_0.01")


def test_a_figure_that_does_not_exist_is_said():
    with pytest.raises(ValueError, match=r"best Q .* does not exist for the predictions of 20"):
        tune(events(40), "linear", objective="q_factor", trials=2, **QUICK)


def test_without_optuna_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r"pip install 'baksan\[tune\]'"):
        tune(X, valley())


# The file -----------------------------------------------------------------------------------------


@pytest.fixture
def out(tmp_path):
    tune(X, valley(), trials=4, out=tmp_path / "search.json", **QUICK)
    return tmp_path / "search.json"


def test_a_file_that_is_there_is_not_written_over(out):
    with pytest.raises(FileExistsError, match="resume=True"):
        tune(X, valley(), trials=4, out=out, **QUICK)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"seed": 7}, "seed was 0, now it is 7"),
        ({"inner": 3}, "inner was 2"),
        ({"objective": "mae"}, "objective was 'rmse'"),
        ({"X": numbers(seed=1)}, "sha256"),
        ({"X": numbers(50)}, "events was 60, now it is 50"),
        ({"method": "linear"}, "space was 'valley"),
    ],
)
def test_another_search_is_refused(out, changed, says):
    asked = {"X": X, "method": valley(), "trials": 5, **QUICK, **changed}
    with pytest.raises(ValueError, match=says):
        tune(**asked, out=out, resume=True)


def damaged(content, **parts):
    content["trials"][2].update(parts)


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: damaged(c, state="finished"),
        lambda c: damaged(c, number=7),
        lambda c: damaged(c, value=0.0),
        lambda c: damaged(c, value=None),
        lambda c: damaged(c, values=[]),
        lambda c: damaged(c, values=[1.0, 2.0, 3.0], value=3.0),
        lambda c: damaged(c, settings={"a": 99.0, "b": 0.1}),
        lambda c: damaged(c, settings={"a": "__import__('os')", "b": 0.1}),
        lambda c: damaged(c, more=1),
        lambda c: c.update(version=2),
        lambda c: c.update(trials="none"),
        lambda c: c.pop("asked"),
    ],
)
def test_a_damaged_file_is_refused_in_a_sentence(out, damage):
    content = json.loads(out.read_text())
    damage(content)
    out.write_text(json.dumps(content))
    with pytest.raises(ValueError) as error:
        tune(X, valley(), trials=5, out=out, resume=True, **QUICK)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\x00", b"null", b"NaN"])
def test_what_is_no_search_is_refused(out, content):
    out.write_bytes(content)
    with pytest.raises(ValueError, match=out.name):
        tune(X, valley(), trials=5, out=out, resume=True, **QUICK)


def test_every_figure_of_merit_can_be_asked_for():
    for name, metric in METRICS.items():
        fitting = events(40) if metric.task == "classification" else X
        assert objective_name(name, fitting) == name
