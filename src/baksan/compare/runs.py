"""A finished run as one side of a comparison: what was asked, its figures, its tested events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan.compare.checked import Asked, Found, Made, check
from baksan.evaluate import Evaluation
from baksan.files import one_line
from baksan.metrics import Prediction
from baksan.metrics.checks import numbers, weights
from baksan.store.run import RunFolder

Array = NDArray[Any]

__all__ = ["Side", "check_alike", "sides"]


@dataclass(frozen=True, eq=False)
class Side:
    """One run: its name in the comparison, and what its folder holds."""

    name: str
    folder: RunFolder
    config: dict[str, Any]
    """config.toml, its table [samples] and the rest as one."""
    provenance: dict[str, Any]
    evaluation: Evaluation

    @property
    def models(self) -> list[str]:
        """The methods that were trained, in their order."""
        return self.evaluation.models

    @cached_property
    def rows(self) -> Any:
        """predictions.parquet as an Arrow table. Raises ValueError where it cannot be read."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.folder.path / "predictions.parquet"
        try:
            return pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            why = str(error).splitlines()[0].rstrip(".")
            raise ValueError(
                f"{path} must hold the predictions of the run; it cannot be read ({why})."
                " Take another copy, or train again."
            ) from None

    @cached_property
    def tested(self) -> dict[str, Array]:
        """id, answer, weight, fold, and group where there are some, of each tested event, (n,)."""
        rows = self._of(self.models[0])
        names = ("id", "answer", "weight", "fold", "group")
        return {k: _column(rows, k) for k in names if k in rows.column_names}

    def predicted(self, model: str) -> Array:
        """The class or the value that a method gave each tested event, (n,)."""
        return _column(self._of(model), "prediction")

    def prediction(self, model: str) -> Prediction | None:
        """What a method said of the tested events; None where the folder does not hold it all.

        Raises ValueError for what no method says.
        """
        rows, names = self._of(model), self.evaluation.class_names
        if not names:
            return Prediction(value=self.predicted(model))
        label = _column(rows, "prediction") == (names[1] if len(names) == 2 else None)
        probability = _columns(rows, [f"probability_{name}" for name in names])
        heads = ["score"] if len(names) == 2 else [f"score_{name}" for name in names]
        scores = _columns(rows, heads)
        if scores is None:
            return None
        with self._naming_the_file():
            scores = numbers(scores, "score")
            if len(names) > 2:
                return Prediction(score=scores, probability=probability)
            score = scores[:, 0]
            return Prediction(
                score=score, probability=probability, threshold=_threshold(score, label)
            )

    def _of(self, model: str) -> Any:
        return self._rows_of[model]

    @cached_property
    def _rows_of(self) -> dict[str, Any]:
        """The rows of each method. Raises ValueError where they are not those of the run."""
        found = {model: self._filtered(model) for model in self.models}
        with self._naming_the_file():
            for rows in found.values():
                self._check(rows)
        return found

    def _check(self, rows: Any) -> None:
        """Raises ValueError, TypeError for cells that no run writes."""
        names = self.evaluation.class_names
        for name in ("prediction", "answer"):
            held = _column(rows, name)
            if not names:
                numbers(held, name)
            elif strange := [v for v in np.unique(held).tolist() if v not in names]:
                raise ValueError(f"{name} must be one of {', '.join(names)}; {strange[0]!r} came.")
        weights(_column(rows, "weight"), len(rows))
        numbers(_column(rows, "fold"), "fold")

    @contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        """What is wrong with numbers, as a sentence on predictions.parquet."""
        try:
            yield
        except (TypeError, ValueError) as error:
            why = str(error).split(". ")[0].rstrip(".")
            raise ValueError(
                one_line(
                    f"{self.folder.path / 'predictions.parquet'} must hold what a run writes there;"
                    f" it does not ({why}). Take another copy, or train again."
                )
            ) from None

    def _filtered(self, model: str) -> Any:
        import pyarrow.compute as pc

        needed = {"id", "prediction", "method", "fold", "answer", "weight"}
        if lacking := sorted(needed - set(self.rows.column_names)):
            raise self._stranger(f"no column {lacking[0]}")
        found = self.rows.filter(pc.equal(self.rows["method"], model))
        if len(found) != self.evaluation.events:
            raise self._stranger(f"{len(found)} of {model}")
        return found

    def _stranger(self, what: str) -> ValueError:
        return ValueError(
            f"{self.folder.path / 'predictions.parquet'} must hold {self.evaluation.events}"
            f" predictions of each method; it has {what}. Was it written by another version of"
            " baksan? Train again."
        )


