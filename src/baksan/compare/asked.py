"""What differs in what runs were asked for: a row for each setting that is not the same in all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from baksan.compare.runs import Side

Row = dict[str, Any]

__all__ = ["asked", "differ"]

_SETTINGS = {
    "source": ("the data", "data set"), "sha256": ("the data", "SHA-256"),
    "events": ("the events", "events"), "compared": ("the events", "events compared"),
    "answer": ("the answer", "answer"), "signal": ("the answer", "signal"),
    "weight": ("the weights", "weights"), "group": ("the groups", "groups"),
    "id": ("the names of events", "names of events"), "where": ("the events", "events kept"),
    "features": ("the features", "features"), "folds": ("the folds", "folds"),
    "test": ("the folds", "share tested"), "seed": ("the seed", "seed"),
    "methods": ("the methods", ""), "bin_by": ("the bins", "bins by"),
    "replicas": ("the replicas", "bootstrap replicas"),
    "allow_changed": ("the data", "changed files allowed"),
}  # fmt: skip
"""Of each setting of config.toml what it is of, and what it is called."""
_MACHINE = {
    "python": "Python", "system": "system", "processor": "processor", "cores": "cores",
    "threads": "threads",
}  # fmt: skip


def asked(runs: Sequence[Side]) -> list[Row]:
    """Rows {of, what, values: one text a run} of what differs, versions and machines last.

    `of` is one of 'the data', 'the events', 'the features', 'the methods', 'the versions' …
    """
    rows = [*_settings(runs), *_versions(runs)]
    return [row for row in rows if len(set(row["values"])) > 1]


def differ(rows: Sequence[Row]) -> list[str]:
    """What the rows are of, each once."""
    return list(dict.fromkeys(row["of"] for row in rows))


def _settings(runs: Sequence[Side]) -> Iterator[Row]:
    for key, (of, what) in _SETTINGS.items():
        held = [run.config.get(key) for run in runs]
        if key == "features":
            yield {"of": of, "what": what, "values": _features([list(v or ()) for v in held])}
        elif key in ("sha256", "methods"):
            none = "not read" if key == "sha256" else "not trained"
            yield from _by_name(of, what, [dict(v or {}) for v in held], none)
        else:
            yield {"of": of, "what": what, "values": [_text(v) for v in held]}


def _by_name(of: str, what: str, held: Sequence[dict[str, Any]], none: str) -> Iterator[Row]:
    for name in dict.fromkeys(name for each in held for name in each):
        values = [str(each.get(name, none)) for each in held]
        yield {"of": of, "what": f"{what} {name}".strip(), "values": values}


def _features(held: Sequence[list[str]]) -> list[str]:
    """How many there are, and which of all of them lack; named where only their order differs."""
    every = list(dict.fromkeys(name for names in held for name in names))
    if all(set(names) == set(every) for names in held):
        return [", ".join(names) for names in held]
    told = []
    for names in held:
        lacking = [name for name in every if name not in names]
        told.append(f"{len(names)}" + (f": all but {', '.join(lacking)}" if lacking else ""))
    return told


def _versions(runs: Sequence[Side]) -> Iterator[Row]:
    version = [_text(run.config.get("baksan")) for run in runs]
    yield {"of": "the versions", "what": "baksan", "values": version}
    held = [dict(run.provenance.get("packages") or {}) for run in runs]
    yield from _by_name("the versions", "", held, "–")
    for key, what in _MACHINE.items():
        values = [_text(run.provenance.get(key)) for run in runs]
        of = "the versions" if key == "python" else "the machine"
        yield {"of": of, "what": what, "values": values}


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
