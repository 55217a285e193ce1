"""The sections of pictures: how each is drawn from the contents, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from baksan.report import plots
from baksan.report.blocks import Block, Gallery, Picture, Section, number
from baksan.report.contents import (
    Contents,
    class_names_of,
    evaluation_of,
    is_weighted,
    listed,
    shown_of,
)
from baksan.report.plots.classification import MOST_CLASSES, same_calibration, same_roc
from baksan.report.plots.descent import drawn_lines, full_batch, off_scale, samples_per_step
from baksan.report.plots.style import Series, numbers
from baksan.report.tables import (
    best_first,
    better_of,
    metric_title,
    value_text,
    weights_table,
)

Styles = Mapping[str, Series]

__all__ = [
    "MOST_METHODS", "bin_columns", "calibration", "confusion", "descent", "importance", "inputs",
    "merit_in_bins", "misses", "residuals", "roc", "roc_alt", "scores", "step_sizes", "weights",
]  # fmt: skip

MOST_METHODS = 8
_WIDE_CLASSES = 5


def _coincide(groups: Iterable[Sequence[str]], how: str) -> str:
    told = [f"{listed(group)} coincide nearly everywhere" for group in groups if len(group) > 1]
    return f" {'; '.join(told)}: {how}." if told else ""


def _for_both(draw: Callable[[bool], Figure], alt: str, caption: str) -> Picture:
    """A picture for wide screens and paper, and one for narrow screens: draw(narrow)."""
    return Picture(draw(False), alt, caption, draw(True))


# Descent ------------------------------------------------------------------------------------------


def descent(contents: Contents, styles: Styles) -> Section:
    """Loss against iteration and, where steps differ in cost, against samples seen."""
    histories, optimum = contents.get("histories") or {}, contents.get("optimum")
    drawn = {n: h for n, h in histories.items() if drawn_lines(h)}
    each = samples_per_step(drawn)
    blocks: list[Block] = []
    if drawn:
        blocks.append(_descents(drawn, optimum, styles, "step", _per_step(drawn, each)))
    seen = {n: h for n, h in histories.items() if drawn_lines(h, "seen")}
    # Where all steps see as many samples, the second picture would be the first again.
    if seen and not (drawn and each):
        blocks.append(_descents(seen, optimum, styles, "seen", _PER_SAMPLE))
    return Section("loss", "Loss against iteration", blocks)


def _descents(
    drawn: Contents, optimum: float | None, styles: Styles, against: Any, caption: str
) -> Picture:
    falls = f"Loss of {listed(drawn)} against {_AGAINST[against]}, falling from left to right."
    distance = _DISTANCE if optimum is not None else ""
    return _for_both(
        lambda narrow: plots.loss_against_iteration(
            drawn, optimum, against=against, styles=styles, narrow=narrow
        ),
        falls, caption + distance,
    )  # fmt: skip


_AGAINST = {"step": "iterations", "seen": "samples seen"}
_PER_SAMPLE = (
    "The same runs against the number of samples seen, which is what they cost: a full-batch step"
    " looks at every event, a stochastic step at one."
)
_DISTANCE = (
    " Second panel: the distance to the exact minimum; a straight fall means that each step removes"
    " a fixed share of it, a plateau that the steps are too big to settle."
)


def _per_step(histories: Contents, each: float | None) -> str:
    """How to read the loss against the step, as far as there are such lines."""
    kinds = {column for h in histories.values() for column in drawn_lines(h)}
    lines = ["full lines on the training sample"] if "loss" in kinds else []
    if "loss_progressive" in kinds:
        lines.append("faint lines as each step met it before learning from it")
    if "validation" in kinds:
        lines.append("dashed lines on events held back")
    caption = f"The mean loss Q after so many steps: {', '.join(lines)}."
    if {"loss", "validation"} <= kinds:
        caption += " A dashed line that turns up while the full line falls is overtraining."
    if each and each > 1 and each == round(each):
        caption += f" Each step sees {number(each)} events."
    if any(map(full_batch, histories.values())):
        caption += (
            " A full-batch step finds Q before it moves: it is drawn one step back, where the"
            " validation loss speaks of the same model."
        )
    return f"{caption} The start, at step 0, has no place on a logarithmic axis."


def step_sizes(contents: Contents) -> Section:
    """Descents at several rates, and their steps on the parabola of one weight."""
    steps = contents.get("steps") or {}
    runs = [r for r in steps.get("runs") or () if np.isfinite(numbers(r.get("loss"))).any()]
    blocks: list[Block] = []
    if runs:
        limit = steps.get("limit")
        alt = (
            f"Loss against step for {len(runs)} rates from {number(min(r['rate'] for r in runs))}"
            f" to {number(max(r['rate'] for r in runs))}, and the loss reached against the rate."
        )
        caption = (
            "First panel: the loss that each step meets; too small a rate creeps, a good one falls"
            " fast, too big a one grows without bound. Second panel: the loss at the end of each"
            " run"
        )
        caption += "; triangles lie off the scale." if off_scale(runs) else "."
        if limit is not None:
            caption += f" Beyond 2/L = {number(limit)} (dotted; dashed runs) each step overshoots."
        blocks.append(_for_both(
            lambda narrow: plots.small_and_big_steps(runs, limit, narrow=narrow), alt, caption
        ))  # fmt: skip
    if parabola := steps.get("parabola"):
        paths = parabola["paths"]
        label = str(parabola.get("label") or "weight w")
        blocks.append(_for_both(
            lambda narrow: plots.loss_over_weight(
                parabola["weight"], parabola["loss"], paths, label, narrow=narrow
            ),
            f"The loss as a parabola of one weight, with the steps of {len(paths)} rates on it.",
            "The loss as a function of one weight. From the black point each step goes downhill by"
            " rate × slope: small steps slide down one side, big ones cross the valley, and too big"
            " ones climb out of it.",
        ))  # fmt: skip
    title = str(steps.get("title") or "Small steps, big steps")
    return Section("steps", title, blocks)


# Classification -----------------------------------------------------------------------------------


def scores(contents: Contents) -> Section:
    """The score of each class, train over test, one picture a method."""
    held = {m: s for m, s in (contents.get("scores") or {}).items() if len(s["test"]["score"])}
    names = class_names_of(contents)
    several = any(np.ndim(s["test"]["score"]) > 1 for s in held.values())
    shown = best_first(evaluation_of(contents), list(held))[: 2 if several else MOST_METHODS]
    pictures = []
    for m in (n for n in held if n in shown):
        part = held[m]
        p_values = part.get("p_values") or ()
        said = "; ".join(
            f"{c} p = {p:.2g}" for c, p in zip(names, p_values, strict=False) if p is not None
        )
        alt = f"Score of {m} for each class, test as histogram, train as points. {said}".strip()
        pictures.append(_scores_of(part, names, m, alt, several))
    caption = (
        "How far the classes stand apart, and whether training events look like new ones: the"
        " filled histograms are test events, the points training events; end bins hold what lies"
        " beyond. Points above the histogram where the class is right mean overtraining. p is the"
        " Kolmogorov-Smirnov probability of a difference this large by chance; a small p is a flag,"
        " not a verdict."
    )
    if any(held[m].get("compared") for m in shown):
        caption += " In brackets the events that it compares: in training / in test."
    if several:
        caption += " One panel a class: its own score for its events and for all others."
        if len(names) > MOST_CLASSES:
            caption += f" The first {MOST_CLASSES} of {len(names)} classes."
    caption += shown_of(shown, list(held), "models")
    return Section("scores", "Scores, train over test", _gallery(pictures, caption))


def _scores_of(
    part: Mapping[str, Any], names: list[str], method: str, alt: str, several: bool
) -> Picture:
    def draw(narrow: bool) -> Figure:
        return plots.scores(
            part["train"], part["test"], names, part.get("p_values") or (), method,
            part.get("compared") or (), narrow,
        )  # fmt: skip

    return _for_both(draw, alt, method) if several else Picture(draw(False), alt, method)


def _gallery(pictures: list[Picture], caption: str) -> list[Block]:
    return [Gallery(pictures, caption)] if pictures else []


def roc(contents: Contents, styles: Styles) -> Section:
    """ROC curves, one picture for two classes, else one a class."""
    evaluation = evaluation_of(contents)
    by_class: dict[str, dict[str, Any]] = {}
    for model, held in (evaluation.get("curves") or {}).items():
        for curve in held.get("roc") or ():
            by_class.setdefault(str(curve["class"]), {})[model] = curve
    shown = list(by_class)[:MOST_CLASSES]
    if len(by_class) == 1:
        (curves,) = by_class.values()
        pictures = [_for_both(
            lambda narrow: plots.roc(curves, styles, narrow=narrow), roc_alt(shown[0], curves), ""
        )]  # fmt: skip
    else:
        pictures = [
            Picture(plots.roc(by_class[c], styles, c, narrow=True), roc_alt(c, by_class[c]), c)
            for c in shown
        ]
    caption = (
        "How much signal is kept (upwards) when this share of background passes (leftwards is"
        " purer, in powers of ten). Curves further up are better; bands hold 68 % of the bootstrap"
        " replicas. At the left end few background events are left."
    )
    if len(by_class) > 1:
        caption += " One panel a class, taken as signal against all others."
    if len(by_class) > len(shown):
        caption += f" The first {len(shown)} of {len(by_class)} classes."
    if len(by_class) == 1:
        caption += _coincide(same_roc(curves), "their dashes take turns")
    elif any(len(group) > 1 for c in shown for group in same_roc(by_class[c])):
        caption += " Where curves coincide, their dashes take turns."
    return Section("roc", "ROC", _gallery(pictures, caption))


def roc_alt(name: str, curves: Mapping[str, Any]) -> str:
    """What a ROC picture says to those who do not see it."""
    said = []
    for model, curve in curves.items():
        kept = np.interp(0.01, numbers(curve["background"]), numbers(curve["signal"]))
        said.append(f"{model} {kept:.2f}")
    return f"ROC curves for {name}. Signal kept at 1 % background: {', '.join(said)}."


def calibration(contents: Contents, styles: Styles) -> Section:
    """Observed shares against predicted probabilities."""
    held = evaluation_of(contents).get("curves") or {}
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
    several, weighted = len(class_names_of(contents)) > 2, is_weighted(contents)
    counted = "the sum of weights" if weighted else "how many events stand"
    caption = (
        "Does it rain on 70 % of the days with 70 % announced? Each point is a bin of events; below"
        " the diagonal a model promises too much, above it too little. Bars hold 68 % of the"
        f" bootstrap replicas; the lower panel shows {counted} behind each point."
    )
    if several:
        caption += " The probability is that of the likeliest class."
    caption += _coincide(same_calibration(curves), "their points lie on each other")
    picture = _for_both(
        lambda narrow: plots.calibration(
            curves, styles, events="Σw" if weighted else "events", narrow=narrow
        ),
        f"{alt}.", caption,
    )  # fmt: skip
    return Section("calibration", "Calibration", [picture])


def confusion(contents: Contents) -> Section:
    """One confusion matrix a method."""
    evaluation, names = evaluation_of(contents), class_names_of(contents)
    held = {m: c["confusion"] for m, c in (evaluation.get("curves") or {}).items()
            if c.get("confusion") is not None}  # fmt: skip
    most = MOST_METHODS if len(names) <= _WIDE_CLASSES else 1
    counted = "weights" if is_weighted(contents) else "events"
    shown = best_first(evaluation, list(held))[:most]
    pictures = []
    for m in (n for n in held if n in shown):
        matrix = np.asarray(held[m], dtype=float)
        right = np.trace(matrix) / max(matrix.sum(), 1e-300)
        alt = f"Confusion matrix of {m}: {100 * right:.1f} % of all {counted} on the diagonal."
        pictures.append(Picture(plots.confusion(matrix, names, m), alt, m))
    caption = (
        "Rows are true classes, columns what the model said; each cell has its"
        f" {'sum of weights Σw' if counted == 'weights' else 'events'} and its share of the row."
        " Blue is right, orange is wrong; stronger colour is a larger share."
    ) + shown_of(shown, list(held), "models")
    return Section("confusion", "Confusion", _gallery(pictures, caption))


# Regression ---------------------------------------------------------------------------------------


def residuals(contents: Contents, styles: Styles) -> Section:
    """Residuals and their profile along the answer, one picture a method."""
    evaluation = evaluation_of(contents)
    held = {m: r for m, r in (contents.get("residuals") or {}).items() if np.size(r["value"])}
    shown = best_first(evaluation, list(held))[:MOST_METHODS]
    pictures = [_residuals_of(evaluation, held[m], m, styles[m].colour) for m in held if m in shown]
    caption = (
        "First panel: prediction minus answer, with its median (the bias) and the central 68 %"
        " (whose half width is the resolution), as the table has them; end bins hold what lies"
        " beyond. Second panel: median and central 68 % along the answer, every step an equal"
        " number of events; a median that slopes means that small answers come out too large and"
        " large ones too small."
    )
    caption += _drawn_of(held, evaluation.get("events")) + shown_of(shown, list(held), "models")
    return Section("residuals", "Residuals", _gallery(pictures, caption))


def misses(contents: Contents, styles: Styles) -> Section:
    """How far directions or places are missed, all methods in one picture."""
    held = contents.get("misses") or {}
    if not held:
        return Section("misses", "Errors", [])
    one = next(iter(held.values()))
    what = "angle to the answer" if one["kind"] == "direction" else "distance from the answer"
    evaluation, label = evaluation_of(contents), f"{what} [{one['unit']}]"
    told = ", ".join(f"{m} {value_text(evaluation, m, 'within_68')}" for m in held)
    caption = (
        f"The share of the events whose {what} is smaller than what stands below. Dotted: 50, 68"
        " and 95 %, the figures of the table."
    )
    alt = f"Share of events against the {what}; 68 % of them lie within: {told} {one['unit']}."
    title = f"{what.capitalize()}"
    return Section("misses", title, [Picture(plots.misses(held, label, styles), alt, caption)])


def _residuals_of(evaluation: Contents, r: Contents, method: str, colour: str) -> Picture:
    bias, resolution = (value_text(evaluation, method, m) for m in ("bias", "resolution"))
    return _for_both(
        lambda narrow: plots.residuals(
            r["value"], r["answer"], r.get("weight"), r.get("unit") or "",
            r.get("name") or "answer", method, colour, bias, resolution, narrow,
        ),
        f"Residuals of {method}: histogram, and median and central 68 % along the answer."
        f" Bias {bias}, resolution {resolution}.", method,
    )  # fmt: skip


def _drawn_of(held: Contents, events: int | None) -> str:
    drawn = max((int(np.size(r["value"])) for r in held.values()), default=0)
    return f" Drawn: {number(drawn)} of {number(events)} events." if events else ""


def merit_in_bins(contents: Contents, styles: Styles) -> Section:
    """Figures of merit in bins of a quantity, one picture each."""
    evaluation = evaluation_of(contents)
    bins = evaluation.get("bins") or {}
    edges = numbers(bins.get("edges"))
    rows = [r for r in bins.get("rows") or () if r.get("value") is not None]
    name = str(bins.get("name") or "")
    label = f"{name} [{bins['unit']}]" if bins.get("unit") else name
    pictures = []
    for metric in dict.fromkeys(r["metric"] for r in rows):
        mine = [r for r in rows if r["metric"] == metric]
        curves = {
            m: bin_columns([r for r in mine if r["model"] == m], edges)
            for m in dict.fromkeys(r["model"] for r in mine)
        }
        title = metric_title(evaluation, metric)
        figure = plots.merit_in_bins(curves, label, title, styles)
        alt = f"{title} in {len(edges) - 1} bins of {name} for {listed(curves)}."
        pictures.append(Picture(figure, alt, title))
    caption = (
        f"Each figure of merit in bins of {name}, with 68 % bootstrap intervals: one number for all"
        " events is dominated by where most of them lie. Points of different models stand a little"
        " apart."
    )
    if outside := bins.get("outside"):
        caption += f" {number(outside)} events lie in no bin."
    return Section("bins", f"Figures of merit in bins of {name}", _gallery(pictures, caption))


def bin_columns(rows: Sequence[Mapping[str, Any]], edges: Any) -> dict[str, Any]:
    """The rows of one model and metric as columns, with the edges of their bins."""
    at = np.array([r["bin"] for r in rows], dtype=int)
    columns = {k: [r.get(k) for r in rows] for k in ("value", "low", "high")}
    return {"low_edge": edges[at], "high_edge": edges[at + 1], **columns}


# Features -----------------------------------------------------------------------------------------


def importance(contents: Contents, styles: Styles) -> Section:
    """Permutation importance of all methods."""
    held = {m: i for m, i in (contents.get("importance") or {}).items() if i.get("rows")}
    if not held:
        return Section("importance", "Permutation importance", [])
    evaluation = evaluation_of(contents)
    rows = {m: i["rows"] for m, i in held.items()}
    metric = next((str(i["metric"]) for i in held.values() if i.get("metric")), "")
    label = metric_title(evaluation, metric) if metric else ""
    better = better_of(evaluation, metric) or "higher"
    tops = ", ".join(
        f"{m} {max(r, key=lambda row: row.get('mean') or 0)['feature']}" for m, r in rows.items()
    )
    caption = (
        "How much worse each model becomes on test events when one feature is shuffled among them,"
        " with the standard error over the folds. Features that say the same share their"
        " importance, since each can stand in for the other."
    )
    alt = f"Permutation importance. Most important feature: {tops}."
    picture = _for_both(
        lambda narrow: plots.importance(rows, label, styles, better=better, narrow=narrow),
        alt, caption,
    )  # fmt: skip
    return Section("importance", "Permutation importance", [picture])


def weights(contents: Contents, styles: Styles) -> Section:
    """Weights of the linear methods, drawn and listed."""
    held = {m: rows for m, rows in (contents.get("weights") or {}).items() if rows}
    if not held:
        return Section("weights", "Weights", [])
    names = {id(r): _weight_name(r) for rows in held.values() for r in rows}
    named = {m: [{**r, "feature": names[id(r)]} for r in rows] for m, rows in held.items()}
    caption = (
        "Each weight times the standard deviation of its feature: what one typical step of the"
        " feature adds to the output. Bars are standard errors; a weight within its bar of 0 may"
        " as well be 0. Weights of correlated features may be large and of opposite sign."
    )
    alt = f"Standardised weights with errors of {listed(held)}."
    picture = _for_both(lambda narrow: plots.weights(named, styles, narrow=narrow), alt, caption)
    return Section("weights", "Weights", [picture, weights_table(held, names)])


def _weight_name(row: Mapping[str, Any]) -> str:
    """The feature, and the class where a model has weights for each."""
    return f"{row['feature']} for {row['class']}" if row.get("class") else str(row["feature"])


def inputs(contents: Contents) -> Section:
    """Histograms and correlations of the features."""
    held = contents.get("inputs") or {}
    if not np.size(held.get("x", ())):
        return Section("inputs", "Inputs and correlations", [])
    names, y, weight = list(held["features"]), held.get("y"), held.get("weight")
    classes = class_names_of(contents) if y is not None else []
    units = {f["name"]: f.get("unit") for f in (contents.get("data") or {}).get("features") or ()}
    labels = [f"{n} [{units[n]}]" if units.get(n) else n for n in names]
    scaled = ", every class scaled to equal area" if classes else ""
    together = (
        " A feature whose classes lie on top of each other may still help together with others."
        if classes
        else ""
    )
    blocks: list[Block] = [_for_both(
        lambda narrow: plots.inputs(held["x"], labels, y, classes, weight, narrow=narrow),
        f"Histograms of {min(len(names), 24)} features"
        + (f" for {listed(classes[:MOST_CLASSES])}." if classes else "."),
        f"How each feature spreads{scaled}; the end bins hold what lies beyond.{together}",
    )]  # fmt: skip
    if len(names) > 1:
        differs = " a correlation that differs between the classes is information itself."
        blocks.append(_for_both(
            lambda narrow: plots.correlations(held["x"], names, y, classes, weight, narrow),
            "Correlation matrices" + (f", one each for {listed(classes[:6])}." if classes else "."),
            "Pearson's correlation in percent: blue rise together, orange against each other."
            " Strong pairs carry nearly the same information"
            + (f";{differs}" if classes else "."),
        ))  # fmt: skip
    return Section("inputs", "Inputs and correlations", blocks)
