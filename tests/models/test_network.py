"""Networks: their slopes, the two ways of a step, where they begin, what they learn."""

from dataclasses import replace

import jax
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from tests.problems import CAUCHY, LOSSES, outputs_of, samples_for

from baksan import (
    L1,
    L2,
    Adam,
    AdamW,
    Ensemble,
    GradientDescent,
    MiniBatch,
    Network,
    RMSprop,
    Samples,
    fit,
    losses,
)
from baksan.fit import History, ready
from baksan.fit.loop import Loop
from baksan.jaxed import jaxed
from baksan.models.activations import ACTIVATIONS
from baksan.models.encoding import Encoding
from baksan.models.passes import Training, backward, forward
from baksan.solvers.base import Problem, State
from baksan.solvers.network_steps import NetworkBatches
from baksan.solvers.rules import adam, paces, rmsprop, stepped
from baksan.solvers.schedules import Cosine

VARIANTS = [
    {},
    {"normalise": "layer"},
    {"normalise": "batch"},
    {"residual": True},
    {"dropout": 0.3},
    {"normalise": "batch", "residual": True, "dropout": 0.2, "inputs": "quantile"},
]
MULTIPLE = [losses.gaussian, losses.quantile(0.16, 0.5, 0.84)]
EVERY_LOSS = [*LOSSES, CAUCHY, *MULTIPLE]


def told(value):
    if isinstance(value, dict):
        return ",".join(f"{k}={v}" for k, v in value.items()) or "plain"
    return getattr(value, "name", str(value))


def begun(loss, X, seed=0, hidden=(5, 5), **variant):
    """A network off its starting point, where no slope is 0 by construction."""
    net = Network(hidden, precision="float64", **{"activation": "tanh", **variant})
    a = ready(Problem(net, X, loss), seed=seed).model
    rng = np.random.default_rng(seed)
    moved = a.parameters + 0.3 * rng.normal(size=a.parameters.shape)
    if a.running is not None:
        moved = np.where(a.running, np.abs(moved) + 0.5, moved)
    return a.moved(moved)


def q(a, X, loss):
    p, _ = a.pulled(X.x, lambda p: np.zeros_like(p))
    return float(X.w @ loss.value(p if p.shape[1] > 1 else p[:, 0], X.answers))


# Slopes -------------------------------------------------------------------------------------------


def differences(a, X, loss, free, h=1e-6):
    slope = np.zeros(a.parameters.size)
    for j in np.flatnonzero(free):
        step = np.zeros_like(slope)
        step[j] = h
        up, down = (q(a.moved(a.parameters + s * step), X, loss) for s in (1, -1))
        slope[j] = (up - down) / (2 * h)
    return slope


