"""`baksan agree`: does a simulation describe the data?"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Annotated, Any

import typer

from baksan.cli.options import AllowChanged, Features, Marks, Seed, Weight, Where
from baksan.cli.show import paragraph, progress

__all__ = ["agree"]


def agree(
    simulation: Annotated[str, typer.Argument(help="Simulated events: a file, folder or name.")],
    data: Annotated[str, typer.Argument(help="Measured events: a file, folder or name.")],
    features: Features = None,
    weight: Weight = None,
    where: Where = None,
    mark: Marks = None,
    folds: Annotated[int, typer.Option(help="Folds of the classifier.", min=2)] = 5,
    replicas: Annotated[int, typer.Option(help="Bootstrap replicas for the errors.", min=2)] = 200,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="The page to write, NAME.html; agree.html, or with a number."),
    ] = None,
    save_weights: Annotated[
        Path | None,
        typer.Option(help="Write the simulation here with its weights as a column agreement."),
    ] = None,
    allow_changed: AllowChanged = False,
) -> None:
    """Compare the inputs of simulated and measured events: one by one, all together, weighted."""
    from baksan.agreement import agree as run_agreement
    from baksan.agreement.page import contents
    from baksan.agreement.tables import shared, with_weights
    from baksan.data.convert import write
    from baksan.data.expressions import features_of
    from baksan.files import replacing
    from baksan.report import page
    from baksan.train.source import open_table

    path = _page(out)
    names = None if features is None else [one for text in features for one in features_of(text)]
    more: dict[str, Any] = {"where": where, "marks": mark or (), "allow_changed": allow_changed}
    with progress("comparing") as show:
        first, second = (open_table(x, progress=show, **more).table for x in (simulation, data))
        simulated, measured, notes = shared(first, second, names, weight)
        for note in notes:
            print(paragraph(f"  {note}"))
        found = run_agreement(
            simulated, measured, folds=folds, seed=seed, replicas=replicas, progress=show
        )
        shown = contents(found, simulated, measured, (Path(simulation).name, Path(data).name))
        with replacing(path) as beside:
            beside.write_text(page.agreed(shown), encoding="utf-8")
        if save_weights is not None:
            weighted = with_weights(first, simulated, found.weighted.weight)
            write(weighted, save_weights)
    print(found.text())
    if save_weights is not None:
        print(f"\nWeights: {save_weights}, column agreement")
    print(f"\nPage: {path}")


def _page(out: Path | None) -> Path:
    """agree.html here, or the first of agree-2.html … that is new. Raises ValueError."""
    if out is not None:
        if out.suffix != ".html":
            raise ValueError(
                f"an agreement is a page, NAME.html; {str(out)!r} ends otherwise."
                f" Try --out {out.with_suffix('.html')}."
            )
        return out
    names = (Path(f"agree{'' if k == 1 else f'-{k}'}.html") for k in count(1))
    return next(path for path in names if not path.exists())
