"""Pictures hold the data they were given, say what they show, and survive what may be missing."""

import html.parser
import re

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Rectangle
from tests.report.report_contents import histories

from baksan.report import plots
from baksan.report.plots import features as features_of
from baksan.report.plots.style import COLOURS, DARK, INK, PAPER, log_axis, new_figure, numbers

STEP = [0, 1, 10, 100, 1000]


def history(**columns):
    return {"step": STEP, "seen": [64 * s for s in STEP], **columns}


def ink_of(figure):
    return " ".join(t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text")))


# Descent ------------------------------------------------------------------------------------------


def test_loss_lines_are_the_columns_where_a_logarithmic_axis_can_show_them():
    loss = [0.7, 0.6, 0.5, 0.45, 0.44]
    figure = plots.loss_against_iteration({"gd": history(loss=loss)})
    (line,) = figure.axes[0].lines
    assert line.get_xdata().tolist() == STEP[1:]
    assert line.get_ydata().tolist() == loss[1:]
    assert figure.axes[0].get_xlabel() == "iterations (steps)"
    assert figure.axes[0].get_xscale() == figure.axes[0].get_yscale() == "log"


def test_validation_is_dashed_progressive_faint_and_missing_values_are_left_out():
    figure = plots.loss_against_iteration(
        {"sgd": history(loss=[None] * 5, loss_progressive=[9, 0.8, 0.6, 0.5, 0.4],
                        validation=[None, 0.9, None, 0.6, 0.5])},
        against="seen",
    )  # fmt: skip
    progressive, validation = figure.axes[0].lines
    assert progressive.get_alpha() < 1 and progressive.get_xdata().tolist() == [
        64,
        640,
        6400,
        64000,
    ]
    assert validation.get_ydata().tolist() == [0.9, 0.6, 0.5]
    assert validation.is_dashed() and figure.axes[0].get_xlabel() == "samples seen"


def test_q_of_a_full_batch_stands_where_the_validation_loss_speaks_of_the_same_model():
    q = np.array([8.0, 4.0, 2.0, 1.0, 0.5])
    run = {"step": range(5), "epoch": range(5), "seen": [64 * s for s in range(5)],
           "loss": [8.0, *q[:-1]], "loss_progressive": [None, *q[:-1]],
           "validation": q}  # fmt: skip
    for against, each in (("step", 1), ("seen", 64)):
        figure = plots.loss_against_iteration({"gd": run}, optimum=0.25, against=against)
        ax, distance = figure.axes
        loss, validation, _ = ax.lines
        assert loss.get_xdata().tolist() == [each, 2 * each, 3 * each]
        np.testing.assert_array_equal(loss.get_ydata(), validation.get_ydata()[:3])
        np.testing.assert_array_equal(distance.lines[0].get_xdata(), loss.get_xdata())
        assert "progressive" not in ink_of(figure) and "validation" in ink_of(figure)
    exact = {**run, "loss_progressive": [None] * 5}
    assert plots.loss_against_iteration({"a": exact}).axes[0].lines[0].get_xdata().tolist() == [
        1, 2, 3, 4,
    ]  # fmt: skip


def test_distance_to_the_exact_minimum_is_loss_minus_optimum():
    figure = plots.loss_against_iteration({"gd": history(loss=[3, 2, 1.5, 1.25, 1.0])}, optimum=1.0)
    gap = figure.axes[1].lines[0]
    np.testing.assert_allclose(gap.get_ydata(), [1.0, 0.5, 0.25])
    assert figure.axes[1].get_yscale() == "log"
    assert figure.axes[0].lines[-1].get_ydata()[0] == 1.0
    assert "Q* = 1" in ink_of(figure)


def test_each_method_keeps_its_colour_whoever_else_is_drawn():
    styles = plots.series(["linear", "forest", "gd"])
    figure = plots.loss_against_iteration({"gd": history(loss=[5, 4, 3, 2, 1])}, styles=styles)
    assert figure.axes[0].lines[0].get_color() == COLOURS[2]


def test_a_loss_below_zero_is_drawn_on_a_straight_axis():
    figure = plots.loss_against_iteration({"margin": history(loss=[0, -1, -2, -3, -4])})
    assert figure.axes[0].get_yscale() == "linear"


def test_an_exploding_run_does_not_press_the_others_flat():
    calm, wild = [1, 0.9, 0.7, 0.5, 0.4], [1, 1e3, 1e9, 1e200, np.inf]
    figure = plots.loss_against_iteration({"a": history(loss=calm), "b": history(loss=wild)})
    low, high = figure.axes[0].get_ylim()
    assert high == pytest.approx(30) and 0.1 < low < 0.4


@pytest.mark.parametrize("empty", [{}, {"gd": {}}, {"gd": history(loss=[None] * 5)},
                                   {"gd": {"step": [0], "loss": [1.0]}}])  # fmt: skip
def test_a_picture_of_no_history_says_so(empty):
    with pytest.raises(ValueError, match="a picture of the loss needs a history"):
        plots.loss_against_iteration(empty)


def test_steps_above_the_limit_are_warm_and_dashed():
    step = np.arange(20)
    runs = [
        {"rate": r, "step": step, "loss": 0.1 + (1 - 2 * r) ** (2.0 * step)} for r in (1.2, 0.1)
    ]
    figure = plots.small_and_big_steps(runs, limit=1.0)
    stable, unstable = figure.axes[0].lines
    np.testing.assert_allclose(stable.get_ydata(), runs[1]["loss"][1:])
    assert stable.get_color() == COLOURS[0]
    assert unstable.get_color() == COLOURS[1] and unstable.is_dashed()
    assert "2/L" in ink_of(figure) and "rate 0.1" in ink_of(figure)
    low, high = figure.axes[1].get_xlim()
    assert low < 0.1 / 1.1 and high > 1.2 * 1.1
    ends = figure.axes[1].lines[0]
    np.testing.assert_allclose(ends.get_xdata(), [0.1, 1.2])
    assert ends.get_ydata()[0] == pytest.approx(runs[1]["loss"][-1])
    with pytest.raises(ValueError, match="needs a run with a finite loss"):
        plots.small_and_big_steps([{"rate": 1.0, "step": [1], "loss": [None]}])


def test_the_path_over_the_parabola_is_the_path():
    w = np.linspace(-1, 1, 50)
    path = {"label": "rate 0.3", "weight": [-1, 0.2, 0.0], "loss": [1, 0.04, 0.0]}
    figure = plots.loss_over_weight(w, w**2, [path], "w [1/deg]")
    assert figure.axes[0].lines[1].get_xdata().tolist() == [-1, 0.2, 0.0]
    assert figure.axes[0].get_xlabel() == "w [1/deg]"


# Classification -----------------------------------------------------------------------------------


def test_score_densities_have_unit_area_and_train_errors_are_poissonian():
    rng = np.random.default_rng(0)
    y = np.arange(4000) % 2
    part = {"score": rng.normal(y, 1), "y": y, "weight": None}
    figure = plots.scores(part, part, ("hadron", "gamma"), (0.5, 1e-9))
    ax = figure.axes[0]
    steps = [p for p in ax.patches if hasattr(p, "get_data")]
    assert len(steps) == 4
    for step in steps:
        values, edges, _ = step.get_data()
        assert values @ np.diff(edges) == pytest.approx(1.0)
    points = ax.containers[0]
    y_seen = points.lines[0].get_ydata()
    bars = points.lines[2][0].get_segments()
    width = edges[1] - edges[0]
    counts = y_seen * width * 2000
    half = [(b[1, 1] - b[0, 1]) / 2 for b in bars]
    np.testing.assert_allclose(half, np.sqrt(counts) / (2000 * width), rtol=1e-6)
    assert "KS p = 0.5" in ink_of(figure) and "KS p < 0.001" in ink_of(figure)


@pytest.mark.parametrize(("values", "each"), [
    (np.arange(-8.5, 12), 1), (np.arange(100) / 3, 3), (np.array([0.1, 0.27, 0.7]), None),
])  # fmt: skip
def test_bins_hold_the_same_number_of_scores_where_there_are_few(values, each):
    score = np.repeat(values, 30)
    part = {"score": score, "y": np.arange(len(score)) % 2, "weight": None}
    (ax,) = plots.scores(part, part, ("a", "b"), [0.5, 0.5], "cuts", [(600, 300), (590, 310)]).axes
    _, edges, _ = ax.patches[0].get_data()
    held, _ = np.histogram(values, edges)
    assert set(held[:-1]) == {each or 1} and held.sum() == len(values)
    assert "KS p = 0.5 (600 / 300)" in ink_of(ax.figure)


def test_curves_on_each_other_take_turns_in_dashes():
    b = np.geomspace(0.01, 1, 20)
    curves = {n: {"background": b, "signal": np.minimum(b**0.5 + shift, 1)}
              for n, shift in (("gd", 0), ("trees", 0.1), ("sgd", 0.001))}  # fmt: skip
    gd, trees, sgd, _ = plots.roc(curves).axes[0].lines
    assert gd.is_dashed() and sgd.is_dashed() and not trees.is_dashed()
    looks = plots.style.taking_turns(plots.series(curves), [["gd", "sgd"], ["trees"]])
    (start, (on, off)), (later, _) = looks["gd"].dash, looks["sgd"].dash
    assert start == 0 and later == on == off and looks["trees"].dash == "-"


def test_many_classes_are_limited_to_twelve_panels():
    rng = np.random.default_rng(0)
    y = np.arange(600) % 20
    part = {"score": rng.normal(size=(600, 20)), "y": y, "weight": np.ones(600)}
    figure = plots.scores(part, part, [f"class {k}" for k in range(20)])
    assert sum(ax.get_visible() for ax in figure.axes) == 12


def test_roc_shows_the_curve_and_its_band_over_a_logarithmic_axis():
    b = np.array([0.0, 0.01, 0.1, 1.0])
    s = np.array([0.1, 0.4, 0.8, 1.0])
    figure = plots.roc({"trees": {"background": b, "signal": s, "low": s - 0.02, "high": s}})
    ax = figure.axes[0]
    assert ax.get_xscale() == "log" and ax.get_xlim()[0] == 0.01
    assert ax.lines[0].get_ydata().tolist() == [0.4, 0.8, 1.0]
    assert ax.collections[0].get_paths()[0].vertices[:, 1].min() == pytest.approx(0.38)
    with pytest.raises(ValueError, match="a ROC picture needs a curve"):
        plots.roc({})


def test_calibration_shows_shares_errors_and_counts():
    curve = {"predicted": [0.1, 0.5, None], "observed": [0.2, 0.4, None],
             "low": [0.15, 0.3, None], "high": [0.3, 0.45, None],
             "weight": [10, 30, 0]}  # fmt: skip
    figure = plots.calibration({"linear": curve})
    points = figure.axes[0].containers[0]
    np.testing.assert_allclose(points.lines[0].get_ydata(), [0.2, 0.4, np.nan])
    np.testing.assert_allclose(points.lines[2][0].get_segments()[0][:, 1], [0.15, 0.3])
    assert figure.axes[1].lines[0].get_ydata().tolist() == [10, 30, 0]
    assert figure.axes[1].get_ylabel() == "events"


def test_confusion_prints_counts_and_shares_of_the_row():
    figure = plots.confusion([[90, 10], [300, 1700]], ("hadron", "gamma"))
    texts = [t.get_text() for t in figure.axes[0].texts]
    assert texts == ["90\n90.0 %", "10\n10.0 %", "300\n15.0 %", "1,700\n85.0 %"]
    shades = [p.get_alpha() for p in figure.axes[0].patches if isinstance(p, Rectangle)]
    assert shades[0] > shades[2] > shades[1]
    with pytest.raises(ValueError, match=r"3 classes need counts of shape \(3, 3\)"):
        plots.confusion([[1, 2], [3, 4]], ("a", "b", "c"))


# Regression ---------------------------------------------------------------------------------------


def test_residuals_print_weighted_median_and_half_of_the_central_68_percent():
    rng = np.random.default_rng(3)
    y = rng.uniform(17, 20, 20_000)
    figure = plots.residuals(y + rng.normal(0.5, 0.2, len(y)), y, unit="log10(eV)", name="lg E")
    left, right = figure.axes
    assert left.get_xlabel() == "prediction − lg E [log10(eV)]"
    labels = [t.get_text() for t in left.get_legend().get_texts()]
    found = [float(re.search(r"([\d.]+) log10", label)[1]) for label in labels]
    assert labels[0].startswith("bias +") and labels[1].startswith("resolution ")
    np.testing.assert_allclose(found, [0.5, 0.2], atol=0.006)
    medians = right.lines[-1].get_ydata()
    np.testing.assert_allclose(medians, 0.5, atol=0.03)
    with pytest.raises(ValueError, match="needs predictions and answers"):
        plots.residuals([], [])


def test_residuals_of_one_event_and_of_a_constant_answer_can_be_drawn():
    assert plots.residuals([1.0], [2.0]).axes
    assert plots.residuals([1.0, 2.0, 4.0], [2.0, 2.0, 2.0]).axes


def test_residuals_show_their_core_and_answers_over_decades_on_a_logarithmic_axis():
    rng = np.random.default_rng(4)
    y = np.geomspace(0.5, 50, 3000)
    delta = rng.normal(0, 0.1, len(y))
    delta[:30] = 40.0
    weight = rng.exponential(size=len(y)) ** 4
    for w in (None, weight):
        left, right = plots.residuals(y + delta, y, w, bias="−0.0012", resolution="0.10").axes
        assert max(map(abs, left.get_xlim())) < 0.7
        assert left.get_legend().get_texts()[0].get_text() == "bias −0.0012"
        assert right.get_xscale() == "log" and right.get_xlim() == pytest.approx((0.5, 50))
        shade = right.images[0].get_array()[..., 3]
        assert shade[shade > 0].min() >= 0.3
    assert left.get_ylabel() == "Σw of the events drawn"
    assert plots.residuals(y + 17, y + 17).axes[1].get_xscale() == "linear"


def test_the_shade_of_an_event_stands_at_its_answer():
    y = np.repeat([1.0, 10.0, 100.0], [40, 40, 40])
    y[::2] *= 1.001
    right = plots.residuals(y + np.tile([-1, 1], 60), y).axes[1]
    (image,) = right.images
    columns = np.flatnonzero(image.get_array()[..., 3].any(axis=0))
    low, high = np.log10(right.get_xlim())
    at = low + (columns + 0.5) / 90 * (high - low)
    np.testing.assert_allclose([at.min(), np.median(at), at.max()], [0, 1, 2], atol=0.03)
    rows = np.flatnonzero(image.get_array()[..., 3].any(axis=1))
    assert image.get_extent()[3] == pytest.approx(1 / 1.16) and len(rows) == 2


def test_merit_in_bins_stands_inside_its_bins_with_its_errors():
    curve = {"low_edge": [0, 1], "high_edge": [1, 2], "value": [3.0, None], "low": [2.5, None],
             "high": [4.0, None]}  # fmt: skip
    figure = plots.merit_in_bins({"a": curve, "b": curve}, "E [TeV]", "bias [TeV]")
    first, second = (c.lines[0] for c in figure.axes[0].containers)
    assert 0 < first.get_xdata()[0] < second.get_xdata()[0] < 1
    bar = figure.axes[0].containers[0].lines[2][0].get_segments()[0]
    assert bar[:, 1].tolist() == [2.5, 4.0]
    with pytest.raises(ValueError, match="needs a finite value"):
        plots.merit_in_bins({"a": {**curve, "value": [None, None]}}, "E", "bias")


# Features -----------------------------------------------------------------------------------------


def test_one_bin_keeps_the_points_of_all_methods_near_its_middle():
    bin_ = {"low_edge": [10.0], "high_edge": [20.0], "value": [1.0]}
    figure = plots.merit_in_bins({name: bin_ for name in "abc"}, "x", "y")
    places = [line.get_xdata()[0] for line in figure.axes[0].lines if len(line.get_xdata())]
    assert np.ptp(places) > 0 and np.abs(np.array(places) - 15).max() < 0.3


def test_labels_of_a_short_logarithmic_axis_stand_apart():
    _, (ax,) = new_figure(2, 2)
    ax.plot([0.2, 2.1], [1, 1])
    log_axis(ax, "x")
    ticks = np.log10(ax.get_xticks())
    assert len(ticks) >= 3 and np.diff(ticks).min() > 0.13 * np.diff(np.log10(ax.get_xlim()))


def shower(scale, **more):
    """A display of nine stations `scale` m apart: 0 dead, 1 silent, 2 saturated, 3 no hit of it."""
    x, y = (scale * v.ravel() for v in np.meshgrid([-1.0, 0, 1], [-1.0, 0, 1]))
    signal, status = np.linspace(9, 1, 9), np.ones(9)
    status[:3], signal[:2] = (4, 0, 3), np.nan
    used = np.isfinite(signal) & (np.arange(9) != 3)
    r = np.hypot(x, y) + 0.1 * scale
    stations = {
        "x": x, "y": y, "signal": signal, "time": 3 * r, "used": used, "status": status,
        "distance": r, "delay": r / 10, "signal_error": np.full(9, 0.5), "delay_error": r / 20,
    }  # fmt: skip
    curve = np.geomspace(0.05, 2, 50) * scale
    fit = {
        "core": np.array([0.1, 0.1]) * scale, "direction": np.array([0.0, 0.6, 0.8]),
        "true_core": None, "r": curve, "signal": 5 * scale / curve, "delay": curve / 10,
        "result": "S = 5",
    }  # fmt: skip
    return stations, fit | more


@pytest.mark.parametrize(("scale", "unit"), [(1000.0, "km"), (10.0, "m")])
def test_a_shower_is_drawn_in_lengths_that_fit_the_array(scale, unit):
    above, lateral, front, _ = plots.event_display(*shower(scale)).axes
    assert above.get_xlabel() == f"east [{unit}]" and lateral.get_title("left") == "S = 5"
    assert front.get_xlabel() == lateral.get_xlabel() == f"distance from the axis [{unit}]"
    arrows = [text for text in above.texts if text.arrow_patch]
    assert len(arrows) == 1 and arrows[0].xy[1] > arrows[0].xyann[1]  # to the north, whence it came


def test_what_a_display_holds_depends_on_what_there_is():
    def told(stations, fit):
        return [text.get_text() for text in plots.event_display(stations, fit).axes[1].texts] + [
            text.get_text()
            for text in plots.event_display(stations, fit).axes[1].get_legend().get_texts()
        ]

    stations, fit = shower(1000.0)
    assert told(stations, fit) == ["stations", "fit", "silent", "saturated"]
    muons = {"r": [900.0], "density": [2.0], "error": [1.0], "curve": fit["signal"] / 9}
    stations["status"][1:3] = 4
    assert told(stations, fit | {"muons": muons}) == ["stations", "fit", "muons, in rings"]
    vertical = fit | {"direction": np.array([0.0, 0.0, 1.0])}
    assert not plots.event_display(stations, vertical).axes[0].texts
    stations["signal"][:] = np.nan
    with pytest.raises(ValueError, match="needs a station that was hit"):
        plots.event_display(stations, fit)


def test_importance_shows_the_foremost_features_and_says_how_many_there_are():
    rows = [{"feature": f"f{j}", "mean": j / 100, "error": 0.01} for j in range(60)]
    figure = plots.importance({"forest": rows}, "AUC")
    ax = figure.axes[0]
    assert [t.get_text() for t in ax.get_yticklabels()][:2] == ["f59", "f58"]
    assert len(ax.get_yticklabels()) == features_of.MOST_FEATURES == 20
    assert ax.get_title(loc="left") == "the 20 most important of 60 features"
    assert ax.get_xlabel() == "loss of AUC when shuffled"
    points = ax.containers[0]
    np.testing.assert_allclose(points.lines[0].get_xdata()[:2], [0.59, 0.58])
    np.testing.assert_allclose(points.lines[2][0].get_segments()[0][:, 0], [0.58, 0.60])


def test_weights_are_standardised_and_so_are_their_errors():
    rows = [{"feature": "fAlpha", "weight": -0.02, "error": 0.001, "standardised": -0.6},
            {"feature": "fSize", "weight": 1.0, "error": 0.1, "standardised": 0.4}]  # fmt: skip
    points = plots.weights({"linear": rows}).axes[0].containers[0]
    assert points.lines[0].get_xdata().tolist() == [-0.6, 0.4]
    np.testing.assert_allclose(points.lines[2][0].get_segments()[0][:, 0], [-0.63, -0.57])
    with pytest.raises(ValueError, match="weights needs a feature"):
        plots.weights({})


def test_inputs_have_one_panel_a_feature_with_its_unit_and_are_limited_to_24():
    rng = np.random.default_rng(0)
    names = [f"f{j} [mm]" for j in range(60)]
    x = rng.normal(size=(100, 60))
    x[:, 3] = 7.0
    figure = plots.inputs(x, names, np.arange(100) % 2, ("hadron", "gamma"))
    shown = [ax.get_xlabel() for ax in figure.axes if ax.get_visible()]
    assert shown == names[:24]
    assert "the first 24 of 60 features" in ink_of(figure)
    with pytest.raises(ValueError, match="one label a column"):
        plots.inputs(x, names[:3])


def test_a_path_shows_each_weight_against_the_strength_and_marks_the_least_score():
    strengths, weights = [1.0, 0.0, 0.1, 10.0], np.arange(4.0)[:, None] * np.linspace(-2, 3, 9)
    names, score = [f"x{j}" for j in range(9)], [3.0, np.inf, 2.0, 5.0]
    figure = plots.weights_against_strength(strengths, weights, names, score)
    left, right = figure.axes
    assert [line.get_color() == plots.style.MUTED for line in left.lines[:-1]].count(True) == 2
    for line in left.lines[:-1]:
        assert line.get_xdata().tolist() == [0.1, 1.0, 10.0]
    largest = left.lines[2]
    assert largest.get_ydata().tolist() == [6.0, 0.0, 9.0] and names[8] in ink_of(figure)
    assert right.lines[0].get_ydata().tolist() == [2.0, 3.0, 5.0]
    assert all(ax.lines[-1].get_xdata() == [0.1, 0.1] and ax.get_xscale() == "log"
               for ax in figure.axes)  # fmt: skip
    with pytest.raises(ValueError, match="needs a positive strength with a score"):
        plots.weights_against_strength([0.0], [[1.0]], ["a"], [1.0])


def test_correlations_are_those_of_numpy_and_weights_count_events():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 3))
    np.testing.assert_allclose(features_of.pearson(x, np.ones(50)), np.corrcoef(x.T), atol=1e-12)
    w = rng.integers(1, 4, 50)
    twice = np.repeat(x, w, axis=0)
    np.testing.assert_allclose(features_of.pearson(x, w), np.corrcoef(twice.T), atol=1e-12)
    figure = plots.correlations(x, ("a", "b", "c"))
    expected = round(100 * np.corrcoef(x.T)[0, 1])
    assert figure.axes[0].texts[1].get_text() == str(expected).replace("-", "−")


