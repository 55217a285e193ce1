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
# # 5. Gamma or hadron
#
# A gamma-ray telescope on the ground sees flashes of light from showers in the air. For one flash that
# a gamma started there are hundreds or thousands that protons and nuclei started, all alike at first
# sight. Telling them apart is the daily bread of the field, and it has all the parts of a job in
# machine learning: look at the data, try rules, train several methods, compare them honestly, read the
# report, apply the model to new events.
#
# **What you will learn**
#
# * the whole main job, from a table of events to a model file that is applied to new data;
# * how to read a report: ROC with a logarithmic axis, quality factor, calibration, overtraining,
#   importance, error bars and paired differences;
# * three ways to fool oneself: near-copies on both sides of a split, a column that knows the answer,
#   and a simulation that is not the world.
#
# Everything runs without a network on simulated images. Where `BAKSAN_DATA` names a folder with the
# real files, the last sections use those too.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import os
import tempfile
from pathlib import Path

import numpy as np

import baksan as bk
from baksan import losses, metrics
from baksan.report import plots
from baksan.simulate import telescope

SMALL = os.environ.get("BAKSAN_SMALL") == "1"  # so the library's tests run this lesson quickly
EVENTS = 600 if SMALL else 8000
FAST = {"folds": 2, "replicas": 50, "threads": 1, "report": False} if SMALL else {}
HERE = Path(
    tempfile.mkdtemp(prefix="gamma-or-hadron-")
)  # a new folder each time; it may be deleted
print("What this lesson writes lies in", HERE)

# %% [markdown]
# ## Look before you train
#
# The images are described by Hillas' parameters: length and width of the spot, its size (all the
# light), how concentrated it is, its asymmetry, its angle to the source and its distance from it. The
# simulation is a toy that repeats how these ten numbers are distributed in a published table.

# %%
table = telescope.events(EVENTS, seed=1)
print(bk.describe(table, answer="class").text())

# %% [markdown]
# Read such a table slowly, column by column. (To the right a histogram of each, from low to high; `lg` says that
# it is one of the logarithm.) Are the units what you think? Is anything missing, or
# marked by a −999? Is a column constant? Is there one that *knows* the answer? Here `event` is a running
# number: it names events and is no feature. So we name the answer, the class that is the signal, and the
# column that names events; the others become features.

# %%
X = table.samples(answer="class", signal="gamma", id="event")
plots.inputs(X.x, [str(f) for f in X.features], X.answers, X.class_names)

# %%
plots.correlations(X.x, X.names, X.answers, X.class_names)

# %% [markdown]
# The second picture holds the correlations of each pair of features, in percent, for either class.
#
# `fAlpha` stands out: images of gammas point to the source, those of hadrons come from everywhere.
# `fLength` and `fWidth` come next. And the correlations differ between the classes: a method that
# looks at one feature at a time will miss that.

# %% [markdown]
# ## Rules by hand
#
# Before any learning: what would you do? Keep images that point to the source and are neither tiny nor
# huge.

# %%
train, test = X.split(0.5, seed=0)
hand = bk.Cuts.by_hand(
    {"fAlpha": (None, 12.0), "fLength": (15.0, 100.0), "fWidth": (10.0, 40.0)},
    features=X.names, units=[f.unit for f in X.features],
)  # fmt: skip
print(hand.text())


def passing(cuts, X):
    kept = cuts(X.x) > 0
    return kept[X.answers == 1].mean(), kept[X.answers == 0].mean()


signal, background = passing(hand, test)
print(f"keeps {signal:.1%} of the gammas and {background:.2%} of the hadrons")

# %% [markdown]
# ## Cuts that are found
#
# The same kind of rule, with the edges found from examples: from the whole space, peel off the slab
# that costs the least signal for its background, again and again. The boxes are nested, one for each
# level of background, so that one can choose afterwards how hard to cut.

# %%
found = bk.fit(bk.Cuts(), train, losses.zero_one, bk.CutSearch())
print(found.message)
p = found.predict(test.x)
ours = metrics.roc(p.score, test.answers)
print(f"where {background:.2%} of the hadrons pass, as with the rules by hand,", end=" ")
print(f"{ours.signal_at(background):.1%} of the gammas pass the cuts found. The box of that level:")
level = int(np.searchsorted(-np.array(bk.CutSearch().targets), -background))
print(found.model.text(min(level, len(found.model.boxes) - 1)))

