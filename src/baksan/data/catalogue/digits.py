"""Handwritten digits, as scikit-learn brings them."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from baksan.data.catalogue.entry import Entry, File, text_answer
from baksan.data.formats import whole
from baksan.samples import Feature
from baksan.table import Table

__all__ = ["DIGITS"]


def _digits_path() -> Path:
    """The file inside scikit-learn, found without importing it."""
    spec = importlib.util.find_spec("sklearn")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise FileNotFoundError(
            "scikit-learn is needed for the digits; it is not installed. Install scikit-learn."
        )
    return Path(folders[0]) / "datasets" / "data" / "digits.csv.gz"


_PIXELS = tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8))


def _digits(paths: Sequence[Path], part: str) -> Table:
    table = whole(paths[0], names=[*_PIXELS, "digit"])
    return text_answer(table, "digit", {k: str(k) for k in range(10)}, "digit")


DIGITS = Entry(
    name="digits",
    title="Handwritten digits, 8 × 8 pixels",
    task="classification",
    folder="digits",
    files=(
        File(
            {"digits.csv.gz": "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"},
            installed=_digits_path,
        ),
    ),
    publisher="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
    make=_digits,
    columns=tuple(Feature(p, "", "ink in 4 × 4 points, 0 to 16 (row_column)") for p in _PIXELS),
    features={"standard": _PIXELS},
    answer="digit",
    class_names=tuple(str(k) for k in range(10)),
    citation=(
        "E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning"
        " Repository (1998), doi:10.24432/C50P49; the test part, as bundled with scikit-learn"
    ),
    licence="CC BY 4.0",
    notes=("pixel_0_0, pixel_4_0 and pixel_4_7 are empty in every image; they are kept.",),
    allow_constant=True,
)