def test_a_feature_that_does_not_vary_correlates_with_nothing():
    r = features_of.pearson(np.column_stack([np.ones(5), np.arange(5.0)]), np.ones(5))
    np.testing.assert_allclose(r, [[0, 0], [0, 1]])


# Style --------------------------------------------------------------------------------------------


def luminance(colour):
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("page", [{c: c for c in DARK}, DARK], ids=["light", "dark"])
def test_text_and_lines_stand_out_from_the_ground(page):
    from baksan.report.plots.style import MUTED

    assert contrast(page[INK], page[PAPER]) > 7
    assert contrast(page[MUTED], page[PAPER]) > 4.5
    assert all(contrast(page[c], page[PAPER]) > 3 for c in COLOURS)


@pytest.mark.parametrize("page", [{c: c for c in DARK}, DARK], ids=["light", "dark"])
def test_text_in_cells_stands_out_from_the_deepest_shade(page):
    x = np.random.default_rng(0).normal(size=(40, 3))
    x[:, 1], x[:, 2] = x[:, 0], -x[:, 0]
    for figure in (plots.confusion([[9, 0], [5, 5]], "ab"), plots.correlations(x, list("abc"))):
        cells = figure.axes[0].patches
        assert max(cell.get_alpha() for cell in cells) >= 0.5
        for cell in cells:
            colour, ground = (np.array(to_rgb(page[c])) for c in (to_hex(cell.get_fc()), PAPER))
            shade = to_hex(cell.get_alpha() * colour + (1 - cell.get_alpha()) * ground)
            assert contrast(page[INK], shade) > 4.5


