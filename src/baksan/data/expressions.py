"""Formulas in columns: `--where 'fSize > 2.3 and fDist < 250'`, `--features 'lgE=log10(energy)'`.

A small grammar, read with `ast` and walked here; nothing is ever handed to `eval`:

    numbers, column names, `names with odd characters` in backquotes
    energy[EeV]        the column in this unit          flux[2]   element 2 of a vector column
    + − * / ** %       < <= > >= == != (also chained)   and or not   in (…), not in (…)
    abs cos exp isnan log log10 maximum minimum sin sqrt tan
    kind == 'gamma'    text columns, with ==, != and in

Columns may be named as Python's keywords are (class, lambda, from) but for and or not in is.
A comparison with a missing value is false (with != true).
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baksan import units
from baksan.samples import Feature, counted
from baksan.table import Column, Table

__all__ = [
    "ExpressionError",
    "columns",
    "derive",
    "evaluate",
    "features_of",
    "formula_of",
    "made_of",
    "select",
    "specification",
    "texts_among",
]

_LONGEST, _DEEPEST = 2000, 60
_OWN = ("and", "or", "not", "in", "is", "True", "False", "None")
_TEXT = r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\""  # in quotes, where every sign stays
_ODD = re.compile(  # texts; names in backquotes; keywords that may be columns
    rf"{_TEXT}|`([^`]+)`|\b({'|'.join(word for word in keyword.kwlist if word not in _OWN)})\b"
)
_SIGNS = re.compile(rf"{_TEXT}|`[^`]+`|[\s−]")
_FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {
    "abs": (np.abs, 1), "cos": (np.cos, 1), "exp": (np.exp, 1), "isnan": (np.isnan, 1),
    "log": (np.log, 1), "log10": (np.log10, 1), "maximum": (np.maximum, 2),
    "minimum": (np.minimum, 2), "sin": (np.sin, 1), "sqrt": (np.sqrt, 1), "tan": (np.tan, 1),
}  # fmt: skip
_KEEP_UNIT = ("abs", "maximum", "minimum")
_ARITHMETIC: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.true_divide,
    ast.Pow: np.power, ast.Mod: np.mod,
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], Callable[..., Any]] = {
    ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal,
    ast.Eq: np.equal, ast.NotEq: np.not_equal,
}  # fmt: skip
_HINTS: dict[type[ast.AST], str] = {
    ast.BitAnd: "write 'and' for '&'", ast.BitOr: "write 'or' for '|'",
    ast.BitXor: "write '**' for a power", ast.Invert: "write 'not' for '~'",
    ast.FloorDiv: "write '/'", ast.NamedExpr: "write '==' to compare",
}  # fmt: skip


class ExpressionError(ValueError):
    """A formula that is not understood, with the place and what to write."""


def evaluate(expression: str, table: Table) -> NDArray[Any]:
    """The value of a formula in each row, (n,) numbers, booleans or text.

    Raises
    ------
    ExpressionError
        Something outside the grammar, text where a number is needed, a vector without an index.
    KeyError
        An unknown column.

    Examples
    --------
    >>> table = Table({"E": Column(np.array([1.0, 100.0]), "TeV"), "kind": ["g", "h"]})
    >>> evaluate("log10(E[GeV]) > 4 or kind == 'g'", table).tolist()
    [True, True]
    """
    return _column(expression, table).values


def columns(expression: str) -> tuple[str, ...]:
    """The columns that a formula, or 'name = formula', uses, in the order of their first use.

    Raises ExpressionError.
    """
    formula = _parse(_named(expression)[1])
    return tuple(dict.fromkeys(formula.name(n) for n in formula.names()))


def select(table: Table, expression: str) -> Table:
    """The rows for which a formula is true, with a note that counts the others.

    Raises ExpressionError where the formula is no condition, or KeyError.
    """
    keep = evaluate(expression, table)
    if keep.dtype != bool:
        raise ExpressionError(
            f"a condition such as 'fSize > 2.3' is needed; {expression!r} is {_what(keep)}."
            " Compare it with something."
        )
    return table.take(keep).with_notes(left_out(int((~keep).sum()), expression))


def left_out(rows: int, expression: str) -> str:
    """The note on rows that do not fulfil a condition."""
    return f"{counted(rows)} left out by the condition {expression}."


def derive(table: Table, features: Sequence[str]) -> tuple[Table, list[str]]:
    """The table with the columns that formulas define, and the names of all features.

    Each of `features` is a column's name, 'name = formula', or a formula that is its own name. A
    derived column's description holds '= formula' with the units of its inputs written in, so that
    `specification` can repeat it on data in other units.

    Examples
    --------
    >>> table = Table({"E": Column(np.array([1.0, 10.0]), "TeV")})
    >>> more, names = derive(table, ["E", "lgE = log10(E)"])
    >>> names, more.column("lgE").description, more["lgE"].tolist()
    (['E', 'lgE'], '= log10(E[TeV])', [0.0, 1.0])
    """
    names, made = [], {}
    for item in features:
        name, formula = (item, "") if item in table.columns else _named(item)
        if formula:
            if name in table.columns and name != formula:
                raise ExpressionError(
                    f"a derived feature needs a new name; {name!r} is a column of {table.source}."
                    f" Write, for example, {name}2={formula}."
                )
            made[name] = _column(formula, table)
            if made[name].is_text:
                raise ExpressionError(f"a derived feature must be a number; {formula!r} is text.")
        names.append(name)
    return (table.with_columns(made) if made else table), names


def features_of(text: str) -> list[str]:
    """Features from one string: parted by commas outside parentheses and quotes.

    Examples
    --------
    >>> features_of("width, lgE=log10(E), m=maximum(a, b)")
    ['width', 'lgE=log10(E)', 'm=maximum(a, b)']
    """
    pieces = re.findall(
        r"(?:`[^`]*`|'[^']*'|\"[^\"]*\"|\([^()]*(?:\([^()]*\)[^()]*)*\)|[^,])+", text
    )
    return [piece.strip() for piece in pieces if piece.strip()]


def specification(feature: Feature) -> str:
    """What `derive` needs to make this feature again: its name, or 'name = formula'."""
    formula = feature.description
    return f"{feature.name} {formula}" if formula.startswith("= ") else feature.name


def formula_of(feature: Feature) -> str:
    """The formula that a feature carries; "" for a column itself."""
    if feature.description.startswith("= "):
        return feature.description.removeprefix("= ")
    # An element of a vector column: its name is a formula.
    return feature.name if re.fullmatch(r"\w+\[\d+\]", feature.name) else ""


def made_of(features: Sequence[Feature]) -> tuple[dict[str, str], dict[str, str]]:
    """What features are made of: their formulas by name, and the units of all columns they need."""
    formulas = {f.name: told for f in features if (told := formula_of(f))}
    units = {f.name: f.unit for f in features}
    raw = [c for f in features for c in columns(formulas.get(f.name) or f"`{f.name}`")]
    return formulas, {c: units.get(c, "") for c in dict.fromkeys(raw)}


def texts_among(features: Sequence[Feature]) -> dict[str, list[str]]:
    """The columns of text that features indicate, and the texts; formulas of one's own are none."""
    told = [f.indicates for f in features if f.indicates]
    return {name: [text for column, text in told if column == name] for name, _ in told}


