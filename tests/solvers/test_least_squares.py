"""Exact least squares is as accurate as LAPACK's orthogonal gelsy; exact numbers are the judge."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import lstsq
from threadpoolctl import ThreadpoolController, threadpool_info

from baksan import L2, Analytic, Linear, Samples, Stream, fit, losses
from baksan.compiled import compiled, threads
from baksan.fit import ready
from baksan.solvers import least_squares
from baksan.solvers.base import Problem
from baksan.solvers.gram import Gram
from baksan.solvers.kernels_qr import triangles

N, D, ANSWERS = 500, 12, 5
EPS = np.finfo(float).eps


# The exact answer ---------------------------------------------------------------------------------


def whole(column):
    """Whole numbers and the exponent of the power of two in which they are the column's values."""
    mantissa, exponent = np.frexp(np.asarray(column, dtype=float))
    lowest = int(exponent[mantissa != 0].min(initial=0)) - 53
    digits = np.ldexp(mantissa, 53).astype(np.int64)
    shifts = np.where(mantissa == 0, 0, exponent - 53 - lowest)
    return [m << s for m, s in zip(digits.tolist(), shifts.tolist(), strict=True)], lowest


def exact_slopes(x, y, weight=None, ridge=None):
    """argmin of Σ w (y − w₀ − ⟨v, x⟩)² + Σ ridge_j v_j² for these very numbers, (d, k).

    Binary fractions: their normal equations are exact in whole numbers, and are eliminated in 120
    digits.
    """
    d, k = x.shape[1], y.shape[1]
    columns = [whole(column) for column in [*x.T, *y.T]]
    load, unit = whole(np.ones(len(x)) if weight is None else weight)
    mass = sum(load)
    loaded = [list(map(int.__mul__, column, load)) for column, _ in columns]
    sums = [sum(column) for column in loaded]
    with localcontext(prec=120):
        a = [[Decimal(0)] * (d + k) for _ in range(d)]
        for i in range(d):
            for j in range(i, d + k):
                centred = mass * sum(map(int.__mul__, loaded[i], columns[j][0])) - sums[i] * sums[j]
                power = Decimal(2) ** (unit + columns[i][1] + columns[j][1])
                a[i][j] = Decimal(centred) / mass * power
                if j < d:
                    a[j][i] = a[i][j]
            a[i][i] += Decimal(0) if ridge is None else ridge[i]
        return np.array([[float(v) for v in row] for row in eliminated(a)])


def eliminated(a):
    """Solutions (d, k) of the augmented systems (d, d + k) with a positive definite matrix."""
    d = len(a)
    for i in range(d):
        a[i] = [value / a[i][i] for value in a[i]]
        for r in range(d):
            if r != i:
                factor = a[r][i]
                a[r] = [p - factor * q for p, q in zip(a[r], a[i], strict=True)]
    return [row[d:] for row in a]


# The problems -------------------------------------------------------------------------------------


def conditioned(x, singular, rng):
    """Features with these singular values about their mean, in oblique directions."""
    turn, _ = np.linalg.qr(rng.standard_normal((x.shape[1], x.shape[1])))
    return (x * singular) @ turn + rng.standard_normal(x.shape[1])


def features_of(name, seed, n=N):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, D))
    if name.startswith("condition"):
        return conditioned(x, np.geomspace(1.0, 1.0 / float(name.split()[1]), D), rng)
    return {
        "units": x * np.logspace(-6, 6, D), "mean": x + 1e6,
        "polynomial": rng.uniform(0.0, 1.0, n)[:, None] ** np.arange(1, D + 1),
    }[name]  # fmt: skip


PROBLEMS = ("condition 1e4", "condition 1e8", "condition 1e12", "units", "mean", "polynomial")


def answers_for(x, noise, seed, answers=ANSWERS):
    """Random answers that need all directions: those of a single one are a matter of luck."""
    rng, spread = np.random.default_rng([seed, 1]), x.astype(float).std(axis=0)
    y = x @ (rng.standard_normal((x.shape[1], answers)) / spread[:, None])
    return y + noise * y.std(axis=0) * rng.standard_normal(y.shape)


