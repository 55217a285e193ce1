"""Pictures of coverage, pulls and purity hold the data they were given."""

import numpy as np
import pytest

from baksan.calibrate import coverage, pulls
from baksan.report import plots
from baksan.report.plots import intervals, style

EDGES = np.linspace(0, 1, 5)
RNG = np.random.default_rng(0)
X, Y = RNG.random(400), RNG.normal(size=400)


def covered(reach):
    return vars(coverage(np.full(400, -reach), np.full(400, reach), Y, None, X, EDGES))


def ink_of(figure):
    return " ".join(t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text")))


def drawn(ax):
    """The lines of points, without those that mark a level."""
    return [line for line in ax.lines if len(line.get_xdata()) > 2]


def test_coverage_draws_shares_errors_widths_and_the_promise():
    curve = covered(1.0)
    figure = intervals.coverage({"network": curve}, 0.68, "energy [EeV]", "EeV", title="all")
    top, bottom = figure.axes
    assert drawn(top)[0].get_ydata().tolist() == curve["share"].tolist()
    assert drawn(top)[0].get_xdata().tolist() == pytest.approx([0.125, 0.375, 0.625, 0.875])
    assert drawn(bottom)[0].get_ydata().tolist() == [2.0] * 4
    assert any(list(line.get_ydata()) == [0.68, 0.68] for line in top.lines)
    assert bottom.get_xlabel() == "energy [EeV]" and bottom.get_ylabel() == "width [EeV]"
    bars = top.containers[0].lines[2][0].get_segments()
    assert [b[1][1] for b in bars] == pytest.approx(curve["high"].tolist())
    assert "network" in ink_of(figure) and "all" in ink_of(figure)


def test_several_promises_have_a_line_each_and_points_stand_apart():
    curves = {"68 %": covered(1.0), "95 %": covered(1.96)}
    figure = intervals.coverage(curves, {"68 %": 0.68, "95 %": 0.95})
    levels = {line.get_ydata()[0]: line.get_color() for line in figure.axes[0].lines
              if len(line.get_xdata()) == 2}  # fmt: skip
    assert levels == {0.68: style.COLOURS[0], 0.95: style.COLOURS[1]}
    one, other = drawn(figure.axes[0])
    assert np.all(other.get_xdata() > one.get_xdata())


def test_without_widths_there_is_one_panel_and_empty_bins_are_left_out():
    curve = {k: v for k, v in covered(1.0).items() if k != "width"}
    curve["share"] = [None, *curve["share"][1:]]
    figure = intervals.coverage({"network": curve}, 0.68)
    assert len(figure.axes) == 1
    assert np.isnan(drawn(figure.axes[0])[0].get_ydata()[0])


def test_pulls_are_counted_to_the_last_and_compared_with_a_gaussian():
    found = pulls(0 * Y, 0 * Y + 0.01, Y)  # most beyond five standard errors
    figure = intervals.pulls(found.z)
    density = figure.axes[0].patches[0].get_data()
    assert density.values.sum() * np.diff(density.edges)[0] == pytest.approx(1)
    assert "mean 0, width 1" in ink_of(figure) and "width 100" in ink_of(figure)


@pytest.mark.parametrize("narrow", [False, True])
def test_moments_in_bins_are_the_second_panel(narrow):
    found = pulls(0 * Y, 0 * Y + 1, Y, None, X, EDGES)
    figure = intervals.pulls(found.z, None, vars(found), "energy", narrow=narrow)
    mean, width = drawn(figure.axes[1])
    assert mean.get_ydata().tolist() == found.mean.tolist()
    assert width.get_ydata().tolist() == found.width.tolist()
    assert figure.axes[1].get_xlabel() == "energy"


def test_weights_of_pulls_are_events_repeated():
    w = np.arange(400) % 3
    a, b = (intervals.pulls(*p).axes[0].patches[0].get_data().values
            for p in ((Y, w), (np.repeat(Y, w), None)))  # fmt: skip
    assert a == pytest.approx(b)


def test_purity_is_bayes_along_the_curve():
    s, b = np.linspace(0, 1, 11), np.linspace(0, 1, 11) ** 3
    figure = intervals.purity(s, b, {"50:50": (1, 1), "1:100": (100, 1)}, {"1:100": 0.5})
    even, rare = drawn(figure.axes[0])
    assert even.get_ydata() == pytest.approx(s[1:] / (s[1:] + b[1:]))
    assert rare.get_ydata() == pytest.approx(s[1:] / (s[1:] + 100 * b[1:]))
    (mark,) = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
    assert mark.get_xdata()[0] == pytest.approx(0.5)


def test_pictures_of_nothing_are_refused():
    with pytest.raises(ValueError, match="a bin with events"):
        intervals.coverage({"a": {"low_edge": [0], "high_edge": [1], "share": [None]}}, 0.68)
    with pytest.raises(ValueError, match="needs bins of a quantity"):
        intervals.coverage({"a": vars(coverage(Y - 1, Y + 1, Y))}, 0.68)
    with pytest.raises(ValueError, match="needs pulls"):
        intervals.pulls([np.nan])
    with pytest.raises(ValueError, match="signal and background pass"):
        intervals.purity([0.0, 0.5], [0.0, 0.0], {"50:50": (1, 1)})


def test_pictures_become_pages():
    figure = intervals.pulls(Y, None, vars(pulls(0 * Y, 0 * Y + 1, Y, None, X, EDGES)))
    assert "<svg" in plots.svg(figure, "p1", "pulls")
