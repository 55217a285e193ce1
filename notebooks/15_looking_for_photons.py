# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 15. Looking for photons
#
# Among ten thousand cosmic rays of the highest energies there may be a few photons, or none. Nobody has found one. This
# lesson is about such searches: rare signals, few events, and a result that is nearly always a **limit**. The learning
# is the small part of it. The large part is not to fool oneself, and to say afterwards exactly as much as one knows.
#
# **What you will learn**
#
# * efficiencies where hardly anything is left, and their exact intervals; a Q-factor without the counts that are left;
# * weights to nature's spectrum, and how many events they leave;
# * a plan that is fixed before the data are opened; background, exposure, limits by Feldman and Cousins;
# * what happens to 1000 searches with nothing in them if the cut may look at the data;
# * on and off: Li and Ma;
# * what a telescope can see, in units of the Crab nebula.
#
# The photons here come from the simulation's own recipe: one eighth of a proton's muons, and a maximum that lies 100
# to 200 g/cm² deeper. Both numbers are orders of magnitude from memory (`docs/simulate.md`), and of protons and photons
# alike a toy is made. **No limit below is one on the real sky.** The method is the real one.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import os

import numpy as np
from scipy.stats import norm, poisson
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

import baksan as bk
from baksan import metrics, sketch
from baksan.physics.counts import feldman_cousins, li_ma, poisson_limit
from baksan.physics.spectrum import auger
from baksan.reconstruct import hillas
from baksan.reconstruct.array import standard
from baksan.results.search import Search, exposure
from baksan.results.sensitivity import Events, best_cuts, crab, sensitivity
from baksan.results.shares import share
from baksan.results.telescope import area_in_bins, efficiencies
from baksan.results.weights import effective_number, weigh
from baksan.simulate import images
from baksan.simulate.array import Primaries, events, telescope_array
from baksan.simulate.showers import flux, thrown

SMALL = os.environ.get("BAKSAN_SMALL") == "1"  # so the library's tests run this lesson quickly
STEEPEST = np.deg2rad(55)

# %% [markdown]
# ## Photons and protons
#
# We throw both at the array of lessons 12 and 14, flat in $\lg E$, so that each energy has as many to learn from. The
# search will take all showers that the rules call $10^{18.8}$ eV or more.


# %%
LOWEST = 18.8
PHOTONS, PROTONS = Primaries({"gamma": 1}, (18.4, 19.7)), Primaries({"p": 1}, (18.4, 19.9))


def throw(n, primaries, seed):
    """Observables (k, d) and true lg E (k,) of the good showers that seem to have the energy."""
    found = events(n, telescope_array(), primaries, seed)
    found = found.take(found.triggered)
    rules = standard(found)
    columns = rules.table().columns
    good = (rules.flag == 0) & (np.log10(rules.energy) >= LOWEST)
    features = [one.values for one in columns.values() if one.role != "detail"]
    return np.column_stack(features)[good], found.showers.log_energy[good]


N = 4000 if SMALL else 30_000
(x_gamma, lg_gamma), (x_p, lg_p) = throw(N, PHOTONS, 1), throw(N, PROTONS, 2)
x, y = np.concatenate([x_gamma, x_p]), np.repeat([1, 0], [len(x_gamma), len(x_p)])
trees = HistGradientBoostingClassifier(
    max_iter=150, learning_rate=0.06, max_leaf_nodes=12, random_state=0
).fit(x, y)
test_gamma, lg_gamma = throw(N, PHOTONS, 3)
test_p, lg_p = throw(2 * N, PROTONS, 4)
s, b = trees.decision_function(test_gamma), trees.decision_function(test_p)
score, answer = np.concatenate([s, b]), np.repeat([1.0, 0.0], [len(s), len(b)])
print(f"{len(s):,} photons and {len(b):,} protons to test; AUC {metrics.auc(score, answer):.4f}")
for low in (18.8, 19.1, 19.4):
    high = low + 0.3
    some = [(rows[:, 2] >= low) & (rows[:, 2] < high) for rows in (test_gamma, test_p)]
    p, q = s[some[0]], b[some[1]]
    area = metrics.auc(np.concatenate([p, q]), np.repeat([1.0, 0.0], [len(p), len(q)]))
    print(f"  {low:.1f} … {high:.1f}: {area:.4f};"
          f" 50 % of the photons with {share(q >= np.median(p))} protons")  # fmt: skip

