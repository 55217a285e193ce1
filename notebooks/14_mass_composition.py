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
# # 14. What cosmic rays are made of
#
# Protons, helium, nitrogen, iron: what arrives tells of what accelerates it, and how far it came. Nobody sees the
# nucleus. One sees its shower, and those of different nuclei overlap. This lesson goes from a classifier that is often
# wrong to fractions of primaries with errors that are right, and to the mean of $\ln A$, the number that such an
# experiment publishes. Half of the lesson is about errors, for they are what one fools oneself with.
#
# **What you will learn**
#
# * what the signals on the ground know of the mass; a confusion matrix;
# * why counted labels are not a composition, and how the training shows in them;
# * how to go back: a response, the maximum of the likelihood, and what the inverse matrix does instead;
# * pulls over 200 experiments; statistical error, method error, and the price of labels;
# * $\langle\ln A\rangle$ against energy, between the lines of protons and iron;
# * the depth of the maximum, and what a hadronic model makes of it;
# * trained with one model, tested on another: the error that no event can make smaller;
# * what is in the signals, and what is not.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import os

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

import baksan as bk
from baksan import metrics, sketch
from baksan.physics import depth_of_maximum
from baksan.reconstruct.array import standard
from baksan.results.composition import LINES, ln_mass_from_depth, ln_mass_from_fractions
from baksan.results.cross_model import cross_model, fraction_figure, mass_bias, predicted
from baksan.results.response import response
from baksan.results.unfolding import fraction_error, unfold, unfold_scores
from baksan.results.weights import weigh
from baksan.simulate.array import Primaries, events, telescope_array
from baksan.simulate.showers import flux

SMALL = os.environ.get("BAKSAN_SMALL") == "1"  # so the library's tests run this lesson quickly
NAMES = ("p", "He", "N", "Fe")
ALIKE = dict.fromkeys(NAMES, 1.0)

# %% [markdown]
# ## Four nuclei on an array
#
# Showers of $10^{18.8}$ to $10^{19.4}$ eV on 81 stations like those of Telescope Array, and the observables of the
# standard reconstruction (lesson 12). Three samples that share no shower: one to **train** on, one to learn how the
# trained classifier **responds**, and one that plays **nature**. Confusing the first two is the most common mistake of
# the trade.


# %%
def throw(n, seed, shares=ALIKE, log_energy=(18.8, 19.4), **settings):
    """Observables (n, d), the number of the primary (n,), and the events, of good fits alone."""
    some = Primaries(shares, log_energy, zenith=(0, np.deg2rad(45)), **settings)
    found = events(n, telescope_array(), some, seed)
    found = found.take(found.triggered)
    rules = standard(found)
    good = rules.flag == 0
    columns = rules.table().columns.values()
    features = [column.values for column in columns if column.role != "detail"]
    found = found.take(good)
    number = np.array([NAMES.index(name) for name in found.showers.names])
    return np.column_stack(features)[good], number[found.showers.kind], found


def forest(x, y, weight=None):
    """Boosted trees, small ones."""
    trees = HistGradientBoostingClassifier(
        max_iter=120, learning_rate=0.06, max_leaf_nodes=12, random_state=0
    )
    return trees.fit(x, y, sample_weight=weight)


N = 3000 if SMALL else 30_000
x, y, thrown = throw(N, 1)
x_sim, y_sim, sim = throw(N, 2)
observables = [name for name, one in standard(thrown.take(np.arange(5))).table().columns.items()
               if one.role != "detail"]  # fmt: skip
print(f"{len(x):,} to train, {len(x_sim):,} for the response:", *observables)

# %% [markdown]
# First without any learning: of all pairs of a proton and an iron shower, in how many does one observable alone put
# them in the right order (the AUC; 0.5 says nothing)?

# %%
ends = (y == 0) | (y == 3)
areas = {name: metrics.auc(column[ends], (y[ends] == 3).astype(float))
         for name, column in zip(observables, x.T, strict=True)}  # fmt: skip
truths = {"depth of maximum (truth)": thrown.showers.x_max, "muons (truth)": thrown.showers.muons}
for name, column in truths.items():
    areas[name] = metrics.auc(column[ends], (y[ends] == 3).astype(float))
