"""The spaces by name: which settings of which method are worth a search.

What to use when
----------------
`linear`   loss, penalty and its strength; a second at most for each training
`trees`    rate, number and size of the trees, what keeps them from learning by heart
`forest`   how many features a split looks at, how small a leaf may be; slow
`network`  width, depth, rate, decay, batch, activation and more: trials train one network, what is
           found is used in an ensemble of four, as in `train`'s line-up

A new method is one more entry of `SPACES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from baksan import losses
from baksan.losses import L1, L2
from baksan.models.ensemble import Ensemble
from baksan.models.linear import Linear
from baksan.models.network import Network
from baksan.samples import Samples
from baksan.solvers.adaptive import AdamW, Adaptive
from baksan.solvers.analytic import Analytic
from baksan.solvers.descent import GradientDescent
from baksan.solvers.schedules import Cosine
from baksan.train.lineup import METHODS, Method, Ours, Theirs
from baksan.train.methods import Best
from baksan.tune.space import Choice, Real, Settings, Space, Whole

__all__ = ["SPACES", "space_of"]


def space_of(method: str | Space, X: Samples) -> Space:
    """The space of this name for these events; a Space is taken as it is.

    Raises KeyError for an unknown name, TypeError for what is no space.
    """
    if isinstance(method, Space):
        return method
    if not isinstance(method, str):
        raise TypeError(
            f"a search needs the name of a method ({', '.join(SPACES)}) or a Space; {method!r}"
            " came."
        )
    if method not in SPACES:
        raise KeyError(
            f"no settings of {method!r} are known that a search could choose; there are"
            f" {', '.join(SPACES)}. Name one of them, or give a Space in Python."
        )
    return SPACES[method](X)


def _filling(method: Method, X: Samples) -> Method:
    return method.filling_in() if X.missing else method


def _linear(X: Samples) -> Space:
    """Losses that a straight line can minimise, and the penalty that shrinks it."""
    if X.task == "regression":
        usual = losses.squared
        known = {"squared": usual, "huber": losses.huber(float(np.std(X.answers)) or 1.0)}
    else:
        usual = losses.logistic if len(X.class_names) == 2 else losses.softmax
        known = {usual.name: usual, "squared_margin": losses.squared_margin}

    def build(chosen: Settings) -> Method:
        loss, strength = known[str(chosen["loss"])], float(chosen["strength"])
        ridge = chosen["penalty"] == "L2"
        exact = ridge and loss in (losses.squared, losses.squared_margin)
        descent = GradientDescent(momentum=0.95, nesterov=True, steps=1_000)
        return _filling(
            Ours(
                "linear", "Linear", "the linear model", Linear(), loss,
                Analytic() if exact else descent, (L2 if ridge else L1)(strength),
            ),
            X,
        )  # fmt: skip

    return Space(
        "linear", "Linear",
        {
            "loss": Choice(tuple(known)), "penalty": Choice(("L2", "L1")),
            "strength": Real(1e-6, 1.0, log=True),
        },
        {"loss": usual.name, "penalty": "L2", "strength": 1e-6},
        build,
    )  # fmt: skip


def _trees(X: Samples) -> Space:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if X.class_names else HistGradientBoostingRegressor
    about = "scikit-learn's HistGradientBoosting"
    title = "Gradient-boosted trees"
    return Space(
        "trees", title,
        {
            "learning_rate": Real(0.01, 0.5, log=True), "max_iter": Whole(50, 500, log=True),
            "max_leaf_nodes": Whole(4, 127, log=True), "min_samples_leaf": Whole(5, 200, log=True),
            "l2_regularization": Real(1e-6, 10.0, log=True), "max_features": Real(0.3, 1.0),
        },
        {
            "learning_rate": 0.1, "max_iter": 100, "max_leaf_nodes": 31, "min_samples_leaf": 20,
            "l2_regularization": 1e-6, "max_features": 1.0,
        },
        lambda chosen: _filling(Theirs("trees", kind(**chosen), title, about), X),
    )  # fmt: skip


def _forest(X: Samples) -> Space:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kind: Any = RandomForestClassifier if X.class_names else RandomForestRegressor
    about = "scikit-learn's random forest of 300 trees, on standardised features"
    few = len(X.features) ** -0.5 if X.class_names else 1.0

    def build(chosen: Settings) -> Method:
        forest = make_pipeline(StandardScaler(), kind(n_estimators=300, **chosen))
        return _filling(Theirs("forest", forest, "Random forest", about), X)

    return Space(
        "forest", "Random forest",
        {"max_features": Real(min(0.1, few), 1.0), "min_samples_leaf": Whole(1, 50, log=True)},
        {"max_features": few, "min_samples_leaf": 1},
        build,
    )  # fmt: skip


def _network(X: Samples) -> Space:
    usual = METHODS["network"](X)[0]  # loss, epochs and batch by the task and the number of events
    assert isinstance(usual, Best)
    (_, _, held), free, loss = usual.others[0], usual.solver, usual.loss
    assert isinstance(held, Adaptive) and isinstance(free, Adaptive)
    batch = held.batch or 256

    def build(chosen: Settings) -> Ours:
        bent = chosen["normalise"]
        network = Network(
            (int(chosen["width"]),) * int(chosen["depth"]),
            activation=str(chosen["activation"]),
            normalise=None if bent == "none" else bent,  # type: ignore[arg-type]
            dropout=float(chosen["dropout"]),
            inputs=chosen["inputs"],  # type: ignore[arg-type]
        )
        solver = AdamW(
            Cosine(float(chosen["rate"])), batch=int(chosen["batch"]),
            epochs=(held if bent == "batch" else free).epochs, decay=float(chosen["decay"]),
        )  # fmt: skip
        return Ours("network", "Network", "a feed-forward network", network, loss, solver)

    def four(chosen: Settings) -> Method:
        one = build(chosen)
        assert isinstance(one.model, Network)
        about = "the mean of four feed-forward networks"
        return _filling(
            replace(one, title=usual.title, description=about, model=Ensemble(one.model)), X
        )

    return Space(
        "network", "Networks",
        {
            "depth": Whole(1, 4), "width": Whole(16, 256, log=True),
            "rate": Real(1e-4, 0.03, log=True), "decay": Real(1e-4, 1.0, log=True),
            "batch": Whole(16, 1024, log=True),
            "activation": Choice(("relu", "gelu", "silu", "tanh")),
            "normalise": Choice(("none", "layer", "batch")), "dropout": Real(0.0, 0.5),
            "inputs": Choice(("quantile", "standard")),
        },
        {
            "depth": 2, "width": 128, "rate": 0.01, "decay": 0.04, "batch": batch,
            "activation": "relu", "normalise": "batch", "dropout": 0.25, "inputs": "quantile",
        },
        lambda chosen: _filling(build(chosen), X), four, _filling(usual, X),
    )  # fmt: skip


SPACES: dict[str, Callable[[Samples], Space]] = {
    "linear": _linear,
    "trees": _trees,
    "forest": _forest,
    "network": _network,
}
"""Spaces by name, each a function of the events."""
