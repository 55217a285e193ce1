"""From a finished run to what its report shows: plain dicts, lists and arrays.

The same content is kept in report.json, so that every picture can be drawn again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan import losses
from baksan.evaluate import Evaluation, plus_minus
from baksan.evaluate.vectors import kind_of, miss
from baksan.fit import completed, fit
from baksan.metrics import METRICS, Prediction, overtraining
from baksan.models.imputed import Imputed
from baksan.models.linear import Linear
from baksan.samples import Samples
from baksan.solvers.analytic import Analytic, covariance
from baksan.solvers.base import Events, Problem
from baksan.solvers.descent import Descent, GradientDescent
from baksan.solvers.gram import Gram
from baksan.solvers.rates import Steepness
from baksan.store.card import feature_cards
from baksan.stream import Stream
from baksan.train.certainty import certainty
from baksan.train.lineup import Method, Ours
from baksan.train.run import Run
from baksan.train.views import blocks_of

Array = NDArray[Any]

__all__ = ["contents", "sentence"]

_SHOWN_EVENTS = 4_000
_SHOWN_POINTS = 400


def contents(run: Run) -> dict[str, Any]:
    """What `baksan.report.page.render` takes, for this run."""
    X, source = run.X, run.source
    first = {name: parts[0] for name, parts in run.parts.items()}
    histories = _histories(run)
    numbers = not X.class_names and not kind_of(X)
    return {
        "title": source.title or f"{source.name}: {_aim(X)}",
        "summary": sentence(run),
        "created": run.provenance["created"],
        "task": X.task,
        "class_names": list(X.class_names),
        "data": _data(run),
        "methods": [
            {
                "name": m.name, "title": m.title or m.name, "description": m.description,
                "settings": m.settings,
                "message": " ".join(filter(None, [first[m.name].message, run.unsaved.get(m.name)])),
                "seconds": sum(part.seconds for part in run.parts[m.name]),
                "files": "" if m.name in run.unsaved else _file(m),
            }
            for m in run.methods
        ],
        "evaluation": run.evaluation.to_dict(),
        "histories": histories,
        "optimum": _optimum(run),
        "steps": None if X.negative_share or not _has_line(run) else _steps(_whole(X)),
        "scores": {n: _scores(run, n) for n in first} if X.class_names else {},
        "importance": {n: _importance(run, n) for n in first},
        "weights": {m.name: _weights(run, m) for m in run.methods if isinstance(m, Ours)},
        "inputs": _inputs(X),
        "residuals": {n: _residuals(run, n) for n in first} if numbers else {},
        "certainty": {n: certainty(run, n) for n in first} if numbers else {},
        "misses": {n: _misses(run, n) for n in first} if kind_of(X) else {},
        "provenance": run.provenance,
    }  # fmt: skip


def _has_line(run: Run) -> bool:
    return any(_is_linear(method) for method in run.methods)


def _is_linear(method: Method) -> bool:
    model = getattr(method, "model", None)
    return isinstance(model.of if isinstance(model, Imputed) else model, Linear)


def _whole(X: Samples) -> Samples:
    """The same events with what is missing filled in."""
    whole = completed(Imputed(), X)[1] if X.missing else X
    assert isinstance(whole, Samples)
    return whole


def _file(method: Method) -> str:
    return f"models/{method.name}.{'skops' if method.kind == 'sklearn' else 'baksan'}"


def _aim(X: Samples) -> str:
    if not X.class_names:
        return X.answer.name if X.answer else "regression"
    return (
        f"{X.class_names[1]} or {X.class_names[0]}"
        if len(X.class_names) == 2
        else ", ".join(X.class_names)
    )


def sentence(run: Run) -> str:
    """What a reader in a hurry takes away, two or three sentences."""
    X, e = run.X, run.evaluation
    metric = e.leading
    best = e.best(metric)
    row = e.row(best, metric)
    unit = f" {X.answer.unit}" if not X.class_names and X.answer and X.answer.unit else ""
    value = plus_minus(row["value"], row["low"], row["high"])
    reached = (
        f"{METRICS[metric].title} {value}{unit} on {len(run.tested):,} events that it was not"
        " trained on."
    )
    several = f"Of {len(run.methods)} methods the best is {best}, with {reached}"
    told = [several if len(run.methods) > 1 else f"{best} reaches {reached}"]
    if tied := _tied(e, metric, best):
        told.append(f"Within the errors it cannot be told apart from {', '.join(tied)}.")
    if len(X.class_names) == 2:
        kept = e.row(best, "signal_at_0.01")
        if kept["value"] is not None:
            told.append(
                f"At the cut that lets 1 % of the {X.class_names[0]} events pass it keeps"
                f" {100 * kept['value']:.1f} % of the {X.class_names[1]} events."
            )
    if run.left_out:
        told.append(f"Left out for the events of negative weight: {', '.join(run.left_out)}.")
    return " ".join([*told, *_streamed(run)])


def _streamed(run: Run) -> list[str]:
    """On which events the methods of a stream were trained and compared."""
    if not isinstance(run.events, Stream):
        return []
    read = f"The {len(run.events):,} events were read as a stream"
    if len(run.X) == len(run.events):
        return [f"{read}."]
    told = [f"{read}; methods are compared on a sample of {len(run.X):,} of them."]
    if held := [m.name for m in run.methods if not m.streams]:
        told.append(f"Trained on that sample alone, which fits in memory: {', '.join(held)}.")
    return told


def _tied(e: Evaluation, metric: str, best: str) -> list[str]:
    """Models whose difference from the best is within its error, or a hundredth of the best's."""
    row = e.row(best, metric)
    dust = 0.01 * (row["high"] - row["low"]) / 2
    return [
        d["a"] if d["b"] == best else d["b"]
        for d in e.differences
        if d["metric"] == metric
        and best in (d["a"], d["b"])
        and d["value"] is not None
        and (d["low"] <= 0 <= d["high"] or abs(d["value"]) < dust)
    ]


