"""Trees of scikit-learn's that came from a file: their arrays must point at themselves only.

Compiled code walks a tree without looking where it steps: an index beyond the arrays would read
foreign memory, and a circle would never end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = ["check_trees"]


def check_trees(estimator: Any) -> None:
    """Raises ValueError where a tree inside steps out of its arrays, in circles, or off x."""
    for tree, features in _trees(estimator, 0, None):
        if hasattr(tree, "nodes"):
            if tree.nodes["is_categorical"].any():
                raise ValueError("a tree splits by categories, and baksan's features are numbers.")
            leaf = tree.nodes["is_leaf"] != 0
            steps = [tree.nodes[name] for name in ("left", "right", "feature_idx")]
        else:
            if tree.node_count != tree.capacity:
                raise ValueError(f"a tree of {tree.capacity} nodes says it had {tree.node_count}.")
            leaf = tree.children_left == -1
            steps = [tree.children_left, tree.children_right, tree.feature]
        left, right, feature = (step[~leaf].astype(np.int64) for step in steps)
        _check(leaf, left, right, feature, features)


def _check(leaf: Array, left: Array, right: Array, feature: Array, features: int) -> None:
    at, nodes = np.flatnonzero(~leaf), len(leaf)
    onward = (left > at) & (right > at) & (left < nodes) & (right < nodes)
    if not nodes or not onward.all():
        raise ValueError("a tree must lead from its root to its leaves; one does not.")
    if not ((feature >= 0) & (feature < features)).all():
        raise ValueError(f"a tree asks for a feature beyond the {features} that there are.")


def _trees(thing: Any, width: int, limit: int | None) -> Iterator[tuple[Any, int]]:
    """Every tree inside, with the width of the x that it is sure to be given.

    Estimators check the width of x, but ensembles ask their members without that check: there the
    narrower of the two holds.
    """
    from sklearn.base import BaseEstimator
    from sklearn.ensemble import BaseEnsemble
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
    from sklearn.tree._tree import Tree

    inside: Iterable[Any] = ()
    if isinstance(thing, Tree | TreePredictor):
        yield thing, width
    elif isinstance(thing, BaseEstimator):
        own = int(getattr(thing, "n_features_in_", 0))
        width = own if limit is None else min(own, limit)
        limit = width if isinstance(thing, BaseEnsemble) else None
        inside = vars(thing).values()
    elif isinstance(thing, Mapping):
        inside = thing.values()
    elif isinstance(thing, list | tuple):
        inside = thing
    elif isinstance(thing, np.ndarray) and thing.dtype == object:
        inside = thing.ravel()
    for part in inside:
        yield from _trees(part, width, limit)
