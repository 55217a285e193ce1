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
# # 6c. Tables as they come
#
# So far every table was clean: numbers everywhere, each measured, each of weight one. Nobody ever sends you
# such a table. The one of this lesson comes in a format that you did not choose, with −999 where a fit failed
# and −1 where a counter was off, with a column of text, with a column that knows the answer, and in the end
# with weights below zero.
#
# **What you will learn**
#
# * the same table in five formats, and what each of them forgets;
# * how to find marks such as −999, and what a fit does if nobody does;
# * leaving out or filling in: when leaving out makes the answer wrong;
# * text as a feature, and a text that training never saw;
# * the methods as scikit-learn estimators, in pipelines and grid searches;
# * a column that gives the answer away, and columns that the catalogue forbids;
# * weights of either sign: the signal without its background, event by event.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import os
import tempfile
from pathlib import Path

import numpy as np

import baksan as bk
from baksan import losses, sketch

SMALL = os.environ.get("BAKSAN_SMALL") == "1"  # so the library's tests run this lesson quickly
EVENTS = 1500 if SMALL else 6000
HERE = Path(tempfile.mkdtemp(prefix="tables-"))  # a new folder each time; it may be deleted

# %% [markdown]
# ## The table
#
# Stations on the ground record air showers, and telescopes see some of them from the side. Each row is a
# shower:
#
# * `signal`, in units of what one vertical muon leaves (VEM), and its `rise` time; `zenith` angle; the number of
#   `muons` in a buried counter; the kind of `detector`;
# * `depth`, where the shower was largest: only the telescopes see that. (Brought to one energy.)
# * `lgE`, the logarithm of the energy in eV, and the `primary`, proton or iron: only a simulation knows it.
#
# **A toy**: its dependences are simpler than nature's, and some are stronger.


# %%
def showers(n, seed, detectors=("scintillator", "tank")):
    """A table of n showers."""
    rng = np.random.default_rng(seed)
    lgE = rng.normal(18.5, 0.35, n)  # weak ones do not trigger, strong ones are rare
    iron = rng.random(n) < 0.5
    zenith = np.degrees(np.arcsin(np.sqrt(rng.uniform(0, 0.75, n))))
    detector = rng.choice(detectors, n)
    slant = 1 / np.cos(np.radians(zenith)) - 1  # more air to go through
    lg_signal = lgE - 17 - 0.5 * slant - 0.2 * (detector == "scintillator")
    lg_signal += 0.13 * rng.normal(size=n)
    muons = rng.poisson(12 * 10 ** (0.9 * (lgE - 18)) * np.where(iron, 1.5, 1.0))
    rise = 200 + 150 * (lgE - 18.5) + 25 * rng.normal(size=n)
    depth = np.where(iron, rng.normal(680, 28, n), rng.normal(760, 50, n))
    failed = rng.random(n) < 1 / (1 + np.exp((lgE - 18.3) / 0.05))  # weak showers, mostly
    off = rng.random(n) < 0.1  # at any time
    return bk.Table(
        {
            "event": np.arange(1, n + 1),
            "run": np.where(iron, 100, 0) + rng.integers(1, 60, n),
            "detector": detector,
            "signal": bk.Column(10**lg_signal, "VEM", "at 1000 m from the core"),
            "zenith": bk.Column(zenith, "deg"),
            "rise": bk.Column(
                np.where(failed, -999, rise.round(1)), "ns", "10 to 50 % of the signal"
            ),
            "muons": np.where(off, -1, muons),
            "depth": bk.Column(depth, "g cm-2", "of the maximum"),
            "lgE": lgE,
            "primary": np.where(iron, "iron", "proton"),
        },
        source="showers",
    )


table = showers(EVENTS, seed=1)
table

# %% [markdown]
# ## One table, five files
#
# `bk.data.write` takes the format from the ending of the name, and says what the format cannot keep.

# %%
for ending in ("csv", "parquet", "json", "sqlite", "ecsv"):
    written = bk.data.write(table, HERE / f"station.{ending}")
    back = bk.read(written.path)
    same = all(np.array_equal(back[name], table[name]) for name in table.names)
    print(f"{ending:8} {written.path.stat().st_size / 1e3:5.0f} kB  {'the same' if same else 'other'}"
          f" numbers, signal in {back.column('signal').unit or '?'}")  # fmt: skip
    for note in written.notes:
        print("         ", note)

