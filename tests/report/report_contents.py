"""Contents for reports as `train` fills them: seeded, small, with the real evaluation."""

import numpy as np

from baksan.evaluate import evaluate
from baksan.metrics import Prediction, overtraining
from baksan.samples import Feature, Samples

HILLAS = [
    ("fLength", "mm", "long half axis of the image"), ("fWidth", "mm", "short half axis"),
    ("fSize", "", "log10 of the light in the image"), ("fConc", "", "share of the two brightest"),
    ("fConc1", "", "share of the brightest pixel"), ("fAsym", "mm", "brightest pixel to centre"),
    ("fM3Long", "mm", "third moment along"), ("fM3Trans", "mm", "third moment across"),
    ("fAlpha", "deg", "angle of the long axis to the source"), ("fDist", "mm", "image to source"),
]  # fmt: skip
METHODS = {"linear": 1.3, "logistic-gd": 1.5, "logistic-sgd": 1.48, "logistic-mini": 1.5,
           "cuts": 1.1, "trees": 2.05, "forest": 2.1}  # fmt: skip


def _scores(y, separations, n_classes, rng):
    shared = rng.normal(size=(len(y), n_classes))
    hot = np.eye(n_classes)[y]
    found = {}
    for name, s in separations.items():
        z = s * hot + 0.9 * shared + 0.45 * rng.normal(size=shared.shape)
        found[name] = z[:, 1] - z[:, 0] if n_classes == 2 else z
    return found


def _prediction(name, score):
    if name == "cuts":
        return Prediction(score=np.round(score), threshold=0.0)
    if score.ndim == 1:
        p = 1 / (1 + np.exp(-1.4 * score))
        return Prediction(score=score, probability=np.column_stack([1 - p, p]))
    raised = np.exp(1.5 * score)
    return Prediction(score=score, probability=raised / raised.sum(axis=1, keepdims=True))


def histories(n, seed=0):
    """Three descents to the optimum 0.4143 as `Fit.history` gives them."""
    rng = np.random.default_rng(seed)
    made = {}
    for name, batch, pace in (("logistic-gd", n, 400), ("logistic-sgd", 1, 900),
                              ("logistic-mini", 64, 250)):  # fmt: skip
        step = np.unique(np.geomspace(1, 3e5 if batch == 1 else 2e4, 120).astype(int))
        floor = {n: 1e-9, 1: 3e-4, 64: 2e-5}[batch]
        fall = 0.279 * np.exp(-((step / pace) ** 0.6)) + floor * rng.uniform(0.5, 1, len(step))
        noise = 0.02 / np.sqrt(np.maximum(np.diff(step, prepend=0) * batch, 1) / 40 + 1)
        made[name] = {
            "step": step.tolist(),
            "seen": (step * batch).tolist(),
            "epoch": (step * batch / n).tolist(),
            "loss": (0.4143 + fall).tolist(),
            "loss_progressive": None if batch == n else
            (0.4143 + fall + noise * rng.normal(size=len(step))).tolist(),
            "validation": [None, *(0.4201 + 1.01 * fall[1:]).tolist()],
        }  # fmt: skip
    # A full-batch step finds Q before it moves: both columns are that of the step before.
    made["logistic-gd"]["loss_progressive"] = made["logistic-gd"]["loss"]
    return made


def _steps():
    step = np.arange(41)
    curvature = 3.2
    runs = [
        {"label": f"rate {r:g}", "rate": r, "step": step.tolist(), "seen": (step * 19020).tolist(),
         "loss": (0.66 + abs(1 - r * curvature) ** (2.0 * step) * 0.34).tolist()}
        for r in (0.001, 0.01, 0.1, 0.3, 0.5, 0.61, 0.66, 0.9)
    ]  # fmt: skip

    def path(rate):
        w = 0.9 + (-1.1 - 0.9) * (1 - rate * curvature) ** np.arange(14)
        return {
            "label": f"rate {rate:g}",
            "weight": w,
            "loss": 0.66 + 0.5 * curvature * (w - 0.9) ** 2,
        }

    w = np.linspace(-1.6, 3.4, 120)
    parabola = {
        "label": "weight of fAlpha",
        "weight": w,
        "loss": 0.66 + 0.5 * curvature * (w - 0.9) ** 2,
        "paths": [path(r) for r in (0.03, 0.2, 0.58, 0.64)],
    }
    return {"title": "Small steps, big steps", "runs": runs, "limit": 2 / curvature,
            "parabola": parabola}  # fmt: skip


