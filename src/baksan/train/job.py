"""The work of a training: parts (a method on a fold) and final models, or what was left of them."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.data.expressions import columns
from baksan.evaluate import Evaluation
from baksan.evaluate.vectors import as_misses, kind_of
from baksan.fit import History
from baksan.metrics import Prediction
from baksan.metrics.figures import figures
from baksan.samples import Samples
from baksan.solvers.base import Events, State
from baksan.store.card import AnswerCard, Card, InputCard, LossCard, feature_cards
from baksan.store.model import Stored, load_model, save_model
from baksan.store.run import RunFolder, prediction_arrays, prediction_of
from baksan.stream import Stream
from baksan.train.division import Division
from baksan.train.lineup import Fitted, Method
from baksan.train.run import Part
from baksan.train.source import Source
from baksan.train.views import blocks_of, plain

Array = NDArray[Any]
Progress = Callable[[str, float], object]
"""progress(what is being done, share done in all)."""

__all__ = ["Job", "Progress", "permutation_importance"]

_IMPORTANCE_EVENTS = 2_000
_SHUFFLES = 3
_HELD_BACK = 0.2
_CHECKPOINT_SECONDS = 5.0


class Job:
    """Trains parts and final models, or takes those that an interrupted run has left."""

    def __init__(
        self,
        division: Division,
        methods: int,
        seed: int,
        threads: int,
        source: Source,
        folder: RunFolder | None,
        progress: Progress | None,
        positive: Collection[str] = (),
    ) -> None:
        self.positive = positive  # methods that are trained without events of negative weight
        self.division, self.seed, self.threads = division, seed, threads
        self.source, self.folder, self.progress = source, folder, progress
        self.units = methods * (division.count + 1) + 2
        self.done, self.share = 0, 0.0
        self.copied = lru_cache(maxsize=1)(copy.copy)
        self.unsaved: dict[str, str] = {}

    def part(self, method: Method, j: int) -> Part:
        """Method trained on all but fold j and looked at on fold j."""
        name = f"checkpoints/{method.name}.fold{j}.safetensors"
        if self.folder and (held := self.folder.read_arrays(name)):
            self.done += 1
            return _part_of(*held)
        text = f"{method.name}, fold {j + 1}"
        self.show(text, 0.0)
        began = time.perf_counter()
        train = self.watched(self._training(method, j), text)
        test = self._shown(method, self.division.tested(j))
        fitted = self._fitted(method, train, test, f"fold{j}", text)
        rows = np.flatnonzero(self.division.fold != j) if j == 0 else np.arange(0)
        part = Part(
            prediction=fitted.predict(test.x),
            train=fitted.predict(self._shown(method, self.division.X).x[rows])
            if len(rows)
            else None,
            train_rows=rows,
            importance=permutation_importance(fitted.predict, test, self.seed),
            history=fitted.fit.history if fitted.fit else History(),
            message=self._message(fitted, train),
            seconds=time.perf_counter() - began,
        )
        if self.folder:
            self.folder.write_arrays(name, *_part_arrays(part))
        self.done += 1
        return part

    def final(self, method: Method, evaluation: Evaluation, told: dict[str, Any]) -> Stored:
        """Method trained on all events, with its card."""
        text = f"{method.name}, all events"
        kept = self._saved(method)
        if kept is not None:
            self.done += 1
            return kept
        self.show(text, 0.0)
        X = self.watched(self._training(method, None), text)
        fitted = self._fitted(method, X, None, "all", text)
        self.done += 1
        told = {**told, "message": self._message(fitted, X), "events": len(X)}
        try:
            card = self._card(method, method.loss_card, X, evaluation, told)
            if self.folder:
                path = save_model(self.folder.path / "models" / method.name, fitted.model, card)
                return load_model(path)
        except TypeError as error:
            # What no safe file can hold is compared all the same.
            self.unsaved[method.name] = str(error)
            card = self._card(method, None, X, evaluation, told)
        return Stored(card, fitted.model)

    def _training(self, method: Method, j: int | None) -> Any:
        """The events that the method learns from outside of fold j, as it sees them."""
        return self._shown(method, self.division.training(j, whole=method.streams))

    @staticmethod
    def _shown(method: Method, X: Any) -> Any:
        """What the method sees of the events."""
        return X if method.sees_detectors else plain(X)

    def _message(self, fitted: Fitted, X: Events) -> str:
        """Why the training ended; where methods do not all see the same events, on how many."""
        on = f" Trained on {len(X):,} events." if self.division.streamed else ""
        return fitted.message + on

    def _saved(self, method: Method) -> Stored | None:
        for ending in ("baksan", "skops"):
            if self.folder:
                path = self.folder.path / "models" / f"{method.name}.{ending}"
                if path.exists():
                    return load_model(path)
        return None

    def _fitted(
        self, method: Method, X: Events, validation: Events | None, which: str, text: str
    ) -> Fitted:
        """A training that leaves its State every few seconds and goes on from the last one."""
        name = f"checkpoints/{method.name}.{which}.state.safetensors"
        less = ""
        if method.name in self.positive:
            X = _positive(X)
            less = " Trained without the events of negative weight."
        if method.watches:
            # The test events must not choose when to stop: some training events are held back.
            X, validation = X.split(1 - _HELD_BACK, seed=self.seed)
        held = self.folder.read_arrays(name) if self.folder else None
        saved = time.perf_counter()

        def checkpoint(state: State, history: History) -> None:
            nonlocal saved
            if self.folder and time.perf_counter() - saved > _CHECKPOINT_SECONDS:
                self.folder.write_arrays(name, _state_arrays(state, history), {})
                saved = time.perf_counter()

        fitted = method.train(
            X,
            seed=self.seed,
            threads=self.threads,
            validation=validation,
            state=None if held is None else State.from_arrays(_under(held[0], "state.")),
            history=None if held is None else History.from_dict(_under(held[0], "history.")),
            progress=lambda now: self.show(", ".join(filter(None, (text, str(now)))), now.share),
            checkpoint=checkpoint,
        )
        return replace(fitted, message=fitted.message + less)

    def _card(
        self,
        method: Method,
        loss: LossCard | None,
        X: Events,
        evaluation: Evaluation,
        told: dict[str, Any],
    ) -> Card:
        answer = X.answer
        figures = {
            row["metric"]: {k: row[k] for k in ("value", "low", "high")}
            for row in evaluation.table
            if row["model"] == method.name
        }
        return Card(
            kind=method.kind,
            title=method.title or method.name,
            task="classification" if X.class_names else "regression",
            inputs=self._inputs(X),
            features=feature_cards(X, dict(self.source.formulas)),
            answer=AnswerCard(
                name=answer.name, unit=answer.unit, description=answer.description,
                kind=answer.kind,
            ) if answer else AnswerCard(),
            class_names=list(X.class_names),
            id=self.source.id,
            loss=loss,
            where=self.source.settings.get("where"),
            marks=list(self.source.settings.get("marks") or ()),
            impute=X.missing,
            solver=method.settings,
            metrics=figures,
            provenance=told,
        )  # fmt: skip

    def _inputs(self, X: Events) -> list[InputCard]:
        """The columns that the features of these events are made of."""
        texts = {name: list(held) for name, held in self.source.texts.items()}
        formulas = [self.source.formulas.get(f.name) or f"`{f.name}`" for f in X.features]
        needed = {name for formula in formulas for name in columns(formula)}
        return [
            InputCard(name=name, unit=unit, texts=texts.get(name))
            for name, unit in self.source.inputs.items()
            if name in needed
        ]

    def bootstrap(self, done: int, total: int) -> None:
        self.show("error bars", done / total)

    def show(self, text: str, share: float) -> None:
        self.share = share
        if self.progress is not None:
            self.progress(text, min(1.0, (self.done + share) / self.units))

    def watched(self, X: Events, text: str) -> Events:
        """The same events; passes over a stream tell how far they are.

        Methods that come one after the other on the same stream get the same copy of it, so that
        only the first of them reads its head and surveys it.
        """
        if isinstance(X, Samples):
            return X
        told: Stream = self.copied(X)
        told.progress = lambda rows: self.show(f"{text}, {rows:,} rows read", self.share)
        return told


def _positive(X: Events) -> Events:
    """The events whose weight is not negative."""
    return X.where(lambda block: block.w >= 0) if isinstance(X, Stream) else X.take(X.w >= 0)


def permutation_importance(predict: Callable[[Array], Prediction], X: Samples, seed: int) -> Array:
    """How much worse predictions get when one feature is shuffled among events, (3, d), in the
    order of `blocks_of`: the detectors of a vector are shuffled together.

    The fall of the AUC for classes, the rise of the RMSE for numbers, of what 68 % lie within for
    directions and places, on at most 2,000 events, 1,000 where detectors are seen, in three
    shuffles (Breiman, Machine Learning 45 (2001) 5). NaN where negative weights leave no such
    figure.
    """
    rng = np.random.default_rng(seed)
    blocks = list(blocks_of(X).values())
    most = _IMPORTANCE_EVENTS // (1 if len(blocks) == len(X.features) else 2)
    if len(X) > most:
        X = X.rows(np.sort(rng.choice(len(X), most, replace=False)))
    if X.class_names and len(np.unique(X.answers)) < len(X.class_names):
        return np.full((_SHUFFLES, len(blocks)), np.nan)
    sign, name = (1.0, "auc") if X.class_names else (-1.0, "within_68" if kind_of(X) else "rmse")
    whole = _figure(predict(X.x), X, name)
    falls = np.empty((_SHUFFLES, len(blocks)))
    for k, j in np.ndindex(*falls.shape):
        x = X.x.copy()
        x[:, blocks[j]] = x[rng.permutation(len(X))][:, blocks[j]]
        falls[k, j] = sign * (whole - _figure(predict(x), X, name))
    return falls


def _figure(p: Prediction, X: Samples, name: str) -> float:
    if kind_of(X):
        made, X = as_misses({name: p}, X)
        p = made[name]
    with np.errstate(invalid="ignore"):
        return float(figures(p, X.answers, (name,))(X.w)[0])


# Parts and states as arrays -----------------------------------------------------------------------


def _part_arrays(part: Part) -> tuple[dict[str, Array], dict[str, Any]]:
    arrays = {
        **prediction_arrays(part.prediction),
        "importance": part.importance,
        "train_rows": part.train_rows,
        **{f"history.{k}": v for k, v in part.history.to_dict().items()},
    }
    if part.train is not None:
        arrays |= {f"train.{k}": v for k, v in prediction_arrays(part.train).items()}
    notes = {
        "threshold": part.prediction.threshold, "message": part.message, "seconds": part.seconds
    }  # fmt: skip
    return arrays, notes


def _part_of(arrays: dict[str, Array], notes: dict[str, Any]) -> Part:
    inside = _under(arrays, "train.")
    return Part(
        prediction=prediction_of(arrays, notes["threshold"]),
        train=prediction_of(inside, notes["threshold"]) if inside else None,
        train_rows=arrays["train_rows"],
        importance=arrays["importance"],
        history=History.from_dict(_under(arrays, "history.")),
        message=notes["message"],
        seconds=notes["seconds"],
    )


def _state_arrays(state: State, history: History) -> dict[str, Array]:
    return {f"state.{k}": v for k, v in state.to_arrays().items()} | {
        f"history.{k}": v for k, v in history.to_dict().items()
    }


def _under(arrays: Mapping[str, Array], head: str) -> dict[str, Array]:
    return {k.removeprefix(head): v for k, v in arrays.items() if k.startswith(head)}
