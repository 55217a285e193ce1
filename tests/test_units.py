"""Units: every spelling met in the field's files, against astropy.units."""

import math

import pytest

from baksan import units
from baksan.units import UnitError, factor, known, parse

PAIRS = [
    ("GeV", "TeV"), ("eV", "EeV"), ("erg", "eV"), ("mm", "m"), ("km", "cm"), ("ns", "s"),
    ("deg", "rad"), ("arcmin", "deg"), ("g/cm2", "kg/m2"), ("g/cm^2", "kg m-2"), ("yr", "s"),
    ("erg/cm2/s", "eV m-2 s-1"), ("erg / cm2 / s", "TeV / (m2 s)"), ("1/MeV", "1/GeV"),
    ("cm-2 s-1 MeV-1", "m-2 s-1 TeV-1"), ("km2 sr yr", "m2 sr s"), ("hPa", "Pa"), ("kpc", "m"),
    ("uG", "T"), ("mbar", "Pa"), ("1e-12 erg", "erg"), ("m**(-2)", "cm-2"), ("MHz", "1/s"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*multiple slashes")
@pytest.mark.parametrize(("have", "want"), PAIRS)
def test_factors_agree_with_astropy(have: str, want: str) -> None:
    u = pytest.importorskip("astropy.units")
    assert factor(have, want) == pytest.approx(u.Unit(have).to(u.Unit(want)), rel=1e-12)
    assert factor(want, have) * factor(have, want) == pytest.approx(1, rel=1e-14)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("photon/cm**2/MeV/s", "ph cm-2 MeV-1 s-1"),
        ("ph/cm2/s", "cm-2 s-1"),
        ("degrees", "°"),
        ("g/cm²", "g cm⁻²"),
        ("erg cm**-2 s**-1", "erg/(cm2 s)"),
        ("m.s", "m*s"),
        ("", "dimensionless"),
        ("phe", "p.e."),
    ],
)
def test_spellings_of_one_unit(left: str, right: str) -> None:
    assert parse(left) == parse(right)
    assert factor(left, right) == 1.0


def test_powers_of_ten_convert_without_rounding() -> None:
    assert [factor("GeV", w) for w in ("eV", "MeV", "TeV", "PeV")] == [1e9, 1e3, 1e-3, 1e-6]
    assert factor("deg", "rad") == math.radians(1)


@pytest.mark.parametrize("text", ["furlong", "GeV/", "(GeV", "GeV)", "cm^", "cm^2.5", "0 m", "a;b"])
def test_unknown_units_are_named(text: str) -> None:
    assert not known(text)
    with pytest.raises(UnitError, match="unit such as"):
        factor(text, "m")


def test_a_wrong_capital_gets_a_hint() -> None:
    with pytest.raises(UnitError, match="did you mean 'GeV'"):
        parse("gev")


def test_different_dimensions_are_refused() -> None:
    with pytest.raises(UnitError, match=r"'GeV' is needed; 'mm' is m and not kg m2 s-2"):
        factor("mm", "GeV")
    with pytest.raises(UnitError, match="pure number"):
        factor("deg", "")
    with pytest.raises(UnitError):
        factor("pe", "ph")


def test_constants_agree_with_codata() -> None:
    from scipy.constants import physical_constants

    for ours, theirs in [
        (units.ELECTRON_MASS, "electron mass energy equivalent in MeV"),
        (units.MUON_MASS, "muon mass energy equivalent in MeV"),
        (units.PROTON_MASS, "proton mass energy equivalent in MeV"),
    ]:
        value = physical_constants[theirs][0]
        assert factor(ours.unit, "MeV") * ours == pytest.approx(value, rel=1e-9)
        assert "CODATA" in ours.source
    assert physical_constants["speed of light in vacuum"][0] == units.SPEED_OF_LIGHT
    assert units.PION_MASS > units.MUON_MASS