far = {name: abs(area - 0.5) + 0.5 for name, area in areas.items()}
sketch.bars(dict(sorted(far.items(), key=lambda item: -item[1])), "AUC, protons against iron")

# %% [markdown]
# The shower knows its nucleus well: depth and muons nearly tell iron from protons one by one. The stations know it
# only by hearsay. Signals far from the axis hold a bit of the muons, the front a bit of the depth. Together:


# %%
def matrix_in(ax, M, title):
    ax.imshow(M, cmap="Blues", vmin=0, vmax=1)
    for j in range(4):
        for k in range(4):
            ink = "white" if M[j, k] > 0.5 else sketch.INK
            ax.text(k, j, f"{M[j, k]:.2f}", ha="center", va="center", color=ink, fontsize=8)
    ax.set_xticks(range(4), NAMES)
    ax.set_yticks(range(4), NAMES)
    sketch.finish(ax, "true", "called", title)


trees = forest(x, y)
label = trees.predict(x_sim)
own = response(y_sim, label, NAMES)
figure, (ax,) = sketch.panels(height=3.0)
matrix_in(ax, own.matrix, "P(called | true): columns sum to 1")
print(f"{np.mean(label == y_sim):.1%} are called by their name; guessing has 25 %")
figure

# %% [markdown]
# Not even two of five are right. Helium and nitrogen are hardly ever called so, since whoever is unsure does better
# with one of the ends.
#
# ## A label is not a composition
#
# Now nature: 40 % protons, 30 % helium, 20 % nitrogen, 10 % iron. Let us count labels. And let us count those of a
# second classifier, the same trees on the same showers, only that iron had weight 3 in its training and protons 1/3.

# %%
made_of = np.array([0.4, 0.3, 0.2, 0.1])
nature = dict(zip(NAMES, made_of, strict=True))
x_sky, y_sky, sky = throw(2000 if SMALL else 5000, 3, nature)
much_iron = np.array([1 / 3, 1.0, 1.0, 3.0])[y]


def shares(what, numbers):
    print(f"{what:24}", *(f"{n:7.2f}" for n in np.asarray(numbers) / np.sum(numbers)))


print(" " * 24, *(f"{name:>7}" for name in NAMES))
shares("nature", np.bincount(y_sky, minlength=4))
shares("trained on equal parts", np.bincount(trees.predict(x_sky), minlength=4))
shares("trained on much iron", np.bincount(forest(x, y, much_iron).predict(x_sky), minlength=4))

# %% [markdown]
# The counted protons nearly vanish, and iron is counted twice as often, with the same data. What one counts is a
# mixture of nature and of the training. Nor would a better cut help: a label answers "what is this one most likely,
# *if the world is as in my training*?"
#
# What does not depend on the training is the sum
#
# $$ \langle n_j\rangle = N \sum_k M_{jk} f_k, \qquad M_{jk} = P(\text{called } j\,|\,\text{true } k), $$
#
# for a column of $M$ is about one kind of nucleus, however many of them there are. Each classifier has its own $M$. So
# look for the $f$ that makes the counts most likely, under $f_k \ge 0$ and $\sum f_k = 1$:
#
# $$ \ln L = \sum_j n_j \ln \sum_k M_{jk} f_k . $$

# %%
found = unfold(np.bincount(trees.predict(x_sky), minlength=4), own)
print(f"condition number {found.condition:.0f}")
print(found)

# %% [markdown]
# Errors far larger than 1 say: **nothing is known**. The condition number says why. Look at the matrix again: each
# column is nearly a mixture of the first and the last. Four labels, but one number behind them, from light to heavy.
# An honest method tells. The counts of labels did not.
#
# ## Muons, then
#
# Buried counters would help. Our stand-in: the true number of muons, measured to 15 %, beside the other observables.


# %%
def with_more(rows, found, depth_error=None, muon_error=None, seed=7):
    """Observables with a smeared depth, or smeared muons, beside them."""
    draw = np.random.default_rng(seed)
    more = [rows]
    if depth_error:
        usual = depth_of_maximum.x_max_mean(rows[:, lg_column].clip(18, 20), 1.0, "qgsjetii-04")
        more.append(found.showers.x_max + draw.normal(0, depth_error, len(rows)) - usual)
    if muon_error:
        more.append(found.showers.muons * np.exp(draw.normal(0, muon_error, len(rows))))
    return np.column_stack(more)


