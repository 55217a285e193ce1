"""Intervals cover what they promise, in each bin; pulls and coverage say it with honest errors."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from baksan import Prediction, Samples
from baksan.calibrate import Intervals, conformal, coverage, pulls

LEVELS = (0.68, 0.90, 0.95)
EDGES = np.linspace(0, 1, 6)


def noise(x):
    """σ(x) grows sixfold."""
    return 0.2 + x


def events(n, seed, weight=None):
    """y = 3x + σ(x) t with a skewed t; a model that knows the mean and nothing of the noise."""
    rng = np.random.default_rng(seed)
    x = rng.random(n)
    y = 3 * x + noise(x) * (rng.gamma(4.0, 0.5, n) - 2.0)
    return Samples(x[:, None], y, weight)


def value(X):
    return Prediction(value=3 * X.x[:, 0])


def with_spread(X):
    """Right in shape, half as large as it should be."""
    return Prediction(value=3 * X.x[:, 0], spread=0.5 * noise(X.x[:, 0]))


def with_quantiles(X):
    """Quantiles that widen with the noise but are too narrow by a constant."""
    levels = np.array([0.025, 0.05, 0.16, 0.5, 0.84, 0.95, 0.975])
    reach = np.sign(levels - 0.5) * np.maximum(np.abs(norm.ppf(levels)) - 0.15, 0)
    q = 3 * X.x[:, 0, None] + noise(X.x[:, 0, None]) * reach
    return Prediction(value=3 * X.x[:, 0], quantiles=q, levels=levels)


def per_bin(intervals, prediction, X, by=None):
    low, high = intervals(prediction, by)
    return coverage(low, high, X.y, X.weight, X.x[:, 0], EDGES)


def deviations(found, c, calibrated):
    """How many binomial errors the share is from c; the calibration events have errors, too."""
    error = np.sqrt(c * (1 - c) * (1 / found.effective + 1 / calibrated))
    return (found.share - c) / error


# Coverage -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("c", LEVELS)
def test_plain_intervals_cover_on_the_average_but_not_in_each_bin(c):
    train, test = events(20_000, 1), events(40_000, 2)
    found = conformal(value(train), train, c)
    low, high = found(value(test))
    whole = coverage(low, high, test.y)
    assert abs(deviations(whole, c, 20_000)[0]) < 4
    assert np.abs(deviations(per_bin(found, value(test), test), c, 4000)).max() > 10


@pytest.mark.parametrize("c", LEVELS)
def test_a_margin_for_each_bin_covers_in_each_bin(c):
    train, test = events(20_000, 1), events(40_000, 2)
    found = conformal(value(train), train, c, by=train.x[:, 0], edges=EDGES)
    shares = per_bin(found, value(test), test, test.x[:, 0])
    assert np.abs(deviations(shares, c, 4000)).max() < 4
    assert np.all(np.diff(shares.width) > 0)  # as the noise


@pytest.mark.parametrize("c", LEVELS)
@pytest.mark.parametrize("predicted", [with_spread, with_quantiles])
def test_a_predicted_width_brings_each_bin_near_and_bins_bring_it_home(c, predicted):
    train, test = events(20_000, 1), events(40_000, 2)
    plain = conformal(value(train), train, c)
    wise = conformal(predicted(train), train, c)
    assert wise.how == ("spread" if predicted is with_spread else "quantiles")

    def far(shares):
        return np.abs(shares.share - c).max()

    assert far(per_bin(wise, predicted(test), test)) < 0.4 * far(per_bin(plain, value(test), test))
    both = conformal(predicted(train), train, c, by=train.x[:, 0], edges=EDGES)
    shares = per_bin(both, predicted(test), test, test.x[:, 0])
    assert np.abs(deviations(shares, c, 4000)).max() < 4


@pytest.mark.parametrize("how", ["residual", "quantiles"])
@pytest.mark.parametrize("binned", [False, True])
def test_coverage_holds_for_weighted_events(how, binned):
    """Few events at high energies, and weights that turn the spectrum round."""
    c, parts = 0.9, []
    for n, seed in ((20_000, 1), (40_000, 2)):
        X = events(n, seed)
        parts.append(Samples(X.x, X.y, np.exp(2 * X.x[:, 0]) * (1 + (np.arange(n) % 3))))
    train, test = parts
    by = [p.x[:, 0] if binned else None for p in parts]
    predicted = value if how == "residual" else with_quantiles
    found = conformal(predicted(train), train, c, by=by[0], edges=EDGES if binned else None)
    low, high = found(predicted(test), by[1])
    whole = coverage(low, high, test.y, test.weight)
    assert abs(deviations(whole, c, train.effective_events)[0]) < 4
    unweighted = conformal(predicted(train), Samples(train.x, train.y), c)
    if how == "residual" and not binned:
        ignored = coverage(*unweighted(predicted(test)), test.y, test.weight)
        assert abs(deviations(ignored, c, train.effective_events)[0]) > 4


@pytest.mark.parametrize(("n", "c"), [(9, 0.9), (10, 0.9), (19, 0.95), (20, 0.68), (3, 0.68)])
def test_the_mean_coverage_of_few_events_is_that_of_the_theorem(n, c):
    """Of n events the k-th smallest, k = ⌈(n + 1) c⌉, covers k/(n + 1) of new events."""
    rng = np.random.default_rng(0)
    y = rng.random((4000, n))
    margins = [conformal(Prediction(value=np.zeros(n)), Samples(row[:, None], row), c).margin[0]
               for row in y[:1500]]  # fmt: skip
    k = np.ceil((n + 1) * c - 1e-9)
    assert np.array_equal(margins, np.sort(y[:1500])[:, int(k) - 1])
    assert np.mean(margins) == pytest.approx(k / (n + 1), abs=0.01)


def test_the_margin_is_numpy_s_higher_quantile():
    X = events(999, 0)
    error = np.abs(X.y - 3 * X.x[:, 0])
    for c in LEVELS:
        k = int(np.ceil(1000 * c - 1e-9))
        assert conformal(value(X), X, c).margin[0] == np.sort(error)[k - 1]
        known = np.quantile(error, k / 999, method="inverted_cdf")
        assert conformal(value(X), X, c).margin[0] == known


def test_conformal_quantiles_are_those_of_romano_patterson_and_candes():
    X = events(499, 0)
    p = with_quantiles(X)
    low, high = p.quantiles[:, 2], p.quantiles[:, 4]
    wider = np.sort(np.maximum(low - X.y, X.y - high))[int(np.ceil(500 * 0.68)) - 1]
    found = conformal(p, X, 0.68)(p)
    assert found.low == pytest.approx(low - wider) and found.high == pytest.approx(high + wider)


def test_quantiles_that_are_too_wide_are_pulled_together_and_never_cross():
    rng = np.random.default_rng(0)
    X = Samples(rng.random((500, 1)), rng.normal(0, 1, 500))
    reach = np.where(X.x[:, 0] < 0.1, 0.1, 10.0)[:, None]
    p = Prediction(value=np.zeros(500), quantiles=reach * [-1, 1], levels=[0.16, 0.84])
    found = conformal(p, X, 0.68)
    assert found.margin[0] < 0
    low, high = found(p)
    assert np.all(low <= high)


# Weights ------------------------------------------------------------------------------------------


def test_weight_zero_is_no_event_and_the_scale_does_not_matter():
    X = events(1000, 0)
    w = np.random.default_rng(1).integers(0, 3, 1000).astype(float)
    some = w > 0
    a = conformal(value(X), Samples(X.x, X.y, w), 0.9)
    b = conformal(value(X).take(some), Samples(X.x[some], X.y[some], 1e-12 * w[some]), 0.9)
    assert a.margin[0] == b.margin[0]


def test_weight_two_is_the_event_twice_but_for_the_one_event_more():
    """Twice the same event is no more knowledge: the level is c (1 + 1/n) with the effective n."""
    X = events(1000, 0)
    times = np.random.default_rng(1).integers(1, 4, 1000)
    rows = np.repeat(np.arange(1000), times)
    a = conformal(value(X), Samples(X.x, X.y, times.astype(float)), 0.9).margin[0]
    twice = np.sort(np.abs(X.y - 3 * X.x[:, 0])[rows])
    effective = times.sum() ** 2 / (times**2).sum()
    assert a == twice[int(np.ceil(0.9 * (1 + 1 / effective) * len(rows) - 1e-9)) - 1]
    b = conformal(value(X).take(rows), X.take(rows), 0.9).margin[0]
    assert a >= b and abs(a - b) < 0.02 * b


# What they are ------------------------------------------------------------------------------------


def test_events_beyond_the_edges_belong_to_the_end_bins():
    X = events(2000, 0)
    by = X.x[:, 0]
    a = conformal(value(X), X, by=by, edges=[0.3, 0.5, 0.7])
    b = conformal(value(X), X, by=by, edges=[-9.0, 0.5, 9.0])
    assert a.margin.tolist() == b.margin.tolist()
    p = Prediction(value=[0.0, 0.0, 0.0])
    assert (a(p, [-99.0, 0.5, 99.0]).high).tolist() == a.margin[[0, 1, 1]].tolist()


def test_a_number_of_edges_is_that_many_bins_of_equally_many_events():
    X = events(1000, 0)
    by = X.x[:, 0]
    assert conformal(value(X), X, by=by).margin.shape == (5,)
    found = conformal(value(X), X, by=by, edges=4)
    assert np.diff(np.searchsorted(np.sort(by), found.edges[1:-1])).tolist() == [250, 250]


@pytest.mark.parametrize("binned", [False, True])
@pytest.mark.parametrize("predicted", [value, with_spread, with_quantiles])
def test_arrays_there_and_back_are_the_same_function(predicted, binned):
    X = events(500, 0)
    by = X.x[:, 0] if binned else None
    found = conformal(predicted(X), X, 0.9, by=by)
    again = Intervals.from_arrays(found.how, found.to_arrays())
    for a, b in zip(found(predicted(X), by), again(predicted(X), by), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(
    ("how", "change", "said"),
    [
        ("magic", {}, "'magic'"),
        ("residual", {"more": [1.0]}, "these are by 'residual' and of coverage, edges, margin, mo"),
        ("residual", {"margin": [np.inf]}, "margin must be finite"),
        ("residual", {"margin": [-1.0]}, "do not fit"),
        ("residual", {"margin": [1.0, 2.0]}, "do not fit"),
        ("residual", {"edges": [1.0]}, "do not fit"),
        ("residual", {"edges": [1.0, 0.0]}, "do not fit"),
        ("residual", {"coverage": []}, "do not fit"),
        ("residual", {"coverage": [1.5]}, "coverage must lie between 0 and 1"),
        ("residual", {"margin": [[1.0]]}, "one number an event"),
    ],
)
def test_forged_arrays_are_refused_in_a_sentence(how, change, said):
    held = {"coverage": [0.9], "margin": [1.0], "edges": [], **change}
    with pytest.raises(ValueError, match=said):
        Intervals.from_arrays(how, {k: np.array(v, dtype=float) for k, v in held.items()})


# Refusals -----------------------------------------------------------------------------------------


def test_too_few_events_are_told_with_the_number_that_is_needed():
    X = events(18, 0)
    with pytest.raises(ValueError, match=r"0\.95 needs 19 effective events .* the samples hold 18"):
        conformal(value(X), X, 0.95)
    assert np.isfinite(conformal(value(X), X, 0.9).margin[0])
    with pytest.raises(ValueError, match=r"the bin 0\.9 … 1 holds"):
        conformal(value(X), X, 0.9, by=X.x[:, 0], edges=[0, 0.9, 1])
    weighted = Samples(X.x, X.y, np.where(np.arange(18) < 2, 1.0, 1e-9))
    with pytest.raises(ValueError, match="needs 9 effective events .* the samples hold 2"):
        conformal(value(X), weighted, 0.9)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"coverage": 68}, "coverage must lie between 0 and 1; it is 68"),
        ({"how": "bayes"}, "'bayes' is none of them"),
        ({"how": "spread"}, "this has none"),
        ({"how": "quantiles"}, "this has none"),
        ({"edges": [0, 1]}, "edges are of a variable"),
        ({"by": np.arange(100.0), "edges": [1, 0]}, "edges must rise"),
        ({"by": np.arange(100.0), "edges": 0}, "one bin or more"),
        ({"by": np.ones(100)}, "a variable that varies"),
        ({"by": np.ones(99)}, "by must have one entry for each of the 100 events"),
    ],
)
def test_what_no_interval_can_be_made_of_is_refused(settings, said):
    X = events(100, 0)
    with pytest.raises(ValueError, match=said):
        conformal(value(X), X, **settings)


def test_classes_spreads_of_zero_negative_weights_and_missing_bins_are_refused():
    X = events(100, 0)
    with pytest.raises(ValueError, match="these are classes"):
        conformal(Prediction(score=np.zeros(100)), X)
    with pytest.raises(ValueError, match="0 stands in row 3"):
        flat = np.where(np.arange(100) == 3, 0.0, 1.0)
        conformal(Prediction(value=np.zeros(100), spread=flat), X)
    with pytest.raises(ValueError, match="weights of 0 or more"):
        conformal(value(X), Samples(X.x, X.y, np.where(np.arange(100) == 3, -1.0, 1.0)))
    with pytest.raises(ValueError, match="it did not come"):
        conformal(value(X), X, by=X.x[:, 0], edges=2)(value(X))
    one_sided = Prediction(value=X.y, quantiles=X.y[:, None], levels=[0.5])
    with pytest.raises(ValueError, match=r"Predict 0\.16 and 0\.84"):
        conformal(one_sided, X)


# Judging ------------------------------------------------------------------------------------------


def test_wilson_s_interval_solves_its_equation():
    """|p − q| = √(q(1 − q)/n) at both ends q."""
    inside = np.arange(40) < 31
    found = coverage(np.zeros(40), np.ones(40), np.where(inside, 0.5, 2.0))
    p = 31 / 40
    assert found.share[0] == p
    for q in (found.low[0], found.high[0]):
        assert abs(p - q) == pytest.approx(np.sqrt(q * (1 - q) / 40))


def test_the_errors_of_coverage_are_those_of_repeated_samples():
    """The share of samples whose interval holds the truth, from the exact binomial."""
    n, c = 200, 0.9
    k = np.arange(n + 1)
    found = [coverage(np.zeros(n), np.ones(n), np.where(np.arange(n) < m, 0.5, 2.0)) for m in k]
    holds = [f.low[0] <= c <= f.high[0] for f in found]
    assert binom.pmf(k, n, c) @ holds == pytest.approx(0.68, abs=0.06)


def test_coverage_in_bins_counts_what_is_in_them_and_outside():
    found = coverage([0, 0, 0, -np.inf], [1, 1, 1, np.inf], [0.5, 2, 0.5, 7], None,
                     [0.1, 0.2, 5, 0.9], [0, 0.5, 1, 2])  # fmt: skip
    assert found.share[:2].tolist() == [0.5, 1.0] and np.isnan(found.share[2])
    assert found.events.tolist() == [2, 1, 0] and found.outside == 1
    assert found.rows()[2]["share"] is None and found.rows()[0]["events"] == 2


def test_weights_of_coverage_and_pulls_are_events_repeated():
    rng = np.random.default_rng(0)
    y, w = rng.normal(size=300), rng.integers(0, 3, 300)
    rows = np.repeat(np.arange(300), w)
    a, b = (coverage(0 * t - 1, 0 * t + 1, t, v) for t, v in ((y, w), (y[rows], None)))
    assert a.share[0] == pytest.approx(b.share[0], rel=1e-12)
    a, b = (pulls(0 * t, 0 * t + 1, t, v) for t, v in ((y, w), (y[rows], None)))
    assert (a.mean[0], a.width[0]) == pytest.approx((b.mean[0], b.width[0]), rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_pulls_of_honest_errors_are_normal_and_their_errors_honest(weighted):
    mean, width = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        spread = 0.5 + rng.random(400)
        w = 0.2 + rng.random(400) ** 3 if weighted else None
        found = pulls(np.ones(400), spread, 1 + spread * rng.normal(size=400), w)
        mean.append(found.mean[0] / found.mean_error[0])
        width.append((found.width[0] - 1) / found.width_error[0])
    for z in (mean, width):
        assert abs(np.mean(z)) < 0.35 and np.std(z) == pytest.approx(1, abs=0.2)


def test_pulls_see_errors_that_are_too_small_in_a_bin():
    rng = np.random.default_rng(0)
    x = rng.random(20_000)
    y = rng.normal(0, np.where(x < 0.5, 1.0, 2.0))
    found = pulls(0 * x, 0 * x + 1, y, None, x, [0, 0.5, 1])
    assert found.width == pytest.approx([1.0, 2.0], rel=0.05)
    assert len(found.z) == 20_000 and [r["events"] for r in found.rows()] == found.events.tolist()


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(ValueError, match="in row 1 they are 2 and 1"):
        coverage([0, 2], [1, 1], [0, 0])
    with pytest.raises(ValueError, match="low must be finite"):
        coverage([np.nan], [1], [0])
    with pytest.raises(ValueError, match="edges came alone"):
        coverage([0], [1], [0], edges=[0, 1])
    with pytest.raises(ValueError, match="values came alone"):
        pulls([0], [1], [0], by=[0.5])
    with pytest.raises(ValueError, match="a spread above 0; 0 stands in row 0"):
        pulls([0], [0], [0])
    with pytest.raises(ValueError, match="weights of 0 or more"):
        coverage([0, 0], [1, 1], [0, 0], [2, -1])