def _data(run: Run) -> dict[str, Any]:
    X, events, source = run.X, run.events, run.source
    return {
        "name": source.name,
        "source": source.location,
        "rows": len(events),
        "features": [
            {
                "name": f.name, "unit": f.unit, "description": f.description, "low": f.low,
                "high": f.high,
            }
            for f in feature_cards(events, {})
        ],
        "class_counts": events.class_counts,
        "effective_events": events.effective_events,
        "left_out": [*X.notes, *events.weight_notes],
        "citation": source.citation,
        "licence": source.licence,
        "group_rule": source.group_rule,
        "answer": {"name": X.answer.name, "unit": X.answer.unit} if X.answer else None,
        "weight_name": source.settings.get("weight"),
        "weight_mean": None if X.weight is None else float(events.mean_weight),
        "group_name": source.settings.get("group"),
        "group_count": None
        if X.group is None or isinstance(events, Stream)
        else len(np.unique(X.group)),
        "id": source.id,
    }  # fmt: skip


def _histories(run: Run) -> dict[str, dict[str, Array]]:
    """The first fold's descents, those of one loss: only their values can share a picture."""
    descents = [m for m in run.methods if isinstance(m, Ours) and isinstance(m.solver, Descent)]
    return {
        m.name: run.parts[m.name][0].history.to_dict()
        for m in descents
        if m.loss == descents[0].loss
    }


def _optimum(run: Run) -> float | None:
    """The exact minimum of the descents' loss on the first fold, where it is known.

    For the squared loss that of the analytic solution; else that of a full-batch descent whose
    gradient has fallen to 1e-6 of its start: Q − Q* is of the order of its square.
    """
    for m in run.methods:
        history = run.parts[m.name][0].history
        if not isinstance(m, Ours) or not len(history):
            continue
        if isinstance(m.solver, Analytic) and m.loss is losses.squared:
            return float(history["loss"][-1])
    for m in run.methods:
        history = run.parts[m.name][0].history
        if isinstance(m, Ours) and isinstance(m.solver, Descent) and m.solver.batch is None:
            gradient = history["gradient"]
            if gradient[-1] < 1e-6 * np.nanmax(gradient):
                return float(history["loss"][-1])
    return None


