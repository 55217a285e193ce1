"""The card of a model file: everything about a model but its numbers. Public, version 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from baksan.data.expressions import columns, made_of, texts_among
from baksan.data.expressions import evaluate as evaluate_expression
from baksan.metrics import quantiles
from baksan.samples import Samples
from baksan.stream import Stream
from baksan.table import Column, Table
from baksan.units import UnitError, factor

Array = NDArray[Any]

__all__ = ["AnswerCard", "Card", "FeatureCard", "InputCard", "LossCard", "distribution"]

_LEVELS = tuple(k / 20 for k in range(1, 20))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Number = Annotated[FiniteFloat, Field(strict=True)]


class InputCard(_Strict):
    """A column that the input must have, and the unit that the model thinks in."""

    name: str
    unit: str = ""
    texts: list[str] | None = None
    """Of a column of text, the texts that it held in training."""


class FeatureCard(_Strict):
    """A feature: a column, or a formula of columns; its range in training, and its distribution:
    (x, share of the weight at or below x) at the 5, 10 … 95 % points.
    """

    name: str
    unit: str = ""
    description: str = ""
    formula: str = ""
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None
    place: tuple[FiniteFloat, ...] | None = None
    distribution: tuple[tuple[FiniteFloat, FiniteFloat], ...] = ()


class AnswerCard(_Strict):
    """What is predicted; `kind` of several numbers that are one thing."""

    name: str = "answer"
    unit: str = ""
    description: str = ""
    kind: Literal["", "direction", "position"] = ""


class LossCard(_Strict):
    """The loss by name, and its setting (Huber's δ, the quantile's level or levels)."""

    name: str
    setting: _Number | tuple[_Number, ...] | None = None


class Card(_Strict):
    """What a model is, what it needs, what it answers and where it comes from."""

    format: Literal["baksan model"] = "baksan model"
    version: Literal[1] = 1
    kind: str
    title: str
    task: Literal["classification", "regression"]
    shape: dict[str, Any] = Field(default_factory=dict)
    inputs: list[InputCard]
    features: list[FeatureCard] = Field(min_length=1)
    answer: AnswerCard
    class_names: list[str] = Field(default_factory=list)
    id: str | None = None
    where: str | None = None
    marks: list[FiniteFloat] = Field(default_factory=list)
    """Numbers that stand for a missing value in the input, such as −999."""
    impute: bool = False
    """Whether the model predicts events that lack features."""
    loss: LossCard | None = None
    solver: str = ""
    metrics: dict[str, Any] = Field(default_factory=dict)
    provenance: dict[str, Any] = Field(default_factory=dict)

    def check(self) -> None:
        """Raises ValueError where one part of the card contradicts another."""
        classes = len(set(self.class_names))
        if classes != len(self.class_names) or (classes >= 2) != (self.task == "classification"):
            raise ValueError(f"{self.task} does not go with the classes {self.class_names}.")
        known = {need.name for need in self.inputs}
        for f in self.features:
            if lost := set(columns(f.formula) if f.formula else [f.name]) - known:
                raise ValueError(f"feature {f.name!r} needs {lost.pop()!r}, which is no input.")

    def features_of(self, table: Table) -> tuple[Array, Array, Array]:
        """The model's features of a table: x (n, d), which rows are complete, which are outside.

        Units are converted where they differ; a column without one is taken as it is. `outside`
        marks rows with a feature beyond its range in training, or with a text that was not there.
        Complete is a row that lacks no feature, or any finite row for a model that fills in.

        Raises
        ------
        KeyError
            A missing column.
        TypeError
            A feature that is text or vectors.
        UnitError
            A unit that does not fit.
        """
        table = self.as_in_training(table)
        self._check_places(table)
        x = np.column_stack([self._feature(f, table) for f in self.features])
        known = np.isfinite(x) | np.isnan(x) if self.impute else np.isfinite(x)
        complete = np.asarray(known.all(axis=1))
        if not self.impute:
            for name in self.texts:
                complete &= ~table.column(name).missing
        low = np.array([-np.inf if f.low is None else f.low for f in self.features])
        high = np.array([np.inf if f.high is None else f.high for f in self.features])
        outside = np.asarray(((x < low) | (x > high)).any(axis=1))
        for strange in self.strange(table).values():
            outside |= strange
        return x, complete, outside

    def _check_places(self, table: Table) -> None:
        """Raises ValueError for an array whose detectors stand elsewhere than in training."""
        held: dict[str, list[tuple[float, ...]]] = {}
        for feature in self.features:
            if feature.place is not None:
                held.setdefault(feature.name.partition("[")[0], []).append(feature.place)
        for name, places in held.items():
            there = table.columns[name].places if name in table.columns else ()
            if there and not _alike(places, there):
                raise ValueError(
                    f"{table.source}: the model {self.title!r} was trained on an array of"
                    f" {len(places)} stations; those of {name!r} are {len(there)} and stand"
                    " elsewhere. Apply it to its own array, or train on this one."
                )

    def strange(self, table: Table) -> dict[str, Array]:
        """By column of text, which rows hold a text that it did not hold in training, (n,) bool."""
        held = {name: table.column(name) for name in self.texts}
        return {n: ~np.isin(c.values, self.texts[n]) & ~c.missing for n, c in held.items()}

    @property
    def texts(self) -> dict[str, list[str]]:
        """The texts of each column of text in training."""
        return {need.name: need.texts for need in self.inputs if need.texts is not None}

    def _feature(self, feature: FeatureCard, table: Table) -> Array:
        if feature.formula:
            return np.asarray(evaluate_expression(feature.formula, table), dtype=np.float64)
        column = table.column(feature.name)
        if column.is_text or column.values.ndim > 1:
            what = "text" if column.is_text else f"vectors of {column.values.shape[1:]}"
            raise TypeError(
                f"{table.source}: column {feature.name!r} must hold one number a row; it holds"
                f" {what}. Give a file where it does."
            )
        return np.asarray(column.values, dtype=np.float64)

    def as_in_training(self, table: Table) -> Table:
        """The table with the units of the inputs, and missing values in place of marks.

        Errors as `features_of`.
        """
        missing = [c.name for c in self.inputs if c.name not in table.columns]
        if missing:
            raise KeyError(
                f"{table.source}: the model {self.title!r} needs the column"
                f"{'s' if len(missing) > 1 else ''} {', '.join(missing)}; the file has"
                f" {', '.join(table.names)}. Rename its columns or give a file with them."
            )
        table = table.unmarked(self.marks)
        turned: dict[str, Column] = {}
        for need in self.inputs:
            column = table.column(need.name)
            if need.texts is not None and not column.is_text:
                raise TypeError(
                    f"{table.source}: column {need.name!r} must hold text, one of"
                    f" {', '.join(need.texts[:5])}; it holds numbers. Give a file where it does."
                )
            if need.unit and need.unit != column.unit and not column.is_text:
                turned[need.name] = self._turned(column, need, table.source)
        return table.with_columns(turned) if turned else table

    @staticmethod
    def _turned(column: Column, need: InputCard, source: str) -> Column:
        """The column in the unit that is needed; one without a unit is taken to have it."""
        try:
            times = factor(column.unit, need.unit) if column.unit else 1.0
        except UnitError as error:
            raise UnitError(f"{source}: column {need.name!r}: {error}") from None
        values = column.values if times == 1.0 else np.asarray(column.values, float) * times
        return replace(column, values=values, unit=need.unit)


def _alike(places: Sequence[Sequence[float]], others: Sequence[Sequence[float]]) -> bool:
    """Whether stations stand at the same places, to 1 m."""
    if np.shape(places) != np.shape(others):
        return False
    return bool(np.allclose(places, others, rtol=0.0, atol=1.0))


def feature_cards(X: Samples | Stream, formulas: dict[str, str]) -> list[FeatureCard]:
    """The cards of the features of X, with their ranges; `formulas` by feature name."""
    some = X.sample if isinstance(X, Stream) else X
    if isinstance(X, Stream):
        low, high = X.survey.low, X.survey.high
    else:
        # fmin and fmax pass over NaN, a missing value.
        low, high = np.fmin.reduce(X.x, axis=0), np.fmax.reduce(X.x, axis=0)
    return [
        FeatureCard(
            name=f.name,
            unit=f.unit,
            description=f.description,
            formula=formulas.get(f.name, ""),
            low=float(low[j]),
            high=float(high[j]),
            place=f.place,
            # Of single detectors, which are many, none is kept.
            distribution=() if f.place is not None else distribution(some.x[:, j], some.weight),
        )
        for j, f in enumerate(X.features)
    ]


def distribution(values: Array, weight: Array | None) -> tuple[tuple[float, float], ...]:
    """(x, share of the weight at or below x) at the 5, 10 … 95 % points, equal ones once.

    NaN are passed over; () where nothing is left, or where weights of both signs leave no shares.
    """
    held = np.isfinite(values)
    v, w = values[held], np.ones(held.sum()) if weight is None else weight[held]
    if not len(v) or w.min() < 0 or not w.sum() > 0:
        return ()
    points = np.unique(quantiles(v, _LEVELS, w))
    order = np.argsort(v, kind="stable")
    reached = np.append(0.0, np.cumsum(w[order]))
    below = reached[np.searchsorted(v[order], points, side="right")] / w.sum()
    return tuple((float(x), float(share)) for x, share in zip(points, below, strict=True))


def card_of(found: Any) -> Card:
    """The card of a Fit that stands for itself, outside a training.

    Raises TypeError for something else.
    """
    problem = getattr(found, "problem", None)
    if problem is None:
        raise TypeError(
            "a model file needs a card that says what the model is; give a Fit, or a model and its"
            f" Card. {type(found).__name__} came alone."
        )
    X, loss = problem.X, problem.loss
    formulas, inputs = made_of(X.features)
    texts = texts_among(X.features)
    answer = X.answer
    return Card(
        kind=type(found.model).__name__.lower(),
        title=f"{type(found.model).__name__}, {loss.name}",
        task=X.task,
        inputs=[InputCard(name=n, unit=unit, texts=texts.get(n)) for n, unit in inputs.items()],
        features=feature_cards(X, formulas),
        answer=AnswerCard(name=answer.name, unit=answer.unit) if answer else AnswerCard(),
        class_names=list(X.class_names),
        marks=list(X.head.marks),
        impute=X.missing,
        loss=LossCard(name=loss.name, setting=loss.setting),
        solver=repr(found.solver),
        provenance={"message": found.message, "events": len(X)},
    )
