"""A search for photons: cut and background fixed before the data are opened, then limits."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from baksan.metrics.checks import numbers, weights
from baksan.metrics.regression import quantiles
from baksan.physics.counts import feldman_cousins, flat_aperture, poisson_limit
from baksan.results.shares import Share, share

Array = NDArray[Any]

__all__ = ["Found", "Search", "exposure"]


class Found(NamedTuple):
    """What the opened data say, at the level of confidence of the plan.

    `low`, `high` are the interval of Feldman and Cousins for the mean number of photons that pass
    the cut, `classical` the Poisson limit on it; `flux_limit` high/(ε · exposure), NaN without an
    exposure, and `fraction_limit` high/(ε · events), of photons among all events. `classical_flux`
    is the flux limit from `classical`.
    """

    candidates: int
    events: int
    background: float
    low: float
    high: float
    classical: float
    flux_limit: float
    classical_flux: float
    fraction_limit: float
    level: float
    digest: str

    def __str__(self) -> str:
        flux = f" The flux is below {self.flux_limit:.3g}." if np.isfinite(self.flux_limit) else ""
        return (
            f"{self.candidates} of {self.events} events pass, {self.background:.3g} are expected"
            f" without photons: {self.low:.2f} to {self.high:.2f} photons (Feldman–Cousins), fewer"
            f" than {self.classical:.2f} (Poisson), below {self.fraction_limit:.2e} of all events,"
            f" at {self.level:.0%}.{flux} Plan {self.digest[:12]}."
        )


@dataclass(frozen=True)
class Search:
    """A plan that cannot be changed: `Search.plan` makes it, `open` looks at the data once.

    `digest` is the SHA-256 of its numbers: quote it before the data are opened.
    """

    cut: float
    photons: Share
    backgrounds: Share
    background: float
    background_error: float
    exposure: float
    level: float

    @classmethod
    def plan(
        cls,
        background_scores: ArrayLike,
        signal_scores: ArrayLike,
        *,
        scale: float,
        cut: str | float = "median",
        background_weight: ArrayLike | None = None,
        signal_weight: ArrayLike | None = None,
        exposure: float = float("nan"),
        level: float = 0.95,
    ) -> Search:
        """The cut, its efficiencies, and the background that it leaves in the data.

            b = scale Σ w [score ≥ cut],    δb = scale √(Σ w² [score ≥ cut])

        Parameters
        ----------
        background_scores, signal_scores : (n,), (m,)
            Of simulated events, or of a burnt sample of data for the background; higher is more
            like a photon.
        scale : float
            How many events of the search one background event of weight 1 stands for: events
            expected over Σ w; of a burnt sample the events left over those burnt.
        cut : 'median' or float
            Half of the photons pass (the convention of arXiv:1811.03920 [M]); or the share of the
            background that may pass, in 0 … 1.
        background_weight, signal_weight : optional
            0 or more, to the spectra of nature.
        exposure : float, optional
            Area × solid angle × time, without the efficiency of the cut; see `exposure`.
        level : float
            Of confidence.

        Raises
        ------
        ValueError
            No events, negative weights, a cut that is neither, a scale not above 0.

        Examples
        --------
        >>> plan = Search.plan(np.linspace(0, 1, 3001), np.linspace(0.8, 1.8, 101), scale=0.1)
        >>> plan.cut, plan.background
        (1.3, 0.0)
        >>> print(plan.backgrounds)
        no event of 3,001 passes: below 1.0e-03 at 95 %
        """
        b, v = _checked(background_scores, background_weight, "background")
        s, w = _checked(signal_scores, signal_weight, "signal")
        if not 0 < scale < np.inf or not 0 < level < 1:
            raise ValueError(
                f"a plan needs a scale above 0 and a level in 0 … 1; {scale:g} and {level:g} came."
                " Divide the events of the search by those of the background."
            )
        at = _cut(cut, b, v, s, w)
        passed = v * (b >= at)
        return cls(
            at,
            share(s >= at, w),
            share(b >= at, v),
            float(scale * passed.sum()),
            float(scale * np.sqrt(passed @ passed)),
            float(exposure),
            float(level),
        )

    def to_json(self) -> str:
        """The numbers of the plan with their digest, to be written down."""
        told = asdict(self)
        told["exposure"] = None if np.isnan(self.exposure) else self.exposure
        for part in ("photons", "backgrounds"):
            told[part] = getattr(self, part)._asdict()
            told[part]["limit"] = None if np.isnan(told[part]["limit"]) else told[part]["limit"]
        return json.dumps({"plan": told, "sha256": self.digest}, indent=1)

    @classmethod
    def from_json(cls, path: Path | str) -> Search:
        """The plan in a file of `to_json`.

        Raises ValueError where the file holds no plan, or one that was changed after its digest was
        made.
        """
        try:
            held = json.loads(Path(path).read_text(encoding="utf-8"))
            told, digest = dict(held["plan"]), held["sha256"]
            shares = {
                part: Share(**{**told[part], "limit": _number(told[part]["limit"])})
                for part in ("photons", "backgrounds")
            }
            found = cls(**{**told, **shares, "exposure": _number(told["exposure"])})
            same = found.digest == digest
        except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise ValueError(
                f"{path} must hold the plan of a search, as baksan results plan writes it; it does"
                " not. Make a plan first."
            ) from None
        if not same:
            raise ValueError(
                f"{path}: a plan must not change once it is made; its numbers are not those of its"
                f" SHA-256 {digest}. Take the plan as it was written, or make a new one and say so."
            )
        return found

    @property
    def digest(self) -> str:
        """SHA-256 of all numbers of the plan, as 64 hexadecimal digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def open(self, data_scores: ArrayLike) -> Found:
        """Counts the candidates, and says what follows; nothing of the plan can change any more.

            N_up/(ε · exposure)

        The background and the efficiency count as known: quote the limit for ε and b moved by their
        errors as systematics. Raises ValueError for scores that are not finite, or none; for an
        efficiency of 0.
        """
        score, _ = _checked(data_scores, None, "data")
        if not self.photons.value > 0:
            raise ValueError(
                f"a limit needs a cut that photons pass; {self.photons}. Plan a looser cut."
            )
        n = int(np.sum(score >= self.cut))
        low, high = (float(x) for x in feldman_cousins(n, self.background, self.level))
        classical = float(poisson_limit(n, self.background, self.level))
        seen = self.photons.value * self.exposure
        return Found(
            n, len(score), self.background, low, high, classical, high / seen, classical / seen,
            high / (self.photons.value * len(score)), self.level, self.digest,
        )  # fmt: skip


