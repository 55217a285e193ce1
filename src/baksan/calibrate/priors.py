"""Trained at 50:50, nature has 1:10⁴: probabilities, shares and cuts under other class shares.

The features of each class must stay what they were, p(x | class); only the shares change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.calibrate.checks import counted, told_classes
from baksan.metrics import LEAST_LEFT, Prediction, roc
from baksan.metrics.checks import numbers, probabilities
from baksan.metrics.classification import Roc
from baksan.samples import Samples

Array = NDArray[Any]

__all__ = ["PriorEffects", "Shares", "prior_effects", "shares", "shifted"]

_MOST_STEPS = 100_000
_PRIORS: Mapping[str, Sequence[float]] = {"50:50": (1.0, 1.0), "1:10⁴": (1e4, 1.0)}


def shifted(probability: ArrayLike, trained: ArrayLike, prior: ArrayLike) -> Array:
    """P'(k|x) = P(k|x) π'_k/π_k / Σ_j P(j|x) π'_j/π_j: Bayes with other class shares.

    M. Saerens, P. Latinne and C. Decaestecker, Neural Comput. 14 (2002) 21, eq. 2.4. Exact, if the
    probabilities are calibrated at the shares that they were trained with.

    Parameters
    ----------
    probability : (n, K)
    trained, prior : (K,)
        The shares π at which the probabilities hold, and π' of nature, in class order (background
        first); as shares or as ratios, since they are divided by their sums.

    Returns
    -------
    (n, K)

    Raises
    ------
    ValueError
        Shares that are not K numbers of 0 or more (above 0 for `trained`), or an event whose only
        class has no share in nature.

    Examples
    --------
    An event that is 99.99 % signal in training is an even bet where signal is one in 10⁴.

    >>> shifted([[0.0001, 0.9999]], trained=(1, 1), prior=(9999, 1)).round(6).tolist()
    [[0.5, 0.5]]
    """
    p = probabilities(probability).astype(float)
    odds = _ratios(prior, p.shape[1], "prior") / _trained(trained, p.shape[1])
    turned = p * odds
    total = turned.sum(axis=1, keepdims=True)
    if not (total > 0).all():
        row = int(np.argmin(total[:, 0]))
        raise ValueError(
            "an event must be of some class that nature has; row"
            f" {row} is only of classes whose prior is 0. Give each class a share above 0."
        )
    return np.asarray(turned / total)


def _ratios(values: ArrayLike, classes: int, what: str) -> Array:
    """Numbers of 0 or more, (K,), divided by their sum. Raises ValueError."""
    given = numbers(values, what).astype(float)
    if given.shape != (classes,) or given.min() < 0 or not given.sum() > 0:
        raise ValueError(
            f"{what} must be {classes} numbers of 0 or more, one for each class; it is"
            f" {given.tolist()}. Give shares or ratios, background first: (1e4, 1)."
        )
    return np.asarray(given / given.sum())


def _trained(values: ArrayLike, classes: int) -> Array:
    found = _ratios(values, classes, "trained")
    if found.min() <= 0:
        raise ValueError(
            f"trained must give each class a share above 0; it is {found.tolist()}."
            " A class that was not trained on cannot be predicted."
        )
    return found


# Shares that are not known ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Shares:
    """Class shares found in events without answers: `share` ± `error`, (K,) each.

    The errors are of the likelihood's curvature, and none where a share ends at 0 (NaN).
    """

    share: Array
    error: Array
    steps: int


def shares(
    probability: ArrayLike,
    trained: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    tolerance: float = 1e-10,
) -> Shares:
    """The class shares of events without answers, by maximum likelihood.

    Repeats π'_k ← ⟨P'(k|x)⟩ with P' of `shifted` at the shares so far: Saerens, Latinne and
    Decaestecker, Neural Comput. 14 (2002) 21, eq. 2.9; it climbs Σ w ln Σ_k P(k|x) π'_k/π_k, which
    has one summit. Wrong where probabilities are not calibrated: calibrate first.

    Parameters
    ----------
    probability : (n, K)
    trained : (K,)
        The shares at which the probabilities hold, as in `shifted`.
    weight : (n,), optional
    tolerance : float
        Ends when no share moves by more in a step.

    Raises
    ------
    ValueError
        As `shifted`; negative weights; no end within 100,000 steps, where classes look alike.

    Examples
    --------
    >>> p = np.repeat([[0.9, 0.1], [0.1, 0.9]], [700, 300], axis=0)
    >>> shares(p, trained=(1, 1)).share.round(3).tolist()
    [0.75, 0.25]
    """
    p = probabilities(probability).astype(float)
    w = counted(weight, len(p))
    ratio = p / _trained(trained, p.shape[1])
    now = np.full(p.shape[1], 1 / p.shape[1])
    for step in range(1, _MOST_STEPS + 1):
        before, now = now, now * (ratio.T @ (w / (ratio @ now))) / w.sum()
        if np.abs(now - before).max() < tolerance:
            return Shares(now, _errors(ratio, now, w), step)
    raise ValueError(
        f"shares must come to rest; after {_MOST_STEPS:,} steps one still moves by"
        f" {np.abs(now - before).max():.1e}. The classes look too much alike; join some, or raise"
        " the tolerance."
    )


def _errors(ratio: Array, share: Array, w: Array) -> Array:
    """Standard errors (K,) of the shares, which sum to 1: the sandwich H⁻¹ G H⁻¹ with w² in G."""
    free = np.eye(len(share))[:, 1:] - np.eye(len(share))[:, :1]
    turn = (ratio / (ratio @ share)[:, None]) @ free
    if share.min() < 1e-6 or np.linalg.matrix_rank(turn) < turn.shape[1]:
        return np.full(len(share), np.nan)
    inverse = np.linalg.inv((turn.T * w) @ turn)
    spread = free @ (inverse @ ((turn.T * w**2) @ turn) @ inverse) @ free.T
    return np.asarray(np.sqrt(np.diag(spread)))


# What it does to cuts -----------------------------------------------------------------------------


class PriorEffects(NamedTuple):
    """Rows of what cuts do at each prior, and the sentence that they come to."""

    rows: list[dict[str, Any]]
    sentence: str


def prior_effects(
    prediction: Prediction,
    X: Samples,
    priors: Mapping[str, Sequence[float]] | None = None,
    *,
    least: int = LEAST_LEFT,
) -> PriorEffects:
    """What other class shares do to efficiency, purity, best cut and Q of two classes.

    Efficiencies are of a class by itself and Q = ε_s/√ε_b is made of them: neither knows the
    shares. What does is the purity π_s ε_s / (π_s ε_s + π_b ε_b), the accuracy π_s ε_s + π_b (1 −
    ε_b), and with them the cut that one should take. Rows, for each prior, at five cuts:

        accuracy        the most accurate
        significance    the largest π_s ε_s / √(π_s ε_s + π_b ε_b), the excess over its noise
        q               the largest ε_s/√ε_b
        background 1 %  the lowest that lets 1 % of the background pass
        signal 50 %     the highest that lets half of the signal pass

    each with `cut` (None: nothing passes), `signal_efficiency`, `background_efficiency`,
    `background_left` (rows), `purity` and `q` (None where nothing passes, or no background),
    `accuracy`. Significance and Q are looked for where `least` rows of background or more are left;
    they are chosen on the events that they are told of, and hence optimistic.

    Parameters
    ----------
    priors : {name: (background, signal)}, optional
        As in `shifted`; 50:50 and one signal among 10⁴ background events if left out.

    Raises
    ------
    ValueError
        Not two classes, negative weights, fewer rows of background than `least`.

    Examples
    --------
    >>> X = Samples([[0.0]] * 100, [0] * 50 + [1] * 50, class_names=("hadron", "gamma"))
    >>> found = prior_effects(Prediction(score=[0.0] * 40 + [1.0] * 60), X, least=1)
    >>> [round(row["purity"], 4) for row in found.rows if row["at"] == "significance"]
    [0.8333, 0.0005]
    """
    y, w = told_classes(prediction, X)
    score = prediction.score
    if score is None or score.ndim != 1:
        raise ValueError(
            "purity and efficiency are of a signal and a background; there are more classes."
            " Give the score of one class, and the rest as background."
        )
    curve = roc(score, y, w)
    if curve.background_left[-1] < least:
        raise ValueError(
            f"the best cut needs {least} background events or more to be left; there are"
            f" {curve.background_left[-1]} in all. Take more events or a lower `least`."
        )
    mixes = {name: _ratios(r, 2, f"prior {name!r}") for name, r in (priors or _PRIORS).items()}
    rows = [
        _row(curve, name, mix, at, index)
        for name, mix in mixes.items()
        for at, index in _cuts(curve, mix, least).items()
    ]
    return PriorEffects(rows, _sentence(rows, mixes))


def _cuts(curve: Roc, mix: Array, least: int) -> dict[str, int]:
    """Which point of the curve each cut is."""
    s, b = mix[1] * curve.signal, mix[0] * curve.background
    passed = np.sqrt(np.where(s + b > 0, s + b, 1.0))
    enough = curve.background_left >= least
    return {
        "accuracy": int((s - b).argmax()),
        "significance": int(np.where(enough, s / passed, -1.0).argmax()),
        "q": int(curve.quality(least).argmax()),
        "background 1 %": int(np.searchsorted(curve.background, 0.01 * (1 + 1e-12), "right")) - 1,
        "signal 50 %": int(np.searchsorted(curve.signal, 0.5 * (1 - 1e-12))),
    }


def _row(curve: Roc, prior: str, mix: Array, at: str, index: int) -> dict[str, Any]:
    point = curve.point(index)
    s, b = float(mix[1] * point.signal), float(mix[0] * point.background)
    return {
        "prior": prior, "at": at, "cut": point.cut if np.isfinite(point.cut) else None,
        "signal_efficiency": point.signal, "background_efficiency": point.background,
        "background_left": point.background_left, "purity": s / (s + b) if s + b else None,
        "accuracy": s + float(mix[0]) - b, "q": point.q if point.background else None,
    }  # fmt: skip


def _sentence(rows: list[dict[str, Any]], mixes: Mapping[str, Array]) -> str:
    """What the best cut at the first prior is worth at the last, and what is best there."""
    names = list(mixes)
    here, there = (
        next(r for r in rows if (r["prior"], r["at"]) == (name, "significance"))
        for name in (names[0], names[-1])
    )
    told = (
        "A cut has the same efficiencies and the same Q at all priors, but not the same purity:"
        f" the most significant cut at {names[0]} {_kept(here)}, a purity of"
        f" {_percent(here['purity'])}"
    )
    if len(names) == 1:
        return f"{told}."
    s, b = mixes[names[-1]][::-1] * (here["signal_efficiency"], here["background_efficiency"])
    return (
        f"{told}, but of {_percent(s / (s + b) if s + b else None)} at {names[-1]}; there the most"
        f" significant cut {_kept(there)}, a purity of {_percent(there['purity'])}."
    )


def _kept(row: Mapping[str, Any]) -> str:
    signal, background = (row[f"{name}_efficiency"] for name in ("signal", "background"))
    return f"keeps {_percent(signal)} of the signal and {_percent(background)} of the background"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.3g} %"
