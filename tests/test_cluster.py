"""A cluster gives the answer of one machine: the same sums, wherever the events are."""

import os
import signal
import sys
import time
from functools import partial

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.problems import CAUCHY, samples_for

import baksan as bk
from baksan.data import open_stream
from baksan.evaluate.totals import totals
from baksan.models.base import Model
from baksan.samples import Samples
from baksan.solvers.rates import Steepness
from baksan.stream import Stream, survey

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
from baksan.cluster import Partitions  # noqa: E402

N = 600


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Two worker processes with one thread each."""
    folder = tmp_path_factory.mktemp("dask")
    with (
        dask.config.set(temporary_directory=str(folder)),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        yield client


def sized(X, sizes):
    """X in pieces of these sizes, in turn; the empty ones too."""
    start, pieces = 0, []
    while start < len(X):
        stop = start + sizes[len(pieces) % len(sizes)]
        pieces.append(X.rows(slice(start, stop)).with_parts(id=None))
        start = stop
    return pieces


def in_parts(X, sizes=(130, 1, 0, 200), **more):
    """Functions that give the pieces, each in two blocks."""
    return Partitions([partial(halves, piece) for piece in sized(X, sizes)], **more)


def halves(piece):
    half = len(piece) // 2
    return [piece.rows(rows).with_parts(id=None) for rows in (slice(0, half), slice(half, None))]


def streamed(X):
    return Stream(lambda: (piece for piece in sized(X, (97,))))


def exactly(X):
    return bk.fit(bk.Linear(), X, bk.losses.squared, bk.Analytic())


def same_fit(one, other, rtol=1e-10):
    np.testing.assert_allclose(one.model.parameters, other.model.parameters, rtol, atol=1e-12)
    assert one.loss == pytest.approx(other.loss, rel=1e-10)
    assert (one.state.step, one.state.seen) == (other.state.step, other.state.seen)


# The same answers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", [None, bk.L2(0.1)])
@pytest.mark.parametrize("loss", [bk.losses.squared, bk.losses.squared_margin])
def test_exact_least_squares(client, loss, penalty):
    X = samples_for(loss, N, 5, 3, weighted=penalty is not None)
    fits = [bk.fit(bk.Linear(), A, loss, bk.Analytic(), penalty=penalty) for A in (in_parts(X), X)]
    same_fit(*fits)
    if loss.task == "regression":
        one = X.with_parts(y=X.y[:, 0])
        fits = [bk.fit(bk.Linear(), A, loss, bk.Analytic()) for A in (in_parts(one), one)]
        np.testing.assert_allclose(fits[0].covariance(), fits[1].covariance(), rtol=1e-9)


def test_columns_that_depend_on_each_other(client):
    X = samples_for(bk.losses.squared, N, 4)
    X = Samples(np.column_stack([X.x, X.x[:, 0] - X.x[:, 1]]), X.y)
    fits = [exactly(A) for A in (in_parts(X), X)]
    assert fits[0].message == fits[1].message and "5 of 6" in fits[0].message
    same_fit(*fits)


@pytest.mark.parametrize(
    ("loss", "outputs", "settings", "penalty"),
    [
        (bk.losses.squared, 1, {"momentum": 0.5}, None),
        (bk.losses.logistic, 1, {"nesterov": True, "momentum": 0.5}, bk.L2(0.01)),
        (bk.losses.logistic, 1, {}, bk.L1(0.01)),
        (bk.losses.softmax, 3, {}, None),
        (bk.losses.huber(0.5), 1, {"way": "generic"}, None),
        (CAUCHY, 1, {"rate": 0.1}, None),
    ],
    ids=["squared", "logistic-L2", "logistic-L1", "softmax", "huber-generic", "one's own"],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_descent(client, loss, outputs, settings, penalty, weighted):
    X = samples_for(loss, N, 3, outputs, weighted)
    solver = bk.GradientDescent(steps=4, **settings)
    fits = [bk.fit(bk.Linear(), A, loss, solver, penalty=penalty) for A in (in_parts(X), X)]
    same_fit(*fits, rtol=1e-9)
    np.testing.assert_allclose(fits[0].history["loss"], fits[1].history["loss"], rtol=1e-9)


@pytest.mark.parametrize("solver", [bk.MiniBatch(epochs=2), bk.StochasticGradientDescent(epochs=1)])
def test_epochs_fetch_the_events_in_order(client, solver):
    X = samples_for(bk.losses.logistic, N)
    fits = [bk.fit(bk.Linear(), A, bk.losses.logistic, solver) for A in (in_parts(X), streamed(X))]
    np.testing.assert_allclose(*(f.model.parameters for f in fits), rtol=1e-10)


def test_what_is_a_sum(client):
    X = samples_for(bk.losses.logistic, N, weighted=True)
    a = bk.fit(bk.Linear(), X, bk.losses.logistic, bk.GradientDescent(steps=3)).model
    P = in_parts(X)
    assert bk.Q(a, P, bk.losses.logistic) == pytest.approx(bk.Q(a, X, bk.losses.logistic), 1e-12)
    problems = [bk.fit(bk.Linear(), A, bk.losses.logistic, bk.GradientDescent(steps=1)).problem
                for A in (P, X)]  # fmt: skip
    steep = [Steepness.of(problem) for problem in problems]
    assert steep[0].noise == pytest.approx(steep[1].noise, 1e-10)
    one, other = (totals(a, A, bk.losses.logistic) for A in (P, X))
    assert one.figures["accuracy"] == pytest.approx(other.figures["accuracy"])
    np.testing.assert_allclose(one.confusion, other.confusion)


def test_survey_sample_and_folds_are_those_of_a_stream(client, monkeypatch):
    monkeypatch.setattr(survey, "SAMPLE", 10_000)  # not on the workers: all is below the limit
    X = samples_for(bk.losses.logistic, N, weighted=True)
    P, S = in_parts(X), streamed(X)
    assert len(P) == len(S) == N and P.task == "classification" and P.names == S.names
    parts = [P, *P.folds(3)[1], P.where(first_is_large).split(0.4)[0], P.select(["x1"])]
    others = [S, *S.folds(3)[1], S.where(first_is_large).split(0.4)[0], S.select(["x1"])]
    for some, other in zip(parts, others, strict=True):
        assert some.sample.id.tolist() == other.sample.id.tolist()
        assert [block.id.tolist() for block in some.epoch(1, 0)] == [
            block.id.tolist() for block in other.epoch(1, 0)
        ]
        np.testing.assert_allclose(some.survey.variance, other.survey.variance, rtol=1e-12)
        assert some.class_counts == other.class_counts and len(some) == len(other)
        assert some.mean_weight == pytest.approx(other.mean_weight)


def first_is_large(X):
    return X.x[:, 2] > 1


def test_the_order_of_the_workers_does_not_matter(client):
    X = samples_for(bk.losses.squared, N)
    pieces = sized(X, (100,))
    slow = [partial(late, piece, 0.05 * (k % 3 == 0)) for k, piece in enumerate(pieces)]
    sums = [Partitions(parts).total(moments) for parts in (slow, pieces, slow[:])]
    assert {total[0].tobytes() for total in sums} == {sums[0][0].tobytes()}


def late(piece, seconds):
    time.sleep(seconds)
    return piece


def moments(block):
    return (np.exp(block.x).T @ block.x,)


# What comes in ------------------------------------------------------------------------------------


def test_delayed_futures_and_samples(client):
    X = samples_for(bk.losses.squared, N)
    pieces = sized(X, (150,))
    parts = [
        dask.delayed(halves)(pieces[0]),
        client.submit(late, pieces[1], 0.0),
        pieces[2],
        partial(halves, pieces[3]),
    ]
    same_fit(*(exactly(A) for A in (Partitions(parts), X)))


def test_files_are_read_by_the_workers(client, tmp_path):
    rng = np.random.default_rng(0)
    table = pa.table({
        "a": np.where(rng.random(N) < 0.05, np.nan, rng.normal(size=N)),
        "b": rng.normal(size=N),
        "kind": np.repeat(["gamma", "hadron"], N // 2),  # no part has both
    })  # fmt: skip
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=70)
    choices = {"answer": "kind", "signal": "gamma", "features": ["a", "b", "c = a * b"]}
    P = Partitions.open(tmp_path / "t.parquet", least=100, **choices)
    S = open_stream(tmp_path / "t.parquet", **choices)
    assert len(P._parts) == 5 and P.class_names == ("hadron", "gamma")
    assert P.survey.notes == S.survey.notes and "rows left out: a" in P.survey.notes[0]
    assert P.sample.id.tolist() == S.sample.id.tolist()
    solver = bk.GradientDescent(steps=3)
    same_fit(*(bk.fit(bk.Linear(), A, bk.losses.logistic, solver) for A in (P, S)))
    D = Partitions.from_dask(Frame(table.to_pandas(), 7), **choices)
    same_fit(*(bk.fit(bk.Linear(), A, bk.losses.logistic, solver) for A in (D, S)))
    assert D.survey.notes == S.survey.notes and "7 partitions" in repr(D)


class Frame:
    """What a dask DataFrame is for us; its own package takes long to import."""

    def __init__(self, frame, parts):
        size = -(-len(frame) // parts)
        rows = [frame[start : start + size] for start in range(0, len(frame), size)]
        self.parts = [dask.delayed(some) for some in rows]

    def to_delayed(self):
        return self.parts


@pytest.mark.slow
def test_a_dask_frame_itself(client):
    frames = pytest.importorskip("dask.dataframe")
    X = samples_for(bk.losses.squared, N)
    held = frames.from_pandas(pa.table(X.to_frame()).to_pandas(), npartitions=4)
    P = Partitions.from_dask(held, answer="answer", features=list(X.names))
    same_fit(*(exactly(A) for A in (P, X)))


def test_progress_counts_rows(client):
    rows = []
    P = in_parts(samples_for(bk.losses.squared, N), (50,), progress=rows.append)
    assert len(P) == N and rows == [400, 600]
    assert repr(P) == "Partitions(partitions: 12 parts, 600 events)"


# What goes wrong ----------------------------------------------------------------------------------


def test_a_worker_that_dies_changes_nothing(client, tmp_path):
    X = samples_for(bk.losses.squared, N)
    parts = [partial(halves, piece) for piece in sized(X, (60,))]
    parts[4] = partial(dies_once, parts[4], tmp_path / "died")
    same_fit(*(exactly(A) for A in (Partitions(parts), X)))
    assert (tmp_path / "died").exists()


def dies_once(part, mark):
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return part()


def test_a_part_that_fails_is_named(client):
    X = samples_for(bk.losses.squared, 9)
    parts = [X, partial(open, "no such file")]
    with pytest.raises(ValueError, match=r"part 1 of runs must be.*FileNotFoundError: .*no such"):
        Partitions(parts, source="runs").total(moments)
    with pytest.raises(ValueError, match=r"part 1 of runs must be read.*int came"):
        Partitions([X, lambda: [3]], source="runs").total(moments)
    with pytest.raises(ValueError, match=r"same features; part 0 of runs has .*part 2 of runs"):
        Partitions([X, X, X.select(["x0"])], source="runs").total(moments)
    with pytest.raises(ValueError, match="at least one event; runs gives none"):
        Partitions([X], source="runs").where(lambda block: block.x[:, 0] > 1e9).total(moments)


def test_samples_that_a_dead_worker_held_are_missed_in_a_sentence(client):
    P = Partitions([samples_for(bk.losses.squared, 9)] * 2)
    client.restart()
    with pytest.raises(ValueError, match="held by a worker that is gone.*functions that open"):
        P.total(moments)


def test_what_is_no_part(client):
    with pytest.raises(TypeError, match=r"part 0 is str.*Partitions.open"):
        Partitions(["events.parquet"])
    with pytest.raises(ValueError, match="at least one part"):
        Partitions([])
    with pytest.raises(TypeError, match="a dask DataFrame is needed; dict came"):
        Partitions.from_dask({})


def test_without_a_client(monkeypatch):
    monkeypatch.setattr(distributed, "default_client", partial(_raise, ValueError("none")))
    with pytest.raises(ValueError, match=r"no client is connected.*n_workers=2"):
        Partitions([lambda: ()])


def _raise(error):
    raise error


def test_without_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install 'baksan\[dask\]'"):
        Partitions([lambda: ()])


# Workers ------------------------------------------------------------------------------------------


def test_a_worker_with_one_thread_uses_one(client):
    X = samples_for(bk.losses.squared, 9)
    assert Partitions([X] * 4).total(threads_now) == (4,)


def threads_now(block):
    from baksan.compiled import _threads

    return (_threads.get(),)


def test_a_model_of_a_cluster_holds_no_cluster(client, tmp_path):
    X = samples_for(bk.losses.squared, N)
    found = bk.fit(bk.Linear(), in_parts(X), bk.losses.squared, bk.Analytic())
    assert isinstance(found.model, Model)
    assert found.predict(X).value.shape == (N,)