# %% [markdown]
# Good cuts can be printed on a slide, and everybody sees what they do. Keep them in mind as the mark
# that a learning method has to beat.

# %% [markdown]
# ## The main job
#
# `train` runs a line-up of methods over folds: each event is predicted once, by a model that has not
# seen it. Then each method is trained on all events, and everything is written to a run folder: models,
# histories, predictions, figures of merit, a report. (The command line does the same:
# `baksan simulate telescope`, then `baksan train`.) It takes a minute or two; `progress` is called now and
# then with what is being done and the share of the work that is done.
#
# The methods of the line-up: `linear-analytic`, least squares on ±1, and `linear-gd`, logistic regression by
# gradient descent (both lesson 4); `cuts`, as above; and two of scikit-learn's. A tree asks yes-or-no questions
# of one feature after another. The `forest` lets many large trees vote, each grown on another draw of the
# events; `trees` adds many small ones up, each grown to mend what those before it got wrong (boosting).


# %%
said = []


def show(text, share):
    if text not in said:
        said.append(text)
        print(f"\r{share:4.0%} {text:40}", end="")


methods = ["linear-analytic", "linear-gd", "cuts", "trees", "forest"]
run = bk.train(X, methods, out=HERE / "run", seed=0, progress=show, **FAST)
print("\r" + run.evaluation.text())

# %% [markdown]
# One column a method, one row a figure of merit, a star for the best:
#
# * **AUC**: the share of pairs, gamma and hadron, in the right order (lesson 4); **accuracy**: the share of events
#   with the right label.
# * **ε_b at ε_s = 0.5**: how many hadrons pass a cut that keeps half of the gammas; **ε_s at ε_b = 0.01**: how many
#   gammas pass one that lets a hundredth of the hadrons through. Here the methods differ most.
# * **best Q**: the quality factor, below. **Merit factor**: how far the mean scores of the classes are apart,
#   in units of their spread.
# * **Brier score**, **log loss**, **ECE**: how wrong the probabilities are; small is good. The mean square of
#   $P$ less the truth, the logistic loss, and the mean distance of the calibration curve from the diagonal. Cuts
#   tell no probability, hence the dashes.
#
# In the run folder lies now:

# %%
for path in sorted((HERE / "run").rglob("*.*")):
    print(path.relative_to(HERE))

# %% [markdown]
# Open `report.html` in a browser; it needs no network. The rest of this section goes through its
# pictures. What they are drawn from lies in `report.json`, so each can be drawn again, here:

# %%
import json

shown = json.loads((HERE / "run/report.json").read_text(encoding="utf-8"))
print(shown["summary"])

# %% [markdown]
# ### ROC, with a logarithmic axis
#
# On a linear axis all good methods look alike. But a source that sends one gamma for a thousand hadrons
# is seen only where few hadrons in a thousand pass: at the far left, which a linear axis squeezes into
# a hair's breadth. The bands are the 68 % errors.

# %%
curves = {name: run.evaluation.curves[name]["roc"][0] for name in run.evaluation.models}
plots.roc(curves)

# %% [markdown]
# ### The quality factor
#
# With $\varepsilon_s$ of the signal and $\varepsilon_b$ of the background kept, the significance
# $S/\sqrt B$ changes by
#
# $$Q = \varepsilon_s / \sqrt{\varepsilon_b} .$$
#
# $Q = 3$ means the same significance in a ninth of the observation time. The maximum is looked for
# among the cuts that leave at least 25 background events: the best of many cuts that leave two or
# three is a lucky one.

# %%
for name in run.evaluation.models:
    row = run.evaluation.row(name, "q_factor")
    counts = row["counts"]
    print(f"{name:16} Q = {row['value']:.2f} (68 %: {row['low']:.2f} … {row['high']:.2f}), leaves"
          f" {counts['signal_left']} gammas and {counts['background_left']} hadrons")  # fmt: skip