# %% [markdown]
# All give back each number to the last bit. They differ in what they know *about* the numbers. CSV has the
# units in its header; JSON and SQLite have no place for them, and a file that you send in one of these needs
# a letter beside it. Parquet and ECSV keep everything: ECSV for people, since it is text, Parquet for computers.
#
# What makes a file Parquet is its content; the name plays no part. Below that, how CSV and ECSV begin:

# %%
odd = HERE / "station.csv.txt"
odd.write_bytes((HERE / "station.parquet").read_bytes())
print(bk.data.format_of(odd))
for line in (HERE / "station.csv").read_text().splitlines()[:2]:
    print(line)
for line in (HERE / "station.ecsv").read_text().splitlines()[:8]:
    print(line)

# %% [markdown]
# `bk.data.convert` takes a file to another, and perhaps only some of its rows and columns. (On the command line
# `baksan data convert`.)

# %%
print(bk.data.convert(
    HERE / "station.parquet", HERE / "strong.csv",
    columns="event, lgS = log10(signal), zenith", where="signal > 100",
))  # fmt: skip

# %% [markdown]
# ## Marks: numbers that are none
#
# From here on we have only the file.

# %%
station = bk.read(HERE / "station.parquet")
print(bk.describe(station).text())

# %% [markdown]
# `describe` looks for −999 and its kin where they stand apart from all other values, and for −1 below numbers
# that begin at 0. It asks, and does not decide: −999 could be a charge. Look at the line of `rise`: its lowest value
# and its histogram show it to the eye, too; its median does not.
#
# ### What if nobody notices?
#
# A line through all points, for the energy from the rise time:

# %%
naive = station.samples(answer="lgE", features=["rise"])
clean = bk.read(HERE / "station.parquet", marks=[-999, -1])
known = clean.samples(answer="lgE", features=["rise"])
print(*clean.notes, *known.notes, sep="\n")

lines = {
    "−999 taken for a time": bk.fit(bk.Linear(), naive, losses.squared, bk.Analytic()),
    "−999 known as a mark": bk.fit(bk.Linear(), known, losses.squared, bk.Analytic()),
}
for name, found in lines.items():
    print(f"{name}: {1000 * found.model.weights[0]:.3f} ± {1000 * found.errors()[1]:.3f} per µs")

# %%
figure, axes = sketch.panels(2, 2.9, sharey=True)
for ax, low, high in zip(axes, (-1060, 50), (600, 550), strict=True):
    ax.plot(naive.x[:, 0], naive.answers, ".", ms=1.5, color=sketch.MUTED, alpha=0.5)
    ends = np.array([low, high])
    for (name, found), colour in zip(lines.items(), sketch.COLOURS[1::-1], strict=True):
        label = name if ax is axes[0] else None
        ax.plot(ends, found.model(ends[:, None]), color=colour, lw=1.6, label=label)
    ax.set(xlim=(low, high), ylim=(17.1, 19.9))
sketch.finish(axes[0], "rise time [ns]", "lg (E / eV)", title="all points")
sketch.finish(axes[1], "rise time [ns]", title="the right end of it")
figure

# %% [markdown]
# Left: the line that takes −999 for a time leans on the pillar of points there, a thousand nanoseconds from all
# others, and no longer cares for the slope of the cloud. Right: in the cloud, where all real times are, it is
# nearly flat. No error, no warning, solved exactly; the error bar of its slope is *smaller* than that of the
# other line.
#
# `marks=` holds for all columns alike. Where −1 is a value like any other in one of them, declare −999 alone,
# and turn the −1 of the muons into NaN yourself: `station.with_columns({"muons": …})`.
#
# ## Leaving out, or filling in
#
# Now the gaps are known. By default an event that lacks a feature is left out and counted: nearly a third! With
# `impute=True` it is kept, and the model fills in: `bk.Imputed(model)` puts the median of the training events
# in place of what is missing, and adds a feature that is 1 where it was missing and 0 elsewhere, the
# **indicator**.

