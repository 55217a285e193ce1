"""baksan: machine learning for astroparticle physics, from events to answers.

    samples X = (x_i, y_i) → model a(x) → loss Q(a, X) → solver argmin → evaluation → report

Every name below is fetched when it is first used, so that `import baksan` costs nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Samples": "samples",
    "Feature": "samples",
    "Stream": "stream",
    "open_stream": "data",
    "Partitions": "cluster",
    "Table": "table",
    "Column": "table",
    "Loss": "losses",
    "Q": "losses",
    "L1": "losses",
    "L2": "losses",
    "Linear": "models.linear",
    "Cuts": "models.cuts",
    "Imputed": "models.imputed",
    "ArrayNetwork": "models.array.network",
    "Network": "models.network",
    "Ensemble": "models.ensemble",
    "Analytic": "solvers.analytic",
    "GradientDescent": "solvers.descent",
    "StochasticGradientDescent": "solvers.descent",
    "MiniBatch": "solvers.descent",
    "Adam": "solvers.adaptive",
    "AdamW": "solvers.adaptive",
    "RMSprop": "solvers.adaptive",
    "LevenbergMarquardt": "solvers.second_order",
    "schedules": "solvers",
    "CutSearch": "solvers.cuts",
    "ridge_path": "solvers.ridge",
    "LinearRegressor": "estimators",
    "LinearClassifier": "estimators",
    "CutsClassifier": "estimators",
    "NetworkRegressor": "estimators",
    "NetworkClassifier": "estimators",
    "Fit": "fit",
    "fit": "fit",
    "calibrate": "calibrate",
    "conformal": "calibrate",
    "Prediction": "metrics",
    "evaluate": "evaluate",
    "Evaluation": "evaluate",
    "totals": "evaluate.totals",
    "train": "train",
    "Run": "train",
    "tune": "tune",
    "Search": "tune",
    "train_tuned": "tune",
    "learning_curve": "tune",
    "find_rate": "tune",
    "sweep": "tune",
    "describe": "describe",
    "check": "exercises",
    "read": "data",
    "load": "data",
    "apply": "apply",
    "export": "export",
    "compare": "compare",
    "agree": "agreement",
    "save_model": "store",
    "load_model": "store",
}
_ROOMS = (
    "agreement", "apply", "calibrate", "cli", "cluster", "compare", "compiled", "data", "describe",
    "estimators", "evaluate", "exercises", "export", "fit", "losses", "metrics", "models",
    "reconstruct", "report", "results", "samples", "simulate", "sketch", "solvers", "store",
    "stream", "table", "train", "tune", "units",
)  # fmt: skip

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"baksan.{_HOME[name]}"), name)
    if name in _ROOMS:
        return importlib.import_module(f"baksan.{name}")
    raise AttributeError(f"module 'baksan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_ROOMS})


class _Package(ModuleType):
    """Keeps `baksan.fit` the verb: importing the file fit.py would put the module in its place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and _HOME.get(name) == name:
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
