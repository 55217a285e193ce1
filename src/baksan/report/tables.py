"""The tables of the report: models, paired differences, methods, weights, features."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from baksan.report.blocks import Cell, Definitions, Notes, Table, number, rounded, text_of

Row = Mapping[str, Any]

__all__ = [
    "MOST_WEIGHTS", "best_first", "better_of", "difference_cell", "differences_table",
    "explanations", "feature_table", "figure_cell", "leading_metric", "methods_table",
    "metric_title", "models_tables", "settings_of", "value_text", "weights_table",
]  # fmt: skip

MOST_WEIGHTS = 40
ARROWS = {"higher": "↑", "lower": "↓", "zero": "→0"}
_WORDS = {"higher": "larger is better", "lower": "smaller is better", "zero": "nearest 0 is best"}
_IN_DIFFERENCES = (
    "auc", "background_at_0.5", "signal_at_0.01", "q_factor", "log_loss",
    "bias", "resolution", "rmse", "mae", "r2",
)  # fmt: skip
_PROBABILITIES = ("brier", "log_loss", "ece")
_TOLD_APART = 0.01
"""Two figures that differ by less than this share of their errors are not told apart."""


# Models -------------------------------------------------------------------------------------------


def models_tables(evaluation: Row) -> list[Table | Notes]:
    """Models × metrics, in two or three tables of about six metrics each, and how to read them."""
    cells = {(r["model"], r["metric"]): r for r in evaluation.get("table", ())}
    models = list(dict.fromkeys(model for model, _ in cells))
    names = list(dict.fromkeys(metric for _, metric in cells))
    tables: list[Table | Notes] = []
    for caption, group in _groups(names, str(evaluation.get("task"))):
        head = [Cell("model"), *(_metric_head(evaluation, cells, models, m) for m in group)]
        best = {m: _best(evaluation, cells, models, m) for m in group}
        rows = [
            [Cell(model), *(figure_cell(cells.get((model, m)), model in best[m]) for m in group)]
            for model in models
        ]
        tables.append(Table(caption, head, rows, _reasons(cells, group)))
    return [*tables, Notes([_how_to_read(evaluation)])]


def _groups(names: Sequence[str], task: str) -> list[tuple[str, list[str]]]:
    working = [n for n in names if n.startswith("signal_at_")]
    promised = [n for n in names if n in _PROBABILITIES]
    other = [n for n in names if n not in working and n not in promised]
    apart = "How well the classes are told apart"
    near = "How far the predictions lie from the answers"
    groups = [
        (near if task == "regression" else apart, other),
        ("Signal kept when a fixed share of background passes", working),
        ("Are the probabilities right?", promised),
    ]
    return [(caption, group) for caption, group in groups if group]


def _described(evaluation: Row, metric: str) -> Row:
    """What the evaluation says of a metric, by its name or by its title."""
    metrics = evaluation.get("metrics") or {}
    titled = (m for m in metrics.values() if m.get("title") == metric)
    found: Row = metrics.get(metric) or next(titled, {})
    return found


def better_of(evaluation: Row, metric: str) -> str:
    """'higher', 'lower' or 'zero'; '' where nothing is said."""
    return str(_described(evaluation, metric).get("better") or "")


def metric_title(evaluation: Row, metric: str) -> str:
    """What a metric is called, with its unit; its bare name where nothing is said."""
    described = _described(evaluation, metric)
    title, unit = str(described.get("title") or metric), described.get("unit")
    return f"{title} [{unit}]" if unit else title


def _better(
    evaluation: Row, cells: Mapping[tuple[str, str], Row], models: Sequence[str], m: str
) -> str:
    said = better_of(evaluation, m)
    return said or str(next((cells[a, m].get("better") for a in models if (a, m) in cells), ""))


def _metric_head(
    evaluation: Row, cells: Mapping[tuple[str, str], Row], models: Sequence[str], m: str
) -> Cell:
    better = _better(evaluation, cells, models, m)
    arrow = ARROWS.get(better, "")
    return Cell(
        f"{metric_title(evaluation, m)} {arrow}".strip(), note=_WORDS.get(better, ""),
        is_number=True,
    )  # fmt: skip


def _finite(value: Any) -> bool:
    return value is not None and math.isfinite(float(value))


def _best(
    evaluation: Row, cells: Mapping[tuple[str, str], Row], models: Sequence[str], m: str
) -> list[str]:
    """The models with the best value, all of them if equal; none if there is one model only."""
    worth = {"higher": lambda v: v, "lower": lambda v: -v, "zero": lambda v: -abs(v)}
    better = _better(evaluation, cells, models, m)
    known = {
        a: worth[better](float(cells[a, m]["value"]))
        for a in models
        if better in worth and (a, m) in cells and _finite(cells[a, m].get("value"))
    }
    if len(known) < 2:
        return []
    top = max(known.values())
    return [a for a, v in known.items() if v == top]


def figure_cell(row: Row | None, best: bool = False) -> Cell:
    """A figure of merit with its interval below, and its spread over folds where it is known."""
    if row is None or not _finite(row.get("value")):
        return Cell("–", is_number=True, note=str((row or {}).get("reason") or "not known"))
    show = rounded(row["value"], row.get("low"), row.get("high"))
    below = []
    if _finite(row.get("low")) and _finite(row.get("high")):
        below.append(f"{show(row['low'])} … {show(row['high'])}")
    if _finite(row.get("fold_spread")):
        spread = float(row["fold_spread"])
        beside = max(abs(row["value"]), _error(row))
        below.append(f"folds ± {rounded(spread, 0, 2 * spread, beside=beside)(spread)}")
    counts = row.get("counts") or {}
    if counts.get("background_left") is not None:
        below.append(f"{number(counts['background_left'])} background left")
    return Cell(show(row["value"]), "\n".join(below), best, is_number=True)


def _error(row: Row | None) -> float:
    """The larger side of the interval; 0 where there is none."""
    if row is None or not all(_finite(row.get(k)) for k in ("value", "low", "high")):
        return 0.0
    return float(max(row["high"] - row["value"], row["value"] - row["low"]))


def value_text(evaluation: Row, model: str, metric: str) -> str | None:
    """A figure as its table prints it; None where it does not exist."""
    for row in evaluation.get("table", ()):
        if row["model"] == model and row["metric"] == metric and _finite(row.get("value")):
            return rounded(row["value"], row.get("low"), row.get("high"))(row["value"])
    return None


def _reasons(cells: Mapping[tuple[str, str], Row], group: Sequence[str]) -> list[str]:
    """Why values are missing, each reason once."""
    found: dict[str, list[str]] = {}
    for (model, metric), row in cells.items():
        if metric in group and row.get("reason") and not _finite(row.get("value")):
            models = found.setdefault(str(row["reason"]), [])
            models += [] if model in models else [model]
    return [f"– {', '.join(models)}: {reason}." for reason, models in found.items()]


def _how_to_read(evaluation: Row) -> str:
    replicas, folds = evaluation.get("replicas"), evaluation.get("folds")
    drawn = " of groups" if _grouped(evaluation) else ""
    parts = [
        "↑ larger is better, ↓ smaller is better, →0 nearest to 0 is best; the best value of a"
        " column is marked.",
        "Below each value: its 68 % interval"
        + (f" from {number(replicas)} bootstrap replicas{drawn}" if replicas else ""),
    ]
    if folds:
        parts[-1] += f", and the standard deviation over the {folds} folds"
    return f"{parts[0]} {parts[1]}."


def _grouped(evaluation: Row) -> bool:
    groups, events = evaluation.get("groups"), evaluation.get("events")
    return bool(groups and events and groups < events)


def explanations(evaluation: Row) -> Definitions | None:
    """What each metric means, in the words of the evaluation; None where it says nothing."""
    names = list(dict.fromkeys(r["metric"] for r in evaluation.get("table", ())))
    entries = [
        (metric_title(evaluation, m), str(_described(evaluation, m)["explanation"]))
        for m in names
        if _described(evaluation, m).get("explanation")
    ]
    return Definitions(entries, wide=False, title="What the figures mean") if entries else None


def leading_metric(evaluation: Row) -> str | None:
    """The metric that ranks the models: AUC, resolution, or the first there is."""
    names = [r["metric"] for r in evaluation.get("table", ())]
    return next((m for m in ("auc", "resolution", "accuracy", "rmse", *names) if m in names), None)


def best_first(evaluation: Row, names: Sequence[str]) -> list[str]:
    """These models, best by the leading metric first; unknown ones last, in their order."""
    metric = leading_metric(evaluation)
    rows = [r for r in evaluation.get("table", ()) if r["metric"] == metric]
    sign = -1.0 if rows and rows[0].get("better") == "higher" else 1.0
    worth = {r["model"]: sign * abs(float(r["value"])) for r in rows if _finite(r.get("value"))}
    return sorted(names, key=lambda n: worth.get(n, math.inf))


# Paired differences -------------------------------------------------------------------------------


def differences_table(evaluation: Row) -> Table | None:
    """Each model minus the best one, from the same replicas; None without differences."""
    rows = evaluation.get("differences") or ()
    models = list(dict.fromkeys(r["model"] for r in evaluation.get("table", ())))
    if not rows or len(models) < 2:
        return None
    best = best_first(evaluation, models)[0]
    cells = {(r["model"], r["metric"]): r for r in evaluation["table"]}
    pairs: dict[tuple[str, str], tuple[Any, Any, Any]] = {}
    for r in rows:
        if r["b"] == best:
            pairs[r["a"], r["metric"]] = (r.get("value"), r.get("low"), r.get("high"))
        elif r["a"] == best:
            turned = (r.get("value"), r.get("high"), r.get("low"))
            pairs[r["b"], r["metric"]] = tuple(None if v is None else -v for v in turned)  # type: ignore[assignment]
    names = dict.fromkeys(metric for _, metric in pairs)
    shown = [m for m in names if m in _IN_DIFFERENCES] or list(names)[:5]
    head = [Cell(f"minus {best}"), *(Cell(metric_title(evaluation, m), is_number=True)
                                     for m in shown)]  # fmt: skip
    body = [
        [
            Cell(model),
            *(
                difference_cell(pairs.get((model, m)), cells.get((model, m)), cells.get((best, m)))
                for m in shown
            ),
        ]
        for model in models
        if model != best
    ]
    return Table(
        f"Differences from {best}, the best by {metric_title(evaluation, shown[0])}"
        if leading_metric(evaluation) == shown[0]
        else f"Differences from {best}",
        head,
        body,
        [
            "Both models see the same replicas, so what they have in common cancels: these 68 %"
            " intervals are narrower than those of the single values. ≈ where the two cannot be"
            " told apart: the interval holds 0, or the difference is less than 1 % of the errors of"
            " the figures themselves; ≈ 0 where the interval lies within that 1 % too."
        ],
    )


def difference_cell(found: tuple[Any, Any, Any] | None, one: Row | None, other: Row | None) -> Cell:
    """A difference (value, low, high) of two figures, which are given too.

    One digit more than the two figures have themselves, at most: the rest is dust.
    """
    if found is None or not _finite(found[0]):
        return Cell("–", is_number=True)
    value, low, high = found
    error = max(_error(one), _error(other))
    beside = max(abs(float((row or {}).get("value") or 0)) for row in (one, other))
    dust = _TOLD_APART * error
    if not (_finite(low) and _finite(high)):
        return Cell(_signed(number(value)), is_number=True)
    if max(abs(value), abs(low), abs(high)) <= dust:
        return Cell("≈ 0", is_number=True)
    show = rounded(value, low, high, least=0.1 * error, beside=beside)
    same = "≈ " if low <= 0 <= high or abs(value) <= dust else ""
    return Cell(
        same + _signed(show(value)), f"{_signed(show(low))} … {_signed(show(high))}",
        is_number=True,
    )  # fmt: skip


def _signed(text: str) -> str:
    return text if text.startswith(("−", "–")) or not text.strip("0.") else f"+{text}"


# Methods, weights, features -----------------------------------------------------------------------


def settings_of(settings: Any) -> str:
    """Settings as one line, long decimals shortened: 'rate = 0.1, tolerance=7.77e-07'."""
    text = text_of(settings) if settings else ""
    return re.sub(r"\d+\.\d{5,}(e[+-]?\d+)?", lambda found: f"{float(found[0]):.3g}", text)


def methods_table(methods: Sequence[Row]) -> Table:
    """How each model was made: settings, why it stopped, how long it took, where it is."""
    optional = [k for k in ("seconds", "files") if any(m.get(k) for m in methods)]
    titles = {"seconds": "time [s]", "files": "files"}
    head = [Cell("method"), Cell("what it is"), Cell("how it ended"),
            *(Cell(titles[k], is_number=k == "seconds") for k in optional)]  # fmt: skip
    rows = []
    for m in methods:
        about = str(m.get("description") or m.get("title") or "")
        row = [Cell(str(m["name"])), Cell(about, settings_of(m.get("settings"))),
               Cell(str(m.get("message") or "–"))]  # fmt: skip
        for k in optional:
            text = number(m.get(k), 3) if k == "seconds" else text_of(m.get(k) or "–")
            row.append(Cell(text, is_number=k == "seconds"))
        rows.append(row)
    return Table("How each model was made", head, rows)


def weights_table(weights: Mapping[str, Sequence[Row]], names: Mapping[int, str]) -> Table:
    """Weights in the user's units with errors: features down, methods across.

    `names` gives the label of each row by its `id`, as `sections` made it.
    """
    held = {m: {names[id(r)]: r for r in rows} for m, rows in weights.items()}
    every = list(dict.fromkeys(n for rows in held.values() for n in rows))
    size = {n: max(abs(float(r[n].get("standardised") or 0)) for r in held.values() if n in r)
            for n in every}  # fmt: skip
    shown = sorted(every, key=lambda n: -size[n])[:MOST_WEIGHTS]
    units = {names[id(r)]: r.get("unit") for rows in weights.values() for r in rows}
    head = [Cell("feature"), Cell("unit of the weight"), *(Cell(m, is_number=True) for m in held)]
    body = [
        [Cell(n), Cell(str(units[n] or "–")),
         *(_weight(rows.get(n)) for rows in held.values())]
        for n in shown
    ]  # fmt: skip
    notes = (
        [f"The {len(shown)} largest of {len(every)} weights."] if len(every) > len(shown) else []
    )
    return Table("Weights in the units of the features, with standard errors", head, body, notes)


def _weight(row: Row | None) -> Cell:
    if row is None or not _finite(row.get("weight")):
        return Cell("–", is_number=True)
    value, error = float(row["weight"]), row.get("error")
    if error is None or not _finite(error) or not error:
        return Cell(number(value), is_number=True)
    show = rounded(value, value - float(error), value + float(error))
    return Cell(show(value), f"± {show(error)}", is_number=True)


def feature_table(features: Sequence[Row]) -> Table:
    """What each feature is: unit, range, missing values; columns of which something is known."""
    heads = {"unit": "unit", "low": "lowest", "high": "highest", "missing": "missing",
             "description": "what it is"}  # fmt: skip
    words = ("unit", "description")
    known = [k for k in heads if any(f.get(k) not in (None, "") for f in features)]
    head = [Cell("feature"), *(Cell(heads[k], is_number=k not in words) for k in known)]
    rows = [
        [Cell(str(f["name"])),
         *(Cell(str(f.get(k) or "–")) if k in words else Cell(number(f.get(k)), is_number=True)
           for k in known)]
        for f in features
    ]  # fmt: skip
    return Table(f"The {len(features)} features", head, rows)