# %% [markdown]
# An AUC of 0.96 and more sounds as if all were done. It is of no use here. If one shower in a thousand is a photon, a
# cut that lets one proton in a hundred pass finds ten protons for each photon. What counts is the far corner of the
# ROC curve, with hardly any protons left. And there the first question is: **how many are left?**
#
# ## Hardly any left
#
# An efficiency from counts is binomial, and its interval exact (Clopper and Pearson): at its lower end one would see so
# many or more, at its upper end so many or fewer, with 16 % each (Exercise 15.1). Zero of $n$ is not zero: it is "less
# than $3/n$ at 95 %". The Q-factor $\varepsilon_s/\sqrt{\varepsilon_b}$ wants to know this, too. It grows without bound
# while the last protons run out.

# %%
half = np.random.default_rng(0).random(len(b)) < 0.5
cuts = np.linspace(-4, np.max(s), 400)
of_half, of_other = efficiencies(s, b[half], cuts), efficiencies(s, b[~half], cuts)
with np.errstate(divide="ignore", invalid="ignore"):
    naive = {name: one["signal"] / np.sqrt(one["background"])
             for name, one in (("one half of the protons", of_half), ("the other half", of_other))}  # fmt: skip
figure, (left, right) = sketch.panels(2, 2.9)
for name, colour in (("signal", 0), ("background", 1)):
    left.fill_between(cuts, of_half[f"{name}_low"], of_half[f"{name}_high"], alpha=0.35, lw=0,
                      color=sketch.COLOURS[colour])  # fmt: skip
    left.plot(cuts, np.where(of_half[name] > 0, of_half[name], np.nan), color=sketch.COLOURS[colour],
              label={"signal": "photons", "background": "protons"}[name])  # fmt: skip
left.set_ylim(2e-5, 1.5)
for k, (name, q) in enumerate(naive.items()):
    right.plot(cuts, np.where(np.isfinite(q), q, np.nan), color=sketch.COLOURS[k], label=name)
right.axvline(cuts[np.flatnonzero(np.isfinite(of_half["q"]))[-1]], color=sketch.MUTED, ls="--", lw=0.9,
              label="25 protons left")  # fmt: skip
sketch.finish(left, "cut", "efficiency", log="y")
sketch.finish(right, "cut", "Q")
best = {name: np.nanargmax(np.where(np.isfinite(q), q, np.nan)) for name, q in naive.items()}
for name, k in best.items():
    there = of_half if name.startswith("one") else of_other
    other = of_other if name.startswith("one") else of_half
    print(f"largest Q of {name}: {naive[name][k]:.0f}, with {there['background_left'][k]:.0f} protons"
          f" left; the same cut on the others leaves {other['background_left'][k]:.0f}")  # fmt: skip
k = int(np.nanargmax(of_half["q"]))
print(f"with 25 protons or more: Q = {of_half['q'][k]:.1f} ± {of_half['q_error'][k]:.1f}")
figure

# %% [markdown]
# Two halves of the same protons, and beyond the dashed line two different curves: each is a portrait of its last
# protons. The library therefore gives no Q where fewer than 25 are left, and the counts beside every efficiency. Ask for
# them whenever somebody shows you a Q of 40.
#
# ## Nature's spectrum
#
# Protons come with a spectrum that falls steeply, and most of those that pass are at low energies, where the classifier
# is worst. Weights make nature's protons out of ours; for photons we suppose $E^{-2}$. What they cost is the
# **effective number** $(\sum w)^2/\sum w^2$.

