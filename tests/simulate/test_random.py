"""Random numbers in kernels: Philox's published answers, and what they are distributed like."""

import numpy as np
import pytest
from scipy import stats

from baksan.compiled import compiled
from baksan.simulate import kernels_random as random

KNOWN = [  # counter, key, words: Random123's table of known answers
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def draws(out, s, kind, setting):
    for i in range(len(out)):
        random.at(s, i, 3)
        if kind == 0:
            out[i] = random.uniform(s)
        elif kind == 1:
            out[i] = random.normal(s)
        elif kind == 2:
            out[i] = random.poisson(s, setting)
        elif kind == 3:
            out[i] = random.gamma(s, setting)
        else:
            out[i] = random.exponentials(s, int(setting))


def drawn(n, kind, setting=0.0, seed=1):
    out = np.empty(n)
    compiled(draws)(out, random.stream(seed), kind, setting)
    return out


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
@pytest.mark.filterwarnings("ignore:overflow encountered")  # words wrap around, as they should
def test_philox_gives_its_published_answers(counter, key, words):
    for turn in (random._turn, compiled(random._turn)):
        s = np.array([*key, *counter, 0, 0, 0, 0, 4], dtype=np.uint32)
        turn(s)
        assert tuple(s[6:10]) == words


@pytest.mark.parametrize(
    ("kind", "setting", "law"),
    [
        (0, 0, stats.uniform()), (1, 0, stats.norm()), (3, 0.3, stats.gamma(0.3)),
        (4, 1, stats.gamma(1)), (4, 7, stats.gamma(7)), (4, 40, stats.gamma(40)),
        (3, 1.0, stats.gamma(1)), (3, 6.25, stats.gamma(6.25)), (3, 400.0, stats.gamma(400)),
    ],
)  # fmt: skip
def test_numbers_follow_their_law(kind, setting, law):
    assert stats.kstest(drawn(100_000, kind, setting), law.cdf).pvalue > 1e-3


@pytest.mark.parametrize("mean", [0.01, 0.7, 4.0, 9.99, 10.0, 35.0, 1e4, 1e7])
def test_poisson_numbers_follow_their_law(mean):
    found, law = drawn(200_000, 2, mean), stats.poisson(mean)
    assert np.mean(found) == pytest.approx(mean, abs=4 * np.sqrt(mean / len(found)))
    edges = np.unique(law.ppf(np.linspace(0.02, 0.98, 25)))
    expected = np.diff(law.cdf([-1, *edges, np.inf])) * len(found)
    counted = np.histogram(found, [-0.5, *(edges + 0.5), np.inf])[0]
    seldom = expected < 5
    assert not counted[expected == 0].any()
    kept = ~seldom
    rare = [counted[seldom].sum() + 1e-9], [expected[seldom].sum() + 1e-9]
    assert stats.chisquare([*counted[kept], *rare[0]], [*expected[kept], *rare[1]]).pvalue > 1e-3


def test_no_mean_and_no_shape_give_nothing():
    assert not drawn(10, 2, 0.0).any() and not drawn(10, 3, 0.0).any()


def test_python_and_machine_code_give_the_same():
    for kind, setting in ((0, 0.0), (1, 0.0), (2, 3.0), (2, 50.0), (3, 0.4), (3, 7.0)):
        plain = np.empty(50)
        with np.errstate(over="ignore"):
            draws(plain, random.stream(5), kind, setting)
        np.testing.assert_allclose(drawn(50, kind, setting, seed=5), plain, rtol=1e-12)


def test_event_and_place_decide():
    s = random.stream(2**40 + 3)
    random.at(s, 2**33 + 1, 5)
    first = [random.uniform(s) for _ in range(9)]
    random.at(s, 1, 5)
    assert random.uniform(s) != first[0]  # the high word of the event counts
    random.at(s, 2**33 + 1, 5)
    assert [random.uniform(s) for _ in range(9)] == first


def test_words_made_ahead_are_those_that_come_one_by_one():
    for make in (random.ahead, compiled(random.ahead)):
        s, words = random.stream(2**40 + 3), np.empty((4, 7), dtype=np.uint32)
        make(s, 2**33 + 1, words)
        for place in range(7):
            random.at(s, 2**33 + 1, place)
            wanted = [random.uniform(s) for _ in range(9)]
            for used in (0, 2):
                random.at_prepared(s, 2**33 + 1, place, words, used)
                assert [random.uniform(s) for _ in range(9 - used)] == wanted[used:]
        assert random.unit(words[1, 6]) == wanted[1]


def test_a_seed_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="seed must lie between 0 and 2"):
        random.stream(-1)
