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
# # 8. Networks on gammas
#
# Lesson 7 watched single neurons. Now a network does the work of lesson 5, gamma or hadron, and then measures
# energies. It is one more model for the same verb, `bk.fit`; what is new is that there is so much to choose, and so
# many ways to learn the examples by heart.
#
# **What you will learn**
#
# * a network on real work, and how to read its training: two curves, and where they part;
# * to stop in time (patience), and to choose width and depth by events that were held back;
# * what to feed it: standardised features, and what long tails do;
# * Adam against plain descent, and rates that rise and fall;
# * several classes at once;
# * an energy, with its spread and with quantiles: predictions that say how sure they are;
# * an ensemble, and what it knows about where it has never been;
# * where networks stand beside trees.
#
# Everything runs on simulated images. Where `BAKSAN_DATA` names a folder with the real files, one section uses
# those too.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import os
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np

import baksan as bk
from baksan import losses, metrics, sketch
from baksan.report import plots
from baksan.simulate import telescope

SMALL = os.environ.get("BAKSAN_SMALL") == "1"  # so the library's tests run this lesson quickly
HERE = Path(tempfile.mkdtemp(prefix="networks-"))  # a new folder each time; it may be deleted

# %% [markdown]
# ## The samples
#
# The images of lesson 5. Three parts: to train on, to **hold back** (for decisions on the way), and to test on,
# once a decision is made.


