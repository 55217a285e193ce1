"""Learning curves: is more simulation worth it?

    figure(n) ≈ a + b n^(−c)

The figure of merit on held-back events against the number of training events, with the power law
that learning follows in practice (T. Viering and M. Loog, IEEE Trans. Pattern Anal. 45 (2023)
7799), and what twice the events would bring.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from baksan import compiled
from baksan.evaluate import plus_minus
from baksan.metrics import METRICS
from baksan.samples import Samples
from baksan.train.division import Division
from baksan.train.lineup import Method, line_up
from baksan.tune.objective import figure, fitted, objective_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]

__all__ = ["Curve", "Law", "LearningCurve", "learning_curve"]

_SHARES = tuple(2.0**-k for k in (5, 4, 3, 2, 1, 0))
_LEAST = 20  # training events below which no default size goes
_SLOWEST, _FASTEST = 0.05, 3.0  # exponents c that are looked at


@dataclass(frozen=True)
class Law:
    """a + b n^(−c), fitted to a learning curve: `limit` a is what endless events would bring."""

    limit: float
    size: float
    exponent: float

    def __call__(self, n: Any) -> Any:
        """The figure that n training events are expected to bring."""
        return self.limit + self.size * np.asarray(n, dtype=float) ** -self.exponent

    @classmethod
    def of(cls, n: Array, value: Array) -> Law:
        """The law nearest to the values in the mean square, each weighted with its n.

        The scatter of a training falls like 1/√n, hence the weights. For each c the best a and b
        follow from a line; c is searched for.
        """
        from scipy.optimize import minimize_scalar

        def line(c: float) -> tuple[float, float, float]:
            z = n**-c
            middle, mean = np.average(z, weights=n), np.average(value, weights=n)
            b = np.sum(n * (z - middle) * (value - mean)) / np.sum(n * (z - middle) ** 2)
            a = mean - b * middle
            return a, b, float(np.sum(n * (a + b * z - value) ** 2))

        grid = np.geomspace(_SLOWEST, _FASTEST, 60)
        k = int(np.argmin([line(c)[2] for c in grid]))
        ends = grid[max(k - 1, 0)], grid[min(k + 1, len(grid) - 1)]
        c = float(minimize_scalar(lambda c: line(c)[2], bounds=ends, method="bounded").x)
        a, b, _ = line(c)
        return cls(float(a), float(b), c)


@dataclass(frozen=True, eq=False)
class Curve:
    """One method's figures: `train` and `test` (folds, sizes), NaN where one does not exist."""

    n: Array
    train: Array
    test: Array

    def mean(self, which: str = "test") -> Array:
        """The mean over folds, (sizes,)."""
        return np.asarray(getattr(self, which).mean(axis=0))

    def error(self, which: str = "test") -> Array:
        """Its standard error from the spread of the folds, (sizes,)."""
        values = getattr(self, which)
        return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)))

    @property
    def law(self) -> Law | None:
        """The power law of the test events; None for fewer than four sizes, or a figure missing."""
        if len(self.n) < 4 or not np.isfinite(self.test).all():
            return None
        return Law.of(self.n, self.mean())

    def gain(self, times: float = 2.0) -> tuple[float, float] | None:
        """What `times` as many training events would change, and its error; None without a law.

        The error has two parts: the jackknife's, of fits without each fold in turn, and, from five
        sizes on, by how much the answer changes when the smallest size is left out: no curve
        follows the law for ever.
        """
        if self.law is None:
            return None
        k = len(self.test)
        gain = self._gain(self.mean(), times)
        left = np.array(
            [self._gain(np.delete(self.test, j, axis=0).mean(axis=0), times) for j in range(k)]
        )
        scatter = np.sqrt((k - 1) / k * np.sum((left - left.mean()) ** 2))
        bent = self._gain(self.mean(), times, first=1) - gain if len(self.n) > 4 else 0.0
        return gain, float(np.hypot(scatter, bent))

    def _gain(self, value: Array, times: float, first: int = 0) -> float:
        law, most = Law.of(self.n[first:], value[first:]), self.n[-1]
        return float(law(times * most) - law(most))


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """The curves of several methods on the same folds."""

    metric: str
    unit: str
    curves: dict[str, Curve]

    def __repr__(self) -> str:
        sizes = next(iter(self.curves.values())).n
        return f"LearningCurve({', '.join(self.curves)}: {sizes[0]:g} … {sizes[-1]:g} events)"

    def rows(self) -> list[dict[str, Any]]:
        """model, events, test, test_error, train, train_error: plain, for a table."""
        return [
            {
                "model": name, "events": int(c.n[j]), "test": float(c.mean()[j]),
                "test_error": float(c.error()[j]), "train": float(c.mean("train")[j]),
                "train_error": float(c.error("train")[j]),
            }
            for name, c in self.curves.items()
            for j in range(len(c.n))
        ]  # fmt: skip

    def text(self) -> str:
        """The rows for a terminal."""
        metric = METRICS[self.metric]
        unit = f" [{self.unit}]" if self.unit else ""
        title = f"{metric.title}{unit}"
        head = ["", "training events", f"{title}, test", f"{title}, training"]
        table = [head] + [
            [
                row["model"], f"{row['events']:,}",
                *(
                    plus_minus(v, v - row[f"{part}_error"], v + row[f"{part}_error"])
                    for part, v in (("test", row["test"]), ("train", row["train"]))
                ),
            ]
            for row in self.rows()
        ]  # fmt: skip
        widths = [max(len(line[j]) for line in table) for j in range(len(head))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in table
        )

    def sentence(self, name: str) -> str:
        """What twice the training events would bring this method."""
        metric, curve = METRICS[self.metric], self.curves[name]
        unit = f" {self.unit}" if self.unit else ""
        reached = (
            f"{name}: {metric.title} {curve.mean()[-1]:.4g}{unit} with {curve.n[-1]:,.0f} training"
            " events;"
        )
        gain = curve.gain()
        if gain is None:
            return f"{reached} what more would bring is not known from fewer than four sizes."
        change, error = gain
        # Below two standard errors nothing is promised.
        doubt = ", which cannot be told from nothing" if abs(change) < 2 * error else ""
        size = plus_minus(change, change - error, change + error)
        told = f"{'+' if change > 0 else ''}{size}{unit}"
        return f"{reached} twice as many would change it by {told}{doubt}."

    def plot(self, narrow: bool = False) -> Figure:
        """Test and training figures against the number of training events, with the laws."""
        from baksan.report.plots.tuning import learning

        return learning(
            {
                name: {
                    "n": c.n, "test": c.mean(), "test_error": c.error(), "train": c.mean("train"),
                    "train_error": c.error("train"), "law": c.law, "gain": c.gain(),
                }
                for name, c in self.curves.items()
            },
            METRICS[self.metric].title, self.unit, narrow=narrow,
        )  # fmt: skip


