"""The linear model as scikit-learn estimators, of numbers and of classes."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from baksan.estimators.stepwise import Rate, Stepwise, StepwiseClassifier, StepwiseRegressor
from baksan.losses import L1, Loss
from baksan.models.base import Model
from baksan.models.linear import Linear
from baksan.samples import Samples
from baksan.solvers.analytic import Analytic
from baksan.solvers.base import Penalty, Solver, State
from baksan.solvers.descent import Descent

Array = NDArray[Any]

__all__ = ["LinearClassifier", "LinearRegressor"]

_BATCH = 64


# Settings -----------------------------------------------------------------------------------------


class _Linear(Stepwise):
    """What the linear estimators share: settings and coefficients."""

    kind = Linear
    takes: ClassVar = {
        "analytic": (),
        "gd": ("rate", "epochs"),
        "sgd": ("rate", "epochs"),
        "minibatch": ("rate", "batch", "epochs"),
    }

    def __init__(
        self,
        solver: str | Solver = "analytic",
        loss: str | Loss = "squared",
        *,
        penalty: Penalty | None = None,
        rate: Rate = "auto",
        batch: int = _BATCH,
        epochs: int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.solver = solver
        self.loss = loss
        self.penalty = penalty
        self.rate = rate
        self.batch = batch
        self.epochs = epochs
        self.random_state = random_state

    @property
    def _model(self) -> Model:
        return Linear()

    def _solver(self, X: Samples) -> Solver:
        """The solver of this name, set as for the methods linear-analytic … of `train`."""
        if isinstance(self.solver, Solver):
            return self.solver
        if self.solver == "analytic":
            return Analytic()
        if self.solver != "gd":
            size = 1 if self.solver == "sgd" else self.batch
            epochs = self.epochs or int(np.clip(round(2e6 / len(X)), 20, 300))
            return Descent(self.rate, batch=size, epochs=epochs, average=True)
        steps = self.epochs or 3_000
        if self._loss.bend == 0.0:  # no slope falls to zero, so that there is nothing to wait for
            return Descent(self.rate, steps=steps, average=True)
        still, flat = 1e-7 * _size(X), not isinstance(self.penalty, L1)
        # At the minimum the pull of L1 balances a slope that does not fall: steps do.
        return Descent(
            self.rate, steps=steps, momentum=0.95, nesterov=True,
            gradient_tolerance=still if flat else 0.0, tolerance=0.0 if flat else 1e-3 * still,
        )  # fmt: skip

    def _keep(self, model: Model, state: State) -> None:
        assert isinstance(model, Linear)
        super()._keep(model, state)
        self._tell(np.atleast_2d(model.weights), np.atleast_1d(model.intercept))

    def _tell(self, weights: Array, intercept: Array) -> None:
        """Sets coef_ and intercept_ from (k, d) and (k,)."""
        raise NotImplementedError


def _size(X: Samples) -> float:
    """The standard deviation of the answers, 1 for classes: what a gradient is compared with."""
    if X.class_names:
        return 1.0
    mean = np.average(X.answers, axis=0, weights=X.w)
    spread = np.average((X.answers - mean) ** 2, axis=0, weights=X.w).mean()
    return math.sqrt(max(spread, 0.0)) or 1.0  # weights of either sign may make it negative


# The estimators -----------------------------------------------------------------------------------


class LinearRegressor(StepwiseRegressor, _Linear):
    """A linear model of numbers: a(x) = w_0 + ⟨w, x⟩ = argmin Q(a, X) + penalty.

    Parameters
    ----------
    solver : 'analytic', 'gd', 'sgd', 'minibatch', or a Solver
        The names are those of the methods linear-analytic … of `train`, with their settings: the
        exact answer of least squares; gradient descent with Nesterov's momentum 0.95 (plain and
        averaged where the loss is piecewise linear); descent on single events, and on `batch` of
        them, the iterates averaged. For other settings give the solver:
        `solver=bk.GradientDescent(rate=0.1, steps=100)`.
    loss : 'squared', 'absolute', 'huber', 'quantile', 'gaussian'; of several answers as one thing
        'distance', 'von_mises_fisher'; or a Loss
        Such as `bk.losses.quantile(0.9)`; 'huber' has δ = 1, and 'quantile' is the median.
    penalty : L1, L2 or None
        λ Σ|w_j| or λ|w|²/2 on the weights of standardised features, the intercept free. L2(λ) of
        the squared loss is scikit-learn's `Ridge(alpha=λ Σw_i / 2)`, and L1(λ) its
        `Lasso(alpha=λ / 2)`, on features brought to mean 0 and standard deviation 1.
    rate : float, Schedule or 'auto'
        The step's length, for the descents.
    batch : int
        Events a step sees, for 'minibatch'.
    epochs : int, optional
        Passes over the events, for the descents. If left out: at most 3,000 full steps; on batches
        20 to 300, so that about two million events are seen.
    random_state : int, RandomState or None
        The order of events. The default is the same each time, None another one.

    Attributes
    ----------
    coef_, intercept_ : (d,) and float; for k outputs, as of y (n, k), they are (k, d) and (k,)
        w in the units of the columns.
    model_ : Linear
    fit_ : Fit
        `fit_.plot()`, `fit_.errors()`; it holds the training events, and is left out of copies and
        files.
    history_ : dict of arrays
        The columns of `Fit.history`; after `partial_fit` a row for each chunk.
    message_, n_iter_
        Why `fit` stopped; passes over the events, or chunks learned.
    n_features_in_, feature_names_in_

    Raises
    ------
    ValueError
        A name that is not known, a setting that the solver does not have, what `fit` refuses, and
        what scikit-learn refuses in x and y: NaN, infinities, text, wrong shapes.

    Warns
    -----
    ConvergenceWarning
        'gd' did not see the slope of Q fall to 1e-7 of the spread of y (with L1, the steps to 1e-10
        of it), or the run was given up.

    Examples
    --------
    >>> from baksan.estimators import LinearRegressor
    >>> line = LinearRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> line.coef_.round(9).tolist(), round(line.intercept_, 9), line.message_
    ([2.0], 1.0, 'solved exactly in one step.')
    """

    def _tell(self, weights: Array, intercept: Array) -> None:
        one = self._flat and len(weights) == 1
        self.coef_ = weights[0] if one else weights
        self.intercept_ = float(intercept[0]) if one else intercept


class LinearClassifier(StepwiseClassifier, _Linear):
    """A linear model of classes: the sign of a(x) = w_0 + ⟨w, x⟩ = argmin Q(a, X) + penalty.

    Of two classes `classes_[1]` is the signal, t = +1. Several are learned one against the rest and
    the largest score wins; 'softmax' looks at all of them at once.

    Parameters
    ----------
    solver, penalty, rate, batch, epochs, random_state
        As in `LinearRegressor`; 'analytic' solves loss='squared_margin'. On features brought to
        mean 0 and standard deviation 1, L2(λ) of the logistic loss for two classes, and of softmax
        for more, is scikit-learn's `LogisticRegression(C=1 / (λ Σw_i))`, and no penalty its C=inf.
    loss : 'logistic', 'softmax', 'squared_margin', 'hinge', 'squared_hinge', … or a Loss
        See `baksan.losses`.

    Attributes
    ----------
    classes_ : (K,)
    coef_, intercept_ : (1, d) and (1,) for two classes, else (K, d) and (K,)
        w in the units of the columns; of softmax with two classes the difference of its outputs.
    model_, fit_, history_, message_, n_iter_, n_features_in_, feature_names_in_
        As in `LinearRegressor`.

    Raises
    ------
    ValueError
        As `LinearRegressor`, and for a single class.

    Warns
    -----
    ConvergenceWarning
        'gd' did not see the slope of Q fall to 1e-7, as where a line parts the classes without a
        mistake and the weights of a logistic loss grow for ever; or the run was given up.

    Examples
    --------
    >>> from baksan.estimators import LinearClassifier
    >>> x, y = [[0.0], [1.0], [2.0], [3.0]], ["gamma", "hadron", "gamma", "hadron"]
    >>> line = LinearClassifier().fit(x, y)
    >>> line.predict([[0.0]]).tolist(), line.predict_proba([[1.5]]).round(6).tolist()
    (['gamma'], [[0.5, 0.5]])
    """

    def __init__(
        self,
        solver: str | Solver = "gd",
        loss: str | Loss = "logistic",
        *,
        penalty: Penalty | None = None,
        rate: Rate = "auto",
        batch: int = _BATCH,
        epochs: int | None = None,
        random_state: Any = 0,
    ) -> None:
        super().__init__(
            solver, loss, penalty=penalty, rate=rate, batch=batch, epochs=epochs,
            random_state=random_state,
        )  # fmt: skip

    def _tell(self, weights: Array, intercept: Array) -> None:
        if len(self.classes_) == 2 and len(weights) == 2:
            weights, intercept = np.diff(weights, axis=0), np.diff(intercept)
        self.coef_, self.intercept_ = weights, intercept