# %%
edges = 10 ** np.array([18.4, 18.8, 19.2, 19.6, 20.0])
E_gamma, E_p = 10**lg_gamma, 10**lg_p
to_auger = weigh(E_p, flux(E_p, "auger"), E_p**-1.0, edges)
to_photons = weigh(E_gamma, E_gamma**-2.0, E_gamma**-1.0, edges)
for name, w, scores in (("protons", to_auger, b), ("photons", to_photons, s)):
    print(f"{len(scores):,} {name} are worth {w.effective_of_all:,.0f}")
for cut in (0.0, 2.0, 4.0):
    passed = b >= cut
    print(f"cut {cut:.0f}: {passed.sum():3} protons pass, worth {effective_number(to_auger.weight[passed]):5.1f};"
          f" of all, unweighted {np.mean(passed):.1e}, weighted {share(passed, to_auger.weight).value:.1e}")  # fmt: skip

# %% [markdown]
# In nature many more protons pass than the test sample would have one believe. A figure without weights is one about
# the simulation's spectrum, which does not exist.
#
# ## The plan
#
# Now the search, as it is done. Before the data are opened, one writes down: the cut; the share of photons that pass;
# how many events without photons are expected to pass; the exposure; the level of confidence. Then everyone can see
# that the cut was not made to fit.
#
# Exposure: 700 km², nine years, zenith angles up to 55°, and 90 % of the time; and of all photons above $10^{19}$ eV
# only those that trigger, have a good fit and *seem* to have $10^{18.8}$ eV are looked at (Telescope Array has so many
# square kilometres and years; the rest is ours).

# %%
above = (19.0, 19.7)
truly = thrown(N, PHOTONS, 3).log_energy  # the same photons, before any trigger
w_truly = 10.0 ** -(truly - above[0])  # E⁻² out of E⁻¹
w_s = np.where(lg_gamma >= above[0], 10.0 ** -(lg_gamma - above[0]), 0.0)
looked_at = w_s.sum() / w_truly[truly >= above[0]].sum()
seen = exposure(700.0, STEEPEST, 1.8 if SMALL else 9.0, share=0.9)  # km² sr yr
E = np.logspace(18.4, 19.9, 2000)
protons_there = seen * np.trapezoid(auger(E), E)  # above 10^18.4 eV, triggered or not
print(f"{looked_at:.0%} of the photons above 10¹⁹ eV are looked at; exposure {seen:,.0f} km² sr yr,"
      f" {protons_there:,.0f} protons above 10^18.4 eV")  # fmt: skip


def w_to_sky(lg, n):
    """Weights that make n thrown protons, flat in lg E, those of this exposure."""
    return (
        auger(10**lg)
        * 10**lg
        * np.log(10)
        * (PROTONS.log_energy[1] - PROTONS.log_energy[0])
        * seen
        / n
    )


w_b = w_to_sky(lg_p, 2 * N)
print(f"expected in the search: {w_b.sum():,.0f} showers")
planned = {cut: Search.plan(b, s, scale=1.0, cut=cut, background_weight=w_b, signal_weight=w_s,
                            exposure=seen * looked_at)
           for cut in ("median", 0.01, 0.003, 0.001, 0.0003)}  # fmt: skip
print(
    "  cut     photons that pass       protons expected (left)      limit to expect [1/(km² sr yr)]"
)
for name, one in planned.items():
    counts = np.arange(60 + int(2 * one.background))
    chance = poisson.pmf(counts, one.background)
    limit = poisson_limit(counts, one.background) / one.photons.value / one.exposure
    print(f"{name!s:8} {one.photons.value:8.3f} ± {(one.photons.high - one.photons.low) / 2:.3f}"
          f" {one.background:16.2f} ± {one.background_error:.2f}  ({one.backgrounds.left:3})"
          f" {chance @ limit:18.2e}")  # fmt: skip

# %% [markdown]
# To choose a cut by what it *should* give is allowed, as often as one likes: it uses the simulation only. Mind the error
# of the expected background, for few protons are left in the simulation, too. The last cut promises the lowest limit,
# on the word of a handful of protons. We take the one before.

