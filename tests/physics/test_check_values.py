"""Every published or separately calculated value of the formulas, within its tolerance."""

import pytest
from tests.physics.check_values import checks


@pytest.mark.parametrize("check", list(checks()), ids=lambda check: check.name)
def test_a_formula_gives_what_it_should(check):
    assert check.worst <= 1
