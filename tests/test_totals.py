"""Totals: the figures of all predictions together, found block by block."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from tests.problems import samples_for

from baksan import losses, metrics
from baksan.evaluate.totals import totals
from baksan.metrics import Prediction
from baksan.samples import Samples
from baksan.stream import Stream


def streamed(X):
    return Stream(lambda: (X.rows(slice(k, k + 70)) for k in range(0, len(X), 70)))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("outputs", [1, 3])
def test_classes(outputs, weighted):
    loss = losses.logistic if outputs == 1 else losses.softmax
    X = samples_for(loss, 900, 3, outputs, weighted)

    def a(x):
        return (
            x[:, 0] - x[:, 2] if outputs == 1 else x @ np.array([[1, 0, 0], [0, 1, 0], [1, 0, 1]])
        )

    told = Prediction(**loss.read(a(X.x)))
    found = totals(a, streamed(X), loss)
    np.testing.assert_allclose(
        found.confusion, metrics.confusion(told.label, X.y, max(outputs, 2), X.weight)
    )
    expected = {
        "loss": losses.Q(a, X, loss),
        "accuracy": metrics.accuracy(told.label, X.y, X.weight),
        "brier": metrics.brier(told.probability, X.y, X.weight),
        "log_loss": metrics.log_loss(told.probability, X.y, X.weight),
    }
    if outputs == 1:
        exact = roc_auc_score(X.y, told.score, sample_weight=X.weight)
        assert abs(found.figures.pop("auc") - exact) <= found.figures.pop("auc_error") < 0.01
    assert found.figures == pytest.approx(expected, rel=1e-12) and found.events == 900


@pytest.mark.parametrize("bins", [2, 10, 4096])
def test_the_auc_keeps_its_bound_even_with_a_first_block_unlike_the_rest(bins):
    X = samples_for(losses.logistic, 900)
    X = X.rows(np.argsort(X.x[:, 0])).with_parts(id=None)
    found = totals(lambda x: x[:, 0], streamed(X), losses.logistic, bins=bins).figures
    exact = metrics.auc(X.x[:, 0], X.y)
    assert abs(found["auc"] - exact) <= found["auc_error"] + 1e-15


@pytest.mark.parametrize("weighted", [False, True])
def test_numbers(weighted):
    X = samples_for(losses.squared, 900, weighted=weighted)
    X = X.with_parts(y=X.y + 1e6)
    found = totals(lambda x: 1e6 + x[:, 0], streamed(X), losses.huber(0.5))
    p = 1e6 + X.x[:, 0]
    assert found.figures == pytest.approx(
        {
            "loss": losses.Q(lambda x: 1e6 + x[:, 0], X, losses.huber(0.5)),
            "mean_error": np.average(p - X.y, weights=X.weight),
            "rmse": metrics.rmse(p, X.y, X.weight),
            "mae": metrics.mae(p, X.y, X.weight),
            "r2": metrics.r2(p, X.y, X.weight),
        },
        rel=1e-9,
    )


def test_what_has_no_totals():
    X = samples_for(losses.squared, 20, outputs=2)
    with pytest.raises(ValueError, match="one answer an event; there are 2"):
        totals(lambda x: x[:, :2], X, losses.squared)
    with pytest.raises(ValueError, match="logistic is a loss for classification"):
        totals(lambda x: x[:, 0], X, losses.logistic)
    with pytest.raises(ValueError, match="2 bins or more; there are 1"):
        totals(lambda x: x[:, 0], samples_for(losses.logistic), losses.logistic, bins=1)
    found = totals(lambda x: x[:, 0], samples_for(losses.hinge), losses.hinge).figures
    assert "brier" not in found and "auc" in found
    same = Samples(np.zeros((4, 1)), [0, 1, 1, 0], class_names=("a", "b"))
    assert totals(lambda x: x[:, 0], same, losses.logistic).figures["auc"] == 0.5