@pytest.mark.parametrize("variant", VARIANTS, ids=told)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_back_propagation_is_the_derivative_of_the_way_forward(variant, activation):
    X = samples_for(losses.squared, n=9, weighted=True)
    a = begun(losses.squared, X, activation=activation, **variant).in_training(3, 7)
    _, g = a.pulled(X.x, lambda p: losses.squared.slope(p, X.answers) * X.w)
    free = np.ones(g.size, bool) if a.running is None else ~a.running
    assert_allclose(g[free], differences(a, X, losses.squared, free)[free], rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("loss", EVERY_LOSS, ids=told)
def test_slopes_of_every_loss_reach_the_first_layer(loss):
    for outputs in [loss.least_outputs] if loss in MULTIPLE else outputs_of(loss):
        X = samples_for(loss, n=9, outputs=1 if loss in MULTIPLE else outputs, weighted=True)
        a = begun(loss, X, normalise="layer")
        assert a.outputs == outputs
        _, g = a.pulled(X.x, lambda p, X=X: (loss.slope(p, X.answers).T * X.w).T)
        assert_allclose(g, differences(a, X, loss, np.ones(g.size)), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS, ids=told)
def test_jax_differentiates_the_same_lines_to_the_same_slopes(variant):
    X = samples_for(losses.squared, n=9, outputs=3)
    a = begun(losses.squared, X, **variant).in_training(3, 7)
    plan = a.plan._replace(activation=jaxed(a.plan.activation))
    z, slope = a.encoding(X.x), np.random.default_rng(0).normal(size=(9, 3))
    training = a.training or Training((np.zeros(1, np.uint32),) * 2)
    _, tape = forward(z, a.layers, a.plan, training)
    ours = backward(slope, tape, a.layers, a.plan)
    with jax.enable_x64(True):
        theirs = jax.grad(
            lambda layers: (jaxed(forward)(z, layers, plan, training)[0] * slope).sum()
        )(list(a.layers))
    for one, other in zip(ours, theirs, strict=True):
        for name in one.keys() - {"mean", "variance"}:
            assert_allclose(one[name], other[name], rtol=1e-10, atol=1e-12)


def test_the_way_forward_agrees_with_scikit_learn():
    X = samples_for(losses.squared, n=40)
    a = begun(losses.squared, X, hidden=(7, 4))
    mlp = MLPRegressor(hidden_layer_sizes=(7, 4), activation="tanh", max_iter=1)
    with pytest.warns(ConvergenceWarning):
        mlp.fit(a.encoding(X.x), X.y)
    mlp.coefs_ = [layer["weight"] for layer in a.layers]
    mlp.intercepts_ = [layer["bias"] for layer in a.layers]
    assert_allclose(a(X.x), a.offset + a.unit * mlp.predict(a.encoding(X.x)), rtol=1e-12)


# Rules --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "decay", "theirs"),
    [
        (adam(0.9, 0.999, 1e-8), 0.0, optax.adam(0.01)),
        (adam(0.8, 0.9, 1e-6), 0.3, optax.adamw(0.01, 0.8, 0.9, 1e-6, weight_decay=0.3)),
        (rmsprop(0.99, 1e-8), 0.0, optax.rmsprop(0.01, 0.99, 1e-8, eps_in_sqrt=False)),
    ],
    ids=["Adam", "AdamW", "RMSprop"],
)
def test_rules_take_the_steps_of_optax(rule, decay, theirs):
    rng = np.random.default_rng(0)
    w, v, s = rng.normal(size=6), np.zeros(6), np.zeros(6)
    with jax.enable_x64(True):
        other = jax.numpy.asarray(w)
        state = theirs.init(other)
        for step in range(30):
            g = rng.normal(size=6) * 10.0 ** rng.integers(-3, 3, size=6)
            (pace,) = paces(rule, np.array([0.01]), step)
            w, v, s = stepped(w, g, v, s, pace, rule, decay, 0.0, True, False)
            change, state = theirs.update(jax.numpy.asarray(g), state, other)
            other = optax.apply_updates(other, change)
            assert_allclose(w, other, rtol=1e-9, atol=1e-12)


# Two ways, one law --------------------------------------------------------------------------------


SOLVERS = [
    Adam(0.01, batch=7, epochs=3),
    AdamW(0.01, batch=7, epochs=3, decay=0.3, clip=0.5),
    RMSprop(0.01, batch=7, epochs=3),
    MiniBatch(0.05, batch=7, epochs=3, momentum=0.8, nesterov=True, average=True),
    GradientDescent(0.05, steps=12, momentum=0.5),
    replace(Adam(0.01, batch=None, steps=12)),
]


def run(a, X, loss, solver, way, penalty=None, **more):
    solver = replace(solver, way=way)
    return fit(a, X, loss, solver, penalty=penalty, seed=5, **more)


def assert_same(one, other, rtol=1e-10):
    assert_allclose(one.state.parameters, other.state.parameters, rtol=rtol, atol=rtol)
    for column in ("loss_progressive", "gradient", "change", "loss"):
        assert_allclose(
            one.history[column], other.history[column], rtol=100 * rtol, atol=100 * rtol
        )


PAIRS = [  # each solver on the richest network, each network with Adam; the others take long
    pytest.param(
        variant, solver, id=f"{solver.name}{k}-{told(variant)}",
        marks=[pytest.mark.slow] * (k > 0 and variant is not VARIANTS[-1]),
    )
    for k, solver in enumerate(SOLVERS)
    for variant in VARIANTS
]  # fmt: skip


@pytest.mark.parametrize(("variant", "solver"), PAIRS)
def test_generic_and_compiled_take_the_same_steps(variant, solver):
    X = samples_for(losses.logistic, n=31, weighted=True)
    net = Network((6, 6), "silu", precision="float64", **variant)
    ways = [run(net, X, losses.logistic, solver, way) for way in ("generic", "compiled")]
    assert ways[0].state.step == ways[1].state.step >= 12
    assert_same(*ways)