# %%
FEATURES = ["lgS = log10(signal)", "sec = 1/cos(zenith[rad])", "rise", "detector"]


def samples(table, features=FEATURES, answer="lgE", **settings):
    more, names = bk.data.derive(table, features)
    return more.samples(answer=answer, features=names, id="event", **settings)


left = samples(clean)
filled = samples(clean, impute=True)
print(f"{len(left):,} events or {len(filled):,}")
out = bk.fit(bk.Linear(), left, losses.squared, bk.Analytic())
kept = bk.fit(bk.Imputed(bk.Linear()), filled, losses.squared, bk.Analytic())
names = kept.model.names(filled.names)
for name, weight, error in zip(names, kept.model.of.weights, kept.errors()[1:], strict=True):
    print(f"{name:28} {weight:+.4f} ± {error:.4f}")

# %% [markdown]
# The indicator weighs: a shower without rise time is lower in lg E by 0.2 than one with the median rise time
# and the same signal. *That* a fit failed tells something.
#
# The other way to be complete is to leave out the column. Let us compare three, on new showers: rows left out,
# the column left out, filled in. The first can predict only what is complete (left picture). To see what it has
# learned, we also fit a line without rise times to its events alone (right picture).

# %%
new = showers(EVENTS, seed=2).unmarked([-999, -1])
later = samples(new, impute=True)
complete = ~np.isnan(later.x[:, 2])
plain = [FEATURES[0], FEATURES[1], FEATURES[3]]
fewer = {
    "rows left out": samples(clean.take(~clean.column("rise").missing), plain),
    "column left out": samples(clean, plain),
}
told = {}
for name, X in fewer.items():
    found = bk.fit(bk.Linear(), X, losses.squared, bk.Analytic())
    told[name] = found.model(samples(new, plain).x)
told["filled in"] = kept.model(later.x)
for name, values in told.items():
    off = values - later.answers
    print(f"{name:16} bias {off.mean():+.3f}, root mean square {np.sqrt(np.mean(off**2)):.3f}")

# %%
ORANGE, BLUE, BROWN = sketch.COLOURS[1], sketch.COLOURS[0], sketch.COLOURS[3]
figure, (left_ax, right_ax) = sketch.panels(2, 3.0)
spectra = {
    "truth": (later.answers, sketch.INK),
    "rows left out": (out.model(later.x[complete]), ORANGE),
    "filled in": (told["filled in"], BLUE),
}
edges = np.linspace(17.3, 19.8, 26)
for name, (values, colour) in spectra.items():
    left_ax.stairs(np.histogram(values, edges)[0], edges, color=colour, lw=1.4, label=name)
sketch.finish(left_ax, "lg (E / eV), predicted", "showers", title="the spectrum")

edges = np.linspace(0.4, 2.2, 10)
place = np.digitize(later.x[:, 0], edges)
for (name, values), colour in zip(told.items(), (ORANGE, BROWN, BLUE), strict=True):
    off = [(values - later.answers)[place == k] for k in range(1, len(edges))]
    mean, error = np.array([(d.mean(), d.std() / np.sqrt(len(d))) for d in off]).T
    centre = (edges[1:] + edges[:-1]) / 2
    right_ax.errorbar(centre, mean, error, fmt="o-", ms=3.5, lw=1, color=colour, label=name)
right_ax.axhline(0, color=sketch.MUTED, lw=0.8)
sketch.finish(right_ax, "lg (signal / VEM)", "mean of lg E, predicted − true", title="bias")
figure

