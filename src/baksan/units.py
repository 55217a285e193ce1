"""Units as files write them, and the few constants of nature that are used.

Inside the library numbers are plain floats and units are strings; a unit is looked at where data
enter and where a model meets new data. `factor("GeV", "TeV")` is all that is needed there.

Photons, events and counts are pure numbers: 'ph cm-2 s-1' and 'cm-2 s-1' are one unit. Angles,
photo-electrons, ADC counts, VEM and MIP are dimensions of their own, so that none of them is
mistaken for a pure number.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

__all__ = [
    "ELECTRON_MASS", "MUON_MASS", "PION_MASS", "PROTON_MASS", "SPEED_OF_LIGHT", "Constant", "Unit",
    "UnitError", "factor", "known", "parse",
]  # fmt: skip


class UnitError(ValueError):
    """A unit that is not known, or two that measure different things."""


@dataclass(frozen=True)
class Unit:
    """A unit as `scale` × a product of base units, e.g. km/s = 1000 × m¹ s⁻¹.

    The scale is a fraction, so that powers of ten convert without rounding.
    """

    scale: Fraction = Fraction(1)
    dimension: tuple[tuple[str, int], ...] = ()

    def __mul__(self, other: Unit) -> Unit:
        powers = dict(self.dimension)
        for base, power in other.dimension:
            powers[base] = powers.get(base, 0) + power
        kept = tuple(sorted((b, p) for b, p in powers.items() if p))
        return Unit(self.scale * other.scale, kept)

    def __pow__(self, power: int) -> Unit:
        return Unit(self.scale**power, tuple((b, p * power) for b, p in self.dimension if power))

    def __str__(self) -> str:
        """The dimension in words: 'm2 s-1', or 'a pure number'."""
        words = [base if power == 1 else f"{base}{power}" for base, power in self.dimension]
        return " ".join(words) or "a pure number"


def factor(have: str, want: str) -> float:
    """The number by which a value in `have` is multiplied to be a value in `want`.

    Raises
    ------
    UnitError
        One of them is unknown, or they measure different things.

    Examples
    --------
    >>> factor("GeV", "TeV"), factor("erg/cm2/s", "erg cm-2 s-1"), factor("km", "mm")
    (0.001, 1.0, 1000000.0)
    """
    if have == want:
        return 1.0
    given, wanted = parse(have), parse(want)
    if given.dimension != wanted.dimension:
        raise UnitError(
            f"a unit that converts to {want or 'a pure number'!r} is needed; {have or 'none'!r} is"
            f" {given} and not {wanted}. Check the unit of this column or convert it first."
        )
    return float(given.scale / wanted.scale)


def known(text: str) -> bool:
    """Whether `parse` understands this unit."""
    try:
        parse(text)
    except UnitError:
        return False
    return True


@lru_cache(maxsize=1024)
def parse(text: str) -> Unit:
    """The scale and dimension of a unit string; "" is a pure number.

    Products by blank, '.' or '*', quotients by '/' from left to right, powers as in 'cm2', 'cm-2',
    'cm^2', 'cm**2' or 'cm²', parentheses, numbers in front. Raises UnitError.

    Examples
    --------
    >>> parse("ph cm-2 MeV-1 s-1") == parse("1/cm**2/MeV/s") == parse("1 / (MeV s cm^2)")
    True
    """
    tokens = list(_tokens(text))
    unit, rest = _product(tokens, text)
    if rest:
        raise _unknown(text, rest[0])
    return unit


# Parsing ------------------------------------------------------------------------------------------

_TOKEN = re.compile(r"\s*(\*\*|[*/.^()]|[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[^\W\d]+|[%°])")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_PURE = ("", "-", "none", "dimensionless", "ratio", "1")


def _tokens(text: str) -> Iterator[str]:
    if text.strip().lower() in _PURE:
        return
    plain = text.translate(_SUPERSCRIPTS).replace("−", "-").replace("·", "*").strip()
    plain = plain.replace("p.e.", "pe")
    at = 0
    while at < len(plain):
        if not (found := _TOKEN.match(plain, at)):
            raise _unknown(text, plain[at:])
        yield found.group(1)
        at = found.end()


def _product(tokens: list[str], text: str) -> tuple[Unit, list[str]]:
    """Factors joined by '*', '.', '/' or nothing, until the tokens or a parenthesis end."""
    unit, sign = Unit(), 1
    while tokens and tokens[0] != ")":
        if tokens[0] in ("*", ".", "/"):
            sign = -1 if tokens[0] == "/" else 1
            tokens = tokens[1:]
        part, tokens = _power(tokens, text)
        unit, sign = unit * part**sign, 1
    return unit, tokens


def _power(tokens: list[str], text: str) -> tuple[Unit, list[str]]:
    """One factor with its exponent: a name, a number or a parenthesis."""
    base, tokens = _atom(tokens, text)
    if tokens and tokens[0] in ("^", "**"):
        bracketed = tokens[1:2] == ["("] and tokens[3:4] == [")"]
        exponent = tokens[2:3] if bracketed else tokens[1:2]
        tokens = tokens[4 if bracketed else 2 :]
    elif tokens and re.fullmatch(r"[+-]?\d+", tokens[0]) and base.dimension:
        exponent, tokens = tokens[:1], tokens[1:]
    else:
        return base, tokens
    if not exponent or not re.fullmatch(r"[+-]?\d", exponent[0]):
        raise _unknown(text, "^" + "".join(exponent))
    return base ** int(exponent[0]), tokens


def _atom(tokens: list[str], text: str) -> tuple[Unit, list[str]]:
    if not tokens:
        raise _unknown(text, "its end")
    first, rest = tokens[0], tokens[1:]
    if first == "(":
        inner, rest = _product(rest, text)
        if not rest:
            raise _unknown(text, "(")
        return inner, rest[1:]
    if re.match(r"[+-]?\d", first):
        number = Fraction(first)
        if number <= 0 or abs(math.log10(number)) > 99:
            raise _unknown(text, first)
        return Unit(number), rest
    return _named(first, text), rest


def _named(name: str, text: str) -> Unit:
    if name in _NAMED:
        return _NAMED[name]
    for length in (1, 2):
        prefix, base = name[:length], name[length:]
        if prefix in _PREFIXES and base in _PREFIXABLE:
            return Unit(Fraction(10) ** _PREFIXES[prefix]) * _NAMED[base]
    raise _unknown(text, name)


def _unknown(text: str, part: str) -> UnitError:
    known = {**{n: n for n in _NAMED}, **{p + n: n for p in _PREFIXES for n in _PREFIXABLE}}
    near = [n for n in known if n.lower() == part.lower()]
    near = near or difflib.get_close_matches(part, list(known), n=1, cutoff=0.8)
    hint = f"did you mean {near[0]!r}?" if near else "Write it with units such as GeV, m, ns, deg."
    return UnitError(f"a unit such as 'g/cm2' is needed; {text!r} has {part!r} in it: {hint}")


# The units ----------------------------------------------------------------------------------------

_PREFIXES = {
    "a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "μ": -6, "m": -3, "c": -2, "d": -1,
    "h": 2, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18, "Z": 21,
}  # fmt: skip
_PREFIXABLE = {
    "eV", "m", "g", "s", "J", "W", "Hz", "pc", "rad", "b", "barn", "V", "A", "K", "Pa", "bar", "T",
    "G", "yr", "arcsec", "as",
}  # fmt: skip


def _of(scale: str | float | Fraction, **powers: int) -> Unit:
    return Unit(Fraction(scale), tuple(sorted(powers.items())))


# Exact by the SI (2019): the electron volt is 1.602176634e-19 J. Energies are kg m2 s-2.
_EV = Fraction("1.602176634e-19")
_DEGREES = Fraction(180) / Fraction(math.pi)
_YEAR = Fraction("31557600")  # Julian: 365.25 days
_NAMED: dict[str, Unit] = {
    "m": _of(1, m=1), "meter": _of(1, m=1), "metre": _of(1, m=1), "meters": _of(1, m=1),
    "g": _of("1e-3", kg=1), "t": _of(1000, kg=1), "K": _of(1, K=1), "A": _of(1, A=1),
    "s": _of(1, s=1), "sec": _of(1, s=1), "second": _of(1, s=1), "seconds": _of(1, s=1),
    "min": _of(60, s=1), "h": _of(3600, s=1), "hr": _of(3600, s=1), "hour": _of(3600, s=1),
    "d": _of(86400, s=1), "day": _of(86400, s=1), "days": _of(86400, s=1),
    "yr": _of(_YEAR, s=1), "year": _of(_YEAR, s=1), "years": _of(_YEAR, s=1),
    "Hz": _of(1, s=-1), "eV": _of(_EV, kg=1, m=2, s=-2), "erg": _of("1e-7", kg=1, m=2, s=-2),
    "J": _of(1, kg=1, m=2, s=-2), "W": _of(1, kg=1, m=2, s=-3), "Pa": _of(1, kg=1, m=-1, s=-2),
    "bar": _of("1e5", kg=1, m=-1, s=-2), "atm": _of(101325, kg=1, m=-1, s=-2),
    "V": _of(1, kg=1, m=2, s=-3, A=-1), "T": _of(1, kg=1, s=-2, A=-1),
    "G": _of("1e-4", kg=1, s=-2, A=-1), "Jy": _of("1e-26", kg=1, s=-2),
    # The parsec and astronomical unit: IAU 2012 resolution B2 and 2015 resolution B2.
    "AU": _of(149597870700, m=1), "au": _of(149597870700, m=1), "ly": _of(9460730472580800, m=1),
    "pc": _of(Fraction(149597870700) * 648000 / Fraction(math.pi), m=1),
    "b": _of("1e-28", m=2), "barn": _of("1e-28", m=2),
    "deg": _of(1, deg=1), "degree": _of(1, deg=1), "degrees": _of(1, deg=1), "°": _of(1, deg=1),
    "rad": _of(_DEGREES, deg=1), "radian": _of(_DEGREES, deg=1), "radians": _of(_DEGREES, deg=1),
    "arcmin": _of(Fraction(1, 60), deg=1), "arcsec": _of(Fraction(1, 3600), deg=1),
    "as": _of(Fraction(1, 3600), deg=1), "hourangle": _of(15, deg=1),
    "sr": _of(_DEGREES**2, deg=2), "%": _of("0.01"),
    "pe": _of(1, pe=1), "phe": _of(1, pe=1), "ADC": _of(1, ADC=1), "adc": _of(1, ADC=1),
    "VEM": _of(1, VEM=1), "MIP": _of(1, MIP=1),
    "ph": _of(1), "photon": _of(1), "photons": _of(1), "phot": _of(1), "count": _of(1),
    "counts": _of(1), "ct": _of(1), "event": _of(1), "events": _of(1), "particles": _of(1),
}  # fmt: skip


# Constants ----------------------------------------------------------------------------------------


class Constant(float):
    """A number of nature: a float that knows its unit and its source."""

    unit: str
    source: str

    def __new__(cls, value: float, unit: str, source: str) -> Constant:
        made = super().__new__(cls, value)
        made.unit, made.source = unit, source
        return made


SPEED_OF_LIGHT = Constant(299792458.0, "m/s", "exact, SI 2019")
ELECTRON_MASS = Constant(0.51099895069e6, "eV", "CODATA 2022, m c² of the electron")
MUON_MASS = Constant(105.6583755e6, "eV", "CODATA 2022, m c² of the muon")
PION_MASS = Constant(139.57039e6, "eV", "Particle Data Group 2024, m c² of π±")
PROTON_MASS = Constant(938.27208943e6, "eV", "CODATA 2022, m c² of the proton")
