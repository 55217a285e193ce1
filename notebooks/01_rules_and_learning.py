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
# # 1. Rules and learning
#
# A computer can be told what to do in two ways. Somebody writes down **rules**: "if the paper has two
# holes, it is an 8". Or somebody shows it **examples** and lets it look for the rules itself. This
# lesson does the same three jobs both ways: reading digits, adding two numbers, and telling gamma
# showers from hadron showers.
#
# **What you will learn**
#
# * what is meant by samples $X = \{(x_i, y_i)\}$, a model $a(x)$, a loss $Q(a, X)$ and a solver;
# * why rules that never err on print fail on handwriting, and what learning needs instead: examples;
# * what a learned model knows (what it was shown) and what it does not (everything else);
# * why the number that counts is measured on events that the model has never seen;
# * where rules are better.
#
# Every picture and every number below is computed when you run the cell. Change something and run it
# again: that is what the lesson is for.
#
# From the library we take `bk` itself, `rules` and `pen` for the digits, and `sketch`, which draws.

# %%
# %matplotlib inline
# %config InlineBackend.figure_formats = ["retina"]
import os

import numpy as np

import baksan as bk
from baksan import sketch
from baksan.reconstruct import digits as rules
from baksan.simulate import digits as pen

SMALL = os.environ.get("BAKSAN_SMALL") == "1"  # so the library's tests run this lesson quickly
TRAIN, TEST = (300, 200) if SMALL else (4000, 2000)

# %% [markdown]
# ## A number on paper
#
# The library has a pen. It writes a number with a `variety` between 0 (print: every 5 looks the same)
# and 1 (free handwriting: bent, slanted, broken strokes, several forms of one digit). And it has a
# reader, `rules.read_number`, that consists of rules written by a person who looked at print.

# %%
varieties = (0.0, 0.4, 0.7, 1.0)
numbers = [pen.number_image("504192", variety, seed=3) for variety in varieties]
read = [rules.read_number(number, width=pen.WIDTH) for number in numbers]
titles = [f"variety {v:g}: the rules read {r}" for v, r in zip(varieties, read, strict=True)]
sketch.images(numbers, titles, columns=2)

# %% [markdown]
# These are the rules, in words. In the code (`rules??` in a cell of its own shows it) each of them is a
# line with a number in it: a hole taller than 0.55 of the digit makes a 0, a digit narrower than half its
# height is a 1. None of these numbers was learned; each is somebody's good idea.

# %%
print(rules.__doc__)

# %% [markdown]
# ## The same job, learned
#
# Learning needs **samples**: pairs of a picture $x_i$ and the right answer $y_i$,
#
# $$X = \{(x_i, y_i)\},\quad i = 1 \dots n .$$
#
# A picture has $20 \times 16$ pixels. `flattened` writes them into one row of $d = 320$ numbers, and the
# first model of the course looks at these numbers in the simplest possible way: for each of the ten digits
# $k$ it makes a weighted sum,
#
# $$a_k(x) = w_{k0} + w_{k1} x_1 + \dots + w_{kd} x_d , $$
#
# and names the digit with the largest one. The weights $w_{kj}$ are not written by anybody: a
# **solver** finds those for which a **loss** $Q(a, X)$, the mean cost of the model's errors on the
# samples, is smallest. Which loss (here `softmax`) and how the solver does it (here by small steps,
# `MiniBatch`) are the matter of lessons 2 to 4. Here it is enough that learning is one sentence of four
# words, `bk.fit(model, samples, loss, solver)`, and that `predict` of what it found says for each picture
# a score of every class and the `label`, the class with the largest.


# %%
def learn_linear(X, epochs=10):
    solver = bk.MiniBatch(rate=0.2, epochs=epochs)
    return bk.fit(bk.Linear(standardise=False), X, bk.losses.softmax, solver)


train = pen.digits(TRAIN, variety=0.7, seed=1).flattened()
test = pen.digits(TEST, variety=0.7, seed=2).flattened()  # another seed: other pictures
linear = learn_linear(train)
print(f"{len(train):,} pictures of {train.x.shape[1]} pixels;", *train.class_names)
print("loss Q on the training pictures:", round(linear.loss, 4))
print("right on the training pictures:", np.mean(linear.predict(train.x).label == train.y))
print("right on new pictures:         ", np.mean(linear.predict(test.x).label == test.y))

# %% [markdown]
# Look at the last two lines. The first of them is what the solver worked for; the second is what we
# want. They are not the same, and **only the second counts**: a table that remembers all training
# pictures would be right in 100 % of the first and know nothing. From here on every accuracy is
# measured on new pictures.
#
# What did it learn? The weights of a digit are a picture again: blue pixels speak for the digit,
# orange ones against it.

