"""The depth of the maximum of showers: its distribution, its moments, and ⟨ln A⟩ from them.

Depths in g/cm², energies as lg(E/eV), masses as mass numbers A.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincc, gammainccinv, gammaln, polygamma, psi

from baksan.physics.checks import chosen, inside, numbers, warned

Array = NDArray[Any]
Row = tuple[float, float, float]

__all__ = [
    "MODELS", "MOMENTS", "PHOTONS_CONVERT", "Gumbel", "Moments", "ln_mass", "moments",
    "photon_maximum", "x_max_cdf", "x_max_mean", "x_max_pdf", "x_max_quantile", "x_max_spread",
]  # fmt: skip


class Gumbel(NamedTuple):
    """(a₀, a₁, a₂) in ln A of each power of lg E − 19: of the place μ, the width σ, the shape λ."""

    place: tuple[Row, Row, Row]
    width: tuple[Row, Row]
    shape: tuple[Row, Row]


PHOTONS_CONVERT = 19.7
"""lg(E/eV) from which photons begin to convert in the geomagnetic field [M]."""
MODELS = {
    "qgsjetii-04": Gumbel(
        ((761.383, -11.719, -1.372), (57.344, -1.731, 0.309), (-0.355, 0.273, -0.137)),
        ((35.221, 12.335, -2.889), (0.307, -1.147, 0.271)),
        ((0.673, 0.694, -0.007), (0.060, -0.019, 0.017)),
    ),
    "epos-lhc": Gumbel(
        ((775.589, -7.047, -2.427), (57.589, -0.743, 0.214), (-0.820, -0.169, -0.027)),
        ((29.403, 13.553, -3.154), (0.096, -0.961, 0.150)),
        ((0.563, 0.711, 0.058), (0.039, 0.067, -0.004)),
    ),
    "sibyll-2.1": Gumbel(
        ((770.104, -15.873, -0.960), (58.668, -0.124, -0.023), (-1.423, 0.977, -0.191)),
        ((31.717, 1.335, -0.601), (-1.912, 0.007, 0.086)),
        ((0.683, 0.278, 0.012), (0.008, 0.051, 0.003)),
    ),
    "qgsjetii-03": Gumbel(
        ((758.444, -10.692, -1.253), (48.892, 0.02, 0.179), (-2.346, 0.348, -0.086)),
        ((39.033, 7.452, -2.176), (4.390, -1.688, 0.170)),
        ((0.857, 0.686, -0.040), (0.179, 0.076, -0.0130)),
    ),
    "epos-1.99": Gumbel(
        ((780.013, -11.488, -1.906), (61.911, -0.098, 0.038), (-0.405, 0.163, -0.095)),
        ((28.853, 8.104, -1.924), (-0.083, -0.961, 0.215)),
        ((0.538, 0.524, 0.047), (0.009, 0.023, 0.010)),
    ),
    "sibyll-2.3d": Gumbel(
        ((785.852, -15.5994, -1.06906), (60.5929, -0.786014, 0.200728),
         (-0.689462, -0.294794, 0.0399432)),
        ((41.0345, -2.17329, -0.306202), (-0.309466, -1.16496, 0.225445)),
        ((0.799493, 0.235235, 0.00856884), (0.0632135, -0.0012847, 0.000330525)),
    ),
}  # fmt: skip
"""Hadronic models. M. De Domenico, M. Settimo, S. Riggi and E. Bertin, JCAP 07 (2013) 050 (arXiv:
1305.2331), table 1 [V]; 'sibyll-2.3d' is a later fit from public code, of an unknown publication
[V as code]."""


def x_max_mean(log_energy: ArrayLike, mass: ArrayLike, model: str = "epos-lhc") -> Array:
    """⟨X_max⟩ = μ + σ (ln λ − ψ(λ)), ψ the digamma function, in g/cm².

    Examples
    --------
    >>> x_max_mean(19, [1, 56], "qgsjetii-04").round(0).tolist()
    [793.0, 698.0]
    """
    place, width, shape = _parameters(log_energy, mass, model)
    return place + width * (np.log(shape) - psi(shape))


def x_max_spread(log_energy: ArrayLike, mass: ArrayLike, model: str = "epos-lhc") -> Array:
    """The standard deviation σ √ψ'(λ) of X_max from shower to shower, in g/cm²."""
    _, width, shape = _parameters(log_energy, mass, model)
    return width * np.sqrt(polygamma(1, shape))


