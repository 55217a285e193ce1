"""The section on how sure methods are: coverage of their intervals per bin, and pulls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baksan.report.blocks import Block, Cell, Gallery, Notes, Picture, Section, Table
from baksan.report.contents import Contents, evaluation_of, listed, shown_of
from baksan.report.plots import intervals
from baksan.report.plots.style import Series, numbers, series
from baksan.report.tables import best_first

__all__ = ["certainty"]

MOST_METHODS = 8
_WAYS = ("as predicted", "one margin", "margin by bin")


def certainty(contents: Contents, styles: Mapping[str, Series]) -> Section:
    """Coverage per bin of the predicted value, and pulls of the methods that tell a spread."""
    held = contents.get("certainty") or {}
    told = {m: h for m, h in held.items() if h.get("ways")}
    shown = best_first(evaluation_of(contents), list(told))[:MOST_METHODS]
    blocks: list[Block] = []
    if told:
        blocks.append(_table(told))
    if binned := {m: h for m, h in told.items() if m in shown and _bins(h) > 1}:
        pictures = [_coverage(m, h) for m, h in binned.items()]
        blocks.append(Gallery(pictures, _COVERAGE + shown_of(shown, list(told), "models")))
    if pulled := {m: h for m, h in told.items() if h.get("pulls") and m in shown}:
        pictures = [_pulls(m, h, styles[m].colour) for m, h in pulled.items()]
        blocks.append(Gallery(pictures, _PULLS))
    if reasons := dict.fromkeys(h["note"] for h in held.values() if h.get("note")):
        without = {r: listed(m for m, h in held.items() if h.get("note") == r) for r in reasons}
        blocks.append(Notes([f"No intervals for {m}: {r}" for r, m in without.items()], True))
    return Section("certainty", "How sure", blocks, _LEAD if told else "")


_LEAD = (
    "Intervals of each fold's events are as wide as errors on the events of the other folds tell"
    " that they must be (cross-conformal prediction): no event has a say in its own interval."
)
_COVERAGE = (
    "Share of the answers within 68 % intervals in bins of the predicted value, with binomial 68 %"
    " errors, and below the median width of the intervals. One margin, the same for all events (in"
    " units of the spread where the model tells one), holds its promise on the average, but not"
    " where errors are larger or smaller than it supposes; a margin by bin does. As predicted: the"
    " model's own quantiles, or a Gaussian with its spread."
)
_PULLS = (
    "Pulls, (answer − prediction) / spread: honest errors give the dashed Gaussian, a mean of 0 and"
    " a width of 1 in every bin. A width above 1 says that the model is too sure. The end bins hold"
    " what lies beyond five."
)


def _ordered(ways: Contents) -> list[str]:
    return [w for w in _WAYS if w in ways]


def _bins(h: Contents) -> int:
    return len(h["ways"]["one margin"]["68 %"]["bins"]["share"])


def _table(told: Mapping[str, Contents]) -> Table:
    """All events, and the range over the bins, for each method, way and promise."""
    levels = list(dict.fromkeys(c for h in told.values() for w in h["ways"].values() for c in w))
    head = [Cell("model"), Cell("intervals"), *(Cell(c, is_number=True) for c in levels)]
    rows = [
        [Cell(m), Cell(way), *(_cell(h["ways"][way].get(c)) for c in levels)]
        for m, h in told.items()
        for way in _ordered(h["ways"])
    ]
    return Table(
        "Coverage: the share of answers within intervals that promise 68, 90 and 95 %",
        head, rows, ["Below: the lowest and the highest share in bins of the predicted value."],
    )  # fmt: skip


def _cell(found: Contents | None) -> Cell:
    if not found:
        return Cell("–", is_number=True)
    whole, shares = found["whole"], numbers(found["bins"]["share"])
    error = 50 * (whole["high"] - whole["low"])
    ends = f"{100 * shares.min():.0f} … {100 * shares.max():.0f} %" if len(shares) > 1 else ""
    return Cell(f"{100 * whole['share']:.1f} ± {error:.1f} %", ends, is_number=True)


def _label(h: Contents) -> str:
    return f"predicted {h['name']}" + (f" [{h['unit']}]" if h["unit"] else "")


def _coverage(method: str, h: Contents) -> Picture:
    curves: dict[str, Any] = {w: next(iter(h["ways"][w].values())) for w in _ordered(h["ways"])}
    styles = series(_WAYS)
    figure = intervals.coverage(
        {w: found["bins"] for w, found in curves.items()},
        next(iter(curves.values()))["promised"], _label(h), h["unit"], styles, method,
    )  # fmt: skip
    said = ", ".join(
        f"{w} {100 * numbers(found['bins']['share']).min():.0f} to"
        f" {100 * numbers(found['bins']['share']).max():.0f} %"
        for w, found in curves.items()
    )
    return Picture(figure, f"Coverage of 68 % intervals of {method} over the bins: {said}.", method)


def _pulls(method: str, h: Contents, colour: str) -> Picture:
    p = h["pulls"]
    mean, width = (
        f"{p['whole'][k]:.2f} ± {p['whole'][f'{k}_error']:.2f}".replace("-", "−")
        for k in ("mean", "width")
    )

    def drawn(narrow: bool) -> Any:
        return intervals.pulls(
            p["z"], p["weight"], p["bins"], _label(h), method, colour, mean, width, narrow
        )

    alt = f"Pulls of {method}: mean {mean}, width {width}."
    return Picture(drawn(False), alt, method, drawn(True))
