"""Where a result comes from: versions, seeds, hardware, data."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from baksan import __version__

__all__ = ["provenance"]

_PACKAGES = ("numpy", "scipy", "numba", "scikit-learn", "pyarrow", "matplotlib", "skops")


def provenance(seed: int, threads: int, sha256: Mapping[str, str]) -> dict[str, Any]:
    """A mapping of what a repeat of the result needs to know."""
    return {
        "baksan": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "threads": threads,
        "seed": seed,
        "data_sha256": dict(sha256),
        "command": " ".join(os.path.basename(a) if i == 0 else a for i, a in enumerate(sys.argv)),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
