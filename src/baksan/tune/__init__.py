"""tune: which settings? A search on inner folds, and learning curves; the test set is untouched.

What to use when
----------------
`tune`            search for the settings of one method on these events
`train_tuned`     search, then compare tuned and untuned methods on events that no search has seen
`Tuned`           a method that searches inside its training: nested folds in `train`'s line-up
`learning_curve`  is more simulation worth it?
`Space`           settings of a method of your own, made of `Real`, `Whole` and `Choice`
"""

from baksan.tune.learning import LearningCurve, learning_curve
from baksan.tune.method import Tuned, searches_of, train_tuned
from baksan.tune.sampler import Trial
from baksan.tune.search import Search, tune
from baksan.tune.space import Choice, Real, Space, Whole
from baksan.tune.spaces import SPACES, space_of

__all__ = [
    "SPACES", "Choice", "LearningCurve", "Real", "Search", "Space", "Trial", "Tuned", "Whole",
    "learning_curve", "searches_of", "space_of", "train_tuned", "tune",
]  # fmt: skip
