"""A sweep is the fits one by one, to the last bit."""

import subprocess
import sys

import numpy as np
import pytest

import baksan as bk
from baksan import losses
from baksan.solvers.lanes import _Lane

RNG = np.random.default_rng(6)
x = RNG.normal(size=(400, 2))
X = bk.Samples(x, x[:, 0] * x[:, 1])
LEARN, HELD = X.rows(slice(0, 300)), X.rows(slice(300, 400))
SOLVER = bk.Adam(0.01, batch=50, epochs=5, way="compiled")
VARIANTS = {
    "slow": bk.Adam(1e-4, batch=50, epochs=5, way="compiled"),
    "wide": bk.Network((32,)),
    "both": (bk.Network((8, 8), dropout=0.1), bk.AdamW(0.02, batch=20, epochs=3)),
    "straight": (bk.Linear(), bk.Analytic()),
}


@pytest.mark.parametrize("threads", [1, 3])
def test_a_sweep_is_the_fits_one_by_one(threads):
    found = bk.sweep(
        bk.Network((8,)), LEARN, losses.squared, SOLVER, VARIANTS, validation=HELD, seed=2,
        threads=threads,
    )  # fmt: skip
    assert list(found.fits) == list(VARIANTS)
    alone = {
        "slow": (bk.Network((8,)), VARIANTS["slow"]),
        "wide": (VARIANTS["wide"], SOLVER),
        "both": VARIANTS["both"],
        "straight": VARIANTS["straight"],
    }
    for name, (model, solver) in alone.items():
        one = bk.fit(model, LEARN, losses.squared, solver, validation=HELD, seed=2)
        np.testing.assert_array_equal(found[name].model.parameters, one.model.parameters)
        np.testing.assert_array_equal(found[name].history["loss"], one.history["loss"])
        assert found.losses[name] == bk.Q(one.model, HELD, losses.squared)
    assert found.best == min(found.losses, key=found.losses.get)
    assert found.best in repr(found)


def test_without_validation_the_training_loss_counts_and_progress_is_that_of_all():
    told = []
    found = bk.sweep(
        bk.Linear(), LEARN, losses.squared, bk.GradientDescent(),
        {"10": bk.MiniBatch(batch=10, epochs=900), "20": bk.MiniBatch(batch=20, epochs=900)},
        threads=1, progress=told.append,
    )  # fmt: skip
    assert found.losses == {name: found[name].loss for name in ("10", "20")}
    assert all(last == 30 * 900 + 15 * 900 for _, last, *_ in told)
    assert len(found.plot().axes) == 1


def test_what_is_no_sweep():
    with pytest.raises(ValueError, match="a sweep needs variants"):
        bk.sweep(bk.Linear(), X, losses.squared, SOLVER, {})
    with pytest.raises(TypeError, match="'rate' is 0.1"):
        bk.sweep(bk.Linear(), X, losses.squared, SOLVER, {"rate": 0.1})
    with pytest.raises(ValueError, match="hinge is a loss for classification"):
        bk.sweep(bk.Linear(), X, losses.hinge, SOLVER, {"wide": bk.Network((64,))})


# In one call --------------------------------------------------------------------------------------


def rated(rate, **more):
    settings = {"batch": 50, "epochs": 9, "way": "compiled", "momentum": 0.5} | more
    return bk.MiniBatch(rate, **settings)


def test_networks_that_step_together_end_as_those_that_step_alone():
    net = bk.Network((8,), dropout=0.1, precision="float64")
    variants = {
        "slow": rated(1e-3), "fast": rated(0.1), "falling": rated(bk.schedules.Cosine(0.2)),
        "far too fast": rated(1e8), "another": rated(0.05, batch=20), "alone": bk.Linear(),
    }  # fmt: skip
    found, alone = (
        bk.sweep(net, LEARN, losses.squared, rated(0.1), variants, validation=HELD, together=way)
        for way in (True, False)
    )
    assert list(found.fits) == list(variants)
    for name in variants:
        one, other = found[name], alone[name]
        assert one.message.split(":")[0] == other.message.split(":")[0]
        for column in ("step", "loss", "validation", "rate", "gradient"):
            np.testing.assert_allclose(one.history[column], other.history[column], rtol=1e-8)
        np.testing.assert_allclose(one.model.parameters, other.model.parameters, rtol=1e-8)


def test_who_loses_patience_leaves_the_others_to_go_on():
    rates = (0.5, 0.1, 1e-9)
    variants = {str(rate): rated(rate, epochs=60, patience=3) for rate in rates}
    net = bk.Network((8,), precision="float64")
    found = bk.sweep(
        net, LEARN, losses.squared, rated(0.1), variants, validation=HELD, together=True
    )
    steps = {name: one.state.step for name, one in found.fits.items()}
    assert len(set(steps.values())) > 1
    for name, solver in variants.items():
        one = bk.fit(net, LEARN, losses.squared, solver, validation=HELD)
        assert one.state.step == steps[name]
        np.testing.assert_allclose(found[name].model.parameters, one.model.parameters, rtol=1e-8)


def test_what_goes_wrong_in_one_lane_ends_the_sweep():
    empty = HELD.rows(slice(0, 0))
    with pytest.raises(ValueError, match="validation needs events"):
        bk.sweep(
            bk.Network((8,)), LEARN, losses.squared, rated(0.1),
            {"a": rated(0.1), "b": rated(0.2)}, validation=empty, together=True,
        )  # fmt: skip


def test_ctrl_c_in_one_lane_ends_all_of_them():
    seen = []

    def progress(now):
        seen.append(now.step)
        raise KeyboardInterrupt

    many = {str(rate): rated(rate, epochs=20_000) for rate in (0.01, 0.02, 0.05)}
    with pytest.raises(KeyboardInterrupt):
        bk.sweep(
            bk.Network((8,)), LEARN, losses.squared, rated(0.1), many, together=True,
            progress=progress,
        )  # fmt: skip
    assert len(seen) <= 3  # nobody went on


def test_an_error_in_one_lane_is_what_the_sweep_raises(monkeypatch):
    whole = _Lane.__call__

    def failing(self, state, steps):
        if self.number == 1 and state.step >= 50:
            raise RuntimeError("this lane fails")
        return whole(self, state, steps)

    monkeypatch.setattr(_Lane, "__call__", failing)
    rates = {str(rate): rated(rate, epochs=500) for rate in (0.01, 0.02, 0.05)}
    with pytest.raises(RuntimeError, match="this lane fails"):
        bk.sweep(bk.Network((8,)), LEARN, losses.squared, rated(0.1), rates, together=True)


def test_a_sweep_of_linear_models_needs_no_jax():
    code = (
        "import sys, numpy as np, baksan as bk\n"
        "x = np.linspace(-1, 1, 100)[:, None]; X = bk.Samples(x, x[:, 0])\n"
        "bk.sweep(bk.Linear(), X, bk.losses.squared, bk.MiniBatch(0.1, batch=10, epochs=2),"
        " {'a': bk.MiniBatch(0.1, batch=10, epochs=2)})\n"
        "print('jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