# %%
weights = linear.model.weights.reshape(10, pen.HEIGHT, pen.WIDTH)
sketch.images(weights, test.class_names, signed=True)

# %% [markdown]
# ## As the handwriting gets freer
#
# Now the contest. Against the rules stand two learners: our linear model, and from scikit-learn the
# most literal learner there is, **nearest neighbours**: it remembers all training pictures, looks for
# the three that resemble the new one most, and lets them vote. At each variety both are trained on
# pictures of that variety. A fourth line shows the linear model that has seen **print only**.
#
# A `Prediction` is what anybody says of the events, us and scikit-learn included: here a score for each
# class. `bk.evaluate` compares predictions on the same events and gives each figure an error; a star
# marks the best of a row.


# %%
from sklearn.neighbors import KNeighborsClassifier


def read_by_rules(X):
    labels = [rules.read_digit(x.reshape(pen.HEIGHT, pen.WIDTH)) for x in X.x]
    return bk.Prediction(score=np.eye(10)[labels])


def read_by_neighbours(seen, X):
    """The three training pictures nearest to each new one vote; there is nothing else to train."""
    return bk.Prediction(score=KNeighborsClassifier(3).fit(seen.x, seen.y).predict_proba(X.x))


print_only = learn_linear(pen.digits(300, variety=0.0, seed=1).flattened())
steps = (0.0, 0.5, 1.0) if SMALL else (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
rows = []
for variety in steps:
    train = pen.digits(TRAIN, variety, seed=1).flattened()
    test = pen.digits(TEST, variety, seed=2).flattened()
    predictions = {
        "rules": read_by_rules(test),
        "linear": learn_linear(train).predict(test.x),
        "nearest neighbours": read_by_neighbours(train, test),
        "linear, shown print only": print_only.predict(test.x),
    }
    rows.append(bk.evaluate(predictions, test, metrics=("accuracy",), replicas=100))
print(rows[-1].text())

# %%
names = rows[0].models
found = {name: [evaluation.row(name, "accuracy") for evaluation in rows] for name in names}
value = {name: [row["value"] for row in found[name]] for name in names}
error = {name: [(row["high"] - row["low"]) / 2 for row in found[name]] for name in names}
sketch.lines(
    steps, value, "variety of the handwriting", "share of digits read correctly",
    errors=error, columns=2,
)  # fmt: skip

# %% [markdown]
# The error bars, mostly smaller than the markers, tell how much the shares would change with other test
# pictures. `bk.evaluate` draws a hundred **replicas** of them, each as large and with repetition, computes
# the share anew for each, and takes the central 68 % of the hundred: that is called a *bootstrap*.
#
# * On print all are perfect, the rules without having seen a single example.
# * With growing variety the rules lose ground first: each was true for print, and each breaks in its
#   own way. Learned models fall more slowly, and the one with more freedom more slowly still.
# * The model that was shown print only keeps up while the writing resembles print, and ends far
#   below the rules. **Learning knows only what it was shown.** Where training and application differ
#   (in physics: simulation and data!), a learned model has no reason to be right. The rules, written
#   by somebody who knows what a hole is, carry over better.
#
# Which digits do the rules confuse? Rows are the true digit, columns what was read. (`plots` holds the
# pictures of the library's reports.)

# %%
from baksan.report import plots

test = pen.digits(TEST, variety=0.7, seed=2).flattened()
counts = bk.metrics.confusion(read_by_rules(test).label, test.y, 10)
plots.confusion(counts, test.class_names, title="read by rules, variety 0.7")

# %% [markdown]
# On the diagonal stands what was read correctly. The mistakes beside it gather in few places: a rule that
# breaks, breaks in the same way each time.

# %% [markdown]
# ## How many examples?
#
# Rules need none. What does learning cost? We take more and more of the training pictures of
# variety 0.7.

# %%
pool = pen.digits(TRAIN, variety=0.7, seed=1).flattened()
sizes = [n for n in (20, 50, 100, 200, 500, 1000, 2000, 4000) if n <= TRAIN]
right = {
    "rules": np.mean(read_by_rules(test).label == test.y),
    "linear": [],
    "nearest neighbours": [],
}
for n in sizes:
    part = pool.take(np.arange(n))  # the first n pictures
    right["linear"].append(np.mean(learn_linear(part).predict(test.x).label == test.y))
    voted = read_by_neighbours(part, test)
    right["nearest neighbours"].append(np.mean(voted.label == test.y))
sketch.lines(sizes, right, "training pictures", "share read correctly", log="x")

# %% [markdown]
# Our handful of good ideas is worth as much as the number of examples at which the curves cross the
# line. Beyond that, learning wins, and more examples make it better still.
#
# ## Real handwriting
#
# Our pen is a toy. Scikit-learn carries 1,797 digits written by real people, scanned at
# $8 \times 8$ pixels; it is one of the data sets of the library's catalogue. We keep half for the
# test. Our rules were made for another resolution; we double the pixels and let them try.
#
# Samples never change. `replace` makes new ones that differ in one part: here in `x`, scaled from 0 … 16
# to 0 … 1, as our pen draws.

# %%
from dataclasses import replace

real = bk.load("digits").samples()
train, test = real.split(0.5, seed=1)
seen = replace(train, x=train.x / 16)
new = replace(test, x=test.x / 16)
larger = np.kron(new.x.reshape(-1, 8, 8), np.ones((1, 2, 2)))
predictions = {
    "rules": bk.Prediction(score=np.eye(10)[[rules.read_digit(x / x.max()) for x in larger]]),
    "linear": learn_linear(seen, epochs=50).predict(new.x),
    "nearest neighbours": read_by_neighbours(seen, new),
}
print(bk.evaluate(predictions, new, metrics=("accuracy",), replicas=100).text())

# %% [markdown]
# The rules still read about half of the digits, much better than the 10 % of guessing, and nobody
# would pay for that. Somebody could now improve them, digit by digit, for weeks. The learners needed
# 900 examples and a second.
#
# ## Learning that 2 + 3 = 5
#
# A job where the rule is known to everybody. We do not tell the rule: we show twenty examples
# $(a, b) \to c$ and fit
#
# $$a(x) = w_0 + w_1 a + w_2 b .$$
#
# The loss is the mean square $Q = \frac1n \sum_i (a(x_i) - c_i)^2$, and its minimum can be found
# exactly, in one step (`Analytic`; the next lesson does it by hand).

# %%
rng = np.random.default_rng(1)
pairs = rng.integers(0, 10, (20, 2))
sums = pairs.sum(axis=1)
X = bk.Samples(pairs, sums, features=("a", "b"), answer="c")
adder = bk.fit(bk.Linear(), X, bk.losses.squared, bk.Analytic())
print("some examples:", *(f"{a} + {b} → {a + b};" for a, b in pairs[:4]))
print("weights:", adder.model.weights.round(12), " intercept:", adder.model.intercept.round(12))
print("2 + 3 =", adder.model(np.array([[2, 3]])).round(9)[0])

# %% [markdown]
# The weights come out as 1 and 1, the intercept as 0: it has found addition. And outside the range of
# the examples? For comparison a **random forest**: the mean of a hundred *trees*, each a ladder of
# questions like "is $a$ above 4.5?" that was grown on another draw of the examples, with an answer at the
# end of each branch. It is far more flexible (it can learn any smooth or stepped function where it has
# examples).

# %%
from sklearn.ensemble import RandomForestRegressor

forest = RandomForestRegressor(100, random_state=0).fit(pairs, sums)
for a, b in [(2, 3), (7, 7), (12, 30), (504192, 1)]:
    question = np.array([[a, b]])
    line, trees = adder.model(question)[0], forest.predict(question)[0]
    print(f"{a} + {b}: linear {line:.6f}, forest {trees:.2f}")

# %% [markdown]
# The linear model extrapolates without an error because the truth *is* linear: its form was the right
# rule, only the numbers were missing. The forest cannot say a number larger than the largest that it
# has seen (and even $2 + 3$ is hard for it: twenty examples are few when every pair must be seen).
# Choosing the form of a model is writing a rule; choosing it well is physics.
#
# Now the examples get noisy: $c_i = a_i + b_i + \varepsilon_i$ with a standard deviation of 1. The
# weights have errors now, `errors()` tells them (lesson 2), and so has every prediction:
# $\sigma^2(x) = z^T C z$ with $z = (1, a, b)$ and $C$ the covariance of the coefficients.

# %%
noisy = replace(X, y=sums + rng.normal(0, 1, len(sums)))
adder = bk.fit(bk.Linear(), noisy, bk.losses.squared, bk.Analytic())
found = [adder.model.intercept, *adder.model.weights]
for name, value, error in zip(("intercept", *X.names), found, adder.errors(), strict=True):
    print(f"{name:9} {value:6.3f} ± {error:.3f}")

# %% [markdown]
# Ask both along the diagonal $a = b$, where the truth is $2a$:

# %%
a = np.linspace(0, 40, 81)
along = np.column_stack([a, a])
z = np.column_stack([np.ones_like(a), along])
sigma = np.sqrt(np.sum((z @ adder.covariance()) * z, axis=1))  # σ² = zᵀ C z for each of them
forest = RandomForestRegressor(100, random_state=0).fit(pairs, noisy.y)
miss = adder.model(along) - 2 * a

figure, (ax,) = sketch.panels()
ax.axvspan(0, 9, color=sketch.MUTED, alpha=0.12, lw=0, label="range of the examples")
ax.fill_between(a, miss - sigma, miss + sigma, color=sketch.COLOURS[0], alpha=0.2, lw=0)
ax.plot(a, miss, color=sketch.COLOURS[0], label="linear, with its own error")
ax.plot(a, forest.predict(along) - 2 * a, color=sketch.COLOURS[1], label="forest")
ax.axhline(0, color=sketch.INK, lw=0.7)
ax.set(xlim=(0, 40), ylim=(-12, 8))
sketch.finish(ax, "a = b", "predicted − true sum", columns=3)
figure

# %% [markdown]
# The error of the linear model grows with the distance from its examples, and it *says so*. The
# forest leaves the truth at the edge of its examples and says nothing.
#
# ## The bridge to physics: gamma or hadron?
#
# A Cherenkov telescope sees air showers as spots of light. A gamma shower makes a narrow ellipse that
# points to the source; a hadron shower makes a ragged one that points anywhere. Of each image ten
# numbers are kept (lesson 5 explains all): `fLength` and `fWidth` are the axes of the ellipse, `fAlpha`
# the angle between its long axis and the direction to the source. For decades the separation was done
# by **cuts**, rules written by hand:

# %%
from baksan.simulate import telescope

events = telescope.events(1500 if SMALL else 20_000, seed=1)  # a toy; see its documentation
X = events.samples(answer="class", signal="gamma", id="event")
train, test = X.split(0.5, seed=1)
units = [feature.unit for feature in X.features]
ours = {"fAlpha": (None, 12.0), "fWidth": (None, 30.0), "fLength": (None, 90.0)}
by_hand = bk.Cuts.by_hand(ours, X.names, units)
print(by_hand.text())

# %% [markdown]
# The learned counterpart: `CutSearch` looks for boxes in the space of the ten numbers, nested from
# loose to tight, each with as much signal as it can keep at its level of background. And, as for the
# digits, a linear model (logistic loss: lesson 4).

# %%
cuts = bk.fit(bk.Cuts(), train, bk.losses.zero_one, bk.CutSearch())
logistic = bk.fit(bk.Linear(), train, bk.losses.logistic, bk.GradientDescent(steps=300))

mine = np.mean(by_hand(train.x[train.y == 0]) > 0)
level = int(np.argmin(np.abs(np.array(bk.CutSearch().targets) - mine)))
print(f"our cuts keep {mine:.3f} of the training background; the learned box nearest to that:")
print(cuts.model.text(level))

# %% [markdown]
# Both say one number of each event, the **score**, and leave the last word to us: an event passes if its score
# is above a cut of our choice. As the cut is lowered, more gammas pass (upwards in the picture, the signal
# efficiency), and more hadrons too (to the right, the background efficiency). The curve of all cuts is called
# the **ROC curve**. Its horizontal axis is logarithmic, since a telescope works where few hadrons are left.

# %%
predictions = {
    "cuts found": cuts.predict(test.x),
    "linear": logistic.predict(test.x),
}
contest = bk.evaluate(predictions, test, replicas=50 if SMALL else 300)
curves = {name: contest.curves[name]["roc"][0] for name in predictions}
figure = plots.roc(curves, title="simulated telescope images")
passed = by_hand(test.x) > 0
background, signal = passed[test.y == 0].mean(), passed[test.y == 1].mean()
figure.axes[0].plot([background], [signal], "*", ms=11, color=sketch.INK)
figure.axes[0].annotate(
    "cuts by hand", (background, signal), (6, -10), textcoords="offset points", fontsize=8
)
print(f"by hand: {signal:.3f} of the gammas and {background:.3f} of the hadrons pass")
for name, curve in curves.items():
    same = np.interp(background, curve["background"], curve["signal"])
    print(f"{name}: {same:.3f} of the gammas at the same background")
figure

# %% [markdown]
# Read the picture from the star upwards: at the same background, how many more gammas does a method
# keep? A learned model gives a whole **curve**, one number (the score) on which one cuts where the
# measurement wants it; a rule gives a point. That the straight line of ten numbers and the box differ
# in where they are strong is a matter of lesson 5.
#
# ## Where rules are better
#
# * **No examples.** A new detector, a rare event: nobody has a thousand of them.
# * **The rule is known and exact.** Nobody learns $E^2 = p^2 + m^2$, coordinate transformations, or
#   addition. Put what you know into the features and the form of the model, and learn the rest.
# * **Conditions change.** The rule knows why it is true; the model knows what it has seen.
# * **It must be explained**, to a referee or to yourself at 3 a.m.: three cuts fit on a slide.
# * **The trigger has 100 ns.**
#
# And learning is better where there are examples, where the borders are not along one's axes, and
# where conditions are better simulated than described.
#
# ## Questions
#
# 1. Why do we draw the test pictures with another seed? What would the accuracy of nearest neighbours
#    (with one neighbour) be on its own training pictures?
# 2. The rules lose to the learners at variety 1, but beat "linear, shown print only". What does that
#    mean for a classifier trained on simulated showers?
# 3. The forest is the more powerful model and fails at $12 + 30$. Which rule did we give to the linear
#    model without noticing?
# 4. Our hand-made cuts are one point in the picture. How would you make a curve out of them?
#
# ## Exercises
#
# They check themselves. Write the function, run the cell, and read which laws it keeps; for each law that is
# broken there is a hint. (Or in a file of your own: `baksan check 01.1`, `baksan check` lists all.)

# %% [markdown]
# ### Exercise 01.1. The share that is right
#
# `label` and `answer` are arrays of n class numbers: what was said of each event, and the
# truth. Return the share of the events, between 0 and 1, for which the two agree.


# %%
def share_right(label, answer):
    raise NotImplementedError


bk.check("01.1", share_right)

# %% [markdown]
# ### Exercise 01.2. A table of confusions
#
# `label` and `answer` are arrays of n class numbers 0 … classes − 1. Return an array of
# `classes` rows and `classes` columns: in row i and column j stands how many events of the
# true class i were called j.


# %%
def confusions(label, answer, classes):
    raise NotImplementedError


bk.check("01.2", confusions)

# %% [markdown]
# ### Exercise 01.3. The nearest neighbour
#
# `seen` holds m events that somebody has labelled, one a row, and `answers` their m classes;
# `x` holds n new events with the same features. Return an array of n labels: for each new
# event the class of that one of the events seen which is nearest to it, by the length of the
# straight line between them.


# %%
def nearest(x, seen, answers):
    raise NotImplementedError


bk.check("01.3", nearest)

# %% [markdown]
# ### Exercise 01.4. The number that counts
#
# `x` holds n events (n is even), one a row, `y` their classes. `learn(x, y)` trains something
# on the events it is given, and returns a function that takes events and returns their
# labels. Return the share that is right, measured as it should be: half of the events, drawn
# at random by `seed`, are for learning, the others for counting.


# %%
def honest_share(x, y, learn, seed):
    raise NotImplementedError


bk.check("01.4", honest_share)

# %% [markdown]
# ## Projects
#
# Larger, and without a check. After each stands what you should find, about; not how.
#
# 1. **A better rule.** Find in the confusion matrix the pair of digits that the rules confuse most
#    often. Look at some of these pictures, write a rule that tells them apart, and measure what it
#    does to the *other* digits.
#    You should find two pairs at the top, 4 read as 7 and 9 read as 5: 47 of the 2,000 each. A rule that
#    mended one of them and spoiled nothing would lift the share at variety 0.7 from 0.836 to 0.860.
# 2. **Shown both.** Train the linear model on a mixture of print and free handwriting (`np.concatenate`
#    the arrays of two `Samples`). How does it do at variety 0, 0.5 and 1, against the specialists?
#    You should find about 1.00, 1.00 and 0.87 for 2,000 pictures of either kind: at variety 1 a little below
#    the specialist (0.89), who has seen twice as many of those.
# 3. **Multiplication.** Fit $c = a \cdot b$ with the linear model on $a$ and $b$. What does it find, and
#    how large are its errors? Add one feature that makes it exact, also outside the range.
#    You should find a typical error of about 8, and about 180 for $12 \cdot 30$; then 0 and 360.
# 4. **Your cuts.** Improve `ours` on the training events until no change helps. How near do you come to
#    the cuts found by the computer, on the *test* events? Count the minutes.
#    You should find about 0.49 of the gammas at 0.085 of the hadrons; the cuts found keep about 0.54 there.
# 5. **Neighbours.** Plot the accuracy of nearest neighbours at variety 1 against the number of
#    neighbours, for 100 and for all training pictures. Why does the best number differ?
#    You should find that one neighbour is best for 100 pictures (0.62; ten: 0.45), and that for all of them
#    everything from 1 to 10 reads 0.92 to 0.96.
