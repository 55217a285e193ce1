"""Files that stay: models, predictions and run folders. Data only, never code.

`card`         what a model file says of its model
`model`        NAME.baksan (our models) and NAME.skops (scikit-learn's)
`predictions`  tables of predictions
`run`          the folder that a training leaves
"""

from baksan.store.card import Card, FeatureCard
from baksan.store.model import Stored, load_model, save_model
from baksan.store.run import RunFolder

__all__ = ["Card", "FeatureCard", "RunFolder", "Stored", "load_model", "save_model"]
