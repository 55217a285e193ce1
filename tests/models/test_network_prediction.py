"""What a network predicts by its loop is what the plain lines of `passes.forward` say."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from baksan import Network
from baksan.compiled import threads
from baksan.models import passes
from baksan.models.activations import ACTIVATIONS
from baksan.models.encoding import Encoding
from baksan.models.kernels_network import LEAST, NAMES
from baksan.models.passes import forward

X = np.random.default_rng(0).normal(size=(203, 6)) * [1e-3, 1, 1, 1, 10, 1e4] + [0, 1, -1, 0, 0, 1]
OFF = {"float32": 1e-5, "float64": 1e-12}


def made(hidden=(6, 6, 21), outputs=1, x=X, **settings):
    """A network whose numbers are all different."""
    rng = np.random.default_rng(1)
    a = Network(hidden, **settings).prepared(x, np.ones(len(x)), outputs).drawn(2)
    numbers = a.parameters + 0.2 * rng.normal(size=a.parameters.shape)
    if a.running is not None:
        numbers = np.where(a.running, np.abs(numbers) + 0.5, numbers)
    return a.at_constant(rng.normal(size=outputs), 1 + rng.random(outputs)).moved(numbers)


def plainly(a, x):
    with np.errstate(all="ignore"):
        p = a.offset + a.unit * forward(a.encoding(x, a.dtype), a.layers, a.plan)[0]
    return p[:, 0] if a.outputs == 1 else p


def assert_right(a, x=X):
    wanted = plainly(a, x)
    assert_allclose(a(x), wanted, rtol=0, atol=OFF[a.precision] * np.abs(wanted).max())


@pytest.mark.parametrize("precision", OFF)
@pytest.mark.parametrize("normalise", [None, "batch", "layer"])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_network_is_what_the_plain_lines_say(
    activation, outputs, residual, normalise, precision
):
    a = made(
        outputs=outputs, activation=activation, residual=residual, normalise=normalise,
        precision=precision,
    )  # fmt: skip
    assert_right(a)
    one_by_one = [a(X[i : i + 1]) for i in range(140)]
    assert_array_equal(np.concatenate(one_by_one), a(X)[:140])


@pytest.mark.parametrize("hidden", [(), (1,), (64, 64), (130, 5)])
@pytest.mark.parametrize("inputs", ["standard", "quantile"])
@pytest.mark.parametrize("precision", OFF)
def test_any_width(hidden, inputs, precision):
    assert_right(made(hidden, inputs=inputs, precision=precision))
    assert_right(made(hidden, inputs=inputs, precision=precision), X.astype(np.float32))


@pytest.mark.parametrize("settings", [{}, {"normalise": "layer"}, {"inputs": "quantile"}])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_an_event_is_given_the_same_whatever_is_beside_it(settings, activation):
    x = np.random.default_rng(3).normal(size=(20_000, 6))
    a = made((32, 20), activation=activation, **settings)
    alone = a(x)
    for first, last in [(0, 1), (5, 17), (5, 26), (7, 140), (8_000, 8_300), (1, 20_000)]:
        assert_array_equal(a(x[first:last]), alone[first:last])
    assert_array_equal(a(x[::-1])[::-1], alone)
    with threads(1):
        assert_array_equal(a(x), alone)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("inputs", ["standard", "quantile"])
@pytest.mark.parametrize("size", [30.0, 1e3, 1e30])
def test_far_away_it_is_what_the_plain_lines_say(activation, inputs, size):
    a = made(activation=activation, inputs=inputs, precision="float64")
    x = np.random.default_rng(4).normal(size=(40, 6)) * size
    x[:3] = [[np.inf], [-np.inf], [np.nan]]
    with np.errstate(all="ignore"):
        assert_allclose(a(x), plainly(a, x), rtol=1e-10, atol=1e-10)


def test_one_knot_and_knots_that_coincide():
    assert_right(made(x=X[:1], inputs="quantile"))
    steps = np.round(X)
    assert_right(made(x=steps, inputs="quantile"), steps)


@pytest.mark.parametrize("kind", ["i4", "f2", ">f8", ">f4", "?", "O"])
def test_numbers_of_any_kind(kind):
    a, x = made(), (X / 1000).astype(kind)
    assert_array_equal(a(x), a(x.astype(float)))
    assert_array_equal(a(np.asfortranarray(x)[::2]), a(x)[::2])


def test_no_event_is_given_nothing():
    assert made()(X[:0]).shape == (0,)
    assert made(outputs=3)(X[:0]).shape == (0, 3)


def test_the_loop_knows_the_names_and_the_constants_of_the_plain_lines():
    assert set(NAMES) == set(ACTIVATIONS)
    assert LEAST == passes._LEAST


def test_features_of_another_number_are_refused():
    with pytest.raises(ValueError, match="needs 6 features"):
        made()(X[:, :5])


def test_encoded_features_pass_as_they_are():
    a = made(precision="float64")
    assert_allclose(a.core(a.encoding(X)), a(X), rtol=1e-12, atol=1e-12)
    assert a.core.encoding.features == Encoding.none(6).features