# %% [markdown]
# ### Calibration
#
# Of all events that were given $P = 0.8$, eight in ten should be gammas. Points below the diagonal are
# promises broken. Cuts promise nothing and are not on the picture.

# %%
promised = {
    name: held["calibration"]
    for name, held in run.evaluation.curves.items()
    if "calibration" in held
}
plots.calibration(promised)

# %% [markdown]
# ### Train over test
#
# If the scores of the training events look better than those of the test events, the method has learned
# its examples by heart. The Kolmogorov-Smirnov test gives the chance of such a difference if there was
# none. It is a **flag, not a verdict**.

# %%
for name in ("linear-gd", "forest"):
    scores = shown["scores"][name]
    print(name, "p =", *(f"{p:.2g}" for p in scores["p_values"]))
    inside = metrics.auc(scores["train"]["score"], scores["train"]["y"])
    outside = metrics.auc(scores["test"]["score"], scores["test"]["y"])
    print(f"   AUC on training events {inside:.4f}, on test events {outside:.4f}")

# %%
scores = shown["scores"]["forest"]
plots.scores(scores["train"], scores["test"], X.class_names, scores["p_values"], title="forest")

# %% [markdown]
# The forest knows its training events perfectly, fails the test as badly as can be, and is still among
# the best on events that it has not seen. Judge by the figures on test events; the test says only that
# *figures on training events are worth nothing*.

# %% [markdown]
# ### What matters
#
# Shuffle one feature among the test events and see how far the AUC falls. This asks the trained model,
# not nature: of two features that carry the same message, each looks unimportant because the other is
# still there.

# %%
importance = {name: held["rows"] for name, held in shown["importance"].items()}
plots.importance(importance, metric="AUC")

# %% [markdown]
# All live on the angle to the source first. `fWidth` and `fSize` say next to nothing to the lines, and much to
# the trees and the forest: an image is narrow or broad *for its size*, and no weighted sum says that.

# %% [markdown]
# ## Is the difference real?
#
# Each figure has an error bar: 500 times over, a new sample is drawn from the events, of the same size
# and with repetition, and the figure is computed again (bootstrap). Two overlapping error bars do **not** mean that two methods
# are equal. Both were tested on the same events, and an event that is hard for one is hard for the
# other: the *difference* is known better than either. So the differences get error bars of their own,
# from the same replicas.

# %%
for d in run.evaluation.differences:
    if d["metric"] == "auc" and "linear-gd" not in (d["a"], d["b"]):
        verdict = "cannot be told apart" if d["zero_inside"] else "differ"
        found = f"{d['value']:+.4f} ({d['low']:+.4f} … {d['high']:+.4f})"
        print(f"{d['a']:16} less {d['b']:8} {found}  {verdict}".replace("-0.", "−0."))

# %%
a, b = (run.evaluation.row(name, "auc") for name in ("trees", "forest"))
widths = [(row["high"] - row["low"]) / 2 for row in (a, b)]
pair = next(d for d in run.evaluation.differences
            if d["metric"] == "auc" and {d["a"], d["b"]} == {"trees", "forest"})  # fmt: skip
print(f"error of the difference as if independent: {np.hypot(*widths):.4f}")
print(f"error of the difference, paired:           {(pair['high'] - pair['low']) / 2:.4f}")

# %% [markdown]
# What the bars do not hold: another training. They come from the events tested. The spread over the
# folds, where each time other events were trained on, stands beside them in `evaluation.json`
# (`fold_spread`).

# %% [markdown]
# ## Fooling oneself, first way: copies on both sides
#
# Simulation is dear, so one shower is used several times: thrown at five places of the array, say, or
# smeared five times. The five images are not equal, but nearly. Split them at random, and for almost
# every test event there is a sister among the training events that gives it away. The cure is to name
# the **group** of each event: groups stay on one side.
#
# (Samples never change; `replace` makes new ones that differ in the parts named.)

# %%
from dataclasses import replace

showers = 300
first = telescope.events(showers, seed=3).samples(answer="class", signal="gamma", id="event")
shower = np.repeat(np.arange(showers), 5)
smear = 0.1 * first.x.std(axis=0) * np.random.default_rng(0).normal(size=(5 * showers, 10))
used = replace(first.take(shower), x=first.x[shower] + smear, id=np.arange(5 * showers))

