"""Pictures of searches and of learning: drawn for every kind of search, their data in place."""

import numpy as np
import pytest
from tests.tune.toys import Off, numbers, valley

from baksan.report.plots import tuning
from baksan.tune import Choice, Space, Whole, learning_curve, tune


@pytest.fixture(scope="module")
def found():
    return tune(
        numbers(), valley(fails=lambda c: c["a"] > 4), trials=25, inner=2, threads=1
    )  # fmt: skip


@pytest.mark.parametrize("narrow", [False, True])
def test_a_search_is_drawn(found, narrow):
    figure = found.plot(narrow)
    figure.canvas.draw()
    assert [ax.get_xlabel() for ax in figure.axes] == [
        "trial", "explains, % of the variance", "a", "b"
    ]  # fmt: skip
    best = figure.axes[0].lines[-1].get_ydata()
    assert best[-1] == pytest.approx(found.value) and (np.diff(best) <= 0).all()
    assert figure.axes[3].get_xscale() == "log"


def test_choices_have_their_names():
    space = Space(
        "off", "Off", {"kind": Choice(("near", "far")), "deep": Choice((True, False)),
                       "k": Whole(1, 9)},
        {"kind": "near", "deep": True, "k": 3},
        lambda c: Off(1.0 if c["kind"] == "near" else 2.0),
    )  # fmt: skip
    figure = tune(numbers(), space, trials=12, inner=2, threads=1).plot()
    figure.canvas.draw()
    shown = [[t.get_text() for t in ax.get_xticklabels()] for ax in figure.axes]
    assert ["far", "near"] in shown and ["False", "True"] in shown


@pytest.mark.parametrize("better", ["higher", "lower", "zero"])
def test_the_best_so_far_goes_its_way(better):
    values = [0.3, -0.2, 0.5, 0.1, -0.4]
    figure = tuning.search(
        {"number": range(5), "state": ["complete"] * 5, "value": values, "a": range(1, 6)},
        {"a": True}, {}, "figure", better,
    )  # fmt: skip
    figure.canvas.draw()
    expected = {
        "higher": [0.3, 0.3, 0.5, 0.5, 0.5], "lower": [0.3, -0.2, -0.2, -0.2, -0.4],
        "zero": [0.3, -0.2, -0.2, 0.1, 0.1],
    }[better]  # fmt: skip
    assert figure.axes[0].lines[-1].get_ydata()[:5].tolist() == expected


def test_one_trial_is_enough_and_none_is_not():
    columns = {"number": [0], "state": ["complete"], "value": [0.5], "a": [1.0]}
    tuning.search(columns, {"a": True}, {}, "AUC", "higher").canvas.draw()
    with pytest.raises(ValueError, match="a complete trial"):
        tuning.search({**columns, "value": [None]}, {"a": True}, {}, "AUC", "higher")
    with pytest.raises(ValueError, match="needs a curve"):
        tuning.learning({}, "AUC")


@pytest.mark.parametrize("sizes", [None, [20, 40]])
def test_learning_is_drawn(sizes):
    found = learning_curve(numbers(200), [Off(1.0)], sizes=sizes, folds=2, threads=1)
    figure = found.plot()
    figure.canvas.draw()
    assert figure.axes[0].get_xlabel() == "training events"
    assert figure.axes[0].get_xlim()[1] > (100 if sizes is None else 40)
