"""`baksan demo`: the main job, on showers that are simulated first."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from baksan.cli.options import Out, Seed
from baksan.cli.show import free, progress
from baksan.cli.training import report, tell

__all__ = ["demo"]

_TASKS = {
    "energy": {"answer": "log_energy"},
    "mass": {"answer": "primary", "signal": "Fe"},
}
_TITLES = {
    "energy": "The energy of air showers: learned, and by rules",
    "mass": "Proton or iron? Air showers on an array",
}

_EPOCHS = 6


def demo(
    out: Out = Path("baksan-demo"),
    events: Annotated[int, typer.Option(help="How many showers to simulate.", min=100)] = 20_000,
    seed: Seed = 1,
) -> None:
    """The main job on simulated air showers: simulate, reconstruct, train, compare, report."""
    from baksan.compiled import cores
    from baksan.produce import Production, produce

    began = time.perf_counter()
    folder = free(out or Path("baksan-demo"))
    showers = folder / "showers.parquet"
    folder.mkdir(parents=True)
    print(f"Simulating {events:,} showers of p and Fe on an array of 81 stations, seed {seed}.")
    with progress("simulating") as show:
        kept = produce(
            Production(events, seed, stations=True), showers, processes=cores(),
            progress=lambda n: show(f"{n:,} of {events:,} showers", n / events),
        )  # fmt: skip
    print(f"{kept:,} of them triggered and were reconstructed by rules: {showers}")
    report(showers)
    for task in _TASKS:
        print(f"\n{_TITLES[task]}")
        _train(task, showers, folder / task, seed)
    print(f"\nAll of it took {time.perf_counter() - began:.0f} s.")


def _short(method: Any) -> Any:
    """The networks of stations with a third of their usual epochs: nobody waits long for a demo."""
    return replace(method, solver=replace(method.solver, epochs=_EPOCHS))


def _train(task: str, showers: Path, out: Path, seed: int) -> None:
    """The energy against that of the rules, the mass without a rule to compare with."""
    from baksan.train import train
    from baksan.train.lineup import METHODS, line_up
    from baksan.train.source import open_samples

    began = time.perf_counter()
    opened = open_samples(str(showers), id="event", stations=True, **_TASKS[task])  # type: ignore[arg-type]
    rule = ["column:log_energy_standard"] if task == "energy" else []
    others = [name for name in METHODS if name != "array" and (name != "cuts" or not rule)]
    methods = [*rule, *others, *map(_short, line_up("array", opened.samples))]
    with progress("training", lines=True) as show:
        run = train(
            opened.samples, methods, folds=3, seed=seed, out=out,
            source=replace(opened.source, title=_TITLES[task]), progress=show,
        )  # fmt: skip
    tell(run, began)
