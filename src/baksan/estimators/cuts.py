"""Rectangular cuts as a scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from numpy.typing import ArrayLike

from baksan import losses
from baksan.estimators.base import Classifier, Parts
from baksan.losses import Loss
from baksan.models.base import Model
from baksan.models.cuts import Cuts
from baksan.samples import Samples
from baksan.solvers.base import State
from baksan.solvers.cuts import CutSearch

__all__ = ["CutsClassifier"]


class CutsClassifier(Classifier):
    """Rectangular cuts: nested boxes in the features, found by peeling the background off.

    `classes_[1]` is the signal, `classes_[0]` the background. The score is the number of boxes that
    an event passes, less the threshold. It tells no probability; scikit-learn's
    `CalibratedClassifierCV` makes one of it.

    Parameters
    ----------
    levels : falling sequence of float between 0 and 1, optional
        The background efficiency at most left in each box (`baksan.solvers.cuts.CutSearch`).
    share : float
        About the share of the background in the box that one slab takes off.

    Attributes
    ----------
    rules_ : str
        The box within which an event is called signal, as one writes cuts by hand.
    model_
        The Cuts.
    classes_, fit_, history_, message_, n_iter_, n_features_in_, feature_names_in_
        As in `LinearClassifier`.

    Raises
    ------
    ValueError
        Not two classes, levels that do not fall, what scikit-learn refuses in x and y.

    Examples
    --------
    >>> from baksan.estimators import CutsClassifier
    >>> x = [[1], [2], [3], [4], [5], [6]]
    >>> cuts = CutsClassifier(levels=(0.5, 0.01)).fit(x, ["h", "h", "s", "s", "h", "h"])
    >>> cuts.rules_, cuts.predict([[3], [6]]).tolist()
    ('2.5 ≤ x0 ≤ 4.5', ['s', 'h'])
    """

    kind = Cuts

    def __init__(self, levels: Sequence[float] | None = None, share: float = 0.05) -> None:
        self.levels = levels
        self.share = share

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    @property
    def _loss(self) -> Loss:
        return losses.zero_one

    def parts(self, X: Samples) -> Parts:
        """Model, loss and solver, as `fit` takes them."""
        levels = None if self.levels is None else tuple(self.levels)
        return Parts(Cuts(), self._loss, CutSearch(levels, self.share))

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Find the cuts on features (n, d) for labels (n,) of two classes, with weights (n,)."""
        events = self._labelled(X, y, sample_weight)
        if len(self.classes_) > 2:  # begins with the words that scikit-learn's checks ask for
            raise ValueError(
                "Only binary classification is supported: cuts part a signal from a background, and"
                f" y has {len(self.classes_)} classes. Keep two of them."
            )
        return self._fitted(events)

    def _keep(self, model: Model, state: State) -> None:
        assert isinstance(model, Cuts)
        self.model_, self.rules_ = model, model.text()