settings = {"test": 0.3, "threads": 1, "replicas": 100}
for what, samples in (("at random", used), ("by group ", replace(used, group=shower))):
    row = bk.train(samples, ["trees"], **settings).evaluation.row("trees", "auc")
    print(f"split {what}: AUC {row['value']:.3f} ({row['low']:.3f} … {row['high']:.3f})")

# %% [markdown]
# Both times the same events and the same method. Only the second number is what new showers will give.
# Mind the error bars too: by group they are drawn by group, and they are wider. 1,500 images of 300
# showers are 300 showers.

# %% [markdown]
# ## Save, load, apply
#
# The run folder holds a model file for each method. A `.baksan` file is a zip of a card in JSON and of
# plain arrays; loading one never executes anything. The card knows which features the model needs, in
# which unit, and their range in training.

# %%
stored = bk.load_model(HERE / "run/models/linear-gd.baksan")
print(stored.card.title, "·", stored.card.task, "·", stored.card.class_names)
for feature in stored.card.features[:3]:
    unit = f" [{feature.unit}]" if feature.unit else ""
    print(f"  {feature.name}{unit}, {feature.low:.4g} … {feature.high:.4g} in training")

# %% [markdown]
# New events, from the same simulation with another seed; in blocks, so that the file may be larger than
# memory. `ranked` puts the best candidates first. Their probabilities are so near to 1 that their odds,
# $P/(1-P)$, say more: how many gammas there are for one hadron.

# %%
from baksan.apply import apply

trees = bk.load_model(HERE / "run/models/trees.skops")
new = telescope.blocks(EVENTS, seed=2, rows=500)
print(apply(trees, new, HERE / "new.parquet", id="event", ranked=True))
best = bk.read(HERE / "new.parquet")
for event, said, P in zip(
    *(best[c][:5] for c in ("id", "prediction", "probability_gamma")), strict=True
):
    print(f"event {event}: {said}, P = {P:.5f}, odds {P / (1 - P):,.0f} to 1")

# %% [markdown]
# Units are checked. A file in centimetres is converted; one in seconds is refused, with a sentence.

# %%
lengths = telescope.events(200, seed=9)
mm = lengths.column("fLength")
in_cm = lengths.with_columns({"fLength": bk.Column(mm.values / 10, "cm")})
in_s = lengths.with_columns({"fLength": bk.Column(mm.values, "s")})

same = stored.apply(lengths)[0].score - stored.apply(in_cm)[0].score
print("largest difference between mm and cm:", float(abs(same).max()))
try:
    stored.apply(in_s)
except ValueError as error:
    print(error)

# %% [markdown]
# ## Fooling oneself, second way: the simulation is not the world
#
# Here 'the world' is the published MAGIC table (itself a simulation, but a full one of showers and
# telescope). Our toy has the same features in the same units, so a model that was trained on the toy can
# be applied as it is.


# %%
def there(name):
    """The data set, or None with the reason where it cannot be read on this machine."""
    try:
        return bk.load(name)
    except (FileNotFoundError, bk.data.ReadError) as error:
        print(f"Skipped. {error}")


magic = there("magic")

# %%
if magic:
    real = magic.samples()
    real_train, real_test = real.split(0.5, seed=0)
    at_home = bk.train(real_train, ["trees"], threads=1, replicas=50).models["trees"]
    told = {
        "trained on the real file": at_home.predict(real_test.x),
        "trained on the toy": trees.predict(real_test.x),
    }
    lost = bk.evaluate(
        told, real_test, replicas=100, metrics=["auc", "signal_at_0.05", "q_factor", "ece"]
    )
    print(lost.text())
    toy_auc = run.evaluation.value("trees", "auc")
    print(f"\nAUC that the toy promised, on toy events: {toy_auc:.4f}")

# %%
figure = None
if magic:
    both = {name: lost.curves[name]["roc"][0] for name in told}
    figure = plots.roc({**both, "toy, on the toy": curves["trees"]})
figure