def solved(x, y, weight=None, strength=0.0, standardise=True, stream=False):
    X = Samples(x, y, weight)
    if stream:
        X = blocks_of(X, 137)
    penalty = L2(strength) if strength else None
    return fit(Linear(standardise), X, losses.squared, Analytic(), penalty=penalty)


def blocks_of(X, size):
    return Stream(lambda: (X.rows(slice(i, i + size)) for i in range(0, len(X), size)))


def gelsy(x, y, weight=None, ridge=None):
    """LAPACK on the events, (1, x), and on the rows that ridge regression adds."""
    n, d = x.shape
    z, t = np.column_stack([np.ones(n), x]), np.array(y)
    if weight is not None:
        z, t = z * np.sqrt(weight)[:, None], t * np.sqrt(weight)[:, None]
    if ridge is not None:
        extra = np.column_stack([np.zeros(d), np.diag(np.sqrt(ridge))])
        z, t = np.vstack([z, extra]), np.vstack([t, np.zeros((d, y.shape[1]))])
    return lstsq(z, t, lapack_driver="gelsy", cond=EPS)[0][1:]


def wrong(slopes, right, spread):
    """|s∘(v − v*)| / |s∘v*| of each answer: errors in units of each feature's spread."""
    off = np.linalg.norm(spread * (slopes - right), axis=0)
    return off / np.linalg.norm(spread * right, axis=0)


def compared(x, y, weight=None, strength=0.0, **settings):
    """Errors of ours and of gelsy, for each answer."""
    found = solved(x, y, weight, strength, **settings)
    ridge = exact_ridge = None
    if strength:
        mass = sum(map(Decimal, (np.ones(len(x)) if weight is None else weight).tolist()))
        scale = [Decimal(s) for s in found.model.scale.tolist()]
        exact_ridge = [Decimal(strength) * mass / 2 * s * s for s in scale]
        ridge = np.array(exact_ridge, dtype=float)
    right = exact_slopes(x, y, weight, exact_ridge)
    spread = x.astype(float).std(axis=0)[:, None]
    ours = found.model.weights.reshape(y.shape[1], -1).T
    return wrong(ours, right, spread), wrong(gelsy(x, y, weight, ridge), right, spread)


def ratio_over(seeds, name, noise, **settings):
    """The median error over seeds and answers, in units of gelsy's."""
    ours, theirs = [], []
    for seed in seeds:
        x = features_of(name, seed)
        weight = settings.get("weight")
        if weight == "some":
            weight = np.random.default_rng([seed, 2]).uniform(0.1, 5.0, N)
        a, b = compared(x, answers_for(x, noise, seed), **(settings | {"weight": weight}))
        ours, theirs = [*ours, *a], [*theirs, *b]
    return np.median(ours) / max(np.median(theirs), EPS)


