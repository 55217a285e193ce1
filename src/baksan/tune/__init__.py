"""tune: which settings? A search on inner folds, and learning curves; the test set is untouched.

What to use when
----------------
`tune`            search for the settings of one method on these events
`train_tuned`     search, then compare tuned and untuned methods on events that no search has seen
`Tuned`           a method that searches inside its training: nested folds in `train`'s line-up
`find_rate`       how long may steps be? Longer and longer ones, until the loss explodes
`sweep`           fits of several settings side by side, and their losses in one picture
`learning_curve`  is more simulation worth it?
`Space`           settings of a method of your own, made of `Real`, `Whole` and `Choice`
"""

from baksan.tune.learning import LearningCurve, learning_curve
from baksan.tune.method import Tuned, searches_of, train_tuned
from baksan.tune.rates import RateSearch, find_rate
from baksan.tune.sampler import Trial
from baksan.tune.search import Search, tune
from baksan.tune.space import Choice, Real, Space, Whole
from baksan.tune.spaces import SPACES, space_of
from baksan.tune.sweep import Sweep, sweep

__all__ = [
    "SPACES", "Choice", "LearningCurve", "RateSearch", "Real", "Search", "Space", "Sweep", "Trial",
    "Tuned", "Whole", "find_rate", "learning_curve", "searches_of", "space_of", "sweep",
    "train_tuned", "tune",
]  # fmt: skip
