"""compare: run folders → Comparison. What differs, in what was asked and in what came out of it.

`runs` opens the folders, `asked` says what differs in their settings, `events` which tested events
they have in common, `difference` by how much figures differ, `words` says whether that is fair,
`result` what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from baksan.compare.asked import asked
from baksan.compare.difference import paired_differences, unpaired_differences
from baksan.compare.events import Common, in_common
from baksan.compare.result import Comparison, Row
from baksan.compare.runs import Side, check_alike, sides
from baksan.compare.words import fairness
from baksan.evaluate import Evaluation, evaluate

__all__ = ["Comparison", "compare"]

_DRAWN = 4_000


def compare(
    *runs: Path | str,
    replicas: int = 500,
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> Comparison:
    """Set finished runs side by side: each method of the later ones against that of the first.

    Events that all runs tested are told by id and answer. On 100 of them or more, all figures are
    found again, and a difference of two figures is that in the same bootstrap replicas, as in
    `evaluate`: what the events have in common cancels. Otherwise the figures are those of each run,
    and the error of a difference is √(σ_a² + σ_b²).

    Parameters
    ----------
    *runs : path
        Two run folders or more, finished, of the same task, answer and classes.
    replicas : int
        How many bootstrap replicas, at least 2.
    seed : int
        Theirs.
    progress : callable, optional
        Called as progress(done, total) after each replica.

    Raises
    ------
    FileNotFoundError
        A folder is none of a run.
    ValueError
        An unfinished run, one of another version, one twice, fewer than two; runs of different
        tasks, answers or classes.

    Examples
    --------
    >>> import baksan as bk
    >>> from tempfile import TemporaryDirectory
    >>> from baksan.simulate import telescope
    >>> X = telescope.events(400, seed=1).samples(answer="class", signal="gamma", id="event")
    >>> with TemporaryDirectory() as folder:
    ...     for seed in (0, 1):
    ...         run = bk.train(X, ["linear-analytic"], folds=2, seed=seed, threads=1, replicas=20,
    ...                        report=False, out=f"{folder}/seed-{seed}")
    ...     found = compare(f"{folder}/seed-0", f"{folder}/seed-1", replicas=50)
    >>> found.paired, found.events
    (True, 400)
    >>> [row["values"] for row in found.asked]
    [['0', '1']]
    """
    opened = sides(runs)
    check_alike(opened)
    common = in_common(opened)
    if len(common):
        X, predictions = common.samples(opened), common.predictions(opened)
        told = {_key(*named): prediction for named, prediction in predictions.items()}
        together = evaluate(told, X, replicas=replicas, seed=seed, progress=progress)
        views = [_of_run(together, k) for k in range(len(opened))]
        differences = paired_differences(views, together, _key)
    else:
        views = [run.evaluation for run in opened]
        differences = unpaired_differences(views)
    names, rows = [run.name for run in opened], asked(opened)
    return Comparison(
        runs=[_about(run) for run in opened],
        asked=rows,
        notes=fairness(opened, common, rows),
        events=len(common),
        replicas=replicas if len(common) else None,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        task=views[0].task,
        class_names=views[0].class_names,
        answer=views[0].answer,
        metrics={k: v for k, v in views[0].metrics.items()
                 if all(k in view.metrics for view in views)},
        figures=[{"run": n, **row} for n, view in zip(names, views, strict=True)
                 for row in view.table],
        differences=[{**row, "run": names[row["run"]], "base": names[0]} for row in differences],
        curves={n: view.curves for n, view in zip(names, views, strict=True)},
        bins={n: view.bins for n, view in zip(names, views, strict=True)},
        residuals={} if views[0].class_names else _residuals(opened, common),
    )  # fmt: skip


def _key(k: int, model: str) -> str:
    return f"{k} {model}"


def _of_run(together: Evaluation, k: int) -> Evaluation:
    """The part of an evaluation of all runs that is of run k, by the names of its methods."""
    head = _key(k, "")

    def own(rows: Sequence[Row]) -> list[Row]:
        return [{**r, "model": r["model"].removeprefix(head)} for r in rows
                if r["model"].startswith(head)]  # fmt: skip

    bins = together.bins
    return replace(
        together, table=own(together.table), differences=[],
        curves={m.removeprefix(head): c for m, c in together.curves.items() if m.startswith(head)},
        bins=None if bins is None else {**bins, "rows": own(bins["rows"])},
    )  # fmt: skip


def _about(run: Side) -> Row:
    """What the page says of a run itself."""
    return {
        "name": run.name,
        "folder": str(run.folder.path),
        "tested": run.evaluation.events,
        "methods": run.models,
        **{k: run.provenance.get(k) for k in ("created", "command", "baksan")},
    }


def _residuals(runs: Sequence[Side], common: Common) -> dict[str, dict[str, Row]]:
    """By method and run, prediction and answer of at most 4,000 tested events."""
    found: dict[str, dict[str, Row]] = {}
    for k, run in enumerate(runs):
        rows = common.rows[k] if len(common) else np.arange(run.evaluation.events)
        rows = rows[:: -(-len(rows) // _DRAWN)]
        held = {name: run.tested[name][rows] for name in ("answer", "weight")}
        for model in run.models:
            value = run.predicted(model)[rows]
            found.setdefault(model, {})[run.name] = {"value": value, **held}
    return found
