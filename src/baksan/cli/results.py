"""`baksan results`: from predictions to fractions of primaries, and to limits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baksan.cli.show import paragraph

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="From predictions to fractions and limits.")

Run = Annotated[Path, typer.Argument(help="A finished run whose answer is a class.")]
Predictions = Annotated[Path, typer.Argument(help="What `baksan apply` wrote for the data.")]
Method = Annotated[
    str | None, typer.Option("--method", "-m", help="The method of the run; its best by AUC.")
]


@app.command()
def fractions(run: Run, predictions: Predictions, method: Method = None) -> None:
    """Fractions of the classes in the data, unfolded, with errors; and mean ln A of nuclei."""
    from baksan.results.composition import MASSES, ln_mass_from_fractions
    from baksan.results.response import response
    from baksan.results.runs import called, tested
    from baksan.results.unfolding import unfold

    known = tested(run, method)
    counts = called(predictions, known.classes)
    found = unfold(counts, response(known.truth, known.found, known.classes, known.weight))
    print(f"{counts.sum():,} events, called by {known.method}:", end=" ")
    print(", ".join(f"{n:,} {name}" for name, n in zip(known.classes, counts, strict=True)))
    print(f"\n{found}\n")
    print(paragraph(f"Condition number of the response: {found.condition:.3g}."))
    if set(known.classes) <= set(MASSES):
        mass = ln_mass_from_fractions(found.fractions, found.covariance, known.classes)
        print(f"⟨ln A⟩ = {float(mass.mean):.3f} ± {float(mass.error):.3f} (stat.)")
    print(
        paragraph(
            "Of the events that were selected; stat.: the data, method: the finite simulation. What"
            " another hadronic model would change is in neither."
        )
    )


@app.command()
def plan(
    run: Run,
    out: Annotated[Path, typer.Option(help="The file of the plan to write, NAME.json.")],
    scale: Annotated[
        float,
        typer.Option(help="Events of the search that one simulated background event stands for."),
    ],
    method: Method = None,
    background: Annotated[
        float | None,
        typer.Option(help="The share of the background that may pass; half of the signal does."),
    ] = None,
    exposure: Annotated[
        float | None, typer.Option(help="Area × solid angle × time, for a limit on the flux.")
    ] = None,
    level: Annotated[float, typer.Option(help="The level of confidence of limits.")] = 0.95,
) -> None:
    """Fix cut and background of a search before the data are opened."""
    from baksan.files import replacing
    from baksan.results.runs import tested
    from baksan.results.search import Search

    known = tested(run, method)
    if known.score is None:
        raise ValueError(
            f"a search needs a run of two classes, signal and background; {run} has"
            f" {', '.join(known.classes)}. Train with one of them against the rest."
        )
    signal = known.truth == 1
    made = Search.plan(
        known.score[~signal], known.score[signal], scale=scale,
        cut="median" if background is None else background,
        background_weight=known.weight[~signal], signal_weight=known.weight[signal],
        exposure=float("nan") if exposure is None else exposure, level=level,
    )  # fmt: skip
    with replacing(out) as beside:
        beside.write_text(made.to_json(), encoding="utf-8")
    print(f"{known.classes[1]} against {known.classes[0]}, by {known.method}")
    print(f"cut: score ≥ {made.cut:.4g}")
    print(f"{known.classes[1]} that pass: {made.photons}")
    print(f"{known.classes[0]} that pass: {made.backgrounds}")
    print(f"expected background: {made.background:.3g} ± {made.background_error:.2g}")
    print(f"\nPlan: {out}, SHA-256 {made.digest}")


@app.command()
def search(
    plan: Annotated[Path, typer.Argument(help="The plan that `baksan results plan` wrote.")],
    predictions: Predictions,
) -> None:
    """Open the data: candidates, intervals and limits of a plan that cannot change any more."""
    from baksan.results.runs import scored
    from baksan.results.search import Search

    print(paragraph(str(Search.from_json(plan).open(scored(predictions)))))