def _named(item: str) -> tuple[str, str]:
    """'name = formula' in its two halves; a formula alone is its own name."""
    plain = _ODD.sub(lambda quoted: "_" * len(quoted[0]), item)  # a text may hold =
    found = re.search(r"(?<![=<>!])=(?!=)", plain)
    if found is None:
        return item.strip(), item.strip()
    name, formula = item[: found.start()].strip(), item[found.end() :].strip()
    return (name, formula) if name and formula else (item.strip(), item.strip())


def _column(expression: str, table: Table) -> Column:
    formula = _parse(expression)
    with np.errstate(all="ignore"):  # the logarithm of 0 is −inf, of a negative number missing
        value = _Walk(formula, table).of(formula.tree)
    values = np.broadcast_to(np.asarray(value.values), (len(table),)).copy()
    return Column(values, value.unit, f"= {formula.with_units(table)}")


# Parsing ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Formula:
    """A parsed formula; its tree holds stand-ins of equal length for names that Python has not."""

    text: str
    tree: ast.expr
    quoted: dict[str, str]

    def name(self, node: ast.Name) -> str:
        return self.quoted.get(node.id, self.segment(node))  # ast spells µ in its own way

    def names(self) -> list[ast.Name]:
        """Column names in order; not the functions, nor the units in brackets."""
        found: list[ast.Name] = []

        def visit(node: ast.AST) -> None:
            if isinstance(node, ast.Name):
                found.append(node)
            inner = node.args if isinstance(node, ast.Call) else list(ast.iter_child_nodes(node))
            for child in [node.value] if isinstance(node, ast.Subscript) else inner:
                visit(child)

        visit(self.tree)
        return found

    def segment(self, node: ast.AST) -> str:
        return self.text[self.place(node) : self.place(node, end=True)]

    def place(self, node: ast.AST, end: bool = False) -> int:
        """The character where a node begins or ends; ast counts bytes."""
        offset = getattr(node, "end_col_offset" if end else "col_offset", 0)
        return len(self.text.encode()[:offset].decode(errors="ignore"))

    def with_units(self, table: Table) -> str:
        """The formula with the unit of each column behind its name, where the table knows one."""
        bracketed = {id(n.value) for n in ast.walk(self.tree) if isinstance(n, ast.Subscript)}
        text = self.text
        for node in reversed(self.names()):
            unit = table.column(self.name(node)).unit
            if unit and id(node) not in bracketed and units.known(unit):
                plain = re.fullmatch(r"\w+", unit)
                at = self.place(node, end=True)
                text = f"{text[:at]}[{unit if plain else f'`{unit}`'}]{text[at:]}"
        return text

    def error(self, node: ast.AST, why: str) -> ExpressionError:
        return ExpressionError(
            f"{why}; {self.segment(node)!r} stands at character {self.place(node) + 1} of"
            f" {self.text!r}."
        )