lg_column = observables.index("log_energy_standard")
m, m_sim, m_sky = (with_more(rows, of, muon_error=0.15, seed=k)
                   for k, (rows, of) in enumerate(((x, thrown), (x_sim, sim), (x_sky, sky))))  # fmt: skip
figure, axes = sketch.panels(2, 3.0)
trained = {"trained on equal parts": None, "trained on much iron": much_iron}
for ax, (name, weight) in zip(axes, trained.items(), strict=True):
    one = forest(m, y, weight)
    label_m = one.predict(m_sim)
    M = response(y_sim, label_m, NAMES)
    matrix_in(ax, M.matrix, name)
    n = np.bincount(one.predict(m_sky), minlength=4)
    print(f"{name}: {np.mean(label_m == y_sim):.1%} right; counted",
          *(f"{c:.2f}" for c in n / n.sum()))  # fmt: skip
    found = unfold(n, M)
    print(f"condition number {found.condition:.0f}", found, "", sep="\n")
    if weight is None:
        by_muons, labels_m, own_m, counted = one, label_m, M, n
figure

# %% [markdown]
# The counts of the two differ as before. But unfolded they say the same, and nature lies within one and a half of the
# errors. (All four are off together: if nitrogen comes out too low, its neighbours are too high.) The second one is less
# sure of nitrogen and iron, having thrown them into one pot. Unfolding does not make a classifier better, it makes it
# **honest**. (How the likelihood climbs: Exercise 14.2.)
#
# ## What the inverse matrix does
#
# Why not solve $n = N M f$ by $f = M^{-1} n / N$? Because $n$ is not its mean. What is alike in $M$ is far apart in
# $M^{-1}$: it blows up the noise of the counts by the condition number. Repeat the experiment 1000 times:

# %%
rng = np.random.default_rng(14)
inverse = np.linalg.inv(own_m.matrix)
drawn = rng.multinomial(2000, own_m.matrix @ made_of, 1000)
solved = drawn @ inverse.T / 2000
likely = np.array([unfold(n, own_m.matrix).fractions for n in drawn[: 50 if SMALL else 400]])
print("fractions by M⁻¹   ", *(f"{name}: {m:.2f} ± {s:.2f} " for name, m, s in
                               zip(NAMES, solved.mean(axis=0), solved.std(axis=0), strict=True)))  # fmt: skip
print("by the likelihood  ", *(f"{name}: {m:.2f} ± {s:.2f} " for name, m, s in
                               zip(NAMES, likely.mean(axis=0), likely.std(axis=0), strict=True)))  # fmt: skip
print(f"M⁻¹ has a negative fraction in {np.mean(solved.min(axis=1) < 0):.0%} of the experiments")
figure, (left, right) = sketch.panels(2, 2.9, sharex=True, sharey=True)
for ax, values, title in ((left, solved, "M⁻¹"), (right, likely, "maximum of the likelihood")):
    ax.plot(values[:, 1], values[:, 2], ".", ms=3, alpha=0.6, color=sketch.COLOURS[0])
    ax.plot(*made_of[1:3], "x", color=sketch.COLOURS[1], mew=2, label="nature")
    ax.axhline(0, color=sketch.MUTED, lw=0.8)
    ax.axvline(0, color=sketch.MUTED, lw=0.8)
    sketch.finish(ax, "fraction of helium", "fraction of nitrogen", title)
figure

# %% [markdown]
# $M^{-1}$ is right on the average, and in a third of the experiments it says what cannot be. (Of stations alone: in all
# but one of a hundred, with fractions of ± 10.) The likelihood stays where fractions live. That costs something, too:
# at the edge it is biased, and no longer normal. Anything else would need data that are not there.
#
# ## Are the errors right?
#
# The curvature of $\ln L$ gives a covariance. Draw 200 experiments of 5000 showers and look at the pulls
# $(\hat f_k - f_k)/\sigma_k$: mean 0 and width 1, or else. Once with the muons, and once with the stations alone.