def classification(n=1200, features=HILLAS, class_names=("hadron", "gamma"), methods=METHODS,
                   replicas=40, seed=1):  # fmt: skip
    """What `train` hands to the report for classes: every key of the contents."""
    rng = np.random.default_rng(seed)
    k, d = len(class_names), len(features)
    y = rng.integers(0, k, n)
    x = rng.gamma(3, 10, (n, d)) + 6 * rng.normal(size=(k, d))[y] + 8 * rng.normal(size=(n, 1))
    X = Samples(x, y, features=[Feature(*f) for f in features], class_names=class_names)
    test = _scores(y, methods, k, rng)
    predictions = {m: _prediction(m, s) for m, s in test.items()}
    found = evaluate(predictions, X, folds=X.fold_numbers(5), replicas=replicas)
    y_train = rng.integers(0, k, 2 * n)
    train = _scores(
        y_train, {m: s * (1.3 if m == "forest" else 1) for m, s in methods.items()}, k, rng
    )
    scores = {
        m: {
            "train": {"score": train[m], "y": y_train, "weight": None},
            "test": {"score": test[m], "y": y, "weight": None},
            "p_values": [t.p for t in overtraining(train[m], y_train, test[m], y)],
            "compared": [[int(sum(y_train == c)), int(sum(y == c))] for c in range(k)],
        }
        for m in methods
    }
    names = [f[0] for f in features]
    strength = np.exp(-np.arange(d) / 3) * rng.permutation(d) / d
    signed = strength * np.where(np.arange(d) % 2, 1, -1) / 8
    linear = [m for m in methods if m.startswith(("lin", "log"))]
    return {
        "title": "Gamma or hadron? Seven methods on the MAGIC telescope",
        "summary": "The forest separates best: AUC 0.937 ± 0.002. It keeps 62 % of the gammas when"
        " 5 % of the hadrons pass. The gradient-boosted trees are within 0.002 of it and train"
        " four times faster; the linear methods agree with each other and stay 0.1 below.",
        "created": "2026-11-22T14:12:05+00:00",
        "task": "classification",
        "class_names": list(class_names),
        "data": {
            "name": "MAGIC gamma telescope", "source": "magic04.data", "rows": n,
            "features": [
                {"name": f[0], "unit": f[1], "description": f[2], "low": float(x[:, j].min()),
                 "high": float(x[:, j].max()), "missing": 0} for j, f in enumerate(features)
            ],
            "class_counts": X.class_counts, "effective_events": float(n),
            "left_out": ["115 duplicate rows left out: they occur twice in the file.",
                         "2 rows left out: fWidth is missing or infinite."],
            "citation": "Bock et al., Nucl. Instrum. Meth. A 516 (2004) 511",
            "licence": "CC BY 4.0",
            "group_rule": "every event for itself",
        },
        "methods": [
            {"name": m, "title": m, "description": f"{m} as in the line-up",
             "settings": "Linear(), Descent(steps=20000, gradient_tolerance=7.768682831573159e-07)",
             "message": "stopped: |w_t − w_(t−1)| < 1e-8",
             "seconds": 0.4 * j + 0.1, "files": [f"models/{m}.baksan"]}
            for j, m in enumerate(methods)
        ],
        "evaluation": found.to_dict(),
        "histories": histories(n), "optimum": 0.4143, "steps": _steps(), "scores": scores,
        "importance": {
            m: {"metric": "auc", "rows": [
                {"feature": f, "mean": 0.2 * strength[j] * s, "error": 0.002 + 0.01 * strength[j]}
                for j, f in enumerate(names)]}
            for m, s in methods.items() if m in ("linear", "trees", "forest")
        },
        "weights": {
            m: [{"feature": f[0], "unit": f"1/{f[1]}" if f[1] else "", "weight": float(w),
                 "error": 0.03, "standardised": float(10 * w)}
                for f, w in zip(features, signed + 0.01 * i, strict=True)]
            for i, m in enumerate(linear)
        },
        "inputs": {"features": names, "x": x, "y": y, "weight": None},
        "provenance": {
            "command": "baksan train magic --folds 5 --out R", "seed": 0,
            "data": {"file": "magic04.data", "SHA-256": "9f3c" * 16},
            "versions": {"baksan": "0.1.0", "numpy": "2.4.0", "python": "3.13.1"},
            "hardware": {"processor": "x86_64", "cores": 2}, "seconds": 81.4,
        },
    }  # fmt: skip


def regression(n=1500, replicas=40, seed=2):
    """What `train` hands to the report for numbers: energies of showers."""
    rng = np.random.default_rng(seed)
    y = rng.uniform(17, 20, n)
    answer = Feature("log10 E", "log10(eV)", "energy")
    X = Samples(rng.normal(size=(n, 3)) + y[:, None], y, answer=answer)
    values = {m: 18.5 + k * (y - 18.5) + rng.normal(0, s * (1 + 0.3 * (20 - y)), n)
              for m, k, s in (("linear", 0.9, 0.12), ("trees", 0.98, 0.07))}  # fmt: skip
    found = evaluate({m: Prediction(value=v) for m, v in values.items()}, X,
                     folds=X.fold_numbers(3), replicas=replicas)  # fmt: skip
    return {
        "title": "The energy of air showers", "summary": "Trees resolve log10 E to 0.1.",
        "task": "regression", "evaluation": found.to_dict(),
        "data": {"rows": n, "features": [{"name": f, "unit": "m"} for f in X.names]},
        "residuals": {m: {"value": v, "answer": y, "weight": None, "unit": "log10(eV)",
                          "name": "log10 E"} for m, v in values.items()},
        "inputs": {"features": list(X.names), "x": X.x, "y": y, "weight": None},
    }  # fmt: skip
