"""The ridge path is the fits it stands for; its score is the textbook's and scikit-learn's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge, RidgeCV
from tests.problems import samples_for

from baksan import L2, Analytic, Linear, Samples, Stream, fit, losses
from baksan.solvers.ridge import ridge_path

RANDOM = np.random.default_rng(3)
N, D = 300, 6
FEATURES = RANDOM.normal(size=(N, D)) @ RANDOM.normal(size=(D, D)) * [1e3, 1, 1, 1, 1, 1e-3] + 5.0
ANSWERS = FEATURES[:, 1] - 0.3 * FEATURES[:, 2] + 3.0 * RANDOM.normal(size=N)
WEIGHTS = RANDOM.uniform(0.1, 4.0, N)
STRENGTHS = np.geomspace(1e-8, 100.0, 11)


def streamed(X, size=70):
    return Stream(lambda: (X.rows(slice(i, i + size)) for i in range(0, len(X), size)))


def kinds():
    y = np.digitize(ANSWERS, np.quantile(ANSWERS, [0.3, 0.7]))
    yield "plain", Samples(FEATURES, ANSWERS), losses.squared
    yield "weighted", Samples(FEATURES, ANSWERS, WEIGHTS), losses.squared
    yield (
        "several",
        Samples(FEATURES, np.column_stack([ANSWERS, FEATURES[:, 0] ** 2])),
        losses.squared,
    )
    two, three = losses.squared_margin, losses.squared_margin
    yield "two classes", Samples(FEATURES, y > 0, WEIGHTS, class_names=("b", "s")), two
    yield "three classes", Samples(FEATURES, y, class_names=("a", "b", "c")), three
    yield "single precision", Samples(FEATURES.astype(np.float32), ANSWERS), losses.squared
    steep = np.column_stack([FEATURES, FEATURES @ np.ones(D) + 1e-6 * RANDOM.normal(size=N)])
    yield "nearly dependent", Samples(steep, ANSWERS, WEIGHTS), losses.squared
    yield (
        "a constant",
        Samples(np.column_stack([FEATURES, np.full(N, 0.1)]), ANSWERS),
        losses.squared,
    )
    yield "wide", Samples(RANDOM.normal(size=(20, 40)), RANDOM.normal(size=20)), losses.squared


@pytest.mark.parametrize("stream", [False, True], ids=["samples", "stream"])
@pytest.mark.parametrize(
    ("name", "X", "loss"), list(kinds()), ids=lambda v: v if isinstance(v, str) else ""
)
def test_each_model_is_that_of_a_fit(name, X, loss, stream):
    path = ridge_path(streamed(X) if stream else X, STRENGTHS, loss)
    assert len(path) == len(STRENGTHS)
    for i, strength in enumerate(STRENGTHS):
        found = fit(Linear(), X, loss, Analytic(), penalty=L2(strength))
        near = 1e-8 if name == "nearly dependent" else 1e-10
        matrix = found.model.matrix
        assert_allclose(path.models[i].matrix, matrix, atol=near * np.abs(matrix).max())
        assert_allclose(path.models[i].scale, found.model.scale, rtol=1e-12)
        assert_allclose(path.loss[i], found.loss, rtol=1e-9, atol=1e-14)
    weights = path.weights[0]
    assert_allclose(weights.reshape(-1, X.x.shape[1]), path.models[0].matrix[:, 1:])


def test_no_strength_is_least_squares_also_of_deficient_rank():
    for x in (FEATURES, np.column_stack([FEATURES, FEATURES[:, :2], np.full(N, 3.0)])):
        X = Samples(x, ANSWERS)
        path, found = ridge_path(X, [0.0]), fit(Linear(), X, losses.squared, Analytic())
        assert_allclose(path.models[0].matrix, found.model.matrix, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["equal", "weighted"])
def test_freedom_is_the_trace_of_the_hat_matrix_and_the_score_that_of_the_textbook(weight):
    path = ridge_path(Samples(FEATURES, ANSWERS, weight), STRENGTHS)
    w = np.ones(N) if weight is None else weight
    z = path.best.design(FEATURES)
    for i, strength in enumerate(STRENGTHS):
        bend = (z.T * w) @ z + strength / 2 * w.sum() * np.diag([0.0, *np.ones(D)])
        root = np.sqrt(w)
        hat = root[:, None] * z @ np.linalg.solve(bend, z.T * root)
        assert_allclose(path.freedom[i], np.trace(hat), rtol=1e-9)
        off = (np.eye(N) - hat) @ (root * ANSWERS)
        textbook = (off @ off / N) / (np.trace(np.eye(N) - hat) / N) ** 2
        assert_allclose(path.score[i], textbook / w.mean(), rtol=1e-9)
    assert path.at == path.score.argmin() and path.strength == STRENGTHS[path.at]
    assert path.best is path.models[path.at]


def test_scikit_learn_finds_the_same():
    """Its α is λ Σw / 2; its score leaves each event out, which the mean leverage stands for."""
    strengths = np.geomspace(1e-4, 10.0, 40)
    path = ridge_path(Samples(FEATURES, ANSWERS), strengths)
    z = path.best.design(FEATURES)[:, 1:]
    alphas = strengths * N / 2
    for i in (0, 20, 39):
        other = Ridge(alpha=alphas[i]).fit(z, ANSWERS)
        assert_allclose(path.weights[i], other.coef_, rtol=1e-9)
    left_out = RidgeCV(alphas, store_cv_results=True).fit(z, ANSWERS)
    scores = left_out.cv_results_.mean(axis=0)
    assert_allclose(path.score, scores, rtol=0.02)
    assert scores[path.at] < scores.min() * 1.002


def test_the_default_strengths_go_from_all_freedom_to_none():
    path = ridge_path(Samples(FEATURES, ANSWERS))
    assert np.all(np.diff(path.strengths) > 0) and np.all(np.diff(path.loss) > 0)
    assert D + 0.99 < path.freedom[0] < D + 1 and 1.0 < path.freedom[-1] < 1.05
    assert 0 < path.at < len(path) - 1
    assert_allclose(path.loss[-1], ANSWERS.var(), rtol=0.02)


def test_the_best_strength_predicts_new_events_nearly_best():
    rng = np.random.default_rng(1)
    x, truth = rng.normal(size=(2_200, 40)), rng.normal(size=40) * 0.2
    y = x @ truth + rng.normal(size=2_200)
    path, test = ridge_path(Samples(x[:200], y[:200])), Samples(x[200:], y[200:])
    held = np.array([losses.Q(a, test, losses.squared) for a in path.models])
    assert held[path.at] < 1.02 * held.min() < 1.02 * held[0]


def test_one_pass_and_a_second_one_only_where_it_is_needed():
    passes = []

    def stream(X):
        return Stream(lambda: (passes.append(1), iter([X]))[1])

    ridge_path(stream(Samples(FEATURES, ANSWERS)), [0.1, 1.0])
    plain = len(passes)
    ridge_path(
        stream(Samples(np.column_stack([FEATURES, FEATURES[:, 0] * (1 + 1e-9)]), ANSWERS)), [1e-9]
    )
    assert plain <= 2 and len(passes) - plain == plain + 1  # the head is a pass too


def test_more_freedom_than_events_has_no_score():
    X = Samples(RANDOM.normal(size=(8, 20)), RANDOM.normal(size=8))
    path = ridge_path(X, [0.0, 1.0])
    assert path.score[0] == np.inf and np.isfinite(path.score[1]) and path.at == 1


def test_the_first_event_need_not_count():
    weight = np.r_[0.0, WEIGHTS[1:]]
    path = ridge_path(Samples(FEATURES, ANSWERS, weight), [0.1])
    other = ridge_path(Samples(FEATURES[1:], ANSWERS[1:], weight[1:]), [0.1])
    assert_allclose(path.weights, other.weights, rtol=1e-10)


def test_sentences():
    X = Samples(FEATURES, ANSWERS)
    with pytest.raises(ValueError, match="a ridge path needs a squared loss.*this is huber"):
        ridge_path(X, loss=losses.huber())
    for wrong in ([], [-1.0], [np.nan], 0.3, [[1.0]]):
        with pytest.raises(ValueError, match="strengths must be a list of numbers from 0"):
            ridge_path(X, wrong)
    with pytest.raises(ValueError, match="is a loss for classification, the answers are for regr"):
        ridge_path(X, loss=losses.squared_margin)
    with pytest.raises(ValueError, match="events of at least two classes"):
        one = samples_for(losses.squared_margin, n=5).take([0, 0, 0])
        ridge_path(one, loss=losses.squared_margin)
    with pytest.raises(ValueError, match="a linear model needs x of shape"):
        ridge_path(Samples(np.ones((4, 2, 2)), np.arange(4.0)))
    with pytest.raises(ValueError, match="needs features, whose weights it shrinks; these events"):
        ridge_path(Samples(np.empty((4, 0)), np.arange(4.0)))
    with pytest.raises(ValueError, match="those of feature 'x1' reach"):
        ridge_path(Samples(FEATURES * [1.0, 1e160, 1.0, 1.0, 1.0, 1.0], ANSWERS))
    with pytest.raises(TypeError, match="a ridge path needs Samples or a Stream.*; int came"):
        ridge_path(3)