# %%
def pulls_of(M, fractions, n, experiments):
    """(f̂ − f)/σ of so many experiments of n events, (experiments, K)."""
    told = [unfold(row, M) for row in rng.multinomial(n, M @ fractions, experiments)]
    return np.array([(one.fractions - fractions) / one.error for one in told])


experiments = 60 if SMALL else 200
pulls = {"with muons": own_m.matrix, "stations alone": own.matrix}
pulls = {name: pulls_of(M, made_of, 5000, experiments) for name, M in pulls.items()}
figure, axes = sketch.panels(2, 2.7)
edges, z = np.linspace(-4, 4, 33), np.linspace(-4, 4, 200)
for ax, (name, values) in zip(axes, pulls.items(), strict=True):
    ax.hist(values[:, 0], edges, density=True, histtype="step", color=sketch.COLOURS[0])
    ax.plot(z, np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), "--", color=sketch.MUTED, lw=1)
    sketch.finish(ax, "pull of the protons", "", name)
    for k, kind in enumerate(NAMES):
        print(f"{name:15} {kind:3} mean {values[:, k].mean():+.2f} ±"
              f" {values[:, k].std() / np.sqrt(experiments):.2f}, width {values[:, k].std():.2f}")  # fmt: skip
figure

# %% [markdown]
# With muons the errors are right. With the stations alone the pulls are nearly 0: the error bar is longer than the
# whole range from 0 to 1, and the fractions lean on the edges. An error bar that is far too long is wrong, too. There
# one quotes an interval, or a combination that *is* known (it comes below).
#
# But there is a trap left. In these experiments nature used *our* $M$. In truth $M$ comes from a simulation of finite
# size, and ours has its own dice. `unfold` draws the simulation anew, and calls what moves the **method error**:

# %%
few = np.concatenate([np.flatnonzero(y_sim == k)[: 60 if SMALL else 250] for k in range(4)])
for rows in (few, np.arange(len(y_sim))):
    print(f"response from {len(rows):,} showers")
    print(unfold(counted, response(y_sim[rows], labels_m[rows], NAMES)))

# %% [markdown]
# With a small simulation the method error is the larger one. Simulate some ten times more showers than there are in
# the data, and it may be forgotten.
#
# ## What a label throws away
#
# A shower that is called a proton with 0.9 and one with 0.4 count the same. If the classifier gives probabilities, and
# was trained with shares $\pi_k$, then $p(x|k) \propto P(k|x)/\pi_k$ up to a factor of each event, and
#
# $$ \ln L = \sum_i \ln \sum_k f_k\, p(x_i|k) $$
#
# needs no labels. The number to compare by is the mean $|\hat f - f|$ over many mixtures of 5000 events each.


# %%
def error_without_labels(p, truth, prior, events=5000, mixtures=20, seed=0):
    """Mean |f̂ − f| and its error over mixtures, of events drawn from a simulation with truth."""
    draw = np.random.default_rng(seed)
    of = [np.flatnonzero(truth == k) for k in range(4)]
    off = []
    for f in draw.dirichlet(np.ones(4), mixtures):
        parts = zip(of, draw.multinomial(events, f), strict=True)
        rows = np.concatenate([draw.choice(mine, m) for mine, m in parts])
        off.append(np.abs(unfold_scores(p[rows] / prior).fractions - f).mean())
    return np.mean(off), np.std(off) / np.sqrt(mixtures)


mixtures = 8 if SMALL else 60
prior = np.bincount(y) / len(y)
for name, M, p in (("stations alone", own, trees.predict_proba(x_sim)),
                   ("with muons", own_m, by_muons.predict_proba(m_sim))):  # fmt: skip
    by_labels = fraction_error(M, mixtures=mixtures)
    by_scores = error_without_labels(p, y_sim, prior, mixtures=mixtures)
    print(f"{name:15} mean error of a fraction, by labels: {by_labels.mean:.3f} ± {by_labels.error:.3f},"
          f" by probabilities: {by_scores[0]:.3f} ± {by_scores[1]:.3f}")  # fmt: skip

