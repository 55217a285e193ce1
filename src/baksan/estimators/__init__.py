"""The methods as scikit-learn estimators, for pipelines, grid searches and cross-validation.

What to use when
----------------
`LinearRegressor`    numbers: least squares, or another loss of numbers
`LinearClassifier`   two classes or more: logistic regression, or another loss of classes
`CutsClassifier`     a signal and a background: rectangular cuts

Each is a thin face of `baksan.fit.fit`: the same model, loss, solver and penalty in scikit-learn's
conventions, whose own checks they pass. Where units, groups, streams or error bars matter, `fit`
and `train` are the way; here features are columns of x.
"""

from baksan.estimators.cuts import CutsClassifier
from baksan.estimators.linear import LinearClassifier, LinearRegressor

__all__ = ["CutsClassifier", "LinearClassifier", "LinearRegressor"]