@pytest.mark.parametrize("loss", [*LOSSES, *MULTIPLE], ids=told)
@pytest.mark.parametrize("penalty", [None, L2(0.1), L1(0.02)], ids=str)
def test_generic_and_compiled_agree_for_every_loss_and_penalty(loss, penalty):
    if loss is losses.margin:  # its weights stay in a ball, which networks have none of
        return
    outputs = 1 if loss in MULTIPLE else outputs_of(loss)[-1]
    X = samples_for(loss, n=31, outputs=outputs)
    net = Network((6,), "tanh", precision="float64")
    ways = [run(net, X, loss, SOLVERS[0], way, penalty) for way in ("generic", "compiled")]
    assert_same(*ways)


def test_in_float32_they_agree_to_its_rounding():
    X = samples_for(losses.squared, n=31)
    ways = [
        run(Network((6, 6), "tanh"), X, losses.squared, SOLVERS[0], w)
        for w in ("generic", "compiled")
    ]
    assert_same(*ways, rtol=2e-6)


def test_steps_begun_ahead_are_those_that_follow(monkeypatch):
    X = samples_for(losses.squared, n=50)
    solver, net = Adam(Cosine(0.01), batch=4, epochs=40, way="compiled"), Network((6,), dropout=0.2)
    begin, made = NetworkBatches._begin, []

    def counted(self, state, *rest):
        made.append(state.step)
        return begin(self, state, *rest)

    monkeypatch.setattr(NetworkBatches, "_begin", counted)
    ahead = fit(net, X, losses.squared, solver, seed=2)
    begun = len(made)
    monkeypatch.setattr(Loop, "_then", lambda *_: 0)
    alone = fit(net, X, losses.squared, solver, seed=2)
    assert_array_equal(ahead.state.parameters, alone.state.parameters)
    for column in ("step", "loss", "loss_progressive", "gradient", "change", "rate"):
        assert_array_equal(ahead.history[column], alone.history[column])
    assert begun <= len(made) - begun  # none of them was in vain


@pytest.mark.parametrize("a", [Network((6,), dropout=0.2), Ensemble(Network((6,)), 3)], ids=type)
def test_a_resumed_run_ends_as_an_undisturbed_one(a):
    X = samples_for(losses.squared, n=50)
    kept = []

    def keep(state, history):
        kept.append((state.to_arrays(), history.to_dict()))

    whole = fit(a, X, losses.squared, Adam(0.01, batch=8, epochs=6), seed=2, checkpoint=keep)
    for arrays, rows in kept[3:-1:5]:
        again = fit(
            a, X, losses.squared, Adam(0.01, batch=8, epochs=6), seed=2,
            state=State.from_arrays(arrays), history=History.from_dict(rows),
        )  # fmt: skip
        assert_array_equal(again.state.parameters, whole.state.parameters)
        assert_array_equal(again.history["gradient"], whole.history["gradient"])


def test_members_of_an_ensemble_are_the_networks_of_their_seeds():
    X = samples_for(losses.squared, n=50)
    solver = Adam(0.01, batch=8, epochs=4)
    whole = fit(Ensemble(Network((6,)), 3), X, losses.squared, solver, seed=4).model
    for m, network in enumerate(whole.networks):
        one = fit(Network((6,)), X, losses.squared, solver, seed=4 * 3 + m).model
        assert_array_equal(network.parameters, one.parameters)
    assert_allclose(whole(X.x), np.mean([a(X.x) for a in whole.networks], axis=0))


def test_the_spread_of_an_ensemble_grows_away_from_its_events():
    X = samples_for(losses.squared, n=200)
    for loss in (losses.squared, losses.gaussian):
        found = fit(Ensemble(Network((16,)), 3), X, loss, Adam(0.01, batch=16, epochs=30))
        near, far = found.predict(X.x).spread, found.predict(30 * X.x).spread
        assert np.median(far) > 5 * np.median(near)
    between = found.model.spread(X.x)[:, 0]
    alone = losses.gaussian.read(found.model(X.x))["spread"]
    assert_allclose(near**2, alone**2 + between**2)


# Where they begin, and in which units -------------------------------------------------------------

NEW = {
    "two layers": Network(),
    "ten layers": Network((16,) * 10),
    "no layer": Network(()),
    "residual": Network((16, 16), residual=True),
    "batch": Network((16,), normalise="batch"),
    "layer": Network((16, 8), "tanh", normalise="layer"),
}


