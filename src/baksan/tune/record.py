"""A search as a file: what was asked, and every trial that ended. JSON, whole after each trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from baksan.files import read_json, write_json
from baksan.tune.sampler import Trial
from baksan.tune.space import Space

__all__ = ["Asked", "read", "write"]

_Number = Annotated[FiniteFloat, Field(strict=True)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(_Strict):
    """What a search was asked for; it is gone on with on the same question only."""

    space: str
    start: dict[str, Any]
    objective: str
    inner: int
    seed: int
    events: int
    sha256: str


class _Trial(_Strict):
    number: int
    state: Literal["complete", "pruned", "failed"]
    value: _Number | None
    settings: dict[str, bool | int | float | str]
    values: list[_Number]
    seconds: _Number
    why: str


class _Record(_Strict):
    format: Literal["baksan search"] = "baksan search"
    version: Literal[1] = 1
    asked: Asked
    trials: list[_Trial]


def write(path: Path, asked: Asked, trials: Sequence[Trial]) -> None:
    """The whole file anew, under a temporary name first."""
    held = {"format": "baksan search", "version": 1, "asked": asked.model_dump()}
    write_json(path, held | {"trials": [trial.to_dict() for trial in trials]})


def read(path: Path, asked: Asked, space: Space) -> list[Trial]:
    """The trials of this search so far.

    Raises ValueError for a file that is damaged, or of another search: the difference is named.
    """
    content = read_json(path)
    try:
        record = _Record.model_validate(content)
        trials = [Trial(**trial.model_dump()) for trial in record.trials]
        _check(record.asked, asked, path)
        _check_trials(trials, asked, space)
    except ValidationError as error:
        first: Mapping[str, Any] = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise ValueError(
            f"{path} must be a search as baksan writes it; {where}: {first['msg'].lower()}. Take"
            " another copy, or begin anew with another --out."
        ) from None
    return trials


def _check(before: Asked, now: Asked, path: Path) -> None:
    for name in Asked.model_fields:
        was, wanted = getattr(before, name), getattr(now, name)
        if was != wanted:
            raise ValueError(
                f"a search is gone on with as it began; in {path} {name} was {was!r}, now it is"
                f" {wanted!r}. Give the same, or another --out."
            )


def _check_trials(trials: Sequence[Trial], asked: Asked, space: Space) -> None:
    for k, trial in enumerate(trials):
        space.check(trial.settings)
        whole = trial.state == "complete"
        wrong = trial.number != k or (trial.value is not None) != whole
        if (
            wrong
            or (whole and trial.values[-1:] != [trial.value])
            or (not trial.values and trial.state != "failed")
            or len(trial.values) > asked.inner
        ):
            raise ValueError(
                f"trial {k} of the search contradicts itself; the file was changed. Take another"
                " copy, or begin anew with another --out."
            )
