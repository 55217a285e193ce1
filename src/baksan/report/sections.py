"""From contents to sections: what the report says, in which order, and how each picture is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from baksan.report import plots
from baksan.report.blocks import (
    Block,
    Cell,
    Definitions,
    Gallery,
    Notes,
    Picture,
    Section,
    flat,
    number,
    text_of,
)
from baksan.report.plots.classification import MOST_CLASSES
from baksan.report.plots.descent import has_points
from baksan.report.plots.style import Series, numbers
from baksan.report.tables import (
    best_first,
    differences_table,
    explanations,
    feature_table,
    methods_table,
    metric_title,
    models_tables,
    weights_table,
)

Contents = Mapping[str, Any]
Styles = Mapping[str, Series]

__all__ = ["facts", "sections"]

MOST_METHODS = 8
_WIDE_CLASSES = 5


def facts(contents: Contents) -> list[Cell]:
    """The numbers in the head of the page: events, classes, features, models."""
    data, evaluation = contents.get("data") or {}, contents.get("evaluation") or {}
    found = [Cell(number(data["rows"]), "events")] if data.get("rows") else []
    if not found and evaluation.get("events"):
        found.append(Cell(number(evaluation["events"]), "events"))
    counts = data.get("class_counts") or {}
    if len(counts) > _WIDE_CLASSES:
        found.append(Cell(number(len(counts)), "classes"))
    else:
        found += [Cell(number(n), str(name)) for name, n in counts.items()]
    effective = data.get("effective_events") or evaluation.get("effective_events")
    if effective and data.get("rows") and effective < 0.999 * data["rows"]:
        found.append(Cell(number(round(effective)), "effective events"))
    if data.get("features"):
        found.append(Cell(number(len(data["features"])), "features"))
    if models := _models(contents):
        found.append(Cell(number(len(models)), "models" if len(models) > 1 else "model"))
    return found


def sections(contents: Contents) -> list[Section]:
    """All sections that have something to show, in the order of the page."""
    styles = plots.series(_models(contents))
    made = (
        _compared(contents),
        _differences(contents),
        _methods(contents),
        _loss(contents, styles),
        _steps(contents),
        _scores(contents),
        _roc(contents, styles),
        _calibration(contents, styles),
        _confusion(contents),
        _residuals(contents, styles),
        _bins(contents, styles),
        _importance(contents, styles),
        _weights(contents, styles),
        _inputs(contents),
        _data(contents),
        _left_out(contents),
        _provenance(contents),
    )
    return [section for section in made if section.blocks]


def _evaluation(contents: Contents) -> Contents:
    return contents.get("evaluation") or {}


def _models(contents: Contents) -> list[str]:
    """Every method that occurs anywhere, so that it keeps one colour through all pictures."""
    names = [r["model"] for r in _evaluation(contents).get("table") or ()]
    names += [m["name"] for m in contents.get("methods") or ()]
    for key in ("histories", "scores", "importance", "weights", "residuals"):
        names += list(contents.get(key) or ())
    return list(dict.fromkeys(names))


def _class_names(contents: Contents) -> list[str]:
    return list(contents.get("class_names") or _evaluation(contents).get("class_names") or ())


def _and(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _only(shown: Sequence[str], of: Sequence[str], what: str) -> str:
    if len(shown) == len(of):
        return ""
    best = "the best" if len(shown) == 1 else f"the best {len(shown)}"
    return f" Shown: {best} of {len(of)} {what}."


# Tables -------------------------------------------------------------------------------------------


def _compared(contents: Contents) -> Section:
    evaluation = _evaluation(contents)
    blocks: list[Block] = []
    if evaluation.get("table"):
        blocks += models_tables(evaluation)
        if meaning := explanations(evaluation):
            blocks.append(meaning)
    lead = ""
    if folds := evaluation.get("folds"):
        lead = f"All values are for events that the model had not seen: {folds} folds, pooled."
    return Section("models", "Models compared", blocks, lead)


def _differences(contents: Contents) -> Section:
    table = differences_table(_evaluation(contents))
    return Section("differences", "Paired differences", [table] if table else [])


def _methods(contents: Contents) -> Section:
    methods = contents.get("methods")
    return Section("methods", "Methods and settings", [methods_table(methods)] if methods else [])


# Descent ------------------------------------------------------------------------------------------


def _loss(contents: Contents, styles: Styles) -> Section:
    histories = contents.get("histories") or {}
    optimum = contents.get("optimum")
    blocks: list[Block] = []
    for against, caption in (("step", _PER_STEP), ("seen", _PER_SAMPLE)):
        drawn = {n: h for n, h in histories.items() if has_points(h, against)}
        if not drawn:
            continue
        figure = plots.loss_against_iteration(drawn, optimum, against=against, styles=styles)  # type: ignore[arg-type]
        alt = f"Loss of {_and(drawn)} against {_AGAINST[against]}, falling from left to right."
        gap = _DISTANCE if optimum is not None else ""
        blocks.append(Picture(figure, alt, caption + gap))
    return Section("loss", "Loss against iteration", blocks)


_AGAINST = {"step": "iterations", "seen": "samples seen"}
_PER_STEP = (
    "The mean loss Q after each step: full lines on the training sample, faint lines as each step"
    " met it before learning from it, dashed lines on events held back. A dashed line that turns up"
    " while the full line falls is overtraining."
)
_PER_SAMPLE = (
    "The same runs against the number of samples seen, which is what they cost: a full-batch step"
    " looks at every event, a stochastic step at one."
)
_DISTANCE = (
    " Right: the distance to the exact minimum; a straight fall means that each step removes a"
    " fixed share of it, a plateau that the steps are too big to settle."
)


def _steps(contents: Contents) -> Section:
    steps = contents.get("steps") or {}
    runs = [r for r in steps.get("runs") or () if np.isfinite(numbers(r.get("loss"))).any()]
    blocks: list[Block] = []
    if runs:
        limit = steps.get("limit")
        figure = plots.small_and_big_steps(runs, limit)
        alt = (
            f"Loss against step for {len(runs)} rates from {number(min(r['rate'] for r in runs))}"
            f" to {number(max(r['rate'] for r in runs))}, and the loss reached against the rate."
        )
        caption = (
            "Left: too small a rate creeps, a good one falls fast, too big a one grows without"
            " bound. Right: the loss at the end of each run; triangles lie off the scale."
        )
        if limit is not None:
            caption += f" Beyond 2/L = {number(limit)} (dotted; dashed runs) each step overshoots."
        blocks.append(Picture(figure, alt, caption))
    if parabola := steps.get("parabola"):
        paths = parabola["paths"]
        label = str(parabola.get("label") or "weight w")
        figure = plots.loss_over_weight(parabola["weight"], parabola["loss"], paths, label)
        blocks.append(Picture(
            figure,
            f"The loss as a parabola of one weight, with the steps of {len(paths)} rates on it.",
            "The loss as a function of one weight. From the black point each step goes downhill by"
            " rate × slope: small steps slide down one side, big ones cross the valley, and too big"
            " ones climb out of it.",
        ))  # fmt: skip
    title = str(steps.get("title") or "Small steps, big steps")
    return Section("steps", title, blocks)


# Classification -----------------------------------------------------------------------------------


def _scores(contents: Contents) -> Section:
    held = {m: s for m, s in (contents.get("scores") or {}).items() if len(s["test"]["score"])}
    names = _class_names(contents)
    several = any(np.ndim(s["test"]["score"]) > 1 for s in held.values())
    shown = best_first(_evaluation(contents), list(held))[: 2 if several else MOST_METHODS]
    pictures = []
    for m in (n for n in held if n in shown):
        part = held[m]
        p_values = part.get("p_values") or ()
        figure = plots.scores(part["train"], part["test"], names, p_values, m)
        said = "; ".join(
            f"{c} p = {p:.2g}" for c, p in zip(names, p_values, strict=False) if p is not None
        )
        alt = f"Score of {m} for each class, test as histogram, train as points. {said}".strip()
        pictures.append(Picture(figure, alt, m))
    caption = (
        "How far the classes stand apart, and whether training events look like new ones: the"
        " filled histograms are test events, the points training events; end bins hold what lies"
        " beyond. Points above the histogram where the class is right mean overtraining. p is the"
        " Kolmogorov-Smirnov probability of a difference this large by chance; a small p is a flag,"
        " not a verdict."
    )
    if several:
        caption += " One panel a class: its own score for its events and for all others."
        if len(names) > MOST_CLASSES:
            caption += f" The first {MOST_CLASSES} of {len(names)} classes."
    caption += _only(shown, list(held), "models")
    return Section("scores", "Scores, train over test", _gallery(pictures, caption))


def _gallery(pictures: list[Picture], caption: str) -> list[Block]:
    return [Gallery(pictures, caption)] if pictures else []


def _roc(contents: Contents, styles: Styles) -> Section:
    evaluation = _evaluation(contents)
    by_class: dict[str, dict[str, Any]] = {}
    for model, held in (evaluation.get("curves") or {}).items():
        for curve in held.get("roc") or ():
            by_class.setdefault(str(curve["class"]), {})[model] = curve
    shown = list(by_class)[:MOST_CLASSES]
    pictures = [
        Picture(
            plots.roc(by_class[c], styles, title=c if len(by_class) > 1 else "",
                      narrow=len(by_class) > 1),
            _roc_alt(c, by_class[c]), c,
        )
        for c in shown
    ]  # fmt: skip
    caption = (
        "How much signal is kept (upwards) when this share of background passes (leftwards is"
        " purer, in powers of ten). Curves further up are better; bands hold 68 % of the bootstrap"
        " replicas. At the left end few background events are left."
    )
    if len(by_class) > 1:
        caption += " One panel a class, taken as signal against all others."
    if len(by_class) > len(shown):
        caption += f" The first {len(shown)} of {len(by_class)} classes."
    return Section("roc", "ROC", _gallery(pictures, caption))


def _roc_alt(name: str, curves: Mapping[str, Any]) -> str:
    said = []
    for model, curve in curves.items():
        kept = np.interp(0.01, numbers(curve["background"]), numbers(curve["signal"]))
        said.append(f"{model} {kept:.2f}")
    return f"ROC curves for {name}. Signal kept at 1 % background: {', '.join(said)}."


def _calibration(contents: Contents, styles: Styles) -> Section:
    held = _evaluation(contents).get("curves") or {}
    curves = {m: c["calibration"] for m, c in held.items() if c.get("calibration")}
    if not curves:
        return Section("calibration", "Calibration", [])
    gaps = {
        m: float(np.nanmax(np.abs(numbers(c["observed"]) - numbers(c["predicted"])), initial=0))
        for m, c in curves.items()
    }
    alt = "Observed share against predicted probability. Largest gap: " + ", ".join(
        f"{m} {gap:.2f}" for m, gap in gaps.items()
    )
    several = len(_class_names(contents)) > 2
    caption = (
        "Does it rain on 70 % of the days with 70 % announced? Each point is a bin of events; below"
        " the diagonal a model promises too much, above it too little. Bars hold 68 % of the"
        " bootstrap replicas; the lower panel shows how many events stand behind each point."
    )
    if several:
        caption += " The probability is that of the likeliest class."
    figure = plots.calibration(curves, styles)
    return Section("calibration", "Calibration", [Picture(figure, f"{alt}.", caption)])


def _confusion(contents: Contents) -> Section:
    evaluation, names = _evaluation(contents), _class_names(contents)
    held = {m: c["confusion"] for m, c in (evaluation.get("curves") or {}).items()
            if c.get("confusion") is not None}  # fmt: skip
    most = MOST_METHODS if len(names) <= _WIDE_CLASSES else 1
    shown = best_first(evaluation, list(held))[:most]
    pictures = []
    for m in (n for n in held if n in shown):
        matrix = np.asarray(held[m], dtype=float)
        right = np.trace(matrix) / max(matrix.sum(), 1e-300)
        alt = f"Confusion matrix of {m}: {100 * right:.1f} % of all events on the diagonal."
        pictures.append(Picture(plots.confusion(matrix, names, m), alt, m))
    caption = (
        "Rows are true classes, columns what the model said; each cell has its events and its"
        " share of the row. Blue is right, orange is wrong; stronger colour is a larger share."
    ) + _only(shown, list(held), "models")
    return Section("confusion", "Confusion", _gallery(pictures, caption))


# Regression ---------------------------------------------------------------------------------------


def _residuals(contents: Contents, styles: Styles) -> Section:
    held = {m: r for m, r in (contents.get("residuals") or {}).items() if np.size(r["value"])}
    shown = best_first(_evaluation(contents), list(held))[:MOST_METHODS]
    pictures = []
    for m in (n for n in held if n in shown):
        r = held[m]
        figure = plots.residuals(
            r["value"], r["answer"], r.get("weight"), r.get("unit") or "",
            r.get("name") or "answer", m, styles[m].colour,
        )  # fmt: skip
        alt = f"Residuals of {m}: histogram, and median and central 68 % along the answer."
        pictures.append(Picture(figure, alt, m))
    caption = (
        "Left: prediction minus answer, with its median (the bias) and the central 68 % (whose half"
        " width is the resolution). Right: the same along the answer, every step an equal number of"
        " events; a median that slopes means that small answers come out too large and large ones"
        " too small."
    ) + _only(shown, list(held), "models")
    return Section("residuals", "Residuals", _gallery(pictures, caption))


def _bins(contents: Contents, styles: Styles) -> Section:
    evaluation = _evaluation(contents)
    bins = evaluation.get("bins") or {}
    edges = numbers(bins.get("edges"))
    rows = [r for r in bins.get("rows") or () if r.get("value") is not None]
    name = str(bins.get("name") or "")
    label = f"{name} [{bins['unit']}]" if bins.get("unit") else name
    pictures = []
    for metric in dict.fromkeys(r["metric"] for r in rows):
        mine = [r for r in rows if r["metric"] == metric]
        curves = {
            m: _bin_columns([r for r in mine if r["model"] == m], edges)
            for m in dict.fromkeys(r["model"] for r in mine)
        }
        title = metric_title(evaluation, metric)
        figure = plots.merit_in_bins(curves, label, title, styles)
        alt = f"{title} in {len(edges) - 1} bins of {name} for {_and(curves)}."
        pictures.append(Picture(figure, alt, title))
    caption = (
        f"Each figure of merit in bins of {name}, with 68 % bootstrap intervals: one number for all"
        " events is dominated by where most of them lie. Points of different models stand a little"
        " apart."
    )
    if outside := bins.get("outside"):
        caption += f" {number(outside)} events lie in no bin."
    return Section("bins", f"Figures of merit in bins of {name}", _gallery(pictures, caption))


def _bin_columns(rows: Sequence[Mapping[str, Any]], edges: Any) -> dict[str, Any]:
    at = np.array([r["bin"] for r in rows], dtype=int)
    columns = {k: [r.get(k) for r in rows] for k in ("value", "low", "high")}
    return {"low_edge": edges[at], "high_edge": edges[at + 1], **columns}


# Features -----------------------------------------------------------------------------------------


def _importance(contents: Contents, styles: Styles) -> Section:
    held = {m: i for m, i in (contents.get("importance") or {}).items() if i.get("rows")}
    if not held:
        return Section("importance", "Permutation importance", [])
    evaluation = _evaluation(contents)
    rows = {m: i["rows"] for m, i in held.items()}
    metric = next((str(i["metric"]) for i in held.values() if i.get("metric")), "")
    figure = plots.importance(rows, metric_title(evaluation, metric) if metric else "", styles)
    tops = ", ".join(
        f"{m} {max(r, key=lambda row: row.get('mean') or 0)['feature']}" for m, r in rows.items()
    )
    caption = (
        "How much worse each model becomes on test events when one feature is shuffled among them,"
        " with the standard error over repetitions. Features that say the same share their"
        " importance, since each can stand in for the other."
    )
    alt = f"Permutation importance. Most important feature: {tops}."
    return Section("importance", "Permutation importance", [Picture(figure, alt, caption)])


def _weights(contents: Contents, styles: Styles) -> Section:
    held = {m: rows for m, rows in (contents.get("weights") or {}).items() if rows}
    if not held:
        return Section("weights", "Weights", [])
    names = {id(r): _weight_name(r) for rows in held.values() for r in rows}
    named = {m: [{**r, "feature": names[id(r)]} for r in rows] for m, rows in held.items()}
    figure = plots.weights(named, styles)
    caption = (
        "Each weight times the standard deviation of its feature: what one typical step of the"
        " feature adds to the output. Bars are standard errors; a weight within its bar of 0 may"
        " as well be 0. Weights of correlated features may be large and of opposite sign."
    )
    alt = f"Standardised weights with errors of {_and(held)}."
    blocks: list[Block] = [Picture(figure, alt, caption), weights_table(held, names)]
    return Section("weights", "Weights", blocks)


def _weight_name(row: Mapping[str, Any]) -> str:
    """The feature, and the class where a model has weights for each."""
    return f"{row['feature']} for {row['class']}" if row.get("class") else str(row["feature"])


def _inputs(contents: Contents) -> Section:
    held = contents.get("inputs") or {}
    if not np.size(held.get("x", ())):
        return Section("inputs", "Inputs and correlations", [])
    names, y, weight = list(held["features"]), held.get("y"), held.get("weight")
    classes = _class_names(contents) if y is not None else []
    units = {f["name"]: f.get("unit") for f in (contents.get("data") or {}).get("features") or ()}
    labels = [f"{n} [{units[n]}]" if units.get(n) else n for n in names]
    blocks: list[Block] = [Picture(
        plots.inputs(held["x"], labels, y, classes, weight),
        f"Histograms of {min(len(names), 24)} features"
        + (f" for {_and(classes[:MOST_CLASSES])}." if classes else "."),
        "How each feature spreads, every class scaled to equal area; the end bins hold what lies"
        " beyond. A feature whose classes lie on top of each other may still help together with"
        " others.",
    )]  # fmt: skip
    if len(names) > 1:
        blocks.append(Picture(
            plots.correlations(held["x"], names, y, classes, weight),
            "Correlation matrices" + (f", one each for {_and(classes[:6])}." if classes else "."),
            "Pearson's correlation in percent: blue rise together, orange against each other."
            " Strong pairs carry nearly the same information; a correlation that differs between"
            " the classes is information itself.",
        ))  # fmt: skip
    return Section("inputs", "Inputs and correlations", blocks)


# The data and where it comes from -----------------------------------------------------------------


def _data(contents: Contents) -> Section:
    data = contents.get("data") or {}
    titles = {
        "name": "Name", "source": "Source", "rows": "Events", "class_counts": "Classes",
        "effective_events": "Effective events", "group_rule": "Kept together",
        "citation": "Citation", "licence": "Licence",
    }  # fmt: skip
    entries = [(title, _told(data[k])) for k, title in titles.items() if data.get(k)]
    blocks: list[Block] = [Definitions(entries)] if entries else []
    if data.get("features"):
        blocks.append(feature_table(data["features"]))
    return Section("data", "The data", blocks)


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{number(n)} {name}" for name, n in value.items())
    return number(value) if isinstance(value, int | float) else text_of(value)


def _left_out(contents: Contents) -> Section:
    lines = [str(line) for line in (contents.get("data") or {}).get("left_out") or ()]
    blocks: list[Block] = [Notes(lines, as_list=True)] if lines else []
    return Section("left-out", "What was left out", blocks)


def _provenance(contents: Contents) -> Section:
    entries = list(flat(contents.get("provenance") or {}))
    blocks: list[Block] = [Definitions(entries)] if entries else []
    return Section(
        "provenance", "Provenance", blocks,
        "What was run, on what, with which versions: enough to do it again.",
    )  # fmt: skip
