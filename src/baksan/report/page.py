"""The report: contents in, one offline HTML file out.

The page fetches nothing, needs no JavaScript, and follows the reader's light or dark setting; on
paper it is light. What the contents do not hold is left out.

    summary → models compared → how they learned → pictures → the data → what was left out →
    provenance
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any

import jinja2
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from baksan.report import agreement, comparison
from baksan.report import showers as on_ground
from baksan.report.blocks import Cell, Picture, Section
from baksan.report.plots.style import COLOURS, DARK, INK, MUTED, PAPER, RULE
from baksan.report.sections import facts, sections

__all__ = ["agreed", "compared", "render", "showers"]


def render(contents: Mapping[str, Any]) -> str:
    """The report as one HTML string.

    Parameters
    ----------
    contents : mapping
        Plain nested dicts, lists and arrays; None and NaN are unknown. `title` and `summary` are
        needed, each other key may be missing:

        created, task, class_names
        data : {name, source, rows, features: [{name, unit, description, low, high, missing}],
            class_counts, effective_events, left_out: [sentence], citation, licence, group_rule,
            answer: {name, unit}, weight_name, weight_mean, group_name, group_count, id}
        methods : [{name, title, description, settings, message, seconds, files}]
        evaluation : `Evaluation.to_dict()`
        histories : {method: {step, seen, epoch, loss, loss_progressive, validation}}, as
            `History.to_dict()`
        optimum : the exact minimum of their loss
        steps : {title, runs: [{label, rate, step or seen, loss}], limit: 2/L,
            parabola: {label, weight, loss, paths: [{label, weight, loss}]}}
        scores : {method: {train, test: {score, y, weight}, p_values: one a class,
            compared: [events in train, in test] for each of these p}}
        importance : {method: {metric, rows: [{feature, mean, error}]}}
        weights : {method: [{feature, class, unit, weight, error, standardised}]}; `unit` that
            of the weight, `class` where a model has weights for each
        inputs : {features: [name], x (n, d), y, weight}
        residuals : {method: {value, answer, weight, unit, name}}
        misses : {method: {miss, share, kind, unit}}, rising, of directions and positions
        certainty : {method: {name, unit, ways: {way: {level: {promised, whole, bins}}}, pulls}}, or
            {method: {note}} where there are no intervals; see `baksan.train.certainty`
        provenance : nested dict

    Raises
    ------
    KeyError
        There is no title or no summary.

    Examples
    --------
    >>> html = render({"title": "Gamma or hadron", "summary": "The forest is best. By far."})
    >>> "<h1>Gamma or hadron</h1>" in html
    True
    """
    for key in ("title", "summary"):
        if not contents.get(key):
            raise KeyError(f"a report needs {key!r}; the contents hold {', '.join(contents)}.")
    return _written(contents, facts(contents), sections(contents))


def compared(contents: Mapping[str, Any]) -> str:
    """The page of a comparison of runs as one HTML string, in the style of the report.

    Parameters
    ----------
    contents : mapping
        `baksan.compare.Comparison.to_dict()`.
    """
    return _written(contents, comparison.facts(contents), comparison.sections(contents))


def showers(contents: Mapping[str, Any]) -> str:
    """The page of a production as one HTML string, in the style of the report.

    Parameters
    ----------
    contents : mapping
        `baksan.produce.account.account(path)`.
    """
    kept, thrown = contents["kept"], contents["thrown"]
    summary = (
        f"Of {thrown:,} simulated showers {kept:,} trigger ({kept / thrown:.1%}). What the standard"
        " reconstruction makes of them follows."
    )
    told = {"summary": summary, **contents}
    return _written(told, on_ground.facts(contents), on_ground.sections(contents))


def agreed(contents: Mapping[str, Any]) -> str:
    """The page of an agreement as one HTML string, in the style of the report.

    Parameters
    ----------
    contents : mapping
        `baksan.agreement.page.contents(…)`.
    """
    return _written(contents, agreement.facts(contents), agreement.sections(contents))


def _written(
    contents: Mapping[str, Any], facts: Sequence[Cell], sections: Sequence[Section]
) -> str:
    """The head of the page and its sections; the first sentence leads."""
    lead, *rest = re.split(r"(?<=[.!?])\s+(?=[A-Z])", str(contents["summary"]), maxsplit=1)
    return _template().render(
        title=contents["title"],
        lead=lead,
        rest="".join(rest),
        created=_moment(contents.get("created")),
        facts=facts,
        sections=sections,
        colours=_colours(),
        figure=_Drawing(),
        numbered=_Numbers(),
    )


def _moment(created: Any) -> str:
    """A moment as people write it; what is no ISO 8601 moment stays as it is."""
    text = str(created or "")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{moment.day} {moment:%B %Y, %H:%M} {moment.tzname() or ''}".rstrip()


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("baksan.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["symbols"] = _symbols
    environment.filters["breakable"] = _breakable
    return environment.get_template("report.html")


def _symbols(text: str) -> Markup:
    """ε_s and ε_b with their index below the line."""
    safe = str(escape(text))
    for index in "sb":
        safe = safe.replace(f"ε_{index}", f"ε<sub>{index}</sub>")
    return Markup(safe)


def _breakable(text: Markup) -> Markup:
    """A name of several words may go on in a new line after each _ of it."""
    return Markup(str(text).replace("_", "_<wbr>"))


def _colours() -> dict[str, dict[str, str]]:
    """The CSS variables of the light and of the dark page."""
    names = {"ink": INK, "muted": MUTED, "rule": RULE, "paper": PAPER}
    names |= {f"c{k}": colour for k, colour in enumerate(COLOURS)}
    return {"light": names, "dark": {name: DARK[colour] for name, colour in names.items()}}


class _Numbers:
    """Figure 1, 2 … and Table 1, 2 …, in the order of the page."""

    def __init__(self) -> None:
        self._next = {"Figure": count(1), "Table": count(1)}

    def __call__(self, what: str) -> str:
        return f"{what} {next(self._next[what])}"


class _Drawing:
    """Inline SVG with ids of its own for each picture of a page."""

    def __init__(self) -> None:
        self._key = count(1)

    def __call__(self, picture: Picture, figure: Figure) -> Markup:
        return Markup(picture.svg(figure, f"f{next(self._key)}"))

    @staticmethod
    def widest(figure: Figure) -> float:
        """How wide a figure is set at most, in rem: two narrow ones fill the column."""
        return round(float(figure.get_figwidth()) * 7.12, 1)

    @staticmethod
    def narrowest(picture: Picture) -> float:
        """Below this width, in rem, a picture is scrolled rather than shrunk, if it has no figure
        for narrow screens.
        """
        fits = picture.narrow or picture.small is not None
        return 0 if fits else round(float(picture.figure.get_figwidth()) * 4.7, 1)