# %% [markdown]
# Probabilities take a third off the error, as much as twice the data would. (The price: they must be calibrated, lesson
# 10, and there is no method error.)
#
# ## $\langle\ln A\rangle$ against energy
#
# Back to the stations alone. Their four fractions are unknown, but one number behind them is known, from light to
# heavy. It is nearly the mean of $\ln A$. The errors of the fractions are **anticorrelated**: if helium is too high,
# protons and nitrogen are too low, and $\langle\ln A\rangle = \sum f_k \ln A_k$ hardly notices. (Exercise 14.3.)
#
# A made-up nature: Auger's spectrum, and shares of p, He, N, Fe that change with energy in the way that Auger's
# depths suggest (`ultra_high_fractions`, a stand-in, not a measurement). The response is needed *in each bin of
# reconstructed energy*, with nature's spectrum inside of the bin, since showers migrate between bins. The simulation
# was thrown flat in $\lg E$, so it gets weights. They cost events, and one looks how many.

# %%
lg_edges = np.array([18.6, 18.8, 19.0, 19.2, 19.4, 19.6])
wide = (18.2, 19.9)
x_wide, y_wide, _ = throw(N, 4, log_energy=wide)
x_mc, y_mc, mc = throw(N if SMALL else 2 * N, 5, log_energy=wide)
true_energy = 10**mc.showers.log_energy
weights = weigh(true_energy, flux(true_energy, "auger"), true_energy**-1.0, 10**lg_edges)
for low, rows, left in zip(lg_edges, weights.count, weights.effective, strict=False):
    print(f"lg E from {low:.1f}: {rows:,} showers thrown are worth {left:,.0f}")
print(f"at all energies {len(x_mc):,} are worth {weights.effective_of_all:,.0f}")
x_real, y_real, real = throw(
    6000 if SMALL else 60_000, 6, "ultra-high", (18.4, 19.9), index="auger"
)

# %%
classes = forest(x_wide, y_wide)
called_mc, called_real = classes.predict(x_mc), classes.predict(x_real)
bin_mc, bin_real = (np.digitize(rows[:, lg_column], lg_edges) - 1 for rows in (x_mc, x_real))
log_mass = np.log([1, 4, 14, 56])
points, true_points, true_variance = [], [], []
for b in range(5):
    here = bin_mc == b
    M = response(y_mc[here], called_mc[here], NAMES, weights.weight[here])
    one = unfold(np.bincount(called_real[bin_real == b], minlength=4), M, replicas=50)
    told = ln_mass_from_fractions(one.fractions, one.covariance, NAMES)
    points.append((told.mean, told.error, np.sqrt(np.sum(one.error**2 * log_mass**2))))
    true_points.append(log_mass[y_real[bin_real == b]].mean())
    true_variance.append(log_mass[y_real[bin_real == b]].var())
    print(f"lg E from {lg_edges[b]:.1f}: {np.sum(bin_real == b):6,} showers, ⟨ln A⟩ = {told.mean:.2f}"
          f" ± {told.error:.2f} (± {points[-1][2]:.2f} without the covariance),"
          f" true {true_points[-1]:.2f}")  # fmt: skip

# %% [markdown]
# The second way that a telescope gives: the depth of the maximum of the light. Our stand-in takes the true depth of
# one shower in ten, smeared by 20 g/cm². A hadronic model says which mean depth belongs to which $\ln A$:
#
# $$ \langle\ln A\rangle = \frac{\langle X_{max}\rangle - \langle X_{max}\rangle_p}{f_E} . $$
#
# This nature was made with QGSJetII-04. Nobody knows with what the other one is made.

# %%
tenth = np.arange(0, len(x_real), 10 if not SMALL else 2)
depth = real.showers.x_max[tenth] + rng.normal(0, 20, len(tenth))
lg_telescope = real.showers.log_energy[tenth]
middle = (lg_edges[1:] + lg_edges[:-1]) / 2
figure, (ax,) = sketch.panels(height=3.2)
for name, value in LINES.items():
    ax.axhline(value, color=sketch.MUTED, lw=0.8)
    ax.text(19.61, value, name, va="center", fontsize=8, color=sketch.INK)
