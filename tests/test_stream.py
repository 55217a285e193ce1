"""Stream: every event once, the sums of all in memory, folds that depend on labels alone."""

import pickle
import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baksan.compiled import cores, threads
from baksan.order import epoch_order
from baksan.samples import Feature, Samples
from baksan.stream import SAMPLE, Stream, fold_numbers, survey
from baksan.stream.labels import drawn

CLASSES = ("hadron", "gamma")


def events(n, order="C", seed=0, **more):
    rng = np.random.default_rng(seed)
    x = np.asarray(rng.normal(size=(n, 3)), order=order)
    x.flags.writeable = False  # or Samples would make a copy, by rows
    return Samples(x, rng.integers(0, 2, n), class_names=CLASSES, **more)


def cut(X, sizes):
    """The blocks of X, with these sizes in turn."""
    start, blocks = 0, []
    while start < len(X):
        stop = start + sizes[len(blocks) % len(sizes)]
        parts = {
            name: values[start:stop]
            for name in ("x", "y", "weight", "group", "id")
            if (values := getattr(X, name)) is not None
        }
        blocks.append(X.with_parts(**parts))
        start = stop
    return blocks


def streamed(X, sizes=(7,), **more):
    blocks = cut(X, sizes)
    return Stream(lambda: iter(blocks), **more)


def ids(blocks):
    return [i for block in blocks for i in block.ids.tolist()]


# Epochs -------------------------------------------------------------------------------------------


@given(
    n=st.integers(1, 90),
    buffer=st.integers(1, 100),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    multiple=st.integers(1, 20),
    skipped=st.floats(0, 1),
    shuffle=st.booleans(),
)
def test_an_epoch_has_every_event_once(n, buffer, sizes, multiple, skipped, shuffle):
    X, skip = streamed(events(n), sizes, buffer=buffer), int(skipped * n)
    chunks = list(X.epoch(3, 1, shuffle=shuffle, multiple=multiple, skip=skip))
    lengths = [len(chunk) for chunk in chunks]
    assert len(set(lengths[:-1])) <= 1 and all(length % multiple == 0 for length in lengths[:-1])
    whole = ids(streamed(events(n), (11,), buffer=buffer).epoch(3, 1, shuffle=shuffle))
    assert sorted(whole) == list(range(n))
    assert ids(chunks) == whole[skip:]  # whatever the blocks
    if not shuffle:
        assert whole == list(range(n))
    elif n <= buffer:
        assert whole == epoch_order(n, 3, 1).tolist()


