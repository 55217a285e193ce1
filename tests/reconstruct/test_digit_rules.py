"""Rules written by hand: they read print without a fault, and fail as handwriting grows."""

import numpy as np
import pytest

from baksan.reconstruct.digits import characters, read_digit, read_number
from baksan.simulate.digits import WIDTH, digits, number_image


def accuracy(variety):
    X = digits(400, variety, seed=11)
    return np.mean([read_digit(x) == y for x, y in zip(X.x, X.y, strict=True)])


@pytest.mark.parametrize("number", ["504192", "0123456789", "7", "1111"])
@pytest.mark.parametrize("width", [None, WIDTH])
def test_print_is_read(number, width):
    assert read_number(number_image(number, variety=0.0), width) == number


def test_every_printed_digit_and_the_decay():
    found = [accuracy(v) for v in (0.0, 0.2, 0.6, 1.0)]
    assert found[0] == 1.0
    assert found[1] > 0.93
    assert found == sorted(found, reverse=True)
    assert 0.5 < found[3] < 0.85


def test_learning_stays_good_where_rules_fail():
    ensemble = pytest.importorskip("sklearn.ensemble")
    learn, judge = digits(2000, 0.8, 1), digits(400, 0.8, seed=11)
    forest = ensemble.RandomForestClassifier(60, random_state=0)
    forest.fit(learn.x.reshape(2000, -1), learn.y)
    assert forest.score(judge.x.reshape(400, -1), judge.y) > accuracy(0.8) + 0.1


def picture(text):
    """A drawing in '#' and '.' as grey."""
    return np.array([[float(mark == "#") for mark in row] for row in text.split()])


@pytest.mark.parametrize(
    ("drawing", "digit"),
    [
        (".##. #..# #..# #..# #..# .##.", 0),
        (".# ## .# .# .# .#", 1),
        ("#### #..# #..# #### #..# #..# ####", 8),
        ("#### #... #... #### #..# #..# ####", 6),
        ("#### #..# #..# #### ...# ...# ####", 9),
        ("##### ....# ...#. ...#. ..#.. ..#.. .#... .#...", 7),
        ("##### #.... #.... ##### ....# ....# #####", 5),
        ("##### ....# ....# ..### ....# ....# #####", 3),
    ],
)
def test_other_fonts_drawn_by_hand(drawing, digit):
    assert read_digit(picture(drawing)) == digit


def test_paper_around_a_digit_does_not_matter():
    for digit in range(10):
        small = number_image(str(digit), variety=0.0)
        assert read_digit(np.pad(small, ((3, 9), (14, 1)))) == digit


def test_a_blot_is_no_hole():
    assert read_digit(picture("###### ##.### ###### ....## ...##. ..##.. ..##.. ..##..")) == 7


def test_characters_are_cut_at_empty_columns():
    drawing = picture("..##...#.#. ..##...###.")
    assert [part.shape for part in characters(drawing)] == [(2, 2), (2, 1 + 2)]
    assert [part.shape for part in characters(number_image("42", 0.0), WIDTH)] == [(20, 16)] * 2
    assert characters(np.zeros((5, 9))) == [] and read_number(np.zeros((5, 9))) == ""


def test_reading_leaves_the_picture_as_it_was():
    image = number_image("504192", 0.5, 1)
    before = image.copy()
    read_number(image)
    assert np.array_equal(image, before)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: read_digit(np.zeros((20, 16))), r"must show a digit; no pixel .* than 0\.5"),
        (lambda: read_digit(np.zeros(7)), r"rows × columns; this one has the shape \(7,\)"),
        (lambda: read_number([["a"]]), r"table of numbers, .* holds <U1"),
        (lambda: read_number(np.zeros((20, 30)), 16), r"it has 30 columns for characters of 16"),
        (lambda: read_number(np.zeros((20, 30)), 0), r"it has 30 columns for characters of 0"),
    ],
)
def test_bad_pictures(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