ax.plot(middle, true_points, "k_", ms=16, label="true")
mean, error, _ = np.array(points).T
ax.errorbar(middle, mean, error, fmt="o", ms=4, color=sketch.COLOURS[0], label="stations, unfolded")
by_model = {}
for k, model in enumerate(("qgsjetii-04", "epos-lhc", "sibyll-2.1")):
    by_model[model] = told = ln_mass_from_depth(depth, lg_telescope, lg_edges, model, resolution=20)
    ax.errorbar(middle + 0.015 * (k + 1), told["mean"], told["error"], fmt="sD^"[k], ms=3.5,
                color=sketch.COLOURS[k + 1], label=f"depth, {model}")  # fmt: skip
    print(f"{model:13}", *(f"{v:5.2f} ± {e:.2f} " for v, e in
                           zip(told["mean"], told["error"], strict=True)))  # fmt: skip
    print("   variance  ", *(f"{v:5.2f} ± {e:.2f} " for v, e in
                            zip(told["variance"], told["variance_error"], strict=True)))  # fmt: skip
print("true variance", *(f"{v:5.2f}       " for v in true_variance))
ax.set(xlim=(18.58, 19.72), ylim=(-0.6, 5.6))
sketch.finish(ax, "lg E/eV", "⟨ln A⟩")
figure

# %% [markdown]
# All see the rise. The stations know $\langle\ln A\rangle$ to 0.05 … 0.3, where each single fraction had an error of
# several, as long as nature is like the simulation. The depths, read by three models, lie 0.6 to 0.7 apart, the same
# data: up to **nine times the error bar**, and no number of events will change that. Even two parametrisations of one
# model, that which threw the showers and that which reads the depths, differ by up to 6 g/cm², a quarter in $\ln A$.
#
# The variance of $\ln A$ tells a pure beam from a mixture. It hangs on the model still more.
#
# ## Trained with one model, tested on another
#
# The stations have the same trouble. Models differ in the depth and in the number of muons. We take three stand-ins:
# depths of QGSJetII-04, EPOS-LHC and Sibyll 2.1, with 1, 1.07 and 0.87 times the muons. A regression of $\ln A$ and a
# classifier are trained with each and tested on all. On the diagonal stands what a paper would like to quote.

# %%
models = {"qgsjetii-04": 1.0, "epos-lhc": 1.07, "sibyll-2.1": 0.87}
learned, asked, tested, answers, fits = {}, {}, {}, {}, {}
n_model = 2500 if SMALL else 15_000
for k, (model, factor) in enumerate(models.items()):
    x_a, y_a, _ = throw(n_model, 30 + k, model=model, muon_factor=factor)
    x_b, y_b, _ = throw(n_model, 40 + k, model=model, muon_factor=factor)
    fits[model] = forest(x_a, y_a)
    deeper = HistGradientBoostingRegressor(max_iter=120, learning_rate=0.06, max_leaf_nodes=12,
                                           random_state=0).fit(x_a, log_mass[y_a])  # fmt: skip
    learned[model] = deeper.predict
    tested[model], answers[model] = x_b, y_b
x_cal = {model: throw(n_model, 50 + k, model=model, muon_factor=factor)
         for k, (model, factor) in enumerate(models.items())}  # fmt: skip
masses = {model: log_mass[number] for model, number in answers.items()}
bias = cross_model(predicted(learned, tested), masses, mass_bias, replicas=50)
print("⟨ln A⟩ found minus true, by a regression\n", bias, sep="")


def unfolded_bias(M):
    """⟨ln A⟩ found minus true, where labels are unfolded with the response of the training."""
    return lambda called, truth: float(
        log_mass @ unfold(np.bincount(called, minlength=4), M.matrix).fractions
        - log_mass[truth].mean()
    )


calls = predicted({model: one.predict for model, one in fits.items()}, tested)
responses = {model: response(x_cal[model][1], fits[model].predict(x_cal[model][0]), NAMES)
             for model in models}  # fmt: skip
unfolded = cross_model(calls, answers, {name: unfolded_bias(M) for name, M in responses.items()},
                       replicas=20)  # fmt: skip