def _column(rows: Any, name: str) -> Array:
    held = rows[name].to_numpy()
    return np.asarray(held.astype(str) if held.dtype == object else held)


def _columns(rows: Any, names: Sequence[str]) -> Array | None:
    """Columns side by side, (n, k); None where one lacks or has no numbers."""
    if not set(names) <= set(rows.column_names) or any(rows[n].null_count for n in names):
        return None
    return np.column_stack([_column(rows, name) for name in names])


def _threshold(score: Array, label: Array) -> float:
    """A score above it was called signal."""
    if not label.all():
        return float(score[~label].max())
    return float(np.nextafter(score.min(), -np.inf))


# Opening ------------------------------------------------------------------------------------------


def sides(folders: Sequence[Path | str]) -> list[Side]:
    """The runs to compare, each with a short name of its own.

    Raises
    ------
    FileNotFoundError, ValueError
        Fewer than two, one twice, no run folder, an unfinished run, or one of another version.
    """
    paths = [Path(folder) for folder in folders]
    if len(paths) < 2:
        raise ValueError(
            f"a comparison needs two runs or more; {len(paths)} came. Name another run folder."
        )
    known: dict[Path, Path] = {}
    for path in paths:
        if path.resolve() in known:
            raise ValueError(
                f"a comparison needs different runs; {path} and {known[path.resolve()]} are the"
                " same folder. Name another."
            )
        known[path.resolve()] = path
    return [_side(name, path) for name, path in zip(_short(list(known)), paths, strict=True)]


def _side(name: str, path: Path) -> Side:
    config = _config(path)
    folder = RunFolder.open(path)
    for file in ("evaluation.json", "provenance.json", "predictions.parquet"):
        if not (path / file).is_file():
            raise ValueError(
                f"a finished run has a file {file}; {path} has none. Take another copy of it, or"
                " train again."
            )
    provenance = folder.read_json("provenance.json")
    check(path / "provenance.json", provenance, Made)
    found = folder.read_json("evaluation.json")
    check(path / "evaluation.json", found, Found)
    try:
        evaluation = Evaluation.from_dict(found)
    except ValueError as error:
        raise ValueError(one_line(f"{path} cannot be compared: {error} Train again.")) from None
    return Side(name, folder, config, provenance, evaluation)


def _config(path: Path) -> dict[str, Any]:
    """config.toml, its table [samples] and the rest as one."""
    file = path / "config.toml"
    try:
        config = RunFolder(path).config
    except (ValueError, RecursionError) as error:  # of TOML, of UTF-8, of numbers
        raise ValueError(
            one_line(
                f"{file} must be the settings of a run; it cannot be read ({error})."
                " Take another copy, or train again."
            )
        ) from None
    samples = config.get("samples", {})
    asked = {**samples, **config} if isinstance(samples, dict) else config
    check(file, asked, Asked)
    return asked


def _short(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of paths that tell them apart.

    Examples
    --------
    >>> _short([Path("/data/a/run"), Path("/data/b/run")])
    ['a/run', 'b/run']
    """
    most = max(len(path.parts) for path in paths)
    for n in range(1, most):
        names = ["/".join(path.parts[-n:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def check_alike(runs: Sequence[Side]) -> None:
    """Raises ValueError where runs answer different questions."""
    first = runs[0]
    for other in runs[1:]:
        for what, one, two in zip(
            ("task", "answer", "classes"), _question(first), _question(other), strict=True
        ):
            if one != two and one and two:  # an answer need not have a name
                raise ValueError(
                    f"runs of one question can be compared; the {what} of {first.name}"
                    f" {'are' if what == 'classes' else 'is'} {one}, of {other.name} {two}."
                    " Train both for the same."
                )


def _question(run: Side) -> tuple[str, str, str]:
    e = run.evaluation
    answer = e.answer or {}
    unit = f" [{answer['unit']}]" if answer.get("unit") else ""
    return e.task, f"{answer.get('name', '')}{unit}", ", ".join(e.class_names)