def test_all_ink_is_named_so_that_a_dark_page_can_change_it():
    r = np.random.default_rng(0)
    part = {"score": r.normal(size=(60, 3)), "y": np.arange(60) % 3, "weight": None}
    figure = plots.scores(part, part, list("abc"), [0.5, 0.1, None], "trees", [(60, 60)] * 3)
    for drawn in (figure, plots.inputs(r.normal(size=(9, 30)), [f"f{k}" for k in range(30)])):
        text = plots.svg(drawn, "f1", "x")
        inks = re.findall(r"<text[^>]*?fill: ([^;\"]+)", text)
        assert set(inks) == {"var(--ink)"} and len(inks) == text.count("<text")
    assert {"trees", "KS p = 0.5 (60 / 60)"} <= set(re.findall(r">([^<]+)</text>", plots.svg(
        figure, "f2", "x")))  # fmt: skip


def test_twenty_methods_all_look_different():
    looks = {(s.colour, s.marker, str(s.dash)) for s in plots.series(map(str, range(20))).values()}
    assert len(looks) == 20


def test_svg_is_well_formed_named_and_fetches_nothing():
    figure = plots.loss_against_iteration(histories(500), optimum=0.4143)
    text = plots.svg(figure, "f7", 'loss <of> "three"')
    assert text.startswith('<svg role="img" aria-label="loss &lt;of&gt; &quot;three&quot;"')
    assert "http" not in text and text.endswith("</svg>")
    assert all(i.startswith("f7-") for i in re.findall(r'\bid="([^"]+)"', text))
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text))
    assert used and used <= set(re.findall(r'\bid="([^"]+)"', text))
    assert "var(--ink)" in text and "var(--sans)" in text and "var(--c0)" in text
    assert COLOURS[0] not in text and to_hex(INK) not in text
    html.parser.HTMLParser().feed(text)