# The law ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.0, 1.0], ids=["smooth", "noisy"])
@pytest.mark.parametrize("weight", [None, "some"], ids=["equal", "weighted"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_errors_are_at_most_ten_times_those_of_lapack(name, weight, noise):
    assert ratio_over(range(3), name, noise, weight=weight) < 10


@pytest.mark.parametrize("strength", [1e-12, 1e-3, 1.0])
@pytest.mark.parametrize("name", PROBLEMS)
def test_with_l2_too(name, strength):
    settings = {"strength": strength, "weight": "some" if strength == 1e-3 else None}
    assert ratio_over(range(2), name, 1e-3, **settings) < 10


@pytest.mark.parametrize("settings", [{"standardise": False}, {"stream": True}], ids=str)
@pytest.mark.parametrize("name", PROBLEMS)
def test_without_standardisation_and_from_a_stream_too(name, settings):
    assert ratio_over(range(2), name, 1e-3, **settings) < 10


@pytest.mark.parametrize("name", ["condition 1e4", "mean"])
def test_of_single_precision_it_is_the_answer_of_these_very_numbers(name):
    x = features_of(name, 0)
    x = (x if name != "mean" else x / 1e3).astype(np.float32)
    ours, theirs = compared(x, answers_for(x, 1e-3, 0))
    assert np.median(ours) < 10 * np.median(theirs)


SHAPES = {
    "geometric": lambda d, c: np.geomspace(1.0, 1.0 / c, d),
    "one small": lambda d, c: np.r_[np.ones(d - 1), 1.0 / c],
    "half small": lambda d, c: np.where(np.arange(d) < d // 2, 1.0, 1.0 / c),
}
CONDITIONS = (2.0, 4.0, 8.0, 1e2, 1e4, 3e4, 1e5, 3e5, 6e5, 1e6, 1e8)  # about all the thresholds


@pytest.mark.parametrize("d", [3, 12, 30])
@pytest.mark.parametrize("shape", SHAPES)
def test_whatever_the_shape_of_the_spectrum(shape, d):
    for condition in CONDITIONS:
        ours, theirs = [], []
        for seed in range(2 if d < 30 else 1):
            rng = np.random.default_rng([seed, d])
            x = conditioned(rng.standard_normal((400, d)), SHAPES[shape](d, condition), rng)
            a, b = compared(x, answers_for(x, 1e-6, seed))
            ours, theirs = [*ours, *a], [*theirs, *b]
        assert np.median(ours) < 10 * max(np.median(theirs), EPS), condition


def test_each_threshold_is_needed():
    """A decade or two below each of them, with the corrections from above, the law would break."""
    for condition, corrections in ((1e2, 0), (2e6, 1), (2e7, 2)):
        ratios = []
        for seed in range(3):
            x = features_of(f"condition {condition:g}", seed)
            y = answers_for(x, 0.0, seed)
            problem = ready(Problem(Linear(), Samples(x, y), losses.squared), Analytic())
            gram = problem.gram
            system = least_squares._System.of(problem, gram, problem.model)
            found = least_squares._by_cholesky(problem, gram, system, corrections)
            right, spread = exact_slopes(x, y), x.std(axis=0)[:, None]
            ours = problem.model.moved(found.parameters).weights.T
            error, theirs = wrong(ours, right, spread), wrong(gelsy(x, y), right, spread)
            ratios.append(np.median(error) / np.median(theirs))
        assert np.median(ratios) > 10


# Other claims -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("noise", [0.0, 1e-9, 1.0])
def test_the_loss_is_that_of_the_model(name, noise):
    x = features_of(name, 0)
    y = answers_for(x, noise, 0)
    found = solved(x, y)
    off = float(((found.model(x) - y) ** 2).sum(axis=1).mean())
    rounding = (EPS * np.abs(found.model.matrix).sum() * 10) ** 2
    assert_allclose(found.loss, off, rtol=1e-5, atol=rounding)


@pytest.mark.parametrize("name", ["condition 1e4", "condition 1e8"])
def test_threads_and_the_size_of_blocks_do_not_change_the_answer(name):
    """Threads not in the last bit."""
    x = features_of(name, 3, n=20_000)
    X = Samples(x, answers_for(x, 1e-3, 3))
    found = []
    for number in (1, 2, 3):
        with threads(number):
            found.append(fit(Linear(), X, losses.squared, Analytic()))
    for other in found[1:]:
        assert_array_equal(other.model.parameters, found[0].model.parameters)
        assert other.loss == found[0].loss
    for size in (200, 7_001):  # a hundred blocks: factors are put together several times
        other = fit(Linear(), blocks_of(X, size), losses.squared, Analytic())
        assert_allclose(other.model.weights, found[0].model.weights, rtol=1e-6)
        assert_allclose(other.loss, found[0].loss, rtol=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("run", [lambda f: f, compiled], ids=["python", "compiled"])
def test_triangles_are_those_of_lapack(run, weighted):
    rng = np.random.default_rng(4)
    x, t = rng.standard_normal((70, 3)) * [1.0, 1e-9, 1e9], rng.standard_normal((2, 70))
    x[30:60, 1] = 2.0 * x[30:60, 0]  # one lot of deficient rank
    weight = rng.random(70 if weighted else 0)
    mean, found = np.r_[x.mean(axis=0), t.mean(axis=1)], np.zeros((3, 5, 5))
    run(triangles)(x, t, weight, mean, 0, 70, 30, found)
    rows = np.column_stack([x, t.T]) - mean
    if weighted:
        rows *= np.sqrt(weight)[:, None]
    for r, part in zip(found, (rows[:30], rows[30:60], rows[60:]), strict=True):
        assert_array_equal(r, np.triu(r))
        size = np.linalg.norm(part, axis=0)
        assert_allclose(
            (r.T @ r) / np.outer(size, size), part.T @ part / np.outer(size, size), atol=1e-14
        )
        lapack = np.abs(np.linalg.qr(part, mode="r"))
        assert_allclose(np.abs(r[:, :1]), lapack[:, :1], rtol=1e-13, atol=1e-13)
    lapack = np.abs(np.linalg.qr(rows[:30], mode="r"))
    assert_allclose(np.abs(found[0]), lapack, rtol=1e-11)


def test_a_fit_leaves_the_threads_of_blas_alone(monkeypatch):
    """Their number is one for the whole process, and fits may run side by side."""
    x = features_of("condition 1e12", 0)
    X = Samples(x, answers_for(x, 0.0, 0))
    before = [library["num_threads"] for library in threadpool_info()]
    monkeypatch.setattr(ThreadpoolController, "limit", None)
    fit(Linear(), X, losses.squared, Analytic())
    assert [library["num_threads"] for library in threadpool_info()] == before


def minimum_norm(x, y, weight=None):
    """The smallest weights for features of unit variance, by singular values."""
    weight = np.ones(len(x)) if weight is None else weight
    share = weight / weight.sum()
    mean = share @ x
    constant = (x == x[0]).all(axis=0)
    spread = np.where(constant, 1.0, np.sqrt(share @ (x - mean) ** 2))
    z, root = np.where(constant, 0.0, x - mean) / spread, np.sqrt(share)[:, None]
    v = lstsq(z * root, (y - share @ y) * root, lapack_driver="gelsd", cond=1e-12)[0]
    return v / spread[:, None]


def deficient(kind, rng, n=300):
    x = rng.standard_normal((n, 4)) * [1.0, 100.0, 0.01, 1.0] + [0.0, 1e3, 5.0, 0.1]
    more = {
        "duplicates": x[:, [0, 1, 1]], "sums": x[:, :2] @ [[1.0, 2.0], [0.1, -1.0]],
        "scaled": -3.0 * x[:, 1:2],
    }  # fmt: skip
    if kind in more:
        return np.column_stack([x, more[kind]]), 4
    if kind == "wide":
        return rng.standard_normal((n // 30, 15)) + 2.0, n // 30 - 1
    constants = np.tile([7.0, 0.1, 1e9 / 3, -1e-7 / 3, 0.0], (n, 1))
    return np.column_stack([x, constants]), 4


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["duplicates", "sums", "scaled", "constants", "wide"])
def test_a_deficient_design_gives_the_smallest_weights(kind, weighted):
    rng = np.random.default_rng(7)
    x, rank = deficient(kind, rng)
    y = rng.standard_normal((len(x), 2)) + 3.0
    weight = rng.uniform(0.1, 3.0, len(x)) if weighted else None
    for stream in (False, True):
        found = solved(x, y, weight, stream=stream)
        assert f"only {rank + 1} of {x.shape[1] + 1} columns are independent" in found.message
        right = minimum_norm(x, y, weight)
        scale = found.model.scale[:, None]
        assert_allclose(found.model.weights.T * scale, right * scale, rtol=1e-8, atol=1e-9)
        assert found.converged


@pytest.mark.parametrize("kind", ["duplicates", "sums", "scaled", "constants", "wide"])
def test_with_l2_a_deficient_design_has_one_answer(kind):
    rng = np.random.default_rng(8)
    x, _ = deficient(kind, rng)
    y = rng.standard_normal((len(x), 2)) + 3.0
    found = solved(x, y, strength=0.3)
    assert found.message == "solved exactly in one step."
    z = found.model.design(x)
    d = x.shape[1]
    bend = 2 * z.T @ z / len(z) + 0.3 * np.diag([0.0, *np.ones(d)])
    by_hand = np.linalg.solve(bend, 2 * z.T @ y / len(z)).T
    assert_allclose(found.model.matrix, by_hand, rtol=1e-9, atol=1e-11)


def test_events_without_weight_and_constant_answers():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((50, 3)), rng.standard_normal((50, 1))
    weight = np.r_[np.ones(30), np.zeros(20)]
    some = solved(x, y[:, 0], weight).model
    assert_allclose(some.parameters, solved(x[:30], y[:30, 0]).model.parameters, rtol=1e-11)
    flat = solved(x, np.full(50, 0.1))
    assert_allclose(flat.model.intercept, 0.1, rtol=1e-14)
    assert_allclose(flat.model.weights, 0.0, atol=1e-15)
    assert flat.loss < 1e-30


def test_no_features_but_constants():
    found = solved(np.full((20, 2), 0.1), np.arange(20.0))
    assert "only 1 of 3 columns" in found.message
    assert_allclose(found.model(np.full((1, 2), 0.1)), 9.5)


def test_no_features_at_all():
    found = solved(np.empty((5, 0)), np.arange(5.0), np.array([1.0, 1.0, 1.0, 1.0, 0.0]))
    assert_allclose(found.model.parameters, [1.5])
    assert_allclose(found.loss, 1.25)
    assert found.message == "solved exactly in one step."


def test_a_stream_in_which_no_event_counts():
    X = Samples([[0.0], [1.0]], [0.0, 1.0]).with_parts(weight=np.zeros(2))
    with pytest.raises(ValueError, match=r"weights are all zero; at least one event must count\."):
        fit(Linear(), Stream(lambda: [X]), losses.squared, Analytic())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("size", [1e145, 1e160, 1e300])
@pytest.mark.parametrize("far", [False, True])
def test_numbers_whose_squares_overflow(size, stream, far):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30, 2)), rng.standard_normal(30)
    large = 1.0 + x[:, 1] / 1e3 if far else x[:, 1]
    for what, X in (
        ("feature 'x1'", Samples(np.column_stack([x[:, 0], size * large]), y)),
        ("the answer", Samples(x, size * large)),
    ):
        with pytest.raises(ValueError, match=f"those of {what} reach .*Give it in a larger unit."):
            fit(Linear(), blocks_of(X, 7) if stream else X, losses.squared, Analytic())


def test_weights_that_are_too_large():
    x = np.random.default_rng(0).standard_normal((30, 2))
    with pytest.raises(
        ValueError, match=r"sum to less than 1e\+200; these sum to 3e\+221\. Divide"
    ):
        solved(x, x[:, 0], np.full(30, 1e220))


def test_a_weighted_stream_is_read_once_and_once_for_a_correction():
    rng, passes = np.random.default_rng(5), []
    x = rng.standard_normal((400, 3))
    x[:, 2] = x[:, 0] + 1e-3 * x[:, 2]
    X = Samples(x, x.sum(axis=1) + rng.standard_normal(400), rng.random(400) + 0.5)

    def blocks():
        passes.append(0)
        for block in blocks_of(X, 100):
            passes[-1] += 1
            yield block

    found = fit(Linear(), Stream(blocks), losses.squared, Analytic())
    assert np.isfinite(found.loss) and sorted(passes)[1:] == [4, 4]  # and the first block


@pytest.mark.parametrize(("condition", "told"), [(1e4, False), (1e7, True), (1e11, True)])
def test_it_says_that_features_nearly_depend_on_each_other(condition, told):
    x = features_of(f"condition {condition:g}", 0)
    found = solved(x, answers_for(x, 1.0, 0))
    assert ("the features nearly depend on each other (condition" in found.message) == told
    if told:
        value = float(found.message.split("(condition ")[1].split(")")[0])
        assert 0.05 < value / condition < 20
    assert "columns are independent" not in found.message


def test_the_gram_matrix_is_centred_wherever_the_mean_lies():
    """Also where the first events are far from the rest."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((5_000, 2)) + np.where(np.arange(5_000) < 1_024, -1e8, 1e8)[:, None]
    x[1_024:] += rng.standard_normal((3_976, 2))
    gram = Gram.of(blocks_of(Samples(x[1_024:] + 0.0, x[1_024:, 0]), 700), losses.squared, 1)
    v = np.column_stack([x[1_024:], x[1_024:, 0]]).astype(np.longdouble)
    v -= v.mean(axis=0)
    assert_allclose(gram.scatter, (v.T @ v / len(v)).astype(float), rtol=1e-9)
