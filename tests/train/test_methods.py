"""A method that chooses: what is chosen, by which events, and that it is then trained as usual."""

from dataclasses import replace

import numpy as np
import pytest
from tests.runs import events, stream_of

import baksan as bk
from baksan import losses
from baksan.train.methods import Best, Ours

GOOD = bk.Adam(0.02, batch=50, epochs=8, way="compiled")
IDLE = bk.Adam(1e-9, batch=50, epochs=8, way="compiled")
SMALL = bk.Ensemble(bk.Network((4,)), 2)
WIDE = bk.Ensemble(bk.Network((8,)), 2)


def best(first, second):
    (model, solver), other = first, ("other", *second)
    return Best("best", "", "", model, losses.logistic, solver, others=(other,))


def trained(method, X, **more):
    return method.train(X, seed=3, threads=1, **more)


@pytest.mark.parametrize("where", [0, 1])
def test_the_one_with_the_lower_q_on_held_back_events_is_trained_on_all(where):
    X = events(400)
    pair = [(WIDE, GOOD), (SMALL, IDLE)]
    method = best(*(pair if where == 0 else pair[::-1]))
    found = trained(method, X)
    alone = trained(Ours("alone", "", "", WIDE, losses.logistic, GOOD), X)
    np.testing.assert_array_equal(found.model.parameters, alone.model.parameters)
    learn, held = X.split(0.8, seed=3)
    qs = []
    for model, solver in pair if where == 0 else pair[::-1]:
        one = bk.fit(model.of, learn, losses.logistic, solver, seed=3)
        qs.append(bk.Q(one.model, held, losses.logistic))
    told = f"{('plain', 'other')[where]} was the best on a held-back fifth (Q: plain {qs[0]:.4g},"
    assert found.message.startswith(told) and f"other {qs[1]:.4g}" in found.message


def test_groups_stay_whole_and_few_of_them_choose_nothing():
    X = events(400)
    method = best((SMALL, IDLE), (WIDE, GOOD))
    grouped = replace(X, group=np.arange(400) // 10)  # 40 groups: too few to spare some
    assert trained(method, grouped).model.of.hidden == (4,)
    assert trained(method, X.rows(slice(0, 60))).model.of.hidden == (4,)
    assert trained(method, X).model.of.hidden == (8,)


def test_what_explodes_is_not_chosen():
    # A step of 1e30 in float32 leaves no finite number.
    blown = bk.Adam(1e30, batch=50, epochs=8, way="compiled")
    found = trained(best((SMALL, blown), (WIDE, GOOD)), events(400))
    assert found.model.of.hidden == (8,)


def test_missing_features_are_filled_in_for_all_of_them():
    x = events(400).x.copy()
    x[::7, 0] = np.nan
    X = bk.Samples(x, events(400).y, class_names=events(400).class_names, missing=True)
    method = best((SMALL, IDLE), (WIDE, GOOD)).filling_in()
    assert method.filling_in() is method and method.kind == "imputed"
    assert trained(method, X).model.of.of.hidden == (8,)


def test_of_a_stream_the_first_is_taken():
    method = best((SMALL, GOOD), (WIDE, GOOD))
    assert method.streams
    assert trained(method, stream_of(events(300))).model.of.hidden == (4,)


def test_its_settings_name_all_of_them_and_its_progress_ends_at_the_end():
    method, told = best((SMALL, IDLE), (WIDE, replace(GOOD, epochs=400))), []
    assert method.settings.count("; or ") == 1
    assert "hidden=(8,)" in method.settings and "rate=1e-09" in method.settings
    trained(method, events(400), progress=lambda now: told.append(now.share))
    assert told and max(told) <= 1 and min(told) < 0.5 < max(told)
