"""Where the events of a run come from: X of the command line → events and what is known of them.

X is a file, a folder, or a name of the catalogue; see `baksan.data.load`. What is too large for the
memory becomes a Stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from baksan.data import Loaded, blocks, footprint, load
from baksan.data.expressions import columns, features_of, formula_of, made_of, texts_among
from baksan.data.formats import files_of
from baksan.data.loading import is_file
from baksan.data.streaming import open_stream
from baksan.data.vectors import parts_of, with_vector
from baksan.describe import marks_in
from baksan.evaluate import BinBy
from baksan.memory import available
from baksan.models.array.columns import AXIS
from baksan.samples import Feature, Samples
from baksan.solvers.base import Events
from baksan.stream import Stream
from baksan.table import Table
from baksan.table.filling import check_marks, signed

__all__ = ["Opened", "Source", "from_table", "open_samples", "open_table", "too_large"]

_BINS = 10
_COPIES = 8
"""How many times its table's bytes a training takes at most, measured: what reading leaves, the
features, those of a fold, what methods make of them."""

Make = Callable[..., Any]
"""(features=…, **choices) → the events, Samples or Stream."""


@dataclass(frozen=True)
class Source:
    """What repeats, explains and applies a run beyond the samples themselves."""

    name: str = "samples"
    title: str = ""
    location: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)
    citation: str = ""
    licence: str = ""
    group_rule: str = ""
    id: str | None = None
    """The column that names events."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """The columns that the features are made of, and their units."""
    formulas: Mapping[str, str] = field(default_factory=dict)
    """The features that are computed, and how."""
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The columns of text among the inputs, and the texts that they hold."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """How the samples were asked for; config.toml keeps it."""

    @classmethod
    def of(cls, X: Events) -> Source:
        """What events tell by themselves: which columns their features are made of, and how."""
        formulas, inputs = made_of(X.features)
        marks = list(X.head.marks)
        return cls(
            inputs=inputs, formulas=formulas, texts=texts_among(X.features),
            settings={"marks": marks} if marks else {},
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Opened:
    """Events, their source, and the variable to bin figures of merit by."""

    samples: Events
    """Samples, or a Stream where one was asked for."""
    source: Source
    bin_by: BinBy | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out or changed on the way here."""
        X = self.samples
        notes = X.survey.notes if isinstance(X, Stream) else X.notes
        return (*notes, *X.weight_notes)


def too_large(x: str) -> str:
    """Why the events of X are to be read as a stream; "" if memory holds them."""
    needed, free = _COPIES * footprint(x), available()
    if needed <= free:
        return ""
    return (
        f"a training on them in memory would take about {needed / 1e9:.3g} GB, and"
        f" {free / 1e9:.3g} GB may be used"
    )


def open_samples(
    x: str,
    *,
    answer: str | None = None,
    signal: str | None = None,
    features: Sequence[str] | None = None,
    weight: str | None = None,
    group: str | None = None,
    id: str | None = None,
    where: str | None = None,
    bin_by: str | None = None,
    marks: Sequence[float] = (),
    impute: bool = False,
    allow_changed: bool = False,
    stations: bool = False,
    stream: bool = False,
    progress: Callable[[str], object] | None = None,
) -> Opened:
    """The samples of a file, a folder or a catalogue name; options as in `Loaded.samples`.

    `bin_by` is a column or formula; figures of merit are given in ten bins of equal counts of it.
    `marks` are numbers that stand for missing values; with `impute` events that lack features are
    kept, and each model fills them in. With `stations`, unless `features` are named, what networks
    for arrays see is among them: the standard axis and the vectors of detectors. With `stream` the
    same events come as a Stream, whose survey has been made. `progress` is told what is being done.
    Errors as `baksan.data.load` and `Loaded.samples`; ValueError for a file without `answer`, or
    for a part of a data set that has no answers.
    """
    settings = {
        "answer": answer, "signal": signal, "features": list(features) if features else None,
        "weight": weight, "group": group, "id": id, "where": where, "bin_by": bin_by,
        "marks": list(marks), "impute": impute, "allow_changed": allow_changed,
        "stations": stations,
    }  # fmt: skip
    check_marks(marks)
    if not (stream and is_file(x)):
        loaded = load(x, allow_changed=allow_changed, progress=progress)
    else:  # its first block tells all that is asked of a table
        loaded = Loaded(next(iter(blocks(x))), files=tuple(files_of(x)))
    loaded = replace(loaded, table=loaded.table.unmarked(marks, _used(loaded, settings)))
    make = partial(open_stream, x, allow_changed=allow_changed, progress=progress, marks=marks)
    opened = _opened(loaded, x, settings, progress, make if stream else None)
    _ = opened.notes
    return opened