def x_max_pdf(
    depth: ArrayLike, log_energy: ArrayLike, mass: ArrayLike, model: str = "epos-lhc"
) -> Array:
    """The probability density of X_max, in 1/(g/cm²).

    p = λ^λ/(σ Γ(λ)) exp(−λ (z + e^−z)),    z = (x − μ)/σ
    """
    place, width, shape = _parameters(log_energy, mass, model)
    z = (numbers(depth, "the depth") - place) / width
    norm = shape * np.log(shape) - gammaln(shape) - np.log(width)
    return np.exp(norm - shape * (z + np.exp(np.minimum(-z, 700.0))))


def x_max_cdf(
    depth: ArrayLike, log_energy: ArrayLike, mass: ArrayLike, model: str = "epos-lhc"
) -> Array:
    """P(X_max < x) = Q(λ, λ e^−z), Q the regularised upper incomplete gamma function."""
    place, width, shape = _parameters(log_energy, mass, model)
    z = (numbers(depth, "the depth") - place) / width
    return np.asarray(gammaincc(shape, shape * np.exp(np.minimum(-z, 700.0))))


def x_max_quantile(
    u: ArrayLike, log_energy: ArrayLike, mass: ArrayLike, model: str = "epos-lhc"
) -> Array:
    """X_max below which a share u of the showers lies, in g/cm²; of uniform u one X_max for each.

        x = μ − σ ln(Q⁻¹(λ, u)/λ)

    Parameters
    ----------
    u : (…)
        Between 0 and 1, ends excluded.
    log_energy : (…)
        lg(E/eV), 15 … 20.5; the fits were made for 17 … 20, outside there is a warning.
    mass : (…)
        1 … 56.
    model : str
        One of `MODELS`.

    Raises
    ------
    ValueError
        Energies or masses outside, an unknown model, u of 0 or 1.
    """
    place, width, shape = _parameters(log_energy, mass, model)
    share = inside(u, 1e-300, 1 - 1e-16, "the share of the showers")
    return place - width * np.log(gammainccinv(shape, share) / shape)


def photon_maximum(log_energy: ArrayLike) -> tuple[Array, Array]:
    """Mean and spread of X_max of photons above 10^17.5 eV, in g/cm² [M].

        860 + 85 (lg E − 18) up to 18.5, then 110 a decade (LPM effect); spread 70, from 18.5 to
        19.7 rising to 110

    From memory, an order of magnitude only. Above 10^19.7 eV photons convert in the geomagnetic
    field, which is not here: raises ValueError outside lg(E/eV) = 17.5 … 19.7.
    """
    lg = inside(log_energy, 17.5, PHOTONS_CONVERT, "lg(E/eV) of a photon")
    mean = 860 + 85 * (np.minimum(lg, 18.5) - 18) + 110 * np.maximum(lg - 18.5, 0.0)
    return mean, 70 + 40 * np.clip((lg - 18.5) / 1.2, 0.0, 1.0)


def _parameters(log_energy: ArrayLike, mass: ArrayLike, model: str) -> tuple[Array, Array, Array]:
    """μ, σ in g/cm² and λ."""
    table: Gumbel = chosen(model, MODELS, "the hadronic model")
    inside(log_energy, 15.0, 20.5, "lg(E/eV)")
    above = warned(log_energy, 17.0, 20.0, "the distribution of X_max, in lg(E/eV),") - 19.0
    ln_a = np.log(inside(mass, 1.0, 56.0, "the mass number"))

    def of(rows: tuple[Row, ...]) -> Array:
        in_mass = [a0 + a1 * ln_a + a2 * ln_a**2 for a0, a1, a2 in rows]
        return np.asarray(sum(one * above**power for power, one in enumerate(in_mass)))

    return of(table.place), of(table.width), of(table.shape)


