"""Formulas in columns: the same as NumPy, and nothing but formulas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baksan.data.expressions import (
    ExpressionError,
    columns,
    derive,
    evaluate,
    features_of,
    select,
    specification,
)  # fmt: skip
from baksan.samples import Feature
from baksan.table import Column, Table
from baksan.units import UnitError

a, b = np.array([1.0, -2.0, np.nan, 40.0]), np.array([3, 5, -7, 2])
TABLE = Table(
    {
        "a": Column(a, "TeV"),
        "b": b,
        "odd name (x)": Column(np.arange(4.0), "mm"),
        "kind": np.array(["g", "h", "", "g"]),
        "good": np.array([True, False, True, False]),
        "v": Column(np.arange(8.0).reshape(4, 2), "ADC"),
        "flux": Column(np.full(4, 2.0), "ph cm-2 s-1"),
    },
    source="events",
)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("a + 2*b - 1", a + 2 * b - 1),
        ("-a**2 / b % 3", (-(a**2) / b) % 3),
        ("b − 1", b - 1),
        ("log10(b + 8) + sqrt(abs(a))", np.log10(b + 8) + np.sqrt(abs(a))),
        ("maximum(a, b) - minimum(b, 0)", np.maximum(a, b) - np.minimum(b, 0)),
        ("0 < b <= 3", (b > 0) & (b <= 3)),
        ("a > 0 and not b == 2 or good", ((a > 0) & (b != 2)) | TABLE["good"]),
        ("isnan(a)", np.isnan(a)),
        ("a != a", np.isnan(a)),
        ("b in (3, -7)", np.isin(b, [3, -7])),
        ("kind not in ['g', '']", TABLE["kind"] == "h"),
        ('kind == "g"', TABLE["kind"] == "g"),
        ("`odd name (x)` * 2 > 3", np.arange(4) * 2 > 3),
        ("a[GeV]", 1000 * a),
        ("flux[`ph m-2 s-1`]", np.full(4, 2e4)),
        ("flux[1/m**2/s] + v[1]", 2e4 + TABLE["v"][:, 1]),
        ("exp(log(b*b)) + sin(b)**2 + cos(b)**2 + tan(0)*b", b * b + 1.0),
    ],
)
def test_formulas_are_what_numpy_says(formula, value):
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(evaluate(formula, TABLE), value, rtol=1e-12)


@given(
    st.recursive(
        st.sampled_from(["a", "b", "2.5", "3"]),
        lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        max_leaves=12,
    )
)
def test_arithmetic_is_pythons(formula):
    with np.errstate(all="ignore"):
        expected = eval(formula, {"a": a, "b": b.astype(float)})
        if np.ndim(expected):
            np.testing.assert_allclose(evaluate(formula, TABLE), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("", "1 to 2000 characters"),
        ("b" * 3000, "1 to 2000 characters"),
        ("b >", "breaks at character 3"),
        ("b > 2 && a > 1", "Write 'and', 'or', 'not'"),
        ("(b > 2) & (a > 1)", "write 'and' for '&'"),
        ("b ^ 2", "write '[*][*]' for a power"),
        ("~good", "write 'not' for '~'"),
        ("__import__('os')", "one of abs, cos"),
        ("b.__class__", "numbers, columns"),
        ("().__class__", "numbers, columns"),
        ("lambda: 1", "breaks at character"),
        ("[x for x in b]", "breaks at character"),
        ("b if good else a", "breaks at character"),
        ("b is not None", "a number or a text"),
        ("(b := 3)", "write '==' to compare"),
        ("'%s' % b", "a number is needed, not text"),
        ("kind > 'a'", "== != or in only"),
        ("kind == 3", "text compares with text"),
        ("kind + 1", "a number is needed, not text; 'kind' stands at character 1"),
        ("b and a > 1", "a condition is needed"),
        ("not b", "a condition is needed"),
        ("b in a", "a list such as"),
        ("b in ()", "a list such as"),
        ("b is 3", "one of < <= >"),
        ("log10(b, 2)", "log10 needs 1 argument"),
        ("maximum(b)", "maximum needs 2 arguments"),
        ("log10(x=b)", "log10 needs 1 argument"),
        ("v > 2", r"a vector: write name\[0\]"),
        ("v[2]", "it has 2"),
        ("b[0]", "it has 0"),
        ("(a + b)[GeV]", "behind a column only"),
        ("True", "a number or a text"),
        ("1j * b", "a number or a text"),
        ("10**400 * b + " + "9" * 400, "below 1e308"),
        ("-" * 500 + "b", "nested at most 60 deep|simpler formula"),
        ("(" * 900 + "b" + ")" * 900, "breaks at|simpler formula"),
    ],
)
def test_what_is_no_formula_gets_a_sentence(formula, message):
    with pytest.raises(ExpressionError, match=message):
        evaluate(formula, TABLE)


def test_columns_may_be_named_as_pythons_keywords_are():
    names = ["class", "lambda", "from", "as", "if", "_0", "for", "import", "yield"]
    columns_ = {name: np.arange(4.0) + k for k, name in enumerate(names[1:])}
    table = Table({"class": np.array(["g", "h", "h", "class"]), **columns_})
    for formula, value in [
        ("class == 'h' or class == 'class'", [False, True, True, True]),
        ("class in ('g', 'class')", [True, False, False, True]),
        ('not class != "class"', [False, False, False, True]),
        ("lambda - from + as*0", [-1.0] * 4),
        ("if + as + _0 + as", [2 + 2 + 3 + 4 + 4 * k for k in range(4)]),
        ("abs(import) > 0 and yield >= for", [True] * 4),
    ]:
        assert evaluate(formula, table).tolist() == value, formula
    assert columns("log10(lambda) + `class` + class + classy") == ("lambda", "class", "classy")
    assert columns("kind == 'a `b` class'") == ("kind",)
    derived, _ = derive(Table({"lambda": Column(np.array([1.0, 10.0]), "m")}), ["l=log10(lambda)"])
    assert derived.column("l").description == "= log10(lambda[m])"
    angle = Table({"theta": Column(np.array([1.0]), "arcmin")})
    assert evaluate("theta[as]", angle).tolist() == [60.0]


def test_the_place_is_counted_in_characters():
    with pytest.raises(ExpressionError, match=r"'b.real' stands at character 23"):
        evaluate("`odd name (x)` > 0 or b.real", TABLE)


def test_unknown_columns_and_units_that_do_not_fit():
    with pytest.raises(KeyError, match="events: no column 'c'; there are a, b"):
        evaluate("c > 1", TABLE)
    with pytest.raises(KeyError, match="events: no column 'class'; there are a, b"):
        evaluate("class > 1", TABLE)
    with pytest.raises(UnitError, match="'GeV' is needed; 'mm'"):
        evaluate("`odd name (x)`[GeV]", TABLE)


def test_columns_that_a_formula_uses():
    assert columns("log10(b) + `odd name (x)` * b + a[GeV] + v[0]") == (
        "b", "odd name (x)", "a", "v",
    )  # fmt: skip


def test_select_keeps_rows_and_counts_the_others():
    kept = select(TABLE, "a > 0 and kind == 'g'")
    assert kept.rows.tolist() == [0, 3]
    assert kept.notes == ("2 rows left out by the condition a > 0 and kind == 'g'.",)
    with pytest.raises(ExpressionError, match="a condition such as .* is a number"):
        select(TABLE, "a + 1")


def test_units_follow_where_they_are_clear():
    table, _ = derive(TABLE, ["s=a+a", "t=2*a", "u=a/b", "w=abs(a)", "l=log10(a)", "h=a/2"])
    assert [table.column(n).unit for n in "stuwlh"] == ["TeV", "TeV", "", "TeV", "", "TeV"]


def test_a_derived_feature_can_be_made_again_in_other_units():
    table, names = derive(TABLE, ["b", "lg = log10(flux)", "log10(a / `odd name (x)`)"])
    assert names == ["b", "lg", "log10(a / `odd name (x)`)"]
    features = [Feature(n, "", table.column(n).description) for n in names]
    again = [specification(f) for f in features]
    assert again[1] == "lg = log10(flux[`ph cm-2 s-1`])"
    other = TABLE.with_columns({"flux": Column(np.full(4, 2e4), "ph m-2 s-1")})
    redone, same = derive(other, again)
    assert same == names
    np.testing.assert_allclose(redone["lg"], table["lg"])
    np.testing.assert_array_equal(redone[names[2]], table[names[2]])


def test_derived_names_and_kinds():
    with pytest.raises(ExpressionError, match="needs a new name; 'b' is a column of events"):
        derive(TABLE, ["b=a*2"])
    with pytest.raises(ExpressionError, match="must be a number; 'kind' is text"):
        derive(TABLE, ["k=kind"])
    with pytest.raises(KeyError, match="no column 'width'"):
        derive(TABLE, ["width"])
    assert derive(TABLE, ["flag = b == 3"])[0]["flag"].tolist() == [True, False, False, False]


def test_one_string_of_features():
    assert features_of("a, `odd, name`, m=maximum(a, abs(b)),kind in ('a,b', 'c')") == [
        "a", "`odd, name`", "m=maximum(a, abs(b))", "kind in ('a,b', 'c')",
    ]  # fmt: skip
