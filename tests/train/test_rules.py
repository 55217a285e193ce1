"""A column as a method: what the rules say, beside what was learned."""

import numpy as np
import pytest

from baksan import Samples
from baksan.store import load_model
from baksan.train import train
from baksan.train.lineup import line_up


@pytest.fixture
def X():
    rng = np.random.default_rng(3)
    y = rng.normal(19.0, 0.4, 600)
    x = np.column_stack([rng.normal(size=600), y + rng.normal(0.05, 0.1, 600)])
    return Samples(x, y, features=["noise", "standard"])


def test_the_column_is_the_prediction(X):
    (method,) = line_up(["column:standard"], X)
    fitted = method.train(X, seed=0, threads=1)
    np.testing.assert_allclose(fitted.predict(X.x).value, X.x[:, 1], rtol=1e-15)
    assert "nothing was trained" in fitted.message and "column standard" in method.description


def test_it_is_compared_and_saved_like_any_other(X, tmp_path):
    run = train(
        X, ["column:standard", "linear-analytic"], folds=3, out=tmp_path / "run", report=False
    )
    row = run.evaluation.row("standard", "bias")
    assert row["value"] == pytest.approx(np.median(X.x[:, 1] - X.y), abs=1e-12)
    stored = load_model(tmp_path / "run/models/standard.baksan")
    np.testing.assert_allclose(stored.predict(X.x).value, X.x[:, 1])


def test_a_column_that_is_no_feature_or_no_answer_is_refused(X):
    with pytest.raises(ValueError, match="'energy' among the features; these are noise, standard"):
        line_up(["column:energy"], X)
    classes = Samples(X.x, (X.y > 19).astype(int), class_names=("low", "high"))
    with pytest.raises(ValueError, match="where the answer is a number"):
        line_up(["column:standard"], classes)