# %% [markdown]
# Left: with rows left out the spectrum breaks off below lg E = 18.4, and a break in a spectrum is what people
# write papers about. Filled in, it is whole, with a dent where the rise times set in: an indicator shifts a
# line and does not bend it. Right: of all showers with a weak *signal*, those that have a rise time are the
# ones of higher *energy*; a line that has seen only these takes every weak signal for more energy than it was.
#
# Leaving out the column is unbiased here, and less exact: the rise time is worth having. What to do depends on
# *why* something is missing:
#
# * at any time, by chance (our counter of muons): leaving out costs events, no more;
# * for reasons that stand in the other columns: leaving out biases what is summed over events, filling in is sound;
# * for reasons that only the missing value or the answer knows (our rise time): nothing is sound by itself, and the
#   indicator is the least that one owes the model. (D. B. Rubin, Biometrika 63 (1976) 581.)
#
# **Figures of merit of samples that were left out and of samples that were filled in cannot be compared**: they
# are not about the same events.
#
# ## Text
#
# In the fits above `detector`, a column of text, was named among the features and became two indicators, one
# for each text. (Text that nobody names is no feature.) The two together say the same as the intercept, so that
# many weights give the same predictions; `fit` takes the smallest, and says so in its `message`: a scintillator
# stands as far above as a tank below. What does the model say of a text that it never saw? Here is the whole
# job from the command line, as you would do it with a file of your own. (`%run -m baksan` is `baksan` in a
# terminal.)

# %%
later_file = HERE / "later.csv"
bk.data.write(showers(1000, seed=3, detectors=("tank", "radio")), later_file)
train = f"train {HERE}/station.parquet --answer lgE --id event --mark -999 --mark -1 --impute"
train += " -f 'lgS=log10(signal)' -f 'sec=1/cos(zenith[rad])' -f rise -f detector"
train += f" --method linear-analytic --no-report --threads 1 --out {HERE}/run"
apply = f"apply {HERE}/run/models/linear-analytic.baksan {later_file} --out {HERE}/told.parquet"

# %%
# %run -m baksan $train

# %%
# %run -m baksan $apply

# %%
truth, told_later = bk.read(later_file), bk.read(HERE / "told.parquet")
for kind in ("tank", "radio"):
    off = (told_later["prediction"] - truth["lgE"])[truth["detector"] == kind]
    strange = told_later["outside_training_range"][truth["detector"] == kind]
    error = off.std() / np.sqrt(len(off))
    print(f"{kind:5} {strange.mean():4.0%} marked, bias {off.mean():+.3f} ± {error:.3f}")

# %% [markdown]
# An antenna has no indicator: for the line it is something half-way between a tank and a scintillator, and
# since these antennas answer as the tanks do, they come out too high. No model can know better; it can *say*
# so. `apply` counts these events and marks each in `outside_training_range`. The model file remembers the marks
# and the formulas of its training, too: it was given a raw file, with −999 in it. (That is so for a model that
# `baksan train` made. One trained in Python on Samples never heard of marks or of the column's texts: read its new
# events with the same `marks=`.)
#
# ## The same methods in scikit-learn
#
# From energies to classes: proton or iron? The muons tell, for a given signal. `bk.LinearClassifier` is our
# line as an estimator of scikit-learn. Is it the same as in `bk.train`? With the same folds, to the last bit:

