"""Methods whose figure of merit is known beforehand, and that remember what they were shown."""

import numpy as np

from baksan.metrics import Prediction
from baksan.samples import Samples
from baksan.train.lineup import Fitted, Method
from baksan.tune import Real, Space


def numbers(n=60, *, seed=0, group=None):
    """Events whose answer is their only feature."""
    x = np.random.default_rng(seed).normal(size=(n, 1))
    return Samples(x, x[:, 0], group=group, id=np.arange(n))


class Off(Method):
    """Predicts the answer, off by so much: its RMSE is |off|, its bias off."""

    name, title, description, settings, kind = "off", "Off", "is off", "off", "off"

    def __init__(self, off, seen=None):
        self.off, self.seen = off, [] if seen is None else seen

    def train(self, X, *, seed, threads, validation=None, **more):
        self.seen.append(("train", X.x[:, 0]))

        def predict(x):
            self.seen.append(("predict", x[:, 0]))
            return Prediction(value=x[:, 0] + self.off)

        return Fitted(self, predict, "trained.")


def valley(seen=None, *, centre=(1.5, 0.02), fails=None, stops_at=None):
    """A space with two settings; the RMSE is the distance from the centre."""
    tried = []

    def off(chosen):
        a, b = chosen["a"] - centre[0], np.log10(chosen["b"] / centre[1])
        return Off(float(np.hypot(a, b)), seen)

    def trial(chosen):
        tried.append(chosen)
        if fails is not None and fails(chosen):
            raise ValueError("these settings  will not\ndo.")
        if stops_at is not None and len(tried) > stops_at:
            raise KeyboardInterrupt
        return off(chosen)

    return Space(
        "valley", "Valley", {"a": Real(-5.0, 5.0), "b": Real(1e-4, 1.0, log=True)},
        {"a": 0.0, "b": 0.1}, trial, off,
    )  # fmt: skip


def told(search):
    """The trials without their times."""
    return [{k: v for k, v in t.to_dict().items() if k != "seconds"} for t in search.trials]