print("\n⟨ln A⟩ found minus true, unfolded from labels\n", unfolded, sep="")
figures = {model: fraction_figure(M) for model, M in responses.items()}
table = cross_model(calls, answers, figures, replicas=4 if SMALL else 10)
print("\nmean error of a fraction, unfolded from labels\n", table, sep="")
print(f"\nsystematic error of ⟨ln A⟩: {bias.systematic:.2f} by regression, {unfolded.systematic:.2f}"
      f" unfolded; of a fraction: {table.systematic:.2f}")  # fmt: skip

# %% [markdown]
# Look down the columns: the data are the same there, and the training differs. A model with more muons in the training
# makes nature look lighter, one with fewer makes it heavier. The largest difference to the diagonal is the systematic
# error to quote: 0.4 for stations, unfolded. (Telescope Array found $\langle\ln A\rangle = 2.0 \pm 0.1 \pm 0.44$ by its
# stations, arXiv:1808.03680. The second error is ours, by chance to the digit.)
#
# The regression claims five times less. It is no better: it is drawn to the middle of its training, so that it moves
# little with the model, *because it moves little with the mass*. A systematic error counts in units of what the
# method would see. And all fractions are so unsure here that the model hardly shows in their error.
#
# The table is one of *these three* models. Auger counts 1.4 to 1.5 times the muons of its models. A nature with muons
# that no model has lies outside of every table. What would happen?

# %%
print(f"p, He, N, Fe like 4:3:2:1, ⟨ln A⟩ = {log_mass @ made_of:.2f}; analysed with QGSJetII-04")
for factor in (0.9, 1.0, 1.1, 1.3):
    x_new, _, _ = throw(n_model, 60, nature, muon_factor=factor)
    one = unfold(np.bincount(trees.predict(x_new), minlength=4), own, replicas=20)
    told = ln_mass_from_fractions(one.fractions, one.covariance, NAMES)
    print(f"muons × {factor:.1f}: ⟨ln A⟩ = {told.mean:.2f}")

# %% [markdown]
# Ten percent of the muons are worth 0.2 in $\langle\ln A\rangle$, thirty 0.6, and nothing in the fit complains.
#
# ## What is in the signals, and what is not
#
# Last, the same trees with more to look at: a depth measured to 40 g/cm² (networks on waveforms of water tanks do
# about that), to 20 (telescopes), and muons counted to 15 % (buried detectors). All are the truth, smeared: stand-ins
# for better detectors.


# %%
detectors = {
    "stations": {},
    "+ depth to 40 g/cm²": {"depth_error": 40},
    "+ depth to 20 g/cm²": {"depth_error": 20},
    "+ muons to 15 %": {"muon_error": 0.15},
    "+ muons and depth to 20": {"depth_error": 20, "muon_error": 0.15},
}
gain = {}
print("                            right   condition   error of a fraction: labels   probabilities")
for name, more in detectors.items():
    x_train, x_test = with_more(x, thrown, **more), with_more(x_sim, sim, **more, seed=8)
    one = forest(x_train, y)
    M = response(y_sim, one.predict(x_test), NAMES)
    of_labels = fraction_error(M, mixtures=mixtures)
    of_scores = error_without_labels(one.predict_proba(x_test), y_sim, prior, mixtures=mixtures)
    gain[name] = of_scores[0]
    print(f"{name:26} {np.mean(one.predict(x_test) == y_sim):7.1%} {np.linalg.cond(M.matrix):11.1f}"
          f" {of_labels.mean:20.3f} ± {of_labels.error:.3f} {of_scores[0]:8.3f} ± {of_scores[1]:.3f}")  # fmt: skip
sketch.bars(gain, "mean error of a fraction of p, He, N, Fe, from 5000 showers")

# %% [markdown]
# Even the best of them calls little more than half of the showers by their name, and yet measures fractions to two
# percent. The overlap of single showers is nature's: two protons differ more than a proton and helium on the average.
# What is **in** the signals of surface stations is the difference between light and heavy, for many events and with a
# good response. What is **not** in them is the name of a shower, helium beside nitrogen, and the hadronic model.
# Better learning helps with the first. With the second only another detector does, and with the third only physics.
#
# ## Questions
#
# 1. The labels of a classifier say 30 % protons, in the training and in the data. Are 30 % of the data protons?
# 2. Which response do you need if the trigger loses a third of the iron showers in a bin of energy, and none of the
#    protons? And where do you correct for it?
# 3. Why may the response not be measured with the showers of the training?
# 4. Two classes look exactly alike. What do $M$, $M^{-1}$, the likelihood and its maximum look like?
# 5. Silicon is in nature, but not in the training. Where do its showers go? Which figure would notice?
# 6. The elongation rate of two models is the same, their depths differ by 15 g/cm². What can be said about
#    $\langle\ln A\rangle$ that does not depend on the model?
# 7. Ten models are tried, and nine agree within 0.1. Is the systematic error 0.1?
#
# ## Exercises
#
# They check themselves: write the function, run the cell, read the hints. (Or in a file: `baksan check 14.1`.)