@pytest.mark.parametrize("network", NEW)
@pytest.mark.parametrize(
    "loss", [losses.squared, losses.logistic, losses.softmax, *MULTIPLE], ids=told
)
def test_a_new_network_begins_about_the_best_constant(loss, network):
    X = samples_for(loss, n=40, outputs=1 if loss in MULTIPLE else outputs_of(loss)[-1])
    a = ready(Problem(NEW[network], X, loss)).model
    constant = loss.best_constant(X.answers, a.outputs, X.weight)
    assert_array_equal(a.offset, constant)
    away = (a(X.x).reshape(40, -1) - constant) / a.unit
    assert 0 < np.sqrt(np.mean(away**2)) < 0.75


def test_bends_begin_where_the_events_are():
    x = np.linspace(-3, 3, 600)
    wave = Samples(x[:, None], np.sin(3 * x))
    first = ready(Problem(Network((64,)), wave, losses.squared)).model.layers[0]
    bends = -first["bias"] / first["weight"][0]
    assert 0.3 < np.median(np.abs(bends)) < 1.3  # in standard deviations of x


def test_biases_at_the_start_let_a_network_follow_a_curve():
    """With biases of 0 all bends of relu begin at the mean, and in full batches they stay there."""
    x = np.linspace(-3, 3, 301)
    curve = Samples(x[:, None], np.sin(2 * x) * np.exp(-0.2 * x**2))
    solver = Adam(Cosine(0.02), None, steps=1500)
    ends = []
    for seed in (0, 1, 2):
        begun = ready(
            Problem(Network((64,), precision="float64"), curve, losses.squared), seed=seed
        ).model
        first, last = ({**layer} for layer in begun.layers)
        straight = begun.moved(begun.together([first | {"bias": np.zeros(64)}, last]))
        ends.append([fit(a, curve, losses.squared, solver).loss for a in (begun, straight)])
    spread, together = np.median(ends, axis=0)
    assert spread < 0.005 and together > 0.02


@pytest.mark.parametrize(
    "loss", [losses.squared, losses.absolute, losses.gaussian, losses.quantile(0.2, 0.5)], ids=told
)
def test_units_of_features_and_answers_change_nothing(loss):
    X = samples_for(loss, n=60)
    scaled = X.with_parts(x=X.x * [1e-9, 1e3, 7.0] + [0, 1.0, 0], y=X.y * 1e6)
    net = Network((6,), "tanh", precision="float64")
    one, other = (
        fit(net, events, loss, Adam(0.01, batch=16, epochs=5), seed=1).model
        for events in (X, scaled)
    )
    value = loss.read(one(X.x))["value"]
    assert_allclose(1e6 * value, loss.read(other(scaled.x))["value"], rtol=1e-6)


@pytest.mark.parametrize(
    "loss",
    [
        losses.squared, losses.absolute, losses.huber(0.3), losses.gaussian, losses.quantile(0.7),
        losses.quantile(0.2, 0.5),
    ],
    ids=told,
)  # fmt: skip
@pytest.mark.parametrize("way", ["generic", "compiled"])
def test_answers_far_from_zero_are_learned_like_any_other(loss, way):
    X = samples_for(losses.squared, n=60)
    far = X.with_parts(y=X.y + 2.0**40)
    p, off = (
        fit(Network((6,), "tanh"), events, loss, Adam(0.01, 16, epochs=5, way=way)).predict(X.x)
        for events in (X, far)
    )
    assert_allclose(off.value - 2.0**40, p.value, atol=2e-3)


def test_answers_that_single_precision_cannot_hold():
    X = samples_for(losses.squared, n=60)
    for factor in (1e30, 1e-30, 1e200):
        with pytest.raises(ValueError, match=r"costs beyond the numbers of float32.*float64"):
            fit(Network((6,)), X.with_parts(y=factor * X.y), losses.squared, Adam())
    double = Network((6,), precision="float64")
    assert fit(double, X.with_parts(y=1e30 * X.y), losses.squared, Adam(epochs=3)).loss > 0
    with pytest.raises(ValueError, match="beyond the numbers of float64; give them in another uni"):
        fit(double, X.with_parts(y=1e200 * X.y), losses.squared, Adam())
    own = replace(losses.squared, name="own", follows=())
    with pytest.raises(ValueError, match="differ by .* less than float32 tells apart"):
        fit(Network((6,)), X.with_parts(y=X.y + 1e9), own, Adam())