# %%
def images(n, seed):
    table = telescope.events(n // 10 if SMALL else n, seed=seed)
    return table.samples(answer="class", signal="gamma", id="event")


train, held, test = images(3000, 1), images(3000, 2), images(30_000, 3)
print(f"{len(train):,} images to train on, {len(held):,} held back, {len(test):,} to test on")


def auc(found, X=None):
    X = test if X is None else X
    return metrics.auc(found.predict(X.x).score, X.answers)


# %% [markdown]
# ## A first network
#
# Two hidden layers of 64 neurons with relu. The last layer has one output, and the loss says what it means: with
# the logistic loss (lesson 4) it is the logarithm of the odds. `fit` encodes the features, draws the weights, and
# starts near the best constant.

# %%
net = bk.Network((64, 64))
first = bk.fit(net, train, losses.logistic, bk.Adam(batch=64, epochs=8), seed=1)
line = bk.fit(bk.Linear(), train, losses.logistic, bk.GradientDescent(momentum=0.9, steps=300))
print(f"{len(first.model.parameters):,} numbers, of {len(train):,} events: {first.message}")
print(f"AUC on test events: line {auc(line):.3f}, network {auc(first):.3f}")

# %% [markdown]
# More numbers than events! A linear model with more weights than events is hopeless (lesson 2). The network is
# not: it starts near a constant, moves a little in each step, and was stopped after eight looks at each event. How
# long a descent may go on is as good a limit as the number of weights. What if it goes on?
#
# ## Learned by heart
#
# `validation` names the events held back. The fit looks at the loss on them now and then, and learns nothing from
# them. (`look=1.0` lets it spend as much time on looking as on learning.)

# %%
wide = bk.Network((128, 128))
epochs = 10 if SMALL else 100
long = bk.fit(
    wide,
    train,
    losses.logistic,
    bk.Adam(batch=64, epochs=epochs),
    validation=held,
    look=1.0,
    seed=1,
)
print(f"AUC on training events {auc(long, train):.4f}, on test events {auc(long):.4f}")
plots.loss_against_iteration({"128 + 128 neurons": long.history.to_dict()}, against="epoch")

# %% [markdown]
# The loss on the training events falls and falls, and the AUC there is nearly 1. The loss on the others falls,
# turns, and climbs: the network has learned the noise of its examples, and is sure of it. **Overtraining** is the distance between the two curves. The cure that costs nothing is to stop at the lowest
# point of the second: with `patience=10` the fit stops when ten looks at the held-back events brought nothing
# better, and keeps the best weights.

# %%
solver = bk.Adam(batch=64, epochs=epochs, patience=10)
patient = bk.fit(wide, train, losses.logistic, solver, validation=held, seed=1)
print(patient.message)
print(f"AUC on training events {auc(patient, train):.4f}, on test events {auc(patient):.4f}")

# %% [markdown]
# The events held back have now had a say, in one number. A figure of merit on them is a little too good, so
# figures come from the test events.
#
# More cures, to be tried one by one: more events (the best one), `bk.AdamW(decay=…)`, which shrinks weights a
# little in each step, `dropout=0.5` (half of the neurons, other ones in each step, are left out), fewer neurons.

# %%
plain, shrinking = (bk.AdamW(batch=64, epochs=epochs, decay=decay) for decay in (0.0, 1.0))
cures = {
    "as it is": long,
    "patience": patient,
    "decay": bk.fit(wide, train, losses.logistic, shrinking, seed=1),
    "dropout": bk.fit(bk.Network((128, 128), dropout=0.5), train, losses.logistic, plain, seed=1),
    "8 neurons": bk.fit(bk.Network((8,)), train, losses.logistic, plain, seed=1),
}
print("            training loss   test loss   test AUC")
for name, found in cures.items():
    on_test = losses.Q(found.model, test, losses.logistic)
    print(f"{name:10} {found.loss:14.3f} {on_test:11.3f} {auc(found):10.4f}")

# %% [markdown]
# All of them mend the test loss, and eight neurons are too few: they cannot learn the noise, nor all of the signal.

# %% [markdown]
# ## Width and depth
#
# How many layers, of how many neurons? There is no formula. Look at events that were not trained on, with some
# seeds each: the spread over the seeds tells which differences mean something.

# %%
shapes = [(), (4,), (16,), (64,), (256,), (16, 16), (64, 64), (64, 64, 64, 64)]
shapes = shapes[:3] if SMALL else shapes
seeds = range(1 if SMALL else 3)
print("hidden                 numbers   AUC of the seeds")
for shape in shapes:
    fits = [
        bk.fit(bk.Network(shape), train, losses.logistic, solver, validation=held, seed=seed)
        for seed in seeds
    ]
    found = " ".join(f"{auc(one):.4f}" for one in fits)
    print(f"{shape!s:22} {len(fits[0].model.parameters):7,}   {found}")

# %% [markdown]
# Without a hidden layer it is the line. Sixteen neurons bring most of what there is to win. From 64 on little happens,
# and 256 are no worse with an event for each number than 64 with four, because patience holds them back.
# Deeper is not better by itself. For tables of ten or a hundred features one to three layers of 64 or more are a
# good start; what follows in this lesson is worth more than to search for the best shape.
#
# ## What to feed it
#
# `inputs="standard"` brings each feature to mean 0 and standard deviation 1. Features with long tails (sizes,
# energies, third moments) suffer: a few events stand at 10 standard deviations, and the others crowd at 0.
# `inputs="quantile"` first asks which *share* of the training events lies below, and takes the number at which a
# normal distribution has that share. Order is kept, tails are gone, and it makes no difference whether you give
# it an energy or its logarithm.

# %%
tail = train.names.index("fM3Long")
figure, axes = sketch.panels(2, 2.4)
for ax, kind in zip(axes, ("standard", "quantile"), strict=True):
    model = bk.Network(inputs=kind).prepared(train.x, train.w, outputs=1)
    z = model.encoding(train.x)[:, tail]
    ax.hist(z, bins=80, color=sketch.COLOURS[0])
    sketch.finish(ax, f"fM3Long as the network sees it, inputs={kind!r}", "events")
figure

# %%
spoilt = train.x.copy()
rare = np.random.default_rng(1).random(len(train)) < 0.002
spoilt[rare] *= 1e4  # two events in a thousand with a broken amplifier
broken = bk.Samples(spoilt, train.y, class_names=train.class_names, features=train.features)
for what, events in (("as they are", train), ("a few broken", broken)):
    for kind in ("standard", "quantile"):
        model = bk.Network((64, 64), inputs=kind)
        found = bk.fit(model, events, losses.logistic, solver, validation=held, seed=1)
        print(f"{what:12} {kind:8} AUC {auc(found):.4f}")

# %% [markdown]
# On clean events there is little between them. But a handful of broken events makes the standard deviation so
# large that all others look the same; quantiles do not care.
#
# ## The solver
#
# Plain descent takes the same rate for all weights. In a network their slopes differ by powers of ten, from layer
# to layer and neuron to neuron. **Adam** (Kingma and Ba 2015) measures them: it averages the gradient, $m$, and its
# square, $v$, and moves each weight by
#
# $$-\text{rate} \cdot \frac{\hat m}{\sqrt{\hat v} + \epsilon} :$$
#
# a weight whose gradient keeps its sign moves by about the rate in each step, however small the gradient is; one
# whose gradient flickers stays. The rate is then a *length*, and 0.001 is hardly ever very wrong. (Exercise 08.2.)

# %%
from baksan.solvers.schedules import Cosine, OneCycle, Step, WarmUp

epochs = 4 if SMALL else 20
solvers = {
    "SGD, rate 0.01": bk.MiniBatch(0.01, batch=64, epochs=epochs),
    "SGD, rate 0.1, momentum": bk.MiniBatch(0.1, batch=64, epochs=epochs, momentum=0.9),
    "RMSprop": bk.RMSprop(0.001, batch=64, epochs=epochs),
    "Adam": bk.Adam(0.001, batch=64, epochs=epochs),
}
histories = {
    name: bk.fit(net, train, losses.logistic, way, look=1.0, seed=1).history.to_dict()
    for name, way in solvers.items()
}
for history in histories.values():
    history["loss_progressive"] = np.full(len(history["loss"]), np.nan)  # only Q is drawn
plots.loss_against_iteration(histories, against="step", title="training loss")

# %% [markdown]
# Adam and RMSprop came down at their usual rate, without a search. Plain descent is far behind with one rate, and
# with momentum and ten times that rate it falls fastest; but that rate had to be found.
#
# The rate need not be constant. Large steps at the beginning pass over bumps, small ones at the end settle. A
# **schedule** says the rate of each step:

# %%
total = 1000
steps = np.arange(total)
sketch.lines(
    steps,
    {
        "Step, halved every 250": Step(0.01, every=250)(steps),
        "Cosine": Cosine(0.01, steps=total)(steps),
        "OneCycle": OneCycle(0.01, steps=total)(steps),
        "WarmUp, then Cosine": WarmUp(Cosine(0.01, steps=total), steps=100)(steps),
    },
    "step", "rate", columns=2,
)  # fmt: skip

# %% [markdown]
# Without `steps` they take those of the run. A large rate that falls to nothing has the good of both: wide steps
# pass over the narrow holes, in which noise is learned, and the end settles. There is often no need for patience
# then, nor for events to be held back; the run ends by itself.

# %%
for name, rate in (("constant", 0.01), ("Cosine", Cosine(0.01)), ("OneCycle", OneCycle(0.01))):
    way = bk.AdamW(rate, batch=64, epochs=2 if SMALL else 25, decay=0.3)
    found = [bk.fit(net, train, losses.logistic, way, seed=seed) for seed in seeds]
    print(f"{name:9} AUC", *(f"{auc(one):.4f}" for one in found))

# %% [markdown]
# ## Beside the trees
#
# Put together what has helped: quantile inputs, dropout, a falling rate; and one thing more, the mean of four
# networks that differ only in their seed, a `bk.Ensemble`. What is chance in one of them cancels in the mean. As a
# method of our own it stands in the line-up of lesson 5. (The line-up has a method `network`, too, which is such an
# ensemble for tables of any kind.)

# %%
from baksan.train.lineup import Ours

model = bk.Ensemble(bk.Network((64, 64), inputs="quantile", dropout=0.3), members=4)
way = bk.Adam(Cosine(0.005), batch=64, epochs=3 if SMALL else 30)
four = Ours("four-networks", "Four networks", "of this lesson", model, losses.logistic, way)
settings = {"folds": 2, "replicas": 50 if SMALL else 200, "report": False, "threads": 1}
run = bk.train(train, ["linear-gd", "trees", four], seed=0, **settings)
print(run.evaluation.text())

# %% [markdown]
# Each event here was predicted by a model that was trained on half of the 3,000. The models in `run.models` were
# trained on all of them. And anything that predicts can be compared on the same events, with error bars and paired
# differences:

# %%
told = {name: trained.predict(test.x) for name, trained in run.models.items()}
told["patient"] = patient.predict(test.x)
chosen = ["auc", "signal_at_0.01", "log_loss", "ece"]
beside = bk.evaluate(told, test, replicas=50 if SMALL else 200, metrics=chosen)
print(beside.text())
plots.roc({name: beside.curves[name]["roc"][0] for name in told})

# %% [markdown]
# Networks and boosted trees are near each other, as often on tables, and far above the line; which one wins nobody
# can say beforehand, so let both run. (Trees have the advantage of features that are unlike each other and of
# answers with corners; networks of smooth ones.) Networks come into their own where there is much data, where
# features are alike (pixels, samples of a pulse), and where a loss is wanted that trees do not know, as below.
#
# ## Several classes
#
# One output a class and the softmax loss (lesson 4); nothing else changes. The 1,797 digits, and the weights of
# the first layer drawn as images: what each neuron looks for.

# %%
digits = bk.load("digits").samples()
some, rest = digits.split(0.7, seed=0)
flat = bk.fit(bk.Linear(), some, losses.softmax, bk.GradientDescent(momentum=0.9, steps=300))
way = bk.AdamW(Cosine(0.01), batch=32, epochs=5 if SMALL else 30, decay=0.1)
read = bk.fit(bk.Network((20,)), some, losses.softmax, way, seed=1)
for name, found in (("linear", flat), ("20 neurons", read)):
    right = metrics.accuracy(found.predict(rest.x).label, rest.answers)
    print(f"{name:10} {right:.1%} of {len(rest)} test digits are read")
sketch.images(read.model.layers[0]["weight"].T.reshape(20, 8, 8), signed=True, columns=10)

# %% [markdown]
# ## An energy
#
# A regression. A **toy** calorimeter: a particle of energy $E$, from 1 to 100 GeV, evenly in $\lg E$, starts its shower
# at the depth $t$. What is measured is the signal, with a noise of $10\,\% \oplus 20\,\%/\sqrt{E}$; but late showers
# leak out at the back, and how much leaks varies. Wanted is $\ln E$, from signal and depth: an error of 0.1 there is
# an energy wrong by 10 %.


# %%
def showers(n, seed, low=1.0, high=100.0):
    """Samples with the features ln signal and depth, and the answer ln E."""
    rng = np.random.default_rng(seed)
    energy = np.exp(rng.uniform(np.log(low), np.log(high), n))
    depth = rng.exponential(1.0, n).clip(max=4.0)
    leak = 0.08 * depth * rng.uniform(0.2, 1.8, n)
    noise = np.hypot(0.1, 0.2 / np.sqrt(energy))
    signal = energy * (1 - leak) * np.exp(noise * rng.normal(size=n))
    features = (bk.Feature("ln_signal"), bk.Feature("depth"))
    x = np.column_stack([np.log(signal), depth])
    return bk.Samples(x, np.log(energy), features=features, answer=bk.Feature("ln_E"))


n = 1000 if SMALL else 20_000
beam, check_beam = showers(n, seed=1), showers(n, seed=2)
measure = bk.Network((32, 32), activation="silu")
way = bk.Adam(Cosine(0.01), batch=128, epochs=5 if SMALL else 20)
value = bk.fit(measure, beam, losses.squared, way, seed=1)
straight = bk.fit(bk.Linear(), beam, losses.squared, bk.Analytic())
for name, found in (("line", straight), ("network", value)):
    off = found.predict(check_beam.x).value - check_beam.y
    print(f"{name:8} mean {off.mean():+.4f}, standard deviation {off.std():.4f}")

# %% [markdown]
# ### How sure?
#
# One number for the resolution hides what matters: an early shower is measured well, a late one badly, a faint
# one worst. Let the network have a second output, and let it say its own spread: with $p = (m, \ln\sigma)$ the loss
# is minus the logarithm of the normal density (Nix and Weigend 1994; Exercise 08.4),
#
# $$\frac12\Big(\frac{y - m}{\sigma}\Big)^2 + \ln\sigma + \frac12\ln 2\pi .$$
#
# Nobody tells it a σ. Where it claims too small a one, the first term punishes; too large, the second.

# %%
sure = bk.fit(measure, beam, losses.gaussian, way, seed=1)
p = sure.predict(check_beam.x)
pull = (check_beam.y - p.value) / p.spread
print(f"σ from {p.spread.min():.2f} to {p.spread.max():.2f}")
print(f"pulls (y − m)/σ: mean {pull.mean():+.3f}, standard deviation {pull.std():.3f}")

edges = np.quantile(check_beam.x[:, 0], np.linspace(0, 1, 13))
figure, axes = sketch.panels(2, 2.8, sharey=True)
parts = {"early, depth < 0.5": check_beam.x[:, 1] < 0.5, "late, depth > 2": check_beam.x[:, 1] > 2}
for ax, (name, part) in zip(axes, parts.items(), strict=True):
    off = p.value - check_beam.y
    inside = [part & (check_beam.x[:, 0] >= a) & (check_beam.x[:, 0] < b)
              for a, b in pairwise(edges)]  # fmt: skip
    middle = [np.exp(check_beam.x[k, 0].mean()) for k in inside]
    ax.plot(middle, [off[k].std() for k in inside], "o", ms=4, color=sketch.COLOURS[1],
            label="spread of m − y")  # fmt: skip
    ax.plot(middle, [np.sqrt((p.spread[k] ** 2).mean()) for k in inside], color=sketch.COLOURS[0],
            label="σ, as the network says")  # fmt: skip
    ax.set_ylim(0, 0.3)
    sketch.finish(ax, "signal [GeV]", "error of ln E" * (ax is axes[0]), title=name, log="x")
figure

# %% [markdown]
# The line is what the network says of *each* shower before anyone knows the answer; the points are what happened.
# Such a σ is worth gold: it is the weight of this event in a fit, and the reason to leave another one out. (It is
# the spread of the data, as if the network was perfectly trained. What the training itself does not know is another
# thing; see below.)
#
# ### Quantiles
#
# Where errors are not normal, ask for quantiles: `losses.quantile(0.05, 0.5, 0.95)`, an output each.

# %%
three = bk.fit(measure, beam, losses.quantile(0.05, 0.5, 0.95), way, seed=1)
q = three.predict(check_beam.x).quantiles
below = (check_beam.y[:, None] < q).mean(axis=0)
print("of the answers lie below the quantiles 5, 50, 95 %:", *(f"{share:.1%}" for share in below))

depth = np.linspace(0, 4, 81)
at = three.predict(np.column_stack([np.full(81, np.log(20.0)), depth])).quantiles
figure, (ax,) = sketch.panels()
ax.fill_between(
    depth, *np.exp(at[:, [0, 2]]).T, color=sketch.COLOURS[0], alpha=0.2, lw=0, label="5 to 95 %"
)
ax.plot(depth, np.exp(at[:, 1]), color=sketch.COLOURS[0], label="median")
near = np.abs(check_beam.x[:, 0] - np.log(20.0)) < 0.05
ax.plot(
    check_beam.x[near, 1], np.exp(check_beam.y[near]), ".", ms=3, color=sketch.INK, label="showers"
)
sketch.finish(ax, "depth", "energy behind a signal of 20 GeV [GeV]")
figure

# %% [markdown]
# ## Where it has never been
#
# All of this is true of showers like those of the training, from 1 to 100 GeV. What does the network say of one of
# 1000 GeV? *Something*, without a blush. One network gives no hint. Several, that differ only in where they began,
# do: where there were events they agree, and beyond each goes its own way. `bk.Ensemble` trains them, predicts by
# their mean, and its `spread` is how much they disagree.

# %%
several = bk.fit(bk.Ensemble(measure, members=5), beam, losses.squared, way, seed=1)
energy = np.geomspace(0.01, 10_000, 241)
at = np.column_stack([np.log(energy), np.full(len(energy), 0.5)])
figure, (left, right) = sketch.panels(2, 2.9)
for member in several.model.networks:
    left.plot(energy, np.exp(member(at)) / energy, lw=0.7, color=sketch.MUTED)
left.plot(energy, np.exp(several.model(at)) / energy, color=sketch.COLOURS[0], label="the mean")
left.set_ylim(0.5, 2)
right.plot(energy, several.model.spread(at), color=sketch.COLOURS[0], label="their spread")
for ax in (left, right):
    ax.axvspan(1, 100, color=sketch.COLOURS[2], alpha=0.15, lw=0, label="trained here")
sketch.finish(left, "signal [GeV]", "energy told / signal", log="x")
sketch.finish(right, "signal [GeV]", "spread of ln E", log="xy")
figure

# %% [markdown]
# Inside they agree to a fraction of a percent, much less than the noise of a shower. Outside the disagreement grows
# by powers of ten: a warning that costs only time. It is **no error bar**: all members can be wrong together, and on
# the left they nearly are. The honest answer to an event from outside is still: *not trained for this*.
#
# ## Save and load
#
# As any model. The file holds the numbers, the encoding, and a card that says what the features must be.

# %%
path = bk.save_model(HERE / "energy", sure)
stored = bk.load_model(path)
again = stored.predict(check_beam.x[:3])
print(path.name, f"{path.stat().st_size / 1000:.0f} kB:", stored.card.title)
print("ln E =", again.value.round(3), "±", again.spread.round(3))
assert np.array_equal(again.value, p.value[:3])

# %% [markdown]
# ## On the published table
#
# Does it hold on images that a full simulation of showers and telescope has made?

# %%
try:
    magic = bk.load("magic").samples()
except (FileNotFoundError, bk.data.ReadError) as error:
    magic = None
    print(f"Skipped. {error}")

# %%
if magic:
    published, unseen = magic.split(0.5, seed=0)
    way = bk.Adam(Cosine(0.005), batch=128, epochs=1 if SMALL else 15)
    found = bk.fit(model, published, losses.logistic, way, seed=0)
    known = bk.train(published, ["trees"], test=0.1, replicas=50, report=False, threads=1)
    trees = known.models["trees"]
    told = {"trees": trees.predict(unseen.x), "four-networks": found.predict(unseen.x)}
    print(bk.evaluate(told, unseen, replicas=50 if SMALL else 200, metrics=chosen).text())

# %% [markdown]
# ## Questions
#
# 1. The training loss still falls, the held-back loss has risen for a while. Which of the two do you report? And
#    after you have tried a hundred settings and kept the one with the lowest held-back loss?
# 2. `inputs="quantile"` makes it unimportant whether a feature is an energy or its logarithm. For which other
#    method of lesson 5 is this true without doing anything?
# 3. Multiply the loss by 1000. What changes for plain descent, and what for Adam?
# 4. The gaussian loss can be negative. Is something wrong?
# 5. The network says $\sigma = 0.1$, and the ensemble's spread is 0.002. A colleague has ten times as many training
#    events. Which of the two numbers will shrink?
# 6. An event comes with $\ln E = 9$, far outside. What do you want your program to do?
#
# ## Exercises
#
# They check themselves: write the function, run the cell, read the hints. (Or in a file: `baksan check 08.1`.)

# %% [markdown]
# ### Exercise 08.1. How many numbers
#
# A network hears so many `features`, has hidden layers of the widths in the list `hidden`
# (which may be empty), and so many `outputs`. Every neuron and every output has a weight for
# each of its inputs, and a bias. Return how many numbers are to be learned.


# %%
def how_many(features, hidden, outputs):
    raise NotImplementedError


bk.check("08.1", how_many)

# %% [markdown]
# ### Exercise 08.2. Adam
#
# `gradients`, (T, P), holds the gradient of P parameters in each of T steps. Return Adam's
# moves, (T, P): with m ← 0.9 m + 0.1 g and v ← 0.999 v + 0.001 g², both from 0, the move of
# step t = 1 … T is −rate · m̂ / (√v̂ + 10⁻⁸), where m̂ = m / (1 − 0.9^t) and
# v̂ = v / (1 − 0.999^t).


# %%
def adam_moves(gradients, rate):
    raise NotImplementedError


bk.check("08.2", adam_moves)

# %% [markdown]
# ### Exercise 08.3. Patience
#
# `losses` holds the loss on held-back events at each look, in order. A run stops at the first
# look at which the lowest loss so far is `patience` looks old, or else at the last one; only
# a lower loss makes a new lowest. Return two numbers, counted from 0: the look at which it
# stops, and the look whose weights are kept, the one with the lowest loss.


# %%
def ended(losses, patience):
    raise NotImplementedError


bk.check("08.3", ended)

# %% [markdown]
# ### Exercise 08.4. A mean and its spread
#
# A network has two outputs an event, `m` and `s`, the mean of the answer and the logarithm of
# its standard deviation, s = ln σ; `y` are the answers; all of them (n,). The cost of an
# event is minus the logarithm of the normal density of y with this mean and σ. Return the
# costs, their slopes in m, and their slopes in s, three arrays of n numbers.


# %%
def spread_cost(m, s, y):
    raise NotImplementedError


bk.check("08.4", spread_cost)

# %% [markdown]
# ## Projects
#
# Larger, and without a check. After each stands what you should find, about; not how.
#
# 1. **On a published table.** With the real files at hand (`BAKSAN_DATA`): `bk.train(bk.load("magic").samples(),
#    ["network", "trees"], folds=5)`, the ensemble of four of baksan's line-up against trees, on 19,020 images of a
#    simulation that people have compared methods on since 2004. How many more gammas are kept where one hadron in a
#    hundred passes?
#    You should find an AUC of 0.941 ± 0.002 and 0.935 ± 0.002, and 35.8 ± 1.8 % of the gammas kept against 31.3 ± 1.7 %.
#    The events are the same, so the difference is known better than either: 0.0061 ± 0.0009 in AUC.
# 2. **Who needs how many events?** Learn 500, 2,000, 8,000 and 32,000 simulated images by a straight line (logistic), and
#    by `bk.Network((128, 128), inputs="quantile", normalise="batch", dropout=0.25)` with AdamW along a cosine from 0.01,
#    1.2 million events seen in all (20 to 200 epochs); test on 30,000 others.
#    You should find for the line 0.837, 0.842, 0.844, 0.844: it has learned all it can from a thousand events. For the
#    network 0.905, 0.930, 0.956, 0.962: it has not. (Other seeds: up to 0.007 off.)
