"""`baksan simulate`: labelled events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baksan.cli.options import Seed
from baksan.cli.show import progress

__all__ = ["app"]

app = typer.Typer(help="Make labelled events.", no_args_is_help=True)


@app.command("telescope")
def simulate_telescope(
    events: Annotated[int, typer.Option(help="How many images.", min=1)],
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")],
    seed: Seed = 0,
    gamma_fraction: Annotated[float, typer.Option(help="The share of gammas.")] = 0.65,
) -> None:
    """Image parameters of gammas and hadrons seen by one telescope (a toy; see the docs)."""
    from baksan.data.parquet import write_blocks
    from baksan.simulate import telescope

    if out.suffix != ".parquet":
        raise ValueError(
            f"simulated events go to a Parquet file, NAME.parquet; {str(out)!r} ends otherwise."
            f" Try --out {out.with_suffix('.parquet')}."
        )
    with progress("simulating") as show:
        blocks = telescope.blocks(events, seed=seed, gamma_fraction=gamma_fraction)
        write_blocks(
            blocks, out, progress=lambda n: show(f"{n:,} of {events:,} images", n / events)
        )
    print(f"{events:,} images: {out}")
