"""Where the samples of a run come from: X of the command line → Samples and what is known of them.

X is a file, a folder, or a name of the catalogue; see `baksan.data.load`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from baksan.data import Loaded, load
from baksan.data.expressions import columns, features_of, formula_of, made_of
from baksan.evaluate import BinBy
from baksan.samples import Feature, Samples
from baksan.table import Table

__all__ = ["Opened", "Source", "from_table", "open_samples", "open_table"]

_BINS = 10


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
    settings: Mapping[str, Any] = field(default_factory=dict)
    """How the samples were asked for; config.toml keeps it."""

    @classmethod
    def of(cls, X: Samples) -> Source:
        """What samples tell by themselves: which columns their features are made of, and how."""
        formulas, inputs = made_of(X.features)
        return cls(inputs=inputs, formulas=formulas)


@dataclass(frozen=True, eq=False)
class Opened:
    """Samples, their source, and the variable to bin figures of merit by."""

    samples: Samples
    source: Source
    bin_by: BinBy | None = None


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
    allow_changed: bool = False,
    progress: Callable[[str], object] | None = None,
) -> Opened:
    """The samples of a file, a folder or a catalogue name; options as in `Loaded.samples`.

    `bin_by` is a column or formula; figures of merit are given in ten bins of equal counts of it.
    `progress` is told what is being done. Errors as `baksan.data.load` and `Loaded.samples`;
    ValueError for a file without `answer`, or for a part of a data set that has no answers.
    """
    loaded = load(x, allow_changed=allow_changed, progress=progress)
    settings = {
        "answer": answer, "signal": signal, "features": list(features) if features else None,
        "weight": weight, "group": group, "id": id, "where": where, "bin_by": bin_by,
        "allow_changed": allow_changed,
    }  # fmt: skip
    return _opened(loaded, x, settings, progress)


def from_table(table: Table, *, name: str, title: str = "", **settings: Any) -> Opened:
    """The samples of a table that was made in memory; settings as in `open_samples`."""
    opened = _opened(Loaded(table), name, settings)
    source = Source(**{**vars(opened.source), "title": title, "location": table.source})
    return Opened(opened.samples, source, opened.bin_by)


def open_table(
    x: str,
    *,
    where: str | None = None,
    allow_changed: bool = False,
    progress: Callable[[str], object] | None = None,
) -> Loaded:
    """The table of a file, a folder or a catalogue name, perhaps some of its rows."""
    loaded = load(x, allow_changed=allow_changed, progress=progress)
    return loaded.kept(where) if where else loaded


def _opened(
    loaded: Loaded,
    name: str,
    settings: Mapping[str, Any],
    progress: Callable[[str], object] | None = None,
) -> Opened:
    entry = loaded.entry
    if entry is None and not settings.get("answer"):
        raise ValueError(
            f"{loaded.table.source}: which column is the answer? There are"
            f" {', '.join(loaded.table.names)}. Name it with --answer (answer=…)."
        )
    _check_answer(loaded, settings.get("answer"))
    answer = settings.get("answer") or (entry.answer if entry else "")
    chosen = {k: settings.get(k) for k in ("answer", "signal", "weight", "group", "id", "where")}
    features = _listed(settings.get("features"))
    X, bin_by = _binned(loaded, features, settings.get("bin_by"), chosen)
    formulas = {f.name: formula for f in X.features if (formula := _formula(f, loaded.table))}
    raw = [c for f in X.features for c in columns(formulas.get(f.name) or f"`{f.name}`")]
    if answer in raw:
        knows = next(n for n, formula in formulas.items() if answer in columns(formula))
        raise ValueError(
            f"the feature {knows!r} is made of the answer {answer!r}, which a new event does not"
            " have. Leave it out."
        )
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


def _formula(feature: Feature, table: Table) -> str:
    """How a feature is computed from columns; "" for a column itself."""
    return "" if feature.name in table.columns else formula_of(feature) or feature.name


def _binned(
    loaded: Loaded, features: Any, by: str | None, chosen: Mapping[str, Any]
) -> tuple[Samples, BinBy | None]:
    """The samples, and the values of the variable to bin by, which is no feature by that."""
    X = loaded.samples(features, **chosen)
    if by is None or (X.answer and X.answer.name == by and not X.class_names):
        return X, None  # evaluate bins numbers by the answer itself
    if by not in X.names:
        X = loaded.samples([*_again(X, loaded.table), by], **chosen)
        values, unit = X.x[:, -1], X.features[-1].unit
        X = X.select(X.names[:-1])
    else:
        values, unit = X.x[:, X.names.index(by)], X.features[X.names.index(by)].unit
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)))
    return X, BinBy(values, by, unit, edges)


def _again(X: Samples, table: Table) -> list[str]:
    """The features of X as they can be asked for again."""
    formulas = [(f.name, _formula(f, table)) for f in X.features]
    return [f"{name}={formula}" if formula else name for name, formula in formulas]