def test_a_network_too_wide_for_the_memory():
    X = samples_for(losses.squared, n=60)
    with pytest.raises(MemoryError, match=r"40,001,\d{3},001 parameters needs .* narrower layers"):
        fit(Network((200_000, 200_000)), X, losses.squared, Adam())


def test_quantile_inputs_do_not_see_a_monotone_change_of_a_feature():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5000, 1))
    z, same = (Encoding.of(v, np.ones(5000), quantiles=True)(v) for v in (x, np.exp(3 * x)))
    assert_allclose(z, same, atol=0.1)
    assert_allclose([z.mean(), z.std()], [0, 1], atol=1e-9)


def test_quantile_inputs_of_discrete_and_constant_features():
    x = np.column_stack([np.repeat([0.0, 1.0], 50), np.full(100, 3.0)])
    z = Encoding.of(x, np.ones(100), quantiles=True)(x)
    assert_allclose(np.unique(z[:, 0]), [-1.0, 1.0])
    assert_allclose(z[:, 1], 0.0, atol=1e-15)


# What they learn ----------------------------------------------------------------------------------


def test_a_network_learns_what_no_line_can():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(2000, 2))
    X = Samples(x, (x[:, 0] * x[:, 1] > 0).astype(int), class_names=("b", "s"))
    found = fit(Network((16, 16)), X, losses.logistic, Adam(0.01, batch=64, epochs=30))
    right = (found.model(x) > 0) == (x[:, 0] * x[:, 1] > 0)
    assert right.mean() > 0.97


def test_mean_and_spread_are_those_of_the_noise():
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, size=(6000, 1))
    spread = 0.1 + 0.2 * np.abs(x[:, 0])
    X = Samples(x, np.sin(x[:, 0]) + spread * rng.normal(size=6000))
    found = fit(Network((32, 32), "tanh"), X, losses.gaussian, Adam(5e-3, batch=128, epochs=60))
    told = found.predict(np.array([[-1.5], [0.0], [1.5]]))
    assert_allclose(told.value, np.sin([-1.5, 0.0, 1.5]), atol=0.08)
    assert_allclose(told.spread, [0.4, 0.1, 0.4], atol=0.08)


def test_quantile_heads_cover_what_they_say():
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, size=(6000, 1))
    X = Samples(x, x[:, 0] + (0.2 + 0.3 * (x[:, 0] > 0)) * rng.normal(size=6000))
    found = fit(Network((32,)), X, losses.quantile(0.16, 0.5, 0.84), Adam(Cosine(5e-3), epochs=60))
    low, _, high = found.predict(x).quantiles.T
    inside = (X.y > low) & (X.y < high)
    for half in (x[:, 0] < 0, x[:, 0] > 0):
        assert inside[half].mean() == pytest.approx(0.68, abs=0.03)


def test_running_means_end_near_those_of_all_events():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 3))
    net = Network((8,), normalise="batch", precision="float64")
    a = fit(net, Samples(x, x[:, 0]), losses.squared, Adam(1e-3, batch=100, epochs=5)).model
    u = a.encoding(x) @ a.layers[0]["weight"]
    assert_allclose(a.layers[0]["mean"], u.mean(axis=0), atol=0.15)
    assert_allclose(a.layers[0]["variance"], u.var(axis=0), rtol=0.15)


@pytest.mark.parametrize("settings", [{"normalise": "batch"}, {"dropout": 0.3}], ids=str)
def test_full_steps_on_many_events_see_them_as_one_batch(settings):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32_801, 2))
    X = Samples(x, x[:, 0] * x[:, 1])
    net = Network((4,), precision="float64", **settings)
    ways = [
        fit(net, X, losses.squared, GradientDescent(0.05, steps=3, way=way)).model.parameters
        for way in ("generic", "compiled")
    ]
    assert_allclose(*ways, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("way", ["generic", "compiled"])
def test_clipping_leaves_the_running_means_alone(way):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(512, 3))
    X, net = Samples(x, x[:, 0]), Network((4,), normalise="batch", precision="float64")
    a = fit(net, X, losses.squared, Adam(1e-9, batch=128, epochs=40, clip=1e-6, way=way)).model
    u = a.encoding(x) @ a.layers[0]["weight"]
    assert_allclose(a.layers[0]["variance"], u.var(axis=0), rtol=0.05)
    assert_allclose(a.layers[0]["mean"], u.mean(axis=0), atol=0.05)


