"""`baksan export`: a model as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baksan.cli.show import paragraph, progress

__all__ = ["export"]


def export(
    model: Annotated[Path, typer.Argument(help="A model file, NAME.baksan.")],
    format: Annotated[str, typer.Option(help="The format: onnx.")] = "onnx",
    out: Annotated[
        Path | None, typer.Option(help="The file to write; NAME.onnx beside the model.")
    ] = None,
) -> None:
    """A linear model or a network as an ONNX file, compared with the model before it is written."""
    from baksan.export import export as run_export

    if format != "onnx":
        raise ValueError(f"models are exported as onnx; {format!r} came. Leave out --format.")
    with progress(f"exporting {model}"):
        done = run_export(model, out or model.with_suffix(".onnx"))
    print(f"{paragraph(str(done))}\nModel: {done.path}")