# %% [markdown]
# The number that counts is the one on real events, and the toy cannot know it. The calibration suffers
# even more than the ranking: a probability is right only for the world it was learned in. Part of the loss comes
# from what the toy does not contain, part from what it contains and nature does not: a method that is
# strong enough learns the faults of a simulation, too. So compare the inputs first, data over simulation,
# and train on what agrees.

# %%
figure = None
if magic:
    x = np.vstack([real.x, X.x])
    origin = np.repeat([0, 1], [len(real), len(X)])
    names = [str(f) for f in real.features]
    figure = plots.inputs(
        x, names, origin, ["real file", "toy"], title="Real file and toy, both classes together"
    )
figure

# %% [markdown]
# Feature by feature the two nearly agree. But histograms show one feature at a time, and the methods look
# at all of them together. So ask a method: can it tell the two apart? If the toy was perfect, nothing
# could, and the AUC would be 0.5. (Only the gammas, so that the mixture plays no part.)

# %%
if magic:
    gammas = np.vstack([real.x[real.answers == 1], X.x[X.answers == 1]])
    origin = np.repeat([0, 1], [int(real.answers.sum()), int(X.answers.sum())])
    spot = bk.Samples(gammas, origin, features=real.features, class_names=("real file", "toy"))
    row = bk.train(spot, ["trees"], test=0.5, threads=1, replicas=50).evaluation.row("trees", "auc")
    print(f"AUC of 'toy or real file?': {row['value']:.3f} ({row['low']:.3f} … {row['high']:.3f})")

# %% [markdown]
# In the published table, too, some rows occur twice; the catalogue puts equal rows into one group.

# %%
if magic:
    print(magic.entry.group_rule)
    print(f"{len(real):,} rows, {len(np.unique(real.group)):,} groups")

# %% [markdown]
# ## Fooling oneself, third way: a column that knows
#
# The Fermi satellite's catalogue lists gamma-ray sources; some are known to be active galaxies, some to
# be pulsars, and for the rest one would like to know. The features describe the spectrum. But the table
# also has columns that were filled in *after* somebody knew what the source is.

# %%
fermi = there("fermi-4fgl")
if fermi:
    own = list(fermi.entry.features["standard"])
    for column in ("Unc_Counterpart", "GLAT", "Flags"):
        print(f"{column:16} forbidden: {fermi.entry.reason(column)}")
    try:
        fermi.samples([*own, "Unc_Counterpart"])
    except ValueError as error:
        print(error)

# %%
if fermi:
    for more in ([], ["Unc_Counterpart"]):
        samples = fermi.table.samples(answer="type", signal="pulsar", features=[*own, *more])
        done = bk.train(samples, ["trees"], threads=1, replicas=100, folds=2 if SMALL else 5)
        row = done.evaluation.row("trees", "auc")
        what = "the standard features" + (f" and {more[0]}" if more else "")
        print(f"{what}: AUC {row['value']:.4f} ({row['low']:.4f} … {row['high']:.4f})")

# %% [markdown]
# One column more, and nearly all that was left to win is won. A triumph? `Unc_Counterpart` is the error
# of the position of the *counterpart*, the galaxy or pulsar seen by other telescopes; radio telescopes
# measure pulsars in one way and galaxies in another. And a source that nobody has identified has no
# counterpart:

# %%
if fermi:
    unknown = bk.load("fermi-4fgl:unassociated").table
    for column in ("Signif_Avg", "Unc_Counterpart"):
        gone = [part.column(column).missing.mean() for part in (fermi.table, unknown)]
        print(f"{column}: missing in {gone[0]:.0%} of the {len(fermi.table):,} labelled sources and in"
              f" {gone[1]:.0%} of the {len(unknown):,} unassociated ones")  # fmt: skip

# %% [markdown]
# The better model cannot even be applied where it is needed. **A figure that is too good is a finding about
# the data, not about the method**: look for the column before you open the champagne. Ask of every
# feature: *will a new event have it, measured in the same way, before anyone knows the answer?*

