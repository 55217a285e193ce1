"""Pictures of the notebooks show what they are given."""

import numpy as np
import pytest

from baksan import sketch


def test_lines_draws_each_curve_and_a_level():
    curves = {"a": [1.0, 2.0, 3.0], "b": [2.0, 2.0, 2.0], "level": 1.5}
    figure = sketch.lines([1, 2, 3], curves, "x [m]", "y", errors={"a": [0.1, 0.1, 0.2]})
    (ax,) = figure.axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x [m]", "y")
    drawn = [line.get_ydata() for line in ax.lines]
    assert all(np.array_equal(y, curves[k]) for y, k in zip(drawn, "ab", strict=False))
    assert set(drawn[2]) == {1.5}
    bars = ax.containers[0].lines[2][0].get_segments()
    assert np.allclose([bar[1, 1] - bar[0, 1] for bar in bars], [0.2, 0.2, 0.4])
    assert [t.get_text() for t in figure.legends[0].get_texts()] == list(curves)


@pytest.mark.parametrize(("n", "marked"), [(60, True), (61, False)])
def test_many_points_have_no_markers(n, marked):
    (line,) = sketch.lines(range(n), {"a": range(n)}).axes[0].lines
    assert (line.get_marker() not in ("", "None")) is marked and line.get_linestyle() == "-"


@pytest.mark.parametrize("log", ["", "x", "y", "xy"])
def test_axes_are_logarithmic_as_asked(log):
    (ax,) = sketch.lines([1, 10, 100], {"a": [1, 2, 300]}, log=log).axes
    assert [ax.get_xscale() == "log", ax.get_yscale() == "log"] == ["x" in log, "y" in log]


def test_images_keep_their_pixels_and_share_a_scale():
    pictures = np.linspace(-2, 1, 3 * 20).reshape(3, 5, 4)
    figure = sketch.images(pictures, ["p", "q", "r"], columns=2, signed=True, title="weights")
    shown = [ax.images[0] for ax in figure.axes[:3]]
    assert all(np.array_equal(s.get_array(), p) for s, p in zip(shown, pictures, strict=True))
    assert len(figure.axes) == 4 and not figure.axes[3].images
    limits = {s.get_clim() for s in shown}
    assert len(limits) == 1 and limits.pop() == pytest.approx((-2, 2), rel=0.05)
    assert shown[0].cmap(0.5)[:3] == pytest.approx((1, 1, 1), abs=0.01)
    assert [ax.get_title(loc="left") for ax in figure.axes[:3]] == ["p", "q", "r"]


@pytest.mark.parametrize("log", [False, True])
def test_bars_end_at_their_numbers(log):
    values = {"loop": 44_000.0, "NumPy": 500.0, "compiled": 34.0}
    (ax,) = sketch.bars(values, "time [ns]", log=log).axes
    ends = [bar.get_x() + bar.get_width() for bar in ax.patches]
    assert np.allclose(ends, list(values.values()))
    assert ax.patches[0].get_x() < 34 and ax.get_xlim()[1] > 44_000
    tops = [bar.get_y() for bar in ax.patches]
    assert [t.get_text() for t in ax.get_yticklabels()] == list(values)
    assert ax.get_ylim()[0] > ax.get_ylim()[1] and tops == sorted(tops)  # the first on top
    assert [t.get_text() for t in ax.texts] == ["44,000", "500", "34"]


def test_finish_puts_the_legend_inside_or_above():
    figure, (left, right) = sketch.panels(2)
    left.plot([1, 2], label="here")
    sketch.finish(left, "x")
    assert left.get_legend() is not None and not figure.legends
    right.plot([1, 2], label="there")
    sketch.finish(right, columns=1)
    assert right.get_legend() is None and len(figure.legends) == 1