# Moments, and the way back to ⟨ln A⟩ --------------------------------------------------------------


class Moments(NamedTuple):
    """Mean (X₀, D, ξ, δ) and variance (p₀, p₁, p₂; a₀, a₁, b) of a hadronic model."""

    mean: tuple[float, float, float, float]
    proton: tuple[float, float, float]
    mass: tuple[float, float, float]


MOMENTS = {
    "epos-lhc": Moments((806.1, 55.6, 0.15, 0.83), (3284, -260, 132), (-0.462, -0.0008, 0.059)),
    "qgsjetii-04": Moments((790.4, 54.4, -0.31, 0.24), (3738, -375, -21), (-0.397, 0.0008, 0.046)),
    "sibyll-2.1": Moments((795.1, 57.7, -0.04, -0.04), (2785, -364, 152), (-0.368, -0.0049, 0.039)),
}
"""P. Abreu et al. (Pierre Auger), JCAP 02 (2013) 026 (arXiv:1301.6637), as in astrotools [V]."""


def moments(log_energy: ArrayLike, mass: ArrayLike, model: str = "epos-lhc") -> tuple[Array, Array]:
    """⟨X_max⟩ and σ by the parametrisation of moments, which is linear in ln A, in g/cm².

        ⟨X⟩ = X₀ + D l + f_E ln A,    f_E = ξ − D/ln 10 + δ l,    l = lg E − 19
        σ² = (p₀ + p₁ l + p₂ l²)(1 + (a₀ + a₁ l) ln A + b ln² A)

    A second opinion on `x_max_mean`: both agree within 6 g/cm² from 18 on. Raises ValueError
    outside lg(E/eV) = 17 … 20.5 and A = 1 … 56.
    """
    proton, slope, variance, a, b = _of_moments(log_energy, model)
    ln_a = np.log(inside(mass, 1.0, 56.0, "the mass number"))
    return proton + slope * ln_a, np.sqrt(variance * (1 + a * ln_a + b * ln_a**2))


def ln_mass(
    mean: ArrayLike, spread: ArrayLike, log_energy: ArrayLike, model: str = "epos-lhc"
) -> tuple[Array, Array]:
    """⟨ln A⟩ and the variance of ln A of a mixture, from its measured ⟨X_max⟩ and σ(X_max).

        ⟨ln A⟩ = (⟨X⟩ − ⟨X⟩_p)/f_E
        σ²_lnA = (σ²_X − σ_p² (1 + a ⟨ln A⟩ + b ⟨ln A⟩²)) / (b σ_p² + f_E²)

    arXiv:1301.6637, eq. 2.10 and 2.11. A negative variance says that the model does not describe
    the data. Raises ValueError as `moments`.

    Examples
    --------
    >>> found, variance = ln_mass(*moments(18.5, 14), 18.5)
    >>> round(float(found), 3), abs(round(float(variance), 3))  # ln 14, one nucleus
    (2.639, 0.0)
    """
    proton, slope, variance, a, b = _of_moments(log_energy, model)
    found = (numbers(mean, "⟨X_max⟩") - proton) / slope
    within = variance * (1 + a * found + b * found**2)
    rest = numbers(spread, "σ(X_max)") ** 2 - within
    return found, rest / (b * variance + slope**2)


def _of_moments(log_energy: ArrayLike, model: str) -> tuple[Array, Array, Array, Array, float]:
    """⟨X⟩_p, f_E, σ_p², a and b."""
    (x0, d, xi, delta), (p0, p1, p2), (a0, a1, b) = chosen(model, MOMENTS, "the hadronic model")
    above = inside(log_energy, 17.0, 20.5, "lg(E/eV)") - 19.0
    slope = xi - d / np.log(10) + delta * above
    variance = p0 + p1 * above + p2 * above**2
    return x0 + d * above, slope, variance, a0 + a1 * above, b