def _parse(expression: str) -> _Formula:
    text = _SIGNS.sub(_plain_sign, expression).strip()
    if not text or len(text) > _LONGEST:
        raise ExpressionError(
            f"a formula of 1 to {_LONGEST} characters is needed; this one has {len(text)}."
        )
    quoted: dict[str, str] = {}
    plain = _ODD.sub(lambda match: _stand_in(match, quoted), text)
    try:
        tree = ast.parse(plain, mode="eval").body
    except SyntaxError as error:
        hint = (
            " Write 'and', 'or', 'not' for '&&', '||', '!'."
            if re.search("&&|[|]{2}|!", text)
            else ""
        )
        at = min(error.offset or len(text), len(text))  # 0 stands for the end
        raise ExpressionError(
            f"a formula such as 'fSize > 2.3' is needed; {text!r} ends or breaks at character"
            f" {at}.{hint}"
        ) from None
    except (RecursionError, MemoryError, ValueError) as error:
        raise ExpressionError(
            f"a simpler formula is needed; this one cannot be read: {error}."
        ) from None
    if _depth(tree) > _DEEPEST:
        raise ExpressionError(
            f"a formula nested at most {_DEEPEST} deep is needed; {text[:40]!r} … is deeper."
        )
    return _Formula(text, tree, quoted)


def _plain_sign(match: re.Match[str]) -> str:
    """A hyphen for a minus, a blank for other white space; what is quoted stays."""
    found = match[0]
    return found if len(found) > 1 else "-" if found == "−" else " "


def _stand_in(match: re.Match[str], quoted: dict[str, str]) -> str:
    """A name of equal length for one in backquotes or a keyword, put down in `quoted`."""
    name = match[1] or match[2]
    if not name:
        return match[0]
    width = len(match[0].encode())
    for number in range(10 ** (width - 1)):
        word = f"_{number}".ljust(width, "_")
        if word not in match.string and quoted.setdefault(word, name) == name:
            return word
    raise ExpressionError(f"fewer names as short as {match[0]!r} are needed in one formula.")


def _depth(tree: ast.AST) -> int:
    level, depth = [tree], 0
    while level:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth


# Walking ------------------------------------------------------------------------------------------