def learning_curve(
    X: Samples,
    methods: str | Sequence[Any] = ("linear-analytic", "trees"),
    *,
    sizes: Sequence[int] | None = None,
    folds: int = 5,
    objective: str | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Callable[[str, float], object] | None = None,
) -> LearningCurve:
    """Train each method on more and more events of each fold, and look at the fold's test events.

    Parameters
    ----------
    X : Samples
        With answers; groups stay whole, and classes keep their shares.
    methods : sequence of names or Methods
        As in `train`.
    sizes : sequence of int, optional
        Numbers of training events; None is those of a fold and five times half of it.
    folds : int
        At least 2; their spread gives the errors.
    objective : str, optional
        The figure of merit; None is AUC or RMSE.
    seed, threads, progress
        As in `train`.

    Raises
    ------
    ValueError
        Sizes that no fold has, or that leave a class without events; what `train` refuses.

    Examples
    --------
    >>> import baksan as bk
    >>> from baksan.simulate import telescope
    >>> X = telescope.events(600, seed=1).samples(answer="class", signal="gamma", id="event")
    >>> found = bk.learning_curve(X, ["linear-analytic"], folds=3, threads=1)
    >>> [row["events"] for row in found.rows()]
    [25, 50, 100, 200, 400]
    """
    from threadpoolctl import threadpool_limits

    if not isinstance(X, Samples):
        raise TypeError(
            f"a learning curve needs Samples, events in memory; {type(X).__name__} came. Of a"
            " Stream, take its sample."
        )
    name, chosen = objective_name(objective, X), line_up(methods, X)
    division = Division(X, X, X.fold_numbers(folds, seed=seed))
    division.check()
    for method in chosen:
        method.check(X)
    fewest = int(min((division.fold != j).sum() for j in range(folds)))
    wanted = _sizes(sizes, fewest)
    threads = threads or compiled.cores()
    values = np.empty((len(chosen), 2, folds, len(wanted)))
    counts = np.empty((folds, len(wanted)))
    with threadpool_limits({"openmp": threads, "blas": 1}), compiled.threads(threads):
        for done, (j, s) in enumerate(np.ndindex(folds, len(wanted))):
            some = _some(division.training(j), wanted[s], seed)  # type: ignore[arg-type]
            counts[j, s] = len(some)
            for k, method in enumerate(chosen):
                if progress is not None:
                    text = f"fold {j + 1}, {method.name}, {len(some):,} events"
                    progress(text, (done + k / len(chosen)) / counts.size)
                values[k, :, j, s] = _figures(name, method, some, division.tested(j), seed, threads)
    unit = X.answer.unit if X.answer and METRICS[name].of_answer else ""
    n = counts.mean(axis=0)
    curves = {m.name: Curve(n, *values[k]) for k, m in enumerate(chosen)}
    return LearningCurve(name, unit, curves)


def _figures(
    name: str, method: Method, X: Samples, test: Samples, seed: int, threads: int
) -> tuple[float, float]:
    """The figure on the training events and on the test events."""
    found = fitted(method, X, seed, threads)
    return figure(name, found.predict(X.x), X), figure(name, found.predict(test.x), test)


def _sizes(asked: Sequence[int] | None, fewest: int) -> list[int]:
    if asked is None:
        sizes = [round(share * fewest) for share in _SHARES]
        return [size for size in sizes if size >= _LEAST] or [fewest]
    wanted = sorted(set(asked))
    if not wanted or wanted[0] < 2 or wanted[-1] > fewest:
        raise ValueError(
            f"sizes of a learning curve lie between 2 and {fewest:,}, the training events of a"
            f" fold; {', '.join(map(str, wanted)) or 'none'} were asked for. Take others, or more"
            " folds."
        )
    return wanted


def _some(X: Samples, n: int, seed: int) -> Samples:
    """About n of the events, groups whole. Raises ValueError where a class is lost."""
    if n >= len(X):
        return X
    some = X.split(n / len(X), seed=seed)[0]
    if lost := [name for name, count in some.class_counts.items() if not count]:
        raise ValueError(
            f"each class must occur among the training events; {n} of them hold no {lost[0]!r}."
            " Begin with a larger size."
        )
    return some