def test_narrow_figures_are_half_as_wide_and_hold_the_same_panels():
    w = np.linspace(-1, 1, 9)
    path = {"label": "rate 0.3", "weight": [-1, 0.2], "loss": [1, 0.04]}
    x = np.random.default_rng(0).normal(size=(40, 5))
    rows = {"a": [{"feature": f, "mean": 1.0, "weight": 1.0, "standardised": 1.0} for f in "pq"]}
    drawn = [
        (plots.loss_against_iteration, (histories(50), 0.4)),
        (plots.small_and_big_steps, ([{"rate": 0.1, "step": [1, 2], "loss": [2, 1]}],)),
        (plots.loss_over_weight, (w, w**2, [path] * 3)),
        (plots.residuals, (x[:, 0], x[:, 1])),
        (plots.inputs, (x, list("abcde"))),
        (plots.correlations, (x, list("abcde"))),
        (plots.importance, (rows,)),
        (plots.weights, (rows,)),
        (plots.weights_against_strength, (w[-3:], x[:3], list("abcde"), w[-3:])),
    ]
    for draw, given in drawn:
        wide, narrow = draw(*given), draw(*given, narrow=True)
        assert narrow.get_figwidth() == pytest.approx(3.55)
        shown = [[ax.get_visible() for ax in f.axes].count(True) for f in (wide, narrow)]
        assert shown[0] == shown[1]


def test_the_same_figure_gives_the_same_svg():
    again = [plots.svg(plots.confusion([[1, 2], [3, 4]], "ab"), "f1", "x") for _ in range(2)]
    assert again[0] == again[1]


def test_names_with_dollars_underscores_and_tags_are_printed_as_they_are():
    names = ["$x^2$", "_hidden", "<script>"]
    rows = [{"feature": n, "mean": 1.0, "error": 0.1} for n in names]
    text = plots.svg(plots.importance({"_m $": rows, "b": rows}), "f1", "x")
    assert "$x^2$" in text and "_hidden" in text and "&lt;script&gt;" in text
    assert "_m $" in text and "<script>" not in text


def test_a_figure_saved_by_itself_has_a_white_ground(tmp_path):
    from matplotlib.image import imread

    path = tmp_path / "roc.png"
    plots.roc({"a": {"background": [0.1, 1], "signal": [0.5, 1]}}).savefig(path)
    assert imread(path)[0, 0].tolist() == [1, 1, 1, 1]


def test_numbers_of_unknown_values():
    assert numbers(None).tolist() == []
    np.testing.assert_array_equal(numbers((1, None)), [1, np.nan])
