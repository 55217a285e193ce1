"""`baksan simulate`: labelled events."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from baksan.cli.options import Seed
from baksan.cli.show import paragraph, progress
from baksan.physics.checks import inside
from baksan.table import Column, Table
from baksan.units import factor

__all__ = ["app"]

app = typer.Typer(help="Make labelled events.", no_args_is_help=True)


@app.command("telescope")
def simulate_telescope(
    events: Annotated[int, typer.Option(help="How many images.", min=1)],
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")],
    seed: Seed = 0,
    gamma_fraction: Annotated[float, typer.Option(help="The share of gammas.")] = 0.65,
    pixels: Annotated[
        bool, typer.Option("--pixels", help="Draw 1,111 pixels, clean them, analyse the image.")
    ] = False,
) -> None:
    """Image parameters of gammas and hadrons seen by one telescope (a toy; see the docs)."""
    from baksan.data.parquet import write_blocks

    if out.suffix != ".parquet":
        raise ValueError(
            f"simulated events go to a Parquet file, NAME.parquet; {str(out)!r} ends otherwise."
            f" Try --out {out.with_suffix('.parquet')}."
        )
    make = _from_pixels if pixels else _image_parameters
    kept = 0
    with progress("simulating") as show:

        def tables() -> Iterator[Table]:
            nonlocal kept
            for drawn, table in make(events, seed, gamma_fraction):
                kept += len(table)
                show(f"{drawn:,} of {events:,} images", drawn / events)
                yield table

        write_blocks(tables(), out)
    told = f"{events:,} images" + (f", of which {kept:,} can be analysed" if pixels else "")
    print(f"{told}: {out}")


def _image_parameters(events: int, seed: int, gamma_fraction: float) -> Iterator[tuple[int, Table]]:
    from baksan.simulate import telescope

    drawn = 0
    for table in telescope.blocks(events, seed=seed, gamma_fraction=gamma_fraction):
        drawn += len(table)
        yield drawn, table


def _from_pixels(events: int, seed: int, gamma_fraction: float) -> Iterator[tuple[int, Table]]:
    from baksan.produce.telescope import image_blocks

    return image_blocks(events, seed, gamma_fraction=gamma_fraction)


@app.command("array")
def simulate_array(
    events: Annotated[int, typer.Option(help="How many showers are thrown.", min=1)],
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")],
    seed: Seed = 0,
    array: Annotated[
        str, typer.Option(help="telescope-array, auger, kascade, or a file with columns x, y in m.")
    ] = "telescope-array",
    window: Annotated[
        int | None,
        typer.Option(help="Stations across, odd; 9, to 10^19.5 eV; 15 to 10^20 eV."),
    ] = None,
    primaries: Annotated[
        str, typer.Option(help="p,Fe or p=3,Fe=1,gamma=1 …; or h3a, ultra-high.")
    ] = "p,Fe",
    log_energy: Annotated[tuple[float, float], typer.Option(help="lg(E/eV) from and to.")] = (
        18.0,
        19.5,
    ),
    spectrum: Annotated[
        str, typer.Option(help="g of E^-g, 1 is flat in lg E; or auger, h3a.")
    ] = "1",
    highest_zenith: Annotated[float, typer.Option(help="In degrees, up to 62.")] = 55.0,
    model: Annotated[str, typer.Option(help="The hadronic model of X_max.")] = "qgsjetii-04",
    muon_factor: Annotated[float, typer.Option(help="Muons in units of the model's.")] = 1.0,
    spread: Annotated[float, typer.Option(help="Of all signals of a shower, as ln.")] = 0.12,
    weights: Annotated[
        str | None, typer.Option(help="A column of weights to a spectrum: g of E^-g, auger, h3a.")
    ] = None,
    stations: Annotated[
        bool, typer.Option("--stations", help="Keep signals and times of each station.")
    ] = False,
    processes: Annotated[
        int | None, typer.Option(help="How many work side by side; by default all cores.", min=1)
    ] = None,
) -> None:
    """Air showers on an array, and their standard reconstruction (a toy; see the docs)."""
    from baksan.compiled import cores
    from baksan.produce import Production, produce
    from baksan.simulate.array import Primaries

    began, done = time.perf_counter(), [events]
    production = Production(
        events, seed, _places(array), _window(window, array),
        Primaries(
            _shares(primaries), log_energy, _index(spectrum), (0.0, _radians(highest_zenith)),
            model, muon_factor, spread,
        ),
        None if weights is None else _index(weights), stations,
    )  # fmt: skip
    with progress("simulating") as show:

        def tell(n: int) -> None:
            done.append(n)
            show(f"{n:,} of {events:,} showers", n / events)

        kept = produce(production, out, processes=processes or cores(), progress=tell)
    told = _thrown(events, done[1] if len(done) > 1 else events, time.perf_counter() - began)
    print(f"{told}, {kept:,} triggered: {out}")
    print(paragraph("  Answers to train on: log_energy, primary, x_max, muons."))


def _thrown(events: int, before: int, seconds: float) -> str:
    """What was done, how fast, and what was there already."""
    if before == events:
        return f"{events:,} showers are there already"
    left = f", of which {before:,} were there already" if before else ""
    return (
        f"{events:,} showers thrown in {seconds:.1f} s"
        f" ({(events - before) / seconds:,.0f} a second){left}"
    )


def _radians(highest_zenith: float) -> float:
    inside(highest_zenith, 0.0, 62.0, "--highest-zenith", "degrees", "Lower it.")
    return float(np.deg2rad(highest_zenith))


def _window(window: int | None, array: str) -> int:
    from baksan.produce import LAYOUTS

    if window is not None and array not in LAYOUTS:
        raise ValueError(
            f"--window belongs to {' and '.join(LAYOUTS)}; --array {array} has its own stations."
            " Leave it out."
        )
    return 9 if window is None else window


def _shares(text: str) -> dict[str, float] | str:
    """'p,Fe' or 'p=3,Fe=1' as shares; the name of a composition as it is."""
    if "," not in text and "=" not in text and text in ("h3a", "ultra-high"):
        return text
    shares: dict[str, float] = {}
    for one in text.split(","):
        name, _, share = one.partition("=")
        try:
            shares[name.strip()] = float(share or 1.0)
        except ValueError:
            raise ValueError(
                f"--primaries needs names, or names and shares as p=3,Fe=1; {one!r} came."
            ) from None
    return shares


def _index(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _places(array: str) -> Any:
    """The name of an array, or the positions in a file."""
    from baksan.produce import KASCADE, LAYOUTS

    if array in (*LAYOUTS, KASCADE):
        return array
    if not Path(array).exists():
        raise ValueError(
            f"--array must be one of {', '.join((*LAYOUTS, KASCADE))}, or a file of positions;"
            f" {array!r} is neither, nor does such a file exist. Check its name."
        )
    from baksan.data import read

    found = read(array)
    names = [name for name in ("x", "y", "z") if name in found.names]
    if names[:2] != ["x", "y"]:
        raise ValueError(
            f"{array} must have columns x and y, in m, and perhaps z; it has"
            f" {', '.join(found.names)}. Rename them."
        )
    columns = [_metres(found.columns[name], f"{name} of {array}") for name in names]
    return tuple(map(tuple, np.column_stack(columns).tolist()))


def _metres(column: Column, what: str) -> Any:
    """The numbers of a column in m; one without a unit is in m."""
    if column.values.dtype.kind not in "iuf" or column.values.ndim > 1:
        raise ValueError(
            f"{what} must hold one number for each station, in m; it holds"
            f" {column.values[:1].tolist()}. Correct the file."
        )
    return column.values.astype(float) * (factor(column.unit, "m") if column.unit else 1.0)