# %% [markdown]
# ### Exercise 14.1. What is called what
#
# `truth` and `called` are whole numbers from 0 to `classes` − 1, (n,) each: what simulated
# showers are, and what a classifier calls them. Return M, (classes, classes): in row j and
# column k the share of the showers of kind k that are called j. There are some of each kind.


# %%
def response_matrix(truth, called, classes):
    raise NotImplementedError


bk.check("14.1", response_matrix)

# %% [markdown]
# ### Exercise 14.2. Fractions from counts
#
# `counts` (m,) showers of the data are called 0 … m − 1; `matrix` (m, k) is the response, no
# entry of which is 0. Return the k fractions, 0 or more and with the sum 1, for which
# Σ_j n_j ln Σ_k M_jk f_k is largest, to four digits. (EM climbs there from equal fractions:
# f_k ← f_k Σ_j (n_j/N) M_jk/Σ_m M_jm f_m, a few thousand times.)


# %%
def likeliest_fractions(counts, matrix):
    raise NotImplementedError


bk.check("14.2", likeliest_fractions)

# %% [markdown]
# ### Exercise 14.3. The mean of ln A
#
# `fractions` (k,) of nuclei of the mass numbers `masses` (k,) have the covariance matrix
# `covariance`, (k, k). Return the mean of ln A, and its error.


# %%
def mean_ln_mass(fractions, covariance, masses):
    raise NotImplementedError


bk.check("14.3", mean_ln_mass)

# %% [markdown]
# ### Exercise 14.4. What the selection took
#
# `fractions` (k,) of k kinds were found among the showers that pass a selection; of kind k
# the share `efficiency`[k] passes, above 0. Return the fractions before the selection, (k,).


# %%
def before_selection(fractions, efficiency):
    raise NotImplementedError


bk.check("14.4", before_selection)

# %% [markdown]
# ## Projects
#
# Larger, and without a check. After each stands what you should find, about; not how.
#
# 1. **What is light?** Merge the labels to light (p, He) and heavy (N, Fe), and unfold nature with a response of two
#    classes: from the simulation as it is, half of each group one nucleus and half the other, and with weights like
#    nature's.
#    You should find 0.77 ± 0.02 light by stations and 0.76 ± 0.01 with muons, and 0.72 by both with the weights;
#    true are 0.70. A column of $M$ is about one nucleus only if there is but one in it.
# 2. **A nucleus that nobody trained on.** Throw silicon alone (`{"Si": 1}`), and unfold it with muons.
#    You should find nitrogen and iron half and half, no protons and no helium, and $\langle\ln A\rangle = 3.4$, where
#    ln 28 = 3.3. The mean takes no harm.
# 3. **How many showers?** Take the counts $N M f$ exactly as expected of nature, for $N$ = 500, 5000, 50,000 and
#    500,000 showers with muons, and look at the three errors.
#    You should find 0.20, 0.06, 0.02 and 0.006 for the fraction of protons, a method error of 0.03 for all of them, and
#    0.14, 0.04, 0.014 and 0.004 for $\langle\ln A\rangle$. Beyond some 20,000 the simulation is what is missing.
# 4. **An array that counts muons.** The same at the knee, with `simulate.kascade` and `reconstruct.kascade`, from
#    $10^{15.5}$ to $10^{16.5}$ eV below 30°: p, He, N, Fe, 20,000 showers to train and as many for the response.
#    You should find 80 % called by their name, a condition number of 2, and an error of a fraction of 0.007 by labels.
#    By probabilities it is 0.02: these trees are too sure, and labels forgive that.