def test_all_parts_of_an_event_stay_together():
    X = events(500)
    X = X.with_parts(weight=X.x[:, 0] ** 2, group=np.arange(500) // 3)
    for chunk in streamed(X, buffer=100).epoch(0, 0):
        i = chunk.id
        assert (chunk.x == X.x[i]).all() and (chunk.y == X.y[i]).all()
        assert (chunk.weight == X.weight[i]).all() and (chunk.group == X.group[i]).all()


def test_epochs_and_seeds_differ():
    X = streamed(events(300), buffer=100)
    orders = {tuple(ids(X.epoch(seed, epoch))) for seed in (0, 1) for epoch in (0, 1)}
    assert len(orders) == 4


def test_events_move_as_far_as_the_buffer_lets_them():
    n, far = 20_000, []
    for buffer in (500, 2_000, 8_000):
        order = np.array(ids(streamed(events(n), (1_000,), buffer=buffer).epoch(0, 0)))
        far.append(np.abs(order - np.arange(n)).mean() / buffer)
    assert np.all(np.array(far) > 0.4) and np.all(np.array(far) < 1.1)


@pytest.mark.parametrize(("buffer", "mixed"), [(10_000, True), (500, False)])
def test_two_classes_one_after_the_other_mix_if_the_buffer_holds_them(buffer, mixed):
    X = events(8_000)
    X = X.with_parts(y=np.repeat([0, 1], 4_000))
    y = np.concatenate([c.y for c in streamed(X, (1_000,), buffer=buffer).epoch(0, 0)])
    share = y.reshape(16, 500).mean(1)
    assert (np.abs(share - 0.5) < 0.1).all() == mixed
    assert (share[0] < 0.02) != mixed  # a small buffer leaves the first class in front


def test_labels_that_grow_longer_are_not_cut_off():
    names = np.array([f"{i}" * (1 + i // 20) for i in range(60)])
    blocks = [
        Samples(np.zeros((20, 1)), id=names[start : start + 20].tolist()) for start in (0, 20, 40)
    ]
    X = Stream(lambda: blocks, buffer=10)
    assert sorted(ids(X.epoch(0, 0))) == sorted(names.tolist())
    assert ids([X.sample]) == names.tolist()


@pytest.mark.parametrize("order", ["C", "F"])
def test_passes_in_order_copy_nothing_and_keep_the_order_in_memory(order):
    X = events(64, order)
    block = X.x if order == "C" else X.x.T
    for chunk in streamed(X, (32,), buffer=128).epoch(0, 0, shuffle=False, multiple=8):
        assert np.shares_memory(chunk.x, block)
    columns = [
        part.x.strides[0] == 8
        for Y in (
            streamed(X),
            streamed(X).where(lambda b: b.x[:, 0] > 0),
            streamed(X).select(["x1", "x0"]),
        )
        for part in Y
        if len(part) > 1
    ]
    assert set(columns) == {order == "F"}


def test_resuming_with_other_data_is_refused():
    with pytest.raises(ValueError, match="the 30 events that were seen before; it has 20"):
        list(streamed(events(20)).epoch(0, 0, skip=30))
    with pytest.raises(ValueError, match="multiple ≥ 1"):
        streamed(events(20)).epoch(0, 0, multiple=0)


# Sums ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_survey_is_numpys_on_everything_in_memory(dtype, weighted, order):
    rng = np.random.default_rng(1)
    x = np.asarray(1e6 * np.array([1, -1, 0]) + rng.normal(size=(3_000, 3)), dtype, order=order)
    w = rng.exponential(size=3_000) * (rng.random(3_000) < 0.9) if weighted else None
    X = Samples(x, rng.integers(0, 2, 3_000), w, class_names=CLASSES)
    found = streamed(X, (100, 1, 700)).survey
    exact = x.astype(np.longdouble)
    mean = np.average(exact, axis=0, weights=w)
    variance = np.average((exact - mean) ** 2, axis=0, weights=w)
    assert found.n == 3_000 and found.class_counts == X.class_counts
    np.testing.assert_allclose(found.mean, mean.astype(float), rtol=3e-16, atol=1e-15)
    np.testing.assert_allclose(found.variance, variance.astype(float), rtol=1e-13)
    assert (found.low == x.min(0)).all() and (found.high == x.max(0)).all()
    assert found.mass == pytest.approx(X.w.sum(), rel=1e-13)
    assert found.effective_events == pytest.approx(X.effective_events, rel=1e-13)
    assert streamed(X).mean_weight == pytest.approx(X.w.mean(), rel=1e-13)
    weights = np.bincount(X.y, X.w)
    assert found.class_weights == pytest.approx(dict(zip(CLASSES, weights, strict=True)), rel=1e-13)


@pytest.mark.parametrize("outputs", [(), (2,)])
def test_the_mean_of_answers_is_numpys(outputs):
    rng = np.random.default_rng(1)
    y, w = 1e6 + rng.normal(size=(3_000, *outputs)), rng.exponential(size=3_000)
    found = streamed(Samples(rng.normal(size=(3_000, 1)), y, w), (100, 1, 700)).survey
    np.testing.assert_allclose(found.answer_mean, np.average(y, 0, w), rtol=1e-13)
    assert found.class_weights == {} and found.answer_mean.shape == outputs
    assert np.isnan(streamed(Samples(np.ones((5, 1)))).survey.answer_mean)


def test_moments_of_data_that_drift_and_begin_with_an_outlier():
    x = np.concatenate([[1e9], np.arange(5_000.0), 1e4 + np.random.default_rng(0).random(5_000)])
    found = streamed(Samples(x.reshape(-1, 1)), (1, 999)).survey
    exact = x.astype(np.longdouble)
    assert found.mean[0] == pytest.approx(float(exact.mean()), abs=1e-14 * float(exact.std()))
    assert found.variance[0] == pytest.approx(float(exact.var()), rel=1e-13)


def test_images_have_moments_too():
    x = np.random.default_rng(0).normal(size=(50, 4, 5))
    found = streamed(Samples(x)).survey
    np.testing.assert_allclose(found.mean, x.mean(0), atol=1e-15)
    np.testing.assert_allclose(found.variance, x.var(0), rtol=1e-13)


def test_weights_may_be_zero_in_a_block_but_not_in_all():
    X = events(6).with_parts(weight=np.array([0.0, 0, 0, 1, 2, 3]))
    found = streamed(X, (2,)).survey
    assert (found.n, found.mass) == (6, 6.0)
    with pytest.raises(ValueError, match="weights are all zero"):
        _ = streamed(X.with_parts(weight=np.zeros(6)), (2,)).survey


def test_the_sample_is_all_events_or_a_uniform_part_in_order(monkeypatch):
    X = events(4_000, group=[f"shower {i}" for i in range(4_000)])
    assert ids([streamed(X).sample]) == list(range(4_000))
    monkeypatch.setattr(survey, "SAMPLE", 1_000)
    one, other = streamed(X, (7, 300)).sample, streamed(X, (4_000,)).sample
    assert one.id.tolist() == other.id.tolist() == sorted(one.id.tolist())
    assert len(one) == 1_000 and (one.x == X.x[one.id]).all()
    assert (one.group == X.group[one.id]).all()
    quarters = np.bincount(one.id // 1_000)
    assert np.all(np.abs(quarters - 250) < 60)  # 4 standard deviations


@pytest.mark.parametrize("limit", [1.0, 0.5])
def test_surveyors_of_parts_join_to_that_of_the_whole(monkeypatch, limit):
    monkeypatch.setattr(survey, "SAMPLE", 1_000)
    weight = np.random.default_rng(0).exponential(size=4_000)
    X = events(4_000, weight=weight, id=np.arange(4_000))
    whole, joined, start = streamed(X).survey, survey.Surveyor(limit=limit), 0
    for blocks in (cut(X, (1_300,))[k : k + 1] for k in range(4)):
        part = survey.Surveyor(start, limit)
        for block in blocks:
            part.add(block)
            start += len(block)
        joined.join(pickle.loads(pickle.dumps(part)))
    found = joined.survey()
    assert found.sample.id.tolist() == whole.sample.id.tolist()
    assert (found.n, found.class_counts) == (4_000, whole.class_counts)
    assert found.class_weights == pytest.approx(whole.class_weights, rel=1e-13)
    for name in ("mass", "squares", "mean", "variance", "low", "high"):
        np.testing.assert_allclose(getattr(found, name), getattr(whole, name), rtol=1e-13)


def test_total_adds_arrays_and_numbers():
    X = events(200)
    gram, n = streamed(X).total(lambda block: (block.x.T @ block.x, len(block)))
    np.testing.assert_allclose(gram, X.x.T @ X.x, rtol=1e-13)
    assert n == 200
    same = np.zeros(3)

    def into_one_array(block):
        return (np.sum(block.x, axis=0, out=same),)

    np.testing.assert_allclose(streamed(X).total(into_one_array)[0], X.x.sum(0), rtol=1e-12)


def test_notes_come_once_and_rows_left_out_are_summed():
    lone = "1 row kept without b: each model fills it in."
    told = [("2 rows left out: a is missing or infinite.", "Made up.", "1 row of c held −1.")] * 2
    told.append(("1,000 rows left out: a is missing or infinite.", lone))
    blocks = [
        block.with_parts(notes=n) for block, n in zip(cut(events(3), (1,)), told, strict=True)
    ]
    blocks.insert(1, blocks[0].with_parts(x=np.empty((0, 3)), y=np.empty(0, int)))  # all left out
    X = Stream(lambda: blocks)
    assert X.survey.notes == (
        "1,006 rows left out: a is missing or infinite.", "Made up.", "3 rows of c held −1.", lone
    )  # fmt: skip
    assert [len(block) for block in X] == [1, 1, 1]


def test_what_it_says_of_itself():
    X = streamed(
        Samples([[0.0, 1.0]] * 9, [0.5] * 9, features=[Feature("a", "mm"), "b"], answer="E")
    )
    assert repr(X) == "Stream(stream)" and X.names == ("a", "b") and X.task == "regression"
    assert (len(X), repr(X), X.answer.name) == (9, "Stream(stream, 9 events)", "E")
    assert not X.weighted and X.class_counts == {} and X.effective_events == 9
    assert X.select(["b"]).features == (X.features[1],) and len(X.select(["b"]).head) == 7
    with pytest.raises(KeyError, match="no feature 'c'; there are a, b"):
        X.select(["c"])


def test_one_pass_is_enough_and_progress_is_told():
    rows, passes = [], []
    X = events(20)

    def blocks():
        passes.append(1)
        return iter(cut(X, (8,)))

    stream = Stream(blocks, progress=rows.append)
    assert [len(block) for block in stream] == [8, 8, 4] and rows == [8, 16, 20]
    assert len(stream) == 20 and len(passes) == 1
    _ = stream.survey, stream.sample, stream.class_counts, stream.effective_events
    assert len(passes) == 2
    rows.clear()
    list(iter(stream.where(lambda block: block.ids > 16)))
    assert rows == [8, 16, 20]  # of the source


# Reading ahead ------------------------------------------------------------------------------------


def test_the_next_block_is_read_while_this_one_is_worked_on():
    asked = threading.Event()

    def blocks():
        yield events(3)
        asked.set()
        yield events(3)

    waited = [asked.wait(10) for _ in Stream(blocks)]
    assert waited == [True, True]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_a_consumer_that_stops_closes_the_source_and_leaves_no_thread(stop):
    closed, before = [], threading.active_count()

    def blocks():
        try:
            while True:
                yield events(3)
        finally:
            closed.append(True)

    def stops(block):
        raise stop("here")

    with pytest.raises(stop, match="here"):
        Stream(blocks).total(stops)
    assert closed and threading.active_count() == before
    for _ in Stream(blocks).epoch(0, 0, shuffle=False):
        break
    assert len(closed) == 2 and threading.active_count() == before


def test_an_error_of_the_source_reaches_the_caller():
    def blocks():
        yield events(3)
        raise OSError("the file ends in row 3")

    with pytest.raises(OSError, match="ends in row 3"):
        len(Stream(blocks))


def test_memory_stays_within_what_the_docstring_says():
    d, size, buffer, n = 8, 8_192, 65_536, 600_000

    def blocks():
        rng = np.random.default_rng(0)
        for _ in range(n // size):
            yield Samples(rng.normal(size=(size, d)), rng.random(size), rng.random(size))

    def peak(run):
        tracemalloc.start()
        run(Stream(blocks, buffer=buffer))
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return held / (8 * (d + 4))

    assert peak(lambda X: sum(len(chunk) for chunk in X)) < 3.2 * size
    assert (
        peak(lambda X: sum(len(c) for c in X.epoch(0, 0, multiple=100))) < 3 * size + 1.5 * buffer
    )
    assert peak(lambda X: X.survey) < 5 * size + 2 * SAMPLE


# Folds --------------------------------------------------------------------------------------------


def test_the_hash_is_splitmix64s():
    # Two published outputs of the generator that starts at 0 and at 1234567.
    from baksan.stream.labels import _stirred

    codes = _stirred(np.array([0, 1234567], dtype=np.uint64))
    assert codes.tolist() == [0xE220A8397B1DCDAF, 6457827717110365317]


def test_labels_have_the_same_number_whatever_holds_them():
    whole = [-3, 0, 7, 2**40]
    wide = drawn(np.array(whole), 5)
    assert (drawn(np.array(whole, dtype=float), 5) == wide).all()
    assert (drawn(np.array(whole[:3], dtype=np.int8), 5) == wide[:3]).all()
    assert drawn(np.array([-0.0]), 5) == drawn(np.array([0.0]), 5) == wide[1]
    text = ["a", "ab", "ba", "run 7"]
    long = drawn(np.array([*text, "a much longer label"]), 5)[:4]
    for same in (
        np.array(text),
        np.array(text, dtype=">U9"),
        np.array(text, dtype=object),
        np.array(text, dtype="S8"),
    ):
        assert (drawn(same, 5) == long).all()
    assert len({*wide.tolist(), *long.tolist()}) == 8
    fractions = np.array([0.1, np.nan, np.inf, -np.inf, 1e300])
    assert len(set(drawn(fractions, 5).tolist())) == 5


@pytest.mark.parametrize("kind", ["m8", "M8"])
def test_times_have_the_same_number_in_any_unit(kind):
    days = np.array([-700, -1, 0, 20_000, "NaT"], dtype=f"{kind}[D]")
    told = drawn(days, 5)
    assert len(set(told.tolist())) == 5
    for unit in ("h", "s", "ms", "ns", "25s", "us"):
        assert (drawn(days.astype(f"{kind}[{unit}]"), 5) == told).all()
    fine = np.array([-1001, -999, 1, 999, 1_000_000_001], dtype=f"{kind}[ms]")
    for unit in ("us", "ns"):
        assert (drawn(fine.astype(f"{kind}[{unit}]"), 5) == drawn(fine, 5)).all()
    assert len(set(drawn(fine, 5).tolist())) == 5
    ends = np.array([-(2**63) + 1, 2**63 - 1], dtype=np.int64).view(f"{kind}[ns]")
    assert len(set(drawn(ends, 5).tolist())) == 2
    years = np.array([1, 56], dtype=f"{kind}[Y]")
    assert (drawn(years, 5) == drawn(years.astype(f"{kind}[M]"), 5)).all()


def test_a_group_of_times_in_blocks_of_different_units_stays_whole():
    times = np.datetime64("2026-01-01", "s") + np.arange(40) // 4
    X = [events(40, group=times), events(40, seed=1, group=times.astype("M8[ns]"))]
    tests = [test for _, test in Stream(lambda: X).folds(2)]
    seen = [
        t for test in tests for t in {t for b in test for t in b.group.astype("M8[s]").tolist()}
    ]
    assert len(seen) == 10


def test_times_and_durations_do_not_mix():
    times = np.arange(7).astype("M8[s]")
    X = Stream(lambda: [events(7, group=times), events(7, group=times.astype("m8[s]"))])
    with pytest.raises(ValueError, match="kind of groups; the first has times, .* durations"):
        len(X)


@pytest.mark.parametrize(
    "labels", [np.arange(20_000), np.arange(20_000) / 7, np.arange(20_000).astype(str)]
)
def test_numbers_are_uniform_and_seeds_independent(labels):
    u, v = drawn(labels, 0, 0), drawn(labels, 1, 0)
    for one in (u, v):
        assert one.min() >= 0 and one.max() < 1
        counts = np.histogram(one, 20, (0, 1))[0]
        assert (
            (counts - 1_000) ** 2 / 1_000
        ).sum() < 43.8  # χ² of 19 degrees of freedom, p = 0.001
    assert abs(np.corrcoef(u, v)[0, 1]) < 0.025
    assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 0.025


@given(
    labels=st.lists(st.integers(0, 30), min_size=1, max_size=80),
    text=st.booleans(),
    k=st.integers(2, 5),
    seed=st.integers(0, 9),
    sizes=st.lists(st.integers(1, 20), min_size=1, max_size=3),
)
def test_a_fold_depends_on_the_label_alone(labels, text, k, seed, sizes):
    group = [f"run {g}" for g in labels] if text else labels
    X = events(len(group), group=group)
    number = fold_numbers(X, k, seed)
    again = [fold_numbers(block, k, seed) for block in streamed(X, sizes)]
    assert (np.concatenate(again) == number).all()
    assert len({*zip(group, number.tolist(), strict=True)}) == len(set(group))  # never split
    for j, (train, test) in enumerate(streamed(X, sizes).folds(k, seed=seed)):
        for part, inside in ((train, number != j), (test, number == j)):
            if inside.any():
                assert ids(part) == np.flatnonzero(inside).tolist()


def test_folds_and_parts_are_about_equal():
    X = streamed(events(10_000), (1_000,))
    tests = [len(test) for _, test in X.folds(5)]
    assert sum(tests) == 10_000 and np.abs(np.array(tests) - 2_000).max() < 160  # 4 σ
    first, second = X.split(0.3, seed=2)
    assert len(first) + len(second) == 10_000 and abs(len(first) - 3_000) < 190
    assert not set(ids(first)) & set(ids(second))


def test_folds_of_folds_are_independent_and_keep_their_labels():
    X = streamed(events(10_000), (1_000,))
    train, _ = X.folds(2, seed=0)[0]
    inner = [len(test) for _, test in train.folds(2, seed=0)]
    assert min(inner) > 2_200
    few = X.where(lambda block: block.x[:, 0] > 1)
    tests = [set(ids(test)) for _, test in X.folds(3)]
    assert all(set(ids(test)) <= tests[j] for j, (_, test) in enumerate(few.folds(3)))


def test_an_empty_fold_says_so():
    X = streamed(events(40, group=["one run"] * 40))
    with pytest.raises(ValueError, match=r"test part \d of 3 of stream gives none.*fewer folds"):
        for _, test in X.folds(3):
            len(test)


# Refusals -----------------------------------------------------------------------------------------


def other(**parts):
    return [events(4), events(4).with_parts(**parts)]


@pytest.mark.parametrize(
    ("blocks", "error", "message"),
    [
        ([], ValueError, "at least one event; stream gives none"),
        ([np.zeros(3)], TypeError, "yield Samples; ndarray came after 0 rows"),
        (other(features=(Feature("a"),) * 3), ValueError, "first has x0, x1, x2, the one after"),
        (other(class_names=("a", "b")), ValueError, "same classes; the first has hadron, gamma"),
        (other(x=np.zeros((4, 3), np.float32)), ValueError, "precision of x; .* rows 3, float32"),
        (other(y=None), ValueError, "of y; .* rows none"),
        (other(weight=np.ones(4)), ValueError, "same weights; the first has none"),
        (other(id=np.array(list("abcd"))), ValueError, "same kind of ids"),
    ],
)  # fmt: skip
def test_refused(blocks, error, message):
    with pytest.raises(error, match=message):
        _ = Stream(lambda: blocks).survey


def test_what_can_be_read_only_once_is_refused():
    with pytest.raises(TypeError, match=r"function that starts a new pass.*list came.*lambda"):
        Stream([events(3)])
    once = iter(cut(events(9), (3,)))
    X = Stream(lambda: once)
    with pytest.raises(ValueError, match="must begin with the same event"):
        _ = X.head, len(X)
    rest = iter(cut(events(9), (3,)))
    Y = Stream(lambda: rest)
    assert sum(len(block) for block in Y) == 9
    with pytest.raises(ValueError, match="must begin with the same event"):
        _ = Y.survey
    ends = iter([3, 2])
    Z = Stream(lambda: cut(events(9), (3,))[: next(ends)])
    with pytest.raises(ValueError, match="one gave 9, the next 6"):
        _ = len(Z), [len(block) for block in Z]


def test_nothing_to_see():
    X = streamed(events(5)).where(lambda block: block.x[:, 0] > 99)
    for look in (lambda: X.head, lambda: len(X), lambda: X.total(lambda block: (1,))):
        with pytest.raises(ValueError, match="at least one event"):
            look()
    with pytest.raises(ValueError, match=r"5 times true or false.*int64 of shape \(5,\)"):
        len(streamed(events(5)).where(lambda block: block.ids))
    for bad in (lambda: X.folds(1), lambda: X.split(1.5), lambda: Stream(list, buffer=0)):
        with pytest.raises(ValueError):
            bad()


def test_the_reader_knows_how_many_threads_its_caller_may_use():
    told = []

    def blocks():
        for start in (0, 2):
            told.append(cores())
            yield Samples(np.arange(start, start + 2.0)[:, None])

    with threads(3):
        assert sum(len(block) for block in Stream(blocks)) == 4
    assert told == [3, 3]