def _used(loaded: Loaded, settings: Mapping[str, Any]) -> set[str] | None:
    """The columns that the events are made of; None for all."""
    if (wanted := loaded.wanted(_listed(settings["features"]))) is None:
        return None
    formulas = [text for text in (*wanted, settings["where"], settings["bin_by"]) if text]
    held = loaded.table.columns
    made = {c for text in formulas for c in ([text] if text in held else columns(text))}
    roles = ("answer", "signal", "weight", "group", "id")
    choices = loaded.choices({role: settings[role] for role in roles})
    made |= {choices[role] for role in roles if role != "signal" and choices[role]}
    vector = parts_of(settings["answer"] or "")
    return made | set(vector[1] if vector else ())


def from_table(table: Table, *, name: str, title: str = "", **settings: Any) -> Opened:
    """The samples of a table that was made in memory; settings as in `open_samples`."""
    opened = _opened(Loaded(table), name, settings)
    source = Source(**{**vars(opened.source), "title": title, "location": table.source})
    return Opened(opened.samples, source, opened.bin_by)


def open_table(
    x: str,
    *,
    where: str | None = None,
    marks: Sequence[float] = (),
    allow_changed: bool = False,
    progress: Callable[[str], object] | None = None,
) -> Loaded:
    """The table of a file, a folder or a catalogue name, perhaps some of its rows."""
    loaded = load(x, allow_changed=allow_changed, progress=progress, marks=marks)
    return loaded.kept(where) if where else loaded


def _opened(
    loaded: Loaded,
    name: str,
    settings: Mapping[str, Any],
    progress: Callable[[str], object] | None = None,
    make: Make | None = None,
) -> Opened:
    entry = loaded.entry
    if not (entry and entry.answer) and not settings.get("answer"):
        raise ValueError(
            f"{loaded.table.source}: which column is the answer? There are"
            f" {', '.join(loaded.table.names)}. Name it with --answer (answer=…)."
        )
    _check_answer(loaded, settings.get("answer"))
    table, parts = with_vector(loaded.table, settings.get("answer") or "")
    if parts and make is not None:
        raise ValueError(
            f"{table.source}: {settings['answer']} is learned from events in memory; as a stream it"
            " cannot be. Take fewer events with --where, or --no-stream."
        )
    loaded = replace(loaded, table=table)
    answer = settings.get("answer") or (entry.answer if entry else "")
    known = ("answer", "signal", "weight", "group", "id", "where", "impute")
    chosen = {k: settings[k] for k in known if k in settings}
    features = _listed(settings.get("features"))
    if settings.get("stations") and features is None and entry is None:
        taken = {answer, *(settings.get(k) for k in ("weight", "group", "id"))}
        features = [n for n in loaded.table.of_stations(AXIS) if n not in taken]
    X, bin_by = _binned(
        make or loaded.samples, loaded.table, features, settings.get("bin_by"), chosen
    )
    formulas = {f.name: formula for f in X.features if (formula := _formula(f, loaded.table))}
    raw = [c for f in X.features for c in columns(formulas.get(f.name) or f"`{f.name}`")]
    if found := [name for name in (answer, *parts) if name in raw]:
        knows = [n for n, formula in formulas.items() if found[0] in columns(formula)] or found
        raise ValueError(
            f"the feature {knows[0]!r} is made of the answer {found[0]!r}, which a new event does"
            " not have. Leave it out."
        )
    X = _warned(X, loaded.table, dict.fromkeys(raw))
    return Opened(
        X,
        Source(
            name=name,
            title=entry.title if entry else "",
            location=", ".join(str(p.name) for p in loaded.files) or loaded.table.source,
            sha256=loaded.checksums(progress),
            citation=entry.citation if entry else "",
            licence=entry.licence if entry else "",
            group_rule=entry.group_rule if entry else "",
            id=settings.get("id") or (entry.id if entry else None),
            inputs={c: loaded.table.column(c).unit for c in dict.fromkeys(raw)},
            formulas=formulas,
            texts=texts_among(X.features),
            settings=settings,
        ),
        bin_by,
    )


