"""Image parameters of simulated showers in one telescope's camera, by its standard analysis."""

from __future__ import annotations

from collections.abc import Iterator

from baksan.reconstruct.hillas import parameters
from baksan.simulate.images import blocks
from baksan.table import Table

__all__ = ["image_blocks"]

_NOTE = "Simulated images: a toy, tuned to a published table (docs/simulate.md)."


def image_blocks(
    n: int, seed: int = 0, *, gamma_fraction: float = 0.5, rows: int = 1024
) -> Iterator[tuple[int, Table]]:
    """How many images were drawn so far, and those of the last `rows` that can be analysed.

    Truth and the ten image parameters. Images of fewer than five pixels or 85 photoelectrons are
    no events for a telescope; they are left out. Raises ValueError as `simulate.images.events`.

    Examples
    --------
    >>> drawn, table = next(image_blocks(100, seed=1))
    >>> drawn, 30 < len(table) < 100, table.names[:2]
    (100, True, ('event', 'class'))
    """
    drawn = 0
    for found in blocks(n, seed, rows, gamma_fraction=gamma_fraction):
        drawn += len(found)
        hillas = parameters(found.charge, found.camera)
        columns = {**found.truth().columns, **hillas.table().columns}
        yield drawn, Table(columns, "produce.telescope", [_NOTE]).take(hillas.flag == 0)
