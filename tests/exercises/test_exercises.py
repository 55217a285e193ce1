"""Right answers pass, typical mistakes do not; whatever a function does becomes one sentence."""

import re
import sys

import numpy as np
import pytest
from tests.exercises.right import RIGHT
from tests.exercises.wrong import WRONG

import baksan as bk
from baksan.exercises import check, exercise, exercises
from baksan.exercises.asked import Asked, Unusable

NUMBERS = list(exercises())


def test_all_have_answers():
    assert list(RIGHT) == NUMBERS and list(WRONG) == NUMBERS
    assert all(len(mistakes) >= 3 for mistakes in WRONG.values())


def test_every_lesson_has_two_to_four():
    count = {}
    for number in NUMBERS:
        lesson, k = number.split(".")
        count[lesson] = count.get(lesson, 0) + 1
        assert int(k) == count[lesson]
    assert set(count) == {
        "01",
        "02",
        "03",
        "04",
        "05",
        "06",
        "06b",
        "06c",
        "07",
        "08",
        "09",
        "10",
        "11",
        "12",
        "13",
        "14",
        "15",
        "16",
    }
    assert all(2 <= n <= 4 for n in count.values())


@pytest.mark.parametrize("number", NUMBERS)
def test_right_answers_pass(number):
    for answer in RIGHT[number]:
        found = check(number, answer)
        assert found.passed, repr(found)
        assert f"Exercise {number} is solved" in repr(found)


@pytest.mark.parametrize("number", NUMBERS)
def test_mistakes_are_found_and_every_law_finds_one(number):
    broken = set()
    for k, mistake in enumerate(WRONG[number]):
        found = check(number, mistake)
        assert not found.passed, (number, k)
        for outcome in found.outcomes:
            assert outcome.passed == (not outcome.hint)
            if not outcome.passed:
                broken.add(outcome.law)
                assert outcome.hint.endswith((".", "?")) and "\n" not in outcome.hint
    assert broken == {law for law, _ in exercise(number).laws}


@pytest.mark.parametrize("number", NUMBERS)
def test_the_same_function_is_judged_the_same_again(number):
    assert repr(check(number, WRONG[number][0])) == repr(check(number, WRONG[number][0]))


def test_what_an_exercise_tells():
    for one in exercises().values():
        assert one.signature.endswith(")") and one.name.isidentifier()
        assert len(one.title) <= 32  # as wide as the list of the command
        assert all(len(line) <= 100 for line in one.statement.splitlines())
        assert "eturn" in one.statement


@pytest.mark.parametrize("number", ["02.3", "2.3"])
def test_a_number_may_be_short(number):
    assert exercise(number).number == "02.3"
    assert exercise("6b.1").number == "06b.1"


@pytest.mark.parametrize(
    ("number", "sentence"),
    [("02.9", "this lesson has 02.1, 02.2"), ("19.1", "the lessons are 01, 02"), ("", "such as")],
)
def test_an_unknown_number(number, sentence):
    with pytest.raises(ValueError, match=sentence):
        check(number, len)


def test_a_result_in_place_of_a_function():
    with pytest.raises(TypeError, match="without brackets"):
        bk.check("01.1", 0.5)


def spoilt(answer, spoil):
    """The right answer, spoilt: every number that it returns goes through `spoil`."""

    def f(*given):
        found = answer(*given)
        return tuple(map(spoil, found)) if isinstance(found, tuple) else spoil(np.asarray(found))

    return f


SPOILERS = {
    "zero": lambda a: np.zeros_like(a),
    "large": lambda a: np.full_like(a, 1e99, dtype=float),
    "minus large": lambda a: np.full_like(a, -1e99, dtype=float),
    "minus": lambda a: -np.asarray(a, dtype=float),
    "true": lambda a: np.ones_like(a, dtype=bool),
    "empty": lambda a: np.zeros(0),
}


@pytest.mark.parametrize("how", SPOILERS)
@pytest.mark.parametrize("number", NUMBERS)
def test_no_answer_breaks_the_checker(number, how):
    found = check(number, spoilt(RIGHT[number][0], SPOILERS[how]))
    assert not found.passed


