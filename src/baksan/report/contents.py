"""What several sections ask of the contents of a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Contents = Mapping[str, Any]

__all__ = [
    "Contents", "class_names_of", "evaluation_of", "is_weighted", "listed", "models_of", "shown_of",
]  # fmt: skip


def evaluation_of(contents: Contents) -> Contents:
    """The evaluation, empty where there is none."""
    return contents.get("evaluation") or {}


def models_of(contents: Contents) -> list[str]:
    """Every method that occurs anywhere, so that it keeps one colour through all pictures."""
    names = [r["model"] for r in evaluation_of(contents).get("table") or ()]
    names += [m["name"] for m in contents.get("methods") or ()]
    for key in ("histories", "scores", "importance", "weights", "residuals"):
        names += list(contents.get(key) or ())
    return list(dict.fromkeys(names))


def class_names_of(contents: Contents) -> list[str]:
    """The classes in order; none in a regression."""
    return list(contents.get("class_names") or evaluation_of(contents).get("class_names") or ())


def listed(names: Iterable[str]) -> str:
    """Names as one reads them.

    Examples
    --------
    >>> listed(["cuts", "trees", "forest"])
    'cuts, trees and forest'
    """
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def shown_of(shown: Sequence[str], of: Sequence[str], what: str) -> str:
    """The sentence that not all are shown; nothing where they are."""
    if len(shown) == len(of):
        return ""
    best = "the best" if len(shown) == 1 else f"the best {len(shown)}"
    return f" Shown: {best} of {len(of)} {what}."


def is_weighted(contents: Contents) -> bool:
    """Whether events count by their weights, so that sums of them are no numbers of events."""
    evaluation, data = evaluation_of(contents), contents.get("data") or {}
    held = [contents.get("inputs") or {}, *(contents.get("residuals") or {}).values()]
    held += [s.get("test") or {} for s in (contents.get("scores") or {}).values()]
    events, effective = evaluation.get("events"), evaluation.get("effective_events")
    return bool(
        data.get("weight_name")
        or any(part.get("weight") is not None for part in held)
        or (events and effective and effective < 0.999 * events)
    )