# %%
plan = planned[0.001]
print(f"the plan: score ≥ {plan.cut:.3f}, photons {plan.photons}, level {plan.level:.0%}")
print(f"its digest: {plan.digest}")

# %% [markdown]
# The digest is printed, in the article or on the door. Any other cut, efficiency or background would have another one.
# Now the data. This sky is made of protons; a second one has a photon among every 500 showers or so.

# %%
sky, _ = throw(int(protons_there), Primaries({"p": 1}, (18.4, 19.9), index="auger"), 1001)
extra, _ = throw(200, Primaries({"gamma": 1}, (19.0, 19.7), index=2.0), 1002)
extra = extra[: max(4, len(sky) // 500)]
for name, data in (
    ("protons alone", sky),
    (f"with {len(extra)} photons", np.concatenate([sky, extra])),
):
    told = plan.open(trees.decision_function(data))
    print(f"{name}: {told}")
    for shift in (-1, 1):
        background = max(plan.background + shift * plan.background_error, 0.0)
        low, high = feldman_cousins(told.candidates, background, plan.level)
        print(f"   with a background of {background:.2f}: {low:.2f} to {high:.2f} photons")

# %% [markdown]
# Look at the first sky. There is **nothing** in it, and the interval begins above 0: a discovery, at 95 %! Thirteen
# passed where seven were expected. That happens once in thirty searches, which is what 95 % means; nobody announces
# photons at that level. And the seven were 7.2 ± 2.0: with two more of them, the interval begins at 0. The library takes
# the background as known, so that one has to ask. It would be easy now to mend it, with another seed of this lesson, or
# the next cut. That is just what the plan forbids.
#
# **Feldman and Cousins** decide by a rule fixed beforehand whether it is a limit or an interval (Exercise 15.3). The
# classical limit (Exercise 15.2) does not know how to discover. The two differ, and so one says which one it is.
#
# Why not simply $n - b$ and an error $\sqrt n$? Because with 0 events this says $-b \pm 0$. And why does one not choose,
# after looking, between "a limit" and "a measurement"? Because then neither of them covers what it promises. Count it:
# of many experiments, how many intervals hold the truth?

# %%
b_known = 3.0
low, high = feldman_cousins(np.arange(40), b_known, 0.9)
counts = np.arange(40)
naive_low = counts - b_known - 1.645 * np.sqrt(counts)
naive_high = counts - b_known + 1.645 * np.sqrt(counts)
limit = poisson_limit(counts, b_known, 0.9)
flips = counts - b_known > 3 * np.sqrt(b_known)  # "three sigma: a measurement, else a limit"
signals = np.linspace(0, 12, 121)
cover = {"Feldman–Cousins": [], "n − b ± 1.645 √n": [], "limit or measurement, after looking": []}
for signal in signals:
    chance = poisson.pmf(counts, signal + b_known)
    cover["Feldman–Cousins"].append(chance[(low <= signal) & (signal <= high)].sum())
    cover["n − b ± 1.645 √n"].append(chance[(naive_low <= signal) & (signal <= naive_high)].sum())
    inside = np.where(flips, (naive_low <= signal) & (signal <= naive_high), signal <= limit)
    cover["limit or measurement, after looking"].append(chance[inside].sum())
figure = sketch.lines(signals, {**cover, "promised": 0.9}, "true signal, over a background of 3",
                      "share of experiments that cover it", columns=2)  # fmt: skip
figure.axes[0].set_ylim(0.5, 1.01)
for name, row in cover.items():
    print(f"{name:38} {min(row):.2f} at least")
figure

# %% [markdown]
# ## A cut that may look
#
# A colleague does the same search without a plan. He looks at the data with 40 cuts, and reports "the one that does best".
# 1000 searches, with counts drawn from the simulation. First with nothing in them: how often does he find something?
# Then with some photons in the exposure: how often does his limit at 95 % cover their number?

# %%
rng = np.random.default_rng(15)
searches = 200 if SMALL else 1000
some_cuts = np.quantile(s, np.linspace(0.1, 0.9, 40))
n_cuts = len(some_cuts)
epsilon = np.array([share(s >= cut, w_s).value for cut in some_cuts])
expected = np.array([w_b[b >= cut].sum() for cut in some_cuts])
mine = int(np.argmin(np.abs(some_cuts - plan.cut)))


def counted(photons):
    """Events above each of the cuts in so many searches, (searches, cuts)."""
    # Between one cut and the next each count is Poisson's, and what lies above a cut is their sum.
    between = -np.diff(expected, append=0.0) + photons * -np.diff(epsilon, append=0.0)
    return rng.poisson(between, (searches, n_cuts))[:, ::-1].cumsum(axis=1)[:, ::-1]


def limits_of(counts):
    """Photons in the exposure that are excluded at 95 %, (searches, cuts)."""
    each = [poisson_limit(counts[:, k], expected[k]) / epsilon[k] for k in range(n_cuts)]
    return np.array(each).T


empty = counted(0.0)
p_value, nothing = poisson.sf(empty - 1, expected), limits_of(empty)
print("nothing there, something 'found' at 5 %:"
      f" {np.mean(p_value[:, mine] < 0.05):.1%} with the planned cut,"
      f" {np.mean(p_value.min(axis=1) < 0.05):.1%} with the best of {n_cuts}")  # fmt: skip
print(f"mean limit there: {nothing[:, mine].mean():.1f} photons with the planned cut,"
      f" {nothing.min(axis=1).mean():.1f} with the best")  # fmt: skip
many = np.array([5, 10, 15, 20, 25, 30])
limits = [limits_of(counted(float(photons))) for photons in many]
covered = {
    "planned cut": [np.mean(one[:, mine] >= s0) for one, s0 in zip(limits, many, strict=True)],
    "lowest of 40": [np.mean(one.min(axis=1) >= s0) for one, s0 in zip(limits, many, strict=True)],
}
print("photons there               ", *(f"{s0:5d}" for s0 in many))
for name, values in covered.items():
    print(f"limits that cover them, {name:13}", *(f"{100 * v:4.0f}%" for v in values))
figure, (left, right) = sketch.panels(2, 2.7)
bins = np.linspace(0, 1, 21)
left.hist(p_value[:, mine], bins, histtype="step", color=sketch.COLOURS[0], label="planned cut")
left.hist(p_value.min(axis=1), bins, histtype="step", color=sketch.COLOURS[1], label="best of 40")
for k, (name, values) in enumerate(covered.items()):
    right.plot(many, values, "os"[k] + "-", ms=4, color=sketch.COLOURS[k], label=name)
right.axhline(0.95, color=sketch.MUTED, ls="--", lw=0.9)
sketch.finish(left, "p-value, nothing there", "searches")
sketch.finish(right, "photons in the exposure", "limits that cover them")
figure

# %% [markdown]
# The lowest limit of 40 is not one at 95 %: it misses the truth several times as often as it says. Nothing in the
# report would show it: each cut is right by itself. And 40 cuts are few. Networks, seeds, quality cuts, bins
# of energy and "outliers removed by hand" are all choices, and all of them can look.
#
# What helps: the plan before; a part of the data that is burnt for looking, and never used again; or to simulate the
# looking along with the rest, and pay for it.
#
# ## On and off
#
# The background need not come from a simulation. If photons come from a place in the sky, everything beside it is
# background: $N_{on}$ there, $N_{off}$ beside it, with $1/\alpha$ times the exposure. **Li and Ma** ask how much likelier
# the counts are with a source than without (Exercise 15.4). Is their significance a normal number if there is none?

# %%
skies = 20_000
b_on, alpha = 8.0, 0.2
on, off = rng.poisson(b_on, skies), rng.poisson(b_on / alpha, skies)
z = li_ma(on, off, alpha)
simple = (on - alpha * off) / np.sqrt(np.maximum(alpha * off, 1e-9))
figure, (ax,) = sketch.panels(height=2.6)
grid = np.linspace(-4.25, 4.25, 35)
ax.hist(z, grid, density=True, histtype="step", color=sketch.COLOURS[0], label="Li and Ma")
ax.hist(simple, grid, density=True, histtype="step", color=sketch.COLOURS[1], label="(n − b)/√b")
ax.plot(grid, norm.pdf(grid), "--", color=sketch.MUTED, lw=1, label="normal")
sketch.finish(ax, "significance, no source")
print(f"Li and Ma: width {z.std():.2f}, above 3 σ {np.mean(z > 3):.2%}; (n − b)/√b: width"
      f" {simple.std():.2f}, above 3 σ {np.mean(simple > 3):.2%}; normal: {norm.sf(3):.2%}")  # fmt: skip
places = rng.poisson(b_on, (2000, 300)), rng.poisson(b_on / alpha, (2000, 300))
largest = li_ma(*places, alpha).max(axis=1)
print(f"the largest of 300 places: median {np.median(largest):.1f} σ, above 3 σ in"
      f" {np.mean(largest > 3):.0%} of the skies without any source")  # fmt: skip
figure

# %% [markdown]
# One source of 3 σ is rare. The brightest of 300 places has it in a third of all skies. The plan must say *where* one
# looks, or how many places there are.
#
# ## What a telescope can see
#
# At TeV energies photons have been found, from hundreds of sources, by telescopes. There a search is the daily work,
# and its figure of merit is the smallest flux that is seen at 5 σ in 50 hours, in each bin of energy: the
# **sensitivity**, in units of the Crab nebula, the brightest steady source.
#
# Images of gammas and hadrons from the simulation of one telescope; their Hillas parameters; energies and scores by
# trees; the direction from the image alone. Gammas get the weight of the Crab's flux, hadrons that of cosmic rays,
# $9.8\cdot10^{-6}\,(E/\text{TeV})^{-2.62}$/(cm² s sr TeV) (protons, from memory), times area, solid angle and time.

# %%
HOURS, FIELD = 50 * 3600.0, np.deg2rad(1.15)
RADIUS = {True: 200e2, False: 250e2}  # cm: so far from the telescope axes are thrown
INDEX = 1.3  # of dN/dE as thrown: enough images at high energies
n_images = 9000 if SMALL else 60_000


def observed(n, seed):
    """Parameters (k, 8), found direction's angle (rad), gamma or not, true energy in TeV and weight."""
    parts = []
    for block in images.blocks(n, seed, index=INDEX):
        h = hillas.parameters(block.charge, block.camera)
        away = np.hypot(*hillas.direction(h, 1.4))
        E = 10 ** (block.log_energy - 12)
        rows = np.column_stack([np.log10(h.size), h.length, h.width, h.distance, h.skewness,
                                h.leakage, h.islands, h.first / h.size])  # fmt: skip
        seen_well = (h.flag == 0) & (np.deg2rad(away) <= FIELD)
        parts.append((rows, np.deg2rad(away), block.gamma, E, seen_well))
    rows, away, gamma, E, good = (np.concatenate(one) for one in zip(*parts, strict=True))
    solid = np.where(gamma, 1.0, 2 * np.pi * (1 - np.cos(FIELD)))
    area = np.pi * np.where(gamma, RADIUS[True], RADIUS[False]) ** 2
    low = np.where(gamma, 1.0, 4.0) * 10.0 ** (10.4 - 12)  # hadrons have four times the energy
    high = np.where(gamma, 1.0, 4.0) * 10.0 ** (13.5 - 12)
    norm_of = (1 - INDEX) / (high ** (1 - INDEX) - low ** (1 - INDEX))
    density = norm_of * E**-INDEX * np.where(gamma, gamma.sum(), (~gamma).sum())
    of_sky = np.where(gamma, crab(E), 9.8e-6 * E**-2.62)
    return rows, away, gamma, E, of_sky / density * area * solid * HOURS, good


rows, away, gamma, E, w, good = observed(n_images, 7)
learn = good & (np.arange(len(good)) % 3 == 0)
tune, judge = good & (np.arange(len(good)) % 3 == 1), good & (np.arange(len(good)) % 3 == 2)
small_trees = {"max_iter": 120, "learning_rate": 0.06, "max_leaf_nodes": 12, "random_state": 0}
energy_of = HistGradientBoostingRegressor(**small_trees).fit(
    rows[learn & gamma], np.log10(E[learn & gamma])
)
kind_of = HistGradientBoostingClassifier(**small_trees).fit(rows[learn], gamma[learn])
found_energy, gammaness = 10 ** energy_of.predict(rows), kind_of.decision_function(rows)


def as_events(mask):
    """Three times the weight: each third stands for all."""
    return Events(found_energy[mask], gammaness[mask], away[mask], 3 * w[mask])


TeV = np.geomspace(0.1, 10, 4 if SMALL else 6)
cut_grid = best_cuts(as_events(tune & gamma), as_events(tune & ~gamma), TeV, FIELD,
                     containments=(0.3, 0.4, 0.5, 0.6, 0.68))  # fmt: skip
told = sensitivity(as_events(judge & gamma), as_events(judge & ~gamma), cut_grid, FIELD)
on_tuned = sensitivity(as_events(tune & gamma), as_events(tune & ~gamma), cut_grid, FIELD)
collecting = area_in_bins(E[judge & gamma], E[gamma & (np.arange(len(good)) % 3 == 2)], TeV,
                          np.pi * (RADIUS[True] / 100) ** 2)  # fmt: skip
print(
    "TeV           m²      cut on the angle   gammas     background   (rows left)   smallest flux [Crab]"
)
for k in range(len(TeV) - 1):
    print(f"{TeV[k]:4.1f} … {TeV[k + 1]:4.1f} {collecting['value'][k]:9,.0f}"
          f" {np.rad2deg(cut_grid.angle[k]):12.2f}° {told.signal[k]:12,.0f} {told.background[k]:12,.0f}"
          f" {told.signal_left[k]:8.0f}, {told.background_left[k]:.0f} {told.relative[k]:14.3f}"
          f"   ({on_tuned.relative[k]:.3f} on the events of the cuts)")  # fmt: skip
middle = np.sqrt(TeV[1:] * TeV[:-1])
tev2 = middle**2 * 1.602  # TeV to erg
sketch.lines(middle, {"sensitivity, 50 h": told.flux * tev2, "Crab": crab(middle) * tev2,
                      "1 % of it": 0.01 * crab(middle) * tev2},
             "E [TeV]", "E² dN/dE [erg/(cm² s)]", log="xy")  # fmt: skip

# %% [markdown]
# The cuts were chosen on one third of the images and judged on another. On those they were chosen by, the telescope looks
# better in four bins of five, as whatever is tuned does. At low energies hadrons are the limit, at high energies the
# area: there are not even ten gammas to be had. Where the last hadrons are left, more simulation is needed, not another
# cut: `best_cuts` does not look at those that leave fewer than 25.
#
# ## Questions
#
# 1. No proton of 3000 passes. Which background do you expect in 30,000 data events? Which do you write into the plan?
# 2. Background photons are expected at 2.0 ± 1.5. The limits above take it as known. In which direction are they wrong?
# 3. Nature has helium and iron among the protons. Does a plan with protons alone expect too much or too little? What
#    does that do to a limit of Feldman and Cousins, and to the classical one?
# 4. 0 events are seen where 3 are expected, and the limit by Feldman and Cousins is lower than with an expectation of
#    0. Did the worse detector do the better search?
# 5. Someone finds 4 σ, having tried 30 networks. What would you ask for?
# 6. The energy of a photon is found too low by a quarter. What happens to a limit on the flux above $10^{19}$ eV?
# 7. Twice the time: how much lower is a limit without background, with much background? And the sensitivity of a
#    telescope at 0.2 TeV, at 8 TeV?
#
# ## Exercises
#
# They check themselves: write the function, run the cell, read the hints. (Or in a file: `baksan check 15.1`.)

# %% [markdown]
# ### Exercise 15.1. How efficient, exactly?
#
# Of `events` events `left` pass a cut. Return the ends of the central interval of Clopper and
# Pearson for the efficiency: at the lower end P(≥ left) is (1 − level)/2, and at the upper
# one P(≤ left) is; 0 below where none passes, 1 above where all do. Right to six digits.


# %%
def exact_interval(left, events, level):
    raise NotImplementedError


bk.check("15.1", exact_interval)

# %% [markdown]
# ### Exercise 15.2. An upper limit
#
# `n` events were counted where `background` are expected without a signal. Return the signal
# s at which P(≤ n | s + b)/P(≤ n | b) is 1 − `level`, P being Poisson's sums with these
# means: the largest that is not excluded. Right to six digits.


# %%
def upper_limit(n, background, level):
    raise NotImplementedError


bk.check("15.2", upper_limit)

# %% [markdown]
# ### Exercise 15.3. Which counts are allowed?
#
# A signal of the mean s lies upon a known background b. Feldman and Cousins let numbers n
# into the belt in the order of R = P(n | s + b)/P(n | max(n, b)), the largest first, until
# their probability under s + b is `level` or more. They are neighbours: return the lowest
# and the highest. (No n above 100 ever comes in; without background n^n is 1 at n = 0.)


# %%
def allowed_counts(s, b, level):
    raise NotImplementedError


bk.check("15.3", allowed_counts)

# %% [markdown]
# ### Exercise 15.4. On and off
#
# `on` events were counted on a source, `off` beside it, (n,) each, where the exposure on the
# source is `alpha` times that beside it. Return the significances of Li and Ma, (n,):
# √2 (N_on ln((1 + α)/α · N_on/N) + N_off ln((1 + α) N_off/N))^½ with N = N_on + N_off, and
# the sign of N_on − α N_off. Either number may be 0, not both.


# %%
def significance(on, off, alpha):
    raise NotImplementedError


bk.check("15.4", significance)

# %% [markdown]
# ## Projects
#
# Larger, and without a check. After each stands what you should find, about; not how.
#
# 1. **A background that is not known.** Let the true background differ from the planned 7.0 by a normal number of 0, 15,
#    30 and 50 %, and count how often the interval of Feldman and Cousins at 95 % covers 0, 5 and 15 photons.
#    You should find 97, 96 and 95 %; 96, 94 and 95 %; 93, 92 and 93 %; and 89, 84 and 90 %. A background known to 15 %
#    is known; one known to a half makes three times as many "discoveries" on an empty sky.
# 2. **Nature is not made of protons.** How many helium, nitrogen and iron showers pass the planned cut, if the whole
#    exposure were made of them? And of the mixture "ultra-high", of EPOS-LHC, of protons with 1.3 times the muons?
#    You should find one or none of each nucleus, where 7 to 10 protons pass; 5 ± 4 of the mixture; 8 ± 4 with EPOS-LHC;
#    and 4 ± 3 with more muons. (30,000 thrown showers each. For better numbers throw more.) A plan with protons expects
#    too much: its classical limit is still good, that of Feldman and Cousins becomes too low.
# 3. **How many choices?** In how many empty searches is the best of 1, 2, 5, 10, 20, 40 and 200 cuts "significant" at
#    5 %?
#    You should find 3, 5, 12, 21, 28, 31 and 38 %: neighbouring cuts count nearly the same events, so that 200 of them
#    are not much worse than 20.
# 4. **How energetic was it?** Compare the energy by rules with the true one for photons of $10^{18.6}$, $10^{18.9}$,
#    $10^{19.2}$ and $10^{19.5}$ eV.
#    You should find medians of 0.75, 0.68, 0.64 and 0.55 of the truth. A cut on the energy by rules is another cut for
#    photons than for protons; therefore the plan counted which photons are looked at.