def _thinned(n: int, seed: int = 0) -> Array:
    """At most 4,000 of n rows, the same at each call."""
    if n <= _SHOWN_EVENTS:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, _SHOWN_EVENTS, replace=False))


def _short(values: Array) -> Array:
    """Six significant digits: enough for a picture, half the size of the file."""
    return np.array([float(f"{v:.6g}") for v in np.ravel(values)]).reshape(np.shape(values))


def _scores(run: Run, name: str) -> dict[str, Any]:
    part = run.parts[name][0]
    test = run.X.take(run.fold == 0)
    assert part.train is not None and part.train.score is not None
    assert part.prediction.score is not None
    train = run.X.take(part.train_rows)
    alike = overtraining(
        part.train.score, train.answers, part.prediction.score, test.answers, train.weight,
        test.weight,
    )  # fmt: skip
    classes = range(len(run.X.class_names))
    return {
        "train": _score_part(part.train, train),
        "test": _score_part(part.prediction, test),
        "p_values": [found.p for found in alike],
        "compared": [
            [int((train.answers == k).sum()), int((test.answers == k).sum())] for k in classes
        ],
    }


def _score_part(prediction: Prediction, X: Samples) -> dict[str, Any]:
    rows = _thinned(len(X))
    assert prediction.score is not None
    return {
        "score": _short(prediction.score[rows]),
        "y": X.answers[rows],
        "weight": None if X.weight is None else _short(X.weight[rows]),
    }


def _importance(run: Run, name: str) -> dict[str, Any]:
    parts = [part.importance for part in run.parts[name]]
    # One fold's shuffles share its events: folds are the independent repeats where there are any.
    falls = np.array([part.mean(axis=0) for part in parts]) if len(parts) > 1 else parts[0]
    mean = falls.mean(axis=0)
    error = falls.std(axis=0, ddof=1) / np.sqrt(len(falls))
    names = list(blocks_of(run.seen_by(name)))
    rows = [
        {"feature": f, "mean": float(m), "error": float(e)}
        for f, m, e in zip(names, mean, error, strict=True)
        if np.isfinite(m)
    ]
    metric = METRICS[run.evaluation.leading].title if kind_of(run.X) else "RMSE"
    return {"metric": "AUC" if run.X.class_names else metric, "rows": rows}


def _weights(run: Run, method: Ours) -> list[dict[str, Any]]:
    """Weights in the user's units with their errors, for a linear model."""
    model = run.models[method.name].model
    events: Events = run.events if method.streams else run.X
    if isinstance(model, Imputed):
        whole, events = completed(model, events)
        model = whole.of
    if not isinstance(model, Linear):
        return []
    X, classes = events, events.class_names
    if model.outputs > 1:
        return [
            {
                "feature": f.name, "unit": _per("", f.unit), "class": classes[k],
                "weight": float(model.weights[k, j]), "error": None,
                "standardised": float(model.matrix[k, j + 1]),
            }
            for k in range(model.outputs)
            for j, f in enumerate(X.features)
        ]  # fmt: skip
    errors = _errors(model, events, method)
    answer = X.answer.unit if X.answer and not classes else ""
    return [
        {
            "feature": f.name, "unit": _per(answer, f.unit), "weight": float(model.weights[j]),
            "error": None if errors is None else float(errors[j]),
            "standardised": float(model.matrix[0, j + 1]),
        }
        for j, f in enumerate(X.features)
    ]  # fmt: skip


def _errors(model: Linear, X: Events, method: Ours) -> Array | None:
    """Standard errors of the weights in the user's units, (d,), where the loss has a curvature,
    least squares have events to spare, groups are not spread over a stream, and negative weights
    have not kept the model from a minimum.
    """
    if method.loss.bend == 0.0 or len(X) <= model.parameters.size:
        return None
    if isinstance(X, Stream) and X.head.group is not None:
        return None
    try:
        spread = covariance(Problem(model, X, method.loss, method.penalty), model.parameters)
    except ValueError:
        if X.negative_share:
            return None
        raise
    return np.asarray(np.sqrt(np.diag(model.in_user_units(spread)))[1:])