# %% [markdown]
# ## Questions
#
# 1. Your experiment has one gamma in 10,000 events. Which of the figures in the table would you put into
#    the abstract, and which would you leave out? What can this sample say about
#    $\varepsilon_b = 10^{-4}$?
# 2. A colleague reports $Q = 11$ at a cut that leaves one background event. What do you ask?
# 3. The forest has AUC 1 on its training events. Why is that no reason to prefer another method?
# 4. Two methods differ by 0.003 ± 0.001 (paired) in AUC. Real? Does it matter?
# 5. Two features have correlation 0.99. What will their permutation importance be in a forest?
#
# ## Exercises
#
# They check themselves: write the function, run the cell, read the hints. (Or in a file: `baksan check 05.1`.)

# %% [markdown]
# ### Exercise 05.1. A cut for an efficiency
#
# `score` holds n scores, `signal` n numbers, 1 for signal and 0 for background. An event
# passes where its score is at least as high as the cut. Return the tightest cut that keeps a
# share of the signals of at least `efficiency` (more than 0, at most 1), one number.


# %%
def cut_for(score, signal, efficiency):
    raise NotImplementedError


bk.check("05.1", cut_for)

# %% [markdown]
# ### Exercise 05.2. A column that knows
#
# `x` holds n events with d features, one a row, `y` their classes, 0 or 1. Return the list of
# the numbers of those columns (0 … d − 1) that separate the classes *alone* with an AUC above
# `level`, in whichever direction. `bk.metrics.auc(score, y)` may be used.


# %%
def suspects(x, y, level):
    raise NotImplementedError


bk.check("05.2", suspects)

# %% [markdown]
# ### Exercise 05.3. Showers stay whole
#
# `group` tells for each of n events the number of its shower. Return n booleans, True for the
# events that are to be tested on: a share `share` of the *showers* (to the nearest whole
# number), drawn at random by `seed`, with all their events.


# %%
def test_events(group, share, seed):
    raise NotImplementedError


bk.check("05.3", test_events)

# %% [markdown]
# ### Exercise 05.4. An error bar for anything
#
# `values` is an array of n numbers, and `figure(values)` any figure of merit of them. Draw so
# many bootstrap `replicas`, by `seed`: n of the values, with repetition. Return two numbers,
# between which the figures of the central 68.27 % of the replicas lie.


# %%
def interval(figure, values, replicas, seed):
    raise NotImplementedError


bk.check("05.4", interval)

# %% [markdown]
# ## Projects
#
# Larger, and without a check. After each stands what you should find, about; not how. (`train` and `test` are the halves of 4,000 events.)
#
# 1. **Your own cuts.** Improve the rules by hand on `train` until you are content, then look at `test`
#    once. How near did you come to the cuts found at the same background?
#    You should find about 0.48 of the gammas at 0.083 of the hadrons; the cuts found keep 0.49 there.
# 2. **A feature of your own.** Add the area of the ellipse, or the product of `fAlpha` and `fLength`, with a
#    formula (`bk.data.derive` makes columns, or `--features` on the command line). Which methods gain, and why
#    not the trees as much as the lines?
#    You should find that the area changes nothing that can be told from zero, and that the product lifts the AUC
#    of `linear-gd` from 0.841 to 0.864 and leaves that of the trees at 0.94.
# 3. **Your method in the line-up.** Any scikit-learn estimator can stand beside ours:
#    `baksan.train.lineup.Theirs("neighbours", make_pipeline(StandardScaler(), KNeighborsClassifier(30)))`.
#    Where does it land?
#    You should find an AUC of 0.883, between the lines and the trees, and the worst calibration (ECE 0.08).
# 4. **How many events are enough?** Train the trees on 500, 1,000, 2,000, … events and draw AUC with its
#    error against the number, on one fixed test sample. What would ten times as many events give?
#    You should find 0.883, 0.908, 0.924, 0.932, 0.938 for 500 to 8,000, and 0.950 for 80,000.
# 5. **Worse data.** Apply the trees to events of a telescope whose mirrors have lost a fifth of their
#    light: subtract $\log_{10} 1.25$ from `fSize` of new events. How much AUC is lost, is the calibration
#    still good, and how many events are marked as outside of the training range?
#    You should find that 0.006 of the AUC is lost, that the ECE grows from 0.014 to 0.035, and that some 60 of
#    8,000 events are marked (20 before).
