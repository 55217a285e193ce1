"""The methods as scikit-learn estimators, for pipelines, grid searches and cross-validation.

What to use when
----------------
`LinearRegressor`    numbers: least squares, or another loss of numbers
`LinearClassifier`   two classes or more: logistic regression, or another loss of classes
`NetworkRegressor`   numbers, with curves of any shape: a feed-forward network
`NetworkClassifier`  two classes or more, with borders of any shape
`CutsClassifier`     a signal and a background: rectangular cuts

Each is a thin face of `baksan.fit.fit`: the same model, loss, solver and penalty in scikit-learn's
conventions, whose own checks they pass. Where units, groups, streams or error bars matter, `fit`
and `train` are the way; here features are columns of x.
"""

from baksan.estimators.cuts import CutsClassifier
from baksan.estimators.linear import LinearClassifier, LinearRegressor
from baksan.estimators.network import NetworkClassifier, NetworkRegressor

__all__ = [
    "CutsClassifier", "LinearClassifier", "LinearRegressor", "NetworkClassifier",
    "NetworkRegressor",
]  # fmt: skip
