"""Events and trainings that several tests share."""

import numpy as np

from baksan.metrics import Prediction
from baksan.samples import Samples
from baksan.stream import Stream
from baksan.table import Column, Table
from baksan.train.lineup import Fitted, Method

FAST = ["linear-analytic", "linear-gd", "cuts", "trees"]
"""A line-up with a model of each kind."""


def events(n=200, classes=2, *, seed=0, weight=None, group=None, id=None):
    """Two features that tell, one that does not; for classes=0 the answer is a number."""
    random = np.random.default_rng([seed, n, classes])
    x = random.normal(size=(n, 3)) * [1.0, 20.0, 3.0] + [0.0, 100.0, 5.0]
    truth = x[:, 0] + (x[:, 1] - 100) / 20 + random.normal(size=n)
    kinds = ("hadron", "gamma", "muon")[:classes]
    y = truth if not classes else np.argsort(np.argsort(truth)) * classes // n
    names = ("width", "length", "noise")
    return Samples(x, y, weight, group, id, features=names, answer="kind", class_names=kinds)


def stream_of(X, rows=37):
    """The same events, read in blocks."""
    return Stream(lambda: (X.rows(slice(a, a + rows)) for a in range(0, len(X), rows)))


def table_of(X):
    """The same events as a file would give them, with units."""
    units = {"width": "mm", "length": "mm", "noise": "deg"}
    return Table(
        {name: Column(np.asarray(v), units.get(name, "")) for name, v in X.to_frame().items()}
    )


def write_csv(path, X, more=None):
    """Features with units, then the answer; `more` columns by name."""
    frame = {f"{name} [mm]": X.x[:, j] for j, name in enumerate(X.names)}
    frame |= {} if X.y is None else {"kind": np.array(X.class_names)[X.y] if X.class_names else X.y}
    frame |= more or {}
    rows = zip(*(values.tolist() for values in frame.values()), strict=True)
    path.write_text("\n".join([",".join(frame), *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


class Spy(Method):
    """Learns nothing, remembers what it was shown, and predicts the first feature."""

    name, title, description = "spy", "Spy", "remembers"
    settings, kind = "none", "spy"

    def __init__(self):
        self.seen = []

    def train(self, X, *, seed, threads, validation=None, **more):
        self.seen.append((X, validation, seed, threads))
        part = "score" if X.class_names else "value"
        return Fitted(self, lambda x: Prediction(**{part: x[:, 0]}), "remembered.")
