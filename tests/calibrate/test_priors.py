"""Other class shares: Bayes there and back, training weights moved, shares that are found again."""

import numpy as np
import pytest

from baksan import Prediction, Samples
from baksan.calibrate import calibrate, prior_effects, shares, shifted
from baksan.metrics import roc

NAMES = ("background", "signal")


def gaussians(n, share, seed=0, apart=2.0):
    """Scores that are the exact log odds at 50:50, probabilities there, classes."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < share).astype(int)
    x = rng.normal(apart * y, 1.0)
    s = apart * x - apart**2 / 2
    p = 1 / (1 + np.exp(-s))
    return Prediction(score=s, probability=np.column_stack([1 - p, p])), y


def three(n, mix, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.choice(3, n, p=mix)
    x = rng.normal([0.0, 1.5, 3.0], 1.0, (n, 3))[np.arange(n), y]
    density = np.exp(-0.5 * (x[:, None] - [0.0, 1.5, 3.0]) ** 2)
    return density / density.sum(axis=1, keepdims=True), y


def samples(y, weight=None, names=NAMES):
    return Samples(np.zeros((len(y), 1)), y, weight, class_names=names)


def some_probabilities(classes, n=50):
    return np.random.default_rng(0).dirichlet(np.ones(classes), n)


# Bayes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_there_and_back_is_the_identity(classes):
    p = some_probabilities(classes)
    rng = np.random.default_rng(1)
    a, b = rng.dirichlet(np.ones(classes), 2)
    assert shifted(shifted(p, a, b), b, a) == pytest.approx(p, abs=1e-12)
    assert shifted(p, a, a) == pytest.approx(p, abs=1e-15)


def test_two_steps_are_one_and_ratios_are_shares():
    p = some_probabilities(3)
    a, b, c = [1, 1, 1], [5, 2, 1], [1, 10, 100]
    assert shifted(shifted(p, a, b), b, c) == pytest.approx(shifted(p, a, c), abs=1e-12)
    assert np.array_equal(shifted(p, a, np.array(b) / 8), shifted(p, a, b))


def test_log_odds_move_by_the_logarithm_of_the_ratio():
    p = some_probabilities(2)
    after = shifted(p, (1, 1), (1e4, 1))
    moved = np.log(after[:, 1] / after[:, 0]) - np.log(p[:, 1] / p[:, 0])
    assert moved == pytest.approx(-np.log(1e4), abs=1e-9)


@pytest.mark.parametrize("mix", [0.02, 0.9])
def test_shifted_is_the_truth_at_the_new_shares(mix):
    p, y = gaussians(200_000, mix)
    after = shifted(p.probability, (1, 1), (1 - mix, mix))[:, 1]
    for part in np.array_split(np.argsort(after), 8):
        error = np.sqrt(max(after[part].mean() * (1 - after[part].mean()), 1e-6) / len(part))
        assert abs(y[part].mean() - after[part].mean()) < 4 * error + 1e-4


@pytest.mark.parametrize(("how", "within"), [("sigmoid", 0.01), ("isotonic", 1e-9)])
def test_shifted_is_what_moved_training_weights_give(how, within):
    """Exactly so for isotonic: its blocks are the sides of the ROC curve's convex hull, which no
    weight of a class moves (T. Fawcett and A. Niculescu-Mizil, Mach. Learn. 68 (2007) 97).
    """
    p, y = gaussians(20_000, 0.5)
    mix = np.array([0.9, 0.1])
    moved = mix[y] / np.bincount(y)[y]
    after = shifted(calibrate(p, samples(y), how)(p).probability, np.bincount(y), mix)
    direct = calibrate(p, samples(y, moved), how)(p).probability
    assert np.abs(after - direct).max() < within


@pytest.mark.parametrize(
    ("trained", "prior", "said"),
    [
        ((1, 1, 1), (1, 1), "trained must be 2 numbers"),
        ((1, 1), (1, -1), "prior must be 2 numbers of 0 or more"),
        ((1, 1), (0, 0), "prior must be 2 numbers"),
        ((1, 0), (1, 1), "a share above 0"),
        ((1, 1), (1, np.nan), "prior must be finite"),
    ],
)
def test_shares_that_are_none_are_refused(trained, prior, said):
    with pytest.raises(ValueError, match=said):
        shifted([[0.5, 0.5]], trained, prior)


def test_an_event_of_a_class_that_nature_lacks_is_named():
    with pytest.raises(ValueError, match="row 1 is only of classes whose prior is 0"):
        shifted([[0.5, 0.5], [0.0, 1.0]], (1, 1), (1, 0))


# Unknown shares -----------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.97])
def test_shares_of_events_without_answers_are_found(share):
    p, _ = gaussians(100_000, share, seed=4)
    found = shares(p.probability, (1, 1))
    assert abs(found.share[1] - share) < 3.5 * found.error[1]
    assert found.error[1] < 0.01 and found.error[0] == pytest.approx(found.error[1], rel=1e-9)


def test_shares_of_three_classes_are_found_within_their_errors():
    mix = np.array([0.2, 0.5, 0.3])
    pulls = []
    for seed in range(60):
        found = shares(three(2000, mix, seed)[0], (1, 1, 1))
        pulls.append((found.share - mix) / found.error)
    pulls = np.array(pulls)
    assert np.abs(pulls.mean(axis=0)).max() < 4 / np.sqrt(60)
    assert pulls.std(axis=0) == pytest.approx(1, abs=0.35)


def test_found_shares_are_the_mean_of_their_own_probabilities_and_the_likeliest():
    p = three(3000, [0.2, 0.5, 0.3])[0]
    found = shares(p, (2, 1, 1)).share
    assert shifted(p, (2, 1, 1), found).mean(axis=0) == pytest.approx(found, abs=1e-8)

    def likelihood(share):
        return np.log((p / [0.5, 0.25, 0.25]) @ share).sum()

    for move in ([1e-3, -1e-3, 0], [0, 1e-3, -1e-3], [-1e-3, 0, 1e-3]):
        assert likelihood(found + move) < likelihood(found)


def test_weight_two_is_the_event_twice():
    p = three(500, [0.2, 0.5, 0.3])[0]
    times = np.random.default_rng(0).integers(0, 4, 500)
    weighted = shares(p, (1, 1, 1), times).share
    assert weighted == pytest.approx(shares(np.repeat(p, times, axis=0), (1, 1, 1)).share, abs=1e-8)


def test_a_class_that_is_not_there_gets_no_error():
    found = shares([[0.9, 0.1]] * 50, (1, 1))
    assert found.share[1] < 1e-6 and np.isnan(found.error).all()


def test_classes_that_look_alike_stay_at_equal_shares_without_error():
    found = shares([[0.5, 0.5]] * 50, (1, 1))
    assert found.share.tolist() == [0.5, 0.5] and np.isnan(found.error).all()


# Cuts ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def effects():
    p, y = gaussians(40_000, 0.5)
    return p, y, prior_effects(p, samples(y))


def row(effects, prior, at):
    (found,) = (r for r in effects.rows if (r["prior"], r["at"]) == (prior, at))
    return found


def test_a_cut_has_the_same_efficiencies_at_all_priors(effects):
    found = effects[2]
    for at in ("q", "background 1 %", "signal 50 %"):
        a, b = (row(found, prior, at) for prior in ("50:50", "1:10⁴"))
        alike = ("cut", "signal_efficiency", "background_efficiency", "q", "background_left")
        assert [a[k] for k in alike] == [b[k] for k in alike]
        assert b["purity"] < a["purity"]


def test_efficiencies_and_purities_are_those_of_counted_events(effects):
    p, y, found = effects
    for prior, ratio in (("50:50", 1), ("1:10⁴", 1e4)):
        for r in (r for r in found.rows if r["prior"] == prior and r["cut"] is not None):
            passed = p.score >= r["cut"]
            s, b = passed[y == 1].mean(), passed[y == 0].mean()
            assert (r["signal_efficiency"], r["background_efficiency"]) == pytest.approx((s, b))
            assert r["purity"] == pytest.approx(s / (s + ratio * b))
            assert r["accuracy"] == pytest.approx((s + ratio * (1 - b)) / (1 + ratio))
            assert r["background_left"] == passed[y == 0].sum()


def test_the_most_accurate_cut_is_at_even_odds(effects):
    """P(signal) = ½ at the new shares is a log odds of ln(π_b/π_s) at 50:50."""
    p, y, _ = effects
    mixed = prior_effects(p, samples(y), {"50:50": (1, 1), "1:3": (3, 1)})
    assert row(mixed, "50:50", "accuracy")["cut"] == pytest.approx(0, abs=0.3)
    assert row(mixed, "1:3", "accuracy")["cut"] == pytest.approx(np.log(3), abs=0.3)


def test_best_cuts_are_the_best_of_all(effects):
    p, y, found = effects
    curve = roc(p.score, y)
    s, b = curve.signal[1:], 1e4 * curve.background[1:]
    enough = curve.background_left[1:] >= 25
    best = row(found, "1:10⁴", "significance")
    most = (s / np.sqrt(s + b))[enough].max()
    reached = best["signal_efficiency"] / np.sqrt(
        best["signal_efficiency"] + 1e4 * best["background_efficiency"]
    )
    assert reached == pytest.approx(most)
    assert best["background_left"] >= 25


def test_one_signal_in_ten_thousand_is_best_called_background(effects):
    best = row(effects[2], "1:10⁴", "accuracy")
    assert best["background_efficiency"] < 1e-4 and best["accuracy"] >= 1e4 / 10_001


def test_the_sentence_says_what_becomes_of_the_purity(effects):
    said = effects[2].sentence
    assert said.startswith("A cut has the same efficiencies and the same Q at all priors")
    best, there = (row(effects[2], prior, "significance") for prior in ("50:50", "1:10⁴"))
    s, b = best["signal_efficiency"], best["background_efficiency"]
    after = s / (s + 1e4 * b)
    assert f"a purity of {100 * best['purity']:.3g} %, but of {100 * after:.3g} %" in said
    assert said.endswith(f"a purity of {100 * there['purity']:.3g} %.")


def test_one_prior_has_a_sentence_of_its_own(effects):
    p, y, _ = effects
    assert "there" not in prior_effects(p, samples(y), {"1:3": (3, 1)}).sentence


def test_rows_follow_the_weights_within_a_class_only():
    p, y = gaussians(4000, 0.5)
    half = np.where(y == 1, 0.001, 3.0)
    a, b = (prior_effects(p, samples(y, w)).rows for w in (None, half))
    for one, other in zip(a, b, strict=True):
        assert one["cut"] == other["cut"]
        assert one["purity"] == pytest.approx(other["purity"])


def test_what_cuts_are_not_made_for_is_refused():
    p, y = gaussians(40, 0.5)
    with pytest.raises(ValueError, match="needs 100 background events"):
        prior_effects(p, samples(y), least=100)
    probability, y = three(50, [0.3, 0.3, 0.4])
    several = Prediction(score=np.log(probability))
    with pytest.raises(ValueError, match="of a signal and a background"):
        prior_effects(several, samples(y, names=("p", "He", "Fe")))
