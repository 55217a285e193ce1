"""What a classifier does to each class: P(found j | true k), and whether it can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.metrics.checks import answers, numbers, weights

Array = NDArray[Any]

__all__ = ["Response", "as_response", "condition", "numbered", "response"]

_SINGULAR = 1e6


@dataclass(frozen=True, eq=False)
class Response:
    """M_jk = P(found j | true k), (J, K): columns sum to 1; and how many events each rests on.

    `events` (K,) are the effective numbers (Σw)²/Σw² of simulated events of each true class,
    `names` those of the K classes.
    """

    matrix: Array
    events: Array
    names: tuple[str, ...]

    def redrawn(self, rng: np.random.Generator) -> Array:
        """M of another simulation of the same size: the bootstrap of its events, (J, K).

        Resampling the events of a class is drawing its column anew, Multinomial(n_k, M_k)/n_k; with
        weights n_k is the effective number.
        """
        columns = zip(np.maximum(self.events.round(), 1), self.matrix.T, strict=True)
        return np.array([rng.multinomial(int(n), m / m.sum()) / n for n, m in columns]).T


def response(
    truth: ArrayLike, found: ArrayLike, classes: Sequence[str], weight: ArrayLike | None = None
) -> Response:
    """M_jk = Σ w [found j, true k]/Σ w [true k] from simulated events that nobody trained on.

    Parameters
    ----------
    truth, found : (n,)
        Class indices 0 … K − 1.
    classes : K names
        As 'p', 'He', 'Fe'.
    weight : (n,), optional
        0 or more; a spectrum within the bin of energy.

    Raises
    ------
    ValueError
        Indices outside, negative weights, a class without simulated events.

    Examples
    --------
    >>> M = response([0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1], ["p", "Fe"])
    >>> M.matrix.tolist(), M.events.tolist()
    ([[0.75, 0.0], [0.25, 1.0]], [4.0, 2.0])
    """
    K, rows = len(classes), len(np.atleast_1d(np.asarray(truth)))
    t, j = answers(truth, rows, K), answers(found, rows, K)
    w = weights(weight, rows)
    if w.min() < 0:
        raise ValueError(
            f"a response needs weights of 0 or more; {w.min():g} stands in row {int(w.argmin())}."
            " Leave such events out, or merge them."
        )
    sums, squares = np.bincount(t, w, minlength=K), np.bincount(t, w**2, minlength=K)
    if not sums.all():
        raise ValueError(
            f"a response needs simulated events of every class; there are none of"
            f" {classes[int(sums.argmin())]!r}. Simulate some, or leave the class out."
        )
    table = np.bincount(j * K + t, w, minlength=K * K).reshape(K, K)
    return Response(table / sums, sums**2 / squares, tuple(classes))


def as_response(matrix: Response | ArrayLike) -> Response:
    """A response; plain numbers are checked and count as exact."""
    if isinstance(matrix, Response):
        return matrix
    M = numbers(matrix, "the response").astype(float)
    if M.ndim != 2 or M.shape[1] < 2 or M.min() < 0 or np.abs(M.sum(axis=0) - 1).max() > 1e-6:
        sums = M.sum(axis=0).round(4).tolist() if M.ndim == 2 else "no columns"
        raise ValueError(
            "a response is P(found j | true k) with columns that sum to 1; its shape is"
            f" {M.shape}, its columns sum to {sums}. Divide each column by its sum,"
            " or transpose it."
        )
    return Response(M, np.full(M.shape[1], np.inf), numbered(M.shape[1]))


def numbered(classes: int) -> tuple[str, ...]:
    """Names for classes that have none."""
    return tuple(f"class {k}" for k in range(classes))


def condition(D: Array, names: tuple[str, ...]) -> float:
    """σ_max/σ_min of the columns. Raises ValueError that names the two that look most alike."""
    gram = D.T @ D / len(D)
    values = np.linalg.eigvalsh(gram)
    found = float(np.sqrt(values[-1] / values[0])) if values[0] > 0 else np.inf
    if found <= _SINGULAR:
        return found
    lengths = np.sqrt(np.diag(gram))
    alike = gram / np.outer(lengths, lengths) - 2 * np.eye(len(gram))
    a, b = divmod(int(alike.argmax()), len(gram))
    raise ValueError(
        f"unfolding needs classes that can be told apart; the condition number of the response is"
        f" {found:.3g}, above {_SINGULAR:g}, and {names[a]!r} and {names[b]!r} look most alike."
        " Merge these two, or train on features in which they differ."
    )
