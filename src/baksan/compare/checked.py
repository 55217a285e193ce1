"""What a comparison takes from the files of a run, and whether they hold it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    model_validator,
)

from baksan.compare.difference import leading
from baksan.files import one_line

__all__ = ["Asked", "Found", "Made", "check"]

_LARGEST = 1e100


def _moderate(value: float) -> float:
    if abs(value) > _LARGEST:  # squares and differences of it are numbers too
        raise ValueError(f"a number within ±{_LARGEST:g} is needed")
    return value


Number = Annotated[FiniteFloat, AfterValidator(_moderate)]
Numbers = list[Number | None]


def check(file: Path, content: Any, shape: type[BaseModel]) -> None:
    """Raises ValueError, one sentence, where a file does not hold what is taken from it."""
    try:
        shape.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        why = first["msg"].removeprefix("Value error, ")
        why = f"at {where}: {why}" if where else why
        raise ValueError(
            one_line(
                f"{file} must hold what a run writes there; it does not ({why}). Take another copy,"
                " or train again."
            )
        ) from None


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True)


class Asked(_Strict):
    """config.toml, its table [samples] and the rest as one."""

    baksan: str | None = None
    features: list[str] = []
    sha256: dict[str, str] = {}
    methods: dict[str, str] = {}
    test: Annotated[float, Field(gt=0, lt=1)] | None = None


class Made(_Strict):
    """provenance.json."""

    created: str | None = None
    command: str | None = None
    baksan: str | None = None
    packages: dict[str, str | None] | None = None
    python: str | None = None
    system: str | None = None
    processor: str | None = None
    cores: int | None = None
    threads: int | None = None


class _Answer(_Strict):
    name: str
    unit: str


class _Metric(_Strict):
    title: str
    unit: str
    better: Literal["higher", "lower", "zero"]
    explanation: str


class _Figure(_Strict):
    model: str
    metric: str
    value: Number | None
    low: Number | None
    high: Number | None


class _Points(_Strict):
    """Columns of one length."""

    @model_validator(mode="after")
    def _even(self) -> Self:
        if len({len(column) for column in vars(self).values()}) > 1:
            raise ValueError("columns of one length are needed")
        return self


class _Roc(_Points):
    background: Numbers
    signal: Numbers
    low: Numbers
    high: Numbers


class _Calibration(_Points):
    predicted: Numbers
    observed: Numbers
    low: Numbers
    high: Numbers
    weight: Numbers


class _Curves(_Strict):
    roc: list[_Roc] = []
    calibration: _Calibration | None = None


class _InBin(_Figure):
    bin: NonNegativeInt


class _Bins(_Strict):
    name: str
    unit: str
    edges: Numbers
    rows: list[_InBin]

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if any(row.bin > len(self.edges) - 2 for row in self.rows):
            raise ValueError("a row is of a bin without edges")
        return self


class Found(_Strict):
    """evaluation.json."""

    task: Literal["classification", "regression"]
    class_names: list[str]
    answer: _Answer | None
    events: PositiveInt
    groups: PositiveInt
    folds: PositiveInt | None
    metrics: dict[str, _Metric]
    table: list[_Figure]
    curves: dict[str, _Curves]
    bins: _Bins | None

    @model_validator(mode="after")
    def _together(self) -> Self:
        for holds, what in (
            (self._classes(), "classes, each once, go with the task of classification"),
            (leading(self.task) in self.metrics, f"the metric {leading(self.task)} is needed"),
            (self._whole(), "each method needs one figure of each metric, and curves"),
            (self._rocs(), "a ROC curve is needed, of several classes one for each"),
            (self._known_bins(), "figures in bins are those of methods and metrics of the table"),
        ):
            if not holds:
                raise ValueError(what)
        return self

    def _classes(self) -> bool:
        names = self.class_names
        enough = len(names) > 1 if self.task == "classification" else not names
        return enough and len(set(names)) == len(names)

    def _models(self) -> set[str]:
        return {row.model for row in self.table}

    def _whole(self) -> bool:
        held = Counter((row.model, row.metric) for row in self.table)
        wanted = Counter((a, m) for a in self._models() for m in self.metrics)
        return bool(held) and held == wanted and set(self.curves) == self._models()

    def _rocs(self) -> bool:
        k = len(self.class_names)
        return not k or all(len(c.roc) == (1 if k == 2 else k) for c in self.curves.values())

    def _known_bins(self) -> bool:
        rows = self.bins.rows if self.bins else []
        return all(row.model in self._models() and row.metric in self.metrics for row in rows)