# What functions do --------------------------------------------------------------------------------

HERE = np.arange(3.0)


def hint(function, signature="f(x)", ask=lambda f: f.number(HERE)):
    with pytest.raises(Unusable) as broken:
        ask(Asked(function, signature))
    said = str(broken.value)
    assert said.endswith((".", "?")), said
    return said


def raises(error):
    def f(x):
        raise error

    return f


def in_place(x):
    x += 1
    return 1.0


def twice(function):
    """Called through another function of another file, the line is still the student's."""

    def f(x):
        return function(x)

    return f


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (raises(NotImplementedError()), r"f\(x\) is still to be written.* in line \d+"),
        (raises(KeyError("a")), r"f\(\[0., 1., 2.\]\) raised KeyError in line \d+: 'a'"),
        (raises(ZeroDivisionError()), r"raised ZeroDivisionError in line \d+\."),
        (raises(SystemExit(3)), r"raised SystemExit in line \d+: 3"),
        (raises(RecursionError("deep")), "raised RecursionError"),
        (lambda x: np.linalg.inv(x), r"raised LinAlgError in line \d+"),
        (lambda x: None, "gave None; does it end without `return`"),
        (lambda x: print(x), "gave None"),
        (in_place, "changed its argument x"),
        (lambda: 1.0, r"can be called as f\(x\) is needed; yours is f\(\)"),
        (lambda x, y: 1.0, r"yours is f\(x, y\)"),
        (lambda x: "one", "one number is needed of f; it returned str 'one'"),
        (lambda x: x, r"it returned an array of the shape \(3,\)"),
        (lambda x: [1.0], "it returned a list of 1"),
        (lambda x: [[1.0], [1.0, 2.0]], "it returned a list of 2"),
        (lambda x: x.astype(object), "of object"),
        (lambda x: 1j, "it returned complex 1j"),
        (lambda x: lambda: 1, "it returned function"),
        (lambda x: np.nan, r"finite numbers are needed; f\(\[0., 1., 2.\]\) gave nan"),
        (lambda x: float("inf"), "gave inf"),
        (lambda x: -1e300, r"gave -1e\+300"),
    ],
)
def test_whatever_it_does_is_one_sentence(function, sentence):
    said = hint(function)
    assert re.search(sentence, said), said


def test_the_line_is_that_of_the_student():
    line = sys._getframe().f_lineno + 3

    def f(x):
        return np.linalg.inv(x)

    assert f"in line {line}:" in hint(f)


def test_several_things_are_asked_for():
    def ask(f):
        return f.arrays(HERE, shapes=((), (3,)), what="a number and an array")

    assert ask(Asked(lambda x: (1, x), "f(x)"))[0] == 1
    assert "a number and an array; it returned a tuple of 3" in hint(lambda x: (1, 2, 3), ask=ask)
    assert "float 1" in hint(lambda x: 1.0, ask=ask)
    assert "part 2 of a number and an array" in hint(lambda x: (1.0, 2.0), ask=ask)


@pytest.mark.parametrize("function", [lambda *all_of_them: 2, max, np.sum, lambda x, k=3: 2])
def test_anything_that_can_be_called_so_will_do(function):
    assert Asked(function, "f(x)").number(np.full(1, 2.0)) == 2


@pytest.mark.parametrize("value", [True, 1, np.float32(1), np.int8(1), np.array(1.0)])
def test_numbers_of_any_kind(value):
    assert Asked(lambda x: value, "f(x)").number(HERE) == 1


def test_the_arguments_are_copies():
    kept = HERE.copy()
    hint(in_place)
    assert np.array_equal(kept, HERE)


def test_an_unusable_answer_ends_the_check():
    found = check("02.1", lambda w, x, y: None)
    assert len(found.outcomes) == 1 and not found.passed
    assert "0 of 4 laws are kept; 3 could not be tried yet" in repr(found)
