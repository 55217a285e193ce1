"""Exercises of lesson 1, rules and learning: counting mistakes, and where to count them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.exercises.asked import Asked, close, need, shown
from baksan.exercises.base import Exercise

Array = NDArray[Any]

__all__ = ["EXERCISES"]


def _said(n: int, wrong: int, classes: int = 10, seed: int = 1) -> tuple[Array, Array]:
    """Labels and answers of n events, so many of them wrong."""
    rng = np.random.default_rng(seed)
    answer = rng.integers(0, classes, n)
    label = answer.copy()
    bad = rng.choice(n, wrong, replace=False)
    label[bad] = (answer[bad] + rng.integers(1, classes, wrong)) % classes
    return label, answer


# 01.1 ---------------------------------------------------------------------------------------------


def _counted(f: Asked) -> None:
    for n, wrong in ((10, 3), (200, 17), (7, 0), (5, 5)):
        label, answer = _said(n, wrong)
        found = f.number(label, answer)
        need(
            close(found, 1 - wrong / n),
            f"{n} events of which {wrong} are wrong gave {found:g}; a share lies between 0, all"
            " wrong, and 1, all right.",
        )


def _exchanged(f: Asked) -> None:
    label, answer = _said(100, 40)
    one, other = f.number(label, answer), f.number(answer, label)
    need(close(one, other), f"label and answer exchanged gave {other:g} in place of {one:g}.")


def _renamed(f: Asked) -> None:
    label, answer = _said(60, 20)
    names = np.random.default_rng(2).permutation(10)
    one, other = f.number(label, answer), f.number(names[label], names[answer])
    need(
        close(one, other),
        f"the same events with other numbers for the classes gave {other:g} in place of {one:g};"
        " a class is a name, and how far two numbers are apart means nothing.",
    )


# 01.2 ---------------------------------------------------------------------------------------------


def _table(f: Asked, label: Array, answer: Array, classes: int) -> Array:
    return f.array(
        label, answer, classes,
        shape=(classes, classes), what=f"a table of {classes} rows and {classes} columns",
    )  # fmt: skip


def _all_counted(f: Asked) -> None:
    label, answer = _said(137, 40)
    total = _table(f, label, answer, 10).sum()
    need(close(total, 137), f"137 events gave a table whose sum is {total:g}; count each once.")


def _one_event(f: Asked) -> None:
    found = _table(f, np.array([0]), np.array([2]), 3)
    need(
        found[2, 0] == 1 and found.sum() == 1,
        f"one event of class 2 that was called 0 stands in {np.argwhere(found).tolist()} (row,"
        " column); rows are the truth, columns what was said.",
    )


def _margins(f: Asked) -> None:
    label, answer = _said(90, 30, classes=4)
    found = _table(f, label, answer, 4)
    rows, true = found.sum(axis=1), np.array([np.sum(answer == k) for k in range(4)])
    need(close(rows, true), f"the rows add up to {shown(rows)}; the classes have {shown(true)}.")
    right = np.trace(found)
    need(close(right, 60), f"60 of 90 events are right, and the diagonal adds up to {right:g}.")


# 01.3 ---------------------------------------------------------------------------------------------


def _clouds(n: int, seed: int, d: int = 3) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return rng.normal(size=(n, d)) + 1.5 * np.eye(3, d)[y], y


def _labels(f: Asked, x: Array, seen: Array, answers: Array) -> Array:
    return f.array(x, seen, answers, shape=(len(x),), what=f"one label for each of {len(x)} events")


def _by_heart(f: Asked) -> None:
    seen, answers = _clouds(40, seed=1)
    wrong = np.sum(_labels(f, seen, seen, answers) != answers)
    need(
        wrong == 0,
        f"asked for the 40 events that it has seen, it is wrong for {wrong}: the nearest of the"
        " events seen is the event itself.",
    )


def _halfway(f: Asked) -> None:
    seen = np.array([[0.0, 0.0], [3.0, 3.0], [0.0, 5.0]])
    x = np.array([[0.1, 2.4], [0.1, 2.6], [2.0, 2.1]])
    found = _labels(f, x, seen, np.array([0, 1, 2]))
    need(
        list(found) == [0, 2, 1],
        f"events seen at {seen.tolist()} with the answers 0, 1, 2: those at {x.tolist()} were"
        f" called {shown(found)}; measure the distances on paper.",
    )


def _moved(f: Asked) -> None:
    seen, answers = _clouds(60, seed=2)
    x, _ = _clouds(80, seed=3)
    before = _labels(f, x, seen, answers)
    turn, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))
    changes: dict[str, Callable[[Array], Array]] = {
        "moved by the same vector": lambda a: a + np.array([100.0, -7.0, 3.0]),
        "turned by the same angle": lambda a: a @ turn,
        "drawn a thousand times larger": lambda a: 1000 * a,
    }
    for what, change in changes.items():
        changed = np.sum(_labels(f, change(x), change(seen), answers) != before)
        need(
            changed == 0,
            f"all events {what}: {changed} of 80 labels changed, and no distance has changed its"
            " place among the others.",
        )


def _none_nearer(f: Asked) -> None:
    seen, answers = _clouds(50, seed=5)
    x, _ = _clouds(70, seed=6)
    found = _labels(f, x, seen, answers)
    for one, label in zip(x, found, strict=True):
        far = np.linalg.norm(seen - one, axis=1)
        own = far[answers == label]
        need(
            own.size and own.min() <= far.min() + 1e-12,
            f"the event {shown(one)} was called {label:g}, but an event of another class, at the"
            f" distance {far.min():.3f}, is nearer than any of class {label:g}.",
        )


# 01.4 ---------------------------------------------------------------------------------------------


class _Watched:
    """A learner that does what it is told and remembers what it was shown and asked."""

    def __init__(self, says: Callable[[Array, Array, Array], Array]) -> None:
        self.says = says
        self.shown: list[float] = []
        self.asked: list[float] = []

    def __call__(self, x: Array, y: Array) -> Callable[[Array], Array]:
        self.shown += list(x[:, 0])

        def predict(new: Array) -> Array:
            self.asked += list(new[:, 0])
            return self.says(x, y, new)

        return predict


def _by_memory(x: Array, y: Array, new: Array) -> Array:
    known = dict(zip(x[:, 0], y, strict=True))
    return np.array([known.get(value, 0) for value in new[:, 0]])


def _numbered(n: int, seed: int = 1) -> tuple[Array, Array]:
    """Events whose only feature is their number, and answers that nothing can tell."""
    return np.arange(n, dtype=float)[:, None], np.random.default_rng(seed).integers(0, 2, n)


def _apart(f: Asked) -> None:
    x, y = _numbered(100)
    learn = _Watched(_by_memory)
    f.number(x, y, learn, 0)
    need(learn.shown, "learn was never called.")
    need(learn.asked, "what learn returned was never asked for the label of an event.")
    both = set(learn.shown) & set(learn.asked)
    need(
        not both,
        f"{len(both)} of 100 events were shown to the learner and then asked of it: it knows"
        " their answers by heart.",
    )


def _all_used(f: Asked) -> None:
    x, y = _numbered(100)
    learn = _Watched(_by_memory)
    f.number(x, y, learn, 0)
    seen, asked = len(set(learn.shown)), len(set(learn.asked))
    need(
        (seen, asked) == (50, 50),
        f"of 100 events {seen} were shown and {asked} asked; a half is wanted for each.",
    )


def _chance(f: Asked) -> None:
    x, _ = _numbered(400)
    y = np.arange(400) % 2
    right = f.number(x, y, _Watched(lambda x, y, new: np.ones(len(new), dtype=int)), 3)
    need(
        0.35 < right < 0.65,
        f"half of 400 events are of class 1, and a learner that always says 1 is told to be right"
        f" in {right:g} of the cases.",
    )
    perfect = f.number(x, y, _Watched(lambda x, y, new: new[:, 0].astype(int) % 2), 3)
    need(close(perfect, 1.0), f"a learner that is always right is told {perfect:g}.")


def _shuffled(f: Asked) -> None:
    x, _ = _numbered(200)
    learn = _Watched(lambda x, y, new: np.zeros(len(new), dtype=int))
    f.number(x, np.repeat([0, 1], 100), learn, 0)
    early = np.mean(np.array(learn.shown) < 100)
    need(
        0.3 < early < 0.7,
        "in a file of 100 events of class 0 and then 100 of class 1 a share of"
        f" {early:.2f} of the events shown is of class 0; files are sorted more often than not.",
    )


def _repeated(f: Asked) -> None:
    x, y = _numbered(60)
    asked = []
    for seed in (5, 5, 6):
        learn = _Watched(_by_memory)
        f.number(x, y, learn, seed)
        asked.append(set(learn.asked))
    need(asked[0] == asked[1], "the same seed gave two different divisions of the events.")
    need(asked[0] != asked[2], "the seeds 5 and 6 gave the same division of the events.")


EXERCISES = (
    Exercise(
        "01.1",
        "The share that is right",
        "share_right(label, answer)",
        """
        `label` and `answer` are arrays of n class numbers: what was said of each event, and the
        truth. Return the share of the events, between 0 and 1, for which the two agree.
        """,
        (
            ("it counts the events that are right, as a share of all", _counted),
            ("who is compared with whom does not matter", _exchanged),
            ("numbers of classes are names: other numbers, the same share", _renamed),
        ),
    ),
    Exercise(
        "01.2",
        "A table of confusions",
        "confusions(label, answer, classes)",
        """
        `label` and `answer` are arrays of n class numbers 0 … classes − 1. Return an array of
        `classes` rows and `classes` columns: in row i and column j stands how many events of the
        true class i were called j.
        """,
        (
            ("every event is counted once", _all_counted),
            ("rows are the truth, columns what was said", _one_event),
            ("rows add up to the classes, the diagonal to what is right", _margins),
        ),
    ),
    Exercise(
        "01.3",
        "The nearest neighbour",
        "nearest(x, seen, answers)",
        """
        `seen` holds m events that somebody has labelled, one a row, and `answers` their m classes;
        `x` holds n new events with the same features. Return an array of n labels: for each new
        event the class of that one of the events seen which is nearest to it, by the length of the
        straight line between them.
        """,
        (
            ("what it has seen it knows by heart", _by_heart),
            ("three events on paper", _halfway),
            ("moving, turning and enlarging everything changes nothing", _moved),
            ("no event of another class is nearer", _none_nearer),
        ),
    ),
    Exercise(
        "01.4",
        "The number that counts",
        "honest_share(x, y, learn, seed)",
        """
        `x` holds n events (n is even), one a row, `y` their classes. `learn(x, y)` trains something
        on the events it is given, and returns a function that takes events and returns their
        labels. Return the share that is right, measured as it should be: half of the events, drawn
        at random by `seed`, are for learning, the others for counting.
        """,
        (
            ("no event is both shown and asked", _apart),
            ("half of the events are shown, the others asked", _all_used),
            ("who is always right gets 1, who guesses gets what guessing is worth", _chance),
            ("the halves are drawn at random, also from a sorted file", _shuffled),
            ("the same seed draws the same halves, another one others", _repeated),
        ),
    ),
)