@pytest.mark.parametrize("way", ["generic", "compiled"])
def test_a_short_batch_moves_the_running_means_by_its_share(way):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(17, 2))
    X, net = Samples(x, x[:, 0]), Network((3,), normalise="batch", precision="float64")
    solver = MiniBatch(1e-12, batch=16, epochs=1, shuffle=False, way=way)
    a = fit(net, X, losses.squared, solver).model
    u = a.encoding(x) @ a.layers[0]["weight"]
    mean, variance = 0.1 * u[:16].mean(axis=0), 0.9 + 0.1 * u[:16].var(axis=0)
    assert_allclose(a.layers[0]["mean"], mean + 0.1 / 16 * (u[16] - mean), rtol=1e-8, atol=1e-9)
    assert_allclose(a.layers[0]["variance"], variance * (1 - 0.1 / 16), rtol=1e-8)


def test_dropout_drops_its_share_and_keeps_the_mean():
    a = Network((2000,), dropout=0.25, precision="float64")
    layers = [
        {"weight": np.zeros((1, 2000)), "bias": np.ones(2000)},
        {"weight": np.ones((2000, 1)), "bias": np.zeros(1)},
    ]
    training = Training((np.array([1], np.uint32), np.array([2], np.uint32)))
    told, tape = forward(np.ones((50, 1)), layers, a.plan, training)
    assert (tape[0][3] == 0).mean() == pytest.approx(0.25, abs=0.01)
    assert told.mean() == pytest.approx(2000, rel=0.01)
    assert np.abs(np.corrcoef(tape[0][3][0], tape[0][3][1])[0, 1]) < 0.1


# Bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"hidden": (64, 0)}, "whole numbers of neurons from 1, such as .64, 64.; .64, 0. came"),
        ({"hidden": (2.5,)}, "whole numbers of neurons"),
        ({"activation": "step"}, "activation must be one of relu, .*; it is 'step'"),
        ({"normalise": "group"}, "normalise must be one of None, batch, layer"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1; it is 1.0"),
        ({"inputs": "raw"}, "inputs must be one of standard, quantile"),
        ({"precision": "float16"}, "precision must be one of float32, float64"),
    ],
    ids=lambda v: told(v) if isinstance(v, dict) else "",
)
def test_wrong_settings_are_told(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        Network(**settings)


def test_members_that_are_none():
    with pytest.raises(ValueError, match="at least 1; 0 came"):
        Ensemble(Network(), 0)
    with pytest.raises(TypeError, match="an ensemble is of networks; int came"):
        Ensemble(4)


def test_features_of_another_number_and_images():
    X = samples_for(losses.squared)
    a = fit(Network((4,)), X, losses.squared, Adam(epochs=1)).model
    with pytest.raises(ValueError, match=r"needs 3 features, x \(n, 3\); x has shape \(2, 4\)"):
        a(np.ones((2, 4)))
    with pytest.raises(ValueError, match="Flatten images first"):
        fit(Network(), Samples(np.ones((4, 2, 2)), np.arange(4.0)), losses.squared, Adam())


def test_a_state_of_another_architecture():
    X = samples_for(losses.squared)
    state = fit(Network((4,)), X, losses.squared, Adam(epochs=1)).state
    with pytest.raises(
        ValueError, match="the state must be of this model, with 41 parameters; it has 21"
    ):
        fit(Network((8,)), X, losses.squared, Adam(epochs=1), state=state)


def test_what_explodes_names_the_event_that_is_far_from_all_others():
    """Of 300 events one has at most √300 = 17 standard deviations, and is named all the same."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    x[7, 2] = 1e6
    y = np.where(np.arange(300) == 7, 1e6, x[:, 0])
    steep = MiniBatch(1e6, batch=32, epochs=5, way="compiled")
    net = Network((8,))
    found = fit(net, Samples(x, y), losses.squared, steep)
    assert not found.converged and "the rate 1e+06; try 1e+05, or clip=1" in found.message
    assert "The event 7 is 17.3 standard deviations from the mean in x2" in found.message
    calm = fit(net, Samples(x[:, :2], x[:, 0]), losses.squared, steep)
    assert "The event" not in calm.message
    y = np.where(np.arange(300) == 9, 1e6, x[:, 0])
    told = fit(net, Samples(x[:, :2], y), losses.squared, steep).message
    assert "The answer of the event 9 is 17.3 standard deviations from the mean" in told
