"""The feed-forward network as scikit-learn estimators, of numbers and of classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from baksan import losses
from baksan.estimators.base import Parts
from baksan.estimators.stepwise import Rate, Stepwise, StepwiseClassifier, StepwiseRegressor
from baksan.losses import Loss
from baksan.models.base import Model
from baksan.models.network import Network
from baksan.samples import Samples
from baksan.solvers.adaptive import Adam, AdamW, RMSprop
from baksan.solvers.base import Penalty, Solver
from baksan.solvers.descent import Descent, GradientDescent, MiniBatch, StochasticGradientDescent

Array = NDArray[Any]

__all__ = ["NetworkClassifier", "NetworkRegressor"]

_SOLVERS: dict[str, Callable[..., Descent]] = {
    "adam": Adam, "adamw": AdamW, "rmsprop": RMSprop, "gd": GradientDescent,
    "sgd": StochasticGradientDescent, "minibatch": MiniBatch,
}  # fmt: skip
_EVENTS = 1e6  # about so many events are seen, if nobody says how many epochs
_FULL_STEPS = 1_000


class _Network(Stepwise):
    """What the networks share: settings, and events held back."""

    kind = Network
    takes: ClassVar = {
        name: ("rate", "epochs", "decay", "patience")
        + (() if name in ("gd", "sgd") else ("batch",))
        for name in _SOLVERS
    }

    def __init__(
        self,
        hidden: int | Sequence[int] = (64, 64),
        activation: str = "relu",
        solver: str | Solver = "adam",
        loss: str | Loss | None = None,
        *,
        rate: Rate = "auto",
        batch: int | None = None,
        epochs: int | None = None,
        decay: float | None = None,
        penalty: Penalty | None = None,
        patience: int | None = None,
        held_back: float = 0.1,
        dropout: float = 0.0,
        normalise: Literal["batch", "layer"] | None = None,
        residual: bool = False,
        inputs: Literal["standard", "quantile"] = "standard",
        precision: Literal["float32", "float64"] = "float64",
        random_state: Any = 0,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.solver = solver
        self.loss = loss
        self.rate = rate
        self.batch = batch
        self.epochs = epochs
        self.decay = decay
        self.penalty = penalty
        self.patience = patience
        self.held_back = held_back
        self.dropout = dropout
        self.normalise = normalise
        self.residual = residual
        self.inputs = inputs
        self.precision = precision
        self.random_state = random_state

    @property
    def _model(self) -> Model:
        hidden: Any = self.hidden
        return Network(
            hidden, self.activation, self.residual, self.normalise, self.dropout, self.inputs,
            self.precision,
        )  # fmt: skip

    def _loss_for(self, classes: int) -> Loss:
        if self.loss is not None:
            return super()._loss_for(classes)
        if self.task == "regression":
            return losses.squared
        return losses.softmax if classes > 2 else losses.logistic

    def _solver(self, X: Samples) -> Solver:
        """The solver of this name, with batches and epochs for so many events."""
        if isinstance(self.solver, Solver):
            return self.solver
        given: dict[str, Any] = {"rate": self.rate, "patience": self.patience}
        if self.decay is not None:
            given["decay"] = self.decay
        if self.solver == "gd":
            return _SOLVERS["gd"](**given, steps=self.epochs or _FULL_STEPS)
        if self.solver != "sgd":
            given["batch"] = self.batch or _batch(len(X))
        epochs = self.epochs or int(np.clip(round(_EVENTS / len(X)), 20, 200))
        return _SOLVERS[self.solver](**given, epochs=epochs)

    def _begun(self, X: Samples, parts: Parts, seed: int) -> Model:
        """Of numbers the first chunk tells the scale. What it tells of the classes says nothing of
        those that will come: they start alike.
        """
        new, loss = super()._begun(X, parts, seed).drawn(seed), parts.loss
        if X.class_names:
            return new
        told = (X.answers, new.outputs, X.weight)
        return new.at_constant(loss.best_constant(*told), loss.scale(*told))

    def _held_back(self, X: Samples, solver: Solver, seed: int) -> tuple[Samples, Samples | None]:
        """Every so-manieth event of a random order, class by class, if the solver watches them."""
        if not solver.watches:
            return X, None
        count = round(self.held_back * len(X)) if 0 < self.held_back < 1 else 0
        if not 0 < count < len(X):
            raise ValueError(
                "patience waits on events that are held back, a share between 0 and 1 that leaves"
                f" some of {len(X)} on either side; held_back is {self.held_back}."
            )
        order = np.random.default_rng([seed, 0x68656C64]).permutation(len(X))
        if X.class_names:
            order = order[np.argsort(X.answers[order], kind="stable")]
        held = np.zeros(len(X), dtype=bool)
        held[order[(2 * np.arange(count) + 1) * len(X) // (2 * count)]] = True
        return X.take(~held), X.take(held)


def _batch(events: int) -> int:
    """Batches of 16 to 256 events, a power of 2: some sixty an epoch where that is possible."""
    size = 2 ** round(np.log2(events / 60)) if events > 1 else 1
    return int(min(np.clip(size, 16, 256), events))


# The estimators -----------------------------------------------------------------------------------


class NetworkRegressor(StepwiseRegressor, _Network):
    """A feed-forward network of numbers: layers of neurons, each a bent linear model of the last.

    Parameters
    ----------
    hidden : sequence of int
        Neurons of each hidden layer.
    activation : 'relu', 'leaky_relu', 'elu', 'gelu', 'silu', 'tanh' or 'sigmoid'
    solver : 'adam', 'adamw', 'rmsprop', 'gd', 'sgd', 'minibatch', or a Solver
        Steps on `batch` events; 'sgd' on single ones, 'gd' on all of them. For other settings give
        the solver: `solver=bk.Adam(1e-3, batch=64, clip=1.0)`.
    loss : 'squared', 'absolute', 'huber', 'quantile', 'gaussian'; of several answers as one thing
        'distance', 'von_mises_fisher'; or a Loss
        If left out, 'squared'. 'gaussian' tells a spread for each event, `bk.losses.quantile(0.16,
        0.5, 0.84)` quantiles; both of one answer an event. The costs of several answers are added
        up as they are: bring answers of different sizes to one scale first.
    rate : float, Schedule or 'auto'
        The step's length, in the scale of the answers: 0.001 for 'adam', 'adamw', 'rmsprop', else
        0.05. The steps of a schedule such as Cosine(0.01) are those of the run.
    batch : int, optional
        If left out, 16 to 256: about a sixtieth of the events.
    epochs : int, optional
        Passes over the events. If left out 20 to 200, so that about a million events are seen; for
        'gd' 1,000.
    decay : float, optional
        Weights shrink by rate · decay a step; if left out by 0.01 for 'adamw', else by nothing.
    penalty : L1, L2 or None
        On the weights, biases free.
    patience : int, optional
        Stop when the loss of the events held back has not fallen for so many epochs (for 'gd', rows
        of the history), and keep the best weights. A Solver brings its own.
    held_back : float between 0 and 1
        The share of the events that patience waits on; nothing is held back without patience.
    dropout, normalise, residual, inputs
        As in `baksan.models.network.Network`.
    precision : 'float64' or 'float32'
        'float32' is faster where there are many events; the seventh digit of a prediction then
        hangs on which events are predicted with it.
    random_state : int, RandomState or None
        The first weights, the order of events, which of them are held back, which neurons drop out.
        The default is the same each time, None another one.

    Attributes
    ----------
    model_ : Network
    fit_ : Fit
        `fit_.plot()`; it holds the training events, and is left out of copies and files.
    history_ : dict of arrays
        The columns of `Fit.history`; after `partial_fit` a row for each chunk.
    message_, n_iter_
        Why `fit` stopped; passes over the events, or chunks learned.
    n_features_in_, feature_names_in_

    Raises
    ------
    ValueError
        A name that is not known, a setting that the solver does not have or that stands in a Solver
        already, what `fit` refuses, and what scikit-learn refuses in x and y.

    Warns
    -----
    ConvergenceWarning
        The run was given up: Q left all bounds.

    Examples
    --------
    >>> import numpy as np
    >>> from baksan.estimators import NetworkRegressor
    >>> x = np.linspace(-2, 2, 256)[:, None]
    >>> net = NetworkRegressor((16,), "tanh", rate=0.03, batch=32, epochs=20).fit(x, x[:, 0] ** 2)
    >>> bool(net.score(x, x[:, 0] ** 2) > 0.99)
    True
    """


class NetworkClassifier(StepwiseClassifier, _Network):
    """A feed-forward network of classes, whose outputs are the scores of classes.

    Parameters
    ----------
    loss : 'logistic', 'softmax', 'hinge', … or a Loss, optional
        If left out, 'logistic' for two classes and 'softmax' for more. See `baksan.losses`.
    hidden, activation, solver, rate, batch, epochs, decay, penalty, patience, held_back, dropout, \
normalise, residual, inputs, precision, random_state
        As in `NetworkRegressor`.

    Attributes
    ----------
    classes_ : (K,)
    model_, fit_, history_, message_, n_iter_, n_features_in_, feature_names_in_
        As in `NetworkRegressor`.

    Raises
    ------
    ValueError
        As `NetworkRegressor`, and for a single class.

    Warns
    -----
    ConvergenceWarning
        The run was given up: Q left all bounds.

    Examples
    --------
    >>> import numpy as np
    >>> from baksan.estimators import NetworkClassifier
    >>> x = np.random.default_rng(0).normal(size=(300, 2))
    >>> inside = (x**2).sum(axis=1) < 1.4
    >>> net = NetworkClassifier((16,), rate=0.01, epochs=40).fit(x, inside)
    >>> net.predict([[0.0, 0.0], [2.0, 2.0]]).tolist(), bool(net.score(x, inside) > 0.95)
    ([True, False], True)
    """