class _Walk:
    """The value of each node, with its unit where that is clear and "" elsewhere."""

    def __init__(self, formula: _Formula, table: Table) -> None:
        self.formula, self.table = formula, table

    def of(self, node: ast.AST) -> Column:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise self.formula.error(node, _outside(node))
        value: Column = method(node)
        return value

    def number(self, node: ast.AST) -> Column:
        value = self.of(node)
        if value.is_text:
            raise self.formula.error(node, "a number is needed, not text")
        return value

    def condition(self, node: ast.AST) -> NDArray[Any]:
        value = self.of(node)
        if value.values.dtype != bool:
            raise self.formula.error(node, "a condition is needed (compare it with something)")
        return value.values

    def _constant(self, node: ast.Constant) -> Column:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float, str)):
            raise self.formula.error(node, "a number or a text in quotes is needed")
        try:
            return Column(
                np.asarray(node.value if isinstance(node.value, str) else float(node.value))
            )
        except OverflowError:
            raise self.formula.error(node, "a number below 1e308 is needed") from None

    def _name(self, node: ast.Name) -> Column:
        column = self.table.column(self.formula.name(node))
        if column.values.ndim > 1:
            raise self.formula.error(node, "one number a row is needed (a vector: write name[0])")
        return column

    def _subscript(self, node: ast.Subscript) -> Column:
        if not isinstance(node.value, ast.Name):
            raise self.formula.error(node, "a unit or an index may stand behind a column only")
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            return self._element(node, self.formula.name(node.value), node.slice.value)
        unit = self.formula.segment(node.slice).strip("`")
        column = self._name(node.value)
        if column.is_text:
            raise self.formula.error(node, "a number is needed, not text")
        return Column(np.multiply(column.values, units.factor(column.unit, unit)), unit)

    def _element(self, node: ast.Subscript, name: str, j: int) -> Column:
        column = self.table.column(name)
        if column.values.ndim != 2 or j >= column.values.shape[1]:
            size = column.values.shape[1] if column.values.ndim == 2 else 0
            raise self.formula.error(node, f"an element of this column is needed (it has {size})")
        return Column(column.values[:, j], column.unit)

    def _unaryop(self, node: ast.UnaryOp) -> Column:
        if isinstance(node.op, ast.Not):
            return Column(np.logical_not(self.condition(node.operand)))
        if isinstance(node.op, ast.Invert):
            raise self.formula.error(node, _outside(node.op))
        value = self.number(node.operand)
        sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
        return Column(np.multiply(sign, value.values), value.unit)

    def _binop(self, node: ast.BinOp) -> Column:
        operation = _ARITHMETIC.get(type(node.op))
        if operation is None:
            raise self.formula.error(node, _outside(node.op))
        left, right = self.number(node.left), self.number(node.right)
        values = operation(left.values.astype(np.float64), right.values.astype(np.float64))
        return Column(np.asarray(values), _unit_of(node, left, right))

    def _call(self, node: ast.Call) -> Column:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in _FUNCTIONS:
            raise self.formula.error(node, f"one of {', '.join(_FUNCTIONS)} is needed")
        function, count = _FUNCTIONS[name]
        if len(node.args) != count or node.keywords:
            raise self.formula.error(node, f"{name} needs {count} argument{'s' * (count > 1)}")
        values = [self.number(argument) for argument in node.args]
        unit = values[0].unit if name in _KEEP_UNIT and len({v.unit for v in values}) == 1 else ""
        return Column(np.asarray(function(*(v.values.astype(np.float64) for v in values))), unit)

    def _boolop(self, node: ast.BoolOp) -> Column:
        join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        value = self.condition(node.values[0])
        for other in node.values[1:]:
            value = join(value, self.condition(other))
        return Column(np.asarray(value))

    def _compare(self, node: ast.Compare) -> Column:
        result: Any = np.asarray(True)
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            result = np.logical_and(result, self._pair(left, operator, right, node))
            left = right
        return Column(np.asarray(result))

    def _pair(self, left: ast.expr, operator: ast.cmpop, right: ast.expr, node: ast.AST) -> Any:
        if isinstance(operator, (ast.In, ast.NotIn)):
            if not isinstance(right, (ast.Tuple, ast.List)) or not right.elts:
                raise self.formula.error(right, "a list such as (1, 2) is needed behind 'in'")
            value = np.asarray(False)
            for item in right.elts:
                value = np.logical_or(value, self._pair(left, ast.Eq(), item, node))
            return np.logical_not(value) if isinstance(operator, ast.NotIn) else value
        a, b = self.of(left), self.of(right)
        if type(operator) not in _COMPARISONS:
            raise self.formula.error(node, "one of < <= > >= == != in is needed")
        if a.is_text != b.is_text:
            raise self.formula.error(
                node, "text compares with text in quotes, numbers with numbers"
            )
        if a.is_text and not isinstance(operator, (ast.Eq, ast.NotEq)):
            raise self.formula.error(node, "text compares by == != or in only")
        return _COMPARISONS[type(operator)](a.values, b.values)


def _unit_of(node: ast.BinOp, left: Column, right: Column) -> str:
    """The unit of a sum of equal units, or of something times or over a plain number."""
    if isinstance(node.op, (ast.Add, ast.Sub, ast.Mod)):
        return left.unit if left.unit == right.unit else ""
    if isinstance(node.op, (ast.Mult, ast.Div)) and right.values.ndim == 0:
        return left.unit
    return right.unit if isinstance(node.op, ast.Mult) and left.values.ndim == 0 else ""


def _outside(node: ast.AST) -> str:
    hint = _HINTS.get(type(node))
    return "numbers, columns, arithmetic and comparisons are needed" + (
        f" ({hint})" if hint else ""
    )


def _what(values: NDArray[Any]) -> str:
    return "text" if values.dtype.kind in "US" else "a number"