def exposure(area: float, highest: float, time: float, *, share: float = 1.0) -> float:
    """A π sin²θ_max t share, of a flat array that is fully efficient, in area × sr × time.

    `share` is what quality cuts and dead time leave; `highest` the largest zenith angle, in rad.
    Raises ValueError for angles outside 0 … π/2, a time not above 0, a share outside 0 … 1.

    Examples
    --------
    >>> round(exposure(700.0, np.deg2rad(60), 9.0, share=0.9))  # km² sr yr
    13360
    """
    if not 0 < time < np.inf or not 0 < share <= 1:
        raise ValueError(
            f"an exposure needs a time above 0 and a share in 0 … 1; {time:g} and {share:g} came."
            " Count the time in years or seconds, the share as 0.9."
        )
    return flat_aperture(area, highest) * time * share


def _number(value: float | None) -> float:
    """JSON knows no NaN."""
    return float("nan") if value is None else value


def _checked(scores: ArrayLike, weight: ArrayLike | None, what: str) -> tuple[Array, Array]:
    s = numbers(scores, f"the {what} scores").astype(float)
    if s.ndim != 1:
        raise ValueError(
            f"the {what} scores must be one number an event; their shape is {s.shape}. Give the"
            " column of the photons."
        )
    w = weights(weight, len(s))
    if w.min() < 0:
        raise ValueError(
            f"weights of the {what} must be 0 or more; {w.min():g} came. Leave such events out."
        )
    return s, w


def _cut(cut: str | float, b: Array, v: Array, s: Array, w: Array) -> float:
    if cut == "median":
        return float(quantiles(s, [0.5], w)[0])
    if isinstance(cut, str) or not 0 < cut < 1:
        raise ValueError(
            f"a cut is 'median' or the share of the background that may pass, in 0 … 1; {cut!r}"
            " came. Take 'median' or 1e-3."
        )
    order = np.argsort(-b, kind="stable")
    ranked, passing = b[order], np.cumsum(v[order])
    ends = np.append(ranked[1:] != ranked[:-1], True)
    fine = np.flatnonzero(ends & (passing <= cut * v.sum() * (1 + 1e-12)))
    return float(ranked[fine[-1]]) if len(fine) else float(np.nextafter(ranked[0], np.inf))