# %%
from sklearn.impute import SimpleImputer
from sklearn.model_selection import (
    GridSearchCV,
    PredefinedSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

MUONS = ["lgN = log10(muons)", "lgS = log10(signal)", "sec = 1/cos(zenith[rad])", "detector"]
X = samples(clean, MUONS, answer="primary", signal="iron")
ours = bk.train(X, ["linear-gd"], folds=5, threads=1, replicas=100)
folds = PredefinedSplit(X.fold_numbers(5, seed=0))
theirs = cross_val_predict(bk.LinearClassifier(), X.x, X.y, cv=folds, method="predict_proba")
apart = np.abs(theirs - ours.predictions["linear-gd"].probability).max()
scores = cross_val_score(bk.LinearClassifier(), X.x, X.y, cv=folds, scoring="roc_auc")
print(f"largest difference of the probabilities: {apart}")
print(f"AUC of each fold {scores.round(3)}, their mean {scores.mean():.4f}")
pooled = ours.evaluation.value("linear-gd", "auc")
print(f"AUC of all events, put together from the folds: {pooled:.4f}")

# %% [markdown]
# (The last two differ a little: the one compares irons with protons of the same fold alone.)
#
# In a **pipeline** stands before the line what a line lacks: curves, and something to put into the gaps.
# `Imputed` in scikit-learn's words is `SimpleImputer` with `add_indicator`. It must stand *in* the pipeline:
# there it is trained with it, on the training events of each fold. Medians of all events would let test events
# in. A **grid search** tries settings by cross-validation.

# %%
Y = samples(clean, MUONS, answer="primary", signal="iron", impute=True)
pipeline = make_pipeline(
    SimpleImputer(strategy="median", add_indicator=True),
    PolynomialFeatures(include_bias=False),
    bk.LinearClassifier(),
)
grid = {
    "polynomialfeatures__degree": [1, 2],
    "linearclassifier__penalty": [bk.L2(0.1), bk.L2(0.01), bk.L2(0.001)],
}
search = GridSearchCV(pipeline, grid, scoring="roc_auc", cv=3).fit(Y.x, Y.y)
results = search.cv_results_
for tried, auc in zip(results["params"], results["mean_test_score"], strict=True):
    degree, penalty = tried["polynomialfeatures__degree"], tried["linearclassifier__penalty"]
    print(f"degree {degree}, {penalty}: AUC {auc:.4f}")

# %% [markdown]
# The AUC is lower than above, and nothing is worse: a tenth of these events have no count of muons, and were
# not asked above. Degree 2 brings the products, too: the indicator times the signal *bends* the line where the
# muons are missing. And the best of six looks a little too good, since it was chosen by that number.
#
# ## A column that gives the answer away
#
# Ask `describe` again, and name the answer.

# %%
print(*bk.describe(clean, answer="primary").warnings, sep="\n")
for features in (MUONS, [*MUONS, "run"], [*MUONS, "depth"]):
    found = samples(clean, features, answer="primary", signal="iron")
    fisher = bk.LinearClassifier("analytic", "squared_margin")  # lesson 4; it needs no steps
    auc = cross_val_score(fisher, found.x, found.y, cv=3, scoring="roc_auc").mean()
    more = f"and {features[-1]}" if features != MUONS else "alone"
    print(f"the array's features {more}: AUC {auc:.4f}")

# %% [markdown]
# Protons and iron were simulated in runs of their own, and the number of the run tells which is which: AUC 1,
# and worth nothing, since real showers were not simulated in any run. `describe` finds a column that tells all
# by itself. It cannot find the other kind: `depth` is an honest quantity and helps very much, but most showers
# are not seen by any telescope. *Will a new event have it?* is a question to you, not to the table.
#
# For known data sets somebody has asked already. An entry of the catalogue has a list of **forbidden** columns,
# with reasons:

# %%
fact = bk.data.entry("fact-gamma")
for column in ("corsika_run", "run_id", "pointing_position_az", "length"):
    print(f"{column:20} {fact.reason(column) or 'allowed'}")

# %%
try:
    bk.load("fact-gamma").samples(["length", "width", "pointing_position_az"])
except FileNotFoundError as error:
    print(f"Skipped. {error}")
except ValueError as error:
    print(error)

# %% [markdown]
# ## Weights of either sign
#
# Last, nature. There is no column `primary` in real data, but `depth` tells protons from iron in the mean, in
# the showers that a telescope has seen. How many muons do *protons* have, at a given signal? A cut on the depth
# would leave iron among them. **sPlot** (Pivk and Le Diberder, Nucl. Instrum. Meth. A 555 (2005) 356) gives
# each event a weight instead. Let $f_p(d)$ and $f_i(d)$ be the densities of the depth, known from simulation,
# and $N_p$, $N_i$ the numbers of either kind, from a fit. With
#
# $$V^{-1}_{ab} = \sum_\text{events} \frac{f_a f_b}{(N_p f_p + N_i f_i)^2}, \qquad
# w_p = \frac{V_{pp} f_p + V_{pi} f_i}{N_p f_p + N_i f_i},$$
#
# any histogram weighted by $w_p$ is, in the mean, that of the protons. One condition: within each kind the
# histogram's quantity must not depend on the depth. (In our toy it does not; in nature it does a little.)


# %%
def normal(d, centre, spread):
    return np.exp(-0.5 * ((d - centre) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))


def sweights(f):
    """The numbers of either kind, (2,), and their weights (2, n), from the densities f (2, n)."""
    number = np.full(2, f.shape[1] / 2)
    for _ in range(200):  # the likelihood fit: each event goes to either kind by its share
        number = (number[:, None] * f / (number @ f)).sum(axis=1)
    total = number @ f
    return number, np.linalg.inv((f / total**2) @ f.T) @ f / total


seen = new.take(~new.column("muons").missing)
densities = [normal(seen["depth"], 760, 50), normal(seen["depth"], 680, 28)]
number, weights = sweights(np.array(densities))
proton = seen["primary"] == "proton"  # which nobody knows; for comparison only
seen = seen.with_columns({"w": weights[0]})
print(f"protons: {number[0]:,.0f} by the fit, {proton.sum():,} in truth")
print(*bk.describe(seen, weight="w").notes[-2:], sep="\n")

# %%
figure, (top, bottom) = sketch.panels(1, 4.4, nrows=2, sharex=True, height_ratios=[3, 2])
edges, grid = np.linspace(570, 930, 37), np.linspace(570, 930, 200)
top.stairs(np.histogram(seen["depth"], edges)[0], edges, color=sketch.INK, label="showers")
shapes = {"protons": (normal(grid, 760, 50), BLUE), "iron": (normal(grid, 680, 28), ORANGE)}
for n, (name, (density, colour)) in zip(number, shapes.items(), strict=True):
    top.plot(grid, 10 * n * density, color=colour, label=f"{name}, by the fit")
sketch.finish(top, "", "showers in 10 g/cm²")
order = np.argsort(seen["depth"])
bottom.plot(seen["depth"][order], seen["w"][order], color=BLUE)
bottom.axhline(0, color=sketch.MUTED, lw=0.8)
sketch.finish(bottom, "depth of the maximum [g/cm²]", "weight of a proton")
figure

# %% [markdown]
# Above: two humps, and the fit of their numbers. Below: the weight is more than 1 where there are protons only,
# and **negative** where iron prevails: it takes off the iron that stands, with weights above 0, in the middle.
# A tenth of the weight is negative, and 5,400 showers are worth 1,900: Kish's effective number
# $(\sum w)^2 / \sum w^2$, fewer than there are protons. So much costs it not to know which they are.

# %%
ratio = np.log10(seen["muons"] / seen["signal"])
edges = np.linspace(-0.4, 1.2, 25)
figure, (ax,) = sketch.panels()
ax.stairs(np.histogram(ratio, edges)[0], edges, color=sketch.INK, label="all showers")
ax.stairs(np.histogram(ratio[proton], edges)[0], edges, color=BLUE, label="protons in truth")
sums = np.histogram(ratio, edges, weights=seen["w"])[0]
errors = np.sqrt(np.histogram(ratio, edges, weights=seen["w"] ** 2)[0])
centre = (edges[1:] + edges[:-1]) / 2
ax.errorbar(centre, sums, errors, fmt="o", ms=3, color=ORANGE, label="all, weighted")
ax.set_xlim(-0.5, 1.5)
sketch.finish(ax, "lg (muons / signal [VEM])", "showers")
figure

# %% [markdown]
# The points, of which none knows a primary, lie on the histogram of the protons. An error is $\sqrt{\sum w^2}$
# of its bin: signs cancel in the sum, not in the error.
#
# Weights go into a training as into any sum. A line for the muons, with the signal, the angle and the detector
# given:

# %%
logs = seen.with_columns({"lgN": np.log10(seen["muons"])})
muonic = {
    "all showers": samples(logs, MUONS[1:], answer="lgN"),
    "weighted": samples(logs, MUONS[1:], answer="lgN", weight="w"),
    "protons in truth": samples(logs.take(proton), MUONS[1:], answer="lgN"),
}
typical = np.array([[1.3, 1.2, 0.0, 1.0]])  # lg signal, sec, a tank
for name, X in muonic.items():
    found = bk.fit(bk.Linear(), X, losses.squared, bk.Analytic())
    slope, error = found.model.weights[0], found.errors()[1]
    print(f"{name:17} slope {slope:.3f} ± {error:.3f}, muons {10 ** found.model(typical)[0]:.1f}")

# %% [markdown]
# With the weights, showers of unknown primary have the muons of protons; all showers together have a fifth
# more. The error of the slope is larger than that of the protons in truth: again the effective number.
#
# Not every method takes such weights. A sum over events is a sum, whatever the signs. But a tree divides by the
# weight in a leaf, which may be next to nothing, and a search for cuts would look for boxes where weights
# happen to cancel. Such methods are left out, with a sentence:

# %%
signed = bk.train(
    muonic["weighted"], ["linear-analytic", "trees"], folds=2, threads=1, replicas=100
)
print(signed.left_out["trees"])
print(signed.evaluation.text())

# %% [markdown]
# ## Questions
#
# 1. Of the ten angles in your table one is −1 where it is unknown; the others go from −90° to 90°. What do you do?
# 2. A colleague fills gaps with the median of *all* events before the cross-validation. How much does that matter
#    with 6,000 events? With 60? Why is it wrong in both cases?
# 3. A counter saturates in strong showers and gives no number then. Which of the three kinds of missing is this, if
#    the signal of another detector stands in the table?
# 4. The best penalty of the grid search stands at the edge of the grid. What next?
# 5. Would you give `zenith` as a text, "steep" and "flat"? And the day of the week?
# 6. The weights of iron are $w_i$. What is $w_p + w_i$ of any event, and why?
#
# ## Exercises
#
# They check themselves: write the function, run the cell, read the hints. (Or in a file: `baksan check 06c.1`.)

# %% [markdown]
# ### Exercise 06c.1. Filled in, and flagged
#
# `seen` holds the training events, (n, d), and `x` others, (m, d); NaN marks what is missing,
# and each column of `seen` has some number. Return `x` with the median of the training
# events' numbers in place of what is missing, and behind it one more column for each column
# of `seen` that lacks something, in their order: 1 where `x` lacks it, else 0.


# %%
def completed(seen, x):
    raise NotImplementedError


bk.check("06c.1", completed)

# %% [markdown]
# ### Exercise 06c.2. A text is a column
#
# `seen` holds the texts of the training events, `text` those of n others; the empty text is
# a missing one. Return an array of n rows, with one column for each text that training saw,
# in alphabetical order: 1 where the event has this text, else 0.


# %%
def indicators(seen, text):
    raise NotImplementedError


bk.check("06c.2", indicators)

# %% [markdown]
# ### Exercise 06c.3. A mean with signed weights
#
# `value` and `weight` hold n numbers each; some weights may be negative, their sum is
# positive. Return three numbers: the weighted mean, its standard error
# √(Σ w² (value − mean)²) / Σ w, and the effective number of events.


# %%
def weighted_mean(value, weight):
    raise NotImplementedError


bk.check("06c.3", weighted_mean)

# %% [markdown]
# ## Projects
#
# Larger, and without a check. After each stands what you should find, about; not how.
#
# 1. **Whom a mark hurts.** Train `linear-analytic` and `trees` with `bk.train` for lg E, once with −999 as a number
#    and once with `marks` and `impute=True`.
#    You should find a root mean square error of 0.112 and 0.101 for the line. The trees have 0.103 both times: a
#    tree asks whether a time is less than 50 ns and has found its own mark. On what new events would it fail?
# 2. **By chance.** Let the fit of the rise time fail for 30 % of all showers, whatever their energy, and compare
#    the three ways again.
#    You should find no bias in any of them, an indicator of weight 0.002 ± 0.003, and root mean squares of 0.122
#    without the column and 0.113 filled in.
# 3. **Without the indicator.** `make_pipeline(SimpleImputer(strategy="median"), bk.LinearRegressor())` fills in
#    medians and says nothing of it. What does it do to the new showers?
#    You should find 0.119 in place of 0.100; showers without a rise time come out too high by 0.06 in lg E, and
#    those with one too low by 0.02.
# 4. **Densities that are a little wrong.** Give `sweights` a proton's depth that is 10 g/cm² too large.
#    You should find 8 % fewer protons, and muons for a typical shower that are less by half a per cent only: a
#    number of protons needs the densities more than their shape does.
# 5. **The condition.** Let the muons depend on the depth: multiply them by $10^{0.1 z}$, with $z$ the depth less
#    the mean of its kind, in standard deviations.
#    You should find 32.7 muons where protons have 28.0, and no sign of it in the fit or its errors.
