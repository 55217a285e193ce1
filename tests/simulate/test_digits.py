"""The digit pictures: picture i depends on (seed, i, variety), and v = 0 is print."""

import numpy as np
import pytest

from baksan.simulate.digits import HEIGHT, WIDTH, digits, number_image


@pytest.mark.parametrize("rows", [1, 7, 300])
def test_pictures_do_not_depend_on_the_block(rows):
    n = 40 if rows == 1 else 610
    whole = digits(n, 0.7, 5)
    for first in range(0, n, rows):
        part = digits(min(rows, n - first), 0.7, 5, start=first)
        assert np.array_equal(part.x, whole.x[first : first + rows])
        assert np.array_equal(part.y, whole.y[first : first + rows])
        assert np.array_equal(part.ids, np.arange(first, first + len(part)))


def test_shape_and_range():
    X = digits(500, 1.0, 1)
    assert X.x.shape == (500, HEIGHT, WIDTH) and X.x.dtype == np.float32
    assert X.x.min() >= 0 and X.x.max() <= 1
    assert X.class_names == tuple("0123456789") and X.task == "classification"
    assert min(X.class_counts.values()) > 25
    assert len(digits(0)) == 0


def test_print_has_one_shape_for_each_digit():
    X = digits(400, 0.0, 1)
    shapes = {y: {x.tobytes() for x in X.x[X.y == y]} for y in range(10)}
    assert [len(s) for s in shapes.values()] == [1] * 10
    assert len(set.union(*shapes.values())) == 10


def test_handwriting_is_never_the_same_twice():
    X = digits(400, 0.1, 1)
    assert len({x.tobytes() for x in X.x}) == 400
    assert not np.array_equal(X.x, digits(400, 0.1, 2).x)


def test_variety_moves_pictures_away_from_print():
    far = [np.abs(digits(300, v, 3).x - digits(300, 0.0, 3).x).mean() for v in (0, 0.2, 0.5, 1)]
    assert far[0] == 0 and far == sorted(far) and far[3] > 3 * far[1]


def test_the_class_does_not_depend_on_variety():
    assert np.array_equal(digits(200, 0.0, 3).y, digits(200, 1.0, 3).y)


def test_ink_stays_away_from_the_border():
    """So that neighbours in a number can be told apart."""
    X = digits(500, 1.0, 4)
    border = np.concatenate([X.x[:, 0], X.x[:, -1], X.x[:, :, 0], X.x[:, :, -1]], axis=1)
    assert border.max() < 0.9
    assert (border > 0.5).mean() < 1e-3


def test_a_number_is_its_digits_side_by_side():
    picture = number_image("504192", 0.0)
    assert picture.shape == (HEIGHT, 6 * WIDTH)
    X = digits(100, 0.0, 1)
    for k, character in enumerate("504192"):
        cell = picture[:, k * WIDTH : (k + 1) * WIDTH]
        assert cell == pytest.approx(X.x[X.y == int(character)][0], abs=1e-6)
    assert number_image("33", 0.5, 1).tobytes() == number_image("33", 0.5, 1).tobytes()
    assert not np.array_equal(*np.hsplit(number_image("33", 0.5, 1), 2))


def test_a_learned_classifier_reads_handwriting():
    linear = pytest.importorskip("sklearn.linear_model")
    learn, judge = digits(1500, 0.6, 1), digits(500, 0.6, 2)
    model = linear.LogisticRegression(C=0.1, max_iter=300)
    model.fit(learn.x.reshape(1500, -1), learn.y)
    assert model.score(judge.x.reshape(500, -1), judge.y) > 0.95


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: digits(-1), r"number of pictures, must be .* at least 0; it is -1"),
        (lambda: digits(1, -0.1), r"variety must lie between 0 .* and 1 .*; -0\.1 does not"),
        (lambda: digits(1, 1.1), r"variety must lie between .*; 1\.1 does not"),
        (lambda: digits(1, float("nan")), r"variety must lie between .*; nan does not"),
        (lambda: digits(1, seed=-1), r"seed must be .* it is -1"),
        (lambda: digits(1, start=-1), r"first picture, must be .* it is -1"),
        (lambda: number_image("12", 2), r"variety must lie between .*; 2 does not"),
        (lambda: number_image(""), r"digits 0 … 9; '' is not"),
        (lambda: number_image("1.5"), r"digits 0 … 9; '1\.5' is not"),
        (lambda: number_image("٣"), r"digits 0 … 9; '٣' is not"),
    ],
)
def test_bad_arguments(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