def _per(answer: str, unit: str) -> str:
    """The unit of a weight: the answer's over the feature's."""
    if not unit:
        return answer
    return f"{answer or '1'}/{unit if unit.isalnum() else f'({unit})'}"


def _inputs(X: Samples) -> dict[str, Any]:
    rows = _thinned(len(X))
    return {
        "features": list(X.names),
        "x": _short(X.x[rows]),
        "y": X.answers[rows] if X.class_names else None,
        "weight": None if X.weight is None else _short(X.weight[rows]),
    }


def _misses(run: Run, name: str) -> dict[str, Any]:
    """By how much each tested event is missed, sorted, with the share of the weight below."""
    X, value = run.X.take(run.tested), run.predictions[name].value
    assert value is not None
    found = miss(kind_of(X), value, X.answers)
    order = np.argsort(found)
    share = np.cumsum(X.w[order]) / X.w.sum()
    some = np.unique(np.linspace(0, len(order) - 1, _SHOWN_POINTS).astype(int))
    return {
        "miss": _short(found[order][some]), "share": _short(share[some]),
        "kind": kind_of(X), "unit": X.answer.unit if X.answer else "",
    }  # fmt: skip


def _residuals(run: Run, name: str) -> dict[str, Any]:
    X = run.X.take(run.tested)
    rows = _thinned(len(X))
    value = run.predictions[name].value
    assert value is not None
    return {
        "value": _short(value[rows]),
        "answer": _short(X.answers[rows]),
        "weight": None if X.weight is None else _short(X.weight[rows]),
        "unit": X.answer.unit if X.answer else "",
        "name": X.answer.name if X.answer else "answer",
    }


def _steps(X: Samples) -> dict[str, Any]:
    """Gradient descent on least squares at rates from far too small to diverging."""
    loss = losses.squared_margin if X.class_names else losses.squared
    outputs = loss.outputs(X.answers, len(X.class_names))
    model = Linear().prepared(X.x, X.w, outputs)
    limit = Steepness.of(Problem(model, X, loss)).limit(None)
    runs = []
    for share in (0.01, 0.1, 0.5, 0.95, 1.05):
        found = fit(Linear(), X, loss, GradientDescent(rate=share * limit, steps=200))
        runs.append(
            {
                "label": f"{share:g} · 2/L", "rate": share * limit,
                "step": found.history["step"], "loss": found.history["loss"],
            }
        )  # fmt: skip
    one_varies = outputs == 1 and bool(np.ptp(X.x, axis=0).any())
    return {"runs": runs, "limit": limit, "parabola": _parabola(X) if one_varies else None}


def _parabola(X: Samples) -> dict[str, Any]:
    """Q against the weight of the feature that tells most, and the walks of three rates on it."""
    loss = losses.squared_margin if X.class_names else losses.squared
    t = loss.targets(X.answers)
    vary = np.flatnonzero(np.ptp(X.x, axis=0))
    tells = [abs(np.corrcoef(X.x[:, j], t)[0, 1]) for j in vary]
    name = X.names[vary[int(np.argmax(tells))]]
    one = X.select([name])
    model = Linear().prepared(one.x, one.w, 1)
    model = model.at_constant(loss.best_constant(one.answers, 1, one.weight))
    q = Gram.of(one, loss, 1).bowl(model).value
    limit, paths = Steepness.of(Problem(model, one, loss)).limit(None), []
    for share, label in ((0.1, "small steps"), (0.9, "big steps"), (1.03, "too big")):
        states = GradientDescent(rate=share * limit, steps=12).run(model, one, loss)
        walk = [model.parameters, *(state.parameters for state in states)]
        paths.append(
            {
                "label": f"{label}: {share:g} · 2/L", "weight": [w[1] for w in walk],
                "loss": [q(w) for w in walk],
            }
        )  # fmt: skip
    visited = [w for path in paths for w in path["weight"]]
    margin = 0.05 * np.ptp(visited)
    grid = np.linspace(min(visited) - margin, max(visited) + margin, 61)
    return {
        "weight": grid,
        "loss": [q(np.array([model.parameters[0], w])) for w in grid],
        "paths": paths,
        "label": f"weight of {name}, standardised",
    }