def _check_answer(loaded: Loaded, answer: str | None) -> None:
    """Raises ValueError for a part of a data set that has no answers to train on."""
    entry = loaded.entry
    if entry and answer in (None, entry.answer) and entry.answer not in loaded.table.columns:
        usual = next(iter(entry.parts))
        raise ValueError(
            f"{loaded.table.source}: events of known {entry.answer} are needed to train; these have"
            f" none. Train on {entry.name}:{usual}, then predict these with baksan apply."
        )


def _listed(features: Any) -> Any:
    """One string may name a list of the catalogue; each may hold several features."""
    if not features:
        return None
    if len(features) == 1:
        return features[0]
    return [feature for text in features for feature in features_of(text)]


def _warned(X: Events, table: Table, inputs: Iterable[str]) -> Events:
    """The events with notes on values of these columns that look like marks for missing ones."""
    held = {name: np.ravel(table.column(name).usable) for name in inputs}
    found = [
        f"{name}: {signed(mark)} stands apart from all other values; if it marks a missing one, say"
        f" --mark {mark:g} (marks=[{mark:g}])."
        for name, values in held.items()
        if values.dtype.kind in "iuf"
        for mark, _ in marks_in(values)
    ]

    def change(block: Samples) -> Samples:
        return block.with_parts(notes=(*block.notes, *found))

    return X if not found else X.map(change) if isinstance(X, Stream) else change(X)


def _formula(feature: Feature, table: Table) -> str:
    """How a feature is computed from columns; "" for a column itself."""
    return "" if feature.name in table.columns else formula_of(feature) or feature.name


def _binned(
    make: Make, table: Table, features: Any, by: str | None, chosen: Mapping[str, Any]
) -> tuple[Events, BinBy | None]:
    """The events, and the values of the variable to bin by, which is no feature by that."""
    X: Events = make(features=features, **chosen)
    if by is None or (X.answer and X.answer.name == by and not X.class_names):
        return X, None  # evaluate bins numbers by the answer itself
    held = table.columns.get(by)
    if held is not None and (held.is_text or held.values.ndim > 1):
        raise TypeError(
            f"{table.source}: the variable to bin by must be one number an event; {by!r} holds"
            f" {'text' if held.is_text else 'vectors'}. Name another column, or a formula."
        )
    wide = X if by in X.names else make(features=_again(X, table), beside=by, **chosen)
    j = wide.names.index(by)
    values = (wide.sample if isinstance(wide, Stream) else wide).x[:, j]
    if np.isnan(values).any():
        raise ValueError(
            f"every event needs the variable to bin by; {by!r} is missing in"
            f" {int(np.isnan(values).sum()):,}. Leave these out: --where 'not isnan({by})'."
        )
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)))
    # Rows without the variable are left out.
    X = wide if wide is X else wide.select(wide.names[:-1])
    return X, BinBy(values, by, wide.features[j].unit, edges)


def _again(X: Events, table: Table) -> list[str]:
    """The features of X as they can be asked for again: a column of text for its indicators."""
    told = [
        (f.indicates[0], "") if f.indicates else (f.name, _formula(f, table)) for f in X.features
    ]
    return [f"{n}={formula}" if formula not in ("", n) else n for n, formula in dict.fromkeys(told)]
